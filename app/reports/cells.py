"""Values into cells: each under its own format, text always as text, nothing lost that a cell cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from app.rules.measures import EMPTY

from . import text
from .styles import Styles
from .table import Cell, Column, Figure, Kind, Value, Wording

_EXACT = 10**15  # a spreadsheet number keeps 15 digits
_DAY = timedelta(days=1)
_FIRST_YEAR = 1900  # of the spreadsheet's calendar
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - of the same calendar, which knows no zone
_SHORT = text.CELL_LIMIT // 2  # characters that fit whatever they are


class CellWriter:
    """Writes the cells of one workbook and keeps the rest of every text that was too long for its cell."""

    def __init__(self, styles: Styles, zone: tzinfo, words: Wording) -> None:
        self._styles, self._zone, self._words = styles, zone, words
        self.long_texts = 0
        self.rest: list[tuple[int, str, int, str, int, str]] = []
        """Long text number, sheet, row as the program counts, column label, part (from 2), text."""

    def row(self, sheet: Any, row: int, columns: Sequence[Column], cells: Sequence[Cell], role: str) -> None:
        """One row; raises ValueError when it has not one cell for each column, or a moment without a zone."""
        look = self._styles.of(role, "text")
        write, blank, clean = sheet.write_string, sheet.write_blank, text.clean
        for number, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            if isinstance(cell, str):
                if not cell:
                    blank(row, number, None, look)
                elif len(cell) <= _SHORT:
                    write(row, number, clean(cell), look)
                else:
                    self._text(sheet, row, number, column.label, cell, role)
            elif isinstance(cell, Figure):
                self._value(sheet, row, number, cell.value, cell.kind, role)
            else:
                self._value(sheet, row, number, cell, column.kind, role)

    def _text(self, sheet: Any, row: int, number: int, label: str, value: str, role: str) -> None:
        value = text.clean(value)
        if len(value) > _SHORT and text.length(value) > text.CELL_LIMIT:
            value = self._beginning(sheet.name, row, label, value)
        sheet.write_string(row, number, value, self._styles.of(role, "text"))

    def _beginning(self, sheet: str, row: int, label: str, value: str) -> str:
        """What fits of `value`, with a mark that names the number under which the rest is kept."""
        self.long_texts += 1
        mark = self._words.long_text_mark.format(number=self.long_texts)
        head, *others = text.pieces(value, text.CELL_LIMIT - text.length(mark))
        self.rest += [
            (self.long_texts, sheet, row + 1, label, part, other) for part, other in enumerate(others, 2)
        ]
        return head + mark

    def _value(self, sheet: Any, row: int, number: int, value: Value, kind: Kind, role: str) -> None:
        of = self._styles.of
        if value == "" or (value is None and kind == "text"):
            sheet.write_blank(row, number, None, of(role, "text"))
        elif value is None:
            sheet.write_string(row, number, EMPTY, of(role, kind, dash=True))
        elif isinstance(value, str):
            self._text(sheet, row, number, "", value, role)
        elif isinstance(value, date):
            self._date(sheet, row, number, value, kind, role)
        elif isinstance(value, timedelta):
            sheet.write_number(row, number, value / _DAY, of(role, "duration"))
        elif isinstance(value, int) and abs(value) >= _EXACT:
            sheet.write_string(row, number, str(value), of(role, "text"))
        else:
            share = Decimal(value) / 100 if kind in ("percent", "growth") else value
            sheet.write_number(row, number, float(share), of(role, kind))

    def _date(self, sheet: Any, row: int, number: int, value: date, kind: Kind, role: str) -> None:
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"a moment without time zone: {value}")
            local = value.astimezone(self._zone).replace(tzinfo=None)
            value = local.date() if kind == "date" else local
        shown: Kind = "moment" if isinstance(value, datetime) else "date"
        if value.year > _FIRST_YEAR:
            sheet.write_number(row, number, _serial(value), self._styles.of(role, shown))
        elif value.year == _FIRST_YEAR:  # the calendar has a day too much in this year
            sheet.write_datetime(row, number, value, self._styles.of(role, shown))
        else:
            sheet.write_string(row, number, str(value), self._styles.of(role, "text"))


def _serial(value: date) -> float:
    """A date or a local moment after 1900 as the spreadsheet counts days."""
    if not isinstance(value, datetime):
        return (value - _DAY_ZERO.date()).days
    since = value - _DAY_ZERO
    return since.days + (since.seconds + since.microseconds / 1e6) / 86400
