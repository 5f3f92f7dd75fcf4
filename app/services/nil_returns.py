"""Nil returns of collectors with a daily cut-off (R3): signing them, and the days on which one is owed.

A working day of a post is settled when something was submitted between two cut-offs or a nil return is signed. The
newspapers' collector signs paper by paper (assumption `nil_return_by_channel`): his day is settled when each paper is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Integer,
    String,
    and_,
    column,
    exists,
    func,
    or_,
    select,
    true,
    values,
)

from app.models import Appeal, Assumption, Channel, Clock, LimitRule, NilReturn, Person, Post, db
from app.rules.calendar import WorkingCalendar
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Refused
from app.rules.grants import Grant
from app.services import access, assumptions, calendar, journal, present
from app.services.actors import Actor
from app.services.transaction import transaction

DAYS = 30
SHOWN_DAYS = 14  # working days of the overview
READERS = ("supervise", "report", "triage")
_COUNTED = 100


@dataclass(frozen=True, slots=True)
class MissingNilReturn:
    """One working day for which a collector owes a submission or a nil return; of papers, those that are owed."""

    day: date
    post_id: int
    channel_class: str
    name: str
    name_en: str
    papers: tuple[Channel, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A working day of one collector, or of one of his papers: what counts for it came in between two cut-offs."""

    post: Post
    channel: Channel | None
    day: date
    opens_at: datetime
    closes_at: datetime
    items: int = 0
    signed_at: datetime | None = None
    signed_by: str = ""
    signed_by_en: str = ""
    role: str = ""
    is_owed: bool = True

    def state(self, as_of: datetime) -> str:
        """items | nil | late (signed after the cut-off) | missing | open | none (before the product was in use)."""
        if self.items:
            return "items"
        if self.signed_at is not None:
            return "nil" if self.signed_at < self.closes_at else "late"
        if self.closes_at > as_of:
            return "open"
        return "missing" if self.is_owed else "none"


@dataclass(frozen=True, slots=True)
class _Collector:
    post: Post
    cutoff: time
    papers: tuple[Channel, ...]  # signed one by one; () where the post signs for the day


# --- signing -----------------------------------------------------------------------------------------------


def sign(
    actor: Actor, post_id: int, channels: Sequence[str] = (), *, request_key: str | None = None
) -> list[NilReturn]:
    """Sign that today's collection brought nothing, for a collector with a cut-off (R3, our reading).

    `channels` are the codes of the papers signed for, where papers are signed one by one. What is signed already stays
    as it is. Raises Refused for another's post, Conflict on a day of rest or for a post without cut-off, FieldErrors
    for no or an unknown paper.
    """
    with transaction():
        grant, post = _own_post(actor, post_id)
        today = present.today()
        if not calendar.current().is_working_day(today):
            raise Conflict("nil-return.day-of-rest", {"on": today.isoformat()})
        db.session.execute(select(Post.id).where(Post.id == post_id).with_for_update())
        wanted = _papers_named(post, channels)
        known = {
            row.channel_id: row
            for row in db.session.scalars(
                select(NilReturn).where(NilReturn.post_id == post_id, NilReturn.day == today)
            )
        }
        new = [_signed(actor, grant, post_id, today, channel_id) for channel_id in wanted if channel_id not in known]
        if not new:
            return [known[channel_id] for channel_id in wanted]
        db.session.add_all(new)
        db.session.flush()
        said: dict[str, Any] = {"post_id": post_id, "day": today.isoformat()}
        if channels:
            said["channels"] = [row.channel_id for row in new]
        journal.write(
            actor,
            "nil_return",
            "nil_return",
            new[0].id,
            post_id=post_id,
            role=grant.role,
            new=said,
            request_key=request_key,
        )
        return new


def _own_post(actor: Actor, post_id: int) -> tuple[Grant, Post]:
    post = db.session.get(Post, post_id)
    grants = [one for one in actor.grants.grants if one.capability == "collect" and one.post_id == post_id]
    if post is None or not grants or actor.person_id is None:
        raise Refused("access.not-granted", {"capability": "collect"})
    if post.channel_class not in classes():
        raise Conflict("nil-return.no-cutoff", {"post": post.name})
    return grants[0], post


def _papers_named(post: Post, codes: Sequence[str]) -> list[int | None]:
    if post.channel_class not in by_channel():
        return [None]
    if not codes:
        raise FieldErrors([FieldProblem("channels", "nil-return.no-paper")])
    found = {channel.code: channel.id for channel in _active_channels([post.channel_class])}
    unknown = [code for code in codes if code not in found]
    if unknown:
        raise FieldErrors([FieldProblem("channels", "field.choice", {"value": unknown[0][:40]})])
    return [found[code] for code in dict.fromkeys(codes)]


