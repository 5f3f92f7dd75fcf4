"""Deadlines: R3, R6, limits in days, and which side of the instant is late."""

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.calendar import Day, DayKind, WorkingCalendar
from app.rules.clocks import (
    COLLECTION_LIMITS,
    DELIVERY_LIMIT,
    FETCH_BACK_LIMIT,
    Clock,
    DayEnd,
    LateWhen,
    Limit,
    LimitKind,
    Status,
    deadline,
    is_late,
    status,
    warn_at,
)
from app.rules.errors import Invalid

ZONE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def october_2026() -> WorkingCalendar:
    days = {date(2026, 10, n): Day(DayKind.HOLIDAY, "国庆节") for n in range(1, 8)}
    days[date(2026, 10, 10)] = Day(DayKind.MAKEUP, "国庆节")
    days[date(2026, 11, 27)] = Day(DayKind.HALF, "")
    return WorkingCalendar(days, known_until=date(2026, 12, 31))


@pytest.mark.parametrize(
    ("channel_class", "received", "due"),
    [
        ("A", "2026-10-03 23:30:00", "2026-10-04 00:30:00"),  # day and night, holidays too
        ("B", "2026-11-23 09:00:01", "2026-11-23 10:00:01"),
        ("F", "2026-11-23 10:59:59", "2026-11-23 11:59:59"),
        ("C", "2026-11-23 10:59:59", "2026-11-23 11:00:00"),
        ("C", "2026-11-23 11:00:00", "2026-11-24 11:00:00"),
        ("D", "2026-11-23 00:00:00", "2026-11-23 11:00:00"),
        ("D", "2026-11-20 11:00:01", "2026-11-23 11:00:00"),  # Friday to Monday
        ("E", "2026-11-21 08:00:00", "2026-11-23 11:00:00"),  # Saturday
        ("C", "2026-09-30 12:00:00", "2026-10-08 11:00:00"),
        ("C", "2026-10-09 11:30:00", "2026-10-10 11:00:00"),  # make-up Saturday
    ],
)
def test_r3_collection(channel_class: str, received: str, due: str) -> None:
    found = deadline(COLLECTION_LIMITS[channel_class], at(received), october_2026(), ZONE)
    assert found.due_at == at(due)
    assert found.due_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("channel_class", "received", "submitted", "late"),
    [
        ("A", "2026-11-23 09:00:00", "2026-11-23 10:00:00", False),  # exactly 60:00 is within the hour
        ("A", "2026-11-23 09:00:00", "2026-11-23 10:00:01", True),
        ("C", "2026-11-23 09:00:00", "2026-11-23 10:59:59", False),
        ("C", "2026-11-23 09:00:00", "2026-11-23 11:00:00", True),  # 11:00:00 is not before 11
    ],
)
def test_r3_which_side_of_the_instant_is_late(
    channel_class: str, received: str, submitted: str, late: bool
) -> None:
    found = deadline(COLLECTION_LIMITS[channel_class], at(received), october_2026(), ZONE)
    assert is_late(found.due_at, found.late_when, at(submitted)) is late


@pytest.mark.parametrize(
    ("signed", "due"),
    [
        ("2026-11-23 00:00:00", "2026-11-24 00:00:00"),
        ("2026-11-23 23:59:59", "2026-11-24 00:00:00"),
        ("2026-11-21 10:00:00", "2026-11-22 00:00:00"),  # a Saturday is a calendar day
    ],
)
def test_r6_delivery_ends_at_24_of_the_day_signed(signed: str, due: str) -> None:
    assert deadline(DELIVERY_LIMIT, at(signed), october_2026(), ZONE).due_at == at(due)


DAYS_7 = Limit(LimitKind.CALENDAR_DAYS, 7)


