"""A changed calendar or limit and the clocks that run: told first, applied by one task, finished ones never move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.models import (
    Appeal,
    CalendarDay,
    CalendarYear,
    Clock,
    ClockChange,
    Delivery,
    Journal,
    LimitRule,
    Membership,
    Recount,
    Task,
    db,
)
from app.rules.errors import Conflict, FieldErrors, Refused
from app.services import calendar, calendar_days, clock_moves, clock_recounts, clocks, present, recounts, sheets, tasks
from app.services import sheet_bulk as bulk
from app.services.actors import Actor
from app.services.clock_recounts import Consent, MovesClocks
from app.sheets import BY_CODE
from tests.factories import Factory
from tests.services import making

# Monday 2026-11-23 16:00 in Shanghai; the ordinary limit of 7 working days ends on Wednesday 12-02 at 24:00.
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CALENDAR, LIMITS = BY_CODE["calendar"], BY_CODE["limits"]
CLOSURE = {"day": "2026-11-26", "kind": "closure", "name": "示例停电"}


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


@pytest.fixture(autouse=True)
def _now(app: object) -> Iterator[None]:
    with present.at(START + DAY):
        yield


@pytest.fixture
def system(make: Factory) -> Actor:
    return make.actor(officer="system")


def limit(code: str = "ordinary") -> LimitRule:
    return db.session.scalars(select(LimitRule).where(LimitRule.code == code)).one()


def running(code: str = "ordinary", *, state: str = "in_progress", start: datetime = START) -> Clock:
    clock = clocks.start(making.appeal(state=state), "unit_limit", limit(code), started_at=start)
    db.session.commit()
    return clock


def apply(consent: Consent) -> Recount:
    """Run the task of a recount as a worker does."""
    recount = db.session.get(Recount, consent.recount_id)
    assert recount is not None
    assert recount.task_id is not None
    run = tasks.claim(recount.task_id)
    assert run is not None
    tasks.finish(run, clock_recounts.apply(run))
    db.session.expire_all()
    return recount


def agreed() -> Consent:
    return Consent(is_given=True)


def test_a_day_is_not_changed_before_it_is_told_what_moves(system: Actor) -> None:
    clock = running()
    with pytest.raises(MovesClocks) as told:
        sheets.save(system, CALENDAR, None, CLOSURE)
    preview = told.value.preview
    assert (preview.appeals, preview.clocks, preview.overdue, preview.eased) == (1, 1, 0, 0)
    assert [(move.old, move.new) for move in preview.first] == [(local("2026-12-03T00:00"), local("2026-12-04T00:00"))]
    assert db.session.scalars(select(CalendarDay)).all() == []
    assert calendar.current().is_working_day(date(2026, 11, 26))
    assert db.session.get(Clock, clock.id).due_at == local("2026-12-03T00:00")  # type: ignore[union-attr]


def test_after_consent_one_task_moves_the_clocks_and_keeps_why(system: Actor) -> None:
    clock, consent = running(), agreed()
    before = clock.inputs
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    assert clock.due_at == local("2026-12-03T00:00")  # not before the task
    recount = apply(consent)
    assert clock.due_at == local("2026-12-04T00:00")
    assert (recount.state, recount.counts["moved"]["clocks"]) == ("applied", 1)
    change = clock.changes[0]
    assert (change.why, change.recount_id, change.old_inputs) == ("calendar", recount.id, before)
    assert (change.old_due_at, change.new_due_at) == (local("2026-12-03T00:00"), local("2026-12-04T00:00"))
    assert "skip.closure" in [line["code"] for line in clock.inputs["trace"]]
    row = db.session.scalars(select(Journal).where(Journal.action == "clock_moved")).one()
    assert (row.appeal_id, row.acted_as, row.user_id) == (clock.appeal_id, "recount", system.user_id)


def test_units_whose_limits_moved_are_told_once(make: Factory, system: Actor) -> None:
    unit, other = make.a_unit(), make.a_unit(offset=1)
    handler, stranger = make.person(), make.person()
    db.session.add(Membership(person_id=handler.id, unit_id=unit.id, function="handler"))
    db.session.add(Membership(person_id=stranger.id, unit_id=other.id, function="handler"))
    for _number in range(2):
        db.session.get_one(Appeal, running().appeal_id).unit_id = unit.id
    db.session.commit()
    consent = agreed()
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    apply(consent)
    told = db.session.scalars(select(Delivery).where(Delivery.kind == "limits.moved", Delivery.channel == "inbox"))
    assert [(one.recipient_id, one.subject_id) for one in told] == [(handler.id, consent.recount_id)]


def test_applying_twice_moves_nothing_the_second_time(system: Actor) -> None:
    clock, consent = running(), agreed()
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    recount = apply(consent)
    recount.state, recount.counts = "applying", {**recount.counts, "after": 0, "late": False}
    db.session.commit()
    assert recount.task_id
    db.session.get(Task, recount.task_id).state = "pending"  # type: ignore[union-attr]
    db.session.commit()
    apply(consent)
    assert len(clock.changes) == 1


@pytest.mark.parametrize("state", ["closed", "archived", "history", "merged"])
def test_what_ended_never_moves(system: Actor, state: str) -> None:
    ended, stopped = running(), running()
    stopped.stopped_at = START + DAY
    ended.appeal.merged_into_id = stopped.appeal_id
    ended.appeal.state = state
    db.session.commit()
    consent = Consent()
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)  # nothing moves: no consent is asked for
    assert consent.recount_id is None
    assert clock_recounts.look(clock_recounts.Change(is_everything=True), present.now()).clocks == 0


def test_a_change_that_moves_nothing_saves_directly(system: Actor) -> None:
    running()
    running("emergency", start=START + DAY)  # hours by the clock ask no calendar
    consent = Consent()
    sheets.save(system, CALENDAR, None, {**CLOSURE, "day": "2026-12-24"}, consent=consent)
    assert consent.recount_id is None
    assert not calendar.current().is_working_day(date(2026, 12, 24))


def test_a_limit_moves_its_own_running_clocks(system: Actor) -> None:
    clock, other, consent = running(), running("complex"), agreed()
    with pytest.raises(MovesClocks):
        sheets.save(system, LIMITS, limit().id, {"amount": 5})
    sheets.save(system, LIMITS, limit().id, {"amount": 5}, consent=consent)
    apply(consent)
    assert clock.due_at == local("2026-12-01T00:00")
    assert other.changes == []
    assert (clock.changes[0].why, clock.inputs["limit"]["amount"]) == ("limit", 5)


def test_a_limit_keeps_extensions_and_pauses(system: Actor) -> None:
    clock, consent, person = running(), agreed(), making.person()
    clock_moves.extend(clock, 2, at=START, person_id=person.id, reason="示例")
    clock_moves.pause(
        clock,
        starts_at=START + DAY,
        until_on=date(2026, 11, 26),
        reason="示例",
        approved_by_id=person.id,
        at=START + DAY,
    )
    db.session.commit()
    sheets.save(system, LIMITS, limit().id, {"amount": 5}, consent=consent)
    apply(consent)
    # 11-24 and 11-25 are paused; 5 and 2 working days from 11-26 on.
    assert clock.due_at == local("2026-12-05T00:00")


def test_a_limit_that_is_retired_or_renamed_leaves_its_clocks_alone(system: Actor) -> None:
    clock, consent = running("complex"), Consent()
    sheets.save(system, LIMITS, limit("complex").id, {"name": "示例复杂件"}, consent=consent)
    sheets.remove(system, LIMITS, limit("complex").id, consent=consent)
    assert (consent.recount_id, clock.changes) == (None, [])


def test_overdue_and_no_longer_overdue_are_told(system: Actor) -> None:
    clock = running(start=START - 10 * DAY)
    running(start=START)  # moves too, and is not overdue either way
    assert clock.due_at == local("2026-11-25T00:00")
    with present.at(local("2026-11-24T10:00")):
        with pytest.raises(MovesClocks) as told:
            sheets.save(system, CALENDAR, None, {"day": "2026-11-21", "kind": "makeup", "name": "示例调休"})
        assert (told.value.preview.appeals, told.value.preview.overdue, told.value.preview.eased) == (1, 1, 0)
    with present.at(local("2026-11-25T10:00")):
        with pytest.raises(MovesClocks) as told:
            sheets.save(system, CALENDAR, None, {"day": "2026-11-24", "kind": "closure", "name": "示例停电"})
        assert (told.value.preview.appeals, told.value.preview.overdue, told.value.preview.eased) == (2, 0, 1)


def test_an_appeal_counts_once_however_many_clocks_move(system: Actor) -> None:
    clock = running()
    clocks.start(clock.appeal, "co_limit", limit("co_limit"), started_at=START)
    db.session.commit()
    with pytest.raises(MovesClocks) as told:
        sheets.save(system, CALENDAR, None, CLOSURE)
    assert (told.value.preview.appeals, told.value.preview.clocks) == (1, 2)


def test_several_rows_are_changed_together(system: Actor) -> None:
    clock, consent = running(), agreed()
    for day in ("2026-11-26", "2026-11-27"):
        sheets.save(system, CALENDAR, None, {**CLOSURE, "day": day}, consent=consent)
        apply(consent)
    assert clock.due_at == local("2026-12-05T00:00")
    rows = db.session.scalars(select(CalendarDay)).all()
    chosen = [bulk.Chosen(row.id, row.version) for row in rows] + [bulk.Chosen(999_999)]
    with pytest.raises(MovesClocks) as told:
        bulk.retire(system, CALENDAR, chosen)
    assert told.value.preview.clocks == 1
    outcomes = bulk.retire(system, CALENDAR, chosen, consent)
    assert [bool(one.error) for one in outcomes] == [False, False, True]
    apply(consent)
    assert clock.due_at == local("2026-12-03T00:00")


def test_a_change_is_taken_back_before_it_began(system: Actor) -> None:
    clock, consent = running(), agreed()
    row = sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    assert consent.recount_id
    recounts.take_back(system, consent.recount_id, dict(BY_CODE))
    assert not row.active
    assert calendar.current().is_working_day(date(2026, 11, 26))
    assert recounts.show(system, consent.recount_id).recount.state == "cancelled"
    assert clock.changes == []
    with pytest.raises(Conflict, match=r"recount\.began"):
        recounts.take_back(system, consent.recount_id, dict(BY_CODE))


def test_what_began_and_was_interrupted_is_not_taken_back(system: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = running(), running()
    monkeypatch.setattr(clock_recounts, "BATCH", 1)
    consent = agreed()
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    recount = db.session.get(Recount, consent.recount_id)
    assert recount is not None
    run = tasks.claim(recount.task_id or 0)
    assert run is not None
    assert clock_recounts._batch(run)
    tasks.release(run)
    assert (len(first.changes), len(second.changes)) == (1, 0)
    assert not recounts.show(system, recount.id).can_take_back
    with pytest.raises(Conflict, match=r"recount\.began"):
        recounts.take_back(system, recount.id, dict(BY_CODE))


def test_a_limit_that_is_applied_late_brings_no_older_measure_back(system: Actor) -> None:
    clock, older, newer = running(), agreed(), agreed()
    sheets.save(system, LIMITS, limit().id, {"amount": 5}, consent=older)
    sheets.save(system, LIMITS, limit().id, {"amount": 9}, consent=newer)
    apply(newer)
    due = clock.due_at
    apply(older)
    assert clock.due_at == due == local("2026-12-05T00:00")


def test_a_limit_taken_back_is_as_it_was(system: Actor) -> None:
    running()
    consent = agreed()
    sheets.save(system, LIMITS, limit().id, {"amount": 5}, consent=consent)
    assert consent.recount_id
    recounts.take_back(system, consent.recount_id, dict(BY_CODE))
    assert limit().amount == 7


def test_what_somebody_changed_since_is_not_taken_back(system: Actor) -> None:
    running()
    consent = agreed()
    row = sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    sheets.save(system, CALENDAR, row.id, {"name_en": "Example"}, consent=agreed())
    assert consent.recount_id
    with pytest.raises(Conflict, match=r"recount\.changed-since"):
        recounts.take_back(system, consent.recount_id, dict(BY_CODE))


def test_its_task_is_not_cancelled_halfway(system: Actor) -> None:
    running()
    consent = agreed()
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    task_id = db.session.get(Recount, consent.recount_id).task_id  # type: ignore[union-attr]
    with pytest.raises(Conflict, match=r"task\.kept"):
        tasks.cancel(system, task_id or 0)


def test_a_recount_that_failed_goes_on(system: Actor) -> None:
    clock, consent = running(), agreed()
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    assert consent.recount_id
    with pytest.raises(Conflict, match=r"recount\.runs"):
        recounts.repeat(system, consent.recount_id)
    run = tasks.claim(db.session.get(Recount, consent.recount_id).task_id or 0)  # type: ignore[union-attr]
    assert run is not None
    tasks.fail(run, "task.crashed")
    recounts.repeat(system, consent.recount_id)
    apply(consent)
    assert clock.due_at == local("2026-12-04T00:00")


def test_the_moves_of_a_recount_are_listed(system: Actor) -> None:
    running()
    consent = agreed()
    sheets.save(system, CALENDAR, None, CLOSURE, consent=consent)
    apply(consent)
    assert consent.recount_id
    [(change, line)] = recounts.moved(system, consent.recount_id)
    # The system officer reads no appeals: number and dates, no subject.
    assert (line.number is not None, line.subject) == (True, None)
    assert change.new_due_at == local("2026-12-04T00:00")


def test_only_the_system_officer_sees_and_takes_back(make: Factory) -> None:
    director = make.actor(make.holder("duty_director"))
    for act in (lambda: recounts.listed(director), lambda: recounts.check_all(director, Consent())):
        with pytest.raises(Refused):
            act()


# --- several days, a whole year -----------------------------------------------------------------------------------


def span(first: str, last: str, kind: str = "holiday", name: str = "示例节", place: int = 0) -> calendar_days.Span:
    return calendar_days.Span(place, date.fromisoformat(first), date.fromisoformat(last), kind, name)


def test_a_span_writes_its_days_over_what_stands_there(system: Actor) -> None:
    sheets.save(system, CALENDAR, None, {**CLOSURE, "day": "2027-05-01"})
    changed = calendar_days.enter(system, CALENDAR, [span("2027-05-01", "2027-05-03")])
    assert changed == 3
    kinds = {row.day.isoformat(): row.kind for row in db.session.scalars(select(CalendarDay))}
    assert kinds == dict.fromkeys(["2027-05-01", "2027-05-02", "2027-05-03"], "holiday")
    assert calendar_days.enter(system, CALENDAR, [span("2027-05-02", "2027-05-02", "clear")]) == 1
    assert calendar.current().day(date(2027, 5, 2)) is None


def test_the_notice_of_a_year_makes_limits_certain(system: Actor) -> None:
    clock, consent = running("complex", start=START + 30 * DAY), Consent()
    assert clock.inputs["provisional"]
    # No due moment moves by the notice as it is entered here, the mark goes.
    holiday = span("2027-05-01", "2027-05-05")
    calendar_days.enter(system, CALENDAR, [holiday], year=2027, notice="示例国办发明电", consent=consent)
    assert db.session.get(CalendarYear, 2027) is not None
    assert calendar.known_until() == date(2027, 12, 31)
    apply(consent)
    assert not clock.inputs["provisional"]
    assert clock.changes == []


def test_a_year_after_an_unknown_one_stays_provisional(system: Actor) -> None:
    calendar_days.enter(system, CALENDAR, [span("2028-05-01", "2028-05-05")], year=2028)
    assert calendar.known_until() == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("spans", "field", "code"),
    [
        ([span("2027-05-03", "2027-05-01")], "last_0", "calendar.span-order"),
        ([span("2027-02-01", "2027-05-01")], "last_0", "calendar.span-too-long"),
        ([span("2026-05-01", "2026-05-01")], "first_0", "calendar.other-year"),
        (
            [span("2027-05-01", "2027-05-03"), span("2027-05-03", "2027-05-04", place=1)],
            "first_1",
            "calendar.span-twice",
        ),
        ([], "first_0", "field.required"),
    ],
)
def test_a_span_that_makes_no_sense_is_refused_at_its_row(
    system: Actor, spans: list[calendar_days.Span], field: str, code: str
) -> None:
    with pytest.raises(FieldErrors) as refused:
        calendar_days.enter(system, CALENDAR, spans, year=2027)
    assert [(one.field, one.code) for one in refused.value.problems] == [(field, code)]


def test_limits_beyond_the_known_calendar_are_named(app: Any) -> None:
    with present.at(local("2026-12-28T10:00")):
        codes = {reach.limit.code for reach in calendar.provisional_limits()}
    assert {"ordinary", "complex"} <= codes
    assert "emergency" not in codes


def test_closed_appeals_keep_their_clocks_through_everything(make: Factory, system: Actor) -> None:
    appeal: Appeal = make.appeal("closed", unit=make.a_unit())
    kept = {clock.id: (clock.due_at, clock.inputs) for clock in appeal.clocks}
    consent = agreed()
    sheets.save(system, CALENDAR, None, {**CLOSURE, "day": "2026-11-25"}, consent=consent)
    recounts.check_all(system, consent)
    db.session.expire_all()
    assert {clock.id: (clock.due_at, clock.inputs) for clock in appeal.clocks} == kept
    assert db.session.scalars(select(ClockChange)).all() == []
