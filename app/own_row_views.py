"""Rows of own sheets as pages: added, read with their history and what links to them, edited, put into the trash.

The list of the rows is the sheet in the grid (app/grid_views.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _

from app import grids, own_row_words
from app.forms import request_key
from app.messages import by_field, sentence
from app.rules.errors import Conflict, FieldErrors
from app.services import grid_cells, grid_rows, own_rows
from app.services.definitions import Own
from app.services.grids import Grid
from app.standing import current_actor

SHOWN_CHANGES = 5


class OwnRowView(BaseView):
    """Whoever reads the sheet reads its rows, whoever fills it in writes them: which posts, the sheet says."""

    route_base = "/own"
    default_view = "show"
    class_permission_name = "Grid"
    method_permission_name = dict.fromkeys(("add", "show", "history", "edit", "remove"), "read")

    @expose("/<code>/add", methods=("GET", "POST"))
    @has_access
    def add(self, code: str) -> ResponseReturnValue:
        """A new row."""
        own, grid = _opened(code)
        own_rows.require_writer(current_actor(), own)
        if request.method == "GET":
            return self._form(own, grid, None, {}, {})
        return self._saved(own, grid, None)

    @expose("/<code>/<int:row_id>")
    @has_access
    def show(self, code: str, row_id: int) -> ResponseReturnValue:
        """A row with its last changes and the rows that link to it."""
        own, grid = _opened(code)
        row = grid_rows.access_row(grid, row_id)
        changes = own_rows.history(row_id, limit=SHOWN_CHANGES)
        return self.render_template(
            "own_rows/show.html", own=own, grid=grid, row=row, title=own_row_words.title(grid, row),
            fields=own_row_words.fields(grid, row), changes=own_row_words.changes(grid, changes),
        )  # fmt: skip

    @expose("/<code>/<int:row_id>/history")
    @has_access
    def history(self, code: str, row_id: int) -> ResponseReturnValue:
        """Everything that ever happened to a row."""
        own, grid = _opened(code)
        row = grid_rows.access_row(grid, row_id)
        before = request.args.get("before", type=int)
        rows = own_rows.history(row_id, before=before, limit=own_rows.HISTORY + 1)
        return self.render_template(
            "own_rows/history.html", own=own, grid=grid, row=row, title=own_row_words.title(grid, row),
            items=own_row_words.changes(grid, rows[: own_rows.HISTORY]), before=before,
            older=rows[own_rows.HISTORY - 1].id if len(rows) > own_rows.HISTORY else None,
        )  # fmt: skip

    @expose("/<code>/<int:row_id>/edit", methods=("GET", "POST"))
    @has_access
    def edit(self, code: str, row_id: int) -> ResponseReturnValue:
        """Change a row; somebody else's change in between is told, and what was filled in stays."""
        own, grid = _opened(code)
        own_rows.require_writer(current_actor(), own)
        row = own_rows.access_row(own, row_id)
        if request.method == "GET":
            return self._form(own, grid, row, row.extra, {})
        return self._saved(own, grid, row)

    @expose("/<code>/<int:row_id>/remove", methods=("POST",))
    @has_access
    def remove(self, code: str, row_id: int) -> ResponseReturnValue:
        """Put a row into the trash."""
        own, _grid = _opened(code)
        own_rows.remove(current_actor(), own, row_id, version=request.form.get("version", type=int))
        flash(_("The row lies in the trash now. It can be taken back."), "success")
        return redirect(url_for("GridView.sheet", code=grids.OWN_PREFIX + code))

    def _form(
        self, own: Own, grid: Grid, row: Any, values: Mapping[str, Any], errors: Mapping[str, list[str]]
    ) -> ResponseReturnValue:
        page = self.render_template(
            "own_rows/form.html", own=own, grid=grid, row=row, errors=errors,
            inputs=[
                one | {"error": " ".join(errors.get(one["name"], ()))}
                for one in own_row_words.inputs(grid, values, is_sent=request.method == "POST", is_new=row is None)
            ],
            version=request.form.get("version", row.version if row is not None else 0),
            request_key=request.form.get("request_key") or secrets.token_hex(12),
        )  # fmt: skip
        return page, 422 if errors else 200

    def _saved(self, own: Own, grid: Grid, row: Any) -> ResponseReturnValue:
        """Write what was sent; what was refused stands at its field."""
        sent = own_row_words.sent(grid, request.form)
        ready = grid_cells.ready(grid, [sent])[0]
        try:
            if ready.problems:
                raise FieldErrors(ready.problems)
            done = own_rows.write(
                current_actor(), own, row.id if row is not None else None, ready.values, is_whole=True,
                version=request.form.get("version", type=int) if row is not None else None,
                request_key=request_key(request.form),
            )  # fmt: skip
        except FieldErrors as error:
            return self._form(own, grid, row, sent, by_field(error))
        except Conflict as error:
            return self._form(own, grid, row, sent, {"": [sentence(error.code, error.data)]})
        flash(_("Saved."), "success")
        return redirect(url_for("OwnRowView.show", code=own.code, row_id=done.id))


def _opened(code: str) -> tuple[Own, Grid]:
    """The sheet and what the reader sees of it. Raises NotFound("sheet.unknown")."""
    own = own_rows.access_own(current_actor(), code)
    return own, grids.grid(grids.OWN_PREFIX + code, grids.reader())
