"""A `Book` as an .xlsx file: the same book, moment and zone give the same bytes.

Nothing in a cell is ever a formula or a link, whatever it looks like: text is only written as text, in cells
formatted as text. Nothing is lost either: what a cell cannot hold goes on on a sheet of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import chain, groupby, islice, takewhile
from os import PathLike
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.utility import xl_range

from app.rules.errors import Invalid

from . import charts, text
from .cells import CellWriter
from .styles import DEFAULT_FONT, Styles
from .table import Book, Cell, ChartPage, Column, Figure, Kind, ReportTable

LARGE = 5_000  # from so many rows on, rows go to disk as they come and memory stays flat
SHEET_ROWS = 1_048_576
_SAMPLE = 200  # rows measured for column widths
_WIDEST, _NARROWEST = 60, 6
_USUAL_WIDTH: dict[Kind, int] = {
    "ordinal": 7, "int": 9, "decimal": 10, "percent": 11, "growth": 11, "points": 13,
    "moment": 17, "date": 12, "duration": 14,
}
_PORTRAIT_WIDTH = 70  # half-width characters; a wider table is printed across
_LINE_HEIGHT, _ROW_PADDING, _TALLEST_ROW = 14, 6, 400  # points
_MEASURED = 4_000  # characters; longer text fills the tallest row anyhow
_TALL_CHART = 900  # pixels; a taller one is printed upright


@dataclass(frozen=True, slots=True)
class Written:
    """What went into the file: rows of all tables, and texts that had to go on on the last sheet."""

    rows: int
    long_texts: int


def render(
    book: Book, *, created_at: datetime, zone: tzinfo, out: str | PathLike[str] | BinaryIO,
) -> Written:
    """Writes `book` to `out` (a path or a binary file); moments are shown in `zone`.

    Rows of all tables are begun before the first is finished, so generators over one connection need cursors
    that may stand open together. Raises Invalid("report.too-many-rows") past what a sheet can hold; then, and
    whenever a generator raises, `out` is not touched.
    """
    if created_at.tzinfo is None:
        raise ValueError("created_at has no time zone")
    sources, large = _begin(book.sheets)
    with TemporaryDirectory(prefix="report-") as folder:
        workbook = xlsxwriter.Workbook(out, {
            "constant_memory": large, "in_memory": not large, "tmpdir": folder, "use_zip64": True,
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
            "default_format_properties": dict(DEFAULT_FONT),  # XlsxWriter adds to what it is given
        })
        workbook.set_properties({
            "title": text.clean(book.title), "author": text.clean(book.author),
            "created": created_at.astimezone(UTC),
        })
        try:
            written = _Rendering(workbook, book, zone, large=large).write(sources)
        except BaseException:
            _abandon(workbook)
            raise
        workbook.close()
    return written


def _abandon(workbook: Any) -> None:
    """Closes the temporary files of a workbook that is not going to be written."""
    for sheet in workbook.worksheets():
        if sheet.constant_memory:
            sheet.row_data_fh.close()


@dataclass(frozen=True, slots=True)
class _Source:
    """A table with its first rows already read."""

    table: ReportTable
    head: list[Sequence[Cell]]
    rest: Iterator[Sequence[Cell]]


def _begin(sheets: Sequence[ReportTable | ChartPage]) -> tuple[list[_Source | ChartPage], bool]:
    """Reads the first rows of every table: enough to measure columns and to know if the book is large."""
    sources: list[_Source | ChartPage] = []
    seen = 0
    for sheet in sheets:
        if isinstance(sheet, ChartPage):
            sources.append(sheet)
            continue
        rows = iter(sheet.rows)
        head = list(islice(rows, LARGE if seen < LARGE else _SAMPLE))
        seen += len(head)
        sources.append(_Source(sheet, head, rows))
    return sources, seen >= LARGE


class _Rendering:
    """One book on its way into one workbook, sheet by sheet, top to bottom (as constant memory demands)."""

    def __init__(self, workbook: Any, book: Book, zone: tzinfo, *, large: bool) -> None:
        self.workbook, self.book, self.words, self.large = workbook, book, book.wording, large
        self.styles = Styles(workbook, book.wording)
        self.cells = CellWriter(self.styles, zone, book.wording)
        titles = [sheet.sheet or sheet.title for sheet in book.sheets]
        *self.names, self.last_name = text.sheet_names([*titles, book.wording.long_texts])

    def write(self, sources: Sequence[_Source | ChartPage]) -> Written:
        rows = 0
        sheets = [self.workbook.add_worksheet(name) for name in self.names]
        for sheet, source in zip(sheets, sources, strict=True):
            if isinstance(source, ChartPage):
                self._chart_page(sheet, source)
            else:
                rows += self._table(sheet, source)
        if self.cells.long_texts:
            table = self._long_text_table()
            self._table(self.workbook.add_worksheet(self.last_name), _Source(table, [], iter(table.rows)))
        return Written(rows, self.cells.long_texts)

    def _table(self, sheet: Any, source: _Source) -> int:
        """One table on its sheet; returns how many rows it has."""
        table, long_before = source.table, self.cells.long_texts
        widths = [_width(column, number, source.head) for number, column in enumerate(table.columns)]
        for number, width in enumerate(widths):
            sheet.set_column(number, number, width)
        top = self._heading(sheet, table.title, table.facts)
        first = self._header(sheet, top, table.columns, widths)
        count = self._rows(sheet, first, source, widths)
        after = first + max(count, 1)
        if table.totals is not None:
            self._row(sheet, after, table.columns, table.totals, widths, "total")
            after += 1
        notes = list(table.notes)
        if long_texts := self.cells.long_texts - long_before:
            notes.append(self.words.long_text_note.format(sheet=self.last_name, count=long_texts))
        printed = sum(1 for _ in takewhile(lambda column: not column.screen_only, table.columns))
        self._notes(sheet, after + 1, widths[:printed], notes)
        sheet.freeze_panes(first, table.frozen)
        sheet.repeat_rows(top, first - 1)
        if printed < len(widths):
            sheet.print_area(0, 0, after + len(notes), printed - 1)
        self._print(sheet, table.title, landscape=sum(widths[:printed]) > _PORTRAIT_WIDTH)
        return count

    def _rows(self, sheet: Any, first: int, source: _Source, widths: Sequence[int]) -> int:
        columns, last_column = source.table.columns, len(source.table.columns) - 1
        most = SHEET_ROWS - first - len(source.table.notes) - 4
        count = 0
        for count, cells in enumerate(chain(source.head, source.rest), 1):
            if count > most:
                raise Invalid("report.too-many-rows", {"title": source.table.title, "most": most})
            self._row(sheet, first + count - 1, columns, cells, widths, "body")
        if count:
            sheet.autofilter(first - 1, 0, first + count - 1, last_column)
            area = xl_range(first, 0, first + count - 1, last_column)
            sheet.ignore_errors({"number_stored_as_text": area})
        else:
            self._spread(sheet, first, len(columns), self.words.empty, self.styles.of("empty"))
        return count

    def _row(
        self, sheet: Any, row: int, columns: Sequence[Column], cells: Sequence[Cell], widths: Sequence[int],
        role: str,
    ) -> None:
        if not self.large:  # a height of its own costs memory for each row; otherwise the program finds it
            sheet.set_row(row, _height(cells, widths))
        self.cells.row(sheet, row, columns, cells, role)

    def _heading(self, sheet: Any, title: str, facts: Sequence[str]) -> int:
        """Title and facts; returns the next free row."""
        sheet.set_row(0, 30)
        sheet.write_string(0, 0, text.clean(title), self.styles.of("title"))
        for row, fact in enumerate(facts, 1):
            sheet.write_string(row, 0, text.clean(fact), self.styles.of("fact"))
        sheet.set_row(len(facts) + 1, 6)
        return len(facts) + 2

    def _header(self, sheet: Any, row: int, columns: Sequence[Column], widths: Sequence[int]) -> int:
        """The column heads, under their common bands if there are any; returns the first row of data."""
        banded = any(column.band for column in columns)
        if banded:
            sheet.set_row(row, _LINE_HEIGHT + _ROW_PADDING)
            self._bands(sheet, row, columns)
            row += 1
        # Bold letters and the filter's button take two more characters.
        sheet.set_row(row, _height([column.label for column in columns], [width - 2 for width in widths]))
        for number, column in enumerate(columns):
            # Looks merged with the cell above; a merge across rows is not possible when rows leave memory.
            style = self.styles.of("header_below" if banded and not column.band else "header")
            sheet.write_string(row, number, text.clean(column.label), style)
        return row + 1

    def _bands(self, sheet: Any, row: int, columns: Sequence[Column]) -> None:
        start = 0
        for band, members in groupby(columns, lambda column: column.band):
            stop = start + len(list(members))
            if not band:
                for number in range(start, stop):
                    sheet.write_blank(row, number, None, self.styles.of("header_above"))
            else:
                if stop - start > 1:
                    sheet.merge_range(row, start, row, stop - 1, "", self.styles.of("header"))
                sheet.write_string(row, start, text.clean(band), self.styles.of("header"))
            start = stop

    def _notes(self, sheet: Any, row: int, widths: Sequence[int], notes: Sequence[str]) -> None:
        for number, note in enumerate(notes, row):
            height = text.lines(text.clean(note), int(sum(widths) * 1.1)) * _LINE_HEIGHT + 2
            sheet.set_row(number, min(height, _TALLEST_ROW))
            self._spread(sheet, number, len(widths), note, self.styles.of("note"))

    def _spread(self, sheet: Any, row: int, columns: int, value: str, style: Any) -> None:
        """One text across the width of the table."""
        if columns > 1:
            sheet.merge_range(row, 0, row, columns - 1, "", style)
        sheet.write_string(row, 0, next(text.pieces(text.clean(value), text.CELL_LIMIT), ""), style)

    def _long_text_table(self) -> ReportTable:
        words = self.words
        return ReportTable(
            title=words.long_texts, rows=self.cells.rest, facts=(words.long_text_rule,),
            columns=(
                Column("number", words.number, "int"), Column("sheet", words.sheet, width=20),
                Column("row", words.row, "int"), Column("column", words.column, width=16),
                Column("part", words.part, "int"), Column("text", words.text, width=100),
            ),
        )

    def _chart_page(self, sheet: Any, page: ChartPage) -> None:
        top = self._heading(sheet, page.title, page.facts)
        charts.place(self.workbook, sheet, page, row=top, styles=self.styles)
        self._print(sheet, page.title, landscape=charts.height(page.chart) < _TALL_CHART, whole=True)

    def _print(self, sheet: Any, title: str, *, landscape: bool, whole: bool = False) -> None:
        """A4, the table's width on one page, head rows repeated, page numbers."""
        if landscape:
            sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.center_horizontally()
        sheet.hide_gridlines(2)
        sheet.fit_to_pages(1, 1 if whole else 0)
        page = _coded(self.words.page, 40).format(page="&P", pages="&N")
        # The blank after each size keeps a title that starts with a digit out of the font size.
        sheet.set_footer(f"&L&8 {_coded(title, 70)}&C&8 {_coded(self.book.footer, 90)}&R&8 {page}")


