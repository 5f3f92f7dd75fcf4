"""A slip with its leaders: delivered to whoever is there, instructed, split into tasks, fulfilled, noted (R6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, Appeal, Delivery, Instruction, Journal, Person, StandIn, Unit, db
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import leaders, portfolio, present, reading, slips, workflow
from app.services.actors import Actor
from tests.factories import Factory

TEXT = "示例：请抓紧办理，三日内答复。"


@dataclass
class Office:
    """One line with both leaders, and an appeal on its way to them."""

    make: Factory
    line: portfolio.Line
    unit: Unit
    vice_mayor: Person
    deputy: Person

    def appeal(self, state: str = "with_leader") -> Appeal:
        return self.make.appeal(state, unit=self.unit)

    def act(self, person: Person, appeal: Appeal, name: str, **data: object) -> None:
        workflow.act(self.make.actor(person), appeal.id, name, data, version=None)
        db.session.refresh(appeal)

    def actor(self, person: Person) -> Actor:
        return self.make.actor(person)

    def away(self, *persons: Person) -> None:
        now = present.now()
        for person in persons:
            db.session.add(Absence(person_id=person.id, valid=Range(now, now + timedelta(days=2))))
        db.session.commit()

    def clerk(self) -> Person:
        assert self.line.section is not None
        return self.make.member(self.line.section, "section_clerk")


@pytest.fixture
def office(make: Factory) -> Office:
    unit = make.a_unit()
    line, vice_mayor, deputy = make.line(unit), make.person(), make.person()
    make.stand(line, "vice_mayor", vice_mayor)
    make.stand(line, "deputy", deputy)
    return Office(make, make.line(unit), unit, vice_mayor, deputy)


def _told(appeal: Appeal, kind: str) -> set[int | None]:
    query = select(Delivery.recipient_id).where(Delivery.appeal_id == appeal.id, Delivery.kind == kind)
    return set(db.session.scalars(query))


def _wrote(appeal: Appeal) -> Instruction:
    return appeal.slips[-1].instructions[-1]


# --- the hand-over to the leader ----------------------------------------------------------------------------


def test_a_slip_is_delivered_to_the_leader_named_in_the_form(office: Office) -> None:
    appeal = office.appeal("with_section")
    office.act(office.clerk(), appeal, "deliver", leader=office.deputy.code)
    assert appeal.slips[-1].handovers[-1].counterpart == office.deputy.name
    assert _told(appeal, "slip.to_read") == {office.vice_mayor.id, office.deputy.id}


def test_with_nobody_named_it_goes_to_whoever_acts_for_the_line(office: Office) -> None:
    office.away(office.vice_mayor)
    appeal = office.appeal("with_section")
    office.act(office.clerk(), appeal, "deliver")
    assert appeal.slips[-1].handovers[-1].counterpart == office.deputy.name
    assert _told(appeal, "slip.to_read") == {office.deputy.id}


def test_while_both_are_away_the_receiver_is_asked_for_by_name(office: Office) -> None:
    office.away(office.vice_mayor, office.deputy)
    appeal = office.appeal("with_section")
    with pytest.raises(FieldErrors) as wrong:
        office.act(office.clerk(), appeal, "deliver")
    assert [problem.code for problem in wrong.value.by_field()["receiver"]] == ["deliver.nobody-here"]
    office.act(office.clerk(), appeal, "deliver", receiver="示例秘书")
    assert appeal.slips[-1].handovers[-1].counterpart == "示例秘书"
    assert _told(appeal, "slip.to_read") == {office.vice_mayor.id, office.deputy.id}


def test_no_slip_is_delivered_to_a_leader_of_another_line(office: Office) -> None:
    appeal = office.appeal("with_section")
    with pytest.raises(FieldErrors) as refused:
        office.act(office.clerk(), appeal, "deliver", leader=office.make.person().code)
    assert [(one.field, one.code) for one in refused.value.problems] == [("leader", "field.choice")]
    assert [one.leg for one in appeal.slips[-1].handovers] == ["carry"]


# --- what the leaders write ---------------------------------------------------------------------------------


def test_while_both_are_away_who_stands_in_writes_for_the_vice_mayor_and_not_a_day_longer(office: Office) -> None:
    office.away(office.vice_mayor, office.deputy)
    third, now = office.make.person(), present.now()
    valid = Range(now, now + timedelta(days=1))
    own = {"kind": "both_away", "link": "final", "person_id": third.id, "valid": valid, "reason": "示例"}
    db.session.add(StandIn(unit_id=office.unit.id, **own))
    db.session.commit()
    appeal = office.appeal("with_section")
    office.act(office.clerk(), appeal, "deliver")
    assert appeal.slips[-1].handovers[-1].counterpart == third.name
    assert _told(appeal, "slip.to_read") == {office.vice_mayor.id, office.deputy.id, third.id}
    board = leaders.board(office.actor(third))
    assert [one.slip.appeal_id for one in board.waiting] == [appeal.id]
    office.act(third, appeal, "instruct", instruction=TEXT)
    assert (_wrote(appeal).person_id, _wrote(appeal).acting_for_id) == (third.id, office.vice_mayor.id)
    with present.at(now + timedelta(days=1)), pytest.raises(Refused):
        leaders.board(office.actor(third))


def test_the_deputy_writes_for_the_absent_vice_mayor_and_in_his_own_name_while_he_is_there(office: Office) -> None:
    first = office.appeal()
    office.act(office.deputy, first, "instruct", instruction=TEXT)
    assert (_wrote(first).person_id, _wrote(first).acting_for_id) == (office.deputy.id, None)
    office.away(office.vice_mayor)
    second = office.appeal()
    office.act(office.deputy, second, "instruct", instruction=TEXT)
    assert (_wrote(second).person_id, _wrote(second).acting_for_id) == (office.deputy.id, office.vice_mayor.id)
    query = select(Journal).where(Journal.action == "instruct").order_by(Journal.id)
    kept = [row.new.get("acting_for") for row in db.session.scalars(query)]
    assert kept == [None, {"name": office.vice_mayor.name, "name_en": office.vice_mayor.name_en}]
    assert second.slips[-1].instructed_by_name == office.deputy.name


def test_the_page_offers_what_the_reader_may_write(office: Office) -> None:
    appeal = office.appeal()
    slip_id = appeal.slips[-1].id
    office.act(office.deputy, appeal, "comment", comment="示例：建议限三日。")
    page = leaders.page(office.actor(office.vice_mayor), slip_id)
    assert {"comment", "instruct"} <= page.actions
    assert [one.text for one in page.story.comments] == ["示例：建议限三日。"]
    assert page.phrases
    office.act(office.vice_mayor, appeal, "instruct", instruction=TEXT)
    assert not leaders.page(office.actor(office.vice_mayor), slip_id).actions


def test_a_leader_of_another_line_is_a_stranger(office: Office) -> None:
    appeal, stranger = office.appeal(), office.make.person()
    other = next(line for line in portfolio.lines_at() if line.id != office.line.id and line.row.active)
    office.make.stand(other, "vice_mayor", stranger)
    actor = office.actor(stranger)
    for reading_of in (leaders.page, leaders.appeal_of):
        with pytest.raises(NotFound):
            reading_of(actor, appeal.slips[-1].id)
    assert leaders.board(actor).waiting == ()
    with pytest.raises(Refused):
        leaders.board(office.actor(office.make.person()))


def test_an_older_slip_is_not_written_on(office: Office) -> None:
    appeal = office.appeal("instructed")
    first = appeal.slips[-1]
    appeal.slips.append(
        type(first)(
            section_id=first.section_id,
            portfolio_id=first.portfolio_id,
            opinion="示例",
            opinion_by_id=first.opinion_by_id,
            opinion_at=present.now(),
        )
    )
    db.session.commit()
    with pytest.raises(Conflict) as refused:
        leaders.appeal_of(office.actor(office.vice_mayor), first.id)
    assert refused.value.code == "slip.superseded"


# --- tasks and the way back ---------------------------------------------------------------------------------


def _forwarded(office: Office) -> Appeal:
    """Instructed with a date, given to a lead and a co-handling unit, each with its own task."""
    appeal = office.appeal()
    due_on = present.today() + timedelta(days=7)
    office.act(office.vice_mayor, appeal, "instruct", instruction=TEXT, due_on=due_on)
    wanted = slips.wanted(appeal)
    assert wanted is not None
    assert (wanted.text, wanted.due_on) == (TEXT, due_on)
    office.act(
        office.make.holder("duty_director"),
        appeal,
        "forward",
        unit=office.unit.code,
        due_on=due_on,
        task=wanted.text,
        co_units=(office.make.a_unit(offset=1).code,),
        co_task="示例：协助现场查看。",
    )
    return appeal


def _finish(office: Office, appeal: Appeal) -> None:
    informed = {"informed_at": present.now(), "informed_how": "phone"}
    for offset in (1, 0):
        handler = office.make.member(office.make.a_unit(offset=offset))
        office.act(handler, appeal, "sign_in")
        office.act(handler, appeal, "answer", feedback="示例：已修复。", **(informed if offset == 0 else {}))
    office.act(office.make.holder("duty_director"), appeal, "accept")


def test_an_instruction_splits_into_tasks_and_its_fulfilment_goes_back(office: Office) -> None:
    appeal = _forwarded(office)
    story = slips.story(appeal, appeal.slips[-1], present.now())
    assert [(task.assignment.part, task.assignment.task) for task in story.tasks] == [
        ("lead", TEXT),
        ("co", "示例：协助现场查看。"),
    ]
    assert (story.done, story.is_in_time, [task.is_late for task in story.tasks]) == (0, None, [None, None])
    _finish(office, appeal)
    story = slips.story(appeal, appeal.slips[-1], present.now())
    assert (story.done, story.is_in_time, [task.is_late for task in story.tasks]) == (2, True, [False, False])
    board = leaders.board(office.actor(office.vice_mayor))
    assert [(one.slip.appeal_id, one.tasks, one.done, one.is_in_time) for one in board.fulfilled] == [
        (appeal.id, 2, 2, True)
    ]
    assert _told(appeal, "slip.fulfilled") == {office.vice_mayor.id, office.deputy.id}
    office.act(office.vice_mayor, appeal, "take_note")
    board = leaders.board(office.actor(office.vice_mayor))
    assert board.fulfilled == ()
    assert [one.slip.noted_at is not None for one in board.written] == [True]


def test_a_day_that_passed_unfulfilled_is_late(office: Office) -> None:
    appeal = _forwarded(office)
    story = slips.story(appeal, appeal.slips[-1], present.now() + timedelta(days=9))
    assert (story.is_in_time, story.tasks[0].is_late) == (False, True)


def test_history_is_read_in_pages(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaders, "HISTORY", 1)
    appeals = [office.appeal(), office.appeal()]
    for appeal in appeals:
        office.act(office.vice_mayor, appeal, "instruct", instruction=TEXT)
    actor = office.actor(office.vice_mayor)
    first = leaders.board(actor)
    assert [one.slip.appeal_id for one in first.written] == [appeals[1].id]
    second = leaders.board(actor, before=first.older)
    assert ([one.slip.appeal_id for one in second.written], second.older) == ([appeals[0].id], None)


# --- the legs -----------------------------------------------------------------------------------------------


def test_each_leg_has_its_own_actor_and_clock(office: Office) -> None:
    appeal = office.appeal("fetched")
    page = reading.page(office.actor(office.make.holder("liaison")), appeal.id)
    legs = page.slips[-1].legs
    assert [leg.leg for leg in legs] == ["carry", "deliver", "fetch"]
    assert [leg.clock.kind if leg.clock else None for leg in legs] == ["carry", "delivery", "fetch_back"]
    post = office.make.post("liaison")
    assert [(leg.post, leg.section is not None) for leg in legs] == [(post, False), (None, True), (post, False)]
    assert [leg.handover.role if leg.handover else None for leg in legs] == ["A", None, "A"]


def test_a_leg_under_way_says_whose_it_is(office: Office) -> None:
    appeal = office.appeal("with_section")
    carried, under_way = slips.story(appeal, appeal.slips[-1], present.now()).legs
    assert carried.handover is not None
    assert (under_way.leg, under_way.handover, under_way.section) == ("deliver", None, office.line.section)


def test_a_slip_signed_in_the_product_needs_no_fetching(office: Office) -> None:
    appeal = office.appeal()
    office.act(office.vice_mayor, appeal, "instruct", instruction=TEXT)
    last = slips.story(appeal, appeal.slips[-1], present.now()).legs[-1]
    assert (last.leg, last.handover, last.is_signed) == ("fetch", None, True)


def test_nothing_is_written_by_reading(office: Office) -> None:
    appeal = office.appeal()
    before = db.session.scalar(select(func.count()).select_from(Delivery))
    leaders.page(office.actor(office.vice_mayor), appeal.slips[-1].id)
    leaders.board(office.actor(office.vice_mayor))
    assert not db.session.dirty
    assert db.session.scalar(select(func.count()).select_from(Delivery)) == before
