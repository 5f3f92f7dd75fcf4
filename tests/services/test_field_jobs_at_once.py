"""A field changes its kind while somebody else writes one of its rows, on connections of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select

import config
from app.models import FieldConversion, FieldDefinition, OwnRow, Task, db
from app.rules.grants import Grant, GrantSet, Scope
from app.services import field_conversions, field_jobs, present, tasks
from app.services.actors import Actor
from tests.services import making

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
        """What the worker does; of the definition it changes the kind."""

        def finish(_actor: Actor, row: FieldDefinition, made: Mapping[str, Any]) -> bool:
            row.kind = made["kind"]
            return True

        return field_jobs.apply(run, lambda _user_id: self.actor, finish)

    def claimed(self) -> tasks.Run:
        run = tasks.claim(self.task_id)
        assert run is not None
        return run


@pytest.fixture
def asked(built_app: Flask, settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """Committed, and taken away afterwards; each row is a part of its own."""
    monkeypatch.setattr(field_jobs.field_conversions, "PART", 1)
    with built_app.app_context():
        user, sheet = making.own_sheet("long_")
        mark = sheet.code
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


def state(asked: Asked) -> tuple[Any, ...]:
    """State of the change, message of its task, the values as definitions name them, whether the index is there."""
    db.session.rollback()
    kept = db.session.get_one(FieldConversion, asked.conversion_id, populate_existing=True)
    task = db.session.get_one(Task, asked.task_id, populate_existing=True)
    field = db.session.get_one(FieldDefinition, asked.field_id, populate_existing=True)
    held = OwnRow.extra[field_conversions.code_of(field)]
    found = select(held).where(OwnRow.id.in_(asked.rows)).order_by(OwnRow.id)
    return kept.state, task.message, list(db.session.scalars(found)), not field_jobs.unindexed([field])


def _touch(line: psycopg.Connection[Any], row_id: int) -> None:
    """What any write of a row does to it."""
    line.execute("UPDATE own_row SET version = version + 1 WHERE id = %s", [row_id])


def test_somebody_who_never_stops_writing_waits_for_no_part_and_the_change_ends(
    asked: Asked, settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two parts every row is written; one that is held just then is left for the next round."""
    run, seen = asked.claimed(), []
    progress = run.progress
    held = psycopg.connect(settings.database_app_url)
    _touch(held, asked.rows[1])
    with psycopg.connect(settings.database_app_url, autocommit=True) as line:
        line.execute("SET lock_timeout = '1ms'")

        def told(done: int, total: int | None = None, message: str = "") -> None:
            seen.append(done)
            for row_id in asked.rows[:1] + asked.rows[2:]:
                _touch(line, row_id)
            if len(seen) == 3:
                held.commit()
            progress(done, total, message)

        monkeypatch.setattr(run, "progress", told, raising=False)
        with pytest.raises(tasks.Later):  # a transaction is open that began before
            asked.apply(run)
        assert state(asked) == ("running", "task.waits", VALUES, True)
        assert tasks.release(run)
        held.commit()
        again = asked.claimed()
        _touch(held, asked.rows[1])
        monkeypatch.setattr(again, "progress", told, raising=False)
        seen.clear()
        asked.apply(again)
    held.close()
    assert seen == [1, 2, 3]  # the fourth with the change of the definition
    assert state(asked) == ("done", "", [1, 2, 3, 4], True)


def test_a_row_that_somebody_holds_is_not_waited_for_long(asked: Asked, settings: config.Settings) -> None:
    """All but that one are written anew, and the next attempt goes on from there."""
    with psycopg.connect(settings.database_app_url) as other:
        other.execute("SELECT 1")
        with pytest.raises(tasks.Later):  # begun before the work
            asked.apply(run := asked.claimed())
        other.commit()
        _touch(other, asked.rows[2])
        with pytest.raises(tasks.Later):
            asked.apply(run)
        other.rollback()
    assert state(asked) == ("running", "task.waits", VALUES, True)
    name = f"long_.{asked.conversion_id}"
    written = select(OwnRow.extra[name]).where(OwnRow.id.in_(asked.rows)).order_by(OwnRow.id)
    assert list(db.session.scalars(written)) == [1, 2, None, 4]
    db.session.rollback()
    asked.apply(run)
    assert state(asked)[0::2] == ("done", [1, 2, 3, 4])


def test_what_was_written_while_the_change_was_asked_for_is_not_lost(
    asked: Asked, settings: config.Settings
) -> None:
    """A writer who had not committed when the work began, and did not know that the field takes no values."""
    with psycopg.connect(settings.database_app_url) as other:
        other.execute("UPDATE own_row SET extra = '{\"long_\": \"17\"}' WHERE id = %s", [asked.rows[0]])
        with pytest.raises(tasks.Later):
            asked.apply(run := asked.claimed())
        assert state(asked)[2] == VALUES
        other.commit()
    asked.apply(run)
    assert state(asked)[0::2] == ("done", [17, 2, 3, 4])


def test_what_nobody_reads_any_more_goes_a_while_later(asked: Asked, settings: config.Settings) -> None:
    asked.apply(run := asked.claimed())
    assert tasks.finish(run)
    name = f"long_.{asked.conversion_id}"
    both = [{"long_": str(value), name: value} for value in (1, 2, 3, 4)]
    documents = select(OwnRow.extra).where(OwnRow.id.in_(asked.rows)).order_by(OwnRow.id)
    assert field_jobs.clear() == 0
    assert list(db.session.scalars(documents)) == both
    db.session.rollback()
    with present.at(present.now() + timedelta(hours=1)):
        with psycopg.connect(settings.database_app_url) as other:
            _touch(other, asked.rows[3])
            assert field_jobs.clear() == 3
            other.rollback()
        assert field_jobs.clear() == 1
        assert field_jobs.clear() == 0
    assert list(db.session.scalars(documents)) == [{name: value} for value in (1, 2, 3, 4)]
    assert db.session.get_one(FieldConversion, asked.conversion_id, populate_existing=True).leftover is None


def test_killed_between_the_values_and_the_index_only_the_index_is_made(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the field takes no values: nothing would keep two of them apart."""

    def gone(_row: FieldDefinition) -> None:
        raise KeyboardInterrupt

    run = asked.claimed()
    with monkeypatch.context() as patched:
        patched.setattr(field_jobs, "settle_in", gone)
        with pytest.raises(KeyboardInterrupt):
            asked.apply(run)
    assert state(asked)[0::2] == ("running", [1, 2, 3, 4])
    assert field_jobs.open_ids([asked.field_id]) == {asked.field_id}
    db.session.rollback()
    monkeypatch.setattr(field_jobs.field_conversions, "copy_part", gone)
    asked.apply(run)
    assert state(asked) == ("done", "", [1, 2, 3, 4], True)
