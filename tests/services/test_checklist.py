"""First steps: each count falls when the office does what the step asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Audit, DutySeat, DutyShift, Holding, Person, Post, SetupMark, Unit, db
from app.rules.errors import NotFound, Refused
from app.services import checklist, present
from tests.factories import Factory


def left(make: Factory) -> dict[str, int]:
    return {step.code: step.left for step in checklist.steps(make.actor(officer="system"))}


def test_a_fresh_installation_has_everything_before_it(make: Factory) -> None:
    found = left(make)
    assert found["people"] == 13
    assert found["posts"] == 0
    assert found["rosters"] == 2
    assert found["portfolio"] == 6
    assert found["accounts"] == len(set(db.session.scalars(select(Holding.person_id))))
    assert found["chains"] == found["handlers"] > 40


def test_a_vacant_role_and_a_replaced_person_are_counted(make: Factory) -> None:
    db.session.delete(db.session.scalars(select(Holding)).first())
    db.session.scalars(select(Person).where(Person.code == "secretariat_3")).one().active = False
    db.session.commit()
    found = left(make)
    assert (found["posts"], found["people"]) == (1, 12)


def test_a_roster_without_hole_settles_its_office(make: Factory) -> None:
    now, person = present.now(), make.person()
    office = db.session.scalars(select(Post.office_id).where(Post.filled_by_duty)).first()
    middle = now + timedelta(days=10)
    for start, end in ((now - timedelta(days=1), middle), (middle, now + timedelta(days=40))):
        shift = DutyShift(office_id=office, valid=Range(start, end))
        shift.seats.append(DutySeat(person_id=person.id, seat="main"))
        db.session.add(shift)
    db.session.commit()
    assert left(make)["rosters"] == 1
    db.session.delete(shift)
    db.session.commit()
    assert left(make)["rosters"] == 2


def test_a_handler_settles_his_unit(make: Factory) -> None:
    before = left(make)["handlers"]
    make.member(db.session.scalars(select(Unit).where(Unit.kind == "department")).first())
    assert left(make)["handlers"] == before - 1


def test_a_step_is_settled_by_hand_and_opened_again(make: Factory) -> None:
    system = make.actor(officer="system")
    checklist.settle(system, "backup", " 示例：已演练 ")
    checklist.settle(system, "backup", "示例：再次演练")
    (backup,) = [step for step in checklist.steps(system) if step.code == "backup"]
    assert backup.is_done
    assert backup.mark is not None
    assert backup.mark.remark == "示例：再次演练"
    checklist.reopen(system, "backup")
    checklist.reopen(system, "backup")
    assert make.count(SetupMark) == 0
    assert make.count(Audit, object_type="setup_mark") == 3


def test_strangers_and_unknown_steps_are_refused(make: Factory) -> None:
    with pytest.raises(Refused):
        checklist.settle(make.actor(make.person()), "backup", "")
    with pytest.raises(NotFound):
        checklist.settle(make.actor(officer="system"), "no-such-step", "")


def test_the_page_says_what_is_left(app: Flask, make: Factory) -> None:
    page = make.signed_in(officer="system").get("/first-steps/", base_url="https://localhost")
    assert page.status_code == 200
    assert "13" in page.text
    assert "0%" in page.text
