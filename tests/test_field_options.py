"""What a field may refer to, asked for while somebody types: in the grid, in forms, as far as he sees it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import extra_forms
from app.models import Appeal, Contact, OwnRow, OwnSheet, Person, db
from app.rules.definitions import Around
from app.rules.errors import FieldErrors
from app.services import definitions, field_definitions, field_values, ledger
from app.services.field_definitions import Place
from tests.factories import Factory

URL = "https://localhost"
LINKED = ("contacts", "appeals", "people")


def add(make: Factory, code: str, kind: str, table: str = "appeal", **more: Any) -> str:
    """A field made by the system officer; its key."""
    raw = {"label": f"示例{code}", "code": code, "kind": kind, **more}
    field_definitions.add(
        make.actor(officer="system"), Place(table, around=Around(links=dict.fromkeys(LINKED, ""))), raw
    )
    return definitions.PREFIX + code


def offers(client: FlaskClient, key: str, typed: str = "", sheet: str = "appeals") -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/sheets/{sheet}/options/{key}", base_url=URL, query_string={"q": typed})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = (answer.json or {})["options"]
    return found


def found(client: FlaskClient, key: str, typed: str, sheet: str = "appeals") -> list[int]:
    """The rows found by what was typed, asked for in a body as pages do."""
    answer = client.post(f"/api/v1/sheets/{sheet}/options/{key}", base_url=URL, json={"q": typed})
    assert answer.status_code == 200, answer.text
    return [one["value"] for one in (answer.json or {})["options"]]


@pytest.fixture
def outlets(make: Factory) -> dict[str, Contact]:
    """A broadcaster of the C collector and a paper of the D collector."""
    made = {
        one: Contact(
            code=f"outlet_{one}", name=f"示例{one}类电台", channel_class=one, name_pinyin=f"sl{one.lower()} shili"
        )
        for one in "CD"
    }
    db.session.add_all(made.values())
    db.session.commit()
    return made


def test_contacts_are_offered_to_who_keeps_them(make: Factory, outlets: dict[str, Contact]) -> None:
    key = add(make, "outlet", "link", parameters={"to": "contacts"})
    collector = make.signed_in(make.holder("collector_c"))
    assert [one["label"] for one in offers(collector, key)] == ["示例C类电台"]
    assert [one["value"] for one in offers(collector, key, "slc")] == [outlets["C"].id]
    assert [one["value"] for one in offers(collector, key, "C类")] == [outlets["C"].id]
    assert offers(make.signed_in(make.holder("ledger_admin")), key) == []


def test_a_contact_out_of_sight_is_not_linked_by_its_number(make: Factory, outlets: dict[str, Contact]) -> None:
    add(make, "outlet", "link", parameters={"to": "contacts"})
    [one] = definitions.current().of("appeal")
    collector = make.actor(make.holder("collector_c"))
    model, seen = field_values.target(one, collector)
    assert set(db.session.scalars(db.select(model.id).where(seen))) == {outlets["C"].id}
    with pytest.raises(FieldErrors):
        field_values.clean([one], {one.key: str(outlets["D"].id)}, actor=collector)
    assert field_values.clean([one], {one.key: str(outlets["C"].id)}, actor=collector) == {"outlet": outlets["C"].id}


def test_appeals_are_found_by_what_is_counted_in_their_number(make: Factory) -> None:
    key = add(make, "before", "link", parameters={"to": "appeals"})
    appeal, other = make.appeal("assigned"), make.appeal("assigned")
    keeper = make.signed_in(make.holder("ledger_admin"))
    assert appeal.number
    assert other.number
    counted = re.findall(r"\d+", appeal.number)[-1]
    for typed in (appeal.number, appeal.number[:-1], counted.lstrip("0")):
        assert appeal.id in [one["value"] for one in offers(keeper, key, typed, "ledger")], typed
    assert other.id not in [one["value"] for one in offers(keeper, key, appeal.number, "ledger")]
    stranger = make.signed_in(make.holder("collector_e"))
    seen = stranger.get(f"/api/v1/sheets/appeals/options/{key}", base_url=URL, query_string={"q": appeal.number})
    assert seen.status_code == 200
    assert (seen.json or {})["options"] == []


def test_a_long_list_of_people_is_asked_for_while_one_types(make: Factory) -> None:
    key = add(make, "boss", "person", "unit")
    people = [
        Person(code=f"many_{number}", name=f"示例众人{number}", name_pinyin=f"slzr{number} shilizhongren{number}")
        for number in range(extra_forms.MOST_OPTIONS + 20)
    ]
    late = Person(code="late", name="示例最后", name_pinyin="zzzh zzzuihou")
    db.session.add_all([*people, late])
    unit = make.a_unit()
    db.session.commit()
    officer = make.signed_in(officer="system")
    page = officer.get(f"/dictionary/units/edit/{unit.id}", base_url=URL).text
    select = re.search(rf'<select name="{key}".*?</select>', page, re.DOTALL)
    assert select is not None
    assert select[0].count("<option") <= extra_forms.MOST_OPTIONS + 1
    address = re.search(r'data-options="([^"]+)"', select[0])
    assert address is not None
    assert "示例最后" not in select[0]
    for typed in ("示例最后", "zzzh", "zzzui"):
        told = officer.get(html.unescape(address[1]), base_url=URL, query_string={"q": typed}).json
        assert told is not None
        assert [one["value"] for one in told["options"]] == [late.id], typed
    form = {"version": unit.version, "name": unit.name, "kind": unit.kind, "active": "y", key: str(late.id)}
    assert officer.post(f"/dictionary/units/edit/{unit.id}", base_url=URL, data=form).status_code == 302
    db.session.refresh(unit)
    assert unit.extra["boss"] == late.id
    again = officer.get(f"/dictionary/units/edit/{unit.id}", base_url=URL).text
    kept = re.search(rf'<option value="{late.id}"[^>]*>', again)
    assert kept is not None
    assert "selected" in kept[0]


def test_a_short_list_stands_on_the_page(make: Factory) -> None:
    key = add(make, "boss", "person", "unit")
    unit = make.a_unit()
    page = make.signed_in(officer="system").get(f"/dictionary/units/edit/{unit.id}", base_url=URL).text
    select = re.search(rf'<select name="{key}".*?</select>', page, re.DOTALL)
    assert select is not None
    assert "data-options" not in select[0]


def test_rows_of_a_sheet_that_is_not_his_are_neither_listed_nor_linked(make: Factory) -> None:
    sheet = OwnSheet(code="secret", name="示例内部", title_field="ming", reader_post_ids=[make.post("editor").id])
    db.session.add(sheet)
    db.session.flush()
    row = OwnRow(sheet_id=sheet.id, extra={"ming": "示例机密"})
    db.session.add(row)
    definitions.moved()
    db.session.commit()
    place = Place("appeal", around=Around(links={"own_secret": ""}))
    raw = {"label": "示例来源", "code": "source", "kind": "link", "parameters": {"to": "own_secret"}}
    field_definitions.add(make.actor(officer="system"), place, raw)
    [one] = definitions.current().of("appeal")
    stranger, editor = make.actor(make.holder("collector_a")), make.actor(make.holder("editor"))
    with make.app.test_request_context():
        assert "示例机密" not in str(extra_forms.shown(stranger, [one], {}, {}))
        assert "示例机密" in str(extra_forms.shown(editor, [one], {}, {}))
        with pytest.raises(FieldErrors):
            field_values.clean([one], {one.key: str(row.id)}, actor=stranger)


@pytest.fixture
def titled(make: Factory) -> dict[str, Appeal]:
    """Appeals with titles of their own."""
    titles = {"lamp": "示例路灯整夜不亮", "street": "示例路面积水，路灯也不亮", "noise": "示例夜间施工噪声 Noise"}
    made = {name: make.appeal("assigned") for name in titles}
    for name, appeal in made.items():
        appeal.subject, appeal.body = titles[name], "示例正文提到路灯"
    db.session.commit()
    return made


@pytest.mark.parametrize("few", [20_000, -1], ids=["rare", "common"])
def test_appeals_are_found_by_words_of_their_title(
    make: Factory, titled: dict[str, Appeal], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(ledger, "FEW", few)  # either way of the search
    key = add(make, "before", "link", parameters={"to": "appeals"})
    keeper = make.signed_in(make.holder("ledger_admin"))
    lamp, street, noise = (titled[name].id for name in ("lamp", "street", "noise"))
    assert found(keeper, key, "路灯", "ledger") == [street, lamp]
    assert found(keeper, key, "路灯 积水", "ledger") == [street]
    assert found(keeper, key, "亮 路灯", "ledger") == [street, lamp]
    assert found(keeper, key, "noise", "ledger") == [noise]
    assert found(keeper, key, "100%", "ledger") == []
    assert found(keeper, key, "亮", "ledger") == []  # one character names nothing
    assert found(keeper, key, "", "ledger") == [noise, street, lamp]
    assert found(keeper, key, titled["lamp"].number or "", "ledger") == [lamp]


def test_words_of_a_title_find_nothing_out_of_sight_and_nothing_in_an_address(
    make: Factory, titled: dict[str, Appeal]
) -> None:
    key = add(make, "before", "link", parameters={"to": "appeals"})
    handler = make.signed_in(make.member(titled["lamp"].unit))
    seen = [one.id for one in titled.values() if one.unit_id == titled["lamp"].unit_id and "路灯" in one.subject]
    assert found(handler, key, "路灯") == sorted(seen, reverse=True)
    other = make.signed_in(make.member(make.a_unit(offset=7)))
    assert found(other, key, "路灯") == []
    assert offers(make.signed_in(make.holder("ledger_admin")), key, "路灯", "ledger") == []
