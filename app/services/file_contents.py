"""The content of files that go into sheets, sealed with a key of its own until it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.models import SheetFile, db
from app.rules.errors import Conflict
from app.rules.fields import clean_text
from app.services import journal, personal, present
from app.services.actors import Actor
from app.services.transaction import transaction

OBJECT = _SEALED_AS = "sheet_file"


def hand_in(
    actor: Actor, sheet: str, filename: str, content: bytes, *, request_key: str | None = None, **columns: Any
) -> SheetFile:
    """A file that somebody brought for a sheet ("": for a new one), kept in a transaction of its own.

    The same `request_key` again gives the file that was kept for it. Raises Conflict("request.key-used") for one that
    belongs to another file or act.
    """
    try:
        return _kept_before(actor, sheet, request_key, columns) or _keep(
            actor, sheet, filename, content, request_key, columns
        )
    except Conflict:
        found = _kept_before(actor, sheet, request_key, columns)
        if found is None:
            raise Conflict("request.key-used") from None
        return found


def _kept_before(
    actor: Actor, sheet: str, request_key: str | None, columns: Mapping[str, Any]
) -> SheetFile | None:
    known = journal.made(actor, OBJECT, request_key)
    row = db.session.get(SheetFile, known) if known is not None else None
    if row is not None and (row.sheet, row.digest) != (sheet, columns.get("digest", "")):
        raise Conflict("request.key-used")
    return row


def _keep(
    actor: Actor, sheet: str, filename: str, content: bytes, request_key: str | None, columns: Mapping[str, Any]
) -> SheetFile:
    with transaction():
        row = SheetFile(
            way="import", sheet=sheet, user_id=actor.user_id, person_id=actor.person_id, state="uploaded",
            filename=clean_text(filename)[:200], size=len(content), format="xlsx" if is_book(content) else "csv",
            at=present.now(), **columns,
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        keep(row, content)
        if request_key is not None:
            new = {"sheet": sheet, "format": row.format, "size": row.size}
            journal.write(actor, "import", OBJECT, row.id, new=new, request_key=request_key)
        return row


def is_book(content: bytes) -> bool:
    """Whether a content is a workbook (an old or a locked one, too) rather than text; its name says nothing."""
    return content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def keep(row: SheetFile, content: bytes) -> None:
    """Put a content into the row, in the open transaction."""
    row.data_key = personal.new_key()
    row.content_sealed = personal.seal_bytes(row.data_key, _SEALED_AS, content)


def read(row: SheetFile) -> bytes:
    """The content again. Raises Conflict("sheet-file.used") when it was used or dropped."""
    if row.content_sealed is None or row.data_key is None:
        raise Conflict("sheet-file.used")
    return personal.reveal_bytes(row.data_key, _SEALED_AS, row.content_sealed)


def drop(row: SheetFile) -> None:
    """Forget the content: what the row says of it stays."""
    row.content_sealed = row.data_key = None
