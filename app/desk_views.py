"""The desk and the appeal: queues, workflow steps, slips, the hand-over sheet. Parse → service → page."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from app import extra_forms, forms, handling_forms, intake_forms, notices, signing, together, words
from app.attachment_views import with_files
from app.document_views import page_of
from app.errors import status_of, wants_json
from app.messages import by_field, sentence
from app.models import Appeal
from app.roster_views import on_desk
from app.rules import checklist as checklist_rules
from app.rules import intake as intake_rules
from app.rules import workflow as rules
from app.rules.errors import Conflict, FieldErrors, Invalid, RuleError
from app.services import (
    access,
    archiving,
    attachments,
    checklist,
    closing,
    desk,
    inbox,
    leave,
    overdue,
    presence,
    present,
    reading,
    sight,
    slip_sheets,
    slips,
    workflow,
)
from app.services import together as changed
from app.services.actors import Actor
from app.standing import current_actor, current_standing

# Each row of a bulk step is a transaction of its own inside one request.
MOST_AT_ONCE = 200


def _post_id() -> int | None:
    return request.form.get("post_id", type=int)


class DeskView(BaseView):
    """One desk for everything a person acts for now, a chip per post."""

    route_base = "/desk"
    class_permission_name = "Desk"
    method_permission_name = {"index": "read", "bulk": "read"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """The desk itself."""
        actor, standing = current_actor(), current_standing()
        queues = desk.queues(actor)
        supervises = actor.grants.can("supervise")
        return self.render_template(
            "desk/index.html",
            queues=queues,
            now=present.now(),
            days=desk.collector_days(actor),
            overdue=desk.overdue_summary(actor) if supervises else None,
            longest=_longest_overdue(actor) if supervises else [],
            reports=desk.latest_reports() if actor.grants.can("report") else None,
            overseen=desk.posts_overseen(actor) if standing and standing.overseen else [],
            bulk_actions={queue.key: bulk_actions(queue) for queue in queues},
            queue_cap=desk.COUNT_CAP,
            roster=on_desk(actor),
            leave_waiting=leave.waiting(actor) if actor.person_id else 0,
            first_steps=checklist.steps(actor) if actor.grants.can("system") else (),
            percent=checklist_rules.percent,
        )

    @expose("/bulk", methods=("POST",))
    @has_access
    def bulk(self) -> ResponseReturnValue:
        """One step on several appeals; each is checked by itself."""
        action = rules.find(request.form.get("action", ""))
        ids = request.form.getlist("appeal", type=int)
        if not ids:
            raise Invalid("bulk.nothing-chosen")
        if len(ids) > MOST_AT_ONCE:
            raise Invalid("bulk.too-many", {"most": MOST_AT_ONCE})
        if action.fields and request.form.get("confirmed") != "1":
            return self._ask(action, ids, {}, {})
        try:
            data = forms.parsed(action.fields, request.form)
            done, failed = workflow.act_on_many(
                current_actor(),
                ids,
                action.name,
                data,
                request_key=forms.request_key(request.form) or secrets.token_hex(12),
                post_id=_post_id(),
            )
        except FieldErrors as error:
            return self._ask(action, ids, request.form, by_field(error))
        if not done and failed and isinstance(failed[0][1], FieldErrors):
            return self._ask(action, ids, request.form, by_field(failed[0][1]))
        _report_bulk(action, done, failed)
        back = request.form.get("back", type=int)
        return redirect(url_for("AppealView.show", appeal_id=back) if back else url_for("DeskView.index"))

    def _ask(self, action: rules.Action, ids: list[int], values: Any, errors: dict[str, list[str]]) -> Any:
        appeals = reading.several(current_actor(), ids)
        # Each slip has leaders of its own: the line of each row says to whom it goes.
        specs = [spec for spec in action.fields if spec.source != "leaders"]
        lines = {appeal.portfolio_id for appeal in appeals if action.name == "deliver"} - {None}
        page = self.render_template(
            "desk/bulk.html",
            action=action,
            appeals=appeals,
            presences=presence.of_lines(lines),
            fields=forms.shown(specs, values, errors),
            errors=errors,
            request_key=request.form.get("request_key") or secrets.token_hex(12),
            post_id=_post_id(),
            back=request.form.get("back", type=int),
        )
        return page, 422 if errors else 200


def _longest_overdue(actor: Actor) -> Sequence[overdue.Entry]:
    """What the supervisor telephones about first (R18)."""
    wanted = replace(overdue.usual(), state="open_overdue")
    return overdue.page(actor, wanted, limit=desk.ROWS).entries


def bulk_actions(queue: desk.Queue) -> list[rules.Action]:
    """What may be done to several rows of a queue at once; a queue of mixed states wants each row looked at."""
    states = {row.state for row in queue.rows}
    if queue.name in ("without_note", "to_decide", "asked") or len(states) != 1:
        return []
    return [action for action in rules.bulk_actions({queue.capability}) if states <= set(action.sources)]


def _report_bulk(action: rules.Action, done: list[Any], failed: list[tuple[int, RuleError]]) -> None:
    if done:
        label = str(words.ACTIONS[action.name])
        flash(
            ngettext("%(what)s: %(num)d appeal.", "%(what)s: %(num)d appeals.", len(done), what=label),
            "success",
        )
    for appeal_id, error in failed[:5]:
        flash(_("Appeal %(id)s: %(why)s", id=appeal_id, why=sentence(error.code, error.data)), "danger")
    if len(failed) > 5:
        flash(_("%(num)d more could not be done.", num=len(failed) - 5), "danger")


class AppealView(BaseView):
    """One appeal: what must happen next, its fields, its steps, its timeline."""

    route_base = "/appeals"
    class_permission_name = "Appeals"
    method_permission_name = {  # noqa: RUF012
        "show": "read",
        "act": "act",
        "unmask": "unmask",
        "form": "read",
        "urge": "read",
        "sight": "read",
    }

    @expose("/<int:appeal_id>")
    @has_access
    def show(self, appeal_id: int) -> ResponseReturnValue:
        """The appeal's page."""
        return self._page(appeal_id)

    @expose("/<int:appeal_id>/<string:action>", methods=("GET", "POST"))
    @has_access
    def act(self, appeal_id: int, action: str) -> ResponseReturnValue:
        """The form of a step, and the step itself."""
        actor, step = current_actor(), rules.find(action)
        try:
            appeal = access.access_appeal(actor, appeal_id)
            access.require(actor, *step.capabilities, appeal=appeal, post_id=_post_id())
        except RuleError as error:
            return self._out_of_reach(step, error)
        specs = intake_rules.fields_of(appeal.channel_class) if step.sheet else step.fields
        if request.method == "GET":
            # A form is filled with what is known: a draft's with the appellant's particulars in plain text.
            if step not in workflow.actions_on(actor, appeal):
                raise Conflict("workflow.not-from-here", {"action": action, "state": appeal.state})
            return self._form(appeal, step, specs, _initial(appeal, step), {})
        sent, refused = with_files(actor)
        try:
            data = forms.parsed(specs, sent, refused)
            data |= extra_forms.changed(sent, extra_forms.of_step(actor, step, appeal), appeal.extra)
            outcome = workflow.act(
                actor,
                appeal_id,
                action,
                data,
                version=request.form.get("version", 0, type=int),  # no version is a stale one
                request_key=forms.request_key(request.form),
                post_id=_post_id(),
            )
        except RuleError as error:
            return self._form(appeal, step, specs, sent, by_field(error), status=status_of(error))
        _say(outcome)
        if action == "transcribe" and not data.get("attachments") and not outcome.is_repeat:
            flash(_("There is no scan of the signed slip. Add it under Attachments."), "warning")
        return redirect(url_for("AppealView.show", appeal_id=appeal_id))

    def _out_of_reach(self, step: rules.Action, error: RuleError) -> ResponseReturnValue:
        """Gone from one's sight while one wrote: what was typed is kept readable."""
        typed = together.typed_texts(step.fields, request.form) if request.method == "POST" and not wants_json() else []
        if not typed:
            raise error
        said = sentence(error.code, error.data)
        return self.render_template("desk/kept_text.html", action=step, typed=typed, said=said), status_of(error)

    @expose("/<int:appeal_id>/unmask", methods=("POST",))
    @has_access
    def unmask(self, appeal_id: int) -> ResponseReturnValue:
        """Show the appellant's particulars once, with a reason, recorded."""
        reason = request.form.get("reason", "").strip()
        return self._page(appeal_id, particulars=reading.unmask(current_actor(), appeal_id, reason))

    @expose("/<int:appeal_id>/registration-form")
    @has_access
    def form(self, appeal_id: int) -> ResponseReturnValue:
        """The registration form (登记表) as a printable page."""
        return page_of(self, "registration_form", appeal_id)

    @expose("/<int:appeal_id>/who-can-see")
    @has_access
    def sight(self, appeal_id: int) -> ResponseReturnValue:
        """Who can see the appeal at this moment, and by which rule."""
        found = sight.of_appeal(current_actor(), appeal_id)
        return self.render_template("desk/sight.html", sight=found, appeal=found.appeal, now=present.now())

    @expose("/<int:appeal_id>/urge/<int:clock_id>", methods=("POST",))
    @has_access
    def urge(self, appeal_id: int, clock_id: int) -> ResponseReturnValue:
        """Log a telephone urge about one clock of the appeal (电话催办)."""
        remark = request.form.get("reason", "") or request.form.get("remark", "")
        overdue.urge(current_actor(), clock_id, remark=remark, request_key=forms.request_key(request.form))
        flash(_("Telephone urge logged."), "success")
        return redirect(url_for("AppealView.show", appeal_id=appeal_id))

    def _page(self, appeal_id: int, particulars: dict[str, str] | None = None) -> ResponseReturnValue:
        actor = current_actor()
        page = reading.page(actor, appeal_id)
        facts = access.row_facts(page.appeal)
        return self.render_template(
            "desk/appeal.html",
            page=page,
            appeal=page.appeal,
            particulars=particulars or page.particulars,
            unmasked=particulars is not None,
            actions=workflow.actions_on(actor, page.appeal),
            now=present.now(),
            ending=closing.ending(actor, page.appeal, page.journal),
            told_by=[step.name for step in rules.actions_for(rules.State.MERGED, actor.grants.capabilities_on(facts))],
            files=attachments.listed(actor, appeal_id),
            may_attach=attachments.may_add(actor, page.appeal),
            may_unmask=actor.grants.can("see_phone"),
            extras=extra_forms.of_row(actor, page.appeal),
            may_fill=extra_forms.may_fill(actor, page.appeal),
            may_urge=actor.grants.can("supervise") or actor.grants.can("triage"),
        )

    def _form(
        self,
        appeal: Appeal,
        step: rules.Action,
        specs: Any,
        values: Any,
        errors: dict[str, list[str]],
        status: int = 200,
    ) -> ResponseReturnValue:
        actor = current_actor()
        facts = access.row_facts(appeal)
        grants = [grant for capability in step.capabilities for grant in actor.grants.covering(capability, facts)]
        is_sent = isinstance(values, MultiDict)
        stands = _initial(appeal, step) if is_sent else values
        found = None
        if is_sent and values.get("version", type=int) != appeal.version:
            found = together.overtaken(actor, appeal.id, specs, values, stands)
            values = found.values
        extras = extra_forms.of_step(actor, step, appeal)
        held = extra_forms.given(request.form if is_sent else {}, extras, appeal.extra)
        page = self.render_template(
            "desk/action.html",
            appeal=appeal,
            action=step,
            overtaken=found,
            theirs=found.theirs if found else {},
            base=together.base(specs, stands) if found or not is_sent else values.get("base", ""),
            seen_journal=changed.last_row(appeal.id) if found or not is_sent else values.get("seen_journal", ""),
            possible=not is_sent or step in workflow.actions_on(actor, appeal),
            fields=_fields(appeal, step, specs, values, errors),
            told=handling_forms.told(step, appeal, values),
            parts=[
                *intake_forms.parts(appeal.channel_class, values, errors, appeal=appeal),
                *extra_forms.part(actor, extras, held, errors),
            ]
            if step.sheet
            else [],
            extras=[] if step.sheet else extra_forms.needed(actor, extras, held, errors),
            returned=reading.last_return(appeal) if step.sheet else None,
            errors=errors,
            form_version=appeal.version,
            presence=_presence(appeal, step),
            request_key=values.get("request_key") or secrets.token_hex(12),
            post_ids=[grant.post_id for grant in grants if grant.post_id],
        )
        return page, status


