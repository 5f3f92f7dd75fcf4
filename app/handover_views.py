"""One hand-over sheet: printed, confirmed by giver and taker. Parse → service → page."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _

from app import leave_words
from app.services import handovers
from app.standing import current_actor


class HandoverView(BaseView):
    """The sheet of an absence, a return or a change of shift; who may see it is the service's business."""

    route_base = "/handovers"
    class_permission_name = "Leave"
    method_permission_name = {  # noqa: RUF012
        "show": "read",
        "give": "write",
        "take": "write",
        "refresh": "write",
    }

    @expose("/<int:sheet_id>")
    @has_access
    def show(self, sheet_id: int) -> ResponseReturnValue:
        """The sheet (交接单) as a printable page."""
        page = handovers.page(current_actor(), sheet_id)
        return self.render_template("leave/sheet.html", page=page, leave_words=leave_words)

    @expose("/<int:sheet_id>/give", methods=("POST",))
    @has_access
    def give(self, sheet_id: int) -> ResponseReturnValue:
        """The giver confirms."""
        handovers.give(current_actor(), sheet_id, version=request.form.get("version", 0, type=int))
        return self._done(sheet_id, _("Confirmed: handed over."))

    @expose("/<int:sheet_id>/take", methods=("POST",))
    @has_access
    def take(self, sheet_id: int) -> ResponseReturnValue:
        """The taker confirms."""
        handovers.take(current_actor(), sheet_id, version=request.form.get("version", 0, type=int))
        return self._done(sheet_id, _("Confirmed: taken over."))

    @expose("/<int:sheet_id>/refresh", methods=("POST",))
    @has_access
    def refresh(self, sheet_id: int) -> ResponseReturnValue:
        """Write the open work of this moment on it."""
        handovers.refresh(current_actor(), sheet_id, version=request.form.get("version", 0, type=int))
        return self._done(sheet_id, _("The sheet shows the open work of this moment."))

    def _done(self, sheet_id: int, text: str) -> ResponseReturnValue:
        flash(text, "success")
        return redirect(url_for("HandoverView.show", sheet_id=sheet_id))
