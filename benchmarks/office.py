"""An office of its own to measure in: embedded servers, the seed, and as many fictional appeals as wanted."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

import config
from app import create_app, embedded
from app.models import Account, Holding, Person, Post, db
from app.services import accounts, grants, present, sessions, setup, versions
from app.services.actors import Actor
from app.services.sessions import Origin
from app.services.transaction import transaction
from seed.load import load_seed

HERE = Path(__file__).parent
BASE_URL = "https://localhost"
PASSWORD = "Messung-Shili-2010"


@dataclass(frozen=True)
class Office:
    """The running office."""

    app: Flask
    settings: config.Settings

    @property
    def owner_url(self) -> str:
        """Reaches the database as the owner of the tables."""
        return self.settings.database_url

    def fill(self, appeals: int) -> float:
        """Add fictional appeals with their clocks; the seconds it took, statistics included.

        What triggers keep is filled in by one statement each, and the table written anew in the order of its ids.
        """
        with self.app.app_context():
            now = present.now()
        start = perf_counter()
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            with connection.transaction():
                for table in ("appeal", "clock"):
                    connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                connection.execute((HERE / "appeals.sql").read_text("utf-8"), {"appeals": appeals, "now": now})
                for statement in re.split(r";\s*\n", (HERE / "followed.sql").read_text("utf-8")):
                    connection.execute(statement)
                for table in ("appeal", "clock"):
                    connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            connection.execute("CLUSTER appeal USING appeal_pkey")
            for table in ("appeal", "clock", "ledger_count"):
                connection.execute(f"VACUUM ANALYZE {table}")
        return perf_counter() - start

    def account(self, post: str) -> int:
        """The account of the person who holds the post as A; call inside an application context."""
        held = select(Person).join(Holding, Holding.person_id == Person.id)
        held = held.join(Post, Post.id == Holding.post_id).where(Post.code == post, Holding.role == "A")
        person = db.session.scalars(held).one()
        accounts.ensure_demo(person, f"bench{person.id}", PASSWORD)
        return db.session.scalars(select(Account.user_id).where(Account.person_id == person.id)).one()

    def actor(self, post: str) -> Actor:
        """That person as services see him; call inside an application context."""
        standing = grants.standing_of(self.account(post))
        assert standing is not None
        return Actor(standing.user_id, standing.person_id, standing.grants, standing.name)

    def browser(self, post: str) -> FlaskClient:
        """A browser in which that person is signed in."""
        with self.app.app_context():
            user_id = self.account(post)
            with transaction():
                token = sessions.begin(user_id, Origin())
        client = self.app.test_client()
        with client.session_transaction(base_url=BASE_URL) as cookie:
            cookie.update({"sid": token, "_user_id": str(user_id), "_fresh": True, "locale": "zh"})
        return client


@contextmanager
def opened(kept: Path | None = None) -> Iterator[Office]:
    """Start PostgreSQL and Redis in a folder that goes with them, migrate, load the seed.

    `kept` is a folder that stays: opened again, it has what it had.
    """
    if kept is not None:
        kept.mkdir(exist_ok=True)
    folder = kept or Path(tempfile.mkdtemp(prefix="bench-"))
    settings = embedded.resolve(config.load({"INSTANCE_DIR": str(folder), "DEMO": "True"}))
    postgres, redis = embedded.Postgres.of(settings), embedded.Redis.of(settings)
    postgres.initialise()
    redis.initialise()
    children: list[subprocess.Popen[bytes]] = []
    try:
        with open(folder / "servers.log", "wb") as log:
            children.append(subprocess.Popen(postgres.command(), cwd="/", stdout=log, stderr=log))
            children.append(subprocess.Popen(redis.command(), cwd=redis.home, stdout=log, stderr=log))
        postgres.wait()
        postgres.provision()
        redis.wait()
        yield _founded(settings)
    finally:
        for child, how in zip(children, (signal.SIGQUIT, signal.SIGKILL), strict=False):
            child.send_signal(how)
            child.wait(30)
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(postgres.sockets.parent, ignore_errors=True)


def _founded(settings: config.Settings) -> Office:
    app = create_app({**config.flask_settings(settings), "FAB_PASSWORD_HASH_METHOD": "scrypt:1024:8:1"})
    with app.app_context():
        setup.migrate(settings.database_url)
        with transaction():
            load_seed(db.session)
        with transaction():
            grants.regenerate_roles()
        versions.sum_up()  # as the timetable does
    return Office(app, settings)
