"""How alike two appeals are: by the 2-character grams of their texts, as the search index cuts them.

Chinese has no spaces between words, and words are mostly two characters: grams need no dictionary and no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Below this many grams two subjects are alike by accident.
_SHORTEST = 4
# How much of a text is compared; what an appeal is about stands at its beginning.
COMPARED = 1_500


@dataclass(frozen=True, slots=True)
class Weights:
    """When a likeness is worth saying: from so many percent on, within so many days, so many appeals at most."""

    percent: int = 45
    days: int = 90
    most: int = 6


@dataclass(frozen=True, slots=True)
class Likeness:
    """What makes an appeal like another; the percents are 0 where the texts are too short or too different."""

    petition: bool = False
    phone: bool = False
    identity: bool = False
    place: bool = False
    subject_percent: int = 0
    text_percent: int = 0

    @property
    def is_person(self) -> bool:
        """Whether the same person brought it."""
        return self.phone or self.identity

    def is_likely(self, weights: Weights) -> bool:
        """Whether it may well be the same thing, and not only the same person."""
        percent = max(self.subject_percent, self.text_percent)
        near = self.is_person or self.place
        return self.petition or percent >= weights.percent or (near and percent >= weights.percent // 2)

    @property
    def rank(self) -> tuple[bool, int]:
        """What is shown first is largest."""
        percent = max(self.subject_percent, self.text_percent)
        return self.petition, percent + 30 * self.is_person + 20 * self.place


def grams(text: str) -> frozenset[str]:
    """The neighbouring letters and digits of a text, two by two; punctuation and spaces say nothing."""
    low = text.lower()
    return frozenset(low[at : at + 2] for at in range(len(low) - 1) if low[at : at + 2].isalnum())


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Which share of all their grams two texts have in common; 0 without any."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


def percent(one: str, other: str) -> int:
    """How alike two texts are, in whole percent; 0 when one of them is too short to say."""
    mine, theirs = grams(one[:COMPARED]), grams(other[:COMPARED])
    if min(len(mine), len(theirs)) < _SHORTEST:
        return 0
    return round(100 * jaccard(mine, theirs))


@dataclass(frozen=True, slots=True)
class Probe:
    """Which grams are looked up: rows with any of them, or, when all are common, rows with every one."""

    grams: tuple[str, ...]
    wants_all: bool = False


def probe(
    wanted: Iterable[str], frequencies: Mapping[str, float], *, rows: float, most: int = 6, budget: float = 5_000
) -> Probe | None:
    """The rarest grams, so few and so rare that no more than `budget` of all `rows` have one; None without grams.

    `frequencies`: which share of rows has a gram, of the common ones only; the others are rarer than any of these.
    """
    unknown = min(frequencies.values(), default=0.0) / 2
    ordered: Sequence[tuple[float, str]] = sorted((frequencies.get(gram, unknown), gram) for gram in set(wanted))
    chosen: list[str] = []
    total = 0.0
    for frequency, gram in ordered[:most]:
        if (total := total + frequency * rows) > budget:
            break
        chosen.append(gram)
    if chosen:
        return Probe(tuple(chosen))
    common = tuple(gram for _frequency, gram in ordered[:4])
    return Probe(common, wants_all=True) if common else None
