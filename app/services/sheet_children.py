"""What hangs on a dictionary row beyond its holdings: seats, links, absences, rosters, rules, entries below it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.models import (
    Absence,
    Category,
    ChainLink,
    Channel,
    DutySeat,
    DutyShift,
    Membership,
    Person,
    Post,
    ReminderRule,
    db,
)
from app.services import present

ROWS = 20  # of what has no end by itself: seats, absences
SHIFTS = 7


def _not_over(model: type[DutyShift] | type[ChainLink]) -> ColumnElement[bool]:
    ends: ColumnElement[bool] = or_(func.upper_inf(model.valid), func.upper(model.valid) > present.now())
    return ends


def seats_of(person_id: int) -> Sequence[DutySeat]:
    """The duty seats in which a person sits or is going to sit, the next first."""
    query = select(DutySeat).join(DutySeat.shift).where(DutySeat.person_id == person_id, _not_over(DutyShift))
    query = query.options(joinedload(DutySeat.shift).joinedload(DutyShift.office))
    return db.session.scalars(query.order_by(func.lower(DutyShift.valid)).limit(ROWS)).all()


def shifts_of(office_id: int) -> Sequence[DutyShift]:
    """The shift of an office that runs and the next ones; the month stands in the roster."""
    query = select(DutyShift).where(DutyShift.office_id == office_id, _not_over(DutyShift))
    query = query.options(selectinload(DutyShift.seats).joinedload(DutySeat.person))
    return db.session.scalars(query.order_by(func.lower(DutyShift.valid)).limit(SHIFTS)).all()


def links_of(person_id: int) -> Sequence[ChainLink]:
    """The places of responsibility chains in which a person stands or is going to stand."""
    query = select(ChainLink).where(ChainLink.person_id == person_id, _not_over(ChainLink))
    return db.session.scalars(query.options(joinedload(ChainLink.unit)).order_by(ChainLink.id).limit(ROWS)).all()


def absences_of(person_id: int) -> Sequence[Absence]:
    """The last absences of a person, those to come included."""
    query = select(Absence).where(Absence.person_id == person_id)
    return db.session.scalars(query.order_by(func.lower(Absence.valid).desc()).limit(ROWS)).all()


def led_by(person_id: int) -> Sequence[Post]:
    """The posts whose responsible leader a person is."""
    query = select(Post).where(Post.leader_id == person_id, Post.active)
    return db.session.scalars(query.order_by(Post.number)).all()


def posts_of(office_id: int) -> Sequence[Post]:
    """The posts an office answers for."""
    query = select(Post).where(Post.office_id == office_id, Post.active)
    return db.session.scalars(query.order_by(Post.number)).all()


def channels_of(office_id: int) -> Sequence[Channel]:
    """The channels an office looks after."""
    query = select(Channel).where(Channel.office_id == office_id, Channel.active)
    return db.session.scalars(query.order_by(Channel.sort, Channel.id)).all()


def members_of(unit_id: int) -> Sequence[Membership]:
    """Who handles a unit's appeals or carries its slips."""
    query = select(Membership).where(Membership.unit_id == unit_id, Membership.active)
    return db.session.scalars(query.options(joinedload(Membership.person)).order_by(Membership.id)).all()


def reminders_of(clock_kind: str) -> Sequence[ReminderRule]:
    """The rungs of the ladder of a clock, in the order in which they come."""
    query = select(ReminderRule).where(ReminderRule.clock_kind == clock_kind, ReminderRule.active)
    return db.session.scalars(query.order_by(ReminderRule.offset_minutes, ReminderRule.sort)).all()


def categories_under(parent_id: int) -> Sequence[Category]:
    """The categories right below one."""
    query = select(Category).where(Category.parent_id == parent_id)
    return db.session.scalars(query.order_by(Category.sort, Category.id)).all()


def candidates(most: int) -> Sequence[Person]:
    """The first people in use by pinyin, who can be chosen in a form on a row's page."""
    query = select(Person).where(Person.active).order_by(Person.by_sound, Person.id)
    return db.session.scalars(query.limit(most)).all()
