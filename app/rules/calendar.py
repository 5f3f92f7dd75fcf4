"""The working calendar: which days count, and which hours of them.

Built from plain data; the service layer feeds it the published days (holidays and make-up working days)
overlaid by the editable table. Local dates only: no time zone, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from .errors import Invalid

# A calendar that never works must fail, not loop: two years without a working day is such a calendar.
SEARCH_LIMIT_DAYS = 732


class DayKind(StrEnum):
    """What an entry of the calendar makes of a day."""

    HOLIDAY = "holiday"  # 节假日: rests although the week says work
    MAKEUP = "makeup"  # 调休上班: works although the week says rest
    HALF = "half"  # works in the morning only
    CLOSURE = "closure"  # local closure: rests


@dataclass(frozen=True, slots=True)
class Day:
    """One entry of the calendar, with the name people know it by ("国庆节")."""

    kind: DayKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of a day, from `start` up to but not including `end`, local time."""

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise Invalid("calendar.span-empty", {"start": self.start.isoformat(), "end": self.end.isoformat()})


WEEK: frozenset[int] = frozenset({0, 1, 2, 3, 4})
HOURS: tuple[Span, ...] = (Span(time(9), time(12)), Span(time(13, 30), time(17, 30)))


@dataclass(frozen=True)
class WorkingCalendar:
    """Working days and hours. `week` holds the working weekdays (Monday is 0).

    After `known_until`, the last date of the published notice, answers follow the week and the entries alone
    and are provisional (暂定). `hours` is a full day, `half_hours` a half day (default: the first span).
    """

    days: Mapping[date, Day] = field(default_factory=dict)
    known_until: date | None = None
    week: frozenset[int] = WEEK
    hours: tuple[Span, ...] = HOURS
    half_hours: tuple[Span, ...] | None = None

    def day(self, d: date) -> Day | None:
        """The entry of `d`, or None on an ordinary day."""
        return self.days.get(d)

    def is_working_day(self, d: date) -> bool:
        """Whether `d` counts as a working day; a half day does."""
        entry = self.days.get(d)
        if entry is None:
            return d.weekday() in self.week
        return entry.kind in (DayKind.MAKEUP, DayKind.HALF)

    def is_provisional(self, d: date) -> bool:
        """Whether the official notice for `d` is still to come."""
        return self.known_until is not None and d > self.known_until

    def next_working_day(self, d: date) -> date:
        """The first working day after `d`. Raises Invalid("calendar.no-working-day") on an endless rest."""
        return self._seek(d, 1)

    def previous_working_day(self, d: date) -> date:
        """The last working day before `d`. Raises like `next_working_day`."""
        return self._seek(d, -1)

    def add_working_days(self, d: date, n: int) -> date:
        """The `n`-th working day after `d`, itself not counted; before it for a negative `n`; 0 is `d`."""
        step = 1 if n >= 0 else -1
        for _ in range(abs(n)):
            d = self._seek(d, step)
        return d

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lie in (`first`, `last`]; negative when `last` is earlier."""
        if last < first:
            return -self.working_days_between(last, first)
        return sum(self.is_working_day(first + timedelta(days=i)) for i in range(1, (last - first).days + 1))

    def spans(self, d: date) -> tuple[Span, ...]:
        """The working hours of `d`; empty when it rests."""
        if not self.is_working_day(d):
            return ()
        entry = self.days.get(d)
        if entry is not None and entry.kind is DayKind.HALF:
            return self.hours[:1] if self.half_hours is None else self.half_hours
        return self.hours

    def closing(self, d: date) -> time:
        """When the working hours of `d` end; midnight on a day without any, so that nothing comes before it."""
        spans = self.spans(d)
        return spans[-1].end if spans else time()

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two local times without zone; none when `end` is earlier."""
        if start.tzinfo is not None or end.tzinfo is not None:
            raise ValueError("working_time takes local times without a zone")
        worked = timedelta()
        for i in range(max((end.date() - start.date()).days + 1, 0)):
            for begin, finish in self._moments(start.date() + timedelta(days=i)):
                worked += max(min(finish, end) - max(begin, start), timedelta())
        return worked

    def add_working_time(self, start: datetime, left: timedelta) -> datetime:
        """The local time at which `left` of working time has passed since `start`.

        Raises Invalid("calendar.no-working-day") when no hour ever works.
        """
        if start.tzinfo is not None or left < timedelta():
            raise ValueError("add_working_time takes a local time without a zone and no negative time")
        if not left:
            return start
        idle, d = 0, start.date()
        while idle <= SEARCH_LIMIT_DAYS:
            worked = timedelta()
            for begin, finish in self._moments(d):
                begin = max(begin, start)
                usable = max(finish - begin, timedelta())
                if left <= usable:
                    return begin + left
                left -= usable
                worked += usable
            idle = 0 if worked else idle + 1
            d += timedelta(days=1)
        raise Invalid("calendar.no-working-day", {"from": start.date().isoformat()})

    def _moments(self, d: date) -> Iterator[tuple[datetime, datetime]]:
        for span in self.spans(d):
            yield datetime.combine(d, span.start), datetime.combine(d, span.end)

    def _seek(self, d: date, step: int) -> date:
        found = d
        for _ in range(SEARCH_LIMIT_DAYS):
            found += timedelta(days=step)
            if self.is_working_day(found):
                return found
        raise Invalid("calendar.no-working-day", {"from": d.isoformat()})
