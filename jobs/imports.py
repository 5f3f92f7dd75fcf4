"""The handlers of import tasks; what they do stands in app/services/imports.py."""

from __future__ import annotations

from app.services import imports, tasks


def check_batch(run: tasks.Run) -> str:
    """The dry run of a large sheet."""
    return imports.run_check(run)


def apply_batch(run: tasks.Run) -> str:
    """Carry an import out: all rows or none, and once only however often it is run."""
    return imports.carry_out(run)
