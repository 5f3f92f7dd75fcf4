"""The journal: one row per change, written in the transaction of the change, sealed afterwards into a hash chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.models import Journal, db
from app.services import present
from app.services.actors import Actor


def write(
    actor: Actor,
    action: str,
    object_type: str,
    object_id: int,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    appeal_id: int | None = None,
    post_id: int | None = None,
    role: str | None = None,
    reason: str = "",
    request_key: str | None = None,
) -> Journal:
    """Add one journal row to the open transaction. Values are JSON-able and hold no plain personal data.

    A `request_key` (idempotency key of the form) that was used before makes the commit fail with a Conflict.
    """
    row = Journal(
        at=present.now(),
        action=action,
        object_type=object_type,
        object_id=object_id,
        appeal_id=appeal_id,
        user_id=actor.user_id,
        person_id=actor.person_id,
        post_id=post_id,
        role=role,
        acted_as=actor.process,
        old=dict(old or {}),
        new=dict(new or {}),
        reason=reason,
        request_id=actor.request_id,
        request_key=request_key,
    )
    db.session.add(row)
    return row


def made(actor: Actor, object_type: str, request_key: str | None) -> int | None:
    """The row that this request of this person made or changed already; None for one that is new, or has no key."""
    if request_key is None:
        return None
    query = select(Journal.object_id).where(
        Journal.request_key == request_key, Journal.object_type == object_type, Journal.user_id == actor.user_id
    )
    return db.session.scalar(query)
