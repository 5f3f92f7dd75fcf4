"""The headers of every response, and the refusal of requests that another site sent.

Written out instead of taken from Flask-Talisman, which believes anybody's X-Forwarded-Proto (decision 0004).
"""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, g, make_response, request
from werkzeug.exceptions import SecurityError

from app.rules.errors import Refused

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_YEAR = 365 * 24 * 3600

# No inline style, no inline event handler, no other host; inline scripts of the framework carry the nonce.
_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "media-src 'self'; frame-src 'self'; frame-ancestors 'none'; manifest-src 'self'; worker-src 'self'"
)
# What somebody handed in runs nothing, loads nothing but itself, and stands in no page but ours.
_APART = "default-src 'none'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), "
    "geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STATIC = frozenset({"static", "appbuilder.static"})


def init_headers(app: Flask) -> None:
    """Register both; before the views' own checks."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.before_request(_refuse_foreign_host)
    app.before_request(_refuse_foreign_site)
    app.after_request(_write)


def csp_nonce() -> str:
    """The nonce of this response's inline scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return str(g.csp_nonce)


def keep_apart(*, framed: bool) -> None:
    """This response is a file that somebody handed in; `framed`: a page of ours shows it."""
    g.kept_apart = "self" if framed else "none"


def is_static() -> bool:
    """Whether this request is for a file that everybody may read and keep."""
    return request.endpoint in _STATIC


def _refuse_foreign_host() -> Response | None:
    """A Host header that is not ours never reaches a page, which might write it into a link."""
    if isinstance(request.routing_exception, SecurityError):
        return make_response("Bad Request", 400, {"Content-Type": "text/plain; charset=utf-8"})
    return None


def _refuse_foreign_site() -> None:
    """A form sent from another site, whatever token it carries. Raises Refused("request.foreign-site")."""
    if request.method not in _UNSAFE or request.endpoint is None:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if (origin is not None and origin != request.host_url.rstrip("/")) or site not in ("same-origin", "none"):
        raise Refused("request.foreign-site")


def _write(response: Response) -> Response:
    for name, value in _ALWAYS.items():
        response.headers[name] = value
    apart = g.get("kept_apart")
    if apart is not None and response.status_code < 400:
        response.headers["Content-Security-Policy"] = f"{_APART}sandbox; frame-ancestors '{apart}'"
        response.headers["X-Frame-Options"] = "SAMEORIGIN" if apart == "self" else "DENY"
    else:
        response.headers["Content-Security-Policy"] = _POLICY.format(nonce=csp_nonce())
    if current_app.config["HTTPS"]:
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
    if not is_static():
        response.headers["Cache-Control"] = "no-store"
        response.headers.pop("Expires", None)
        response.headers.pop("Pragma", None)
    return response
