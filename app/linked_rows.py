"""From where a row is linked, on its page: the reader's sheets with fields that name it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import url_for

from app import grids
from app.rules.errors import NotFound
from app.services import definitions, linked
from app.services.definitions import Defined
from app.services.grids import Grid
from app.services.linked import Linking
from app.sheets import BY_CODE, view_name


def linked_rows(code: str, row_id: int) -> list[Linking]:
    """The rows that name this one and that the reader of this request may see."""
    return linked.linking(_readable(code, grids.reader()), row_id, english=grids.is_english())


def _readable(code: str, who: grids.Reader) -> Iterator[tuple[Grid, Defined]]:
    known: dict[str, Grid | None] = {}
    for one in linked.fields_to(code):
        sheet = _sheet_of(one)
        if sheet not in known:
            try:
                known[sheet] = grids.grid(sheet, who)
            except NotFound:
                known[sheet] = None
        grid = known[sheet]
        if grid is not None:
            yield grid, one


def _sheet_of(one: Defined) -> str:
    if one.own_sheet_id is not None:
        own = definitions.current().sheet_by_id(one.own_sheet_id)
        return grids.OWN_PREFIX + own.code if own is not None else ""
    if one.table == "appeal":
        return "appeals"
    return next((code for code, sheet in BY_CODE.items() if sheet.model.__tablename__ == one.table), "")


def row_url(grid: Grid, row_id: int) -> str:
    """The page of a row of a sheet; empty for a sheet whose rows have none."""
    if grid.family == "appeals":
        return url_for("AppealView.show", appeal_id=row_id)
    if grid.family == "own":
        return url_for("OwnRowView.show", code=grid.source.code, row_id=row_id)
    return url_for(f"{view_name(BY_CODE[grid.code])}.show", pk=row_id) if grid.code in BY_CODE else ""
