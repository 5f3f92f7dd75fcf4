"""Files for the tests of attachments, built in code: a good one of each type, and the bad ones (SECURITY.md, T14)."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import docx
import xlsxwriter


def png(seed: int = 0, *, width: int = 2, height: int = 2) -> bytes:
    """A real picture; another `seed` is another picture."""
    rows = b"".join(b"\0" + bytes([seed % 256, 0, 0]) * 2 for _row in range(2))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def jpeg(*, width: int = 8, height: int = 8, extra: bytes = b"") -> bytes:
    """The segments of a picture; a comment may hold anything."""
    comment = b"\xff\xfe" + struct.pack(">H", len(extra) + 2) + extra if extra else b""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00?\x00" + b"\x12" * 40
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + comment + frame + scan + b"\xff\xd9"


def gif(comment: bytes = b"") -> bytes:
    extension = b"!\xfe" + bytes([len(comment)]) + comment + b"\0" if comment else b""
    return b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + extension + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def pdf(extra: bytes = b"") -> bytes:
    body = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R " + extra + b">>endobj\n"
    body += b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    body += b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
    return body + b"xref\n0 4\ntrailer<</Root 1 0 R/Size 4>>\nstartxref\n9\n%%EOF\n"


def wav(seconds: float = 0.1) -> bytes:
    samples = b"\0\0" * int(8000 * seconds)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    inner = b"WAVE" + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def webp() -> bytes:
    inner = b"WEBPVP8L" + struct.pack("<I", 18) + b"\x2f" + b"\0" * 17
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def tiff() -> bytes:
    entry = struct.pack("<HHII", 256, 3, 1, 1)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + b"\0" * 4


def mp3(titles: bytes = b"") -> bytes:
    """Two frames of 128 kbit/s; titles before them may say anything."""
    frame = b"\xff\xfb\x90\x00" + b"\0" * 413
    length = len(titles)
    size = bytes([length >> 21 & 127, length >> 14 & 127, length >> 7 & 127, length & 127])
    return (b"ID3\x04\0\0" + size + titles if titles else b"") + frame * 2


def aac() -> bytes:
    return (b"\xff\xf1\x50\x80\x01\x1f\xfc" + b"\0") * 2


def box(name: bytes, inner: bytes = b"") -> bytes:
    return struct.pack(">I", len(inner) + 8) + name + inner


def boxes(brand: bytes, *inner: bytes) -> bytes:
    return box(b"ftyp", brand + b"\0\0\0\0" + brand) + b"".join(inner)


def mp4() -> bytes:
    return boxes(b"isom", box(b"moov", box(b"hdlr", b"\0" * 8 + b"vide")), box(b"mdat", b"\0" * 64))


def ogg() -> bytes:
    return b"OggS\0\x02" + b"\0" * 21 + b"\x1e" + b"\x13OpusHead"[:1] + b"OpusHead" + b"\0" * 30


def word() -> bytes:
    document = docx.Document()
    document.add_paragraph("示例：情况说明")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def excel() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.add_worksheet().write_row(0, 0, ("示例", 1))
    return file.getvalue()


def with_parts(content: bytes, **parts: bytes) -> bytes:
    """An office file with more parts; `__` stands for a slash, `_dot_` for a dot."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part, old.read(part))
        for name, inner in parts.items():
            new.writestr(name.replace("__", "/").replace("_dot_", "."), inner)
    return file.getvalue()


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, inner in parts.items():
            new.writestr(name.replace("_dot_", "."), inner)
    return file.getvalue()


