"""Formulas computed by the real PostgreSQL: each function, empty values, and what must never be an error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.messages import sentence
from app.models import db
from app.rules.errors import Invalid
from app.rules.formulas import FUNCTIONS, parse
from app.rules.values import ValueKind
from app.services.formula_sql import compiled

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)  # in Shanghai it is the 26th

ROW = Table(
    "formula_row",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("n", Numeric),
    Column("whole", Integer),
    Column("big", BigInteger),
    Column("none", Numeric),
    Column("t", String),
    Column("note", String),
    Column("d", Date),
    Column("noday", Date),
    Column("m", DateTime(timezone=True)),
    Column("b", Boolean),
    Column("nob", Boolean),
    Column("tags", JSONB),
    Column("notags", JSONB),
    prefixes=["TEMPORARY"],
)
KINDS = {
    "n": ValueKind.MONEY,
    "whole": ValueKind.NUMBER,
    "big": ValueKind.NUMBER,
    "none": ValueKind.NUMBER,
    "t": ValueKind.TEXT,
    "note": ValueKind.LONG,
    "d": ValueKind.DATE,
    "noday": ValueKind.DATE,
    "m": ValueKind.MOMENT,
    "b": ValueKind.BOOL,
    "nob": ValueKind.BOOL,
    "tags": ValueKind.CHOICES,
    "notags": ValueKind.CHOICES,
}
VALUES = {
    "n": Decimal("1234.5"),
    "whole": 7,
    "big": 999_999_999_999_999,
    "t": " 示例  Road ",
    "d": date(2026, 11, 25),
    "m": datetime(2026, 11, 25, 16, 5, 9, tzinfo=UTC),  # the 26th, 00:05:09 in Shanghai
    "b": True,
    "tags": ["road", "light"],
    "notags": [],
}


@pytest.fixture
def row(app: Flask) -> None:
    """One row in a table of the test's own transaction."""
    ROW.create(db.session.connection())
    db.session.execute(ROW.insert().values(**VALUES))


def expression(text: str, zone: Any = SHANGHAI) -> ColumnElement[Any]:
    return compiled(parse(text, KINDS), lambda code: ROW.c[code], now=NOW, zone=zone)


def value(text: str, zone: Any = SHANGHAI) -> Any:
    return db.session.scalar(select(expression(text, zone)).select_from(ROW))


