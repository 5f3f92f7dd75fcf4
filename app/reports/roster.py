"""A month of a duty roster as a workbook: a list to be edited and handed in again, a calendar for the wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .table import Book, Column, ReportTable, Translate, wording


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: a shift, or a day without one. Times are as written, names joined."""

    day: date
    weekday: str
    starts: str = ""
    ends: str = ""
    main: str = ""
    second: str = ""
    label: str = ""


@dataclass(frozen=True)
class RosterMonth:
    """What the workbook says; `weeks` are the cells of the calendar, seven a week, each a few lines of text."""

    office: str
    month: str
    lines: Sequence[Line]
    weekdays: Sequence[str]
    weeks: Sequence[Sequence[str]]
    gaps: Sequence[str]
    exported: str
    author: str = ""


def book(month: RosterMonth, t: Translate) -> Book:
    """Two sheets on A4: the list and the calendar."""
    title = t("{office}: duty roster, {month}").format(office=month.office, month=month.month)
    gaps = (t("Nobody has duty: {gaps}").format(gaps="; ".join(month.gaps)),) if month.gaps else ()
    # Seventy characters: a month of one shift a day stands on one upright page.
    columns = (
        Column("date", t("Date"), "text", width=11),
        Column("weekday", t("Weekday"), "ordinal", width=6),
        Column("from", t("From"), "ordinal", width=7),
        Column("until", t("Until"), "ordinal", width=12),
        Column("main", t("Main seat"), width=14),
        Column("second", t("Second seat"), width=13),
        Column("label", t("Name of the shift"), width=7),
    )
    rows = [
        (line.day.isoformat(), line.weekday, line.starts, line.ends, line.main, line.second, line.label)
        for line in month.lines
    ]
    hint = t("To change it: edit the rows, several names divided by commas, and hand the workbook in again.")
    listed = ReportTable(title, columns, rows, (month.exported,), (*gaps, hint), sheet=t("Duty list"), frozen=2)
    days = tuple(Column(f"day{number}", name, width=22) for number, name in enumerate(month.weekdays))
    calendar = ReportTable(title, days, list(month.weeks), (month.exported,), gaps, sheet=t("Month calendar"))
    return Book(title, (listed, calendar), wording(t), footer=month.exported, author=month.author)
