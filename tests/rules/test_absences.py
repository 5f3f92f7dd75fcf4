"""Who must stand in when somebody goes away (R15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import absences as rules
from app.rules import roster
from app.rules.errors import Conflict, FieldErrors, Refused

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)  # 10:00 in Shanghai
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
A, B, LEADER, OTHER = 1, 2, 3, 4
POST = roster.PostFacts(10, 20, False, LEADER)
PLACE = rules.Place(POST, (LEADER,))
HOLDINGS = (roster.Holding(10, A, "A", NOW - 400 * DAY), roster.Holding(10, B, "B", NOW - 400 * DAY))


def _absence(person: int = A, start: int = 24, end: int = 72) -> roster.Absence:
    return roster.Absence(person, NOW + start * HOUR, NOW + end * HOUR)


def _staffing(
    *absences: roster.Absence, holdings: tuple[roster.Holding, ...] = HOLDINGS, **more: object
) -> roster.Staffing:
    return roster.Staffing(holdings, absences=absences, **more)  # type: ignore[arg-type]


# --- periods ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "field", "code"),
    [
        (None, 2 * HOUR, "starts_at", "field.required"),
        (HOUR, None, "ends_at", "field.required"),
        (2 * HOUR, HOUR, "ends_at", "period.ends-before-start"),
        (HOUR, HOUR, "ends_at", "period.ends-before-start"),
        (-11 * HOUR, 2 * HOUR, "starts_at", "absence.in-past"),
        (-2 * HOUR, -HOUR, "ends_at", "absence.in-past"),
        (HOUR, 367 * DAY, "ends_at", "absence.too-long"),
    ],
)
def test_a_period_that_makes_no_sense(start: timedelta | None, end: timedelta | None, field: str, code: str) -> None:
    with pytest.raises(FieldErrors) as raised:
        rules.checked_period(start and NOW + start, end and NOW + end, NOW, ZONE)
    assert [(p.field, p.code) for p in raised.value.problems] == [(field, code)]


def test_what_begins_earlier_today_begins_now() -> None:
    assert rules.checked_period(NOW - 2 * HOUR, NOW + HOUR, NOW, ZONE) == (NOW, NOW + HOUR)


def test_the_officer_may_enter_what_is_past() -> None:
    past = (NOW - 9 * DAY, NOW - 8 * DAY)
    assert rules.checked_period(*past, NOW, ZONE, may_be_past=True) == past


@pytest.mark.parametrize(("ahead", "late"), [(DAY, False), (DAY - timedelta(seconds=1), True), (timedelta(), True)])
def test_late_notice_is_less_than_a_day(ahead: timedelta, late: bool) -> None:
    assert rules.is_late_notice(NOW + ahead, NOW) is late


# --- both away --------------------------------------------------------------------------------------------------


def test_while_a_is_away_b_acts_and_nobody_else_is_needed() -> None:
    staffing = _staffing()
    (stretch,) = rules.acting_meanwhile(PLACE, _absence(), staffing)
    assert (stretch.acting.person_ids, stretch.acting.persons[0].role) == ((B,), "B")
    assert rules.needs(PLACE, _absence(), staffing) == ()


def test_both_away_needs_the_leader_for_the_time_they_share() -> None:
    (need,) = rules.needs(PLACE, _absence(A, 24, 72), _staffing(_absence(B, 48, 96)))
    assert (need.starts_at, need.ends_at) == (NOW + 48 * HOUR, NOW + 72 * HOUR)
    assert (need.gap, need.offered, need.holders) == (roster.Gap.BOTH_AWAY, (LEADER,), (A, B))


@pytest.mark.parametrize("person", [A, B])
def test_it_is_the_same_for_a_and_b(person: int) -> None:
    other = B if person == A else A
    assert len(rules.needs(PLACE, _absence(person), _staffing(_absence(other)))) == 1


def test_whoever_is_back_when_the_other_goes_is_no_gap() -> None:
    assert rules.needs(PLACE, _absence(A, 24, 48), _staffing(_absence(B, 48, 72))) == ()


def test_a_vacant_b_counts_for_a_post_and_not_for_a_link() -> None:
    alone = _staffing(holdings=HOLDINGS[:1])
    assert [need.gap for need in rules.needs(PLACE, _absence(), alone)] == [roster.Gap.NO_B]
    assert rules.needs(rules.Place(POST, needs_b=False), _absence(), alone) == ()


@pytest.mark.parametrize("leader", [A, B])
def test_a_leader_who_is_a_or_b_himself_is_not_offered(leader: int) -> None:
    (need,) = rules.needs(rules.Place(POST, (leader,)), _absence(A), _staffing(_absence(B)))
    assert need.offered == ()


def test_a_leader_who_is_away_is_not_offered() -> None:
    (need,) = rules.needs(PLACE, _absence(A), _staffing(_absence(B), _absence(LEADER, 30, 40)))
    assert need.offered == ()


def test_a_recorded_stand_in_closes_the_gap() -> None:
    stands = roster.StandIn(10, LEADER, NOW + 24 * HOUR, NOW + 72 * HOUR)
    assert rules.needs(PLACE, _absence(A), _staffing(_absence(B), stand_ins=(stands,))) == ()


def test_a_stand_in_who_goes_away_himself_needs_another() -> None:
    stands = roster.StandIn(10, LEADER, NOW + 24 * HOUR, NOW + 72 * HOUR)
    away = _staffing(_absence(A), _absence(B), stand_ins=(stands,))
    (need,) = rules.needs(PLACE, _absence(LEADER, 30, 40), away)
    assert (need.starts_at, need.ends_at) == (NOW + 30 * HOUR, NOW + 40 * HOUR)
    assert need.offered == ()


def test_somebody_who_stands_nowhere_leaves_no_gap() -> None:
    assert rules.needs(PLACE, _absence(OTHER), _staffing(_absence(A), _absence(B))) == ()


@pytest.mark.parametrize(
    ("person", "code"),
    [(A, "stand-in.holder"), (B, "stand-in.holder"), (OTHER, "stand-in.not-offered"), (5, "stand-in.unfit")],
)
def test_who_may_not_stand_in(person: int, code: str) -> None:
    staffing = _staffing(_absence(B))
    (need,) = rules.needs(PLACE, _absence(A), staffing)
    with pytest.raises(Refused, match=code):
        rules.check_stand_in(need, person, staffing, _absence(A), unfit={5})


def test_a_third_person_stands_in_where_no_leader_can() -> None:
    staffing = _staffing(_absence(B))
    (need,) = rules.needs(rules.Place(POST, (A,)), _absence(A), staffing)
    rules.check_stand_in(need, OTHER, staffing, _absence(A))
    with pytest.raises(Refused, match=r"stand-in\.away"):
        rules.check_stand_in(need, OTHER, _staffing(_absence(B), _absence(OTHER)), _absence(A))


_HOURS = st.integers(0, 60)
_PERIODS = st.tuples(_HOURS, st.integers(1, 40))


@given(mine=_PERIODS, others=st.lists(st.tuples(st.sampled_from([B, LEADER]), _PERIODS), max_size=5))
def test_with_the_needs_filled_every_minute_has_somebody(
    mine: tuple[int, int], others: list[tuple[int, tuple[int, int]]]
) -> None:
    """What `needs` asks for is exactly what is missing: filled by a third person nothing is a gap any more."""
    absence = _absence(A, mine[0], sum(mine))
    away = tuple(_absence(person, start, start + length) for person, (start, length) in others)
    staffing = _staffing(*away)
    needs = rules.needs(PLACE, absence, staffing)
    filled = _staffing(*away, stand_ins=tuple(roster.StandIn(10, OTHER, n.starts_at, n.ends_at) for n in needs))
    assert rules.needs(PLACE, absence, filled) == ()
    assert all(stretch.acting.gap is None for stretch in rules.acting_meanwhile(PLACE, absence, filled))


# --- seats of shifts --------------------------------------------------------------------------------------------


def _shift(main: tuple[int, ...], second: tuple[int, ...] = ()) -> roster.Shift:
    return roster.Shift(20, NOW + 24 * HOUR, NOW + 48 * HOUR, main, second)


def test_a_seat_is_emptied_unless_somebody_else_sits_there_all_the_time() -> None:
    assert [s.seat for s in rules.emptied_seats(_absence(), [_shift((A,), (B,))], _staffing())] == ["main"]
    assert rules.emptied_seats(_absence(), [_shift((A, B))], _staffing()) == ()
    away = _staffing(_absence(B, 40, 44))
    assert [s.seat for s in rules.emptied_seats(_absence(), [_shift((A, B))], away)] == ["main"]
    assert rules.emptied_seats(_absence(A, 48, 72), [_shift((A,))], _staffing()) == ()


# --- steps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "start", "fine"),
    [
        ("requested", -1, True),
        ("requested", 1, True),
        ("confirmed", 1, True),
        ("confirmed", 0, False),
        ("refused", 1, False),
        ("cancelled", 1, False),
    ],
)
def test_what_can_be_taken_back(state: str, start: int, fine: bool) -> None:
    if fine:
        rules.check_cancel(state, NOW + start * HOUR, NOW)
    else:
        with pytest.raises(Conflict):
            rules.check_cancel(state, NOW + start * HOUR, NOW)


@pytest.mark.parametrize(
    ("state", "start", "end", "fine"),
    [
        ("confirmed", -1, 1, True),
        ("confirmed", 0, 1, False),
        ("confirmed", 1, 2, False),
        ("confirmed", -2, 0, False),
        ("requested", -1, 1, False),
    ],
)
def test_who_can_come_back_early(state: str, start: int, end: int, fine: bool) -> None:
    if fine:
        rules.check_return(state, NOW + start * HOUR, NOW + end * HOUR, NOW)
    else:
        with pytest.raises(Conflict):
            rules.check_return(state, NOW + start * HOUR, NOW + end * HOUR, NOW)


def test_only_a_request_is_decided() -> None:
    rules.check_decide("requested")
    for state in ("confirmed", "refused", "cancelled"):
        with pytest.raises(Conflict):
            rules.check_decide(state)
