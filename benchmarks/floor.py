"""The floor: a bare WSGI application that runs the statements of grid.sql and answers their rows as JSON.

No session, no rights, no framework: what is left when everything the product does beside is taken away.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

SQL = Path(__file__).with_name("grid.sql")
NAME = "__name"  # behind a column: what the row is called that it refers to
EDIT = "edit"


def statements() -> dict[str, list[str]]:
    """The statements of each case by name; `{rows}` in one is the list of columns that all of them have."""
    parts = re.split(r"(?m)^-- == (\w+)\n", SQL.read_text("utf-8"))[1:]
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    head = named.pop("rows").strip()
    return {
        name: [one.replace("{rows}", head) for one in re.split(r";\s*\n", text.strip())]
        for name, text in named.items()
    }


def shown(names: Sequence[str], found: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as the grid answers them: cells by column, a reference with its name."""
    rows = []
    for row in found:
        cells = dict(zip(names, row, strict=True))
        for name in [one for one in names if one.endswith(NAME)]:
            value, named = cells.pop(name), name.removesuffix(NAME)
            cells[named] = None if cells[named] is None else [cells[named], value]
        rows.append({"id": cells.pop("id"), "version": cells.pop("version"), "cells": cells})
    return rows


def plain(value: Any) -> Any:
    """What JSON does not know."""
    if isinstance(value, datetime):
        return value.isoformat()
    return int(value) if isinstance(value, Decimal) else str(value)


def edited(connection: psycopg.Connection[Any], cell: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    """One cell, with the rows that stand beside it: change set, journal; the row as it is then."""
    given = {
        **fixed,
        **cell,
        "now": datetime.now(UTC),
        "new": Jsonb({"x_weight": cell["value"]}),
        "extra": Jsonb({"weight": cell["value"]}),
    }
    with connection.transaction():
        for one in statements_of_edit:
            cursor = connection.execute(one, given)
            if cursor.rowcount != 1:
                raise RuntimeError("the floor wrote nothing")
        return cursor, cursor.fetchall()


statements_of_edit: list[str] = []
_state: dict[str, Any] = {}


def application(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The case named by the path, with the parameters it always has; a cell to be written comes as JSON."""
    if not _state:
        _state["sql"] = statements()
        statements_of_edit[:] = _state["sql"][EDIT]
        _state["given"] = json.loads(os.environ["FLOOR_PARAMETERS"])
        _state["db"] = psycopg.connect(os.environ["FLOOR_DATABASE"], autocommit=True, options="-c timezone=UTC")
    name, given = environ["PATH_INFO"].lstrip("/"), _state["given"]
    if name == EDIT:
        cell = json.load(environ["wsgi.input"])
        cursor, found = edited(_state["db"], cell, given)
    else:
        cursor = _state["db"].execute(_state["sql"][name][0], given)
        found = cursor.fetchall()
    names = [one.name for one in cursor.description]
    rows = shown(names, found) if "id" in names else [list(one) for one in found]
    content = json.dumps({"rows": rows}, default=plain, ensure_ascii=False).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
