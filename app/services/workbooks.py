"""Reading workbooks that strangers hand in: what is inside is measured before it is loaded (SECURITY T14).

A workbook is judged by its content, never by its name. It is refused when it unpacks to more than is agreed for every
archive (app/rules/archives.py), has more than MAX_ROWS rows, MAX_COLUMNS columns or MAX_AREA cells on a sheet, or
brings its own XML entities. Macros and links are never followed, formulas never computed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from app.rules import archives
from app.rules.columns import Cell
from app.rules.errors import Invalid, NotFound

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 256
MAX_AREA = 4_000_000
MAX_TEXT = 120 * 1024 * 1024

_LONGEST_ROW = 16 * 1024 * 1024
_UNFIT = {
    "damaged": "workbook.damaged",
    "encrypted": "workbook.encrypted",
    "too-many-parts": "workbook.too-many-parts",
    "too-large": "workbook.unpacks-too-large",
}
_LIMITS = {
    "too-many-parts": {"limit": archives.Bounds().parts},
    "too-large": {"limit": archives.Bounds().unpacked // 1024 // 1024},
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_COUNTS_FROM_1904 = re.compile(rb"\bdate1904\s*=\s*[\"'](?:1|true)[\"']")
# Patterns that begin with plain letters are several times faster; they serve while every tag looks as usual.
_PLAIN_ROW = re.compile(rb'<row r="(\d+)"')
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]+)(\d+)"')
_PLACE = re.compile(rb"\sr\s*=\s*[\"']([A-Z]*)(\d+)[\"']")
_ROW = re.compile(rb"<(?:\w+:)?row[\s>/]")
_CELL = re.compile(rb"<(?:\w+:)?c[\s>/]")
_DECLARES = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_SHARED = re.compile(rb"<(?:\w+:)?c\s[^<>]*\bt\s*=\s*[\"']s[\"'][^<>]*>\s*<(?:\w+:)?v>(\d+)<")
_ITEM_END = re.compile(rb"</(?:\w+:)?si>|<(?:\w+:)?si\s*/>")


@dataclass(frozen=True)
class SheetSize:
    """A sheet that can be imported: `rows` and `columns` reach from A1 to the last cell in use."""

    name: str
    rows: int
    columns: int
    hidden: bool


class Workbook:
    """An examined workbook, read sheet by sheet; rows count from 1 as on the sheet, columns from A.

    `is_examined` spares the measuring of a content that was measured when it came in and could not change
    since. `is_1904`: bare numbers of days count from 1904.
    """

    def __init__(self, content: bytes, *, is_examined: bool = False) -> None:
        if not is_examined:
            examine(content)
        self._open: tuple[str, CalamineSheet] | None = None
        try:
            self._book = CalamineWorkbook.from_filelike(io.BytesIO(content))
            self._kinds = [
                (sheet.name, str(sheet.visible))
                for sheet in self._book.sheets_metadata
                if sheet.typ is SheetTypeEnum.WorkSheet
            ]
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                book = next(part for part in archive.infolist() if part.filename.lower() == "xl/workbook.xml")
                self.is_1904 = _COUNTS_FROM_1904.search(archive.read(book)) is not None
        except BaseException as error:
            raise _refusal(error) from error

    def sheets(self) -> tuple[SheetSize, ...]:
        """The worksheets in workbook order; chart and macro sheets are left out."""
        sizes = []
        for name, visible in self._kinds:
            sheet = self._sheet(name)
            last = sheet.end or (-1, -1)
            sizes.append(SheetSize(name, last[0] + 1, last[1] + 1, "Hidden" in visible))
        return tuple(sizes)

    def rows(
        self, name: str, *, limit: int | None = None, fill_merged: bool = False
    ) -> Iterator[tuple[int, list[Cell]]]:
        """(row number, cells from column A) of each row; `fill_merged` gives a merged value to all its rows.

        Raises NotFound("workbook.no-such-sheet").
        """
        sheet = self._sheet(name)
        if sheet.start is None:
            return
        padding: list[Cell] = [""] * sheet.start[1]
        rows = ((number, padding + cells) for number, cells in enumerate(sheet.iter_rows(), 1))
        yield from islice(_filled(rows, self._merged(name)) if fill_merged else rows, limit)

    def merged_rows(self, name: str) -> frozenset[int]:
        """The rows some of whose cells are merged with the row above: the value stands in the first only."""
        sheet = self._sheet(name)
        steps = [0] * ((sheet.end[0] if sheet.end else 0) + 3)
        for merged in self._merged(name):
            steps[min(merged.first_row + 1, len(steps) - 1)] += 1
            steps[min(merged.last_row + 1, len(steps) - 1)] -= 1
        return frozenset(row for row, depth in enumerate(accumulate(steps)) if depth > 0)

    def merged_above(self, name: str) -> frozenset[tuple[int, int]]:
        """The cells (row from 1, column from 0) that are merged with the one above them."""
        ranges = self._sheet(name).merged_cell_ranges or []
        return frozenset(
            (row + 1, start[1])
            for start, end in ranges
            for row in range(start[0] + 1, min(end[0], start[0] + MAX_ROWS) + 1)
        )

    def _merged(self, name: str) -> list[_Merged]:
        """The merged ranges of one column over several rows; rows count from 1, columns from 0."""
        ranges = self._sheet(name).merged_cell_ranges or []
        return [_Merged(start[0] + 1, end[0] + 1, start[1]) for start, end in ranges if end[0] > start[0]]

    def _sheet(self, name: str) -> CalamineSheet:
        if name not in (known for known, _ in self._kinds):
            raise NotFound("workbook.no-such-sheet", {"sheet": name[:100]})
        if self._open is None or self._open[0] != name:
            try:
                self._open = name, self._book.get_sheet_by_name(name)
            except BaseException as error:
                raise _refusal(error) from error
        return self._open[1]


@dataclass(frozen=True, slots=True)
class _Merged:
    first_row: int
    last_row: int
    column: int


def _filled(rows: Iterable[tuple[int, list[Cell]]], ranges: Sequence[_Merged]) -> Iterator[tuple[int, list[Cell]]]:
    starts: dict[int, list[_Merged]] = {}
    for merged in ranges:
        starts.setdefault(merged.first_row, []).append(merged)
    lasting: dict[int, tuple[int, Cell]] = {}
    for number, cells in rows:
        for column, (until, value) in lasting.items():
            if number <= until and column < len(cells):
                cells[column] = value
        for merged in starts.get(number, ()):
            if merged.column < len(cells):
                lasting[merged.column] = merged.last_row, cells[merged.column]
        yield number, cells


def _refusal(error: BaseException) -> BaseException:
    """What to tell of a reader's failure; its panics are no Exceptions, and an interrupt stays one."""
    if isinstance(error, PasswordError):
        return Invalid("workbook.encrypted")
    if isinstance(error, CalamineError | OSError | ValueError) or type(error).__name__ == "PanicException":
        return Invalid("workbook.damaged")
    return error


