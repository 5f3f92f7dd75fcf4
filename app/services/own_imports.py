"""A part of a file into an own sheet: judged column by column, written together, row by row only where it must be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.rules.errors import Conflict
from app.services import change_sets, copies, grid_batches, import_parts, own_batches, own_columns
from app.services.change_sets import Outcome
from app.services.copies import document
from app.services.grids import Grid
from app.services.import_parts import Look, Numbered, Tally
from app.services.own_batches import Edit
from app.services.own_columns import Moves, Parsed
from app.services.transaction import savepoint


@dataclass
class _Known:
    """The rows of a part by what they ask for; rows are named by their place in it."""

    refused: dict[int, Outcome] = field(default_factory=dict)
    there: dict[int, tuple[int, int]] = field(default_factory=dict)  # (id, version) of the rows to change
    fresh: list[int] = field(default_factory=list)


@dataclass
class _Judged:
    """What becomes of rows: why some are refused, documents of the others."""

    refused: dict[int, Outcome]
    moves: dict[int, tuple[int, int, Moves]]  # id, version
    fresh: dict[int, str]


def look(grid: Grid, found: Look, rows: Sequence[Numbered], tally: Tally, *, parsed: Parsed | None = None) -> None:
    """Say what would become of rows, writing nothing.

    Whether another row has a value already only the database can say: it is asked, and everything is taken back.
    """
    if _is_fit(grid, found) and not own_batches.has_unique(grid.source):
        _count(tally, rows, _judged(grid, found, rows, parsed, is_written=False))
        return
    with grid_batches.taken_back(grid):
        write(grid, found, rows, tally=tally, parsed=parsed)


def write(
    grid: Grid, found: Look, rows: Sequence[Numbered], *, set_id: int | None = None, tally: Tally | None = None,
    parsed: Parsed | None = None,
) -> None:  # fmt: skip
    """Write rows in the open transaction, and into the change set what became of each."""
    if _is_fit(grid, found):
        try:
            with savepoint():
                judged = _judged(grid, found, rows, parsed, is_written=True)
                lines = _written(grid, judged, rows, set_id)
        except Conflict:
            pass  # one of them holds what another row has: each by itself tells which
        else:
            if set_id is not None:
                same = sum(not moves.new for _id, _version, moves in judged.moves.values())
                refused = len(judged.refused)
                change_sets.append_lines(set_id, lines, done=len(rows) - refused - same, refused=refused)
            if tally is not None:
                _count(tally, rows, judged)
            return
    outcomes = import_parts.outcomes(grid, found, rows, grid_batches.written_both)
    if set_id is not None:
        change_sets.append(set_id, outcomes)
    for (number, _cells), one in zip(rows if tally is not None else (), outcomes, strict=False):
        tally.count(number, one)  # type: ignore[union-attr]


def _is_fit(grid: Grid, found: Look) -> bool:
    return own_batches.is_fit(grid.source, found.plan.places.values())


# --- judging ----------------------------------------------------------------------------------------------------------


def _judged(
    grid: Grid, found: Look, rows: Sequence[Numbered], parsed: Parsed | None, *, is_written: bool
) -> _Judged:
    keys = found.keys(grid, rows)
    asked = _known(grid, found, rows, keys)
    # Locked before anything is read of them: a field may become another while one waits.
    ids = [row_id for row_id, _version in asked.there.values()]
    there = own_batches.rows(grid.source, ids, is_locked=is_written)
    part = found.columns.read([cells for _number, cells in rows], parsed)
    documents, unclear = part.fresh(asked.fresh)
    fresh = dict(zip(asked.fresh, documents, strict=True))
    doubtful = [asked.fresh[n] for n in unclear]
    as_seen = {
        place: own_columns.Row(row_id, version, there[row_id][1])
        for place, (row_id, version) in asked.there.items()
        if row_id in there and there[row_id][0] == version
    }
    doubtful += asked.there.keys() - as_seen.keys()
    places = list(as_seen)
    moves, unclear = part.changed(places, list(as_seen.values()))
    moved = {place: (one.id, one.version, move) for (place, one), move in zip(as_seen.items(), moves, strict=True)}
    doubtful += [places[n] for n in unclear]
    judged = _Judged(asked.refused, moved, fresh)
    if doubtful:
        _by_themselves(grid, found, rows, keys, asked, sorted(doubtful), judged, is_written=is_written)
    return judged


def _known(grid: Grid, found: Look, rows: Sequence[Numbered], keys: Sequence[str]) -> _Known:
    asked, there = _Known(), import_parts.known(grid, found, keys)
    for place, ((number, _cells), key) in enumerate(zip(rows, keys, strict=True)):
        with_key = there.get(key, ())
        if code := import_parts.refusal(found, key, with_key, can_add=grid.can_add):
            asked.refused[place] = import_parts.refused(found, number, with_key, code)
        elif with_key:
            if found.is_trial:
                found.versions[key] = import_parts.as_seen(with_key)
            asked.there[place] = with_key[0]
        else:
            asked.fresh.append(place)
    return asked


def _by_themselves(
    grid: Grid, found: Look, rows: Sequence[Numbered], keys: Sequence[str], asked: _Known, doubtful: Sequence[int],
    judged: _Judged, *, is_written: bool,
) -> None:  # fmt: skip
    """Let the services of the form judge what the columns leave open."""
    plan, of_old = found.plan, [place for place in doubtful if place in asked.there]
    of_new = [place for place in doubtful if place not in asked.there]
    lines = {place: import_parts.line(plan, keys[place], rows[place]) for place in doubtful}
    told = grid_batches.judged(
        grid, [import_parts.asked_of(plan, asked.there[place], lines[place]) for place in of_old],
        [import_parts.fresh_of(lines[place]) for place in of_new], is_locked=is_written,
    )  # fmt: skip
    for place, (one, outcome) in zip([*of_old, *of_new], told, strict=True):
        judged.moves.pop(place, None)
        judged.fresh.pop(place, None)
        if one.error is not None:
            judged.refused[place] = import_parts.numbered(outcome, rows[place][0])
        elif place in asked.there:
            judged.moves[place] = (*asked.there[place], _moves(one.old, one.new, outcome))
        else:
            judged.fresh[place] = document(one.new)


def _moves(old: Mapping[str, Any], new: Mapping[str, Any], outcome: Outcome) -> Moves:
    return Moves(*(document(one)[1:-1] for one in (old, new, outcome.old, outcome.new)))


# --- writing ----------------------------------------------------------------------------------------------------------


def _written(grid: Grid, judged: _Judged, rows: Sequence[Numbered], set_id: int | None) -> list[str]:
    """Write what was judged; the lines of the change set, in the order of the rows."""
    own, moves = grid.source, judged.moves
    edits = [Edit(row_id, f"{{{move.old}}}", f"{{{move.new}}}") for row_id, _at, move in moves.values() if move.new]
    own_batches.change(grid.actor, own, edits)
    order = sorted(judged.fresh)
    ids = own_batches.add(grid.actor, own, [judged.fresh[place] for place in order])
    if set_id is None:
        return []
    lines = {place: change_sets.line(set_id, one) for place, one in judged.refused.items()}
    olds, news = (
        copies.cells([f"{{{cells}}}" for cells in of_all])
        for of_all in ([one.old_cells for _id, _at, one in moves.values()],
                       [one.new_cells for _id, _at, one in moves.values()])
    )  # fmt: skip
    for (place, (row_id, version, move)), old, new in zip(moves.items(), olds, news, strict=True):
        at = version + 1 if move.new else version
        lines[place] = change_sets.line_of(set_id, row_id, "edit", at, old, new)
    for place, row_id in zip(order, ids, strict=True):
        lines[place] = change_sets.line_of(set_id, row_id, "create", 1)
    return [lines[place] for place in range(len(rows))]


def _count(tally: Tally, rows: Sequence[Numbered], judged: _Judged) -> None:
    for place, (number, _cells) in enumerate(rows):
        if place in judged.fresh:
            tally.added += 1
        elif place in judged.refused:
            tally.count(number, judged.refused[place])
        else:
            row_id, version, move = judged.moves[place]
            if not move.new:
                tally.same += 1
            elif len(tally.sample) >= import_parts.SHOWN:
                tally.changed += 1
            else:
                old, new = (json.loads(f"{{{cells}}}") for cells in (move.old_cells, move.new_cells))
                tally.count(number, Outcome(row_id, old=old, new=new, version=version))
