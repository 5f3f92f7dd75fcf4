"""Rows grouped by value, period and step over HTTP: each group's filter finds exactly the rows it counts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text

from app.models import Appeal, FieldDefinition, OwnRow, OwnSheet, db
from app.rules.query import sensible_step
from app.services import definitions
from tests.factories import Factory

URL = "https://localhost"
SHEET = "own_lamps"
# A local day of the office (UTC+8) begins at 16:00 UTC: the first two lie in different days, months, quarters, years.
MOMENTS = (
    "2025-12-31T15:59:59.999999Z",
    "2025-12-31T16:00:00.000000Z",
    "2026-02-28T16:00:00.000000Z",
    "2026-03-01T01:00:00.000000Z",
    None,
    "",
)
DAYS = ("2025-12-28", "2025-12-29", "2026-01-04", "2026-01-05", None, "9999-12-31")
NUMBERS = (-0.5, 0, 49.99, 50, None, 123456789012.25)
TEXTS = ("示例甲", "示例甲", "", None, "  示例 ", "示例" * 400)
FIELDS = {"at": ("moment", MOMENTS), "on": ("date", DAYS), "amount": ("money", NUMBERS), "words": ("text", TEXTS)}


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    """The system officer before an own sheet of six rows."""
    sheet = OwnSheet(code="lamps", name="示例路灯", title_field="words")
    db.session.add(sheet)
    db.session.flush()
    for code, (kind, _values) in FIELDS.items():
        db.session.add(
            FieldDefinition(table_name="own_row", own_sheet_id=sheet.id, code=code, label=f"示例{code}", kind=kind)
        )
    for number in range(6):
        held = {code: values[number] for code, (_kind, values) in FIELDS.items()}
        db.session.add(OwnRow(sheet_id=sheet.id, extra={code: one for code, one in held.items() if one is not None}))
    db.session.flush()
    # A moment left blank is no moment.
    db.session.execute(text("UPDATE own_row SET extra = extra - 'at' WHERE extra ->> 'at' = ''"))
    definitions.moved()
    db.session.commit()
    return make.signed_in(officer="system")


def ask(client: FlaskClient, what: str, sheet: str = SHEET, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/sheets/{sheet}/{what}", base_url=URL, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def grouped(client: FlaskClient, *by: Any, sheet: str = SHEET, query: Any = None) -> list[dict[str, Any]]:
    """The groups; each opened by its filter, which must find as many rows as it counts, none twice, none left out."""
    found: list[dict[str, Any]] = ask(client, "groups", sheet, query=query or {}, group={"by": list(by)})["groups"]
    seen: list[int] = []
    for one in found:
        if one["filter"] is not None:
            narrowed = {"filter": {"all": [*([query["filter"]] if query else []), one["filter"]]}}
            rows = [row["id"] for row in ask(client, "rows", sheet, query=narrowed, limit=500)["rows"]]
            assert len(rows) == one["count"], one
            seen += rows
    assert len(seen) == len(set(seen))
    if all(one["filter"] is not None for one in found):
        whole = ask(client, "rows", sheet, query=query or {}, limit=500)["rows"]
        assert sorted(seen) == sorted(row["id"] for row in whole)
    return found


def counts(found: list[dict[str, Any]]) -> list[tuple[Any, int]]:
    return [(one["values"][0], one["count"]) for one in found]


PERIODS: list[tuple[str, str, list[tuple[Any, int]]]] = [
    ("x_at", "day", [("2026-03-01", 2), ("2026-01-01", 1), ("2025-12-31", 1), (None, 2)]),
    ("x_at", "week", [("2026-02-23", 2), ("2025-12-29", 2), (None, 2)]),
    ("x_at", "month", [("2026-03-01", 2), ("2026-01-01", 1), ("2025-12-01", 1), (None, 2)]),
    ("x_at", "quarter", [("2026-01-01", 3), ("2025-10-01", 1), (None, 2)]),
    ("x_at", "year", [("2026-01-01", 3), ("2025-01-01", 1), (None, 2)]),
    ("x_on", "day", [*((day, 1) for day in sorted(filter(None, DAYS), reverse=True)), (None, 1)]),
    ("x_on", "week", [("9999-12-27", 1), ("2026-01-05", 1), ("2025-12-29", 2), ("2025-12-22", 1), (None, 1)]),
    ("x_on", "month", [("9999-12-01", 1), ("2026-01-01", 2), ("2025-12-01", 2), (None, 1)]),
    ("x_on", "year", [("9999-01-01", 1), ("2026-01-01", 2), ("2025-01-01", 2), (None, 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "unit", "expected"), PERIODS)
def test_moments_and_dates_are_grouped_by_periods_of_the_office(
    system: FlaskClient, field: str, unit: str, expected: list[tuple[Any, int]]
) -> None:
    assert counts(grouped(system, {"field": field, "unit": unit})) == expected


def test_a_date_without_a_unit_is_grouped_by_day(system: FlaskClient) -> None:
    assert grouped(system, "x_on") == grouped(system, {"field": "x_on", "unit": "day"})


STEPS: list[tuple[Any, list[tuple[Any, int]]]] = [
    (50, [(-50, 1), (0, 2), (50, 1), (123456789000, 1), (None, 1)]),
    (0.25, [(-0.5, 1), (0, 1), (49.75, 1), (50, 1), (123456789012.25, 1), (None, 1)]),
    ("auto", [(-20000000000, 1), (0, 3), (120000000000, 1), (None, 1)]),
]


@pytest.mark.parametrize(("step", "expected"), STEPS)
def test_numbers_are_grouped_by_steps(system: FlaskClient, step: Any, expected: list[tuple[Any, int]]) -> None:
    assert counts(grouped(system, {"field": "x_amount", "step": step})) == expected


def test_each_number_and_each_text_is_a_group_of_its_own(system: FlaskClient) -> None:
    assert sorted(count for _value, count in counts(grouped(system, "x_amount"))) == [1] * 6
    texts = {one["values"][0]: one for one in grouped(system, "x_words")}
    assert (
        texts[None]["count"] == texts["示例甲"]["count"] == 2
    )  # blank and missing are one group, as they are one filter
    assert texts["  示例 "]["filter"] is None  # no filter reads blanks around a word
    assert texts["示例" * 400]["filter"] is None


def test_the_same_column_twice_and_within_a_filter(system: FlaskClient) -> None:
    query = {"filter": {"all": [{"field": "x_at", "op": "not_empty"}]}}
    found = grouped(system, {"field": "x_at", "unit": "year"}, {"field": "x_at", "unit": "month"}, query=query)
    assert [(one["values"], one["count"]) for one in found] == [
        (["2026-01-01", "2026-03-01"], 2), (["2026-01-01", "2026-01-01"], 1), (["2025-01-01", "2025-12-01"], 1),
    ]  # fmt: skip


def test_the_ledger_by_month_and_by_unit_says_what_is_overdue(make: Factory) -> None:
    for state in ("assigned", "closed"):
        for month in (1, 2):
            make.appeal(state).received_at = datetime(2026, month, 3, tzinfo=UTC)
    db.session.commit()
    keeper = make.signed_in(make.holder("ledger_admin"))
    month = {"field": "received_at", "unit": "month"}
    query = {"filter": {"all": [{"field": "received_at", "op": "between", "value": ["2026-01-01", "2026-02-28"]}]}}
    found = grouped(keeper, month, "state", sheet="ledger", query=query)
    assert [(one["values"][0], one["count"]) for one in found] == [("2026-02-01", 1)] * 2 + [("2026-01-01", 1)] * 2
    assert {one["overdue"] for one in found} == {0}
    number = {"field": "round", "step": 2}
    assert [one["values"][0] for one in grouped(keeper, number, sheet="ledger", query=query)] == [0]
    assert db.session.query(Appeal).count() >= 4


@pytest.mark.parametrize(
    ("by", "statements"),
    [
        ("unit", 1),
        ({"field": "received_at", "unit": "month"}, 1),
        ({"field": "round", "step": 5}, 1),
        ({"field": "round", "step": "auto"}, 2),
    ],
)
def test_groups_are_one_statement(make: Factory, by: Any, statements: int) -> None:
    keeper = make.signed_in(make.holder("ledger_admin"))
    ask(keeper, "groups", "ledger", query={}, group={"by": [by]})
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "FROM appeal" in statement:
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        ask(keeper, "groups", "ledger", query={}, group={"by": [by]})
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(seen) == statements, seen


WRONG: list[tuple[str, Any]] = [
    ("query.operator", {"field": "x_words", "unit": "month"}),
    ("query.operator", {"field": "x_at", "unit": "decade"}),
    ("query.operator", {"field": "x_at", "step": 5}),
    ("query.values", {"field": "x_amount", "step": 0}),
    ("query.values", {"field": "x_amount", "step": -5}),
    ("query.values", {"field": "x_amount", "step": True}),
    ("query.values", {"field": "x_amount", "step": "much"}),
    ("query.unreadable", {"field": "x_amount", "size": 5}),
    ("query.unknown-field", {"unit": "day"}),
    ("query.unknown-field", ["x_amount"]),
]


@pytest.mark.parametrize(("code", "by"), WRONG)
def test_what_cannot_be_a_group_is_refused(system: FlaskClient, code: str, by: Any) -> None:
    answer = system.post(f"/api/v1/sheets/{SHEET}/groups", base_url=URL, json={"query": {}, "group": {"by": [by]}})
    assert (answer.status_code, answer.json and answer.json["error"]["code"]) == (422, code)


def test_a_saved_view_keeps_units_and_steps(system: FlaskClient) -> None:
    by = [{"field": "x_at", "unit": "quarter"}, {"field": "x_amount", "step": 2.5}]
    views = f"/api/v1/sheets/{SHEET}/views"
    told = system.post(
        views,
        base_url=URL,
        json={"name": "示例按季", "spec": {"group": {"by": by}}, "request_key": "a-view-by-quarter"},
    )
    assert told.status_code == 200, told.text
    assert told.json is not None
    assert told.json["view"]["spec"]["group"] == {"by": by, "figures": []}
    again = system.get(f"{views}/{told.json['view']['id']}", base_url=URL).json
    assert again is not None
    assert again["view"]["spec"]["group"]["by"] == by


@pytest.mark.parametrize(
    ("least", "most", "step"),
    [
        ("0", "0", "1"), ("0", "100", "10"), ("1", "101", "10"), ("0", "101", "20"), ("-3", "480", "50"),
        ("0", "0.5", "0.05"), ("0", "0.0000001", "0.000001"), ("0", "61", "10"),
    ],
)  # fmt: skip
def test_a_sensible_step_makes_about_ten_groups(least: str, most: str, step: str) -> None:
    assert sensible_step(Decimal(least), Decimal(most)) == Decimal(step)
