"""Rows of an own sheet written together are what they are when each is written by itself; one that clashes is told."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from sqlalchemy import delete, func, select, update

from app import grids
from app.models import ChangeSet, ChangeSetRow, FieldDefinition, Journal, OwnRow, db
from app.rules.errors import Invalid
from app.rules.imports_into import Mode, Plan
from app.rules.values import ValueKind
from app.services import definitions, grid_batches, import_parts, import_refusals, own_sheets, sheet_imports
from app.services.grids import Grid
from app.services.own_columns import Columns
from app.services.own_sheets import Line
from app.services.own_sheets import Plan as SheetPlan
from app.services.transaction import transaction
from tests.factories import Factory
from tests.test_desk import counted

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


def sent(grid: Grid, values: dict[str, Any]) -> dict[str, Any]:
    """Values by key of those by label."""
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


def told(set_id: int | None) -> list[Any]:
    """What a change set says of its rows, without their ids; the cells of new rows are the journal's alone."""
    query = select(ChangeSetRow).where(ChangeSetRow.change_set_id == set_id).order_by(ChangeSetRow.id)
    found = []
    for one in db.session.scalars(query):
        cells = (one.old, one.new) if one.what == "edit" else ()
        found.append((one.what, one.row_version, one.row_id is None, cells, one.problem))
    return found


