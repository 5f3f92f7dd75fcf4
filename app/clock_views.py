"""The working calendar by year, entering days, and recounts: what a change moves, told first and followed after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app import calendar_page, clock_words, words
from app.consent import FIELD, consent
from app.messages import sentence
from app.rules.entries import Field
from app.rules.errors import FieldErrors, FieldProblem
from app.services import calendar, calendar_days, present, recounts, sheet_access, tasks
from app.services.clock_recounts import MovesClocks
from app.sheets import BY_CODE
from app.standing import current_actor

# How far the calendar is shown before and after this year.
YEARS = 12
ROWS = 14
FEW = 4
NAME = 64


def ask_first(error: MovesClocks) -> Response:
    """Instead of saving: what the sent form moves, and the same form once more, with the reader's consent."""
    actor = current_actor()
    sent = [(name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", FIELD)]
    page = render_template(
        "clocks/moves.html",
        preview=error.preview,
        rows=recounts.announced(actor, error.preview),
        sent=sent,
        field=FIELD,
        busy=recounts.under_way(),
        clock_words=clock_words,
        words=words,
        named=words.named,
    )
    return make_response(page, 409)


def tell_saved(text: str) -> None:
    """Say that something is saved, and what followed for open clocks."""
    if consent().recount_id is None:
        flash(_("%(done)s No open limit moves.", done=text), "success")
    else:
        flash(_("%(done)s The limits concerned are being counted anew.", done=text), "success")


def onward(otherwise: ResponseReturnValue) -> ResponseReturnValue:
    """To the recount that this request began, if any."""
    began = consent().recount_id
    return redirect(url_for("RecountView.show", recount_id=began)) if began is not None else otherwise


class CalendarYearView(BaseView):
    """The working calendar of a year, for everybody who works by it."""

    route_base = "/calendar"
    class_permission_name = "CalendarYear"
    method_permission_name = {"index": "read"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """Twelve months, the entries in a list, and which limits run beyond what is known."""
        today = present.today()
        number = _year(request.args.get("year", ""), today)
        shown = calendar_page.year(number, calendar.current(), calendar.own_days(number), today)
        return self.render_template(
            "clocks/year.html",
            year=shown,
            today=today,
            notice=calendar.notice_of(number),
            published_until=calendar.published_until(),
            known_until=calendar.known_until(),
            reaches=calendar.provisional_limits(),
            keeps=sheet_access.keeps(current_actor(), BY_CODE["calendar"]),
            earliest=today.year - YEARS,
            latest=today.year + YEARS,
            busy=recounts.under_way(),
            clock_words=clock_words,
            words=words,
            named=words.named,
        )


class CalendarEntryView(BaseView):
    """Days entered by span, one or a whole year's notice."""

    route_base = "/calendar/enter"
    class_permission_name = "Calendar"
    method_permission_name = {"index": "write"}  # noqa: RUF012
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    def index(self) -> ResponseReturnValue:
        """The form of spans; what it moves is told before it is saved."""
        errors: Mapping[str, str] = {}
        if request.method == "POST" and "revise" not in request.form:
            try:
                changed = _entered(request.form)
            except FieldErrors as error:
                errors = {name: sentence(some[0].code, some[0].data) for name, some in error.by_field().items()}
            else:
                tell_saved(ngettext("%(num)d day was entered.", "%(num)d days were entered.", changed))
                return onward(redirect(url_for("CalendarYearView.index", year=_landed(request.form))))
        today = present.today()
        page = self.render_template(
            "clocks/enter.html",
            sent=request.form if request.method == "POST" else request.args,
            rows=range(_shown_rows(request.values)),
            errors=errors,
            kinds=[*words.DAY_KINDS.items(), (calendar_days.CLEAR, clock_words.CLEAR)],
            years=[(str(number), str(number)) for number in range(today.year, today.year + 3)],
        )
        return page, 422 if errors else 200


def _entered(sent: Mapping[str, str]) -> int:
    """Write what the form holds. Raises FieldErrors, MovesClocks."""
    problems: list[FieldProblem] = []
    spans = [span for place in range(calendar_days.MOST_SPANS) if (span := _span(sent, place, problems))]
    year = sent.get("year", "")
    if year and not (year.isdecimal() and len(year) == 4):
        problems.append(FieldProblem("year", "field.choice", {"value": year[:8]}))
    if problems:
        raise FieldErrors(problems)
    return calendar_days.enter(
        current_actor(),
        BY_CODE["calendar"],
        spans,
        year=int(year) if year else None,
        notice=sent.get("notice", ""),
        consent=consent(),
    )


def _span(sent: Mapping[str, str], place: int, problems: list[FieldProblem]) -> calendar_days.Span | None:
    first, last, kind, name, name_en = (
        sent.get(f"{part}_{place}", "").strip() for part in ("first", "last", "kind", "name", "name_en")
    )
    if not (first or last or name):
        return None
    days = []
    for part, text in (("first", first), ("last", last or first)):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            problems.append(FieldProblem(f"{part}_{place}", "field.date-unreadable", {"value": text[:40]}))
    if kind not in (*words.DAY_KINDS, calendar_days.CLEAR):
        problems.append(FieldProblem(f"kind_{place}", "field.required" if not kind else "field.choice"))
    if (length := max(len(name), len(name_en))) > NAME:
        problems.append(FieldProblem(f"name_{place}", "field.too-long", {"length": length, "limit": NAME}))
    return calendar_days.Span(place, days[0], days[1], kind, name, name_en) if len(days) == 2 else None


def _shown_rows(sent: Mapping[str, str]) -> int:
    """As many rows as were filled in, and a few empty ones; a year's notice has about a dozen."""
    filled = [n for n in range(calendar_days.MOST_SPANS) if sent.get(f"first_{n}") or sent.get(f"name_{n}")]
    least = ROWS if sent.get("year") else FEW
    return min(max(least, filled[-1] + FEW if filled else 0), calendar_days.MOST_SPANS)


def _landed(sent: Mapping[str, str]) -> str:
    return sent.get("year") or sent.get("first_0", "")[:4]


def _year(text: str, today: date) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) == 4 else today.year
    return min(max(number, today.year - YEARS), today.year + YEARS)


class RecountView(BaseView):
    """Changes of calendar and limits on their way to the open clocks."""

    route_base = "/recounts"
    class_permission_name = "Recounts"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "show": "read",
        "take_back": "write",
        "repeat": "write",
        "check": "write",
    }
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """All of them, latest first."""
        shown = recounts.listed(current_actor(), before=request.args.get("before", type=int))
        more = len(shown) > recounts.LISTED
        return self.render_template(
            "clocks/recounts.html",
            shown=shown[: recounts.LISTED],
            older=shown[recounts.LISTED - 1].recount.id if more else None,
            **_words(),
        )

    @expose("/<int:recount_id>")
    @has_access
    def show(self, recount_id: int) -> ResponseReturnValue:
        """One: how far it is, what it moved."""
        actor = current_actor()
        shown = recounts.show(actor, recount_id)
        after = request.args.get("after", 0, type=int)
        moved = recounts.moved(actor, recount_id, after=after)
        own = shown.task is not None and shown.task.requested_by_id == actor.user_id
        return self.render_template(
            "clocks/recount.html",
            shown=shown,
            task=tasks.describe(shown.task.id) if own and shown.task else None,
            moved=moved[: recounts.ROWS],
            later=moved[recounts.ROWS - 1][0].id if len(moved) > recounts.ROWS else None,
            after=after,
            **_words(),
        )

    @expose("/<int:recount_id>/take-back", methods=("POST",))
    @has_access
    def take_back(self, recount_id: int) -> ResponseReturnValue:
        """Take the change back: it has not begun to be applied."""
        recounts.take_back(current_actor(), recount_id, dict(BY_CODE))
        flash(_("The change is taken back; no limit has moved."), "success")
        return redirect(url_for("RecountView.show", recount_id=recount_id))

    @expose("/<int:recount_id>/repeat", methods=("POST",))
    @has_access
    def repeat(self, recount_id: int) -> ResponseReturnValue:
        """Let one go on that did not come to its end."""
        recounts.repeat(current_actor(), recount_id)
        return redirect(url_for("RecountView.show", recount_id=recount_id))

    @expose("/check", methods=("POST",))
    @has_access
    def check(self) -> ResponseReturnValue:
        """Compare every open limit with the calendar in force."""
        recounts.check_all(current_actor(), consent())
        tell_saved(_("Every open limit was compared with the calendar."))
        return onward(redirect(url_for("RecountView.index")))


def _words() -> dict[str, Any]:
    return {
        "clock_words": clock_words,
        "words": words,
        "named": words.named,
        "sentence": sentence,
        "sheets": BY_CODE,
        "changed": _changed,
    }


def _changed(row: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Fields of a changed row in words."""
    fields = [one for one in BY_CODE[row["sheet"]].fields if values.get(one.name) not in (None, "", [])]
    return words.listed(f"{one.label}: {_worded(one, values[one.name])}" for one in fields) or "–"


def _worded(field: Field, value: Any) -> str:
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, list):
        return words.listed(str(field.choices.get(one, one)) for one in value)
    return str(field.choices.get(value, value))
