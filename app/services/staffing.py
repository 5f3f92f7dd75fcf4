"""Who acts for a post at a moment, for notices, reminders and the line on top of an appeal (R15, R17)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from app.models import Absence, DutySeat, DutyShift, Holding, Membership, Person, Post, StandIn, db
from app.rules import grants as rules
from app.rules import roster
from app.services import present


def facts_of(post: Post) -> roster.PostFacts:
    """A post as the roster rules see it."""
    return roster.PostFacts(post.id, post.office_id, post.filled_by_duty, post.leader_id)


def load(posts: Iterable[Post], at: datetime | None = None) -> roster.Staffing:
    """Everything that decides who acts for these posts at `at` (now by default), in four statements.

    Who is out of use holds nothing, whatever a row still says: as for the permissions, the other role acts.
    """
    moment = at or present.now()
    wanted = list(posts)
    holdings = [
        roster.Holding(row.post_id, row.person_id, row.role, _start(row.valid.lower, moment), row.valid.upper)
        for row in db.session.scalars(
            _in_use(Holding).where(Holding.post_id.in_([p.id for p in wanted]), Holding.valid.contains(moment))
        )
    ]
    offices = {p.office_id for p in wanted if p.filled_by_duty}
    shifts = [
        roster.Shift(
            row.office_id,
            _start(row.valid.lower, moment),
            row.valid.upper,
            *(
                tuple(one.person_id for one in row.seats if one.seat == seat and one.person.active)
                for seat in ("main", "second")
            ),
        )
        for row in db.session.scalars(
            select(DutyShift)
            .where(DutyShift.office_id.in_(offices), DutyShift.valid.contains(moment))
            .options(selectinload(DutyShift.seats).joinedload(DutySeat.person))
        )
    ]
    absences = [
        roster.Absence(row.person_id, _start(row.valid.lower, moment), row.valid.upper)
        for row in db.session.scalars(
            select(Absence).where(Absence.state == "confirmed", Absence.valid.contains(moment))
        )
    ]
    stand_ins = [
        roster.StandIn(
            row.post_id,
            row.person_id,
            _start(row.valid.lower, moment),
            row.valid.upper,
            takes_over=row.kind == "take_over",
        )
        for row in db.session.scalars(
            _in_use(StandIn).where(StandIn.post_id.in_([p.id for p in wanted]), StandIn.valid.contains(moment))
        )
        if row.post_id is not None
    ]
    return roster.Staffing(holdings, shifts, absences, stand_ins)


def _in_use(model: type[Holding] | type[StandIn]) -> Select[Any]:
    return select(model).join(Person, Person.id == model.person_id).where(Person.active)


def posts_with(capability: str, row: rules.RowFacts | None = None) -> list[Post]:
    """The posts that may use this capability (on such a row), those with a scope of their own first, then by number.

    Two posts may share a capability, one of them for a class or an office of its own: its scope decides.
    """
    query = select(Post).where(Post.active, func.array_position(Post.capabilities, capability).is_not(None))
    found = db.session.scalars(query.order_by(Post.number)).all()
    if row is not None:
        found = [post for post in found if _reaches(post, capability, row)]
    return sorted(found, key=lambda post: post.scope == rules.Scope.ALL)


def acting_with(capability: str, row: rules.RowFacts | None = None) -> tuple[int, ...]:
    """The persons who act now for the posts that may use this capability (on such a row), each once."""
    posts = posts_with(capability, row)
    known = load(posts)
    now = present.now()
    return tuple(
        dict.fromkeys(
            person for post in posts for person in roster.acting(facts_of(post), now, known).person_ids
        )
    )


def post_with(capability: str, row: rules.RowFacts) -> Post | None:
    """The post that answers for this capability on such a row: the first of `posts_with`."""
    return next(iter(posts_with(capability, row)), None)


def _reaches(post: Post, capability: str, row: rules.RowFacts) -> bool:
    duty = rules.PostDuty(post.id, (capability,), rules.Scope(post.scope), post.office_id, post.channel_class)
    return rules.reaches(rules.grant_of(duty, capability), row)


def members(unit_id: int, function: str) -> tuple[int, ...]:
    """The persons who handle for a unit, or clerk a matching section."""
    query = select(Membership.person_id).where(
        Membership.unit_id == unit_id, Membership.function == function, Membership.active
    )
    return tuple(db.session.scalars(query.order_by(Membership.id)))


def _start(lower: datetime | None, moment: datetime) -> datetime:
    return lower if lower is not None else moment
