"""What somebody enters into a field of a dictionary sheet, parsed: text of a form or a cell → a typed value.

A field is declared once (app/sheets.py); list, form, filter and write path read that one declaration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from .errors import FieldProblem, Invalid
from .fields import clean_text, normalise_phone

_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
LONGEST = 20_000
# Typed into a field that shows nothing of what it holds: the value goes.
CLEARED = "-"


class Kind(StrEnum):
    """What kind of value a field takes."""

    TEXT = "text"
    LONG = "long"
    CODE = "code"
    EMAIL = "email"
    INT = "int"
    BOOL = "bool"
    DATE = "date"
    MOMENT = "moment"
    TIME = "time"
    CHOICE = "choice"
    CHOICES = "choices"
    ROW = "row"  # another dictionary's row, by id
    ROWS = "rows"
    JSON = "json"
    MOBILE = "mobile"  # sealed; None means: leave what is there


class Place(StrEnum):
    """Where a field's value lives in its row."""

    COLUMN = "column"
    LOWER = "lower"  # the beginning of the period `valid`
    UPPER = "upper"  # its end, not included
    PARAMETER = "parameter"  # a key of the JSON column `parameters`
    MAIN = "main"  # the persons in the main seat of a shift
    SECOND = "second"
    NOWHERE = "nowhere"  # only asked, not kept


@dataclass(frozen=True)
class Field:
    """One field of a sheet. `label` and `help` are translated when shown; `to` names the dictionary of a ROW.

    `limit` is the longest text; `fixed`: entered once and never changed; `default` fills a new row;
    `bulk`: may be set for several rows at once.
    """

    name: str
    label: Any = ""
    kind: Kind = Kind.TEXT
    required: bool = False
    help: Any = ""
    choices: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    to: str = ""
    limit: int = 0
    place: Place = Place.COLUMN
    fixed: bool = False
    on_form: bool = True
    searchable: bool = False
    orderable: bool = False
    default: Any = None
    bulk: bool = False

    @property
    def column(self) -> str:
        """The column of a COLUMN field: a row is kept by its id."""
        return f"{self.name}_id" if self.kind is Kind.ROW else self.name


def parse(entry: Field, raw: object, zone: tzinfo) -> Any:
    """The typed value of what was entered; None for nothing. Typed values pass, moments without a zone are local.

    Raises Invalid at the field: "field.required", "field.too-long", "field.choice", "field.code", "field.email",
    "field.<kind>-unreadable", "phone.not-mobile".
    """
    value = _PARSERS[entry.kind](entry, _text(raw) if isinstance(raw, str) else raw, zone)
    if entry.required and value in (None, "", [], ()):
        raise Invalid("field.required", field=entry.name)
    return value


def blank(entry: Field) -> Any:
    """What a field holds before anybody filled it in."""
    if entry.default is not None:
        return entry.default
    if entry.kind in (Kind.TEXT, Kind.LONG, Kind.CODE, Kind.EMAIL):
        return ""
    if entry.kind in (Kind.CHOICES, Kind.ROWS):
        return []
    return False if entry.kind is Kind.BOOL else None


def is_mobile(text: str) -> bool:
    """Whether a text is a mobile number, which is kept sealed, and not a telephone of an office."""
    try:
        return bool(_MOBILE.fullmatch(normalise_phone(text))) if text else False
    except Invalid:
        return False


def problem_of(error: Invalid, entry_name: str) -> FieldProblem:
    """An error of a rule as the problem of a field: the one it names, else this one."""
    return FieldProblem(error.field or entry_name, error.code, error.data)


def same_shape(old: object, new: object) -> bool:
    """Whether a JSON value may take the place of another: kinds agree, objects keep their keys, times stay times.

    Lists may grow and shrink; each of their values has the shape of one of the old ones.
    """
    if isinstance(old, dict):
        return isinstance(new, dict) and old.keys() == new.keys() and all(same_shape(old[k], new[k]) for k in old)
    if isinstance(old, list):
        return isinstance(new, list) and all(any(same_shape(was, one) for was in old) for one in new)
    if isinstance(old, bool) or isinstance(new, bool) or old is None or new is None:
        return type(old) is type(new)
    if isinstance(old, str):
        return isinstance(new, str) and bool(new) and (not _CLOCK.fullmatch(old) or bool(_CLOCK.fullmatch(new)))
    return isinstance(old, int | float) and isinstance(new, int | float)


def code_from(syllables: Iterable[str], taken: Callable[[str], bool], longest: int = 56) -> str:
    """A code for a row nobody gave one: its name in pinyin, numbered when it is taken."""
    plain = [re.sub("[^a-z0-9]", "", syllable.lower()) for syllable in syllables]
    stem = "_".join(part for part in plain if part)[:longest].strip("_")
    if not stem or not stem[0].isalpha():
        stem = f"row_{stem}".strip("_")
    found, number = stem, 1
    while taken(found):
        number += 1
        found = f"{stem}_{number}"
    return found


