"""Long work behind the pages: asked for in a transaction, run by a worker, followed by a page that may be
closed.

A task is run under a lease that its progress renews. A worker that is killed lets the lease run out and the
task is run again from the start, so what it does is idempotent. A worker that lost its lease learns it at its
next progress.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.models import Account, Task, db
from app.rules.errors import Conflict, NotFound
from app.services import journal, outbox, present, queues
from app.services.actors import Actor
from app.services.transaction import transaction

LEASE = timedelta(seconds=90)
MOST_ATTEMPTS = 5
WRITE_EVERY = 0.5
_SHOWN = {"pending": "queued"}
KEPT = frozenset({"recount"})


class Stopped(Exception):
    """The run must end here: it was cancelled, or another worker took over. Handlers let it pass."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Later(Exception):
    """The run cannot go on yet. Handlers let it pass: the task is given back, and the sweeper wakes a worker again."""


@dataclass
class Run:
    """One attempt at a task, in the hands of its handler."""

    task_id: int
    kind: str
    subject_id: int
    requested_by: int | None
    token: str
    total: int = 0
    _written_at: float = field(default=0.0, repr=False)

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Write how far it is, on a connection of its own, at most twice a second; renews the lease.

        Raises Stopped when somebody cancelled the task or another worker took it over.
        """
        changed = total is not None and total != self.total
        self.total = total if total is not None else self.total
        if not changed and not message and time.monotonic() - self._written_at < WRITE_EVERY:
            return
        values: dict[str, Any] = {"done": done, "total": self.total, "lease_until": _lease_end()}
        if message:
            values["message"] = message[:200]
        statement = update(Task).where(*self._mine()).values(**values).returning(Task.cancel_requested)
        # The handler's own transaction may run for minutes: a page sees this one at once.
        with Session(db.engine) as apart:
            cancelled = apart.execute(statement.execution_options(synchronize_session=False)).scalar_one_or_none()
            apart.commit()
        self._written_at = time.monotonic()
        if cancelled is None:
            raise Stopped("taken-over")
        if cancelled:
            raise Stopped("cancelled")

    def fence(self) -> None:
        """Hold the task's row until the handler's open transaction ends; raises Stopped if it is not ours any
        more.
        """
        query = select(Task.cancel_requested).where(*self._mine()).with_for_update()
        cancelled = db.session.scalars(query).one_or_none()
        if cancelled is None:
            raise Stopped("taken-over")
        if cancelled:
            raise Stopped("cancelled")

    def _mine(self) -> tuple[Any, ...]:
        return (Task.id == self.task_id, Task.state == "running", Task.lease_token == self.token)


# --- who asks -----------------------------------------------------------------------------------------------


def create(kind: str, *, queue: str, subject_id: int, total: int = 0, requested_by: int | None) -> Task:
    """A new task in the open transaction; a worker of `queue` is woken after the commit. `requested_by` is a
    user id.
    """
    if queue not in queues.QUEUES:
        raise ValueError(f"no queue {queue!r}")
    task = Task(kind=kind, queue=queue, subject_id=subject_id, total=total, requested_by_id=requested_by)
    db.session.add(task)
    db.session.flush()
    queues.nudge_after_commit(queue, "run_task", task.id)
    return task


def cancel(actor: Actor, task_id: int) -> None:
    """Stop a task one asked for: a waiting one at once, a running one at its next step.

    Raises NotFound("task.unknown"), Conflict("task.ended"), and Conflict("task.kept") for what must not end halfway
    and is taken back where it was asked for.
    """
    with transaction():
        task = _own(actor, task_id, for_update=True)
        if task.kind in KEPT:
            raise Conflict("task.kept")
        if task.state not in ("pending", "running"):
            raise Conflict("task.ended", {"state": task.state})
        task.cancel_requested = True
        if task.state == "pending":
            task.state, task.finished_at = "cancelled", present.now()
        journal.write(actor, "task.cancel", "task", task.id, old={}, new={"kind": task.kind})


def status(actor: Actor, task_id: int) -> dict[str, Any]:
    """How far a task is that one asked for oneself. Raises NotFound("task.unknown")."""
    return _described(_own(actor, task_id))


def describe(task_id: int) -> dict[str, Any]:
    """The same without asking who asks, for services that checked access to the task's subject themselves."""
    task = db.session.get(Task, task_id)
    if task is None:
        raise NotFound("task.unknown", {"id": task_id})
    return _described(task)


def _own(actor: Actor, task_id: int, *, for_update: bool = False) -> Task:
    query = select(Task).where(Task.id == task_id, Task.requested_by_id == actor.user_id)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    found: Task | None = db.session.scalars(query).one_or_none() if actor.user_id is not None else None
    if found is None:
        raise NotFound("task.unknown", {"id": task_id})
    return found


