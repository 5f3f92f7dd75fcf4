"""Whether a docx file may be used as a template: what it is, what it carries, what it names, whether it can be filled.

A file that passes can be printed: it was filled with example values and with the barest record. All work is bounded
before it begins: the size of the archive, of its parts, and the number of tags (decision 0012).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator

import docx
from docxtpl import DocxTemplate
from jinja2 import TemplateError, TemplateSyntaxError
from lxml import etree

from app.rules import archives
from app.rules.errors import FieldProblem

from .document_kinds import Kind, empty, sample
from .documents import Forbidden, environment, forbidden, render
from .table import Translate

FIELD = "file"
MOST_BYTES = 2 * 1024 * 1024
BOUNDS = archives.Bounds(parts=300, unpacked=16 * 1024 * 1024)
MOST_XML = 2 * 1024 * 1024
MOST_TAGS = 600
MOST_PROBLEMS = 20
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_FILLED = re.compile(r"word/(document|header\d*|footer\d*|footnotes)\.xml")
# Content, relationships and elements by which a document runs, loads or carries something of its own.
_BAD_CONTENT = re.compile(r"macroEnabled|vbaProject|activeX|oleObject|ms-office\.(vba|intel)|afchunk", re.IGNORECASE)
_BAD_RELATION = re.compile(
    r"/(oleObject|package|aFChunk|attachedTemplate|control|vbaProject|wordVbaData|frame|subDocument|mailMerge\w*)$"
)
_BAD_ELEMENTS = frozenset({"altChunk", "object", "control", "OLEObject", "subDoc", "mailMerge", "attachedTemplate"})
_BAD_PATHS = re.compile(r"(^|/)(embeddings|activeX|vbaProject[^/]*)(/|$|\.)", re.IGNORECASE)
# Fields of Word that count pages or say today's date; every other one could fetch something.
_FIELD_WORDS = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION", "DATE", "TIME"})
_SWITCH = re.compile(r"\\[*@#]\s*(\"[^\"]*\"|\S+)")
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
_OPENS = re.compile(r"\{[{%#]")


class Unfit(Exception):
    """The file is no template at all: nothing more can be said about it."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code, self.name = code, name


def problems(content: bytes, kind: Kind, t: Translate) -> tuple[FieldProblem, ...]:
    """Everything that keeps a file from being the template of a kind; empty when it can be used."""
    try:
        parts = _unpacked(content)
        _harmless(parts)
        found = list(_language(content, parts, kind))
    except Unfit as error:
        return (FieldProblem(FIELD, error.code, {"name": error.name} if error.name else {}),)
    return tuple(found[:MOST_PROBLEMS]) or tuple(_filled(content, kind, t))


def _unpacked(content: bytes) -> dict[str, bytes]:
    """The parts of the archive, never more than was agreed."""
    if len(content) > MOST_BYTES:
        raise Unfit("template.too-large")
    try:
        with archives.opened(content, BOUNDS) as archive:
            parts = {one.filename: archive.read(one) for one in archive.parts}
            if len(parts) < len(archive.parts):
                raise Unfit("template.no-docx")  # two parts of one name: each reader would take another
    except archives.Unfit as error:
        is_large = error.why in ("too-large", "too-many-parts")
        raise Unfit("template.too-large" if is_large else "template.no-docx") from error
    if any(len(body) > MOST_XML for name, body in parts.items() if name.endswith((".xml", ".rels"))):
        raise Unfit("template.too-large")
    return parts


def _harmless(parts: dict[str, bytes]) -> None:
    """It is a Word document by its content, and nothing in it runs, is embedded or points elsewhere."""
    types = parts.get("[Content_Types].xml", b"")
    if "word/document.xml" not in parts or not types:
        raise Unfit("template.no-docx")
    if _BAD_CONTENT.search(types.decode("utf-8", "replace")) or any(_BAD_PATHS.search(name) for name in parts):
        raise Unfit("template.carries-program")
    main = [
        one.get("ContentType")
        for one in _parsed("[Content_Types].xml", types).iter()
        if one.get("PartName") == "/word/document.xml"
    ]
    if main != [_MAIN]:
        raise Unfit("template.no-docx")
    for name, body in parts.items():
        if name.endswith(".rels"):
            _relations(name, body)
        elif name.endswith(".xml"):
            _elements(name, body)


def _relations(name: str, body: bytes) -> None:
    for one in _parsed(name, body).iter():
        if str(one.get("TargetMode", "")).casefold() == "external":
            raise Unfit("template.points-elsewhere", str(one.get("Target", ""))[:80])
        if _BAD_RELATION.search(str(one.get("Type", ""))):
            raise Unfit("template.carries-program")


def _elements(name: str, body: bytes) -> None:
    said: list[str] = []
    for one in _parsed(name, body).iter():
        if not isinstance(one.tag, str):
            continue
        if etree.QName(one).localname in _BAD_ELEMENTS:
            raise Unfit("template.carries-program")
        if one.tag == f"{_W}instrText":
            said.append(one.text or "")
        elif one.tag == f"{_W}fldSimple":
            said.append(f" {one.get(f'{_W}instr', '')} ")
    for word in re.findall(r"[^\s]+", _SWITCH.sub(" ", "".join(said))):
        if word.upper() not in _FIELD_WORDS:
            raise Unfit("template.field-forbidden", word[:40])


