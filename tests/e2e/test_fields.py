"""A field without code: the system officer adds it, a clerk has it at once in form, page and spreadsheet."""

from __future__ import annotations

import re
from base64 import b64encode

from playwright.sync_api import expect

from tests.bad_files import png
from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.test_grid import Sheet

FIELD = "SELECT id FROM field_definition WHERE code = 'e2e_source'"


def test_a_choice_with_colours_is_there_at_once(visit: Visit, product: Product) -> None:
    officer, clerk = visit("sysadmin"), visit("duty1")
    clerk.open("/intake/F")
    expect(clerk.page.locator("[name=x_e2e_source]")).to_have_count(0)
    page = officer.page
    officer.open("/fields/")
    page.locator("a[href$='/fields/appeals']").first.click()
    page.locator("a[href$='/fields/appeals/new']").first.click()
    page.locator("a[href$='kind=choice']").click()
    page.fill("input[name=label]", "示例线索来源")
    page.fill("input[name=code]", "e2e_source")
    for n, (label, colour) in enumerate((("示例网格员", "green"), ("示例群众", "red"))):
        page.fill(f"input[name=option_{n}]", label)
        page.select_option(f"select[name=colour_{n}]", colour)
    page.locator("form .btn-primary").last.click()
    page.wait_for_url("**/fields/appeals")
    expect(page.locator(".chip", has_text="示例网格员")).to_be_visible()

    clerk.open("/intake/F")
    clerk.page.locator("select[name=x_e2e_source]").select_option(label="示例网格员")
    clerk.page.fill("input[name=subject]", "示例：带自定义字段的来访")
    clerk.page.fill("textarea[name=body]", "示例：自定义字段在表单和表格中。")
    clerk.page.keyboard.press("Control+s")
    clerk.page.wait_for_url(re.compile(r"/appeals/\d+$"))
    expect(clerk.page.locator("dl.kv", has_text="示例线索来源").first).to_contain_text("示例网格员")
    appeal_id = int(clerk.page.url.rsplit("/", 1)[1])
    assert product.one("SELECT extra ->> 'e2e_source' FROM appeal WHERE id = %(id)s", id=appeal_id) == "o1"

    sheet = Sheet(clerk, "appeals")
    shown = clerk.page.evaluate("() => document.getElementById('grid').app.shown.map((one) => one.key)")
    assert "x_e2e_source" in shown
    row = clerk.page.evaluate(
        "(id) => { const { windows } = document.getElementById('grid').app;"
        " for (let n = 0; n < windows.total; n += 1) { if (windows.row(n)?.id === id) return n; } return -1; }",
        appeal_id,
    )
    assert row >= 0
    sheet.go(row, "x_e2e_source")
    assert sheet.state["value"] == "o1"
    expect(clerk.page.get_by_text("示例网格员").first).to_be_visible()

    officer.open("/fields/appeals")
    field_id = product.one(FIELD)
    button = page.locator(f"[action$='/fields/appeals/{field_id}/retire'] button, [data-url$='/{field_id}/retire']")
    button.first.click()
    page.locator("dialog[open] .btn-danger, dialog[open] .btn-primary").first.click()
    expect(page.get_by_text("示例线索来源").first).to_be_visible()
    product.until("SELECT retired_at IS NOT NULL FROM field_definition WHERE code = 'e2e_source'")
    clerk.open("/intake/F")
    expect(clerk.page.locator("[name=x_e2e_source]")).to_have_count(0)
    clerk.open(f"/appeals/{appeal_id}")
    expect(clerk.page.get_by_text("示例线索来源")).to_have_count(0)


DROP = """([key, name]) => {
  const { table, windows } = document.getElementById('grid').app;
  const app = document.getElementById('grid').app;
  const cell = [...document.querySelectorAll('.grid-row .grid-cell')][0].getBoundingClientRect();
  const col = app.shown.findIndex((one) => one.key === key);
  const head = document.querySelector(`.grid-head [aria-colindex="${col + 2}"]`).getBoundingClientRect();
  const data = new DataTransfer();
  const png = Uint8Array.from(atob(name.split('|')[1]), (one) => one.charCodeAt(0));
  data.items.add(new File([png], name.split('|')[0], { type: 'image/png' }));
  const at = { clientX: head.left + 10, clientY: cell.top + 5, dataTransfer: data, bubbles: true, cancelable: true };
  table.pane.dispatchEvent(new DragEvent('drop', at));
}"""
# The answer of the server draws the panel anew while somebody looks for a file in the window of his system.
CHOSEN_LATE = """async ([key, name]) => {
  const { panel, windows } = document.getElementById('grid').app;
  const field = () => document.querySelector(`.grid-panel [data-field=${key}] input[type=file]`);
  await panel.show(windows.row(0));
  const input = field();
  await panel.showFiles(windows.row(0), key);
  const data = new DataTransfer();
  const png = Uint8Array.from(atob(name.split('|')[1]), (one) => one.charCodeAt(0));
  data.items.add(new File([png], name.split('|')[0], { type: 'image/png' }));
  input.files = data.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}"""


def test_files_are_chosen_dropped_on_a_cell_and_taken_out(visit: Visit, product: Product) -> None:
    officer = visit("sysadmin")
    page = officer.page
    officer.open("/fields/units/new?kind=files")
    page.fill("input[name=label]", "示例图纸")
    page.fill("input[name=code]", "e2e_plan")
    page.locator("form .btn-primary").last.click()
    page.wait_for_url("**/fields/units")
    sheet = Sheet(officer, "units")
    sheet.go(0, "x_e2e_plan")
    page.keyboard.press("F2")
    panel = page.locator(".grid-panel")
    chosen = panel.locator("[data-field=x_e2e_plan] input[type=file]")
    chosen.set_input_files({"name": "示例7.png", "mimeType": "image/png", "buffer": png()})
    row = panel.locator("[data-field=x_e2e_plan] .file-row")
    expect(row.locator("a")).to_have_text("示例7.png")
    held = "SELECT count(*) = 1 FROM unit WHERE jsonb_array_length(extra -> 'e2e_plan') = {}"
    product.until(held.format(1))
    page.evaluate(DROP, ["x_e2e_plan", "示例9.png|" + b64encode(png(2)).decode()])
    expect(row).to_have_count(2)
    expect(page.get_by_text("2个文件").first).to_be_visible()
    product.until(held.format(2))
    row.first.get_by_role("button").click()
    expect(row).to_have_count(1)
    expect(page.locator(".grid-cell", has_text="示例9.png").first).to_be_visible()
    product.until(held.format(1))
    panel.get_by_role("button", name="关闭").first.click()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("2个文件").first).to_be_visible()
    product.until(held.format(2))
    page.evaluate(CHOSEN_LATE, ["x_e2e_plan", "示例8.png|" + b64encode(png(3)).decode()])
    expect(row).to_have_count(3)
    product.until(held.format(3))
