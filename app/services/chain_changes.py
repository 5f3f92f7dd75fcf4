"""Several places of responsibility chains at once, by form or workbook: each a filed personnel change (R15, R16)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import ChainLink, Journal, Person, StaffingChange, Unit, db
from app.rules import chain, chain_sheet
from app.rules.chain_sheet import Candidate, Difference, Problem, UnitFacts
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound
from app.services import access, audit, chains, changes
from app.services.actors import Actor
from app.services.changes import Change
from app.services.transaction import transaction
from app.services.workbooks import Workbook

MOST_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to stand in a place named by hand, None for a vacancy, and who stood there when that was decided."""

    unit_id: int
    link: str
    role: str
    person_id: int | None
    before: int | None

    @property
    def field(self) -> str:
        """The place as a field of a form over several units."""
        return f"{self.unit_id}-{self.link}-{self.role}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a workbook would change at a moment, and what is wrong with it."""

    differences: tuple[Difference, ...]
    problems: tuple[Problem, ...]
    rows: int


def units(kind: str = "") -> Sequence[Unit]:
    """The units in use that have a chain, kind by kind, in their order."""
    query = select(Unit).where(Unit.active, Unit.kind == kind if kind else Unit.kind.in_(chain.UNIT_KINDS))
    rows = db.session.scalars(query.order_by(Unit.sort, Unit.id)).all()
    return sorted(rows, key=lambda row: chain.UNIT_KINDS.index(row.kind))


def unit(unit_id: int) -> Unit:
    """A unit in use. Raises NotFound("unit.unknown")."""
    found = db.session.get(Unit, unit_id)
    if found is None or not found.active:
        raise NotFound("unit.unknown", {"id": unit_id})
    return found


def history(unit_id: int) -> Sequence[ChainLink]:
    """Who stands, stood and will stand in the places named by hand: link by link, the latest first."""
    query = select(ChainLink).where(ChainLink.unit_id == unit_id).options(joinedload(ChainLink.person))
    rows = db.session.scalars(query.order_by(ChainLink.valid.desc(), ChainLink.id.desc()).limit(500)).all()
    return sorted(rows, key=lambda row: (chain.LINKS.index(row.link), row.role))


def filed(unit_id: int, limit: int = 10) -> Sequence[StaffingChange]:
    """The last personnel changes of the unit's chain, newest first."""
    query = select(StaffingChange).where(StaffingChange.unit_id == unit_id, StaffingChange.kind == "chain")
    return db.session.scalars(query.order_by(StaffingChange.id.desc()).limit(limit)).all()


def set_places(
    actor: Actor, wanted: Sequence[Wanted], *, at: datetime, reason: str = "", request_key: str | None = None
) -> tuple[StaffingChange, ...]:
    """Let people stand in places named by hand from `at` on: one filed change per place, all or none (R16).

    The same `request_key` again returns what it filed. Raises Refused("access.not-granted"),
    Invalid("chain.nothing-changes"), Conflict("chain.changed-meanwhile") when somebody else stands in a place at `at`
    than was known, and FieldErrors at "at" or at a place's field: what `changes.apply_in` raises.
    """
    access.require_anywhere(actor, "system")
    with transaction():
        changes.queue()
        if known := _filed_before(request_key):
            return known
        stands = chains.chains_at({one.unit_id for one in wanted}, at)
        now = {(unit_id, p.link, p.role): p.person_id for unit_id, places in stands.items() for p in places}
        moved = [one for one in wanted if now.get((one.unit_id, one.link, one.role)) != one.person_id]
        if any(now.get((one.unit_id, one.link, one.role)) != one.before for one in moved):
            raise Conflict("chain.changed-meanwhile")
        if not moved:
            raise Invalid("chain.nothing-changes")
        return _apply(actor, moved, at, reason, request_key)


