"""Many writers number appeals at once through the one write path; afterwards no number is missing or exists twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import perf_counter

import psycopg
from sqlalchemy import create_engine

from app.models import db
from app.services import number_checks, present, workflow
from benchmarks.office import Office

_SUBMITTED = """
INSERT INTO appeal (state, channel_class, received_at, submitted_at, subject, body, fictional)
SELECT 'submitted', chr(65 + n %% 6), %(now)s, %(now)s, '示例诉求 ' || n, '示例', true
FROM generate_series(1, %(count)s) n
RETURNING id
"""


@dataclass(frozen=True)
class Outcome:
    """How long it took, and what the check of the series found afterwards."""

    writers: int
    numbered: int
    seconds: float
    years: tuple[number_checks.Year, ...]


def measure(office: Office, appeals: int, writers: int) -> Outcome:
    """Register so many submitted appeals with so many writers, each on a connection of its own."""
    with office.app.app_context():
        actor, now = office.actor("registrar"), present.now()
        pooled = db.engines[None]
        options = {**office.app.config["SQLALCHEMY_ENGINE_OPTIONS"], "pool_size": writers}
        db.engines[None] = create_engine(pooled.url, **options)
    waiting: SimpleQueue[int] = SimpleQueue()
    with psycopg.connect(office.owner_url, autocommit=True) as connection:
        for (appeal_id,) in connection.execute(_SUBMITTED, {"now": now, "count": appeals}).fetchall():
            waiting.put(appeal_id)
    barrier = threading.Barrier(writers + 1)
    failures: list[BaseException] = []

    def write() -> None:
        barrier.wait(60)
        while True:
            try:
                appeal_id = waiting.get_nowait()
            except Empty:
                return
            try:
                with office.app.app_context():
                    workflow.act(actor, appeal_id, "register", {"limit": "ordinary"}, version=None)
                    db.session.remove()
            except BaseException as error:  # told at the end, not lost in a thread
                failures.append(error)
                return

    threads = [threading.Thread(target=write) for _writer in range(writers)]
    for thread in threads:
        thread.start()
    barrier.wait(60)
    start = perf_counter()
    for thread in threads:
        thread.join()
    seconds = perf_counter() - start
    if failures:
        raise RuntimeError(f"{len(failures)} writers failed") from failures[0]
    with office.app.app_context():
        years = tuple(one for one in number_checks.verify() if one.series == "registration")
    return Outcome(writers, appeals, seconds, years)
