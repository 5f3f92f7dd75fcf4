"""What a dictionary list can be narrowed by: the comparisons of each kind of field, generated from the declaration.

An address names a filter as the framework does, `_flt_<comparison>_<field>`. A value nobody can read finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from flask_appbuilder.models.filters import BaseFilter, BaseFilterConverter, Filters
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import String, and_, cast, false, func, or_, select
from sqlalchemy.dialects.postgresql import Range
from werkzeug.datastructures import MultiDict

from app import words
from app.rules.entries import Field, Kind, Place
from app.services import absences, present
from app.services.sheet_rows import REFERENCES, Sheet, rows_by_id
from app.standing import current_actor

# The period of a row as a whole; no field of a form.
PERIOD = Field("valid", _l("In force"), Kind.DATE, place=Place.NOWHERE)
MANY = 100  # values of one filter
_NAME = re.compile(r"_flt_([0-9])_(\w+)")


def _day(text: str) -> date | None:
    """A day as typed; None where there is none. Raises ValueError."""
    return date.fromisoformat(text.strip()) if text.strip() else None


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, present.zone())


def _number(text: str) -> int | None:
    if not text.strip():
        return None
    if len(text.strip()) > 9:
        raise ValueError(text)
    return int(text)


class SheetFilter(BaseFilter):
    """One comparison of one field. `takes` says what a reader enters: text, many, span, day, days, yes or nothing."""

    takes = "text"

    @property
    def field(self) -> Field:
        """The declared field that is compared."""
        field: Field = field_of(self.datamodel.sheet, self.column_name)
        return field

    @property
    def column(self) -> Any:
        """What is compared in SQL."""
        match self.field.place:
            case Place.LOWER:
                return func.lower(self.model.valid)
            case Place.UPPER:
                return func.upper(self.model.valid)
        return getattr(self.model, _column(self.field))

    def apply(self, query: Any, value: Any) -> Any:
        """The query with this comparison; a value nobody can read finds nothing, none leaves it as it is."""
        values = [one.replace("\x00", "") for one in (value if isinstance(value, list) else [value])][:MANY]
        if not any(one.strip() for one in values):
            return query
        try:
            return query.where(self.condition(values))
        except (ValueError, OverflowError):
            return query.where(false())

    def condition(self, values: list[str]) -> Any:
        """SQL of the comparison. Raises ValueError or OverflowError."""
        raise NotImplementedError

    def said(self, values: list[str]) -> str:
        """The values in words."""
        return words.listed(one for one in values if one)


class Holds(SheetFilter):
    """A text holds these characters, in either case."""

    name = _l("contains")

    def condition(self, values: list[str]) -> Any:
        return and_(*(_like(self.column, one) for one in values if one))


class IsAmong(SheetFilter):
    """A code, or a row by its id, is one of these."""

    name = _l("is one of")
    takes = "many"

    def condition(self, values: list[str]) -> Any:
        if self.field.kind is not Kind.ROW:
            return self.column.in_([one for one in values if one])
        return self.column.in_([int(one) for one in values if one and len(one) < 10 and one.isascii()])

    def said(self, values: list[str]) -> str:
        if self.field.kind is not Kind.ROW:
            return words.listed(str(self.field.choices.get(one, one)) for one in values)
        ids = [int(one) for one in values if one.isascii() and one.isdigit() and len(one) < 10]
        found = rows_by_id(REFERENCES[self.field.to][0], ids)
        return words.listed(words.named(found[one]) for one in ids if one in found) or "?"


class IsNotAmong(IsAmong):
    """A code or a row is none of these; an empty field is none of them either."""

    name = _l("is none of")

    def condition(self, values: list[str]) -> Any:
        return or_(self.column.is_(None), ~super().condition(values))


class HasOneOf(IsAmong):
    """A list of codes has one of these."""

    name = _l("has one of")

    def condition(self, values: list[str]) -> Any:
        return or_(*(self.column.contains([one]) for one in values if one))


class IsSo(SheetFilter):
    """A switch is on; anything but y means off."""

    name = _l("is")
    takes = "yes"

    def condition(self, values: list[str]) -> Any:
        return self.column.is_(values[0] == "y")

    def said(self, values: list[str]) -> str:
        return str(_("Yes") if values[0] == "y" else _("No"))


class IsEmpty(SheetFilter):
    """Nothing is entered."""

    name = _l("is empty")
    takes = "nothing"

    def condition(self, values: list[str]) -> Any:
        if isinstance(self.column.type, String):
            return or_(self.column.is_(None), self.column == "")
        return self.column.is_(None)

    def said(self, values: list[str]) -> str:
        return ""


class IsFilled(IsEmpty):
    """Something is entered."""

    name = _l("is filled in")

    def condition(self, values: list[str]) -> Any:
        return ~super().condition(values)


class IsBetween(SheetFilter):
    """A day, a moment or a number lies between two, both included; one of them may be missing."""

    name = _l("is between")
    takes = "span"

    def condition(self, values: list[str]) -> Any:
        texts = [*values, ""][:2]
        column, kind = self.column, self.field.kind
        if kind is Kind.INT:
            numbers = [_number(text) for text in texts]
            return _within(column, *numbers)
        first, last = (_day(text) for text in texts)
        if kind is Kind.DATE:
            return _within(column, first, last)
        # A period without an end has no last day.
        return and_(
            column >= _start(first) if first else column.is_not(None),
            column < _start(last + timedelta(days=1)) if last else column.is_not(None),
        )

    def said(self, values: list[str]) -> str:
        first, last = [*values, ""][:2]
        if first and last:
            return f"{first} – {last}"
        return str(_("from %(first)s", first=first) if first else _("until %(last)s", last=last))


class IsInForceOn(SheetFilter):
    """The period touches this day."""

    name = _l("on a day")
    takes = "day"

    def condition(self, values: list[str]) -> Any:
        day = _day(values[0])
        return _touches(self.model, day, day)


class IsInForceBetween(IsBetween):
    """The period touches one of these days."""

    name = _l("within")

    def condition(self, values: list[str]) -> Any:
        first, last = (_day(text) for text in [*values, ""][:2])
        return _touches(self.model, first, last)


class IsLongAgo(SheetFilter):
    """A day lies further back than so many days, or never was."""

    name = _l("not within the last … days")
    takes = "days"

    def condition(self, values: list[str]) -> Any:
        days = _number(values[0]) or 0
        return or_(self.column.is_(None), self.column < present.today() - timedelta(days=days))

    def said(self, values: list[str]) -> str:
        return values[0]


class Quick(BaseFilter):
    """The search box of a list: name in either language, pinyin initials, code."""

    def apply(self, query: Any, value: Any) -> Any:
        model, found = self.model, []
        for name in ("name", "name_en", "code", "short_name", "title", "title_en", "address", "person_name"):
            if hasattr(model, name):
                found.append(_like(getattr(model, name), value))
        if hasattr(model, "name_pinyin"):
            found.append(model.name_pinyin.startswith(value.lower(), autoescape=True))
        for field in self.datamodel.sheet.fields:
            if field.kind is Kind.ROW:
                other, _which = REFERENCES[field.to]
                is_meant = or_(_like(other.name, value), other.name_pinyin.startswith(value.lower(), autoescape=True))
                found.append(getattr(model, field.column).in_(select(other.id).where(is_meant)))
        return query.where(or_(*found)) if found else query


class AbsencesInSight(BaseFilter):
    """The system officer keeps all absences; a responsible leader sees those of his posts' people."""

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(absences.in_sight(current_actor()))


