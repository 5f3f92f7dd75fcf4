"""A field changes its kind while somebody else writes one of its rows, on connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

import config
from app.models import FieldConversion, FieldDefinition, OwnRow, OwnSheet, Task, db
from app.rules.grants import Grant, GrantSet, Scope
from app.services import field_jobs, present, tasks
from app.services.actors import Actor

VALUES = ["1", "2", "3", "4"]


@dataclass(frozen=True)
class Asked:
    """A change of kind that waits for its worker, and whose rows it is about."""

    actor: Actor
    field_id: int
    conversion_id: int
    task_id: int
    rows: list[int]

    def apply(self, run: tasks.Run) -> str:
        """What the worker does; the definition itself stays."""
        return field_jobs.apply(run, lambda _user_id: self.actor, lambda *_all: True)

    def claimed(self) -> tasks.Run:
        run = tasks.claim(self.task_id)
        assert run is not None
        return run


@pytest.fixture
def asked(built_app: Flask, settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """Committed, and taken away afterwards; each row is a part of its own."""
    monkeypatch.setattr(field_jobs.field_conversions, "PART", 1)
    mark = f"shili{uuid4().hex[:8]}"
    with built_app.app_context():
        user = User(first_name="示例", last_name="", username=mark, email=f"{mark}@example.invalid", password="!")
        sheet = OwnSheet(code=mark, name="示例表", title_field="long_")
        db.session.add_all([user, sheet])
        db.session.flush()
        field = FieldDefinition(
            table_name="own_row", own_sheet_id=sheet.id, code="long_", label="长度", kind="text", is_indexed=True
        )
        rows = [OwnRow(sheet_id=sheet.id, extra={"long_": value}) for value in VALUES]
        db.session.add_all([field, *rows])
        db.session.flush()
        field_jobs.settle_in(field)
        made = {"kind": "number", "parameters": {}, "is_indexed": True, "is_unique": False}
        kept = FieldConversion(
            field_id=field.id, user_id=user.id, old_kind="text", made=made, values=len(rows), state="pending"
        )
        task = Task(kind="field_change", queue="imports", subject_id=0, total=len(rows))
        db.session.add_all([kept, task])
        db.session.flush()
        kept.task_id, task.subject_id = task.id, kept.id
        db.session.commit()
        actor = Actor(user.id, None, GrantSet((Grant("system", Scope.ALL),)))
        sheet_id = sheet.id
        found = Asked(actor, field.id, kept.id, task.id, [row.id for row in rows])
        db.session.remove()
        yield found
        db.session.remove()
    with psycopg.connect(settings.database_url) as owner:
        owner.execute("DELETE FROM field_conversion WHERE id = %s", [found.conversion_id])
        owner.execute("DELETE FROM task WHERE id = %s", [found.task_id])
        owner.execute("DELETE FROM own_row WHERE sheet_id = %s", [sheet_id])
        owner.execute(f"DROP INDEX IF EXISTS fx_{found.field_id}")
        owner.execute("DELETE FROM field_definition WHERE id = %s", [found.field_id])
        owner.execute("DELETE FROM own_sheet WHERE id = %s", [sheet_id])
        owner.execute("DELETE FROM ab_user WHERE username = %s", [mark])


class _Writer(threading.Thread):
    """Writes a row on a connection of its own."""

    def __init__(self, address: str, row_id: int) -> None:
        super().__init__(daemon=True)
        self.line = psycopg.connect(address, autocommit=True)
        self.row_id = row_id

    def run(self) -> None:
        self.line.execute("UPDATE own_row SET version = version + 1 WHERE id = %s", [self.row_id])

    def until_it_waits(self, address: str) -> None:
        pid = self.line.info.backend_pid
        with psycopg.connect(address, autocommit=True) as other:
            waits = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s)"
            while self.is_alive() and other.execute(waits, [pid]).fetchone() != (True,):
                pass


def state(asked: Asked) -> tuple[Any, ...]:
    """State of the change, message of its task, the values, whether the index is there."""
    db.session.rollback()
    kept = db.session.get_one(FieldConversion, asked.conversion_id, populate_existing=True)
    task = db.session.get_one(Task, asked.task_id, populate_existing=True)
    found = select(OwnRow.extra["long_"]).where(OwnRow.id.in_(asked.rows)).order_by(OwnRow.id)
    field = db.session.get_one(FieldDefinition, asked.field_id)
    return kept.state, task.message, list(db.session.scalars(found)), not field_jobs.unindexed([field])


def test_who_waits_for_a_row_is_let_pass_and_the_change_begins_anew_at_night(
    asked: Asked, settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = settings.database_app_url
    writer, run = _Writer(address, asked.rows[0]), asked.claimed()
    progress = run.progress

    def told(done: int, total: int | None = None, message: str = "") -> None:
        if done == 1 and not writer.ident:
            writer.start()
            writer.until_it_waits(address)
        progress(done, total, message)

    monkeypatch.setattr(run, "progress", told, raising=False)
    with pytest.raises(tasks.Later):
        asked.apply(run)
    db.session.rollback()
    writer.join(10)
    assert not writer.is_alive()
    assert state(asked) == ("running", "task.waits", VALUES, True)
    assert tasks.release(run)
    day = datetime.now(present.zone())
    with present.at(day.replace(hour=12)), pytest.raises(tasks.Later):
        asked.apply(again := asked.claimed())
    db.session.rollback()
    assert state(asked) == ("running", "task.waits", VALUES, True)
    assert tasks.release(again)
    with present.at(day.replace(hour=23)):
        asked.apply(asked.claimed())
    assert state(asked)[0::2] == ("done", [1, 2, 3, 4])


def test_a_row_that_somebody_holds_is_not_waited_for_long(asked: Asked, settings: config.Settings) -> None:
    run = asked.claimed()
    with psycopg.connect(settings.database_app_url) as other:
        other.execute("UPDATE own_row SET version = version + 1 WHERE id = %s", [asked.rows[2]])
        with pytest.raises(tasks.Later):
            asked.apply(run)
        other.rollback()
    assert state(asked) == ("pending", "task.waits", VALUES, True)
