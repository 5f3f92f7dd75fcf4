"""What ever happened to a dictionary row and to what hangs on it, read from the journal, page by page by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload

from app.models import Journal, db
from app.services import sheet_access
from app.services.actors import Actor
from app.services.sheet_rows import REFERENCES, Sheet

ROWS = 50


@dataclass(frozen=True, slots=True)
class History:
    """A page of changes, the latest first; `older` is the key of the next page, None on the last."""

    rows: Sequence[Journal]
    older: int | None


def page(
    actor: Actor, sheet: Sheet, row: Any, children: Sequence[tuple[Sheet, str]], *, before: int | None = None
) -> History:
    """The changes of a row and of its children (the child's sheet, the field of it that names the row).

    Raises Refused("access.not-granted") for who does not keep the sheet. One statement.
    """
    sheet_access.require_keeper(actor, sheet)
    parts: list[ColumnElement[bool]] = [
        and_(Journal.object_type == sheet.model.__tablename__, Journal.object_id == row.id)
    ]
    parts += [_of_children(row, child, name) for child, name in children]
    query = select(Journal).where(or_(*parts)).options(joinedload(Journal.person), joinedload(Journal.post))
    if before is not None:
        query = query.where(Journal.id < before)
    found = db.session.scalars(query.order_by(Journal.id.desc()).limit(ROWS + 1)).all()
    return History(found[:ROWS], found[ROWS - 1].id if len(found) > ROWS else None)


def _of_children(row: Any, child: Sheet, name: str) -> ColumnElement[bool]:
    """Changes of rows that hang on this one now, or did when they were entered or taken away."""
    field = child.field(name)
    now = select(child.model.id).where(getattr(child.model, field.column) == row.id)
    named = [Journal.object_id.in_(now)]
    if hasattr(REFERENCES[field.to][0], "code"):
        named += [Journal.old[name].astext == row.code, Journal.new[name].astext == row.code]
    return and_(Journal.object_type == child.model.__tablename__, or_(*named))
