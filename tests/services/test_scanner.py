"""The hook for a virus scanner: real commands, clean, infected, silent, broken."""

from __future__ import annotations

import sys
import time

import pytest
from flask import Flask
from sqlalchemy import func, select

import config
from app.models import Attachment, Audit, db
from app.rules.errors import Conflict, Invalid, RuleError
from app.services import attachments, scanner
from app.services.actors import Actor
from tests.bad_files import mp4, png
from tests.factories import Factory

READS = "import sys; found = b'EICAR' in sys.stdin.buffer.read(); sys.exit(1 if found else 0)"


@pytest.fixture
def collector(make: Factory) -> Actor:
    return make.actor(make.holder("collector_a"))


def _set(app: Flask, monkeypatch: pytest.MonkeyPatch, *command: str, seconds: float = 20) -> None:
    monkeypatch.setitem(app.config, "ATTACHMENT_SCANNER", command)
    monkeypatch.setitem(app.config, "ATTACHMENT_SCANNER_SECONDS", seconds)


def _receive(actor: Actor, content: bytes) -> Attachment:
    return attachments.receive(actor, form_key="form", filename="示例", stream_or_bytes=content)


def test_without_a_command_files_are_unscanned(collector: Actor) -> None:
    assert not scanner.is_set()
    assert _receive(collector, png()).scan == "unscanned"


def test_a_clean_file_is_marked_so(app: Flask, collector: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(app, monkeypatch, sys.executable, "-c", READS)
    assert _receive(collector, png()).scan == "clean"


def test_an_infected_file_is_refused_audited_and_not_kept(
    app: Flask, collector: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(app, monkeypatch, sys.executable, "-c", READS)
    with pytest.raises(Invalid, match="infected"):
        _receive(collector, mp4()[:-8] + b"X-EICAR!")
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 0
    row = db.session.scalars(select(Audit).where(Audit.event == "attachment.infected")).one()
    assert (row.result, row.user_id, row.detail) == ("refused", collector.user_id, {"type": "mp4"})


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        ("raise SystemExit(2)", Conflict, "scanner-failed"),
        ("import os; os.kill(os.getpid(), 9)", Conflict, "scanner-failed"),
        # An error of Python ends with 1, as "infected" does: refused all the same.
        ("0/0 or sys", Invalid, "infected"),
    ],
)
def test_a_scanner_that_fails_takes_nothing_in(
    app: Flask, collector: Actor, monkeypatch: pytest.MonkeyPatch, code: str, error: type[RuleError], told: str
) -> None:
    _set(app, monkeypatch, sys.executable, "-c", code)
    with pytest.raises(error, match=told):
        _receive(collector, png())
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 0


def test_a_missing_scanner_takes_nothing_in(app: Flask, collector: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(app, monkeypatch, "/no/such/scanner")
    with pytest.raises(Conflict, match="scanner-failed"):
        _receive(collector, png())


def test_a_silent_scanner_is_ended_with_its_children(
    app: Flask, collector: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    _set(app, monkeypatch, sys.executable, "-c", code, seconds=0.5)
    began = time.monotonic()
    with pytest.raises(Conflict, match="scanner-failed"):
        _receive(collector, png())
    assert time.monotonic() - began < 10


def test_a_scanner_that_stops_reading_still_answers(
    app: Flask, collector: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(app, monkeypatch, sys.executable, "-c", "import sys; sys.stdin.buffer.read(10); sys.exit(1)")
    with pytest.raises(Invalid, match="infected"):
        _receive(collector, b"%PDF-" + bytes(4_000_000) + b"%%EOF")


def test_it_sees_no_setting_of_ours(app: Flask, collector: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_KEY", "示例")
    _set(app, monkeypatch, sys.executable, "-c", "import os, sys; sys.exit(1 if 'MASTER_KEY' in os.environ else 0)")
    assert _receive(collector, png()).scan == "clean"


def test_the_setting_is_a_command_that_can_be_run() -> None:
    assert config.load({}).attachment_scanner == ()
    assert config.load({"ATTACHMENT_SCANNER": "sh -c 'exit 0'"}).attachment_scanner == ("sh", "-c", "exit 0")
    for wrong in ("no-such-program -", "sh -c 'open", "''"):
        with pytest.raises(config.ConfigError, match="ATTACHMENT_SCANNER"):
            config.load({"ATTACHMENT_SCANNER": wrong})
    with pytest.raises(config.ConfigError, match="ATTACHMENT_MAX_MB"):
        config.load({"ATTACHMENT_MAX_MB": "30", "UPLOAD_MAX_MB": "20"})
    assert config.load({"UPLOAD_MAX_MB": "5"}).attachment_max_mb == 5
