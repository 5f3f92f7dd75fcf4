"""From the login to a taken-in appeal without touching the mouse."""

from __future__ import annotations

import re

from playwright.sync_api import Page

from tests.e2e.conftest import Visit
from tests.e2e.product import Product

SUBJECT = "示例：只用键盘"


def _go_to(page: Page, name: str) -> None:
    """Press Tab until the field of that name, or the box that stands for it, has the focus."""
    focused = """() => {
      const e = document.activeElement;
      return e.name || e.closest('.combo')?.querySelector('select')?.name;
    }"""
    for _press in range(80):
        if page.evaluate(focused) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {name}")


def test_an_appeal_is_taken_in_by_keyboard_alone(visit: Visit, product: Product) -> None:
    visitor = visit("duty1", sign_in=False)
    page, keys = visitor.page, visitor.page.keyboard
    visitor.open("/login/")
    _go_to(page, "username")
    keys.type("duty1")
    keys.press("Tab")
    keys.type(product.passwords["duty1"])
    keys.press("Enter")
    page.wait_for_url("**/desk/")
    keys.press("n")  # the desk's button "take in"
    page.wait_for_url("**/intake/A")
    _go_to(page, "channel")
    keys.press("ArrowDown")
    if page.evaluate("() => document.activeElement.tagName") == "INPUT":
        keys.press("Enter")
    for name, text in (("subject", SUBJECT), ("body", "示例：只用键盘录入。"), ("appellant_name", "示例来电人")):
        _go_to(page, name)
        keys.insert_text(text)
    keys.press("Control+Enter")
    page.wait_for_url(re.compile(r"/appeals/\d+$"))
    assert product.one("SELECT count(*) FROM appeal WHERE subject = %(subject)s", subject=SUBJECT) == 1
    assert page.locator(".next-step .chip").first.inner_text().strip() == "待编号"


def test_the_focus_can_be_seen_and_skips_to_the_content(visit: Visit) -> None:
    visitor = visit("duty1")
    page = visitor.page
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.classList.contains('skip-link')")
    outline = "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.boxShadow }"
    assert page.evaluate(outline) != "nonenone"
    page.keyboard.press("Enter")
    assert page.evaluate("() => location.hash") == "#main"
