"""Values of fields made at run time: read from what people type and paste, kept so that text order is their order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.grid_tables import VALUE_KINDS
from app.rules.errors import Invalid
from app.rules.values import Option, Rule, Value, ValueKind, mask_pattern, moment_text, read

ZONE = ZoneInfo("Asia/Shanghai")
COLOURS = (Option("a", "红", "Red"), Option("b", "绿", "Green"))
K = ValueKind


def test_the_database_knows_the_same_kinds() -> None:
    assert tuple(kind.value for kind in ValueKind) == VALUE_KINDS


@pytest.mark.parametrize(
    ("spec", "raw", "kept"),
    [
        (Value("x", K.TEXT), "  示例 \u00a0文字\n", "示例 文字"),
        (Value("x", K.TEXT), 3.0, "3"),
        (Value("x", K.TEXT), "110105194912310021", "110105194912310021"),
        (Value("x", K.LONG), "一\r\n\r\n\r\n二", "一\n\n二"),
        (Value("x", K.NUMBER), "1,234.50", 1234.5),
        (Value("x", K.NUMBER), "１２", 12),
        (Value("x", K.NUMBER), "-0.1", -0.1),
        (Value("x", K.MONEY), "￥99.999", 100),
        (Value("x", K.DATE), "2026年3月5日", "2026-03-05"),
        (Value("x", K.DATE), datetime(2026, 3, 4, 20, tzinfo=UTC), "2026-03-05"),
        (Value("x", K.DATE), date(2026, 3, 5), "2026-03-05"),
        (Value("x", K.MOMENT), "2026-03-05 08:00", "2026-03-05T00:00:00.000000Z"),
        (Value("x", K.BOOL), "是", True),
        (Value("x", K.BOOL), "否", False),
        (Value("x", K.CHOICE, options=COLOURS), "绿", "b"),
        (Value("x", K.CHOICES, options=COLOURS), "Green、红", ["a", "b"]),
        (Value("x", K.UNIT), "12", 12),
        (Value("x", K.FILES), [3, "3", 4], [3, 4]),
        (Value("x", K.TEXT), "", None),
        (Value("x", K.TEXT, rule=Rule(mask="示例-###")), "示例-012", "示例-012"),
    ],
)
def test_what_people_write_is_read(spec: Value, raw: object, kept: Any) -> None:
    assert read(spec, raw, ZONE) == kept


@pytest.mark.parametrize(
    ("spec", "raw", "code"),
    [
        (Value("x", K.TEXT, required=True), " ", "field.required"),
        (Value("x", K.TEXT), "x" * 501, "field.too-long"),
        (Value("x", K.NUMBER), "12abc", "field.decimal-unreadable"),
        (Value("x", K.NUMBER), "1" * 16, "field.decimal-unreadable"),
        (Value("x", K.NUMBER), float("nan"), "field.decimal-unreadable"),
        (Value("x", K.NUMBER, rule=Rule(least=Decimal(1))), "0", "field.too-small"),
        (Value("x", K.DATE, rule=Rule(most="2026-01-01")), "2026-01-02", "field.too-large"),
        (Value("x", K.DATE), "2026-02-30", "field.date-unreadable"),
        (Value("x", K.MOMENT), "soon", "field.moment-unreadable"),
        (Value("x", K.BOOL), "vielleicht", "field.bool-unreadable"),
        (Value("x", K.CHOICE, options=COLOURS), "blau", "field.choice"),
        (Value("x", K.LINK), "1.5", "field.choice"),
        (Value("x", K.TEXT, rule=Rule(mask="###")), "12a", "field.mask"),
        (Value("x", K.FORMULA), "1", "field.computed"),
    ],
)
def test_what_cannot_be_read_is_said_at_the_field(spec: Value, raw: object, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(spec, raw, ZONE)
    assert (refused.value.code, refused.value.field) == (code, "x")


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_moments_sort_as_text_does(one: datetime, other: datetime) -> None:
    if one.year >= 1000 and other.year >= 1000:
        assert (one < other) == (moment_text(one) < moment_text(other))


@given(st.sampled_from(list(ValueKind)), st.text(max_size=60))
def test_nothing_but_a_refusal_is_ever_raised(kind: ValueKind, raw: str) -> None:
    spec = Value("x", kind, options=COLOURS)
    try:
        kept = read(spec, raw, ZONE)
    except Invalid:
        return
    # What was kept is read again as itself.
    assert read(spec, kept, ZONE) == kept


def test_a_mask_takes_no_pattern_that_never_ends() -> None:
    with pytest.raises(Invalid):
        mask_pattern("***")
    assert mask_pattern("(#*") == "\\([0-9].*"


TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("11-3", "2026-11-03"), ("11/3", "2026-11-03"), ("1-1", "2026-01-01"), ("11月3日", "2026-11-03"),
        ("11月3号", "2026-11-03"), ("11 月 3 日", "2026-11-03"), ("11月3", "2026-11-03"), ("１１－３", "2026-11-03"),
        ("2026.11.3", "2026-11-03"), ("2026年11月3日", "2026-11-03"), ("2026年11月3", "2026-11-03"),
        ("2026/11/3", "2026-11-03"), ("20261103", "2026-11-03"), ("46329", "2026-11-03"), ("46329.4", "2026-11-03"),
        ("11-3 9:30", "2026-11-03"), (46329, "2026-11-03"), (46329.0, "2026-11-03"), ("2024-2-29", "2024-02-29"),
    ],
)  # fmt: skip
def test_a_day_as_people_type_it_is_of_the_offices_year(typed: object, day: str) -> None:
    assert read(Value("day", ValueKind.DATE, today=TODAY), typed, ZONE) == day


@pytest.mark.parametrize(
    "typed",
    ["11.3", "11.30", "13-5", "2-29", "26-11-3", "3/11/2026", "2026-11", "2026年11月", "261103", "202611",
    "20261303", "3", "12345",
     "2026", "11月", "3日", "11-3-", "11--3"],
)  # fmt: skip
def test_a_day_that_could_be_another_is_refused(typed: str) -> None:
    with pytest.raises(Invalid, match=r"field\.date-unreadable"):
        read(Value("day", ValueKind.DATE, today=TODAY), typed, ZONE)


def test_without_the_offices_day_no_year_is_made_up() -> None:
    for typed in ("11-3", "46329", "20261103"):
        with pytest.raises(Invalid):
            read(Value("day", ValueKind.DATE), typed, ZONE)


def test_a_moment_may_leave_its_year_out_too() -> None:
    spec = Value("at", ValueKind.MOMENT, today=TODAY)
    for typed in ("11-3 9:30", "11月3日9:30", "11月3日 上午9时30分", "20261103 9:30", "46329.395833333336"):
        assert read(spec, typed, ZONE) == "2026-11-03T01:30:00.000000Z"


def test_the_name_of_a_column_says_its_unit_and_money_is_no_share() -> None:
    share = Value("share", ValueKind.NUMBER, labels=("占比（%）",))
    assert read(share, "12.5％", ZONE) == 12.5
    assert read(Value("share", ValueKind.NUMBER, labels=("占比",)), "12.5％", ZONE) == 0.125
    assert read(Value("sum", ValueKind.MONEY, labels=("金额（万元）",)), "15,000元", ZONE) == 1.5
    with pytest.raises(Invalid, match=r"field\.decimal-unreadable"):
        read(Value("sum", ValueKind.MONEY, labels=("金额",)), "12%", ZONE)


def test_what_has_too_many_decimals_is_rounded_as_in_a_workbook() -> None:
    assert read(Value("sum", ValueKind.MONEY), "0.125", ZONE) == 0.13
    assert read(Value("sum", ValueKind.MONEY), "-2.345", ZONE) == -2.35
