"""The wake-up channel: RQ queues carry a function's name and an id, never the record of what is to be done.

What is to be done stands in PostgreSQL (`delivery`, `task`); losing Redis loses nothing, the timetable wakes
the workers again (SECURITY §1, §2). Jobs are JSON, their functions come from a list, their arguments are ids.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from app.services.transaction import after_commit

QUEUES = ("deliveries", "reports", "imports")
RESULT_SECONDS = 60
FAILURE_SECONDS = 7 * 24 * 3600
MUTE_SECONDS = 5.0
_CHUNK = 500

log = logging.getLogger("app.queues")


@dataclass(frozen=True, slots=True)
class Listed:
    """A function that a worker may run: where it stands and after how many seconds it is stopped."""

    path: str
    timeout: int


JOBS: Mapping[str, Listed] = {
    "plan_reminders": Listed("jobs.reminders.plan_reminders", 300),
    "run_task": Listed("jobs.tasks.run_task", 3600),
    "send_delivery": Listed("jobs.outbox.send_delivery", 120),
}
_PATHS = frozenset(job.path for job in JOBS.values())


class UnlistedJobError(Exception):
    """A job names a function that is not on the list; it is never imported."""


class ListedJob(Job):
    """A job whose function stands on the list. Callbacks, webhooks and bound instances are refused (SECURITY
    §1).
    """

    @classmethod
    def create(cls, func: Any, *args: Any, **kwargs: Any) -> Job:
        if func not in _PATHS:
            raise UnlistedJobError(str(func)[:80])
        return super().create(func, *args, **kwargs)

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    @property
    def func(self) -> Callable[..., Any]:
        name = self.func_name
        if self.instance is not None or name not in _PATHS:
            raise UnlistedJobError(str(name)[:80])
        found: Callable[..., Any] = super().func
        return found


def connect(url: str, *, timeout: float = 2.0) -> Redis:
    """A connection that fails fast and never retries by itself: who calls decides whether to wait."""
    return Redis.from_url(url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=Retry(NoBackoff(), 0))


def open_queue(name: str, connection: Redis) -> Queue:
    """The queue with our serializer and job class. Raises ValueError for a name that is none of ours."""
    if name not in QUEUES:
        raise ValueError(f"no queue {name!r}")
    return Queue(name, connection=connection, serializer=JSONSerializer, job_class=ListedJob)


def nudge(queue: str, function: str, *ids: int) -> None:
    """Wake a worker for each id, best effort: without Redis one line is logged and the sweeper wakes them."""
    listed = JOBS[function]
    state = current_app.extensions.setdefault("queues", {"muted_until": 0.0})
    if not ids or time.monotonic() < state["muted_until"]:
        return
    try:
        target = open_queue(queue, _connection())
        for start in range(0, len(ids), _CHUNK):
            target.enqueue_many(
                Queue.prepare_data(
                    listed.path,
                    (number,),
                    timeout=listed.timeout,
                    result_ttl=RESULT_SECONDS,
                    failure_ttl=FAILURE_SECONDS,
                    description=function,
                )
                for number in ids[start : start + _CHUNK]
            )
    except (RedisError, OSError) as error:
        # A request must not wait for Redis again and again: the next few seconds are left to the sweeper.
        state["muted_until"] = time.monotonic() + MUTE_SECONDS
        log.warning("queue %s not reached (%s), %d left to the sweeper", queue, type(error).__name__, len(ids))


def nudge_after_commit(queue: str, function: str, *ids: int) -> None:
    """The same once the open transaction is committed; a rolled-back one wakes nobody."""
    if ids:
        after_commit(lambda: nudge(queue, function, *ids))


def length(queue: str) -> int | None:
    """How many jobs wait in the queue; None when Redis is not reached."""
    try:
        return open_queue(queue, _connection()).count
    except (RedisError, OSError):
        return None


def _connection() -> Redis:
    found: Redis | None = current_app.extensions.get("queues_connection")
    if found is None:
        found = current_app.extensions["queues_connection"] = connect(current_app.config["REDIS_URL"])
    return found
