"""Programs behind the product's own gunicorn on the loopback address, and a caller that costs little itself."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import config
from app import leash
from run import web_server

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Answer:
    """What came back; `head` as it was sent."""

    status: int
    head: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Caller:
    """One browser or program: its cookies and headers; a connection for each request, as sync workers answer."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: object = None, form: bytes | None = None) -> Answer:
        """Send one request and read the whole answer."""
        return self.send(self.written(method, path, body, form))

    def written(self, method: str, path: str, body: object = None, form: bytes | None = None) -> bytes:
        """The bytes of a request."""
        content = form if form is not None else b"" if body is None else json.dumps(body).encode()
        kind = "application/x-www-form-urlencoded" if form is not None else "application/json"
        head = {"Host": f"{HOST}:{self.port}", "Connection": "close", **self.headers}
        if content:
            head |= {"Content-Type": kind, "Content-Length": str(len(content))}
        if self.cookies:
            head["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        return "\r\n".join([*lines, "", ""]).encode() + content

    def send(self, request: bytes) -> Answer:
        """Send bytes that `written` made."""
        with socket.create_connection((HOST, self.port), timeout=60) as connection:
            connection.sendall(request)
            parts = []
            while part := connection.recv(262_144):
                parts.append(part)
        head, _gap, content = b"".join(parts).partition(b"\r\n\r\n")
        text = head.decode("latin-1")
        for name, value in re.findall(r"(?im)^set-cookie: ([^=]+)=([^;\r]*)", text):
            self.cookies[name] = value
        return Answer(int(text.split(" ", 2)[1]), text, content)

    def sign_in(self, username: str, password: str) -> None:
        """By the form of the login page; later requests carry the page's token."""
        token = self._token("/login/", r'name="csrf_token"[^>]*value="([^"]+)"')
        form = "&".join((f"username={username}", f"password={password}", f"csrf_token={token}"))
        done = self.call("POST", "/login/", form=form.encode())
        if done.status != 302:
            raise RuntimeError(f"signing in answers {done.status}")
        self.headers["X-CSRFToken"] = self._token("/grid/ledger", r'name="csrf-token" content="([^"]+)"')

    def _token(self, page: str, pattern: str) -> str:
        answer = self.call("GET", page)
        found = re.search(pattern, answer.body.decode())
        if found is None:
            raise RuntimeError(f"{page} answers {answer.status} without a token")
        return found[1]


@contextmanager
def served(settings: config.Settings, program: str, environment: Mapping[str, str]) -> Iterator[int]:
    """A WSGI program under the product's gunicorn and its settings; the port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    here = replace(settings, host=HOST, port=port)
    command = leash.command([sys.executable, "-m", "gunicorn", *web_server(here), program], signal.SIGTERM)
    log = settings.instance_dir / f"{program.partition(':')[0]}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        _wait(process, port, log)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(log.read_text("utf-8", "replace")[-2000:])


def at_once(call: Callable[[], Answer], clients: int, requests: int) -> float:
    """Requests a second of that many clients, each with the next request as soon as it has its answer."""
    left = iter(range(requests))
    failed: list[int] = []

    def work() -> None:
        for _one in left:
            if (answer := call()).status != 200:
                failed.append(answer.status)

    threads = [threading.Thread(target=work) for _client in range(clients)]
    start = perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    seconds = perf_counter() - start
    if failed:
        raise RuntimeError(f"{len(failed)} of {requests} requests failed: {failed[0]}")
    return requests / seconds
