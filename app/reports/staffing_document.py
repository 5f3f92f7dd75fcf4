"""The staffing list in the layout of annex 3 as a .docx file, as an office prints it (R1, R16, R17)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT as VERTICAL
from docx.enum.table import WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.oxml import OxmlElement
from docx.shared import Cm

from . import staffing_list
from .paper import BODY_FONT, HEAD_FONT, everywhere, page_number, paragraph, timeless
from .staffing_list import StaffingList
from .table import Translate

_WIDTHS = (3.5, 8.4, 4.1, 3.2, 3.25, 3.25)  # cm; together the width between the margins of A4 across
_MARGIN, _EDGE = 2.0, 1.4  # cm at the sides; above and below
_SIZE = 10.5  # points: 五号


def document(listed: StaffingList, *, zone: tzinfo, t: Translate) -> bytes:
    """The list as a document for A4 across, its heads repeated on each page; the same list gives the same bytes."""
    made = docx.Document()
    _properties(made, listed, t)
    _page(made)
    paragraph(made.add_paragraph(), t(staffing_list.TITLE), HEAD_FONT, 18, ALIGN.CENTER, after=6)
    paragraph(made.add_paragraph(), staffing_list.subtitle(listed, zone, t), BODY_FONT, 11, ALIGN.RIGHT, after=4)
    rows = staffing_list.rows(listed, t)
    table = made.add_table(rows=1 + len(rows), cols=len(_WIDTHS), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, width in zip(table.columns, _WIDTHS, strict=True):
        column.width = Cm(width)
    _row(table.rows[0], staffing_list.heads(t), is_head=True)
    for row, cells in zip(table.rows[1:], rows, strict=True):
        _row(row, cells, is_head=False)
    page_number(made.sections[0])
    out = io.BytesIO()
    made.save(out)
    return timeless(out.getvalue())


def _properties(made: Any, listed: StaffingList, t: Translate) -> None:
    moment = listed.as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    core = made.core_properties
    core.title, core.author, core.comments, core.last_modified_by = t(staffing_list.TITLE), "", "", ""
    core.created = core.modified = moment
    core.revision = 1


def _page(made: Any) -> None:
    section = made.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(29.7), Cm(21.0)
    section.left_margin = section.right_margin = Cm(_MARGIN)
    section.top_margin = section.bottom_margin = Cm(_EDGE)
    everywhere(made, 11)


def _row(row: Any, cells: Sequence[str], *, is_head: bool) -> None:
    row.height, row.height_rule = Cm(0.8), WD_ROW_HEIGHT_RULE.AT_LEAST
    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))
    for number, (cell, said, width) in enumerate(zip(row.cells, cells, _WIDTHS, strict=True)):
        cell.width = Cm(width)
        cell.vertical_alignment = VERTICAL.CENTER
        align = ALIGN.LEFT if number == 1 and not is_head else ALIGN.CENTER
        # Each line is a paragraph of its own, as in the annex: the name, the number under it.
        first, *others = said.split("\n")
        font = HEAD_FONT if is_head else BODY_FONT
        paragraph(cell.paragraphs[0], first, font, _SIZE, align)
        for line in others:
            paragraph(cell.add_paragraph(), line, font, _SIZE, align)
