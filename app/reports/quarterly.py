"""The quarterly report (R13): overview, one table per unit group, overdue list, charts, counting rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Literal

from app.rules.measures import Punctuality, Tally, difference, growth, rate

from .overdue import OverdueRow, clock_table
from .table import (
    N_,
    Book,
    Cell,
    Chart,
    ChartPage,
    Column,
    Figure,
    Kind,
    ReportTable,
    Series,
    Translate,
    Value,
    wording,
)

_NONE = Punctuality()

MeasureCode = Literal[
    "received", "merged", "declined", "self_handled", "forwarded", "to_leaders", "assigned", "finished",
    "on_time", "late", "unfinished", "overdue", "finish_rate", "on_time_rate", "mean_days", "explanations",
    "overdue_without_note", "urges", "history",
]
# Codes → English msgids and how the value reads; pages use the same through this.
MEASURES: Mapping[MeasureCode, tuple[str, Kind]] = {
    "received": (N_("Appeals received"), "int"),
    "merged": (N_("of which merged into another"), "int"),
    "declined": (N_("Not accepted"), "int"),
    "self_handled": (N_("Handled by the duty office itself"), "int"),
    "forwarded": (N_("Forwarded to units"), "int"),
    "to_leaders": (N_("Submitted to leaders for instruction"), "int"),
    "assigned": (N_("Appeals assigned"), "int"),
    "finished": (N_("Appeals finished"), "int"),
    "on_time": (N_("Finished on time"), "int"),
    "late": (N_("Finished late"), "int"),
    "unfinished": (N_("Unfinished"), "int"),
    "overdue": (N_("of which overdue"), "int"),
    "finish_rate": (N_("Finish rate"), "percent"),
    "on_time_rate": (N_("On-time rate"), "percent"),
    "mean_days": (N_("Average handling days"), "decimal"),
    "explanations": (N_("Situation explanations"), "int"),
    "overdue_without_note": (N_("Overdue without note"), "int"),
    "urges": (N_("Telephone urges"), "int"),
    "history": (N_("History items (imported, not scored)"), "int"),
}
RULES = (
    (N_("Period"), N_("Appeals registered from the first to the last day of the quarter, in local time.")),
    (N_("Moment of the figures"),
     N_("The last moment at which any figure of this report changed; a limit that runs out is a change. Every"
        " figure, of earlier quarters too, is as it was then; what happened later is not in it.")),
    (N_("Ways of handling"),
     N_("Of the appeals of the period; one that was submitted to a leader and then forwarded counts in both.")),
    (N_("Appeals assigned"),
     N_("Appeals assigned to the unit as lead unit in the period. Co-handling units are not counted, and neither is"
        " what was transferred or went back on an objection. Merged appeals are received, each of them, and handled"
        " once.")),
    (N_("Appeals finished"),
     N_("Answered by the unit, struck off since or not, or explained because policy does not allow it.")),
    (N_("Finished on time, finished late"),
     N_("Finished before or after the unit's limit, extensions included. What was finished without a limit"
        " stands apart and is neither.")),
    (N_("Finish rate"), N_("Finished ÷ assigned.")),
    (N_("On-time rate"),
     N_("Finished on time ÷ (finished on time + finished late + unfinished and overdue). What still has time"
        " counts neither way.")),
    (N_("Overdue without note"),
     N_("Past the limit, unfinished, and neither a situation explanation nor a note filed.")),
    (N_("Situation explanations"),
     N_("Filed by the unit about the appeals assigned to it in the period.")),
    (N_("Telephone urges"), N_("Logged in the period.")),
    (N_("Average handling days"),
     N_("From assignment to answer, in calendar days of 24 hours, over finished appeals.")),
    (N_("Rates"),
     N_("Rounded half up to two decimals; a dash where nothing could be counted. A group's rate is computed"
        " from its appeals, not as a mean of its units' rates.")),
    (N_("Sections of the General Office"),
     N_("Measured on the clocks of their posts: collected in time, delivered the same day, fetched back in"
        " time, each of the clocks that came due, open overdue ones included. Of the same day, carrying the slip"
        " is the liaison's office's and delivering it the matching section's.")),
    (N_("Nil returns"), N_("Signed by the collectors of the section for days of the period.")),
    (N_("Returned for correction"),
     N_("Returned by the registrar in the period, counted for the section of the collector.")),
    (N_("Overdue list"),
     N_("Clocks of every kind that came due by the end of the period and at the moment of the figures still run.")),
    (N_("Limits that end at 24:00"), N_("They belong to the day they end.")),
    (N_("Rise or fall"), N_("Counts in percent of the earlier quarter, rates in percentage points.")),
    (N_("History items"),
     N_("Imported in the period with their reply and closed; counted apart, in no rate and in no score.")),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the overview; the value reads as MEASURES says. None where nothing could be counted."""

    code: MeasureCode
    value: int | Decimal | None
    previous: int | Decimal | None = None
    year_before: int | Decimal | None = None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit of the groups local and department."""

    name: str
    tally: Tally
    overdue_without_note: int = 0
    explanations: int = 0
    mean_days: Decimal | None = None


@dataclass(frozen=True, slots=True)
class UnitGroup:
    """A group of units that are compared with each other; `idle` names those without cases, listed apart.

    `total` carries the group's own mean of days, which is no mean of means.
    """

    name: str
    rows: tuple[UnitRow, ...]
    total: UnitRow
    idle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionRow:
    """One section of the General Office, measured on the clocks of its posts (R13)."""

    name: str
    collection: Punctuality = _NONE
    delivery: Punctuality = _NONE
    fetch_back: Punctuality = _NONE
    nil_returns: int = 0
    corrections: int = 0


@dataclass(frozen=True, slots=True)
class SectionGroup:
    """The General Office's own sections."""

    name: str
    rows: tuple[SectionRow, ...]
    idle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """How many appeals came by one channel or about one category, now and in the earlier quarter."""

    name: str
    count: int
    previous: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """One figure over the numbers of a field, now and in the earlier quarter."""

    name: str
    value: int | Decimal | None
    previous: int | Decimal | None = None


