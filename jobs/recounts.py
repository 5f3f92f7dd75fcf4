"""The handler of a recount; what it does stands in app/services/clock_recounts.py."""

from __future__ import annotations

from app.services import clock_recounts, tasks


def apply(run: tasks.Run) -> str:
    """Let running clocks follow a changed calendar or limit: once each, however often it is run."""
    return clock_recounts.apply(run)