def read(actor: Actor, content: bytes, at: datetime | None = None) -> Reading:
    """What the first sheet of a workbook would change at `at`; nothing is written.

    Raises Refused("access.not-granted") and Invalid: what services/workbooks.py refuses, "chain-sheet.no-header",
    "chain-sheet.empty", "chain-sheet.too-many".
    """
    access.require_anywhere(actor, "system")
    book = Workbook(content)
    sheets = book.sheets()
    lines = chain_sheet.read(book.rows(sheets[0].name, limit=MOST_ROWS + 30)) if sheets else ()
    if not lines:
        raise Invalid("chain-sheet.empty", field="workbook")
    if len(lines) > MOST_ROWS:
        raise Invalid("chain-sheet.too-many", {"most": MOST_ROWS}, field="workbook")
    known = facts(at)
    differences, problems = chain_sheet.compare(lines, known, people(known))
    return Reading(differences, problems, len(lines))


def export(actor: Actor, at: datetime | None = None) -> list[tuple[UnitFacts, dict[chain_sheet.Spot, str]]]:
    """Every unit with what stands in each of its places, written so that reading it again finds the same people.

    Audited; the caller has asked for a fresh login. Raises Refused("access.not-granted").
    """
    access.require_anywhere(actor, "system")
    known = facts(at)
    directory = people(known)
    with transaction():
        audit.record(actor, "sheet.export", object_type="sheet", object_id="chains", detail={"rows": len(known)})
    by_id = {one.person_id: one for one in directory}
    return [
        (
            unit,
            {
                spot: chain_sheet.person_text(by_id[person_id], directory) if person_id is not None else ""
                for spot, person_id in unit.stands.items()
            },
        )
        for unit in known
    ]


def facts(at: datetime | None = None) -> list[UnitFacts]:
    """Every unit with its chain at `at`, as a workbook is compared with it."""
    rows = units()
    found = chains.chains_at([row.id for row in rows], at)
    return [
        UnitFacts(
            row.id,
            row.code,
            row.kind,
            (row.name, row.short_name, row.name_en),
            {(place.link, place.role): place.person_id for place in found[row.id]},
        )
        for row in rows
    ]


def people(known: Sequence[UnitFacts] = ()) -> list[Candidate]:
    """Everybody in use or in one of the chains, with the words that tell namesakes apart."""
    standing = {person_id for unit in known for person_id in unit.stands.values() if person_id is not None}
    query = select(Person.id, Person.name, Person.code, Person.position, Unit.name, Unit.short_name)
    query = query.outerjoin(Unit, Unit.id == Person.unit_id).where(Person.active | Person.id.in_(standing))
    return [
        Candidate(person_id, name, code, _where(position, unit_name, short_name))
        for person_id, name, code, position, unit_name, short_name in db.session.execute(query.order_by(Person.id))
    ]


def _where(position: str, unit_name: str | None, short_name: str | None) -> tuple[str, ...]:
    """Unit, unit and position, position: in the order in which they are tried to tell namesakes apart."""
    names = [name for name in (unit_name, short_name) if name]
    words = [*names, *(f"{name} {position}" for name in names if position), position]
    return tuple(dict.fromkeys(word for word in words if word))


def _apply(
    actor: Actor, moved: Sequence[Wanted], at: datetime, reason: str, request_key: str | None
) -> tuple[StaffingChange, ...]:
    told_as = f"chain:{uuid.uuid4().hex}"
    planned = [
        (one, Change("chain", at, reason, unit_id=one.unit_id, link=one.link, role=one.role, person_id=one.person_id))
        for one in moved
    ]
    rows: list[StaffingChange] = []
    problems: list[FieldProblem] = []
    for one, change in planned:
        beside = tuple(other for _w, other in planned if other.unit_id == one.unit_id and other is not change)
        try:
            key = request_key if not rows else None
            rows.append(changes.apply_in(actor, replace(change, beside=beside), request_key=key, told_as=told_as))
        except FieldErrors as error:
            problems += [_at_place(one, problem) for problem in error.problems]
    if problems:
        raise FieldErrors({(one.field, one.code): one for one in problems}.values())
    return tuple(rows)


def _at_place(one: Wanted, problem: FieldProblem) -> FieldProblem:
    return problem if problem.field == "at" else replace(problem, field=one.field)


def _filed_before(request_key: str | None) -> tuple[StaffingChange, ...]:
    if request_key is None:
        return ()
    known = select(Journal.object_id).where(
        Journal.request_key == request_key, Journal.object_type == "staffing_change"
    )
    return tuple(db.session.scalars(select(StaffingChange).where(StaffingChange.id.in_(known))))
