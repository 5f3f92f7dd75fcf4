"""The handler of files that go into sheets; what it does stands in app/services/sheet_imports.py."""

from __future__ import annotations

from app import grids
from app.models import SheetFile, db
from app.rules.errors import Refused, RuleError
from app.services import api_tokens, import_files, sheet_imports, tasks
from app.services.actors import Actor
from app.services.grants import standing_of


def work(run: tasks.Run) -> None:
    """Look through the file, or write it, whichever was asked for; with the rights of whoever handed it in, now;
    what a token asked for, under its post."""
    row = db.session.get(SheetFile, run.subject_id)
    if row is None or row.state not in ("checking", "applying"):
        return
    standing = standing_of(row.user_id)
    if standing is not None:
        standing = api_tokens.restricted(standing, import_files.only_post(row))
    if standing is None:
        raise Refused("access.signed-out")
    actor = Actor(
        standing.user_id, standing.person_id, standing.grants, standing.name, request_id=f"task:{run.task_id}"
    )
    grid = grids.grid(row.sheet, grids.Reader(actor, frozenset(standing.pairs), english=False))
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
