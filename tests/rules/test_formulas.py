"""The language of formulas: grammar, kinds, and what is said about mistakes and where they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import formula_formats as formats
from app.rules.errors import Invalid
from app.rules.formula_parsing import DEEPEST, LONGEST, Call, Field, written
from app.rules.formulas import FUNCTIONS, KINDS, order, parse, rename, used
from app.rules.values import ValueKind

FIELDS = {
    "n": ValueKind.NUMBER,
    "money": ValueKind.MONEY,
    "t": ValueKind.TEXT,
    "long": ValueKind.LONG,
    "d": ValueKind.DATE,
    "m": ValueKind.MOMENT,
    "b": ValueKind.BOOL,
    "choice": ValueKind.CHOICE,
    "tags": ValueKind.CHOICES,
    "person": ValueKind.PERSON,
    "unit": ValueKind.UNIT,
    "post": ValueKind.POST,
    "link": ValueKind.LINK,
    "files": ValueKind.FILES,
}


def shape(text: str) -> str:
    """A tree as one reads it aloud."""

    def said(tree: Any) -> str:
        if isinstance(tree, Call):
            return f"({' '.join([tree.name, *(said(one) for one in tree.arguments)])})"
        return f"{{{tree.code}}}" if isinstance(tree, Field) else str(tree.value)

    return said(written(text))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1+2*3", "(+ 1 (* 2 3))"),
        ("= 1 - 2 - 3", "(- (- 1 2) 3)"),
        ("(1+2)*3", "(* (+ 1 2) 3)"),
        ("-{n}*2", "(* (-1 {n}) 2)"),
        ("1--+2", "(- 1 (-1 2))"),
        ('"a"&"b"&1+2', "(& a b (+ 1 2))"),
        ("1&2=3&4", "(= (& 1 2) (& 3 4))"),
        ('"a"&("b"&"c")', "(& a (& b c))"),
        ("1<=2", "(<= 1 2)"),
        ("1≤2", "(<= 1 2)"),
        ("1≠2", "(<> 1 2)"),
        ("if(true,.5,2.)", "(IF True 0.5 2)"),
        ("today()", "(TODAY)"),
        ("（１＋２）×｛N｝", "(* (+ 1 2) {n})"),
        ("IF（{b}，“是，的”，“否”）", "(IF {b} 是，的 否)"),
        ('"say ""yes"""', 'say "yes"'),
        ('"（全角）"', "（全角）"),
        ("\n{ n }\u3000", "{n}"),
    ],
)
def test_a_formula_reads_as_in_excel(text: str, tree: str) -> None:
    assert shape(text) == tree


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{n}+{money}", ValueKind.NUMBER),
        ("{t}&{n}&{d}&{m}&{long}", ValueKind.TEXT),
        ("{choice}&{person}&{unit}&{post}&{link}", ValueKind.TEXT),
        ("{d}+1", ValueKind.DATE),
        ("1+{d}", ValueKind.DATE),
        ("{m}+1", ValueKind.MOMENT),
        ("{m}-0.5", ValueKind.MOMENT),
        ("{d}-{m}", ValueKind.NUMBER),
        ("{m}-{m}", ValueKind.NUMBER),
        ("{d}>{m}", ValueKind.BOOL),
        ('{n}=""', ValueKind.BOOL),
        ('IF({b},"",{d})', ValueKind.DATE),
        ("IF({b},{d},{m})", ValueKind.DATE),
        ('IF({b},"","")', ValueKind.TEXT),
        ("MAX({m},{m})", ValueKind.MOMENT),
        ('SWITCH({choice},"a",1,"b",2,"")', ValueKind.NUMBER),
        ('CONTAINS({tags},"a")', ValueKind.BOOL),
        ("ISBLANK({tags})", ValueKind.BOOL),
        ("{b}", ValueKind.BOOL),
    ],
)
def test_the_kind_of_a_formula_is_known_before_it_is_computed(text: str, kind: ValueKind) -> None:
    assert parse(text, FIELDS).kind is kind


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("", "formula.empty", 1),
        (" ＝ ", "formula.empty", 4),
        ("1+", "formula.unexpected", 3),
        ("1 2", "formula.unexpected", 3),
        ("5%", "formula.unexpected", 2),
        ("2^3", "formula.unexpected", 2),
        ("n+1", "formula.unexpected", 1),
        ("SUM(1,)", "formula.unexpected", 7),
        ("(1,2)", "formula.unexpected", 3),
        ("1)", "formula.unexpected", 2),
        ("1;DROP", "formula.unexpected", 2),
        ("'a'", "formula.unexpected", 1),
        ("1234567890123456", "formula.unexpected", 1),
        ('"\x00"', "formula.unexpected", 2),
        ('"\ud800"', "formula.unexpected", 2),
        ("{n}+{nobody}", "formula.unknown-field", 5),
        ("{}", "formula.unknown-field", 1),
        ("1+eval(1)", "formula.unknown-function", 3),
        ("__import__(1)", "formula.unknown-function", 1),
        ("ABS()", "formula.arguments", 1),
        ("1+ABS(1,2)", "formula.arguments", 3),
        ("TODAY(1)", "formula.arguments", 1),
        ("IF({b})", "formula.arguments", 1),
        ("SWITCH(1,2)", "formula.arguments", 1),
        ("{n}+{t}", "formula.kinds", 5),
        ("{t}*2", "formula.kinds", 1),
        ("{t}+1", "formula.kinds", 1),
        ("{t}+{d}", "formula.kinds", 1),
        ("{d}+{d}", "formula.kinds", 5),
        ("1-{d}", "formula.kinds", 3),
        ("{d}-{t}", "formula.kinds", 5),
        ("{n}={t}", "formula.kinds", 5),
        ("{b}<{b}", "formula.kinds", 1),
        ("{b}&{t}", "formula.kinds", 1),
        ("IF({n},1,2)", "formula.kinds", 4),
        ("IF({b},1,{t})", "formula.kinds", 10),
        ("AND({b},{n})", "formula.kinds", 9),
        ("MAX({t})", "formula.kinds", 5),
        ("LEN({n})", "formula.kinds", 5),
        ("YEAR({n})", "formula.kinds", 6),
        ("{tags}", "formula.kinds", 1),
        ('{tags}&"x"', "formula.kinds", 1),
        ("COALESCE({tags})", "formula.kinds", 10),
        ("{files}", "formula.kinds", 1),
        ('TEXT({n},"yyyy")', "formula.format", 10),
        ('TEXT({d},"0.0")', "formula.format", 10),
        ("TEXT({d},{t})", "formula.format", 10),
        ("WEEKDAY({d},3)", "formula.format", 13),
        ("WEEKDAY({d},{n})", "formula.format", 13),
        ('"abc', "formula.unclosed", 1),
        ("1+“abc", "formula.unclosed", 3),
        ("{n", "formula.unclosed", 1),
        ("SUM(1,(2)", "formula.unclosed", 4),
        ("1" * (LONGEST + 1), "formula.too-long", LONGEST + 1),
        ("(" * (DEEPEST + 1) + "1" + ")" * (DEEPEST + 1), "formula.too-deep", DEEPEST + 1),
        ("-" * 2000, "formula.too-deep", DEEPEST + 1),
        ("1" + "+1" * (DEEPEST + 1), "formula.too-deep", 2 * DEEPEST + 2),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, code: str, at: int) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text, FIELDS)
    assert (caught.value.code, caught.value.data["at"], caught.value.field) == (code, at, "formula")