@dataclass(frozen=True, slots=True)
class FieldFigures:
    """A field made at run time: appeals counted by what it holds, or figures over its numbers.

    `is_several`: an appeal may stand in several of its rows.
    """

    name: str
    shares: tuple[Share, ...] = ()
    sums: tuple[Sum, ...] = ()
    is_several: bool = False


@dataclass(frozen=True, slots=True)
class QuarterFigures:
    """Everything the report says; names and sentences are in the reader's language already.

    `starts_on` and `ends_on` both belong to the quarter. `as_of` is the moment the figures were read at, not
    that of printing. `received` is what the shares of channels and categories are of. `marks` are lines under
    every title and in the foot of every page ("sample data").
    """

    period: str
    starts_on: date
    ends_on: date
    as_of: datetime
    overview: tuple[Measure, ...]
    local: UnitGroup
    department: UnitGroup
    section: SectionGroup
    received: int
    channels: tuple[Share, ...]
    categories: tuple[Share, ...]
    overdue: Iterable[OverdueRow]
    calendar: str = ""
    marks: tuple[str, ...] = ()
    author: str = ""
    fields: tuple[FieldFigures, ...] = ()
    overdue_fields: tuple[Column, ...] = ()


def book(figures: QuarterFigures, *, zone: tzinfo, t: Translate) -> Book:
    """The workbook. The same figures give the same book."""
    facts = _facts(figures, zone, t)
    return Book(
        title=_titled(t("Quarterly report of the Voice of the People Express, {period}"), figures),
        wording=wording(t), author=figures.author, footer=" ".join(figures.marks),
        sheets=(
            _overview(figures, facts, t),
            _unit_table(figures.local, facts, t),
            _unit_table(figures.department, facts, t),
            _section_table(figures.section, facts, t),
            _share_table(t("By channel"), t("Channel"), figures.channels, figures.received, facts, t),
            _share_table(t("Main categories"), t("Category"), figures.categories, figures.received, facts, t),
            *(_field_table(one, figures.received, facts, t) for one in figures.fields),
            _overdue_list(figures, facts, t),
            *_charts(figures, facts, t),
            _rules(figures, facts, t),
        ),
    )


def _titled(pattern: str, figures: QuarterFigures) -> str:
    return pattern.format(period=figures.period)


def _facts(figures: QuarterFigures, zone: tzinfo, t: Translate) -> tuple[str, ...]:
    line = t("{period}: {starts} to {ends} · figures as of {moment}").format(
        period=figures.period, starts=figures.starts_on.isoformat(), ends=figures.ends_on.isoformat(),
        moment=figures.as_of.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
    )
    return (line, *figures.marks)


