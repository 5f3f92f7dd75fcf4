"""The planner: who is told about which clock, once, and never at night."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Assumption, ChainLink, Delivery, Holding, Person, StandIn, db
from app.services import outbox, present, reminders
from tests.services import making
from tests.services.making import DAY, HOUR, MINUTE, NOON


def plan(now: datetime = NOON) -> reminders.Planned:
    db.session.commit()
    with present.at(now):
        return reminders.plan(now)


def test_it_tells_the_acting_holder_before_the_limit(app: Flask) -> None:
    clock = making.clock(NOON + 10 * HOUR)
    assert plan().inserted == 1
    (row,) = making.deliveries(clock)
    assert (row.kind, row.recipient_id, row.channel) == (
        "reminder.due_soon",
        making.holder("liaison", "A"),
        "inbox",
    )
    assert row.idem_key == (
        f"clock:{clock.id}|rule:{making.rule('fetch_back_before').id}|slot:2026-11-23T12:00:00Z"
        f"|inbox|person:{row.recipient_id}"
    )


def test_a_second_run_adds_nothing(app: Flask) -> None:
    clock = making.clock(NOON - 3 * DAY)
    plan()
    before = [row.id for row in making.deliveries(clock)]
    again = plan(NOON + MINUTE)
    assert (again.inserted, again.skipped, again.rules) == (0, 0, 0)
    assert [row.id for row in making.deliveries(clock)] == before


def test_it_tells_b_while_a_is_away(app: Flask) -> None:
    making.away(making.holder("liaison", "A"))
    clock = making.clock(NOON + 10 * HOUR)
    plan()
    assert making.told(clock) == [("fetch_back_before", making.holder("liaison", "B"))]


def test_a_long_overdue_clock_tells_each_rung_once_and_only_the_latest_rule(app: Flask) -> None:
    clock = making.clock(NOON - 40 * HOUR)
    plan()
    director = making.holder("duty_director", "A")
    assert making.told(clock) == [
        ("fetch_back_due", making.holder("liaison", "A")),
        ("fetch_back_leader", director),
        ("fetch_back_other", making.holder("liaison", "B")),
    ]


def test_whoever_was_told_on_a_lower_rung_is_recorded_and_not_told_again(app: Flask) -> None:
    # The leader of the liaison's post is the duty director himself.
    clock = making.clock(NOON - 3 * DAY)
    plan()
    cancelled = making.deliveries(clock, state="cancelled")
    assert [(row.rule_id, row.last_error) for row in cancelled] == [
        (making.rule("fetch_back_director").id, "same-person")
    ]


def test_a_rule_whose_moment_lay_before_the_start_is_not_told(app: Flask) -> None:
    clock = making.clock(NOON + HOUR, started_at=NOON - HOUR)
    assert plan().inserted == 0
    assert making.deliveries(clock) == []


@pytest.mark.parametrize(("stopped", "state"), [(True, "in_progress"), (False, "closed"), (False, "history")])
def test_a_stopped_clock_and_a_closed_appeal_remind_nobody(app: Flask, stopped: bool, state: str) -> None:
    clock = making.clock(NOON - DAY, of=making.appeal(state=state))
    clock.stopped_at = NOON - HOUR if stopped else None
    assert plan().rules == 0


def test_a_rule_that_is_switched_off_reminds_nobody(app: Flask) -> None:
    making.rule("fetch_back_before").active = False
    making.clock(NOON + 10 * HOUR)
    assert plan().rules == 0


def test_a_moved_limit_reminds_anew(app: Flask) -> None:
    clock = making.clock(NOON + 10 * HOUR)
    plan()
    clock.due_at = NOON + 34 * HOUR
    assert plan(NOON + DAY).inserted == 1
    assert len(making.told(clock)) == 2


def test_a_reminder_cancelled_because_the_shift_changed_goes_to_the_new_holder(app: Flask) -> None:
    clock = making.clock(NOON + 10 * HOUR)
    plan()
    (row,) = making.deliveries(clock)
    row.state, row.last_error = "cancelled", "not-acting"
    making.away(making.holder("liaison", "A"))
    plan(NOON + MINUTE)
    assert making.told(clock) == [("fetch_back_before", making.holder("liaison", "B"))]


def test_it_works_through_more_clocks_than_fit_into_a_batch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 3)
    clocks = [making.clock(NOON + 10 * HOUR) for _ in range(10)]
    assert plan().inserted == 10
    assert [len(making.told(clock)) for clock in clocks] == [1] * 10


def test_a_run_has_an_end_and_the_newest_goes_first(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 2)
    clocks = [making.clock(NOON + 10 * HOUR - n * MINUTE) for n in range(4)]
    db.session.commit()
    with present.at(NOON):
        assert reminders.plan(NOON, budget=0).inserted == 2
    assert [len(making.told(clock)) for clock in clocks] == [1, 1, 0, 0]


# --- units and vacancies ------------------------------------------------------------------------------------


def test_a_units_clock_tells_all_its_handlers(app: Flask) -> None:
    unit = making.unit("finance")
    handlers = {making.member(unit).id, making.member(unit).id}
    clock = making.clock(NOON + 30 * MINUTE, kind="unit_limit", unit_code="finance")
    plan()
    assert {person for _rule, person in making.told(clock)} == handlers
    assert {rule for rule, _person in making.told(clock)} == {"unit_limit_hour"}


def test_a_vacant_rung_is_skipped_upwards_and_recorded(app: Flask) -> None:
    head = making.person()
    unit = making.unit("finance")
    db.session.add(ChainLink(unit_id=unit.id, link="first", role="A", person_id=head.id))
    clock = making.clock(NOON + 30 * MINUTE, kind="unit_limit", unit_code="finance")
    plan()
    assert making.told(clock) == [("unit_limit_hour", head.id)]
    (record,) = making.deliveries(clock, state="cancelled")
    assert (record.recipient_id, record.last_error) == (None, "skipped:handler,direct")


def test_who_stands_in_for_a_link_is_told_while_its_people_are_away(app: Flask) -> None:
    head, deputy, stand_in = making.person(), making.person(), making.person()
    unit = making.unit("finance")
    for person, role in ((head, "A"), (deputy, "B")):
        db.session.add(ChainLink(unit_id=unit.id, link="first", role=role, person_id=person.id))
        making.away(person.id)
    period = Range(NOON - DAY, NOON + DAY, bounds="[)")
    db.session.add(StandIn(kind="both_away", unit_id=unit.id, link="first", person_id=stand_in.id, valid=period))
    clock = making.clock(NOON + 30 * MINUTE, kind="unit_limit", unit_code="finance")
    plan()
    assert making.told(clock) == [("unit_limit_hour", stand_in.id)]


def test_b_is_told_when_a_is_out_of_use(app: Flask) -> None:
    """As for the permissions: whoever is out of use holds nothing."""
    db.session.get_one(Person, making.holder("liaison", "A")).active = False
    clock = making.clock(NOON + 10 * HOUR)
    plan()
    assert making.told(clock) == [("fetch_back_before", making.holder("liaison", "B"))]


def test_a_ladder_without_anybody_is_recorded_once(app: Flask) -> None:
    clock = making.clock(NOON + 30 * MINUTE, kind="unit_limit", unit_code="wuning_county")
    assert plan().skipped == 1
    (record,) = making.deliveries(clock)
    assert (record.state, record.last_error) == (
        "cancelled",
        "vacant:handler,direct,first,coordinating,final",
    )
    assert plan(NOON + MINUTE).rules == 0


def test_a_post_nobody_holds_tells_the_leader(app: Flask) -> None:
    for holding in db.session.query(Holding).filter(Holding.post_id == making.post("liaison").id):
        db.session.delete(holding)
    clock = making.clock(NOON + 10 * HOUR)
    plan()
    assert making.told(clock) == [("fetch_back_before", making.post("liaison").leader_id)]


def test_the_delivery_clock_of_a_section_tells_its_clerks(app: Flask) -> None:
    clerk = making.member(making.unit("matching_1"), "section_clerk")
    making.member(making.unit("matching_1"), "handler")
    clock = making.clock(NOON + HOUR, kind="delivery", unit_code="matching_1", limit="same_day_end")
    plan()
    assert making.told(clock) == [("delivery_before", clerk.id)]


def test_a_late_delivery_climbs_the_sections_chain_to_the_director_of_the_duty_office(app: Flask) -> None:
    section = making.unit("matching_1")
    clerk, head = making.member(section, "section_clerk"), making.person()
    for row in db.session.scalars(select(ChainLink).where(ChainLink.unit_id == section.id)):
        db.session.delete(row)
    valid = Range(NOON - DAY, None)
    db.session.add(ChainLink(unit_id=section.id, link="direct", role="A", person_id=head.id, valid=valid))
    clock = making.clock(NOON - 13 * HOUR, kind="delivery", unit_code="matching_1", limit="same_day_end")
    plan()
    told = making.told(clock)
    assert ("delivery_other", head.id) in told
    assert ("delivery_due", clerk.id) in told
    assert ("delivery_director", making.holder("duty_director", "A")) in told


def test_a_late_carrying_climbs_the_liaisons_post_and_not_the_section(app: Flask) -> None:
    clerk = making.member(making.unit("matching_1"), "section_clerk")
    clock = making.clock(NOON - 2 * HOUR, kind="carry", limit="same_day_end")
    plan()
    told = making.told(clock)
    assert ("carry_other", making.holder("liaison", "B")) in told
    assert clerk.id not in {person for _rule, person in told}


# --- night --------------------------------------------------------------------------------------------------

NIGHT = NOON + timedelta(hours=12)  # 22:00 in Shanghai
MORNING = NOON + timedelta(hours=22)  # 08:00 the next day


def test_nothing_is_planned_at_night_and_the_morning_tells_the_latest_only(app: Flask) -> None:
    making.member(making.unit("finance"))
    clock = making.clock(NIGHT + 30 * MINUTE, kind="unit_limit", unit_code="finance")
    assert plan(NIGHT).rules == 0
    assert plan(NIGHT + HOUR).rules == 0
    plan(MORNING)
    assert "unit_limit_due" in {rule for rule, _person in making.told(clock)}
    assert "unit_limit_hour" not in {rule for rule, _person in making.told(clock)}


def test_a_limit_by_the_wall_clock_reminds_at_night_too(app: Flask) -> None:
    making.member(making.unit("finance"))
    making.clock(NIGHT + 30 * MINUTE, kind="unit_limit", unit_code="finance", limit="wall_hours")
    assert plan(NIGHT).inserted == 1


def test_quiet_hours_are_data(app: Flask) -> None:
    db.session.query(Assumption).filter(Assumption.code == "quiet_hours").delete()
    value = {"from": "12:00", "until": "13:00", "except": []}
    db.session.add(Assumption(code="quiet_hours", title="示例", value=value))
    making.clock(NOON + 10 * HOUR)
    assert plan(NOON + 150 * MINUTE).rules == 0
    assert plan(NOON + 190 * MINUTE).inserted == 1


@pytest.mark.parametrize(
    ("starts", "ends", "moment", "quiet"),
    [
        ("21:00", "07:30", "20:59", False),
        ("21:00", "07:30", "21:00", True),
        ("21:00", "07:30", "03:00", True),
        ("21:00", "07:30", "07:29", True),
        ("21:00", "07:30", "07:30", False),
        ("12:00", "13:00", "12:30", True),
        ("12:00", "13:00", "13:00", False),
        ("00:00", "00:00", "05:00", False),
    ],
)
def test_quiet_hours_may_span_midnight(starts: str, ends: str, moment: str, quiet: bool) -> None:
    hours = reminders.QuietHours(time.fromisoformat(starts), time.fromisoformat(ends))
    assert hours.covers(time.fromisoformat(moment)) is quiet


def test_what_the_planner_writes_survives_the_recheck(app: Flask) -> None:
    making.clock(NOON - 40 * HOUR)
    plan()
    for row in making.deliveries(state="pending"):
        lease = outbox.claim(row.id, NOON)
        assert lease is not None
        assert outbox.recheck(lease, NOON) == outbox.Verdict()
    assert db.session.query(Delivery).filter(Delivery.state == "pending").count() == 0
