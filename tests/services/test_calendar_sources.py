"""The published calendar against a second source, the package `holidays`, for every day of 2019 to 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from flask import Flask

from app.rules.calendar import WorkingCalendar
from app.rules.clocks import Limit, LimitKind, deadline
from app.services import calendar

ZONE = ZoneInfo("Asia/Shanghai")
FIRST, LAST = date(2019, 1, 1), date(2026, 12, 31)
EVERY_DAY = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
# By the other source: holidays by category, and the days on which people work for them.
OTHER = holidays.country_holidays("CN", years=range(2019, 2028))


def works_by_the_other_source(day: date) -> bool:
    return OTHER.is_working_day(day)


@pytest.fixture
def published(app: Flask) -> WorkingCalendar:
    return calendar.current()


def test_both_sources_agree_on_every_day(published: WorkingCalendar) -> None:
    differing = [day for day in EVERY_DAY if published.is_working_day(day) != works_by_the_other_source(day)]
    assert differing == []
    assert len(EVERY_DAY) == 2922


def test_the_comparison_looks_at_holidays_and_make_up_days(published: WorkingCalendar) -> None:
    """Neither source is a plain week: both have days of rest in it and work on weekends."""
    rest = [day for day in EVERY_DAY if day.weekday() < 5 and not published.is_working_day(day)]
    work = [day for day in EVERY_DAY if day.weekday() >= 5 and published.is_working_day(day)]
    assert len(rest) > 8 * 10
    assert len(work) > 8 * 4


@pytest.mark.parametrize("amount", [1, 2, 5, 7, 15])
def test_limits_in_working_days_are_computed_alike(published: WorkingCalendar, amount: int) -> None:
    """From every day of the years, the N-th working day by the rule is that which the other source counts."""
    working = [day for day in EVERY_DAY if works_by_the_other_source(day)]
    limit, following = Limit(LimitKind.WORKING_DAYS, amount), 0
    for day in EVERY_DAY:
        while following < len(working) and working[following] <= day:
            following += 1
        if following + amount > len(working):
            break  # ends beyond the last published year
        expected = datetime.combine(working[following + amount - 1] + timedelta(days=1), time(), tzinfo=ZONE)
        found = deadline(limit, datetime.combine(day, time(10), tzinfo=ZONE), published, ZONE)
        assert found.due_at == expected.astimezone(UTC), day
        assert not found.provisional


@pytest.mark.parametrize("amount", [1, 7, 15])
def test_limits_in_calendar_days_end_on_a_working_day_of_both(published: WorkingCalendar, amount: int) -> None:
    limit = Limit(LimitKind.CALENDAR_DAYS, amount)
    for day in EVERY_DAY[: -amount - 15]:
        end = day + timedelta(days=amount)
        while not works_by_the_other_source(end):
            end += timedelta(days=1)
        found = deadline(limit, datetime.combine(day, time(10), tzinfo=ZONE), published, ZONE)
        assert found.due_at.astimezone(ZONE) == datetime.combine(end + timedelta(days=1), time(), tzinfo=ZONE), day


def test_the_daily_cutoff_falls_on_working_days_of_both(published: WorkingCalendar) -> None:
    """R3: received at 10:59:59 of a working day, that day; otherwise the next working day."""
    limit = Limit(LimitKind.CUTOFF, at=time(11))
    for day in EVERY_DAY[:-15]:
        end = day
        while not works_by_the_other_source(end):
            end += timedelta(days=1)
        found = deadline(limit, datetime.combine(day, time(10, 59, 59), tzinfo=ZONE), published, ZONE)
        assert found.due_at.astimezone(ZONE) == datetime.combine(end, time(11), tzinfo=ZONE), day


@pytest.mark.parametrize("day", [LAST - timedelta(days=n) for n in range(6)])
def test_beyond_the_last_published_year_a_limit_is_provisional(published: WorkingCalendar, day: date) -> None:
    assert calendar.published_until() == LAST
    found = deadline(
        Limit(LimitKind.WORKING_DAYS, 7), datetime.combine(day, time(10), tzinfo=ZONE), published, ZONE
    )
    assert found.provisional
    assert found.due_at.astimezone(ZONE).year == 2027
