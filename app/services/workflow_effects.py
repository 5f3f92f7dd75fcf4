"""What each step of the workflow writes besides state, clocks and journal; called by app/services/workflow.py only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlalchemy import select, update

from app.models import (
    ArchiveSeal,
    Category,
    Instruction,
    LimitRule,
    Person,
    Portfolio,
    RetentionClass,
    Slip,
    SlipHandover,
    Unit,
    db,
)
from app.rules.errors import Conflict, FieldErrors, FieldProblem
from app.services import (
    access,
    archiving,
    clocks,
    numbers,
    portfolio,
    presence,
    present,
    staffing,
    workflow_merging,
    workflow_units,
)
from app.services.sheet import write_sheet
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
    tell,
    unfulfil,
)


def _edit(step: Step) -> None:
    appeal, before = step.appeal, step.appeal.received_at
    write_sheet(appeal, step.data)
    claim(step, "take_in")
    if appeal.received_at != before:
        # R3 counts from receipt: a moment put right moves the clock that still runs.
        clocks.restart(appeal, "collection", appeal.received_at)


def _submit(step: Step) -> None:
    _edit(step)
    # R3 measures the first submission; a returned item that is submitted again keeps its moment.
    step.appeal.submitted_at = step.appeal.submitted_at or step.at


def _return_for_correction(step: Step) -> None:
    step.appeal.corrections += 1
    recipients = {*acting("collect", step)}
    if step.appeal.created_by_id:
        recipients.add(step.appeal.created_by_id)
    tell(step, "appeal.returned", recipients)


def _register(step: Step) -> None:
    appeal = step.appeal
    category = chosen(Category, step.data.get("category"), "category")
    appeal.category_id = category.id if category else appeal.category_id
    appeal.nature = str(step.data.get("nature") or appeal.nature or "")
    appeal.urgency = str(step.data.get("urgency") or appeal.urgency or "ordinary")
    # Urgency and kind decide the limit unless the registrar names one.
    limit = chosen_limit(step, "limit", "unit_limit")
    limit = limit or clocks.proposed_limit(appeal.nature, appeal.urgency, appeal.category_id)
    limit = limit or clocks.limit_for("unit_limit")
    appeal.limit_rule_id = limit.id
    appeal.place = step.data.get("place") or appeal.place
    appeal.registered_at = step.at
    # The number is the last lock taken: a number is never lost to a transaction that fails afterwards (R4).
    appeal.number = numbers.take("registration", fields={"class": appeal.channel_class})[0]


def _discard(step: Step) -> None:
    _leave(step)
    step.appeal.voided_at = step.at


def _leave(step: Step) -> None:
    """Nothing is owed any more: what runs ends without judgement."""
    kinds = {clock.kind for clock in step.appeal.clocks}
    clocks.stop(step.appeal, kinds, step.at, is_cancelled=True)


def _handle_self(step: Step) -> None:
    step.appeal.handling = "self"
    step.appeal.unit_id = None


def _propose(step: Step) -> None:
    appeal = step.appeal
    unit = chosen(Unit, step.data.get("unit"), "unit", RESPONSIBLE)
    named = chosen(Portfolio, step.data.get("line"), "line")
    line = portfolio.line(named.id) if named else portfolio.line_of(unit.id) if unit else None
    if line is None or line.section is None:
        raise FieldErrors([FieldProblem("line", "propose.no-section")])
    appeal.handling = "leader"
    appeal.opinion = step.data["opinion"]
    appeal.portfolio_id = line.id
    appeal.section_id = line.section.id
    if unit is not None:
        appeal.unit_id = unit.id
    slip = Slip(
        appeal=appeal,
        section_id=line.section.id,
        portfolio_id=line.id,
        opinion=step.data["opinion"],
        opinion_by_id=step.person_id,
        opinion_at=step.at,
    )
    db.session.add(slip)
    tell(step, "slip.to_fill", acting("number", step))


def _fill_slip(step: Step) -> None:
    slip = step.appeal.slips[-1]
    slip.filled_at = step.at
    slip.filled_by_id = step.person_id
    slip.remark = step.data.get("remark") or ""
    tell(step, "slip.to_carry", acting("carry", step))
    slip.number = numbers.take("slip")[0]
    step.remembered["slip"] = slip.number


def _hand_over(leg: str) -> Callable[[Step], None]:
    def effect(step: Step) -> None:
        counterpart = _receiver(step) if leg == "deliver" else str(step.data.get("remark") or "")
        handover = SlipHandover(
            slip=step.appeal.slips[-1],
            leg=leg,
            at=step.at,
            actor_id=step.person_id,
            post_id=step.grant.post_id,
            role=step.grant.role,
            counterpart=counterpart[:64],
        )
        db.session.add(handover)
        if counterpart:
            step.remembered["counterpart"] = counterpart
        if leg == "carry":
            clerks = staffing.members(step.appeal.slips[-1].section_id, "section_clerk")
            tell(step, "slip.to_deliver", clerks)

    return effect


def _receiver(step: Step) -> str:
    """To whom the section delivers: the leader or the name the form says, else whoever acts for the line now (R15).

    The line's leaders who are there are told that a slip waits; while both are away, both are, and who stands in.
    """
    slip = step.appeal.slips[-1]
    found = presence.of_line(slip.portfolio_id, step.at)
    chosen_one = _leader(step, slip)
    name = chosen_one.name if chosen_one else str(step.data.get("receiver") or "").strip()
    if not name:
        if found is None or found.in_charge is None:
            raise FieldErrors([FieldProblem("receiver", "deliver.nobody-here")])
        name = found.in_charge.name
    if found is not None:
        here = [one.person.id for one in found.leaders if one.is_here]
        away = [one.id for one in (*(leader.person for leader in found.leaders), *found.standing_in)]
        tell(step, "slip.to_read", here or away)
    return name


def _leader(step: Step, slip: Slip) -> Person | None:
    """The leader a form names: one of those who led the slip's line since its opinion was signed."""
    code = step.data.get("leader")
    if not code:
        return None
    found = db.session.scalars(select(Person).where(Person.code == str(code))).one_or_none()
    if found is None or found not in portfolio.leaders_between(slip.portfolio_id, slip.opinion_at, step.at):
        raise FieldErrors([FieldProblem("leader", "field.choice", {"value": str(code)})])
    return found


