"""Blocks of a sheet in a browser: many rows pasted, stopped, refused, copied; dates, lists and columns by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e import stores
from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_grid import KEEPER, Sheet, compose, pressed, until

ROWS, CODE = 700, "blocks"
NAMED = """SELECT count(*) FROM own_row r JOIN own_sheet s ON s.id = r.sheet_id
           WHERE s.code = %(code)s AND r.deleted_at IS NULL AND r.extra ->> 'name' LIKE %(name)s"""


@pytest.fixture
def sheet(visit: Visit, product: Product) -> Iterator[Sheet]:
    """A sheet of one's own with many rows before who keeps the system."""
    code = stores.make(product.sql, CODE, ROWS).rsplit("/", 1)[1]
    yield Sheet(visit(KEEPER), code)
    stores.drop(product.sql, CODE)


def named(product: Product, name: str) -> int:
    """How many rows of the sheet are called so."""
    return int(product.one(NAMED, code=CODE, name=name))


def notice(page: Page, name: str) -> Locator:
    """A notice over the table."""
    return page.locator(f"[data-notice^='{name}']")


def test_two_thousand_rows_are_pasted_with_progress_and_one_undo_takes_them_back(
    sheet: Sheet, product: Product
) -> None:
    sheet.go(0, "x_name")
    sheet.paste("\r\n".join(f"示例粘贴{n}\t{n}" for n in range(2_000)))
    expect(notice(sheet.page, "long")).to_contain_text("/2000", timeout=30_000)
    until(sheet.page, "document.getElementById('grid').app.windows.total === 2000", 120)
    sheet.settled()
    assert named(product, "示例粘贴%") == 2_000
    assert (sheet.value(1, "x_name"), sheet.value(1, "x_count")) == ("示例粘贴1", 1)
    sheet.press("Control+z")
    until(sheet.page, "document.getElementById('grid').app.edits.waiting === 0", 120)
    assert (named(product, "示例粘贴%"), named(product, "示例物资%")) == (0, ROWS)
    # What one added oneself is no news.
    for _ in range(2):
        with sheet.page.expect_response(lambda answer: answer.url.endswith("/changes")):
            pass
    expect(notice(sheet.page, "news")).to_have_count(0)


def test_a_paste_that_is_stopped_says_how_far_it_came_and_is_taken_back(sheet: Sheet, product: Product) -> None:
    sheet.go(0, "x_name")
    sheet.paste("\r\n".join(f"示例停下{n}" for n in range(ROWS)))
    expect(notice(sheet.page, "long")).to_contain_text("200/700", timeout=30_000)
    notice(sheet.page, "long").get_by_role("button", name="取消").click()
    sheet.settled()
    written = named(product, "示例停下%")
    assert 200 <= written < ROWS
    expect(sheet.page.locator(".toast").last).to_contain_text(f"已写入{written}行")
    assert sheet.state["troubled"] == 0
    sheet.press("Control+z")
    sheet.settled()
    assert named(product, "示例停下%") == 0


def test_new_rows_that_are_refused_wait_to_be_completed_in_the_form(sheet: Sheet, product: Product) -> None:
    sheet.go(ROWS, "x_name")
    sheet.paste('示例新增一\t1\r\n\t2\r\n"示例新增\n""二"""\t字\r\n110105194912310021\t4')
    sheet.settled()
    assert named(product, "110105194912310021") == 1
    waiting = notice(sheet.page, "mark-new")
    expect(waiting).to_contain_text("有2行未能新增")
    waiting.get_by_role("button", name="在表单中补全").click()
    form = sheet.page.locator(".grid-panel form")
    expect(form.locator("#new-x_count")).to_have_value("2")
    form.locator("#new-x_name").fill("示例新增三")
    form.get_by_role("button", name="添加").click()
    expect(form.locator("#new-x_name")).to_have_value('示例新增\n"二"'.replace("\n", ""))
    form.locator("#new-x_count").fill("3")
    form.get_by_role("button", name="添加").click()
    expect(sheet.page.locator(".grid-panel")).to_be_hidden()
    expect(waiting).to_have_count(0)
    assert named(product, "示例新增%") == 3
    until(sheet.page, f"document.getElementById('grid').app.windows.total === {ROWS + 4}")
    # The rows were read anew, and one is still where one was.
    assert sheet.page.evaluate("document.getElementById('grid').app.table.firstShown") > ROWS - 100


