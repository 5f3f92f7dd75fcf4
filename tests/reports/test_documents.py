"""Documents: the built-in templates, what a template may say, what a file may be."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import docx
import pytest
from jinja2 import TemplateError

from app.reports import document_checks, document_layout, documents
from app.reports.document_kinds import KINDS, Code, Kind, empty, sample

FORM = KINDS["registration_form"]


def own(*paragraphs: str) -> bytes:
    """A docx file with these paragraphs."""
    made = docx.Document()
    for said in paragraphs:
        made.add_paragraph(said)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def with_part(content: bytes, name: str, body: bytes | Callable[[bytes], bytes]) -> bytes:
    """The same file with one part added or changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, body(old.read(name)) if callable(body) else body)
    return out.getvalue()


def texts(content: bytes) -> str:
    """Everything a document says, tables included."""
    body = docx.Document(io.BytesIO(content)).element.body
    return "\n".join(
        "".join(one.text or "" for one in p.iter() if one.tag.endswith("}t")) for p in body.xpath(".//w:p")
    )


def codes(content: bytes, kind: Kind = FORM) -> list[str]:
    return [one.code for one in document_checks.problems(content, kind, str)]


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_built_in_template_passes_its_own_check_and_says_what_is_known(kind: Kind) -> None:
    template = document_layout.built_in(kind.code, str)
    assert document_checks.problems(template, kind, str) == ()
    said = texts(documents.render(template, kind, sample(kind, str)))
    assert document_layout.LAYOUTS[kind.code].title in said
    assert "{{" not in said
    assert "{%" not in said
    named = set(re.findall(r"\{\{ (?:row\.)?(\w+) \}\}", texts(template)))
    assert named <= {one.name for one in kind.placeholders} | {
        part.name for one in kind.placeholders for part in one.rows
    }
    assert "{{" not in texts(documents.render(template, kind, empty(kind)))


def test_the_same_record_gives_the_same_bytes() -> None:
    template = document_layout.built_in("slip", str)
    assert template == document_layout.built_in("slip", str)
    filled = [documents.render(template, KINDS["slip"], sample(KINDS["slip"], str)) for _turn in range(2)]
    assert filled[0] == filled[1]


def test_no_name_of_a_record_is_taken_twice_or_hides_a_method() -> None:
    for kind in KINDS.values():
        names = [one.name for one in kind.placeholders]
        assert len(names) == len(set(names)), kind.code
        every = {*names, *(part.name for one in kind.placeholders for part in one.rows)}
        assert not every & set(dir(dict))
        assert not {"row", "loop"} & set(names)


def test_what_people_wrote_is_escaped_and_never_carried_out() -> None:
    record = {**sample(FORM, str), "body": "<w:p>{{ note }}</w:p> & \x07{% if %}\nsecond line", "note": "SECRET"}
    filled = documents.render(own("{{ body }}"), FORM, record)
    assert texts(filled).splitlines() == ["<w:p>{{ note }}</w:p> & {% if %}", "second line"]


def test_lines_of_a_long_text_are_paragraphs_and_long_texts_stay_whole() -> None:
    body = "\n".join(f"示例第{number}行" + "长" * 300 for number in range(60))
    filled = documents.render(
        document_layout.built_in("registration_form", str), FORM, {**sample(FORM, str), "body": body}
    )
    assert all(line in texts(filled).splitlines() for line in body.splitlines())


def test_a_code_becomes_a_picture_and_a_drawing_without_style() -> None:
    filled = documents.render(own("{{ qr }}"), FORM, sample(FORM, str))
    with zipfile.ZipFile(io.BytesIO(filled)) as archive:
        assert [name for name in archive.namelist() if name.endswith(".png")]
    drawn = documents.drawing(Code("00001224"))
    assert drawn.startswith("<svg")
    assert not re.search(r"style=|<script|href=|on\w+=", drawn)


