"""The rows of a file for a sheet, part by part: which of them are known by their key, what becomes of each.

Rows of appeals and dictionaries are judged and written here, one by one, by the service of their form; those of own
sheets, part by part, by app/services/own_imports.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.models import SheetFile, db
from app.rules import imports_into
from app.rules.errors import Invalid
from app.rules.imports_into import Mode, Plan
from app.rules.values import NUMBERS, Value, ValueKind, read
from app.services import change_sets, file_contents, own_sheets, present
from app.services.change_sets import Outcome, Problem
from app.services.grid_batches import Asked
from app.services.grid_columns import Column
from app.services.grids import Grid
from app.services.own_columns import Columns

_Part = TypeVar("_Part")
SHOWN = 30
_JOINT = "\x1f"  # between the parts of a key: no text of a cell holds it
# (id, version) of rows by the text of their key.
Rows = Mapping[str, Sequence[tuple[int, int]]]
# A row of the file: its number as the program counts, its cells.
Numbered = tuple[int, Sequence[Any]]
Act = Callable[[Grid, Sequence[Asked], Sequence[Mapping[str, Any]]], tuple[list[Outcome], list[Outcome]]]


@dataclass
class Tally:
    """What becomes of the rows of a file; `reasons` of rows that were refused since it was asked for them last."""

    added: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    sample: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[tuple[int, list[list[Any]]]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the file."""
        return {
            "added": self.added, "changed": self.changed, "same": self.same, "refused": self.refused,
            "sample": self.sample,
        }  # fmt: skip

    def count(self, number: int, one: Outcome) -> None:
        """Add what becomes of the row of that number."""
        if one.problems:
            self.refused += 1
            self.reasons.append(_reason(number, one.problems))
        elif one.what == "create":
            self.added += 1
        elif one.new or one.old:
            self.changed += 1
            if len(self.sample) < SHOWN:
                self.sample.append({"row": number, "old": dict(one.old), "new": dict(one.new)})
        else:
            self.same += 1

    def told(self) -> list[tuple[int, list[list[Any]]]]:
        """The rows that were refused since this was asked last."""
        reasons, self.reasons = self.reasons, []
        return reasons


def _reason(number: int, problems: Sequence[Problem]) -> tuple[int, list[list[Any]]]:
    told = change_sets.problems_kept(problems) or {"cells": []}
    return number, [[one["field"], one["code"], one["data"]] for one in told["cells"]]


# --- reading ----------------------------------------------------------------------------------------------------------


def parts(row: SheetFile, size: int, begin: int = 0) -> Iterator[tuple[int, list[Numbered]]]:
    """(how many rows are behind it, rows) part by part; blank rows are left out."""
    first = int(row.spec["header"]) + 1
    return _parts(islice(enumerate(lines(row), 1), first + begin, None), size, begin)


def _parts(rows: Iterator[Numbered], size: int, at: int) -> Iterator[tuple[int, list[Numbered]]]:
    while part := list(islice(rows, size)):
        at += len(part)
        yield at, [one for one in part if not imports_into.is_blank(one[1])]


def ahead(parts: Iterator[_Part]) -> Iterator[_Part]:
    """The same parts, each made by another thread while the one before it is used: what waits for the database
    leaves time to read on. Making them must ask nothing of the database.
    """
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = reader.submit(next, parts, None)
            yield part


