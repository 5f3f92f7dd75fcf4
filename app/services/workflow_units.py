"""What the steps on assignments write: given to units, signed for, objected to, extended, paused, answered, reviewed.

One lead unit at a time moves the appeal, co-handling units work beside it, each with its own limit (R7–R9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from app.models import (
    Appeal,
    Assignment,
    CallBack,
    Clock,
    DispatchEntry,
    Explanation,
    HandlingRequest,
    LimitRule,
    Review,
    Unit,
    db,
)
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Refused
from app.services import chains, clock_moves, clocks, merging
from app.services.workflow_step import (
    RESPONSIBLE,
    Step,
    acting,
    chosen,
    chosen_date,
    chosen_limit,
    claim,
    finish,
    fulfil,
    handlers,
    named,
    tell,
    unfulfil,
)

UNIT_CLOCKS = ("sign_in", "unit_limit", "co_limit", "decision", "review")


def lead_of(appeal: Appeal) -> Assignment | None:
    """The assignment of the lead unit, if the appeal is with one."""
    return next((one for one in appeal.assignments if one.part == "lead" and one.state != "ended"), None)


def open_parts(appeal: Appeal) -> list[Assignment]:
    """The assignments that stand, the lead unit's first."""
    found = [one for one in appeal.assignments if one.state != "ended"]
    return sorted(found, key=lambda one: (one.part != "lead", one.id))


def _assign(
    step: Step, unit: Unit, part: str, limit: LimitRule | None, due_on: date | None, task: object = None
) -> Assignment:
    """Give the appeal to a unit with its own `task`; its chain of responsibility is frozen as it stands now."""
    appeal = step.appeal
    if any(one.unit_id == unit.id for one in open_parts(appeal)):
        raise FieldErrors([FieldProblem("co_units" if part == "co" else "unit", "assign.twice", {"unit": unit.name})])
    slip = appeal.slips[-1] if appeal.slips and appeal.slips[-1].instruction else None
    made = Assignment(
        appeal=appeal,
        unit_id=unit.id,
        part=part,
        state="assigned",
        limit_rule_id=None if due_on else limit.id if limit else None,
        due_on=due_on,
        assigned_at=step.at,
        assigned_by_id=step.person_id,
        remark=str(step.data.get("remark") or "")[:500],
        task=str(task or step.data.get("task") or ""),
        slip_id=slip.id if slip else None,
        chain=chains.as_of_now(unit),
    )
    db.session.add(made)
    db.session.flush()
    step.made.append(made)
    if part == "co":
        appeal.co_unit_ids = sorted({*appeal.co_unit_ids, unit.id})
    tell(step, "appeal.assigned" if part == "lead" else "appeal.co_assigned", handlers(unit.id))
    return made


def _lead(step: Step) -> Assignment:
    unit = chosen(Unit, step.data["unit"], "unit", RESPONSIBLE)
    limit = chosen_limit(step, "limit", "unit_limit")
    due_on = chosen_date(step, "due_on")
    if unit is None:
        raise FieldErrors([FieldProblem("unit", "field.required")])
    appeal = step.appeal
    appeal.handling, appeal.unit_id = "forward", unit.id
    if limit is not None:
        appeal.limit_rule_id = limit.id
    step.remembered["unit"] = named(unit)
    return _assign(step, unit, "lead", limit, due_on)


def _forward(step: Step) -> None:
    _lead(step)
    _co_units(step, [str(code) for code in step.data.get("co_units") or ()])


def _co_units(step: Step, codes: list[str]) -> None:
    limit = chosen_limit(step, "co_limit", "co_limit") or clocks.limit_for("co_limit")
    units = []
    for code in codes:
        unit = chosen(Unit, code, "co_units", RESPONSIBLE)
        if unit is not None:
            _assign(step, unit, "co", limit, None, step.data.get("co_task"))
            units.append(unit)
    if units:
        step.remembered["co_units"] = "、".join(unit.name for unit in units)


def _add_co_unit(step: Step) -> None:
    unit = chosen(Unit, step.data["unit"], "unit", RESPONSIBLE)
    due_on = chosen_date(step, "due_on")
    limit = chosen_limit(step, "co_limit", "co_limit") or clocks.limit_for("co_limit")
    if unit is None:
        raise FieldErrors([FieldProblem("unit", "field.required")])
    _assign(step, unit, "co", limit, due_on)
    step.remembered["unit"] = named(unit)


