"""A field changes its kind: what it costs is kept first, large fields change by a job, atomically, with cancel."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import g
from python_calamine import CalamineWorkbook
from sqlalchemy import event, select, text, update

from app.models import Assumption, FieldConversion, FieldDefinition, Journal, OwnRow, OwnSheet, Task, db
from app.rules.errors import Conflict, FieldErrors
from app.services import definitions, field_conversions, field_definitions, field_jobs, own_rows, present, tasks
from app.services.actors import Actor
from app.services.definitions import OWN, Own
from app.services.field_definitions import LosesValues, Place
from jobs import field_changes
from tests.factories import Factory

URL = "https://localhost"
TEXTS = ("12", "十二", "3.5", "没有", "7")


@pytest.fixture
def officer(make: Factory) -> Actor:
    """Who keeps the system."""
    return make.actor(officer="system")


@pytest.fixture
def place(officer: Actor) -> Place:
    """An own sheet of five rows with a text that shall become a number; more than two values are many."""
    sheet = OwnSheet(code="bridges", name="示例桥梁", title_field="ming")
    db.session.add(sheet)
    db.session.flush()
    place = Place(OWN, sheet.id)
    db.session.commit()
    for label, code in (("名称", "ming"), ("长度", "long_")):
        field_definitions.add(officer, place, {"label": label, "code": code, "kind": "text"})
    for number, value in enumerate(TEXTS):
        db.session.add(OwnRow(sheet_id=sheet.id, extra={"ming": f"示例{number}桥", "long_": value}))
    db.session.execute(update(Assumption).where(Assumption.code == "field_change_in_job").values(value=2))
    db.session.commit()
    return place


def one(place: Place) -> FieldDefinition:
    query = select(FieldDefinition).where(FieldDefinition.own_sheet_id == place.own_sheet_id)
    return db.session.scalars(query.where(FieldDefinition.code == "long_")).one()


def values(place: Place) -> list[Any]:
    held = OwnRow.extra[field_conversions.code_of(one(place))]
    query = select(held).where(OwnRow.sheet_id == place.own_sheet_id).order_by(OwnRow.id)
    return list(db.session.scalars(query))


def own() -> Own:
    return definitions.current().sheets["bridges"]


def _run(task_id: int | None) -> None:
    assert task_id is not None
    run = tasks.claim(task_id)
    if run is not None:
        field_changes.apply(run)
        assert tasks.finish(run)


def asked(officer: Actor, place: Place) -> FieldConversion:
    """The change, asked for with both of its losses agreed to."""
    field_definitions.change(officer, place, one(place).id, {"label": "长度", "kind": "number"}, agreed=2)
    return db.session.scalars(select(FieldConversion)).one()


def test_a_large_field_changes_by_a_job_with_what_it_costs_kept(officer: Actor, place: Place) -> None:
    with pytest.raises(LosesValues):
        field_definitions.change(officer, place, one(place).id, {"label": "长度", "kind": "number"})
    kept = asked(officer, place)
    assert (kept.state, kept.values, kept.lost) == ("pending", 5, 2)
    assert (one(place).kind, values(place)) == ("text", list(TEXTS))
    _run(kept.task_id)
    db.session.expire_all()
    assert (one(place).kind, values(place)) == ("number", [12, None, 3.5, None, 7])
    assert kept.task_id is not None
    assert (kept.state, db.session.get_one(Task, kept.task_id).state) == ("done", "done")
    _kept, lines = field_jobs.lines(officer, kept.field_id, kept.id)
    assert [(name, old, new) for _id, name, old, new in lines] == [("示例1桥", "十二", ""), ("示例3桥", "没有", "")]
    told = db.session.scalars(select(Journal).where(Journal.object_type == "field_definition")).all()[-1]
    assert told.new["kind"] == "number"


def test_meanwhile_the_field_takes_no_values_and_the_others_do(officer: Actor, place: Place) -> None:
    row = db.session.scalars(select(OwnRow.id).order_by(OwnRow.id)).first()
    kept = asked(officer, place)
    with pytest.raises(FieldErrors) as refused:
        own_rows.write(officer, own(), row, {"x_long_": "13"})
    assert [(p.field, p.code) for p in refused.value.problems] == [("x_long_", "definition.moving")]
    own_rows.write(officer, own(), row, {"x_ming": "示例新桥"})
    with pytest.raises(Conflict, match=r"definition\.moving"):
        field_definitions.change(officer, place, kept.field_id, {"label": "别的", "kind": "text"})
    with pytest.raises(Conflict, match=r"definition\.moving"):
        field_definitions.retire(officer, place, kept.field_id)
    assert kept.task_id is not None
    tasks.cancel(officer, kept.task_id)
    own_rows.write(officer, own(), row, {"x_long_": "13"})
    _run(kept.task_id)
    assert (one(place).kind, values(place)[0]) == ("text", "13")


def test_cancelled_halfway_nothing_has_changed(officer: Actor, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = asked(officer, place)
    task_id, kept_id = kept.task_id, kept.id
    assert task_id is not None
    monkeypatch.setattr(field_jobs.field_conversions, "PART", 2)
    run = tasks.claim(task_id)
    assert run is not None
    seen: list[int] = []

    def progress(done: int, total: int | None = None, message: str = "") -> None:
        seen.append(done)
        if done >= 4:
            raise tasks.Stopped("cancelled")

    monkeypatch.setattr(run, "progress", progress, raising=False)
    with pytest.raises(tasks.Stopped):
        field_changes.apply(run)
    assert seen == [2, 4]
    db.session.expire_all()
    assert (one(place).kind, values(place)) == ("text", list(TEXTS))
    given_up = db.session.get_one(FieldConversion, kept_id)
    assert (given_up.state, given_up.leftover) == ("cancelled", f"long_.{kept_id}")
    assert tasks.stop(run, "cancelled")
    with present.at(present.now() + timedelta(hours=1)):
        assert field_jobs.clear() == 4
    left = db.session.scalars(select(OwnRow.extra).where(OwnRow.sheet_id == place.own_sheet_id)).all()
    assert {key for extra in left for key in extra} == {"ming", "long_"}


def _indexes(field_id: int) -> set[str]:
    query = text("SELECT indexname FROM pg_indexes WHERE indexname IN (:one, :other)")
    return set(db.session.scalars(query, {"one": f"fx_{field_id}", "other": f"fu_{field_id}"}))


class _Killed(BaseException):
    """What no handler catches."""


def _killed(task_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker takes the task and is gone in the midst of it; its lease has run out."""

    def gone(*_all: Any, **_more: Any) -> None:
        raise _Killed

    run = tasks.claim(task_id)
    assert run is not None
    with monkeypatch.context() as patched:
        patched.setattr(field_jobs, "_swapped", gone)
        with pytest.raises(_Killed):
            field_changes.apply(run)
    past = present.now() - timedelta(minutes=5)
    db.session.execute(update(Task).where(Task.id == task_id).values(lease_until=past))
    db.session.commit()