def test_rows_that_are_not_loaded_are_fetched_and_copied_as_excel_reads_them(sheet: Sheet) -> None:
    sheet.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sheet.press("Control+a", "Control+c")
    expect(notice(sheet.page, "brief")).to_contain_text(f"已复制{ROWS * 10}个单元格", timeout=30_000)
    lines = sheet.page.evaluate("() => navigator.clipboard.readText()").splitlines()
    assert (len(lines), lines[-1].split("\t")[0]) == (ROWS, f"示例物资{ROWS}")
    html = sheet.page.evaluate("async () => (await (await navigator.clipboard.read())[0].getType('text/html')).text()")
    assert html.count("<tr>") == ROWS
    assert "mso-number-format" in html


def test_a_date_and_a_moment_are_picked_by_the_keyboard_alone(sheet: Sheet) -> None:
    sheet.go(2, "x_on")
    sheet.page.keyboard.type("2026-1-31")
    sheet.press("Enter")
    sheet.settled()
    sheet.go(2, "x_on")
    sheet.press("Alt+ArrowDown", "PageDown", "ArrowRight", "Enter")
    sheet.settled()
    assert sheet.value(2, "x_on") == "2026-03-01"
    sheet.press("Alt+ArrowDown", "ArrowDown", "Escape")
    assert (sheet.value(2, "x_on"), sheet.state["editing"]) == ("2026-03-01", False)
    sheet.go(2, "x_at")
    sheet.page.keyboard.type("2026-3-1 8:00")
    sheet.press("Enter")
    sheet.settled()
    sheet.go(2, "x_at")
    sheet.press("Alt+ArrowDown", "ArrowRight", "Enter")
    sheet.page.keyboard.type("14:30")
    sheet.press("Enter")
    sheet.settled()
    assert sheet.value(2, "x_at").startswith("2026-03-02T06:30")
    assert sheet.page.evaluate("document.activeElement.className").startswith("grid-sink")


def test_choices_are_searched_and_ticked_and_an_input_method_searches_too(sheet: Sheet) -> None:
    sheet.go(3, "x_sort")
    compose(sheet.page, "f", "fang", word="防")
    expect(sheet.page.locator(".grid-list [role=option]")).to_have_text(["示例防汛"])
    sheet.press("Enter")
    sheet.settled()
    assert sheet.value(3, "x_sort") == "o3"
    sheet.go(3, "x_uses")
    sheet.press("Alt+ArrowDown", "ArrowDown", "Space", "ArrowDown", "Space", "Enter")
    sheet.settled()
    assert sheet.value(3, "x_uses") == ["o1", "o2"]


def test_a_long_text_is_written_in_the_panel_and_sent_once(sheet: Sheet) -> None:
    sheet.go(5, "x_memo")
    sheet.press("Space")
    sheet.page.locator("#panel-x_memo").click()
    sheet.page.keyboard.type("第一行")
    sheet.press("Enter")
    sheet.page.keyboard.type("第二行")
    # A second sending would be refused for the first, and the visitor would complain.
    sheet.press("Escape")
    sheet.settled()
    assert sheet.value(5, "x_memo") == "第一行\n第二行"
    expect(sheet.page.locator(".grid-notice")).to_have_count(0)


def test_columns_are_dragged_and_moved_by_the_keyboard_in_their_list(sheet: Sheet) -> None:
    page = sheet.page
    order = "() => document.getElementById('grid').app.shown.map((one) => one.key)"
    page.locator(".tools .tool", has_text="列").first.click()
    line = page.locator(".column-line")
    start, end = line.nth(1).locator(".column-handle").bounding_box(), line.nth(5).bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 4, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 4, end["y"], steps=4)
    page.mouse.move(start["x"] + 4, end["y"] + end["height"] - 3, steps=3)
    page.mouse.up()
    assert page.evaluate(order)[:6] == ["x_name", "x_price", "x_sort", "x_uses", "x_on", "x_count"]
    page.locator("[data-at=x_ok]").focus()
    sheet.press("Alt+ArrowUp", "Alt+ArrowUp")
    assert page.evaluate(order)[5] == "x_ok"
    expect(page.locator(".tool-hint")).to_have_text("“完好”现为第6列，共10列")
    assert page.evaluate("document.activeElement.dataset.at") == "x_ok"
    page.evaluate("localStorage.clear()")


