"""The job of a bulk edit or of its undo: the rows that wait, some at a time, each once however often it is run.

What became of a row is written in the transaction that changed it: a worker that is killed leaves rows that wait, and
the next one goes on with those. The person's rights are asked anew for each part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select, update

from app.models import ChangeSet, ChangeSetRow, db
from app.rules.cell_edits import unnamed
from app.rules.errors import NotFound
from app.services import change_sets, grid_batches, grid_edits, grid_undo, tasks
from app.services.change_sets import Outcome
from app.services.grid_batches import Asked
from app.services.grids import Grid
from app.services.transaction import transaction

BATCH = 50
# The sheet of that code for the account of that id, as it stands now.
GridOf = Callable[[str, int], Grid]


def apply(run: tasks.Run, grid_of: GridOf) -> str:
    """Do what waits. Raises NotFound for who may not open the sheet any more: what he did so far stays."""
    found = db.session.get(ChangeSet, run.subject_id)
    if found is None:
        raise NotFound("change-set.unknown", {"id": run.subject_id})
    code, user_id, total = found.sheet, found.user_id, found.total
    db.session.rollback()
    count = BATCH
    while count == BATCH:
        run.progress(_handled(run.subject_id), total)
        grid = grid_of(code, user_id)
        with grid_edits.refusals(grid), transaction():
            run.fence()
            count = _part(grid, run.subject_id)
    return ""


def _handled(set_id: int) -> int:
    counts = select(ChangeSet.done + ChangeSet.refused).where(ChangeSet.id == set_id)
    handled = db.session.scalar(counts) or 0
    db.session.rollback()
    return handled


def _part(grid: Grid, set_id: int) -> int:
    """Some of the rows that wait, in the open transaction; how many they were."""
    found = db.session.get_one(ChangeSet, set_id, with_for_update=True, populate_existing=True)
    query = select(ChangeSetRow).where(ChangeSetRow.change_set_id == set_id, ChangeSetRow.waits)
    rows = list(db.session.scalars(query.order_by(ChangeSetRow.id).limit(BATCH)))
    outcomes = {one.row_id: one for one in _written(grid, found, rows)}
    for row in rows:
        _settled(row, outcomes.get(row.row_id, Outcome(row.row_id, row.what)))
    db.session.flush()
    found.done += sum(one.is_done for one in outcomes.values())
    found.refused += sum(bool(one.problems) for one in outcomes.values())
    found.state = "running" if len(rows) == BATCH else "done"
    return len(rows)


def _written(grid: Grid, found: ChangeSet, rows: Sequence[ChangeSetRow]) -> list[Outcome]:
    if found.kind == "undo":
        return grid_undo.restored(grid, rows, post_id=found.post_id)[0]
    values: dict[str, Any] = found.spec["ready"]
    asked = [Asked(one.row_id or 0, one.row_version or 0, values) for one in rows]
    in_order = sorted(asked, key=lambda one: one.row_id)
    return grid_batches.edited(grid, in_order, post_id=found.post_id, reason=found.spec.get("reason", ""))[0]


def _settled(row: ChangeSetRow, outcome: Outcome) -> None:
    row.what, row.old, row.new = outcome.what, unnamed(outcome.old), unnamed(outcome.new)
    row.row_version, row.problem, row.waits = outcome.version, change_sets.problems_kept(outcome.problems), False


def give_up(set_id: int) -> None:
    """The task was cancelled: what waits will not be done, what was done stays and can be undone."""
    with transaction():
        db.session.execute(
            update(ChangeSet)
            .where(ChangeSet.id == set_id)
            .values(state="cancelled", total=ChangeSet.done + ChangeSet.refused)
        )
