"""From form field declarations (app/rules) to what a page shows, and from a sent form back to parsed values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app import intake_words, words
from app.models import Assignment, Category, Channel, LimitRule, RetentionClass, Unit, db
from app.rules.errors import FieldErrors, FieldProblem
from app.rules.workflow import FieldSpec, FieldType
from app.services import attachments, clock_moves, portfolio, present, workflow_facts
from app.standing import current_actor

Option = dict[str, Any]
LONGEST_KEY = 64  # a bulk action appends the id of each appeal to it
EARLIEST = date(1949, 1, 1)  # nothing here happened before; and PostgreSQL gives back no year before 1 to Python


def options(source: str, *, channel_class: str = "", appeal: Any = None) -> list[Option]:
    """The options of a choice field: value, label and what it is found by."""
    if source in words.CHOICES:
        return [{"value": code, "label": str(label)} for code, label in words.CHOICES[source].items()]
    if source in _ON_ASSIGNMENTS:
        return _ON_ASSIGNMENTS[source](appeal)
    return [
        {"value": row.code, "label": words.named(row), "pinyin": row.name_pinyin, **extra}
        for row, extra in _rows(source, channel_class, appeal)
    ]


def _rows(source: str, channel_class: str, appeal: Any) -> Iterable[tuple[Any, Option]]:
    if source == "channels":
        query = select(Channel).where(Channel.active, Channel.channel_class == channel_class)
        return [(row, {}) for row in db.session.scalars(query.order_by(Channel.sort, Channel.id))]
    if source == "units":
        query = select(Unit).where(Unit.active, Unit.kind != "section").order_by(Unit.sort, Unit.by_sound)
        return [(row, {"group": words.UNIT_KINDS[row.kind]}) for row in db.session.scalars(query)]
    if source in ("limits", "co_limits"):
        kind = "co_limit" if source == "co_limits" else "unit_limit"
        query = select(LimitRule).where(LimitRule.active, LimitRule.clock_kind == kind)
        return [(row, {}) for row in db.session.scalars(query.order_by(LimitRule.sort, LimitRule.id))]
    if source == "categories":
        query = select(Category).where(Category.active).order_by(Category.sort, Category.code)
        return [(row, {}) for row in db.session.scalars(query)]
    if source == "portfolio_lines":
        lines = portfolio.lines_at()
        return [(line.row, {}) for line in lines if line.row.active and line.section is not None]
    if source == "leaders":
        return _leaders(appeal)
    if source == "retention_classes":
        query = select(RetentionClass).where(RetentionClass.active)
        return [(row, {}) for row in db.session.scalars(query.order_by(RetentionClass.sort, RetentionClass.id))]
    raise KeyError(source)


def _leaders(appeal: Any) -> Iterable[tuple[Any, Option]]:
    """Who led the slip's line since its opinion was signed: a change of portfolio lies between the two at times."""
    if appeal is None or not appeal.slips:
        return []
    slip = appeal.slips[-1]
    return [(person, {}) for person in portfolio.leaders_between(slip.portfolio_id, slip.opinion_at, present.now())]


def _assignments(appeal: Any, kind: str) -> list[Option]:
    """The co-handling units at work, or those whose limit is paused."""
    now = present.now()
    found = []
    for one in appeal.assignments:
        limits = [clock for clock in appeal.clocks if clock.assignment_id == one.id and clock.stopped_at is None]
        paused = any(clock_moves.is_paused(clock, now) for clock in limits)
        if (kind == "co" and one.part == "co" and one.state in ("assigned", "in_progress")) or (
            kind == "paused" and paused
        ):
            found.append(_of_unit(one))
    return found


def _of_unit(one: Assignment) -> Option:
    return {
        "value": str(one.id),
        "label": f"{words.named(one.unit)} · {words.PARTS[one.part]}",
        "pinyin": one.unit.name_pinyin,
    }


def _own(appeal: Any) -> list[Option]:
    """The units this person handles for that have the appeal."""
    return [_of_unit(one) for one in workflow_facts.own_parts(current_actor(), appeal)]


def _requests(appeal: Any, *kinds: str, own: bool = False) -> list[Option]:
    """The requests of these kinds that wait for a decision: whose, what for; `own`: those of this person's units."""
    parts = workflow_facts.own_parts(current_actor(), appeal) if own else appeal.assignments
    return [
        {
            "value": str(request.id),
            "label": f"{words.named(one.unit)} · {words.REQUESTS[request.kind]} · {request.reason[:60]}",
            "pinyin": one.unit.name_pinyin,
        }
        for one in parts
        for request in one.requests
        if request.state == "pending" and request.kind in kinds
    ]


_ON_ASSIGNMENTS: Mapping[str, Callable[[Any], list[Option]]] = {
    "co_assignments": lambda appeal: _assignments(appeal, "co"),
    "paused_assignments": lambda appeal: _assignments(appeal, "paused"),
    "objections": lambda appeal: _requests(appeal, "objection"),
    "extensions": lambda appeal: _requests(appeal, "extension"),
    "pauses": lambda appeal: _requests(appeal, "pause"),
    "own_requests": lambda appeal: _requests(appeal, "objection", "extension", "pause", own=True),
    "own_assignments": _own,
}


