"""Columns that follow from others: looked up through a link, counted up from rows that point here, a formula.

What a reader may not see goes into no cell of his: a computed column is there for him only if he reads the sheet it
reads and every column it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, case, cast, func, literal_column, select

from app.rules import formulas
from app.rules.definitions import figured_kinds, formula_kinds
from app.rules.errors import Invalid
from app.rules.values import REFERENCES, ValueKind
from app.services import formula_sql, present
from app.services.definitions import PREFIX, Defined
from app.services.grid_columns import WIDTHS, Column, Sql
from app.services.grids import Grid

Sheets = Callable[[str], Grid | None]
_FIGURES: Mapping[str, Any] = {"sum": func.sum, "avg": func.avg, "min": func.min, "max": func.max}


def computed(
    fields: Iterable[Defined], columns: Mapping[str, Column], sheets: Sheets, *, english: bool
) -> list[Column]:
    """The computed columns among `fields` in their order, beside the `columns` the reader has.

    `sheets` gives the sheet of a code without its own computed columns, None for one he may not read. A field whose
    definition no longer fits is left out.
    """
    wanted = [one for one in fields if one.is_computed]
    made: dict[str, Column] = {}
    for one in wanted:
        column = _looked_up(one, columns, sheets) if one.kind is ValueKind.LOOKUP else None
        column = _rolled_up(one, sheets) if one.kind is ValueKind.ROLLUP else column
        if column is not None:
            made[one.key] = _dressed(one, column, english=english)
    made |= _formulas(wanted, {**columns, **made}, english=english)
    return [made[one.key] for one in wanted if one.key in made]


def _dressed(one: Defined, column: dict[str, Any], *, english: bool) -> Column:
    kind = column["kind"]
    return Column(
        key=one.key, label=one.label_en if english else one.label, help=one.help, defined=one, write="",
        width=WIDTHS.get(kind, 140), is_sortable=kind not in (ValueKind.LONG, ValueKind.CHOICES, ValueKind.FILES),
        **column,
    )  # fmt: skip


def _value(column: Column) -> Sql:
    """A column's cell as SQL of the kind it says."""
    if column.kind is ValueKind.BOOL and column.write == "extra":
        return cast(column.sql, Boolean)
    return column.sql


# --- through a link ---------------------------------------------------------------------------------------------


def _looked_up(one: Defined, columns: Mapping[str, Column], sheets: Sheets) -> dict[str, Any] | None:
    link = columns.get(str(one.parameters.get("field")))
    other = sheets(sheet_of(link)) if link is not None else None
    target = other.columns.get(str(one.parameters.get("column"))) if other is not None else None
    if link is None or other is None or target is None:
        return None

    def through(sql: Sql) -> Sql:
        # The rows stand in a query of their own: they may be of the same table as the row that looks.
        inner = select(other.model.id.label("id"), sql.label("value")).where(other.where).subquery()
        return select(inner.c.value).where(inner.c.id == cast(link.sql, Integer)).scalar_subquery()

    return {
        "kind": target.kind, "sql": through(_value(target)), "choices": target.choices, "colours": target.colours,
        "name": through(target.name) if target.name is not None else None,
        "order": through(target.order) if target.order is not None else None,
        "refers": target.refers, "plain": target.plain,
    }  # fmt: skip


def sheet_of(column: Column) -> str:
    """The sheet on which the rows stand that a column refers to."""
    return column.refers or {ValueKind.PERSON: "people", ValueKind.UNIT: "units", ValueKind.POST: "posts"}.get(
        column.kind, ""
    )


# --- rows that point here ---------------------------------------------------------------------------------------


def _rolled_up(one: Defined, sheets: Sheets) -> dict[str, Any] | None:
    other = sheets(str(one.parameters.get("to")))
    link = other.columns.get(str(one.parameters.get("field"))) if other is not None else None
    figure = str(one.parameters.get("figure"))
    if other is None or link is None:
        return None
    here: Sql = literal_column(f"{one.table}.id", Integer)
    target = other.columns.get(str(one.parameters.get("column")))
    if figure == "count":
        value: Any = literal_column("1", Integer)
    elif target is not None and figure in _FIGURES and target.kind in figured_kinds(figure):
        value = target.sql
    else:
        return None
    # A link made at run time is a number in its index.
    pointed = cast(here, Numeric) if link.write == "extra" else here
    inner = select(link.sql.label("link"), value.label("value")).where(other.where).subquery()
    figured = func.count() if figure == "count" else _FIGURES[figure](inner.c.value)
    sql = select(figured).select_from(inner).where(inner.c.link == pointed).scalar_subquery()
    if figure in ("min", "max") and target is not None:
        return {"kind": target.kind, "sql": sql, "plain": target.plain}
    return {"kind": ValueKind.NUMBER, "sql": sql}


# --- formulas ---------------------------------------------------------------------------------------------------


def _formulas(fields: Iterable[Defined], columns: Mapping[str, Column], *, english: bool) -> dict[str, Column]:
    left = {one.key: one for one in fields if one.kind is ValueKind.FORMULA}
    known = dict(columns)
    found: dict[str, Column] = {}
    while left:
        ready = {}
        for key, one in left.items():
            column = _formula(one, known)
            if column is not None:
                ready[key] = _dressed(one, column, english=english)
        if not ready:
            break  # what is left names a column the reader has not
        known |= ready
        found |= ready
        left = {key: one for key, one in left.items() if key not in ready}
    return found


def _formula(one: Defined, columns: Mapping[str, Column]) -> dict[str, Any] | None:
    return _of_text(str(one.parameters.get("formula") or ""), columns)


def _of_text(text: str, columns: Mapping[str, Column]) -> dict[str, Any] | None:
    kinds = formula_kinds({key: column.kind for key, column in columns.items()})
    try:
        formula = formulas.parse(text, kinds)
    except Invalid:
        return None

    def cell(code: str) -> Sql:
        column = columns.get(code)
        return _operand(columns[PREFIX + code] if column is None else column)

    # The same day for the whole statement; a new one each request.
    sql = formula_sql.compiled(formula, cell, now=present.now(), zone=present.zone())
    return {"kind": formula.kind, "sql": sql}


def trial(text: str, columns: Mapping[str, Column], kind: ValueKind) -> Column | None:
    """A formula that is no field yet, as a column; None where it names one the reader has not."""
    made = _of_text(text, columns)
    return Column(key="", label="", **{**made, "kind": kind}) if made is not None else None


def _operand(column: Column) -> Sql:
    """A cell as a formula reads it: a choice by its label, a row by its name, kept dates and moments as such."""
    if column.kind in REFERENCES:
        return column.name if column.name is not None else literal_column("NULL")
    if column.kind is ValueKind.CHOICE and column.defined is not None and column.defined.options:
        labels = {option.code: option.label for option in column.defined.options}
        return case(labels, value=column.sql, else_=column.sql)
    if column.defined is not None and column.write == "extra":
        types: Mapping[ValueKind, Any] = {
            ValueKind.DATE: Date(), ValueKind.MOMENT: DateTime(timezone=True), ValueKind.BOOL: Boolean(),
        }  # fmt: skip
        return cast(column.sql, types[column.kind]) if column.kind in types else column.sql
    return column.sql


