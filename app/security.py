"""Who may enter: the security manager, the check before every request, and the record of refusals.

Deny by default: a route that is not named here as public answers only to somebody signed in, and somebody
whose password has run out, or who holds a one-time code, reaches the change page alone.
"""

from __future__ import annotations

import math
from typing import Any

from flask import Flask, Response, abort, current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder.exceptions import PasswordComplexityValidationError
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_login import LoginManager, current_user

from app import bearer, signing
from app.account_views import AccountView, SignInView, confirm_page
from app.api import api
from app.errors import wants_json
from app.file_api import files
from app.grid_api import sheets
from app.grid_edit_api import edits
from app.grid_file_api import files as cell_files
from app.headers import init_headers, is_static
from app.integration_api import integration
from app.messages import sentence
from app.models import db
from app.rules import passwords as password_rules
from app.rules.errors import FieldErrors, Refused
from app.services import accounts, audit, passwords, present, sessions
from app.services.transaction import transaction
from app.sheet_import_api import imports
from app.signing import StaleLogin
from app.standing import GrantedAccess, current_actor, current_standing
from app.view_api import views

# What answers without a login. "/" sends strangers to the login page itself.
PUBLIC = frozenset({"SignInView.login", "LocaleView.index", "health"})
# What answers when the password has run out.
ALWAYS = PUBLIC | {"SignInView.logout", "AccountView.password"}
# Polls of an open page: they are no sign that somebody sits before it, so they keep no session alive.
POLLS = frozenset({"api.feed", "api.task"})

DEFAULTS: dict[str, Any] = {
    "DEMO": False,
    "HTTPS": False,
    "PASSWORD_MAX_DAYS": 90,
    "ONE_TIME_CODE_DAYS": 7,
    "LOCK_FAILURES": 5,
    "LOCK_WINDOW_MINUTES": 10,
    "LOCK_MINUTES": 20,
    "SESSION_IDLE_MINUTES": 30,
    "SESSION_ABSOLUTE_MINUTES": 720,
    "SESSION_FRESH_MINUTES": 15,
    "SESSION_MAX_PARALLEL": 2,
    # A Redis that hangs must not hold up the login; the limiter then counts in memory.
    "RATELIMIT_STORAGE_OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
    "RATELIMIT_SWALLOW_ERRORS": True,
    "AUTH_RATE_LIMIT": "20 per minute",
    "API_RATE_LIMIT": "600 per minute",
    "FAB_PASSWORD_HASH_METHOD": "scrypt",
    "FAB_PASSWORD_HASH_SALT_LENGTH": 16,
}


class StaffingSecurityManager(GrantedAccess, SecurityManager):
    """Flask-AppBuilder's manager with our login in place of its own, and none of its user and role forms.

    Nothing is granted by clicking: rights come from the staffing table, accounts from invitation.
    """

    authdbview = SignInView

    def __init__(self, appbuilder: Any) -> None:
        for key, value in DEFAULTS.items():
            current_app.config.setdefault(key, value)
        current_app.config["FAB_PASSWORD_COMPLEXITY_VALIDATOR"] = _judge_for_framework
        super().__init__(appbuilder)

    def register_views(self) -> None:
        """The login page and one's own account; no list of users or roles, no registration, no API."""
        self.auth_view = self.appbuilder.add_view_no_menu(SignInView())
        self.user_view = self.appbuilder.add_view_no_menu(AccountView())
        # Failures only: a whole office behind one address signs in within the same minute every morning.
        self.limiter.limit(
            lambda: current_app.config["AUTH_RATE_LIMIT"],
            methods=["POST"],
            exempt_when=lambda: request.endpoint != "SignInView.login",
            deduct_when=lambda response: response.status_code == 401,
        )(self.auth_view.blueprint)
        # One count over all that a token opens, and of all that is sent without a token that opens anything.
        for one in (sheets, edits, cell_files, integration, imports, api, views, files):
            self.limiter.shared_limit(
                lambda: current_app.config["API_RATE_LIMIT"],
                scope="bearer",
                key_func=bearer.key,
                exempt_when=lambda: not bearer.is_sent(),
            )(one)

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Sessions are rows of ours; Flask-Login neither remembers nor guesses from addresses."""
        manager = super().create_login_manager(app)
        manager.session_protection = None
        manager.request_loader(lambda _request: bearer.load())
        return manager

    def load_user(self, pk: int | str) -> User | None:
        """The user of this request's session, only while its row is live; a token in the header goes before it."""
        if bearer.is_sent():
            return None
        token = signing.token()
        found = sessions.current(token) if token else None
        if found is None or str(found.user.id) != str(pk):
            return None
        g.signed = found
        return found.user

    def load_user_jwt(self, _jwt_header: Any, jwt_data: Any) -> None:
        """Tokens are not issued, so none is accepted."""
        return

    def auth_user_db(self, username: str, password: str) -> User | None:
        """Judge a login and open its session; `signing.enter` then writes the cookie."""
        signed_in = accounts.sign_in(username or "", password or "", signing.origin())
        if signed_in is None:
            return None
        g.signed_in = signed_in
        return self.get_user_by_id(signed_in.user_id)

    def reset_password(self, userid: int, password: str) -> None:
        """The framework's command line sets no password that the policy refuses; all sessions end."""
        accounts.replace_password(userid, password)

    def add_user(self, *_args: Any, **_kwargs: Any) -> bool:
        """The framework's commands make no users: accounts come by invitation, officers at set-up."""
        return False


