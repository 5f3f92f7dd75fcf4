"""Taking over by hand: B acts although A is there, until he or A ends it (R15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import joinedload

from app.models import Person, Post, StandIn, db
from app.rules import roster
from app.rules.errors import Conflict, FieldErrors, FieldProblem, NotFound
from app.rules.fields import clean_text
from app.services import audit, journal, outbox, present, staffing
from app.services.actors import Actor
from app.services.transaction import transaction

LONGEST_REASON = 200


@dataclass(frozen=True)
class TakenOver:
    """A take-over that runs: by whom, of which post, and whether the reader himself took over."""

    row: StandIn
    post: Post
    person: Person
    is_mine: bool


def take_over(actor: Actor, post_id: int, *, reason: str, until: datetime | None = None) -> StandIn:
    """B, who stands by, acts from now on; whoever acted until now is told. Doing it again returns what runs.

    It ends at `until`, or before somebody is recorded to stand in while both are away. Raises NotFound("post.unknown")
    for a post he does not stand by as B, Conflict("stand-in.self-away") while he is away, Conflict("stand-in.taken")
    while another took over, FieldErrors for a missing reason or an `until` that has passed.
    """
    reason, now = clean_text(reason)[:LONGEST_REASON], present.now()
    with transaction():
        post = db.session.scalars(select(Post).where(Post.id == post_id).with_for_update(key_share=True)).one_or_none()
        if post is None or actor.person_id is None:
            raise NotFound("post.unknown", {"post": post_id})
        known = staffing.load([post], now)
        running = _running(post_id, now)
        if running is not None and running.person_id == actor.person_id:
            return running
        facts = staffing.facts_of(post)
        mine = roster.standby(actor.person_id, now, [facts], known)
        if not any(stand.role == "B" for stand in mine):
            raise NotFound("post.unknown", {"post": post_id})
        if any(stand.reason == "away" for stand in mine):
            raise Conflict("stand-in.self-away")
        if running is not None:
            raise Conflict("stand-in.taken")
        _require(reason, until, now)
        acting = roster.acting(facts, now, known).person_ids
        row = StandIn(
            kind="take_over",
            post_id=post_id,
            person_id=actor.person_id,
            valid=Range(now, _end(post_id, until, now), bounds="[)"),
            reason=reason,
        )
        db.session.add(row)
        db.session.flush()
        new = {"kind": "take_over", "ends_at": row.valid.upper.isoformat() if row.valid.upper else None}
        journal.write(actor, "take_over", "stand_in", row.id, post_id=post_id, role="B", new=new, reason=reason)
        audit.record(actor, "right.change", object_type="stand_in", object_id=row.id, detail={"action": "take_over"})
        outbox.enqueue("post.taken_over", acting, key=f"stand_in:{row.id}|taken", subject=("stand_in", row.id))
    return row


def take_back(actor: Actor, stand_in_id: int) -> StandIn:
    """B gives the post back, or A takes it back; repeating it changes nothing.

    Raises NotFound("stand-in.unknown") for everybody else.
    """
    now = present.now()
    with transaction():
        query = select(StandIn).where(StandIn.id == stand_in_id, StandIn.kind == "take_over")
        row = db.session.scalars(query.with_for_update()).one_or_none()
        post = db.session.get(Post, row.post_id) if row is not None else None
        if row is None or post is None or not _is_party(actor, row, post, now):
            raise NotFound("stand-in.unknown", {"id": stand_in_id})
        if row.valid.upper is not None and row.valid.upper <= now:
            return row
        row.valid = Range(row.valid.lower, now, bounds="[)")
        journal.write(actor, "end", "stand_in", row.id, post_id=row.post_id, new={"ends_at": now.isoformat()})
        audit.record(actor, "right.change", object_type="stand_in", object_id=row.id, detail={"action": "end"})
        if actor.person_id != row.person_id:
            key = f"stand_in:{row.id}|back"
            outbox.enqueue("post.taken_back", [row.person_id], key=key, subject=("stand_in", row.id))
    return row


def running_for(person_id: int | None, post_ids: list[int]) -> list[TakenOver]:
    """The take-overs that run for these posts, and this person's own."""
    now = present.now()
    query = (
        select(StandIn)
        .where(
            StandIn.kind == "take_over",
            StandIn.valid.contains(now),
            or_(StandIn.post_id.in_(post_ids), StandIn.person_id == (person_id or 0)),
        )
        .options(joinedload(StandIn.post), joinedload(StandIn.person))
        .order_by(StandIn.id)
    )
    return [
        TakenOver(row, row.post, row.person, row.person_id == person_id)
        for row in db.session.scalars(query)
        if row.post is not None
    ]


def _running(post_id: int, now: datetime) -> StandIn | None:
    query = select(StandIn).where(StandIn.post_id == post_id, StandIn.kind == "take_over", StandIn.valid.contains(now))
    return db.session.scalars(query).first()


def _require(reason: str, until: datetime | None, now: datetime) -> None:
    problems = []
    if not reason:
        problems.append(FieldProblem("reason", "field.required"))
    if until is not None and until <= now:
        problems.append(FieldProblem("until", "absence.in-past"))
    if problems:
        raise FieldErrors(problems)


def _end(post_id: int, until: datetime | None, now: datetime) -> datetime | None:
    """Until then, at most until the next stand-in recorded for the post begins."""
    following = db.session.scalar(
        select(func.min(func.lower(StandIn.valid))).where(StandIn.post_id == post_id, func.lower(StandIn.valid) > now)
    )
    return min((m for m in (until, following) if m is not None), default=None)


def _is_party(actor: Actor, row: StandIn, post: Post, now: datetime) -> bool:
    if actor.person_id is None:
        return False
    if row.person_id == actor.person_id:
        return True
    facts, known = staffing.facts_of(post), staffing.load([post], now)
    held = roster.standby(actor.person_id, now, [facts], known)
    # A who has it back already may press again.
    acts = roster.acting(facts, now, known).role_of(actor.person_id)
    return acts == "A" or any(stand.role == "A" for stand in held)
