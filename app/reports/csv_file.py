"""A table as CSV (RFC 4180): UTF-8 with a byte order mark, as spreadsheets expect it, or GB18030."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

from app.rules.sheet_guess import FORMULA

ENCODINGS = {"utf-8": "utf-8-sig", "gb18030": "gb18030"}


def neutral(cell: str) -> str:
    """A text that no spreadsheet computes: one that begins like a formula gets an apostrophe in front.

    So does one that has such an apostrophe already: app/rules/sheet_guess.py takes one away from each that has it.
    """
    return f"'{cell}" if FORMULA.match(cell) else cell


def write(out: TextIO, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write the table and return how many rows it has; `out` was opened with `newline=""` and one of ENCODINGS.

    Both encodings hold every character. The caller neutralises texts; what is written as a number stays one.
    """
    writer = csv.writer(out)
    writer.writerow([neutral(one) for one in header])
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count
