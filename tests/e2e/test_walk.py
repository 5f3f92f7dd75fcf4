"""One appeal through all posts, each step by the person who holds the post, signed in through the login form."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, expect

from app import words
from app.reports import documents
from app.reports.document_kinds import Code
from app.rules import scanning
from tests.e2e.conftest import Visit
from tests.e2e.languages import chinese
from tests.e2e.product import Product
from tests.e2e.visitor import APPEAL, Visitor

SUBJECT = "示例：走完全程的诉求"
STEPS = (
    *("take_in", "submit", "register", "propose", "fill_slip", "carry", "deliver", "fetch", "transcribe"),
    *("forward", "sign_in", "answer", "accept", "strike_off", "archive"),
)
PHONE = "13700001234"


def _now() -> str:
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M")


def take_in(visitor: Visitor, subject: str) -> int:
    """By the form of class A, from the button on the desk."""
    page = visitor.desk()
    page.locator("a[href$='/intake/A']").first.click()
    page.wait_for_url("**/intake/A")
    channel = page.locator("main [name=channel] option[value]:not([value=''])").first.get_attribute("value")
    assert channel is not None
    visitor.fill(
        channel=channel,
        subject=subject,
        body="【示例】小区门口的路灯已经三天不亮，夜间出行不便，请尽快修复。",
        appellant_name="示例来电人",
        appellant_phone=PHONE,
    )
    visitor.submit()
    found = APPEAL.search(page.url)
    assert found is not None, page.url
    return int(found[1])


def test_an_appeal_goes_through_all_posts(visit: Visit, product: Product) -> None:
    duty, registrar, director = visit("duty1"), visit("wuyongjun"), visit("tangguiping")
    liaison, clerk, handler = visit("zhaohongkui"), visit("clerk"), visit("handlercitymanagement")
    to_number = registrar.waits("number.to_number")

    # 1 · the person on duty takes it in
    appeal = take_in(duty, SUBJECT)
    assert duty.state(appeal) == "待编号"
    assert registrar.waits("number.to_number") == to_number + 1
    with handler.refused():
        assert "待编号" not in handler.appeal(appeal).content()  # not his yet

    # 2 · the registrar numbers and registers it
    assert "register" in registrar.actions(appeal)
    before = director.waits("triage.to_triage")
    registrar.step(appeal, "register", limit="ordinary")
    assert registrar.state(appeal) == "待批办"
    number = product.one("SELECT number FROM appeal WHERE id = %(id)s", id=appeal)
    assert number in registrar.page.locator("main").inner_text()
    assert registrar.waits("number.to_number") == to_number
    assert director.waits("triage.to_triage") == before + 1

    # 3 · the duty director proposes an opinion for a leader (R5)
    before = registrar.waits("number.to_fill")
    director.step(appeal, "propose", opinion="示例：此件涉及面较广，拟请分管领导阅示。", unit="city_management")
    assert director.state(appeal) == "待填单"
    assert registrar.waits("number.to_fill") == before + 1

    # 4 · the registrar fills the slip in and prints it (R4)
    before = liaison.waits("carry.to_carry")
    registrar.step(appeal, "fill_slip")
    assert registrar.state(appeal) == "待送达"
    _print_slip(registrar, number)
    assert liaison.waits("carry.to_carry") == before + 1

    # 5 · the liaison carries it to the matching section, the section delivers it (R6)
    before = clerk.waits("deliver.to_deliver")
    _make_hand_over_sheet(liaison, product, appeal)
    liaison.step(appeal, "carry", remark="示例处室秘书")
    assert liaison.state(appeal) == "待呈送"
    assert clerk.waits("deliver.to_deliver") == before + 1
    before = liaison.waits("carry.to_fetch")
    clerk.step(appeal, "deliver", receiver="示例副市长")
    assert clerk.state(appeal) == "待取回"
    assert liaison.waits("carry.to_fetch") == before + 1
    _legs_on_the_sheet(liaison, product, appeal, ("赵红奎", "示例处室秘书", None))

    # 6 · the liaison fetches it back and transcribes the instruction
    liaison.step(appeal, "fetch")
    assert liaison.state(appeal) == "待转录"
    before = director.waits("triage.to_assign")
    liaison.step(appeal, "transcribe", instruction="示例：请市城管局三日内修复。", leader="sample_vice_mayor")
    assert liaison.state(appeal) == "待交办"
    assert director.waits("triage.to_assign") == before + 1

    # 7 · the duty director assigns it to the unit
    before = handler.waits("answer.to_sign_in")
    director.step(appeal, "forward", unit="city_management", limit="ordinary")
    assert director.state(appeal) == "待签收"
    assert handler.waits("answer.to_sign_in") == before + 1

    # 8 · the unit's handler signs for it and answers (R9); the number stays masked for him
    handler.step(appeal, "sign_in")
    assert handler.state(appeal) == "办理中"
    assert PHONE not in handler.page.content()
    before = director.waits("triage.to_review")
    handler.step(appeal, "answer", feedback="示例：路灯已修复。", informed_at=_now(), informed_how="phone")
    assert handler.state(appeal) == "待审核"
    assert handler.actions(appeal) == []

    # 9 · the duty director reviews the feedback
    assert director.waits("triage.to_review") == before + 1
    before = registrar.waits("record.to_strike_off")
    director.step(appeal, "accept")
    assert director.state(appeal) == "待销号"

    # 10 · the ledger administrator strikes it off and archives it (R11)
    assert registrar.waits("record.to_strike_off") == before + 1
    registrar.step(appeal, "strike_off")
    assert registrar.state(appeal) == "已销号"
    registrar.step(appeal, "archive")
    assert registrar.state(appeal) == "已归档"
    assert registrar.timeline() == [chinese(words.ACTIONS[step]) for step in STEPS]
    assert "示例：请市城管局三日内修复。" in registrar.page.locator("main").inner_text()
    _everything_is_written(product, appeal)


def _print_slip(registrar: Visitor, number: str) -> None:
    page = registrar.page
    page.locator("a[href*='/slips/']").first.click()
    page.wait_for_url(re.compile(r"/slips/\d+$"))
    assert number in page.locator(".sheet").inner_text()
    assert "诉求处理单" in page.locator(".sheet-title").inner_text()
    assert page.pdf()[:5] == b"%PDF-"


def _slip_of(product: Product, appeal: int) -> dict[str, Any]:
    """The slip with its sheet, as they stand in the database."""
    return product.sql(
        "SELECT slip.id, slip.number, appeal.number AS appeal, sheet.number AS sheet FROM slip"
        " JOIN appeal ON appeal.id = slip.appeal_id LEFT JOIN slip_sheet sheet ON sheet.id = slip.sheet_id"
        " WHERE slip.appeal_id = %(id)s",
        id=appeal,
    )[0]


def _card_of(liaison: Visitor, slip: dict[str, Any]) -> Locator:
    """On the page of today's sheets, the card of the one on which the slip stands."""
    liaison.open("/slips/sheet")
    return liaison.page.locator("section.card", has=liaison.page.locator(f"a[href$='/slips/{slip['id']}']"))


