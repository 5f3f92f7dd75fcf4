"""What run.py refuses to start with, and the parts it is made of; tests/stories start and kill it whole."""

from __future__ import annotations

import json
import os
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from supervisor.options import ServerOptions

from app import leash, supervision
from tests.starting import Run, until


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "民声 %s;#1" / "instance")
    yield run
    if run.process is not None and run.process.poll() is None:
        run.process.kill()
        run.process.communicate()
    supervision.end_leftovers(run.instance, seconds=0.5)


# --- what a person can mend: one line, exit code 2 --------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"PORT": "http"}, "configuration: PORT must be a whole number from 1 to 65535"),
        ({"HOST": "0.0.0.0"}, "configuration: HOST 0.0.0.0 is not a loopback address"),
        ({"HOST": "127.0.0.300"}, "configuration: HOST 127.0.0.300 is not a loopback address"),
        ({"INSTANCE_DIR": f"{__file__}/instance"}, "folder cannot be written: "),
        ({"INSTANCE_DIR": "/proc/instance"}, "folder cannot be written: "),
        ({"DATABASE_URL": "postgresql://owner:x@127.0.0.1:1/x"}, "server: PostgreSQL: connection failed"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "server: Redis: Error 111"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0", "DEFAULT_LOCALE": "zh"}, "服务器错误：Redis: Error 111"),
    ],
)
def test_it_says_in_one_line_what_is_wrong(run: Run, environ: dict[str, str], line: str) -> None:
    code, error = run.refusal(**environ)
    assert (code, error.count("\n")) == (2, 1), error
    assert error.startswith(line)
    assert run.processes() == []


def test_it_knows_its_one_argument(run: Run) -> None:
    assert run.refusal("--demonstration") == (2, "usage: python run.py [--demo]\n")


def test_a_busy_port_is_named_before_anything_starts(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", run.port))
        taken.listen()
        assert run.refusal() == (2, f"the port is in use: 127.0.0.1:{run.port} (Address already in use)\n")
    assert not (run.instance / "postgres").exists()


class _OldServer(socketserver.StreamRequestHandler):
    """Greets as PostgreSQL 14 does: login accepted, version told, ready for a query that must not come."""

    def handle(self) -> None:
        while True:
            (length, code) = struct.unpack("!ii", self.rfile.read(8))
            self.rfile.read(length - 8)
            if code not in (80877103, 80877104):  # asks for encryption
                break
            self.wfile.write(b"N")
        status = b"server_version\x0014.9\x00"
        self.wfile.write(b"R" + struct.pack("!ii", 8, 0))
        self.wfile.write(b"S" + struct.pack("!i", 4 + len(status)) + status)
        self.wfile.write(b"Z" + struct.pack("!i", 5) + b"I")
        self.rfile.read()


def test_a_database_that_is_too_old_is_refused(run: Run) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _OldServer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"postgresql://owner:x@127.0.0.1:{server.server_address[1]}/x"
        code, error = run.refusal(DATABASE_URL=url)
        server.shutdown()
    assert (code, error) == (2, "server: DATABASE_URL: PostgreSQL 14 is too old, 15 or newer is needed\n")


# --- parts ------------------------------------------------------------------------------------------------------


def test_supervisord_reads_our_configuration_as_we_mean_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own parser, with paths that would break a configuration file."""
    odd = tmp_path / "100% ;not a comment #1 民声 'quoted'"
    odd.mkdir()
    program = supervision.Program("web", [str(odd / "py thon"), "-m", "x y"], odd, 40, signal.SIGTERM, 15)
    (tmp_path / "run").mkdir()
    (tmp_path / "log").mkdir()
    (tmp_path / "run" / "supervisord.conf").write_text(supervision.configuration([program]))
    values = supervision.Supervisor(odd, odd)._values([program])
    monkeypatch.chdir(tmp_path / "run")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    options = ServerOptions()
    options.realize(["-c", "supervisord.conf"])
    (read,) = options.process_group_configs[0].process_configs
    assert read.directory == str(odd)
    assert read.command == f"'{odd / 'py thon'}' -m 'x y'".replace("'quoted'", "'\"'\"'quoted'\"'\"'")
    assert read.stopsignal == signal.SIGTERM
    assert (read.autostart, read.autorestart is not False, read.killasgroup) == (False, True, True)


def test_a_program_on_a_leash_ends_with_its_parent() -> None:
    sleeper = leash.command([sys.executable, "-c", "import signal; signal.pause()"], signal.SIGTERM)
    script = (
        "import subprocess, sys, json, signal\n"
        "print(subprocess.Popen(json.loads(sys.argv[1])).pid, flush=True)\n"
        "signal.pause()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, json.dumps(sleeper)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    until(lambda: child.cmdline()[1:2] == ["-c"])  # the program has taken the leash's place
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs([child], timeout=10)[1] == []


def test_left_overs_of_another_folder_are_left_alone(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import signal; signal.pause()"]
    ours = subprocess.Popen(sleep, env={**os.environ, supervision.MARK: str(tmp_path / "ours")})
    other = subprocess.Popen(sleep, env={**os.environ, supervision.MARK: str(tmp_path / "ours too")})
    try:
        until(lambda: [one.pid for one in supervision.leftovers(tmp_path / "ours")] == [ours.pid])
        assert supervision.end_leftovers(tmp_path / "ours") == 1
        assert not psutil.pid_exists(ours.pid)
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()