def _described(task: Task) -> dict[str, Any]:
    share = 100 if task.state == "done" else min(99, task.done * 100 // task.total) if task.total else 0
    return {
        "id": task.id,
        "kind": task.kind,
        "subject_id": task.subject_id,
        "state": _SHOWN.get(task.state, task.state),
        "done": task.done,
        "total": task.total,
        "percent": share,
        "message": task.message,
        "cancel_requested": task.cancel_requested,
    }


# --- who runs -----------------------------------------------------------------------------------------------


def claim(task_id: int) -> Run | None:
    """Take a waiting task, or one whose worker is gone, under a lease; None when there is nothing to do.

    A task whose workers died too often is failed, one that was cancelled meanwhile ends cancelled.
    """
    with transaction():
        task = db.session.scalars(
            select(Task)
            .where(Task.id == task_id, _free())
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).one_or_none()
        if task is None:
            return None
        if task.cancel_requested:
            _end(task, "cancelled", "task.cancelled")
            return None
        if task.attempts >= MOST_ATTEMPTS:
            _end(task, "failed", "task.gave-up")
            return None
        task.state, task.attempts = "running", task.attempts + 1
        task.lease_token, task.lease_until = uuid.uuid4().hex, _lease_end()
        return Run(task.id, task.kind, task.subject_id, task.requested_by_id, task.lease_token, task.total)


def finish(run: Run, message: str = "") -> bool:
    """The handler came to its end; False when the lease was lost."""
    return _close(run, "done", message or "task.done")


def fail(run: Run, message: str) -> bool:
    """The handler could not do it; `message` is a code."""
    return _close(run, "failed", message)


def stop(run: Run, reason: str) -> bool:
    """The handler obeyed Stopped: a cancelled task ends, one that somebody took over is left to him."""
    return _close(run, "cancelled", "task.cancelled") if reason == "cancelled" else False


def release(run: Run) -> bool:
    """Give a task back at once: the process is being stopped, or the task has to wait for something."""
    with transaction():
        task = _held(run)
        if task is None:
            return False
        task.state, task.lease_token, task.lease_until = "pending", None, None
        # Neither an orderly stop nor waiting is a failed attempt.
        task.attempts = max(0, task.attempts - 1)
    return True


def _close(run: Run, state: str, message: str) -> bool:
    with transaction():
        task = _held(run)
        if task is None:
            return False
        _end(task, state, message)
    return True


def _held(run: Run) -> Task | None:
    query = select(Task).where(Task.id == run.task_id, Task.state == "running", Task.lease_token == run.token)
    query = query.with_for_update().execution_options(populate_existing=True)
    found: Task | None = db.session.scalars(query).one_or_none()
    return found


def _end(task: Task, state: str, message: str) -> None:
    """Close the row and tell who asked, in one transaction."""
    task.state, task.message, task.finished_at = state, message[:200], present.now()
    task.lease_token = task.lease_until = None
    if state == "done":
        task.done = task.total = max(task.total, task.done)
    person = db.session.scalars(
        select(Account.person_id).where(Account.user_id == task.requested_by_id, Account.person_id.is_not(None))
    ).one_or_none()
    if person is not None and state != "cancelled":
        outbox.enqueue(f"task.{state}", [person], key=f"task:{task.id}|{state}", task_id=task.id)


def _lease_end() -> Any:
    return func.clock_timestamp() + LEASE


def _free() -> Any:
    return or_(
        Task.state == "pending",
        (Task.state == "running") & (Task.lease_until < func.clock_timestamp()),
    )


# --- the sweeper's side -------------------------------------------------------------------------------------


def abandoned(*, grace: timedelta = timedelta(seconds=10), limit: int = 100) -> Sequence[Any]:
    """(id, queue) of tasks that wait although a worker should have come, or whose worker is gone."""
    old = Task.created_at < func.now() - grace
    query = select(Task.id, Task.queue).where(Task.state.in_(("pending", "running")), _free(), old)
    found: Sequence[Any] = db.session.execute(query.order_by(Task.id).limit(limit)).all()
    return found


def sweep() -> int:
    """Wake workers for abandoned tasks; how many. The claim decides, so waking too often is harmless."""
    rows = abandoned()
    woken = 0
    for name in queues.QUEUES:
        ids = [row.id for row in rows if row.queue == name]
        waiting = queues.length(name) if ids else None
        if waiting is not None and waiting < len(ids) + 20:
            queues.nudge(name, "run_task", *ids)
            woken += len(ids)
    return woken
