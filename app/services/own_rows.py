"""The one write path of rows of own sheets: form, cell, import and API end here.

Each write cleans the values, checks who writes, and leaves one journal row, in one transaction. Nothing is deleted:
a removed row lies in the trash until somebody takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import Journal, OwnRow, db
from app.rules.errors import Conflict, NotFound, Refused
from app.services import definitions, field_files, field_values, journal, present
from app.services.actors import Actor
from app.services.definitions import OWN, Own
from app.services.transaction import transaction

HISTORY = 50


def may_read(own: Own, actor: Actor) -> bool:
    """Whether this person sees rows of the sheet: a post of his reads or writes it, or he keeps the system."""
    return field_values.reads_own(own, actor)


def may_write(own: Own, actor: Actor) -> bool:
    """Whether he writes rows of it."""
    return bool(set(actor.grants.post_ids) & own.writers) or actor.grants.can("system")


def write(
    actor: Actor, own: Own, row_id: int | None, values: Mapping[str, object], *, version: int | None = None,
    is_whole: bool = False, request_key: str | None = None,
) -> OwnRow:  # fmt: skip
    """Write a row in a transaction of its own; see `write_in`. A value another row has is said at its field.

    The same `request_key` again gives the row that was written for it.
    """
    try:
        with transaction():
            if request_key is not None and (done := _repeated(actor, own, request_key)) is not None:
                return done
            return write_in(actor, own, row_id, values, version=version, is_whole=is_whole, request_key=request_key)
    except Conflict as error:
        raise field_values.taken(error, definitions.current().of(OWN, own.id)) or error from error


def write_in(
    actor: Actor, own: Own, row_id: int | None, values: Mapping[str, object], *, version: int | None = None,
    is_whole: bool = False, request_key: str | None = None,
) -> OwnRow:  # fmt: skip
    """Write a row inside the open transaction; values by key (`x_name`), fields that are not named stay as they are.

    A write that changes nothing writes nothing. Raises Refused("access.not-granted"), NotFound("row.unknown"),
    Conflict("row.stale") and what field_values.clean raises.
    """
    require_writer(actor, own)
    row = OwnRow(sheet_id=own.id, created_by_id=actor.person_id, extra={}) if row_id is None else _locked(own, row_id)
    if version is not None and row_id is not None and row.version != version:
        raise Conflict("row.stale")
    fields = definitions.current().of(OWN, own.id)
    new = field_values.clean(fields, values, actor=actor, old=row.extra, is_new=row_id is None, is_whole=is_whole)
    if not new and row_id is not None:
        return row
    old = {code: row.extra.get(code) for code in new}
    row.extra = field_values.written(row.extra, new)
    if row_id is None:
        db.session.add(row)
    db.session.flush()
    field_files.claim_in(actor, fields, row.id, new)
    _trace(actor, own, "create" if row_id is None else "edit", row, old if row_id is not None else {}, new,
           request_key)  # fmt: skip
    return row


def remove_in(actor: Actor, own: Own, row_id: int, *, version: int | None = None) -> OwnRow:
    """Put a row into the trash, inside the open transaction. Raises what `write_in` raises."""
    require_writer(actor, own)
    row = _locked(own, row_id)
    if version is not None and row.version != version:
        raise Conflict("row.stale")
    row.deleted_at, row.deleted_by_id = present.now(), actor.person_id
    db.session.flush()
    _trace(actor, own, "remove", row, _named(own, row), {})
    return row


def restore_in(actor: Actor, own: Own, row_id: int) -> OwnRow:
    """Take a row out of the trash, inside the open transaction. Raises NotFound("row.unknown") for one not in it."""
    require_writer(actor, own)
    row = _locked(own, row_id, is_deleted=True)
    row.deleted_at = row.deleted_by_id = None
    db.session.flush()
    _trace(actor, own, "restore", row, {}, _named(own, row))
    return row


def remove(actor: Actor, own: Own, row_id: int, *, version: int | None = None) -> OwnRow:
    """`remove_in` in a transaction of its own."""
    with transaction():
        return remove_in(actor, own, row_id, version=version)


def restore(actor: Actor, own: Own, row_id: int) -> OwnRow:
    """`restore_in` in a transaction of its own."""
    try:
        with transaction():
            return restore_in(actor, own, row_id)
    except Conflict as error:
        raise field_values.taken(error, definitions.current().of(OWN, own.id)) or error from error


def access_own(actor: Actor, code: str) -> Own:
    """The sheet of that code for who reads it. Raises NotFound("sheet.unknown")."""
    own = definitions.current().sheets.get(code)
    if own is None or not may_read(own, actor):
        raise NotFound("sheet.unknown", {"sheet": code[:48]})
    return own


def access_row(own: Own, row_id: int) -> OwnRow:
    """A row of the sheet that is not in the trash. Raises NotFound("row.unknown")."""
    query = select(OwnRow).where(OwnRow.id == row_id, OwnRow.sheet_id == own.id, OwnRow.deleted_at.is_(None))
    row: OwnRow | None = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound("row.unknown", {"id": row_id})
    return row


def history(row_id: int, *, before: int | None = None, limit: int = HISTORY) -> Sequence[Journal]:
    """What happened to a row, the latest first; `before` is the key of an earlier page."""
    query = select(Journal).where(Journal.object_type == OWN, Journal.object_id == row_id)
    if before is not None:
        query = query.where(Journal.id < before)
    query = query.options(joinedload(Journal.person), joinedload(Journal.post))
    return db.session.scalars(query.order_by(Journal.id.desc()).limit(limit)).all()


def require_writer(actor: Actor, own: Own) -> None:
    """Refuse who does not write the sheet; it does not exist for who does not read it.

    Raises NotFound("sheet.unknown") and Refused("access.not-granted").
    """
    if not may_read(own, actor):
        raise NotFound("sheet.unknown", {"sheet": own.code})
    if not may_write(own, actor):
        raise Refused("access.not-granted", {"capability": "own_sheet"})


def signs_as(actor: Actor, own: Own) -> tuple[int | None, str | None]:
    """The post, and the part in it (A or B), for which he writes the sheet; (None, None) for who keeps the system."""
    post = next((one for one in actor.grants.grants if one.post_id in own.writers), None)
    return (post.post_id, post.role) if post is not None else (None, None)


def _repeated(actor: Actor, own: Own, request_key: str) -> OwnRow | None:
    """The row that this request wrote already."""
    done = journal.made(actor, OWN, request_key)
    found = select(OwnRow).where(OwnRow.id == done, OwnRow.sheet_id == own.id)
    row: OwnRow | None = db.session.scalars(found).one_or_none()
    return row


def _locked(own: Own, row_id: int, *, is_deleted: bool = False) -> OwnRow:
    gone = OwnRow.deleted_at.is_not(None) if is_deleted else OwnRow.deleted_at.is_(None)
    query = select(OwnRow).where(OwnRow.id == row_id, OwnRow.sheet_id == own.id, gone)
    row = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("row.unknown", {"id": row_id})
    return row


def _named(own: Own, row: OwnRow) -> dict[str, Any]:
    return definitions.current().named(OWN, own.id, row.extra)


def _trace(
    actor: Actor, own: Own, action: str, row: OwnRow, old: Mapping[str, Any], new: Mapping[str, Any],
    request_key: str | None = None,
) -> None:  # fmt: skip
    post_id, role = signs_as(actor, own)
    old, new = definitions.by_name(old), definitions.by_name(new)
    journal.write(actor, action, OWN, row.id, old=old, new=new, post_id=post_id, role=role,
                  request_key=request_key)  # fmt: skip
