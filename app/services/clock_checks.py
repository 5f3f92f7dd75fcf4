"""Every open limit computed once more from its inputs and the calendar in force, against what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.models import Appeal, Clock, ClockPause, db
from app.rules.clocks import Deadline, Pause
from app.services import clock_recounts
from app.services.clock_recounts import Change, Counting

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """A clock that is not stored as it is computed. Reasons: due, late-when, provisional, pauses, unreadable."""

    clock_id: int
    appeal_id: int
    number: str | None
    kind: str
    reason: str
    stored: datetime | None
    computed: datetime | None


def differences() -> Iterator[tuple[int, Difference | None]]:
    """Each clock looked at, by its running number, with its difference if it has one; read in batches."""
    counting, paused = Counting(Change(is_everything=True)), _paused()
    for number, row in enumerate(clock_recounts.every_open_clock(BATCH), 1):
        reason, due = _reason(counting, row, paused.get(row.id, frozenset()))
        yield number, _difference(row, reason, due) if reason else None


def _paused() -> dict[int, frozenset[Pause]]:
    """The pauses that were approved, by running clock."""
    query = select(ClockPause).join(Clock, Clock.id == ClockPause.clock_id).where(Clock.stopped_at.is_(None))
    found: dict[int, set[Pause]] = {}
    for row in db.session.scalars(query):
        found.setdefault(row.clock_id, set()).add(Pause(row.starts_at, row.ends_at, row.reason))
    return {clock_id: frozenset(pauses) for clock_id, pauses in found.items()}


def _reason(counting: Counting, row: Any, paused: frozenset[Pause]) -> tuple[str, Deadline | None]:
    due = counting.deadline(row)
    if due is None:
        return "unreadable", None
    kept = frozenset(Pause.from_json(one) for one in json.loads(row.pauses or "[]"))
    checks = (
        ("due", due.due_at == row.due_at),
        ("late-when", due.late_when.value == row.late_when),
        ("provisional", due.provisional == (row.provisional == "true")),
        ("pauses", kept == paused),
    )
    return next((name for name, holds in checks if not holds), ""), due


def _difference(row: Any, reason: str, due: Deadline | None) -> Difference:
    number = db.session.scalar(select(Appeal.number).where(Appeal.id == row.appeal_id))
    return Difference(row.id, row.appeal_id, number, row.kind, reason, row.due_at, due.due_at if due else None)
