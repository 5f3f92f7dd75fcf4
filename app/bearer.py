"""Requests of other programs: a token in the header stands for a person, on the API of sheets and nowhere else.

A request with a token has no session: it neither reads nor sets a cookie, and since no browser sends the header by
itself, it needs no form token.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, abort, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect

from app.rules.errors import NotFound, Refused
from app.services import api_tokens
from app.services.api_tokens import Bearer

# What a token opens: the sheets and what lies in their cells. Exports, views and pages are for people.
OPEN = frozenset({"sheets", "sheet_edits", "cell_files", "integration", "sheet_imports"})
ALSO = frozenset({"api.task", "api.cancel_task"})
# What reads although it is sent by POST: what it asks for stands in its body.
READING = frozenset(
    {
        "sheets.rows", "sheets.outline", "sheets.groups", "sheets.figures", "sheets.changes",
        "sheet_edits.find_options",
    }
)  # fmt: skip


class ApiCsrf(CSRFProtect):
    """Form tokens for everything a browser sends; a program's request carries its own proof."""

    def protect(self, *args: Any, **kwargs: Any) -> None:
        """Check the form token of a request with a cookie."""
        if not is_sent():
            super().protect(*args, **kwargs)


class NoCookie(SecureCookieSessionInterface):
    """The cookie of sessions, which no program gets."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """Of a program's request no more than the language it asks to be answered in."""
        if not is_sent():
            return super().open_session(app, request)
        languages = list(app.config["LANGUAGES"])
        chosen = request.accept_languages.best_match(languages, app.config["BABEL_DEFAULT_LOCALE"])
        return self.session_class({"locale": chosen})

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether the answer carries the cookie."""
        return not is_sent() and super().should_set_cookie(app, session)


def is_sent() -> bool:
    """Whether this request comes with a token: then nothing else says who asks."""
    return request.path.startswith("/api/v1/") and _header() != ""


def current() -> Bearer | None:
    """Whoever the token of this request stands for; None without one."""
    found: Bearer | None = g.get("bearer")
    return found


def load() -> User | None:
    """The user of the token, for the login manager; None for none, or one that opens nothing."""
    if not is_sent():
        return None
    g.bearer = api_tokens.bearer_of(_header())
    return g.bearer.user if g.bearer is not None else None


def guard() -> None:
    """Let through what the token reaches. Raises Refused("token.not-here", "token.reads-only"), NotFound."""
    bearer = current()
    if bearer is None:
        abort(401)
    if request.blueprint not in OPEN and request.endpoint not in ALSO:
        raise Refused("token.not-here")
    if not bearer.can_write and request.method not in ("GET", "HEAD") and request.endpoint not in READING:
        raise Refused("token.reads-only")
    code = (request.view_args or {}).get("code")
    if code is not None and not bearer.reaches(str(code)):
        raise NotFound("sheet.unknown", {"sheet": str(code)[:48]})
    task_id = (request.view_args or {}).get("task_id")
    if task_id is not None and not api_tokens.reaches_task(bearer, task_id):
        raise NotFound("task.unknown", {"id": task_id})
    api_tokens.touch(bearer)


def key() -> str:
    """Under what requests are counted: the token, once it has proved itself; else the address of whoever tries.

    What somebody sends without knowing the secret counts against no token.
    """
    bearer = current() if current_user.is_authenticated else None
    return f"token:{bearer.token_id}" if bearer is not None else f"address:{request.remote_addr or ''}"


def _header() -> str:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip()[:200] if kind.lower() == "bearer" else ""
