"""Planning duty rosters: one write path, nothing rewritten that has been, everybody told (R17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, Audit, Delivery, DutySeat, DutyShift, Journal, Person, db
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound, Refused
from app.rules.rosters import Duty, Period
from app.services import present, roster_months, roster_proposals, rosters
from app.services.actors import Actor
from app.services.rosters import Edit
from tests.factories import Factory, moment

NOW = moment("2031-03-05T02:00:30")  # ten in the morning at Shanghai
DAY = "2031-03-06"


def at(text: str) -> datetime:
    """A moment of Shanghai, written like "03-06 08:00"."""
    return datetime.fromisoformat(f"2031-{text}:00+08:00").astimezone(UTC)


@pytest.fixture
def system(make: Factory) -> Actor:
    return replace(make.actor(officer="system"), request_id="test")


@pytest.fixture
def office(make: Factory) -> int:
    return make.unit("duty_office").id


@pytest.fixture(autouse=True)
def _now() -> Any:
    with present.at(NOW):
        yield


def shift(
    system: Actor, office: int, start: str, end: str, *main: Person, second: tuple[Person, ...] = ()
) -> DutyShift:
    """A shift, planned through the service."""
    duty = Duty(office, at(start), at(end), tuple(p.id for p in main), tuple(p.id for p in second))
    done = rosters.plan(system, office, [Edit(None, duty)])
    return db.session.get_one(DutyShift, done.shift_ids[0])


def seats(row: DutyShift) -> set[tuple[int, str]]:
    db.session.refresh(row)
    return {(seat.person_id, seat.seat) for seat in row.seats}


def codes(caught: pytest.ExceptionInfo[FieldErrors]) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in caught.value.problems}


def told(kind: str) -> set[int]:
    return set(db.session.scalars(select(Delivery.recipient_id).where(Delivery.kind == kind)))


# --- one shift -------------------------------------------------------------------------------------------------


def test_a_shift_is_planned_with_its_traces(make: Factory, system: Actor, office: int) -> None:
    one, two = make.person(), make.person()
    before = make.count(Journal)
    row = shift(system, office, "03-06 08:00", "03-06 20:00", one, second=(two,))
    assert seats(row) == {(one.id, "main"), (two.id, "second")}
    assert make.count(Journal) == before + 1
    trace = db.session.scalars(select(Journal).order_by(Journal.id.desc())).first()
    assert trace is not None
    assert (trace.action, trace.object_id) == ("create", row.id)
    assert trace.new["main"] == [one.code]
    audit = db.session.scalars(select(Audit).order_by(Audit.id.desc())).first()
    assert audit is not None
    assert audit.event == "right.change"
    assert told("shift.on") == {one.id, two.id}


def test_a_duty_beyond_a_fortnight_is_nobodys_news(make: Factory, system: Actor, office: int) -> None:
    shift(system, office, "03-20 08:00", "03-20 20:00", make.person())
    assert told("shift.on") == set()


def test_a_change_that_changes_nothing_writes_nothing(make: Factory, system: Actor, office: int) -> None:
    row = shift(system, office, "03-06 08:00", "03-06 20:00", make.person())
    before = make.count(Journal)
    assert rosters.plan(system, office, [Edit(row.id, roster_months.duty_of(row))]).undo is None
    assert make.count(Journal) == before


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        ("03-06 20:00", "03-06 20:00", {("ends_at", "period.ends-before-start")}),
        ("03-06 08:00", "03-16 20:00", {("ends_at", "shift.too-long"), ("starts_at", "shift.overlap")}),
        ("03-07 19:00", "03-07 23:00", {("starts_at", "shift.overlap")}),
    ],
)
def test_a_wrong_time_gets_a_message_at_the_field(
    make: Factory, system: Actor, office: int, start: str, end: str, wrong: set[tuple[str, str]]
) -> None:
    shift(system, office, "03-07 08:00", "03-07 20:00", make.person())
    with pytest.raises(FieldErrors) as caught:
        shift(system, office, start, end, make.person())
    assert codes(caught) == wrong


def test_nobody_is_in_two_places_and_the_message_says_where(make: Factory, system: Actor, office: int) -> None:
    hotline, one = make.unit("hotline_center"), make.person("示例值班员")
    shift(system, hotline.id, "03-06 08:00", "03-06 20:00", make.person(), second=(one,))
    with pytest.raises(FieldErrors) as caught:
        shift(system, office, "03-06 19:00", "03-07 08:00", one)
    problem = caught.value.problems[0]
    assert (problem.field, problem.code) == ("main", "shift.elsewhere")
    assert problem.data["person"].name == "示例值班员"  # type: ignore[attr-defined]
    assert problem.data["office"].name == hotline.name  # type: ignore[attr-defined]
    assert problem.data["from"] == "2031-03-06 08:00"
    assert make.count(DutyShift, office_id=office) == 0


def test_who_is_away_is_put_on_no_shift_but_a_planned_one_stays(make: Factory, system: Actor, office: int) -> None:
    one, two = make.person(), make.person()
    row = shift(system, office, "03-06 08:00", "03-06 20:00", one)
    for person in (one, two):
        period = Range(at("03-06 12:00"), at("03-07 12:00"))
        db.session.add(Absence(person_id=person.id, valid=period, state="confirmed"))
    db.session.commit()
    with pytest.raises(FieldErrors) as caught:
        rosters.put(system, office, row.id, two.id, "second")
    assert codes(caught) == {("second", "shift.away")}
    rosters.put(system, office, row.id, make.person().id, "second")
    with pytest.raises(FieldErrors):
        rosters.move_shift(system, office, row.id, date(2031, 3, 7))


def test_the_main_seat_takes_at_least_one_and_nobody_sits_twice(make: Factory, system: Actor, office: int) -> None:
    one = make.person()
    row = shift(system, office, "03-06 08:00", "03-06 20:00", one)
    with pytest.raises(FieldErrors) as caught:
        rosters.take_off(system, office, row.id, one.id)
    assert codes(caught) == {("main", "shift.nobody")}
    duty = replace(roster_months.duty_of(row), second=(one.id,))
    with pytest.raises(FieldErrors) as caught:
        rosters.plan(system, office, [Edit(row.id, duty)])
    assert codes(caught) == {("second", "shift.two-seats")}
    with pytest.raises(Invalid, match=r"person\.unknown"):
        rosters.put(system, office, row.id, 10**8, "main")


def test_a_stale_page_changes_nothing(make: Factory, system: Actor, office: int) -> None:
    row = shift(system, office, "03-06 08:00", "03-06 20:00", make.person())
    version = row.version
    rosters.put(system, office, row.id, make.person().id, "second", version=version)
    with pytest.raises(Conflict, match=r"roster\.stale"):
        rosters.put(system, office, row.id, make.person().id, "second", version=version)
    with pytest.raises(Conflict, match=r"roster\.stale"):
        rosters.remove(system, office, row.id, version=version)
    rosters.remove(system, office, row.id)
    with pytest.raises(NotFound, match=r"roster\.no-shift"):
        rosters.put(system, office, row.id, make.person().id, "second")


# --- what has been ---------------------------------------------------------------------------------------------


def _past(make: Factory, office: int) -> DutyShift:
    row = DutyShift(office_id=office, valid=Range(at("03-04 08:00"), at("03-04 20:00")))
    row.seats = [DutySeat(person_id=make.person().id, seat="main")]
    db.session.add(row)
    db.session.commit()
    return row


def test_the_past_is_history_but_for_the_system_officer_with_a_reason(
    make: Factory, system: Actor, office: int
) -> None:
    row, other = _past(make, office), make.person()
    duty = replace(roster_months.duty_of(row), main=(other.id,))
    for change in (Edit(row.id, duty), Edit(row.id, None)):
        with pytest.raises(Refused, match=r"shift\.past"):
            rosters.plan(system, office, [change])
    with pytest.raises(Refused, match=r"shift\.in-past"):
        shift(system, office, "03-05 08:00", "03-05 20:00", other)
    leader = _leader(make, office)
    with pytest.raises(Refused, match=r"shift\.past"):
        rosters.plan(leader, office, [Edit(row.id, duty)], reason="示例：记错")
    rosters.plan(system, office, [Edit(row.id, duty)], reason="示例：实际由他值班")
    assert seats(row) == {(other.id, "main")}
    trace = db.session.scalars(select(Journal).order_by(Journal.id.desc())).first()
    assert trace is not None
    assert trace.reason == "示例：实际由他值班"


def test_a_running_shift_keeps_what_was(make: Factory, system: Actor, office: int) -> None:
    one, two = make.person(), make.person()
    with present.at(at("03-05 07:00")):
        row = shift(system, office, "03-05 08:00", "03-05 20:00", one)
    rosters.put(system, office, row.id, two.id, "main", instead_of=one.id)
    db.session.refresh(row)
    assert row.valid.upper == at("03-05 10:00")
    assert seats(row) == {(one.id, "main")}
    now = roster_months.on_duty(office, NOW)
    assert now is not None
    assert (now.starts_at, now.ends_at, now.main) == (at("03-05 10:00"), at("03-05 20:00"), (two.id,))
    assert now.id is not None
    with pytest.raises(Refused, match=r"shift\.begun"):
        rosters.move_shift(system, office, now.id, date(2031, 3, 9))
    with present.at(at("03-05 12:00")):
        rosters.remove(system, office, now.id)
        assert roster_months.on_duty(office, at("03-05 11:59")) is not None
        assert roster_months.on_duty(office, at("03-05 12:00")) is None


# --- moving and swapping ---------------------------------------------------------------------------------------


def test_a_person_moves_to_another_shift(make: Factory, system: Actor, office: int) -> None:
    one, two, three = make.person(), make.person(), make.person()
    first = shift(system, office, "03-06 08:00", "03-06 20:00", one, second=(two,))
    other = shift(system, office, "03-07 08:00", "03-07 20:00", three)
    rosters.move_person(system, office, two.id, (first.id, first.version), (other.id, other.version), "second")
    assert seats(first) == {(one.id, "main")}
    assert seats(other) == {(three.id, "main"), (two.id, "second")}
    assert told("shift.changed") == {two.id}
    with pytest.raises(FieldErrors) as caught:
        rosters.move_person(system, office, one.id, (first.id, None), (other.id, None), "main")
    assert codes(caught) == {("main", "shift.nobody")}
    rosters.move_person(system, office, two.id, (other.id, None), (other.id, None), "main")
    assert seats(other) == {(three.id, "main"), (two.id, "main")}


def test_a_shift_moves_to_another_day(make: Factory, system: Actor, office: int) -> None:
    row = shift(system, office, "03-06 20:00", "03-07 08:00", make.person())
    rosters.move_shift(system, office, row.id, date(2031, 3, 11), version=row.version)
    db.session.refresh(row)
    assert (row.valid.lower, row.valid.upper) == (at("03-11 20:00"), at("03-12 08:00"))
    assert {seat.valid for seat in row.seats} == {row.valid}


def test_two_people_swap_with_a_reason_and_both_are_told(make: Factory, system: Actor, office: int) -> None:
    one, two = make.person(), make.person()
    first = shift(system, office, "03-06 08:00", "03-06 20:00", one)
    other = shift(system, office, "03-06 20:00", "03-07 08:00", two)
    sides = (first.id, first.version, one.id), (other.id, other.version, two.id)
    with pytest.raises(Invalid, match=r"field\.required"):
        rosters.swap(system, office, *sides, "  ")
    rosters.swap(system, office, *sides, "示例：家中有事")
    assert (seats(first), seats(other)) == ({(two.id, "main")}, {(one.id, "main")})
    assert told("shift.swapped") == {one.id, two.id}
    assert told("shift.changed") == set()
    trace = db.session.scalars(select(Journal).where(Journal.reason == "示例：家中有事")).all()
    assert len(trace) == 2


# --- who may ---------------------------------------------------------------------------------------------------


def _leader(make: Factory, office: int) -> Actor:
    post = make.post("collector_a")
    post.leader_id = make.person().id
    db.session.commit()
    return make.actor(db.session.get_one(Person, post.leader_id))


def test_a_leader_plans_his_own_office_only(make: Factory, system: Actor, office: int) -> None:
    leader, hotline = _leader(make, office), make.unit("hotline_center")
    shift(leader, office, "03-06 08:00", "03-06 20:00", make.person())
    assert [one.code for one in roster_months.offices(leader)] == ["duty_office"]
    with pytest.raises(NotFound, match=r"roster\.unknown"):
        shift(leader, hotline.id, "03-06 08:00", "03-06 20:00", make.person())
    collector = make.actor(make.holder("collector_c"))
    with pytest.raises(Refused, match=r"roster\.not-yours"):
        shift(collector, office, "03-07 08:00", "03-07 20:00", make.person())


def test_who_sits_in_a_roster_reads_it_and_a_stranger_does_not(make: Factory, system: Actor, office: int) -> None:
    one = make.person()
    assert roster_months.offices(make.actor(one)) == []
    row = shift(system, office, "03-06 08:00", "03-06 20:00", one)
    assert [seen.id for seen in roster_months.offices(make.actor(one))] == [office]
    assert [duty.id for duty in roster_months.next_duties(one.id)] == [row.id]
    with pytest.raises(NotFound, match=r"roster\.unknown"):
        roster_months.month(make.actor(make.person()), office, date(2031, 3, 1))


# --- many at once ----------------------------------------------------------------------------------------------


def _office(system: Actor, office: int) -> roster_months.Office:
    return roster_months.access_office(system, office, to_write=True)


def _repeated(office: int, first: int, last: int, start: int, until: int) -> tuple[Duty, ...]:
    from app.rules import rosters as rules

    pattern = roster_proposals.pattern(office, date(2031, 3, first), date(2031, 3, last))
    return rules.repeat(pattern, date(2031, 3, start), date(2031, 3, until), present.zone())


def test_a_pattern_is_repeated_in_one_transaction(make: Factory, system: Actor, office: int) -> None:
    one, two = make.person(), make.person()
    shift(system, office, "03-06 08:00", "03-06 20:00", one)
    shift(system, office, "03-06 20:00", "03-07 08:00", two)
    proposal = roster_proposals.propose(
        _office(system, office), _repeated(office, 6, 6, 7, 12), replaces=False, leaves_out=False
    )
    assert (len(proposal.added), proposal.findings) == (12, ())
    assert make.count(DutyShift, office_id=office) == 2
    done = roster_proposals.accept(system, office, proposal)
    assert len(done.shift_ids) == 12
    assert make.count(DutyShift, office_id=office) == 14
    again = roster_proposals.propose(
        _office(system, office), _repeated(office, 6, 6, 7, 12), replaces=True, leaves_out=False
    )
    with pytest.raises(Invalid, match=r"roster\.nothing-new"):
        roster_proposals.accept(system, office, again)
    assert done.undo is not None
    rosters.undo(system, office, *done.undo)
    assert make.count(DutyShift, office_id=office) == 2


def test_conflicts_are_shown_first_and_left_out_on_request(make: Factory, system: Actor, office: int) -> None:
    one, hotline = make.person(), make.unit("hotline_center")
    shift(system, office, "03-06 08:00", "03-06 20:00", one)
    shift(system, office, "03-08 10:00", "03-08 12:00", make.person())
    shift(system, hotline.id, "03-09 08:00", "03-09 20:00", one)
    planned = _repeated(office, 6, 6, 7, 10)
    found = roster_proposals.propose(_office(system, office), planned, replaces=False, leaves_out=False)
    assert [(f.code, f.duty.starts_at) for f in found.findings] == [
        ("shift.overlap", at("03-08 08:00")),
        ("shift.elsewhere", at("03-09 08:00")),
    ]
    with pytest.raises(Conflict, match=r"roster\.conflicts"):
        roster_proposals.accept(system, office, found)
    assert make.count(DutyShift, office_id=office) == 2
    fewer = roster_proposals.propose(_office(system, office), planned, replaces=False, leaves_out=True)
    assert (len(fewer.added), fewer.left_out) == (2, 2)
    more = roster_proposals.propose(_office(system, office), planned, replaces=True, leaves_out=True)
    assert (len(more.added), len(more.removed), more.left_out) == (3, 1, 1)
    roster_proposals.accept(system, office, more)
    assert make.count(DutyShift, office_id=office) == 4


# --- undo ------------------------------------------------------------------------------------------------------


def test_the_last_change_is_undone_unless_somebody_went_on(make: Factory, system: Actor, office: int) -> None:
    one, two = make.person(), make.person()
    row = shift(system, office, "03-06 08:00", "03-06 20:00", one, second=(two,))
    done = rosters.take_off(replace(system, request_id="b"), office, row.id, two.id)
    assert done.undo is not None
    stranger = make.actor(officer="security")
    with pytest.raises(NotFound):
        rosters.undo(stranger, office, *done.undo)
    rosters.undo(replace(system, request_id="c"), office, *done.undo)
    assert seats(row) == {(one.id, "main"), (two.id, "second")}
    gone = rosters.remove(replace(system, request_id="d"), office, row.id)
    assert gone.undo is not None
    rosters.undo(replace(system, request_id="e"), office, *gone.undo)
    back = roster_months.on_duty(office, at("03-06 09:00"))
    assert back is not None
    assert (back.main, back.second) == ((one.id,), (two.id,))
    moved = rosters.move_shift(replace(system, request_id="f"), office, back.id or 0, date(2031, 3, 9))
    assert moved.undo is not None
    rosters.move_shift(replace(system, request_id="g"), office, back.id or 0, date(2031, 3, 10))
    with pytest.raises(Refused, match=r"roster\.undo-late"):
        rosters.undo(system, office, *moved.undo)


# --- a month ---------------------------------------------------------------------------------------------------


def test_a_month_has_whole_weeks_shifts_holes_and_days_of_rest(make: Factory, system: Actor, office: int) -> None:
    one = make.person()
    row = shift(system, office, "03-08 20:00", "03-09 08:00", one)
    found = roster_months.month(system, office, date(2031, 3, 1))
    cells = {cell.day: cell for week in found.weeks for cell in week}
    assert (min(cells), max(cells)) == (date(2031, 2, 24), date(2031, 4, 6))
    assert [s.id for s in cells[date(2031, 3, 8)].shifts] == [row.id]
    assert cells[date(2031, 3, 8)].holes == (Period(at("03-08 00:00"), at("03-08 20:00")),)
    assert cells[date(2031, 3, 9)].holes == (Period(at("03-09 08:00"), at("03-10 00:00")),)
    assert not cells[date(2031, 3, 8)].works
    assert cells[date(2031, 3, 5)].is_today
    assert found.holes == (
        Period(at("03-05 10:00"), at("03-08 20:00")),
        Period(at("03-09 08:00"), at("04-01 00:00")),
    )
    tally = next(person for person in found.people if person.id == one.id)
    assert (tally.duties, tally.hours, tally.rest_days) == (1, 12, 1)


def test_who_has_duty_at_any_minute(make: Factory, system: Actor, office: int) -> None:
    one, two = make.person(), make.person()
    shift(system, office, "03-06 08:00", "03-06 20:00", one, second=(two,))
    assert roster_months.on_duty(office, at("03-06 07:59")) is None
    found = roster_months.on_duty(office, at("03-06 08:00"))
    assert found is not None
    assert (found.main, found.second) == ((one.id,), (two.id,))
    listed = roster_months.all_on_duty(system, at("03-06 19:59"))
    assert {line.office.code: [s.id for s in line.main] for line in listed} == {
        "duty_office": [one.id],
        "hotline_center": [],
    }
    assert roster_months.on_duty(office, at("03-06 20:00") + timedelta(0)) is None


def test_a_change_worked_out_from_an_older_shift_is_not_written_over_a_newer(
    make: Factory, system: Actor, office: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two planners drag at once and neither sends a version: the second is told, the first's work stays."""
    row = shift(system, office, "03-06 08:00", "03-06 16:00", make.person())
    first, second = make.person(), make.person()
    begun = rosters.access_office

    def meanwhile(actor: Actor, office_id: int, *, to_write: bool = False) -> Any:
        monkeypatch.setattr(rosters, "access_office", begun)
        rosters.put(system, office, row.id, first.id, "second")
        return begun(actor, office_id, to_write=to_write)

    monkeypatch.setattr(rosters, "access_office", meanwhile)
    with pytest.raises(Conflict, match="stale"):
        rosters.put(system, office, row.id, second.id, "second")
    assert (first.id, "second") in seats(row)
