"""Start, stop and kill: what is left after any kind of end. The mechanics are run.py's, the product is small."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import config
from app import embedded, supervision
from tests.starting import Run, until


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "民声 %s;#1" / "instance")
    yield run
    if run.process is not None and run.process.poll() is None:
        run.process.kill()
        run.process.communicate()
    supervision.end_leftovers(run.instance, seconds=0.5)


def test_what_preparing_refuses_is_passed_on_and_everything_ends(run: Run) -> None:
    code, error = run.refusal(REFUSE="the database is newer than this version")
    assert (code, error) == (2, "server: the database is newer than this version\n")
    assert run.processes() == []


def test_start_look_again_and_stop(run: Run) -> None:
    """First start, a second one beside it, Ctrl-C, and the start after it on the same data."""
    run.start("--demo")
    printed = run.until_up()
    assert printed[-3:-1] == [f"民声直通车 is running: http://127.0.0.1:{run.port}/", "starts: 1"]
    assert run.ask().endswith(" True"), "the children know that it is a demonstration"
    assert run.ask().startswith("app "), "the web connects as the role that may not alter tables"
    names = {json.dumps(one.cmdline(), ensure_ascii=False) for one in run.processes()}
    assert sum('"tests.small_product.worker"' in name for name in names) == 4

    beside = Run(run.instance)
    code, error = beside.refusal()
    assert (code, error.startswith(f"already running: http://127.0.0.1:{run.port}/ (pid ")) == (2, True)
    assert run.ask(), "the first is not disturbed"

    assert run.stop(signal.SIGINT) == 0
    assert run.processes() == []
    assert run.ask() == ""

    run.start()
    assert "starts: 2" in run.until_up()
    assert run.ask().endswith(" False")
    assert run.stop(signal.SIGTERM) == 0
    assert run.processes() == []


def test_a_killed_child_is_started_again(run: Run) -> None:
    run.start()
    run.until_up()
    settings = embedded.resolve(config.load({"INSTANCE_DIR": str(run.instance)}))
    queue = redis.Redis.from_url(settings.redis_url)
    for words in ("gunicorn", "postgres -D", "valkey-server", "worker reports"):
        killed = until(lambda words=words: run.child(words))
        os.kill(killed, signal.SIGKILL)
        until(lambda words=words, killed=killed: run.child(words) not in (killed, None))
        until(run.ask)
        until(lambda: _answers(queue))


def _answers(queue: redis.Redis) -> bool:
    try:
        return bool(queue.get("worker:reports"))
    except redis.RedisError:
        return False


@pytest.mark.parametrize("who", ["run.py", "supervisord"])
def test_after_the_parent_was_killed_the_next_start_just_works(run: Run, who: str) -> None:
    process = run.start()
    run.until_up()
    first = run.processes()
    if who == "run.py":
        process.kill()
    else:
        os.kill(until(lambda: run.child("supervisor.supervisord")), signal.SIGKILL)
    _, error = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if who == "run.py" else 1), error
    run.start()
    assert "starts: 2" in run.until_up()
    assert not any(one.is_running() for one in first), "nothing of the first run is left"
    assert run.stop(signal.SIGTERM) == 0
