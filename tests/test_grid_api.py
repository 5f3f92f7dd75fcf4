"""Sheets as JSON: windows by key and place agree with one plain list, filters find what they say, nothing leaks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.models import Appeal, Clock, FieldDefinition, LedgerCount, db
from app.services import definitions, grid_presence, present
from tests.factories import Factory

URL = "https://localhost"


@pytest.fixture
def keeper(make: Factory) -> FlaskClient:
    """The ledger's administrator, before a ledger of forty appeals in five states."""
    for state in ("registered", "assigned", "in_progress", "answered", "closed"):
        for number in range(8):
            appeal = make.appeal(state)
            appeal.subject = f"示例{state}第{number}件"
            appeal.received_at = present.now() - timedelta(days=number % 4, minutes=number)
    db.session.commit()
    return make.signed_in(make.holder("ledger_admin"))


def ask(client: FlaskClient, what: str, sheet: str = "ledger", **body: Any) -> dict[str, Any]:
    """What the API answers, which must be a success."""
    answer = client.post(f"/api/v1/sheets/{sheet}/{what}", base_url=URL, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def ids(answer: dict[str, Any]) -> list[int]:
    """The ids of the rows of an answer, in its order."""
    return [one["id"] for one in answer["rows"]]


ORDERS: list[list[list[str]]] = [
    [],
    [["number", "asc"]],
    [["limit_due_at", "asc"]],
    [["limit_due_at", "desc"]],
    [["unit", "asc"], ["received_at", "desc"]],
    [["state", "desc"], ["limit_due_at", "asc"], ["number", "desc"]],
]


@pytest.mark.parametrize("sort", ORDERS)
def test_windows_by_key_have_every_row_once_in_both_directions(keeper: FlaskClient, sort: list[list[str]]) -> None:
    query = {"sort": sort, "columns": ["number"]}
    whole = ask(keeper, "rows", query=query, limit=500)["rows"]
    assert len(whole) == db.session.query(Appeal).where(Appeal.number.is_not(None)).count() >= 40
    walked: list[dict[str, Any]] = []
    while part := ask(keeper, "rows", query=query, limit=7, after=walked[-1]["key"] if walked else "")["rows"]:
        walked += part
    assert walked == whole
    back = ask(keeper, "rows", query=query, limit=9, after=whole[20]["key"], backwards=True)["rows"]
    assert back == whole[11:20]
    skipped = ask(keeper, "rows", query=query, limit=5, after=whole[3]["key"], skip=4)["rows"]
    assert skipped == whole[8:13]


@pytest.mark.parametrize("sort", [[], [["received_at", "asc"]], [["number", "asc"]], [["number", "desc"]]])
def test_a_place_in_the_ledgers_own_orders_is_exact(keeper: FlaskClient, sort: list[list[str]]) -> None:
    query = {"sort": sort, "columns": ["number"]}
    whole = ask(keeper, "rows", query=query, limit=500)["rows"]
    told = ask(keeper, "outline", query=query)
    assert (told["total"], told["exact"], told["marks"]) == (len(whole), True, [])
    for place in (1, 7, 19, len(whole) - 1):
        assert ask(keeper, "rows", query=query, offset=place, limit=3)["rows"] == whole[place : place + 3]
    assert ask(keeper, "rows", query=query, offset=len(whole) + 5, limit=3)["rows"] == []


def test_places_stay_exact_when_appeals_are_numbered_moved_and_summed_up(keeper: FlaskClient, make: Factory) -> None:
    make.appeal("registered")
    moved = db.session.scalars(select(Appeal).where(Appeal.number.is_not(None)).limit(5)).all()
    for appeal in moved:
        appeal.received_at -= timedelta(days=400)
    db.session.commit()
    counted = dict(db.session.execute(select(LedgerCount.by, text("sum(n)")).group_by(LedgerCount.by)).all())
    assert counted["received"] == counted["number"] == ask(keeper, "outline", query={})["total"]
    whole = ask(keeper, "rows", query={}, limit=500)["rows"]
    assert ask(keeper, "rows", query={}, offset=len(whole) - 4, limit=9)["rows"] == whole[-4:]


def test_what_stands_on_an_appeal_follows_its_clocks(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    limit = db.session.scalars(select(Clock).where(Clock.appeal_id == appeal.id, Clock.kind == "unit_limit")).one()
    db.session.refresh(appeal)
    assert (appeal.limit_due_at, appeal.limit_open_at, appeal.limit_state) == (limit.due_at, limit.due_at, "open")
    limit.due_at = present.now() - timedelta(hours=2)
    db.session.commit()
    db.session.refresh(appeal)
    assert appeal.limit_open_at == limit.due_at
    limit.stopped_at = present.now()
    db.session.commit()
    db.session.refresh(appeal)
    assert (appeal.limit_open_at, appeal.limit_state) == (None, "late")


FILTERS: list[tuple[dict[str, Any], Any]] = [
    ({"field": "state", "op": "in", "value": ["assigned", "closed"]}, lambda a: a.state in ("assigned", "closed")),
    ({"field": "state", "op": "not_in", "value": ["assigned"]}, lambda a: a.state != "assigned"),
    ({"field": "subject", "op": "contains", "value": "第3件"}, lambda a: "第3件" in a.subject),
    ({"field": "subject", "op": "starts", "value": "示例CLOSED"}, lambda a: a.subject.startswith("示例closed")),
    ({"field": "note", "op": "empty"}, lambda a: not a.note),
    ({"field": "limit_due_at", "op": "empty"}, lambda a: a.limit_due_at is None),
    ({"field": "unit", "op": "not_empty"}, lambda a: a.unit_id is not None),
    ({"field": "received_at", "op": "on", "value": "today"}, lambda a: _day(a) == present.today()),
    (
        {"field": "received_at", "op": "between", "value": ["yesterday", "today"]},
        lambda a: _day(a) >= present.today() - timedelta(days=1),
    ),
    ({"field": "received_at", "op": "less", "value": "last 2 days"}, lambda a: _day(a) < _ago(1)),
    ({"field": "round", "op": "at_most", "value": 1}, lambda a: a.round <= 1),
    ({"field": "impossible", "op": "is", "value": False}, lambda a: not a.impossible),
]


def _day(appeal: Appeal) -> Any:
    return appeal.received_at.astimezone(present.zone()).date()


def _ago(days: int) -> Any:
    return present.today() - timedelta(days=days)


@pytest.mark.parametrize(("condition", "holds"), FILTERS)
def test_a_filter_finds_exactly_what_it_says(keeper: FlaskClient, condition: dict[str, Any], holds: Any) -> None:
    found = ids(ask(keeper, "rows", query={"filter": {"all": [condition]}}, limit=500))
    ledger = db.session.scalars(select(Appeal).where(Appeal.number.is_not(None))).all()
    assert sorted(found) == sorted(appeal.id for appeal in ledger if holds(appeal))
    assert ask(keeper, "outline", query={"filter": {"all": [condition]}})["total"] == len(found)


def test_groups_of_conditions_and_words_searched_for(keeper: FlaskClient) -> None:
    assigned = {"field": "state", "op": "is", "value": "assigned"}
    first = {"field": "subject", "op": "contains", "value": "第1件"}
    either = {"any": [{"field": "state", "op": "is", "value": "closed"}, {"all": [assigned, first]}]}
    assert len(ids(ask(keeper, "rows", query={"filter": either}))) == 9
    assert len(ids(ask(keeper, "rows", query={"search": "assigned第2"}))) == 1
    assert ids(ask(keeper, "rows", query={"search": "没有这样的字"})) == []


def test_rows_are_counted_by_what_columns_hold(keeper: FlaskClient) -> None:
    found = ask(keeper, "groups", query={}, group={"by": ["state"], "figures": [["round", "sum"]]})["groups"]
    by_state = {one["values"][0]: one for one in found}
    assert by_state["closed"]["count"] == 8
    assert by_state["closed"]["figures"] == {"round:sum": 8}
    assert {one["overdue"] for one in found} == {0}
    told = ask(keeper, "figures", query={}, figures=[["round", "sum"], ["note", "empty"]])["figures"]
    assert told["round:sum"] == sum(one["count"] for one in found)


def test_groups_of_appeals_say_how_many_are_overdue(keeper: FlaskClient, make: Factory) -> None:
    limit = db.session.scalars(select(Clock).where(Clock.kind == "unit_limit", Clock.stopped_at.is_(None))).first()
    assert limit is not None
    limit.due_at = present.now() - timedelta(hours=1)
    state = limit.appeal.state
    db.session.commit()
    found = ask(keeper, "groups", query={}, group={"by": ["state"]})["groups"]
    assert {one["values"][0]: one["overdue"] for one in found if one["overdue"]} == {state: 1}
    units = ask(make.signed_in(officer="system"), "groups", "units", query={}, group={"by": ["kind"]})["groups"]
    assert {one["overdue"] for one in units} == {None}


def test_a_text_field_made_at_run_time_is_shown_and_sorted_by(keeper: FlaskClient) -> None:
    db.session.add(FieldDefinition(table_name="appeal", code="room", label="示例房间", kind="text"))
    definitions.moved()
    for number, appeal in enumerate(db.session.scalars(select(Appeal).where(Appeal.number.is_not(None)).limit(3))):
        appeal.extra = {"room": f"示例{3 - number}"}
    db.session.commit()
    filled = {"all": [{"field": "x_room", "op": "not_empty"}]}
    query = {"filter": filled, "sort": [["x_room", "asc"]], "columns": ["x_room"]}
    rows = ask(keeper, "rows", query=query)["rows"]
    assert [one["cells"]["x_room"] for one in rows] == ["示例1", "示例2", "示例3"]


BAD: list[tuple[str, dict[str, Any]]] = [
    ("query.unreadable", {"query": []}),
    ("query.unreadable", {"query": {"where": {}}}),
    ("query.unreadable", {"querty": {}}),
    ("query.unknown-field", {"query": {"filter": {"all": [{"field": "appellant_phone", "op": "is", "value": "1"}]}}}),
    ("query.operator", {"query": {"filter": {"all": [{"field": "state", "op": "contains", "value": "x"}]}}}),
    ("query.values", {"query": {"filter": {"all": [{"field": "received_at", "op": "on", "value": "one day"}]}}}),
    ("query.values", {"query": {"filter": {"all": [{"field": "unit", "op": "is", "value": "'; DROP"}]}}}),
    ("query.values", {"query": {"filter": {"all": [{"field": "round", "op": "is", "value": "1e400"}]}}}),
    ("query.too-large", {"query": {"filter": {"all": [{"field": "note", "op": "empty"}] * 51}}}),
    ("query.key", {"query": {}, "after": "[1,2,3]"}),
    ("query.key", {"query": {}, "after": '[{"at":"x"},1]'}),
    ("query.operator", {"query": {"sort": [["body", "asc"]]}}),
]


@pytest.mark.parametrize(("code", "body"), BAD)
def test_what_cannot_be_read_is_refused_with_its_reason(keeper: FlaskClient, code: str, body: dict[str, Any]) -> None:
    answer = keeper.post("/api/v1/sheets/ledger/rows", base_url=URL, json=body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"]["code"] == code


def test_a_filter_never_shows_what_one_may_not_see(make: Factory) -> None:
    own, foreign = make.appeal("in_progress"), make.appeal("registered")
    handler = make.signed_in(make.member(own.unit))
    told = ask(handler, "rows", "appeals", query={"filter": {"any": [{"field": "number", "op": "not_empty"}]}})
    assert own.id in ids(told)
    assert foreign.id not in ids(told)
    assert handler.get(f"/api/v1/sheets/appeals/rows/{foreign.id}", base_url=URL).status_code == 404
    assert handler.get("/api/v1/sheets/ledger", base_url=URL).status_code == 404
    assert handler.get("/api/v1/sheets/people", base_url=URL).status_code == 404


def test_changes_of_others_and_who_is_on_a_row(keeper: FlaskClient, make: Factory) -> None:
    schema = keeper.get("/api/v1/sheets/ledger", base_url=URL).json
    assert schema is not None
    appeal = db.session.scalars(select(Appeal).where(Appeal.state == "assigned").limit(1)).one()
    appeal.note = "示例附注"
    db.session.commit()
    told = ask(keeper, "changes", since=schema["at"], query={"columns": ["note"]}, row=appeal.id)
    assert {"id": appeal.id, "note": "示例附注"} in [{"id": r["id"], **r["cells"]} for r in told["rows"]]
    other = make.signed_in(make.holder("supervisor"))
    seen = ask(other, "changes", since=told["at"], query={"columns": ["note"]})
    assert [one["row"] for one in seen["people"]] == [appeal.id]


def test_every_dictionary_opens(make: Factory) -> None:
    officer = make.signed_in(officer="system")
    told = officer.get("/api/v1/sheets/", base_url=URL).json
    assert told is not None
    codes = [one["code"] for one in told["sheets"]]
    assert "units" in codes
    assert "ledger" not in codes
    for code in codes:
        found = ask(officer, "rows", code, query={})["rows"]
        schema = officer.get(f"/api/v1/sheets/{code}", base_url=URL).json
        assert schema is not None
        for column in schema["columns"]:
            if column["sortable"]:
                query = {"sort": [[column["key"], "desc"]]}
                assert sorted(ids(ask(officer, "rows", code, query=query))) == sorted(one["id"] for one in found)
            condition = {"all": [{"field": column["key"], "op": "empty"}]}
            there = ask(officer, "outline", code, query={"filter": condition})["total"]
            assert 0 <= there <= len(found)


def test_what_nobody_polls_any_more_is_forgotten(make: Factory) -> None:
    make.appeal("registered")
    db.session.execute(text("UPDATE change_feed SET at = now() - interval '2 days'"))
    db.session.commit()
    assert grid_presence.forget() > 0
