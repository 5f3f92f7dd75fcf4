"""Recounts for the pages that announce and follow them: what moves, how far it is, taking one back, all anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import Appeal, CalendarYear, Clock, ClockChange, Post, Recount, Task, Unit, db
from app.rules.errors import Conflict, NotFound
from app.services import access, calendar, clock_recounts, journal, present, sheets, tasks
from app.services.actors import Actor
from app.services.clock_recounts import Change, Consent, Preview
from app.services.sheet_rows import Sheet, access_row
from app.services.transaction import transaction

LISTED = 30
ROWS = 100


@dataclass(frozen=True, slots=True)
class MovedClock:
    """A line of what moves; `subject` is None for who may not see the appeal."""

    appeal_id: int
    number: str | None
    subject: str | None
    kind: str
    unit: Unit | None
    post: Post | None
    old: datetime | None
    new: datetime | None
    becomes_overdue: bool
    is_eased: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A recount with its task; `can_take_back` while it has not begun, `can_repeat` when it did not come to its end."""

    recount: Recount
    task: Task | None
    can_take_back: bool
    can_repeat: bool


def announced(actor: Actor, preview: Preview) -> list[MovedClock]:
    """The first lines of a preview, with names; subjects only of appeals that this person may see."""
    now = present.now()
    lines = {move.clock_id: move for move in preview.first}
    found = _named(actor, list(lines))
    return [
        _line(row, seen, move.old, move.new, move.is_late(move.old, now), move.is_late(move.new, now))
        for row, seen in found
        if (move := lines.get(row.id))
    ]


def _named(actor: Actor, clock_ids: Sequence[int]) -> list[tuple[Clock, bool]]:
    query = select(Clock, access.visible_to(actor).label("seen")).join(Appeal, Appeal.id == Clock.appeal_id)
    loaded = (joinedload(Clock.appeal), joinedload(Clock.unit), joinedload(Clock.post))
    by_id = {row.id: (row, bool(seen)) for row, seen in _rows(query.where(Clock.id.in_(clock_ids)).options(*loaded))}
    return [by_id[one] for one in clock_ids if one in by_id]


def _rows(query: Any) -> Sequence[Any]:
    found: Sequence[Any] = db.session.execute(query).unique().all()
    return found


def _line(
    clock: Clock, is_seen: bool, old: datetime | None, new: datetime | None, was_late: bool, is_late: bool
) -> MovedClock:
    appeal = clock.appeal
    return MovedClock(
        appeal.id,
        appeal.number,
        appeal.subject if is_seen else None,
        clock.kind,
        clock.unit,
        clock.post,
        old,
        new,
        is_late and not was_late,
        was_late and not is_late,
    )


# --- following ----------------------------------------------------------------------------------------------------


def listed(actor: Actor, *, before: int | None = None) -> list[Shown]:
    """Recounts, latest first. Raises Refused("access.not-granted")."""
    access.require_anywhere(actor, "system")
    query = select(Recount, Task).outerjoin(Task, Task.id == Recount.task_id).order_by(Recount.id.desc())
    if before is not None:
        query = query.where(Recount.id < before)
    return [_shown(recount, task) for recount, task in db.session.execute(query.limit(LISTED + 1)).all()]


def show(actor: Actor, recount_id: int) -> Shown:
    """One recount. Raises Refused, NotFound("recount.unknown")."""
    access.require_anywhere(actor, "system")
    recount = db.session.get(Recount, recount_id)
    if recount is None:
        raise NotFound("recount.unknown", {"id": recount_id})
    return _shown(recount, db.session.get(Task, recount.task_id) if recount.task_id else None)


