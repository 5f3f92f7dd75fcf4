"""A clock in words, for the appeal's page: its limit, why it is due when it is, day by day, and every move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from app import clock_words, words
from app.models import Clock, ClockChange
from app.services import present


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One line of a trace: its day with weekday, what it says, and how it looks ("skip", "due" or "")."""

    day: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One move: when, why, by whom, from when to when, and what was said."""

    at: datetime
    why: str
    who: str
    old: str
    new: str
    reason: str


@dataclass(frozen=True)
class Card:
    """Everything about one clock besides its state."""

    limit: str
    started: str
    extended: str
    pauses: tuple[str, ...]
    trace: tuple[TraceRow, ...]
    moves: tuple[MoveRow, ...]
    is_provisional: bool
    paused_until: datetime | None


def card(clock: Clock) -> Card:
    """A clock in words."""
    kept = clock.inputs
    pauses = tuple(_pause(one) for one in kept.get("pauses", ()))
    return Card(
        limit=limit_text(kept.get("limit") or {}),
        started=_moment(clock.started_at),
        extended=_extended(kept),
        pauses=pauses,
        trace=tuple(_row(line) for line in kept.get("trace", ())),
        moves=tuple(_move(change) for change in clock.changes),
        is_provisional=bool(kept.get("provisional")) and clock.stopped_at is None,
        paused_until=paused_until(clock),
    )


def paused_until(clock: Any) -> datetime | None:
    """Until when a running clock, or a row that shows one, is paused now."""
    if clock.stopped_at is not None:
        return None
    now = present.now()
    for one in (clock.inputs or {}).get("pauses", ()):
        start, end = datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"])
        if start <= now < end:
            return end
    return None


def limit_text(limit: Mapping[str, Any]) -> str:
    """A limit as people say it: “7 working days”, “every working day before 11:00”."""
    amount, kind = int(limit.get("amount") or 0), limit.get("kind")
    at = str(limit.get("at") or "")[:5]
    match kind:
        case "wall_hours":
            return ngettext("%(num)d hour by the clock", "%(num)d hours by the clock", amount)
        case "working_hours":
            return ngettext("%(num)d working hour", "%(num)d working hours", amount)
        case "working_days":
            return ngettext("%(num)d working day", "%(num)d working days", amount)
        case "calendar_days":
            return ngettext("%(num)d calendar day", "%(num)d calendar days", amount)
        case "cutoff":
            return _("every working day before %(at)s", at=at)
        case "same_day_end":
            is_work = limit.get("until") == "work"
            return _("until the end of that working day") if is_work else _("until 24:00 of the same day")
        case "fixed":
            return _("a date set by hand: %(on)s", on=f"{limit.get('on')} {at}".strip())
        case _:
            return ""


def _extended(kept: Mapping[str, Any]) -> str:
    """Each extension with its unit."""
    kind = str((kept.get("limit") or {}).get("kind"))
    unit = kind if kind in ("wall_hours", "working_hours", "working_days") else "calendar_days"
    told = [
        str(clock_words.TRACE[f"extend.{unit}"])
        % {"amount": one["amount"], "granted": _day(datetime.fromisoformat(one["granted_at"]))}
        for one in kept.get("extensions", ())
    ]
    return words.listed(told)


def _pause(one: Mapping[str, Any]) -> str:
    start, end = (_moment(datetime.fromisoformat(one[name])) for name in ("starts_at", "ends_at"))
    return f"{start} – {end} {one.get('reason') or ''}".strip()


def _row(line: Mapping[str, Any]) -> TraceRow:
    on, code, data = date.fromisoformat(line["on"]), str(line["code"]), dict(line["data"])
    if code == "due" and data["at"] == "00:00":
        # As an office writes it: the day that ends at 24:00, not the one that begins.
        on, data = on - timedelta(days=1), {"at": "24:00"}
    if "name" in data and not code.startswith("skip.paused"):
        data["name"] = clock_words.holiday(str(data["name"]))
    unnamed = f"{code}.unnamed"
    told = clock_words.TRACE.get(unnamed if not data.get("name", "-") and unnamed in clock_words.TRACE else code, code)
    tone = "skip" if code.startswith("skip.") else "due" if code == "due" else ""
    return TraceRow(str(format_date(on, "EEE yyyy-MM-dd")), str(told) % data, tone)


def _move(change: ClockChange) -> MoveRow:
    return MoveRow(
        change.at,
        str(clock_words.MOVES[change.why]),
        words.named(change.person) if change.person else "",
        words.due_text(change.old_due_at, present.zone()) if change.old_due_at else "–",
        words.due_text(change.new_due_at, present.zone()) if change.new_due_at else "–",
        change.reason,
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")


def _day(moment: datetime) -> str:
    return moment.astimezone(present.zone()).strftime("%Y-%m-%d")
