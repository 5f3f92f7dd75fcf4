"""Portfolio and chains on pages: the boards at any moment, the forms with their preview, the workbook (R8, R15)."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Audit, StaffingChange, db
from app.services import chains, portfolio, present
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    """The system officer's browser."""
    return make.signed_in(officer="system")


def sent(page: str) -> dict[str, Any]:
    """The hidden fields of the form that makes what a preview showed."""
    form = re.search(r'<form method="post" action="[^"]*/make">.*?</form>', page, re.S)
    assert form is not None
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0]))


def test_the_board_shows_the_portfolio_of_any_moment(make: Factory, system: FlaskClient) -> None:
    line, later = make.line(make.a_unit()), make.person("示例新副市长")
    make.stand(line, "vice_mayor", later, present.now() + timedelta(days=2))
    assert "示例新副市长" not in system.get("/portfolio/", base_url=URL).text.split("已录入")[0]
    day = (present.now() + timedelta(days=3)).strftime("%Y-%m-%d %H:%M")
    assert "示例新副市长" in system.get("/portfolio/", query_string={"at": day}, base_url=URL).text
    wrong = system.get("/portfolio/", query_string={"at": "示例"}, base_url=URL)
    assert wrong.status_code == 200
    assert "aria-invalid" in wrong.text


def test_a_change_of_portfolio_is_seen_first_and_made_once(make: Factory, system: FlaskClient) -> None:
    unit, new = make.a_unit(), make.person("示例新副市长")
    line = make.line(unit)
    old = make.person("示例老副市长")
    make.stand(line, "vice_mayor", old)
    at = present.now().astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    form = {"at": at, "reason": "示例", "vice_mayor": new.id, "was_vice_mayor": old.id}
    page = system.post(f"/portfolio/{line.id}/preview", data=form, base_url=URL)
    assert page.status_code == 200
    assert "示例老副市长" in page.text
    assert make.count(StaffingChange) == 0
    asked = sent(page.text)
    for _again in range(2):
        assert system.post(f"/portfolio/{line.id}/make", data=asked, base_url=URL).status_code == 302
    row = db.session.scalars(select(StaffingChange)).one()
    assert (row.kind, row.portfolio_id, row.reason) == ("portfolio", line.id, "示例")
    assert portfolio.line(line.id).vice_mayor.id == new.id  # type: ignore[union-attr]
    assert "示例老副市长" in system.get(f"/portfolio/{line.id}", base_url=URL).text
    assert "示例新副市长" in system.get(f"/changes/{row.id}", base_url=URL).text


def test_what_is_wrong_stands_at_its_field(make: Factory, system: FlaskClient) -> None:
    line, one = make.line(make.a_unit()), make.person()
    form = {"at": "2026-13-40", "vice_mayor": one.id, "deputy": one.id}
    page = system.post(f"/portfolio/{line.id}/preview", data=form, base_url=URL)
    assert page.status_code == 422
    assert 'id="f-at-error"' in page.text
    form["at"] = present.now().strftime("%Y-%m-%d %H:%M")
    page = system.post(f"/portfolio/{line.id}/preview", data=form, base_url=URL)
    assert 'id="f-deputy-error"' in page.text


def test_several_places_of_a_unit_are_filed_by_one_form(make: Factory, system: FlaskClient) -> None:
    unit, first, second = make.a_unit("stationed"), make.person(), make.person()
    assert system.get(f"/chains/{unit.id}/change", base_url=URL).status_code == 200
    at = present.now().astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    form = {"at": at, f"{unit.id}-first-A": first.id, f"{unit.id}-first-B": first.id, f"was-{unit.id}-first-A": ""}
    page = system.post(f"/chains/{unit.id}/change", data=form, base_url=URL)
    assert page.status_code == 422
    assert f'id="f-{unit.id}-first-B-error"' in page.text
    form[f"{unit.id}-first-B"] = second.id
    assert system.post(f"/chains/{unit.id}/change", data=form, base_url=URL).status_code == 302
    found = {(place.link, place.role): place.person_id for place in chains.places_of(unit)}
    assert (found["first", "A"], found["first", "B"]) == (first.id, second.id)
    assert make.count(StaffingChange, unit_id=unit.id) == 2
    assert first.name in system.get(f"/chains/{unit.id}", base_url=URL).text


def test_the_workbook_goes_there_and_back(make: Factory, system: FlaskClient) -> None:
    unit, person = make.a_unit("local_government"), make.person("示例县长")
    file = system.post("/chains/workbook", base_url=URL)
    assert make.count(Audit, event="sheet.export", object_id="chains") == 1
    assert file.data.startswith(b"PK")

    def hand_in(content: bytes) -> str:
        data = {"workbook": (BytesIO(content), "示例.xlsx"), "at": ""}
        return system.post("/chains/upload", data=data, base_url=URL).text

    assert "没有差异" in hand_in(file.data)
    changed = _with(unit.code, "示例县长", "示例无此人")
    page = hand_in(changed)
    assert "示例县长" in page
    assert "示例无此人" in page
    rows = re.search(r'name="rows" value="([^"]*)"', page)
    assert rows is not None
    at = present.now().astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    form = {"rows": rows[1].replace("&#34;", '"'), "at": at, "request_key": "示例-表"}
    for _again in range(2):
        assert system.post("/chains/apply", data={**form, "request_key": "sample-key"}, base_url=URL).status_code == 302
    found = {(place.link, place.role): place.person_id for place in chains.places_of(unit)}
    assert (found["first", "A"], found["first", "B"]) == (person.id, None)
    assert make.count(StaffingChange, unit_id=unit.id) == 1


def _with(code: str, first_a: str, first_b: str) -> bytes:
    import xlsxwriter

    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("单位代码", "第一责任人A角", "第一责任人B角"))
        sheet.write_row(1, 0, (code, first_a, first_b))
    return file.getvalue()


@pytest.mark.parametrize("rows", ["", "x", "[[1]]", '[[1,"first","C",2,null]]', '[["1","first","A",2,null]]'])
def test_rows_that_no_page_showed_are_refused(system: FlaskClient, rows: str) -> None:
    form = {"rows": rows, "at": present.now().strftime("%Y-%m-%d %H:%M")}
    assert system.post("/chains/apply", data=form, base_url=URL).status_code == 422


@pytest.mark.parametrize(("address", "statements"), [("/portfolio/", 5), ("/chains/", 5)])
def test_how_many_statements_the_boards_take(
    make: Factory, system: FlaskClient, address: str, statements: int
) -> None:
    make.stand(make.line(make.a_unit()), "deputy", make.person())
    system.get(address, base_url=URL)
    with counted() as seen:
        assert system.get(address, base_url=URL).status_code == 200
    assert len(seen) == statements
