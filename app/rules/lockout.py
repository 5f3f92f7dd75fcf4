"""The lock-out: so many wrong passwords within a window shut a login (等保 8.1.4.1 b, ASVS 6.3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """`failures` wrong passwords, each within `window` of the one before, lock an account for `locked`."""

    failures: int
    window: timedelta
    locked: timedelta


@dataclass(frozen=True, slots=True)
class Tally:
    """The failures of one account: how many, the latest of them, and until when the account is locked."""

    count: int = 0
    latest: datetime | None = None
    until: datetime | None = None


def is_locked(tally: Tally, now: datetime) -> bool:
    """Whether no password, not even the right one, opens the account now."""
    return tally.until is not None and now < tally.until


def after_failure(tally: Tally, now: datetime, policy: Policy) -> Tally:
    """The tally with one more wrong password; an ended lock or a quiet window starts it anew.

    Counting from the latest failure, not the first, keeps any stretch of `window` to `failures` tries.
    """
    lapsed = tally.until is not None or tally.latest is None or now - tally.latest >= policy.window
    count = 1 if lapsed else tally.count + 1
    return Tally(count, now, now + policy.locked if count >= policy.failures else None)
