"""Flask-AppBuilder over the dictionaries: one family of views, generated from the declarations of app/sheets.py.

Lists, filters and forms are the framework's; no write is. Its data model's add, edit and delete call the one
write path, and what that refuses stands at the field it is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import ModelView, expose, has_access
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.urltools import get_order_args
from flask_appbuilder.widgets import FormWidget, ListWidget, SearchWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app import extra_forms, people_choices, sheet_children, sheet_panels, sheet_words, signing
from app.clock_views import onward, tell_saved
from app.consent import consent
from app.messages import sentence, sentences_of
from app.rules.entries import Field, Kind
from app.rules.errors import Conflict, FieldErrors, RuleError
from app.services import present, sheet_access, sheet_bulk, sheet_history, sheet_views, sheets
from app.services.clock_recounts import SHEETS as MOVING
from app.services.clock_recounts import MovesClocks
from app.services.definitions import PREFIX, Defined
from app.services.sheet_rows import Sheet
from app.sheet_actions import acts_of, form_for, perform, require_some, told, workbook
from app.sheet_filters import BASE_FILTERS, chips, comparisons, offered, query_of, read, term_of, unreadable
from app.sheet_forms import choices, form_field, form_of, on_form, referred
from app.sheet_interface import COUNT_CAP, LONGEST_PAGE, Entry, ServiceInterface
from app.sheets import BY_CODE, view_name
from app.standing import current_actor


class SheetFormWidget(FormWidget):
    """A generated form with what belongs to no field above it."""

    template = "dictionary/form.html"


class SheetListWidget(ListWidget):
    """Rows that are taken out of use, not deleted."""

    template = "dictionary/rows.html"


class SheetSearchWidget(SearchWidget):
    """The filters that are set, as chips, and the rows in which more are entered (frontend/src/filters.ts)."""

    template = "dictionary/filters.html"

    def __call__(self, **kwargs: Any) -> str:
        """With what each comparison of each field takes, and what is set."""
        form, sheet = self.template_args["form"], self.template_args["sheet"]
        fields = offered(sheet)
        data = {
            "labels": {field.name: str(field.label) for field in fields},
            "fields": {field.name: form[field.name]() for field in fields},
            "comparisons": {
                field.name: [{"name": str(one.name), "takes": one.takes} for one in comparisons(sheet, field)]
                for field in fields
            },
            "active": [
                (one.column_name, str(one.name), values)
                for one, values in zip(self.filters.filters, self.filters.values, strict=True)
                if hasattr(one, "takes")
            ],
        }
        return str(super(SearchWidget, self).__call__(data=data, chips=chips(self.filters), **kwargs))


class SheetView(ModelView):
    """What the views of all dictionaries have in common; each is made by `view_of`."""

    sheet: Sheet
    datamodel: ServiceInterface
    method_permission_name = {  # noqa: RUF012
        "list": "read",
        "keep": "read",
        "show": "read",
        "add": "write",
        "edit": "write",
        "delete": "write",
        "action_post": "write",
        "export": "write",
        "history": "write",
    }
    list_template = "dictionary/list.html"
    show_template = "dictionary/show.html"
    list_widget = SheetListWidget
    add_widget = edit_widget = SheetFormWidget

    @expose("/list/")
    @has_access
    def list(self) -> ResponseReturnValue:
        """One page of the sheet, filtered and ordered as the address says."""
        sheet_access.require_reader(current_actor(), self.sheet)
        if not request.args and (kept := sheet_views.kept(current_actor(), self.sheet.code)):
            return redirect(f"{request.path}?{kept}")
        self.update_redirect()
        filters, order = read(self.datamodel, request.args), self._order()
        widgets = self._get_list_widget(
            filters=filters,
            order_column=order[0],
            order_direction=order[1],
            page=min(_whole(f"page_{self.endpoint}"), COUNT_CAP),
            page_size=min(_whole(f"psize_{self.endpoint}") or self.page_size, LONGEST_PAGE),
        )
        widgets["search"] = SheetSearchWidget(form=self.search_form.refresh(), filters=filters, sheet=self.sheet)
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=widgets,
            sheet=self.sheet,
            term=term_of(request.args),
            kept_url=url_for(f"{self.endpoint}.keep"),
            keeps=sheet_access.keeps(current_actor(), self.sheet),
            acts=acts_of(self.sheet),
            export_url=url_for(f"{self.endpoint}.export", **request.args.to_dict(flat=False)),
            said=query_of(self.sheet, request.args, self.endpoint),
            panels=sheet_panels.of_list(self.sheet),
        )

    @expose("/keep", methods=["POST"])
    @has_access
    def keep(self) -> ResponseReturnValue:
        """Filter and order as asked, open the list like that from now on, and lead to the address that says so."""
        sheet_access.require_reader(current_actor(), self.sheet)
        sent = self._asked()
        column, _colon, direction = sent.get("order", "").partition(":")
        if column in self.order_columns:
            sent[f"_oc_{self.endpoint}"], sent[f"_od_{self.endpoint}"] = column, direction
        for label in unreadable(read(self.datamodel, sent)):
            flash(_("%(field)s: this filter cannot be read and finds nothing.", field=label), "warning")
        query = query_of(self.sheet, sent, self.endpoint, without=sent.get("without", ""))
        sheet_views.keep(current_actor(), self.sheet.code, query)
        term = urlencode({"q": term_of(sent)}) if term_of(sent) else ""
        said = "&".join(filter(None, (query, term)))
        return redirect(url_for(f"{self.endpoint}.list") + (f"?{said}" if said else ""))

    def _told_extras(self, row: Any) -> list[tuple[str, str]]:
        """What the row holds in fields made at run time."""
        table, extra = row.__tablename__, getattr(row, "extra", None) or {}
        return extra_forms.pairs(current_actor(), table, extra)

    def _asked(self) -> MultiDict[str, str]:
        """What the form asks for: nothing, one of the sheet's ready filters, or what was entered."""
        if "reset" in request.form:
            return MultiDict()
        ready = request.form.get("preset", type=int)
        if ready is not None and 0 <= ready < len(self.sheet.presets):
            return MultiDict(self.sheet.presets[ready][1])
        return request.form.copy()

    def _order(self) -> tuple[str, str]:
        """The order an address asks for, else the sheet's own."""
        column, direction = get_order_args().get(self.endpoint, self.sheet.order)
        return (column, direction) if column in self.order_columns else self.sheet.order

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> ResponseReturnValue:
        """One row with what hangs on it and its last changes."""
        row = self._fetch(pk)
        self.update_redirect()
        return self._shown(row)

    def _shown(self, row: Any, **more: Any) -> str:
        return str(
            self.render_template(
                self.show_template,
                pk=row.id,
                title=f"{self.sheet.label} · {sheet_words.title_of(row)}",
                widgets=self._get_show_widget(row.id, row),
                related_views=[],
                panels=[*sheet_panels.of_row(self.sheet, row), *sheet_children.of_row(self.sheet, row)],
                changes=sheet_panels.changes(self.sheet, row),
                sheet=self.sheet,
                endpoint=self.endpoint,
                row=row,
                today=present.today(),
                keeps=sheet_access.keeps(current_actor(), self.sheet),
                extras=self._told_extras(row),
                **more,
            )
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> ResponseReturnValue:
        """A new row; the address may fill in fields of the empty form."""
        sheet_access.require_keeper(current_actor(), self.sheet)
        fields = on_form(self.sheet, is_new=True)
        blank = {field.name: sheet_words.entered(field, field.default) for field in fields}
        given = {field.name: request.args[field.name] for field in fields if field.name in request.args}
        form = self.add_form(data=blank | dict(sheet_access.defaults_for(current_actor(), self.sheet)) | given)
        if is_sent() and form.validate():
            values = {field.name: form[field.name].data for field in fields}
            values |= extra_forms.sent(request.form, self._extra_fields())
            if self._saved(form, Entry(None, values)):
                return self._onward()
        self._remember(form)
        self._search_people(form, fields)
        self._show_extras(form, None)
        page = self.render_template(
            self.add_template, title=self.add_title, widgets=self._get_add_widget(form=form), related_views=[]
        )
        return page, 422 if form.errors else 200

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> ResponseReturnValue:
        """Change a row; only what was typed over is sent on."""
        row = self._fetch(pk)
        fields = on_form(self.sheet, is_new=False)
        stored = sheet_words.as_entered(self.sheet, row)
        form = self.edit_form(data=stored | {"version": row.version})
        self._keep_choices(form, fields, row)
        if is_sent() and form.validate():
            values = {f.name: form[f.name].data for f in fields if form[f.name].data != stored[f.name]}
            values |= extra_forms.changed(request.form, self._extra_fields(), getattr(row, "extra", None))
            if self._saved(form, Entry(row.id, values, form_version())):
                return onward(self.post_edit_redirect())
        self._remember(form)
        self._search_people(form, fields)
        self._show_extras(form, row)
        widgets = self._get_edit_widget(form=form)
        page = self.render_template(
            self.edit_template, title=f"{self.edit_title} · {sheet_words.title_of(row)}", widgets=widgets, pk=row.id
        )
        return page, 422 if form.errors else 200

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> ResponseReturnValue:
        """Take one row out of use; a refusal is told with its name."""
        row = self._fetch(pk)
        name = sheet_words.title_of(row)
        self.update_redirect()
        try:
            self.datamodel.delete(row)
        except MovesClocks:
            raise
        except RuleError as error:
            flash(f"{name}: {' '.join(sentences_of(error))}", "danger")
        else:
            self._say(_("%(name)s is out of use.", name=name))
        return onward(redirect(self.get_redirect()))

    @expose("/action_post", methods=["POST"])
    @has_access
    def action_post(self) -> ResponseReturnValue:
        """Something done to several rows: each is fetched again, within what the reader may see; asked about first."""
        sheet_access.require_keeper(current_actor(), self.sheet)
        act = next((one for one in acts_of(self.sheet) if one.name == request.form.get("action")), None)
        if act is None:
            abort(404)
        rows = [self._fetch(pk) for pk in dict.fromkeys(request.form.getlist("rowid")[: sheet_bulk.MOST + 1])]
        require_some(rows)
        form, outcomes = form_for(self.sheet, act), None
        if "confirmed" in request.form and act.name != "export":
            outcomes = perform(current_actor(), self.sheet, act, rows, form)
        return self.render_template(
            "dictionary/bulk.html",
            sheet=self.sheet,
            act=act,
            form=form,
            rows=[(row, sheet_words.title_of(row)) for row in rows],
            outcomes={one.row_id: told(one) for one in outcomes} if outcomes is not None else None,
            recount_id=consent().recount_id,
            endpoint=self.endpoint,
        )

    @expose("/export", methods=["POST"])
    @has_access
    def export(self) -> ResponseReturnValue:
        """Every row that the address filters, or the ticked ones, as a workbook; a fresh login and a reason."""
        signing.require_fresh()
        filters = read(self.datamodel, request.args)
        rows = [self._fetch(pk) for pk in request.form.getlist("rowid")[: sheet_bulk.MOST]]
        query = self.datamodel.statement(filters.get_joined_filters(self._base_filters), *self._order())
        if rows:
            query = query.where(self.sheet.model.id.in_([row.id for row in rows]))
        return workbook(current_actor(), self.sheet, query, filters, chosen=len(rows))

    @expose("/history/<pk>")
    @has_access
    def history(self, pk: str) -> ResponseReturnValue:
        """Everything that ever happened to a row and to what hangs on it."""
        row = self._fetch(pk)
        before = _whole("before", longest=18) or None
        children = [(BY_CODE[code], name) for code, name in self.sheet.children.items()]
        page = sheet_history.page(current_actor(), self.sheet, row, children, before=before)
        return self.render_template(
            "dictionary/history.html",
            sheet=self.sheet,
            row=row,
            title=sheet_words.title_of(row),
            items=sheet_words.history_items(self.sheet, children, page.rows),
            older=page.older,
            before=before,
            endpoint=self.endpoint,
        )

    def _fetch(self, pk: str) -> Any:
        """The row within what this reader may see, or 404."""
        sheet_access.require_reader(current_actor(), self.sheet)
        row = self.datamodel.get(pk, self._base_filters)
        if row is None:
            abort(404)
        return row

    def _extra_fields(self) -> list[Defined]:
        return extra_forms.asked(current_actor(), self.sheet.model.__tablename__)

    def _show_extras(self, form: Any, row: Any) -> None:
        """Put the fields made at run time into the form."""
        fields = self._extra_fields()
        values = extra_forms.blank(fields) if row is None else extra_forms.kept(fields, getattr(row, "extra", None))
        if request.method == "POST":
            values = values | extra_forms.sent(request.form, fields)
        form.extra_fields = extra_forms.shown(current_actor(), fields, values, getattr(form, "extra_errors", {}))

    def _saved(self, form: Any, entry: Entry) -> bool:
        """Whether the write path took it; what it refused stands at the fields then."""
        try:
            row = (self.datamodel.add if entry.row_id is None else self.datamodel.edit)(entry)
        except MovesClocks:
            raise  # told on a page of its own (app/clock_views.py)
        except (FieldErrors, Conflict) as error:
            self._put_errors(form, error, entry)
            return False
        self._tell(row)
        return True

    def _tell(self, row: Any) -> None:
        self._say(_("Saved."))

    def _say(self, text: str) -> None:
        if self.sheet.code in MOVING:
            tell_saved(text)
        else:
            flash(text, "success")

    def _put_errors(self, form: Any, error: RuleError, entry: Entry) -> None:
        if isinstance(error, FieldErrors):
            for name, problems in error.by_field().items():
                told = [sentence(problem.code, problem.data) for problem in problems]
                if name in form:
                    form[name].errors = [*form[name].errors, *told]
                elif name.startswith(PREFIX):
                    form.extra_errors = {**getattr(form, "extra_errors", {}), name: told}
                    form.form_errors.append(_("Some fields need your attention."))
                else:
                    form.form_errors.extend(told)
            return
        form.form_errors.extend(sentences_of(error))
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
            for field in on_form(self.sheet, is_new=False)
            if field.kind is not Kind.MOBILE and form[field.name].data != stored[field.name]
        ]

    def _keep_choices(self, form: Any, fields: Sequence[Field], row: Any) -> None:
        """A row out of use that stands in a field stays on offer there."""
        values = sheets.values_of(self.sheet, row)
        for field in fields:
            if field.kind in (Kind.ROW, Kind.ROWS):
                value = values[field.name]
                keep = tuple(value) if isinstance(value, list) else (value,) if value else ()
                known = {str(option.id) for option in referred(field.to)}
                if any(str(one) not in known for one in keep):
                    form[field.name].choices = choices(field, keep, is_multiple=field.kind is Kind.ROWS)

    def _search_people(self, form: Any, fields: Sequence[Field]) -> None:
        """People the form does not hold are found by typing; the one who is chosen stays."""
        for field in fields:
            if field.to == "person" and (attrs := people_choices.searched(referred("person"))):
                chosen, several = form[field.name].data or [], field.kind is Kind.ROWS
                keep = [int(one) for one in (chosen if several else [chosen]) if str(one).isdecimal()]
                form[field.name].choices = choices(field, keep, is_multiple=several)
                form[field.name].render_kw = dict(attrs)

    def _onward(self) -> ResponseReturnValue:
        """Back to the page whose form was sent, else where the framework leads."""
        if "next" in request.form:
            return redirect(signing.safe_next(request.form["next"]))
        return onward(self.post_add_redirect())

    def _remember(self, form: Any) -> None:
        if not form.errors:
            self.update_redirect()


