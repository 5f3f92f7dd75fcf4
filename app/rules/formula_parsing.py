"""Formulas as written: from what somebody who knows Excel types to a tree of constants, columns and calls.

`{code}` is a column, a text stands in double quotes (doubled inside it), names are read in any case, and the
punctuation of a Chinese input method reads as the plain one. Nothing is ever evaluated here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from .errors import Invalid

LONGEST, DEEPEST = 2_000, 30
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text or a truth written out; `at` is where it begins, counted from 1."""

    value: Decimal | str | bool
    at: int


@dataclass(frozen=True, slots=True)
class Field:
    """A column by its code."""

    code: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name in capitals, or an operator by its sign; a sign before a value is `-1`."""

    name: str
    arguments: tuple[Written, ...]
    at: int
    depth: int = field(default=1, compare=False)


Written: TypeAlias = Constant | Field | Call

_FORMS = {ord("０") + n: str(n) for n in range(10)} | {
    ord(written): plain
    for written, plain in zip("，（）｛｝＋－−＊×／÷＆＝＜＞．\u3000\u00a0", ",(){}+--**//&=<>.  ", strict=True)
}
_SIGNS = MappingProxyType({"≤": "<=", "≥": ">=", "≠": "<>"})
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
      | (?P<text>"(?:[^"]|"")*"|[“”][^“”]*[“”])
      | (?P<field>\{[^{}"]*\})
      | (?P<name>[^\W\d]\w*)
      | (?P<sign><>|<=|>=|[-+*/&=<>(),≤≥≠])""",
    re.VERBOSE,
)
_NEVER_STORED = re.compile("[\x00\ud800-\udfff]")
_COMPARES = ("=", "<>", "<", "<=", ">", ">=")
_BINDS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(_COMPARES, 1) | {"&": 2, "+": 3, "-": 3, "*": 4, "/": 4}
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, text, field, name, sign or end
    text: str
    start: int
    end: int

    @property
    def at(self) -> int:
        return self.start + 1


def written(text: str) -> Written:
    """The tree of a formula; a leading `=` may stand there. What columns and functions there are is not asked.

    Raises Invalid at "formula": "formula.empty", "formula.too-long", "formula.too-deep", "formula.unclosed" and
    "formula.unexpected", each with `at`, the position counted from 1.
    """
    return _Reader(list(_tokens(text))).whole()


def used(text: str) -> frozenset[str]:
    """The codes of the columns a formula names. Raises like `written` for signs that mean nothing."""
    return frozenset(token.text for token in _tokens(text) if token.kind == "field")


def rename(text: str, old: str, new: str) -> str:
    """The formula with `{old}` written `{new}`, everything else as it was: texts in quotes too."""
    pieces, before = [], 0
    for token in _tokens(text):
        if token.kind == "field" and token.text == old:
            pieces += [text[before : token.start], f"{{{new}}}"]
            before = token.end
    return "".join([*pieces, text[before:]])


def _tokens(text: str) -> Iterator[_Token]:
    if len(text) > LONGEST:
        raise Invalid("formula.too-long", {"at": LONGEST + 1, "length": len(text), "limit": LONGEST}, field="formula")
    if found := _NEVER_STORED.search(text):
        raise Invalid("formula.unexpected", {"at": found.start() + 1, "text": "�"}, field="formula")
    plain, at = text.translate(_FORMS), 0
    while at < len(plain):
        match = _TOKEN.match(plain, at)
        if match is None:
            raise _unreadable(text, plain, at)
        kind = str(match.lastgroup)
        if kind != "space":
            yield _token(kind, text, match)
        at = match.end()
    yield _Token("end", "", len(text), len(text))


def _unreadable(text: str, plain: str, at: int) -> Invalid:
    if plain[at] in '"{“”':
        return Invalid("formula.unclosed", {"at": at + 1, "text": text[at]}, field="formula")
    return Invalid("formula.unexpected", {"at": at + 1, "text": text[at]}, field="formula")


