"""Who leads a line and who of them is there: the deputy is the vice mayor's B, somebody may stand in for both (R15)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.models import Absence, Person, PortfolioPlace, StandIn, db
from app.services import portfolio, present


@dataclass(frozen=True, slots=True)
class LeaderHere:
    """A leader of a line and until when he is away; `place` is vice_mayor or deputy."""

    person: Person
    place: str
    is_here: bool = True
    away_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """The leaders of a line at a moment, the vice mayor first, and who stands in while none of them is there."""

    line: portfolio.Line
    leaders: tuple[LeaderHere, ...]
    standing_in: tuple[Person, ...] = ()

    @property
    def acting(self) -> LeaderHere | None:
        """Who reads the slips of the line now: the vice mayor, or his B while he is away or the place is vacant."""
        return next((one for one in self.leaders if one.is_here), None)

    @property
    def in_charge(self) -> Person | None:
        """The leader who acts now, else whoever stands in for both."""
        acting = self.acting
        return acting.person if acting is not None else next(iter(self.standing_in), None)

    @property
    def is_replaced(self) -> bool:
        """Whether the deputy acts as B for a vice mayor who is named but away."""
        acting = self.acting
        return acting is not None and acting.place == "deputy" and self.line.vice_mayor is not None


def of_lines(line_ids: Collection[int], at: datetime | None = None) -> dict[int, Presence]:
    """The leaders of these lines as they are there at `at` (now by default), in four statements at most."""
    moment = at or present.now()
    lines = {line.id: line for line in portfolio.lines_at(moment, only=line_ids)} if line_ids else {}
    persons = {leader.id for line in lines.values() for leader in line.leaders}
    away = _away(persons, moment) if persons else {}
    found = {}
    for line_id, line in lines.items():
        named = (("vice_mayor", line.vice_mayor), ("deputy", line.deputy))
        leaders = tuple(
            LeaderHere(person, place, person.id not in away, away.get(person.id))
            for place, person in named
            if person is not None
        )
        found[line_id] = Presence(line, leaders)
    lonely = [line_id for line_id, one in found.items() if one.acting is None]
    instead = _standing_in(lonely, moment) if lonely else {}
    return {line_id: Presence(one.line, one.leaders, instead.get(line_id, ())) for line_id, one in found.items()}


def of_line(line_id: int, at: datetime | None = None) -> Presence | None:
    """The same of one line, or None where there is no such line in use."""
    return of_lines((line_id,), at).get(line_id)


def stands_for(line_id: int, person_id: int, at: datetime) -> int | None:
    """For which absent leader this person writes as his B: the vice mayor's deputy, while the vice mayor is away."""
    found = of_line(line_id, at)
    if found is None:
        return None
    vice_mayor = next((one for one in found.leaders if one.place == "vice_mayor"), None)
    if vice_mayor is None or vice_mayor.is_here or vice_mayor.person.id == person_id:
        return None
    return vice_mayor.person.id


def _away(person_ids: Collection[int], at: datetime) -> dict[int, datetime | None]:
    query = select(Absence.person_id, Absence.valid).where(
        Absence.person_id.in_(person_ids), Absence.state == "confirmed", Absence.valid.contains(at)
    )
    return {person_id: valid.upper for person_id, valid in db.session.execute(query)}


def _standing_in(line_ids: Collection[int], at: datetime) -> dict[int, tuple[Person, ...]]:
    """A stand-in of a line is kept for the final link of each of its units."""
    query = (
        select(PortfolioPlace.portfolio_id, Person)
        .join(StandIn, StandIn.unit_id == PortfolioPlace.unit_id)
        .join(Person, Person.id == StandIn.person_id)
        .where(
            PortfolioPlace.portfolio_id.in_(line_ids),
            PortfolioPlace.place == "unit",
            PortfolioPlace.valid.contains(at),
            StandIn.link == "final",
            StandIn.valid.contains(at),
        )
        .order_by(StandIn.id)
    )
    found: dict[int, tuple[Person, ...]] = {}
    for line_id, person in db.session.execute(query):
        known = found.get(line_id, ())
        found[line_id] = known if person in known else (*known, person)
    return found
