"""The one error type of the rules and services: a code with data, in five families.

A code is lower-case, dotted, with hyphens inside a part ("appeal.stale", "workflow.not-from-here").
It carries no sentence: the edge (`app/errors.py`) translates codes into words and an HTTP status.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*")


class RuleError(Exception):
    """A rule said no. `code` names which, `data` fills the sentence, `field` is its form field."""

    code: str
    data: Mapping[str, object]
    field: str | None

    def __init__(
        self, code: str, data: Mapping[str, object] | None = None, *, field: str | None = None
    ) -> None:
        if not _CODE.fullmatch(code):
            raise ValueError(f"not an error code: {code!r}")
        super().__init__(code)
        self.code = code
        self.data = MappingProxyType(dict(data or {}))
        self.field = field

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, dict(self.data), self.field)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {dict(self.data)!r}, field={self.field!r})"


def _rebuild(kind: type[RuleError], code: str, data: dict[str, object], name: str | None) -> RuleError:
    return kind(code, data, field=name)


# The families are named as answers ("Refused: appeal.stale"), which reads better at the raise.
class Invalid(RuleError):
    """What was sent does not make sense (HTTP 400/422)."""


class Refused(RuleError):
    """It makes sense, but this person may not, or the state or a guard does not allow it (HTTP 403)."""


class NotFound(RuleError):
    """It does not exist, or not for this person; the two look alike on purpose (HTTP 404)."""


class Conflict(RuleError):
    """Somebody else was first: stale version, taken number, state already left (HTTP 409)."""


class Gone(RuleError):
    """It was there and is kept no longer; asking again does not help (HTTP 410)."""


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with one form field."""

    field: str
    code: str
    data: Mapping[str, object] = dataclasses.field(default_factory=dict)


class FieldErrors(Invalid):
    """Several fields are wrong at once; the form shows each message at its field."""

    problems: tuple[FieldProblem, ...]

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        if not self.problems:
            raise ValueError("FieldErrors without a problem")
        super().__init__("form.invalid", {"fields": tuple(problem.field for problem in self.problems)})

    def __reduce__(self) -> tuple[Any, ...]:
        return FieldErrors, (self.problems,)

    def by_field(self) -> dict[str, list[FieldProblem]]:
        """Field name → its problems, in the order found."""
        found: dict[str, list[FieldProblem]] = {}
        for problem in self.problems:
            found.setdefault(problem.field, []).append(problem)
        return found
