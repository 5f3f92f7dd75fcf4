"""The job that plans reminders; the timetable calls it every minute, an edited ladder may nudge it."""

from __future__ import annotations

import logging

from app.services import present, reminders
from jobs.runtime import process_context, without_values

log = logging.getLogger("jobs.reminders")


@without_values
def plan_reminders(_subject: int = 0) -> None:
    """Put due reminders into the outbox; running it twice changes nothing."""
    with process_context():
        planned = reminders.plan(present.now())
    if planned.rules:
        log.info("planned %d reminders, %d told nobody", planned.inserted, planned.skipped)
