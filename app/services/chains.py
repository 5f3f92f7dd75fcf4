"""Responsibility chains (R7, R8, R15): as they stand now, and frozen on an assignment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import ChainLink, Unit, db


def as_of_now(unit: Unit) -> list[dict[str, Any]]:
    """The links of a unit as JSON values, to be frozen on an assignment; coordinating and final come from the portfolio.

    Each entry is {"link", "role", "person_id", "name"}; a vacancy has no entry.
    """
    query = select(ChainLink).where(ChainLink.unit_id == unit.id).options(joinedload(ChainLink.person))
    links = {(row.link, row.role): row.person for row in db.session.scalars(query)}
    line = unit.portfolio
    if line is not None and unit.kind in ("department", "stationed", "section"):
        if line.deputy is not None:
            links.setdefault(("coordinating", "A"), line.deputy)
            links.setdefault(("final", "B"), line.deputy)
        if line.vice_mayor is not None:
            links.setdefault(("final", "A"), line.vice_mayor)
    order = {"first": 0, "direct": 1, "coordinating": 2, "final": 3}
    return [
        {"link": link, "role": role, "person_id": person.id, "name": person.name}
        for (link, role), person in sorted(links.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    ]
