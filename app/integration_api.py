"""Sheets for other programs: all rows by key, what changed since, and the description of the whole API.

What is asked for stands in the address here, because programs expect it there; a filter that holds a name belongs into
the body of `POST …/rows`, which knows the same queries.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from app import token_reading
from app.grid_api import opened, shown
from app.openapi import description
from app.openapi_rows import sheet_description
from app.rules import query as queries
from app.rules.errors import Invalid
from app.rules.query import Query
from app.services import grid_presence, grid_rows
from app.services.grids import Grid

integration = Blueprint("integration", __name__, url_prefix="/api/v1")
USUAL, MOST = 100, 500


def init_integration_api(app: Flask) -> None:
    """Register the endpoints for other programs."""
    app.register_blueprint(integration)


@integration.get("/sheets/<code>/rows")
def rows(code: str) -> Response:
    """All rows, page by page: `?limit=&after=&filter=<JSON>&search=&sort=-received_at,number&columns=a,b`."""
    grid = opened(code)
    query, limit = _query(grid), _limit()
    found = grid_rows.window(grid, query, after=_after(), limit=limit)
    token_reading.audited(grid, len(found), query)
    following = urlsafe_b64encode(found[-1].key.encode()).decode() if len(found) == limit else None
    return jsonify(rows=[shown(one) for one in found], next=following)


@integration.get("/sheets/<code>/changes")
def changes(code: str) -> Response:
    """What changed after the mark `since`, page by page; without one, the mark to begin with."""
    grid = opened(code)
    query = _query(grid)
    fed = grid_presence.fed(grid, request.args.get("since", ""), _limit())
    known = {one.id: one for one in (grid_rows.by_ids(grid, fed.ids, query) if fed.ids else [])}
    if fed.ids:
        token_reading.audited(grid, len(known), query)
    return jsonify(
        rows=[shown(known[one]) for one in fed.ids if one in known],
        gone=[one for one in fed.ids if one not in known],
        next=fed.mark,
        more=fed.is_more,
    )


@integration.get("/openapi.json")
def openapi() -> Response:
    """This API, described as OpenAPI 3.1."""
    return jsonify(description(current_app))


@integration.get("/sheets/<code>/openapi.json")
def sheet_openapi(code: str) -> Response:
    """One sheet, described as OpenAPI 3.1: its rows by the columns that the caller may see."""
    return jsonify(sheet_description(current_app, opened(code)))


def _query(grid: Grid) -> Query:
    """The query of the address. Raises Invalid as `queries.read` does, and for text that is no JSON."""
    asked: dict[str, Any] = {}
    if text := request.args.get("filter"):
        try:
            asked["filter"] = json.loads(text)
        except ValueError:
            raise Invalid("query.unreadable", {"at": "filter"}) from None
    if term := request.args.get("search"):
        asked["search"] = term
    if sort := request.args.get("sort"):
        asked["sort"] = [[one.lstrip("-"), "desc" if one.startswith("-") else "asc"] for one in sort.split(",")]
    if columns := request.args.get("columns"):
        asked["columns"] = columns.split(",")
        if unknown := [one for one in asked["columns"] if one not in grid.columns]:
            raise Invalid("query.unknown-field", {"field": unknown[0][:40]})
    return queries.read(asked, grid.kinds)


def _after() -> str:
    """The key behind which the page begins; in the address it is written so that it needs no quoting."""
    try:
        return urlsafe_b64decode(request.args.get("after", "")).decode()
    except ValueError:
        raise Invalid("query.unreadable", {"at": "after"}) from None


def _limit() -> int:
    text = request.args.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise Invalid("query.unreadable", {"at": f"limit (1–{MOST})"})
    return int(text)
