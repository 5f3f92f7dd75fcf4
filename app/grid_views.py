"""The page of a sheet as a spreadsheet. The page holds nothing but its frame: rows come from app/grid_api.py."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access

from app import grids
from app.services import present, sheet_imports
from app.services.grids import Grid
from app.sheets import BY_CODE, view_name


class GridView(BaseView):
    """Whoever may read a sheet may open it as a spreadsheet; to everybody else there is none."""

    route_base = "/grid"
    default_view = "index"
    class_permission_name = "Grid"
    method_permission_name = {"index": "read", "sheet": "read"}  # noqa: RUF012

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
            zone=present.zone().key, takes_files=sheet_imports.is_open(grid),
        )  # fmt: skip


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
