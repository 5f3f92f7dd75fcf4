"""The portfolio (分工): one sheet at any moment, and a change of it with its preview. Parse → service → page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app import chain_words, people_choices, words
from app.forms import request_key
from app.messages import sentence
from app.rules.entries import Field, Kind, parse, problem_of
from app.rules.errors import FieldErrors, FieldProblem, Invalid, NotFound, RuleError
from app.services import access, portfolio, portfolio_changes, present
from app.services.portfolio_changes import PortfolioChange
from app.services.sheet_rows import Option, options
from app.sheet_words import period_chip
from app.standing import current_actor

AT = Field("at", _l("From"), Kind.MOMENT, required=True)
REASON = Field("reason", _l("Reason"), limit=200)
PLACES: Mapping[str, str] = {"vice_mayor": "person", "deputy": "person", "section": "section"}


class PortfolioBoardView(BaseView):
    """All lines at a moment; a change of a line is one form with its preview (R8)."""

    route_base = "/portfolio"
    default_view = "index"
    class_permission_name = "Portfolio"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "line": "read",
        "change": "write",
        "preview": "write",
        "back": "write",
        "make": "write",
    }

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Every line with everybody in it, now or at the moment asked for."""
        at, problem = asked_moment(request.args.get("at", ""))
        return self.render_template(
            "portfolio/index.html",
            lines=portfolio.lines_at(at),
            without=portfolio.without_line(at),
            coming=portfolio.coming(),
            at=at,
            can_change=current_actor().grants.can("system"),
            short=chain_words.short,
            listing=chain_words.listing(),
            asked=request.args.get("at", ""),
            problem=problem,
            places=words.PLACES,
        )

    @expose("/<int:line_id>")
    @has_access
    def line(self, line_id: int) -> ResponseReturnValue:
        """One line with its periods."""
        found = _line(line_id)
        return self.render_template(
            "portfolio/line.html",
            line=found,
            can_change=current_actor().grants.can("system"),
            short=chain_words.short,
            listing=chain_words.listing(),
            period_chip=period_chip,
            periods=portfolio.periods_of(line_id),
            places=words.PLACES,
            now=present.now(),
        )

    @expose("/<int:line_id>/change")
    @has_access
    def change(self, line_id: int) -> ResponseReturnValue:
        """The form, filled in with who stands there now."""
        return self._form(_line(line_id))

    @expose("/<int:line_id>/preview", methods=("POST",))
    @has_access
    def preview(self, line_id: int) -> ResponseReturnValue:
        """What the change would do; refusals stand at the fields of the form."""
        line = _line(line_id)
        try:
            change = _sent(line)
            found = portfolio_changes.preview(current_actor(), change)
        except (Invalid, FieldErrors) as error:
            return self._form(line, error)
        return self.render_template(
            "portfolio/preview.html",
            line=line,
            change=change,
            found=found,
            sent=list(request.form.items(multi=True)),
            names=chain_words.names,
            places=words.PLACES,
            key=uuid.uuid4().hex,
        )

    @expose("/<int:line_id>/back", methods=("POST",))
    @has_access
    def back(self, line_id: int) -> ResponseReturnValue:
        """The form again, as it was sent."""
        return self._form(_line(line_id))

    @expose("/<int:line_id>/make", methods=("POST",))
    @has_access
    def make(self, line_id: int) -> ResponseReturnValue:
        """The change that was looked at; what has changed meanwhile is looked at once more."""
        line = _line(line_id)
        try:
            seen, key = request.form.get("seen", ""), request_key(request.form)
            filed = portfolio_changes.make(current_actor(), _sent(line), seen=seen, request_key=key)
        except RuleError as error:
            return self._form(line, error)
        told = "、".join(row.number for row in filed)
        count = len(filed)
        flash(ngettext("Filed as %(numbers)s.", "Filed as %(numbers)s.", count, numbers=told), "success")
        return redirect(url_for("PortfolioBoardView.line", line_id=line_id))

    def _form(self, line: portfolio.Line, error: RuleError | None = None) -> ResponseReturnValue:
        access.require_anywhere(current_actor(), "system")
        own, stand = {unit.id for unit in line.units}, [person.id for person in line.leaders]
        page = self.render_template(
            "portfolio/change.html",
            line=line,
            sent=request.form,
            errors=by_field(error),
            people=[choice(one) for one in people_choices.offered([*stand, *map(request.form.get, PLACES)])],
            sections=[choice(one) for one in options("section")],
            units=_units(line),
            own_units=[choice(one, str(words.PLACES["unit"])) for one in options("unit") if one.id in own],
            places=words.PLACES,
            now=present.now(),
        )
        return page, 422 if error else 200


