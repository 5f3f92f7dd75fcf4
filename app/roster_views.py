"""Duty rosters on pages: who has duty, a month, its forms, what a drag sends. Parse → service → page or JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import flash, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import ngettext

from app import people_choices, roster_words
from app.errors import wants_json
from app.messages import sentence
from app.rules import rosters as rules
from app.rules.entries import Field, Kind, parse
from app.rules.errors import Conflict, FieldErrors, Invalid, Refused, RuleError
from app.rules.rosters import Duty
from app.services import present, roster_months, roster_proposals, rosters, shift_handovers
from app.services.actors import Actor
from app.services.roster_months import Office
from app.services.rosters import Edit, Outcome
from app.standing import current_actor

UNDO = "roster_undo"
# How far the forms look ahead for shifts to move to or to swap with.
AHEAD = timedelta(days=62)


def errors_of(error: RuleError) -> dict[str, str]:
    """The sentences of a refusal by field; what belongs to no field stands under ""."""
    if isinstance(error, FieldErrors):
        return {
            name: " ".join(sentence(problem.code, problem.data) for problem in problems)
            for name, problems in error.by_field().items()
        }
    return {error.field or "": sentence(error.code, error.data)}


def typed(name: str, kind: Kind, *, required: bool = True) -> Any:
    """A field of the form, typed. Raises Invalid at the field."""
    return parse(Field(name, kind=kind, required=required), request.form.get(name, ""), present.zone())


def asked_moment() -> datetime:
    """The moment the address asks about, now by default or when it cannot be read."""
    try:
        found: datetime | None = parse(Field("at", kind=Kind.MOMENT), request.args.get("at", ""), present.zone())
    except Invalid:
        found = None
    return found or present.now()


def ids(text: str) -> tuple[int, int, int]:
    """What a choice such as shift:version:person means; 0 for what is missing or no number."""
    parts = [int(p) if p.isascii() and p.isdigit() and len(p) < 10 else 0 for p in text.split(":")]
    first, second, third = (*parts, 0, 0, 0)[:3]
    return first, second, third


def number(name: str) -> int:
    """An id or version of the form; 0 for what is none."""
    return ids(request.form.get(name, ""))[0]


def version(name: str = "version") -> int | None:
    """The version the planner saw, None where the form says nothing."""
    return number(name) or None


class RosterView(BaseView):
    """One roster per office (R17). Reading is checked per office by the service."""

    route_base = "/rosters"
    class_permission_name = "Rosters"
    default_view = "index"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "show": "read",
        "shift": "read",
        "add": "write",
        "edit": "write",
        "person": "write",
        "remove": "write",
        "put": "write",
        "take_off": "write",
        "move_person": "write",
        "move_shift": "write",
        "swap": "write",
        "undo": "write",
        "repeat": "write",
    }

    # --- reading ----------------------------------------------------------------------------------------------

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Who has duty now, or at the moment asked for, in every office."""
        at, actor = asked_moment(), current_actor()
        lines = roster_months.all_on_duty(actor, at)
        missing = shift_handovers.missing(line.office.id for line in lines)
        return self.render_template("rosters/index.html", lines=lines, at=at, now=present.now(), missing=missing)

    @expose("/<int:office_id>")
    @has_access
    def show(self, office_id: int) -> ResponseReturnValue:
        """A month of an office's roster."""
        actor, at = current_actor(), asked_moment()
        month = roster_months.month(actor, office_id, roster_months.month_of(request.args.get("month")))
        return self.render_template(
            "rosters/show.html",
            month=month,
            at=at,
            now=present.now(),
            on_duty=roster_months.duty_at(month.office, at, actor.person_id),
            undo=_undo(office_id) if month.office.writable else None,
            notes=shift_handovers.changes(actor, office_id),
            roster_words=roster_words,
        )

    @expose("/shifts/<int:shift_id>")
    @has_access
    def shift(self, shift_id: int) -> ResponseReturnValue:
        """Where a notice leads: the month in which the shift begins; the overview when it is gone."""
        try:
            row = roster_months.access_shift(current_actor(), shift_id)
        except RuleError:
            return redirect(url_for("RosterView.index"))
        return redirect(_month_address(row.office_id, roster_months.bounds(row)[0], row.id))

    # --- forms ------------------------------------------------------------------------------------------------

    @expose("/<int:office_id>/add", methods=("GET", "POST"))
    @has_access
    def add(self, office_id: int) -> ResponseReturnValue:
        """A new shift; the address may fill in when and who."""
        office = roster_months.access_office(current_actor(), office_id, to_write=True)
        if request.method == "GET":
            return self._form(office, None, roster_words.given(request.args))
        return self._save(office, None, lambda: rosters.plan(current_actor(), office.id, [_edit(office, None)]))

    @expose("/<int:office_id>/shifts/<int:shift_id>", methods=("GET", "POST"))
    @has_access
    def edit(self, office_id: int, shift_id: int) -> ResponseReturnValue:
        """A shift: its times, its seats."""
        office = roster_months.access_office(current_actor(), office_id, to_write=True)
        shift = roster_months.shown(roster_months.access_shift(current_actor(), shift_id))
        if request.method == "GET":
            return self._form(office, shift, roster_words.values_of(shift))
        reason = request.form.get("reason", "")
        return self._save(
            office,
            shift,
            lambda: rosters.plan(current_actor(), office.id, [_edit(office, shift_id)], reason=reason),
        )

    def _save(
        self, office: Office, shift: roster_months.Shift | None, call: Callable[[], Outcome]
    ) -> ResponseReturnValue:
        try:
            outcome = call()
        except (Invalid, Conflict, Refused) as error:
            values = roster_words.given(request.form)
            return self._form(office, shift, values, errors_of(error)), 422
        return done(office.id, outcome, _("Saved."))

    def _form(
        self,
        office: Office,
        shift: roster_months.Shift | None,
        values: Mapping[str, Any],
        errors: Mapping[str, str] | None = None,
    ) -> str:
        chosen = [int(value) for value in (*values["main"], *values["second"]) if value.isdigit()]
        return str(
            self.render_template(
                "rosters/form.html",
                office=office,
                shift=shift,
                values=values,
                errors=errors or {},
                people=people_choices.offered(chosen),
                may_correct=current_actor().grants.can("system"),
                roster_words=roster_words,
            )
        )

    @expose("/<int:office_id>/shifts/<int:shift_id>/people/<int:person_id>")
    @has_access
    def person(self, office_id: int, shift_id: int, person_id: int) -> ResponseReturnValue:
        """Somebody on a shift: move him, swap with somebody, take him off."""
        return self._person(office_id, shift_id, person_id, {})

    def _person(self, office_id: int, shift_id: int, person_id: int, errors: Mapping[str, str]) -> ResponseReturnValue:
        actor = current_actor()
        office = roster_months.access_office(actor, office_id, to_write=True)
        shift = roster_months.shown(roster_months.access_shift(actor, shift_id))
        person = next((one for one in (*shift.main, *shift.second) if one.id == person_id), None)
        if person is None:
            return redirect(_month_address(office_id, shift.starts_at, shift_id))
        page = self.render_template(
            "rosters/person.html",
            office=office,
            shift=shift,
            person=person,
            seat="main" if person in shift.main else "second",
            others=roster_months.coming(office_id, AHEAD),
            errors=errors,
            values=request.form,
            roster_words=roster_words,
        )
        return page, 422 if errors else 200

    # --- what a drag or a small form sends --------------------------------------------------------------------

    @expose("/<int:office_id>/shifts/<int:shift_id>/remove", methods=("POST",))
    @has_access
    def remove(self, office_id: int, shift_id: int) -> ResponseReturnValue:
        """Take a shift out of the roster."""
        reason = request.form.get("reason", "")
        return _attempt(
            office_id,
            lambda: rosters.remove(current_actor(), office_id, shift_id, version=version(), reason=reason),
            _("The shift is taken out."),
        )

    @expose("/<int:office_id>/put", methods=("POST",))
    @has_access
    def put(self, office_id: int) -> ResponseReturnValue:
        """Put a person on a shift, or in somebody's place there."""
        return _attempt(
            office_id,
            lambda: rosters.put(
                current_actor(),
                office_id,
                number("shift"),
                number("person"),
                request.form.get("seat", ""),
                version=version(),
                instead_of=number("instead_of") or None,
            ),
            _("Put on the shift."),
        )

    @expose("/<int:office_id>/take-off", methods=("POST",))
    @has_access
    def take_off(self, office_id: int) -> ResponseReturnValue:
        """Take a person off a shift."""
        return _attempt(
            office_id,
            lambda: rosters.take_off(
                current_actor(), office_id, number("shift"), number("person"), version=version()
            ),
            _("Taken off the shift."),
        )

    @expose("/<int:office_id>/move-person", methods=("POST",))
    @has_access
    def move_person(self, office_id: int) -> ResponseReturnValue:
        """Move a person to another shift; the target is an id, or id:version as the form offers it."""
        target = ids(request.form.get("target", ""))
        return _attempt(
            office_id,
            lambda: rosters.move_person(
                current_actor(),
                office_id,
                number("person"),
                (number("shift"), version()),
                (target[0], target[1] or None),
                request.form.get("seat", ""),
            ),
            _("Moved."),
        )

    @expose("/<int:office_id>/move-shift", methods=("POST",))
    @has_access
    def move_shift(self, office_id: int) -> ResponseReturnValue:
        """Move a shift to another day."""
        return _attempt(
            office_id,
            lambda: rosters.move_shift(
                current_actor(), office_id, number("shift"), typed("day", Kind.DATE), version=version()
            ),
            _("Moved."),
        )

    @expose("/<int:office_id>/swap", methods=("POST",))
    @has_access
    def swap(self, office_id: int) -> ResponseReturnValue:
        """Two people change places; `other` is shift:version:person as the form offers it."""
        other = ids(request.form.get("other", ""))
        return _attempt(
            office_id,
            lambda: rosters.swap(
                current_actor(),
                office_id,
                (number("shift"), version(), number("person")),
                (other[0], other[1] or None, other[2]),
                request.form.get("reason", ""),
            ),
            _("Swapped. Both are told."),
        )

    @expose("/<int:office_id>/undo", methods=("POST",))
    @has_access
    def undo(self, office_id: int) -> ResponseReturnValue:
        """Take one's last change of this roster back."""
        last = _undo(office_id) or (0, 0)
        return _attempt(office_id, lambda: rosters.undo(current_actor(), office_id, *last), _("Undone."))

    # --- repeating --------------------------------------------------------------------------------------------

    @expose("/<int:office_id>/repeat", methods=("GET", "POST"))
    @has_access
    def repeat(self, office_id: int) -> ResponseReturnValue:
        """Days of the calendar as a pattern, or teams in turn, until a date; first what would come of it."""
        actor = current_actor()
        office = roster_months.access_office(actor, office_id, to_write=True)
        if request.method == "GET":
            return self._repeat(office, roster_words.usual_pattern(request.args))
        try:
            proposal = roster_proposals.propose(
                office, _planned(office), replaces="replaces" in request.form, leaves_out="leaves_out" in request.form
            )
            if request.form.get("then") == "apply":
                outcome = roster_proposals.accept(actor, office_id, proposal)
                count = len(proposal.added)
                text = ngettext("%(num)d shift is entered.", "%(num)d shifts are entered.", count)
                return done(office_id, outcome, text)
        except (Invalid, Conflict) as error:
            return self._repeat(office, request.form, errors_of(error)), 422
        return self._repeat(office, request.form, proposal=proposal)

    def _repeat(
        self,
        office: Office,
        values: Mapping[str, Any],
        errors: Mapping[str, str] | None = None,
        proposal: roster_proposals.Proposal | None = None,
    ) -> str:
        return str(
            self.render_template(
                "rosters/repeat.html",
                office=office,
                values=values,
                errors=errors or {},
                proposal=proposal,
                names=roster_months.names(proposal.added if proposal else ()),
                roster_words=roster_words,
            )
        )


