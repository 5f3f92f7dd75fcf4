"""What an edit of cells may do beyond what a form may: nothing. And what taking one back may restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Restoring:
    """Of a row that was changed: the cells to write back, and those that somebody has changed since."""

    values: Mapping[str, Any]
    changed_since: tuple[str, ...]


def restorable(old: Mapping[str, Any], new: Mapping[str, Any], current: Mapping[str, Any]) -> Restoring:
    """Which cells of a row are written back: those that still hold what the change wrote (`new`).

    A reference is compared by its id: renaming the row it leads to changes nothing.
    """
    values, since = {}, []
    for key, written in new.items():
        if plain(current.get(key)) == plain(written):
            values[key] = plain(old.get(key))
        else:
            since.append(key)
    return Restoring(values, tuple(since))


def plain(cell: Any) -> Any:
    """A cell as it is sent to be written: of a reference `[id, name]` the id alone, of files `[[id, name]]` theirs."""
    if is_files(cell):
        return [one[0] for one in cell]
    is_reference = isinstance(cell, list) and len(cell) == 2 and type(cell[0]) is int and isinstance(cell[1], str)
    return cell[0] if is_reference else cell


def is_files(cell: Any) -> bool:
    """Whether the cell shows files."""
    return isinstance(cell, list) and bool(cell) and all(isinstance(one, list) for one in cell)


def unnamed(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Cells as a change set keeps them: of files the ids alone, for their names may name people."""
    return {key: plain(cell) if is_files(cell) else cell for key, cell in cells.items()}


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cells that hold something else than before: what they held, what they hold."""
    keys = [key for key in after if plain(before.get(key)) != plain(after[key])]
    return {key: before.get(key) for key in keys}, {key: after[key] for key in keys}


def added(note: str, typed: str) -> str | None:
    """What somebody adds to a text that only grows, by what he made of its cell: what stands behind the old text.

    Another text is a line of its own. "" when nothing is added, None when lines of the old text would go.
    """
    note, typed = note.strip(), typed.strip()
    if typed.startswith(note):
        return typed[len(note) :].strip()
    lines = {line.strip() for line in note.splitlines() if line.strip()}
    return None if any(line.strip() in lines for line in typed.splitlines()) or not typed else typed
