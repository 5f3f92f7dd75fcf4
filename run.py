"""Start the whole product and stop it again: `python run.py [--demo]`.

PostgreSQL and Redis (unless given), the web server, one worker per queue and the timetable run under
supervisor (decision 0001). What a person can mend ends in one line and exit code 2; Ctrl-C stops everything.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import config
from app import embedded, leash
from app.supervision import Program, Supervisor, end_leftovers, last_words

QUEUES = ("deliveries", "reports", "imports")
WEB_SECONDS = 60.0
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MESSAGES = {
    "config": ("配置错误：{text}", "configuration: {text}"),
    "server": ("服务器错误：{text}", "server: {text}"),
    "running": ("已在运行：{text}", "already running: {text}"),
    "folder": ("目录不可写：{text}", "folder cannot be written: {text}"),
    "port": ("端口被占用：{text}", "the port is in use: {text}"),
    "host": ("无法监听该地址：{text}", "cannot listen on this address: {text}"),
    "failed": ("启动失败：{text}", "start failed: {text}"),
    "died": ("监管进程意外终止，请重新启动", "the supervisor ended unexpectedly; start again"),
    "usage": ("用法：python run.py [--demo]", "usage: python run.py [--demo]"),
    "servers": ("正在启动数据库与队列……", "starting database and queue …"),
    "prepare": ("正在准备数据……", "preparing data …"),
    "web": ("正在启动网页服务……", "starting the web server …"),
    "ready": ("民声直通车已启动：{text}", "民声直通车 is running: {text}"),
    "hint": ("按 Ctrl-C 停止。日志目录：{text}", "Ctrl-C stops it. Logs: {text}"),
    "stopping": ("正在停止……", "stopping …"),
}


class Halt(Exception):
    """The start cannot go on: `code` of MESSAGES, its text, and the exit code."""

    def __init__(self, code: str, text: str = "", *, status: int = 2) -> None:
        super().__init__(code, text)
        self.code, self.text, self.status = code, text, status


@dataclass(frozen=True)
class Product:
    """What is supervised beside the servers; tests put small programs in its place."""

    root: Path = config.ROOT
    web: str = "wsgi:create_app()"
    prepare: tuple[str, ...] = ("prepare",)
    worker: tuple[str, ...] = ("jobs.runtime",)
    timetable: tuple[str, ...] = ("jobs.timetable",)


def main(arguments: Sequence[str], product: Product = Product()) -> int:
    """The exit code: 0 after an ordered stop, 2 for what a person can mend, 1 for a defect."""
    try:
        if set(arguments) - {"--demo"}:
            raise Halt("usage")
        _run(_settings("--demo" in arguments), product)
    except Halt as halt:
        say(halt.code, halt.text, file=sys.stderr)
        return halt.status
    except KeyboardInterrupt:
        return 0
    return 0


def say(code: str, text: object = "", *, file: IO[str] | None = None) -> None:
    """One line in the language of the person at the terminal."""
    sentence = MESSAGES[code][config.LOCALES.index(config.language(os.environ))]
    print(sentence.format(text=text), file=file, flush=True)


def _settings(demo: bool) -> config.Settings:
    try:
        settings = config.load({**os.environ, **({"DEMO": "True"} if demo else {})})
        _check_folder(settings.instance_dir)
        return embedded.resolve(settings)
    except config.ConfigError as error:
        raise Halt("config", str(error)) from None


def _check_folder(folder: Path) -> None:
    """The one folder of state must take files, the logs and the lock among them."""
    probe = folder / "run" / "probe"
    try:
        for name in ("run", "log"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise Halt("folder", f"{error.filename or folder} ({error.strerror})") from None


# ------------------------------------------------------------ the course of a run


def _run(settings: config.Settings, product: Product) -> None:
    """From lock to last process gone."""
    for name in ENDS:
        if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN:  # nohup means it
            signal.signal(name, _interrupt)
    with _locked(settings):
        end_leftovers(settings.instance_dir)
        _check_port(settings)
        supervisor = Supervisor(settings.instance_dir, embedded.socket_folder(settings.instance_dir))
        try:
            _start(supervisor, settings, product)
            supervisor.wait()
            raise Halt("died", status=1)
        finally:
            for name in ENDS:
                signal.signal(name, signal.SIG_IGN)
            if supervisor.alive:
                say("stopping")
            supervisor.stop()
            end_leftovers(settings.instance_dir, seconds=2)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _start(supervisor: Supervisor, settings: config.Settings, product: Product) -> None:
    say("servers")
    environment = environment_of(settings)
    try:
        embedded.private_folder(supervisor.socket.parent)
        servers = _prepare_servers(settings)
        supervisor.start([*servers, *programs(settings, product)], environment)
        _await_servers(settings, supervisor)
    except embedded.ServerError as error:
        raise Halt("server", str(error)) from None
    say("prepare")
    notice = _prepare(settings, product, environment)
    say("web")
    supervisor.launch("web")
    _await_web(settings, supervisor)
    for program in programs(settings, product):
        if program.name != "web":
            supervisor.launch(program.name)
    say("ready", settings.address)
    if notice:
        print(notice, flush=True)
    say("hint", settings.log_dir)


@contextmanager
def _locked(settings: config.Settings) -> Iterator[None]:
    """Only one run per folder; the lock ends with the process, however it ends."""
    with open(settings.run_dir / "lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Halt("running", file.read().strip()) from None
        file.truncate(0)
        file.write(f"{settings.address} (pid {os.getpid()})")
        file.flush()
        yield


def environment_of(settings: config.Settings) -> dict[str, str]:
    """What the children get: ours, with the folder and the kind of run made explicit."""
    return {**os.environ, "INSTANCE_DIR": str(settings.instance_dir), "DEMO": str(settings.demo)}


# ------------------------------------------------------------ servers


def _prepare_servers(settings: config.Settings) -> list[Program]:
    """Embedded servers, ready to be started; outside ones are reached here and now, or ServerError."""
    servers = []
    if settings.embedded_database:
        postgres = embedded.Postgres.of(settings)
        postgres.initialise()
        servers.append(Program("postgres", postgres.command(), Path("/"), 10, signal.SIGINT, 30, own=False))
    else:
        embedded.wait_for_database(settings.database_url, 0)
        embedded.check_database(settings.database_url)
        _provide_app_role(settings)
    if settings.embedded_redis:
        redis = embedded.Redis.of(settings)
        redis.initialise()
        servers.append(Program("redis", redis.command(), redis.home, 10, signal.SIGTERM, 20))
    else:
        embedded.wait_for_redis(settings.redis_url, 0)
    return [replace(server, autostart=True) for server in servers]


def _provide_app_role(settings: config.Settings) -> None:
    if not os.environ.get("DATABASE_APP_URL"):
        embedded.provision_outside(settings)
    embedded.wait_for_database(settings.database_app_url, 0)


def _await_servers(settings: config.Settings, supervisor: Supervisor) -> None:
    if settings.embedded_database:
        postgres = embedded.Postgres.of(settings)
        supervisor.until("postgres", lambda: postgres.wait(0), 60)
        postgres.provision()
    if settings.embedded_redis:
        redis = embedded.Redis.of(settings)
        supervisor.until("redis", lambda: redis.wait(0), 60)


# ------------------------------------------------------------ the product


def programs(settings: config.Settings, product: Product) -> list[Program]:
    """Web, workers and timetable: they stop together, before the servers they use."""

    def ours(name: str, module: tuple[str, ...], priority: int, seconds: int) -> Program:
        command = leash.command([sys.executable, "-m", *module], signal.SIGTERM)
        return Program(name, command, product.root, priority, signal.SIGTERM, seconds)

    return [
        ours("timetable", product.timetable, 20, 15),
        *(ours(f"worker-{queue}", (*product.worker, queue), 20, 15) for queue in QUEUES),
        ours("web", ("gunicorn", *web_server(settings), product.web), 20, 15),
    ]


def web_server(settings: config.Settings) -> list[str]:
    """Sync workers only: Flask-AppBuilder shares filters between threads (SECURITY.md section 3)."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    options = {
        "--bind": f"{host}:{settings.port}",
        "--workers": str(settings.web_workers),
        "--worker-class": "sync",
        "--timeout": "60",
        "--graceful-timeout": "10",
        "--max-requests": "5000",
        "--max-requests-jitter": "500",
        "--log-level": settings.log_level.lower(),
        "--forwarded-allow-ips": "",  # the application counts trusted hops itself
    }
    if settings.tls_cert and settings.tls_key:
        options |= {"--certfile": str(settings.tls_cert), "--keyfile": str(settings.tls_key)}
    return ["--no-control-socket", "--preload", *(part for option in options.items() for part in option)]