@dataclass(frozen=True)
class OnDesk:
    """What the desk says of duty rosters: the own duties, the note to be written or taken, notes that are missing."""

    duties: Sequence[Any]
    turn: shift_handovers.MyTurn | None
    notes_missing: int
    words: Any = roster_words


def on_desk(actor: Actor) -> OnDesk:
    """One statement for everybody, two more on duty, four more for the supervisor (R17, R18)."""
    duties = roster_months.next_duties(actor.person_id) if actor.person_id else []
    on_duty = bool(duties) and duties[0].starts_at <= present.now()
    missing = 0
    if actor.grants.can("supervise"):
        missing = sum(shift_handovers.missing(office.id for office in roster_months.offices(actor)).values())
    return OnDesk(duties, shift_handovers.my_turn(actor) if on_duty else None, missing)


# --- parsing and answering -------------------------------------------------------------------------------------


def _edit(office: Office, shift_id: int | None) -> Edit:
    """The form of a shift as an edit. Raises FieldErrors with every field that cannot be read."""
    problems: list[Invalid] = []
    moments: dict[str, datetime] = {}
    for name in ("starts_at", "ends_at"):
        try:
            moments[name] = typed(name, Kind.MOMENT)
        except Invalid as error:
            problems.append(error)
    people = {seat: tuple(request.form.getlist(seat, type=int)) for seat in rules.SEATS}
    if problems:
        raise roster_words.several(problems)
    label = request.form.get("label", "").strip()[:40]
    duty = Duty(office.id, moments["starts_at"], moments["ends_at"], people["main"], people["second"], shift_id, label)
    return Edit(shift_id, duty, version())


