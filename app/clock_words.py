"""Words of the clocks: why one is due when it is, and what moved it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

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
