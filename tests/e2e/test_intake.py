"""Taking in without the mouse: a mail dropped on the form, one appeal after another, doubles while one types."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product

MAIL = (
    "From: someone@example.invalid\r\nDate: Mon, 05 Jan 2026 09:30:00 +0800\r\nSubject: mail\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n示例：小区停水两天，无人修理。\r\n"
)
_DROP = """([zone, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "example.eml", { type: "message/rfc822" }));
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def _focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.name || ''"))


def test_a_dropped_mail_fills_the_form_and_goes_along(visit: Visit, product: Product) -> None:
    page = visit("hotline1").page
    page.goto(f"{product.url}/intake/B")
    page.fill("input[name=subject]", "示例：我已写的标题")
    zone = page.locator("[data-mail]").element_handle()
    page.evaluate(_DROP, [zone, MAIL])
    expect(page.locator("textarea[name=body]")).to_have_value("示例：小区停水两天，无人修理。")
    expect(page.locator("input[name=subject]")).to_have_value("示例：我已写的标题")
    expect(page.locator("[data-files-list] li")).to_have_count(1)
    page.locator("[data-mail-answer] button").click()
    expect(page.locator("input[name=subject]")).to_have_value("mail")


def test_one_appeal_after_another_by_keyboard_with_doubles_shown(visit: Visit, product: Product) -> None:
    page = visit("duty1").page
    keys = page.keyboard
    page.goto(f"{product.url}/intake/F")
    assert _focused(page) == "appellant_name"  # the one channel is chosen, time and receiver are filled in
    keys.insert_text("示例来访人")
    keys.press("Enter")
    assert _focused(page) == "appellant_identity"
    page.fill("input[name=subject]", "示例：连续录入的第一件")
    page.fill("textarea[name=body]", "示例：连续录入的第一件，小区围墙开裂。")
    page.fill("input[name=place]", "示例路9号")
    keys.press("Control+Shift+Enter")
    page.wait_for_url(re.compile(r"/intake/F\?after=\d+$"))
    assert product.one("SELECT count(*) FROM appeal WHERE subject = '示例：连续录入的第一件'") == 1
    expect(page.locator("input[name=place]")).to_have_value("示例路9号")
    expect(page.locator(".note.is-ok a")).to_have_text("示例：连续录入的第一件")
    assert _focused(page) == "appellant_name"
    page.fill("input[name=subject]", "示例：连续录入的第一件又来")
    expect(page.locator(".similar a").first).to_contain_text("示例：连续录入的第一件")
    keys.press("Control+s")
    page.wait_for_url(re.compile(r"/appeals/\d+$"))
    assert product.one("SELECT state FROM appeal WHERE subject = '示例：连续录入的第一件又来'") == "draft"
