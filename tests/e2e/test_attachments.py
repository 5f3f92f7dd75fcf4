"""Files in a browser: dropped into a form, refused in words, kept over an error, looked at, taken out."""

from __future__ import annotations

import base64

from playwright.sync_api import Locator, Page, expect

from tests.bad_files import jpeg, pdf, png, wav
from tests.e2e.conftest import Visit
from tests.e2e.visitor import APPEAL, Visitor

DROP = """([box, name, content]) => {
  const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const kind of ["dragover", "drop"]) {
    box.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried }));
  }
}"""
PASTE = """(content) => {
  const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "image.png", { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: carried }));
}"""


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _drop(page: Page, name: str, content: bytes) -> None:
    page.evaluate(DROP, [page.locator("[data-drop]").element_handle(), name, _text(content)])


def _kept(page: Page) -> Locator:
    return page.locator(".files input[type=hidden][name=attachments]")


def _form(visitor: Visitor) -> Page:
    page = visitor.desk()
    page.locator("a[href$='/intake/A']").first.click()
    page.wait_for_url("**/intake/A")
    channel = page.locator("main [name=channel] option[value]:not([value=''])").first.get_attribute("value")
    visitor.fill(channel=channel or "", subject="示例：附件", body="【示例】随信附照片。")
    return page


def test_files_go_from_the_form_to_the_appeal_and_are_looked_at(visit: Visit) -> None:
    visitor = visit("duty1")
    page = _form(visitor)
    _drop(page, "现场.png", png(1))
    page.evaluate(PASTE, _text(png(2)))
    page.set_input_files("#f-attachments", [{"name": n, "mimeType": "x/y", "buffer": c} for n, c in _FILES])
    expect(_kept(page)).to_have_count(4)
    with visitor.refused():
        _drop(page, "网页.png", b"<html><script>1</script></html>")
        expect(page.locator(".file-row.is-refused")).to_contain_text("不收这类文件")
    page.locator(".is-refused button").click()

    # It comes back with an error: nothing that was chosen is lost.
    with visitor.refused():
        visitor.submit()
    expect(_kept(page)).to_have_count(4)
    page.get_by_role("button", name="移除 录音.wav").click()
    expect(_kept(page)).to_have_count(3)
    expect(page.locator(":focus")).to_have_count(1)
    visitor.fill(appellant_name="示例来电人")
    visitor.submit()
    assert APPEAL.search(page.url), page.url

    # The dialog: by keyboard from picture to picture, larger, and back to where one was.
    first = page.locator("a[data-show-file]").first
    first.focus()
    page.keyboard.press("Enter")
    view = page.locator("dialog.file-view")
    expect(view.locator("img")).to_have_js_property("complete", True)
    page.keyboard.press("+")
    expect(view.locator(".is-zoomed")).to_have_count(1)
    page.keyboard.press("0")
    page.keyboard.press("ArrowRight")
    expect(view.locator("h2")).to_contain_text("截图")
    page.keyboard.press("ArrowRight")
    expect(view.locator("iframe")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(view).to_have_count(0)
    expect(page.locator("a[data-show-file=pdf]")).to_be_focused()

    with page.expect_download() as saved:
        page.get_by_role("link", name="下载来信.pdf").click()
    assert saved.value.suggested_filename == "来信.pdf"
    assert saved.value.path().read_bytes() == pdf()

    page.locator(".file-row", has_text="来信.pdf").get_by_role("button", name="撤下").click()
    page.locator("#dialog-reason").fill("示例：附错")
    with page.expect_navigation():
        page.locator("dialog button[value=ok]").click()
    expect(page.locator(".file-row.is-removed")).to_contain_text("示例：附错")


def test_a_form_sent_while_a_file_travels_waits_for_it(visit: Visit) -> None:
    visitor = visit("duty1")
    page = _form(visitor)
    visitor.fill(appellant_name="示例来电人")
    page.route("**/attachments/?form=*", lambda route: (page.wait_for_timeout(700), route.continue_()))
    _drop(page, "慢.jpg", jpeg())
    visitor.submit()
    expect(page.locator("#attachments .file-row")).to_have_count(1)


def test_a_telephone_shows_and_adds_files(visit: Visit) -> None:
    visitor = visit("duty1", width=390)
    page = _form(visitor)
    visitor.fill(appellant_name="示例来电人")
    visitor.submit()
    page.locator("#attachments a.btn").click()
    page.set_input_files("#f-attachments", [{"name": "手机.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}])
    expect(_kept(page)).to_have_count(1)
    visitor.submit()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("a[data-show-file=image]").click()
    expect(page.locator("dialog.file-view")).to_be_visible()
    assert page.evaluate("document.querySelector('dialog.file-view').getBoundingClientRect().width") <= 390


_FILES = (("来信.pdf", pdf()), ("录音.wav", wav()))
