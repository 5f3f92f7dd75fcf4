"""Filters of the dictionary lists: every comparison against rows, chips, and that a list opens as it was left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from werkzeug.datastructures import MultiDict

from app import sheets as declared
from app.models import Absence, CalendarDay, SheetView, Unit, db
from app.rules.entries import Kind
from app.services import present, sheets
from app.services.sheet_rows import Sheet
from app.sheet_filters import comparisons, offered, query_of
from app.sheets import view_name
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"
SHEETS = pytest.mark.parametrize("sheet", declared.SHEETS, ids=lambda sheet: sheet.code)

# A value for each thing that a comparison can take.
VALUES = {
    "text": ["示例"],
    "many": ["1", "2"],
    "span": ["2026-01-01", "2026-12-31"],
    "day": ["2026-06-01"],
    "days": ["90"],
    "yes": ["y"],
    "nothing": ["y"],
}


@pytest.fixture
def system(make: Factory) -> Iterator[FlaskClient]:
    """A browser of the system officer."""
    return make.signed_in(officer="system")


def _rows(browser: FlaskClient, code: str, **query: Any) -> int:
    page = browser.get(f"/dictionary/{code}/list/", base_url=URL, query_string=query)
    assert page.status_code == 200
    return page.text.count("data-select-row")


@SHEETS
def test_every_comparison_of_every_field_can_be_asked(system: FlaskClient, make: Factory, sheet: Sheet) -> None:
    if "collect" in sheet.keepers:
        system = make.signed_in(make.holder("collector_c"))
    for field in offered(sheet):
        for at, one in enumerate(comparisons(sheet, field)):
            values = ["1", "9"] if field.kind is Kind.INT else VALUES[one.takes]
            for asked in (values, ["\x00x"], ["9" * 40]):
                query = {f"_flt_{at}_{field.name}": asked}
                page = system.get(f"/dictionary/{sheet.code}/list/", base_url=URL, query_string=query)
                assert page.status_code == 200, (field.name, one.__name__, asked)
                assert "filter-chips" in page.text


@SHEETS
def test_the_digits_of_an_address_stay_what_they_are(sheet: Sheet) -> None:
    """A kept or shared address must not mean something else after fields change their requirements."""
    for field in offered(sheet):
        names = [one.__name__ for one in comparisons(sheet, field)]
        assert names[0] in ("Holds", "IsAmong", "HasOneOf", "IsSo", "IsBetween", "IsInForceOn", "IsFilled")


def test_several_filters_narrow_together(system: FlaskClient, make: Factory) -> None:
    group = make.a_unit("administration").group_id
    both = {"_flt_0_kind": ["administration", "section"], "_flt_1_group": [str(group)]}
    wanted = db.session.scalars(
        select(Unit.id).where(Unit.kind.in_(["administration", "section"]), Unit.group_id != group)
    ).all()
    assert _rows(system, "units", psize_UnitsView=100, **both) == len(wanted)


def test_texts_empty_and_filled(system: FlaskClient, make: Factory) -> None:
    sheets.save(make.actor(officer="system"), declared.BY_CODE["people"], None, {"name": "示例甲", "position": "主任"})
    sheets.save(make.actor(officer="system"), declared.BY_CODE["people"], None, {"name": "示例乙"})
    assert _rows(system, "people", _flt_0_position="主任", _flt_0_name="示例甲") == 1
    assert _rows(system, "people", _flt_1_position="y", _flt_0_name="示例乙") == 1
    assert _rows(system, "people", _flt_2_position="y", _flt_0_name="示例乙") == 0
    assert _rows(system, "people", _flt_1_mobile="y", _flt_0_name="示例乙") == 1


def test_days_and_periods_are_compared_by_the_local_day(system: FlaskClient, make: Factory) -> None:
    for day in ("2026-03-01", "2026-03-15", "2026-04-01"):
        db.session.add(CalendarDay(day=date.fromisoformat(day), kind="holiday", name="示例"))
    db.session.commit()
    assert _rows(system, "calendar", _flt_0_day=["2026-03-01", "2026-03-31"]) == 2
    assert _rows(system, "calendar", _flt_0_day=["2026-03-16", ""]) == 1
    assert _rows(system, "calendar", _flt_0_day=["", "2026-03-01"]) == 1
    starts = present.now().astimezone(present.zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    period = Range(starts, starts + timedelta(days=2), bounds="[)")
    db.session.add(Absence(person_id=make.person().id, valid=period))
    db.session.commit()
    found = {
        days: _rows(system, "absences", _flt_0_valid=(starts + timedelta(days=days)).date().isoformat())
        for days in (-1, 0, 1, 2)
    }
    assert found == {-1: 0, 0: 1, 1: 1, 2: 0}  # the end is not included
    last = (starts + timedelta(days=5)).date().isoformat()
    assert _rows(system, "absences", _flt_1_valid=["", last]) == 1
    assert _rows(system, "absences", _flt_0_starts_at=[starts.date().isoformat(), ""]) == 1
    assert _rows(system, "absences", _flt_1_ends_at="y") == 0


def test_a_list_opens_as_it_was_left_and_forgets_on_demand(system: FlaskClient, make: Factory) -> None:
    form = {"_flt_0_kind": "administration", "order": "name:desc", "page_UnitsView": "3", "foreign": "x"}
    sent = system.post("/dictionary/units/keep", base_url=URL, data=form)
    address = "/dictionary/units/list/?_flt_0_kind=administration&_oc_UnitsView=name&_od_UnitsView=desc"
    assert (sent.status_code, sent.location) == (302, address)
    opened = system.get("/dictionary/units/list/", base_url=URL)
    assert (opened.status_code, opened.location) == (302, address)
    assert "filter-chips" in system.get(address, base_url=URL).text
    # Another's list is his own, and so is another sheet.
    assert make.signed_in(officer="system").get("/dictionary/channels/list/", base_url=URL).status_code == 200
    # Looking at an address that somebody sent changes nothing.
    assert system.get("/dictionary/units/list/?_flt_0_kind=section", base_url=URL).status_code == 200
    assert system.get("/dictionary/units/list/", base_url=URL).location == address
    # One filter taken away, then all.
    without = system.post("/dictionary/units/keep", base_url=URL, data=form | {"without": "_flt_0_kind"})
    assert without.location == "/dictionary/units/list/?_oc_UnitsView=name&_od_UnitsView=desc"
    system.post("/dictionary/units/keep", base_url=URL, data=form | {"reset": "1"})
    assert system.get("/dictionary/units/list/", base_url=URL).status_code == 200
    assert make.count(SheetView) == 0


def test_what_is_searched_for_is_not_kept(system: FlaskClient, make: Factory) -> None:
    sent = system.post("/dictionary/units/keep", base_url=URL, data={"_flt_0_kind": "section", "q": "示例"})
    assert sent.location.endswith("_flt_0_kind=section&q=%E7%A4%BA%E4%BE%8B")
    assert db.session.scalars(select(SheetView.query)).all() == ["_flt_0_kind=section"]


def test_a_filter_nobody_can_read_is_said(system: FlaskClient) -> None:
    sent = system.post("/dictionary/calendar/keep", base_url=URL, data={"_flt_0_day": ["bald", ""]})
    assert "此条件无法识别" in system.get(sent.location, base_url=URL).text


def test_filters_too_long_to_be_kept_are_refused(system: FlaskClient) -> None:
    form = MultiDict([("_flt_0_kind", "x" * 40) for _ in range(40)])
    assert system.post("/dictionary/units/keep", base_url=URL, data=form).status_code == 422


def test_pages_keep_every_value_of_a_filter(system: FlaskClient) -> None:
    query = {"_flt_1_kind": ["administration", "section"], "psize_UnitsView": "10"}
    page = system.get("/dictionary/units/list/", base_url=URL, query_string=query).text
    assert "_flt_1_kind=administration&amp;_flt_1_kind=section&amp;psize_UnitsView=10&amp;page_UnitsView=1" in page


def test_the_query_of_an_address_has_only_what_the_sheet_offers() -> None:
    sheet = declared.BY_CODE["channels"]
    sent = MultiDict([("_flt_9_name", "x"), ("_flt_0_code", "x"), ("_flt_0_name", " 甲 "), ("q", "x"), ("x", "y")])
    assert query_of(sheet, sent, view_name(sheet)) == "_flt_0_name=%E7%94%B2"


def test_filters_cost_a_bounded_number_of_statements(system: FlaskClient, make: Factory) -> None:
    unit = make.a_unit()
    query = {"_flt_0_group": str(unit.group_id), "_flt_1_kind": "section", "q": "示例"}
    system.get("/dictionary/units/list/", base_url=URL, query_string=query)
    db.session.expire_all()
    with counted() as statements:
        assert system.get("/dictionary/units/list/", base_url=URL, query_string=query).status_code == 200
    assert len(statements) <= 16, "\n\n".join(statements)
