"""The description of the API: valid OpenAPI, its examples fit their schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.openapi import BODIES, description
from app.openapi_examples import EXAMPLES, REFUSAL


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
