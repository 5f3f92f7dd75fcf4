"""Number formats as data, such as 民〔{year}〕{class}-{seq:06d} (R4).

A template is text with fields in braces; it is never given to `str.format`, which would follow attributes.
Numbers restart each local year, so every template names the year.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .errors import Invalid

NUMERIC = frozenset({"year", "seq"})
FIELDS = NUMERIC | {"class"}
MAX_LENGTH = 64
MAX_WIDTH = 12
_FIELD = re.compile(r"\{([a-z_]+)(?::0([1-9][0-9]?)d)?\}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: literal text, or a field padded with zeros to `width` digits."""

    text: str
    is_field: bool = False
    width: int = 0


@lru_cache(maxsize=64)
def parse(template: str) -> tuple[Part, ...]:
    """The parts of a template.

    Raises Invalid for field "template": "number.field-unknown", "number.brace-open", "number.format-unknown",
    "number.seq-missing", "number.year-missing", "number.field-twice", "number.too-long".
    """
    parts: list[Part] = []
    end = 0
    for match in _FIELD.finditer(template):
        parts += _literal(template[end : match.start()])
        parts.append(_field(match[1], int(match[2] or 0)))
        end = match.end()
    parts += _literal(template[end:])
    names = [part.text for part in parts if part.is_field]
    for name in ("seq", "year"):
        if name not in names:
            raise Invalid(f"number.{name}-missing", {"template": template}, field="template")
    if len(names) != len(set(names)):
        raise Invalid("number.field-twice", {"template": template}, field="template")
    if sum(max(part.width, 4) if part.is_field else len(part.text) for part in parts) > MAX_LENGTH - 8:
        raise Invalid("number.too-long", {"limit": MAX_LENGTH}, field="template")
    return tuple(parts)


def render(template: str, *, year: int, seq: int, **fields: str) -> str:
    """The number of that template; a sequence wider than its padding simply grows.

    `fields` are the others the template names, `class` today. Raises Invalid("number.field-missing") when one
    is not given, and what `parse` raises.
    """
    values: dict[str, int | str] = {**fields, "year": year, "seq": seq}
    rendered = []
    for part in parse(template):
        if not part.is_field:
            rendered.append(part.text)
        elif values.get(part.text) in (None, ""):
            raise Invalid("number.field-missing", {"field": part.text})
        else:
            rendered.append(str(values[part.text]).zfill(part.width))
    return "".join(rendered)


def pattern(template: str) -> str:
    """A regular expression of every number of that template, with groups `year` and `seq`; plain enough for SQL too.

    A year has four digits, a class is one letter, a sequence has its padding or more digits.
    """
    said = {"year": "([0-9]{4})", "class": "[A-F]"}
    return "".join(
        re.escape(part.text) if not part.is_field else said.get(part.text) or f"([0-9]{{{max(part.width, 1)},}})"
        for part in parse(template)
    )


def read(template: str, number: str) -> tuple[int, int] | None:
    """(year, sequence) of a number of that template; None for a number in another format, or padded otherwise."""
    found = _compiled(template).fullmatch(number)
    if found is None:
        return None
    order = [part for part in parse(template) if part.is_field and part.text in NUMERIC]
    values = dict(zip((part.text for part in order), found.groups(), strict=True))
    width = next(part.width for part in order if part.text == "seq")
    if len(values["seq"]) > max(width, 1) and values["seq"].startswith("0"):
        return None
    return int(values["year"]), int(values["seq"])


def meets(one: str, other: str, *, year: int) -> bool:
    """Whether two templates can give the same number: tried with sequences of every length up to twelve digits."""
    return any(
        read(b, render(a, year=year, seq=seq, **{"class": letter})) is not None
        for a, b in ((one, other), (other, one))
        for digits in range(MAX_WIDTH)
        for seq in (10**digits, 10**digits + 23 % 10**digits if digits else 7)
        for letter in "AF"
    )


@lru_cache(maxsize=64)
def _compiled(template: str) -> re.Pattern[str]:
    return re.compile(pattern(template))


def next_number(last: int | None) -> int:
    """The number after `last` in its series and year; the first is 1. Numbers have no gaps (R4)."""
    return 1 if last is None else last + 1


def _literal(text: str) -> list[Part]:
    if "{" in text or "}" in text:
        known = re.search(r"\{([a-z_]+):", text)
        code = "number.format-unknown" if known else "number.brace-open"
        raise Invalid(code, {"text": text}, field="template")
    if any(not char.isprintable() for char in text):
        raise Invalid("number.not-printable", {"text": text}, field="template")
    return [Part(text)] if text else []


def _field(name: str, width: int) -> Part:
    if name not in FIELDS:
        raise Invalid("number.field-unknown", {"field": name, "known": tuple(sorted(FIELDS))}, field="template")
    if width > MAX_WIDTH or (width and name not in NUMERIC):
        raise Invalid("number.format-unknown", {"field": name}, field="template")
    return Part(name, is_field=True, width=width)