def _signed(actor: Actor, grant: Grant, post_id: int, day: date, channel_id: int | None) -> NilReturn:
    return NilReturn(
        post_id=post_id,
        day=day,
        channel_id=channel_id,
        signed_at=present.now(),
        signed_by_id=actor.person_id,
        role=grant.role or "A",
    )


def classes() -> tuple[str, ...]:
    """The classes whose collectors sign nil returns: the assumption `nil_return_classes`, else C, D and E."""
    return assumptions.letters("nil_return_classes", ("C", "D", "E"))


def by_channel() -> tuple[str, ...]:
    """The classes that are signed for channel by channel: the assumption `nil_return_by_channel`."""
    return assumptions.letters("nil_return_by_channel")


# --- reading -----------------------------------------------------------------------------------------------


def missing(actor: Actor, as_of: datetime, *, days: int = DAYS) -> list[MissingNilReturn]:
    """The days of the last `days` up to `as_of` without submission and nil return, latest first.

    What a collector submitted since the cut-off before counts for the day, as its due moment does. Days before the
    product was in use are nobody's fault. Classes out of this person's sight are left out; Refused without the report.
    """
    access.require_anywhere(actor, *READERS)
    first = as_of.astimezone(present.zone()).date() - timedelta(days=days - 1)
    slots = [slot for slot in _slots(_collectors(actor), first, as_of) if slot.closes_at <= as_of]
    return _by_day([slot for slot in _filled(slots, as_of) if slot.state(as_of) == "missing"])


def overview(actor: Actor, as_of: datetime, *, days: int = SHOWN_DAYS) -> list[Slot]:
    """Every slot of the last `days` working days, latest day first, for who reads the report or collects the class.

    Raises Refused for anybody else.
    """
    access.require_anywhere(actor, *READERS, "collect")
    slots = list(_slots(_collectors(actor, *READERS, "collect"), _first_of(days, as_of), as_of))
    return sorted(_filled(slots, as_of), key=lambda one: one.day, reverse=True)


def _first_of(days: int, as_of: datetime) -> date:
    """The first of so many working days up to the day of `as_of`."""
    working = calendar.current()
    first = as_of.astimezone(present.zone()).date() + timedelta(days=1)
    for _each in range(days):
        first = working.previous_working_day(first)
    return first


def of_own_posts(actor: Actor, *, days: int = SHOWN_DAYS) -> dict[int, list[Slot]]:
    """The slots of the last working days by post, for the posts this person collects for now."""
    now = present.now()
    own = set(actor.grants.posts_for("collect"))
    collectors = [one for one in _collectors(actor, "collect") if one.post.id in own]
    found: dict[int, list[Slot]] = {}
    for slot in _filled(list(_slots(collectors, _first_of(days, now), now)), now) if collectors else ():
        found.setdefault(slot.post.id, []).append(slot)
    return found


def posts_of(actor: Actor) -> list[int]:
    """The posts with a cut-off for which this person may sign now."""
    collecting = actor.grants.posts_for("collect")
    if not collecting:
        return []
    query = select(Post.id).where(Post.id.in_(collecting), Post.channel_class.in_(classes()))
    return list(db.session.scalars(query.order_by(Post.number)))


def today_of(actor: Actor, post_id: int) -> tuple[Post, list[Slot]]:
    """The post and its slots of today, for the form. Raises what `sign` raises for the post and the day."""
    _grant, post = _own_post(actor, post_id)
    day = present.today()
    if not calendar.current().is_working_day(day):
        raise Conflict("nil-return.day-of-rest", {"on": day.isoformat()})
    return post, [slot for slot in of_own_posts(actor, days=1).get(post_id, []) if slot.day == day]


def _by_day(slots: Iterable[Slot]) -> list[MissingNilReturn]:
    found: dict[tuple[date, int], MissingNilReturn] = {}
    for slot in slots:
        post, key = slot.post, (slot.day, slot.post.id)
        known = found.get(key) or MissingNilReturn(slot.day, post.id, post.channel_class or "", post.name, post.name_en)
        found[key] = replace(known, papers=(*known.papers, slot.channel)) if slot.channel else known
    return sorted(found.values(), key=lambda one: (-one.day.toordinal(), one.channel_class))


