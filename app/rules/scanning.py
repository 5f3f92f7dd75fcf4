"""What stands in the code of a processing slip, and what somebody meant who scanned or typed one (R6).

A handheld scanner types like a keyboard. Chinese characters and brackets get lost on the way, or an input method
catches letters, so the code begins with digits alone: the slip's id and two check digits (ISO 7064, MOD 97-10).
The slip's and the appeal's number follow for whoever reads the code with a telephone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_DIGITS = 6
_TOKEN = re.compile(rf"[0-9]{{{_DIGITS + 2},18}}")
_BRACKETS = str.maketrans("[]()【】（）﹝﹞［］", "〔〕〔〕〔〕〔〕〔〕〔〕")
MOST = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was scanned or typed: a slip by id, or a number as it stands, or the sequence in this year's series."""

    slip_id: int | None = None
    number: str = ""
    seq: int | None = None


def content(slip_id: int, slip_number: str, appeal_number: str) -> str:
    """The text of a slip's code."""
    return " ".join(part for part in (token(slip_id), slip_number, appeal_number) if part)


def token(slip_id: int) -> str:
    """The digits by which the software knows the slip: 12 → 00001224."""
    return f"{slip_id:0{_DIGITS}d}{98 - slip_id * 100 % 97:02d}"


def read(text: str) -> Wanted:
    """What was meant. A token with wrong check digits is a number like any other, which no slip has."""
    said = " ".join(unicodedata.normalize("NFKC", text[:MOST]).split())
    first = said.split(" ", 1)[0]
    if _TOKEN.fullmatch(first) and int(first) % 97 == 1:
        return Wanted(slip_id=int(first[:-2]))
    if said.isascii() and said.isdigit() and len(said) <= _DIGITS:
        return Wanted(seq=int(said), number=said)
    return Wanted(number=said.translate(_BRACKETS).replace(" ", ""))
