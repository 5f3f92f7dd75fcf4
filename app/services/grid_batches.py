"""Many cells at once: each row whole or not at all, the valid ones written, the refused ones told, one change set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

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
    """Edit rows in the open transaction, each in a savepoint of its own; what became of each, and the rows written."""
    if not asked:
        return [], []
    ids, keys = [one.row_id for one in asked], {key for one in asked for key in one.values}
    before = _by_id(grid, ids, tuple(key for key in grid.columns if key in keys))
    made = grid_cells.ready(grid, [one.values for one in asked])
    outcomes: dict[int, Outcome] = {}
    for one, ready in zip(asked, made, strict=True):
        problems = _written(grid, one, ready, before.get(one.row_id), post_id, reason)
        outcomes[one.row_id] = Outcome(one.row_id, problems=problems)
    written = [row_id for row_id, one in outcomes.items() if not one.problems]
    after = _by_id(grid, written, ()) if written else {}
    for one in asked:
        if not outcomes[one.row_id].problems:
            outcomes[one.row_id] = grid_edits.outcome_of(
                one.row_id, before[one.row_id], after.get(one.row_id), one.values
            )
    return list(outcomes.values()), [after[row_id] for row_id in written if row_id in after]


def _by_id(grid: Grid, ids: Sequence[int], keys: tuple[str, ...]) -> dict[int, Row]:
    return {one.id: one for one in grid_rows.by_ids(grid, ids, Query(columns=keys))}


def _written(
    grid: Grid, one: Asked, ready: Ready, before: Row | None, post_id: int | None, reason: str
) -> tuple[change_sets.Problem, ...]:
    """Write one row; its problems, none when it was written."""

    def refused(error: RuleError) -> tuple[change_sets.Problem, ...]:
        return change_sets.problems_from(error, one.values, row_id=one.row_id)

    if before is None:
        return refused(NotFound("row.unknown", {"id": one.row_id}))
    if ready.problems:
        return refused(FieldErrors(ready.problems))
    if before.version != one.version:
        return refused(Conflict("row.stale"))
    try:
        with savepoint():
            grid_edits.write_in(
                grid, one.row_id, ready.values, one.version, post_id=post_id, reason=reason, is_seen=True
            )
            db.session.flush()
    except RuleError as error:
        return refused(_at_cell(grid, error))
    return ()


def _at_cell(grid: Grid, error: RuleError) -> RuleError:
    return grid_edits.at_cell(grid, error) if isinstance(error, Conflict) else error


def _created(
    grid: Grid, new: Sequence[Mapping[str, Any]], post_id: int | None = None
) -> tuple[list[Outcome], list[Row]]:
    outcomes: list[Outcome] = []
    for place, ready in enumerate(grid_cells.ready(grid, new, is_new=True)):
        try:
            if ready.problems:
                raise FieldErrors(ready.problems)
            with savepoint():
                row_id = grid_edits.write_in(grid, None, ready.values, None, post_id=post_id)
            outcomes.append(Outcome(row_id, "create", new=ready.values))
        except RuleError as error:
            problems = change_sets.problems_from(_at_cell(grid, error), new[place], new=place)
            outcomes.append(Outcome(None, "create", problems=problems))
    ids = [one.row_id for one in outcomes if one.row_id is not None]
    after = _by_id(grid, ids, ()) if ids else {}
    told = [
        one if one.row_id is None else grid_edits.created(one.row_id, after.get(one.row_id), one.new)
        for one in outcomes
    ]
    return told, [after[one] for one in ids if one in after]
