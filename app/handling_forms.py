"""The forms of the units' steps: which fields they ask whom for, what they start with, what a decision would mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app import handling_words
from app.extra_forms import of_step
from app.models import Appeal, Assignment, HandlingRequest, LimitRule, Person, db
from app.rules import workflow as rules
from app.rules.workflow import FieldSpec
from app.services import clock_moves, next_step, workflow_facts
from app.services.actors import Actor
from app.standing import current_actor

REDO = "redo"
_INFORMED = ("informed_at", "informed_how", "reaction")
_DECIDED = {"decide_objection": "objection", "decide_extension": "extension", "decide_pause": "pause"}


@dataclass(frozen=True, slots=True)
class Told:
    """A request as its decision's form tells it: when the limit ends now, and when it would."""

    own: Assignment
    request: HandlingRequest
    asked_by: Person | None
    due_at: datetime | None
    due_if_granted: datetime | None


def has_form(action: rules.Action, appeal: Appeal) -> bool:
    """Whether the step asks for anything; what asks for nothing is one button on the appeal's page."""
    actor = current_actor()
    return action.sheet or bool(asked(action, action.fields, appeal, actor) or of_step(actor, action, appeal))


def asked(action: rules.Action, specs: Iterable[FieldSpec], appeal: Appeal, actor: Actor) -> tuple[FieldSpec, ...]:
    """The fields this person is asked for: the unit only where he handles for several, the appellant's informing only
    of the lead unit (R9).
    """
    wanted = tuple(specs)
    if action.capability != "answer" or not action.parts:
        return wanted
    own = workflow_facts.fitting_parts(actor, appeal, action)
    left_out = {"assignment"} if len(own) < 2 else set()
    if own and not any(one.part == "lead" for one in own):
        left_out |= set(_INFORMED)
    return tuple(spec for spec in wanted if spec.name not in left_out)


def initial(action: rules.Action, appeal: Appeal) -> dict[str, Any]:
    """What the form of a unit's step starts with."""
    if action.name == "send_back":
        return {"limit": _active_limit(REDO) or "ordinary"}
    if action.name == "transfer":
        return {"unit": None}
    if action.name == "add_co_unit":
        return {"unit": None, "co_limit": "co_limit"}
    if action.name == "forward":
        return {"co_limit": "co_limit"}
    if action.name in _DECIDED:
        waiting = _waiting(appeal, _DECIDED[action.name])
        if len(waiting) == 1:
            _own, request = waiting[0]
            right = request.proposed_unit
            return {
                "request": str(request.id),
                "amount": request.amount,
                "until_on": request.until_on,
                "right_unit": right.code if right else None,
            }
    return {}


def dressed(fields: list[dict[str, Any]], action: rules.Action, appeal: Appeal) -> list[dict[str, Any]]:
    """The fields with the help and the names they have in this step."""
    own = workflow_facts.fitting_parts(current_actor(), appeal, action) if action.parts else []
    for_both = {one.part for one in own} == {"lead", "co"}
    for field in fields:
        name = field["name"]
        field["label"] = handling_words.label(action.name, name) or field["label"]
        field["help"] = field["help"] or handling_words.help_line(
            action.name, name, next(iter(own), None), for_both=for_both
        )
    return fields


def told(action: rules.Action, appeal: Appeal, values: Mapping[str, Any]) -> list[Told]:
    """The requests that this step decides, each with what granting as asked for would mean."""
    if action.name not in _DECIDED:
        return []
    waiting = _waiting(appeal, _DECIDED[action.name])
    people = next_step.persons(request.asked_by_id for _own, request in waiting)
    return [_told(own, request, people.get(request.asked_by_id), values) for own, request in waiting]


def _told(own: Assignment, request: HandlingRequest, asked_by: Person | None, values: Mapping[str, Any]) -> Told:
    clock = handling_words.limit_of(own)
    then = None
    if clock is not None and request.kind == "extension":
        then = clock_moves.if_extended(clock, _whole(values.get("amount")) or request.amount or 1, request.asked_at)
    if clock is not None and request.kind == "pause" and request.until_on:
        until_on = _day(values.get("until_on")) or request.until_on
        then = clock_moves.if_paused(clock, request.asked_at, until_on)
    return Told(own, request, asked_by, clock.due_at if clock else None, then)


def _whole(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and 0 < int(text) <= 366 else 0


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _waiting(appeal: Appeal, kind: str) -> list[tuple[Assignment, HandlingRequest]]:
    return [
        (one, request)
        for one in appeal.assignments
        for request in one.requests
        if request.state == "pending" and request.kind == kind
    ]


def _active_limit(code: str) -> str | None:
    query = db.select(LimitRule.code).where(
        LimitRule.code == code, LimitRule.clock_kind == "unit_limit", LimitRule.active
    )
    found: str | None = db.session.scalar(query)
    return found
