"""Pauses and extensions: what a stretch takes out of a limit, and how the trace tells it."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.calendar import Day, DayKind, WorkingCalendar
from app.rules.clocks import DayEnd, Deadline, Extension, Limit, LimitKind, Pause, deadline
from app.rules.errors import Invalid

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def october_2026() -> WorkingCalendar:
    days = {date(2026, 10, n): Day(DayKind.HOLIDAY, "国庆节") for n in range(1, 8)}
    days[date(2026, 10, 10)] = Day(DayKind.MAKEUP, "国庆节")
    days[date(2026, 11, 27)] = Day(DayKind.HALF, "")
    return WorkingCalendar(days, known_until=date(2026, 12, 31))


def paused(start: str, end: str, reason: str = "示例：等待鉴定") -> Pause:
    return Pause(at(start), at(end), reason)


def due(limit: Limit, started: str, *pauses: Pause, extensions: tuple[Extension, ...] = ()) -> Deadline:
    return deadline(limit, at(started), october_2026(), ZONE, pauses, extensions)


def lines(found: Deadline) -> list[tuple[str, str]]:
    return [(line.on.isoformat()[5:], line.code) for line in found.trace]


@pytest.mark.parametrize(
    ("limit", "started", "start", "end", "expected"),
    [
        # Wednesday and Thursday are out; Friday counts again.
        (Limit(LimitKind.WORKING_DAYS, 3), "2026-11-23 16:00", "2026-11-25 10:00", "2026-11-27 00:00", "2026-12-01"),
        # Begins and ends on one day: no day is lost.
        (Limit(LimitKind.WORKING_DAYS, 3), "2026-11-23 16:00", "2026-11-25 10:00", "2026-11-25 16:00", "2026-11-27"),
        # A weekend inside the pause is not taken twice.
        (Limit(LimitKind.WORKING_DAYS, 3), "2026-11-19 16:00", "2026-11-20 10:00", "2026-11-23 00:00", "2026-11-26"),
        # On the last day, before it is due.
        (Limit(LimitKind.WORKING_DAYS, 1), "2026-11-23 16:00", "2026-11-24 23:00", "2026-11-25 00:00", "2026-11-26"),
        # After it was due: nothing moves.
        (Limit(LimitKind.WORKING_DAYS, 1), "2026-11-23 16:00", "2026-11-25 00:00", "2026-11-28 00:00", "2026-11-25"),
        (Limit(LimitKind.CALENDAR_DAYS, 7), "2026-11-23 16:00", "2026-11-25 10:00", "2026-11-27 00:00", "2026-12-03"),
        (Limit(LimitKind.SAME_DAY_END), "2026-11-23 16:00", "2026-11-23 17:00", "2026-11-25 00:00", "2026-11-26"),
        (
            Limit(LimitKind.FIXED, on=date(2026, 12, 1)),
            "2026-11-23 16:00",
            "2026-11-25 10:00",
            "2026-11-27 00:00",
            "2026-12-04",
        ),
        (
            Limit(LimitKind.FIXED, on=date(2026, 11, 23)),
            "2026-11-23 16:00",
            "2026-11-23 17:00",
            "2026-11-24 00:00",
            "2026-11-25",
        ),
        (
            Limit(LimitKind.CUTOFF, at=time(11)),
            "2026-11-23 09:00",
            "2026-11-23 10:00",
            "2026-11-25 00:00",
            "2026-11-25 11:00",
        ),
        (
            Limit(LimitKind.WALL_HOURS, 24),
            "2026-11-23 09:00",
            "2026-11-23 10:00:30",
            "2026-11-24 00:00",
            "2026-11-24 22:59:30",
        ),
        # 30 seconds of working time before the pause, the rest after it.
        (
            Limit(LimitKind.WORKING_HOURS, 2),
            "2026-11-23 17:00",
            "2026-11-23 17:00:30",
            "2026-11-25 00:00",
            "2026-11-25 10:59:30",
        ),
    ],
)
def test_a_pause_takes_its_stretch_out(limit: Limit, started: str, start: str, end: str, expected: str) -> None:
    assert due(limit, started, paused(start, end)).due_at == at(expected)


def test_the_trace_tells_a_pause_once_and_when_counting_resumes() -> None:
    found = due(Limit(LimitKind.WORKING_DAYS, 2), "2026-11-23 16:00", paused("2026-11-25 10:00", "2026-11-27 00:00"))
    assert lines(found) == [
        ("11-23", "start"),
        ("11-24", "count.working"),
        ("11-25", "skip.paused"),
        ("11-27", "resume"),
        ("11-27", "count.half"),
        ("11-27", "day.end"),
        ("11-28", "due"),
    ]
    assert found.trace[2].data == {"name": "示例：等待鉴定", "until": "2026-11-27 00:00"}
    assert found.inputs["pauses"] == [
        {
            "starts_at": "2026-11-25T02:00:00+00:00",
            "ends_at": "2026-11-26T16:00:00+00:00",
            "reason": "示例：等待鉴定",
        }
    ]


def test_the_trace_of_hours_tells_a_pause() -> None:
    found = due(Limit(LimitKind.WALL_HOURS, 4), "2026-11-23 09:00", paused("2026-11-23 10:00", "2026-11-24 00:00"))
    assert [code for _on, code in lines(found)] == ["start", "skip.paused", "resume", "add.wall", "due"]


GRANTED = Extension(2, at("2026-11-24 09:00"))


@pytest.mark.parametrize(
    ("limit", "expected", "code"),
    [
        (Limit(LimitKind.WALL_HOURS, 24), "2026-11-24 18:00", "extend.wall_hours"),
        (Limit(LimitKind.WORKING_HOURS, 1), "2026-11-24 10:30", "extend.working_hours"),
        (Limit(LimitKind.WORKING_DAYS, 3), "2026-12-01", "extend.working_days"),
        (Limit(LimitKind.CALENDAR_DAYS, 3), "2026-12-01", "extend.calendar_days"),  # 11-28, a Saturday, rolls
        (Limit(LimitKind.FIXED, on=date(2026, 12, 1)), "2026-12-04", "extend.calendar_days"),
        (Limit(LimitKind.SAME_DAY_END), "2026-11-26", "extend.calendar_days"),
        (Limit(LimitKind.CUTOFF, at=time(17)), "2026-11-25 17:00", "extend.calendar_days"),
    ],
)
def test_an_extension_adds_of_the_limits_own_unit(limit: Limit, expected: str, code: str) -> None:
    found = due(limit, "2026-11-23 16:00", extensions=(GRANTED,))
    assert found.due_at == at(expected)
    told = next(line for line in found.trace if line.code == code)
    assert told.data == {"amount": 2, "granted": "2026-11-24"}
    assert found.inputs["extensions"] == [{"amount": 2, "granted_at": "2026-11-24T01:00:00+00:00"}]


def test_days_go_on_being_counted_through_an_extension() -> None:
    found = due(
        Limit(LimitKind.WORKING_DAYS, 2), "2026-11-23 16:00", extensions=(Extension(1, at("2026-11-24 09:00")),)
    )
    assert [line.data["n"] for line in found.trace if line.code.startswith("count")] == [1, 2, 3]


def test_an_extension_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match=r"extension\.amount"):
        Extension(0, at("2026-11-24 09:00"))


@pytest.mark.parametrize(
    ("started", "expected"),
    [
        ("2026-11-23 17:29", "2026-11-23 17:30"),
        ("2026-11-23 17:30", "2026-11-24 17:30"),  # working hours are over
        ("2026-11-21 09:00", "2026-11-23 17:30"),  # a Saturday
        ("2026-11-27 11:00", "2026-11-27 12:00"),  # a half day
        ("2026-11-27 12:00", "2026-11-30 17:30"),
    ],
)
def test_the_same_day_can_mean_the_working_day(started: str, expected: str) -> None:
    assert due(Limit(LimitKind.SAME_DAY_END, until=DayEnd.WORK), started).due_at == at(expected)


# --- properties ---------------------------------------------------------------------------------------------------

moments = st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 30)).map(lambda found: found.replace(tzinfo=ZONE))
limits = st.one_of(
    st.builds(Limit, st.just(LimitKind.WALL_HOURS), st.integers(1, 200)),
    st.builds(Limit, st.just(LimitKind.WORKING_HOURS), st.integers(1, 60)),
    st.builds(Limit, st.just(LimitKind.CUTOFF), at=st.times()),
    st.builds(Limit, st.just(LimitKind.SAME_DAY_END), until=st.sampled_from(DayEnd)),
    st.builds(Limit, st.just(LimitKind.WORKING_DAYS), st.integers(1, 20), until=st.sampled_from(DayEnd)),
    st.builds(
        Limit,
        st.just(LimitKind.CALENDAR_DAYS),
        st.integers(1, 20),
        until=st.sampled_from(DayEnd),
        roll=st.booleans(),
    ),
    st.builds(Limit, st.just(LimitKind.FIXED), on=st.dates(date(2026, 12, 1), date(2026, 12, 31))),
)
extensions = st.lists(st.builds(Extension, st.integers(1, 9), moments), max_size=2).map(tuple)


@st.composite
def stretches(draw: st.DrawFn) -> tuple[Pause, ...]:
    """Pauses one after the other."""
    edges = sorted(draw(st.lists(moments, min_size=0, max_size=6, unique=True)))
    return tuple(Pause(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False))


@given(limits, moments, moments, stretches(), extensions)
def test_a_later_start_is_never_due_earlier(
    limit: Limit, one: datetime, other: datetime, pauses: tuple[Pause, ...], more: tuple[Extension, ...]
) -> None:
    first, second = sorted((one, other))
    calendar = october_2026()
    if limit.kind is LimitKind.FIXED:
        pauses = ()  # a date that is set moves by what of a pause lies after the start
    earlier = deadline(limit, first, calendar, ZONE, pauses, more).due_at
    assert earlier <= deadline(limit, second, calendar, ZONE, pauses, more).due_at
    assert earlier > first


@given(limits, moments, stretches(), moments, st.integers(0, 60 * 24 * 40))
def test_a_pause_never_shortens_and_a_longer_one_never_less(
    limit: Limit, start: datetime, pauses: tuple[Pause, ...], begins: datetime, minutes: int
) -> None:
    calendar = october_2026()
    plain = deadline(limit, start, calendar, ZONE, pauses).due_at
    short = deadline(limit, start, calendar, ZONE, (*pauses, Pause(begins, begins + minutes * MINUTE))).due_at
    long = deadline(limit, start, calendar, ZONE, (*pauses, Pause(begins, begins + 2 * minutes * MINUTE))).due_at
    assert plain <= short <= long


@given(limits, moments, st.integers(1, 60 * 24 * 40))
def test_hours_by_the_clock_lose_exactly_the_pause(limit: Limit, start: datetime, minutes: int) -> None:
    limit = Limit(LimitKind.WALL_HOURS, max(limit.amount, 1))
    pause = Pause(start + 10 * MINUTE, start + (10 + minutes) * MINUTE)
    calendar = october_2026()
    plain = deadline(limit, start, calendar, ZONE).due_at
    assert deadline(limit, start, calendar, ZONE, (pause,)).due_at == plain + minutes * MINUTE


@given(limits, moments, stretches(), extensions, st.integers(1, 9))
def test_more_extension_is_never_due_earlier(
    limit: Limit, start: datetime, pauses: tuple[Pause, ...], more: tuple[Extension, ...], amount: int
) -> None:
    calendar, last = october_2026(), Extension(amount, start)
    plain = deadline(limit, start, calendar, ZONE, pauses, more).due_at
    longer = deadline(limit, start, calendar, ZONE, pauses, (*more, last)).due_at
    assert plain < longer or (limit.roll and plain <= longer)


@given(limits, moments, stretches(), extensions)
def test_the_inputs_recompute_the_deadline(
    limit: Limit, start: datetime, pauses: tuple[Pause, ...], more: tuple[Extension, ...]
) -> None:
    found = deadline(limit, start, october_2026(), ZONE, pauses, more)
    kept = found.inputs
    again = deadline(
        Limit.from_json(kept["limit"]),  # type: ignore[arg-type]
        datetime.fromisoformat(str(kept["started_at"])),
        october_2026(),
        ZONE,
        tuple(Pause.from_json(one) for one in kept.get("pauses", ())),  # type: ignore[attr-defined]
        tuple(Extension.from_json(one) for one in kept.get("extensions", ())),  # type: ignore[attr-defined]
    )
    assert (again.due_at, again.inputs) == (found.due_at, found.inputs)


@given(st.dates(date(2026, 9, 1), date(2026, 11, 30)))
def test_the_cutoff_parts_the_last_microsecond_from_the_instant(day: date) -> None:
    """R3: received at 10:59:59.999999 of a working day is due that day, at 11:00:00 the next working day."""
    calendar, limit = october_2026(), Limit(LimitKind.CUTOFF, at=time(11))
    before = deadline(limit, datetime.combine(day, time(10, 59, 59, 999999), tzinfo=ZONE), calendar, ZONE).due_at
    after = deadline(limit, datetime.combine(day, time(11), tzinfo=ZONE), calendar, ZONE).due_at
    following = datetime.combine(calendar.next_working_day(day), time(11), tzinfo=ZONE)
    assert after == following
    assert before == (datetime.combine(day, time(11), tzinfo=ZONE) if calendar.is_working_day(day) else following)