def _overview(figures: QuarterFigures, facts: tuple[str, ...], t: Translate) -> ReportTable:
    before, year = t("Previous quarter"), t("Same quarter last year")
    return ReportTable(
        title=_titled(t("Quarterly report of the Voice of the People Express, {period}"), figures),
        sheet=t("Overview"), facts=facts,
        columns=(
            Column("measure", t("Measure"), width=38), Column("value", t("This quarter"), width=14),
            Column("previous", t("Value"), width=14, band=before),
            Column("previous_change", t("Rise or fall"), width=14, band=before),
            Column("year_before", t("Value"), width=14, band=year),
            Column("year_change", t("Rise or fall"), width=14, band=year),
        ),
        rows=[_measure(measure, t) for measure in figures.overview],
        notes=(t("History items are counted apart and enter no rate."),),
    )


def _measure(measure: Measure, t: Translate) -> tuple[Cell, ...]:
    label, kind = MEASURES[measure.code]
    return (
        t(label), Figure(measure.value, kind),
        Figure(measure.previous, kind), _change(measure.value, measure.previous, kind),
        Figure(measure.year_before, kind), _change(measure.value, measure.year_before, kind),
    )


def _change(now: int | Decimal | None, before: int | Decimal | None, kind: Kind) -> Figure:
    if kind == "percent":
        return Figure(difference(_decimal(now), _decimal(before)), "points")
    return Figure(growth(now, before), "growth")


