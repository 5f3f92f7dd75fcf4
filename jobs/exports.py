"""The handler of exports of spreadsheets; how a file looks stands in app/export_files.py."""

from __future__ import annotations

from app import export_files, grids
from app.rules.errors import Refused
from app.services import sheet_exports, tasks
from app.services.actors import Actor
from app.services.grants import standing_of
from app.services.grids import Grid


def make(run: tasks.Run) -> None:
    """Make the file the task is about; a killed run is repeated from the start."""
    row = sheet_exports.order(run.subject_id)
    if row is None:
        return
    code, user_id = row.sheet, row.user_id

    def grid_of() -> Grid:
        return _grid(code, user_id, f"task:{run.task_id}", english=row.spec["locale"] == "en")

    export_files.make(grid_of, run.subject_id, run)


def _grid(code: str, user_id: int, request_id: str, *, english: bool) -> Grid:
    """The sheet as whoever asked for the file sees it now."""
    standing = standing_of(user_id)
    if standing is None:
        raise Refused("access.signed-out")
    actor = Actor(standing.user_id, standing.person_id, standing.grants, standing.name, request_id=request_id)
    return grids.grid(code, grids.Reader(actor, frozenset(standing.pairs), english=english))
