from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.lockout import Policy, Tally, after_failure, is_locked

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
POLICY = Policy(failures=5, window=timedelta(minutes=10), locked=timedelta(minutes=20))


def failures(*minutes: float) -> Tally:
    tally = Tally()
    for minute in minutes:
        tally = after_failure(tally, NOW + timedelta(minutes=minute), POLICY)
    return tally


@pytest.mark.parametrize(
    ("minutes", "count", "locked"),
    [
        ((0,), 1, False),
        ((0, 1, 2, 3), 4, False),
        ((0, 1, 2, 3, 4), 5, True),
        ((0, 1, 2, 3, 9.99), 5, True),
        ((0, 1, 2, 3, 12.99), 5, True),
        ((0, 1, 2, 3, 13), 1, False),
        ((0, 1, 2, 3, 4, 24), 1, False),
    ],
)
def test_five_failures_within_ten_minutes_lock(minutes, count, locked):
    tally = failures(*minutes)
    assert tally.count == count
    assert is_locked(tally, NOW + timedelta(minutes=minutes[-1])) is locked


def test_the_lock_ends_after_twenty_minutes():
    tally = failures(0, 1, 2, 3, 4)
    assert is_locked(tally, NOW + timedelta(minutes=23, seconds=59))
    assert not is_locked(tally, NOW + timedelta(minutes=24))


@given(st.lists(st.floats(0, 240), max_size=40).map(sorted))
def test_no_ten_minutes_see_more_than_five_passwords_judged(minutes):
    tally, judged = Tally(), []
    for minute in minutes:
        moment = NOW + timedelta(minutes=minute)
        if not is_locked(tally, moment):
            judged.append(moment)
            tally = after_failure(tally, moment, POLICY)
    window = POLICY.window
    assert all(sum(start <= m < start + window for m in judged) <= POLICY.failures for start in judged)
