"""The handover note at a change of shift: written once, taken by who follows, missed by nobody (R17)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.models import Delivery, DutyShift, HandoverSheet, Journal, Person, db
from app.rules.errors import Conflict, NotFound, Refused
from app.services import handovers, present, shift_handovers
from app.services.actors import Actor
from jobs import timetable
from tests.factories import Factory
from tests.services.test_rosters import NOW, at, shift


@pytest.fixture
def system(make: Factory) -> Actor:
    return make.actor(officer="system")


@pytest.fixture
def office(make: Factory) -> int:
    return make.unit("duty_office").id


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with present.at(NOW):
        yield


@pytest.fixture
def pair(make: Factory, system: Actor, office: int) -> tuple[DutyShift, DutyShift, Person, Person]:
    """Two shifts, the first under way, and their main seats."""
    one, two = make.person(), make.person()
    with present.at(at("03-05 07:00")):
        first = shift(system, office, "03-05 08:00", "03-05 20:00", one)
        second = shift(system, office, "03-05 20:00", "03-06 08:00", two)
    return first, second, one, two


Pair = tuple[DutyShift, DutyShift, Person, Person]


def told(kind: str) -> list[int]:
    return list(db.session.scalars(select(Delivery.recipient_id).where(Delivery.kind == kind)))


def test_open_work_passes_with_a_note_that_both_confirm(make: Factory, office: int, pair: Pair) -> None:
    first, _second, one, two = pair
    with present.at(at("03-05 19:30")):
        appeal = make.appeal("draft", channel_class="A")
        sheet_id = shift_handovers.write(make.actor(one), first.id, "示例：注意供水诉求")
        sheet = db.session.get_one(HandoverSheet, sheet_id)
        assert (sheet.kind, sheet.shift_id, sheet.from_id, sheet.to_id) == ("shift", first.id, one.id, None)
        assert [item["appeal_id"] for item in sheet.items] == [appeal.id]
        assert sheet.given_at == present.now()
        assert told("handover.given") == [two.id]
        assert shift_handovers.write(make.actor(one), first.id, "again") == sheet_id
        assert make.count(HandoverSheet) == 1
        assert make.count(Journal, object_type="handover_sheet", object_id=sheet_id) == 2
    with present.at(at("03-05 20:05")):
        incoming = make.actor(two)
        turn = shift_handovers.my_turn(incoming)
        assert turn is not None
        assert turn.to_take == (sheet_id,)
        handovers.take(incoming, sheet_id)
        db.session.refresh(sheet)
        assert (sheet.to_id, sheet.taken_at) == (two.id, present.now())
        turn = shift_handovers.my_turn(incoming)
        assert turn is not None
        assert turn.to_take == ()


def test_only_who_sits_the_shift_writes_near_its_end(make: Factory, office: int, pair: Pair) -> None:
    first, _second, one, two = pair
    with pytest.raises(Conflict, match=r"shift-note\.too-early"):
        shift_handovers.write(make.actor(one), first.id, "")
    with present.at(at("03-05 19:00")):
        with pytest.raises(Refused, match=r"shift-note\.not-yours"):
            shift_handovers.write(make.actor(two), first.id, "")
        with pytest.raises(NotFound, match=r"roster\.no-shift"):
            shift_handovers.write(make.actor(make.person()), first.id, "")
        draft = shift_handovers.draft(make.actor(one), first.id)
        assert draft.may_write
        assert [person.id for person in draft.follow] == [two.id]
    with present.at(at("03-06 20:01")), pytest.raises(Conflict, match=r"shift-note\.too-late"):
        shift_handovers.write(make.actor(one), first.id, "")
    assert make.count(HandoverSheet) == 0


def test_a_missing_note_is_seen_and_the_same_people_need_none(
    make: Factory, system: Actor, office: int, pair: Pair
) -> None:
    first, _second, one, two = pair
    third = shift(system, office, "03-06 08:00", "03-06 20:00", two, second=(one,))
    with present.at(at("03-05 20:30")):
        listed = shift_handovers.changes(system, office)
        # The second shift passes to the same main seat; after the third comes nobody.
        assert [(change.shift_id, change.state) for change in listed] == [(third.id, "coming"), (first.id, "missing")]
        assert [person.id for person in listed[1].comes] == [two.id]
        assert listed[0].comes == ()
        assert not listed[1].may_write
        assert shift_handovers.changes(make.actor(one), office)[1].may_write
        assert shift_handovers.missing([office]) == {office: 1}
        shift_handovers.write(make.actor(one), first.id, "")
        assert shift_handovers.missing([office]) == {office: 0}
        assert shift_handovers.changes(system, office)[1].state == "given"
    with present.at(at("03-06 19:00")):
        assert shift_handovers.changes(system, office)[0].state == "due"


def test_the_outgoing_seat_is_reminded_once(make: Factory, office: int, pair: Pair) -> None:
    _first, second, one, two = pair
    for minute, expected in ((29, 0), (30, 1), (31, 1), (59, 1)):
        with present.at(at(f"03-05 19:{minute}")):
            shift_handovers.remind(present.now())
            assert len(told("shift.note_due")) == expected
    assert told("shift.note_due") == [one.id]
    with present.at(at("03-06 07:45")):
        shift_handovers.write(make.actor(two), second.id, "")
        assert shift_handovers.remind(present.now()) == 0


def test_nobody_is_reminded_who_goes_on(make: Factory, system: Actor, office: int, pair: Pair) -> None:
    shift(system, office, "03-06 08:00", "03-06 20:00", pair[3])
    assert shift_handovers.remind(at("03-06 08:00") - timedelta(minutes=10)) == 0


def test_the_timetable_knows_it() -> None:
    assert "shift_notes" in {entry.name for entry in timetable.SLOTTED}
