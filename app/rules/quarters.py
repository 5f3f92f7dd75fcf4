"""Calendar quarters: their days, their moments in a zone, the quarters they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from .errors import Invalid

FIRST_YEAR, LAST_YEAR = 1949, 9998


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """One quarter of a year. Raises Invalid("quarter.unknown") for a fifth quarter or a year out of range."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 4 or not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise Invalid("quarter.unknown", {"year": self.year, "quarter": self.number}, field="quarter")

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The quarter a day lies in."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def first_day(self) -> date:
        """The day it begins with."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """The day it ends with, included."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> Quarter:
        """The quarter after it."""
        return Quarter(self.year + 1, 1) if self.number == 4 else Quarter(self.year, self.number + 1)

    @property
    def previous(self) -> Quarter:
        """The quarter before it."""
        return Quarter(self.year - 1, 4) if self.number == 1 else Quarter(self.year, self.number - 1)

    @property
    def year_before(self) -> Quarter:
        """The same quarter of the year before."""
        return Quarter(self.year - 1, self.number)

    def moments(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """From its first local midnight up to, not including, the first one after it; UTC."""
        return midnight(self.first_day, zone), midnight(self.next.first_day, zone)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The moment a local day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
