"""The course of an appeal: one table of states, one of actions, and the check every write passes.

Pure data plus `check`; services do what `check` allows, the desk shows what `actions_for` names.
Whose appeals a capability reaches is a matter of grants, not of this table.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from .errors import Conflict, FieldErrors, FieldProblem, NotFound, Refused


class State(StrEnum):
    """Where an appeal stands."""

    DRAFT = "draft"  # 待提交
    SUBMITTED = "submitted"  # 待编号
    REGISTERED = "registered"  # 待批办
    SELF_HANDLING = "self_handling"  # 自办中
    OPINION = "opinion"  # 待填单
    SLIP_READY = "slip_ready"  # 待送达
    WITH_SECTION = "with_section"  # 待呈送
    WITH_LEADER = "with_leader"  # 待取回
    FETCHED = "fetched"  # 待转录
    INSTRUCTED = "instructed"  # 待交办
    ASSIGNED = "assigned"  # 待签收
    IN_PROGRESS = "in_progress"  # 办理中
    ANSWERED = "answered"  # 待销号
    CLOSED = "closed"  # 已销号
    ARCHIVED = "archived"  # 已归档
    HISTORY = "history"  # 历史件: imported, closed


class FieldType(StrEnum):
    """A form field; parsed: str, str, str or int (key of the source), datetime, date, bool, ids of files, int."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    MOMENT = "moment"
    DATE = "date"
    BOOLEAN = "boolean"
    FILES = "files"
    NUMBER = "number"


# How the appellant was told (R9); "unreachable" is one of the ways: the moment of the attempt.
INFORMED_HOW = ("phone", "visit", "letter", "message", "publication", "unreachable")
# The lists a choice is taken from that are no dictionary's rows.
CODES: Mapping[str, tuple[str, ...]] = MappingProxyType({"informed_how": INFORMED_HOW})
MAX_LENGTH = {FieldType.TEXT: 200, FieldType.LONG_TEXT: 20_000, FieldType.CHOICE: 200}


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of an action's form. `source` names the list a choice is taken from."""

    name: str
    type: FieldType
    required: bool = False
    source: str | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One step. `target` None stays where it is; `target_by` lets a field's value decide instead.

    `repeat_in`: states in which the step has already had its effect, so doing it again changes nothing.
    `stops` and `starts` name the clocks it touches. `sheet`: its fields are those of the appeal's own sheet.
    """

    name: str
    sources: tuple[State, ...]
    target: State | None
    capability: str
    fields: tuple[FieldSpec, ...] = ()
    guards: tuple[str, ...] = ()
    repeat_in: tuple[State, ...] = ()
    bulk: bool = False
    stops: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    target_by: tuple[str, Mapping[str, State]] | None = None
    sheet: bool = False

    @property
    def targets(self) -> frozenset[State]:
        """Every state this step can lead to."""
        if self.target_by is not None:
            return frozenset(self.target_by[1].values())
        return frozenset(self.sources) if self.target is None else frozenset({self.target})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who must act next: the holder of a post with `capability`, or the function of that name in a unit."""

    kind: str  # post | unit | section | nobody
    capability: str | None = None


def _text(name: str, max_length: int, *, required: bool = False) -> FieldSpec:
    return FieldSpec(name, FieldType.TEXT, required, max_length=max_length)


def _long(name: str, *, required: bool = False) -> FieldSpec:
    return FieldSpec(name, FieldType.LONG_TEXT, required)


def _choice(name: str, source: str, *, required: bool = False) -> FieldSpec:
    return FieldSpec(name, FieldType.CHOICE, required, source)


# fmt: off
# R9: telling the appellant is part of finishing.
_INFORMED = (
    FieldSpec("informed_at", FieldType.MOMENT, True), _choice("informed_how", "informed_how", required=True),
)
_REACTION = _text("reaction", 500)
# Evidence, scans, recordings that belong to the step.
_FILES = (FieldSpec("attachments", FieldType.FILES),)
_REMARK = (FieldSpec("remark", FieldType.LONG_TEXT, max_length=500),)
_UNIT_AND_LIMIT = (_choice("unit", "units", required=True), _choice("limit", "limits", required=True))