def _decimal(value: int | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _unit_table(group: UnitGroup, facts: tuple[str, ...], t: Translate) -> ReportTable:
    finished, rates = t("Finished"), t("Rates")
    return ReportTable(
        title=group.name, facts=facts, frozen=2, notes=_idle(group.idle, t),
        columns=(
            Column("position", t("No."), "ordinal", width=6), Column("unit", t("Unit"), width=30),
            Column("assigned", t("Appeals assigned"), "int", width=10),
            Column("on_time", t("On time"), "int", width=10, band=finished),
            Column("late", t("Past the limit"), "int", width=10, band=finished),
            Column("unlimited", t("No limit"), "int", width=10, band=finished),
            Column("open", t("Total"), "int", width=10, band=t("Unfinished")),
            Column("overdue", t("Past the limit"), "int", width=10, band=t("Unfinished")),
            Column("finish_rate", t("Finish rate"), "percent", width=11, band=rates),
            Column("on_time_rate", t("On-time rate"), "percent", width=11, band=rates),
            Column("without_note", t("Overdue without note"), "int", width=12),
            Column("explanations", t("Situation explanations"), "int", width=13),
            Column("mean_days", t("Average handling days"), "decimal", width=12),
        ),
        rows=[(number, *_unit_cells(row)) for number, row in enumerate(group.rows, 1)],
        totals=("", *_unit_cells(group.total)),
    )


def _unit_cells(row: UnitRow) -> tuple[Value, ...]:
    tally = row.tally
    return (
        row.name, tally.assigned, tally.on_time, tally.late, tally.unlimited, tally.unfinished, tally.overdue,
        tally.finish_rate, tally.on_time_rate, row.overdue_without_note, row.explanations, row.mean_days,
    )


def _section_table(group: SectionGroup, facts: tuple[str, ...], t: Translate) -> ReportTable:
    legs = (("collection", t("Collected in time")), ("delivery", t("Delivered the same day")),
            ("fetch_back", t("Fetched back in time")))
    total = SectionRow(
        t("Total"), Punctuality.total(row.collection for row in group.rows),
        Punctuality.total(row.delivery for row in group.rows),
        Punctuality.total(row.fetch_back for row in group.rows),
        sum(row.nil_returns for row in group.rows), sum(row.corrections for row in group.rows),
    )
    return ReportTable(
        title=group.name, facts=facts, frozen=2, notes=_idle(group.idle, t),
        columns=(
            Column("position", t("No."), "ordinal", width=6), Column("section", t("Section"), width=26),
            *(
                Column(f"{leg}_{part}", word, kind, width=width, band=band)
                for leg, band in legs
                for part, word, kind, width in _leg_columns(t)
            ),
            Column("nil_returns", t("Nil returns"), "int", width=10),
            Column("corrections", t("Returned for correction"), "int", width=13),
        ),
        rows=[(number, *_section_cells(row)) for number, row in enumerate(group.rows, 1)],
        totals=("", *_section_cells(total)),
    )


def _leg_columns(t: Translate) -> tuple[tuple[str, str, Kind, int], ...]:
    return (
        ("due", t("Came due"), "int", 10), ("kept", t("In time"), "int", 10),
        ("rate", t("Rate in time"), "percent", 11),
    )


def _section_cells(row: SectionRow) -> tuple[Value, ...]:
    legs = (row.collection, row.delivery, row.fetch_back)
    figures = tuple(value for leg in legs for value in (leg.due, leg.in_time, leg.rate))
    return (row.name, *figures, row.nil_returns, row.corrections)


def _idle(names: tuple[str, ...], t: Translate) -> tuple[str, ...]:
    if not names:
        return ()
    listed = names[0]
    for name in names[1:]:
        listed = t("{head}, {tail}").format(head=listed, tail=name)
    return (t("Without cases in this period ({count}): {names}").format(count=len(names), names=listed),)


def _share_table(
    title: str, label: str, shares: tuple[Share, ...], received: int, facts: tuple[str, ...], t: Translate,
) -> ReportTable:
    return ReportTable(
        title=title, facts=facts,
        columns=(
            Column("position", t("No."), "ordinal", width=6), Column("name", label, width=36),
            Column("count", t("Number of appeals"), "int", width=10),
            Column("share", t("Share of all"), "percent", width=11),
            Column("previous", t("Previous quarter"), "int", width=12),
            Column("change", t("Rise or fall"), "growth", width=12),
        ),
        rows=[
            (number, share.name, share.count, rate(share.count, received), share.previous,
             growth(share.count, share.previous))
            for number, share in enumerate(shares, 1)
        ],
        notes=(t("Shares are of the {count} appeals received in the period.").format(count=received),),
    )


def _field_table(one: FieldFigures, received: int, facts: tuple[str, ...], t: Translate) -> ReportTable:
    """A field made at run time; its name is the office's own and may be that of a sheet of ours."""
    title = t("Field: {name}").format(name=one.name)
    if not one.sums:
        table = _share_table(title, one.name, one.shares, received, facts, t)
        more = (t("An appeal may stand in several rows."),) if one.is_several else ()
        return replace(table, notes=(*table.notes, *more))
    return ReportTable(
        title=title, facts=facts,
        columns=(
            Column("measure", t("Measure"), width=36), Column("value", t("This quarter"), "decimal", width=16),
            Column("previous", t("Previous quarter"), "decimal", width=16),
            Column("change", t("Rise or fall"), "growth", width=12),
        ),
        rows=[
            (row.name, _plain(row.value), _plain(row.previous), growth(row.value, row.previous)) for row in one.sums
        ],
        notes=(t("Over the appeals received in the period that hold a value."),),
    )


def _plain(value: int | Decimal | None) -> Figure:
    return Figure(value, "int" if isinstance(value, int) else "decimal")


def _overdue_list(figures: QuarterFigures, facts: tuple[str, ...], t: Translate) -> ReportTable:
    table = clock_table("open_overdue", figures.overdue, figures.as_of, facts=facts, t=t, fields=figures.overdue_fields)
    return ReportTable(t("Overdue list"), table.columns, table.rows, facts=facts, frozen=table.frozen)


def _charts(figures: QuarterFigures, facts: tuple[str, ...], t: Translate) -> Iterable[ChartPage]:
    for group in (figures.local, figures.department):
        rated = _on_time(group)
        yield ChartPage(t("On-time rate: {group}").format(group=group.name), Chart(
            "bar", t("Unit"), tuple(name for name, _ in rated),
            (Series(t("On-time rate"), tuple(value for _, value in rated)),), "percent",
        ), facts)
    yield ChartPage(t("Appeals by channel"), Chart(
        "column", t("Channel"), tuple(share.name for share in figures.channels),
        (
            Series(t("Previous quarter"), tuple(share.previous or 0 for share in figures.channels)),
            Series(t("This quarter"), tuple(share.count for share in figures.channels)),
        ),
    ), facts, t("Chart: appeals by channel"))


def _on_time(group: UnitGroup) -> list[tuple[str, Decimal]]:
    """Units that have a rate, best first, ties in the group's order; no rate must not look like 0 %."""
    rated = [(row.name, row.tally.on_time_rate) for row in group.rows]
    return sorted(((name, value) for name, value in rated if value is not None), key=lambda pair: -pair[1])


def _rules(figures: QuarterFigures, facts: tuple[str, ...], t: Translate) -> ReportTable:
    rows = [(t(name), t(rule)) for name, rule in RULES]
    if figures.calendar:
        rows.append((t("Working calendar"), figures.calendar))
    return ReportTable(
        title=t("Counting rules"), facts=facts, rows=rows,
        columns=(Column("name", t("Measure"), width=28), Column("rule", t("How it is counted"), width=90)),
    )