def test_a_change_of_the_selected_rows_shows_what_becomes_of_the_first(sheet: Sheet, product: Product) -> None:
    sheet.select(1, 3, "x_count")
    pressed(sheet, "批量修改")
    box = sheet.page.locator("dialog.tool-box")
    box.locator("#bulk-x_count").fill("99")
    box.get_by_role("button", name="先预览").click()
    expect(box.locator(".bulk-sample tbody tr")).to_have_count(3)
    expect(box.locator(".bulk-sample tbody tr").first).to_contain_text("示例物资2")
    expect(box.locator(".bulk-sample tbody tr").first.locator("td").last).to_have_text("99")
    box.get_by_role("button", name="修改这些行").click()
    sheet.settled()
    assert [sheet.value(row, "x_count") for row in range(5)] == [1, 99, 99, 99, 5]


def test_ctrl_enter_fills_what_is_selected_and_ctrl_semicolon_writes_the_day(sheet: Sheet) -> None:
    sheet.select(2, 5, "x_sort")
    sheet.page.keyboard.type("抢险")
    sheet.press("Control+Enter")
    until(sheet.page, "document.getElementById('grid').app.windows.row(5).cells.x_sort === 'o2'")
    sheet.settled()
    assert [sheet.value(row, "x_sort") for row in range(2, 6)] == ["o2"] * 4
    assert sheet.state["range"] == {"top": 2, "bottom": 5, "left": 3, "right": 3}
    sheet.press("Control+z")
    sheet.settled()
    assert sheet.value(2, "x_sort") != sheet.value(3, "x_sort")
    sheet.go(2, "x_on")
    sheet.press("Control+;")
    day = sheet.state["typed"]
    sheet.press("Enter")
    sheet.settled()
    assert (len(day), sheet.value(2, "x_on")) == (10, day)


def test_the_handle_repeats_one_value_and_goes_on_with_even_steps(sheet: Sheet) -> None:
    page = sheet.page

    def drag(rows: int) -> None:
        handle = page.locator(".grid-handle").bounding_box()
        assert handle is not None
        page.mouse.move(handle["x"] + 4, handle["y"] + 4)
        page.mouse.down()
        page.mouse.move(handle["x"] + 4, handle["y"] - 10 + 30 * rows, steps=4)
        with page.expect_response(lambda answer: answer.url.endswith("/edits")):
            page.mouse.up()
        sheet.settled()

    sheet.go(1, "x_name")
    drag(3)
    assert [sheet.value(row, "x_name") for row in range(1, 6)] == ["示例物资2"] * 4 + ["示例物资6"]
    sheet.go(1, "x_on")
    sheet.paste("2026-02-15\r\n2026-02-22")
    sheet.settled()
    drag(2)
    assert [sheet.value(row, "x_on") for row in range(1, 5)] == ["2026-02-15", "2026-02-22", "2026-03-01", "2026-03-08"]
    sheet.go(1, "x_price")
    sheet.paste("1.5\r\n3")
    sheet.settled()
    drag(2)
    assert [sheet.value(row, "x_price") for row in range(1, 5)] == [1.5, 3, 4.5, 6]
    sheet.press("Control+z")
    sheet.settled()
    assert [sheet.value(row, "x_price") for row in range(1, 5)] == [1.5, 3, None, None]


def test_a_row_is_numbered_exactly_where_one_came_to_it_without_a_gap(sheet: Sheet) -> None:
    numbers = sheet.page.locator(".grid-row .grid-number")
    for row in (60, 120, 180, 240):
        sheet.go(row, "x_name")
        until(sheet.page, f"document.getElementById('grid').app.windows.row({row})")
    expect(numbers.filter(has_text="241")).to_have_text("241")
    sheet.press("Control+End")
    until(sheet.page, f"document.getElementById('grid').app.windows.row({ROWS - 1})")
    expect(numbers.filter(has_text=str(ROWS))).to_have_text(f"≈{ROWS}")


def bulk(sheet: Sheet, count: str) -> None:
    """Give every row of the sheet this count, having looked at it first."""
    pressed(sheet, "批量修改")
    box = sheet.page.locator("dialog.tool-box")
    box.locator("#bulk-x_count").fill(count)
    box.get_by_role("button", name="先预览").click()
    expect(box.locator(".bulk-told")).to_contain_text(f"将修改{ROWS}行")
    box.get_by_role("button", name="修改这些行").click()