BASE_FILTERS: Mapping[str, Any] = {"absences": AbsencesInSight}
# The place in a tuple is the digit of an address: new comparisons go to the end.
COMPARISONS: Mapping[Kind, tuple[type[SheetFilter], ...]] = {
    Kind.TEXT: (Holds, IsEmpty, IsFilled),
    Kind.LONG: (Holds, IsEmpty, IsFilled),
    Kind.EMAIL: (Holds, IsEmpty, IsFilled),
    Kind.CHOICE: (IsAmong, IsNotAmong, IsEmpty),
    Kind.CHOICES: (HasOneOf,),
    Kind.ROW: (IsAmong, IsNotAmong, IsEmpty),
    Kind.BOOL: (IsSo,),
    Kind.INT: (IsBetween,),
    Kind.DATE: (IsBetween, IsEmpty, IsLongAgo),
    Kind.MOMENT: (IsBetween, IsEmpty),
    Kind.MOBILE: (IsFilled, IsEmpty),
}
_OF_A_PERIOD: tuple[type[SheetFilter], ...] = (IsInForceOn, IsInForceBetween)
_PERIODS = (Place.LOWER, Place.UPPER)


def _column(field: Field) -> str:
    return "mobile_sealed" if field.kind is Kind.MOBILE else field.column


def _within(column: Any, first: Any, last: Any) -> Any:
    return and_(
        column >= first if first is not None else column.is_not(None),
        column <= last if last is not None else column.is_not(None),
    )


def _touches(model: Any, first: date | None, last: date | None) -> Any:
    lower = _start(first) if first else None
    upper = _start(last + timedelta(days=1)) if last else None
    if lower and upper and upper <= lower:
        return false()
    return model.valid.op("&&")(Range(lower, upper, bounds="[)"))


def _like(column: Any, value: str) -> Any:
    text = column if isinstance(column.type, String) else cast(column, String)
    return text.icontains(value.replace("\x00", "")[:100], autoescape=True)


# --- what a sheet offers -----------------------------------------------------------------------------------


