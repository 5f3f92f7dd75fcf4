"""Files in cells over HTTP: handed in for a column, dropped again, opened. Parse → service → answer.

A file travels as the whole body of its request, its name in a header: no name stands in an address.
"""

from __future__ import annotations

from urllib.parse import unquote

from flask import Blueprint, Flask, Response, jsonify, request

from app.attachment_views import sent
from app.extra_files import line
from app.grid_api import opened
from app.services import attachments, grid_files

files = Blueprint("cell_files", __name__, url_prefix="/api/v1/sheets")


def init_grid_file_api(app: Flask) -> None:
    """Register the endpoints of files in cells."""
    app.register_blueprint(files)


@files.post("/<code>/files/<key>")
def receive(code: str, key: str) -> Response:
    """Keep a file for a cell of the column until the row is written; the answer is its line, its `id` the value."""
    grid = opened(code)
    found = grid_files.receive(
        grid,
        key,
        form_key=request.args.get("form", ""),
        filename=unquote(request.headers.get("X-File-Name", "")),
        stream=request.stream,  # type: ignore[arg-type]
    )
    return jsonify(line(code, found))


@files.post("/<code>/files/<int:file_id>/discard")
def discard(code: str, file_id: int) -> Response:
    """Drop a file that was chosen and not sent."""
    attachments.discard(opened(code).actor, file_id)
    return jsonify(discarded=file_id)


@files.get("/<code>/files/<int:file_id>")
def content(code: str, file_id: int) -> Response:
    """A file of a cell, to be saved; with `?inline=1` a picture, a PDF, a sound or a film to be looked at."""
    asks = request.args.get("inline") == "1"
    found = grid_files.content(opened(code), file_id, how="preview" if asks else "download")
    return sent(found, inline=asks and bool(found.file.type.preview))