@pytest.mark.parametrize(
    ("limit", "started", "due"),
    [
        (FETCH_BACK_LIMIT, "2026-11-23 16:00", "2026-11-26 00:00"),
        (FETCH_BACK_LIMIT, "2026-09-30 16:00", "2026-10-10 00:00"),  # 10-08, 10-09
        (
            Limit(LimitKind.WORKING_DAYS, 3),
            "2026-09-30 16:00",
            "2026-10-11 00:00",
        ),  # and the make-up Saturday
        (Limit(LimitKind.WORKING_DAYS, 2, until=DayEnd.WORK), "2026-11-23 16:00", "2026-11-25 17:30"),
        (
            Limit(LimitKind.WORKING_DAYS, 4, until=DayEnd.WORK),
            "2026-11-23 16:00",
            "2026-11-27 12:00",
        ),  # half day
        (DAYS_7, "2026-11-23 16:00", "2026-12-01 00:00"),
        (DAYS_7, "2026-11-21 16:00", "2026-12-01 00:00"),  # ends on a Saturday: Monday
        (Limit(LimitKind.CALENDAR_DAYS, 7, roll=False), "2026-11-21 16:00", "2026-11-29 00:00"),
        (Limit(LimitKind.WALL_HOURS, 24), "2026-10-02 16:00", "2026-10-03 16:00"),
        (Limit(LimitKind.WORKING_HOURS, 2), "2026-09-30 16:30", "2026-10-08 10:00"),
        (Limit(LimitKind.FIXED, on=date(2026, 12, 1)), "2026-11-23 16:00", "2026-12-02 00:00"),
        (Limit(LimitKind.FIXED, on=date(2026, 12, 1), at=time(9)), "2026-11-23 16:00", "2026-12-01 09:00"),
    ],
)
def test_limits(limit: Limit, started: str, due: str) -> None:
    assert deadline(limit, at(started), october_2026(), ZONE).due_at == at(due)


def test_the_trace_reads_day_by_day() -> None:
    found = deadline(Limit(LimitKind.WORKING_DAYS, 3), at("2026-10-07 16:00"), october_2026(), ZONE)
    assert [(str(line.on), line.code, dict(line.data)) for line in found.trace] == [
        ("2026-10-07", "start", {"at": "16:00"}),
        ("2026-10-08", "count.working", {"n": 1, "name": ""}),
        ("2026-10-09", "count.working", {"n": 2, "name": ""}),
        ("2026-10-10", "count.makeup", {"n": 3, "name": "国庆节"}),
        ("2026-10-10", "day.end", {"at": "24:00"}),
        ("2026-10-11", "due", {"at": "00:00"}),
    ]


def test_the_trace_names_each_day_skipped() -> None:
    found = deadline(COLLECTION_LIMITS["C"], at("2026-10-10 11:00"), october_2026(), ZONE)
    assert [line.code for line in found.trace] == ["start", "cutoff.missed", "skip.weekend", "due"]
    holiday = deadline(COLLECTION_LIMITS["C"], at("2026-10-06 10:00"), october_2026(), ZONE)
    assert [line.code for line in holiday.trace] == [
        "start",
        "skip.holiday",
        "skip.holiday",
        "cutoff.rest",
        "due",
    ]


@pytest.mark.parametrize(
    ("limit", "started", "provisional"),
    [
        (Limit(LimitKind.WORKING_DAYS, 2), "2026-12-29 10:00", False),
        (Limit(LimitKind.WORKING_DAYS, 2), "2026-12-30 10:00", True),
        (Limit(LimitKind.WALL_HOURS, 24), "2026-12-31 10:00", False),  # no calendar asked
        (Limit(LimitKind.CALENDAR_DAYS, 7), "2026-12-30 10:00", True),
        (Limit(LimitKind.CALENDAR_DAYS, 7, roll=False), "2026-12-30 10:00", False),
        (COLLECTION_LIMITS["C"], "2026-12-31 12:00", True),
    ],
)
def test_a_limit_that_asks_past_the_published_calendar_is_provisional(
    limit: Limit, started: str, provisional: bool
) -> None:
    assert deadline(limit, at(started), october_2026(), ZONE).provisional is provisional


