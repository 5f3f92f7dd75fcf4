from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.rules.sessions import Limits, Moments, is_fresh, is_live, needs_touch

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LIMITS = Limits(idle=timedelta(minutes=30), absolute=timedelta(hours=12), fresh=timedelta(minutes=15))
NEW = Moments(created_at=NOW, last_seen_at=NOW, fresh_at=NOW)


@pytest.mark.parametrize(
    ("since_login", "since_seen", "live"),
    [
        (0, 0, True),
        (29, 29, True),
        (30, 30, False),
        (31, 31, False),
        (719, 1, True),
        (720, 1, False),
        (2000, 0, False),
    ],
)
def test_a_session_ends_when_idle_and_at_its_absolute_limit(since_login, since_seen, live):
    moments = replace(
        NEW,
        created_at=NOW - timedelta(minutes=since_login),
        last_seen_at=NOW - timedelta(minutes=since_seen),
    )
    assert is_live(moments, NOW, LIMITS) is live


def test_a_revoked_session_is_dead_at_once():
    assert not is_live(replace(NEW, revoked_at=NOW), NOW, LIMITS)


@pytest.mark.parametrize(("minutes", "fresh"), [(0, True), (14, True), (15, False)])
def test_a_typed_password_stays_fresh_for_a_quarter_of_an_hour(minutes, fresh):
    assert is_fresh(replace(NEW, fresh_at=NOW - timedelta(minutes=minutes)), NOW, LIMITS) is fresh


@pytest.mark.parametrize(("seconds", "due"), [(0, False), (59, False), (60, True)])
def test_the_moment_last_seen_is_written_once_a_minute(seconds, due):
    assert needs_touch(replace(NEW, last_seen_at=NOW - timedelta(seconds=seconds)), NOW) is due
