"""Files of an appeal over HTTP: chosen in a form, looked at, saved, added, taken out. Parse → service → answer.

A file travels as the whole body of its request, its name in a header: nothing of it is written to disk on the way,
and no name stands in an address.
"""

from __future__ import annotations

import secrets
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from flask import Response, flash, jsonify, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app import attachment_words, forms, headers
from app.messages import by_field
from app.rules.errors import FieldProblem, Invalid, NotFound, RuleError
from app.rules.workflow import FieldSpec, FieldType
from app.services import access, attachments
from app.services.actors import Actor
from app.standing import current_actor

_FIELDS = (FieldSpec("attachments", FieldType.FILES), FieldSpec("remark", FieldType.TEXT, max_length=500))


class AttachmentView(BaseView):
    """One file after the other; what a browser could run is never served as that."""

    route_base = "/attachments"
    class_permission_name = "Appeals"
    method_permission_name = {  # noqa: RUF012
        "receive": "act",
        "discard": "act",
        "download": "read",
        "preview": "read",
        "add": "act",
        "remove": "act",
    }

    @expose("/", methods=("POST",))
    @has_access
    def receive(self) -> ResponseReturnValue:
        """Keep a file for the form that names itself in `form`; the answer is its line in the form."""
        kept = attachments.receive(
            current_actor(),
            form_key=request.args.get("form", ""),
            filename=unquote(request.headers.get("X-File-Name", "")),
            stream_or_bytes=request.stream,
        )
        (file,) = attachments.staged(current_actor(), [kept.id])
        return jsonify(attachment_words.line(file))

    @expose("/<int:attachment_id>/discard", methods=("POST",))
    @has_access
    def discard(self, attachment_id: int) -> ResponseReturnValue:
        """Drop a file that was chosen and not sent."""
        attachments.discard(current_actor(), attachment_id)
        return jsonify(discarded=attachment_id)

    @expose("/<int:attachment_id>/file")
    @has_access
    def download(self, attachment_id: int) -> ResponseReturnValue:
        """The file to be saved, whatever it is."""
        found = attachments.content(current_actor(), attachment_id)
        return sent(found, inline=False)

    @expose("/<int:attachment_id>/preview")
    @has_access
    def preview(self, attachment_id: int) -> ResponseReturnValue:
        """A picture, a PDF, a sound or a film to be looked at; 404 for everything else."""
        found = attachments.content(current_actor(), attachment_id, how="preview")
        if not found.file.type.preview:
            raise NotFound("attachment.unknown", {"id": attachment_id})
        return sent(found, inline=True)

    @expose("/appeal/<int:appeal_id>/add", methods=("GET", "POST"))
    @has_access
    def add(self, appeal_id: int) -> ResponseReturnValue:
        """The form that adds files to an appeal outside its steps."""
        actor = current_actor()
        if request.method == "GET":
            return self._add(actor, appeal_id, {}, {})
        sent, refused = with_files(actor)
        try:
            data = forms.parsed(_FIELDS, sent, refused)
            ids = forms.ids(sent, "attachments")
            attachments.add(actor, appeal_id, ids, remark=str(data.get("remark") or ""))
        except Invalid as error:
            return self._add(actor, appeal_id, sent, by_field(error))
        flash(_("The files belong to the appeal now."), "success")
        return redirect(url_for("AppealView.show", appeal_id=appeal_id))

    def _add(self, actor: Actor, appeal_id: int, values: Any, errors: dict[str, list[str]]) -> ResponseReturnValue:
        appeal = access.access_appeal(actor, appeal_id)
        attachments.require_may_add(actor, appeal)
        page = self.render_template(
            "desk/attach.html",
            appeal=appeal,
            fields=forms.shown(_FIELDS, values, errors),
            errors=errors,
            request_key=values.get("request_key") or secrets.token_hex(12),
        )
        return page, 422 if errors else 200

    @expose("/<int:attachment_id>/remove", methods=("POST",))
    @has_access
    def remove(self, attachment_id: int) -> ResponseReturnValue:
        """Take a file out of its appeal, for a reason; its line stays."""
        appeal_id = attachments.remove(current_actor(), attachment_id, request.form.get("reason", ""))
        flash(_("The file was taken out."), "success")
        return redirect(url_for("AppealView.show", appeal_id=appeal_id))


def with_files(actor: Actor) -> tuple[MultiDict[str, str], list[FieldProblem]]:
    """The sent form, and what of it was refused.

    Files that a browser without script sent along are kept first and stand in the form as ids.
    """
    chosen = [file for file in request.files.getlist("files") if file.filename]
    sent, refused = MultiDict(request.form), []
    key = forms.request_key(request.form) or ""
    for file in chosen:
        try:
            kept = attachments.receive(
                actor, form_key=key, filename=file.filename or "", stream_or_bytes=file.stream
            )
        except RuleError as error:
            refused.append(FieldProblem("attachments", error.code, error.data))
        else:
            sent.add("attachments", str(kept.id))
    return sent, refused


def sent(found: attachments.Content, *, inline: bool) -> Response:
    """The bytes under the type that their content has, in parts where a player asks for parts."""
    headers.keep_apart(framed=inline)
    return send_file(
        BytesIO(found.bytes),
        mimetype=found.file.type.mime,
        as_attachment=not inline,
        download_name=found.file.shown_name,
        conditional=True,
        etag=False,
        last_modified=None,
    )
