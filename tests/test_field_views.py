"""The pages on fields made at run time, as the system officer sees them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app import field_places
from app.models import FieldDefinition, OwnRow, OwnSheet, Unit, db
from app.services import definitions, field_definitions, own_rows
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"


@pytest.fixture
def officer(make: Factory) -> FlaskClient:
    """Signed in as who keeps the system; two own sheets are there, a bridge stands on a road."""
    for code in ("roads", "bridges"):
        db.session.add(OwnSheet(code=code, name=f"示例{code}", title_field="name"))
    db.session.flush()
    definitions.moved()
    db.session.commit()
    return make.signed_in(officer="system")


def send(client: FlaskClient, path: str, status: int = 302, **form: Any) -> str:
    answer = client.post(f"/fields/{path}", base_url=URL, data=form)
    assert answer.status_code == status, answer.status
    return answer.text


def look(client: FlaskClient, path: str) -> str:
    answer = client.get(f"/fields/{path}", base_url=URL)
    assert answer.status_code == 200, answer.status
    return answer.text


def field(code: str) -> FieldDefinition:
    found = db.session.scalars(select(FieldDefinition).where(FieldDefinition.code == code)).one()
    db.session.refresh(found)
    return found


def test_a_choice_with_colours_is_added_changed_ordered_retired_and_brought_back(officer: FlaskClient) -> None:
    assert "还没有自定义字段" in look(officer, "appeals")
    assert "选项" in look(officer, "appeals/new?kind=choice")
    form = {
        "kind": "choice", "label": "示例来源", "on_form": "1", "option_0": "热线", "colour_0": "red", "active_0": "1",
        "option_1": "信件", "colour_1": "blue", "active_1": "1", "place_0": "2", "place_1": "1", "classes": ["A", "F"],
        "request_key": "k1",
    }  # fmt: skip
    send(officer, "appeals/new", **form)
    send(officer, "appeals/new", **form)
    row = field("shi_li_lai_yuan")
    assert [(one["label"], one["colour"]) for one in row.parameters["options"]] == [("信件", "blue"), ("热线", "red")]
    assert row.classes == ["A", "F"]
    send(officer, "appeals/new", kind="text", label="示例编号", on_form="1", code="no")
    page = look(officer, "appeals")
    assert page.index("示例来源") < page.index("示例编号")
    send(officer, f"appeals/{row.id}/move", way="down")
    page = look(officer, "appeals")
    assert page.index("示例编号") < page.index("示例来源")
    send(officer, f"appeals/{row.id}/retire")
    assert "已停用" in look(officer, "appeals")
    send(officer, f"appeals/{row.id}/restore")
    assert "已停用" not in look(officer, "appeals")
    send(officer, f"appeals/{row.id}", version=str(field(row.code).version), **(form | {"label": "示例渠道"}))
    assert field(row.code).label == "示例渠道"
    send(officer, f"appeals/{row.id}", status=409, version="1", **form)


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(officer: FlaskClient) -> None:
    page = send(officer, "units/new", status=422, kind="number", label="", least="x", most="5")
    assert "f-label-error" in page
    assert "f-least-error" in page
    assert 'value="x"' in page
    assert "选项" in send(officer, "units/new", status=422, kind="choice", label="示例")
    assert officer.get("/fields/nowhere", base_url=URL).status_code == 404


def test_sheets_over_one_table_share_their_fields_and_stand_in_the_file_once(officer: FlaskClient) -> None:
    send(officer, "units/new", kind="link", label="示例上级", on_form="1", code="above", to="units")
    rollup = {"to": "units", "field": "x_above", "figure": "count"}
    send(officer, "units/new", kind="rollup", label="示例下级数", on_form="1", code="below", **rollup)
    assert "/fields/offices" not in look(officer, "")
    body = officer.get("/fields/file", base_url=URL).data
    db.session.execute(text("DELETE FROM field_definition"))
    definitions.moved()
    db.session.commit()
    page = officer.post("/fields/file", base_url=URL, data={"file": (io.BytesIO(body), "fields.json")}).text
    assert page.count(">示例下级数<") == 1
    assert 'name="apply"' in page


def test_a_formula_is_checked_while_it_is_written(officer: FlaskClient, make: Factory) -> None:
    def told(formula: str, **more: str) -> dict[str, Any]:
        answer = officer.post("/fields/units/formula", base_url=URL, data={"formula": formula, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    wrong = told("1 + {nope}")
    assert (wrong["right"], wrong["at"], wrong["length"], wrong["samples"]) == (False, 5, 6, [])
    assert "nope" in wrong["message"]
    right = told("{sort} * 2")
    newest = db.session.scalars(select(Unit).order_by(Unit.id.desc()).limit(3)).all()
    assert (right["right"], right["samples"]) == (True, [[one.name, str(one.sort * 2)] for one in newest])
    appeals = officer.post("/fields/appeals/formula", base_url=URL, data={"formula": "{number}"})
    assert appeals.json is not None
    assert (appeals.json["right"], appeals.json["samples"]) == (True, [])
    other = make.signed_in(make.holder("editor"))
    assert other.post("/fields/units/formula", base_url=URL, data={"formula": "1"}).status_code in (302, 403)


def test_a_formula_is_checked_with_the_place_of_its_mistake(officer: FlaskClient) -> None:
    page = look(officer, "own_roads/new?kind=formula")
    assert "ROUND(" in page
    page = send(officer, "own_roads/new", status=200, kind="formula", label="示例", formula="1 + ", check="1")
    assert "公式" in page
    assert "is-danger" in page
    page = send(officer, "own_roads/new", status=200, kind="formula", label="示例", formula="1 + 2", check="1")
    assert "is-ok" in page
    assert db.session.scalar(text("SELECT count(*) FROM field_definition")) == 0


def test_a_change_of_kind_shows_what_is_lost_first(officer: FlaskClient, make: Factory) -> None:
    send(officer, "own_roads/new", kind="text", label="示例长度", code="length", on_form="1")
    actor = make.actor(officer="system")
    for value in ("12", "十二米"):
        own_rows.write(actor, definitions.current().sheets["roads"], None, {"x_length": value})
    row = field("length")
    page = look(officer, f"own_roads/{row.id}?kind=number")
    assert 'value="number"' in page
    form = {"kind": "number", "label": "示例长度", "on_form": "1", "version": str(row.version)}
    page = send(officer, f"own_roads/{row.id}", status=422, **form)
    assert "十二米" in page
    assert 'name="agreed" value="1"' in page
    send(officer, f"own_roads/{row.id}", agreed="1", **form)
    assert sorted(map(str, db.session.scalars(select(OwnRow.extra)))) == ["{'length': 12}", "{}"]


def test_links_lookups_and_rollups_are_offered_what_fits(officer: FlaskClient) -> None:
    send(officer, "own_roads/new", kind="text", label="示例名", code="name", on_form="1")
    send(officer, "own_bridges/new", kind="number", label="示例长", code="length", on_form="1")
    send(officer, "own_bridges/new", kind="link", label="示例道路", code="road", to="own_roads", on_form="1")
    assert 'value="x_name"' in look(officer, "own_bridges/new?kind=lookup")
    send(officer, "own_bridges/new", kind="lookup", label="示例路名", code="road_name", field="x_road", column="x_name")
    assert 'value="own_bridges"' in look(officer, "own_roads/new?kind=rollup")
    rollup = {"kind": "rollup", "label": "示例总长", "to": "own_bridges", "field": "x_road", "figure": "sum"}
    send(officer, "own_roads/new", status=422, **rollup)
    send(officer, "own_roads/new", code="metres", column="x_length", **rollup)
    send(officer, "own_roads/new", kind="formula", label="示例千米", code="km", formula="{x_metres} / 1000")
    answer = officer.post("/api/v1/sheets/own_roads/rows", base_url=URL, json={"query": {}, "limit": 1})
    assert answer.status_code == 200
    schema = officer.get("/api/v1/sheets/own_roads", base_url=URL).json
    assert [one["key"] for one in schema["columns"]] == ["x_name", "x_metres", "x_km"]
    send(officer, f"own_roads/{field('metres').id}/retire", status=403)


def entries(file: str) -> list[dict[str, Any]]:
    """What a file of definitions holds, in one order."""
    found = json.loads(file)
    return sorted([*found["sheets"], *found["fields"]], key=lambda one: (one.get("sheet", ""), one["code"]))


def test_definitions_go_out_and_come_in_as_one_file(officer: FlaskClient) -> None:
    send(officer, "own_roads/new", kind="text", label="示例名", code="name", on_form="1", is_unique="1")
    send(officer, "own_bridges/new", kind="link", label="示例道路", code="road", to="own_roads", on_form="1")
    send(officer, "own_bridges/new", kind="lookup", label="示例路名", code="rn", field="x_road", column="x_name")
    file = officer.get("/fields/file", base_url=URL).text

    def hand_in(content: str) -> Any:
        data = {"file": (io.BytesIO(content.encode()), "fields.json")}
        return officer.post("/fields/file", base_url=URL, data=data, content_type="multipart/form-data")

    page = hand_in(file)
    assert page.status_code == 200
    assert page.text.count("保持不变") == 5
    db.session.execute(text("DELETE FROM field_definition"))
    db.session.execute(text("DELETE FROM own_sheet"))
    definitions.moved()
    db.session.commit()
    assert hand_in(file).text.count("新增") >= 5
    assert db.session.scalar(text("SELECT count(*) FROM own_sheet")) == 0
    send(officer, "file", text=file, apply="1")
    assert entries(officer.get("/fields/file", base_url=URL).text) == entries(file)
    send(officer, "file", text=file, apply="1")
    assert entries(officer.get("/fields/file", base_url=URL).text) == entries(file)
    broken = json.loads(file)
    broken["fields"][0]["kind"] = "nonsense"
    assert "拒绝" in hand_in(json.dumps(broken)).text
    send(officer, "file", status=422, text=json.dumps(broken), apply="1")
    for nonsense in ("", "[]", "{}", '{"format": "fields/1", "fields": [1]}', "x" * 3_000_000):
        assert hand_in(nonsense).status_code == 422


def _emptied(officer: FlaskClient) -> None:
    """Another installation, with the same posts."""
    db.session.execute(text("DELETE FROM field_definition"))
    db.session.execute(text("DELETE FROM own_sheet"))
    definitions.moved()
    db.session.commit()


def test_the_file_makes_the_same_sheet_elsewhere_in_its_order_and_with_its_posts(
    officer: FlaskClient, make: Factory
) -> None:
    """A formula that names a later one, between fields that are filled in; written out again it is the same file."""
    for kind, code, more in (
        ("number", "length", {}), ("formula", "twice", {"formula": "{x_length} * 2"}), ("text", "place", {}),
        ("formula", "four", {"formula": "{x_twice} * 2"}), ("number", "width", {}),
    ):  # fmt: skip
        send(officer, "own_roads/new", kind=kind, label=f"示例{code}", code=code, on_form="1", **more)
    readers, writers = [make.post("editor").id], [make.post("registrar").id, make.post("supervisor").id]
    db.session.execute(update(OwnSheet).values(reader_post_ids=readers, writer_post_ids=sorted(writers)))
    db.session.commit()
    place = field_places.place("own_roads")
    field_definitions.reorder(make.actor(officer="system"), place, [field(one).id for one in ("four", "width")])
    file = officer.get("/fields/file", base_url=URL).text
    order = ["four", "width", "length", "twice", "place"]
    assert [one["code"] for one in json.loads(file)["fields"]] == order
    _emptied(officer)
    send(officer, "file", text=file, apply="1")
    assert officer.get("/fields/file", base_url=URL).text == file
    made = db.session.scalars(select(OwnSheet).where(OwnSheet.code == "roads")).one()
    assert (made.reader_post_ids, made.writer_post_ids) == (readers, sorted(writers))


def test_a_sheet_that_differs_is_changed_but_shared_as_it_was_and_one_that_is_off_refused(
    officer: FlaskClient,
) -> None:
    file = json.loads(officer.get("/fields/file", base_url=URL).text)
    roads = next(one for one in file["sheets"] if one["code"] == "roads")
    roads |= {"name": "示例新道路", "is_open": not roads["is_open"], "reader_post_ids": ["editor"]}
    before = db.session.scalars(select(OwnSheet).where(OwnSheet.code == "roads")).one()
    shared = (before.is_open, list(before.reader_post_ids), list(before.writer_post_ids))
    page = officer.post("/fields/file", base_url=URL, data={"text": json.dumps(file)}).text
    assert "示例新道路" in page
    assert "更改" in page
    send(officer, "file", text=json.dumps(file), apply="1")
    db.session.expire_all()
    assert (before.name, before.is_open, before.reader_post_ids, before.writer_post_ids) == ("示例新道路", *shared)
    before.active = False
    definitions.moved()
    db.session.commit()
    refused = officer.post("/fields/file", base_url=URL, data={"text": json.dumps(file)}).text
    assert "“示例新道路”已停用" in refused
    assert 'name="apply"' not in refused


def test_pages_read_as_few_statements_however_many_fields(officer: FlaskClient) -> None:
    look(officer, "own_roads")
    with counted() as few:
        look(officer, "own_roads")
    for n in range(12):
        send(officer, "own_roads/new", kind="text", label="示例", code=f"f{n}", on_form="1")
    look(officer, "own_roads")
    with counted() as many:
        look(officer, "own_roads")
    assert len(many) == len(few)
