"""A sheet as a spreadsheet in a browser: typing, Chinese from the first key, blocks, conflicts, changes of others."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.visitor import Visitor

KEEPER, LEDGER_KEEPER = "sysadmin", "wuyongjun"
STATE = """() => {
  const { table, shown, windows, editor, edits } = document.getElementById("grid").app;
  const column = shown[table.active.col];
  const row = windows.row(table.active.row);
  return {
    row: table.active.row, col: column.key, id: row && row.id, value: row && row.cells[column.key],
    range: table.range, editing: editor.isOpen, typed: table.sink.value, total: windows.total,
    waiting: edits.waiting, troubled: edits.troubled.length, locked: table.sink.readOnly,
  };
}"""


def until(page: Page, expression: str, seconds: float = 15) -> None:
    """Return when that is true on the page; asked from outside, for the page's policy lets nothing be evaluated."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(f"() => Boolean({expression})"):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


class Sheet:
    """The open spreadsheet of a visitor."""

    def __init__(self, visitor: Visitor, code: str) -> None:
        self.visitor, self.page = visitor, visitor.page
        visitor.open(f"/grid/{code}")
        until(self.page, "document.getElementById('grid').app?.windows.isCounted")
        until(self.page, "document.getElementById('grid').app.windows.row(0)")

    @property
    def state(self) -> dict[str, Any]:
        """Where one is, what is selected, what is open."""
        found: dict[str, Any] = self.page.evaluate(STATE)
        return found

    @property
    def place(self) -> tuple[int, str]:
        """The row and the column one is on."""
        state = self.state
        return state["row"], state["col"]

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def go(self, row: int, column: str) -> None:
        """Be on a cell."""
        self.page.evaluate(
            "([row, key]) => { const { table, shown } = document.getElementById('grid').app;"
            " table.go(row, shown.findIndex((one) => one.key === key)); table.focus(); }",
            [row, column],
        )

    def select(self, top: int, bottom: int, column: str) -> None:
        """Select cells of one column."""
        self.go(top, column)
        self.press(*["Shift+ArrowDown"] * (bottom - top))

    def value(self, row: int, column: str) -> Any:
        """What a cell holds."""
        return self.page.evaluate(
            "([row, key]) => document.getElementById('grid').app.windows.row(row)?.cells[key] ?? null", [row, column]
        )

    def settled(self) -> None:
        """Return when everything that was typed has been answered."""
        until(self.page, "document.getElementById('grid').app.edits.waiting === 0")

    def paste(self, text: str, html: str = "") -> None:
        """As the browser hands over what another program copied."""
        self.page.evaluate(
            """([text, html]) => {
              const data = new DataTransfer();
              data.setData("text/plain", text);
              if (html) data.setData("text/html", html);
              const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
              document.querySelector(".grid-sink").dispatchEvent(event);
            }""",
            [text, html],
        )
        self.page.wait_for_timeout(150)

    def copied(self) -> dict[str, str]:
        """What copying the selection puts on the clipboard."""
        found: dict[str, str] = self.page.evaluate(
            """() => {
              const data = new DataTransfer();
              const event = new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true });
              document.querySelector(".grid-sink").dispatchEvent(event);
              return { text: data.getData("text/plain"), html: data.getData("text/html") };
            }"""
        )
        return found


@pytest.fixture
def people(visit: Visit) -> Sheet:
    """The sheet of people before its keeper."""
    return Sheet(visit(KEEPER), "people")


@pytest.fixture
def ledger(visit: Visit) -> Sheet:
    """The ledger before its administrator."""
    return Sheet(visit(LEDGER_KEEPER), "ledger")


def compose(page: Page, *steps: str, word: str) -> None:
    """What an input method does: keys 229, a growing composition, the word."""
    client = page.context.new_cdp_session(page)
    for step in steps:
        key = {"type": "rawKeyDown", "key": "Process", "code": "KeyN", "windowsVirtualKeyCode": 229}
        client.send("Input.dispatchKeyEvent", key)
        client.send("Input.imeSetComposition", {"text": step, "selectionStart": len(step), "selectionEnd": len(step)})
    client.send("Input.insertText", {"text": word})


