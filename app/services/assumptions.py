"""Readings of the founding rule that an administrator may have changed: the sheet of assumptions, value by value.

Each service says what holds while the sheet says nothing, or nothing of use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.models import Assumption, db


def value(code: str) -> Any:
    """What the sheet says, as JSON; None where it has no such row."""
    return db.session.scalar(select(Assumption.value).where(Assumption.code == code))


def values(*codes: str) -> dict[str, Any]:
    """Several of them in one statement; what has no row is left out."""
    query = select(Assumption.code, Assumption.value).where(Assumption.code.in_(codes))
    return {row.code: row.value for row in db.session.execute(query)}


def named(code: str) -> Mapping[str, Any]:
    """A reading of several named parts, such as counts; empty where there is none."""
    return parts(value(code))


def parts(said: Any) -> Mapping[str, Any]:
    """What was read as named parts; empty when it is something else."""
    return said if isinstance(said, dict) else {}


def letters(code: str, usual: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A reading that is a list of words."""
    said = value(code)
    return tuple(str(one) for one in said) if isinstance(said, list) else usual


def whole(said: Any, usual: int, *, least: int = 1) -> int:
    """A whole number, or the usual one when it is something else or less than `least`."""
    return said if isinstance(said, int) and not isinstance(said, bool) and said >= least else usual
