"""The one write path of duty rosters (R17): calendar, pattern, swap, workbook and form all end in `_carry_out`.

What has passed is history: only the system officer corrects it, with a reason. A running shift is never
rewritten either: a change of its people ends it at this minute and begins a new one. Each call is one
transaction with a journal row per shift, one audit row, and a notice to everybody it puts on duty soon or frees.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import selectinload

from app.models import DutySeat, DutyShift, Journal, Person, Unit, db
from app.rules import rosters as rules
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound, Refused
from app.rules.rosters import Duty
from app.services import audit, journal, outbox, present
from app.services.actors import Actor
from app.services.roster_checks import Finding, judge
from app.services.roster_months import Office, access_office, duty_of
from app.services.transaction import transaction

TOLD_AHEAD = timedelta(days=14)
UNDO_WITHIN = timedelta(hours=1)
REASON = 200


@dataclass(frozen=True, slots=True)
class Edit:
    """One shift as it is to be: a new one without `shift_id`, taken away without `after`.

    `version` is the one the planner saw; None does not ask.
    """

    shift_id: int | None
    after: Duty | None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done: the shifts concerned, and by which journal rows it can be undone."""

    shift_ids: tuple[int, ...] = ()
    undo: tuple[int, int] | None = None


@dataclass
class _Step:
    """One row on its way: None for a new one, `after` None for one that goes."""

    row: DutyShift | None
    before: Duty | None
    after: Duty | None
    keeps_people: frozenset[int] = field(default_factory=frozenset)


# --- single changes --------------------------------------------------------------------------------------------


def plan(actor: Actor, office_id: int, edits: Sequence[Edit], *, reason: str = "") -> Outcome:
    """Enter, change and take away shifts of one office, all or nothing.

    Raises Refused "roster.not-yours", "shift.past", "shift.in-past" or "shift.begun", NotFound("roster.no-shift"),
    Conflict("roster.stale"), and FieldErrors with what speaks against it: "shift.nobody", "shift.two-seats",
    "shift.overlap", "shift.elsewhere", "shift.away", "shift.too-long", "period.ends-before-start".
    """
    return _own_transaction(actor, office_id, edits, reason=reason)


def put(
    actor: Actor,
    office_id: int,
    shift_id: int,
    person_id: int,
    seat: str,
    *,
    version: int | None = None,
    instead_of: int | None = None,
) -> Outcome:
    """Put a person into a seat of a shift, or in another's place there."""
    duty, seen = _seen(office_id, shift_id, version)
    if seat not in rules.SEATS:
        raise Invalid("field.choice", field="seat")
    if instead_of is None:
        after = rules.seated(duty, person_id, seat)
    elif duty.seat_of(instead_of) is None:
        raise Conflict("roster.stale")
    elif person_id in duty.persons:
        after = rules.swapped(duty, instead_of, duty, person_id)[0]
    else:
        main = tuple(person_id if one == instead_of else one for one in duty.main)
        second = tuple(person_id if one == instead_of else one for one in duty.second)
        after = replace(duty, main=main, second=second)
    return _own_transaction(actor, office_id, [Edit(shift_id, after, seen)])


def take_off(actor: Actor, office_id: int, shift_id: int, person_id: int, *, version: int | None = None) -> Outcome:
    """Take a person off a shift."""
    duty, seen = _seen(office_id, shift_id, version)
    return _own_transaction(actor, office_id, [Edit(shift_id, rules.without(duty, person_id), seen)])


def move_person(
    actor: Actor,
    office_id: int,
    person_id: int,
    source: tuple[int, int | None],
    target: tuple[int, int | None],
    seat: str,
) -> Outcome:
    """Move a person from one shift into a seat of another (or of the same); each as (id, version)."""
    if seat not in rules.SEATS:
        raise Invalid("field.choice", field="seat")
    if source[0] == target[0]:
        return put(actor, office_id, target[0], person_id, seat, version=target[1])
    (leaves, left_at), (enters, entered_at) = _seen(office_id, *source), _seen(office_id, *target)
    if leaves.seat_of(person_id) is None:
        raise Conflict("roster.stale")
    if enters.seat_of(person_id) is not None:
        raise Invalid("swap.already-there", field="target")
    edits = [
        Edit(source[0], rules.without(leaves, person_id), left_at),
        Edit(target[0], rules.seated(enters, person_id, seat), entered_at),
    ]
    return _own_transaction(actor, office_id, edits)


