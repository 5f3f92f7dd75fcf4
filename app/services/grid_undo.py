"""Taking a change of cells back: what still holds what it wrote is as it was before, the rest is told.

Undoing is a change like any other, through the same services, and can itself be undone: that is the redo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.models import ChangeSet, ChangeSetRow, db
from app.rules import cell_edits
from app.rules.errors import Conflict, RuleError
from app.rules.query import Query
from app.services import change_sets, grid_batches, grid_bulk, grid_edits, grid_posts, grid_rows, grid_trash
from app.services.change_sets import Answer, Outcome, Problem
from app.services.grid_batches import Asked
from app.services.grid_rows import Row
from app.services.grids import Grid
from app.services.transaction import savepoint, transaction

# Steps of an appeal that only add: nothing takes them back.
_FINAL = frozenset({"add_note"})
_BACK = {"create": "remove", "remove": "restore", "restore": "remove", "edit": "edit"}


def undo(grid: Grid, set_id: int, *, request_key: str) -> Answer:
    """Take one's own change set back, by a job when it has many rows.

    Raises NotFound("change-set.unknown"), Conflict("change-set.running") while a job writes it, and
    Conflict("change-set.undone").
    """
    with grid_edits.refusals(grid), transaction():
        began = change_sets.begin(grid, "undo", request_key, of=set_id)
        if began.is_repeat:
            return change_sets.told_again(grid, began.id)
        found = change_sets.own(grid, set_id)
        if change_sets.is_running(found):
            raise Conflict("change-set.running")
        if found.undone_by_id is not None:
            raise Conflict("change-set.undone")
        if found.post_id is not None:
            db.session.get_one(ChangeSet, began.id).post_id = found.post_id
        if found.done > grid_bulk.most_at_once():
            return _by_job(grid, found, began.id)
        outcomes, rows = restored(grid, _rows(set_id), post_id=found.post_id)
        change_sets.record(began.id, outcomes)
        problems = tuple(problem for one in outcomes for problem in one.problems)
        if not any(one.is_done for one in outcomes):
            return Answer(None, (), problems)
        settle(found, began.id)
        return Answer(began.id, tuple(rows), problems)


def _by_job(grid: Grid, found: ChangeSet, undo_id: int) -> Answer:
    """Each row waits with what it is to hold again; the job comes to it by `restored`."""
    task_id = grid_bulk.wait_for_undo(grid, undo_id, found.id)
    settle(found, undo_id)
    return Answer(undo_id, task_id=task_id)


def settle(found: ChangeSet, undo_id: int) -> None:
    """The change set is taken back; what an undo had taken back is in force again, and so on back to the first."""
    found.undone_by_id = undo_id
    while found.kind == "undo":
        original = db.session.get(ChangeSet, int(found.spec["of"]), with_for_update=True, populate_existing=True)
        if original is None:
            return
        original.undone_by_id = found.id if found.undone_by_id is None else None
        found = original


def _rows(set_id: int) -> list[ChangeSetRow]:
    """What the change set did, the last first."""
    query = select(ChangeSetRow).where(
        ChangeSetRow.change_set_id == set_id, ChangeSetRow.row_id.is_not(None), ChangeSetRow.row_version.is_not(None)
    )
    return list(db.session.scalars(query.order_by(ChangeSetRow.id.desc())))


def restored(
    grid: Grid, rows: Sequence[ChangeSetRow], *, post_id: int | None = None
) -> tuple[list[Outcome], list[Row]]:
    """Take what was done with these rows back, in the open transaction: what became of each, the rows as they are.

    For the post for which it was done, as long as he may choose that one.
    """
    post_id = grid_posts.still(grid, post_id)
    outcomes, shown = _cells(grid, [one for one in rows if one.what == "edit" and one.new], post_id)
    made: list[Row] = []
    for one in rows:
        if one.what != "edit":
            outcomes.append(_back(grid, one, post_id))
            back = grid_rows.one(grid, one.row_id or 0) if _BACK[one.what] == "restore" else None
            made += [back] if back else []
    return outcomes, [*shown, *made]


def _cells(grid: Grid, rows: Sequence[ChangeSetRow], post_id: int | None) -> tuple[list[Outcome], list[Row]]:
    keys = {key for one in rows for key in one.new}
    columns = tuple(key for key in grid.columns if key in keys)
    ids = [one.row_id for one in rows if one.row_id is not None]
    now = {one.id: one for one in grid_rows.by_ids(grid, ids, Query(columns=columns))} if ids else {}
    asked, told = [], {}
    for one in rows:
        row_id = one.row_id or 0
        if row_id not in now:
            told[row_id] = [Problem(row_id, None, key, "row.unknown") for key in one.new]
            continue
        values, told[row_id] = _restorable(grid, one, now[row_id])
        if values:
            asked.append(Asked(row_id, now[row_id].version, values))
    written, shown = grid_batches.edited(grid, asked, post_id=post_id)
    by_id = {one.row_id: one for one in written}
    outcomes = []
    for row_id, problems in told.items():
        done = by_id.get(row_id, Outcome(row_id))
        outcomes.append(Outcome(row_id, "edit", done.old, done.new, done.version, (*done.problems, *problems)))
    return outcomes, shown


def _restorable(grid: Grid, one: ChangeSetRow, now: Row) -> tuple[dict[str, Any], list[Problem]]:
    found = cell_edits.restorable(one.old, one.new, now.cells)
    values, problems = dict(found.values), []
    for key in one.new:
        column = grid.columns.get(key)
        if column is None or not column.write:
            problems.append(Problem(now.id, None, key, "cell.read-only"))
        elif column.write in _FINAL:
            problems.append(Problem(now.id, None, key, "undo.step-final"))
        elif key in found.changed_since:
            problems.append(Problem(now.id, None, key, "undo.changed-since"))
        else:
            continue
        values.pop(key, None)
    return values, problems


def _as_made(grid: Grid, made: ChangeSetRow) -> int | None:
    """The version of a row that holds what it was made with: as it was, or its maker alone changed it and took that
    back; None when anything else stands in it.
    """
    row_id, version = made.row_id or 0, grid_edits.version_of(grid, made.row_id or 0)
    if version == made.row_version:
        return version
    own = select(ChangeSet.id).where(
        ChangeSet.user_id == grid.actor.user_id, ChangeSet.sheet == grid.code, ChangeSet.id > made.change_set_id
    )
    later = db.session.scalars(
        select(ChangeSetRow)
        .where(ChangeSetRow.row_id == row_id, ChangeSetRow.change_set_id.in_(own))
        .where(ChangeSetRow.row_version.is_not(None))
        .order_by(ChangeSetRow.id)
    ).all()
    now = grid_rows.one(grid, row_id)
    if now is None or version != (made.row_version or 0) + len(later):
        return None
    held: dict[str, Any] = {}
    for one in reversed(later):
        held |= one.old
    is_same = all(cell_edits.plain(now.cells.get(key)) == cell_edits.plain(value) for key, value in held.items())
    return version if is_same else None


def _back(grid: Grid, one: ChangeSetRow, post_id: int | None) -> Outcome:
    """A row that was made goes to the trash unless somebody has worked on it since; one from the trash comes back."""
    row_id, what = one.row_id or 0, _BACK[one.what]
    try:
        with savepoint():
            if what == "restore":
                grid_trash.restore_in(grid_posts.signed(grid, post_id), row_id)
            elif (version := _as_made(grid, one)) is None:
                raise Conflict("undo.changed-since")
            else:
                grid_edits.remove_in(grid, row_id, version, post_id=post_id)
            db.session.flush()
    except RuleError as error:
        return Outcome(row_id, what, problems=change_sets.problems_from(error, (), row_id=row_id))
    return Outcome(row_id, what, old=one.new, new=one.old, version=grid_edits.version_of(grid, row_id))
