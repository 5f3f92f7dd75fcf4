"""The staffing list as files: layout of annex 3, stable bytes, headings in both languages. All names made up."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import docx
import pytest
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn

from app.reports import staffing_document, staffing_list
from app.reports.staffing_list import ListedPerson, ListedPost, StaffingList
from app.services import staffing_files

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 6, 30, 16, tzinfo=UTC)
JIA, YI, BING = (ListedPerson(n, f"示例{c}", f"1380000000{n}") for n, c in enumerate("甲乙丙", 1))
NAMESAKE = ListedPerson(9, "示例甲", "13800000009")
POSTS = (
    ListedPost("示例值守", "=1+1", "示例处", JIA, on_duty=True),
    ListedPost("示例登记", "示例职责", "示例处", JIA, YI, BING),
    ListedPost("示例督办", "示例职责", "示例处", None, BING, None),
)
LISTED = StaffingList(POSTS, AT, "定岗〔2026〕01")


def test_a_number_stands_under_the_first_mention() -> None:
    assert [cells[3:] for cells in staffing_list.rows(LISTED, str)] == [
        ("示例甲\n13800000001", "On-duty staff", ""),
        ("示例甲", "示例乙\n13800000002", "示例丙\n13800000003"),
        ("Vacant", "示例丙", "Vacant"),
    ]


def test_two_of_one_name_have_their_number_at_every_mention() -> None:
    posts = (*POSTS, ListedPost("示例四", "", "示例处", JIA, NAMESAKE, YI))
    said = staffing_list.rows(replace(LISTED, posts=posts), str)
    assert said[1][3] == "示例甲\n13800000001"
    assert said[3][3:5] == ("示例甲\n13800000001", "示例甲\n13800000009")


def test_the_subtitle_has_number_and_local_day() -> None:
    assert staffing_list.subtitle(LISTED, ZONE, str) == "No. 定岗〔2026〕01    As of 2026-07-01"


def xlsx(listed: StaffingList = LISTED) -> bytes:
    out = io.BytesIO()
    staffing_list.workbook(listed, zone=ZONE, t=str, out=out)
    return out.getvalue()


def test_the_same_list_is_the_same_file() -> None:
    assert xlsx() == xlsx()
    assert _document() == _document()
    for content in (xlsx(), _document()):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert {part.date_time[:3] for part in archive.infolist()} == {(1980, 1, 1)}


def _document(listed: StaffingList = LISTED) -> bytes:
    return staffing_document.document(listed, zone=ZONE, t=str)


def test_the_workbook_prints_across_with_its_heads_on_each_page() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx())) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        book = archive.read("xl/workbook.xml").decode()
        texts = archive.read("xl/sharedStrings.xml").decode()
    assert 'orientation="landscape"' in sheet
    assert 'paperSize="9"' in sheet
    assert "$3:$3" in book
    assert "<f>" not in sheet
    assert "=1+1" in texts


def test_the_document_prints_across_with_chinese_fonts() -> None:
    made = docx.Document(io.BytesIO(_document()))
    assert made.sections[0].orientation == WD_ORIENT.LANDSCAPE
    table = made.tables[0]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)
    fonts = {run._r.rPr.rFonts.get(qn("w:eastAsia")) for p in table.rows[1].cells[0].paragraphs for run in p.runs}
    assert fonts == {staffing_document.BODY_FONT}
    assert [p.text for p in table.rows[1].cells[3].paragraphs] == ["示例甲", "13800000001"]
    assert made.core_properties.created == made.core_properties.modified


@pytest.mark.parametrize("content", [xlsx(), _document()], ids=["xlsx", "docx"])
def test_what_is_written_is_read_again(content: bytes) -> None:
    found = staffing_files.read(content).table
    assert not found.problems
    assert [(row.post, row.on_duty, row.a and row.a.name) for row in found.rows] == [
        ("示例值守", True, None),
        ("示例登记", False, "示例乙"),
        ("示例督办", False, "示例丙"),
    ]
    assert (found.rows[2].leader, found.rows[2].b, found.rows[2].blank) == (None, None, ())


@pytest.mark.parametrize("content", [xlsx(StaffingList((), AT)), _document(StaffingList((), AT))])
def test_a_list_without_posts_is_still_a_file(content: bytes) -> None:
    assert staffing_files.read(content).table.problems[0].code == "staffing-table.no-rows"
