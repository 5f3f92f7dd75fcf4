"""First steps: what counts as done."""

from datetime import UTC, date, datetime

import pytest

from app.rules.checklist import STEPS, UNSEEN, Mark, calendar_ends_early, percent, steps

MARK = Mark(datetime(2026, 11, 25, tzinfo=UTC), "示例")
NOTHING_LEFT = dict.fromkeys(STEPS, 0)


def test_what_the_software_cannot_see_waits_for_a_person() -> None:
    found = steps(NOTHING_LEFT, {})
    assert {step.code for step in found if not step.is_done} == UNSEEN
    assert all(step.is_done for step in steps(NOTHING_LEFT, dict.fromkeys(UNSEEN, MARK)))


def test_a_mark_settles_a_step_with_something_left() -> None:
    (people, *_rest) = steps(NOTHING_LEFT | {"people": 13}, {"people": MARK})
    assert (people.left, people.is_done) == (13, True)


def test_only_everything_is_a_hundred_per_cent() -> None:
    assert percent(steps(NOTHING_LEFT, dict.fromkeys(UNSEEN, MARK))) == 100
    assert percent(steps(NOTHING_LEFT, {})) == 90
    assert percent(steps(dict.fromkeys(STEPS, 1), {})) == 0


@pytest.mark.parametrize(
    ("known", "early"),
    [(date(2026, 12, 31), True), (date(2027, 12, 31), False), (date(2027, 2, 23), False), (date(2027, 2, 22), True)],
)
def test_the_calendar_must_reach_ninety_days_ahead(known: date, early: bool) -> None:
    assert calendar_ends_early(known, date(2026, 11, 25)) is early
