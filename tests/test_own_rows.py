"""Rows of own sheets as pages: who adds, reads, edits and deletes them, what a row links to, what the menu shows."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.models import FieldDefinition, Journal, OwnRow, db
from app.rules.values import ValueKind
from app.services import definitions, own_rows, own_sheets
from app.services.definitions import OWN, Own
from app.services.own_sheets import Line, Plan
from tests.factories import Factory

URL = "https://localhost"
LINES = (
    Line("名称", ValueKind.TEXT, required=True),
    Line("状况", ValueKind.CHOICE, ("好", "差")),
    Line("单位", ValueKind.UNIT),
    Line("修建日期", ValueKind.DATE),
    Line("已验收", ValueKind.BOOL),
)


@pytest.fixture
def own(make: Factory) -> Own:
    """An own sheet that the supervisor's post fills in and the editor's reads; its rows may link to appeals and it."""
    officer = make.actor(officer="system")
    plan = Plan("示例桥梁", "Sample bridges", lines=LINES, readers=(make.post("editor").id,),
                writers=(make.post("supervisor").id,))  # fmt: skip
    sheet = own_sheets.make(officer, plan)
    for n, (code, to) in enumerate((("appeal", "appeals"), ("twin", f"own_{sheet.code}"))):
        one = FieldDefinition(
            table_name=OWN, own_sheet_id=sheet.id, code=code, label=f"示例{code}", kind="link", sort=90 + n,
            parameters={"to": to},
        )  # fmt: skip
        db.session.add(one)
    definitions.moved()
    db.session.commit()
    return definitions.current().sheets[sheet.code]


@pytest.fixture
def writer(make: Factory) -> FlaskClient:
    """The browser of who fills the sheet in."""
    return make.signed_in(make.holder("supervisor"))


def put(make: Factory, own: Own, **values: object) -> OwnRow:
    """A row that the system officer entered."""
    return own_rows.write(make.actor(officer="system"), own, None, {f"x_{key}": one for key, one in values.items()})


def test_a_row_is_added_by_its_form_once_and_shown(own: Own, writer: FlaskClient, make: Factory) -> None:
    page = writer.get(f"/own/{own.code}/add", base_url=URL)
    assert page.status_code == 200
    unit = make.a_unit()
    form = {
        "x_ming_cheng": "示例一桥", "x_zhuang_kuang": "c2", "x_dan_wei": unit.id, "x_xiu_jian_ri_qi": "2020年5月1日",
        "x_yi_yan_shou": "1", "request_key": "once",
    }  # fmt: skip
    first = writer.post(f"/own/{own.code}/add", base_url=URL, data=form)
    assert first.status_code == 302, first.text
    assert writer.post(f"/own/{own.code}/add", base_url=URL, data=form).location == first.location
    row = db.session.scalars(select(OwnRow)).one()
    assert row.extra == {
        "ming_cheng": "示例一桥", "zhuang_kuang": "c2", "dan_wei": unit.id, "xiu_jian_ri_qi": "2020-05-01",
        "yi_yan_shou": True,
    }  # fmt: skip
    shown = writer.get(first.location, base_url=URL).text
    for text in ("示例一桥", "差", unit.name, "2020-05-01"):
        assert text in shown
    assert db.session.scalar(select(func.count()).where(Journal.object_type == OWN)) == 1
    post = db.session.scalars(select(Journal).where(Journal.object_type == OWN)).one()
    assert post.post_id == make.post("supervisor").id


def test_what_is_wrong_stands_at_its_field_with_what_was_typed(own: Own, writer: FlaskClient) -> None:
    form = {"x_ming_cheng": "", "x_xiu_jian_ri_qi": "昨天前后"}
    answer = writer.post(f"/own/{own.code}/add", base_url=URL, data=form)
    assert answer.status_code == 422
    assert 'id="f-x_ming_cheng-error"' in answer.text
    assert 'id="f-x_xiu_jian_ri_qi-error"' in answer.text
    assert "昨天前后" in answer.text
    assert db.session.scalar(select(func.count()).select_from(OwnRow)) == 0


def test_an_edit_that_came_too_late_is_told_and_keeps_what_was_typed(
    own: Own, writer: FlaskClient, make: Factory
) -> None:
    row = put(make, own, ming_cheng="示例一桥")
    version = row.version
    address = f"/own/{own.code}/{row.id}/edit"
    assert writer.get(address, base_url=URL).status_code == 200
    form = {"x_ming_cheng": "示例新桥", "version": version}
    assert writer.post(address, base_url=URL, data=form).status_code == 302
    late = writer.post(address, base_url=URL, data={"x_ming_cheng": "示例老桥", "version": version})
    assert late.status_code == 422
    assert "示例老桥" in late.text
    history = writer.get(f"/own/{own.code}/{row.id}/history", base_url=URL).text
    assert "<del>示例一桥</del>" in history
    assert "<ins>示例新桥</ins>" in history


def test_a_deleted_row_lies_in_the_trash_and_comes_back(own: Own, writer: FlaskClient, make: Factory) -> None:
    row = put(make, own, ming_cheng="示例一桥")
    address = f"/own/{own.code}/{row.id}"
    assert writer.post(f"{address}/remove", base_url=URL, data={"version": row.version}).status_code == 302
    assert writer.get(address, base_url=URL).status_code == 404
    trash = f"/grid/own_{own.code}/trash"
    assert "示例一桥" in writer.get(trash, base_url=URL).text
    assert "示例一桥" in writer.get(f"{trash}?q=一桥", base_url=URL).text
    assert f"{trash}/{row.id}/restore" not in writer.get(f"{trash}?q=二%25桥", base_url=URL).text
    restored = writer.post(f"{trash}/{row.id}/restore", base_url=URL, data={"request_key": "once"})
    assert restored.status_code == 302
    assert writer.get(address, base_url=URL).status_code == 200
    assert "示例一桥" not in writer.get(trash, base_url=URL).text


def test_who_reads_does_not_write_and_a_stranger_finds_nothing(own: Own, make: Factory) -> None:
    row = put(make, own, ming_cheng="示例一桥")
    reader, stranger = make.signed_in(make.holder("editor")), make.signed_in(make.holder("registrar"))
    address = f"/own/{own.code}/{row.id}"
    shown = reader.get(address, base_url=URL)
    assert shown.status_code == 200
    assert f"{address}/edit" not in shown.text
    assert reader.post(f"{address}/edit", base_url=URL, data={"x_ming_cheng": "示例"}).status_code == 403
    assert reader.post(f"{address}/remove", base_url=URL).status_code == 403
    for path in (address, f"{address}/edit", f"/grid/own_{own.code}/trash", f"/own/{own.code}/add"):
        assert stranger.get(path, base_url=URL).status_code == 404
    assert stranger.post(f"{address}/edit", base_url=URL, data={"x_ming_cheng": "示例"}).status_code == 404


def test_a_row_of_another_sheet_is_not_reached_through_this_one(own: Own, writer: FlaskClient, make: Factory) -> None:
    officer = make.actor(officer="system")
    other = own_sheets.make(officer, Plan("示例别表", lines=LINES[:1]))
    row = put(make, definitions.current().sheets[other.code], ming_cheng="示例别行")
    assert writer.get(f"/own/{own.code}/{row.id}", base_url=URL).status_code == 404
    assert writer.post(f"/own/{own.code}/{row.id}/edit", base_url=URL, data={}).status_code == 404
    assert writer.post(f"/own/{own.code}/{row.id}/remove", base_url=URL).status_code == 404


def test_a_row_links_and_is_told_from_where_it_is_linked(own: Own, make: Factory) -> None:
    number = make.appeal("registered")
    twin = put(make, own, ming_cheng="示例一桥")
    row = put(make, own, ming_cheng="示例二桥", twin=twin.id)
    db.session.execute(
        OwnRow.__table__.update().where(OwnRow.id == row.id).values(extra=row.extra | {"appeal": number.id})
    )
    db.session.commit()
    writer = make.signed_in(make.holder("supervisor"))
    shown = writer.get(f"/own/{own.code}/{row.id}", base_url=URL).text
    assert f'<a href="/own/{own.code}/{twin.id}">示例一桥</a>' in shown
    assert number.number in shown
    linked = writer.get(f"/own/{own.code}/{twin.id}", base_url=URL).text
    assert f'<a href="/own/{own.code}/{row.id}">示例二桥</a>' in linked
    appeal = writer.get(f"/appeals/{number.id}", base_url=URL).text
    assert f'<a href="/own/{own.code}/{row.id}">示例二桥</a>' in appeal
    stranger = make.signed_in(make.holder("registrar")).get(f"/appeals/{number.id}", base_url=URL)
    assert stranger.status_code == 200
    assert "示例二桥" not in stranger.text


def test_an_appeal_is_offered_by_its_number_to_who_sees_it(own: Own, writer: FlaskClient, make: Factory) -> None:
    appeal = make.appeal("registered")
    address = f"/api/v1/sheets/own_{own.code}/options/x_appeal"
    assert appeal.number is not None
    found = writer.get(address, query_string={"q": appeal.number[:6]}, base_url=URL).json
    assert found is not None
    assert [one["value"] for one in found["options"]] == [appeal.id]
    assert writer.get(address, query_string={"q": "9999"}, base_url=URL).json == {"options": []}
    form = {"x_ming_cheng": "示例", "x_appeal": appeal.id}
    assert writer.post(f"/own/{own.code}/add", base_url=URL, data=form).status_code == 302


def test_the_menu_has_the_sheet_for_its_readers_at_once_in_every_process(
    own: Own, app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = f'href="/grid/own_{own.code}"'
    reader, stranger = make.signed_in(make.holder("editor")), make.signed_in(make.holder("registrar"))
    assert entry in reader.get("/inbox/", base_url=URL).text
    assert entry not in stranger.get("/inbox/", base_url=URL).text
    # Another process: it knows what was in force before the sheet was shared with everybody.
    known = definitions._known
    officer = make.actor(officer="system")
    sheet = own_sheets.find(own.id)
    own_sheets.change(
        officer, own.id, name=sheet.name, name_en="", intro="", title_field="ming_cheng", readers=[], writers=[],
        is_open=True, version=sheet.version,
    )  # fmt: skip
    monkeypatch.setattr(definitions, "_known", known)
    assert entry in stranger.get("/inbox/", base_url=URL).text
    own_sheets.switch(officer, own.id, active=False)
    monkeypatch.setattr(definitions, "_known", known)
    assert entry not in reader.get("/inbox/", base_url=URL).text
    assert reader.get(f"/grid/own_{own.code}", base_url=URL).status_code == 404
