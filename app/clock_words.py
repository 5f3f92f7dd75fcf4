"""Words of the clocks: why one is due when it is, and what moved it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import format_date, get_locale
from flask_babel import lazy_gettext as _l

from app import roster_words

Label = Any

# The lines of a trace (app/rules/clocks.py), each after its date.
TRACE: Mapping[str, Label] = {
    "start": _l("starts at %(at)s"),
    "add.wall": _l("plus %(hours)s h by the clock"),
    "add.working": _l("after %(hours)s working hours"),
    "cutoff.before": _l("received before %(at)s of a working day: due the same day"),
    "cutoff.missed": _l("received at or after %(at)s: due the next working day"),
    "cutoff.rest": _l("first working day after rest: due at %(at)s"),
    "day.end": _l("the day ends at %(at)s"),
    "day.next": _l("the working hours were over: the next working day"),
    "day.fixed": _l("date set by hand"),
    "day.moved": _l("the date set by hand, %(was)s, moved by the pause"),
    "count.working": _l("working day, day %(n)s"),
    "count.makeup": _l("make-up working day (%(name)s), day %(n)s"),
    "count.half": _l("half working day (%(name)s), day %(n)s"),
    "count.makeup.unnamed": _l("make-up working day, day %(n)s"),
    "count.half.unnamed": _l("half working day, day %(n)s"),
    "skip.holiday.unnamed": _l("day of rest, not counted"),
    "skip.closure.unnamed": _l("closed, not counted"),
    "count.calendar": _l("calendar day %(n)s"),
    "skip.weekend": _l("weekend, not counted"),
    "skip.holiday": _l("%(name)s, not counted"),
    "skip.closure": _l("closed (%(name)s), not counted"),
    "skip.paused": _l("paused until %(until)s, not counted: %(name)s"),
    "resume": _l("counting resumes at %(at)s"),
    "extend.wall_hours": _l("extended by %(amount)s h, granted on %(granted)s"),
    "extend.working_hours": _l("extended by %(amount)s working hours, granted on %(granted)s"),
    "extend.working_days": _l("extended by %(amount)s working days, granted on %(granted)s"),
    "extend.calendar_days": _l("extended by %(amount)s days, granted on %(granted)s"),
    "due": _l("due at %(at)s"),
}

# Why a due moment moved.
MOVES: Mapping[str, Label] = {
    "extension": _l("Extended"),
    "pause": _l("Paused"),
    "resume": _l("Resumed"),
    "calendar": _l("The working calendar changed"),
    "limit": _l("The limit changed"),
    "correction": _l("The start was put right"),
    "handed_on": _l("Handed on"),
}

# What kind of appeal it is and how pressing, as the limits tell them apart.
NATURES: Mapping[str, Label] = {
    "request": _l("Request for help"),
    "complaint": _l("Complaint"),
    "report": _l("Report of wrongdoing"),
    "consultation": _l("Consultation"),
    "suggestion": _l("Suggestion"),
}
URGENCIES: Mapping[str, Label] = {
    "ordinary": _l("Ordinary urgency"),
    "urgent": _l("Urgent"),
    "emergency": _l("Emergency"),
}

# What a span of days may be besides the kinds of app/words.py.
CLEAR: Label = _l("As published (drop the own entry)")

RECOUNTS: Mapping[str, Label] = {"calendar": _l("Change of the calendar"), "limit": _l("Change of a limit")}
RECOUNT_STATES: Mapping[str, Label] = {
    "applying": _l("Being applied"),
    "applied": _l("Applied"),
    "cancelled": _l("Taken back"),
    "failed": _l("Did not finish"),
}


def holiday(name: str, name_en: str = "") -> str:
    """The name of a holiday or make-up day in the reader's language."""
    if str(get_locale()) == "en" and name_en:
        return name_en
    return roster_words.holiday(name)


def month(day: date) -> str:
    """The name of its month."""
    return str(format_date(day, "LLLL"))


def weekday(day: date, *, is_long: bool = False) -> str:
    """The name of its weekday, a letter or two unless `is_long`."""
    return str(format_date(day, "EEEE" if is_long else "ccccc"))


def dated(day: date) -> str:
    """A day with its weekday."""
    return str(format_date(day, "yyyy-MM-dd EEE"))
