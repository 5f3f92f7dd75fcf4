"""What a document prints, read from the record as plain texts in the reader's language (reports/document_kinds.py).

The appellant is masked here; who shows him in full says so and is recorded (app/services/documents.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.models import (
    Appeal,
    ArchiveSeal,
    Assignment,
    CallBack,
    Clock,
    Explanation,
    HandlingRequest,
    Instruction,
    Slip,
    SlipHandover,
    SlipSheet,
    db,
)
from app.reports.document_kinds import Code, Context, Value
from app.rules import scanning
from app.rules.clocks import Status
from app.rules.errors import NotFound
from app.services import access, clocks, present, reading
from app.services.actors import Actor

Texts = dict[str, Value]
_LIMITS = ("unit_limit", "co_limit")


@dataclass(frozen=True)
class Reader:
    """How a reader is spoken to: texts, names of rows, words of codes by table, moments and days as he writes them."""

    t: Callable[[str], str]
    named: Callable[[Any], str]
    word: Callable[[str, str], str]
    moment: Callable[[datetime | None], str]
    due: Callable[[datetime | None], str]
    joined: Callable[[Iterable[str]], str]
    details: Callable[[dict[str, Any]], str]
    span: Callable[[str, int], str]
    language: str


def access_record(actor: Actor, appeal_id: int) -> Appeal:
    """The appeal with all that its documents print, if this person may see it. Raises NotFound."""
    query = access.appeals_for(actor).where(Appeal.id == appeal_id).options(*_options())
    found = db.session.scalars(query.execution_options(populate_existing=True)).unique().one_or_none()
    if found is None:
        raise NotFound("appeal.unknown", {"id": appeal_id})
    return found


def _options() -> tuple[Any, ...]:
    slips = selectinload(Appeal.slips)
    return (
        joinedload(Appeal.channel),
        joinedload(Appeal.category),
        joinedload(Appeal.limit_rule),
        joinedload(Appeal.unit),
        joinedload(Appeal.informed_by),
        joinedload(Appeal.retention_class),
        joinedload(Appeal.merged_into),
        selectinload(Appeal.clocks),
        selectinload(Appeal.assignments).joinedload(Assignment.unit),
        selectinload(Appeal.assignments).selectinload(Assignment.requests).joinedload(HandlingRequest.decided_by),
        slips.joinedload(Slip.section),
        slips.joinedload(Slip.portfolio),
        slips.joinedload(Slip.sheet),
        slips.joinedload(Slip.opinion_by),
        slips.joinedload(Slip.filled_by),
        slips.joinedload(Slip.noted_by),
        slips.selectinload(Slip.handovers).joinedload(SlipHandover.actor),
        slips.selectinload(Slip.instructions).joinedload(Instruction.acting_for),
    )


def of_appeal(appeal: Appeal, particulars: dict[str, str], reader: Reader) -> Context:
    """What every document about an appeal may print."""
    merged = _merged(appeal)
    return {
        **_about(appeal.fictional, reader),
        **particulars,
        **_intake(appeal, reader),
        **_handling(appeal, reader),
        "qr": Code(appeal.number or ""),
        "merged": [{"number": one.number or "", "subject": one.subject} for one in merged],
        "merged_numbers": reader.joined([one.number or "" for one in merged]),
        "units": [_unit(appeal, one, reader) for one in _assignments(appeal)],
        "chain": _chain(appeal, reader),
        "instructions": [row for slip in appeal.slips for row in _instructions(slip, reader)],
        "handovers": [_handover(slip, one, reader) for slip in appeal.slips for one in slip.handovers],
        "explanations": _explanations(appeal, reader),
        "requests": [_request(one, reader) for part in appeal.assignments for one in part.requests],
        "call_backs": _call_backs(appeal, reader),
    }


def _about(fictional: bool, reader: Reader) -> Texts:
    return {
        "office": reader.t("General Duty Office of the Municipal Government"),
        "printed_on": present.today().isoformat(),
        "sample_mark": reader.t("Sample (示例)") if fictional else "",
    }


def _intake(appeal: Appeal, reader: Reader) -> Texts:
    return {
        "number": appeal.number or "",
        "state": reader.word("states", appeal.state),
        "channel_class": reader.word("classes", appeal.channel_class),
        "channel": reader.named(appeal.channel),
        "received_at": reader.moment(appeal.received_at),
        "submitted_at": reader.moment(appeal.submitted_at),
        "registered_at": reader.moment(appeal.registered_at),
        "subject": appeal.subject,
        "body": appeal.body,
        "details": reader.details(appeal.intake or {}),
        "place": appeal.place,
        "category": reader.named(appeal.category),
        "nature": reader.word("natures", appeal.nature),
        "urgency": reader.word("urgencies", appeal.urgency),
        "limit": reader.named(appeal.limit_rule),
    }


def _handling(appeal: Appeal, reader: Reader) -> Texts:
    lead = next((one for one in reversed(appeal.assignments) if one.part == "lead"), None)
    limit = _limit_of(appeal, lead)
    helpers = [reader.named(one.unit) for one in appeal.assignments if one.part == "co" and one.state != "ended"]
    return {
        "handling": reader.word("handling", appeal.handling or ""),
        "unit": reader.named(appeal.unit),
        "co_units": reader.joined(helpers),
        "due_at": reader.due(limit.due_at) if limit else "",
        "finished": _finished(limit, reader),
        "opinion": appeal.opinion,
        "result": appeal.result,
        "informed_at": reader.moment(appeal.informed_at),
        "informed_how": reader.word("informed_how", appeal.informed_how),
        "informed_by": reader.named(appeal.informed_by),
        "reaction": reader.word("reactions", appeal.reaction),
        "note": appeal.note,
        "answered_at": reader.moment(appeal.answered_at),
        "closed_at": reader.moment(appeal.closed_at),
        "archived_at": reader.moment(appeal.archived_at),
        "lawful_route": reader.word("lawful_routes", appeal.lawful_route),
        "main_number": (appeal.merged_into.number or "") if appeal.merged_into else "",
        "retention": reader.named(appeal.retention_class),
        "seal": _seal(appeal),
    }


def _seal(appeal: Appeal) -> str:
    """The digest of the file as it was archived last; an appeal that was never archived has none."""
    if appeal.archived_at is None:
        return ""
    newest = select(ArchiveSeal.sha256).where(ArchiveSeal.appeal_id == appeal.id).order_by(ArchiveSeal.id.desc())
    return db.session.scalar(newest.limit(1)) or ""


def _merged(appeal: Appeal) -> list[Appeal]:
    query = select(Appeal).where(Appeal.merged_into_id == appeal.id).order_by(Appeal.id).limit(200)
    return list(db.session.scalars(query))


def _assignments(appeal: Appeal) -> list[Assignment]:
    """Who handles it now; of what ended, what was answered. The lead unit stands first."""
    shown = [one for one in appeal.assignments if one.state != "ended" or one.answered_at]
    return sorted(shown, key=lambda one: (one.part != "lead", one.id))


def _limit_of(appeal: Appeal, assignment: Assignment | None) -> Clock | None:
    """The newest limit of an assignment; what the duty office handles itself has one without an assignment."""
    limits = [clock for clock in appeal.clocks if clock.kind in _LIMITS and not clock.cancelled]
    own = [clock for clock in limits if assignment is not None and clock.assignment_id == assignment.id]
    if not own and (assignment is None or assignment.part == "lead"):
        own = [clock for clock in limits if clock.assignment_id is None]
    return own[-1] if own else None


def _finished(clock: Clock | None, reader: Reader) -> str:
    if clock is None or clock.due_at is None:
        return ""
    state = clocks.state_of(clock, present.now())
    word = {Status.MET: "in_time", Status.BROKEN: "late", Status.OVERDUE: "overdue"}.get(state, "running")
    return reader.word("finished", word)


def _unit(appeal: Appeal, one: Assignment, reader: Reader) -> dict[str, str | Code]:
    limit = _limit_of(appeal, one)
    return {
        "name": reader.named(one.unit),
        "part": reader.word("parts", one.part),
        "task": one.task,
        "assigned_at": reader.moment(one.assigned_at),
        "due_at": reader.due(limit.due_at) if limit else "",
        "signed_in_at": reader.moment(one.signed_in_at),
        "answered_at": reader.moment(one.answered_at),
        "finished": _finished(limit, reader),
        "feedback": one.feedback,
    }


def _chain(appeal: Appeal, reader: Reader) -> list[dict[str, str | Code]]:
    """The chains as they were frozen when the units were given the appeal (R7, R8), not as they stand now."""
    return [
        {
            "unit": reader.named(one.unit),
            "link": reader.word("links", str(link["link"])),
            "role": reader.word("roles", str(link["role"])),
            "name": str(link.get("name") or reader.t("vacant")),
        }
        for one in _assignments(appeal)
        for link in one.chain
    ]


def _instructions(slip: Slip, reader: Reader) -> list[dict[str, str | Code]]:
    """What leaders wrote; a slip from before each was a row of its own has one, transcribed."""
    rows: list[dict[str, str | Code]] = [
        {
            "slip": slip.number or "",
            "kind": reader.word("instruction_kinds", one.kind),
            "text": one.text,
            "by": one.person_name,
            "acting_for": _for(one, reader),
            "on": one.instructed_on.isoformat(),
            "how": reader.word("instruction_how", one.how),
            "due_on": _day(one.due_on),
        }
        for one in slip.instructions
    ]
    if slip.instruction and not any(one.kind == "instruction" for one in slip.instructions):
        rows.append(
            {
                "slip": slip.number or "",
                "kind": reader.word("instruction_kinds", "instruction"),
                "text": slip.instruction,
                "by": slip.instructed_by_name,
                "acting_for": "",
                "on": _day(slip.instructed_on),
                "how": reader.word("instruction_how", "transcribed"),
                "due_on": "",
            }
        )
    return rows


def _for(one: Instruction, reader: Reader) -> str:
    if one.acting_for is None:
        return ""
    return reader.t("for {name}").format(name=reader.named(one.acting_for))


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _handover(slip: Slip, one: SlipHandover, reader: Reader) -> dict[str, str | Code]:
    return {
        "slip": slip.number or "",
        "leg": reader.word("legs", one.leg),
        "at": reader.moment(one.at),
        "by": reader.named(one.actor),
        "role": reader.word("roles", one.role or ""),
        "to": one.counterpart,
    }


def _explanations(appeal: Appeal, reader: Reader) -> list[dict[str, str | Code]]:
    query = select(Explanation).where(Explanation.appeal_id == appeal.id).order_by(Explanation.id)
    return [
        {"kind": reader.word("explanation_kinds", one.kind), "text": one.text, "at": reader.moment(one.at)}
        for one in db.session.scalars(query)
    ]


def _call_backs(appeal: Appeal, reader: Reader) -> list[dict[str, str | Code]]:
    query = select(CallBack).where(CallBack.appeal_id == appeal.id).order_by(CallBack.id)
    return [
        {
            "at": reader.moment(one.at),
            "by": reader.named(one.by),
            "reached": reader.word("reached", "yes" if one.reached else "no"),
            "solved": reader.word("solved", one.solved),
            "satisfied": reader.word("satisfied", one.satisfied),
            "remark": one.remark,
        }
        for one in db.session.scalars(query.options(joinedload(CallBack.by)))
    ]


def _request(one: HandlingRequest, reader: Reader) -> dict[str, str | Code]:
    return {
        "kind": reader.word("request_kinds", one.kind),
        "reason": one.reason,
        "asked_at": reader.moment(one.asked_at),
        "state": reader.word("request_states", one.state),
        "decision": one.decision,
        "decided_by": reader.named(one.decided_by),
        "decided_at": reader.moment(one.decided_at),
    }


def of_slip(slip: Slip, reader: Reader) -> Context:
    """What a processing slip prints besides its appeal; its leaders as they were when it was delivered to them."""
    line = reading.line_of(slip)
    due = next((one.due_at for one in slip.appeal.clocks if one.kind == "delivery" and not one.cancelled), None)
    return {
        "qr": slip_code(slip),
        "slip_number": slip.number or "",
        "section": reader.named(slip.section),
        "line": reader.named(slip.portfolio),
        "vice_mayor": reader.named(line.vice_mayor) if line else "",
        "deputy": reader.named(line.deputy) if line else "",
        "opinion": slip.opinion,
        "opinion_by": reader.named(slip.opinion_by),
        "opinion_at": reader.moment(slip.opinion_at),
        "filled_by": reader.named(slip.filled_by),
        "filled_at": reader.moment(slip.filled_at),
        "remark": slip.remark,
        "delivery_due": reader.due(due),
        "sheet_number": slip.sheet.number if slip.sheet else "",
        "fulfilled_at": reader.moment(slip.fulfilled_at),
        "noted_by": reader.named(slip.noted_by),
        "noted_at": reader.moment(slip.noted_at),
        "instructions": _instructions(slip, reader),
        "handovers": [_handover(slip, one, reader) for one in slip.handovers],
    }


def slip_code(slip: Slip) -> Code:
    """What the scanner types: digits first, which pass every input method, then the numbers for people."""
    return Code(scanning.content(slip.id, slip.number or "", slip.appeal.number or ""))


def of_request(one: HandlingRequest, own: Assignment, reader: Reader) -> Context:
    """What the decision on a unit's request prints besides its appeal."""
    counted_in = clocks.counted_in(own, one.asked_at)
    return {
        "asked_for": reader.word("request_kinds", one.kind),
        "asking_unit": reader.named(own.unit),
        "asked_by": reader.named(one.asked_by),
        "asked_at": reader.moment(one.asked_at),
        "asked_amount": _amount(one.amount, one.until_on, counted_in, reader),
        "reason": one.reason,
        "legal_basis": one.legal_basis,
        "proposed_unit": reader.named(one.proposed_unit),
        "outcome": reader.word("request_states", one.state),
        "granted_amount": _amount(one.granted_amount, one.granted_until_on, counted_in, reader),
        "decision": one.decision,
        "decided_by": reader.named(one.decided_by),
        "decided_at": reader.moment(one.decided_at),
    }