def test_kinds_that_do_not_fit_are_named() -> None:
    with pytest.raises(Invalid) as caught:
        parse("{d}+{t}", FIELDS)
    assert (caught.value.data["wanted"], caught.value.data["found"]) == (ValueKind.NUMBER, ValueKind.TEXT)
    assert {ValueKind.NUMBER, ValueKind.TEXT, ValueKind.FILES} < set(KINDS)


def test_the_limits_themselves_are_allowed() -> None:
    assert parse("(" * DEEPEST + "1" + ")" * DEEPEST, {}).kind is ValueKind.NUMBER
    assert parse("1" + "+1" * DEEPEST, {}).kind is ValueKind.NUMBER
    long = "&".join(['"a"'] * 500)
    assert len(long) == LONGEST - 1
    assert parse(long, {}).kind is ValueKind.TEXT


def test_what_a_formula_reads_is_known() -> None:
    text = '{n}+{N}*LEN("{t}")+{ money }'
    assert parse(text, FIELDS).references == used(text) == {"n", "money"}


def test_a_renamed_column_is_renamed_where_it_is_read() -> None:
    text = '= {n} + { N }*LEN("{n}")  +{nn} '
    assert rename(text, "n", "count") == '= {count} + {count}*LEN("{n}")  +{nn} '
    assert rename(text, "other", "count") == text


