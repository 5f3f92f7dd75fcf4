"""The job that runs long work: from the list, to its end, whatever the handler does."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from flask import Flask
from rq.timeouts import JobTimeoutException
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.models import Task, db
from app.rules.errors import Refused
from app.services import tasks
from app.services.transaction import transaction
from jobs import runtime
from jobs import tasks as job
from jobs.runtime import ShuttingDown

SECRET = "示例手机号13900000000"


@pytest.fixture
def handle(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[tasks.Run], str | None]], Task]:
    """Run a task whose handler is the given function; the task afterwards."""
    monkeypatch.setattr(runtime, "_application", app)

    def run(handler: Callable[[tasks.Run], str | None]) -> Task:
        monkeypatch.setattr(job, "_handler", lambda kind: handler)
        with transaction():
            task_id = tasks.create("quarterly_report", queue="reports", subject_id=7, requested_by=None).id
        try:
            job.run_task(task_id)
        finally:
            db.session.expire_all()
        found: Task = db.session.scalars(select(Task).where(Task.id == task_id)).one()
        return found

    return run


def test_it_runs_the_handler_and_closes_the_task(handle: Callable[..., Task]) -> None:
    seen: list[int] = []

    def handler(run: tasks.Run) -> str:
        seen.append(run.subject_id)
        run.progress(1, total=2)
        return "report.ready"

    task = handle(handler)
    assert seen == [7]
    assert (task.state, task.message, task.done, task.total) == ("done", "report.ready", 2, 2)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Refused("report.too-early"), "report.too-early"),
        (ValueError(SECRET), "task.crashed"),
        (JobTimeoutException(), "task.too-long"),
    ],
)
def test_a_handler_that_cannot_fails_its_task_and_logs_no_values(
    handle: Callable[..., Task], caplog: pytest.LogCaptureFixture, error: Exception, message: str
) -> None:
    def handler(run: tasks.Run) -> None:
        raise error

    with caplog.at_level(logging.DEBUG):
        task = handle(handler)
    assert (task.state, task.message) == ("failed", message)
    assert SECRET not in caplog.text


def test_a_cancelled_handler_ends_cancelled(handle: Callable[..., Task]) -> None:
    def handler(run: tasks.Run) -> None:
        db.session.query(Task).filter(Task.id == run.task_id).update({"cancel_requested": True})
        db.session.commit()
        run.progress(1, total=2)
        raise AssertionError("it should have been stopped")

    assert handle(handler).state == "cancelled"


def test_a_stopped_process_gives_the_task_back(handle: Callable[..., Task]) -> None:
    def handler(run: tasks.Run) -> None:
        raise ShuttingDown

    task = handle(handler)
    assert (task.state, task.attempts, task.lease_token) == ("pending", 0, None)


def test_a_lost_database_leaves_the_task_to_its_lease(handle: Callable[..., Task]) -> None:
    def handler(run: tasks.Run) -> None:
        raise OperationalError("select", {}, Exception())

    task = handle(handler)
    assert (task.state, task.attempts) == ("running", 1)


def test_what_the_handler_left_open_is_rolled_back(handle: Callable[..., Task]) -> None:
    def handler(run: tasks.Run) -> None:
        db.session.add(Task(kind="left-open", queue="reports", subject_id=1))
        db.session.flush()
        raise ValueError

    handle(handler)
    assert db.session.query(Task).filter(Task.kind == "left-open").count() == 0


def test_a_kind_off_the_list_fails(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_application", app)
    with transaction():
        task_id = tasks.create("os.system", queue="reports", subject_id=7, requested_by=None).id
    job.run_task(task_id)
    assert tasks.describe(task_id)["state"] == "failed"


def test_a_task_that_ran_is_not_run_again(handle: Callable[..., Task]) -> None:
    seen: list[int] = []

    def handler(run: tasks.Run) -> None:
        seen.append(run.task_id)

    task = handle(handler)
    job.run_task(task.id)
    assert seen == [task.id]
