"""The handover note at each change of shift (交接班, R17): what is open passes from one main seat to the next.

Open clocks belong to the posts of the office, so nothing has to be moved: the note says what there is, the outgoing
person confirms it, the incoming one takes it. Where the same people go on no note is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from app.models import DutySeat, DutyShift, HandoverSheet, Post, Unit, db
from app.rules import rosters as rules
from app.rules.errors import Conflict, Refused
from app.rules.fields import clean_text
from app.rules.rosters import Period
from app.services import assumptions, handovers, journal, outbox, present, roster_months
from app.services.actors import Actor
from app.services.roster_months import Seated
from app.services.transaction import transaction

# How long before the end of a shift its note may be written, and how long after it still counts for something.
BEFORE, AFTER = timedelta(hours=2), timedelta(hours=24)
SHOWN_BACK, SHOWN_AHEAD = timedelta(days=7), timedelta(days=1)
REMIND_MINUTES = 30
REMARK = 2000


@dataclass(frozen=True, slots=True)
class Change:
    """One change of shift: who goes, who comes, and the note. `state` is due, missing, given, taken or coming."""

    shift_id: int
    office_id: int
    at: datetime
    goes: tuple[Seated, ...]
    comes: tuple[Seated, ...]
    sheet_id: int | None
    number: str
    state: str
    may_write: bool


@dataclass(frozen=True, slots=True)
class MyTurn:
    """What the desk of somebody on duty says: his shift ends, the note is written or not; one waits to be taken."""

    shift_id: int | None = None
    office_id: int | None = None
    ends_at: datetime | None = None
    sheet_id: int | None = None
    is_near: bool = False
    to_take: tuple[int, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What the note of a shift would say now. With `sheet_id` it is written already; `follow` comes next."""

    shift: roster_months.Shift
    office: Unit
    items: tuple[handovers.Item, ...]
    rest: int
    follow: tuple[Seated, ...]
    sheet_id: int | None
    may_write: bool


# --- writing ---------------------------------------------------------------------------------------------------


def write(actor: Actor, shift_id: int, remark: str) -> int:
    """The outgoing person writes and confirms the note of his shift with everything open now; the sheet's id.

    Whoever follows is told. Repeating it gives the same sheet. Raises NotFound("roster.no-shift"),
    Refused("shift-note.not-yours") and Conflict "shift-note.too-early" or "shift-note.too-late".
    """
    roster_months.access_shift(actor, shift_id)
    with transaction():
        row = db.session.scalars(
            select(DutyShift)
            .where(DutyShift.id == shift_id)
            .options(selectinload(DutyShift.seats))
            .with_for_update(of=DutyShift)
            .execution_options(populate_existing=True)
        ).one()
        duty = roster_months.duty_of(row)
        if actor.person_id is None or actor.person_id not in duty.persons:
            raise Refused("shift-note.not-yours")
        now = present.now()
        if now < duty.ends_at - BEFORE:
            raise Conflict("shift-note.too-early")
        if now > duty.ends_at + AFTER:
            raise Conflict("shift-note.too-late")
        standing = db.session.scalars(select(HandoverSheet.id).where(HandoverSheet.shift_id == shift_id)).first()
        if standing is not None:
            return standing
        items = handovers.open_items(_posts_of(row.office_id), now)
        sheet = handovers.make_in(
            actor,
            "shift",
            items=items,
            office_id=row.office_id,
            shift_id=shift_id,
            from_id=actor.person_id,
            remark=clean_text(remark).strip()[:REMARK],
        )
        sheet.given_at = now
        new = {"number": sheet.number, "items": handovers.count(sheet.items)}
        journal.write(actor, "give", "handover_sheet", sheet.id, new=new)
        following = _following(row)
        people = [person for person in (following.persons if following else ()) if person != actor.person_id]
        outbox.enqueue("handover.given", people, key=f"handover:{sheet.id}|give", subject=("handover_sheet", sheet.id))
        return sheet.id


