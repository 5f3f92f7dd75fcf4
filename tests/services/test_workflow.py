"""One appeal through all posts, at the service: fields, one journal row, clocks, access and repeats (R4–R11)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.models import Appeal, Assignment, Clock, Delivery, Journal, SlipHandover, db
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import access, intake, present, workflow
from tests.factories import Factory


def _journal(appeal: Appeal) -> list[str]:
    query = select(Journal.action).where(Journal.appeal_id == appeal.id).order_by(Journal.id)
    return list(db.session.scalars(query))


def test_an_appeal_goes_the_leaders_way_from_intake_to_archive(make: Factory) -> None:
    appeal = make.appeal("instructed")
    unit = make.a_unit()
    director, ledger = make.actor(make.holder("duty_director")), make.actor(make.holder("ledger_admin"))
    handler = make.actor(make.member(unit))
    workflow.act(director, appeal.id, "forward", {"unit": unit.code, "limit": "ordinary"}, version=None)
    workflow.act(handler, appeal.id, "sign_in", {}, version=None)
    informed = {"informed_at": present.now(), "informed_how": "phone"}
    workflow.act(handler, appeal.id, "answer", {"feedback": "示例：已办结。", **informed}, version=None)
    workflow.act(director, appeal.id, "accept", {}, version=None)
    workflow.act(ledger, appeal.id, "strike_off", {}, version=None)
    workflow.act(ledger, appeal.id, "archive", {}, version=None)
    db.session.refresh(appeal)
    assert appeal.state == "archived"
    assert appeal.result == "示例：已办结。"
    assert _journal(appeal) == [
        "take_in",
        "submit",
        "register",
        "propose",
        "fill_slip",
        "carry",
        "deliver",
        "fetch",
        "transcribe",
        "forward",
        "sign_in",
        "answer",
        "accept",
        "strike_off",
        "archive",
    ]
    legs = db.session.scalars(select(SlipHandover.leg).order_by(SlipHandover.id)).all()
    assert legs == ["carry", "deliver", "fetch"]
    kinds = {clock.kind: clock.stopped_at is not None for clock in appeal.clocks}
    expected = ("collection", "carry", "delivery", "fetch_back", "sign_in", "unit_limit", "review")
    assert kinds == dict.fromkeys(expected, True)


def test_a_step_writes_one_journal_row_and_one_notice(make: Factory) -> None:
    appeal = make.appeal("registered")
    unit = make.a_unit()
    handler = make.member(unit)
    before = make.count(Journal)
    director = make.holder("duty_director")
    workflow.act(
        make.actor(director), appeal.id, "forward", {"unit": unit.code, "limit": "ordinary"}, version=None
    )
    row = db.session.scalars(select(Journal).order_by(Journal.id.desc())).first()
    assert make.count(Journal) == before + 1
    assert row is not None
    assert (row.action, row.person_id, row.role) == ("forward", director.id, "A")
    assert row.old["state"] == "registered"
    assert row.new["state"] == "assigned"
    assert make.count(Delivery, appeal_id=appeal.id, recipient_id=handler.id, kind="appeal.assigned") == 1


def test_a_repeated_step_changes_nothing(make: Factory) -> None:
    appeal = make.appeal("assigned")
    handler = make.actor(make.member(make.a_unit()))
    first = workflow.act(handler, appeal.id, "sign_in", {}, version=None, request_key="k1")
    again = workflow.act(handler, appeal.id, "sign_in", {}, version=first.version, request_key="k1")
    other = workflow.act(handler, appeal.id, "sign_in", {}, version=first.version, request_key="k2")
    assert (first.is_repeat, again.is_repeat, other.is_repeat) == (False, True, True)
    assert _journal(appeal).count("sign_in") == 1


def test_the_second_of_two_editors_is_told(make: Factory) -> None:
    appeal = make.appeal("registered")
    director = make.actor(make.holder("duty_director"))
    seen = appeal.version
    ledger = make.actor(make.holder("ledger_admin"))
    workflow.act(ledger, appeal.id, "add_note", {"note": "示例附注"}, version=seen)
    with pytest.raises(Conflict) as refused:
        workflow.act(director, appeal.id, "handle_self", {}, version=seen)
    assert refused.value.code == "appeal.stale"


def test_a_unit_handler_sees_only_appeals_assigned_to_his_unit(make: Factory) -> None:
    mine, other = make.a_unit(), make.a_unit(offset=1)
    appeal = make.appeal("assigned", unit=mine)
    handler, stranger = make.actor(make.member(mine)), make.actor(make.member(other))
    assert access.access_appeal(handler, appeal.id).id == appeal.id
    with pytest.raises(NotFound):
        access.access_appeal(stranger, appeal.id)
    with pytest.raises(NotFound):
        workflow.act(stranger, appeal.id, "sign_in", {}, version=None)


def test_a_unit_named_in_an_opinion_does_not_see_the_appeal_yet(make: Factory) -> None:
    unit = make.a_unit()
    appeal = make.appeal("opinion", unit=unit)
    with pytest.raises(NotFound):
        access.access_appeal(make.actor(make.member(unit)), appeal.id)


def test_a_person_without_a_post_is_a_stranger(make: Factory) -> None:
    appeal = make.appeal("submitted")
    with pytest.raises(NotFound):
        workflow.act(make.actor(make.person()), appeal.id, "register", {"limit": "ordinary"}, version=None)


def test_a_collector_cannot_register_his_own_item(make: Factory) -> None:
    appeal = make.appeal("submitted")
    with pytest.raises(Refused) as refused:
        workflow.act(
            make.actor(make.holder("collector_a")), appeal.id, "register", {"limit": "ordinary"}, version=None
        )
    assert refused.value.code == "access.not-granted"


def test_an_overdue_item_is_not_archived_without_its_note(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    late = present.now() + timedelta(days=40)
    ledger = make.holder("ledger_admin")
    with present.at(late):
        informed = {"informed_at": late, "informed_how": "letter"}
        handler = make.actor(make.member(make.a_unit()))
        workflow.act(handler, appeal.id, "answer", {"feedback": "示例：迟办结。", **informed}, version=None)
        workflow.act(make.actor(make.holder("duty_director")), appeal.id, "accept", {}, version=None)
        workflow.act(make.actor(ledger), appeal.id, "strike_off", {}, version=None)
        with pytest.raises(Refused) as refused:
            workflow.act(make.actor(ledger), appeal.id, "archive", {}, version=None)
        assert refused.value.code == "archive.note-missing"
        workflow.act(make.actor(ledger), appeal.id, "add_note", {"note": "示例：施工受阻。"}, version=None)
        assert workflow.act(make.actor(ledger), appeal.id, "archive", {}, version=None).state == "archived"


def test_policy_that_does_not_permit_answers_and_marks_impossible(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    data = {
        "kind": "not_permitted",
        "explanation": "示例：政策不允许。",
        "informed_at": present.now(),
        "informed_how": "phone",
    }
    workflow.act(make.actor(make.member(make.a_unit())), appeal.id, "explain", data, version=None)
    db.session.refresh(appeal)
    assert (appeal.state, appeal.impossible, appeal.result) == ("under_review", True, "示例：政策不允许。")


def test_numbers_have_no_gap_when_a_registration_fails(make: Factory) -> None:
    registrar = make.actor(make.holder("registrar"))
    first, second = make.appeal("submitted"), make.appeal("submitted")
    with pytest.raises(FieldErrors):
        workflow.act(registrar, first.id, "register", {"limit": "no such limit"}, version=None)
    numbers = [
        workflow.act(registrar, appeal.id, "register", {"limit": "ordinary"}, version=None).number
        for appeal in (second, first)
    ]
    sequence = [int(str(number)[-6:]) for number in numbers]
    assert sequence[1] == sequence[0] + 1


def test_bulk_forwarding_names_what_it_could_not_do(make: Factory) -> None:
    ready, early = make.appeal("registered"), make.appeal("submitted")
    unit = make.a_unit()
    done, failed = workflow.act_on_many(
        make.actor(make.holder("duty_director")),
        [ready.id, early.id],
        "forward",
        {"unit": unit.code, "limit": "ordinary"},
        request_key="bulk",
    )
    assert [outcome.appeal_id for outcome in done] == [ready.id]
    assert [(appeal_id, error.code) for appeal_id, error in failed] == [(early.id, "workflow.not-from-here")]


def test_the_delivery_clock_passes_to_the_section_with_the_slip(make: Factory) -> None:
    appeal = make.appeal("with_section")
    clock = db.session.scalars(
        select(Clock).where(Clock.appeal_id == appeal.id, Clock.kind == "delivery")
    ).one()
    assert (clock.post_id, clock.unit_id) == (None, appeal.section_id)


def test_the_chain_is_frozen_on_the_assignment_with_its_vacancies(make: Factory) -> None:
    appeal = make.appeal("assigned")
    assignment = db.session.scalars(select(Assignment).where(Assignment.appeal_id == appeal.id)).one()
    links = [(entry["link"], entry["role"]) for entry in assignment.chain]
    assert links == [(link, role) for link in ("first", "direct", "coordinating", "final") for role in "AB"]


def test_the_appellant_is_sealed_and_stays_out_of_the_journal(make: Factory) -> None:
    appeal = make.appeal("submitted", appellant_name="示例甲乙", appellant_phone="13800001234")
    row = db.session.scalars(select(Journal).where(Journal.appeal_id == appeal.id)).first()
    assert row is not None
    assert "13800001234" not in repr(row.new)
    assert "示例甲乙".encode() not in bytes(appeal.appellant_name_sealed or b"")


def test_a_form_sent_twice_takes_in_one_appeal(make: Factory) -> None:
    collector = make.actor(make.holder("collector_a"))
    data = make.sheet()
    first = intake.take_in(collector, "A", data, submit=True, request_key="once")
    again = intake.take_in(collector, "A", data, submit=True, request_key="once")
    assert first.appeal_id == again.appeal_id
    assert again.is_repeat
