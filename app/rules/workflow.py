"""The course of an appeal: one table of states and steps, and the check every write passes.

Pure data plus `check`; services do what `check` allows, the desk shows what `actions_for` names.
Whose appeals a capability reaches is a matter of grants, not of this table. Each unit that handles an appeal has a
small course of its own (`Part`): the lead unit's moves the appeal, a co-handling unit's does not.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from .errors import Conflict, FieldErrors, NotFound
from .workflow_forms import CODES, FORMS, INFORMED_HOW, LAWFUL_ROUTES, MAX_LENGTH, FieldSpec, FieldType, problems
from .workflow_guards import GUARDS, AppealFacts, AssignmentFacts, Part, State

__all__ = [
    "ACTIONS",
    "CLOCK_KINDS",
    "CODES",
    "CO_STATES",
    "FINAL_STATES",
    "FORMS",
    "GUARDS",
    "INFORMED_HOW",
    "INITIAL_STATES",
    "LAWFUL_ROUTES",
    "MAX_LENGTH",
    "OPEN_STATES",
    "REGISTERED_STATES",
    "WAITS_FOR",
    "Action",
    "Actor",
    "AppealFacts",
    "AssignmentFacts",
    "FieldSpec",
    "FieldType",
    "Part",
    "State",
    "Step",
    "actions_for",
    "bulk_actions",
    "check",
    "find",
    "flaws",
    "leads_to",
    "next_step",
    "stands",
    "states_for",
]


@dataclass(frozen=True, slots=True)
class Action:
    """One step. `target` None stays where it is; `target_by` lets a field's value decide instead.

    `back`: it goes back for triage, to INSTRUCTED instead of REGISTERED where a leader's instruction stands.
    `repeat_in`: states in which the step has already had its effect, so doing it again changes nothing.
    `parts`: it is a step on one unit's assignment in these states, which it moves to `part`; the appeal itself
    moves with the lead unit only. `stops` and `starts` name the clocks it touches, `starts_if` those that a value
    of `target_by`'s field starts. `others`: further capabilities that allow it. `sheet`: its fields are those of
    the appeal's own sheet.
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
    target_by: tuple[str, Mapping[str, State | None]] | None = None
    starts_if: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    sheet: bool = False
    back: bool = False
    parts: tuple[Part, ...] = ()
    part: Part | None = None
    others: tuple[str, ...] = ()

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Every capability that allows the step; the first is the usual one."""
        return (self.capability, *self.others)

    @property
    def targets(self) -> frozenset[State]:
        """Every state this step can lead to."""
        named = self.target_by[1].values() if self.target_by is not None else (self.target,)
        found = {state for state in named if state is not None}
        if None in named:
            found |= set(self.sources)
        return frozenset(found | ({State.INSTRUCTED} if self.back else set()))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who must act next: the holder of a post with `capability`, or the function of that name in a unit."""

    kind: str  # post | unit | section | main | nobody
    capability: str | None = None


S, P = State, Part
UNREGISTERED: tuple[State, ...] = (S.DRAFT, S.SUBMITTED, S.VOIDED)
REGISTERED_STATES: tuple[State, ...] = tuple(s for s in State if s not in UNREGISTERED)
INITIAL_STATES: tuple[State, ...] = (S.DRAFT, S.HISTORY)
FINAL_STATES: tuple[State, ...] = (S.ARCHIVED, S.VOIDED, S.HISTORY)
OPEN_STATES: tuple[State, ...] = tuple(
    s for s in State if s not in (S.CLOSED, S.ARCHIVED, S.MERGED, S.VOIDED, S.HISTORY)
)
# While an appeal stands in one of these, its co-handling units work.
CO_STATES: tuple[State, ...] = (S.ASSIGNED, S.IN_PROGRESS, S.UNDER_REVIEW)


def _do(name: str, sources: tuple[State, ...], to: State | None, capability: str, **more: Any) -> Action:
    return Action(name, sources, to, capability, FORMS.get(name, ()), **more)


def _by(name: str, **states: State | None) -> tuple[str, Mapping[str, State | None]]:
    return name, MappingProxyType(states)


