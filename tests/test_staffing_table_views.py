"""The staffing list over HTTP: preview, files, publication. All names made up."""

from __future__ import annotations

from io import BytesIO

import docx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import StaffingList, db
from app.services import present, staffing_files
from jobs import runtime, timetable
from tests.factories import Factory, moment
from tests.test_desk import counted

URL = "https://localhost"


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    """The system officer's browser."""
    return make.signed_in(officer="system")


def test_the_page_shows_every_post_in_four_statements(system: FlaskClient) -> None:
    system.get("/staffing-table/", base_url=URL)
    with counted() as statements:
        page = system.get("/staffing-table/", base_url=URL)
    assert page.status_code == 200
    assert page.text.count('class="main" data-label="岗位"') == 12
    assert len(statements) <= 8, "\n\n".join(statements)


def test_a_list_is_published_and_taken_away(system: FlaskClient) -> None:
    assert "尚未公布过" in system.get("/staffing-table/", base_url=URL).text
    assert system.post("/staffing-table/publish", base_url=URL, data={"request_key": "k1"}).status_code == 302
    row = db.session.scalars(select(StaffingList)).one()
    assert row.number in system.get("/staffing-table/", base_url=URL).text
    file = system.post(f"/staffing-table/lists/{row.id}/docx", base_url=URL, data={"reason": "示例"})
    made = docx.Document(BytesIO(file.data))
    assert made.paragraphs[0].text == "市政府民声直通车工作定岗定员定责情况表"
    heads = [cell.text for cell in made.tables[0].rows[0].cells]
    assert heads == ["岗位", "职责", "责任处室", "责任领导", "A角", "B角"]
    assert row.number in made.paragraphs[1].text
    assert system.post(f"/staffing-table/lists/{row.id}/docx", base_url=URL).status_code == 422


@pytest.mark.parametrize(("locale", "head"), [("zh", "岗位"), ("en", "Post")])
def test_an_export_speaks_the_reader_s_language(system: FlaskClient, locale: str, head: str) -> None:
    file = system.post(f"/staffing-table/export/docx?_l_={locale}", base_url=URL, data={"reason": "示例"})
    assert docx.Document(BytesIO(file.data)).tables[0].cell(0, 0).text == head
    assert len(staffing_files.read(file.data).table.rows) == 12


def test_the_timetable_publishes_on_the_first_of_the_half_year(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_application", make.app)
    with present.at(moment("2027-01-01T00:05:00+08:00")):
        timetable.publish_staffing_list(present.now())
        timetable.publish_staffing_list(present.now())
    assert make.count(StaffingList, occasion="half_yearly") == 1
