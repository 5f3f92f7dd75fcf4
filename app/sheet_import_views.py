"""A workbook or CSV into a sheet: handed in, its columns named, looked at, written, taken back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from flask import Response, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import grids, report_words
from app.file_views import TYPES
from app.messages import by_field, sentence
from app.models import SheetFile
from app.own_row_words import said
from app.reports import xlsx
from app.reports.table import Book, Column, ReportTable, wording
from app.rules.errors import FieldErrors, Invalid
from app.rules.imports_into import Mode, Plan, guessed, plan_of, typed
from app.rules.sheet_guess import Guess
from app.services import grid_undo, import_refusals, present, sheet_imports, tasks
from app.services.grids import Grid
from app.services.sheet_imports import tally_of
from app.services.workbooks import MAX_BYTES
from app.standing import current_actor

MODES: dict[Mode, Any] = {
    Mode.BOTH: _l("Change known rows, add the others"),
    Mode.UPDATE: _l("Change known rows only"),
    Mode.ADD: _l("Add every row"),
}
STATES: dict[str, Any] = {
    "uploaded": _l("Columns to be named"), "checking": _l("Being looked at"), "checked": _l("Looked at"),
    "applying": _l("Being written"), "done": _l("Written"), "cancelled": _l("Cancelled"), "expired": _l("Expired"),
}  # fmt: skip
SHOWN = 200
MOST_ALSO = 2  # columns beside the first that name a row


class SheetImportView(BaseView):
    """Whoever may write something of a sheet may bring a file for it; each sees his own files."""

    route_base = "/sheet-imports"
    default_view = "index"
    class_permission_name = "Grid"
    method_permission_name = dict.fromkeys(
        ("index", "upload", "show", "check", "apply", "again", "drop", "undo", "refused"), "read"
    )

    @expose("/<code>")
    @has_access
    def index(self, code: str) -> ResponseReturnValue:
        """Where a file is handed in, and one's last ones."""
        return self._index(code)

    @expose("/<code>/upload", methods=("POST",))
    @has_access
    def upload(self, code: str) -> ResponseReturnValue:
        """Take a file in; its columns are named next."""
        grid, sent = _opened(code), request.files.get("workbook")
        if sent is None or not sent.filename:
            return self._index(code, sentence("import.no-file", {}))
        try:
            row = sheet_imports.hand_in(grid, sent.filename, sent.stream.read(MAX_BYTES + 1))
        except Invalid as error:
            return self._index(code, sentence(error.code, error.data))
        return redirect(url_for("SheetImportView.show", file_id=row.id))

    @expose("/file/<int:file_id>")
    @has_access
    def show(self, file_id: int) -> ResponseReturnValue:
        """How far a file is: columns to be named, what would happen, how far it is, what happened."""
        row = sheet_imports.access_file(current_actor(), file_id)
        return self._show(row, _opened(row.sheet), {})

    @expose("/file/<int:file_id>/check", methods=("POST",))
    @has_access
    def check(self, file_id: int) -> ResponseReturnValue:
        """Look at what the file would do."""
        row = sheet_imports.access_file(current_actor(), file_id)
        grid = _opened(row.sheet)
        try:
            sheet_imports.check(grid, file_id, _sent())
        except FieldErrors as error:
            return self._show(row, grid, by_field(error)), 422
        return redirect(url_for("SheetImportView.show", file_id=file_id))

    @expose("/file/<int:file_id>/again", methods=("POST",))
    @has_access
    def again(self, file_id: int) -> ResponseReturnValue:
        """Back to the columns of a file that was looked at."""
        sheet_imports.reopen(current_actor(), file_id)
        return redirect(url_for("SheetImportView.show", file_id=file_id))

    @expose("/file/<int:file_id>/apply", methods=("POST",))
    @has_access
    def apply(self, file_id: int) -> ResponseReturnValue:
        """Write it."""
        row = sheet_imports.access_file(current_actor(), file_id)
        sheet_imports.apply(_opened(row.sheet), file_id, request_key=request.form.get("request_key", "")[:64])
        return redirect(url_for("SheetImportView.show", file_id=file_id))

    @expose("/file/<int:file_id>/undo", methods=("POST",))
    @has_access
    def undo(self, file_id: int) -> ResponseReturnValue:
        """Take back what it wrote, where it still stands."""
        row = sheet_imports.access_file(current_actor(), file_id)
        grid = _opened(row.sheet)
        key = request.form.get("request_key", "")[:64]
        answer = grid_undo.undo(grid, row.change_set_id or 0, request_key=key)
        if answer.task_id is not None:
            flash(_("The import is being taken back in the background."), "info")
        elif answer.problems:
            told = _("Taken back, except %(count)s cells that were changed since.", count=len(answer.problems))
            flash(told, "warning")
        else:
            flash(_("The import is taken back."), "success")
        return redirect(url_for("GridView.sheet", code=row.sheet))

    @expose("/file/<int:file_id>/drop", methods=("POST",))
    @has_access
    def drop(self, file_id: int) -> ResponseReturnValue:
        """Forget a file that was not written."""
        row = sheet_imports.access_file(current_actor(), file_id)
        code = row.sheet
        sheet_imports.drop(current_actor(), file_id)
        flash(_("The file is gone."), "success")
        return redirect(url_for("SheetImportView.index", code=code))

    @expose("/file/<int:file_id>/refused")
    @has_access
    def refused(self, file_id: int) -> ResponseReturnValue:
        """The refused rows as a workbook: as they were, with the reason; corrected, it can be handed in again."""
        row = sheet_imports.access_file(current_actor(), file_id)
        return refused_workbook(row, _opened(row.sheet))

    def _index(self, code: str, error: str = "") -> ResponseReturnValue:
        grid = _opened(code)
        page = self.render_template(
            "sheet_imports/index.html", grid=grid, error=error, states=STATES,
            files=sheet_imports.listed(current_actor(), code),
        )  # fmt: skip
        return page, 422 if error else 200

    def _show(self, row: SheetFile, grid: Grid, errors: Mapping[str, list[str]]) -> str:
        template = {"uploaded": "columns", "checked": "looked"}.get(row.state, "progress")
        more = _columns(row, grid) if template == "columns" else _told(row, grid)
        more["twin"] = sheet_imports.twin(row) if template != "progress" else None
        return str(
            self.render_template(
                f"sheet_imports/{template}.html", row=row, grid=grid, errors=errors, modes=MODES, states=STATES,
                request_key=secrets.token_hex(12), **more,
            )
        )  # fmt: skip


