"""Planning a duty roster: repetition in local time, holes, conflicts, swaps (R17)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import rosters
from app.rules.errors import Invalid
from app.rules.rosters import Away, Duty, Pattern, Period, Team, Trouble

OFFICE, OTHER = 70, 71
BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = [SHANGHAI, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=SHANGHAI)


def duty(start: datetime, end: datetime, *main: int, second: tuple[int, ...] = (), office: int = OFFICE) -> Duty:
    return Duty(office, start, end, main or (1,), second)


DAY = duty(at(1, 8), at(1, 20), 1, second=(2,))
NIGHT = duty(at(1, 20), at(2, 8), 3)


# --- local time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (date(2026, 12, 1), time(8), "2026-12-01T07:00:00+00:00"),
        (date(2026, 3, 29), time(2, 30), "2026-03-29T01:00:00+00:00"),  # left out: the moment of the jump
        (date(2026, 3, 29), time(3), "2026-03-29T01:00:00+00:00"),
        (date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00+00:00"),  # twice: the first
    ],
)
def test_a_time_of_day_is_one_moment(day: date, clock: time, expected: str) -> None:
    assert rosters.moment(day, clock, BERLIN).isoformat() == expected


def test_a_shift_keeps_its_times_of_day_when_the_clocks_change() -> None:
    night = Duty(OFFICE, rosters.moment(date(2026, 3, 27), time(20), BERLIN),
                 rosters.moment(date(2026, 3, 28), time(8), BERLIN), (1,))  # fmt: skip
    short = rosters.on_day(night, date(2026, 3, 28), BERLIN)
    assert short.ends_at - short.starts_at == timedelta(hours=11)
    assert short.ends_at.astimezone(BERLIN).time() == time(8)


# --- patterns --------------------------------------------------------------------------------------------------


def test_a_day_and_night_are_repeated_until_a_date() -> None:
    pattern = rosters.pattern_of([NIGHT, DAY, duty(at(3, 8), at(3, 9))], date(2026, 12, 1), date(2026, 12, 1))
    found = rosters.repeat(pattern, date(2026, 12, 2), date(2026, 12, 4))
    assert [(d.starts_at, d.main) for d in found] == [
        (at(day, hour), (who,)) for day in (2, 3, 4) for hour, who in ((8, 1), (20, 3))
    ]
    assert found[0].second == (2,)


def test_a_week_keeps_its_weekdays_wherever_the_repetition_begins() -> None:
    tuesday = duty(at(1, 8), at(1, 20))
    pattern = rosters.pattern_of([tuesday], date(2026, 11, 30), date(2026, 12, 6))
    found = rosters.repeat(pattern, date(2026, 12, 10), date(2026, 12, 31))
    assert [d.starts_at.day for d in found] == [15, 22, 29]


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (date(2026, 12, 2), date(2026, 12, 1), "pattern.backwards"),
        (date(2026, 12, 1), date(2027, 6, 1), "pattern.too-long"),
        (date(2026, 12, 5), date(2026, 12, 6), "pattern.empty"),
    ],
)
def test_a_pattern_has_days_and_shifts(first: date, last: date, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        rosters.pattern_of([DAY], first, last)
    assert caught.value.code == code


def test_what_is_repeated_ends_and_is_not_endless() -> None:
    pattern = Pattern(date(2026, 12, 1), 1, (DAY,))
    for until, code in ((date(2026, 12, 1), "pattern.until-past"), (date(2029, 1, 1), "pattern.too-many")):
        with pytest.raises(Invalid) as caught:
            rosters.repeat(pattern, date(2026, 12, 2), until)
        assert caught.value.code == code


minutes = st.integers(0, 3 * 1440)


@st.composite
def patterns(draw: st.DrawFn) -> tuple[Pattern, ZoneInfo]:
    """Shifts that do not overlap in a calendar of one to nine days, in some zone, around changes of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    first = draw(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
    days = draw(st.integers(1, 9))
    marks = sorted(draw(st.lists(st.integers(0, days * 1440 + 720), min_size=2, max_size=10, unique=True)))
    shifts = []
    for number, (begin, end) in enumerate(zip(marks[::2], marks[1::2], strict=False)):
        if begin >= days * 1440:
            continue
        places = [
            rosters.moment(first + timedelta(minutes=m // 1440 * 1440), time(m % 1440 // 60, m % 60), zone)
            for m in (begin, end)
        ]
        if places[0] < places[1]:
            shifts.append(Duty(OFFICE, places[0], places[1], (number + 1,)))
    return Pattern(first, days, tuple(shifts)), zone


@given(patterns(), st.integers(1, 40), st.integers(0, 30))
def test_what_is_repeated_never_overlaps_and_is_never_empty(
    drawn: tuple[Pattern, ZoneInfo], later: int, length: int
) -> None:
    pattern, zone = drawn
    start = pattern.first + timedelta(days=later)
    found = rosters.repeat(pattern, start, start + timedelta(days=length), zone)
    assert all(d.starts_at < d.ends_at for d in found)
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(found))


@given(
    st.sampled_from(ZONES),
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    st.integers(0, 40),
    st.lists(st.times().map(lambda t: t.replace(second=0, microsecond=0)), min_size=1, max_size=4),
    st.integers(1, 5),
)
def test_teams_in_turn_leave_no_hole(
    zone: ZoneInfo, start: date, length: int, changes: list[time], count: int
) -> None:
    teams = [Team((number,)) for number in range(count)]
    until = start + timedelta(days=length)
    found = rosters.in_turn(OFFICE, teams, changes, start, until, zone)
    begin = rosters.moment(start, min(changes), zone)
    end = rosters.moment(until + timedelta(days=1), min(changes), zone)
    assert rosters.holes(found, begin, end) == ()
    assert sum((d.ends_at - d.starts_at for d in found), timedelta()) == end - begin


@pytest.mark.parametrize(
    ("teams", "changes", "until", "code"),
    [
        ([], [time(8)], date(2026, 12, 2), "pattern.no-team"),
        ([Team((1,))], [], date(2026, 12, 2), "pattern.no-change"),
        ([Team((1,))], [time(8)], date(2026, 11, 2), "pattern.until-past"),
        ([Team((1,))], [time(8)], date(2029, 1, 2), "pattern.too-many"),
    ],
)
def test_turns_need_teams_and_changes(teams: list[Team], changes: list[time], until: date, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        rosters.in_turn(OFFICE, teams, changes, date(2026, 12, 1), until)
    assert caught.value.code == code


# --- holes and conflicts ---------------------------------------------------------------------------------------


def test_a_hole_stands_where_nobody_has_duty() -> None:
    assert rosters.holes([NIGHT, DAY], at(1, 0), at(3, 0)) == (Period(at(1, 0), at(1, 8)), Period(at(2, 8), at(3, 0)))
    assert rosters.holes([], at(1, 0), at(2, 0)) == (Period(at(1, 0), at(2, 0)),)


spans = st.tuples(minutes, st.integers(1, 2000))


@given(st.lists(spans, max_size=8), minutes, st.integers(1, 3000))
def test_holes_and_shifts_tile_the_window(drawn: list[tuple[int, int]], start: int, length: int) -> None:
    zero = datetime(2026, 12, 1, tzinfo=UTC)

    def span(begin: int, long: int) -> Duty:
        return duty(zero + timedelta(minutes=begin), zero + timedelta(minutes=begin + long))

    duties = [span(*one) for one in drawn]
    holes = rosters.holes(duties, zero + timedelta(minutes=start), zero + timedelta(minutes=start + length))
    for minute in range(start, start + length, 7):
        moment = zero + timedelta(minutes=minute)
        manned = any(d.starts_at <= moment < d.ends_at for d in duties)
        open_ = [h for h in holes if h.starts_at <= moment < h.ends_at]
        assert len(open_) == (0 if manned else 1)


@pytest.mark.parametrize(
    ("planned", "trouble", "who"),
    [
        (duty(at(2, 8), at(2, 8)), Trouble.EMPTY, None),
        (duty(at(2, 8), at(20, 8)), Trouble.TOO_LONG, None),
        (replace(NIGHT, starts_at=at(2, 20), ends_at=at(3, 8), main=()), Trouble.NOBODY, None),
        (duty(at(2, 8), at(2, 9), 1, second=(1,)), Trouble.BOTH_SEATS, 1),
        (duty(at(1, 19), at(1, 21), 9), Trouble.OVERLAP, None),
        (duty(at(5, 7), at(5, 9), 5), Trouble.TWO_PLACES, 5),
        (duty(at(6, 7), at(6, 9), 6), Trouble.AWAY, 6),
        (duty(at(9, 7), at(9, 9), 7), Trouble.AWAY, 7),
    ],
)
def test_every_conflict_is_named(planned: Duty, trouble: Trouble, who: int | None) -> None:
    standing = [DAY, duty(at(5, 8), at(5, 20), 5, office=OTHER)]
    away = [Away(6, at(6, 8), at(7, 0)), Away(7, at(8, 0), None)]
    found = rosters.problems([planned], standing, away)
    assert [(p.trouble, p.person_id) for p in found] == [(trouble, who)]


def test_planned_shifts_collide_with_each_other_too_and_neighbours_do_not() -> None:
    assert rosters.problems([DAY, NIGHT], [duty(at(2, 8), at(2, 20))]) == ()
    assert [p.trouble for p in rosters.problems([DAY, replace(DAY, main=(8,))])] == [Trouble.OVERLAP]


# --- changes of shifts -----------------------------------------------------------------------------------------


persons = st.lists(st.integers(1, 9), min_size=2, max_size=4, unique=True)


@given(persons, persons, st.data())
def test_a_swap_keeps_everybodys_number_of_duties(one: list[int], other: list[int], data: st.DataObject) -> None:
    a = replace(DAY, id=1, main=(one[0],), second=tuple(one[1:]))
    b = replace(NIGHT, id=2, main=tuple(other[:-1]), second=(other[-1],))
    first, second = data.draw(st.sampled_from(a.persons)), data.draw(st.sampled_from(b.persons))
    if first == second or first in b.persons or second in a.persons:
        with pytest.raises(Invalid, match=r"swap\.(same-person|already-there)"):
            rosters.swapped(a, first, b, second)
        return
    after = rosters.swapped(a, first, b, second)
    assert Counter(p for d in after for p in d.persons) == Counter((*a.persons, *b.persons))
    assert after[0].seat_of(second) == a.seat_of(first)
    assert after[1].seat_of(first) == b.seat_of(second)
    assert [(len(d.main), len(d.second)) for d in after] == [(len(d.main), len(d.second)) for d in (a, b)]


def test_a_swap_within_a_shift_exchanges_the_seats() -> None:
    shift = replace(DAY, id=1)
    assert rosters.swapped(shift, 1, shift, 2)[0] == replace(shift, main=(2,), second=(1,))
    with pytest.raises(Invalid, match=r"swap\.not-there"):
        rosters.swapped(shift, 9, shift, 2)


def test_a_person_sits_in_one_seat() -> None:
    assert rosters.seated(DAY, 2, "main") == replace(DAY, main=(1, 2), second=())
    assert rosters.without(DAY, 1).main == ()


def test_a_running_shift_keeps_what_was() -> None:
    was, comes = rosters.split(replace(DAY, id=5), at(1, 14), replace(DAY, main=(8,)))
    assert (was.id, was.starts_at, was.ends_at, was.main) == (5, at(1, 8), at(1, 14), (1,))
    assert (comes.id, comes.starts_at, comes.ends_at, comes.main) == (None, at(1, 14), at(1, 20), (8,))


def test_a_note_is_due_where_other_people_take_over() -> None:
    assert rosters.changes_over(DAY, NIGHT)
    assert not rosters.changes_over(DAY, replace(NIGHT, main=(1,)))
    assert not rosters.changes_over(None, NIGHT)
