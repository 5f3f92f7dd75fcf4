"""What somebody asks of a sheet: filter, order, groups, columns. Untrusted JSON → frozen, bounded, checked by kind.

Nothing here knows SQL; app/services/grid_sql.py turns it into one. A filter is a tree of groups and conditions:
`{"all": [{"field": "state", "op": "in", "value": ["assigned"]}, {"any": [...]}]}`. Relative days are words
(`today`, `last 7 days`, `this quarter`) and are resolved when the rows are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from .errors import Invalid
from .values import NUMBERS, REFERENCES, TEXTS, TIMES, ValueKind, number_of

MOST_CONDITIONS, DEEPEST, MOST_VALUES, LONGEST_VALUE = 50, 5, 500, 500
MOST_ORDERS, MOST_GROUPS, MOST_AGGREGATES, MOST_COLUMNS = 4, 2, 20, 200

# Operator → how many values it takes: 0, 1, 2, or -1 for a list.
OPERATORS: Mapping[str, int] = MappingProxyType({
    "is": 1, "is_not": 1, "in": -1, "not_in": -1, "contains": 1, "not_contains": 1, "starts": 1,
    "less": 1, "at_most": 1, "more": 1, "at_least": 1, "between": 2, "empty": 0, "not_empty": 0,
    "on": 1, "me": 0, "my_unit": 0,
})  # fmt: skip
_TEXT_OPS = ("contains", "not_contains", "is", "is_not", "starts", "empty", "not_empty")
_ORDER_OPS = ("is", "is_not", "less", "at_most", "more", "at_least", "between", "empty", "not_empty")
_CHOICE_OPS = ("in", "not_in", "is", "is_not", "empty", "not_empty")
_TIME_OPS = ("on", "between", "less", "at_most", "more", "at_least", "empty", "not_empty")


def operators_of(kind: ValueKind) -> tuple[str, ...]:
    """The operators a column of that kind offers, the likeliest first."""
    if kind in TEXTS:
        return _TEXT_OPS
    if kind in NUMBERS:
        return _ORDER_OPS
    if kind in TIMES:
        return _TIME_OPS
    if kind is ValueKind.BOOL:
        return ("is", "empty", "not_empty")
    if kind is ValueKind.PERSON:
        return ("me", *_CHOICE_OPS)
    if kind is ValueKind.UNIT:
        return ("my_unit", *_CHOICE_OPS)
    if kind in REFERENCES or kind is ValueKind.CHOICE:
        return _CHOICE_OPS
    if kind is ValueKind.CHOICES:
        return ("in", "not_in", "empty", "not_empty")
    return ("empty", "not_empty")


AGGREGATES: Mapping[str, frozenset[ValueKind]] = MappingProxyType({
    "filled": frozenset(ValueKind), "empty": frozenset(ValueKind), "distinct": frozenset(ValueKind),
    "sum": NUMBERS, "average": NUMBERS, "least": NUMBERS | TIMES, "most": NUMBERS | TIMES,
    "true": frozenset({ValueKind.BOOL}),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """One column compared with values; how many, says its operator."""

    field: str
    op: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions and groups of which all must hold, or any."""

    parts: tuple[Condition | Group, ...] = ()
    is_any: bool = False

    def __bool__(self) -> bool:
        return bool(self.parts)

    def conditions(self) -> Iterator[Condition]:
        """Every condition of the tree."""
        for part in self.parts:
            if isinstance(part, Group):
                yield from part.conditions()
            else:
                yield part


