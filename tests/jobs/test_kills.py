"""kill -9 of real workers in the middle of real jobs: nothing lost, nothing doubled (SECURITY §5, T2 and T4
in small).
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, text, update

import config
from app import embedded
from app.models import Delivery, Heartbeat, Notice, Task, db
from app.rules.grants import GrantSet
from app.services import outbox, present, queues, reminders, staffing, tasks
from app.services.actors import Actor
from app.services.transaction import transaction
from jobs import timetable
from tests.jobs.conftest import Farm, forget_jobs, within
from tests.jobs.farm import STEPS
from tests.services import making
from tests.services.making import DAY, HOUR, MINUTE

REMINDERS = 300
KILLS = 10


def count(model: Any, *where: Any) -> int:
    """Rows as other processes have committed them by now."""
    found: int = db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0
    db.session.rollback()
    return found


def planned(number: int) -> int:
    """So many reminders in the outbox, due now, each of a clock of its own."""
    now = present.now()
    if not staffing.members(making.unit("finance").id, "handler"):
        making.member(making.unit("finance"))
    for _ in range(number):
        making.clock(now + 30 * MINUTE, kind="unit_limit", unit_code="finance", limit="wall_hours",
                     started_at=now - 30 * DAY)  # fmt: skip
    db.session.commit()
    assert reminders.plan(now).inserted == number
    return number


def let_leases_run_out(model: Any) -> None:
    """The time after which the timetable would look again, without waiting for it."""
    past = func.clock_timestamp() - timedelta(seconds=1)
    db.session.execute(update(model).where(model.lease_until.is_not(None)).values(lease_until=past))
    db.session.commit()


def test_killed_senders_lose_nothing_and_double_nothing(
    committed: Flask, settings: config.Settings, farm: Farm
) -> None:
    total = planned(REMINDERS)
    dice = random.Random(20261123)
    marks = sorted(dice.sample(range(5, total - 40), KILLS))
    workers = [farm.start("deliveries"), farm.start("deliveries")]
    for mark in marks:
        with within(15) as time_left:
            while count(Notice) < mark:
                assert time_left(), farm.said()
        farm.kill(workers.pop(dice.randrange(2)))
        workers.append(farm.start("deliveries"))
    with within(15) as time_left:
        while queues.length("deliveries"):
            assert time_left(), farm.said()
        while count(Delivery, Delivery.state == "sent") < total:
            let_leases_run_out(Delivery)
            outbox.sweep(present.now() + HOUR)
            assert time_left(), farm.said()
    notices = db.session.execute(select(Notice.delivery_id, Notice.clock_id)).all()
    assert len(notices) == len({row.clock_id for row in notices}) == total
    assert count(Delivery, Delivery.attempts > 1) <= KILLS


def test_redis_that_forgot_everything_loses_nothing(committed: Flask, settings: config.Settings, farm: Farm) -> None:
    total = planned(60)
    forget_jobs(settings)
    assert queues.length("deliveries") == 0
    worker = farm.start("deliveries")
    assert outbox.sweep(present.now() + HOUR) == total
    with within(15) as time_left:
        while count(Notice) < total:
            assert time_left(), farm.said()
    assert farm.stop(worker) == 0


def test_a_worker_outlives_its_database_connections(committed: Flask, farm: Farm) -> None:
    total = planned(60)
    worker = farm.start("deliveries")
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> :own")
    with within(15) as time_left:
        for mark in (10, 25, 40):
            while count(Notice) < mark:
                assert time_left(), farm.said()
            db.session.execute(cut, {"own": db.session.scalar(text("SELECT pg_backend_pid()"))})
            db.session.rollback()
        while count(Notice) < total:
            if not queues.length("deliveries"):
                let_leases_run_out(Delivery)
                outbox.sweep(present.now() + HOUR)
            assert time_left(), farm.said()
    assert count(Delivery, Delivery.state == "sent") == total
    assert farm.stop(worker) == 0


@pytest.fixture
def own_redis(settings: config.Settings, tmp_path: Path) -> Iterator[Any]:
    """A Redis of the test's own, to be killed; (url, start)."""
    own = embedded.Redis.of(replace(settings, instance_dir=tmp_path / "i"), fast=True)
    own.initialise()
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with open(tmp_path / "redis.log", "ab") as log:
            running.append(subprocess.Popen(own.command(), cwd=own.home, stdout=log, stderr=log))
        own.wait()
        return running[-1]

    yield own.url(), start
    for process in running:
        process.kill()
        process.wait(10)


