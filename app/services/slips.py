"""What became of a slip: its hand-overs with their clocks, what the leaders wrote, the tasks made of it (R6, R7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from app.models import Appeal, Assignment, Clock, Instruction, Post, Slip, SlipHandover, Unit
from app.rules.clocks import Status
from app.services import clocks, present

# Which clock measures which hand-over. The way back is measured too where the leader signs in the product.
LEGS: Mapping[str, str] = MappingProxyType({"carry": "carry", "deliver": "delivery", "fetch": "fetch_back"})


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a slip's way: done by whom or waiting for whom, and the clock that measures it."""

    leg: str
    handover: SlipHandover | None
    clock: Clock | None
    post: Post | None
    section: Unit | None
    is_signed: bool = False  # the leader signed in the product: nothing had to be fetched


@dataclass(frozen=True, slots=True)
class Task:
    """What one unit has to do of what was instructed; `is_late` None while it is neither answered nor overdue."""

    assignment: Assignment
    due_at: datetime | None
    is_late: bool | None

    @property
    def unit(self) -> Unit:
        """Who has to do it."""
        return self.assignment.unit


@dataclass(frozen=True, slots=True)
class Story:
    """A slip from the signed opinion to the instruction fulfilled."""

    slip: Slip
    legs: tuple[Leg, ...]
    comments: tuple[Instruction, ...]
    instruction: Instruction | None
    tasks: tuple[Task, ...]
    due_on: date | None
    is_in_time: bool | None

    @property
    def done(self) -> int:
        """How many of its tasks were answered."""
        return sum(task.assignment.state == "answered" for task in self.tasks)


def story(appeal: Appeal, slip: Slip, now: datetime) -> Story:
    """The whole of one slip of an appeal whose slips, clocks and assignments are at hand."""
    written = [one for one in slip.instructions if one.kind == "instruction"]
    instruction = written[-1] if written else None
    return Story(
        slip=slip,
        legs=tuple(_legs(appeal, slip)),
        comments=tuple(one for one in slip.instructions if one.kind == "comment"),
        instruction=instruction,
        tasks=tuple(_task(appeal, one, now) for one in appeal.assignments if one.slip_id == slip.id),
        due_on=instruction.due_on if instruction else None,
        is_in_time=in_time(slip, instruction, now),
    )


def wanted(appeal: Appeal) -> Instruction | None:
    """The instruction that stands: what triage makes tasks of. One that a reopening left behind counts no more."""
    if appeal.state != "instructed" or not appeal.slips:
        return None
    written = [one for one in appeal.slips[-1].instructions if one.kind == "instruction"]
    return written[-1] if written else None


def in_time(slip: Slip, instruction: Instruction | None, now: datetime) -> bool | None:
    """Whether it was done by the day the leader set; None without such a day, or before it is over."""
    if instruction is None or instruction.due_on is None:
        return None
    on = (slip.fulfilled_at or now).astimezone(present.zone()).date()
    if slip.fulfilled_at is None and on <= instruction.due_on:
        return None
    return on <= instruction.due_on


def _legs(appeal: Appeal, slip: Slip) -> list[Leg]:
    """The legs walked, and the one under way on the appeal's last slip."""
    found = []
    for leg, kind in LEGS.items():
        handover = next((one for one in slip.handovers if one.leg == leg), None)
        clock = _clock(appeal, slip, kind, handover)
        signed = leg == "fetch" and handover is None and clock is not None and clock.stopped_at is not None
        if handover is None and clock is None:
            continue
        section = slip.section if leg == "deliver" else None
        post = handover.post if handover and handover.post else clock.post if clock else None
        found.append(Leg(leg, handover, clock, post, section, signed))
    return found


def _clock(appeal: Appeal, slip: Slip, kind: str, handover: SlipHandover | None) -> Clock | None:
    of_kind = [clock for clock in appeal.clocks if clock.kind == kind and clock.started_at >= slip.opinion_at]
    if handover is not None:
        return next((clock for clock in of_kind if clock.stopped_at == handover.at), None)
    later = [one.opinion_at for one in appeal.slips if one.id > slip.id]
    return next((clock for clock in of_kind if not later or clock.started_at < later[0]), None)


def _task(appeal: Appeal, assignment: Assignment, now: datetime) -> Task:
    kind = "unit_limit" if assignment.part == "lead" else "co_limit"
    own = [clock for clock in appeal.clocks if clock.kind == kind and clock.assignment_id == assignment.id]
    if not own:
        return Task(assignment, None, None)
    limit = own[-1]
    status = clocks.state_of(limit, now)
    late = {Status.OVERDUE: True, Status.BROKEN: True, Status.MET: False}.get(status)
    return Task(assignment, limit.due_at, None if limit.cancelled else late)
