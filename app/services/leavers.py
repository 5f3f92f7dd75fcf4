"""Somebody leaves (R15, R16): every place he holds ends, each as a filed change, and his account is shut the same day.

What cannot end by itself, a line of the portfolio or the shift he sits now, is named for somebody to settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import joinedload

from app.models import (
    Account,
    ChainLink,
    DutySeat,
    DutyShift,
    Holding,
    Membership,
    Person,
    PortfolioPlace,
    Post,
    StaffingChange,
    StandIn,
    db,
)
from app.rules.errors import FieldErrors, FieldProblem, NotFound
from app.services import access, accounts, audit, changes, journal, periods, present
from app.services.actors import Actor, software
from app.services.changes import Change
from app.services.transaction import transaction


@dataclass(frozen=True, slots=True)
class Place:
    """A place somebody leaves. `remains` is who stands in the other role then, None for nobody.

    kind: holding, chain, leader, membership, duty, stand_in end by themselves; portfolio and shift are open points.
    """

    kind: str
    row: Any
    subject: Any
    ends_at: datetime
    role: str | None = None
    link: str | None = None
    remains: Person | None = None

    @property
    def is_open_point(self) -> bool:
        """Whether somebody has to settle it."""
        return self.kind in ("portfolio", "shift")

    @property
    def is_gap(self) -> bool:
        """Whether nobody stands there afterwards, in neither role."""
        return self.kind in ("holding", "chain", "leader") and self.remains is None

    def to_json(self) -> dict[str, Any]:
        """The place as a record keeps it."""
        found = {
            "kind": self.kind,
            "name": self.subject.name,
            "name_en": self.subject.name_en or self.subject.name,
            "role": self.role,
            "link": self.link,
            "ends_at": self.ends_at.isoformat(),
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Leaving:
    """What somebody leaves at a moment."""

    person: Person
    at: datetime
    places: tuple[Place, ...]
    has_account: bool


def preview(actor: Actor, person_id: int, at: datetime) -> Leaving:
    """Every place the person would leave at that moment, written nowhere. Raises what `leave` raises."""
    access.require_anywhere(actor, "system")
    person = db.session.get(Person, person_id)
    if person is None or not person.active:
        raise NotFound("person.unknown")
    _check_moment(at)
    account = select(Account.id).where(Account.person_id == person_id)
    return Leaving(person, at, tuple(_places(person, at)), db.session.scalar(account) is not None)


def leave(
    actor: Actor, person_id: int, at: datetime, reason: str, *, request_key: str | None = None
) -> StaffingChange:
    """File that somebody leaves at `at`, as system officer; the record, which lists what became vacant.

    Holdings, chain links and duty seats end at that moment in this transaction, each holding and link with a record
    of its own. At the moment itself, which is now unless it lies ahead, his functions in units end, posts lose him
    as responsible leader, his account is shut with its sessions and he is out of use.

    Raises Refused("access.not-granted"), NotFound("person.unknown"), FieldErrors("change.moment"), and
    Conflict("leaver.filed") when he leaves already.
    """
    access.require_anywhere(actor, "system")
    with transaction():
        changes.queue()
        if (known := changes.filed_before(request_key)) is not None:
            return known
        person = db.session.get(Person, person_id, with_for_update=True, populate_existing=True)
        if person is None or not person.active:
            raise NotFound("person.unknown")
        _check_moment(at)
        if _waiting(person_id) is not None:
            raise FieldErrors([FieldProblem("at", "leaver.filed")])
        places = list(_places(person, at))
        told_as = f"leaver:{person.id}:{at.isoformat()}"
        record = changes.record_in(
            actor,
            kind="leaver",
            at=at,
            reason=reason,
            before=changes.standing(person) | {"places": [place.to_json() for place in places]},
            after={},
            person_id=person.id,
            left=[person.id],
            told_as=told_as,
            request_key=request_key,
        )
        _end(actor, places, reason, told_as)
        if at <= present.now():
            _go(actor, person, record, told_as)
        return record


def finish_due() -> int:
    """Let those go whose moment has come since it was filed; how many. Repeating it changes nothing."""
    due = _open_records().where(StaffingChange.effective_at <= present.now())
    done = 0
    for record_id in db.session.scalars(due.with_only_columns(StaffingChange.id)).all():
        with transaction():
            changes.queue()
            record = db.session.get_one(StaffingChange, record_id, with_for_update=True, populate_existing=True)
            if "left_at" in record.after or record.state == "undone":
                continue
            person = db.session.get_one(Person, record.person_id, with_for_update=True, populate_existing=True)
            _go(software("leavers"), person, record, f"leaver:{person.id}:{record.effective_at.isoformat()}")
            done += 1
    return done


def _check_moment(at: datetime) -> None:
    if not changes.EARLIEST <= at <= present.now() + changes.FURTHEST:
        raise FieldErrors([FieldProblem("at", "change.moment")])


def _open_records() -> Select[StaffingChange]:
    return select(StaffingChange).where(
        StaffingChange.kind == "leaver", StaffingChange.state != "undone", ~StaffingChange.after.has_key("left_at")
    )


def _waiting(person_id: int) -> StaffingChange | None:
    found: StaffingChange | None = db.session.scalars(
        _open_records().where(StaffingChange.person_id == person_id).limit(1)
    ).first()
    return found


# --- where somebody stands -------------------------------------------------------------------------------------


def _after(model: Any, at: datetime) -> ColumnElement[bool]:
    ends: ColumnElement[bool] = or_(func.upper_inf(model.valid), func.upper(model.valid) > at)
    return ends


def _rows(model: Any, person: Person, at: datetime, *named: Any) -> Sequence[Any]:
    query = select(model).where(model.person_id == person.id, _after(model, at)).order_by(model.id)
    return db.session.scalars(query.options(*(joinedload(one) for one in named))).all()


def _ends(row: Any, at: datetime) -> datetime:
    """When a row ends: at that moment, or, if it was to begin later, before it begins."""
    starts: datetime | None = row.valid.lower
    return at if starts is None or starts <= at else starts


def _places(person: Person, at: datetime) -> list[Place]:
    found: list[Place] = []
    for row in _rows(Holding, person, at, Holding.post):
        ends, role = _ends(row, at), "B" if row.role == "A" else "A"
        other = periods.standing_at(Holding, {"post_id": row.post_id, "role": role}, ends)
        remains = other.person if other is not None and other.person_id != person.id else None
        found.append(Place("holding", row, row.post, ends, row.role, remains=remains))
    for row in _rows(ChainLink, person, at, ChainLink.unit):
        ends, role = _ends(row, at), "B" if row.role == "A" else "A"
        other = periods.standing_at(ChainLink, {"unit_id": row.unit_id, "link": row.link, "role": role}, ends)
        remains = other.person if other is not None and other.person_id != person.id else None
        found.append(Place("chain", row, row.unit, ends, row.role, row.link, remains))
    for post in db.session.scalars(select(Post).where(Post.leader_id == person.id).order_by(Post.number)):
        found.append(Place("leader", post, post, at))
    for row in db.session.scalars(_memberships(person)):
        found.append(Place("membership", row, row.unit, at, role=row.function))
    for seat in _rows(DutySeat, person, at, DutySeat.shift):
        # The shift he sits at that moment is history of whom it was given to; later ones are given to others.
        runs = seat.valid.lower is None or seat.valid.lower < at
        found.append(Place("shift" if runs else "duty", seat, seat.shift.office, _ends(seat, at), seat.seat))
    for row in _rows(StandIn, person, at):
        found.append(Place("stand_in", row, row.post or row.unit, _ends(row, at), link=row.link))
    for row in _rows(PortfolioPlace, person, at, PortfolioPlace.portfolio):
        found.append(Place("portfolio", row, row.portfolio, _ends(row, at), role=row.place))
    return found


def _memberships(person: Person) -> Select[Membership]:
    query = select(Membership).where(Membership.person_id == person.id, Membership.active)
    return query.options(joinedload(Membership.unit)).order_by(Membership.id)


# --- endings ---------------------------------------------------------------------------------------------------


def _end(actor: Actor, places: Sequence[Place], reason: str, told_as: str) -> None:
    """End what ends by itself at a moment of its own; the rest ends when the moment of leaving has come."""
    for place in places:
        if place.kind in ("holding", "chain"):
            changes.apply_in(actor, _vacated(place, reason), told_as=told_as)
        elif place.kind in ("duty", "stand_in"):
            _ENDINGS[place.kind](actor, place)


def _vacated(place: Place, reason: str) -> Change:
    row = place.row
    if place.kind == "holding":
        return Change("holding", place.ends_at, reason, post_id=row.post_id, role=row.role)
    return Change("chain", place.ends_at, reason, unit_id=row.unit_id, link=row.link, role=row.role)


def _end_duty(actor: Actor, place: Place) -> None:
    shift: DutyShift = place.row.shift
    shift.seats.remove(place.row)
    # The roster's version counts a change of its seats too.
    shift.updated_at = present.now()
    _note(actor, "edit", "duty_shift", shift.id, {place.row.seat: place.row.person.code}, {place.row.seat: None})


def _end_stand_in(actor: Actor, place: Place) -> None:
    row: StandIn = place.row
    upper = row.valid.upper
    old = {"ends_at": upper.isoformat() if upper else None}
    if place.ends_at == row.valid.lower:
        db.session.delete(row)
        _note(actor, "remove", "stand_in", row.id, old, {})
        return
    row.valid = Range(row.valid.lower, place.ends_at, bounds="[)")
    _note(actor, "edit", "stand_in", row.id, old, {"ends_at": place.ends_at.isoformat()})


_ENDINGS = {"duty": _end_duty, "stand_in": _end_stand_in}


def _go(actor: Actor, person: Person, record: StaffingChange, told_as: str) -> None:
    """The moment has come: what knows no period ends now, and the person is out of use.

    So does whatever he was given since it was filed: nobody who has left stands anywhere.
    """
    now = present.now()
    _end(actor, _places(person, now), record.reason, told_as)
    for post_id in db.session.scalars(select(Post.id).where(Post.leader_id == person.id).order_by(Post.id)).all():
        changes.apply_in(actor, Change("leader", now, record.reason, post_id=post_id), told_as=told_as)
    for row in db.session.scalars(_memberships(person)):
        row.active = False
        _note(actor, "remove", "membership", row.id, {"active": True}, {"active": False})
    accounts.disable_in(actor, person.id)
    person.active = False
    _note(actor, "remove", "person", person.id, {"active": True}, {"active": False})
    record.after = {"left_at": now.isoformat()}
    db.session.flush()


def _note(actor: Actor, action: str, table: str, row_id: int, old: dict[str, Any], new: dict[str, Any]) -> None:
    journal.write(actor, action, table, row_id, old=old, new=new)
    detail = {"action": action, "fields": sorted(new or old)}
    audit.record(actor, "right.change", object_type=table, object_id=row_id, detail=detail)