@dataclass(frozen=True, slots=True)
class Order:
    """A column to sort by."""

    field: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, whatever the page of it: filter, words searched for, order, columns (all when none is named)."""

    where: Group = field(default_factory=Group)
    term: str = ""
    orders: tuple[Order, ...] = ()
    columns: tuple[str, ...] = ()


UNITS = ("day", "week", "month", "quarter", "year")
AUTO = Decimal(0)  # a step that follows from the least and the largest number of the rows


@dataclass(frozen=True, slots=True)
class Part:
    """A column to group by. `unit` of a date or moment (in the office's zone), `step` of a number: AUTO, or its size.

    Without a step each number is a group of its own.
    """

    field: str
    unit: str = ""
    step: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """Rows counted by what one or two columns hold, with figures: (column, aggregate)."""

    by: tuple[Part, ...]
    figures: tuple[tuple[str, str], ...] = ()


def read(raw: object, kinds: Mapping[str, ValueKind]) -> Query:
    """The query of untrusted JSON; `kinds` are the columns the reader may see.

    Raises Invalid: "query.unreadable", "query.unknown-field" (also for one he may not see), "query.operator",
    "query.values", "query.too-large".
    """
    spec = _object({} if raw is None else raw, ("filter", "search", "sort", "columns"))
    where = _group(spec.get("filter", {}), kinds, 1)
    if sum(1 for _one in where.conditions()) > MOST_CONDITIONS:
        raise Invalid("query.too-large", {"most": MOST_CONDITIONS})
    orders, columns = _orders(spec.get("sort"), kinds), _columns(spec.get("columns"), kinds)
    return Query(where, _term(spec.get("search")), orders, columns)


def read_grouping(raw: object, kinds: Mapping[str, ValueKind]) -> Grouping:
    """How rows are grouped: `{"by": ["unit", {"field": "at", "unit": "month"}], "figures": [["amount", "sum"]]}`.

    A number may have a step: `{"field": "amount", "step": 100}`, or `"auto"`. Moments and dates without a unit are
    grouped by day. Raises what `read` raises.
    """
    spec = _object({} if raw is None else raw, ("by", "figures"))
    by = tuple(_part(one, kinds) for one in _list(spec.get("by"), MOST_GROUPS))
    figures = []
    for pair in _list(spec.get("figures"), MOST_AGGREGATES):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or pair[1] not in AGGREGATES:
            raise Invalid("query.unreadable", {"at": "figures"})
        name = _known(pair[0], kinds)
        if kinds[name] not in AGGREGATES[str(pair[1])]:
            raise Invalid("query.operator", {"field": name, "op": str(pair[1])})
        figures.append((name, str(pair[1])))
    return Grouping(by, tuple(figures))


def _part(raw: object, kinds: Mapping[str, ValueKind]) -> Part:
    spec = _object(raw if isinstance(raw, dict) else {"field": raw}, ("field", "unit", "step"))
    name, unit, step = _known(spec.get("field"), kinds), spec.get("unit"), spec.get("step")
    kind = kinds[name]
    if unit is not None and (kind not in TIMES or unit not in UNITS):
        raise Invalid("query.operator", {"field": name, "op": str(unit)[:20]})
    if step is not None and kind not in NUMBERS:
        raise Invalid("query.operator", {"field": name, "op": "step"})
    return Part(name, (str(unit) if unit else UNITS[0]) if kind in TIMES else "", _step(name, step))


def _step(name: str, raw: object) -> Decimal | None:
    if raw is None:
        return None
    if raw == "auto":
        return AUTO
    try:
        step = number_of(raw)
    except Invalid:
        step = AUTO
    # Finer than a cell can be is no step.
    if step < Decimal("0.000001"):
        raise Invalid("query.values", {"field": name, "op": "step"})
    return step


def write_grouping(grouping: Grouping) -> dict[str, Any]:
    """How rows are grouped as JSON again: what a saved view keeps."""
    return {"by": [_written_part(one) for one in grouping.by], "figures": [list(one) for one in grouping.figures]}


def _written_part(part: Part) -> str | dict[str, Any]:
    if part.unit:
        return {"field": part.field, "unit": part.unit}
    if part.step is None:
        return part.field
    return {"field": part.field, "step": "auto" if part.step == AUTO else plain_number(part.step)}


def plain_number(value: Decimal) -> int | float:
    """A number as JSON writes it."""
    return int(value) if value == value.to_integral_value() else float(value)


def write(query: Query) -> dict[str, Any]:
    """The query as JSON again: what a saved view keeps."""
    found: dict[str, Any] = {}
    if query.where:
        found["filter"] = _written(query.where)
    if query.term:
        found["search"] = query.term
    if query.orders:
        found["sort"] = [[one.field, "desc" if one.is_descending else "asc"] for one in query.orders]
    if query.columns:
        found["columns"] = list(query.columns)
    return found


def _written(part: Condition | Group) -> dict[str, Any]:
    if isinstance(part, Group):
        return {"any" if part.is_any else "all": [_written(one) for one in part.parts]}
    found: dict[str, Any] = {"field": part.field, "op": part.op}
    count = OPERATORS[part.op]
    if count:
        found["value"] = part.values[0] if count == 1 else list(part.values)
    return found


def _group(raw: object, kinds: Mapping[str, ValueKind], depth: int) -> Group:
    spec = _object(raw, ("all", "any"))
    if depth > DEEPEST:
        raise Invalid("query.too-large", {"most": MOST_CONDITIONS})
    if len(spec) > 1:
        raise Invalid("query.unreadable", {"at": "filter"})
    parts: list[Condition | Group] = []
    for name, listed in spec.items():
        for one in _list(listed, MOST_CONDITIONS):
            is_group = isinstance(one, dict) and ("all" in one or "any" in one)
            parts.append(_group(one, kinds, depth + 1) if is_group else _condition(one, kinds))
        return Group(tuple(parts), is_any=name == "any")
    return Group()


def _condition(raw: object, kinds: Mapping[str, ValueKind]) -> Condition:
    spec = _object(raw, ("field", "op", "value"))
    name, op = _known(spec.get("field"), kinds), str(spec.get("op"))
    if op not in operators_of(kinds[name]):
        raise Invalid("query.operator", {"field": name, "op": op[:20]})
    value, count = spec.get("value"), OPERATORS[op]
    values = tuple(value) if isinstance(value, list | tuple) else () if value is None else (value,)
    wrong = len(values) > MOST_VALUES or (count >= 0 and len(values) != count) or (count < 0 and not values)
    if wrong or any(not _is_scalar(one) for one in values):
        raise Invalid("query.values", {"field": name, "op": op})
    return Condition(name, op, values)


def _is_scalar(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= LONGEST_VALUE)


def _orders(raw: object, kinds: Mapping[str, ValueKind]) -> tuple[Order, ...]:
    found: dict[str, Order] = {}
    for one in _list(raw, MOST_ORDERS):
        pair = one if isinstance(one, list | tuple) else (one, "asc")
        if len(pair) != 2 or pair[1] not in ("asc", "desc"):
            raise Invalid("query.unreadable", {"at": "sort"})
        name = _known(pair[0], kinds)
        found.setdefault(name, Order(name, pair[1] == "desc"))
    return tuple(found.values())


def _columns(raw: object, kinds: Mapping[str, ValueKind]) -> tuple[str, ...]:
    """Columns that are gone since a view was saved are left out of it."""
    names = _list(raw, MOST_COLUMNS)
    return tuple(dict.fromkeys(str(one) for one in names if isinstance(one, str) and one in kinds))


def _term(raw: object) -> str:
    if raw is not None and not isinstance(raw, str):
        raise Invalid("query.unreadable", {"at": "search"})
    return (raw or "").strip()[:100]


def _known(raw: object, kinds: Mapping[str, ValueKind]) -> str:
    if not isinstance(raw, str) or raw not in kinds:
        raise Invalid("query.unknown-field", {"field": str(raw)[:40]})
    return raw


def _object(raw: object, allowed: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(raw, dict) or any(name not in allowed for name in raw):
        raise Invalid("query.unreadable", {"at": ", ".join(allowed)})
    return raw


def _list(raw: object, most: int) -> Sequence[Any]:
    if raw is None:
        return ()
    if not isinstance(raw, list | tuple):
        raise Invalid("query.unreadable", {"at": "[]"})
    if len(raw) > most:
        raise Invalid("query.too-large", {"most": most})
    return raw


# --- relative days ----------------------------------------------------------------------------------------------

_RELATIVE = re.compile(r"(last|next) ([0-9]{1,4}) (days|weeks|months)")
_PERIODS = tuple(
    f"{which} {what}" for what in ("week", "month", "quarter", "year") for which in ("this", "last", "next")
)
# What a filter offers instead of a date, beside `last 7 days` and its like.
SPANS = ("today", "yesterday", "tomorrow", *_PERIODS)


def span(word: str, today: date) -> tuple[date, date] | None:
    """The days (first, last) that a word means: `today`, `last 7 days` (today among them), `this quarter`; or a date.

    None when it is neither. A week begins on Monday.
    """
    if word in ("today", "yesterday", "tomorrow"):
        day = today + timedelta(days=("yesterday", "today", "tomorrow").index(word) - 1)
        return day, day
    if word in _PERIODS:
        which, what = word.split()
        return _period(what, today, ("last", "this", "next").index(which) - 1)
    if match := _RELATIVE.fullmatch(word):
        return _counted(match[1], int(match[2]), match[3], today)
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return None
    return day, day


def period(unit: str, day: date) -> tuple[date, date]:
    """The first and the last day of the day, week, month, quarter or year that begins on `day` or has it in it."""
    if unit == "day":
        return day, day
    try:
        return _period(unit, day, 0)
    except (ValueError, OverflowError):
        return day, date.max


def sensible_step(least: Decimal, most: Decimal) -> Decimal:
    """A step of 1, 2 or 5 times a power of ten that makes about ten groups from the least to the largest number."""
    wanted = (most - least) / 10
    if wanted <= 0:
        return Decimal(1)
    unit = Decimal(10) ** wanted.adjusted()
    return max(next(unit * n for n in (1, 2, 5, 10) if unit * n >= wanted), Decimal("0.000001"))


def _counted(way: str, number: int, what: str, today: date) -> tuple[date, date] | None:
    days = number * {"days": 1, "weeks": 7, "months": 0}[what]
    try:
        if what == "months":
            other = _month(today, -number if way == "last" else number)
        else:
            other = today + timedelta(days=(1 - days if way == "last" else days - 1))
    except (ValueError, OverflowError):
        return None
    return (other, today) if way == "last" else (today, other)


def _month(day: date, by: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + by, 12)
    for last in (day.day, 30, 29, 28):
        if last > day.day:
            continue
        try:
            return date(year, month + 1, last)
        except ValueError:
            if not 1 <= year <= 9999:
                raise
    raise ValueError(day)


def _period(what: str, today: date, by: int) -> tuple[date, date]:
    if what == "week":
        first = today - timedelta(days=today.weekday()) + timedelta(weeks=by)
        return first, first + timedelta(days=6)
    months = {"month": 1, "quarter": 3, "year": 12}[what]
    start = date(today.year, (today.month - 1) // months * months + 1, 1)
    first = _month(start, by * months)
    return first, _month(first, months) - timedelta(days=1)
