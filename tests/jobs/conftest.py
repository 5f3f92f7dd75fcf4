"""Real worker processes on committed rows: started, killed and cleaned up after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

import config
from app.services import queues

ROOT = Path(__file__).parents[2]


def environ_of(settings: config.Settings) -> dict[str, str]:
    """The environment of a process of the product on the test's servers."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ},
        "DATABASE_URL": settings.database_url,
        "DATABASE_APP_URL": settings.database_app_url,
        "REDIS_URL": settings.redis_url,
        "INSTANCE_DIR": str(settings.instance_dir),
        "TRUSTED_HOSTS": "localhost",
    }


def forget_jobs(settings: config.Settings) -> None:
    """What FLUSHALL does; the application's user of Redis may not call it."""
    connection: Any = queues.connect(settings.redis_url)
    for key in connection.scan_iter("*"):
        connection.delete(key)


@pytest.fixture
def committed(built_app: Flask, settings: config.Settings) -> Iterator[Flask]:
    """The application outside of any test's transaction; what a test commits is removed afterwards."""
    forget_jobs(settings)
    with built_app.app_context():
        yield built_app
    engine = create_engine(settings.database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as owner:
        for table in (
            "notice",
            "delivery",
            "task",
            "clock",
            "appeal",
            "timetable_slot",
            "heartbeat",
            "journal_seal",
        ):
            owner.execute(text(f"DELETE FROM {table}"))
        owner.execute(text("DELETE FROM journal WHERE object_type = 'task'"))
        owner.execute(text("DELETE FROM membership m USING person p WHERE p.id = m.person_id AND p.code ~ '^maker_'"))
        owner.execute(text("DELETE FROM person WHERE code ~ '^maker_'"))
    engine.dispose()
    forget_jobs(settings)


@dataclass
class Farm:
    """Workers on demand, forked from one loaded process (tests/jobs/farm.py)."""

    process: subprocess.Popen[str]
    log: Path
    alive: set[int] = field(default_factory=set)

    def start(self, name: str, **settings: str) -> int:
        pid = int(self._ask(" ".join(["start", name, *(f"{key}={value}" for key, value in settings.items())])))
        self.alive.add(pid)
        return pid

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self.wait(pid) == -signal.SIGKILL

    def stop(self, pid: int) -> int:
        """Ask a process to end; its exit code."""
        os.kill(pid, signal.SIGTERM)
        return self.wait(pid)

    def wait(self, pid: int) -> int:
        self.alive.discard(pid)
        return int(self._ask(f"wait {pid}"))

    def said(self) -> str:
        return self.log.read_text()

    def _ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(line, file=self.process.stdin, flush=True)
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def loaded_farm(
    built_app: Flask, settings: config.Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Farm]:
    log = tmp_path_factory.mktemp("farm") / "farm.log"
    with open(log, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.farm"],
            cwd=ROOT,
            env=environ_of(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    yield Farm(process, log)
    process.kill()
    process.wait(10)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


@pytest.fixture
def farm(loaded_farm: Farm) -> Iterator[Farm]:
    """No worker of a test outlives it."""
    yield loaded_farm
    for pid in list(loaded_farm.alive):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        loaded_farm.wait(pid)


@contextmanager
def within(seconds: float) -> Iterator[Callable[[], bool]]:
    """A deadline for waiting on another process: the yielded function waits a moment and says whether time is
    left.
    """
    end = time.monotonic() + seconds

    def time_left() -> bool:
        time.sleep(0.02)  # another process works meanwhile, and nothing announces it
        return time.monotonic() < end

    yield time_left
