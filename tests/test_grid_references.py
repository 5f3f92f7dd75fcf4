"""Rows that fields made at run time lead to: grouped and filtered like any other, named for who sees them alone."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.models import Appeal, Contact, OwnRow, db
from app.services import definitions, own_rows
from tests.factories import Factory
from tests.test_grid_computed import rows, sheet

URL = "https://localhost"
OPTIONS = {"options": [{"code": "red", "label": "示例红"}, {"code": "blue", "label": "示例蓝"}]}


@pytest.fixture
def appeal(make: Factory) -> Appeal:
    """An appeal of a unit, numbered."""
    return make.appeal("assigned", unit=make.a_unit())


@pytest.fixture
def lamp(make: Factory, appeal: Appeal) -> OwnRow:
    """A row that leads to the appeal, to an outlet of the collectors, to a person, and to another row; open to all."""
    outlet = Contact(code="evening", name="示例晚报", name_pinyin="sl", channel_class="C")
    db.session.add(outlet)
    db.session.commit()
    sheet(
        "lamps", "示例路灯",
        [
            ("name", "text", {}), ("tags", "choices", OPTIONS), ("ap", "link", {"to": "appeals"}),
            ("out", "link", {"to": "contacts"}), ("who", "person", {}), ("part", "link", {"to": "own_lamps"}),
            ("tags_there", "lookup", {"field": "x_part", "column": "x_tags"}),
            ("who_there", "lookup", {"field": "x_part", "column": "x_who"}),
        ],
    )  # fmt: skip
    own, officer = definitions.current().sheets["lamps"], make.actor(officer="system")
    first = own_rows.write(officer, own, None, {"x_name": "示例一灯", "x_tags": ["red"]})
    person = make.person("示例责任人")
    values = {"name": "示例二灯", "ap": appeal.id, "out": outlet.id, "who": person.id, "part": first.id}
    row = OwnRow(sheet_id=own.id, extra=values)
    db.session.add(row)
    db.session.commit()
    own_rows.write(officer, own, first.id, {"x_who": person.id})
    return row


def groups(client: FlaskClient, key: str) -> list[tuple[Any, int]]:
    """Value and count of each group of the lamps."""
    body = {"query": {}, "group": {"by": [key], "figures": []}}
    answer = client.post("/api/v1/sheets/own_lamps/groups", base_url=URL, json=body)
    assert answer.status_code == 200, answer.text
    return [(one["values"][0], one["count"]) for one in answer.json["groups"]]


def test_rows_are_grouped_by_what_they_lead_to(make: Factory, lamp: OwnRow, appeal: Appeal) -> None:
    keeper = make.signed_in(make.holder("ledger_admin"))
    assert groups(keeper, "x_ap") == [([appeal.id, appeal.number], 1), (None, 1)]
    assert groups(keeper, "x_who") == [([lamp.extra["who"], "示例责任人"], 2)]
    assert groups(keeper, "x_part") == [([lamp.extra["part"], "示例一灯"], 1), (None, 1)]
    assert groups(keeper, "x_who_there") == [([lamp.extra["who"], "示例责任人"], 1), (None, 1)]


def test_choices_that_are_looked_up_are_filtered_like_those_that_stand_there(make: Factory, lamp: OwnRow) -> None:
    keeper = make.signed_in(make.holder("ledger_admin"))
    for op, value, found in (("in", ["red"], ["示例二灯"]), ("in", ["blue"], []), ("not_in", ["red"], ["示例一灯"])):
        told = {"all": [{"field": "x_tags_there", "op": op, "value": value}]}
        assert [one["x_name"] for one in rows(keeper, "own_lamps", filter=told)] == found


@pytest.mark.parametrize(("post", "sees"), [("ledger_admin", True), (None, False)])
def test_what_one_does_not_see_has_no_name_anywhere(
    make: Factory, lamp: OwnRow, appeal: Appeal, post: str | None, sees: bool
) -> None:
    """A clerk of another unit reads the sheet, not the appeal: cells, groups, history and page say its id alone."""
    reader = make.signed_in(make.holder(post)) if post else make.signed_in(make.member(make.a_unit(offset=1)))
    number = appeal.number if sees else ""
    told = reader.get(f"/api/v1/sheets/own_lamps/rows/{lamp.id}", base_url=URL).json["cells"]
    assert (told["x_ap"], told["x_out"][1]) == ([appeal.id, number], "")
    assert ([appeal.id, number], 1) in groups(reader, "x_ap")
    officer, own = make.actor(officer="system"), definitions.current().sheets["lamps"]
    own_rows.write(officer, own, lamp.id, {"x_ap": None})
    history = reader.get(f"/api/v1/sheets/own_lamps/rows/{lamp.id}/history?field=x_ap", base_url=URL).json["history"]
    assert history[0]["old"] == ([appeal.id, number] if sees else appeal.id)
    page = reader.get(f"/own/lamps/{lamp.id}", base_url=URL)
    assert page.status_code == 200
    assert (str(appeal.number) in page.text) is sees
    assert "示例晚报" not in page.text
