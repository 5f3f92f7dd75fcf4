"""The overdue-case report as a workbook (R3, R6, R9, R18): a row is a clock, appeals counted beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Literal

from app.rules.measures import AGE_BUCKETS, age_bucket

from .table import N_, Book, Cell, Column, ReportTable, Translate, wording

State = Literal["open_overdue", "finished_late", "no_limit"]
STATES: tuple[State, ...] = ("open_overdue", "finished_late", "no_limit")

# Codes → English msgids; pages use the same words through these.
STATE_LABELS: Mapping[State, str] = {
    "open_overdue": N_("Open and overdue"),
    "finished_late": N_("Finished late"),
    "no_limit": N_("Without a limit"),
}
CLOCK_LABELS: Mapping[str, str] = {
    "collection": N_("Collection"),
    "carry": N_("Carrying to the section"),
    "delivery": N_("Same-day delivery"),
    "fetch_back": N_("Fetching back"),
    "sign_in": N_("Sign-in"),
    "unit_limit": N_("Unit limit"),
    "co_limit": N_("Co-handling limit"),
    "decision": N_("Deciding a request"),
    "review": N_("Reviewing the feedback"),
}
AGE_LABELS: Mapping[str, str] = {
    "under-1-day": N_("Less than 1 day"),
    "1-to-3-days": N_("1 to 3 days"),
    "3-to-7-days": N_("3 to 7 days"),
    "7-to-15-days": N_("7 to 15 days"),
    "15-to-30-days": N_("15 to 30 days"),
    "over-30-days": N_("30 days and more"),
}
COUNTING_RULES = (
    N_("A row is a clock; one appeal may have several, so the appeals are counted beside the clocks."),
    N_("Open and overdue: still running at the moment of the report, and its due moment has passed."),
    N_("Finished late: stopped after its due moment, counted whatever happened later."),
    N_("Without a limit: still running without a due moment; listed apart and never counted as overdue."),
    N_("Age: the time since the due moment, up to the moment of the report or the late finish;"
       " without a limit, the time since the start. A day has 24 hours, days of rest included."),
    N_("The due moment itself is in time, except for the daily 11:00 of channel classes C, D and E."),
    N_("A limit that ends at 24:00 belongs to the day it ends."),
    N_("A clock counts for the post or unit that answers for it now; a post's clock counts for its responsible"
       " office."),
    N_("Urges are counted up to the moment the report is read."),
    N_("History items (imported) have no clocks and never count."),
)


@dataclass(frozen=True, slots=True)
class OverdueRow:
    """One clock of the report. `clock_kind` is a key of CLOCK_LABELS, `link` the appeal's page."""

    clock_kind: str
    appeal_number: str
    subject: str
    unit: str
    post: str
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    state: State
    urges: int = 0
    link: str = ""
    more: tuple[Cell, ...] = ()  # of fields made at run time

    def age(self, as_of: datetime) -> timedelta:
        """How late it is, or was when it stopped; without a limit, how long it has been running."""
        return (self.stopped_at or as_of) - (self.due_at or self.started_at)

    def age_bucket(self, as_of: datetime) -> str:
        """The code of the step its age falls into (app/rules/measures.py)."""
        return age_bucket(self.age(as_of))


@dataclass(frozen=True, slots=True)
class OverdueCount:
    """Clocks and their distinct appeals, by state; `longest` is the greatest age of an open overdue one."""

    open_clocks: int = 0
    open_appeals: int = 0
    late_clocks: int = 0
    late_appeals: int = 0
    unlimited_clocks: int = 0
    unlimited_appeals: int = 0
    longest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OverdueReport:
    """What the report says. Keys of `by_clock` and `by_age` are codes, of `by_unit` and `by_post` names.

    `rows` gives the clocks of a state, each iterable read once and in order. `total` counts distinct appeals
    over everything, which may be less than the sum of the parts. `calendar` and `scope` are sentences in the
    reader's language; so is `exported` (who, when), which goes to the foot of every page.
    """

    as_of: datetime
    total: OverdueCount
    by_clock: tuple[tuple[str, OverdueCount], ...]
    by_unit: tuple[tuple[str, OverdueCount], ...]
    by_post: tuple[tuple[str, OverdueCount], ...]
    by_age: tuple[tuple[str, OverdueCount], ...]
    rows: Mapping[State, Iterable[OverdueRow]]
    calendar: str = ""
    scope: str = ""
    exported: str = ""
    author: str = ""
    notes: tuple[str, ...] = field(default=())
    fields: tuple[Column, ...] = ()


def book(report: OverdueReport, *, zone: tzinfo, t: Translate) -> Book:
    """The workbook: overview, by unit, by post, by age, then the clocks, a sheet for each state."""
    facts = _facts(report, zone, t)
    return Book(
        title=t("Overdue-case report"), wording=wording(t), footer=report.exported, author=report.author,
        sheets=(
            _overview(report, facts, t),
            _summary(t("Overdue by unit"), t("By unit"), t("Unit"), report.by_unit, report, facts, t),
            _summary(t("Overdue by post"), t("By post"), t("Post"), report.by_post, report, facts, t),
            _by_age(report, facts, t),
            *(clock_table(state, report.rows[state], report.as_of, facts=facts, t=t, fields=report.fields)
              for state in STATES),
        ),
    )