def test_a_change_of_many_rows_is_a_job_that_is_stopped_finished_and_undone(sheet: Sheet, product: Product) -> None:
    counted = """SELECT count(*) FROM own_row r JOIN own_sheet s ON s.id = r.sheet_id
                 WHERE s.code = 'blocks' AND r.extra ->> 'count' = '123'"""
    page = sheet.page
    sheet.go(0, "x_count")
    bulk(sheet, "123")
    notice(page, "long").get_by_role("button", name="取消").click()
    told = notice(page, "bulk")
    expect(told).to_contain_text("已停止", timeout=30_000)
    assert product.one(counted) < ROWS
    sheet.press("Control+z")
    sheet.settled()
    assert product.one(counted) == 0
    bulk(sheet, "123")
    expect(told).to_contain_text("修改完成", timeout=60_000)
    assert product.one(counted) == ROWS
    told.get_by_role("button", name="撤销").click()
    until(page, "document.getElementById('grid').app.edits.waiting === 0", 60)
    assert product.one(counted) == 0
    pressed(sheet, "我的修改")
    expect(page.locator(".grid-past-list li").first).to_contain_text("已撤销")


def test_numbers_and_days_are_pasted_and_typed_as_people_write_them(sheet: Sheet) -> None:
    sheet.page.evaluate(
        """() => { const app = document.getElementById("grid").app;
        app.setColumns(["x_name", "x_count", "x_price", "x_on"].map((key) => ({ key, width: 140 }))); }"""
    )
    sheet.go(0, "x_count")
    block = "(5)\t¥1,200.50\t11-3\r\n12.5％\t1.5万元\t11月3日\r\n1，200\t（3万）\t46329\r\n1,2\t12%\t11.3"
    sheet.paste(block)
    sheet.settled()
    year = sheet.page.evaluate("new Date().getFullYear()")
    held = [[sheet.value(row, key) for key in ("x_count", "x_price", "x_on")] for row in range(3)]
    assert held == [
        [-5, 1200.5, f"{year}-11-03"], [0.125, 15000, f"{year}-11-03"], [1200, -30000, "2026-11-03"],
    ]  # fmt: skip
    assert sheet.state["troubled"] == 3
    assert "11.3" in sheet.page.evaluate("document.getElementById('grid').app.edits.troubled.at(-1).message")
    sheet.go(0, "x_on")
    sheet.page.keyboard.insert_text("2026.3.5")
    sheet.press("Tab")
    sheet.settled()
    assert sheet.value(0, "x_on") == "2026-03-05"


def test_rows_are_typed_in_one_after_the_other_without_waiting(sheet: Sheet, product: Product) -> None:
    sheet.page.evaluate(
        """() => { const app = document.getElementById("grid").app;
        app.setColumns(["x_name", "x_count", "x_price"].map((key) => ({ key, width: 140 }))); }"""
    )
    until(sheet.page, "document.getElementById('grid').app.windows.isCounted")
    sheet.go(ROWS, "x_name")
    for n in range(3):
        for cell in (f"示例录入{n}", str(n + 10)):
            sheet.page.keyboard.insert_text(cell)
            sheet.press("Tab")
        sheet.page.keyboard.insert_text("1.5万")
        sheet.press("Enter")
    assert sheet.place == (ROWS + 3, "x_name")
    until(sheet.page, f"document.getElementById('grid').app.windows.total === {ROWS + 3}")
    sheet.settled()
    until(sheet.page, f"document.getElementById('grid').app.windows.row({ROWS + 2})?.cells.x_price === 15000")
    held = [[sheet.value(ROWS + n, key) for key in ("x_name", "x_count", "x_price")] for n in range(3)]
    assert held == [[f"示例录入{n}", n + 10, 15000] for n in range(3)]
    assert named(product, "示例录入%") == 3
    expect(sheet.page.locator(".grid-panel")).to_be_hidden()
    sheet.go(0, "x_count")
    sheet.press("Shift+ArrowDown", "Shift+ArrowRight", "Control+r")
    sheet.settled()
    assert [sheet.value(row, "x_price") for row in (0, 1)] == [sheet.value(row, "x_count") for row in (0, 1)]
