"""A workbook opened part by part, as the programs that show it read it."""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from functools import cached_property
from io import BytesIO
from xml.etree import ElementTree

from app.reports import xlsx
from app.reports.table import Book, ChartPage, ReportTable
from tests.reports.samples import AS_OF, ZONE

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rendered(book: Book, *, created_at: datetime = AS_OF) -> bytes:
    """The bytes of a book."""
    out = BytesIO()
    xlsx.render(book, created_at=created_at, zone=ZONE, out=out)
    return out.getvalue()


def opened(*sheets: ReportTable | ChartPage, footer: str = "") -> Opened:
    """A book of these sheets, rendered and opened again."""
    return Opened(rendered(Book("示例", tuple(sheets), footer=footer)))


class Opened:
    """The parts of one file, and its cells as text."""

    def __init__(self, raw: bytes) -> None:
        self.parts = {}
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            assert archive.testzip() is None
            self.infos = archive.infolist()
            for info in self.infos:
                self.parts[info.filename] = archive.read(info).decode()

    @cached_property
    def sheets(self) -> list[str]:
        """The names of the sheets, in order."""
        return [sheet.attrib["name"] for sheet in self.tree("xl/workbook.xml").iter(f"{MAIN}sheet")]

    def tree(self, part: str) -> ElementTree.Element:
        """A part as XML; fails if it is not well-formed."""
        return ElementTree.fromstring(self.parts[part])

    def sheet(self, name: str) -> str:
        """The XML of a sheet."""
        return self.parts[f"xl/worksheets/sheet{self.sheets.index(name) + 1}.xml"]

    @cached_property
    def _shared(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self.parts:
            return []
        items = self.tree("xl/sharedStrings.xml").iter(f"{MAIN}si")
        return ["".join(text.text or "" for text in item.iter(f"{MAIN}t")) for item in items]

    def cells(self, name: str) -> dict[str, str]:
        """Cell → what is stored in it: text as text, numbers as written."""
        found = {}
        for cell in ElementTree.fromstring(self.sheet(name)).iter(f"{MAIN}c"):
            text = "".join(part.text or "" for part in cell.iter(f"{MAIN}t"))
            value = cell.find(f"{MAIN}v")
            if value is not None and value.text is not None:
                text = self._shared[int(value.text)] if cell.attrib.get("t") == "s" else number(value.text)
            found[cell.attrib["r"]] = unescaped(text)
        return found

    def column(self, name: str, letter: str) -> list[str]:
        """The cells of a column, from top to bottom."""
        return [text for cell, text in self.cells(name).items() if re.fullmatch(rf"{letter}\d+", cell)]

    def row(self, name: str, number: int) -> list[str]:
        """The cells of a row, from left to right."""
        return [text for cell, text in self.cells(name).items() if re.fullmatch(rf"[A-Z]+{number}", cell)]

    def number_format(self, name: str, cell: str) -> str:
        """The number format of a cell."""
        found = ElementTree.fromstring(self.sheet(name)).find(f".//{MAIN}c[@r='{cell}']")
        assert found is not None
        styles = self.tree("xl/styles.xml")
        style = styles.findall(f"{MAIN}cellXfs/{MAIN}xf")[int(found.attrib["s"])]
        made = styles.iter(f"{MAIN}numFmt")
        formats = {item.attrib["numFmtId"]: item.attrib["formatCode"] for item in made}
        return formats.get(style.attrib["numFmtId"], style.attrib["numFmtId"])


def number(stored: str) -> str:
    """A stored number to twelve digits, without the noise of binary fractions."""
    return f"{float(stored):.12g}"


def unescaped(text: str) -> str:
    """Excel's own escapes read back (_x005F_ is an underscore that is none of them)."""
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)
