"""The handler of bulk edits and their undo; what it does stands in app/services/grid_jobs.py."""

from __future__ import annotations

from sqlalchemy import select

from app import grids
from app.models import ChangeSet, db
from app.services import grid_jobs, tasks
from app.services.grids import Grid


def apply(run: tasks.Run) -> str:
    """Write the rows that wait: once each, however often it is run."""
    spec = db.session.scalar(select(ChangeSet.spec).where(ChangeSet.id == run.subject_id)) or {}

    def grid_of(code: str, user_id: int) -> Grid:
        return grids.grid(code, grids.reader_of(user_id, f"task:{run.task_id}", only_post=spec.get("only_post")))

    try:
        return grid_jobs.apply(run, grid_of)
    except tasks.Stopped as stopped:
        if stopped.reason == "cancelled":
            grid_jobs.give_up(run.subject_id)
        raise
