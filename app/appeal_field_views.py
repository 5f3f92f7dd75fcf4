"""The fields made at run time on one appeal: a form of their own, beside the steps. Parse → service → page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _

from app import extra_forms
from app.errors import status_of
from app.messages import by_field
from app.models import Appeal
from app.rules.errors import Conflict, FieldErrors, RuleError
from app.services import access, appeal_fields
from app.standing import current_actor


class AppealFieldsView(BaseView):
    """Filling in what an office notes besides the product's own fields."""

    route_base = "/appeals"
    class_permission_name = "Appeals"
    method_permission_name = {"edit": "act"}  # noqa: RUF012

    @expose("/<int:appeal_id>/fields", methods=("GET", "POST"))
    @has_access
    def edit(self, appeal_id: int) -> ResponseReturnValue:
        """The form and its saving; what somebody else wrote meanwhile is shown, nothing typed is lost."""
        actor = current_actor()
        appeal = access.access_appeal(actor, appeal_id)
        if request.method == "GET":
            return self._form(appeal, {})
        fields = _fields(appeal)
        values = extra_forms.changed(request.form, fields, appeal.extra)
        version = request.form.get("version", 0, type=int)
        try:
            appeal_fields.write(actor, appeal_id, values, version=version)
        except (FieldErrors, Conflict) as error:
            return self._form(appeal, by_field(error), error)
        flash(_("Saved."), "success")
        return redirect(url_for("AppealView.show", appeal_id=appeal_id))

    def _form(
        self, appeal: Appeal, errors: Mapping[str, Sequence[str]], error: RuleError | None = None
    ) -> ResponseReturnValue:
        actor, fields = current_actor(), _fields(appeal)
        values = extra_forms.given(request.form if error else {}, fields, appeal.extra)
        page = self.render_template(
            "desk/fields.html", appeal=appeal, errors=errors, version=appeal.version,
            fields=extra_forms.shown(actor, fields, values, errors, state=appeal.state),
        )  # fmt: skip
        return page, status_of(error) if error else 200


def _fields(appeal: Appeal) -> list[extra_forms.Defined]:
    actor = current_actor()
    asked = extra_forms.asked(actor, "appeal", state=appeal.state, channel_class=appeal.channel_class)
    return [one for one in asked if appeal_fields.may_write(actor, appeal, one)]
