"""What each step of the workflow writes besides state, clocks and journal; called by app/services/workflow.py only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select

from app.models import (
    Appeal,
    Assignment,
    Category,
    Explanation,
    LimitRule,
    Person,
    Portfolio,
    Slip,
    SlipHandover,
    Unit,
    db,
)
from app.rules.errors import FieldErrors, FieldProblem
from app.rules.grants import Grant
from app.services import access, attachments, chains, clocks, numbers, outbox, portfolio, present, staffing
from app.services.actors import Actor
from app.services.sheet import write_sheet

Row = TypeVar("Row")
# What the forms offer (app/forms.py): a unit that answers for appeals, a limit of handling one.
_RESPONSIBLE = Unit.kind != "section"
_HANDLING_LIMIT = LimitRule.clock_kind == "unit_limit"


@dataclass
class Step:
    """One step being done: by whom, under which grant, on what, with which form data, when.

    `remembered` is added to the journal row: what the step wrote outside the appeal's own fields.
    """

    actor: Actor
    grant: Grant
    appeal: Appeal
    data: dict[str, Any]
    at: datetime
    remembered: dict[str, Any] = field(default_factory=dict)

    @property
    def person_id(self) -> int:
        """Steps are done by persons; the software itself never acts on an appeal."""
        if self.actor.person_id is None:
            raise RuntimeError("a workflow step without a person")
        return self.actor.person_id


def _chosen(model: type[Row], code: object, name: str, *offered: ColumnElement[bool]) -> Row | None:
    """The dictionary row a choice names. Raises FieldErrors when there is none in force among those `offered`."""
    if not code:
        return None
    columns: Any = model
    found = db.session.scalars(select(model).where(columns.code == str(code), columns.active, *offered)).one_or_none()
    if found is None:
        raise FieldErrors([FieldProblem(name, "field.choice", {"value": str(code)})])
    return found


def _tell(step: Step, kind: str, recipients: Iterable[int]) -> None:
    """A notice to those who act next; one per step, whatever is repeated."""
    appeal_id = step.appeal.id
    outbox.enqueue(
        kind, recipients, key=f"appeal:{appeal_id}|{kind}:{step.at.isoformat()}", appeal_id=appeal_id
    )


def _acting(capability: str, step: Step) -> tuple[int, ...]:
    """Who acts now for the posts that may do this to the appeal as the step left it."""
    return staffing.acting_with(capability, access.row_facts(step.appeal))


def _claim(step: Step, purpose: str, assignment_id: int | None = None) -> None:
    """The files of the step's form become the appeal's."""
    rows = attachments.claim_in(
        step.actor,
        step.data.get("attachments") or (),
        step.appeal.id,
        purpose=purpose,
        assignment_id=assignment_id,
        post_id=step.grant.post_id,
    )
    if rows:
        step.remembered["attachments"] = attachments.remembered(rows)


def _edit(step: Step) -> None:
    appeal, before = step.appeal, step.appeal.received_at
    write_sheet(appeal, step.data)
    _claim(step, "take_in")
    if appeal.received_at != before:
        # R3 counts from receipt: a moment put right moves the clock that still runs.
        clocks.restart(appeal, "collection", appeal.received_at)


def _submit(step: Step) -> None:
    _edit(step)
    # R3 measures the first submission; a returned item that is submitted again keeps its moment.
    step.appeal.submitted_at = step.appeal.submitted_at or step.at


def _return_for_correction(step: Step) -> None:
    step.appeal.corrections += 1
    recipients = {*_acting("collect", step)}
    if step.appeal.created_by_id:
        recipients.add(step.appeal.created_by_id)
    _tell(step, "appeal.returned", recipients)


def _register(step: Step) -> None:
    appeal = step.appeal
    limit = _chosen(LimitRule, step.data.get("limit"), "limit", _HANDLING_LIMIT)
    category = _chosen(Category, step.data.get("category"), "category")
    appeal.limit_rule_id = limit.id if limit else None
    appeal.category_id = category.id if category else appeal.category_id
    appeal.place = step.data.get("place") or appeal.place
    appeal.registered_at = step.at
    # The number is the last lock taken: a number is never lost to a transaction that fails afterwards (R4).
    appeal.number = numbers.take("registration", fields={"class": appeal.channel_class})[0]


def _handle_self(step: Step) -> None:
    step.appeal.handling = "self"
    step.appeal.unit_id = None


def _forward(step: Step) -> None:
    appeal = step.appeal
    unit = _chosen(Unit, step.data["unit"], "unit", _RESPONSIBLE)
    limit = _chosen(LimitRule, step.data["limit"], "limit", _HANDLING_LIMIT)
    if unit is None or limit is None:
        raise FieldErrors([FieldProblem("unit", "field.required")])
    appeal.handling = "forward"
    appeal.unit_id = unit.id
    appeal.limit_rule_id = limit.id
    assignment = Assignment(
        appeal=appeal,
        unit_id=unit.id,
        limit_rule_id=limit.id,
        assigned_at=step.at,
        assigned_by_id=step.person_id,
        remark=step.data.get("remark") or "",
        chain=chains.as_of_now(unit),
    )
    db.session.add(assignment)
    step.remembered["unit"] = {"name": unit.name, "name_en": unit.name_en}
    _tell(step, "appeal.assigned", staffing.members(unit.id, "handler"))


def _propose(step: Step) -> None:
    appeal = step.appeal
    unit = _chosen(Unit, step.data.get("unit"), "unit", _RESPONSIBLE)
    chosen = _chosen(Portfolio, step.data.get("line"), "line")
    line = portfolio.line(chosen.id) if chosen else portfolio.line_of(unit.id) if unit else None
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
    _tell(step, "slip.to_fill", _acting("number", step))


def _fill_slip(step: Step) -> None:
    slip = step.appeal.slips[-1]
    slip.filled_at = step.at
    slip.filled_by_id = step.person_id
    slip.remark = step.data.get("remark") or ""
    _tell(step, "slip.to_carry", _acting("carry", step))
    slip.number = numbers.take("slip")[0]
    step.remembered["slip"] = slip.number


def _hand_over(leg: str) -> Callable[[Step], None]:
    def effect(step: Step) -> None:
        counterpart = str(step.data.get("receiver") or step.data.get("remark") or "")
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
            # From here on the section answers for the same day (R6): the running clock passes to it.
            running = clocks.running(step.appeal, "delivery")
            if running is not None:
                running.post_id, running.unit_id = None, step.appeal.section_id
            clerks = staffing.members(step.appeal.slips[-1].section_id, "section_clerk")
            _tell(step, "slip.to_deliver", clerks)

    return effect


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
    leader = None
    if step.data.get("leader"):
        leader = db.session.scalars(select(Person).where(Person.code == str(step.data["leader"]))).one_or_none()
        if leader is None or leader not in portfolio.leaders_between(slip.portfolio_id, slip.opinion_at, step.at):
            raise FieldErrors([FieldProblem("leader", "field.choice", {"value": str(step.data["leader"])})])
    slip.instructed_by_id = leader.id if leader else None
    slip.instructed_by_name = leader.name if leader else str(step.data["leader_name"])
    step.remembered["instruction"] = slip.instruction
    _claim(step, "transcribe")
    _tell(step, "appeal.instructed", _acting("triage", step))


def _sign_in(step: Step) -> None:
    assignment = step.appeal.assignments[-1]
    assignment.signed_in_at = step.at
    assignment.signed_in_by_id = step.person_id


def _answer(step: Step) -> None:
    assignment = step.appeal.assignments[-1]
    assignment.answered_at = step.at
    assignment.feedback = step.data["feedback"]
    _claim(step, "answer", assignment.id)
    _finish(step, step.data["feedback"])


def _finish(step: Step, result: str) -> None:
    appeal = step.appeal
    appeal.result = result
    appeal.answered_at = step.at
    _inform(step)


def _inform(step: Step) -> None:
    appeal = step.appeal
    appeal.informed_at = step.data["informed_at"]
    appeal.informed_how = str(step.data["informed_how"])
    appeal.reaction = str(step.data.get("reaction") or "")


def _explain(step: Step) -> None:
    appeal, kind = step.appeal, str(step.data["kind"])
    explanation = Explanation(
        appeal_id=appeal.id,
        unit_id=appeal.unit_id,
        kind=kind,
        text=step.data["explanation"],
        by_id=step.person_id,
        at=step.at,
        informed_at=step.data["informed_at"],
        informed_how=str(step.data["informed_how"]),
        reaction=str(step.data.get("reaction") or ""),
    )
    db.session.add(explanation)
    step.remembered["explanation"] = kind
    _claim(step, "explain", appeal.assignments[-1].id)
    if kind == "not_permitted":
        appeal.impossible = True
        appeal.assignments[-1].answered_at = step.at
        appeal.assignments[-1].feedback = step.data["explanation"]
        _finish(step, step.data["explanation"])


def _finish_self(step: Step) -> None:
    _finish(step, step.data["result"])
    _claim(step, "finish_self")


def _add_note(step: Step) -> None:
    appeal = step.appeal
    appeal.note = f"{appeal.note}\n{step.data['note']}" if appeal.note else step.data["note"]


def _strike_off(step: Step) -> None:
    step.appeal.result = step.data.get("result") or step.appeal.result
    step.appeal.closed_at = step.at


def _archive(step: Step) -> None:
    step.appeal.archived_at = step.at


EFFECTS: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {
        "edit": _edit,
        "submit": _submit,
        "return_for_correction": _return_for_correction,
        "register": _register,
        "handle_self": _handle_self,
        "forward": _forward,
        "propose": _propose,
        "fill_slip": _fill_slip,
        "carry": _hand_over("carry"),
        "deliver": _hand_over("deliver"),
        "fetch": _hand_over("fetch"),
        "transcribe": _transcribe,
        "sign_in": _sign_in,
        "answer": _answer,
        "explain": _explain,
        "finish_self": _finish_self,
        "add_note": _add_note,
        "strike_off": _strike_off,
        "archive": _archive,
    }
)


def _start_delivery(step: Step) -> None:
    liaison = staffing.post_with("carry", access.row_facts(step.appeal))
    clocks.start(
        step.appeal,
        "delivery",
        clocks.limit_for("delivery"),
        started_at=step.at,
        post_id=liaison.id if liaison else None,
    )


def _start_fetch_back(step: Step) -> None:
    liaison = staffing.post_with("carry", access.row_facts(step.appeal))
    clocks.start(
        step.appeal,
        "fetch_back",
        clocks.limit_for("fetch_back"),
        started_at=step.at,
        post_id=liaison.id if liaison else None,
    )


def _start_sign_in(step: Step) -> None:
    clocks.start(
        step.appeal, "sign_in", clocks.limit_for("sign_in"), started_at=step.at, unit_id=step.appeal.unit_id
    )


def _start_unit_limit(step: Step) -> None:
    """The unit's limit; the duty director's own, when he handles the appeal himself."""
    appeal = step.appeal
    limit = db.session.get(LimitRule, appeal.limit_rule_id) if appeal.limit_rule_id else None
    clocks.start(
        appeal,
        "unit_limit",
        limit or clocks.limit_for("unit_limit"),
        started_at=step.at,
        unit_id=appeal.unit_id,
        post_id=step.grant.post_id if appeal.handling == "self" else None,
    )


START_CLOCK: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {
        "delivery": _start_delivery,
        "fetch_back": _start_fetch_back,
        "sign_in": _start_sign_in,
        "unit_limit": _start_unit_limit,
    }
)