# What is written, and what comes of it.
EXPECTED: dict[str, list[tuple[str, Any]]] = {
    "IF": [
        ('IF({n}>1000,"大","小")', "大"),
        ('IF({none}>1,"大","小")', "小"),
        ("IF({b},1,2)", 1),
        ("IF({nob},1,2)", 2),
        ("IF({n}<0,1)", None),
        ('IF({n}>0,5,"")', 5),
        ('IF({n}<0,5,"")', None),
        ("IF({b},{m},{d})", date(2026, 11, 26)),
    ],
    "SWITCH": [
        ('SWITCH({whole},6,"六",7,"七","别的")', "七"),
        ('SWITCH({whole},6,"六")', None),
        ('SWITCH({none},6,"六","别的")', "别的"),
        ('SWITCH({whole}/3*3,7,"七")', "七"),
        ('SWITCH({d},DATE(2026,11,25),1,2)', 1),
    ],
    "AND": [("AND({b},{n}>1)", True), ("AND({b},{n}<1,TRUE)", False), ("AND({b},{nob})", None), ("AND({b})", True)],
    "OR": [("OR({n}<1,{b})", True), ("OR({n}<1,FALSE)", False), ("OR({nob},{n}<1)", None)],
    "NOT": [("NOT({b})", False), ("NOT({nob})", None), ("NOT({n}<1)", True)],
    "ISBLANK": [
        ("ISBLANK({none})", True),
        ("ISBLANK({n})", False),
        ("ISBLANK({note})", True),
        ('ISBLANK("")', True),
        ("ISBLANK({notags})", True),
        ("ISBLANK({tags})", False),
        ("ISBLANK({noday})", True),
        ("ISBLANK({nob})", True),
    ],
    "COALESCE": [
        ("COALESCE({none},{n})", Decimal("1234.5")),
        ('COALESCE({note},"","有")', "有"),
        ("COALESCE({none})", None),
        ("COALESCE({noday},{m})", date(2026, 11, 26)),
    ],
    "ROUND": [
        ("ROUND(2.5)", 3),
        ("ROUND(-2.5,0)", -3),
        ("ROUND(1234.567,2)", Decimal("1234.57")),
        ("ROUND({n},-2)", 1200),
        ("ROUND({n},{none})", None),
        ("ROUND({none},2)", None),
        ("ROUND({n},99999999999)", Decimal("1234.5")),
        ("ROUND({n},-99999999999)", 0),
        ("ROUND({big},-15)", None),
    ],
    "ABS": [("ABS(-3)", 3), ("ABS({none})", None)],
    "INT": [("INT(2.9)", 2), ("INT(-2.1)", -3), ("INT({none})", None)],
    "MOD": [
        ("MOD(7,3)", 1),
        ("MOD(-7,3)", 2),
        ("MOD(7,-3)", -2),
        ("MOD(-7,-3)", -1),
        ("MOD(6,-3)", 0),
        ("MOD(7,0)", None),
        ("MOD({none},3)", None),
        ("MOD(7,{none})", None),
        ("MOD(5.5,2)", Decimal("1.5")),
    ],
    "MIN": [
        ("MIN({n},{none},5)", 5),
        ("MIN({none})", None),
        ("MIN({d},{noday},DATE(2026,1,2))", date(2026, 1, 2)),
        ("MIN({m},{d})", date(2026, 11, 25)),
    ],
    "MAX": [("MAX({n},{none},5)", Decimal("1234.5")), ("MAX({none},{none})", None), ("MAX({m})", VALUES["m"])],
    "SUM": [("SUM({n},{none},0.5)", 1235), ("SUM({none})", 0), ("SUM({big},{big})", None)],
    "LEN": [('LEN("示例")', 2), ("LEN({note})", 0)],
    "LEFT": [
        ('LEFT("示例路灯",2)', "示例"),
        ('LEFT("示例",-1)', None),
        ('LEFT("示例",99999999999999)', "示例"),
        ('LEFT("示例",1.9)', "示"),
        ('LEFT("示例",{none})', None),
        ("LEFT({note},2)", None),
    ],
    "RIGHT": [
        ('RIGHT("示例路灯",2)', "路灯"),
        ('RIGHT("示例",-1)', None),
        ('RIGHT("示例",{big})', "示例"),
        ('RIGHT("示例",{none})', None),
    ],
    "MID": [
        ('MID("示例路灯",2,2)', "例路"),
        ('MID("示例",-5,1)', "示"),
        ('MID("示例",2,-5)', None),
        ('MID("示例",{big},{big})', None),
        ('MID("示例",{none},1)', None),
    ],
    "UPPER": [('UPPER("ab示")', "AB示"), ("UPPER({note})", None)],
    "LOWER": [('LOWER("AB示")', "ab示"), ("LOWER({note})", None)],
    "TRIM": [("TRIM({t})", "示例 Road"), ('TRIM("　示　　例 ")', "示 例"), ("TRIM({note})", None)],
    "CONCAT": [
        ('CONCAT("号",{whole},{note},"/",{n})', "号7/1234.5"),
        ("CONCAT({note})", None),
        ("CONCAT({d})", "2026-11-25"),
    ],
    "CONTAINS": [
        ('CONTAINS({t},"示例")', True),
        ('CONTAINS({t},"road")', False),
        ('CONTAINS({note},"x")', False),
        ("CONTAINS({t},{note})", False),
        ('CONTAINS({tags},"road")', True),
        ('CONTAINS({tags},"roa")', False),
        ('CONTAINS({notags},"road")', False),
        ("CONTAINS({tags},{note})", False),
        ('CONTAINS("100%_a","%_")', True),
    ],
    "FIND": [('FIND("例","示例")', 2), ('FIND("x","示例")', None), ("FIND({note},{t})", None)],
    "TEXT": [
        ("TEXT({n})", "1234.5"),
        ("TEXT(10/4)", "2.5"),
        ("TEXT({none})", None),
        ('TEXT({n},"0")', "1235"),
        ('TEXT({n},"0.00")', "1234.50"),
        ('TEXT({n},"#,##0.00")', "1,234.50"),
        ('TEXT({big},"#,##0")', "999,999,999,999,999"),
        ('TEXT(-0.256,"0.0%")', "-25.6%"),
        ('TEXT({none},"0%")', None),
        ("TEXT({d})", "2026-11-25"),
        ("TEXT({m})", "2026-11-26 00:05"),
        ('TEXT({d},"yyyy年m月d日")', "2026年11月25日"),
        ('TEXT(DATE(2026,3,4),"yyyy-mm-dd m/d")', "2026-03-04 3/4"),
        ('TEXT({m},"yyyy-mm-dd hh:mm:ss")', "2026-11-26 00:05:09"),
        ('TEXT({m},"h时m分 mm:ss")', "0时5分 05:09"),
        ('TEXT({noday},"yyyy")', None),
    ],
    "DATE": [
        ("DATE(2026,2,28)", date(2026, 2, 28)),
        ("DATE(2024,2,29)", date(2024, 2, 29)),
        ("DATE(2026,2,29)", None),
        ("DATE(2026,13,1)", None),
        ("DATE(2026,0,1)", None),
        ("DATE(0,1,1)", None),
        ("DATE(2026,1,32)", None),
        ("DATE(-1,-1,-1)", None),
        ("DATE({big},1,1)", None),
        ("DATE({none},1,1)", None),
        ("DATE(9999,12,31)", date.max),
        ("DATE(1,1,1)", date.min),
        ("DATE(2026.9,1.5,2.5)", date(2026, 1, 2)),
    ],
    "YEAR": [("YEAR({d})", 2026), ("YEAR({noday})", None)],
    "MONTH": [("MONTH({d})", 11), ("MONTH({noday})", None)],
    "DAY": [("DAY({d})", 25), ("DAY({m})", 26), ("DAY({noday})", None)],
    "WEEKDAY": [  # 25 November 2026 is a Wednesday
        ("WEEKDAY({d})", 4),
        ("WEEKDAY({d},2)", 3),
        ("WEEKDAY(DATE(2026,11,29))", 1),
        ("WEEKDAY(DATE(2026,11,29),2)", 7),
        ("WEEKDAY({noday})", None),
    ],
    "TODAY": [("TODAY()", date(2026, 11, 26)), ("TODAY()-{d}", 1)],
    "NOW": [("NOW()", NOW), ("ROUND((NOW()-{m})*24,2)", Decimal("1.41"))],
    "DAYS": [("DAYS({m},{d})", 1), ("DAYS({noday},{d})", None)],
    "ADDDAYS": [
        ("ADDDAYS({d},6)", date(2026, 12, 1)),
        ("ADDDAYS({d},-25)", date(2026, 10, 31)),
        ("ADDDAYS({d},0.9)", date(2026, 11, 25)),
        ("ADDDAYS({d},-0.1)", date(2026, 11, 24)),
        ("ADDDAYS({m},1)", date(2026, 11, 27)),
        ("ADDDAYS({d},{big})", None),
        ("ADDDAYS({d},-{big})", None),
        ("ADDDAYS({d},3000000)", None),
        ("ADDDAYS({d},-740000)", None),
        ("ADDDAYS(DATE(9999,12,31),-3652058)", date.min),
        ("ADDDAYS(DATE(1,1,1),3652058)", date.max),
        ("ADDDAYS(DATE(9999,12,31),1)", None),
        ("ADDDAYS(DATE(1,1,1),-3652058)", None),
        ("ADDDAYS({d},{none})", None),
        ("ADDDAYS({noday},1)", None),
    ],
}

