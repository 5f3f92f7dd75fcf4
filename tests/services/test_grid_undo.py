"""Own sheets through the grid; undo after whatever was edited restores the sheet; how many statements an edit takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from app import grids
from app.models import FieldDefinition, Journal, OwnSheet, db
from app.rules.errors import NotFound, Refused
from app.rules.query import Query
from app.services import definitions, grid_batches, grid_edits, grid_rows, grid_trash, grid_undo
from app.services.grid_batches import Asked
from app.services.grids import Grid
from app.services.transaction import transaction
from tests.factories import Factory
from tests.test_grid_edits import key

FIELDS = {
    "name": "text",
    "sum": "money",
    "day": "date",
    "at": "moment",
    "ok": "bool",
    "unit": "unit",
    "kinds": "choices",
}
OPTIONS = {"options": [{"code": "a", "label": "甲"}, {"code": "b", "label": "乙"}]}


@pytest.fixture
def sheet(app: Flask, make: Factory) -> Iterator[Grid]:
    """A sheet made at run time, written by the registrar, with three rows."""
    with transaction():
        own = OwnSheet(code="bridges", name="示例桥梁", title_field="name", writer_post_ids=[make.post("registrar").id])
        db.session.add(own)
        db.session.flush()
        for code, kind in FIELDS.items():
            db.session.add(
                FieldDefinition(
                    table_name="own_row", own_sheet_id=own.id, code=code, label=code, kind=kind, parameters=OPTIONS
                )
            )
        definitions.moved()
    with app.test_request_context():
        grid = opened(make, "registrar")
        for n in range(3):
            grid_edits.add(grid, {"x_name": f"示例{n}", "x_sum": n}, request_key=key())
        yield grid


def opened(make: Factory, post: str) -> Grid:
    """The sheet as the holder of a post sees it."""
    actor = make.actor(make.holder(post))
    return grids.grid("own_bridges", grids.Reader(actor, actor.grants.permission_pairs(), english=False))


def held(grid: Grid) -> dict[int, dict[str, Any]]:
    """What the cells of the sheet hold."""
    return {one.id: one.cells for one in grid_rows.window(grid, Query())}


def test_a_row_of_an_own_sheet_is_written_removed_and_taken_back(sheet: Grid, make: Factory) -> None:
    first = grid_rows.window(sheet, Query())[0]
    told = grid_edits.edit(sheet, first.id, {"x_sum": "12.5"}, first.version, request_key=key())
    assert told.rows[0].cells["x_sum"] == 12.5
    with pytest.raises(grid_edits.Stale) as stale:
        grid_edits.edit(sheet, first.id, {"x_sum": "13"}, first.version, request_key=key())
    assert stale.value.row is not None
    assert stale.value.row.cells["x_sum"] == 12.5
    gone = grid_edits.remove(sheet, first.id, told.rows[0].version, request_key=key())
    assert [one.title for one in grid_trash.trash(sheet)] == [first.cells["x_name"]]
    assert first.id not in held(sheet)
    grid_undo.undo(sheet, gone.set_id or 0, request_key=key())
    assert held(sheet)[first.id]["x_sum"] == 12.5
    assert make.count(Journal, object_type="own_row", object_id=first.id) == 4


def test_who_does_not_read_an_own_sheet_finds_none_and_a_reader_writes_nothing(sheet: Grid, make: Factory) -> None:
    with pytest.raises(NotFound):
        opened(make, "editor")
    own = db.session.get_one(OwnSheet, sheet.source.id)
    with transaction():
        own.reader_post_ids = [make.post("editor").id]
        definitions.moved()
    reader = opened(make, "editor")
    first = grid_rows.window(reader, Query())[0]
    with pytest.raises(Refused):
        grid_edits.edit(reader, first.id, {"x_sum": "1"}, first.version, request_key=key())
    with pytest.raises(Refused):
        grid_edits.remove(reader, first.id, first.version, request_key=key())
    assert grid_trash.trash(reader) == []


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "x_name": st.sampled_from(["示例桥", "  ", "a\tb", "7", None]),
    "x_sum": st.one_of(st.none(), st.integers(-999, 999), st.just("1,234.56")),
    "x_day": st.sampled_from(["2010-03-09", "2010年3月9日", None]),
    "x_at": st.sampled_from(["2010-03-09 08:30", "2010-03-09T08:30:00.123456+08:00", ""]),
    "x_ok": st.sampled_from([True, False, "是", None]),
    "x_kinds": st.sampled_from([["a"], ["b", "a"], "甲、乙", []]),
}
EDIT = st.dictionaries(
    st.integers(0, 2), st.fixed_dictionaries({}, optional=VALUES).filter(bool), min_size=1, max_size=3
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(EDIT, min_size=1, max_size=4))
def test_undoing_all_edits_restores_the_sheet_and_redoing_brings_them_back(
    sheet: Grid, edits: list[dict[int, dict[str, Any]]]
) -> None:
    before, sets = held(sheet), []
    for edit in edits:
        rows = sorted(grid_rows.window(sheet, Query()), key=lambda one: one.id)
        cells = [Asked(rows[n].id, rows[n].version, values) for n, values in edit.items()]
        told = grid_batches.write(sheet, "paste", cells, [], request_key=key())
        assert not told.problems
        sets.append(told.set_id)
    after, undone = held(sheet), []
    for set_id in reversed([one for one in sets if one]):
        back = grid_undo.undo(sheet, set_id, request_key=key())
        assert not back.problems
        undone.append(back.set_id or 0)
    assert held(sheet) == before
    for set_id in reversed(undone):
        assert not grid_undo.undo(sheet, set_id, request_key=key()).problems
    assert held(sheet) == after
    for set_id in reversed([one for one in sets if one]):
        grid_undo.undo(sheet, set_id, request_key=key())
    assert held(sheet) == before


def test_how_many_statements_an_edit_of_a_cell_takes(sheet: Grid) -> None:
    first = grid_rows.window(sheet, Query())[0]
    seen: list[str] = []

    def count(_c: Any, _cu: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        grid_edits.edit(sheet, first.id, {"x_name": "示例"}, first.version, request_key=key())
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    assert len(seen) == 8, seen  # one of them asks whether the fields are still those that were read


def test_a_new_row_goes_when_all_that_its_maker_typed_into_it_was_taken_back(sheet: Grid, make: Factory) -> None:
    made = grid_edits.add(sheet, {"x_name": "示例新行"}, request_key=key())
    [row] = made.rows
    edited = grid_edits.edit(sheet, row.id, {"x_sum": 5}, row.version, request_key=key())
    kept = grid_undo.undo(sheet, made.set_id or 0, request_key=key())
    assert [one.code for one in kept.problems] == ["undo.changed-since"]  # what was typed since still stands there
    grid_undo.undo(sheet, edited.set_id or 0, request_key=key())
    gone = grid_undo.undo(sheet, made.set_id or 0, request_key=key())
    assert gone.problems == ()
    assert grid_rows.one(sheet, row.id) is None
    grid_undo.undo(sheet, gone.set_id or 0, request_key=key())
    back = grid_rows.one(sheet, row.id)
    assert back is not None
    assert back.cells["x_sum"] is None


def test_a_new_row_on_which_somebody_else_worked_stays(sheet: Grid, make: Factory) -> None:
    made = grid_edits.add(sheet, {"x_name": "示例新行"}, request_key=key())
    [row] = made.rows
    officer = grids.grid(sheet.code, grids.Reader(make.actor(officer="system"), frozenset(), english=False))
    edited = grid_edits.edit(officer, row.id, {"x_sum": 5}, row.version, request_key=key())
    grid_undo.undo(officer, edited.set_id or 0, request_key=key())
    kept = grid_undo.undo(sheet, made.set_id or 0, request_key=key())
    assert [one.code for one in kept.problems] == ["undo.changed-since"]