def move_shift(actor: Actor, office_id: int, shift_id: int, day: date, *, version: int | None = None) -> Outcome:
    """Move a shift to another day, at the same times of day."""
    duty, seen = _seen(office_id, shift_id, version)
    return _own_transaction(actor, office_id, [Edit(shift_id, rules.on_day(duty, day, present.zone()), seen)])


def remove(
    actor: Actor, office_id: int, shift_id: int, *, version: int | None = None, reason: str = ""
) -> Outcome:
    """Take a shift out of the roster; a running one ends now."""
    return _own_transaction(actor, office_id, [Edit(shift_id, None, version)], reason=reason)


def swap(
    actor: Actor,
    office_id: int,
    one: tuple[int, int | None, int],
    other: tuple[int, int | None, int],
    reason: str,
) -> Outcome:
    """Two people change places, each given as (shift id, version, person id); both are told. A reason is needed."""
    reason = reason.strip()
    if not reason:
        raise Invalid("field.required", field="reason")
    (first, first_at), (second, second_at) = _seen(office_id, *one[:2]), _seen(office_id, *other[:2])
    after = rules.swapped(first, one[2], second, other[2])
    edits = [Edit(one[0], after[0], first_at), Edit(other[0], after[1], second_at)]
    edits = edits[:1] if one[0] == other[0] else edits
    return _own_transaction(actor, office_id, edits, reason=reason, swapped=(one[2], other[2]))


def _own_transaction(
    actor: Actor, office_id: int, edits: Sequence[Edit], *, reason: str = "", swapped: Sequence[int] = ()
) -> Outcome:
    office = access_office(actor, office_id, to_write=True)
    try:
        with transaction():
            return _carry_out(actor, office, edits, reason=reason.strip()[:REASON], swapped=swapped)
    except Conflict as error:
        raise _worded(error) from error


def _duty(office_id: int, shift_id: int) -> Duty:
    return _seen(office_id, shift_id, None)[0]


def _seen(office_id: int, shift_id: int, version: int | None) -> tuple[Duty, int]:
    """The shift as it stands, and the version from which a change is worked out: the planner's, else this one's.

    What somebody else changes before the row is locked is found by it, and is not written over.
    """
    query = select(DutyShift).where(DutyShift.id == shift_id, DutyShift.office_id == office_id)
    row = db.session.scalars(query.options(selectinload(DutyShift.seats))).one_or_none()
    if row is None:
        raise NotFound("roster.no-shift", {"id": shift_id})
    return duty_of(row), row.version if version is None else version


def _worded(error: Conflict) -> Conflict | FieldErrors:
    """Somebody else planned at the same moment: the database's refusal at the field it is about."""
    at = {"duty_shift_no_overlap": ("starts_at", "period.overlap"), "duty_seat_one_place": ("main", "shift.two-places")}
    found = at.get(str(error.data.get("constraint", "")))
    if error.code == "row.stale":
        return Conflict("roster.stale")
    return FieldErrors([FieldProblem(*found)]) if found else error


def content(duty: Duty) -> tuple[Any, ...]:
    """What two shifts must share to be the same."""
    return duty.starts_at, duty.ends_at, frozenset(duty.main), frozenset(duty.second), duty.label


# --- undo ------------------------------------------------------------------------------------------------------


