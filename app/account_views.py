"""Signing in and out, one's own account, the officers' list of accounts. Parse → service → page."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.views import AuthDBView
from flask_babel import gettext as _
from flask_babel import refresh
from flask_login import current_user

from app import invitation_words, signing
from app.messages import sentence
from app.rules import passwords as password_rules
from app.rules.errors import FieldErrors, Invalid, RuleError
from app.rules.invitations import Wanted
from app.services import accounts, invitations, passwords, present, sessions
from app.services.workbooks import MAX_BYTES
from app.standing import current_actor, current_standing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SignInView(AuthDBView):
    """The login page; signing out is a form of its own, so that no link and no other site can do it."""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> ResponseReturnValue:
        """The same answer to an unknown login, a wrong password and a locked or shut account."""
        target = signing.safe_next(request.args.get("next"))
        if current_user.is_authenticated:
            return redirect(target)
        form = LoginForm_db()
        status = 200
        if form.validate_on_submit():
            user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
            if user is not None:
                signing.enter(user)
                return redirect(target)
            flash(_refusal(), "danger")
            status = 401
        return self.render_template(self.login_template, title=_("Sign in"), form=form), status

    @expose("/logout/", methods=["POST"])
    def logout(self) -> ResponseReturnValue:
        """End this session; its cookie is worth nothing afterwards."""
        sessions.sign_out(current_actor(), signing.token())
        signing.leave()
        return redirect(url_for("SignInView.login"))


class AccountView(BaseView):
    """What everybody may do with his own login. The framework links to it under the name `userinfo`."""

    route_base = "/account"
    default_view = "userinfo"
    class_permission_name = "Account"

    @expose("/")
    @has_access
    @permission_name("read")
    def userinfo(self) -> ResponseReturnValue:
        """Who is signed in, as what, and until when the password holds."""
        signed = signing.signed()
        return self.render_template(
            "account/overview.html",
            user=signed.user,
            account=signed.account,
            expires_at=passwords.expires_at(signed.account),
            languages=current_app.config["LANGUAGES"],
            standing=current_standing(),
        )

    @expose("/password/", methods=["GET", "POST"])
    @has_access
    @permission_name("write")
    def password(self) -> ResponseReturnValue:
        """Choose a new password; for an expired one or a one-time code the only page there is."""
        signed = signing.signed()
        errors: dict[str, str] = {}
        if request.method == "POST":
            new = request.form.get("password", "")
            if new != request.form.get("again", ""):
                errors["again"] = _("The two entries differ.")
            else:
                try:
                    old = request.form.get("old", "")
                    signing.renew(accounts.change_password(signed, old, new, signing.origin()))
                    flash(_("Your password is changed. Your other sessions are ended."), "success")
                    return redirect(url_for("HomeView.index"))
                except RuleError as error:
                    errors = _by_field(error, "password")
        page = self.render_template(
            "account/password.html",
            errors=errors,
            must_change=passwords.is_expired(signed.account),
            is_first=signed.account.password_changed_at is None,
            policy=password_rules,
            days=current_app.config["PASSWORD_MAX_DAYS"],
        )
        return page, 422 if errors else 200

    @expose("/sessions/")
    @has_access
    @permission_name("read")
    def session_list(self) -> ResponseReturnValue:
        """Where one is signed in."""
        return self.render_template(
            "account/sessions.html",
            sessions=sessions.listed(current_user.id, signing.token()),
            allowed=current_app.config["SESSION_MAX_PARALLEL"],
        )

    @expose("/sessions/end", methods=["POST"])
    @has_access
    @permission_name("write")
    def end_session(self) -> ResponseReturnValue:
        """End one of one's sessions."""
        sessions.end(current_actor(), request.form.get("session", ""))
        flash(_("The session is ended."), "success")
        return redirect(url_for("AccountView.session_list"))

    @expose("/sessions/end-others", methods=["POST"])
    @has_access
    @permission_name("write")
    def end_others(self) -> ResponseReturnValue:
        """End all of one's sessions but this one."""
        sessions.end_others(current_actor(), signing.token())
        flash(_("All your other sessions are ended."), "success")
        return redirect(url_for("AccountView.session_list"))

    @expose("/confirm/", methods=["GET", "POST"])
    @has_access
    @permission_name("write")
    def confirm(self) -> ResponseReturnValue:
        """Type the password again before an export or the like."""
        target = signing.safe_next(request.values.get("next"))
        if request.method == "GET":
            return confirm_page(target)
        try:
            signing.renew(
                accounts.confirm(signing.signed(), request.form.get("password", ""), signing.origin())
            )
        except RuleError as error:
            return confirm_page(target, _by_field(error, "password")), 422
        return redirect(target)

    @expose("/language/", methods=["POST"])
    @has_access
    @permission_name("write")
    def language(self) -> ResponseReturnValue:
        """Keep the language of the pages for every login to come."""
        locale = request.form.get("locale", "")
        accounts.choose_language(signing.signed(), locale)
        signing.speak(locale)
        refresh()
        flash(_("Your language is kept."), "success")
        return redirect(url_for("AccountView.userinfo"))


