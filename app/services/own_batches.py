"""Many rows of an own sheet at once: what own_rows.write_in does for one, in a handful of statements for all.

Rights, rules of the fields and versions are judged row by row. What only the database can refuse (a value that
another row has) refuses all of them: the caller then writes row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, text

from app.models import OwnRow, db
from app.rules.errors import Conflict, FieldErrors, NotFound, RuleError
from app.rules.values import REFERENCES, ValueKind
from app.services import copies, definitions, field_values, own_rows, present
from app.services.actors import Actor
from app.services.definitions import OWN, Own

_JOURNAL = (
    "at", "action", "object_type", "object_id", "user_id", "person_id", "post_id", "role", "acted_as", "old", "new",
    "request_id",
)  # fmt: skip
_CHANGED = text(
    "UPDATE own_row SET extra = CAST(new.extra AS jsonb), version = own_row.version + 1, updated_at = now()"
    " FROM unnest(CAST(:ids AS int[]), CAST(:extras AS text[])) AS new(id, extra) WHERE own_row.id = new.id"
)


@dataclass(frozen=True, slots=True)
class Change:
    """Values of one row by key, as they were sent. A new row has neither id nor version."""

    row_id: int | None
    version: int | None
    values: Mapping[str, Any]


@dataclass(slots=True)
class Done:
    """What became of a row: what its fields held and hold, by code, where that is something else; or the refusal."""

    row_id: int | None = None
    version: int | None = None
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)
    error: RuleError | None = None


@dataclass(slots=True)
class _Written:
    """A row on its way into the table: its `extra` before and after."""

    done: Done
    extra: dict[str, Any]
    is_new: bool


def write_in(actor: Actor, own: Own, changes: Sequence[Change], *, is_trial: bool = False) -> list[Done]:
    """Write rows inside the open transaction; what became of each, in their order. `is_trial` only judges.

    No row may be asked for twice. Raises what own_rows.require_writer raises and Conflict("row.constraint").
    """
    own_rows.require_writer(actor, own)
    fields = definitions.current().of(OWN, own.id)
    there = _rows(own, [one.row_id for one in changes if one.row_id is not None], is_locked=not is_trial)
    done = [_judged(one, there) for one in changes]
    written: list[_Written] = []
    for is_new in (False, True):
        places = [
            place for place, one in enumerate(changes) if (one.row_id is None) == is_new and done[place].error is None
        ]
        olds = [there[changes[place].row_id or 0][1] if not is_new else {} for place in places]
        raws = [changes[place].values for place in places]
        cleaned = field_values.clean_many(fields, raws, actor=actor, olds=olds, is_new=is_new) if raws else []
        for place, old, new in zip(places, olds, cleaned, strict=True):
            if isinstance(new, FieldErrors):
                done[place].error = new
            elif new or is_new:
                done[place].old = {} if is_new else {code: old.get(code) for code in new}
                done[place].new = new
                written.append(_Written(done[place], field_values.written(old, new), is_new))
    if written and not is_trial:
        _write(actor, own, written)
    return done


def is_fit(own: Own, changes: Iterable[Change]) -> bool:
    """Whether rows may be written together: files are claimed row by row (app/services/field_files.py)."""
    files = {one.key for one in definitions.current().of(OWN, own.id) if one.kind is ValueKind.FILES}
    return not files or not any(files & one.values.keys() for one in changes)


def has_unique(own: Own) -> bool:
    """Whether the database may refuse a row of the sheet for what stands in another."""
    return any(one.is_unique for one in definitions.current().of(OWN, own.id))


def cells(own: Own, done: Sequence[Done]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(old, new) of each row as the grid holds cells, by key: of a reference `[id, name]`."""
    fields = definitions.current().of(OWN, own.id)
    names = field_values.names(fields, (kept for one in done for kept in (one.old, one.new)), english=False)
    by_code = {one.code: (one.key, one.kind in REFERENCES) for one in fields}
    for row in done:
        both: list[dict[str, Any]] = [{}, {}]
        for cell, kept in zip(both, (row.old, row.new), strict=True):
            for code, value in kept.items():
                key, is_reference = by_code[code]
                has_name = is_reference and value is not None
                cell[key] = [value, names.get((code, value), "")] if has_name else value
        yield both[0], both[1]


def _rows(own: Own, ids: Sequence[int], *, is_locked: bool) -> dict[int, tuple[int, Mapping[str, Any]]]:
    """(version, extra) of rows, locked in the order of their ids."""
    if not ids:
        return {}
    query = select(OwnRow.id, OwnRow.version, OwnRow.extra).where(
        OwnRow.id == func.any(list(ids)), OwnRow.sheet_id == own.id, OwnRow.deleted_at.is_(None)
    )
    query = query.order_by(OwnRow.id).with_for_update() if is_locked else query
    return {row_id: (version, extra) for row_id, version, extra in db.session.execute(query)}


def _judged(one: Change, there: Mapping[int, tuple[int, Mapping[str, Any]]]) -> Done:
    if one.row_id is None:
        return Done()
    if one.row_id not in there:
        return Done(one.row_id, error=NotFound("row.unknown", {"id": one.row_id}))
    version = there[one.row_id][0]
    is_stale = one.version is not None and one.version != version
    return Done(one.row_id, version, error=Conflict("row.stale") if is_stale else None)


def _write(actor: Actor, own: Own, rows: Sequence[_Written]) -> None:
    fresh, changed = [one for one in rows if one.is_new], [one for one in rows if not one.is_new]
    documents = {id(one): copies.document(one.extra) for one in rows}
    if fresh:
        for row_id, one in zip(copies.ids("own_row", len(fresh)), fresh, strict=True):
            one.done.row_id, one.done.version = row_id, 1
        copies.into(
            "own_row",
            ("id", "sheet_id", "created_by_id", "extra"),
            ((one.done.row_id, own.id, actor.person_id, documents[id(one)]) for one in fresh),
        )
    if changed:
        ids = [one.done.row_id for one in changed]
        db.session.execute(_CHANGED, {"ids": ids, "extras": [documents[id(one)] for one in changed]})
        for one in changed:
            one.done.version = (one.done.version or 0) + 1
    by, now = (actor.user_id, actor.person_id, *own_rows.signs_as(actor, own), actor.process), present.now()
    copies.into(
        "journal",
        _JOURNAL,
        (
            (
                now, "create" if one.is_new else "edit", OWN, one.done.row_id, *by, copies.document(one.done.old),
                documents[id(one)] if one.is_new else copies.document(one.done.new), actor.request_id,
            )
            for one in rows
        ),
    )  # fmt: skip
