"""Fictional staffing tables in the layout of annex 3: as pasted from a notice, as a workbook, as a document."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import docx
import xlsxwriter

HEADS = ("岗 位", "职 责", "责任处室", "责任领导", "A角", "B角")
# Cells as the annex has them: inner spaces, numbers under names, a line end inside an office, B empty under 当值人员.
ROWS: tuple[tuple[str, ...], ...] = (
    ("示例值守员", "接听示例电话12345,1小时内提交。", "示例总值班室", "示例唐\n13800000001", "当值人员", ""),
    ("示例网络收集人", "收集示例网络信息。", "示例信息中心", "示 例 龚\n13800000002", "示例龚", "示例江\n13800000003"),
    (
        *("示例报刊收集人", "收集示例报刊。", "示例办公厅\n机关党委"),
        *("示例曹\n１３８０００００００４", "示例曹", "示例钟\n138 0000 0005"),
    ),
    ("示例登记员", "示例编号。", "示例总值班室", "示例唐", "示例吴\n13800000006", "示例倪\n13800000007"),
    ("示例督办人", "示例督办。", "示例总值班室", "示例唐", "示例倪", "示例吴"),
)


def pasted(rows: Sequence[Sequence[str]] = ROWS, *, again_after: int = 2) -> str:
    """As the table comes out of a notice: each cell on lines of its own, the heads once more in the middle."""
    blocks = []
    for index, cells in enumerate(rows):
        if index in (0, again_after):
            blocks.append(HEADS)
        cells = tuple(cells)
        blocks.append(cells if cells[-1] else cells[:-1])
    lines = "".join("\n| ".join(cells) + "\n|\n" for cells in blocks)
    return f"附3:\n示例民声直通车工作定岗定员定责情况表\n{lines}"


def workbook(
    rows: Iterable[Sequence[Any]] = ROWS,
    *,
    heads: Sequence[str] = HEADS,
    merges: Iterable[tuple[int, int, int, int]] = (),
    above: Sequence[str] = ("示例定岗定员表",),
) -> bytes:
    """A sheet with a title, the heads and the rows; `merges` are (first row, last row, first column, last column).

    Rows of merges count from 0 at the first post.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for number, title in enumerate(above):
            sheet.merge_range(number, 0, number, len(heads) - 1, title)
        sheet.write_row(len(above), 0, heads)
        first = len(above) + 1
        for number, cells in enumerate(rows, first):
            sheet.write_row(number, 0, cells)
        kept = list(rows)
        for top, bottom, left, right in merges:
            sheet.merge_range(first + top, left, first + bottom, right, kept[top][left])
    return out.getvalue()


def document(
    rows: Sequence[Sequence[str]] = ROWS,
    *,
    merges: Iterable[tuple[int, int, int, int]] = (),
    tables: int = 1,
) -> bytes:
    """The same as a document: each line of a cell a paragraph; `tables` tears it into so many, heads repeated."""
    made = docx.Document()
    made.add_paragraph("附3:")
    made.add_paragraph("示例定岗定员表")
    size = -(-len(rows) // tables)
    for start in range(0, len(rows), size):
        part = [HEADS, *rows[start : start + size]]
        table = made.add_table(len(part), len(HEADS))
        for row, cells in zip(table.rows, part, strict=True):
            for cell, said in zip(row.cells, cells, strict=True):
                first, *others = said.split("\n")
                cell.text = first
                for line in others:
                    cell.add_paragraph(line)
        for top, bottom, left, right in merges:
            merged = table.cell(top + 1, left)
            for row in range(top + 1, bottom + 1):
                for column in range(left, right + 1):
                    table.cell(row + 1, column).text = "" if (row, column) != (top, left) else merged.text
            merged.merge(table.cell(bottom + 1, right))
        made.add_paragraph("")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
