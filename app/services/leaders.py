"""What a leader reads: slips with him, what he instructed, what became of it (R6). Writing is the workflow's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from app.models import Appeal, Assignment, Clock, Instruction, Slip, SlipHandover, db
from app.rules.errors import Conflict, NotFound
from app.services import access, assumptions, attachments, clocks, presence, present, reading, sheet, slips, workflow
from app.services.actors import Actor

ROWS = 50
FULFILLED = 10
HISTORY = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """A slip that waits for a leader, with since when and how its way back stands."""

    slip: Slip
    delivered_at: datetime | None
    comments: int
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class Written:
    """An instruction and what became of it: tasks done of how many, whether in time."""

    instruction: Instruction
    slip: Slip
    tasks: int
    done: int
    is_in_time: bool | None


@dataclass(frozen=True, slots=True)
class Board:
    """The leader's own page."""

    waiting: tuple[Waiting, ...]
    fulfilled: tuple[Written, ...]
    written: tuple[Written, ...]
    presences: tuple[presence.Presence, ...]
    older: int | None = None
    more_fulfilled: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One slip as its leader reads it; the appellant's name is masked."""

    story: slips.Story
    appeal: Appeal
    appellant: str
    files: Sequence[attachments.File]
    presence: presence.Presence | None
    actions: frozenset[str]
    acting_for: str
    phrases: tuple[tuple[str, str], ...]
    clock: Clock | None


def board(actor: Actor, *, before: int | None = None) -> Board:
    """Everything on the leader's own page. `before`: older ones of his instructions than this one.

    Raises Refused("access.not-granted").
    """
    access.require_anywhere(actor, "lead")
    lines = [int(grant.value or 0) for grant in actor.grants.grants if grant.capability == "lead"]
    found = presence.of_lines(lines)
    mine = _written(actor, Instruction.person_id == actor.person_id, before=before)
    shown = mine[:HISTORY]
    done = _written(actor, _to_note()) if before is None else []
    return Board(
        waiting=tuple(_waiting(actor)) if before is None else (),
        fulfilled=tuple(done[:FULFILLED]),
        written=tuple(shown),
        presences=tuple(found[line_id] for line_id in lines if line_id in found),
        older=shown[-1].instruction.id if len(mine) > HISTORY else None,
        more_fulfilled=len(done) > FULFILLED,
    )


def _waiting(actor: Actor) -> list[Waiting]:
    """The newest slip of each appeal that is with a leader, the longest there first."""
    newest = select(func.max(Slip.id)).where(Slip.appeal_id == Appeal.id).correlate(Appeal).scalar_subquery()
    delivered = (
        select(func.max(SlipHandover.at))
        .where(SlipHandover.slip_id == Slip.id, SlipHandover.leg == "deliver")
        .scalar_subquery()
    )
    comments = (
        select(func.count()).where(Instruction.slip_id == Slip.id, Instruction.kind == "comment").scalar_subquery()
    )
    running = and_(Clock.appeal_id == Appeal.id, Clock.kind == "fetch_back", Clock.stopped_at.is_(None))
    query = (
        select(Slip, delivered, comments, Clock)
        .join(Appeal, Appeal.id == Slip.appeal_id)
        .outerjoin(Clock, running)
        .where(Appeal.state == "with_leader", access.visible_to(actor, "lead"), Slip.id == newest)
        .options(contains_eager(Slip.appeal), joinedload(Slip.section), joinedload(Slip.opinion_by))
        .order_by(delivered, Slip.id)
        .limit(ROWS)
    )
    return [Waiting(*row) for row in db.session.execute(query)]


def _to_note() -> ColumnElement[bool]:
    """SQL: the last instruction of a slip that is fulfilled and not noted yet."""
    later = aliased(Instruction)
    newer = exists().where(later.slip_id == Slip.id, later.kind == "instruction", later.id > Instruction.id)
    return and_(Slip.fulfilled_at.is_not(None), Slip.noted_at.is_(None), ~newer)