def _initial(appeal: Appeal, step: rules.Action) -> dict[str, Any]:
    """What a step's form starts with: what is known already, so that nobody types it twice."""
    if step.sheet:
        return reading.sheet_values(appeal)
    unit = appeal.unit
    limit = appeal.limit_rule
    known: dict[str, Any] = {
        "limit": limit.code if limit else "ordinary",
        "place": appeal.place,
        "category": appeal.category.code if appeal.category else None,
        "unit": unit.code if unit else None,
        "informed_at": present.now(),
        "instructed_on": present.today(),
    }
    if step.name == "strike_off":
        known["result"] = appeal.result
    if step.name == "archive":
        usual = archiving.usual_class()
        known["retention"] = usual.code if usual else None
    if step.name == "split":
        # What the second appeal is about is cut out of what the first one says.
        known |= {"subject": appeal.subject, "body": appeal.body}
    return known | handling_forms.initial(step, appeal) | _from_slip(appeal, step)


def _fields(
    appeal: Appeal, step: rules.Action, specs: Any, values: Any, errors: dict[str, list[str]]
) -> list[dict[str, Any]]:
    asked = handling_forms.asked(step, specs, appeal, current_actor())
    shown = forms.shown(asked, values, errors, channel_class=appeal.channel_class, appeal=appeal)
    return handling_forms.dressed(shown, step, appeal)


