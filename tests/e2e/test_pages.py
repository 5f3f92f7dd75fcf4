"""Every page that the menus lead to: one language only, no sideways scrolling on a phone, no complaint."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Visit
from tests.e2e.languages import data_of, foreign_words
from tests.e2e.product import ROOT, Product
from tests.e2e.visitor import Visitor

# Together they have every post, function and officer's menu.
READERS = (
    *("sysadmin", "secadmin", "auditadmin", "tangguiping", "wuyongjun", "quehong", "zhaohongkui"),
    *("duty1", "gongfei", "xuyongping", "clerk", "vicemayor", "handlercitymanagement"),
)
# What a reader sees and what is read out to him.
VISIBLE = """() => {
  const parts = [document.title, document.body.innerText];
  for (const e of document.querySelectorAll('[title], [aria-label], [placeholder], [data-confirm], [data-label]')) {
    if (e.closest('[hidden]')) continue;
    for (const name of ['title', 'aria-label', 'placeholder', 'data-confirm', 'data-confirm-ok', 'data-reason'])
      if (e.getAttribute(name)) parts.push(e.getAttribute(name));
  }
  for (const e of document.querySelectorAll('select option')) parts.push(e.textContent);
  return parts.join('\\n');
}"""
# What is shown as another would see it (`inert`) leads nowhere, a file is no page.
LINKS = """() => [...document.querySelectorAll('a[href]:not([download])')].filter(e => !e.closest('[inert]'))
  .map(e => e.getAttribute('href'))"""
# Where both names of a row are shown, its codes and what changed in it.
DICTIONARIES = re.compile(r"/dictionary/|/grid/(?!appeals|ledger|own_)|/audit|/back|/accounts/invitations")
# Links that lead out of the pages: another language, a file, the same page.
ELSEWHERE = re.compile(
    r"^(#|/api/|/lang/|/static/|/logout|mailto:|https?:)|/download$|/export|/preview$|\.(xlsx|docx)\b"
)


def _kind(address: str) -> str:
    """Addresses of one kind differ in numbers and filters only."""
    return re.sub(r"\d+", "N", urlsplit(address).path)


def _tour(visitor: Visitor, seen: set[str]) -> Iterator[str]:
    """Walk every kind of page within reach that was not seen before, this one's menu first."""
    waiting = ["/desk/", "/account/"]
    while waiting:
        address = waiting.pop(0)
        if _kind(address) in seen or ELSEWHERE.search(address):
            continue
        seen.add(_kind(address))
        visitor.open(address)
        yield address
        waiting += [link for link in visitor.page.evaluate(LINKS) if _kind(link) not in seen]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_mixes_the_languages(visit: Visit, product: Product, language: str) -> None:
    usual, dictionaries = data_of(product, language), data_of(product, language, dictionaries=True)
    mixed: list[str] = []
    seen: set[str] = set()
    for username in READERS:
        visitor = visit(username, language=language)
        # The desk differs from post to post.
        seen.discard("/desk/")
        for address in _tour(visitor, seen):
            data = dictionaries if DICTIONARIES.match(address) else usual
            data += visitor.page.evaluate("() => navigator.userAgent")  # the list of one's sessions names it
            if address.startswith("/document-templates/"):
                # What a template writes in braces is a name of the record, the same in every language.
                data += " ".join(visitor.page.locator("code").all_inner_texts())
            words = foreign_words(visitor.page.evaluate(VISIBLE), language, data)
            if words:
                mixed.append(f"{username} {address}: {' '.join(dict.fromkeys(words))}")
        visitor.context.close()
    assert len(seen) > 20, seen
    assert not mixed, "\n".join(mixed)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_a_stranger_sees_is_in_one_language(visit: Visit, product: Product, language: str) -> None:
    visitor = visit("duty1", sign_in=False)
    visitor.open(f"/lang/{language}")
    visitor.open("/login/")
    words = foreign_words(visitor.page.evaluate(VISIBLE), language, "")
    assert not words
    visitor.page.fill("input[name=username]", "nobody")
    visitor.page.fill("input[name=password]", "wrong-Password-1")
    with visitor.refused():
        visitor.page.locator("form[name=login] button[type=submit]").click()
        visitor.page.wait_for_load_state()
    assert not foreign_words(visitor.page.evaluate(VISIBLE), language, "nobody")
    with visitor.refused():
        visitor.open("/no-such-page")
    assert not foreign_words(visitor.page.evaluate(VISIBLE), language, "")


# Whether the page can be pushed aside, and the texts that stick out of it.
OVERFLOW = """() => {
  window.scrollTo(50, 0);
  const pushed = window.scrollX;
  window.scrollTo(0, 0);
  const wide = document.documentElement.clientWidth;
  if (!pushed && document.documentElement.scrollWidth <= wide) return '';
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [], range = document.createRange();
  while (texts.nextNode()) {
    range.selectNodeContents(texts.currentNode);
    const hidden = texts.currentNode.parentElement.closest('thead, [hidden]');
    if (!hidden && range.getBoundingClientRect().right > wide + 1) found.push(texts.currentNode.data.trim());
  }
  return `${document.documentElement.scrollWidth} px: ${found.slice(0, 4).join(' | ')}`;
}"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_phone_shows_every_page_without_sideways_scrolling(visit: Visit, language: str) -> None:
    wide: list[str] = []
    seen: set[str] = set()
    for username in ("duty1", "wuyongjun", "quehong", "tangguiping", "sysadmin"):
        visitor = visit(username, width=390, language=language)
        seen.discard("/desk/")
        for address in _tour(visitor, seen):
            if found := visitor.page.evaluate(OVERFLOW):
                wide.append(f"{username} {address}: {found}")
        visitor.context.close()
    assert not wide, "\n".join(wide)


@pytest.mark.skipif("E2E_SCREENSHOT" not in os.environ, reason="the picture of the README is made when asked for")
def test_the_desk_has_its_portrait_taken(visit: Visit) -> None:
    visitor = visit("tangguiping")
    visitor.page.set_viewport_size({"width": 1280, "height": 800})
    visitor.desk()
    path = Path(ROOT) / "docs" / "screenshot.png"
    visitor.page.screenshot(path=path)
    assert path.stat().st_size < 200_000
