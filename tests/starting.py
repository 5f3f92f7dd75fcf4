"""run.py with the small product as a test sees it: a process, what it prints, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

from app import supervision
from config import ROOT

UNSET = ("DATABASE_URL", "DATABASE_APP_URL", "REDIS_URL", "DEFAULT_LOCALE", "HOST", "TRUSTED_HOSTS", "DEMO")


T = TypeVar("T")


def until(check: Callable[[], T | None], seconds: float = 60.0) -> T:
    """The first true answer of `check`; polling real processes has no event to wait for."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        answer = check()
        if answer or time.monotonic() > deadline:
            assert answer, f"nothing after {seconds} s"
            return answer
        pause.wait(0.1)


class Run:
    """run.py with the small product, in a folder and on a port of its own."""

    def __init__(self, instance: Path) -> None:
        self.instance = instance
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if name not in UNSET}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.small_product", *arguments],
            cwd=ROOT,
            env={**clean, "INSTANCE_DIR": str(self.instance), "PORT": str(self.port), "LANG": "en", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def refusal(self, *arguments: str, **environ: str) -> tuple[int, str]:
        """Exit code and standard error of a start that ends by itself."""
        _, error = self.start(*arguments, **environ).communicate(timeout=60)
        assert self.process is not None
        return self.process.returncode, error

    def until_up(self) -> list[str]:
        """What was printed until everything runs."""
        assert self.process is not None
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.strip())
            if line.startswith("Ctrl-C"):
                return lines
        raise AssertionError(f"it ended: {lines} {self.process.communicate()[1]}")

    def ask(self) -> str:
        """What the web server says of itself; empty while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def stop(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=90)
        return self.process.returncode

    def processes(self) -> list[psutil.Process]:
        return list(supervision.leftovers(self.instance))

    def child(self, words: str) -> int | None:
        """The process id of the oldest process of this run with these words in its command line."""
        found = []
        for one in self.processes():
            with suppress(psutil.Error):
                if words in " ".join(one.cmdline()):
                    found.append((one.create_time(), one.pid))
        return min(found)[1] if found else None