def _from_slip(appeal: Appeal, step: rules.Action) -> dict[str, Any]:
    """To whom a slip is delivered now; what the leader wants done, and until when, as the unit's task."""
    if step.name == "deliver" and (here := _presence(appeal, step)) and here.acting:
        return {"leader": here.acting.person.code}
    instruction = slips.wanted(appeal) if step.name == "forward" else None
    if instruction is None:
        return {}
    in_time = instruction.due_on is not None and instruction.due_on >= present.today()
    return {"task": instruction.text} | ({"due_on": instruction.due_on, "limit": None} if in_time else {})


def _presence(appeal: Appeal, step: rules.Action) -> presence.Presence | None:
    """Which leaders of the slip's line are there, for the steps that hand it to them or copy what they wrote."""
    if step.name not in ("deliver", "transcribe") or not appeal.slips:
        return None
    return presence.of_line(appeal.slips[-1].portfolio_id)


def _say(outcome: workflow.Outcome) -> None:
    if outcome.is_repeat:
        flash(_("This had been done already; nothing was changed."), "info")
    elif outcome.action == "register":
        flash(_("Registered as %(number)s.", number=outcome.number), "success")
    else:
        label = str(words.ACTIONS[outcome.action])
        flash(
            _("Done: %(what)s. Now: %(state)s.", what=label, state=str(words.STATES[outcome.state])),
            "success",
        )


