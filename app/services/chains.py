"""Responsibility chains (R7, R8, R15): as they stand at a moment, and frozen on an assignment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from app.models import ChainLink, Person, PortfolioPlace, StandIn, Unit, db
from app.rules import chain as rules
from app.services import present

Places = tuple[rules.Place, ...]


def chains_at(unit_ids: Collection[int], at: datetime | None = None) -> dict[int, Places]:
    """Every place of the chain of each of these units at `at` (now by default), vacancies included, in two statements.

    Coordinating and final follow from the portfolio of that moment.
    """
    moment = at or present.now()
    named: dict[int, list[rules.Named]] = {}
    links = select(ChainLink).where(ChainLink.unit_id.in_(unit_ids), ChainLink.valid.contains(moment))
    for row in db.session.scalars(links):
        named.setdefault(row.unit_id, []).append(rules.Named(row.link, row.role, row.person_id))
    return {
        unit_id: rules.chain(kind, named.get(unit_id, ()), rules.Line(vice_mayor_id, deputy_id))
        for unit_id, kind, vice_mayor_id, deputy_id in db.session.execute(_lines(unit_ids, moment))
    }


def standing_in(unit_ids: Collection[int], at: datetime | None = None) -> dict[int, dict[str, tuple[int, ...]]]:
    """Who stands in for both A and B in a link of these units at `at` (now by default), by unit and link (R15)."""
    query = select(StandIn.unit_id, StandIn.link, StandIn.person_id).where(
        StandIn.unit_id.in_(unit_ids), StandIn.valid.contains(at or present.now())
    )
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    rows: list[Any] = [tuple(row) for row in db.session.execute(query.order_by(StandIn.id))]
    for unit_id, link, person_id in rows:
        own = found.setdefault(unit_id, {})
        own[link] = (*own.get(link, ()), person_id)
    return found


def _lines(unit_ids: Collection[int], moment: datetime) -> Any:
    """SQL: unit, kind, and who leads the line it is under."""
    own, vice_mayor, deputy = (aliased(PortfolioPlace) for _ in range(3))
    query = select(Unit.id, Unit.kind, vice_mayor.person_id, deputy.person_id).outerjoin(
        own, and_(own.unit_id == Unit.id, own.place == "unit", own.valid.contains(moment))
    )
    for leader, place in ((vice_mayor, "vice_mayor"), (deputy, "deputy")):
        stands = and_(leader.portfolio_id == own.portfolio_id, leader.place == place, leader.valid.contains(moment))
        query = query.outerjoin(leader, stands)
    return query.where(Unit.id.in_(unit_ids))


def places_of(unit: Unit, at: datetime | None = None) -> Places:
    """Every place of the unit's chain at `at` (now by default), vacancies included."""
    return chains_at((unit.id,), at)[unit.id]


def as_of_now(unit: Unit) -> list[dict[str, Any]]:
    """The unit's chain as JSON values with names, to be frozen on an assignment; a vacancy has person_id None."""
    places = places_of(unit)
    ids = {place.person_id for place in places if place.person_id is not None}
    names = dict(db.session.execute(select(Person.id, Person.name).where(Person.id.in_(ids))).all())
    return [{**place.to_json(), "name": names.get(place.person_id or 0)} for place in places]