# What an attacker tries who may change a template.
ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ number.__class__ }}",
    "{{ number['__class__'] }}",
    "{{ number|attr('__class__') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ joiner() }}",
    "{{ namespace(a=1) }}",
    "{{ range(999999999) }}",
    "{{ dict(a=1) }}",
    "{{ request.application }}",
    "{{ config }}",
    "{{ loop }}",
    "{{ 'a' * 999999999 }}",
    "{{ 9 ** 999999999 }}",
    "{{ number ~ number }}",
    "{{ number % 3 }}",
    "{{ '%s' % number }}",
    "{{ number.format() }}",
    "{{ number() }}",
    "{{ [number] }}",
    "{{ {number: 1} }}",
    "{{ (number, number) }}",
    "{{ number | safe }}",
    "{{ units | map(attribute='name') | list }}",
    "{{ number is callable }}",
    "{% set x = number %}{{ x }}",
    "{% macro m() %}{% endmacro %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block b %}{% endblock %}",
    "{% raw %}{{ number }}{% endraw %}{{ raw }}",
    "{% call number() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with a = number %}{{ a }}{% endwith %}",
    "{% autoescape false %}{{ number }}{% endautoescape %}",
    "{% do number %}",
    "{% for a in units recursive %}{% endfor %}",
    "{% for a in units %}{{ loop(units) }}{% endfor %}",
    "{% for a in units %}{{ loop.__init__ }}{% endfor %}",
    "{% for a in units %}{{ loop.cycle('x') }}{% endfor %}",
    "{% for a in units %}{{ loop._iterator }}{% endfor %}",
    "{% for a in units %}{{ a }}{% endfor %}",
    "{% for a in units %}{{ a.items() }}{% endfor %}",
    "{% for a in units %}{{ a.keys }}{% endfor %}",
    "{% for a in units %}{{ a.name.__class__ }}{% endfor %}",
    "{% for a in units %}{% for b in chain %}{{ b.name }}{% endfor %}{% endfor %}",
    "{% for a, b in units %}{% endfor %}",
    "{% for a in number %}{% endfor %}",
    "{% for number in units %}{% endfor %}",
    "{% for a in units if a.name %}{% endfor %}",
    "{{ units }}",
    "{% if number.__class__ %}{% endif %}",
    "{% if units[0] %}{% endif %}",
    "{{ number if units[0] else note }}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_no_name_is_refused_when_handed_in_and_when_printed(attack: str) -> None:
    template = own(attack)
    assert codes(template)
    with pytest.raises((TemplateError, documents.Forbidden)):
        documents.render(template, FORM, sample(FORM, str))


def test_names_loops_and_conditions_are_allowed() -> None:
    template = own(
        "{{ number }} {{ note if note else subject }}",
        "{% for row in units %}{{ loop.index }}. {{ row.name }}{% if not loop.last %}; {% endif %}{% else %}-{% endfor %}",  # noqa: E501 - one line, as it is written
        "{%p if note and number != 'x' or not result %}",
        "{{r sample_mark }}",
        "{%p endif %}",
    )
    assert codes(template) == []
    assert "1. Sample unit (示例); 2. Sample unit (示例)" in texts(documents.render(template, FORM, sample(FORM, str)))


def test_an_unknown_name_is_told_with_its_paragraph() -> None:
    found = document_checks.problems(own("Before", "Dear {{ appelant_name }},", "{{ row.name }}"), FORM, str)
    assert [(one.code, dict(one.data)) for one in found] == [
        ("template.unknown-placeholder", {"name": "appelant_name", "paragraph": "Dear {{ appelant_name }},"}),
        ("template.unknown-placeholder", {"name": "row.name", "paragraph": "{{ row.name }}"}),
    ]


@pytest.mark.parametrize(
    ("paragraphs", "code"),
    [
        (("{{ number",), "template.tag-open"),
        (("{{ number", "}}"), "template.tag-open"),
        (("{% if note %}",), "template.syntax"),
        (("{{ number + }}",), "template.syntax"),
        (("{{ number }}" * 700,), "template.too-many-tags"),
        (("{% for row in units %}{% endfor %}" * 41,), "template.too-many-loops"),
        (("{", "{ number }}"), "template.tag-hidden"),
    ],
)
def test_a_broken_tag_is_named(paragraphs: tuple[str, ...], code: str) -> None:
    assert code in codes(own(*paragraphs))


