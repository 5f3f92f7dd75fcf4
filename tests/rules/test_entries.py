"""What is entered into a field of a dictionary, as a typed value or as a problem at the field."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.rules.entries import Field, Kind, blank, code_from, parse, same_shape
from app.rules.errors import Invalid

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHOICES = {"A": "甲", "B": "乙", "C": "丙"}


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Kind.TEXT, "  示例\u3000处室\x00 ", "示例 处室"),
        (Kind.TEXT, None, ""),
        (Kind.LONG, "一\r\n二", "一\n二"),
        (Kind.CODE, "duty_office", "duty_office"),
        (Kind.EMAIL, "a@example.invalid", "a@example.invalid"),
        (Kind.EMAIL, "", ""),
        (Kind.INT, "-15", -15),
        (Kind.INT, "", None),
        (Kind.INT, 7, 7),
        (Kind.BOOL, "y", True),
        (Kind.BOOL, "", False),
        (Kind.BOOL, None, False),
        (Kind.DATE, "2026-10-01", date(2026, 10, 1)),
        (Kind.DATE, date(2026, 10, 1), date(2026, 10, 1)),
        (Kind.MOMENT, "2026-10-01 08:00", datetime(2026, 10, 1, tzinfo=UTC)),
        (Kind.MOMENT, "2026-10-01T08:00:00+00:00", datetime(2026, 10, 1, 8, tzinfo=UTC)),
        (Kind.MOMENT, "2026-10-01", datetime(2026, 9, 30, 16, tzinfo=UTC)),
        (Kind.MOMENT, datetime(2026, 10, 1, 8), datetime(2026, 10, 1, tzinfo=UTC)),
        (Kind.MOMENT, "", None),
        (Kind.TIME, "11:00", "11:00"),
        (Kind.TIME, time(11), "11:00"),
        (Kind.CHOICE, "B", "B"),
        (Kind.CHOICE, "", None),
        (Kind.CHOICES, ["C", "A", "A"], ["A", "C"]),
        (Kind.CHOICES, "C|A", ["A", "C"]),
        (Kind.ROW, "12", 12),
        (Kind.ROW, "", None),
        (Kind.ROWS, ["3", "2", "3", ""], [3, 2]),
        (Kind.JSON, '{"a": [1]}', {"a": [1]}),
        (Kind.MOBILE, " 138 0000-0001 ", "13800000001"),
        (Kind.MOBILE, "+86 13800000001", "13800000001"),
        (Kind.MOBILE, "", None),
        (Kind.MOBILE, "-", ""),
    ],
)
def test_what_can_be_read_is_typed(kind: Kind, raw: object, value: object) -> None:
    assert parse(Field("x", kind=kind, choices=CHOICES), raw, SHANGHAI) == value


@pytest.mark.parametrize(
    ("kind", "raw", "code"),
    [
        (Kind.TEXT, "x" * 11, "field.too-long"),
        (Kind.CODE, "Duty Office", "field.code"),
        (Kind.EMAIL, "not an address", "field.email"),
        (Kind.EMAIL, "a@b", "field.email"),
        (Kind.INT, "1.5", "field.int-unreadable"),
        (Kind.INT, "12345678901", "field.int-unreadable"),
        (Kind.INT, True, "field.int-unreadable"),
        (Kind.DATE, "2026-02-30", "field.date-unreadable"),
        (Kind.MOMENT, "soon", "field.moment-unreadable"),
        (Kind.MOMENT, "0001-01-01", "field.moment-unreadable"),
        (Kind.TIME, "25:00", "field.time-unreadable"),
        (Kind.CHOICE, "Z", "field.choice"),
        (Kind.CHOICES, ["A", "Z"], "field.choice"),
        (Kind.ROW, "1; drop table", "field.choice"),
        (Kind.ROW, "１", "field.choice"),
        (Kind.ROWS, ["1", "x"], "field.choice"),
        (Kind.JSON, "{", "field.json-unreadable"),
        (Kind.JSON, "NaN", "field.json-unreadable"),
        (Kind.JSON, "[" * 100_000, "field.json-unreadable"),
        (Kind.MOBILE, "1380000000", "phone.not-mobile"),
        (Kind.MOBILE, "8223172", "phone.not-mobile"),
    ],
)
def test_what_cannot_be_read_is_named_at_its_field(kind: Kind, raw: object, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(Field("x", kind=kind, choices=CHOICES, limit=10 if kind is Kind.TEXT else 0), raw, SHANGHAI)
    assert (refused.value.code, refused.value.field) == (code, "x")


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.INT, Kind.MOMENT, Kind.CHOICE, Kind.CHOICES, Kind.ROW, Kind.ROWS])
def test_nothing_in_a_required_field_is_a_problem(kind: Kind) -> None:
    with pytest.raises(Invalid, match=r"field.required"):
        parse(Field("x", kind=kind, required=True, choices=CHOICES), "", SHANGHAI)


@pytest.mark.parametrize(
    ("kind", "value"), [(Kind.TEXT, ""), (Kind.ROWS, []), (Kind.CHOICES, []), (Kind.BOOL, False), (Kind.ROW, None)]
)
def test_a_field_is_blank_in_its_own_way(kind: Kind, value: object) -> None:
    assert blank(Field("x", kind=kind)) == value


def test_a_default_fills_a_new_row() -> None:
    assert blank(Field("x", kind=Kind.BOOL, default=True)) is True


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ({"from": "21:00", "n": 1}, {"from": "22:30", "n": 2}, True),
        ({"from": "21:00"}, {"from": "late"}, False),
        ({"from": "21:00"}, {"from": "21:00", "more": 1}, False),
        (["C", "D"], ["E"], True),
        (["C", "D"], [], True),
        (["C", "D"], [1], False),
        ("vacant", "filled", True),
        ("vacant", "", False),
        (1, 2.5, True),
        (1, True, False),
        (True, False, True),
        (None, None, True),
        (None, 1, False),
        ({"a": 1}, [1], False),
    ],
)
def test_a_value_keeps_its_shape(old: Any, new: Any, same: bool) -> None:
    assert same_shape(old, new) is same


@pytest.mark.parametrize(
    ("syllables", "taken", "code"),
    [
        (["shi", "li", "ke"], set(), "shi_li_ke"),
        (["shi", "li"], {"shi_li", "shi_li_2"}, "shi_li_3"),
        (["110", "lian", "dong"], set(), "row_110_lian_dong"),
        (["（", "）"], set(), "row"),
    ],
)
def test_a_code_is_made_from_the_name(syllables: list[str], taken: set[str], code: str) -> None:
    assert code_from(syllables, taken.__contains__) == code