@pytest.mark.parametrize("unique", [False, True])
def test_a_worker_killed_too_often_leaves_the_field_as_it_was(
    officer: Actor, place: Place, make: Factory, monkeypatch: pytest.MonkeyPatch, *, unique: bool
) -> None:
    indexed = {"label": "长度", "kind": "text", "is_indexed": True, "is_unique": unique}
    field_definitions.change(officer, place, one(place).id, indexed)
    kept = _asked_with(officer, place, indexed)
    names = {f"fx_{kept.field_id}"} | ({f"fu_{kept.field_id}"} if unique else set())
    assert _indexes(kept.field_id) == names
    assert kept.task_id is not None
    for _attempt in range(tasks.MOST_ATTEMPTS):
        _killed(kept.task_id, monkeypatch)
    assert tasks.claim(kept.task_id) is None
    assert _indexes(kept.field_id) == names
    assert field_jobs.settle_ended() == 1
    assert field_jobs.settle_ended() == 0
    db.session.expire_all()
    assert (kept.state, one(place).kind, values(place)) == ("failed", "text", list(TEXTS))
    assert _indexes(kept.field_id) == names
    row = db.session.scalars(select(OwnRow.id).order_by(OwnRow.id)).first()
    own_rows.write(officer, own(), row, {"x_long_": "13"})
    page = make.signed_in(officer="system").get("/fields/own_bridges", base_url=URL).text
    assert "改变类型未成功" in page
    assert field_jobs.unindexed([one(place)]) == set()