def test_computed_fields_are_put_in_order() -> None:
    definitions = {
        "c": frozenset({"b", "a"}),
        "b": frozenset({"a", "n"}),
        "a": frozenset({"n"}),
        "free": frozenset[str](),
    }
    assert order(definitions) == ["a", "free", "b", "c"]


@pytest.mark.parametrize(
    ("definitions", "fields"),
    [
        ({"a": {"a"}}, ["a"]),
        ({"x": {"a"}, "a": {"b"}, "b": {"c", "n"}, "c": {"a"}, "free": {"n"}}, ["a", "b", "c"]),
    ],
)
def test_a_circle_is_refused_with_its_members(definitions: dict[str, set[str]], fields: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        order({code: frozenset(names) for code, names in definitions.items()})
    assert (caught.value.code, caught.value.data["fields"]) == ("formula.cycle", fields)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("IF", "IF(condition, then, [otherwise])"),
        ("SUM", "SUM(number, …)"),
        ("TODAY", "TODAY()"),
        ("SWITCH", "SWITCH(value, match, result, [otherwise], …)"),
    ],
)
def test_each_function_says_how_it_is_called(name: str, signature: str) -> None:
    assert FUNCTIONS[name].signature() == signature
    assert FUNCTIONS[name].signature(str.upper).startswith(name)


def test_each_function_has_one_sentence_of_help() -> None:
    assert all(one.help.endswith(".") and one.name == name for name, one in FUNCTIONS.items())


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        ("0", ("FM999999999999999990", False)),
        ("#,##0.00", ("FM999,999,999,999,999,990.00", False)),
        ("0.0%", ('FM999999999999999990.0"%"', True)),
        ("00", None),
        ("#", None),
        ("", None),
        ("0.00000000000", None),
    ],
)
def test_patterns_of_numbers(pattern: str, template: tuple[str, bool] | None) -> None:
    assert formats.number_template(pattern) == template


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        ("YYYY-MM-DD", 'YYYY"-"MM"-"DD'),
        ("m月d日", 'FMMM"月"FMDD"日"'),
        ("hh:mm", 'HH24":"MI'),
        ("mm:ss", 'MI":"SS'),
        ("yy/m h:m", 'YY"/"FMMM" "FMHH24":"FMMI'),
        ("yyy", None),
        ("mmm", None),
        ("-", None),
        ("", None),
        ('yyyy"', None),
        ("yyyy" * 20, None),
    ],
)
def test_patterns_of_times(pattern: str, template: str | None) -> None:
    assert formats.time_template(pattern) == template


WORDS = ["{n}", "{t}", "{d}", "{m}", "{b}", "{tags}", "{files}", "{zz}", "1", ".5", '"a"', '""', "TRUE"]
PIECES = st.sampled_from([*FUNCTIONS, *WORDS, *"+-*/&=<>(),（），“”{}\"' ;"])


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
def test_nothing_but_a_refusal_comes_of_nonsense(text: str) -> None:
    refused = None
    try:
        formula = parse(text, FIELDS)
    except Invalid as error:
        refused = error
    if refused is not None:
        assert refused.field == "formula"
        assert 1 <= int(str(refused.data["at"])) <= len(text) + 1
    else:
        assert formula.references <= used(text)
        assert parse(rename(text, "n", "x1"), {**FIELDS, "x1": ValueKind.NUMBER}).kind is formula.kind


LEAVES = {
    ValueKind.NUMBER: ["{n}", "2", "MONTH({d})"],
    ValueKind.DATE: ["{d}", "TODAY()", "{m}"],
    ValueKind.BOOL: ["{b}", "TRUE", "{d}>{m}"],
}
NUMBERS, DATES, CONDITIONS = (st.sampled_from(LEAVES[kind]) for kind in LEAVES)


@given(NUMBERS, NUMBERS, CONDITIONS, st.sampled_from("+-*/"))
def test_what_fits_is_accepted(a: str, b: str, condition: str, sign: str) -> None:
    assert parse(f"IF({condition},{a}{sign}{b},-({b}))", FIELDS).kind is ValueKind.NUMBER


@given(DATES, NUMBERS, CONDITIONS)
def test_a_date_and_days_are_a_date(day: str, days: str, condition: str) -> None:
    assert parse(f"IF({condition},ADDDAYS({day},{days}),DATE(2026,1,{days}))", FIELDS).kind is ValueKind.DATE
