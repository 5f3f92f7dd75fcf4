"""The environment is read strictly: what is not understood stops the start and names the variable."""

from __future__ import annotations

import base64
import datetime as dt
import stat
from dataclasses import replace
from pathlib import Path

import pytest

import config
from app import embedded

KEY = base64.b64encode(bytes(range(32))).decode()
OUTSIDE = {"DATABASE_URL": "postgresql://owner:x@db/minsheng", "DATABASE_APP_URL": "postgresql://app:x@db/minsheng"}


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PORT": "80 80"}, "PORT must be a whole number from 1 to 65535"),
        ({"PORT": "0"}, "PORT must be a whole number from 1 to 65535"),
        ({"PORT": "８０８０"}, "PORT must be a whole number from 1 to 65535"),
        ({"DEMO": "yes"}, "DEMO must be True or False"),
        ({"DEFAULT_LOCALE": "de"}, "DEFAULT_LOCALE must be one of zh, en"),
        ({"LOG_LEVEL": "debug"}, "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR"),
        ({"SAMPLE_DATE": "2026-02-30"}, "SAMPLE_DATE must be a date like 2026-03-31"),
        ({"SAMPLE_DATE": "20260331"}, "SAMPLE_DATE must be a date like 2026-03-31"),
        ({"TIME_ZONE": "Asia/Jiujiang"}, "TIME_ZONE must be a time zone like Asia/Shanghai"),
        ({"TIME_ZONE": "../etc/passwd"}, "TIME_ZONE must be a time zone like Asia/Shanghai"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL must start with postgresql://"),
        ({"DATABASE_URL": "postgresql://db/x"}, "DATABASE_URL must name the database role"),
        ({"DATABASE_APP_URL": "postgresql://app:x@db/x"}, "DATABASE_APP_URL is given without DATABASE_URL"),
        ({**OUTSIDE, "DATABASE_APP_URL": OUTSIDE["DATABASE_URL"]}, "DATABASE_APP_URL must name another role"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL must start with redis://"),
        ({"SECRET_KEY": "changeme"}, "SECRET_KEY is a known default"),
        ({"SECRET_KEY": "\\2\\1thisismyscretkey\\1\\2\\e\\y\\y\\h"}, "SECRET_KEY is a known default"),
        ({"SECRET_KEY": "dev"}, "SECRET_KEY is a known default"),
        ({"SECRET_KEY": base64.b64encode(b"0123").decode() + "devdevde"}, "SECRET_KEY is a known default"),
        ({"SECRET_KEY": "changeme" + KEY[8:]}, "SECRET_KEY is a known default"),
        ({"SECRET_KEY": "not base64!"}, "SECRET_KEY must be base64"),
        ({"SECRET_KEY": base64.b64encode(b"short").decode()}, "SECRET_KEY must hold at least 32 bytes"),
        ({"SECRET_KEY": base64.b64encode(b"a" * 64).decode()}, "SECRET_KEY is not random"),
        ({"SECRET_KEY_FALLBACKS": f"{KEY},c2hvcnQ="}, "SECRET_KEY_FALLBACKS must hold at least"),
        ({"MASTER_KEY": base64.b64encode(bytes(range(33))).decode()}, "MASTER_KEY must hold exactly 32 bytes"),
        ({"HOST": "0.0.0.0"}, "HOST 0.0.0.0 is not a loopback address"),
        ({"HOST": "office.example"}, "HOST office.example is not a loopback address"),
        ({"HOST": "0.0.0.0", "TRUSTED_PROXY_HOPS": "1"}, "TRUSTED_HOSTS must name the host"),
        ({"TRUSTED_PROXY_HOPS": "1"}, "TRUSTED_HOSTS must name the host"),
        ({"TRUSTED_HOSTS": ".example.org"}, "TRUSTED_HOSTS must be host names"),
        ({"TRUSTED_HOSTS": "example.org:443"}, "TRUSTED_HOSTS must be host names"),
        ({"TLS_CERT": "/nowhere/cert.pem"}, "TLS_CERT must be a file that can be read"),
        ({"TLS_CERT": __file__}, "TLS_CERT and TLS_KEY must be given together"),
        ({"SESSION_IDLE_MINUTES": "31"}, "SESSION_IDLE_MINUTES must be a whole number from 1 to 30"),
        ({"SESSION_ABSOLUTE_MINUTES": "721"}, "SESSION_ABSOLUTE_MINUTES must be a whole number from 1 to 720"),
    ],
)
def test_it_refuses_what_it_does_not_understand(environ: dict[str, str], message: str) -> None:
    with pytest.raises(config.ConfigError) as refusal:
        config.load(environ)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_a_random_key_may_contain_a_short_word_by_chance() -> None:
    key = f"{KEY[:10]}Dev{KEY[13:]}"
    assert config.load({"SECRET_KEY": key}).secret_key == key


