"""Who can see an appeal: what the page tells is what the visibility clause lets through, account by account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, Appeal, Holding, Membership, Person, PortfolioPlace, Post, StandIn, db
from app.rules.errors import NotFound
from app.services import access, present, sight, standings, workflow
from app.services.portfolio import LEADERS
from tests.factories import Factory
from tests.test_desk import counted

STATES = ("draft", "submitted", "registered", "slip_ready", "with_leader", "assigned", "in_progress", "answered")


def _populate(make: Factory) -> None:
    """Somebody in every place of the world, a few of them in more than one, some of them away or out of use."""
    now = present.now()
    for post in db.session.scalars(select(Post)).all():
        if post.filled_by_duty:
            make.on_duty(post.office)
            make.on_duty(post.office, "second")
    unit, foreign = make.a_unit(), make.a_unit(offset=1)
    for place in (unit, foreign):
        make.member(place)
    for section in db.session.scalars(select(Post.office_id).distinct()).all():
        make.member(db.session.get_one(type(unit), section), "section_clerk")
    for line in db.session.scalars(select(PortfolioPlace).where(PortfolioPlace.place == "section")).all():
        make.member(db.session.get_one(type(unit), line.unit_id), "section_clerk")
        for place_name in LEADERS:
            standing = select(PortfolioPlace.id).where(
                PortfolioPlace.portfolio_id == line.portfolio_id, PortfolioPlace.place == place_name
            )
            if db.session.scalar(standing) is None:
                leader = make.person()
                row = PortfolioPlace(
                    portfolio_id=line.portfolio_id, place=place_name, person_id=leader.id, valid=Range(None, None)
                )
                db.session.add(row)
    office = db.session.scalars(
        select(PortfolioPlace.unit_id).where(PortfolioPlace.place == "section").order_by(PortfolioPlace.id)
    ).first()
    assert office is not None
    post = Post(
        code="shili_sight",
        name="示例岗",
        number=13,
        office_id=office,
        scope="own_office",
        capabilities=["supervise"],
        leader_id=make.person().id,
    )
    db.session.add(post)
    db.session.flush()
    day = timedelta(days=1)
    db.session.add(Holding(post_id=post.id, person_id=make.person().id, role="A", valid=Range(now - day, None)))
    liaison = make.holder("liaison")
    db.session.add(Absence(person_id=liaison.id, valid=Range(now - day, now + day)))
    db.session.add(
        StandIn(
            kind="take_over",
            post_id=make.post("editor").id,
            person_id=make.person().id,
            valid=Range(now - day, now + day),
        )
    )
    gone = make.member(make.a_unit(offset=2))
    gone.active = False
    db.session.commit()
    for person in db.session.scalars(select(Person)).all():
        make.user_of(person)


def _seen_by(person_id: int, sight_of: sight.Sight) -> bool:
    return any(seer.person.id == person_id for seers in sight_of.groups.values() for seer in seers)


def test_listed_is_who_may_read_it_and_nobody_else(make: Factory) -> None:
    appeals = [make.appeal(state, unit=make.a_unit(offset=n % 2)) for n, state in enumerate(STATES)]
    appeals += [make.appeal("submitted", channel_class=letter) for letter in "BCDEF"]
    _populate(make)
    director = make.actor(make.holder("duty_director"))
    found = {appeal.id: sight.of_appeal(director, appeal.id) for appeal in appeals}
    compared = 0
    for person in db.session.scalars(select(Person)).all():
        actor = make.actor(person)
        for appeal in appeals:
            visible = access.appeals_for(actor).where(Appeal.id == appeal.id).with_only_columns(Appeal.id)
            allowed = db.session.scalar(visible) is not None
            assert allowed == _seen_by(person.id, found[appeal.id]), (person.name, appeal.state, appeal.channel_class)
            compared += 1
            if allowed:
                offered = tuple(step.name for step in workflow.actions_on(actor, appeal))
                seer = next(s for group in found[appeal.id].groups.values() for s in group if s.person.id == person.id)
                assert seer.steps == offered
                assert seer.has_login
    assert compared > 300


def test_everybodys_grants_are_each_ones_own(make: Factory) -> None:
    """The facts read for all at once are those that a request of each person would find."""
    from app.rules.grants import grants_for

    _populate(make)
    known = standings.everybody()
    for person in db.session.scalars(select(Person)).all():
        assert set(grants_for(known.facts_of(person.id)).grants) == set(make.actor(person).grants.grants), person.name


def test_an_officer_and_a_stranger_are_told_nothing(make: Factory) -> None:
    appeal = make.appeal("registered")
    for actor in (make.actor(officer="system"), make.actor(officer="audit"), make.actor(make.person())):
        with pytest.raises(NotFound):
            sight.of_appeal(actor, appeal.id)


def test_a_unit_is_told_of_its_own_people_only(make: Factory) -> None:
    unit = make.a_unit()
    appeal = make.appeal("in_progress", unit=unit)
    mine = sight.of_appeal(make.actor(make.member(unit)), appeal.id)
    assert not mine.is_whole
    assert list(mine.groups) == ["unit"]
    whole = sight.of_appeal(make.actor(make.holder("collector_a")), appeal.id)
    assert whole.is_whole
    assert {"post", "unit"} <= set(whole.groups)
    page = make.signed_in(make.member(unit)).get(f"/appeals/{appeal.id}/who-can-see", base_url="https://localhost")
    assert make.holder("supervisor").name not in page.text


def test_the_reason_names_post_role_and_rule(make: Factory) -> None:
    appeal = make.appeal("registered")
    a, b = make.holder("liaison"), make.holder("liaison", "B")
    now = present.now()
    db.session.add(Absence(person_id=a.id, valid=Range(now - timedelta(hours=1), now + timedelta(days=1))))
    db.session.commit()
    found = sight.of_appeal(make.actor(make.holder("duty_director")), appeal.id)
    assert not _seen_by(a.id, found)
    seer = next(seer for seer in found.groups["post"] if seer.person.id == b.id)
    assert [(r.post.code, r.grant.role, r.rule) for r in seer.reasons if r.post] == [("liaison", "B", "b_for_absent_a")]


def test_it_costs_the_same_for_few_and_for_many(make: Factory) -> None:
    unit = make.a_unit()
    appeal = make.appeal("in_progress", unit=unit)
    director = make.actor(make.holder("duty_director"))

    def cost() -> int:
        db.session.expire_all()
        with counted() as statements:
            sight.of_appeal(director, appeal.id)
        return len(statements)

    few = cost()
    for _each in range(20):
        db.session.add(Membership(person_id=make.person().id, unit_id=unit.id, function="handler"))
    db.session.commit()
    assert cost() == few <= 18
