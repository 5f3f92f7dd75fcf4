"""The product as it runs in production, on servers of its own: gunicorn, one worker per queue, the timetable."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

import config
from app import create_app, embedded, leash
from tests import servers

ROOT = Path(__file__).parents[2]
QUEUES = ("deliveries", "reports", "imports")
# Enough for every state, queue and list; the demonstration itself has ten times as many.
SAMPLE_APPEALS = 60
START_SECONDS = 60


@dataclass
class Product:
    """A running product. `owner_url` reaches its database past the application, for moving clocks and looking on."""

    url: str
    owner_url: str
    settings: config.Settings
    logs: Path
    passwords: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def sql(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of a statement run as the owner of the tables."""
        with psycopg.connect(self.owner_url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, **values: Any) -> Any:
        """The only value of the only row."""
        ((value,),) = (row.values() for row in self.sql(statement, **values))
        return value

    def until(self, statement: str, seconds: float = 60, **values: Any) -> Any:
        """The value of a statement as soon as it is true; workers and timetable run by themselves."""
        deadline = time.monotonic() + seconds
        while not (found := self.one(statement, **values)):
            assert time.monotonic() < deadline, f"still not: {statement} {values}\n{self.last_words()}"
            time.sleep(0.2)
        return found

    def last_words(self) -> str:
        """The ends of all logs."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in sorted(self.logs.glob("*.log"))
        )

    def start(self, name: str, *command: str) -> None:
        """Start one process of the product; it ends with the tests however they end."""
        with open(self.logs / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(
                leash.command([sys.executable, "-m", *command], signal.SIGTERM),
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _environment(self) -> dict[str, str]:
        settings = self.settings
        return {
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "DATABASE_APP_URL": settings.database_app_url,
            "REDIS_URL": settings.redis_url,
            "INSTANCE_DIR": str(settings.instance_dir),
            "PORT": str(settings.port),
            "DEMO": "True",
            "DEFAULT_LOCALE": "zh",
        }

    def stop(self) -> None:
        """Ask all processes to end, and wait for them."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()

    def await_web(self) -> None:
        """Return when the web server answers."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=5)
            with suppress(OSError), closing(connection):
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            assert time.monotonic() < deadline, self.last_words()
            time.sleep(0.1)


@contextmanager
def running(folder: Path) -> Iterator[Product]:
    """Servers, schema, seed, a small sample, then everything that serves and works."""
    owner_url, app_url, redis_url, stop_servers = servers.start(folder)
    try:
        environ = {
            "DATABASE_URL": owner_url,
            "DATABASE_APP_URL": app_url,
            "REDIS_URL": redis_url,
            "INSTANCE_DIR": str(folder / "state"),
            "PORT": str(_free_port()),
            "DEMO": "True",
        }
        settings = embedded.resolve(config.load(environ))
        logs = folder / "logs"
        logs.mkdir()
        product = Product(f"http://localhost:{settings.port}", owner_url, settings, logs, _fill(settings))
        try:
            product.start("web", "gunicorn", "--bind", f"127.0.0.1:{settings.port}", "--workers", "2", *_WEB)
            for queue in QUEUES:
                product.start(f"worker-{queue}", "jobs.runtime", queue)
            product.start("timetable", "jobs.timetable")
            product.await_web()
            yield product
        finally:
            product.stop()
    finally:
        stop_servers()


_WEB = ("--timeout", "60", "--log-level", "warning", "--no-control-socket", "wsgi:create_app()")


def _fill(settings: config.Settings) -> dict[str, str]:
    """Schema, seed and sample, as `prepare` loads them but smaller; the passwords by user name."""
    from app.models import db
    from app.services import grants, present, setup
    from app.services.transaction import transaction
    from seed import sample
    from seed.load import load_seed

    usual, sample.APPEALS = sample.APPEALS, SAMPLE_APPEALS
    app = create_app(config.flask_settings(settings))
    try:
        with app.test_request_context():
            setup.migrate(settings.database_url)
            with transaction():
                load_seed(db.session)
            with transaction():
                grants.regenerate_roles()
            accounts = sample.load_sample(settings.sample_date or present.today())
            db.session.remove()
            db.engine.dispose()
    finally:
        sample.APPEALS = usual
    return {account.username: account.password for account in accounts}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
