"""A year of the working calendar as a page shows it: twelve months from Monday to Sunday, and its entries in a list."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from app.models import CalendarDay
from app.rules.calendar import Day, WorkingCalendar

# Kinds on which people work; the others rest.
WORKING = frozenset({"makeup", "half"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of a month. `kind` is that of its entry, "" on an ordinary day; `is_own` when it was entered here."""

    day: date
    in_month: bool
    is_working: bool
    kind: str
    name: str
    is_own: bool
    is_today: bool
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A month by weeks, and how many working days it has."""

    first: date
    weeks: tuple[tuple[Cell, ...], ...]
    working_days: int


@dataclass(frozen=True, slots=True)
class Listed:
    """Consecutive days of one kind, name and source; `row_id` is the own entry of a single day."""

    first: date
    last: date
    kind: str
    name: str
    name_en: str
    is_own: bool
    row_id: int | None


@dataclass(frozen=True)
class Year:
    """A year at a glance."""

    number: int
    months: tuple[Month, ...]
    entries: tuple[Listed, ...]
    working_days: int


def year(number: int, calendar: WorkingCalendar, own: Mapping[date, CalendarDay], today: date) -> Year:
    """The year as the calendar in force has it; `own` are the entries in use that were made here."""
    months = tuple(_month(date(number, n, 1), calendar, own, today) for n in range(1, 13))
    days = {day: entry for day, entry in calendar.days.items() if day.year == number}
    return Year(number, months, tuple(_listed(days, own)), sum(month.working_days for month in months))


def _month(first: date, calendar: WorkingCalendar, own: Mapping[date, CalendarDay], today: date) -> Month:
    weeks = tuple(
        tuple(_cell(day, first, calendar, own, today) for day in week)
        for week in Calendar(firstweekday=0).monthdatescalendar(first.year, first.month)
    )
    return Month(first, weeks, sum(cell.in_month and cell.is_working for week in weeks for cell in week))


def _cell(day: date, first: date, calendar: WorkingCalendar, own: Mapping[date, CalendarDay], today: date) -> Cell:
    entry = calendar.day(day)
    return Cell(
        day,
        day.month == first.month,
        calendar.is_working_day(day),
        entry.kind.value if entry else "",
        entry.name if entry else "",
        day in own,
        day == today,
        calendar.is_provisional(day),
    )


def _listed(days: Mapping[date, Day], own: Mapping[date, CalendarDay]) -> list[Listed]:
    found: list[Listed] = []
    for day in sorted(days):
        entry, row = days[day], own.get(day)
        last = found[-1] if found else None
        one = Listed(
            day,
            day,
            entry.kind.value,
            entry.name,
            row.name_en if row else "",
            row is not None,
            row.id if row else None,
        )
        if last and day - last.last == timedelta(days=1) and _alike(last, one):
            found[-1] = Listed(last.first, day, one.kind, one.name, one.name_en, one.is_own, None)
        else:
            found.append(one)
    return found


def _alike(one: Listed, other: Listed) -> bool:
    return (one.kind, one.name, one.is_own) == (other.kind, other.name, other.is_own)