def _make_hand_over_sheet(liaison: Visitor, product: Product, appeal: int) -> None:
    """The liaison numbers the sheet, opens it, finds the slip with its code on it; the code leads to the next step."""
    page, slip = liaison.page, _slip_of(product, appeal)
    assert slip["sheet"] is None
    expect(_card_of(liaison, slip).locator("h2")).to_contain_text("未列入交接单")
    with page.expect_navigation():
        page.locator("form[action$='/documents/slip/sheet'] button").click()
    slip = _slip_of(product, appeal)
    assert slip["sheet"]
    expect(page.locator("form[action$='/documents/slip/sheet']")).to_have_count(0)  # every slip has its sheet
    expect(_card_of(liaison, slip).locator("h2")).to_contain_text(slip["sheet"])
    _card_of(liaison, slip).get_by_role("link", name="打印").click()
    page.wait_for_url(re.compile(r"/documents/slip/sheet/\d+$"))
    expect(page.locator(".sheet-meta")).to_contain_text(slip["sheet"])
    row = page.locator(".sheet tbody tr", has_text=slip["number"])
    expect(row).to_contain_text(slip["appeal"])
    expect(row.locator(".sheet-code svg")).to_be_visible()
    said = scanning.content(slip["id"], slip["number"], slip["appeal"])
    assert _path(row.locator(".sheet-code").inner_html()) == _path(documents.drawing(Code(said)))

    # What a scanner types opens the step.
    liaison.open("/slips/sheet")
    page.fill("#scan-code", said)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/appeals/{appeal}/carry")


def _path(svg: str) -> str:
    """The modules of a drawn code."""
    found = re.search(r' d="([^"]+)"', svg)
    assert found, svg
    return found[1]


def _legs_on_the_sheet(liaison: Visitor, product: Product, appeal: int, by: tuple[str | None, ...]) -> None:
    """Who carried, delivered and fetched the slip, as today's sheet says."""
    slip = _slip_of(product, appeal)
    row = _card_of(liaison, slip).locator("tbody tr", has_text=slip["number"])
    cells = row.locator("td").all_inner_texts()[3:]
    assert len(cells) == len(by)
    for cell, name in zip(cells, by, strict=True):
        assert cell.startswith(name) if name else cell.strip() == "—"


def _everything_is_written(product: Product, appeal: int) -> None:
    """One journal row a step, every clock stopped in time, each hand-over a row."""
    assert product.one("SELECT count(*) FROM journal WHERE appeal_id = %(id)s", id=appeal) == len(STEPS)
    clocks = product.sql("SELECT kind, stopped_at <= due_at AS met FROM clock WHERE appeal_id = %(id)s", id=appeal)
    legs_of_the_day = {"carry", "delivery", "fetch_back"}
    assert {clock["kind"] for clock in clocks} == {"collection", *legs_of_the_day, "sign_in", "unit_limit", "review"}
    assert all(clock["met"] for clock in clocks)
    legs = product.sql(
        "SELECT leg FROM slip_handover h JOIN slip s ON s.id = h.slip_id WHERE s.appeal_id = %(id)s ORDER BY h.id",
        id=appeal,
    )
    assert [leg["leg"] for leg in legs] == ["carry", "deliver", "fetch"]
