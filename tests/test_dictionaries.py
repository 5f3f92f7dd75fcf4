"""The generated pages of the dictionaries: who sees them, what a form refuses, what a list costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import sheets as declared
from app.models import Channel, Person, Post, Unit, db
from app.services import absences, changes, present, sheets
from app.services.changes import Change
from app.services.sheet_rows import Sheet
from app.sheets import view_name
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"
SYSTEM = [sheet for sheet in declared.SHEETS if "system" in sheet.keepers]
SHEETS = pytest.mark.parametrize("sheet", SYSTEM, ids=lambda sheet: sheet.code)


@pytest.fixture
def system(make: Factory) -> Iterator[FlaskClient]:
    """A browser of the system officer."""
    return make.signed_in(officer="system")


def _address(sheet: Sheet | str, page: str = "list/") -> str:
    return f"/dictionary/{sheet if isinstance(sheet, str) else sheet.code}/{page}"


def _first(sheet: Sheet) -> int | None:
    query = select(sheet.model.id).filter_by(**sheet.only).order_by(sheet.model.id)
    return db.session.scalars(query.limit(1)).first()


@SHEETS
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_list_and_form_opens(system: FlaskClient, make: Factory, sheet: Sheet, language: str) -> None:
    with system.session_transaction(base_url=URL) as cookie:
        cookie["locale"] = language
    assert system.get(_address(sheet), base_url=URL).status_code == 200
    if sheet.can_add:
        assert system.get(_address(sheet, "add"), base_url=URL).status_code == 200
    row_id = _first(sheet)
    if row_id is None:
        return
    shown = system.get(_address(sheet, f"show/{row_id}"), base_url=URL)
    assert shown.status_code == 200
    if sheet.can_edit:
        assert system.get(_address(sheet, f"edit/{row_id}"), base_url=URL).status_code == 200


@SHEETS
def test_only_the_system_officer_opens_them(make: Factory, sheet: Sheet) -> None:
    for browser in (make.signed_in(make.holder("collector_c", "B")), make.signed_in(officer="security")):
        for page in ("list/", "add", "show/1", "edit/1"):
            assert browser.get(_address(sheet, page), base_url=URL).status_code in (403, 404)
        for page in ("add", "edit/1", "delete/1", "action_post"):
            assert browser.post(_address(sheet, page), base_url=URL).status_code in (403, 404)


@SHEETS
def test_nothing_is_deleted_by_opening_an_address(system: FlaskClient, sheet: Sheet) -> None:
    assert system.get(_address(sheet, "delete/1"), base_url=URL).status_code in (404, 405)
    assert system.get(_address(sheet, "action_post"), base_url=URL).status_code in (404, 405)


@SHEETS
def test_no_route_but_the_declared_ones(app: object, sheet: Sheet) -> None:
    rules = app.url_map.iter_rules()  # type: ignore[attr-defined]
    found = {rule.endpoint.split(".")[1] for rule in rules if rule.endpoint.startswith(f"{view_name(sheet)}.")}
    wanted = {"list", "show", "keep", "action_post", "export", "history"}
    wanted |= {"add"} if sheet.can_add else set()
    wanted |= {"edit"} if sheet.can_edit else set()
    wanted |= {"delete"} if sheet.can_remove else set()
    wanted |= {"contacted", "reveal"} if sheet.code == "contacts" else set()
    assert found - {"static"} == wanted


@SHEETS
def test_a_list_costs_few_statements_however_long(system: FlaskClient, sheet: Sheet) -> None:
    system.get(_address(sheet), base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        assert system.get(_address(sheet), base_url=URL).status_code == 200
    assert len(statements) <= 16, "\n\n".join(statements)


@SHEETS
def test_a_list_offers_what_the_sheet_allows(system: FlaskClient, sheet: Sheet) -> None:
    page = system.get(_address(sheet), base_url=URL).text
    assert (_address(sheet, "add") in page) == sheet.can_add
    if _first(sheet) is not None:
        assert (_address(sheet, "edit/") in page) == sheet.can_edit
        assert (_address(sheet, "delete/") in page) == sheet.can_remove
        assert ('value="retire"' in page) == sheet.can_remove
        assert 'value="export"' in page


def test_a_post_is_added_and_its_page_shows_the_vacancies(system: FlaskClient, make: Factory) -> None:
    office = make.unit("duty_office")
    form = {
        "number": "13",
        "name": "示例督查岗",
        "office": str(office.id),
        "capabilities": ["supervise", "report"],
        "scope": "all",
        "active": "y",
        "previewed": "1",
    }
    assert system.post(_address("posts", "add"), base_url=URL, data=form).status_code == 302
    post = db.session.scalars(select(Post).where(Post.name == "示例督查岗")).one()
    assert post.capabilities == []  # until the security officer agrees
    page = system.get(_address("posts", f"show/{post.id}"), base_url=URL).text
    assert page.count("fa-user-slash") == 4  # A and B; the leader, and where he is changed
    assert "示例督查岗" in system.get(_address("posts"), base_url=URL).text


def test_a_refusal_stands_at_its_field_and_what_was_typed_stays(system: FlaskClient, make: Factory) -> None:
    form = {"number": "1", "name": "示例重号岗", "office": str(make.unit("duty_office").id), "scope": "all"}
    page = system.post(_address("posts", "add"), base_url=URL, data=form)
    assert page.status_code == 422
    assert re.search(r'id="number-error"', page.text)
    assert "示例重号岗" in page.text
    assert make.count(Post, name="示例重号岗") == 0


def test_a_stale_form_shows_what_stands_there_now_and_can_be_sent_again(system: FlaskClient, make: Factory) -> None:
    unit = make.a_unit()
    values = {
        "name": unit.name,
        "name_en": unit.name_en,
        "short_name": "示例甲",
        "kind": unit.kind,
        "group": str(unit.group_id),
        "sort": str(unit.sort),
        "active": "y",
        "version": str(unit.version),
    }
    sheets.save(make.actor(officer="system"), declared.BY_CODE["units"], unit.id, {"short_name": "示例乙"})
    address = _address("units", f"edit/{unit.id}")
    page = system.post(address, base_url=URL, data=values)
    assert page.status_code == 422
    assert "示例乙" in page.text
    assert "示例甲" in page.text
    db.session.refresh(unit)
    assert unit.short_name == "示例乙"
    assert f'value="{unit.version}"' in page.text
    assert system.post(address, base_url=URL, data=values | {"version": str(unit.version)}).status_code == 302
    db.session.refresh(unit)
    assert unit.short_name == "示例甲"


def test_a_mobile_number_is_masked_on_every_page(system: FlaskClient, make: Factory) -> None:
    actor, sheet = make.actor(officer="system"), declared.BY_CODE["people"]
    person = sheets.save(actor, sheet, None, {"name": "示例机主", "mobile": "13800004321"})
    for page in (f"list/?q={person.name}", f"show/{person.id}", f"edit/{person.id}"):
        text = system.get(_address("people", page), base_url=URL).text
        assert "13800004321" not in text
        assert ("138****4321" in text) == (not page.startswith("edit"))


@pytest.mark.parametrize("term", ["示例简称", "SLJC", "sljc", "shi_li_jian_cheng", "Sample Short"])
def test_the_search_box_knows_names_initials_and_codes(system: FlaskClient, make: Factory, term: str) -> None:
    values = {"name": "示例简称渠道", "name_en": "Sample short", "channel_class": "A", "kind": "phone"}
    sheets.save(make.actor(officer="system"), declared.BY_CODE["channels"], None, values)
    page = system.get(_address("channels"), base_url=URL, query_string={"q": term}).text
    assert page.count("data-select-row") == 1
    assert "示例简称渠道" in page


def test_filters_of_the_address_narrow_a_list(system: FlaskClient, make: Factory) -> None:
    def rows(**query: object) -> int:
        page = system.get(_address("units"), base_url=URL, query_string=query)
        assert page.status_code == 200
        return page.text.count("data-select-row")

    assert rows(_flt_0_kind="administration") == make.count(Unit, kind="administration")
    group = make.a_unit("administration").group_id
    assert rows(_flt_0_group=group, psize_UnitsView=100) == make.count(Unit, group_id=group)
    assert rows(_flt_0_group="x") == 0
    assert rows(_flt_0_active="n") == 0
    assert rows(_flt_0_name="100%") == 0
    assert rows(_flt_7_kind="administration", _flt_0_source="document", _oc_UnitsView="version") == 50
    assert rows(page_UnitsView="99999", psize_UnitsView="-1", q="\x00") == 0


def test_taking_rows_out_of_use_tells_each_refusal_by_name(system: FlaskClient, make: Factory) -> None:
    free, held = make.person("示例闲人"), make.holder("registrar")
    data = {"action": "retire", "rowid": [str(free.id), str(held.id)]}
    asked = system.post(_address("people", "action_post"), base_url=URL, data=data)
    assert (asked.status_code, asked.text.count('name="rowid"')) == (200, 2)
    assert make.count(Person, id=free.id, active=True) == 1  # asked, not done
    versions = {f"version_{row.id}": str(row.version) for row in (free, held)}
    done = system.post(_address("people", "action_post"), base_url=URL, data=data | versions | {"confirmed": "1"})
    assert make.count(Person, id=free.id, active=False) == 1
    assert make.count(Person, id=held.id, active=True) == 1
    assert "此人仍在以下位置" in done.text or "登记" in done.text
    assert done.text.count("circle-xmark") == 1


def test_a_row_out_of_sight_is_reached_by_no_address(
    system: FlaskClient, make: Factory, app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The framework's own actions load rows past the base filters; ours must not (DESIGN section 6, fact 1)."""
    seen, unseen = db.session.scalars(select(Channel).order_by(Channel.id).limit(2)).all()
    view = next(one for one in app.appbuilder.baseviews if one.endpoint == "ChannelsView")  # type: ignore[attr-defined]
    from flask_appbuilder.models.sqla.filters import FilterEqual

    only = view.datamodel.get_filters()
    only.add_filter("id", FilterEqual, seen.id)
    monkeypatch.setattr(view, "_base_filters", only)
    assert str(unseen.name) not in system.get(_address("channels"), base_url=URL).text
    for method, page, data in (
        ("get", f"show/{unseen.id}", {}),
        ("get", f"edit/{unseen.id}", {}),
        ("post", f"edit/{unseen.id}", {"name": "示例"}),
        ("post", f"delete/{unseen.id}", {}),
        ("post", "action_post", {"action": "retire", "rowid": [str(seen.id), str(unseen.id)]}),
    ):
        answer = getattr(system, method)(_address("channels", page), base_url=URL, data=data)
        assert answer.status_code == 404, page
    assert make.count(Channel, id=unseen.id, active=True) == 1
    assert make.count(Channel, id=seen.id, active=True) == 1