OPERATORS: list[tuple[str, Any]] = [
    ("={whole}+1", 8),
    ("{whole}/2", Decimal("3.5")),
    ("{n}-{none}", None),
    ("-{n}*2", -2469),
    ("--3", 3),
    ("1/0", None),
    ("1/{none}", None),
    ("1/(1/3*3-1)", None),
    ("1/3*3", 1),
    ("1/3*3=1", True),
    ("0.1+0.2=0.3", True),
    ("{big}*{big}", None),
    ("{big}+1", None),
    ("-{big}-1", None),
    ("{big}-1", 999_999_999_999_998),
    ("{big}/0.000001", None),
    ("1/{big}/{big}", 0),
    ("2+3*4", 14),
    ("(2+3)*4", 20),
    ("10-4-3", 3),
    ("100/10/2", 5),
    ('"a"&1+1&"b"', "a2b"),
    ('{note}&"x"', "x"),
    ("{note}&{note}", None),
    ("{d}&{m}", "2026-11-252026-11-26 00:05"),
    ("1=2", False),
    ("{n}<>{none}", None),
    ("{n}>=1234.5", True),
    ("{n}<=1234.4", False),
    ('"a"<"b"', True),
    ('"B"<"a"', True),
    ('{note}=""', True),
    ('{t}<>""', True),
    ('{none}=""', True),
    ("{b}=TRUE", True),
    ("{d}={m}", False),
    ("{d}<{m}", True),
    ("{d}=DATE(2026,11,25)", True),
    ("{d}+1", date(2026, 11, 26)),
    ("1+{d}", date(2026, 11, 26)),
    ("{d}-1", date(2026, 11, 24)),
    ("{d}-DATE(2026,11,1)", 24),
    ("{m}-{d}", 1),
    ("{m}+0.5", datetime(2026, 11, 26, 4, 5, 9, tzinfo=UTC)),
    ("{m}-1", datetime(2026, 11, 24, 16, 5, 9, tzinfo=UTC)),
    ("{m}+{big}", None),
    ("{m}-{big}", None),
    ("{m}-4000000", None),
    ("{m}-{none}", None),
    ("({m}+1.5)-{m}", Decimal("1.5")),
    ('"say ""yes"""', 'say "yes"'),
    ("TRUE", True),
    ('""', None),
]