def shown(
    specs: Iterable[FieldSpec],
    values: Mapping[str, Any],
    errors: Mapping[str, list[str]],
    *,
    channel_class: str = "",
    appeal: Any = None,
) -> list[dict[str, Any]]:
    """The fields of a form as the page macro `ui.field` takes them."""
    kinds = {
        FieldType.TEXT: "text",
        FieldType.LONG_TEXT: "textarea",
        FieldType.CHOICE: "select",
        FieldType.MOMENT: "datetime",
        FieldType.DATE: "date",
        FieldType.BOOLEAN: "checkbox",
        FieldType.NUMBER: "number",
        FieldType.CHOICES: "checkboxes",
        FieldType.FILES: "files",
    }
    fields = []
    for spec in specs:
        field = {
            "name": spec.name,
            "label": intake_words.label(spec.name, channel_class) or words.FIELDS[spec.name],
            "type": kinds[spec.type],
            "value": _given(spec, values),
            "required": spec.required,
            "error": " ".join(errors.get(spec.name, [])),
            "help": intake_words.help_line(spec.name, channel_class),
            "attrs": intake_words.ATTRIBUTES.get(spec.name, {}),
            "wide": spec.type in (FieldType.LONG_TEXT, FieldType.FILES, FieldType.CHOICES) or spec.name == "subject",
            "options": [],
        }
        if spec.type is FieldType.FILES:
            field["files"] = attachments.staged(current_actor(), field["value"])
            field["most"] = attachments.limits().per_form
            # A draft's form goes on where it was left; other forms bring what is new.
            draft = appeal is not None and appeal.state == "draft"
            field["kept"] = attachments.listed(current_actor(), appeal.id) if draft else []
        if spec.source:
            field["options"] = options(spec.source, channel_class=channel_class, appeal=appeal)
        if spec.source in _ON_ASSIGNMENTS and spec.required and len(field["options"]) == 1:
            # The only choice there is needs no choosing.
            field |= {"type": "fixed", "value": field["options"][0]["value"], "wide": True}
        fields.append(field)
    return fields


def _given(spec: FieldSpec, values: Mapping[str, Any]) -> Any:
    if spec.type is FieldType.FILES:
        return ids(values, spec.name)
    if spec.type is FieldType.CHOICES:
        return values.getlist(spec.name) if isinstance(values, MultiDict) else list(values.get(spec.name) or ())
    return as_text(values.get(spec.name))


def as_text(value: Any) -> Any:
    """A value as a field shows it."""
    if isinstance(value, datetime):
        return value.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value


def parsed(
    specs: Iterable[FieldSpec], sent: MultiDict[str, str], refused: Iterable[FieldProblem] = ()
) -> dict[str, object]:
    """A sent form as typed values: aware moments, dates, booleans, numbers, stripped texts, ids of files.

    Raises FieldErrors for what was `refused` of it before, and for a number, moment or date that cannot be read
    or lies before EARLIEST.
    """
    values: dict[str, object] = {}
    problems = list(refused)
    for spec in specs:
        if spec.type is FieldType.FILES:
            values[spec.name] = ids(sent, spec.name)
            continue
        if spec.type is FieldType.CHOICES:
            values[spec.name] = tuple(dict.fromkeys(raw.strip() for raw in sent.getlist(spec.name) if raw.strip()))
            continue
        raw = sent.get(spec.name, "").replace("\r\n", "\n").replace("\x00", "").strip()
        try:
            values[spec.name] = _value(spec.type, raw)
        except ValueError:
            problems.append(
                FieldProblem(spec.name, f"field.{spec.type.value}-unreadable", {"value": raw[:40]})
            )
    if problems:
        raise FieldErrors(problems)
    return values


def ids(given: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """The ids of the files a form holds; what is no id of ours is passed over."""
    listed = given.getlist(name) if isinstance(given, MultiDict) else given.get(name) or ()
    found = (str(one) for one in listed)
    return tuple(dict.fromkeys(int(one) for one in found if one.isascii() and one.isdecimal() and len(one) < 10))


def _value(kind: FieldType, raw: str) -> object:
    if kind is FieldType.BOOLEAN:
        return raw in ("1", "on", "y", "true")
    if not raw:
        return None
    if kind is FieldType.NUMBER:
        return int(raw)
    if kind is FieldType.DATE:
        return _believable(date.fromisoformat(raw), raw)
    if kind is FieldType.MOMENT:
        moment = datetime.fromisoformat(raw)
        _believable(moment.date(), raw)
        return moment if moment.tzinfo else moment.replace(tzinfo=present.zone())
    return raw


def _believable(day: date, raw: str) -> date:
    if not EARLIEST <= day < date.max:
        raise ValueError(raw)
    return day


def request_key(sent: MultiDict[str, str]) -> str | None:
    """The key of a form of ours, so that sending it twice acts once; what no form of ours wrote is ignored."""
    key = sent.get("request_key", "")
    return key if key.isascii() and key.isprintable() and 0 < len(key) <= LONGEST_KEY else None
