"""Clocks of an appeal: started and stopped inside the step's transaction, with every input kept (R3, R6, R9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.models import Appeal, Clock, LimitRule, db
from app.rules import clocks as rules
from app.rules.errors import NotFound
from app.services import calendar, present


def limit_for(clock_kind: str, *, code: str | None = None, channel_class: str | None = None) -> LimitRule:
    """The limit of a clock: named by `code`, or that of the channel class, or the default of its kind.

    Raises NotFound("limit.missing") when the table of limits has none.
    """
    query = select(LimitRule).where(LimitRule.clock_kind == clock_kind, LimitRule.active)
    if code is not None:
        query = query.where(LimitRule.code == code)
    rows = db.session.scalars(query.order_by(LimitRule.is_default.desc(), LimitRule.sort, LimitRule.id)).all()
    for row in rows:
        if channel_class is None or channel_class in row.parameters.get("classes", [channel_class]):
            return row
    raise NotFound("limit.missing", {"clock": clock_kind, "code": code or "", "class": channel_class or ""})


def as_rule(row: LimitRule) -> rules.Limit:
    """A row of the limits table as the pure rule. Raises Invalid when the row makes no sense."""
    return rules.Limit.from_json({"kind": row.kind, "amount": row.amount, **row.parameters})


def start(
    appeal: Appeal,
    kind: str,
    limit: LimitRule | None,
    *,
    started_at: datetime,
    post_id: int | None = None,
    unit_id: int | None = None,
) -> Clock:
    """Start a clock; without a limit it runs with no due moment and is shown apart."""
    counted = _counted(limit, started_at)
    clock = Clock(appeal=appeal, kind=kind, post_id=post_id, unit_id=unit_id, limit_rule=limit, **counted)
    db.session.add(clock)
    return clock


def restart(appeal: Appeal, kind: str, started_at: datetime) -> None:
    """Let the running clock of that kind count from `started_at` instead; one that was stopped stays as measured."""
    clock = running(appeal, kind)
    if clock is not None:
        for name, value in _counted(clock.limit_rule, started_at).items():
            setattr(clock, name, value)


def _counted(limit: LimitRule | None, started_at: datetime) -> dict[str, Any]:
    due = rules.deadline(as_rule(limit), started_at, calendar.current(), present.zone()) if limit else None
    return {
        "started_at": started_at,
        "due_at": due.due_at if due else None,
        "late_when": due.late_when.value if due else rules.LateWhen.AFTER.value,
        "inputs": {**due.inputs, "trace": due.trace_json(), "provisional": due.provisional} if due else {},
    }


def stop(appeal: Appeal, kinds: tuple[str, ...], at: datetime) -> list[Clock]:
    """Stop the running clocks of these kinds at `at`."""
    stopped = [clock for clock in appeal.clocks if clock.kind in kinds and clock.stopped_at is None]
    for clock in stopped:
        clock.stopped_at = at
    return stopped


def running(appeal: Appeal, kind: str) -> Clock | None:
    """The running clock of that kind, if any."""
    return next((clock for clock in appeal.clocks if clock.kind == kind and clock.stopped_at is None), None)


def state_of(clock: Clock, now: datetime) -> rules.Status:
    """How a clock reads now: computed, never stored, so a dead worker cannot hide an overdue item."""
    warn = rules.warn_at(clock.started_at, clock.due_at) if clock.due_at else None
    facts = rules.Clock(clock.due_at, rules.LateWhen(clock.late_when), clock.stopped_at, warn)
    return rules.status(facts, now)


def is_overdue(now: datetime) -> ColumnElement[bool]:
    """SQL: the clock still runs and its due moment has passed at `now`."""
    return and_(Clock.stopped_at.is_(None), _passed(Clock.due_at, now))


def is_broken() -> ColumnElement[bool]:
    """SQL: the clock stopped, but late."""
    return or_(
        Clock.stopped_at > Clock.due_at,
        and_(Clock.late_when == "at_or_after", Clock.stopped_at == Clock.due_at),
    )


def _passed(due_at: InstrumentedAttribute[datetime | None], now: datetime) -> ColumnElement[bool]:
    return or_(due_at < now, and_(Clock.late_when == "at_or_after", due_at == now))