def _end(step: Step, assignment: Assignment, why: str) -> None:
    """The unit has no more to do with it; what it still owed is not judged."""
    assignment.state, assignment.ended_at, assignment.ended_why = "ended", step.at, why
    clocks.stop(step.appeal, UNIT_CLOCKS, step.at, assignment_id=assignment.id, is_cancelled=True)
    _drop_requests(step, assignment)
    appeal = step.appeal
    appeal.co_unit_ids = [one for one in appeal.co_unit_ids if one != assignment.unit_id]
    db.session.flush()


def _drop_requests(step: Step, assignment: Assignment) -> None:
    """What the unit still asks for has no object any more; nobody is judged for not having decided it."""
    for request in assignment.requests:
        if request.state == "pending":
            request.state, request.decided_at = "withdrawn", step.at
            clocks.stop(step.appeal, ("decision",), step.at, request_id=request.id, is_cancelled=True)


def end_all(step: Step, why: str) -> None:
    """Every unit's part ends: the appeal goes back for triage. Who was still working on it is told."""
    for assignment in open_parts(step.appeal):
        was_working = assignment.state != "answered"
        _end(step, assignment, why)
        if was_working:
            tell(step, "appeal.withdrawn", handlers(assignment.unit_id))


def _withdraw_co_unit(step: Step) -> None:
    if step.own.part != "co":
        raise FieldErrors([FieldProblem("assignment", "field.choice", {"value": ""})])
    _end(step, step.own, "withdrawn")
    step.remembered["unit"] = named(step.own.unit)
    tell(step, "appeal.withdrawn", handlers(step.own.unit_id))


def _transfer(step: Step) -> None:
    before = lead_of(step.appeal)
    if before is not None:
        if before.unit.code == step.data["unit"]:
            raise FieldErrors([FieldProblem("unit", "transfer.same-unit")])
        _end(step, before, "transferred")
        tell(step, "appeal.withdrawn", handlers(before.unit_id))
    _lead(step)


def _sign_in(step: Step) -> None:
    step.own.signed_in_at = step.at
    step.own.signed_in_by_id = step.person_id


# --- what a unit asks ---------------------------------------------------------------------------------------


def _ask(kind: str) -> Callable[[Step], None]:
    def effect(step: Step) -> None:
        proposed = chosen(Unit, step.data.get("proposed_unit"), "proposed_unit", RESPONSIBLE)
        asked = HandlingRequest(
            appeal_id=step.appeal.id,
            assignment_id=step.own.id,
            kind=kind,
            state="pending",
            reason=step.data["reason"],
            legal_basis=str(step.data.get("legal_basis") or ""),
            proposed_unit_id=proposed.id if proposed else None,
            amount=step.data.get("amount"),
            until_on=chosen_date(step, "until_on"),
            asked_at=step.at,
            asked_by_id=step.person_id,
        )
        step.own.requests.append(asked)
        db.session.flush()
        step.request = asked
        step.remembered["request"] = kind
        claim(step, kind, step.own.id)
        tell(step, f"request.{kind}", acting("triage", step))

    return effect


def _decided(step: Step, kind: str) -> HandlingRequest:
    """The request the form names, marked as decided. Nobody decides his own request under another post."""
    request = step.request
    if request is None or request.kind != kind or request.state != "pending":
        raise Conflict("request.decided")
    if request.asked_by_id == step.person_id:
        raise Refused("request.own")
    granted = step.data["decision"] in ("upheld", "granted")
    request.state = "granted" if granted else "refused"
    request.decided_at, request.decided_by_id = step.at, step.person_id
    request.decision = step.data["reason"]
    # Measured before anything the decision ends falls away unjudged.
    clocks.stop(step.appeal, ("decision",), step.at, request_id=request.id)
    step.remembered |= {"request": kind, "decision": str(step.data["decision"])}
    tell(step, "request.granted" if granted else "request.refused", handlers(step.own.unit_id))
    return request


def _decide_objection(step: Step) -> None:
    request = _decided(step, "objection")
    if request.state != "granted":
        return
    _end(step, step.own, "objected")
    right = chosen(Unit, step.data.get("right_unit"), "right_unit", RESPONSIBLE)
    if step.data.get("learn"):
        if right is None:
            raise FieldErrors([FieldProblem("right_unit", "field.required")])
        _learn(step, request, right)
    if step.own.part == "lead":
        end_all(step, "objected")
        # Where it belongs is known now and proposed to triage; nothing is assigned by itself.
        step.appeal.unit_id = right.id if right else None


