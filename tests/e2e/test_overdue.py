"""A limit runs out: the handler is reminded once, the supervisor finds the clock behind a figure and urges."""

from __future__ import annotations

import re
from io import BytesIO

from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_walk import take_in

UNIT = "city_management"


def _overdue(visit: Visit, product: Product) -> tuple[int, int]:
    """An emergency that was forwarded and signed for three hours ago: the appeal and its clock."""
    appeal = take_in(visit("duty1"), "示例：电线垂落")
    visit("wuyongjun").step(appeal, "register", limit="emergency")
    visit("tangguiping").step(appeal, "forward", unit=UNIT, limit="emergency")
    visit("handlercitymanagement").step(appeal, "sign_in")
    clock = product.one(
        """UPDATE clock SET started_at = started_at - interval '3 hours', due_at = due_at - interval '3 hours'
           WHERE appeal_id = %(id)s AND kind = 'unit_limit' RETURNING id""",
        id=appeal,
    )
    return appeal, clock


def test_an_overdue_limit_reminds_once_and_is_urged_in_two_clicks(visit: Visit, product: Product) -> None:
    appeal, clock = _overdue(visit, product)
    number = product.one("SELECT number FROM appeal WHERE id = %(id)s", id=appeal)

    # The timetable finds it, a worker sends it, the handler reads it in his inbox.
    told = """SELECT count(*) FROM notice n JOIN person p ON p.id = n.person_id
              WHERE n.clock_id = %(clock)s AND p.code = %(who)s"""
    product.until(told, 150, clock=clock, who=f"sample_handler_{UNIT}")
    handler = visit("handlercitymanagement")
    handler.open("/inbox/")
    assert number in handler.page.locator("main").inner_text()
    product.until("SELECT count(*) > 1 FROM timetable_slot WHERE ran_at > now() - interval '70 seconds'", 130)
    twice = "SELECT recipient_id, rule_id FROM delivery WHERE clock_id = %(clock)s GROUP BY 1, 2 HAVING count(*) > 1"
    assert product.sql(twice, clock=clock) == []

    # Figure → rows → urge.
    unit = product.one("SELECT name FROM unit WHERE code = %(code)s", code=UNIT)
    supervisor = visit("quehong")
    page = supervisor.page
    supervisor.open("/overdue/?clock=unit_limit")
    line = page.locator("section[aria-labelledby='by-unit'] tbody tr", has_text=unit)
    figure = line.locator("td.num a").first
    clocks = int(figure.inner_text())
    figure.click()
    page.wait_for_url("**/overdue/rows?**")
    assert page.locator("main tbody tr").count() == clocks
    row = page.locator("main tbody tr", has_text=number)
    expect(row).to_have_class(re.compile("is-overdue"))
    row.locator("button[data-open]").click()
    with page.expect_navigation():
        page.locator("dialog[open] button[type=submit]").click()
    expect(page.locator("main tbody tr", has_text=number).locator("td.num").last).to_have_text("1")
    assert product.one("SELECT count(*) FROM urge WHERE clock_id = %(clock)s", clock=clock) == 1
    assert "电话催办" in " ".join(_titles(supervisor, appeal))
    product.until("SELECT count(*) FROM notice WHERE clock_id = %(clock)s AND kind = 'urge.phone'", 60, clock=clock)


def _titles(visitor, appeal: int) -> list[str]:  # type: ignore[no-untyped-def]
    visitor.appeal(appeal)
    return visitor.timeline()


def test_every_figure_of_the_report_opens_as_many_rows(visit: Visit) -> None:
    supervisor = visit("quehong")
    page = supervisor.page
    supervisor.open("/overdue/")
    figures = page.locator("section[aria-labelledby='by-clock'] tbody td.num a").evaluate_all(
        "all => all.map(e => [e.getAttribute('href'), Number(e.innerText), e.closest('td').dataset.label])"
    )
    assert figures
    for address, figure, label in figures:
        supervisor.open(address)
        counted = page.locator(".page-subtitle").inner_text()
        unit = "个时钟" if "时钟" in label else "件"
        assert re.search(rf"\b{figure}\s*\S*", counted), (label, figure, counted, unit)
        if figure <= 50 and page.locator("main tbody tr").count() != figure:
            # Two clocks of one appeal are two rows: the figure beside it counts appeals.
            assert "诉求" in label


def test_the_report_leaves_as_a_workbook(visit: Visit) -> None:
    supervisor = visit("quehong")
    page = supervisor.page
    supervisor.open("/overdue/")
    page.locator("form[data-download] button").click()
    page.locator("dialog textarea").fill("示例：报送")
    with page.expect_download() as waited:
        page.locator("dialog button[value=ok]").click()
    content = waited.value.path().read_bytes()
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    assert len(book.sheet_names) >= 4
    cells = [cell for sheet in book.sheet_names for row in book.get_sheet_by_name(sheet).to_python() for cell in row]
    assert any("示例" in str(cell) for cell in cells)
