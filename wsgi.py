"""The application as gunicorn and `python -m flask` find it, from the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import config
from app import embedded

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """One application for this process, connected as the database role that may not alter tables."""
    from app import create_app

    return create_app(config.flask_settings(embedded.resolve(config.load(os.environ))))
