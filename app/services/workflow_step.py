"""A step of the workflow while it is done, and what the effects of all steps share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select

from app.models import Appeal, Assignment, HandlingRequest, LimitRule, Unit, db
from app.rules.errors import FieldErrors, FieldProblem
from app.rules.grants import Grant
from app.services import access, attachments, outbox, portfolio, present, staffing
from app.services.actors import Actor

Row = TypeVar("Row")
# What the journal compares before and after a step; sealed columns are compared by their presence only.
_TRACKED = (
    "state",
    "number",
    "subject",
    "body",
    "place",
    "channel_id",
    "category_id",
    "nature",
    "urgency",
    "limit_rule_id",
    "received_at",
    "submitted_at",
    "registered_at",
    "answered_at",
    "closed_at",
    "archived_at",
    "voided_at",
    "round",
    "merged_into_id",
    "lawful_route",
    "held_at",
    "handling",
    "opinion",
    "unit_id",
    "section_id",
    "portfolio_id",
    "result",
    "impossible",
    "informed_at",
    "informed_how",
    "reaction",
    "note",
    "corrections",
    "anonymous",
    "intake",
)
# What the forms offer (app/forms.py): a unit that answers for appeals.
RESPONSIBLE = Unit.kind != "section"


@dataclass
class Step:
    """One step being done: by whom, under which grant, on what, with which form data, when.

    `assignment` is the one it is about, `made` those it creates. `remembered` is added to the journal row: what the
    step wrote outside the appeal's own fields.
    """

    actor: Actor
    grant: Grant
    appeal: Appeal
    data: dict[str, Any]
    at: datetime
    assignment: Assignment | None = None
    request: HandlingRequest | None = None
    made: list[Assignment] = field(default_factory=list)
    remembered: dict[str, Any] = field(default_factory=dict)

    @property
    def person_id(self) -> int:
        """Steps are done by persons; the software itself never acts on an appeal."""
        if self.actor.person_id is None:
            raise RuntimeError("a workflow step without a person")
        return self.actor.person_id

    @property
    def own(self) -> Assignment:
        """The assignment the step is about; the table lets no such step through without one."""
        if self.assignment is None:
            raise RuntimeError("a step on an assignment without one")
        return self.assignment


def chosen(model: type[Row], code: object, name: str, *offered: ColumnElement[bool]) -> Row | None:
    """The dictionary row a choice names. Raises FieldErrors when there is none in force among those `offered`."""
    if not code:
        return None
    columns: Any = model
    found = db.session.scalars(select(model).where(columns.code == str(code), columns.active, *offered)).one_or_none()
    if found is None:
        raise FieldErrors([FieldProblem(name, "field.choice", {"value": str(code)})])
    return found


def chosen_limit(step: Step, name: str, clock_kind: str) -> LimitRule | None:
    """The limit a form names. Raises FieldErrors for one of another clock."""
    return chosen(LimitRule, step.data.get(name), name, LimitRule.clock_kind == clock_kind)


def chosen_date(step: Step, name: str) -> date | None:
    """A date a form sets for the future. Raises FieldErrors for one that has passed."""
    on: date | None = step.data.get(name)
    if on is not None and on < step.at.astimezone(present.zone()).date():
        raise FieldErrors([FieldProblem(name, "field.in-past")])
    return on


def tell(step: Step, kind: str, recipients: Iterable[int], *, appeal: Appeal | None = None) -> None:
    """A notice to those who act next; one per step, whatever is repeated."""
    appeal_id = (appeal or step.appeal).id
    outbox.enqueue(
        kind, recipients, key=f"appeal:{appeal_id}|{kind}:{step.at.isoformat()}", appeal_id=appeal_id
    )


def acting(capability: str, step: Step) -> tuple[int, ...]:
    """Who acts now for the posts that may do this to the appeal as the step left it."""
    return staffing.acting_with(capability, access.row_facts(step.appeal))


def handlers(unit_id: int) -> tuple[int, ...]:
    """Who handles appeals for a unit."""
    return staffing.members(unit_id, "handler")


def claim(step: Step, purpose: str, assignment_id: int | None = None) -> None:
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


def inform(step: Step) -> None:
    """How the appellant was told, when, by whom, and what he said (R9)."""
    appeal = step.appeal
    appeal.informed_at = step.data["informed_at"]
    appeal.informed_how = str(step.data["informed_how"])
    appeal.informed_by_id = step.person_id
    appeal.reaction = str(step.data.get("reaction") or "")


def finish(step: Step, result: str) -> None:
    """The appeal has its result, and the appellant knows it."""
    step.appeal.result = result
    step.appeal.answered_at = step.at
    inform(step)


def fulfil(step: Step) -> None:
    """What a leader wanted done is done: the way back to him (R6)."""
    slip = step.appeal.slips[-1] if step.appeal.slips else None
    if slip is None or not slip.instruction:
        return
    slip.fulfilled_at = step.at
    line = portfolio.line(slip.portfolio_id)
    tell(step, "slip.fulfilled", [leader.id for leader in line.leaders] if line else [])


def unfulfil(step: Step) -> None:
    """It is not done after all; when it is, the leader is told and takes note of it again."""
    if step.appeal.slips:
        slip = step.appeal.slips[-1]
        slip.fulfilled_at = slip.noted_at = slip.noted_by_id = None


def named(unit: Unit) -> dict[str, str]:
    """A unit as the journal remembers it."""
    return {"name": unit.name, "name_en": unit.name_en}


def snapshot(appeal: Appeal) -> dict[str, Any]:
    """The tracked fields as JSON values; personal fields never."""
    return {field: _plain(getattr(appeal, field)) for field in _TRACKED}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (datetime, date)) else value
