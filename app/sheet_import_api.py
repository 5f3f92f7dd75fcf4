"""A workbook or CSV into a sheet as JSON: the steps of its pages (app/sheet_import_views.py), by the same services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from app import token_reading
from app.grid_api import body_of, opened, text_in
from app.messages import sentence
from app.models import SheetFile
from app.rules.errors import Invalid
from app.rules.imports_into import Mode, Plan, plan_of
from app.rules.sheet_guess import Guess
from app.services import import_files, import_refusals, sheet_imports, tasks
from app.services.grids import Grid
from app.services.sheet_imports import tally_of
from app.services.workbooks import MAX_BYTES
from app.sheet_import_views import proposal, refused_workbook

imports = Blueprint("sheet_imports", __name__, url_prefix="/api/v1/sheets")
USUAL, MOST = 100, 500


def init_sheet_import_api(app: Flask) -> None:
    """Register the endpoints of files that go into sheets."""
    app.register_blueprint(imports)


@imports.post("/<code>/imports")
def receive(code: str) -> ResponseReturnValue:
    """Hand in a workbook or CSV (UTF-8, GB18030) as the whole body, its name percent-encoded in `X-File-Name`.

    `X-Request-Key` acts once: the same file sent again with it is the file that is there.
    """
    grid, content = _writable(code), request.stream.read(MAX_BYTES + 1)
    if not content:
        raise Invalid("import.no-file")
    name, key = unquote(request.headers.get("X-File-Name", "")), request.headers.get("X-Request-Key", "")
    row = import_files.hand_in(grid, name or grid.code, content, request_key=key)
    return jsonify(_told(row)), 201


@imports.get("/<code>/imports")
def listed(code: str) -> Response:
    """The caller's last files for the sheet, the latest first."""
    return jsonify(files=[_shown(one) for one in import_files.listed(_writable(code))])


@imports.get("/<code>/imports/<int:file_id>")
def show(code: str, file_id: int) -> Response:
    """How far a file is, and what became of its rows or would."""
    return jsonify(_told(import_files.access_file(_writable(code), file_id)))


@imports.get("/<code>/imports/<int:file_id>/columns")
def columns(code: str, file_id: int) -> Response:
    """The columns of the file with samples, into which ones they may go, and a plan as one would begin with."""
    grid = _writable(code)
    row = import_files.access_file(grid, file_id)
    found, header = sheet_imports.headings(row)
    plan = proposal(grid, row, found)
    return jsonify(
        header=header + 1,
        columns=[_column(one, plan) for one in found],
        fillable=[one.key for one in sheet_imports.fillable(grid)],
        keys=[one.key for one in sheet_imports.keys(grid)],
        plan=_plan_told(plan),
    )


@imports.post("/<code>/imports/<int:file_id>/check")
def check(code: str, file_id: int) -> Response:
    """Look at what a plan would do, writing nothing: `{"columns": {"0": key}, "mode", "key", "also", "clears"}`.

    What is left out is taken from the plan of `…/columns`. A large file is looked at by a worker: ask for it again
    while its `state` is `checking`.
    """
    grid, body = _writable(code), body_of("columns", "mode", "key", "also", "clears")
    row = import_files.access_file(grid, file_id)
    found, _header = sheet_imports.headings(row)
    sheet_imports.check(grid, file_id, _plan(body, proposal(grid, row, found), found))
    return jsonify(_told(import_files.access_file(grid, file_id)))


@imports.get("/<code>/imports/<int:file_id>/changes")
def changes(code: str, file_id: int) -> Response:
    """The first changes of rows that are there, cell by cell: what they hold (or held), what the file has."""
    grid = _writable(code)
    sample = tally_of(import_files.access_file(grid, file_id).outcome).sample
    token_reading.audited(grid, len(sample))
    return jsonify(
        changes=[
            {"row": one["row"], "old": _seen(grid, one["old"]), "new": _seen(grid, one["new"])} for one in sample
        ]
    )


@imports.get("/<code>/imports/<int:file_id>/problems")
def problems(code: str, file_id: int) -> Response:
    """The refused rows and why, by their number in the file: `?after=<row>&limit=`."""
    row = import_files.access_file(_writable(code), file_id)
    after, limit = _number("after", 0, 2**31), max(1, _number("limit", USUAL, MOST))
    found = import_refusals.listed(row.id, after=after, limit=limit + 1)
    told = [{"row": number, "problems": [_problem(*one) for one in reasons]} for number, reasons in found[:limit]]
    return jsonify(refused=told, next=found[limit - 1][0] if len(found) > limit else None)


@imports.get("/<code>/imports/<int:file_id>/refused")
def refused(code: str, file_id: int) -> ResponseReturnValue:
    """The refused rows as a workbook: as they were, with the reason; corrected, it can be handed in again."""
    grid = _writable(code)
    return refused_workbook(import_files.access_file(grid, file_id), grid)


