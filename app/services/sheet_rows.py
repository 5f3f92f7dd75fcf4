"""Rows of the dictionaries for reading: what a sheet declares, what a row holds, what a field can refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select, true

from app.models import Category, Contact, Person, Portfolio, Post, Unit, UnitGroup, db
from app.rules.columns import LEVELS
from app.rules.entries import Field, Kind, Place, blank
from app.rules.errors import FieldProblem, NotFound
from app.rules.fields import mask_phone
from app.services import personal
from app.services.actors import Actor

# What a field can refer to: the model, and which of its rows.
REFERENCES: Mapping[str, tuple[Any, ColumnElement[bool]]] = {
    "person": (Person, true()),
    "unit": (Unit, true()),
    "section": (Unit, Unit.kind == "section"),
    "responsible_unit": (Unit, Unit.kind != "section"),
    "post": (Post, true()),
    "portfolio": (Portfolio, true()),
    "unit_group": (UnitGroup, true()),
    "category": (Category, Category.level < len(LEVELS)),
    "any_category": (Category, true()),
}


@dataclass(frozen=True)
class Sheet:
    """One dictionary, declared once. `name` is its permission word, `code` its address; `columns` the list's.

    `label` names one row, `label_plural` the sheet. `order` is (field, "asc" or "desc"). `can_add`, `can_edit`
    and `can_remove` are what anybody may do at all; `filled_by` is the page where rows come about instead. Who writes
    has one of the capabilities `keepers`. `only` says which rows of the table are this sheet's: columns and what they
    equal. `children`: sheets whose rows hang on one of these, by code, and the field by which they do. `presets`:
    ready filters, each with its label.
    """

    name: str
    code: str
    model: Any
    label: Any
    label_plural: Any
    fields: tuple[Field, ...]
    columns: tuple[str, ...]
    order: tuple[str, str]
    family: str
    icon: str = "fa-table"
    intro: Any = ""
    can_add: bool = True
    can_edit: bool = True
    can_remove: bool = True
    filled_by: str = ""
    keepers: tuple[str, ...] = ("system",)
    only: Mapping[str, Any] = field(default_factory=dict)
    children: Mapping[str, str] = field(default_factory=dict)
    presets: tuple[tuple[Any, Mapping[str, str]], ...] = ()

    def field(self, name: str) -> Field:
        """The field of that name. Raises KeyError."""
        return {one.name: one for one in self.fields}[name]

    @property
    def has_period(self) -> bool:
        """Whether its rows hold for a period; such rows are written by services of their own, never here."""
        return any(one.place is Place.LOWER for one in self.fields)

    @property
    def has_switch(self) -> bool:
        """Whether its rows are taken out of use instead of being deleted."""
        return hasattr(self.model, "active")


@dataclass
class Draft:
    """A row on its way in: what it held, what it is to hold, and the problems found so far."""

    sheet: Sheet
    row: Any
    is_new: bool
    old: dict[str, Any]
    values: dict[str, Any]
    problems: list[FieldProblem] = field(default_factory=list)
    after_write: list[Callable[[Actor, Draft], None]] = field(default_factory=list)
    reason: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # fields made at run time, by code
    held_back: Any = None  # what waits for somebody else's consent instead of being written

    def wrong(self, name: str, code: str, data: Mapping[str, object] | None = None) -> None:
        """Put a problem at a field."""
        self.problems.append(FieldProblem(name, code, dict(data or {})))

    def changed(self, *names: str) -> bool:
        """Whether one of the fields gets another value than it had."""
        return self.is_new or any(self.values.get(name) != self.old.get(name) for name in names)


def access_row(
    sheet: Sheet, row_id: int, *, for_update: bool = False, where: ColumnElement[bool] | None = None
) -> Any:
    """The row of that id, within `where`. Raises NotFound("row.unknown")."""
    query = select(sheet.model).where(sheet.model.id == row_id, true() if where is None else where)
    if for_update:
        query = query.with_for_update(of=sheet.model).execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("row.unknown", {"id": row_id})
    return found


def rows_by_id(model: Any, ids: Iterable[int | None]) -> dict[int, Any]:
    """Rows of a dictionary by id; None among the ids is left out."""
    wanted = {row_id for row_id in ids if row_id is not None}
    if not wanted:
        return {}
    return {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(wanted)))}


def rows_by_code(to: str, codes: Iterable[str]) -> Sequence[Any]:
    """The rows of a dictionary that have one of these codes."""
    wanted, model = list(codes), REFERENCES[to][0]
    return db.session.scalars(select(model).where(model.code.in_(wanted))).all() if wanted else []


def values_of(sheet: Sheet, row: Any) -> dict[str, Any]:
    """What a row holds, by field name, typed; a mobile number as a keyed digest, so that a change shows."""
    return {one.name: _read(row, one) for one in sheet.fields}


def masked_mobile(person: Person | Contact) -> str:
    """A staff member's or a contact's mobile number as a page may show it: 136****3687."""
    return mask_phone(personal.reveal_staff(person.mobile_sealed)) if person.mobile_sealed else ""


@dataclass(frozen=True, slots=True)
class Option:
    """A row that a field can refer to."""

    id: int
    name: str
    name_en: str
    pinyin: str


def options(to: str, *, keep: Sequence[int] = (), most: int | None = None) -> list[Option]:
    """The rows a field can refer to, by pinyin; with `keep`, those too although they are out of use.

    At most `most` of them, those of `keep` for certain.
    """
    model, which = REFERENCES[to]
    query = select(model.id, model.name, model.name_en, model.name_pinyin).where(
        which, model.active | model.id.in_(list(keep))
    )
    order = (model.number,) if model is Post else (model.by_sound, model.id)
    if most is None:
        return [Option(*found) for found in db.session.execute(query.order_by(*order))]
    kept = query.where(model.id.in_(list(keep))) if keep else None
    found = [Option(*row) for row in db.session.execute(query.order_by(*order).limit(most))]
    missing = set(keep) - {one.id for one in found}
    return found + ([Option(*row) for row in db.session.execute(kept)] if kept is not None and missing else [])


def _read(row: Any, one: Field) -> Any:
    if one.kind is Kind.MOBILE:
        number = personal.reveal_staff(row.mobile_sealed)
        digest = personal.blind_index("staff.mobile", number)
        return digest.hex() if digest else ""
    match one.place:
        case Place.LOWER:
            return row.valid.lower if row.valid is not None else None
        case Place.UPPER:
            return row.valid.upper if row.valid is not None else None
        case Place.PARAMETER:
            found = (row.parameters or {}).get(one.name, blank(one))
            if one.kind is Kind.ROWS:
                # Rows are kept by their codes among the parameters, so that they mean something without the database.
                return sorted(other.id for other in rows_by_code(one.to, found))
            return found[:5] if found and one.kind is Kind.TIME else found
        case Place.MAIN | Place.SECOND:
            return sorted(seat.person_id for seat in row.seats if seat.seat == one.place.value)
        case _:
            value = getattr(row, one.column)
            return list(value) if isinstance(value, list) and one.kind is not Kind.JSON else value


def journalled(sheet: Sheet, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON: moments in UTC, a row of another dictionary by its code."""
    wanted: dict[str, set[int]] = {}
    rows = [one for one in sheet.fields if one.kind in (Kind.ROW, Kind.ROWS) and values.get(one.name)]
    for one in rows:
        value = values[one.name]
        wanted.setdefault(one.to, set()).update(value if isinstance(value, list) else [value])
    codes = {to: _codes(to, ids) for to, ids in wanted.items()}
    found: dict[str, Any] = {}
    for one in sheet.fields:
        if one.name not in values:
            continue
        value = values[one.name]
        if one in rows:
            known = codes[one.to]
            value = [known.get(v) for v in value] if isinstance(value, list) else known.get(value)
        found[one.name] = value.isoformat() if isinstance(value, date | datetime) else value
    return found


def _codes(to: str, ids: set[int]) -> dict[int, str]:
    model, _which = REFERENCES[to]
    return dict(db.session.execute(select(model.id, model.code).where(model.id.in_(ids))).all())
