"""The toolbar over a sheet: a filter with groups, saved and opened by a colleague, groups, colours, nothing found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product

NAME = "示例督办视图"


def tool(page: Page, name: str) -> Locator:
    """A button of the toolbar by its label."""
    return page.locator(".tools .tool").filter(has_text=name).first


def total(page: Page) -> int:
    """How many rows, as the line under the table says."""
    expect(page.locator("[data-grid-total]")).to_have_text(re.compile(r"\d"))
    return int(re.sub(r"\D", "", page.locator("[data-grid-total]").inner_text()))


def opened(page: Page, address: str) -> Page:
    """A sheet whose rows have come."""
    page.goto(address)
    expect(page.locator(".tools")).to_be_visible()
    expect(page.locator("[data-grid-total]")).to_have_text(re.compile(r"\d"))
    return page


def line(scope: Locator, at: int, field: str) -> Locator:
    """A condition on a column."""
    scope.locator(".filter-line").nth(at).locator("select").first.select_option(field)
    return scope.locator(".filter-line").nth(at)


JUDGED: list[dict[str, Any]] = [
    {"field": "state", "op": "not_in", "value": ["closed"]},
    {"field": "unit", "op": "empty"},
    {"field": "unit", "op": "not_in", "value": [20, 21, 22]},
    {"field": "received_at", "op": "on", "value": "this quarter"},
    {"field": "received_at", "op": "on", "value": "last 7 days"},
    {"field": "received_at", "op": "on", "value": "last 2 months"},
    {"field": "received_at", "op": "more", "value": "last month"},
    {"field": "received_at", "op": "between", "value": ["2026-08-01", "2026-09-15"]},
    {"field": "limit_due_at", "op": "on", "value": "next week"},
    {"field": "note", "op": "not_contains", "value": "办"},
    {"field": "subject", "op": "contains", "value": "路灯"},
    {"field": "corrections", "op": "at_least", "value": "1"},
    {"field": "created_by", "op": "me"},
    {"field": "finished", "op": "in", "value": ["overdue", "late"]},
    {"any": [{"field": "impossible", "op": "is", "value": True}, {"all": [{"field": "unit", "op": "empty"}]}]},
]
JUDGE = """async (conditions) => {
  const app = document.getElementById("grid").app, rows = [], found = [];
  for (let key = ""; ;) {
    const part = (await app.api.post("/rows", {query: {}, limit: 500, after: key})).rows;
    if (part.length === 0) break;
    rows.push(...part);
    key = part[part.length - 1].key;
  }
  for (const one of conditions) {
    const filter = {all: [one]};
    app.change({colours: [{when: filter, colour: "red", scope: "row"}]});
    const told = await app.api.post("/outline", {query: {filter}});
    found.push([rows.filter((row) => app.paint(row).row === "red").length, told.total]);
  }
  return found;
}"""


@pytest.fixture
def secret(product: Product) -> Iterator[str]:
    """A field of appeals that the ledger's administrator alone reads."""
    product.sql(
        """INSERT INTO field_definition (table_name, code, label, kind, reader_post_ids)
           SELECT 'appeal', 'secret', '示例内部意见', 'text', ARRAY[id] FROM post WHERE code = 'ledger_admin'"""
    )
    product.sql("UPDATE definition_version SET version = version + 1")
    yield "x_secret"
    product.sql("UPDATE field_definition SET retired_at = now() WHERE code = 'secret'")
    product.sql("UPDATE definition_version SET version = version + 1")
    product.sql("DELETE FROM saved_view WHERE owner_id IS NOT NULL")


def save(page: Page, name: str) -> None:
    """Save what is shown under a name, for everybody."""
    tool(page, "").click()
    page.get_by_role("button", name="另存为…").click()
    form = page.locator(".view-form")
    form.locator("input[type=text]").fill(name)
    form.locator("select").select_option("all")
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".tools .tool").first).to_have_text(re.compile(name))
    page.wait_for_url(re.compile(r"view=\d+"))