FORMS: Mapping[str, tuple[FieldSpec, ...]] = MappingProxyType({
    "return_for_correction": (_long("reason", required=True),),
    "register": (
        _choice("limit", "limits", required=True), _choice("category", "categories"), _text("place", 200),
    ),
    "handle_self": _REMARK,
    "forward": _UNIT_AND_LIMIT + _REMARK,
    "propose": (
        _long("opinion", required=True), _choice("unit", "units"), _choice("line", "portfolio_lines"),
    ),
    "fill_slip": _REMARK,
    "carry": _REMARK,
    "deliver": (_text("receiver", 64, required=True),),
    "fetch": _REMARK,
    "transcribe": (
        _long("instruction", required=True), _choice("leader", "leaders"), _text("leader_name", 64),
        FieldSpec("instructed_on", FieldType.DATE, True), *_FILES,
    ),
    "answer": (_long("feedback", required=True), *_INFORMED, _REACTION, *_FILES),
    "explain": (
        _choice("kind", "explanation_kinds", required=True), _long("explanation", required=True),
        *_INFORMED, _REACTION, *_FILES,
    ),
    "finish_self": (_long("result", required=True), *_INFORMED, *_FILES),
    "add_note": (_long("note", required=True),),
    "strike_off": (_long("result"),),
})

S = State
REGISTERED_STATES: tuple[State, ...] = tuple(s for s in State if s not in (S.DRAFT, S.SUBMITTED))
INITIAL_STATES: tuple[State, ...] = (S.DRAFT, S.HISTORY)
FINAL_STATES: tuple[State, ...] = (S.ARCHIVED, S.HISTORY)
OPEN_STATES: tuple[State, ...] = tuple(s for s in State if s not in (S.CLOSED, S.ARCHIVED, S.HISTORY))


def _do(name: str, sources: tuple[State, ...], to: State | None, capability: str, **more: Any) -> Action:
    return Action(name, sources, to, capability, FORMS.get(name, ()), **more)


# A unit that cannot finish in time goes on working; what policy forbids is answered by saying so (R9).
_BY_KIND = ("kind", MappingProxyType({"cannot_finish": S.IN_PROGRESS, "not_permitted": S.ANSWERED}))

# A returned draft starts no new collection clock: R3 measures the first submission, R13 counts returns.
_TABLE: tuple[Action, ...] = (
    _do("edit", (S.DRAFT,), None, "collect", sheet=True),
    _do("submit", (S.DRAFT,), S.SUBMITTED, "collect", sheet=True, guards=("submit.incomplete",),
        repeat_in=(S.SUBMITTED,), stops=("collection",)),
    _do("return_for_correction", (S.SUBMITTED,), S.DRAFT, "number"),
    _do("register", (S.SUBMITTED,), S.REGISTERED, "number", bulk=True),
    _do("handle_self", (S.REGISTERED, S.INSTRUCTED), S.SELF_HANDLING, "triage", bulk=True,
        repeat_in=(S.SELF_HANDLING,), starts=("unit_limit",)),
    _do("forward", (S.REGISTERED, S.INSTRUCTED), S.ASSIGNED, "triage", bulk=True,
        starts=("sign_in", "unit_limit")),
    _do("propose", (S.REGISTERED,), S.OPINION, "triage", guards=("propose.line-missing",),
        starts=("delivery",)),
    _do("fill_slip", (S.OPINION,), S.SLIP_READY, "number"),
    _do("carry", (S.SLIP_READY,), S.WITH_SECTION, "carry", bulk=True, repeat_in=(S.WITH_SECTION,)),
    _do("deliver", (S.WITH_SECTION,), S.WITH_LEADER, "deliver", bulk=True, repeat_in=(S.WITH_LEADER,),
        stops=("delivery",), starts=("fetch_back",)),
    _do("fetch", (S.WITH_LEADER,), S.FETCHED, "carry", bulk=True, repeat_in=(S.FETCHED,),
        stops=("fetch_back",)),
    _do("transcribe", (S.FETCHED,), S.INSTRUCTED, "carry", guards=("transcribe.leader-missing",)),
    _do("sign_in", (S.ASSIGNED,), S.IN_PROGRESS, "answer", repeat_in=(S.IN_PROGRESS,), stops=("sign_in",)),
    _do("answer", (S.IN_PROGRESS,), S.ANSWERED, "answer", stops=("unit_limit",)),
    _do("explain", (S.IN_PROGRESS,), None, "answer", target_by=_BY_KIND),
    _do("finish_self", (S.SELF_HANDLING,), S.ANSWERED, "triage", stops=("unit_limit",)),
    _do("add_note", REGISTERED_STATES, None, "record"),
    _do("strike_off", (S.ANSWERED,), S.CLOSED, "record", bulk=True, repeat_in=(S.CLOSED,),
        guards=("strike-off.result-missing", "strike-off.not-informed")),
    _do("archive", (S.CLOSED,), S.ARCHIVED, "record", bulk=True, repeat_in=(S.ARCHIVED,),
        guards=("archive.note-missing",)),
)
# fmt: on
ACTIONS: Mapping[str, Action] = MappingProxyType({action.name: action for action in _TABLE})

