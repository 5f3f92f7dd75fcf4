"""kill -9 of the worker in the middle of a recount: every clock moved once in the end, one row of history each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import create_engine, func, insert, select, text

import config
from app.models import Appeal, Clock, ClockChange, Journal, LimitRule, Recount, Task, db
from app.services import calendar, clock_checks, clock_recounts, clocks, present, tasks
from app.services.actors import software
from app.services.clock_recounts import Change, Consent
from app.services.transaction import transaction
from jobs import runtime
from jobs.tasks import run_task
from tests.jobs.conftest import Farm, within
from tests.jobs.test_kills import count, let_leases_run_out

APPEALS = 3_000
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def recounted(committed: Flask, settings: config.Settings) -> Iterator[Flask]:
    """What a recount commits is removed afterwards."""
    yield committed
    db.session.rollback()
    engine = create_engine(settings.database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as owner:
        owner.execute(text("DELETE FROM journal WHERE action IN ('clock_moved', 'recount')"))
        for table in ("clock_change", "recount", "task", "clock", "appeal"):
            owner.execute(text(f"DELETE FROM {table}"))
        owner.execute(text("UPDATE limit_rule SET amount = 7 WHERE code = 'ordinary'"))
    engine.dispose()


def _open_appeals() -> None:
    """Many open appeals whose ordinary limit runs, and one closed."""
    limit = db.session.scalars(select(LimitRule).where(LimitRule.code == "ordinary")).one()
    due = clocks.Inputs(clocks.as_rule(limit), START).deadline(calendar.current(), present.zone())
    counted = clocks.stored(due)
    with transaction():
        values = [
            {
                "number": f"示例〔2026〕{n}",
                "state": "closed" if n == 0 else "in_progress",
                "channel_class": "A",
                "received_at": START,
                "subject": "示例",
                "fictional": True,
            }
            for n in range(APPEALS + 1)
        ]
        ids = db.session.scalars(insert(Appeal).returning(Appeal.id), values).all()
        db.session.execute(
            insert(Clock),
            [
                {"appeal_id": one, "kind": "unit_limit", "limit_rule_id": limit.id, "started_at": START, **counted}
                for one in ids
            ],
        )


def test_a_killed_recount_moves_every_clock_once(recounted: Flask, farm: Farm) -> None:
    _open_appeals()
    consent = Consent(is_given=True)
    with transaction():
        limit = db.session.scalars(select(LimitRule).where(LimitRule.code == "ordinary")).one()
        limit.amount = 5
        db.session.flush()
        clock_recounts.follow(software("test"), Change(limits={limit.id: clocks.as_rule(limit)}), consent)
    recount = db.session.get(Recount, consent.recount_id)
    assert recount is not None
    task_id = recount.task_id
    for killed in range(1, 4):
        worker = farm.start("imports")
        with within(30) as time_left:
            while not count(ClockChange) >= killed * 400:
                assert time_left(), farm.said()
        farm.kill(worker)
        done = count(ClockChange)
        assert done < APPEALS
        let_leases_run_out(Task)
        db.session.execute(text("UPDATE task SET created_at = created_at - interval '1 minute'"))
        db.session.commit()
        tasks.sweep()
    farm.start("imports")
    with within(60) as time_left:
        while not count(Task, Task.id == task_id, Task.state == "done"):
            assert time_left(), farm.said()
    db.session.expire_all()
    assert count(ClockChange) == APPEALS
    assert db.session.scalar(select(func.count(ClockChange.clock_id.distinct()))) == APPEALS
    assert count(Journal, Journal.action == "clock_moved") == APPEALS
    assert (recount.state, recount.counts["moved"]["appeals"]) == ("applied", APPEALS)
    assert [found for _, found in clock_checks.differences() if found is not None] == []
    closed = db.session.scalars(select(Clock).join(Appeal).where(Appeal.state == "closed")).one()
    assert closed.due_at == START + timedelta(days=9, hours=8)
    assert closed.changes == []


def test_two_recounts_never_run_together(recounted: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second recount gives its worker back while the first one runs, and is done when it comes again."""
    monkeypatch.setattr(runtime, "_application", recounted)
    counts = {"after": 0, "newest": 0, "late": False, "moved": {}}
    recount = Recount(kind="calendar", change={"everything": True}, counts=counts)
    with transaction():
        db.session.add(recount)
        db.session.flush()
        task = tasks.create("recount", queue="imports", subject_id=recount.id, requested_by=None)
        recount.task_id = task.id
    key = {"key": clock_recounts.LOCK}
    with db.engine.connect() as first:
        assert first.scalar(text("SELECT pg_try_advisory_lock(:key)"), key)
        run_task(task.id)
        first.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        db.session.expire_all()
        assert (task.state, task.attempts, task.message, recount.state) == ("pending", 0, "recount.waits", "applying")
    run_task(task.id)
    db.session.expire_all()
    assert (task.state, recount.state) == ("done", "applied")
