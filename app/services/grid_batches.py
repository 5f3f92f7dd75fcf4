"""Many cells at once: each row whole or not at all, the valid ones written, the refused ones told, one change set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.models import db
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound, RuleError
from app.rules.query import Query
from app.services import change_sets, grid_cells, grid_edits, grid_rows, own_batches
from app.services.change_sets import Answer, Outcome
from app.services.grid_cells import Ready
from app.services.grid_rows import Row
from app.services.grids import Grid
from app.services.own_batches import Change, Done
from app.services.transaction import savepoint, transaction

MOST_ROWS, MOST_CELLS = 2_000, 50_000
AT_ONCE = 20  # rows that share a savepoint
_One = TypeVar("_One")
_Result = TypeVar("_Result")
KINDS = frozenset({"cell", "paste", "fill"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Cells of one row as they were sent, and the version that the person saw."""

    row_id: int
    version: int
    values: Mapping[str, Any]


class _Trial(Exception):
    """Ends a transaction whose answer alone was wanted."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def write(
    grid: Grid,
    kind: str,
    cells: Sequence[Asked],
    new: Sequence[Mapping[str, Any]],
    *,
    request_key: str,
    post_id: int | None = None,
    reason: str = "",
    is_trial: bool = False,
) -> Answer:
    """Write a block of cells and new rows. `is_trial` tells what would be written and refused, and writes nothing.

    Raises Invalid("edit.kind") and Invalid("edit.too-large"); what is refused of a row is a problem of the answer.
    """
    if kind not in KINDS:
        raise Invalid("edit.kind", {"kind": kind[:12]})
    asked = _merged(cells)
    count = sum(len(one.values) for one in asked) + sum(len(one) for one in new)
    if len(asked) + len(new) > MOST_ROWS or count > MOST_CELLS:
        raise Invalid("edit.too-large", {"rows": MOST_ROWS, "cells": MOST_CELLS})
    try:
        with grid_edits.refusals(grid), transaction():
            began = change_sets.begin(grid, kind, request_key, post_id=post_id)
            if began.is_repeat:
                return change_sets.told_again(grid, began.id)
            outcomes, rows = edited(grid, asked, post_id=post_id, reason=reason)
            made, fresh = _created(grid, new, post_id)
            outcomes += made
            change_sets.record(began.id, outcomes)
            problems = tuple(problem for one in outcomes for problem in one.problems)
            is_done = any(one.is_done for one in outcomes)
            answer = Answer(began.id if is_done else None, (*rows, *fresh), problems)
            if is_trial:
                raise _Trial(replace(answer, set_id=None))
            return answer
    except _Trial as trial:
        return trial.answer


def tried(grid: Grid, asked: Sequence[Asked], *, post_id: int | None = None) -> list[Outcome]:
    """What `edited` would make of rows, in a transaction that is taken back."""
    outcomes: list[Outcome] = []
    with taken_back(grid):
        outcomes, _rows = edited(grid, asked, post_id=post_id)
    return outcomes


def written_both(
    grid: Grid, asked: Sequence[Asked], new: Sequence[Mapping[str, Any]]
) -> tuple[list[Outcome], list[Outcome]]:
    """Edit rows and add others in the open transaction; what became of each, in their order.

    A row asked for twice is the caller's mistake.
    """
    edits, _rows = edited(grid, asked)
    by_id = {one.row_id: one for one in edits}
    return [by_id[one.row_id] for one in asked], _created(grid, new)[0]


def tried_both(
    grid: Grid, asked: Sequence[Asked], new: Sequence[Mapping[str, Any]]
) -> tuple[list[Outcome], list[Outcome]]:
    """What `written_both` would do, in a transaction that is taken back."""
    with taken_back(grid):
        return written_both(grid, asked, new)


@contextmanager
def taken_back(grid: Grid) -> Iterator[None]:
    """A transaction of which nothing stays."""
    try:
        with grid_edits.refusals(grid), transaction():
            yield
            raise _Trial(Answer(None))
    except _Trial:
        pass


def judged(
    grid: Grid, asked: Sequence[Asked], new: Sequence[Mapping[str, Any]], *, is_locked: bool
) -> list[tuple[Done, Outcome]]:
    """What rows of an own sheet would become, first those that are there, as it is kept and as it is told.

    `is_locked`: they are about to be written in the open transaction.
    """
    readies = [*grid_cells.ready(grid, [one.values for one in asked]), *grid_cells.ready(grid, new, is_new=True)]
    whose = [*((one.row_id, one.version) for one in asked), *((None, None) for _one in new)]
    changes = [Change(*one, ready.values) for one, ready in zip(whose, readies, strict=True)]
    good = [place for place, ready in enumerate(readies) if not ready.problems]
    done = [
        Done(one.row_id, error=FieldErrors(ready.problems) if ready.problems else None)
        for one, ready in zip(changes, readies, strict=True)
    ]
    found = own_batches.judged(grid.actor, grid.source, [changes[place] for place in good], is_locked=is_locked)
    for place, one in zip(good, found, strict=True):
        done[place] = one
    return list(zip(done, _told(grid, asked, new, done), strict=True))


def _told(
    grid: Grid, asked: Sequence[Asked], new: Sequence[Mapping[str, Any]], done: Sequence[Done]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    cells = own_batches.cells(grid.source, done[: len(asked)])
    for ask, one, (old, now) in zip(asked, done, cells, strict=False):
        problems = change_sets.problems_from(one.error, ask.values, row_id=ask.row_id) if one.error else ()
        version = None if one.error else one.version
        outcomes.append(Outcome(ask.row_id, old=old, new=now, version=version, problems=problems))
    for place, (values, one) in enumerate(zip(new, done[len(asked) :], strict=True)):
        problems = change_sets.problems_from(one.error, values, new=place) if one.error else ()
        outcomes.append(Outcome(None, "create", problems=problems))
    return outcomes


def _merged(cells: Sequence[Asked]) -> list[Asked]:
    """One entry for each row, in the order of ids: whoever edits the same rows at once waits, and never in a circle."""
    found: dict[int, Asked] = {}
    for one in cells:
        known = found.get(one.row_id)
        found[one.row_id] = one if known is None else replace(known, values={**known.values, **one.values})
    return [found[row_id] for row_id in sorted(found)]


def edited(
    grid: Grid, asked: Sequence[Asked], *, post_id: int | None = None, reason: str = ""
) -> tuple[list[Outcome], list[Row]]:
    """Edit rows in the open transaction; what became of each, and the rows written.

    Some rows share a savepoint; when one of them is refused, each of them is written anew in one of its own.
    """
    if not asked:
        return [], []
    ids, keys = [one.row_id for one in asked], {key for one in asked for key in one.values}
    before, locked = _before(grid, ids, tuple(key for key in grid.columns if key in keys))
    made = grid_cells.ready(grid, [one.values for one in asked])
    outcomes: dict[int, Outcome] = {}
    tried: list[tuple[Asked, Ready]] = []
    for one, ready in zip(asked, made, strict=True):
        error = _refusal(one, ready, before.get(one.row_id))
        if error is None:
            tried.append((one, ready))
        outcomes[one.row_id] = Outcome(one.row_id, problems=_problems(one, error) if error else ())

    def write(one: tuple[Asked, Ready]) -> None:
        grid_edits.write_in(
            grid, one[0].row_id, one[1].values, one[0].version, post_id=post_id, reason=reason, is_seen=True,
            locked=locked.get(one[0].row_id),
        )  # fmt: skip
        db.session.flush()

    for (one, _ready), result in zip(tried, _each(tried, write), strict=True):
        if isinstance(result, RuleError):
            outcomes[one.row_id] = Outcome(one.row_id, problems=_problems(one, _at_cell(grid, result)))
    written = [row_id for row_id, outcome in outcomes.items() if not outcome.problems]
    after = _by_id(grid, written, ()) if written else {}
    for one in asked:
        if not outcomes[one.row_id].problems:
            outcomes[one.row_id] = grid_edits.outcome_of(
                one.row_id, before[one.row_id], after.get(one.row_id), one.values
            )
    return list(outcomes.values()), [after[row_id] for row_id in written if row_id in after]


def _each(rows: Sequence[_One], write: Callable[[_One], _Result]) -> list[_Result | RuleError]:
    """What writing each row gives, or why it is refused. Some share a savepoint as long as none is refused."""
    found: list[_Result | RuleError] = []
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        try:
            with savepoint():
                together: list[_Result | RuleError] = [write(one) for one in some]
        except RuleError:
            together = [_alone(one, write) for one in some]
        found += together
    return found


def _alone(one: _One, write: Callable[[_One], _Result]) -> _Result | RuleError:
    try:
        with savepoint():
            return write(one)
    except RuleError as error:
        return error


def _before(grid: Grid, ids: Sequence[int], keys: tuple[str, ...]) -> tuple[dict[int, Row], dict[int, Any]]:
    """The rows before they are changed; appeals whose own steps are not asked are locked with them."""
    if grid_edits.locks(grid, keys):
        found = grid_rows.locked_all(grid, ids, keys)
        return {row_id: row for row_id, (row, _record) in found.items()}, {
            row_id: record for row_id, (_row, record) in found.items()
        }
    return _by_id(grid, ids, keys), {}


def _by_id(grid: Grid, ids: Sequence[int], keys: tuple[str, ...]) -> dict[int, Row]:
    return {one.id: one for one in grid_rows.by_ids(grid, ids, Query(columns=keys))}


def _refusal(one: Asked, ready: Ready, before: Row | None) -> RuleError | None:
    """Why a row is not even tried."""
    if before is None:
        return NotFound("row.unknown", {"id": one.row_id})
    if ready.problems:
        return FieldErrors(ready.problems)
    return Conflict("row.stale") if before.version != one.version else None


def _problems(one: Asked, error: RuleError) -> tuple[change_sets.Problem, ...]:
    return change_sets.problems_from(error, one.values, row_id=one.row_id)


def _at_cell(grid: Grid, error: RuleError) -> RuleError:
    return grid_edits.at_cell(grid, error) if isinstance(error, Conflict) else error


def _created(
    grid: Grid, new: Sequence[Mapping[str, Any]], post_id: int | None = None
) -> tuple[list[Outcome], list[Row]]:
    readies = grid_cells.ready(grid, new, is_new=True)
    good = [ready for ready in readies if not ready.problems]
    results = iter(_each(good, lambda one: grid_edits.write_in(grid, None, one.values, None, post_id=post_id)))
    outcomes: list[Outcome] = []
    for place, ready in enumerate(readies):
        result = FieldErrors(ready.problems) if ready.problems else next(results)
        if isinstance(result, RuleError):
            problems = change_sets.problems_from(_at_cell(grid, result), new[place], new=place)
            outcomes.append(Outcome(None, "create", problems=problems))
        else:
            outcomes.append(Outcome(result, "create", new=ready.values))
    ids = [one.row_id for one in outcomes if one.row_id is not None]
    after = _by_id(grid, ids, ()) if ids else {}
    told = [
        one if one.row_id is None else grid_edits.created(one.row_id, after.get(one.row_id), one.new)
        for one in outcomes
    ]
    return told, [after[one] for one in ids if one in after]
