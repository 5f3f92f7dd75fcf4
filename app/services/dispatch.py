"""The dispatch catalogue as rows: what is in force, what contradicts what, what upheld objections propose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import DispatchEntry, db
from app.rules import dispatch as rules
from app.rules.dispatch import Row
from app.services.sheet_rows import Draft

SHOWN = 50


def row_of(entry: DispatchEntry) -> Row:
    """An entry as the rules read it."""
    return Row(
        entry.id,
        entry.unit_id,
        entry.category_id,
        entry.place,
        rules.words_of(entry.keywords),
        entry.valid_from,
        entry.valid_until,
    )


def active() -> Sequence[DispatchEntry]:
    """Every entry that is in use, with its unit; a catalogue has hundreds of rows, not more."""
    query = select(DispatchEntry).options(joinedload(DispatchEntry.unit)).where(DispatchEntry.active)
    return db.session.scalars(query.order_by(DispatchEntry.id)).all()


def contradicted(entries: Iterable[DispatchEntry]) -> dict[int, list[DispatchEntry]]:
    """For each of these entries the entries in use that name another unit for the same category, place and time."""
    wanted = {entry.id for entry in entries}
    known = {entry.id: entry for entry in active()}
    found: dict[int, list[DispatchEntry]] = {}
    for pair in rules.contradictions([row_of(entry) for entry in known.values()]):
        for one, other in (pair, pair[::-1]):
            if one.id in wanted:
                found.setdefault(one.id, []).append(known[other.id])
    return found


def contradictions() -> list[tuple[DispatchEntry, DispatchEntry]]:
    """Every pair of entries in use that contradict each other."""
    known = {entry.id: entry for entry in active()}
    pairs = rules.contradictions([row_of(entry) for entry in known.values()])
    return [(known[one.id], known[other.id]) for one, other in pairs[:SHOWN]]


def proposals() -> Sequence[DispatchEntry]:
    """What upheld objections proposed and nobody confirmed yet, newest first (R9)."""
    query = (
        select(DispatchEntry)
        .options(joinedload(DispatchEntry.unit), joinedload(DispatchEntry.category))
        .where(DispatchEntry.source == "objection", ~DispatchEntry.active, DispatchEntry.version == 1)
    )
    return db.session.scalars(query.order_by(DispatchEntry.id.desc()).limit(SHOWN)).all()


def check(draft: Draft) -> None:
    """Add the problems of an entry: it says about what it is, and its period has an order."""
    values = draft.values
    if not (values["category"] or values["place"] or values["keywords"]):
        draft.wrong("category", "dispatch.about-nothing")
    begins, ends = values["valid_from"], values["valid_until"]
    if begins is not None and ends is not None and ends < begins:
        draft.wrong("valid_until", "dispatch.ends-before-start")
