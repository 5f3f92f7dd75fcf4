"""A staffing table on its way in: handed in, compared, settled, applied, undone (R1, R15, R16).

read → applied → undone, or read → cancelled. What was read and what undoing needs are kept sealed: both hold mobiles.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.models import Holding, Person, Post, StaffingChange, StaffingUpload, Unit, db
from app.rules import staffing_difference, staffing_table
from app.rules.errors import Conflict, FieldErrors, FieldProblem, NotFound, Refused
from app.rules.fields import clean_text
from app.rules.staffing_difference import Current, Difference, KnownOffice, KnownPerson, KnownPost
from app.rules.staffing_table import Entry, PostRow, Remark, Table
from app.services import (
    access,
    audit,
    changes,
    journal,
    outbox,
    personal,
    present,
    staffing,
    staffing_files,
    upload_steps,
)
from app.services.actors import Actor
from app.services.sheet_rows import Sheet
from app.services.transaction import transaction

WRITERS = ("system",)
MAX_TEXT = 200_000
MAX_ANSWERS = 2_000
ROWS = 30
REASON = 200
KEPT_UNAPPLIED = timedelta(days=30)
_READ, _UNDO, _TABLE = "staffing_upload.read", "staffing_upload.undo", "staffing_upload"


@dataclass(frozen=True)
class Settled:
    """What a person decides about an upload; `at` None is the moment at which it is applied."""

    answers: Mapping[str, str]
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Shown:
    """An upload as its page shows it. `seen` names exactly this difference; it is empty once nothing can be applied."""

    upload: StaffingUpload
    table: Table
    current: Current
    difference: Difference
    seen: str


# --- handing in ------------------------------------------------------------------------------------------------


def hand_in_file(actor: Actor, filename: str, content: bytes) -> StaffingUpload:
    """Take in a workbook or a document. Raises Refused, Invalid about the file, FieldErrors about its rows."""
    access.require_anywhere(actor, *WRITERS)
    found = staffing_files.read(content)
    _refuse_problems(found.table, "file")
    name = clean_text(re.split(r"[\\/]", filename)[-1])[-200:]
    return _take_in(actor, found.source, name, hashlib.sha256(content).hexdigest(), found.table)


def hand_in_text(actor: Actor, text: str) -> StaffingUpload:
    """Take in a table that was pasted. Raises Refused, FieldErrors."""
    access.require_anywhere(actor, *WRITERS)
    if not text.strip():
        raise FieldErrors([FieldProblem("text", "field.required")])
    if len(text) > MAX_TEXT:
        raise FieldErrors([FieldProblem("text", "field.too-long", {"length": len(text), "limit": MAX_TEXT})])
    table = staffing_table.from_text(text)
    _refuse_problems(table, "text")
    return _take_in(actor, "text", "", hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), table)


def _refuse_problems(table: Table, field: str) -> None:
    """A table that cannot be read for certain is not kept: it is mended and handed in again."""
    if table.problems:
        raise FieldErrors(
            FieldProblem(field, one.code, {**one.data, "row": one.line, "column": one.column}) for one in table.problems
        )


def _take_in(actor: Actor, source: str, filename: str, digest: str, table: Table) -> StaffingUpload:
    with transaction():
        _drop_stale(actor)
        key = personal.new_key()
        upload = StaffingUpload(
            source=source,
            filename=filename,
            sha256=digest,
            data_key=key,
            read_sealed=personal.seal_bytes(key, _READ, _packed(table)),
            summary={"posts": len(table.rows)},
            created_by_id=actor.user_id,
        )
        db.session.add(upload)
        db.session.flush()
        new = {"source": source, "filename": filename, "sha256": digest, "posts": len(table.rows)}
        journal.write(actor, "upload", _TABLE, upload.id, new=new)
    return upload


def _drop_stale(actor: Actor) -> None:
    old = select(StaffingUpload).where(
        StaffingUpload.state == "read", StaffingUpload.created_at < present.now() - KEPT_UNAPPLIED
    )
    for upload in db.session.scalars(old.with_for_update(skip_locked=True)):
        _cancel(actor, upload)


# --- looking ---------------------------------------------------------------------------------------------------


def listed(actor: Actor, *, limit: int = ROWS) -> Sequence[StaffingUpload]:
    """The latest uploads. Raises Refused."""
    access.require_anywhere(actor, *WRITERS)
    return db.session.scalars(select(StaffingUpload).order_by(StaffingUpload.id.desc()).limit(limit)).all()


def show(actor: Actor, upload_id: int) -> Shown:
    """An upload against the table in force when it is to take effect, computed now. Raises Refused, NotFound."""
    access.require_anywhere(actor, *WRITERS)
    upload = _access(upload_id)
    if upload.state != "read":
        return Shown(upload, Table(), Current((), (), ()), Difference(), "")
    table = _table_of(upload)
    known = current(upload.effective_at or present.now())
    found = staffing_difference.difference(table, known, upload.answers)
    return Shown(upload, table, known, found, _seen(found) if found.is_ready else "")


def changes_of(actor: Actor, upload_id: int) -> Sequence[StaffingChange]:
    """The personnel changes that an upload made, in order. Raises Refused."""
    access.require_anywhere(actor, *WRITERS)
    query = select(StaffingChange).where(StaffingChange.upload_id == upload_id).order_by(StaffingChange.id)
    return db.session.scalars(query).all()


def current(at: datetime) -> Current:
    """The table in force at `at`, in four statements; who sits a duty shift is no matter of this table."""
    held = select(Holding.post_id, Holding.role, Holding.person_id).where(Holding.valid.contains(at))
    holders = {(post, role): person for post, role, person in db.session.execute(held)}
    posts = tuple(
        KnownPost(
            post.id,
            post.name,
            post.name_en,
            post.duty,
            post.duty_en,
            post.office_id,
            post.leader_id,
            post.filled_by_duty,
            holders.get((post.id, "A")),
            holders.get((post.id, "B")),
            post.active,
        )
        for post in db.session.scalars(select(Post).order_by(Post.number))
    )
    people = tuple(
        KnownPerson(
            person.id, person.name, person.name_en, personal.reveal_staff(person.mobile_sealed), person.unit_id,
            person.active,
        )
        for person in db.session.scalars(select(Person).order_by(Person.id))
    )  # fmt: skip
    sections = select(Unit).where(Unit.kind == "section", Unit.active).order_by(Unit.sort, Unit.id)
    offices = tuple(
        KnownOffice(unit.id, unit.name, unit.short_name, unit.name_en) for unit in db.session.scalars(sections)
    )
    return Current(posts, people, offices)


def _access(upload_id: int, *, for_update: bool = False) -> StaffingUpload:
    query = select(StaffingUpload).where(StaffingUpload.id == upload_id)
    query = query.options(undefer(StaffingUpload.read_sealed), undefer(StaffingUpload.undo_sealed))
    if for_update:
        query = query.with_for_update(of=StaffingUpload).execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("staffing-upload.unknown", {"id": upload_id})
    return found


def _seen(found: Difference) -> str:
    """A keyed digest of what will be done, by which applying knows that nothing else is done."""
    digest = personal.blind_index("staffing.difference", repr(found.items))
    return digest.hex() if digest else ""


# --- deciding --------------------------------------------------------------------------------------------------


def settle(actor: Actor, upload_id: int, settled: Settled) -> None:
    """Keep the answers, the moment and the reason.

    Raises Refused("staffing-upload.closed") once it is applied or cancelled, NotFound, FieldErrors.
    """
    access.require_anywhere(actor, *WRITERS)
    with transaction():
        _settle(_open(upload_id), settled)


def _settle(upload: StaffingUpload, settled: Settled) -> None:
    at = settled.at
    if at is not None and not changes.EARLIEST <= at <= present.now() + changes.FURTHEST:
        raise FieldErrors([FieldProblem("at", "change.moment")])
    upload.answers = {key[:40]: value[:20] for key, value in list(settled.answers.items())[:MAX_ANSWERS] if value}
    upload.effective_at = at
    upload.reason = clean_text(settled.reason)[:REASON]


def _open(upload_id: int) -> StaffingUpload:
    upload = _access(upload_id, for_update=True)
    if upload.state != "read":
        raise Refused("staffing-upload.closed")
    return upload


def cancel(actor: Actor, upload_id: int) -> None:
    """Drop an upload that is not to be applied, and what was read; repeating it changes nothing."""
    access.require_anywhere(actor, *WRITERS)
    with transaction():
        upload = _access(upload_id, for_update=True)
        if upload.state == "cancelled":
            return
        if upload.state != "read":
            raise Refused("staffing-upload.closed")
        _cancel(actor, upload)


def _cancel(actor: Actor, upload: StaffingUpload) -> None:
    upload.state = "cancelled"
    upload.read_sealed = personal.seal_bytes(upload.data_key, _READ, b"")
    journal.write(actor, "cancel", _TABLE, upload.id, old={"state": "read"}, new={"state": "cancelled"})


# --- applying and undoing --------------------------------------------------------------------------------------


def apply(actor: Actor, upload_id: int, settled: Settled, *, seen: str, sheets: Mapping[str, Sheet]) -> StaffingUpload:
    """Carry out the difference in one transaction; one that is applied already stays as it is.

    `seen` is the difference that the person was shown. Raises Conflict("staffing-upload.look-again") when it is
    another one by now, with the answers kept; Refused, NotFound, FieldErrors about moment or reason, and whatever a
    step refuses, with nothing done.
    """
    access.require_anywhere(actor, *WRITERS)
    try:
        settle(actor, upload_id, settled)
    except Refused:
        if (done := _applied(upload_id)) is not None:
            return done
        raise
    with transaction():
        changes.queue()
        upload = _access(upload_id, for_update=True)
        if upload.state == "applied":
            return upload
        if upload.state != "read":
            raise Refused("staffing-upload.closed")
        if not upload.reason:
            raise FieldErrors([FieldProblem("reason", "field.required")])
        at = upload.effective_at or present.now()
        found = staffing_difference.difference(_table_of(upload), current(at), upload.answers)
        if not found.is_ready or _seen(found) != seen:
            raise Conflict("staffing-upload.look-again")
        if at > present.now() and any(item.kind != "holding" for item in found.items):
            raise FieldErrors([FieldProblem("at", "staffing-upload.at-once")])
        steps = upload_steps.carry_out(actor, upload, found.items, at, sheets)
        upload.undo_sealed = personal.seal_bytes(upload.data_key, _UNDO, json.dumps(steps).encode())
        upload.state, upload.applied_at, upload.effective_at = "applied", present.now(), at
        upload.summary = {**upload.summary, "kinds": _counted(found)}
        _trace(actor, upload, "apply", {"state": "applied", "kinds": upload.summary["kinds"]})
    return upload


def _applied(upload_id: int) -> StaffingUpload | None:
    upload = _access(upload_id)
    return upload if upload.state == "applied" else None


def undo(actor: Actor, upload_id: int, *, sheets: Mapping[str, Sheet]) -> StaffingUpload:
    """Restore what the upload changed, as personnel changes of their own; repeating it changes nothing.

    Raises Refused "staffing-upload.not-applied", or with what builds on it: "staffing-upload.built-on",
    "staffing-upload.place-changed", "staffing-upload.row-changed", "staffing-upload.post-in-use".
    """
    access.require_anywhere(actor, *WRITERS)
    with transaction():
        changes.queue()
        upload = _access(upload_id, for_update=True)
        if upload.state == "undone":
            return upload
        if upload.state != "applied" or upload.undo_sealed is None:
            raise Refused("staffing-upload.not-applied")
        steps = json.loads(personal.reveal_bytes(upload.data_key, _UNDO, upload.undo_sealed))
        upload_steps.take_back(actor, upload, steps, sheets)
        upload.state, upload.undone_at = "undone", present.now()
        _trace(actor, upload, "undo", {"state": "undone"})
        told = staffing.acting_with("triage")
        outbox.enqueue("upload.undone", told, key=f"staffing_upload:{upload.id}|undone", subject=(_TABLE, upload.id))
    return upload


def _trace(actor: Actor, upload: StaffingUpload, action: str, new: Mapping[str, Any]) -> None:
    journal.write(actor, action, _TABLE, upload.id, new=new, reason=upload.reason)
    detail = {"action": action, "kinds": upload.summary.get("kinds", {})}
    audit.record(actor, "right.change", object_type=_TABLE, object_id=upload.id, detail=detail)


def _counted(found: Difference) -> dict[str, int]:
    counted: dict[str, int] = {}
    for item in found.items:
        counted[item.kind] = counted.get(item.kind, 0) + 1
    return counted


# --- what was read, as it is kept ------------------------------------------------------------------------------


def _packed(table: Table) -> bytes:
    return json.dumps(
        {"rows": [asdict(row) for row in table.rows], "remarks": [asdict(r) for r in table.remarks]}
    ).encode()


def _table_of(upload: StaffingUpload) -> Table:
    read = json.loads(personal.reveal_bytes(upload.data_key, _READ, upload.read_sealed))
    rows = []
    for row in read["rows"]:
        people = {name: Entry(**row[name]) if row[name] else None for name in staffing_table.PERSONS}
        rows.append(PostRow(**{**row, **people, "blank": tuple(row["blank"])}))
    return Table(tuple(rows), (), tuple(Remark(**remark) for remark in read["remarks"]))
