"""Fields made at run time in the forms of dictionaries, intake, appeals and steps."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Appeal, Journal, Unit, UnitGroup, db
from app.services import field_definitions
from app.services.field_definitions import Place
from tests.factories import Factory
from tests.test_intake_views import form as filled_in

URL = "https://localhost"
OPTIONS = {"options": [{"code": "red", "label": "示例红", "colour": "red"}, {"code": "blue", "label": "示例蓝"}]}


def add(make: Factory, table: str, code: str, kind: str = "text", **more: Any) -> int:
    """A field made by the system officer."""
    raw = {"label": f"示例{code}", "code": code, "kind": kind, **more}
    return int(field_definitions.add(make.actor(officer="system"), Place(table), raw).id)


def post(client: FlaskClient, path: str, status: int = 302, **form: Any) -> str:
    answer = client.post(path, base_url=URL, data=form)
    assert answer.status_code == status, answer.status
    return answer.text


def look(client: FlaskClient, path: str) -> str:
    answer = client.get(path, base_url=URL)
    assert answer.status_code == 200, answer.status
    return answer.text


def last(table: str) -> Journal:
    found = db.session.scalars(select(Journal).where(Journal.object_type == table).order_by(Journal.id.desc())).first()
    assert found is not None
    return found


# --- dictionaries -------------------------------------------------------------------------------------------------


def test_a_dictionary_row_is_filled_in_changed_and_told(make: Factory) -> None:
    officer = make.signed_in(officer="system")
    add(make, "unit", "tint", "choice", parameters=OPTIONS)
    add(make, "unit", "seen", "moment")
    add(make, "unit", "boss", "person")
    unit, person = make.a_unit(), make.person()
    db.session.commit()
    page = look(officer, f"/dictionary/units/edit/{unit.id}")
    assert 'name="x_tint"' in page
    form = {"version": unit.version, "name": unit.name, "kind": unit.kind, "active": "y"}
    values = {"x_tint": "red", "x_seen": "2026-11-23 08:30", "x_boss": str(person.id)}
    post(officer, f"/dictionary/units/edit/{unit.id}", **form, **values)
    db.session.refresh(unit)
    assert unit.extra == {"tint": "red", "seen": "2026-11-23T00:30:00.000000Z", "boss": person.id}
    assert last("unit").new["x_tint"] == "red"
    for path in (f"show/{unit.id}", f"history/{unit.id}"):
        page = look(officer, f"/dictionary/units/{path}")
        assert "示例红" in page
        assert person.name in page
    page = post(officer, f"/dictionary/units/edit/{unit.id}", 422, **form | {"version": unit.version, "x_seen": "?"})
    assert "f-x_seen-error" in page


def test_a_new_row_needs_what_is_required_and_gets_defaults(make: Factory) -> None:
    officer = make.signed_in(officer="system")
    add(make, "unit", "tint", "choice", parameters=OPTIONS | {"default": "blue"})
    add(make, "unit", "no", required=True, is_unique=True)
    group = db.session.scalars(select(UnitGroup.id)).first()
    form = {"name": "示例新单位", "kind": "department", "group": str(group), "x_tint": "blue"}
    page = look(officer, "/dictionary/units/add")
    assert '<option value="blue" selected>' in page
    assert "f-x_no-error" in post(officer, "/dictionary/units/add", 422, **form, x_no="")
    post(officer, "/dictionary/units/add", **form, x_no="7")
    found = db.session.scalars(select(Unit).where(Unit.name == "示例新单位")).one()
    assert found.extra == {"tint": "blue", "no": "7"}
    again = post(officer, "/dictionary/units/add", 422, **form | {"name": "示例另一单位"}, x_no="7")
    assert "f-x_no-error" in again


# --- appeals ------------------------------------------------------------------------------------------------------


def test_intake_asks_for_the_class_alone_and_needs_it_when_submitted(make: Factory) -> None:
    add(make, "appeal", "tint", "choice", parameters=OPTIONS | {"default": "blue"}, classes=["A"])
    add(make, "appeal", "no", required=True)
    add(make, "appeal", "other", classes=["B"])
    clerk = make.signed_in(make.holder("collector_a"))
    page = look(clerk, "/intake/A")
    assert 'name="x_tint"' in page
    assert "x_other" not in page
    form = filled_in(make, "A") | {"x_tint": "red", "x_no": ""}
    assert "f-x_no-error" in post(clerk, "/intake/A", 422, then="submit", **form)
    post(clerk, "/intake/A", then="draft", **form)
    appeal = db.session.scalars(select(Appeal).order_by(Appeal.id.desc())).first()
    assert appeal is not None
    assert appeal.extra == {"tint": "red"}
    assert last("appeal").new["x_tint"] == "red"
    page = look(clerk, f"/appeals/{appeal.id}/submit")
    assert '<option value="red" selected>' in page
    sent = {"version": appeal.version, **form, "x_no": "9"}
    post(clerk, f"/appeals/{appeal.id}/edit", **sent)
    db.session.refresh(appeal)
    assert appeal.extra == {"tint": "red", "no": "9"}
    assert "示例红" in look(clerk, f"/appeals/{appeal.id}")


def test_fields_of_an_appeal_have_a_form_of_their_own(make: Factory) -> None:
    add(make, "appeal", "tint", "choice", parameters=OPTIONS)
    add(make, "appeal", "tags", "choices", parameters=OPTIONS)
    add(make, "appeal", "secret", reader_post_ids=[make.post("editor").id])
    appeal = make.appeal("registered")
    db.session.commit()
    keeper = make.signed_in(make.holder("ledger_admin"))
    assert f"/appeals/{appeal.id}/fields" in look(keeper, f"/appeals/{appeal.id}")
    page = look(keeper, f"/appeals/{appeal.id}/fields")
    assert "x_secret" not in page
    form = {"version": appeal.version, "x_tint": "red", "x_tags": ["red", "blue"], "x_tags-shown": "1"}
    post(keeper, f"/appeals/{appeal.id}/fields", **form)
    db.session.refresh(appeal)
    assert appeal.extra == {"tint": "red", "tags": ["red", "blue"]}
    page = look(keeper, f"/appeals/{appeal.id}")
    assert page.count("示例红") >= 3  # twice on the card, and in the timeline
    page = post(keeper, f"/appeals/{appeal.id}/fields", 409, **form | {"x_tint": "blue"})
    assert '<option value="blue" selected>' in page
    post(keeper, f"/appeals/{appeal.id}/fields", **{"version": appeal.version, "x_tags-shown": "1", "x_tint": ""})
    db.session.refresh(appeal)
    assert appeal.extra == {}


def test_a_step_into_a_state_asks_for_what_that_state_needs(make: Factory) -> None:
    add(make, "appeal", "cause", required_states=["closed"])
    director = make.holder("ledger_admin")
    appeal = make.appeal("answered")
    db.session.commit()
    client = make.signed_in(director)
    page = look(client, f"/appeals/{appeal.id}/strike_off")
    assert 'name="x_cause"' in page
    form = {"version": appeal.version, "result": "示例结果", "x_cause": ""}
    page = post(client, f"/appeals/{appeal.id}/strike_off", 422, **form)
    assert "f-x_cause-error" in page
    db.session.refresh(appeal)
    assert appeal.state == "answered"
    post(client, f"/appeals/{appeal.id}/strike_off", **form | {"x_cause": "示例原因"})
    db.session.refresh(appeal)
    assert (appeal.state, appeal.extra) == ("closed", {"cause": "示例原因"})
    assert last("appeal").new["x_cause"] == "示例原因"


def test_what_another_post_fills_in_holds_the_step_up_and_says_so(make: Factory) -> None:
    add(make, "appeal", "cause", required_states=["closed"], writer_post_ids=[make.post("editor").id])
    appeal = make.appeal("answered")
    db.session.commit()
    client = make.signed_in(make.holder("ledger_admin"))
    page = post(client, f"/appeals/{appeal.id}/strike_off", 403, version=appeal.version, result="示例结果")
    assert "示例cause" in page
