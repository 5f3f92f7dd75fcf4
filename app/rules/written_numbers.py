"""Numbers as people write them: `1,200.50`, `(5)`, `¥1,200`, `12％`, `3万元`; what could mean two things is no number.

What a suffix means in a column depends on the unit in brackets at the end of the column's name: `12%` is 12 in
“占比（%）” and 0.12 where no unit stands; `3万元` is 3 in “金额（万元）” and 30000 elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from .fields import clean_text

PERCENT, YUAN = "%", "元"
# What stands in brackets behind a name and is none of these (选填, 含税) is no unit.
_WORDS = frozenset(
    (
        PERCENT, YUAN, "人", "人次", "户", "件", "个", "次", "条", "份", "张", "处", "起", "家", "辆",
        "台", "套", "盏", "栋", "间", "座", "棵", "米", "公里", "里", "平方米", "平方公里", "立方米", "亩", "公顷",
        "吨", "公斤", "克", "升", "岁", "天", "日", "周", "月", "年", "小时", "分钟", "秒", "度",
        "m", "km", "㎡", "m2", "m²", "m3", "m³", "kg", "t", "h",
    )
)  # fmt: skip
_SCALES = {
    "": 0, "十": 1, "百": 2, "千": 3, "万": 4, "十万": 5, "百万": 6, "千万": 7, "亿": 8, "十亿": 9, "百亿": 10,
    "千亿": 11, "万亿": 12,
}  # fmt: skip
_SCALE = "|".join(sorted((one for one in _SCALES if one), key=len, reverse=True))
_PLAIN = str.maketrans("０１２３４５６７８９．－，＋％（）￥−﹣", "0123456789.-,+%()¥--")
_CURRENCY = re.compile(r"(?:¥|rmb|cny|人民币)\s*", re.IGNORECASE)
_SIGN = re.compile(r"[-+]\s*")
_DIGITS = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+")
_SUFFIX = re.compile(rf"\s*(?P<scale>{_SCALE})?\s*(?P<base>\S*)")
_IN_BRACKETS = re.compile(r"[(（]\s*([^()（）]{1,12}?)\s*[)）]\s*\Z")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a column counts in: a power of ten and a word, `万` and `元` of 万元."""

    tens: int = 0
    word: str = ""


@lru_cache(maxsize=512)
def unit_of(*labels: str) -> Unit:
    """The unit in brackets at the end of the first name that has one; nothing for a column that names none."""
    for label in labels:
        found = _IN_BRACKETS.search(label)
        if found is not None:
            text = found[1].translate(_PLAIN)
            match = _SUFFIX.fullmatch(PERCENT if text.lower() in ("percent", "百分比") else text)
            if match is not None and (match["base"] in _WORDS or (match["scale"] and not match["base"])):
                return Unit(_SCALES[match["scale"] or ""], match["base"])
    return Unit()


def read(text: str, unit: Unit | None = None) -> Decimal | None:
    """The number a text says in a column of that unit, None for none that is certain.

    A minus or brackets for what is owed, thousands by comma or space, full-width digits; ¥ before or 元 behind it,
    百, 千, 万, 亿; the column's own unit behind it.
    """
    rest = clean_text(text).translate(_PLAIN).strip()
    is_owed = rest.startswith("(") and rest.endswith(")")
    if is_owed:
        rest = rest[1:-1].strip()
    rest, sign = _taken(_SIGN, rest)
    rest, currency = _taken(_CURRENCY, rest)
    if currency and not sign:
        rest, sign = _taken(_SIGN, rest)
    if is_owed and sign:
        return None
    digits = _DIGITS.match(rest)
    suffix = _SUFFIX.fullmatch(rest[digits.end() :]) if digits else None
    if digits is None or suffix is None:
        return None
    number = Decimal(digits[0].replace(",", "").replace(" ", ""))
    moved = _moved(unit or Unit(), suffix["scale"] or "", suffix["base"], has_currency=bool(currency))
    if moved is None:
        return None
    found = number.scaleb(moved) if moved else number
    return -found if is_owed or sign.startswith("-") else found


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """What is left of a text behind a prefix, and the prefix."""
    match = pattern.match(text)
    return (text[match.end() :], match[0]) if match else (text, "")


def _moved(unit: Unit, scale: str, base: str, *, has_currency: bool) -> int | None:
    """By how many tens a number with this suffix is moved to stand in the column's unit; None when it cannot."""
    if base == PERCENT:
        if scale or has_currency or unit.word not in ("", PERCENT):
            return None
        return 0 if unit.word == PERCENT else -2
    base = YUAN if base == "元整" else base
    if has_currency:
        if base not in ("", YUAN):
            return None
        base = YUAN
        if unit.tens and not scale:
            return None  # “¥3” in a column of 万元: who copied it may have meant either
    if base and base != unit.word and not (base == YUAN and not unit.word and not unit.tens):
        return None
    return _SCALES[scale] - unit.tens if scale or base else 0
