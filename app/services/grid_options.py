"""What a reference column may hold: the rows offered while somebody types, and names that were pasted as rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, String, func, literal, or_, select, true

from app.models import (
    Appeal,
    Category,
    Channel,
    Contact,
    LimitRule,
    OwnRow,
    Person,
    Portfolio,
    Post,
    RetentionClass,
    Unit,
    UnitGroup,
    db,
    spelled,
)
from app.rules.errors import NotFound
from app.rules.values import REFERENCES, ValueKind
from app.services import access, changes, definitions, ledger, own_rows, sheet_access
from app.services.actors import Actor
from app.services.grid_columns import MODELS, Column
from app.services.grids import Grid

MOST = 50
OWN_PREFIX = "own_"
_SECTIONS = Unit.kind == "section"
# Sheets whose names everybody reads who reads a column that refers to them.
_LINKED: Mapping[str, tuple[Any, ColumnElement[bool]]] = MappingProxyType(
    {
        "categories": (Category, true()),
        "channels": (Channel, true()),
        "limits": (LimitRule, true()),
        "offices": (Unit, _SECTIONS),
        "people": (Person, true()),
        "portfolio": (Portfolio, true()),
        "posts": (Post, true()),
        "retention": (RetentionClass, true()),
        "unit_groups": (UnitGroup, true()),
        "units": (Unit, true()),
    }
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A row that a cell can refer to."""

    value: int
    label: str
    pinyin: str


@dataclass(frozen=True, slots=True)
class _Source:
    model: Any
    where: ColumnElement[bool]
    name: Any
    other: Any  # the name in the other language
    pinyin: Any
    seen: ColumnElement[bool] = field(default_factory=true)  # those he may see, whether they may be chosen or not


def offered(grid: Grid, key: str, term: str, *, english: bool, is_body: bool = False) -> list[Offer]:
    """At most MOST rows whose name contains the words, or whose sound begins with them (`sgaj`, `shi gong`).

    Appeals are found by their number; by words of their title only when `is_body` says that the words came in the
    body of a request: an address stands in logs.

    Raises NotFound("query.unknown-field") for a column out of sight, and for one that refers to nothing he may read.
    """
    source = _source(grid, grid.column(key), english=english)
    if source.model is Appeal:
        return _appeals(source, term, by_title=is_body)
    return _found(source, term)


def people(actor: Actor, term: str, *, is_everybody: bool, english: bool) -> list[Offer]:
    """At most MOST people whom somebody may name in forms of the staffing table, found as `offered` finds rows."""
    which = true() if is_everybody else Person.id.in_(changes.candidates(actor).with_only_columns(Person.id))
    return _found(_of_names(Person, which, english=english), term)


def _found(source: _Source, term: str) -> list[Offer]:
    shown = func.coalesce(func.nullif(source.name, ""), source.other, "")
    query = select(source.model.id, shown, source.pinyin).where(source.where)
    if term := term.strip().lower()[:100]:
        query = query.where(_fits(source, term))
    exact = func.lower(shown) == term
    ordered = query.order_by(exact.desc(), spelled(source.pinyin), source.model.id).limit(MOST)
    return [Offer(row[0], row[1], row[2] or "") for row in db.session.execute(ordered)]


def _appeals(source: _Source, term: str, *, by_title: bool) -> list[Offer]:
    """Appeals by their number, its beginning or what is counted in it (`A-12`, `12`), then by words of their title,
    the latest first.
    """
    query = select(Appeal.id, Appeal.number, Appeal.subject).where(source.where)
    ordered = query.order_by(Appeal.id.desc()).limit(MOST)
    if term := term.strip()[:100]:
        numbers = or_(Appeal.number.startswith(term, autoescape=True), Appeal.number.in_(ledger.numbers_of(term)))
        ordered = ordered.where(numbers)
    found = {row_id: (number, subject) for row_id, number, subject in db.session.execute(ordered)}
    if term and by_title and len(found) < MOST:
        ids = ledger.titled(source.where, term, MOST - len(found))
        named = {one.id: (one.number, one.subject) for one in db.session.execute(query.where(Appeal.id.in_(ids)))}
        found |= {row_id: named[row_id] for row_id in ids if row_id in named}
    return [Offer(row_id, f"{number} · {subject[:40]}", "") for row_id, (number, subject) in found.items()]


