"""The name under which a file is kept and shown: what somebody typed, without what could mislead or harm."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
_FORBIDDEN = re.compile(r'[<>:"|?*/\\]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def extension_of(name: str) -> str:
    """What a cleaned name ends in, lower-case, without the dot; "" for none."""
    last = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return last if _EXTENSION.fullmatch(last) else ""


def cleaned(name: str) -> str:
    """The last part of a path without control, direction and invisible characters; may be empty."""
    composed = unicodedata.normalize("NFC", name.encode("utf-8", errors="replace").decode())
    last = re.split(r"[/\\]", composed)[-1]
    # Cc control, Cf direction marks and invisible ones, Zl and Zp line ends, Co and Cs no characters at all.
    kept = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs", "Cn"))
    return re.sub(r"\s+", " ", _FORBIDDEN.sub("_", kept)).strip(" .")


def kept_as(name: str, extension: str, also: tuple[str, ...] = ()) -> str:
    """A cleaned name that ends as its type does, at most 120 characters long; nameless files are called `file`."""
    own = extension_of(name)
    if own == extension or own in also:
        stem, own = name[: -len(own) - 1], own
    else:
        stem, own = name, extension
    stem = stem.strip(" .") or "file"
    if _RESERVED.match(stem + "."):
        stem = f"_{stem}"
    return f"{stem[: LONGEST - len(own) - 1].rstrip(' .')}.{own}"
