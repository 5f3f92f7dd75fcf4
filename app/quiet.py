"""Logging a failure without the error's own words, which may quote a row, a cell or a person (SECURITY §4 row 30)."""

from __future__ import annotations

import logging
import traceback


def log_without_values(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Where something went wrong and of what class the error was; its text stays out of the log."""
    places = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s\n%s", what, type(error).__name__, places)
