"""Rows of a sheet counted by what one or two columns hold: by value, by period of time, by step of a number.

Each group says which conditions find exactly its rows, in the words of every filter; so whoever opens a group sees what
was counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Integer, Numeric, cast, func, literal, literal_column, select

from app.models import db
from app.rules.errors import Invalid
from app.rules.fields import clean_text
from app.rules.query import (
    AUTO,
    LONGEST_VALUE,
    Condition,
    Grouping,
    Part,
    Query,
    period,
    plain_number,
    sensible_step,
)
from app.rules.query import Group as Conditions
from app.rules.values import NUMBERS, REFERENCES, TEXTS, ValueKind, number_of
from app.services import grid_options, grid_rows, present
from app.services.grid_columns import Column
from app.services.grids import Grid

MOST_GROUPS = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    """Rows counted by what some columns hold; how many of them are overdue, None for what has no limit.

    A value of a period is its first day, of a step the number it begins with. `filter` finds exactly these rows, None
    where no filter can say it.
    """

    values: tuple[Any, ...]
    count: int
    overdue: int | None
    figures: dict[str, Any]
    filter: Conditions | None


def groups(
    grid: Grid, query: Query, grouping: Grouping, *, english: bool = False
) -> tuple[tuple[Part, ...], list[Group]]:
    """The parts with the steps that were taken, and the groups, at most MOST_GROUPS.

    The newest period or the lowest step comes first, else the largest group.
    """
    parts = _stepped(grid, query, grouping.by)
    columns = [_by(grid.column(part.field), part, f"g{n}") for n, part in enumerate(parts)]
    shown = [grid_rows.cell(column) for column in columns]
    figures = [grid_rows.figure(grid.column(key), what) for key, what in grouping.figures]
    statement = (
        select(*(cell for cells in shown for cell in cells), func.count().label("n"), _overdue(grid), *figures)
        .select_from(grid.model)
        .where(grid_rows.conditions(grid, query))
        .group_by(*(_named(column) for column in columns))
        .order_by(*_order(parts, columns))
        .limit(MOST_GROUPS)
    )
    found = []
    rows = [grid_rows.cells_of(columns, row) for row in db.session.execute(statement)]
    for values, rest in _with_names(grid, parts, rows, english=english):
        count, overdue, *told = rest
        named = {
            f"{key}:{what}": grid_rows.as_json(value) for (key, what), value in zip(grouping.figures, told, strict=True)
        }
        found.append(Group(values, count, overdue, named, _filter(grid, parts, values)))
    return parts, found


def _overdue(grid: Grid) -> ColumnElement[Any]:
    """How many rows of a group are overdue as of now; NULL on a sheet without limits."""
    column = grid.columns.get("finished") if grid.family == "appeals" else None
    if column is None or column.matches is None:
        return literal_column("NULL::integer")
    return func.count().filter(column.matches("overdue"))


# --- what rows are grouped by -----------------------------------------------------------------------------------


def _stepped(grid: Grid, query: Query, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts, each step that follows from the rows worked out: one statement for all of them."""
    open_ones = [part for part in parts if part.step == AUTO]
    if not open_ones:
        return parts
    columns = [grid.column(part.field) for part in open_ones]
    ends = [end for column in columns for end in (func.min(column.sql), func.max(column.sql))]
    row = db.session.execute(select(*ends).select_from(grid.model).where(grid_rows.conditions(grid, query))).one()
    steps = {}
    for at, part in enumerate(open_ones):
        least, most = row[2 * at], row[2 * at + 1]
        known = least is not None and most is not None
        step = sensible_step(Decimal(str(least)), Decimal(str(most))) if known else Decimal(1)
        # No finer than what the column holds: rounds are counted, not measured.
        steps[part.field] = max(step, Decimal(1)) if isinstance(columns[at].sql.type, Integer) else step
    return tuple(replace(part, step=steps[part.field]) if part.step == AUTO else part for part in parts)


def _by(column: Column, part: Part, label: str) -> Column:
    """The column as rows are grouped by it; `label` is what the statement calls it."""
    if part.unit:
        return replace(column, kind=ValueKind.DATE, sql=_period_of(column, part.unit).label(label), name=None)
    if part.step is not None:
        step = literal_column(format(part.step, "f"), Numeric)
        lower = func.floor(cast(column.sql, Numeric) / step) * step
        return replace(column, sql=lower.label(label), name=None)
    if column.kind in TEXTS or column.kind is ValueKind.CHOICE:
        # What is not there and what is left blank are one group, as they are one filter.
        return replace(column, sql=func.nullif(column.sql, "").label(label))
    return replace(column, name=None) if _is_named_after(column) else column


