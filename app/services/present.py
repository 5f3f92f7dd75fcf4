"""The present moment and the configured zone: the only place where services ask what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import current_app

_fixed: ContextVar[datetime | None] = ContextVar("present_moment", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _fixed.get() or datetime.now(UTC)


def zone() -> ZoneInfo:
    """The zone in which days begin and end (setting TIME_ZONE)."""
    return ZoneInfo(current_app.config["TIME_ZONE"])


def today() -> date:
    """Today's date in the configured zone."""
    return now().astimezone(zone()).date()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Within the block it is `moment` (aware): for the sample quarter and for tests."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)
