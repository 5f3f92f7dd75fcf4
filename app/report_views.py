"""The overdue-case report and the quarterly reports: parse → service → page."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from io import BytesIO
from typing import Any

from flask import current_app, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app import forms, report_words, signing, words
from app.grids import is_english
from app.messages import sentence
from app.models import UnitGroup
from app.reports.overdue import AGE_LABELS, CLOCK_LABELS, COUNTING_RULES, STATE_LABELS, STATES
from app.rules.errors import FieldErrors, FieldProblem, Invalid
from app.rules.quarters import Quarter
from app.services import nil_returns, overdue, overdue_workbook, present, report_fields, reports, tasks
from app.services.overdue import Filter
from app.standing import current_actor

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Names of the filter in addresses → fields of Filter.
NAMES = {
    "as_of": "as_of",
    "from": "late_from",
    "to": "late_to",
    "clock": "clock",
    "group": "group",
    "class": "channel_class",
    "state": "state",
    "unit": "unit",
    "post": "post",
    "age": "age",
}
CHOICES = {"clock": CLOCK_LABELS, "class": words.CLASSES, "state": STATE_LABELS, "age": AGE_LABELS}


def parsed(sent: MultiDict[str, str]) -> Filter:
    """The filter an address names; what it does not name is as usual. Raises FieldErrors."""
    given = {name: value.strip() for name in NAMES if (value := sent.get(name, "")) and value.strip()}
    problems: list[FieldProblem] = []
    found: dict[str, Any] = {}
    for name, text in given.items():
        try:
            found[name] = _value(name, text)
        except ValueError:
            code = {"as_of": "field.moment-unreadable", "from": "field.date-unreadable", "to": "field.date-unreadable"}
            problems.append(FieldProblem(name, code.get(name, "field.choice"), {"value": text[:40]}))
    if found.get("as_of", present.now()) > present.now():
        problems.append(FieldProblem("as_of", "field.in-future"))
    if problems:
        raise FieldErrors(problems)
    usual = overdue.usual(found.pop("as_of", None))
    wanted = {field: getattr(usual, field) for field in NAMES.values()}
    wanted |= {NAMES[name]: value for name, value in found.items()}
    if wanted["late_to"] < wanted["late_from"]:
        raise FieldErrors([FieldProblem("to", "field.before-first-day")])
    return Filter(**wanted)


def _value(name: str, text: str) -> object:
    if name == "as_of":
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=present.zone())
    if name in ("from", "to"):
        day = date.fromisoformat(text)
        if not date(1949, 1, 1) <= day <= date(9000, 1, 1):
            raise ValueError(text)
        return day
    if text not in CHOICES[name] if name in CHOICES else not text.isprintable():
        raise ValueError(text)
    return text[:64]


def query_of(wanted: Filter, **changes: str | None) -> dict[str, str]:
    """The arguments of an address that names this filter again, its moment included, with some changed."""
    named = {name: getattr(wanted, field) for name, field in NAMES.items()}
    texts = {name: value.isoformat() if isinstance(value, date) else value for name, value in named.items()}
    return {name: value for name, value in (texts | changes).items() if value}


class OverdueView(BaseView):
    """The overdue-case report (R18): figures, the clocks behind each, the workbook, the telephone urge."""

    route_base = "/overdue"
    class_permission_name = "Overdue"
    method_permission_name = {"index": "read", "rows": "read", "export": "export", "urge": "urge"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """All figures as of a moment."""
        actor = current_actor()
        try:
            wanted = parsed(request.args)
        except FieldErrors as error:
            return self._page("reports/overdue.html", overdue.usual(), errors=_sentences(error)), 422
        return self._page(
            "reports/overdue.html",
            wanted,
            summary=overdue.summary(actor, wanted),
            missing=nil_returns.missing(actor, wanted.as_of),
            missing_days=nil_returns.DAYS,
            rules=COUNTING_RULES,
        )

    @expose("/rows")
    @has_access
    def rows(self) -> ResponseReturnValue:
        """The clocks behind a figure."""
        actor, wanted = current_actor(), parsed(request.args)
        after = request.args.get("after")
        columns = report_fields.columns(report_fields.of_reader(actor), english=is_english())
        return self._page(
            "reports/overdue_rows.html",
            wanted,
            page=overdue.page(actor, wanted, after=after, columns=columns),
            more_labels=[one.label for one in columns],
            more=lambda entry: report_fields.cells(columns, entry.more, _),
            after=after,
            may_urge=any(actor.grants.can(capability) for capability in overdue.URGERS),
            token=secrets.token_hex(8),
        )

    @expose("/export", methods=("POST",))
    @has_access
    def export(self) -> ResponseReturnValue:
        """The same as a workbook; asks for a fresh login and a reason."""
        signing.require_fresh()
        actor, wanted, file = current_actor(), parsed(request.args), BytesIO()
        now = report_words.moment(present.now())
        dress = overdue_workbook.Dress(
            t=_,
            named=words.named,
            line=report_words.line,
            link=lambda appeal_id: url_for("AppealView.show", appeal_id=appeal_id, _external=True),
            scope=report_words.scope(wanted, _group(wanted, overdue.groups())),
            exported=_("Exported by %(name)s on %(at)s", name=actor.name, at=now),
            calendar=report_words.working_calendar(),
            english=is_english(),
        )
        overdue_workbook.export(actor, wanted, dress, reason=request.form.get("reason", ""), out=file)
        file.seek(0)
        name = _("Overdue-case report %(at)s", at=report_words.moment(wanted.as_of).replace(":", ""))
        return send_file(file, XLSX, as_attachment=True, download_name=f"{name}.xlsx")

    @expose("/<int:clock_id>/urge", methods=("POST",))
    @has_access
    def urge(self, clock_id: int) -> ResponseReturnValue:
        """Log a telephone urge (电话催办) about one clock."""
        overdue.urge(
            current_actor(),
            clock_id,
            spoke_with=request.form.get("spoke_with", ""),
            remark=request.form.get("remark", ""),
            request_key=forms.request_key(request.form),
        )
        flash(_("Telephone urge logged."), "success")
        return redirect(signing.safe_next(request.form.get("next")))

    def _page(self, template: str, wanted: Filter, *, errors: Any = None, **context: Any) -> str:
        def address(endpoint: str = "rows", **changes: str | None) -> str:
            return url_for(f"OverdueView.{endpoint}", **query_of(wanted, **changes))

        groups = overdue.groups()
        return str(
            self.render_template(
                template,
                wanted=wanted,
                sent=request.args,
                errors=errors or {},
                groups=groups,
                address=address,
                scope=report_words.scope(wanted, _group(wanted, groups)),
                line_name=report_words.line,
                states=STATES,
                state_labels=STATE_LABELS,
                clock_labels=CLOCK_LABELS,
                age_labels=AGE_LABELS,
                **context,
            )
        )


def _sentences(error: FieldErrors) -> dict[str, str]:
    found = error.by_field().items()
    return {field: " ".join(sentence(one.code, one.data) for one in problems) for field, problems in found}


def _group(wanted: Filter, groups: list[UnitGroup]) -> UnitGroup | None:
    return next((group for group in groups if group.code == wanted.group), None)


class ReportView(BaseView):
    """Quarterly reports (R13): compiled behind the page, stored, listed, downloaded."""

    route_base = "/reports"
    class_permission_name = "Reports"
    method_permission_name = {  # noqa: RUF012
        "index": "read",
        "compile": "compile",
        "show": "read",
        "download": "read",
    }
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """All reports, latest first, and the form that compiles one."""
        actor = current_actor()
        before = request.args.get("before", type=int)
        shown = reports.listed(actor, before_id=before, limit=reports.ROWS + 1)
        return str(
            self.render_template(
                "reports/index.html",
                reports=shown[: reports.ROWS],
                older=shown[reports.ROWS - 1].report.id if len(shown) > reports.ROWS else None,
                before=before,
                quarters=reports.quarters() if actor.grants.can("report") else (),
                **self._words(),
            )
        )

    @expose("/compile", methods=("POST",))
    @has_access
    def compile(self) -> ResponseReturnValue:
        """Ask for the report of a quarter; a worker compiles it."""
        year, _dash, number = request.form.get("quarter", "").partition("-")
        if not (year.isdecimal() and number.isdecimal() and len(year) == 4):
            raise Invalid("quarter.unknown", {"year": year[:8], "quarter": number[:8]}, field="quarter")
        locale = request.form.get("locale", "")
        key = forms.request_key(request.form)
        report = reports.request(current_actor(), int(year), int(number), locale, request_key=key)
        return redirect(url_for("ReportView.show", report_id=report.id))

    @expose("/<int:report_id>")
    @has_access
    def show(self, report_id: int) -> ResponseReturnValue:
        """One report: how far it is, what it is of, its file."""
        actor = current_actor()
        shown = reports.show(actor, report_id)
        report = shown.report
        # The progress of a task is told to who asked for it; others see the state.
        own = report.task is not None and report.task.requested_by_id == actor.user_id
        return str(
            self.render_template(
                "reports/show.html",
                shown=shown,
                report=report,
                task=tasks.describe(report.task_id) if own and report.task_id else None,
                may_compile=actor.grants.can("report"),
                **self._words(),
            )
        )

    @expose("/<int:report_id>/download")
    @has_access
    def download(self, report_id: int) -> ResponseReturnValue:
        """The stored file, exactly as it was compiled."""
        report = reports.download(current_actor(), report_id)
        return send_file(BytesIO(report.content or b""), XLSX, as_attachment=True, download_name=report.filename)

    def _words(self) -> dict[str, Any]:
        languages = current_app.config["LANGUAGES"]
        return {
            "states": report_words.STATES,
            "tones": {"ready": "ok", "failed": "danger", "cancelled": "", "compiling": "info", "pending": "info"},
            "period": lambda row: report_words.period(Quarter(row.year, getattr(row, "quarter", None) or row.number)),
            "languages": [(code, languages[code]["name"]) for code in reports.LOCALES],
            "locale": str(get_locale()),
            "request_key": secrets.token_hex(12),
            "sentence": sentence,
        }
