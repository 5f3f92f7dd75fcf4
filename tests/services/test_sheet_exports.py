"""A view as a file: exactly its rows and columns, the same bytes again, nobody else's, never a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook
from sqlalchemy import delete, select, update

from app import export_files, grids, ledger_paper
from app.models import Assumption, Audit, Holding, Post, SheetFile, Task, db
from app.reports import csv_file, watermark
from app.rules import query as queries
from app.rules import sheet_guess
from app.rules.errors import Conflict, Invalid, NotFound
from app.services import file_contents, present, sheet_exports, sheet_files, tasks
from app.services.actors import Actor
from app.services.grants import standing_of
from app.services.grids import Grid
from app.services.sheet_exports import Wanted
from jobs import exports
from tests.factories import Factory

EVIL = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\tx", "＝1+1",
    "'=1+1", "'示例'", "http://example.invalid", "110101199003071234", "00123",
]  # fmt: skip


@pytest.fixture
def ledger(app: Flask, make: Factory) -> Grid:
    """The ledger's administrator before as many appeals as there are evil texts."""
    for number, subject in enumerate(EVIL):
        appeal = make.appeal("registered")
        appeal.subject, appeal.received_at = subject, present.now() - timedelta(minutes=number)
    db.session.commit()
    return _grid(make.user_of(make.holder("ledger_admin")).id)


def _grid(user_id: int, code: str = "ledger") -> Grid:
    standing = standing_of(user_id)
    assert standing is not None
    actor = Actor(standing.user_id, standing.person_id, standing.grants, standing.name)
    return grids.grid(code, grids.Reader(actor, frozenset(standing.pairs), english=False))


def wanted(grid: Grid, *columns: str, format: str = "xlsx", encoding: str = "utf-8", **spec: Any) -> Wanted:
    """A view of these columns, the latest first."""
    query = queries.read({"columns": list(columns or ("number", "subject", "received_at")), **spec}, grid.kinds)
    return Wanted(query, format, encoding, "示例视图")


def made(grid: Grid, view: Wanted, key: str = "k1") -> SheetFile:
    """The file of a view, made at once."""
    row = sheet_exports.ask(grid, view, reason="示例用途", request_key=key)
    export_files.make(lambda: grid, row.id)
    db.session.refresh(row)
    return row


def cells(content: bytes) -> list[list[Any]]:
    """All rows of the first worksheet."""
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def test_a_workbook_holds_exactly_the_view_and_says_what_it_is(ledger: Grid) -> None:
    view = wanted(ledger, "subject", "state", "received_at", filter={"all": [{"field": "state", "op": "in",
                  "value": ["registered"]}]}, sort=[["received_at", "desc"]])  # fmt: skip
    row = made(ledger, view)
    assert (row.state, row.rows, row.format) == ("ready", len(EVIL), "xlsx")
    rows = cells(file_contents.read(row))
    told = [one[0] for one in rows[: rows.index(next(r for r in rows if r[0] == "标题"))]]
    assert told[:3] == ["示例视图", "表：台账", "视图：示例视图"]
    assert {"筛选：状态 是其中之一 待批办", "排序：收到时间 降序", watermark.MARK} <= set(told)
    table = rows[len(told) :]
    assert table[0][:3] == ["标题", "状态", "收到时间"]
    assert [one[0] for one in table[1:]] == EVIL
    assert {one[1] for one in table[1:]} == {"待批办"}


def test_no_cell_is_a_formula_a_link_or_a_number_by_chance(ledger: Grid) -> None:
    content = file_contents.read(made(ledger, wanted(ledger)))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        whole = b"".join(parts.read(name) for name in parts.namelist())
    assert b"<f>" not in whole
    assert b"<hyperlink" not in whole
    assert "110101199003071234" in [row[1] for row in cells(content) if len(row) > 1]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_csv_is_read_back_and_neutralised(ledger: Grid, encoding: str) -> None:
    row = made(ledger, wanted(ledger, "subject", format="csv", encoding=encoding, sort=[["received_at", "desc"]]))
    text = file_contents.read(row).decode(csv_file.ENCODINGS[encoding])
    found = [line[0] for line in csv.reader(io.StringIO(text, newline=""))]
    assert found == ["标题", *(f"'{one}" if one[0] in "=+-@\t＝" or one[:2] == "'=" else one for one in EVIL)]
    assert [line[0] for line in sheet_guess.delimited(file_contents.read(row))] == ["标题", *EVIL]


