"""Cells changed together, as they are kept: what they held and hold, what was refused, what a repeat is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_once

from app.models import ChangeSet, ChangeSetRow, Task, db
from app.rules.cell_edits import unnamed
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound, RuleError
from app.rules.query import Query
from app.services import copies, grid_rows
from app.services.grid_rows import Row
from app.services.grids import Grid

LONGEST_KEY, MOST_LISTED = 64, 50
_COLUMNS = ("change_set_id", "row_id", "what", "row_version", "problem", "old", "new")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a cell was not written: of the row with that id, or of the new row of that place."""

    row_id: int | None
    new: int | None
    field: str
    code: str
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a change did. `set_id` is None when no cell holds anything else than before; `task_id`: a job does it."""

    set_id: int | None
    rows: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()
    task_id: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A change set in the open transaction; `is_repeat`: the request was answered before."""

    id: int
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    row_id: int | None
    what: str = "edit"
    old: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    new: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    version: int | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether anything was written."""
        return bool(self.old or self.new or self.what != "edit") and not self.is_refused

    @property
    def is_refused(self) -> bool:
        """Whether it was refused as a whole."""
        return bool(self.problems) and self.version is None and not self.new


def begin(
    grid: Grid, kind: str, request_key: str, *, post_id: int | None = None, expected: int = 0, **spec: Any
) -> Begun:
    """A new change set of this request, or the one that it made when it was sent before.

    `expected`: rows that are all going to be done, as `record` is told too.
    The same request sent twice at one instant waits here for the first. Raises Invalid("request.key-missing") and
    Conflict("request.key-used") for a key that belongs to another request.
    """
    if not 0 < len(request_key) <= LONGEST_KEY:
        raise Invalid("request.key-missing", {"longest": LONGEST_KEY})
    actor = grid.actor
    made = insert_once(ChangeSet.__table__).values(
        sheet=grid.code,
        kind=kind,
        user_id=actor.user_id,
        person_id=actor.person_id,
        post_id=post_id,
        request_key=request_key,
        total=expected,
        done=expected,
        spec={"request": actor.request_id, "only_post": actor.only_post, **spec},
    )
    once = made.on_conflict_do_nothing(constraint="uq_change_set_request").returning(ChangeSet.id)
    set_id = db.session.scalar(once)
    if set_id is not None:
        return Begun(set_id, is_repeat=False)
    query = select(ChangeSet).where(ChangeSet.user_id == actor.user_id, ChangeSet.request_key == request_key)
    known = db.session.scalars(query).one()
    if known.sheet != grid.code or known.kind != kind:
        raise Conflict("request.key-used")
    return Begun(known.id, is_repeat=True)


def record(set_id: int, outcomes: Sequence[Outcome], *, expected: int = 0, **columns: Any) -> None:
    """What became of the rows, written in two statements, in one when it is as `begin` expected."""
    if outcomes:
        kept = [_kept(set_id, one) for one in outcomes]
        db.session.execute(insert(ChangeSetRow.__table__), kept if len(kept) > 1 else kept[0])
    done, refused = sum(one.is_done for one in outcomes), sum(bool(one.problems) for one in outcomes)
    if done == len(outcomes) == expected and not refused and not columns:
        return
    values = {"total": len(outcomes), "done": done, "refused": refused, **columns}
    statement = update(ChangeSet).where(ChangeSet.id == set_id).values(**values)
    db.session.execute(statement.execution_options(synchronize_session=False))


def append(set_id: int, outcomes: Sequence[Outcome]) -> None:
    """What became of more rows of a change set that is written part by part."""
    done, refused = sum(one.is_done for one in outcomes), sum(bool(one.problems) for one in outcomes)
    append_lines(set_id, [line(set_id, one) for one in outcomes], done=done, refused=refused)


def append_lines(set_id: int, lines: Sequence[str], *, done: int, refused: int) -> None:
    """`append` for rows that are written already, by `line` or `line_of`."""
    copies.lines_into("change_set_row", _COLUMNS, lines)
    values = {
        "total": ChangeSet.total + len(lines), "done": ChangeSet.done + done, "refused": ChangeSet.refused + refused,
    }  # fmt: skip
    statement = update(ChangeSet).where(ChangeSet.id == set_id).values(**values)
    db.session.execute(statement.execution_options(synchronize_session=False))


def line(set_id: int, one: Outcome) -> str:
    """What became of a row, as COPY takes it."""
    old, new = (copies.cell(copies.document(unnamed(cells))) for cells in (one.old, one.new))
    problem = problems_kept(one.problems)
    told = None if problem is None else copies.document(problem)
    return line_of(set_id, one.row_id, one.what, one.version, old, new, copies.cell(told))


def line_of(
    set_id: int, row_id: int | None, what: str, version: int | None, old: str = "{}", new: str = "{}",
    problem: str = copies.NOTHING,
) -> str:  # fmt: skip
    """`line` of what is written as cells already (app/services/copies.py)."""
    which, at = (copies.NOTHING if one is None else one for one in (row_id, version))
    return f"{set_id}\t{which}\t{what}\t{at}\t{problem}\t{old}\t{new}"


def _kept(set_id: int, one: Outcome) -> dict[str, Any]:
    return {
        "change_set_id": set_id,
        "row_id": one.row_id,
        "what": one.what,
        "old": unnamed(one.old),
        "new": unnamed(one.new),
        "row_version": one.version,
        "problem": problems_kept(one.problems),
    }


def problems_kept(problems: Iterable[Problem]) -> dict[str, Any] | None:
    """Problems as JSON: codes and what their sentences need, no sentences."""
    found = [{"new": p.new, "field": p.field, "code": p.code, "data": _json(p.data)} for p in problems]
    return {"cells": found} if found else None


def _json(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str | int | float | bool) else str(value) for name, value in data.items()}


def told_again(grid: Grid, set_id: int) -> Answer:
    """The answer to a request that was answered before: its rows as they are now, the problems as they were."""
    found = db.session.get_one(ChangeSet, set_id, populate_existing=True)
    rows = db.session.scalars(
        select(ChangeSetRow).where(ChangeSetRow.change_set_id == set_id).order_by(ChangeSetRow.id)
    )
    ids, problems = [], []
    for row in rows:
        problems += problems_of(row)
        if row.row_id is not None and row.row_version is not None:
            ids.append(row.row_id)
    there = {one.id: one for one in grid_rows.by_ids(grid, ids, Query())} if ids else {}
    shown = tuple(there[one] for one in ids if one in there)
    has_done = found.done or found.state != "done"
    return Answer(found.id if has_done else None, shown, tuple(problems), found.task_id)


def problems_of(row: ChangeSetRow) -> list[Problem]:
    """What was refused of a row."""
    kept = (row.problem or {}).get("cells", ())
    return [Problem(row.row_id, one["new"], one["field"], one["code"], one["data"]) for one in kept]


def problems_from(
    error: RuleError, keys: Iterable[str], *, row_id: int | None = None, new: int | None = None
) -> tuple[Problem, ...]:
    """A refusal as problems of cells: at the fields it names, else at every cell that was sent."""
    if isinstance(error, FieldErrors):
        return tuple(Problem(row_id, new, one.field, one.code, one.data) for one in error.problems)
    named = [error.field] if error.field else list(keys) or [""]
    return tuple(Problem(row_id, new, one, error.code, error.data) for one in named)


def own(grid: Grid, set_id: int) -> ChangeSet:
    """The caller's own change set of this sheet, locked. Raises NotFound("change-set.unknown")."""
    query = select(ChangeSet).where(
        ChangeSet.id == set_id, ChangeSet.user_id == grid.actor.user_id, ChangeSet.sheet == grid.code
    )
    found = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound("change-set.unknown", {"id": set_id})
    return found


def is_running(found: ChangeSet) -> bool:
    """Whether a job still writes it; one whose job failed or was cancelled is as it was left."""
    if found.state not in ("pending", "running") or found.task_id is None:
        return False
    state = db.session.scalar(select(Task.state).where(Task.id == found.task_id))
    return state in ("pending", "running")


def mine(grid: Grid) -> list[ChangeSet]:
    """The caller's last change sets of this sheet that wrote something, newest first."""
    query = select(ChangeSet).where(
        ChangeSet.user_id == grid.actor.user_id,
        ChangeSet.sheet == grid.code,
        (ChangeSet.done > 0) | (ChangeSet.state != "done"),
    )
    return list(db.session.scalars(query.order_by(ChangeSet.id.desc()).limit(MOST_LISTED)))
