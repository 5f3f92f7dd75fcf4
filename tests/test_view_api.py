"""Saved views over HTTP: saved, sent as an address, opened by a colleague, changed, gone."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.models import db
from tests.factories import Factory

URL = "https://localhost"
VIEWS = "/api/v1/sheets/ledger/views"
OPEN = {"query": {"filter": {"all": [{"field": "state", "op": "in", "value": ["in_progress"]}]}}}


@pytest.fixture
def keeper(make: Factory) -> FlaskClient:
    return make.signed_in(make.holder("ledger_admin"))


def send(client: FlaskClient, method: str, path: str = "", **body: Any) -> tuple[int, dict[str, Any]]:
    answer = client.open(VIEWS + path, method=method, base_url=URL, json=body)
    assert answer.json is not None
    return answer.status_code, answer.json


def test_a_view_is_saved_opened_changed_and_deleted(keeper: FlaskClient, make: Factory) -> None:
    status, told = send(keeper, "POST", name="示例在办", spec=OPEN, share="all", request_key="key-of-a-view")
    assert status == 200
    view = told["view"]
    assert (view["mine"], view["can"], view["locked"]) == (True, {"change": True, "keep": True}, False)
    other = make.signed_in(make.holder("supervisor"))
    seen = other.get(f"{VIEWS}/{view['id']}", base_url=URL).json
    assert seen is not None
    assert seen["view"]["spec"] == view["spec"]
    assert seen["view"]["owner"] == make.holder("ledger_admin").name
    listed = other.get(VIEWS, base_url=URL).json
    assert listed is not None
    assert view["id"] in [one["id"] for one in listed["views"]]
    assert len(listed["posts"]) == 12
    assert send(other, "POST", "/first", view=view["id"]) == (200, {})
    status, told = send(keeper, "PATCH", f"/{view['id']}", version=view["version"], name="示例改", locked=True)
    assert (status, told["view"]["name"]) == (200, "示例改")
    assert send(other, "DELETE", f"/{view['id']}", version=2)[0] == 403
    assert send(keeper, "DELETE", f"/{view['id']}", version=1)[0] == 409
    assert send(keeper, "DELETE", f"/{view['id']}", version=2, request_key="delete-it-once")[0] == 200
    assert send(keeper, "DELETE", f"/{view['id']}", version=2, request_key="delete-it-once")[0] == 200
    gone = other.get(f"{VIEWS}/{view['id']}", base_url=URL)
    assert gone.status_code == 404
    assert gone.json is not None
    assert gone.json["error"]["code"] == "view.unknown"


UNKNOWN = [{"field": "x", "op": "is", "value": 1}]
BAD: list[tuple[int, str, dict[str, Any]]] = [
    (422, "view.no-name", {"spec": {}}),
    (422, "view.unreadable", {"name": 5}),
    (422, "view.unreadable", {"name": "示例", "locked": "yes"}),
    (422, "view.unreadable", {"name": "示例", "spec": [1]}),
    (422, "view.unreadable", {"name": "示例", "share": "team"}),
    (422, "view.no-posts", {"name": "示例", "share": "posts"}),
    (422, "view.unreadable", {"name": "示例", "request_key": "x"}),
    (422, "view.unreadable", {"nom": "示例"}),
    (422, "query.unknown-field", {"name": "示例", "spec": {"query": {"filter": {"any": UNKNOWN}}}}),
]


@pytest.mark.parametrize(("status", "code", "body"), BAD)
def test_what_cannot_be_saved_is_refused_with_its_reason(
    keeper: FlaskClient, status: int, code: str, body: dict[str, Any]
) -> None:
    found, told = send(keeper, "POST", **body)
    assert (found, told["error"]["code"]) == (status, code)


def test_views_are_listed_by_few_statements(keeper: FlaskClient) -> None:
    for number in range(12):
        send(keeper, "POST", name=f"示例{number}", spec=OPEN, share="all")
    keeper.get(VIEWS, base_url=URL)
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert keeper.get(VIEWS, base_url=URL).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert sum("saved_view" in one for one in seen) == 1
    assert sum("FROM post" in one for one in seen) <= 2


def test_in_english_a_seeded_view_has_its_english_name(keeper: FlaskClient) -> None:
    keeper.get("/lang/en", base_url=URL)
    told = keeper.get(VIEWS, base_url=URL).json
    assert told is not None
    assert "Overdue" in [one["name"] for one in told["views"]]


def test_rows_that_a_filter_names_are_called_by_their_names(keeper: FlaskClient, make: Factory) -> None:
    unit = make.a_unit()
    assert send(keeper, "POST", "/names", ids={"unit": [unit.id, 999_999]}) == (
        200,
        {"names": {"unit": {str(unit.id): unit.name}}},
    )
    assert send(keeper, "POST", "/names", ids={"unit": ["x"]})[0] == 422
    assert send(keeper, "POST", "/names", ids={"note": [1]})[0] == 404