def draft(actor: Actor, shift_id: int) -> Draft:
    """The note of a shift before it is written. Raises NotFound("roster.no-shift"), Refused("shift-note.not-yours")."""
    row = roster_months.access_shift(actor, shift_id)
    shift = roster_months.shown(row, actor.person_id)
    if actor.person_id not in {one.id for one in (*shift.main, *shift.second)}:
        raise Refused("shift-note.not-yours")
    now = present.now()
    sheet = _sheets([shift_id]).get(shift_id)
    items = handovers.open_items(_posts_of(row.office_id), now) if sheet is None else []
    after = _at(row.office_id, shift.ends_at)
    return Draft(
        shift,
        row.office,
        tuple(item for item in items if "appeal_id" in item),
        sum(item.get("rest", 0) for item in items),
        roster_months.shown(after).main if after is not None else (),
        sheet.id if sheet else None,
        _may_write(shift, actor, now),
    )


def _posts_of(office_id: int) -> Sequence[int]:
    query = select(Post.id).where(Post.office_id == office_id, Post.active, Post.filled_by_duty)
    return db.session.scalars(query.order_by(Post.number)).all()


def _following(row: DutyShift) -> rules.Duty | None:
    end = row.valid.upper
    return roster_months.on_duty(row.office_id, end) if end is not None else None


# --- what is due -----------------------------------------------------------------------------------------------


def changes(actor: Actor, office_id: int) -> list[Change]:
    """The changes of shift of the last week and the coming day at which other people take over; four statements."""
    now = present.now()
    rows = roster_months.load(office_id, Period(now - SHOWN_BACK, now + SHOWN_AHEAD))
    pairs = [(row, _next(row, rows)) for row in rows]
    due = [(row, after) for row, after in pairs if _hands_over(row, after) and _ends_within(row, now)]
    sheets = _sheets([row.id for row, _after in due])
    seen = {shift.id: shift for shift in roster_months.several(rows, actor.person_id)}
    found = []
    for row, after in due:
        shift = seen[row.id]
        sheet = sheets.get(row.id)
        found.append(
            Change(
                row.id,
                office_id,
                shift.ends_at,
                shift.main,
                seen[after.id].main if after is not None else (),
                sheet.id if sheet else None,
                sheet.number if sheet else "",
                _state(sheet, shift.ends_at, now),
                sheet is None and _may_write(shift, actor, now),
            )
        )
    return sorted(found, key=lambda change: change.at, reverse=True)


def missing(office_ids: Iterable[int]) -> dict[int, int]:
    """How many changes of shift of the last week have no note, by office; three statements whatever the offices."""
    now = present.now()
    wanted = list(office_ids)
    query = (
        select(DutyShift)
        .where(
            DutyShift.office_id.in_(wanted),
            func.upper(DutyShift.valid) > now - SHOWN_BACK,
            func.lower(DutyShift.valid) <= now,
        )
        .options(selectinload(DutyShift.seats))
        .order_by(func.lower(DutyShift.valid))
    )
    rows = list(db.session.scalars(query)) if wanted else []
    ended = [row for row in rows if roster_months.bounds(row)[1] <= now]
    sheets = _sheets([row.id for row in ended])
    counts = dict.fromkeys(wanted, 0)
    for row in ended:
        if row.id not in sheets and _hands_over(row, _next(row, rows)):
            counts[row.office_id] += 1
    return counts


