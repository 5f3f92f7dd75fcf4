"""A leader on his phone: reads the slip, writes with two taps, signs what he was shown; the duty office has it then."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_walk import take_in
from tests.e2e.visitor import Visitor

SUBJECT = "示例：请领导批示的诉求"
PHONE = 390
AWAY = "sample_vice_mayor"


TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def _on_its_way(visit: Visit) -> int:
    """An appeal whose slip is with the section that delivers it."""
    registrar, director = visit("wuyongjun"), visit("tangguiping")
    appeal = take_in(visit("duty1"), SUBJECT)
    registrar.step(appeal, "register", limit="ordinary")
    director.step(appeal, "propose", opinion="示例：拟请阅示。", unit="city_management")
    registrar.step(appeal, "fill_slip")
    visit("zhaohongkui").step(appeal, "carry")
    return appeal


def test_a_leader_reads_writes_and_signs_on_a_phone(visit: Visit, product: Product) -> None:
    appeal = _on_its_way(visit)
    director, clerk, leader = visit("tangguiping"), visit("clerk"), visit("vicemayor", width=PHONE)

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
    assert not page.evaluate(TOO_WIDE)
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
    assert not page.evaluate(TOO_WIDE)

    # The duty office has it at once, as the task of the unit and with the leader's date.
    assert director.state(appeal) == "待交办"
    director.open(f"/appeals/{appeal}/forward")
    assert director.page.locator("[name=task]").input_value() == phrase + "示例：限三日。"
    assert director.page.locator("[name=due_on]").input_value() == due_on


def _away(officer: Visitor, person: int) -> None:
    """The system officer enters that this person is away from now on."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    officer.open("/absences/enter")
    officer.fill(
        person=str(person),
        starts_at=now.strftime("%Y-%m-%d %H:%M"),
        ends_at=(now + timedelta(days=2)).strftime("%Y-%m-%d %H:%M"),
    )
    officer.submit()


def test_the_deputy_writes_as_b_on_a_phone_while_the_leader_is_away(visit: Visit, product: Product) -> None:
    appeal = _on_its_way(visit)
    officer, clerk, deputy = visit("sysadmin"), visit("clerk"), visit("deputy", width=PHONE)
    ((person, name),) = (
        row.values() for row in product.sql("SELECT id, name FROM person WHERE code = %(code)s", code=AWAY)
    )
    _away(officer, person)
    absence = officer.page.url

    # The slip goes to B: the form of the section has chosen him.
    clerk.step(appeal, "deliver")
    handed = product.one(
        "SELECT h.counterpart FROM slip_handover h JOIN slip s ON s.id = h.slip_id"
        " WHERE s.appeal_id = %(id)s AND h.leg = 'deliver'",
        id=appeal,
    )
    assert handed == product.one("SELECT name FROM person WHERE code = 'sample_deputy'")

    deputy.open("/leader/")
    deputy.page.locator("a.slip-card", has_text=SUBJECT).last.click()
    page = deputy.page
    assert f"{name}外出" in page.locator("#write").inner_text()
    assert not page.evaluate(TOO_WIDE)
    deputy.fill(instruction="示例：请市城管局限期办结。")
    page.locator("button[value=instruct]").click()
    assert name in page.locator("#confirm .kv").inner_text()
    assert not page.evaluate(TOO_WIDE)
    page.locator("#confirm button[value=sign]").click()
    assert name in page.locator(".written").inner_text()

    director = visit("tangguiping")
    assert re.search(rf"B角代为批示\s*[:：]\s*{name}", director.appeal(appeal).locator(".timeline").inner_text())

    officer.open(absence.removeprefix(product.url))
    with officer.page.expect_navigation():
        officer.page.locator("form[action$='/come-back'] button").first.click()
        officer.page.locator("dialog[open] button[value=ok]").click()
    assert product.sql(
        "SELECT p.code AS by, a.code AS instead_of, j.new -> 'acting_for' ->> 'name' AS name FROM instruction i"
        " JOIN slip s ON s.id = i.slip_id JOIN person p ON p.id = i.person_id JOIN person a ON a.id = i.acting_for_id"
        " JOIN journal j ON j.appeal_id = s.appeal_id AND j.action = 'instruct' WHERE s.appeal_id = %(id)s",
        id=appeal,
    ) == [{"by": "sample_deputy", "instead_of": AWAY, "name": name}]
