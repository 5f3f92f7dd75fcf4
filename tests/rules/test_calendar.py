"""The working calendar, with the National Day of 2026 as the worked example."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.calendar import Day, DayKind, Span, WorkingCalendar
from app.rules.errors import Invalid


def october_2026() -> WorkingCalendar:
    days = {date(2026, 10, n): Day(DayKind.HOLIDAY, "国庆节") for n in range(1, 8)}
    days[date(2026, 9, 20)] = days[date(2026, 10, 10)] = Day(DayKind.MAKEUP, "国庆节")
    days[date(2026, 12, 31)] = Day(DayKind.HALF, "年终")
    days[date(2026, 11, 5)] = Day(DayKind.CLOSURE, "停电")
    return WorkingCalendar(days, known_until=date(2026, 12, 31))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 9, 30), True),
        (date(2026, 10, 1), False),
        (date(2026, 10, 7), False),
        (date(2026, 10, 8), True),
        (date(2026, 10, 10), True),
        (date(2026, 10, 11), False),
        (date(2026, 9, 20), True),
        (date(2026, 11, 5), False),
        (date(2026, 12, 31), True),
        (date(2026, 11, 22), False),
    ],
)
def test_which_days_work(day: date, works: bool) -> None:
    assert october_2026().is_working_day(day) is works


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # the make-up Saturday counts
        (date(2026, 9, 30), 4, date(2026, 10, 12)),
        (date(2026, 10, 3), 1, date(2026, 10, 8)),
        (date(2026, 10, 3), 0, date(2026, 10, 3)),
        (date(2026, 10, 8), -1, date(2026, 9, 30)),
    ],
)
def test_adding_working_days(day: date, n: int, expected: date) -> None:
    assert october_2026().add_working_days(day, n) == expected


def test_a_day_past_the_published_notice_is_provisional() -> None:
    calendar = october_2026()
    assert not calendar.is_provisional(date(2026, 12, 31))
    assert calendar.is_provisional(date(2027, 1, 4))
    assert not WorkingCalendar().is_provisional(date(2050, 1, 3))


def test_an_empty_calendar_raises_instead_of_looping() -> None:
    calendar = WorkingCalendar(week=frozenset())
    with pytest.raises(Invalid, match=r"calendar\.no-working-day"):
        calendar.next_working_day(date(2026, 1, 1))
    with pytest.raises(Invalid, match=r"calendar\.no-working-day"):
        calendar.add_working_time(datetime(2026, 1, 1, 9), timedelta(minutes=1))
    with pytest.raises(Invalid, match=r"calendar\.no-working-day"):
        WorkingCalendar(hours=()).add_working_time(datetime(2026, 1, 1, 9), timedelta(minutes=1))


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (datetime(2026, 11, 23, 9), datetime(2026, 11, 23, 17, 30), 420),
        (datetime(2026, 11, 23, 11, 30), datetime(2026, 11, 23, 14), 60),
        (datetime(2026, 11, 20, 17), datetime(2026, 11, 23, 9, 30), 60),
        (datetime(2026, 12, 31, 8), datetime(2026, 12, 31, 18), 180),  # half day: the morning
        (datetime(2026, 10, 1, 0), datetime(2026, 10, 7, 23), 0),
        (datetime(2026, 11, 23, 12), datetime(2026, 11, 23, 9), 0),
    ],
)
def test_working_time(start: datetime, end: datetime, minutes: int) -> None:
    assert october_2026().working_time(start, end) == timedelta(minutes=minutes)


def test_working_time_refuses_a_time_with_a_zone() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        october_2026().working_time(
            datetime.fromisoformat("2026-11-23T09:00:00+08:00"), datetime(2026, 11, 24)
        )


def test_a_half_day_may_have_hours_of_its_own() -> None:
    calendar = WorkingCalendar(
        {date(2026, 11, 23): Day(DayKind.HALF)}, half_hours=(Span(time(10), time(11)),)
    )
    assert calendar.working_time(datetime(2026, 11, 23), datetime(2026, 11, 24)) == timedelta(hours=1)


def test_an_empty_span_is_refused() -> None:
    with pytest.raises(Invalid, match=r"calendar\.span-empty"):
        Span(time(12), time(12))


DAYS = st.dates(date(2026, 9, 1), date(2026, 12, 31))


@given(DAYS, st.integers(0, 60))
def test_adding_and_counting_working_days_agree(day: date, n: int) -> None:
    calendar = october_2026()
    assert calendar.working_days_between(day, calendar.add_working_days(day, n)) == n


@given(
    st.datetimes(datetime(2026, 9, 1), datetime(2026, 12, 31)).map(
        lambda d: d.replace(second=0, microsecond=0)
    ),
    st.integers(1, 5000),
)
def test_adding_and_counting_working_time_agree(start: datetime, minutes: int) -> None:
    calendar = october_2026()
    end = calendar.add_working_time(start, timedelta(minutes=minutes))
    assert calendar.working_time(start, end) == timedelta(minutes=minutes)
    assert calendar.working_time(start, end - timedelta(minutes=1)) < timedelta(minutes=minutes)
