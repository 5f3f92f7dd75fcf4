"""A thirteenth post by form: asked for, confirmed by another officer, given to somebody, who finds his desk."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product

NAME = "示例督查岗"


def test_a_thirteenth_post_gives_its_holder_a_desk_a_menu_and_exactly_its_rights(
    visit: Visit, product: Product
) -> None:
    holder = visit("nining")  # B of the registrar's post: stands by, and may do nothing meanwhile
    menu = holder.page.locator("#sidenav")
    expect(menu.locator("[data-badge=Overdue]")).to_have_count(0)

    # The system officer asks; who gains and who loses what is shown before anything is saved.
    system = visit("sysadmin")
    page = system.page
    system.open("/dictionary/posts/list/")
    page.locator("main a[href*='/dictionary/posts/add']").first.click()
    page.wait_for_url("**/dictionary/posts/add**")
    system.fill(number="13", name=NAME, scope="all")
    for field, values in (
        ("office", [str(product.one("SELECT id FROM unit WHERE code = 'duty_office'"))]),
        ("capabilities", ["supervise", "report"]),
    ):
        page.locator(f"main select[name={field}]").evaluate(
            """(e, chosen) => {
                for (const option of e.options) option.selected = chosen.includes(option.value);
                e.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            values,
        )
    page.locator("#model_form button[type=submit]").first.click()
    page.locator("button[name=previewed]").wait_for()
    assert product.one("SELECT count(*) FROM post") == 12
    page.locator("textarea[name=reason]").fill("示例：加强督查")
    page.locator("button[name=previewed]").click()
    page.wait_for_url("**/dictionary/posts/list/**")
    post = product.one("SELECT id FROM post WHERE name = %(name)s", name=NAME)
    assert product.one("SELECT capabilities FROM post WHERE id = %(id)s", id=post) == []

    # The holder comes by a personnel change; the post gives him nothing yet.
    system.open(f"/changes/new?place=holding:{post}:A")
    person = product.one("SELECT id FROM person WHERE name = '倪宁'")
    system.fill(person=str(person), reason="示例：新设岗位")
    page.locator("main form[data-preview] .btn-primary").click()
    page.wait_for_url(re.compile(r"/changes/\d+"))
    expect(holder.desk().locator(".desk-posts")).to_contain_text(NAME)
    expect(menu.locator("[data-badge=Overdue]")).to_have_count(0)

    # The security officer finds it by his badge and agrees.
    security = visit("secadmin")
    badge = security.page.locator("#sidenav [data-badge=Capabilities]")
    expect(badge).to_have_text("1")
    security.open("/capabilities/")
    security.page.locator("main a[href*='/capabilities/changes/']").first.click()
    expect(security.page.locator("main")).to_contain_text("倪宁")
    security.page.locator("form[action$='/confirm'] button").click()
    with security.page.expect_navigation():
        security.page.locator("dialog[open] .btn-primary, dialog[open] [value=ok]").first.click()
    expect(security.page.locator(".alert-success")).to_be_visible()

    # At the next page he has desk, menu and exactly those rights; nobody restarted anything.
    page = holder.desk()
    expect(page.locator(".desk-posts")).to_contain_text(NAME)
    for entry, there in (("Overdue", 1), ("Reports", 1), ("Ledger", 1), ("Imports", 0), ("Accounts", 0), ("Posts", 0)):
        expect(menu.locator(f"[data-badge={entry}]")).to_have_count(there)
    holder.open("/overdue/")
    holder.open("/reports/")
    appeal = product.one("SELECT id FROM appeal WHERE state = 'submitted' ORDER BY id LIMIT 1")
    assert holder.actions(appeal) == []
    with holder.refused():
        holder.open("/imports/")
        holder.open(f"/appeals/{appeal}/register")

    # Taken out of use, it is gone as fast.
    with system.page.expect_navigation():
        system.page.evaluate(
            """id => {
                const form = document.createElement("form");
                form.method = "post";
                form.action = `/dictionary/posts/delete/${id}`;
                const token = document.querySelector("input[name=csrf_token]").cloneNode();
                form.append(token);
                document.body.append(form);
                form.submit();
            }""",
            post,
        )
    with holder.refused():
        holder.open("/overdue/")
    holder.desk()
    expect(menu.locator("[data-badge=Overdue]")).to_have_count(0)
