"""What follows a unit's feedback: review, redo, call-back, and the pages that show them (R9, R10)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.models import Appeal, CallBack, Clock, Delivery, Journal, Review, Slip, db
from app.rules.errors import FieldErrors, Refused
from app.services import desk, outbox, present, workflow
from app.services.actors import Actor
from tests.factories import Factory
from tests.test_desk import URL, counted


@pytest.fixture
def director(make: Factory) -> Actor:
    return make.actor(make.holder("duty_director"))


def test_accepting_stops_the_review_and_tells_the_ledger(make: Factory, director: Actor) -> None:
    appeal = make.appeal("under_review")
    (row,) = next(q.rows for q in desk.queues(director) if q.name == "to_review")
    assert row.clock_kind == "review"
    workflow.act(director, appeal.id, "accept", {"remark": "示例：属实。"}, version=None)
    review = db.session.scalars(select(Review)).one()
    assert (review.outcome, review.reason) == ("accepted", "示例：属实。")
    assert make.count(Delivery, appeal_id=appeal.id, kind="appeal.answered") >= 1
    assert make.count(Clock, appeal_id=appeal.id, kind="review", stopped_at=None) == 0
    assert make.count(Journal, appeal_id=appeal.id, action="accept") == 1


def test_a_redo_gives_a_new_limit_and_takes_back_the_answer(make: Factory, director: Actor) -> None:
    appeal = make.appeal("under_review")
    form = {"reason": "示例：未说明原因。", "limit": "redo"}
    workflow.act(director, appeal.id, "send_back", form, version=None)
    db.session.refresh(appeal)
    own = appeal.assignments[0]
    assert (appeal.state, own.state, own.redone, appeal.informed_at) == ("in_progress", "in_progress", 1, None)
    limits = [c for c in appeal.clocks if c.kind == "unit_limit"]
    assert [(c.stopped_at is None, c.cancelled) for c in limits] == [(False, False), (True, False)]
    handler = make.actor(make.member(make.a_unit()))
    done = {"feedback": "示例：补充。", "informed_at": present.now(), "informed_how": "visit"}
    assert workflow.act(handler, appeal.id, "answer", done, version=None).state == "under_review"


def test_what_nobody_handled_is_not_sent_back(make: Factory, director: Actor) -> None:
    appeal = make.appeal("self_handling")
    done = {"result": "示例：已答复。", "informed_at": present.now(), "informed_how": "phone"}
    workflow.act(director, appeal.id, "finish_self", done, version=None)
    with pytest.raises(Refused) as refused:
        workflow.act(director, appeal.id, "send_back", {"reason": "示例", "limit": "ordinary"}, version=None)
    assert refused.value.code == "send-back.no-unit"


def test_accepting_brings_it_back_to_the_leader(make: Factory, director: Actor) -> None:
    appeal, unit = make.appeal("instructed"), make.a_unit()
    handler = make.actor(make.member(unit))
    workflow.act(director, appeal.id, "forward", {"unit": unit.code, "limit": "ordinary"}, version=None)
    workflow.act(handler, appeal.id, "sign_in", {}, version=None)
    done = {"feedback": "示例：已办结。", "informed_at": present.now(), "informed_how": "phone"}
    workflow.act(handler, appeal.id, "answer", done, version=None)
    workflow.act(director, appeal.id, "accept", {}, version=None)
    assert db.session.scalars(select(Slip)).one().fulfilled_at is not None


def test_what_the_duty_office_did_itself_goes_back_to_the_leader_too(make: Factory, director: Actor) -> None:
    appeal = make.appeal("instructed")
    workflow.act(director, appeal.id, "handle_self", {}, version=None)
    done = {"result": "示例：已答复。", "informed_at": present.now(), "informed_how": "phone"}
    workflow.act(director, appeal.id, "finish_self", done, version=None)
    assert db.session.scalars(select(Slip)).one().fulfilled_at is not None


def test_what_is_done_again_is_noted_again(make: Factory, director: Actor) -> None:
    appeal, unit = make.appeal("instructed"), make.a_unit()
    handler, slip = make.actor(make.member(unit)), db.session.scalars(select(Slip)).one()
    workflow.act(director, appeal.id, "forward", {"unit": unit.code, "limit": "ordinary"}, version=None)
    workflow.act(handler, appeal.id, "sign_in", {}, version=None)
    done = {"feedback": "示例：已办结。", "informed_at": present.now(), "informed_how": "phone"}
    workflow.act(handler, appeal.id, "answer", done, version=None)
    workflow.act(director, appeal.id, "accept", {}, version=None)
    slip.noted_at, slip.noted_by_id = present.now(), director.person_id
    db.session.commit()
    form = {"reason": "示例：未办完。", "due_on": present.today()}
    workflow.act(director, appeal.id, "send_back", form, version=None)
    db.session.refresh(slip)
    assert (slip.fulfilled_at, slip.noted_at, slip.noted_by_id) == (None, None, None)
    db.session.refresh(appeal)
    assert (appeal.assignments[0].limit_rule_id, appeal.assignments[0].due_on) == (None, present.today())
    workflow.act(handler, appeal.id, "answer", done, version=None)
    workflow.act(director, appeal.id, "accept", {}, version=None)
    db.session.refresh(slip)
    assert slip.fulfilled_at is not None


def test_who_is_not_satisfied_after_the_end_is_heard(make: Factory) -> None:
    appeal, supervisor = make.appeal("closed"), make.actor(make.holder("supervisor"))
    form = {"reached": "yes", "solved": "no", "satisfied": "no"}
    workflow.act(supervisor, appeal.id, "call_back", form, version=None)
    sent = db.session.scalars(select(Delivery).where(Delivery.kind == "appeal.dissatisfied")).all()
    lease = outbox.claim(sent[0].id, present.now())
    assert lease is not None
    assert outbox.recheck(lease, present.now()).reason == ""


def test_a_call_back_says_both_or_nothing(make: Factory) -> None:
    appeal, supervisor = make.appeal("answered"), make.actor(make.holder("supervisor"))
    assert [q.count for q in desk.queues(supervisor) if q.name == "to_call_back"] == [1]
    for form, problems in (
        ({"reached": "yes"}, [("solved", "field.required"), ("satisfied", "field.required")]),
        ({"reached": "no", "solved": "yes"}, [("solved", "call-back.not-reached")]),
    ):
        with pytest.raises(FieldErrors) as refused:
            workflow.act(supervisor, appeal.id, "call_back", form, version=None)
        assert [(one.field, one.code) for one in refused.value.problems] == problems
    workflow.act(supervisor, appeal.id, "call_back", {"reached": "no"}, version=None)
    form = {"reached": "yes", "solved": "no", "satisfied": "no", "remark": "示例：仍漏水。"}
    workflow.act(supervisor, appeal.id, "call_back", form, version=None)
    assert [c.reached for c in db.session.scalars(select(CallBack).order_by(CallBack.id))] == [False, True]
    assert make.count(Delivery, appeal_id=appeal.id, kind="appeal.dissatisfied") >= 1
    assert [q.count for q in desk.queues(supervisor) if q.name == "to_call_back"] == [0]


def test_the_page_shows_the_call_back_and_offers_the_redo(make: Factory) -> None:
    appeal, supervisor = make.appeal("answered"), make.actor(make.holder("supervisor"))
    form = {"reached": "yes", "solved": "no", "satisfied": "no", "remark": "示例：仍漏水。"}
    workflow.act(supervisor, appeal.id, "call_back", form, version=None)
    browser = make.signed_in(make.holder("duty_director"))
    page = browser.get(f"/appeals/{appeal.id}", base_url=URL).text
    assert "示例：仍漏水。" in page
    assert f"/appeals/{appeal.id}/send_back" in page
    form_page = browser.get(f"/appeals/{appeal.id}/send_back", base_url=URL).text
    assert re.search(r'<option value="redo"[^>]* selected', form_page)


def test_a_decision_shows_what_it_is_about(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    handler = make.actor(make.member(make.a_unit()))
    workflow.act(handler, appeal.id, "ask_extension", {"amount": 3, "reason": "示例：待料。"}, version=None)
    browser = make.signed_in(make.holder("duty_director"))
    page = browser.get(f"/appeals/{appeal.id}/decide_extension", base_url=URL).text
    assert "示例：待料。" in page
    assert "如按申请批准" in page
    assert 'type="hidden" name="request"' in page
    assert "示例：待料。" in browser.get(f"/appeals/{appeal.id}", base_url=URL).text


def test_a_co_handling_unit_is_not_asked_for_the_appellant(make: Factory, director: Actor) -> None:
    lead, helper = make.a_unit(), make.a_unit(offset=1)
    appeal = make.appeal("assigned", unit=lead)
    workflow.act(director, appeal.id, "add_co_unit", {"unit": helper.code}, version=None)
    person = make.member(helper)
    workflow.act(make.actor(person), appeal.id, "sign_in", {}, version=None)
    page = make.signed_in(person).get(f"/appeals/{appeal.id}/answer", base_url=URL).text
    assert 'name="feedback"' in page
    assert 'name="informed_at"' not in page


def test_what_was_asked_for_stays_in_the_unit_it_was_asked_in(make: Factory, director: Actor) -> None:
    unit = make.a_unit()
    handler = make.actor(make.member(unit))
    appeal = make.appeal("registered")
    due_on = present.today() + timedelta(days=5)
    workflow.act(director, appeal.id, "forward", {"unit": unit.code, "due_on": due_on}, version=None)
    workflow.act(handler, appeal.id, "sign_in", {}, version=None)
    workflow.act(handler, appeal.id, "ask_extension", {"amount": 3, "reason": "示例：等材料。"}, version=None)
    (request,) = db.session.get_one(Appeal, appeal.id).assignments[0].requests
    granted = {"request": str(request.id), "decision": "granted", "reason": "示例：同意。"}
    workflow.act(director, appeal.id, "decide_extension", granted, version=None)
    answer = {"feedback": "示例：第一轮。", "informed_at": present.now(), "informed_how": "phone"}
    workflow.act(handler, appeal.id, "answer", answer, version=None)
    workflow.act(director, appeal.id, "send_back", {"reason": "示例：不够。", "limit": "ordinary"}, version=None)
    page = make.signed_in(make.holder("duty_director")).get(f"/appeals/{appeal.id}", base_url=URL).text
    assert "3个自然日" in page
    assert "3个工作日" not in page


def test_what_the_units_answered_before_a_reopening_stays_to_be_read(make: Factory, director: Actor) -> None:
    appeal = make.appeal("closed")
    workflow.act(director, appeal.id, "reopen", {"reason": "示例：又坏了。"}, version=None)
    page = make.signed_in(make.holder("duty_director")).get(f"/appeals/{appeal.id}", base_url=URL).text
    handling = page[page.index("办理情况") : page.index("办理过程")]
    assert "示例：已修复。" in handling


def test_an_appeal_page_costs_few_statements(make: Factory, director: Actor) -> None:
    lead, helper = make.a_unit(), make.a_unit(offset=1)
    appeal = make.appeal("assigned", unit=lead)
    workflow.act(director, appeal.id, "add_co_unit", {"unit": helper.code}, version=None)
    make.member(helper)
    browser = make.signed_in(make.holder("duty_director"))
    browser.get(f"/appeals/{appeal.id}", base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        assert browser.get(f"/appeals/{appeal.id}", base_url=URL).status_code == 200
    assert len(statements) <= 34, f"{len(statements)}\n" + "\n\n".join(statements)
