"""Rows that leave by a token stand in the audit trail."""

from __future__ import annotations

from app import bearer
from app.rules.query import Query
from app.services import audit
from app.services.grids import Grid
from app.services.transaction import transaction
from app.standing import current_actor


def audited(grid: Grid, count: int, query: Query) -> None:
    """Write down how many rows a token was given and by which fields they were chosen; nothing for a person's page."""
    token = bearer.current()
    if token is None or not count:
        return
    fields = sorted({one.field for one in query.where.conditions()})
    detail = {"token": token.token_id, "rows": count, "filtered": fields}
    with transaction():
        audit.record(current_actor(), "token.read", object_type="sheet", object_id=grid.code, detail=detail)
