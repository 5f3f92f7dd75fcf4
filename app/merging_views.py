"""Finding the appeal that another is merged into (并单), for the field of the form."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import format_date
from flask_babel import gettext as _

from app import intake_words, words
from app.rules.workflow import find
from app.services import access, mains, present
from app.standing import current_actor


class MergingView(BaseView):
    """The appeals that may be the main one."""

    route_base = "/merging"
    class_permission_name = "Appeals"
    method_permission_name = {"mains": "act"}  # noqa: RUF012

    @expose("/<int:appeal_id>/mains")
    @has_access
    def mains(self, appeal_id: int) -> ResponseReturnValue:
        """By number or words; without any the likely ones."""
        actor = current_actor()
        appeal = access.access_appeal(actor, appeal_id)
        access.require(actor, *find("merge").capabilities, appeal=appeal)
        return jsonify([shown(one) for one in mains.searched(actor, appeal, request.args.get("q", ""))])


def shown(main: mains.Main) -> dict[str, Any]:
    """A main appeal as the field lists it."""
    received = format_date(main.received_at.astimezone(present.zone()), "yyyy-MM-dd")
    why = intake_words.reasons(main.likeness)
    if main.is_same_category:
        why = [str(_("Same category")), *why]
    said = (str(words.STATES[main.state]), words.either(main.unit, main.unit_en) if main.unit else "", received, *why)
    return {"value": main.number, "label": main.subject, "note": " · ".join(part for part in said if part)}
