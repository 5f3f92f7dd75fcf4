"""Fields of kind attachment: files in forms and cells of every sheet, who opens them, what history and trash keep."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app import export_files, grids
from app.models import Attachment, Audit, ChangeSetRow, Journal, OwnRow, db
from app.rules.query import Query
from app.rules.values import ValueKind
from app.services import attachments, definitions, field_definitions, grid_rows, own_sheets, present
from app.services.definitions import OWN, Own
from app.services.field_definitions import Place
from app.services.own_sheets import Line, Plan
from tests.bad_files import REFUSED, pdf, png
from tests.factories import Factory

URL = "https://localhost"
JSON = {"Accept": "application/json"}


def add(make: Factory, place: Place, code: str = "scan", **more: Any) -> int:
    """A field of kind attachment."""
    raw = {"label": f"示例{code}", "code": code, "kind": "files", **more}
    return int(field_definitions.add(make.actor(officer="system"), place, raw).id)


@pytest.fixture
def own(make: Factory) -> Own:
    """An own sheet with files that the supervisor fills in and the editor reads."""
    plan = Plan("示例图纸", "Sample drawings", lines=(Line("名称", ValueKind.TEXT, required=True),),
                readers=(make.post("editor").id,), writers=(make.post("supervisor").id,))  # fmt: skip
    sheet = own_sheets.make(make.actor(officer="system"), plan)
    add(make, Place(OWN, sheet.id))
    db.session.commit()
    return definitions.current().sheets[sheet.code]


def hand_in(client: FlaskClient, code: str, content: bytes, name: str = "示例照.png", status: int = 200) -> Any:
    """A file for the field `scan` of a sheet."""
    headers = {**JSON, "X-File-Name": quote(name), "Content-Type": "application/octet-stream"}
    path = f"/api/v1/sheets/{code}/files/x_scan?form=once"
    answer = client.post(path, base_url=URL, data=content, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


def ask(client: FlaskClient, path: str, **body: Any) -> Any:
    answer = client.post(f"/api/v1/sheets/{path}", base_url=URL, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json


def rows(client: FlaskClient, code: str, **body: Any) -> list[Any]:
    found: list[Any] = ask(client, f"{code}/rows", **body)["rows"]
    return found


def patch(client: FlaskClient, path: str, status: int = 200, **body: Any) -> Any:
    answer = client.patch(f"/api/v1/sheets/{path}", base_url=URL, json=body)
    assert answer.status_code == status, answer.text
    return answer.json


def test_a_cell_takes_files_and_gives_them_to_who_reads_the_row(own: Own, make: Factory) -> None:
    writer, reader = make.signed_in(make.holder("supervisor")), make.signed_in(make.holder("editor"))
    stranger, code = make.signed_in(make.holder("registrar")), f"own_{own.code}"
    first, second = hand_in(writer, code, png()), hand_in(writer, code, pdf(), "示例说明.pdf")
    assert writer.get(first["preview_url"], base_url=URL).data == png()
    assert reader.get(first["preview_url"], base_url=URL).status_code == 404
    made = ask(writer, f"{code}/rows/new", values={"x_ming_cheng": "一", "x_scan": [first["id"], second["id"]]},
               request_key="new")["row"]  # fmt: skip
    shown = [[first["id"], "示例照.png"], [second["id"], "示例说明.pdf"]]
    assert made["cells"]["x_scan"] == shown
    address = f"/api/v1/sheets/{code}/files/{second['id']}"
    answer = reader.get(address, base_url=URL)
    assert (answer.status_code, answer.data) == (200, pdf())
    assert answer.headers["Content-Disposition"].startswith("attachment")
    read = db.session.scalars(select(Audit).where(Audit.event == "attachment.read")).one()
    assert (read.object_id, read.detail["row"]) == (str(second["id"]), made["id"])
    assert stranger.get(address, base_url=URL).status_code == 404
    assert reader.get(f"/api/v1/sheets/units/files/{second['id']}", base_url=URL).status_code == 404
    hand_in(reader, code, png(), status=403)
    hand_in(writer, code, REFUSED[sorted(REFUSED)[0]][0], status=422)
    page = reader.get(f"/own/{own.code}/{made['id']}", base_url=URL).text
    assert "示例说明.pdf</a>" in page


def test_what_a_cell_lets_go_of_stays_and_comes_back_by_undo(own: Own, make: Factory) -> None:
    writer, code = make.signed_in(make.holder("supervisor")), f"own_{own.code}"
    file = hand_in(writer, code, png())
    values = {"x_ming_cheng": "一", "x_scan": [file["id"]]}
    made = ask(writer, f"{code}/rows/new", values=values, request_key="n")["row"]
    path = f"{code}/rows/{made['id']}"
    done = patch(writer, path, version=made["version"], values={"x_scan": []}, request_key="away")
    assert done["row"]["cells"]["x_scan"] is None
    assert writer.get(file["preview_url"], base_url=URL).status_code == 404
    back = ask(writer, f"{code}/edits/{done['change_set']}/undo", request_key="back")
    assert back["rows"][0]["cells"]["x_scan"] == [[file["id"], "示例照.png"]]
    assert writer.get(file["preview_url"], base_url=URL).data == png()
    told = [*db.session.scalars(select(Journal)), *db.session.scalars(select(ChangeSetRow))]
    assert not any("示例照" in str((one.old, one.new)) for one in told)
    past = writer.get(f"/api/v1/sheets/{path}/history?field=x_scan", base_url=URL).json
    assert past is not None
    assert past["history"][0]["new"] == [[file["id"], "示例照.png"]]
    assert "示例照.png" in writer.get(f"/own/{own.code}/{made['id']}/history", base_url=URL).text
    assert attachments.sweep(present.now() + timedelta(days=30)) == 0


def test_an_export_says_the_names(own: Own, make: Factory) -> None:
    writer, code = make.signed_in(make.holder("supervisor")), f"own_{own.code}"
    files = [hand_in(writer, code, png()), hand_in(writer, code, pdf(), "示例说明.pdf")]
    values = {"x_ming_cheng": "一", "x_scan": [one["id"] for one in files]}
    ask(writer, f"{code}/rows/new", values=values, request_key="n")
    with make.app.test_request_context():
        grid = grids.grid(code, grids.Reader(make.actor(make.holder("supervisor")), frozenset(), english=False))
        [row] = grid_rows.stream(grid, Query(columns=("x_ming_cheng", "x_scan")), db.session)
        say = export_files._words_of(grid.columns["x_scan"])
        assert (row[0], say(row[1])) == ("一", "示例照.png、示例说明.pdf")


def test_a_file_of_another_row_or_person_is_no_value(own: Own, make: Factory) -> None:
    writer, other = make.signed_in(make.holder("supervisor")), make.signed_in(officer="system")
    code = f"own_{own.code}"
    mine, foreign = hand_in(writer, code, png()), hand_in(other, code, pdf())
    values: dict[str, Any] = {"x_ming_cheng": "一", "x_scan": [mine["id"]]}
    made = ask(writer, f"{code}/rows/new", values=values, request_key="1")["row"]
    for number, wrong in enumerate((mine["id"], foreign["id"], 999_999)):
        values = {"x_ming_cheng": "二", "x_scan": [wrong]}
        answer = writer.post(f"/api/v1/sheets/{code}/rows/new", base_url=URL,
                             json={"values": values, "request_key": f"w{number}"})  # fmt: skip
        assert answer.status_code == 422, answer.text
        assert answer.json is not None
        assert list(answer.json["error"]["fields"]) == ["x_scan"]
    assert [one["cells"]["x_scan"] is not None for one in rows(writer, code)] == [True]
    assert rows(writer, code, query={"filter": {"all": [{"field": "x_scan", "op": "empty"}]}}) == []
    found = rows(writer, code, query={"filter": {"all": [{"field": "x_scan", "op": "not_empty"}]}})
    assert [one["id"] for one in found] == [made["id"]]
    db.session.execute(update(Attachment).where(Attachment.id == foreign["id"]).values(
        created_at=present.now() - timedelta(days=2)))  # fmt: skip
    db.session.commit()
    assert attachments.sweep(present.now()) == 1


def test_forms_take_files_also_without_script(own: Own, make: Factory) -> None:
    writer = make.signed_in(make.holder("supervisor"))
    page = writer.get(f"/own/{own.code}/add", base_url=URL).text
    assert f"/api/v1/sheets/own_{own.code}/files/x_scan?form=" in page
    file = (BytesIO(png()), "示例甲.png")
    form = {"x_ming_cheng": "一", "x_scan-shown": "1", "request_key": "k", "x_scan-files": file}
    answer = writer.post(f"/own/{own.code}/add", base_url=URL, data=form)
    assert answer.status_code == 302, answer.text
    row = db.session.scalars(select(OwnRow)).one()
    file_id = row.extra["scan"][0]
    page = writer.get(f"/own/{own.code}/{row.id}/edit", base_url=URL).text
    assert "示例甲.png" in page
    bad = {"version": row.version, "x_ming_cheng": "", "x_scan-shown": "1", "x_scan": str(file_id)}
    assert "示例甲.png" in writer.post(f"/own/{own.code}/{row.id}/edit", base_url=URL, data=bad).text
    gone = {"version": row.version, "x_ming_cheng": "一", "x_scan-shown": "1"}
    assert writer.post(f"/own/{own.code}/{row.id}/edit", base_url=URL, data=gone).status_code == 302
    db.session.refresh(row)
    assert "scan" not in row.extra
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 1


def test_a_dictionary_row_holds_files(make: Factory) -> None:
    officer = make.signed_in(officer="system")
    add(make, Place("unit"))
    unit = make.a_unit()
    db.session.commit()
    file = hand_in(officer, "units", png())
    form = {"version": unit.version, "name": unit.name, "kind": unit.kind, "active": "y", "x_scan": str(file["id"])}
    answer = officer.post(f"/dictionary/units/edit/{unit.id}", base_url=URL, data=form)
    assert answer.status_code == 302, answer.text
    db.session.refresh(unit)
    assert unit.extra == {"scan": [file["id"]]}
    for path in (f"show/{unit.id}", f"history/{unit.id}", f"edit/{unit.id}"):
        assert "示例照.png" in officer.get(f"/dictionary/units/{path}", base_url=URL).text


def test_an_appeals_files_follow_the_readers_of_the_field(make: Factory) -> None:
    registrar, supervisor = make.holder("registrar"), make.holder("supervisor")
    add(make, Place("appeal"), reader_post_ids=[make.post("registrar").id])
    appeal = make.appeal("registered")
    db.session.commit()
    writer, other = make.signed_in(registrar), make.signed_in(supervisor)
    file = hand_in(writer, "appeals", png())
    form = {"version": appeal.version, "x_scan": str(file["id"]), "x_scan-shown": "1"}
    answer = writer.post(f"/appeals/{appeal.id}/fields", base_url=URL, data=form)
    assert answer.status_code == 302, answer.text
    page = writer.get(f"/appeals/{appeal.id}", base_url=URL).text
    assert f"/api/v1/sheets/appeals/files/{file['id']}" in page
    assert "示例照.png" in page
    for path in (f"/api/v1/sheets/appeals/files/{file['id']}", f"/attachments/{file['id']}/file"):
        assert other.get(path, base_url=URL).status_code == 404
    assert "示例照.png" not in other.get(f"/appeals/{appeal.id}", base_url=URL).text
    assert attachments.listed(make.actor(registrar), appeal.id) == []
    kept = db.session.get_one(Attachment, file["id"])
    assert (kept.appeal_id, kept.purpose) == (appeal.id, "field")
    assert attachments.destroy_in(appeal.id) == 1
