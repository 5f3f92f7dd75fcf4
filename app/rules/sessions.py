"""When a signed-in browser counts: idle and absolute limits, revocation, freshness (ASVS 7.3, 7.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Two tabs and a poll are one person at work: the moment last seen is written at most this often.
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts without a request, in all, and how long a typed password counts as fresh."""

    idle: timedelta
    absolute: timedelta
    fresh: timedelta


@dataclass(frozen=True, slots=True)
class Moments:
    """What a session row says."""

    created_at: datetime
    last_seen_at: datetime
    fresh_at: datetime
    revoked_at: datetime | None = None


def is_live(moments: Moments, now: datetime, limits: Limits) -> bool:
    """Whether the session still opens doors; at the limit itself it no longer does."""
    return (
        moments.revoked_at is None
        and now - moments.last_seen_at < limits.idle
        and now - moments.created_at < limits.absolute
    )


def is_fresh(moments: Moments, now: datetime, limits: Limits) -> bool:
    """Whether the password was typed recently enough for an export or for seeing personal data in bulk."""
    return now - moments.fresh_at < limits.fresh


def needs_touch(moments: Moments, now: datetime) -> bool:
    """Whether the moment last seen is due to be written."""
    return now - moments.last_seen_at >= TOUCH_EVERY
