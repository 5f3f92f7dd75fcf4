"""Makes what the tests of reminders, outbox and workers need, beside the seed's posts, units and rules."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, Appeal, Clock, Delivery, Membership, OwnSheet, Person, Post, ReminderRule, Unit, db

# Monday 10:00 in Shanghai, a working day.
NOON = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_numbers = itertools.count(1)


def own_sheet(title_field: str) -> tuple[User, OwnSheet]:
    """Somebody and an own sheet, under a name that no other run uses: for tests that commit."""
    mark = f"shili{uuid4().hex[:8]}"
    user = User(first_name="示例", last_name="", username=mark, email=f"{mark}@example.invalid", password="!")
    sheet = OwnSheet(code=mark, name="示例表", title_field=title_field)
    db.session.add_all([user, sheet])
    db.session.flush()
    return user, sheet


def person(*, email: str = "", active: bool = True) -> Person:
    """A fictional person."""
    number = next(_numbers)
    found = Person(code=f"maker_{number}", name=f"示例{number}", email=email, active=active, fictional=True)
    db.session.add(found)
    db.session.flush()
    return found


def holder(post_code: str, role: str) -> int:
    """The person who holds a post of the seed as A or B."""
    post_row = post(post_code)
    return next(h.person_id for h in post_row.holdings if h.role == role)


def post(code: str) -> Post:
    return db.session.scalars(select(Post).where(Post.code == code)).one()


def unit(code: str) -> Unit:
    return db.session.scalars(select(Unit).where(Unit.code == code)).one()


def rule(code: str) -> ReminderRule:
    return db.session.scalars(select(ReminderRule).where(ReminderRule.code == code)).one()


def member(unit_row: Unit, function: str = "handler") -> Person:
    """A person who handles for a unit, or clerks a section."""
    found = person()
    db.session.add(Membership(person_id=found.id, unit_id=unit_row.id, function=function))
    db.session.flush()
    return found


def away(person_id: int, start: datetime = NOON - DAY, end: datetime = NOON + DAY) -> None:
    db.session.add(Absence(person_id=person_id, valid=Range(start, end)))
    db.session.flush()


def appeal(*, state: str = "in_progress") -> Appeal:
    number = next(_numbers)
    found = Appeal(
        number=f"示例〔2026〕{number}",
        state=state,
        channel_class="A",
        received_at=NOON - 30 * DAY,
        subject="示例：路灯不亮",
        fictional=True,
    )
    db.session.add(found)
    db.session.flush()
    return found


def clock(
    due_at: datetime,
    *,
    kind: str = "fetch_back",
    post_code: str | None = None,
    unit_code: str | None = None,
    limit: str = "working_days",
    started_at: datetime = NOON - 30 * DAY,
    of: Appeal | None = None,
) -> Clock:
    """A running clock of an appeal of its own, the liaison's unless said otherwise."""
    if post_code is None and unit_code is None:
        post_code = "liaison"
    found = Clock(
        appeal=of or appeal(),
        kind=kind,
        post_id=post(post_code).id if post_code else None,
        unit_id=unit(unit_code).id if unit_code else None,
        started_at=started_at,
        due_at=due_at,
        inputs={"limit": {"kind": limit}},
    )
    db.session.add(found)
    db.session.flush()
    return found


def deliveries(clock_row: Clock | None = None, *, state: str | None = None) -> list[Delivery]:
    """The outbox, or what of it concerns one clock."""
    query = select(Delivery).order_by(Delivery.id).execution_options(populate_existing=True)
    if clock_row is not None:
        query = query.where(Delivery.clock_id == clock_row.id)
    if state is not None:
        query = query.where(Delivery.state == state)
    return list(db.session.scalars(query))


def told(clock_row: Clock) -> list[tuple[str, int | None]]:
    """(code of the rule, recipient) of what goes out for a clock."""
    codes = {row.id: row.code for row in db.session.scalars(select(ReminderRule))}
    rows = [d for d in deliveries(clock_row) if d.state != "cancelled"]
    return sorted((codes[d.rule_id or 0], d.recipient_id) for d in rows)
