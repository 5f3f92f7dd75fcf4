"""What reports say in the reader's language beyond their tables: periods, calendars, scopes, names of files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import words
from app.reports.overdue import AGE_LABELS, CLOCK_LABELS, STATE_LABELS
from app.rules.quarters import Quarter
from app.services import calendar, overdue, present, quarterly, staffing_lists

QUARTERS: Mapping[int, Any] = {
    1: _l("First quarter of %(year)s"),
    2: _l("Second quarter of %(year)s"),
    3: _l("Third quarter of %(year)s"),
    4: _l("Fourth quarter of %(year)s"),
}
STATES: Mapping[str, Any] = {
    "pending": _l("Waiting"),
    "compiling": _l("Being compiled"),
    "ready": _l("Ready"),
    "failed": _l("Failed"),
    "cancelled": _l("Cancelled"),
}
# On which occasion a staffing list was published.
OCCASIONS: Mapping[str, Any] = {"on_demand": _l("On demand"), "half_yearly": _l("Half-yearly")}


def period(quarter: Quarter) -> str:
    """A quarter in words."""
    return str(QUARTERS[quarter.number]) % {"year": quarter.year}


def filename(quarter: Quarter) -> str:
    """The name of the file of a quarterly report."""
    return str(_("Voice of the People Express quarterly report %(period)s", period=period(quarter))) + ".xlsx"


def working_calendar() -> str:
    """Which working calendar the limits were counted with."""
    until = calendar.published_until().isoformat()
    text = _(
        "Public holidays as published up to %(until)s, provisional after that; local exceptions from the calendar.",
        until=until,
    )
    return str(text)


def reader(quarter: Quarter, locale: str) -> quarterly.Reader:
    """The reader of a stored report, in the language in force."""
    return quarterly.Reader(
        t=_,
        english=locale == "en",
        period=period(quarter),
        calendar=working_calendar(),
        sample_mark=_("Contains sample data (示例)"),
        link=lambda appeal_id: f"/appeals/{appeal_id}",
    )


def line(entry: overdue.Line) -> str:
    """The name of a line of the overdue report."""
    if entry.axis == "clock":
        return str(_(CLOCK_LABELS[entry.key]))
    if entry.axis == "age":
        return str(_(AGE_LABELS[entry.key]))
    if entry.key == overdue.NONE:
        return str(_("No post (clock of a unit)") if entry.axis == "post" else _("No unit"))
    return words.named(entry)


def scope(wanted: overdue.Filter, group: Any = None) -> str:
    """Which clocks a filter lets through, as one line."""
    parts = [
        _(
            "Finished late: due %(first)s to %(last)s",
            first=wanted.late_from.isoformat(),
            last=wanted.late_to.isoformat(),
        )
    ]
    if wanted.state:
        parts.append(_(STATE_LABELS[wanted.state]))
    if wanted.clock:
        parts.append(_(CLOCK_LABELS[wanted.clock]))
    if group is not None:
        parts.append(words.named(group))
    if wanted.channel_class:
        parts.append(str(words.CLASSES[wanted.channel_class]))
    return " · ".join(parts)


def moment(at: datetime) -> str:
    """A moment to the minute, local."""
    return at.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")


def staffing_reader() -> staffing_lists.Reader:
    """The reader of a staffing list, in the language in force."""
    return staffing_lists.Reader(t=_, named=words.named, duty=lambda post: words.titled(post, "duty"))
