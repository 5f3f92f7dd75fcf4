"""The timetable: which slots are due, each taken once, one leader, sweeps by interval."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, create_engine, select, text

import config
from app.models import Heartbeat, Journal, TimetableSlot, db
from app.services import heartbeats, present, sealing, slots
from jobs import runtime, timetable
from jobs.timetable import Memory, Missed, Slotted
from tests.services import making
from tests.services.making import DAY, HOUR, MINUTE, NOON

Taken = list[tuple[str, datetime]]


@pytest.fixture(autouse=True)
def one_application(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_application", app)


def entry(cron: str = "* * * * *", missed: Missed = Missed.LATEST) -> Slotted:
    return Slotted("test", cron, missed, lambda slot: None)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A moment of the test's day, local time in Shanghai."""
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC) - 8 * HOUR


@pytest.mark.parametrize(
    ("cron", "missed", "last", "now", "due"),
    [
        ("* * * * *", Missed.LATEST, None, at(10, 0, 30), [at(10)]),
        ("* * * * *", Missed.LATEST, None, at(10), [at(10)]),
        ("* * * * *", Missed.LATEST, at(10), at(10, 0, 59), []),
        ("* * * * *", Missed.LATEST, at(10), at(10, 1), [at(10, 1)]),
        ("* * * * *", Missed.LATEST, at(10), at(12), [at(12)]),
        ("* * * * *", Missed.ALL, at(10), at(10, 3), [at(10, 1), at(10, 2), at(10, 3)]),
        ("* * * * *", Missed.ALL, None, at(10, 3), [at(10, 3)]),
        ("30 8 * * *", Missed.LATEST, at(8, 30) - DAY, at(8, 29), []),
        ("30 8 * * *", Missed.LATEST, at(8, 30) - DAY, at(9), [at(8, 30)]),
        ("30 8 * * *", Missed.SKIP, at(8, 30) - DAY, at(9), []),
        ("30 8 * * *", Missed.SKIP, at(8, 30) - DAY, at(8, 30, 20), [at(8, 30)]),
        ("30 8 * * *", Missed.ALL, at(8, 30) - 2 * DAY, at(9), [at(8, 30) - DAY, at(8, 30)]),
        # The clock was set back: nothing runs a second time.
        ("* * * * *", Missed.LATEST, at(10), at(9, 30), []),
        ("* * * * *", Missed.ALL, at(10), at(9, 30), []),
    ],
)
def test_which_slots_are_due(
    app: Flask, cron: str, missed: Missed, last: datetime | None, now: datetime, due: list[datetime]
) -> None:
    assert timetable.due_slots(entry(cron, missed), last, now) == due


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """One entry a minute in place of the real ones; what it did."""
    done: Taken = []
    worker = Slotted("test", "* * * * *", Missed.ALL, lambda slot: done.append(("test", slot)))
    monkeypatch.setattr(timetable, "SLOTTED", (worker,))
    return done


def test_a_slot_is_worked_once_whoever_looks(app: Flask, entries: Taken) -> None:
    for _ in range(3):
        timetable.run_slots(NOON + timedelta(seconds=20))
    assert entries == [("test", NOON)]
    timetable.run_slots(NOON + 2 * MINUTE)
    assert entries == [("test", NOON), ("test", NOON + MINUTE), ("test", NOON + 2 * MINUTE)]
    assert len(db.session.scalars(select(TimetableSlot)).all()) == 3


def test_a_slot_somebody_else_took_is_left_to_him(app: Flask, entries: Taken) -> None:
    assert slots.take("test", NOON)
    assert not slots.take("test", NOON)
    assert timetable.run_slots(NOON) == []


def test_old_slots_are_forgotten_but_the_latest(app: Flask) -> None:
    for day in (90, 60, 40, 1):
        slots.take("daily", NOON - day * DAY)
    slots.take("yearly", NOON - 200 * DAY)
    with present.at(NOON):
        timetable.tidy(NOON)
    rows = db.session.execute(select(TimetableSlot.name, TimetableSlot.slot).order_by(TimetableSlot.name)).all()
    assert [tuple(row) for row in rows] == [("daily", NOON - DAY), ("yearly", NOON - 200 * DAY)]


def test_sweeps_run_by_their_interval(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    sweeps = [timetable.Sweep(name, every, lambda n=name: ran.append(n)) for name, every in (("a", 4), ("b", 15))]
    monkeypatch.setattr(timetable, "SWEEPS", sweeps)
    memory = Memory()
    for moment in (100.0, 102.0, 104.0, 115.0):
        timetable.run_sweeps(memory, moment)
    assert ran == ["a", "b", "a", "a", "b"]


def test_the_real_steps_do_their_work(app: Flask) -> None:
    clock = making.clock(NOON + 10 * HOUR)
    db.session.commit()
    with present.at(NOON):
        timetable.run_sweeps(Memory(), 1.0)
        taken = timetable.run_slots(NOON)
    assert {name for name, _slot in taken} == {item.name for item in timetable.SLOTTED}
    db.session.rollback()
    assert len(making.told(clock)) == 1
    assert sealing.tail().unsealed == 0
    assert sealing.verify() is None
    assert db.session.get(Heartbeat, timetable.NAME) is not None
    assert heartbeats.ages()[timetable.NAME] < 60
    assert db.session.query(Journal).count() > 0


# --- the lead -----------------------------------------------------------------------------------------------


@pytest.fixture
def engine(settings: config.Settings) -> Iterator[Engine]:
    url = settings.database_app_url.replace("postgresql://", "postgresql+psycopg://", 1)
    found = create_engine(url, isolation_level="AUTOCOMMIT")
    yield found
    found.dispose()


def test_only_one_leads_and_the_next_takes_over(app: Flask, engine: Engine) -> None:
    with engine.connect() as second:
        with engine.connect() as first:
            assert timetable.lead(first)
            assert not timetable.lead(second)
            assert timetable.still_leads(first)
            assert not timetable.still_leads(second)
            first.invalidate()
        second.execute(text("SET lock_timeout = '5s'"))
        second.execute(text("SELECT pg_advisory_lock(:key)"), {"key": timetable.LOCK})
        assert timetable.still_leads(second)
        second.invalidate()


def test_a_leader_that_lost_its_lock_does_not_work(app: Flask, engine: Engine, entries: Taken) -> None:
    with engine.connect() as line:
        assert timetable.lead(line)
        line.execute(text("SELECT pg_advisory_unlock_all()"))
        with pytest.raises(ConnectionError):
            timetable.tick(line, Memory())
    assert entries == []


def test_it_stops_at_once_when_asked_while_waiting(app: Flask, engine: Engine) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, timetable.STOP)
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        assert timetable.asked_to_stop(20)
        assert not timetable.asked_to_stop(0)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, timetable.STOP)


def test_a_standby_stops_when_asked(app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timetable, "asked_to_stop", lambda seconds: True)
    with engine.connect() as first, engine.connect() as second:
        line: Connection = second
        assert timetable.lead(first)
        assert timetable._serve_on(line)
        first.invalidate()
