"""Responsibility chains: all of them at a moment, one unit's with its history, several places at once, the workbook.

Parse → service → page.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app import chain_words, people_choices, signing, words
from app.forms import request_key
from app.models import Person, StaffingChange, Unit
from app.portfolio_views import asked_moment, by_field, choice, collected
from app.rules import chain
from app.rules.entries import Field, Kind, parse
from app.rules.errors import Invalid, RuleError
from app.services import access, chain_changes, chains, portfolio, present
from app.services.chain_changes import Wanted
from app.services.sheet_rows import rows_by_id
from app.services.workbooks import MAX_BYTES
from app.sheet_words import period_chip
from app.standing import current_actor

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AT = Field("at", _l("From when"), Kind.MOMENT, required=True)
REASON = Field("reason", _l("Reason"), limit=200)


class ChainView(BaseView):
    """Who stands in every link of every unit's chain (R7, R8, R15)."""

    route_base = "/chains"
    default_view = "index"
    class_permission_name = "Chains"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "unit": "read",
        "change": "write",
        "upload": "write",
        "apply": "write",
        "workbook": "write",
    }

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Every unit with everybody in its chain, now or at the moment asked for."""
        kind = request.args.get("kind", "")
        at, problem = asked_moment(request.args.get("at", ""))
        units = chain_changes.units(kind if kind in chain.UNIT_KINDS else "")
        found = chains.chains_at([unit.id for unit in units], at)
        vacant = {unit.id: len(chain.vacancies(found[unit.id])) for unit in units}
        if request.args.get("vacant") == "1":
            units = [unit for unit in units if vacant[unit.id]]
        return self.render_template(
            "chains/index.html",
            groups=[(one, [unit for unit in units if unit.kind == one]) for one in chain.UNIT_KINDS],
            cells={unit.id: {(p.link, p.role): p for p in found[unit.id]} for unit in units},
            people=rows_by_id(Person, [place.person_id for places in found.values() for place in places]),
            links_of=chain.links_of,
            vacancies=sum(vacant.values()),
            at=at,
            kind=kind,
            problem=problem,
            can_change=current_actor().grants.can("system"),
        )

    @expose("/<int:unit_id>")
    @has_access
    def unit(self, unit_id: int) -> ResponseReturnValue:
        """One unit's chain with its periods and its filed changes."""
        unit = chain_changes.unit(unit_id)
        places = chains.places_of(unit)
        return self.render_template(
            "chains/unit.html",
            unit=unit,
            places=places,
            people=rows_by_id(Person, [place.person_id for place in places]),
            positions=chain_words.POSITIONS,
            line=portfolio.line_of(unit_id),
            history=chain_changes.history(unit_id),
            filed=chain_changes.filed(unit_id),
            period_chip=period_chip,
            now=present.now(),
            can_change=current_actor().grants.can("system"),
        )

    @expose("/<int:unit_id>/change", methods=("GET", "POST"))
    @has_access
    def change(self, unit_id: int) -> ResponseReturnValue:
        """Several places of one unit at once."""
        unit = chain_changes.unit(unit_id)
        places = [place for place in chains.places_of(unit) if not place.is_derived]
        error: RuleError | None = None
        if request.method == "POST":
            try:
                return self._filed(_change(unit, places), url_for("ChainView.unit", unit_id=unit_id))
            except RuleError as refused:
                error = refused
        access.require_anywhere(current_actor(), "system")
        people = people_choices.offered([*(place.person_id for place in places), *request.form.values()])
        page = self.render_template(
            "chains/change.html",
            unit=unit,
            places=places,
            people=[choice(one) for one in people],
            positions=chain_words.POSITIONS,
            sent=request.form,
            errors=by_field(error),
            key=request.form.get("request_key") or uuid.uuid4().hex,
            now=present.now(),
        )
        return page, 422 if error else 200

    @expose("/workbook", methods=("POST",))
    @has_access
    def workbook(self) -> ResponseReturnValue:
        """All chains as a workbook that can be changed and handed in again."""
        signing.require_fresh()
        at, _problem = asked_moment(request.form.get("at", ""))
        file = chain_words.workbook(chain_changes.export(current_actor(), at), at or present.now())
        return send_file(file, XLSX, as_attachment=True, download_name=_("Responsibility chains") + ".xlsx")

    @expose("/upload", methods=("GET", "POST"))
    @has_access
    def upload(self) -> ResponseReturnValue:
        """Hand in a workbook; what it would change is shown first."""
        if request.method == "GET":
            return self._upload()
        try:
            moment = asked_moment(request.form.get("at", ""))[0] or present.now()
            reading = chain_changes.read(current_actor(), _file(), moment)
        except Invalid as error:
            return self._upload(errors=by_field(error))
        return self._upload(reading=reading, at=moment)

    @expose("/apply", methods=("POST",))
    @has_access
    def apply(self) -> ResponseReturnValue:
        """File everything that was shown, all or nothing."""
        try:
            wanted, at, reason = _shown()
            filed = chain_changes.set_places(
                current_actor(), wanted, at=at, reason=reason, request_key=request_key(request.form)
            )
        except RuleError as error:
            return self._upload(errors=by_field(error))
        return self._filed(filed, url_for("ChainView.index"))

    def _upload(self, **shown: Any) -> ResponseReturnValue:
        access.require_anywhere(current_actor(), "system")
        reading = shown.get("reading")
        differences = reading.differences if reading else ()
        page = self.render_template(
            "chains/upload.html",
            units=rows_by_id(Unit, [one.unit_id for one in differences]),
            people=rows_by_id(Person, [one for pair in differences for one in (pair.before, pair.after)]),
            spot=chain_words.spot,
            told=chain_words.told,
            rows=json.dumps([[d.unit_id, d.link, d.role, d.after, d.before] for d in differences]),
            key=uuid.uuid4().hex,
            now=present.now(),
            sent=request.form,
            **({"reading": None, "errors": {}, "at": None} | shown),
        )
        return page, 422 if shown.get("errors") else 200

    def _filed(self, filed: Sequence[StaffingChange], target: str) -> ResponseReturnValue:
        count = len(filed)
        flash(ngettext("%(num)s personnel change filed.", "%(num)s personnel changes filed.", count), "success")
        return redirect(target)


