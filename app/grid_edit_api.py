"""Edits of a sheet as JSON: a cell, a block that was pasted, a new row, the trash, and taking a change back.

Every one of them names a `request_key` and acts once: sent again, it gets the answer of the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request, url_for

from app import grids, token_reading, words
from app.errors import refusal
from app.grid_api import body_of, opened, query_of, shown, text_in, whole_in
from app.messages import sentence
from app.rules.errors import Invalid, RuleError
from app.services import (
    change_sets,
    grid_batches,
    grid_bulk,
    grid_edits,
    grid_history,
    grid_options,
    grid_trash,
    grid_undo,
)
from app.services.change_sets import Answer, Problem
from app.services.clock_recounts import MovesClocks
from app.services.grid_batches import Asked
from app.services.grids import Grid
from app.sheets import view_name

edits = Blueprint("sheet_edits", __name__, url_prefix="/api/v1/sheets")


def init_grid_edit_api(app: Flask) -> None:
    """Register the endpoints that change sheets."""
    app.register_blueprint(edits)
    app.register_error_handler(grid_edits.Stale, _stale)


@edits.patch("/<code>/rows/<int:row_id>")
def edit(code: str, row_id: int) -> Response:
    """Cells of one row: `{"version": n, "values": {key: raw}, "request_key": "…", "post_id": n?, "reason": "…"?}`."""
    grid, body = opened(code), body_of("version", "values", "request_key", "post_id", "reason")
    try:
        answer = grid_edits.edit(
            grid,
            row_id,
            _values(body),
            whole_in(body, "version", 0),
            request_key=text_in(body, "request_key"),
            post_id=_post(body),
            reason=text_in(body, "reason"),
        )
    except MovesClocks as error:
        return _asks_first(grid, row_id, error)
    return jsonify(_one(answer))


@edits.post("/<code>/rows/new")
def add(code: str) -> Response:
    """A new row: `{"values": {key: raw}, "request_key": "…", "post_id": n?}`."""
    grid, body = opened(code), body_of("values", "request_key", "post_id")
    try:
        key = text_in(body, "request_key")
        answer = grid_edits.add(grid, _values(body), request_key=key, post_id=_post(body))
    except MovesClocks as error:
        return _asks_first(grid, None, error)
    return jsonify(_one(answer))


@edits.delete("/<code>/rows/<int:row_id>")
def remove(code: str, row_id: int) -> Response:
    """A row into the trash: `{"version": n, "request_key": "…", "post_id": n?}`."""
    grid, body = opened(code), body_of("version", "request_key", "post_id")
    try:
        key, version = text_in(body, "request_key"), whole_in(body, "version", 0)
        answer = grid_edits.remove(grid, row_id, version, request_key=key, post_id=_post(body))
    except MovesClocks as error:
        return _asks_first(grid, row_id, error)
    return jsonify(change_set=answer.set_id)


@edits.post("/<code>/edits")
def write(code: str) -> Response:
    """A block of cells, valid rows written, refused ones told.

    `{"kind": "paste", "cells": [{"id", "version", "values"}], "new": [{key: raw}], "request_key", "dry", "reason"}`.
    """
    grid, body = opened(code), body_of("kind", "cells", "new", "request_key", "dry", "post_id", "reason")
    answer = grid_batches.write(
        grid,
        text_in(body, "kind"),
        _cells(body),
        [_object(one) for one in _list(body, "new")],
        request_key=text_in(body, "request_key"),
        post_id=_post(body),
        reason=text_in(body, "reason"),
        is_trial=bool(body.get("dry")),
    )
    return jsonify(_told(answer))


@edits.get("/<code>/options/<key>")
def options(code: str, key: str) -> Response:
    """What a reference column may hold: at most 50 rows by name or by sound, `?q=` what was typed."""
    return _offers(grid_options.offered(opened(code), key, request.args.get("q", ""), english=grids.is_english()))


@edits.post("/<code>/options/<key>")
def find_options(code: str, key: str) -> Response:
    """The same, appeals also by words of their titles: `{"q": what was typed}`, which so stands in no log."""
    grid, term = opened(code), text_in(body_of("q"), "q")
    return _offers(grid_options.offered(grid, key, term, english=grids.is_english(), is_body=True))


def _offers(found: Sequence[grid_options.Offer]) -> Response:
    return jsonify(options=[{"value": one.value, "label": one.label, "pinyin": one.pinyin} for one in found])


@edits.post("/<code>/bulk")
def bulk(code: str) -> Response:
    """One value for every row of a query: `{"query": …, "values": {key: raw}, "dry": true}` tells, without it does."""
    grid, body = opened(code), body_of("query", "values", "dry", "request_key", "post_id", "reason")
    query, values = query_of(grid, body), _values(body)
    try:
        if body.get("dry"):
            found = grid_bulk.preview(grid, query, values, post_id=_post(body))
            sample = [{"id": one.row_id, "old": one.old, "new": one.new} for one in found.sample]
            return jsonify(count=found.count, sample=sample, problems=[problem(one) for one in found.problems])
        key = text_in(body, "request_key")
        reason = text_in(body, "reason")
        return jsonify(_told(grid_bulk.start(grid, query, values, request_key=key, post_id=_post(body), reason=reason)))
    except MovesClocks as error:
        return refusal(error, moves=error.preview.counts())


@edits.post("/<code>/edits/<int:set_id>/undo")
def undo(code: str, set_id: int) -> Response:
    """Take one's own change back: `{"request_key": "…"}`. Undoing an undo does it again."""
    body = body_of("request_key")
    return jsonify(_told(grid_undo.undo(opened(code), set_id, request_key=text_in(body, "request_key"))))


