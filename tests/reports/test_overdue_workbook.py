"""The overdue-case report as a workbook (R3, R6, R9, R18)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from app.reports import overdue
from app.reports.overdue import OverdueRow, State
from app.rules.measures import AGE_BUCKETS
from tests.reports.opened import Opened, rendered
from tests.reports.samples import AS_OF, ZONE, marked, overdue_report, overdue_row, same


def report(rows: Mapping[State, list[OverdueRow]] | None = None) -> Opened:
    figures = overdue_report()
    if rows is not None:
        figures = replace(figures, rows=rows)
    return Opened(rendered(overdue.book(figures, zone=ZONE, t=same)))


def test_it_has_a_sheet_for_every_question() -> None:
    assert report().sheets == [
        "Overview", "By unit", "By post", "By age", "Open and overdue", "Finished late", "Without a limit",
    ]


def test_the_overview_names_moment_scope_rules_and_calendar() -> None:
    words = report().column("Overview", "A")
    assert words[:3] == ["Overdue-case report", "As of 2026-10-08 09:30", "范围:全部责任单位"]
    assert "Counting rules" in words
    assert words[-1] == "Working calendar: 国务院办公厅公布的节假日安排至 2026 年,其后暂定"
    assert len([word for word in words if word[:1].isdigit()]) == len(overdue.COUNTING_RULES)


def test_appeals_stand_beside_clocks_and_the_total_is_not_their_sum() -> None:
    file = report()
    heads = ["Number of clocks", "Number of appeals"] * 3
    assert file.row("Overview", 6)[1:7] == heads
    assert file.row("Overview", 7) == ["Collection", "5", "4", "3", "3", "1", "1", "12.2083333333"]
    assert file.row("Overview", 16) == ["Total", "12", "9", "6", "6", "2", "2", "41"]


def test_every_age_has_a_row_in_rising_order_even_without_clocks() -> None:
    ages = report().column("By age", "A")
    first = ages.index("Less than 1 day")
    assert ages[first:first + len(AGE_BUCKETS)] == [overdue.AGE_LABELS[bucket.code] for bucket in AGE_BUCKETS]
    assert report().row("By age", first + 3 + 2)[1:] == ["0"] * 6 + ["—"]


def test_open_and_overdue_tells_how_late_at_the_moment_of_the_report() -> None:
    row = overdue_row(4, late=timedelta(days=2, hours=12))
    file = report({"open_overdue": [row], "finished_late": [], "no_limit": []})
    heads = file.row("Open and overdue", 5)
    shown = dict(zip(heads, file.row("Open and overdue", 6), strict=True))
    assert shown["No."] == "1"
    assert shown["Appeal number"] == "九府民〔2026〕0004号"
    assert shown["Kind of clock"] == "Unit limit"
    assert shown["How late"] == "2.5"
    assert shown["Number of urges"] == "1"
    assert shown["Page address"] == "/appeals/4"


def test_finished_late_tells_how_late_it_was_then() -> None:
    row = overdue_row(1, "finished_late", late=timedelta(hours=6))
    file = report({"open_overdue": [], "finished_late": [row], "no_limit": []})
    shown = dict(zip(file.row("Finished late", 5), file.row("Finished late", 6), strict=True))
    assert shown["How late"] == "0.25"
    assert float(shown["Finished at"]) - float(shown["Due"]) == pytest.approx(0.25)


def test_without_a_limit_has_no_due_moment_and_runs_since_its_start() -> None:
    row = overdue_row(1, "no_limit")
    file = report({"open_overdue": [], "finished_late": [], "no_limit": [row]})
    shown = dict(zip(file.row("Without a limit", 5), file.row("Without a limit", 6), strict=True))
    assert "Due" not in shown
    assert shown["Running for"] == "7"
    assert file.cells("Open and overdue")["A6"] == "No rows."


def test_the_foot_says_who_exported_it() -> None:
    assert "示例督办人 2026-10-08 09:30 导出" in report().sheet("By unit")


@pytest.mark.parametrize(("late", "code"), [
    (timedelta(hours=1), "under-1-day"), (timedelta(days=2), "1-to-3-days"),
    (timedelta(days=31), "over-30-days"),
])
def test_the_age_of_a_clock(late: timedelta, code: str) -> None:
    assert overdue_row(1, late=late).age_bucket(AS_OF) == code
    assert overdue_row(1, "finished_late", late=late).age(AS_OF) == late


def test_every_code_has_its_words() -> None:
    assert set(overdue.STATES) == set(get_args(State)) == set(overdue.STATE_LABELS)
    assert set(overdue.AGE_LABELS) == {bucket.code for bucket in AGE_BUCKETS}


def test_every_word_of_the_workbook_goes_through_the_translator() -> None:
    file = Opened(rendered(overdue.book(overdue_report(), zone=ZONE, t=marked)))
    assert all(name.startswith("«") for name in file.sheets)
    for name in file.sheets:
        for cell, words in file.cells(name).items():
            data = words.startswith("/appeals/") or words == "A类信息收集人"
            assert data or not re.search("[A-Za-z]", words) or "«" in words, (name, cell, words)
