"""The columns of a sheet as SQL: what a cell holds, by what it is sorted, how a filter's value is compared with it.

A column is declared once, here or by a field made at run time; grid, filter, group, export, import and API read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Text, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from app.models import OwnRow, Person, Post, Unit
from app.rules.definitions import STORED
from app.rules.values import NUMBERS, REFERENCES, ValueKind, moment_text
from app.services.definitions import Defined

Sql = ColumnElement[Any]
Linked = tuple[Sql | None, Sql | None]  # what a row is called to which a link leads, and by what it is sorted


@dataclass(frozen=True)
class Column:
    """One column. `sql` is what a cell holds; `name` what a reference is called; `order` by what it is sorted.

    `plain` says how a moment or a date is written to be compared with `sql`. `write` is how a cell is edited: "" not
    at all, "field" a field of the row, "extra" a field made at run time, else the step of an appeal that writes it.
    `finds`: a text condition may use the bigram index of the appeals. `matches`: how a computed choice is found.
    """

    key: str
    label: Any
    kind: ValueKind
    sql: Sql
    name: Sql | None = None
    order: Sql | None = None
    choices: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    colours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    refers: str = ""
    write: str = ""
    width: int = 140
    help: Any = ""
    nullable: bool = True
    is_sortable: bool = True
    is_filterable: bool = True
    is_listed: bool = True  # shown unless a view says otherwise
    finds: bool = False
    matches: Callable[[str], ColumnElement[bool]] | None = None
    plain: Callable[[datetime | date], Any] = lambda value: value
    defined: Defined | None = None

    @property
    def by(self) -> Sql:
        """By what rows are sorted."""
        return self.order if self.order is not None else self.sql


def name_of(model: Any, row_id: Any, *, english: bool) -> Sql:
    """The name of the row with that id, in one of the languages."""
    other = aliased(model)
    shown = func.coalesce(func.nullif(other.name_en, ""), other.name) if english else other.name
    return select(shown).where(other.id == row_id).scalar_subquery()


def pinyin_of(model: Any, row_id: Any) -> Sql:
    """The key by which the row with that id is sorted: posts by number, everything else by the sound of its name."""
    other = aliased(model)
    key = func.lpad(cast(other.number, Text), 4, "0") if model is Post else other.by_sound
    return select(key).where(other.id == row_id).scalar_subquery()


MODELS: Mapping[ValueKind, Any] = MappingProxyType(
    {ValueKind.PERSON: Person, ValueKind.UNIT: Unit, ValueKind.POST: Post}
)


def stored(table: str, code: str, kind: ValueKind) -> Sql:
    """The value of a field made at run time in the row's JSON, written as the index on it is.

    The code stands in the SQL itself: small letters, digits and underscores, behind a dot the number of a slot.
    """
    if not STORED.fullmatch(code):
        raise ValueError(code)
    text: Sql = literal_column(f"({table}.extra ->> '{code}')", Text)
    if kind in NUMBERS or kind in REFERENCES:
        return cast(text, Numeric)
    if kind in (ValueKind.CHOICES, ValueKind.FILES):
        return literal_column(f"({table}.extra -> '{code}')", JSONB)
    return text


def extra_column(one: Defined, *, english: bool, link_name: Callable[[Defined, Sql], Linked]) -> Column:
    """The column of a field made at run time that is kept (not computed). `link_name`: the row a link leads to."""
    value = stored(one.table, one.code, one.kind)
    name = order = None
    if one.kind in MODELS:
        name = name_of(MODELS[one.kind], value, english=english)
        order = pinyin_of(MODELS[one.kind], value)
    elif one.kind is ValueKind.LINK:
        name, order = link_name(one, value)
    plain: Callable[[datetime | date], Any] = (
        _moment_text if one.kind is ValueKind.MOMENT else date.isoformat if one.kind is ValueKind.DATE else _same
    )
    return Column(
        key=one.key,
        label=one.label_en if english else one.label,
        kind=one.kind,
        sql=value,
        name=name,
        order=order,
        choices={option.code: option.label_en if english else option.label for option in one.options},
        colours={option.code: option.colour for option in one.options},
        refers=one.to,
        write="extra",
        width=WIDTHS.get(one.kind, 140),
        help=one.help,
        is_sortable=one.kind not in (ValueKind.LONG, ValueKind.CHOICES, ValueKind.FILES),
        plain=plain,
        defined=one,
    )


WIDTHS: Mapping[ValueKind, int] = MappingProxyType(
    {
        ValueKind.LONG: 280,
        ValueKind.TEXT: 180,
        ValueKind.DATE: 110,
        ValueKind.MOMENT: 150,
        ValueKind.BOOL: 70,
        ValueKind.NUMBER: 100,
        ValueKind.MONEY: 110,
    }
)


def own_title(own_row_id: Sql, title_code: str) -> Sql | None:
    """The title of a row of an own sheet, None for a sheet without a title field."""
    if not title_code:
        return None
    other = aliased(OwnRow)
    return select(other.extra[title_code].astext).where(other.id == own_row_id).scalar_subquery()


def _moment_text(value: datetime | date) -> str:
    return moment_text(value) if isinstance(value, datetime) else value.isoformat()


def _same(value: datetime | date) -> Any:
    return value
