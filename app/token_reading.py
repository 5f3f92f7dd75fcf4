"""Rows that leave by a token stand in the audit trail."""

from __future__ import annotations

from app import bearer
from app.rules.query import Query
from app.services import audit
from app.services.grids import Grid
from app.services.transaction import transaction
from app.standing import current_actor


def audited(grid: Grid, count: int, query: Query | None = None, *, what: str = "rows", row: int | None = None) -> None:
    """Write down how much a token was given and by which fields it was chosen; nothing for a person's page.

    `what`: rows, groups, figures, history (how many changes of a cell of `row`), trash, marks (keys to jump in by).
    """
    token = bearer.current()
    if token is None or not count:
        return
    fields = sorted({one.field for one in query.where.conditions()}) if query is not None else []
    detail = {"token": token.token_id, what: count, "filtered": fields} | ({"row": row} if row is not None else {})
    with transaction():
        audit.record(current_actor(), "token.read", object_type="sheet", object_id=grid.code, detail=detail)