def test_a_filter_with_groups_is_saved_and_opened_by_a_colleague(visit: Visit, product: Product, secret: str) -> None:
    page = opened(visit("wuyongjun").page, product.url + "/grid/ledger")
    everything = total(page)
    tool(page, "筛选").click()
    builder = page.locator(".filter-builder")
    line(builder, 0, "channel_class").locator(".filter-tick input").first.check()
    builder.get_by_role("button", name="条件组").first.click()
    inner = builder.locator(".filter-group .filter-group")
    line(inner, 0, "state").locator(".filter-tick", has_text="已销号").click()
    inner.get_by_role("button", name="条件", exact=True).click()
    line(inner, 1, "received_at").locator(".filter-day select").select_option("this month")
    wanted = product.one(
        """SELECT count(*) FROM appeal WHERE number IS NOT NULL AND channel_class = 'A' AND (state = 'closed'
           OR received_at AT TIME ZONE 'Asia/Shanghai' >= date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai'))"""
    )
    assert 0 < wanted < everything
    page.get_by_role("button", name="完成").click()
    expect(page.locator("[data-grid-total]")).to_have_text(f"共{wanted}行")
    save(page, NAME)
    address = page.url

    colleague = opened(visit("quehong").page, address)
    expect(colleague.locator(".tools .tool").first).to_have_text(re.compile(NAME))
    expect(colleague.locator("[data-grid-total]")).to_have_text(f"共{wanted}行")

    # A filter by what the colleague may not see does not open for him, and is not loosened.
    tool(page, "筛选").click()
    foot = page.locator(".filter-builder > .filter-group > .filter-foot")
    foot.get_by_role("button", name="条件", exact=True).click()
    last = page.locator(".filter-builder > .filter-group > .filter-line").last
    last.locator("select").first.select_option(secret)
    page.locator(".filter-builder > .filter-group > .filter-line").last.locator("input").fill("示例机密")
    expect(page.locator("[data-grid-total]")).to_have_text("共0行")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("button", name=re.compile("去掉条件“示例内部意见"))).to_be_visible()
    tool(page, NAME).click()
    page.get_by_role("button", name="保存修改").click()
    expect(page.locator(".tools .tool").first).not_to_have_text(re.compile(r"\*"))
    opened(colleague, address)
    expect(colleague.locator("[data-notice=view]")).to_contain_text("您无权查看的列")
    assert "示例机密" not in colleague.content()
    assert total(colleague) == everything

    page.get_by_role("button", name=re.compile("去掉条件“示例内部意见")).click()
    expect(page.locator("[data-grid-total]")).to_have_text(f"共{wanted}行")


def test_groups_narrow_the_rows_and_colours_mark_them(visit: Visit, product: Product) -> None:
    page = opened(visit("wuyongjun").page, product.url + "/grid/ledger?view=0")
    everything = total(page)
    tool(page, "合计").click()
    page.locator(".tool-line", has_text="退回").locator("select").first.select_option("sum")
    page.keyboard.press("Escape")
    tool(page, "分组").click()
    panel = page.locator(".grid-groups")
    panel.locator("select").first.select_option("channel_class")
    lines = panel.locator(".group-line")
    expect(panel.locator(".group-list[aria-busy]")).to_have_count(0)
    expect(lines.first.locator("b")).to_have_text(str(everything))
    counted = int(lines.nth(1).locator("b").inner_text())
    assert sum(int(one) for one in lines.locator("b").all_inner_texts()[1:]) == everything
    lines.nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-grid-total]")).to_have_text(f"共{counted}行")
    page.keyboard.press("Enter")
    expect(page.locator("[data-grid-total]")).to_have_text(f"共{everything}行")
    panel.locator("select").first.select_option("received_at")
    panel.get_by_label("统计期间").select_option("year")
    expect(panel.locator(".group-list[aria-busy]")).to_have_count(0)
    expect(lines.nth(1).locator("span")).to_have_text(re.compile(r"^20\d\d$"))
    year = int(lines.nth(1).locator("b").inner_text())
    lines.nth(1).click()
    expect(page.locator("[data-grid-total]")).to_have_text(f"共{year}行")
    panel.locator("select").first.select_option("round")
    expect(lines.nth(1).locator("span")).to_have_text(re.compile(r"^从\d+到\d+（不含）$"))
    panel.get_by_role("button", name="关闭分组").click()
    expect(panel).to_be_hidden()

    tool(page, "着色").click()
    page.get_by_role("button", name="添加规则").click()
    rule = page.locator(".colour-rule")
    line(rule, 0, "number").locator("input").fill("〔")
    expect(page.locator(".grid-row.paint-red").first).to_be_visible()
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator(".tools")).to_be_visible()


def test_a_colour_marks_the_rows_that_the_same_filter_finds(visit: Visit, product: Product) -> None:
    page = opened(visit("wuyongjun").page, product.url + "/grid/ledger?view=0")
    found = page.evaluate(JUDGE, JUDGED)
    for condition, (coloured, filtered) in zip(JUDGED, found, strict=True):
        assert coloured == filtered, condition


def test_on_a_telephone_the_filter_is_a_sheet_from_below(visit: Visit, product: Product) -> None:
    page = visit("wuyongjun", width=390).page
    page.goto(product.url + "/grid/ledger?view=0")
    tool(page, "筛选").click()
    box = page.locator("dialog.tool-box").bounding_box()
    assert box is not None
    assert round(box["x"]) == 0
    assert round(box["y"] + box["height"]) == 900
    line(page.locator(".filter-builder"), 0, "number").locator("input").fill("没有这样的编号")
    page.get_by_role("button", name="完成").click()
    page.get_by_role("button", name=re.compile("去掉条件“编号")).click()
    expect(page.locator(".grid-card").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
