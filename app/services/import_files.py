"""Files of programs for a sheet: a token of one post handles those that it handed in, and workers act for no more."""

from __future__ import annotations

from collections.abc import Sequence

from app.models import ChangeSet, SheetFile, Task, db
from app.rules.errors import Conflict, Invalid, NotFound
from app.services import sheet_imports, tasks
from app.services.change_sets import LONGEST_KEY
from app.services.grids import Grid


def hand_in(grid: Grid, filename: str, content: bytes, *, request_key: str) -> SheetFile:
    """Keep a file for the sheet, once for a key; see `sheet_imports.hand_in`.

    Raises Invalid("request.key-missing"), and NotFound("sheet-file.unknown") for a file of another post's token.
    """
    if not 0 < len(request_key) <= LONGEST_KEY:
        raise Invalid("request.key-missing", {"longest": LONGEST_KEY})
    return access_file(grid, sheet_imports.hand_in(grid, filename, content, request_key=request_key).id)


def access_file(grid: Grid, file_id: int) -> SheetFile:
    """A file of the caller's for this sheet. Raises NotFound("sheet-file.unknown")."""
    row = sheet_imports.access_file(grid.actor, file_id)
    if row.sheet != grid.code or not _reaches(grid, row):
        raise NotFound("sheet-file.unknown", {"id": file_id})
    return row


def listed(grid: Grid) -> Sequence[SheetFile]:
    """The caller's last files for this sheet, the latest first."""
    return [one for one in sheet_imports.listed(grid.actor, grid.code) if _reaches(grid, one)]


def only_post(row: SheetFile) -> int | None:
    """The one post for which a worker looks at the file or writes it; None: all that its person acts for."""
    if row.state == "applying" and row.change_set_id is not None:
        asked: int | None = db.session.get_one(ChangeSet, row.change_set_id).spec.get("only_post")
        return asked
    brought: int | None = row.spec.get("only_post")
    return brought


def cancel(grid: Grid, file_id: int) -> SheetFile:
    """Stop the worker that looks at the file or writes it; what is written stays and can be undone.

    Raises Conflict("task.ended") when none does.
    """
    row = access_file(grid, file_id)
    if row.task_id is None or row.state not in ("checking", "applying"):
        raise Conflict("task.ended", {"state": row.state})
    tasks.cancel(grid.actor, row.task_id)
    if db.session.get_one(Task, row.task_id, populate_existing=True).state == "cancelled":
        sheet_imports.give_up(file_id)  # no worker had begun, none will
    return row


def _reaches(grid: Grid, row: SheetFile) -> bool:
    return grid.actor.only_post in (None, row.spec.get("only_post"))
