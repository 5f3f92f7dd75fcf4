"""Leave and handover: asking for leave, confirming it, taking over, return reports. Parse → service → page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import ngettext

from app import leave_words, people_choices
from app.errors import status_of
from app.messages import sentence
from app.rules import absences as rules
from app.rules.absence_rows import AbsenceRow, end_of
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound, Refused, RuleError
from app.rules.fields import parse_moment, read_moment
from app.services import absence_workbook, absences, access, handovers, leave, present, returns, stand_ins
from app.services.sheet_rows import options
from app.services.workbooks import MAX_BYTES
from app.standing import current_actor, current_standing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STAND_IN = "stand_in-"


def _errors(error: RuleError) -> dict[str, str]:
    if isinstance(error, FieldErrors):
        return {
            field: " ".join(sentence(problem.code, problem.data) for problem in problems)
            for field, problems in error.by_field().items()
        }
    return {error.field or "": sentence(error.code, error.data)}


def _wish(sent: Mapping[str, str]) -> absences.Wish:
    """The form as a wish. Raises FieldErrors for a moment that cannot be read."""
    moments: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for name, read in (("starts_at", parse_moment), ("ends_at", end_of)):
        text = sent.get(name, "").strip()
        try:
            moments[name] = read(text, present.zone()) if text else None
        except Invalid as error:
            problems.append(FieldProblem(name, "field.moment-unreadable", error.data))
    if problems:
        raise FieldErrors(problems)
    named = {
        key[len(STAND_IN) :]: int(value)
        for key, value in sent.items()
        if key.startswith(STAND_IN) and value.isascii() and value.isdigit() and len(value) < 10
    }
    return absences.Wish(sent.get("kind", ""), moments["starts_at"], moments["ends_at"], sent.get("reason", ""), named)


def _previewed(person_id: int | None, sent: Mapping[str, str], *, may_be_past: bool = False) -> absences.Preview | None:
    """What the period of a form would mean; None while it is not a period."""
    if person_id is None:
        return None
    try:
        wish = _wish(sent)
        period = rules.checked_period(
            wish.starts_at, wish.ends_at, present.now(), present.zone(), may_be_past=may_be_past
        )
    except FieldErrors:
        return None
    return absences.preview(person_id, *period)


def _version() -> int:
    return request.form.get("version", 0, type=int)


class LeaveView(BaseView):
    """Everybody's page about his own absences, what he takes over, and what waits for him."""

    route_base = "/leave"
    class_permission_name = "Leave"
    default_view = "index"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "show": "read",
        "preview": "read",
        "new": "write",
        "cancel": "write",
        "come_back": "write",
        "sheets": "write",
        "report": "write",
        "take_over": "write",
        "take_back": "write",
    }

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """My absences, what waits for me, take-overs, return reports; for leaders who is away."""
        actor, standing = current_actor(), current_standing()
        posts = [stand.id for stand in standing.standby] if standing else []
        return self.render_template(
            "leave/index.html",
            page=leave.overview(actor),
            taken=stand_ins.running_for(actor.person_id, [*posts, *actor.grants.post_ids]),
            leave_words=leave_words,
            now=present.now(),
        )

    @expose("/new", methods=("GET", "POST"))
    @has_access
    def new(self) -> ResponseReturnValue:
        """Ask for leave."""
        actor = current_actor()
        if request.method == "GET":
            return self._form({"starts_at": request.args.get("starts_at", ""), "kind": "leave"}, {})
        try:
            absence = absences.request(actor, _wish(request.form))
        except RuleError as error:
            return self._form(request.form, _errors(error), status_of(error))
        flash(_("Asked for. It counts once it is confirmed."), "success")
        if not absences.leaders_of(absence):
            flash(_("No responsible leader is above you here: the system officer confirms it; tell him."), "warning")
        return redirect(url_for("LeaveView.show", absence_id=absence.id))

    def _form(self, values: Mapping[str, Any], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        page = self.render_template(
            "leave/form.html",
            values=values,
            errors=errors,
            found=_previewed(current_actor().person_id, values),
            options=options,
            leave_words=leave_words,
            target=url_for("LeaveView.new"),
        )
        return page, status

    @expose("/preview", methods=("POST",))
    @has_access
    def preview(self) -> ResponseReturnValue:
        """Who would act meanwhile: the part of the form that follows from the period."""
        actor = current_actor()
        person_id, is_officer = actor.person_id, actor.grants.can("system")
        if is_officer:
            person_id = request.form.get("person", type=int)
        return self.render_template(
            "leave/meanwhile.html",
            found=_previewed(person_id, request.form, may_be_past=is_officer),
            values=request.form,
            errors={},
            options=options,
            leave_words=leave_words,
        )

    @expose("/<int:absence_id>")
    @has_access
    def show(self, absence_id: int) -> ResponseReturnValue:
        """One absence: who acts meanwhile, its sheets, what can be done about it."""
        return self._page(absence_id)

    def _page(self, absence_id: int, errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
        actor, now = current_actor(), present.now()
        absence = absences.access_absence(actor, absence_id)
        is_open = absence.state in absences.OPEN and absence.valid.upper is not None and absence.valid.upper > now
        found = None
        if is_open:
            starts = max(absence.valid.lower or now, now) if absence.state == "requested" else absence.valid.lower
            found = absences.preview(absence.person_id, starts, absence.valid.upper, without=absence.id)
        page = self.render_template(
            "leave/show.html",
            absence=absence,
            found=found,
            sheets=leave.sheets_of(absence_id),
            stand_ins=leave.stand_ins_of(absence_id),
            handed=leave.handed_over([absence])[absence_id],
            may_decide=is_open and absence.state == "requested" and absences.may_decide(actor, absence),
            is_mine=absence.person_id == actor.person_id,
            may_change=absence.person_id == actor.person_id or actor.grants.can("system"),
            is_open=is_open,
            errors=errors or {},
            values=request.form,
            options=options,
            leave_words=leave_words,
            now=now,
        )
        return page, status

    @expose("/<int:absence_id>/cancel", methods=("POST",))
    @has_access
    def cancel(self, absence_id: int) -> ResponseReturnValue:
        """Take a request back, or an absence that has not begun."""
        absences.cancel(current_actor(), absence_id, version=_version())
        flash(_("The absence is taken back."), "success")
        return redirect(url_for("LeaveView.show", absence_id=absence_id))

    @expose("/<int:absence_id>/come-back", methods=("POST",))
    @has_access
    def come_back(self, absence_id: int) -> ResponseReturnValue:
        """Back early: the absence ends now."""
        absences.come_back(current_actor(), absence_id, version=_version())
        flash(_("The absence ends now. Whoever acted meanwhile is asked for the return report."), "success")
        return redirect(url_for("LeaveView.show", absence_id=absence_id))

    @expose("/<int:absence_id>/sheets", methods=("POST",))
    @has_access
    def sheets(self, absence_id: int) -> ResponseReturnValue:
        """Make the hand-over sheets of an absence, one per post."""
        made = leave.make_sheets(current_actor(), absence_id)
        text = ngettext("%(num)s sheet is ready.", "%(num)s sheets are ready.", len(made))
        hint = _("Read, then confirm.")
        flash(f"{text} {hint}", "success")
        if len(made) == 1:
            return redirect(url_for("HandoverView.show", sheet_id=made[0].id))
        return redirect(url_for("LeaveView.show", absence_id=absence_id))

    @expose("/<int:absence_id>/report/<int:post_id>", methods=("GET", "POST"))
    @has_access
    def report(self, absence_id: int, post_id: int) -> ResponseReturnValue:
        """File the return report for a post: what was done meanwhile, what is open now."""
        actor = current_actor()
        if request.method == "POST":
            sheet = returns.file(actor, absence_id, post_id, remark=request.form.get("remark", ""))
            flash(_("The return report is filed."), "success")
            return redirect(url_for("HandoverView.show", sheet_id=sheet.id))
        due = next((d for d in returns.due_from(actor) if (d.absence_id, d.post_id) == (absence_id, post_id)), None)
        if due is None:
            raise NotFound("absence.unknown", {"id": absence_id})
        items = handovers.open_items([post_id], present.now())
        return self.render_template("leave/report.html", due=due, count=handovers.count(items))

    @expose("/take-over/<int:post_id>", methods=("GET", "POST"))
    @has_access
    def take_over(self, post_id: int) -> ResponseReturnValue:
        """B takes a post over by hand, with a reason."""
        standing = current_standing()
        stand = next((s for s in standing.standby if s.id == post_id and s.role == "B"), None) if standing else None
        errors: dict[str, str] = {}
        if request.method == "POST":
            text = request.form.get("until", "").strip()
            try:
                until = read_moment(text, present.zone(), field="until").at if text else None
                stand_ins.take_over(current_actor(), post_id, reason=request.form.get("reason", ""), until=until)
                flash(_("You act for this post now; A is told."), "success")
                return redirect(url_for("DeskView.index"))
            except (Conflict, FieldErrors, Invalid) as error:
                errors = _errors(error)
        if stand is None:
            raise NotFound("post.unknown", {"post": post_id})
        page = self.render_template("leave/take_over.html", stand=stand, values=request.form, errors=errors)
        return page, 422 if errors else 200

    @expose("/take-back/<int:stand_in_id>", methods=("POST",))
    @has_access
    def take_back(self, stand_in_id: int) -> ResponseReturnValue:
        """End a take-over: B gives the post back, or A takes it back."""
        stand_ins.take_back(current_actor(), stand_in_id)
        flash(_("The take-over is ended."), "success")
        return redirect(url_for("LeaveView.index"))


class AbsenceEntryView(BaseView):
    """Confirming requests as responsible leader; entering absences of others, one or many, as system officer."""

    route_base = "/absences"
    class_permission_name = "Absences"
    method_permission_name = {  # noqa: RUF012
        "decide": "confirm",
        "enter": "write",
        "workbook": "write",
        "template": "write",
        "enter_many": "write",
    }

    @expose("/<int:absence_id>/decide", methods=("POST",))
    @has_access
    def decide(self, absence_id: int) -> ResponseReturnValue:
        """Confirm or refuse a request."""
        confirm = request.form.get("decision") == "confirm"
        try:
            absence = absences.decide(
                current_actor(),
                absence_id,
                confirm=confirm,
                remark=request.form.get("remark", ""),
                stand_ins=_wish({**request.form, "starts_at": "", "ends_at": ""}).stand_ins,
                version=_version(),
            )
        except FieldErrors as error:
            for text in _errors(error).values():
                flash(text, "danger")
            return redirect(url_for("LeaveView.show", absence_id=absence_id))
        flash(str(leave_words.STATES[absence.state]), "success")
        return redirect(url_for("LeaveView.index"))

    @expose("/enter", methods=("GET", "POST"))
    @has_access
    def enter(self) -> ResponseReturnValue:
        """Enter somebody's absence; it counts as confirmed."""
        access.require_anywhere(current_actor(), "system")
        errors: dict[str, str] = {}
        status = 200
        if request.method == "POST":
            try:
                person_id = request.form.get("person", 0, type=int)
                absence = absences.enter(current_actor(), person_id, _wish(request.form))
                flash(_("Saved."), "success")
                return redirect(url_for("LeaveView.show", absence_id=absence.id))
            except (FieldErrors, Invalid, Refused) as error:
                errors, status = _errors(error), status_of(error)
        values = request.form or request.args
        page = self.render_template(
            "leave/form.html",
            values=values,
            errors=errors,
            found=_previewed(values.get("person", type=int), values, may_be_past=True),
            people=people_choices.offered([values.get("person", "")]),
            options=options,
            leave_words=leave_words,
            target=url_for("AbsenceEntryView.enter"),
        )
        return page, status

    @expose("/workbook", methods=("GET", "POST"))
    @has_access
    def workbook(self) -> ResponseReturnValue:
        """Hand in a workbook; it is looked through as if it were entered, and nothing is written."""
        if request.method == "GET":
            return self._workbook()
        sent = request.files.get("workbook")
        try:
            if sent is None or not sent.filename:
                raise Invalid("import.no-file")
            return self._workbook(reading=absence_workbook.read(current_actor(), sent.stream.read(MAX_BYTES + 1)))
        except Invalid as error:
            return self._workbook(file_error=sentence(error.code, error.data))

    @expose("/template", methods=("POST",))
    @has_access
    def template(self) -> ResponseReturnValue:
        """The empty workbook."""
        return send_file(leave_words.template(), XLSX, as_attachment=True, download_name=_("Absences") + ".xlsx")

    @expose("/enter-many", methods=("POST",))
    @has_access
    def enter_many(self) -> ResponseReturnValue:
        """Enter everything that was looked through, or nothing."""
        rows = _rows()
        problems = absence_workbook.enter(current_actor(), rows)
        if problems:
            reading = absence_workbook.Reading(tuple(rows), problems, absence_workbook.people_of(rows))
            return self._workbook(reading=reading)
        flash(ngettext("%(num)s absence is entered.", "%(num)s absences are entered.", len(rows)), "success")
        return redirect(url_for("LeaveView.index"))

    def _workbook(
        self, *, file_error: str = "", reading: absence_workbook.Reading | None = None
    ) -> ResponseReturnValue:
        access.require_anywhere(current_actor(), "system")
        page = self.render_template(
            "leave/workbook.html", reading=reading, file_error=file_error, sentence=sentence, leave_words=leave_words
        )
        return page, 422 if file_error or (reading is not None and reading.problems) else 200


def _rows() -> list[AbsenceRow]:
    """The rows that the page of a workbook sent on. Raises Invalid("absences.empty") for what no page of ours sent."""
    columns = [request.form.getlist(name) for name in ("row", "person", "starts_at", "ends_at", "kind", "stand_in")]
    try:
        return [
            AbsenceRow(
                int(row),
                int(person),
                parse_moment(starts, present.zone()),
                parse_moment(ends, present.zone()),
                kind,
                reason,
                int(stand_in) if stand_in else None,
            )
            for (row, person, starts, ends, kind, stand_in), reason in zip(
                zip(*columns, strict=True), request.form.getlist("reason"), strict=True
            )
        ]
    except (ValueError, Invalid) as error:
        raise Invalid("absences.empty", field="workbook") from error
