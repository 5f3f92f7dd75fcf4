"""Tokens for other programs: one's own under one's account, everybody's before the security officer."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _

from app import grids, signing, words
from app.messages import by_field, sentence
from app.rules.errors import FieldErrors, Refused
from app.services import api_tokens, present
from app.services.api_tokens import Wanted
from app.standing import current_actor, current_standing

USUALLY_DAYS = 90


class TokensView(BaseView):
    """Everybody makes and ends his own; the security officer sees and ends all."""

    route_base = "/account/tokens"
    default_view = "index"
    class_permission_name = "Account"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> ResponseReturnValue:
        """One's own tokens, and the form of a new one."""
        return self._page({})

    @expose("/make", methods=("POST",))
    @has_access
    @permission_name("write")
    def make(self) -> ResponseReturnValue:
        """A new token: its text is on this answer and never again."""
        signing.require_fresh()
        form = request.form
        wanted = Wanted(
            form.get("name", ""), form.get("post", type=int), form.get("write") == "1",
            tuple(form.getlist("sheets")), form.get("days", 0, type=int),
        )  # fmt: skip
        try:
            _row, text = api_tokens.make(current_actor(), wanted, [code for code, _label in _sheets()])
        except FieldErrors as error:
            return self._page(by_field(error)), 422
        except Refused as error:
            return self._page({"name": [sentence(error.code, error.data)]}), 422
        return self._page({}, text)

    @expose("/<int:token_id>/revoke", methods=("POST",))
    @has_access
    @permission_name("write")
    def revoke(self, token_id: int) -> ResponseReturnValue:
        """End a token at once."""
        api_tokens.revoke(current_actor(), token_id)
        flash(_("The token opens nothing any more."), "success")
        return redirect(url_for("TokensView.all" if request.form.get("all") else "TokensView.index"))

    @expose("/all")
    @has_access
    @permission_name("read")
    def all(self) -> ResponseReturnValue:
        """Every token that still opens something, for the security officer."""
        return self.render_template("tokens/all.html", rows=api_tokens.everybodys(current_actor()))

    def _page(self, errors: Mapping[str, list[str]], text: str = "") -> str:
        actor, standing = current_actor(), current_standing()
        posts = [(one.id, words.named(one)) for one in standing.posts] if standing else []
        return str(
            self.render_template(
                "tokens/index.html", rows=api_tokens.mine(actor), posts=posts, sheets=_sheets(), errors=errors,
                sent=request.form if errors else {}, text=text, most=api_tokens.most_days(), now=present.now(),
                days=min(USUALLY_DAYS, api_tokens.most_days()), may_make=actor.person_id is not None,
                may_see_all=actor.grants.can("security"),
            )
        )  # fmt: skip


def _sheets() -> list[tuple[str, str]]:
    return [(one.code, one.label) for one in grids.readable(grids.reader())]