def clock_table(
    state: State, rows: Iterable[OverdueRow], as_of: datetime, *, facts: tuple[str, ...], t: Translate,
    fields: tuple[Column, ...] = (),
) -> ReportTable:
    """The clocks of one state, one to a row; `fields` are columns for what `OverdueRow.more` holds."""
    late, stopped = state != "no_limit", state == "finished_late"
    age = t("How late") if late else t("Running for")
    clocks = {code: t(label) for code, label in CLOCK_LABELS.items()}
    columns: list[tuple[Column, Callable[[int, OverdueRow], Cell]]] = [
        (Column("position", t("No."), "ordinal", width=7), lambda number, row: number),
        (Column("number", t("Appeal number"), width=21), lambda number, row: row.appeal_number),
        (Column("subject", t("Subject"), width=42), lambda number, row: row.subject),
        (Column("clock", t("Kind of clock"), width=14), lambda number, row: clocks[row.clock_kind]),
        (Column("unit", t("Responsible unit"), width=20), lambda number, row: row.unit),
        (Column("post", t("Post"), width=19), lambda number, row: row.post),
        (Column("started", t("Started"), "moment"), lambda number, row: row.started_at),
    ]
    if late:
        columns.append((Column("due", t("Due"), "moment"), lambda number, row: row.due_at))
    if stopped:
        columns.append((Column("stopped", t("Finished at"), "moment"), lambda number, row: row.stopped_at))
    columns += [
        (Column("age", age, "duration"), lambda number, row: row.age(as_of)),
        (Column("urges", t("Number of urges"), "int"), lambda number, row: row.urges),
        *((one, partial(_more, place)) for place, one in enumerate(fields)),
        (Column("link", t("Page address"), width=24, screen_only=True), lambda number, row: row.link),
    ]
    return ReportTable(
        title=t(STATE_LABELS[state]), columns=tuple(column for column, _ in columns), facts=facts, frozen=2,
        rows=_cells(rows, [read for _, read in columns]),
    )


def _more(place: int, _number: int, row: OverdueRow) -> Cell:
    return row.more[place]


def _cells(
    rows: Iterable[OverdueRow], readers: list[Callable[[int, OverdueRow], Cell]],
) -> Iterator[tuple[Cell, ...]]:
    for number, row in enumerate(rows, 1):
        yield tuple(read(number, row) for read in readers)


def _facts(report: OverdueReport, zone: tzinfo, t: Translate) -> tuple[str, ...]:
    moment = report.as_of.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return tuple(fact for fact in (t("As of {moment}").format(moment=moment), report.scope) if fact)


def _overview(report: OverdueReport, facts: tuple[str, ...], t: Translate) -> ReportTable:
    rules = [t("Counting rules")]
    rules += [f"{number}. {t(rule)}" for number, rule in enumerate(COUNTING_RULES, 1)]
    if report.calendar:
        rules.append(t("Working calendar: {calendar}").format(calendar=report.calendar))
    return ReportTable(
        title=t("Overdue-case report"), sheet=t("Overview"), facts=facts,
        columns=_count_columns(t("Kind of clock"), t),
        rows=[(t(CLOCK_LABELS[code]), *_counts(count)) for code, count in report.by_clock],
        totals=(t("Total"), *_counts(report.total)), notes=(*rules, *report.notes),
    )


def _summary(
    title: str, sheet: str, label: str, rows: tuple[tuple[str, OverdueCount], ...],
    report: OverdueReport, facts: tuple[str, ...], t: Translate,
) -> ReportTable:
    return ReportTable(
        title=title, sheet=sheet, columns=_count_columns(label, t), facts=facts, frozen=1,
        rows=[(name, *_counts(count)) for name, count in rows], totals=(t("Total"), *_counts(report.total)),
        notes=(t("An appeal with several clocks is counted in each of their rows, and once in the total."),),
    )


def _by_age(report: OverdueReport, facts: tuple[str, ...], t: Translate) -> ReportTable:
    known = dict(report.by_age)
    return _summary(
        t("Overdue by age"), t("By age"), t("How late"),
        tuple((t(AGE_LABELS[bucket.code]), known.get(bucket.code, OverdueCount())) for bucket in AGE_BUCKETS),
        report, facts, t,
    )


def _count_columns(label: str, t: Translate) -> tuple[Column, ...]:
    clocks, appeals = t("Number of clocks"), t("Number of appeals")
    return (
        Column("name", label, width=30),
        *(
            Column(f"{state}_{what}", word, "int", width=12, band=t(STATE_LABELS[state]))
            for state in STATES for what, word in (("clocks", clocks), ("appeals", appeals))
        ),
        Column("longest", t("Longest overdue"), "duration", width=16),
    )


def _counts(count: OverdueCount) -> tuple[Cell, ...]:
    return (
        count.open_clocks, count.open_appeals, count.late_clocks, count.late_appeals,
        count.unlimited_clocks, count.unlimited_appeals, count.longest,
    )
