"""The application as gunicorn and `python -m flask` find it, from the environment."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import config
from app import embedded

if TYPE_CHECKING:
    from flask import Flask


# New objects between two collections. A request makes some thousands that go by themselves: looking for circles among
# them after every 700, as Python does unasked, takes a tenth of its time
# (docs/decisions/0015-the-data-layer-of-the-grid.md).
COLLECT_AFTER = 50_000


def create_app() -> Flask:
    """One application for this process, connected as the database role that may not alter tables."""
    from app import create_app

    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    return create_app(config.flask_settings(embedded.resolve(config.load(os.environ))))