def undo(actor: Actor, office_id: int, first: int, last: int) -> Outcome:
    """Take one's last change of a roster back, given its journal rows, within an hour and if nobody changed it since.

    Raises Refused "roster.undo-late" or "roster.undo-begun".
    """
    access_office(actor, office_id, to_write=True)
    query = (
        select(Journal)
        .where(
            Journal.id.between(first, min(last, first + rules.MOST_SHIFTS * 2)),
            Journal.object_type == "duty_shift",
            Journal.user_id == actor.user_id,
            Journal.at >= present.now() - UNDO_WITHIN,
        )
        .order_by(Journal.id)
    )
    rows = list(db.session.scalars(query))
    if not rows or len({row.request_id for row in rows}) > 1:
        raise Refused("roster.undo-late")
    ids = _person_ids(rows)
    edits = []
    for row in rows:
        if row.old and not row.new:
            edits.append(Edit(None, _restored(row.old, office_id, ids)))
            continue
        duty = _duty_or_none(office_id, row.object_id)
        stands = _written(duty, ids) if duty else {}
        if duty is None or any(row.new.get(name, value) != value for name, value in stands.items()):
            raise Refused("roster.undo-late")
        if duty.starts_at <= present.now():
            raise Refused("roster.undo-begun")
        before = _restored(_written(duty, ids) | row.old, office_id, ids) if row.old else None
        edits.append(Edit(row.object_id, before))
    return _own_transaction(actor, office_id, edits)


def _duty_or_none(office_id: int, shift_id: int) -> Duty | None:
    try:
        return _duty(office_id, shift_id)
    except NotFound:
        return None


def _person_ids(rows: Iterable[Journal]) -> dict[str, int]:
    codes = {
        code for row in rows for values in (row.old, row.new) for seat in rules.SEATS for code in values.get(seat, ())
    }
    in_shifts = select(DutySeat.person_id).where(DutySeat.shift_id.in_([row.object_id for row in rows]))
    query = select(Person.code, Person.id).where(or_(Person.code.in_(codes), Person.id.in_(in_shifts)))
    return dict(db.session.execute(query).all())


def _written(duty: Duty, ids: Mapping[str, int]) -> dict[str, Any]:
    codes = {person_id: code for code, person_id in ids.items()}
    return {
        "starts_at": duty.starts_at.isoformat(),
        "ends_at": duty.ends_at.isoformat(),
        "label": duty.label,
        "main": [codes.get(person, "") for person in duty.main],
        "second": [codes.get(person, "") for person in duty.second],
    }


def _restored(values: Mapping[str, Any], office_id: int, ids: Mapping[str, int]) -> Duty:
    return Duty(
        office_id,
        datetime.fromisoformat(values["starts_at"]),
        datetime.fromisoformat(values["ends_at"]),
        tuple(ids[code] for code in values["main"]),
        tuple(ids[code] for code in values["second"]),
        label=values.get("label", ""),
    )


# --- one transaction -------------------------------------------------------------------------------------------


def _carry_out(
    actor: Actor, office: Office, edits: Sequence[Edit], *, reason: str, swapped: Sequence[int] = ()
) -> Outcome:
    # Planners of one office wait for each other, so that each judges what really stands.
    db.session.scalars(select(Unit.id).where(Unit.id == office.id).with_for_update(key_share=True)).one()
    rows = _locked(office.id, edits)
    steps = [
        step
        for edit in edits
        for step in _steps(actor, rows.get(edit.shift_id) if edit.shift_id else None, edit, reason)
    ]
    _require_sound(office.id, steps)
    codes = _codes(steps)
    _write(steps)
    written = [_trace(actor, step, codes, office, reason) for step in steps if _differs(step)]
    if not written:
        return Outcome()
    detail = {"action": "swap" if swapped else "plan", "office": office.code, "shifts": len(written)}
    audit.record(actor, "right.change", object_type="duty_shift", object_id=office.id, detail=detail)
    db.session.flush()
    _tell(actor, steps, swapped)
    ids = sorted(entry.id for entry in written)
    shift_ids = tuple(step.row.id for step in steps if step.row is not None and step.after is not None)
    return Outcome(shift_ids, (ids[0], ids[-1]))


def _locked(office_id: int, edits: Iterable[Edit]) -> dict[int, DutyShift]:
    wanted = {edit.shift_id: edit.version for edit in edits if edit.shift_id is not None}
    query = (
        select(DutyShift)
        .where(DutyShift.id.in_(wanted), DutyShift.office_id == office_id)
        .options(selectinload(DutyShift.seats))
        .with_for_update(of=DutyShift)
        .execution_options(populate_existing=True)
    )
    rows = {row.id: row for row in db.session.scalars(query)} if wanted else {}
    for shift_id, version in wanted.items():
        if shift_id not in rows:
            raise Conflict("roster.stale")
        if version is not None and rows[shift_id].version != version:
            raise Conflict("roster.stale")
    return rows


