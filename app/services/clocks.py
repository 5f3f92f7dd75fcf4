"""Clocks of an appeal: started and stopped inside the step's transaction, with every input kept (R3, R6, R9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.models import Appeal, Assignment, Category, Clock, ClockChange, LimitRule, db
from app.rules import clocks as rules
from app.rules.calendar import WorkingCalendar
from app.rules.errors import NotFound
from app.rules.limits import LimitFor, rule_for
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


def proposed_limit(nature: str, urgency: str, category_id: int | None) -> LimitRule | None:
    """The handling limit that the table of limits has for such an appeal; the duty office may choose another."""
    category = db.session.get(Category, category_id) if category_id else None
    query = select(LimitRule).where(LimitRule.clock_kind == "unit_limit", LimitRule.active)
    rows = db.session.scalars(query.order_by(LimitRule.sort, LimitRule.id)).all()
    table = [LimitFor.of(row.code, row.parameters, is_default=row.is_default) for row in rows]
    code = rule_for(table, nature=nature, urgency=urgency, category=category.code if category else None)
    return next((row for row in rows if row.code == code), None)


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
    assignment_id: int | None = None,
    request_id: int | None = None,
    due_on: date | None = None,
) -> Clock:
    """Start a clock; without a limit it runs with no due moment and is shown apart.

    `due_on`: a date somebody set, which is the limit instead. Raises Invalid("limit.before-start") for a past one.
    """
    rule = rules.Limit(rules.LimitKind.FIXED, on=due_on) if due_on else as_rule(limit) if limit else None
    clock = Clock(
        appeal=appeal,
        kind=kind,
        post_id=post_id,
        unit_id=unit_id,
        assignment_id=assignment_id,
        request_id=request_id,
        limit_rule=None if due_on else limit,
        **_counted(rule, started_at),
    )
    db.session.add(clock)
    return clock


def restart(appeal: Appeal, kind: str, started_at: datetime) -> None:
    """Let the running clock of that kind count from `started_at` instead; one that was stopped stays as measured."""
    clock = running(appeal, kind)
    if clock is None or clock.started_at == started_at:
        return
    rule = as_rule(clock.limit_rule) if clock.limit_rule else None
    change = ClockChange(
        at=present.now(), why="correction", old_due_at=clock.due_at, old_inputs=clock.inputs or {}
    )
    for name, value in _counted(rule, started_at).items():
        setattr(clock, name, value)
    change.new_due_at = clock.due_at
    clock.changes.append(change)


def _counted(limit: rules.Limit | None, started_at: datetime) -> dict[str, Any]:
    due = rules.deadline(limit, started_at, calendar.current(), present.zone()) if limit else None
    return {"started_at": started_at, **stored(due)}


def stored(due: rules.Deadline | None) -> dict[str, Any]:
    """A deadline as the columns of a clock, with everything that explains it."""
    return {
        "due_at": due.due_at if due else None,
        "late_when": due.late_when.value if due else rules.LateWhen.AFTER.value,
        "inputs": {**due.inputs, "trace": due.trace_json(), "provisional": due.provisional} if due else {},
    }


@dataclass(frozen=True)
class Inputs:
    """What a clock's due moment follows from besides calendar and zone, as it is kept on the clock."""

    limit: rules.Limit
    started_at: datetime
    pauses: tuple[rules.Pause, ...] = ()
    extensions: tuple[rules.Extension, ...] = ()

    @classmethod
    def of(cls, started_at: datetime, kept: Mapping[str, Any]) -> Inputs:
        """Reads `Clock.inputs`. Raises Invalid("limit.unreadable") when they name no limit."""
        return cls(
            rules.Limit.from_json(kept.get("limit") or {}),
            started_at,
            tuple(rules.Pause.from_json(one) for one in kept.get("pauses", ())),
            tuple(rules.Extension.from_json(one) for one in kept.get("extensions", ())),
        )

    def deadline(self, working: WorkingCalendar, zone: tzinfo) -> rules.Deadline:
        """When it ends by this calendar."""
        return rules.deadline(self.limit, self.started_at, working, zone, self.pauses, self.extensions)


def inputs_of(clock: Clock) -> Inputs:
    """What a clock's due moment follows from. Raises Invalid("limit.unreadable") for one without a limit."""
    return Inputs.of(clock.started_at, clock.inputs)


def move(
    clock: Clock,
    inputs: Inputs,
    why: str,
    *,
    at: datetime,
    reason: str = "",
    person_id: int | None = None,
    recount_id: int | None = None,
) -> ClockChange:
    """Let a clock end as `inputs` and the calendar in force say, and keep from when to when it moved, and why."""
    change = ClockChange(
        at=at,
        why=why,
        old_due_at=clock.due_at,
        old_inputs=clock.inputs,
        reason=reason[:500],
        person_id=person_id,
        recount_id=recount_id,
    )
    for name, value in stored(inputs.deadline(calendar.current(), present.zone())).items():
        setattr(clock, name, value)
    change.new_due_at = clock.due_at
    clock.changes.append(change)
    return change


def stop(
    appeal: Appeal,
    kinds: Collection[str],
    at: datetime,
    *,
    assignment_id: int | None = None,
    request_id: int | None = None,
    is_cancelled: bool = False,
) -> list[Clock]:
    """Stop the running clocks of these kinds at `at`, those of one assignment or request if it is named.

    `is_cancelled`: they end without a judgement, because what they measured went elsewhere.
    """
    stopped = [
        clock
        for clock in _running(appeal, kinds)
        if assignment_id in (None, clock.assignment_id) and request_id in (None, clock.request_id)
    ]
    for clock in stopped:
        clock.stopped_at, clock.cancelled = at, is_cancelled
    return stopped


def running(appeal: Appeal, kind: str, *, assignment_id: int | None = None) -> Clock | None:
    """The running clock of that kind (of that assignment), if any."""
    return next((c for c in _running(appeal, (kind,)) if assignment_id in (None, c.assignment_id)), None)


def limit_at(own: Assignment, at: datetime | None = None) -> Clock | None:
    """The limit a unit had at `at`: the newest that had begun; the newest of all by default."""
    kinds = ("unit_limit", "co_limit")
    found = [c for c in own.appeal.clocks if c.assignment_id == own.id and c.kind in kinds]
    begun = [clock for clock in found if at is None or clock.started_at <= at]
    return begun[-1] if begun else None


def counted_in(own: Assignment, at: datetime | None = None) -> str:
    """What an extension of a unit's limit counted in at `at`: as the limit itself, otherwise calendar days."""
    clock = limit_at(own, at)
    kind = ((clock.inputs or {}).get("limit") or {}).get("kind") if clock is not None else None
    return str(kind) if kind in ("wall_hours", "working_hours", "working_days") else "calendar_days"


def _running(appeal: Appeal, kinds: Collection[str]) -> list[Clock]:
    return [clock for clock in appeal.clocks if clock.kind in kinds and clock.stopped_at is None]


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