def _opened(code: str) -> Grid:
    """The sheet for who may write something of it. Raises NotFound("sheet.unknown")."""
    grid = grids.grid(code, grids.reader())
    sheet_imports.require_open(grid)
    return grid


def _columns(row: SheetFile, grid: Grid) -> dict[str, Any]:
    found, _header = sheet_imports.headings(row)
    keys = {one.key: str(one.label) for one in sheet_imports.keys(grid)}
    choices = {one.key: str(one.label) for one in sheet_imports.fillable(grid)}
    plan, form = proposal(grid, row, found), request.form if request.method == "POST" else None
    chosen, key, mode, clears = dict(plan.places), plan.key, str(plan.mode), plan.clears
    also = list(plan.also)
    if form is not None:
        chosen = {one.place: form.get(f"column_{one.place}", "") for one in found}
        key, mode, clears = form.get("key", ""), form.get("mode", ""), form.get("clears") == "1"
        also = form.getlist("also")
    return {
        "found": found, "chosen": chosen, "choices": {**keys, **choices}, "keys": keys, "key": key, "mode": mode,
        "clears": clears, "also": ([one for one in also if one] + [""] * MOST_ALSO)[:MOST_ALSO],
    }  # fmt: skip


def proposal(grid: Grid, row: SheetFile, found: Sequence[Guess]) -> Plan:
    """The plan that one begins with: the last one of the file, that of the last file with the same columns, or what
    their names mean."""
    if kept := row.spec.get("plan"):
        return plan_of(kept)
    keys = [one.key for one in sheet_imports.keys(grid)]
    known = {*keys, *(one.key for one in sheet_imports.fillable(grid))}
    last = sheet_imports.last_plan(row)
    if last is not None and known.issuperset(last.places.values()):
        return last
    labels = {key: list(names) for key, names in _names(grid).items() if key in known}
    meant = guessed([one.label for one in found], labels)
    chosen = {one.place: meant[number] for number, one in enumerate(found) if number in meant}
    key = _usual_key(grid, chosen, keys)
    usual = Mode.BOTH if grid.can_add else Mode.UPDATE
    return Plan(chosen, usual if key else Mode.ADD, key)


