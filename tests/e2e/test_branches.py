"""One appeal through the branches of its life in a browser, each step by the person whose turn it is (R5–R11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app import words
from tests.e2e.conftest import Visit
from tests.e2e.languages import chinese
from tests.e2e.product import Product
from tests.e2e.test_walk import take_in
from tests.e2e.visitor import Visitor

ZONE = ZoneInfo("Asia/Shanghai")
OBJECTION = {"reason": "示例：不属本单位职责。", "legal_basis": "示例条例第三条", "proposed_unit": "xunyang_district"}


def _told() -> dict[str, str]:
    return {"informed_at": datetime.now(ZONE).strftime("%Y-%m-%d %H:%M"), "informed_how": "phone"}


def _day(ahead: int) -> str:
    return (datetime.now(ZONE) + timedelta(days=ahead)).strftime("%Y-%m-%d")


def _registered(duty: Visitor, registrar: Visitor, subject: str) -> int:
    appeal = take_in(duty, subject)
    registrar.step(appeal, "register", category="市容环卫")
    return appeal


def _refused(visitor: Visitor, appeal: int, action: str, **fields: str) -> str:
    """What the page says when the step is refused."""
    visitor.open(f"/appeals/{appeal}/{action}")
    visitor.fill(**fields)
    with visitor.refused():
        visitor.submit()
        return visitor.page.locator("main .note.is-danger").first.inner_text()


def test_a_lead_and_a_co_handling_unit_from_objection_to_reopening(visit: Visit, product: Product) -> None:
    duty, director = visit("duty1"), visit("tangguiping")
    registrar, supervisor = visit("wuyongjun"), visit("quehong")
    lead, other = visit("handlercitymanagement"), visit("handlerxunyangdistrict")
    main = _registered(duty, registrar, "示例：摊贩占道")
    second = _registered(duty, registrar, "示例：摊贩占道，再次来电")
    number = product.one("SELECT number FROM appeal WHERE id = %(id)s", id=main)

    # Merged: handled once.
    director.step(second, "merge", main=number)
    assert director.state(second) == "已并单"

    # Objected to and rejected, more time asked for and granted, paused and taken up again.
    director.step(main, "forward", unit="city_management", limit="ordinary")
    director.step(main, "add_co_unit", unit="xunyang_district", task="示例：配合现场核查。")
    lead.step(main, "object", **OBJECTION)
    director.step(main, "decide_objection", decision="rejected", reason="示例：由市城管局牵头。")
    assert "object" not in lead.actions(main)
    lead.step(main, "sign_in")
    lead.step(main, "ask_extension", amount="3", reason="示例：等材料。")
    director.open(f"/appeals/{main}/decide_extension")
    assert "3个工作日" in director.page.locator("main").inner_text()
    director.step(main, "decide_extension", decision="granted", reason="示例：同意。")
    lead.step(main, "ask_pause", until_on=_day(4), reason="示例：等检验报告。")
    director.step(main, "decide_pause", decision="granted", reason="示例：同意。")
    assert "已暂停" in lead.appeal(main).locator(".next-step").inner_text()
    director.step(main, "resume")

    # The co-handling unit answers for itself; the merged appellant is told when there is a result.
    assert "inform" not in lead.actions(second)
    other.step(main, "sign_in")
    other.step(main, "answer", feedback="示例：已配合核查。")
    lead.step(main, "explain", kind="cannot_finish", explanation="示例：材料迟到。", **_told())
    lead.step(main, "answer", feedback="示例：已清理。", **_told())
    lead.step(second, "inform", **_told())

    # Sent back, answered again, accepted; the second appellant is told anew.
    director.step(main, "send_back", reason="示例：请附照片。")
    assert "inform" not in lead.actions(second)
    lead.step(main, "answer", feedback="示例：已清理并附照片。", **_told())
    lead.step(second, "inform", **_told())
    director.step(main, "accept")
    supervisor.step(main, "call_back", reached="yes", solved="yes", satisfied="no")
    assert "已解决、不满意" in supervisor.appeal(main).locator("main").inner_text()

    # The end, for both; then once more from the beginning.
    registrar.step(main, "strike_off")
    assert registrar.state(second) == "已销号"
    registrar.step(main, "archive")
    registrar.step(main, "hold", reason="示例：涉诉。")
    assert "法律保全" in registrar.appeal(main).locator(".next-step").inner_text()
    registrar.step(main, "release_hold", reason="示例：终结。")
    director.step(main, "reopen", reason="示例：又来占道。")
    assert "示例：已清理并附照片。" in director.page.locator("main").inner_text()
    director.step(main, "handle_self")
    director.step(main, "finish_self", result="示例：已安排值守。", **_told())
    registrar.step(main, "strike_off")
    registrar.step(main, "archive")
    assert registrar.timeline()[-4:] == [
        chinese(words.ACTIONS[step]) for step in ("handle_self", "finish_self", "strike_off", "archive")
    ]
    assert product.one("SELECT count(*) FROM clock WHERE appeal_id = %(id)s AND stopped_at IS NULL", id=main) == 0


def test_what_goes_back_elsewhere_or_nowhere(visit: Visit, product: Product) -> None:
    director, registrar, duty = visit("tangguiping"), visit("wuyongjun"), visit("duty1")
    first, second = visit("handlercitymanagement"), visit("handlerxunyangdistrict")

    # An upheld objection: withdrawn, filed again, upheld, learnt; the next unit keeps it.
    appeal = _registered(duty, registrar, "示例：河道垃圾")
    director.step(appeal, "forward", unit="city_management", limit="ordinary")
    first.step(appeal, "object", **OBJECTION)
    first.step(appeal, "withdraw_request")
    first.step(appeal, "object", **OBJECTION)
    director.open(f"/appeals/{appeal}/decide_objection")
    director.page.locator("main [name=learn]").check()
    director.fill(decision="upheld", reason="示例：成立。")
    director.submit()
    with first.refused():
        assert "河道垃圾" not in first.appeal(appeal).content()
    entry = "SELECT count(*) FROM dispatch_entry WHERE source = 'objection' AND NOT active AND basis = %(basis)s"
    assert product.one(entry, basis=OBJECTION["legal_basis"]) >= 1
    director.open(f"/appeals/{appeal}/forward")
    assert director.page.locator("main [name=unit]").input_value() == "xunyang_district"
    director.step(appeal, "forward", unit="xunyang_district", limit="ordinary")
    assert "object" not in second.actions(appeal)

    # Transferred; policy does not permit; no archive without its note (R11).
    director.step(appeal, "transfer", unit="city_management", limit="ordinary", reason="示例：另有安排。")
    first.step(appeal, "sign_in")
    first.step(appeal, "explain", kind="not_permitted", explanation="示例：政策不允许。", **_told())
    director.step(appeal, "accept")
    registrar.step(appeal, "strike_off")
    assert "R11" in _refused(registrar, appeal, "archive")
    registrar.step(appeal, "add_note", note="示例：政策不允许，已说明。")
    registrar.step(appeal, "archive")

    # Split, then not accepted; a number voided; a draft returned and discarded.
    double = _registered(duty, registrar, "示例：路灯不亮并且井盖缺失")
    director.step(double, "split", subject="示例：井盖缺失", body="示例：井盖缺失。")
    assert "示例：井盖缺失" in director.page.locator("main").inner_text()
    director.step(double, "decline", ground="示例：法院已受理。", route="litigation", **_told())
    assert "诉讼" in director.page.locator("main").inner_text()
    wrong = _registered(duty, registrar, "示例：重复编号")
    registrar.step(wrong, "void", reason="示例：重复。")
    assert registrar.actions(wrong) == []
    draft = take_in(duty, "示例：要补正")
    registrar.step(draft, "return_for_correction", reason="示例：地址不清。")
    duty.open(f"/appeals/{draft}/submit")
    assert "示例：地址不清。" in duty.page.locator("main").inner_text()
    duty.step(draft, "discard", reason="示例：打错了。")
    assert product.one("SELECT number FROM appeal WHERE id = %(id)s", id=draft) is None


def test_the_second_of_two_loses_nothing(visit: Visit, product: Product) -> None:
    duty, director, registrar = visit("duty1"), visit("tangguiping"), visit("wuyongjun")
    appeal = _registered(duty, registrar, "示例：两人同改")
    director.open(f"/appeals/{appeal}/forward")
    director.fill(unit="city_management", limit="ordinary", task="示例：我打的字。")
    registrar.step(appeal, "add_note", note="示例：台帐先记一笔。")
    with director.refused():
        director.submit()
    told = director.page.locator("main").inner_text()
    assert "示例：台帐先记一笔。" in told
    assert director.page.locator("main [name=task]").input_value() == "示例：我打的字。"
    director.submit()
    assert director.state(appeal) == "待签收"
    assert product.one("SELECT task FROM assignment WHERE appeal_id = %(id)s", id=appeal) == "示例：我打的字。"
