"""A field of many appeals changes its kind while somebody reads the ledger and somebody writes appeals.

The job of the product does it (jobs/field_changes.py). All the while a second connection writes one appeal after the
other, and a third one reads: the longest of each says how long somebody waits.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import perf_counter, sleep

import psycopg
from sqlalchemy import select

from app.models import FieldConversion, db
from app.rules.grants import Grant, GrantSet, Scope
from app.services import field_definitions, field_jobs, tasks
from app.services.actors import Actor
from app.services.field_definitions import LosesValues, Place
from benchmarks.office import Office

_VALUES = """
    UPDATE appeal SET state = CASE state WHEN 'archived' THEN 'closed' ELSE state END,
    extra = extra || jsonb_build_object(
        'length', CASE WHEN id % 1000 = 0 THEN '示例未知' ELSE (id % 10000)::text END)
"""
_WRITE = "UPDATE appeal SET version = version WHERE id = (SELECT min(id) + %s FROM appeal)"
_READ = "SELECT id FROM appeal WHERE number IS NOT NULL ORDER BY received_at DESC, id DESC LIMIT 50"
_STEP = 7_919  # a prime: the writes go everywhere


@dataclass(frozen=True)
class Found:
    """Seconds; how many values there were and how many of them were lost; waits are the longest of each kind."""

    values: int
    lost: int
    asked: float
    changed: float
    written: int
    longest_write: float
    longest_read: float


class _Beside(threading.Thread):
    """Does one statement again and again on a connection of its own."""

    def __init__(self, address: str, statement: str, rows: int) -> None:
        super().__init__(daemon=True)
        self.address, self.statement, self.rows = address, statement, rows
        self.stopping, self.done, self.longest = threading.Event(), 0, 0.0

    def run(self) -> None:
        with psycopg.connect(self.address, autocommit=True) as line:
            while not self.stopping.is_set():
                start = perf_counter()
                given = [self.done * _STEP % self.rows] if "%s" in self.statement else None
                line.execute(self.statement, given)
                self.longest = max(self.longest, perf_counter() - start)
                self.done += 1
                sleep(0.05)

    def ended(self) -> None:
        self.stopping.set()
        self.join()


def measure(office: Office, appeals: int) -> Found:
    """Text becomes number, with an index; one value in a thousand is lost."""
    address = office.settings.database_app_url
    with office.app.app_context():
        user_id = office.account("ledger_admin")
        keeper = Actor(user_id, None, GrantSet((Grant("system", Scope.ALL),)), process="bench")
        place = Place("appeal")
        text = {"label": "示例长度", "label_en": "Length", "kind": "text", "code": "length", "is_indexed": True}
        row_id = field_definitions.add(keeper, place, text).id
        with psycopg.connect(office.owner_url, autocommit=True) as line:
            # A field with values in sealed files does not change: none is archived here.
            with line.transaction():
                line.execute("ALTER TABLE appeal DISABLE TRIGGER USER")
                line.execute(_VALUES)
                line.execute("ALTER TABLE appeal ENABLE TRIGGER USER")
            line.execute("VACUUM ANALYZE appeal")
        writer, reader = (_Beside(address, statement, appeals) for statement in (_WRITE, _READ))
        writer.start()
        reader.start()
        start = perf_counter()
        number = text | {"kind": "number"}
        try:
            field_definitions.change(keeper, place, row_id, number)
        except LosesValues as told:
            agreed = told.losses.lost + told.losses.coarser
            field_definitions.change(keeper, place, row_id, number, agreed=agreed)
        asked = perf_counter() - start
        kept = db.session.scalars(select(FieldConversion).where(FieldConversion.field_id == row_id)).one()
        start = perf_counter()
        _changed(kept.task_id or 0, keeper)
        changed = perf_counter() - start
        writer.ended()
        reader.ended()
        db.session.refresh(kept)
        assert kept.state == "done"
        return Found(kept.values, kept.lost, asked, changed, writer.done, writer.longest, reader.longest)


def _changed(task_id: int, keeper: Actor) -> None:
    """The handler of the queue, for somebody without an account of the system officer, until it is through."""
    while True:
        run = tasks.claim(task_id)
        assert run is not None
        try:
            field_jobs.apply(run, lambda _user_id: keeper, field_definitions.finish_in)
        except tasks.Later:
            db.session.rollback()
            tasks.release(run)
            sleep(0.2)  # somebody who began before is still writing, or holds the table
            continue
        assert tasks.finish(run)
        return
