"""From a table somebody brings to a sheet: which row names the columns, what kind of values each column holds.

Only a proposal: the administrator sees it with samples and corrects it. Nothing is guessed about numbers that are
names: what has many digits, begins with 0 or stands under a word like 电话 stays text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from .errors import Invalid
from .fields import clean_text, read_moment
from .values import LONGEST_TEXT, ValueKind

Cell = object
MOST_LINES, MOST_COLUMNS = 200_000, 100
LOOKED_AT, HEAD = 1_000, 10
MOST_CHOICES, LONGEST_CHOICE = 12, 20
MOSTLY = 0.95
_UTC = ZoneInfo("UTC")
_NAMES = re.compile("电话|手机|编号|证号|号码|账号|帐号|邮编|代码|phone|code|number|id$", re.IGNORECASE)
_MONEY = re.compile("金额|费用|经费|单价|总价|资金|元|amount|price|cost", re.IGNORECASE)
_WRITTEN_DAY = re.compile(r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}.*")
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,10})(?:\.[0-9]{1,6})?")
# What a spreadsheet would take for a formula, as it stands or behind apostrophes that keep it from doing so.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # wide ones as input methods write them
_VALUE = re.compile(r"[-+(=￥¥$]*\d")  # begins like a number or a day
_YES_NO = frozenset({"是", "否", "有", "无", "yes", "no", "true", "false", "√", "×"})


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column may become: its label, its kind, the choices in use, some of its values as they are written."""

    place: int
    label: str
    kind: ValueKind
    choices: tuple[str, ...]
    samples: tuple[str, ...]
    filled: int


def delimited(content: bytes) -> Iterator[list[str]]:
    """The lines of a CSV file: UTF-8 (with or without mark) or GB18030, separated by comma, semicolon or tab.

    A text that was written with an apostrophe so that no spreadsheet computes it comes back without.

    Raises Invalid("sheet-file.not-text"), "workbook.too-many-rows", "workbook.too-many-columns" and, behind the last
    line, "sheet-file.empty".
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Invalid("sheet-file.not-text")
    if "\x00" in text:
        raise Invalid("sheet-file.not-text")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    is_filled = False
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
            if len(row) > MOST_COLUMNS:
                raise Invalid("workbook.too-many-columns", {"limit": MOST_COLUMNS})
            if number > MOST_LINES:
                raise Invalid("workbook.too-many-rows", {"limit": MOST_LINES})
            is_filled = is_filled or any(cell.strip() for cell in row)
            yield row if "'" not in text else [_unquoted(cell) for cell in row]
    except csv.Error as error:
        raise Invalid("sheet-file.not-text") from error
    if not is_filled:
        raise Invalid("sheet-file.empty")


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def header_row(rows: Sequence[Sequence[Cell]]) -> int:
    """The place of the row that names the columns: the first of the top ones that is full, of texts, each once.

    A name may stand twice in it (two columns 日期); a row in which a number or a day stands is not such a row.
    """
    width = max((sum(1 for cell in row if _filled(cell)) for row in rows[: HEAD * 3]), default=0)
    for place, row in enumerate(rows[:HEAD]):
        words = [clean_text(str(cell)) for cell in row if _filled(cell)]
        texts = sum(1 for cell in row if isinstance(cell, str) and _filled(cell))
        if len(words) * 2 <= width or texts < len(words) or max(map(len, words)) > 80:
            continue
        different = len(set(words))
        if different == len(words) or (different * 2 > len(words) and not any(map(_VALUE.match, words))):
            return place
    return 0


def columns(rows: Sequence[Sequence[Cell]], header: int) -> list[Guess]:
    """What each named column may become. A column without a name is left out when it is empty."""
    names = rows[header] if header < len(rows) else []
    below = rows[header + 1 : header + 1 + LOOKED_AT]
    width = max((len(row) for row in [names, *below]), default=0)
    found, taken = [], set()
    for place in range(min(width, MOST_COLUMNS)):
        values = [row[place] for row in below if place < len(row) and _filled(row[place])]
        name = clean_text(str(names[place]))[:80] if place < len(names) and _filled(names[place]) else ""
        if not name and not values:
            continue
        label, n = name or f"列{place + 1}", 2
        while label in taken:
            label, n = f"{name}{n}", n + 1
        taken.add(label)
        kind, choices = _kind(label, values)
        samples = tuple(dict.fromkeys(clean_text(str(value))[:40] for value in values))[:4]
        found.append(Guess(place, label, kind, choices, samples, len(values)))
    return found


def _filled(cell: Cell) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def _kind(label: str, values: Sequence[Cell]) -> tuple[ValueKind, tuple[str, ...]]:
    if not values:
        return ValueKind.TEXT, ()
    if all(isinstance(value, bool) for value in values):
        return ValueKind.BOOL, ()
    if all(isinstance(value, date) for value in values):
        return (ValueKind.DATE if all(_is_day(value) for value in values) else ValueKind.MOMENT), ()
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return _number_kind(label, values), ()
    return _text_kind(label, [clean_text(str(value), multiline=True) for value in values])


def _is_day(value: Cell) -> bool:
    return not isinstance(value, datetime) or value.time() == time()


def _number_kind(label: str, values: Sequence[Cell]) -> ValueKind:
    if _NAMES.search(label) or any(abs(float(str(value))) >= 1e11 for value in values):
        return ValueKind.TEXT
    return ValueKind.MONEY if _MONEY.search(label) else ValueKind.NUMBER


def _text_kind(label: str, texts: Sequence[str]) -> tuple[ValueKind, tuple[str, ...]]:
    distinct = tuple(dict.fromkeys(texts))
    if any("\n" in text or len(text) > LONGEST_TEXT // 4 for text in distinct):
        return ValueKind.LONG, ()
    if all(text.lower() in _YES_NO for text in distinct):
        return ValueKind.BOOL, ()
    if all(_WRITTEN_DAY.fullmatch(text) for text in distinct):
        kind = _written_days(distinct)
        if kind is not None:
            return kind, ()
    # One slip among many numbers makes no text of them: its row is refused and shown.
    plain = sum(bool(_PLAIN.fullmatch(text)) for text in texts) >= MOSTLY * len(texts)
    if plain and not _NAMES.search(label):
        return (ValueKind.MONEY if _MONEY.search(label) else ValueKind.NUMBER), ()
    few = 2 <= len(distinct) <= min(MOST_CHOICES, len(texts) // 3)
    if few and not plain and all(len(text) <= LONGEST_CHOICE for text in distinct):
        return ValueKind.CHOICE, distinct
    return ValueKind.TEXT, ()


def _written_days(texts: Sequence[str]) -> ValueKind | None:
    try:
        moments = [read_moment(text, _UTC) for text in texts]
    except Invalid:
        return None
    return ValueKind.MOMENT if any(one.has_time for one in moments) else ValueKind.DATE
