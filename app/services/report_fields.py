"""Fields made at run time in reports: those ticked for it, as columns of the overdue list and tables of a quarter.

A report that is made for a reader shows the fields he sees; a stored one only what everybody sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.reports.quarterly import FieldFigures, Share, Sum
from app.reports.table import Cell, Translate
from app.reports.table import Column as ReportColumn
from app.reports.table import Kind as CellKind
from app.rules.definitions import REPORTED, STORED
from app.rules.values import NUMBERS, ValueKind
from app.services import definitions, field_values
from app.services.actors import Actor
from app.services.definitions import Defined
from app.services.grid_columns import Column, extra_column

# A value of a row with the name of the row it refers to.
Raw = tuple[Any, str | None]
_TABLES = {ValueKind.PERSON: "person", ValueKind.UNIT: "unit", ValueKind.POST: "post"}
_WIDTHS = {ValueKind.BOOL: 9, ValueKind.NUMBER: 12, ValueKind.MONEY: 14}


def of_reader(actor: Actor) -> tuple[Defined, ...]:
    """The fields a report shows this reader."""
    return tuple(one for one in _ticked() if field_values.may_read(actor, one))


def of_everybody() -> tuple[Defined, ...]:
    """The fields a stored report shows."""
    return tuple(one for one in _ticked() if not one.readers)


def _ticked() -> Iterable[Defined]:
    return (one for one in definitions.current().of("appeal") if one.in_reports and one.kind in REPORTED)


def columns(fields: Sequence[Defined], *, english: bool) -> tuple[Column, ...]:
    """The fields as SQL over the table of appeals."""
    return tuple(extra_column(one, english=english, link_name=lambda _one, _value: (None, None)) for one in fields)


def headed(fields: Sequence[Column]) -> tuple[ReportColumn, ...]:
    """The same as columns of a workbook."""
    kinds: dict[ValueKind, CellKind] = {ValueKind.MONEY: "decimal"}
    return tuple(
        ReportColumn(one.key, str(one.label), kinds.get(one.kind, "text"), width=_WIDTHS.get(one.kind, 18))
        for one in fields
    )


def cells(fields: Sequence[Column], raw: Sequence[Raw], t: Translate) -> tuple[Cell, ...]:
    """The values of a row in the reader's language."""
    return tuple(_cell(column, *value, t) for column, value in zip(fields, raw, strict=True))


def _cell(column: Column, value: Any, name: str | None, t: Translate) -> Cell:
    if value in (None, "", []):
        return None if column.kind is ValueKind.MONEY else ""
    if column.kind is ValueKind.BOOL:
        return t("Yes") if value == "true" else t("No")
    if column.kind is ValueKind.CHOICE:
        return str(column.choices.get(value, value))
    if column.kind is ValueKind.CHOICES:
        return "、".join(str(column.choices.get(one, one)) for one in value)
    if column.kind is ValueKind.NUMBER:
        return f"{value.normalize():f}"
    return value if column.kind is ValueKind.MONEY else name or f"#{value}"


# --- a quarter --------------------------------------------------------------------------------------------------

_OURS = """
    FROM appeal a {joins}
    WHERE a.registered_at >= :before_starts AND a.registered_at < :ends AND a.registered_at <= :as_of
      AND a.state <> 'history' AND NOT COALESCE(a.voided_at <= :as_of, false)
    """
_NOW, _BEFORE = "a.registered_at >= :starts", "a.registered_at < :starts"
# Steps and forms that wrote one of the fields into an appeal of the quarter, up to the moment asked for.
LAST_FILLED = text(
    """
    SELECT max(j.at) FROM appeal a JOIN journal j ON j.appeal_id = a.id
    WHERE a.registered_at >= :s1 AND a.registered_at < :e0 AND j.at <= :now AND jsonb_exists_any(j.new, :keys)
    """
)


