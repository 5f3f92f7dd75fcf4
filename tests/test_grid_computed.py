"""Computed columns in the grid: looked up through a link, counted up from rows that point here, by formula."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.models import FieldDefinition, OwnSheet, db
from app.services import definitions, own_rows
from app.services.definitions import OWN
from app.services.pinyin import sort_key
from tests.factories import Factory

URL = "https://localhost"


def sheet(code: str, name: str, fields: list[tuple[str, str, dict[str, Any]]], **more: Any) -> int:
    """An own sheet with these fields; its id."""
    row = OwnSheet(code=code, name=name, title_field="name", is_open=True, **more)
    db.session.add(row)
    db.session.flush()
    for sort, (field, kind, parameters) in enumerate(fields):
        db.session.add(
            FieldDefinition(
                table_name=OWN, own_sheet_id=row.id, code=field, label=f"示例{field}", kind=kind, sort=sort,
                parameters=parameters,
            )
        )  # fmt: skip
    db.session.flush()
    definitions.moved()
    db.session.commit()
    return int(row.id)


@pytest.fixture
def keeper(make: Factory) -> FlaskClient:
    """The system officer before two roads and three bridges on them."""
    sheet(
        "roads", "示例道路",
        [
            ("name", "text", {}),
            ("bridges", "rollup", {"to": "own_bridges", "field": "x_road", "figure": "count"}),
            ("metres", "rollup", {"to": "own_bridges", "field": "x_road", "column": "x_length", "figure": "sum"}),
        ],
    )  # fmt: skip
    sheet(
        "bridges", "示例桥梁",
        [
            ("name", "text", {}),
            ("length", "number", {}),
            ("road", "link", {"to": "own_roads"}),
            ("road_name", "lookup", {"field": "x_road", "column": "x_name"}),
            ("size", "formula", {"formula": 'IF({x_length}>100,"大","小")', "result": "text"}),
            ("twice", "formula", {"formula": "{x_length}*2", "result": "number"}),
            ("four", "formula", {"formula": "{x_twice}*2", "result": "number"}),
        ],
    )  # fmt: skip
    officer = make.actor(officer="system")
    own = definitions.current().sheets
    roads = [own_rows.write(officer, own["roads"], None, {"x_name": name}).id for name in ("示例甲路", "示例乙路")]
    for name, length, road in (("示例一桥", 120, roads[0]), ("示例二桥", 30, roads[0]), ("示例三桥", None, roads[1])):
        own_rows.write(officer, own["bridges"], None, {"x_name": name, "x_length": length, "x_road": road})
    return make.signed_in(officer="system")


def rows(client: FlaskClient, code: str, **query: Any) -> list[dict[str, Any]]:
    """The cells of a sheet's rows."""
    answer = client.post(f"/api/v1/sheets/{code}/rows", base_url=URL, json={"query": query})
    assert answer.status_code == 200, answer.text
    return [one["cells"] for one in answer.json["rows"]]


def test_what_follows_from_others_is_computed_filtered_and_sorted(keeper: FlaskClient) -> None:
    found = rows(keeper, "own_bridges", sort=[["x_name", "asc"]])
    told = {one["x_name"]: (one["x_road_name"], one["x_size"], one["x_twice"], one["x_four"]) for one in found}
    assert told == {
        "示例一桥": ("示例甲路", "大", 240, 480),
        "示例二桥": ("示例甲路", "小", 60, 120),
        "示例三桥": ("示例乙路", "小", None, None),
    }
    large = {"all": [{"field": "x_size", "op": "is", "value": "大"}]}
    assert [one["x_name"] for one in rows(keeper, "own_bridges", filter=large)] == ["示例一桥"]
    over = {"all": [{"field": "x_twice", "op": "more", "value": 100}]}
    assert [one["x_name"] for one in rows(keeper, "own_bridges", filter=over)] == ["示例一桥"]
    on_first = {"all": [{"field": "x_road_name", "op": "contains", "value": "甲"}]}
    assert len(rows(keeper, "own_bridges", filter=on_first)) == 2
    ordered = [one["x_name"] for one in rows(keeper, "own_bridges", sort=[["x_twice", "desc"]])]
    assert ordered == ["示例三桥", "示例一桥", "示例二桥"]
    roads = {one["x_name"]: (one["x_bridges"], one["x_metres"]) for one in rows(keeper, "own_roads")}
    assert roads == {"示例甲路": (2, 150), "示例乙路": (1, None)}


def test_a_computed_cell_is_written_by_nobody(keeper: FlaskClient) -> None:
    answer = keeper.post(
        "/api/v1/sheets/own_bridges/rows/new", base_url=URL,
        json={"values": {"x_name": "示例四桥", "x_twice": 3}, "request_key": "示例一次"},
    )  # fmt: skip
    assert answer.status_code == 422


def test_who_may_not_read_the_other_sheet_has_no_column_of_it(keeper: FlaskClient, make: Factory) -> None:
    db.session.execute(text("UPDATE own_sheet SET is_open = false WHERE code = 'roads'"))
    definitions.moved()
    db.session.commit()
    stranger = make.signed_in(make.holder("registrar"))
    schema = stranger.get("/api/v1/sheets/own_bridges", base_url=URL).json
    assert schema is not None
    keys = [one["key"] for one in schema["columns"]]
    assert "x_road_name" not in keys
    assert "x_twice" in keys


def test_a_link_to_people_is_sorted_by_their_sound(make: Factory) -> None:
    """By code point 陈 stands before 安, and by initials before 曹."""
    people = [make.person(name, name_pinyin=sort_key(name)) for name in ("陈示例", "曹正示例", "安示例")]
    sheet("lent", "示例借用", [("name", "text", {}), ("who", "link", {"to": "people"})])
    officer = make.actor(officer="system")
    for number, person in enumerate(people):
        values = {"x_name": f"示例{number}", "x_who": person.id}
        own_rows.write(officer, definitions.current().sheets["lent"], None, values)
    found = rows(make.signed_in(officer="system"), "own_lent", sort=[["x_who", "asc"]])
    assert [one["x_who"][1] for one in found] == ["安示例", "曹正示例", "陈示例"]
