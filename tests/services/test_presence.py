"""Who of a line's leaders is there: the deputy as the vice mayor's B, somebody standing in for both (R15)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, Person, StandIn, db
from app.services import presence, present
from tests.factories import Factory


def _away(*persons: Person, state: str = "confirmed") -> None:
    now = present.now()
    for person in persons:
        db.session.add(Absence(person_id=person.id, valid=Range(now, now + timedelta(days=2)), state=state))
    db.session.commit()


def _line(make: Factory) -> tuple[int, Person, Person]:
    line, vice_mayor, deputy = make.line(make.a_unit()), make.person(), make.person()
    make.stand(line, "vice_mayor", vice_mayor)
    make.stand(line, "deputy", deputy)
    return line.id, vice_mayor, deputy


def _found(line_id: int) -> presence.Presence:
    found = presence.of_line(line_id)
    assert found is not None
    return found


def test_the_vice_mayor_acts_while_he_is_there(make: Factory) -> None:
    line_id, vice_mayor, deputy = _line(make)
    _away(vice_mayor, state="requested")
    found = _found(line_id)
    assert found.acting is not None
    assert (found.acting.person, found.is_replaced) == (vice_mayor, False)
    assert presence.stands_for(line_id, deputy.id, present.now()) is None


def test_the_deputy_acts_as_his_b_while_he_is_away(make: Factory) -> None:
    line_id, vice_mayor, deputy = _line(make)
    _away(vice_mayor)
    found = _found(line_id)
    assert found.acting is not None
    assert (found.acting.person, found.is_replaced) == (deputy, True)
    assert found.leaders[0].away_until is not None
    assert presence.stands_for(line_id, deputy.id, present.now()) == vice_mayor.id
    assert presence.stands_for(line_id, vice_mayor.id, present.now()) is None


def test_while_both_are_away_whoever_stands_in_is_named_once(make: Factory) -> None:
    line_id, vice_mayor, deputy = _line(make)
    _away(vice_mayor, deputy)
    assert (_found(line_id).acting, _found(line_id).standing_in) == (None, ())
    third, now = make.person(), present.now()
    for unit in _found(line_id).line.units[:2]:
        valid = Range(now, now + timedelta(days=2))
        db.session.add(
            StandIn(kind="both_away", unit_id=unit.id, link="final", person_id=third.id, valid=valid, reason="示例")
        )
    db.session.commit()
    assert _found(line_id).standing_in == (third,)


def test_a_line_without_a_vice_mayor_is_led_by_the_deputy_in_his_own_name(make: Factory) -> None:
    line_id, _vice_mayor, deputy = _line(make)
    make.stand(make.line(make.a_unit()), "vice_mayor", None)
    found = _found(line_id)
    assert found.acting is not None
    assert (found.acting.person, found.is_replaced) == (deputy, False)
