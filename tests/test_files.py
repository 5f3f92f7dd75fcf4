"""Files over HTTP: a fresh login is asked for, what is fetched carries the name, nobody else fetches it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import update

from app.models import Assumption, Audit, LoginSession, Task, db
from app.services import present
from tests.factories import Factory

URL = "https://localhost"
ASKED = {"query": {"columns": ["number", "subject"]}, "reason": "示例用途", "request_key": "k1", "view": "示例视图"}


def ask(client: FlaskClient, **body: Any) -> Any:
    """The answer to an export of the ledger."""
    return client.post("/api/v1/sheets/ledger/exports", base_url=URL, json=ASKED | body)


def test_a_small_view_is_ready_in_the_answer_and_carries_who_fetched_it(make: Factory) -> None:
    make.appeal("registered")
    keeper = make.holder("ledger_admin")
    client = make.signed_in(keeper)
    answer = ask(client)
    assert answer.status_code == 201, answer.text
    told = answer.json
    assert (told["state"], told["rows"]) == ("ready", 1)
    fetched = client.get(told["content"], base_url=URL)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(fetched.data)).get_sheet_by_index(0).to_python()
    assert any(keeper.name in str(row[0]) and f"第{told['file']}号文件" in str(row[0]) for row in sheet)
    assert make.count(Audit, event="sheet.download") == 1
    page = client.get(told["page"], base_url=URL).text
    assert told["sha256"] in page
    assert told["filename"] in client.get("/files/", base_url=URL).text
    again = ask(client)
    assert again.json["file"] == told["file"]
    other = make.signed_in(make.holder("supervisor"))
    for address in (told["content"], told["page"], f"/files/{told['file']}/download"):
        assert other.get(address, base_url=URL).status_code == 404
    assert client.delete(f"/api/v1/files/{told['file']}", base_url=URL).status_code == 200
    assert client.get(told["content"], base_url=URL).status_code == 404


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_csv_names_the_encoding_it_was_asked_for_in(make: Factory, encoding: str) -> None:
    make.appeal("registered").subject = "示例诉求"
    client = make.signed_in(make.holder("ledger_admin"))
    told = ask(client, format="csv", encoding=encoding, query={"columns": ["subject"]}).json
    fetched = client.get(told["content"], base_url=URL)
    assert fetched.headers["Content-Type"] == f"text/csv; charset={encoding}"
    assert "示例诉求" in fetched.data.decode(encoding)


def test_the_ledger_on_paper_has_columns_of_its_own_and_is_of_the_ledger_alone(make: Factory) -> None:
    keeper = make.holder("ledger_admin")
    client = make.signed_in(keeper)
    told = ask(client, layout="ledger").json
    fetched = client.get(told["content"], base_url=URL)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(fetched.data)).get_sheet_by_index(0).to_python()
    assert sheet[0][0] == "市政府民声直通车台账"
    assert keeper.name in str(sheet[2][0])
    assert sheet[3][:3] == ["序号", "编号", "收到时间"]
    other = client.post("/api/v1/sheets/appeals/exports", base_url=URL, json={
        **ASKED, "query": {"columns": ["number"]}, "layout": "ledger", "request_key": "k2",
    })  # fmt: skip
    assert (other.status_code, other.json["error"]["code"]) == (422, "export.format")
    assert ask(client, layout="poster", request_key="k3").json["error"]["code"] == "export.format"


def test_an_old_login_is_asked_for_the_password_first(make: Factory) -> None:
    client = make.signed_in(make.holder("ledger_admin"))
    long_ago = present.now().replace(year=present.now().year - 1)
    db.session.execute(update(LoginSession).values(fresh_at=long_ago))
    db.session.commit()
    answer = ask(client)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "account.confirm-first")


def test_a_large_view_is_followed_on_its_page(make: Factory) -> None:
    for _number in range(3):
        make.appeal("registered")
    db.session.execute(update(Assumption).where(Assumption.code == "grid_export_in_job").values(value=1))
    client = make.signed_in(make.holder("ledger_admin"))
    told = ask(client).json
    assert (told["state"], told["content"]) == ("pending", None)
    assert make.count(Task, kind="sheet_export") == 1
    page = client.get(told["page"], base_url=URL).text
    assert "data-task-url" in page
    assert client.get(f"/api/v1/files/{told['file']}/content", base_url=URL).status_code == 409
    assert client.post(f"/files/{told['file']}/drop", base_url=URL).status_code == 302
    assert client.get(told["page"], base_url=URL).status_code == 404


def test_a_column_out_of_sight_is_left_out_and_no_column_is_refused(make: Factory) -> None:
    client = make.signed_in(make.holder("ledger_admin"))
    told = ask(client, query={"columns": ["number", "appellant_phone"]}).json
    fetched = client.get(told["content"], base_url=URL)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(fetched.data)).get_sheet_by_index(0).to_python()
    assert ["编号"] in [[cell for cell in row if cell] for row in sheet]
    assert ask(client, query={}, request_key="k3").status_code == 422
    assert ask(client, format="pdf", request_key="k2").status_code == 422