def _collectors(actor: Actor, *capabilities: str) -> list[_Collector]:
    """The collecting posts whose class has a daily cut-off, and when that is: data of the limits table."""
    limits = select(LimitRule).where(LimitRule.clock_kind == "collection", LimitRule.kind == "cutoff", LimitRule.active)
    cutoffs = {
        letter: time.fromisoformat(str(limit.parameters["at"]))
        for limit in db.session.scalars(limits.order_by(LimitRule.sort, LimitRule.id))
        for letter in limit.parameters.get("classes", ())
    }
    query = select(Post).where(Post.active, Post.channel_class.in_(cutoffs), Post.capabilities.contains(["collect"]))
    seen = [actor.grants.scopes_for_reading(capability) for capability in capabilities or READERS]
    posts = [
        post
        for post in db.session.scalars(query.order_by(Post.number))
        if post.channel_class and any(s.everything or post.channel_class in s.classes for s in seen)
    ]
    papers = _active_channels([post.channel_class for post in posts], is_one_by_one=True) if posts else []
    return [
        _Collector(
            post, cutoffs[post.channel_class], tuple(c for c in papers if c.channel_class == post.channel_class)
        )
        for post in posts
        if post.channel_class
    ]


def _active_channels(letters: Sequence[str | None], *, is_one_by_one: bool = False) -> list[Channel]:
    query = select(Channel).where(Channel.active, Channel.channel_class.in_(letters))
    if is_one_by_one:
        said = Assumption.value.has_key(Channel.channel_class)
        query = query.where(exists().where(Assumption.code == "nil_return_by_channel", said))
    return list(db.session.scalars(query.order_by(Channel.sort, Channel.id)))


def _slots(collectors: Iterable[_Collector], first: date, as_of: datetime) -> Iterator[Slot]:
    zone, working = present.zone(), calendar.current()
    for one in collectors:
        for day in _working_days(working, first, as_of.astimezone(zone).date()):
            closes_at = datetime.combine(day, one.cutoff, zone)
            opens_at = datetime.combine(working.previous_working_day(day), one.cutoff, zone)
            for channel in one.papers or (None,):
                yield Slot(one.post, channel, day, opens_at, closes_at)


def _filled(slots: Sequence[Slot], as_of: datetime) -> list[Slot]:
    """The slots with what came in and who signed, in one statement."""
    if not slots:
        return []
    c = _asked(slots).c
    mine = or_(c.channel_id == 0, Appeal.channel_id == c.channel_id)
    window = and_(Appeal.submitted_at >= c.opens_at, Appeal.submitted_at < c.closes_at)
    some = select(Appeal.id).where(Appeal.channel_class == c.channel_class, window, mine).limit(_COUNTED)
    items = select(func.count()).select_from(some.correlate(c.channel_class.table).subquery().lateral())
    whole = or_(NilReturn.channel_id.is_(None), NilReturn.channel_id == c.channel_id)
    first = (
        select(NilReturn.signed_at, NilReturn.role, Person.name, Person.name_en)
        .join(Person, Person.id == NilReturn.signed_by_id)
        .where(NilReturn.post_id == c.post_id, NilReturn.day == c.day, whole, NilReturn.signed_at <= as_of)
        .order_by(NilReturn.signed_at)
        .limit(1)
        .lateral("first")
    )
    query = select(
        c.number, items.scalar_subquery(), first.c.signed_at, first.c.name, first.c.name_en, first.c.role, _owed(c)
    ).join_from(c.number.table, first, true(), isouter=True)
    filled = list(slots)
    for number, count, signed_at, name, name_en, role, is_owed in db.session.execute(query):
        filled[number] = replace(
            slots[number],
            items=count,
            signed_at=signed_at,
            signed_by=name or "",
            signed_by_en=name_en or "",
            role=role or "",
            is_owed=is_owed,
        )
    return filled


def _asked(slots: Sequence[Slot]) -> Any:
    rows = [
        (
            number,
            slot.post.id,
            slot.post.channel_class,
            slot.channel.id if slot.channel else 0,
            slot.channel.created_at if slot.channel else slot.post.created_at,
            slot.day,
            slot.opens_at,
            slot.closes_at,
        )
        for number, slot in enumerate(slots)
    ]
    return values(
        column("number", Integer),
        column("post_id", Integer),
        column("channel_class", String),
        column("channel_id", Integer),
        column("made_at", DateTime(timezone=True)),
        column("day", Date),
        column("opens_at", DateTime(timezone=True)),
        column("closes_at", DateTime(timezone=True)),
        name="asked",
    ).data(rows)


def _owed(c: Any) -> ColumnElement[bool]:
    """SQL: the product was in use then, and the paper was on the list; what the founding brought was there always."""
    began = select(func.min(Clock.started_at)).where(Clock.kind == "collection").scalar_subquery()
    founded = select(func.min(Post.created_at)).scalar_subquery()
    listed = or_(c.channel_id == 0, c.made_at < c.closes_at, c.made_at < founded + timedelta(days=1))
    return and_(c.closes_at > func.least(founded, began), listed)


def _working_days(working: WorkingCalendar, first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        if working.is_working_day(first + timedelta(days=offset)):
            yield first + timedelta(days=offset)
