"""The kinds of values a column of a sheet holds, and how a value of a field made at run time is read, kept and shown.

Values are kept as JSON: text as text, numbers and money as numbers, a date as `2026-11-25`, a moment in UTC as
`2026-11-25T08:00:00.000000Z`, a choice by its code, a row of another sheet by its id. Written so, dates and moments
sort as text does, and an index may stand on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from . import written_numbers
from .errors import Invalid
from .fields import clean_text, read_moment
from .written_numbers import YUAN, Unit, unit_of


class ValueKind(StrEnum):
    """What a column holds. The last three are computed, never written."""

    TEXT = "text"
    LONG = "long"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    MOMENT = "moment"
    BOOL = "bool"
    CHOICE = "choice"
    CHOICES = "choices"
    PERSON = "person"
    UNIT = "unit"
    POST = "post"
    FILES = "files"
    LINK = "link"  # a row of another sheet
    LOOKUP = "lookup"
    ROLLUP = "rollup"
    FORMULA = "formula"


COMPUTED = frozenset({ValueKind.LOOKUP, ValueKind.ROLLUP, ValueKind.FORMULA})
REFERENCES = frozenset({ValueKind.PERSON, ValueKind.UNIT, ValueKind.POST, ValueKind.LINK})
TEXTS = frozenset({ValueKind.TEXT, ValueKind.LONG})
NUMBERS = frozenset({ValueKind.NUMBER, ValueKind.MONEY})
TIMES = frozenset({ValueKind.DATE, ValueKind.MOMENT})

LONGEST_TEXT, LONGEST_LONG = 500, 20_000
MOST_DIGITS, DECIMALS = 15, 6
COLOURS = ("grey", "red", "orange", "yellow", "green", "teal", "blue", "purple")


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a field: kept by its code, shown by its label in its colour."""

    code: str
    label: str
    label_en: str = ""
    colour: str = "grey"
    active: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must satisfy beyond its kind; None asks nothing."""

    least: Decimal | str | None = None
    most: Decimal | str | None = None
    longest: int | None = None
    mask: str = ""  # `#` a digit, `@` a letter, `?` one character, `*` anything (twice at most); the rest as written
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """What a field is as far as reading a value goes. `labels`: its names, which say in what unit it counts; `today`:
    the office's day, without which no day is read that names no year.
    """

    name: str
    kind: ValueKind
    required: bool = False
    options: Sequence[Option] = ()
    rule: Rule = field(default_factory=Rule)
    labels: tuple[str, ...] = ()
    today: date | None = None


_YES = frozenset({"1", "true", "yes", "y", "on", "t", "是", "真", "有", "√", "✓"})
_NO = frozenset({"0", "false", "no", "n", "off", "f", "否", "假", "无", "×", "✗"})
_SEPARATORS = re.compile(r"[,，、;；|\n]+")


def read(spec: Value, raw: object, zone: tzinfo) -> Any:
    """The value to keep of what somebody typed, pasted or sent; None for nothing.

    A typed value passes through. Rows of other sheets are read as ids here; that they exist is the caller's
    business. Raises Invalid at the field: "field.required", "field.too-long", "field.too-small", "field.too-large",
    "field.choice", "field.mask", "field.decimal-unreadable", "field.bool-unreadable", "field.moment-unreadable",
    "field.date-unreadable".
    """
    if isinstance(raw, str):
        raw = raw.replace("\x00", "").strip()
    if raw is None or raw == "" or raw == []:
        if spec.required:
            raise Invalid("field.required", field=spec.name)
        return None
    value = _READERS[spec.kind](spec, raw, zone)
    if value in (None, "", []) and spec.required:
        raise Invalid("field.required", field=spec.name)
    return None if value in ("", []) else value


_MASK = {"#": "[0-9]", "@": "[A-Za-z]", "?": ".", "*": ".*"}
LONGEST_MASK, MOST_STARS = 50, 2


def mask_pattern(mask: str) -> str:
    """The regular expression of a mask: no administrator's own, so that none takes for ever to match.

    Raises Invalid("field.mask-unreadable") for a mask too long or with too many stars.
    """
    if len(mask) > LONGEST_MASK or mask.count("*") > MOST_STARS:
        raise Invalid("field.mask-unreadable", {"limit": LONGEST_MASK, "stars": MOST_STARS}, field="mask")
    return "".join(_MASK.get(one) or re.escape(one) for one in mask)


def moment_text(at: datetime) -> str:
    """A moment as it is kept: UTC, microseconds always written, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def number_of(value: object, name: str = "", unit: Unit | None = None) -> Decimal:
    """A number somebody wrote, see `written_numbers.read`. Raises Invalid("field.decimal-unreadable").

    At most 15 digits before the point, as a workbook holds; never a float's rounding.
    """
    if isinstance(value, bool):
        raise Invalid("field.decimal-unreadable", {"value": str(value)}, field=name)
    if isinstance(value, int | float):
        found = Decimal(str(value))  # of a float what it says of itself, 1e-07 among it
    else:
        written = written_numbers.read(str(value), unit)
        found = Decimal("NaN") if written is None else written
    if not found.is_finite():
        raise Invalid("field.decimal-unreadable", {"value": str(value)[:40]}, field=name)
    if abs(found) >= Decimal(10) ** MOST_DIGITS:
        raise Invalid("field.decimal-unreadable", {"value": str(value)[:40]}, field=name)
    return found


