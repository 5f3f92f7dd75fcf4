"""Who stands where in the staffing table and the chains, and where nobody does (R7, R8, R15, R17)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.models import DutySeat, DutyShift, Holding, Journal, Membership, Person, Post, Unit, db
from app.rules import chain
from app.services import chains, present

Holders = dict[str, tuple[Person, ...]]


def holders_of(posts: Iterable[Post]) -> dict[int, Holders]:
    """Who holds each post now as A and as B; for a post filled by the duty roster, who sits the shift. Two statements.

    A role nobody holds is there with nobody in it. Absences are not looked at: who acts is another question.
    """
    wanted = list(posts)
    now = present.now()
    found: dict[int, Holders] = {post.id: {"A": (), "B": ()} for post in wanted}
    held = select(Holding).where(Holding.post_id.in_([p.id for p in wanted]), Holding.valid.contains(now))
    for row in db.session.scalars(held.options(joinedload(Holding.person)).order_by(Holding.id)):
        found[row.post_id][row.role] += (row.person,)
    by_office = {p.office_id for p in wanted if p.filled_by_duty}
    if by_office:
        seated = _seats(by_office)
        for post in wanted:
            if post.filled_by_duty:
                found[post.id] = dict(seated.get(post.office_id, {"A": (), "B": ()}))
    return found


def _seats(offices: set[int]) -> dict[int, Holders]:
    query = (
        select(DutyShift)
        .where(DutyShift.office_id.in_(offices), DutyShift.valid.contains(present.now()))
        .options(selectinload(DutyShift.seats).joinedload(DutySeat.person))
    )
    return {
        shift.office_id: {
            role: tuple(seat.person for seat in shift.seats if seat.seat == name)
            for role, name in (("A", "main"), ("B", "second"))
        }
        for shift in db.session.scalars(query).unique()
    }


def chains_of(units: Sequence[Unit]) -> dict[int, tuple[chain.Place, ...]]:
    """Every place of each unit's chain as it stands now, vacancies included."""
    return chains.chains_at([unit.id for unit in units])


def holdings_of(**where: int) -> Sequence[Holding]:
    """Holdings of a post or of a person, the latest first."""
    query = select(Holding).filter_by(**where).options(joinedload(Holding.person), joinedload(Holding.post))
    return db.session.scalars(query.order_by(Holding.role, Holding.valid.desc()).limit(50)).all()


def memberships_of(**where: int) -> Sequence[Membership]:
    """Memberships of a unit or of a person that are in use."""
    query = select(Membership).filter_by(active=True, **where)
    query = query.options(joinedload(Membership.person), joinedload(Membership.unit))
    return db.session.scalars(query.order_by(Membership.id).limit(100)).all()


def posts_under(office_ids: Sequence[int]) -> dict[int, list[Post]]:
    """The posts in use that each office answers for, by number. One statement."""
    found: dict[int, list[Post]] = {}
    query = select(Post).where(Post.active, Post.office_id.in_(office_ids)).order_by(Post.number)
    for post in db.session.scalars(query):
        found.setdefault(post.office_id, []).append(post)
    return found


def changes_of(row: Any, limit: int = 10) -> Sequence[Journal]:
    """The last changes of a dictionary row, newest first."""
    query = select(Journal).where(Journal.object_type == row.__tablename__, Journal.object_id == row.id)
    return db.session.scalars(
        query.options(joinedload(Journal.person)).order_by(Journal.id.desc()).limit(limit)
    ).all()
