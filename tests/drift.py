"""Fail when models and migrations disagree: `python -m tests.drift`, against a database of its own."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import config
from app import create_app, embedded
from tests import servers


def main() -> int:
    """Migrate an empty database to the newest revision, then compare it with the models."""
    from flask_migrate import check

    from app.services import setup

    with tempfile.TemporaryDirectory() as folder:
        owner_url, app_url, redis_url, stop = servers.start(Path(folder))
        try:
            outside = {"DATABASE_URL": owner_url, "DATABASE_APP_URL": app_url, "REDIS_URL": redis_url}
            settings = embedded.resolve(config.load({**outside, "INSTANCE_DIR": folder}))
            app = create_app(config.flask_settings(settings))
            with app.app_context():
                setup.migrate(owner_url)
                app.config["MIGRATION_URL"] = owner_url
                check(directory=str(config.ROOT / "app" / "migrations"))
        finally:
            stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