def _decline(step: Step) -> None:
    """Not accepted: the appellant is told why, and where the law sends him."""
    appeal = step.appeal
    appeal.handling, appeal.lawful_route = "declined", str(step.data["route"])
    # A unit that was only proposed has nothing to do with it and does not see it.
    appeal.unit_id = None
    finish(step, step.data["ground"])


def _wrote(step: Step, kind: str, text: str) -> Instruction:
    """What a leader wrote on the slip himself, signed by the digest of who wrote what when.

    The deputy is the vice mayor's B (R15): while he is away the deputy writes for him.
    """
    slip = step.appeal.slips[-1]
    person = db.session.get_one(Person, step.person_id)
    on = step.at.astimezone(present.zone()).date()
    signed = f"{slip.id}|{kind}|{person.id}|{step.at.isoformat()}|{text}"
    written = Instruction(
        slip_id=slip.id,
        kind=kind,
        how="signed",
        text=text,
        person_id=person.id,
        person_name=person.name,
        acting_for_id=presence.stands_for(slip.portfolio_id, person.id, step.at),
        instructed_on=on,
        due_on=chosen_date(step, "due_on"),
        at=step.at,
        by_id=person.id,
        digest=hashlib.sha256(signed.encode()).hexdigest(),
    )
    slip.instructions.append(written)
    if written.acting_for_id is not None:
        away = db.session.get_one(Person, written.acting_for_id)
        step.remembered["acting_for"] = {"name": away.name, "name_en": away.name_en}
    return written


def _comment(step: Step) -> None:
    step.remembered["comment"] = _wrote(step, "comment", step.data["comment"]).text


def _instruct(step: Step) -> None:
    slip, written = step.appeal.slips[-1], _wrote(step, "instruction", step.data["instruction"])
    slip.instruction, slip.instructed_on = written.text, written.instructed_on
    slip.instructed_by_id, slip.instructed_by_name = written.person_id, written.person_name
    step.remembered["instruction"] = written.text
    tell(step, "appeal.instructed", {*acting("triage", step), *acting("carry", step)})


def _take_note(step: Step) -> None:
    slip = step.appeal.slips[-1] if step.appeal.slips else None
    if slip is None or slip.fulfilled_at is None:
        raise Conflict("note.not-fulfilled")
    slip.noted_at, slip.noted_by_id = slip.noted_at or step.at, slip.noted_by_id or step.person_id


def _transcribe(step: Step) -> None:
    slip = step.appeal.slips[-1]
    proposed_on = slip.opinion_at.astimezone(present.zone()).date()
    if step.data["instructed_on"] < proposed_on:
        raise FieldErrors(
            [FieldProblem("instructed_on", "field.before-opinion", {"on": proposed_on.isoformat()})]
        )
    if step.data["instructed_on"] > step.at.astimezone(present.zone()).date():
        raise FieldErrors([FieldProblem("instructed_on", "field.in-future")])
    slip.instruction = step.data["instruction"]
    slip.instructed_on = step.data["instructed_on"]
    leader = _leader(step, slip)
    slip.instructed_by_id = leader.id if leader else None
    slip.instructed_by_name = leader.name if leader else str(step.data["leader_name"])
    slip.instructions.append(
        Instruction(
            kind="instruction",
            how="transcribed",
            text=slip.instruction,
            person_id=slip.instructed_by_id,
            person_name=slip.instructed_by_name,
            instructed_on=slip.instructed_on,
            due_on=chosen_date(step, "due_on"),
            at=step.at,
            by_id=step.person_id,
        )
    )
    step.remembered["instruction"] = slip.instruction
    claim(step, "transcribe")
    tell(step, "appeal.instructed", acting("triage", step))


