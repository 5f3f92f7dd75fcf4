"""The ledger on paper: totals of each page and so far, the same bytes again, breaks where pages end, no formula."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from python_calamine import CalamineWorkbook

from app.reports import ledger_pages
from app.reports.ledger_pages import Entry, Words
from app.reports.watermark import MARK

HEADS = [("No.", 5), ("Number", 20), ("Subject", 40), ("Result", 40)]
AT = datetime(2010, 3, 1, tzinfo=UTC)


def _said(counted: Mapping[str, int]) -> str:
    return f"{sum(counted.values())} items, {counted.get('late', 0)} late"


WORDS = Words("This page", "So far", _said, ("Filled in", "Checked", "Date"), "{page}/{pages}")


def _made(path: Path, entries: Iterable[Entry]) -> tuple[int, bytes]:
    facts = ["Everything", MARK]
    rows = ledger_pages.render("Ledger", facts, HEADS, entries, WORDS, footer=MARK, created_at=AT, out=path)
    return rows, path.read_bytes()


def _entries(count: int, result: str = "done") -> list[Entry]:
    return [Entry([str(n), f"=1+{n}", "示例诉求", result], "late" if n % 2 else "in_time") for n in range(1, count + 1)]


def _table(content: bytes) -> list[list[str]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()  # type: ignore[return-value]


def _sheet(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return parts.read("xl/worksheets/sheet1.xml").decode()


def test_totals_of_the_pages_add_up_to_those_so_far(tmp_path: Path) -> None:
    rows, content = _made(tmp_path / "a.xlsx", _entries(100))
    table = _table(content)
    pages = [int(row[2].split()[0]) for row in table if row[0] == "This page"]
    so_far = [row[2] for row in table if row[0] == "So far"]
    assert rows == sum(pages) == 100
    assert len(pages) > 2
    assert [int(one.split()[0]) for one in so_far] == [sum(pages[: n + 1]) for n in range(len(pages))]
    assert so_far[-1] == "100 items, 50 late"
    assert sum(row[0] == "Filled in" for row in table) == len(pages)
    # Each page but the last ends with a break, right behind its line to sign.
    signed = [number for number, row in enumerate(table, 1) if row[0] == "Filled in"]
    assert [int(one) for one in re.findall(r'<brk id="(\d+)"', _sheet(content))] == signed[:-1]


def test_the_same_entries_give_the_same_bytes_and_no_formula(tmp_path: Path) -> None:
    once, again = (_made(tmp_path / name, _entries(30))[1] for name in ("a.xlsx", "b.xlsx"))
    assert once == again
    assert "<f>" not in _sheet(once)
    assert MARK in _sheet(once)


def test_the_longest_texts_leave_room_for_five_thousand_items(tmp_path: Path) -> None:
    _, content = _made(tmp_path / "a.xlsx", _entries(5_000, "长" * 3_000))
    assert len(re.findall("<brk ", _sheet(content))) < 1_023
    assert next(row[3] for row in _table(content) if row[0] == "1").endswith("……")


def test_an_empty_ledger_is_a_page_with_nothing(tmp_path: Path) -> None:
    rows, content = _made(tmp_path / "a.xlsx", [])
    assert rows == 0
    assert [row[2] for row in _table(content) if row[0] == "So far"] == ["0 items, 0 late"]
