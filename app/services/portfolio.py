"""The portfolio (分工) in time: vice mayor → deputy secretary-general → matching section → units (R8).

PortfolioPlace is the one truth. Everything here is read at a moment, now by default.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import joinedload

from app.models import Person, Portfolio, PortfolioPlace, Unit, db
from app.rules import chain
from app.services import present

LEADERS = ("vice_mayor", "deputy")
SINGLE = (*LEADERS, "section")  # places that hold one person or one unit; of units a line has many


@dataclass(frozen=True)
class Line:
    """A line of the portfolio at a moment; None is a vacancy. Its units stand in their own order."""

    row: Portfolio
    vice_mayor: Person | None = None
    deputy: Person | None = None
    section: Unit | None = None
    units: tuple[Unit, ...] = ()

    @property
    def id(self) -> int:
        """The line's id."""
        return self.row.id

    @property
    def leaders(self) -> tuple[Person, ...]:
        """Vice mayor and deputy secretary-general, as far as they are named."""
        return tuple(person for person in (self.vice_mayor, self.deputy) if person is not None)


def lines_at(at: datetime | None = None, *, only: Collection[int] | None = None) -> list[Line]:
    """All lines (or those of these ids) with everybody in them, in their order, in two statements.

    A line out of use is among them only while something stands in it.
    """
    query = select(Portfolio).order_by(Portfolio.sort, Portfolio.id)
    places = select(PortfolioPlace).where(PortfolioPlace.valid.contains(at or present.now()))
    places = places.options(joinedload(PortfolioPlace.person), joinedload(PortfolioPlace.unit))
    if only is not None:
        query = query.where(Portfolio.id.in_(only))
        places = places.where(PortfolioPlace.portfolio_id.in_(only))
    standing: dict[int, list[PortfolioPlace]] = {}
    for place in db.session.scalars(places):
        standing.setdefault(place.portfolio_id, []).append(place)
    return [
        _line(row, standing.get(row.id, ())) for row in db.session.scalars(query) if row.active or row.id in standing
    ]


def line(line_id: int, at: datetime | None = None) -> Line | None:
    """The line of that id, whether or not it is in use."""
    found = lines_at(at, only=(line_id,))
    if found:
        return found[0]
    row = db.session.get(Portfolio, line_id)
    return Line(row) if row is not None else None


def lines_of(unit_ids: Collection[int], at: datetime | None = None) -> dict[int, Line]:
    """The line each of these units is under, in three statements; a unit under none is left out."""
    under = dict(
        db.session.execute(
            select(PortfolioPlace.unit_id, PortfolioPlace.portfolio_id).where(
                PortfolioPlace.place == "unit",
                PortfolioPlace.unit_id.in_(unit_ids),
                PortfolioPlace.valid.contains(at or present.now()),
            )
        ).all()
    )
    lines = {found.id: found for found in lines_at(at, only=set(under.values()))} if under else {}
    return {unit_id: lines[line_id] for unit_id, line_id in under.items() if unit_id is not None}


def line_of(unit_id: int, at: datetime | None = None) -> Line | None:
    """The line the unit is under, or None."""
    return lines_of((unit_id,), at).get(unit_id)


def leaders_between(line_id: int, since: datetime, until: datetime) -> Sequence[Person]:
    """Who led the line at any time from `since` to `until`, vice mayors first."""
    query = (
        select(Person, PortfolioPlace.place)
        .join(PortfolioPlace, PortfolioPlace.person_id == Person.id)
        .where(
            PortfolioPlace.portfolio_id == line_id,
            PortfolioPlace.place.in_(LEADERS),
            PortfolioPlace.valid.op("&&")(Range(since, until, bounds="[]")),
        )
        .order_by(PortfolioPlace.place.desc(), PortfolioPlace.id)
    )
    return list(dict.fromkeys(person for person, _place in db.session.execute(query)))


def _line(row: Portfolio, places: Sequence[PortfolioPlace]) -> Line:
    single: dict[str, Any] = {place.place: place.person or place.unit for place in places if place.place != "unit"}
    units = [place.unit for place in places if place.place == "unit" and place.unit is not None]
    return Line(row, **single, units=tuple(sorted(units, key=lambda unit: (unit.sort, unit.id))))


def without_line(at: datetime | None = None) -> Sequence[Unit]:
    """The units in use whose chain follows from a line and that are under none."""
    under = select(PortfolioPlace.unit_id).where(
        PortfolioPlace.place == "unit", PortfolioPlace.valid.contains(at or present.now())
    )
    query = select(Unit).where(Unit.active, Unit.kind.in_(chain.FOUR_LINKS), Unit.id.not_in(under))
    return db.session.scalars(query.order_by(Unit.sort, Unit.id)).all()


def periods_of(line_id: int) -> Sequence[PortfolioPlace]:
    """Who and what stood in a line, stands and will stand in it: place by place, the latest first."""
    query = select(PortfolioPlace).where(PortfolioPlace.portfolio_id == line_id)
    query = query.options(joinedload(PortfolioPlace.person), joinedload(PortfolioPlace.unit))
    latest = func.lower(PortfolioPlace.valid).desc().nulls_last()
    found = db.session.scalars(query.order_by(latest, PortfolioPlace.id.desc()).limit(500)).all()
    return sorted(found, key=lambda row: (*SINGLE, "unit").index(row.place))


def coming(after: datetime | None = None) -> Sequence[PortfolioPlace]:
    """Periods already entered that begin later, the next first."""
    query = select(PortfolioPlace).where(func.lower(PortfolioPlace.valid) > (after or present.now()))
    query = query.options(
        joinedload(PortfolioPlace.portfolio), joinedload(PortfolioPlace.person), joinedload(PortfolioPlace.unit)
    )
    return db.session.scalars(query.order_by(func.lower(PortfolioPlace.valid), PortfolioPlace.id).limit(100)).all()