def refused_workbook(row: SheetFile, grid: Grid) -> Response:
    """The refused rows as a workbook to be saved."""
    out = BytesIO()
    xlsx.render(_refused_book(row, grid), created_at=present.now(), zone=present.zone(), out=out)
    out.seek(0)
    name = _("Refused rows of %(file)s", file=row.filename.rsplit(".", 1)[0])
    return send_file(out, TYPES["xlsx"], as_attachment=True, download_name=f"{name}.xlsx")


def _usual_key(grid: Grid, chosen: Mapping[int, str], keys: Sequence[str]) -> str:
    """The column that names a row, or one that is unique, when it is among those of the file."""
    unique = [one.key for one in grid.columns.values() if one.defined is not None and one.defined.is_unique]
    wanted = [*unique, "number", "code", grid.title]
    return next((one for one in wanted if one in keys and one in chosen.values()), "")


def _names(grid: Grid) -> dict[str, set[str]]:
    """What every column is called, in both languages."""
    found: dict[str, set[str]] = {}
    for locale in ("zh", "en"):
        with force_locale(locale):
            for one in grid.columns.values():
                found.setdefault(one.key, set()).add(str(one.label))
                if one.defined is not None:
                    found[one.key] |= {one.defined.label, one.defined.label_en}
    return found


def _sent() -> Plan:
    """The plan of a form. Raises FieldErrors for no mode."""
    form = request.form
    places = {
        int(name.removeprefix("column_")): value
        for name, value in form.items()
        if name.startswith("column_") and value and name.removeprefix("column_").isdecimal()
    }
    mode = Mode(form["mode"]) if form.get("mode") in list(Mode) else Mode.ADD
    also = tuple(one for one in form.getlist("also") if one)[:MOST_ALSO]
    is_known, clears = mode is not Mode.ADD, form.get("clears") == "1"
    return Plan(places, mode, form.get("key", "") if is_known else "", clears, also if is_known else ())


def _told(row: SheetFile, grid: Grid) -> dict[str, Any]:
    tally = tally_of(row.outcome)
    refused = import_refusals.listed(row.id, limit=SHOWN) if tally.refused else []
    reasons = [(number, _why(problems, grid)) for number, problems in refused]
    sample = [
        (one["row"], [(_label(grid, key), _cell(grid, key, one["old"].get(key)), _cell(grid, key, value))
                      for key, value in one["new"].items()])
        for one in tally.sample
    ]  # fmt: skip
    status = tasks.describe(row.task_id) if row.task_id else None
    return {"tally": tally, "reasons": reasons, "sample": sample, "status": status, "sentence": sentence,
            "broke_off": sheet_imports.broke_off(row)}  # fmt: skip


def _why(problems: list[list[Any]], grid: Grid) -> str:
    told = []
    for key, code, data in problems:
        why, label = sentence(code, data), _label(grid, key)
        told.append(_("%(column)s: %(why)s", column=label, why=why) if label else why)
    return " ".join(dict.fromkeys(told))


def _label(grid: Grid, key: str) -> str:
    return str(grid.columns[key].label) if key in grid.columns else ""


def _cell(grid: Grid, key: str, value: Any) -> str:
    return said(grid.columns.get(key), value) or "—"


def _refused_book(row: SheetFile, grid: Grid) -> Book:
    headings, rows = import_refusals.rows(row)
    columns = [Column(str(place), str(name or ""), "text") for place, name in enumerate(headings)]
    why = Column("why", _("Why it was refused"), "text", 50)
    width = len(columns) + 1

    def body() -> Iterator[Sequence[str]]:
        for number, cells, problems in rows:
            told = _("%(number)s: %(why)s", number=number, why=_why(problems, grid))
            yield [told, *map(_plain, cells), *[""] * width][:width]

    title = _("Refused rows of %(file)s", file=row.filename)
    table = ReportTable(title, (why, *columns), body(), frozen=1)
    return Book(title, (table,), wording(_), footer=report_words.moment(present.now()))


def _plain(cell: Any) -> str:
    value = typed(cell)
    return "" if value is None else str(value)
