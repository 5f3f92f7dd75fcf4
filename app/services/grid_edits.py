"""Cells of a sheet, written: the same service call as the form of each family makes, one row whole or not at all.

`write_in` is the one door: appeals by the steps of their workflow and `appeal_fields`, dictionaries by `sheets`, own
sheets by `own_rows`. Everything that changes cells ends here: a cell, a paste, a bulk edit, an import, an undo.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.models import Appeal, db
from app.rules import cell_edits
from app.rules.errors import Conflict, FieldErrors, FieldProblem, NotFound, Refused, RuleError
from app.rules.query import Query
from app.services import (
    appeal_fields,
    change_sets,
    definitions,
    field_values,
    grid_cells,
    grid_posts,
    grid_rows,
    own_rows,
    sheets,
    workflow,
)
from app.services.change_sets import Answer, Outcome
from app.services.clock_recounts import Consent
from app.services.grid_rows import Row
from app.services.grids import Grid
from app.services.transaction import transaction

_STALE = frozenset({"appeal.stale", "row.stale"})


class Stale(Conflict):
    """Somebody changed the row first; it carries the row as it is now, so that both values can be shown."""

    def __init__(self, row: Row | None) -> None:
        super().__init__("row.stale")
        self.row = row

    def __reduce__(self) -> tuple[Any, ...]:
        return Stale, (self.row,)


# --- one row in an open transaction -----------------------------------------------------------------------------


def write_in(
    grid: Grid,
    row_id: int | None,
    values: Mapping[str, Any],
    version: int | None,
    *,
    post_id: int | None = None,
    reason: str = "",
    is_seen: bool = False,
    locked: Appeal | None = None,
) -> int:
    """Write cells of a row, or a new row, inside the open transaction of the caller; its id.

    The values are as `grid_cells.ready` made them. The row is fetched through what the reader may see, never by its id
    alone; `is_seen`: the caller has done so in this transaction, and `locked` is the appeal if he locked it too.

    Raises NotFound("row.unknown"), Conflict when it is not `version` any more, and what the family's service
    raises.
    """
    if row_id is not None and not is_seen and not _is_seen(grid, row_id):
        raise NotFound("row.unknown", {"id": row_id})
    grid = grid_posts.signed(grid, post_id)
    if grid.family == "appeals":
        return _appeal(grid, row_id, values, version, post_id, reason, locked)
    return _WRITERS[grid.family](grid, row_id, values, version, post_id, reason)


def remove_in(grid: Grid, row_id: int, version: int | None, *, post_id: int | None = None) -> None:
    """Take a row out of use inside the open transaction of the caller: to the trash, where it can be taken back."""
    if not _is_seen(grid, row_id):
        raise NotFound("row.unknown", {"id": row_id})
    if not grid.can_remove:
        raise Refused("sheet.fixed")
    grid = grid_posts.signed(grid, post_id)
    if grid.family == "own":
        own_rows.remove_in(grid.actor, grid.source, row_id, version=version)
    else:
        sheets.take_out_in(grid.actor, grid.source, row_id, version=version, consent=Consent())


def _is_seen(grid: Grid, row_id: int) -> bool:
    query = db.select(grid.model.id).where(grid.model.id == row_id, grid.where)
    return db.session.scalar(query) is not None


def _appeal(
    grid: Grid,
    row_id: int | None,
    values: Mapping[str, Any],
    version: int | None,
    post_id: int | None,
    reason: str,
    locked: Appeal | None,
) -> int:
    if row_id is None or not grid.can_edit:
        raise Refused("sheet.fixed" if row_id is None else "access.not-granted", {"capability": "record"})
    by_step: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        by_step.setdefault(grid.columns[key].write, {})[key] = value
    for name, data in by_step.items():
        if name == "extra":
            written = appeal_fields.write_in(
                grid.actor, row_id, data, version=version, post_id=post_id, reason=reason, locked=locked
            )
            db.session.flush()
            version = None if version is None else written.version
            continue
        if name == "add_note":
            _grow(grid, row_id, data)
        if data:
            done = workflow.step(grid.actor, row_id, name, data, version=version, post_id=post_id)
            version = None if version is None else done.version
    return row_id


def _grow(grid: Grid, row_id: int, data: dict[str, Any]) -> None:
    """A note only grows: what was typed behind the old one is the step's note; without any the step is left out."""
    for key in list(data):
        found = grid_rows.by_ids(grid, [row_id], Query(columns=(key,)))
        rest = cell_edits.added(found[0].cells[key] if found else "", data.pop(key))
        if rest is None:
            raise FieldErrors([FieldProblem(key, "cell.only-grows")])
        if rest:
            data[key] = rest


def _dictionary(
    grid: Grid, row_id: int | None, values: Mapping[str, Any], version: int | None, _post: int | None, reason: str
) -> int:
    """Never with consent: what moves open clocks is told with its form, where one sees what would move."""
    draft = sheets.write_in(grid.actor, grid.source, row_id, values, version=version, reason=reason, consent=Consent())
    if draft.held_back is not None and not reason:
        # Rights of a post are asked for in the form, with a reason, and wait for the security officer.
        raise FieldErrors(FieldProblem(key, "cell.in-form") for key in values)
    db.session.flush()
    return int(draft.row.id)


def _own(
    grid: Grid, row_id: int | None, values: Mapping[str, Any], version: int | None, _post: int | None, _reason: str
) -> int:
    return int(own_rows.write_in(grid.actor, grid.source, row_id, values, version=version).id)


