"""The signed-in browser at the edge: its cookie, its freshness, and where it may be sent next."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import g, request, session, url_for
from flask_appbuilder.security.sqla.models import User
from flask_login import login_user, logout_user

from app.rules.errors import Refused
from app.services.accounts import SignedIn
from app.services.sessions import Origin, Signed

TOKEN = "sid"  # noqa: S105 - the key under which the signed cookie carries the session's token


class StaleLogin(Refused):
    """The password was typed too long ago for this; the page asks for it again."""


def origin() -> Origin:
    """Where this request comes from."""
    return Origin(
        ip=request.remote_addr or "",
        user_agent=request.user_agent.string,
        request_id=g.get("request_id", ""),
    )


def token() -> str:
    """The token in the cookie of this request, or ""."""
    return str(session.get(TOKEN, ""))


def signed() -> Signed:
    """The live session of this request. Raises Refused("access.signed-out")."""
    found: Signed | None = g.get("signed")
    if found is None:
        raise Refused("access.signed-out")
    return found


def enter(user: User) -> None:
    """Begin a new cookie for the login that `auth_user_db` just accepted.

    Nothing that an unknown visitor brought stays but the language, so no cookie from before is of use.
    """
    signed_in: SignedIn = g.pop("signed_in")
    chosen = signed_in.locale or session.get("locale")
    session.clear()
    login_user(user, remember=False)
    session[TOKEN] = signed_in.token
    if chosen:
        speak(chosen)


def renew(new_token: str) -> None:
    """Carry the session's successor in the cookie."""
    session[TOKEN] = new_token


def leave() -> None:
    """Forget everything in the cookie but the language."""
    chosen = session.get("locale")
    logout_user()
    session.clear()
    if chosen:
        speak(chosen)


def speak(locale: str) -> None:
    """Show the pages in this language from now on."""
    session["locale"] = locale


def require_fresh() -> None:
    """For exports, unmasking in bulk, account changes. Raises StaleLogin when the password is not fresh."""
    if not signed().is_fresh:
        raise StaleLogin("account.confirm-first")


def safe_next(target: str | None) -> str:
    """A path of this site, else the first page: no link sends its reader to another site after the login."""
    home = url_for("HomeView.index")
    if not target or target.startswith("//") or any(ord(sign) < 33 or sign == "\\" for sign in target):
        return home
    parts = urlsplit(target)
    if parts.netloc and (parts.scheme not in ("http", "https") or parts.netloc != request.host):
        return home
    if (parts.scheme and not parts.netloc) or not parts.path.startswith("/") or parts.path.startswith("//"):
        return home
    if parts.path in (url_for("SignInView.login"), url_for("SignInView.logout")):
        return home
    return parts.path + (f"?{parts.query}" if parts.query else "")
