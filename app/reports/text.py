"""What a spreadsheet makes of text: characters it refuses, how long, how wide, and how a sheet may be called.

Lengths are in UTF-16 units, as the programs that open the file count them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

CELL_LIMIT = 32_767
SHEET_NAME_LIMIT = 31
# C0 and C1 controls except tab and line feed, lone surrogates, and the two non-characters XML refuses.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NEW_LINES = re.compile("\r\n?")
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


def clean(text: str) -> str:
    """`text` without control characters; line ends become `\\n`, half a surrogate pair becomes U+FFFD."""
    if not _REFUSED.search(text):
        return text
    return _REFUSED.sub(
        lambda found: "\ufffd" if "\ud800" <= found[0] <= "\udfff" else "", _NEW_LINES.sub("\n", text),
    )


def length(text: str) -> int:
    """How many UTF-16 units `text` takes."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def pieces(text: str, first: int, then: int = CELL_LIMIT) -> Iterator[str]:
    """`text` in pieces of at most `first`, then `then` units, no pair torn; joined they are `text` again."""
    raw, at, limit = text.encode("utf-16-le"), 0, first
    while at < len(raw):
        end = at + 2 * limit
        if end < len(raw) and 0xD8 <= raw[end - 1] <= 0xDB:  # the cut would tear a pair
            end -= 2
        yield raw[at:end].decode("utf-16-le")
        at, limit = end, then


def width(text: str) -> int:
    """The width of the widest line in half-width characters; a wide (Chinese) character takes two."""
    return max((_line_width(line) for line in text.split("\n")), default=0)


def _line_width(line: str) -> int:
    if line.isascii():
        return len(line)
    return sum(map(_character_width, line))


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WFA" else 1


def lines(text: str, columns: int) -> int:
    """How many lines `text` takes when it wraps at `columns` half-width characters."""
    return sum(max(1, -(-_line_width(line) // max(1, columns))) for line in text.split("\n"))


def sheet_names(wanted: Iterable[str], fallback: str = "Sheet") -> list[str]:
    """Names that every spreadsheet program accepts: legal, at most 31 units, unique without case."""
    taken: set[str] = set()
    names = []
    for wish in wanted:
        base = " ".join(_NOT_IN_SHEET_NAMES.sub(" ", clean(wish)).split()).strip("' ") or fallback
        if base.casefold() == "history":  # Excel reserves the word
            base += "_"
        name, number = _fitting(base, ""), 1
        while name.casefold() in taken:
            number += 1
            name = _fitting(base, f" ({number})")
        taken.add(name.casefold())
        names.append(name)
    return names


def _fitting(base: str, suffix: str) -> str:
    return next(pieces(base, SHEET_NAME_LIMIT - len(suffix))).rstrip(" '") + suffix
