"""A change of portfolio (分工): looked at before it is made, made in one transaction, filed per line (R8, R16).

Looking runs the change itself and undoes it, so what a preview shows is what the change does. Appeals keep the line,
the section and the chain frozen on them; who leads their line sees their slips from that moment on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.models import Appeal, Journal, Person, Portfolio, PortfolioPlace, StaffingChange, Unit, db
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound
from app.services import access, audit, chains, changes, journal, outbox, periods, portfolio, present, staffing
from app.services.actors import Actor
from app.services.transaction import transaction

# With the unit, and with the posts on the slip's way: what is open when a line changes.
_WITH_UNIT = ("assigned", "in_progress")
_ON_THE_WAY = ("opinion", "slip_ready", "with_section", "with_leader", "fetched")


@dataclass(frozen=True)
class PortfolioChange:
    """Who and what is to stand in a line from `at` on.

    `places` are vice_mayor, deputy and section as far as they are to change, None for a vacancy. Units that are moved
    in come from other lines or from none, those moved out are under none afterwards.
    """

    line_id: int
    at: datetime
    places: Mapping[str, int | None]
    moved_in: tuple[int, ...] = ()
    moved_out: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A person, unit or line as a preview and a record keep it."""

    id: int
    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class PlaceChange:
    """One place of the line: whose it was, whose it becomes, and until when a change entered before leaves it so."""

    place: str
    before: Name | None
    after: Name | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class UnitMove:
    """A unit that goes under another line; None is under no line."""

    unit: Name
    before: Name | None
    after: Name | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class LinkChange:
    """One place of one unit's chain that becomes somebody else's."""

    unit: Name
    link: str
    role: str
    before: Name | None
    after: Name | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change of portfolio does. `seen` is its fingerprint: what is confirmed is what was looked at.

    `with_unit` appeals keep the chain frozen on them, `on_the_way` slips their section; `in_sight` appeals of the
    line come into the sight of `gain` and go out of the sight of `lose`.
    """

    line: Name
    places: tuple[PlaceChange, ...]
    moves: tuple[UnitMove, ...]
    links: tuple[LinkChange, ...]
    with_unit: int
    on_the_way: int
    in_sight: int
    gain: tuple[Name, ...]
    lose: tuple[Name, ...]
    seen: str = field(default="", compare=False)


class _OnlyLooking(Exception):
    """Ends the transaction of a preview: nothing of it stays."""


def preview(actor: Actor, change: PortfolioChange) -> Preview:
    """What the change would do; nothing is written. Raises what `make` raises but the conflict."""
    access.require_anywhere(actor, "system")
    found: list[Preview] = []
    try:
        with transaction():
            changes.queue()
            found.append(_move(change))
            raise _OnlyLooking
    except _OnlyLooking:
        return found[0]


def make(
    actor: Actor, change: PortfolioChange, *, seen: str, request_key: str | None = None
) -> tuple[StaffingChange, ...]:
    """Make the change that was looked at: a filed record per line, journal, audit, notices, all or nothing.

    The same `request_key` again returns what it filed. Raises Refused("access.not-granted"),
    NotFound("portfolio.unknown"), Invalid("portfolio.nothing-changes"), Conflict("portfolio.changed-meanwhile") when
    it would do something else than `seen` says by now, and FieldErrors: "change.moment", "person.unknown",
    "field.choice", "portfolio.same-person", "portfolio.coordinating-same", "portfolio.under-already",
    "portfolio.not-under".
    """
    access.require_anywhere(actor, "system")
    with transaction():
        changes.queue()
        if known := _made_before(request_key):
            return known
        found = _move(change)
        if found.seen != seen:
            raise Conflict("portfolio.changed-meanwhile")
        return _record(actor, change, found, request_key)


# --- what it does ----------------------------------------------------------------------------------------------


def _move(change: PortfolioChange) -> Preview:
    """Write the periods inside the open transaction; everything before and after, compared."""
    _check(change)
    before = {line.id: line for line in portfolio.lines_at(change.at)}
    line = before.get(change.line_id) or portfolio.Line(db.session.get_one(Portfolio, change.line_id))
    _check_units(change, line)
    under = {unit.id for unit in line.units} | set(change.moved_in) | set(change.moved_out)
    chains_before = chains.chains_at(under, change.at)
    places, moves = _write(change, line, before)
    if not places and not moves:
        raise Invalid("portfolio.nothing-changes")
    after = portfolio.line(change.line_id, change.at) or line
    chains_after = chains.chains_at(under, change.at)
    _check_result(change, chains_after)
    led, leads = set(line.leaders), set(after.leaders)
    found = Preview(
        line=_name(line.row),
        places=places,
        moves=moves,
        links=_links(chains_before, chains_after),
        with_unit=_count(Appeal.unit_id.in_(under), _WITH_UNIT),
        on_the_way=_count(Appeal.portfolio_id == line.id, _ON_THE_WAY),
        in_sight=_count(Appeal.portfolio_id == line.id, access.AFTER_SLIP),
        gain=tuple(_name(person) for person in after.leaders if person not in led),
        lose=tuple(_name(person) for person in line.leaders if person not in leads),
    )
    return _sealed(found, change)


def _check(change: PortfolioChange) -> None:
    problems: list[FieldProblem] = []
    row = db.session.get(Portfolio, change.line_id)
    if row is None or not row.active:
        raise NotFound("portfolio.unknown", {"id": change.line_id})
    if not changes.EARLIEST <= change.at <= present.now() + changes.FURTHEST:
        problems.append(FieldProblem("at", "change.moment"))
    for place in portfolio.LEADERS:
        person_id = change.places.get(place)
        person = db.session.get(Person, person_id) if person_id is not None else None
        if person_id is not None and (person is None or not person.active):
            problems.append(FieldProblem(place, "person.unknown"))
    section_id = change.places.get("section")
    section = db.session.get(Unit, section_id) if section_id is not None else None
    if section_id is not None and (section is None or section.kind != "section" or not section.active):
        problems.append(FieldProblem("section", "field.choice", {"value": str(section_id)}))
    if problems:
        raise FieldErrors(problems)


def _check_units(change: PortfolioChange, line: portfolio.Line) -> None:
    own = {unit.id for unit in line.units}
    known = set(db.session.scalars(select(Unit.id).where(Unit.id.in_(change.moved_in), Unit.active)))
    problems = [FieldProblem("moved_in", "field.choice", {"value": str(u)}) for u in change.moved_in if u not in known]
    problems += [FieldProblem("moved_in", "portfolio.under-already") for unit in change.moved_in if unit in own]
    problems += [FieldProblem("moved_out", "portfolio.not-under") for unit in change.moved_out if unit not in own]
    if problems:
        raise FieldErrors(problems)


def _write(
    change: PortfolioChange, line: portfolio.Line, before: Mapping[int, portfolio.Line]
) -> tuple[tuple[PlaceChange, ...], tuple[UnitMove, ...]]:
    places = [
        _place(change, place, getattr(line, place), wanted)
        for place, wanted in sorted(change.places.items(), key=lambda one: portfolio.SINGLE.index(one[0]))
        if (old.id if (old := getattr(line, place)) is not None else None) != wanted
    ]
    under = {unit.id: other for other in before.values() for unit in other.units}
    moves = [
        _unit(change, unit_id, under.get(unit_id), line if unit_id in change.moved_in else None)
        for unit_id in dict.fromkeys((*change.moved_in, *change.moved_out))
    ]
    return tuple(places), tuple(moves)


def _place(change: PortfolioChange, place: str, old: Any, wanted: int | None) -> PlaceChange:
    where = {"portfolio_id": change.line_id, "place": place}
    column, model = ("unit_id", Unit) if place == "section" else ("person_id", Person)
    until = periods.next_start(PortfolioPlace, where, change.at)
    periods.replace_from(PortfolioPlace, where, change.at, None if wanted is None else {column: wanted})
    new = db.session.get_one(model, wanted) if wanted is not None else None
    return PlaceChange(place, _name(old) if old else None, _name(new) if new else None, until)


def _unit(change: PortfolioChange, unit_id: int, old: portfolio.Line | None, new: portfolio.Line | None) -> UnitMove:
    where = {"unit_id": unit_id, "place": "unit"}
    until = periods.next_start(PortfolioPlace, where, change.at)
    periods.replace_from(PortfolioPlace, where, change.at, {"portfolio_id": new.id} if new else None)
    unit = db.session.get_one(Unit, unit_id)
    return UnitMove(_name(unit), _name(old.row) if old else None, _name(new.row) if new else None, until)


def _check_result(change: PortfolioChange, chains_after: Mapping[int, chains.Places]) -> None:
    """Nobody is his own B: not in the line at any time to come, not in a chain whose coordinating B was named."""
    first, second = aliased(PortfolioPlace), aliased(PortfolioPlace)
    both = select(first.id).join(
        second,
        (second.portfolio_id == first.portfolio_id)
        & (second.person_id == first.person_id)
        & second.valid.op("&&")(first.valid),
    )
    both = both.where(first.portfolio_id == change.line_id, first.place == "vice_mayor", second.place == "deputy")
    if db.session.scalars(both.limit(1)).first() is not None:
        raise FieldErrors([FieldProblem("deputy", "portfolio.same-person")])
    own = []
    for unit_id, places in chains_after.items():
        who = {(place.link, place.role): place.person_id for place in places}
        if who.get(("coordinating", "B")) and who["coordinating", "A"] == who["coordinating", "B"]:
            own.append(unit_id)
    if own:
        names = db.session.scalars(select(Unit.name).where(Unit.id.in_(own)).order_by(Unit.sort, Unit.id))
        raise FieldErrors([FieldProblem("deputy", "portfolio.coordinating-same", {"units": "、".join(names)})])


def _links(before: Mapping[int, chains.Places], after: Mapping[int, chains.Places]) -> tuple[LinkChange, ...]:
    """The places that become somebody else's, in the order of units and links."""
    differing = [
        (unit_id, old, new)
        for unit_id, places in before.items()
        for old, new in zip(places, after[unit_id], strict=True)
        if old.person_id != new.person_id
    ]
    people = _named(Person, [one.person_id for _unit_id, old, new in differing for one in (old, new)])
    units = _named(Unit, [unit_id for unit_id, _old, _new in differing])
    order = {unit_id: number for number, unit_id in enumerate(units)}
    return tuple(
        LinkChange(
            units[unit_id], old.link, old.role, people.get(old.person_id or 0), people.get(new.person_id or 0)
        )
        for unit_id, old, new in sorted(differing, key=lambda one: order[one[0]])
    )


