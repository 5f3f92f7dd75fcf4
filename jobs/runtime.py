"""One RQ worker on one queue: `python -m jobs.runtime deliveries | reports | imports` (SECURITY §1).

One queue per worker, because RQ 3.0 loses jobs with several. Small sends run inside the worker's own process;
long work runs in a forked child that ends when its parent does. The process outlives restarts of Redis and
PostgreSQL: it waits, a little longer each time, and goes on.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from redis import RedisError
from rq import SimpleWorker, Worker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from app.quiet import log_without_values
from app.services import queues
from app.services.queues import nudge, nudge_after_commit

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["application", "main", "nudge", "nudge_after_commit", "process_context"]

WORKER_TTL = 30
MAINTENANCE_INTERVAL = 10
HEARTBEAT_EVERY = 10.0
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 15.0
QUIET = logging.WARNING
_PR_SET_PDEATHSIG = 1

log = logging.getLogger("jobs.runtime")
_application: Flask | None = None


class Job(Protocol):
    """A function that RQ calls with one id."""

    def __call__(self, number: int = 0) -> None: ...


class FailedJobError(Exception):
    """A job failed; the kind of error is all that leaves the process."""


class ShuttingDown(BaseException):
    """The process is being stopped while a job runs; not an Exception, so that no handler takes it for a
    failure.
    """


def application() -> Flask:
    """The one Flask application of this process, made on first use from the environment."""
    global _application
    if _application is None:
        import config
        from app import create_app, embedded

        settings = embedded.resolve(config.load(os.environ))
        _application = create_app(config.flask_settings(settings))
    return _application


@contextmanager
def process_context() -> Iterator[Flask]:
    """An application context of its own for one job or one step, with a session of its own."""
    app = application()
    with app.app_context():
        yield app


def _one_line(record: logging.LogRecord) -> bool:
    """A lost Redis is one line, not RQ's three nested tracebacks."""
    if record.exc_info and isinstance(record.exc_info[1], RedisError | OSError):
        record.exc_info = record.exc_text = None
    return True


def without_values(function: Callable[[int], None]) -> Job:
    """A job whose failure tells RQ, which logs it and keeps it in Redis for a week, nothing but its kind."""

    @functools.wraps(function)
    def job(number: int = 0) -> None:
        try:
            function(number)
        except Exception as error:
            log_without_values(log, f"{function.__name__}({number})", error)
            raise FailedJobError(type(error).__name__) from None

    return job


# --- workers ------------------------------------------------------------------------------------------------


class _OurWorker:
    """What both kinds of worker share: a sign of life in PostgreSQL, and knowing that they were asked to
    stop.
    """

    stop_asked = False
    max_connection_wait_time = LONGEST_WAIT
    _signed_at = 0.0

    def handle_warm_shutdown_request(self) -> None:
        self.stop_asked = True
        interrupt = getattr(self, "interrupt_horse", None)
        if interrupt is not None:
            interrupt()

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        super().heartbeat(timeout, pipeline)  # type: ignore[misc]
        if time.monotonic() - self._signed_at >= HEARTBEAT_EVERY:
            self._signed_at = time.monotonic()
            sign_of_life(f"worker:{self.queues[0].name}")  # type: ignore[attr-defined]


class SendingWorker(_OurWorker, SimpleWorker):
    """Runs short jobs in its own process: no fork per notice, and a killed worker leaves no child behind."""


class ForkingWorker(_OurWorker, Worker):
    """Runs long work in a child, whose memory goes with it; the child dies with its parent."""

    def main_work_horse(self, job: Any, queue: Any) -> None:
        # RQ gives the child a process group of its own: killing the parent's group misses it (SECURITY §1).
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != self.pid:
            os._exit(1)
        _forget_connections()
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGTERM, _raise_shutting_down)

    def interrupt_horse(self) -> None:
        """Ask the child to give its task back now instead of being waited for."""
        if self.horse_pid:
            try:
                os.kill(self.horse_pid, signal.SIGTERM)
            except ProcessLookupError:
                log.info("the job ended by itself")


def _raise_shutting_down(signum: int, frame: FrameType | None) -> None:
    raise ShuttingDown


def _forget_connections() -> None:
    """A forked child must not speak on its parent's database connections: it opens its own."""
    from app.models import db

    with process_context():
        db.engine.dispose(close=False)


def sign_of_life(name: str) -> None:
    """Note in PostgreSQL that this process lives; without PostgreSQL one line in the log."""
    from app.services import heartbeats

    try:
        with process_context():
            heartbeats.beat(name)
    except SQLAlchemyError as error:
        log.warning("no sign of life for %s: %s", name, type(error).__name__)


def build(queue: str) -> Any:
    """The worker of a queue with the options of SECURITY §1; raises RedisError without Redis."""
    app = application()
    # The worker waits in Redis for up to WORKER_TTL - 15 seconds, so its socket must be more patient than
    # that.
    connection = queues.connect(app.config["REDIS_URL"], timeout=WORKER_TTL)
    kind = SendingWorker if queue == "deliveries" else ForkingWorker
    return kind(
        [queues.open_queue(queue, connection)],
        connection=connection,
        serializer=JSONSerializer,
        job_class=queues.ListedJob,
        worker_ttl=WORKER_TTL,
        maintenance_interval=MAINTENANCE_INTERVAL,
        default_result_ttl=queues.RESULT_SECONDS,
        log_job_description=False,
    )


def serve(queue: str) -> None:
    """Work until asked to stop; whatever else ends the worker is followed by a wait, then by a new one."""
    wait = SHORTEST_WAIT
    while True:
        signal.signal(signal.SIGTERM, _exit)
        signal.signal(signal.SIGINT, _exit)
        started = time.monotonic()
        try:
            worker = build(queue)
            worker.work(logging_level=None)
            if worker.stop_asked:
                return
        except StopRequested:
            return
        except (RedisError, OSError) as error:
            log.warning("queue %s not reached: %s", queue, type(error).__name__)
        wait = SHORTEST_WAIT if time.monotonic() - started > LONGEST_WAIT else min(wait * 2, LONGEST_WAIT)
        log.info("worker of %s starts again in %.0f s", queue, wait)
        time.sleep(wait)


def _exit(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(arguments: list[str]) -> int:
    """Entry: one argument, the queue. 2 for a queue or setting that cannot be used."""
    if len(arguments) != 1 or arguments[0] not in queues.QUEUES:
        print(f"usage: python -m jobs.runtime {' | '.join(queues.QUEUES)}", file=sys.stderr)
        return 2
    prepare_process()
    serve(arguments[0])
    return 0


def prepare_process() -> None:
    """Logging and settings of a background process; exits with 2 and one line for an unusable setting."""
    import config

    try:
        settings = config.load(os.environ)
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s"
        )
        for noisy in ("alembic", "flask_appbuilder", "rq.job", "rq.worker"):
            logging.getLogger(noisy).setLevel(QUIET if settings.log_level != "DEBUG" else logging.DEBUG)
        logging.getLogger("rq.worker").addFilter(_one_line)
        application()
        gc.freeze()  # what is there now stays: no job looks through it for rubbish, and its child copies less of it
    except config.ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    # Jobs are found as `jobs.…`: run the module under its own name, so that there is one application per
    # process.
    from jobs.runtime import main as run

    sys.exit(run(sys.argv[1:]))
