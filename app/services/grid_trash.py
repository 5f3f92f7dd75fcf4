"""Deleted rows of a sheet: own rows in the trash, rows of a dictionary that were switched off; taking them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, false, select, true
from sqlalchemy.orm import aliased

from app.models import Journal, OwnRow, Person, db
from app.rules.errors import NotFound, Refused
from app.services import change_sets, grid_rows, own_rows, sheets
from app.services.change_sets import Answer, Outcome
from app.services.clock_recounts import Consent
from app.services.grid_edits import refusals, version_of
from app.services.grids import Grid
from app.services.transaction import transaction

MOST = 200


@dataclass(frozen=True, slots=True)
class Trashed:
    """A deleted row, by what it is called; when and by whom it was deleted, as far as that is known."""

    id: int
    version: int
    title: str
    at: datetime | None
    person: Person | None


def trash(grid: Grid, term: str = "") -> list[Trashed]:
    """The deleted rows of the sheet that the reader may take back, those deleted last first; at most MOST.

    `term`: those alone that are called so, in part.
    """
    if not grid.can_remove:
        return []
    return _own(grid, term.strip()) if grid.family == "own" else _switched_off(grid, term.strip())


def _called(title: Any, term: str) -> ColumnElement[bool]:
    return cast(title, Text).icontains(term, autoescape=True) if term else true()


def _own(grid: Grid, term: str) -> list[Trashed]:
    title = grid.columns[grid.title].sql if grid.title in grid.columns else OwnRow.id
    query = (
        select(OwnRow.id, OwnRow.version, title, OwnRow.deleted_at, Person)
        .join(Person, Person.id == OwnRow.deleted_by_id, isouter=True)
        .where(_deleted(grid), _called(title, term))
        .order_by(OwnRow.deleted_at.desc(), OwnRow.id.desc())
    )
    return [
        Trashed(row_id, version, str(name or row_id), at, person)
        for row_id, version, name, at, person in db.session.execute(query.limit(MOST))
    ]


def _switched_off(grid: Grid, term: str) -> list[Trashed]:
    model, past, who = grid.model, aliased(Journal), aliased(Person)
    title = grid.columns[grid.title].sql
    last = (
        select(past.id)
        .where(
            past.object_type == grid.table,
            past.object_id == model.id,
            past.new["active"].astext == "false",
        )
        .order_by(past.id.desc())
        .limit(1)
        .correlate(model)
        .scalar_subquery()
    )
    query = (
        select(model.id, model.version, title, Journal.at, who)
        .select_from(model)
        .join(Journal, Journal.id == last, isouter=True)
        .join(who, who.id == Journal.person_id, isouter=True)
        .where(_deleted(grid), _called(title, term))
        .order_by(Journal.id.desc().nulls_last(), model.id)
    )
    return [
        Trashed(row_id, version, str(name or row_id), at, person)
        for row_id, version, name, at, person in db.session.execute(query.limit(MOST))
    ]


def _deleted(grid: Grid) -> ColumnElement[bool]:
    """SQL: the rows of the sheet's trash."""
    if grid.family == "own":
        return and_(OwnRow.sheet_id == grid.source.id, OwnRow.deleted_at.is_not(None))
    if grid.family == "dictionary" and grid.source.has_switch:
        return and_(grid.where, grid.model.active.is_(False))
    return false()


def restore(grid: Grid, row_id: int, *, request_key: str) -> Answer:
    """Take a row back. Raises NotFound("row.unknown") for one that is not in the trash."""
    with refusals(grid, row_id), transaction():
        began = change_sets.begin(grid, "restore", request_key)
        if began.is_repeat:
            return change_sets.told_again(grid, began.id)
        restore_in(grid, row_id)
        db.session.flush()
        change_sets.record(began.id, [Outcome(row_id, "restore", version=version_of(grid, row_id))])
        row = grid_rows.one(grid, row_id)
        return Answer(began.id, (row,) if row else ())


def restore_in(grid: Grid, row_id: int) -> None:
    """`restore` inside the open transaction of the caller."""
    query: Any = select(grid.model.id).where(grid.model.id == row_id, _deleted(grid))
    if db.session.scalar(query) is None:
        raise NotFound("row.unknown", {"id": row_id})
    if not grid.can_remove:
        raise Refused("sheet.fixed")
    if grid.family == "own":
        own_rows.restore_in(grid.actor, grid.source, row_id)
    else:
        sheets.write_in(grid.actor, grid.source, row_id, {"active": True}, consent=Consent())
