"""Lead and co-handling units: given, seen, signed for, transferred, withdrawn, answered, each on its own (R7–R9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.models import Appeal, Assignment, Clock, Delivery, Journal, Unit, db
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import access, desk, present, reading, workflow
from app.services.actors import Actor
from tests.factories import Factory

INFORMED = {"informed_how": "phone"}


@pytest.fixture
def lead(make: Factory) -> Unit:
    return make.a_unit()


@pytest.fixture
def helper(make: Factory) -> Unit:
    return make.a_unit(offset=1)


@pytest.fixture
def director(make: Factory) -> Actor:
    return make.actor(make.holder("duty_director"))


@pytest.fixture
def both(make: Factory, director: Actor, lead: Unit, helper: Unit) -> Appeal:
    """An appeal with a lead and one co-handling unit."""
    make.member(lead)
    make.member(helper)
    appeal = make.appeal("registered")
    form = {"unit": lead.code, "limit": "ordinary", "co_units": (helper.code,), "task": "示例任务"}
    workflow.act(director, appeal.id, "forward", form, version=None)
    db.session.refresh(appeal)
    return appeal


def clocks_of(appeal: Appeal) -> list[tuple[str, bool, bool]]:
    query = select(Clock).where(Clock.appeal_id == appeal.id, Clock.assignment_id.is_not(None)).order_by(Clock.id)
    rows = db.session.scalars(query.execution_options(populate_existing=True))
    return [(c.kind, c.stopped_at is not None, c.cancelled) for c in rows]


def part(appeal: Appeal, unit: Unit) -> Assignment:
    query = select(Assignment).where(Assignment.appeal_id == appeal.id, Assignment.unit_id == unit.id)
    return db.session.scalars(query.order_by(Assignment.id.desc()).execution_options(populate_existing=True)).first()  # type: ignore[return-value]


def sees(actor: Actor, appeal: Appeal) -> bool:
    try:
        access.access_appeal(actor, appeal.id)
    except NotFound:
        return False
    return True


def told(appeal: Appeal, kind: str) -> set[int | None]:
    query = select(Delivery.recipient_id).where(Delivery.appeal_id == appeal.id, Delivery.kind == kind)
    return set(db.session.scalars(query))


def test_each_unit_gets_its_own_clocks_and_notice(make: Factory, both: Appeal, lead: Unit, helper: Unit) -> None:
    assert [kind for kind, _stopped, _cancelled in clocks_of(both)].count("sign_in") == 2
    assert {kind for kind, _s, _c in clocks_of(both)} == {"sign_in", "unit_limit", "co_limit"}
    assert told(both, "appeal.assigned") == {make.member(lead).id}
    assert told(both, "appeal.co_assigned") == {make.member(helper).id}
    assert part(both, helper).chain
    assert make.count(Journal, appeal_id=both.id, action="forward") == 1


def test_a_co_handling_unit_acts_on_its_own_part(make: Factory, both: Appeal, helper: Unit, lead: Unit) -> None:
    handler = make.actor(make.member(helper))
    assert sees(handler, both)
    workflow.act(handler, both.id, "sign_in", {}, version=None)
    db.session.refresh(both)
    assert (both.state, part(both, helper).state, part(both, lead).state) == ("assigned", "in_progress", "assigned")
    workflow.act(handler, both.id, "answer", {"feedback": "示例：协办情况。"}, version=None)
    db.session.refresh(both)
    assert (both.state, both.result, part(both, helper).state) == ("assigned", "", "answered")
    assert told(both, "appeal.co_answered") == {make.member(lead).id}
    assert ("co_limit", True, False) in clocks_of(both)
    assert not [kind for kind, _s, _c in clocks_of(both) if kind == "review"]


def test_no_feedback_is_accepted_while_a_co_handling_unit_works(
    make: Factory, both: Appeal, director: Actor, lead: Unit, helper: Unit
) -> None:
    handler = make.actor(make.member(lead))
    workflow.act(handler, both.id, "sign_in", {}, version=None)
    done = {"feedback": "示例：已修复。", "informed_at": present.now(), **INFORMED}
    workflow.act(handler, both.id, "answer", done, version=None)
    with pytest.raises(Refused) as refused:
        workflow.act(director, both.id, "accept", {}, version=None)
    assert refused.value.code == "accept.co-handling-open"
    workflow.act(
        director,
        both.id,
        "withdraw_co_unit",
        {"assignment": str(part(both, helper).id), "reason": "示例：不再需要。"},
        version=None,
    )
    assert not sees(make.actor(make.member(helper)), both)
    assert ("co_limit", True, True) in clocks_of(both)
    assert workflow.act(director, both.id, "accept", {}, version=None).state == "answered"


def test_a_transfer_ends_the_first_unit_unjudged(
    make: Factory, both: Appeal, director: Actor, lead: Unit, helper: Unit
) -> None:
    other = make.a_unit(offset=2)
    form = {"unit": lead.code, "limit": "ordinary", "reason": "示例"}
    with pytest.raises(FieldErrors) as refused:
        workflow.act(director, both.id, "transfer", form, version=None)
    assert refused.value.problems[0].code == "transfer.same-unit"
    before = part(both, lead).id
    form = {"unit": other.code, "limit": "ordinary", "reason": "示例：职责调整。"}
    workflow.act(director, both.id, "transfer", form, version=None)
    db.session.refresh(both)
    assert (both.state, both.unit_id) == ("assigned", other.id)
    assert not sees(make.actor(make.member(lead)), both)
    assert sees(make.actor(make.member(helper)), both)
    rows = db.session.scalars(select(Clock).where(Clock.assignment_id == before))
    assert {(c.kind, c.cancelled) for c in rows} == {("sign_in", True), ("unit_limit", True)}


def test_a_unit_is_given_an_appeal_once(both: Appeal, director: Actor, helper: Unit) -> None:
    with pytest.raises(FieldErrors) as refused:
        workflow.act(director, both.id, "add_co_unit", {"unit": helper.code}, version=None)
    assert refused.value.problems[0].code == "assign.twice"


def test_a_limit_may_be_a_date(make: Factory, director: Actor, lead: Unit) -> None:
    appeal = make.appeal("registered")
    day = present.today() + timedelta(days=9)
    workflow.act(director, appeal.id, "forward", {"unit": lead.code, "due_on": day}, version=None)
    clock = db.session.scalars(select(Clock).where(Clock.appeal_id == appeal.id, Clock.kind == "unit_limit")).one()
    assert clock.due_at is not None
    assert (clock.due_at - timedelta(minutes=1)).astimezone(present.zone()).date() == day


def test_who_handles_for_two_units_says_for_which(make: Factory, both: Appeal, lead: Unit, helper: Unit) -> None:
    from app.models import Membership

    person = make.member(lead)
    db.session.add(Membership(person_id=person.id, unit_id=helper.id, function="handler"))
    db.session.commit()
    actor = make.actor(person)
    named = {"assignment": str(part(both, helper).id)}
    workflow.act(actor, both.id, "sign_in", named, version=None)
    assert (part(both, helper).state, part(both, lead).state) == ("in_progress", "assigned")
    workflow.act(actor, both.id, "sign_in", {}, version=None)
    assert part(both, lead).state == "in_progress"


def test_nobody_acts_on_the_part_of_another_unit(make: Factory, both: Appeal, lead: Unit, helper: Unit) -> None:
    handler = make.actor(make.member(helper))
    workflow.act(handler, both.id, "sign_in", {}, version=None)
    named = {"assignment": str(part(both, lead).id), "feedback": "示例", "informed_at": present.now(), **INFORMED}
    with pytest.raises(Conflict) as refused:
        workflow.act(handler, both.id, "answer", named, version=None)
    assert refused.value.code == "workflow.not-from-here"
    assert part(both, lead).state == "assigned"


def test_a_unit_that_was_only_proposed_never_sees_it(make: Factory, director: Actor, lead: Unit) -> None:
    appeal = make.appeal("registered")
    appeal.unit_id = lead.id
    db.session.commit()
    form = {"ground": "示例：属诉讼事项。", "route": "litigation", "informed_at": present.now(), **INFORMED}
    workflow.act(director, appeal.id, "decline", form, version=None)
    assert not sees(make.actor(make.member(lead)), appeal)


def test_the_desks_show_each_unit_its_own_part_and_clock(make: Factory, both: Appeal, helper: Unit, lead: Unit) -> None:
    for unit, name in ((lead, "lead"), (helper, "co")):
        rows = {q.name: q.rows for q in desk.queues(make.actor(make.member(unit)))}
        (row,) = rows["to_sign_in"]
        assert (row.id, row.part, row.clock_kind) == (both.id, name, "sign_in")
        assert not rows["asked"]


def test_the_page_says_who_must_act(make: Factory, both: Appeal, director: Actor, lead: Unit, helper: Unit) -> None:
    found = reading.page(director, both.id).duties
    assert [(d.what, d.unit.name if d.unit else "") for d in found] == [
        ("assigned", lead.name),
        ("co_assigned", helper.name),
    ]
    assert [p.id for p in found[0].persons] == [make.member(lead).id]
    assert found[0].clock is not None
    triage = reading.page(director, make.appeal("registered").id).duties
    assert [p.id for p in triage[0].persons] == [make.holder("duty_director").id]
