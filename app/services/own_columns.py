"""Cells of a file for an own sheet judged column by column: what grid_cells and field_values say of each row, for all.

Only what is certain is judged here, as documents ready to be written. Every other row is named doubtful, and is
judged by itself by the services of the form, which give it its reasons. A test holds both ways against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from app.rules.columns_in import Mark, Reader
from app.rules.errors import NotFound
from app.rules.imports_into import Mode, Plan
from app.rules.values import ValueKind
from app.services import definitions, field_values, grid_options, own_rows, present
from app.services.copies import value_text
from app.services.definitions import OWN, Definitions
from app.services.field_values import Asking
from app.services.grids import Grid

Cells = Sequence[Any]
_Values = list[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands there: its id, its version, its `extra`."""

    id: int
    version: int
    extra: Mapping[str, Any]


@dataclass(slots=True)
class Moves:
    """What a row becomes: by code for the table and the journal, by key with names for the change set; the members
    of documents. Nothing of it is filled for a row that stays as it is.
    """

    old: str = ""
    new: str = ""
    old_cells: str = ""
    new_cells: str = ""

    def add(self, old: str, new: str, old_cell: str, new_cell: str) -> None:
        """One more field."""
        if self.new:
            old, new, old_cell, new_cell = ", " + old, ", " + new, ", " + old_cell, ", " + new_cell
        self.old += old
        self.new += new
        self.old_cells += old_cell
        self.new_cells += new_cell


@dataclass(frozen=True, slots=True)
class Parsed:
    """Cells by key as they stand in the file, and what those that refer to no other row are by these definitions."""

    of: Definitions | None
    cells: Mapping[str, Cells]
    values: Mapping[str, _Values]


class Columns:
    """The columns of a plan: made once for a file, so that what repeats in it is read once."""

    def __init__(self, grid: Grid, plan: Plan) -> None:
        self._grid, self._plan = grid, plan
        self._of: Definitions | None = None
        self._asking: list[Asking] = []
        self._readers: dict[str, Reader] = {}

    def prepare(self) -> None:
        """Take the definitions as they are now."""
        self._of, zone = definitions.current(), present.zone()
        fields = self._of.of(OWN, self._grid.source.id)
        self._asking = field_values.asked_of(fields, self._grid.actor)
        self._readers = {one.key: Reader(one.value, zone) for one in self._asking}

    def parsed(self, rows: Sequence[Cells]) -> Parsed:
        """What can be said of some rows without the database: another thread may do it. `prepare` comes first."""
        of, readers = self._of, self._readers
        cells: dict[str, Cells] = {}
        values: dict[str, _Values] = {}
        for place, key in self._plan.places.items():
            reader = readers.get(key)
            if reader is None or (key in self._plan.keys and self._plan.mode is Mode.UPDATE):
                continue
            cells[key] = [row[place] if place < len(row) else None for row in rows]
            if not reader.is_reference:
                values[key] = reader.read(cells[key])
        return Parsed(of, cells, values)

    def read(self, rows: Sequence[Cells], parsed: Parsed | None = None) -> Part:
        """The cells of some rows. Raises what own_rows.require_writer and definitions.require_current raise."""
        own_rows.require_writer(self._grid.actor, self._grid.source)
        definitions.require_current()
        if self._of is not definitions.current():
            self.prepare()
        if parsed is None or parsed.of is not self._of:
            parsed = self.parsed(rows)
        moving = {one.id for one in field_values.moving_of([one.one for one in self._asking])}
        values = dict(parsed.values)
        for key in parsed.cells.keys() - values.keys():
            reader, cells = self._readers[key], parsed.cells[key]
            values[key] = reader.read(cells, self._named(key, reader, cells))
        return Part(self._grid, self._plan, self._asking, self._readers, frozenset(moving), values)

    def _named(self, key: str, reader: Reader, cells: Cells) -> Mapping[str, int | None]:
        names = reader.names(cells)
        if not names or not self._grid.columns[key].write:
            return {}
        try:
            return grid_options.named(self._grid, self._grid.columns[key], names)
        except NotFound:
            return {}  # the form says so of each row


