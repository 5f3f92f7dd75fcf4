"""Calendar quarters: their days, their moments, the quarters they are compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.quarters import Quarter, midnight

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("year", "number", "first", "last"),
    [
        (2026, 1, date(2026, 1, 1), date(2026, 3, 31)),
        (2026, 2, date(2026, 4, 1), date(2026, 6, 30)),
        (2026, 3, date(2026, 7, 1), date(2026, 9, 30)),
        (2026, 4, date(2026, 10, 1), date(2026, 12, 31)),
        (2028, 1, date(2028, 1, 1), date(2028, 3, 31)),
    ],
)
def test_a_quarter_has_its_days(year: int, number: int, first: date, last: date) -> None:
    found = Quarter(year, number)
    assert (found.first_day, found.last_day) == (first, last)


@given(st.dates(date(1950, 1, 1), date(9990, 12, 31)))
def test_every_day_lies_in_its_quarter_and_quarters_follow_each_other(day: date) -> None:
    found = Quarter.of(day)
    assert found.first_day <= day <= found.last_day
    assert found.next.first_day == found.last_day + timedelta(days=1)
    assert found.next.previous == found == found.previous.next
    assert found.previous < found < found.next
    assert (found.year_before.year, found.year_before.number) == (found.year - 1, found.number)


def test_a_quarter_begins_and_ends_at_local_midnight() -> None:
    assert Quarter(2026, 4).moments(SHANGHAI) == (
        datetime(2026, 9, 30, 16, tzinfo=UTC),
        datetime(2026, 12, 31, 16, tzinfo=UTC),
    )
    assert midnight(date(2026, 10, 1), SHANGHAI) == Quarter(2026, 4).moments(SHANGHAI)[0]


@pytest.mark.parametrize(("year", "number"), [(2026, 0), (2026, 5), (0, 1), (1948, 4), (9999, 1), (-1, 1)])
def test_there_is_no_other_quarter(year: int, number: int) -> None:
    with pytest.raises(Invalid, match=r"quarter\.unknown"):
        Quarter(year, number)
