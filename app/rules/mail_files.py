"""Mails among attachments (.eml): recognised by their head, refused when they bring a program along."""

from __future__ import annotations

import email
import email.policy
import re

from .errors import Invalid

MAX_PARTS = 500
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
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    for number, part in enumerate(message.walk()):
        if number > MAX_PARTS:
            raise Invalid("attachment.damaged", field="attachments")
        name = part.get_filename()
        if name and _RUNS.search(str(name)):
            raise Invalid("attachment.runnable", {"extension": str(name).rsplit(".", 1)[-1][:8]}, field="attachments")
    return True
