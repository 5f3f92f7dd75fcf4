"""The description of the API: valid OpenAPI, its examples fit their schemas, a sheet's rows are as it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.models import FieldDefinition, db
from app.openapi import BODIES, description
from app.openapi_examples import EXAMPLES, REFUSAL
from app.rules.values import ValueKind
from app.services import definitions, own_rows, own_sheets
from app.services.own_sheets import Line, Plan
from app.services.transaction import transaction
from tests.factories import Factory

URL = "https://localhost"
# Sheets with references, choices, moments, figures and computed columns.
SHEETS = ("ledger", "appeals", "people", "units", "posts", "portfolio", "limit_rules", "calendar")


def judged(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> OAS31Validator:
    """What holds a value against a schema that refers to others of the description."""
    return OAS31Validator({**schema, "components": {"schemas": schemas}})


def is_known(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str) -> bool:
    """Whether a schema has a property of that name, itself or behind a reference."""
    found = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if "oneOf" in found:
        return any(is_known(one, schemas, name) for one in found["oneOf"])
    return name in found.get("properties", {}) or bool(found.get("additionalProperties"))


def test_the_description_is_valid_openapi(app: Flask) -> None:
    OpenAPIV31SpecValidator(description(app)).validate()


def test_every_address_has_its_example_and_no_other(app: Flask) -> None:
    assert set(EXAMPLES) == set(BODIES)
    for key, (sent, answered) in BODIES.items():
        for schema, example in zip((sent, answered), EXAMPLES[key], strict=True):
            has_json = schema is not None and "contentMediaType" not in schema
            assert (example is not None) == has_json, key


@pytest.mark.parametrize("key", sorted(EXAMPLES), ids=lambda one: ".".join(one))
def test_an_example_is_as_its_schema_says(app: Flask, key: tuple[str, str]) -> None:
    schemas = description(app)["components"]["schemas"]
    for schema, example in zip(BODIES[key], EXAMPLES[key], strict=True):
        if schema is None or example is None:
            continue
        judged(schema, schemas).validate(example)
        unknown = [name for name in example if not is_known(schema, schemas, name)]
        assert not unknown or schema == {"type": "object"}, unknown


def test_the_example_of_a_refusal_is_as_its_schema_says(app: Flask) -> None:
    schemas = description(app)["components"]["schemas"]
    judged(schemas["Error"], schemas).validate(REFUSAL)


def test_the_judge_refuses_what_does_not_fit(app: Flask) -> None:
    schemas = description(app)["components"]["schemas"]
    assert judged(BODIES["sheets.row", "GET"][1], schemas).is_valid(EXAMPLES["sheets.row", "GET"][1])
    assert not judged(BODIES["sheets.row", "GET"][1], schemas).is_valid({"id": "17", "version": 1, "cells": {}})


def test_rows_of_a_sheet_are_as_its_description_says(make: Factory) -> None:
    for state in ("registered", "in_progress", "closed"):
        make.appeal(state)
    make.appeal("instructed", unit=make.a_unit())
    db.session.commit()
    system, ledger = make.signed_in(officer="system"), make.signed_in(make.holder("ledger_admin"))
    seen = 0
    for code in SHEETS:
        client = ledger if code in ("ledger", "appeals") else system
        answer = client.get(f"/api/v1/sheets/{code}/openapi.json", base_url=URL)
        if answer.status_code == 404:
            continue
        made = answer.json
        assert made is not None
        OpenAPIV31SpecValidator(made).validate()
        assert all(path == f"/sheets/{code}" or path.startswith(f"/sheets/{code}/") for path in made["paths"])
        schemas = made["components"]["schemas"]
        columns = client.get(f"/api/v1/sheets/{code}", base_url=URL).json["columns"]  # type: ignore[index]
        assert set(schemas["Cells"]["properties"]) == {one["key"] for one in columns}
        assert set(schemas["Values"]["properties"]) == {one["key"] for one in columns if one["write"]}
        rows = client.get(f"/api/v1/sheets/{code}/rows?limit=50", base_url=URL).json["rows"]  # type: ignore[index]
        for row in rows:
            judged(schemas["Row"], schemas).validate(row)
        seen += bool(rows)
    assert seen >= 5


def test_a_sheet_made_at_run_time_is_described_as_its_reader_sees_it(make: Factory) -> None:
    lines = (
        Line("编号", ValueKind.TEXT), Line("状态", ValueKind.CHOICE, choices=("好", "坏")),
        Line("费用", ValueKind.MONEY),
        Line("日期", ValueKind.DATE), Line("在用", ValueKind.BOOL), Line("人员", ValueKind.PERSON),
    )  # fmt: skip
    officer, post = make.actor(officer="system"), make.post("editor").id
    made = own_sheets.make(officer, Plan("示例路灯", lines=lines, writers=(post,)))
    db.session.commit()
    fields = {one.label: one for one in db.session.query(FieldDefinition).filter_by(own_sheet_id=made.id)}
    keys = {label: f"x_{one.code}" for label, one in fields.items()}
    values = {"编号": "007", "状态": "好", "费用": "12.50", "日期": "2026-03-02", "在用": "是"}
    person = make.person()
    own = definitions.current().sheets[made.code]
    given = {keys[label]: value for label, value in values.items()} | {keys["人员"]: person.id}
    own_rows.write(officer, own, None, given)
    own_rows.write(officer, own, None, {keys["编号"]: "008"})
    client, address = make.signed_in(make.holder("editor")), f"/api/v1/sheets/own_{made.code}"
    schemas = client.get(f"{address}/openapi.json", base_url=URL).json["components"]["schemas"]  # type: ignore[index]
    cells = schemas["Cells"]["properties"]
    assert cells[keys["费用"]]["type"] == ["number", "null"]
    assert cells[keys["日期"]]["format"] == "date"
    assert {one["title"] for one in cells.values()} == {one.label for one in lines}
    rows = client.get(f"{address}/rows", base_url=URL).json["rows"]  # type: ignore[index]
    assert len(rows) == 2
    for row in rows:
        judged(schemas["Row"], schemas).validate(row)
    wrong = {**rows[0], "cells": {keys["费用"]: "twelve"}}
    assert not judged(schemas["Row"], schemas).is_valid(wrong)
    # A field that another post alone sees is no part of it.
    with transaction():
        fields["费用"].reader_post_ids = [make.post("registrar").id]
        definitions.moved()
    hidden = client.get(f"{address}/openapi.json", base_url=URL).json["components"]["schemas"]  # type: ignore[index]
    assert keys["费用"] not in hidden["Cells"]["properties"]
    assert keys["费用"] not in hidden["Values"]["properties"]