def my_turn(actor: Actor) -> MyTurn | None:
    """What the desk says of the own shift, None for somebody not on duty; two statements."""
    if actor.person_id is None:
        return None
    now = present.now()
    query = (
        select(DutyShift.id, DutyShift.office_id, func.upper(DutyShift.valid), HandoverSheet.id)
        .join(DutySeat, DutySeat.shift_id == DutyShift.id)
        .outerjoin(HandoverSheet, HandoverSheet.shift_id == DutyShift.id)
        .where(DutySeat.person_id == actor.person_id, DutySeat.valid.contains(now))
    )
    row = db.session.execute(query).first()
    if row is None:
        return None
    shift_id, office_id, ends_at, sheet_id = row
    waiting = (
        select(HandoverSheet.id)
        .where(
            HandoverSheet.kind == "shift",
            HandoverSheet.office_id == office_id,
            HandoverSheet.given_at.is_not(None),
            HandoverSheet.taken_at.is_(None),
            HandoverSheet.from_id != actor.person_id,
            HandoverSheet.shift_id.is_distinct_from(shift_id),
            HandoverSheet.made_at > now - AFTER,
        )
        .order_by(HandoverSheet.id)
        .limit(3)
    )
    to_take = tuple(db.session.scalars(waiting))
    near = ends_at is not None and ends_at - BEFORE <= now
    return MyTurn(shift_id, office_id, ends_at, sheet_id, near, to_take)


def remind(now: datetime) -> int:
    """Tell the outgoing main seat shortly before the end of the shift that its note is due; how many were told.

    The timetable calls it every minute: an end is told once, a postponed one anew.
    """
    soon = now + timedelta(minutes=_minutes())
    query = (
        select(DutyShift)
        .where(DutyShift.valid.contains(now), func.upper(DutyShift.valid) <= soon)
        .options(selectinload(DutyShift.seats))
    )
    rows = list(db.session.scalars(query))
    if not rows:
        return 0
    sheets = _sheets([row.id for row in rows])
    told = 0
    with transaction():
        for row in rows:
            end = roster_months.bounds(row)[1]
            following = _at(row.office_id, end)
            if row.id in sheets or not _hands_over(row, following):
                continue
            key = f"shift.note_due:{row.id}|{end.isoformat()}"
            told += outbox.enqueue("shift.note_due", _main(row), key=key, subject=("duty_shift", row.id))
    return told


def _minutes() -> int:
    return min(assumptions.whole(assumptions.value("shift_note_minutes"), REMIND_MINUTES), 24 * 60)


def _at(office_id: int, moment: datetime) -> DutyShift | None:
    query = select(DutyShift).where(DutyShift.office_id == office_id, DutyShift.valid.contains(moment))
    return db.session.scalars(query.options(selectinload(DutyShift.seats))).one_or_none()


def _next(row: DutyShift, rows: Sequence[DutyShift]) -> DutyShift | None:
    """The shift that begins where this one ends."""
    end = row.valid.upper
    return next((one for one in rows if one.office_id == row.office_id and one.valid.lower == end), None)


def _hands_over(row: DutyShift, after: DutyShift | None) -> bool:
    """Whether a note is due: other people follow, or nobody: then what is open is written down all the more."""
    if after is None:
        return True
    return rules.changes_over(roster_months.duty_of(row), roster_months.duty_of(after))


def _ends_within(row: DutyShift, now: datetime) -> bool:
    return now - SHOWN_BACK < roster_months.bounds(row)[1] <= now + SHOWN_AHEAD


def _main(row: DutyShift) -> list[int]:
    return [seat.person_id for seat in row.seats if seat.seat == "main"]


def _sheets(shift_ids: Sequence[int]) -> dict[int, HandoverSheet]:
    if not shift_ids:
        return {}
    query = select(HandoverSheet).where(HandoverSheet.shift_id.in_(shift_ids), HandoverSheet.kind == "shift")
    rows = db.session.scalars(query.options(joinedload(HandoverSheet.taker)).order_by(HandoverSheet.id))
    return {sheet.shift_id: sheet for sheet in rows if sheet.shift_id is not None}


def _state(sheet: HandoverSheet | None, at: datetime, now: datetime) -> str:
    if sheet is not None:
        return "taken" if sheet.taken_at else "given"
    if at <= now:
        return "missing"
    return "due" if at - BEFORE <= now else "coming"


def _may_write(shift: roster_months.Shift, actor: Actor, now: datetime) -> bool:
    mine = actor.person_id in {one.id for one in (*shift.main, *shift.second)}
    return mine and shift.ends_at - BEFORE <= now <= shift.ends_at + AFTER