@pytest.mark.parametrize(("text", "wanted"), [*OPERATORS, *(one for several in EXPECTED.values() for one in several)])
def test_a_formula_has_the_value_that_was_written_down(row: None, text: str, wanted: Any) -> None:
    found = value(text)
    assert (found, isinstance(found, bool)) == (wanted, isinstance(wanted, bool))
    assert found is not None or wanted is None


def test_every_function_is_tried() -> None:
    assert set(EXPECTED) == set(FUNCTIONS)


@pytest.mark.parametrize("text", ["{n}*2", "MOD({whole},3)", "DATE({whole},1,2)", '{t}&"x%(a)s:b"', "{d}+1", "{b}"])
def test_a_formula_selects_groups_orders_and_filters(row: None, text: str) -> None:
    made = expression(text)
    rows = db.session.execute(
        select(made.label("made"), func.count()).select_from(ROW).where(made.is_not(None)).group_by(made).order_by(made)
    ).all()
    assert rows == [(value(text), 1)]


def test_a_formula_follows_an_alias(row: None) -> None:
    other = ROW.alias("other")
    made = compiled(parse("{whole}+1", KINDS), lambda code: other.c[code], now=NOW, zone=SHANGHAI)
    assert db.session.scalar(select(made)) == 8


def test_a_formula_stands_for_a_column_of_another(row: None) -> None:
    inner = expression("{n}*2")
    made = compiled(
        parse("{twice}+{twice}", {"twice": ValueKind.NUMBER}), lambda _code: inner, now=NOW, zone=SHANGHAI
    )
    assert db.session.scalar(select(made)) == 4938


def test_the_zone_may_be_an_offset(row: None) -> None:
    assert value("TEXT({m})", timezone(timedelta(hours=-3))) == "2026-11-25 13:05"
    assert value("TODAY()", UTC) == date(2026, 11, 25)


def test_nothing_written_stands_in_the_statement(row: None) -> None:
    made = str(expression("""{t}&"'; DROP TABLE x; --"&12345"""))
    assert "DROP" not in made
    assert "12345" not in made


def test_one_statement_is_kept_for_all_values(row: None) -> None:
    """Equal formulas share a compiled statement; other formulas and other texts never do."""
    keys = [
        select(expression(text))._generate_cache_key()  # type: ignore[attr-defined]
        for text in ("{n}+1", "{n}+2", "{n}-1", "{whole}+1")
    ]
    assert keys[0] == keys[1]
    assert len({key.key for key in keys}) == 3
    assert [value(text) for text in ("{whole}+1", "{whole}+2", "{whole}-1")] == [8, 9, 6]


@pytest.mark.parametrize(
    "step",
    ["({}+{{n}})", "({}*{{big}})", "({}/0.000001)", "MOD({{big}},{})", "ROUND({},9)", "ABS(-({}))", "MAX({},{{n}})"],
)
def test_the_deepest_formula_is_computed(row: None, step: str) -> None:
    text = "{n}"
    for _ in range(9 if "-(" in step else 29):
        text = step.format(text)
    value(text)


