"""`flask clocks verify`: every open limit computed once more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from app.models import Clock, LimitRule, db
from app.services import clock_moves, clocks
from tests.factories import Factory
from tests.services import making

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def running(code: str = "ordinary") -> Clock:
    limit = db.session.scalars(select(LimitRule).where(LimitRule.code == code)).one()
    clock = clocks.start(making.appeal(), "unit_limit", limit, started_at=START)
    db.session.commit()
    return clock


def test_it_finds_nothing_where_everything_is_as_computed(app: Flask, make: Factory) -> None:
    person = making.person()
    for code in ("ordinary", "emergency", "utilities", "complex"):
        running(code)
    moved = running()
    clock_moves.extend(moved, 2, at=START, person_id=person.id, reason="示例")
    clock_moves.pause(
        moved,
        starts_at=START + DAY,
        until_on=date(2026, 11, 27),
        reason="示例",
        approved_by_id=person.id,
        at=START + DAY,
    )
    fixed = clocks.start(making.appeal(), "unit_limit", None, started_at=START, due_on=date(2026, 12, 1))
    stopped = running()
    stopped.stopped_at, stopped.due_at = START, START + DAY  # not open: not looked at
    db.session.commit()
    assert fixed.due_at is not None
    answer = app.test_cli_runner().invoke(args=["clocks", "verify"])
    assert (answer.output.strip(), answer.exit_code) == ("6 open limits checked, 0 differ", 0)


def test_it_finds_what_was_tampered_with(app: Flask, make: Factory) -> None:
    due, late, mark, torn, paused = (running() for _ in range(5))
    assert due.due_at
    due.due_at += timedelta(seconds=1)
    late.late_when = "at_or_after"
    mark.inputs = {**mark.inputs, "provisional": True}
    torn.inputs = {"limit": {"kind": "示例"}}
    clock_moves.pause(
        paused,
        starts_at=START + DAY,
        until_on=date(2026, 11, 27),
        reason="示例",
        approved_by_id=making.person().id,
        at=START + DAY,
    )
    paused.pauses[0].ends_at += DAY
    db.session.commit()
    answer = app.test_cli_runner().invoke(args=["clocks", "verify"])
    assert answer.exit_code == 1
    assert "5 open limits checked, 5 differ" in answer.output
    for clock, reason in ((due, "due"), (late, "late-when"), (mark, "provisional"), (torn, "unreadable")):
        assert f"clock {clock.id} unit_limit: {reason}, stored" in answer.output
    assert f"clock {paused.id} unit_limit: pauses, stored" in answer.output
