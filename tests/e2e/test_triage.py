"""Triage in a browser: what is suggested fills no field by itself; the main appeal of a merger is found and chosen."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_walk import take_in
from tests.e2e.visitor import Visitor

# The seeded dispatch catalogue names the county.
PLACE, UNIT = "武宁县", "wuning_county"


def _chips(page: Page) -> Locator:
    return page.locator(".suggestions:visible button")


def _field(page: Page, name: str) -> Locator:
    return page.locator(f"select[name={name}]")


def test_what_is_suggested_fills_no_field_until_somebody_chooses_it(visit: Visit, product: Product) -> None:
    appeal = take_in(visit("duty1"), f"示例：{PLACE}一小区路灯不亮")
    visit("wuyongjun").step(appeal, "register", limit="ordinary")
    director = visit("tangguiping")
    page = director.page
    director.open(f"/appeals/{appeal}/forward")
    wanted = _chips(page).first
    expect(wanted).to_have_text("武宁县人民政府")
    expect(page.locator(".suggestion-why").first).to_contain_text(PLACE)
    expect(wanted).to_have_attribute("aria-pressed", "false")
    assert _field(page, "unit").input_value() == ""
    # Sent without a choice, the form asks for one: nothing was put in behind the scenes either.
    page.locator("main .action-bar .btn-primary").click()
    assert _field(page, "unit").evaluate("field => field.validity.valueMissing")
    assert product.one("SELECT state FROM appeal WHERE id = %(id)s", id=appeal) == "registered"
    _chips(page).first.click()
    assert _field(page, "unit").input_value() == UNIT
    expect(_chips(page).first).to_have_attribute("aria-pressed", "true")
    director.fill(limit="ordinary")
    director.submit()
    chosen = "SELECT unit.code FROM appeal JOIN unit ON unit.id = appeal.unit_id WHERE appeal.id = %(id)s"
    assert product.one(chosen, id=appeal) == UNIT


def test_a_form_is_whole_when_no_suggestion_comes(visit: Visit) -> None:
    appeal = take_in(visit("duty1"), f"示例：{PLACE}一处井盖松动")
    visit("wuyongjun").step(appeal, "register", limit="ordinary")
    director = visit("tangguiping")
    director.page.route("**/suggestions/*", lambda route: route.fulfill(status=404))
    with director.refused(), director.page.expect_response("**/suggestions/*"):
        director.open(f"/appeals/{appeal}/forward")
    expect(_chips(director.page)).to_have_count(0)
    director.fill(unit="city_management", limit="ordinary")
    director.submit()
    assert director.state(appeal) == "待签收"


def _registered(duty: Visitor, registrar: Visitor, product: Product, subject: str) -> tuple[int, str]:
    appeal = take_in(duty, subject)
    registrar.step(appeal, "register", limit="ordinary")
    return appeal, product.one("SELECT number FROM appeal WHERE id = %(id)s", id=appeal)


def test_the_main_appeal_is_found_by_words_chosen_by_keyboard_and_leads_both_ways(
    visit: Visit, product: Product
) -> None:
    duty, registrar, director = visit("duty1"), visit("wuyongjun"), visit("tangguiping")
    main, number = _registered(duty, registrar, product, "示例：湖滨栈桥护栏断裂")
    like, _number = _registered(duty, registrar, product, "示例：湖滨栈桥护栏断裂无人修")
    other, other_number = _registered(duty, registrar, product, "示例：纺织路口信号灯全灭")
    page = director.page
    director.open(f"/appeals/{like}/merge")
    field, options = page.locator("input[name=main]"), page.locator("#mains [role=option]")
    expect(options.first).to_contain_text(number)
    expect(field).to_have_attribute("aria-expanded", "true")
    assert field.input_value() == ""  # the likely one is offered, not put in

    # Words lead to another one; it is chosen by pointing at it, and left again for the likely one.
    field.fill("纺织路口")
    expect(options).to_have_count(1)
    options.first.click()
    expect(field).to_have_value(other_number)
    field.fill("没有这样的诉求")
    expect(options).to_have_count(0)
    expect(page.locator("[data-mains-empty]")).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "false")
    field.fill("湖滨栈桥")
    expect(options).to_have_count(1)
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    field.press("Enter")
    expect(field).to_have_value(number)
    director.submit()
    assert director.state(like) == "已并单"
    expect(page.locator(f"main a[href$='/appeals/{main}']").first).to_have_text(number)
    director.appeal(main)
    expect(page.locator("#merged")).to_contain_text("热度2")
    expect(page.locator(f"#merged a[href$='/appeals/{like}']")).to_have_count(1)
    assert director.state(other) == "待批办"


def test_days_of_the_year_are_chosen_by_two_clicks_and_nothing_is_saved_unasked(
    visit: Visit, product: Product
) -> None:
    officer = visit("sysadmin")
    page = officer.page
    officer.open("/calendar/?year=2026")
    page.locator("a[data-day='2026-12-24']").click()
    expect(page.locator(".year-pick")).to_contain_text("2026-12-24")
    page.keyboard.press("Escape")
    expect(page.locator(".year-pick")).to_be_hidden()
    page.locator("a[data-day='2026-12-24']").click()
    page.locator("a[data-day='2026-12-22']").click()
    page.wait_for_url("**/calendar/enter/**")
    # The earlier day is the first one, whichever was clicked first.
    assert page.locator("[name=first_0]").input_value() == "2026-12-22"
    assert page.locator("[name=last_0]").input_value() == "2026-12-24"
    assert product.one("SELECT count(*) FROM calendar_day WHERE day >= '2026-12-22' AND day <= '2026-12-24'") == 0
