"""One real PostgreSQL and Redis per test run; each test in one transaction that is rolled back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import config
from app import create_app
from app.models import db
from tests import servers
from tests.factories import Factory


class Browser(FlaskClient):
    """A test client whose every request has an application context of its own, as in the real server."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """One request; the test's own session forgets what it has read, since the request may have changed it."""
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        db.session.expire_all()
        return response


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: a file packed on the way holds its moment, and each worker packs its own."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[config.Settings]:
    """Settings of a run with servers of its own; plain HTTP on loopback, Chinese first."""
    folder = tmp_path_factory.mktemp("servers")
    owner_url, app_url, redis_url, stop = servers.start(folder)
    environ = {
        "DATABASE_URL": owner_url,
        "DATABASE_APP_URL": app_url,
        "REDIS_URL": redis_url,
        "INSTANCE_DIR": str(folder / "state"),
        "TRUSTED_HOSTS": "localhost",
    }
    try:
        yield config.with_secrets(config.load(environ))
    finally:
        stop()


@pytest.fixture(scope="session")
def built_app(settings: config.Settings) -> Iterator[Flask]:
    """The application on a migrated database with the seed loaded, once per run."""
    from app.services import grants, present, setup
    from app.services.transaction import transaction
    from seed.load import load_seed

    tested = {
        "TESTING": True,
        "WTF_CSRF_ENABLED": False,
        # Real scrypt costs a tenth of a second a login; the tests of its timing switch to the real one.
        "FAB_PASSWORD_HASH_METHOD": "scrypt:1024:8:1",
    }
    app = create_app({**config.flask_settings(settings), **tested})
    app.test_client_class = Browser
    with app.app_context():
        setup.migrate(settings.database_url)
        with transaction():
            load_seed(db.session, today=present.today())
            grants.regenerate_roles()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(built_app: Flask) -> Iterator[Flask]:
    """The application inside one transaction: whatever a test commits is gone after it."""
    with built_app.app_context():
        engines = db.engines
        engine = engines[None]
        connection = engine.connect()
        outer = connection.begin()
        engines[None] = connection
        db.session.configure(join_transaction_mode="create_savepoint")
        try:
            yield built_app
        finally:
            db.session.remove()
            outer.rollback()
            connection.close()
            engines[None] = engine
            db.session.configure(join_transaction_mode="conditional_savepoint")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of a stranger."""
    return app.test_client()


@pytest.fixture
def make(app: Flask) -> Factory:
    """Makes people, accounts and appeals."""
    return Factory(app)


@pytest.fixture(scope="session")
def sample_workbooks() -> Path:
    """The folder of real workbooks for trying things out; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("SAMPLE_WORKBOOKS", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the folder of sample workbooks is not here (SAMPLE_WORKBOOKS)")
    return folder
