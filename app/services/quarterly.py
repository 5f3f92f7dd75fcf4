"""The figures of a quarter for its circular (R13), every one aggregated in SQL from one snapshot of the database.

How it counts. Received are the appeals registered in the quarter; assigned are the assignments made in it, each in
exactly one quarter and with one outcome, whatever quarter its limit ends in. Sections are measured on the clocks
of their posts that came due in the quarter. Every state is derived from recorded moments as it was at `as_of`:
what happened later changes nothing. Imported history is counted apart and enters nothing else.

A limit that ends at 24:00 belongs to the day it ends: due moments are compared with the midnights (start, end].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.orm import Session

from app.reports.overdue import OverdueRow
from app.reports.quarterly import (
    MEASURES,
    Measure,
    MeasureCode,
    QuarterFigures,
    SectionGroup,
    SectionRow,
    Share,
    UnitGroup,
    UnitRow,
)
from app.reports.table import Translate
from app.rules.grants import Grant, GrantSet, Scope
from app.rules.measures import Punctuality, Tally, mean_days
from app.rules.quarters import Quarter
from app.services import overdue, overdue_workbook, present, report_fields
from app.services.actors import Actor
from app.services.grid_columns import Column

GROUPS = ("local", "department")
SECTIONS = "section"

# The software compiles for the whole office: the overdue list leaves nothing out.
COMPILER = Actor(None, None, GrantSet((Grant("report", Scope.ALL),)), process="quarterly_report")


@dataclass(frozen=True)
class Reader:
    """The reader's language and what only the edge can word. `link` gives the address of an appeal's page."""

    t: Translate
    english: bool
    period: str
    calendar: str
    sample_mark: str
    link: Callable[[int], str]

    def name(self, row: Mapping[Any, Any], field: str = "name") -> str:
        """The name in a row of a query; Chinese where no English one was given."""
        return str((row[f"{field}_en"] if self.english else "") or row[field] or "")

    def named(self, row: Any) -> str:
        """The same of a dictionary row, "" where there is none."""
        return str((self.english and row.name_en) or row.name) if row is not None else ""


# --- the moment of the figures ------------------------------------------------------------------------------

# Each line is the last moment at which a figure changed: something was recorded, or a limit ran out unfinished.
_LAST_CHANGE = text(
    """
    WITH span (starts, ends) AS (
        VALUES (CAST(:s0 AS timestamptz), CAST(:e0 AS timestamptz)),
               (CAST(:s1 AS timestamptz), CAST(:e1 AS timestamptz)),
               (CAST(:s2 AS timestamptz), CAST(:e2 AS timestamptz))
    ), ours AS (
        SELECT a.id, a.registered_at, a.merged_into_id, a.handling, a.voided_at FROM span
        JOIN appeal a ON a.registered_at >= span.starts AND a.registered_at < span.ends
        WHERE a.registered_at <= :now AND a.state <> 'history'
    ), given AS (
        SELECT s.appeal_id, s.unit_id, s.assigned_at, s.answered_at, c.due_at FROM span
        JOIN assignment s ON s.assigned_at >= span.starts AND s.assigned_at < span.ends
        LEFT JOIN clock c ON c.assignment_id = s.id AND c.kind = 'unit_limit'
        WHERE s.assigned_at <= :now AND s.part = 'lead'
    ), change (at) AS (
        SELECT max(registered_at) FROM ours
        UNION ALL SELECT max(voided_at) FROM ours WHERE voided_at <= :now
        UNION ALL SELECT max(j.at) FROM ours JOIN journal j ON j.appeal_id = ours.id
                  WHERE (ours.merged_into_id IS NOT NULL AND j.action = 'merge'
                         OR ours.handling = 'declined' AND j.action = 'decline') AND j.at <= :now
        UNION ALL SELECT max(c.started_at) FROM ours JOIN clock c ON c.appeal_id = ours.id
                  WHERE c.kind = 'unit_limit' AND c.unit_id IS NULL AND c.started_at <= :now
        UNION ALL SELECT max(s.assigned_at) FROM ours JOIN assignment s ON s.appeal_id = ours.id
                  WHERE s.assigned_at <= :now
        UNION ALL SELECT max(l.opinion_at) FROM ours JOIN slip l ON l.appeal_id = ours.id WHERE l.opinion_at <= :now
        UNION ALL SELECT max(assigned_at) FROM given
        UNION ALL SELECT max(answered_at) FROM given WHERE answered_at <= :now
        UNION ALL SELECT max(s.ended_at) FROM ours JOIN assignment s ON s.appeal_id = ours.id WHERE s.ended_at <= :now
        UNION ALL SELECT max(r.at) FROM ours JOIN review r ON r.appeal_id = ours.id WHERE r.at <= :now
        UNION ALL SELECT max(due_at) + :just_after FROM given
                  WHERE due_at < :now AND (answered_at IS NULL OR answered_at > due_at)
        UNION ALL SELECT max(e.at) FROM given JOIN explanation e
                  ON e.appeal_id = given.appeal_id AND e.unit_id = given.unit_id WHERE e.at <= :now
        UNION ALL SELECT max(j.at) FROM given JOIN journal j
                  ON j.appeal_id = given.appeal_id AND j.action = 'add_note' WHERE j.at <= :now
        UNION ALL SELECT max(u.at) FROM span JOIN urge u ON u.at >= span.starts AND u.at < span.ends
                  WHERE u.at <= :now
        UNION ALL SELECT max(h.created_at) FROM span
                  JOIN appeal h ON h.created_at >= span.starts AND h.created_at < span.ends
                  WHERE h.state = 'history' AND h.created_at <= :now
        UNION ALL SELECT max(c.stopped_at) FROM clock c
                  WHERE c.kind IN ('collection', 'carry', 'delivery', 'fetch_back') AND c.stopped_at <= :now
                    AND c.due_at > :s0 AND c.due_at <= :e0
        UNION ALL SELECT max(n.signed_at) FROM nil_return n
                  WHERE n.day BETWEEN :first_day AND :last_day AND n.signed_at <= :now
        UNION ALL SELECT max(j.at) FROM appeal a JOIN journal j ON j.appeal_id = a.id
                  WHERE a.corrections > 0 AND j.action = 'return_for_correction' AND j.at >= :s0 AND j.at < :e0
                    AND j.at <= :now
        UNION ALL SELECT max(c.due_at) + :just_after FROM clock c
                  WHERE c.stopped_at IS NULL AND c.due_at < :now AND c.due_at <= :e0
        UNION ALL SELECT max(c.stopped_at) FROM clock c
                  WHERE c.stopped_at >= c.due_at AND c.stopped_at <= :now AND c.due_at <= :e0
        UNION ALL SELECT max(u.at) FROM urge u JOIN clock c ON c.id = u.clock_id
                  WHERE c.due_at <= :e0 AND u.at <= :now
    )
    SELECT max(at) FROM change
    """
)


def data_moment(session: Session, quarter: Quarter, now: datetime) -> datetime:
    """The moment the figures of a quarter are of: the last one up to `now` at which any of them changed.

    A limit that runs out is a change, so the figures at this moment are those at `now`; and as long as nothing
    changes it stays the same, whenever it is asked. It is never before the end of a quarter that is over.
    """
    parameters: dict[str, Any] = {"now": now, "just_after": timedelta(microseconds=1)}
    for number, one in enumerate((quarter, quarter.previous, quarter.year_before)):
        parameters[f"s{number}"], parameters[f"e{number}"] = one.moments(present.zone())
    parameters |= {"first_day": quarter.first_day, "last_day": quarter.last_day}
    starts, ends = parameters["s0"], parameters["e0"]
    last: datetime | None = session.execute(_LAST_CHANGE, parameters).scalar_one()
    if keys := [one.key for one in report_fields.of_everybody()]:
        # What the fields of reports hold is read as it is now: writing into one is a change.
        filled = session.execute(report_fields.LAST_FILLED, {**parameters, "keys": keys}).scalar_one()
        last = max((one for one in (last, filled) if one is not None), default=None)
    earliest: datetime = ends if ends <= now else starts
    return max(last, earliest).astimezone(UTC) if last is not None else earliest


# --- what is counted ----------------------------------------------------------------------------------------

_APPEALS = text(
    """
    WITH ours AS (
        SELECT a.id, a.handling, a.merged_into_id, a.fictional FROM appeal a
        WHERE a.registered_at >= :starts AND a.registered_at < :ends AND a.registered_at <= :as_of
          AND a.state <> 'history' AND NOT COALESCE(a.voided_at <= :as_of, false)
    )
    SELECT count(*) AS received,
           count(*) FILTER (WHERE merged_into_id IS NOT NULL AND EXISTS (
               SELECT FROM journal j WHERE j.appeal_id = ours.id AND j.action = 'merge' AND j.at <= :as_of
           )) AS merged,
           count(*) FILTER (WHERE handling = 'declined' AND EXISTS (
               SELECT FROM journal j WHERE j.appeal_id = ours.id AND j.action = 'decline' AND j.at <= :as_of
           )) AS declined,
           count(*) FILTER (WHERE handling = 'self' AND EXISTS (
               SELECT FROM clock c WHERE c.appeal_id = ours.id AND c.kind = 'unit_limit' AND c.started_at <= :as_of
           )) AS self_handled,
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM assignment s WHERE s.appeal_id = ours.id AND s.assigned_at <= :as_of
           )) AS forwarded,
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM slip l WHERE l.appeal_id = ours.id AND l.opinion_at <= :as_of
           )) AS to_leaders,
           COALESCE(bool_or(fictional), false) AS fictional,
           (SELECT count(*) FROM urge u WHERE u.at >= :starts AND u.at < :ends AND u.at <= :as_of) AS urges,
           (SELECT count(*) FROM appeal h WHERE h.state = 'history' AND h.created_at >= :starts
               AND h.created_at < :ends AND h.created_at <= :as_of) AS history
    FROM ours
    """
)

# One row per lead unit: what it co-handled is another unit's appeal, and what went elsewhere on an objection or a
# transfer is not its own. Every limit of an assignment counts, that of a redo like the first: one broken is late.
_ASSIGNMENTS = text(
    """
    WITH given AS (
        SELECT s.id, s.appeal_id, s.unit_id, s.assigned_at, c.due_at, COALESCE(c.late, false) AS late,
               CASE WHEN s.answered_at <= :as_of THEN s.answered_at END AS answered_at,
               COALESCE(s.answered_at <= :as_of, false) AS done, a.note
        FROM assignment s
        JOIN appeal a ON a.id = s.appeal_id AND a.state <> 'history'
        LEFT JOIN LATERAL (
            SELECT max(k.due_at) AS due_at,
                   bool_or(k.reached > k.due_at OR (k.late_when = 'at_or_after' AND k.reached = k.due_at)) AS late
            FROM (SELECT *, CASE WHEN stopped_at <= :as_of THEN stopped_at ELSE :as_of END AS reached FROM clock) k
            WHERE k.assignment_id = s.id AND k.kind = 'unit_limit' AND k.started_at <= :as_of
        ) c ON true
        WHERE s.assigned_at >= :starts AND s.assigned_at < :ends AND s.assigned_at <= :as_of AND s.part = 'lead'
          AND NOT (s.ended_why IN ('transferred', 'objected', 'withdrawn') AND s.ended_at <= :as_of)
    ), judged AS (
        SELECT * FROM given
    )
    SELECT unit_id,
           count(*) AS assigned,
           count(*) FILTER (WHERE done AND due_at IS NOT NULL AND NOT late) AS on_time,
           count(*) FILTER (WHERE done AND late) AS late,
           count(*) FILTER (WHERE done AND due_at IS NULL) AS unlimited,
           count(*) FILTER (WHERE NOT done) AS unfinished,
           count(*) FILTER (WHERE NOT done AND late) AS overdue,
           COALESCE(sum(answered_at - assigned_at), interval '0') AS handling,
           COALESCE(sum((SELECT count(*) FROM explanation e WHERE e.appeal_id = judged.appeal_id
               AND e.unit_id = judged.unit_id AND e.at >= assigned_at AND e.at <= :as_of)), 0)::int AS explanations,
           count(*) FILTER (WHERE CASE WHEN NOT done AND late THEN
               NOT EXISTS (SELECT FROM explanation e WHERE e.appeal_id = judged.appeal_id
                   AND e.unit_id = judged.unit_id AND e.at >= assigned_at AND e.at <= :as_of)
               AND NOT (note <> '' AND COALESCE((SELECT min(j.at) FROM journal j
                   WHERE j.appeal_id = judged.appeal_id AND j.action = 'add_note') <= :as_of, true))
           END) AS overdue_without_note
    FROM judged GROUP BY unit_id
    """
)

_UNITS = text(
    """
    SELECT u.id, u.name, u.name_en, u.active, g.code AS group_code, g.name AS group_name, g.name_en AS group_name_en
    FROM unit u JOIN unit_group g ON g.id = u.group_id ORDER BY u.sort, u.id
    """
)

# A post's clock is its responsible office's. The same day has two legs (R6), each of who answers for it: carrying is
# the liaison's office's, delivering the matching section's.
_LEGS = text(
    """
    WITH judged AS (
        SELECT COALESCE(c.unit_id, p.office_id) AS unit_id,
               CASE c.kind WHEN 'carry' THEN 'delivery' ELSE c.kind END AS kind,
               COALESCE(c.stopped_at <= :as_of, false) AS done,
               CASE WHEN c.stopped_at <= :as_of THEN c.stopped_at ELSE :as_of END AS reached, c.due_at, c.late_when
        FROM clock c LEFT JOIN post p ON p.id = c.post_id
        WHERE c.kind IN ('collection', 'carry', 'delivery', 'fetch_back') AND NOT c.cancelled
          AND c.due_at > :starts AND c.due_at <= :ends AND c.started_at <= :as_of AND c.started_at < :ends
    )
    SELECT unit_id, kind,
           count(*) FILTER (WHERE late) AS broken,
           count(*) FILTER (WHERE done AND NOT late) AS in_time
    FROM (
        SELECT *, reached > due_at OR (late_when = 'at_or_after' AND reached = due_at) AS late FROM judged
    ) known
    GROUP BY unit_id, kind
    """
)

_PAPERS = text(
    """
    SELECT p.office_id AS unit_id, count(DISTINCT (n.post_id, n.day)) AS nil_returns, 0 AS corrections
    FROM nil_return n JOIN post p ON p.id = n.post_id
    WHERE n.day BETWEEN :first_day AND :last_day AND n.signed_at <= :as_of GROUP BY p.office_id
    UNION ALL
    SELECT p.office_id, 0, count(*)
    FROM appeal a
    JOIN journal j ON j.appeal_id = a.id AND j.action = 'return_for_correction'
    JOIN LATERAL (
        SELECT k.office_id FROM post k WHERE k.channel_class = a.channel_class AND 'collect' = ANY (k.capabilities)
        ORDER BY k.active DESC, k.number LIMIT 1
    ) p ON true
    WHERE a.corrections > 0 AND j.at >= :starts AND j.at < :ends AND j.at <= :as_of GROUP BY p.office_id
    """
)

_REGISTERED = """
    FROM appeal a {joins}
    WHERE a.registered_at >= :before_starts AND a.registered_at < :ends AND a.registered_at <= :as_of
      AND a.state <> 'history' AND NOT COALESCE(a.voided_at <= :as_of, false)
    """
_TWO_QUARTERS = """
    count(*) FILTER (WHERE a.registered_at >= :starts) AS count,
    count(*) FILTER (WHERE a.registered_at < :starts) AS previous
    """
_CHANNELS = text(
    f"SELECT h.name, h.name_en, {_TWO_QUARTERS}"
    + _REGISTERED.format(joins="LEFT JOIN channel h ON h.id = a.channel_id")
    + "GROUP BY h.id ORDER BY h.channel_class NULLS LAST, h.sort, h.id"
)
# The tree has up to three levels; a report names the first.
_CATEGORIES = text(
    f"SELECT h.name, h.name_en, {_TWO_QUARTERS}"
    + _REGISTERED.format(
        joins="LEFT JOIN category c ON c.id = a.category_id LEFT JOIN category d ON d.id = c.parent_id"
        " LEFT JOIN category h ON h.id = COALESCE(d.parent_id, c.parent_id, c.id)"
    )
    + "GROUP BY h.id ORDER BY h.id IS NULL, count DESC, h.sort, h.id"
)


@dataclass(frozen=True)
class UnitFacts:
    """What became of the assignments of one unit."""

    tally: Tally
    handling: timedelta
    explanations: int
    overdue_without_note: int

    def __add__(self, other: UnitFacts) -> UnitFacts:
        return UnitFacts(
            self.tally + other.tally,
            self.handling + other.handling,
            self.explanations + other.explanations,
            self.overdue_without_note + other.overdue_without_note,
        )

    @staticmethod
    def total(parts: Iterable[UnitFacts]) -> UnitFacts:
        """All of them as one unit."""
        return sum(parts, UnitFacts(Tally(), timedelta(), 0, 0))

    def row(self, name: str) -> UnitRow:
        """The line of a unit's table."""
        days = mean_days(self.handling, self.tally.finished)
        return UnitRow(name, self.tally, self.overdue_without_note, self.explanations, days)


