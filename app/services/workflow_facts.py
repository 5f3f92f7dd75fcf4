"""What the rules of the workflow are told of an appeal: facts for the guards, and which assignment a step is about."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.models import Appeal, Assignment, CallBack, Clock, HandlingRequest, db
from app.rules import workflow as rules
from app.rules.clocks import Status
from app.rules.grants import Grant, Scope
from app.services import assumptions, clock_moves, clocks, merging, present
from app.services.actors import Actor
from app.services.sheet import missing_fields


@dataclass(frozen=True, slots=True)
class About:
    """The assignment and the request that a step is about, if it is about any."""

    assignment: Assignment | None = None
    request: HandlingRequest | None = None


NOTHING = About()


def about(action: rules.Action, actor: Actor, appeal: Appeal, grant: Grant, data: Mapping[str, object]) -> About:
    """Which assignment a step on one means: the one of the request or the id it names, else the acting unit's own."""
    if not action.parts:
        return NOTHING
    if "request" in {spec.name for spec in action.fields}:
        request = _request(appeal, data.get("request"))
        own = next((a for a in appeal.assignments if request is not None and a.id == request.assignment_id), None)
        if request is not None and grant.scope is Scope.OWN_UNIT and own not in own_parts(actor, appeal):
            return NOTHING
        return About(own, request)
    wanted = str(data.get("assignment") or "")
    if grant.scope is not Scope.OWN_UNIT:
        named = next((a for a in appeal.assignments if str(a.id) == wanted), None)
        return About(named if wanted or action.capability != "answer" else _lead(appeal))
    own_ones = own_parts(actor, appeal)
    if wanted:
        return About(next((a for a in own_ones if str(a.id) == wanted), None))
    # Of several units of his, the one that stands right for the step, the lead unit first.
    now, state = present.now(), rules.State(appeal.state)
    facts = {one.id: rules.AppealFacts(state, assignment=part_facts(appeal, one, now)) for one in own_ones}
    fitting = [one for one in own_ones if rules.stands(action, facts[one.id])]
    return About(next(iter([*fitting, *own_ones]), None))


def own_parts(actor: Actor, appeal: Appeal) -> list[Assignment]:
    """The assignments that stand of the units this person handles for, the lead unit's first."""
    units = {grant.value for grant in actor.grants.grants if grant.capability == "answer"}
    every = any(grant.capability == "answer" and grant.scope is Scope.ALL for grant in actor.grants.grants)
    found = [one for one in appeal.assignments if one.state != "ended" and (every or one.unit_id in units)]
    return sorted(found, key=lambda one: (one.part != "lead", one.id))


def fitting_parts(actor: Actor, appeal: Appeal, action: rules.Action) -> list[Assignment]:
    """Those of them on which this step may be done as they stand."""
    now, state = present.now(), rules.State(appeal.state)
    return [one for one in own_parts(actor, appeal) if _offers(action, state, part_facts(appeal, one, now))]


def _lead(appeal: Appeal) -> Assignment | None:
    return next((one for one in appeal.assignments if one.part == "lead" and one.state != "ended"), None)


def _request(appeal: Appeal, wanted: object) -> HandlingRequest | None:
    known = [request for one in appeal.assignments for request in one.requests]
    return next((request for request in known if str(request.id) == str(wanted or "")), None)


def part_facts(appeal: Appeal, own: Assignment, now: datetime) -> rules.AssignmentFacts:
    """One unit's assignment as the guards see it."""
    kind = "unit_limit" if own.part == "lead" else "co_limit"
    limit = clocks.running(appeal, kind, assignment_id=own.id)
    return rules.AssignmentFacts(
        state=rules.Part(own.state),
        is_lead=own.part == "lead",
        pending=frozenset(request.kind for request in own.requests if request.state == "pending"),
        objections=sum(r.kind == "objection" and r.state != "withdrawn" for r in own.requests),
        is_past_limit=limit is not None and clocks.state_of(limit, now) is Status.OVERDUE,
        has_limit=limit is not None and limit.due_at is not None,
        is_paused=limit is not None and clock_moves.is_paused(limit, now),
    )


