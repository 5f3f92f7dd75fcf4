"""One small workbook, part by part, against the parts kept beside this test.

After a wanted change look at the difference, open the file in a spreadsheet program, and write the parts
again: `python -m tests.reports.test_golden`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.reports.table import Book, Chart, ChartPage, Column, Figure, ReportTable, Series
from tests.reports.opened import Opened, rendered
from tests.reports.samples import AS_OF

GOLDEN = Path(__file__).with_name("golden")
PARTS = (
    "docProps/core.xml", "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml",
    "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml", "xl/charts/chart1.xml",
)


def book() -> Book:
    """Every kind of cell, a band, totals, notes, a text that wraps, and a chart."""
    table = ReportTable(
        title="示例表", sheet="示例", frozen=1, facts=("截至 2026-10-08 09:30",), notes=("注:示例数据。",),
        columns=(
            Column("position", "序号", "ordinal"), Column("name", "单位", width=12),
            Column("count", "件数", "int", band="办结"), Column("rate", "比率", "percent", band="办结"),
            Column("days", "天数", "decimal"), Column("growth", "增减", "growth"),
            Column("points", "增减", "points"),
            Column("at", "时间", "moment"), Column("on", "日期", "date"), Column("late", "超期", "duration"),
            Column("link", "页面", screen_only=True),
        ),
        rows=[
            (1, "示例单位甲,名称较长需要换行", 1234, Decimal("66.67"), Decimal("6.4"), Decimal("4.7"),
             Decimal("-6.1"), AS_OF, date(2026, 10, 8), timedelta(hours=5), "/appeals/1"),
            (2, "=1+1", None, None, None, None, Figure(Decimal(50), "percent"), None, None,
             timedelta(days=3), ""),
        ],
        totals=("", "合计", 1234, Decimal("66.67"), "", "", "", "", "", "", ""),
    )
    rates = Series("按时办结率", (Decimal("66.67"), Decimal(50)))
    chart = Chart("bar", "单位", ("甲", "乙"), (rates,), "percent")
    return Book("示例", (table, ChartPage("按时办结率", chart)), footer="示例导出", author="示例")


def parts() -> dict[str, str]:
    """The parts as they are now, an element to a line."""
    file = Opened(rendered(book()))
    return {name: file.parts[name].replace("><", ">\n<") + "\n" for name in PARTS}


def kept(name: str) -> Path:
    """Where a part is kept."""
    return GOLDEN / name.replace("/", ".")


@pytest.mark.parametrize("name", PARTS)
def test_the_parts_are_as_kept(name: str) -> None:
    assert parts()[name] == kept(name).read_text(encoding="utf-8")


def test_another_process_elsewhere_writes_the_same_bytes() -> None:
    code = "import sys; from tests.reports.test_golden import *; sys.stdout.buffer.write(rendered(book()))"
    environment = os.environ | {"PYTHONHASHSEED": "17", "TZ": "America/New_York", "LC_ALL": "C.UTF-8"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=GOLDEN.parents[2], capture_output=True, check=True,
    )
    assert elsewhere.stdout == rendered(book())


if __name__ == "__main__":
    for part, content in parts().items():
        kept(part).write_text(content, encoding="utf-8")
