"""Fields made at run time: added, changed, put in order, retired and taken back by who keeps the system.

Each change is one transaction: the definition, its index, one journal row, one audit row, and the version by which
every process reads definitions anew. Nothing is deleted; what is retired is hidden and its values stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from app.models import FieldDefinition, Post, db
from app.rules.definitions import (
    CODE,
    MOST_FIELDS,
    NEVER_INDEXED,
    NEVER_UNIQUE,
    OPTIONED,
    REPORTED,
    Around,
    may_turn,
    parameters,
)
from app.rules.entries import code_from
from app.rules.errors import Conflict, FieldErrors, FieldProblem, NotFound, Refused
from app.rules.fields import clean_text
from app.rules.values import COMPUTED, ValueKind
from app.rules.workflow import State
from app.services import audit, definitions, field_conversions, field_jobs, journal, present
from app.services.actors import Actor
from app.services.field_conversions import Losses
from app.services.pinyin import syllables
from app.services.transaction import transaction

CLASSES = ("A", "B", "C", "D", "E", "F")
_LISTS = ("states", "required_states", "classes", "reader_post_ids", "writer_post_ids")
_FLAGS = ("required", "is_unique", "is_indexed", "on_form", "in_reports")
_TEXTS = {"label": 80, "label_en": 120, "help": 300}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands: a table of the product, or an own sheet in the table of all own rows."""

    table: str
    own_sheet_id: int | None = None
    around: Around = field(default_factory=Around)


