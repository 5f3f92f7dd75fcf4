"""Collection days on which a collector with a daily cut-off neither submitted nor signed a nil return (R3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Date, DateTime, Integer, String, column, exists, func, select, values

from app.models import Appeal, Clock, LimitRule, NilReturn, Post, db
from app.rules.calendar import WorkingCalendar
from app.services import access, calendar, present
from app.services.actors import Actor

DAYS = 30
READERS = ("supervise", "report", "triage")


@dataclass(frozen=True, slots=True)
class MissingNilReturn:
    """One working day for which a collector owes a submission or a nil return."""

    day: date
    post_id: int
    channel_class: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class CollectionDay:
    """A working day of one collector: what counts for it came in between two cut-offs, both given in UTC."""

    post: Post
    day: date
    opens_at: datetime
    closes_at: datetime


def missing(actor: Actor, as_of: datetime, *, days: int = DAYS) -> list[MissingNilReturn]:
    """The days of the last `days` up to `as_of` without submission and nil return, latest first; three statements.

    What a collector submitted since the cut-off before counts for the day, as its due moment does. Days before the
    product was in use are nobody's fault. Classes out of this person's sight are left out; Refused without the report.
    """
    access.require_anywhere(actor, *READERS)
    asked = [day for post, cutoff in _collectors(actor) for day in _collection_days(post, cutoff, as_of, days)]
    if not asked:
        return []
    table = values(
        column("post_id", Integer),
        column("channel_class", String),
        column("day", Date),
        column("opens_at", DateTime(timezone=True)),
        column("closes_at", DateTime(timezone=True)),
        name="asked",
    ).data([(d.post.id, d.post.channel_class, d.day, d.opens_at, d.closes_at) for d in asked])
    c = table.c
    submitted = exists().where(
        Appeal.channel_class == c.channel_class,
        Appeal.submitted_at >= c.opens_at,
        Appeal.submitted_at < c.closes_at,
    )
    signed = exists().where(NilReturn.post_id == c.post_id, NilReturn.day == c.day, NilReturn.signed_at <= as_of)
    owed = select(c.post_id, c.day).where(~submitted, ~signed, c.closes_at > _in_use_since())
    posts = {day.post.id: day.post for day in asked}
    return [
        MissingNilReturn(day, post_id, posts[post_id].channel_class or "", posts[post_id].name, posts[post_id].name_en)
        for post_id, day in db.session.execute(owed.order_by(c.day.desc(), c.channel_class))
    ]


def _collectors(actor: Actor) -> list[tuple[Post, time]]:
    """The collecting posts whose class has a daily cut-off, and when that is: data of the limits table."""
    limits = select(LimitRule).where(LimitRule.clock_kind == "collection", LimitRule.kind == "cutoff", LimitRule.active)
    cutoffs = {
        letter: time.fromisoformat(str(limit.parameters["at"]))
        for limit in db.session.scalars(limits.order_by(LimitRule.sort, LimitRule.id))
        for letter in limit.parameters.get("classes", ())
    }
    query = select(Post).where(Post.active, Post.channel_class.in_(cutoffs), Post.capabilities.contains(["collect"]))
    seen = [actor.grants.scopes_for_reading(capability) for capability in READERS]
    return [
        (post, cutoffs[post.channel_class])
        for post in db.session.scalars(query.order_by(Post.number))
        if post.channel_class and any(s.everything or post.channel_class in s.classes for s in seen)
    ]


def _collection_days(post: Post, cutoff: time, as_of: datetime, days: int) -> Iterator[CollectionDay]:
    zone, working = present.zone(), calendar.current()
    today = as_of.astimezone(zone).date()
    for day in _working_days(working, today - timedelta(days=days - 1), today):
        closes_at = datetime.combine(day, cutoff, zone)
        if closes_at <= as_of:
            opens_at = datetime.combine(working.previous_working_day(day), cutoff, zone)
            yield CollectionDay(post, day, opens_at, closes_at)


def _working_days(working: WorkingCalendar, first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        if working.is_working_day(first + timedelta(days=offset)):
            yield first + timedelta(days=offset)


def _in_use_since() -> ColumnElement[datetime]:
    """SQL: when the staffing table was set up, or the first collection began if that was earlier."""
    began = select(func.min(Clock.started_at)).where(Clock.kind == "collection").scalar_subquery()
    founded = select(func.min(Post.created_at)).scalar_subquery()
    return func.least(founded, began)