def test_a_task_cancelled_between_two_workers_gives_the_field_back(
    officer: Actor, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed = {"label": "长度", "kind": "text", "is_indexed": True}
    field_definitions.change(officer, place, one(place).id, indexed)
    kept = _asked_with(officer, place, indexed)
    assert kept.task_id is not None
    _killed(kept.task_id, monkeypatch)
    tasks.cancel(officer, kept.task_id)
    assert tasks.claim(kept.task_id) is None
    assert field_jobs.settle_ended() == 1
    db.session.expire_all()
    assert (kept.state, _indexes(kept.field_id)) == ("cancelled", {f"fx_{kept.field_id}"})


def test_an_index_that_cannot_be_built_is_told_and_built_by_saving(
    officer: Actor, place: Place, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows got the same value by what knows no rules."""
    indexed = {"label": "长度", "kind": "text", "is_unique": True}
    field_definitions.change(officer, place, one(place).id, indexed)
    kept = _asked_with(officer, place, indexed)
    assert kept.task_id is not None
    first, second = list(db.session.scalars(select(OwnRow.id).order_by(OwnRow.id)))[:2]
    settle, slot = field_jobs.settle_in, f"long_.{kept.id}"

    def twice(row: FieldDefinition) -> None:
        if row.retired_at is None:
            db.session.execute(update(OwnRow).where(OwnRow.id.in_((first, second))).values(extra={slot: 5}))
        settle(row)

    with monkeypatch.context() as patched:
        patched.setattr(field_jobs, "settle_in", twice)
        with pytest.raises(Conflict, match=r"row\.constraint"):
            _run(kept.task_id)
    db.session.execute(update(OwnRow).where(OwnRow.id.in_((first, second))).values(extra={slot: 5}))
    db.session.commit()
    db.session.expire_all()
    assert (kept.state, one(place).kind, _indexes(kept.field_id)) == ("done", "number", set())
    browser = make.signed_in(officer="system")
    assert "缺少索引" in browser.get("/fields/own_bridges", base_url=URL).text
    number = indexed | {"kind": "number"}
    with pytest.raises(FieldErrors):
        field_definitions.change(officer, place, kept.field_id, number)
    db.session.execute(update(OwnRow).where(OwnRow.id == second).values(extra={slot: 6}))
    db.session.commit()
    field_definitions.change(officer, place, kept.field_id, number)
    assert _indexes(kept.field_id) == {f"fu_{kept.field_id}"}
    assert "缺少索引" not in browser.get("/fields/own_bridges", base_url=URL).text


def _asked_with(officer: Actor, place: Place, raw: dict[str, Any]) -> FieldConversion:
    field_definitions.change(officer, place, one(place).id, raw | {"kind": "number"}, agreed=2)
    return db.session.scalars(select(FieldConversion)).one()


def test_what_a_field_of_the_appeals_loses_is_kept_by_number(officer: Actor, make: Factory) -> None:
    place = Place("appeal")
    field = field_definitions.add(officer, place, {"label": "示例房间", "code": "room", "kind": "text"})
    appeal = make.appeal("assigned")
    appeal.extra = {**(appeal.extra or {}), "room": "没有"}
    db.session.commit()
    field_definitions.change(officer, place, field.id, {"label": "示例房间", "kind": "number"}, agreed=1)
    kept = db.session.scalars(select(FieldConversion).where(FieldConversion.field_id == field.id)).one()
    _kept, lines = field_jobs.lines(officer, field.id, kept.id)
    assert [(row_id, name, old) for row_id, name, old, _new in lines] == [(appeal.id, appeal.number, "没有")]


def test_who_read_the_old_fields_writes_nothing_by_them(officer: Actor, place: Place, make: Factory) -> None:
    row = db.session.scalars(select(OwnRow.id).order_by(OwnRow.id)).first()
    with make.app.test_request_context():
        sheet = own()
        stale = g.definitions
        field_definitions.add(officer, place, {"label": "别的", "kind": "text"})
        g.definitions = stale
        with pytest.raises(Conflict, match=r"definition\.moved"):
            own_rows.write(officer, sheet, row, {"x_long_": "13"})


def test_an_index_of_numbers_is_built_when_nobody_reads_the_old_values(officer: Actor, place: Place) -> None:
    db.session.execute(update(Assumption).where(Assumption.code == "field_change_in_job").values(value=5000))
    db.session.commit()
    raw = {"label": "长度", "kind": "number", "is_indexed": True}
    field_definitions.change(officer, place, one(place).id, raw, agreed=2)
    kept = db.session.scalars(select(FieldConversion)).one()
    assert (kept.state, one(place).kind) == ("pending", "text")
    _run(kept.task_id)
    name = select(text("indexdef")).select_from(text("pg_indexes")).where(text("indexname = :name"))
    assert "numeric" in db.session.execute(name, {"name": f"fx_{kept.field_id}"}).scalar_one()
    same = {"label": "长度", "kind": "text", "is_indexed": True}
    field_definitions.change(officer, place, kept.field_id, same, agreed=0)
    assert (one(place).kind, values(place)[0]) == ("text", "12")


def test_a_small_change_keeps_what_it_costs_and_gives_it_as_a_workbook(
    officer: Actor, place: Place, make: Factory
) -> None:
    db.session.execute(update(Assumption).where(Assumption.code == "field_change_in_job").values(value=5000))
    db.session.commit()
    kept = asked(officer, place)
    assert (kept.state, one(place).kind) == ("done", "number")
    browser = make.signed_in(officer="system")
    page = browser.get("/fields/own_bridges", base_url=URL).text
    address = f"/fields/own_bridges/{kept.field_id}/lost/{kept.id}"
    assert address in page
    book = browser.get(address, base_url=URL)
    assert book.status_code == 200
    cells = CalamineWorkbook.from_filelike(BytesIO(book.data)).get_sheet_by_index(0).to_python()
    assert ["示例1桥", "十二"] in [row[1:3] for row in cells]
    assert make.signed_in(make.holder("editor")).get(address, base_url=URL).status_code in (302, 403)


@pytest.mark.parametrize("asked", [
    {"filter": {"all": [{"field": "x_grade", "op": "between", "value": [2, 3]}]}, "sort": [["x_grade", "asc"]]},
    {"sort": [["x_grade", "asc"]]},
    {"sort": [["x_ming", "desc"]]},
])  # fmt: skip
def test_an_index_that_was_asked_for_is_used(
    officer: Actor, place: Place, make: Factory, asked: dict[str, Any]
) -> None:
    """The condition and the order are written as the index is; with sequential scans dear the planner takes it."""
    raw = {"label": "等级", "code": "grade", "kind": "number", "is_indexed": True}
    grade = field_definitions.add(officer, place, raw).id
    name = db.session.scalars(select(FieldDefinition).where(FieldDefinition.code == "ming")).one()
    field_definitions.change(officer, place, name.id, {"label": "名称", "kind": "text", "is_indexed": True})
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    db.session.execute(text("SET LOCAL enable_sort = off"))
    browser = make.signed_in(officer="system")
    seen: list[tuple[str, Any]] = []
    connection = db.session.connection()

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "own_row.extra" in statement and "LIMIT" in statement:
            seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    answer = browser.post("/api/v1/sheets/own_bridges/rows", base_url=URL, json={"query": asked})
    event.remove(connection, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.text
    plans = "\n".join(
        str(row[0]) for said, values in seen for row in connection.exec_driver_sql(f"EXPLAIN {said}", values)
    )
    assert (f"fx_{name.id}" if "x_ming" in str(asked) else f"fx_{grade}") in plans, plans
