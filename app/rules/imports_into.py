"""A file for a sheet that is there already: which heading is which column, and a cell of a file as one types it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from .errors import FieldErrors, FieldProblem

_BLANKS = re.compile(r"[\s\u3000*＊：:（）()_\-]+")


class Mode(StrEnum):
    """What becomes of a row: every one is new, only known ones are changed, or known ones changed and others added."""

    ADD = "add"
    UPDATE = "update"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read: which column of the sheet stands at which place (from 0), what becomes of its rows.

    `key` is the column by which a row is known, `also` others that name it together with the first; `clears`: an empty
    cell empties the cell of the sheet.
    """

    places: Mapping[int, str]
    mode: Mode
    key: str = ""
    clears: bool = False
    also: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All columns that together name a row; none when every row is new."""
        return (self.key, *self.also) if self.mode is not Mode.ADD else ()

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the file."""
        places = {str(place): key for place, key in self.places.items()}
        also = list(self.also)
        return {"places": places, "mode": self.mode.value, "key": self.key, "clears": self.clears, "also": also}


def plan_of(kept: Mapping[str, Any]) -> Plan:
    """The plan that `to_json` wrote."""
    places = {int(place): str(key) for place, key in kept["places"].items()}
    return Plan(places, Mode(kept["mode"]), kept["key"], bool(kept["clears"]), tuple(kept.get("also", ())))


def check(plan: Plan, fillable: Sequence[str], keys: Sequence[str]) -> None:
    """Refuse a plan that cannot be carried out.

    `fillable` are the columns that may be filled in, `keys` those by which a row may be known. Raises FieldErrors.
    """
    named = list(plan.places.values())
    problems = [
        FieldProblem(f"column_{place}", "import.two-into-one")
        for place, key in plan.places.items()
        if named.count(key) > 1
    ]
    problems += [
        FieldProblem(f"column_{place}", "import.read-only")
        for place, key in plan.places.items()
        if key not in fillable and key not in plan.keys
    ]
    if plan.mode is not Mode.ADD and (plan.key not in keys or plan.key not in named):
        problems.append(FieldProblem("key", "import.no-key"))
    if any(key not in keys or key not in named or plan.keys.count(key) > 1 for key in plan.keys[1:]):
        problems.append(FieldProblem("also", "import.no-key"))
    if not [key for key in named if key not in plan.keys]:
        problems.append(FieldProblem("", "import.no-column"))
    if problems:
        raise FieldErrors(problems)


def guessed(headings: Sequence[str], labels: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Which column each heading means, by any of its names, whatever blanks and marks stand in it; each column once."""
    by_name: dict[str, str] = {}
    for key, names in labels.items():
        for name in (key, *names):
            by_name.setdefault(_bare(name), key)
    found: dict[int, str] = {}
    for place, heading in enumerate(headings):
        key = by_name.get(_bare(heading), "")
        if key and key not in found.values():
            found[place] = key
    return found


def _bare(name: str) -> str:
    return _BLANKS.sub("", name).lower()


def typed(cell: Any) -> Any:
    """A cell of a file as somebody would type it: whole numbers without a point, days and moments as ISO texts."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat(timespec="minutes")
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    return cell.strip() if isinstance(cell, str) else cell


def is_blank(cells: Sequence[Any]) -> bool:
    """Whether nothing stands in the row."""
    if cells and type(cells[0]) is str and cells[0] and not cells[0].isspace():
        return False  # as with nearly every row
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)
