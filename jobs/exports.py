"""The handler of exports of spreadsheets; how a file looks stands in app/export_files.py."""

from __future__ import annotations

from app import export_files, grids
from app.services import sheet_exports, tasks
from app.services.grids import Grid


def make(run: tasks.Run) -> None:
    """Make the file the task is about; a killed run is repeated from the start."""
    row = sheet_exports.order(run.subject_id)
    if row is None:
        return
    code, user_id, english = row.sheet, row.user_id, row.spec["locale"] == "en"

    def grid_of() -> Grid:
        return grids.grid(code, grids.reader_of(user_id, f"task:{run.task_id}", english=english))

    export_files.make(grid_of, run.subject_id, run)
