"""The data model of the dictionaries: reading by SQL of ours, writing through the one write path.

Its add, edit and delete call app/services/sheets.py, which commits; the framework's own would commit by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.models.filters import Filters
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from app import sheet_words
from app.consent import consent
from app.models import DutySeat, DutyShift
from app.rules.entries import Kind, Place
from app.services import sheet_access, sheets
from app.services.sheet_rows import REFERENCES, Sheet
from app.sheet_filters import OfferedFilters, SheetFilters, offered
from app.standing import current_actor

COUNT_CAP = 1000
LONGEST_PAGE = 100


@dataclass(frozen=True)
class Entry:
    """What is handed to the data model instead of a row: which one, the values sent, the version they were read at."""

    row_id: int | None
    values: Mapping[str, object]
    version: int | None = None
    reason: str = ""


class ServiceInterface(SQLAInterface):
    """A dictionary for the framework: reading by SQL of ours, writing through app/services/sheets.py alone."""

    filter_converter_class = SheetFilters

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        super().__init__(sheet.model)

    def add(self, item: Entry, commit: bool = True) -> Any:
        """Write a new row through the service."""
        return sheets.save(
            current_actor(), self.sheet, None, item.values, reason=item.reason, consent=consent()
        )

    def edit(self, item: Entry, commit: bool = True) -> Any:
        """Change a row through the service."""
        return sheets.save(
            current_actor(),
            self.sheet,
            item.row_id,
            item.values,
            version=item.version,
            reason=item.reason,
            consent=consent(),
        )

    def delete(self, item: Any, commit: bool = True) -> None:
        """Take a row out of use through the service."""
        sheets.remove(current_actor(), self.sheet, item.id, consent=consent())

    def delete_all(self, items: Sequence[Any]) -> None:
        """Take rows out of use, each by itself."""
        for item in items:
            self.delete(item)

    def get_filters(self, search_columns: Any = None, search_filters: Any = None) -> Filters:
        """Filters that know what is offered."""
        return OfferedFilters(self.filter_converter_class, self, search_columns or [], search_filters)

    def get_columns_list(self) -> list[str]:
        """The declared fields, and what else a reader may filter by."""
        return list(dict.fromkeys(field.name for field in (*self.sheet.fields, *offered(self.sheet))))

    get_user_columns_list = get_columns_list

    def get_search_columns_list(self) -> list[str]:
        """The fields a reader may filter by."""
        return [field.name for field in offered(self.sheet)]

    def get_order_columns_list(self, list_columns: list[str] | None = None) -> list[str]:
        """The fields a list can be ordered by."""
        return [f.name for f in self.sheet.fields if f.orderable or f.place in (Place.LOWER, Place.UPPER)]

    def query(
        self,
        filters: Filters | None = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        select_columns: Any = None,
    ) -> tuple[int, Sequence[Any]]:
        """How many rows, counted no further than needed, and one page of them with what its cells show."""
        statement = self._own()
        if filters is not None:
            statement = filters.apply_all(statement)
        capped = statement.with_only_columns(self.obj.id).order_by(None).limit(COUNT_CAP + 1).subquery()
        count = self.session.scalar(select(func.count()).select_from(capped))
        size = page_size or LONGEST_PAGE
        ordered = self._ordered(statement, order_column, order_direction).offset((page or 0) * size).limit(size)
        rows = self.session.scalars(ordered.options(*self._loading(self.sheet.columns))).unique().all()
        return count, rows

    def statement(self, filters: Filters, order_column: str, order_direction: str) -> Select[Any]:
        """Every row of the filters in this order, with what all its fields show."""
        ordered = self._ordered(filters.apply_all(self._own()), order_column, order_direction)
        return ordered.options(*self._loading([field.name for field in self.sheet.fields]))

    def _own(self) -> Select[Any]:
        """The rows that are this sheet's, and this reader's."""
        return select(self.obj).where(sheet_access.rows_of(current_actor(), self.sheet))

    def get(self, id: Any, filters: Filters | None = None, select_columns: Any = None, **_more: Any) -> Any:
        """The row of that id within the filters, or None."""
        if not str(id).isascii() or not str(id).isdigit() or len(str(id)) > 9:
            return None
        statement = self._own().where(self.obj.id == int(id))
        if filters is not None:
            statement = filters.apply_all(statement)
        every = [field.name for field in self.sheet.fields]
        return self.session.scalars(statement.options(*self._loading(every))).unique().one_or_none()

    def get_values(self, lst: Sequence[Any], list_columns: Sequence[str]) -> list[dict[str, Any]]:
        """The cells of a list."""
        return sheet_words.cells(self.sheet, lst, list_columns)

    def get_values_item(self, item: Any, show_columns: Sequence[str]) -> list[Any]:
        """The fields of a page."""
        return [sheet_words.shown(item, self.sheet.field(name)) for name in show_columns]

    def _ordered(self, statement: Select[Any], name: str, direction: str) -> Select[Any]:
        field = next((one for one in self.sheet.fields if one.name == name), None)
        if field is not None and field.kind is Kind.ROW:
            other, _which = REFERENCES[field.to]
            key = other.number if field.to.endswith("post") else other.by_sound
            # Posts and units by what they are called, not by when they were entered.
            columns = [select(key).where(other.id == getattr(self.obj, field.column)).scalar_subquery(), *self._next()]
        elif field is not None and field.place in (Place.LOWER, Place.UPPER):
            bound = func.lower if field.place is Place.LOWER else func.upper
            columns = [bound(self.obj.valid)]
        elif name == "rule":
            columns = [func.length(self.obj.rule), self.obj.rule]  # R2 before R11
        elif name == "name" and hasattr(self.obj, "name_pinyin"):
            columns = [self.obj.by_sound]
        else:
            columns = [getattr(self.obj, name)]
        columns.append(self.obj.id)
        return statement.order_by(*(c.desc() if direction == "desc" else c.asc() for c in columns))

    def _next(self) -> list[Any]:
        return [getattr(self.obj, name) for name in ("role", "link") if hasattr(self.obj, name)]

    def _loading(self, names: Sequence[str]) -> list[Any]:
        fields = {field.name: field for field in self.sheet.fields}
        loaded = [
            joinedload(getattr(self.obj, name))
            for name in names
            if name in fields and fields[name].kind is Kind.ROW and hasattr(self.obj, name)
        ]
        if self.obj is DutyShift:
            loaded.append(selectinload(DutyShift.seats).joinedload(DutySeat.person))
        return loaded
