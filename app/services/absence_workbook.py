"""Absences of many by workbook: looked through first, then entered all together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.models import Person, db
from app.rules import absence_rows as rules
from app.rules.absence_rows import AbsenceRow
from app.rules.errors import FieldErrors, Invalid
from app.rules.invitations import RowProblem
from app.services import absence_places, absences, access, people, present
from app.services.actors import Actor
from app.services.transaction import transaction
from app.services.workbooks import Workbook

MOST = 300


@dataclass(frozen=True)
class Reading:
    """What a workbook asks for: the absences, who is who, and what is wrong by row and column."""

    rows: tuple[AbsenceRow, ...]
    problems: tuple[RowProblem, ...]
    people: dict[int, Person]


def read(actor: Actor, content: bytes) -> Reading:
    """Look through the first sheet of a workbook as if it were entered; nothing is written.

    Raises Refused("access.not-granted") and Invalid: what services/workbooks.py refuses, "absences.no-header",
    "absences.empty", "absences.too-many".
    """
    access.require_anywhere(actor, "system")
    book = Workbook(content)
    sheets = book.sheets()
    if not sheets:
        raise Invalid("absences.empty", field="workbook")
    rows, problems = rules.read(book.rows(sheets[0].name), people.directory(), present.zone(), is_1904=book.is_1904)
    if not rows and not problems:
        raise Invalid("absences.empty", field="workbook")
    _require_few(rows)
    if not problems:
        problems = tuple(try_out(actor, rows))
    return Reading(rows, problems, people_of(rows))


def enter(actor: Actor, rows: Sequence[AbsenceRow]) -> tuple[RowProblem, ...]:
    """Enter all of them, or none: then what is wrong, by row and column. Raises as `read` does."""
    access.require_anywhere(actor, "system")
    if not rows:
        raise Invalid("absences.empty", field="workbook")
    _require_few(rows)
    try:
        with transaction():
            problems = _enter_all(actor, rows)
            if problems:
                raise _Undone(problems)
    except _Undone as undone:
        return tuple(undone.problems)
    return ()


def try_out(actor: Actor, rows: Sequence[AbsenceRow]) -> list[RowProblem]:
    """What would be wrong: everything is entered and taken back."""
    try:
        with transaction():
            raise _Undone(_enter_all(actor, rows))
    except _Undone as undone:
        return undone.problems


class _Undone(Exception):
    """Takes back what was entered, and says why."""

    def __init__(self, problems: list[RowProblem]) -> None:
        super().__init__(len(problems))
        self.problems = problems


def _enter_all(actor: Actor, rows: Sequence[AbsenceRow]) -> list[RowProblem]:
    problems: list[RowProblem] = []
    for row in rows:
        try:
            absences.enter_in(actor, row.person_id, _wish(row))
        except FieldErrors as error:
            problems += [RowProblem(row.row, _column(p.field), p.code, p.data) for p in error.problems]
    return problems


def _wish(row: AbsenceRow) -> absences.Wish:
    stand_ins: dict[str, int] = {}
    if row.stand_in_id is not None:
        spots = absence_places.load(row.person_id, row.starts_at, row.ends_at).spots
        stand_ins = {spot.key: row.stand_in_id for spot in spots}
    return absences.Wish(row.kind, row.starts_at, row.ends_at, row.reason, stand_ins)


def _column(field: str) -> str:
    return "stand_in" if field.startswith("stand_in") else "name" if field == "person" else field


def _require_few(rows: Sequence[AbsenceRow]) -> None:
    if len(rows) > MOST:
        raise Invalid("absences.too-many", {"count": len(rows), "most": MOST}, field="workbook")


def people_of(rows: Sequence[AbsenceRow]) -> dict[int, Person]:
    """The persons of these rows, by id."""
    ids = {p for row in rows for p in (row.person_id, row.stand_in_id) if p is not None}
    return {person.id: person for person in db.session.scalars(select(Person).where(Person.id.in_(ids)))}