def test_inputs_are_json_and_recompute_the_same_deadline() -> None:
    found = deadline(Limit(LimitKind.WORKING_DAYS, 3), at("2026-09-30 16:00"), october_2026(), ZONE)
    inputs = json.loads(json.dumps(found.inputs))
    days = {date.fromisoformat(d): Day(DayKind(e["kind"]), e["name"]) for d, e in inputs["days"].items()}
    again = deadline(
        Limit.from_json(inputs["limit"]),
        datetime.fromisoformat(inputs["started_at"]),
        WorkingCalendar(days),
        ZoneInfo(inputs["zone"]),
    )
    assert again.due_at == found.due_at
    assert json.loads(json.dumps(found.trace_json()))[0]["code"] == "start"


def test_an_hour_is_sixty_minutes_across_a_change_of_offset() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    started = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)  # the hour that happens twice
    found = deadline(Limit(LimitKind.WALL_HOURS, 1), started, WorkingCalendar(), berlin)
    assert found.due_at - started.astimezone(UTC) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"kind": "wall_hours"}, "limit.amount-missing"),
        ({"kind": "cutoff"}, "limit.time-missing"),
        ({"kind": "fixed"}, "limit.date-missing"),
        ({"kind": "soon"}, "limit.unreadable"),
        ({}, "limit.unreadable"),
        ({"kind": "wall_hours", "amount": "zwei"}, "limit.unreadable"),
    ],
)
def test_a_limit_that_says_nothing_is_refused(data: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        Limit.from_json(data)
    assert caught.value.code == code


def test_a_fixed_date_already_past_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        deadline(Limit(LimitKind.FIXED, on=date(2026, 11, 22)), at("2026-11-23 09:00"), october_2026(), ZONE)
    assert (caught.value.code, caught.value.field) == ("limit.before-start", "on")


def test_a_start_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        deadline(DELIVERY_LIMIT, datetime(2026, 11, 23), october_2026(), ZONE)


DUE, WARN = at("2026-11-23 11:00"), at("2026-11-23 10:00")


@pytest.mark.parametrize(
    ("stopped", "late_when", "now", "expected"),
    [
        (None, "after", "09:00", "open"),
        (None, "after", "10:00", "due_soon"),
        (None, "after", "11:00", "due_soon"),
        (None, "after", "11:01", "overdue"),
        (None, "at_or_after", "11:00", "overdue"),
        ("11:00", "after", "12:00", "met"),
        ("11:00", "at_or_after", "12:00", "broken"),
        ("11:01", "after", "12:00", "broken"),
        ("12:30", "after", "12:00", "overdue"),  # as of 12:00 it had not been stopped
    ],
)
def test_status_is_computed_on_reading(stopped: str | None, late_when: str, now: str, expected: str) -> None:
    clock = Clock(DUE, LateWhen(late_when), at(f"2026-11-23 {stopped}") if stopped else None, WARN)
    assert status(clock, at(f"2026-11-23 {now}")) is Status(expected)


def test_a_clock_without_a_limit_is_kept_apart() -> None:
    assert status(Clock(None), DUE) is Status.NO_LIMIT


def test_the_warning_comes_when_three_quarters_have_passed() -> None:
    assert warn_at(at("2026-11-23 10:00"), DUE) == at("2026-11-23 10:45")
    with pytest.raises(Invalid, match=r"limit\.percent-range"):
        warn_at(WARN, DUE, percent=101)


LIMITS = st.one_of(
    st.builds(
        Limit,
        st.sampled_from(
            [LimitKind.WALL_HOURS, LimitKind.WORKING_HOURS, LimitKind.WORKING_DAYS, LimitKind.CALENDAR_DAYS]
        ),
        st.integers(1, 20),
    ),
    st.builds(Limit, st.just(LimitKind.CUTOFF), at=st.times()),
    st.just(DELIVERY_LIMIT),
)
MOMENTS = st.datetimes(datetime(2026, 9, 1), datetime(2026, 12, 31), timezones=st.just(ZONE))


@given(LIMITS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=5)))
def test_a_deadline_lies_after_the_start_and_never_moves_back_with_a_later_start(
    limit: Limit, started: datetime, later: timedelta
) -> None:
    first = deadline(limit, started, october_2026(), ZONE)
    assert first.due_at > started
    assert deadline(limit, started + later, october_2026(), ZONE).due_at >= first.due_at
    json.dumps(first.inputs)
