"""Files of an appeal: taken in before the form is sent, claimed by the step that sends it, read, taken out again.

A file belongs to whoever chose it until his form claims it for an appeal; from then on the one visibility clause
decides. Content and name are sealed with a key of the file's own. Reading a file is audited, and what nobody claims
within a day is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import IO, Any

import puremagic
from flask import current_app
from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import joinedload, undefer

from app.models import Appeal, Attachment, Audit, Person, Post, db
from app.rules import file_names, file_types
from app.rules import workflow as flow
from app.rules.errors import FieldErrors, FieldProblem, Invalid, NotFound, Refused
from app.rules.grants import Grant
from app.services import access, assumptions, audit, journal, personal, present, scanner
from app.services.actors import Actor
from app.services.transaction import transaction

FIELD = file_types.FIELD
UNCLAIMED_FOR = timedelta(hours=24)
# Reading the same file again within this time is the same reading: a player asks for it in many pieces.
_SAME_READING = timedelta(minutes=15)
_SWEPT_AT_ONCE = 200
_GUESSED_FROM = 64 * 1024
# Whoever may take some step may hand in what belongs to it.
_ACTING = tuple(sorted({action.capability for action in flow.ACTIONS.values()}))
# What no form has claimed yet, for an appeal or for a field of a row.
_FREE = (Attachment.appeal_id.is_(None), Attachment.field_id.is_(None))
_CLOSED_FILE = ("archived", "history", "voided")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a form and a person's unsent forms may hold, and which types; read from the assumptions."""

    per_form: int = 20
    per_person: int = 100
    types: frozenset[str] = frozenset(file_types.TYPES)


@dataclass(frozen=True, slots=True)
class File:
    """An attachment as pages show it; `name` is what it was called, "" when its key was destroyed."""

    id: int
    name: str
    type: file_types.FileType
    size: int
    scan: str
    created_at: datetime
    purpose: str
    by: Person | None
    post: Post | None
    removed_at: datetime | None
    remove_reason: str
    may_remove: bool

    @property
    def shown_name(self) -> str:
        """Never empty."""
        return self.name or f"file.{self.type.extension}"


@dataclass(frozen=True, slots=True)
class Content:
    """A file opened for reading."""

    file: File
    bytes: bytes


# --- taking in -------------------------------------------------------------------------------------------------


def receive(actor: Actor, *, form_key: str, filename: str, stream_or_bytes: IO[bytes] | bytes) -> Attachment:
    """Keep a file for the form `form_key` until the form is sent; the same file twice is one.

    Raises Refused for who may take no step, Invalid at the field "attachments" for what is too large, too much, of no
    allowed type or infected, Conflict("attachment.scanner-failed").
    """
    access.require_anywhere(actor, *_ACTING)
    return keep(actor, form_key=form_key, filename=filename, stream_or_bytes=stream_or_bytes)


def keep(actor: Actor, *, form_key: str, filename: str, stream_or_bytes: IO[bytes] | bytes) -> Attachment:
    """`receive` for a caller who answers for access: a field of a sheet that this person fills in."""
    if actor.user_id is None or not form_key or len(form_key) > 64:
        raise Invalid("attachment.no-form", field=FIELD)
    content, bounds = _read(stream_or_bytes), limits()
    name = file_names.cleaned(filename)
    kind = _kind_of(content, bounds, file_names.extension_of(name))
    db.session.rollback()  # a scanner takes its time: no transaction waits for it
    verdict = scanner.scan(content)
    if verdict == scanner.INFECTED:
        with transaction():
            audit.record(
                actor, "attachment.infected", result="refused", object_type="attachment", detail={"type": kind.code}
            )
        raise Invalid("attachment.infected", field=FIELD)
    digest = hashlib.sha256(content).hexdigest()
    with transaction():
        db.session.execute(select(func.pg_advisory_xact_lock(_lock_key(actor))))
        if (known := _known(actor, form_key, digest)) is not None:
            return known
        _check_room(actor, form_key, bounds)
        key = personal.new_key()
        kept = Attachment(
            form_key=form_key,
            data_key=key,
            filename_sealed=personal.seal(key, "filename", file_names.kept_as(name, kind.extension, kind.also)),
            content_sealed=personal.seal_bytes(key, "content", content),
            content_type=kind.mime,
            size=len(content),
            sha256=digest,
            scan=verdict,
            created_at=present.now(),
            user_id=actor.user_id,
            by_id=actor.person_id,
        )
        db.session.add(kept)
        db.session.flush()
        return kept