def _written(actor: Actor, wanted: ColumnElement[bool], *, before: int | None = None) -> list[Written]:
    now = present.now()
    # What was done before a reopening was done.
    given = and_(Assignment.slip_id == Slip.id, Assignment.ended_why.in_(("", "reopened")))
    tasks = select(func.count()).where(given).scalar_subquery()
    done = select(func.count()).where(given, Assignment.answered_at.is_not(None)).scalar_subquery()
    query: Select[Any] = (
        select(Instruction, Slip, tasks, done)
        .join(Slip, Slip.id == Instruction.slip_id)
        .join(Appeal, Appeal.id == Slip.appeal_id)
        .where(Instruction.kind == "instruction", access.visible_to(actor, "lead"), wanted)
        .options(
            contains_eager(Slip.appeal).joinedload(Appeal.unit),
            joinedload(Instruction.person),
            joinedload(Instruction.acting_for),
        )
        .order_by(Instruction.id.desc())
        .limit(HISTORY + 1)
    )
    if before is not None:
        query = query.where(Instruction.id < before)
    return [
        Written(instruction, slip, count, ready, slips.in_time(slip, instruction, now))
        for instruction, slip, count, ready in db.session.execute(query)
    ]


def page(actor: Actor, slip_id: int) -> Page:
    """One slip for its leader. Raises NotFound("slip.unknown") for one of another line, which does not tell which."""
    appeal = access.access_appeal(actor, _appeal_id(actor, slip_id))
    slip = next(one for one in appeal.slips if one.id == slip_id)
    is_last = slip is appeal.slips[-1]
    here = presence.of_line(slip.portfolio_id)
    offered = workflow.actions_on(actor, appeal) if is_last else ()
    return Page(
        story=slips.story(appeal, slip, present.now()),
        appeal=appeal,
        appellant=reading.masked(sheet.appellant(appeal))["appellant_name"],
        files=[one for one in attachments.listed(actor, appeal.id) if one.removed_at is None],
        presence=here,
        actions=frozenset(action.name for action in offered if action.capability == "lead"),
        acting_for=_acting_for(actor, here),
        phrases=phrases(),
        clock=clocks.running(appeal, "fetch_back") if is_last else None,
    )


def appeal_of(actor: Actor, slip_id: int) -> int:
    """The appeal on whose newest slip he writes. Raises NotFound("slip.unknown"), Conflict("slip.superseded")."""
    appeal_id = _appeal_id(actor, slip_id)
    newest = db.session.scalar(select(func.max(Slip.id)).where(Slip.appeal_id == appeal_id))
    if newest != slip_id:
        raise Conflict("slip.superseded")
    return appeal_id


def _appeal_id(actor: Actor, slip_id: int) -> int:
    query = (
        select(Slip.appeal_id)
        .join(Appeal, Appeal.id == Slip.appeal_id)
        .where(Slip.id == slip_id, access.visible_to(actor, "lead"))
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("slip.unknown", {"id": slip_id})
    return found


def _acting_for(actor: Actor, here: presence.Presence | None) -> str:
    """The name of the absent vice mayor for whom this reader writes, "" where he writes for himself."""
    if here is None or actor.person_id is None or here.line.vice_mayor is None:
        return ""
    writes = [here.acting.person] if here.is_replaced and here.acting is not None else here.standing_in
    return here.line.vice_mayor.name if actor.person_id in [one.id for one in writes] else ""


def phrases() -> tuple[tuple[str, str], ...]:
    """What leaders often write, in Chinese and English: the assumption `leader_phrases`."""
    value = assumptions.value("leader_phrases")
    known = [one for one in value if isinstance(one, dict) and one.get("zh")] if isinstance(value, list) else []
    return tuple((str(one["zh"]), str(one.get("en") or "")) for one in known)
