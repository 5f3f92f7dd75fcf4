"""One renderer: every refusal becomes a translated sentence and an HTTP status, as a page or as JSON."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from app.messages import sentence
from app.models import db
from app.quiet import log_without_values
from app.rules.errors import Conflict, FieldErrors, Gone, Invalid, NotFound, Refused, RuleError
from app.services.clock_recounts import MovesClocks

log = logging.getLogger(__name__)

STATUS: dict[type[RuleError], int] = {Invalid: 422, Refused: 403, NotFound: 404, Conflict: 409, Gone: 410}


def status_of(error: RuleError) -> int:
    """The HTTP status of a rule error's family."""
    return next(status for family, status in STATUS.items() if isinstance(error, family))


def init_errors(app: Flask) -> None:
    """Register the handlers; nothing else in the product renders an error."""
    app.register_error_handler(RuleError, _rule_error)
    app.register_error_handler(MovesClocks, _moves_clocks)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _unexpected)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Whether the caller is a script of ours or an integration rather than a person's browser."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def _rule_error(error: RuleError) -> Response:
    return refusal(error)


def refusal(error: RuleError, **more: Any) -> Response:
    """A refusal as page or JSON; `more` goes with the JSON: what the caller needs to ask again."""
    body: dict[str, Any] = {"code": error.code, "message": sentence(error.code, error.data), **more}
    if isinstance(error, FieldErrors):
        body["fields"] = {
            field: [sentence(problem.code, problem.data) for problem in problems]
            for field, problems in error.by_field().items()
        }
    elif error.field:
        body["fields"] = {error.field: [body["message"]]}
    return _respond(status_of(error), body)


def _moves_clocks(error: MovesClocks) -> Response:
    """No refusal but a question: the page that tells what would move, for whoever sent a form."""
    if wants_json():
        return _rule_error(error)
    from app.clock_views import ask_first

    return ask_first(error)


def _csrf_error(error: CSRFError) -> Response:
    return _respond(400, {"code": "request.csrf", "message": sentence("request.csrf", {})})


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    code = f"http.{status}"
    response = _respond(status, {"code": code, "message": sentence(code, {})})
    if status == 405:
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    db.session.rollback()
    log_without_values(log, f"request {g.get('request_id', '-')} failed", error)
    return _respond(500, {"code": "http.500", "message": sentence("http.500", {})})


def _respond(status: int, body: dict[str, Any]) -> Response:
    body["request_id"] = g.get("request_id", "")
    if wants_json():
        return make_response(jsonify(error=body), status)
    page = render_template("error.html", status=status, error=body, title=_("Something needs your attention"))
    return make_response(page, status)