def _text(spec: Value, raw: object, _zone: tzinfo) -> str:
    text = clean_text(_written(raw), multiline=spec.kind is ValueKind.LONG)
    longest = spec.rule.longest or (LONGEST_LONG if spec.kind is ValueKind.LONG else LONGEST_TEXT)
    if len(text) > longest:
        raise Invalid("field.too-long", {"length": len(text), "limit": longest}, field=spec.name)
    if text and spec.rule.mask and not re.fullmatch(mask_pattern(spec.rule.mask), text):
        raise Invalid("field.mask", {"value": text[:40], "mask": spec.rule.mask}, field=spec.name)
    return text


def _written(raw: object) -> str:
    """A workbook's 3.0 is the 3 that somebody typed."""
    return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)


def _number(spec: Value, raw: object, _zone: tzinfo) -> int | float:
    unit = unit_of(*spec.labels)
    if spec.kind is ValueKind.MONEY and unit == Unit():
        unit = Unit(word=YUAN)  # a share is no amount
    number = number_of(raw, spec.name, unit)
    decimals = spec.rule.decimals if spec.rule.decimals is not None else 2 if spec.kind is ValueKind.MONEY else DECIMALS
    number = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    _within(spec, number)
    # 15 digits stand in a float exactly as they were written.
    return int(number) if number == number.to_integral_value() else float(number)


def _within(spec: Value, found: Any) -> None:
    least, most = spec.rule.least, spec.rule.most
    if least is not None and found < least:
        raise Invalid("field.too-small", {"least": str(least)}, field=spec.name)
    if most is not None and found > most:
        raise Invalid("field.too-large", {"most": str(most)}, field=spec.name)


def _date(spec: Value, raw: object, zone: tzinfo) -> str:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        day = raw
    else:
        try:
            day = read_moment(raw, zone, today=spec.today).at.astimezone(zone).date()
        except Invalid:
            raise Invalid("field.date-unreadable", {"value": str(raw)[:40]}, field=spec.name) from None
    _within(spec, day.isoformat())
    return day.isoformat()


def _moment(spec: Value, raw: object, zone: tzinfo) -> str:
    try:
        text = moment_text(read_moment(raw, zone, today=spec.today).at)
    except Invalid:
        raise Invalid("field.moment-unreadable", {"value": str(raw)[:40]}, field=spec.name) from None
    _within(spec, text)
    return text


def _bool(spec: Value, raw: object, _zone: tzinfo) -> bool:
    if isinstance(raw, bool):
        return raw
    text = clean_text(_written(raw)).lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise Invalid("field.bool-unreadable", {"value": str(raw)[:40]}, field=spec.name)


def _choice(spec: Value, raw: object, _zone: tzinfo) -> str:
    """By code or by label in either language: a pasted cell says what people read."""
    text = clean_text(_written(raw))
    for option in spec.options:
        if text == option.code or text in (option.label, option.label_en):
            return option.code
    raise Invalid("field.choice", {"value": text[:40]}, field=spec.name)


def _choices(spec: Value, raw: object, zone: tzinfo) -> list[str]:
    several = raw if isinstance(raw, list | tuple) else [part for part in _SEPARATORS.split(str(raw)) if part.strip()]
    found = {_choice(spec, one, zone) for one in several}
    return [option.code for option in spec.options if option.code in found]


def _row(spec: Value, raw: object, _zone: tzinfo) -> int:
    text = _written(raw)
    if isinstance(raw, bool) or not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("field.choice", {"value": str(raw)[:40]}, field=spec.name)
    return int(text)


def _files(spec: Value, raw: object, zone: tzinfo) -> list[int]:
    several = raw if isinstance(raw, list | tuple) else _SEPARATORS.split(str(raw))
    return list(dict.fromkeys(_row(spec, one, zone) for one in several if one not in (None, "")))


def _computed(spec: Value, _raw: object, _zone: tzinfo) -> None:
    raise Invalid("field.computed", field=spec.name)


_READERS: Mapping[ValueKind, Callable[[Value, Any, tzinfo], Any]] = MappingProxyType({
    ValueKind.TEXT: _text, ValueKind.LONG: _text, ValueKind.NUMBER: _number, ValueKind.MONEY: _number,
    ValueKind.DATE: _date, ValueKind.MOMENT: _moment, ValueKind.BOOL: _bool, ValueKind.CHOICE: _choice,
    ValueKind.CHOICES: _choices, ValueKind.PERSON: _row, ValueKind.UNIT: _row, ValueKind.POST: _row,
    ValueKind.LINK: _row, ValueKind.FILES: _files, ValueKind.LOOKUP: _computed, ValueKind.ROLLUP: _computed,
    ValueKind.FORMULA: _computed,
})  # fmt: skip
