"""My files: what went out of spreadsheets for the person signed in, how far it is, and the file itself."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

from flask import flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import grids, words
from app.messages import sentence
from app.models import SheetFile
from app.reports.watermark import stamped
from app.rules.errors import NotFound
from app.services import present, sheet_files
from app.standing import current_actor, current_standing

TYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv"}
STATES: dict[str, Any] = {
    "pending": _l("Waiting"), "running": _l("Running"), "ready": _l("Can be fetched"), "failed": _l("Failed"),
    "cancelled": _l("Cancelled"), "expired": _l("Expired"),
}  # fmt: skip
TONES = {"ready": "ok", "failed": "danger", "running": "info", "pending": "info"}


class FilesView(BaseView):
    """Everybody's own files; nobody else's."""

    route_base = "/files"
    default_view = "index"
    class_permission_name = "Grid"
    method_permission_name = dict.fromkeys(("index", "show", "download", "drop"), "read")

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """One's files, the latest first."""
        before = request.args.get("before", type=int)
        found = sheet_files.listed(current_actor(), before_id=before)
        older = found[sheet_files.SHOWN - 1].file.id if len(found) > sheet_files.SHOWN else None
        return self.render_template(
            "files/index.html", files=found[: sheet_files.SHOWN], older=older, before=before, sheets=names(),
            states=STATES, tones=TONES, days=sheet_files.kept_days(),
        )  # fmt: skip

    @expose("/<int:file_id>")
    @has_access
    def show(self, file_id: int) -> ResponseReturnValue:
        """One file: how far it is, what it holds."""
        found = sheet_files.access_file(current_actor(), file_id)
        why = sentence(found.why, {}) if found.why else ""
        return self.render_template(
            "files/show.html", found=found, file=found.file, sheets=names(), states=STATES, tones=TONES, why=why,
            until=found.file.at + timedelta(days=sheet_files.kept_days()),
        )  # fmt: skip

    @expose("/<int:file_id>/download")
    @has_access
    def download(self, file_id: int) -> ResponseReturnValue:
        """The file, with who takes it away written into it."""
        return sent(file_id)

    @expose("/<int:file_id>/drop", methods=("POST",))
    @has_access
    def drop(self, file_id: int) -> ResponseReturnValue:
        """Take a file away, or stop the making of one."""
        sheet_files.drop(current_actor(), file_id)
        flash(_("The file is gone."), "success")
        return redirect(url_for("FilesView.index"))


def names() -> dict[str, str]:
    """What the sheets are called that the reader may open now."""
    return {one.code: one.label for one in grids.readable(grids.reader())}


def sent(file_id: int) -> ResponseReturnValue:
    """The content of a file of one's own; a sheet that is no longer one's to see gives none of its files either.

    Raises NotFound("sheet-file.unknown" or "sheet.unknown") and Conflict("sheet-file.not-ready", "sheet-file.expired").
    """
    actor = current_actor()
    found = sheet_files.access_file(actor, file_id)
    grids.grid(found.file.sheet, grids.reader())
    file, content = sheet_files.read(actor, file_id)
    if file.format == "xlsx":
        content = stamped(content, watermark(file))
    answer = send_file(BytesIO(content), TYPES[file.format], as_attachment=True, download_name=file.filename)
    if file.format == "csv":
        answer.mimetype_params["charset"] = str(file.spec.get("encoding", "utf-8"))
    return answer


def watermark(file: SheetFile) -> str:
    """Who takes the file away, when, and its number."""
    standing = current_standing()
    if standing is None:
        raise NotFound("sheet-file.unknown", {"id": file.id})
    at = f"{present.now().astimezone(present.zone()):%Y-%m-%d %H:%M}"
    posts = "、".join(words.named(one) for one in standing.posts[:1])
    name = f"{words.named(standing)} {posts}".strip()
    return _("%(name)s, %(at)s, file No. %(number)s", name=name, at=at, number=file.id)
