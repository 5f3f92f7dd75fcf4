"""Reminders: open clocks that come due, are due or are overdue, each rule once per clock and due moment (R15,
R18).

The planner asks the database what should have been told by now and is not in the outbox; a lost or doubled
run heals or changes nothing. Of the rules that have passed for one rung of a clock only the latest is told,
so that a first start or an import does not flood. At night nothing is planned but for limits counted by the
wall clock; the morning's first run tells what is then the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from time import monotonic
from typing import Any

from sqlalchemy import text

from app.models import db
from app.services import assumptions, ladders, outbox, present
from app.services.transaction import transaction

BATCH = 2000
BUDGET = 15.0


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when until when no reminder is planned, local time, and for which kinds of limit one is
    nevertheless.
    """

    starts: time = time(21, 0)
    ends: time = time(7, 30)
    exempt: tuple[str, ...] = ("wall_hours",)

    def covers(self, moment: time) -> bool:
        """Whether it is quiet at this local time; the period may span midnight, equal ends mean never."""
        if self.starts <= self.ends:
            return self.starts <= moment < self.ends
        return moment >= self.starts or moment < self.ends


@dataclass(slots=True)
class Planned:
    """What a run did: new rows of the outbox, and rules that told nobody."""

    inserted: int = 0
    skipped: int = 0
    rules: int = field(default=0)


# One row per clock and rung: the latest rule that has passed since the clock started and is not in the outbox
# yet.
_DUE = text(
    """
    WITH passed AS (
        SELECT DISTINCT ON (c.id, r.rung)
               c.id AS clock_id, c.appeal_id, c.kind, c.post_id, c.unit_id, c.due_at,
               r.id AS rule_id, r.rung, r.offset_minutes
        FROM reminder_rule r
        JOIN clock c ON c.kind = r.clock_kind AND c.stopped_at IS NULL
             AND c.due_at <= CAST(:now AS timestamptz) - make_interval(mins => r.offset_minutes)
             AND c.due_at + make_interval(mins => r.offset_minutes) > c.started_at
        JOIN appeal a ON a.id = c.appeal_id AND a.state NOT IN ('closed', 'archived', 'history')
        LEFT JOIN limit_rule l ON l.id = c.limit_rule_id
        WHERE r.active AND (NOT :quiet OR COALESCE(c.inputs #>> '{limit,kind}', l.kind) = ANY(:exempt))
        ORDER BY c.id, r.rung, r.offset_minutes DESC, r.id
    )
    SELECT p.*, k.key FROM passed p
    CROSS JOIN LATERAL (
        SELECT 'clock:' || p.clock_id || '|rule:' || p.rule_id || '|slot:'
            || to_char(p.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS key
    ) k
    WHERE NOT EXISTS (
        SELECT 1 FROM delivery d
        WHERE d.clock_id = p.clock_id AND d.rule_id = p.rule_id AND starts_with(d.idem_key, k.key || '|')
          AND (d.state <> 'cancelled' OR d.last_error = :same_person OR starts_with(d.last_error, 'vacant:'))
    )
    ORDER BY p.due_at + make_interval(mins => p.offset_minutes) DESC, p.clock_id
    LIMIT :batch
    """
)


def plan(now: datetime, *, budget: float = BUDGET) -> Planned:
    """Put every reminder that is due at `now` and not planned yet into the outbox, in bounded batches.

    Stops after `budget` seconds; what came due last is planned first, so a backlog delays nothing that is new.
    """
    done = Planned()
    end = monotonic() + budget
    while True:
        with transaction():
            found = _plan_batch(now, done)
        if found < BATCH or monotonic() >= end:
            return done


def quiet_hours() -> QuietHours:
    """The quiet hours in force: the assumption `quiet_hours`, else 21:00 to 07:30."""
    value = assumptions.named("quiet_hours")
    if not value:
        return QuietHours()
    return QuietHours(
        time.fromisoformat(str(value.get("from", "21:00"))),
        time.fromisoformat(str(value.get("until", "07:30"))),
        tuple(str(kind) for kind in value.get("except", ())),
    )


def _plan_batch(now: datetime, done: Planned) -> int:
    quiet = quiet_hours()
    parameters = {
        "now": now,
        "quiet": quiet.covers(now.astimezone(present.zone()).time()),
        "exempt": list(quiet.exempt),
        "same_person": outbox.SAME_PERSON,
        "batch": BATCH,
    }
    due = db.session.execute(_DUE, parameters).all()
    if not due:
        return 0
    messages, skipped = _told(due, now)
    done.inserted += outbox.enqueue_all(messages)
    outbox.record_skipped(skipped)
    done.skipped += len(skipped)
    done.rules += len(due)
    return len(due)


def _told(due: Sequence[Any], now: datetime) -> tuple[list[outbox.Message], list[outbox.SkippedReminder]]:
    places = [ladders.Place(row.kind, row.post_id, row.unit_id) for row in due]
    known = ladders.directory(places, now)
    messages: list[outbox.Message] = []
    skipped: list[outbox.SkippedReminder] = []
    for row, place in zip(due, places, strict=True):
        told = known.told(place, row.rung)
        kind = _kind(row.offset_minutes)
        for person in told.person_ids:
            messages.append(outbox.Message(kind, person, row.key, now, row.appeal_id, row.clock_id, row.rule_id))
        about = (now, row.appeal_id, row.clock_id, row.rule_id)
        for person in told.again:
            skipped.append(outbox.SkippedReminder(row.key, kind, outbox.SAME_PERSON, *about, person))
        if told.skipped:
            word = "skipped" if told.person_ids or told.again else "vacant"
            names = ",".join(name for name, _cause in told.skipped)
            skipped.append(outbox.SkippedReminder(row.key, kind, f"{word}:{names}", *about))
    return messages, skipped


def _kind(offset_minutes: int) -> str:
    if offset_minutes < 0:
        return "reminder.due_soon"
    return "reminder.overdue" if offset_minutes else "reminder.due"
