"""Who acts now: A-role, B-role and the person on duty (R15, R17).

All periods are half open: from `starts_at` up to but not including `ends_at`; None has no end.
Moments are aware.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Holding:
    """A person holds a post as A or B for a period (任职)."""

    post_id: int
    person_id: int
    role: str
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """A person is away for a period."""

    person_id: int
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift of an office's duty roster: the persons in the main seat and in the second (R17)."""

    office_id: int
    starts_at: datetime
    ends_at: datetime | None
    main: tuple[int, ...]
    second: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PostFacts:
    """What of a post decides who acts. `on_duty_filled`: 当值人员 fills A and B."""

    post_id: int
    office_id: int
    on_duty_filled: bool = False
    leader_id: int | None = None


@dataclass(frozen=True, slots=True)
class StandIn:
    """Somebody acts for a post out of turn for a period.

    With `takes_over` B acts although A is there; without, somebody stands in while both are away (R15).
    """

    post_id: int
    person_id: int
    starts_at: datetime
    ends_at: datetime | None = None
    takes_over: bool = False


@dataclass(frozen=True, slots=True)
class Staffing:
    """Everything the roster knows around a moment."""

    holdings: Sequence[Holding] = ()
    shifts: Sequence[Shift] = ()
    absences: Sequence[Absence] = ()
    stand_ins: Sequence[StandIn] = ()


class Rule(StrEnum):
    """Why somebody acts."""

    A_ACTS = "a_acts"
    B_FOR_ABSENT_A = "b_for_absent_a"
    B_FOR_VACANT_A = "b_for_vacant_a"
    MAIN_SEAT = "main_seat"
    SECOND_FOR_MAIN = "second_for_main"
    B_TOOK_OVER = "b_took_over"
    STANDS_IN = "stands_in"  # neither A nor B is there


class Gap(StrEnum):
    """Why nobody acts."""

    NO_HOLDER = "no_holder"  # neither role is held
    NO_B = "no_b"  # A is away and B is vacant
    BOTH_AWAY = "both_away"  # whoever holds the post is away
    ROSTER_HOLE = "roster_hole"  # no shift, or nobody in its seats is present


