"""The words of a leader's instruction: its fields, the parts it is split into and how far each has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

PARTS: Mapping[str, Any] = {"lead": _l("lead unit"), "co": _l("co-handling unit")}
TASK_STATES: Mapping[str, Any] = {
    "assigned": _l("To be signed in"),
    "in_progress": _l("In progress"),
    "answered": _l("answered"),
    "ended": _l("no longer with it"),
}
FIELDS: Mapping[str, Any] = {
    "leader": _l("Leader"),
    "leader_name": _l("Name of the leader, where the post is vacant"),
    "instructed_on": _l("Instructed on"),
    "acting_for": _l("Written as B, for"),
}