def test_an_empty_environment_is_a_loopback_installation_with_embedded_servers() -> None:
    settings = config.load({})
    assert settings.address == "http://127.0.0.1:8080/"
    assert (settings.time_zone, settings.default_locale, settings.demo) == ("Asia/Shanghai", "zh", False)
    assert settings.embedded_database
    assert settings.embedded_redis
    assert settings.instance_dir == config.ROOT / "instance"
    assert settings.trusted_hosts == ("127.0.0.1", "localhost", "[::1]")


def test_an_empty_variable_counts_as_absent() -> None:
    assert config.load({"PORT": "", "SAMPLE_DATE": " "}) == config.load({})


def test_it_reads_what_is_given() -> None:
    settings = config.load(
        {**OUTSIDE, "PORT": "9000", "SAMPLE_DATE": "2026-03-31", "REDIS_URL": "redis://q", "SECRET_KEY": KEY}
    )
    assert (settings.port, settings.sample_date) == (9000, dt.date(2026, 3, 31))
    assert not settings.embedded_database
    assert not settings.embedded_redis
    assert settings.secret_key == KEY


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_database_url_becomes_one(scheme: str) -> None:
    assert config.load({"DATABASE_URL": f"{scheme}://o:p@h/d"}).database_url == "postgresql://o:p@h/d"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "zh"),
        ({"LANG": "C.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "DEFAULT_LOCALE": "en"}, "en"),
    ],
)
def test_the_terminal_speaks_the_language_of_the_person(environ: dict[str, str], language: str) -> None:
    assert config.language(environ) == language


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    settings = config.load({"INSTANCE_DIR": str(tmp_path / "实例 1")})
    first, second = config.with_secrets(settings), config.with_secrets(settings)
    assert first == second
    assert len(first.master_key) == 32
    assert first.secret_key != ""
    assert stat.S_IMODE(settings.secrets_dir.stat().st_mode) == 0o700
    for path in settings.secrets_dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    settings = config.load({"INSTANCE_DIR": str(tmp_path)})
    config.with_secrets(settings)
    (settings.secrets_dir / "master_key").write_text("")
    with pytest.raises(config.ConfigError, match="must hold at least 32 bytes"):
        config.with_secrets(settings)
    assert (settings.secrets_dir / "master_key").read_text() == ""


def test_flask_settings_want_complete_settings() -> None:
    with pytest.raises(config.ConfigError, match="incomplete"):
        config.flask_settings(config.load({}))


def test_flask_gets_what_security_asks_for(tmp_path: Path) -> None:
    settings = embedded.resolve(config.load({"INSTANCE_DIR": str(tmp_path)}))
    flask = config.flask_settings(settings)
    assert flask["SQLALCHEMY_DATABASE_URI"].startswith("postgresql+psycopg://app:")
    assert flask["SQLALCHEMY_ENGINE_OPTIONS"]["hide_parameters"] is True
    assert flask["SESSION_COOKIE_NAME"] == "__Host-sid"
    assert flask["SESSION_COOKIE_SECURE"] is True
    assert flask["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert flask["SESSION_COOKIE_HTTPONLY"] is True
    assert flask["FAB_UPDATE_PERMS"] is False
    assert flask["FAB_ADD_SECURITY_API"] is False
    assert flask["FAB_PASSWORD_HASH_METHOD"] == "scrypt"
    assert flask["MAX_CONTENT_LENGTH"] == settings.upload_max_mb * 1024 * 1024
    assert flask["WTF_CSRF_ENABLED"] is True
    assert flask["RATELIMIT_STORAGE_URI"].startswith("redis+unix://")
    assert "http://" not in str(flask["FAB_SAFE_REDIRECT_HOSTS"])
    assert "127.0.0.1:8080" in flask["FAB_SAFE_REDIRECT_HOSTS"]


def test_no_redirect_pattern_matches_a_foreign_host(tmp_path: Path) -> None:
    from fnmatch import fnmatch

    settings = embedded.resolve(config.load({"INSTANCE_DIR": str(tmp_path)}))
    patterns = config.flask_settings(settings)["FAB_SAFE_REDIRECT_HOSTS"]
    for host in ("evil.example", "127.0.0.1:8080@evil.example", "127.0.0.1.evil.example", "1"):
        assert not any(fnmatch(host, pattern) for pattern in patterns), host
    assert any(fnmatch("[::1]:8080", pattern) for pattern in patterns)


def test_tls_opens_other_addresses(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("-")
    environ = {"HOST": "0.0.0.0", "TLS_CERT": str(tmp_path / "cert.pem"), "TLS_KEY": str(tmp_path / "key.pem")}
    settings = config.load({**environ, "TRUSTED_HOSTS": "Appeals.Example.org"})
    assert settings.trusted_hosts == ("appeals.example.org",)
    assert settings.address == "https://0.0.0.0:8080/"
    assert replace(settings, host="::1").address == "https://[::1]:8080/"
