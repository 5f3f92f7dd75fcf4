"""A change of portfolio: what its preview shows, what it writes, files and tells, and what it refuses (R8, R16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Assignment, Audit, ChainLink, Delivery, Journal, PortfolioPlace, StaffingChange, Unit, db
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound, Refused
from app.services import chains, portfolio, portfolio_changes, present
from app.services.actors import Actor
from app.services.portfolio_changes import PortfolioChange
from tests.factories import Factory

DAY = timedelta(days=1)


@pytest.fixture
def system(make: Factory) -> Actor:
    """The system officer."""
    return make.actor(officer="system")


@pytest.fixture
def unit(make: Factory) -> Unit:
    """A department under a line with both leaders named."""
    unit = make.a_unit()
    line = make.line(unit)
    make.stand(line, "vice_mayor", make.person("示例老副市长"))
    make.stand(line, "deputy", make.person("示例老副秘书长"))
    return unit


def change_of(line: portfolio.Line, **wanted: Any) -> PortfolioChange:
    """A change that leaves everything as it is but what is said."""
    places = {place: wanted.pop(place) for place in portfolio.SINGLE if place in wanted}
    return PortfolioChange(**{"line_id": line.id, "at": present.now(), "places": places, **wanted})


def made(actor: Actor, change: PortfolioChange, **more: Any) -> tuple[StaffingChange, ...]:
    return portfolio_changes.make(actor, change, seen=portfolio_changes.preview(actor, change).seen, **more)


def problems(actor: Actor, change: PortfolioChange) -> set[tuple[str, str]]:
    with pytest.raises(FieldErrors) as refused:
        portfolio_changes.preview(actor, change)
    return {(problem.field, problem.code) for problem in refused.value.problems}


def test_a_preview_shows_every_chain_and_writes_nothing(make: Factory, system: Actor, unit: Unit) -> None:
    line, new = make.line(unit), make.person("示例新副秘书长")
    rows = make.count(PortfolioPlace), make.count(Journal), make.count(StaffingChange)
    found = portfolio_changes.preview(system, change_of(line, deputy=new.id))
    assert [(one.place, one.before.name, one.after.name) for one in found.places if one.before and one.after] == [
        ("deputy", "示例老副秘书长", "示例新副秘书长")
    ]
    own = {(one.link, one.role): one.after.name for one in found.links if one.unit.id == unit.id and one.after}
    assert own == {("coordinating", "A"): "示例新副秘书长", ("final", "B"): "示例新副秘书长"}
    departments = [one for one in line.units if one.kind in ("department", "stationed")]
    assert {one.id for one in departments} <= {one.unit.id for one in found.links}
    assert ([one.name for one in found.gain], [one.name for one in found.lose]) == (
        ["示例新副秘书长"],
        ["示例老副秘书长"],
    )
    assert (make.count(PortfolioPlace), make.count(Journal), make.count(StaffingChange)) == rows


def test_it_takes_effect_at_its_moment_and_is_filed_once(make: Factory, system: Actor, unit: Unit) -> None:
    line, new = make.line(unit), make.person("示例新副市长")
    before, at = present.now(), present.now() + DAY
    change = change_of(line, vice_mayor=new.id, at=at, reason="示例：换届")
    (row,) = made(system, change, request_key="示例-1")
    assert (row.kind, row.portfolio_id, row.effective_at, row.reason) == ("portfolio", line.id, at, "示例：换届")
    assert row.before["vice_mayor"]["name"] == "示例老副市长"
    assert row.after["vice_mayor"]["name"] == "示例新副市长"
    leads = [portfolio.line(line.id, moment) for moment in (before, at - timedelta(seconds=1), at, at + DAY)]
    names = [one.vice_mayor.name for one in leads if one and one.vice_mayor]
    assert names == ["示例老副市长", "示例老副市长", "示例新副市长", "示例新副市长"]
    again = portfolio_changes.make(system, change, seen="", request_key="示例-1")
    assert [one.id for one in again] == [row.id]
    assert make.count(StaffingChange, kind="portfolio") == 1
    trace = db.session.scalars(select(Journal).where(Journal.object_type == "portfolio", Journal.object_id == line.id))
    assert [one.new["vice_mayor"] for one in trace if one.action == "edit"] == [new.code]
    assert make.count(Audit, event="right.change", object_type="portfolio", object_id=str(line.id)) == 1


def test_old_and_new_leaders_and_the_clerks_are_told(make: Factory, system: Actor, unit: Unit) -> None:
    line, new = make.line(unit), make.person()
    assert line.section is not None
    other = db.session.scalars(select(Unit).where(Unit.kind == "section", Unit.id != line.section.id)).first()
    assert other is not None
    clerks = [make.member(section, "section_clerk").id for section in (line.section, other)]
    made(system, change_of(line, vice_mayor=new.id, section=other.id))
    told = set(db.session.scalars(select(Delivery.recipient_id).where(Delivery.kind == "portfolio.changed")))
    assert told == {new.id, *(person.id for person in line.leaders), *clerks}


def test_a_unit_moves_from_its_line_and_both_lines_get_a_record(make: Factory, system: Actor, unit: Unit) -> None:
    old = make.line(unit)
    new = next(line for line in portfolio.lines_at() if line.id != old.id)
    make.stand(new, "vice_mayor", make.person("示例另一副市长"))
    new = portfolio.line(new.id) or new
    first, second = made(system, change_of(new, moved_in=(unit.id,)))
    assert (first.portfolio_id, second.portfolio_id) == (new.id, old.id)
    assert first.after["units"] == second.before["units"]
    assert make.line(unit).id == new.id
    final = next(p for p in chains.places_of(unit) if (p.link, p.role) == ("final", "A"))
    assert final.person_id == new.vice_mayor.id if new.vice_mayor else False
    (third,) = made(system, change_of(portfolio.line(new.id) or new, moved_out=(unit.id,)))
    assert third.before["units"][0]["code"] == unit.code
    assert portfolio.line_of(unit.id) is None


def test_an_open_appeal_keeps_its_chain_and_its_line(make: Factory, system: Actor, unit: Unit) -> None:
    line = make.line(unit)
    slip = make.appeal("with_leader", unit=unit)
    assigned = make.appeal("in_progress", unit=unit)
    frozen = db.session.scalars(select(Assignment).where(Assignment.appeal_id == assigned.id)).one().chain
    change = change_of(line, vice_mayor=make.person().id)
    found = portfolio_changes.preview(system, change)
    assert (found.with_unit, found.on_the_way, found.in_sight) == (1, 1, 1)
    made(system, change)
    db.session.expire_all()
    assert db.session.scalars(select(Assignment).where(Assignment.appeal_id == assigned.id)).one().chain == frozen
    assert (slip.portfolio_id, slip.slips[-1].portfolio_id) == (line.id, line.id)


def test_sight_of_the_slips_goes_with_the_line(make: Factory, system: Actor, unit: Unit) -> None:
    line, new = make.line(unit), make.person()
    assert line.vice_mayor is not None
    make.appeal("with_leader", unit=unit)
    assert line.id in {grant.value for grant in make.actor(line.vice_mayor).grants.grants}
    made(system, change_of(line, vice_mayor=new.id))
    assert line.id in {grant.value for grant in make.actor(new).grants.grants}
    assert not make.actor(line.vice_mayor).grants.grants


def test_a_change_entered_for_later_stands(make: Factory, system: Actor, unit: Unit) -> None:
    line, soon, later = make.line(unit), make.person("示例近期"), make.person("示例远期")
    now = present.now()
    made(system, change_of(line, vice_mayor=later.id, at=now + 10 * DAY))
    change = change_of(line, vice_mayor=soon.id, at=now + DAY)
    found = portfolio_changes.preview(system, change)
    assert [one.until for one in found.places] == [now + 10 * DAY]
    made(system, change)
    leads = [portfolio.line(line.id, now + days * DAY) for days in (0, 1, 10)]
    assert [one.vice_mayor.name for one in leads if one and one.vice_mayor] == ["示例老副市长", "示例近期", "示例远期"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (lambda line, person: {"deputy": line.vice_mayor.id}, ("deputy", "portfolio.same-person")),
        (lambda line, person: {"vice_mayor": 999_999}, ("vice_mayor", "person.unknown")),
        (lambda line, person: {"section": line.units[0].id}, ("section", "field.choice")),
        (lambda line, person: {"moved_in": (line.units[0].id,)}, ("moved_in", "portfolio.under-already")),
        (lambda line, person: {"moved_in": (999_999,)}, ("moved_in", "field.choice")),
        (lambda line, person: {"moved_out": (999_999,)}, ("moved_out", "portfolio.not-under")),
        (lambda line, person: {"at": present.now() + 3000 * DAY, "deputy": person.id}, ("at", "change.moment")),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    make: Factory, system: Actor, unit: Unit, wanted: Any, expected: tuple[str, str]
) -> None:
    line = make.line(unit)
    units = tuple(one for one in line.units if one.kind != "section")
    assert problems(system, change_of(line, **wanted(replace(line, units=units), make.person()))) == {expected}


def test_nobody_becomes_his_own_b_later_on_or_in_a_chain(make: Factory, system: Actor, unit: Unit) -> None:
    line, person = make.line(unit), make.person()
    made(system, change_of(line, deputy=person.id, at=present.now() + 10 * DAY))
    assert problems(system, change_of(line, vice_mayor=person.id)) == {("deputy", "portfolio.same-person")}
    other = make.person()
    db.session.add(ChainLink(unit_id=unit.id, link="coordinating", role="B", person_id=other.id))
    db.session.commit()
    assert problems(system, change_of(line, deputy=other.id)) == {("deputy", "portfolio.coordinating-same")}


def test_leaders_may_swap_their_places(make: Factory, system: Actor, unit: Unit) -> None:
    line = make.line(unit)
    assert line.vice_mayor is not None
    assert line.deputy is not None
    made(system, change_of(line, vice_mayor=line.deputy.id, deputy=line.vice_mayor.id))
    assert make.line(unit).leaders == (line.deputy, line.vice_mayor)


def test_nothing_to_change_and_an_unknown_line_are_told(make: Factory, system: Actor, unit: Unit) -> None:
    line = make.line(unit)
    with pytest.raises(Invalid, match=r"portfolio\.nothing-changes"):
        portfolio_changes.preview(system, change_of(line))
    with pytest.raises(NotFound, match=r"portfolio\.unknown"):
        portfolio_changes.preview(system, replace(change_of(line), line_id=999_999))


def test_what_was_looked_at_is_what_is_made(make: Factory, system: Actor, unit: Unit) -> None:
    line, first, second = make.line(unit), make.person(), make.person()
    late, quick = change_of(line, vice_mayor=first.id), change_of(line, vice_mayor=second.id)
    seen = portfolio_changes.preview(system, late).seen
    made(system, quick)
    with pytest.raises(Conflict, match=r"portfolio\.changed-meanwhile"):
        portfolio_changes.make(system, late, seen=seen)
    found = make.line(unit).vice_mayor
    assert found is not None
    assert found.id == second.id
    assert make.count(StaffingChange, kind="portfolio") == 1


def test_only_the_system_officer_changes_it(make: Factory, unit: Unit) -> None:
    change = change_of(make.line(unit), vice_mayor=make.person().id)
    for actor in (make.actor(make.holder("duty_director")), make.actor(officer="security"), make.actor(make.person())):
        with pytest.raises(Refused, match=r"access\.not-granted"):
            portfolio_changes.preview(actor, change)
