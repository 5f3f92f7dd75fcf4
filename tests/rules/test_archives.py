"""Zips that somebody handed in: bounds, lies of the directory, broken bytes."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest

from app.rules import archives
from app.rules.archives import Bounds, Unfit

SMALL = Bounds(parts=3, unpacked=3 * 1024 * 1024, ratio=100)


def packed(parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return out.getvalue()


def read_all(content: bytes) -> list[bytes]:
    with archives.opened(content, SMALL) as archive:
        return [archive.read(part) for part in archive.parts]


def test_parts_are_read_and_named_without_case() -> None:
    with archives.opened(packed({"A.xml": b"a", "b": b"bb"}), SMALL) as archive:
        assert archive.names == {"a.xml", "b"}
        assert [archive.read(part) for part in archive.parts] == [b"a", b"bb"]


def test_a_part_read_twice_counts_once() -> None:
    body = bytes(range(256)) * 4 * 1024 * 2
    with archives.opened(packed({"a": body}, zipfile.ZIP_STORED), SMALL) as archive:
        assert [len(archive.read(archive.parts[0])) for _ in range(3)] == [len(body)] * 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04broken", "damaged"),
        (packed({"a": b"x"})[:-10], "damaged"),
        (packed({"a": b"x" * 100}, zipfile.ZIP_BZIP2), "damaged"),
        (packed({str(n): b"" for n in range(4)}), "too-many-parts"),
        (packed({"a": b"\0" * (3 * 1024 * 1024 + 1)}, zipfile.ZIP_STORED), "too-large"),
        (packed({"a": b"\0" * 2 * 1024 * 1024}), "too-large"),
        (packed({str(n): bytes(range(256)) * 6 * 1024 for n in range(3)}, zipfile.ZIP_STORED), "too-large"),
    ],
)
def test_what_is_unfit_says_why(content: bytes, code: str) -> None:
    with pytest.raises(Unfit) as refused:
        read_all(content)
    assert refused.value.why == code


def test_broken_bytes_are_damaged_wherever_they_are() -> None:
    """No byte turned over lets an error of the reader through."""
    whole = packed({"a.xml": b"<a>" * 50, "b.xml": bytes(range(256))})
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        with suppress(Unfit):
            read_all(bytes(changed))


def test_an_error_of_the_reader_of_a_part_is_not_hidden() -> None:
    def read() -> None:
        with archives.opened(packed({"a": b"x"}), SMALL) as archive:
            for _chunk in archive.chunks(archive.parts[0]):
                raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        read()
