"""Words of absences, stand-ins and hand-over sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app import words

SHEETS: Mapping[str, Any] = {
    "absence": _l("Before an absence"),
    "return": _l("Return report"),
    "shift": _l("Change of shift"),
    "change": _l("Personnel change"),
}
# What of a post's work stands on a sheet: the queues of its desk and what no desk lists.
WORK: Mapping[str, Any] = {
    **words.QUEUES,
    "slip_under_way": _l("Slip with the matching section"),
    "overdue": _l("Overdue: to supervise"),
    "clock": _l("Clock runs"),
}
