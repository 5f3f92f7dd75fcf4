"""A leader on his phone: reads the slip, writes with two taps, signs what he was shown; the duty office has it then."""

from __future__ import annotations

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_walk import take_in

SUBJECT = "示例：请领导批示的诉求"
PHONE = 390


def test_a_leader_reads_writes_and_signs_on_a_phone(visit: Visit, product: Product) -> None:
    registrar, director, liaison = visit("wuyongjun"), visit("tangguiping"), visit("zhaohongkui")
    clerk, leader = visit("clerk"), visit("vicemayor", width=PHONE)
    appeal = take_in(visit("duty1"), SUBJECT)
    registrar.step(appeal, "register", limit="ordinary")
    director.step(appeal, "propose", opinion="示例：拟请阅示。", unit="city_management")
    registrar.step(appeal, "fill_slip")
    liaison.step(appeal, "carry")

    # The section's clerk confirms the leader who is there: the form has chosen him.
    clerk.step(appeal, "deliver")
    assert product.one(
        "SELECT h.counterpart FROM slip_handover h JOIN slip s ON s.id = h.slip_id"
        " WHERE s.appeal_id = %(id)s AND h.leg = 'deliver'",
        id=appeal,
    ) == product.one("SELECT name FROM person WHERE code = 'sample_vice_mayor'")

    # The leader's start page has the slip; it fits the phone.
    leader.open("/")
    page = leader.page
    page.wait_for_url("**/leader/")
    page.locator("a.slip-card", has_text=SUBJECT).click()
    page.locator("#write").wait_for()
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(too_wide)
    page.locator("[data-fill-add]").first.click()
    phrase = page.locator("[data-fill-add]").first.get_attribute("data-fill-add") or ""
    page.locator("textarea[name=instruction]").press_sequentially("示例：限三日。")
    page.locator("[data-fill='f-due_on']").first.click()
    due_on = page.locator("input[name=due_on]").input_value()
    page.locator("button[value=instruct]").click()

    # He sees exactly what he signs, may go back, and signs.
    shown = page.locator("#confirm .quote")
    assert shown.inner_text() == phrase + "示例：限三日。"
    page.locator("#confirm button[value=change]").click()
    assert page.locator("textarea[name=instruction]").input_value() == phrase + "示例：限三日。"
    page.locator("button[value=instruct]").click()
    assert due_on in page.locator("#confirm").inner_text()
    page.locator("#confirm button[value=sign]").click()
    page.locator(".written").get_by_text("系统签署").wait_for()
    assert not page.evaluate(too_wide)

    # The duty office has it at once, as the task of the unit and with the leader's date.
    assert director.state(appeal) == "待交办"
    director.open(f"/appeals/{appeal}/forward")
    assert director.page.locator("[name=task]").input_value() == phrase + "示例：限三日。"
    assert director.page.locator("[name=due_on]").input_value() == due_on
