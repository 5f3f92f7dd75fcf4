"""Extensions and pauses of running clocks: the due moment, the rows they leave, what is refused (R9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.models import Appeal, Category, Clock, LimitRule, db
from app.rules.errors import Conflict, FieldErrors, Invalid, Refused
from app.services import clock_moves, clocks, sheets
from app.sheets import BY_CODE
from tests.factories import Factory
from tests.services import making

# Monday 16:00 in Shanghai.
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def appeal(make: Factory) -> Appeal:
    return making.appeal()


def running(appeal: Appeal, code: str = "ordinary", **more: object) -> Clock:
    """A unit's clock that started on Monday at 16:00; ordinary: 7 working days."""
    limit = db.session.query(LimitRule).filter_by(code=code).one()
    clock = clocks.start(appeal, "unit_limit", limit, started_at=START, **more)  # type: ignore[arg-type]
    db.session.flush()
    return clock


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def test_an_extension_moves_the_clock_and_keeps_where_it_was(appeal: Appeal) -> None:
    clock, person = running(appeal), making.person()
    assert clock.due_at == local("2026-12-03T00:00")
    before = clock.inputs
    change = clock_moves.extend(clock, 2, at=START + DAY, person_id=person.id, reason="示例：等待鉴定")
    db.session.flush()
    assert clock.due_at == local("2026-12-05T00:00")
    assert (change.why, change.old_due_at, change.new_due_at) == ("extension", local("2026-12-03T00:00"), clock.due_at)
    assert (change.old_inputs, change.person_id, change.reason) == (before, person.id, "示例：等待鉴定")
    assert clock.inputs["extensions"] == [{"amount": 2, "granted_at": "2026-11-24T08:00:00+00:00"}]
    assert "extend.working_days" in [line["code"] for line in clock.inputs["trace"]]


def test_extensions_add_up(appeal: Appeal) -> None:
    clock, person = running(appeal, "emergency"), making.person()
    for _ in range(2):
        clock_moves.extend(clock, 3, at=START, person_id=person.id, reason="示例")
    assert clock.due_at == START + timedelta(hours=2 + 3 + 3)
    assert len(clock.changes) == 2


def test_a_date_set_by_hand_is_extended_by_days(appeal: Appeal) -> None:
    clock = running(appeal, due_on=date(2026, 12, 1))
    clock_moves.extend(clock, 2, at=START, person_id=making.person().id, reason="示例")
    assert clock.due_at == local("2026-12-04T00:00")


@pytest.mark.parametrize("late", [timedelta(microseconds=1), DAY])
def test_an_extension_is_granted_before_the_limit_only(appeal: Appeal, late: timedelta) -> None:
    clock, person = running(appeal), making.person()
    assert clock.due_at
    with pytest.raises(Refused, match=r"extension\.too-late"):
        clock_moves.extend(clock, 1, at=clock.due_at + late, person_id=person.id, reason="示例")
    clock_moves.extend(clock, 1, at=clock.due_at, person_id=person.id, reason="示例")


def test_what_stopped_or_has_no_limit_is_not_extended(appeal: Appeal) -> None:
    person, stopped = making.person(), running(appeal)
    stopped.stopped_at = START
    unlimited = clocks.start(appeal, "unit_limit", None, started_at=START)
    for clock in (stopped, unlimited):
        with pytest.raises(Refused, match=r"extension\.too-late"):
            clock_moves.extend(clock, 1, at=START, person_id=person.id, reason="示例")


def test_an_extension_of_nothing_is_refused(appeal: Appeal) -> None:
    clock, person = running(appeal), making.person()
    with pytest.raises(Invalid, match=r"extension\.amount"):
        clock_moves.extend(clock, 0, at=START, person_id=person.id, reason="示例")
    assert clock.changes == []


def paused(clock: Clock, start: datetime, until: date) -> None:
    clock_moves.pause(
        clock, starts_at=start, until_on=until, reason="示例：等待鉴定", approved_by_id=making.person().id, at=start
    )


def test_a_pause_lasts_until_its_day_begins(appeal: Appeal) -> None:
    clock = running(appeal)
    paused(clock, START + DAY, date(2026, 11, 27))
    db.session.flush()
    pause, change = clock.pauses[0], clock.changes[0]
    assert pause.ends_at == local("2026-11-27T00:00")
    # Tuesday to Thursday are lost.
    assert clock.due_at == local("2026-12-08T00:00")
    assert (change.why, change.new_due_at, change.reason) == ("pause", clock.due_at, "示例：等待鉴定")
    assert clock.inputs["pauses"][0]["ends_at"] == "2026-11-26T16:00:00+00:00"


