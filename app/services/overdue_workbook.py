"""The overdue-case report as a workbook: the figures of the page and the clocks behind them, of one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy.orm import Session

from app.reports import overdue as report
from app.reports import xlsx
from app.reports.overdue import STATES, OverdueCount, OverdueReport, OverdueRow, State
from app.reports.table import Translate
from app.rules.errors import Invalid
from app.rules.fields import clean_text
from app.services import access, audit, overdue, present, report_fields
from app.services.actors import Actor
from app.services.grid_columns import Column
from app.services.overdue import Entry, Filter, Line, Summary
from app.services.snapshot import snapshot
from app.services.transaction import transaction

EXPORTERS = ("supervise", "report")
REASON = 200


@dataclass(frozen=True)
class Dress:
    """What the edge knows and a workbook shows: the reader's language, page addresses, who exports what."""

    t: Translate
    named: Callable[[Any], str]
    line: Callable[[Line], str]
    link: Callable[[int], str]
    scope: str
    exported: str
    calendar: str
    author: str = ""
    notes: tuple[str, ...] = ()
    english: bool = False


def export(actor: Actor, wanted: Filter, dress: Dress, *, reason: str, out: BinaryIO) -> int:
    """Write the workbook into `out` and return how many clocks it lists; audited, with its reason, beforehand.

    The caller has asked for a fresh login. Raises Refused, Invalid("export.reason-missing"), and
    Invalid("export.too-many-rows") above EXPORT_MAX_ROWS.
    """
    access.require_anywhere(actor, *EXPORTERS)
    reason = clean_text(reason).strip()[:REASON]
    if not reason:
        raise Invalid("export.reason-missing", field="reason")
    with snapshot() as session:
        figures = overdue.summary(actor, wanted, session=session)
        rows = _clocks_in(figures.total)
        most = current_app.config["EXPORT_MAX_ROWS"]
        if rows > most:
            raise Invalid("export.too-many-rows", {"rows": rows, "most": most})
        book = report.book(_report(actor, wanted, figures, dress, session), zone=present.zone(), t=dress.t)
        xlsx.render(book, created_at=wanted.as_of, zone=present.zone(), out=out)
    with transaction():
        detail = {"rows": rows, "as_of": wanted.as_of.isoformat(), "reason": reason}
        audit.record(actor, "overdue.export", object_type="report", object_id="overdue", detail=detail)
    return rows


def _clocks_in(count: OverdueCount) -> int:
    return count.open_clocks + count.late_clocks + count.unlimited_clocks


def _report(actor: Actor, wanted: Filter, figures: Summary, dress: Dress, session: Session) -> OverdueReport:
    columns = report_fields.columns(report_fields.of_reader(actor), english=dress.english)

    def named(lines: Iterable[Line]) -> tuple[tuple[str, OverdueCount], ...]:
        return tuple((dress.line(line), line.count) for line in lines)

    def rows(state: State) -> Iterator[OverdueRow]:
        if wanted.state not in (None, state):
            return iter(())
        entries = overdue.stream(actor, replace(wanted, state=state), session, columns=columns)
        return rows_of(entries, dress.named, dress.link, columns, dress.t)

    return OverdueReport(
        as_of=wanted.as_of,
        total=figures.total,
        by_clock=tuple((line.key, line.count) for line in figures.by_clock),
        by_unit=named(figures.by_unit),
        by_post=named(figures.by_post),
        by_age=tuple((line.key, line.count) for line in figures.by_age),
        rows={state: rows(state) for state in STATES},
        calendar=dress.calendar,
        scope=dress.scope,
        exported=dress.exported,
        author=dress.author,
        notes=dress.notes,
        fields=report_fields.headed(columns),
    )


def rows_of(
    entries: Iterable[Entry],
    named: Callable[[Any], str],
    link: Callable[[int], str],
    columns: Sequence[Column] = (),
    t: Translate = str,
) -> Iterator[OverdueRow]:
    """Clocks as rows of a workbook, in the reader's language."""
    for entry in entries:
        yield OverdueRow(
            clock_kind=entry.kind,
            appeal_number=entry.number or "",
            subject=entry.subject,
            unit=named(entry.unit),
            post=named(entry.post),
            started_at=entry.started_at,
            due_at=entry.due_at,
            stopped_at=entry.stopped_at,
            state=entry.state,
            urges=entry.urges,
            link=link(entry.appeal_id),
            more=report_fields.cells(columns, entry.more, t),
        )
