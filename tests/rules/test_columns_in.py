"""Cells read by the column are what each is read as by itself; what is not certain is left to that."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.rules import columns_in
from app.rules.columns_in import Mark, Reader
from app.rules.errors import Invalid
from app.rules.imports_into import typed
from app.rules.values import Option, Rule, Value, ValueKind, read

ZONE = ZoneInfo("Asia/Shanghai")
K = ValueKind
COLOURS = (Option("a", "红", "Red"), Option("b", "绿", "Green"), Option("c3", "3"))
SPECS = {
    "text": Value("x", K.TEXT), "required text": Value("x", K.TEXT, required=True),
    "short text": Value("x", K.TEXT, rule=Rule(longest=3)), "masked text": Value("x", K.TEXT, rule=Rule(mask="S-#")),
    "long": Value("x", K.LONG), "number": Value("x", K.NUMBER), "whole": Value("x", K.NUMBER, rule=Rule(decimals=0)),
    "exact": Value("x", K.NUMBER, rule=Rule(decimals=10)), "money": Value("x", K.MONEY),
    "bounded": Value("x", K.NUMBER, rule=Rule(least=Decimal("0.7"), most=Decimal("1200"))),
    "share": Value("x", K.NUMBER, labels=("完成率（%）",)),
    "ten thousands": Value("x", K.MONEY, labels=("经费（万元）",)),
    "metres": Value("x", K.NUMBER, labels=("长度（米）",)),
    "this year": Value("x", K.DATE, today=date(2026, 11, 26)),
    "date": Value("x", K.DATE), "bounded date": Value("x", K.DATE, rule=Rule(least="2026-01-01", most="2026-12-31")),
    "moment": Value("x", K.MOMENT), "bool": Value("x", K.BOOL), "choice": Value("x", K.CHOICE, options=COLOURS),
    "choices": Value("x", K.CHOICES, options=COLOURS), "unit": Value("x", K.UNIT),
    "person": Value("x", K.PERSON, required=True), "formula": Value("x", K.FORMULA),
}  # fmt: skip
CELLS: list[Any] = [
    None, "", " ", "\u3000", "\x00", "a", " a ", "a  b", "a\tb", "a\n\n\n\nb", "第一行\n第二行", "示例\u00a0字",
    "\ufeff示例", "_x000D_", "x" * 500, "x" * 501, "x" * 20_001, "S-1", "S-12", "红", "Green", "a、b", "红;绿",
    "是", "否", "yes", "√", "true", "TRUE", "3", "3.0", "03", "１２", "1,200.5", "1,2", "-0.5", "+7", "1e5",
    "￥9.99", "很多", "1" * 15, "1" * 16,
    0.0, -0.0, 3.0, 3.5, 0.1, 0.7, 0.1 + 0.2, 12.345, 2.675, 1e-7, 1e-11, 0.000001, 1e14, 1e15, 1e16, 1e300, -1e15,
    123456789012345.6, float("inf"), float("nan"), 45_000.0, 45_000.5, 1, 3, 0, -2, 45_000, True, False,
    date(2026, 3, 5), date(1800, 1, 1), datetime(2026, 3, 5), datetime(2026, 3, 5, 8, 30),
    datetime(2026, 3, 5, 8, 30, 7),
    time(8, 30), timedelta(hours=30), "2026-03-05", "2026/3/5", "2026年3月5日", "2026-03-05 08:30", "2026-13-01",
    "20260305", "3月5日", "50%", "50", "3万元", "3万", "5米", Decimal("1.5"), [1, "示例"], ["a"], b"x",
]  # fmt: skip


def alone(spec: Value, cell: Any) -> Any:
    """What a cell is by itself: what is refused, and what files do not hold, is doubtful."""
    if not isinstance(cell, str | int | float | bool | date | time | timedelta | None):
        return Mark.DOUBTFUL
    value = typed(cell)
    if value in (None, ""):
        return Mark.ABSENT
    if spec.kind in (K.UNIT, K.PERSON) and isinstance(value, str) and not (value.isascii() and value.isdigit()):
        return {"示例": 4}.get(value, Mark.DOUBTFUL)
    try:
        return read(spec, value, ZONE)
    except Invalid:
        return Mark.DOUBTFUL


def kept(values: list[Any]) -> list[tuple[type, Any]]:
    """Values with their types: True is no 1, and 1.0 is written otherwise than 1."""
    return [(type(one), one) for one in values]


@pytest.mark.parametrize("name", SPECS)
def test_a_column_is_read_as_its_cells_are(name: str) -> None:
    spec = SPECS[name]
    wanted = kept([alone(spec, cell) for cell in CELLS])
    reader = Reader(spec, ZONE)
    for _again in range(2):
        assert kept(reader.read(CELLS, {"示例": 4, "两个": None})) == wanted
    for cell, one in zip(CELLS, wanted, strict=True):
        assert kept(reader.read([cell, cell], {"示例": 4})) == [one, one]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(SPECS)),
    st.lists(st.one_of(
        st.text(max_size=12), st.floats(), st.floats(-2e3, 2e3).map(lambda one: round(one, 3)), st.integers(),
        st.booleans(), st.none(), st.dates(), st.datetimes(), st.times(),
        st.sampled_from(["示例", "两个", "红", "是", "7"]),
        st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    ), max_size=12),
)  # fmt: skip
def test_whatever_stands_in_a_column(name: str, cells: list[Any]) -> None:
    spec = SPECS[name]
    found = Reader(spec, ZONE).read(cells, {"示例": 4, "两个": None})
    assert repr(kept(found)) == repr(kept([alone(spec, cell) for cell in cells]))


def test_names_are_asked_for_anew_with_each_part() -> None:
    reader = Reader(SPECS["unit"], ZONE)
    cells = ["示例", "12", 12.0, None, "两个"]
    assert reader.names(cells) == {"示例", "两个"}
    assert reader.read(cells, {"示例": 4}) == [4, 12, 12, Mark.ABSENT, Mark.DOUBTFUL]
    assert reader.read(cells, {"两个": 5}) == [Mark.DOUBTFUL, 12, 12, Mark.ABSENT, 5]


def test_what_is_remembered_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_in, "MOST_KEPT", 3)
    reader = Reader(SPECS["date"], ZONE)
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(10)]
    assert reader.read(days) == [day.isoformat() for day in days]
    assert max(len(one) for one in reader._memories.values()) <= 3


def test_an_empty_cell_empties_what_may_be_empty() -> None:
    assert Reader(SPECS["text"], ZONE).empty() is None
    assert Reader(SPECS["required text"], ZONE).empty() is Mark.DOUBTFUL
