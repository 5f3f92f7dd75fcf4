"""What a file is, judged by its content: the types an appeal may carry, each with what its bytes must look like.

A name proves nothing. What is no type of this table is refused; what is one is kept under the extension of its type,
so that nothing that was handed in is ever run, here or where it is opened. Pure: bytes in, a type or a refusal out.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .errors import Invalid
from .mail_files import is_mail
from .office_files import compound_type, open_document_type, zip_follows

FIELD = "attachments"
MAX_PIXELS = 150_000_000  # larger pictures stop the browser that shows them


@dataclass(frozen=True, slots=True)
class FileType:
    """One type: its media type, the extension it is kept under, other spellings, how a page may show it."""

    code: str
    mime: str
    extension: str
    also: tuple[str, ...] = ()
    preview: str = ""  # image | pdf | audio | video; "" is downloaded only
    icon: str = "file"


# fmt: off
_ALL = (
    FileType("pdf", "application/pdf", "pdf", (), "pdf", "file-pdf"),
    FileType("png", "image/png", "png", (), "image", "file-image"),
    FileType("jpeg", "image/jpeg", "jpg", ("jpeg", "jpe", "jfif"), "image", "file-image"),
    FileType("webp", "image/webp", "webp", (), "image", "file-image"),
    FileType("gif", "image/gif", "gif", (), "image", "file-image"),
    FileType("heic", "image/heic", "heic", ("heif",), "", "file-image"),
    FileType("tiff", "image/tiff", "tif", ("tiff",), "", "file-image"),
    FileType("mp3", "audio/mpeg", "mp3", (), "audio", "file-audio"),
    FileType("m4a", "audio/mp4", "m4a", ("mp4",), "audio", "file-audio"),
    FileType("aac", "audio/aac", "aac", (), "audio", "file-audio"),
    FileType("wav", "audio/wav", "wav", (), "audio", "file-audio"),
    FileType("amr", "audio/amr", "amr", (), "", "file-audio"),
    FileType("ogg", "audio/ogg", "ogg", ("oga", "opus"), "audio", "file-audio"),
    FileType("mp4", "video/mp4", "mp4", ("m4v",), "video", "file-video"),
    FileType("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx",
             icon="file-word"),
    FileType("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", icon="file-excel"),
    FileType("doc", "application/msword", "doc", ("wps",), icon="file-word"),
    FileType("xls", "application/vnd.ms-excel", "xls", ("et",), icon="file-excel"),
    FileType("txt", "text/plain", "txt", ("text", "log", "md"), icon="file-lines"),
    FileType("eml", "message/rfc822", "eml", (), icon="envelope"),
)
# fmt: on
TYPES: Mapping[str, FileType] = MappingProxyType({one.code: one for one in _ALL})
BY_MIME: Mapping[str, FileType] = MappingProxyType({one.mime: one for one in _ALL})
# fmt: off
# What a computer runs or a browser executes, and what unpacks into it: refused by its name whatever it holds.
RUNNABLE = frozenset((
    "ade", "adp", "apk", "app", "appx", "bas", "bat", "bin", "cab", "chm", "class", "cmd", "com", "cpl", "crt",
    "deb", "dll", "dmg", "docm", "dotm", "elf", "exe", "gadget", "hlp", "hta", "htm", "html", "inf", "ins", "iso",
    "isp", "jar", "js", "jse", "jsp", "ksh", "lnk", "mde", "mht", "mhtml", "msc", "msi", "msix", "msp", "mst",
    "ocx", "pcd", "php", "pif", "pl", "potm", "ppam", "ppsm", "pptm", "ps1", "psm1", "py", "pyc", "rb", "reg",
    "run", "scf", "scr", "sct", "sh", "shb", "shtml", "sldm", "sldx", "svg", "svgz", "swf", "sys", "url", "vb",
    "vba", "vbe", "vbs", "wasm", "ws", "wsc", "wsf", "wsh", "xht", "xhtml", "xlam", "xlsb", "xlsm", "xltm", "xml",
    "xpi", "xsl", "xslt",
))
PACKED = frozenset((
    "7z", "ace", "arj", "bz2", "gz", "lha", "lz", "lzma", "rar", "tar", "tgz", "txz", "xz", "z", "zip", "zst",
))
# fmt: on


def sniff(content: bytes, allowed: Collection[str], *, extension: str = "") -> FileType:
    """The type of a whole file, one of those `allowed`; `extension` is what its name ends in, lower-case.

    Raises Invalid at the field "attachments": attachment.empty, .runnable, .packed, .damaged, .macros, .encrypted,
    .unpacks-too-large, .disguised, .too-many-pixels or .type.
    """
    if not content:
        raise Invalid("attachment.empty", field=FIELD)
    if extension in RUNNABLE:
        raise Invalid("attachment.runnable", {"extension": extension}, field=FIELD)
    if extension in PACKED:
        raise Invalid("attachment.packed", field=FIELD)
    try:
        found = _found(content)
    except (struct.error, IndexError) as error:
        raise Invalid("attachment.damaged", field=FIELD) from error
    if found is None or found not in allowed:
        raise Invalid("attachment.type", {"type": extension}, field=FIELD)
    return TYPES[found]


def _found(content: bytes) -> str | None:
    for start, offset, check in _SIGNATURES:
        if content[offset : offset + len(start)] == start and (code := check(content)) is not None:
            if code not in ("docx", "xlsx") and zip_follows(content):
                raise Invalid("attachment.disguised", field=FIELD)
            return code
    return _text(content)


# --- documents and pictures ------------------------------------------------------------------------------------


def _damaged_unless(whole: bool, code: str) -> str:
    """The type, if the file is whole. Raises Invalid("attachment.damaged")."""
    if not whole:
        raise Invalid("attachment.damaged", field=FIELD)
    return code


_PDF_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|RichMedia|XFA)(?![A-Za-z0-9])")
_PDF_STREAM = re.compile(rb"stream\r?\n")
_PDF_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")


def _pdf(content: bytes) -> str | None:
    """A PDF that names scripts or starts programs is no scan; what is compressed inside, no browser runs either."""
    _damaged_unless(b"%%EOF" in content[-2048:], "pdf")
    named = _PDF_ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), b" ".join(_outside_streams(content)))
    if _PDF_ACTIVE.search(named):
        raise Invalid("attachment.active-pdf", field=FIELD)
    return "pdf"


def _outside_streams(content: bytes) -> Iterator[bytes]:
    """What a PDF says outside its pictures and pages, whose bytes look like any word once in a few megabytes."""
    at = 0
    while (begun := _PDF_STREAM.search(content, at)) is not None:
        ended = content.find(b"endstream", begun.end())
        if ended < 0:
            break
        yield content[at : begun.start()]
        at = ended + len(b"endstream")
    yield content[at:]


def _sized(width: int, height: int) -> None:
    _damaged_unless(width > 0 and height > 0, "")
    if width * height > MAX_PIXELS:
        raise Invalid("attachment.too-many-pixels", {"limit": MAX_PIXELS // 1_000_000}, field=FIELD)


def _png(content: bytes) -> str | None:
    _damaged_unless(content[12:16] == b"IHDR", "png")
    _sized(*struct.unpack(">II", content[16:24]))
    at = 8
    while at + 12 <= len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        at += 12 + length
        if name == b"IEND":
            return _damaged_unless(at <= len(content), "png")
    return _damaged_unless(False, "png")


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(content: bytes) -> str | None:
    """Segments up to the frame that says the size; a picture that was cut off lacks its end."""
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            _sized(width, height)
            return _damaged_unless(content.rfind(b"\xff\xd9") > at, "jpeg")
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return _damaged_unless(False, "jpeg")


def _gif(content: bytes) -> str | None:
    if content[3:6] not in (b"87a", b"89a"):
        return None
    _sized(*struct.unpack("<HH", content[6:10]))
    return _damaged_unless(content.rstrip(b"\0").endswith(b";"), "gif")


def _riff(content: bytes) -> str | None:
    codes = {b"WEBP": "webp", b"WAVE": "wav"}
    code = codes.get(content[8:12])
    if code is None:
        return None
    # A recorder that was switched off leaves the length of a sound open.
    length = struct.unpack("<I", content[4:8])[0]
    open_ended = code == "wav" and length in (0, 0xFFFFFFFF, 0xFFFFFFF7)
    if code == "webp":
        _damaged_unless(content[12:16] in (b"VP8 ", b"VP8L", b"VP8X"), code)
    return _damaged_unless(len(content) > 44 - 24 and (open_ended or length + 8 <= len(content) + 1), code)


def _tiff(content: bytes) -> str | None:
    order = "<" if content[:2] == b"II" else ">"
    first = struct.unpack(order + "I", content[4:8])[0]
    _damaged_unless(8 <= first <= len(content) - 6, "tiff")
    return _damaged_unless(0 < struct.unpack(order + "H", content[first : first + 2])[0] < 1000, "tiff")


# --- sound and film --------------------------------------------------------------------------------------------

_HEIC = frozenset((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"))
_SOUND = frozenset((b"M4A ", b"M4B "))
_FILM = frozenset((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash"))


def _boxes(content: bytes) -> str | None:
    """A file of boxes (MP4 and its relatives): each box must lie inside it, and one must say what is in it."""
    brand, at, names = content[8:12], 0, set()
    while at < len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        if length == 1:
            length = struct.unpack(">Q", content[at + 8 : at + 16])[0]
        elif length == 0:
            length = len(content) - at
        _damaged_unless(length >= 8 and at + length <= len(content), "mp4")
        names.add(name)
        at += length
    if brand in _HEIC:
        return _damaged_unless(b"meta" in names, "heic")
    if brand not in _SOUND | _FILM:
        return None
    _damaged_unless(b"moov" in names, "mp4")
    # A sound recorded by a telephone often calls itself a film without pictures.
    return "mp4" if brand in _FILM and b"vide" in content else "m4a"


_BITRATES = (
    (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = (44_100, 48_000, 32_000)


def _frame_length(head: bytes) -> int:
    """Bytes of the MPEG audio frame that this head begins, 0 for none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer, bitrate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 0 or bitrate in (0, 15) or rate == 3:
        return 0
    table = 3 - layer if version == 3 else 3 if layer == 3 else 4
    hertz = _RATES[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    bits, padding = _BITRATES[table][bitrate] * 1000, head[2] >> 1 & 1
    if layer == 3:
        return (12 * bits // hertz + padding) * 4
    return (72 if version != 3 and layer == 1 else 144) * bits // hertz + padding


def _id3(content: bytes) -> str | None:
    """Titles before the sound: they may say anything, so the sound itself must follow."""
    size = content[6] << 21 | content[7] << 14 | content[8] << 7 | content[9]
    at = 10 + size + (10 if content[5] & 0x10 else 0)
    window = content[at : at + 4096]
    return _damaged_unless(
        any(_follows(content, at + step) for step in range(max(0, len(window) - 3)) if window[step] == 0xFF), "mp3"
    )


def _follows(content: bytes, at: int) -> bool:
    """Whether two frames stand one after the other, or one that fills the rest."""
    length = _frame_length(content[at : at + 4])
    if not length:
        return False
    after = at + length
    return after == len(content) or _frame_length(content[after : after + 4]) > 0


def _mpeg(content: bytes) -> str | None:
    if content[1] & 0xF6 == 0xF0:  # ADTS
        length = (content[3] & 3) << 11 | content[4] << 3 | content[5] >> 5
        after = content[length : length + 2]
        return _damaged_unless(length >= 7 and (after == b"" or after[:1] == b"\xff"), "aac")
    return "mp3" if _follows(content, 0) else None


def _ogg(content: bytes) -> str | None:
    """Ogg that holds sound; what holds film is told by the codec's name in the first page."""
    first = content[28:64]
    known = (b"vorbis", b"OpusHead", b"Speex   ", b"FLAC")
    return _damaged_unless(content[4:5] == b"\0", "ogg") if any(name in first for name in known) else None


def _amr(content: bytes) -> str | None:
    return _damaged_unless(len(content) > 12, "amr")


# --- text ------------------------------------------------------------------------------------------------------

_MARKUP = re.compile(
    r"^\s*(?:<[!?%a-z/]|#!|@echo\b|\{\\rtf|%!PS|MIME-Version:.*\n.*multipart/related)|"
    r"<\s*(?:script|html|svg|iframe|object|embed|body|img)\b|<\?(?:php|xml|=)|\bjavascript:|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    re.IGNORECASE,
)
_TEXT_CODES = ("utf-8-sig", "gb18030")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def _text(content: bytes) -> str | None:
    """Plain text or a mail; markup and scripts are text too, and no type of ours."""
    code = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    for name in (code,) if code else _TEXT_CODES:
        try:
            said = content.decode(name)
        except UnicodeDecodeError:
            continue
        if _CONTROL.search(said) or not said.strip():
            return None
        if is_mail(content):
            return "eml"
        return None if _MARKUP.search(said) else "txt"
    return None


def _runs(content: bytes) -> str | None:
    raise Invalid("attachment.runnable", {"extension": "…"}, field=FIELD)


def _packs(content: bytes) -> str | None:
    raise Invalid("attachment.packed", field=FIELD)


_SIGNATURES: tuple[tuple[bytes, int, Callable[[bytes], str | None]], ...] = (
    (b"%PDF-", 0, _pdf),
    (b"\x89PNG\r\n\x1a\n", 0, _png),
    (b"\xff\xd8\xff", 0, _jpeg),
    (b"GIF8", 0, _gif),
    (b"RIFF", 0, _riff),
    (b"II*\0", 0, _tiff),
    (b"MM\0*", 0, _tiff),
    (b"ftyp", 4, _boxes),
    (b"ID3", 0, _id3),
    (b"OggS", 0, _ogg),
    (b"#!AMR\n", 0, _amr),
    (b"#!AMR-WB\n", 0, _amr),
    (b"PK\x03\x04", 0, open_document_type),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, compound_type),
    (b"MZ", 0, _runs),
    (b"\x7fELF", 0, _runs),
    (b"\xca\xfe\xba\xbe", 0, _runs),
    (b"L\0\0\0\x01\x14\x02\0", 0, _runs),
    (b"#!", 0, _runs),
    (b"PK", 0, _packs),
    (b"Rar!", 0, _packs),
    (b"7z\xbc\xaf\x27\x1c", 0, _packs),
    (b"\x1f\x8b", 0, _packs),
    (b"BZh", 0, _packs),
    (b"\xfd7zXZ\0", 0, _packs),
    (b"ustar", 257, _packs),
    (b"\xff", 0, _mpeg),
)
