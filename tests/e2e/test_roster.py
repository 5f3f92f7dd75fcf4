"""A duty roster in the browser: dragged with the mouse, moved by keys alone, repeated, its gaps in sight."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product

SHANGHAI = ZoneInfo("Asia/Shanghai")
OWN = "SELECT id FROM person WHERE active AND unit_id = %(office)s ORDER BY id OFFSET %(skip)s LIMIT 1"
PLANNED = "SELECT count(*) FROM duty_shift WHERE office_id = %(office)s AND lower(valid) >= %(first)s"


def _far_month() -> date:
    """A month for which nobody has planned anything yet: the sample plans three months, and its last shift may reach
    into a fourth.
    """
    return (datetime.now(SHANGHAI).date().replace(day=1) + timedelta(days=160)).replace(day=10)


def _shift(page: Page, day: date) -> Locator:
    return page.locator(f"[data-day='{day}'] .roster-shift").first


def _people(page: Page, day: date, seat: str) -> list[str]:
    names = _shift(page, day).locator(f"[data-seat='{seat}'] .roster-person")
    return [name.strip() for name in names.all_inner_texts()]


def test_a_roster_is_planned_by_mouse_and_by_keyboard(visit: Visit, product: Product) -> None:
    office = product.one("SELECT id FROM unit WHERE code = 'duty_office'")
    ids = [product.one(OWN, office=office, skip=skip) for skip in (0, 1, 2)]
    name = product.one("SELECT name FROM person WHERE id = %(id)s", id=ids[2])
    first = _far_month()
    second, month = first + timedelta(days=1), f"{first:%Y-%m}"
    visitor = visit("sysadmin")
    page = visitor.page
    for day, seats in ((first, f"main={ids[0]}&second={ids[2]}"), (second, f"main={ids[1]}")):
        visitor.open(f"/rosters/{office}/add?day={day}&{seats}&month={month}")
        visitor.submit()
    assert _people(page, first, "second") == [name]

    # The mouse: drag the person from the second seat of one day to that of the next.
    chip = _shift(page, first).locator("[data-seat='second'] .roster-person")
    chip.drag_to(_shift(page, second).locator("[data-seat='second']"))
    expect(_shift(page, second).locator("[data-seat='second'] .roster-person")).to_have_text(name)
    assert _people(page, first, "second") == []

    # Who alone holds the main seat cannot be dragged away: the reason stands at the place.
    with visitor.refused():
        _shift(page, first).locator("[data-seat='main'] .roster-person").drag_to(
            _shift(page, second).locator("[data-seat='second'] .roster-seat-name")
        )
        expect(page.locator("#roster .roster-refusal")).to_contain_text("主班至少要有一人")

    # The keyboard: choose with Enter, go to the seat's button, press Enter.
    _shift(page, second).locator("[data-seat='second'] .roster-person").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".roster-pick")).to_be_visible()
    here = _shift(page, first).locator("[data-seat='second'] [data-here]")
    for _press in range(200):
        if here.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(_shift(page, first).locator("[data-seat='second'] .roster-person")).to_have_text(name)

    # The gaps are in sight, and two days repeated until the end of a fortnight fill theirs.
    hole = page.locator(f"[data-day='{first + timedelta(days=2)}'] .roster-hole")
    expect(hole).to_contain_text("无人值班")
    visitor.open(f"/rosters/{office}/repeat?month={month}&first={first}&last={second}")
    page.fill("input[name=until]", f"{first + timedelta(days=13)}")
    page.locator("button[value=preview]").click()
    expect(page.locator("button[value=apply]")).to_contain_text("12")
    page.locator("button[value=apply]").click()
    expect(_shift(page, first + timedelta(days=12)).locator("[data-seat='second'] .roster-person")).to_have_text(name)
    assert product.one(PLANNED, office=office, first=first) == 14
    page.locator("form[action$='/undo'] button").click()
    expect(page.locator(".roster-shift")).to_have_count(2)
