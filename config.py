"""Environment → settings. Data only: it reads variables and the secrets folder and imports nothing of ours.

`load` is strict: a variable that cannot be understood stops the start with one line that names it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
import os
import re
import secrets
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent
LOCALES = ("zh", "en")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
KEY_BYTES = 32
# Keys of tutorials and of Flask-AppBuilder's own skeleton: whoever can read those can forge a session.
LONGEST_ACCIDENT = 5  # letters; six of them turn up in one random key in thirty million
KNOWN_DEFAULTS = ("changeme", "secret", "dev", "password", "thisismyscretkey", "example")


class ConfigError(Exception):
    """A setting is missing or cannot be used; the text is one line that names the variable."""


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides; `app.embedded.resolve` fills empty URLs and keys."""

    instance_dir: Path
    host: str
    port: int
    database_url: str
    database_app_url: str
    redis_url: str
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    master_key: bytes
    time_zone: str
    default_locale: str
    demo: bool
    sample_date: dt.date | None
    trusted_proxy_hops: int
    trusted_hosts: tuple[str, ...]
    tls_cert: Path | None
    tls_key: Path | None
    mail_url: str
    web_workers: int
    log_level: str
    upload_max_mb: int
    attachment_max_mb: int
    attachment_appeal_mb: int
    attachment_scanner: tuple[str, ...]
    attachment_scanner_seconds: int
    import_max_rows: int
    export_max_rows: int
    session_idle_minutes: int
    session_absolute_minutes: int
    embedded_database: bool
    embedded_redis: bool

    @property
    def address(self) -> str:
        """Where the web server listens, as a person types it into a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}/"

    @property
    def secrets_dir(self) -> Path:
        return self.instance_dir / "secrets"

    @property
    def run_dir(self) -> Path:
        return self.instance_dir / "run"

    @property
    def log_dir(self) -> Path:
        return self.instance_dir / "log"


# ------------------------------------------------------------ parsers


def _text(value: str) -> str:
    return value.strip()


def _boolean(value: str) -> bool:
    if value not in ("True", "False"):
        raise ValueError("must be True or False")
    return value == "True"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return value

    return parse


def _date(value: str) -> dt.date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("must be a date like 2026-03-31")
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date like 2026-03-31") from None


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, OSError, ValueError):
        raise ValueError("must be a time zone like Asia/Shanghai") from None


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ValueError("must start with " + " or ".join(f"{scheme}://" for scheme in schemes))
        return value

    return parse


def _database_url(value: str) -> str:
    """One spelling for libpq, psycopg and SQLAlchemy alike: `postgresql://`."""
    _url("postgresql", "postgres", "postgresql+psycopg")(value)
    return "postgresql://" + value.split("://", 1)[1]


def _names(value: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in value.split(",") if name.strip())
    if any(not re.fullmatch(r"[a-z0-9.-]+|\[[0-9a-f:]+\]", name) or name.startswith(".") for name in names):
        raise ValueError("must be host names without port, separated by commas")
    return names


def _file(value: str) -> Path:
    path = Path(value).expanduser().resolve()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError("must be a file that can be read")
    return path


def _folder(value: str) -> Path:
    if "\n" in value or "\r" in value:
        raise ValueError("must be one line")
    return Path(value).expanduser().resolve()


def _key(value: str) -> str:
    """A base64 key of at least 32 random bytes; what looks like a placeholder is refused."""
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raw = None
    if _is_known_default(value, raw):
        raise ValueError("is a known default: make one with `openssl rand -base64 32`")
    if raw is None:
        raise ValueError("must be base64: make one with `openssl rand -base64 32`")
    if len(raw) < KEY_BYTES:
        raise ValueError(f"must hold at least {KEY_BYTES} bytes: make one with `openssl rand -base64 32`")
    if len(set(raw)) < KEY_BYTES // 2:
        raise ValueError("is not random: make one with `openssl rand -base64 32`")
    return value


def _is_known_default(value: str, raw: bytes | None) -> bool:
    """Whether a placeholder stands there.

    One whole random key in 800 contains "dev" by chance: short words count only in what is no whole key.
    """
    is_whole = raw is not None and len(raw) >= KEY_BYTES
    return any(word in value.lower() for word in KNOWN_DEFAULTS if not is_whole or len(word) > LONGEST_ACCIDENT)


def _command(value: str) -> tuple[str, ...]:
    """A program and its arguments, quoted as in a shell; no shell runs it."""
    try:
        parts = tuple(shlex.split(value))
    except ValueError:
        raise ValueError("must be a command with its arguments, quotes closed") from None
    if not parts or shutil.which(parts[0]) is None:
        raise ValueError("must begin with a program that can be run here")
    return parts


def _keys(value: str) -> tuple[str, ...]:
    return tuple(_key(part.strip()) for part in value.split(",") if part.strip())


def _master_key(value: str) -> bytes:
    raw = base64.b64decode(_key(value))
    if len(raw) != KEY_BYTES:
        raise ValueError(f"must hold exactly {KEY_BYTES} bytes: make one with `openssl rand -base64 32`")
    return raw


# ------------------------------------------------------------ load


def load(environ: Mapping[str, str]) -> Settings:
    """Settings of an environment; raises ConfigError. Touches no file but the ones TLS names."""

    def get(name: str, parse: Callable[[str], Any], default: Any) -> Any:
        value = environ.get(name, "").strip()
        if not value:
            return default
        try:
            return parse(value)
        except ValueError as error:
            raise ConfigError(f"{name} {error}") from None

    database_url = get("DATABASE_URL", _database_url, "")
    redis_url = get("REDIS_URL", _url("redis", "rediss", "unix"), "")
    upload_max_mb = get("UPLOAD_MAX_MB", _whole(1, 512), 52)
    settings = Settings(
        instance_dir=get("INSTANCE_DIR", _folder, ROOT / "instance"),
        host=get("HOST", _text, "127.0.0.1"),
        port=get("PORT", _whole(1, 65535), 8080),
        database_url=database_url,
        database_app_url=get("DATABASE_APP_URL", _database_url, ""),
        redis_url=redis_url,
        secret_key=get("SECRET_KEY", _key, ""),
        secret_key_fallbacks=get("SECRET_KEY_FALLBACKS", _keys, ()),
        master_key=get("MASTER_KEY", _master_key, b""),
        time_zone=get("TIME_ZONE", _zone, "Asia/Shanghai"),
        default_locale=get("DEFAULT_LOCALE", _one_of(*LOCALES), "zh"),
        demo=get("DEMO", _boolean, False),
        sample_date=get("SAMPLE_DATE", _date, None),
        trusted_proxy_hops=get("TRUSTED_PROXY_HOPS", _whole(0, 9), 0),
        trusted_hosts=get("TRUSTED_HOSTS", _names, ()),
        tls_cert=get("TLS_CERT", _file, None),
        tls_key=get("TLS_KEY", _file, None),
        mail_url=get("MAIL_URL", _text, ""),
        web_workers=get("WEB_WORKERS", _whole(1, 64), 2),
        log_level=get("LOG_LEVEL", _one_of(*LOG_LEVELS), "INFO"),
        upload_max_mb=upload_max_mb,
        attachment_max_mb=get("ATTACHMENT_MAX_MB", _whole(1, 200), min(20, upload_max_mb)),
        attachment_appeal_mb=get("ATTACHMENT_APPEAL_MB", _whole(1, 10_000), 200),
        attachment_scanner=get("ATTACHMENT_SCANNER", _command, ()),
        attachment_scanner_seconds=get("ATTACHMENT_SCANNER_SECONDS", _whole(1, 45), 30),
        import_max_rows=get("IMPORT_MAX_ROWS", _whole(1, 1_000_000), 100_000),
        export_max_rows=get("EXPORT_MAX_ROWS", _whole(1, 1_000_000), 100_000),
        session_idle_minutes=get("SESSION_IDLE_MINUTES", _whole(1, 30), 30),
        session_absolute_minutes=get("SESSION_ABSOLUTE_MINUTES", _whole(1, 720), 720),
        embedded_database=not database_url,
        embedded_redis=not redis_url,
    )
    _check_address(settings)
    _check_databases(settings)
    if settings.attachment_max_mb > settings.upload_max_mb:
        raise ConfigError("ATTACHMENT_MAX_MB must be no more than UPLOAD_MAX_MB, the largest request")
    return replace(settings, trusted_hosts=settings.trusted_hosts or _own_names(settings))


def language(environ: Mapping[str, str]) -> str:
    """The language at the terminal: DEFAULT_LOCALE, else English if the terminal's is, else Chinese."""
    chosen = environ.get("DEFAULT_LOCALE", "").strip()
    if chosen in LOCALES:
        return chosen
    return "en" if (environ.get("LC_ALL") or environ.get("LANG") or "").startswith("en") else "zh"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_address(settings: Settings) -> None:
    """Session cookies are Secure: plain http never leaves this machine (SECURITY.md section 3)."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigError("TLS_CERT and TLS_KEY must be given together")
    if is_loopback(settings.host):
        local = settings.trusted_proxy_hops == 0
    elif settings.tls_cert is None and settings.trusted_proxy_hops == 0:
        raise ConfigError(
            f"HOST {settings.host} is not a loopback address: set TLS_CERT and TLS_KEY, or TRUSTED_PROXY_HOPS"
        )
    else:
        local = False
    if not local and not settings.trusted_hosts:
        raise ConfigError("TRUSTED_HOSTS must name the host of the address that browsers use")


def _check_databases(settings: Settings) -> None:
    if settings.database_app_url and not settings.database_url:
        raise ConfigError("DATABASE_APP_URL is given without DATABASE_URL")
    for name, url in (
        ("DATABASE_URL", settings.database_url),
        ("DATABASE_APP_URL", settings.database_app_url),
    ):
        if url and not database_user(url):
            raise ConfigError(f"{name} must name the database role, as in postgresql://owner:password@host/name")
    if settings.database_url and database_user(settings.database_url) == database_user(settings.database_app_url):
        raise ConfigError(
            "DATABASE_APP_URL must name another role than DATABASE_URL: the application may not alter tables"
        )


def database_user(url: str) -> str:
    try:
        return urlsplit(url).username or ""
    except ValueError:
        return ""


def _own_names(settings: Settings) -> tuple[str, ...]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return tuple(dict.fromkeys((host, "localhost", "127.0.0.1", "[::1]")))


# ------------------------------------------------------------ secrets


def with_secrets(settings: Settings) -> Settings:
    """The same settings with both keys, from the environment or else from files that only the owner reads.

    Raises ConfigError when a file holds no key: a lost master key is not silently replaced, it makes every
    encrypted field unreadable.
    """
    try:
        secret_key = settings.secret_key or _key(secret_file(settings, "secret_key"))
        master_key = settings.master_key or _master_key(secret_file(settings, "master_key"))
    except ValueError as error:
        raise ConfigError(f"{settings.secrets_dir}: a key there {error}") from None
    return replace(settings, secret_key=secret_key, master_key=master_key)


def secret_file(settings: Settings, name: str) -> str:
    """The text of `instance/secrets/<name>`, made on first use from 32 random bytes, mode 0600.

    A key in base64 or, under a name that ends in `.password`, letters that need no quoting in a URL.

    Two processes that start at once get the same text: the file appears under its name only when complete.
    """
    path = settings.secrets_dir / name
    try:
        if not path.exists():
            settings.secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            settings.secrets_dir.chmod(0o700)
            random = secrets.token_bytes(KEY_BYTES)
            plain = name.endswith(".password")
            text = random.hex() if plain else base64.b64encode(random).decode()
            fresh = path.with_name(f"{name}.{secrets.token_hex(4)}")
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass  # the other process was first; its text counts
            finally:
                fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"INSTANCE_DIR {settings.instance_dir} cannot be used: {error.strerror}") from None


# ------------------------------------------------------------ Flask


def flask_settings(settings: Settings, *, owner: bool = False) -> dict[str, Any]:
    """The mapping for `app.config`. `owner=True` connects as the owner of the tables: for migrations only."""
    database = settings.database_url if owner else settings.database_app_url
    if not (database and settings.redis_url and settings.secret_key and settings.master_key):
        raise ConfigError("settings are incomplete: pass them through app.embedded.resolve() first")
    return {
        "SETTINGS": settings,
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        "MASTER_KEY": settings.master_key,
        "TIME_ZONE": settings.time_zone,
        "DEMO": settings.demo,
        "SAMPLE_DATE": settings.sample_date,
        "MAIL_URL": settings.mail_url,
        "REDIS_URL": settings.redis_url,
        "DATABASE_APP_ROLE": database_user(settings.database_app_url),
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://" + database.split("://", 1)[1],
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "hide_parameters": True,
            "pool_pre_ping": True,
            "pool_size": 2,
            "max_overflow": 3,
            "connect_args": {"options": "-c timezone=UTC", "connect_timeout": 5},
        },
        "IMPORT_MAX_ROWS": settings.import_max_rows,
        "EXPORT_MAX_ROWS": settings.export_max_rows,
        "ATTACHMENT_MAX_BYTES": settings.attachment_max_mb * 1024 * 1024,
        "ATTACHMENT_APPEAL_BYTES": settings.attachment_appeal_mb * 1024 * 1024,
        "ATTACHMENT_SCANNER": settings.attachment_scanner,
        "ATTACHMENT_SCANNER_SECONDS": settings.attachment_scanner_seconds,
        **_web_settings(settings),
        **_session_settings(settings),
        **_appbuilder_settings(settings),
    }


def _web_settings(settings: Settings) -> dict[str, Any]:
    return {
        "MAX_CONTENT_LENGTH": settings.upload_max_mb * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "MAX_FORM_PARTS": 1000,
        "TRUSTED_HOSTS": list(settings.trusted_hosts),
        "TRUSTED_PROXY_HOPS": settings.trusted_proxy_hops,
        "HTTPS": settings.tls_cert is not None or settings.trusted_proxy_hops > 0,
        "WTF_CSRF_ENABLED": True,
        "WTF_CSRF_CHECK_DEFAULT": True,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a form filled in for an hour is not lost
        "BABEL_DEFAULT_LOCALE": settings.default_locale,
        "BABEL_DEFAULT_TIMEZONE": settings.time_zone,
        "BABEL_TRANSLATION_DIRECTORIES": "translations",
        "LANGUAGES": {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "gb", "name": "English"}},
        "RATELIMIT_ENABLED": True,
        "RATELIMIT_STORAGE_URI": _limiter_url(settings.redis_url),
        "RATELIMIT_STORAGE_OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,  # without Redis each process still counts
    }


def _limiter_url(redis_url: str) -> str:
    return "redis+" + redis_url if redis_url.startswith("unix://") else redis_url


def _session_settings(settings: Settings) -> dict[str, Any]:
    """Secure even on plain http: that is loopback, which browsers count as trustworthy (decision 0001).

    Beside them the limits of signing in: five wrong tries lock for 20 minutes, two sessions at once, a
    password lives 90 days.
    """
    return {
        "SESSION_COOKIE_NAME": "__Host-sid",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_IDLE_MINUTES": settings.session_idle_minutes,
        "SESSION_ABSOLUTE_MINUTES": settings.session_absolute_minutes,
        "PERMANENT_SESSION_LIFETIME": dt.timedelta(minutes=settings.session_absolute_minutes),
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_MAX_PARALLEL": 2,
        "SESSION_FRESH_MINUTES": 15,
        "PASSWORD_MAX_DAYS": 90,
        "LOCK_FAILURES": 5,
        "LOCK_WINDOW_MINUTES": 10,
        "LOCK_MINUTES": 20,
        "ONE_TIME_CODE_DAYS": 7,
        "REMEMBER_COOKIE_SECURE": True,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
    }


def _appbuilder_settings(settings: Settings) -> dict[str, Any]:
    """What SECURITY.md section 3 asks of Flask-AppBuilder."""
    hosts = [host.replace("[", "[[]") for host in settings.trusted_hosts]  # fnmatch patterns
    return {
        "APP_NAME": "民声直通车",
        "AUTH_TYPE": 1,
        "AUTH_USER_REGISTRATION": False,
        "AUTH_ROLE_ADMIN": "Admin",
        "AUTH_ROLE_PUBLIC": "Public",
        "AUTH_RATE_LIMITED": True,
        "AUTH_RATE_LIMIT": "20 per minute",
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEW": False,
        "FAB_ADD_SECURITY_VIEW_MENU_VIEW": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": False,
        "FAB_ADD_OPENAPI_VIEWS": False,
        "FAB_ADD_MENU_API": False,
        "FAB_API_SWAGGER_UI": False,
        "FAB_API_SHOW_STACKTRACE": False,
        "FAB_API_KEY_ENABLED": False,
        "FAB_API_MAX_PAGE_SIZE": 100,
        "FAB_ALLOW_GET_UNSAFE_MUTATIONS": False,
        "FAB_PASSWORD_HASH_METHOD": "scrypt",
        "FAB_PASSWORD_HASH_SALT_LENGTH": 16,
        "FAB_PASSWORD_COMPLEXITY_ENABLED": True,
        "FAB_SAFE_REDIRECT_HOSTS": [*hosts, *(f"{host}:{settings.port}" for host in hosts)],
    }
