"""The words of a roster page: days, times, what a form is filled in with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from babel.dates import format_skeleton
from flask_babel import format_date, get_locale, gettext
from flask_babel import lazy_gettext as _l

from app import words
from app.messages import sentence
from app.rules.calendar import DayKind
from app.rules.errors import FieldErrors, FieldProblem, Invalid
from app.rules.roster_lists import Fault
from app.services import present
from app.services.roster_checks import Finding
from app.services.roster_months import DayCell, Seated, Shift, month_of

SEATS: Mapping[str, Any] = {"main": _l("Main seat"), "second": _l("Second seat")}
SEATS_SHORT: Mapping[str, Any] = {"main": _l("Main"), "second": _l("Second")}
USUAL_START, USUAL_END = time(8), time(20)
_TIMES = re.compile(r"[\s,;，；、]+")


def seat_short(seat: str) -> str:
    """A seat in a word that fits a small cell."""
    return str(SEATS_SHORT[seat])


def clock(moment: datetime) -> str:
    """The time of day in the configured zone."""
    return f"{moment.astimezone(present.zone()):%H:%M}"


def day_of(moment: datetime) -> date:
    """The local day."""
    return moment.astimezone(present.zone()).date()


def until(moment: datetime, day: date) -> str:
    """The end of a stretch seen from the day it began on: midnight is 24:00, another day is named."""
    local = moment.astimezone(present.zone())
    if local.date() == day + timedelta(days=1) and local.time() == time():
        return "24:00"
    if local.date() == day:
        return f"{local:%H:%M}"
    if local.date() == day + timedelta(days=1):
        return gettext("%(time)s next day", time=f"{local:%H:%M}")
    return f"{local:%m-%d %H:%M}"


def written_until(moment: datetime, day: date) -> str:
    """The same as a workbook has it, in the reader's language, so that it can be read back."""
    local = moment.astimezone(present.zone())
    return until(moment, day) if local.date() <= day + timedelta(days=1) else f"{local:%Y-%m-%d %H:%M}"


def span(starts_at: datetime, ends_at: datetime) -> str:
    """ "08:00–20:00", seen from the day it begins on."""
    return f"{clock(starts_at)}–{until(ends_at, day_of(starts_at))}"


def dated_span(starts_at: datetime, ends_at: datetime) -> str:
    """The same with the day in front."""
    return f"{day_of(starts_at):%m-%d} {weekday(day_of(starts_at))} {span(starts_at, ends_at)}"


def weekday(day: date) -> str:
    """周一, Mon."""
    return format_date(day, "EEE")


def month(first: date) -> str:
    """2026年12月, December 2026."""
    return format_skeleton("yMMMM", first, locale=get_locale())


def mark(cell: DayCell) -> str:
    """What the working calendar says of the day, "" on ordinary ones."""
    entry = cell.entry
    if entry is None:
        return ""
    if entry.kind is DayKind.MAKEUP:
        return gettext("make-up working day")
    if entry.kind is DayKind.HALF:
        return gettext("half day")
    return holiday(entry.name) or gettext("day of rest")


# What the published calendar calls the holidays.
_HOLIDAYS: Mapping[str, Any] = {
    "元旦": _l("New Year"),
    "春节": _l("Spring Festival"),
    "清明": _l("Qingming"),
    "劳动节": _l("Labour Day"),
    "端午": _l("Dragon Boat Festival"),
    "中秋": _l("Mid-Autumn Festival"),
    "国庆节": _l("National Day"),
}


def holiday(name: str) -> str:
    """A holiday in the reader's language; a local one as it was entered."""
    return str(_HOLIDAYS.get(name, name))


def people(seated: Iterable[Seated]) -> list[str]:
    """The ids of a seat as form values."""
    return [str(one.id) for one in seated]


def entered(moment: datetime) -> str:
    """A moment as one types it."""
    return f"{moment.astimezone(present.zone()):%Y-%m-%d %H:%M}"


def values_of(shift: Shift) -> dict[str, Any]:
    """A shift as the form shows it."""
    return {
        "starts_at": entered(shift.starts_at),
        "ends_at": entered(shift.ends_at),
        "main": people(shift.main),
        "second": people(shift.second),
        "label": shift.label,
        "reason": "",
        "version": shift.version,
    }


def given(sent: Any) -> dict[str, Any]:
    """What the address or the sent form says, with the usual day shift where it says only the day."""
    values = {name: sent.get(name, "") for name in ("starts_at", "ends_at", "label", "reason", "version")}
    values |= {seat: sent.getlist(seat) for seat in ("main", "second")}
    day = sent.get("day", "")
    if day and not values["starts_at"]:
        values["starts_at"], values["ends_at"] = f"{day} {USUAL_START:%H:%M}", f"{day} {USUAL_END:%H:%M}"
    return values


def usual_pattern(sent: Mapping[str, str]) -> dict[str, str]:
    """This week as the pattern, until the end of next month, or of a later month that is being looked at."""
    today = present.today()
    monday = today - timedelta(days=today.weekday())
    months = [today.replace(day=1) + timedelta(days=31), month_of(sent.get("month"))]
    end = (max(months).replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return {
        "how": sent.get("how", "pattern"),
        "first": sent.get("first", monday.isoformat()),
        "last": sent.get("last", (monday + timedelta(days=6)).isoformat()),
        "start": (today + timedelta(days=1)).isoformat(),
        "until": end.isoformat(),
        "changes": "08:00 20:00",
    }


def times(text: str) -> list[time]:
    """Times of day, written one after the other. Raises Invalid "field.time-unreadable" at `changes`."""
    found = []
    for part in _TIMES.split(text.replace("：", ":").strip()):
        try:
            if part:
                found.append(time.fromisoformat(part.zfill(5)))
        except ValueError:
            raise Invalid("field.time-unreadable", {"value": part[:20]}, field="changes") from None
    return found


def several(problems: Iterable[Invalid]) -> FieldErrors:
    """Several unreadable fields as one refusal."""
    return FieldErrors([FieldProblem(one.field or "", one.code, one.data) for one in problems])


NOTE_STATES: Mapping[str, tuple[Any, str, str]] = {
    "coming": (_l("to come"), "", "clock"),
    "due": (_l("to be written"), "warn", "pen"),
    "missing": (_l("missing"), "danger", "triangle-exclamation"),
    "given": (_l("waits to be taken over"), "warn", "signature"),
    "taken": (_l("handed over"), "ok", "check"),
}


def due(text: str | None) -> str:
    """A due moment of open work."""
    return words.due_text(datetime.fromisoformat(text), present.zone()) if text else ""


def found(finding: Finding | Fault) -> str:
    """What speaks against a planned shift, in a sentence."""
    return sentence(finding.code, finding.data)


def listed(person_ids: Iterable[int], known: Mapping[int, Any]) -> str:
    """Names of a seat."""
    return gettext(", ").join(words.named(known[person]) for person in person_ids if person in known)
