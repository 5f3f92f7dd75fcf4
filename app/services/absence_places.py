"""What an absence touches: the posts and chain links somebody stands in, with everything that decides who acts there.

Absences that are only asked for count like confirmed ones here: two requests of A and B cannot both pass (R15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.models import (
    Absence,
    ChainLink,
    DutySeat,
    DutyShift,
    Holding,
    Person,
    Portfolio,
    PortfolioPlace,
    Post,
    StandIn,
    Unit,
    db,
)
from app.rules import absences as rules
from app.rules import roster

EVER = datetime.max.replace(tzinfo=UTC)
_LEADS = {"vice_mayor": "A", "deputy": "B"}
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Spot:
    """One place of somebody: a post, a link of a unit's chain, or the final link of every unit of a portfolio line.

    `key` names it in a form. Stand-ins of a line are kept for each of `unit_ids`.
    """

    key: str
    place: rules.Place
    name: str
    name_en: str
    post_id: int | None = None
    link: str | None = None
    unit_ids: tuple[int, ...] = ()

    def stands(self) -> ColumnElement[bool]:
        """SQL: the stand-ins of this place."""
        if self.post_id is not None:
            return StandIn.post_id == self.post_id
        return and_(StandIn.unit_id.in_(self.unit_ids), StandIn.link == self.link)


@dataclass(frozen=True)
class Facts:
    """The places of a person over a period, who stands there, who is away, and the shifts he sits."""

    spots: tuple[Spot, ...]
    staffing: roster.Staffing
    shifts: tuple[roster.Shift, ...]
    people: Mapping[int, Person]
    offices: Mapping[int, Unit]


def lock(person_id: int, starts_at: datetime, ends_at: datetime) -> None:
    """Take the places of this person one after the other, posts first, each kind by id.

    A and B who ask at the same moment wait for each other here, so the second sees the first's request. The lock
    lets rows refer to the post meanwhile.
    """
    post_ids = _post_ids(person_id, starts_at, ends_at)
    unit_ids = {unit for unit, _link in _links(person_id, starts_at, ends_at)}
    lines = set(_lines(person_id, starts_at, ends_at))
    for model, ids in ((Post, post_ids), (Unit, unit_ids), (Portfolio, lines)):
        for row_id in sorted(ids):
            db.session.execute(select(model.id).where(model.id == row_id).with_for_update(key_share=True))


def load(
    person_id: int, starts_at: datetime, ends_at: datetime, *, without: int | None = None, with_shifts: bool = True
) -> Facts:
    """The places of the person over [starts_at, ends_at); the absence `without` is the one under judgement."""
    spots, holdings = _posts(person_id, starts_at, ends_at)
    for more, held in (_chain(person_id, starts_at, ends_at), _portfolio(person_id, starts_at, ends_at)):
        spots += more
        holdings += held
    stand_ins = _stand_ins(spots, starts_at, ends_at)
    shifts = _shifts(person_id, starts_at, ends_at) if with_shifts else []
    involved = {person_id, *(h.person_id for h in holdings), *(s.person_id for s in stand_ins)}
    involved |= {p for spot in spots for p in spot.place.offered}
    involved |= {p for shift in shifts for p in (*shift.main, *shift.second)}
    people = {p.id: p for p in db.session.scalars(select(Person).where(Person.id.in_(involved)))}
    offered = [_only_active(spot, people) for spot in spots]
    holdings = [h for h in holdings if people[h.person_id].active]
    absences = _absences(involved, starts_at, ends_at, without)
    offices = {u.id: u for u in db.session.scalars(select(Unit).where(Unit.id.in_({s.office_id for s in shifts})))}
    staffing = roster.Staffing(holdings, (), absences, stand_ins)
    return Facts(tuple(offered), staffing, tuple(shifts), people, offices)


def away_in(
    person_ids: Iterable[int], starts_at: datetime, ends_at: datetime, *, without: int | None = None
) -> list[roster.Absence]:
    """Who of these is away, or has asked to be, in a period."""
    return _absences(set(person_ids), starts_at, ends_at, without)


def _only_active(spot: Spot, people: Mapping[int, Person]) -> Spot:
    offered = tuple(p for p in spot.place.offered if people[p].active)
    place = rules.Place(spot.place.facts, offered, spot.place.needs_b)
    return Spot(spot.key, place, spot.name, spot.name_en, spot.post_id, spot.link, spot.unit_ids)


def _within(
    model: type[Absence | ChainLink | DutyShift | Holding | PortfolioPlace | StandIn],
    starts_at: datetime,
    ends_at: datetime,
) -> ColumnElement[bool]:
    found: ColumnElement[bool] = model.valid.op("&&")(func.tstzrange(starts_at, ends_at))
    return found


def _post_ids(person_id: int, starts_at: datetime, ends_at: datetime) -> set[int]:
    held = select(Holding.post_id).where(Holding.person_id == person_id, _within(Holding, starts_at, ends_at))
    stands = select(StandIn.post_id).where(
        StandIn.person_id == person_id,
        StandIn.kind == "both_away",
        StandIn.post_id.is_not(None),
        _within(StandIn, starts_at, ends_at),
    )
    return {post_id for query in (held, stands) for post_id in db.session.scalars(query) if post_id is not None}


def _posts(person_id: int, starts_at: datetime, ends_at: datetime) -> tuple[list[Spot], list[roster.Holding]]:
    wanted = _post_ids(person_id, starts_at, ends_at)
    posts = db.session.scalars(
        select(Post).where(Post.id.in_(wanted), Post.active, ~Post.filled_by_duty).order_by(Post.number)
    ).all()
    spots = [
        Spot(
            f"post-{post.id}",
            rules.Place(
                roster.PostFacts(post.id, post.office_id, False, post.leader_id),
                (post.leader_id,) if post.leader_id is not None else (),
            ),
            post.name,
            post.name_en,
            post_id=post.id,
        )
        for post in posts
    ]
    rows = db.session.scalars(
        select(Holding).where(Holding.post_id.in_([p.id for p in posts]), _within(Holding, starts_at, ends_at))
    )
    holdings = [roster.Holding(h.post_id, h.person_id, h.role, h.valid.lower or LONG_AGO, h.valid.upper) for h in rows]
    return spots, holdings


def _links(person_id: int, starts_at: datetime, ends_at: datetime) -> list[tuple[int, str]]:
    named = select(ChainLink.unit_id, ChainLink.link).where(
        ChainLink.person_id == person_id, _within(ChainLink, starts_at, ends_at)
    )
    stands = select(StandIn.unit_id, StandIn.link).where(
        StandIn.person_id == person_id,
        StandIn.unit_id.is_not(None),
        StandIn.link.in_(("first", "direct")),
        _within(StandIn, starts_at, ends_at),
    )
    found = {(row[0], row[1]) for query in (named, stands) for row in db.session.execute(query)}
    return sorted((unit, link) for unit, link in found if unit is not None and link is not None)


def _chain(person_id: int, starts_at: datetime, ends_at: datetime) -> tuple[list[Spot], list[roster.Holding]]:
    places = _links(person_id, starts_at, ends_at)
    if not places:
        return [], []
    units = {
        unit.id: unit
        for unit in db.session.scalars(select(Unit).where(Unit.id.in_([u for u, _l in places]), Unit.active))
    }
    rows = db.session.scalars(
        select(ChainLink).where(ChainLink.unit_id.in_(units), _within(ChainLink, starts_at, ends_at))
    ).all()
    spots, holdings = [], []
    for number, (unit_id, link) in enumerate(places, 1):
        if unit_id not in units:
            continue
        heads = [r.person_id for r in rows if r.unit_id == unit_id and (r.link, r.role) == ("first", "A")]
        offered = tuple(heads) if link == "direct" else ()
        place = rules.Place(roster.PostFacts(-number, unit_id), offered, needs_b=False)
        unit = units[unit_id]
        spots.append(Spot(f"{link}-{unit_id}", place, unit.name, unit.name_en, link=link, unit_ids=(unit_id,)))
        holdings += [
            roster.Holding(-number, r.person_id, r.role, r.valid.lower or LONG_AGO, r.valid.upper)
            for r in rows
            if (r.unit_id, r.link) == (unit_id, link)
        ]
    return spots, holdings


def _lines(person_id: int, starts_at: datetime, ends_at: datetime) -> list[int]:
    query = select(PortfolioPlace.portfolio_id).where(
        PortfolioPlace.person_id == person_id, _within(PortfolioPlace, starts_at, ends_at)
    )
    return list(db.session.scalars(query.distinct().order_by(PortfolioPlace.portfolio_id)))


def _portfolio(person_id: int, starts_at: datetime, ends_at: datetime) -> tuple[list[Spot], list[roster.Holding]]:
    """The final link of the units of a line: vice mayor A, matching deputy secretary-general B (R15)."""
    line_ids = _lines(person_id, starts_at, ends_at)
    if not line_ids:
        return [], []
    rows = db.session.scalars(
        select(PortfolioPlace)
        .where(PortfolioPlace.portfolio_id.in_(line_ids), _within(PortfolioPlace, starts_at, ends_at))
        .options(joinedload(PortfolioPlace.portfolio))
        .order_by(PortfolioPlace.portfolio_id, PortfolioPlace.unit_id)
    ).all()
    spots, holdings = [], []
    for line_id in line_ids:
        within = [row for row in rows if row.portfolio_id == line_id]
        unit_ids = tuple(
            dict.fromkeys(row.unit_id for row in within if row.place == "unit" and row.unit_id is not None)
        )
        if not unit_ids:
            continue
        line, place_id = within[0].portfolio, -1_000_000 - line_id
        place = rules.Place(roster.PostFacts(place_id, 0), needs_b=False)
        spots.append(Spot(f"line-{line_id}", place, line.name, line.name_en, link="final", unit_ids=unit_ids))
        holdings += [
            roster.Holding(place_id, row.person_id, _LEADS[row.place], row.valid.lower or LONG_AGO, row.valid.upper)
            for row in within
            if row.place in _LEADS and row.person_id is not None
        ]
    return spots, holdings


def _stand_ins(spots: list[Spot], starts_at: datetime, ends_at: datetime) -> list[roster.StandIn]:
    if not spots:
        return []
    rows = db.session.scalars(
        select(StandIn).where(or_(*(spot.stands() for spot in spots)), _within(StandIn, starts_at, ends_at))
    ).all()
    found = []
    for spot in spots:
        # One unit speaks for all of a line: their stand-ins are written together.
        of_spot = [
            row
            for row in rows
            if (
                row.post_id == spot.post_id
                if spot.post_id
                else (row.unit_id, row.link) == (spot.unit_ids[0], spot.link)
            )
        ]
        found += [
            roster.StandIn(
                spot.place.facts.post_id,
                row.person_id,
                row.valid.lower or LONG_AGO,
                row.valid.upper,
                takes_over=row.kind == "take_over",
            )
            for row in of_spot
        ]
    return found


def _absences(involved: set[int], starts_at: datetime, ends_at: datetime, without: int | None) -> list[roster.Absence]:
    query = select(Absence).where(
        Absence.person_id.in_(involved),
        Absence.state.in_(("requested", "confirmed")),
        _within(Absence, starts_at, ends_at),
    )
    return [
        roster.Absence(row.person_id, row.valid.lower or LONG_AGO, row.valid.upper)
        for row in db.session.scalars(query)
        if row.id != without
    ]


def _shifts(person_id: int, starts_at: datetime, ends_at: datetime) -> list[roster.Shift]:
    mine = select(DutySeat.shift_id).where(DutySeat.person_id == person_id)
    query = select(DutyShift).where(DutyShift.id.in_(mine), _within(DutyShift, starts_at, ends_at))
    return [
        roster.Shift(
            row.office_id,
            row.valid.lower or LONG_AGO,
            row.valid.upper,
            tuple(s.person_id for s in row.seats if s.seat == "main"),
            tuple(s.person_id for s in row.seats if s.seat == "second"),
        )
        for row in db.session.scalars(query.order_by(DutyShift.valid).options(selectinload(DutyShift.seats)))
    ]
