"""One value for every row of a query: how many it reaches is told first, one change set, by a job above a size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, literal, select, update

from app.models import ChangeSet, ChangeSetRow, db
from app.rules import query as queries
from app.rules.errors import FieldErrors, Invalid
from app.rules.query import Query
from app.services import assumptions, change_sets, grid_batches, grid_cells, grid_edits, grid_rows, tasks
from app.services.change_sets import Answer, Problem
from app.services.grid_batches import Asked
from app.services.grids import Grid
from app.services.transaction import transaction

MOST, SHOWN = 100_000, 10
USUALLY_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """What one of the first rows would hold instead of what it holds."""

    row_id: int
    old: Mapping[str, Any]
    new: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """How many rows a bulk edit reaches, what it makes of the first of them, what would be refused of those."""

    count: int
    sample: tuple[Sample, ...]
    problems: tuple[Problem, ...]


def most_at_once() -> int:
    """How many rows are written while somebody waits; above that a job does it: the assumption `grid_bulk_in_job`."""
    return assumptions.whole(assumptions.value("grid_bulk_in_job"), USUALLY_AT_ONCE)


def preview(grid: Grid, query: Query, values: Mapping[str, Any], *, post_id: int | None = None) -> Preview:
    """What `start` would do. Writes nothing. Raises Invalid("edit.too-many") and FieldErrors for the values."""
    _checked(grid, values)
    count = _count(grid, query)
    keys = tuple(key for key in grid.columns if key in values)
    first = grid_rows.window(grid, Query(query.where, query.term, query.orders, keys), limit=SHOWN)
    asked = sorted((Asked(one.id, one.version, values) for one in first), key=lambda one: one.row_id)
    outcomes = grid_batches.tried(grid, asked, post_id=post_id)
    before = {one.id: one.cells for one in first}
    sample = [
        Sample(row_id, before[row_id], {**before[row_id], **one.new}) for one in outcomes if (row_id := one.row_id)
    ]
    return Preview(count, tuple(sample), tuple(problem for one in outcomes for problem in one.problems))


def start(
    grid: Grid,
    query: Query,
    values: Mapping[str, Any],
    *,
    request_key: str,
    post_id: int | None = None,
    reason: str = "",
) -> Answer:
    """Write the values into every row that the query finds now; `reason` stands in the journal of each.

    Raises what `preview` raises.
    """
    with grid_edits.refusals(grid), transaction():
        began = change_sets.begin(
            grid, "bulk", request_key, post_id=post_id, query=queries.write(query), values=dict(values), reason=reason
        )
        if began.is_repeat:
            return change_sets.told_again(grid, began.id)
        ready = _checked(grid, values)
        count = _count(grid, query)
        if count > most_at_once():
            return Answer(began.id, task_id=_wait(grid, query, ready, began.id))
        found = select(grid.model.id, grid.model.version).where(grid_rows.conditions(grid, query))
        asked = [Asked(row_id, version, ready) for row_id, version in db.session.execute(found.order_by(grid.model.id))]
        outcomes, rows = grid_batches.edited(grid, asked, post_id=post_id, reason=reason)
        change_sets.record(began.id, outcomes)
        problems = tuple(problem for one in outcomes for problem in one.problems)
        is_done = any(one.is_done for one in outcomes)
        return Answer(began.id if is_done else None, tuple(rows), problems)


def _checked(grid: Grid, values: Mapping[str, Any]) -> dict[str, Any]:
    [ready] = grid_cells.ready(grid, [values])
    if ready.problems:
        raise FieldErrors(ready.problems)
    return ready.values


def _count(grid: Grid, query: Query) -> int:
    """How many rows the query finds, counted no further than what a bulk edit may reach."""
    found = select(grid.model.id).where(grid_rows.conditions(grid, query)).limit(MOST + 1).subquery()
    count = db.session.scalar(select(func.count()).select_from(found)) or 0
    if count > MOST:
        raise Invalid("edit.too-many", {"most": MOST})
    return count


def _wait(grid: Grid, query: Query, values: Mapping[str, Any], set_id: int) -> int:
    """Every row as it is now waits for the job, with the version that was seen; the task's id."""
    rows = select(literal(set_id), grid.model.id, grid.model.version, literal(True)).where(
        grid_rows.conditions(grid, query)
    )
    into = insert(ChangeSetRow).from_select(
        ["change_set_id", "row_id", "row_version", "waits"], rows.order_by(grid.model.id), include_defaults=False
    )
    db.session.execute(into)
    return hand_over(grid, set_id, ready=dict(values))


def wait_for_undo(grid: Grid, undo_id: int, of: int) -> int:
    """Every row of a change set waits to be taken back, the last first; the task's id."""
    own = ChangeSetRow
    rows = (
        select(literal(undo_id), own.row_id, own.what, own.old, own.new, own.row_version, literal(True))
        .where(own.change_set_id == of, own.row_id.is_not(None), own.row_version.is_not(None), ~own.waits)
        .order_by(own.id.desc())
    )
    names = ["change_set_id", "row_id", "what", "old", "new", "row_version", "waits"]
    db.session.execute(insert(own).from_select(names, rows, include_defaults=False))
    return hand_over(grid, undo_id)


def hand_over(grid: Grid, set_id: int, **spec: Any) -> int:
    """A task for a change set whose rows wait; its id."""
    waiting = select(func.count()).where(ChangeSetRow.change_set_id == set_id, ChangeSetRow.waits)
    total = db.session.scalar(waiting) or 0
    task = tasks.create("bulk_edit", queue="imports", subject_id=set_id, total=total, requested_by=grid.actor.user_id)
    values = {"total": total, "state": "pending", "task_id": task.id, "spec": ChangeSet.spec.concat(spec)}
    statement = update(ChangeSet).where(ChangeSet.id == set_id).values(**values)
    db.session.execute(statement.execution_options(synchronize_session=False))
    return task.id
