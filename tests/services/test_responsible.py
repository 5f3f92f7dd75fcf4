"""Who was responsible at a moment: persons, role, rule and the rows behind it, for posts and links, in the past too."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import (
    Absence,
    ChainLink,
    DutySeat,
    DutyShift,
    Holding,
    Person,
    Portfolio,
    PortfolioPlace,
    Post,
    StandIn,
    db,
)
from app.rules.errors import NotFound, Refused
from app.rules.roster import Gap, Rule
from app.services import present, responsible
from app.services.actors import Actor
from tests.factories import Factory, moment
from tests.test_desk import counted

NOW = moment("2027-03-10T04:00")


@pytest.fixture(autouse=True)
def fixed() -> object:
    """Each test happens at one moment."""
    with present.at(NOW):
        yield


@pytest.fixture
def system(make: Factory) -> Actor:
    return make.actor(officer="system")


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def held(make: Factory, code: str = "registrar") -> tuple[Post, Person, Person]:
    """The post, held by A and B since two hundred days."""
    post, a, b = make.post(code), make.person(), make.person()
    for row in db.session.scalars(select(Holding).where(Holding.post_id == post.id)):
        db.session.delete(row)
    db.session.flush()
    for person, role in ((a, "A"), (b, "B")):
        db.session.add(Holding(post_id=post.id, person_id=person.id, role=role, valid=Range(ago(200), None)))
    db.session.commit()
    return post, a, b


def told(answer: responsible.Answer) -> list[tuple[int, str, Rule]]:
    return [(one.person_id, one.role, one.rule) for one in answer.acting.persons]


def test_a_is_responsible_by_his_holding(make: Factory, system: Actor) -> None:
    post, a, b = held(make)
    with counted() as statements:
        found, answer = responsible.for_post(system, post.id, ago(3))
    assert found == post
    assert told(answer) == [(a.id, "A", Rule.A_ACTS)]
    assert [(row.kind, row.person_id, row.layer) for row in answer.evidence] == [
        ("holding", a.id, "A"),
        ("holding", b.id, "B"),
    ]
    assert answer.evidence[0].starts_at == ago(200)
    assert len(statements) <= 4


def test_b_was_responsible_while_a_was_away(make: Factory, system: Actor) -> None:
    post, a, b = held(make)
    db.session.add(Absence(person_id=a.id, kind="trip", valid=Range(ago(9), ago(5)), state="confirmed"))
    db.session.add(Absence(person_id=b.id, kind="sick", valid=Range(ago(9), ago(5)), state="refused"))
    db.session.commit()
    _post, answer = responsible.for_post(system, post.id, ago(6))
    assert told(answer) == [(b.id, "B", Rule.B_FOR_ABSENT_A)]
    (absence,) = [row for row in answer.evidence if row.kind == "absence"]
    assert (absence.person_id, absence.detail) == (a.id, "trip")
    assert told(responsible.for_post(system, post.id, ago(5))[1]) == [(a.id, "A", Rule.A_ACTS)]


def test_b_who_took_over_and_who_stood_in_are_found(make: Factory, system: Actor) -> None:
    post, a, b = held(make)
    third = make.person()
    db.session.add_all(
        [
            StandIn(kind="take_over", post_id=post.id, person_id=b.id, valid=Range(ago(30), ago(29))),
            StandIn(kind="both_away", post_id=post.id, person_id=third.id, valid=Range(ago(9), ago(7))),
            *(Absence(person_id=p.id, valid=Range(ago(9), ago(5)), state="confirmed") for p in (a, b)),
        ]
    )
    db.session.commit()
    assert told(responsible.for_post(system, post.id, ago(29.5))[1]) == [(b.id, "B", Rule.B_TOOK_OVER)]
    assert told(responsible.for_post(system, post.id, ago(8))[1]) == [(third.id, "S", Rule.STANDS_IN)]
    assert responsible.for_post(system, post.id, ago(6))[1].acting.gap is Gap.BOTH_AWAY


def test_r17_the_shift_of_that_moment_answers(make: Factory, system: Actor) -> None:
    post = make.post("collector_a")
    main, second = make.person(), make.person()
    shift = DutyShift(office_id=post.office_id, valid=Range(ago(300), ago(299)))
    shift.seats += [DutySeat(person_id=main.id, seat="main"), DutySeat(person_id=second.id, seat="second")]
    db.session.add(shift)
    db.session.commit()
    _post, answer = responsible.for_post(system, post.id, ago(299.5))
    assert told(answer) == [(main.id, "A", Rule.MAIN_SEAT)]
    assert {(row.kind, row.id, row.layer) for row in answer.evidence} == {
        ("duty_shift", shift.id, "A"),
        ("duty_shift", shift.id, "B"),
    }
    assert responsible.for_post(system, post.id, ago(299))[1].acting.gap is Gap.ROSTER_HOLE


def test_who_has_left_since_was_responsible_then_and_is_not_now(make: Factory, system: Actor) -> None:
    post, a, b = held(make)
    a.active = False
    db.session.commit()
    _post, then = responsible.for_post(system, post.id, ago(1))
    assert told(then) == [(a.id, "A", Rule.A_ACTS)]
    assert not then.people[a.id].is_active
    _post, now = responsible.for_post(system, post.id)
    assert told(now) == [(b.id, "B", Rule.B_FOR_VACANT_A)]
    assert now.unreached == {b.id: "no_account"}
    assert then.unreached == {}


def test_a_post_out_of_use_keeps_its_past(make: Factory, system: Actor) -> None:
    post, a, _b = held(make)
    post.active = False
    db.session.commit()
    assert told(responsible.for_post(system, post.id, ago(1))[1]) == [(a.id, "A", Rule.A_ACTS)]
    assert post in responsible.choices(system).posts


def test_r8_a_link_follows_from_chain_and_portfolio_of_that_moment(make: Factory, system: Actor) -> None:
    unit, head, mayor, deputy = make.a_unit(), make.person(), make.person(), make.person()
    line = db.session.scalars(select(Portfolio)).first()
    assert line is not None
    db.session.execute(PortfolioPlace.__table__.delete())
    db.session.add_all(
        [
            ChainLink(unit_id=unit.id, link="first", role="A", person_id=head.id, valid=Range(ago(50), ago(10))),
            PortfolioPlace(portfolio_id=line.id, place="unit", unit_id=unit.id, valid=Range(ago(50), None)),
            PortfolioPlace(portfolio_id=line.id, place="deputy", person_id=deputy.id, valid=Range(ago(50), None)),
            PortfolioPlace(portfolio_id=line.id, place="vice_mayor", person_id=mayor.id, valid=Range(ago(40), None)),
        ]
    )
    db.session.commit()

    def asked(link: str, at: datetime) -> responsible.Answer:
        return responsible.for_link(system, unit.id, link, at)[1]

    assert told(asked("first", ago(20))) == [(head.id, "A", Rule.A_ACTS)]
    assert asked("first", ago(5)).acting.gap is Gap.NO_HOLDER
    assert told(asked("coordinating", ago(20))) == [(deputy.id, "A", Rule.A_ACTS)]
    assert told(asked("final", ago(20))) == [(mayor.id, "A", Rule.A_ACTS)]
    assert told(asked("final", ago(45))) == [(deputy.id, "B", Rule.B_FOR_VACANT_A)]
    assert {row.kind for row in asked("final", ago(20)).evidence} == {"portfolio_place"}


def test_what_is_not_there_or_not_his_is_not_found(make: Factory, system: Actor) -> None:
    county = make.a_unit("local_government")
    for link in ("final", "nonsense"):
        with pytest.raises(NotFound):
            responsible.for_link(system, county.id, link)
    with pytest.raises(NotFound):
        responsible.for_post(system, 2**30)
    with pytest.raises(Refused):
        responsible.for_post(make.actor(make.person()), 1)
    leader = make.person()
    post = make.post("collector_e")
    post.leader_id = leader.id
    db.session.commit()
    actor = make.actor(leader)
    assert responsible.for_post(actor, post.id)[0] == post
    assert [one.id for one in responsible.choices(actor).posts] == [post.id]
    assert responsible.choices(actor).units == ()
    with pytest.raises(NotFound):
        responsible.for_post(actor, make.post("collector_d").id)
    with pytest.raises(NotFound):
        responsible.for_link(actor, county.id, "first")
