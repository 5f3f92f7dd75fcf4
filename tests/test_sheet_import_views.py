"""A file into a sheet as its pages: handed in, columns named by themselves, looked at, written, taken back."""

from __future__ import annotations

import io
import re

from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from app.models import Appeal, FieldDefinition, SheetFile, db
from app.rules.values import ValueKind
from app.services import own_sheets
from app.services.own_sheets import Line, Plan
from tests.factories import Factory

URL = "https://localhost"


def brought(client: FlaskClient, text: str) -> str:
    """The address of the page of a file that was handed in for the ledger."""
    data = {"workbook": (io.BytesIO(text.encode("gb18030")), "示例.csv")}
    answer = client.post("/sheet-imports/ledger/upload", base_url=URL, data=data, content_type="multipart/form-data")
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def form_of(page: str, action: str) -> dict[str, str]:
    """What the form of that address would send as it stands: hidden fields and chosen options."""
    form = re.search(rf'<form[^>]*action="[^"]*{action}".*?</form>', page, re.DOTALL)
    assert form is not None, action
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    found.pop("csrf_token", "")  # another one every second
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_a_file_goes_through_its_pages(make: Factory) -> None:
    appeals = [make.appeal("registered") for _number in range(2)]
    db.session.commit()
    client = make.signed_in(make.holder("ledger_admin"))
    lines = [f"{one.number},示例附注" for one in appeals]
    page = brought(client, "\n".join(["编号,附注", *lines, "没有的编号,示例附注"]))
    shown = client.get(page, base_url=URL).text
    form = form_of(shown, "/check")
    assert (form["column_0"], form["column_1"], form["mode"], form["key"]) == ("number", "note", "update", "number")
    assert client.post(f"{page}/check", base_url=URL, data=form | {"key": ""}).status_code == 422
    assert client.post(f"{page}/check", base_url=URL, data=form).status_code == 302
    looked = client.get(page, base_url=URL).text
    assert "尚未写入" in looked
    assert "表中没有您可见的对应记录" in looked
    assert {one.note for one in db.session.query(Appeal)} == {""}
    refused = client.get(f"{page}/refused", base_url=URL)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(refused.data)).get_sheet_by_index(0).to_python()
    assert any("没有的编号" in row for row in rows)
    apply = form_of(looked, "/apply")
    for _sent in range(2):
        assert client.post(f"{page}/apply", base_url=URL, data=apply).status_code == 302
    assert all("示例附注" in one.note for one in db.session.query(Appeal))
    assert all(one.note.count("示例附注") == 1 for one in db.session.query(Appeal))
    done = client.get(page, base_url=URL).text
    assert "已写入" in done
    assert "示例.csv" in client.get("/sheet-imports/ledger", base_url=URL).text
    assert make.signed_in(make.holder("supervisor")).get(page, base_url=URL).status_code == 404


def test_a_file_is_forgotten_or_its_columns_are_named_anew(make: Factory) -> None:
    make.appeal("registered")
    client = make.signed_in(make.holder("ledger_admin"))
    page = brought(client, "编号,地点\nx,示例\n")
    form = form_of(client.get(page, base_url=URL).text, "/check")
    assert client.post(f"{page}/check", base_url=URL, data=form).status_code == 302
    assert client.post(f"{page}/again", base_url=URL).status_code == 302
    assert form_of(client.get(page, base_url=URL).text, "/check") == form
    assert client.post(f"{page}/drop", base_url=URL).status_code == 302
    assert db.session.query(SheetFile).one().content_sealed is None


def test_what_is_no_table_is_refused_on_the_page(make: Factory) -> None:
    client = make.signed_in(make.holder("ledger_admin"))
    data = {"workbook": (io.BytesIO(b"\x00\x01\x02"), "示例.bin")}
    answer = client.post("/sheet-imports/ledger/upload", base_url=URL, data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "role=\"alert\"" in answer.text or "aria-invalid" in answer.text


def test_a_unique_field_of_an_own_sheet_is_its_key(make: Factory) -> None:
    lines = (Line("名称", ValueKind.TEXT), Line("编码", ValueKind.TEXT), Line("备注", ValueKind.TEXT))
    officer = make.actor(officer="system")
    own = own_sheets.make(officer, Plan("示例路灯", lines=lines, writers=(make.post("editor").id,)))
    code = db.session.query(FieldDefinition).filter_by(own_sheet_id=own.id, label="编码").one()
    code.is_unique = True
    db.session.commit()
    client = make.signed_in(make.holder("editor"))
    data = {"workbook": (io.BytesIO("名称,编码,备注\n示例,7,无\n".encode()), "示例.csv")}
    address = f"/sheet-imports/own_{own.code}/upload"
    sent = client.post(address, base_url=URL, data=data, content_type="multipart/form-data")
    form = form_of(client.get(str(sent.headers["Location"]), base_url=URL).text, "/check")
    assert (form["mode"], form["key"]) == ("both", f"x_{code.code}")
    page = str(sent.headers["Location"])
    wrong = client.post(f"{page}/check", base_url=URL, data=form | {"also": [form["key"], ""]})
    assert wrong.status_code == 422
    assert client.post(f"{page}/check", base_url=URL, data=form | {"also": ["", form["column_0"]]}).status_code == 302
    assert db.session.query(SheetFile).one().spec["plan"]["also"] == [form["column_0"]]


def test_the_columns_of_a_file_like_the_last_one_are_named_as_then_and_the_same_file_is_told(make: Factory) -> None:
    appeal = make.appeal("registered")
    db.session.commit()
    client = make.signed_in(make.holder("ledger_admin"))
    text = f"编号,附注,备忘\n{appeal.number},示例附注,示例备忘\n"
    page = brought(client, text)
    form = form_of(client.get(page, base_url=URL).text, "/check")
    assert (form["column_1"], form["column_2"]) == ("note", "")
    swapped = form | {"column_1": "", "column_2": "note"}
    assert client.post(f"{page}/check", base_url=URL, data=swapped).status_code == 302
    apply = form_of(client.get(page, base_url=URL).text, "/apply")
    assert client.post(f"{page}/apply", base_url=URL, data=apply).status_code == 302
    again = client.get(brought(client, text), base_url=URL).text
    assert form_of(again, "/check") | {"key": "number"} == swapped | {"key": "number"}
    assert "同一份文件" in again
    other = client.get(brought(client, text.replace("备忘", "说明")), base_url=URL).text
    assert form_of(other, "/check")["column_1"] == "note"
    assert "同一份文件" not in other
    colleague = make.signed_in(make.holder("supervisor"))
    assert client.get(page, base_url=URL).status_code == 200
    assert colleague.get(page, base_url=URL).status_code == 404