def _learn(step: Step, request: HandlingRequest, right: Unit) -> None:
    """An upheld objection teaches the dispatch catalogue: a proposal, in force once somebody confirms it."""
    appeal = step.appeal
    db.session.add(
        DispatchEntry(
            category_id=appeal.category_id,
            place=appeal.place[:100],
            keywords="" if appeal.category_id or appeal.place else appeal.subject[:200],
            unit_id=right.id,
            basis=request.legal_basis,
            source="objection",
            request_id=request.id,
            active=False,
        )
    )


def _decide_extension(step: Step) -> None:
    request = _decided(step, "extension")
    if request.state != "granted":
        return
    amount = int(step.data.get("amount") or request.amount or 0)
    clock = running_limit(step.appeal, step.own)
    if clock is None:
        raise Refused("extension.too-late", {"due_at": ""})
    # What was asked in time and decided late is granted all the same: the office's delay is not the unit's.
    clock_moves.extend(
        clock, amount, at=step.at, asked_at=request.asked_at, person_id=step.person_id, reason=request.reason
    )
    request.granted_amount = amount
    step.own.extended += 1


def _decide_pause(step: Step) -> None:
    request = _decided(step, "pause")
    if request.state != "granted":
        return
    until_on = step.data.get("until_on") or request.until_on
    if until_on != request.until_on:
        until_on = chosen_date(step, "until_on")
    clock = running_limit(step.appeal, step.own)
    if clock is None or until_on is None:
        raise Refused("pause.too-late", {"due_at": ""})
    # It begins when it was asked for, even if it is over when it is decided: the office's delay is not the unit's.
    clock_moves.pause(
        clock,
        starts_at=request.asked_at,
        until_on=until_on,
        reason=request.reason,
        approved_by_id=step.person_id,
        at=step.at,
        request_id=request.id,
    )
    request.granted_until_on = until_on


def _resume(step: Step) -> None:
    clock = running_limit(step.appeal, step.own)
    if clock is None:
        raise Conflict("pause.none")
    clock_moves.resume(clock, at=step.at, person_id=step.person_id)
    tell(step, "appeal.resumed", handlers(step.own.unit_id))


def _withdraw_request(step: Step) -> None:
    request = step.request
    if request is None or request.state != "pending" or request.assignment_id != step.own.id:
        raise Conflict("request.decided")
    request.state, request.decided_at, request.decided_by_id = "withdrawn", step.at, step.person_id
    step.remembered["request"] = request.kind
    if request.kind == "objection":
        # The unit has it again, to be signed for.
        start_sign_in(step, step.own)


def running_limit(appeal: Appeal, assignment: Assignment) -> Clock | None:
    """The running limit of one unit."""
    kind = "unit_limit" if assignment.part == "lead" else "co_limit"
    return clocks.running(appeal, kind, assignment_id=assignment.id)


# --- its answer and what comes of it ------------------------------------------------------------------------


def _answer(step: Step) -> None:
    own = step.own
    own.answered_at, own.feedback = step.at, step.data["feedback"]
    claim(step, "answer", own.id)
    _answered(step, own.feedback)


def _answered(step: Step, text: str) -> None:
    """The lead unit's words are the appeal's result; a co-handling unit's stand on its assignment."""
    _drop_requests(step, step.own)
    if step.own.part == "lead":
        finish(step, text)
        tell(step, "appeal.to_review", acting("triage", step))
        return
    step.remembered["feedback"] = text[:500]
    lead = lead_of(step.appeal)
    if lead is not None:
        tell(step, "appeal.co_answered", handlers(lead.unit_id))


def _explain(step: Step) -> None:
    kind, own = str(step.data["kind"]), step.own
    db.session.add(
        Explanation(
            appeal_id=step.appeal.id,
            unit_id=own.unit_id,
            kind=kind,
            text=step.data["explanation"],
            by_id=step.person_id,
            at=step.at,
            informed_at=step.data.get("informed_at"),
            informed_how=str(step.data.get("informed_how") or ""),
            reaction=str(step.data.get("reaction") or ""),
        )
    )
    step.remembered["explanation"] = kind
    claim(step, "explain", own.id)
    if kind == "not_permitted":
        own.answered_at, own.feedback = step.at, step.data["explanation"]
        if own.part == "lead":
            step.appeal.impossible = True
        _answered(step, own.feedback)
    else:
        tell(step, "appeal.explained", acting("triage", step))


