"""Who acts now: every combination of present, away and vacant, and the two duty seats."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.roster import (
    Absence,
    Gap,
    Holding,
    Ladder,
    PostFacts,
    Rule,
    Rung,
    Shift,
    Staffing,
    Standby,
    StandIn,
    acting,
    ladder,
    posts_of,
    standby,
)

T0 = datetime(2026, 11, 1, tzinfo=UTC)
A, B, LEADER, DIRECTOR = 1, 2, 3, 4
POST, DUTY = PostFacts(7, 70, leader_id=LEADER), PostFacts(1, 70, on_duty_filled=True, leader_id=LEADER)
TRIAGE = PostFacts(8, 70)


def day(n: float) -> datetime:
    return T0 + timedelta(days=n)


def staffing(state_a: str, state_b: str, post: PostFacts = POST) -> Staffing:
    people = {A: ("A", state_a), B: ("B", state_b)}
    return Staffing(
        holdings=[
            Holding(post.post_id, p, role, day(0)) for p, (role, state) in people.items() if state != "vacant"
        ],
        absences=[Absence(p, day(0), day(9)) for p, (_, state) in people.items() if state == "away"],
    )


@pytest.mark.parametrize(
    ("state_a", "state_b", "person", "rule", "gap"),
    [
        ("here", "here", A, Rule.A_ACTS, None),
        ("here", "away", A, Rule.A_ACTS, None),
        ("here", "vacant", A, Rule.A_ACTS, None),
        ("away", "here", B, Rule.B_FOR_ABSENT_A, None),
        ("away", "away", None, None, Gap.BOTH_AWAY),
        ("away", "vacant", None, None, Gap.NO_B),
        ("vacant", "here", B, Rule.B_FOR_VACANT_A, None),
        ("vacant", "away", None, None, Gap.BOTH_AWAY),
        ("vacant", "vacant", None, None, Gap.NO_HOLDER),
    ],
)
def test_r15_a_acts_while_present_otherwise_b(
    state_a: str, state_b: str, person: int | None, rule: Rule | None, gap: Gap | None
) -> None:
    found = acting(POST, day(1), staffing(state_a, state_b))
    assert found.gap is gap
    assert [(p.person_id, p.rule) for p in found.persons] == ([(person, rule)] if person else [])


@pytest.mark.parametrize(("at", "person"), [(0.999, A), (1, B), (1.999, B), (2, A)])
def test_periods_are_half_open(at: float, person: int) -> None:
    rows = Staffing(
        [Holding(7, A, "A", day(0)), Holding(7, B, "B", day(0))], (), [Absence(A, day(1), day(2))]
    )
    assert acting(POST, day(at), rows).person_ids == (person,)


def test_a_change_of_holder_takes_effect_at_its_moment() -> None:
    rows = Staffing([Holding(7, A, "A", day(0), day(1)), Holding(7, B, "A", day(1))])
    assert acting(POST, day(1), rows).person_ids == (B,)
    assert acting(POST, day(-1), rows).gap is Gap.NO_HOLDER


@pytest.mark.parametrize(
    ("main", "second", "away", "persons", "rule"),
    [
        ((1, 2), (3,), (), (1, 2), Rule.MAIN_SEAT),
        ((1, 2), (3,), (1,), (2,), Rule.MAIN_SEAT),
        ((1, 2), (3,), (1, 2), (3,), Rule.SECOND_FOR_MAIN),
        ((), (3,), (), (3,), Rule.SECOND_FOR_MAIN),
        ((1,), (), (1,), (), None),
        ((), (), (), (), None),
    ],
)
def test_r17_the_main_seat_acts_otherwise_the_second(
    main: tuple[int, ...],
    second: tuple[int, ...],
    away: tuple[int, ...],
    persons: tuple[int, ...],
    rule: Rule | None,
) -> None:
    rows = Staffing(
        [Holding(1, 99, "A", day(0))],
        [Shift(70, day(0), day(1), main, second)],
        [Absence(p, day(0)) for p in away],
    )
    found = acting(DUTY, day(0.5), rows)
    assert found.person_ids == persons
    assert {p.rule for p in found.persons} == ({rule} if rule else set())
    assert found.gap is (None if persons else Gap.ROSTER_HOLE)


def test_r17_offices_keep_separate_rosters() -> None:
    rows = Staffing(shifts=[Shift(71, day(0), day(1), (1,))])
    assert acting(DUTY, day(0.5), rows).gap is Gap.ROSTER_HOLE


def test_posts_of_a_person_name_role_and_rule() -> None:
    rows = Staffing(
        [Holding(7, A, "A", day(0)), Holding(7, B, "B", day(0)), Holding(8, B, "A", day(0))],
        [Shift(70, day(0), day(1), (B,))],
    )
    found = posts_of(B, day(0.5), [DUTY, POST, TRIAGE], rows)
    assert [(post.post_id, who.role) for post, who in found] == [(1, "A"), (8, "A")]


@pytest.mark.parametrize(
    ("person", "state_a", "state_b", "expected"),
    [
        (B, "here", "here", [Standby(7, "B", "a_present")]),
        (B, "away", "here", []),
        (A, "away", "here", [Standby(7, "A", "away")]),
        (B, "here", "away", [Standby(7, "B", "away")]),
        (9, "here", "here", []),
    ],
)
def test_standby_says_why_one_does_not_act(
    person: int, state_a: str, state_b: str, expected: list[Standby]
) -> None:
    assert list(standby(person, day(1), [POST], staffing(state_a, state_b))) == expected


def test_standby_in_the_second_seat() -> None:
    rows = Staffing(shifts=[Shift(70, day(0), day(1), (A,), (B,))])
    assert standby(B, day(0.5), [DUTY], rows) == (Standby(1, "B", "a_present"),)


DIRECTS = Holding(8, DIRECTOR, "A", T0)


@pytest.mark.parametrize(
    ("state_a", "state_b", "rungs", "missing"),
    [
        ("here", "here", ["acting:1", "other:2", "leader:3", "director:4"], []),
        ("away", "here", ["acting:2", "leader:3", "director:4"], [("other", "away")]),
        ("here", "vacant", ["acting:1", "leader:3", "director:4"], [("other", "vacant")]),
        ("vacant", "vacant", ["leader:3", "director:4"], [("acting", "no_holder"), ("other", "vacant")]),
        ("away", "away", ["leader:3", "director:4"], [("acting", "both_away"), ("other", "away")]),
    ],
)
def test_the_ladder_skips_and_shows_what_is_missing(
    state_a: str, state_b: str, rungs: list[str], missing: list[tuple[str, str]]
) -> None:
    rows = staffing(state_a, state_b)
    rows = Staffing([*rows.holdings, DIRECTS], (), rows.absences)
    found = ladder(POST, day(1), rows, TRIAGE)
    assert [f"{r.name}:{r.person_ids[0]}" for r in found.rungs] == rungs
    assert list(found.missing) == missing


def test_nobody_stands_on_two_rungs() -> None:
    rows = Staffing([Holding(7, A, "A", day(0)), Holding(7, B, "B", day(0)), Holding(8, LEADER, "A", day(0))])
    found = ladder(POST, day(1), rows, TRIAGE)
    assert found == Ladder(
        (Rung("acting", (A,)), Rung("other", (B,)), Rung("leader", (LEADER,))), (("director", "same_person"),)
    )
    assert found.rung("director") is None


def test_a_post_without_leader_and_director_shows_both() -> None:
    found = ladder(PostFacts(7, 70), day(1), staffing("here", "here"))
    assert found.missing == (("leader", "vacant"), ("director", "vacant"))


def test_r15_b_may_take_over_by_hand() -> None:
    rows = replace(staffing("here", "here"), stand_ins=[StandIn(7, B, day(1), day(2), takes_over=True)])
    assert [acting(POST, day(at), rows).persons[0].rule for at in (0.5, 1, 2)] == [
        Rule.A_ACTS,
        Rule.B_TOOK_OVER,
        Rule.A_ACTS,
    ]
    assert acting(POST, day(1), rows).role_of(B) == "B"


def test_a_stands_by_because_b_took_over() -> None:
    rows = replace(staffing("here", "here"), stand_ins=[StandIn(7, B, day(1), day(2), takes_over=True)])
    assert standby(A, day(1), [POST], rows) == (Standby(7, "A", "b_took_over"),)
    assert standby(B, day(1), [POST], rows) == ()
    assert standby(B, day(2), [POST], rows) == (Standby(7, "B", "a_present"),)


def test_r15_somebody_stands_in_only_while_both_are_away() -> None:
    third = StandIn(7, 3, day(0), day(9))
    assert acting(POST, day(1), replace(staffing("away", "away"), stand_ins=[third])).role_of(3) == "S"
    assert acting(POST, day(1), replace(staffing("away", "here"), stand_ins=[third])).person_ids == (B,)
    both = staffing("away", "away")
    gone = replace(both, stand_ins=[third], absences=[*both.absences, Absence(3, day(0), day(9))])
    assert acting(POST, day(1), gone).gap is Gap.BOTH_AWAY


HOURS = st.integers(0, 48)
PERIODS = st.tuples(HOURS, st.integers(1, 24)).map(
    lambda p: (T0 + timedelta(hours=p[0]), T0 + timedelta(hours=p[0] + p[1]))
)
PEOPLE = st.integers(1, 4)
SEATS = st.lists(PEOPLE, max_size=2).map(tuple)
ROWS = st.builds(
    Staffing,
    st.lists(
        st.builds(lambda p, role, t: Holding(7, p, role, *t), PEOPLE, st.sampled_from("AB"), PERIODS),
        max_size=4,
    ),
    st.lists(st.builds(lambda t, m, s: Shift(70, *t, m, s), PERIODS, SEATS, SEATS), max_size=3),
    st.lists(st.builds(lambda p, t: Absence(p, *t), PEOPLE, PERIODS), max_size=4),
    st.lists(
        st.builds(lambda p, t, over: StandIn(7, p, *t, takes_over=over), PEOPLE, PERIODS, st.booleans()),
        max_size=2,
    ),
)


@given(ROWS, st.sampled_from([POST, DUTY]), st.integers(0, 72 * 60))
def test_each_minute_has_exactly_one_acting_set_or_a_cause(
    rows: Staffing, post: PostFacts, minute: int
) -> None:
    at = T0 + timedelta(minutes=minute)
    now = acting(post, at, rows)
    assert bool(now.persons) != bool(now.gap)
    assert len({p.role for p in now.persons}) <= 1
    assert len(set(now.person_ids)) == len(now.persons)
    away = {a.person_id for a in rows.absences if a.starts_at <= at and (a.ends_at is None or at < a.ends_at)}
    assert not away & set(now.person_ids)
    for person in (1, 2, 3, 4):
        assert not (now.role_of(person) and standby(person, at, [post], rows))
