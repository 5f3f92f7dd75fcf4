"""Leaving (R16): every place ends as a filed change, what cannot end is named, the account is shut at that moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import (
    Account,
    ChainLink,
    Delivery,
    DutySeat,
    DutyShift,
    Holding,
    Membership,
    Person,
    Portfolio,
    PortfolioPlace,
    StaffingChange,
    db,
)
from app.rules.errors import FieldErrors, NotFound, Refused
from app.services import changes, grants, leavers, present
from app.services.actors import Actor
from app.services.changes import Change
from tests.factories import Factory


@pytest.fixture
def system(make: Factory) -> Actor:
    return make.actor(officer="system")


@pytest.fixture
def leaver(make: Factory, system: Actor) -> Person:
    """Somebody who stands nearly everywhere."""
    now, unit = present.now() - timedelta(hours=1), make.a_unit("local_government")
    person = make.person(unit_id=unit.id)
    make.account(person)
    for code, role in (("ledger_admin", "A"), ("editor", "B")):
        changes.file(system, Change("holding", now, post_id=make.post(code).id, role=role, person_id=person.id))
    changes.file(
        system,
        Change("holding", now + timedelta(days=9), post_id=make.post("liaison").id, role="B", person_id=person.id),
    )
    changes.file(system, Change("chain", now, unit_id=unit.id, link="first", role="A", person_id=person.id))
    changes.file(system, Change("leader", now, post_id=make.post("registrar").id, person_id=person.id))
    db.session.add(Membership(person_id=person.id, unit_id=unit.id, function="handler"))
    office = make.post("collector_a").office_id
    for day in (3, 4):
        shift = DutyShift(office_id=office, valid=Range(now + timedelta(days=day), now + timedelta(days=day, hours=8)))
        shift.seats.append(DutySeat(person_id=person.id, seat="main"))
        db.session.add(shift)
    db.session.commit()
    return person


def _open(model: type, person: Person) -> int:
    later = present.now() + timedelta(days=30)
    query = select(model.id).where(model.person_id == person.id, model.valid.contains(later))
    return len(db.session.scalars(query).all())


def test_everything_ends_in_one_transaction(make: Factory, system: Actor, leaver: Person) -> None:
    now = present.now()
    record = leavers.leave(system, leaver.id, now, "示例：调离")
    assert (_open(Holding, leaver), _open(ChainLink, leaver)) == (0, 0)
    assert make.count(DutySeat, person_id=leaver.id) == 0
    assert make.count(Membership, person_id=leaver.id, active=True) == 0
    assert make.post("registrar").leader_id is None
    assert not leaver.active
    account = db.session.scalars(select(Account).where(Account.person_id == leaver.id)).one()
    assert not account.user.active
    assert grants.standing_of(account.user_id) is None
    assert record.kind == "leaver"
    assert sorted(one["kind"] for one in record.before["places"]) == sorted(
        ["holding", "holding", "holding", "chain", "leader", "membership", "duty", "duty"]
    )
    own = db.session.scalars(select(StaffingChange).where(StaffingChange.reason == "示例：调离")).all()
    assert sorted(one.kind for one in own) == ["chain", "holding", "holding", "holding", "leader", "leaver"]
    assert all(one.after == {} for one in own if one.kind != "leaver")


def test_the_duty_office_is_told_once(make: Factory, system: Actor, leaver: Person) -> None:
    director = make.holder("duty_director")
    told = select(Delivery).where(Delivery.kind == "change.filed", Delivery.recipient_id == director.id)
    before = len(db.session.scalars(told).all())
    record = leavers.leave(system, leaver.id, present.now(), "示例")
    found = db.session.scalars(told.order_by(Delivery.id)).all()
    assert len(found) == before + 1
    assert found[-1].subject_id == record.id


def test_a_later_moment_waits_and_then_comes_by_itself(make: Factory, system: Actor, leaver: Person) -> None:
    at = present.now() + timedelta(days=2)
    record = leavers.leave(system, leaver.id, at, "示例")
    assert leaver.active
    assert make.holder("ledger_admin") is leaver
    assert leavers.finish_due() == 0
    with pytest.raises(FieldErrors):
        leavers.leave(system, leaver.id, at, "示例")
    with present.at(at + timedelta(minutes=1)):
        assert leavers.finish_due() == 1
        assert leavers.finish_due() == 0
        assert not leaver.active
        assert make.count(Membership, person_id=leaver.id, active=True) == 0
    assert "left_at" in record.after


def test_what_he_is_given_after_it_was_filed_ends_too(make: Factory, system: Actor, leaver: Person) -> None:
    now = present.now()
    leavers.leave(system, leaver.id, now + timedelta(days=5), "示例：退休")
    post = make.post("liaison")
    changes.file(system, Change("holding", now + timedelta(days=8), post_id=post.id, role="A", person_id=leaver.id))
    assert _open(Holding, leaver) == 1
    with present.at(now + timedelta(days=5, seconds=1)):
        assert leavers.finish_due() == 1
    assert _open(Holding, leaver) == 0
    assert not leaver.active


def test_the_preview_names_gaps_and_what_is_to_be_settled(make: Factory, system: Actor, leaver: Person) -> None:
    line_id = db.session.scalars(select(Portfolio.id).where(Portfolio.active)).first()
    place = {"portfolio_id": line_id, "place": "deputy", "person_id": leaver.id}
    db.session.add(PortfolioPlace(**place, valid=Range(present.now() - timedelta(days=1), None)))
    changes.file(system, Change("holding", present.now(), post_id=make.post("ledger_admin").id, role="B"))
    found = leavers.preview(system, leaver.id, present.now())
    assert {place.kind for place in found.places if place.is_open_point} == {"portfolio"}
    gaps = {(place.kind, place.subject.code) for place in found.places if place.is_gap}
    assert ("holding", "ledger_admin") in gaps
    assert ("holding", "editor") not in gaps
    assert found.has_account
    assert leaver.active


def test_the_same_form_twice_and_a_second_time_later(make: Factory, system: Actor, leaver: Person) -> None:
    first = leavers.leave(system, leaver.id, present.now(), "示例", request_key="leave-key")
    assert leavers.leave(system, leaver.id, present.now(), "示例", request_key="leave-key").id == first.id
    with pytest.raises(NotFound):
        leavers.leave(system, leaver.id, present.now(), "示例")


def test_only_the_system_officer_lets_somebody_go(make: Factory, leaver: Person) -> None:
    for person in (make.holder("duty_director"), make.member(make.a_unit())):
        with pytest.raises(Refused):
            leavers.leave(make.actor(person), leaver.id, present.now(), "示例")
