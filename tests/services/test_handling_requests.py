"""What a unit asks of the duty office: objection, extension, pause; asked, decided, withdrawn, too late (R9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Appeal, Clock, Delivery, DispatchEntry, HandlingRequest, Journal, Unit, db
from app.rules.errors import Conflict, Refused
from app.services import desk, present, workflow
from app.services.actors import Actor
from tests.factories import Factory

OBJECTION = {"reason": "示例：不属本单位职责。", "legal_basis": "示例条例第三条"}


@pytest.fixture
def unit(make: Factory) -> Unit:
    return make.a_unit()


@pytest.fixture
def handler(make: Factory, unit: Unit) -> Actor:
    return make.actor(make.member(unit))


@pytest.fixture
def director(make: Factory) -> Actor:
    return make.actor(make.holder("duty_director"))


@pytest.fixture
def do(handler: Actor) -> Callable[..., Any]:
    def act(appeal: Appeal, name: str, form: dict[str, Any], by: Actor | None = None) -> Any:
        done = workflow.act(by or handler, appeal.id, name, form, version=None)
        db.session.refresh(appeal)
        return done

    return act


def pending(appeal: Appeal) -> HandlingRequest:
    query = select(HandlingRequest).where(HandlingRequest.appeal_id == appeal.id).order_by(HandlingRequest.id.desc())
    return db.session.scalars(query.execution_options(populate_existing=True)).first()  # type: ignore[return-value]


def clock(appeal: Appeal, kind: str) -> Clock:
    query = select(Clock).where(Clock.appeal_id == appeal.id, Clock.kind == kind).order_by(Clock.id.desc())
    return db.session.scalars(query.execution_options(populate_existing=True)).first()  # type: ignore[return-value]


def decision(appeal: Appeal, what: str, **more: Any) -> dict[str, Any]:
    return {"request": str(pending(appeal).id), "decision": what, "reason": "示例：理由。", **more}


def test_an_upheld_objection_goes_back_for_triage(
    make: Factory, do: Any, director: Actor, handler: Actor, unit: Unit
) -> None:
    appeal, right = make.appeal("assigned", unit=unit), make.a_unit(offset=1)
    do(appeal, "object", OBJECTION | {"proposed_unit": right.code})
    assert clock(appeal, "sign_in").stopped_at is not None
    assert {q.name: len(q.rows) for q in desk.queues(handler)}["asked"] == 1
    assert {q.name: len(q.rows) for q in desk.queues(handler)}["to_sign_in"] == 0
    (row,) = next(q.rows for q in desk.queues(director) if q.name == "to_decide")
    assert row.clock_kind == "decision"
    with pytest.raises(Conflict, match=r"request\.objection-pending"):
        do(appeal, "sign_in", {})
    do(appeal, "decide_objection", decision(appeal, "upheld", right_unit=right.code, learn=True), director)
    assert (appeal.state, appeal.unit_id, appeal.co_unit_ids) == ("registered", right.id, [])
    assert (clock(appeal, "decision").stopped_at is not None, clock(appeal, "decision").cancelled) == (True, False)
    assert clock(appeal, "unit_limit").cancelled
    entry = db.session.scalars(select(DispatchEntry).where(DispatchEntry.source == "objection")).one()
    assert (entry.unit_id, entry.source, entry.active) == (right.id, "objection", False)
    assert make.count(Journal, appeal_id=appeal.id, action="decide_objection") == 1
    do(appeal, "forward", {"unit": right.code, "limit": "ordinary"}, director)
    second = make.actor(make.member(right))
    assert "object" not in {action.name for action in workflow.actions_on(second, appeal)}
    with pytest.raises(Refused) as refused:
        do(appeal, "object", OBJECTION, second)
    assert refused.value.code == "object.bounced"


def test_a_rejected_objection_starts_the_sign_in_anew_and_is_not_repeated(
    make: Factory, do: Any, director: Actor, unit: Unit
) -> None:
    appeal = make.appeal("assigned", unit=unit)
    do(appeal, "object", OBJECTION)
    do(appeal, "decide_objection", decision(appeal, "rejected"), director)
    assert (appeal.state, clock(appeal, "sign_in").stopped_at) == ("assigned", None)
    assert "object" not in {action.name for action in workflow.actions_on(make.actor(make.member(unit)), appeal)}
    with pytest.raises(Refused) as refused:
        do(appeal, "object", OBJECTION)
    assert refused.value.code == "object.twice"
    with pytest.raises(Conflict, match=r"request\.decided"):
        do(appeal, "decide_objection", decision(appeal, "rejected"), director)


def test_a_withdrawn_objection_starts_the_sign_in_anew(make: Factory, do: Any, unit: Unit) -> None:
    appeal = make.appeal("assigned", unit=unit)
    do(appeal, "object", OBJECTION)
    do(appeal, "withdraw_request", {"request": str(pending(appeal).id)})
    assert (pending(appeal).state, clock(appeal, "sign_in").stopped_at) == ("withdrawn", None)
    assert clock(appeal, "decision").stopped_at is not None
    do(appeal, "object", OBJECTION)


def test_an_extension_is_asked_before_the_limit_and_counted(
    make: Factory, do: Any, director: Actor, unit: Unit
) -> None:
    appeal = make.appeal("in_progress", unit=unit)
    due = clock(appeal, "unit_limit").due_at
    do(appeal, "ask_extension", {"amount": 3, "reason": "示例：待料。"})
    with pytest.raises(Conflict, match=r"request\.extension-pending"):
        do(appeal, "ask_extension", {"amount": 3, "reason": "示例"})
    assert clock(appeal, "unit_limit").due_at == due
    do(appeal, "decide_extension", decision(appeal, "granted", amount=2), director)
    moved = clock(appeal, "unit_limit").due_at
    assert moved is not None
    assert due is not None
    assert moved > due
    # What was granted counts, not what was asked for.
    assert [one["amount"] for one in clock(appeal, "unit_limit").inputs["extensions"]] == [2]
    change = clock(appeal, "unit_limit").changes[-1]
    assert (change.why, change.person_id, change.old_due_at) == ("extension", director.person_id, due)
    assert (pending(appeal).granted_amount, appeal.assignments[0].extended) == (2, 1)
    do(appeal, "ask_extension", {"amount": 1, "reason": "示例"})
    do(appeal, "decide_extension", decision(appeal, "refused"), director)
    assert (clock(appeal, "unit_limit").due_at, appeal.assignments[0].extended) == (moved, 1)


@pytest.mark.parametrize(
    ("step", "form", "code"),
    [
        ("ask_extension", {"amount": 3}, "extension.too-late"),
        ("ask_pause", {"until_on": None}, "pause.too-late"),
    ],
)
def test_nothing_is_asked_after_the_limit(
    make: Factory, do: Any, unit: Unit, step: str, form: dict[str, Any], code: str
) -> None:
    appeal = make.appeal("in_progress", unit=unit)
    late = clock(appeal, "unit_limit")
    late.started_at, late.due_at = present.now() - timedelta(days=9), present.now() - timedelta(hours=1)
    db.session.commit()
    if "until_on" in form:
        form = {"until_on": present.today() + timedelta(days=5)}
    with pytest.raises(Refused) as refused:
        do(appeal, step, form | {"reason": "示例"})
    assert refused.value.code == code
    assert make.count(HandlingRequest, appeal_id=appeal.id) == 0


def test_a_pause_moves_the_limit_and_its_early_end_moves_it_back(
    make: Factory, do: Any, director: Actor, unit: Unit
) -> None:
    appeal = make.appeal("in_progress", unit=unit)
    due = clock(appeal, "unit_limit").due_at
    until = present.today() + timedelta(days=20)
    do(appeal, "ask_pause", {"until_on": until, "reason": "示例：等待鉴定。"})
    do(appeal, "decide_pause", decision(appeal, "granted"), director)
    paused = clock(appeal, "unit_limit").due_at
    assert paused is not None
    assert due is not None
    assert paused > due
    with pytest.raises(Conflict, match=r"pause\.running"):
        do(appeal, "ask_pause", {"until_on": until, "reason": "示例"})
    do(appeal, "resume", {"assignment": str(appeal.assignments[0].id)}, director)
    back = clock(appeal, "unit_limit").due_at
    assert back is not None
    assert due <= back < paused
    assert len(clock(appeal, "unit_limit").changes) == 2


@pytest.mark.parametrize(("days", "lost"), [(4, 3), (30, 10)])
def test_a_pause_asked_in_time_counts_from_then_however_late_it_is_decided(
    make: Factory, do: Any, director: Actor, unit: Unit, days: int, lost: int
) -> None:
    appeal = make.appeal("in_progress", unit=unit)
    limit = clock(appeal, "unit_limit")
    limit.inputs = {**limit.inputs, "limit": {"kind": "wall_hours", "amount": 240}}
    limit.due_at = limit.started_at + timedelta(hours=240)
    db.session.commit()
    due, asked_at = limit.due_at, limit.due_at - timedelta(days=1)
    until = (asked_at + timedelta(days=lost)).astimezone(present.zone()).date()
    with present.at(asked_at):
        do(appeal, "ask_pause", {"until_on": until, "reason": "示例：等待鉴定。"})
    with present.at(asked_at + timedelta(days=days)):
        do(appeal, "decide_pause", decision(appeal, "granted", until_on=until), director)
        moved = clock(appeal, "unit_limit")
        assert moved.pauses[0].starts_at == asked_at
        assert moved.due_at == due + (moved.pauses[0].ends_at - asked_at)
        assert moved.changes[-1].at == present.now()


def test_an_extension_asked_in_time_is_granted_when_it_is_decided(
    make: Factory, do: Any, director: Actor, unit: Unit
) -> None:
    appeal = make.appeal("in_progress", unit=unit)
    due = clock(appeal, "unit_limit").due_at
    assert due is not None
    with present.at(due - timedelta(minutes=1)):
        do(appeal, "ask_extension", {"amount": 3, "reason": "示例：待料。"})
    decided_at = due + timedelta(days=2)
    with present.at(decided_at):
        do(appeal, "decide_extension", decision(appeal, "granted"), director)
    moved = clock(appeal, "unit_limit")
    assert moved.due_at is not None
    assert moved.due_at > due
    assert moved.changes[-1].at == decided_at
    assert moved.inputs["extensions"][0]["granted_at"] == decided_at.astimezone(UTC).isoformat()


def test_nobody_decides_his_own_request(make: Factory, do: Any, director: Actor, unit: Unit) -> None:
    appeal = make.appeal("in_progress", unit=unit)
    do(appeal, "ask_extension", {"amount": 3, "reason": "示例"})
    asked = pending(appeal)
    asked.asked_by_id = make.holder("duty_director").id
    db.session.commit()
    with pytest.raises(Refused) as refused:
        do(appeal, "decide_extension", decision(appeal, "granted"), director)
    assert refused.value.code == "request.own"


def test_a_request_sent_twice_is_asked_once(make: Factory, handler: Actor, unit: Unit) -> None:
    appeal = make.appeal("in_progress", unit=unit)
    form = {"amount": 3, "reason": "示例"}
    first = workflow.act(handler, appeal.id, "ask_extension", form, version=None, request_key="k")
    again = workflow.act(handler, appeal.id, "ask_extension", form, version=first.version, request_key="k")
    assert again.is_repeat
    assert make.count(HandlingRequest, appeal_id=appeal.id) == 1


def test_who_answers_asks_for_nothing_any_more(make: Factory, do: Any, unit: Unit, director: Actor) -> None:
    """A request left open would wait for ever: nothing decides it once the unit has answered."""
    appeal = make.appeal("in_progress", unit=unit)
    do(appeal, "ask_extension", {"amount": 3, "reason": "示例"})
    now: datetime = present.now()
    do(appeal, "answer", {"feedback": "示例：已修复。", "informed_at": now, "informed_how": "phone"})
    assert (pending(appeal).state, pending(appeal).decided_by_id) == ("withdrawn", None)
    assert clock(appeal, "decision").cancelled
    assert not next(q.rows for q in desk.queues(director) if q.name == "to_decide")


def test_who_worked_with_a_unit_that_was_the_wrong_one_is_told(
    make: Factory, do: Any, director: Actor, unit: Unit
) -> None:
    appeal, helper = make.appeal("assigned", unit=unit), make.a_unit(offset=1)
    member = make.member(helper)
    do(appeal, "add_co_unit", {"unit": helper.code}, director)
    do(appeal, "object", OBJECTION)
    do(appeal, "decide_objection", decision(appeal, "upheld"), director)
    assert make.count(Delivery, appeal_id=appeal.id, kind="appeal.withdrawn", recipient_id=member.id) == 1


def test_a_co_handling_units_objection_leaves_the_lead_alone(
    make: Factory, do: Any, director: Actor, unit: Unit
) -> None:
    appeal, helper = make.appeal("assigned", unit=unit), make.a_unit(offset=1)
    other = make.actor(make.member(helper))
    do(appeal, "add_co_unit", {"unit": helper.code}, director)
    do(appeal, "object", OBJECTION, other)
    do(appeal, "decide_objection", decision(appeal, "upheld"), director)
    assert (appeal.state, appeal.unit_id, appeal.co_unit_ids) == ("assigned", unit.id, [])
    assert {one.state for one in appeal.assignments} == {"assigned", "ended"}
