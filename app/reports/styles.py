"""The look of our workbooks: calm, official, legible on paper in grey."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .table import Kind, Wording

FONT = "Microsoft YaHei"
INK, QUIET, LINE, BAND, ACCENT, SECOND = "#1F2933", "#66727F", "#C9D1DA", "#E9EEF4", "#2F5D8A", "#A9BCD0"
# Without a scheme, or Excel would show the theme's font instead of the one named.
DEFAULT_FONT: Mapping[str, Any] = MappingProxyType(
    {"font_name": FONT, "font_size": 10, "font_color": INK, "font_family": 2, "font_scheme": "none"}
)

_ALIGN: dict[Kind, str] = {"text": "left", "ordinal": "center", "moment": "center", "date": "center"}
_CELL: dict[str, Any] = {"border": 1, "border_color": LINE, "valign": "vcenter"}
_ROLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "valign": "vcenter"},
    "fact": {"font_size": 9, "font_color": QUIET, "valign": "vcenter"},
    "header": {**_CELL, "bold": True, "bg_color": BAND, "align": "center", "text_wrap": True},
    "header_above": {**_CELL, "bg_color": BAND, "bottom": 0},
    "header_below": {**_CELL, "bold": True, "bg_color": BAND, "align": "center", "text_wrap": True, "top": 0},
    "note": {"font_size": 9, "font_color": QUIET, "text_wrap": True, "valign": "top"},
    "empty": {**_CELL, "font_color": QUIET, "align": "center"},
    "body": _CELL,
    "total": {**_CELL, "bold": True, "bg_color": BAND, "top": 2, "top_color": QUIET},
}


def quoted(word: str) -> str:
    """A word inside a number format."""
    return '"' + word.replace('"', "") + '"'


def number_formats(words: Wording) -> dict[Kind, str]:
    """Kind → Excel number format. Text is '@', so that editing a cell never turns `=…` or 18 digits into
    something else. A duration is a number of days: it sorts, and reads in hours and minutes below one day.
    `_ ` keeps figures off the right border (programs disagree on indents there)."""
    day, hour, minute, point = (
        quoted(f" {word}") for word in (words.day, words.hour, words.minute, words.point)
    )
    return {
        "text": "@", "ordinal": "0", "int": "#,##0_ ", "decimal": "#,##0.00_ ", "percent": "0.00%_ ",
        "growth": "+0.00%_ ;-0.00%_ ;0.00%_ ", "points": f"+0.00{point}_ ;-0.00{point}_ ;0.00{point}_ ",
        "moment": "yyyy-mm-dd hh:mm", "date": "yyyy-mm-dd",
        "duration": f"[>=1]#,##0.0{day}_ ;[>=0][h]{hour} mm{minute}_ ;-#,##0.0{day}_ ",
    }


class Styles:
    """The formats of one workbook, made once each, in order of first use: equal books give equal bytes."""

    def __init__(self, workbook: Any, words: Wording) -> None:
        self._workbook = workbook
        self._numbers = number_formats(words)
        self._made: dict[tuple[str, Kind | None, bool], Any] = {}

    def of(self, role: str, kind: Kind | None = None, *, dash: bool = False) -> Any:
        """A role's format; `kind` adds alignment and number format, `dash` centres the mark of no figure."""
        key = (role, kind, dash)
        if key not in self._made:
            look = dict(_ROLES[role])
            if kind:
                look["align"] = "center" if dash else _ALIGN.get(kind, "right")
                look |= {"indent": 1} if look["align"] == "left" else {}
                look["num_format"] = self._numbers[kind]
                look |= {"text_wrap": True} if kind == "text" else {}
            self._made[key] = self._workbook.add_format(look)
        return self._made[key]
