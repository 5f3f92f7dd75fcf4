"""Files in cells of a sheet: handed in by who may fill the column in, opened by who sees the row and the column."""

from __future__ import annotations

from typing import IO

from sqlalchemy import ColumnElement, and_, or_, select

from app.models import Attachment
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
    if defined is None or not _keeps_files(column):
        raise NotFound("query.unknown-field", {"field": key[:40]})
    if not (grid.can_edit or grid.can_add) or not field_values.may_write(grid.actor, defined):
        raise Refused("access.not-granted", {"capability": "attach"})
    kept = attachments.keep(grid.actor, form_key=form_key, filename=filename, stream_or_bytes=stream)
    return attachments.file_of(kept, may_remove=True)


def content(grid: Grid, attachment_id: int, *, how: str) -> Content:
    """A file that a cell in the reader's sight holds now, or that he chose and has not sent. Audited when read.

    Raises NotFound("attachment.unknown") for every other file.
    """
    # One condition for both: a file that is being claimed at this moment is found before and afterwards.
    held = (_held(grid, column, attachment_id) for column in grid.columns.values() if _keeps_files(column))
    with transaction():
        readable = or_(field_files.own_unsent(grid.actor), *held)
        return attachments.content_in(grid.actor, attachment_id, readable, how=how)


def _keeps_files(column: Column) -> bool:
    """Whether files of the column are its own: a looked-up cell names those of another sheet."""
    return column.kind is ValueKind.FILES and column.defined is not None and column.write == "extra"


def _held(grid: Grid, column: Column, attachment_id: int) -> ColumnElement[bool]:
    """SQL: a row in the reader's sight holds the file in this column."""
    field_id = column.defined.id if column.defined is not None else None
    row = select(grid.model.id).where(
        grid.model.id == Attachment.row_id, grid.where, column.sql.contains([attachment_id])
    )
    return and_(Attachment.field_id == field_id, row.exists())
