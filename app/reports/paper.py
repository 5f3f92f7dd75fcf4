"""What the docx files of an office share: fonts for both scripts, paragraphs, page numbers, no trace of the moment."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt

BODY_FONT, HEAD_FONT, TITLE_FONT, LATIN_FONT = "仿宋", "黑体", "方正小标宋简体", "Times New Roman"
# What a machine without the font takes instead.
_INSTEAD = {"仿宋": "仿宋_GB2312", "黑体": "SimHei", "方正小标宋简体": "宋体"}
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip archive knows no earlier moment


def paragraph(made: Any, said: str, font: str, size: float, align: Any = ALIGN.LEFT, *, after: float = 0) -> None:
    """Write a text into an empty paragraph."""
    made.alignment = align
    made.paragraph_format.space_before = Pt(0)
    made.paragraph_format.space_after = Pt(after)
    run = made.add_run(said)
    run.font.size = Pt(size)
    fonts(run._r.get_or_add_rPr(), font)


def fonts(properties: Any, chinese: str) -> None:
    """Chinese characters have a font of their own in Word; without it the theme of the reader's machine decides."""
    found = properties.get_or_add_rFonts()
    for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        found.attrib.pop(qn(attribute), None)
    for attribute, font in (("w:ascii", LATIN_FONT), ("w:hAnsi", LATIN_FONT), ("w:eastAsia", chinese)):
        found.set(qn(attribute), font)


def everywhere(made: Any, size: float) -> None:
    """The font of all that says nothing else, and Chinese as the language of Chinese characters."""
    fonts(made.styles["Normal"].element.get_or_add_rPr(), BODY_FONT)
    made.styles["Normal"].font.size = Pt(size)
    for language in made.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")


def with_fallbacks(made: Any) -> None:
    """Name what stands in for a font that the reader's machine has not got."""
    for part in made.part.package.iter_parts():
        if str(part.partname) == "/word/fontTable.xml":
            known = part.blob.decode()
            added = "".join(
                f'<w:font w:name="{font}"><w:altName w:val="{other}"/><w:charset w:val="86"/>'
                f'<w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
                for font, other in _INSTEAD.items()
            )
            part._blob = re.sub("</w:fonts>", f"{added}</w:fonts>", known).encode()


def page_number(section: Any) -> None:
    """The number of the page at its foot: — 1 —."""
    foot = section.footer.paragraphs[0]
    foot.alignment = ALIGN.CENTER
    for kind, said in (("", "— "), ("begin", ""), ("", "PAGE"), ("end", ""), ("", " —")):
        run = foot.add_run("" if kind or said == "PAGE" else said)
        run.font.size = Pt(10)
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)
        elif said == "PAGE":
            code = OxmlElement("w:instrText")
            code.set(qn("xml:space"), "preserve")
            code.text = said
            run._r.append(code)


def timeless(content: bytes) -> bytes:
    """The same archive without the moment at which it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in made.infolist():
            entry = zipfile.ZipInfo(part.filename, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, made.read(part))
    return out.getvalue()
