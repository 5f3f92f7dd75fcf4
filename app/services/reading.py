"""Reading an appeal: its page in a few statements, its appellant masked unless the post grants more, its slip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import (
    Appeal,
    Assignment,
    CallBack,
    Explanation,
    HandlingRequest,
    Journal,
    Person,
    Review,
    Slip,
    Urge,
    db,
)
from app.rules import fields as dirt
from app.rules import intake as rules
from app.rules.errors import Invalid, Refused
from app.services import (
    access,
    audit,
    journal,
    next_step,
    portfolio,
    present,
    sheet,
    slips,
    workflow,
    workflow_facts,
)
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
    duties: list[next_step.Duty]
    note_wanted: bool
    slips: list[slips.Story]
    reviews: list[Review]
    call_backs: list[CallBack]
    people: dict[int, Person]

    @property
    def parts(self) -> list[Assignment]:
        """The units that have it, the lead unit first."""
        return sorted((one for one in self.appeal.assignments if one.state != "ended"), key=_lead_first)

    @property
    def ended(self) -> list[Assignment]:
        """The units that had it before, newest first."""
        return [one for one in reversed(self.appeal.assignments) if one.state == "ended"]

    @property
    def requests(self) -> list[tuple[Assignment, HandlingRequest]]:
        """What units asked for, newest first."""
        found = [(one, request) for one in self.appeal.assignments for request in one.requests]
        return sorted(found, key=lambda pair: -pair[1].id)


def _lead_first(one: Assignment) -> tuple[bool, int]:
    return one.part != "lead", one.id


def page(actor: Actor, appeal_id: int) -> Page:
    """Everything the appeal's page shows. Raises NotFound for an appeal out of sight."""
    appeal = access.access_appeal(actor, appeal_id)
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
        duties=next_step.duties(actor, appeal),
        note_wanted=(facts.is_overdue or facts.is_impossible) and not facts.has_note,
        slips=[slips.story(appeal, slip, present.now()) for slip in appeal.slips],
        reviews=list(
            db.session.scalars(
                select(Review).where(Review.appeal_id == appeal_id).options(joinedload(Review.by)).order_by(Review.id)
            )
        ),
        call_backs=list(
            db.session.scalars(
                select(CallBack)
                .where(CallBack.appeal_id == appeal_id)
                .options(joinedload(CallBack.by))
                .order_by(CallBack.id)
            )
        ),
        people=next_step.persons(_named_on(appeal)),
    )


def _named_on(appeal: Appeal) -> set[int | None]:
    """Who gave it to the units, signed for it, asked and decided."""
    requests = [request for one in appeal.assignments for request in one.requests]
    return {
        *(one.assigned_by_id for one in appeal.assignments),
        *(one.signed_in_by_id for one in appeal.assignments),
        *(request.asked_by_id for request in requests),
        *(request.decided_by_id for request in requests),
    }


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