def test_the_longest_formula_is_computed(row: None) -> None:
    assert value('&'.join(['{t}'] * 500)).startswith(" 示例")
    assert value(f"SUM({','.join(['{whole}'] * 200)})") == 1400


def test_a_mistake_is_told_in_words(app: Flask) -> None:
    data = {"at": 5, "wanted": ValueKind.NUMBER, "found": ValueKind.FILES}
    with app.test_request_context(), force_locale("en"):
        assert sentence("formula.kinds", data) == "At character 5 a number is needed, but this is files."
        assert sentence("formula.empty", {"at": 1}) == "Write a formula, such as {first} + {second}."
    with app.test_request_context(), force_locale("zh"):
        assert sentence("formula.kinds", data) == "第5个字符处应为数字，而这里是附件。"


# --- an oracle ---------------------------------------------------------------------------------------------

NUMBERS = {"a": "3.25", "b": "-7", "c": None, "z": "0"}
ORACLE: dict[str, Callable[[Fraction, Fraction], Fraction | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else None,
}


def _calculated(tree: Any) -> tuple[str, Fraction | None]:
    """The text of a tree and its exact value."""
    if isinstance(tree, str):
        given = NUMBERS.get(tree, tree)
        return (f"{{{tree}}}" if tree in NUMBERS else tree), None if given is None else Fraction(given)
    sign, *several = tree
    made = [_calculated(one) for one in several]
    if sign == "neg":
        return f"(-{made[0][0]})", None if made[0][1] is None else -made[0][1]
    left, right = made[0][1], made[1][1]
    result = None if left is None or right is None else ORACLE[sign](left, right)
    return f"({made[0][0]}{sign}{made[1][0]})", result


TREES = st.recursive(
    st.sampled_from(["a", "b", "c", "z", "0", "2", "0.5", "100", "1.01", "12345"]),
    lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner) | st.tuples(st.just("neg"), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_arithmetic_agrees_with_exact_fractions(app: Flask, tree: Any) -> None:
    text, wanted = _calculated(tree)
    made = compiled(
        parse(text, dict.fromkeys(NUMBERS, ValueKind.NUMBER)),
        lambda code: literal(Decimal(NUMBERS[code] or 0)) if NUMBERS[code] is not None else null(),
        now=NOW,
        zone=SHANGHAI,
    )
    found = db.session.scalar(select(made))
    if wanted is None or found is None:
        assert (found is None) == (wanted is None or abs(wanted) >= 10**15), text
    else:
        assert abs(Fraction(found) - wanted) <= Fraction(1, 10**6) * max(1, abs(wanted)), text


# --- whatever somebody writes ------------------------------------------------------------------------------

EXTREMES: dict[str, list[Any]] = {
    "n": [None, *map(Decimal, ("0", "-0.000001", "999999999999999.999999", "NaN", "Infinity", "-Infinity"))],
    "whole": [None, 0, 1, -1, 13, 2**31 - 1, -(2**31)],
    "big": [None, 999_999_999_999_999, -999_999_999_999_999, 2**63 - 1],
    "t": [None, "", " ", "示例", "%_\\'\"", "a" * 5000],
    "note": [None, "多行\n文字"],
    "d": [None, date.min, date.max, date(2024, 2, 29), "infinity", "-infinity", "4713-01-01 BC"],
    "noday": [None, "5874897-12-31"],
    "m": [None, NOW, "infinity", "-infinity", "4713-01-02 00:00+00 BC", "294276-12-31 00:00+00"],
    "b": [None, True, False],
    "nob": [None],
    "none": [None],
    "tags": [None, [], ["road"], "road", 5, {}],
    "notags": [None],
}
LEAVES = {
    "number": ["{n}", "{whole}", "{big}", "{none}", "0", "1", "-1", "0.000001", "999999999999999", "MONTH(TODAY())"],
    "text": ["{t}", "{note}", '"示例"', '""', '"%"', "TEXT({d})", "TEXT({m})", 'TEXT({n},"0.00%")'],
    "date": ["{d}", "{noday}", "TODAY()", "DATE(1,1,1)", "DATE({whole},{n},{big})"],
    "moment": ["{m}", "NOW()"],
    "bool": ["{b}", "{nob}", "TRUE", "ISBLANK({tags})", 'CONTAINS({tags},"road")', "CONTAINS({tags},{t})"],
}
# The kind that comes out, a template and the kinds that go in.
SHAPES: list[tuple[str, str, tuple[str, ...]]] = [
    *[("number", f"({{}}{sign}{{}})", ("number", "number")) for sign in "+-*/"],
    *[("bool", f"({{}}{sign}{{}})", ("number", "number")) for sign in ("=", "<>", "<", ">=")],
    *[("bool", f"({{}}{sign}{{}})", ("text", "text")) for sign in ("=", "<>", "<", ">=")],
    *[("bool", f"({{}}{sign}{{}})", ("date", "date")) for sign in ("=", "<>", "<", ">=")],
    *[("number", f"{name}({{}},{{}})", ("number", "number")) for name in ("MOD", "ROUND", "MIN", "MAX", "SUM")],
    *[("number", f"{name}({{}})", ("number",)) for name in ("INT", "ABS", "-")],
    *[("number", f"{name}({{}})", ("date",)) for name in ("YEAR", "MONTH", "DAY", "WEEKDAY")],
    *[("text", f"{name}({{}},{{}})", ("text", "number")) for name in ("LEFT", "RIGHT")],
    *[("text", f"{name}({{}})", ("text",)) for name in ("UPPER", "LOWER", "TRIM")],
    ("date", "({}+{})", ("date", "number")),
    ("moment", "({}+{})", ("moment", "number")),
    ("moment", "({}-{})", ("moment", "number")),
    ("number", "({}-{})", ("moment", "moment")),
    ("number", "({}-{})", ("date", "moment")),
    ("bool", "({}<{})", ("moment", "date")),
    ("date", "ADDDAYS({},{})", ("moment", "number")),
    ("date", "DATE({},{},{})", ("number", "number", "number")),
    ("number", "DAYS({},{})", ("date", "date")),
    ("text", "MID({},{},{})", ("text", "number", "number")),
    ("text", "({}&{}&{})", ("text", "number", "moment")),
    ("text", 'TEXT({},"#,##0.0%")', ("number",)),
    ("text", 'TEXT({},"yy/m/d h:m:s")', ("moment",)),
    ("text", 'TEXT({},"yyyy-mm-dd")', ("date",)),
    ("number", "LEN({})", ("text",)),
    ("number", "FIND({},{})", ("text", "text")),
    ("bool", "CONTAINS({},{})", ("text", "text")),
    ("bool", "AND({},{})", ("bool", "bool")),
    ("bool", "OR({},NOT({}))", ("bool", "bool")),
    *[(kind, "IF({},{},{})", ("bool", kind, kind)) for kind in LEAVES],
    *[(kind, "COALESCE({},{})", (kind, kind)) for kind in LEAVES],
    *[(kind, "SWITCH({},{},{},{})", ("number", "number", kind, kind)) for kind in LEAVES],
]


@st.composite
def formulas(draw: st.DrawFn, kind: str | None = None, depth: int = 4) -> str:
    """The text of a formula whose kinds fit."""
    kind = kind or draw(st.sampled_from(sorted(LEAVES)))
    shapes = [shape for shape in SHAPES if shape[0] == kind]
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(LEAVES[kind]))
    _, template, given_kinds = draw(st.sampled_from(shapes))
    return template.format(*[draw(formulas(one, depth - 1)) for one in given_kinds])


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=formulas(), values=st.fixed_dictionaries({code: st.sampled_from(EXTREMES[code]) for code in EXTREMES}))
def test_no_formula_over_no_row_is_an_error(app: Flask, text: str, values: dict[str, Any]) -> None:
    """Not even over columns that hold what no form lets in."""
    columns = {code: _given(code, one) for code, one in values.items()}
    try:
        formula = parse(text, KINDS)
    except Invalid as error:
        assume(error.code != "formula.too-deep")
        raise
    made = compiled(formula, lambda code: columns[code], now=NOW, zone=SHANGHAI)
    with db.session.begin_nested():
        found = db.session.scalar(select(made))
    assert found is None or formula.kind is not ValueKind.NUMBER or abs(found) < 10**15


def _given(code: str, one: Any) -> ColumnElement[Any]:
    """A value as a column holds it; what Python has no word for is written out."""
    kind = ROW.c[code].type
    return cast(literal(one) if isinstance(one, str) and code in ("d", "noday", "m") else literal(one, kind), kind)
