"""Sheets made at run time: from nothing, from a workbook, shared with posts, in the grid at once, switched off."""

from __future__ import annotations

import io
from typing import Any

import pytest
import xlsxwriter
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.models import Audit, OwnRow, OwnSheet, SheetFile, Task, db
from app.rules.values import ValueKind
from app.services import definitions, own_sheets, tasks
from app.services.own_sheets import Line, Plan
from tests.factories import Factory

URL = "https://localhost"


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    """The system officer's browser."""
    return make.signed_in(officer="system")


def book(rows: list[list[Any]]) -> bytes:
    """A workbook with these rows."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    return out.getvalue()


def upload(client: FlaskClient, content: bytes, name: str = "示例桥梁.xlsx") -> str:
    """Hand a file in; the address it leads to."""
    answer = client.post("/own-sheets/upload", base_url=URL, data={"workbook": (io.BytesIO(content), name)})
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def test_a_sheet_from_nothing_is_in_the_grid_of_its_posts_at_once(system: FlaskClient, make: Factory) -> None:
    supervisor, editor = make.post("supervisor"), make.post("editor")
    form = {
        "name": "示例桥梁", "label_0": "名称", "kind_0": "text", "required_0": "1", "label_1": "状况",
        "kind_1": "choice", "choices_1": "好\n差", "label_3": "长度", "kind_3": "number", "readers": editor.id,
        "writers": supervisor.id,
    }  # fmt: skip
    answer = system.post("/own-sheets/new", base_url=URL, data=form)
    assert answer.status_code == 302, answer.text
    code = answer.location.rsplit("/", 1)[1]
    writer, reader = make.signed_in(make.holder("supervisor")), make.signed_in(make.holder("editor"))
    stranger = make.signed_in(make.holder("registrar"))
    schema = writer.get(f"/api/v1/sheets/{code}", base_url=URL).json
    assert schema is not None
    assert [one["label"] for one in schema["columns"]] == ["名称", "状况", "长度"]
    assert schema["can"] == {"add": True, "edit": True, "remove": True}
    told = reader.get(f"/api/v1/sheets/{code}", base_url=URL).json
    assert told is not None
    assert told["can"]["edit"] is False
    assert stranger.get(f"/api/v1/sheets/{code}", base_url=URL).status_code == 404
    assert stranger.get(f"/grid/{code}", base_url=URL).status_code == 404
    assert writer.get(f"/grid/{code}", base_url=URL).status_code == 200
    assert db.session.scalars(select(Audit).where(Audit.object_type == "own_sheet")).first() is not None


def test_what_is_missing_is_said_at_its_place(system: FlaskClient) -> None:
    form = {"name": "", "label_0": "甲", "kind_0": "choice", "label_1": "甲", "kind_1": "text"}
    answer = system.post("/own-sheets/new", base_url=URL, data=form)
    assert answer.status_code == 422
    assert 'id="choices_0-error"' in answer.text
    assert 'id="label_1-error"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(OwnSheet)) == 0
    assert system.post("/own-sheets/new", base_url=URL, data={"name": "示例"}).status_code == 422


def test_a_workbook_becomes_a_sheet_and_what_does_not_fit_is_told(system: FlaskClient) -> None:
    rows: list[list[Any]] = [["示例桥梁台帐"], ["名称", "长度", "电话"]]
    rows += [[f"示例{n}号桥", 10 + n, "0792-8223172"] for n in range(9)]
    rows.insert(5, ["示例坏桥", "很长", ""])
    address = upload(system, book(rows))
    page = system.get(address, base_url=URL)
    assert "示例0号桥" in page.text
    form = {
        "name": "示例桥梁", "take_0": "1", "label_0": "名称", "kind_0": "text", "take_1": "1", "label_1": "长度",
        "kind_1": "number", "take_2": "1", "label_2": "电话", "kind_2": "text",
    }  # fmt: skip
    assert system.post(address, base_url=URL, data=form).status_code == 302
    outcome = system.get(address, base_url=URL)
    assert "已导入9行" in outcome.text
    assert "示例坏桥" in outcome.text
    extras = list(db.session.scalars(select(OwnRow.extra).order_by(OwnRow.id)))
    assert len(extras) == 9
    assert extras[0] == {"ming_cheng": "示例0号桥", "chang_du": 10, "dian_hua": "0792-8223172"}
    row = db.session.scalars(select(SheetFile)).one()
    assert (row.state, row.content_sealed) == ("done", None)
    assert system.post(address, base_url=URL, data=form).status_code == 200  # repeated: how it went


def test_a_large_file_is_a_task_that_does_all_or_nothing(
    make: Factory, system: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_sheets, "AT_ONCE", 10)
    monkeypatch.setattr(own_sheets, "PART", 7)
    content = "\n".join(["名称,长度", *(f"示例{n}号桥,{n}" for n in range(40))]).encode("gb18030")
    address = upload(system, content, "示例桥梁.csv")
    officer = make.actor(officer="system")
    file_id = int(address.rsplit("/", 1)[1])
    lines = (Line("名称", ValueKind.TEXT, place=0), Line("长度", ValueKind.NUMBER, place=1))
    row = own_sheets.make_from(officer, file_id, Plan("示例桥梁", lines=lines))
    assert definitions.current().sheets == {}
    task = db.session.scalars(select(Task).where(Task.id == row.task_id)).one()
    assert system.get(address, base_url=URL).status_code == 200
    run = tasks.claim(task.id)
    assert run is not None
    assert own_sheets.fill(run) == "own-sheet.filled"
    assert db.session.scalar(select(func.count()).select_from(OwnRow)) == 40
    assert own_sheets.fill(run) == "task.done"  # run again it changes nothing
    assert [one.name for one in definitions.current().sheets.values()] == ["示例桥梁"]


def test_what_is_no_table_is_refused_with_its_reason(system: FlaskClient) -> None:
    for content in (b"\x00\x01\x02\xff", b"", b"PK\x03\x04broken"):
        data = {"workbook": (io.BytesIO(content), "示例.xlsx")}
        assert system.post("/own-sheets/upload", base_url=URL, data=data).status_code == 422


def test_a_sheet_is_shared_anew_and_switched_off(system: FlaskClient, make: Factory) -> None:
    sheet = own_sheets.make(make.actor(officer="system"), Plan("示例桥梁", lines=(Line("名称", ValueKind.TEXT),)))
    address = f"/own-sheets/{sheet.id}"
    form = {"name": "示例桥", "title_field": "ming_cheng", "is_open": "1", "version": sheet.version}
    assert system.post(f"{address}/edit", base_url=URL, data=form).status_code == 302
    everybody = make.signed_in(make.holder("registrar"))
    assert everybody.get(f"/api/v1/sheets/own_{sheet.code}", base_url=URL).status_code == 200
    assert system.post(f"{address}/edit", base_url=URL, data=form).status_code == 409
    assert system.post(f"{address}/switch", base_url=URL, data={"active": "0"}).status_code == 302
    assert everybody.get(f"/api/v1/sheets/own_{sheet.code}", base_url=URL).status_code == 404
    assert system.post(f"{address}/switch", base_url=URL, data={"active": "1"}).status_code == 302
    assert everybody.get(f"/api/v1/sheets/own_{sheet.code}", base_url=URL).status_code == 200
