"""The staffing table goes out as a workbook, one cell is edited, it comes in again, is carried out and undone."""

from __future__ import annotations

import re
from pathlib import Path

import xlsxwriter
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

from tests.e2e.conftest import Visit

POST, NEWCOMER = "工作简报、通报编辑", "示例新手"


def _download(page: Page, path: Path) -> None:
    page.goto("/staffing-table/")
    page.locator("form[action$='/export/xlsx'] button").click()
    page.fill("#dialog-reason", "示例：修订定岗定员表")
    with page.expect_download() as download:
        page.locator("dialog button[value=ok]").click()
    download.value.save_as(path)


def _edit(path: Path, edited: Path) -> str:
    """The same table with another B; who stood there before."""
    rows = [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()]
    row = next(row for row in rows if row[0] == POST)
    before, row[5] = row[5].split("\n")[0], f"{NEWCOMER}\n13800000001"
    with xlsxwriter.Workbook(edited) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            sheet.write_row(number, 0, cells)
    return before


def _hand_in(page: Page, path: Path) -> None:
    page.goto("/staffing-table/uploads/")
    page.set_input_files("#f-file", path)
    page.locator("form[enctype] button[type=submit]").click()
    page.wait_for_url(re.compile(r"/uploads/\d+$"))


def _confirm(page: Page, button: str) -> None:
    page.locator(button).click()
    with page.expect_navigation():
        page.locator("dialog button[value=ok]").click()


def test_out_edited_in_carried_out_undone(visit: Visit, tmp_path: Path) -> None:
    system = visit("sysadmin")
    page = system.page
    exported, edited = tmp_path / "导出.xlsx", tmp_path / "修改.xlsx"
    _download(page, exported)
    _hand_in(page, exported)
    expect(page.locator(".note.is-ok")).to_contain_text("没有差异")

    before = _edit(exported, edited)
    _hand_in(page, edited)
    upload = page.url
    row = page.locator("tr", has_text=POST)
    expect(row).to_contain_text(before)
    expect(row).to_contain_text(NEWCOMER)
    assert "13800000001" not in page.content()
    page.fill("#f-reason", "示例：人员调整")
    _confirm(page, "button[formaction$='/apply']")
    page.goto("/staffing-table/")
    expect(page.locator("tr", has_text=POST)).to_contain_text(NEWCOMER)

    page.goto(upload)
    _confirm(page, "form[action$='/undo'] button")
    page.goto("/staffing-table/")
    expect(page.locator("tr", has_text=POST)).not_to_contain_text(NEWCOMER)
    expect(page.locator("tr", has_text=POST)).to_contain_text(before)
