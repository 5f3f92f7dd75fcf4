"""The one write path of an appeal: check access, ask the rules, write fields, journal and outbox in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import joinedload

from app.models import Appeal, Journal, db
from app.rules import workflow as rules
from app.rules.errors import Conflict, NotFound, RuleError
from app.rules.grants import Grant
from app.services import (
    access,
    appeal_fields,
    archiving,
    clocks,
    field_values,
    journal,
    merging,
    present,
    workflow_facts,
)
from app.services.actors import Actor
from app.services.transaction import transaction
from app.services.workflow_effects import EFFECTS, START_CLOCK
from app.services.workflow_step import Step, snapshot

# What a unit's handler does not read: why the duty office looked up a person or sent a sheet back.
_DUTY_OFFICE_ONLY = ("unmask", "return_for_correction")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did. `is_repeat`: it had been done before, nothing was written."""

    appeal_id: int
    action: str
    state: str
    number: str | None
    version: int
    is_repeat: bool = False


def act(
    actor: Actor,
    appeal_id: int,
    name: str,
    data: Mapping[str, object],
    *,
    version: int | None,
    request_key: str | None = None,
    post_id: int | None = None,
) -> Outcome:
    """Do one step of the workflow (app/rules/workflow.py) on one appeal.

    `version` is the one the person saw; None only for bulk actions, where the row is locked and its state checked.
    `request_key` makes a double click or a resent form act once. `post_id` names the post acted for.

    Raises NotFound for an appeal out of sight, Refused without the capability or when a guard holds,
    Conflict("appeal.stale") when somebody else changed it first, FieldErrors for the form's fields.
    """
    with appeal_fields.at_fields(), transaction():
        return step(actor, appeal_id, name, data, version=version, request_key=request_key, post_id=post_id)


def step(
    actor: Actor,
    appeal_id: int,
    name: str,
    data: Mapping[str, object],
    *,
    version: int | None,
    request_key: str | None = None,
    post_id: int | None = None,
) -> Outcome:
    """`act` inside a transaction that the caller opened."""
    appeal = access.access_appeal(actor, appeal_id, for_update=True)
    if request_key is not None and _was_done(request_key, appeal_id):
        return _outcome(appeal, name, is_repeat=True)
    action = rules.find(name)
    grant = access.require(actor, *action.capabilities, appeal=appeal, post_id=post_id)
    now = present.now()
    about = workflow_facts.about(action, actor, appeal, grant, data)
    allowed = rules.check(name, workflow_facts.of(appeal, data, action=action, own=about.assignment), data, now=now)
    if allowed.is_repeat:
        return _outcome(appeal, name, is_repeat=True)
    if version is not None and version != appeal.version:
        raise Conflict("appeal.stale", {"seen": version, "current": appeal.version})
    _perform(Doing(actor, grant, about, request_key, now), appeal, allowed, field_values.given(data))
    if name == "strike_off":
        _strike_off_merged(Doing(actor, grant, about, None, now), appeal)
    return _outcome(appeal, name)


@dataclass(frozen=True, slots=True)
class Doing:
    """Who does a step, under which grant, about what, when; the key that makes it act once."""

    actor: Actor
    grant: Grant
    about: workflow_facts.About
    request_key: str | None
    at: datetime


def _strike_off_merged(doing: Doing, main: Appeal) -> None:
    """With the main appeal every one merged into it is struck off, each with a journal row of its own (R11)."""
    db.session.flush()
    for merged in merging.merged_into(main.id):
        facts = workflow_facts.of(merged, {}, action=rules.find("strike_off_merged"))
        _perform(doing, merged, rules.check("strike_off_merged", facts, {}, now=doing.at))


