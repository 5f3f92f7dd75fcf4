"""Responsibility chains (R7, R8, R15): as they stand now, and frozen on an assignment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.models import ChainLink, Person, Unit, db
from app.rules import chain as rules


def places_of(unit: Unit) -> tuple[rules.Place, ...]:
    """Every place of the unit's chain, vacancies included; the upper links follow from the portfolio."""
    named = [
        rules.Named(row.link, row.role, row.person_id)
        for row in db.session.scalars(select(ChainLink).where(ChainLink.unit_id == unit.id))
    ]
    line = rules.Line(unit.portfolio.vice_mayor_id, unit.portfolio.deputy_id) if unit.portfolio else None
    return rules.chain(unit.kind, named, line)


def as_of_now(unit: Unit) -> list[dict[str, Any]]:
    """The unit's chain as JSON values with names, to be frozen on an assignment; a vacancy has person_id None."""
    places = places_of(unit)
    ids = {place.person_id for place in places if place.person_id is not None}
    names = dict(db.session.execute(select(Person.id, Person.name).where(Person.id.in_(ids))).all())
    return [{**place.to_json(), "name": names.get(place.person_id or 0)} for place in places]
