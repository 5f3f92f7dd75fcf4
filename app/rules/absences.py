"""Absences: what a period must look like, who acts meanwhile, who must stand in, when a roster holds somebody (R15).

A post or a chain link is a place; places are computed by app/rules/coverage.py alike, a link under an id of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from . import roster
from .coverage import Stretch, cover_posts
from .errors import Conflict, FieldErrors, FieldProblem, Refused

KINDS: tuple[str, ...] = ("leave", "trip", "sick", "training", "other")
NOTICE = timedelta(days=1)
LONGEST = timedelta(days=366)


def checked_period(
    starts_at: datetime | None, ends_at: datetime | None, now: datetime, zone: tzinfo, *, may_be_past: bool = False
) -> tuple[datetime, datetime]:
    """The period as it is kept: what begins earlier today begins now, for nobody was away who could still act.

    Raises FieldErrors: "field.required", "period.ends-before-start", "absence.too-long"; unless `may_be_past`
    "absence.in-past" for a beginning before today or an end that has passed.
    """
    problems = [
        FieldProblem(name, "field.required")
        for name, value in (("starts_at", starts_at), ("ends_at", ends_at))
        if value is None
    ]
    if starts_at is None or ends_at is None:
        raise FieldErrors(problems)
    if ends_at <= starts_at:
        problems.append(FieldProblem("ends_at", "period.ends-before-start"))
    elif ends_at - starts_at > LONGEST:
        problems.append(FieldProblem("ends_at", "absence.too-long", {"days": LONGEST.days}))
    elif not may_be_past and starts_at.astimezone(zone).date() < now.astimezone(zone).date():
        problems.append(FieldProblem("starts_at", "absence.in-past"))
    elif not may_be_past and ends_at <= now:
        problems.append(FieldProblem("ends_at", "absence.in-past"))
    if problems:
        raise FieldErrors(problems)
    return (starts_at if may_be_past else max(starts_at, now)), ends_at


def is_late_notice(starts_at: datetime, now: datetime) -> bool:
    """Told less than a day before it begins: marked, never refused."""
    return starts_at - now < NOTICE


@dataclass(frozen=True, slots=True)
class Place:
    """A post or a chain link in which somebody stands.

    `offered` may stand in for A and B in this order: the responsible leader and the head of the office, or the head
    of the unit. `needs_b`: a vacant B counts as much as an absent one (posts); a link's vacancy is shown elsewhere.
    """

    facts: roster.PostFacts
    offered: tuple[int, ...] = ()
    needs_b: bool = True


@dataclass(frozen=True, slots=True)
class Need:
    """A stretch in which nobody would act because of an absence, and who may be recorded as standing in.

    With nobody in `offered` a third person must be named. `holders` stand there as A or B in that time.
    """

    place_id: int
    starts_at: datetime
    ends_at: datetime
    gap: roster.Gap
    offered: tuple[int, ...]
    holders: tuple[int, ...]


def acting_meanwhile(place: Place, absence: roster.Absence, staffing: roster.Staffing) -> tuple[Stretch, ...]:
    """Who acts in a place while the person is away, stretch by stretch."""
    return _stretches(place, absence, _with(absence, staffing))


def needs(place: Place, absence: roster.Absence, staffing: roster.Staffing) -> tuple[Need, ...]:
    """The stretches that the absence leaves without anybody: only those in which the person stands there himself."""
    known = _with(absence, staffing)
    found = []
    for stretch in _stretches(place, absence, known):
        gap = stretch.acting.gap
        if gap is None or (gap is roster.Gap.NO_B and not place.needs_b):
            continue
        holders = _holders(place, stretch, known)
        if absence.person_id not in holders and not _stands_in(place, stretch, absence.person_id, staffing):
            continue
        free = tuple(p for p in place.offered if p not in holders and not _away(p, stretch, known))
        found.append(Need(place.facts.post_id, stretch.starts_at, stretch.ends_at, gap, free, holders))
    return tuple(found)


def check_stand_in(
    need: Need, person_id: int, staffing: roster.Staffing, absence: roster.Absence, unfit: Collection[int] = ()
) -> None:
    """Whether this person may be recorded as standing in; `unfit` are not active, or officers.

    Raises Refused: "stand-in.holder" (A or B himself), "stand-in.away", "stand-in.unfit", and "stand-in.not-offered"
    while one of those offered could do it.
    """
    stretch = Stretch(need.starts_at, need.ends_at, roster.Acting())
    if person_id in need.holders or person_id == absence.person_id:
        raise Refused("stand-in.holder", field="stand_in")
    if person_id in unfit:
        raise Refused("stand-in.unfit", field="stand_in")
    if _away(person_id, stretch, _with(absence, staffing)):
        raise Refused("stand-in.away", field="stand_in")
    if need.offered and person_id not in need.offered:
        raise Refused("stand-in.not-offered", field="stand_in")


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat of a shift that an absence would leave empty."""

    shift: roster.Shift
    seat: str