def _fits(source: _Source, term: str) -> ColumnElement[bool]:
    """Initials begin the stored key; the full sound stands behind them."""
    sounds = "".join(term.split())
    plain = func.replace(func.split_part(source.pinyin, " ", 1), " ", "")
    full = func.replace(spelled(source.pinyin), " ", "")
    by_sound = or_(plain.startswith(sounds, autoescape=True), full.startswith(sounds, autoescape=True))
    named = [func.lower(one).contains(term, autoescape=True) for one in (source.name, source.other)]
    return or_(*named, by_sound) if sounds.isascii() else or_(*named)


def named(grid: Grid, column: Column, names: Collection[str]) -> dict[str, int | None]:
    """The ids of rows that have exactly these names, in either language; None for a name that several rows have."""
    source = _source(grid, column, english=False)
    wanted = [one.strip() for one in names]
    query = select(source.model.id, source.name, source.other).where(
        source.where, or_(source.name.in_(wanted), source.other.in_(wanted))
    )
    found: dict[str, int | None] = {}
    for row_id, name, other in db.session.execute(query):
        for one in {name, other} & set(wanted):
            found[one] = row_id if found.get(one, row_id) == row_id else None
    return found


def called(grid: Grid, key: str, ids: Collection[int], *, english: bool) -> dict[int, str]:
    """What the rows of those ids are called, as far as he may see them. Raises NotFound as `offered` does."""
    source = _source(grid, grid.column(key), english=english)
    shown = func.coalesce(func.nullif(source.name, ""), source.other, "")
    found = db.session.execute(select(source.model.id, shown).where(source.where, source.model.id.in_(list(ids))))
    return dict(found.tuples().all())


def rows_of(grid: Grid, column: Column, values: Collection[Any], *, english: bool) -> dict[Any, list[Any]]:
    """Rows by their ids or codes, whichever a value is, as a cell shows them: `[id, name]`; also those out of use, but
    none that he may not see.
    """
    try:
        source = _source(grid, column, english=english)
    except NotFound:
        return {}
    ids = [one for one in values if type(one) is int]
    codes = [one for one in values if isinstance(one, str)]
    shown = func.coalesce(func.nullif(source.name, ""), source.other, "")
    has_code = hasattr(source.model, "code")
    code = source.model.code if has_code else literal("", String)
    which = source.model.id.in_(ids) | code.in_(codes) if has_code else source.model.id.in_(ids)
    found: dict[Any, list[Any]] = {}
    if ids or codes:
        query = select(source.model.id, code, shown).where(which, source.seen)
        for row_id, row_code, name in db.session.execute(query):
            found[row_id] = found[row_code] = [row_id, name]
    return found


def _source(grid: Grid, column: Column, *, english: bool) -> _Source:
    if column.kind in MODELS and column.refers not in _LINKED:
        return _of_names(MODELS[column.kind], true(), english=english)
    if column.kind in REFERENCES and column.refers in _LINKED:
        return _of_names(*_LINKED[column.refers], english=english)
    if column.kind is ValueKind.LINK and column.refers == "contacts":
        seen = sheet_access.contacts_of(grid.actor)
        return replace(_of_names(Contact, seen, english=english), seen=seen)
    if column.kind is ValueKind.LINK and column.refers == "appeals":
        seen = access.visible_to(grid.actor)
        which = seen & Appeal.number.is_not(None)
        return _Source(Appeal, which, Appeal.number, literal("", String), literal("", String), seen)
    if column.kind is ValueKind.LINK and column.refers.startswith(OWN_PREFIX):
        return _of_titles(grid, column.refers.removeprefix(OWN_PREFIX))
    raise NotFound("query.unknown-field", {"field": column.key})


def _of_names(model: Any, which: ColumnElement[bool], *, english: bool) -> _Source:
    names = (model.name_en, model.name) if english else (model.name, model.name_en)
    return _Source(model, which & model.active, *names, model.name_pinyin)


def _of_titles(grid: Grid, code: str) -> _Source:
    """Titles of an own sheet, for who reads it."""
    own = definitions.current().sheets.get(code)
    if own is None or not own_rows.may_read(own, grid.actor) or not own.title_field:
        raise NotFound("query.unknown-field", {"field": code[:40]})
    title = OwnRow.extra[own.title_code].astext
    return _Source(
        OwnRow, (OwnRow.sheet_id == own.id) & OwnRow.deleted_at.is_(None), title, literal("", String), func.lower(title)
    )
