"""Every page in both languages: no English word on a Chinese page, no Chinese character on an English one.

What people wrote (names, appeals) stays as it was written, and 示例 marks what is fictional in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.routing import BuildError

from app.models import Assumption, DispatchEntry, Model, Person, Unit, db
from tests.test_access import HEADERS, ROLES, URL, World, _address, _declared, _expected, _rules, world

__all__ = ["world"]  # the fixture

SPOKEN = {"title", "aria-label", "placeholder", "alt", "data-label", "data-confirm", "data-confirm-ok", "data-help"}
BUSY = ("registrar", "duty_director", "supervisor", "handler_own", "system")
DICTIONARY = re.compile(r"/dictionary/\w+/(show|edit|history)/|/dictionary/(assumptions|dispatch)/")
SILENT = {"script", "style", "svg", "code", "kbd"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
CJK = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]+")
LATIN = re.compile(r"[A-Za-z]{2,}")
# Names of formats and keys, examples to type, the other language's own name.
LATIN_IN_CHINESE = re.compile(
    r"(?<![A-Za-z])(English|EN|Excel|Word|docx|xlsx|Sheet\d+|SHA|JSON|IP|Wi|Fi|Bytes?|kB|KB|MB|Alt|Ctrl|Enter|Esc|Tab|qwert)(?![A-Za-z])"
    r"|(?<![A-Za-z])(test_\d+|user\d+|sysadmin|secadmin|auditadmin)(?![A-Za-z])"
    r'|示例\w*\.png|[\w.-]+@[\w.-]+|"[a-z_]+"|\{[^}]*\}'
)
# Formats of numbers, titles of the workbook handed in, what the tests write (it begins with 示例) and the masked
# beginning of such a name, the product's and the language's name.
CHINESE_IN_ENGLISH = re.compile(r"[民史处送导通人变交定岗]+〔[^〕]*〕|留言\w+|示例[^\s·]*|示\*+|简体中文|民声直通车")


class Words(HTMLParser):
    """What a page says: its texts and the attributes that are read out or shown, decoration apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID and (self._silent or tag in SILENT or given.get("aria-hidden") == "true"):
            self._silent.append(tag)
        if not self._silent:
            shown = SPOKEN | ({"value"} if tag == "input" and given.get("type") == "submit" else set())
            self.said += [value for name, value in attrs if value and name in shown]

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.said.append(" ".join(data.split()))


def _pages(app: Flask, world: World, locale: str) -> Iterator[tuple[str, str, str]]:
    """(address, role, page) of each page, read by the first role that may and by those whose pages hold most."""
    for rule, method in _rules(app):
        entry = _declared(rule.endpoint, method)
        if method != "GET" or entry is None or "static" in rule.endpoint:
            continue
        try:
            address = _address(app, rule, world, entry)
        except BuildError:
            continue  # a page about a row of which there is none
        may = [role for role in ROLES if _expected(entry, role) == 200]
        for role in dict.fromkeys([*may[:1], *(role for role in BUSY if role in may)]):
            mark = "&" if "?" in address else "?"
            answer = world.browser(role).get(f"{address}{mark}_l_={locale}", base_url=URL, headers=HEADERS)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                yield address, role, answer.text


def _people() -> set[str]:
    """Names of people and accounts, in both languages."""
    names = {name for person in db.session.scalars(select(Person)) for name in (person.name, person.name_en)}
    return names | {name for user in db.session.scalars(select(User)) for name in (user.first_name, user.last_name)}


def _twins() -> set[str]:
    """Rows of the dictionaries hold both languages side by side; whoever keeps them sees both."""
    found: set[str] = set(db.session.scalars(select(Unit.short_name)))
    # What the catalogue looks for in appeals is in the language of the appeals.
    for texts in db.session.execute(select(DispatchEntry.place, DispatchEntry.keywords, DispatchEntry.basis)):
        found |= {text for text in texts if text}
    for table in Model.metadata.sorted_tables:
        pairs = [(column, table.columns.get(f"{column.name}_en")) for column in table.columns]
        for pair in pairs:
            if pair[1] is not None:
                found |= {text for row in db.session.execute(select(*pair)) for text in row if text}
    # Phrases stand in both languages side by side too.
    values = [one for one in db.session.scalars(select(Assumption.value)) if isinstance(one, list)]
    return found | {str(text) for value in values for one in value if isinstance(one, dict) for text in one.values()}


def _found(app: Flask, world: World, locale: str, kept: re.Pattern[str], wrong: re.Pattern[str]) -> set[str]:
    people, rows = _any_of(_people()), _any_of(_people() | _twins())
    return {
        f"{address} as {role}: {said}"
        for address, role, page in _pages(app, world, locale)
        for said in Words(page).said
        if wrong.search(kept.sub(" ", (rows if DICTIONARY.match(address) else people).sub(" ", said)))
    }


def _any_of(texts: set[str]) -> re.Pattern[str]:
    """The longest first, so that no part of one is left; lines as the reader of pages joins them."""
    return re.compile(
        "|".join(re.escape(" ".join(text.split())) for text in sorted(texts - {""}, key=len, reverse=True))
    )


def test_chinese_pages_hold_no_english(app: Flask, world: World) -> None:
    found = _found(app, world, "zh", LATIN_IN_CHINESE, LATIN)
    assert not found, "\n".join(sorted(found))


def test_english_pages_hold_no_chinese(app: Flask, world: World) -> None:
    found = _found(app, world, "en", CHINESE_IN_ENGLISH, CJK)
    assert not found, "\n".join(sorted(found))


def test_most_pages_are_read(app: Flask, world: World) -> None:
    assert len(list(_pages(app, world, "en"))) >= 30
