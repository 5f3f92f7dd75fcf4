"""Numbers as people write them, by the unit that the column's name ends with; nothing is guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.written_numbers import Unit, read, unit_of

NONE, SHARE, YUAN, TEN_THOUSAND = Unit(), Unit(0, "%"), Unit(0, "元"), Unit(4, "元")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", "5"), ("-5", "-5"), ("+5", "5"), ("−5", "-5"), ("－５", "-5"), ("- 5", "-5"), ("0.50", "0.50"),
        (".5", "0.5"), ("5.", "5"), ("１２．５", "12.5"), ("1,200", "1200"), ("1，200．5", "1200.5"),
        ("12 345", "12345"),
        ("1,234,567.89", "1234567.89"), ("(5)", "-5"), ("（1,200.50）", "-1200.50"), ("( 5 )", "-5"),
        ("¥1,200.50", "1200.50"), ("￥1200", "1200"), ("-¥5", "-5"), ("¥-5", "-5"), ("(¥5)", "-5"), ("RMB 5", "5"),
        ("人民币5元", "5"), ("1,200元", "1200"), ("1,200 元", "1200"), ("5元整", "5"), ("¥5元", "5"), ("3万",
        "30000"),
        ("1.5万元", "15000"), ("1.5 万元", "15000"), ("2千", "2000"), ("3百万", "3000000"), ("1亿", "100000000"),
        ("-3万", "-30000"), ("（3万元）", "-30000"), ("12%", "0.12"), ("12.5％", "0.125"), ("(12%)", "-0.12"),
        ("-12 %", "-0.12"), ("0", "0"), ("000123", "123"),
    ],
)  # fmt: skip
def test_a_column_without_a_unit(text: str, number: str) -> None:
    assert read(text, NONE) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "五", "三万", "1,2", "1,20,300", "1.200,50", "1,200,50", "12 13", "5²", "½", "①", "1e5",
        "1E+05", "5-",
        "(-5)", "((5))", "5)", "(5", "--5", "-¥-5", "$5", "€5", "5美元", "¥5%", "3万%", "3万2", "3万5千",
        "5米", "约5", "5余",
        "5/6", "5:30", "5个", "nan", "inf", "0x10", "1_000", "5 % 5", "¥", "元", "%",
    ],
)  # fmt: skip
def test_what_could_mean_something_else_is_no_number(text: str) -> None:
    assert read(text, NONE) is None


@pytest.mark.parametrize(
    ("unit", "text", "number"),
    [
        (SHARE, "12%", "12"), (SHARE, "12.5％", "12.5"), (SHARE, "12", "12"), (SHARE, "0.12", "0.12"),
        (SHARE, "12元", None), (SHARE, "¥12", None), (YUAN, "12%", None), (YUAN, "3万元", "30000"), (YUAN, "¥5", "5"),
        (TEN_THOUSAND, "3", "3"), (TEN_THOUSAND, "3万", "3"), (TEN_THOUSAND, "3万元", "3"), (TEN_THOUSAND,
        "30000元", "3"),
        (TEN_THOUSAND, "1亿元", "10000"), (TEN_THOUSAND, "¥3万", "3"), (TEN_THOUSAND, "¥3", None),
        (TEN_THOUSAND, "3%", None), (Unit(0, "米"), "12米", "12"), (Unit(0, "米"), "12公里", None),
        (Unit(3, "米"), "5千米", "5"), (Unit(4, "人"), "3万人", "3"), (Unit(4, "人"), "12000人", "1.2"),
        (Unit(0, "人"), "5元", None),
    ],
)  # fmt: skip
def test_the_unit_of_the_column_decides(unit: Unit, text: str, number: str | None) -> None:
    assert read(text, unit) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("labels", "unit"),
    [
        (("占比（%）",), SHARE), (("完成率(％)",), SHARE), (("占比", "Share (per cent)"), NONE), (("占比",
        "Share (percent)"), SHARE),
        (("金额（万元）",), TEN_THOUSAND), (("金额(元)",), YUAN), (("人口（万）",), Unit(4, "")),
        (("长度（千米）",), Unit(3, "米")),
        (("金额（含税）",), NONE), (("备注（选填）",), NONE), (("（%）占比",), NONE), (("金额",), NONE), ((), NONE),
        (("金额", "Amount (元)"), YUAN), (("面积 （ 平方米 ）",), Unit(0, "平方米")),
    ],
)  # fmt: skip
def test_the_unit_ends_the_name_in_brackets(labels: tuple[str, ...], unit: Unit) -> None:
    assert unit_of(*labels) == unit


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False))
def test_a_number_as_workbooks_show_it_is_read_back(number: Decimal) -> None:
    assert read(f"{number:,.2f}") == number
    assert read(f"¥{number:,.2f}") == number
    shown = f"({-number:,.2f})" if number < 0 else f"{number:,.2f}"
    assert read(shown) == number
