"""A on leave, B at work: asked for, handed over, confirmed, worked on, reported back, each in his own browser."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_walk import take_in
from tests.e2e.visitor import Visitor

SUBJECT = "示例：外出期间收到的诉求"


def _local(ahead: timedelta = timedelta()) -> str:
    return (datetime.now(ZoneInfo("Asia/Shanghai")) + ahead).strftime("%Y-%m-%d %H:%M")


def _press(visitor: Visitor, address: str) -> None:
    """The button of a form that posts to an address ending so, and whatever dialog asks before."""
    page = visitor.page
    with page.expect_navigation():
        page.locator(f"form[action$='{address}'] button").first.click()
        confirm = page.locator("dialog[open] button[value=ok]")
        if confirm.count():
            confirm.first.click()


def _sheet_of(visitor: Visitor, post: str) -> str:
    """The address of the sheet of a post among those that wait."""
    visitor.open("/leave/")
    row = visitor.page.locator("#sheets tr", has_text=post)
    return str(row.locator("a").first.get_attribute("href"))


def test_a_goes_on_leave_and_b_works_and_reports_back(visit: Visit, product: Product) -> None:
    a, b, leader, duty = visit("wuyongjun"), visit("nining"), visit("tangguiping"), visit("duty1")
    post = product.one("SELECT name FROM post WHERE code = 'registrar'")
    appeal = take_in(duty, SUBJECT)

    # 1 · A asks for leave; who acts meanwhile is shown while he fills in the form
    a.open("/leave/")
    a.page.locator("a[href$='/leave/new']").first.click()
    a.fill(starts_at=_local(), ends_at=_local(timedelta(days=2)), reason="示例：年休假")
    a.page.locator("[data-preview-target]").get_by_text("倪").first.wait_for()
    a.submit()
    absence = a.page.url.rsplit("/", 1)[1]
    assert "临时告知" in a.page.locator("main").inner_text()

    # 2 · the sheets are made, and the registrar's is confirmed by both
    _press(a, f"/leave/{absence}/sheets")
    address = _sheet_of(a, post)
    a.open(address)
    assert a.page.locator(".sheet").get_by_text("待编号").count()
    _press(a, "/give")
    b.open(_sheet_of(b, post))
    _press(b, "/take")
    assert b.page.get_by_text("双方已在系统中确认").count()

    # 3 · the leader confirms
    leader.open(f"/leave/{absence}")
    with leader.page.expect_navigation():
        leader.page.locator("button[name=decision][value=confirm]").click()

    # 4 · A has the post no more, B has it and works with his own account
    assert not a.desk().locator("section[id^='number.to_number']").count()
    b.step(appeal, "register", limit="ordinary")
    done = product.sql(
        "SELECT p.name, j.role FROM journal j JOIN person p ON p.id = j.person_id"
        " WHERE j.appeal_id = %(appeal)s AND j.action = 'register'",
        appeal=appeal,
    )
    assert done == [{"name": product.one("SELECT p.name FROM person p WHERE p.code = 'duty_office_4'"), "role": "B"}]

    # 5 · A is back early, B reports, A confirms
    a.open(f"/leave/{absence}")
    _press(a, "/come-back")
    b.open("/leave/")
    b.page.locator("#reports tr", has_text=post).locator("a.btn").click()
    b.fill(remark="示例：无其他事项")
    b.submit()
    # B has the post no more: of what he did he sees the number, A the subject too.
    number = product.one("SELECT number FROM appeal WHERE id = %(appeal)s", appeal=appeal)
    assert b.page.locator(".sheet").get_by_text(number).count()
    assert not b.page.locator(".sheet").get_by_text(SUBJECT).count()
    a.open(_sheet_of(a, post))
    assert a.page.locator(".sheet").get_by_text(SUBJECT).count()
    _press(a, "/take")
    assert a.page.get_by_text("双方已在系统中确认").count()
    assert a.desk().locator("section[id^='number.to_number']").count()