# fmt: off
_TRIAGE, _UNIT, _OPEN_PART = (S.REGISTERED, S.INSTRUCTED), (S.ASSIGNED, S.IN_PROGRESS), (P.ASSIGNED, P.IN_PROGRESS)
# A returned draft starts no new collection clock: R3 measures the first submission, R13 counts returns.
_TABLE: tuple[Action, ...] = (
    # Intake and registration (R3, R4).
    _do("edit", (S.DRAFT,), None, "collect", sheet=True),
    _do("submit", (S.DRAFT,), S.SUBMITTED, "collect", sheet=True, guards=("submit.incomplete",),
        repeat_in=(S.SUBMITTED,), stops=("collection",)),
    _do("discard", (S.DRAFT,), S.VOIDED, "collect", repeat_in=(S.VOIDED,)),
    _do("return_for_correction", (S.SUBMITTED,), S.DRAFT, "number"),
    _do("register", (S.SUBMITTED,), S.REGISTERED, "number", bulk=True),
    _do("void", (S.REGISTERED,), S.VOIDED, "number", repeat_in=(S.VOIDED,)),
    # Triage (R5, R7, R8).
    _do("handle_self", _TRIAGE, S.SELF_HANDLING, "triage", bulk=True,
        repeat_in=(S.SELF_HANDLING,), starts=("unit_limit",)),
    _do("forward", _TRIAGE, S.ASSIGNED, "triage", bulk=True, guards=("limit.unnamed",),
        starts=("sign_in", "unit_limit", "co_limit")),
    _do("propose", (S.REGISTERED,), S.OPINION, "triage", guards=("propose.line-missing",), starts=("carry",)),
    _do("decline", (S.REGISTERED,), S.ANSWERED, "triage"),
    _do("merge", _TRIAGE, S.MERGED, "triage", guards=("merge.is-main",)),
    _do("unmerge", (S.MERGED,), S.REGISTERED, "triage", back=True),
    _do("split", (*_TRIAGE, *_UNIT), None, "triage"),
    # The slip's way to the leader and back (R6).
    _do("fill_slip", (S.OPINION,), S.SLIP_READY, "number"),
    _do("carry", (S.SLIP_READY,), S.WITH_SECTION, "carry", bulk=True, repeat_in=(S.WITH_SECTION,),
        stops=("carry",), starts=("delivery",)),
    _do("deliver", (S.WITH_SECTION,), S.WITH_LEADER, "deliver", bulk=True, repeat_in=(S.WITH_LEADER,),
        stops=("delivery",), starts=("fetch_back",)),
    _do("comment", (S.WITH_LEADER,), None, "lead"),
    _do("instruct", (S.WITH_LEADER,), S.INSTRUCTED, "lead", stops=("fetch_back",)),
    _do("fetch", (S.WITH_LEADER,), S.FETCHED, "carry", bulk=True, repeat_in=(S.FETCHED,),
        stops=("fetch_back",)),
    _do("transcribe", (S.FETCHED,), S.INSTRUCTED, "carry", guards=("transcribe.leader-missing",)),
    _do("take_note", (S.ANSWERED, S.CLOSED, S.ARCHIVED), None, "lead"),
    # The units (R9): each its own assignment, the lead unit's moves the appeal.
    _do("sign_in", (S.ASSIGNED,), S.IN_PROGRESS, "answer", repeat_in=(S.IN_PROGRESS,), stops=("sign_in",),
        parts=(P.ASSIGNED,), part=P.IN_PROGRESS, guards=("request.objection-pending",)),
    _do("object", (S.ASSIGNED,), None, "answer", parts=(P.ASSIGNED,), stops=("sign_in",), starts=("decision",),
        guards=("request.objection-pending", "object.bounced")),
    _do("decide_objection", (S.ASSIGNED,), None, "triage", parts=(P.ASSIGNED,), stops=("decision",), back=True,
        target_by=_by("decision", upheld=S.REGISTERED, rejected=None),
        starts_if=MappingProxyType({"rejected": ("sign_in",)})),
    _do("ask_extension", _UNIT, None, "answer", parts=_OPEN_PART, starts=("decision",),
        guards=("request.extension-pending", "extension.too-late")),
    _do("decide_extension", _UNIT, None, "triage", parts=_OPEN_PART, stops=("decision",)),
    _do("ask_pause", (S.IN_PROGRESS,), None, "answer", parts=(P.IN_PROGRESS,), starts=("decision",),
        guards=("request.pause-pending", "pause.running", "pause.too-late")),
    _do("decide_pause", (S.IN_PROGRESS,), None, "triage", parts=(P.IN_PROGRESS,), stops=("decision",)),
    _do("resume", (S.IN_PROGRESS,), None, "triage", parts=(P.IN_PROGRESS,)),
    _do("withdraw_request", _UNIT, None, "answer", parts=_OPEN_PART, stops=("decision",),
        guards=("request.none-pending",)),
    _do("transfer", _UNIT, S.ASSIGNED, "triage", guards=("limit.unnamed",), starts=("sign_in", "unit_limit")),
    _do("add_co_unit", _UNIT, None, "triage", starts=("sign_in", "co_limit")),
    _do("withdraw_co_unit", CO_STATES, None, "triage", parts=_OPEN_PART, part=P.ENDED),
    _do("answer", (S.IN_PROGRESS,), S.UNDER_REVIEW, "answer", stops=("unit_limit",), starts=("review",),
        parts=(P.IN_PROGRESS,), part=P.ANSWERED, guards=("answer.not-informed",)),
    # A unit that cannot finish in time goes on working; what policy forbids is answered by saying so (R9).
    _do("explain", (S.IN_PROGRESS,), None, "answer", parts=(P.IN_PROGRESS,), guards=("answer.not-informed",),
        target_by=_by("kind", cannot_finish=None, not_permitted=S.UNDER_REVIEW),
        starts_if=MappingProxyType({"not_permitted": ("review",)})),
    _do("inform", (S.MERGED,), None, "answer", others=("triage", "record"), bulk=True,
        guards=("inform.main-unanswered",)),
    # Review, call-back, the end (R10, R11).
    _do("accept", (S.UNDER_REVIEW,), S.ANSWERED, "triage", bulk=True, stops=("review",), repeat_in=(S.ANSWERED,),
        guards=("accept.co-handling-open",)),
    _do("send_back", (S.UNDER_REVIEW, S.ANSWERED), S.IN_PROGRESS, "triage", stops=("review",),
        starts=("unit_limit",), guards=("send-back.no-unit", "limit.unnamed")),
    _do("finish_self", (S.SELF_HANDLING,), S.ANSWERED, "triage", stops=("unit_limit",)),
    _do("call_back", (S.ANSWERED, S.CLOSED), None, "supervise", others=("triage", "record"),
        guards=("call-back.not-reached",)),
    _do("add_note", REGISTERED_STATES, None, "record"),
    _do("strike_off", (S.ANSWERED,), S.CLOSED, "record", bulk=True, repeat_in=(S.CLOSED,),
        guards=("strike-off.result-missing", "strike-off.not-informed", "strike-off.merged-not-informed",
                "strike-off.call-back-missing")),
    _do("strike_off_merged", (S.MERGED,), S.CLOSED, "record", repeat_in=(S.CLOSED,),
        guards=("strike-off.main-open", "strike-off.not-informed")),
    _do("archive", (S.CLOSED,), S.ARCHIVED, "record", bulk=True, repeat_in=(S.ARCHIVED,),
        guards=("archive.note-missing",)),
    _do("hold", REGISTERED_STATES, None, "record", guards=("hold.held",)),
    _do("release_hold", REGISTERED_STATES, None, "record", guards=("hold.not-held",)),
    _do("reopen", (S.CLOSED, S.ARCHIVED), S.REGISTERED, "triage", back=True, guards=("reopen.too-late",)),
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
        S.UNDER_REVIEW: Actor("post", "triage"),
        S.ANSWERED: Actor("post", "record"),
        S.CLOSED: Actor("post", "record"),
        S.ARCHIVED: Actor("nobody"),
        S.MERGED: Actor("main"),
        S.VOIDED: Actor("nobody"),
        S.HISTORY: Actor("nobody"),
    }
)
CLOCK_KINDS = (
    "collection",
    "carry",
    "delivery",
    "fetch_back",
    "sign_in",
    "unit_limit",
    "co_limit",
    "decision",
    "review",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What `check` allows. `is_repeat`: already done, change nothing and say so kindly.

    `part` is where the acting unit's assignment goes, None where it stays. `stops` and `starts` are the clocks
    this step touches with these data.
    """

    action: Action
    target: State
    is_repeat: bool = False
    part: Part | None = None
    stops: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)


def check(name: str, facts: AppealFacts, data: Mapping[str, object], *, now: datetime) -> Step:
    """What doing action `name` with these parsed form data means (aware moments; None and blank are absent).

    Raises NotFound("workflow.unknown-action"), Conflict("workflow.not-from-here"), FieldErrors, or Refused
    with the code of the guard that held.
    """
    action = find(name)
    if not stands(action, facts):
        if _is_done(action, facts):
            return Step(action, facts.state, is_repeat=True)
        raise Conflict("workflow.not-from-here", {"action": name, "state": facts.state.value})
    if wrong := tuple(problems(action.fields, data, now)):
        raise FieldErrors(wrong)
    for code in action.guards:
        GUARDS[code](code, facts, data)
    kept = data if action.sheet else {f.name: data.get(f.name) for f in action.fields}
    step = Step(action, _target(action, facts, data), part=action.part, data=MappingProxyType(dict(kept)))
    return _with_clocks(step, facts, str(data.get(action.target_by[0])) if action.target_by else "")


def stands(action: Action, facts: AppealFacts) -> bool:
    """Whether the step can be done from where the appeal, or the acting unit's assignment, stands."""
    if not action.parts:
        return facts.state in action.sources
    own = facts.assignment
    if own is None or own.state not in action.parts:
        return False
    return facts.state in (action.sources if own.is_lead else CO_STATES)


def find(name: str) -> Action:
    """The action of that name. Raises NotFound("workflow.unknown-action")."""
    try:
        return ACTIONS[name]
    except KeyError:
        raise NotFound("workflow.unknown-action", {"action": name}) from None


def actions_for(
    state: State, capabilities: Container[str], assignments: Iterable[AssignmentFacts] | None = None
) -> tuple[Action, ...]:
    """The actions these capabilities allow on an appeal in `state`, in the order of the table.

    With `assignments`, a step on an assignment is named only where one of them stands right for it.
    """
    known = None if assignments is None else tuple(assignments)

    def fits(action: Action) -> bool:
        if not action.parts or known is None:
            return state in action.sources
        return any(stands(action, AppealFacts(state, assignment=own)) for own in known)

    return tuple(a for a in _TABLE if any(c in capabilities for c in a.capabilities) and fits(a))


def bulk_actions(capabilities: Container[str]) -> tuple[Action, ...]:
    """The actions that may be done to several appeals at once with these capabilities."""
    return tuple(a for a in _TABLE if a.bulk and a.capability in capabilities)


def states_for(capabilities: Container[str]) -> frozenset[State]:
    """The states that wait for somebody with these capabilities: his queues."""
    return frozenset(
        s for s, actor in WAITS_FOR.items() if actor.capability and actor.capability in capabilities
    )


def next_step(state: State, *, is_objected: bool = False) -> Actor:
    """Who must act on an appeal in `state`: the line on top of each appeal. An objection waits for the duty office."""
    if is_objected and state is State.ASSIGNED:
        return Actor("post", "triage")
    return WAITS_FOR[state]


def flaws(table: Iterable[Action] = _TABLE) -> tuple[tuple[str, State], ...]:
    """Dead ends (no way to a final state) and orphans (no way from an initial one); empty if sound."""
    edges = [(s, t) for a in table for s in a.sources for t in leads_to(a, s)]
    reached = _closure(INITIAL_STATES, edges)
    finishing = _closure(FINAL_STATES, [(t, s) for s, t in edges])
    return tuple(
        [("workflow.orphan", s) for s in State if s not in reached]
        + [("workflow.dead-end", s) for s in State if s not in finishing]
    )


def leads_to(action: Action, source: State) -> set[State]:
    """Where the step leads from this one source."""
    named = action.target_by[1].values() if action.target_by is not None else (action.target,)
    found = {source if state is None else state for state in named}
    return found | ({State.INSTRUCTED} if action.back else set())


def _closure(starts: Iterable[State], edges: Iterable[tuple[State, State]]) -> set[State]:
    edges, found, waiting = tuple(edges), set(starts), list(starts)
    while waiting:
        here = waiting.pop()
        new = {t for s, t in edges if s is here} - found
        found |= new
        waiting.extend(new)
    return found


def _is_done(action: Action, facts: AppealFacts) -> bool:
    """Whether the step had its effect before: harmless to ask for again."""
    own = facts.assignment
    if action.parts and own is not None and not own.is_lead:
        return bool(action.repeat_in) and own.state is action.part
    return facts.state in action.repeat_in


def _target(action: Action, facts: AppealFacts, data: Mapping[str, object]) -> State:
    if action.parts and facts.assignment is not None and not facts.assignment.is_lead:
        return facts.state
    target = action.target if action.target_by is None else action.target_by[1][str(data[action.target_by[0]])]
    if action.back and target is State.REGISTERED and facts.is_instructed:
        return State.INSTRUCTED
    return facts.state if target is None else target


def _with_clocks(step: Step, facts: AppealFacts, value: str) -> Step:
    """The clocks a step touches: a co-handling unit has a limit of its own and no review."""
    action, part = step.action, step.part
    stops, starts = action.stops, action.starts + action.starts_if.get(value, ())
    if value == "not_permitted":
        stops, part = (*stops, "unit_limit"), Part.ANSWERED
    if value == "upheld":
        part = Part.ENDED
    if action.parts and facts.assignment is not None and not facts.assignment.is_lead:
        stops = tuple("co_limit" if kind == "unit_limit" else kind for kind in stops)
        starts = tuple(kind for kind in starts if kind != "review")
    return replace(step, part=part, stops=stops, starts=starts)

