"""JSON for our own pages: the feed of badges and the progress of long work."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app.grids import is_english
from app.messages import sentence
from app.models import db
from app.rules.errors import Invalid
from app.services import grid_options, inbox, tasks
from app.standing import badges, current_actor, current_standing

api = Blueprint("api", __name__, url_prefix="/api/v1")


def init_api(app: Flask) -> None:
    """Register the JSON endpoints and the health probe."""
    app.register_blueprint(api)
    app.add_url_rule("/health", "health", health)


@api.get("/feed")
def feed() -> Response:
    """What the badges of the signed-in person count: unread notices, gaps of posts, what waits for a decision."""
    unread = inbox.unread_count(current_actor())
    standing = current_standing()
    counts = badges(standing, unread) if standing else {}
    return jsonify(badges={"inbox": unread, **counts}, toasts=[])


@api.post("/people")
def people() -> Response:
    """Whom one may name in a form of the staffing table, by name or sound: `{"q": what was typed}`."""
    body = request.get_json(silent=True)
    term = body.get("q") if isinstance(body, dict) else None
    if not isinstance(term, str):
        raise Invalid("query.unreadable", {"at": "q"})
    standing = current_standing()
    plans = standing is not None and ("can_write", "Rosters") in standing.pairs
    found = grid_options.people(current_actor(), term, is_everybody=plans, english=is_english())
    return jsonify(options=[{"value": one.value, "label": one.label, "pinyin": one.pinyin} for one in found])


@api.get("/tasks/<int:task_id>")
def task(task_id: int) -> Response:
    """Progress of long work one asked for; 404 for another's."""
    return jsonify(_spoken(tasks.status(current_actor(), task_id)))


@api.post("/tasks/<int:task_id>/cancel")
def cancel_task(task_id: int) -> Response:
    """Ask for long work to stop."""
    actor = current_actor()
    tasks.cancel(actor, task_id)
    return jsonify(_spoken(tasks.status(actor, task_id)))


def _spoken(status: dict[str, object]) -> dict[str, object]:
    code = str(status.get("message") or "")
    return {**status, "message": sentence(code, {}) if code else ""}


def health() -> ResponseReturnValue:
    """Whether this process serves and its database answers; says nothing else."""
    db.session.execute(text("SELECT 1"))
    return jsonify(status="ok")