def test_an_input_method_opens_the_cell_with_its_first_key_and_undo_takes_the_word_back(people: Sheet) -> None:
    people.go(0, "position")
    before = people.value(0, "position")
    compose(people.page, "s", "sh", "shi", word="示例职务")
    assert (people.state["editing"], people.state["typed"]) == (True, "示例职务")
    people.press("Enter")
    people.settled()
    assert people.value(0, "position") == "示例职务"
    assert people.place == (1, "position")
    people.press("Control+z")
    people.settled()
    assert people.value(0, "position") == before
    people.press("Control+y")
    people.settled()
    assert people.value(0, "position") == "示例职务"


def test_the_keyboard_walks_selects_and_opens_as_in_excel(ledger: Sheet) -> None:
    last = ledger.state["total"] - 1
    first, columns = "number", ledger.page.evaluate("document.getElementById('grid').app.shown.map(c => c.key)")
    ledger.go(0, first)
    ledger.press("ArrowDown", "ArrowRight", "Tab", "Enter")
    assert ledger.place == (2, columns[1])  # back to where the run of tabs began, a line below
    ledger.press("Tab", "Shift+Tab", "Shift+Enter")
    assert ledger.place == (1, columns[1])
    ledger.press("End")
    assert ledger.place == (1, columns[-1])
    ledger.press("Control+End")
    assert ledger.place == (last, columns[-1])
    ledger.press("Control+Home", "PageDown")
    assert ledger.state["row"] > 5
    ledger.press("Home", "Control+Home", "Shift+ArrowDown", "Shift+ArrowRight")
    assert ledger.state["range"] == {"top": 0, "bottom": 1, "left": 0, "right": 1}
    ledger.press("Control+a")
    assert ledger.state["range"] == {"top": 0, "bottom": last, "left": 0, "right": len(columns) - 1}
    ledger.go(0, "subject")
    ledger.press("F2")
    assert ledger.state["typed"] == ledger.value(0, "subject")
    ledger.press("Escape")
    assert not ledger.state["editing"]
    ledger.press("Space")
    expect(ledger.page.locator(".grid-panel h2")).to_have_text(ledger.value(0, "number"))
    ledger.press("Escape")
    expect(ledger.page.locator(".grid-panel")).to_be_hidden()
    assert ledger.page.evaluate("document.activeElement.className").startswith("grid-sink")


def test_where_nobody_types_the_first_key_says_so(ledger: Sheet) -> None:
    ledger.go(0, "state")
    assert ledger.state["locked"]
    ledger.press("x")
    assert not ledger.state["editing"]
    expect(ledger.page.locator(".toast").last).to_contain_text("由诉求办理步骤填写")


def test_a_block_is_pasted_with_its_errors_on_their_cells(people: Sheet) -> None:
    long = "110105194912310021"
    people.go(2, "position")
    people.paste(f'"示例一\n二"\t是\r\n{long}\t也许\r\n示例三\t是\r\n')
    people.settled()
    assert people.value(3, "position") != long  # its row was refused for the word beside it
    assert (people.value(4, "position"), people.value(4, "active")) == ("示例三", True)
    assert people.state["range"] == {"top": 2, "bottom": 4, "left": 2, "right": 3}
    assert people.state["troubled"] == 2
    expect(people.page.locator(".grid-cell.is-problem")).to_have_count(2)
    notice = people.page.locator("[data-notice^='mark-']")
    expect(notice).to_have_count(1)
    notice.get_by_role("button", name="放弃").click()
    # Without the word that was refused, what waited for it is written.
    people.settled()
    assert people.value(3, "position") == long
    assert people.state["troubled"] == 0


def test_one_value_fills_a_range_and_a_table_with_merged_cells_keeps_its_shape(people: Sheet) -> None:
    people.select(6, 8, "position")
    people.paste("示例同职")
    people.settled()
    assert [people.value(row, "position") for row in (6, 7, 8)] == ["示例同职"] * 3
    merged = "<table><tr><td rowspan=2>示例合并</td><td>是</td></tr><tr><td>是</td></tr></table>"
    people.go(9, "position")
    people.paste("", merged)
    people.settled()
    assert (people.value(9, "position"), people.value(10, "position") or "") == ("示例合并", "")
    people.press("Control+z")
    people.settled()
    assert people.value(9, "position") != "示例合并"


