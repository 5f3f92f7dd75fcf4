"""Handing in a staffing table over HTTP: problems at the field, questions, applying, undoing. All names made up."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import StaffingChange, StaffingUpload, db
from tests.factories import Factory
from tests.services.test_staffing_uploads import at, rows_now
from tests.staffing_texts import workbook
from tests.test_desk import counted

URL = "https://localhost"
PATH = "/staffing-table/uploads/"


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    """The system officer's browser."""
    return make.signed_in(officer="system")


def hand_in(browser: FlaskClient, rows: list[list[str]]) -> Any:
    data = {"file": (BytesIO(workbook(rows)), "示例.xlsx"), "text": ""}
    return browser.post(PATH, base_url=URL, data=data, content_type="multipart/form-data")


def last() -> StaffingUpload:
    return db.session.scalars(select(StaffingUpload).order_by(StaffingUpload.id.desc()).limit(1)).one()


def test_from_the_file_to_the_change_and_back(system: FlaskClient, make: Factory) -> None:
    assert "尚未上传过表格" in system.get(PATH, base_url=URL).text
    rows = rows_now()
    at(rows, "信息编号登记员")[4] = "冉示例\n13900000001"
    assert hand_in(system, rows).status_code == 302
    page = f"{PATH}{last().id}"
    shown = system.get(page, base_url=URL).text
    assert "冉示例" in shown
    assert "139****0001" in shown
    assert "13900000001" not in shown
    seen = shown.split('name="seen" value="')[1].split('"')[0]
    form = {"seen": seen, "reason": "示例：人员调整", "at": ""}
    assert system.post(f"{page}/apply", base_url=URL, data={**form, "reason": ""}).status_code == 422
    for _click in range(2):
        assert system.post(f"{page}/apply", base_url=URL, data=form).status_code == 302
    assert make.holder("registrar").name == "冉示例"
    assert make.count(StaffingChange, upload_id=last().id) == 1
    assert "人变〔" in system.get(page, base_url=URL).text
    system.post(f"{page}/undo", base_url=URL)
    assert make.holder("registrar").name == "吴泳君"
    assert "恢复原状" in system.get(page, base_url=URL).text


def test_questions_are_answered_on_the_page(system: FlaskClient) -> None:
    rows = rows_now()
    at(rows, "信息编号登记员")[2] = "示例无此处"
    hand_in(system, rows)
    page = f"{PATH}{last().id}"
    assert "1项待答" in system.get(page, base_url=URL).text
    key = next(iter(system.get(page, base_url=URL).text.split('name="office-')[1:])).split('"')[0]
    system.post(f"{page}/settle", base_url=URL, data={f"office-{key}": "new", "reason": "示例"})
    shown = system.get(page, base_url=URL).text
    assert "全部答复" in shown
    assert "示例无此处" in shown
    assert last().reason == "示例"


def test_a_difference_that_was_not_shown_is_not_applied(system: FlaskClient, make: Factory) -> None:
    rows = rows_now()
    at(rows, "信息编号登记员")[4] = "冉示例"
    hand_in(system, rows)
    page = f"{PATH}{last().id}"
    answer = system.post(f"{page}/apply", base_url=URL, data={"seen": "示例", "reason": "示例"}, follow_redirects=True)
    assert "与您刚才看到的不同" in answer.text
    assert make.count(StaffingChange) == 0


def test_problems_stand_at_the_field_with_row_and_column(system: FlaskClient) -> None:
    rows = rows_now()
    at(rows, "信息编号登记员")[4] = "冉示例\n1390000000"
    answer = hand_in(system, rows)
    assert answer.status_code == 422
    assert "第9行A角：" in answer.text
    text = "\n".join("\t".join(cells) for cells in (["岗位", "责任处室", "A角", "B角"], ["示例岗", "", "甲示例", ""]))
    answer = system.post(PATH, base_url=URL, data={"text": text})
    assert answer.status_code == 422
    assert "没有填责任处室" in answer.text
    assert "甲示例" in answer.text  # what was pasted is still there to be mended
    assert system.post(PATH, base_url=URL, data={"file": (BytesIO(b"%PDF"), "示例.pdf")}).status_code == 422


@pytest.mark.parametrize("moment", ["示例", "2026-13-01 08:00", "1900-01-01 08:00"])
def test_a_moment_that_makes_no_sense_is_told_at_its_field(system: FlaskClient, moment: str) -> None:
    rows = rows_now()
    at(rows, "信息编号登记员")[4] = "冉示例"
    hand_in(system, rows)
    answer = system.post(f"{PATH}{last().id}/settle", base_url=URL, data={"at": moment, "reason": "示例"})
    assert answer.status_code == 422
    assert 'id="f-at-error"' in answer.text


def test_a_dropped_table_says_so(system: FlaskClient) -> None:
    hand_in(system, rows_now())
    page = f"{PATH}{last().id}"
    assert "没有差异" in system.get(page, base_url=URL).text
    assert system.post(f"{page}/cancel", base_url=URL).status_code == 302
    assert "未作任何变动" in system.get(page, base_url=URL).text


def test_the_pages_cost_few_statements(system: FlaskClient) -> None:
    rows = rows_now()
    at(rows, "信息编号登记员")[4] = "冉示例"
    hand_in(system, rows)
    page = f"{PATH}{last().id}"
    for address, most in ((PATH, 5), (page, 9)):
        system.get(address, base_url=URL)
        with counted() as statements:
            system.get(address, base_url=URL)
        assert len(statements) <= most, "\n\n".join(statements)
