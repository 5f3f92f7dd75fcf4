"""A file into a sheet: looked at without writing, written by the rules of the form, told row by row, taken back."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from sqlalchemy import delete, select, update

from app import grids
from app.models import Assumption, Audit, ChangeSet, Holding, OwnRow, RefusedRow, SheetFile, Task, db
from app.rules import imports_into
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound
from app.rules.imports_into import Mode, Plan
from app.rules.values import ValueKind
from app.services import (
    definitions,
    file_contents,
    grid_undo,
    import_refusals,
    own_sheets,
    present,
    sheet_files,
    sheet_imports,
    tasks,
)
from app.services.actors import Actor
from app.services.grants import standing_of
from app.services.grids import Grid
from app.services.own_sheets import Line
from app.services.own_sheets import Plan as SheetPlan
from app.services.sheet_imports import tally_of
from jobs import sheet_imports as job
from tests.factories import Factory

CSV = "编号,名称,数量\n001,示例一,1\n002,示例二,x\n003,示例三,3\n"


def grid_of(user_id: int, code: str) -> Grid:
    """The sheet as this account sees it now."""
    standing = standing_of(user_id)
    assert standing is not None
    actor = Actor(standing.user_id, standing.person_id, standing.grants, standing.name)
    return grids.grid(code, grids.Reader(actor, frozenset(standing.pairs), english=False))


@pytest.fixture
def sheet(app: Flask, make: Factory) -> Grid:
    """A sheet of streetlights that the editor's post fills in."""
    lines = (
        Line("编号", ValueKind.TEXT, required=True), Line("名称", ValueKind.TEXT), Line("数量", ValueKind.NUMBER),
    )  # fmt: skip
    plan = SheetPlan("示例路灯", lines=lines, writers=(make.post("editor").id,))
    own = own_sheets.make(make.actor(officer="system"), plan)
    db.session.commit()
    return grid_of(make.user_of(make.holder("editor")).id, f"own_{own.code}")


def key_of(grid: Grid, label: str) -> str:
    """The key of the column of that name."""
    return next(key for key, one in grid.columns.items() if str(one.label) == label)


def plan(grid: Grid, mode: Mode = Mode.BOTH, *, clears: bool = False) -> Plan:
    """Every column of the file into the column of its name; rows are known by their number."""
    named = dict(enumerate(("编号", "名称", "数量")))
    found = {place: key_of(grid, label) for place, label in named.items()}
    return Plan(found, mode, "" if mode is Mode.ADD else key_of(grid, "编号"), clears)


def brought(grid: Grid, text: str = CSV, mode: Mode = Mode.BOTH, *, clears: bool = False) -> SheetFile:
    """A file that was handed in and looked at."""
    row = sheet_imports.hand_in(grid, "示例.csv", text.encode())
    return sheet_imports.check(grid, row.id, plan(grid, mode, clears=clears))


def figures(row: SheetFile) -> tuple[int, int, int, int]:
    """(added, changed, same, refused)."""
    db.session.refresh(row)
    tally = tally_of(row.outcome)
    return tally.added, tally.changed, tally.same, tally.refused


def rows(grid: Grid) -> dict[str, tuple[Any, Any]]:
    """Names and amounts by number."""
    code, name, amount = (key_of(grid, one).removeprefix("x_") for one in ("编号", "名称", "数量"))
    query = select(OwnRow).where(OwnRow.sheet_id == grid.source.id, OwnRow.deleted_at.is_(None))
    return {one.extra[code]: (one.extra.get(name), one.extra.get(amount)) for one in db.session.scalars(query)}


def test_looking_writes_nothing_and_applying_does_what_was_told(sheet: Grid, make: Factory) -> None:
    row = brought(sheet)
    assert (row.state, figures(row)) == ("checked", (2, 0, 0, 1))
    assert rows(sheet) == {}
    [[number, problems]] = import_refusals.listed(row.id)
    assert (number, [one[:2] for one in problems]) == (3, [[key_of(sheet, "数量"), "field.decimal-unreadable"]])
    sheet_imports.apply(sheet, row.id, request_key="k1")
    assert figures(row) == (2, 0, 0, 1)
    assert rows(sheet) == {"001": ("示例一", 1), "003": ("示例三", 3)}
    assert make.count(Audit, event="sheet.import") == 1
    assert sheet_imports.apply(sheet, row.id, request_key="k1").id == row.id  # sent again
    with pytest.raises(Conflict, match=r"sheet-file\.used"):
        sheet_imports.apply(sheet, row.id, request_key="k2")
    assert len(rows(sheet)) == 2


