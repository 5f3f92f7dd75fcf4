"""The handler of learning; what it does stands in app/services/suggestions.py."""

from __future__ import annotations

from app.services import suggestions, tasks


def train(_run: tasks.Run) -> str:
    """Learn from the newest appeals; run again it changes nothing."""
    suggestions.train()
    return ""
