"""What was typed or pasted into cells, made ready for the service that writes them: names become rows, labels codes.

Whether the value may stand there is that service's to say; what cannot be read at all is told here, at its cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.rules.cell_edits import plain
from app.rules.errors import FieldProblem, Invalid
from app.rules.values import REFERENCES, TEXTS, Option, Value, read
from app.services import grid_options, present
from app.services.grid_columns import Column
from app.services.grids import Grid

Names = Mapping[str, Mapping[str, int | None]]


@dataclass
class Ready:
    """The values of one row that can be handed on, and what is wrong with the others."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[FieldProblem] = field(default_factory=list)


def ready(grid: Grid, rows: Sequence[Mapping[str, Any]], *, is_new: bool = False) -> list[Ready]:
    """The values of several rows; one statement for each reference column into which names were pasted.

    A new row of a sheet may also fill columns that never change afterwards.
    """
    names = _names(grid, rows)
    found = []
    for values in rows:
        made = Ready()
        for key, raw in values.items():
            try:
                made.values[key] = _value(_writable(grid, key, is_new=is_new), plain(raw), names.get(key, {}))
            except Invalid as error:
                made.problems.append(FieldProblem(key, error.code, error.data))
        found.append(made)
    return found


def _writable(grid: Grid, key: str, *, is_new: bool) -> Column:
    column = grid.columns.get(key)
    if column is None:
        raise Invalid("query.unknown-field", {"field": key[:40]})
    is_fixed = is_new and grid.family == "dictionary" and column.defined is None
    if not column.write and not is_fixed:
        raise Invalid("cell.read-only")
    return column


def _names(grid: Grid, rows: Sequence[Mapping[str, Any]]) -> Names:
    wanted: dict[str, set[str]] = {}
    for values in rows:
        for key, raw in values.items():
            column = grid.columns.get(key)
            if column is not None and column.write and column.kind in REFERENCES and _is_name(plain(raw)):
                wanted.setdefault(key, set()).add(raw.strip())
    return {key: grid_options.named(grid, grid.columns[key], names) for key, names in wanted.items()}


def _is_name(raw: object) -> bool:
    return isinstance(raw, str) and bool(raw.strip()) and not (raw.strip().isascii() and raw.strip().isdigit())


def _value(column: Column, raw: Any, names: Mapping[str, int | None]) -> Any:
    if column.kind in REFERENCES and _is_name(raw):
        name = raw.strip()
        if name not in names:
            raise Invalid("field.choice", {"value": name[:40]})
        if names[name] is None:
            raise Invalid("cell.several", {"value": name[:40]})
        return names[name]
    if column.defined is not None:
        return raw
    if column.kind in TEXTS:
        if raw is not None and not isinstance(raw, str | int | float):
            raise Invalid("field.type", {"type": column.kind.value})
        return "" if raw is None else str(raw)
    options = tuple(Option(code, str(label)) for code, label in column.choices.items() if code)
    spec = Value(column.key, column.kind, options=options, labels=(str(column.label),), today=present.today())
    return read(spec, raw, present.zone())
