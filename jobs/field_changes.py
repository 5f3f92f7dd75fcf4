"""The handler that changes the kind of a large field; what it does stands in app/services/field_jobs.py."""

from __future__ import annotations

from app import grids
from app.rules.errors import RuleError
from app.services import field_definitions, field_jobs, tasks
from app.services.actors import Actor


def apply(run: tasks.Run) -> str:
    """Change the values, then the definition."""

    def actor_of(user_id: int) -> Actor:
        return grids.reader_of(user_id, f"task:{run.task_id}").actor

    try:
        return field_jobs.apply(run, actor_of, field_definitions.finish_in)
    except tasks.Stopped as stopped:
        if stopped.reason == "cancelled":
            field_jobs.give_up(run.subject_id, "cancelled")
        raise
    except RuleError:
        field_jobs.give_up(run.subject_id, "failed")
        raise