def _change(unit: Unit, places: Sequence[chain.Place]) -> tuple[StaffingChange, ...]:
    """File what the form changes: a place left as the form showed it is not touched."""
    form, zone = request.form, present.zone()
    at, reason = _when()
    wanted = []
    for place in places:
        name = f"{unit.id}-{place.link}-{place.role}"
        if name in form and form[name] != form.get(f"was-{name}", ""):
            one = Field(name, "", Kind.ROW, to="person")
            person, before = parse(one, form[name], zone), parse(one, form.get(f"was-{name}", ""), zone)
            wanted.append(Wanted(unit.id, place.link, place.role, person, before))
    if not wanted:
        raise Invalid("chain.nothing-changes")
    return chain_changes.set_places(
        current_actor(), wanted, at=at, reason=reason, request_key=request_key(request.form)
    )


def _when() -> tuple[datetime, str]:
    form, zone = request.form, present.zone()
    values = collected(
        {
            "at": lambda: parse(AT, form.get("at", ""), zone),
            "reason": lambda: parse(REASON, form.get("reason", ""), zone),
        }
    )
    return values["at"], values["reason"] or ""


def _shown() -> tuple[list[Wanted], datetime, str]:
    """What the page of differences showed. Raises Invalid("chain-sheet.unreadable")."""
    at, reason = _when()
    try:
        rows = json.loads(request.form.get("rows", ""))
        wanted = [Wanted(*_row(row)) for row in rows][: chain_changes.MOST_ROWS * 8]
    except (ValueError, TypeError):
        raise Invalid("chain-sheet.unreadable") from None
    return wanted, at, reason


def _row(row: Any) -> tuple[int, str, str, int | None, int | None]:
    unit_id, link, role, after, before = row
    whole = all(one is None or (isinstance(one, int) and 0 < one < 2**31) for one in (unit_id, after, before))
    if not whole or unit_id is None or link not in words.LINKS or role not in chain.ROLES:
        raise ValueError(row)
    return unit_id, link, role, after, before


def _file() -> bytes:
    """The workbook that was sent. Raises Invalid at the field."""
    sent = request.files.get("workbook")
    content = sent.read(MAX_BYTES + 1) if sent is not None else b""
    if not content:
        raise Invalid("field.required", field="workbook")
    if len(content) > MAX_BYTES:
        raise Invalid("workbook.too-large", {"limit": MAX_BYTES}, field="workbook")
    return content
