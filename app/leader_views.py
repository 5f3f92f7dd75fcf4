"""The leader's own page, made for a phone: read a slip, comment or write the instruction, sign, see what came of it."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _

from app import forms, words
from app.errors import status_of
from app.messages import by_field
from app.rules import workflow as rules
from app.rules.errors import FieldErrors, FieldProblem, NotFound, RuleError
from app.rules.workflow_forms import problems
from app.services import leaders, present, workflow
from app.standing import current_actor

# Days a leader often sets; any other date is typed or picked.
QUICK_DAYS = (3, 7, 15)


class LeaderView(BaseView):
    """What waits for a leader, what he instructed, what was done."""

    route_base = "/leader"
    class_permission_name = "Leaders"
    method_permission_name = {"index": "read", "show": "read", "write": "act", "note": "act"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Slips that wait, instructions that were fulfilled, and his own, the newest first."""
        before = request.args.get("before", type=int)
        return self.render_template(
            "leaders/index.html",
            board=leaders.board(current_actor(), before=before),
            before=before,
            now=present.now(),
            today=present.today(),
        )

    @expose("/<int:slip_id>")
    @has_access
    def show(self, slip_id: int) -> ResponseReturnValue:
        """One slip to read and to write on."""
        return self._page(slip_id, {}, {})

    @expose("/<int:slip_id>/write", methods=("POST",))
    @has_access
    def write(self, slip_id: int) -> ResponseReturnValue:
        """A comment, or the instruction: the exact text is shown before it is signed."""
        wanted = request.form.get("do", "")
        if wanted == "change":
            return self._page(slip_id, request.form, {})
        name = "comment" if wanted == "comment" else "instruct"
        try:
            data = _sent(name)
            if wanted != "comment" and request.form.get("confirmed") != "1":
                _check(name, data)
                return self._page(slip_id, request.form, {}, confirm=data)
            self._act(slip_id, name, data)
        except NotFound:
            raise
        except RuleError as error:
            return self._page(slip_id, request.form, by_field(error), status=status_of(error))
        return redirect(url_for("LeaderView.show", slip_id=slip_id))

    @expose("/<int:slip_id>/note", methods=("POST",))
    @has_access
    def note(self, slip_id: int) -> ResponseReturnValue:
        """Take note of what was done."""
        self._act(slip_id, "take_note", {})
        return redirect(url_for("LeaderView.index"))

    def _act(self, slip_id: int, name: str, data: dict[str, object]) -> None:
        actor = current_actor()
        outcome = workflow.act(
            actor,
            leaders.appeal_of(actor, slip_id),
            name,
            data,
            version=request.form.get("version", 0, type=int),
            request_key=forms.request_key(request.form),
        )
        done = {
            "comment": _("The comment was signed."),
            "instruct": _("The instruction was signed. The duty office assigns it now."),
            "take_note": _("Noted."),
        }[name]
        flash(_("This had been done already; nothing was changed.") if outcome.is_repeat else done, "success")

    def _page(
        self,
        slip_id: int,
        values: Any,
        errors: dict[str, list[str]],
        *,
        confirm: dict[str, object] | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        page, today = leaders.page(current_actor(), slip_id), present.today()
        shown = self.render_template(
            "leaders/slip.html",
            page=page,
            appeal=page.appeal,
            story=page.story,
            slip=page.story.slip,
            values=values,
            errors=errors,
            confirm=confirm,
            quick=[(days, _day(today, days)) for days in QUICK_DAYS],
            phrases=[words.either(chinese, english) for chinese, english in page.phrases],
            request_key=values.get("request_key") or secrets.token_hex(12),
            seen_version=page.appeal.version if errors else values.get("version") or page.appeal.version,
            now=present.now(),
        )
        return shown, status


def _sent(name: str) -> dict[str, object]:
    """The form: one text field serves the comment and the instruction."""
    data = forms.parsed(rules.find("instruct").fields, request.form)
    return data if name == "instruct" else {"comment": data["instruction"]}


def _check(name: str, data: dict[str, object]) -> None:
    """What the rules would say of the form, before its text is shown for signing."""
    wrong = list(problems(rules.find(name).fields, data, present.now()))
    on = data.get("due_on")
    if isinstance(on, date) and on < present.today():
        wrong.append(FieldProblem("due_on", "field.in-past"))
    if wrong:
        raise FieldErrors(wrong)


def _day(today: date, days: int) -> str:
    return (today + timedelta(days=days)).isoformat()