def _text(raw: str) -> str:
    return raw.replace("\x00", "").strip()


def _line(entry: Field, raw: Any, _zone: tzinfo) -> str:
    text = clean_text(str(raw or ""), multiline=entry.kind is Kind.LONG)
    limit = entry.limit or LONGEST
    if len(text) > limit:
        raise Invalid("field.too-long", {"length": len(text), "limit": limit}, field=entry.name)
    return text


def _code(entry: Field, raw: Any, zone: tzinfo) -> str:
    text = _line(entry, raw, zone)
    if text and not _CODE.fullmatch(text):
        raise Invalid("field.code", {"value": text[:40]}, field=entry.name)
    return text


def _email(entry: Field, raw: Any, zone: tzinfo) -> str:
    text = _line(entry, raw, zone)
    if text and not _EMAIL.fullmatch(text):
        raise Invalid("field.email", field=entry.name)
    return text


def _whole(entry: Field, raw: Any, _zone: tzinfo) -> int | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool) or not _WHOLE.fullmatch(str(raw)):
        raise Invalid("field.int-unreadable", {"value": str(raw)[:40]}, field=entry.name)
    return int(str(raw))


def _yes(_entry: Field, raw: Any, _zone: tzinfo) -> bool:
    return raw if isinstance(raw, bool) else str(raw or "").lower() in ("1", "on", "y", "yes", "true", "是")


def _day(entry: Field, raw: Any, _zone: tzinfo) -> date | None:
    if not raw:
        return None
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    try:
        return date.fromisoformat(str(raw))
    except ValueError:
        raise Invalid("field.date-unreadable", {"value": str(raw)[:40]}, field=entry.name) from None


def _moment(entry: Field, raw: Any, zone: tzinfo) -> datetime | None:
    if not raw:
        return None
    try:
        found = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("field.moment-unreadable", {"value": str(raw)[:40]}, field=entry.name) from None


def _clock(entry: Field, raw: Any, _zone: tzinfo) -> str | None:
    if not raw:
        return None
    try:
        return (raw if isinstance(raw, time) else time.fromisoformat(str(raw))).isoformat("minutes")
    except ValueError:
        raise Invalid("field.time-unreadable", {"value": str(raw)[:40]}, field=entry.name) from None


def _choice(entry: Field, raw: Any, _zone: tzinfo) -> str | None:
    if not raw:
        return None
    if str(raw) not in entry.choices:
        raise Invalid("field.choice", {"value": str(raw)[:40]}, field=entry.name)
    return str(raw)


def _several(raw: Any) -> list[Any]:
    if raw is None or raw == "":
        return []
    found = raw.split("|") if isinstance(raw, str) else list(raw)
    return list(dict.fromkeys(one for one in found if one not in (None, "")))


def _choices(entry: Field, raw: Any, zone: tzinfo) -> list[str]:
    found = [_choice(entry, one, zone) for one in _several(raw)]
    order = list(entry.choices)
    return sorted((one for one in found if one), key=order.index)


def _row(entry: Field, raw: Any, _zone: tzinfo) -> int | None:
    if raw is None or raw == "":
        return None
    text = str(raw)
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("field.choice", {"value": text[:40]}, field=entry.name)
    return int(text)


def _rows(entry: Field, raw: Any, zone: tzinfo) -> list[int]:
    found = (_row(entry, one, zone) for one in _several(raw))
    return [one for one in found if one is not None]


def _json(entry: Field, raw: Any, _zone: tzinfo) -> Any:
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Invalid("field.json-unreadable", field=entry.name) from None


def _no_number(name: str) -> None:
    raise ValueError(name)  # NaN and its kin are no JSON, whatever Python reads


def _mobile(entry: Field, raw: Any, _zone: tzinfo) -> str | None:
    text = clean_text(str(raw or ""))
    if not text:
        return None
    if text == CLEARED:
        return ""
    try:
        number = normalise_phone(text)
    except Invalid:
        number = ""
    if not _MOBILE.fullmatch(number):
        raise Invalid("phone.not-mobile", field=entry.name)
    return number


_PARSERS: Mapping[Kind, Callable[[Field, Any, tzinfo], Any]] = MappingProxyType({
    Kind.TEXT: _line, Kind.LONG: _line, Kind.CODE: _code, Kind.EMAIL: _email, Kind.INT: _whole, Kind.BOOL: _yes,
    Kind.DATE: _day, Kind.MOMENT: _moment, Kind.TIME: _clock, Kind.CHOICE: _choice, Kind.CHOICES: _choices,
    Kind.ROW: _row, Kind.ROWS: _rows, Kind.JSON: _json, Kind.MOBILE: _mobile,
})  # fmt: skip