def _named(model: Any, ids: Collection[int | None]) -> dict[int, Name]:
    """Names by id; units in the order of their lists."""
    wanted = {row_id for row_id in ids if row_id is not None}
    order = (Unit.sort, Unit.id) if model is Unit else (model.id,)
    query = select(model).where(model.id.in_(wanted)).order_by(*order)
    return {row.id: _name(row) for row in db.session.scalars(query)}


def _count(which: Any, states: Collection[str]) -> int:
    query = select(func.count()).select_from(Appeal).where(which, Appeal.state.in_(states))
    return db.session.scalar(query) or 0


def _name(row: Any) -> Name:
    return Name(row.id, row.code, row.name, row.name_en or row.name)


def _sealed(found: Preview, change: PortfolioChange) -> Preview:
    """The preview with its fingerprint; how many appeals are open may change while somebody reads it."""
    told = {name: value for name, value in asdict(found).items() if name in ("line", "places", "moves", "links")}
    text = json.dumps([told, change.at.isoformat(), change.reason], default=str, sort_keys=True)
    return replace(found, seen=hashlib.sha256(text.encode()).hexdigest())


# --- what is filed ---------------------------------------------------------------------------------------------


def _record(
    actor: Actor, change: PortfolioChange, found: Preview, request_key: str | None
) -> tuple[StaffingChange, ...]:
    """One record for the line, one for each line that a unit comes from."""
    old = {one.place: _kept(one.before) for one in found.places}
    new = {one.place: _kept(one.after) for one in found.places}
    gone = [one.unit for one in found.moves if one.after is None]
    come = [one.unit for one in found.moves if one.after is not None]
    filed = [_file(actor, change, found.line, (old, gone), (new, come), request_key)]
    donors: dict[int, tuple[Name, list[Name]]] = {}
    for move in found.moves:
        if move.before is not None and move.before.id != found.line.id:
            donors.setdefault(move.before.id, (move.before, []))[1].append(move.unit)
    filed += [_file(actor, change, donor, ({}, units), ({}, []), None) for donor, units in donors.values()]
    _tell(found, filed[0])
    return tuple(filed)