class LosesValues(Refused):
    """The change of kind costs values, and nobody agreed to that yet; `losses` says how many."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        super().__init__("definition.loses", {"lost": losses.lost, "values": losses.values}, field="kind")


def listed(place: Place) -> list[FieldDefinition]:
    """Every field of the sheet in its order, retired ones last."""
    query = select(FieldDefinition).where(*_there(place))
    order = (FieldDefinition.retired_at.is_not(None), FieldDefinition.sort, FieldDefinition.id)
    return list(db.session.scalars(query.order_by(*order)))


def count(place: Place) -> int:
    """How many fields of the sheet are in use."""
    return len(definitions.current().of(place.table, place.own_sheet_id))


def access_field(place: Place, definition_id: int, *, for_update: bool = False) -> FieldDefinition:
    """The field of that id on this sheet. Raises NotFound("row.unknown")."""
    query = select(FieldDefinition).where(FieldDefinition.id == definition_id, *_there(place))
    found: FieldDefinition | None = db.session.scalar(query.with_for_update() if for_update else query)
    if found is None:
        raise NotFound("row.unknown")
    return found


def add(actor: Actor, place: Place, raw: Mapping[str, Any], *, request_key: str | None = None) -> FieldDefinition:
    """A new field. Its code comes from its label in pinyin unless `raw` names one. Raises FieldErrors."""
    _require(actor)
    with transaction():
        return add_in(actor, place, raw, request_key=request_key)


def add_in(actor: Actor, place: Place, raw: Mapping[str, Any], *, request_key: str | None = None) -> FieldDefinition:
    """`add` inside the open transaction of the caller, who answers for access."""
    taken = set(db.session.scalars(select(FieldDefinition.code).where(*_there(place))))
    if len(taken) >= MOST_FIELDS:
        raise Refused("definition.many", {"limit": MOST_FIELDS})
    made = read(raw, place)
    code = str(raw.get("code") or "") or code_from(syllables(made["label"]), taken.__contains__, longest=34)
    if not CODE.fullmatch(code):
        raise FieldErrors([FieldProblem("code", "field.code")])
    if code in taken:
        raise FieldErrors([FieldProblem("code", "row.taken")])
    last = db.session.scalar(select(func.max(FieldDefinition.sort)).where(*_there(place))) or 0
    row = FieldDefinition(
        table_name=place.table, own_sheet_id=place.own_sheet_id, code=code, sort=last + 1, **made
    )
    db.session.add(row)
    db.session.flush()
    _settle(row)
    _trace(actor, row, "create", {}, told(row), request_key)
    return row


def preview(place: Place, definition_id: int, raw: Mapping[str, Any]) -> Losses:
    """What the change would cost, counted over the values there are. Raises what `change` raises."""
    row = access_field(place, definition_id)
    made = _changed(row, raw, place)
    return field_conversions.losses(row, ValueKind(made["kind"]), made["parameters"])


def change(
    actor: Actor,
    place: Place,
    definition_id: int,
    raw: Mapping[str, Any],
    *,
    version: int | None = None,
    agreed: int | None = None,
) -> FieldDefinition:
    """Change a field. A change of kind that costs values raises LosesValues unless `agreed` is how many.

    A change that changes nothing writes nothing; many values change by a job. Raises FieldErrors,
    Conflict("row.stale"), Conflict("definition.moving"), NotFound.
    """
    _require(actor)
    with transaction():
        row = access_field(place, definition_id, for_update=True)
        if version is not None and row.version != version:
            raise Conflict("row.stale")
        change_in(actor, row, raw, place, agreed=agreed, by_job=True)
        return row


def change_in(
    actor: Actor,
    row: FieldDefinition,
    raw: Mapping[str, Any],
    place: Place,
    *,
    agreed: int | None = None,
    by_job: bool = False,
) -> bool:
    """`change` inside the open transaction; whether anything changed or, `by_job`, will.

    Whatever a change of kind costs is kept first (app/services/field_jobs.py).
    """
    made = _changed(row, raw, place)
    kind = ValueKind(made["kind"])
    field_jobs.require_still(row.id)
    if kind != row.kind:
        sealed = field_conversions.sealed(row) if row.table_name == "appeal" else 0
        if sealed:
            raise FieldErrors([FieldProblem("kind", "definition.archived", {"count": sealed})])
        found = field_conversions.losses(row, kind, made["parameters"])
        if found.lost + found.coarser and agreed != found.lost + found.coarser:
            raise LosesValues(found)
        if by_job and field_jobs.is_long(found, made):
            field_jobs.start_in(actor, row, made, found)
            return True
        if found.lost + found.coarser:
            field_jobs.keep_in(actor, row, made, found, "done")
        field_jobs.unindex_in(row)
        field_conversions.convert(row, kind, made["parameters"])
    changed = finish_in(actor, row, made)
    # Saving a field whose index is missing builds it again, whatever else changed.
    if changed or field_jobs.unindexed([row]):
        _settle(row)
    return changed


def finish_in(actor: Actor, row: FieldDefinition, made: Mapping[str, Any]) -> bool:
    """Write the definition itself once its values are of its kind, in the open transaction; whether it changed.

    Its index is the caller's to build. Raises FieldErrors at is_unique when rows have the same value now.
    """
    old = told(row)
    for name, value in made.items():
        setattr(row, name, value)
    new = told(row)
    if new == old:
        return False
    db.session.flush()
    _require_different(row)
    _trace(actor, row, "edit", *_different(old, new))
    return True


def reorder(actor: Actor, place: Place, ids: Sequence[int]) -> None:
    """Put the fields of the sheet into this order; what is not named follows."""
    _require(actor)
    with transaction():
        rows = [row for row in listed(place) if row.retired_at is None]
        named = {one: n for n, one in enumerate(ids)}
        before = [row.code for row in rows]
        rows.sort(key=lambda row: named.get(row.id, len(named)))
        if [row.code for row in rows] == before:
            return
        for n, row in enumerate(rows, 1):
            row.sort = n
        db.session.flush()
        _trace(actor, rows[0], "edit", {"order": before}, {"order": [row.code for row in rows]})


def move(actor: Actor, place: Place, definition_id: int, *, down: bool) -> None:
    """Let a field change places with its neighbour."""
    ids = [row.id for row in listed(place) if row.retired_at is None]
    if definition_id not in ids:
        raise NotFound("row.unknown")
    at = ids.index(definition_id)
    other = min(max(at + (1 if down else -1), 0), len(ids) - 1)
    ids[at], ids[other] = ids[other], ids[at]
    reorder(actor, place, ids)


def retire(actor: Actor, place: Place, definition_id: int) -> None:
    """Hide a field everywhere; its values stay. Raises Refused("definition.used") while a computed field names it."""
    _require(actor)
    with transaction():
        row = access_field(place, definition_id, for_update=True)
        using = users(row, place)
        field_jobs.require_still(row.id)
        if using and row.retired_at is None:
            raise Refused("definition.used", {"fields": "、".join(using)})
        hide_in(actor, row, hidden=True)


def restore(actor: Actor, place: Place, definition_id: int) -> None:
    """Show a retired field again, with the values it kept."""
    _require(actor)
    with transaction():
        hide_in(actor, access_field(place, definition_id, for_update=True), hidden=False)


def hide_in(actor: Actor, row: FieldDefinition, *, hidden: bool) -> None:
    """Hide or show a field inside the open transaction; what is so already stays as it is."""
    if hidden is (row.retired_at is not None):
        return
    row.retired_at = present.now() if hidden else None
    db.session.flush()
    _settle(row)
    _trace(actor, row, "remove" if hidden else "edit", {"retired": not hidden}, {"retired": hidden})


def users(row: FieldDefinition, place: Place) -> list[str]:
    """Labels of the computed fields of the sheet that name this one."""
    chains = place.around.chains
    keys = {one.code for one in listed(place) if one.retired_at is None}
    return [
        key.removeprefix("x_")
        for key, names in chains.items()
        if key.removeprefix("x_") in keys and {row.code, definitions.PREFIX + row.code} & names
    ]


def told(row: FieldDefinition) -> dict[str, Any]:
    """A definition as journal and file tell it."""
    names = ("code", "kind", *_TEXTS, *_FLAGS, *_LISTS, "parameters")
    found = {name: getattr(row, name) for name in names}
    return {name: list(value) if isinstance(value, list) else value for name, value in found.items()}


def read(raw: Mapping[str, Any], place: Place, *, key: str = "") -> dict[str, Any]:
    """The columns of a definition out of what was sent. Raises FieldErrors with each problem at its field."""
    problems: list[FieldProblem] = []
    made: dict[str, Any] = {name: clean_text(str(raw.get(name) or "")) for name in _TEXTS}
    for name, limit in _TEXTS.items():
        if len(made[name]) > limit:
            problems.append(FieldProblem(name, "field.too-long", {"length": len(made[name]), "limit": limit}))
    if not made["label"]:
        problems.append(FieldProblem("label", "field.required"))
    try:
        kind = ValueKind(str(raw.get("kind")))
        made |= {"kind": str(kind), "parameters": parameters(kind, raw.get("parameters") or {}, place.around, key=key)}
    except FieldErrors as error:
        problems += error.problems
    except ValueError:
        raise FieldErrors([*problems, FieldProblem("kind", "field.choice")]) from None
    made |= {name: bool(raw.get(name, name == "on_form")) for name in _FLAGS}
    made |= _lists(raw, place, problems)
    if problems:
        raise FieldErrors(problems)
    if kind in COMPUTED:
        made |= {"required": False, "required_states": [], "writer_post_ids": []}
    made["in_reports"] = made["in_reports"] and place.table == "appeal" and kind in REPORTED
    made["is_unique"] = made["is_unique"] and kind not in NEVER_UNIQUE
    made["is_indexed"] = made["is_indexed"] and kind not in NEVER_INDEXED
    return made


def _lists(raw: Mapping[str, Any], place: Place, problems: list[FieldProblem]) -> dict[str, Any]:
    of_appeals = place.table == "appeal"
    found: dict[str, Any] = {
        "states": sorted({str(one) for one in raw.get("states") or ()}),
        "required_states": sorted({str(one) for one in raw.get("required_states") or ()}),
        "classes": sorted({str(one) for one in raw.get("classes") or ()}),
    }
    known = {"states": {str(one) for one in State}, "classes": set(CLASSES)}
    known["required_states"] = known["states"]
    for name, values in found.items():
        if not set(values) <= (known[name] if of_appeals else set()):
            problems.append(FieldProblem(name, "field.choice"))
    for name in ("reader_post_ids", "writer_post_ids"):
        wanted = {int(one) for one in raw.get(name) or () if str(one).isdigit()}
        found[name] = sorted(wanted)
        if wanted and set(db.session.scalars(select(Post.id).where(Post.id.in_(wanted)))) != wanted:
            problems.append(FieldProblem(name, "field.choice"))
    return found


def _changed(row: FieldDefinition, raw: Mapping[str, Any], place: Place) -> dict[str, Any]:
    made = read(_with_codes(row, raw), place, key=definitions.PREFIX + row.code)
    old, new = ValueKind(row.kind), ValueKind(made["kind"])
    if not may_turn(old, new):
        raise FieldErrors([FieldProblem("kind", "definition.kind")])
    if old in OPTIONED and new in OPTIONED:
        # A choice that rows may hold does not vanish: it stays, and is offered no more.
        codes = {one["code"] for one in made["parameters"]["options"]}
        before = (row.parameters or {}).get("options", ())
        gone = [one | {"active": False} for one in before if one["code"] not in codes]
        made["parameters"] = made["parameters"] | {"options": [*made["parameters"]["options"], *gone]}
    if old is ValueKind.LINK and made["parameters"].get("to") != (row.parameters or {}).get("to"):
        raise FieldErrors([FieldProblem("to", "definition.link")])
    return made


def _with_codes(row: FieldDefinition, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Choices without a code get the one of the choice that was called so, or one that none ever had."""
    given = [dict(one) for one in (raw.get("parameters") or {}).get("options") or ()]
    before = {one["label"]: one["code"] for one in (row.parameters or {}).get("options", ())}
    used = {one.get("code") for one in given} | set(before.values())
    for one in given:
        if not one.get("code") and str(one.get("label") or "").strip():
            free = next(code for n in range(1, 1000) if (code := f"o{n}") not in used)
            one["code"] = before.get(str(one["label"]).strip()) or free
            used.add(one["code"])
    return {**raw, "parameters": {**(raw.get("parameters") or {}), "options": given}}


