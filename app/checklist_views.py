"""First steps: what the system officer has still to do before the office is his own. Parse → service → page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.rules import checklist as rules
from app.services import calendar, checklist
from app.standing import current_actor


@dataclass(frozen=True)
class Wording:
    """What a step is called, why it matters, what is left of it ("%(count)s …"), and the pages where it is done."""

    title: Any
    why: Any
    left: Any
    endpoint: str = ""
    link: Any = ""
    other: tuple[str, Any] | None = None


WORDS: Mapping[str, Wording] = {
    "people": Wording(
        _l("Replace the roster by your own people"),
        _l("The people of the founding document of 2010 are placeholders until yours are entered."),
        _l("%(count)s people of the document are still in use"),
        "StaffingUploadView.index",
        _l("Hand in a staffing table"),
        ("PeopleView.list", _l("People")),
    ),
    "posts": Wording(
        _l("Fill A-role and B-role of every post"),
        _l("No post is ever vacant (R15)."),
        _l("%(count)s roles are vacant"),
        "CoverageView.index",
        _l("Coverage"),
        ("PostsView.list", _l("Posts")),
    ),
    "accounts": Wording(
        _l("Give every holder a login"),
        _l("Whoever cannot sign in cannot act: no account, disabled, or the code was never used."),
        _l("%(count)s holders cannot be reached"),
        "AccountsView.invitations",
        _l("Invite many"),
        ("AccountsView.list", _l("Accounts")),
    ),
    "rosters": Wording(
        _l("Enter the duty rosters"),
        _l("The duty office and the hotline centre are filled by the shift (R17)."),
        _l("%(count)s offices have a hole in the next 30 days"),
        "RosterView.index",
        _l("Duty rosters"),
    ),
    "portfolio": Wording(
        _l("Enter the portfolio"),
        _l("Vice mayor, deputy secretary-general and matching section of each line (R8)."),
        _l("%(count)s lines are incomplete"),
        "PortfolioBoardView.index",
        _l("Portfolio"),
    ),
    "chains": Wording(
        _l("Name who answers for each unit"),
        _l("First and directly responsible person (R7, R8)."),
        _l("%(count)s units have nobody named"),
        "ChainView.index",
        _l("Responsibility chains"),
    ),
    "handlers": Wording(
        _l("Name a handler in each unit"),
        _l("Somebody has to sign for what is assigned."),
        _l("%(count)s units have no handler"),
        "MembershipsView.list",
        _l("Handlers and clerks"),
    ),
    "calendar": Wording(
        _l("Enter the holidays ahead"),
        _l("Limits beyond the published calendar are provisional."),
        _l("The calendar ends within 90 days"),
        "CalendarYearView.index",
        _l("Working calendar"),
        ("CalendarEntryView.index", _l("Enter days")),
    ),
    "mail": Wording(
        _l("Set up mail"),
        _l("Without it notices stay in the inbox of this product. The gateway is set at the machine."),
        _l("No mail gateway is set"),
    ),
    "backup": Wording(
        _l("Try a backup"),
        _l("Copy the database and the folder of secrets to another machine, and restore them there once."),
        _l("Nobody has said yet that it was tried"),
    ),
}


class ChecklistView(BaseView):
    """Every first step with what is left; a step the software cannot judge is settled by hand."""

    route_base = "/first-steps"
    class_permission_name = "Checklist"
    method_permission_name = {"index": "read", "settle": "write", "reopen": "write"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """The list."""
        steps = checklist.steps(current_actor())
        return self.render_template(
            "checklist/index.html",
            steps=steps,
            percent=rules.percent(steps),
            wording=WORDS,
            calendar_until=calendar.known_until(),
        )

    @expose("/<code>/settle", methods=("POST",))
    @has_access
    def settle(self, code: str) -> ResponseReturnValue:
        """A person says that it is done or does not apply."""
        checklist.settle(current_actor(), code, request.form.get("reason", ""))
        flash(_("Noted as settled."), "success")
        return redirect(url_for("ChecklistView.index"))

    @expose("/<code>/reopen", methods=("POST",))
    @has_access
    def reopen(self, code: str) -> ResponseReturnValue:
        """Take that back."""
        checklist.reopen(current_actor(), code)
        flash(_("Open again."), "success")
        return redirect(url_for("ChecklistView.index"))
