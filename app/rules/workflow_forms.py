"""The forms of the steps: which fields each asks for, and whether sent values fit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from .errors import FieldProblem


class FieldType(StrEnum):
    """A form field; parsed it is a str, str, str or int (key of the source), datetime, date, bool, int, or a tuple."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    MOMENT = "moment"
    DATE = "date"
    BOOLEAN = "boolean"
    NUMBER = "number"  # a whole number from 1
    CHOICES = "choices"  # several keys of the source
    FILES = "files"  # ids of attachments that wait for this form


# How the appellant was told (R9); "unreachable" is one of the ways: the moment of the attempt.
INFORMED_HOW = ("phone", "visit", "letter", "message", "publication", "unreachable")
# Where the law sends what the duty office does not accept.
LAWFUL_ROUTES = ("litigation", "arbitration", "reconsideration", "petition", "discipline", "police", "other")
NATURES = ("request", "complaint", "report", "consultation", "suggestion")
URGENCIES = ("ordinary", "urgent", "emergency")
# The lists a choice is taken from that are no dictionary's rows.
CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "informed_how": INFORMED_HOW,
        "lawful_routes": LAWFUL_ROUTES,
        "natures": NATURES,
        "urgencies": URGENCIES,
        "explanation_kinds": ("cannot_finish", "not_permitted"),
        "objection_decisions": ("upheld", "rejected"),
        "request_decisions": ("granted", "refused"),
        "reached": ("yes", "no"),
        "solved": ("yes", "partly", "no"),
        "satisfied": ("yes", "mostly", "no"),
    }
)
MAX_LENGTH = {FieldType.TEXT: 200, FieldType.LONG_TEXT: 20_000, FieldType.CHOICE: 200}
MOST_NUMBER = 366


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of an action's form. `source` names the list a choice is taken from."""

    name: str
    type: FieldType
    required: bool = False
    source: str | None = None
    max_length: int | None = None


def _text(name: str, max_length: int, *, required: bool = False) -> FieldSpec:
    return FieldSpec(name, FieldType.TEXT, required, max_length=max_length)


def _long(name: str, *, required: bool = False) -> FieldSpec:
    return FieldSpec(name, FieldType.LONG_TEXT, required)


def _choice(name: str, source: str, *, required: bool = False) -> FieldSpec:
    return FieldSpec(name, FieldType.CHOICE, required, source)


# fmt: off
# R9: telling the appellant is part of finishing; a co-handling unit leaves it to the lead unit.
_INFORMED = (
    FieldSpec("informed_at", FieldType.MOMENT, True), _choice("informed_how", "informed_how", required=True),
)
_IF_INFORMED = (FieldSpec("informed_at", FieldType.MOMENT), _choice("informed_how", "informed_how"))
_REACTION = _text("reaction", 500)
_REMARK = (FieldSpec("remark", FieldType.LONG_TEXT, max_length=500),)
_REASON = (_long("reason", required=True),)
_FILES = (FieldSpec("attachments", FieldType.FILES),)
_DUE_ON = FieldSpec("due_on", FieldType.DATE)
_LIMIT = (_choice("limit", "limits"), _DUE_ON)
# For who handles for several units of one appeal.
_OWN = (_choice("assignment", "own_assignments"),)
_TASK = (FieldSpec("task", FieldType.LONG_TEXT, max_length=5_000),)

