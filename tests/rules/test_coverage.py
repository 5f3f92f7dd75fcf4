"""Coverage: each minute has exactly one acting set or is listed as a gap, and agrees with who acts then."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.coverage import Cause, Covered, Layer, Link, Place, Reach, Row, Stretch, Thin, cover, cover_posts
from app.rules.roster import (
    Absence,
    Acting,
    ActingPerson,
    Gap,
    Holding,
    PostFacts,
    Rule,
    Shift,
    Staffing,
    StandIn,
    acting,
)
from benchmarks.coverage import START, staffing

T0 = datetime(2026, 11, 1, tzinfo=UTC)
A, B, THIRD = 1, 2, 3
POST, DUTY, OTHER = PostFacts(7, 70), PostFacts(1, 70, on_duty_filled=True), PostFacts(2, 70, on_duty_filled=True)


def day(n: float) -> datetime:
    return T0 + timedelta(days=n)


HELD = Staffing([Holding(7, A, "A", day(-9)), Holding(7, B, "B", day(-9))])


def covered(staffing: Staffing, post: PostFacts = POST, reach: Reach | None = None, end: float = 9) -> Covered:
    (found,) = cover_posts([post], day(0), day(end), staffing, reach)
    return found


def spans(stretches: Sequence[Stretch]) -> list[tuple[float, float, Cause | None]]:
    return [((s.starts_at - T0) / timedelta(days=1), (s.ends_at - T0) / timedelta(days=1), s.cause) for s in stretches]


def test_one_holder_over_the_whole_window_is_one_stretch() -> None:
    only = Acting((ActingPerson(A, "A", Rule.A_ACTS),))
    assert covered(HELD) == Covered(7, (Stretch(day(0), day(9), only),))


def test_an_empty_window_has_nothing() -> None:
    assert covered(HELD, end=0).stretches == ()


@pytest.mark.parametrize(
    ("staffing", "gaps"),
    [
        (Staffing(), [(0, 9, Cause.NO_HOLDER)]),
        (Staffing(HELD.holdings[:1], (), [Absence(A, day(1), day(3))]), [(1, 3, Cause.NO_B)]),
        (
            replace(HELD, absences=[Absence(A, day(1), day(4)), Absence(B, day(2), day(3))]),
            [(2, 3, Cause.BOTH_AWAY)],
        ),
        (Staffing([Holding(7, A, "A", day(-9), day(5))]), [(5, 9, Cause.HOLDING_ENDS)]),
        # Before the window it was already so: it is no longer about to end.
        (Staffing([Holding(7, A, "A", day(-9), day(0))]), [(0, 9, Cause.NO_HOLDER)]),
        (Staffing([Holding(7, A, "A", day(-9), day(5)), Holding(7, B, "A", day(5))]), []),
        (
            Staffing([Holding(7, A, "A", day(-9), day(5)), Holding(7, B, "A", day(7))]),
            [(5, 7, Cause.HOLDING_ENDS)],
        ),
        # B leaves and nobody follows; it shows when A is away.
        (
            Staffing(
                [Holding(7, A, "A", day(-9)), Holding(7, B, "B", day(-9), day(4))], (), [Absence(A, day(3), day(6))]
            ),
            [(4, 6, Cause.HOLDING_ENDS)],
        ),
    ],
)
def test_r15_each_gap_has_its_cause(staffing: Staffing, gaps: list[tuple[float, float, Cause]]) -> None:
    assert spans(covered(staffing).gaps) == gaps


def test_r17_a_hole_of_the_roster_is_a_gap_of_every_post_it_fills() -> None:
    rows = Staffing(shifts=[Shift(70, day(0), day(1), (A,), (B,)), Shift(70, day(2), None, (A,))])
    found = cover_posts([DUTY, OTHER], day(0), day(9), rows)
    assert [one.key for one in found] == [1, 2]
    assert spans(found[0].stretches) == [(0, 1, None), (1, 2, Cause.ROSTER_HOLE), (2, 9, None)]
    assert found[0].stretches == found[1].stretches


@pytest.mark.parametrize("cause", ["no_account", "disabled", "never_logged_in"])
def test_who_cannot_be_reached_leaves_a_gap_though_the_table_names_him(cause: str) -> None:
    found = covered(replace(HELD, absences=[Absence(A, day(3), day(4))]), reach=Reach({A: cause}))
    assert spans(found.stretches) == [(0, 3, Cause(cause)), (3, 4, None), (4, 9, Cause(cause))]
    assert found.gaps[0].acting.person_ids == (A,)


def test_one_of_a_seat_who_can_be_reached_is_enough() -> None:
    rows = Staffing(shifts=[Shift(70, day(0), day(9), (A, B))])
    assert covered(rows, DUTY, Reach({A: "no_account"})).gaps == ()
    both = Reach({A: "never_logged_in", B: "no_account"})
    assert spans(covered(rows, DUTY, both).gaps) == [(0, 9, Cause.NEVER_LOGGED_IN)]


def test_who_is_not_in_use_stands_nowhere() -> None:
    gone = Reach({A: "disabled"}, frozenset({A}))
    only_b = covered(HELD, reach=gone)
    assert only_b.gaps == ()
    assert only_b.stretches[0].acting.persons == (ActingPerson(B, "B", Rule.B_FOR_VACANT_A),)
    alone = covered(Staffing(HELD.holdings[:1]), reach=gone)
    assert spans(alone.gaps) == [(0, 9, Cause.DISABLED)]


def test_r15_a_place_without_b_is_thin_but_no_gap() -> None:
    found = covered(Staffing([Holding(7, A, "A", day(-9)), Holding(7, B, "B", day(-9), day(4))]))
    assert (found.gaps, found.thin) == ((), (Thin("B", day(4)),))
    assert covered(Staffing([HELD.holdings[1]])).thin == (Thin("A", day(0)),)
    assert covered(Staffing()).thin == ()


def test_a_link_of_a_chain_is_covered_by_the_same_rule() -> None:
    place = Place(
        Link(5, "first"),
        (Row(Layer.A, A, day(-9)), Row(Layer.B, B, day(-9))),
        (Row(Layer.STANDING_IN, THIRD, day(2), day(4)),),
    )
    absences = [Absence(A, day(1), day(6)), Absence(B, day(2), day(5))]
    (found,) = cover([place], day(0), day(9), absences)
    assert [(s.acting.person_ids, s.cause) for s in found.stretches] == [
        ((A,), None),
        ((B,), None),
        ((THIRD,), None),
        ((), Cause.BOTH_AWAY),
        ((B,), None),
        ((A,), None),
    ]


# --- for any set of rows -----------------------------------------------------------------------------------

HOURS = st.integers(-24, 72)
PERIODS = st.tuples(HOURS, st.none() | st.integers(1, 48)).map(
    lambda p: (T0 + timedelta(hours=p[0]), None if p[1] is None else T0 + timedelta(hours=p[0] + p[1]))
)
PEOPLE = st.integers(1, 5)
SEATS = st.lists(PEOPLE, max_size=2).map(tuple)
POSTS = st.sampled_from([1, 7])
ROWS = st.builds(
    Staffing,
    st.lists(
        st.builds(lambda p, who, role, t: Holding(p, who, role, *t), POSTS, PEOPLE, st.sampled_from("AB"), PERIODS)
    ),
    st.lists(st.builds(lambda o, t, m, s: Shift(o, *t, m, s), st.sampled_from([70, 71]), PERIODS, SEATS, SEATS)),
    st.lists(st.builds(lambda p, t: Absence(p, *t), PEOPLE, PERIODS)),
    st.lists(
        st.builds(lambda p, who, t, over: StandIn(p, who, *t, takes_over=over), POSTS, PEOPLE, PERIODS, st.booleans())
    ),
)
REACHES = st.builds(
    lambda causes, unused: Reach(causes | dict.fromkeys(unused, "disabled"), frozenset(unused)),
    st.dictionaries(PEOPLE, st.sampled_from(["no_account", "disabled", "never_logged_in"]), max_size=3),
    st.frozensets(PEOPLE, max_size=2),
)
END = T0 + timedelta(hours=72)


def without(staffing: Staffing, gone: frozenset[int]) -> Staffing:
    """The staffing without the rows of these persons."""

    def left(seat: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(person for person in seat if person not in gone)

    return Staffing(
        [h for h in staffing.holdings if h.person_id not in gone],
        [replace(s, main=left(s.main), second=left(s.second)) for s in staffing.shifts],
        staffing.absences,
        [s for s in staffing.stand_ins if s.person_id not in gone],
    )


@given(ROWS, REACHES)
def test_stretches_tile_the_window_and_neighbours_differ(rows: Staffing, reach: Reach) -> None:
    for found in cover_posts([POST, DUTY, OTHER], T0, END, rows, reach):
        assert [s.starts_at for s in found.stretches] == [T0, *(s.ends_at for s in found.stretches[:-1])]
        assert found.stretches[-1].ends_at == END
        assert all(s.starts_at < s.ends_at for s in found.stretches)
        assert all((one.acting, one.cause) != (two.acting, two.cause) for one, two in pairwise(found.stretches))


@given(ROWS, REACHES, st.integers(0, 72 * 60 - 1))
def test_each_minute_has_one_acting_set_or_is_listed_as_a_gap(rows: Staffing, reach: Reach, minute: int) -> None:
    at = T0 + timedelta(minutes=minute)
    in_use = without(rows, reach.unused)
    for post, found in zip([POST, DUTY], cover_posts([POST, DUTY], T0, END, rows, reach), strict=True):
        (stretch,) = [s for s in found.stretches if s.starts_at <= at < s.ends_at]
        assert found.at(at) == stretch
        assert stretch.acting == acting(post, at, in_use)
        reachable = [person for person in stretch.acting.person_ids if person not in reach.causes]
        assert bool(reachable) != (stretch in found.gaps)
        if stretch.acting.gap is Gap.ROSTER_HOLE:
            assert stretch.cause in (Cause.ROSTER_HOLE, Cause.DISABLED)
        if found.thin:
            assert all(T0 <= thin.since < END for thin in found.thin)


def test_it_covers_five_hundred_posts_over_a_year() -> None:
    """How long it takes is shown by `python -m benchmarks coverage`."""
    facts, known = staffing(500, 365)
    found = cover_posts(facts, START, START + timedelta(days=365), known)
    assert len(found) == 500
    assert all(one.stretches[-1].ends_at == START + timedelta(days=365) for one in found)
    assert sum(len(one.stretches) for one in found) > 50_000
