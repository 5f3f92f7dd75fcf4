"""What a cell held before: from the journal, with who wrote it for which post, and the change set it belonged to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from app.models import ChangeSet, ChangeSetRow, Journal, Person, Post, db
from app.rules.errors import NotFound
from app.rules.values import REFERENCES, ValueKind
from app.services import definitions, field_files, grid_options, workflow
from app.services.grid_columns import Column
from app.services.grids import Grid

MOST = 200
_APPEALS = ("ledger", "appeals")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a cell. A reference is `[id, name]` as in a row; `set_id`: the change set, if it was one."""

    at: datetime
    person: Person | None
    post: Post | None
    process: str
    action: str
    old: Any
    new: Any
    why: str
    set_id: int | None


def history(grid: Grid, row_id: int, key: str, *, english: bool) -> list[Change]:
    """The changes of one cell, newest first. Raises NotFound("row.unknown") and NotFound("query.unknown-field")."""
    column = grid.column(key)
    if db.session.scalar(select(grid.model.id).where(grid.model.id == row_id, grid.where)) is None:
        raise NotFound("row.unknown", {"id": row_id})
    names = _names(grid, key)
    query = (
        select(Journal)
        .where(Journal.object_type == grid.table, Journal.object_id == row_id, _tells(names))
        .where(workflow.readable_journal(grid.actor) if grid.family == "appeals" else Journal.id.is_not(None))
        .options(joinedload(Journal.person), joinedload(Journal.post))
        .order_by(Journal.id.desc())
        .limit(MOST)
    )
    rows = [one for one in db.session.scalars(query) if _held(one.old, names) != _held(one.new, names)]
    shown = _shown(grid, column, [_held(side, names) for one in rows for side in (one.old, one.new)], english=english)
    sets = _sets(grid, row_id, {one.request_id for one in rows if one.request_id})
    return [
        Change(
            one.at,
            one.person,
            one.post,
            one.acted_as,
            one.action,
            shown(_held(one.old, names)),
            shown(_held(one.new, names)),
            one.reason,
            sets.get(one.request_id),
        )
        for one in rows
    ]


def _names(grid: Grid, key: str) -> tuple[str, ...]:
    """What the journal may call the column: a field made at run time by its code, an appeal's reference by its id."""
    if grid.columns[key].defined is not None:
        return (key, key.removeprefix(definitions.PREFIX))
    return (key, f"{key}_id") if grid.family == "appeals" else (key,)


def _tells(names: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(side.has_key(name) for side in (Journal.old, Journal.new) for name in names))


def _held(side: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((side[name] for name in names if name in side), None)


def _sets(grid: Grid, row_id: int, requests: set[str]) -> dict[str, int]:
    """Change sets of this row by the request that made them."""
    if not requests:
        return {}
    codes = _APPEALS if grid.family == "appeals" else (grid.code,)
    query = (
        select(ChangeSet.spec["request"].astext, ChangeSet.id)
        .join(ChangeSetRow, ChangeSetRow.change_set_id == ChangeSet.id)
        .where(ChangeSetRow.row_id == row_id, ChangeSet.sheet.in_(codes))
    )
    return {request: set_id for request, set_id in db.session.execute(query) if request in requests}


def _shown(grid: Grid, column: Column, values: list[Any], *, english: bool) -> Any:
    """How a value of the journal is shown: a row of another sheet, kept by id or by code, as `[id, name]`."""
    if column.kind is ValueKind.FILES:
        known = field_files.names(one for value in values for one in value or ())
        return lambda value: [[one, known.get(one, "")] for one in value or ()]
    if column.kind not in REFERENCES:
        return lambda value: value
    found = grid_options.rows_of(grid, column, values, english=english)
    return lambda value: found.get(value, value) if isinstance(value, str | int) else value