def test_ctrl_d_fills_down_delete_clears_and_one_undo_takes_each_back(people: Sheet) -> None:
    people.go(10, "position")
    people.paste("示例填充")
    people.settled()
    before = [people.value(row, "position") for row in range(10, 14)]
    people.select(10, 13, "position")
    people.press("Control+d")
    people.page.wait_for_timeout(200)
    people.settled()
    assert [people.value(row, "position") for row in range(10, 14)] == [before[0]] * 4
    people.press("Delete")
    people.page.wait_for_timeout(200)
    people.settled()
    assert [people.value(row, "position") or "" for row in range(10, 14)] == [""] * 4
    people.press("Control+z")
    people.settled()
    people.press("Control+z")
    people.settled()
    until(people.page, "document.getElementById('grid').app.windows.row(13)")
    assert [people.value(row, "position") for row in range(10, 14)] == before


def test_what_is_copied_is_what_excel_reads(people: Sheet) -> None:
    people.select(0, 1, "name")
    people.press("Shift+ArrowRight")
    copied = people.copied()
    lines = copied["text"].split("\r\n")
    assert [len(line.split("\t")) for line in lines] == [2, 2]
    assert lines[0].split("\t")[0] == people.value(0, "name")
    assert copied["html"].count("<tr>") == 2
    assert "mso-number-format" in copied["html"]


def test_two_people_in_one_cell_see_both_values_and_choose(visit: Visit) -> None:
    one, other = Sheet(visit(KEEPER), "people"), Sheet(visit(KEEPER), "people")
    one.go(15, "position")
    other.go(15, "position")
    one.press("F2")
    one.page.keyboard.insert_text("甲")
    other.press("x")
    other.page.keyboard.insert_text("示例乙")
    other.press("Enter")
    other.settled()
    theirs = other.value(15, "position")
    with one.visitor.refused():
        one.press("Enter")
        one.settled()
    notice = one.page.locator(".grid-notice.is-danger")
    expect(notice).to_contain_text(theirs)
    expect(notice).to_contain_text("甲")
    notice.get_by_role("button", name="保留我的").click()
    one.page.wait_for_timeout(100)
    one.settled()
    assert str(one.value(15, "position")).endswith("甲")
    expect(one.page.locator(".grid-notice.is-danger")).to_have_count(0)


def test_changes_of_others_appear_within_three_seconds_and_the_place_stays(visit: Visit, product: Product) -> None:
    watcher, writer = Sheet(visit(KEEPER), "people"), Sheet(visit(KEEPER), "people")
    watcher.go(18, "name")
    writer.go(17, "position")
    writer.press("x")
    writer.page.keyboard.insert_text("示例新职")
    writer.press("Enter")
    writer.settled()
    written, began = writer.value(17, "position"), time.monotonic()
    until(
        watcher.page,
        f"document.getElementById('grid').app.windows.row(17).cells.position === {json.dumps(written)}",
        seconds=3,
    )
    assert time.monotonic() - began < 3
    assert watcher.place == (18, "name")


def test_a_choice_and_a_reference_open_with_their_lists(people: Sheet, visit: Visit) -> None:
    people.go(20, "unit")
    people.press("Alt+ArrowDown")
    expect(people.page.locator(".grid-list [role=option]").first).to_be_visible()
    label = people.page.locator(".grid-list [role=option]").nth(1).inner_text()
    people.page.locator(".grid-list [role=option]").nth(1).click()
    people.settled()
    assert people.value(20, "unit")[1] == label
    channels = Sheet(visit(KEEPER), "channels")
    channels.go(0, "active")
    channels.press("n")
    expect(channels.page.locator(".grid-list [role=option]").first).to_have_text("否")
    channels.press("Escape")


def test_found_words_are_marked_and_the_server_searches_all_rows(ledger: Sheet) -> None:
    word = str(ledger.value(3, "number"))
    ledger.press("Control+f")
    ledger.page.keyboard.insert_text(word)
    ledger.press("Enter")
    assert ledger.state["row"] == 3
    ledger.press("Control+Enter")
    until(ledger.page, "document.getElementById('grid').app.windows.total === 1")
    expect(ledger.page.locator(".grid-find")).to_contain_text("找到1个")
    ledger.press("Enter")
    expect(ledger.page.locator(".grid-find")).to_contain_text("第1个，共1个")
    ledger.press("Escape")
    # Finding hides no row for longer than it lasts.
    until(ledger.page, "document.getElementById('grid').app.windows.total > 1")


