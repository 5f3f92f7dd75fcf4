"""A formula while it is written: what is wrong and where, or what it comes to in a few rows of the sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from app import grids, own_row_words
from app.messages import sentence
from app.rules import formulas
from app.rules.definitions import parameters
from app.rules.errors import FieldErrors, NotFound
from app.rules.values import ValueKind
from app.services import grid_computed, grid_rows
from app.services.field_definitions import Place

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Checked:
    """What is said of a formula. `at`: the place of a mistake counted from 1, 0 for none; `length` of what is wrong."""

    is_right: bool
    message: str
    at: int = 0
    length: int = 0
    samples: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For the script of the page."""
        return {
            "right": self.is_right, "message": self.message, "at": self.at, "length": self.length,
            "samples": [list(one) for one in self.samples],
        }  # fmt: skip


def check(code: str, place: Place, text: str, *, key: str = "") -> Checked:
    """The formula as the field's form would take it; `key` is the field's own when there is one already."""
    try:
        made = parameters(ValueKind.FORMULA, {"formula": text}, place.around, key=key)
    except FieldErrors as error:
        problem = error.problems[0]
        at = problem.data.get("at", 0)
        at = at if isinstance(at, int) else 0
        return Checked(False, sentence(problem.code, problem.data), at, _length(text, at, problem.data))
    kind = _(formulas.KINDS[ValueKind(made["result"])])
    said = _("The formula is right and gives %(kind)s.", kind=kind)
    return Checked(True, said, samples=tuple(_samples(code, made["formula"], ValueKind(made["result"]), key)))


def _length(text: str, at: int, data: Mapping[str, object]) -> int:
    """How much of the text is wrong: a column with its braces, else the name or sign that the refusal names."""
    closed = text.find("}", at - 1) if text[at - 1 : at] in ("{", "｛") else -1
    if closed >= 0:
        return closed - at + 2
    wrong = data.get("name") or data.get("text")
    return len(wrong) if isinstance(wrong, str) and wrong not in ("…", "�") else 1


def _samples(code: str, text: str, kind: ValueKind, key: str) -> list[tuple[str, str]]:
    """The newest rows that the reader may see, with what the formula makes of each; of appeals an officer sees none."""
    try:
        grid = grids.grid(code, grids.reader())
    except NotFound:
        return []
    column = grid_computed.trial(text, {one: found for one, found in grid.columns.items() if one != key}, kind)
    if column is None:
        return []
    found = grid_rows.sampled(grid, column, SAMPLES)
    return [(own_row_words.title(grid, row), own_row_words.said(column, value) or "–") for row, value in found]
