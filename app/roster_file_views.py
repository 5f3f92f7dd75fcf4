"""A roster as a workbook out and in, and the handover note at a change of shift. Parse → service → page or file."""

from __future__ import annotations

import json
from datetime import date
from io import BytesIO

from flask import Response, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import ngettext

from app import roster_words, words
from app.messages import sentence
from app.roster_views import done, errors_of
from app.rules.errors import Conflict, Invalid
from app.services import present, roster_months, roster_workbooks, shift_handovers
from app.services.roster_workbooks import Dress, Reading
from app.services.workbooks import MAX_BYTES
from app.standing import current_actor

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class RosterFileView(BaseView):
    """What leaves and enters a roster as a workbook."""

    route_base = "/roster-files"
    class_permission_name = "Rosters"
    method_permission_name = {"download": "read", "upload": "write", "apply": "write"}  # noqa: RUF012

    @expose("/<int:office_id>.xlsx", methods=("POST",))
    @has_access
    def download(self, office_id: int) -> Response:
        """The month as a workbook for print, or to be edited and handed in again."""
        actor, first = current_actor(), roster_months.month_of(request.form.get("month"))
        month = roster_months.month(actor, office_id, first)
        out = BytesIO()
        roster_workbooks.export(actor, month, _dress(month), out)
        out.seek(0)
        name = _("Duty roster %(office)s %(month)s.xlsx", office=words.named(month.office), month=f"{first:%Y-%m}")
        return send_file(out, mimetype=XLSX, as_attachment=True, download_name=name)

    @expose("/<int:office_id>", methods=("GET", "POST"))
    @has_access
    def upload(self, office_id: int) -> ResponseReturnValue:
        """Hand a workbook in: first what it would mean."""
        office = roster_months.access_office(current_actor(), office_id, to_write=True)
        month = roster_months.month_of(request.values.get("month"))
        if request.method == "GET":
            return self._page(office, month)
        sent = request.files.get("workbook")
        if sent is None or not sent.filename:
            return self._page(office, month, error=sentence("import.no-file", {})), 422
        removes = "removes_others" in request.form
        try:
            content = sent.stream.read(MAX_BYTES + 1)
            reading = roster_workbooks.read(office, content, month, removes_others=removes)
        except Invalid as error:
            return self._page(office, month, error=sentence(error.code, error.data)), 422
        return self._page(office, month, reading=reading, removes=removes)

    @expose("/<int:office_id>/apply", methods=("POST",))
    @has_access
    def apply(self, office_id: int) -> ResponseReturnValue:
        """Enter what the dry run read, judged again, in one transaction."""
        actor, month = current_actor(), roster_months.month_of(request.form.get("month"))
        office = roster_months.access_office(actor, office_id, to_write=True)
        try:
            planned = roster_workbooks.unpacked(office_id, _listed(request.form.get("lines", "")))
            removes = "removes_others" in request.form
            proposal, outcome = roster_workbooks.apply(actor, office_id, planned, month, removes_others=removes)
        except (Invalid, Conflict) as error:
            return self._page(office, month, error=" ".join(errors_of(error).values())), 422
        count = len(proposal.added)
        text = ngettext("%(num)d shift is entered.", "%(num)d shifts are entered.", count)
        return done(office_id, outcome, text)

    def _page(
        self,
        office: roster_months.Office,
        month: date,
        *,
        error: str = "",
        reading: Reading | None = None,
        removes: bool = False,
    ) -> str:
        return str(
            self.render_template(
                "rosters/upload.html",
                office=office,
                first=month,
                error=error,
                reading=reading,
                removes=removes,
                lines=json.dumps(roster_workbooks.packed(reading.planned)) if reading else "",
                names=roster_months.names(reading.proposal.added if reading else ()),
                roster_words=roster_words,
            )
        )


class ShiftNoteView(BaseView):
    """The handover note at a change of shift (交接班); who may write it decides the service."""

    route_base = "/shift-notes"
    class_permission_name = "Rosters"
    method_permission_name = {"write": "read"}  # noqa: RUF012

    @expose("/<int:shift_id>", methods=("GET", "POST"))
    @has_access
    def write(self, shift_id: int) -> ResponseReturnValue:
        """What is open now; confirmed with a remark it is the note."""
        actor = current_actor()
        if request.method == "POST":
            sheet_id = shift_handovers.write(actor, shift_id, request.form.get("remark", ""))
            flash(_("The note is written and handed over."), "success")
            return redirect(url_for("HandoverView.show", sheet_id=sheet_id))
        draft = shift_handovers.draft(actor, shift_id)
        if draft.sheet_id is not None:
            return redirect(url_for("HandoverView.show", sheet_id=draft.sheet_id))
        return self.render_template("rosters/note.html", draft=draft, now=present.now(), roster_words=roster_words)


def _listed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid("roster.unreadable") from error


def _dress(month: roster_months.Month) -> Dress:
    actor = current_actor()
    return Dress(
        t=_,
        office=words.named(month.office),
        month=roster_words.month(month.first),
        weekday=roster_words.weekday,
        until=roster_words.written_until,
        dated=roster_words.dated_span,
        mark=roster_words.mark,
        exported=_("Exported by %(name)s on %(day)s", name=actor.name, day=present.today().isoformat()),
        author=actor.name,
    )
