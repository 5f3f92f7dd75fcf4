"""Imports: hand a workbook in, choose sheet and columns, look at the dry run, apply, look at what came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _

from app import import_words, words
from app.messages import sentence
from app.models import ImportBatch
from app.rules import columns as layouts
from app.rules.errors import FieldErrors, Invalid, RuleError
from app.services import imports, tasks
from app.services.imports import Choice
from app.services.workbooks import MAX_BYTES
from app.standing import current_actor

PAGE = 50
# What the page of a batch can list, and the findings that each list shows.
_FINDINGS: Mapping[str, dict[str, str]] = {
    "findings": {},
    "refused": {"severity": "error"},
    "doubts": {"severity": "doubt"},
    "here": {"code": "already-here"},
}


class ImportView(BaseView):
    """One workbook after the other; every step can be left and taken up again."""

    route_base = "/imports"
    class_permission_name = "Imports"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "show": "read",
        "progress": "read",
        "upload": "write",
        "columns": "write",
        "check": "write",
        "apply": "write",
        "discard": "write",
        "cancel": "write",
    }
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """The batches and the form that hands a workbook in."""
        return self._index()

    def _index(self, error: str = "") -> ResponseReturnValue:
        before = request.args.get("before", type=int)
        found = imports.batches(current_actor(), before_id=before, limit=PAGE + 1)
        page = self.render_template(
            "imports/index.html",
            batches=found[:PAGE],
            older=found[PAGE - 1].id if len(found) > PAGE else None,
            is_first=before is None,
            error=error,
            import_words=import_words,
            stage=imports.stage,
        )
        return page, 422 if error else 200

    @expose("/upload", methods=("POST",))
    @has_access
    def upload(self) -> ResponseReturnValue:
        """Take a workbook in, judged by its content."""
        sent = request.files.get("workbook")
        if sent is None or not sent.filename:
            return self._index(sentence("import.no-file", {}))
        try:
            batch = imports.upload(current_actor(), sent.filename, sent.stream.read(MAX_BYTES + 1))
        except Invalid as error:
            return self._index(sentence(error.code, error.data))
        return redirect(url_for("ImportView.columns", batch_id=batch.id))

    @expose("/<int:batch_id>/columns", methods=("GET", "POST"))
    @has_access
    def columns(self, batch_id: int) -> ResponseReturnValue:
        """Choose sheet, columns, source and channel class; the dry run follows at once."""
        if request.method == "GET":
            return self._columns(batch_id, request.args.get("sheet"), request.args.get("kind"), {}, {})
        form = request.form
        kind = form.get("kind", "appeals")
        mapping = {target: form.get(f"column-{target}", "") for target in layouts.TARGETS.get(kind, ())}
        choice = Choice(form.get("sheet", ""), mapping, form.get("source", ""), form.get("channel_class", ""), kind)
        try:
            imports.choose(current_actor(), batch_id, choice)
            imports.request_check(current_actor(), batch_id)
        except FieldErrors as error:
            return self._columns(batch_id, choice.sheet, kind, form, _messages(error))
        return redirect(url_for("ImportView.show", batch_id=batch_id))

    def _columns(
        self,
        batch_id: int,
        sheet: str | None,
        kind: str | None,
        given: Mapping[str, str],
        errors: Mapping[str, str],
    ) -> ResponseReturnValue:
        actor = current_actor()
        batch = imports.access_batch(actor, batch_id)
        preview, problem = None, ""
        try:
            preview = imports.preview(actor, batch_id, sheet, kind if kind in layouts.TARGETS else None)
        except Invalid as error:
            problem = sentence(error.code, error.data)
        page = self.render_template(
            "imports/columns.html",
            batch=batch,
            preview=preview,
            sheet=sheet or batch.sheet,
            problem=problem,
            targets=layouts.TARGETS[preview.kind] if preview else (),
            options=_options(preview),
            given=given,
            errors=errors,
            classes=list(words.CLASSES.items()),
            import_words=import_words,
        )
        return page, 422 if errors else 200

    @expose("/<int:batch_id>")
    @has_access
    def show(self, batch_id: int) -> ResponseReturnValue:
        """Where a batch stands: the dry run's findings, the progress, what came in."""
        actor = current_actor()
        batch = imports.access_batch(actor, batch_id)
        stage = imports.stage(batch)
        if stage == "uploaded" and imports.is_open(batch):
            return redirect(url_for("ImportView.columns", batch_id=batch_id))
        listed = _listed(batch, stage)
        return self.render_template(
            "imports/show.html",
            batch=batch,
            stage=stage,
            is_open=imports.is_open(batch),
            summary=batch.summary,
            task=tasks.describe(batch.task_id) if batch.task_id else None,
            listed=listed,
            rows=_rows(batch, listed),
            page_size=PAGE,
            code=request.args.get("code", ""),
            import_words=import_words,
            sentence=sentence,
        )

    @expose("/<int:batch_id>/check", methods=("POST",))
    @has_access
    def check(self, batch_id: int) -> ResponseReturnValue:
        """The dry run once more."""
        imports.request_check(current_actor(), batch_id)
        return redirect(url_for("ImportView.show", batch_id=batch_id))

    @expose("/<int:batch_id>/apply", methods=("POST",))
    @has_access
    def apply(self, batch_id: int) -> ResponseReturnValue:
        """Ask a worker to carry it out."""
        imports.apply(current_actor(), batch_id)
        return redirect(url_for("ImportView.show", batch_id=batch_id))

    @expose("/<int:batch_id>/discard", methods=("POST",))
    @has_access
    def discard(self, batch_id: int) -> ResponseReturnValue:
        """Drop a workbook that is not to be applied."""
        imports.discard(current_actor(), batch_id)
        flash(_("The workbook was discarded; nothing was added."), "success")
        return redirect(url_for("ImportView.index"))

    @expose("/<int:batch_id>/progress")
    @has_access
    def progress(self, batch_id: int) -> ResponseReturnValue:
        """How far the work on a batch is, for everybody who may import."""
        return jsonify(_progress(imports.access_batch(current_actor(), batch_id)))

    @expose("/<int:batch_id>/cancel", methods=("POST",))
    @has_access
    def cancel(self, batch_id: int) -> ResponseReturnValue:
        """Stop the work on a batch that one asked for oneself; nothing of it stays."""
        actor = current_actor()
        batch = imports.access_batch(actor, batch_id)
        tasks.cancel(actor, batch.task_id or 0)
        return jsonify(_progress(batch))