def _parsed(name: str, body: bytes) -> etree._Element:
    """A part as a tree. No document type is read, so no entity can grow."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Unfit("template.no-docx")
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise Unfit("template.no-docx") from error


def _language(content: bytes, parts: dict[str, bytes], kind: Kind) -> Iterator[FieldProblem]:
    """What its tags say, each problem with the paragraph it stands in."""
    paragraphs = list(_paragraphs(parts))
    yield from _shape(parts, paragraphs)
    if any(True for _problem in _shape(parts, paragraphs)):
        return
    seen: set[tuple[str, str]] = set()
    for source in _sources(content):
        try:
            tree = environment(kind).parse(source)
        except TemplateSyntaxError as error:
            yield FieldProblem(FIELD, "template.syntax", {"paragraph": _line(source, error.lineno)})
            continue
        for one in forbidden(tree, kind):
            if (one.code, one.name) not in seen:
                seen.add((one.code, one.name))
                yield FieldProblem(FIELD, one.code, {"name": one.name, "paragraph": _where(paragraphs, one.name)})


def _paragraphs(parts: dict[str, bytes]) -> Iterator[str]:
    """The text of every paragraph that is filled, in order; a text box inside one is one of its own."""
    for name, body in parts.items():
        if not _FILLED.fullmatch(name):
            continue
        for paragraph in _parsed(name, body).iter(f"{_W}p"):
            yield "".join(
                one.text or "" for one in paragraph.iter(f"{_W}t") if next(one.iterancestors(f"{_W}p")) is paragraph
            )


def _shape(parts: dict[str, bytes], paragraphs: list[str]) -> Iterator[FieldProblem]:
    """A tag begins and ends in one paragraph, in the text and nowhere else, and there are not too many."""
    count = 0
    for said in paragraphs:
        tags = _TAG.findall(said)
        count += len(tags)
        if _OPENS.search(_TAG.sub("", said)):
            yield FieldProblem(FIELD, "template.tag-open", {"paragraph": _short(said)})
    if count > MOST_TAGS:
        yield FieldProblem(FIELD, "template.too-many-tags", {"most": MOST_TAGS})
    texts = sum(len(_OPENS.findall(said)) for said in paragraphs)
    if texts != sum(_openings(name, body) for name, body in parts.items() if name.startswith(("word/", "docProps/"))):
        yield FieldProblem(FIELD, "template.tag-hidden")


def _openings(name: str, body: bytes) -> int:
    """How many tags begin in a part: in its texts read through, in its attributes, in what is no text."""
    if not name.endswith(".xml"):
        return 0
    tree = _parsed(name, body)
    texts = "".join(str(said) for said in tree.itertext())
    attributes = sum(len(_OPENS.findall(str(value))) for one in tree.iter() for value in one.attrib.values())
    return len(_OPENS.findall(texts)) + attributes


def _sources(content: bytes) -> Iterator[str]:
    """What the template engine will be given, part by part, exactly as it will be given."""
    made = DocxTemplate(io.BytesIO(content))
    made.render_init()
    yield _lined(made.patch_xml(made.get_xml()))
    for uri in (made.HEADER_URI, made.FOOTER_URI):
        for _key, part in made.get_headers_footers(uri):
            yield _lined(made.patch_xml(made.get_part_xml(part)))
    for part in made.docx.part.package.iter_parts():
        if part.content_type.endswith(".footnotes+xml"):
            yield _lined(made.patch_xml(part.blob.decode("utf-8")))


def _lined(source: str) -> str:
    return re.sub(r"<w:p([ >])", r"\n<w:p\1", source)


def _line(source: str, number: int) -> str:
    """The text on a line of a source, or the nearest before it that says something."""
    lines = source.splitlines()[:number]
    said = (re.sub(r"<[^>]+>", "", line).strip() for line in reversed(lines))
    return _short(next((one for one in said if one), ""))


def _where(paragraphs: Iterable[str], name: str) -> str:
    """The first paragraph one of whose tags says so."""
    wanted = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)") if name else _OPENS
    return _short(next((said for said in paragraphs for tag in _TAG.findall(said) if wanted.search(tag)), ""))


def _short(said: str) -> str:
    return said if len(said) <= 60 else f"{said[:59]}…"


def _filled(content: bytes, kind: Kind, t: Translate) -> Iterator[FieldProblem]:
    """The trial: filled with examples, with long lists, and with the barest record, it is a document each time."""
    try:
        for record in (sample(kind, t), sample(kind, t, rows=50), empty(kind)):
            made = docx.Document(io.BytesIO(render(content, kind, record)))
            if not made.element.body.xpath(".//w:p"):
                yield FieldProblem(FIELD, "template.not-fillable")
    except Forbidden as error:
        yield FieldProblem(FIELD, error.code, {"name": error.name, "paragraph": ""})
    except (TemplateError, ValueError, KeyError, TypeError, AttributeError, etree.LxmlError):
        yield FieldProblem(FIELD, "template.not-fillable")
