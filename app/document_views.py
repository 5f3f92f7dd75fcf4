"""Documents: of an appeal and of a slip as docx and as pages; the templates they are printed with."""

from __future__ import annotations

from io import BytesIO

from flask import flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import document_words, words
from app.messages import sentence
from app.reports.document_checks import MOST_BYTES
from app.reports.document_kinds import KINDS
from app.rules.errors import FieldErrors, Invalid, NotFound
from app.services import document_templates, documents, present, slip_sheets
from app.standing import current_actor

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class AppealDocumentView(BaseView):
    """What can be printed of an appeal."""

    route_base = "/documents/appeal"
    class_permission_name = "Appeals"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "show": "read",
        "docx": "read",
        "in_full": "unmask",
        "decision": "read",
    }

    @expose("/<int:appeal_id>")
    @has_access
    def index(self, appeal_id: int) -> ResponseReturnValue:
        """All documents of an appeal, to be printed or downloaded."""
        found = documents.offered(current_actor(), appeal_id)
        return self.render_template(
            "documents/appeal.html", found=found, appeal=found.appeal, kind_name=document_words.kind,

        )  # fmt: skip

    @expose("/<int:appeal_id>/<kind>")
    @has_access
    def show(self, appeal_id: int, kind: str) -> ResponseReturnValue:
        """A document of the appeal as a printable page."""
        return page_of(self, _of("appeal", kind), appeal_id)

    @expose("/<int:appeal_id>/<kind>.docx")
    @has_access
    def docx(self, appeal_id: int, kind: str) -> ResponseReturnValue:
        """The same as a file, the appellant masked."""
        return _file(*documents.download(current_actor(), _of("appeal", kind), appeal_id, document_words.reader()))

    @expose("/<int:appeal_id>/<kind>/in-full", methods=("POST",))
    @has_access
    def in_full(self, appeal_id: int, kind: str) -> ResponseReturnValue:
        """The same with the appellant in full, for a stated reason, recorded."""
        reason = request.form.get("reason", "").strip()
        kind, reader = _of("appeal", kind), document_words.reader()
        return _file(*documents.download(current_actor(), kind, appeal_id, reader, reason=reason))

    @expose("/decision/<int:request_id>.docx")
    @has_access
    def decision(self, request_id: int) -> ResponseReturnValue:
        """The decision on a unit's request as a file."""
        return _file(*documents.download(current_actor(), "decision", request_id, document_words.reader()))


class SlipDocumentView(BaseView):
    """Slips and their hand-over sheets as files, sheets made and slips scanned (R6)."""

    route_base = "/documents/slip"
    class_permission_name = "Slips"
    method_permission_name = {  # noqa: RUF012
        "docx": "read",
        "sheet": "read",
        "sheet_docx": "read",
        "make": "print",
        "scan": "read",
    }

    @expose("/<int:slip_id>.docx")
    @has_access
    def docx(self, slip_id: int) -> ResponseReturnValue:
        """A processing slip as a file."""
        return _file(*documents.download(current_actor(), "slip", slip_id, document_words.reader()))

    @expose("/sheet/<int:slip_sheet_id>")
    @has_access
    def sheet(self, slip_sheet_id: int) -> ResponseReturnValue:
        """A numbered hand-over sheet as a printable page."""
        return page_of(self, "hand_over_sheet", slip_sheet_id)

    @expose("/sheet/<int:slip_sheet_id>.docx")
    @has_access
    def sheet_docx(self, slip_sheet_id: int) -> ResponseReturnValue:
        """The same as a file."""
        return _file(*documents.download(current_actor(), "hand_over_sheet", slip_sheet_id, document_words.reader()))

    @expose("/sheet", methods=("POST",))
    @has_access
    def make(self) -> ResponseReturnValue:
        """Number today's sheets; what stands on one already stays there."""
        made = slip_sheets.make(current_actor())
        if made:
            flash(_("Made: %(numbers)s.", numbers=words.listed(one.number for one in made)), "success")
        else:
            flash(_("Every slip under way stands on a sheet already."), "info")
        return redirect(url_for("SlipView.sheet"))

    @expose("/scan")
    @has_access
    def scan(self) -> ResponseReturnValue:
        """The next step of a slip whose code was scanned or whose number was typed."""
        try:
            found = slip_sheets.find(current_actor(), request.args.get("code", ""))
        except NotFound as error:
            flash(sentence(error.code, error.data), "danger")
            return redirect(url_for("DeskView.index"))
        if found.action is None:
            state = str(words.STATES[found.appeal.state])
            flash(
                _("Slip %(number)s: nothing to do here now (%(state)s).", number=found.slip.number, state=state), "info"
            )
            return redirect(url_for("AppealView.show", appeal_id=found.appeal.id))
        return redirect(url_for("AppealView.act", appeal_id=found.appeal.id, action=found.action))


