"""The content of files that go into sheets, sealed with a key of its own until it is used."""

from __future__ import annotations

from app.models import SheetFile
from app.rules.errors import Conflict
from app.services import personal

_SEALED_AS = "sheet_file"


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