def _file(
    actor: Actor,
    change: PortfolioChange,
    line: Name,
    before: tuple[Mapping[str, Any], list[Name]],
    after: tuple[Mapping[str, Any], list[Name]],
    request_key: str | None,
) -> StaffingChange:
    """Record, journal and audit of one line; what is kept are codes and names as they are now."""
    (old, gone), (new, come) = before, after
    kept = [dict(one) | ({"units": [_kept(unit) for unit in units]} if units else {})
            for one, units in ((old, gone), (new, come))]  # fmt: skip
    row = changes.record_in(
        actor,
        kind="portfolio",
        at=change.at,
        reason=change.reason,
        before=kept[0],
        after=kept[1],
        portfolio_id=line.id,
        request_key=request_key,
    )
    codes = [{name: _codes(value) for name, value in one.items()} for one in kept]
    at = {"at": change.at.isoformat()}
    journal.write(actor, "edit", "portfolio", line.id, old=codes[0], new=codes[1] | at, reason=change.reason)
    detail = {"action": "edit", "fields": sorted({*kept[0], *kept[1]})}
    audit.record(actor, "right.change", object_type="portfolio", object_id=line.id, detail=detail)
    return row


def _kept(name: Name | None) -> dict[str, str]:
    return {} if name is None else {"code": name.code, "name": name.name, "name_en": name.name_en}


def _codes(value: Any) -> Any:
    return [one["code"] for one in value] if isinstance(value, list) else value.get("code")


def _tell(found: Preview, row: StaffingChange) -> None:
    """The leaders who go and come, and those who stay with other units; the clerks of the sections before and after."""
    line = portfolio.line(found.line.id, row.effective_at)
    people = [person.id for person in line.leaders] if line else []
    sections = {line.section.id} if line and line.section else set()
    for one in found.places:
        ids = [name.id for name in (one.before, one.after) if name is not None]
        if one.place == "section":
            sections.update(ids)
        else:
            people += ids
    clerks = [clerk for section in sorted(sections) for clerk in staffing.members(section, "section_clerk")]
    key = f"staffing_change:{row.id}|portfolio.changed"
    outbox.enqueue("portfolio.changed", [*people, *clerks], key=key, subject=("staffing_change", row.id))


def _made_before(request_key: str | None) -> tuple[StaffingChange, ...]:
    if request_key is None:
        return ()
    known = select(Journal.object_id).where(
        Journal.request_key == request_key, Journal.object_type == "staffing_change"
    )
    return tuple(db.session.scalars(select(StaffingChange).where(StaffingChange.id.in_(known))))
