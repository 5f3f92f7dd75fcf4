"""Words for files: their size, where they came from, whether a scanner saw them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, url_for
from flask_babel import format_decimal
from flask_babel import lazy_gettext as _l

from app import words
from app.services.attachments import File

# What an icon says, for those who do not see it.
TYPES: Mapping[str, Any] = {
    "image": _l("Picture"),
    "audio": _l("Sound"),
    "video": _l("Film"),
    "application": _l("Document"),
    "text": _l("Text"),
    "message": _l("Mail"),
}
SCANS: Mapping[str, Any] = {
    "unscanned": _l("not scanned for viruses"),
    "clean": _l("no virus found"),
}


def size(number: int) -> str:
    """A number of bytes as people read it."""
    if number < 1024 * 1024:
        return f"{format_decimal(max(1, round(number / 1024)))} KB"
    return f"{format_decimal(round(number / 1024 / 1024, 1))} MB"


def purpose(file: File) -> str:
    """The step or the request that brought it; "" for one without words."""
    return str(words.ACTIONS.get(file.purpose) or words.REQUESTS.get(file.purpose) or "")


def kind(file: File) -> str:
    """What sort of file it is."""
    return str(TYPES[file.type.mime.split("/")[0]])


def line(file: File) -> dict[str, Any]:
    """A chosen file as the form's script shows it."""
    return {
        "id": file.id,
        "name": file.shown_name,
        "size": size(file.size),
        "bytes": file.size,
        "icon": file.type.icon,
        "preview": file.type.preview,
        "preview_url": url_for("AttachmentView.preview", attachment_id=file.id) if file.type.preview else "",
        "discard_url": url_for("AttachmentView.discard", attachment_id=file.id),
    }


def largest() -> int:
    """The most bytes a file may have."""
    return int(current_app.config["ATTACHMENT_MAX_BYTES"])
