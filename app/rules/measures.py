"""The arithmetic of the figures that compare units: one definition for pages, workbooks and, later, scores.

A rate is a Decimal of percent, rounded half up to two decimals as the circulars print it; where nothing
could be counted it is None and shown as "—", never as 0 % or 100 %. Nothing here knows where its numbers come
from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

EMPTY = "—"
_CENT = Decimal("0.01")
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


def half_up(value: Decimal) -> Decimal:
    """`value` with two decimals, halves away from zero, as a person rounds."""
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def rate(part: int, whole: int) -> Decimal | None:
    """`part` of `whole` in percent; None when `whole` is 0. Raises ValueError unless 0 ≤ part ≤ whole."""
    if not 0 <= part <= whole:
        raise ValueError(f"not a part of a whole: {part} of {whole}")
    return half_up(Decimal(part) * 100 / whole) if whole else None


def mean_days(total: timedelta, count: int) -> Decimal | None:
    """The mean of `count` durations that sum to `total`, in days of 24 hours; None when there are none."""
    if count < 0:
        raise ValueError(f"a negative count: {count}")
    return half_up(Decimal(total // _MICROSECOND) / (_DAY // _MICROSECOND) / count) if count else None


def growth(now: Decimal | int | None, before: Decimal | int | None) -> Decimal | None:
    """By how many percent a count rose (or fell, negative) against an earlier one; None without a base."""
    if now is None or before is None or not before:
        return None
    return half_up((Decimal(now) - Decimal(before)) * 100 / abs(Decimal(before)))


def difference(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """By how many percentage points a rate, or days a mean, differs from an earlier one."""
    return None if now is None or before is None else half_up(now - before)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the appeals assigned to a unit (R9, R10, R13); four parts that sum to `assigned`.

    `unlimited` are finished appeals that had no limit: finished, but neither on time nor late.
    `overdue` counts those of `unfinished` whose limit has passed.
    """

    assigned: int = 0
    on_time: int = 0
    late: int = 0
    unlimited: int = 0
    unfinished: int = 0
    overdue: int = 0

    def __post_init__(self) -> None:
        if min(self.assigned, self.on_time, self.late, self.unlimited, self.unfinished, self.overdue) < 0:
            raise ValueError(f"a negative count: {self}")
        if self.on_time + self.late + self.unlimited + self.unfinished != self.assigned:
            raise ValueError(f"the parts do not sum to the assigned: {self}")
        if self.overdue > self.unfinished:
            raise ValueError(f"more overdue than unfinished: {self}")

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.assigned + other.assigned, self.on_time + other.on_time, self.late + other.late,
            self.unlimited + other.unlimited, self.unfinished + other.unfinished,
            self.overdue + other.overdue,
        )

    @staticmethod
    def total(tallies: Iterable[Tally]) -> Tally:
        """All of them as one unit; a group's rate is computed from this, never as a mean of rates."""
        return sum(tallies, Tally())

    @property
    def finished(self) -> int:
        """Finished in whatever time."""
        return self.assigned - self.unfinished

    @property
    def matured(self) -> int:
        """Those known to be on time or not: finished under a limit, or the limit has passed."""
        return self.on_time + self.late + self.overdue

    @property
    def finish_rate(self) -> Decimal | None:
        """Finish rate (办结率): finished of all assigned."""
        return rate(self.finished, self.assigned)

    @property
    def on_time_rate(self) -> Decimal | None:
        """On-time rate (按时办结率): on time of those matured; what still has time counts neither way."""
        return rate(self.on_time, self.matured)


@dataclass(frozen=True, slots=True)
class Punctuality:
    """How a post's or section's clocks were kept (R13): in time, or broken (late, or open and overdue)."""

    in_time: int = 0
    broken: int = 0

    def __post_init__(self) -> None:
        if min(self.in_time, self.broken) < 0:
            raise ValueError(f"a negative count: {self}")

    def __add__(self, other: Punctuality) -> Punctuality:
        return Punctuality(self.in_time + other.in_time, self.broken + other.broken)

    @staticmethod
    def total(parts: Iterable[Punctuality]) -> Punctuality:
        """All of them together."""
        return sum(parts, Punctuality())

    @property
    def due(self) -> int:
        """Clocks whose outcome is known."""
        return self.in_time + self.broken

    @property
    def rate(self) -> Decimal | None:
        """In time, of those whose outcome is known."""
        return rate(self.in_time, self.due)


@dataclass(frozen=True, slots=True)
class AgeBucket:
    """One step of the ages of an overdue report: durations below `below` that no earlier step took."""

    code: str
    below: timedelta | None


AGE_BUCKETS = (
    AgeBucket("under-1-day", timedelta(days=1)),
    AgeBucket("1-to-3-days", timedelta(days=3)),
    AgeBucket("3-to-7-days", timedelta(days=7)),
    AgeBucket("7-to-15-days", timedelta(days=15)),
    AgeBucket("15-to-30-days", timedelta(days=30)),
    AgeBucket("over-30-days", None),
)


def age_bucket(age: timedelta) -> str:
    """The code of the step an age falls into; 3 days sharp belongs to 3-to-7-days."""
    return next(bucket.code for bucket in AGE_BUCKETS if bucket.below is None or age < bucket.below)
