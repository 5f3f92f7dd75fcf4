"""Long work: claimed under a lease, followed by progress, cancelled, given up, told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update

from app.models import Journal, Task, db
from app.rules.errors import Conflict, NotFound
from app.rules.grants import GrantSet
from app.services import tasks
from app.services.actors import Actor
from app.services.transaction import transaction
from tests.factories import Factory
from tests.services import making


@pytest.fixture
def user(make: Factory) -> User:
    return make.account(make.person())


def actor(user: User) -> Actor:
    return Actor(user_id=user.id, person_id=None, grants=GrantSet(()))


def created(user: User, **more: Any) -> int:
    with transaction():
        task = tasks.create("quarterly_report", queue="reports", subject_id=7, requested_by=user.id, **more)
    return task.id


def claimed(task_id: int) -> tasks.Run:
    run = tasks.claim(task_id)
    assert run is not None
    return run


def row(task_id: int) -> Task:
    query = select(Task).where(Task.id == task_id).execution_options(populate_existing=True)
    found: Task = db.session.scalars(query).one()
    return found


def run_out(task_id: int) -> None:
    past = func.clock_timestamp() - timedelta(seconds=1)
    db.session.execute(update(Task).where(Task.id == task_id).values(lease_until=past))
    db.session.commit()


def test_a_task_goes_from_queued_to_done_and_tells_who_asked(app: Flask, user: User) -> None:
    task_id = created(user, total=4)
    assert tasks.status(actor(user), task_id)["state"] == "queued"
    run = claimed(task_id)
    run.progress(1, message="report.compiling")
    assert tasks.status(actor(user), task_id) | {"id": 0} == {
        "id": 0,
        "kind": "quarterly_report",
        "subject_id": 7,
        "state": "running",
        "done": 1,
        "total": 4,
        "percent": 25,
        "message": "report.compiling",
        "cancel_requested": False,
    }
    assert tasks.finish(run)
    found = tasks.status(actor(user), task_id)
    assert (found["state"], found["percent"], found["message"]) == ("done", 100, "task.done")
    (told,) = making.deliveries()
    assert (told.kind, told.task_id) == ("task.done", task_id)


def test_two_workers_do_not_run_one_task(app: Flask, user: User) -> None:
    task_id = created(user)
    claimed(task_id)
    assert tasks.claim(task_id) is None


def test_a_stranger_finds_no_task(app: Flask, make: Factory, user: User) -> None:
    task_id = created(user)
    stranger = actor(make.account(make.person()))
    with pytest.raises(NotFound):
        tasks.status(stranger, task_id)
    with pytest.raises(NotFound):
        tasks.cancel(stranger, task_id)
    assert tasks.describe(task_id)["state"] == "queued"


def test_a_waiting_task_is_cancelled_at_once(app: Flask, user: User) -> None:
    task_id = created(user)
    tasks.cancel(actor(user), task_id)
    assert row(task_id).state == "cancelled"
    assert tasks.claim(task_id) is None
    with pytest.raises(Conflict):
        tasks.cancel(actor(user), task_id)
    about = select(Journal).where(Journal.object_type == "task", Journal.object_id == task_id)
    assert len(db.session.scalars(about).all()) == 1


def test_a_running_task_stops_at_its_next_step(app: Flask, user: User) -> None:
    task_id = created(user, total=10)
    run = claimed(task_id)
    tasks.cancel(actor(user), task_id)
    assert row(task_id).state == "running"
    with pytest.raises(tasks.Stopped) as stopped:
        run.progress(3, total=11)
    assert tasks.stop(run, stopped.value.reason)
    assert (row(task_id).state, row(task_id).message) == ("cancelled", "task.cancelled")
    assert making.deliveries() == []


def test_the_fence_stops_a_cancelled_run(app: Flask, user: User) -> None:
    task_id = created(user)
    run = claimed(task_id)
    run.fence()
    tasks.cancel(actor(user), task_id)
    with pytest.raises(tasks.Stopped, match="cancelled"):
        run.fence()


def test_a_worker_that_lost_its_lease_learns_it_and_writes_nothing(app: Flask, user: User) -> None:
    task_id = created(user)
    stale = claimed(task_id)
    run_out(task_id)
    fresh = claimed(task_id)
    with pytest.raises(tasks.Stopped, match="taken-over"):
        stale.progress(5, total=6)
    with pytest.raises(tasks.Stopped, match="taken-over"):
        stale.fence()
    assert not tasks.stop(stale, "taken-over")
    assert not tasks.finish(stale)
    assert not tasks.fail(stale, "task.crashed")
    assert tasks.finish(fresh)
    assert row(task_id).state == "done"


def test_progress_renews_the_lease(app: Flask, user: User) -> None:
    task_id = created(user)
    run = claimed(task_id)
    run_out(task_id)
    run.progress(1, total=2)
    assert tasks.claim(task_id) is None


def test_a_task_whose_workers_keep_dying_is_given_up(app: Flask, user: User) -> None:
    task_id = created(user)
    for _ in range(tasks.MOST_ATTEMPTS):
        claimed(task_id)
        run_out(task_id)
    assert tasks.claim(task_id) is None
    assert (row(task_id).state, row(task_id).message) == ("failed", "task.gave-up")
    assert [delivery.kind for delivery in making.deliveries()] == ["task.failed"]


def test_an_orderly_stop_gives_the_task_back_and_costs_no_attempt(app: Flask, user: User) -> None:
    task_id = created(user)
    assert tasks.release(claimed(task_id))
    assert (row(task_id).state, row(task_id).attempts) == ("pending", 0)
    assert tasks.claim(task_id) is not None


def test_a_cancelled_task_whose_worker_died_ends_cancelled(app: Flask, user: User) -> None:
    task_id = created(user)
    claimed(task_id)
    tasks.cancel(actor(user), task_id)
    run_out(task_id)
    assert tasks.claim(task_id) is None
    assert row(task_id).state == "cancelled"


def test_abandoned_tasks_are_found(app: Flask, user: User) -> None:
    fresh, old, left, held = (created(user) for _ in range(4))
    claimed(left)
    claimed(held)
    run_out(left)
    long_ago = func.now() - timedelta(minutes=1)
    db.session.execute(update(Task).where(Task.id.in_([old, left, held])).values(created_at=long_ago))
    assert [found.id for found in tasks.abandoned()] == [old, left]
    assert row(fresh).state == "pending"


def test_a_queue_that_is_none_of_ours_is_refused(app: Flask, user: User) -> None:
    with pytest.raises(ValueError, match="no queue"), transaction():
        tasks.create("quarterly_report", queue="default", subject_id=1, requested_by=user.id)
