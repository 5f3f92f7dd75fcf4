"""Saved views of a sheet as JSON: which there are for the caller, saving, changing, with which one the sheet opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from flask_babel import gettext as _

from app import grids
from app.messages import sentence
from app.rules.errors import Invalid
from app.rules.query import MOST_CONDITIONS, MOST_VALUES
from app.services import grid_options, grid_sql, saved_view
from app.services.grids import Grid
from app.services.saved_view import Saved, Wanted

views = Blueprint("views", __name__, url_prefix="/api/v1/sheets")


def init_view_api(app: Flask) -> None:
    """Register the endpoints of saved views."""
    app.register_blueprint(views)


@views.get("/<code>/views")
def index(code: str) -> Response:
    """The views of the sheet that the caller may open, the posts a view can be shared with, who "me" is in a filter."""
    grid, english = _grid(code), grids.is_english()
    posts = [
        {"id": one.id, "name": one.name_en if english and one.name_en else one.name} for one in saved_view.posts()
    ]
    return jsonify(
        views=[_view(one) for one in saved_view.visible(grid)],
        posts=posts,
        me={"person": grid.actor.person_id, "units": grid_sql.units_of(grid.actor)},
    )


@views.post("/<code>/views")
def create(code: str) -> Response:
    """A new view: `{"name", "spec", "share"?, "post_ids"?, "locked"?, "request_key"}`."""
    grid, body = _grid(code), _body("name", "spec", "share", "post_ids", "locked", "request_key")
    return jsonify(view=_view(saved_view.save(grid, _wanted(body), request_key=_key(body))))


@views.post("/<code>/views/first")
def first(code: str) -> Response:
    """With which view the sheet opens for the caller: `{"view": id}`, null for none."""
    grid, body = _grid(code), _body("view", "request_key")
    saved_view.open_first(grid, None if body.get("view") is None else _number(body, "view"))
    return jsonify({})


@views.post("/<code>/views/names")
def names(code: str) -> Response:
    """What the rows are called that a filter names: `{"ids": {"unit": [3, 4]}}` → `{"names": {"unit": {"3": …}}}`."""
    grid, body = _grid(code), _body("ids")
    wanted = body.get("ids")
    if not isinstance(wanted, dict) or len(wanted) > MOST_CONDITIONS:
        raise Invalid("view.unreadable", {"at": "ids"})
    english = grids.is_english()
    found = {key: grid_options.called(grid, key, _ids(ids), english=english) for key, ids in wanted.items()}
    return jsonify(names=found)


@views.get("/<code>/views/<int:view_id>")
def one(code: str, view_id: int) -> Response:
    """One view; 404 says that it is gone or not shared with the caller any more."""
    return jsonify(view=_view(saved_view.access_view(_grid(code), view_id)))


@views.patch("/<code>/views/<int:view_id>")
def change(code: str, view_id: int) -> Response:
    """Change a view: `{"version", …}` and what is to be changed."""
    grid, body = _grid(code), _body("version", "name", "spec", "share", "post_ids", "locked", "request_key")
    wanted, version = _wanted(body), _number(body, "version")
    return jsonify(view=_view(saved_view.change(grid, view_id, wanted, version=version, request_key=_key(body))))


@views.delete("/<code>/views/<int:view_id>")
def remove(code: str, view_id: int) -> Response:
    """Delete a view: `{"version", "request_key"}`."""
    grid, body = _grid(code), _body("version", "request_key")
    saved_view.remove(grid, view_id, version=_number(body, "version"), request_key=_key(body))
    return jsonify({})


def _grid(code: str) -> Grid:
    return grids.grid(code, grids.reader())


def _body(*allowed: str) -> Mapping[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict) or any(name not in allowed for name in found):
        raise Invalid("view.unreadable", {"at": ", ".join(allowed)})
    return found


def _ids(raw: object) -> list[int]:
    if not isinstance(raw, list) or len(raw) > MOST_VALUES:
        raise Invalid("view.unreadable", {"at": "ids"})
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**31 for one in raw):
        raise Invalid("view.unreadable", {"at": "ids"})
    return raw


def _wanted(body: Mapping[str, Any]) -> Wanted:
    for name in ("name", "share"):
        if not isinstance(body.get(name), str | None):
            raise Invalid("view.unreadable", {"at": name})
    if not isinstance(body.get("locked"), bool | None):
        raise Invalid("view.unreadable", {"at": "locked"})
    return Wanted(body.get("name"), body.get("spec"), body.get("share"), body.get("post_ids"), body.get("locked"))


def _number(body: Mapping[str, Any], name: str) -> int:
    found = body.get(name)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found < 2**31:
        raise Invalid("view.unreadable", {"at": name})
    return found


def _key(body: Mapping[str, Any]) -> str | None:
    found = body.get("request_key")
    if found is None:
        return None
    if not isinstance(found, str) or not 8 <= len(found) <= 64:
        raise Invalid("view.unreadable", {"at": "request_key"})
    return found


def _view(one: Saved) -> dict[str, Any]:
    english = grids.is_english()
    return {
        "id": one.id,
        "name": one.name_en if english and one.name_en else one.name,
        "share": one.share,
        "post_ids": list(one.post_ids),
        "posts_gone": one.posts_gone,
        "locked": one.locked,
        "version": one.version,
        "owner": one.owner or _("came with the product"),
        "mine": one.is_mine,
        "can": {"change": one.can_change, "keep": one.can_keep},
        "first": one.is_first,
        "left_out": one.left_out,
        "spec": one.spec,
        "problem": None if one.problem is None else sentence(one.problem.code, one.problem.data),
    }
