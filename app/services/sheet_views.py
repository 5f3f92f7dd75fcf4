"""The filters and the order in which somebody left a dictionary list: kept when he applies them, not when he looks."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.models import SheetView, db
from app.rules.errors import Invalid
from app.services.actors import Actor
from app.services.transaction import transaction

LONGEST = 1000  # characters of an address


def kept(actor: Actor, sheet: str) -> str:
    """The query of the address with which the list opens, "" for the whole list."""
    query = select(SheetView.query).where(SheetView.user_id == actor.user_id, SheetView.sheet == sheet)
    return db.session.scalar(query) or ""


def keep(actor: Actor, sheet: str, query: str) -> None:
    """Open this list with that query from now on; "" forgets it. Raises Invalid("filter.too-long")."""
    if len(query) > LONGEST:
        raise Invalid("filter.too-long", {"limit": LONGEST})
    with transaction():
        if query:
            row = insert(SheetView).values(user_id=actor.user_id, sheet=sheet, query=query)
            db.session.execute(
                row.on_conflict_do_update(index_elements=["user_id", "sheet"], set_={"query": row.excluded.query})
            )
        else:
            db.session.execute(delete(SheetView).where(SheetView.user_id == actor.user_id, SheetView.sheet == sheet))
