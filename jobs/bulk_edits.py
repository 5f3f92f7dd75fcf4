"""The handler of bulk edits and their undo; what it does stands in app/services/grid_jobs.py."""

from __future__ import annotations

from sqlalchemy import select

from app import grids
from app.models import ChangeSet, db
from app.rules.errors import Refused
from app.services import api_tokens, grid_jobs, tasks
from app.services.actors import Actor
from app.services.grants import standing_of
from app.services.grids import Grid


def apply(run: tasks.Run) -> str:
    """Write the rows that wait: once each, however often it is run."""

    spec = db.session.scalar(select(ChangeSet.spec).where(ChangeSet.id == run.subject_id)) or {}

    def grid_of(code: str, user_id: int) -> Grid:
        return _grid(code, user_id, f"task:{run.task_id}", spec.get("only_post"))

    try:
        return grid_jobs.apply(run, grid_of)
    except tasks.Stopped as stopped:
        if stopped.reason == "cancelled":
            grid_jobs.give_up(run.subject_id)
        raise


def _grid(code: str, user_id: int, request_id: str, only_post: int | None) -> Grid:
    """The sheet as whoever asked for the change may see and write it now; what a token asked for, under its post."""
    standing = standing_of(user_id)
    if standing is not None:
        standing = api_tokens.restricted(standing, only_post)
    if standing is None:
        raise Refused("access.signed-out")
    actor = Actor(standing.user_id, standing.person_id, standing.grants, standing.name, request_id=request_id)
    return grids.grid(code, grids.Reader(actor, frozenset(standing.pairs), english=False))
