"""The page of a sheet as a spreadsheet. The page holds nothing but its frame: rows come from app/grid_api.py."""

from __future__ import annotations

import secrets

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _

from app import grids
from app.messages import by_field, sentence
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import grid_trash, present, sheet_imports
from app.services.clock_recounts import MovesClocks
from app.services.grids import Grid
from app.sheets import BY_CODE, view_name


class GridView(BaseView):
    """Whoever may read a sheet may open it as a spreadsheet; to everybody else there is none."""

    route_base = "/grid"
    default_view = "index"
    class_permission_name = "Grid"
    method_permission_name = {"index": "read", "sheet": "read", "trash": "read", "restore": "read"}  # noqa: RUF012

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Every sheet the reader may open."""
        return self.render_template("grid/index.html", sheets=list(grids.readable(grids.reader())))

    @expose("/<code>")
    @has_access
    def sheet(self, code: str) -> ResponseReturnValue:
        """One sheet. Raises NotFound("sheet.unknown")."""
        grid = grids.grid(code, grids.reader())
        return self.render_template(
            "grid/sheet.html", grid=grid, row_address=row_address(grid), list_address=list_address(grid),
            zone=present.zone().key, takes_files=sheet_imports.is_open(grid), trash_address=trash_address(grid),
        )  # fmt: skip

    @expose("/<code>/trash")
    @has_access
    def trash(self, code: str) -> ResponseReturnValue:
        """The rows that were deleted or switched off, those last first; found by what they are called (`q`)."""
        grid = _emptied(code)
        term = request.args.get("q", "")
        return self.render_template(
            "grid/trash.html", grid=grid, rows=grid_trash.trash(grid, term), most=grid_trash.MOST, term=term,
            key=secrets.token_hex(12),
        )  # fmt: skip

    @expose("/<code>/trash/<int:row_id>/restore", methods=("POST",))
    @has_access
    def restore(self, code: str, row_id: int) -> ResponseReturnValue:
        """Take a row back; what would move open clocks is asked in its form."""
        grid = _emptied(code)
        try:
            grid_trash.restore(grid, row_id, request_key=f"{request.form.get('request_key', '')[:32]}-{row_id}")
            flash(_("The row is back."), "success")
        except MovesClocks:
            return redirect(url_for(f"{view_name(grid.source)}.edit", pk=row_id))
        except FieldErrors as error:
            flash(" ".join(text for texts in by_field(error).values() for text in texts), "danger")
        except (Conflict, Refused) as error:
            flash(sentence(error.code, error.data), "danger")
        return redirect(url_for("GridView.trash", code=code))


def _emptied(code: str) -> Grid:
    """The sheet from which the reader may delete rows. Raises NotFound("sheet.unknown")."""
    grid = grids.grid(code, grids.reader())
    if not trash_address(grid):
        raise NotFound("sheet.unknown", {"sheet": code[:48]})
    return grid


def trash_address(grid: Grid) -> str:
    """The page of what was deleted from it; empty where nothing is deleted, or not by this reader."""
    has_trash = grid.family == "own" or (grid.family == "dictionary" and grid.source.has_switch)
    return url_for("GridView.trash", code=grid.code) if grid.can_remove and has_trash else ""


def row_address(grid: Grid) -> str:
    """The page of a row with `{id}` in place of its id; empty for a sheet whose rows have none."""
    if grid.family == "appeals":
        return url_for("AppealView.show", appeal_id=0).replace("/0", "/{id}")
    if grid.code in BY_CODE:
        return url_for(f"{view_name(BY_CODE[grid.code])}.show", pk="0").replace("/0", "/{id}")
    if grid.family == "own":
        return url_for("OwnRowView.show", code=grid.source.code, row_id=0).replace("/0", "/{id}")
    return ""


def list_address(grid: Grid) -> str:
    """The same sheet as a list with pages; empty for a sheet of one's own, which has none."""
    if grid.family == "appeals":
        return url_for("LedgerView.list" if grid.code == "ledger" else "AppealModelView.list")
    if grid.code in BY_CODE:
        return url_for(f"{view_name(BY_CODE[grid.code])}.list")
    return ""