def _steps(actor: Actor, row: DutyShift | None, edit: Edit, reason: str) -> list[_Step]:
    """What one edit means for the rows, with history kept."""
    now = present.now()
    minute = now.replace(second=0, microsecond=0)
    corrects = bool(reason) and actor.grants.can("system")
    after = edit.after
    if row is None:
        if after is not None and after.starts_at < minute and not corrects:
            raise Refused("shift.in-past")
        return [_Step(None, None, after)]
    before = duty_of(row)
    if before.ends_at <= now and not corrects:
        raise Refused("shift.past")
    if before.starts_at > now or before.ends_at <= now:
        if after is not None and after.starts_at < minute and after.starts_at != before.starts_at and not corrects:
            raise Refused("shift.in-past")
        return [_Step(row, before, after, _kept(before, after))]
    return _running(row, before, after, minute)


def _running(row: DutyShift, before: Duty, after: Duty | None, minute: datetime) -> list[_Step]:
    if after is None:
        if minute <= before.starts_at:
            return [_Step(row, before, None)]
        return [_Step(row, before, replace(before, ends_at=minute), frozenset(before.persons))]
    if after.starts_at != before.starts_at or after.ends_at <= minute:
        raise Refused("shift.begun")
    people = (set(after.main), set(after.second)) != (set(before.main), set(before.second))
    if not people or minute <= before.starts_at:
        return [_Step(row, before, after, _kept(before, after))]
    was, comes = rules.split(before, minute, after)
    kept = frozenset(before.persons)
    return [_Step(row, before, was, kept), _Step(None, None, comes, kept)]


def _kept(before: Duty, after: Duty | None) -> frozenset[int]:
    """Who sat in it already over that time: whether he is away is not this change's business."""
    inside = after is not None and before.starts_at <= after.starts_at and after.ends_at <= before.ends_at
    return frozenset(before.persons) if inside else frozenset()


def _require_sound(office_id: int, steps: Sequence[_Step]) -> None:
    changed = [step for step in steps if step.after is not None and _differs(step) and not _shrinks(step)]
    if not changed:
        return
    _require_people(changed)
    planned = [replace(step.after, office_id=office_id) for step in changed if step.after is not None]
    sat = [step.keeps_people for step in changed]
    going = {step.row.id for step in steps if step.row is not None}
    found = [
        one
        for one in judge(planned, ignoring=going)
        if one.code != "shift.away"
        or not any(one.person_id in people for duty, people in zip(planned, sat, strict=True) if duty == one.duty)
    ]
    if found:
        raise FieldErrors([FieldProblem(one.field, one.code, one.data) for one in _once(found)])


def _shrinks(step: _Step) -> bool:
    """The same people for less time collide with nothing new."""
    before, after = step.before, step.after
    return before is not None and after is not None and before.persons == after.persons and not _grows(step) and (
        after.starts_at < after.ends_at
    )


def _once(found: Iterable[Finding]) -> list[Finding]:
    seen: dict[tuple[Any, ...], Finding] = {}
    for one in found:
        seen.setdefault((one.field, one.code, tuple(sorted(map(str, one.data.items())))), one)
    return list(seen.values())


def _require_people(steps: Iterable[_Step]) -> None:
    wanted = {p for step in steps if step.after for p in step.after.persons}
    sitting = {p for step in steps if step.before for p in step.before.persons}
    sitting |= {p for step in steps for p in step.keeps_people}
    query = select(Person.id).where(Person.id.in_(wanted), Person.active | Person.id.in_(sitting))
    if set(db.session.scalars(query)) != wanted:
        raise Invalid("person.unknown", field="main")


def _differs(step: _Step) -> bool:
    if step.before is None or step.after is None:
        return True
    return content(step.before) != content(step.after) or step.before.persons != step.after.persons


