"""Sheets as JSON: columns, rows by window, outline, groups, figures, changes. The grid of our pages uses nothing else.

Everything that names values travels in the body of a POST: a filter may hold a name, and an address stands in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request

from app import bearer, grids, token_reading
from app.rules import query as queries
from app.rules.errors import Invalid
from app.rules.query import Grouping, Query
from app.services import definitions, grid_groups, grid_posts, grid_presence, grid_rows
from app.services.grid_columns import Column
from app.services.grids import Grid
from app.standing import current_standing

sheets = Blueprint("sheets", __name__, url_prefix="/api/v1/sheets")


def init_grid_api(app: Flask) -> None:
    """Register the endpoints of sheets."""
    app.register_blueprint(sheets)


@sheets.get("/")
def index() -> Response:
    """Every sheet the caller may open."""
    token = bearer.current()
    readable = grids.readable(grids.reader())
    found = [{"code": one.code, "label": one.label} for one in readable if token is None or token.reaches(one.code)]
    return jsonify(sheets=found)


@sheets.get("/<code>")
def schema(code: str) -> Response:
    """One sheet: its columns, what may be asked of each, what the caller may do."""
    grid = opened(code)
    return jsonify(
        code=grid.code,
        label=grid.label,
        intro=grid.intro,
        title=grid.title,
        family=grid.family,
        order=[[one.field, "desc" if one.is_descending else "asc"] for one in grid.order],
        counted=sorted(grid.counted),
        can={"add": grid.can_add, "edit": grid.can_edit, "remove": grid.can_remove},
        columns=[_column(one) for one in grid.columns.values()],
        acting=_acting(grid),
        spans=list(queries.SPANS),
        definitions=definitions.current().version,
        at=grid_rows.horizon(),
    )


def _acting(grid: Grid) -> list[list[Any]]:
    """The posts for which the caller may change the sheet, the one taken unasked first: id and name."""
    standing = current_standing()
    posts = {one.id: one for one in standing.posts} if standing is not None else {}
    english = grids.is_english()
    found = [posts[one] for one in grid_posts.acting(grid) if one in posts]
    return [[one.id, (english and one.name_en) or one.name] for one in found]


@sheets.post("/<code>/rows")
def rows(code: str) -> Response:
    """A window of rows: `{"query": …, "after": key, "skip": n, "limit": n, "backwards": bool}` or `{"offset": n}`."""
    grid, body = opened(code), body_of("query", "after", "skip", "limit", "backwards", "offset")
    query = query_of(grid, body)
    found = grid_rows.window(
        grid,
        query,
        after=text_in(body, "after"),
        skip=whole_in(body, "skip", 0),
        limit=whole_in(body, "limit", 100),
        is_backwards=bool(body.get("backwards")),
        offset=None if body.get("offset") is None else whole_in(body, "offset", 0),
    )
    token_reading.audited(grid, len(found), query)
    return jsonify(rows=[shown(one) for one in found])


@sheets.get("/<code>/rows/<int:row_id>")
def row(code: str, row_id: int) -> Response:
    """One row with all its columns."""
    grid = opened(code)
    found = grid_rows.access_row(grid, row_id)
    token_reading.audited(grid, 1, row=row_id)
    return jsonify(shown(found))


@sheets.post("/<code>/outline")
def outline(code: str) -> Response:
    """How many rows a query has, and keys to jump in by."""
    grid, body = opened(code), body_of("query")
    query = query_of(grid, body)
    found = grid_rows.outline(grid, query)
    token_reading.audited(grid, len(found.marks), query, what="marks")
    return jsonify(total=found.total, step=found.step, marks=list(found.marks), exact=found.is_exact)


@sheets.post("/<code>/groups")
def groups(code: str) -> Response:
    """Rows counted by one or two columns: `{"query": …, "group": {"by": ["unit"], "figures": [["round", "sum"]]}}`.

    `filter` of a group are the conditions that find exactly its rows, null where no filter can say it.
    """
    grid, body = opened(code), body_of("query", "group")
    grouping = queries.read_grouping(body.get("group"), grid.kinds)
    query = query_of(grid, body)
    by, found = grid_groups.groups(grid, query, grouping, english=grids.is_english())
    token_reading.audited(grid, len(found), query, what="groups")
    shown = [
        {
            "values": list(g.values), "count": g.count, "overdue": g.overdue, "figures": g.figures,
            "filter": None if g.filter is None else queries.write(Query(g.filter)).get("filter"),
        }
        for g in found
    ]  # fmt: skip
    return jsonify(groups=shown, by=queries.write_grouping(Grouping(by))["by"])


@sheets.post("/<code>/figures")
def figures(code: str) -> Response:
    """Figures over the whole filter: `{"query": …, "figures": [["round", "sum"]]}`."""
    grid, body = opened(code), body_of("query", "figures")
    wanted = queries.read_grouping({"figures": body.get("figures")}, grid.kinds).figures
    query = query_of(grid, body)
    found = grid_rows.figures(grid, query, wanted)
    token_reading.audited(grid, len(found), query, what="figures")
    return jsonify(figures=found)


@sheets.post("/<code>/changes")
def changes(code: str) -> Response:
    """What others changed since: `{"since": horizon, "query": …, "row": id}` → rows as they are now, ids that are gone.

    `row` says on which row the caller is; who else is where comes back as `people`.
    """
    grid, body = opened(code), body_of("since", "query", "row")
    asked = query_of(grid, body)
    here = None if body.get("row") is None else whole_in(body, "row", 0)
    at, ids, people = grid_presence.poll(grid, whole_in(body, "since", 0), here)
    found = grid_rows.by_ids(grid, ids, asked) if ids else []
    known = {one.id for one in found}
    token_reading.audited(grid, len(known), asked)
    return jsonify(
        at=at,
        rows=[shown(one) for one in found],
        gone=[one for one in ids if one not in known],
        people=[{"name": one.name, "row": one.row_id} for one in people],
        definitions=definitions.current().version,
    )


def opened(code: str) -> Grid:
    """The sheet as the caller sees it. Raises NotFound("sheet.unknown")."""
    return grids.grid(code, grids.reader())


def body_of(*allowed: str) -> Mapping[str, Any]:
    """What was sent as JSON. Raises Invalid("query.unreadable") for anything but these names."""
    found = request.get_json(silent=True)
    if not isinstance(found, dict) or any(name not in allowed for name in found):
        raise Invalid("query.unreadable", {"at": ", ".join(allowed)})
    return found


def query_of(grid: Grid, body: Mapping[str, Any]) -> Query:
    """The query of a body, checked against what the caller may see."""
    return queries.read(body.get("query"), grid.kinds)


def text_in(body: Mapping[str, Any], name: str) -> str:
    """A text of a body, "" when it is not there."""
    found = body.get(name) or ""
    if not isinstance(found, str):
        raise Invalid("query.unreadable", {"at": name})
    return found


def whole_in(body: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number of a body, from 0."""
    found = body.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**62:
        raise Invalid("query.unreadable", {"at": name})
    return found


def shown(one: grid_rows.Row) -> dict[str, Any]:
    """A row as JSON."""
    return {"id": one.id, "version": one.version, "cells": one.cells, "key": one.key}


def _column(one: Column) -> dict[str, Any]:
    return {
        "key": one.key,
        "label": str(one.label),
        "kind": one.kind.value,
        "choices": [
            {"code": code, "label": str(label), "colour": one.colours.get(code, "grey")}
            for code, label in one.choices.items()
        ],
        "refers": one.refers,
        "write": one.write,
        "width": one.width,
        "help": str(one.help or ""),
        "sortable": one.is_sortable,
        "filterable": one.is_filterable,
        "listed": one.is_listed,
        "operators": list(queries.operators_of(one.kind)) if one.is_filterable else [],
        "custom": one.defined is not None,
        "required": bool(one.defined and one.defined.required),
    }