def moved(actor: Actor, recount_id: int, *, after: int = 0) -> list[tuple[ClockChange, MovedClock]]:
    """What a recount has moved so far, a page in the order in which it was moved."""
    query = select(ClockChange).where(ClockChange.recount_id == recount_id, ClockChange.id > after)
    changes = db.session.scalars(query.order_by(ClockChange.id).limit(ROWS + 1)).all()
    clocks = {row.id: (row, seen) for row, seen in _named(actor, [change.clock_id for change in changes])}
    return [
        (change, _line(*clocks[change.clock_id], change.old_due_at, change.new_due_at, False, False))
        for change in changes
        if change.clock_id in clocks
    ]


def under_way() -> Recount | None:
    """A recount that is being applied now: figures of another preview may still change."""
    return db.session.scalars(select(Recount).where(Recount.state == "applying").order_by(Recount.id)).first()


def _shown(recount: Recount, task: Task | None) -> Shown:
    waits = task is not None and task.state == "pending" and not clock_recounts.has_begun(recount)
    ended = task is None or task.state in ("failed", "cancelled")
    is_open = recount.state == "applying"
    return Shown(recount, task, is_open and waits and not _is_everything(recount), is_open and ended)


def _is_everything(recount: Recount) -> bool:
    return bool(recount.change.get("everything"))


# --- acting -------------------------------------------------------------------------------------------------------


def check_all(actor: Actor, consent: Consent) -> None:
    """Compare every open limit with the calendar in force, and let those that differ follow it.

    For a machine whose published calendar was brought up to date. Raises MovesClocks without consent.
    """
    access.require_anywhere(actor, "system")
    with transaction():
        clock_recounts.follow(actor, Change(is_everything=True), consent)


def repeat(actor: Actor, recount_id: int) -> None:
    """Let a recount that did not come to its end go on. Raises Conflict("recount.runs")."""
    shown = show(actor, recount_id)
    if not shown.can_repeat:
        raise Conflict("recount.runs")
    with transaction():
        recount = _locked(recount_id)
        task = tasks.create("recount", queue="imports", subject_id=recount.id, requested_by=actor.user_id)
        recount.task_id = task.id
        journal.write(actor, "recount.repeat", "recount", recount.id)


def take_back(actor: Actor, recount_id: int, of: dict[str, Sheet]) -> None:
    """Take a change back whose recount has not begun: its rows are as they were, and no clock moves.

    `of`: the sheets by code. Raises Conflict("recount.began") and Conflict("recount.changed-since") when somebody has
    changed a row of it meanwhile.
    """
    access.require_anywhere(actor, "system")
    try:
        with transaction():
            # The task first, as the job locks them.
            task_id = db.session.scalar(select(Recount.task_id).where(Recount.id == recount_id))
            task = db.session.get(Task, task_id or 0, with_for_update=True, populate_existing=True)
            recount = _locked(recount_id)
            waits = recount.state == "applying" and task is not None and task.state == "pending"
            if not waits or task is None or clock_recounts.has_begun(recount):
                raise Conflict("recount.began")
            task.state, task.finished_at = "cancelled", present.now()
            recount.state = "cancelled"
            for row in recount.change.get("rows", ()):
                _restore(actor, of[row["sheet"]], row)
            for year in recount.change.get("years", ()):
                _forget_year(year)
            journal.write(actor, "recount.take_back", "recount", recount.id)
    finally:
        calendar.forget()


def _locked(recount_id: int) -> Recount:
    recount = db.session.get(Recount, recount_id, with_for_update=True, populate_existing=True)
    if recount is None:
        raise NotFound("recount.unknown", {"id": recount_id})
    return recount


def _restore(actor: Actor, sheet: Sheet, kept: dict[str, Any]) -> None:
    row = access_row(sheet, kept["id"], for_update=True)
    if row.version != kept["version"]:
        raise Conflict("recount.changed-since")
    if kept["is_new"]:
        sheets.remove_in(actor, sheet, row.id)
    elif kept["old"]:
        sheets.change_in(actor, sheet, row.id, kept["old"])


def _forget_year(year: int) -> None:
    row = db.session.get(CalendarYear, year)
    if row is not None:
        db.session.delete(row)
