"""Templates an administrator puts in the place of the built-in ones: handed in, checked, tried, put in use, kept.

What is in use was filled with examples before, so no template can keep anybody from printing (decision 0012). The
system officer keeps them; he sees examples and never a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.orm import undefer

from app.models import DocumentTemplate, db
from app.reports import document_checks, document_layout, documents
from app.reports.document_kinds import Kind, sample
from app.reports.table import Translate
from app.rules.errors import FieldErrors, FieldProblem, Invalid, NotFound
from app.rules.fields import clean_text
from app.services import access, audit, document_fields, journal, present
from app.services.actors import Actor
from app.services.transaction import transaction

VERSIONS = 50


@dataclass(frozen=True)
class Version:
    """A template that was handed in once, and who did it."""

    row: DocumentTemplate
    by: str
    by_en: str

    @property
    def is_used(self) -> bool:
        """Whether it is the one in use."""
        return self.row.retired_at is None


def access_kind(actor: Actor, code: str) -> Kind:
    """The kind, for who keeps the templates. Raises Refused, NotFound("document.unknown-kind")."""
    access.require_anywhere(actor, "system")
    found = document_fields.kind(code, english=False)
    if found is None:
        raise NotFound("document.unknown-kind", {"kind": code})
    return found


def in_use(code: str, t: Translate) -> tuple[int | None, bytes]:
    """The template a document of that kind is printed with: an own one and its id, or the built-in one."""
    query = select(DocumentTemplate).where(DocumentTemplate.kind == code, DocumentTemplate.retired_at.is_(None))
    own = db.session.scalars(query.options(undefer(DocumentTemplate.content))).one_or_none()
    return (own.id, own.content) if own is not None else (None, document_layout.built_in(code, t))


def used(actor: Actor) -> dict[str, Version]:
    """The own templates in use, by kind."""
    access.require_anywhere(actor, "system")
    return {one.row.kind: one for one in _versions(DocumentTemplate.retired_at.is_(None))}


def versions(actor: Actor, code: str) -> list[Version]:
    """All templates handed in for a kind, the newest first."""
    return _versions(DocumentTemplate.kind == access_kind(actor, code).code)


def _versions(*conditions: Any) -> list[Version]:
    query = (
        select(DocumentTemplate, User)
        .join(User, User.id == DocumentTemplate.by_id)
        .where(*conditions)
        .order_by(DocumentTemplate.id.desc())
        .limit(VERSIONS)
    )
    return [Version(row, user.first_name, user.last_name) for row, user in db.session.execute(query)]


def content(actor: Actor, code: str, template_id: int | None, t: Translate) -> bytes:
    """A template as it was handed in; the built-in one of the reader's language without an id."""
    kind = access_kind(actor, code)
    if template_id is None:
        return document_layout.built_in(kind.code, t)
    return _row(kind, template_id).content


def filled(actor: Actor, code: str, template_id: int | None, t: Translate) -> bytes:
    """The template filled with examples: what comes out when it is used. Raises FieldErrors if it cannot be."""
    kind = access_kind(actor, code)
    template = content(actor, code, template_id, t)
    _check(template, kind, t)
    return documents.render(template, kind, sample(kind, t))


def hand_in(actor: Actor, code: str, filename: str, body: bytes, t: Translate) -> DocumentTemplate:
    """Keep a template that passed every check, not in use yet; the same file again is the same version.

    Raises FieldErrors with everything that is wrong, each with the paragraph it stands in.
    """
    kind = access_kind(actor, code)
    if not body:
        raise Invalid("template.no-file", field=document_checks.FIELD)
    _check(body, kind, t)
    digest = hashlib.sha256(body).hexdigest()
    with transaction():
        known = select(DocumentTemplate).where(DocumentTemplate.kind == code, DocumentTemplate.sha256 == digest)
        row = db.session.scalars(known.order_by(DocumentTemplate.id.desc()).limit(1)).one_or_none()
        if row is not None:
            return row
        row = DocumentTemplate(
            kind=kind.code,
            filename=clean_text(filename)[-200:] or "template.docx",
            content=body,
            size=len(body),
            sha256=digest,
            by_id=_user_id(actor),
            retired_at=present.now(),
        )
        db.session.add(row)
        db.session.flush()
        _note(actor, "create", row, {"kind": code, "filename": row.filename, "sha256": digest})
    return row


def use(actor: Actor, code: str, template_id: int, t: Translate) -> None:
    """Print with this template from now on. It is checked once more: an upgrade may know other names.

    Raises FieldErrors, NotFound.
    """
    kind = access_kind(actor, code)
    _check(content(actor, code, template_id, t), kind, t)
    with transaction():
        row = _row(kind, template_id, for_update=True)
        if row.retired_at is None:
            return
        _retire(code)
        row.retired_at = None
        _note(actor, "edit", row, {"kind": code, "in_use": True, "sha256": row.sha256})


def use_built_in(actor: Actor, code: str) -> None:
    """Print with the built-in template again; the own ones are kept."""
    kind = access_kind(actor, code)
    with transaction():
        for template_id in _retire(kind.code):
            row = db.session.get(DocumentTemplate, template_id)
            if row is not None:
                _note(actor, "remove", row, {"kind": code, "in_use": False})


def problems_in_use(actor: Actor, code: str, t: Translate) -> tuple[FieldProblem, ...]:
    """What is wrong by now with the own template in use; nothing as long as it can be filled."""
    kind = access_kind(actor, code)
    template_id, body = in_use(code, t)
    return document_checks.problems(body, kind, t) if template_id is not None else ()


def _retire(code: str) -> Sequence[int]:
    """Take the own template out of use, if there is one. Flushed at once: only one of a kind is in use."""
    statement = (
        update(DocumentTemplate)
        .where(DocumentTemplate.kind == code, DocumentTemplate.retired_at.is_(None))
        .values(retired_at=present.now())
        .returning(DocumentTemplate.id)
    )
    return db.session.scalars(statement).all()


def _check(body: bytes, kind: Kind, t: Translate) -> None:
    found = document_checks.problems(body, kind, t)
    if found:
        raise FieldErrors(found)


def _row(kind: Kind, template_id: int, *, for_update: bool = False) -> DocumentTemplate:
    query = select(DocumentTemplate).where(DocumentTemplate.id == template_id, DocumentTemplate.kind == kind.code)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("row.unknown", {"id": template_id})
    return found


def _user_id(actor: Actor) -> int:
    if actor.user_id is None:
        raise RuntimeError("a template without the account that handed it in")
    return actor.user_id


def _note(actor: Actor, action: str, row: DocumentTemplate, new: dict[str, Any]) -> None:
    journal.write(actor, action, "document_template", row.id, new=new)
    audit.record(actor, "setting.change", object_type="document_template", object_id=row.id, detail=new)
