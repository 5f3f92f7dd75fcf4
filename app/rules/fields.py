"""Normalising and checking what people and workbooks put into fields.

Nothing is guessed: what cannot be read for certain is refused with a code, and the caller shows or flags it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from .errors import Invalid

# --- text --------------------------------------------------------------------------------------------------

_ESCAPE = re.compile(r"(?<!_x005F)_x00([01][0-9A-Fa-f])_")  # how a workbook writes a control character
_NEWLINES = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")
# Control characters, lone surrogates, and invisible marks that break comparison or turn the direction of text;
# newline and tab stay, and so do the joiners inside emoji.
_INVISIBLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
    "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
)
_DROPPED = re.compile(f"[{_INVISIBLE}]")
# Whatever makes `clean_text` change a text: most have nothing of it.
_UNCLEAN = re.compile(rf"[^\S {_INVISIBLE}]|[{_INVISIBLE}]|_x00|  |\A | \Z")


def is_clean(value: str) -> bool:
    """Whether `clean_text` surely leaves a text as it is, on one line and on several."""
    return _UNCLEAN.search(value) is None


def clean_text(value: str, *, multiline: bool = False) -> str:
    """`value` as text that can be stored and compared: emoji and full-width forms stay as written.

    Workbook escapes (`_x000D_`), NUL and other control characters, lone surrogates and invisible marks go;
    tabs, NBSP and U+3000 become single spaces; ends are trimmed. One line unless
    `multiline`, where at most one blank line stays between paragraphs. Cleaning twice changes nothing.
    """
    if is_clean(value):
        return value
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value)
    text = _NEWLINES.sub("\n", text)
    text = _DROPPED.sub("", text)
    lines = [_SPACES.sub(" ", line).strip() for line in text.split("\n")]
    if multiline:
        return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
    return " ".join(line for line in lines if line)


# --- phones ------------------------------------------------------------------------------------------------

_COUNTRY = re.compile(r"(?:\+86|0086|86-)-?")
_MOBILE = re.compile(r"(?:86)?0?(1[3-9][0-9]{9})")
_AREA = re.compile("(10|2[0-9]|[3-9][0-9]{2})-?")
_LAND = re.compile(r"([2-8][0-9]{2,3}-?[0-9]{4})(?:-?(?:转|x|ext|#)-?([0-9]{1,6})|-([0-9]{1,6}))?")
_SERVICE = re.compile(r"1[0-2][0-9]|1[0-2][0-9]{3,4}|9[56][0-9]{3,6}|[48]00[0-9]{7}")
_DASHES = re.compile("[-\u2010-\u2015\u2212\u2500]+")


def normalise_phone(value: str, *, area_code: str = "0792", field: str | None = None) -> str:
    """The one way a phone number is written here, so that equal numbers compare equal.

    Mobile `13900001111`; land line `0792-8223172`, with extension `0792-8223172-801`, a local number
    getting `area_code`; service number `12345`, `4001234567`. Raises Invalid("phone.invalid") for anything
    else, two numbers in one field among it.
    """
    text = unicodedata.normalize("NFKC", clean_text(value)).lower()
    text = _DASHES.sub("-", re.sub(r"[\s()]+", "", text))
    national = _COUNTRY.sub("", text, count=1) if _COUNTRY.match(text) else text
    digits = national.replace("-", "")
    if match := _MOBILE.fullmatch(digits):
        return match[1]
    if _SERVICE.fullmatch(digits):
        return digits
    # An area code is written with its 0 unless the country code stands before it.
    if national != text or national.startswith("0"):
        area = _AREA.match(national := national.removeprefix("0"))
        national = national[area.end() :] if area else ""
        area_code = f"0{area[1]}" if area else area_code
    match = _LAND.fullmatch(national)
    if match is None:
        raise Invalid("phone.invalid", field=field)
    extension = match[2] or match[3]
    return "-".join(part for part in (area_code, match[1].replace("-", ""), extension) if part)


def mask_phone(value: str) -> str:
    """A phone number for eyes that may not see it: `139****1111`, `0792-*****72`, others likewise.

    Whatever the text, at most seven characters of a mobile and two of anything else stay readable.
    """
    text = clean_text(value)
    if len(text) == 11 and text.startswith("1") and re.fullmatch(r"[0-9*]+", text):
        return f"{text[:3]}****{text[-4:]}"
    area, dash, rest = text.partition("-")
    if dash and re.fullmatch(r"0[0-9]{2,3}", area):
        return f"{area}-{_tail(rest)}"
    return _tail(text)


def _tail(text: str) -> str:
    kept = 2 if len(text) >= 5 else 0
    return "*" * (len(text) - kept) + text[len(text) - kept :]


# --- persons -----------------------------------------------------------------------------------------------

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_PROVINCE = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")


def normalise_identity(value: str, *, field: str | None = None) -> str:
    """A citizen identity number of 18 characters (GB 11643), X in capital.

    Raises Invalid: "identity.invalid" (length, characters, province), "identity.birth-date",
    "identity.check-digit".
    """
    text = unicodedata.normalize("NFKC", clean_text(value)).replace(" ", "").upper()
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text) or not _PROVINCE.match(text):
        raise Invalid("identity.invalid", field=field)
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        born = date.min
    if born.year < 1850:
        raise Invalid("identity.birth-date", field=field)
    if check_digit(text[:17]) != text[17]:
        raise Invalid("identity.check-digit", field=field)
    return text


def check_digit(first_17: str) -> str:
    """The eighteenth character of an identity number (ISO 7064, MOD 11-2)."""
    return _CHECK_DIGITS[sum(int(d) * w for d, w in zip(first_17, _WEIGHTS, strict=True)) % 11]


def mask_identity(value: str) -> str:
    """An identity number for eyes that may not see it: first and last character only."""
    text = clean_text(value)
    return text[0] + "*" * (len(text) - 2) + text[-1] if len(text) >= 8 else "*" * len(text)


def mask_name(value: str) -> str:
    """A name for eyes that may not see it: the first character and two stars whatever its length (示**)."""
    text = clean_text(value)
    return f"{text[0]}**" if text else ""


# --- moments -----------------------------------------------------------------------------------------------

_MOMENT = re.compile(
    r"(?P<y>[12][0-9]{3})\s?(?:(?P<s>[-/.])(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})"
    r"|年\s?(?P<cm>[0-9]{1,2})\s?月\s?(?P<cd>[0-9]{1,2})\s?[日号])"
    r"(?:(?:\s|T|(?<=[日号])|(?=[上下]))\s?(?P<half>上午|下午)?\s?(?P<h>[0-9]{1,2})\s?[:时点]\s?"
    r"(?:(?P<n>[0-9]{1,2})\s?(?:[:分]\s?(?:(?P<sec>[0-9]{1,2})(?:\.(?P<us>[0-9]{1,6}))?\s?秒?)?)?)?"
    r"\s?(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
# 11-3 or 11/3, [2026年]11月3[日], 20261103, with or without a time. 11.3 may be a number that lost its 0.
_SHORT = re.compile(
    r"(?:(?P<m>[0-9]{1,2})[-/](?P<d>[0-9]{1,2})|(?:(?P<cy>[12][0-9]{3})\s?年\s?)?(?P<cm>[0-9]{1,2})\s?月\s?"
    r"(?P<cd>[0-9]{1,2})\s?[日号]?|(?P<py>[12][0-9]{3})(?P<pm>[0-9]{2})(?P<pd>[0-9]{2}))"
    r"(?:(?:\s|(?<=[日号]))\s*(?P<rest>.+))?"
)
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
# Serial numbers of a workbook outside 1950–2199 are years, counts or YYYYMMDD, not days.
_SERIALS = (18_264, 109_574)
_YEARS = (1900, 2199)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment read from a field, in UTC; without `has_time` only a date was given, so local midnight."""

    at: datetime
    has_time: bool


