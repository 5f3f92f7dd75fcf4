"""Mails among attachments (.eml): recognised by their head, refused when they bring a program along."""

from __future__ import annotations

import email
import re
from email.header import decode_header, make_header
from email.message import Message

from .errors import Invalid

MAX_PARTS = 200
_HEAD = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:[ \t]?[^\r\n]*\r?\n")
_NEEDED = (b"from:", b"date:")
_RUNS = re.compile(
    r"\.(?:exe|scr|bat|cmd|com|pif|js|jse|vbs|vbe|wsf|wsh|ps1|hta|msi|lnk|jar|cpl|dll|docm|xlsm|pptm|iso|img|apk)\W*$",
    re.IGNORECASE,
)


def is_mail(content: bytes) -> bool:
    """Whether the text is a mail. Raises Invalid("attachment.runnable") for one with a program attached."""
    head = re.split(rb"\r?\n\r?\n", content[:65536], maxsplit=1)[0].lower() + b"\n"
    if not _HEAD.match(content) or not all(
        head.startswith(name) or b"\n" + name in head for name in _NEEDED
    ):
        return False
    # Parts inside parts are read one call inside the other, so they are counted before.
    if content.lower().count(b"boundary") > MAX_PARTS:
        raise Invalid("attachment.damaged", field="attachments")
    try:
        names = [name for part in email.message_from_bytes(content).walk() if (name := _name_of(part))]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Invalid("attachment.damaged", field="attachments") from error
    for name in names:
        if _RUNS.search(name):
            raise Invalid("attachment.runnable", {"extension": name.rsplit(".", 1)[-1][:8]}, field="attachments")
    return True


def _name_of(part: Message) -> str:
    """What an attached file is called, its encoded words read."""
    return str(make_header(decode_header(part.get_filename() or "")))
