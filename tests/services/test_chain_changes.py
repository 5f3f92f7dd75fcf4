"""Several places of chains at once: filed one by one, all or none; the workbook there and back (R15, R16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import chain_words
from app.models import ChainLink, Delivery, StaffingChange, Unit, db
from app.rules.errors import Conflict, FieldErrors, Invalid, Refused
from app.services import chain_changes, chains, present
from app.services.actors import Actor
from app.services.chain_changes import Wanted
from tests.factories import Factory

DAY = timedelta(days=1)


@pytest.fixture
def system(make: Factory) -> Actor:
    """The system officer."""
    return make.actor(officer="system")


def wanted(unit: Unit, link: str, role: str, person: Any, before: Any = None) -> Wanted:
    return Wanted(unit.id, link, role, person.id if person else None, before.id if before else None)


def stands(unit: Unit, at: Any = None) -> dict[tuple[str, str], int | None]:
    return {(place.link, place.role): place.person_id for place in chains.places_of(unit, at)}


@pytest.mark.parametrize("kind", ["local_government", "administration", "department", "stationed", "section"])
def test_every_kind_of_unit_gets_its_places_filled_at_once(make: Factory, system: Actor, kind: str) -> None:
    unit, people = make.a_unit(kind), [make.person() for _ in range(4)]
    spots = [("first", "A"), ("first", "B"), ("direct", "A"), ("direct", "B")]
    at = present.now() + DAY
    asked = [wanted(unit, *spot, person) for spot, person in zip(spots, people, strict=True)]
    filed = chain_changes.set_places(system, asked, at=at, reason="示例：调整", request_key="示例-链")
    assert [(row.kind, row.unit_id, row.link, row.role, row.person_id) for row in filed] == [
        ("chain", unit.id, *spot, person.id) for spot, person in zip(spots, people, strict=True)
    ]
    assert not any(stands(unit).get(spot) for spot in spots)
    assert [stands(unit, at)[spot] for spot in spots] == [person.id for person in people]
    again = chain_changes.set_places(system, asked, at=at, request_key="示例-链")
    assert [row.id for row in again] == [filed[0].id]
    assert make.count(ChainLink, unit_id=unit.id) == 4


def test_the_duty_office_gets_one_notice_about_all_of_them(make: Factory, system: Actor) -> None:
    unit = make.a_unit()
    asked = [wanted(unit, "first", role, make.person()) for role in "AB"]
    chain_changes.set_places(system, asked, at=present.now())
    told = db.session.scalars(select(Delivery.recipient_id).where(Delivery.kind == "change.filed")).all()
    assert list(told) == [make.holder("duty_director").id]


def test_a_and_b_swap_in_two_records(make: Factory, system: Actor) -> None:
    unit, first, second = make.a_unit(), make.person(), make.person()
    start = present.now() - DAY
    asked = [wanted(unit, "first", "A", first), wanted(unit, "first", "B", second)]
    chain_changes.set_places(system, asked, at=start)
    swap = [wanted(unit, "first", "A", second, first), wanted(unit, "first", "B", first, second)]
    filed = chain_changes.set_places(system, swap, at=present.now())
    assert [(row.before["person"], row.after["person"]) for row in filed] == [
        (first.code, second.code),
        (second.code, first.code),
    ]
    assert (stands(unit)["first", "A"], stands(unit)["first", "B"]) == (second.id, first.id)


def test_one_wrong_place_leaves_everything_as_it_was(make: Factory, system: Actor) -> None:
    county, person = make.a_unit("local_government"), make.person()
    asked = [
        wanted(county, "first", "A", person),
        wanted(county, "first", "B", person),
        wanted(county, "final", "A", make.person()),
    ]
    with pytest.raises(FieldErrors) as refused:
        chain_changes.set_places(system, asked, at=present.now())
    found = {(problem.field, problem.code) for problem in refused.value.problems}
    assert found == {
        (f"{county.id}-first-A", "chain.same-person"),
        (f"{county.id}-first-B", "chain.same-person"),
        (f"{county.id}-final-A", "chain.no-such-place"),
    }
    assert make.count(ChainLink, unit_id=county.id) == 0
    assert make.count(StaffingChange) == 0


def test_nobody_becomes_coordinating_b_beside_himself(make: Factory, system: Actor) -> None:
    unit, deputy = make.a_unit(), make.person()
    make.stand(make.line(unit), "deputy", deputy)
    with pytest.raises(FieldErrors) as refused:
        chain_changes.set_places(system, [wanted(unit, "coordinating", "B", deputy)], at=present.now())
    assert [problem.code for problem in refused.value.problems] == ["chain.same-person"]
    chain_changes.set_places(system, [wanted(unit, "coordinating", "B", make.person())], at=present.now())
    assert not [place for place in chains.places_of(unit) if place.link == "coordinating" and place.person_id is None]


def test_what_changed_meanwhile_and_what_changes_nothing_is_told(make: Factory, system: Actor) -> None:
    unit, first, second = make.a_unit(), make.person(), make.person()
    chain_changes.set_places(system, [wanted(unit, "first", "A", first)], at=present.now() - DAY)
    with pytest.raises(Conflict, match=r"chain\.changed-meanwhile"):
        chain_changes.set_places(system, [wanted(unit, "first", "A", second)], at=present.now())
    with pytest.raises(Invalid, match=r"chain\.nothing-changes"):
        chain_changes.set_places(system, [wanted(unit, "first", "A", first, first)], at=present.now())


def test_only_the_system_officer_does_it_for_any_unit(make: Factory) -> None:
    unit = make.a_unit()
    for actor in (make.actor(make.member(unit)), make.actor(make.holder("duty_director"))):
        with pytest.raises(Refused, match=r"access\.not-granted"):
            chain_changes.set_places(actor, [wanted(unit, "first", "A", make.person())], at=present.now())
        with pytest.raises(Refused, match=r"access\.not-granted"):
            chain_changes.export(actor)


def test_the_workbook_handed_in_again_shows_no_difference(app: Any, make: Factory, system: Actor) -> None:
    unit, one = make.a_unit(), make.person("示例同名", position="局长")
    other = make.person("示例同名", position="副局长")
    make.stand(make.line(unit), "deputy", make.person("示例副秘书长"))
    asked = [wanted(unit, "first", "A", one), wanted(unit, "first", "B", other)]
    chain_changes.set_places(system, asked, at=present.now() - DAY)
    one.active = False
    db.session.commit()
    for locale in ("zh", "en"):
        with app.test_request_context(headers={"Accept-Language": locale}):
            content = chain_words.workbook(chain_changes.export(system), present.now()).getvalue()
        reading = chain_changes.read(system, content)
        assert (reading.differences, reading.problems) == ((), ())
        assert reading.rows == make.count(Unit, active=True)


def test_reading_a_workbook_of_another_kind_is_refused(make: Factory, system: Actor) -> None:
    with pytest.raises(Invalid):
        chain_changes.read(system, b"no workbook")
