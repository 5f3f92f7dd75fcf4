"""The portfolio in time: who leads a line, which section matches, which units are under it, at any moment (R8)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.dialects.postgresql import Range

from app.models import ChainLink, PortfolioPlace, db
from app.services import chains, grants, portfolio, present, reading
from tests.factories import Factory
from tests.test_desk import counted

DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """The present moment of the test."""
    return present.now()


def test_a_line_is_read_at_the_moment_asked_for(make: Factory, now: datetime) -> None:
    unit, before, after = make.a_unit(), make.person("示例前任"), make.person("示例后任")
    line = make.line(unit)
    make.stand(line, "vice_mayor", after, now)
    db.session.add(
        PortfolioPlace(portfolio_id=line.id, place="vice_mayor", person_id=before.id, valid=Range(None, now - DAY))
    )
    db.session.commit()
    found = {at: portfolio.line_of(unit.id, at) for at in (now - 2 * DAY, now - DAY, now, now + DAY)}
    names = [line.vice_mayor.name if line and line.vice_mayor else None for line in found.values()]
    assert names == ["示例前任", None, "示例后任", "示例后任"]


def test_all_lines_are_read_in_two_statements(make: Factory) -> None:
    make.stand(make.line(make.a_unit()), "deputy", make.person())
    with counted() as seen:
        portfolio.lines_at()
    assert len(seen) == 2
    units = [make.a_unit().id, make.a_unit(offset=1).id, make.a_unit("local_government").id]
    with counted() as seen:
        portfolio.lines_of(units)
    assert len(seen) == 3
    with counted() as seen:
        chains.chains_at(units)
    assert len(seen) == 2


def test_a_unit_that_moves_takes_its_chain_from_the_new_line(make: Factory, now: datetime) -> None:
    unit = make.a_unit()
    old = make.line(unit)
    new = next(line for line in portfolio.lines_at() if line.id != old.id)
    first, second = make.person(), make.person()
    make.stand(old, "vice_mayor", first)
    make.stand(new, "vice_mayor", second)
    row = db.session.query(PortfolioPlace).filter_by(place="unit", unit_id=unit.id).one()
    row.valid = Range(None, now, bounds="[)")
    db.session.flush()
    db.session.add(PortfolioPlace(portfolio_id=new.id, place="unit", unit_id=unit.id, valid=Range(now, None)))
    db.session.commit()

    def final(at: datetime) -> int | None:
        places = {(place.link, place.role): place.person_id for place in chains.places_of(unit, at)}
        return places["final", "A"]

    assert (final(now - DAY), final(now), final(now + DAY)) == (first.id, second.id, second.id)
    assert unit.id not in [other.id for other in make.line(make.a_unit(offset=1)).units if make.line(unit).id != new.id]


def test_a_chain_is_read_at_the_moment_asked_for(make: Factory, now: datetime) -> None:
    unit, before, after = make.a_unit("local_government"), make.person(), make.person()
    for person, valid in ((before, Range(None, now)), (after, Range(now, now + DAY))):
        db.session.add(ChainLink(unit_id=unit.id, link="first", role="A", person_id=person.id, valid=valid))
    db.session.commit()
    found = [chains.places_of(unit, at)[0].person_id for at in (now - DAY, now, now + DAY)]
    assert found == [before.id, after.id, None]


def test_a_leader_sees_the_line_while_he_leads_it(make: Factory, now: datetime) -> None:
    line, person = make.line(make.a_unit()), make.person()
    user = make.account(person)
    make.stand(line, "vice_mayor", person, now + DAY)

    def seen(at: datetime) -> tuple[int, ...]:
        standing = grants.standing_of(user.id, at)
        assert standing is not None
        return standing.portfolios

    assert [seen(at) for at in (now, now + DAY, now + 2 * DAY)] == [(), (line.id,), (line.id,)]


def test_whoever_led_the_line_since_the_opinion_may_have_signed(make: Factory, now: datetime) -> None:
    line, before, after, later = make.line(make.a_unit()), make.person(), make.person(), make.person()
    make.stand(line, "vice_mayor", after, now - DAY)
    gone = Range(None, now - DAY)
    db.session.add(PortfolioPlace(portfolio_id=line.id, place="vice_mayor", person_id=before.id, valid=gone))
    make.stand(line, "deputy", later, now + DAY)
    since = portfolio.leaders_between(line.id, now - 2 * DAY, now)
    assert {person.id for person in since} == {before.id, after.id}
    assert [person.id for person in portfolio.leaders_between(line.id, now, now)] == [after.id]


def test_the_slip_names_the_leaders_it_was_delivered_to(make: Factory) -> None:
    unit = make.a_unit()
    line, before, after = make.line(unit), make.person("示例前任"), make.person("示例后任")
    make.stand(line, "vice_mayor", before)
    appeal = make.appeal("with_leader", unit=unit)
    delivered = appeal.slips[-1].handovers[-1].at
    row = db.session.query(PortfolioPlace).filter_by(portfolio_id=line.id, place="vice_mayor").one()
    moved = delivered + timedelta(milliseconds=1)
    row.valid = Range(None, moved, bounds="[)")
    db.session.flush()
    db.session.add(
        PortfolioPlace(portfolio_id=line.id, place="vice_mayor", person_id=after.id, valid=Range(moved, None))
    )
    db.session.commit()
    found = reading.line_of(appeal.slips[-1])
    assert found is not None
    assert found.vice_mayor is not None
    assert found.vice_mayor.name == "示例前任"
    now_leads = make.line(unit).vice_mayor
    assert now_leads is not None
    assert now_leads.name == "示例后任"