def is_sent() -> bool:
    """Whether a form was sent to be saved; one that its sender wants to look over again is shown again."""
    return request.method == "POST" and "revise" not in request.form


def form_version() -> int:
    """The version of the row that the reader of the sent form saw."""
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _whole(name: str, longest: int = 5) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= longest else 0


def view_of(sheet: Sheet, base_view: type[SheetView] = SheetView) -> type[SheetView]:
    """The view of a sheet: explicit columns, labels and permissions; no route that the sheet does not allow.

    `base_view` has pages that only this sheet has.
    """
    routes = {"list", "show", "keep", "action_post", "export", "history"}
    if sheet.can_add:
        routes.add("add")
    if sheet.can_edit:
        routes.add("edit")
    if sheet.can_remove:
        routes.add("delete")
    routes |= set(base_view.method_permission_name) - set(SheetView.method_permission_name)
    labels = {field.name: field.label for field in sheet.fields}
    labels |= {column: sheet_words.label_of(sheet, column) for column in sheet.columns}
    base = BASE_FILTERS.get(sheet.code)
    asked = {field.name: form_field(field, is_search=True) for field in offered(sheet)}
    search = type(f"{sheet.name}Search", (DynamicForm,), asked)
    columns = {
        "sheet": sheet,
        "datamodel": ServiceInterface(sheet),
        "route_base": f"/dictionary/{sheet.code}",
        "class_permission_name": sheet.name,
        "include_route_methods": routes,
        "base_filters": [["id", base, None]] if base else [],
        "base_order": sheet.order,
        "list_columns": [*sheet.columns],
        "show_columns": [f.name for f in sheet.fields],
        "add_columns": [f.name for f in on_form(sheet, is_new=True)],
        "edit_columns": [f.name for f in on_form(sheet, is_new=False)],
        "search_columns": [f.name for f in offered(sheet)],
        "order_columns": ServiceInterface(sheet).get_order_columns_list(),
        "label_columns": labels,
        "add_form": form_of(sheet, is_new=True),
        "edit_form": form_of(sheet, is_new=False),
        "search_form": search,
        "list_title": sheet.label_plural,
        "show_title": sheet.label,
        "add_title": _l("New: %(what)s", what=sheet.label),
        "edit_title": _l("Edit: %(what)s", what=sheet.label),
        "page_size": 50,
    }
    return type(view_name(sheet), (base_view,), columns)