def _planned(office: Office) -> tuple[Duty, ...]:
    """The shifts that the form of repetition asks for."""
    until = typed("until", Kind.DATE)
    zone = present.zone()
    if request.form.get("how") == "teams":
        start = typed("start", Kind.DATE)
        teams = roster_proposals.teams(office, request.form.get("teams", ""))
        changes = roster_words.times(request.form.get("changes", ""))
        return rules.in_turn(office.id, teams, changes, start, until, zone)
    first, last = typed("first", Kind.DATE), typed("last", Kind.DATE)
    pattern = roster_proposals.pattern(office.id, first, last)
    start = max(typed("from", Kind.DATE, required=False) or date.min, last + timedelta(days=1))
    return rules.repeat(pattern, start, until, zone)


def _attempt(office_id: int, call: Callable[[], Outcome], text: str) -> ResponseReturnValue:
    """Do it; a refusal goes to a script as JSON, to a person as words over the month he came from."""
    try:
        outcome = call()
    except RuleError as error:
        if wants_json():
            raise
        for words in errors_of(error).values():
            flash(words, "danger")
        return redirect(_back(office_id))
    return done(office_id, outcome, text)


def done(office_id: int, outcome: Outcome, text: str) -> ResponseReturnValue:
    """Answer a change: JSON for a script, the month again for a person; it can be undone for a while."""
    if outcome.undo:
        session[UNDO] = {"office": office_id, "rows": outcome.undo, "at": int(present.now().timestamp())}
    if wants_json():
        return jsonify(message=text, shifts=list(outcome.shift_ids))
    flash(text, "success")
    return redirect(_back(office_id))


def _undo(office_id: int) -> tuple[int, int] | None:
    """The journal rows of one's last change of this roster, as long as it may be undone."""
    last = session.get(UNDO) or {}
    seconds = rosters.UNDO_WITHIN.total_seconds()
    if last.get("office") != office_id or present.now().timestamp() - last.get("at", 0) > seconds:
        return None
    first, end = last["rows"]
    return first, end


def _back(office_id: int) -> str:
    return url_for("RosterView.show", office_id=office_id, month=request.values.get("month") or None)


def _month_address(office_id: int, moment: datetime, shift_id: int) -> str:
    local = moment.astimezone(present.zone())
    return url_for("RosterView.show", office_id=office_id, month=f"{local:%Y-%m}", _anchor=f"shift-{shift_id}")