def _finish_self(step: Step) -> None:
    finish(step, step.data["result"])
    claim(step, "finish_self")
    fulfil(step)


def _add_note(step: Step) -> None:
    appeal = step.appeal
    appeal.note = f"{appeal.note}\n{step.data['note']}" if appeal.note else step.data["note"]


def _strike_off(step: Step) -> None:
    step.appeal.result = step.data.get("result") or step.appeal.result
    step.appeal.closed_at = step.at


def _archive(step: Step) -> None:
    appeal = step.appeal
    kept = chosen(RetentionClass, step.data.get("retention"), "retention") or archiving.usual_class()
    appeal.retention_class_id = kept.id if kept else None
    appeal.archived_at = step.at


def _hold(step: Step) -> None:
    step.appeal.held_at, step.appeal.hold_reason = step.at, str(step.data["reason"])[:500]


def _release_hold(step: Step) -> None:
    step.appeal.held_at, step.appeal.hold_reason = None, ""


def _reopen(step: Step) -> None:
    """It is taken up again; what was done, and how late, stays as it is (R10)."""
    appeal = step.appeal
    workflow_units.end_all(step, "reopened")
    unfulfil(step)
    appeal.round += 1
    appeal.reopened_at = step.at
    appeal.closed_at = appeal.archived_at = appeal.answered_at = appeal.informed_at = None
    appeal.informed_by_id, appeal.informed_how, appeal.result = None, "", ""
    appeal.impossible = False
    db.session.execute(
        update(ArchiveSeal).where(ArchiveSeal.appeal_id == appeal.id, ArchiveSeal.broken_at.is_(None)).values(
            broken_at=step.at
        )
    )
    tell(step, "appeal.reopened", acting("triage", step))


EFFECTS: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {
        **workflow_units.EFFECTS,
        **workflow_merging.EFFECTS,
        "edit": _edit,
        "submit": _submit,
        "discard": _discard,
        "return_for_correction": _return_for_correction,
        "register": _register,
        "void": _discard,
        "handle_self": _handle_self,
        "decline": _decline,
        "propose": _propose,
        "fill_slip": _fill_slip,
        "carry": _hand_over("carry"),
        "deliver": _hand_over("deliver"),
        "fetch": _hand_over("fetch"),
        "comment": _comment,
        "instruct": _instruct,
        "transcribe": _transcribe,
        "take_note": _take_note,
        "finish_self": _finish_self,
        "add_note": _add_note,
        "strike_off": _strike_off,
        "archive": _archive,
        "hold": _hold,
        "release_hold": _release_hold,
        "reopen": _reopen,
    }
)


def _start_delivery(step: Step) -> None:
    """The section's leg of R6, from the hand-over: a liaison who was late is not its delay."""
    clocks.start(
        step.appeal, "delivery", clocks.limit_for("delivery"), started_at=step.at, unit_id=step.appeal.section_id
    )


def _start_at(kind: str, capability: str) -> Callable[[Step], None]:
    """A clock of the post that has the capability."""

    def start(step: Step) -> None:
        post = staffing.post_with(capability, access.row_facts(step.appeal))
        clocks.start(
            step.appeal, kind, clocks.limit_for(kind), started_at=step.at, post_id=post.id if post else None
        )

    return start


def _start_decision(step: Step) -> None:
    """The duty office's time to decide what a unit asks."""
    post = staffing.post_with("triage", access.row_facts(step.appeal))
    clocks.start(
        step.appeal,
        "decision",
        clocks.limit_for("decision"),
        started_at=step.at,
        post_id=post.id if post else None,
        assignment_id=step.own.id,
        request_id=step.request.id if step.request else None,
    )


def _start_unit_limit(step: Step) -> None:
    """The lead unit's limit; the duty director's own, when he handles the appeal himself."""
    appeal = step.appeal
    if appeal.handling != "self":
        workflow_units.start_unit_limit(step)
        return
    limit = db.session.get(LimitRule, appeal.limit_rule_id) if appeal.limit_rule_id else None
    limit = limit or clocks.limit_for("unit_limit")
    clocks.start(appeal, "unit_limit", limit, started_at=step.at, post_id=step.grant.post_id)


START_CLOCK: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {
        **workflow_units.START_CLOCK,
        "carry": _start_at("carry", "carry"),
        "decision": _start_decision,
        "delivery": _start_delivery,
        "fetch_back": _start_at("fetch_back", "carry"),
        "review": _start_at("review", "triage"),
        "unit_limit": _start_unit_limit,
    }
)
