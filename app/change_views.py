"""Personnel changes on pages: one form with a preview, the records, their acknowledgement, leaving. Parse → service."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app import change_words, extra_forms, forms
from app.messages import sentence
from app.rules.entries import Field, Kind, parse, problem_of
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, RuleError
from app.services import change_records, changes, desk, leavers, present, reach
from app.services.change_records import Place
from app.services.changes import UNSEEN, Change, Newcomer
from app.standing import current_actor

VACANT, NEW = "vacant", "new"
_FIELDS = (
    Field("place", required=True),
    Field("person", required=True),
    Field("newcomer", limit=64),
    Field("position", limit=64),
    Field("at", kind=Kind.MOMENT),
    Field("reason", required=True, limit=200),
)


_LEAVE_FIELDS = tuple(one for one in _FIELDS if one.name in ("at", "reason"))


@dataclass(frozen=True)
class Entered:
    """The form as it was sent: texts to show again, and what could be read of it."""

    texts: Mapping[str, str]
    place: Place | None
    change: Change | None
    newcomer: Newcomer | None
    has_person: bool
    problems: tuple[FieldProblem, ...]


class ChangesView(BaseView):
    """Personnel changes (R15, R16)."""

    route_base = "/changes"
    default_view = "index"
    class_permission_name = "Changes"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> ResponseReturnValue:
        """The records, newest first, filtered by the address."""
        actor, wanted, before = current_actor(), _wanted(), _number("before")
        page = change_records.page(actor, wanted, before=before)
        kept = {name: value for name, value in request.args.items() if name != "before" and value}
        return self.render_template(
            "changes/index.html",
            page=page,
            older=url_for("ChangesView.index", **{**kept, "before": page.older}) if page.older else "",
            first=url_for("ChangesView.index", **kept) if before else "",
            posts=change_records.posts_to_filter(actor),
            units=change_records.units_to_filter(actor),
            is_filtered=bool(kept),
            **_means(),
        )

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("report")
    def new(self) -> ResponseReturnValue:
        """The form; opened from a place or a person it begins there."""
        actor = current_actor()
        places = change_records.places(actor)
        entered = _entered(request.values, places)
        errors: dict[str, list[str]] = {}
        if request.method == "POST":
            try:
                return self._file(entered)
            except RuleError as error:
                errors = _errors(error)
        page = self.render_template(
            "changes/form.html",
            entered=entered,
            places=change_words.options(places),
            people=change_words.people(
                change_records.people(actor, keep=entered.texts["person"], most=extra_forms.MOST_OPTIONS)
            ),
            outlook=_outlook(entered),
            errors=errors,
            request_key=request.form.get("request_key") or secrets.token_hex(12),
            new=NEW,
            vacant=VACANT,
        )
        return page, 422 if errors else 200

    @expose("/preview", methods=["POST"])
    @has_access
    @permission_name("report")
    def preview(self) -> ResponseReturnValue:
        """What the form as it stands would do: the part of the page that changes while one chooses."""
        entered = _entered(request.form, change_records.places(current_actor()))
        return self.render_template("changes/_outlook.html", outlook=_outlook(entered))

    def _file(self, entered: Entered) -> ResponseReturnValue:
        if entered.problems or entered.change is None:
            raise FieldErrors(entered.problems)
        record = changes.file(
            current_actor(),
            entered.change,
            newcomer=entered.newcomer,
            seen_id=_seen(entered.texts["place"]),
            request_key=forms.request_key(request.form),
        )
        flash(_("Filed to the duty office as %(number)s.", number=record.number), "success")
        return redirect(url_for("ChangesView.show", change_id=record.id))

    @expose("/leave/<int:person_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("report")
    def leave(self, person_id: int) -> ResponseReturnValue:
        """Somebody leaves: every place he holds, what becomes of it, and the form that files it."""
        sent = request.values
        texts = {"at": sent.get("at", ""), "reason": sent.get("reason", "")}
        errors: dict[str, list[str]] = {}
        if request.method == "POST":
            try:
                return self._leave(person_id, texts)
            except FieldErrors as error:
                errors = _errors(error)
        values, _problems = _parsed(_LEAVE_FIELDS[:1], texts)
        page = self.render_template(
            "changes/leave.html",
            leaving=leavers.preview(current_actor(), person_id, values.get("at") or present.now()),
            texts=texts,
            errors=errors,
            request_key=request.form.get("request_key") or secrets.token_hex(12),
            **_means(),
        )
        return page, 422 if errors else 200

    def _leave(self, person_id: int, texts: Mapping[str, str]) -> ResponseReturnValue:
        values, problems = _parsed(_LEAVE_FIELDS, texts)
        if problems:
            raise FieldErrors(problems)
        key = forms.request_key(request.form)
        record = leavers.leave(current_actor(), person_id, values["at"], values["reason"], request_key=key)
        flash(_("Filed to the duty office as %(number)s.", number=record.number), "success")
        return redirect(url_for("ChangesView.show", change_id=record.id))

    @expose("/<int:change_id>")
    @has_access
    @permission_name("read")
    def show(self, change_id: int) -> ResponseReturnValue:
        """One record: before and after, who filed it, who acknowledged it."""
        row = change_records.access_change(current_actor(), change_id)
        return self.render_template("changes/show.html", row=row, **_means())

    @expose("/<int:change_id>/sheet")
    @has_access
    @permission_name("read")
    def sheet(self, change_id: int) -> ResponseReturnValue:
        """The record on one page of paper."""
        row = change_records.access_change(current_actor(), change_id)
        return self.render_template("changes/sheet.html", row=row, **_means())

    @expose("/acknowledge", methods=["POST"])
    @has_access
    @permission_name("acknowledge")
    def acknowledge(self) -> ResponseReturnValue:
        """The duty office takes note of one or several."""
        chosen = request.form.getlist("change", type=int)
        done = changes.acknowledge(current_actor(), chosen, post_id=request.form.get("post_id", type=int))
        if done:
            flash(ngettext("%(num)s change acknowledged.", "%(num)s changes acknowledged.", done), "success")
        else:
            flash(_("Nothing was left to acknowledge."), "info")
        if len(chosen) == 1:
            return redirect(url_for("ChangesView.show", change_id=chosen[0]))
        return redirect(url_for("ChangesView.index"))


# --- reading the form ------------------------------------------------------------------------------------------


def _entered(sent: Mapping[str, str], places: list[Place]) -> Entered:
    """What was typed, or what the address of the form begins with."""
    texts = {one.name: sent.get(one.name, "") for one in _FIELDS}
    values, problems = _parsed(_FIELDS, texts)
    place = next((one for one in places if one.key == texts["place"]), None)
    if place is None and texts["place"]:
        problems.append(FieldProblem("place", "field.choice"))
    newcomer = None
    if texts["person"] == NEW:
        newcomer = Newcomer(values.get("newcomer") or "", values.get("position") or "")
        if not newcomer.name:
            problems.append(FieldProblem("newcomer", "field.required"))
    chosen = texts["person"] == VACANT or texts["person"].isdecimal()
    if texts["person"] and not chosen and newcomer is None:
        problems.append(FieldProblem("person", "field.choice"))
    change = _change(place, values, texts["person"]) if place is not None and values.get("at") else None
    return Entered(texts, place, change, newcomer, chosen or newcomer is not None, tuple(problems))


def _parsed(fields: Sequence[Field], texts: Mapping[str, str]) -> tuple[dict[str, Any], list[FieldProblem]]:
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for one in fields:
        try:
            values[one.name] = parse(one, texts[one.name], present.zone())
        except Invalid as error:
            problems.append(problem_of(error, one.name))
    if "at" in values:
        values["at"] = _at(values["at"])
    return values, problems


def _at(typed: datetime | None) -> datetime:
    """Nothing typed is at once, and so is this minute: its beginning may lie before what was changed within it."""
    now = present.now()
    return now if typed is None or timedelta(0) <= now - typed < timedelta(minutes=1) else typed


def _change(place: Place, values: Mapping[str, Any], person: str) -> Change:
    at: datetime = values["at"]
    return Change(
        place.kind,
        at,
        values.get("reason") or "",
        post_id=place.post.id if place.post else None,
        unit_id=place.unit.id if place.unit else None,
        link=place.link,
        role=place.role,
        person_id=int(person) if person.isdecimal() and len(person) < 10 else None,
    )


def _outlook(entered: Entered) -> dict[str, Any] | None:
    """The preview: who stands there, what would happen in a sentence, what speaks against it."""
    change, place = entered.change, entered.place
    if change is None or place is None:
        return None
    plan, problems = change_records.preview(current_actor(), change)
    outgoing = plan.outgoing.id if plan.outgoing else 0
    found: dict[str, Any] = {
        "now": change_words.now_sentence(plan, place),
        "seen": f"{place.key}={outgoing}",
        "until": plan.until,
    }
    if not entered.has_person:
        return found
    if entered.newcomer is not None:
        problems = [one for one in problems if one.code != "change.vacant-already"]
    found["problems"] = [sentence(one.code, one.data) for one in problems]
    name = entered.newcomer.name if entered.newcomer else ""
    if not problems and (entered.newcomer is None or name):
        waiting = desk.waiting_for(place.post) if place.kind == "holding" and place.post is not None else 0
        found["sentence"] = change_words.sentence(plan, place, name)
        found["notes"] = change_words.consequences(plan, waiting, _unreached(entered))
    return found


def _unreached(entered: Entered) -> str:
    """Why nobody can reach who comes, "" where somebody can or nobody comes."""
    if entered.newcomer is not None:
        return "no_account"
    person_id = entered.change.person_id if entered.change is not None else None
    return reach.unreachable([person_id]).get(person_id, "") if person_id is not None else ""


def _seen(place: str) -> int | None:
    """Who stood in the place when the form was looked at; a place chosen without a look is not compared."""
    key, _equals, person = request.form.get("seen", "").partition("=")
    if key != place or not person.isdecimal() or len(person) > 9:
        return UNSEEN
    return int(person) or None


def _errors(error: RuleError) -> dict[str, list[str]]:
    if isinstance(error, FieldErrors):
        # A place comes with its post, role, unit and link: what is wrong with one of them stands at the place.
        at_place = {"post", "role", "unit", "link"}
        found: dict[str, list[str]] = {}
        for problem in error.problems:
            name = "place" if problem.field in at_place else problem.field
            found.setdefault(name, []).append(sentence(problem.code, problem.data))
        return found
    if not isinstance(error, Conflict):
        raise error
    return {"": [sentence(error.code, error.data)]}


def _means() -> dict[str, Any]:
    actor = current_actor()
    return {
        "change_words": change_words,
        "now": present.now(),
        "may_acknowledge": actor.grants.can("triage"),
        "may_report": actor.grants.can("system") or actor.grants.can("answer"),
    }


def _wanted() -> change_records.Wanted:
    asked = {name: request.args.get(name, "") for name in ("state", "kind")}
    wanted = change_records.Wanted(
        state=asked["state"] if asked["state"] in change_words.STATES else "",
        kind=asked["kind"] if asked["kind"] in change_words.KINDS else "",
        post_id=_number("post"),
        unit_id=_number("unit"),
    )
    return replace(wanted, first_day=_day("from"), last_day=_day("until"))


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, "").strip()[:10])
    except ValueError:
        return None
    return found if date(1949, 1, 1) <= found <= date(2200, 1, 1) else None