def init_security(app: Flask) -> None:
    """Register headers, the check before every request and the record of refusals; after all views."""
    passwords.nobodys_hash()
    # The page that reports a refused form asks for g.user, so it is set before any check may refuse.
    app.before_request_funcs[None].insert(0, StaffingSecurityManager.before_request)
    init_headers(app)
    app.before_request(_guard)
    app.after_request(_record_denial)
    app.after_request(_tell_how)
    app.register_error_handler(StaleLogin, _ask_again)


def audit_denied() -> None:
    """Write down that the signed-in account was refused this request; what it had begun is rolled back."""
    db.session.rollback()
    with transaction():
        audit.record(
            current_actor(),
            "access.denied",
            result="refused",
            object_type=(request.endpoint or "")[:40],
            object_id=str(next(iter((request.view_args or {}).values()), ""))[:80],
            detail={"method": request.method},
        )


def _guard() -> ResponseReturnValue | None:
    """Nobody unknown gets past, and nobody with a password that has run out."""
    if request.endpoint is None or is_static():
        return None
    if bearer.is_sent():
        if not current_user.is_authenticated:
            abort(401)
        if current_standing() is None:
            abort(401)  # its person does not act for its post now
        bearer.guard()
        return None
    if not current_user.is_authenticated:
        return _stranger()
    signed = signing.signed()
    if request.endpoint not in ALWAYS and passwords.is_expired(signed.account):
        if wants_json():
            g.asked_again = True
            raise Refused("account.password-change-first")
        return redirect(url_for("AccountView.password"))
    if request.endpoint not in POLLS:
        sessions.touch(signed)
    return None


def _stranger() -> ResponseReturnValue | None:
    was_signed_in = bool(signing.token())
    if was_signed_in:
        signing.leave()
    if request.endpoint in PUBLIC:
        return None
    if wants_json():
        abort(401)
    if was_signed_in:
        flash(_("You were signed out. Please sign in again."), "info")
    target = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("SignInView.login", next=target if signing.safe_next(target) != "/" else None))


def _record_denial(response: Response) -> Response:
    if response.status_code == 403 and current_user.is_authenticated and not g.get("asked_again"):
        audit_denied()
    return response


def _tell_how(response: Response) -> Response:
    """A program that was not let in is told how it gets in, one that asks too often when it may ask again."""
    if bearer.is_sent():
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        if response.status_code == 429:
            response.headers.setdefault("Retry-After", str(_seconds_to_wait()))
    return response


def _seconds_to_wait() -> int:
    limit = current_app.appbuilder.sm.limiter.current_limit  # type: ignore[attr-defined]
    return max(1, math.ceil(limit.reset_at - present.now().timestamp())) if limit is not None else 60


def _ask_again(error: StaleLogin) -> ResponseReturnValue:
    """Refused with 403, as a page that asks for the password and then leads back; no denial to be recorded."""
    g.asked_again = True
    if wants_json():
        return current_app.handle_user_exception(Refused(error.code, error.data))
    came_from = request.full_path.rstrip("?") if request.method == "GET" else request.referrer
    return confirm_page(signing.safe_next(came_from)), 403


def _judge_for_framework(password: str) -> None:
    """Our policy in the shape in which Flask-AppBuilder's own forms would ask for it."""
    try:
        password_rules.check(password)
    except FieldErrors as error:
        words = " ".join(sentence(problem.code, problem.data) for problem in error.problems)
        raise PasswordComplexityValidationError(words) from error