def book(rows: list[list[Any]]) -> bytes:
    """A workbook of these rows, the first of which names the columns."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"strings_to_numbers": False, "strings_to_formulas": False}) as made:
        page, day = made.add_worksheet(), made.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for at, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                if isinstance(cell, datetime):
                    page.write_datetime(at, place, cell, day)
                elif cell is not None:
                    page.write(at, place, cell)
    return stored.getvalue()


HEAD = [one.label for one in KINDS]
DAY = datetime(2026, 3, 5)
FRESH = [
    HEAD,
    ["S-1", "第一行\n第二行", 1200.5, 12.345, DAY, DAY.replace(hour=8), "是", "乙", "小、大", "示例甲", "示例局"],
    ["S-2", "\\反斜 \"引号\"\t制表", "1,200.5", "￥9.9", "2026/3/5", "2026-03-05 08:30", 1, "甲", "大", None, None],
    [" S-3 ", "x" * 30, 0.1, 3, "2026年3月5日", None, "否", None, None, "示例甲", None],
    ["S-4", None, "很多", 1, DAY, None, "是", "甲", None, None, None],
    ["S-5", None, 1, 1, "昨天", None, "或许", "丙", "中", "没有人", "没有单位"],
    [None, "没有编号", 2, 2, None, None, None, None, None, None, None],
    [7, "编号是数", -1e-7, 0.005, DAY, None, 1, "c1", "c1,c2", None, None],
    ["S-8", "示例\u00a0空格  两个\ufeff", 3.0, -2, None, None, "×", "乙", "大,\u00a0小", None, None],
    ["S-6", None, 46086, 1, 46086, None, None, "甲", None, None, None],
    ["S-9", "\\N", 5, 5, None, None, "√", "甲", "大", "重名", None],
]
CHANGED = [
    HEAD,
    ["S-1", "第一行\n第二行", 1200.5, 99, DAY, None, "否", "甲", None, None, "示例局"],
    ["S-2", "改\\了", "很多", 1, DAY, None, "是", "甲", None, None, None],
    ["S-3", "x" * 30, 0.1, 3, "2026-03-05", None, "否", None, None, "示例甲", None],
    ["S-3", "两次", None, None, None, None, None, None, None, None, None],
    ["S-10", "新的", 1, 1, DAY, None, "是", "乙", "大", "示例甲", None],
    ["S-11", None, "很多", None, None, None, None, None, None, None, None],
    ["7", "编号是数", 4, 0.01, "2026/3/6", None, None, "乙", "大", "没有人", None],
    ["S-8", None, None, None, None, None, None, None, None, None, None],
]


@pytest.fixture
def people(make: Factory) -> None:
    """Whom the names in the files mean; two have one name."""
    for name in ("示例甲", "重名", "重名"):
        make.person(name)
    make.a_unit().name = "示例局"
    db.session.commit()


def carried_out(grid: Grid, files: list[tuple[list[list[Any]], Mode, bool]]) -> list[Any]:
    """Files looked at and written one after the other: rows, journal, change sets and what was told of them."""
    found: list[Any] = []
    for n, (rows, mode, clears) in enumerate(files):
        file_id = sheet_imports.hand_in(grid, "示例.xlsx", book(rows)).id
        keys = {str(one.label): key for key, one in grid.columns.items()}
        plan = Plan({place: keys[label] for place, label in enumerate(rows[0])}, mode,
                    "" if mode is Mode.ADD else keys["编号"], clears)  # fmt: skip
        begun = len(traces())
        looked = sheet_imports.check(grid, file_id, plan)
        db.session.refresh(looked)
        kept = [looked.outcome, import_refusals.listed(file_id)]
        done = sheet_imports.apply(grid, file_id, request_key=f"{grid.code}-{n}")
        db.session.refresh(done)
        found.append((kept, done.state, done.outcome | {"sample": []}, import_refusals.listed(file_id),
                      state(grid), traces()[begun:], told(done.change_set_id)))  # fmt: skip
    return found


def emptied(grid: Grid) -> None:
    """The sheet without rows, and its requests forgotten."""
    db.session.execute(delete(OwnRow).where(OwnRow.sheet_id == grid.source.id))
    db.session.execute(update(ChangeSet).values(request_key=None))
    db.session.commit()


@pytest.mark.parametrize("case", ["plain", "default", "somebody else's", "unique", "required"])
@pytest.mark.parametrize("clears", [False, True])
def test_columns_together_are_what_each_row_by_itself_is(
    sheet: Grid, make: Factory, people: None, monkeypatch: pytest.MonkeyPatch, case: str, clears: bool
) -> None:
    grid = _with(sheet, make, case)
    files = [(FRESH, Mode.ADD, clears), (CHANGED, Mode.BOTH, clears), (CHANGED[:4], Mode.UPDATE, clears)]
    together = carried_out(grid, files)
    emptied(grid)
    monkeypatch.setattr("app.services.own_batches.is_fit", lambda own, keys: False)
    assert together == carried_out(grid, files)
    assert len(together[0][4]) >= 2


def _with(sheet: Grid, make: Factory, case: str) -> Grid:
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        "default": ("数量", {"parameters": {"default": "5"}}),
        "somebody else's": ("情况", {"writer_post_ids": [make.post("duty_director").id]}),
        "unique": ("编号", {"is_unique": True}), "required": ("类别", {"required": True}),
    }  # fmt: skip
    if case not in changes:
        return sheet
    label, values = changes[case]
    field = db.session.scalars(select(FieldDefinition).where(FieldDefinition.label == label)).one()
    db.session.execute(update(FieldDefinition).where(FieldDefinition.id == field.id).values(**values))
    db.session.execute(select(func.settle_field_index(field.id)))
    definitions.moved()
    db.session.commit()
    assert sheet.actor.user_id is not None
    return grids.grid(sheet.code, grids.reader_of(sheet.actor.user_id, "test"))


def test_a_part_of_new_rows_takes_a_handful_of_statements(sheet: Grid) -> None:
    rows = [HEAD[:1], *([f"S-{n}"] for n in range(300))]
    file_id = sheet_imports.hand_in(sheet, "示例.xlsx", book(rows)).id
    key = next(key for key, one in sheet.columns.items() if str(one.label) == "编号")
    sheet_imports.check(sheet, file_id, Plan({0: key}, Mode.ADD))
    with counted() as statements:
        sheet_imports.apply(sheet, file_id, request_key="k")
    assert len(statements) <= 30, "\n\n".join(statements)
    assert len(state(sheet)) == 300


def test_what_another_row_has_refuses_one_row_and_not_its_part(sheet: Grid, make: Factory) -> None:
    field = db.session.scalars(select(FieldDefinition).where(FieldDefinition.label == "编号")).one()
    db.session.execute(update(FieldDefinition).where(FieldDefinition.id == field.id).values(is_unique=True))
    db.session.execute(select(func.settle_field_index(field.id)))
    db.session.commit()
    with transaction():
        grid_batches.written_both(sheet, [], [sent(sheet, {"编号": "S-2"})])
    key = next(key for key, one in sheet.columns.items() if str(one.label) == "编号")
    file_id = sheet_imports.hand_in(sheet, "示例.xlsx", book([["编号"], ["S-1"], ["S-2"], ["S-3"]])).id
    sheet_imports.check(sheet, file_id, Plan({0: key}, Mode.ADD))
    kept = sheet_imports.apply(sheet, file_id, request_key="k")
    db.session.refresh(kept)
    tally = sheet_imports.tally_of(kept.outcome)
    assert (tally.added, tally.refused) == (2, 1)
    assert [number for number, _problems in import_refusals.listed(file_id)] == [3]
    assert make.count(ChangeSet, kind="import") == 1
    assert make.count(ChangeSetRow) == 3


def test_what_was_read_ahead_by_older_definitions_is_read_again(sheet: Grid) -> None:
    keys = {str(one.label): key for key, one in sheet.columns.items()}
    columns = Columns(sheet, Plan({0: keys["编号"], 1: keys["数量"]}, Mode.ADD))
    rows = [["S-1", 12.25], ["S-2", 3.0]]
    columns.prepare()
    parsed = columns.parsed(rows)
    assert columns.read(rows, parsed).fresh([0, 1])[1] == set()
    parameters = {"least": "10"}
    db.session.execute(update(FieldDefinition).where(FieldDefinition.label == "数量").values(parameters=parameters))
    definitions.moved()
    db.session.commit()
    documents, doubtful = columns.read(rows, parsed).fresh([0, 1])
    assert doubtful == {1}
    assert documents[0] == '{"bian_hao": "S-1", "shu_liang": 12.25}'


def test_parts_are_made_ahead_in_their_order_and_what_goes_wrong_is_told() -> None:
    def parts() -> Iterator[int]:
        yield from range(1, 4)
        raise Invalid("sheet-file.empty")

    ahead = import_parts.ahead(parts())
    assert [next(ahead) for _part in range(3)] == [1, 2, 3]
    with pytest.raises(Invalid, match=r"sheet-file\.empty"):
        next(ahead)