def _there(place: Place) -> tuple[Any, ...]:
    own = FieldDefinition.own_sheet_id
    same = own.is_(None) if place.own_sheet_id is None else own == place.own_sheet_id
    return FieldDefinition.table_name == place.table, same


def _require(actor: Actor) -> None:
    if not actor.grants.can("system"):
        raise Refused("access.not-granted")


def _settle(row: FieldDefinition) -> None:
    """Build or drop the index of the field. Raises FieldErrors at is_unique with values that several rows have."""
    _require_different(row)
    field_jobs.settle_in(row)


def _require_different(row: FieldDefinition) -> None:
    if row.is_unique and row.retired_at is None:
        same = field_conversions.duplicates(row)
        if same:
            raise FieldErrors([FieldProblem("is_unique", "definition.duplicates", {"values": "、".join(same)})])


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in new if new[name] != old.get(name)]
    return {name: old.get(name) for name in names}, {name: new[name] for name in names}


def _trace(
    actor: Actor, row: FieldDefinition, action: str, old: Mapping[str, Any], new: Mapping[str, Any],
    request_key: str | None = None,
) -> None:  # fmt: skip
    journal.write(actor, action, "field_definition", row.id, old=old, new=new, request_key=request_key)
    detail = {"action": action, "table": row.table_name, "code": row.code, "fields": sorted(new)}
    audit.record(actor, "setting.change", object_type="field_definition", object_id=row.id, detail=detail)
    definitions.moved()
