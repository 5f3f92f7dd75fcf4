"""Flask-AppBuilder over the dictionaries: one family of views, generated from the declarations of app/sheets.py.

Lists, filters and forms are the framework's; no write is. Its data model's add, edit and delete call the one
write path, and what that refuses stands at the field it is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import ModelView, expose, has_access
from flask_appbuilder.actions import action
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.filters import BaseFilter, BaseFilterConverter, Filters
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.urltools import get_filter_args, get_order_args
from flask_appbuilder.widgets import FormWidget, ListWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import Select, String, cast, false, func, or_, select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from app import sheet_panels, sheet_words, words
from app.messages import sentence
from app.models import Absence, DutySeat, DutyShift, Holding
from app.rules.entries import Field, Kind, Place
from app.rules.errors import Conflict, FieldErrors, RuleError
from app.services import sheets
from app.services.sheet_rows import REFERENCES, Option, Sheet, options
from app.sheets import view_name
from app.standing import current_actor

COUNT_CAP = 1000
LONGEST_PAGE = 100


# --- filters ---------------------------------------------------------------------------------------------------


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
_FILTERS: Mapping[Kind, tuple[type[BaseFilter], ...]] = {
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
        kinds = _FILTERS.get(field.kind, ()) if field is not None and field.searchable else ()
        return [kind(col_name, self.datamodel) for kind in kinds]


class OfferedFilters(Filters):
    """Filters of an address; what is not offered is left out rather than an error of ours."""

    def add_filter_index(self, column_name: str, filter_instance_index: int, value: Any) -> None:
        """Add the filter with that digit, if there is one."""
        if filter_instance_index < len(self._all_filters.get(column_name, ())):
            super().add_filter_index(column_name, filter_instance_index, value)


# --- the data model --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """What is handed to the data model instead of a row: which one, the values sent, the version they were read at."""

    row_id: int | None
    values: Mapping[str, object]
    version: int | None = None


class ServiceInterface(SQLAInterface):
    """A dictionary for the framework: reading by SQL of ours, writing through app/services/sheets.py alone."""

    filter_converter_class = SheetFilters

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        super().__init__(sheet.model)

    def add(self, item: Entry, commit: bool = True) -> Any:
        """Write a new row through the service."""
        return sheets.save(current_actor(), self.sheet, None, item.values)

    def edit(self, item: Entry, commit: bool = True) -> Any:
        """Change a row through the service."""
        return sheets.save(current_actor(), self.sheet, item.row_id, item.values, version=item.version)

    def delete(self, item: Any, commit: bool = True) -> None:
        """Take a row out of use through the service."""
        sheets.remove(current_actor(), self.sheet, item.id)

    def delete_all(self, items: Sequence[Any]) -> None:
        """Take rows out of use, each by itself."""
        for item in items:
            self.delete(item)

    def get_filters(self, search_columns: Any = None, search_filters: Any = None) -> Filters:
        """Filters that know what is offered."""
        return OfferedFilters(self.filter_converter_class, self, search_columns or [], search_filters)

    def get_columns_list(self) -> list[str]:
        """The declared fields."""
        return [field.name for field in self.sheet.fields]

    get_user_columns_list = get_columns_list

    def get_search_columns_list(self) -> list[str]:
        """The fields a reader may filter by."""
        return [field.name for field in self.sheet.fields if field.searchable and field.kind in _FILTERS]

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
        statement: Select[Any] = select(self.obj)
        if filters is not None:
            statement = filters.apply_all(statement)
        capped = statement.with_only_columns(self.obj.id).order_by(None).limit(COUNT_CAP + 1).subquery()
        count = self.session.scalar(select(func.count()).select_from(capped))
        size = page_size or LONGEST_PAGE
        ordered = self._ordered(statement, order_column, order_direction).offset((page or 0) * size).limit(size)
        rows = self.session.scalars(ordered.options(*self._loading(self.sheet.columns))).unique().all()
        return count, rows

    def get(self, id: Any, filters: Filters | None = None, select_columns: Any = None, **_more: Any) -> Any:
        """The row of that id within the filters, or None."""
        if not str(id).isascii() or not str(id).isdigit() or len(str(id)) > 9:
            return None
        statement = select(self.obj).where(self.obj.id == int(id))
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
            key = other.number if field.to.endswith("post") else other.name_pinyin
            # Posts and units by what they are called, not by when they were entered.
            columns = [select(key).where(other.id == getattr(self.obj, field.column)).scalar_subquery(), *self._next()]
        elif field is not None and field.place in (Place.LOWER, Place.UPPER):
            bound = func.lower if field.place is Place.LOWER else func.upper
            columns = [bound(self.obj.valid)]
        elif name == "rule":
            columns = [func.length(self.obj.rule), self.obj.rule]  # R2 before R11
        elif name == "name" and hasattr(self.obj, "name_pinyin"):
            columns = [self.obj.name_pinyin]
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


# --- forms -----------------------------------------------------------------------------------------------------


class Required:
    """Marks a field as required for eye and browser; whether it is filled in judges the service."""

    field_flags = {"required": True}  # noqa: RUF012 - read only

    def __call__(self, _form: Any, _field: Any) -> None:
        """Nothing to do here."""


def _referred(to: str, keep: Sequence[int] = ()) -> list[Option]:
    """Options of a dictionary, read once per request."""
    known: dict[Any, list[Option]] = g.setdefault("sheet_options", {})
    key = (to, tuple(keep))
    if key not in known:
        known[key] = options(to, keep=keep)
    return known[key]


def _choices(field: Field, keep: Sequence[int] = (), *, is_multiple: bool = False) -> list[SelectChoice]:
    if field.kind in (Kind.ROW, Kind.ROWS):
        found = [
            SelectChoice(str(row.id), words.either(row.name, row.name_en), {"data-pinyin": row.pinyin})
            for row in _referred(field.to, keep)
        ]
    else:
        found = [SelectChoice(code, str(label)) for code, label in field.choices.items()]
    return found if is_multiple else [SelectChoice("", ""), *found]


def _yes_no() -> list[SelectChoice]:
    return [SelectChoice("y", _("Yes")), SelectChoice("n", _("No"))]


# How a field that takes text looks to the browser.
_LOOKS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.LONG: {"rows": 4},
    Kind.JSON: {"rows": 4},
    Kind.DATE: {"data-date": True},
    Kind.MOMENT: {"data-datetime": True},
    Kind.INT: {"inputmode": "numeric"},
    Kind.MOBILE: {"inputmode": "tel", "autocomplete": "off"},
}


def _wtf(field: Field, *, is_search: bool = False) -> Any:
    """A declared field as a form field."""
    common: dict[str, Any] = {"label": field.label, "description": "" if is_search else field.help}
    if field.required and not is_search:
        common["validators"] = [Required()]
    if field.kind is Kind.BOOL:
        return SelectField(choices=_yes_no, validate_choice=False, **common) if is_search else BooleanField(**common)
    if field.kind in (Kind.CHOICE, Kind.ROW):
        return SelectField(choices=partial(_choices, field), validate_choice=False, **common)
    if field.kind in (Kind.CHOICES, Kind.ROWS):
        return SelectMultipleField(
            choices=partial(_choices, field, is_multiple=True), validate_choice=False, **common
        )
    looks = dict(_LOOKS.get(field.kind, {}))
    if field.limit:
        looks["maxlength"] = field.limit
    return (TextAreaField if field.kind in (Kind.LONG, Kind.JSON) else StringField)(render_kw=looks, **common)


def _form(sheet: Sheet, *, is_new: bool) -> type[DynamicForm]:
    fields = {f.name: _wtf(f) for f in _on_form(sheet, is_new=is_new)}
    return type(f"{sheet.name}Form", (DynamicForm,), {**fields, "version": HiddenField()})


def _on_form(sheet: Sheet, *, is_new: bool) -> list[Field]:
    return [f for f in sheet.fields if f.on_form and (is_new or not (f.fixed or f.place is Place.NOWHERE))]


def _searched(sheet: Sheet) -> list[Field]:
    return [field for field in sheet.fields if field.searchable and field.kind in _FILTERS]


# --- views -----------------------------------------------------------------------------------------------------


class SheetFormWidget(FormWidget):
    """A generated form with what belongs to no field above it."""

    template = "dictionary/form.html"


class SheetListWidget(ListWidget):
    """Rows that are taken out of use, not deleted."""

    template = "dictionary/rows.html"


class SheetView(ModelView):
    """What the views of all dictionaries have in common; each is made by `view_of`."""

    sheet: Sheet
    datamodel: ServiceInterface
    method_permission_name = {  # noqa: RUF012
        "list": "read",
        "show": "read",
        "add": "write",
        "edit": "write",
        "delete": "write",
        "action_post": "write",
        "retire": "write",
    }
    list_template = "dictionary/list.html"
    show_template = "dictionary/show.html"
    list_widget = SheetListWidget
    add_widget = edit_widget = SheetFormWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.sheet.can_remove:
            self.actions = {}

    @expose("/list/")
    @has_access
    def list(self) -> ResponseReturnValue:
        """One page of the sheet, filtered and ordered as the address says."""
        self.update_redirect()
        get_filter_args(self._filters)
        order = get_order_args().get(self.endpoint, self.sheet.order)
        if order[0] not in self.order_columns:
            order = self.sheet.order
        widgets = self._get_list_widget(
            filters=self._filters,
            order_column=order[0],
            order_direction=order[1],
            page=min(_whole(f"page_{self.endpoint}"), COUNT_CAP),
            page_size=min(_whole(f"psize_{self.endpoint}") or self.page_size, LONGEST_PAGE),
        )
        widgets = self._get_search_widget(form=self.search_form.refresh(), widgets=widgets)
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=widgets,
            sheet=self.sheet,
            term=_term(),
            panels=sheet_panels.of_list(self.sheet),
        )

    def _get_list_widget(self, filters: Any, **kwargs: Any) -> dict[str, Any]:
        """The list of what the address filters and the search box asks for."""
        if not _term():
            return super()._get_list_widget(filters=filters, **kwargs)
        searched = self.datamodel.get_filters(self.search_columns)
        searched.filters, searched.values = [*filters.filters], [*filters.values]
        searched.add_filter("name", Quick, _term())
        return super()._get_list_widget(filters=searched, **kwargs)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> ResponseReturnValue:
        """One row with what hangs on it and its last changes."""
        row = self._fetch(pk)
        self.update_redirect()
        return self.render_template(
            self.show_template,
            pk=row.id,
            title=f"{self.sheet.label} · {sheet_words.title_of(row)}",
            widgets=self._get_show_widget(row.id, row),
            related_views=[],
            panels=sheet_panels.of_row(self.sheet, row),
            changes=sheet_panels.changes(self.sheet, row),
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> ResponseReturnValue:
        """A new row; the address may fill in fields of the empty form."""
        fields = _on_form(self.sheet, is_new=True)
        blank = {field.name: sheet_words.entered(field, field.default) for field in fields}
        given = {field.name: request.args[field.name] for field in fields if field.name in request.args}
        form = self.add_form(data=blank | given)
        if request.method == "POST" and form.validate():
            values = {field.name: form[field.name].data for field in fields}
            if self._saved(form, Entry(None, values)):
                return self.post_add_redirect()
        self._remember(form)
        page = self.render_template(
            self.add_template, title=self.add_title, widgets=self._get_add_widget(form=form), related_views=[]
        )
        return page, 422 if form.errors else 200

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> ResponseReturnValue:
        """Change a row; only what was typed over is sent on."""
        row = self._fetch(pk)
        fields = _on_form(self.sheet, is_new=False)
        stored = sheet_words.as_entered(self.sheet, row)
        form = self.edit_form(data=stored | {"version": row.version})
        self._keep_choices(form, fields, row)
        if request.method == "POST" and form.validate():
            values = {f.name: form[f.name].data for f in fields if form[f.name].data != stored[f.name]}
            if self._saved(form, Entry(row.id, values, _version())):
                return self.post_edit_redirect()
        self._remember(form)
        widgets = self._get_edit_widget(form=form)
        page = self.render_template(
            self.edit_template, title=f"{self.edit_title} · {sheet_words.title_of(row)}", widgets=widgets, pk=row.id
        )
        return page, 422 if form.errors else 200

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> ResponseReturnValue:
        """Take one row out of use."""
        return self.retire([self._fetch(pk)])

    @expose("/action_post", methods=["POST"])
    @has_access
    def action_post(self) -> ResponseReturnValue:
        """Something done to several rows: each is fetched again, within what the reader may see."""
        chosen = self.actions.get(request.form.get("action", ""))
        if chosen is None:
            abort(404)
        rows = [self._fetch(pk) for pk in request.form.getlist("rowid")]
        return chosen.func(rows)

    @action("retire", _l("Take out of use"), _l("Take the chosen rows out of use?"), "fa-box-archive", single=False)
    def retire(self, rows: Sequence[Any]) -> ResponseReturnValue:
        """Each row by itself; what is refused is told with its name, the others are done."""
        self.update_redirect()
        done = 0
        for row in rows:
            name = sheet_words.title_of(row)
            try:
                self.datamodel.delete(row)
            except RuleError as error:
                flash(f"{name}: {' '.join(_sentences(error))}", "danger")
            else:
                done += 1
        if done:
            flash(ngettext("%(num)s row is out of use.", "%(num)s rows are out of use.", done), "success")
        return redirect(self.get_redirect())

    def _fetch(self, pk: str) -> Any:
        """The row within what this reader may see, or 404."""
        row = self.datamodel.get(pk, self._base_filters)
        if row is None:
            abort(404)
        return row

    def _saved(self, form: Any, entry: Entry) -> bool:
        """Whether the write path took it; what it refused stands at the fields then."""
        try:
            (self.datamodel.add if entry.row_id is None else self.datamodel.edit)(entry)
        except (FieldErrors, Conflict) as error:
            self._put_errors(form, error, entry)
            return False
        flash(_("Saved."), "success")
        return True

    def _put_errors(self, form: Any, error: RuleError, entry: Entry) -> None:
        if isinstance(error, FieldErrors):
            for name, problems in error.by_field().items():
                told = [sentence(problem.code, problem.data) for problem in problems]
                if name in form:
                    form[name].errors = [*form[name].errors, *told]
                else:
                    form.form_errors.extend(told)
            return
        form.form_errors.extend(_sentences(error))
        row = self.datamodel.get(entry.row_id, self._base_filters)
        if error.code == "row.stale" and row is not None:
            stored = sheet_words.as_entered(self.sheet, row)
            form.version.data = form.version.raw_data = None
            form.version.data = str(row.version)
            form.form_errors.extend(self._differing(form, row, stored))

    def _differing(self, form: Any, row: Any, stored: Mapping[str, Any]) -> list[str]:
        """What stands there now, where it is not what was typed."""
        return [
            _("%(field)s is now: %(value)s", field=field.label, value=sheet_words.shown(row, field) or "–")
            for field in _on_form(self.sheet, is_new=False)
            if field.kind is not Kind.MOBILE and form[field.name].data != stored[field.name]
        ]

    def _keep_choices(self, form: Any, fields: Sequence[Field], row: Any) -> None:
        """A row out of use that stands in a field stays on offer there."""
        values = sheets.values_of(self.sheet, row)
        for field in fields:
            if field.kind in (Kind.ROW, Kind.ROWS):
                value = values[field.name]
                keep = tuple(value) if isinstance(value, list) else (value,) if value else ()
                known = {str(option.id) for option in _referred(field.to)}
                if any(str(one) not in known for one in keep):
                    form[field.name].choices = _choices(field, keep, is_multiple=field.kind is Kind.ROWS)

    def _remember(self, form: Any) -> None:
        if not form.errors:
            self.update_redirect()


def _sentences(error: RuleError) -> list[str]:
    if isinstance(error, FieldErrors):
        return [sentence(problem.code, problem.data) for problem in error.problems]
    return [sentence(error.code, error.data)]


def _version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _whole(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _term() -> str:
    return request.args.get("q", "").replace("\x00", "").strip()[:60]


def view_of(sheet: Sheet) -> type[SheetView]:
    """The view of a sheet: explicit columns, labels and permissions; no route that the sheet does not allow."""
    routes = {"list", "show"}
    if sheet.can_add:
        routes.add("add")
    if sheet.can_edit:
        routes.add("edit")
    if sheet.can_remove:
        routes |= {"delete", "action_post"}
    labels = {field.name: field.label for field in sheet.fields}
    labels |= {column: sheet_words.label_of(sheet, column) for column in sheet.columns}
    base = BASE_FILTERS.get(sheet.code)
    search = type(f"{sheet.name}Search", (DynamicForm,), {f.name: _wtf(f, is_search=True) for f in _searched(sheet)})
    columns = {
        "sheet": sheet,
        "datamodel": ServiceInterface(sheet),
        "route_base": f"/dictionary/{sheet.code}",
        "class_permission_name": sheet.name,
        "include_route_methods": routes,
        "base_filters": [["id", base, None]] if base else [],
        "base_order": sheet.order,
        "list_columns": [*sheet.columns],
        "show_columns": [f.name for f in sheet.fields if f.place is not Place.NOWHERE],
        "add_columns": [f.name for f in _on_form(sheet, is_new=True)],
        "edit_columns": [f.name for f in _on_form(sheet, is_new=False)],
        "search_columns": [f.name for f in _searched(sheet)],
        "order_columns": ServiceInterface(sheet).get_order_columns_list(),
        "label_columns": labels,
        "add_form": _form(sheet, is_new=True),
        "edit_form": _form(sheet, is_new=False),
        "search_form": search,
        "list_title": sheet.label_plural,
        "show_title": sheet.label,
        "add_title": _l("New: %(what)s", what=sheet.label),
        "edit_title": _l("Edit: %(what)s", what=sheet.label),
        "page_size": 50,
    }
    return type(view_name(sheet), (SheetView,), columns)
