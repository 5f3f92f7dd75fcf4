"""Rights, for the three officers: the generated roles for reading, changes that wait for the security officer.

Nothing is granted by clicking: a post's rights are asked for in the posts form and confirmed here.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from markupsafe import Markup

from app import signing
from app.desk_views import bulk_actions
from app.dictionary import Entry, SheetView, form_version
from app.messages import sentence
from app.roster_views import OnDesk
from app.rules.errors import Conflict, RuleError
from app.services import capability_changes, fictional_desk, present, rights_preview, roles, vacancies
from app.services.capability_changes import Rights
from app.services.desk import COUNT_CAP
from app.standing import current_actor

# Fields of the answer that are about the form itself.
NOT_FIELDS = frozenset({"csrf_token", "previewed", "back", "reason"})


class CapabilitiesView(BaseView):
    """Which role may do what, as generated from the staffing table, who has it now, and what waits."""

    route_base = "/capabilities"
    default_view = "index"
    class_permission_name = "Capabilities"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> ResponseReturnValue:
        """Changes that wait; then posts, functions and officers with their pages."""
        actor = current_actor()
        return self.render_template(
            "capabilities/index.html",
            changes=capability_changes.listed(actor),
            lines=roles.listed(actor),
            was_demonstration=capability_changes.was_demonstration,
        )

    @expose("/posts/<int:post_id>")
    @has_access
    @permission_name("read")
    def desk(self, post_id: int) -> ResponseReturnValue:
        """The desk of a post on fictional rows, as it is or as it is asked for; nothing of it can be pressed."""
        actor = current_actor()
        post = capability_changes.access_post(actor, post_id)
        waits = capability_changes.pending_of(post_id)
        is_asked = waits is not None and request.args.get("as") == "asked"
        rights = Rights.stored(waits.after) if waits is not None and is_asked else Rights.of(post)
        shown = fictional_desk.of(capability_changes.acting_post(post, rights), rights, _subjects())
        return self.render_template(
            "capabilities/desk.html",
            post=post,
            rights=rights,
            waits=waits,
            is_asked=is_asked,
            shown=shown,
            menu=_menu_of(shown.standing.pairs),
            bulk_actions={queue.key: bulk_actions(queue) for queue in shown.queues},
            **_as_on_the_desk(shown),
        )

    @expose("/changes/<int:asked_id>")
    @has_access
    @permission_name("read")
    def change(self, asked_id: int) -> ResponseReturnValue:
        """One change, with who would gain and lose what if it were confirmed now."""
        actor = current_actor()
        found = capability_changes.access_change(actor, asked_id)
        return self.render_template(
            "capabilities/change.html",
            change=found,
            preview=rights_preview.of_change(found) if found.state == "pending" else None,
            after=Rights.stored(found.after),
            before=Rights.stored(found.before),
            decides=actor.grants.can("security"),
            asked=actor.grants.can("system"),
            demo=current_app.config.get("DEMO"),
            was_demonstration=capability_changes.was_demonstration(found),
        )

    @expose("/changes/<int:asked_id>/confirm", methods=["POST"])
    @has_access
    @permission_name("confirm")
    def confirm(self, asked_id: int) -> ResponseReturnValue:
        """The security officer agrees."""
        signing.require_fresh()
        told = _("Confirmed: the post has these rights now.")
        return self._done(asked_id, capability_changes.confirm, told, seen=_seen())

    @expose("/changes/<int:asked_id>/demonstrate", methods=["POST"])
    @has_access
    @permission_name("request")
    def demonstrate(self, asked_id: int) -> ResponseReturnValue:
        """In the demonstration the system officer agrees in the security officer's place."""
        told = _("Confirmed as the security officer (demonstration): the post has these rights now.")
        return self._done(asked_id, capability_changes.demonstrate, told, seen=_seen())

    @expose("/changes/<int:asked_id>/refuse", methods=["POST"])
    @has_access
    @permission_name("confirm")
    def refuse(self, asked_id: int) -> ResponseReturnValue:
        """The security officer does not agree; the post stays as it is."""
        signing.require_fresh()
        remark = request.form.get("reason", "")
        return self._done(asked_id, capability_changes.refuse, _("Refused: the post stays as it is."), remark=remark)

    @expose("/changes/<int:asked_id>/withdraw", methods=["POST"])
    @has_access
    @permission_name("request")
    def withdraw(self, asked_id: int) -> ResponseReturnValue:
        """The system officer takes it back."""
        return self._done(asked_id, capability_changes.withdraw, _("Withdrawn: the post stays as it is."))

    def _done(self, asked_id: int, decide: Any, told: str, **more: Any) -> ResponseReturnValue:
        try:
            is_new = decide(current_actor(), asked_id, **more)
        except Conflict as error:
            flash(sentence(error.code, error.data), "danger")
        else:
            flash(*((told, "success") if is_new else (_("This had been done already; nothing was changed."), "info")))
        return redirect(url_for("CapabilitiesView.change", asked_id=asked_id))


