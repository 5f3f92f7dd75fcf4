"""Values of fields made at run time on their way in, and in words: what form, cell, import and API say alike.

Values are named by key (`x_bridge`) where they come in, by code (`bridge`) where they are kept, in the row's `extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, select, true

from app.models import (
    Appeal,
    Attachment,
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
)
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid
from app.rules.values import REFERENCES, Option, Value, ValueKind, read
from app.services import access, definitions, field_files, field_jobs, present, sheet_access
from app.services.actors import Actor
from app.services.definitions import PREFIX, Defined, Own

OWN_PREFIX = "own_"
# Sheets a link may lead to, beside own sheets; a test holds them to those that are declared.
LINKS: Mapping[str, Any] = MappingProxyType(
    {
        "appeals": Appeal, "people": Person, "units": Unit, "posts": Post, "portfolio": Portfolio, "contacts": Contact,
        "unit_groups": UnitGroup, "categories": Category, "channels": Channel, "limits": LimitRule,
        "retention": RetentionClass,
    }
)  # fmt: skip
_MODELS = {ValueKind.PERSON: Person, ValueKind.UNIT: Unit, ValueKind.POST: Post}


@dataclass
class _Row:
    """One row on its way in."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[FieldProblem] = field(default_factory=list)

    def wrong(self, one: Defined, code: str, data: Mapping[str, object] | None = None) -> None:
        self.problems.append(FieldProblem(one.key, code, dict(data or {})))


def clean(
    fields: Sequence[Defined],
    raw: Mapping[str, object],
    *,
    actor: Actor,
    old: Mapping[str, Any] | None = None,
    state: str | None = None,
    channel_class: str | None = None,
    is_new: bool = False,
    is_whole: bool = False,
) -> dict[str, Any]:
    """The values to keep, by code, of those that were sent by key; None empties a field.

    `old` is what the row's `extra` holds. A new row gets defaults. `is_whole`: a form showed every field, so whatever
    is required must be there; else only what was sent is judged. Raises FieldErrors with each problem at its key:
    what values.read refuses, "field.unknown", "field.not-yours", "field.not-asked", "field.choice".
    """
    found = clean_many(
        fields, [raw], actor=actor, olds=[old or {}], state=state, channel_class=channel_class, is_new=is_new,
        is_whole=is_whole,
    )[0]  # fmt: skip
    if isinstance(found, FieldErrors):
        raise found
    return found


def clean_many(
    fields: Sequence[Defined],
    raws: Sequence[Mapping[str, object]],
    *,
    actor: Actor,
    olds: Sequence[Mapping[str, Any]] | None = None,
    state: str | None = None,
    channel_class: str | None = None,
    is_new: bool = False,
    is_whole: bool = False,
) -> list[dict[str, Any] | FieldErrors]:
    """`clean` for many rows: references are looked up once for all of them."""
    by_key = {one.key: one for one in fields}
    if any(key in by_key for raw in raws for key in raw):
        definitions.require_current()
    moving = moving_of(fields)
    before = olds if olds is not None else [{}] * len(raws)
    asking, zone = asked_of(fields, actor, state, channel_class), present.zone()
    rows = [
        _read(by_key, asking, raw, old, zone, is_new=is_new, is_whole=is_whole)
        for raw, old in zip(raws, before, strict=True)
    ]
    for row in rows:
        for one in moving:
            if one.code in row.values:
                row.wrong(one, "definition.moving")
    _check_references(by_key, rows, before, actor)
    return [FieldErrors(row.problems) if row.problems else row.values for row in rows]


def asked_of(
    fields: Sequence[Defined], actor: Actor, state: str | None = None, channel_class: str | None = None
) -> list[Asking]:
    """What the fields ask of the rows that this person writes, in their order."""
    return [Asking.of(one, actor, state, channel_class) for one in fields]


def moving_of(fields: Sequence[Defined]) -> list[Defined]:
    """The fields whose kind is being changed at this moment: they take no values."""
    marked = [one.id for one in fields if one.is_moving]
    still = field_jobs.open_ids(marked) if marked else set()
    return [one for one in fields if one.id in still]


@dataclass(frozen=True, slots=True)
class Asking:
    """What a field asks of the rows of one call."""

    one: Defined
    key: str
    is_asked: bool
    is_required: bool
    is_writable: bool
    value: Value
    default: Any

    @staticmethod
    def of(one: Defined, actor: Actor, state: str | None, channel_class: str | None) -> Asking:
        is_asked = one.asks(state, channel_class)
        required = is_asked and _is_required(one, state)
        default = one.parameters.get("default") if is_asked else None
        return Asking(one, one.key, is_asked, required, may_write(actor, one), one.value(required=required), default)


