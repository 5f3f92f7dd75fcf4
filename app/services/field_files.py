"""Files in fields made at run time: a value is the list of their ids, the row claims them when it is written.

A claimed file stays stored when a cell lets go of it, when the row is deleted and when the field is retired: undo and
trash bring it back. Names are sealed; the journal and change sets keep ids alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from app.models import Attachment, db
from app.rules.errors import FieldErrors, FieldProblem
from app.rules.values import ValueKind
from app.services import attachments, personal, present
from app.services.actors import Actor
from app.services.attachments import UNCLAIMED_FOR, File
from app.services.definitions import Defined

PURPOSE = "field"


def choosable(one: Defined, actor: Actor) -> ColumnElement[bool]:
    """SQL: the files a value of the field may name: what this person has just chosen, what the field had before."""
    return or_(Attachment.field_id == one.id, own_unsent(actor))


def own_unsent(actor: Actor) -> ColumnElement[bool]:
    """SQL: the files this person chose within a day and has not sent."""
    return and_(
        Attachment.appeal_id.is_(None),
        Attachment.field_id.is_(None),
        Attachment.user_id == actor.user_id,
        Attachment.created_at > present.now() - UNCLAIMED_FOR,
    )


def claim_in(
    actor: Actor,
    fields: Iterable[Defined],
    row_id: int,
    values: Mapping[str, Any],
    *,
    appeal_id: int | None = None,
    post_id: int | None = None,
) -> None:
    """Give the files that `values` (by code) name to the row, in the open transaction that writes it.

    Raises FieldErrors at the field for a file of another row or person, and when the row would hold too much.
    """
    for one in fields:
        wanted = values.get(one.code) if one.kind is ValueKind.FILES else None
        if wanted:
            _claim(actor, one, row_id, wanted, appeal_id, post_id)


def _claim(
    actor: Actor, one: Defined, row_id: int, wanted: Sequence[int], appeal_id: int | None, post_id: int | None
) -> None:
    query = select(Attachment).where(Attachment.id.in_(wanted)).order_by(Attachment.id).with_for_update()
    rows = list(db.session.scalars(query.execution_options(populate_existing=True)))
    oldest = present.now() - UNCLAIMED_FOR
    new = [
        row
        for row in rows
        if row.field_id is None
        and row.appeal_id is None
        and row.user_id == actor.user_id
        and row.created_at > oldest
    ]
    known = [row for row in rows if row.field_id == one.id and row.row_id == row_id]
    if len(new) + len(known) < len(set(wanted)):
        raise FieldErrors([FieldProblem(one.key, "attachment.gone")])
    _check_room(one, row_id, wanted, new, appeal_id)
    for row in new:
        row.field_id, row.row_id, row.appeal_id, row.purpose = one.id, row_id, appeal_id, PURPOSE
        row.post_id = post_id
    db.session.flush()


def _check_room(
    one: Defined, row_id: int, wanted: Sequence[int], new: Sequence[Attachment], appeal_id: int | None
) -> None:
    most = attachments.limits().per_form
    if len(wanted) > most:
        raise FieldErrors([FieldProblem(one.key, "attachment.too-many", {"limit": most})])
    there = (
        (Attachment.appeal_id == appeal_id,)
        if appeal_id is not None
        else (Attachment.field_id == one.id, Attachment.row_id == row_id)
    )
    attachments.check_weight(new, one.key, *there)


def listed(actor: Actor, one: Defined, ids: Iterable[int]) -> list[File]:
    """The files of a form, in their order: what the field holds and what this person has just chosen."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    query = select(Attachment).where(Attachment.id.in_(wanted), choosable(one, actor))
    found = {row.id: attachments.file_of(row, may_remove=True) for row in db.session.scalars(query)}
    return [found[row_id] for row_id in wanted if row_id in found]


def names(ids: Iterable[int]) -> dict[int, str]:
    """What files are called, in one statement; "" when the key was destroyed."""
    wanted = set(ids)
    if not wanted:
        return {}
    query = select(Attachment.id, Attachment.data_key, Attachment.filename_sealed).where(Attachment.id.in_(wanted))
    found = db.session.execute(query)
    return {row_id: personal.reveal(key, "filename", sealed) if key else "" for row_id, key, sealed in found}
