"""A query of the grid as SQL: conditions by kind, orders that an index serves, the key of a row, what lies behind it.

Rows are paged by key: (what they are sorted by, id). Empty values stand where PostgreSQL puts them without being told
otherwise (last upwards, first downwards), so that a plain index serves the order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, false, func, literal, not_, or_, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from app.rules.errors import Invalid
from app.rules.fields import clean_text
from app.rules.query import Condition, Group, Order, Query, span
from app.rules.values import NUMBERS, REFERENCES, TEXTS, TIMES, ValueKind, number_of
from app.services import ledger, present
from app.services.actors import Actor
from app.services.grid_columns import Column
from app.services.grids import Grid

Clause = ColumnElement[bool]
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # made once, not for each row


# --- conditions -------------------------------------------------------------------------------------------------


def where(grid: Grid, query: Query) -> Clause:
    """SQL: the rows of the query that the reader may see; the words searched for are not in it (`searched`)."""
    return and_(grid.where, condition(grid, query.where))


def condition(grid: Grid, part: Group | Condition) -> Clause:
    """SQL of a filter. Raises Invalid("query.values") for a value its column cannot hold."""
    if isinstance(part, Condition):
        return _compared(grid, grid.column(part.field), part)
    if not part.parts:
        return true()
    return (or_ if part.is_any else and_)(*(condition(grid, one) for one in part.parts))


def _compared(grid: Grid, column: Column, asked: Condition) -> Clause:
    if asked.op == "empty":
        return is_empty(column)
    if asked.op == "not_empty":
        return not_(is_empty(column))
    if asked.op == "me":
        return column.sql == grid.actor.person_id if grid.actor.person_id else false()
    if asked.op == "my_unit":
        own = units_of(grid.actor)
        return column.sql.in_(own) if own else false()
    if column.kind in TIMES:
        return _in_time(column, asked)
    if column.kind is ValueKind.CHOICES:
        return _among(column, asked)
    if column.kind in TEXTS:
        return _in_text(column, asked)
    values = [_typed(column, one, asked) for one in asked.values]
    if column.matches is not None:
        found = or_(*(column.matches(one) for one in values))
        return found if asked.op in ("is", "in") else not_(found)
    return _OPERATIONS[asked.op](column.sql, values)


def units_of(actor: Actor) -> list[int]:
    """The units for which somebody works: what a filter calls "my unit"."""
    return sorted({g.value for g in actor.grants.grants if g.scope == "own_unit" and isinstance(g.value, int)})


def is_empty(column: Column) -> Clause:
    """SQL: the cell holds nothing."""
    if column.kind in TEXTS:
        return or_(column.sql.is_(None), column.sql == "") if column.nullable else column.sql == ""
    if column.kind in (ValueKind.CHOICES, ValueKind.FILES) and not isinstance(column.sql.type, JSONB):
        return func.cardinality(column.sql) == 0
    if column.kind is ValueKind.CHOICE and column.write != "extra":
        return func.coalesce(column.sql, "") == ""
    return column.sql.is_(None)


def _not(column: ColumnElement[Any], clause: Clause) -> Clause:
    """What is empty is not the value either: rows that have none are found too."""
    return or_(column.is_(None), not_(clause))


_OPERATIONS: Mapping[str, Callable[[Any, list[Any]], Clause]] = MappingProxyType({
    "is": lambda c, v: c == v[0],
    "is_not": lambda c, v: _not(c, c == v[0]),
    "in": lambda c, v: c.in_(v),
    "not_in": lambda c, v: _not(c, c.in_(v)),
    "less": lambda c, v: c < v[0],
    "at_most": lambda c, v: c <= v[0],
    "more": lambda c, v: c > v[0],
    "at_least": lambda c, v: c >= v[0],
    "between": lambda c, v: c.between(min(v), max(v)),
})  # fmt: skip


def _typed(column: Column, value: object, asked: Condition) -> Any:
    wrong = Invalid("query.values", {"field": column.key, "op": asked.op})
    if column.kind is ValueKind.BOOL:
        if not isinstance(value, bool):
            raise wrong
        return ("true" if value else "false") if column.write == "extra" else value
    if column.kind in NUMBERS:
        try:
            return number_of(value)
        except Invalid:
            raise wrong from None
    if column.kind in REFERENCES:
        text = str(value)
        if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 9:
            raise wrong
        return int(text)
    return str(value)


def _in_text(column: Column, asked: Condition) -> Clause:
    text = clean_text(str(asked.values[0]))
    folded = func.lower(column.sql)
    if asked.op == "is":
        return column.sql == text
    if asked.op == "is_not":
        return _not(column.sql, column.sql == text)
    if asked.op == "starts":
        return folded.startswith(text.lower(), autoescape=True)
    found = folded.contains(text.lower(), autoescape=True)
    if asked.op == "not_contains":
        return _not(column.sql, found)
    return and_(ledger.has_bigrams(text), found) if column.finds and len(text) > 1 else found


def _among(column: Column, asked: Condition) -> Clause:
    values = [str(one) for one in asked.values]
    if isinstance(column.sql.type, JSONB):
        found: Clause = column.sql.bool_op("?|")(cast(values, ARRAY(Text)))
    else:
        found = column.sql.overlap(values)
    return found if asked.op == "in" else _not(column.sql, found)


def _in_time(column: Column, asked: Condition) -> Clause:
    today, days = present.today(), []
    for value in asked.values:
        found = span(str(value), today)
        if found is None:
            raise Invalid("query.values", {"field": column.key, "op": asked.op})
        days.append(found)
    first, last = min(one[0] for one in days), max(one[1] for one in days)
    start, end = _bound(column, first, asked), _bound(column, last, asked, days=1)
    return _IN_TIME[asked.op](column.sql, start, end)


# A day is compared as a whole: `start` is its first moment, `end` the first one after it.
_IN_TIME: Mapping[str, Callable[[Any, Any, Any], Clause]] = MappingProxyType({
    "on": lambda c, start, end: and_(c >= start, c < end),
    "between": lambda c, start, end: and_(c >= start, c < end),
    "less": lambda c, start, _end: c < start,
    "at_most": lambda c, _start, end: c < end,
    "more": lambda c, _start, end: c >= end,
    "at_least": lambda c, start, _end: c >= start,
})  # fmt: skip


def _bound(column: Column, day: date, asked: Condition, days: int = 0) -> Any:
    """The moment a local day begins, or the day itself, as the column keeps it."""
    try:
        day += timedelta(days=days)
        if column.kind is ValueKind.DATE:
            return column.plain(day)
        return column.plain(datetime.combine(day, time(), present.zone()).astimezone(UTC))
    except OverflowError:
        raise Invalid("query.values", {"field": column.key, "op": asked.op}) from None


# --- order and keys ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sorting:
    """By what rows are sorted, the id last: (expression, whether downwards, whether it may be empty).

    `is_sparse`: the index of the first has no empty values (those of fields made at run time).
    """

    parts: tuple[tuple[ColumnElement[Any], bool, bool], ...]
    id: ColumnElement[Any]
    is_sparse: bool = False

    @property
    def is_descending(self) -> bool:
        """Which way the ids of equal rows go: as the first column."""
        return bool(self.parts) and self.parts[0][1]

    def expressions(self) -> list[ColumnElement[Any]]:
        """What makes the key of a row."""
        return [*(one[0] for one in self.parts), self.id]

    def clauses(self, *, is_backwards: bool = False) -> list[ColumnElement[Any]]:
        """ORDER BY."""
        return [
            expression.desc() if descending != is_backwards else expression.asc()
            for expression, descending, _nullable in (*self.parts, (self.id, self.is_descending, False))
        ]

    def behind(self, key: Sequence[Any], *, is_backwards: bool = False) -> Clause:
        """SQL: the rows behind the one with this key, in this direction."""
        if len(self.parts) == 1 and not self.parts[0][2]:
            # One range of the index (what it is sorted by, id).
            expression, descending, _nullable = self.parts[0]
            here, there = tuple_(expression, self.id), tuple_(*(literal(one) for one in key))
            return here < there if descending != is_backwards else here > there
        clause: Clause = false()
        for (expression, descending, _nullable), value in reversed(
            list(zip((*self.parts, (self.id, self.is_descending, False)), key, strict=True))
        ):
            beyond = _beyond(expression, value, downwards=descending != is_backwards)
            same = expression.is_(None) if value is None else expression == value
            clause = or_(beyond, and_(same, clause))
        return clause


def _beyond(expression: ColumnElement[Any], value: Any, *, downwards: bool) -> Clause:
    """Empty values come last upwards and first downwards."""
    if downwards:
        return expression.is_not(None) if value is None else expression < value
    return false() if value is None else or_(expression > value, expression.is_(None))


def sorting(grid: Grid, orders: Sequence[Order]) -> Sorting:
    """By what the rows are sorted; the sheet's own order when nothing is asked."""
    parts = []
    columns = [grid.column(one.field) for one in orders or grid.order]
    for one, column in zip(orders or grid.order, columns, strict=True):
        if not column.is_sortable:
            raise Invalid("query.operator", {"field": one.field, "op": "sort"})
        parts.append((column.by, one.is_descending, column.nullable))
    return Sorting(tuple(parts), grid.model.id, bool(columns) and columns[0].write == "extra")


def written_key(values: Sequence[Any]) -> str:
    """The key of a row as text for the reader's browser, who gives it back."""
    return _ENCODER.encode([_plain(one) for one in values])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    if isinstance(value, Decimal):
        return {"n": str(value)}
    return value


def read_key(text: str, length: int) -> list[Any]:
    """The key that `written_key` wrote. Raises Invalid("query.key")."""
    try:
        found = json.loads(text)
        if not isinstance(found, list) or len(found) != length or len(text) > 4000:
            raise ValueError(text)
        values = [_unplain(one) for one in found]
        if not isinstance(values[-1], int) or not 0 <= values[-1] < 2**31:
            raise ValueError(text)
    except (ValueError, TypeError, ArithmeticError, KeyError, RecursionError):
        raise Invalid("query.key") from None
    return values


def _unplain(value: Any) -> Any:
    if isinstance(value, dict):
        (kind, text), *more = value.items()
        if more or not isinstance(text, str) or kind not in ("at", "on", "n"):
            raise ValueError(value)
        if kind == "at":
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(text)
            return moment
        return date.fromisoformat(text) if kind == "on" else number_of(text)
    if isinstance(value, list) or (isinstance(value, str) and "\x00" in value):
        raise ValueError(value)
    return value
