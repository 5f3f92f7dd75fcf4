"""Who takes a workbook away, written into a copy of it: the stored file stays the same byte for byte.

A stored workbook carries MARK wherever the watermark belongs: a line over the table and the foot of every printed page.
"""

from __future__ import annotations

import zipfile
from html import escape
from io import BytesIO

from . import text

MARK = "[downloaded-by]"
_BYTES = MARK.encode()
LONGEST = 80  # characters: the foot of a page has room for no more
_PIECE = 1 << 16


def stamped(content: bytes, words: str) -> bytes:
    """The workbook with `words` in every place of MARK. Parts without one keep their bytes."""
    # An ampersand begins a code in the foot of a page.
    shown = escape(text.clean(words).replace("\n", " ").replace("&", "＆")[:LONGEST], quote=True).encode()
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as stored, zipfile.ZipFile(out, "w") as copy:
        for part in stored.infolist():
            info = zipfile.ZipInfo(part.filename, part.date_time)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, part.external_attr
            with stored.open(part) as source, copy.open(info, "w") as target:
                kept = b""
                while piece := source.read(_PIECE):
                    # What may be the beginning of a mark waits for the rest of it.
                    piece = (kept + piece).replace(_BYTES, shown)
                    at = max(len(piece) - len(_BYTES) + 1, 0)
                    target.write(piece[:at])
                    kept = piece[at:]
                target.write(kept)
    return out.getvalue()
