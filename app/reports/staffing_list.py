"""The staffing list in the layout of annex 3, and the same as an .xlsx file (R1, R16, R17).

A number stands under a name where the person is named first, as the annex has it; under every mention of a name
that two persons share, so that whoever reads the file again knows which of them is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, BinaryIO

import xlsxwriter

from . import text
from .table import N_, Translate

TITLE = N_("Posts, staff and duties of the Voice of the People Express")
HEADS = (
    N_("Post"),
    N_("Duty"),
    N_("Responsible office"),
    N_("Responsible leader"),
    N_("A-role"),
    N_("B-role"),
)
ON_DUTY = N_("On-duty staff")
VACANT = N_("Vacant")
SHEET = N_("Staffing list")
_DATED = N_("As of %(year)s-%(month)s-%(day)s")
_NUMBERED = N_("No. %(number)s")

FONT, HEAD_FONT = "宋体", "黑体"
_WIDTHS = (18, 46, 20, 15, 15, 15)
_LINE, _PADDING, _TALLEST = 15.0, 9, 400


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """Somebody in the list; `key` tells two persons of one name apart."""

    key: int
    name: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class ListedPost:
    """A post with who stands at it; None is a vacancy, `on_duty` means that the duty roster fills both roles."""

    name: str
    duty: str
    office: str
    leader: ListedPerson | None
    a: ListedPerson | None = None
    b: ListedPerson | None = None
    on_duty: bool = False


@dataclass(frozen=True, slots=True)
class StaffingList:
    """The posts in order, as of a moment; `number` is empty for a list that was not published."""

    posts: tuple[ListedPost, ...]
    as_of: datetime
    number: str = ""


def heads(t: Translate) -> tuple[str, ...]:
    """The six heads of the table."""
    return tuple(t(head) for head in HEADS)


def subtitle(listed: StaffingList, zone: tzinfo, t: Translate) -> str:
    """Number and date under the title."""
    day = listed.as_of.astimezone(zone)
    dated = t(_DATED) % {"year": day.year, "month": f"{day.month:02d}", "day": f"{day.day:02d}"}
    numbered = t(_NUMBERED) % {"number": listed.number} if listed.number else ""
    return "    ".join(part for part in (numbered, dated) if part)


def rows(listed: StaffingList, t: Translate) -> list[tuple[str, ...]]:
    """The six cells of each post; a person is a name with a line end and the number under it."""
    shared = _shared_names(listed.posts)
    seen: set[int] = set()

    def said(person: ListedPerson | None) -> str:
        if person is None:
            return t(VACANT)
        is_told = person.key in seen and person.name not in shared
        seen.add(person.key)
        return person.name if is_told or not person.phone else f"{person.name}\n{person.phone}"

    found = []
    for post in listed.posts:
        leader = said(post.leader)
        a, b = (t(ON_DUTY), "") if post.on_duty else (said(post.a), said(post.b))
        found.append(tuple(map(text.clean, (post.name, post.duty, post.office, leader, a, b))))
    return found


def _shared_names(posts: Sequence[ListedPost]) -> set[str]:
    """Names that two persons of the list have."""
    keys: dict[str, set[int]] = {}
    for post in posts:
        for person in (post.leader, post.a, post.b):
            if person is not None:
                keys.setdefault(person.name, set()).add(person.key)
    return {name for name, found in keys.items() if len(found) > 1}


def workbook(listed: StaffingList, *, zone: tzinfo, t: Translate, out: BinaryIO) -> None:
    """Write the list as a workbook to be printed across A4; the same list gives the same bytes."""
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_format_properties": {"font_name": FONT, "font_size": 11, "font_scheme": "none"},
        },
    )
    book.set_properties({"title": t(TITLE), "created": listed.as_of.astimezone(UTC)})
    sheet = book.add_worksheet(text.sheet_names([t(SHEET)])[0])
    cell = {"border": 1, "valign": "vcenter", "text_wrap": True, "num_format": "@"}
    title = book.add_format({"font_name": HEAD_FONT, "font_size": 18, "align": "center", "valign": "vcenter"})
    dated = book.add_format({"font_size": 11, "align": "right", "valign": "vcenter"})
    head = book.add_format({**cell, "font_name": HEAD_FONT, "align": "center"})
    long, short = book.add_format({**cell, "align": "left"}), book.add_format({**cell, "align": "center"})
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    last = len(_WIDTHS) - 1
    sheet.set_row(0, 36)
    sheet.merge_range(0, 0, 0, last, t(TITLE), title)
    sheet.set_row(1, 20)
    sheet.merge_range(1, 0, 1, last, subtitle(listed, zone, t), dated)
    _row(sheet, 2, heads(t), [head] * len(_WIDTHS))
    for number, cells in enumerate(rows(listed, t), 3):
        _row(sheet, number, cells, [short, long, short, short, short, short])
    _print(sheet, last=max(len(listed.posts) + 2, 2))
    book.close()


def _row(sheet: Any, number: int, cells: Sequence[str], styles: Sequence[Any]) -> None:
    lines = max(text.lines(cell, width - 2) for cell, width in zip(cells, _WIDTHS, strict=True))
    sheet.set_row(number, min(lines * _LINE + _PADDING, _TALLEST))
    for column, (cell, style) in enumerate(zip(cells, styles, strict=True)):
        sheet.write_string(number, column, cell[: text.CELL_LIMIT], style)


def _print(sheet: Any, *, last: int) -> None:
    sheet.freeze_panes(3, 1)
    sheet.repeat_rows(2)
    sheet.print_area(0, 0, last, len(_WIDTHS) - 1)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.set_margins(left=0.6, right=0.6, top=0.75, bottom=0.75)
    sheet.fit_to_pages(1, 0)
    sheet.center_horizontally()
    sheet.set_footer("&C- &P -")