def figures(
    session: Session, fields: Sequence[Defined], span: Mapping[str, Any], t: Translate, *, english: bool, has_base: bool
) -> tuple[FieldFigures, ...]:
    """A table for each field over the appeals registered in the quarter: counts by what they hold, or sums."""
    made: Callable[..., FieldFigures]
    found = []
    for one in fields:
        if not STORED.fullmatch(one.code):
            raise ValueError(one.code)
        made = _sums if one.kind in NUMBERS else _shares
        found.append(made(session, one, dict(span), t, english=english, has_base=has_base))
    return tuple(found)


def _label(one: Defined, *, english: bool) -> str:
    return one.label_en if english else one.label


def _shares(
    session: Session, one: Defined, span: dict[str, Any], t: Translate, *, english: bool, has_base: bool
) -> FieldFigures:
    value, joins, names = f"a.extra ->> '{one.code}'", "", "NULL AS name, NULL AS name_en"
    if one.kind is ValueKind.CHOICES:
        several = f"coalesce(nullif(a.extra -> '{one.code}', '[]'), '[null]')"
        value, joins = "v.code", f"CROSS JOIN LATERAL jsonb_array_elements_text({several}) AS v (code)"
    if one.kind in _TABLES:
        joins = f"LEFT JOIN {_TABLES[one.kind]} r ON r.id = CAST(a.extra ->> '{one.code}' AS numeric)"
        names = "max(r.name) AS name, max(r.name_en) AS name_en"
    query = (
        f"SELECT {value} AS value, {names}, count(*) FILTER (WHERE {_NOW}) AS count,"
        f" count(*) FILTER (WHERE {_BEFORE}) AS previous {_OURS.format(joins=joins)} GROUP BY 1"
    )
    rows = list(session.execute(text(query), span).mappings())
    places = {option.code: place for place, option in enumerate(one.options)}
    rows.sort(key=lambda row: (row["value"] is None, places.get(row["value"], 10**6), -row["count"], str(row["value"])))
    shares = tuple(
        Share(_said(one, row, t, english=english), row["count"], row["previous"] if has_base else None)
        for row in rows
        if row["count"] or row["previous"]
    )
    return FieldFigures(_label(one, english=english), shares=shares, is_several=one.kind is ValueKind.CHOICES)


def _said(one: Defined, row: RowMapping, t: Translate, *, english: bool) -> str:
    value = row["value"]
    if value is None:
        return t("Not filled in")
    if one.kind is ValueKind.BOOL:
        return t("Yes") if value == "true" else t("No")
    if one.kind in _TABLES:
        return str((english and row["name_en"]) or row["name"] or f"#{value}")
    known = {option.code: option.label_en if english else option.label for option in one.options}
    return str(known.get(value, value))


def _sums(
    session: Session, one: Defined, span: dict[str, Any], t: Translate, *, english: bool, has_base: bool
) -> FieldFigures:
    number = f"CAST(a.extra ->> '{one.code}' AS numeric)"
    parts = ", ".join(
        f"{what} FILTER (WHERE {when}) AS {name}_{at}"
        for at, when in (("now", _NOW), ("before", _BEFORE))
        for name, what in (
            ("filled", f"count({number})"), ("sum", f"sum({number})"), ("average", f"avg({number})"),
            ("least", f"min({number})"), ("most", f"max({number})"),
        )
    )  # fmt: skip
    row = session.execute(text(f"SELECT {parts} {_OURS.format(joins='')}"), span).mappings().one()
    words = {
        "filled": t("Appeals with a value"), "sum": t("Sum"), "average": t("Average"), "least": t("Least"),
        "most": t("Greatest"),
    }  # fmt: skip
    sums = tuple(
        Sum(word, _rounded(row[f"{name}_now"]), _rounded(row[f"{name}_before"]) if has_base else None)
        for name, word in words.items()
    )
    return FieldFigures(_label(one, english=english), sums=sums)


def _rounded(value: Any) -> int | Decimal | None:
    return round(value, 2) if isinstance(value, Decimal) else value
