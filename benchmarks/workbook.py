"""A workbook of 100,000 rows by our renderer against the bare XlsxWriter calls, with the same cells.

`compare(rows)` returns the seconds of both and the peak memory of ours; run as a module it prints them.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from time import perf_counter
from zoneinfo import ZoneInfo

import xlsxwriter

from app.reports import xlsx
from app.reports.overdue import CLOCK_LABELS, OverdueRow, clock_table
from app.reports.table import Book

ZONE = ZoneInfo("Asia/Shanghai")
AS_OF = datetime(2026, 10, 8, 1, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of one rendering each, and the growth of peak memory in megabytes while ours ran first."""

    rows: int
    ours: float
    raw: float
    peak_growth_mb: float

    @property
    def ratio(self) -> float:
        """Ours against the bare library, in the same run."""
        return self.ours / self.raw


def overdue_rows(count: int) -> Iterator[OverdueRow]:
    """A stream of fictional clocks."""
    kinds = tuple(CLOCK_LABELS)
    for number in range(count):
        due = AS_OF - timedelta(minutes=37 * number % 90_000)
        yield OverdueRow(
            clock_kind=kinds[number % len(kinds)], appeal_number=f"示例〔2026〕{number:06d}号",
            subject=f"示例诉求{number}:小区夜间施工扰民,反映多次未解决", unit=f"示例单位{number % 40}",
            post="总值班室带班主任", started_at=due - timedelta(days=7), due_at=due, stopped_at=None,
            state="open_overdue", urges=number % 3, link=f"/appeals/{number}",
        )


def compare(rows: int = 100_000) -> Comparison:
    """Renders the same rows twice: through a Book, then by the library's own calls."""
    before, start = _peak_mb(), perf_counter()
    table = clock_table("open_overdue", overdue_rows(rows), AS_OF, facts=(), t=str)
    xlsx.render(Book("示例", (table,)), created_at=AS_OF, zone=ZONE, out=BytesIO())
    ours, growth = perf_counter() - start, _peak_mb() - before
    start = perf_counter()
    _raw(rows)
    return Comparison(rows, ours, perf_counter() - start, growth)


def _raw(rows: int) -> None:
    workbook = xlsxwriter.Workbook(BytesIO(), {"constant_memory": True, "strings_to_formulas": False})
    sheet = workbook.add_worksheet()
    texts, moments, lengths = (
        workbook.add_format({"num_format": look}) for look in ("@", "yyyy-mm-dd hh:mm", "0.0")
    )
    for number, row in enumerate(overdue_rows(rows)):
        started = row.started_at.astimezone(ZONE).replace(tzinfo=None)
        due = (row.due_at or AS_OF).astimezone(ZONE).replace(tzinfo=None)
        sheet.write_number(number, 0, number + 1)
        sheet.write_string(number, 1, row.appeal_number, texts)
        sheet.write_string(number, 2, row.subject, texts)
        sheet.write_string(number, 3, CLOCK_LABELS[row.clock_kind], texts)
        sheet.write_string(number, 4, row.unit, texts)
        sheet.write_string(number, 5, row.post, texts)
        sheet.write_datetime(number, 6, started, moments)
        sheet.write_datetime(number, 7, due, moments)
        sheet.write_number(number, 8, row.age(AS_OF) / timedelta(days=1), lengths)
        sheet.write_number(number, 9, row.urges)
        sheet.write_string(number, 10, row.link, texts)
    workbook.close()


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    found = compare()
    print(
        f"workbook of {found.rows:,} rows: {found.ratio:.2f} × XlsxWriter alone "
        f"({found.ours * 1000:,.0f} ms against {found.raw * 1000:,.0f} ms), "
        f"peak memory +{found.peak_growth_mb:.0f} MB",
    )
