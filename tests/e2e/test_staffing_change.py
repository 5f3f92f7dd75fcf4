"""A post changes hands: one form, the new holder has the desk at once, the duty director acknowledges (R16)."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.visitor import Visitor

POST, NEW = "collector_d", "handlerxunyangdistrict"


def _replace(admin: Visitor, place: str, person: int) -> int:
    """File the change by form; its id."""
    admin.open(f"/changes/new?place={place}")
    name = admin.page.locator(f"main select[name=person] option[value='{person}']").inner_text().partition("（")[0]
    admin.fill(person=str(person), reason="示例：轮岗")
    # Before anything is sent, the form says who comes.
    expect(admin.page.locator("[data-preview-target] b")).to_contain_text(name)
    admin.submit()
    expect(admin.page).to_have_url(re.compile(r"/changes/\d+$"))
    return int(admin.page.url.rpartition("/")[2])


def test_a_post_changes_hands_by_one_form(visit: Visit, product: Product) -> None:
    post = product.one("SELECT id FROM post WHERE code = %(code)s", code=POST)
    held = "SELECT person_id FROM holding WHERE post_id = %(post)s AND role = 'A' AND valid @> now()"
    before = product.one(held, post=post)
    incoming = product.one(
        "SELECT a.person_id FROM account a JOIN ab_user u ON u.id = a.user_id WHERE u.username = %(name)s", name=NEW
    )
    place = f"holding:{post}:A"
    admin = visit("sysadmin")
    record = _replace(admin, place, incoming)
    try:
        assert product.one(held, post=post) == incoming
        # At once, without restart: the new holder has the desk and its intake form.
        desk = visit(NEW).desk()
        expect(desk.locator(".page-actions a", has_text="D")).to_be_visible()

        director = visit("tangguiping")
        page = director.desk()
        page.locator("main a[href*='/changes/?state=filed']").click()
        page.locator(f"main td a[href$='/changes/{record}']").click()
        with page.expect_navigation():
            page.locator(".page-actions form button").click()
        expect(page.locator("main .kv")).to_contain_text("已确认")
        assert page.locator(".page-actions form").count() == 0
    finally:
        _replace(admin, place, before)
    assert product.one(held, post=post) == before
