"""Taking appeals in: the form of each channel class (R2, R3). Parse → service → page."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import current_app, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app import extra_forms, forms, intake_forms, intake_words
from app.attachment_views import with_files
from app.messages import by_field
from app.models import Appeal
from app.rules import intake as rules
from app.rules import mails
from app.rules.errors import FieldErrors, Invalid, NotFound, Refused, RuleError
from app.rules.grants import RowFacts
from app.services import attachments, intake, present, similar
from app.services.actors import Actor
from app.services.definitions import Defined
from app.standing import current_actor

# What a person may decide to do in spite of a warning.
_WARNINGS = frozenset({"intake.petition-known"})


class IntakeView(BaseView):
    """Taking appeals in through the form of a channel class."""

    route_base = "/intake"
    class_permission_name = "Intake"
    method_permission_name = {"new": "write", "mail": "write"}  # noqa: RUF012

    @expose("/<string(length=1):channel_class>", methods=("GET", "POST"))
    @has_access
    def new(self, channel_class: str) -> ResponseReturnValue:
        """The form of a class; saved as a draft or submitted at once, and on to the next."""
        actor = current_actor()
        known_class(channel_class)
        if request.method == "GET":
            require_collector(actor, channel_class)
            return self._start(actor, channel_class)
        submit = request.form.get("then") != "draft"
        sent, refused = with_files(actor)
        try:
            data = forms.parsed(rules.fields_of(channel_class), sent, refused)
            data |= extra_forms.sent(sent, _extras(channel_class))
            key = forms.request_key(request.form)
            if not actor.grants.covering("collect", RowFacts(channel_class)):
                return self._keep(actor, channel_class, data, key)
            despite = request.form.get("despite") == "1"
            scan_of = request.form.get("scan_of", type=int)
            outcome = intake.take_in(
                actor, channel_class, data, submit=submit, request_key=key, despite=despite, scan_of=scan_of
            )
        except RuleError as error:
            if not isinstance(error, Invalid):
                raise
            return self._form(channel_class, sent, error)
        if request.form.get("then") == "next":
            return redirect(url_for("IntakeView.new", channel_class=channel_class, after=outcome.appeal_id))
        flash(_("Submitted for numbering.") if submit else _("Saved as a draft."), "success")
        return redirect(url_for("AppealView.show", appeal_id=outcome.appeal_id))

    @expose("/<string(length=1):channel_class>/mail", methods=("POST",))
    @has_access
    def mail(self, channel_class: str) -> ResponseReturnValue:
        """What a dropped mail says, for the form: read, never kept here and never executed."""
        known_class(channel_class)
        require_collector(current_actor(), channel_class)
        file = request.files.get("mail")
        if file is None:
            raise Invalid("mail.no-file")
        return jsonify(intake_forms.from_mail(mails.read(file.stream.read(mails.LIMIT + 1)), present.now()))

    def _start(self, actor: Actor, channel_class: str) -> ResponseReturnValue:
        values: dict[str, Any] = {"received_at": present.now(), "received_by": actor.name}
        values["channel"] = request.args.get("channel") or intake_forms.only_channel(channel_class)
        after = request.args.get("after", type=int)
        saved = intake.just_saved(actor, after, channel_class) if after else None
        if saved is not None:
            values |= intake.repeated(saved)
        return self._form(channel_class, values, saved=saved)

    def _scan_of(self, saved: Appeal | None) -> int | None:
        """The letter before, when it came with a scan: the next one may stand in the same."""
        if saved is None or saved.channel_class != "E":
            return None
        files = attachments.listed(current_actor(), saved.id)
        return saved.id if any(file.purpose == "take_in" and file.removed_at is None for file in files) else None

    def _keep(self, actor: Actor, channel_class: str, data: Mapping[str, object], key: str | None) -> Any:
        intake.keep(actor, channel_class, data, opened_at=_opened_at(), request_key=key)
        flash(
            _("Your turn at this post has ended. What you typed is kept as a draft of its present holder."),
            "info",
        )
        return redirect(url_for("DeskView.index"))

    def _form(
        self, channel_class: str, values: Any, error: RuleError | None = None, saved: Appeal | None = None
    ) -> ResponseReturnValue:
        errors = by_field(error) if error else {}
        page = self.render_template(
            "desk/intake.html",
            channel_class=channel_class,
            parts=[
                *intake_forms.parts(channel_class, values, errors),
                *extra_forms.part(
                    current_actor(), _extras(channel_class),
                    extra_forms.given(values, _extras(channel_class), is_new=True), errors,
                ),
            ],
            errors=errors,
            warned=isinstance(error, FieldErrors) and all(one.code in _WARNINGS for one in error.problems),
            saved=saved,
            scan_of=request.form.get("scan_of", type=int) or self._scan_of(saved),
            request_key=values.get("request_key") or secrets.token_hex(12),
            opened=values.get("opened") or _opening().dumps(present.now().isoformat()),
        )
        return page, 422 if errors else 200


class SimilarView(BaseView):
    """What is like the appeal being typed. Sent as a form is: nobody's number stands in an address or a log."""

    route_base = "/similar"
    class_permission_name = "Intake"
    method_permission_name = {"index": "write"}  # noqa: RUF012
    # A person who types fast asks every second; a program would ask for every number there is.
    limits = (Limit("90 per minute", key_func=lambda: f"similar:{current_user.get_id() or request.remote_addr}"),)

    @expose("/", methods=("POST",))
    @has_access
    def index(self) -> ResponseReturnValue:
        """The caller's earlier appeals and likely duplicates, as a part of the page."""
        sent = {name: request.form.get(name, "")[:length] for name, length in _TYPED.items()}
        typed = similar.Typed(**sent, appeal_id=request.form.get("appeal_id", type=int))
        found = similar.find(current_actor(), typed)
        return self.render_template("desk/_similar.html", found=found, reasons=intake_words.reasons)


_TYPED = {"phone": 40, "identity": 40, "subject": 300, "body": 3000, "place": 200, "petition_number": 64}


def _extras(channel_class: str) -> list[Defined]:
    """The fields made at run time that the form of a class asks for."""
    return extra_forms.asked(current_actor(), "appeal", state="draft", channel_class=channel_class)


def known_class(channel_class: str) -> None:
    """Raises NotFound("intake.unknown-class") for a letter that is none."""
    if channel_class not in rules.FORMS:
        raise NotFound("intake.unknown-class", {"class": channel_class})


def require_collector(actor: Actor, channel_class: str) -> None:
    """Raises Refused unless the person collects this class now."""
    if not actor.grants.covering("collect", RowFacts(channel_class)):
        raise Refused("access.not-granted", {"capability": "collect"})


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