class AccountsView(BaseView):
    """All logins: the system officer invites, resets, shuts; the security officer unlocks, ends sessions."""

    route_base = "/accounts"
    default_view = "list"
    class_permission_name = "Accounts"

    @expose("/")
    @has_access
    @permission_name("read")
    def list(self) -> ResponseReturnValue:
        """Everybody with the state of his login."""
        search = request.args.get("q", "").strip()[:60]
        return self.render_template(
            "account/accounts.html",
            lines=accounts.listed(current_actor(), search),
            search=search,
            grants=current_actor().grants,
        )

    @expose("/invite", methods=["POST"])
    @has_access
    @permission_name("write")
    def invite(self) -> ResponseReturnValue:
        """Give a person an account; the code is shown on this answer only."""
        signing.require_fresh()
        person_id = request.form.get("person", 0, type=int)
        return self._code(accounts.invite(current_actor(), person_id, request.form.get("username", "")))

    @expose("/invitations")
    @has_access
    @permission_name("write")
    def invitations(self) -> ResponseReturnValue:
        """Everybody without account, to be invited together or by a workbook."""
        return self._invitations()

    @expose("/invitations/list", methods=["POST"])
    @has_access
    @permission_name("write")
    def invitation_list(self) -> ResponseReturnValue:
        """Look through a workbook: who is meant, what is wrong; nobody is invited yet."""
        sent = request.files.get("workbook")
        try:
            if sent is None or not sent.filename:
                raise Invalid("import.no-file")
            reading = invitations.read(current_actor(), sent.stream.read(MAX_BYTES + 1))
        except Invalid as error:
            return self._invitations(file_error=sentence(error.code, error.data))
        return self._invitations(reading=reading)

    @expose("/invitations/template", methods=["POST"])
    @has_access
    @permission_name("write")
    def invitation_template(self) -> ResponseReturnValue:
        """The people without account as a workbook that can be handed in again."""
        file = invitation_words.workbook(invitations.without_account(current_actor()))
        return send_file(file, XLSX, as_attachment=True, download_name=_("Without account") + ".xlsx")

    @expose("/invite-many", methods=["POST"])
    @has_access
    @permission_name("write")
    def invite_many(self) -> ResponseReturnValue:
        """Invite the chosen people, all or none; their codes are shown and printed on this answer only."""
        signing.require_fresh()
        chosen = request.form.getlist("person", type=int)
        wanted = [Wanted(one, request.form.get(f"username-{one}", "")) for one in chosen]
        try:
            slips = invitations.invite(current_actor(), wanted)
        except (FieldErrors, Invalid) as error:
            return self._invitations(errors=invitation_words.errors(error), chosen=chosen)
        return self.render_template(
            "account/slips.html", slips=slips, now=present.now(), address=url_for("HomeView.index", _external=True)
        )

    def _invitations(self, *, file_error: str = "", **shown: Any) -> ResponseReturnValue:
        page = self.render_template(
            "account/invitations.html",
            people=invitations.without_account(current_actor()),
            columns=invitation_words.COLUMNS,
            sentence=sentence,
            file_error=file_error,
            **{"reading": None, "errors": [], "chosen": [], **shown},
        )
        return page, 422 if file_error or shown.get("errors") else 200

    @expose("/reset", methods=["POST"])
    @has_access
    @permission_name("write")
    def reset(self) -> ResponseReturnValue:
        """Replace a forgotten password by a one-time code, shown on this answer only."""
        signing.require_fresh()
        return self._code(accounts.reset(current_actor(), _account_id()))

    @expose("/disable", methods=["POST"])
    @has_access
    @permission_name("write")
    def disable(self) -> ResponseReturnValue:
        """Shut an account at once."""
        accounts.disable(current_actor(), _account_id())
        return self._done(_("The account is disabled and its sessions are ended."))

    @expose("/enable", methods=["POST"])
    @has_access
    @permission_name("write")
    def enable(self) -> ResponseReturnValue:
        """Open a shut account."""
        accounts.enable(current_actor(), _account_id())
        return self._done(_("The account is enabled again."))

    @expose("/unlock", methods=["POST"])
    @has_access
    @permission_name("unlock")
    def unlock(self) -> ResponseReturnValue:
        """End a lock-out."""
        accounts.unlock(current_actor(), _account_id())
        return self._done(_("The account is unlocked."))

    @expose("/end-sessions", methods=["POST"])
    @has_access
    @permission_name("unlock")
    def end_sessions(self) -> ResponseReturnValue:
        """End all sessions of somebody."""
        accounts.end_sessions(current_actor(), _account_id())
        return self._done(_("All sessions of the account are ended."))

    def _code(self, invitation: accounts.Invitation) -> ResponseReturnValue:
        return self.render_template("account/code.html", invitation=invitation)

    def _done(self, text: str) -> ResponseReturnValue:
        flash(text, "success")
        return redirect(url_for("AccountsView.list"))


def confirm_page(target: str, errors: dict[str, str] | None = None) -> str:
    """The page that asks for the password again; it leads on to `target`."""
    view = current_app.appbuilder.sm.user_view  # type: ignore[attr-defined]
    return str(view.render_template("account/confirm.html", target=target, errors=errors or {}))


def _account_id() -> int:
    return request.form.get("account", 0, type=int)


def _refusal() -> str:
    config = current_app.config
    return _(
        "Sign-in failed. Check user name and password. "
        "After %(failures)s wrong passwords an account is locked for %(minutes)s minutes.",
        failures=config["LOCK_FAILURES"],
        minutes=config["LOCK_MINUTES"],
    )


def _by_field(error: RuleError, default: str) -> dict[str, str]:
    if isinstance(error, FieldErrors):
        return {
            field: " ".join(sentence(problem.code, problem.data) for problem in problems)
            for field, problems in error.by_field().items()
        }
    return {error.field or default: sentence(error.code, error.data)}


# For the menu. AccountView and SignInView are registered by the security manager itself.
ACCOUNT_VIEWS: tuple[type[BaseView], ...] = (AccountsView,)