def _kind_of(content: bytes, bounds: Limits, extension: str) -> file_types.FileType:
    """The type of the content. A refusal names what it is, as far as anybody knows."""
    try:
        return file_types.sniff(content, bounds.types, extension=extension)
    except Invalid as error:
        if error.code != "attachment.type":
            raise
        raise Invalid("attachment.type", {"type": _guess(content) or extension or "…"}, field=FIELD) from error


def _guess(content: bytes) -> str:
    try:
        found: str = puremagic.from_string(content[:_GUESSED_FROM])
    except (puremagic.PureError, ValueError):
        return ""
    return found.lstrip(".")


def _read(given: IO[bytes] | bytes) -> bytes:
    """All of it, unless it is larger than a file may be: then no more than that is ever held."""
    most = current_app.config["ATTACHMENT_MAX_BYTES"]
    stream = BytesIO(given) if isinstance(given, bytes) else given
    content = stream.read(most + 1)
    if len(content) > most:
        raise Invalid("attachment.too-large", {"limit": most // 1024 // 1024}, field=FIELD)
    return content


def limits() -> Limits:
    """What the assumptions allow; types that this release does not know are passed over."""
    said = assumptions.values("attachment_types", "attachment_counts")
    counts, types = assumptions.parts(said.get("attachment_counts")), said.get("attachment_types")
    taken = {code for code, wanted in types.items() if wanted is True} if isinstance(types, dict) else None
    known = Limits()
    return Limits(
        per_form=assumptions.whole(counts.get("per_form"), known.per_form),
        per_person=assumptions.whole(counts.get("unsent_per_person"), known.per_person),
        types=known.types if taken is None else known.types & taken,
    )


def _lock_key(actor: Actor) -> Any:
    return func.hashtextextended(f"attachments:{actor.user_id}", 0)


def _unclaimed(actor: Actor) -> tuple[Any, ...]:
    fresh = Attachment.created_at > present.now() - UNCLAIMED_FOR
    return (Attachment.user_id == actor.user_id, *_FREE, fresh)


def _known(actor: Actor, form_key: str, digest: str) -> Attachment | None:
    query = select(Attachment).where(*_unclaimed(actor), Attachment.form_key == form_key, Attachment.sha256 == digest)
    return db.session.scalars(query).first()


def _check_room(actor: Actor, form_key: str, bounds: Limits) -> None:
    of_form = func.count().filter(Attachment.form_key == form_key)
    in_form, in_all = db.session.execute(select(of_form, func.count()).where(*_unclaimed(actor))).one()
    if in_form >= bounds.per_form:
        raise Invalid("attachment.too-many", {"limit": bounds.per_form}, field=FIELD)
    if in_all >= bounds.per_person:
        raise Invalid("attachment.too-many-unsent", {"limit": bounds.per_person}, field=FIELD)


# --- before the form is sent -----------------------------------------------------------------------------------


def staged(actor: Actor, ids: Iterable[int]) -> list[File]:
    """Those of the files that this person chose and has not sent: what his form shows again; others are left out."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    query = select(Attachment).where(*_unclaimed(actor), Attachment.id.in_(wanted)).order_by(Attachment.id)
    return [file_of(row, may_remove=True) for row in db.session.scalars(query.options(*_people()))]


def discard(actor: Actor, attachment_id: int) -> None:
    """Delete a file that was chosen and not sent. Raises NotFound for another's and for a claimed one."""
    with transaction():
        gone = delete(Attachment).where(
            Attachment.id == attachment_id, Attachment.user_id == actor.user_id, *_FREE
        )
        if db.session.execute(gone.returning(Attachment.id)).first() is None:
            raise _unknown(attachment_id)


def sweep(now: datetime) -> int:
    """Delete what was chosen and not sent for a day; how many. Any number of runs at once."""
    with transaction():
        old = select(Attachment.id).where(*_FREE, Attachment.created_at <= now - UNCLAIMED_FOR)
        taken = old.order_by(Attachment.created_at).limit(_SWEPT_AT_ONCE).with_for_update(skip_locked=True)
        gone = db.session.execute(delete(Attachment).where(Attachment.id.in_(taken)).returning(Attachment.id))
        return len(gone.all())


# --- with the form ---------------------------------------------------------------------------------------------


def claim_in(
    actor: Actor,
    ids: Sequence[int],
    appeal_id: int,
    *,
    purpose: str,
    assignment_id: int | None = None,
    post_id: int | None = None,
) -> list[Attachment]:
    """Give files that this person chose within a day to the appeal, in the transaction the caller opened.

    The caller holds the appeal's row and journals `remembered` of what comes back. Files that the same person gave to
    the same appeal already are no error. Raises FieldErrors("attachments") for any other file and when the appeal
    would hold too much.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    query = select(Attachment).where(Attachment.id.in_(wanted), Attachment.user_id == actor.user_id)
    rows = list(db.session.scalars(query.order_by(Attachment.id).with_for_update()))
    oldest = present.now() - UNCLAIMED_FOR
    new = [row for row in rows if row.appeal_id is None and row.field_id is None and row.created_at > oldest]
    known = [row for row in rows if row.appeal_id == appeal_id and row.field_id is None and row.removed_at is None]
    if len(new) + len(known) < len(wanted):
        raise FieldErrors([FieldProblem(FIELD, "attachment.gone")])
    _check_weight(appeal_id, new)
    for row in new:
        row.appeal_id, row.purpose = appeal_id, purpose
        row.assignment_id, row.post_id = assignment_id, post_id
    return rows


def copy_in(
    actor: Actor, from_appeal_id: int, to_appeal_id: int, *, purpose: str, post_id: int | None
) -> list[Attachment]:
    """Give an appeal the files with which another one was taken in, as rows of their own: several letters, one scan.

    In the transaction the caller opened, as the copier's own files. Files of an appeal out of
    sight are none. What it would hold too much raises FieldErrors.
    """
    seen = exists().where(Appeal.id == Attachment.appeal_id, access.visible_to(actor))
    query = select(Attachment).where(
        Attachment.appeal_id == from_appeal_id, Attachment.purpose == purpose, Attachment.removed_at.is_(None), seen,
        Attachment.field_id.is_(None),
    )  # fmt: skip
    rows = list(db.session.scalars(query.order_by(Attachment.id).options(undefer(Attachment.content_sealed))))
    _check_weight(to_appeal_id, rows)
    kept = ("filename_sealed", "content_type", "size", "sha256", "data_key", "content_sealed", "scan")
    copies = [
        Attachment(
            **{name: getattr(row, name) for name in kept},
            appeal_id=to_appeal_id,
            purpose=purpose,
            form_key="",
            created_at=present.now(),
            user_id=actor.user_id,
            by_id=actor.person_id,
            post_id=post_id,
        )
        for row in rows
        if row.data_key is not None
    ]
    db.session.add_all(copies)
    db.session.flush()
    return copies


def remembered(rows: Iterable[Attachment]) -> list[dict[str, Any]]:
    """What a journal row says of files: ids, types and digests; names may name people."""
    return [{"id": row.id, "type": row.content_type, "sha256": row.sha256} for row in rows]


def _check_weight(appeal_id: int, new: Sequence[Attachment]) -> None:
    check_weight(new, FIELD, Attachment.appeal_id == appeal_id)


def check_weight(new: Sequence[Attachment], field: str, *where: ColumnElement[bool]) -> None:
    """Raises FieldErrors at the field when what is there and the new files would be more than one row may hold."""
    most = current_app.config["ATTACHMENT_APPEAL_BYTES"]
    query = select(func.coalesce(func.sum(Attachment.size), 0)).where(*where, Attachment.removed_at.is_(None))
    held: int = db.session.scalar(query) or 0
    if new and held + sum(row.size for row in new) > most:
        sizes = {"limit": most // 1024 // 1024, "held": held // 1024 // 1024}
        raise FieldErrors([FieldProblem(field, "attachment.appeal-full", sizes)])


def add(
    actor: Actor, appeal_id: int, ids: Sequence[int], *, remark: str = "", post_id: int | None = None
) -> list[Attachment]:
    """Give files to an appeal outside any step: whoever sees it and may act on it, until it is archived.

    Sent twice it acts once. Raises NotFound, Refused, FieldErrors as `claim_in` does.
    """
    with transaction():
        appeal = access.access_appeal(actor, appeal_id, for_update=True)
        grant = _acting_grant(actor, appeal, post_id)
        if not ids:
            raise FieldErrors([FieldProblem(FIELD, "field.required")])
        if not (fresh := _fresh(ids)):
            return claim_in(actor, ids, appeal_id, purpose="attach")
        rows = claim_in(actor, ids, appeal_id, purpose="attach", post_id=grant.post_id)
        journal.write(
            actor,
            "attach",
            "appeal",
            appeal_id,
            appeal_id=appeal_id,
            post_id=grant.post_id,
            role=grant.role,
            new={"attachments": remembered(row for row in rows if row.id in fresh)},
            reason=remark.strip()[:500],
        )
        return rows


def _fresh(ids: Sequence[int]) -> set[int]:
    query = select(Attachment.id).where(Attachment.id.in_(ids), Attachment.appeal_id.is_(None))
    return set(db.session.scalars(query))


def require_may_add(actor: Actor, appeal: Appeal) -> None:
    """Raises Refused where `may_add` says no."""
    _acting_grant(actor, appeal, None)


def may_add(actor: Actor, appeal: Appeal) -> bool:
    """Whether the page offers to add files."""
    return appeal.state not in _CLOSED_FILE and bool(_acting_grants(actor, appeal))


def _acting_grants(actor: Actor, appeal: Appeal) -> list[Grant]:
    facts = access.row_facts(appeal)
    return [grant for capability in _ACTING for grant in actor.grants.covering(capability, facts)]


def _acting_grant(actor: Actor, appeal: Appeal, post_id: int | None) -> Grant:
    if appeal.state in _CLOSED_FILE:
        raise Refused("attachment.archived")
    for grant in _acting_grants(actor, appeal):
        if post_id is None or grant.post_id == post_id:
            return grant
    raise Refused("access.not-granted", {"capability": "attach"})


# --- reading ---------------------------------------------------------------------------------------------------


def listed(actor: Actor, appeal_id: int) -> list[File]:
    """The files of an appeal this person may see, oldest first, with those taken out; none of another appeal.

    Files in fields made at run time are not among them: the field shows them (app/services/field_files.py).
    """
    query = select(Attachment, Appeal).join(Appeal, Appeal.id == Attachment.appeal_id)
    of_appeal = (Appeal.id == appeal_id, Attachment.field_id.is_(None))
    seen = query.where(*of_appeal, access.visible_to(actor)).order_by(Attachment.id)
    found = db.session.execute(seen.options(*_people())).all()
    return [file_of(row, may_remove=_may_remove(actor, row, appeal)) for row, appeal in found]


def content(actor: Actor, attachment_id: int, *, how: str = "download") -> Content:
    """A file with its bytes, for who sees its appeal, or chose it and has not sent it. Audited as attachment.read.

    Raises NotFound for everything else: out of sight, taken out, its key destroyed.
    """
    with transaction():
        seen = exists().where(Appeal.id == Attachment.appeal_id, access.visible_to(actor))
        own = (Attachment.appeal_id.is_(None)) & (Attachment.user_id == actor.user_id)
        return content_in(actor, attachment_id, Attachment.field_id.is_(None), seen | own, how=how)


def content_in(actor: Actor, attachment_id: int, *where: ColumnElement[bool], how: str) -> Content:
    """A file with its bytes inside the open transaction of the caller, whose conditions say who reads it. Audited."""
    query = select(Attachment).where(Attachment.id == attachment_id, Attachment.removed_at.is_(None), *where)
    row = db.session.scalars(query.options(undefer(Attachment.content_sealed))).one_or_none()
    if row is None or row.data_key is None or row.content_sealed is None:
        raise _unknown(attachment_id)
    if row.appeal_id is not None or row.field_id is not None:
        _note_reading(actor, row, how)
    plain = personal.reveal_bytes(row.data_key, "content", row.content_sealed)
    return Content(file_of(row, may_remove=False), plain)


def _note_reading(actor: Actor, row: Attachment, how: str) -> None:
    now = present.now()
    same = exists().where(
        Audit.event == "attachment.read",
        Audit.at > now - _SAME_READING,
        Audit.user_id == actor.user_id,
        Audit.object_id == str(row.id),
    )
    if not db.session.scalar(select(same)):
        detail = {"appeal": row.appeal_id, "how": how}
        if row.field_id is not None:
            detail |= {"field": row.field_id, "row": row.row_id}
        audit.record(actor, "attachment.read", object_type="attachment", object_id=row.id, detail=detail)


def _people() -> tuple[Any, ...]:
    return (joinedload(Attachment.by), joinedload(Attachment.post))


def file_of(row: Attachment, *, may_remove: bool) -> File:
    """An attachment as pages show it."""
    return File(
        id=row.id,
        name=personal.reveal(row.data_key, "filename", row.filename_sealed),
        type=file_types.BY_MIME[row.content_type],
        size=row.size,
        scan=row.scan,
        created_at=row.created_at,
        purpose=row.purpose,
        by=row.by,
        post=row.post,
        removed_at=row.removed_at,
        remove_reason=row.remove_reason,
        may_remove=may_remove,
    )


def _unknown(attachment_id: int) -> NotFound:
    return NotFound("attachment.unknown", {"id": attachment_id})


# --- taking out ------------------------------------------------------------------------------------------------


def remove(actor: Actor, attachment_id: int, reason: str) -> int:
    """Take a file out of an appeal that is not archived; it stays stored and its line stays readable.

    The id of the appeal comes back.

    By who handed it in or holds the post it was handed in for, while the appeal is open; by the registrar and the
    ledger administrator. Twice is once. Raises NotFound, Refused, Invalid without a reason.
    """
    reason = reason.strip()[:500]
    if not reason:
        raise Invalid("attachment.reason-missing", field="reason")
    with transaction():
        row = db.session.get(Attachment, attachment_id)
        if row is None or row.appeal_id is None or row.field_id is not None:
            raise _unknown(attachment_id)
        appeal = access.access_appeal(actor, row.appeal_id, for_update=True)
        db.session.refresh(row, with_for_update=True)
        if row.removed_at is not None:
            return appeal.id
        if not _may_remove(actor, row, appeal):
            raise _why_not(appeal)
        row.removed_at, row.removed_by_id, row.remove_reason = present.now(), actor.person_id, reason
        grant = _remover(actor, row, appeal)
        journal.write(
            actor,
            "detach",
            "appeal",
            appeal.id,
            appeal_id=appeal.id,
            post_id=grant.post_id if grant else None,
            role=grant.role if grant else None,
            old={"attachments": remembered([row])},
            reason=reason,
        )
        return appeal.id


def _why_not(appeal: Appeal) -> Refused:
    if appeal.held_at is not None:
        return Refused("attachment.held")
    return Refused("attachment.archived") if appeal.state in _CLOSED_FILE else Refused("attachment.not-yours")


def _may_remove(actor: Actor, row: Attachment, appeal: Appeal) -> bool:
    if row.removed_at is not None or appeal.held_at is not None or appeal.state in _CLOSED_FILE:
        return False
    return _remover(actor, row, appeal) is not None or (
        row.user_id == actor.user_id and appeal.state in flow.OPEN_STATES
    )


def _remover(actor: Actor, row: Attachment, appeal: Appeal) -> Grant | None:
    """The grant that lets the person take the file out: the registrar's, the ledger's, or the post's it came for."""
    facts = access.row_facts(appeal)
    for capability in ("record", "number"):
        for grant in actor.grants.covering(capability, facts):
            return grant
    if appeal.state in flow.OPEN_STATES and row.post_id is not None:
        return next((grant for grant in _acting_grants(actor, appeal) if grant.post_id == row.post_id), None)
    return None


def destroy_in(appeal_id: int) -> int:
    """Destroy the keys, names and contents of an appeal's files in the caller's transaction: anonymising; how many."""
    rows = list(db.session.scalars(select(Attachment).where(Attachment.appeal_id == appeal_id).with_for_update()))
    for row in rows:
        row.data_key = row.content_sealed = row.filename_sealed = None
    return len(rows)
