"""A sheet as the grid knows it: its columns, the rows this reader may see, the orders whose places are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement

from app.rules.errors import NotFound
from app.rules.query import Order
from app.rules.values import ValueKind
from app.services.actors import Actor
from app.services.grid_columns import Column


@dataclass(frozen=True)
class Grid:
    """One sheet for one reader. `where` is the visibility clause; `family` says who writes: appeals, dictionary, own.

    `counted`: the orders in which the place of a row is known exactly (app/services/grid_places.py): by column, the
    name of its counts; `classes` are the channel classes the reader sees there, None for what is not counted.
    `source` is what the family needs to write: the dictionary sheet, the own sheet. `statements` are what was made of
    it already, for as long as it is kept (app/services/grid_rows.py).
    """

    code: str
    label: str
    model: Any
    columns: Mapping[str, Column]
    where: ColumnElement[bool]
    order: tuple[Order, ...]
    family: str
    actor: Actor
    source: Any = None
    counted: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    classes: frozenset[str] | None = None
    can_add: bool = False
    can_edit: bool = False
    can_remove: bool = False
    title: str = ""
    intro: str = ""
    statements: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def table(self) -> str:
        """The table of its rows: what the feed of changes calls them."""
        return str(self.model.__tablename__)

    @property
    def kinds(self) -> Mapping[str, ValueKind]:
        """The kinds of its columns by key: what a query is checked against."""
        return {key: column.kind for key, column in self.columns.items()}

    def column(self, key: str) -> Column:
        """The column of that key. Raises NotFound("query.unknown-field")."""
        if key not in self.columns:
            raise NotFound("query.unknown-field", {"field": key[:40]})
        return self.columns[key]