def _review(step: Step, outcome: str, reason: str) -> None:
    lead = lead_of(step.appeal)
    db.session.add(
        Review(
            appeal_id=step.appeal.id,
            assignment_id=lead.id if lead else None,
            at=step.at,
            by_id=step.person_id,
            post_id=step.grant.post_id,
            outcome=outcome,
            reason=reason,
        )
    )


def _accept(step: Step) -> None:
    _review(step, "accepted", str(step.data.get("remark") or ""))
    fulfil(step)
    tell(step, "appeal.answered", acting("record", step))


def _send_back(step: Step) -> None:
    lead = lead_of(step.appeal)
    if lead is None:
        raise Refused("send-back.no-unit")
    _review(step, "redo", step.data["reason"])
    limit, due_on = chosen_limit(step, "limit", "unit_limit"), chosen_date(step, "due_on")
    lead.state, lead.answered_at = "in_progress", None
    lead.redone += 1
    lead.due_on, lead.limit_rule_id = due_on, None if due_on else limit.id if limit else None
    step.appeal.answered_at, step.appeal.informed_at, step.appeal.informed_how = None, None, ""
    step.appeal.informed_by_id, step.appeal.impossible = None, False
    for merged in merging.merged_into(step.appeal.id):
        # What they were told is not the result any more.
        merged.informed_at, merged.informed_how, merged.informed_by_id = None, "", None
    unfulfil(step)
    step.made.append(lead)
    tell(step, "appeal.redo", handlers(lead.unit_id))


def _call_back(step: Step) -> None:
    reached = step.data["reached"] == "yes"
    made = CallBack(
        appeal_id=step.appeal.id,
        at=step.at,
        by_id=step.person_id,
        post_id=step.grant.post_id,
        reached=reached,
        solved=str(step.data.get("solved") or ""),
        satisfied=str(step.data.get("satisfied") or ""),
        remark=str(step.data.get("remark") or "")[:500],
    )
    db.session.add(made)
    step.remembered |= {name: getattr(made, name) for name in ("reached", "solved", "satisfied")}
    if reached and "no" in (made.solved, made.satisfied):
        tell(step, "appeal.dissatisfied", acting("triage", step))


EFFECTS: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {
        "forward": _forward,
        "add_co_unit": _add_co_unit,
        "withdraw_co_unit": _withdraw_co_unit,
        "transfer": _transfer,
        "sign_in": _sign_in,
        "object": _ask("objection"),
        "ask_extension": _ask("extension"),
        "ask_pause": _ask("pause"),
        "decide_objection": _decide_objection,
        "decide_extension": _decide_extension,
        "decide_pause": _decide_pause,
        "resume": _resume,
        "withdraw_request": _withdraw_request,
        "answer": _answer,
        "explain": _explain,
        "accept": _accept,
        "send_back": _send_back,
        "call_back": _call_back,
    }
)


# --- clocks -------------------------------------------------------------------------------------------------


def start_sign_in(step: Step, assignment: Assignment) -> None:
    """The unit's time to sign for it."""
    clocks.start(
        step.appeal,
        "sign_in",
        clocks.limit_for("sign_in"),
        started_at=step.at,
        unit_id=assignment.unit_id,
        assignment_id=assignment.id,
    )


def _start_sign_in(step: Step) -> None:
    for assignment in step.made or [step.own]:
        start_sign_in(step, assignment)


def _start_limit(kind: str, part: str) -> Callable[[Step], None]:
    def start(step: Step) -> None:
        for assignment in step.made:
            if assignment.part == part:
                limit = db.session.get(LimitRule, assignment.limit_rule_id) if assignment.limit_rule_id else None
                clocks.start(
                    step.appeal,
                    kind,
                    limit or clocks.limit_for(kind),
                    started_at=step.at,
                    unit_id=assignment.unit_id,
                    assignment_id=assignment.id,
                    due_on=assignment.due_on,
                )

    return start


start_unit_limit = _start_limit("unit_limit", "lead")
start_co_limit = _start_limit("co_limit", "co")
START_CLOCK: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {"sign_in": _start_sign_in, "co_limit": start_co_limit}
)