@edits.get("/<code>/edits/mine")
def mine(code: str) -> Response:
    """The caller's last changes of the sheet, newest first."""
    found = [
        {
            "id": one.id,
            "kind": one.kind,
            "at": one.at.isoformat(),
            "total": one.total,
            "done": one.done,
            "refused": one.refused,
            "state": one.state,
            "task": one.task_id,
            "undone": one.undone_by_id,
        }
        for one in change_sets.mine(opened(code))
    ]
    return jsonify(edits=found)


@edits.get("/<code>/rows/<int:row_id>/history")
def history(code: str, row_id: int) -> Response:
    """What one cell held before, newest first: `?field=key`."""
    grid, english = opened(code), grids.is_english()
    found = [
        {
            "at": one.at.isoformat(),
            "person": _called(one.person) or one.process,
            "post": _called(one.post),
            "action": str(words.ACTIONS.get(one.action) or words.CHANGES.get(one.action) or one.action),
            "old": one.old,
            "new": one.new,
            "why": one.why,
            "change_set": one.set_id,
        }
        for one in grid_history.history(grid, row_id, request.args.get("field", ""), english=english)
    ]
    token_reading.audited(grid, len(found), what="history", row=row_id)
    return jsonify(history=found)


@edits.get("/<code>/trash")
def trash(code: str) -> Response:
    """The deleted rows that the caller may take back, those deleted last first."""
    grid = opened(code)
    found = [
        {
            "id": one.id,
            "version": one.version,
            "title": one.title,
            "at": one.at.isoformat() if one.at else None,
            "person": _called(one.person),
        }
        for one in grid_trash.trash(grid)
    ]
    token_reading.audited(grid, len(found), what="trash")
    return jsonify(rows=found)


@edits.post("/<code>/trash/<int:row_id>/restore")
def restore(code: str, row_id: int) -> Response:
    """A row out of the trash: `{"request_key": "…"}`."""
    grid, body = opened(code), body_of("request_key")
    try:
        answer = grid_trash.restore(grid, row_id, request_key=text_in(body, "request_key"))
    except MovesClocks as error:
        return _asks_first(grid, row_id, error)
    return jsonify(_one(answer))


# --- what was sent ----------------------------------------------------------------------------------------------


def _cells(body: Mapping[str, Any]) -> list[Asked]:
    found = []
    for one in _list(body, "cells"):
        row = _object(one)
        found.append(Asked(whole_in(row, "id", 0), whole_in(row, "version", 0), _values(row)))
    return found


def _values(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(body.get("values"))


def _object(found: object) -> Mapping[str, Any]:
    if not isinstance(found, dict) or not found:
        raise Invalid("query.unreadable", {"at": "values"})
    return found


def _list(body: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = body.get(name) or []
    if not isinstance(found, list):
        raise Invalid("query.unreadable", {"at": name})
    return found


def _post(body: Mapping[str, Any]) -> int | None:
    return None if body.get("post_id") is None else whole_in(body, "post_id", 0)


# --- what is answered -------------------------------------------------------------------------------------------


def _called(row: Any) -> str:
    """The name of a person or post in the reader's language, "" for nobody."""
    if row is None:
        return ""
    return str((grids.is_english() and row.name_en) or row.name)


def _one(answer: Answer) -> dict[str, Any]:
    return {"row": shown(answer.rows[0]) if answer.rows else None, "change_set": answer.set_id}


def _told(answer: Answer) -> dict[str, Any]:
    return {
        "change_set": answer.set_id,
        "rows": [shown(one) for one in answer.rows],
        "problems": [problem(one) for one in answer.problems],
        **({"task": answer.task_id} if answer.task_id is not None else {}),
    }


def problem(one: Problem) -> dict[str, Any]:
    """A refused cell as JSON."""
    where = {"id": one.row_id} if one.new is None else {"new": one.new}
    return {**where, "field": one.field, "code": one.code, "message": sentence(one.code, one.data)}


def _stale(error: RuleError) -> Response:
    row = error.row if isinstance(error, grid_edits.Stale) else None
    return refusal(error, current=shown(row) if row is not None else None)


def _asks_first(grid: Grid, row_id: int | None, error: MovesClocks) -> Response:
    """No refusal but a question: what would move, and the form in which one sees and allows it."""
    view = view_name(grid.source)
    form = url_for(f"{view}.add") if row_id is None else url_for(f"{view}.edit", pk=row_id)
    return refusal(error, moves=error.preview.counts(), form=form)
