"""The dispatch catalogue (派单目录): rows that speak for an appeal, rows that contradict each other (R7, R8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

_BETWEEN = re.compile(r"[、,，;；\s]+")
# Of a text without a place of its own, the beginning is searched for places and words.
READ = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the catalogue: what is about `category`, at `place`, with one of `words`, goes to `unit_id`."""

    id: int
    unit_id: int
    category_id: int | None = None
    place: str = ""
    words: frozenset[str] = frozenset()
    valid_from: date | None = None
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the row is in force that day, the last one included."""
        return (self.valid_from or date.min) <= day <= (self.valid_until or date.max)


@dataclass(frozen=True, slots=True)
class Match:
    """A row that speaks for an appeal, with the place and the words found in it."""

    row: Row
    is_place_named: bool = False  # found in the words of the appeal, not in its place
    words: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[bool, bool, bool, int, int]:
        """Places first, because the territorial rule goes before all others (R7); then whatever says more."""
        row = self.row
        return bool(row.place), row.category_id is not None, bool(row.words), len(row.place), -row.id


def words_of(text: str) -> frozenset[str]:
    """Words typed one after the other."""
    return frozenset(one for one in _BETWEEN.split(text.strip()) if one)


def matches(
    rows: Iterable[Row], *, categories: Sequence[int], place: str, text: str, day: date
) -> list[Match]:
    """The rows in force that speak for an appeal, strongest first. `categories`: its own and those above it.

    A place inside a longer one that is named too does not count: 庐山 in 庐山区.
    """
    text = text[:READ]
    in_force = [row for row in rows if row.holds_on(day)]
    named = {row.place for row in in_force if row.place and (row.place in place or row.place in text)}
    inner = {one for one in named for other in named if one != other and one in other}
    found = []
    for row in in_force:
        if row.place and row.place not in named - inner:
            continue
        if row.category_id is not None and row.category_id not in categories:
            continue
        said = tuple(sorted(word for word in row.words if word in text))
        if row.words and not said:
            continue
        found.append(Match(row, bool(row.place) and row.place not in place, said))
    return sorted(found, key=lambda one: one.rank, reverse=True)


def contradictions(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs that name two units for the same category, place and time: with the same word, or both without one."""
    alike: dict[tuple[int | None, str], list[Row]] = {}
    for row in sorted(rows, key=lambda one: one.id):
        alike.setdefault((row.category_id, row.place), []).append(row)
    return [
        (one, other)
        for group in alike.values()
        for at, one in enumerate(group)
        for other in group[at + 1 :]
        if one.unit_id != other.unit_id and _same_words(one, other) and _overlap(one, other)
    ]


def _same_words(one: Row, other: Row) -> bool:
    return bool(one.words & other.words) or not (one.words or other.words)


def _overlap(one: Row, other: Row) -> bool:
    begins = max(one.valid_from or date.min, other.valid_from or date.min)
    return begins <= min(one.valid_until or date.max, other.valid_until or date.max)
