"""Rows of an own sheet written together are what they are when each is written by itself; one that clashes is told."""

from __future__ import annotations

import io
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from sqlalchemy import func, select, update

from app import grids
from app.models import ChangeSet, ChangeSetRow, FieldDefinition, Journal, OwnRow, Person, Unit, db
from app.rules.imports_into import Mode, Plan
from app.rules.values import ValueKind
from app.services import grid_batches, own_sheets, sheet_imports
from app.services.grid_batches import Asked
from app.services.grids import Grid
from app.services.own_sheets import Line
from app.services.own_sheets import Plan as SheetPlan
from app.services.transaction import transaction
from tests.factories import Factory

KINDS = (
    Line("编号", ValueKind.TEXT, required=True), Line("情况", ValueKind.LONG), Line("数量", ValueKind.NUMBER),
    Line("金额", ValueKind.MONEY), Line("日期", ValueKind.DATE), Line("时刻", ValueKind.MOMENT),
    Line("完成", ValueKind.BOOL), Line("类别", ValueKind.CHOICE, ("甲", "乙")),
    Line("特征", ValueKind.CHOICES, ("大", "小")), Line("经办", ValueKind.PERSON), Line("单位", ValueKind.UNIT),
)  # fmt: skip


@pytest.fixture
def sheet(app: Flask, make: Factory) -> Grid:
    """A sheet with a field of each kind that a file may fill in; the editor's post writes it."""
    plan = SheetPlan("示例设施", lines=KINDS, writers=(make.post("editor").id,))
    own = own_sheets.make(make.actor(officer="system"), plan)
    db.session.commit()
    user = make.user_of(make.holder("editor"))
    return grids.grid(f"own_{own.code}", grids.reader_of(user.id, "test"))


def row(number: int, **others: Any) -> dict[str, Any]:
    """Values as they are sent, by the label of the column."""
    person, unit = db.session.scalars(select(Person.name)).first(), db.session.scalars(select(Unit.id)).first()
    found = {
        "编号": f"S-{number}", "情况": "第一行\n第二行", "数量": "1,200.5", "金额": 12.345, "日期": "2026/3/5",
        "时刻": "2026-03-05 08:30", "完成": "是", "类别": "乙", "特征": "小、大", "经办": person, "单位": unit,
    }  # fmt: skip
    return found | others


def sent(grid: Grid, values: dict[str, Any]) -> dict[str, Any]:
    """The same by key."""
    keys = {str(one.label): key for key, one in grid.columns.items()}
    return {keys[label]: value for label, value in values.items()}


def state(grid: Grid) -> list[tuple[int, dict[str, Any]]]:
    """Versions and values of all rows in the order in which they came."""
    query = select(OwnRow).where(OwnRow.sheet_id == grid.source.id).order_by(OwnRow.id)
    return [(one.version, one.extra) for one in db.session.scalars(query.execution_options(populate_existing=True))]


def traces() -> list[Any]:
    """What the journal says of rows, without their ids."""
    query = select(Journal).where(Journal.object_type == "own_row").order_by(Journal.id)
    names = ("action", "old", "new", "user_id", "person_id", "post_id", "role", "acted_as", "request_id")
    return [tuple(getattr(one, name) for name in names) for one in db.session.scalars(query)]


def carried_out(grid: Grid, *, is_together: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """Three new rows (one wrong), then changes of them: what became of the rows, the journal, the outcomes."""
    if not is_together:
        monkeypatch.setattr("app.services.own_batches.is_fit", lambda own, changes: False)
    before = len(traces())
    with transaction():
        _edits, made = grid_batches.written_both(
            grid, [], [sent(grid, row(1)), sent(grid, row(2, 数量="很多")), sent(grid, row(3, 类别="丙"))]
        )
    fresh = [one.row_id for one in made if one.row_id is not None]
    with transaction():
        _edits, more = grid_batches.written_both(grid, [], [sent(grid, {"编号": "S-4"})])
    fresh += [one.row_id for one in more if one.row_id is not None]
    asked = [
        Asked(fresh[0], 1, sent(grid, {"数量": 7, "日期": "", "类别": "甲", "经办": None, "编号": "S-1"})),
        Asked(fresh[1], 1, sent(grid, {"编号": ""})),
        Asked(fresh[1] + 1_000, 1, sent(grid, {"编号": "S-9"})),
    ]
    with transaction():
        edited, _new = grid_batches.written_both(grid, asked, [])
    with transaction():
        stale, _new = grid_batches.written_both(grid, [Asked(fresh[0], 1, sent(grid, {"数量": 8}))], [])
    told = [(one.what, one.version, [(p.field, p.code) for p in one.problems]) for one in [*made, *more]]
    told += [(one.old, one.new, one.version, [(p.field, p.code) for p in one.problems]) for one in [*edited, *stale]]
    return state(grid), traces()[before:], told


def test_together_is_what_each_by_itself_is(sheet: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    together = carried_out(sheet, is_together=True, monkeypatch=monkeypatch)
    db.session.query(OwnRow).delete()
    db.session.commit()
    alone = carried_out(sheet, is_together=False, monkeypatch=monkeypatch)
    assert together == alone
    rows, journal, _told = together
    assert [version for version, _extra in rows] == [2, 1]
    assert [one[0] for one in journal] == ["create", "create", "edit"]


def workbook(numbers: list[str]) -> bytes:
    """A workbook of one column."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored) as book:
        page = book.add_worksheet()
        for at, one in enumerate(["编号", *numbers]):
            page.write_string(at, 0, one)
    return stored.getvalue()


def test_what_another_row_has_refuses_one_row_and_not_its_part(sheet: Grid, make: Factory) -> None:
    field = db.session.scalars(select(FieldDefinition).where(FieldDefinition.label == "编号")).one()
    db.session.execute(update(FieldDefinition).where(FieldDefinition.id == field.id).values(is_unique=True))
    db.session.execute(select(func.settle_field_index(field.id)))
    db.session.commit()
    with transaction():
        grid_batches.written_both(sheet, [], [sent(sheet, {"编号": "S-2"})])
    key = next(key for key, one in sheet.columns.items() if str(one.label) == "编号")
    file_id = sheet_imports.hand_in(sheet, "示例.xlsx", workbook(["S-1", "S-2", "S-3"])).id
    sheet_imports.check(sheet, file_id, Plan({0: key}, Mode.ADD))
    kept = sheet_imports.apply(sheet, file_id, request_key="k")
    db.session.refresh(kept)
    tally = sheet_imports.tally_of(kept.outcome)
    assert (tally.added, tally.refused) == (2, 1)
    assert [one[0] for one in tally.reasons] == [3]
    assert make.count(ChangeSet, kind="import") == 1
    assert make.count(ChangeSetRow) == 3
