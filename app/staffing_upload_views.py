"""Handing in a staffing table: read, compare, answer what is unclear, apply, undo."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app import staffing_upload_words
from app.messages import sentence
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, Refused
from app.services import present, staffing_uploads
from app.services.staffing_files import MAX_BYTES
from app.services.staffing_uploads import Settled
from app.sheets import BY_CODE
from app.standing import current_actor

# Fields of the form that are no answers.
_OWN = {"csrf_token", "at", "reason", "seen"}


class StaffingUploadView(BaseView):
    """One table after the other; nothing is changed before somebody has seen what."""

    route_base = "/staffing-table/uploads"
    class_permission_name = "StaffingTable"
    method_permission_name = dict.fromkeys(
        ("index", "hand_in", "show", "settle", "apply", "undo", "cancel"), "write"
    )
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """The form that hands a table in, and the latest ones."""
        return self._index()

    def _index(self, problems: Mapping[str, list[str]] | None = None, text: str = "") -> ResponseReturnValue:
        page = self.render_template(
            "staffing/uploads.html",
            uploads=staffing_uploads.listed(current_actor()),
            problems=problems or {},
            text=text,
            words=staffing_upload_words,
        )
        return page, 422 if problems else 200

    @expose("/", methods=("POST",))
    @has_access
    def hand_in(self) -> ResponseReturnValue:
        """Take a file or a pasted text; what cannot be read is told row by row and nothing is kept."""
        sent, text = request.files.get("file"), request.form.get("text", "")
        try:
            if sent is not None and sent.filename:
                content = sent.stream.read(MAX_BYTES + 1)
                upload = staffing_uploads.hand_in_file(current_actor(), sent.filename, content)
            else:
                upload = staffing_uploads.hand_in_text(current_actor(), text)
        except Invalid as error:
            return self._index(_by_field(error), text)
        return redirect(url_for("StaffingUploadView.show", upload_id=upload.id))

    @expose("/<int:upload_id>")
    @has_access
    def show(self, upload_id: int) -> ResponseReturnValue:
        """Where an upload stands: the difference and its questions, or what was done."""
        return self._show(upload_id)

    def _show(self, upload_id: int, errors: Mapping[str, list[str]] | None = None) -> ResponseReturnValue:
        actor = current_actor()
        shown = staffing_uploads.show(actor, upload_id)
        template = "staffing/difference.html" if shown.upload.state == "read" else "staffing/upload.html"
        page = self.render_template(
            template,
            shown=shown,
            upload=shown.upload,
            difference=shown.difference,
            names=staffing_upload_words.Names(shown.table, shown.current),
            changes=staffing_uploads.changes_of(actor, upload_id) if shown.upload.state != "read" else (),
            errors=errors or {},
            sent=request.form,
            at=_local(shown.upload.effective_at),
            words=staffing_upload_words,
        )
        return page, 422 if errors else 200

    @expose("/<int:upload_id>/settle", methods=("POST",))
    @has_access
    def settle(self, upload_id: int) -> ResponseReturnValue:
        """Keep the answers and show the difference that follows from them."""
        try:
            staffing_uploads.settle(current_actor(), upload_id, _settled(request.form))
        except FieldErrors as error:
            return self._show(upload_id, _by_field(error))
        if staffing_uploads.show(current_actor(), upload_id).difference.open:
            flash(_("Not every question is answered yet; nothing has been changed."), "warning")
        return redirect(url_for("StaffingUploadView.show", upload_id=upload_id))

    @expose("/<int:upload_id>/apply", methods=("POST",))
    @has_access
    def apply(self, upload_id: int) -> ResponseReturnValue:
        """Carry the difference out, unless it is another one than was shown."""
        seen = request.form.get("seen", "")
        try:
            staffing_uploads.apply(current_actor(), upload_id, _settled(request.form), seen=seen, sheets=BY_CODE)
        except FieldErrors as error:
            return self._show(upload_id, _by_field(error))
        except Conflict as error:
            flash(sentence(error.code, error.data), "warning")
        else:
            flash(_("The staffing table is in force."), "success")
        return redirect(url_for("StaffingUploadView.show", upload_id=upload_id))

    @expose("/<int:upload_id>/undo", methods=("POST",))
    @has_access
    def undo(self, upload_id: int) -> ResponseReturnValue:
        """Restore what the upload changed."""
        try:
            staffing_uploads.undo(current_actor(), upload_id, sheets=BY_CODE)
        except Refused as error:
            flash(sentence(error.code, error.data), "danger")
        else:
            flash(_("The upload was undone; the table stands as before."), "success")
        return redirect(url_for("StaffingUploadView.show", upload_id=upload_id))

    @expose("/<int:upload_id>/cancel", methods=("POST",))
    @has_access
    def cancel(self, upload_id: int) -> ResponseReturnValue:
        """Drop a table that is not to be applied."""
        staffing_uploads.cancel(current_actor(), upload_id)
        flash(_("The table was dropped; nothing was changed."), "success")
        return redirect(url_for("StaffingUploadView.index"))


def _settled(form: MultiDict[str, str]) -> Settled:
    """Answers, moment and reason of the form. Raises FieldErrors for a moment that cannot be read."""
    answers = {name: value for name, value in form.items() if name not in _OWN}
    said = form.get("at", "").strip()
    try:
        at = datetime.fromisoformat(said) if said else None
    except ValueError:
        raise FieldErrors([FieldProblem("at", "field.moment-unreadable", {"value": said[:40]})]) from None
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=present.zone())
    return Settled(answers, at, form.get("reason", ""))


def _local(moment: datetime | None) -> str:
    return moment.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M") if moment else ""


def _by_field(error: Invalid) -> dict[str, list[str]]:
    """Field → sentences; inside a table each begins with its row and column."""
    if not isinstance(error, FieldErrors):
        return {error.field or "": [sentence(error.code, error.data)]}
    return {
        name: [staffing_upload_words.located(one) for one in problems] for name, problems in error.by_field().items()
    }
