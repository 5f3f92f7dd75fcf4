"""Which appeals another may be merged into (并单): likely ones by text and place, or searched by number and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from app.models import Appeal, Unit, db
from app.rules.fields import clean_text
from app.rules.similarity import Likeness
from app.services import access, ledger, merging, similar
from app.services.actors import Actor

MOST = 8


@dataclass(frozen=True, slots=True)
class Main:
    """An appeal that may be the main one; `likeness` is empty for one that was searched for."""

    id: int
    number: str
    subject: str
    state: str
    received_at: datetime
    unit: str | None
    unit_en: str | None
    is_same_category: bool
    likeness: Likeness = field(default_factory=Likeness)


def suggested(actor: Actor, appeal: Appeal) -> list[Main]:
    """The likely main appeals among those he may see, likeliest first; those of the same category come first."""
    typed = similar.Typed(
        subject=appeal.subject,
        body=appeal.body[:3000],
        place=appeal.place,
        petition_number=str((appeal.intake or {}).get("petition_number") or ""),
        appeal_id=appeal.id,
    )
    found = similar.look(actor, typed)
    likeness = {one.id: one.likeness for one in (*found.likely, *found.earlier)}
    rows = _rows(_open(actor, appeal).where(Appeal.id.in_(likeness)))
    mains = [_main(row, appeal, likeness[row.id]) for row in rows]
    return sorted(mains, key=lambda one: (one.is_same_category, one.likeness.rank, one.id), reverse=True)[:MOST]


def searched(actor: Actor, appeal: Appeal, term: str) -> list[Main]:
    """Those with the number or the words, newest first; without a term the likely ones."""
    term = clean_text(term)[:100]
    if not term:
        return suggested(actor, appeal)
    wanted = ledger.matches(term, ledger.numbers_of(term))
    # OFFSET 0 keeps the planner from walking the primary key for the order instead of reading the index.
    hits = select(Appeal.id).where(wanted).offset(0).limit(2_000).subquery()
    query = _open(actor, appeal).where(Appeal.id.in_(select(hits.c.id))).order_by(Appeal.id.desc())
    return [_main(row, appeal) for row in _rows(query)]


def _open(actor: Actor, appeal: Appeal) -> Select[Any]:
    columns: tuple[Any, ...] = (
        Appeal.id,
        Appeal.number,
        Appeal.subject,
        Appeal.state,
        Appeal.received_at,
        Appeal.category_id,
        Unit.name.label("unit"),
        Unit.name_en.label("unit_en"),
    )
    query: Select[Any] = select(*columns).join(Unit, Unit.id == Appeal.unit_id, isouter=True)
    return query.where(access.visible_to(actor), Appeal.state.in_(merging.MAIN_STATES), Appeal.id != appeal.id)


def _rows(query: Select[Any]) -> Sequence[Any]:
    return db.session.execute(query.limit(MOST)).all()


def _main(row: Any, appeal: Appeal, likeness: Likeness | None = None) -> Main:
    is_same = appeal.category_id is not None and row.category_id == appeal.category_id
    return Main(
        row.id,
        row.number,
        row.subject,
        row.state,
        row.received_at,
        row.unit,
        row.unit_en,
        is_same,
        likeness or Likeness(),
    )
