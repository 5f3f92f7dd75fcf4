"""One visibility clause: what a person may see and do, for list, page, action, export, report and search alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import joinedload, selectinload

from app.models import Appeal, Assignment, Clock, ClockChange, Instruction, Slip, SlipHandover, db
from app.rules.errors import NotFound, Refused
from app.rules.grants import Grant, GrantSet, Reading, RowFacts, Scope, reaches
from app.services.actors import Actor

# A section and a leader see a slip from the moment it is filled in; before that it is the duty office's own paper.
AFTER_SLIP = (
    "slip_ready",
    "with_section",
    "with_leader",
    "fetched",
    "instructed",
    "assigned",
    "in_progress",
    "under_review",
    "self_handling",
    "answered",
    "closed",
    "archived",
)

# A unit sees an appeal once it is assigned to it, never while the duty office still considers it.
_BEFORE_UNIT = (
    "draft",
    "submitted",
    "registered",
    "opinion",
    "slip_ready",
    "with_section",
    "with_leader",
    "fetched",
    "instructed",
    "self_handling",
)


def visible_to(actor: Actor, capability: str | None = None) -> ColumnElement[bool]:
    """SQL: the appeals this person may see; with a capability, those he may see because of it."""
    return reached(actor.grants.scopes_for_reading(capability))


def visible_under(grant: Grant) -> ColumnElement[bool]:
    """SQL: the appeals that one grant reaches."""
    return reached(GrantSet((grant,)).scopes_for_reading())


def reached(reading: Reading) -> ColumnElement[bool]:
    """SQL: the appeals that such a reading takes in."""
    if reading.everything:
        return true()
    parts: list[ColumnElement[bool]] = []
    if reading.classes:
        parts.append(Appeal.channel_class.in_(sorted(reading.classes)))
    if reading.units:
        own = sorted(reading.units)
        # Written as two conditions, so that each has its index.
        handles = or_(Appeal.unit_id.in_(own), and_(Appeal.co_unit_ids.overlap(own), Appeal.co_unit_ids != []))
        parts.append(and_(handles, Appeal.state.notin_(_BEFORE_UNIT)))
    if reading.sections:
        parts.append(and_(Appeal.section_id.in_(sorted(reading.sections)), Appeal.state.in_(AFTER_SLIP)))
    if reading.portfolios:
        parts.append(and_(Appeal.portfolio_id.in_(sorted(reading.portfolios)), Appeal.state.in_(AFTER_SLIP)))
    return or_(*parts) if parts else false()


def shows(grant: Grant, appeal: Appeal) -> bool:
    """Whether this grant lets its holder see the appeal: `visible_under` of one row that is at hand."""
    if not reaches(grant, row_facts(appeal)):
        return False
    if grant.scope is Scope.OWN_UNIT:
        return appeal.state not in _BEFORE_UNIT
    return grant.scope not in (Scope.OWN_OFFICE, Scope.OWN_PORTFOLIO) or appeal.state in AFTER_SLIP


def appeals_for(actor: Actor, capability: str | None = None) -> Select[Appeal]:
    """A query over the appeals this person may see."""
    return select(Appeal).where(visible_to(actor, capability))


def access_appeal(actor: Actor, appeal_id: int, *, for_update: bool = False) -> Appeal:
    """The appeal, if this person may see it. Raises NotFound("appeal.unknown"), which does not tell which."""
    query = appeals_for(actor).where(Appeal.id == appeal_id)
    if for_update:
        query = query.with_for_update(of=Appeal).execution_options(populate_existing=True)
    else:
        query = query.options(*_page_options())
    found = db.session.scalars(query).unique().one_or_none()
    if found is None:
        raise NotFound("appeal.unknown", {"id": appeal_id})
    return found


def _page_options() -> tuple[Any, ...]:
    return (
        joinedload(Appeal.channel),
        joinedload(Appeal.category),
        joinedload(Appeal.limit_rule),
        joinedload(Appeal.unit),
        joinedload(Appeal.section),
        joinedload(Appeal.portfolio),
        joinedload(Appeal.created_by),
        selectinload(Appeal.clocks).selectinload(Clock.changes).joinedload(ClockChange.person),
        selectinload(Appeal.slips).selectinload(Slip.handovers).options(
            joinedload(SlipHandover.actor), joinedload(SlipHandover.post)
        ),
        selectinload(Appeal.slips).selectinload(Slip.instructions).options(
            joinedload(Instruction.person), joinedload(Instruction.acting_for), joinedload(Instruction.by)
        ),
        selectinload(Appeal.assignments).joinedload(Assignment.unit),
        selectinload(Appeal.assignments).selectinload(Assignment.requests),
        joinedload(Appeal.merged_into),
    )


def row_facts(appeal: Appeal) -> RowFacts:
    """What of an appeal decides whether a grant reaches it."""
    return RowFacts(
        appeal.channel_class,
        appeal.unit_id,
        appeal.section_id,
        appeal.portfolio_id,
        frozenset(appeal.co_unit_ids or ()),
    )


def require(actor: Actor, *capabilities: str, appeal: Appeal, post_id: int | None = None) -> Grant:
    """The grant under which this person may use one of `capabilities` on the appeal, for `post_id` when he names one.

    Raises Refused("access.not-granted"), and "access.other-post" when another post of his would do.
    """
    facts = row_facts(appeal)
    found = [grant for capability in capabilities for grant in actor.grants.covering(capability, facts)]
    for grant in found:
        if post_id is None or grant.post_id == post_id:
            return grant
    raise Refused("access.other-post" if found else "access.not-granted", {"capability": capabilities[0]})


def require_anywhere(actor: Actor, *capabilities: str) -> None:
    """Refuse unless the person has one of the capabilities for some post. Raises Refused("access.not-granted")."""
    if not any(actor.grants.can(capability) for capability in capabilities):
        raise Refused("access.not-granted", {"capability": capabilities[0]})


def may_see_phone(actor: Actor, appeal: Appeal) -> bool:
    """Whether this person's post grants him unmasked numbers of this appeal."""
    return bool(actor.grants.covering("see_phone", row_facts(appeal)))