def _prepare(settings: config.Settings, product: Product, environment: Mapping[str, str]) -> str:
    """Run the preparing process; what it prints is for the person at the terminal."""
    command = leash.command([sys.executable, "-m", *product.prepare], signal.SIGTERM)
    log = settings.log_dir / "prepare.log"
    with open(log, "wb") as errors:
        done = subprocess.run(
            command,
            check=False,
            cwd=product.root,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    if done.returncode:
        reason = last_words(log)
        raise (Halt("server", reason) if done.returncode == 2 else Halt("failed", f"{reason} ({log})", status=1))
    return done.stdout.decode(errors="replace").strip()


def _check_port(settings: config.Settings) -> None:
    """Say it now, not in a log file: gunicorn would only retry."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            code = "port" if error.errno == 98 else "host"
            raise Halt(code, f"{settings.host}:{settings.port} ({error.strerror})") from None


def _await_web(settings: config.Settings, supervisor: Supervisor) -> None:
    try:
        supervisor.until("web", lambda: _ask_health(settings), WEB_SECONDS)
    except embedded.ServerError as error:
        raise Halt("failed", f"{error} ({settings.log_dir / 'web.log'})", status=1) from None


def _ask_health(settings: config.Settings) -> None:
    """Raises ServerError until the web server says that it and its database work."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound
    host = everywhere.get(settings.host, settings.host)
    connection: http.client.HTTPConnection
    if settings.tls_cert:
        # Our own certificate on our own machine; its name is the browsers' name, not this address.
        trusting = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(host, settings.port, timeout=10, context=trusting)
    else:
        connection = http.client.HTTPConnection(host, settings.port, timeout=10)
    headers = {"Host": settings.trusted_hosts[0]}
    if settings.trusted_proxy_hops:
        headers["X-Forwarded-Proto"] = "https"
    try:
        connection.request("GET", "/health", headers=headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise embedded.ServerError(f"/health: {error}") from None
    finally:
        with suppress(OSError):
            connection.close()
    if answer.status != 200:
        raise embedded.ServerError(f"/health: {answer.status}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