class SlipView(BaseView):
    """Processing slips: printing one, and the day's hand-over sheet with its signatures (R6)."""

    route_base = "/slips"
    class_permission_name = "Slips"
    method_permission_name = {"show": "read", "sheet": "read"}  # noqa: RUF012

    @expose("/<int:slip_id>")
    @has_access
    def show(self, slip_id: int) -> ResponseReturnValue:
        """The processing slip (诉求处理单) as a printable page."""
        return page_of(self, "slip", slip_id)

    @expose("/sheet")
    @has_access
    def sheet(self) -> ResponseReturnValue:
        """The hand-over sheets that matter today, and the slips that stand on none yet."""
        today = slip_sheets.today(current_actor())
        return self.render_template("desk/hand_over_sheet.html", today=today, now=present.now())


class InboxView(BaseView):
    """The in-app inbox: what the product has to tell this person."""

    route_base = "/inbox"
    class_permission_name = "Inbox"
    method_permission_name = {"index": "read", "read": "write"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Notices, newest first, by key."""
        before = request.args.get("before", type=int)
        entries = inbox.list_for(current_actor(), before_id=before, limit=30)
        lines = [
            (entry, notices.title(entry.kind, entry.data), notices.address(entry.kind, entry.data)) for entry in entries
        ]
        return self.render_template("desk/inbox.html", lines=lines, more=len(entries) == 30, before=before)

    @expose("/read", methods=("POST",))
    @has_access
    def read(self) -> ResponseReturnValue:
        """Mark one or all as read; with a page of ours named, go there."""
        chosen = request.form.getlist("notice", type=int)
        inbox.mark_read(current_actor(), chosen or None)
        appeal_id = request.form.get("appeal", type=int)
        if appeal_id:
            return redirect(url_for("AppealView.show", appeal_id=appeal_id))
        if request.form.get("to"):
            return redirect(signing.safe_next(request.form["to"]))
        return redirect(url_for("InboxView.index"))
