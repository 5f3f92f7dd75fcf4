"""A quarter is compiled behind the page, stored, listed, downloaded; twice the same data are the same file."""

from __future__ import annotations

import hashlib
import re
from io import BytesIO

from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

from tests.e2e.conftest import Visit
from tests.e2e.product import Product
from tests.e2e.visitor import Visitor


def _compile(editor: Visitor, product: Product, quarter: str) -> int:
    page = editor.page
    editor.open("/reports/")
    page.locator("select[name=quarter]").select_option(quarter)
    with page.expect_navigation():
        page.locator("form[action$='/compile'] button").click()
    page.wait_for_url(re.compile(r"/reports/\d+$"))
    report = int(page.url.rsplit("/", 1)[1])
    expect(page.locator(f"a[href='/reports/{report}/download']")).to_be_visible(timeout=120_000)
    assert product.one("SELECT state FROM report WHERE id = %(id)s", id=report) == "ready"
    return report


def _download(visitor: Visitor, report: int) -> bytes:
    visitor.open("/reports/")
    with visitor.page.expect_download() as waited:
        visitor.page.locator(f"a[href='/reports/{report}/download']").click()
    assert waited.value.suggested_filename.endswith(".xlsx")
    return waited.value.path().read_bytes()


def test_a_quarter_is_compiled_and_downloaded(visit: Visit, product: Product) -> None:
    editor = visit("tangguiping")
    editor.open("/reports/")
    # Not the running quarter: other tests go on adding to it.
    quarter = editor.page.locator("select[name=quarter] option").nth(1).get_attribute("value")
    assert quarter is not None
    first = _compile(editor, product, quarter)
    content = _download(editor, first)
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    assert len(book.sheet_names) >= 5
    again = _compile(editor, product, quarter)
    assert again != first
    assert hashlib.sha256(_download(editor, again)).digest() == hashlib.sha256(content).digest()

    # Who may read reports downloads the same file; the notice waits in the inbox of whoever asked.
    supervisor = visit("quehong")
    assert _download(supervisor, first) == content
    product.until("SELECT count(*) FROM notice WHERE kind = 'task.done'", 60)
    editor.open("/inbox/")
    assert editor.page.locator("main tbody tr").count() >= 1
