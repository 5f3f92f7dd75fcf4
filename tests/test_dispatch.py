"""The dispatch catalogue: who keeps it, what an entry must say, what contradicts, what an objection proposes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import sheets as declared
from app.models import Audit, Category, DispatchEntry, db
from app.rules.errors import FieldErrors, Refused
from app.services import dispatch, present, sheets
from tests.factories import Factory

URL = "https://localhost"
SHEET = declared.BY_CODE["dispatch"]


def _entry(make: Factory, **values: Any) -> DispatchEntry:
    actor = make.actor(make.holder("duty_director"))
    unit = make.a_unit()
    found: DispatchEntry = sheets.save(actor, SHEET, None, {"place": "示例镇", "unit": unit.id, **values})
    return found


def test_the_system_officer_and_who_triages_keep_it_and_nobody_else(make: Factory) -> None:
    entry = _entry(make, basis="示例依据")
    assert (entry.source, entry.active) == ("manual", True)
    sheets.save(make.actor(officer="system"), SHEET, entry.id, {"basis": "示例新依据"})
    with pytest.raises(Refused):
        sheets.save(make.actor(make.holder("registrar")), SHEET, entry.id, {"basis": "示例"})
    events = db.session.scalars(select(Audit.event).where(Audit.object_id == str(entry.id))).all()
    assert events.count("setting.change") == 2


def test_an_entry_is_about_something_and_its_period_has_an_order(make: Factory) -> None:
    today = present.today()
    with pytest.raises(FieldErrors) as refused:
        _entry(make, place="", valid_from=today, valid_until=today - timedelta(days=1))
    assert [(one.field, one.code) for one in refused.value.problems] == [
        ("category", "dispatch.about-nothing"),
        ("valid_until", "dispatch.ends-before-start"),
    ]
    with pytest.raises(FieldErrors) as refused:  # a matching section answers no appeals
        _entry(make, unit=make.unit("matching_1").id)
    assert [(one.field, one.code) for one in refused.value.problems] == [("unit", "field.choice")]


def test_a_second_unit_for_the_same_is_saved_and_said(make: Factory) -> None:
    first = _entry(make)
    other = make.a_unit(offset=1)
    browser = make.signed_in(make.holder("duty_director"))
    form = {"place": "示例镇", "unit": str(other.id), "active": "y"}
    answer = browser.post("/dictionary/dispatch/add", base_url=URL, data=form, follow_redirects=True)
    assert f"另有启用的条目对同一情形指向别的单位：{first.unit.name}" in answer.text
    assert "同一情形指向两个单位" in browser.get("/dictionary/dispatch/list/?all=1", base_url=URL).text
    sheets.remove(make.actor(make.holder("duty_director")), SHEET, first.id)
    assert not dispatch.contradictions()


def test_what_an_upheld_objection_proposes_waits_on_the_sheet_until_it_is_set_active(make: Factory) -> None:
    unit = make.a_unit()
    proposed = DispatchEntry(place="示例村", unit_id=unit.id, source="objection", active=False, basis="示例法规")
    db.session.add(proposed)
    db.session.commit()
    browser = make.signed_in(make.holder("duty_director"))
    assert "异议成立后的建议条目" in browser.get("/dictionary/dispatch/list/?all=1", base_url=URL).text
    assert proposed.id not in {entry.id for entry in dispatch.active()}
    sheets.save(make.actor(make.holder("duty_director")), SHEET, proposed.id, {"active": True})
    assert proposed.id in {entry.id for entry in dispatch.active()}
    assert not dispatch.proposals()


def test_the_seed_contradicts_itself_nowhere_and_names_every_category_but_the_last(make: Factory) -> None:
    assert not dispatch.contradictions()
    named = {entry.category_id for entry in dispatch.active()}
    assert set(db.session.scalars(select(Category.name).where(Category.id.not_in(named - {None})))) == {"其他"}