class PostsFormView(SheetView):
    """The posts form: what a post may do is shown to its consequence before it is asked for."""

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> ResponseReturnValue:
        """A new post; it starts without rights, those asked for wait for the security officer."""
        return self._previewed(None) or super().add()

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> ResponseReturnValue:
        """Change a post; other rights wait for the security officer, everything else is written at once."""
        return self._previewed(pk) or super().edit(pk)

    def _previewed(self, pk: str | None) -> ResponseReturnValue | None:
        """Who gains and who loses what, when the form asks for other rights and nobody has looked at that yet."""
        if request.method != "POST" or NOT_FIELDS & set(request.form) - {"csrf_token", "reason"}:
            return None
        row = self._fetch(pk) if pk is not None else None
        form = self.add_form() if row is None else self.edit_form()
        values = {name: form[name].data for name in (self.add_columns if row is None else self.edit_columns)}
        row_id, version = (row.id, form_version()) if row is not None else (None, None)
        try:
            found = rights_preview.of_form(current_actor(), self.sheet, row_id, values, version=version)
        except RuleError:
            return None
        if found is None:
            return None
        sent = [(name, text) for name, text in request.form.items(multi=True) if name not in NOT_FIELDS]
        return self.render_template("capabilities/ask.html", preview=found, sent=sent, row=row, name=form.name.data)

    def _saved(self, form: Any, entry: Entry) -> bool:
        """As every sheet; whoever came back from the preview gets his form again as he had filled it in."""
        if "back" in request.form:
            return False
        return super()._saved(form, replace(entry, reason=request.form.get("reason", "").strip()))

    def _tell(self, row: Any) -> None:
        """That it is saved, and what of it waits."""
        super()._tell(row)
        waits = capability_changes.pending_of(row.id)
        if waits is not None:
            address = url_for("CapabilitiesView.change", asked_id=waits.id)
            told = _("What the post may do waits for the security officer.")
            flash(Markup('{} <a href="{}">{}</a>').format(told, address, _("Look at the change")), "warning")
        if row.active and not row.filled_by_duty and not all(vacancies.holders_of([row])[row.id].values()):
            address = url_for("ChangesView.new", place=f"holding:{row.id}:A")
            told = _("The post is vacant: name A and B.")
            flash(Markup('{} <a href="{}">{}</a>').format(told, address, _("Personnel change")), "info")


def _subjects() -> tuple[str, str]:
    return _("Sample appeal: the street lamp is out"), _("Sample appeal: water in the stairwell")


def _as_on_the_desk(shown: fictional_desk.FictionalDesk) -> dict[str, Any]:
    """What the template of the real desk is rendered with."""
    return {
        "queues": shown.queues,
        "now": present.now(),
        "days": shown.days,
        "overdue": shown.overdue,
        "longest": shown.longest,
        "reports": shown.reports,
        "overseen": [],
        "queue_cap": COUNT_CAP,
        "roster": OnDesk([], None, 0),
        "first_steps": (),
    }


def _menu_of(pairs: Set[tuple[str, str]]) -> list[tuple[str, list[Any]]]:
    """The groups of the menu with the entries that somebody with these pairs sees."""
    found = []
    for group in current_app.extensions["appbuilder"].menu.get_list():
        entries = [one for one in group.childs if ("menu_access", one.name) in pairs]
        if entries:
            found.append((str(group.label), entries))
    return found


def _seen() -> int:
    return request.form.get("seen", 0, type=int)