def test_columns_are_hidden_moved_and_frozen_from_the_keyboard(ledger: Sheet) -> None:
    ledger.go(0, "state")
    ledger.press("Shift+F10")
    ledger.page.get_by_role("menuitem", name="“状态”列").click()
    ledger.page.get_by_role("menuitem", name="隐藏此列").click()
    shown = ledger.page.evaluate("document.getElementById('grid').app.shown.map(c => c.key)")
    assert "state" not in shown
    ledger.page.reload()
    until(ledger.page, "document.getElementById('grid').app?.windows.row(0)")
    assert "state" not in ledger.page.evaluate("document.getElementById('grid').app.shown.map(c => c.key)")
    ledger.page.evaluate("localStorage.clear()")


def test_on_a_telephone_the_rows_are_cards_that_open(visit: Visit) -> None:
    visitor = visit(LEDGER_KEEPER, width=390)
    visitor.open("/grid/ledger")
    cards = visitor.page.locator(".grid-card")
    expect(cards.first).to_be_visible()
    assert cards.count() >= 20
    wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0
    title = cards.first.locator("b").inner_text()
    cards.first.click()
    expect(visitor.page.locator(".grid-panel h2")).to_have_text(title)
    visitor.page.locator(".grid-panel").get_by_role("button", name="关闭").click()
    expect(visitor.page.locator(".grid-panel")).to_be_hidden()


def pressed(sheet: Sheet, name: str, **where: Any) -> None:
    """Click the button of that name."""
    sheet.page.get_by_role("button", name=name, exact=True, **where).click()


def positions(sheet: Sheet) -> list[Any]:
    """What the first rows hold."""
    return [sheet.value(row, "position") for row in range(3)]


def test_many_rows_are_changed_at_once_and_taken_back_after_the_page_was_loaded_anew(people: Sheet) -> None:
    before = positions(people)
    people.go(0, "position")
    pressed(people, "批量修改")
    box = people.page.locator("dialog.tool-box")
    expect(box.get_by_role("button", name="修改这些行")).to_be_disabled()
    box.locator("#bulk-position").fill("示例批量职务")
    box.get_by_role("button", name="先预览").click()
    expect(box.locator(".bulk-told")).to_contain_text(f"将修改{people.state['total']}行")
    expect(box.locator(".bulk-sample tbody tr").first).to_contain_text("示例批量职务")
    assert positions(people) == before
    box.get_by_role("button", name="修改这些行").click()
    expect(people.page.locator('[data-notice="bulk"]')).to_contain_text("修改完成")
    until(people.page, "document.getElementById('grid').app.windows.row(0)?.cells.position === '示例批量职务'")
    people = Sheet(people.visitor, "people")
    people.press("Control+z")
    people.settled()
    until(people.page, "document.getElementById('grid').app.windows.row(0)?.cells.position !== '示例批量职务'")
    assert positions(people) == before
    pressed(people, "我的修改")
    expect(people.page.locator(".grid-past-list li").first).to_contain_text("已撤销")


def test_a_deleted_row_is_in_the_trash_and_comes_back(visit: Visit) -> None:
    reminders = Sheet(visit(KEEPER), "reminders")
    reminders.go(1, "name")
    called = reminders.value(1, "name")
    reminders.press("Shift+F10")
    reminders.page.get_by_role("menuitem", name="删除此行").click()
    expect(reminders.page.locator('[data-notice="removed"]')).to_be_visible()
    until(reminders.page, "document.getElementById('grid').app.windows.row(1)?.cells.active === false")
    page = reminders.page
    page.get_by_role("link", name="回收站").click()
    page.get_by_role("searchbox", name="在回收站中查找").fill(called)
    page.get_by_role("searchbox", name="在回收站中查找").press("Enter")
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.get_by_role("button", name="恢复").click()
    expect(page.locator("main")).to_contain_text("回收站是空的")
    reminders = Sheet(reminders.visitor, "reminders")
    assert (reminders.value(1, "name"), reminders.value(1, "active")) == (called, True)
