"""Duty rosters over HTTP: the month, what a drag sends, forms without a script, workbooks, notes; their statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Audit, DutyShift, HandoverSheet, Person, Unit, db
from app.services import present
from tests.factories import Factory, moment
from tests.services.test_inbox import notices
from tests.services.test_rosters import shift
from tests.test_desk import counted

URL = "https://localhost"
JSON = {"Accept": "application/json"}
NOW = moment("2031-03-05T02:00:30")
MONTH = "?month=2031-03"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2031-{text}:00+08:00").astimezone(UTC)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with present.at(NOW):
        yield


@pytest.fixture
def office(make: Factory) -> Unit:
    return make.unit("duty_office")


@pytest.fixture
def planner(make: Factory) -> FlaskClient:
    return make.signed_in(officer="system")


@pytest.fixture
def pair(make: Factory, office: Unit) -> tuple[DutyShift, DutyShift, Person, Person]:
    system, one, two = make.actor(officer="system"), make.person("示例甲某"), make.person("示例乙某")
    first = shift(system, office.id, "03-06 08:00", "03-06 20:00", one, second=(make.person(),))
    second = shift(system, office.id, "03-06 20:00", "03-07 08:00", two)
    return first, second, one, two


Pair = tuple[DutyShift, DutyShift, Person, Person]


def post(browser: FlaskClient, path: str, **form: Any) -> Any:
    return browser.post(f"/rosters/{path}", base_url=URL, headers=JSON, data=form)


def test_the_month_shows_shifts_gaps_and_today(planner: FlaskClient, office: Unit, pair: Pair) -> None:
    page = planner.get(f"/rosters/{office.id}{MONTH}", base_url=URL)
    assert page.status_code == 200
    assert "08:00–20:00" in page.text
    assert "20:00–次日08:00" in page.text
    assert "无人值班 08:00–24:00" in page.text
    assert 'id="today"' in page.text
    assert "2031年3月" in page.text


def test_a_month_costs_few_statements(make: Factory, office: Unit, pair: Pair) -> None:
    system = make.actor(officer="system")
    for browser, most in ((make.signed_in(officer="system"), 16), (make.signed_in(pair[2]), 16)):
        browser.get(f"/rosters/{office.id}{MONTH}", base_url=URL)
        db.session.expire_all()
        with counted() as few:
            browser.get(f"/rosters/{office.id}{MONTH}", base_url=URL)
        for day in range(10, 28):
            with present.at(NOW):
                if not make.count(DutyShift, office_id=office.id, label=f"{day}"):
                    row = shift(system, office.id, f"03-{day} 08:00", f"03-{day} 20:00", make.person())
                    row.label = f"{day}"
                    db.session.commit()
        browser.get(f"/rosters/{office.id}{MONTH}", base_url=URL)  # who is signed in is computed anew once
        db.session.expire_all()
        with counted() as many:
            assert browser.get(f"/rosters/{office.id}{MONTH}", base_url=URL).status_code == 200
        assert len(many) == len(few)
        assert len(many) <= most, "\n\n".join(many)


def test_the_overview_costs_few_statements(planner: FlaskClient, office: Unit, pair: Pair) -> None:
    planner.get("/rosters/", base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        page = planner.get("/rosters/?at=2031-03-06 09:00", base_url=URL)
    assert "示例甲某" in page.text
    assert len(statements) <= 12, "\n\n".join(statements)


def test_a_drag_is_answered_in_words(planner: FlaskClient, office: Unit, pair: Pair) -> None:
    first, second, one, two = pair
    target = f"{second.id}:{second.version}"
    form = {"shift": first.id, "version": first.version, "person": one.id, "target": target, "seat": "main"}
    refused = post(planner, f"{office.id}/move-person", **form)
    assert refused.status_code == 422
    assert refused.json["error"]["fields"] == {"main": ["主班至少要有一人：请换班，或先排上别人。"]}
    helper = first.seats[1].person_id
    done = post(planner, f"{office.id}/move-person", **form | {"person": helper, "seat": "second"})
    assert (done.status_code, done.json["shifts"]) == (200, [first.id, second.id])
    swapped = post(
        planner,
        f"{office.id}/swap",
        shift=first.id,
        version=first.version,
        person=one.id,
        other=f"{second.id}:{second.version}:{two.id}",
        reason="示例",
    )
    assert swapped.status_code == 200
    db.session.refresh(first)
    assert [seat.person_id for seat in first.seats] == [two.id]
    stale = post(planner, f"{office.id}/take-off", shift=first.id, version=1, person=two.id)
    assert (stale.status_code, stale.json["error"]["code"]) == (409, "roster.stale")
    moved = post(planner, f"{office.id}/move-shift", shift=first.id, version=first.version, day="2031-03-09")
    assert moved.status_code == 200
    undone = post(planner, f"{office.id}/undo")
    assert undone.status_code == 200
    db.session.refresh(first)
    assert first.valid.lower == at("03-06 08:00")


def test_without_a_script_forms_do_the_same(planner: FlaskClient, office: Unit, pair: Pair) -> None:
    first, second, one, two = pair
    page = planner.get(f"/rosters/{office.id}/shifts/{first.id}/people/{one.id}", base_url=URL)
    assert f'value="{second.id}:{second.version}:{two.id}"' in page.text
    values = {"shift": first.id, "version": first.version, "person": one.id, "month": "2031-03"}
    form = values | {"other": f"{second.id}:{second.version}:{two.id}", "reason": "示例：家中有事"}
    done = planner.post(f"/rosters/{office.id}/swap", base_url=URL, data=form)
    assert (done.status_code, done.location) == (302, f"/rosters/{office.id}?month=2031-03")
    refused = planner.post(f"/rosters/{office.id}/swap", base_url=URL, data=form, follow_redirects=True)
    assert "此人已不在本班" in refused.text


def test_a_shift_is_entered_by_form(make: Factory, planner: FlaskClient, office: Unit) -> None:
    one = make.person()
    form = {"starts_at": "2031-03-08 08:00", "ends_at": "2031-03-08 07:00", "main": [one.id], "second": [one.id]}
    wrong = planner.post(f"/rosters/{office.id}/add", base_url=URL, data=form)
    assert wrong.status_code == 422
    assert "f-ends_at-error" in wrong.text
    assert "f-second-error" in wrong.text
    assert re.search(rf'value="{one.id}"[^>]* selected', wrong.text)
    unread = planner.post(f"/rosters/{office.id}/add", base_url=URL, data={"starts_at": "x", "main": one.id})
    assert "f-starts_at-error" in unread.text
    assert "f-ends_at-error" in unread.text
    done = planner.post(
        f"/rosters/{office.id}/add", base_url=URL, data=form | {"ends_at": "2031-03-08 20:00", "second": []}
    )
    assert done.status_code == 302
    assert make.count(DutyShift, office_id=office.id) == 1


def test_a_week_is_previewed_and_then_entered(make: Factory, planner: FlaskClient, office: Unit, pair: Pair) -> None:
    form = {"how": "pattern", "first": "2031-03-06", "last": "2031-03-06", "until": "2031-03-10", "then": "preview"}
    preview = planner.post(f"/rosters/{office.id}/repeat", base_url=URL, data=form)
    assert "排入8个班次" in preview.text
    assert make.count(DutyShift, office_id=office.id) == 2
    done = planner.post(f"/rosters/{office.id}/repeat", base_url=URL, data=form | {"then": "apply"})
    assert done.status_code == 302
    assert make.count(DutyShift, office_id=office.id) == 10
    teams = {"how": "teams", "teams": "示例甲某/示例乙某\n谁也不是", "changes": "8:00", "start": "2031-03-12"}
    unknown = planner.post(f"/rosters/{office.id}/repeat", base_url=URL, data=teams | {"until": "2031-03-15"})
    assert unknown.status_code == 422
    assert "人员名单中没有“谁也不是”" in unknown.text
    known = teams | {"teams": "示例甲某/示例乙某\n示例乙某", "until": "2031-03-15", "then": "apply"}
    assert planner.post(f"/rosters/{office.id}/repeat", base_url=URL, data=known).status_code == 302
    assert make.count(DutyShift, office_id=office.id) == 14


def test_a_workbook_goes_out_and_in(make: Factory, planner: FlaskClient, office: Unit, pair: Pair) -> None:
    sent = planner.post(f"/roster-files/{office.id}.xlsx", base_url=URL, data={"month": "2031-03"})
    assert sent.mimetype.endswith("spreadsheetml.sheet")
    told = db.session.scalars(select(Audit).where(Audit.event == "sheet.export")).one()
    assert (told.object_id, told.detail["office"], told.detail["month"]) == ("rosters", office.code, "2031-03")
    form = {"month": "2031-03", "removes_others": "1"}
    again = planner.post(
        f"/roster-files/{office.id}", base_url=URL, data=form | {"workbook": (BytesIO(sent.data), "示例.xlsx")}
    )
    assert "没有新的班次" in again.text
    assert 'name="lines"' not in again.text
    planner.post(f"/rosters/{office.id}/shifts/{pair[1].id}/remove", base_url=URL)
    back = planner.post(
        f"/roster-files/{office.id}", base_url=URL, data=form | {"workbook": (BytesIO(sent.data), "示例.xlsx")}
    )
    lines = re.search(r'name="lines" value="([^"]*)"', back.text)
    assert lines is not None
    packed = lines[1].replace("&#34;", '"')
    done = planner.post(f"/roster-files/{office.id}/apply", base_url=URL, data={"month": "2031-03", "lines": packed})
    assert done.status_code == 302
    assert make.count(DutyShift, office_id=office.id) == 2
    nothing = planner.post(f"/roster-files/{office.id}", base_url=URL, data={"month": "2031-03"})
    assert nothing.status_code == 422


def test_the_desk_offers_the_note_and_the_next_shift_takes_it(make: Factory, office: Unit, pair: Pair) -> None:
    first, _second, one, two = pair
    with present.at(at("03-06 19:30")):
        browser = make.signed_in(one)
        assert "您的班次20:00结束，请交班。" in browser.get("/desk/", base_url=URL).text
        assert browser.get(f"/shift-notes/{first.id}", base_url=URL).status_code == 200
        done = browser.post(f"/shift-notes/{first.id}", base_url=URL, data={"remark": "示例：注意"})
        sheet = db.session.query(HandoverSheet).one()
        assert done.location == f"/handovers/{sheet.id}"
        assert "您的交接单已写好。" in browser.get("/desk/", base_url=URL).text
    with present.at(at("03-06 20:10")):
        browser = make.signed_in(two)
        assert "上一班的交接单等您接班确认。" in browser.get("/desk/", base_url=URL).text
        page = browser.get(f"/handovers/{sheet.id}", base_url=URL).text
        assert "示例：注意" in page
        assert "<th>班次</th>" in page
        version = sheet.version
        browser.post(f"/handovers/{sheet.id}/take", base_url=URL, data={"version": version})
        db.session.refresh(sheet)
        assert sheet.to_id == two.id


def test_between_two_shifts_one_reads_the_roster_and_a_stranger_does_not(
    make: Factory, office: Unit, pair: Pair
) -> None:
    page = make.signed_in(pair[2]).get(f"/rosters/{office.id}{MONTH}", base_url=URL)
    assert page.status_code == 200
    assert "data-writable" not in page.text
    assert make.signed_in(make.person()).get(f"/rosters/{office.id}", base_url=URL).status_code == 404


def test_a_pattern_reaches_the_end_of_the_month_looked_at(planner: FlaskClient, office: Unit) -> None:
    assert 'value="2031-04-30"' in planner.get(f"/rosters/{office.id}/repeat?month=2031-03", base_url=URL).text
    assert 'value="2031-08-31"' in planner.get(f"/rosters/{office.id}/repeat?month=2031-08", base_url=URL).text


def test_a_notice_leads_to_the_month_of_the_shift(make: Factory, office: Unit, pair: Pair) -> None:
    browser = make.signed_in(pair[2])
    answer = browser.get(f"/rosters/shifts/{pair[0].id}", base_url=URL)
    assert answer.location == f"/rosters/{office.id}?month=2031-03#shift-{pair[0].id}"
    assert browser.get("/rosters/shifts/99999999", base_url=URL).location == "/rosters/"


def test_a_notice_says_when_the_shift_begins_as_long_as_there_is_one(make: Factory, pair: Pair) -> None:
    notices(pair[2], 1, "shift.on", subject_type="duty_shift", subject_id=pair[0].id)
    notices(pair[2], 1, "shift.off", subject_type="duty_shift", subject_id=99999999)
    db.session.commit()
    page = make.signed_in(pair[2]).get("/inbox/", base_url=URL).text
    begins = pair[0].valid.lower.astimezone(present.zone())
    assert f"：{begins:%Y-%m-%d %H:%M}" in page
    assert page.count(f"：{begins:%Y-%m-%d}") == 1