def _messages(error: RuleError) -> dict[str, str]:
    if isinstance(error, FieldErrors):
        return {
            field: " ".join(sentence(problem.code, problem.data) for problem in problems)
            for field, problems in error.by_field().items()
        }
    return {error.field or "": sentence(error.code, error.data)}


def _options(preview: imports.Preview | None) -> list[dict[str, str]]:
    found = [{"value": "", "label": _("– not in the file –")}]
    for column in preview.columns if preview else ():
        found.append({"value": column.key, "label": f"{column.letter} · {column.title}"})
    return found


def _listed(batch: ImportBatch, stage: str) -> str:
    """Which list the page shows: the one asked for, else what came in or what was found."""
    asked = request.args.get("list", "")
    if stage == "applied" and batch.kind == "appeals":
        return asked if asked in ("added", "flagged", *_FINDINGS) else "added"
    return asked if asked in _FINDINGS else "findings"


def _rows(batch: ImportBatch, listed: str) -> list[Any]:
    actor, after = current_actor(), request.args.get("after", 0, type=int)
    if listed in ("added", "flagged"):
        return imports.added(actor, batch.id, is_flagged=listed == "flagged", after_id=after, limit=PAGE + 1)
    wanted = {"code": request.args.get("code", ""), **_FINDINGS[listed]}
    return imports.problems(actor, batch.id, after_id=after, limit=PAGE + 1, **wanted)


def _progress(batch: ImportBatch) -> dict[str, Any]:
    if batch.task_id is None:
        return {"state": "done", "done": 0, "total": 0, "message": "", "links": []}
    status = tasks.describe(batch.task_id)
    message = sentence(str(status["message"]), {}) if status["message"] else ""
    return {**status, "message": message, "links": []}