@dataclass(frozen=True, slots=True)
class ActingPerson:
    """One person who acts, in which role, by which rule."""

    person_id: int
    role: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts for a post at a moment: persons, or the cause of the gap; never both, never neither."""

    persons: tuple[ActingPerson, ...] = ()
    gap: Gap | None = None

    @property
    def person_ids(self) -> tuple[int, ...]:
        """Their ids, in order."""
        return tuple(p.person_id for p in self.persons)

    def role_of(self, person_id: int) -> str | None:
        """The role in which this person acts, or None when he does not."""
        return next((p.role for p in self.persons if p.person_id == person_id), None)


def acting(post: PostFacts, at: datetime, staffing: Staffing) -> Acting:
    """Who acts for `post` at `at` (R15, R17)."""
    a, b = _seated(post, at, staffing)
    return decide(
        Seats(
            a,
            b,
            took_over=_standing_in(post, at, staffing, takes_over=True),
            standing_in=_standing_in(post, at, staffing, takes_over=False),
            on_duty_filled=post.on_duty_filled,
        ),
        lambda person_id: _is_away(person_id, at, staffing),
    )


@dataclass(frozen=True, slots=True)
class Seats:
    """Who stands where at one moment, present or not: of a post, or of a link of a chain."""

    a: tuple[int, ...] = ()
    b: tuple[int, ...] = ()
    took_over: tuple[int, ...] = ()
    standing_in: tuple[int, ...] = ()
    on_duty_filled: bool = False


def decide(seats: Seats, is_away: Callable[[int], bool]) -> Acting:
    """Who acts of those who stand there (R15, R17): the one rule for posts and for links of chains.

    B who took over; else A while present, else B, else who stands in for both (role "S"), else a gap with its cause.
    """

    def present(persons: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(person for person in persons if not is_away(person))

    if taken := present(seats.took_over):
        return _acts(taken, "B", Rule.B_TOOK_OVER)
    if a_here := present(seats.a):
        return _acts(a_here, "A", Rule.MAIN_SEAT if seats.on_duty_filled else Rule.A_ACTS)
    if b_here := present(seats.b):
        if seats.on_duty_filled:
            return _acts(b_here, "B", Rule.SECOND_FOR_MAIN)
        return _acts(b_here, "B", Rule.B_FOR_ABSENT_A if seats.a else Rule.B_FOR_VACANT_A)
    if standing := present(seats.standing_in):
        return _acts(standing, "S", Rule.STANDS_IN)
    return Acting(gap=_gap(seats))


def _gap(seats: Seats) -> Gap:
    if seats.on_duty_filled:
        return Gap.ROSTER_HOLE
    if not seats.a and not seats.b:
        return Gap.NO_HOLDER
    return Gap.BOTH_AWAY if seats.b else Gap.NO_B


@dataclass(frozen=True, slots=True)
class Standby:
    """A post a person holds without acting for it. Reasons: "away", "a_present", "b_took_over"."""

    post_id: int
    role: str
    reason: str


def posts_of(
    person_id: int, at: datetime, posts: Iterable[PostFacts], staffing: Staffing
) -> tuple[tuple[PostFacts, ActingPerson], ...]:
    """The posts the person acts for at `at`, in the order given."""
    return tuple(
        (post, person)
        for post in posts
        for person in acting(post, at, staffing).persons
        if person.person_id == person_id
    )


def standby(
    person_id: int, at: datetime, posts: Iterable[PostFacts], staffing: Staffing
) -> tuple[Standby, ...]:
    """The posts the person holds, or sits for, at `at` without acting, and why."""
    found = []
    for post in posts:
        now = acting(post, at, staffing)
        if now.role_of(person_id) is not None:
            continue
        taken = any(person.rule is Rule.B_TOOK_OVER for person in now.persons)
        for role, persons in zip("AB", _seated(post, at, staffing), strict=True):
            if person_id in persons:
                away = _is_away(person_id, at, staffing)
                found.append(Standby(post.post_id, role, "away" if away else "b_took_over" if taken else "a_present"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a reminder ladder, "acting", "other", "leader" or "director", and who stands there."""

    name: str
    person_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Whom to remind, upwards.

    `missing` names the rungs skipped and why: a Gap, "vacant", "away" or "same_person".
    """

    rungs: tuple[Rung, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()

    def rung(self, name: str) -> Rung | None:
        """The rung of that name, or None when it is missing."""
        return next((rung for rung in self.rungs if rung.name == name), None)


def ladder(post: PostFacts, at: datetime, staffing: Staffing, director: PostFacts | None = None) -> Ladder:
    """The ladder of a post's clocks: acting holder → other role → responsible leader → duty director.

    `director` is the post of the duty director. Each person stands on one rung only, the lowest.
    """
    now = acting(post, at, staffing)
    a, b = _seated(post, at, staffing)
    other = b if any(p.role == "A" for p in now.persons) else a
    builder = _Ladder(at, staffing)
    builder.add("acting", now.person_ids, cause=now.gap.value if now.gap else None)
    builder.add("other", other)
    builder.add("leader", (post.leader_id,) if post.leader_id is not None else ())
    top = acting(director, at, staffing) if director is not None else Acting()
    builder.add("director", top.person_ids, cause=top.gap.value if top.gap else None)
    return Ladder(tuple(builder.rungs), tuple(builder.missing))


@dataclass
class _Ladder:
    at: datetime
    staffing: Staffing
    rungs: list[Rung] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, persons: tuple[int, ...], cause: str | None = None) -> None:
        here = _present(persons, self.at, self.staffing)
        seen = {p for rung in self.rungs for p in rung.person_ids}
        fresh = tuple(p for p in here if p not in seen)
        if fresh:
            self.rungs.append(Rung(name, fresh))
        else:
            self.missing.append((name, cause or ("same_person" if here else "away" if persons else "vacant")))


def _seated(post: PostFacts, at: datetime, staffing: Staffing) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Who holds A and who B at the moment, present or not; of a duty-filled post the two seats."""
    if post.on_duty_filled:
        shifts = [s for s in staffing.shifts if s.office_id == post.office_id and _covers(s, at)]
        return _once(p for s in shifts for p in s.main), _once(p for s in shifts for p in s.second)
    held = [h for h in staffing.holdings if h.post_id == post.post_id and _covers(h, at)]
    return _once(h.person_id for h in held if h.role == "A"), _once(
        h.person_id for h in held if h.role == "B"
    )


def _standing_in(post: PostFacts, at: datetime, staffing: Staffing, *, takes_over: bool) -> tuple[int, ...]:
    rows = [s for s in staffing.stand_ins if s.post_id == post.post_id and s.takes_over == takes_over]
    return _once(s.person_id for s in rows if _covers(s, at))


def _covers(period: Holding | Absence | Shift | StandIn, at: datetime) -> bool:
    return period.starts_at <= at and (period.ends_at is None or at < period.ends_at)


def _is_away(person_id: int, at: datetime, staffing: Staffing) -> bool:
    return any(a.person_id == person_id and _covers(a, at) for a in staffing.absences)


def _present(persons: Iterable[int], at: datetime, staffing: Staffing) -> tuple[int, ...]:
    return tuple(p for p in persons if not _is_away(p, at, staffing))


def _once(persons: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(persons))


def _acts(persons: tuple[int, ...], role: str, rule: Rule) -> Acting:
    return Acting(tuple(ActingPerson(person, role, rule) for person in persons))