def _read(
    by_key: Mapping[str, Defined],
    asking: Sequence[Asking],
    raw: Mapping[str, object],
    old: Mapping[str, Any],
    zone: tzinfo,
    *,
    is_new: bool,
    is_whole: bool,
) -> _Row:
    row = _Row()
    row.problems += [FieldProblem(key, "field.unknown", {"field": key[:40]}) for key in raw if key not in by_key]
    for asked in asking:
        one = asked.one
        is_sent = asked.key in raw
        if not is_sent and not (is_new and asked.default not in (None, "")):
            if (is_whole or is_new) and asked.is_required and old.get(one.code) is None:
                row.wrong(one, "field.required")
            continue
        try:
            value = read(asked.value, raw[asked.key] if is_sent else asked.default, zone)
        except Invalid as error:
            row.wrong(one, error.code, error.data)
            continue
        if value == old.get(one.code):
            continue
        if is_sent and not asked.is_writable:
            row.wrong(one, "field.not-yours")
        elif not asked.is_asked and value is not None:
            row.wrong(one, "field.not-asked")
        else:
            row.values[one.code] = value
    return row


def _is_required(one: Defined, state: str | None) -> bool:
    return not one.is_computed and (one.required or (state is not None and state in one.required_states))


def may_write(actor: Actor, one: Defined) -> bool:
    """Whether this person fills in the field: one of its posts, or everybody who writes the row when none is named."""
    return not one.writers or bool(one.writers & set(actor.grants.post_ids)) or actor.grants.can("system")


def may_read(actor: Actor, one: Defined) -> bool:
    """Whether this person sees the field: one of its posts, or everybody who sees the row when none is named."""
    return not one.readers or bool(one.readers & set(actor.grants.post_ids)) or actor.grants.can("system")


def missing(
    fields: Sequence[Defined], extra: Mapping[str, Any], *, state: str, channel_class: str | None
) -> tuple[str, ...]:
    """Keys of the fields that a row must hold before it comes into this state, and does not."""
    return tuple(
        one.key
        for one in fields
        if one.asks(state, channel_class) and _is_required(one, state) and extra.get(one.code) in (None, "", [])
    )


