"""The audit trail of security events, written in the transaction of the event; readable by the audit officer only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.models import Audit, db
from app.services import present
from app.services.actors import Actor


def record(
    actor: Actor,
    event: str,
    *,
    result: str = "ok",
    object_type: str = "",
    object_id: object = "",
    detail: Mapping[str, Any] | None = None,
) -> Audit:
    """Add one audit row to the open transaction; `result` is ok or refused. No personal data goes in."""
    row = Audit(
        at=present.now(),
        event=event,
        result=result,
        user_id=actor.user_id,
        ip=actor.ip,
        object_type=object_type,
        object_id=str(object_id),
        detail=dict(detail or {}),
        request_id=actor.request_id,
    )
    db.session.add(row)
    return row
