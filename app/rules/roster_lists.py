"""Reading a duty roster from the rows of a sheet: which columns there are, what a row says, what cannot be read.

Understood are the layout this product exports and simple lists of others: a head row naming date, time and seats in
Chinese or English, a date standing once for several shifts, times as 08:00–20:00, "次日08:00" or 24:00.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

from .columns import Cell
from .errors import Invalid
from .rosters import moment

HEAD_WITHIN = 20
# What the columns may be called, without blanks and in lower case.
_HEADS: Mapping[str, frozenset[str]] = {
    "date": frozenset({"日期", "值班日期", "date", "day"}),
    "from": frozenset({"开始", "开始时间", "自", "起", "from", "start", "begins"}),
    "until": frozenset({"结束", "结束时间", "至", "止", "until", "to", "end", "ends"}),
    "time": frozenset({"时间", "值班时间", "时段", "班次时间", "time", "hours"}),
    "main": frozenset(
        {"主班", "主班人员", "主班（a角）", "主班(a角)", "值班人员", "值班员", "main", "mainseat", "mainseat(a)"}
    ),
    "second": frozenset({"副班", "副班人员", "副班（b角）", "副班(b角)", "second", "secondseat", "secondseat(b)"}),
    "label": frozenset({"班次", "班次名称", "班别", "shift", "nameoftheshift", "name"}),
}
_DATE = re.compile(r"^(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_CLOCK = re.compile(r"^(次日|翌日|第二天|nextday)?(\d{1,2})[:：时点](\d{2})?分?(?:[:：]\d{2})?(nextday)?$")
_MOMENT = re.compile(r"^(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?)[\sT]+(.+)$")
_TO = re.compile(r"\s*(?:[-–—~～至到]|\bto\b)\s*")
EPOCH, EPOCH_1904 = date(1899, 12, 30), date(1904, 1, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One shift of a sheet: the row it stands in, when, and the names as written."""

    row: int
    starts_at: datetime
    ends_at: datetime
    main: str
    second: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot be read: row and column as on the sheet (column "" for the whole row), a code with its data."""

    row: int
    column: str
    code: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What a sheet says. `columns` is where each thing stands ("B"), for messages."""

    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]
    columns: Mapping[str, str]


def read(
    rows: Iterable[tuple[int, Sequence[Cell]]], month: date, zone: tzinfo, *, is_1904: bool = False
) -> Reading:
    """The shifts of a sheet; a date without a year is one of the month's year.

    Raises Invalid("roster.no-head") when no row among the first HEAD_WITHIN names at least time and main seat.
    """
    listed = iter(rows)
    places = _head(listed)
    reader = _Reader(places, month, zone, EPOCH_1904 if is_1904 else EPOCH)
    for number, cells in listed:
        reader.take(number, cells)
    return Reading(
        tuple(reader.lines), tuple(reader.faults), {name: letter(at) for name, at in places.items()}
    )


def letter(column: int) -> str:
    """The letters of a column that counts from 0: A, B, … AA."""
    found = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


def _head(rows: Iterator[tuple[int, Sequence[Cell]]]) -> dict[str, int]:
    for number, cells in rows:
        places: dict[str, int] = {}
        for at, cell in enumerate(cells):
            word = "".join(str(cell or "").split()).lower()
            for name, words in _HEADS.items():
                if word in words:
                    places.setdefault(name, at)
        if "main" in places and ({"from", "until"} <= places.keys() or "time" in places):
            return places
        if number >= HEAD_WITHIN:
            break
    raise Invalid("roster.no-head")


