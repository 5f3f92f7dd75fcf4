"""Reading an appeal: its page in a few statements, its appellant masked unless the post grants more, its slip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import Appeal, Clock, Explanation, Journal, Post, Slip, Urge, db
from app.rules import fields as dirt
from app.rules import intake as rules
from app.rules import workflow as flow
from app.rules.errors import Invalid, Refused
from app.services import access, audit, journal, portfolio, present, sheet, slips, staffing, workflow, workflow_facts
from app.services.actors import Actor
from app.services.transaction import transaction


@dataclass(frozen=True, slots=True)
class Page:
    """An appeal's page: the row with its clocks, slips and assignments, the masked appellant, the timeline."""

    appeal: Appeal
    particulars: dict[str, str]
    journal: list[Journal]
    explanations: list[Explanation]
    urges: list[Urge]
    waits_for: flow.Actor
    waiting_post: Post | None
    most_urgent: Clock | None
    note_wanted: bool
    slips: list[slips.Story]


def page(actor: Actor, appeal_id: int) -> Page:
    """Everything the appeal's page shows. Raises NotFound for an appeal out of sight."""
    appeal = access.access_appeal(actor, appeal_id)
    lead = next((one for one in appeal.assignments if one.part == "lead" and one.state == "assigned"), None)
    objected = lead is not None and any(r.kind == "objection" and r.state == "pending" for r in lead.requests)
    waits_for = flow.next_step(flow.State(appeal.state), is_objected=objected)
    running = [clock for clock in appeal.clocks if clock.stopped_at is None and clock.due_at is not None]
    facts = workflow_facts.of(appeal)
    return Page(
        appeal=appeal,
        particulars=masked(sheet.appellant(appeal)),
        journal=workflow.timeline(actor, appeal_id),
        explanations=list(
            db.session.scalars(
                select(Explanation).where(Explanation.appeal_id == appeal_id).order_by(Explanation.id)
            )
        ),
        urges=list(
            db.session.scalars(
                select(Urge).where(Urge.appeal_id == appeal_id).options(joinedload(Urge.by)).order_by(Urge.id)
            )
        ),
        waits_for=waits_for,
        waiting_post=_waiting_post(appeal, waits_for),
        most_urgent=min(running, key=lambda clock: clock.due_at or present.now(), default=None),
        note_wanted=(facts.is_overdue or facts.is_impossible) and not facts.has_note,
        slips=[slips.story(appeal, slip, present.now()) for slip in appeal.slips],
    )


def _waiting_post(appeal: Appeal, waits_for: flow.Actor) -> Post | None:
    if waits_for.kind != "post" or waits_for.capability is None:
        return None
    return staffing.post_with(waits_for.capability, access.row_facts(appeal))


def masked(particulars: dict[str, str]) -> dict[str, str]:
    """The appellant's particulars as everybody may see them."""
    return {
        "appellant_name": dirt.mask_name(particulars["appellant_name"]),
        "appellant_phone": dirt.mask_phone(particulars["appellant_phone"]),
        "appellant_identity": dirt.mask_identity(particulars["appellant_identity"]),
        "appellant_address": "*" * min(6, len(particulars["appellant_address"])),
        "appellant_representatives": _masked_names(particulars["appellant_representatives"]),
        "appellant_others": _masked_names(particulars["appellant_others"]),
    }


def _masked_names(text: str) -> str:
    return " ".join(dirt.mask_name(name) for name in rules.names_in(text))


def last_return(appeal: Appeal) -> Journal | None:
    """When, by whom and why a draft was last returned for correction; its collector reads it first."""
    if not appeal.corrections:
        return None
    query = select(Journal).where(Journal.appeal_id == appeal.id, Journal.action == "return_for_correction")
    newest = query.order_by(Journal.id.desc()).limit(1)
    return db.session.scalars(newest.options(joinedload(Journal.person), joinedload(Journal.post))).first()


def unmask(actor: Actor, appeal_id: int, reason: str) -> dict[str, str]:
    """The appellant's particulars in plain text, for a stated reason, leaving an audit and a journal row.

    Raises Refused without the capability on this appeal, Invalid without a reason.
    """
    if not reason:
        raise Invalid("unmask.reason-missing", field="reason")
    with transaction():
        appeal = access.access_appeal(actor, appeal_id)
        if not access.may_see_phone(actor, appeal):
            raise Refused("access.not-granted", {"capability": "see_phone"})
        grant = access.require(actor, "see_phone", appeal=appeal)
        audit.record(actor, "appeal.unmask", object_type="appeal", object_id=appeal_id)
        journal.write(
            actor,
            "unmask",
            "appeal",
            appeal_id,
            appeal_id=appeal_id,
            post_id=grant.post_id,
            role=grant.role,
            reason=reason,
        )
        return sheet.appellant(appeal)


def several(actor: Actor, appeal_ids: list[int]) -> list[Appeal]:
    """Those of the appeals that this person may see, in order of their ids."""
    query = access.appeals_for(actor).where(Appeal.id.in_(appeal_ids)).order_by(Appeal.id).limit(500)
    return list(db.session.scalars(query.options(joinedload(Appeal.unit))))


def sheet_values(appeal: Appeal) -> dict[str, Any]:
    """The sheet of a draft for its collector's form, particulars in plain text: he took them down himself."""
    values: dict[str, Any] = {**appeal.intake, **sheet.appellant(appeal)}
    for name in ("subject", "body", "place", "received_at", "anonymous"):
        values[name] = getattr(appeal, name)
    values["channel"] = appeal.channel.code if appeal.channel else None
    return {spec.name: values.get(spec.name) for spec in rules.fields_of(appeal.channel_class)}


def line_of(slip: Slip) -> portfolio.Line | None:
    """The slip's line as it stood when the slip was delivered to its leaders; until then as it stands now."""
    delivered = next((handover.at for handover in slip.handovers if handover.leg == "deliver"), None)
    return portfolio.line(slip.portfolio_id, delivered)