def _is_named_after(column: Column) -> bool:
    """Whether the rows that a column refers to are named apart: a value that is an expression itself, not a column of
    the table, is unknown to PostgreSQL inside the query of its name once rows are grouped by it.
    """
    return column.kind in REFERENCES and column.defined is not None


def _with_names(
    grid: Grid, parts: tuple[Part, ...], rows: list[tuple[tuple[Any, ...], Sequence[Any]]], *, english: bool
) -> Iterator[tuple[tuple[Any, ...], Sequence[Any]]]:
    """Rows of groups with references as cells hold them: a statement for each part that has some."""
    called: dict[int, dict[Any, list[Any]]] = {}
    for place, part in enumerate(parts):
        column = grid.column(part.field)
        if _is_named_after(column):
            ids = [int(values[place]) for values, _rest in rows if values[place] is not None]
            called[place] = grid_options.rows_of(grid, column, ids, english=english) if ids else {}
    for values, rest in rows:
        yield tuple(
            value if place not in called or value is None else called[place].get(int(value), [int(value), ""])
            for place, value in enumerate(values)
        ), rest


def _period_of(column: Column, unit: str) -> ColumnElement[Any]:
    """SQL: the first day of the period a cell lies in, in the office's time zone."""
    is_text = isinstance(column.plain(date.min), str)
    if column.kind is ValueKind.DATE:
        day: ColumnElement[Any] = cast(column.sql, Date) if is_text else column.sql
    else:
        moment = cast(column.sql, DateTime(timezone=True)) if is_text else column.sql
        day = func.timezone(literal(str(present.zone()), literal_execute=True), moment)
    return cast(day if unit == "day" else func.date_trunc(literal_column(f"'{unit}'"), day), Date)


def _named(column: Column) -> ColumnElement[Any]:
    """A column in GROUP BY and ORDER BY: what was made here by its label, for its parameters are written once only."""
    name = getattr(column.sql, "name", None)
    return literal_column(name) if isinstance(name, str) and name in ("g0", "g1") else column.sql


def _order(parts: tuple[Part, ...], columns: list[Column]) -> list[ColumnElement[Any]]:
    made = [(part, _named(column)) for part, column in zip(parts, columns, strict=True)]
    periods = [by.desc().nulls_last() if part.unit else by.asc() for part, by in made if part.unit or part.step]
    return [*periods, literal_column("n").desc(), *(by for part, by in made if not part.unit and not part.step)]


# --- which rows a group has -------------------------------------------------------------------------------------


def _filter(grid: Grid, parts: tuple[Part, ...], values: tuple[Any, ...]) -> Conditions | None:
    found: list[Condition] = []
    for part, value in zip(parts, values, strict=True):
        some = _conditions(grid.column(part.field), part, value)
        if some is None:
            return None
        found += some
    return Conditions(tuple(found))


def _conditions(column: Column, part: Part, value: Any) -> list[Condition] | None:
    key = column.key
    if value is None:
        return [Condition(key, "empty")]
    if part.unit:
        first, last = period(part.unit, date.fromisoformat(value))
        if last == date.max:
            # No day follows that a filter could end before.
            return [Condition(key, "more", ((first - timedelta(days=1)).isoformat(),))]
        return [Condition(key, "between", (first.isoformat(), last.isoformat()))]
    if part.step is not None:
        return _step_conditions(key, Decimal(str(value)), part.step)
    if column.kind in TEXTS:
        # A filter reads what somebody typed: a text it would read otherwise cannot be asked for.
        exact = len(value) <= LONGEST_VALUE and clean_text(value) == value
        return [Condition(key, "is", (value,))] if exact else None
    if column.kind in REFERENCES:
        return [Condition(key, "in", (value[0],))]
    if column.kind is ValueKind.CHOICE:
        return [Condition(key, "in", (value,))]
    return [Condition(key, "is", (value,))] if column.kind is ValueKind.BOOL or column.kind in NUMBERS else None


def _step_conditions(key: str, lower: Decimal, step: Decimal) -> list[Condition] | None:
    ends = plain_number(lower), plain_number(lower + step)
    try:
        if [number_of(one) for one in ends] != [lower, lower + step]:
            return None
    except Invalid:
        return None
    return [Condition(key, "at_least", (ends[0],)), Condition(key, "less", (ends[1],))]