def written(extra: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """The row's `extra` with the cleaned values in it; what is empty is not kept."""
    merged = {**(extra or {}), **values}
    return {code: value for code, value in merged.items() if value is not None}


def taken(error: Conflict, fields: Iterable[Defined]) -> FieldErrors | None:
    """What the database refuses because another row has the value already, at its field; None for anything else."""
    name = str(error.data.get("constraint", ""))
    for one in fields:
        if error.code == "row.constraint" and name == f"fu_{one.id}":
            return FieldErrors([FieldProblem(one.key, "row.taken")])
    return None


# --- references -------------------------------------------------------------------------------------------------


def _check_references(
    by_key: Mapping[str, Defined], rows: Sequence[_Row], olds: Sequence[Mapping[str, Any]], actor: Actor
) -> None:
    """Rows that fields refer to exist, are in use and in this person's sight; what stood there before may stay."""
    for one in by_key.values():
        if one.kind not in REFERENCES and one.kind is not ValueKind.FILES:
            continue
        wanted: set[int] = set()
        for row in rows:
            value = row.values.get(one.code)
            wanted.update(value if isinstance(value, list) else [value] if value is not None else [])
        if not wanted:
            continue
        known = known_of(one, wanted, actor)
        for row, old in zip(rows, olds, strict=True):
            value, before = row.values.get(one.code), old.get(one.code)
            now = set(value) if isinstance(value, list) else {value} - {None}
            kept = set(before) if isinstance(before, list) else {before}
            if now - known - kept:
                row.wrong(one, "field.choice", {"value": str(value)[:40]})


def known_of(one: Defined, wanted: set[int], actor: Actor) -> set[int]:
    """Those of the ids that the field may refer to when this person writes it."""
    model, condition = target(one, actor)
    if model is None:
        return set()
    return set(db.session.scalars(select(model.id).where(model.id.in_(wanted), condition)))


def reads_own(own: Own, actor: Actor) -> bool:
    """Whether this person sees rows of the own sheet: a post of his reads or writes it, or he keeps the system."""
    posts = set(actor.grants.post_ids)
    return own.is_open or bool(posts & (own.readers | own.writers)) or actor.grants.can("system")


def target(one: Defined, actor: Actor) -> tuple[Any, ColumnElement[bool]]:
    """The table a field refers to and which of its rows this person may choose: those he sees.

    (None, …) when its sheet is gone, or not his to read.
    """
    if one.kind is ValueKind.FILES:
        return Attachment, field_files.choosable(one, actor)
    if one.kind in _MODELS:
        other: Any = _MODELS[one.kind]
        return other, other.active
    if one.to.startswith(OWN_PREFIX):
        own = definitions.current().sheets.get(one.to.removeprefix(OWN_PREFIX))
        if own is None or not reads_own(own, actor):
            return None, true()
        return OwnRow, and_(OwnRow.sheet_id == own.id, OwnRow.deleted_at.is_(None))
    model = LINKS.get(one.to)
    if model is Appeal:
        return Appeal, access.visible_to(actor)
    if model is Contact:
        return Contact, and_(Contact.active, sheet_access.contacts_of(actor))
    return model, model.active if model is not None and hasattr(model, "active") else true()


# --- words ------------------------------------------------------------------------------------------------------


def names(
    fields: Sequence[Defined], extras: Iterable[Mapping[str, Any]], *, english: bool, actor: Actor | None = None
) -> dict[Any, str]:
    """What the rows and files are called that fields name: {(code, id): name}; one statement for each such field.

    What `actor` does not see has no name; without one, for what nobody is shown, everything has.
    """
    rows: list[Mapping[str, Any]] = list(extras)
    found: dict[Any, str] = {}
    for one in fields:
        if one.kind is ValueKind.FILES:
            held = {row_id for extra in rows for row_id in extra.get(one.code) or ()}
            found |= {(one.code, row_id): name for row_id, name in field_files.names(held).items()}
        if one.kind not in REFERENCES:
            continue
        wanted = {extra[one.code] for extra in rows if extra.get(one.code) is not None}
        if wanted:
            found |= {(one.code, row_id): name for row_id, name in _named(one, wanted, actor, english=english)}
    return found


def _named(one: Defined, wanted: set[int], actor: Actor | None, *, english: bool) -> Iterable[tuple[int, str]]:
    model: Any = _MODELS.get(one.kind) or (OwnRow if one.to.startswith(OWN_PREFIX) else LINKS.get(one.to))
    seen = true() if actor is None else _seen(one, actor)
    if model is None or seen is None:
        return []
    rows = db.session.scalars(select(model).where(model.id.in_(wanted), seen)).all()
    if model is OwnRow:
        own = definitions.current().sheets.get(one.to.removeprefix(OWN_PREFIX))
        title = own.title_code if own else ""
        return [(row.id, str((row.extra or {}).get(title) or row.id)) for row in rows]
    if model is Appeal:
        return [(row.id, row.number or row.subject) for row in rows]
    return [(row.id, (row.name_en or row.name) if english else row.name) for row in rows]


def _seen(one: Defined, actor: Actor) -> ColumnElement[bool] | None:
    """Which rows he may know that the field names, in use or not; None for those of a sheet he does not read."""
    if one.kind is ValueKind.LINK and one.to.startswith(OWN_PREFIX):
        own = definitions.current().sheets.get(one.to.removeprefix(OWN_PREFIX))
        return true() if own is not None and reads_own(own, actor) else None
    if one.kind is ValueKind.LINK and one.to in ("appeals", "contacts"):
        return access.visible_to(actor) if one.to == "appeals" else sheet_access.contacts_of(actor)
    return true()


def worded(one: Defined, value: Any, known: Mapping[Any, str], *, english: bool) -> Any:
    """A kept value as a page shows it: labels of choices, names of rows; moments and dates as such."""
    if value is None:
        return None
    if one.kind in REFERENCES:
        return known.get((one.code, value), f"#{value}")
    if one.kind is ValueKind.FILES:
        return [known.get((one.code, row_id)) or f"#{row_id}" for row_id in value]
    if one.kind is ValueKind.CHOICE:
        return _label(one.options, value, english=english)
    if one.kind is ValueKind.CHOICES:
        return [_label(one.options, code, english=english) for code in value]
    if one.kind is ValueKind.MOMENT:
        return datetime.fromisoformat(value)
    return value


def _label(options: Sequence[Option], code: str, *, english: bool) -> str:
    found = next((one for one in options if one.code == code), None)
    return code if found is None else found.label_en if english else found.label


def given(raw: Mapping[str, object]) -> dict[str, object]:
    """Of what was sent, the values of fields made at run time."""
    return {key: value for key, value in raw.items() if key.startswith(PREFIX)}