def read_moment(
    value: object, zone: tzinfo, *, is_1904: bool = False, today: date | None = None, field: str | None = None
) -> Moment:
    """A moment from text, datetime, date or a workbook's serial number; local in `zone` unless it says more.

    Text is `2019/4/25 9:32:09` and its relatives with -, . or 年月日, padded or not, with or without time;
    24:00 is the next midnight. `is_1904` counts serials from 1904. With `today`, the office's day, also what people
    type into a column of days: `11-3`, `11月3日` (of this year), `20261103`, the serial number 46329 as a text.
    Raises Invalid("moment.invalid").
    """
    try:
        local, has_time = _read(_completed(value, today), is_1904=is_1904)
        at = (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError) as cause:
        raise Invalid("moment.invalid", {"value": str(value)[:50]}, field=field) from cause
    if not _YEARS[0] <= local.year <= _YEARS[1]:
        raise Invalid("moment.invalid", {"value": str(value)[:50]}, field=field)
    return Moment(at, has_time)


def parse_moment(value: object, zone: tzinfo, *, field: str | None = None) -> datetime:
    """`read_moment` for callers to whom a date without time is fine as local midnight; UTC."""
    return read_moment(value, zone, field=field).at


def _read(value: object, *, is_1904: bool) -> tuple[datetime, bool]:
    if isinstance(value, datetime):
        return value, True
    if isinstance(value, date):
        return datetime.combine(value, time()), False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_serial(value + (1462 if is_1904 else 0))
    if isinstance(value, str):
        return _from_text(unicodedata.normalize("NFKC", clean_text(value)))
    raise ValueError("not a moment")


def _completed(value: object, today: date | None) -> object:
    """What somebody typed short, in full: month before day, as here everybody writes; the rest as it is."""
    if today is None or not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFKC", clean_text(value))
    if _SERIAL.fullmatch(text):
        return float(text)
    match = _SHORT.fullmatch(text)
    if match is None:
        return value
    month, day = match["m"] or match["cm"] or match["pm"], match["d"] or match["cd"] or match["pd"]
    return f"{match['cy'] or match['py'] or today.year}-{month}-{day} {match['rest'] or ''}".strip()


def _from_serial(days: float) -> tuple[datetime, bool]:
    if not _SERIALS[0] <= days < _SERIALS[1]:
        raise ValueError("not a day")
    local = datetime(1899, 12, 30) + timedelta(seconds=round(days * 86_400))  # noqa: DTZ001  (local by nature)
    return local, days != int(days)


def _from_text(text: str) -> tuple[datetime, bool]:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("not a moment")
    month, day = int(match["m"] or match["cm"]), int(match["d"] or match["cd"])
    local = datetime(int(match["y"]), month, day)  # noqa: DTZ001  (local by nature)
    if match["h"] is None:
        return local, False
    hour, minute, second = int(match["h"]), int(match["n"] or 0), int(match["sec"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("not an hour of half a day")
        hour = hour % 12 + (12 if match["half"] == "下午" else 0)
    if (hour, minute, second) == (24, 0, 0):
        local, hour = local + timedelta(days=1), 0
    local = local.replace(
        hour=hour, minute=minute, second=second, microsecond=int((match["us"] or "0").ljust(6, "0"))
    )
    return local.replace(tzinfo=datetime.strptime(match["z"], "%z").tzinfo) if match["z"] else local, True
