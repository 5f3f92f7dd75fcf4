"""Slots of the timetable that were taken: unique by name and moment, so that none is taken twice (SECURITY
§1).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from app.models import TimetableSlot, db
from app.services.transaction import transaction


def last(name: str) -> datetime | None:
    """The latest slot of this entry that was taken."""
    query = select(func.max(TimetableSlot.slot)).where(TimetableSlot.name == name)
    found: datetime | None = db.session.scalar(query)
    return found


def take(name: str, slot: datetime) -> bool:
    """Take a slot; False when somebody else did."""
    row = insert(TimetableSlot).values(name=name, slot=slot).on_conflict_do_nothing().returning(TimetableSlot.slot)
    with transaction():
        taken = db.session.execute(row).one_or_none()
    return taken is not None


def forget(*, before: datetime) -> None:
    """Drop the record of slots before that moment; the latest of each entry stays."""
    newest = select(TimetableSlot.name, func.max(TimetableSlot.slot)).group_by(TimetableSlot.name)
    old = tuple_(TimetableSlot.name, TimetableSlot.slot).notin_(newest)
    with transaction():
        db.session.execute(
            delete(TimetableSlot).where(TimetableSlot.slot < before, old).execution_options(synchronize_session=False)
        )