def of(
    appeal: Appeal,
    data: Mapping[str, object] | None = None,
    *,
    action: rules.Action | None = None,
    own: Assignment | None = None,
) -> rules.AppealFacts:
    """What the guards of the workflow look at. With `data`, the sheet's required fields are judged as sent.

    What takes a statement of its own is asked only for the step whose guards want it.
    """
    now = present.now()
    limits = [clock for clock in appeal.clocks if clock.kind == "unit_limit"]
    guards = action.guards if action is not None else ()
    return rules.AppealFacts(
        state=rules.State(appeal.state),
        missing=missing_fields(appeal, data or {}) if appeal.state == "draft" else (),
        has_result=bool(appeal.result),
        is_informed=appeal.informed_at is not None,
        is_overdue=any(_is_late(clock, now) for clock in limits),
        is_impossible=appeal.impossible,
        has_note=bool(appeal.note),
        is_instructed=bool(appeal.slips) and bool(appeal.slips[-1].instruction),
        assignment=part_facts(appeal, own, now) if own is not None else None,
        has_lead=_lead(appeal) is not None,
        bounces=_bounces(appeal),
        most_bounces=_number("objection_bounces", 1) if "object.bounced" in guards else 1,
        co_open=sum(one.part == "co" and one.state in ("assigned", "in_progress") for one in appeal.assignments),
        merged_open=merging.uninformed(appeal.id) if "strike-off.merged-not-informed" in guards else 0,
        is_main="merge.is-main" in guards and merging.heat(appeal.id) > 1,
        is_main_answered=_main_in(appeal, merging.ANSWERED),
        is_main_closed=_main_in(appeal, merging.CLOSED),
        is_held=appeal.held_at is not None,
        call_back_missing="strike-off.call-back-missing" in guards and _call_back_missing(appeal),
        reopen_days=_number("reopen_days", 30) if "reopen.too-late" in guards else 0,
        closed_days=_days(appeal, now),
    )


def fitting(actor: Actor, appeal: Appeal, capabilities: Container[str]) -> tuple[rules.Action, ...]:
    """The steps these capabilities allow; those on an assignment only where one of his stands right for it."""
    now, state = present.now(), rules.State(appeal.state)
    standing = [one for one in appeal.assignments if one.state != "ended"]
    every = {one.id: part_facts(appeal, one, now) for one in standing}
    own = [every[one.id] for one in own_parts(actor, appeal)]

    def fits(action: rules.Action) -> bool:
        if not action.parts:
            return not _idle(action, appeal)
        if action.name == "object" and not _may_object(appeal):
            return False
        parts = own if action.capability == "answer" else every.values()
        return any(_offers(action, state, facts) for facts in parts)

    return tuple(action for action in rules.actions_for(state, capabilities, every.values()) if fits(action))


# A decision is offered while such a request waits, a resumption while something is paused.
_WAITS = {"decide_objection": "objection", "decide_extension": "extension", "decide_pause": "pause"}


def _offers(action: rules.Action, state: rules.State, own: rules.AssignmentFacts) -> bool:
    if not rules.stands(action, rules.AppealFacts(state, assignment=own)):
        return False
    if action.name in _WAITS:
        return _WAITS[action.name] in own.pending
    if action.name in ("resume", "ask_pause"):
        return own.is_paused == (action.name == "resume") and "pause" not in own.pending
    if action.name == "withdraw_request":
        return bool(own.pending)
    if action.name == "withdraw_co_unit":
        return not own.is_lead
    if action.name == "ask_extension":
        return not own.is_past_limit and own.has_limit and "extension" not in own.pending
    if action.name == "object" and own.objections:
        return False
    return action.name not in ("object", "sign_in") or "objection" not in own.pending


def _idle(action: rules.Action, appeal: Appeal) -> bool:
    """Whether the step would have nothing to do here."""
    if action.name == "hold":
        return appeal.held_at is not None
    if action.name == "release_hold":
        return appeal.held_at is None
    if action.name == "take_note":
        slip = appeal.slips[-1] if appeal.slips else None
        return slip is None or slip.fulfilled_at is None or slip.noted_at is not None
    if action.name == "send_back":
        return _lead(appeal) is None
    if action.name == "inform":
        return not _main_in(appeal, merging.ANSWERED)
    return action.name == "strike_off_merged" and not _main_in(appeal, merging.CLOSED)


def _may_object(appeal: Appeal) -> bool:
    """Whether it did not go back as often as it may; what is counted is asked only where something was."""
    bounces = _bounces(appeal)
    return not bounces or bounces < _number("objection_bounces", 1)


def _main_in(appeal: Appeal, states: Container[str]) -> bool:
    """Whether it is merged into an appeal that stands in one of these states."""
    return appeal.merged_into is not None and appeal.merged_into.state in states


def _is_late(clock: Clock, now: datetime) -> bool:
    """A limit that has passed, unless it ended without judgement in time."""
    return clocks.state_of(clock, now) in (Status.OVERDUE, Status.BROKEN)


def _bounces(appeal: Appeal) -> int:
    return sum(
        request.kind == "objection" and request.state == "granted"
        for one in appeal.assignments
        if one.part == "lead"
        for request in one.requests
    )


def _call_back_missing(appeal: Appeal) -> bool:
    if appeal.anonymous or not assumptions.value("call_back_before_strike_off"):
        return False
    return db.session.scalar(select(CallBack.id).where(CallBack.appeal_id == appeal.id).limit(1)) is None


def _days(appeal: Appeal, now: datetime) -> int:
    return (now - appeal.closed_at).days if appeal.closed_at is not None else 0


def _number(code: str, usual: int) -> int:
    return assumptions.whole(assumptions.value(code), usual, least=0)
