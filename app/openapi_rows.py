"""One sheet as OpenAPI: its addresses with its code in them, its rows by the columns that the reader may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from app.openapi import description
from app.rules.values import ValueKind
from app.services.grid_columns import Column
from app.services.grids import Grid

_OF_SHEETS = "/sheets/{code}"
_PLAIN: Mapping[ValueKind, dict[str, Any]] = {
    ValueKind.NUMBER: {"type": ["number", "null"]},
    ValueKind.MONEY: {"type": ["number", "null"]},
    ValueKind.BOOL: {"type": ["boolean", "null"]},
    ValueKind.DATE: {"type": ["string", "null"], "format": "date"},
    ValueKind.MOMENT: {"type": ["string", "null"], "format": "date-time"},
}
_REFERENCE = {"prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2}


def sheet_description(app: Flask, grid: Grid) -> dict[str, Any]:
    """The part of the description that is about this sheet."""
    found = description(app)
    found["info"] = found["info"] | {"title": f"{found['info']['title']}: {grid.label}"}
    found["paths"] = {
        path.replace("{code}", grid.code): {method: _bound(one) for method, one in operations.items()}
        for path, operations in found["paths"].items()
        if path == _OF_SHEETS or path.startswith(_OF_SHEETS + "/")
    }
    found["components"] = found["components"] | {"schemas": found["components"]["schemas"] | schemas(grid)}
    return found


def schemas(grid: Grid) -> dict[str, Any]:
    """What the cells of a row are, and which may be written, by the keys of the columns."""
    cells = {one.key: cell(one) for one in grid.columns.values()}
    written = {
        one.key: {"title": str(one.label), "description": f"As typed or as JSON: {one.kind.value}."}
        for one in grid.columns.values()
        if one.write
    }
    return {
        "Cells": {"type": "object", "properties": cells, "additionalProperties": False},
        "Values": {"type": "object", "properties": written},
    }


def cell(column: Column) -> dict[str, Any]:
    """What a cell of the column holds."""
    return {"title": str(column.label)} | _held(column) | ({} if column.write else {"readOnly": True})


def _held(column: Column) -> dict[str, Any]:
    if column.name is not None:
        return {"type": ["array", "null"], **_REFERENCE, "description": f"[id, name] of a row of {column.refers}."}
    if column.kind is ValueKind.FILES:
        files = {"type": "array", **_REFERENCE}
        return {"type": ["array", "null"], "items": files, "description": "[id, name] of files."}
    if column.kind in (ValueKind.CHOICE, ValueKind.CHOICES):
        return _chosen(column)
    return _PLAIN.get(column.kind, {"type": ["string", "null"]})


def _chosen(column: Column) -> dict[str, Any]:
    told = "; ".join(f"{code}: {label}" for code, label in column.choices.items())
    # A declared column of the product may hold nothing as "".
    codes = {"enum": [*column.choices, ""]} if column.choices else {"type": "string"}
    if column.kind is ValueKind.CHOICES:
        return {"type": ["array", "null"], "items": codes, "description": told}
    return {"oneOf": [codes, {"type": "null"}], "description": told}


def _bound(operation: Mapping[str, Any]) -> dict[str, Any]:
    """An operation without the parameter that names the sheet."""
    left = [one for one in operation.get("parameters", ()) if one["name"] != "code"]
    bare = {name: value for name, value in operation.items() if name != "parameters"}
    return bare | ({"parameters": left} if left else {})