def offered(sheet: Sheet) -> list[Field]:
    """The fields a reader may filter by, in their order; of a period also the whole."""
    found = [one for one in sheet.fields if comparisons(sheet, one)]
    return [*found, PERIOD] if sheet.has_period else found


def field_of(sheet: Sheet, name: str) -> Field:
    """A field by its name, the period included. Raises KeyError."""
    return PERIOD if name == PERIOD.name else sheet.field(name)


def comparisons(sheet: Sheet, field: Field) -> tuple[type[SheetFilter], ...]:
    """What a field can be compared by; a field that is always filled in is not asked whether it is empty."""
    if field is PERIOD:
        return _OF_A_PERIOD if sheet.has_period else ()
    if field.place not in _PERIODS and not (field.place is Place.COLUMN and hasattr(sheet.model, _column(field))):
        return ()
    found = COMPARISONS.get(field.kind, ())
    if field.required and field.kind in (Kind.TEXT, Kind.DATE, Kind.MOMENT, Kind.CHOICE, Kind.ROW):
        found = tuple(one for one in found if not issubclass(one, IsEmpty | IsLongAgo))  # all of them at the end
    return found


class SheetFilters(BaseFilterConverter):
    """The filters that the declaration of a sheet offers."""

    def convert(self, col_name: str) -> list[BaseFilter]:
        """The filters of a field; none for a field that is not to be searched."""
        field = next((one for one in offered(self.datamodel.sheet) if one.name == col_name), None)
        kinds = comparisons(self.datamodel.sheet, field) if field is not None else ()
        return [kind(col_name, self.datamodel) for kind in kinds]


class OfferedFilters(Filters):
    """Filters of an address; what is not offered is left out rather than an error of ours."""

    def add_filter_index(self, column_name: str, filter_instance_index: int, value: Any) -> None:
        """Add the filter with that digit, if there is one."""
        if filter_instance_index < len(self._all_filters.get(column_name, ())):
            super().add_filter_index(column_name, filter_instance_index, value)

    def get_joined_filters(self, filters: Filters) -> OfferedFilters:
        """These and those."""
        joined = OfferedFilters(self.filter_converter, self.datamodel)
        joined.filters, joined.values = self.filters + filters.filters, self.values + filters.values
        return joined

    def apply_all(self, query: Any) -> Any:
        """The query with every filter; ours take all their values at once."""
        for one, values in zip(self.filters, self.values, strict=True):
            if isinstance(one, SheetFilter):
                query = one.apply(query, values)
                continue
            for value in values if isinstance(values, list) else [values]:
                query = one.apply(query, value)
        return query


# --- what is set -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chip:
    """A filter that is set, in words, and the name under which it is taken away."""

    name: str
    label: str
    comparison: str
    value: str


def chips(filters: Filters) -> list[Chip]:
    """The filters that are set, in words."""
    found = []
    for one, values in zip(filters.filters, filters.values, strict=True):
        if isinstance(one, SheetFilter):
            at = comparisons(one.datamodel.sheet, one.field).index(type(one))
            found.append(Chip(f"_flt_{at}_{one.column_name}", str(one.field.label), str(one.name), one.said(values)))
    return found


def read(datamodel: Any, sent: MultiDict[str, str]) -> OfferedFilters:
    """The filters that an address or a form names; what the sheet does not offer is left out."""
    found = OfferedFilters(SheetFilters, datamodel)
    for name in dict.fromkeys(sent):
        named = _NAME.fullmatch(name)
        values = sent.getlist(name)[:MANY]
        if named is not None and any(value.strip() for value in values):
            found.add_filter_index(named[2], int(named[1]), values)
    if term := term_of(sent):
        found.add_filter("name", Quick, term)
    return found


def term_of(sent: MultiDict[str, str]) -> str:
    """What the search box asks for."""
    return sent.get("q", "").replace("\x00", "").strip()[:60]


def query_of(sheet: Sheet, sent: MultiDict[str, str], endpoint: str, *, without: str = "") -> str:
    """The address of a list that says what was sent, filters and order and nothing else, in a steady order."""
    names = [f"_flt_{at}_{field.name}" for field in offered(sheet) for at, _one in enumerate(comparisons(sheet, field))]
    names += [f"_oc_{endpoint}", f"_od_{endpoint}", f"psize_{endpoint}"]
    asked = [name for name in names if name != without and any(one.strip() for one in sent.getlist(name))]
    return urlencode([(name, value.strip()) for name in asked for value in sent.getlist(name)[:MANY]])


def unreadable(filters: Filters) -> list[str]:
    """The labels of fields whose value nobody can read."""
    found = []
    for one, values in zip(filters.filters, filters.values, strict=True):
        try:
            if isinstance(one, SheetFilter):
                one.condition(values)
        except (ValueError, OverflowError):
            found.append(str(one.field.label))
    return found
