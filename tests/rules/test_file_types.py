"""What a file is, by its content; what is refused, and under which name the rest is kept (SECURITY.md, T14)."""

from __future__ import annotations

import random
import resource
import time
from contextlib import suppress

import puremagic
import pytest

from app.rules import file_names, file_types
from app.rules.errors import Invalid
from tests.bad_files import GOOD, HARMLESS, REFUSED, mail, mp4, nested_mail, pdf, png, word

EVERYTHING = frozenset(file_types.TYPES)


def _sniffed(name: str, content: bytes) -> file_types.FileType:
    return file_types.sniff(content, EVERYTHING, extension=file_names.extension_of(file_names.cleaned(name)))


def test_there_is_a_good_file_of_every_type() -> None:
    assert {name.split(".")[0] for name in GOOD} == EVERYTHING


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_good_file_is_what_it_is(name: str) -> None:
    found = _sniffed(name, GOOD[name])
    assert found.code == name.split(".")[0]
    assert file_names.kept_as(name, found.extension, found.also) == name


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"txt.txt"}))
def test_a_second_source_says_the_same(name: str) -> None:
    """The package puremagic, which knows hundreds of types, counts ours among what the file may be."""
    ours = file_types.TYPES[name.split(".")[0]]
    said = {guess.extension.lstrip(".") for guess in puremagic.magic_string(GOOD[name])}
    assert said & {ours.extension, *ours.also}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_bad_file_is_refused(name: str) -> None:
    content, code = REFUSED[name]
    with pytest.raises(Invalid) as refused:
        _sniffed(name, content)
    assert refused.value.code == f"attachment.{code}"
    assert refused.value.field == "attachments"


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_what_is_taken_is_kept_as_its_type(name: str) -> None:
    content, wanted = HARMLESS[name]
    found = _sniffed(name, content)
    kept = file_names.kept_as(file_names.cleaned(name), found.extension, found.also)
    assert kept == wanted
    assert len(kept) <= file_names.LONGEST
    assert not found.mime.startswith(("text/html", "image/svg", "application/x", "text/xml"))


def test_a_type_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(Invalid, match=r"attachment\.type"):
        file_types.sniff(png(), {"pdf"}, extension="png")


def test_the_corpus_is_large_enough() -> None:
    assert len(REFUSED) + len(HARMLESS) >= 80


def test_no_type_is_run_by_a_browser() -> None:
    for one in file_types.TYPES.values():
        assert not {one.extension, *one.also} & (file_types.RUNNABLE | file_types.PACKED)
        assert one.preview == "" or one.mime.split("/")[0] in ("image", "audio", "video") or one.code == "pdf"


FUZZED = [GOOD["docx.docx"], GOOD["xls.xls"], mp4(), pdf(), png(), GOOD["mp3.mp3"], mail("a.pdf"), nested_mail(100)]
SLOW = [b"stream\n", b"endstream", b"PK\x01\x02", b"<", b"/J", b"#", b"\xff\xfe\0\2", b"a: b\n"]


@pytest.mark.parametrize("content", FUZZED)
def test_whatever_the_bytes_only_a_refusal_comes_out(content: bytes) -> None:
    """A thousand damaged copies: a type or a refusal, never another error."""
    dice = random.Random(42)
    for _time in range(200):
        broken = bytearray(content[: dice.randrange(4, len(content) + 1)])
        for _change in range(dice.randrange(8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        with suppress(Invalid):
            file_types.sniff(bytes(broken), EVERYTHING)


def test_bombs_cost_neither_memory_nor_time() -> None:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    for name in ("炸弹.docx", "小炸弹.xlsx", "千件.docx", "环.doc"):
        with pytest.raises(Invalid):
            _sniffed(name, REFUSED[name][0])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert time.monotonic() - began < 10


def test_a_large_scan_is_no_script() -> None:
    """The bytes of its pictures spell "/JS" once in sixteen megabytes."""
    picture = b"/JS /Launch " + random.Random(7).randbytes(4_000_000)
    streams = b"4 0 obj<</Length 9>>stream\r\n" + picture + b"\nendstream endobj\n"
    assert _sniffed("扫描.pdf", pdf().replace(b"xref", streams * 3 + b"xref", 1)).code == "pdf"


@pytest.mark.parametrize("part", SLOW)
def test_no_file_takes_long(part: bytes) -> None:
    for head in (b"%PDF-", b"\xff\xd8\xff\xe0\0\2", b"From: a\nDate: b\n", b"PK\x03\x04", b"ID3\x04\0\0\0\0\0\1"):
        began = time.process_time()
        with suppress(Invalid):
            _sniffed("", head + part * (4_000_000 // len(part)) + b"%%EOF")
        assert time.process_time() - began < 5, (head, part)


def test_a_word_file_with_a_mark_of_macros_in_its_text_is_only_a_text() -> None:
    assert _sniffed("a.docx", word()).code == "docx"
