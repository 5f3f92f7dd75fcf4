"""Bulk edits: told beforehand, one change set, by a job above a size that a killed worker's successor finishes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app import grids
from app.models import Appeal, Assumption, ChangeSet, ChangeSetRow, Holding, Journal, Task, db
from app.rules import query as queries
from app.rules.errors import Conflict
from app.services import grid_bulk, grid_jobs, grid_undo, tasks
from app.services.grids import Grid
from jobs import bulk_edits
from tests.factories import Factory
from tests.test_grid_edits import field, key


@pytest.fixture
def ledger(app: Flask, make: Factory) -> Iterator[Grid]:
    """The ledger of its administrator, seven registered appeals and an archived one in it; small jobs."""
    for _n in range(7):
        make.appeal("registered")
    make.appeal("archived")
    field("mark")
    db.session.execute(update(Assumption).where(Assumption.code == "grid_bulk_in_job").values(value=3))
    db.session.commit()
    actor = make.actor(make.holder("ledger_admin"))
    with app.test_request_context():
        yield opened(actor)


def opened(actor: Any) -> Grid:
    """The ledger as this person sees it now."""
    return grids.grid("ledger", grids.Reader(actor, actor.grants.permission_pairs(), english=False))


def asked(grid: Grid, *states: str) -> queries.Query:
    """Appeals in these states."""
    condition = {"field": "state", "op": "in", "value": list(states)}
    return queries.read({"filter": {"all": [condition]}}, grid.kinds)


def marks() -> list[Any]:
    """What the field holds on every appeal of the ledger."""
    query = select(Appeal.extra).where(Appeal.number.is_not(None)).order_by(Appeal.id)
    return [extra.get("mark") for extra in db.session.scalars(query.execution_options(populate_existing=True))]


def test_what_a_bulk_edit_reaches_is_told_and_nothing_written(ledger: Grid, make: Factory) -> None:
    found = grid_bulk.preview(ledger, asked(ledger, "registered", "archived"), {"x_mark": "示例"})
    assert found.count == 8
    assert [(one.old, one.new) for one in found.sample if not any(p.row_id == one.row_id for p in found.problems)] == [
        ({"x_mark": None}, {"x_mark": "示例"})
    ] * 7
    assert [one.code for one in found.problems] == ["appeal.ended"]
    assert set(marks()) == {None}
    assert make.count(ChangeSet) == 0


def test_a_small_bulk_edit_is_one_change_set_that_is_undone(ledger: Grid, make: Factory) -> None:
    mine = key()
    told = grid_bulk.start(ledger, asked(ledger, "archived"), {"x_mark": "示例"}, request_key=mine)
    assert (told.set_id, told.task_id, [one.code for one in told.problems]) == (None, None, ["appeal.ended"])
    ids = list(db.session.scalars(select(Appeal.number).where(Appeal.state == "registered").limit(2)))
    condition = {"any": [{"field": "number", "op": "is", "value": one} for one in ids]}
    query = queries.read({"filter": condition}, ledger.kinds)
    told = grid_bulk.start(ledger, query, {"x_mark": "示例"}, request_key=key())
    assert told.set_id is not None
    assert sorted(one or "" for one in marks()) == [""] * 6 + ["示例"] * 2
    back = grid_undo.undo(ledger, told.set_id, request_key=key())
    assert (len(back.rows), back.problems) == (2, ())
    assert set(marks()) == {None}


def test_a_large_one_is_done_by_a_job_and_a_repeat_starts_none(ledger: Grid, make: Factory) -> None:
    mine, query = key(), asked(ledger, "registered", "archived")
    told = grid_bulk.start(ledger, query, {"x_mark": "示例"}, request_key=mine)
    assert told.task_id is not None
    assert set(marks()) == {None}
    again = grid_bulk.start(ledger, query, {"x_mark": "示例"}, request_key=mine)
    assert (again.set_id, again.task_id) == (told.set_id, told.task_id)
    assert make.count(Task, kind="bulk_edit") == 1
    with pytest.raises(Conflict) as refused:
        grid_undo.undo(ledger, told.set_id or 0, request_key=key())
    assert refused.value.code == "change-set.running"
    _run(told.task_id)
    assert sorted(one or "" for one in marks()) == [""] + ["示例"] * 7
    found = db.session.get_one(ChangeSet, told.set_id, populate_existing=True)
    assert (found.state, found.total, found.done, found.refused) == ("done", 8, 7, 1)
    assert make.count(Journal, action="fill_in") == 7
    back = grid_undo.undo(ledger, told.set_id or 0, request_key=key())
    assert back.task_id is not None
    _run(back.task_id)
    assert set(marks()) == {None}
    redo = grid_undo.undo(ledger, back.set_id or 0, request_key=key())
    assert redo.task_id is not None
    _run(redo.task_id)
    assert sorted(one or "" for one in marks()) == [""] + ["示例"] * 7


def _run(task_id: int) -> None:
    run = tasks.claim(task_id)
    assert run is not None
    bulk_edits.apply(run)
    assert tasks.finish(run)


class Killed(BaseException):
    """The worker is gone, without a word."""


def test_a_killed_worker_leaves_rows_that_the_next_one_does_once(
    ledger: Grid, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = grid_bulk.start(ledger, asked(ledger, "registered"), {"x_mark": "示例"}, request_key=key())
    assert told.task_id is not None
    monkeypatch.setattr(grid_jobs, "BATCH", 2)
    monkeypatch.setattr(tasks, "WRITE_EVERY", 0)
    for lives in (1, 2):
        run = tasks.claim(told.task_id)
        assert run is not None
        parts = iter(range(lives))
        progress = run.progress

        def dying(done: int, total: int | None = None, message: str = "", *, parts: Any = parts) -> None:
            if next(parts, None) is None:
                raise Killed
            progress(done, total, message)  # noqa: B023 - called before the loop goes on

        monkeypatch.setattr(run, "progress", dying)
        with pytest.raises(Killed):
            bulk_edits.apply(run)
        db.session.rollback()
        past = func.clock_timestamp() - timedelta(seconds=1)
        db.session.execute(update(Task).where(Task.id == told.task_id).values(lease_until=past))
        db.session.commit()
        waiting = make.count(ChangeSetRow, change_set_id=told.set_id, waits=True)
        assert waiting == {1: 5, 2: 1}[lives]
    _run(told.task_id)
    assert {one for one in marks() if one} == {"示例"}
    assert make.count(Journal, action="fill_in") == 7
    found = db.session.get_one(ChangeSet, told.set_id, populate_existing=True)
    assert (found.state, found.done, found.refused) == ("done", 7, 0)


def test_a_cancelled_job_keeps_what_it_did_and_it_can_be_undone(
    ledger: Grid, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = grid_bulk.start(ledger, asked(ledger, "registered"), {"x_mark": "示例"}, request_key=key())
    monkeypatch.setattr(grid_jobs, "BATCH", 2)
    monkeypatch.setattr(tasks, "WRITE_EVERY", 0)
    run = tasks.claim(told.task_id or 0)
    assert run is not None
    progress, calls = run.progress, []

    def cancelled(done: int, total: int | None = None, message: str = "") -> None:
        calls.append(done)
        if len(calls) == 2:
            tasks.cancel(ledger.actor, run.task_id)
        progress(done, total, message)

    monkeypatch.setattr(run, "progress", cancelled)
    with pytest.raises(tasks.Stopped):
        bulk_edits.apply(run)
    db.session.rollback()
    tasks.stop(run, "cancelled")
    found = db.session.get_one(ChangeSet, told.set_id, populate_existing=True)
    assert (found.state, found.done) == ("cancelled", 2)
    back = grid_undo.undo(ledger, found.id, request_key=key())
    assert len(back.rows) == 2
    assert set(marks()) == {None}


def test_who_lost_his_rights_meanwhile_writes_nothing(ledger: Grid, make: Factory) -> None:
    told = grid_bulk.start(ledger, asked(ledger, "registered"), {"x_mark": "示例"}, request_key=key())
    admin = make.holder("ledger_admin")
    db.session.query(Holding).filter(Holding.person_id == admin.id).update({"person_id": make.person().id})
    db.session.commit()
    run = tasks.claim(told.task_id or 0)
    assert run is not None
    with pytest.raises(Exception, match=r"sheet\.unknown"):
        bulk_edits.apply(run)
    assert set(marks()) == {None}


def test_why_it_was_done_stands_in_the_journal_of_each_row_also_by_a_job(ledger: Grid, make: Factory) -> None:
    reasons = select(Journal.reason).where(Journal.action == "fill_in").distinct()
    number = db.session.scalars(select(Appeal.number).where(Appeal.state == "registered")).first()
    one = queries.read({"filter": {"all": [{"field": "number", "op": "is", "value": number}]}}, ledger.kinds)
    grid_bulk.start(ledger, one, {"x_mark": "示例甲"}, request_key=key(), reason="示例：核对")
    assert list(db.session.scalars(reasons)) == ["示例：核对"]
    query = asked(ledger, "registered")
    told = grid_bulk.start(ledger, query, {"x_mark": "示例乙"}, request_key=key(), reason="示例：年底")
    assert told.task_id is not None
    _run(told.task_id)
    assert set(marks()) == {"示例乙", None}
    assert sorted(db.session.scalars(reasons)) == ["示例：年底", "示例：核对"]
