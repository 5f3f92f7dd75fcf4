"""The working calendar in force: the published days of chinesecalendar, overlaid by the editable table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import chinese_calendar
from chinese_calendar.constants import holidays as published_holidays
from chinese_calendar.constants import workdays as published_makeup_days
from flask import g
from sqlalchemy import select

from app.models import CalendarDay, CalendarYear, LimitRule, db
from app.rules import clocks as rules
from app.rules.calendar import Day, DayKind, WorkingCalendar
from app.rules.errors import Invalid
from app.services import present


@lru_cache(maxsize=1)
def _published() -> tuple[dict[date, Day], date]:
    days = {
        day: Day(DayKind.HOLIDAY, chinese_calendar.Holiday(name).chinese) for day, name in published_holidays.items()
    }
    days |= {
        day: Day(DayKind.MAKEUP, chinese_calendar.Holiday(name).chinese)
        for day, name in published_makeup_days.items()
        if day.weekday() >= 5
    }
    return days, date(max(days).year, 12, 31)


def published() -> dict[date, Day]:
    """The holidays and make-up days that come with the product."""
    return _published()[0]


def published_until() -> date:
    """The last day of the last year whose holidays come with the product."""
    return _published()[1]


def current() -> WorkingCalendar:
    """The calendar in force, read once per request or job."""
    found: WorkingCalendar | None = g.get("working_calendar")
    if found is None:
        local = {
            row.day: Day(DayKind(row.kind), row.name)
            for row in db.session.scalars(select(CalendarDay).where(CalendarDay.active))
        }
        found = WorkingCalendar(days=published() | local, known_until=_known_until())
        g.working_calendar = found
    return found


def own_days(year: int) -> dict[date, CalendarDay]:
    """The entries in use of a year that were made here."""
    query = select(CalendarDay).where(CalendarDay.active, CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31)))
    return {row.day: row for row in db.session.scalars(query)}


def notice_of(year: int) -> CalendarYear | None:
    """The notice of a year that was entered here."""
    return db.session.get(CalendarYear, year)


def known_until() -> date:
    """The last day that is published or whose year's notice was entered; limits beyond it are provisional (暂定)."""
    until = current().known_until
    assert until is not None
    return until


def _known_until() -> date:
    entered = set(db.session.scalars(select(CalendarYear.year)))
    year = published_until().year
    while year + 1 in entered:
        year += 1
    return date(year, 12, 31)


def forget() -> None:
    """Read the calendar again at the next question: its table was changed."""
    g.pop("working_calendar", None)


@dataclass(frozen=True, slots=True)
class Reach:
    """A limit in use, and the day on which it ends when it starts today."""

    limit: LimitRule
    until: date
    is_provisional: bool


def reaches() -> list[Reach]:
    """Every limit in use counted from now, the farthest first: how long the calendar has to be known."""
    now, zone = present.now(), present.zone()
    found = []
    for row in db.session.scalars(select(LimitRule).where(LimitRule.active)):
        try:
            limit = rules.Limit.from_json({"kind": row.kind, "amount": row.amount, **row.parameters})
        except Invalid:
            continue
        due = rules.deadline(limit, now, current(), zone)
        found.append(Reach(row, due.due_at.astimezone(zone).date(), due.provisional))
    return sorted(found, key=lambda reach: reach.until, reverse=True)


def provisional_limits() -> list[Reach]:
    """The limits that run beyond the known calendar when they start today."""
    return [reach for reach in reaches() if reach.is_provisional]
