"""Exports of sheets as JSON: asked for, followed, fetched, dropped. The pages under /files show the same files."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from app import export_files, file_views, grids, ledger_paper, signing
from app.grid_api import body_of, opened, query_of, text_in
from app.messages import sentence
from app.rules.errors import Invalid
from app.services import sheet_exports, sheet_files
from app.services.sheet_exports import Wanted
from app.services.sheet_files import Listed
from app.standing import current_actor

files = Blueprint("sheet_files", __name__, url_prefix="/api/v1")


def init_file_api(app: Flask) -> None:
    """Register the endpoints of files."""
    app.register_blueprint(files)


@files.post("/sheets/<code>/exports")
def export(code: str) -> ResponseReturnValue:
    """A view as a file: `{"query": {…, "columns": […]}, "format": "xlsx"|"csv", "encoding", "layout", "view", "reason",
    "request_key"}`.

    Small ones are ready in the answer, large ones are made by a worker. Asks for a fresh login.
    `"layout": "ledger"` gives the pages of the ledger for printing, with their own columns.
    """
    grid = opened(code)
    body = body_of("query", "format", "encoding", "layout", "view", "reason", "request_key")
    signing.require_fresh()
    query = query_of(grid, body)
    if not query.columns or not text_in(body, "request_key"):
        raise Invalid("query.unreadable", {"at": "query.columns, request_key"})
    if text_in(body, "layout") == "ledger" and code == "ledger":
        query = ledger_paper.of_paper(grid, query)
    wanted = Wanted(
        query, text_in(body, "format") or "xlsx", text_in(body, "encoding") or "utf-8", text_in(body, "view"),
        "en" if grids.is_english() else "zh", text_in(body, "layout"),
    )  # fmt: skip
    row = sheet_exports.ask(grid, wanted, reason=text_in(body, "reason"), request_key=text_in(body, "request_key"))
    if row.task_id is None:
        export_files.make(lambda: grid, row.id)
    return jsonify(_told(sheet_files.access_file(current_actor(), row.id))), 201


@files.get("/files")
def listed() -> Response:
    """One's own files, the latest first: `?before=<id>` for older ones."""
    found = sheet_files.listed(current_actor(), before_id=request.args.get("before", type=int))
    return jsonify(files=[_told(one) for one in found[: sheet_files.SHOWN]])


@files.get("/files/<int:file_id>")
def show(file_id: int) -> Response:
    """How far a file is."""
    return jsonify(_told(sheet_files.access_file(current_actor(), file_id)))


@files.get("/files/<int:file_id>/content")
def content(file_id: int) -> ResponseReturnValue:
    """The file itself, with who fetches it written into it."""
    return file_views.sent(file_id)


@files.delete("/files/<int:file_id>")
def drop(file_id: int) -> Response:
    """Take a file away, or stop the making of one."""
    sheet_files.drop(current_actor(), file_id)
    return jsonify(file=file_id, state="dropped")


def _told(one: Listed) -> dict[str, Any]:
    file = one.file
    return {
        "file": file.id,
        "sheet": file.sheet,
        "state": one.state,
        "done": one.done,
        "total": one.total,
        "rows": file.rows,
        "format": file.format,
        "filename": file.filename,
        "size": file.size,
        "sha256": file.digest,
        "at": file.at.isoformat(),
        "message": sentence(one.why, {}) if one.why else "",
        "page": url_for("FilesView.show", file_id=file.id),
        "content": url_for("sheet_files.content", file_id=file.id) if one.state == "ready" else None,
    }