def lines(row: SheetFile) -> Iterator[list[Any]]:
    """Every row of the file, from its first."""
    return own_sheets.lines(file_contents.read(row), is_examined=True)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file: its number, its cells by column, the text of its key."""

    number: int
    values: Mapping[str, Any]
    key: str


def line(plan: Plan, key: str, one: Numbered) -> Line:
    """A row of the file as somebody would have typed it; `key` is the text of its key."""
    number, cells = one
    values: dict[str, Any] = {}
    for place, name in plan.places.items():
        if name in plan.keys and plan.mode is Mode.UPDATE:
            continue
        value = imports_into.typed(cells[place]) if place < len(cells) else None
        if value not in (None, ""):
            values[name] = value
        elif plan.clears:
            values[name] = None
    return Line(number, values, key)


# --- keys -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """How rows are judged: the plan, keys that stand in the file twice, and by key the row and its version as they
    were when the file was looked at (filled by a trial).

    `there`: rows of an own sheet by key, read once for the whole file, since no index finds them part by part.
    """

    plan: Plan
    twice: frozenset[str]
    there: Rows
    versions: dict[str, str]
    is_trial: bool
    columns: Columns

    def keys(self, grid: Grid, rows: Sequence[Numbered]) -> list[str]:
        """The text of the key of each row, "" where rows are not known by one."""
        return list(_keys(grid, self.plan, rows)) if self.plan.mode is not Mode.ADD else [""] * len(rows)


def look(grid: Grid, plan: Plan, rows: Iterable[Sequence[Numbered]]) -> Look:
    """How the rows of a file are judged that is looked at; with a key all of them are read through, part by part."""
    seen: set[str] = set()
    again: set[str] = set()
    if plan.mode is not Mode.ADD:
        for part in rows:
            for key in _keys(grid, plan, part):
                (again if key in seen else seen).add(key)
    return Look(plan, frozenset(again), _there(grid, plan, seen), {}, True, Columns(grid, plan))


def look_again(grid: Grid, plan: Plan, twice: Iterable[str], versions: dict[str, str]) -> Look:
    """How they are judged when they are written: by what was there when they were looked at."""
    there = _there(grid, plan, versions.keys())
    return Look(plan, frozenset(twice), there, versions, False, Columns(grid, plan))


def _there(grid: Grid, plan: Plan, keys: AbstractSet[str]) -> Rows:
    return _keyed(grid, plan, keys) if grid.family == "own" else {}


def as_seen(rows: Sequence[tuple[int, int]]) -> str:
    """The one row of a key, as it is remembered."""
    return "{}.{}".format(*rows[0])


def _keys(grid: Grid, plan: Plan, rows: Iterable[Numbered]) -> Iterator[str]:
    """The text of the key of each row, "" where a part of it is missing."""
    by_key = {name: place for place, name in plan.places.items()}
    columns = [(grid.column(name), by_key[name]) for name in plan.keys]
    for _number, cells in rows:
        texts = [_key_of(column, cells[place] if place < len(cells) else None) for column, place in columns]
        yield _JOINT.join(texts) if all(texts) else ""


def _key_of(column: Column, cell: Any) -> str:
    if type(cell) is str and column.kind is ValueKind.TEXT:
        return cell.strip()
    return _key_text(column, str(imports_into.typed(cell) or "").strip())


def _key_text(column: Column, text: str) -> str:
    """A key as the database writes it: `1,200` and `1200.0` are one number, `2026/3/5` is a day like any other."""
    if column.kind is ValueKind.TEXT or not text:
        return text
    try:
        value = read(Value(column.key, column.kind), text, present.zone())
    except Invalid:
        return text
    if column.kind is ValueKind.DATE:
        return str(value)
    return f"{Decimal(str(value)).normalize():f}"


def refusal(found: Look, key: str, rows: Sequence[tuple[int, int]], *, can_add: bool) -> str:
    """Why a row is not even tried, "" when it is. `rows`: those that are known by its key."""
    mode = found.plan.mode
    if mode is not Mode.ADD:
        if not key:
            return "import.key-empty"
        if key in found.twice:
            return "import.key-twice"
        if len(rows) > 1:
            return "import.key-several"
        seen = found.versions.get(key)
        if not found.is_trial and seen != (as_seen(rows) if rows else None):
            return "import.changed-since"
        if not rows and mode is Mode.UPDATE:
            return "import.key-unknown"
    return "" if rows or can_add else "import.adds-nothing"


def refused(found: Look, number: int, rows: Sequence[tuple[int, int]], code: str) -> Outcome:
    """What becomes of a row that is not even tried."""
    row_id = rows[0][0] if rows else None
    return Outcome(row_id, problems=(Problem(row_id, number, found.plan.key, code),))


def known(grid: Grid, found: Look, wanted: Iterable[str]) -> Rows:
    """The rows that the reader sees, by the text of their key; what nobody knew is asked for again, in one statement.

    Of a row that was changed since it was read the version says so when it is written.
    """
    asked = set(wanted)
    there = {key: rows for key in asked if (rows := found.there.get(key))}
    return {**there, **_keyed(grid, found.plan, asked - there.keys())}


def _keyed(grid: Grid, plan: Plan, wanted: AbstractSet[str]) -> Rows:
    keys = sorted(key for key in wanted if key)
    if plan.mode is Mode.ADD or not keys:
        return {}
    parts = list(zip(*(key.split(_JOINT) for key in keys), strict=True))
    texts = [_text(grid.column(name)) for name in plan.keys]
    query = select(grid.model.id, grid.model.version, *texts).where(grid.where)
    for text, of_all in zip(texts, parts, strict=True):
        query = query.where(text == func.any(cast(sorted(set(of_all)), ARRAY(Text))))
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    for row_id, version, *cells in db.session.execute(query):
        key = _JOINT.join(cells)
        if key in wanted:
            found[key] = (*found.get(key, ()), (row_id, version))
    return found


def _text(column: Column) -> Any:
    """A column as the text of a key."""
    if column.kind in NUMBERS:
        return func.trim_scale(column.sql).cast(Text)
    return column.sql if column.kind is ValueKind.TEXT else cast(column.sql, Text)


# --- row by row -------------------------------------------------------------------------------------------------------


def outcomes(grid: Grid, found: Look, rows: Sequence[Numbered], act: Act) -> list[Outcome]:
    """What becomes of each row, in their order; `act` tries or writes those that can be (app/services/grid_batches)."""
    plan, keys = found.plan, found.keys(grid, rows)
    there = known(grid, found, keys)
    told: dict[int, Outcome] = {}
    changed: list[tuple[int, Asked]] = []
    fresh: list[tuple[int, Mapping[str, Any]]] = []
    for place, (one, key) in enumerate(zip(rows, keys, strict=True)):
        with_key = there.get(key, ())
        if code := refusal(found, key, with_key, can_add=grid.can_add):
            told[place] = refused(found, one[0], with_key, code)
        elif with_key:
            if found.is_trial:
                found.versions[key] = as_seen(with_key)
            changed.append((place, asked_of(plan, with_key[0], line(plan, key, one))))
        else:
            fresh.append((place, fresh_of(line(plan, key, one))))
    edited, made = act(grid, [one for _place, one in changed], [one for _place, one in fresh])
    told |= {place: one for (place, _asked), one in zip(changed, edited, strict=True)}
    told |= {place: one for (place, _values), one in zip(fresh, made, strict=True)}
    return [numbered(told[place], number) for place, (number, _cells) in enumerate(rows)]


def asked_of(plan: Plan, there: tuple[int, int], one: Line) -> Asked:
    """What a row asks of the row (id, version) that it is known by."""
    return Asked(*there, {key: value for key, value in one.values.items() if key not in plan.keys})


def fresh_of(one: Line) -> Mapping[str, Any]:
    """What a row says of a new one."""
    return {key: value for key, value in one.values.items() if value is not None}


def numbered(outcome: Outcome, number: int) -> Outcome:
    """A refusal names the row of the file."""
    if not outcome.problems:
        return outcome
    return replace(outcome, problems=tuple(replace(one, new=number) for one in outcome.problems))
