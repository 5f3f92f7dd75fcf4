"""The quarterly report as a workbook (R13)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import get_args

import pytest

from app.reports import quarterly
from app.reports.quarterly import Measure, MeasureCode, SectionGroup, SectionRow, UnitGroup, UnitRow
from app.rules.measures import Punctuality, Tally
from tests.reports.opened import Opened, rendered
from tests.reports.samples import AS_OF, ZONE, marked, quarter_figures, same


@pytest.fixture(scope="module")
def file() -> Opened:
    return Opened(rendered(quarterly.book(quarter_figures(), zone=ZONE, t=same)))


LOCAL, DEPARTMENT, SECTION = "县(市、区)和管理局、管委会", "市直部门", "市政府办公厅内设处室"


def test_it_has_an_overview_one_table_for_each_group_lists_charts_and_rules(file: Opened) -> None:
    assert file.sheets == [
        "Overview", LOCAL, DEPARTMENT, SECTION, "By channel", "Main categories", "Overdue list",
        f"On-time rate {LOCAL}", f"On-time rate {DEPARTMENT}", "Chart appeals by channel", "Counting rules",
    ]
    assert len([name for name in file.parts if name.startswith("xl/charts/chart")]) == 3


def test_the_same_figures_give_the_same_file() -> None:
    first, second = (rendered(quarterly.book(quarter_figures(), zone=ZONE, t=same)) for _ in range(2))
    assert first == second


def test_every_sheet_names_the_period_the_moment_and_the_mark(file: Opened) -> None:
    for name in file.sheets:
        facts = file.column(name, "A")[1:3]
        assert facts[0] == "2026年第三季度: 2026-07-01 to 2026-09-30 · figures as of 2026-10-08 09:30"
        assert facts[1] == "示例数据"
        assert "示例数据&amp;R" in file.sheet(name)


@pytest.mark.parametrize(("label", "shown"), [
    ("Appeals received", ["312", "298", "0.047", "—", "—"]),
    ("Appeals assigned", ["260", "250", "0.04", "0", "—"]),  # nothing a year before: no percentage
    ("Finish rate", ["0.8231", "0.884", "-6.09", "—", "—"]),  # a rate changes by points
    ("Average handling days", ["6.42", "5.91", "0.0863", "—", "—"]),
    ("History items (imported, not scored)", ["2816", "0", "—", "—", "—"]),
])
def test_the_overview_compares_with_both_earlier_quarters(file: Opened, label: str, shown: list[str]) -> None:
    words = file.column("Overview", "A")
    number = next(int(cell[1:]) for cell, text in file.cells("Overview").items() if text == label)
    assert label in words
    assert file.row("Overview", number)[1:] == shown


def test_a_unit_has_its_counts_and_the_rates_of_the_measures(file: Opened) -> None:
    assert file.row(LOCAL, 6) == [
        "No.", "Unit", "Appeals assigned", "On time", "Past the limit", "No limit", "Total", "Past the limit",
        "Finish rate", "On-time rate", "Overdue without note", "Situation explanations",
        "Average handling days",
    ]
    assert file.row(LOCAL, 9) == [
        "3", "永修县", "12", "6", "2", "0", "4", "2", "0.6667", "0.6", "0", "2", "4.35",
    ]


def test_a_unit_whose_appeals_still_have_time_has_a_dash_and_no_bar(file: Opened) -> None:
    assert file.row(LOCAL, 8) == ["2", "武宁县", "2", "0", "0", "0", "2", "0", "0", "—", "0", "0", "—"]
    assert "武宁县" not in file.column(f"On-time rate {LOCAL}", "A")
    assert "永修县" in file.column(f"On-time rate {LOCAL}", "A")


def test_bars_stand_best_first(file: Opened) -> None:
    rates = [float(rate) for rate in file.column(f"On-time rate {DEPARTMENT}", "B")[1:]]
    assert len(rates) == 15
    assert rates == sorted(rates, reverse=True)


def test_the_total_of_a_group_is_computed_from_its_appeals(file: Opened) -> None:
    group = quarter_figures().department
    total = file.row(DEPARTMENT, 7 + len(group.rows))
    assert total[1] == "合计"
    assert total[2] == str(sum(row.tally.assigned for row in group.rows))
    assert Decimal(total[9]) * 100 == Tally.total(row.tally for row in group.rows).on_time_rate


def test_units_without_cases_are_listed_apart(file: Opened) -> None:
    note = file.column(LOCAL, "A")[-1]
    idle = "九江经济开发区, 共青城开发区, 云居山-柘林湖风景名胜区管委会"
    assert note == f"Without cases in this period (3): {idle}"
    assert "共青城开发区" not in file.column(LOCAL, "B")
    assert "Without cases" not in file.sheet(DEPARTMENT)


def test_sections_are_measured_on_their_posts_clocks(file: Opened) -> None:
    bands = ["Collected in time", "Delivered the same day", "Fetched back in time", ""]
    assert file.row(SECTION, 5)[2::3] == bands
    assert file.row(SECTION, 7) == [
        "1", "市政府总值班室", "126", "120", "0.9524", "0", "0", "—", "25", "22", "0.88", "0", "4",
    ]
    assert file.row(SECTION, 11) == [
        "", "Total", "280", "270", "0.9643", "25", "24", "0.96", "25", "22", "0.88", "30", "6",
    ]


def test_shares_are_of_what_was_received(file: Opened) -> None:
    assert file.row("By channel", 6) == ["1", "值班电话", "84", "0.2692", "70", "0.2"]
    assert file.row("By channel", 12) == ["7", "来访", "12", "0.0385", "—", "—"]
    assert file.row("Main categories", 8) == ["3", "劳动和社会保障", "30", "0.0962", "0", "—"]


def test_the_overdue_list_has_every_row(file: Opened) -> None:
    assert [int(number) for number in file.column("Overdue list", "A")[4:]] == list(range(1, 18))


def test_the_rules_say_how_it_was_counted_and_by_which_calendar(file: Opened) -> None:
    terms = file.column("Counting rules", "A")
    assert terms[4:] == [*(term for term, _ in quarterly.RULES), "Working calendar"]
    assert file.column("Counting rules", "B")[-1] == "国务院办公厅公布的节假日安排至 2026 年,其后暂定"


def test_a_quarter_in_which_nothing_happened_is_a_whole_report_too() -> None:
    nothing = UnitGroup("示例组", (), UnitRow("合计", Tally()), ("示例单位",))
    figures = replace(
        quarter_figures(), overview=(Measure("received", 0), Measure("finish_rate", None)), local=nothing,
        department=replace(nothing, name="示例组二"), received=0, channels=(), categories=(), overdue=(),
        section=SectionGroup("处室", (SectionRow("示例处室", Punctuality()),)),
    )
    file = Opened(rendered(quarterly.book(figures, zone=ZONE, t=same)))
    assert file.row("示例组", 8)[2:] == ["0"] * 6 + ["—", "—", "0", "0", "—"]
    assert file.cells("By channel")["A6"] == "No rows."
    assert not [name for name in file.parts if name.startswith("xl/charts/")]


def test_every_measure_has_its_words() -> None:
    assert set(quarterly.MEASURES) == set(get_args(MeasureCode))


def test_every_word_of_the_workbook_goes_through_the_translator() -> None:
    figures = replace(quarter_figures(), overdue=[])
    file = Opened(rendered(quarterly.book(figures, zone=ZONE, t=marked)))
    for name in file.sheets:
        for cell, words in file.cells(name).items():
            assert not re.search("[A-Za-z]", words) or "«" in words, (name, cell, words)


def test_figures_read_at_another_moment_are_another_file() -> None:
    figures = quarter_figures()
    first = rendered(quarterly.book(figures, zone=ZONE, t=same), created_at=figures.as_of)
    later = replace(figures, as_of=AS_OF + timedelta(minutes=1))
    assert first != rendered(quarterly.book(later, zone=ZONE, t=same), created_at=later.as_of)
