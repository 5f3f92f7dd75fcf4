"""Which appeals are merged into one (并单): counted once in scores, each in heat, every appellant answered."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from app.models import Appeal, db
from app.rules.workflow import REGISTERED_STATES, State

# An appeal is merged into one that is being handled, or is about to be.
MAIN_STATES = tuple(
    state.value
    for state in REGISTERED_STATES
    if state not in (State.CLOSED, State.ARCHIVED, State.MERGED, State.HISTORY)
)

CLOSED = ("closed", "archived")
# From its feedback on there is something to tell the appellants.
ANSWERED = ("under_review", "answered", *CLOSED)


def merged_into(appeal_id: int) -> Sequence[Appeal]:
    """The appeals merged into this one and still open, oldest first."""
    query = select(Appeal).where(Appeal.merged_into_id == appeal_id, Appeal.state == "merged").order_by(Appeal.id)
    return db.session.scalars(query).all()


def follow(appeal: Appeal) -> None:
    """The appeals merged into this one are in sight of the unit that handles it, and of no other."""
    for merged in merged_into(appeal.id):
        merged.unit_id = appeal.unit_id


def heat(appeal_id: int) -> int:
    """How many appeals stand behind it, itself included."""
    return 1 + (db.session.scalar(select(func.count()).where(Appeal.merged_into_id == appeal_id)) or 0)


def uninformed(appeal_id: int) -> int:
    """How many appellants of merged appeals are still to be told."""
    query = select(func.count()).where(
        Appeal.merged_into_id == appeal_id, Appeal.state == "merged", Appeal.informed_at.is_(None)
    )
    return db.session.scalar(query) or 0
