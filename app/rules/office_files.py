"""Office files among attachments: what is inside is measured and named before anything is kept.

A document of the present kind is a zip, an old one a small file system of its own (compound file). Macros, programs,
archives inside, passwords and zip bombs are refused; nothing is ever unpacked to disk.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from zipfile import ZipInfo, is_zipfile

from . import archives
from .errors import Invalid

FIELD = "attachments"
_TYPES = "[content_types].xml"
_MAIN = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
_INSIDE_REFUSED = (
    *(".exe", ".dll", ".bat", ".cmd", ".com", ".scr", ".js", ".vbs", ".ps1", ".hta", ".jar", ".html", ".htm", ".svgz"),
    *(".zip", ".rar", ".7z", ".gz", ".docm", ".xlsm", ".lnk", ".msi", ".apk"),
)
_EXECUTABLE = (b"MZ", b"\x7fELF", b"Rar!", b"7z\xbc\xaf")
_MACRO_TYPE = b"macroenabled"


def _refused(code: str, **data: object) -> Invalid:
    return Invalid(f"attachment.{code}", data, field=FIELD)


def zip_follows(content: bytes) -> bool:
    """Whether another reader would take the file for a zip: a picture or sound with an archive hung on."""
    return is_zipfile(io.BytesIO(content))


# --- zips ------------------------------------------------------------------------------------------------------


def open_document_type(content: bytes) -> str | None:
    """docx or xlsx. Raises Invalid for every other zip, and for what is unfit inside."""
    try:
        with archives.opened(content) as archive:
            if archive.is_encrypted:
                raise _refused("encrypted")
            code = next((code for main, code in _MAIN.items() if main in archive.names), None)
            if code is None or _TYPES not in archive.names:
                raise _refused("packed")
            _check_names(archive.names)
            for part in archive.parts:
                _check_content(archive, part)
            return code
    except archives.Unfit as error:
        if error.why in ("too-large", "too-many-parts"):
            raise _refused("unpacks-too-large", limit=archives.Bounds().unpacked // 1024 // 1024) from error
        raise _refused(error.why) from error


def _check_names(names: frozenset[str]) -> None:
    for name in names:
        if "vbaproject" in name or "vbadata" in name or "/activex/" in name or "macrosheets" in name:
            raise _refused("macros")
        if name.endswith(_INSIDE_REFUSED) or name.startswith("/") or ".." in name.replace("\\", "/").split("/"):
            raise _refused("disguised")


def _check_content(archive: archives.Archive, part: ZipInfo) -> None:
    """Every part is unpacked once, keeping nothing."""
    is_types = part.filename.lower() == _TYPES
    first, before = b"", b""
    for chunk in archive.chunks(part):
        first = first or chunk
        if is_types and _MACRO_TYPE in (before + chunk).lower():
            raise _refused("macros")
        before = chunk[-len(_MACRO_TYPE) :]
    if first.startswith(_EXECUTABLE):
        raise _refused("disguised")


# --- compound files --------------------------------------------------------------------------------------------

_FREE = 0xFFFFFFFA  # this and above mark ends and free sectors
_MAX_SECTORS = 4_000
_STREAMS = {"worddocument": "doc", "workbook": "xls", "book": "xls"}
_MACROS = frozenset(("macros", "_vba_project_cur", "vba", "_vba_project"))
_SEALED = frozenset(("encryptedpackage", "encryptioninfo"))


def compound_type(content: bytes) -> str | None:
    """doc or xls by the streams it holds. Raises Invalid for macros, passwords and what is no document."""
    try:
        names = {name.lower() for name in _entries(content)}
    except (struct.error, IndexError) as error:
        raise _refused("damaged") from error
    if names & _SEALED:
        raise _refused("encrypted")
    if names & _MACROS:
        raise _refused("macros")
    return next((code for stream, code in _STREAMS.items() if stream in names), None)


def _entries(content: bytes) -> Iterator[str]:
    """Names of all storages and streams, along the directory's chain of sectors, which may not run in circles."""
    shift = struct.unpack_from("<H", content, 30)[0]
    if shift not in (9, 12):
        raise _refused("damaged")
    size = 1 << shift
    table = _sector_table(content, size)
    sector, seen = struct.unpack_from("<I", content, 48)[0], 0
    while sector < _FREE:
        seen += 1
        if seen > _MAX_SECTORS:
            raise _refused("damaged")
        start = (sector + 1) * size
        for at in range(start, start + size, 128):
            length = struct.unpack_from("<H", content, at + 64)[0]
            if 2 <= length <= 64:
                yield content[at : at + length - 2].decode("utf-16-le", errors="replace")
        sector = table[sector]


def _sector_table(content: bytes, size: int) -> tuple[int, ...]:
    """Which sector follows which, as far as the head of the file names the parts of that table, and one part beyond."""
    parts = [part for part in struct.unpack_from("<109I", content, 76) if part < _FREE]
    more = struct.unpack_from("<I", content, 68)[0]
    hops = 0
    while more < _FREE and hops < _MAX_SECTORS:
        hops += 1
        numbers = struct.unpack_from(f"<{size // 4}I", content, (more + 1) * size)
        parts += [part for part in numbers[:-1] if part < _FREE]
        more = numbers[-1]
    if len(parts) > _MAX_SECTORS:
        raise _refused("damaged")
    found: list[int] = []
    for part in parts:
        found += struct.unpack_from(f"<{size // 4}I", content, (part + 1) * size)
    return tuple(found)
