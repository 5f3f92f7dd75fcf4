"""Coverage from the tables: posts, links, who cannot be reached; what the badge counts; the daily notice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import (
    Absence,
    Account,
    Assumption,
    ChainLink,
    CoverageState,
    Delivery,
    DutySeat,
    DutyShift,
    Holding,
    Person,
    Portfolio,
    PortfolioPlace,
    Post,
    StandIn,
    Unit,
    db,
)
from app.rules import chain
from app.rules.coverage import Cause, Stretch
from app.rules.errors import Refused
from app.services import chains, coverage, grants, journal, present
from app.services.actors import software
from app.services.coverage import Survey
from app.services.transaction import transaction
from tests.factories import Factory
from tests.test_desk import counted

NOON = datetime(2027, 3, 10, 4, tzinfo=UTC)  # 12:00 in Shanghai


@pytest.fixture(autouse=True)
def noon() -> object:
    """Each test happens at noon of a fixed day."""
    with present.at(NOON):
        yield


def day(n: float) -> datetime:
    """So many days after the midnight the window begins with."""
    return datetime(2027, 3, 9, 16, tzinfo=UTC) + timedelta(days=n)


def staffed(make: Factory, code: str = "registrar") -> tuple[Post, Person, Person]:
    """The post with fresh holders who have an account."""
    post, now = make.post(code), present.now()
    a, b = make.person(), make.person()
    for person, role in ((a, "A"), (b, "B")):
        make.account(person)
        held = db.session.scalars(select(Holding).where(Holding.post_id == post.id, Holding.role == role)).one()
        held.person_id, held.valid = person.id, Range(now - timedelta(days=99), None)
    db.session.commit()
    return post, a, b


def survey(make: Factory) -> Survey:
    return coverage.survey(make.actor(officer="system"))


def gaps_of(found: Survey, post: Post) -> list[Stretch]:
    return [gap.stretch for gap in found.post_gaps if gap.post is not None and gap.post.id == post.id]


def away(person: Person, begin: float, end: float, state: str = "confirmed") -> Absence:
    row = Absence(person_id=person.id, valid=Range(day(begin), day(end)), state=state)
    db.session.add(row)
    db.session.commit()
    return row


def test_a_post_with_both_holders_is_covered(make: Factory) -> None:
    post, a, b = staffed(make)
    away(a, 3, 5)
    away(b, 4, 6, state="requested")
    found = survey(make)
    (line,) = [line for line in found.posts if line.post.id == post.id]
    assert line.covered.gaps == ()
    assert [s.acting.person_ids for s in line.covered.stretches] == [(a.id,), (b.id,), (a.id,)]
    assert found.people[a.id].name == a.name


def test_both_away_is_a_gap_until_somebody_stands_in(make: Factory) -> None:
    post, a, b = staffed(make)
    away(a, 3, 6)
    away(b, 4, 6)
    assert [(g.starts_at, g.ends_at, g.cause) for g in gaps_of(survey(make), post)] == [
        (day(4), day(6), Cause.BOTH_AWAY)
    ]
    third = make.person()
    make.account(third)
    db.session.add(StandIn(kind="both_away", post_id=post.id, person_id=third.id, valid=Range(day(4), day(6))))
    db.session.commit()
    assert gaps_of(survey(make), post) == []


def test_a_holding_that_ends_without_a_successor_is_a_gap_ahead(make: Factory) -> None:
    post, _a, _b = staffed(make)
    for held in db.session.scalars(select(Holding).where(Holding.post_id == post.id)):
        held.valid = Range(held.valid.lower, day(10))
    db.session.commit()
    found = survey(make)
    (gap,) = [gap for gap in found.post_gaps if gap.post is not None and gap.post.id == post.id]
    assert (gap.cause, gap.is_now, gap.is_open) == (Cause.HOLDING_ENDS, False, True)


@pytest.mark.parametrize(
    ("change", "cause"),
    [("no account", Cause.NO_ACCOUNT), ("disabled", Cause.DISABLED), ("never", Cause.NEVER_LOGGED_IN)],
)
def test_a_holder_nobody_can_reach_is_a_gap(make: Factory, change: str, cause: Cause) -> None:
    post, a, _b = staffed(make)
    account = db.session.scalars(select(Account).where(Account.person_id == a.id)).one()
    if change == "no account":
        db.session.delete(account)
    elif change == "disabled":
        account.user.active = False
    else:
        account.password_changed_at = None
    db.session.commit()
    assert [gap.cause for gap in gaps_of(survey(make), post)] == [cause]
    away(a, 0, 9)
    assert gaps_of(survey(make), post)[0].starts_at == day(9)


def test_a_hole_in_the_roster_is_a_gap_of_the_posts_it_fills(make: Factory) -> None:
    post = make.post("collector_a")
    db.session.execute(DutyShift.__table__.delete())
    person = make.person()
    make.account(person)
    for begin, end in ((-1, 5), (6, 200)):
        shift = DutyShift(office_id=post.office_id, valid=Range(day(begin), day(end)))
        shift.seats.append(DutySeat(person_id=person.id, seat="main"))
        db.session.add(shift)
    db.session.commit()
    found = survey(make)
    for code in ("collector_a", "collector_f"):
        assert [(g.starts_at, g.cause) for g in gaps_of(found, make.post(code))] == [(day(5), Cause.ROSTER_HOLE)]
    assert [g.cause for g in gaps_of(found, make.post("collector_b"))] == [Cause.ROSTER_HOLE]


def test_links_follow_the_chain_and_the_portfolio_over_time(make: Factory) -> None:
    unit = make.a_unit()
    head, deputy = make.person(), make.person()
    for person in (head, deputy):
        make.account(person)
    db.session.execute(PortfolioPlace.__table__.delete())
    line = db.session.scalars(select(Portfolio)).first()
    assert line is not None
    db.session.add_all(
        [
            ChainLink(unit_id=unit.id, link="first", role="A", person_id=head.id, valid=Range(None, day(20))),
            PortfolioPlace(portfolio_id=line.id, place="unit", unit_id=unit.id, valid=Range(day(-9), None)),
            PortfolioPlace(portfolio_id=line.id, place="deputy", person_id=deputy.id, valid=Range(day(5), day(30))),
        ]
    )
    db.session.commit()
    found = survey(make)
    (own,) = [one for one in found.units if one.unit.id == unit.id]
    links = {one.link: [(s.starts_at, s.cause) for s in one.covered.stretches] for one in own.links}
    assert links["first"] == [(day(0), None), (day(20), Cause.HOLDING_ENDS)]
    assert links["direct"] == [(day(0), Cause.NO_HOLDER)]
    assert links["coordinating"] == [(day(0), Cause.NO_HOLDER), (day(5), None), (day(30), Cause.HOLDING_ENDS)]
    assert links["final"] == links["coordinating"]
    assert own.is_lacking


def test_a_leader_stands_in_a_link(make: Factory) -> None:
    unit = make.a_unit("local_government")
    person = make.person()
    make.account(person)
    db.session.add(
        StandIn(kind="both_away", unit_id=unit.id, link="first", person_id=person.id, valid=Range(day(0), day(7)))
    )
    db.session.commit()
    (own,) = [one for one in survey(make).units if one.unit.id == unit.id]
    first = own.links[0].covered
    assert [(s.acting.person_ids, s.cause) for s in first.stretches] == [
        ((person.id,), None),
        ((), Cause.NO_HOLDER),
    ]


def test_the_horizon_is_an_assumption(make: Factory) -> None:
    assert (survey(make).days, survey(make).end) == (90, day(90))
    row = db.session.scalars(select(Assumption).where(Assumption.code == "coverage_days")).one()
    for value, days in ((7, 7), (0, 1), (99999, 730), ("soon", 90), (True, 90)):
        row.value = value
        db.session.commit()
        assert survey(make).days == days


def test_strangers_are_refused(make: Factory) -> None:
    with pytest.raises(Refused):
        coverage.survey(make.actor(make.person()))


def test_it_costs_a_fixed_number_of_statements(make: Factory) -> None:
    actor = make.actor(officer="system")
    with counted() as statements:
        coverage.survey(actor)
    assert len(statements) <= 12, "\n\n".join(statements)


def test_it_agrees_with_what_the_permissions_say(make: Factory) -> None:
    post, a, b = staffed(make)
    away(a, 0, 2)
    found = survey(make)
    (line,) = [line for line in found.posts if line.post.id == post.id]
    now = line.covered.at(NOON)
    assert now is not None
    standing = grants.standing_of(make.user_of(b).id)
    assert standing is not None
    assert now.acting.role_of(b.id) == standing.posts[0].role == "B"
    a.active = False
    db.session.commit()
    (line,) = [line for line in survey(make).posts if line.post.id == post.id]
    assert line.covered.gaps == ()
    assert {p.person_id for s in line.covered.stretches for p in s.acting.persons} == {b.id}


# --- what the timetable does ---------------------------------------------------------------------------------


def test_the_state_is_kept_for_the_badge_in_all_and_by_post(make: Factory) -> None:
    post, _a, _b = staffed(make)
    gaps = coverage.refresh()
    state = db.session.scalars(select(CoverageState)).one()
    assert (state.gaps, sum(state.by_post.values())) == (gaps, gaps)
    assert str(post.id) not in state.by_post
    leader = make.person()
    post.leader_id = leader.id
    other = make.post("collector_c")
    other.leader_id = leader.id
    db.session.commit()
    standing = grants.standing_of(make.user_of(leader).id)
    assert standing is not None
    assert standing.coverage_gaps == state.by_post[str(other.id)]
    nobody = grants.standing_of(make.user_of(make.person()).id)
    assert nobody is not None
    assert nobody.coverage_gaps == 0


def test_it_is_computed_again_when_the_staffing_table_was_written_or_time_has_passed(make: Factory) -> None:
    assert coverage.refresh_if_stale()
    assert not coverage.refresh_if_stale()
    with transaction():
        journal.write(software("test"), "edit", "appeal", 1)
    assert not coverage.refresh_if_stale()
    with transaction():
        journal.write(software("test"), "edit", "holding", 1)
    assert coverage.refresh_if_stale()
    assert not coverage.refresh_if_stale()
    with present.at(NOON + timedelta(minutes=5)):
        assert coverage.refresh_if_stale()


def test_the_duty_director_is_told_once_a_day(make: Factory) -> None:
    director = make.holder("duty_director")
    assert coverage.notify() == 1
    assert coverage.notify() == 0
    (told,) = db.session.scalars(select(Delivery).where(Delivery.kind == "coverage.gaps")).all()
    assert told.recipient_id == director.id
    with present.at(NOON + timedelta(days=1)):
        assert coverage.notify() == 1


def test_without_a_gap_nobody_is_told(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Survey, "post_gaps", property(lambda _self: []))
    monkeypatch.setattr(Survey, "link_gaps", property(lambda _self: []))
    assert coverage.notify() == 0
    assert make.count(Delivery, kind="coverage.gaps") == 0


def test_every_unit_in_use_has_a_chain_to_cover_sections_too(make: Factory) -> None:
    unit = make.a_unit()
    unit.active = False
    db.session.commit()
    shown = {line.unit.id for line in survey(make).units}
    assert unit.id not in shown
    assert shown == set(db.session.scalars(select(Unit.id).where(Unit.active)))


def test_when_nobody_acts_as_duty_director_the_leader_of_that_post_is_told(make: Factory) -> None:
    post, leader = make.post("duty_director"), make.person()
    for held in db.session.scalars(select(Holding).where(Holding.post_id == post.id)):
        db.session.delete(held)
    post.leader_id = leader.id
    db.session.commit()
    assert coverage.notify() == 1
    (told,) = db.session.scalars(select(Delivery).where(Delivery.kind == "coverage.gaps")).all()
    assert told.recipient_id == leader.id


def test_links_agree_with_the_chains_of_the_moment(make: Factory) -> None:
    """Whoever stands first in a link, A before B, acts there, since nobody is away."""
    for unit in db.session.scalars(select(Unit).where(Unit.active).limit(20)):
        by_hand = [place for place in chain.expected(unit.kind) if place not in chain.DERIVED]
        for link, role in by_hand[:: 1 + unit.id % 2]:
            person = make.person().id
            db.session.add(ChainLink(unit_id=unit.id, link=link, role=role, person_id=person, valid=Range(None, None)))
    leaders = [make.person(), make.person()]
    for line in db.session.scalars(select(Portfolio).limit(3)):
        for place, leader in zip(("vice_mayor", "deputy"), leaders, strict=True):
            placed = PortfolioPlace(portfolio_id=line.id, place=place, person_id=leader.id, valid=Range(None, None))
            db.session.add(placed)
    db.session.commit()
    found = survey(make)
    known = chains.chains_at([line.unit.id for line in found.units])
    for line in found.units:
        for link in line.links:
            both = [place.person_id for place in known[line.unit.id] if place.link == link.link and place.person_id]
            now = link.covered.at(NOON)
            assert now is not None
            assert list(now.acting.person_ids) == both[:1]
