"""Commands that import workbooks, for the machine room."""

from __future__ import annotations

from flask import Flask


def register_import_commands(app: Flask) -> None:
    """Register them under `flask`."""
