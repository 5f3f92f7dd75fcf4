"""Several appeals pasted at once: text, a table to correct, taken in one by one. Parse → service → page."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from app import forms, intake_words
from app.intake_views import known_class, require_collector
from app.messages import by_field, sentence
from app.rules import intake as rules
from app.rules import pasting as reading
from app.rules.columns import name_key
from app.rules.errors import FieldErrors, Invalid
from app.rules.fields import read_moment
from app.rules.workflow import FieldSpec, FieldType
from app.services import intake, pasting, present
from app.services.actors import Actor
from app.standing import current_actor

_NEVER = ("attachments", "anonymous", "call_back_wanted", "appellant_representatives", "appellant_others")
Row = dict[str, Any]


class PasteView(BaseView):
    """Pasting several items of one class."""

    route_base = "/paste"
    class_permission_name = "Intake"
    method_permission_name = {"index": "write"}  # noqa: RUF012

    @expose("/<string(length=1):channel_class>", methods=("GET", "POST"))
    @has_access
    def index(self, channel_class: str) -> ResponseReturnValue:
        """The text; then its items as a table; then what could not be taken in, nothing lost."""
        actor = current_actor()
        known_class(channel_class)
        require_collector(actor, channel_class)
        if request.method == "GET":
            return self._text(channel_class)
        if "text" in request.form:
            return self._read(actor, channel_class)
        return self._take(actor, channel_class)

    def _text(self, channel_class: str, error: Invalid | None = None) -> Any:
        errors = by_field(error) if error else {}
        page = self.render_template(
            "desk/paste.html",
            channel_class=channel_class,
            text=request.form.get("text", ""),
            errors=errors,
            channels=forms.options("channels", channel_class=channel_class),
        )
        return page, 422 if errors else 200

    def _read(self, actor: Actor, channel_class: str) -> ResponseReturnValue:
        try:
            items = reading.read(request.form["text"], channel_class)
        except Invalid as error:
            return self._text(channel_class, error)
        usual = {"channel": request.form.get("channel", ""), "received_at": forms.as_text(present.now())}
        rows = [self._row(channel_class, {**usual, **_readable(channel_class, item)}) for item in items]
        return self._table(actor, channel_class, rows)

    def _row(self, channel_class: str, values: Mapping[str, str]) -> Row:
        errors: dict[str, list[str]] = {}
        try:
            data = forms.parsed(_specs(channel_class), MultiDict(values))
            for problem in pasting.problems(channel_class, data):
                errors.setdefault(problem.field, []).append(sentence(problem.code, problem.data))
        except FieldErrors as error:
            errors = by_field(error)
        return {"values": dict(values), "errors": errors, "key": secrets.token_hex(12), "wanted": True}

    def _take(self, actor: Actor, channel_class: str) -> ResponseReturnValue:
        submit = request.form.get("then") != "draft"
        left: list[Row] = []
        taken = 0
        for row in _sent(channel_class):
            if not row["wanted"]:
                left.append(row)
                continue
            try:
                data = forms.parsed(_specs(channel_class), MultiDict(row["values"]))
                intake.take_in(
                    actor, channel_class, data, submit=submit, request_key=row["key"], despite=row["despite"]
                )
                taken += 1
            except Invalid as error:
                left.append({**row, "errors": by_field(error)})
        if taken:
            flash(ngettext("%(num)s appeal taken in.", "%(num)s appeals taken in.", taken), "success")
        wrong = [row for row in left if row["wanted"]]
        if not wrong:
            return redirect(url_for("DeskView.index"))
        return self._table(actor, channel_class, left, status=422)

    def _table(self, actor: Actor, channel_class: str, rows: list[Row], status: int = 200) -> ResponseReturnValue:
        page = self.render_template(
            "desk/paste_table.html",
            channel_class=channel_class,
            specs=_columns(channel_class, rows),
            label=lambda spec: intake_words.label(spec.name, channel_class),
            rows=rows,
            doubles=pasting.doubles(actor, [row["values"] for row in rows]),
            channels=forms.options("channels", channel_class=channel_class),
            long_text=FieldType.LONG_TEXT,
            reasons=intake_words.reasons,
        )
        return page, status


def _specs(channel_class: str) -> list[FieldSpec]:
    return [spec for spec in rules.fields_of(channel_class) if spec.name not in _NEVER[:1]]


def _columns(channel_class: str, rows: list[Row]) -> list[FieldSpec]:
    """The fields that some item has, that all need, or that are marked: others would only widen the table."""
    used = {name for row in rows for name, value in row["values"].items() if value}
    used |= {name for row in rows for name in row["errors"]}
    named = {"appellant_name", "anonymous"} if channel_class in rules.NAMED_CLASSES else set()
    return [spec for spec in _specs(channel_class) if spec.required or spec.name in used | named]


def _readable(channel_class: str, item: Mapping[str, str]) -> dict[str, str]:
    """An item as the fields of a form take it: moments and days as they are typed here, channels by their code."""
    values = dict(item)
    for spec in rules.fields_of(channel_class):
        text = values.get(spec.name)
        if text and spec.type in (FieldType.MOMENT, FieldType.DATE):
            try:
                moment = read_moment(text, present.zone()).at.astimezone(present.zone())
            except Invalid:
                continue
            values[spec.name] = forms.as_text(moment if spec.type is FieldType.MOMENT else moment.date())
    if values.get("channel"):
        options = forms.options("channels", channel_class=channel_class)
        codes = {name_key(str(one["label"])): str(one["value"]) for one in options}
        values["channel"] = codes.get(name_key(values["channel"]), values["channel"])
    return values


def _sent(channel_class: str) -> list[Row]:
    """The rows of the sent table, as they stood."""
    rows: list[Row] = []
    for number in range(min(request.form.get("rows", 0, type=int), reading.MOST)):
        values = {
            spec.name: request.form.get(f"{number}-{spec.name}", "")
            for spec in _specs(channel_class)
            if f"{number}-{spec.name}" in request.form
        }
        key = forms.request_key(MultiDict({"request_key": request.form.get(f"{number}-key", "")}))
        rows.append(
            {
                "values": values,
                "errors": {},
                "key": key or secrets.token_hex(12),
                "wanted": request.form.get(f"{number}-take") == "1",
                "despite": request.form.get(f"{number}-despite") == "1",
            }
        )
    return rows
