"""From where a row is linked: the rows of other sheets whose fields name it, as far as their reader sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.models import db
from app.rules.values import ValueKind
from app.services import definitions
from app.services.definitions import Defined
from app.services.grid_columns import stored
from app.services.grids import Grid

SHOWN = 20
# Fields of these kinds refer to rows of one sheet, whatever they are called.
_ALWAYS = {ValueKind.PERSON: "people", ValueKind.UNIT: "units", ValueKind.POST: "posts"}


@dataclass(frozen=True, slots=True)
class Linking:
    """The rows of one sheet that name a row in one field: (id, what it is called); `is_more` than are shown."""

    grid: Grid
    label: str
    rows: tuple[tuple[int, str], ...]
    is_more: bool


def fields_to(code: str) -> Iterator[Defined]:
    """Every field made at run time that leads to the sheet of that code.

    On the appeals only those with an index: nobody reads a million rows to see that none is linked.
    """
    for (table, _own), fields in definitions.current().fields.items():
        for one in fields:
            leads = one.to if one.kind is ValueKind.LINK else _ALWAYS.get(one.kind, "")
            if leads == code and (table != "appeal" or one.is_indexed or one.is_unique):
                yield one


def linking(grids: Iterable[tuple[Grid, Defined]], row_id: int, *, english: bool) -> list[Linking]:
    """What names the row, sheet by sheet and field by field, the newest rows first; a statement for each field."""
    found = []
    for grid, one in grids:
        if one.key not in grid.columns:
            continue
        title = grid.columns.get(grid.title)
        shown: Any = (title.name if title.name is not None else title.sql) if title is not None else grid.model.id
        value = stored(one.table, one.code, one.kind)
        query = select(grid.model.id, shown).where(grid.where, value == row_id)
        rows = db.session.execute(query.order_by(grid.model.id.desc()).limit(SHOWN + 1)).all()
        if rows:
            label = one.label_en if english else one.label
            named = tuple((found_id, str(name or f"#{found_id}")) for found_id, name in rows[:SHOWN])
            found.append(Linking(grid, label, named, len(rows) > SHOWN))
    return found
