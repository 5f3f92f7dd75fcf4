"""Printing from the record: what somebody may see, filled into the template in use, and recorded (R4, R6, R9, R11)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import Appeal, Assignment, HandlingRequest, Slip, db
from app.reports import document_layout, documents
from app.reports.document_kinds import FIELD, Context, Kind
from app.rules.errors import Conflict, Invalid, NotFound, Refused
from app.services import (
    access,
    audit,
    document_fields,
    document_records,
    document_templates,
    journal,
    reading,
    sheet,
    slip_sheets,
)
from app.services.actors import Actor
from app.services.document_records import Reader
from app.services.transaction import transaction

log = logging.getLogger(__name__)

# The appeal's documents that need no other row, and what there must be before one is printed.
OF_APPEAL = ("registration_form", "result", "non_acceptance", "cover")


@dataclass(frozen=True)
class Filled:
    """A document ready to be printed: its kind, its record, the number it is filed under, its appeal if it has one."""

    kind: Kind
    context: Context
    number: str
    object_type: str
    object_id: int
    appeal: Appeal | None = None


@dataclass(frozen=True)
class Offered:
    """What can be printed of an appeal: documents of its own, its slips, the decided requests of its units."""

    appeal: Appeal
    kinds: tuple[str, ...]
    slips: tuple[Slip, ...]
    requests: tuple[HandlingRequest, ...]
    may_unmask: bool


def offered(actor: Actor, appeal_id: int) -> Offered:
    """What this person can print of an appeal. Raises NotFound."""
    appeal = document_records.access_record(actor, appeal_id)
    return Offered(
        appeal,
        tuple(code for code in OF_APPEAL if _is_ready(code, appeal)),
        tuple(slip for slip in appeal.slips if slip.number),
        tuple(one for part in appeal.assignments for one in part.requests if one.decided_at is not None),
        access.may_see_phone(actor, appeal),
    )


def page(actor: Actor, kind: str, subject_id: int, reader: Reader) -> Filled:
    """A document for a printable page, the appellant masked; the print is audited.

    Raises NotFound for what is unknown or out of sight, Conflict("document.not-yet") before there is anything to say.
    """
    filled = _filled(actor, kind, subject_id, reader)
    with transaction():
        _note(actor, "print", filled, {"kind": kind})
    return filled


def download(
    actor: Actor, kind: str, subject_id: int, reader: Reader, *, reason: str | None = None
) -> tuple[Filled, bytes]:
    """A document as a docx file, filled into the template in use and audited.

    With a reason the appellant stands in it in full, for who may see him; that leaves a journal row too. Raises what
    `page` raises, Invalid("unmask.reason-missing") and Refused.
    """
    if reason is not None and not reason:
        raise Invalid("unmask.reason-missing", field="reason")
    filled = _filled(actor, kind, subject_id, reader, in_full=reason is not None)
    template_id, template = document_templates.in_use(kind, reader.t)
    content, fell_back = _printed(filled, template_id, template, reader)
    detail: dict[str, object] = {"kind": kind, "template": template_id, "full": reason is not None}
    if fell_back:
        detail["built_in_instead"] = True
    with transaction():
        _note(actor, "document", filled, detail)
        if reason is not None and filled.appeal is not None:
            _unmasked(actor, filled.appeal, reason)
    return filled, content


def _printed(filled: Filled, template_id: int | None, template: bytes, reader: Reader) -> tuple[bytes, bool]:
    """An own template was tried before it was put in use; should it fail all the same, printing goes on without it."""
    try:
        return documents.render(template, filled.kind, filled.context), False
    except Exception as error:
        if template_id is None:
            raise
        log.warning("document template %s fails (%s); the built-in one is used", template_id, type(error).__name__)
    built_in = document_layout.built_in(filled.kind.code, reader.t)
    return documents.render(built_in, filled.kind, filled.context), True


def _note(actor: Actor, event: str, filled: Filled, detail: Mapping[str, object]) -> None:
    audit.record(actor, event, object_type=filled.object_type, object_id=filled.object_id, detail=detail)


def _unmasked(actor: Actor, appeal: Appeal, reason: str) -> None:
    grant = access.require(actor, "see_phone", appeal=appeal)
    audit.record(actor, "appeal.unmask", object_type="appeal", object_id=appeal.id)
    journal.write(
        actor,
        "unmask",
        "appeal",
        appeal.id,
        appeal_id=appeal.id,
        post_id=grant.post_id,
        role=grant.role,
        reason=reason,
    )


def _filled(actor: Actor, code: str, subject_id: int, reader: Reader, *, in_full: bool = False) -> Filled:
    kind = document_fields.kind(code, english=reader.language == "en")
    if kind is None:
        raise NotFound("document.unknown-kind", {"kind": code})
    if kind.subject == "sheet":
        found, slips = slip_sheets.access_sheet(actor, subject_id)
        return Filled(kind, document_records.of_sheet(found, slips, reader), found.number, "slip_sheet", found.id)
    if kind.subject == "slip":
        slip = _slip(actor, subject_id)
        own = document_records.of_slip(slip, reader)
        return Filled(
            kind,
            {**_about(actor, slip.appeal, reader, in_full), **own},
            slip.number or "",
            "slip",
            slip.id,
            slip.appeal,
        )
    if kind.subject == "request":
        request, assignment, appeal = _request(actor, subject_id)
        own = document_records.of_request(request, assignment, reader)
        return Filled(
            kind, {**_about(actor, appeal, reader, in_full), **own}, appeal.number or "", "handling_request",
            request.id, appeal,
        )  # fmt: skip
    appeal = document_records.access_record(actor, subject_id)
    if not _is_ready(code, appeal):
        raise Conflict("document.not-yet")
    return Filled(kind, _about(actor, appeal, reader, in_full), appeal.number or "", "appeal", appeal.id, appeal)


def _is_ready(code: str, appeal: Appeal) -> bool:
    """Whether the record has what the document is about: an item without number has no form yet (R4)."""
    if not appeal.number:
        return False
    return {
        "registration_form": True,
        "result": bool(appeal.result) and not appeal.lawful_route,
        "non_acceptance": bool(appeal.lawful_route),
        "cover": appeal.closed_at is not None or appeal.state == "merged",
    }[code]


def _about(actor: Actor, appeal: Appeal, reader: Reader, in_full: bool) -> Context:
    if in_full and not access.may_see_phone(actor, appeal):
        raise Refused("access.not-granted", {"capability": "see_phone"})
    plain = sheet.appellant(appeal)
    shown = plain if in_full else reading.masked(plain)
    if appeal.anonymous and not plain["appellant_name"]:
        shown = {**shown, "appellant_name": reader.t("Anonymous")}
    names = ("appellant_name", "appellant_phone", "appellant_identity", "appellant_address")
    record = document_records.of_appeal(appeal, {name: shown[name] for name in names}, reader)
    return {**record, FIELD: document_fields.values(actor, appeal, reader)}


def _slip(actor: Actor, slip_id: int) -> Slip:
    found = db.session.scalars(
        select(Slip.appeal_id)
        .join(Appeal, Appeal.id == Slip.appeal_id)
        .where(Slip.id == slip_id, access.visible_to(actor))
    ).one_or_none()
    if found is None:
        raise NotFound("slip.unknown", {"id": slip_id})
    appeal = document_records.access_record(actor, found)
    return next(slip for slip in appeal.slips if slip.id == slip_id)


def _request(actor: Actor, request_id: int) -> tuple[HandlingRequest, Assignment, Appeal]:
    row = db.session.scalars(
        select(HandlingRequest)
        .join(Appeal, Appeal.id == HandlingRequest.appeal_id)
        .where(HandlingRequest.id == request_id, access.visible_to(actor))
        .options(joinedload(HandlingRequest.asked_by), joinedload(HandlingRequest.proposed_unit))
    ).one_or_none()
    if row is None:
        raise NotFound("document.unknown-request", {"id": request_id})
    if row.decided_at is None:
        raise Conflict("document.not-yet")
    appeal = document_records.access_record(actor, row.appeal_id)
    own = next(one for one in appeal.assignments if one.id == row.assignment_id)
    return row, own, appeal
