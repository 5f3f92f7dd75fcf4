"""Which collection days a collector with a daily cut-off owes a nil return for (R3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from app.models import NilReturn, Post, db
from app.rules.errors import Refused
from app.rules.grants import Grant, GrantSet, Scope
from app.services import nil_returns, present
from app.services.actors import Actor
from tests.factories import Factory
from tests.services import reporting
from tests.services.reporting import DAY, HOUR, NOW, SUPERVISOR
from tests.test_desk import counted as statements_in

# 2026-11-20 is a Friday, the next working day is Monday the 23rd.
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
CUT_OFF = datetime(2026, 11, 23, 3, tzinfo=UTC)  # Monday 11:00 in Shanghai
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def in_use(app: Flask) -> None:
    """The product has been in use for long: somebody collected something forty days ago."""
    reporting.clock(reporting.appeal(0, channel_class="A"), "collection", started_at=NOW - 40 * DAY)


def _missing(as_of: datetime = CUT_OFF, *, letter: str = "C", days: int = 4) -> list[date]:
    return [one.day for one in nil_returns.missing(SUPERVISOR, as_of, days=days) if one.channel_class == letter]


def _sign(make: Factory, day: date, *, at: datetime = CUT_OFF - HOUR, code: str = "collector_c") -> None:
    by = make.holder(code).id
    db.session.add(NilReturn(post_id=make.post(code).id, day=day, signed_at=at, signed_by_id=by, role="A"))
    db.session.commit()


def test_a_working_day_without_anything_is_missing_for_each_of_c_d_e() -> None:
    found = nil_returns.missing(SUPERVISOR, CUT_OFF, days=4)
    assert [(one.day, one.channel_class) for one in found] == [
        (day, letter) for day in (MONDAY, FRIDAY) for letter in ("C", "D", "E")
    ]


def test_a_day_is_not_missing_before_its_cut_off() -> None:
    assert _missing(CUT_OFF - SECOND) == [FRIDAY]


def test_a_signed_nil_return_settles_the_day(make: Factory) -> None:
    _sign(make, MONDAY)
    assert _missing() == [FRIDAY]
    assert _missing(letter="D") == [MONDAY, FRIDAY]


def test_what_was_signed_later_has_not_happened_yet(make: Factory) -> None:
    _sign(make, FRIDAY, at=CUT_OFF + HOUR)
    assert _missing() == [MONDAY, FRIDAY]
    assert _missing(CUT_OFF + HOUR) == [MONDAY]


@pytest.mark.parametrize(
    ("submitted_at", "missing"),
    [
        (CUT_OFF - SECOND, [FRIDAY]),
        (CUT_OFF, [MONDAY, FRIDAY]),  # at 11:00 sharp it is the next day's
        (CUT_OFF - 3 * DAY, [FRIDAY]),  # Friday 11:00 sharp: already Monday's
        (CUT_OFF - 3 * DAY - SECOND, [MONDAY]),
        (CUT_OFF - DAY, [FRIDAY]),  # on Sunday
    ],
)
def test_a_submission_counts_between_two_cut_offs(submitted_at: datetime, missing: list[date]) -> None:
    reporting.appeal(1, channel_class="C", received_at=NOW - 4 * DAY, submitted_at=submitted_at)
    assert _missing(CUT_OFF + SECOND) == missing


def test_days_before_the_product_was_in_use_are_nobodys_fault(app: Flask) -> None:
    with present.at(NOW):
        found = nil_returns.missing(SUPERVISOR, NOW, days=90)
    assert min(one.day for one in found) >= (NOW - 40 * DAY).date()


def test_only_working_days_count() -> None:
    assert date(2026, 10, 1) not in _missing(days=60)
    assert date(2026, 11, 21) not in _missing(days=60)
    assert date(2026, 11, 22) not in _missing(days=60)


def test_a_scoped_reader_sees_his_class_only(app: Flask) -> None:
    actor = Actor(None, None, GrantSet((Grant("supervise", Scope.OWN_CLASS, "D"),)))
    assert {one.channel_class for one in nil_returns.missing(actor, CUT_OFF)} == {"D"}


def test_a_stranger_is_refused(app: Flask) -> None:
    with pytest.raises(Refused):
        nil_returns.missing(Actor(None, None, GrantSet((Grant("collect", Scope.OWN_CLASS, "C"),))), CUT_OFF)


def test_a_post_that_was_given_up_owes_nothing(make: Factory) -> None:
    make.post("collector_d").active = False
    db.session.commit()
    assert _missing(letter="D") == []
    assert db.session.get(Post, make.post("collector_d").id) is not None


def test_it_costs_a_fixed_number_of_statements(app: Flask) -> None:
    nil_returns.missing(SUPERVISOR, CUT_OFF)  # reads the calendar
    with statements_in() as seen:
        nil_returns.missing(SUPERVISOR, CUT_OFF, days=60)
    assert len(seen) == 3
