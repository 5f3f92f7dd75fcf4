"""Duty rosters out as a workbook and in again: the same layout both ways, first a dry run, then one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO

from app.reports import roster as report
from app.reports import xlsx
from app.reports.table import Translate
from app.rules import roster_lists
from app.rules import rosters as rules
from app.rules.errors import Invalid
from app.rules.roster_lists import Fault
from app.rules.rosters import Duty, Period
from app.services import audit, present, roster_names, roster_proposals
from app.services.actors import Actor
from app.services.roster_checks import Finding
from app.services.roster_months import Month, Office, access_office, duty_of, load
from app.services.roster_names import Directory
from app.services.roster_proposals import Proposal
from app.services.rosters import Outcome
from app.services.transaction import transaction
from app.services.workbooks import Workbook

MOST_ROWS = 1000


@dataclass(frozen=True)
class Dress:
    """What the edge knows: the reader's language, how it says days, months, ends of shifts, who exports."""

    t: Translate
    office: str
    month: str
    weekday: Callable[[date], str]
    until: Callable[[datetime, date], str]
    dated: Callable[[datetime, datetime], str]
    mark: Callable[[Any], str]
    exported: str
    author: str = ""


@dataclass(frozen=True)
class Reading:
    """A workbook after its dry run: what cannot be read or taken by row and column, and what it would mean."""

    faults: tuple[Fault, ...]
    planned: tuple[Duty, ...]
    proposal: Proposal
    gaps: tuple[Period, ...]

    @property
    def can_be_applied(self) -> bool:
        """Whether nothing speaks against it and there is something to do."""
        return not self.faults and bool(self.proposal.edits)


# --- out -------------------------------------------------------------------------------------------------------


def export(actor: Actor, month: Month, dress: Dress, out: BinaryIO) -> None:
    """Write the month, as the page has it for this reader, into `out`; audited."""
    directory = roster_names.directory(month.office.id)
    cells = [cell for week in month.weeks for cell in week]
    lines = [line for cell in cells if cell.in_month for line in _lines(cell, directory, dress)]
    content = report.RosterMonth(
        office=dress.office,
        month=dress.month,
        lines=lines,
        weekdays=[dress.weekday(cell.day) for cell in month.weeks[0]],
        weeks=[[_wall(cell, dress) if cell.in_month else "" for cell in week] for week in month.weeks],
        gaps=[dress.dated(hole.starts_at, hole.ends_at) for hole in month.holes],
        exported=dress.exported,
        author=dress.author,
    )
    xlsx.render(report.book(content, dress.t), created_at=present.now(), zone=present.zone(), out=out)
    with transaction():
        detail = {"office": month.office.code, "month": f"{month.first:%Y-%m}", "rows": len(lines)}
        audit.record(actor, "sheet.export", object_type="sheet", object_id="rosters", detail=detail)


def _lines(cell: Any, directory: Directory, dress: Dress) -> list[report.Line]:
    weekday = dress.weekday(cell.day)
    begun = [shift for shift in cell.shifts if _day(shift.starts_at) == cell.day]
    if not begun:
        return [report.Line(cell.day, weekday)]
    return [
        report.Line(
            cell.day,
            weekday,
            f"{shift.starts_at.astimezone(present.zone()):%H:%M}",
            dress.until(shift.ends_at, cell.day),
            _written(shift.main, directory),
            _written(shift.second, directory),
            shift.label,
        )
        for shift in begun
    ]


def _written(seated: Sequence[Any], directory: Directory) -> str:
    return "、".join(directory.written(one.id) or one.name for one in seated)


def _wall(cell: Any, dress: Dress) -> str:
    mark = dress.mark(cell)
    head = f"{cell.day.day} {mark}".strip()
    told = [
        "\n".join(
            (
                f"{shift.starts_at.astimezone(present.zone()):%H:%M}–{dress.until(shift.ends_at, cell.day)}",
                "、".join(one.name for one in shift.main),
                *(["（" + "、".join(one.name for one in shift.second) + "）"] if shift.second else []),
            )
        )
        for shift in cell.shifts
        if _day(shift.starts_at) == cell.day
    ]
    return "\n".join([head, *(told or ([dress.t("Nobody")] if cell.holes and not cell.is_past else []))])


def _day(moment: datetime) -> date:
    return moment.astimezone(present.zone()).date()


