"""Zips that somebody handed in, office files among them: opened within bounds agreed before, never believed.

What the directory says of a part is not taken for true: every part is measured while it is unpacked in memory, and
nothing is ever unpacked to disk.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

_CHUNK = 1024 * 1024
# Below this a high ratio is harmless: a small part of blanks packs better than any limit.
_RATIO_COUNTS_FROM = 1024 * 1024
# What the reader raises on broken bytes: UnicodeDecodeError (a name) and seeks to nowhere are ValueErrors.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


class Unfit(Exception):
    """Why an archive is not read: `damaged`, `encrypted`, `too-many-parts` or `too-large` (when unpacked)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many parts an archive may have, how much they may be together, and how many times their packed size."""

    parts: int = 1_000
    unpacked: int = 100 * 1024 * 1024
    ratio: int = 100


class Archive:
    """An archive whose directory was read; its parts are measured as they are."""

    def __init__(self, content: bytes, opened: zipfile.ZipFile, bounds: Bounds) -> None:
        self.parts = tuple(opened.infolist())
        self.names = frozenset(part.filename.lower() for part in self.parts)
        self.is_encrypted = any(part.flag_bits & 0x1 for part in self.parts)
        self._opened, self._bounds, self._packed = opened, bounds, len(content)
        self._sizes: dict[zipfile.ZipInfo, int] = {}
        if len(self.parts) > bounds.parts:
            raise Unfit("too-many-parts")

    def chunks(self, part: zipfile.ZipInfo) -> Iterator[bytes]:
        """What a part holds, piece by piece. Raises Unfit as soon as it, or all that was read, is too much."""
        if part.flag_bits & 0x1:
            raise Unfit("encrypted")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unfit("damaged")
        others, size = sum(self._sizes.values()) - self._sizes.get(part, 0), 0
        with _told():
            stream = self._opened.open(part)
        with stream:
            while chunk := _read(stream):
                size += len(chunk)
                self._check(others + size, size, part.compress_size)
                yield chunk
        self._sizes[part] = size

    def read(self, part: zipfile.ZipInfo) -> bytes:
        """All that a part holds, within the same bounds."""
        return b"".join(self.chunks(part))

    def _check(self, unpacked: int, size: int, packed: int) -> None:
        much = unpacked > self._bounds.ratio * self._packed or size > self._bounds.ratio * packed
        if unpacked > self._bounds.unpacked or (size > _RATIO_COUNTS_FROM and much):
            raise Unfit("too-large")


@contextmanager
def opened(content: bytes, bounds: Bounds = Bounds()) -> Iterator[Archive]:
    """The archive for reading. Raises Unfit, here and while it is read."""
    # Each entry of the directory costs the reader memory, so they are counted before it is parsed.
    if content.count(b"PK\x01\x02") > bounds.parts:
        raise Unfit("too-many-parts")
    with _told():
        archive = zipfile.ZipFile(io.BytesIO(content))
    with archive:
        yield Archive(content, archive, bounds)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise Unfit("damaged") from error


def _read(stream: IO[bytes]) -> bytes:
    with _told():
        return stream.read(_CHUNK)
