"""Fields without code: what the system officer adds to a sheet, changes, puts in order, retires, carries over."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, flash, jsonify, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _

from app import field_places, field_words, formula_check, words
from app.forms import request_key
from app.messages import by_field, sentence
from app.models import FieldDefinition
from app.report_views import XLSX
from app.rules.definitions import FIGURES, TURNS
from app.rules.errors import Conflict, FieldErrors, Invalid
from app.rules.formulas import FUNCTIONS
from app.rules.values import COLOURS, ValueKind
from app.rules.workflow import State
from app.services import definition_files, field_definitions, field_jobs, present, sheet_rows, tasks
from app.services.field_definitions import CLASSES, LosesValues, Place
from app.standing import current_actor

MAX_FILE = 2_000_000


class FieldsView(BaseView):
    """Fields of every sheet: appeals, dictionaries, own sheets."""

    route_base = "/fields"
    class_permission_name = "Fields"
    method_permission_name = {  # noqa: RUF012
        "index": "read", "sheet": "read", "download": "read", "lost": "read", "formula": "read",
        "new": "write",
        "edit": "write", "move": "write", "retire": "write", "restore": "write", "upload": "write",
    }  # fmt: skip
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Every sheet with the number of its fields; definitions out and in as one file."""
        sheets = [(code, name, field_definitions.count(field_places.bare(code))) for code, name in field_places.codes()]
        return self.render_template("fields/index.html", sheets=sheets, lines=None, file="")

    @expose("/<code>")
    @has_access
    def sheet(self, code: str) -> ResponseReturnValue:
        """The fields of a sheet, retired ones below. Raises NotFound("sheet.unknown")."""
        rows = field_definitions.listed(field_places.place(code))
        changes = field_jobs.latest([row.id for row in rows])
        return self.render_template(
            "fields/sheet.html", code=code, name=field_places.label(code), kinds=field_words.KINDS,
            rows=[row for row in rows if row.retired_at is None], about=field_words.about, either=words.either,
            retired=[row for row in rows if row.retired_at is not None], tones=field_words.TONES, changes=changes,
            unindexed=field_jobs.unindexed(rows) - field_jobs.open_ids([row.id for row in rows]),
            tasks={one.field_id: tasks.describe(one.task_id) for one in changes.values() if field_jobs.is_open(one)},
        )  # fmt: skip

    @expose("/<code>/new", methods=("GET", "POST"))
    @has_access
    def new(self, code: str) -> ResponseReturnValue:
        """A new field: first its kind, then what that kind needs."""
        place = field_places.place(code)
        kind = field_words.kind_of(request.values.get("kind", ""))
        if kind is None:
            page = self.render_template(
                "fields/kinds.html", code=code, name=field_places.label(code), kinds=field_words.KINDS
            )
            return page, 422 if request.method == "POST" else 200
        if request.method == "GET" or "check" in request.form:
            return self._form(code, place, kind, None, _sent(kind))
        sent = field_words.sent(request.form, kind)
        try:
            row = field_definitions.add(current_actor(), place, sent, request_key=request_key(request.form))
        except FieldErrors as error:
            return self._form(code, place, kind, None, sent, by_field(error))
        except Conflict as error:
            if error.data.get("constraint") != "uq_journal_request":
                raise
        else:
            flash(_("“%(field)s” is there: in forms, spreadsheet, filters and files.", field=row.label), "success")
        return redirect(url_for("FieldsView.sheet", code=code))

    @expose("/<code>/<int:field_id>", methods=("GET", "POST"))
    @has_access
    def edit(self, code: str, field_id: int) -> ResponseReturnValue:
        """Change a field. A change of kind that costs values shows them first."""
        place = field_places.place(code)
        row = field_definitions.access_field(place, field_id)
        kind = field_words.kind_of(request.values.get("kind", "")) or ValueKind(row.kind)
        if request.method == "GET" or "check" in request.form:
            return self._form(code, place, kind, row, _sent(kind))
        sent = field_words.sent(request.form, kind)
        version, agreed = (request.form.get(name, type=int) for name in ("version", "agreed"))
        try:
            field_definitions.change(current_actor(), place, field_id, sent, version=version, agreed=agreed)
        except LosesValues as error:
            return self._form(code, place, kind, row, sent, losses=error.losses)
        except FieldErrors as error:
            return self._form(code, place, kind, row, sent, by_field(error))
        if field_jobs.open_ids([field_id]):
            flash(_("The values are being changed behind the pages. Until then the field stays as it was."), "info")
        else:
            flash(_("Saved."), "success")
        return redirect(url_for("FieldsView.sheet", code=code))

    @expose("/<code>/<int:field_id>/lost/<int:conversion_id>")
    @has_access
    def lost(self, code: str, field_id: int, conversion_id: int) -> ResponseReturnValue:
        """What a change of kind cost, value by value, as a workbook."""
        row = field_definitions.access_field(field_places.place(code), field_id)
        kept, lines = field_jobs.lines(current_actor(), field_id, conversion_id)
        file = field_words.lost_workbook(row, kept, lines, field_places.label(code))
        return send_file(file, XLSX, as_attachment=True, download_name=f"{row.code}-{conversion_id}.xlsx")

    @expose("/<code>/formula", methods=("POST",))
    @has_access
    def formula(self, code: str) -> ResponseReturnValue:
        """What is wrong in a formula and where, or what it comes to in some rows: asked while somebody writes it."""
        place, key = field_places.place(code), request.form.get("key", "")
        return jsonify(formula_check.check(code, place, request.form.get("formula", ""), key=key).as_json())

    @expose("/<code>/<int:field_id>/move", methods=("POST",))
    @has_access
    def move(self, code: str, field_id: int) -> ResponseReturnValue:
        """One place up or down."""
        place, down = field_places.place(code), request.form.get("way") == "down"
        field_definitions.move(current_actor(), place, field_id, down=down)
        return redirect(url_for("FieldsView.sheet", code=code))

    @expose("/<code>/<int:field_id>/retire", methods=("POST",))
    @has_access
    def retire(self, code: str, field_id: int) -> ResponseReturnValue:
        """Hide a field; its values stay."""
        field_definitions.retire(current_actor(), field_places.place(code), field_id)
        flash(_("The field is hidden. Its values are kept."), "success")
        return redirect(url_for("FieldsView.sheet", code=code))

    @expose("/<code>/<int:field_id>/restore", methods=("POST",))
    @has_access
    def restore(self, code: str, field_id: int) -> ResponseReturnValue:
        """Show a retired field again."""
        field_definitions.restore(current_actor(), field_places.place(code), field_id)
        flash(_("The field is back with its values."), "success")
        return redirect(url_for("FieldsView.sheet", code=code))

    @expose("/file")
    @has_access
    def download(self) -> ResponseReturnValue:
        """Every definition as one file."""
        body = json.dumps(definition_files.written(_places()), ensure_ascii=False, indent=1)
        name = f"fields-{present.now().astimezone(present.zone()):%Y-%m-%d}.json"
        return Response(
            body, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    @expose("/file", methods=("POST",))
    @has_access
    def upload(self) -> ResponseReturnValue:
        """Show what a file of definitions would change; the second time, do it."""
        handed = request.files.get("file")
        text = request.form.get("text", "")
        if handed is not None and handed.filename:
            text = handed.stream.read(MAX_FILE + 1).decode("utf-8-sig", "replace")
        dry = "apply" not in request.form
        try:
            if len(text) > MAX_FILE:
                raise Invalid("definition.file")
            lines = definition_files.read_in(current_actor(), text, field_places.place_for_file, dry=dry)
        except Invalid as error:
            sheets = [
                (code, name, field_definitions.count(field_places.bare(code))) for code, name in field_places.codes()
            ]
            said = sentence(error.code, error.data)
            return self.render_template("fields/index.html", sheets=sheets, lines=None, file="", error=said), 422
        if not dry:
            changed = sum(1 for one in lines if one.outcome in ("added", "changed"))
            flash(_("%(count)s definitions were taken over.", count=changed), "success")
            return redirect(url_for("FieldsView.index"))
        names = dict(field_places.codes())
        shown = [(names.get(one.sheet, one.sheet), one, [sentence(*why) for why in one.why]) for one in lines]
        return self.render_template("fields/index.html", sheets=[], lines=shown, file=text)

    def _form(
        self, code: str, place: Place, kind: ValueKind, row: FieldDefinition | None, sent: Mapping[str, Any] | None,
        errors: Mapping[str, list[str]] | None = None, losses: Any = None,
    ) -> ResponseReturnValue:  # fmt: skip
        columns = field_places.columns(code)
        own_key = f"x_{row.code}" if row is not None else ""
        checked = None
        if kind is ValueKind.FORMULA and "check" in request.form:
            text = str((sent or {}).get("parameters", {}).get("formula", ""))
            checked = formula_check.check(code, place, text, key=own_key)
        page = self.render_template(
            "fields/form.html", code=code, name=field_places.label(code), kind=kind, row=row, errors=errors or {},
            now=sent or field_words.shown(row), needs=field_words.needs(kind), kinds=field_words.KINDS,
            turns=_turns(row), losses=losses, checked=checked, translated=_, key=secrets.token_hex(12),
            posts=[(one.id, words.either(one.name, one.name_en)) for one in sheet_rows.options("post")],
            states=[(str(one), words.STATES[one]) for one in State], either=words.either,
            classes=[(one, words.CLASSES[one]) for one in CLASSES],
            colours=[(one, field_words.COLOUR_WORDS[one]) for one in COLOURS], of_appeals=code == "appeals",
            links=_options(place.around.links.items()),
            figures=[(one, field_words.FIGURE_WORDS[one]) for one in FIGURES],
            **_named(place, columns), columns=columns.values(), functions=FUNCTIONS.values(),
            empty_options=field_words.EMPTY_OPTIONS, own_key=own_key,
        )  # fmt: skip
        return page, 422 if errors or losses else 200


def _sent(kind: ValueKind) -> dict[str, Any] | None:
    return field_words.sent(request.form, kind) if request.method == "POST" else None


def _turns(row: FieldDefinition | None) -> list[tuple[str, Any]]:
    """Kinds a field may become, its own first."""
    if row is None or not TURNS.get(ValueKind(row.kind)):
        return []
    kinds = [row.kind, *sorted(one for one in TURNS[ValueKind(row.kind)] if one != row.kind)]
    return [(str(one), field_words.KINDS[ValueKind(one)][0]) for one in kinds]


def _options(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"value": code, "label": label} for code, label in pairs]