def compound(*streams: str, circle: bool = False) -> bytes:
    """The directory of an old office file."""
    entries = b""
    for name in ("Root Entry", *streams):
        text = name.encode("utf-16-le") + b"\0\0"
        entries += text.ljust(64, b"\0") + struct.pack("<H", len(text)) + b"\x01" + b"\0" * 61
    sectors = -(-len(entries) // 512)
    entries = entries.ljust(sectors * 512, b"\0")
    chain = [*range(2, sectors + 1), 1 if circle else 0xFFFFFFFE]
    table = struct.pack(f"<{1 + len(chain)}I", 0xFFFFFFFD, *chain).ljust(512, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHH", 62, 3, 0xFFFE, 9)
    head = head.ljust(44, b"\0") + struct.pack("<II", 1, 1) + b"\0" * 8
    head = (head + struct.pack("<IIII", 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)).ljust(76, b"\0")
    return head + struct.pack("<I", 0).ljust(436, b"\xff") + table + entries


def mail(attached: str = "") -> bytes:
    head = "From: shili@example.invalid\r\nDate: Mon, 5 Jan 2026 09:00:00 +0800\r\nSubject: =?utf-8?b?56S65L6L?=\r\n"
    if not attached:
        return (head + "Content-Type: text/html\r\n\r\n<p>示例</p>\r\n").encode()
    part = f'Content-Type: application/octet-stream; name="{attached}"\r\nContent-Transfer-Encoding: base64\r\n'
    part += f'Content-Disposition: attachment; filename="{attached}"\r\n\r\nTVqQAAMAAAAEAAAA\r\n'
    head += "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    return f"{head}--x\r\n{part}--x--\r\n".encode()


def nested_mail(depth: int) -> bytes:
    """Parts inside parts."""
    part = "Content-Type: multipart/mixed; boundary=b{0}\r\n\r\n--b{0}\r\n"
    head = "From: shili@example.invalid\r\nDate: Mon, 5 Jan 2026 09:00:00 +0800\r\n"
    return (head + "".join(part.format(number) for number in range(depth))).encode()


# Each is called after its type, so that a test can tell which was found.
GOOD: dict[str, bytes] = {
    "pdf.pdf": pdf(),
    "png.png": png(),
    "jpeg.jpg": jpeg(),
    "webp.webp": webp(),
    "gif.gif": gif(),
    "heic.heic": boxes(b"heic", box(b"meta", b"\0" * 16)),
    "tiff.tif": tiff(),
    "mp3.mp3": mp3(b"TIT2" + b"\0" * 40),
    "m4a.m4a": boxes(b"M4A ", box(b"moov", b"soun")),
    "aac.aac": aac(),
    "wav.wav": wav(),
    "amr.amr": b"#!AMR\n" + b"\x3c" + b"\0" * 31,
    "ogg.ogg": ogg(),
    "mp4.mp4": mp4(),
    "docx.docx": word(),
    "xlsx.xlsx": excel(),
    "doc.doc": compound("WordDocument", "1Table"),
    "xls.xls": compound("Workbook"),
    "txt.txt": "示例：来电记录\r\n第二行".encode(),
    "eml.eml": mail(),
}
_HTML = b"<html><body><script>alert(1)</script></body></html>"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
_EXE = b"MZ\x90\0" + b"\0" * 60 + b"PE\0\0"
_MACROS = b'<Types ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>'
# name → (content, code of the refusal)
REFUSED: dict[str, tuple[bytes, str]] = {
    "空.pdf": (b"", "empty"),
    "网页.html": (_HTML, "runnable"),
    "网页.png": (_HTML, "type"),
    "网页.txt": (_HTML, "type"),
    "网页.pdf": (b"\xef\xbb\xbf  <!DOCTYPE html>" + _HTML, "type"),
    "网页.eml": (_HTML, "type"),
    "网页-utf16.txt": (_HTML.decode().encode("utf-16"), "type"),
    "图.svg": (_SVG, "runnable"),
    "图.jpg": (_SVG, "type"),
    "图.svg.png": (_SVG, "type"),
    "xml.txt": (b'<?xml version="1.0"?><a/>', "type"),
    "php.txt": (b"hello <?php system($_GET[0]);", "type"),
    "php.jpg": (b"<?php phpinfo();", "type"),
    "脚本.sh": (b"#!/bin/sh\nrm -rf /\n", "runnable"),
    "脚本.txt": (b"#!/bin/sh\nrm -rf /\n", "runnable"),
    "脚本.bat": (b"@echo off\r\n", "runnable"),
    "脚本.js": (b"alert(1)", "runnable"),
    "快捷方式.txt": (b"L\0\0\0\x01\x14\x02\0" + b"\0" * 50, "runnable"),
    "程序.exe": (_EXE, "runnable"),
    "程序.pdf": (_EXE, "runnable"),
    "发票.pdf.exe": (pdf(), "runnable"),
    "发票.docx": (b"\x7fELF" + b"\0" * 100, "runnable"),
    "类.jpg": (b"\xca\xfe\xba\xbe\0\0\0\x34", "runnable"),
    "发票\u202egnp.exe": (png(), "runnable"),
    "宏.docm": (word(), "runnable"),
    "宏.docx": (with_parts(word(), word__vbaProject_dot_bin=b"\0"), "macros"),
    "宏.xlsx": (with_parts(excel(), xl__vbaProject_dot_bin=b"\0"), "macros"),
    "宏表.xlsx": (with_parts(excel(), xl__macrosheets__a_dot_xml=b"<a/>"), "macros"),
    "宏类型.docx": (archive(**{"[Content_Types]_dot_xml": _MACROS, "word/document_dot_xml": b"<a/>"}), "macros"),
    "控件.docx": (with_parts(word(), word__activeX__a_dot_bin=b"\0"), "macros"),
    "宏.doc": (compound("WordDocument", "Macros", "VBA"), "macros"),
    "宏.xls": (compound("Workbook", "_VBA_PROJECT_CUR"), "macros"),
    "加密.docx": (compound("EncryptionInfo", "EncryptedPackage"), "encrypted"),
    "安装包.doc": (compound("SummaryInformation", "MsiThing"), "type"),
    "环.doc": (compound("WordDocument", *["x"] * 20, circle=True), "damaged"),
    "断.doc": (compound("WordDocument")[:600], "damaged"),
    "压缩.zip": (archive(a_dot_txt=b"a"), "packed"),
    "压缩.docx": (archive(a_dot_txt=b"a"), "packed"),
    "套压缩.docx": (with_parts(word(), word__a_dot_zip=archive(a_dot_txt=b"a")), "disguised"),
    "套程序.docx": (with_parts(word(), word__embeddings__a_dot_bin=_EXE), "disguised"),
    "出界.docx": (with_parts(word(), **{"..__a_dot_xml": b"a"}), "disguised"),
    "炸弹.docx": (with_parts(word(), word__a_dot_xml=b"\0" * 120_000_000), "unpacks-too-large"),
    "小炸弹.xlsx": (with_parts(excel(), xl__a_dot_xml=b"\0" * 30_000_000), "unpacks-too-large"),
    "千件.docx": (with_parts(word(), **{f"word__{n}_dot_xml": b"" for n in range(1_100)}), "unpacks-too-large"),
    "断.docx": (word()[:-200], "damaged"),
    "包.rar": (b"Rar!\x1a\x07\0", "packed"),
    "包.txt": (b"7z\xbc\xaf\x27\x1c\0\0", "packed"),
    "包.gz": (b"\x1f\x8b\x08\0", "packed"),
    "图加包.png": (png() + archive(a_dot_txt=b"a"), "disguised"),
    "图加包.jpg": (jpeg() + archive(a_dot_txt=b"a"), "disguised"),
    "断.png": (png()[:-12], "damaged"),
    "断.jpg": (jpeg()[:-2], "damaged"),
    "断.jpeg": (b"\xff\xd8\xff\xe0\xff\xff", "damaged"),
    "断.gif": (gif()[:-1], "damaged"),
    "断.pdf": (pdf()[:-8], "damaged"),
    "断.webp": (webp()[:-10], "damaged"),
    "断.mp4": (mp4()[:-30], "damaged"),
    "无头.mp4": (boxes(b"isom", box(b"mdat", b"\0" * 64)), "damaged"),
    "断.wav": (wav()[:-200], "damaged"),
    "断.tif": (tiff()[:9], "damaged"),
    "只有标签.mp3": (b"ID3\x04\0\0\0\0\0\x20" + _HTML[:32], "damaged"),
    "大图.png": (png(width=60_000, height=60_000), "too-many-pixels"),
    "大图.jpg": (jpeg(width=65_000, height=65_000), "too-many-pixels"),
    "脚本.pdf": (pdf(b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"), "active-pdf"),
    "转义脚本.pdf": (pdf(b"/OpenAction<</S/J#61vaScript/J#53(app.alert(1))>>"), "active-pdf"),
    "启动.pdf": (pdf(b"/OpenAction<</S/Launch/F(cmd.exe)>>"), "active-pdf"),
    "附程序.eml": (mail("invoice.pdf.exe"), "runnable"),
    "附编码名程序.eml": (mail("=?utf-8?b?5Y+R56WoLmV4ZQ==?="), "runnable"),
    "套娃.eml": (nested_mail(5_000), "damaged"),
    "二进制.txt": (b"a\0b" * 20, "type"),
    "乱码.pdf": (bytes(range(128, 256)) * 4, "type"),
    "富文本.txt": (b"{\\rtf1\\ansi}", "type"),
    "视频.mp4": (b"\x1aE\xdf\xa3\x93B\x82\x88matroska", "type"),
    "密钥.txt": (b"-----BEGIN PRIVATE KEY-----\nabc", "type"),
}
# What is taken and cannot do harm: kept under the type's own extension, served as that type, never sniffed.
HARMLESS: dict[str, tuple[bytes, str]] = {
    "图片.html.png": (png(), "图片.html.png"),
    "照片.png": (jpeg(), "照片.png.jpg"),
    "照片": (jpeg(), "照片.jpg"),
    "脚本.jpg": (jpeg(extra=b"<script>alert(1)</script>"), "脚本.jpg"),
    "脚本.gif": (gif(b"*/=1;alert(1)//"), "脚本.gif"),
    "脚本.mp3": (mp3(b"TIT2<script>alert(1)</script>" + b"\0" * 20), "脚本.mp3"),
    "../../etc/passwd": (png(), "passwd.png"),
    "C:\\Users\\示例\\照片.png": (png(), "照片.png"),
    "a\0b\r\n.png": (png(), "ab.png"),
    "发票\u202efdp.png": (png(), "发票fdp.png"),
    "con.png": (png(), "_con.png"),
    "...": (png(), "file.png"),
    "很长" * 300 + ".png": (png(), "很长" * 58 + ".png"),
    '<img src=x onerror="alert(1)">.png': (png(), "_img src=x onerror=_alert(1)__.png"),
    "表格.csv": ("=cmd|'/c calc'!A1,示例".encode(), "表格.csv.txt"),
    "说明.txt.lnk.txt": ("示例".encode("gb18030"), "说明.txt.lnk.txt"),
    "\ud800.png": (png(), "_.png"),
}