FORMS: Mapping[str, tuple[FieldSpec, ...]] = MappingProxyType({
    "discard": _REASON,
    "return_for_correction": _REASON,
    "register": (
        _choice("nature", "natures"), _choice("urgency", "urgencies"), _choice("category", "categories"),
        _choice("limit", "limits"), _text("place", 200),
    ),
    "void": _REASON,
    "handle_self": _REMARK,
    "forward": (
        _choice("unit", "units", required=True), *_LIMIT, *_TASK,
        FieldSpec("co_units", FieldType.CHOICES, source="units"), _choice("co_limit", "co_limits"),
        FieldSpec("co_task", FieldType.LONG_TEXT, max_length=5_000), *_REMARK,
    ),
    "decline": (
        _long("ground", required=True), _choice("route", "lawful_routes", required=True), *_INFORMED, _REACTION,
    ),
    "merge": (_text("main", 64, required=True), *_REMARK),
    "unmerge": _REASON,
    "split": (_text("subject", 200, required=True), _long("body", required=True), *_REMARK),
    "add_co_unit": (
        _choice("unit", "units", required=True), _choice("co_limit", "co_limits"), _DUE_ON, *_TASK,
    ),
    "withdraw_co_unit": (_choice("assignment", "co_assignments", required=True), *_REASON),
    "transfer": (_choice("unit", "units", required=True), *_LIMIT, *_REASON),
    "propose": (
        _long("opinion", required=True), _choice("unit", "units"), _choice("line", "portfolio_lines"),
    ),
    "fill_slip": _REMARK,
    "carry": _REMARK,
    "deliver": (_choice("leader", "leaders"), _text("receiver", 64)),
    "fetch": _REMARK,
    "comment": (_long("comment", required=True),),
    "instruct": (_long("instruction", required=True), _DUE_ON),
    "transcribe": (
        _long("instruction", required=True), _choice("leader", "leaders"), _text("leader_name", 64),
        FieldSpec("instructed_on", FieldType.DATE, True), _DUE_ON, *_FILES,
    ),
    "sign_in": _OWN,
    "object": (*_OWN, *_REASON, _text("legal_basis", 500, required=True), _choice("proposed_unit", "units"), *_FILES),
    "decide_objection": (
        _choice("request", "objections", required=True), _choice("decision", "objection_decisions", required=True),
        *_REASON, _choice("right_unit", "units"), FieldSpec("learn", FieldType.BOOLEAN),
    ),
    "ask_extension": (*_OWN, FieldSpec("amount", FieldType.NUMBER, True), *_REASON, *_FILES),
    "decide_extension": (
        _choice("request", "extensions", required=True), _choice("decision", "request_decisions", required=True),
        FieldSpec("amount", FieldType.NUMBER), *_REASON,
    ),
    "ask_pause": (*_OWN, FieldSpec("until_on", FieldType.DATE, True), *_REASON, *_FILES),
    "decide_pause": (
        _choice("request", "pauses", required=True), _choice("decision", "request_decisions", required=True),
        FieldSpec("until_on", FieldType.DATE), *_REASON,
    ),
    "resume": (_choice("assignment", "paused_assignments", required=True), *_REMARK),
    "withdraw_request": (_choice("request", "own_requests", required=True),),
    "answer": (*_OWN, _long("feedback", required=True), *_IF_INFORMED, _REACTION, *_FILES),
    "explain": (
        *_OWN, _choice("kind", "explanation_kinds", required=True), _long("explanation", required=True),
        *_IF_INFORMED, _REACTION, *_FILES,
    ),
    "inform": (*_INFORMED, _REACTION),
    "accept": _REMARK,
    "send_back": (*_REASON, *_LIMIT),
    "finish_self": (_long("result", required=True), *_INFORMED, *_FILES),
    "call_back": (
        _choice("reached", "reached", required=True), _choice("solved", "solved"),
        _choice("satisfied", "satisfied"), *_REMARK,
    ),
    "add_note": (_long("note", required=True),),
    "strike_off": (_long("result"),),
    "archive": (_choice("retention", "retention_classes"),),
    "hold": _REASON,
    "release_hold": _REASON,
    "reopen": _REASON,
})
# fmt: on

_PYTHON: Mapping[FieldType, tuple[type, ...]] = {
    FieldType.TEXT: (str,),
    FieldType.LONG_TEXT: (str,),
    FieldType.CHOICE: (str, int),
    FieldType.MOMENT: (datetime,),
    FieldType.DATE: (date,),
    FieldType.BOOLEAN: (bool,),
    FieldType.NUMBER: (int,),
    FieldType.CHOICES: (tuple,),
    FieldType.FILES: (tuple,),
}


def problems(specs: Iterable[FieldSpec], data: Mapping[str, object], now: datetime) -> Iterable[FieldProblem]:
    """What is wrong with the sent values of these fields, field by field."""
    for spec in specs:
        value = data.get(spec.name)
        if value is None or value == () or (isinstance(value, str) and not value.strip()):
            if spec.required:
                yield FieldProblem(spec.name, "field.required")
        elif not _is_of_type(spec, value):
            yield FieldProblem(spec.name, "field.type", {"type": spec.type.value})
        elif isinstance(value, str) and len(value) > (limit := spec.max_length or MAX_LENGTH[spec.type]):
            yield FieldProblem(spec.name, "field.too-long", {"limit": limit, "length": len(value)})
        elif isinstance(value, datetime) and value > now:
            yield FieldProblem(spec.name, "field.in-future")
        elif spec.type is FieldType.NUMBER and not 1 <= int(str(value)) <= MOST_NUMBER:
            yield FieldProblem(spec.name, "field.number-range", {"most": MOST_NUMBER})
        elif spec.type is FieldType.CHOICE and value not in CODES.get(spec.source or "", (value,)):
            yield FieldProblem(spec.name, "field.choice", {"value": str(value)[:40]})


def _is_of_type(spec: FieldSpec, value: object) -> bool:
    if isinstance(value, bool):
        return spec.type is FieldType.BOOLEAN
    if isinstance(value, datetime):
        return spec.type is FieldType.MOMENT and value.tzinfo is not None
    return isinstance(value, _PYTHON[spec.type])
