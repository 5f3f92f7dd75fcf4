"""Sheets made at run time: from nothing or from a table somebody brings, named, shared, switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app import field_words, words
from app.messages import by_field, sentence
from app.models import SheetFile
from app.rules.errors import FieldErrors, Invalid
from app.rules.sheet_guess import Guess
from app.rules.values import ValueKind
from app.services import definitions, own_sheets, sheet_rows, tasks
from app.services.own_sheets import OFFERED, Line, Plan
from app.services.workbooks import MAX_BYTES
from app.standing import current_actor

EMPTY_LINES = 8
KINDS: Mapping[ValueKind, Any] = {
    ValueKind.TEXT: _l("Text"),
    ValueKind.LONG: _l("Long text"),
    ValueKind.NUMBER: _l("Numeric value"),
    ValueKind.MONEY: _l("Money"),
    ValueKind.DATE: _l("Date"),
    ValueKind.MOMENT: _l("Moment"),
    ValueKind.BOOL: _l("Yes or no"),
    ValueKind.CHOICE: _l("One choice"),
    ValueKind.CHOICES: _l("Several choices"),
    ValueKind.PERSON: _l("Person"),
    ValueKind.UNIT: _l("Unit"),
    ValueKind.POST: _l("Post"),
}
# A file holds names, and a name is not yet a person: such columns come in as text.
FROM_FILE = tuple(kind for kind in OFFERED if kind not in (ValueKind.PERSON, ValueKind.UNIT, ValueKind.POST))


class OwnSheetsView(BaseView):
    """Where the system officer makes and shares sheets."""

    route_base = "/own-sheets"
    class_permission_name = "OwnSheets"
    method_permission_name = {  # noqa: RUF012
        "index": "read", "new": "write", "upload": "write", "from_file": "write", "show": "read", "edit": "write",
        "switch": "write",
    }  # fmt: skip
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Every sheet that was made, and two ways to a new one."""
        return self._index()

    def _index(self, error: str = "") -> ResponseReturnValue:
        fields = definitions.current().fields
        page = self.render_template("own_sheets/index.html", sheets=own_sheets.listed(), fields=fields, error=error)
        return page, 422 if error else 200

    @expose("/new", methods=("GET", "POST"))
    @has_access
    def new(self) -> ResponseReturnValue:
        """A sheet from nothing: its name, its first fields, who reads and writes it."""
        errors: Mapping[str, list[str]] = {}
        if request.method == "POST":
            try:
                sheet = own_sheets.make(current_actor(), _plan(request.form, _lines(request.form)))
            except FieldErrors as error:
                errors = by_field(error)
            else:
                flash(_("“%(name)s” is made. Fill it in like a spreadsheet.", name=sheet.name), "success")
                return redirect(url_for("GridView.sheet", code=f"own_{sheet.code}"))
        page = self.render_template(
            "own_sheets/new.html", sent=request.form, errors=errors, kinds=_kinds(OFFERED), posts=_posts(),
            lines=range(max(EMPTY_LINES, _count(request.form))),
        )  # fmt: skip
        return page, 422 if errors else 200

    @expose("/upload", methods=("POST",))
    @has_access
    def upload(self) -> ResponseReturnValue:
        """Take a workbook or CSV in; its columns are proposed next."""
        sent = request.files.get("workbook")
        if sent is None or not sent.filename:
            return self._index(sentence("import.no-file", {}))
        try:
            row = own_sheets.hand_in(current_actor(), sent.filename, sent.stream.read(MAX_BYTES + 1))
        except Invalid as error:
            return self._index(sentence(error.code, error.data))
        return redirect(url_for("OwnSheetsView.from_file", file_id=row.id))

    @expose("/from/<int:file_id>", methods=("GET", "POST"))
    @has_access
    def from_file(self, file_id: int) -> ResponseReturnValue:
        """What the columns may become; then the sheet with its rows, or how that went."""
        actor = current_actor()
        row = own_sheets.handed_in(actor, file_id)
        if row.state != "uploaded":
            return self._outcome(row)
        guesses, count = own_sheets.proposal(row)
        errors: Mapping[str, list[str]] = {}
        if request.method == "POST":
            try:
                own_sheets.make_from(actor, file_id, _plan(request.form, _lines(request.form, guesses)))
            except FieldErrors as error:
                errors = by_field(error)
            else:
                return redirect(url_for("OwnSheetsView.from_file", file_id=file_id))
        page = self.render_template(
            "own_sheets/from_file.html", row=row, guesses=guesses, count=count, sent=request.form, errors=errors,
            kinds=_kinds(FROM_FILE), posts=_posts(), proposed_name=row.filename.rsplit(".", 1)[0][:80],
        )  # fmt: skip
        return page, 422 if errors else 200

    def _outcome(self, row: SheetFile) -> ResponseReturnValue:
        refused = [
            (one["row"], one["cells"], [sentence(code, data) for _field, code, data in one["problems"]])
            for one in row.outcome.get("refused", [])
        ]
        status = tasks.describe(row.task_id) if row.task_id else None
        return self.render_template("own_sheets/outcome.html", row=row, refused=refused, status=status)

    @expose("/<int:sheet_id>")
    @has_access
    def show(self, sheet_id: int) -> ResponseReturnValue:
        """Name, description and who reads and writes it."""
        return self._settings(sheet_id, {}, {})

    @expose("/<int:sheet_id>/edit", methods=("POST",))
    @has_access
    def edit(self, sheet_id: int) -> ResponseReturnValue:
        """Save its settings."""
        form = request.form
        try:
            own_sheets.change(
                current_actor(), sheet_id, name=form.get("name", ""), name_en=form.get("name_en", ""),
                intro=form.get("intro", ""), title_field=form.get("title_field", ""), readers=_ids("readers"),
                writers=_ids("writers"), is_open="is_open" in form, version=form.get("version", type=int) or 0,
            )  # fmt: skip
        except FieldErrors as error:
            return self._settings(sheet_id, form, by_field(error))
        flash(_("Saved."), "success")
        return redirect(url_for("OwnSheetsView.show", sheet_id=sheet_id))

    @expose("/<int:sheet_id>/switch", methods=("POST",))
    @has_access
    def switch(self, sheet_id: int) -> ResponseReturnValue:
        """Out of use, or into use again."""
        sheet = own_sheets.switch(current_actor(), sheet_id, active=request.form.get("active") == "1")
        text = _("“%(name)s” is in use again.") if sheet.active else _("“%(name)s” is out of use. Its rows are kept.")
        flash(text % {"name": sheet.name}, "success")
        return redirect(url_for("OwnSheetsView.show", sheet_id=sheet_id))

    def _settings(self, sheet_id: int, sent: Mapping[str, Any], errors: Mapping[str, list[str]]) -> ResponseReturnValue:
        sheet = own_sheets.find(sheet_id)
        page = self.render_template(
            "own_sheets/show.html", sheet=sheet, sent=sent, errors=errors, posts=_posts(),
            kinds={kind: words[0] for kind, words in field_words.KINDS.items()},
            fields=definitions.current().of(definitions.OWN, sheet.id), readers=_ids("readers") if sent else None,
            writers=_ids("writers") if sent else None, either=words.either,
        )  # fmt: skip
        return page, 422 if errors else 200