def examine(content: bytes, *, main: str = "xl/workbook.xml") -> None:
    """Refuse what is not a workbook of bearable size; `main` is the part that makes it one.

    Raises Invalid with workbook.empty, .too-large, .encrypted, .legacy-xls, .not-a-workbook, .damaged,
    .too-many-parts, .unpacks-too-large, .unsafe-xml, .too-many-rows, .too-many-columns or .too-many-cells.
    """
    _check_container(content)
    try:
        with archives.opened(content) as archive:
            if not {"[content_types].xml", main} <= archive.names:
                raise Invalid("workbook.not-a-workbook")
            _measure(archive)
    except archives.Unfit as error:
        raise Invalid(_UNFIT[error.why], _LIMITS.get(error.why)) from error


def _check_container(content: bytes) -> None:
    if not content:
        raise Invalid("workbook.empty")
    if len(content) > MAX_BYTES:
        raise Invalid("workbook.too-large", {"limit": MAX_BYTES // 1024 // 1024})
    if content.startswith(_OLE):
        sealed = "EncryptedPackage".encode("utf-16-le") in content
        raise Invalid("workbook.encrypted" if sealed else "workbook.legacy-xls")
    if not content.startswith(b"PK\x03\x04"):
        raise Invalid("workbook.not-a-workbook")


def _measure(archive: archives.Archive) -> None:
    """Unpack every part once, keeping nothing, and measure what comes out: the directory may lie."""
    measures = []
    for part in archive.parts:
        measure = _PartMeasure(declarations=part.filename.lower().endswith((".xml", ".rels")))
        for chunk in archive.chunks(part):
            measure.feed(chunk)
        measure.finish()
        measures.append((part, measure))
    _check_shared_text(archive, measures)


class _PartMeasure:
    """How many rows, columns and cells a part would make the reader allocate, and its longest text item.

    Every part is measured, since the workbook alone says which of them are sheets.
    """

    def __init__(self, *, declarations: bool) -> None:
        self.rows = self.last_row = self.columns = self.cells = 0
        self.longest_item = 0
        self._refuse_declarations = declarations
        self._started = False
        self._item = 0
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        if not self._started:
            self._started = True
            head = chunk[:64]
            if b"<\0" in head or b"\0<" in head:  # UTF-16: it would escape every pattern below
                raise Invalid("workbook.unsafe-xml")
        data = self._tail + chunk
        if self._refuse_declarations and _DECLARES.search(data):
            raise Invalid("workbook.unsafe-xml")
        self._tail = data[self._rows(data, last=False) :]
        if len(self._tail) > _LONGEST_ROW:
            raise Invalid("workbook.damaged")

    def finish(self) -> None:
        self._rows(self._tail, last=True)
        self._tail = b""
        if max(self.last_row, self.rows) * self.columns > MAX_AREA:
            raise Invalid("workbook.too-many-cells", {"limit": MAX_AREA})

    def _rows(self, data: bytes, *, last: bool) -> int:
        """Measure the complete rows of `data`; returns where the first incomplete one begins."""
        is_plain = b":row" not in data and b":c" not in data
        starts = [] if is_plain else [match.start() for match in _ROW.finditer(data)]
        last_start = data.rfind(b"<row") if is_plain else starts[-1] if starts else -1
        if last:
            end = len(data)
        elif last_start >= 0:
            end = last_start
        else:
            # Nothing like a row: keep only what may be the beginning of a tag.
            end = max(data.rfind(b"<"), len(data) - 4096, 0)
        if not (is_plain and self._measure_plain(data, end)):
            self._measure_odd(data, end, [match.start() for match in _ROW.finditer(data, 0, end)])
        if max(self.rows, self.last_row) > MAX_ROWS + 1:
            raise Invalid("workbook.too-many-rows", {"limit": MAX_ROWS})
        if self.columns > MAX_COLUMNS:
            raise Invalid("workbook.too-many-columns", {"limit": MAX_COLUMNS})
        if b"si" in data:
            self._measure_items(data, end)
        else:
            self._item += end
        return end

    def _measure_plain(self, data: bytes, end: int) -> bool:
        """Measure rows and cells that all say first where they stand, as office programs write them."""
        rows, cells = _PLAIN_ROW.findall(data, 0, end), _PLAIN_CELL.findall(data, 0, end)
        if len(rows) != data.count(b"<row", 0, end) or len(cells) != data.count(b"<c", 0, end):
            return False
        self._note({letters for letters, _ in cells}, {number for _, number in cells}.union(rows))
        self.rows += len(rows)
        self.cells += len(cells)
        return True

    def _measure_odd(self, data: bytes, end: int, starts: list[int]) -> None:
        """The same for any dress: prefixes, other orders of attributes, cells that do not say where they are."""
        found = _PLACE.findall(data, 0, end)
        self._note({letters for letters, _ in found}, {number for _, number in found})
        self.rows += len(starts)
        self.cells += len(_CELL.findall(data, 0, end))
        for start, stop in pairwise([*starts, end]):
            if data.count(b"c", start, stop) > MAX_COLUMNS:
                self.columns = max(self.columns, len(_CELL.findall(data, start, stop)))

    def _note(self, letters: set[bytes], numbers: set[bytes]) -> None:
        self.columns = max(self.columns, max(map(_column_number, letters), default=0))
        self.last_row = max(self.last_row, max((int(number[:9]) for number in numbers), default=0))

    def _measure_items(self, data: bytes, end: int) -> None:
        at = 0
        for match in _ITEM_END.finditer(data, 0, end):
            self.longest_item = max(self.longest_item, self._item + match.end() - at)
            self._item, at = 0, match.end()
        self._item += end - at


def _column_number(letters: bytes) -> int:
    if len(letters) > 3:
        return MAX_COLUMNS + 1
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_shared_text(archive: archives.Archive, measures: Sequence[tuple[zipfile.ZipInfo, _PartMeasure]]) -> None:
    """Refuse sheets whose cells repeat long shared texts: few bytes in the file, gigabytes when read."""
    longest = max((measure.longest_item for _, measure in measures), default=0)
    for part, measure in measures:
        if measure.cells * longest <= MAX_TEXT:
            continue
        lengths = [
            len(item)
            for other, items in measures
            if items.longest_item
            for item in _ITEM_END.split(archive.read(other))
        ]
        used = sum(
            lengths[index] for found in _SHARED.findall(archive.read(part)) if (index := int(found[:9])) < len(lengths)
        )
        if used > MAX_TEXT:
            raise Invalid(_UNFIT["too-large"], _LIMITS["too-large"])
