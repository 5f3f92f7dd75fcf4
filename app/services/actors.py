"""Who asks: the signed-in person with what he may do now, computed once per request from the staffing table."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.rules.grants import GrantSet


@dataclass(frozen=True)
class Actor:
    """Somebody who calls a service. `person_id` is None for officers and for the software itself."""

    user_id: int | None
    person_id: int | None
    grants: GrantSet
    name: str = ""
    ip: str = ""
    request_id: str = ""
    process: str = field(default="", kw_only=True)
    only_post: int | None = field(default=None, kw_only=True)  # of a token: what it hands to a worker acts for no other


def software(process: str) -> Actor:
    """The software itself (a job, the seed), named by its process; it holds no grants."""
    return Actor(user_id=None, person_id=None, grants=GrantSet(), process=process)
