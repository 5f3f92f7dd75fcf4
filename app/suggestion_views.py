"""What may be chosen at triage, fetched after the page. Parse → service → answer."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access

from app import suggestion_words
from app.services import suggestions
from app.standing import current_actor


class SuggestionView(BaseView):
    """Suggestions for the category and the unit of an appeal; choosing is a person's."""

    route_base = "/suggestions"
    class_permission_name = "Appeals"
    method_permission_name = {"index": "act"}  # noqa: RUF012

    @expose("/<int:appeal_id>")
    @has_access
    def index(self, appeal_id: int) -> ResponseReturnValue:
        """Three categories and three units at most, each with its reasons."""
        return jsonify(suggestion_words.told(suggestions.for_appeal(current_actor(), appeal_id)))
