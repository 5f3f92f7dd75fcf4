"""An office with clocks of every kind in every state, by rows, and a second way of counting them: in Python."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import Appeal, Assignment, Clock, Post, Unit, db
from app.rules.clocks import Clock as RuleClock
from app.rules.clocks import LateWhen, Status, status
from app.rules.grants import Grant, GrantSet, Scope
from app.services.actors import Actor

ZONE = ZoneInfo("Asia/Shanghai")
# Monday 10:00 in Shanghai.
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUPERVISOR = Actor(None, None, GrantSet((Grant("supervise", Scope.ALL),)))


def appeal_row(number: int, **columns: Any) -> Appeal:
    """An appeal by its columns, not added yet: registered and in progress unless said otherwise."""
    usual = {
        "number": f"示例-{number}",
        "state": "in_progress",
        "channel_class": "ABCDEF"[number % 6],
        "received_at": NOW - 40 * DAY,
        "registered_at": NOW - 40 * DAY,
        "subject": f"示例诉求{number}",
        "fictional": True,
    }
    return Appeal(**(usual | columns))


def appeal(number: int, **columns: Any) -> Appeal:
    """An appeal past every service, here to stay for the test."""
    row = appeal_row(number, **columns)
    db.session.add(row)
    db.session.flush()
    return row


def clock(of: Appeal, kind: str = "unit_limit", **columns: Any) -> Clock:
    """A clock by its columns."""
    row = Clock(appeal_id=of.id, kind=kind, inputs={}, **({"started_at": NOW - 30 * DAY} | columns))
    db.session.add(row)
    db.session.flush()
    return row


def units(kind: str, count: int) -> list[Unit]:
    """Some units of that kind."""
    return list(db.session.scalars(select(Unit).where(Unit.kind == kind).order_by(Unit.id).limit(count)))


def office(seed: int, appeals: int = 60) -> None:
    """Appeals with one to four clocks each; due moments, stops and starts fall on and around the edges."""
    dice = random.Random(seed)
    posts = list(db.session.scalars(select(Post).order_by(Post.id)))
    places = [*units("department", 3), *units("local_government", 2), *units("section", 2)]
    for number in range(appeals):
        of = appeal_row(number)
        kinds = dice.sample(["collection", "delivery", "fetch_back", "sign_in", "unit_limit"], dice.randint(1, 4))
        of.clocks = [Clock(kind=kind, inputs={}, **_columns(dice, kind, posts, places)) for kind in kinds]
        db.session.add(of)
    db.session.commit()


def _columns(dice: random.Random, kind: str, posts: list[Post], places: list[Unit]) -> dict[str, Any]:
    started = NOW - timedelta(hours=dice.randint(0, 24 * 120))
    due = None if dice.random() < 0.15 else started + timedelta(hours=dice.choice([1, 24, 72, 24 * 15]))
    stopped = None
    if dice.random() < 0.6:
        edge = due or started + DAY
        stopped = max(started, edge + dice.choice([-HOUR, 0 * HOUR, timedelta(seconds=1), 2 * DAY, 20 * DAY]))
    columns: dict[str, Any] = {"started_at": started, "due_at": due, "stopped_at": stopped}
    columns["late_when"] = "at_or_after" if kind == "collection" and dice.random() < 0.5 else "after"
    by_post = kind == "collection" or dice.random() < 0.3
    columns["post_id" if by_post else "unit_id"] = dice.choice(posts if by_post else places).id
    return columns


@dataclass(frozen=True)
class Counted:
    """One clock as the second way of counting sees it."""

    row: Clock
    state: str
    age: timedelta
    unit_id: int | None


def counted(as_of: datetime, first: datetime, last: datetime) -> list[Counted]:
    """Every clock of the report at `as_of`, by the pure rules; late ones due in (first, last]."""
    found = []
    for row in db.session.scalars(select(Clock).options(joinedload(Clock.post))):
        unit_id = row.unit_id or (row.post.office_id if row.post else None)
        judged = _judged(row, as_of, first, last)
        if judged is not None:
            found.append(Counted(row, *judged, unit_id))
    return found


def _judged(row: Clock, as_of: datetime, first: datetime, last: datetime) -> tuple[str, timedelta] | None:
    if row.started_at > as_of:
        # It may have been stopped in time before it began here, but never overdue.
        return None
    if row.due_at is None:
        if row.stopped_at is not None and row.stopped_at <= as_of:
            return None
        return "no_limit", as_of - row.started_at
    read = status(RuleClock(row.due_at, LateWhen(row.late_when), row.stopped_at), as_of)
    if read is Status.OVERDUE:
        return "open_overdue", as_of - row.due_at
    if read is Status.BROKEN and first < row.due_at <= last:
        assert row.stopped_at is not None
        return "finished_late", row.stopped_at - row.due_at
    return None


def appeals_of(rows: Iterable[Counted]) -> int:
    """How many distinct appeals they belong to."""
    return len({one.row.appeal_id for one in rows})


def assign(of: Appeal, unit: Unit, at: datetime, by: int, **columns: Any) -> Assignment:
    """An assignment by its columns."""
    row = Assignment(appeal_id=of.id, unit_id=unit.id, assigned_at=at, assigned_by_id=by, **columns)
    db.session.add(row)
    db.session.flush()
    return row


def pages(read: Any) -> Iterator[Any]:
    """Every entry of a drill-down, page after page; `read` takes the key of the page before."""
    after: str | None = None
    while True:
        page = read(after)
        yield from page.entries
        after = page.next
        if after is None:
            return
