"""The timetable: one small process that turns time into work, `python -m jobs.timetable` (SECURITY §1).

One process leads, under an advisory lock of PostgreSQL; a second one waits for it to end. Entries by the
clock become rows, unique by name and slot, so that no slot runs twice whoever wakes; entries by interval are
sweeps that may run any number of times. Every step is a function; the loop only waits.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial

from croniter import croniter
from flask import current_app
from flask_babel import force_locale
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from app import report_words
from app.quiet import log_without_values
from app.services import (
    attachments,
    coverage,
    field_jobs,
    grid_places,
    grid_presence,
    heartbeats,
    leave,
    leavers,
    outbox,
    present,
    sealing,
    sheet_files,
    shift_handovers,
    slots,
    staffing_lists,
    suggestions,
    tasks,
    versions,
)
from jobs.reminders import plan_reminders
from jobs.runtime import prepare_process, process_context

LOCK = 0x74696D657461626C  # "timetabl"
NAME = "timetable"
TICK = 2.0
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 15.0
STOP = {signal.SIGTERM, signal.SIGINT}

log = logging.getLogger("jobs.timetable")


class Missed(StrEnum):
    """What happens to slots that passed while nobody looked."""

    LATEST = "latest"  # the work asks the present state: one run makes up for all
    ALL = "all"  # each slot is a piece of work of its own
    SKIP = "skip"  # only its own minute counts


@dataclass(frozen=True, slots=True)
class Slotted:
    """An entry by the clock, local time; `cron` has five fields."""

    name: str
    cron: str
    missed: Missed
    work: Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Sweep:
    """An entry by interval, in seconds."""

    name: str
    every: float
    work: Callable[[], None]


@dataclass
class Memory:
    """When each sweep ran last, by the monotonic clock of this process."""

    ran_at: dict[str, float] = field(default_factory=dict)


# --- work ---------------------------------------------------------------------------------------------------


def plan(_slot: datetime) -> None:
    """Plan reminders; the planner looks at the present state, so a missed minute is made up by the next."""
    plan_reminders()


def remind_of_shift_notes(_slot: datetime) -> None:
    """Tell who leaves a shift soon that the handover note is due; a missed minute is made up by the next."""
    with process_context():
        shift_handovers.remind(present.now())


def seal_everything(_slot: datetime) -> None:
    """Seal journal rows that appeared behind the sealer's usual look back."""
    with process_context():
        while sealing.seal(everything=True):
            pass


def tidy(_slot: datetime) -> None:
    """Forget slots older than a month."""
    with process_context():
        slots.forget(before=present.now() - timedelta(days=31))


def tell_gaps(_slot: datetime) -> None:
    """Tell the duty director that somewhere nobody will act."""
    with process_context():
        coverage.notify()


def keep_coverage() -> None:
    """Compute coverage again when the staffing table was changed, or a while has passed."""
    with process_context():
        coverage.refresh_if_stale()


def learn_suggestions(_slot: datetime) -> None:
    """Have the suggestions learn when enough new appeals have a category."""
    with process_context():
        suggestions.train_when_due()


def publish_staffing_list(_slot: datetime) -> None:
    """Publish the staffing list of the half year that began, unless it is there (R16)."""
    with process_context(), force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
        staffing_lists.publish_half_yearly(report_words.staffing_reader())


def let_leavers_go() -> None:
    """Shut the accounts of those whose filed moment of leaving has come."""
    with process_context():
        leavers.finish_due()


def watch_absences(_slot: datetime) -> None:
    """Remind of hand-overs, return reports and of absences that nobody covers any more; each once."""
    with process_context():
        leave.remind()


def sweep_deliveries() -> None:
    """Wake workers for notices that should have gone out."""
    with process_context():
        outbox.sweep(present.now())


def sweep_tasks() -> None:
    """Wake workers for long work that nobody does."""
    with process_context():
        tasks.sweep()


def sweep_attachments() -> None:
    """Delete files that were chosen and not sent for a day."""
    with process_context():
        attachments.sweep(present.now())


def sweep_files() -> None:
    """Forget the contents of files of spreadsheets whose days are over."""
    with process_context():
        sheet_files.expire(present.now())


def seal_journal() -> None:
    """Link what was committed since the last look."""
    with process_context():
        while sealing.seal() == sealing.MOST:
            pass


def sum_up_counts() -> None:
    """Put together what triggers wrote as differences: the ledger's counts, the moves of the staffing table."""
    with process_context():
        grid_places.sum_up()
        versions.sum_up()


def settle_fields() -> None:
    """Give back fields whose change of kind ended while no handler was there; take away what such changes left."""
    with process_context():
        field_jobs.settle_ended()
        field_jobs.clear()


def forget_changes() -> None:
    """Drop what no open spreadsheet asks for any more: changes of yesterday, who looked at which row."""
    with process_context():
        grid_presence.forget()


def beat() -> None:
    """Show that the timetable lives."""
    with process_context():
        heartbeats.beat(NAME)


