"""Reading a roster from a sheet: what a row says, what cannot be read, where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.rules import roster_lists
from app.rules.errors import Invalid

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = date(2026, 12, 1)
HEAD = ("日期", "星期", "开始", "结束", "主班", "副班", "班次名称")


def read(*rows: Sequence[Any], head: Sequence[str] = HEAD) -> roster_lists.Reading:
    return roster_lists.read(enumerate([["示例值班表"], head, *rows], 1), MONTH, ZONE)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("day", "start", "end", "expected"),
    [
        ("2026-12-01", "08:00", "20:00", (at(1, 8), at(1, 20))),
        ("2026年12月1日", "8：00", "20：30", (at(1, 8), at(1, 20, 30))),
        ("12月1日 周二", "20:00", "次日08:00", (at(1, 20), at(2, 8))),
        ("12/1", "20:00", "08:00 next day", (at(1, 20), at(2, 8))),
        ("12-1", "20:00", "08:00", (at(1, 20), at(2, 8))),
        (date(2026, 12, 1), time(8), "24:00", (at(1, 8), at(2, 0))),
        (datetime(2026, 12, 1), 8 / 24, timedelta(hours=20), (at(1, 8), at(1, 20))),
        (46357, "08:00", "2026-12-03 08:00", (at(1, 8), at(3, 8))),
        ("", datetime(2026, 12, 1, 8), datetime(2026, 12, 2, 8), (at(1, 8), at(2, 8))),
    ],
)
def test_dates_and_times_are_read_as_offices_write_them(
    day: Any, start: Any, end: Any, expected: tuple[datetime, datetime]
) -> None:
    found = read((day, "", start, end, "示例甲、示例乙", "示例丙", "白班"))
    assert found.faults == ()
    (line,) = found.lines
    assert (line.starts_at, line.ends_at) == expected
    assert (line.row, line.main, line.second, line.label) == (3, "示例甲、示例乙", "示例丙", "白班")


def test_a_date_stands_for_the_rows_below_it_and_notes_are_left_aside() -> None:
    found = read(
        ("2026-12-01", "二", "08:00", "20:00", "示例甲", ""),
        ("", "", "20:00", "08:00", "示例乙", ""),
        ("2026-12-02", "三", "", "", "", ""),
        ("2026-12-03", "四", "08:00", "20:00", "示例丙", ""),
        ("说明：无人值班的日期空着。",),
    )
    assert found.faults == ()
    assert [line.starts_at for line in found.lines] == [at(1, 8), at(1, 20), at(3, 8)]


def test_one_column_may_hold_both_times() -> None:
    rows = ("12-01", "08:00–20:00", "示例甲"), ("12-01", "20:00至次日08:00", "示例乙")
    found = read(*rows, head=("Date", "Time", "Main"))
    assert [(line.starts_at, line.ends_at) for line in found.lines] == [(at(1, 8), at(1, 20)), (at(1, 20), at(2, 8))]


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (("2026-13-01", "", "08:00", "20:00", "示例甲"), "A", "field.date-unreadable"),
        (("2026-12-01", "", "八点", "20:00", "示例甲"), "C", "field.time-unreadable"),
        (("2026-12-01", "", "08:00", "25:00", "示例甲"), "D", "field.time-unreadable"),
        (("2026-12-01", "", "08:00", "", "示例甲"), "D", "field.time-unreadable"),
        (("2026-12-01", "", "08:00", "2026-11-30 08:00", "示例甲"), "D", "period.ends-before-start"),
        (("2026-12-01", "", "08:00", "20:00", ""), "E", "shift.nobody"),
    ],
)
def test_what_cannot_be_read_is_told_by_row_and_column(row: Sequence[Any], column: str, code: str) -> None:
    found = read(row)
    assert found.lines == ()
    assert [(fault.row, fault.column, fault.code) for fault in found.faults] == [(3, column, code)]


def test_a_sheet_without_a_head_is_no_roster() -> None:
    with pytest.raises(Invalid, match=r"roster\.no-head"):
        read(("2026-12-01", "08:00"), head=("什么", "别的"))


@pytest.mark.parametrize(("column", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ")])
def test_columns_have_letters(column: int, letters: str) -> None:
    assert roster_lists.letter(column) == letters