_WRITERS = {"dictionary": _dictionary, "own": _own}


# --- requests ---------------------------------------------------------------------------------------------------


def edit(
    grid: Grid,
    row_id: int,
    values: Mapping[str, Any],
    version: int,
    *,
    request_key: str,
    post_id: int | None = None,
    reason: str = "",
) -> Answer:
    """Write cells of one row: all of them or none. Raises `Stale` with the row as it is now, and as `write_in`."""
    with refusals(grid, row_id), transaction():
        began = change_sets.begin(grid, "cell", request_key, post_id=post_id, expected=1)
        if began.is_repeat:
            return change_sets.told_again(grid, began.id)
        [made] = grid_cells.ready(grid, [values])
        if made.problems:
            raise FieldErrors(made.problems)
        before, locked = _before(grid, row_id, tuple(values))
        if before.version != version:
            raise Conflict("row.stale")
        write_in(grid, row_id, made.values, version, post_id=post_id, reason=reason, is_seen=True, locked=locked)
        after = grid_rows.one(grid, row_id)
        outcome = outcome_of(row_id, before, after, values)
        change_sets.record(began.id, [outcome], expected=1)
        return Answer(began.id if outcome.is_done else None, (after,) if after else ())


def add(grid: Grid, values: Mapping[str, Any], *, request_key: str, post_id: int | None = None) -> Answer:
    """A new row. Raises what `write_in` raises."""
    with refusals(grid), transaction():
        began = change_sets.begin(grid, "new", request_key, post_id=post_id)
        if began.is_repeat:
            return change_sets.told_again(grid, began.id)
        [made] = grid_cells.ready(grid, [values], is_new=True)
        if made.problems:
            raise FieldErrors(made.problems)
        row_id = write_in(grid, None, made.values, None, post_id=post_id)
        after = grid_rows.one(grid, row_id)
        change_sets.record(began.id, [created(row_id, after, values)])
        return Answer(began.id, (after,) if after else ())


def remove(grid: Grid, row_id: int, version: int, *, request_key: str, post_id: int | None = None) -> Answer:
    """Take a row to the trash. Raises `Stale`, NotFound("row.unknown"), Refused("sheet.fixed") and what keeps it."""
    with refusals(grid, row_id), transaction():
        began = change_sets.begin(grid, "delete", request_key, post_id=post_id)
        if began.is_repeat:
            return change_sets.told_again(grid, began.id)
        before = _cells(grid, row_id, ())
        remove_in(grid, row_id, version, post_id=post_id)
        db.session.flush()
        change_sets.record(began.id, [Outcome(row_id, "remove", old=before.cells, version=version_of(grid, row_id))])
        return Answer(began.id)


@contextmanager
def refusals(grid: Grid, row_id: int | None = None) -> Iterator[None]:
    """Around a transaction: what it refuses as the grid tells it, and what a dictionary keeps in memory read again."""
    try:
        yield
    except Conflict as error:
        if error.code in _STALE and row_id is not None:
            current = grid_rows.one(grid, row_id)
            if current is not None:
                raise Stale(current) from error
        told = at_cell(grid, error)
        if told is error:
            raise
        raise told from error
    finally:
        if grid.family == "dictionary":
            sheets.forget(grid.source)


def at_cell(grid: Grid, error: Conflict) -> RuleError:
    """A refusal of the database as the problem of the cell that its constraint is about."""
    own_id = grid.source.id if grid.family == "own" else None
    taken = field_values.taken(error, definitions.current().of(grid.table, own_id))
    if taken is not None:
        return taken
    return sheets.at_field(grid.source, error) if grid.family == "dictionary" else error


def locks(grid: Grid, keys: Collection[str]) -> bool:
    """Whether rows are locked as they are read: appeals of which no step of the workflow writes a cell."""
    return grid.family == "appeals" and all(grid.columns[key].write == "extra" for key in keys)


def _before(grid: Grid, row_id: int, keys: tuple[str, ...]) -> tuple[Row, Appeal | None]:
    """The row before it is changed; an appeal whose own steps are not asked is locked with it."""
    if locks(grid, keys):
        return grid_rows.locked(grid, row_id, keys)
    return _cells(grid, row_id, keys), None


def _cells(grid: Grid, row_id: int, keys: tuple[str, ...]) -> Row:
    """The row before it is changed. Raises NotFound("row.unknown")."""
    found = grid_rows.by_ids(grid, [row_id], Query(columns=keys))
    if not found:
        raise NotFound("row.unknown", {"id": row_id})
    return found[0]


def version_of(grid: Grid, row_id: int) -> int | None:
    """The version of a row whatever the reader sees of it; None when it is gone."""
    found: int | None = db.session.scalar(db.select(grid.model.version).where(grid.model.id == row_id))
    return found


def outcome_of(row_id: int, before: Row, after: Row | None, keys: Mapping[str, Any]) -> Outcome:
    """What a write made of the cells that were sent; of a row that left the reader's sight nothing is known."""
    if after is None:
        return Outcome(row_id, version=before.version + 1)
    old, new = cell_edits.moved(before.cells, {key: after.cells[key] for key in keys if key in after.cells})
    return Outcome(row_id, old=old, new=new, version=after.version)


def created(row_id: int, after: Row | None, keys: Mapping[str, Any]) -> Outcome:
    """A new row with the cells that were sent."""
    new = {key: after.cells[key] for key in keys if key in after.cells} if after else {}
    return Outcome(row_id, "create", new=new, version=after.version if after else None)