@pytest.mark.parametrize("pk", ["x", "0", "-1", "99999999999999999999", "１"])
def test_an_address_of_no_row_is_404(system: FlaskClient, pk: str) -> None:
    assert system.get(_address("units", f"show/{pk}"), base_url=URL).status_code == 404


def test_a_responsible_leader_sees_the_absences_of_his_own_people(make: Factory) -> None:
    post = make.post("registrar")
    leader = make.person("示例责任领导")
    actor = make.actor(officer="system")
    changes.file(actor, Change("leader", present.now(), post_id=post.id, person_id=leader.id))
    now = present.now()
    kept = {}
    for name, person in (("own", make.holder("registrar")), ("foreign", make.person("示例外人"))):
        wish = absences.Wish("leave", now, now + timedelta(days=1))
        kept[name] = absences.enter(actor, person.id, wish).id
    browser = make.signed_in(leader)
    page = browser.get(_address("absences"), base_url=URL)
    assert page.status_code == 200
    assert f'show/{kept["own"]}"' in page.text
    assert f'show/{kept["foreign"]}"' not in page.text
    assert browser.get(_address("absences", f"show/{kept['own']}"), base_url=URL).status_code == 200
    assert browser.get(_address("absences", f"show/{kept['foreign']}"), base_url=URL).status_code == 404


def test_a_vacant_place_leads_to_the_form_that_fills_it(system: FlaskClient, make: Factory) -> None:
    unit = make.a_unit("local_government")
    page = system.get("/chains/", base_url=URL).text
    place = f"chain:{unit.id}:first:A"
    found = re.search(rf'href="(/changes/new\?place={place})"', page)
    assert found is not None
    form = system.get(found[1], base_url=URL).text
    assert re.search(rf'<option value="{place}"[^>]* selected', form)


def test_the_administrator_has_no_appeals_in_his_menu(system: FlaskClient) -> None:
    page = system.get(_address("posts"), base_url=URL).text
    assert "/dictionary/assumptions/list/" in page
    assert "/ledger/" not in page