def _document(change: tuple[bytes, bytes]) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(*change, 1)


@pytest.mark.parametrize(
    ("part", "body", "code"),
    [
        ("word/vbaProject.bin", b"x", "template.carries-program"),
        ("word/embeddings/oleObject1.bin", b"x", "template.carries-program"),
        ("[Content_Types].xml", _document((b"document.main+xml", b"template.main+xml")), "template.no-docx"),
        (
            "[Content_Types].xml",
            _document((b"openxmlformats-officedocument.wordprocessingml.document.main", b"ms-word.document.macroEnabled.main")),  # noqa: E501 - one line, as it is written
            "template.carries-program",
        ),
        (
            "word/_rels/document.xml.rels",
            _document((
                b"</Relationships>",
                b'<Relationship Id="rIdX" Type="http://x/image" TargetMode="External" Target="http://example.invalid/"/></Relationships>',
            )),
            "template.points-elsewhere",
        ),
        (
            "word/_rels/document.xml.rels",
            _document((b"</Relationships>", b'<Relationship Id="rIdX" Type="http://x/aFChunk" Target="a"/></Relationships>')),  # noqa: E501 - one line, as it is written
            "template.carries-program",
        ),
        ("word/document.xml", _document((b"<w:body>", b'<w:body><w:altChunk r:id="rIdX"/>')), "template.carries-program"),  # noqa: E501 - one line, as it is written
        (
            "word/document.xml",
            _document((b"<w:body>", b"<w:body><w:p><w:r><w:instrText>INCLUDETEXT x</w:instrText></w:r></w:p>")),
            "template.field-forbidden",
        ),
        (
            "word/document.xml",
            _document((b"<w:body>", b'<w:body><w:p><w:fldSimple w:instr="DDEAUTO cmd"/></w:p>')),
            "template.field-forbidden",
        ),
        ("word/document.xml", _document((b"<w:document", b"<!DOCTYPE x [<!ENTITY a 'b'>]><w:document")), "template.no-docx"),  # noqa: E501 - one line, as it is written
        ("word/document.xml", _document((b"<w:body>", b'<w:body><w:p w:rsidR="{{ number }}"/>')), "template.tag-hidden"),  # noqa: E501 - one line, as it is written
        ("word/document.xml", b"<no xml", "template.no-docx"),
        ("word/comments.xml", b"<c>{{ number }}</c>", "template.tag-hidden"),
    ],
    ids=lambda value: None if callable(value) else str(value),
)  # fmt: skip
def test_a_file_that_carries_more_than_text_is_refused(part: str, body: bytes, code: str) -> None:
    assert codes(with_part(own("{{ number }}"), part, body)) == [code]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0" * 99])
def test_what_is_no_docx_is_refused(content: bytes) -> None:
    assert codes(content) == ["template.no-docx"]


def test_a_docx_with_a_broken_part_is_refused() -> None:
    whole = bytearray(own("{{ number }}"))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        at = archive.getinfo("word/document.xml").header_offset
    for start in range(at + 60, at + 90):
        whole[start] ^= 0xFF
    assert codes(bytes(whole)) == ["template.no-docx"]


def test_a_bomb_is_refused_before_it_is_unpacked_whole() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (document_checks.BOUNDS.unpacked + 1))
    assert codes(out.getvalue()) == ["template.too-large"]
    assert codes(b"x" * (document_checks.MOST_BYTES + 1)) == ["template.too-large"]


def test_a_record_of_anything_but_texts_is_refused() -> None:
    with pytest.raises(TypeError):
        documents.render(own("{{ number }}"), FORM, {"number": object()})  # type: ignore[dict-item]
