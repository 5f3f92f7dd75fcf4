"""A sheet before several people: who is on which row, both values of a conflict, a telephone, a screen reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e import stores
from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_grid import KEEPER, LEDGER_KEEPER, Sheet, until

CODE = "people"


@pytest.fixture
def address(product: Product) -> Iterator[str]:
    """A sheet of one's own, by the name its page is opened with."""
    yield stores.make(product.sql, CODE, 60).rsplit("/", 1)[1]
    stores.drop(product.sql, CODE)


def clash(one: Sheet, other: Sheet, row: int) -> None:
    """Both write the same cell; the other is first."""
    one.go(row, "x_name")
    one.press("F2", "Control+a")
    one.page.keyboard.insert_text("示例我的")
    other.go(row, "x_name")
    other.page.keyboard.insert_text("示例对方")
    other.press("Enter")
    other.settled()
    until(one.page, f"document.getElementById('grid').app.windows.row({row}).cells.x_name === '示例对方'", 3)
    # What the other wrote came, what one types stayed.
    assert one.state["typed"] == "示例我的"
    with one.visitor.refused():
        one.press("Enter")
        one.settled()
    notice = one.page.locator(".grid-notice.is-danger")
    expect(notice).to_contain_text("示例对方")
    expect(notice).to_contain_text("示例我的")


def test_who_is_on_which_row_is_seen_and_each_way_out_of_a_conflict_works(visit: Visit, address: str) -> None:
    one, other = Sheet(visit(KEEPER), address), Sheet(visit(LEDGER_KEEPER, language="en"), address)
    other.go(7, "x_count")
    here = one.page.locator(".grid-number.is-here")
    expect(here).to_have_count(1, timeout=8_000)
    name = here.get_attribute("title") or ""
    assert here.get_attribute("aria-label") == f"8, {name}"
    expect(one.page.locator(".grid-people")).to_contain_text(name)

    clash(one, other, 3)
    one.page.get_by_role("button", name="采用对方的").click()
    expect(one.page.locator(".grid-notice")).to_have_count(0)
    assert one.value(3, "x_name") == "示例对方"
    clash(one, other, 4)
    one.page.get_by_role("button", name="保留我的").click()
    until(other.page, "document.getElementById('grid').app.windows.row(4).cells.x_name === '示例我的'", 6)
    expect(one.page.locator(".grid-notice")).to_have_count(0)

    # Both mean the same: there is nothing to choose.
    one.go(5, "x_count")
    one.press("F2", "Control+a")
    one.page.keyboard.insert_text("88")
    other.go(5, "x_count")
    other.page.keyboard.insert_text("88")
    other.press("Enter")
    other.settled()
    with one.visitor.refused():
        one.press("Enter")
        one.settled()
    assert one.value(5, "x_count") == 88
    expect(one.page.locator(".grid-notice")).to_have_count(0)


def test_a_card_is_edited_on_a_telephone_and_a_refusal_stands_at_its_field(visit: Visit, address: str) -> None:
    visitor = visit(KEEPER, width=390)
    page = visitor.page
    visitor.open(f"/grid/{address}")
    page.locator(".grid-card").nth(2).click()
    page.locator("#panel-x_name").fill("示例手机改名")
    page.locator("#panel-x_price").fill("字")
    # Both fields are left within one breath: the second is not overtaken by the first.
    with visitor.refused(), page.expect_response(lambda answer: answer.status == 422):
        page.locator("#panel-x_memo").click()
    expect(page.locator("[data-field=x_price] .error")).to_contain_text("1200.5")
    page.locator("#panel-x_price").fill("12.5")
    page.locator("#panel-x_memo").click()
    expect(page.locator("[data-field=x_price] .error")).to_have_count(0)
    page.locator(".grid-panel").get_by_role("button", name="关闭").click()
    card = page.locator(".grid-card").nth(2)
    expect(card.locator("b")).to_have_text("示例手机改名")
    expect(card).to_contain_text("12.50")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_screen_reader_is_told_columns_order_lists_and_what_is_not_saved(visit: Visit, address: str) -> None:
    sheet = Sheet(visit(KEEPER), address)
    page, sink = sheet.page, sheet.page.locator(".grid-sink")
    expect(page.get_by_role("grid")).to_have_attribute("aria-colcount", "11")
    head = page.get_by_role("columnheader", name="数量", exact=True)
    expect(head).to_have_attribute("aria-sort", "none")
    page.evaluate("document.getElementById('grid').app.sort([['x_count', 'desc']])")
    expect(head).to_have_attribute("aria-sort", "descending")
    until(page, "document.getElementById('grid').app.windows.row(0)")
    sheet.go(1, "x_sort")
    expect(page.locator("#grid-table-at")).to_have_attribute("role", "gridcell")
    expect(sink).to_have_attribute("aria-activedescendant", "grid-table-at")
    sheet.press("Alt+ArrowDown", "Home", "ArrowDown")
    expect(sink).to_have_attribute("role", "combobox")
    marked = page.locator(f"#{sink.get_attribute('aria-activedescendant')}")
    expect(marked).to_have_attribute("role", "option")
    sheet.press("Escape")
    assert sink.get_attribute("role") is None
    sheet.go(1, "x_count")
    page.keyboard.type("abc")
    with sheet.visitor.refused():
        sheet.press("Enter")
        sheet.settled()
    sheet.press("ArrowUp")
    expect(page.locator("#grid-table-at")).to_have_attribute("aria-invalid", "true")
    expect(sink).to_have_attribute("aria-label", "数量, 2, abc, 未保存")


def test_who_holds_several_posts_sees_for_which_one_he_writes_and_changes_it(visit: Visit) -> None:
    ledger = Sheet(visit(LEDGER_KEEPER), "ledger")
    posts = ledger.page.get_by_label("以何岗位办理")
    expect(posts.locator("option:checked")).to_have_text("信息台帐管理员")
    posts.select_option(label="信息编号登记员")
    ledger.go(0, "note")
    ledger.page.keyboard.insert_text("示例岗位")
    with ledger.visitor.refused():
        ledger.press("Enter")
        ledger.settled()
    notice = ledger.page.locator(".grid-notice", has_text="您的另一个岗位可以办理")
    posts.select_option(label="信息台帐管理员")
    notice.get_by_role("button", name="重试").click()
    ledger.settled()
    assert ledger.value(0, "note").endswith("示例岗位")
    row = ledger.page.evaluate("document.getElementById('grid').app.windows.row(0).id")
    told = ledger.page.request.get(f"{ledger.visitor.product.url}/api/v1/sheets/ledger/rows/{row}/history?field=note")
    assert told.json()["history"][0]["post"] == "信息台帐管理员"
    posts.select_option(label="信息编号登记员")
    again = Sheet(ledger.visitor, "ledger")
    expect(again.page.get_by_label("以何岗位办理").locator("option:checked")).to_have_text("信息编号登记员")