def _plan(form: MultiDict[str, str], lines: tuple[Line, ...]) -> Plan:
    return Plan(
        form.get("name", ""), form.get("name_en", ""), form.get("intro", ""), lines, tuple(_ids("readers")),
        tuple(_ids("writers")), "is_open" in form,
    )  # fmt: skip


def _lines(form: MultiDict[str, str], guesses: list[Guess] | None = None) -> tuple[Line, ...]:
    """The fields of the form; of a file's columns those that are ticked."""
    found = []
    for n in range(_count(form) if guesses is None else len(guesses)):
        label = form.get(f"label_{n}", "")
        if (guesses is None and not label.strip()) or (guesses is not None and f"take_{n}" not in form):
            continue
        kind = form.get(f"kind_{n}", "text")
        offered = OFFERED if guesses is None else FROM_FILE
        chosen = ValueKind(kind) if kind in {one.value for one in offered} else ValueKind.TEXT
        choices = tuple(dict.fromkeys(one.strip() for one in form.get(f"choices_{n}", "").split("\n") if one.strip()))
        place = guesses[n].place if guesses is not None else -1
        found.append(Line(label, chosen, choices, f"required_{n}" in form, place))
    return tuple(found)


def _count(form: MultiDict[str, str]) -> int:
    numbers = [int(name[6:]) for name in form if name.startswith("label_") and name[6:].isdigit() and len(name) < 10]
    return min(max(numbers, default=-1) + 1, own_sheets.MOST_FIELDS + 1)


def _ids(name: str) -> list[int]:
    return request.form.getlist(name, type=int)


def _posts() -> list[sheet_rows.Option]:
    return sheet_rows.options("post")


def _kinds(offered: tuple[ValueKind, ...]) -> list[tuple[str, Any]]:
    return [(kind.value, KINDS[kind]) for kind in offered]
