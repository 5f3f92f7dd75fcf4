"""One appeal in two browsers: who saves second sees the difference, loses nothing typed, may take the other over."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.visitor import Visitor

TEXTS = "SELECT subject, body, place FROM appeal WHERE id = %(id)s"


def _draft(visitor: Visitor, product: Product, subject: str) -> int:
    page = visitor.page
    visitor.open("/intake/A")
    channel = page.locator("main [name=channel] option[value]:not([value=''])").first.get_attribute("value")
    visitor.fill(channel=channel or "", subject=subject, body="【示例】原来的内容。", appellant_name="示例来电人")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/appeals/*")
    return int(product.one("SELECT id FROM appeal WHERE subject = %(subject)s", subject=subject))


def test_the_second_who_saves_loses_nothing_and_takes_over_what_he_wants(visit: Visit, product: Product) -> None:
    first, second = visit("duty1"), visit("duty1")
    draft = _draft(first, product, "示例：两人同时修改")
    second.open(f"/appeals/{draft}/edit")
    first.step(draft, "edit", subject="示例：先改的标题", place="示例路1号")

    page = second.page
    second.fill(subject="示例：后改的标题", body="【示例】写了很久的一段内容。")
    with second.refused():
        second.submit()
    expect(page.locator(".is-overtaken")).to_contain_text("打开后已有变动")
    # What both wrote: mine in the field, the other's beside it; what only one wrote: his.
    expect(page.locator("[name=subject]")).to_have_value("示例：后改的标题")
    expect(page.locator("[name=body]")).to_have_value("【示例】写了很久的一段内容。")
    expect(page.locator("[name=place]")).to_have_value("示例路1号")
    expect(page.locator(".other-value")).to_have_count(1)
    expect(page.locator(".other-value")).to_contain_text("示例：先改的标题")
    before = {"subject": "示例：先改的标题", "body": "【示例】原来的内容。", "place": "示例路1号"}
    assert product.sql(TEXTS, id=draft) == [before]

    page.locator("[data-take-over='f-subject']").click()
    expect(page.locator("[name=subject]")).to_have_value("示例：先改的标题")
    expect(page.locator("[name=subject]")).to_be_focused()
    second.submit()
    page.wait_for_url(f"**/appeals/{draft}")
    assert product.sql(TEXTS, id=draft) == [before | {"body": "【示例】写了很久的一段内容。"}]


def test_a_step_somebody_else_did_meanwhile_leaves_the_text_to_be_copied(visit: Visit, product: Product) -> None:
    first, second = visit("duty1"), visit("duty1")
    draft = _draft(first, product, "示例：同时提交和作废")
    second.open(f"/appeals/{draft}/edit")
    first.step(draft, "submit")
    second.fill(body="【示例】写了很久的另一段。")
    with second.refused():
        second.submit()
    expect(second.page.locator("main")).to_contain_text("【示例】写了很久的另一段。")
    expect(second.page.locator("main")).to_contain_text("该步骤已不能办理")
    assert product.sql(TEXTS, id=draft)[0]["body"] == "【示例】原来的内容。"


def test_a_double_click_sends_once(visit: Visit, product: Product) -> None:
    duty = visit("duty1")
    draft = _draft(duty, product, "示例：连点两次")
    duty.open(f"/appeals/{draft}/submit")
    duty.page.locator("main .action-bar .btn-primary").first.dblclick()
    duty.page.wait_for_url(f"**/appeals/{draft}")
    journal = "SELECT count(*) FROM journal WHERE appeal_id = %(id)s AND action = 'submit'"
    assert product.one(journal, id=draft) == 1