@dataclass(frozen=True)
class Facts:
    """What the overview of one quarter is made of; `units` by unit id."""

    counts: Mapping[str, Any]
    units: Mapping[int, UnitFacts]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was recorded: an earlier quarter is then no base to compare with."""
        return not self.units and not any(self.counts.values())


def count(session: Session, quarter: Quarter, as_of: datetime) -> Facts:
    """The appeals and assignments of a quarter as they were at `as_of`, in two statements."""
    span = _span(quarter, as_of)
    counts = session.execute(_APPEALS, span).mappings().one()
    units = {row["unit_id"]: _unit_facts(row) for row in session.execute(_ASSIGNMENTS, span).mappings()}
    return Facts(dict(counts), units)


def _span(quarter: Quarter, as_of: datetime) -> dict[str, Any]:
    starts, ends = quarter.moments(present.zone())
    days = {"first_day": quarter.first_day, "last_day": quarter.last_day}
    return {"starts": starts, "ends": ends, "as_of": as_of, **days}


def _unit_facts(row: RowMapping) -> UnitFacts:
    parts = ("assigned", "on_time", "late", "unlimited", "unfinished", "overdue")
    tally = Tally(**{part: row[part] for part in parts})
    return UnitFacts(tally, row["handling"], row["explanations"], row["overdue_without_note"])


# --- the report ---------------------------------------------------------------------------------------------


def figures(
    session: Session,
    quarter: Quarter,
    as_of: datetime,
    reader: Reader,
    step: Callable[[str], None] = lambda _name: None,
) -> QuarterFigures:
    """Everything the report of a quarter says, as it was at `as_of`; `step` is told the part that begins.

    The overdue list is read while the workbook is written: the session stays open until then.
    """
    step("overview")
    now = count(session, quarter, as_of)
    earlier = [count(session, one, as_of) for one in (quarter.previous, quarter.year_before)]
    step("units")
    units = session.execute(_UNITS).mappings().all()
    local, department = (_unit_group(code, units, now.units, reader) for code in GROUPS)
    step("sections")
    section = _section_group(session, units, _span(quarter, as_of), reader)
    step("shares")
    span = _span(quarter, as_of) | {"before_starts": quarter.previous.moments(present.zone())[0]}
    has_base = not earlier[0].is_empty
    known = report_fields.of_everybody()
    columns = report_fields.columns(known, english=reader.english)
    return QuarterFigures(
        period=reader.period,
        starts_on=quarter.first_day,
        ends_on=quarter.last_day,
        as_of=as_of,
        overview=_overview(now, *earlier),
        local=local,
        department=department,
        section=section,
        received=now.counts["received"],
        channels=_shares(session, _CHANNELS, span, reader, reader.t("Channel not recorded"), has_base),
        categories=_shares(session, _CATEGORIES, span, reader, reader.t("Not categorised"), has_base),
        fields=report_fields.figures(
            session, known, span, reader.t, english=reader.english, has_base=has_base
        ),
        overdue=_overdue_list(session, quarter, as_of, reader, columns),
        overdue_fields=report_fields.headed(columns),
        calendar=reader.calendar,
        marks=(reader.sample_mark,) if now.counts["fictional"] else (),
    )


def _overview(now: Facts, before: Facts, year: Facts) -> tuple[Measure, ...]:
    values, *earlier = (_measures(facts) for facts in (now, before, year))
    return tuple(Measure(code, values[code], *(one.get(code) for one in earlier)) for code in MEASURES)


def _measures(facts: Facts) -> dict[MeasureCode, int | Decimal | None]:
    if facts.is_empty:
        return dict.fromkeys(MEASURES)
    all_units = UnitFacts.total(facts.units.values())
    tally, counts = all_units.tally, facts.counts
    return {
        "received": counts["received"],
        "merged": counts["merged"],
        "declined": counts["declined"],
        "self_handled": counts["self_handled"],
        "forwarded": counts["forwarded"],
        "to_leaders": counts["to_leaders"],
        "assigned": tally.assigned,
        "finished": tally.finished,
        "on_time": tally.on_time,
        "late": tally.late,
        "unfinished": tally.unfinished,
        "overdue": tally.overdue,
        "finish_rate": tally.finish_rate,
        "on_time_rate": tally.on_time_rate,
        "mean_days": mean_days(all_units.handling, tally.finished),
        "explanations": all_units.explanations,
        "overdue_without_note": all_units.overdue_without_note,
        "urges": counts["urges"],
        "history": counts["history"],
    }


Units = Sequence[Mapping[Any, Any]]


def _unit_group(code: str, units: Units, known: Mapping[int, UnitFacts], reader: Reader) -> UnitGroup:
    mine = [unit for unit in units if unit["group_code"] == code]
    busy = [unit for unit in mine if unit["id"] in known]
    return UnitGroup(
        name=_group_name(code, mine, reader),
        rows=tuple(known[unit["id"]].row(reader.name(unit)) for unit in busy),
        total=UnitFacts.total(known[unit["id"]] for unit in busy).row(reader.t("Total")),
        idle=tuple(reader.name(unit) for unit in mine if unit["active"] and unit["id"] not in known),
    )


def _section_group(session: Session, units: Units, span: dict[str, Any], reader: Reader) -> SectionGroup:
    """The General Office's own sections, measured on the clocks of their posts (R13)."""
    legs: dict[int, dict[str, Punctuality]] = {}
    for row in session.execute(_LEGS, span).mappings():
        legs.setdefault(row["unit_id"], {})[row["kind"]] = Punctuality(row["in_time"], row["broken"])
    papers: dict[int, list[int]] = {}
    for row in session.execute(_PAPERS, span).mappings():
        counted = papers.setdefault(row["unit_id"], [0, 0])
        counted[0] += row["nil_returns"]
        counted[1] += row["corrections"]
    mine = [unit for unit in units if unit["group_code"] == SECTIONS]
    rows = []
    for unit in mine:
        nil_returns, corrections = papers.get(unit["id"], (0, 0))
        rows.append(
            (
                unit,
                SectionRow(
                    reader.name(unit), **legs.get(unit["id"], {}), nil_returns=nil_returns, corrections=corrections
                ),
            )
        )
    busy = [row for _unit, row in rows if row != SectionRow(row.name)]
    idle = tuple(row.name for unit, row in rows if unit["active"] and row == SectionRow(row.name))
    return SectionGroup(_group_name(SECTIONS, mine, reader), tuple(busy), idle)


def _group_name(code: str, units: Units, reader: Reader) -> str:
    """A group without any unit has no row to name it by."""
    return reader.name(units[0], "group_name") if units else code


def _shares(
    session: Session, query: TextClause, span: dict[str, Any], reader: Reader, missing: str, has_base: bool
) -> tuple[Share, ...]:
    return tuple(
        Share(reader.name(row) or missing, row["count"], row["previous"] if has_base else None)
        for row in session.execute(query, span).mappings()
    )


def _overdue_list(
    session: Session, quarter: Quarter, as_of: datetime, reader: Reader, columns: Sequence[Column]
) -> Iterator[OverdueRow]:
    """The clocks of every kind that came due by the end of the quarter and still run, late, at `as_of`."""
    wanted = replace(overdue.usual(as_of), as_of=as_of, state="open_overdue", due_by=quarter.moments(present.zone())[1])
    return overdue_workbook.rows_of(
        overdue.stream(COMPILER, wanted, session, urged_by=as_of, columns=columns),
        reader.named,
        reader.link,
        columns,
        reader.t,
    )
