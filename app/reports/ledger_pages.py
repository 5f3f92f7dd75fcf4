"""The ledger (R10) on paper: A4 across, pages with their head, totals of the page and so far, a line to sign.

Pages are broken here, by the height of their rows, so that every program prints the same pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from typing import Any

import xlsxwriter

from . import text
from .styles import DEFAULT_FONT

# Points at the printed scale; less than A4 leaves, since programs differ by a line or two.
_PAGE, _SCALE = 560, 88
_LINE, _PADDING, _TITLE, _TOTAL, _SIGNED, _HEAD = 13, 5, 30, 20, 30, 32
_FEWEST = 5  # rows of the tallest kind on a page; a worksheet breaks 1,023 times at most
_FACT_LINES = 6


@dataclass(frozen=True, slots=True)
class Words:
    """The words around the rows. `counts` says a page in one line: how many items stand how."""

    page_total: str
    running_total: str
    counts: Callable[[Mapping[str, int]], str]
    signed: tuple[str, ...]
    page: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger: its cells, and how it stands ("" when no limit is kept)."""

    cells: Sequence[str]
    standing: str


def render(
    title: str, facts: Sequence[str], columns: Sequence[tuple[str, int]], entries: Iterable[Entry], words: Words, *,
    footer: str, created_at: datetime, out: str | PathLike[str],
) -> int:
    """Writes the ledger to `out` and returns how many items it has; the same entries give the same bytes.

    `columns` are heads and widths; the widths together are to be 130 at most: fonts differ. The last fact
    stands in a line alone.
    """
    workbook = xlsxwriter.Workbook(out, {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "default_format_properties": dict(DEFAULT_FONT),
    })  # fmt: skip
    workbook.set_properties({"title": text.clean(title), "created": created_at.astimezone(UTC)})
    pages = _Pages(workbook, columns, words)
    pages.head(title, facts)
    for entry in entries:
        pages.add(entry)
    pages.end(footer)
    workbook.close()
    return pages.so_far.total()


class _Pages:
    """The worksheet, filled from top to bottom."""

    def __init__(self, workbook: Any, columns: Sequence[tuple[str, int]], words: Words) -> None:
        self.sheet, self.columns, self.words = workbook.add_worksheet(), columns, words
        self.last = len(columns) - 1
        self.row, self.left, self.room = 0, 0, 0
        self.on_page: Counter[str] = Counter()
        self.so_far: Counter[str] = Counter()
        self.breaks: list[int] = []
        plain: dict[str, Any] = {"text_wrap": True, "valign": "vcenter", "num_format": "@", "font_size": 9}
        self.body = workbook.add_format({**plain, "border": 1})
        self.strong = workbook.add_format({**plain, "border": 1, "bold": True})
        self.headed = workbook.add_format({**plain, "border": 1, "bold": True, "align": "center"})
        self.titled = workbook.add_format({**plain, "bold": True, "align": "center", "font_size": 16})
        self.fact = workbook.add_format(plain)

    def head(self, title: str, facts: Sequence[str]) -> None:
        """What every page begins with."""
        width = sum(width for _, width in self.columns)
        for number, (_, one) in enumerate(self.columns):
            self.sheet.set_column(number, number, one)
        *told, alone = facts
        said = _cut("　".join(told), width, _FACT_LINES)
        height = text.lines(said, width) * _LINE + 3
        self._across(_TITLE, [(0, self.last, title, self.titled)])
        self._across(height, [(0, self.last, said, self.fact)])
        self._across(_LINE + 3, [(0, self.last, alone, self.fact)])
        self._across(_HEAD, [(at, at, label, self.headed) for at, (label, _) in enumerate(self.columns)])
        self.sheet.repeat_rows(0, self.row - 1)
        self.sheet.freeze_panes(self.row, 0)
        self.room = self.left = _PAGE - _TITLE - height - _LINE - 3 - _HEAD - 2 * _TOTAL - _SIGNED

    def add(self, entry: Entry) -> None:
        """One more item, on a page of its own when it has no room on this one."""
        most = max((self.room // _FEWEST - _PADDING) // _LINE, 1)
        # Bold or not, no letter is to stick out: a little less than the width.
        widths = [int(width * 1.1) - 1 for _, width in self.columns]
        cells = [_cut(one, width, most) for one, width in zip(entry.cells, widths, strict=True)]
        lines = max(text.lines(one, width) for one, width in zip(cells, widths, strict=True))
        height = lines * _LINE + _PADDING
        if height > self.left:
            self._foot()
            self.breaks.append(self.row)
            self.on_page.clear()
            self.left = self.room
        self.left -= height
        self._across(height, [(at, at, one, self.body) for at, one in enumerate(cells)])
        self.on_page[entry.standing] += 1
        self.so_far[entry.standing] += 1

    def end(self, footer: str) -> None:
        """The foot of the last page, and how all of them are printed."""
        self._foot()
        sheet = self.sheet
        sheet.set_h_pagebreaks(self.breaks)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.45, bottom=0.6)
        sheet.set_print_scale(_SCALE)  # fitted to a width, programs would not heed the breaks
        sheet.center_horizontally()
        sheet.hide_gridlines(2)
        sheet.print_area(0, 0, self.row - 1, self.last)
        sheet.set_footer(f"&L&8 {footer}&R&8 {self.words.page.format(page='&P', pages='&N')}")

    def _foot(self) -> None:
        for label, counted in ((self.words.page_total, self.on_page), (self.words.running_total, self.so_far)):
            said = self.words.counts(counted)
            self._across(_TOTAL, [(0, 1, label, self.strong), (2, self.last, said, self.strong)])
        third = len(self.columns) // len(self.words.signed)
        places = [
            (at * third, self.last if one is self.words.signed[-1] else (at + 1) * third - 1, one, self.fact)
            for at, one in enumerate(self.words.signed)
        ]
        self._across(_SIGNED, places)

    def _across(self, height: int, places: Sequence[tuple[int, int, str, Any]]) -> None:
        """One row: texts, each from a column to a column."""
        self.sheet.set_row(self.row, height)
        for start, stop, said, style in places:
            if stop > start:
                self.sheet.merge_range(self.row, start, self.row, stop, "", style)
            self.sheet.write_string(self.row, start, text.clean(said), style)
        self.row += 1


def _cut(said: str, width: int, most: int) -> str:
    """The text as far as it fits `most` lines; what is cut ends with a sign that it is."""
    said = text.clean(said)[: width * most + 1]
    if text.lines(said, width) <= most:
        return said
    low, high = 0, len(said)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text.lines(said[:middle] + "……", width) <= most else (low, middle - 1)
    return said[:low] + "……"
