"""The working calendar in force: the published days of chinesecalendar, overlaid by the editable table."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import chinese_calendar
from chinese_calendar.constants import holidays as published_holidays
from chinese_calendar.constants import workdays as published_makeup_days
from flask import g
from sqlalchemy import select

from app.models import CalendarDay, db
from app.rules.calendar import Day, DayKind, WorkingCalendar


@lru_cache(maxsize=1)
def _published() -> tuple[dict[date, Day], date]:
    days = {
        day: Day(DayKind.HOLIDAY, chinese_calendar.Holiday(name).chinese)
        for day, name in published_holidays.items()
    }
    days |= {
        day: Day(DayKind.MAKEUP, chinese_calendar.Holiday(name).chinese)
        for day, name in published_makeup_days.items()
        if day.weekday() >= 5
    }
    return days, date(max(days).year, 12, 31)


def published_until() -> date:
    """The last day of the last year whose holidays are published; limits beyond it are provisional (暂定)."""
    return _published()[1]


def current() -> WorkingCalendar:
    """The calendar in force, read once per request or job."""
    found: WorkingCalendar | None = g.get("working_calendar")
    if found is None:
        days, until = _published()
        local = {
            row.day: Day(DayKind(row.kind), row.name)
            for row in db.session.scalars(select(CalendarDay).where(CalendarDay.active))
        }
        found = WorkingCalendar(days=days | local, known_until=until)
        g.working_calendar = found
    return found


def forget() -> None:
    """Read the calendar again at the next question: its table was changed."""
    g.pop("working_calendar", None)
