"""The staffing list as annex 3 has it: on the page, exported, published."""

from __future__ import annotations

import secrets
from io import BytesIO
from typing import Any

from flask import current_app, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import force_locale
from flask_babel import gettext as _

from app import forms, report_words, signing
from app.reports import staffing_list
from app.services import present, staffing_lists
from app.standing import current_actor

MIMETYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


class StaffingTableView(BaseView):
    """The list of this moment with numbers masked, its files, and what was published."""

    route_base = "/staffing-table"
    class_permission_name = "StaffingTable"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "export": "export",
        "download": "export",
        "publish": "write",
    }
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """The list in force, and the published ones."""
        actor, reader = current_actor(), report_words.staffing_reader()
        before = request.args.get("before", type=int)
        found = staffing_lists.published(actor, before_id=before, limit=staffing_lists.ROWS + 1)
        shown = found[: staffing_lists.ROWS]
        return str(
            self.render_template(
                "staffing/table.html",
                rows=staffing_lists.preview(actor, reader),
                heads=staffing_list.heads(reader.t),
                lists=shown,
                older=shown[-1].id if len(found) > len(shown) else None,
                before=before,
                changes=staffing_lists.changes_since(shown[0] if shown and not before else None),
                may_write=actor.grants.can("system"),
                request_key=secrets.token_hex(12),
                occasions=report_words.OCCASIONS,
            )
        )

    @expose("/export/<file_format>", methods=("POST",))
    @has_access
    def export(self, file_format: str) -> ResponseReturnValue:
        """The list of this moment as a file; asks for a fresh login and a reason."""
        signing.require_fresh()
        reader, reason = report_words.staffing_reader(), request.form.get("reason", "")
        content = staffing_lists.export(current_actor(), reader, file_format, reason=reason)
        return _file(content, file_format, _("Staffing list %(on)s", on=present.today().isoformat()))

    @expose("/publish", methods=("POST",))
    @has_access
    def publish(self) -> ResponseReturnValue:
        """Publish the list of this moment; what is published speaks the product's first language."""
        with force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
            reader = report_words.staffing_reader()
            row = staffing_lists.publish(current_actor(), reader, request_key=forms.request_key(request.form))
        flash(_("Published as %(number)s; the duty director was told.", number=row.number), "success")
        return redirect(url_for("StaffingTableView.index"))

    @expose("/lists/<int:list_id>/<file_format>", methods=("POST",))
    @has_access
    def download(self, list_id: int, file_format: str) -> ResponseReturnValue:
        """A published list exactly as it was published; asks for a fresh login and a reason."""
        signing.require_fresh()
        reason = request.form.get("reason", "")
        row, content = staffing_lists.download(current_actor(), list_id, file_format, reason=reason)
        return _file(content, file_format, _("Staffing list %(on)s", on=row.number))


def _file(content: bytes, file_format: str, name: str) -> Any:
    mimetype = MIMETYPES[file_format]
    return send_file(BytesIO(content), mimetype, as_attachment=True, download_name=f"{name}.{file_format}")
