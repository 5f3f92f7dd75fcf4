"""The handler of files that go into sheets; what it does stands in app/services/sheet_imports.py."""

from __future__ import annotations

from app import grids
from app.models import SheetFile, db
from app.rules.errors import RuleError
from app.services import import_files, sheet_imports, tasks


def work(run: tasks.Run) -> None:
    """Look through the file, or write it, whichever was asked for; with the rights of whoever handed it in, now;
    what a token asked for, under its post."""
    row = db.session.get(SheetFile, run.subject_id)
    if row is None or row.state not in ("checking", "applying"):
        return
    only_post = import_files.only_post(row)
    grid = grids.grid(row.sheet, grids.reader_of(row.user_id, f"task:{run.task_id}", only_post=only_post))
    act = sheet_imports.run_check if row.state == "checking" else sheet_imports.run_apply
    try:
        act(grid, run.subject_id, run)
    except tasks.Stopped as stopped:
        if stopped.reason == "cancelled":
            sheet_imports.give_up(run.subject_id)
        raise
    except RuleError:
        db.session.rollback()
        sheet_imports.give_up(run.subject_id)
        raise
