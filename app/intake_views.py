"""Taking appeals in: the form of each channel class (R2, R3). Parse → service → page."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app import forms
from app.attachment_views import with_files
from app.messages import by_field
from app.rules import intake as rules
from app.rules.errors import Invalid, NotFound, Refused, RuleError
from app.rules.grants import RowFacts
from app.services import intake, present
from app.standing import current_actor


class IntakeView(BaseView):
    """Taking appeals in through the form of a channel class."""

    route_base = "/intake"
    class_permission_name = "Intake"
    method_permission_name = {"new": "write"}  # noqa: RUF012

    @expose("/<string(length=1):channel_class>", methods=("GET", "POST"))
    @has_access
    def new(self, channel_class: str) -> ResponseReturnValue:
        """The form of a class; saved as a draft or submitted at once, and on to the next."""
        actor = current_actor()
        if channel_class not in rules.SPECIFIC:
            raise NotFound("intake.unknown-class", {"class": channel_class})
        if request.method == "GET":
            if not actor.grants.covering("collect", RowFacts(channel_class)):
                raise Refused("access.not-granted", {"capability": "collect"})
            return self._form(
                channel_class, {"received_at": present.now(), "channel": request.args.get("channel")}
            )
        submit = request.form.get("then") != "draft"
        sent, refused = with_files(actor)
        try:
            data = forms.parsed(rules.fields_of(channel_class), sent, refused)
            key = forms.request_key(request.form)
            if not actor.grants.covering("collect", RowFacts(channel_class)):
                intake.keep(actor, channel_class, data, opened_at=_opened_at(), request_key=key)
                flash(
                    _(
                        "Your turn at this post has ended. What you typed is kept as a draft of its present holder."
                    ),
                    "info",
                )
                return redirect(url_for("DeskView.index"))
            outcome = intake.take_in(actor, channel_class, data, submit=submit, request_key=key)
        except RuleError as error:
            if not isinstance(error, Invalid):
                raise
            return self._form(channel_class, sent, by_field(error))
        flash(_("Submitted for numbering.") if submit else _("Saved as a draft."), "success")
        if request.form.get("then") == "next":
            return redirect(url_for("IntakeView.new", channel_class=channel_class, channel=data["channel"]))
        return redirect(url_for("AppealView.show", appeal_id=outcome.appeal_id))

    def _form(self, channel_class: str, values: Any, errors: dict[str, list[str]] | None = None) -> Any:
        specs = rules.fields_of(channel_class)
        page = self.render_template(
            "desk/intake.html",
            channel_class=channel_class,
            fields=forms.shown(specs, values, errors or {}, channel_class=channel_class),
            errors=errors or {},
            request_key=values.get("request_key") or secrets.token_hex(12),
            opened=values.get("opened") or _opening().dumps(present.now().isoformat()),
        )
        return page, 422 if errors else 200


def _opening() -> URLSafeTimedSerializer:
    """Signs the moment at which a form was opened, so that nobody dates it back to a shift of his."""
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="form-opened")


def _opened_at() -> datetime:
    """When the sent form was opened. Raises Refused for a missing, forged or day-old stamp."""
    try:
        stamp: str = _opening().loads(request.form.get("opened", ""), max_age=24 * 3600)
    except BadSignature as error:
        raise Refused("access.not-granted", {"capability": "collect"}) from error
    return datetime.fromisoformat(stamp)