def _perform(
    doing: Doing, appeal: Appeal, allowed: rules.Step, extra: Mapping[str, object] | None = None
) -> None:
    before, now = snapshot(appeal), doing.at
    about = doing.about if allowed.action.parts else workflow_facts.NOTHING
    step = Step(
        actor=doing.actor,
        grant=doing.grant,
        appeal=appeal,
        data=dict(allowed.data),
        at=now,
        assignment=about.assignment,
        request=about.request,
    )
    EFFECTS.get(allowed.action.name, _nothing_more)(step)
    appeal.state = allowed.target.value
    if appeal.unit_id != before["unit_id"]:
        merging.follow(appeal)
    own = step.assignment
    if own is not None and allowed.part is not None and own.state != "ended":
        own.state = allowed.part.value
    for kind in allowed.stops:
        of_request = step.request.id if step.request is not None and kind == "decision" else None
        clocks.stop(appeal, (kind,), now, assignment_id=own.id if own else None, request_id=of_request)
    for kind in allowed.starts:
        START_CLOCK[kind](step)
    told = appeal_fields.step_in(doing.actor, appeal, allowed.action.name, extra or {}, before=before["state"])
    appeal.updated_at = now
    if appeal.state == "archived":
        # Its digest goes into the step's own journal row, and with it into the hash chain.
        step.remembered["seal"] = archiving.seal(appeal, person_id=step.person_id, at=now).sha256
    _write(doing, step, allowed.action.name, before, told)


def _nothing_more(step: Step) -> None:
    """The state is all that changes."""


def _write(
    doing: Doing, step: Step, name: str, before: dict[str, Any], told: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    appeal, after = step.appeal, snapshot(step.appeal)
    changed = [field for field in before if before[field] != after[field]]
    journal.write(
        doing.actor,
        name,
        "appeal",
        appeal.id,
        appeal_id=appeal.id,
        post_id=doing.grant.post_id,
        role=doing.grant.role,
        old={field: before[field] for field in changed} | told[0],
        new={field: after[field] for field in changed} | told[1] | step.remembered,
        reason=str(step.data.get("reason") or step.data.get("remark") or ""),
        request_key=doing.request_key,
    )


def act_on_many(
    actor: Actor,
    appeal_ids: list[int],
    name: str,
    data: Mapping[str, object],
    *,
    request_key: str,
    post_id: int | None = None,
) -> tuple[list[Outcome], list[tuple[int, RuleError]]]:
    """One step on several appeals: each in its own transaction, access checked per row; what fails is named.

    Raises Conflict("workflow.not-in-bulk") for a step that wants each appeal looked at.
    """
    if not rules.find(name).bulk:
        raise Conflict("workflow.not-in-bulk", {"action": name})
    done: list[Outcome] = []
    failed: list[tuple[int, RuleError]] = []
    for appeal_id in dict.fromkeys(appeal_ids):
        key = f"{request_key}:{appeal_id}"
        try:
            done.append(act(actor, appeal_id, name, data, version=None, request_key=key, post_id=post_id))
        except RuleError as error:
            failed.append((appeal_id, error))
    return done, failed


def actions_on(actor: Actor, appeal: Appeal) -> tuple[rules.Action, ...]:
    """The steps this person may do on the appeal as it stands, each on an assignment of his where it is about one."""
    capabilities = actor.grants.capabilities_on(access.row_facts(appeal))
    return workflow_facts.fitting(actor, appeal, capabilities)


def timeline(actor: Actor, appeal_id: int, *, after: int = 0) -> list[Journal]:
    """The journal of an appeal this person may see behind the row `after`, oldest first. Raises NotFound."""
    if (
        db.session.scalar(
            access.appeals_for(actor).where(Appeal.id == appeal_id).with_only_columns(Appeal.id)
        )
        is None
    ):
        raise NotFound("appeal.unknown", {"id": appeal_id})
    query = select(Journal).where(Journal.appeal_id == appeal_id, Journal.id > after, readable_journal(actor))
    query = query.order_by(Journal.id)
    return list(db.session.scalars(query.options(joinedload(Journal.person), joinedload(Journal.post))))


def readable_journal(actor: Actor) -> ColumnElement[bool]:
    """SQL: the journal rows of an appeal in sight that this person reads: a unit not those of the duty office alone."""
    reading = actor.grants.scopes_for_reading()
    if reading.units and not (reading.everything or reading.classes or reading.sections or reading.portfolios):
        return Journal.action.notin_(_DUTY_OFFICE_ONLY)
    return true()


def _was_done(request_key: str, appeal_id: int) -> bool:
    """Whether this form was sent before; the same key for another appeal is a mistake that the database refuses."""
    query = select(Journal.id).where(Journal.request_key == request_key, Journal.appeal_id == appeal_id)
    return db.session.scalar(query) is not None


def _outcome(appeal: Appeal, name: str, *, is_repeat: bool = False) -> Outcome:
    if not is_repeat:
        db.session.flush()
    return Outcome(appeal.id, name, appeal.state, appeal.number, appeal.version, is_repeat)