def test_the_same_rows_give_the_same_bytes_and_a_fetched_file_names_who_fetched_it(ledger: Grid) -> None:
    moment = present.now()
    with present.at(moment):
        first, second = made(ledger, wanted(ledger), "k1"), made(ledger, wanted(ledger), "k2")
    assert first.id != second.id
    assert (first.digest, first.size) == (second.digest, second.size)
    content = file_contents.read(first)
    stamped = watermark.stamped(content, "示例张三 & <b>")
    assert cells(stamped) == [
        [("示例张三 ＆ <b>" if cell == watermark.MARK else cell) for cell in row] for row in cells(content)
    ]
    with zipfile.ZipFile(io.BytesIO(stamped)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "示例张三 ＆ &lt;b&gt;" in sheet[sheet.index("<oddFooter>") :]
    assert watermark.stamped(content, "示例李四") == watermark.stamped(content, "示例李四")


def test_a_mark_between_two_pieces_is_found(tmp_path: Path) -> None:
    for shift in range(len(watermark.MARK) + 1):
        body = b"x" * (watermark._PIECE - shift) + watermark.MARK.encode() + b"y"
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as parts:
            parts.writestr("part.xml", body)
        with zipfile.ZipFile(io.BytesIO(watermark.stamped(content.getvalue(), "示例"))) as parts:
            assert parts.read("part.xml") == body.replace(watermark.MARK.encode(), "示例".encode())


def test_a_reason_is_asked_and_a_key_acts_once(ledger: Grid, make: Factory) -> None:
    with pytest.raises(Invalid, match=r"export\.reason-missing"):
        sheet_exports.ask(ledger, wanted(ledger), reason=" ", request_key="k")
    first = sheet_exports.ask(ledger, wanted(ledger), reason="示例", request_key="k")
    assert sheet_exports.ask(ledger, wanted(ledger), reason="示例", request_key="k").id == first.id
    assert make.count(SheetFile) == 1


def test_the_cap_is_the_posts_own_else_that_of_everybody(ledger: Grid) -> None:
    db.session.execute(update(Assumption).where(Assumption.code == "grid_export_cap").values(value=5))
    with pytest.raises(Invalid) as refused:
        sheet_exports.ask(ledger, wanted(ledger), reason="示例", request_key="k")
    assert (refused.value.code, refused.value.data) == ("export.over-cap", {"most": 5})
    db.session.execute(update(Post).where(Post.code == "ledger_admin").values(export_cap=len(EVIL)))
    assert made(ledger, wanted(ledger)).rows == len(EVIL)


def test_a_large_view_is_a_task_that_a_killed_workers_successor_finishes(ledger: Grid, make: Factory) -> None:
    db.session.execute(update(Assumption).where(Assumption.code == "grid_export_in_job").values(value=3))
    row = sheet_exports.ask(ledger, wanted(ledger), reason="示例", request_key="k")
    task = db.session.scalars(select(Task).where(Task.id == row.task_id)).one()
    assert (task.kind, task.total, sheet_files.access_file(ledger.actor, row.id).state) == (
        "sheet_export", len(EVIL), "pending",
    )  # fmt: skip
    killed = tasks.claim(task.id)
    assert killed is not None
    db.session.execute(update(Task).where(Task.id == task.id).values(lease_until=present.now() - timedelta(days=1)))
    db.session.commit()
    successor = tasks.claim(task.id)
    assert successor is not None
    exports.make(successor)
    tasks.finish(successor)
    db.session.refresh(row)
    assert (row.state, row.rows) == ("ready", len(EVIL))
    digest = row.digest
    exports.make(successor)  # run once more it changes nothing
    db.session.refresh(row)
    assert row.digest == digest
    assert make.count(Audit, event="sheet.export") == 1


def test_a_cancelled_task_leaves_no_file(ledger: Grid) -> None:
    db.session.execute(update(Assumption).where(Assumption.code == "grid_export_in_job").values(value=3))
    row = sheet_exports.ask(ledger, wanted(ledger), reason="示例", request_key="k")
    assert row.task_id is not None
    run = tasks.claim(row.task_id)
    assert run is not None
    tasks.cancel(ledger.actor, row.task_id)
    with pytest.raises(tasks.Stopped):
        exports.make(run)
    tasks.stop(run, "cancelled")
    db.session.refresh(row)
    assert row.content_sealed is None
    assert sheet_files.access_file(ledger.actor, row.id).state == "cancelled"


def test_rights_that_were_lost_meanwhile_are_lost_for_the_file(ledger: Grid) -> None:
    db.session.execute(update(Assumption).where(Assumption.code == "grid_export_in_job").values(value=3))
    row = sheet_exports.ask(ledger, wanted(ledger), reason="示例", request_key="k")
    assert row.task_id is not None
    db.session.execute(delete(Holding))
    db.session.commit()
    run = tasks.claim(row.task_id)
    assert run is not None
    with pytest.raises(NotFound, match=r"sheet\.unknown"):
        exports.make(run)


def test_nobody_elses_file_is_there_and_a_dropped_or_old_one_is_gone(ledger: Grid, make: Factory) -> None:
    row = made(ledger, wanted(ledger))
    other = _grid(make.user_of(make.holder("supervisor")).id)
    for act in (sheet_files.access_file, sheet_files.read, sheet_files.drop):
        with pytest.raises(NotFound, match=r"sheet-file\.unknown"):
            act(other.actor, row.id)
    assert sheet_files.expire(present.now() + timedelta(days=6, hours=23)) == 0
    assert sheet_files.expire(present.now() + timedelta(days=7, hours=1)) == 1
    db.session.refresh(row)
    with pytest.raises(Conflict, match=r"sheet-file\.expired"):
        sheet_files.read(ledger.actor, row.id)
    sheet_files.drop(ledger.actor, row.id)
    assert list(sheet_files.listed(ledger.actor)) == []


def test_a_text_longer_than_a_cell_is_not_cut(ledger: Grid, make: Factory) -> None:
    appeal = make.appeal("registered")
    appeal.body, appeal.received_at = "长" * 40_000, present.now()
    db.session.commit()
    content = file_contents.read(made(ledger, wanted(ledger, "body")))
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheets = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
    whole = "".join(str(cell) for rows in sheets for row in rows for cell in row)
    assert whole.count("长") >= 40_000


def test_the_ledger_is_printed_with_its_own_columns_totals_and_lines_to_sign(ledger: Grid) -> None:
    view = wanted(ledger, "subject")
    paper = replace(view, query=ledger_paper.of_paper(ledger, view.query), layout="ledger")
    row = made(ledger, paper)
    table = cells(file_contents.read(row))
    assert (row.state, row.rows) == ("ready", len(EVIL))
    head = next(one for one in table if one[0] == "序号")
    assert head == ["序号", "编号", "收到时间", "渠道", "标题", "责任单位", "到期", "是否按时办结", "办理结果", "附注"]
    assert {one[4] for one in table} >= {"=1+1", "110101199003071234"}
    total, so_far = (next(one for one in table if one[0] == label) for label in ("本页小计", "累计"))
    assert total[2] == so_far[2]
    assert total[2].startswith(f"件数：{len(EVIL)}")
    counts = [int(one) for one in re.findall(r"\d+", total[2])]
    assert counts[0] == sum(counts[1:])
    assert any(one[0] == "填表人：" for one in table)
    db.session.execute(update(Assumption).where(Assumption.code == "ledger_print_cap").values(value=3))
    codes = []
    for key, view in (("k2", paper), ("k3", replace(paper, format="csv"))):
        with pytest.raises(Invalid) as refused:
            sheet_exports.ask(ledger, view, reason="示例用途", request_key=key)
        codes.append(refused.value.code)
    assert codes == ["export.too-much-for-paper", "export.format"]