def _amount(amount: int | None, until: date | None, counted_in: str, reader: Reader) -> str:
    if until is not None:
        return reader.t("until {day}").format(day=until.isoformat())
    return "" if amount is None else reader.span(counted_in, amount)


def of_sheet(sheet: SlipSheet, slips: Iterable[Slip], reader: Reader) -> Context:
    """What a hand-over sheet prints: each slip with who carried, delivered and fetched it, as far as that is done."""
    slips = list(slips)
    return {
        **_about(any(slip.appeal.fictional for slip in slips), reader),
        "sheet_number": sheet.number,
        "made_on": sheet.made_at.astimezone(present.zone()).date().isoformat(),
        "made_by": reader.named(sheet.made_by),
        "section": reader.named(sheet.section),
        "slips": [sheet_row(number, slip, reader) for number, slip in enumerate(slips, 1)],
    }


def sheet_row(number: int, slip: Slip, reader: Reader) -> dict[str, str | Code]:
    """One line of a hand-over sheet."""
    row: dict[str, str | Code] = {
        "no": str(number),
        "slip_number": slip.number or "",
        "number": slip.appeal.number or "",
        "subject": slip.appeal.subject,
        "qr": slip_code(slip),
    }
    done = {one.leg: one for one in slip.handovers}
    for leg, past in (("carry", "carried"), ("deliver", "delivered"), ("fetch", "fetched")):
        one = done.get(leg)
        row[f"{past}_by"] = reader.named(one.actor) if one else ""
        row[f"{past}_at"] = reader.moment(one.at) if one else ""
        if leg != "fetch":
            row[f"{past}_to"] = one.counterpart if one else ""
    return row
