"""Everything of the staffing table that decides who acts over a window, read in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range, aggregate_order_by
from sqlalchemy.orm import aliased

from app.models import Absence, ChainLink, DutySeat, DutyShift, Holding, Person, PortfolioPlace, Post, StandIn, Unit, db
from app.rules import coverage as rules
from app.rules import roster
from app.services import reach

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Named:
    """An office, a unit or a person, by both names."""

    id: int
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class PostRow:
    """What of a post the pages show."""

    id: int
    code: str
    number: int
    name: str
    name_en: str
    filled_by_duty: bool
    leader_id: int | None
    office: Named

    @property
    def facts(self) -> roster.PostFacts:
        """The post as the rules see it."""
        return roster.PostFacts(self.id, self.office.id, self.filled_by_duty, self.leader_id)


@dataclass(frozen=True, slots=True)
class UnitRow:
    """What of a unit the pages show."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str


def posts(only: Collection[int] | None = None) -> list[PostRow]:
    """The posts in use, of these ids where some are given, in their order."""
    office = aliased(Unit)
    query = (
        select(
            Post.id,
            Post.code,
            Post.number,
            Post.name,
            Post.name_en,
            Post.filled_by_duty,
            Post.leader_id,
            office.id,
            office.name,
            office.name_en,
        )
        .join(office, office.id == Post.office_id)
        .where(Post.active)
        .order_by(Post.number)
    )
    if only is not None:
        query = query.where(Post.id.in_(only))
    return [PostRow(*row[:7], Named(*row[7:])) for row in map(tuple, db.session.execute(query))]  # type: ignore[call-arg]


def units() -> list[UnitRow]:
    """The units in use, in their order: each has a chain, the sections of the General Office too (R15)."""
    query = (
        select(Unit.id, Unit.code, Unit.name, Unit.name_en, Unit.kind)
        .where(Unit.active)
        .order_by(Unit.sort, Unit.id)
    )
    rows: list[Any] = [tuple(row) for row in db.session.execute(query)]
    return [UnitRow(*row) for row in rows]


def staffing(wanted: Sequence[PostRow], window: Range[datetime]) -> roster.Staffing:
    """Holdings, shifts, absences and stand-ins of these posts that touch the window."""
    ids = [post.id for post in wanted]
    held = select(Holding.post_id, Holding.person_id, Holding.role, *_ends(Holding)).where(
        Holding.post_id.in_(ids), Holding.valid.overlaps(window)
    )
    standing = select(StandIn.post_id, StandIn.person_id, *_ends(StandIn), StandIn.kind == "take_over").where(
        StandIn.post_id.in_(ids), StandIn.valid.overlaps(window)
    )
    return roster.Staffing(
        [
            roster.Holding(post_id, person_id, role, _start(starts_at), ends_at)
            for post_id, person_id, role, starts_at, ends_at in db.session.execute(held.order_by(Holding.id))
        ],
        _shifts({post.office.id for post in wanted if post.filled_by_duty}, window),
        _absences(window),
        [
            roster.StandIn(post_id, person_id, _start(starts_at), ends_at, takes_over=takes_over)
            for post_id, person_id, starts_at, ends_at, takes_over in db.session.execute(standing.order_by(StandIn.id))
        ],
    )


def _absences(window: Range[datetime]) -> list[roster.Absence]:
    query = select(Absence.person_id, *_ends(Absence)).where(
        Absence.state == "confirmed", Absence.valid.overlaps(window)
    )
    return [roster.Absence(person, _start(begin), end) for person, begin, end in db.session.execute(query)]


def _shifts(offices: set[int], window: Range[datetime]) -> list[roster.Shift]:
    """One statement; a shift without a seat is a hole and is not even read."""
    persons = func.array_agg(aggregate_order_by(DutySeat.person_id, DutySeat.id))
    main, second = (persons.filter(DutySeat.seat == seat).label(seat) for seat in ("main", "second"))
    query = (
        select(DutyShift.office_id, *_ends(DutyShift), main, second)
        .join(DutySeat, DutySeat.shift_id == DutyShift.id)
        .where(DutyShift.office_id.in_(offices), DutyShift.valid.overlaps(window))
        .group_by(DutyShift.id)
        .order_by(func.lower(DutyShift.valid), DutyShift.id)
    )
    return [
        roster.Shift(office_id, _start(begin), end, tuple(first or ()), tuple(other or ()))
        for office_id, begin, end, first, other in db.session.execute(query)
    ]


def link_places(wanted: Sequence[UnitRow], window: Range[datetime]) -> list[rules.Place]:
    """Every link of the chains of these units over the window, in three statements."""
    ids = [unit.id for unit in wanted]
    named: dict[int, list[rules.Named]] = {}
    links = select(ChainLink.unit_id, ChainLink.link, ChainLink.role, ChainLink.person_id, *_ends(ChainLink))
    links = links.where(ChainLink.unit_id.in_(ids), ChainLink.valid.overlaps(window)).order_by(ChainLink.id)
    for unit_id, link, role, person_id, begin, end in db.session.execute(links):
        named.setdefault(unit_id, []).append(rules.Named((link, role), person_id, _start(begin), end))
    for unit_id, leader in _leaders(window):
        named.setdefault(unit_id, []).append(leader)
    standing: dict[int, dict[str, tuple[rules.Row, ...]]] = {}
    stand_ins = select(StandIn.unit_id, StandIn.link, StandIn.person_id, *_ends(StandIn))
    stand_ins = stand_ins.where(StandIn.unit_id.in_(ids), StandIn.valid.overlaps(window)).order_by(StandIn.id)
    for unit_id, link, person_id, begin, end in db.session.execute(stand_ins):
        row = rules.Row(rules.Layer.STANDING_IN, person_id, _start(begin), end)
        own = standing.setdefault(unit_id, {})
        own[link] = (*own.get(link, ()), row)
    return [
        place
        for unit in wanted
        for place in rules.links(unit.id, unit.kind, named.get(unit.id, ()), standing.get(unit.id))
    ]


def _leaders(window: Range[datetime]) -> Iterator[tuple[int, rules.Named]]:
    """Who leads the line each unit is under, over the time in which both stand in it (R8)."""
    own, leader = aliased(PortfolioPlace), aliased(PortfolioPlace)
    both = own.valid.op("*")(leader.valid)
    query = (
        select(own.unit_id, leader.place, leader.person_id, func.lower(both), func.upper(both))
        .join(leader, leader.portfolio_id == own.portfolio_id)
        .where(
            own.place == "unit",
            leader.place.in_(("vice_mayor", "deputy")),
            own.valid.overlaps(leader.valid),
            own.valid.overlaps(window),
            leader.valid.overlaps(window),
        )
        .order_by(leader.id)
    )
    for unit_id, place, person_id, begin, end in db.session.execute(query):
        yield unit_id, rules.Named((place, ""), person_id, _start(begin), end)


def people(person_ids: Collection[int]) -> tuple[dict[int, Named], rules.Reach]:
    """The names of these persons, and whom of them nobody can reach, in two statements."""
    query = select(Person.id, Person.name, Person.name_en, Person.active).where(Person.id.in_(person_ids))
    rows = db.session.execute(query).all()
    unused = frozenset(row.id for row in rows if not row.active)
    known = {row.id: Named(row.id, row.name, row.name_en) for row in rows}
    return known, rules.Reach(reach.unreachable(person_ids), unused)


def _ends(model: Any) -> tuple[Any, Any]:
    return func.lower(model.valid), func.upper(model.valid)


def _start(begin: datetime | None) -> datetime:
    return begin if begin is not None else _EVER