@imports.post("/<code>/imports/<int:file_id>/apply")
def apply(code: str, file_id: int) -> Response:
    """Write what was looked at: `{"request_key": "…"}`; a large file by a worker, `state` is `applying` meanwhile.

    `POST …/edits/<change_set>/undo` takes it back.
    """
    grid, body = _writable(code), body_of("request_key")
    import_files.access_file(grid, file_id)
    sheet_imports.apply(grid, file_id, request_key=text_in(body, "request_key"))
    return jsonify(_told(import_files.access_file(grid, file_id)))


@imports.post("/<code>/imports/<int:file_id>/reopen")
def reopen(code: str, file_id: int) -> Response:
    """Back to the columns of a file that was looked at; one whose writing broke off is gone on with by a worker."""
    grid = _writable(code)
    import_files.access_file(grid, file_id)
    sheet_imports.reopen(grid.actor, file_id)
    return jsonify(_told(import_files.access_file(grid, file_id)))


@imports.post("/<code>/imports/<int:file_id>/cancel")
def cancel(code: str, file_id: int) -> Response:
    """Stop the worker: a look is forgotten, what was written stays and can be taken back."""
    return jsonify(_told(import_files.cancel(_writable(code), file_id)))


@imports.delete("/<code>/imports/<int:file_id>")
def drop(code: str, file_id: int) -> Response:
    """Forget a file that was not written."""
    grid = _writable(code)
    import_files.access_file(grid, file_id)
    sheet_imports.drop(grid.actor, file_id)
    return jsonify(file=file_id, state="dropped")


# --- what was sent ----------------------------------------------------------------------------------------------------


def _writable(code: str) -> Grid:
    """The sheet for who may write something of it. Raises NotFound("sheet.unknown")."""
    grid = opened(code)
    sheet_imports.require_open(grid)
    return grid


def _plan(body: Mapping[str, Any], usual: Plan, found: Sequence[Guess]) -> Plan:
    """The plan of a body, over that one would begin with. Raises Invalid("query.unreadable")."""
    mode = text_in(body, "mode") or usual.mode
    if mode not in list(Mode):
        raise Invalid("query.unreadable", {"at": "mode"})
    places = usual.places
    if body.get("columns") is not None:
        places = _places(body["columns"], {one.place for one in found})
    key = text_in(body, "key") if "key" in body else usual.key
    clears = body.get("clears", usual.clears)
    if not isinstance(clears, bool):
        raise Invalid("query.unreadable", {"at": "clears"})
    # Columns beside another key than the usual one are those that are sent.
    also = body.get("also", usual.also if key == usual.key else ())
    if not isinstance(also, list | tuple) or not all(isinstance(one, str) for one in also):
        raise Invalid("query.unreadable", {"at": "also"})
    is_known = mode != Mode.ADD
    return Plan(places, Mode(mode), key if is_known else "", clears, tuple(also) if is_known else ())


def _places(sent: object, known: set[int]) -> dict[int, str]:
    if not isinstance(sent, dict):
        raise Invalid("query.unreadable", {"at": "columns"})
    numbers = {str(place): place for place in known}
    if not all(place in numbers and isinstance(key, str) for place, key in sent.items()):
        raise Invalid("query.unreadable", {"at": "columns"})
    return {numbers[place]: key for place, key in sent.items() if key}


def _number(name: str, usual: int, most: int) -> int:
    text = request.args.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise Invalid("query.unreadable", {"at": name})
    return int(text)


# --- what is answered -------------------------------------------------------------------------------------------------


def _seen(grid: Grid, cells: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cells.items() if key in grid.columns}


def _shown(row: SheetFile) -> dict[str, Any]:
    return {
        "file": row.id, "sheet": row.sheet, "state": row.state, "filename": row.filename, "format": row.format,
        "size": row.size, "rows": row.rows, "at": row.at.isoformat(), "change_set": row.change_set_id,
        "task": row.task_id,
    }  # fmt: skip


def _told(row: SheetFile) -> dict[str, Any]:
    """A file with its progress and its figures; `broke_off`: nobody works on it although it is not at its end."""
    tally, plan = tally_of(row.outcome), row.spec.get("plan")
    status = tasks.describe(row.task_id) if row.task_id else {}
    figures = {"added": tally.added, "changed": tally.changed, "same": tally.same, "refused": tally.refused}
    return _shown(row) | {
        "plan": _plan_told(plan_of(plan)) if plan else None,
        "tally": figures if row.outcome else None,
        "done": status.get("done", 0),
        "total": status.get("total", row.rows),
        "broke_off": sheet_imports.broke_off(row),
    }


def _plan_told(plan: Plan) -> dict[str, Any]:
    kept = plan.to_json()
    return {"columns": kept.pop("places"), **kept}


def _column(one: Guess, plan: Plan) -> dict[str, Any]:
    return {
        "place": one.place, "label": one.label, "kind": one.kind.value, "samples": list(one.samples),
        "filled": one.filled, "goes_into": plan.places.get(one.place, ""),
    }  # fmt: skip


def _problem(key: str, code: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"field": key, "code": code, "message": sentence(code, data)}
