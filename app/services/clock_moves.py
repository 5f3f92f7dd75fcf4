"""Moving a running clock for a reason: more time, a pause, its early end. Inside the caller's open transaction.

Every move leaves a row of `ClockChange` with the due moment and the inputs before it, so that each due moment a
clock ever had can be explained.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

from app.models import Clock, ClockChange, ClockPause
from app.rules import clocks as rules
from app.rules.errors import Conflict, Refused
from app.services import calendar, clocks, present


def extend(
    clock: Clock, amount: int, *, at: datetime, person_id: int, reason: str, asked_at: datetime | None = None
) -> ClockChange:
    """Give `amount` more of the limit's own unit: hours, working days, calendar days; any other kind calendar days.

    What was asked for in time (`asked_at`) is granted however late it is decided. Raises Refused("extension.too-late")
    for a clock that stopped, was late by then or has no limit, Invalid("extension.amount") for less than one.
    """
    _require_in_time(clock, asked_at or at, "extension.too-late")
    inputs = clocks.inputs_of(clock)
    more = (*inputs.extensions, rules.Extension(amount, at))
    moved = replace(inputs, extensions=more)
    return clocks.move(clock, moved, "extension", at=at, reason=reason, person_id=person_id)


def pause(
    clock: Clock,
    *,
    starts_at: datetime,
    until_on: date,
    reason: str,
    approved_by_id: int,
    at: datetime,
    request_id: int | None = None,
) -> ClockPause:
    """Stop counting from `starts_at` until the day `until_on` begins; that day counts again.

    Raises Refused("pause.too-late") for a clock that stopped, was late by then or has no limit,
    Refused("pause.empty") when the pause would end before it starts, Conflict("pause.already") while another lasts.
    """
    _require_in_time(clock, starts_at, "pause.too-late")
    ends_at = datetime.combine(until_on, time(), tzinfo=present.zone())
    if ends_at <= starts_at:
        raise Refused("pause.empty", {"on": until_on.isoformat()})
    if any(known.ends_at > starts_at and known.starts_at < ends_at for known in clock.pauses):
        raise Conflict("pause.already")
    made = ClockPause(
        request_id=request_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason[:500],
        approved_by_id=approved_by_id,
        approved_at=at,
    )
    clock.pauses.append(made)
    _recount(clock, "pause", at=at, reason=reason, person_id=approved_by_id)
    return made


def resume(clock: Clock, *, at: datetime, person_id: int) -> ClockChange:
    """Let a paused clock count again from now on. Raises Conflict("pause.none") for one that is not paused."""
    current = current_pause(clock, at)
    if current is None or clock.stopped_at is not None:
        raise Conflict("pause.none")
    current.ends_at, current.resumed_by_id = max(at, current.starts_at), person_id
    return _recount(clock, "resume", at=at, reason=current.reason, person_id=person_id)


def current_pause(clock: Clock, at: datetime) -> ClockPause | None:
    """The pause that lasts at `at` or is still to come."""
    return next((known for known in clock.pauses if known.ends_at > at), None)


def is_paused(clock: Clock, at: datetime) -> bool:
    """Whether a pause lasts at `at`; what the clock keeps of its inputs spares the question to who never was paused."""
    return bool((clock.inputs or {}).get("pauses")) and current_pause(clock, at) is not None


def if_extended(clock: Clock, amount: int, at: datetime) -> datetime | None:
    """When the clock would be due with so much more time; None where it could not be granted. Nothing moves."""
    if not _is_in_time(clock, at):
        return None
    inputs = clocks.inputs_of(clock)
    more = (*inputs.extensions, rules.Extension(amount, at))
    return replace(inputs, extensions=more).deadline(calendar.current(), present.zone()).due_at


def if_paused(clock: Clock, starts_at: datetime, until_on: date) -> datetime | None:
    """When the clock would be due with such a pause; None where it could not be granted. Nothing moves."""
    ends_at = datetime.combine(until_on, time(), tzinfo=present.zone())
    if ends_at <= starts_at or not _is_in_time(clock, starts_at):
        return None
    inputs = clocks.inputs_of(clock)
    more = (*inputs.pauses, rules.Pause(starts_at, ends_at, ""))
    return replace(inputs, pauses=more).deadline(calendar.current(), present.zone()).due_at


def _recount(clock: Clock, why: str, *, at: datetime, reason: str, person_id: int) -> ClockChange:
    pauses = tuple(rules.Pause(one.starts_at, one.ends_at, one.reason) for one in clock.pauses)
    moved = replace(clocks.inputs_of(clock), pauses=pauses)
    return clocks.move(clock, moved, why, at=at, reason=reason, person_id=person_id)


def _require_in_time(clock: Clock, at: datetime, code: str) -> None:
    if not _is_in_time(clock, at):
        raise Refused(code, {"due_at": clock.due_at.isoformat() if clock.due_at else ""})


def _is_in_time(clock: Clock, at: datetime) -> bool:
    return (
        clock.stopped_at is None
        and clock.due_at is not None
        and not rules.is_late(clock.due_at, rules.LateWhen(clock.late_when), at)
    )