def test_a_worker_outlives_a_restart_of_redis(
    committed: Flask, farm: Farm, own_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, start = own_redis
    worker = farm.start("deliveries", REDIS_URL=url)
    server = start()
    monkeypatch.setitem(committed.config, "REDIS_URL", url)
    monkeypatch.delitem(committed.extensions, "queues_connection", raising=False)
    monkeypatch.setitem(committed.extensions, "queues", {"muted_until": 0.0})
    for round_ in range(2):
        done = count(Notice)
        planned(3)
        with within(20) as time_left:
            while count(Notice) < done + 3:
                if not queues.length("deliveries"):
                    outbox.sweep(present.now() + HOUR)
                assert time_left(), farm.said()
        if round_ == 0:
            server.kill()
            server.wait(10)
            server = start()
    assert farm.stop(worker) == 0
    committed.extensions.pop("queues_connection")


# --- long work ----------------------------------------------------------------------------------------------


@pytest.fixture
def user(committed: Flask, settings: config.Settings) -> Iterator[User]:
    found = User(
        first_name="示例",
        last_name="",
        username="killer",
        email="k@example.invalid",
        password="!",
        active=True,
    )
    db.session.add(found)
    db.session.commit()
    yield found
    db.session.query(Task).delete()
    db.session.delete(found)
    db.session.commit()


def asked(user: User, kind: str) -> int:
    with transaction():
        return tasks.create(kind, queue="reports", subject_id=1, requested_by=user.id).id


def wait_until(farm: Farm, task_id: int, state: str, done: int = 0, seconds: float = 15) -> None:
    with within(seconds) as time_left:
        while True:
            db.session.rollback()
            found = tasks.describe(task_id)
            if found["state"] == state and found["done"] >= done:
                return
            assert time_left(), (found, farm.said())


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_report_whose_worker_was_killed_is_made_by_the_next(committed: Flask, farm: Farm, user: User) -> None:
    task_id = asked(user, "test_slow")
    worker = farm.start("reports")
    wait_until(farm, task_id, "running", done=10)
    (horse,) = children_of(worker)
    farm.kill(worker)
    with within(5) as time_left:
        while Path(f"/proc/{horse}").exists() and "Z" not in Path(f"/proc/{horse}/stat").read_text().split()[2]:
            assert time_left(), "the child outlived its parent"
    farm.start("reports")
    let_leases_run_out(Task)
    queues.nudge("reports", "run_task", task_id)
    wait_until(farm, task_id, "done", done=STEPS)
    assert db.session.get(Task, task_id).attempts == 2


def test_a_worker_that_is_asked_to_stop_gives_its_report_back_at_once(committed: Flask, farm: Farm, user: User) -> None:
    task_id = asked(user, "test_stuck")
    worker = farm.start("reports")
    wait_until(farm, task_id, "running", done=1)
    with within(5) as time_left:
        assert farm.stop(worker) == 0
        assert time_left()
    db.session.rollback()
    task = db.session.get(Task, task_id)
    assert (task.state, task.attempts) == ("pending", 0)


def test_a_report_that_is_cancelled_stops(committed: Flask, farm: Farm, user: User) -> None:
    task_id = asked(user, "test_slow")
    farm.start("reports")
    wait_until(farm, task_id, "running", done=2)
    tasks.cancel(Actor(user_id=user.id, person_id=None, grants=GrantSet(())), task_id)
    wait_until(farm, task_id, "cancelled")
    assert tasks.describe(task_id)["done"] < STEPS


# --- the timetable ------------------------------------------------------------------------------------------


def leaders() -> list[int]:
    """Backends of PostgreSQL that hold the lead."""
    query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid::bigint = :low"
    found = list(db.session.scalars(text(query), {"low": timetable.LOCK & 0xFFFFFFFF}))
    db.session.rollback()
    return found


def test_the_timetable_survives_its_database_and_hands_over_the_lead(committed: Flask, farm: Farm) -> None:
    first, second = farm.start("timetable"), farm.start("timetable")
    with within(15) as time_left:
        while not leaders() or not count(Heartbeat, Heartbeat.name == timetable.NAME):
            assert time_left(), farm.said()
        (before,) = leaders()
        db.session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": before})
        db.session.commit()
        while leaders() in ([], [before]):
            assert time_left(), farm.said()
    assert farm.stop(first) == 0
    with within(15) as time_left:
        while not leaders():
            assert time_left(), farm.said()
    assert farm.stop(second) == 0
