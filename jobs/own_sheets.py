"""The handler that fills a new sheet from a large file; what it does stands in app/services/own_sheets.py."""

from __future__ import annotations

from app.services import own_sheets, tasks


def fill(run: tasks.Run) -> str:
    """Take the rows in, all of them or none."""
    return own_sheets.fill(run)
