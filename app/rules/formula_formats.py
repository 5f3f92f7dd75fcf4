"""How a formula writes numbers and times: Excel's patterns, as templates of PostgreSQL's to_char."""

from __future__ import annotations

import re

LONGEST_PATTERN = 40
_NUMBER = re.compile(r"(?P<grouped>#,##)?0(?:\.(?P<decimals>0{1,10}))?(?P<percent>%)?")
_PART = re.compile(r"y+|m+|d+|h+|s+|[-/.:, 年月日时分秒号]")
_DIGITS = 18  # a number has 15 at most, a percentage two more

_DAYS = {"yyyy": "YYYY", "yy": "YY", "mm": "MM", "m": "FMMM", "dd": "DD", "d": "FMDD"}
_TIMES = {"hh": "HH24", "h": "FMHH24", "ss": "SS", "s": "FMSS"}
_MINUTES = {"mm": "MI", "m": "FMMI"}


def number_template(pattern: str) -> tuple[str, bool] | None:
    """`0`, `0.00`, `#,##0.00`, `0%` as a template, and whether it is a percentage; None for anything else."""
    match = _NUMBER.fullmatch(pattern)
    if match is None:
        return None
    whole = "9" * (_DIGITS - 1) + "0"
    if match["grouped"]:
        whole = ",".join(whole[n : n + 3] for n in range(0, _DIGITS, 3))
    decimals = "." + match["decimals"] if match["decimals"] else ""
    return f"FM{whole}{decimals}" + ('"%"' if match["percent"] else ""), bool(match["percent"])


def time_template(pattern: str) -> str | None:
    """`yyyy-mm-dd`, `m月d日 hh:mm` and the like as a template; None for anything else.

    As in Excel, `m` means minutes after an hour and before seconds, months everywhere else.
    """
    lowered = pattern.lower()
    parts = _PART.findall(lowered) if len(pattern) <= LONGEST_PATTERN else []
    if not parts or "".join(parts) != lowered:
        return None
    letters = [n for n, part in enumerate(parts) if part[0] in "ymdhs"]
    words = dict.fromkeys(range(len(parts)), "")
    for order, n in enumerate(letters):
        before = parts[letters[order - 1]][0] if order else ""
        after = parts[letters[order + 1]][0] if order + 1 < len(letters) else ""
        minutes = parts[n][0] == "m" and (before == "h" or after == "s")
        words[n] = (_MINUTES if minutes else _DAYS | _TIMES).get(parts[n], "")
        if not words[n]:
            return None
    return "".join(words[n] or f'"{part}"' for n, part in enumerate(parts)) if letters else None
