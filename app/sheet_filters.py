"""What a dictionary list can be narrowed by: the comparisons of each kind of field, generated from the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_appbuilder.models.filters import BaseFilter, BaseFilterConverter, Filters
from flask_babel import lazy_gettext as _l
from sqlalchemy import String, cast, false, or_, select

from app.models import Absence, Holding
from app.rules.entries import Kind
from app.services.sheet_rows import REFERENCES
from app.standing import current_actor


class Holds(BaseFilter):
    """A text holds these characters, in either case."""

    name = _l("contains")

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(_like(getattr(self.model, self.column_name), value)) if value else query


class Is(BaseFilter):
    """A code, or a row by its id, is this one."""

    name = _l("is")

    def apply(self, query: Any, value: Any) -> Any:
        field = self.datamodel.sheet.field(self.column_name)
        column = getattr(self.model, field.column)
        if not value:
            return query
        if field.kind is not Kind.ROW:
            return query.where(column == value)
        return query.where(column == int(value) if value.isascii() and value.isdigit() and len(value) < 10 else false())


class IsSo(BaseFilter):
    """A switch is on; anything but y means off."""

    name = _l("is")

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(getattr(self.model, self.column_name).is_(value == "y"))


class Quick(BaseFilter):
    """The search box of a list: name in either language, pinyin initials, code."""

    def apply(self, query: Any, value: Any) -> Any:
        model, found = self.model, []
        for name in ("name", "name_en", "code", "short_name", "title", "title_en", "address"):
            if hasattr(model, name):
                found.append(_like(getattr(model, name), value))
        if hasattr(model, "name_pinyin"):
            found.append(model.name_pinyin.startswith(value.lower(), autoescape=True))
        for field in self.datamodel.sheet.fields:
            if field.kind is Kind.ROW:
                other, _which = REFERENCES[field.to]
                is_meant = or_(
                    _like(other.name, value), other.name_pinyin.startswith(value.lower(), autoescape=True)
                )
                found.append(getattr(model, field.column).in_(select(other.id).where(is_meant)))
        return query.where(or_(*found)) if found else query


class AbsencesInSight(BaseFilter):
    """The system officer keeps all absences; a responsible leader sees those of his posts' people."""

    def apply(self, query: Any, value: Any) -> Any:
        granted = current_actor().grants
        if granted.can("system"):
            return query
        posts = [grant.post_id for grant in granted.grants if grant.capability == "oversee"]
        held = select(Holding.person_id).where(Holding.post_id.in_(posts))
        return query.where(Absence.person_id.in_(held))


BASE_FILTERS: Mapping[str, Any] = {"absences": AbsencesInSight}
COMPARISONS: Mapping[Kind, tuple[type[BaseFilter], ...]] = {
    Kind.TEXT: (Holds,),
    Kind.LONG: (Holds,),
    Kind.CHOICE: (Is,),
    Kind.ROW: (Is,),
    Kind.BOOL: (IsSo,),
    Kind.DATE: (Holds,),
}


def _like(column: Any, value: str) -> Any:
    text = column if isinstance(column.type, String) else cast(column, String)
    return text.icontains(value.replace("\x00", "")[:100], autoescape=True)


class SheetFilters(BaseFilterConverter):
    """The filters that the declaration of a sheet offers."""

    def convert(self, col_name: str) -> list[BaseFilter]:
        """The filters of a field; none for a field that is not to be searched."""
        field = next((one for one in self.datamodel.sheet.fields if one.name == col_name), None)
        kinds = COMPARISONS.get(field.kind, ()) if field is not None and field.searchable else ()
        return [kind(col_name, self.datamodel) for kind in kinds]


class OfferedFilters(Filters):
    """Filters of an address; what is not offered is left out rather than an error of ours."""

    def add_filter_index(self, column_name: str, filter_instance_index: int, value: Any) -> None:
        """Add the filter with that digit, if there is one."""
        if filter_instance_index < len(self._all_filters.get(column_name, ())):
            super().add_filter_index(column_name, filter_instance_index, value)
