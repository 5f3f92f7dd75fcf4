"""kill -9 of the worker in the middle of an import: all rows in the end, each once (SECURITY §5, T24 in small)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import create_engine, func, select, text

import config
from app.models import Appeal, Journal, Task, db
from app.services import imports, tasks
from app.services.actors import software
from app.services.imports import Choice
from tests.books import workbook
from tests.jobs.conftest import Farm, within
from tests.jobs.test_kills import count, let_leases_run_out
from tests.services.test_imports import TITLES, row

ROWS = 4_000
KILLS = 3


@pytest.fixture
def imported(committed: Flask, settings: config.Settings) -> Iterator[Flask]:
    """What an import commits is removed afterwards."""
    yield committed
    db.session.rollback()
    engine = create_engine(settings.database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as owner:
        owner.execute(text("DELETE FROM journal WHERE action LIKE 'import%'"))
        for table in ("appeal", "import_batch", "import_mapping", "number_counter"):
            owner.execute(text(f"DELETE FROM {table}"))
    engine.dispose()


def test_a_killed_import_is_whole_in_the_end(imported: Flask, farm: Farm) -> None:
    actor = software("test")
    batch = imports.upload(actor, "示例.xlsx", workbook(TITLES, *[row(number) for number in range(ROWS)]))
    shown = imports.preview(actor, batch.id)
    imports.choose(actor, batch.id, Choice(shown.sheet, shown.mapping, "示例网站", "C"))
    imports.check(actor, batch.id)
    task_id = imports.apply(actor, batch.id).id
    for _ in range(KILLS):
        worker = farm.start("imports")
        with within(30) as time_left:
            while not count(Task, Task.id == task_id, Task.state == "running", Task.done >= 1_000):
                assert time_left(), farm.said()
        farm.kill(worker)
        assert count(Appeal) == 0
        let_leases_run_out(Task)
        db.session.execute(text("UPDATE task SET done = 0, created_at = created_at - interval '1 minute'"))
        db.session.commit()
        tasks.sweep()
    farm.start("imports")
    with within(60) as time_left:
        while not count(Task, Task.id == task_id, Task.state == "done"):
            assert time_left(), farm.said()
    numbers = db.session.scalars(select(Appeal.number).order_by(Appeal.number)).all()
    assert [int(number[-6:]) for number in numbers] == list(range(1, ROWS + 1))
    assert db.session.scalar(select(func.count(Appeal.source_no.distinct()))) == ROWS
    assert count(Journal, Journal.action == "import") == ROWS
    db.session.expire_all()
    assert imports.stage(imports.access_batch(actor, batch.id)) == "applied"
