"""Files in cells of a sheet: handed in by who may fill the column in, opened by who sees the row and the column."""

from __future__ import annotations

from typing import IO

from sqlalchemy import select

from app.models import Attachment, db
from app.rules.errors import NotFound, Refused
from app.rules.values import ValueKind
from app.services import attachments, field_files, field_values
from app.services.attachments import Content, File
from app.services.grid_columns import Column
from app.services.grids import Grid
from app.services.transaction import transaction


def receive(grid: Grid, key: str, *, form_key: str, filename: str, stream: IO[bytes]) -> File:
    """Keep a file for a cell of the column until the row is written.

    Raises NotFound("query.unknown-field"), Refused for who does not fill the column in, and what `attachments.keep`
    raises.
    """
    column = grid.column(key)
    defined = column.defined
    if defined is None or column.kind is not ValueKind.FILES or column.write != "extra":
        raise NotFound("query.unknown-field", {"field": key[:40]})
    if not (grid.can_edit or grid.can_add) or not field_values.may_write(grid.actor, defined):
        raise Refused("access.not-granted", {"capability": "attach"})
    kept = attachments.keep(grid.actor, form_key=form_key, filename=filename, stream_or_bytes=stream)
    return attachments.file_of(kept, may_remove=True)


def content(grid: Grid, attachment_id: int, *, how: str) -> Content:
    """A file that a cell in the reader's sight holds now, or that he chose and has not sent. Audited when read.

    Raises NotFound("attachment.unknown") for every other file.
    """
    with transaction():
        column = _column_of(grid, attachment_id)
        if column is None:
            return attachments.content_in(grid.actor, attachment_id, field_files.own_unsent(grid.actor), how=how)
        held = select(grid.model.id).where(grid.model.id == Attachment.row_id, grid.where)
        holds = column.sql.contains([attachment_id])
        return attachments.content_in(grid.actor, attachment_id, held.where(holds).exists(), how=how)


def _column_of(grid: Grid, attachment_id: int) -> Column | None:
    """The column of the sheet whose field holds the file, None for a file that no field holds."""
    field_id = db.session.scalar(select(Attachment.field_id).where(Attachment.id == attachment_id))
    if field_id is None:
        return None
    for column in grid.columns.values():
        if column.defined is not None and column.defined.id == field_id and column.write == "extra":
            return column
    raise NotFound("attachment.unknown", {"id": attachment_id})
