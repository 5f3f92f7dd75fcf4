"""The contact book (R2): the generated pages and, on each entry, that somebody spoke with the outlet."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _

from app import signing
from app.dictionary import SheetView
from app.messages import sentence
from app.rules.errors import FieldErrors, FieldProblem
from app.services import contacts, present
from app.standing import current_actor


class ContactView(SheetView):
    """Outlets of the reader's own class."""

    show_template = "dictionary/contact.html"
    method_permission_name = {  # noqa: RUF012
        **SheetView.method_permission_name,
        "contacted": "write",
        "reveal": "write",
    }

    @expose("/contacted/<pk>", methods=["POST"])
    @has_access
    def contacted(self, pk: str) -> ResponseReturnValue:
        """Somebody spoke with the outlet: on which day, about what."""
        row = self._fetch(pk)
        try:
            on = _day(request.form.get("on", ""))
            contacts.note(current_actor(), self.sheet, row.id, on, request.form.get("remark", ""))
        except FieldErrors as error:
            found = {name: sentence(some[0].code, some[0].data) for name, some in error.by_field().items()}
            return self._shown(row, errors=found, sent=request.form), 422
        flash(_("Contact noted."), "success")
        return redirect(url_for("ContactsView.show", pk=row.id))

    @expose("/reveal/<pk>", methods=["POST"])
    @has_access
    def reveal(self, pk: str) -> ResponseReturnValue:
        """The mobile number in full, to ring it; asks for a fresh login and is recorded."""
        signing.require_fresh()
        row = self._fetch(pk)
        number = contacts.reveal(current_actor(), self.sheet, row.id)
        return self.render_template("dictionary/number.html", row=row, number=number)


def _day(text: str) -> date | None:
    """The day of the form, today where it is empty. Raises FieldErrors with "field.date-unreadable"."""
    try:
        return date.fromisoformat(text.strip()) if text.strip() else present.today()
    except ValueError:
        raise FieldErrors([FieldProblem("on", "field.date-unreadable", {"value": text[:40]})]) from None