WAITS_FOR: Mapping[State, Actor] = MappingProxyType(
    {
        S.DRAFT: Actor("post", "collect"),
        S.SUBMITTED: Actor("post", "number"),
        S.REGISTERED: Actor("post", "triage"),
        S.SELF_HANDLING: Actor("post", "triage"),
        S.OPINION: Actor("post", "number"),
        S.SLIP_READY: Actor("post", "carry"),
        S.WITH_SECTION: Actor("section", "deliver"),
        S.WITH_LEADER: Actor("post", "carry"),
        S.FETCHED: Actor("post", "carry"),
        S.INSTRUCTED: Actor("post", "triage"),
        S.ASSIGNED: Actor("unit", "answer"),
        S.IN_PROGRESS: Actor("unit", "answer"),
        S.ANSWERED: Actor("post", "record"),
        S.CLOSED: Actor("post", "record"),
        S.ARCHIVED: Actor("nobody"),
        S.HISTORY: Actor("nobody"),
    }
)
CLOCK_KINDS = ("collection", "delivery", "fetch_back", "sign_in", "unit_limit")


@dataclass(frozen=True, slots=True)
class AppealFacts:
    """What the guards look at. `missing`: required fields of the sheet still empty.

    `is_overdue`: a limit has passed unfinished, or the item was finished late; `is_impossible`: policy
    forbids it, or the unit explained that it cannot finish; `has_note`: a note (附注) is recorded (R11).
    """

    state: State
    missing: tuple[str, ...] = ()
    has_result: bool = False
    is_informed: bool = False
    is_overdue: bool = False
    is_impossible: bool = False
    has_note: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What `check` allows. `is_repeat`: already done, change nothing and say so kindly.

    `stops` and `starts` are the clocks this step touches with these data.
    """

    action: Action
    target: State
    is_repeat: bool = False
    stops: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)


def check(name: str, facts: AppealFacts, data: Mapping[str, object], *, now: datetime) -> Step:
    """What doing action `name` with these parsed form data means (aware moments; None and blank are absent).

    Raises NotFound("workflow.unknown-action"), Conflict("workflow.not-from-here"), FieldErrors, or Refused
    with the code of the guard that held.
    """
    action = find(name)
    if facts.state not in action.sources:
        if facts.state in action.repeat_in:
            return Step(action, facts.state, is_repeat=True)
        raise Conflict("workflow.not-from-here", {"action": name, "state": facts.state.value})
    if problems := tuple(_problems(action, data, now)):
        raise FieldErrors(problems)
    for code in action.guards:
        GUARDS[code](code, facts, data)
    target, stops = _target(action, facts, data), action.stops
    if action.target_by is not None and target is State.ANSWERED:
        stops = ("unit_limit",)
    kept = data if action.sheet else {f.name: data.get(f.name) for f in action.fields}
    return Step(action, target, stops=stops, starts=action.starts, data=MappingProxyType(dict(kept)))


def find(name: str) -> Action:
    """The action of that name. Raises NotFound("workflow.unknown-action")."""
    try:
        return ACTIONS[name]
    except KeyError:
        raise NotFound("workflow.unknown-action", {"action": name}) from None


def actions_for(state: State, capabilities: Container[str]) -> tuple[Action, ...]:
    """The actions these capabilities allow on an appeal in `state`, in the order of the table."""
    return tuple(a for a in _TABLE if state in a.sources and a.capability in capabilities)


def bulk_actions(capabilities: Container[str]) -> tuple[Action, ...]:
    """The actions that may be done to several appeals at once with these capabilities."""
    return tuple(a for a in _TABLE if a.bulk and a.capability in capabilities)


def states_for(capabilities: Container[str]) -> frozenset[State]:
    """The states that wait for somebody with these capabilities: his queues."""
    return frozenset(
        s for s, actor in WAITS_FOR.items() if actor.capability and actor.capability in capabilities
    )


def next_step(state: State) -> Actor:
    """Who must act on an appeal in `state`: the line on top of each appeal."""
    return WAITS_FOR[state]


def flaws(table: Iterable[Action] = _TABLE) -> tuple[tuple[str, State], ...]:
    """Dead ends (no way to a final state) and orphans (no way from an initial one); empty if sound."""
    edges = [
        (s, t)
        for a in table
        for s in a.sources
        for t in ((s,) if a.target is None and a.target_by is None else a.targets)
    ]
    reached = _closure(INITIAL_STATES, edges)
    finishing = _closure(FINAL_STATES, [(t, s) for s, t in edges])
    return tuple(
        [("workflow.orphan", s) for s in State if s not in reached]
        + [("workflow.dead-end", s) for s in State if s not in finishing]
    )


def _closure(starts: Iterable[State], edges: Iterable[tuple[State, State]]) -> set[State]:
    edges, found, waiting = tuple(edges), set(starts), list(starts)
    while waiting:
        here = waiting.pop()
        new = {t for s, t in edges if s is here} - found
        found |= new
        waiting.extend(new)
    return found


def _target(action: Action, facts: AppealFacts, data: Mapping[str, object]) -> State:
    if action.target_by is not None:
        name, states = action.target_by
        return states[str(data[name])]
    return facts.state if action.target is None else action.target


_PYTHON: Mapping[FieldType, tuple[type, ...]] = {
    FieldType.TEXT: (str,),
    FieldType.LONG_TEXT: (str,),
    FieldType.CHOICE: (str, int),
    FieldType.MOMENT: (datetime,),
    FieldType.DATE: (date,),
    FieldType.BOOLEAN: (bool,),
    FieldType.FILES: (tuple,),
    FieldType.NUMBER: (int,),
}


def _problems(action: Action, data: Mapping[str, object], now: datetime) -> Iterable[FieldProblem]:
    for spec in action.fields:
        value = data.get(spec.name)
        if value is None or value == () or (isinstance(value, str) and not value.strip()):
            if spec.required:
                yield FieldProblem(spec.name, "field.required")
        elif not isinstance(value, _PYTHON[spec.type]) or (
            isinstance(value, datetime) and (spec.type is FieldType.DATE or value.tzinfo is None)
        ):
            yield FieldProblem(spec.name, "field.type", {"type": spec.type.value})
        elif isinstance(value, str) and len(value) > (limit := spec.max_length or MAX_LENGTH[spec.type]):
            yield FieldProblem(spec.name, "field.too-long", {"limit": limit, "length": len(value)})
        elif isinstance(value, datetime) and value > now:
            yield FieldProblem(spec.name, "field.in-future")
        elif not _is_offered(action, spec, value):
            yield FieldProblem(spec.name, "field.choice", {"value": str(value)[:40]})


def _is_offered(action: Action, spec: FieldSpec, value: object) -> bool:
    if action.target_by is not None and spec.name == action.target_by[0]:
        return value in action.target_by[1]
    return spec.source is None or spec.source not in CODES or value in CODES[spec.source]


def _complete(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.missing:
        raise FieldErrors(FieldProblem(name, "field.required") for name in facts.missing)


def _line_named(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not data.get("unit") and not data.get("line"):
        raise FieldErrors([FieldProblem("line", code)])


def _leader_named(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """A leader the portfolio leaves vacant has no entry to choose, only a name."""
    if not data.get("leader") and not str(data.get("leader_name") or "").strip():
        raise FieldErrors([FieldProblem("leader", code)])


def _result_present(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not facts.has_result and not str(data.get("result") or "").strip():
        raise FieldErrors([FieldProblem("result", code)])


def _informed(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not facts.is_informed:
        raise Refused(code)


def _note_if_due(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """R11: an overdue or impossible item is not archived without its note."""
    if (facts.is_overdue or facts.is_impossible) and not facts.has_note:
        raise Refused(code, {"overdue": facts.is_overdue, "impossible": facts.is_impossible})


GUARDS: Mapping[str, Callable[[str, AppealFacts, Mapping[str, object]], None]] = MappingProxyType(
    {
        "submit.incomplete": _complete,
        "propose.line-missing": _line_named,
        "transcribe.leader-missing": _leader_named,
        "strike-off.result-missing": _result_present,
        "strike-off.not-informed": _informed,
        "archive.note-missing": _note_if_due,
    }
)