def _grouped(groups: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> list[dict[str, str]]:
    return [one | {"group": group} for group, pairs in groups for one in _options(pairs)]


def _named(place: Place, columns: Mapping[str, field_places.Named]) -> dict[str, Any]:
    """What lookups and rollups may choose, with the sheet that each column is of."""
    names = dict(field_places.codes())
    around, known = place.around, {code: field_places.columns(code) for code in place.around.pointing}
    there = {key: (columns[key].label, columns[key].refers) for key in around.targets}
    targets = {key: field_places.columns(refers) for key, (_label, refers) in there.items()}
    return {
        "lookup_links": [(key, label) for key, (label, _refers) in there.items()],
        "lookup_columns": _grouped(
            (there[key][0], [(one, targets[key][one].label) for one in kinds if one in targets[key]])
            for key, kinds in around.targets.items()
        ),
        "rollup_sheets": [(code, names.get(code, code)) for code in around.pointing],
        "rollup_links": _grouped(
            (names.get(code, code), [(one, known[code][one].label) for one in links])
            for code, (links, _kinds) in around.pointing.items()
        ),
        "rollup_columns": _grouped(
            (names.get(code, code), [(one, known[code][one].label) for one in kinds if one in known[code]])
            for code, (_links, kinds) in around.pointing.items()
        ),
    }


def _places() -> list[tuple[str, Place]]:
    return [(code, field_places.bare(code)) for code, _name in field_places.codes()]
