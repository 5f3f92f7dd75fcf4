"""Both embedded servers for a test session: real ones, without durability."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import config
from app import embedded


def start(tmp: Path) -> tuple[str, str, str, Callable[[], None]]:
    """Start PostgreSQL and Redis below `tmp`: `(owner_url, app_url, redis_url, stop)`.

    The database is empty; the roles `owner` and `app` stand as in a real instance. `stop()` ends both servers
    and removes their folders; they also end with the process that called `start`.
    """
    settings = embedded.resolve(config.load({"INSTANCE_DIR": str(tmp / "instance")}))
    postgres, redis = embedded.Postgres.of(settings, fast=True), embedded.Redis.of(settings, fast=True)
    postgres.initialise()
    redis.initialise()
    with open(settings.instance_dir / "servers.log", "wb") as log:
        children = [
            subprocess.Popen(postgres.command(), cwd="/", stdout=log, stderr=log),
            subprocess.Popen(redis.command(), cwd=redis.home, stdout=log, stderr=log),
        ]

    def stop() -> None:
        children[0].send_signal(signal.SIGQUIT)
        children[1].kill()
        for child in children:
            child.wait(30)
        shutil.rmtree(settings.instance_dir, ignore_errors=True)
        shutil.rmtree(postgres.sockets.parent, ignore_errors=True)

    try:
        postgres.wait()
        postgres.provision()
        redis.wait()
    except BaseException:
        stop()
        raise
    return settings.database_url, settings.database_app_url, settings.redis_url, stop
