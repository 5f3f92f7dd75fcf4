"""Workbooks for tests: a table as an office writes it, and packages that no office program would write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = '<Relationship Id="{id}" Type="{office}/{kind}" Target="{target}"/>'
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    "</Types>"
)
BOOK = '<workbook xmlns="{main}" xmlns:r="{office}">{pr}<sheets>{sheets}</sheets></workbook>'
SHEET = '<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>{after}</worksheet>'
STRINGS = '<sst xmlns="{main}" count="1" uniqueCount="1"><si><t>{text}</t></si></sst>'
ONE = '<sheet name="示例" sheetId="1" r:id="r1"/>'
GOOD = '<row r="1"><c r="A1" t="inlineStr"><is><t>示例</t></is></c><c r="B1"><v>7</v></c></row>'


def relations(*targets: tuple[str, str]) -> str:
    """The relations of a part: (kind, target) pairs, numbered r1, r2, …"""
    entries = "".join(
        RELATION.format(id=f"r{number}", office=OFFICE, kind=kind, target=target)
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{entries}</Relationships>'


BOOK_RELATIONS = relations(("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml"))


def sheet_xml(rows: str = GOOD, after: str = "") -> str:
    """A worksheet part."""
    return SHEET.format(main=MAIN, rows=rows, after=after)


def strings_xml(text: str) -> str:
    """A part of shared strings with one entry."""
    return STRINGS.format(main=MAIN, text=text)


def prefixed(rows: str) -> str:
    """A worksheet whose tags carry a prefix, as some libraries write them; rows come with theirs."""
    return f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'


def package(
    rows: str = GOOD,
    *,
    after: str = "",
    sheet: str | bytes | None = None,
    shared: str | None = None,
    extra: dict[str, str | bytes] | None = None,
    without: tuple[str, ...] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A workbook written by hand, part by part."""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": BOOK.format(main=MAIN, office=OFFICE, pr="", sheets=ONE),
        "xl/_rels/workbook.xml.rels": BOOK_RELATIONS,
        "xl/worksheets/sheet1.xml": sheet if sheet is not None else sheet_xml(rows, after),
    }
    if shared is not None:
        parts["xl/sharedStrings.xml"] = shared
    parts |= extra or {}
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", compression) as archive:
        for name, content in parts.items():
            if name not in without:
                archive.writestr(name, content)
    return stored.getvalue()


def workbook(*rows: Sequence[Any], sheets: Sequence[str] = ("示例表",), **options: Any) -> bytes:
    """A workbook whose last sheet has these rows; moments become true dates."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"in_memory": True, **options}) as book:
        dated = book.add_format({"num_format": "yyyy/m/d h:mm:ss"})
        for name in sheets:
            page = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    page.write_datetime(at, column, cell, dated)
                elif isinstance(cell, int | float):
                    page.write_number(at, column, cell)
                else:
                    page.write_string(at, column, str(cell))
    return stored.getvalue()
