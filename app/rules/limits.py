"""Which limit an appeal gets: what the table of limits says about its nature, its urgency and its category.

A limit that names natures, urgencies or categories is for appeals that fit all it names; one that names none is
chosen by hand, or is the usual one. The most particular limit that fits is proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .columns import CATEGORY_SEPARATOR


@dataclass(frozen=True, slots=True)
class LimitFor:
    """A limit by its code, and for which appeals it is; an empty part is for all. Categories are paths."""

    code: str
    natures: frozenset[str] = frozenset()
    urgencies: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    is_default: bool = False

    @classmethod
    def of(cls, code: str, parameters: Mapping[str, object], *, is_default: bool = False) -> LimitFor:
        """Reads a row of the table of limits."""
        parts = (parameters.get(name) for name in ("natures", "urgencies", "categories"))
        natures, urgencies, categories = (
            frozenset(str(one) for one in part) if isinstance(part, Iterable) else frozenset() for part in parts
        )
        return cls(code, natures, urgencies, categories, is_default)


def rule_for(rules: Sequence[LimitFor], *, nature: str, urgency: str, category: str | None) -> str | None:
    """The code of the most particular limit that fits, else of the usual one, else None.

    What names more parts goes first; among equals urgency before the nearer category before nature, then the order
    given. A category takes in everything under it.
    """
    found: tuple[tuple[int, ...], str] | None = None
    for rule in rules:
        rank = _rank(rule, nature, urgency, category)
        if rank is not None and (found is None or rank > found[0]):
            found = (rank, rule.code)
    if found is not None:
        return found[1]
    return next((rule.code for rule in rules if rule.is_default), None)


def _rank(rule: LimitFor, nature: str, urgency: str, category: str | None) -> tuple[int, ...] | None:
    """How particular a limit is for this appeal; None when it does not fit or names nothing."""
    depth = _depth(rule.categories, category)
    fits = (
        (not rule.natures or nature in rule.natures)
        and (not rule.urgencies or urgency in rule.urgencies)
        and (not rule.categories or depth > 0)
    )
    named = bool(rule.natures) + bool(rule.urgencies) + bool(rule.categories)
    return (named, bool(rule.urgencies), depth, bool(rule.natures)) if fits and named else None


def _depth(categories: frozenset[str], category: str | None) -> int:
    """How many levels of `category` the nearest of these categories takes in."""
    if not category:
        return 0
    path = category.split(CATEGORY_SEPARATOR)
    levels = range(len(path), 0, -1)
    return next((n for n in levels if CATEGORY_SEPARATOR.join(path[:n]) in categories), 0)
