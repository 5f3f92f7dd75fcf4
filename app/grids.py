"""Every sheet that opens in the grid: the ledger, the appeals, the dictionaries, the sheets made at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import Text, and_, cast, func, select
from sqlalchemy.orm import aliased

from app import appeal_columns
from app.models import Appeal, Contact, OwnRow
from app.rules.entries import Field, Kind, Place
from app.rules.errors import NotFound, Refused
from app.rules.grants import GrantSet
from app.rules.query import Order
from app.rules.values import ValueKind
from app.services import access, api_tokens, definitions, grid_computed, ledger, own_rows, sheet_access
from app.services.actors import Actor
from app.services.definitions import Defined, Definitions, Own
from app.services.grants import standing_of
from app.services.grid_columns import Column, Linked, extra_column, name_of, own_title, pinyin_of
from app.services.grids import Grid
from app.services.sheet_rows import REFERENCES, Sheet
from app.sheets import BY_CODE
from app.standing import current_actor, current_standing

OWN_PREFIX = "own_"
CLASSES = frozenset("ABCDEF")
# The sheet on which the rows stand that a field of a dictionary refers to.
REFERS: Mapping[str, str] = MappingProxyType(
    {
        "person": "people", "unit": "units", "section": "offices", "responsible_unit": "units", "post": "posts",
        "portfolio": "portfolio", "unit_group": "unit_groups", "category": "categories", "any_category": "categories",
    }
)  # fmt: skip
_KINDS: Mapping[Kind, ValueKind] = MappingProxyType(
    {
        Kind.TEXT: ValueKind.TEXT, Kind.LONG: ValueKind.LONG, Kind.CODE: ValueKind.TEXT, Kind.EMAIL: ValueKind.TEXT,
        Kind.INT: ValueKind.NUMBER, Kind.BOOL: ValueKind.BOOL, Kind.DATE: ValueKind.DATE, Kind.MOMENT: ValueKind.MOMENT,
        Kind.TIME: ValueKind.TEXT, Kind.CHOICE: ValueKind.CHOICE, Kind.CHOICES: ValueKind.CHOICES,
    }
)  # fmt: skip
_ROW_KINDS = {"person": ValueKind.PERSON, "unit": ValueKind.UNIT, "section": ValueKind.UNIT, "post": ValueKind.POST,
              "responsible_unit": ValueKind.UNIT}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """Who opens a sheet: the actor, his page permissions, the language of names. `plain`: without computed columns."""

    actor: Actor
    pairs: frozenset[tuple[str, str]]
    english: bool
    plain: bool = False

    def may(self, method: str, view: str) -> bool:
        """Whether he has the page permission."""
        return (f"can_{method}", view) in self.pairs


def reader() -> Reader:
    """The reader of this request."""
    standing = current_standing()
    return Reader(current_actor(), frozenset(standing.pairs) if standing else frozenset(), is_english())


def reader_of(user_id: int, request_id: str, *, english: bool = False, only_post: int | None = None) -> Reader:
    """The reader a worker acts for: the account as it stands now, under one of its posts alone when a token asked.

    Raises Refused("access.signed-out") for an account that is shut, and for a post its person does not act for.
    """
    standing = standing_of(user_id)
    if standing is not None:
        standing = api_tokens.restricted(standing, only_post)
    if standing is None:
        raise Refused("access.signed-out")
    actor = Actor(standing.user_id, standing.person_id, standing.grants, standing.name, request_id=request_id)
    return Reader(actor, frozenset(standing.pairs), english)


def is_english() -> bool:
    """Whether names are shown in English."""
    return str(get_locale()) == "en"


def grid(code: str, who: Reader) -> Grid:
    """The sheet of that code for this reader. Raises NotFound("sheet.unknown"), also for one he may not read.

    Kept by this process for as long as neither his standing nor any definition changes.
    """
    key = (who.actor.user_id, code, who.english)
    known = _kept.get(key)
    if known is not None and known.holds(who):
        return replace(known.grid, actor=who.actor)
    made = _maker(code)
    found = made(who) if made is not None else None
    if found is None:
        raise NotFound("sheet.unknown", {"sheet": code[:48]})
    if _is_constant(found):
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept[key] = _Kept(who.actor.grants, who.pairs, definitions.current(), found)
    return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """A grid and what it follows from: each of these is made anew when anything in it changes."""

    grants: GrantSet
    pairs: frozenset[tuple[str, str]]
    definitions: Definitions
    grid: Grid

    def holds(self, who: Reader) -> bool:
        same = self.grants is who.actor.grants and self.pairs is who.pairs and not who.plain
        return same and self.definitions is definitions.current()


_MOST = 500
_kept: dict[tuple[int | None, str, bool], _Kept] = {}


def _is_constant(grid: Grid) -> bool:
    """Whether it follows from standing and definitions alone: a formula knows the day, a dictionary other rows."""
    computed = any(one.defined is not None and one.defined.is_computed for one in grid.columns.values())
    return grid.family != "dictionary" and not computed


def readable(who: Reader) -> Iterator[Grid]:
    """Every sheet the reader may open, in the order of the menu."""
    codes = ["ledger", "appeals", *(OWN_PREFIX + one for one in definitions.current().sheets), *BY_CODE]
    for code in codes:
        made = _maker(code)
        found = made(who) if made is not None else None
        if found is not None:
            yield found


def _maker(code: str) -> Callable[[Reader], Grid | None] | None:
    if code in ("ledger", "appeals"):
        return {"ledger": _ledger, "appeals": _appeals}[code]
    if code in BY_CODE:
        return partial(_dictionary, BY_CODE[code])
    own = definitions.current().sheets.get(code.removeprefix(OWN_PREFIX)) if code.startswith(OWN_PREFIX) else None
    return partial(_own, own) if own is not None else None


# --- appeals ----------------------------------------------------------------------------------------------------


def _ledger(who: Reader) -> Grid | None:
    """What has a number, as far as the reader keeps the ledger or supervises (R10)."""
    if not who.may("read", "Ledger"):
        return None
    reached = access.visible_to(who.actor, "record") | access.visible_to(who.actor, "supervise")
    readings = [who.actor.grants.scopes_for_reading(one) for one in ("record", "supervise")]
    counted = CLASSES if any(one.everything for one in readings) else None
    where = ledger.kept() if counted else and_(ledger.kept(), reached)
    return _of_appeals(who, "ledger", str(_l("Ledger")), where, classes=counted)


def _appeals(who: Reader) -> Grid | None:
    """Every appeal the reader may see."""
    if not who.may("read", "Appeals"):
        return None
    return _of_appeals(who, "appeals", str(_l("Appeals")), access.visible_to(who.actor))


def _of_appeals(who: Reader, code: str, label: str, where: Any, classes: frozenset[str] | None = None) -> Grid:
    own = appeal_columns.columns(english=who.english, numbered=code == "ledger")
    found = [*own, *_extra("appeal", None, who, own)]
    return Grid(
        code, label, Appeal, {one.key: one for one in found}, where, (Order("received_at", True),), "appeals",
        who.actor,
        counted={"received_at": "received", "number": "number"} if classes else {},
        classes=classes,
        can_edit=who.may("act", "Appeals"),
        title="number",
    )  # fmt: skip


# --- dictionaries -----------------------------------------------------------------------------------------------


def _dictionary(sheet: Sheet, who: Reader) -> Grid | None:
    if not who.may("read", sheet.name) or not sheet_access.reads(who.actor, sheet):
        return None
    declared = _declared(sheet.code, english=who.english)
    columns = {one.key: one for one in (*declared, *_extra(sheet.model.__tablename__, None, who, declared))}
    first, way = sheet.order
    keeps = sheet_access.keeps(who.actor, sheet)
    return Grid(
        sheet.code, str(sheet.label_plural), sheet.model, columns, sheet_access.rows_of(who.actor, sheet),
        (Order(first, way == "desc"),) if first in columns else (), "dictionary", who.actor, sheet,
        can_add=keeps and sheet.can_add,
        can_edit=keeps and sheet.can_edit,
        can_remove=keeps and sheet.can_remove,
        title="name" if "name" in columns else next(iter(columns)),
        intro=str(sheet.intro),
    )  # fmt: skip


@cache
def _declared(code: str, *, english: bool) -> tuple[Column, ...]:
    sheet = BY_CODE[code]
    found = (_field_column(sheet, one, english=english) for one in sheet.fields)
    return tuple(one for one in found if one is not None)


def _field_column(sheet: Sheet, one: Field, *, english: bool) -> Column | None:
    """The column of a declared field; None for what a cell cannot show (several rows, JSON, sealed numbers)."""
    model = sheet.model
    write = "field" if sheet.can_edit and not one.fixed and one.on_form else ""
    listed = one.name in sheet.columns
    if one.kind is Kind.ROW and one.place is Place.COLUMN:
        other, value = REFERENCES[one.to][0], getattr(model, one.column)
        return Column(
            one.name, one.label, _ROW_KINDS.get(one.to, ValueKind.LINK), value,
            name_of(other, value, english=english), pinyin_of(other, value),
            refers=REFERS[one.to], write=write, help=one.help, is_listed=listed,
        )  # fmt: skip
    kind = _KINDS.get(one.kind)
    value = _field_sql(model, one)
    if kind is None or value is None:
        return None
    order = model.by_sound if one.name == "name" and hasattr(model, "name_pinyin") else None
    return Column(
        one.name, one.label, kind, value, order=order, choices=one.choices, write=write, help=one.help,
        is_listed=listed, width={ValueKind.LONG: 280, ValueKind.BOOL: 80, ValueKind.NUMBER: 90}.get(kind, 160),
        is_sortable=kind not in (ValueKind.LONG, ValueKind.CHOICES),
    )  # fmt: skip


def _field_sql(model: Any, one: Field) -> Any:
    if one.place is Place.LOWER:
        return func.lower(model.valid)
    if one.place is Place.UPPER:
        return func.upper(model.valid)
    if one.place is Place.PARAMETER:
        return model.parameters[one.name].astext if one.kind in (Kind.TEXT, Kind.CHOICE) else None
    if one.place is not Place.COLUMN or not hasattr(model, one.column):
        return None
    value = getattr(model, one.column)
    return func.left(cast(value, Text), 5) if one.kind is Kind.TIME else value


# --- sheets and fields made at run time -------------------------------------------------------------------------


def _own(own: Own, who: Reader) -> Grid | None:
    if not own_rows.may_read(own, who.actor):
        return None
    columns = {one.key: one for one in _extra("own_row", own.id, who)}
    writes = own_rows.may_write(own, who.actor)
    return Grid(
        OWN_PREFIX + own.code, own.name_en if who.english else own.name, OwnRow, columns,
        and_(OwnRow.sheet_id == own.id, OwnRow.deleted_at.is_(None)), (), "own", who.actor, own,
        can_add=writes, can_edit=writes, can_remove=writes,
        title=definitions.PREFIX + own.title_field if own.title_field else next(iter(columns), ""),
        intro=own.intro,
    )  # fmt: skip


def _extra(table: str, own_sheet_id: int | None, who: Reader, declared: Sequence[Column] = ()) -> list[Column]:
    """The fields made at run time that this reader sees, in their order, beside the declared columns."""
    posts = set(who.actor.grants.post_ids)
    every = who.actor.grants.can("system")
    fields = [
        one
        for one in definitions.current().of(table, own_sheet_id)
        if every or not one.readers or posts & one.readers
    ]
    found = {
        one.key: extra_column(one, english=who.english, link_name=partial(_link_name, who))
        for one in fields
        if not one.is_computed
    }
    if not who.plain and len(found) < len(fields):
        known = {one.key: one for one in declared} | found
        sheets = partial(_plain_sheet, replace(who, plain=True))
        found |= {one.key: one for one in grid_computed.computed(fields, known, sheets, english=who.english)}
    return [found[one.key] for one in fields if one.key in found]


def _plain_sheet(who: Reader, code: str) -> Grid | None:
    """The sheet from which computed columns of another read, as far as this reader sees it."""
    made = _maker(code)
    return made(who) if made is not None else None


def declared_columns(code: str, *, english: bool) -> Mapping[str, Column]:
    """The columns of a sheet that no definition made, whoever asks: what a definition may name."""
    if code == "appeals":
        return {one.key: one for one in appeal_columns.columns(english=english, numbered=False)}
    return {one.key: one for one in _declared(code, english=english)} if code in BY_CODE else {}


def _link_name(who: Reader, one: Defined, value: Any) -> Linked:
    """What the row is called that a link leads to; nothing when its sheet is gone or not this reader's to see."""
    if one.to.startswith(OWN_PREFIX):
        own = definitions.current().sheets.get(one.to.removeprefix(OWN_PREFIX))
        title = own_title(value, own.title_code) if own is not None and own_rows.may_read(own, who.actor) else None
        return title, title
    if one.to in ("appeals", "contacts"):
        # Aliased: a field of an appeal may lead to another appeal.
        model: Any = Appeal if one.to == "appeals" else Contact
        which = access.visible_to(who.actor) if model is Appeal else sheet_access.contacts_of(who.actor)
        other = aliased(model)
        seen = select(model.id).where(model.id == other.id, which).correlate(other).exists()
        shown = other.number if model is Appeal else other.name
        if model is Contact and who.english:
            shown = func.coalesce(func.nullif(other.name_en, ""), other.name)
        named, by = (
            select(what).where(other.id == value, seen).scalar_subquery()
            for what in (shown, shown if model is Appeal else other.by_sound)
        )
        return named, by
    sheet = BY_CODE.get(one.to)
    if sheet is None or not hasattr(sheet.model, "name"):
        return None, None
    named = name_of(sheet.model, value, english=who.english)
    return named, pinyin_of(sheet.model, value) if hasattr(sheet.model, "by_sound") else named