def test_rows_are_known_by_their_key_changed_left_or_added(sheet: Grid) -> None:
    sheet_imports.apply(sheet, brought(sheet).id, request_key="k1")
    again = brought(sheet, "编号,名称,数量\n001,示例一,1\n003,示例三,33\n004,示例四,\n")
    assert figures(again) == (1, 1, 1, 0)
    [sample] = tally_of(again.outcome).sample
    assert (list(sample["old"].values()), list(sample["new"].values())) == ([3], [33])
    sheet_imports.apply(sheet, again.id, request_key="k2")
    assert rows(sheet) == {"001": ("示例一", 1), "003": ("示例三", 33), "004": ("示例四", None)}


@pytest.mark.parametrize(("clears", "left"), [(False, "示例一"), (True, None)])
def test_an_empty_cell_is_left_alone_unless_it_is_to_empty(sheet: Grid, clears: bool, left: str | None) -> None:
    sheet_imports.apply(sheet, brought(sheet).id, request_key="k1")
    again = brought(sheet, "编号,名称,数量\n001,,7\n", Mode.UPDATE, clears=clears)
    sheet_imports.apply(sheet, again.id, request_key="k2")
    assert rows(sheet)["001"] == (left, 7)


REFUSED = {
    "a key that is not there": ("编号,名称,数量\n999,示例,1\n", Mode.UPDATE, "import.key-unknown"),
    "no key": ("编号,名称,数量\n,示例,1\n", Mode.BOTH, "import.key-empty"),
    "a key twice in the file": ("编号,名称,数量\n001,示例,1\n001,示例,2\n", Mode.BOTH, "import.key-twice"),
    "nothing where something is required": ("编号,名称,数量\n,示例,1\n", Mode.ADD, "field.required"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_its_reason(sheet: Grid, case: str) -> None:
    sheet_imports.apply(sheet, brought(sheet).id, request_key="k1")
    text, mode, code = REFUSED[case]
    row = brought(sheet, text, mode)
    codes = {problem[1] for _number, problems in import_refusals.listed(row.id) for problem in problems}
    assert codes == {code}
    assert figures(row)[:2] == (0, 0)


def test_a_row_changed_after_the_look_is_not_overwritten(sheet: Grid) -> None:
    sheet_imports.apply(sheet, brought(sheet).id, request_key="k1")
    again = brought(sheet, "编号,名称,数量\n001,示例新,1\n003,示例新,3\n", Mode.UPDATE)
    code = key_of(sheet, "编号").removeprefix("x_")
    found = db.session.scalars(select(OwnRow).where(OwnRow.extra[code].astext == "001")).one()
    found.extra = found.extra | {key_of(sheet, "名称").removeprefix("x_"): "示例别人"}
    db.session.commit()
    sheet_imports.apply(sheet, again.id, request_key="k2")
    assert figures(again) == (0, 1, 0, 1)
    assert {name for name, _amount in rows(sheet).values()} == {"示例别人", "示例新"}
    assert import_refusals.listed(again.id)[0][1][0][1] == "import.changed-since"


def test_a_row_deleted_after_the_look_is_not_added_again(sheet: Grid) -> None:
    sheet_imports.apply(sheet, brought(sheet).id, request_key="k1")
    again = brought(sheet, "编号,名称,数量\n001,示例新,1\n")
    db.session.execute(update(OwnRow).where(OwnRow.sheet_id == sheet.source.id).values(deleted_at=present.now()))
    db.session.commit()
    sheet_imports.apply(sheet, again.id, request_key="k2")
    assert (figures(again), rows(sheet)) == ((0, 0, 0, 1), {})


def test_a_number_is_a_key_however_it_is_written(sheet: Grid) -> None:
    sheet_imports.apply(sheet, brought(sheet, "编号,名称,数量\n001,示例一,1200\n").id, request_key="k1")
    amount = key_of(sheet, "数量")
    row = sheet_imports.hand_in(sheet, "示例.csv", "数量,名称\n\"1,200.0\",示例新\n１２００,示例\n7,示例\n".encode())
    by_amount = Plan({0: amount, 1: key_of(sheet, "名称")}, Mode.UPDATE, amount)
    sheet_imports.check(sheet, row.id, by_amount)
    codes = [problems[0][1] for _number, problems in import_refusals.listed(row.id)]
    assert codes == ["import.key-twice", "import.key-twice", "import.key-unknown"]


def test_several_columns_name_a_row_together(sheet: Grid) -> None:
    first = brought(sheet, "编号,名称,数量\n1,东,1\n1,西,2\n2,东,3\n", Mode.ADD)
    sheet_imports.apply(sheet, first.id, request_key="k1")
    text = "编号,名称,数量\n1,西,20\n2,东,3\n2,西,4\n1,,5\n1,东,6\n1,东,7\n"
    row = sheet_imports.hand_in(sheet, "示例.csv", text.encode())
    both = replace(plan(sheet), also=(key_of(sheet, "名称"),))
    sheet_imports.check(sheet, row.id, both)
    assert figures(row) == (1, 1, 1, 3)
    codes = [problems[0][1] for _number, problems in import_refusals.listed(row.id)]
    assert codes == ["import.key-empty", "import.key-twice", "import.key-twice"]
    sheet_imports.apply(sheet, row.id, request_key="k2")
    assert figures(row) == (1, 1, 1, 3)
    number, name, amount = (key_of(sheet, one).removeprefix("x_") for one in ("编号", "名称", "数量"))
    query = select(OwnRow.extra).where(OwnRow.sheet_id == sheet.source.id).order_by(OwnRow.id)
    assert [(one[number], one[name], one[amount]) for one in db.session.scalars(query)] == [
        ("1", "东", 1), ("1", "西", 20), ("2", "东", 3), ("2", "西", 4),
    ]  # fmt: skip
    with pytest.raises(FieldErrors) as refused:
        sheet_imports.check(sheet, brought(sheet).id, replace(plan(sheet), also=(key_of(sheet, "编号"),)))
    assert [one.field for one in refused.value.problems] == ["also"]


def test_what_broke_off_is_gone_on_with(sheet: Grid) -> None:
    row = brought(sheet)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheet_imports, "run_apply", lambda *_args: None)  # the process dies between the two
        sheet_imports.apply(sheet, row.id, request_key="k1")
    db.session.refresh(row)
    assert (row.state, sheet_imports.broke_off(row)) == ("applying", True)
    sheet_imports.reopen(sheet.actor, row.id)
    assert not sheet_imports.broke_off(row)
    job.work(_claimed(row))
    assert (figures(row), len(rows(sheet))) == ((2, 0, 0, 1), 2)


def test_an_import_is_taken_back_in_one_step(sheet: Grid) -> None:
    sheet_imports.apply(sheet, brought(sheet).id, request_key="k1")
    before = rows(sheet)
    again = brought(sheet, "编号,名称,数量\n001,示例新,1\n005,示例五,5\n")
    sheet_imports.apply(sheet, again.id, request_key="k2")
    assert again.change_set_id is not None
    grid_undo.undo(sheet, again.change_set_id, request_key="k3")
    assert rows(sheet) == before


def test_a_large_file_is_a_task_and_a_successor_goes_on_behind_the_last_part(
    sheet: Grid, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_imports, "PART_TOGETHER", 100)
    db.session.execute(update(Assumption).where(Assumption.code == "grid_bulk_in_job").values(value=3))
    body = "".join(f"{number:03},示例{number},{number}\n" for number in range(250))
    row = brought(sheet, "编号,名称,数量\n" + body)
    assert row.state == "checking"
    run = _claimed(row)
    job.work(run)
    tasks.finish(run)
    assert figures(row) == (250, 0, 0, 0)
    sheet_imports.apply(sheet, row.id, request_key="k1")
    killed = _claimed(row)
    parts: list[int] = []

    def die(done: int, total: int | None = None, message: str = "") -> None:
        parts.append(done)
        if len(parts) == 2:
            raise KeyboardInterrupt

    killed.progress = die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        job.work(killed)
    assert len(rows(sheet)) == 200
    db.session.execute(update(Task).values(lease_until=present.now() - timedelta(days=1)))
    db.session.commit()
    successor = _claimed(row)
    job.work(successor)
    tasks.finish(successor)
    assert len(rows(sheet)) == 250
    assert figures(row) == (250, 0, 0, 0)
    assert make.count(ChangeSet, kind="import") == 1


def _claimed(row: SheetFile) -> tasks.Run:
    db.session.refresh(row)
    assert row.task_id is not None
    run = tasks.claim(row.task_id)
    assert run is not None
    return run


def test_a_cancelled_import_keeps_what_it_wrote_and_gives_it_back(
    sheet: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_imports, "PART_TOGETHER", 100)
    db.session.execute(update(Assumption).where(Assumption.code == "grid_bulk_in_job").values(value=3))
    body = "".join(f"{number:03},示例{number},{number}\n" for number in range(150))
    row = brought(sheet, "编号,名称,数量\n" + body)
    run = _claimed(row)
    job.work(run)
    tasks.finish(run)
    sheet_imports.apply(sheet, row.id, request_key="k1")
    run = _claimed(row)
    assert row.task_id is not None
    told: list[int] = []

    def stop(done: int, total: int | None = None, message: str = "") -> None:
        told.append(done)
        raise tasks.Stopped("cancelled")

    run.progress = stop  # type: ignore[method-assign]
    with pytest.raises(tasks.Stopped):
        job.work(run)
    tasks.stop(run, "cancelled")
    assert (row.state, len(rows(sheet))) == ("cancelled", 100)
    assert figures(row) == (100, 0, 0, 0)


def test_rights_are_those_of_the_moment_of_writing(sheet: Grid) -> None:
    db.session.execute(update(Assumption).where(Assumption.code == "grid_bulk_in_job").values(value=1))
    row = brought(sheet)
    db.session.execute(delete(Holding))
    db.session.commit()
    with pytest.raises(NotFound, match=r"sheet\.unknown"):
        job.work(_claimed(row))


def test_a_workbook_with_days_and_long_numbers_is_read_as_it_shows(sheet: Grid) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet()
    head, first, second = ["编号", "名称", "数量"], ["110101199003071234", "示例", 5], [7, "示例七", "１，２３４"]
    for place, cells in enumerate([head, first, second]):
        page.write_row(place, 0, cells)
    book.close()
    row = sheet_imports.hand_in(sheet, "示例.xlsx", out.getvalue())
    sheet_imports.check(sheet, row.id, plan(sheet))
    sheet_imports.apply(sheet, row.id, request_key="k1")
    assert rows(sheet) == {"110101199003071234": ("示例", 5), "7": ("示例七", 1234)}


def test_refused_rows_are_given_back_as_they_were(sheet: Grid) -> None:
    row = brought(sheet)
    headings, found = import_refusals.rows(row)
    assert headings == ["编号", "名称", "数量"]
    assert [one[:2] for one in found] == [(3, ["002", "示例二", "x"])]


def test_every_refused_row_is_told_however_many(sheet: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_refusals, "PAGE", 3)
    monkeypatch.setattr(sheet_imports, "PART_TOGETHER", 4)
    lines = [f"{n},示例,{'x' if n % 3 else n}" for n in range(1, 21)]
    row = brought(sheet, "\n".join(["编号,名称,数量", *lines]) + "\n")
    wanted = [n + 1 for n in range(1, 21) if n % 3]
    assert [number for number, _cells, _why in import_refusals.rows(row)[1]] == wanted
    sheet_imports.check(sheet, row.id, plan(sheet))  # looked at again, told once
    assert [(number, cells[0]) for number, cells, _why in import_refusals.rows(row)[1]] == [
        (number, str(number - 1)) for number in wanted
    ]
    looked = import_refusals.listed(row.id, limit=100)
    sheet_imports.apply(sheet, row.id, request_key="k1")
    assert import_refusals.listed(row.id, limit=100) == looked
    assert figures(row) == (6, 0, 0, 14)


def test_reasons_are_forgotten_with_the_file(sheet: Grid, make: Factory) -> None:
    row, kept = brought(sheet), brought(sheet)
    assert make.count(RefusedRow) == 2
    sheet_imports.drop(sheet.actor, row.id)
    assert make.count(RefusedRow, file_id=row.id) == 0
    sheet_files.expire(present.now() + timedelta(days=400))
    assert make.count(RefusedRow) == 0
    db.session.refresh(kept)
    assert kept.state == "expired"


def test_a_plan_that_cannot_be_carried_out_is_told_at_its_columns(sheet: Grid) -> None:
    row = sheet_imports.hand_in(sheet, "示例.csv", CSV.encode("gb18030"))
    code = key_of(sheet, "编号")
    with pytest.raises(FieldErrors) as refused:
        sheet_imports.check(sheet, row.id, Plan({0: code, 1: code}, Mode.BOTH, key_of(sheet, "名称")))
    told = {(one.field, one.code) for one in refused.value.problems}
    assert told == {
        ("column_0", "import.two-into-one"), ("column_1", "import.two-into-one"), ("key", "import.no-key"),
    }  # fmt: skip
    with pytest.raises(FieldErrors):
        sheet_imports.check(sheet, row.id, Plan({0: "nothing"}, Mode.ADD))


def test_nobody_elses_file_is_there(sheet: Grid, make: Factory) -> None:
    row = brought(sheet)
    other = make.actor(make.holder("supervisor"))
    with pytest.raises(NotFound, match=r"sheet-file\.unknown"):
        sheet_imports.access_file(other, row.id)
    sheet_imports.drop(sheet.actor, row.id)
    with pytest.raises(Conflict, match=r"sheet-file\.used"):
        file_contents.read(row)


def test_what_is_no_table_is_refused(sheet: Grid) -> None:
    for content in (b"", b"\x00\x01", b"PK\x03\x04x"):
        with pytest.raises(Invalid):
            sheet_imports.hand_in(sheet, "示例", content)


def test_headings_are_found_by_any_name(app: Flask) -> None:
    labels = {"x_code": ["编号", "Code"], "x_name": ["名称", "Name"]}
    assert imports_into.guessed([" 编 号*", "NAME", "名称", ""], labels) == {0: "x_code", 1: "x_name"}
    assert definitions.OWN == "own_row"