def test_a_clock_resumed_early_counts_from_that_day(appeal: Appeal) -> None:
    clock, person = running(appeal), making.person()
    paused(clock, START + DAY, date(2026, 11, 27))
    change = clock_moves.resume(clock, at=START + 2 * DAY, person_id=person.id)
    assert clock.due_at == local("2026-12-04T00:00")
    assert (change.why, clock.pauses[0].resumed_by_id) == ("resume", person.id)
    with pytest.raises(Conflict, match=r"pause\.none"):
        clock_moves.resume(clock, at=START + 2 * DAY, person_id=person.id)


def test_a_pause_is_refused_when_it_can_take_nothing_out(appeal: Appeal) -> None:
    clock = running(appeal)
    assert clock.due_at
    with pytest.raises(Refused, match=r"pause\.too-late"):
        paused(clock, clock.due_at + DAY, date(2026, 12, 24))
    with pytest.raises(Refused, match=r"pause\.empty"):
        paused(clock, START + DAY, date(2026, 11, 24))
    paused(clock, START + DAY, date(2026, 11, 27))
    with pytest.raises(Conflict, match=r"pause\.already"):
        paused(clock, START + 2 * DAY, date(2026, 12, 1))


def test_an_extension_and_a_pause_hold_together(appeal: Appeal) -> None:
    clock = running(appeal)
    paused(clock, START + DAY, date(2026, 11, 27))
    clock_moves.extend(clock, 1, at=START + DAY, person_id=making.person().id, reason="示例")
    assert clock.due_at == local("2026-12-09T00:00")
    clock_moves.resume(clock, at=START + DAY, person_id=making.person().id)
    assert clock.due_at == local("2026-12-04T00:00")
    assert [change.why for change in clock.changes] == ["pause", "extension", "resume"]


def test_a_start_put_right_moves_the_clock_and_is_kept(appeal: Appeal) -> None:
    clock = running(appeal, "emergency")
    clocks.restart(appeal, "unit_limit", START - timedelta(hours=1))
    assert clock.due_at == START + timedelta(hours=1)
    assert [(one.why, one.old_due_at) for one in clock.changes] == [("correction", START + timedelta(hours=2))]
    clocks.restart(appeal, "unit_limit", START - timedelta(hours=1))
    assert len(clock.changes) == 1


@pytest.mark.parametrize(
    ("nature", "urgency", "category", "code"),
    [
        ("", "ordinary", None, "ordinary"),
        ("", "emergency", None, "emergency"),
        ("complaint", "ordinary", "水电气热", "utilities"),
        ("", "emergency", "水电气热", "emergency"),
    ],
)
def test_the_table_of_limits_proposes(
    make: Factory, nature: str, urgency: str, category: str | None, code: str
) -> None:
    row = db.session.scalars(select(Category).where(Category.code == category)).one() if category else None
    found = clocks.proposed_limit(nature, urgency, row.id if row else None)
    assert found is not None
    assert found.code == code


def test_a_limit_keeps_its_categories_by_code(make: Factory) -> None:
    system = make.actor(officer="system")
    chosen = db.session.scalars(select(Category).where(Category.code.in_(["城市建设", "交通出行"]))).all()
    values = {"categories": [row.id for row in chosen], "natures": ["consultation"]}
    limit = db.session.scalars(select(LimitRule).where(LimitRule.code == "complex")).one()
    sheets.save(system, BY_CODE["limits"], limit.id, values)
    assert limit.parameters["categories"] == sorted(row.code for row in chosen)
    assert sheets.values_of(BY_CODE["limits"], limit)["categories"] == sorted(row.id for row in chosen)
    proposed = clocks.proposed_limit("consultation", "ordinary", chosen[0].id)
    assert proposed is limit
    review = db.session.scalars(select(LimitRule).where(LimitRule.code == "review")).one()
    with pytest.raises(FieldErrors) as refused:
        sheets.save(system, BY_CODE["limits"], review.id, {"urgencies": ["urgent"]})
    assert refused.value.problems[0].code == "limit.proposed-elsewhere"