def asked_moment(text: str) -> tuple[datetime | None, str]:
    """The moment an address asks for, None for now, and what is wrong with it."""
    try:
        return parse(Field("at", AT.label, Kind.MOMENT), text[:40], present.zone()), ""
    except Invalid as error:
        return None, sentence(error.code, error.data)


def by_field(error: RuleError | None) -> dict[str, str]:
    """Sentences by field; what is about no field stands at ""."""
    if error is None:
        return {}
    single = FieldProblem(error.field or "", error.code, error.data)
    problems = error.problems if isinstance(error, FieldErrors) else (single,)
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(problem.field, []).append(sentence(problem.code, problem.data))
    return {name: " ".join(dict.fromkeys(texts)) for name, texts in found.items()}


def choice(one: Option, group: str = "") -> dict[str, Any]:
    """A row as an option of a form."""
    found = {"value": one.id, "label": words.either(one.name, one.name_en), "pinyin": one.pinyin}
    return found | ({"group": group} if group else {})


def collected(calls: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """What each call parses; their problems together. Raises FieldErrors."""
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for name, call in calls.items():
        try:
            values[name] = call()
        except Invalid as error:
            problems.append(problem_of(error, name))
    if problems:
        raise FieldErrors(problems)
    return values


def _line(line_id: int) -> portfolio.Line:
    found = portfolio.line(line_id)
    if found is None:
        raise NotFound("portfolio.unknown", {"id": line_id})
    return found


def _sent(line: portfolio.Line) -> PortfolioChange:
    """The form as a change: a place left as the form showed it is not touched, whoever stands there by then."""
    form, zone = request.form, present.zone()
    calls: dict[str, Callable[[], Any]] = {"at": lambda: parse(AT, form.get("at", ""), zone)}
    calls["reason"] = lambda: parse(REASON, form.get("reason", ""), zone)
    for name, to in PLACES.items():
        if name in form and form[name] != form.get(f"was_{name}", ""):
            one = Field(name, words.PLACES[name], Kind.ROW, to=to)
            calls[name] = lambda one=one: parse(one, form[one.name], zone)  # type: ignore[misc]
    for name in ("moved_in", "moved_out"):
        many = Field(name, words.PLACES["unit"], Kind.ROWS, to="unit")
        calls[name] = lambda many=many: parse(many, form.getlist(many.name), zone)  # type: ignore[misc]
    values = collected(calls)
    return PortfolioChange(
        line.id,
        values["at"],
        {name: values[name] for name in PLACES if name in values},
        tuple(values["moved_in"]),
        tuple(values["moved_out"]),
        values["reason"] or "",
    )


def _units(line: portfolio.Line) -> list[dict[str, Any]]:
    """The units that can be moved in, by the line they come from; a section matches a line, it is not under one."""
    own = {unit.id for unit in line.units}
    under = {unit.id: words.named(other.row) for other in portfolio.lines_at() for unit in other.units}
    none = str(words.NO_LINE)
    sections = {one.id for one in options("section")}
    offered = [one for one in options("unit") if one.id not in own and one.id not in sections]
    found = [choice(one, under.get(one.id, none)) for one in offered]
    return sorted(found, key=lambda one: (one["group"] == none, one["group"]))