SLOTTED: tuple[Slotted, ...] = (
    Slotted("plan_reminders", "* * * * *", Missed.LATEST, plan),
    Slotted("shift_notes", "* * * * *", Missed.LATEST, remind_of_shift_notes),
    Slotted("seal_everything", "7 * * * *", Missed.LATEST, seal_everything),
    Slotted("tell_gaps", "0 8 * * *", Missed.LATEST, tell_gaps),
    # Every day, because a list that failed to come about on the first is made up for on the next.
    Slotted("publish_staffing_list", "5 0 * * *", Missed.LATEST, publish_staffing_list),
    Slotted("watch_absences", "*/10 * * * *", Missed.LATEST, watch_absences),
    Slotted("learn_suggestions", "20 2 * * *", Missed.LATEST, learn_suggestions),
    Slotted("tidy", "40 3 * * *", Missed.LATEST, tidy),
)
SWEEPS: tuple[Sweep, ...] = (
    Sweep("beat", 10.0, beat),
    Sweep("sweep_deliveries", 15.0, sweep_deliveries),
    Sweep("sweep_tasks", 15.0, sweep_tasks),
    Sweep("sweep_attachments", 300.0, sweep_attachments),
    Sweep("sweep_files", 3600.0, sweep_files),
    Sweep("seal_journal", 4.0, seal_journal),
    Sweep("keep_coverage", 10.0, keep_coverage),
    Sweep("sum_up_counts", 300.0, sum_up_counts),
    Sweep("settle_fields", 30.0, settle_fields),
    Sweep("forget_changes", 3600.0, forget_changes),
    Sweep("let_leavers_go", 30.0, let_leavers_go),
)


# --- steps --------------------------------------------------------------------------------------------------


def due_slots(entry: Slotted, last: datetime | None, now: datetime) -> list[datetime]:
    """The slots of an entry after `last` up to `now`, UTC, as its policy for missed ones says; pure.

    Without a last slot only the current one counts: a first start makes up for nothing.
    """
    local = now.astimezone(present.zone())
    # croniter looks strictly before its start; the present minute is a slot too.
    latest = croniter(entry.cron, local + timedelta(seconds=1)).get_prev(datetime).astimezone(UTC)
    if last is not None and latest <= last:
        return []
    if entry.missed is Missed.SKIP and now - latest > timedelta(minutes=1):
        return []
    if entry.missed is not Missed.ALL or last is None:
        return [latest]
    found: list[datetime] = []
    walk = croniter(entry.cron, last.astimezone(present.zone()))
    while (slot := walk.get_next(datetime).astimezone(UTC)) <= now:
        found.append(slot)
    return found


def run_slots(now: datetime) -> list[tuple[str, datetime]]:
    """Take every due slot that nobody took and do its work; what was taken."""
    taken: list[tuple[str, datetime]] = []
    for entry in SLOTTED:
        with process_context():
            wanted = due_slots(entry, slots.last(entry.name), now)
            own = [slot for slot in wanted if slots.take(entry.name, slot)]
        for slot in own:
            _work(entry.name, partial(entry.work, slot))
            taken.append((entry.name, slot))
    return taken


def run_sweeps(memory: Memory, moment: float) -> list[str]:
    """Run the sweeps whose interval has passed by the monotonic `moment`; their names."""
    ran: list[str] = []
    for entry in SWEEPS:
        last = memory.ran_at.get(entry.name)
        if last is None or moment - last >= entry.every:
            memory.ran_at[entry.name] = moment
            _work(entry.name, entry.work)
            ran.append(entry.name)
    return ran


def _work(name: str, call: Callable[[], None]) -> None:
    """One entry that fails must not keep the others from working."""
    try:
        call()
    except Exception as error:
        log_without_values(log, name, error)


def lead(connection: Connection) -> bool:
    """Try to take the lead on a connection that stays open; the lock goes with the connection."""
    return bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}))


def still_leads(connection: Connection) -> bool:
    """Whether this connection still holds the lock; raises SQLAlchemyError when the server went away."""
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted"
        " AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = :key"
    )
    return bool(connection.scalar(query, {"key": LOCK}) == 1)


def tick(connection: Connection, memory: Memory) -> None:
    """One round of the leader; raises ConnectionError when the lead is lost."""
    if not still_leads(connection):
        raise ConnectionError("the lead is lost")
    run_sweeps(memory, time.monotonic())
    run_slots(present.now())


# --- the loop -----------------------------------------------------------------------------------------------


def asked_to_stop(seconds: float) -> bool:
    """Wait, but not when asked to stop. Signals are blocked, so none is lost between two waits."""
    return signal.sigtimedwait(STOP, seconds) is not None


def serve() -> None:
    """Lead when possible, wait otherwise, until asked to stop; a lost database is waited for."""
    from app.models import db

    wait, stopped = SHORTEST_WAIT, False
    while not stopped:
        try:
            with (
                process_context(),
                db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as line,
            ):
                wait = SHORTEST_WAIT
                stopped = _serve_on(line)
        except (SQLAlchemyError, ConnectionError) as error:
            log.warning("timetable interrupted (%s), again in %.0f s", type(error).__name__, wait)
            stopped = stopped or asked_to_stop(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def _serve_on(line: Connection) -> bool:
    """Ticks on one connection; True when asked to stop."""
    while not lead(line):
        if asked_to_stop(TICK):
            return True
    log.info("the timetable leads")
    memory = Memory()
    try:
        while True:
            tick(line, memory)
            if asked_to_stop(TICK):
                return True
    finally:
        _step_down(line)


def _step_down(line: Connection) -> None:
    """Let the next one lead at once; the pooled connection must not keep the lock either."""
    try:
        line.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
    except SQLAlchemyError as error:
        log.info("the lead went with the connection (%s)", type(error).__name__)
    line.invalidate()


def main() -> int:
    """Entry: no arguments."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    prepare_process()
    serve()
    return 0


if __name__ == "__main__":
    from jobs.timetable import main as run

    sys.exit(run())
