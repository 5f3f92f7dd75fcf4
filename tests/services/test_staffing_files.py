"""Reading staffing tables from files: merged cells, torn tables, and what is refused. All names made up."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
import xlsxwriter

from app.rules.errors import Invalid
from app.rules.staffing_table import Table, from_text
from app.services import staffing_files
from tests.staffing_texts import ROWS, document, pasted, workbook

# The office of the first and the leader of the last two posts are written once, over two rows.
SHARED = (*ROWS[:3], ROWS[3], (*ROWS[4][:2], "", "", *ROWS[4][4:]))
MERGES = ((3, 4, 2, 2), (3, 4, 3, 3))


def facts(table: Table) -> list[tuple[object, ...]]:
    assert not table.problems
    return [(row.post, row.duty, row.office, row.leader, row.a, row.b, row.on_duty) for row in table.rows]


EXPECTED = facts(from_text(pasted()))


@pytest.mark.parametrize(
    ("content", "source"),
    [
        (workbook(), "xlsx"),
        (workbook(above=("附3", "示例定岗定员表", "示例")), "xlsx"),
        (workbook(SHARED, merges=MERGES), "xlsx"),
        (workbook(SHARED), "xlsx"),
        (workbook(merges=((0, 0, 4, 5),)), "xlsx"),
        (document(), "docx"),
        (document(tables=3), "docx"),
        (document(SHARED, merges=MERGES), "docx"),
        (document(SHARED), "docx"),
        (document(merges=((0, 0, 4, 5),)), "docx"),
    ],
    ids=["plain", "titles", "merged", "blank", "across", "doc", "torn", "doc merged", "doc blank", "doc across"],
)
def test_every_layout_says_the_same(content: bytes, source: str) -> None:
    found = staffing_files.read(content)
    assert found.source == source
    assert facts(found.table) == EXPECTED


def test_numbers_that_are_numbers() -> None:
    rows = [("示例岗", "示例", "示例处", "示例甲", "示例乙", 13800000001, "示例丙")]
    heads = ("岗位", "职责", "责任处室", "责任领导", "A角", "手机", "B角")
    found = staffing_files.read(workbook(rows, heads=heads)).table
    assert found.rows[0].a is not None
    assert found.rows[0].a.phone == "13800000001"


def test_the_sheet_with_the_table_is_found() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet("示例说明").write_string(0, 0, "示例")
        sheet = book.add_worksheet("示例表")
        for number, cells in enumerate([("岗位", "职责", "责任处室", "责任领导", "A角", "B角"), *ROWS]):
            sheet.write_row(number, 0, cells)
    assert facts(staffing_files.read(out.getvalue()).table) == EXPECTED


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _changed(content: bytes, name: str, part: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    return _zip({**parts, name: part})


BOMB = b"<w:t>" + b" " * 50_000_000 + b"</w:t>"
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "workbook.empty"),
        (b"%PDF-1.4", "document.unknown"),
        ("示例".encode(), "document.unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "document.legacy"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(600),
            "document.encrypted",
        ),
        (_zip({"a.txt": b"x"}), "document.unknown"),
        (_zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"}), "document.damaged"),
        (document()[:-400], "workbook.damaged"),
        (_changed(document(), "word/vbaProject.bin", b"x"), "document.macros"),
        (_changed(workbook(), "xl/vbaProject.bin", b"x"), "document.macros"),
        (_changed(document(), "word/document.xml", BOMB), "workbook.unpacks-too-large"),
        (_changed(document(), "word/document.xml", ENTITIES), "document.damaged"),
        (bytes(staffing_files.MAX_BYTES + 1), "staffing-table.too-large"),
    ],
)
def test_what_is_no_honest_file_is_refused_at_the_field(content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        staffing_files.read(content)
    assert (refused.value.code, refused.value.field) == (code, "file")


def test_a_document_without_a_table_says_what_is_missing() -> None:
    made, out = docx.Document(), io.BytesIO()
    made.add_paragraph("示例")
    made.save(out)
    assert staffing_files.read(out.getvalue()).table.problems[0].code == "staffing-table.no-heads"
