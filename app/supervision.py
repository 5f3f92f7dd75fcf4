"""The supervisor of run.py: supervisord under our configuration, and an end to what a killed run left behind.

Decision 0001 says why supervisor. It restarts what dies, stops in order and kills process groups; here stands
only what it lacks: an end when its own parent is killed, and paths with any character in them.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from app import leash
from app.embedded import ServerError

MARK = "MINSHENG_INSTANCE"  # in the environment of every process of one run
SERVERS = (
    "postgres",
    "valkey-server",
)  # they write their title over their environment; known by their folder
STOP_SECONDS = 90.0


@dataclass(frozen=True)
class Program:
    """One supervised program. A lower priority stops later, equal ones together; `own` kills its group."""

    name: str
    command: list[str]
    directory: Path
    priority: int
    stop: signal.Signals
    stop_seconds: int
    autostart: bool = False
    own: bool = True

    @property
    def stage(self) -> str:
        """The group that starts and stops together."""
        return f"stage{self.priority}"


class Supervisor:
    """One supervisord, this process's child, spoken to over a unix socket in `sockets`."""

    def __init__(self, instance: Path, sockets: Path) -> None:
        self.instance, self.socket = instance, sockets / "supervisor.sock"
        self.programs: dict[str, Program] = {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, programs: Sequence[Program], environment: Mapping[str, str]) -> None:
        """Start supervisord and the programs with `autostart`; raises ServerError if it does not answer."""
        self.programs = {program.name: program for program in programs}
        run = self.instance / "run"
        (run / "supervisord.conf").write_text(configuration(programs))
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", "supervisord.conf"]
        with open(self.instance / "log" / "supervisord.out", "wb") as output:
            self.process = subprocess.Popen(
                leash.command(command, signal.SIGTERM),
                cwd=run,
                env={**environment, **self._values(programs), MARK: str(self.instance)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C reaches run.py alone, which stops in order
            )
        self._until(self._ask_state, 20)

    def _values(self, programs: Sequence[Program]) -> dict[str, str]:
        """What the configuration refers to by name, so that no character of a path can break it."""
        values = {"MINSHENG_SOCKET": str(self.socket)}
        for program in programs:
            values[_variable(program, "COMMAND")] = shlex.join(program.command)
            values[_variable(program, "FOLDER")] = str(program.directory)
        return values

    def launch(self, name: str) -> None:
        """Start one program without waiting for it."""
        self._call().supervisor.startProcess(self._address(name), False)

    def until(self, name: str, ready: Callable[[], None], seconds: float) -> None:
        """Return when `ready()` stops raising ServerError; else raise its last error or the program's."""

        def check() -> None:
            state = self._call().supervisor.getProcessInfo(self._address(name))
            if state["statename"] == "FATAL":
                raise _GivenUp(last_words(self.instance / "log" / f"{name}.log") or str(state["spawnerr"]))
            ready()

        self._until(check, seconds)

    def _address(self, name: str) -> str:
        return f"{self.programs[name].stage}:{name}"

    def wait(self) -> None:
        """Return when supervisord has ended, which nobody asked it to."""
        if self.process:
            self.process.wait()

    def stop(self) -> None:
        """Stop all programs in order, then supervisord."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _until(self, check: Callable[[], None], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                return check()
            except ServerError as error:
                if isinstance(error, _GivenUp) or not self.alive or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _ask_state(self) -> None:
        try:
            self._call().supervisor.getState()
        except (OSError, xmlrpc.client.Error) as error:
            words = last_words(self.instance / "log" / "supervisord.out")
            raise ServerError(f"supervisord: {words or error}") from None

    def _call(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


class _GivenUp(ServerError):
    """Waiting longer is of no use."""


# ------------------------------------------------------------ configuration


def configuration(programs: Sequence[Program]) -> str:
    """supervisord.conf: what holds a path comes from the environment, where nothing needs quoting."""
    head = _HEAD.format(user="user=root" if os.geteuid() == 0 else "")
    stages = [
        _stage([one for one in programs if one.stage == stage]) for stage in {p.stage: 0 for p in programs}
    ]
    return "\n".join([head, *(_section(program) for program in programs), *stages])


def _stage(together: Sequence[Program]) -> str:
    names = ",".join(program.name for program in together)
    return f"[group:{together[0].stage}]\nprograms={names}\npriority={together[0].priority}\n"


_HEAD = """\
; Written by run.py at every start.
[unix_http_server]
file=%(ENV_MINSHENG_SOCKET)s
chmod=0600

[supervisord]
logfile=../log/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile=supervisord.pid
childlogdir=../log
umask=077
silent=true
{user}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _section(program: Program) -> str:
    lines = {
        "command": f"%(ENV_{_variable(program, 'COMMAND')})s",
        "directory": f"%(ENV_{_variable(program, 'FOLDER')})s",
        "priority": program.priority,
        "autostart": str(program.autostart).lower(),
        "autorestart": "true",
        "startsecs": 1,
        "startretries": 10,
        "stopsignal": program.stop.name.removeprefix("SIG"),
        "stopwaitsecs": program.stop_seconds,
        "killasgroup": str(program.own).lower(),
        "redirect_stderr": "true",
        "stdout_logfile": f"../log/{program.name}.log",
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": 2,
    }
    return "\n".join([f"[program:{program.name}]", *(f"{name}={value}" for name, value in lines.items()), ""])


def _variable(program: Program, what: str) -> str:
    return f"MINSHENG_{program.name.upper().replace('-', '_')}_{what}"


def last_words(log: Path) -> str:
    """The last line of a log that says something, for the one line a person gets."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


# ------------------------------------------------------------ left-overs


def end_leftovers(instance: Path, seconds: float = 5.0) -> int:
    """End what an earlier run of this folder left behind, and wait until it is gone; how many that were.

    A process is ours if it carries the mark of this very folder or is a server that works inside it.
    """
    found = list(leftovers(instance))
    for process in found:
        with suppress(psutil.Error):
            _ask_to_end(process)
    _, stubborn = psutil.wait_procs(found, timeout=seconds)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=seconds)
    return len(found)


def leftovers(instance: Path) -> Iterator[psutil.Process]:
    """The living processes of this folder's runs, this process excepted."""
    for process in psutil.process_iter():
        if process.pid != os.getpid() and _is_ours(process, instance):
            yield process


def _is_ours(process: psutil.Process, instance: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(MARK) == str(instance):
            return True
        return process.name() in SERVERS and Path(process.cwd()).is_relative_to(instance)
    except (psutil.Error, OSError):
        return False  # somebody else's, or gone


def _ask_to_end(process: psutil.Process) -> None:
    if process.name() != "postgres":
        process.terminate()
    elif (process.parent() or process).name() != "postgres":
        process.send_signal(
            signal.SIGINT
        )  # the server itself: it ends its backends; SIGTERM would wait for them
