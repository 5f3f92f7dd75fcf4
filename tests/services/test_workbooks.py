"""Workbooks from strangers: read, or refused in words, and with little memory (SECURITY T14)."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter

from app.rules.errors import Invalid, NotFound, RuleError
from app.services import workbooks
from app.services.workbooks import Workbook, examine
from tests.books import BOOK_RELATIONS, GOOD, package, prefixed, sheet_xml, strings_xml

ROOT = Path(__file__).parents[2]


def cells(count: int, tag: str = "c") -> str:
    return f"<{tag}><v>1</v></{tag}>" * count


def written(fill: Callable[[xlsxwriter.Workbook], None], **options: object) -> bytes:
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"in_memory": True, **options}) as book:
        fill(book)
    return stored.getvalue()


def read_all(content: bytes) -> list[list[object]]:
    book = Workbook(content)
    return [cells for size in book.sheets() for _number, cells in book.rows(size.name)]  # type: ignore[misc]


def lying_directory(content: bytes) -> bytes:
    """The same archive whose directory says that the sheet unpacks to 10 bytes."""
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    return content[: at + 24] + struct.pack("<I", 10) + content[at + 28 :]


def overlapping(count: int) -> bytes:
    """Many directory entries for one and the same compressed part."""
    payload = zlib.compress(b"a" * 1_000_000, 9)[2:-4]
    sizes = (zlib.crc32(b"a" * 1_000_000), len(payload), 1_000_000)
    header = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 33, *sizes, 1, 0)
    body = header + b"a" + payload
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 33, *sizes, 1, *[0] * 6)
    directory = (entry + b"a") * count
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def many_rows(count: int) -> bytes:
    return package("".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, count + 1)))


TYPES, BOOK, RELATIONS = "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
SHEET = "xl/worksheets/sheet1.xml"
NOT_ONE = "workbook.not-a-workbook"
LONG = "示" * 30_000
DDE = '<externalLink xmlns="x"><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
_SHARED_CELLS = "".join(f'<c r="{letter}1" t="s"><v>0</v></c>' for letter in "ABCDEFGHIJKLMNOPQRST")
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "workbook.empty"),
    "one byte": (lambda: b"P", NOT_ONE),
    "plain text": (lambda: "编号,内容\n1,示例".encode(), NOT_ONE),
    "csv with a mark": (lambda: "\ufeff编号,内容".encode(), NOT_ONE),
    "csv in GB18030": (lambda: "编号,内容\n1,示例".encode("gb18030"), NOT_ONE),
    "html called xlsx": (lambda: b"<html><table><tr><td>1</td></tr></table></html>", NOT_ONE),
    "pdf": (lambda: b"%PDF-1.7\n", NOT_ONE),
    "old xls": (lambda: workbooks._OLE + b"\0" * 2048, "workbook.legacy-xls"),
    "password": (
        lambda: workbooks._OLE + b"\0" * 512 + "EncryptedPackage".encode("utf-16-le"),
        "workbook.encrypted",
    ),
    "zip header only": (lambda: b"PK\x03\x04", "workbook.damaged"),
    "zip with junk": (lambda: b"PK\x03\x04" + bytes(range(256)) * 4, "workbook.damaged"),
    "empty zip": (lambda: b"PK\x05\x06" + b"\0" * 18, NOT_ONE),
    "zip of something else": (lambda: package(without=(BOOK,)), NOT_ONE),
    "no types": (lambda: package(without=(TYPES,)), NOT_ONE),
    "ods": (lambda: package(without=(BOOK, TYPES), extra={"content.xml": "<x/>"}), NOT_ONE),
    "xlsb": (lambda: package(without=(BOOK,), extra={"xl/workbook.bin": b"\x83\x01"}), NOT_ONE),
    "word document": (lambda: package(without=(BOOK,), extra={"word/document.xml": "<x/>"}), NOT_ONE),
    "cut in half": (lambda: (whole := package(GOOD * 500))[: len(whole) // 2], "workbook.damaged"),
    "cut at the end": (lambda: package()[:-30], "workbook.damaged"),
    "flipped bytes": (lambda: _flipped(package(GOOD * 500)), "workbook.damaged"),
    "directory that lies": (lambda: lying_directory(package(GOOD * 200)), "workbook.damaged"),
    "encrypted entry": (lambda: _with_flag(package()), "workbook.encrypted"),
    "unknown compression": (lambda: package(compression=zipfile.ZIP_LZMA), "workbook.damaged"),
    "bzip2": (lambda: package(compression=zipfile.ZIP_BZIP2), "workbook.damaged"),
    "zip bomb": (lambda: package(extra={"xl/media/a.bin": b"\0" * 30_000_000}), "workbook.unpacks-too-large"),
    "bomb beside noise": (
        lambda: package(extra={"a.bin": b"\0" * 3_000_000, "b.bin": _noise(400_000)}),
        "workbook.unpacks-too-large",
    ),
    "over 100 MB": (
        lambda: package(extra={f"xl/media/{n}.bin": _noise(30_000) * 640 for n in range(6)}),
        "workbook.unpacks-too-large",
    ),
    "overlapping parts": (lambda: overlapping(900), "workbook."),
    "directory of 5,000": (lambda: overlapping(5_000), "workbook.too-many-parts"),
    "1,001 parts": (lambda: package(extra={f"x/{n}": "" for n in range(1_001)}), "workbook.too-many-parts"),
    "billion laughs": (lambda: package(sheet=BOMB + sheet_xml()), "workbook.unsafe-xml"),
    "billion laughs in strings": (lambda: package(shared=BOMB + strings_xml("&b;")), "workbook.unsafe-xml"),
    "outside entity": (
        lambda: package(sheet=OUTSIDE + sheet_xml()),
        "workbook.unsafe-xml",
    ),
    "entity in the relations": (
        lambda: package(extra={"xl/_rels/workbook.xml.rels": "<!DOCTYPE x>" + BOOK_RELATIONS}),
        "workbook.unsafe-xml",
    ),
    "sheet in UTF-16": (lambda: package(sheet=sheet_xml().encode("utf-16")), "workbook.unsafe-xml"),
    "sheet in UTF-16 without mark": (
        lambda: package(sheet=sheet_xml().encode("utf-16-le")),
        "workbook.unsafe-xml",
    ),
    "a million rows": (lambda: many_rows(1_000_000), "workbook.too-many-rows"),
    "200,002 rows": (lambda: many_rows(200_002), "workbook.too-many-rows"),
    "rows without numbers": (
        lambda: package("".join(f"<row><c><v>{n * 2_654_435_761 % 2**32}</v></c></row>" for n in range(200_002))),
        "workbook.too-many-rows",
    ),
    "one cell far down": (
        lambda: package('<row r="1"><c r="A1048576"><v>1</v></c></row>'),
        "workbook.too-many-rows",
    ),
    "one row far down": (lambda: package('<row r="999999999999"/>'), "workbook.too-many-rows"),
    "16,384 columns": (lambda: package(f'<row r="1">{cells(16_384)}</row>'), "workbook.too-many-columns"),
    "one cell far right": (
        lambda: package('<row r="1"><c r="XFD1"><v>1</v></c></row>'),
        "workbook.too-many-columns",
    ),
    "column of four letters": (
        lambda: package('<row r="1"><c r="AAAA1"><v>1</v></c></row>'),
        "workbook.too-many-columns",
    ),
    "far right in odd dress": (
        lambda: package("<row r='1'><c\n\ts='1'\n r = 'ZZ1'><v>1</v></c></row>"),
        "workbook.too-many-columns",
    ),
    "far right with a prefix": (
        lambda: package(sheet=prefixed(f'<x:row r="1">{cells(300, "x:c")}</x:row>')),
        "workbook.too-many-columns",
    ),
    "a wide and high sheet": (
        lambda: package('<row r="1"><c r="IV1"><v>1</v></c></row><row r="200000"><c r="A200000"><v>1</v></c></row>'),
        "workbook.too-many-cells",
    ),
    "long strings repeated": (
        lambda: package(f'<row r="1">{_SHARED_CELLS}</row>' * 150, shared=strings_xml(LONG)),
        "workbook.unpacks-too-large",
    ),
    "endless row": (
        lambda: package(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{_letters(17_000_000)}</t></is></c></row>'),
        "workbook.damaged",
    ),
    "sheet cut inside": (lambda: package(sheet=sheet_xml()[:-60]), "workbook.damaged"),
    "no such part": (lambda: package(without=(SHEET,)), "workbook.damaged"),
    "no relations": (lambda: package(without=(RELATIONS,)), "workbook.damaged"),
}


def _flipped(content: bytes) -> bytes:
    at = content.index(b"xl/worksheets/sheet1.xml") + 60
    return content[:at] + bytes(byte ^ 0xFF for byte in content[at : at + 40]) + content[at + 40 :]


def _with_flag(content: bytes) -> bytes:
    changed = bytearray(content)
    at = content.index(b"PK\x01\x02")
    changed[at + 8] |= 1
    return bytes(changed)


def _noise(size: int) -> bytes:
    state, made = 12345, bytearray()
    while len(made) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        made += state.to_bytes(8, "big")
    return bytes(made[:size])


def _letters(size: int) -> str:
    piece = _noise(65_536).hex()
    return (piece * (size // len(piece) + 1))[:size]


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_words(name: str) -> None:
    make, code = REFUSED[name]
    with pytest.raises(RuleError) as refused:
        read_all(make())
    assert refused.value.code.startswith(code), refused.value


def test_a_file_above_the_limit_is_not_even_opened() -> None:
    with pytest.raises(Invalid, match=r"workbook\.too-large"):
        examine(b"PK\x03\x04" + b"\0" * workbooks.MAX_BYTES)


READ: dict[str, tuple[Callable[[], bytes], list[list[object]]]] = {
    "plain": (package, [["示例", 7.0]]),
    "stored, not packed": (lambda: package(compression=zipfile.ZIP_STORED), [["示例", 7.0]]),
    "no sheet data": (lambda: package(""), []),
    "macros beside": (
        lambda: package(extra={"xl/vbaProject.bin": workbooks._OLE + _noise(3_000)}),
        [["示例", 7.0]],
    ),
    "names that climb": (
        lambda: package(extra={"../../etc/passwd": "x", "/abs": "y", "C:\\z": "z"}),
        [["示例", 7.0]],
    ),
    "a zip inside": (lambda: package(extra={"xl/embeddings/a.zip": package()}), [["示例", 7.0]]),
    "links outside": (
        lambda: package(extra={"xl/externalLinks/externalLink1.xml": DDE}),
        [["示例", 7.0]],
    ),
    "a picture with a doctype": (
        lambda: package(extra={"xl/media/a.svg": "<!DOCTYPE svg><svg/>"}),
        [["示例", 7.0]],
    ),
    "implicit cells": (lambda: package("<row><c><v>1</v></c><c><v>2</v></c></row>"), [[1.0, 2.0]]),
    "prefixed": (
        lambda: package(sheet=prefixed('<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row>')),
        [[1.0]],
    ),
    "cells out of order": (
        lambda: package('<row r="1"><c r="B1"><v>2</v></c><c r="A1"><v>1</v></c></row>'),
        [[1.0, 2.0]],
    ),
    "a formula and its value": (
        lambda: package('<row r="1"><c r="A1"><f>cmd|\' /C calc\'!A0</f><v>5</v></c></row>'),
        [[5.0]],
    ),
    "an error": (
        lambda: package('<row r="1"><c r="A1" t="e"><v>#REF!</v></c><c r="B1"><v>1</v></c></row>'),
        [["", 1.0]],
    ),
    "text that looks like a far cell": (
        lambda: package('<row r="1"><c r="A1" t="inlineStr"><is><t>见 r=XFD1 与 &lt;row&gt;</t></is></c></row>'),
        [["见 r=XFD1 与 <row>"]],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_it_is_read(name: str) -> None:
    make, rows = READ[name]
    assert read_all(make()) == rows


def test_true_dates_texts_and_long_cells_are_read() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("示例")
        moment, day = (book.add_format({"num_format": code}) for code in ("yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"))
        sheet.write_datetime(2, 1, datetime(2019, 4, 25, 9, 32, 9), moment)
        sheet.write_datetime(2, 2, datetime(2019, 4, 25), day)
        sheet.write_string(2, 3, "360402199001011234")
        sheet.write_string(2, 4, "长" * 32_767)
        sheet.write_string(2, 5, "a\x0bb😀")

    book = Workbook(written(fill))
    rows = dict(book.rows("示例"))
    assert rows[3] == [
        "",
        datetime(2019, 4, 25, 9, 32, 9),
        date(2019, 4, 25),
        "360402199001011234",
        "长" * 32_767,
        "a\x0bb😀",
    ]
    assert [size.rows for size in book.sheets()] == [3]
    assert [size.columns for size in book.sheets()] == [6]


def test_days_that_count_from_1904_are_the_same_days() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("示例").write_datetime(
            0, 0, datetime(2019, 4, 25), book.add_format({"num_format": "yyyy-mm-dd"})
        )

    late, early = Workbook(written(fill, date_1904=True)), Workbook(written(fill))
    assert [cells for _, cells in late.rows("示例")] == [[date(2019, 4, 25)]]
    assert (late.is_1904, early.is_1904) == (True, False)


def test_hidden_sheets_are_marked_and_charts_left_out() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("空表")
        book.add_worksheet("藏").hide()
        sheet = book.add_worksheet("示例")
        sheet.write(1, 2, "x")
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=示例!$C$2:$C$2"})
        book.add_chartsheet("图").set_chart(chart)

    sizes = {size.name: (size.rows, size.columns, size.hidden) for size in Workbook(written(fill)).sheets()}
    assert sizes == {"空表": (0, 0, False), "藏": (0, 0, True), "示例": (2, 3, False)}


def test_merged_cells_are_filled_or_told() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("示例")
        sheet.merge_range(1, 0, 3, 0, "甲")
        sheet.merge_range(0, 1, 0, 2, "横")
        for row in range(1, 5):
            sheet.write(row, 1, str(row))

    book = Workbook(written(fill))
    assert [cells[0] for _, cells in book.rows("示例")] == ["", "甲", "", "", ""]
    assert [cells[0] for _, cells in book.rows("示例", fill_merged=True)] == ["", "甲", "甲", "甲", ""]
    assert book.merged_rows("示例") == {3, 4}


def test_merged_ranges_beyond_the_sheet_cost_nothing() -> None:
    after = "<mergeCells>" + '<mergeCell ref="A1:A1048576"/>' * 20_000 + "</mergeCells>"
    assert Workbook(package(after=after)).merged_rows("示例") == set()


def test_an_unknown_sheet_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"workbook\.no-such-sheet"):
        list(Workbook(package()).rows("无此表"))


def test_a_limit_reads_only_the_first_rows() -> None:
    book = Workbook(many_rows(50))
    assert [number for number, _ in book.rows("示例", limit=3)] == [1, 2, 3]


def test_a_large_workbook_takes_little_memory(tmp_path: Path) -> None:
    cell = '<c r="{}{n}" t="inlineStr"><is><t>示例小区第{n}栋的路灯已经三天不亮，请尽快处理</t></is></c>'
    line = '<row r="{n}">' + "".join(cell.replace("{}", letter) for letter in "ABCDE") + "</row>"
    path = tmp_path / "large.xlsx"
    path.write_bytes(package("".join(line.replace("{n}", str(n)) for n in range(1, 100_001))))
    script = (
        "import sys, pathlib; from app.services.workbooks import Workbook\n"
        "book = Workbook(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "count = sum(1 for _ in book.rows('示例'))\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(count, int(peak.split()[1]) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == 100_000
    assert megabytes < 300


def test_moments_are_not_lost_to_rounding() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("示例")
        style = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for second in range(120):
            sheet.write_datetime(second, 0, datetime(2019, 4, 25, 9, 30) + timedelta(seconds=second), style)

    rows = [cells[0] for _, cells in Workbook(written(fill)).rows("示例")]
    expected = [datetime(2019, 4, 25, 9, 30) + timedelta(seconds=second) for second in range(120)]
    assert all(abs(found - known) < timedelta(milliseconds=500) for found, known in zip(rows, expected, strict=True))  # type: ignore[operator]
