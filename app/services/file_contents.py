"""The content of files that go into sheets, sealed with a key of its own until it is used."""

from __future__ import annotations

from typing import Any

from app.models import SheetFile, db
from app.rules.errors import Conflict
from app.rules.fields import clean_text
from app.services import personal, present
from app.services.actors import Actor
from app.services.transaction import transaction

_SEALED_AS = "sheet_file"


def hand_in(actor: Actor, sheet: str, filename: str, content: bytes, **columns: Any) -> SheetFile:
    """A file that somebody brought for a sheet ("": for a new one), kept in a transaction of its own."""
    with transaction():
        row = SheetFile(
            way="import", sheet=sheet, user_id=actor.user_id, person_id=actor.person_id, state="uploaded",
            filename=clean_text(filename)[:200], size=len(content), format="xlsx" if is_book(content) else "csv",
            at=present.now(), **columns,
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        keep(row, content)
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
