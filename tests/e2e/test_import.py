"""A small workbook comes in: columns, dry run, apply with a progress that survives closing the page, and once only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.visitor import Visitor

TITLES = ("留言编号", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间", "联系电话")
SOURCE = "示例网站"
PHONE = "13600005678"


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """Thirty rows with a reply, two without."""
    path = tmp_path / "示例留言.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("留言")
        sheet.write_row(0, 0, TITLES)
        for number in range(1, 33):
            reply = ("示例：已修复。", "2025-03-09 10:00:00") if number > 2 else ("", "")
            cells = (f"W{number}", f"示例：路灯不亮 {number}", "2025-03-02 09:30:00", "示例：三天不亮。", *reply, PHONE)
            sheet.write_row(number, 0, cells)
    return path


def _dry_run(visitor: Visitor, workbook: Path) -> None:
    """From the list of imports to the page of a checked batch."""
    page = visitor.page
    visitor.open("/imports/")
    page.set_input_files("input[name=workbook]", workbook)
    with page.expect_navigation():
        page.locator("form[action$='/upload'] button[type=submit]").click()
    page.wait_for_url(re.compile(r"/imports/\d+/columns$"))
    assert page.locator("[name=column-body]").input_value()
    assert PHONE not in page.content()
    visitor.fill(source=SOURCE, channel_class="C")
    visitor.submit()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    expect(page.locator("form[action$='/discard'] button").first).to_be_visible(timeout=60_000)


def _figure(visitor: Visitor, label: str) -> int:
    return int(visitor.page.locator(".kpi", has_text=label).locator(".kpi-value").inner_text())


def test_a_workbook_comes_in_once(visit: Visit, product: Product, workbook: Path) -> None:
    registrar = visit("wuyongjun")
    page = registrar.page
    _dry_run(registrar, workbook)
    assert _figure(registrar, "历史件") == 30
    assert product.one("SELECT count(*) FROM appeal WHERE source = %(source)s", source=SOURCE) == 0
    batch = page.url
    page.locator("form[action$='/apply'] button").click()
    with page.expect_navigation():
        page.locator("dialog button[value=ok]").click()
    page.goto("about:blank")  # the page is closed, the work goes on
    product.until("SELECT count(*) = 32 FROM appeal WHERE source = %(source)s", 60, source=SOURCE)
    page.goto(batch)
    expect(page.locator(".tabs")).to_be_visible(timeout=30_000)
    states = product.sql("SELECT state, count(*) AS n FROM appeal WHERE source = %(s)s GROUP BY 1 ORDER BY 1", s=SOURCE)
    assert {row["state"]: row["n"] for row in states} == {"history": 30, "submitted": 2}
    _in_sight(registrar, product)

    # The same workbook again adds nothing.
    _dry_run(registrar, workbook)
    assert _figure(registrar, "历史件") == 0
    assert product.one("SELECT count(*) FROM appeal WHERE source = %(source)s", source=SOURCE) == 32


def _in_sight(registrar: Visitor, product: Product) -> None:
    """A history item opens, says that nothing is left to do, and has no clock; its phone stays sealed."""
    appeal = product.one("SELECT min(id) FROM appeal WHERE source = %(s)s AND state = 'history'", s=SOURCE)
    assert registrar.state(appeal).startswith("历史件")
    assert PHONE not in registrar.page.content()
    # The ledger's own steps are all that is left.
    assert registrar.actions(appeal) == ["add_note", "hold"]
    assert product.one("SELECT count(*) FROM clock WHERE appeal_id = %(id)s", id=appeal) == 0
