"""Several rows of a dictionary at once, their workbook, and the history of one: over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app import sheets as declared
from app.models import Audit, Channel, Journal, Person, Unit, db
from app.rules.errors import Invalid, Refused
from app.services import journal, sheet_bulk, sheets
from app.services.pinyin import sort_key
from app.services.sheet_bulk import Chosen
from app.services.sheet_rows import Sheet
from app.services.transaction import transaction
from app.sheet_actions import acts_of
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"


@pytest.fixture
def system(make: Factory) -> Iterator[FlaskClient]:
    """A browser of the system officer."""
    return make.signed_in(officer="system")


def _save(make: Factory, code: str, row_id: int | None = None, **values: Any) -> Any:
    return sheets.save(make.actor(officer="system"), declared.BY_CODE[code], row_id, values)


def _post(browser: FlaskClient, code: str, act: str, rows: list[Any], **more: str) -> Any:
    data = {"action": act, "rowid": [str(row.id) for row in rows], **more}
    data |= {f"version_{row.id}": str(row.version) for row in rows}
    return browser.post(f"/dictionary/{code}/action_post", base_url=URL, data=data)


# --- several rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sheet", declared.SHEETS, ids=lambda sheet: sheet.code)
def test_what_is_offered_for_several_rows_follows_from_the_declaration(sheet: Sheet) -> None:
    names = {act.name for act in acts_of(sheet)}
    assert "export" in names
    assert ("retire" in names) == sheet.can_remove
    assert {name for name in names if name.startswith("set_")} == {
        f"set_{field.name}" for field in sheet.fields if field.bulk and sheet.can_edit
    }
    # Nothing that makes a person's rights is given to many at once.
    assert not names & {"set_capabilities", "set_scope", "set_person", "set_leader", "set_mobile"}


def test_a_field_is_changed_for_the_chosen_rows_after_a_question(system: FlaskClient, make: Factory) -> None:
    people = [_save(make, "people", name=f"示例同事{n}") for n in range(3)]
    unit = make.a_unit()
    asked = _post(system, "people", "set_unit", people[:2])
    assert asked.status_code == 200
    assert all(person.name in asked.text for person in people[:2])
    assert make.count(Person, unit_id=unit.id, name="示例同事0") == 0
    done = _post(system, "people", "set_unit", people[:2], confirmed="1", unit=str(unit.id))
    assert done.text.count('"chip is-ok"') == 2
    for person in people:
        db.session.refresh(person)
    assert [person.unit_id for person in people] == [unit.id, unit.id, None]
    last = db.session.scalars(select(Journal).order_by(Journal.id.desc()).limit(2)).all()
    assert {row.object_id for row in last} == {person.id for person in people[:2]}


def test_a_row_that_somebody_else_changed_is_refused_and_the_others_are_done(
    system: FlaskClient, make: Factory
) -> None:
    first, second = (_save(make, "people", name=name) for name in ("示例先手", "示例后手"))
    versions = {f"version_{row.id}": str(row.version) for row in (first, second)}
    _save(make, "people", first.id, position="主任")
    data = {"action": "retire", "rowid": [str(first.id), str(second.id)], "confirmed": "1", **versions}
    done = system.post("/dictionary/people/action_post", base_url=URL, data=data)
    assert "别人已先行修改" in done.text or "先" in done.text
    assert make.count(Person, id=first.id, active=True) == 1
    assert make.count(Person, id=second.id, active=False) == 1


def test_rows_are_brought_back_into_use(system: FlaskClient, make: Factory) -> None:
    channel = db.session.scalars(select(Channel).limit(1)).one()
    _save(make, "channels", channel.id, active=False)
    db.session.refresh(channel)
    assert _post(system, "channels", "restore", [channel], confirmed="1").text.count('"chip is-ok"') == 1
    db.session.refresh(channel)
    assert channel.active


def test_a_value_that_does_not_fit_is_told_per_row(system: FlaskClient, make: Factory) -> None:
    units = list(db.session.scalars(select(Unit).where(Unit.kind == "department").limit(2)))
    before = [unit.group_id for unit in units]
    done = _post(system, "units", "set_group", units, confirmed="1", group="999999")
    assert done.text.count("circle-xmark") == 2
    for unit in units:
        db.session.refresh(unit)
    assert [unit.group_id for unit in units] == before


def test_choosing_nothing_or_too_much_is_said(system: FlaskClient, make: Factory) -> None:
    assert _post(system, "people", "retire", []).status_code == 422
    people = [Person(code=f"many_{n}", name=f"示例{n}", fictional=True) for n in range(sheet_bulk.MOST + 1)]
    db.session.add_all(people)
    db.session.commit()
    assert _post(system, "people", "retire", people).status_code == 422


def test_only_declared_fields_are_set_for_many(make: Factory) -> None:
    actor, sheet = make.actor(officer="system"), declared.BY_CODE["posts"]
    post = make.post("registrar")
    with pytest.raises(Refused, match=r"sheet\.fixed"):
        sheet_bulk.change(actor, sheet, [Chosen(post.id)], {"capabilities": ["collect"]})
    with pytest.raises(Refused, match=r"access\.not-granted"):
        sheet_bulk.retire(make.actor(make.holder("registrar")), sheet, [Chosen(post.id)])
    with pytest.raises(Invalid, match=r"sheet\.too-many"):
        sheet_bulk.retire(actor, sheet, [Chosen(post.id)] * (sheet_bulk.MOST + 1))


# --- the workbook ------------------------------------------------------------------------------------------


def _export(browser: FlaskClient, code: str, query: str = "", **form: Any) -> list[list[Any]]:
    data = {"reason": "示例：核对", **form}
    sent = browser.post(f"/dictionary/{code}/export{query}", base_url=URL, data=data)
    assert sent.status_code == 200, sent.text
    assert sent.headers["Content-Disposition"].startswith("attachment")
    return CalamineWorkbook.from_filelike(BytesIO(sent.data)).get_sheet_by_index(0).to_python()


def _below(rows: list[list[Any]], head: str) -> list[list[Any]]:
    """The rows under the heading."""
    at = next(index for index, row in enumerate(rows) if row and row[0] == head)
    return [row for row in rows[at + 1 :] if row and row[0] not in ("", None)]


@pytest.mark.parametrize("sheet", declared.SHEETS, ids=lambda sheet: sheet.code)
def test_every_sheet_goes_into_a_workbook_with_all_its_fields(make: Factory, sheet: Sheet) -> None:
    keeper = make.holder("collector_c") if "collect" in sheet.keepers else None
    browser = make.signed_in(keeper) if keeper else make.signed_in(officer="system")
    assert _export(browser, sheet.code, whole="1")


def test_names_are_sorted_by_their_sound_not_by_their_initials(make: Factory) -> None:
    """曹 is spelled cao and comes before 陈, chen, although the initials czy come behind cf."""
    for name in ("陈示例", "曹正示例", "安示例"):
        make.person(name, name_pinyin=sort_key(name))
    browser = make.signed_in(officer="system")
    query = {"columns": ["name"], "search": "示例", "sort": [["name", "asc"]]}
    answer = browser.post("/api/v1/sheets/people/rows", base_url=URL, json={"query": query, "limit": 500})
    wanted = [one["cells"]["name"] for one in answer.json["rows"] if one["cells"]["name"][0] in "陈曹安"]
    assert wanted == ["安示例", "曹正示例", "陈示例"]
    order = "_oc_PeopleView=name&_od_PeopleView=asc&psize_PeopleView=200"
    page = browser.get(f"/dictionary/people/list/?{order}&q=示例", base_url=URL).text
    assert page.index("安示例") < page.index("曹正示例") < page.index("陈示例")



def test_a_workbook_has_exactly_what_is_filtered_in_its_order(system: FlaskClient, make: Factory) -> None:
    query = "?_flt_0_kind=administration&_oc_UnitsView=name&_od_UnitsView=desc&psize_UnitsView=1"
    rows = _export(system, "units", query)
    wanted = db.session.scalars(
        select(Unit.name).where(Unit.kind == "administration").order_by(Unit.by_sound.desc(), Unit.id.desc())
    ).all()
    assert [row[0] for row in _below(rows, "名称")] == list(wanted)
    said = " ".join(str(cell) for row in rows[:8] for cell in row)
    assert "类型 是其中之一" in said or "是其中之一" in said
    last = db.session.scalars(select(Audit).order_by(Audit.id.desc()).limit(1)).one()
    assert (last.event, last.object_id, last.detail["rows"]) == ("sheet.export", "units", len(wanted))
    assert last.detail["fields"] == ["kind"]


def test_a_workbook_of_the_ticked_rows_only(system: FlaskClient, make: Factory) -> None:
    chosen = [_save(make, "people", name=f"示例所选{n}") for n in range(2)]
    rows = _export(system, "people", rowid=[str(person.id) for person in chosen])
    assert [row[0] for row in _below(rows, "名称")] == [person.name for person in chosen]


def test_mobiles_stay_masked_and_formulas_are_text(system: FlaskClient, make: Factory) -> None:
    _save(make, "people", name="=1+1 示例", mobile="13800004321")
    sent = system.post("/dictionary/people/export?q=1%2B1", base_url=URL, data={"reason": "示例", "whole": "1"})
    cells = [
        c for row in CalamineWorkbook.from_filelike(BytesIO(sent.data)).get_sheet_by_index(0).to_python() for c in row
    ]
    assert "=1+1 示例" in cells
    assert "138****4321" in cells
    assert b"13800004321" not in sent.data


def test_a_workbook_wants_a_reason_and_has_a_limit(
    system: FlaskClient, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "/dictionary/units/export"
    assert system.post(address, base_url=URL, data={"reason": " "}).status_code == 422
    monkeypatch.setitem(app.config, "EXPORT_MAX_ROWS", 2)
    refused = system.post(address, base_url=URL, data={"reason": "示例"})
    assert refused.status_code == 422
    assert "2" in refused.text


# --- history -----------------------------------------------------------------------------------------------


def test_the_history_of_a_row_has_its_children_in_words(system: FlaskClient, make: Factory) -> None:
    unit, person = make.a_unit(), make.person("示例经办")
    membership = _save(make, "memberships", person=person.id, unit=unit.id, function="handler")
    _save(make, "units", unit.id, short_name="示例简称")
    sheets.remove(make.actor(officer="system"), declared.BY_CODE["memberships"], membership.id)
    page = system.get(f"/dictionary/units/history/{unit.id}", base_url=URL).text
    assert page.count('class="timeline-head"') == 4  # with what the seed entered
    assert "示例简称" in page
    assert "示例经办" in page
    assert "handler" not in page
    # A person's history has it too.
    assert "经办" in system.get(f"/dictionary/people/history/{person.id}", base_url=URL).text


def test_a_child_that_never_came_about_stays_in_the_history(system: FlaskClient, make: Factory) -> None:
    person = make.person("示例休假人")
    actor = make.actor(officer="system")
    with transaction():  # entered and taken back: its row is gone
        journal.write(actor, "create", "absence", 999_999, new={"person": person.code, "reason": "示例"})
        journal.write(actor, "remove", "absence", 999_999, old={"person": person.code, "reason": "示例"})
    page = system.get(f"/dictionary/people/history/{person.id}", base_url=URL).text
    assert page.count('class="timeline-head"') == 2


def test_a_history_is_read_page_by_page(system: FlaskClient, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.sheet_history.ROWS", 2)
    unit = make.a_unit()
    for n in range(5):
        _save(make, "units", unit.id, short_name=f"示例{n}")
    address, seen = f"/dictionary/units/history/{unit.id}", []
    while address:
        page = system.get(address, base_url=URL).text
        seen.append(page.count('class="timeline-head"'))
        older = page.partition('rel="next" href="')[2].partition('"')[0]
        address = older.replace("&amp;", "&")
    assert seen == [2, 2, 2]  # the last is the seed's


def test_a_history_costs_few_statements(system: FlaskClient, make: Factory) -> None:
    post = make.post("registrar")
    for n in range(4):
        _save(make, "posts", post.id, duty=f"示例{n}", office=make.unit("duty_office").id)
    address = f"/dictionary/posts/history/{post.id}"
    system.get(address, base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        assert system.get(address, base_url=URL).status_code == 200
    assert len(statements) <= 12, "\n\n".join(statements)