@dataclass
class _Reader:
    places: Mapping[str, int]
    month: date
    zone: tzinfo
    epoch: date
    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    day: date | None = None

    def take(self, row: int, cells: Sequence[Cell]) -> None:
        """One row: a shift, a day without one, or something else that is left aside (notes, signatures)."""
        texts = {name: cells[at] if at < len(cells) else "" for name, at in self.places.items()}
        if not self._date(row, texts):
            return
        main, second, label = (_text(texts.get(name, "")) for name in ("main", "second", "label"))
        start, end = self._times(texts)
        if not main and not second and _text(start) == "" and _text(end) == "":
            return
        if "date" in self.places and self.day is None and not _has_date(start):
            return
        begins = self._moment(row, "from", start, self.day)
        finishes = self._moment(row, "until", end, self.day if begins is None else self._local(begins))
        if begins is None or finishes is None:
            return
        if finishes <= begins and not _has_date(end):
            finishes = self._moment(row, "until", end, self._local(begins) + timedelta(days=1)) or finishes
        if finishes <= begins:
            self._fault(row, "until", "period.ends-before-start", {})
        elif not main:
            self._fault(row, "main", "shift.nobody", {})
        else:
            self.lines.append(Line(row, begins, finishes, main, second, label[:40]))

    def _date(self, row: int, texts: Mapping[str, Cell]) -> bool:
        """Take the date of the row over; a row without one belongs to the date above. False for no roster's row."""
        cell = texts.get("date", "")
        if _text(cell) == "":
            return True
        found = self._day(cell)
        if found is None:
            if any(_text(texts.get(name, "")) for name in ("from", "until", "time", "main")):
                self._fault(row, "date", "field.date-unreadable", {"value": _text(cell)[:40]})
            self.day = None
            return False
        self.day = found
        return True

    def _times(self, texts: Mapping[str, Cell]) -> tuple[Cell, Cell]:
        if "from" in texts and "until" in texts:
            return texts["from"], texts["until"]
        parts = _TO.split(_text(texts.get("time", "")), maxsplit=1)
        return (parts[0], parts[1]) if len(parts) == 2 else (parts[0], "")

    def _day(self, cell: Cell) -> date | None:
        if isinstance(cell, datetime):
            return cell.date()
        if isinstance(cell, date):
            return cell
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return self.epoch + timedelta(days=int(cell)) if 20_000 < cell < 80_000 else None
        match = _DATE.match(_text(cell))
        try:
            return date(int(match[1] or self.month.year), int(match[2]), int(match[3])) if match else None
        except ValueError:
            return None

    def _moment(self, row: int, name: str, cell: Cell, day: date | None) -> datetime | None:
        found = self._read_moment(cell, day)
        if found is None:
            self._fault(row, name, "field.time-unreadable", {"value": _text(cell)[:40]})
        return found

    def _read_moment(self, cell: Cell, day: date | None) -> datetime | None:
        if isinstance(cell, datetime) and cell.year > 1904:
            return moment(cell.date(), cell.time().replace(second=0, microsecond=0), self.zone)
        with_date = _MOMENT.match(_text(cell))
        if with_date is not None:
            return self._read_moment(with_date[2], self._day(with_date[1]))
        minutes = _minutes(cell)
        if minutes is None or day is None:
            return None
        later, rest = divmod(minutes, 1440)
        return moment(day + timedelta(days=later), time(rest // 60, rest % 60), self.zone)

    def _local(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def _fault(self, row: int, name: str, code: str, data: Mapping[str, object]) -> None:
        at = self.places.get(name, self.places.get("time"))
        self.faults.append(Fault(row, letter(at) if at is not None else "", code, data))


def _has_date(cell: Cell) -> bool:
    return (isinstance(cell, datetime) and cell.year > 1904) or _MOMENT.match(_text(cell)) is not None


def _minutes(cell: Cell) -> int | None:
    """Minutes after midnight; more than 1440 mean the next day."""
    if isinstance(cell, datetime | time):
        return cell.hour * 60 + cell.minute
    if isinstance(cell, timedelta):
        return round(cell.total_seconds() / 60)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return round(cell * 1440) if 0 <= cell <= 2 else None
    match = _CLOCK.match("".join(_text(cell).lower().split()))
    if match is None:
        return None
    hour, minute = int(match[2]), int(match[3] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    return hour * 60 + minute + (1440 if match[1] or match[4] else 0)


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip() if cell is not None else ""