def _of(subject: str, code: str) -> str:
    """A kind of document about such a subject. Raises NotFound."""
    if code not in KINDS or KINDS[code].subject != subject:
        raise NotFound("document.unknown-kind", {"kind": code})
    return code


def page_of(view: BaseView, kind: str, subject_id: int) -> ResponseReturnValue:
    """A document as a printable page of a view."""
    filled = documents.page(current_actor(), kind, subject_id, document_words.reader())
    return view.render_template(
        f"documents/{kind}.html", record=filled.context, filled=filled, kind_name=document_words.kind
    )


def _file(filled: documents.Filled, content: bytes) -> Response:
    name = f"{document_words.kind(filled.kind.code)} {filled.number}".strip()
    return send_file(BytesIO(content), DOCX, as_attachment=True, download_name=f"{name}.docx")


class DocumentTemplateView(BaseView):
    """Which template each document is printed with; own ones are checked before they can be used."""

    route_base = "/document-templates"
    class_permission_name = "DocumentTemplates"
    default_view = "index"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "show": "read",
        "download": "read",
        "preview": "read",
        "hand_in": "write",
        "use": "write",
        "use_built_in": "write",
    }

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Every kind, and what it is printed with."""
        return self.render_template(
            "documents/templates.html",
            kinds=KINDS.values(),
            used=document_templates.used(current_actor()),
            kind_name=document_words.kind,
        )

    @expose("/<kind>")
    @has_access
    def show(self, kind: str) -> ResponseReturnValue:
        """One kind: its versions, the names a template may use, the form that hands one in."""
        return self._kind(kind, [])

    def _kind(self, code: str, errors: list[str]) -> ResponseReturnValue:
        actor = current_actor()
        kind = document_templates.access_kind(actor, code)
        page = self.render_template(
            "documents/template.html",
            kind=kind,
            versions=document_templates.versions(actor, code),
            broken=[sentence(one.code, one.data) for one in document_templates.problems_in_use(actor, code, _)],
            errors=errors,
            kind_name=document_words.kind,
            t=_,
        )
        return page, 422 if errors else 200

    @expose("/<kind>/download")
    @has_access
    def download(self, kind: str) -> ResponseReturnValue:
        """The built-in template or an own one, to be changed in a word processor."""
        version = request.args.get("version", type=int)
        content = document_templates.content(current_actor(), kind, version, _)
        return _template_file(content, _("%(document)s template", document=document_words.kind(kind)))

    @expose("/<kind>/preview")
    @has_access
    def preview(self, kind: str) -> ResponseReturnValue:
        """A template filled with examples."""
        version = request.args.get("version", type=int)
        content = document_templates.filled(current_actor(), kind, version, _)
        return _template_file(content, _("%(document)s example", document=document_words.kind(kind)))

    @expose("/<kind>/hand-in", methods=("POST",))
    @has_access
    def hand_in(self, kind: str) -> ResponseReturnValue:
        """Check a file and keep it as a version that can be used."""
        sent = request.files.get("file")
        body = sent.stream.read(MOST_BYTES + 1) if sent is not None else b""
        try:
            document_templates.hand_in(current_actor(), kind, (sent and sent.filename) or "", body, _)
        except FieldErrors as error:
            return self._kind(kind, [sentence(one.code, one.data) for one in error.problems])
        except Invalid as error:
            return self._kind(kind, [sentence(error.code, error.data)])
        flash(_("The template can be used. Look at the example first, then put it in use."), "success")
        return redirect(url_for("DocumentTemplateView.show", kind=kind))

    @expose("/<kind>/use/<int:version>", methods=("POST",))
    @has_access
    def use(self, kind: str, version: int) -> ResponseReturnValue:
        """Print with this version from now on."""
        try:
            document_templates.use(current_actor(), kind, version, _)
        except FieldErrors as error:
            return self._kind(kind, [sentence(one.code, one.data) for one in error.problems])
        flash(
            _("%(document)s is printed with this template from now on.", document=document_words.kind(kind)), "success"
        )
        return redirect(url_for("DocumentTemplateView.show", kind=kind))

    @expose("/<kind>/built-in", methods=("POST",))
    @has_access
    def use_built_in(self, kind: str) -> ResponseReturnValue:
        """Print with the template that comes with the product."""
        document_templates.use_built_in(current_actor(), kind)
        flash(
            _("%(document)s is printed with the built-in template again.", document=document_words.kind(kind)),
            "success",
        )
        return redirect(url_for("DocumentTemplateView.show", kind=kind))


def _template_file(content: bytes, name: str) -> Response:
    return send_file(BytesIO(content), DOCX, as_attachment=True, download_name=f"{name} {present.today()}.docx")