def _coded(words: str, most: int) -> str:
    """Text for a page foot, where `&` starts a code and 255 units are all there is."""
    coded = ""
    for character in text.clean(words).replace("\n", " "):
        piece = character.replace("&", "&&")
        if text.length(coded + piece) > most:
            break
        coded += piece
    return coded


def _width(column: Column, number: int, head: Sequence[Sequence[Cell]]) -> int:
    if column.width is not None:
        return column.width
    label = text.width(text.clean(column.label))
    widest = max((_cell_width(row[number]) for row in head[:_SAMPLE]), default=0)
    return min(max(widest + 3, _USUAL_WIDTH.get(column.kind, 0), min(label, 12) + 3, _NARROWEST), _WIDEST)


def _cell_width(cell: Cell) -> int:
    value, kind = (cell.value, cell.kind) if isinstance(cell, Figure) else (cell, None)
    if isinstance(value, str):
        return text.width(text.clean(value[: 2 * _WIDEST]))
    return _USUAL_WIDTH.get(kind, 0) - 2 if kind else 0


def _height(cells: Sequence[Cell], widths: Sequence[int]) -> int:
    """The height in points that shows every wrapped line of a row, up to what a spreadsheet allows."""
    lines = max((
        text.lines(cell[:_MEASURED], int(1.05 * width - 1.5))
        for cell, width in zip(cells, widths, strict=True) if isinstance(cell, str)
    ), default=1)
    return min(lines * _LINE_HEIGHT + _ROW_PADDING, _TALLEST_ROW)
