"""Words of absences, stand-ins and hand-over sheets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app import words
from app.reports import xlsx
from app.reports.table import Book, Column, ReportTable, wording
from app.services import present
from app.services.absence_places import Spot

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
KINDS: Mapping[str, Any] = {
    "leave": _l("Leave"),
    "trip": _l("Business trip"),
    "sick": _l("Sick leave"),
    "training": _l("Training"),
    "other": _l("Other"),
}
STATES: Mapping[str, Any] = {
    "requested": _l("Waits for confirmation"),
    "confirmed": _l("Confirmed"),
    "refused": _l("Not agreed"),
    "cancelled": _l("Taken back"),
}
TONES: Mapping[str, str] = {"requested": "warn", "confirmed": "ok", "refused": "danger", "cancelled": ""}
HANDED: Mapping[str, Any] = {"open": _l("Not handed over"), "done": _l("Handed over")}
UNREACHABLE: Mapping[str, Any] = {
    "no_account": _l("no account"),
    "disabled": _l("account disabled"),
    "never_logged_in": _l("never signed in"),
}
COLUMNS: Mapping[str, Any] = {
    "name": _l("Name"),
    "unit": _l("Unit"),
    "starts_at": _l("From"),
    "ends_at": _l("Until"),
    "kind": _l("Kind"),
    "reason": _l("Reason"),
    "stand_in": _l("Stand-in"),
}


def place(spot: Spot) -> str:
    """A post by its name; a link of a chain as unit and link."""
    name = words.named(spot)
    return name if spot.link is None else f"{name} · {words.LINKS[spot.link]}"


def template() -> BytesIO:
    """An empty workbook with the columns of absences and one line to show how it is filled in."""
    title = gettext("Absences")
    starts = present.now().astimezone(present.zone()).date() + timedelta(days=7)
    line = ("示例", gettext("Unit"), starts.isoformat(), (starts + timedelta(days=2)).isoformat(), str(KINDS["leave"]))
    table = ReportTable(
        title=title,
        columns=tuple(Column(code, str(label), width=22) for code, label in COLUMNS.items()),
        rows=[(*line, "", "")],
        # Above the header: what stands below the table would be read as rows.
        facts=(
            gettext("A day without time as the end means that whole day. Replace the line by your own."),
            gettext("Stand-in: only where A and B would be away together."),
        ),
        frozen=1,
    )
    file = BytesIO()
    xlsx.render(Book(title, (table,), wording(gettext)), created_at=present.now(), zone=present.zone(), out=file)
    file.seek(0)
    return file