def emptied_seats(
    absence: roster.Absence, shifts: Iterable[roster.Shift], staffing: roster.Staffing
) -> tuple[Seat, ...]:
    """The seats (R17) in which the person sits and nobody else is present all the time he is away."""
    known = _with(absence, staffing)
    found = []
    for shift in shifts:
        for seat, persons in (("main", shift.main), ("second", shift.second)):
            if absence.person_id not in persons:
                continue
            starts = max(shift.starts_at, absence.starts_at)
            ends = min(shift.ends_at or _end(absence), _end(absence))
            if starts >= ends:
                continue
            stretch = Stretch(starts, ends, roster.Acting())
            others = [p for p in persons if p != absence.person_id]
            if not any(not _away(p, stretch, known) for p in others):
                found.append(Seat(shift, seat))
    return tuple(found)


def check_cancel(state: str, starts_at: datetime, now: datetime) -> None:
    """Whether an absence may be taken back. Raises Conflict("absence.over") once it is decided against or begun."""
    if state not in ("requested", "confirmed") or (state == "confirmed" and starts_at <= now):
        raise Conflict("absence.over")


def check_decide(state: str) -> None:
    """Whether it waits for a decision. Raises Conflict("absence.decided")."""
    if state != "requested":
        raise Conflict("absence.decided")


def check_return(state: str, starts_at: datetime, ends_at: datetime | None, now: datetime) -> None:
    """Whether somebody is away, so that he can come back early. Raises Conflict("absence.not-away")."""
    if state != "confirmed" or starts_at >= now or (ends_at is not None and ends_at <= now):
        raise Conflict("absence.not-away")


def _stretches(place: Place, absence: roster.Absence, staffing: roster.Staffing) -> tuple[Stretch, ...]:
    (covered,) = cover_posts([place.facts], absence.starts_at, _end(absence), staffing)
    return covered.stretches


def _with(absence: roster.Absence, staffing: roster.Staffing) -> roster.Staffing:
    return replace(staffing, absences=(*staffing.absences, absence))


def _end(absence: roster.Absence) -> datetime:
    if absence.ends_at is None:
        raise ValueError("an absence under check has an end")
    return absence.ends_at


def _holders(place: Place, stretch: Stretch, staffing: roster.Staffing) -> tuple[int, ...]:
    rows = [
        h
        for h in staffing.holdings
        if h.post_id == place.facts.post_id and _meets(h, stretch.starts_at, stretch.ends_at)
    ]
    return tuple(dict.fromkeys(h.person_id for h in sorted(rows, key=lambda h: h.role)))


def _stands_in(place: Place, stretch: Stretch, person_id: int, staffing: roster.Staffing) -> bool:
    return any(
        s.post_id == place.facts.post_id and s.person_id == person_id and _meets(s, stretch.starts_at, stretch.ends_at)
        for s in staffing.stand_ins
        if not s.takes_over
    )


def _away(person_id: int, stretch: Stretch, staffing: roster.Staffing) -> bool:
    return any(a.person_id == person_id and _meets(a, stretch.starts_at, stretch.ends_at) for a in staffing.absences)


def _meets(period: roster.Holding | roster.Absence | roster.StandIn, starts_at: datetime, ends_at: datetime) -> bool:
    return period.starts_at < ends_at and (period.ends_at is None or starts_at < period.ends_at)
