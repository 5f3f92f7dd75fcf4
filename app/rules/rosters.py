"""Planning a duty roster (R17): patterns repeated in local time, holes, conflicts, swaps and moves.

A roster is the shifts of one office; who acts by it decides app/rules/roster.py. Periods are half open and
aware. A time of day that a change of the clocks leaves out is the moment of that change, one that comes twice
is its first, so that shifts that touch in local time touch on every day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from .errors import Invalid

ZONE: tzinfo = ZoneInfo("Asia/Shanghai")
MOST_PATTERN_DAYS = 62
MOST_SHIFTS = 400
LONGEST = timedelta(days=7)
SEATS = ("main", "second")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `starts_at` up to but not including `ends_at`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Duty:
    """A shift: when, who sits in the main seat, who in the second. `id` is None for one that is only planned."""

    office_id: int
    starts_at: datetime
    ends_at: datetime
    main: tuple[int, ...]
    second: tuple[int, ...] = ()
    id: int | None = None
    label: str = ""

    @property
    def persons(self) -> tuple[int, ...]:
        """Everybody who sits in it, the main seat first."""
        return (*self.main, *self.second)

    def seat_of(self, person_id: int) -> str | None:
        """ "main", "second" or None."""
        return "main" if person_id in self.main else "second" if person_id in self.second else None


@dataclass(frozen=True, slots=True)
class Away:
    """A person is away; None has no end."""

    person_id: int
    starts_at: datetime
    ends_at: datetime | None


class Trouble(StrEnum):
    """What can be wrong with a planned shift."""

    EMPTY = "empty"  # it ends before it starts
    TOO_LONG = "too_long"
    NOBODY = "nobody"  # the main seat is empty: a hole is no shift at all
    BOTH_SEATS = "both_seats"
    OVERLAP = "overlap"  # with another shift of the office
    TWO_PLACES = "two_places"  # a person has duty elsewhere at that time
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Problem:
    """One trouble of one planned shift: who, and with what it collides."""

    duty: Duty
    trouble: Trouble
    person_id: int | None = None
    other: Duty | Away | None = None


# --- local time ------------------------------------------------------------------------------------------------


def moment(day: date, at: time, zone: tzinfo = ZONE) -> datetime:
    """The moment, UTC, at which the clocks of `zone` show `at` on `day`."""
    wanted = datetime.combine(day, at)
    found = wanted.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wanted:
        return found
    # The clocks jump over it: the first minute after the jump.
    before = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = found.astimezone(zone).utcoffset()
    first, last = 0, int((found - before) / _MINUTE)
    while first < last:
        middle = (first + last) // 2
        if (before + middle * _MINUTE).astimezone(zone).utcoffset() == after:
            last = middle
        else:
            first = middle + 1
    return before + first * _MINUTE


def on_day(duty: Duty, day: date, zone: tzinfo = ZONE) -> Duty:
    """The same shift, begun on `day`: the same times of day, whatever the clocks do in between."""
    start, end = duty.starts_at.astimezone(zone), duty.ends_at.astimezone(zone)
    later = day + (end.date() - start.date())
    return replace(duty, starts_at=moment(day, _time(start), zone), ends_at=moment(later, _time(end), zone))


def _time(local: datetime) -> time:
    return local.time().replace(fold=0)


# --- patterns --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pattern:
    """The shifts that begin in the `days` days from `first` on, to be repeated."""

    first: date
    days: int
    shifts: tuple[Duty, ...]


def pattern_of(duties: Iterable[Duty], first: date, last: date, zone: tzinfo = ZONE) -> Pattern:
    """The pattern that stands in the calendar from `first` to `last`, both included.

    Raises Invalid "pattern.backwards", "pattern.too-long" or "pattern.empty".
    """
    days = (last - first).days + 1
    if days < 1:
        raise Invalid("pattern.backwards", field="last")
    if days > MOST_PATTERN_DAYS:
        raise Invalid("pattern.too-long", {"most": MOST_PATTERN_DAYS}, field="last")
    shifts = tuple(
        sorted(
            (d for d in duties if first <= d.starts_at.astimezone(zone).date() <= last), key=lambda d: d.starts_at
        )
    )
    if not shifts:
        raise Invalid("pattern.empty", field="first")
    return Pattern(first, days, shifts)


def repeat(pattern: Pattern, start: date, until: date, zone: tzinfo = ZONE) -> tuple[Duty, ...]:
    """The pattern laid end to end from `start` to `until`, both included; day n of it falls on every n-th day.

    Where a long shift of its end would run into its beginning, or the clocks change, the later shift gives
    way: what is repeated never overlaps. Raises Invalid "pattern.until-past" or "pattern.too-many".
    """
    if until < start:
        raise Invalid("pattern.until-past", field="until")
    zero = pattern.first
    by_day: dict[int, list[Duty]] = {}
    for duty in pattern.shifts:
        by_day.setdefault((duty.starts_at.astimezone(zone).date() - zero).days, []).append(duty)
    found: list[Duty] = []
    for number in range((until - start).days + 1):
        day = start + timedelta(days=number)
        for duty in by_day.get((day - zero).days % pattern.days, ()):
            laid = replace(on_day(duty, day, zone), id=None)
            if found and laid.starts_at < found[-1].ends_at:
                laid = replace(laid, starts_at=found[-1].ends_at)
            if laid.starts_at < laid.ends_at:
                found.append(laid)
        if len(found) > MOST_SHIFTS:
            raise Invalid("pattern.too-many", {"most": MOST_SHIFTS}, field="until")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Team:
    """Those who have duty together: the main seat and the second."""

    main: tuple[int, ...]
    second: tuple[int, ...] = ()


def in_turn(
    office_id: int, teams: Sequence[Team], changes: Sequence[time], start: date, until: date, zone: tzinfo = ZONE
) -> tuple[Duty, ...]:
    """Shifts from each time of change to the next, day and night, taken by the teams one after the other.

    Raises Invalid "pattern.no-team", "pattern.no-change", "pattern.until-past" or "pattern.too-many".
    """
    if not teams:
        raise Invalid("pattern.no-team", field="teams")
    times = sorted(set(changes))
    if not times:
        raise Invalid("pattern.no-change", field="changes")
    if until < start:
        raise Invalid("pattern.until-past", field="until")
    days = (until - start).days + 1
    if days * len(times) > MOST_SHIFTS:
        raise Invalid("pattern.too-many", {"most": MOST_SHIFTS}, field="until")
    borders = [moment(start + timedelta(days=day), at, zone) for day in range(days) for at in times]
    borders.append(moment(until + timedelta(days=1), times[0], zone))
    found = []
    for number, (begin, end) in enumerate(pairwise(borders)):
        team = teams[number % len(teams)]
        if begin < end:
            found.append(Duty(office_id, begin, end, team.main, team.second))
    return tuple(found)


# --- holes and conflicts ---------------------------------------------------------------------------------------


def holes(duties: Iterable[Duty], start: datetime, end: datetime) -> tuple[Period, ...]:
    """The stretches of [start, end) in which nobody has duty, in order."""
    found, reached = [], start
    for duty in sorted(duties, key=lambda d: d.starts_at):
        if duty.ends_at <= reached:
            continue
        if duty.starts_at >= end:
            break
        if duty.starts_at > reached:
            found.append(Period(reached, duty.starts_at))
        reached = duty.ends_at
    if reached < end:
        found.append(Period(reached, end))
    return tuple(found)


def problems(
    planned: Sequence[Duty], standing: Iterable[Duty] = (), away: Iterable[Away] = ()
) -> tuple[Problem, ...]:
    """Everything wrong with the planned shifts, among themselves, against those that stand and the absences."""
    others, absences = list(standing), list(away)
    found: list[Problem] = []
    for number, duty in enumerate(planned):
        found += _alone(duty)
        if duty.starts_at < duty.ends_at:
            found += _beside(duty, [*planned[:number], *others])
            found += [
                Problem(duty, Trouble.AWAY, one.person_id, one)
                for one in absences
                if one.person_id in duty.persons
                and one.starts_at < duty.ends_at
                and (one.ends_at is None or duty.starts_at < one.ends_at)
            ]
    return tuple(found)


def _alone(duty: Duty) -> list[Problem]:
    found = []
    if duty.ends_at <= duty.starts_at:
        found.append(Problem(duty, Trouble.EMPTY))
    elif duty.ends_at - duty.starts_at > LONGEST:
        found.append(Problem(duty, Trouble.TOO_LONG))
    if not duty.main:
        found.append(Problem(duty, Trouble.NOBODY))
    twice = [p for number, p in enumerate(duty.persons) if p in duty.persons[:number]]
    return found + [Problem(duty, Trouble.BOTH_SEATS, person) for person in dict.fromkeys(twice)]


def _beside(duty: Duty, others: Iterable[Duty]) -> list[Problem]:
    found = []
    for other in others:
        if not overlap(duty, other):
            continue
        if other.office_id == duty.office_id:
            found.append(Problem(duty, Trouble.OVERLAP, None, other))
        else:
            both = [person for person in duty.persons if person in other.persons]
            found += [Problem(duty, Trouble.TWO_PLACES, person, other) for person in both]
    return found


def overlap(one: Duty | Period, other: Duty | Period) -> bool:
    """Whether they share a moment."""
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


# --- changes of shifts -----------------------------------------------------------------------------------------


def seated(duty: Duty, person_id: int, seat: str) -> Duty:
    """The shift with the person in that seat, and in no other."""
    bare = without(duty, person_id)
    if seat == "main":
        return replace(bare, main=(*bare.main, person_id))
    return replace(bare, second=(*bare.second, person_id))


def without(duty: Duty, person_id: int) -> Duty:
    """The shift without the person."""
    return replace(
        duty,
        main=tuple(p for p in duty.main if p != person_id),
        second=tuple(p for p in duty.second if p != person_id),
    )


def swapped(one: Duty, first: int, other: Duty, second: int) -> tuple[Duty, Duty]:
    """Both shifts after `first` of the one and `second` of the other have changed places, each into the other's seat.

    Raises Invalid "swap.not-there", "swap.same-person" or "swap.already-there".
    """
    if one.seat_of(first) is None or other.seat_of(second) is None:
        raise Invalid("swap.not-there")
    if first == second:
        raise Invalid("swap.same-person")
    if one.id == other.id:
        both = _renamed(one, {first: second, second: first})
        return both, both
    if other.seat_of(first) is not None or one.seat_of(second) is not None:
        raise Invalid("swap.already-there")
    return _renamed(one, {first: second}), _renamed(other, {second: first})


def _renamed(duty: Duty, names: dict[int, int]) -> Duty:
    return replace(
        duty,
        main=tuple(names.get(p, p) for p in duty.main),
        second=tuple(names.get(p, p) for p in duty.second),
    )


def split(duty: Duty, at: datetime, after: Duty) -> tuple[Duty, Duty]:
    """A running shift changed at `at`: what was stays as it was, what comes is as `after` says."""
    return replace(duty, ends_at=at), replace(after, starts_at=at, id=None)


def changes_over(before: Duty | None, after: Duty) -> bool:
    """Whether duty passes to other people between two neighbouring shifts, so that a handover note is due (交接班)."""
    return before is not None and set(before.main) != set(after.main)