def _token(kind: str, text: str, match: re.Match[str]) -> _Token:
    start, end = match.span()
    said = match.group()
    if kind == "text":
        said = text[start + 1 : end - 1]
        said = said.replace('""', '"') if text[start] == '"' else said
    elif kind == "field":
        said = said[1:-1].strip().lower()
    elif kind == "name":
        said = said.upper()
    return _Token(kind, _SIGNS.get(said, said) if kind == "sign" else said, start, end)


class _Reader:
    """Reads tokens by the binding strength of operators, as Excel has it."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._level = 0

    def whole(self) -> Written:
        if self._is_sign("="):
            self._take()
        if self._here.kind == "end":
            raise Invalid("formula.empty", {"at": self._here.at}, field="formula")
        found = self._expression(1)
        if self._here.kind != "end":
            raise self._unexpected()
        return found

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._here
        self._next += 1
        return token

    def _is_sign(self, *signs: str) -> bool:
        return self._here.kind == "sign" and self._here.text in signs

    def _unexpected(self) -> Invalid:
        token = self._here
        return Invalid("formula.unexpected", {"at": token.at, "text": token.text or "…"}, field="formula")

    def _expression(self, least: int) -> Written:
        left = self._signed()
        while self._here.kind == "sign" and (strength := _BINDS.get(self._here.text, 0)) >= least:
            token = self._take()
            right = self._expression(strength + 1)
            if token.text == "&" and isinstance(left, Call) and left.name == "&":
                # A letter is joined of many parts: they stand beside each other, not inside each other.
                left = self._call("&", (*left.arguments, right), left.at)
            else:
                left = self._call(token.text, (left, right), token.at)
        return left

    def _signed(self) -> Written:
        if self._is_sign("-", "+"):
            token = self._take()
            operand = self._nested(token, self._signed)
            return self._call("-1", (operand,), token.at) if token.text == "-" else operand
        return self._value()

    def _value(self) -> Written:
        token = self._here
        if token.kind == "number":
            return self._number()
        if token.kind == "text":
            return Constant(self._take().text, token.at)
        if token.kind == "field":
            return Field(self._take().text, token.at)
        if token.kind == "name":
            return self._named()
        if self._is_sign("("):
            self._take()
            found = self._nested(token, lambda: self._expression(1))
            self._close(token)
            return found
        raise self._unexpected()

    def _number(self) -> Written:
        token = self._take()
        whole, _, decimals = token.text.partition(".")
        if max(len(whole.lstrip("0")), len(decimals)) > _MOST_DIGITS:
            raise Invalid("formula.unexpected", {"at": token.at, "text": token.text[:40]}, field="formula")
        return Constant(Decimal(token.text), token.at)

    def _named(self) -> Written:
        token = self._take()
        if not self._is_sign("("):
            if token.text in ("TRUE", "FALSE"):
                return Constant(token.text == "TRUE", token.at)
            self._next -= 1
            raise self._unexpected()
        opening = self._take()
        arguments: list[Written] = []
        if not self._is_sign(")"):
            arguments.append(self._nested(opening, lambda: self._expression(1)))
            while self._is_sign(","):
                self._take()
                arguments.append(self._nested(opening, lambda: self._expression(1)))
        self._close(opening)
        return self._call(token.text, tuple(arguments), token.at)

    def _nested(self, token: _Token, read: Callable[[], Written]) -> Written:
        self._level += 1
        if self._level > DEEPEST:
            raise Invalid("formula.too-deep", {"at": token.at, "limit": DEEPEST}, field="formula")
        found = read()
        self._level -= 1
        return found

    def _close(self, opening: _Token) -> None:
        if self._is_sign(")"):
            self._take()
        elif self._here.kind == "end":
            raise Invalid("formula.unclosed", {"at": opening.at, "text": "("}, field="formula")
        else:
            raise self._unexpected()

    def _call(self, name: str, arguments: tuple[Written, ...], at: int) -> Call:
        depth = 1 + max((one.depth for one in arguments if isinstance(one, Call)), default=0)
        if depth > DEEPEST:
            raise Invalid("formula.too-deep", {"at": at, "limit": DEEPEST}, field="formula")
        return Call(name, arguments, at, depth)
