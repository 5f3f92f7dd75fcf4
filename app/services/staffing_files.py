"""Reading a staffing table from a file that somebody hands in: a workbook or a document, judged by its content.

What is inside is measured before it is loaded (SECURITY T14); macros and links are never followed.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docx
from docx.oxml.ns import qn

from app.rules import archives, staffing_table
from app.rules.columns import cell_text
from app.rules.errors import Invalid
from app.rules.staffing_table import Cells, Table
from app.services import workbooks
from app.services.workbooks import Workbook

MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 2_000
_DOCUMENT = "word/document.xml"
_WHERE = "file"
# What examining a container says of a document instead of a workbook.
_OF_DOCUMENT = {
    "workbook.encrypted": "document.encrypted",
    "workbook.damaged": "document.damaged",
    "workbook.unsafe-xml": "document.damaged",
    "workbook.not-a-workbook": "document.unknown",
    "workbook.legacy-xls": "document.legacy",
}


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds: "xlsx" or "docx", and the table."""

    source: str
    table: Table


def read(content: bytes) -> Read:
    """The staffing table of a workbook or a document.

    Raises Invalid with the code of what is wrong with the file, at the field "file"; what is wrong inside the
    table stands among its problems.
    """
    if len(content) > MAX_BYTES:
        raise Invalid("staffing-table.too-large", {"limit": MAX_BYTES // 1024 // 1024}, field=_WHERE)
    try:
        if _is_document(content):
            return Read("docx", _document(content))
        return Read("xlsx", _workbook(content))
    except Invalid as error:
        raise Invalid(error.code, error.data, field=_WHERE) from error


def _is_document(content: bytes) -> bool:
    """Whether it is no workbook: everything else gets the words for documents."""
    try:
        with archives.opened(content) as archive:
            names = archive.names
    except archives.Unfit:
        return not content.startswith(b"PK\x03\x04")
    if any(name.endswith("vbaproject.bin") for name in names):
        raise Invalid("document.macros")
    return "xl/workbook.xml" not in names


# --- workbooks -------------------------------------------------------------------------------------------------


def _workbook(content: bytes) -> Table:
    """The first sheet that has the heads of a staffing table; the first one's problem when none has."""
    book = Workbook(content)
    first: Table | None = None
    for sheet in book.sheets():
        if sheet.hidden or not sheet.rows:
            continue
        table = staffing_table.read(_sheet(book, sheet.name))
        if table.rows or any(problem.line for problem in table.problems):
            return table
        first = first or table
    return first or staffing_table.read(())


def _sheet(book: Workbook, name: str) -> Iterator[tuple[int, Cells]]:
    above = book.merged_above(name)
    for number, cells in book.rows(name, limit=MAX_LINES):
        yield (
            number,
            [
                staffing_table.ABOVE if (number, column) in above else cell_text(cell)
                for column, cell in enumerate(cells)
            ],
        )


# --- documents -------------------------------------------------------------------------------------------------


def _document(content: bytes) -> Table:
    try:
        workbooks.examine(content, main=_DOCUMENT)
        document = docx.Document(io.BytesIO(content))
    except Invalid as error:
        raise Invalid(_OF_DOCUMENT.get(error.code, error.code), error.data) from error
    except Exception as error:  # the reader raises whatever its parser meets
        raise Invalid("document.damaged") from error
    return staffing_table.read(_tables(document.element.body))


def _tables(body: Any) -> Iterator[tuple[int, Cells]]:
    """The rows of all tables one after the other: a table goes on where a page or a heading tore it apart."""
    number = 0
    for table in body.iter(qn("w:tbl")):
        if _owner(table, "w:tc") is not None:
            continue  # inside a cell of another
        rows = [_cells_of(row) for row in table.iter(qn("w:tr")) if _owner(row, "w:tbl") is table]
        if not rows:
            continue
        usual = Counter(len(cells) for cells in rows).most_common(1)[0][0]
        for cells in rows:
            number += 1
            if number > MAX_LINES:
                return
            yield number, _spread(cells, usual)


@dataclass(frozen=True, slots=True)
class _Cell:
    said: str | None
    span: int


def _cells_of(row: Any) -> list[_Cell]:
    return [_cell(cell) for cell in row.iter(qn("w:tc")) if _owner(cell, "w:tr") is row]


def _cell(cell: Any) -> _Cell:
    properties = cell.find(qn("w:tcPr"))
    span, merged = None, None
    if properties is not None:
        span, merged = properties.find(qn("w:gridSpan")), properties.find(qn("w:vMerge"))
    width = span.get(qn("w:val"), "1") if span is not None else "1"
    if merged is not None and merged.get(qn("w:val"), "continue") == "continue":
        said = staffing_table.ABOVE
    else:
        said = "\n".join(_said(part) for part in cell.iter(qn("w:p")) if _owner(part, "w:tc") is cell)
    return _Cell(said, min(int(width), workbooks.MAX_COLUMNS) if width.isdecimal() else 1)


def _said(paragraph: Any) -> str:
    parts = {qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:tab"): " "}
    texts = (part.text or "" if part.tag == qn("w:t") else parts.get(part.tag, "") for part in paragraph.iter())
    return "".join(texts)


def _spread(cells: list[_Cell], usual: int) -> Cells:
    """A row as wide as most is read cell by cell; in another one, cells take the width that they are merged over."""
    if len(cells) == usual:
        return [cell.said for cell in cells]
    found: list[str | None] = []
    for cell in cells:
        found += [cell.said, *([""] * (cell.span - 1))]
    return found[: workbooks.MAX_COLUMNS]


def _owner(element: Any, tag: str) -> Any:
    return next(element.iterancestors(qn(tag)), None)
