"""The arithmetic of rates, against cases worked by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.measures import (
    AGE_BUCKETS,
    Punctuality,
    Tally,
    age_bucket,
    difference,
    growth,
    half_up,
    mean_days,
    rate,
)

counts = st.integers(0, 500)


@pytest.mark.parametrize(("part", "whole", "expected"), [
    (2, 3, "66.67"), (1, 3, "33.33"), (0, 7, "0.00"), (7, 7, "100.00"),
    (1, 8, "12.50"), (1, 32, "3.13"), (3, 32, "9.38"),  # exact halves 3.125, 9.375 go up
    (1, 20000, "0.01"), (1, 20001, "0.00"), (19999, 20000, "100.00"),
])
def test_a_rate_is_rounded_half_up_to_two_decimals(part: int, whole: int, expected: str) -> None:
    assert str(rate(part, whole)) == expected


def test_a_rate_of_nothing_is_empty() -> None:
    assert rate(0, 0) is None


@pytest.mark.parametrize(("part", "whole"), [(-1, 3), (4, 3), (1, 0), (0, -1)])
def test_a_rate_refuses_what_is_no_part_of_a_whole(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="not a part of a whole"):
        rate(part, whole)


@pytest.mark.parametrize(("value", "expected"), [
    ("0.005", "0.01"), ("-0.005", "-0.01"), ("2.345", "2.35"), ("2.344999", "2.34"), ("7", "7.00"),
])
def test_halves_go_away_from_zero(value: str, expected: str) -> None:
    assert str(half_up(Decimal(value))) == expected


@pytest.mark.parametrize(("total", "count", "expected"), [
    (timedelta(days=7), 2, "3.50"), (timedelta(hours=1), 1, "0.04"), (timedelta(days=1), 3, "0.33"),
    (timedelta(0), 4, "0.00"),
])
def test_mean_days(total: timedelta, count: int, expected: str) -> None:
    assert str(mean_days(total, count)) == expected


def test_a_mean_of_nothing_is_empty() -> None:
    assert mean_days(timedelta(0), 0) is None
    with pytest.raises(ValueError, match="negative"):
        mean_days(timedelta(days=1), -1)


@pytest.mark.parametrize(("now", "before", "expected"), [
    (120, 100, "20.00"), (80, 120, "-33.33"), (5, 5, "0.00"), (0, 4, "-100.00"),
    (5, 0, None), (None, 5, None), (5, None, None),
])
def test_growth_needs_a_base(now: int | None, before: int | None, expected: str | None) -> None:
    found = growth(now, before)
    assert (found if found is None else str(found)) == expected


def test_a_difference_is_in_points() -> None:
    assert difference(Decimal("66.67"), Decimal("70.00")) == Decimal("-3.33")
    assert difference(None, Decimal(1)) is None
    assert difference(Decimal(1), None) is None


def test_on_time_rate_leaves_out_what_still_has_time_and_what_had_no_limit() -> None:
    tally = Tally(assigned=10, on_time=4, late=1, unlimited=2, unfinished=3, overdue=1)
    assert tally.finished == 7
    assert tally.finish_rate == Decimal("70.00")
    assert tally.matured == 6
    assert tally.on_time_rate == Decimal("66.67")


def test_a_unit_whose_appeals_all_still_have_time_has_no_on_time_rate() -> None:
    tally = Tally(assigned=2, unfinished=2)
    assert tally.on_time_rate is None
    assert tally.finish_rate == Decimal("0.00")
    assert Tally().finish_rate is None


@pytest.mark.parametrize(("wrong", "reason"), [
    ({"assigned": 2, "on_time": 1}, "do not sum"),
    ({"assigned": 1, "unfinished": 1, "overdue": 2}, "more overdue"),
    ({"assigned": 0, "on_time": -1, "late": 1}, "negative"),
])
def test_a_tally_refuses_counts_that_contradict_each_other(wrong: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Tally(**wrong)


def test_a_group_counts_appeals_not_the_mean_of_its_units_rates() -> None:
    small, large = Tally(assigned=1, on_time=1), Tally(assigned=9, on_time=3, late=6)
    assert Tally.total([small, large]).on_time_rate == Decimal("40.00")
    assert Tally.total([]) == Tally()


@given(st.lists(st.tuples(counts, counts, counts, counts, counts)))
def test_rates_stay_between_0_and_100_however_units_are_added(parts: list[tuple[int, ...]]) -> None:
    total = Tally.total(
        Tally(on + late + free + due + more, on, late, free, due + more, due)
        for on, late, free, due, more in parts
    )
    assert total.assigned == sum(map(sum, parts))
    for value in (total.finish_rate, total.on_time_rate):
        assert value is None or 0 <= value <= 100


def test_punctuality_is_of_the_clocks_whose_outcome_is_known() -> None:
    section = Punctuality.total([Punctuality(in_time=5, broken=1), Punctuality(in_time=2)])
    assert section == Punctuality(7, 1)
    assert section.due == 8
    assert section.rate == Decimal("87.50")
    assert Punctuality().rate is None
    with pytest.raises(ValueError, match="negative"):
        Punctuality(-1, 0)


@pytest.mark.parametrize(("age", "code"), [
    (timedelta(0), "under-1-day"), (timedelta(days=1, microseconds=-1), "under-1-day"),
    (timedelta(days=1), "1-to-3-days"), (timedelta(days=3), "3-to-7-days"),
    (timedelta(days=7), "7-to-15-days"), (timedelta(days=15), "15-to-30-days"),
    (timedelta(days=30), "over-30-days"), (timedelta(days=4000), "over-30-days"),
])
def test_the_lower_bound_belongs_to_the_bucket(age: timedelta, code: str) -> None:
    assert age_bucket(age) == code


def test_buckets_rise_and_the_last_is_open() -> None:
    bounds = [bucket.below for bucket in AGE_BUCKETS[:-1]]
    assert all(bound is not None for bound in bounds)
    assert bounds == sorted(bounds, key=lambda bound: bound or timedelta(0))
    assert AGE_BUCKETS[-1].below is None