# --- in --------------------------------------------------------------------------------------------------------


def read(office: Office, content: bytes, month: date, *, removes_others: bool) -> Reading:
    """What a workbook would mean for the roster; nothing is written.

    The first sheet with a head row is taken. Raises Invalid of the workbook and "roster.no-head".
    """
    book = Workbook(content)
    listed = _first_roster(book, month)
    directory = roster_names.directory(office.id)
    faults, planned, rows = list(listed.faults), [], {}
    for line in listed.lines:
        seats: dict[str, tuple[int, ...]] = {}
        for seat in rules.SEATS:
            try:
                seats[seat] = directory.seat(getattr(line, seat))
            except Invalid as error:
                faults.append(Fault(line.row, listed.columns.get(seat, ""), error.code, error.data))
        if len(seats) == len(rules.SEATS):
            duty = Duty(office.id, line.starts_at, line.ends_at, seats["main"], seats["second"], label=line.label)
            planned.append(duty)
            rows[duty] = line.row
    proposal = _propose(office, planned, month, removes_others=removes_others)
    faults += [_placed(one, rows.get(one.duty, 0), listed.columns) for one in proposal.findings]
    faults.sort(key=lambda fault: (fault.row, fault.column))
    return Reading(tuple(faults), tuple(planned), proposal, _gaps(office, proposal, month))


def apply(
    actor: Actor, office_id: int, planned: Sequence[Duty], month: date, *, removes_others: bool
) -> tuple[Proposal, Outcome]:
    """Enter what a dry run read; everything is judged again. Raises what `roster_proposals.accept` raises."""
    office = access_office(actor, office_id, to_write=True)
    proposal = _propose(office, planned, month, removes_others=removes_others)
    return proposal, roster_proposals.accept(actor, office_id, proposal)


def packed(planned: Sequence[Duty]) -> list[list[Any]]:
    """Shifts as the page of a dry run keeps them until they are applied."""
    return [
        [duty.starts_at.isoformat(), duty.ends_at.isoformat(), list(duty.main), list(duty.second), duty.label]
        for duty in planned
    ]


def unpacked(office_id: int, rows: Any) -> list[Duty]:
    """The same back. Raises Invalid("roster.unreadable") for anything else."""
    try:
        if not isinstance(rows, list) or len(rows) > MOST_ROWS:
            raise ValueError
        return [
            Duty(
                office_id,
                _aware(start),
                _aware(end),
                tuple(int(person) for person in main),
                tuple(int(person) for person in second),
                label=str(label)[:40],
            )
            for start, end, main, second, label in rows
        ]
    except (ValueError, TypeError) as error:
        raise Invalid("roster.unreadable") from error


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError
    return found.astimezone(UTC)


def _first_roster(book: Workbook, month: date) -> roster_lists.Reading:
    refusal = Invalid("roster.no-head")
    for sheet in book.sheets():
        if not sheet.rows:
            continue
        try:
            rows = book.rows(sheet.name, limit=MOST_ROWS)
            return roster_lists.read(rows, month, present.zone(), is_1904=book.is_1904)
        except Invalid as error:
            if error.code != "roster.no-head":
                raise
    raise refusal


def _propose(office: Office, planned: Sequence[Duty], month: date, *, removes_others: bool) -> Proposal:
    within = _whole(month) if removes_others else None
    return roster_proposals.propose(office, planned, replaces=True, leaves_out=False, within=within)


def _placed(finding: Finding, row: int, columns: Mapping[str, str]) -> Fault:
    place = {"starts_at": "from", "ends_at": "until"}.get(finding.field, finding.field)
    return Fault(row, columns.get(place, columns.get("time", "")), finding.code, finding.data)


def _whole(month: date) -> Period:
    first = month.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    zone = present.zone()
    return Period(rules.moment(first, time(), zone), rules.moment(after, time(), zone))


def _gaps(office: Office, proposal: Proposal, month: date) -> tuple[Period, ...]:
    """The holes that would be left in the coming part of the month."""
    whole = _whole(month)
    begin = max(whole.starts_at, present.now().replace(second=0, microsecond=0))
    if begin >= whole.ends_at:
        return ()
    gone = {edit.shift_id for edit in proposal.edits}
    standing = [duty_of(row) for row in load(office.id, whole) if row.id not in gone]
    return rules.holes([*standing, *proposal.added], begin, whole.ends_at)
