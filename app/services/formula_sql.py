"""A formula as an expression of PostgreSQL: the same value in a list, a filter, a sum and an export.

Whatever the columns hold, the expression raises no error: numbers at and beyond 10^15 become empty, so do dates
outside the years 1 to 9999. Each operand is written once, so the SQL is as long as the formula, never its power.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Date, DateTime, Double, Numeric, Text, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeEngine

from app.rules.formulas import Apply, Column, Formula, Literal, Node
from app.rules.values import LONGEST_LONG, ValueKind

_TYPES: Mapping[ValueKind, TypeEngine[Any]] = MappingProxyType({
    ValueKind.NUMBER: Numeric(), ValueKind.TEXT: Text(), ValueKind.DATE: Date(),
    ValueKind.MOMENT: DateTime(timezone=True), ValueKind.BOOL: Boolean(),
})  # fmt: skip
_NAMES: Mapping[ValueKind, str] = MappingProxyType({
    ValueKind.NUMBER: "numeric", ValueKind.TEXT: "text", ValueKind.DATE: "date",
    ValueKind.MOMENT: "timestamptz", ValueKind.BOOL: "boolean",
})  # fmt: skip

# SQL with a hole for each leaf: a column or a bind parameter.
_Sql: TypeAlias = tuple[str, tuple[ColumnElement[Any], ...]]
_HOLE = "\x00"
_SLOT = re.compile(r"\{(\d)\}")


class _Expression(FunctionElement[Any]):
    """SQL of ours around columns and parameters, one level deep for SQLAlchemy however deep the formula is."""

    inherit_cache = True
    name = "formula"

    def __init__(self, sql: _Sql, kind: ValueKind) -> None:
        text, leaves = sql
        super().__init__(literal_column(text, _TYPES[kind]), *leaves)
        self.type = _TYPES[kind]


@compiles(_Expression)
def _written(element: _Expression, compiler: SQLCompiler, **options: Any) -> str:
    options = {**options, "within_columns_clause": False, "add_to_result_map": None}
    skeleton, *leaves = element.clauses
    pieces = str(skeleton.name).split(_HOLE)
    said = [compiler.process(leaf, **options) for leaf in leaves]
    return "".join(piece + leaf for piece, leaf in zip(pieces, [*said, ""], strict=True))


def compiled(
    formula: Formula, column: Callable[[str], ColumnElement[Any]], *, now: datetime, zone: tzinfo
) -> ColumnElement[Any]:
    """The value of `formula` for the row that `column` reads: numeric, text, date, timestamptz or boolean.

    `column` gives the column of a code: numeric, text (a person, unit, post or link by its name), date, timestamptz,
    boolean, and the codes of several choices as a jsonb array; another formula may stand for one. `now` and `zone`
    say which day it is. Use the same object where the value is both selected and grouped or ordered by.
    """
    root = _Compiler(column, now, zone).sql(formula.ast)
    return _Expression(_fill(_ROOTS.get(formula.kind, "{0}"), root), formula.kind)


def _fill(template: str, *given: _Sql) -> _Sql:
    text, leaves, at = "", (), 0  # type: str, tuple[ColumnElement[Any], ...], int
    for slot in _SLOT.finditer(template):
        sql, more = given[int(slot[1])]
        text, leaves, at = text + template[at : slot.start()] + sql, leaves + more, slot.end()
    return text + template[at:], leaves


def _listed(template: str, between: str, given: list[_Sql]) -> _Sql:
    """Each in its template, with something between them."""
    filled = [_fill(template, one) for one in given]
    return between.join(text for text, _ in filled), tuple(leaf for _, leaves in filled for leaf in leaves)


# --- templates ---------------------------------------------------------------------------------------------
# LEAST and GREATEST pass over NULL: an empty operand comes out of them as the bound, and as NULL of NULLIF.


def _within(sql: str, least: str, most: str) -> str:
    """`sql` strictly between two bounds, NULL at and beyond them, mentioned once."""
    return f"nullif(nullif(greatest(least({sql}, {most}), {least}), {most}), {least})"


def _number(sql: str) -> str:
    return _within(sql, "-1e15", "1e15")


def _whole(sql: str, least: int, most: int) -> str:
    """A number rounded down as an integer from `least` to `most`: width_bucket is strict, LEAST would not be."""
    return f"(width_bucket({sql}, {least + 1}.0, {most}.0, {most - least - 1}) + {least})"


def _day(sql: str) -> str:
    return _within(sql, "CAST('0001-12-31 BC' AS date)", "CAST('10000-01-01' AS date)")


def _moment(sql: str) -> str:
    # A day less on either side: in another zone these are still years that Python knows.
    return _within(sql, "CAST('0001-01-02 00:00+00' AS timestamptz)", "CAST('9999-12-30 00:00+00' AS timestamptz)")


_FIRST_DAY = "CAST('0001-01-01' AS date)"
_LETTERS = 1_000_000
# Operands of these are needed more than once: OFFSET keeps the planner from copying them.
_MOD = "(SELECT mod(mod(f.n, f.d) + f.d, f.d) FROM (SELECT {0} AS n, nullif({1}, 0) AS d OFFSET 0) AS f)"
_DATE = (
    "(SELECT CASE WHEN f.y >= 1 AND f.y < 10000 AND f.m >= 1 AND f.m < 13 AND f.d >= 1 AND f.d < 32"
    " THEN CASE WHEN f.d <= extract(day FROM make_date(CAST(f.y AS int), CAST(f.m AS int), 1)"
    " + interval '1 month' - interval '1 day')"
    " THEN make_date(CAST(f.y AS int), CAST(f.m AS int), CAST(f.d AS int)) END END"
    " FROM (SELECT floor({0}) AS y, floor({1}) AS m, floor({2}) AS d OFFSET 0) AS f)"
)

_TEMPLATES: Mapping[str, str] = MappingProxyType({
    "+": _number("({0} + {1})"),
    "-": _number("({0} - {1})"),
    "*": _number("round({0} * {1}, 20)"),
    # What a third leaves behind is no divisor: beyond 15 decimals it counts as zero.
    "/": _number("round(round({0}, 20) / nullif(round({1}, 15), 0), 20)"),
    "negative": "(- {0})",
    "not": "(NOT {0})",
    "if": "(CASE WHEN {0} THEN {1} ELSE {2} END)",
    "abs": "abs({0})",
    "int": "floor({0})",
    "mod": _MOD,
    "round": _number("round({0}, " + _whole("{1}", -15, 11) + ")"),
    "len": "CAST(coalesce(length({0}), 0) AS numeric)",
    "left": "left({0}, " + _whole("{1}", 0, _LETTERS) + ")",
    "right": "right({0}, " + _whole("{1}", 0, _LETTERS) + ")",
    "mid": "substr({0}, " + _whole("{1}", 1, _LETTERS) + ", " + _whole("{2}", 0, _LETTERS) + ")",
    "upper": "upper({0})",
    "lower": "lower({0})",
    "trim": "regexp_replace(btrim({0}, ' \u3000'), '[ \u3000]+', ' ', 'g')",
    "contains": "coalesce(strpos({0}, {1}) > 0, FALSE)",
    "has-choice": "coalesce({0} @> to_jsonb({1}), FALSE)",
    "find": "CAST(nullif(strpos({1}, {0}), 0) AS numeric)",
    "date": _DATE,
    "year": "CAST(extract(year FROM {0}) AS numeric)",
    "month": "CAST(extract(month FROM {0}) AS numeric)",
    "day-of-month": "CAST(extract(day FROM {0}) AS numeric)",
    "weekday": "CAST(extract(dow FROM {0}) + 1 AS numeric)",
    "weekday-monday": "CAST(extract(isodow FROM {0}) AS numeric)",
    "date-add": f"({_FIRST_DAY} + CAST("
    + _within(f"({{0}} - {_FIRST_DAY} + floor({{1}}))", "-1", "3652059") + " AS int))",
    "date-difference": "CAST({0} - {1} AS numeric)",
    "moment-add": "to_timestamp(CAST("  # seconds since 1970, within the same years
    + _within("(extract(epoch FROM {0}) + {1} * 86400)", "-62135510400", "253402128000") + " AS double precision))",
    "moment-difference": "round(CAST(extract(epoch FROM ({0} - {1})) AS numeric) / 86400, 20)",
    "number-text": "CAST(trim_scale(round({0}, 10)) AS text)",
    "date-text": "to_char(CAST({0} AS timestamp), 'YYYY-MM-DD')",
    "number-format": "to_char({0}, {1})",
    "date-format": "to_char(CAST({0} AS timestamp), {1})",
})  # fmt: skip
_IN_ZONE: Mapping[str, str] = MappingProxyType({  # the last operand is the zone
    "day": "CAST(timezone({1}, {0}) AS date)",
    "moment-text": "to_char(timezone({1}, {0}), 'YYYY-MM-DD HH24:MI')",
    "moment-format": "to_char(timezone({2}, {0}), {1})",
})  # fmt: skip
_LISTS: Mapping[str, tuple[str, str, str]] = MappingProxyType({  # around, each, between
    "and": ("({0})", "{0}", " AND "),
    "or": ("({0})", "{0}", " OR "),
    "join": ("({0})", "coalesce({0}, '')", " || "),
    "sum": (_number("({0})"), "coalesce({0}, 0)", " + "),
    "min": ("least({0})", "{0}", ", "),
    "max": ("greatest({0})", "{0}", ", "),
})  # fmt: skip
# An integer is divided as a number, a name is a text whatever its column is; what is beyond the bounds is not read.
_READS: Mapping[ValueKind, str] = MappingProxyType({
    ValueKind.NUMBER: _number("CAST({0} AS numeric)"), ValueKind.TEXT: "CAST({0} AS text)",
    ValueKind.DATE: _day("({0})"), ValueKind.MOMENT: _moment("({0})"),
    ValueKind.BOOL: "({0})", ValueKind.CHOICES: "({0})",
})  # fmt: skip
_ROOTS: Mapping[ValueKind, str] = MappingProxyType({
    ValueKind.NUMBER: f"trim_scale({_number('round({0}, 10)')})",
    ValueKind.TEXT: f"nullif(left({{0}}, {LONGEST_LONG}), '')",
})  # fmt: skip
_BLANKS: Mapping[ValueKind, str] = MappingProxyType({
    ValueKind.TEXT: "(nullif({0}, '') IS NULL)",
    ValueKind.CHOICES: "(nullif(nullif({0}, CAST('[]' AS jsonb)), CAST('null' AS jsonb)) IS NULL)",
})  # fmt: skip


class _Compiler:
    def __init__(self, column: Callable[[str], ColumnElement[Any]], now: datetime, zone: tzinfo) -> None:
        self._column = column
        self._now = now
        self._zone = zone

    def sql(self, node: Node) -> _Sql:
        if isinstance(node, Literal):
            return self._literal(node)
        if isinstance(node, Column):
            return self._read(node)
        given = [self.sql(one) for one in node.arguments]
        if node.name in _TEMPLATES:
            return _fill(_TEMPLATES[node.name], *given)
        if node.name in _IN_ZONE:
            return _fill(_IN_ZONE[node.name], *given, self._zone_sql())
        if node.name in _LISTS:
            around, each, between = _LISTS[node.name]
            return _fill(around, _listed(each, between, given))
        return self._special(node, given)

    def _special(self, node: Apply, given: list[_Sql]) -> _Sql:
        if node.name == "blank":
            return _fill(_BLANKS.get(node.arguments[0].kind, "({0} IS NULL)"), given[0])
        if node.name == "first":
            each = "nullif({0}, '')" if node.kind is ValueKind.TEXT else "{0}"
            return _fill("coalesce({0})", _listed(each, ", ", given))
        if node.name == "switch":
            return _switched(node, given)
        if node.name in ("today", "now"):
            at = self._now if node.name == "now" else self._now.astimezone(self._zone).date()
            return _parameter(at, node.kind)
        return _compared(node, given)

    def _read(self, node: Column) -> _Sql:
        return _fill(_READS[node.kind], (_HOLE, (self._column(node.code),)))

    @staticmethod
    def _literal(node: Literal) -> _Sql:
        if node.value is None:
            return f"CAST(NULL AS {_NAMES[node.kind]})", ()
        return _parameter(node.value, node.kind)

    def _zone_sql(self) -> _Sql:
        key = getattr(self._zone, "key", None)
        if key is not None:
            return _parameter(key, ValueKind.TEXT)
        offset = self._zone.utcoffset(self._now)
        seconds: ColumnElement[Any] = literal(offset.total_seconds() if offset else 0.0, Double())
        return f"make_interval(secs => CAST({_HOLE} AS double precision))", (seconds,)


def _parameter(value: object, kind: ValueKind) -> _Sql:
    return f"CAST({_HOLE} AS {_NAMES[kind]})", (literal(value, _TYPES[kind]),)


def _switched(node: Apply, given: list[_Sql]) -> _Sql:
    as_number = "round({0}, 10)" if node.arguments[0].kind is ValueKind.NUMBER else "{0}"
    found = _fill("(CASE " + as_number, given[0])
    for match, result in zip(given[1:-1:2], given[2:-1:2], strict=True):
        found = _fill("{0} WHEN " + as_number.replace("0}", "1}") + " THEN {2}", found, match, result)
    return _fill("{0} ELSE {1} END)", found, given[-1])


def _compared(node: Apply, given: list[_Sql]) -> _Sql:
    """Numbers are equal to ten decimals, so that a third three times is one; texts stand in order of their codes,
    the same in every installation."""
    kind = node.arguments[0].kind
    if kind is ValueKind.NUMBER:
        sides = [
            _fill("round({0}, 10)", sql) if isinstance(side, Apply) else sql
            for side, sql in zip(node.arguments, given, strict=True)
        ]
        return _fill(f"({{0}} {node.name} {{1}})", *sides)
    order = ' COLLATE "C"' if kind is ValueKind.TEXT and node.name not in ("=", "<>") else ""
    return _fill(f"({{0}}{order} {node.name} {{1}}{order})", *given)