@dataclass(frozen=True)
class Part:
    """Some rows of a file, their cells read: `values` by key, in the order of the rows."""

    grid: Grid
    plan: Plan
    asking: Sequence[Asking]
    readers: Mapping[str, Reader]
    moving: frozenset[int]
    values: Mapping[str, _Values]

    def fresh(self, places: Sequence[int]) -> tuple[list[str], set[int]]:
        """The documents of new rows, and which of them are doubtful; both by their place among `places`."""
        doubtful: set[int] = set()
        if any(key not in self.values for key in self.plan.places.values()):
            return [""] * len(places), set(range(len(places)))
        columns = []
        for asked in self.asking:
            sent = self.values.get(asked.key)
            if sent is None:
                columns.append(self._unsent(asked, len(places), doubtful))
                continue
            values = sent if len(places) == len(sent) else [sent[place] for place in places]
            values = self._with_default(asked, values, doubtful)
            if not self._is_open(asked):
                doubtful.update(n for n, value in enumerate(values) if value is not Mark.ABSENT)
            elif self.readers[asked.key].is_reference:
                known = self._known(asked, values)
                doubtful.update(n for n, value in enumerate(values) if type(value) is int and value not in known)
            columns.append(_members(asked.one.code, values, doubtful))
        return ["{" + ", ".join(filter(None, one)) + "}" for one in zip(*columns, strict=True)], doubtful

    def _unsent(self, asked: Asking, count: int, doubtful: set[int]) -> list[str]:
        value = self._default(asked)
        if value is Mark.DOUBTFUL or (value is Mark.ABSENT and asked.is_required):
            doubtful.update(range(count))
            return [""] * count
        return _members(asked.one.code, [value] * count, doubtful)

    def _with_default(self, asked: Asking, values: _Values, doubtful: set[int]) -> _Values:
        if Mark not in set(map(type, values)):
            return values
        value = self._default(asked)
        if value is Mark.ABSENT and asked.is_required:
            value = Mark.DOUBTFUL
        if value is not Mark.ABSENT:
            values = [value if one is Mark.ABSENT else one for one in values]
        doubtful.update(n for n, one in enumerate(values) if one is Mark.DOUBTFUL)
        return values

    def _default(self, asked: Asking) -> Any:
        """What a new row gets of which nothing is said; a reference is looked up row by row."""
        if asked.default in (None, ""):
            return Mark.ABSENT
        if self.readers[asked.key].is_reference or asked.one.kind is ValueKind.FILES or asked.one.id in self.moving:
            return Mark.DOUBTFUL
        return self.readers[asked.key].value(asked.default)

    def _is_open(self, asked: Asking) -> bool:
        """Whether whatever can be read may also be written."""
        column = self.grid.columns.get(asked.key)
        is_ours = column is not None and bool(column.write) and asked.is_writable
        return is_ours and asked.is_asked and asked.one.id not in self.moving

    def _known(self, asked: Asking, values: Iterable[Any]) -> set[int]:
        wanted = {value for value in values if type(value) is int}
        return field_values.known_of(asked.one, wanted, self.grid.actor) if wanted else set()

    # --- rows that are there --------------------------------------------------------------------------------------

    def changed(self, places: Sequence[int], there: Sequence[Row]) -> tuple[list[Moves], set[int]]:
        """What rows that are there become, and which of them are doubtful; both by their place among `places`."""
        moves, doubtful = [Moves() for _place in places], set[int]()
        if any(key not in self.values for key in self.plan.places.values() if key not in self.plan.keys):
            return moves, set(range(len(places)))
        for asked in self.asking:
            sent = self.values.get(asked.key) if asked.key not in self.plan.keys else None
            if sent is None:
                continue
            column = self.grid.columns.get(asked.key)
            values = self._asked(asked, sent, places)
            if column is None or not column.write:
                doubtful.update(n for n, value in enumerate(values) if value is not Mark.ABSENT)
                continue
            found, unclear = _differing(asked.one.code, values, there)
            doubtful.update(unclear)
            if not self._is_open(asked):
                doubtful.update(n for n, _before, _value in found)
            elif found:
                self._move(asked, found, moves, doubtful)
        return moves, doubtful

    def _asked(self, asked: Asking, sent: _Values, places: Sequence[int]) -> _Values:
        values = sent if len(places) == len(sent) else [sent[place] for place in places]
        if self.plan.clears and Mark in set(map(type, values)):
            empty = self.readers[asked.key].empty()
            return [empty if value is Mark.ABSENT else value for value in values]
        return values

    def _move(
        self, asked: Asking, found: Sequence[tuple[int, Any, Any]], moves: Sequence[Moves], doubtful: set[int]
    ) -> None:
        code, key, names = f"{value_text(asked.one.code)}: ", f"{value_text(asked.key)}: ", {}
        if self.readers[asked.key].is_reference:
            known = self._known(asked, (value for _n, _before, value in found))
            doubtful.update(n for n, _before, value in found if value is not None and value not in known)
            held = [{asked.one.code: value} for _n, *both in found for value in both]
            names = field_values.names([asked.one], held, english=False)
        for n, before, value in found:
            old, new = value_text(before), value_text(value)
            old_cell, new_cell = old, new
            if names:
                old_cell, new_cell = (
                    value_text([one, names.get((asked.one.code, one), "")] if one is not None else None)
                    for one in (before, value)
                )
            moves[n].add(code + old, code + new, key + old_cell, key + new_cell)


def _differing(code: str, values: _Values, there: Sequence[Row]) -> tuple[list[tuple[int, Any, Any]], list[int]]:
    """(place, before, now) where a row is going to hold something else; the places that are doubtful."""
    found = [
        (n, before, value)
        for n, (value, row) in enumerate(zip(values, there, strict=True))
        if value != (before := row.extra.get(code)) and type(value) is not Mark
    ]
    unclear = [n for n, value in enumerate(values) if value is Mark.DOUBTFUL] if Mark in set(map(type, values)) else []
    return found, unclear


def _members(code: str, values: _Values, doubtful: set[int]) -> list[str]:
    """`"code": value` of each row as it stands in a document, "" where there is none."""
    head = f"{value_text(code)}: "
    types = set(map(type, values))
    if types == {str}:
        return [head + encode_basestring(value) for value in values]
    if types <= {int, float, bool}:
        return [head + value_text(value) for value in values]
    doubtful.update(n for n, value in enumerate(values) if value is Mark.DOUBTFUL)
    return ["" if value is None or isinstance(value, Mark) else head + value_text(value) for value in values]
