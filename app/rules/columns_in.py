"""The cells of one column of a file read together: what `values.read` says of each, most of them without asking it.

What repeats (days, choices, names) is read once; texts and numbers that stand there as they are kept pass through.
Whatever is not read for certain here is DOUBTFUL: its row is read cell by cell, where it gets its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum
from types import MappingProxyType
from typing import Any

from .errors import Invalid
from .fields import is_clean
from .imports_into import typed
from .values import DECIMALS, LONGEST_LONG, LONGEST_TEXT, NUMBERS, REFERENCES, TEXTS, Value, ValueKind, read

MOST_KEPT = 20_000  # different cells of a column that are remembered
_CELLS = frozenset({str, int, float, bool, datetime, date, time, timedelta, type(None)})
_NONE: Mapping[str, int | None] = MappingProxyType({})


class Mark(Enum):
    """What stands in place of a value: the file says nothing; or it must be looked at by itself."""

    ABSENT = "absent"
    DOUBTFUL = "doubtful"


class _Memory(dict[Any, Any]):
    """What cells of one type are read as; it forgets everything when it has grown too large."""

    def __init__(self, exact: Callable[[Any], Any]) -> None:
        super().__init__()
        self._exact = exact

    def __missing__(self, cell: Any) -> Any:
        if len(self) >= MOST_KEPT:
            self.clear()
        self[cell] = found = self._exact(cell)
        return found


class Reader:
    """One column: what a field of `spec` makes of its cells, in `zone`."""

    def __init__(self, spec: Value, zone: tzinfo) -> None:
        self._spec, self._zone = spec, zone
        self._memories: dict[type, _Memory] = {}
        self._names: Mapping[str, int | None] = _NONE
        self.is_reference = spec.kind in REFERENCES

    def names(self, cells: Sequence[Any]) -> set[str]:
        """What stands in a column of references that is no id: somebody must look up whom it means."""
        return {name for cell in set(map(_hashed, cells)) if _is_name(name := typed(cell))}

    def read(self, cells: Sequence[Any], names: Mapping[str, int | None] = _NONE) -> list[Any]:
        """The value of each cell, ABSENT or DOUBTFUL. `names`: whom the names mean (None: several), in a reference."""
        rule, kind = self._spec.rule, self._spec.kind
        if kind in TEXTS and not rule.mask:
            return self._texts(cells, rule.longest or (LONGEST_LONG if kind is ValueKind.LONG else LONGEST_TEXT))
        if kind in NUMBERS and rule.least is None and rule.most is None:
            usual = 2 if kind is ValueKind.MONEY else DECIMALS
            return self._numbers(cells, usual if rule.decimals is None else rule.decimals)
        if names != self._names:
            self._names, self._memories = names, {}
        types = set(map(type, cells))
        if not types <= _CELLS:
            return [self._remembered(cell) if type(cell) in _CELLS else Mark.DOUBTFUL for cell in cells]
        if len(types) == 1:
            return list(map(self._memory(types.pop()).__getitem__, cells))
        return [self._remembered(cell) for cell in cells]

    def empty(self) -> Any:
        """What an empty cell is that empties a field: None, DOUBTFUL where the field may not be empty."""
        return Mark.DOUBTFUL if self._spec.required else None

    def value(self, raw: Any) -> Any:
        """What a value that is no cell of a file (a default) is read as, DOUBTFUL when it cannot be."""
        try:
            return read(self._spec, raw, self._zone)
        except Invalid:
            return Mark.DOUBTFUL

    def _texts(self, cells: Sequence[Any], longest: int) -> list[Any]:
        exact = self._exact
        return [
            cell if type(cell) is str and cell and len(cell) <= longest and is_clean(cell) else exact(cell)
            for cell in cells
        ]

    def _numbers(self, cells: Sequence[Any], decimals: int) -> list[Any]:
        """A float that is its own rounding is the number with so many decimals: nothing is lost by leaving it."""
        found: list[Any] = []
        for cell in cells:
            if type(cell) is float and -1e15 < cell < 1e15:
                whole = int(cell)
                if whole == cell:
                    found.append(whole)
                    continue
                if round(cell, decimals) == cell:
                    found.append(cell)
                    continue
            found.append(self._remembered(cell) if type(cell) in _CELLS else Mark.DOUBTFUL)
        return found

    def _remembered(self, cell: Any) -> Any:
        return self._memory(type(cell))[cell]

    def _memory(self, kind: type) -> _Memory:
        # 1, 1.0 and True are one key of a dict, and three cells.
        found = self._memories.get(kind)
        if found is None:
            found = self._memories[kind] = _Memory(self._exact)
        return found

    def _exact(self, cell: Any) -> Any:
        if type(cell) not in _CELLS:
            return Mark.DOUBTFUL
        value = typed(cell)
        if value is None or value == "":
            return Mark.ABSENT
        if self.is_reference and _is_name(value):
            found = self._names.get(value)
            return Mark.DOUBTFUL if found is None else found
        return self.value(value)


def _hashed(cell: Any) -> Any:
    return cell if type(cell) in _CELLS else None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and not (value.isascii() and value.isdigit())