def _write(steps: Sequence[_Step]) -> None:
    """Rows that go first, then seats out, periods that shrink, all other periods, seats in: no moment collides."""
    changed = [step for step in steps if _differs(step)]
    for step in changed:
        if step.after is None and step.row is not None:
            db.session.delete(step.row)
        elif step.row is not None:
            step.row.seats.clear()
    db.session.flush()
    for step in sorted(changed, key=_grows):
        if step.row is None or step.after is None or step.before is None:
            continue
        step.row.label = step.after.label
        step.row.valid = _range(step.after.starts_at, step.after.ends_at)
        step.row.updated_at = present.now()
        db.session.flush()
    for step in changed:
        if step.after is None:
            continue
        if step.row is None:
            step.row = DutyShift(
                office_id=step.after.office_id,
                valid=_range(step.after.starts_at, step.after.ends_at),
                label=step.after.label,
            )
            db.session.add(step.row)
        for seat, people in (("main", step.after.main), ("second", step.after.second)):
            step.row.seats.extend(DutySeat(person_id=person, seat=seat) for person in people)
    db.session.flush()


def _grows(step: _Step) -> bool:
    if step.before is None or step.after is None:
        return True
    return not (step.before.starts_at <= step.after.starts_at and step.after.ends_at <= step.before.ends_at)


def _codes(steps: Iterable[_Step]) -> dict[str, int]:
    people = {p for step in steps for duty in (step.before, step.after) if duty for p in duty.persons}
    query = select(Person.code, Person.id).where(Person.id.in_(people))
    return dict(db.session.execute(query).all())


def _trace(actor: Actor, step: _Step, codes: Mapping[str, int], office: Office, reason: str) -> Journal:
    old = _written(step.before, codes) if step.before else {}
    new = _written(step.after, codes) if step.after else {}
    if old and new:
        changed = [name for name in new if new[name] != old[name]]
        old, new = {name: old[name] for name in changed}, {name: new[name] for name in changed}
    elif new:
        new["office"] = office.code
    else:
        old["office"] = office.code
    shift_id = step.row.id if step.after is not None and step.row is not None else step.before.id  # type: ignore[union-attr]
    action = "create" if not old else "edit" if new else "remove"
    return journal.write(actor, action, "duty_shift", shift_id or 0, old=old, new=new, reason=reason)


# --- who is told -----------------------------------------------------------------------------------------------


def _tell(actor: Actor, steps: Sequence[_Step], swapped: Sequence[int]) -> None:
    """Everybody newly put on a shift that begins soon, or freed from one; he who did it knows already."""
    gained, lost = _moved(steps)
    event = secrets.token_hex(8)
    for kind, people in (
        ("shift.swapped", set(swapped)),
        ("shift.changed", (gained.keys() & lost.keys()) - set(swapped)),
        ("shift.on", gained.keys() - lost.keys() - set(swapped)),
        ("shift.off", lost.keys() - gained.keys() - set(swapped)),
    ):
        for person in sorted(people - {actor.person_id}):
            shift_id = gained.get(person) or lost.get(person) or 0
            outbox.enqueue(kind, [person], key=f"{kind}:{event}", subject=("duty_shift", shift_id))


def _moved(steps: Sequence[_Step]) -> tuple[dict[int, int], dict[int, int]]:
    """Person → the first shift he was put on, and taken off, as far as it begins within TOLD_AHEAD."""
    now = present.now()
    before: dict[int, dict[tuple[datetime, datetime], int]] = {}
    after: dict[int, dict[tuple[datetime, datetime], int]] = {}
    for step in steps:
        for duty, held in ((step.before, before), (step.after, after)):
            if duty is None or duty.ends_at <= now or duty.starts_at > now + TOLD_AHEAD:
                continue
            shift_id = (step.row.id if step.row is not None else None) or duty.id or 0
            for person in duty.persons:
                held.setdefault(person, {})[max(duty.starts_at, _minute(now)), duty.ends_at] = shift_id
    gained: dict[int, int] = {}
    lost: dict[int, int] = {}
    for person in before.keys() | after.keys():
        was, comes = before.get(person, {}), after.get(person, {})
        for period, shift_id in sorted(comes.items()):
            if period not in was:
                gained.setdefault(person, shift_id)
        for period, shift_id in sorted(was.items()):
            if period not in comes:
                lost.setdefault(person, shift_id)
    return gained, lost


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _range(start: datetime, end: datetime) -> Range[datetime]:
    return Range(start, None if end >= datetime.max.replace(tzinfo=UTC) else end, bounds="[)")


