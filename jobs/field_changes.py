"""The handler that changes the kind of a large field; what it does stands in app/services/field_jobs.py."""

from __future__ import annotations

from app.rules.errors import Refused, RuleError
from app.services import field_definitions, field_jobs, tasks
from app.services.actors import Actor
from app.services.grants import standing_of


def apply(run: tasks.Run) -> str:
    """Change the values and the definition, all of them or none."""

    def actor_of(user_id: int) -> Actor:
        standing = standing_of(user_id)
        if standing is None:
            raise Refused("access.signed-out")
        request_id = f"task:{run.task_id}"
        return Actor(standing.user_id, standing.person_id, standing.grants, standing.name, request_id=request_id)

    try:
        return field_jobs.apply(run, actor_of, field_definitions.finish_in)
    except tasks.Stopped as stopped:
        if stopped.reason == "cancelled":
            field_jobs.give_up(run.subject_id, "cancelled")
        raise
    except RuleError:
        field_jobs.give_up(run.subject_id, "failed")
        raise
