"""Deadlines: when something is due, why, and whether it was late.

Moments are aware and leave this module in UTC; days and hours are local in the zone given. Days are counted
the way Chinese law counts them (民法典 201, 203): the day of the start does not count, the last day ends at
24:00, and a limit in calendar days that ends on a day of rest ends on the next working day. How the last day
ends and whether it rolls are fields of `Limit`, so an administrator can say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import assert_never

from .calendar import SEARCH_LIMIT_DAYS, DayKind, WorkingCalendar
from .errors import Invalid


class LimitKind(StrEnum):
    """How a limit is counted."""

    WALL_HOURS = "wall_hours"  # hours by the wall clock, day and night (R3 A, B, F)
    WORKING_HOURS = "working_hours"  # hours of working time
    CUTOFF = "cutoff"  # by a time of every working day (R3 C, D, E)
    SAME_DAY_END = "same_day_end"  # 当天: the day it starts, or the working day it falls on (R6)
    WORKING_DAYS = "working_days"  # the N-th working day after the day it starts
    CALENDAR_DAYS = "calendar_days"  # the N-th day after the day it starts
    FIXED = "fixed"  # a date somebody set


class DayEnd(StrEnum):
    """When the last day of a limit ends."""

    MIDNIGHT = "midnight"  # 24:00, the next local midnight
    WORK = "work"  # the end of its working hours


class LateWhen(StrEnum):
    """Which side of the due instant the instant itself belongs to."""

    AFTER = "after"  # "within": exactly at the due instant is in time
    AT_OR_AFTER = "at_or_after"  # "before 11:00": exactly 11:00:00 is late


class Status(StrEnum):
    """A clock as it reads at a moment; never stored."""

    OPEN = "open"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"  # still running and late
    MET = "met"
    BROKEN = "broken"  # stopped, but late
    NO_LIMIT = "no_limit"


COUNTED = (LimitKind.WALL_HOURS, LimitKind.WORKING_HOURS, LimitKind.WORKING_DAYS, LimitKind.CALENDAR_DAYS)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as data.

    `amount` is hours or days for the counted kinds; `at` the local time of a cut-off, or of a fixed date;
    `on` that date; `until` ends the last day; `roll` moves a calendar-day end off a day of rest.
    """

    kind: LimitKind
    amount: int = 0
    at: time | None = None
    on: date | None = None
    until: DayEnd = DayEnd.MIDNIGHT
    roll: bool = True

    def __post_init__(self) -> None:
        if self.kind in COUNTED and self.amount < 1:
            raise Invalid("limit.amount-missing", {"kind": self.kind.value}, field="amount")
        if self.kind is LimitKind.CUTOFF and self.at is None:
            raise Invalid("limit.time-missing", {"kind": self.kind.value}, field="at")
        if self.kind is LimitKind.FIXED and self.on is None:
            raise Invalid("limit.date-missing", {"kind": self.kind.value}, field="on")

    @property
    def late_when(self) -> LateWhen:
        """A cut-off is missed at its very instant (R3: 11:00:00 is late); every other limit only after it."""
        return LateWhen.AT_OR_AFTER if self.kind is LimitKind.CUTOFF else LateWhen.AFTER

    def to_json(self) -> dict[str, object]:
        """The limit as JSON values; `Limit.from_json` reads it back."""
        return {
            "kind": self.kind.value,
            "amount": self.amount,
            "at": self.at.isoformat() if self.at else None,
            "on": self.on.isoformat() if self.on else None,
            "until": self.until.value,
            "roll": self.roll,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Limit:
        """Reads what `to_json` wrote, or a seed row of strings. Raises Invalid("limit.unreadable")."""
        try:
            at, on, roll = data.get("at"), data.get("on"), data.get("roll", True)
            return cls(
                LimitKind(str(data["kind"])),
                int(str(data.get("amount") or 0)),
                time.fromisoformat(str(at)) if at else None,
                date.fromisoformat(str(on)) if on else None,
                DayEnd(str(data.get("until") or DayEnd.MIDNIGHT)),
                roll not in (False, "false", "0", 0),
            )
        except (KeyError, ValueError) as cause:
            raise Invalid("limit.unreadable", {"limit": dict(data)}) from cause


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which a clock does not count, for a reason. Moments are aware.

    Hours lose exactly the stretch. For limits in days each local day from the one on which the pause starts is
    not counted, the day on which it ends is.
    """

    starts_at: datetime
    ends_at: datetime
    reason: str = ""

    def to_json(self) -> dict[str, str]:
        """The pause as JSON values; `Pause.from_json` reads it back."""
        return {"starts_at": _iso(self.starts_at), "ends_at": _iso(self.ends_at), "reason": self.reason}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Pause:
        """Reads what `to_json` wrote."""
        starts, ends = (datetime.fromisoformat(str(data[name])) for name in ("starts_at", "ends_at"))
        return cls(starts, ends, str(data.get("reason") or ""))


@dataclass(frozen=True, slots=True)
class Extension:
    """More of the limit's own unit, granted at a moment; other kinds than the counted ones move by calendar days."""

    amount: int
    granted_at: datetime

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise Invalid("extension.amount", {"amount": self.amount}, field="amount")

    def to_json(self) -> dict[str, object]:
        """The extension as JSON values; `Extension.from_json` reads it back."""
        return {"amount": self.amount, "granted_at": _iso(self.granted_at)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Extension:
        """Reads what `to_json` wrote."""
        return cls(int(str(data["amount"])), datetime.fromisoformat(str(data["granted_at"])))


# R3 and R6 as founded. The seed loads them into the limits table, which is what the product reads.
COLLECTION_LIMITS: Mapping[str, Limit] = {
    "A": Limit(LimitKind.WALL_HOURS, 1),
    "B": Limit(LimitKind.WALL_HOURS, 1),
    "C": Limit(LimitKind.CUTOFF, at=time(11)),
    "D": Limit(LimitKind.CUTOFF, at=time(11)),
    "E": Limit(LimitKind.CUTOFF, at=time(11)),
    "F": Limit(LimitKind.WALL_HOURS, 1),
}
DELIVERY_LIMIT = Limit(LimitKind.SAME_DAY_END)
FETCH_BACK_LIMIT = Limit(LimitKind.WORKING_DAYS, 2)


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One line of "why is it due then": a local date, a code for the words, their data (JSON values).

    Codes: start · add.wall · add.working · cutoff.before · cutoff.missed · cutoff.rest · day.end · day.next ·
    day.fixed · day.moved · count.working · count.makeup · count.half · count.calendar · skip.weekend ·
    skip.holiday · skip.closure · skip.paused · resume · extend.wall_hours · extend.working_hours ·
    extend.working_days · extend.calendar_days · due.
    """

    on: date
    code: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Deadline:
    """When a limit ends (UTC), with everything needed to explain and recompute it.

    `provisional`: the count crossed the end of the published calendar (暂定).
    """

    due_at: datetime
    late_when: LateWhen
    inputs: Mapping[str, object]
    trace: tuple[TraceLine, ...]
    provisional: bool

    def trace_json(self) -> list[dict[str, object]]:
        """The trace as JSON values, for storing beside the clock."""
        return [{"on": line.on.isoformat(), "code": line.code, "data": dict(line.data)} for line in self.trace]


def deadline(
    limit: Limit,
    started_at: datetime,
    calendar: WorkingCalendar,
    zone: tzinfo,
    pauses: Sequence[Pause] = (),
    extensions: Sequence[Extension] = (),
) -> Deadline:
    """When `limit` ends for something that started at `started_at` (aware), with its pauses and extensions.

    Raises Invalid("limit.before-start") for a fixed date already past at the start, and
    Invalid("calendar.no-working-day") when the calendar never works.
    """
    count = _Count(calendar, zone, _local(started_at, zone), tuple(pauses))
    more = tuple(extensions)
    match limit.kind:
        case LimitKind.WALL_HOURS:
            due = count.wall_hours(limit.amount, more)
        case LimitKind.WORKING_HOURS:
            due = count.working_hours(limit.amount, more)
        case LimitKind.CUTOFF:
            assert limit.at is not None
            due = count.utc(count.moved(count.cutoff(limit.at), more), limit.at)
        case LimitKind.SAME_DAY_END:
            due = count.day_end(count.moved(count.same_day(limit.until), more), limit.until)
        case LimitKind.WORKING_DAYS:
            due = count.day_end(count.working_days(limit.amount, more), limit.until)
        case LimitKind.CALENDAR_DAYS:
            due = count.day_end(count.calendar_days(limit.amount, more, roll=limit.roll), limit.until)
        case LimitKind.FIXED:
            assert limit.on is not None
            due = count.fixed(limit.on, limit.at, limit.until, more)
        case _:
            assert_never(limit.kind)
    return count.finish(limit, due, more)


class _Count:
    """One computation: the local start, the lines written so far, the days asked of the calendar."""

    def __init__(self, calendar: WorkingCalendar, zone: tzinfo, start: datetime, pauses: tuple[Pause, ...]) -> None:
        self.calendar, self.zone, self.start = calendar, zone, start
        self.pauses = sorted(pauses, key=lambda pause: pause.starts_at)
        self.told: set[Pause] = set()
        self.asked: set[date] = set()
        self.lines: list[TraceLine] = []
        self.note(start.date(), "start", at=_clock(start))

    # --- lines and days ---

    def note(self, on: date, code: str, **data: object) -> None:
        self.lines.append(TraceLine(on, code, data))

    def works(self, d: date) -> bool:
        self.asked.add(d)
        return self.calendar.is_working_day(d)

    def utc(self, on: date, at: time) -> datetime:
        return datetime.combine(on, at, tzinfo=self.zone).astimezone(UTC)

    def skip(self, d: date) -> None:
        entry = self.calendar.day(d)
        self.note(d, f"skip.{entry.kind.value if entry else 'weekend'}", name=entry.name if entry else "")

    def pause_on(self, d: date) -> Pause | None:
        """The pause for which the day `d` does not count."""
        for pause in self.pauses:
            if self.local(pause.starts_at).date() <= d < self.local(pause.ends_at).date():
                return pause
        return None

    def local(self, moment: datetime) -> datetime:
        return _local(moment, self.zone)

    def tell_pause(self, on: date, pause: Pause) -> None:
        if pause not in self.told:
            self.told.add(pause)
            self.note(on, "skip.paused", name=pause.reason, until=_minute(self.local(pause.ends_at)))

    def tell_resume(self, d: date) -> None:
        for pause in self.pauses:
            if pause in self.told and self.local(pause.ends_at).date() == d:
                self.note(d, "resume", at=_clock(self.local(pause.ends_at)))

    def tell_extension(self, on: date, unit: str, extension: Extension) -> None:
        granted = self.local(extension.granted_at).date()
        self.note(on, f"extend.{unit}", amount=extension.amount, granted=granted.isoformat())

    def next_day(self, d: date) -> date:
        """The next day that no pause takes out."""
        while True:
            d += timedelta(days=1)
            pause = self.pause_on(d)
            if pause is None:
                self.tell_resume(d)
                return d
            self.tell_pause(d, pause)

    def next_working_day(self, d: date) -> date:
        """The next working day that no pause takes out."""
        found = d
        for _ in range(SEARCH_LIMIT_DAYS):
            found = self.next_day(found)
            if self.works(found):
                return found
            self.skip(found)
        raise Invalid("calendar.no-working-day", {"from": d.isoformat()})

    # --- the kinds ---

    def working_days(self, amount: int, extensions: tuple[Extension, ...]) -> date:
        d, n = self.start.date(), 0
        for extension in (None, *extensions):
            if extension is not None:
                self.tell_extension(d, "working_days", extension)
            for _ in range(extension.amount if extension else amount):
                d, n = self.next_working_day(d), n + 1
                entry = self.calendar.day(d)
                kind = entry.kind if entry else None
                code = kind.value if kind in (DayKind.MAKEUP, DayKind.HALF) else "working"
                self.note(d, f"count.{code}", n=n, name=entry.name if entry else "")
        return d

    def calendar_days(self, amount: int, extensions: tuple[Extension, ...], *, roll: bool) -> date:
        d, n = self.start.date(), 0
        for extension in (None, *extensions):
            if extension is not None:
                self.tell_extension(d, "calendar_days", extension)
            for _ in range(extension.amount if extension else amount):
                d, n = self.next_day(d), n + 1
            self.note(d, "count.calendar", n=n)
        if roll and not self.works(d):
            self.skip(d)
            d = self.next_working_day(d)
        return d

    def moved(self, d: date, extensions: tuple[Extension, ...]) -> date:
        """`d` moved by the extensions, in calendar days."""
        for extension in extensions:
            self.tell_extension(d, "calendar_days", extension)
            for _ in range(extension.amount):
                d = self.next_day(d)
        return d

    def day_end(self, d: date, until: DayEnd) -> datetime:
        if until is DayEnd.WORK and self.works(d) and (spans := self.calendar.spans(d)):
            self.note(d, "day.end", at=spans[-1].end.strftime("%H:%M"))
            return self.utc(d, spans[-1].end)
        self.note(d, "day.end", at="24:00")
        return self.utc(d + timedelta(days=1), time())

    def same_day(self, until: DayEnd) -> date:
        """The day of the start; with working hours the next working day when that day's are over or there are none."""
        d = self.start.date()
        if pause := self.pause_on(d):
            self.tell_pause(d, pause)
            d = self.next_day(d)
        if until is DayEnd.MIDNIGHT:
            return d
        if not self.works(d):
            self.skip(d)
        elif d > self.start.date() or self.start.time() < self.calendar.closing(d):
            return d
        d = self.next_working_day(d)
        self.note(d, "day.next")
        return d

    def wall_hours(self, amount: int, extensions: tuple[Extension, ...]) -> datetime:
        # Added in UTC: an hour stays sixty minutes where the zone changes its offset.
        due = self.passed(self.start.astimezone(UTC), timedelta(hours=amount))
        self.note(self.start.date(), "add.wall", hours=amount)
        for extension in extensions:
            self.tell_extension(self.local(due).date(), "wall_hours", extension)
            due = self.passed(due, timedelta(hours=extension.amount))
        return due

    def passed(self, start: datetime, left: timedelta) -> datetime:
        """When `left` has passed since `start` outside of the pauses."""
        for pause in self.pauses:
            if pause.ends_at <= start:
                continue
            if pause.starts_at >= start + left:
                break
            left -= max(pause.starts_at - start, timedelta())
            self.pass_over(pause)
            start = pause.ends_at.astimezone(UTC)
        return start + left

    def working_hours(self, amount: int, extensions: tuple[Extension, ...]) -> datetime:
        due, day = self.start.replace(tzinfo=None), self.start.date()
        for extension in (None, *extensions):
            if extension is not None:
                self.tell_extension(due.date(), "working_hours", extension)
            due = self.worked(due, timedelta(hours=extension.amount if extension else amount))
            while day <= due.date():
                if not self.works(day):
                    self.skip(day)
                day += timedelta(days=1)
            if extension is None:
                self.note(due.date(), "add.working", hours=amount)
        return due.replace(tzinfo=self.zone).astimezone(UTC)

    def worked(self, start: datetime, left: timedelta) -> datetime:
        """The local time at which `left` of working time has passed since `start` outside of the pauses."""
        for pause in self.pauses:
            begin, end = (self.local(at).replace(tzinfo=None) for at in (pause.starts_at, pause.ends_at))
            if end <= start:
                continue
            usable = self.calendar.working_time(start, begin)
            if left <= usable:
                break
            left -= usable
            self.pass_over(pause)
            start = end
        return self.calendar.add_working_time(start, left)

    def pass_over(self, pause: Pause) -> None:
        """Tell of a pause that takes its stretch out of hours."""
        if pause not in self.told:
            starts, ends = self.local(pause.starts_at), self.local(pause.ends_at)
            self.tell_pause(starts.date(), pause)
            self.note(ends.date(), "resume", at=_clock(ends))

    def cutoff(self, at: time) -> date:
        d = self.start.date()
        pause = self.pause_on(d)
        if pause or not self.works(d):
            if pause:
                self.tell_pause(d, pause)
            else:
                self.skip(d)
            d = self.next_working_day(d)
            self.note(d, "cutoff.rest", at=at.strftime("%H:%M"))
        elif self.start.time() < at:
            self.note(d, "cutoff.before", at=at.strftime("%H:%M"))
        else:
            self.note(d, "cutoff.missed", at=at.strftime("%H:%M"))
            d = self.next_working_day(d)
        return d

    def fixed(self, on: date, at: time | None, until: DayEnd, extensions: tuple[Extension, ...]) -> datetime:
        d = self.start.date()
        if (self.utc(on, at) if at else self.utc(on + timedelta(days=1), time())) <= self.start.astimezone(UTC):
            raise Invalid("limit.before-start", {"on": on.isoformat()}, field="on")
        if on == d and (pause := self.pause_on(on)):
            self.tell_pause(on, pause)
            d = self.next_day(on)
        for _ in range((on - self.start.date()).days):
            d = self.next_day(d)
        if d > on:
            self.note(d, "day.moved", was=on.isoformat())
        else:
            d = on
            self.note(d, "day.fixed")
        d = self.moved(d, extensions)
        return self.utc(d, at) if at is not None else self.day_end(d, until)

    def finish(self, limit: Limit, due: datetime, extensions: tuple[Extension, ...]) -> Deadline:
        local = due.astimezone(self.zone)
        self.note(local.date(), "due", at=_clock(local))
        calendar = self.calendar
        inputs: dict[str, object] = {
            "limit": limit.to_json(),
            "started_at": self.start.astimezone(UTC).isoformat(),
            "zone": str(self.zone),
            "known_until": calendar.known_until.isoformat() if calendar.known_until else None,
            "days": {
                d.isoformat(): {"kind": e.kind.value, "name": e.name}
                for d in sorted(self.asked)
                if (e := calendar.day(d))
            },
        }
        if self.pauses:
            inputs["pauses"] = [pause.to_json() for pause in self.pauses]
        if extensions:
            inputs["extensions"] = [extension.to_json() for extension in extensions]
        provisional = any(calendar.is_provisional(d) for d in self.asked)
        return Deadline(due, limit.late_when, inputs, tuple(self.lines), provisional)


@dataclass(frozen=True, slots=True)
class Clock:
    """A running or stopped clock; moments are aware. `warn_at` is when it starts to count as due soon."""

    due_at: datetime | None
    late_when: LateWhen = LateWhen.AFTER
    stopped_at: datetime | None = None
    warn_at: datetime | None = None


def is_late(due_at: datetime, late_when: LateWhen, moment: datetime) -> bool:
    """Whether `moment` (a stop, or now for a running clock) is late for `due_at`."""
    return moment > due_at or (late_when is LateWhen.AT_OR_AFTER and moment == due_at)


def status(clock: Clock, now: datetime) -> Status:
    """How the clock reads at `now`. A stop later than `now` has not happened yet, so `now` may be past."""
    if clock.due_at is None:
        return Status.NO_LIMIT
    if clock.stopped_at is not None and clock.stopped_at <= now:
        return Status.BROKEN if is_late(clock.due_at, clock.late_when, clock.stopped_at) else Status.MET
    if is_late(clock.due_at, clock.late_when, now):
        return Status.OVERDUE
    if clock.warn_at is not None and now >= clock.warn_at:
        return Status.DUE_SOON
    return Status.OPEN


def warn_at(started_at: datetime, due_at: datetime, *, percent: int = 75) -> datetime:
    """When `percent` of the time has passed: short limits warn late, long ones early."""
    if not 0 <= percent <= 100:
        raise Invalid("limit.percent-range", {"percent": percent}, field="percent")
    return started_at + (due_at - started_at) * percent / 100


def _local(moment: datetime, zone: tzinfo) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(zone)


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
