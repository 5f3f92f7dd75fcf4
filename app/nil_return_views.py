"""Nil returns (R3): signing for today, and which day of which post or paper is settled. Parse → service → page."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import forms
from app.messages import by_field
from app.rules.errors import FieldErrors
from app.rules.grants import RowFacts
from app.services import nil_returns, present
from app.standing import current_actor, current_standing

# State of a slot → word, tone, icon.
STATES: dict[str, tuple[Any, str, str]] = {
    "items": (_l("taken in"), "ok", "inbox"),
    "nil": (_l("nil return"), "ok", "check"),
    "late": (_l("signed late"), "warn", "clock"),
    "missing": (_l("not reported"), "danger", "triangle-exclamation"),
    "open": (_l("open"), "", "hourglass-half"),
    "none": ("–", "", ""),
}


class NilReturnView(BaseView):
    """The last working days of each collector with a cut-off, and the form that signs today."""

    route_base = "/nil-returns"
    class_permission_name = "NilReturns"
    method_permission_name = {"index": "read", "sign": "sign"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Days against posts and papers: taken in, signed by whom and when, missing, late."""
        actor, now = current_actor(), present.now()
        slots = nil_returns.overview(actor, now)
        days = [(day, list(row)) for day, row in groupby(slots, key=lambda slot: slot.day)]
        return self.render_template(
            "nil_returns/index.html",
            days=days,
            columns=days[0][1] if days else [],
            states=STATES,
            now=now,
            missing=sum(slot.state(now) == "missing" for slot in slots),
            own=nil_returns.posts_of(actor),
        )

    @expose("/<int:post_id>", methods=("GET", "POST"))
    @has_access
    def sign(self, post_id: int) -> ResponseReturnValue:
        """Today's nil return of a post, paper by paper where papers are signed one by one."""
        actor = current_actor()
        if request.method == "GET":
            return self._form(post_id)
        try:
            nil_returns.sign(
                actor, post_id, request.form.getlist("channels"), request_key=forms.request_key(request.form)
            )
        except FieldErrors as error:
            return self._form(post_id, by_field(error)), 422
        flash(_("Nil return signed."), "success")
        return redirect(url_for("DeskView.index"))

    def _form(self, post_id: int, errors: dict[str, list[str]] | None = None) -> str:
        post, slots = nil_returns.today_of(current_actor(), post_id)
        page: str = self.render_template(
            "nil_returns/sign.html", post=post, slots=slots, states=STATES, now=present.now(), errors=errors or {}
        )
        return page


def concerns_reader() -> bool:
    """Whether the menu offers the page: to who reads the report, and to collectors with a cut-off."""
    if current_standing() is None:
        return True
    grants = current_actor().grants
    reads = any(grants.can(capability) for capability in nil_returns.READERS)
    return reads or any(grants.covering("collect", RowFacts(letter)) for letter in "CDE")


