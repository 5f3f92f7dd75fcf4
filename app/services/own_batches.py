"""Many rows of an own sheet at once: what own_rows.write_in does for one, in a handful of statements for all.

Judging and writing are two steps: what is judged here, and what app/services/own_columns.py judges column by column,
is written the same way. What only the database can refuse (a value that another row has) refuses all rows together:
the caller then writes row by row.
"""

from __future__ import annotations

import json
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
    "object_id", "old", "new", "at", "action", "object_type", "user_id", "person_id", "post_id", "role", "acted_as",
    "request_id",
)  # fmt: skip
# No document has a line break: JSON writes it as two characters.
_CHANGED = text(
    "UPDATE own_row SET extra = jsonb_strip_nulls(own_row.extra || CAST(made.extra AS jsonb)),"
    " version = own_row.version + 1, updated_at = now()"
    " FROM unnest(CAST(:ids AS int[]), string_to_array(:documents, E'\\n')) AS made(id, extra)"
    " WHERE own_row.id = made.id"
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


@dataclass(frozen=True, slots=True)
class Edit:
    """A row to change: what the changed fields held and are going to hold, as documents by code."""

    row_id: int
    old: str
    new: str


def judged(actor: Actor, own: Own, changes: Sequence[Change], *, is_locked: bool) -> list[Done]:
    """What rows would become, in their order; `is_locked`: they are about to be written in the open transaction.

    No row may be asked for twice. Raises what own_rows.require_writer raises.
    """
    own_rows.require_writer(actor, own)
    fields = definitions.current().of(OWN, own.id)
    there = rows(own, [one.row_id for one in changes if one.row_id is not None], is_locked=is_locked)
    done = [_judged(one, there) for one in changes]
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
    return done


def is_fit(own: Own, keys: Iterable[str]) -> bool:
    """Whether rows may be written together: files are claimed row by row (app/services/field_files.py)."""
    files = {one.key for one in definitions.current().of(OWN, own.id) if one.kind is ValueKind.FILES}
    return files.isdisjoint(keys)


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


def rows(own: Own, ids: Sequence[int], *, is_locked: bool) -> dict[int, tuple[int, Mapping[str, Any]]]:
    """(version, extra) of rows that are not in the trash, locked in the order of their ids."""
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


# --- writing what was judged --------------------------------------------------------------------------------------


def add(actor: Actor, own: Own, extras: Sequence[str]) -> list[int]:
    """Write new rows, whose `extra` are these documents, and their journal; their ids, in their order.

    Raises Conflict("row.constraint").
    """
    ids = copies.ids("own_row", len(extras)) if extras else []
    documents, of_all = copies.cells(extras), copies.line(own.id, actor.person_id)
    columns = ("id", "extra", "sheet_id", "created_by_id")
    copies.lines_into(
        "own_row", columns, [f"{row_id}\t{extra}\t{of_all}" for row_id, extra in zip(ids, documents, strict=True)]
    )
    told, news = _signature(actor, own, "create"), copies.cells(_named(own, extras))
    copies.lines_into(
        "journal", _JOURNAL, [f"{row_id}\t{{}}\t{new}\t{told}" for row_id, new in zip(ids, news, strict=True)]
    )
    return ids


def change(actor: Actor, own: Own, edits: Sequence[Edit]) -> None:
    """Write what locked rows are going to hold, and their journal; each is one version further.

    Raises IntegrityError, as every statement.
    """
    if not edits:
        return
    ids = [one.row_id for one in edits]
    db.session.execute(_CHANGED, {"ids": ids, "documents": "\n".join(one.new for one in edits)})
    olds, news = (copies.cells(_named(own, side)) for side in zip(*((one.old, one.new) for one in edits), strict=True))
    told = _signature(actor, own, "edit")
    copies.lines_into(
        "journal", _JOURNAL,
        [f"{row_id}\t{old}\t{new}\t{told}" for row_id, old, new in zip(ids, olds, news, strict=True)],
    )  # fmt: skip


def _named(own: Own, documents: Sequence[str]) -> Sequence[str]:
    """Documents as the journal tells them: fields by name, whatever name rows hold them under."""
    if not any(one.code != one.name for one in definitions.current().of(OWN, own.id)):
        return documents
    return [copies.document(definitions.by_name(json.loads(one))) for one in documents]


def _signature(actor: Actor, own: Own, action: str) -> str:
    """What the journal rows of one call have alike."""
    by = (actor.user_id, actor.person_id, *own_rows.signs_as(actor, own), actor.process, actor.request_id)
    return copies.line(present.now(), action, OWN, *by)
