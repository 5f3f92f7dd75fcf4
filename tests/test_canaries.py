"""Personal data stays where it is sealed (SECURITY.md section 4, rows 30 to 32).

Canaries, made-up particulars that occur nowhere else, go through everything that takes personal data in; then every
table, Redis, all log output, the database server's own log, every address and every error page are searched for them.
"""

from __future__ import annotations

import json
import logging
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import select, text
from werkzeug.test import TestResponse

import config
from app.models import Appeal, Task, db
from app.services import imports, present, tasks
from tests.factories import Factory

URL = "https://localhost"
NAMES = tuple(f"金丝雀{letter}" for letter in "甲乙丙丁戊己庚辛壬癸")
PHONES = tuple(f"1391234567{digit}" for digit in range(10))
STAFF_PHONE = "13987650001"
ADDRESS = "示例市鸟笼路八十八号"
IDENTITY = "110101199003070011"
CANARIES = (*NAMES, *PHONES, STAFF_PHONE, ADDRESS, IDENTITY)
# How a text may look in a sink: plain, with spaces as it was typed, escaped for JSON or an address, as bytes in hex.
DISGUISES = {
    canary: {
        canary,
        f"{canary[:3]} {canary[3:7]} {canary[7:]}",
        json.dumps(canary).strip('"'),
        quote(canary),
        canary.encode().hex(),
    }
    for canary in CANARIES
}


def birds_in(content: str) -> set[str]:
    """The canaries that sit in a text, however disguised."""
    return {canary for canary, looks in DISGUISES.items() if any(look in content for look in looks)}


class Cage:
    """Does things as the posts do, and keeps every answer."""

    def __init__(self, make: Factory) -> None:
        self.make = make
        self.answers: list[TestResponse] = []

    def open(self, browser: FlaskClient, path: str, **kwargs: Any) -> TestResponse:
        answer = browser.open(path, base_url=URL, **kwargs)
        self.answers.append(answer)
        return answer

    def post(self, browser: FlaskClient, path: str, **form: Any) -> TestResponse:
        return self.open(browser, path, method="POST", data=form)


def _version(appeal: int) -> int:
    return db.session.get_one(Appeal, appeal, populate_existing=True).version


@pytest.fixture
def cage(make: Factory) -> Cage:
    return Cage(make)


@pytest.fixture(autouse=True)
def _talkative(caplog: pytest.LogCaptureFixture) -> None:
    """Everything that can be logged is."""
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy.engine", "sqlalchemy.pool", "rq", "app", "jobs", "werkzeug", "flask_appbuilder"):
        caplog.set_level(logging.DEBUG, logger=name)


def _take_in(cage: Cage, channel_class: str, number: int, **more: str) -> int:
    collector = cage.make.signed_in(cage.make.holder(f"collector_{channel_class.lower()}"))
    phone = PHONES[number]
    form = {
        "channel": cage.make.sheet(channel_class)["channel"],
        "received_at": "2026-01-05 09:00",
        "subject": "示例主题",
        "body": "示例内容",
        "appellant_name": NAMES[number],
        "appellant_phone": f"{phone[:3]} {phone[3:7]} {phone[7:]}",
        "appellant_address": ADDRESS,
        "then": "submit",
        **more,
    }
    answer = cage.post(collector, f"/intake/{channel_class}", **form)
    assert answer.status_code == 302, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def _everything_by_hand(cage: Cage) -> None:
    """Intake, correction, registration, a look in full, the printed form, the lists, a staff member's number."""
    first, second = _take_in(cage, "A", 0), _take_in(cage, "F", 1, appellant_identity=IDENTITY)
    registrar = cage.make.signed_in(cage.make.holder("registrar"))
    collector = cage.make.signed_in(cage.make.holder("collector_a"))
    returned = cage.post(registrar, f"/appeals/{first}/return_for_correction", reason="示例", version=_version(first))
    assert returned.status_code == 302
    corrected = {"appellant_name": NAMES[2], "appellant_phone": PHONES[2]}
    form = {**cage.make.sheet("A"), "received_at": "2026-01-05 09:00", **corrected, "version": _version(first)}
    assert cage.post(collector, f"/appeals/{first}/submit", **form).status_code == 302
    for appeal in (first, second):
        form = {"limit": "ordinary", "version": _version(appeal)}
        assert cage.post(registrar, f"/appeals/{appeal}/register", **form).status_code == 302
        assert cage.post(registrar, f"/appeals/{appeal}/unmask", reason="示例：回访").status_code == 200
        assert cage.open(registrar, f"/appeals/{appeal}/registration-form").status_code == 200
    assert cage.open(registrar, "/desk/").status_code == 200
    assert cage.open(registrar, "/ledger/appeals/list/?q=示例").status_code == 200
    officer = cage.make.signed_in(officer="system")
    person = {"name": "示例职员", "mobile": STAFF_PHONE, "active": "y"}
    assert cage.post(officer, "/dictionary/people/add", **person).status_code == 302


def _workbook() -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("示例表")
        titles = ("留言编号", "留言主题", "留言时间", "留言详情", "答复意见", "姓名", "联系电话", "身份证号")
        sheet.write_row(0, 0, titles)
        for row, number in enumerate(range(3, 9), start=1):
            moment = "2025-03-02 09:30:00" if number % 3 else "somewhen"  # some rows are refused or doubted
            cells = (
                f"W{number}",
                "示例：路灯",
                moment,
                "示例",
                "示例：已修复",
                NAMES[number],
                PHONES[number],
                IDENTITY,
            )
            sheet.write_row(row, 0, cells)
    return file.getvalue()


def _everything_by_workbook(cage: Cage) -> None:
    """Handed in, previewed, checked, applied, listed."""
    registrar = cage.make.signed_in(cage.make.holder("registrar"))
    sent = {"workbook": (BytesIO(_workbook()), "示例.xlsx")}
    answer = cage.open(registrar, "/imports/upload", method="POST", data=sent)
    assert answer.status_code == 302, answer.text
    batch = int(answer.location.split("/")[2])
    assert cage.open(registrar, f"/imports/{batch}/columns").status_code == 200
    shown = imports.preview(cage.make.actor(cage.make.holder("registrar")), batch)
    form = {f"column-{target}": key for target, key in shown.mapping.items()}
    form |= {"sheet": shown.sheet, "kind": shown.kind, "source": "示例网站", "channel_class": "C"}
    assert cage.post(registrar, f"/imports/{batch}/columns", **form).status_code == 302
    _work()
    assert cage.open(registrar, f"/imports/{batch}").status_code == 200
    assert cage.post(registrar, f"/imports/{batch}/apply").status_code == 302
    _work()
    for listed in ("added", "flagged", "findings", "doubts", "refused", "here"):
        assert cage.open(registrar, f"/imports/{batch}?list={listed}").status_code == 200
    assert db.session.scalars(select(Appeal).where(Appeal.source == "示例网站")).first() is not None


def _work() -> None:
    """What a worker does with the waiting tasks."""
    from jobs.tasks import _handler

    for task_id in db.session.scalars(select(Task.id).where(Task.state == "pending")).all():
        run = tasks.claim(task_id)
        assert run is not None
        tasks.finish(run, _handler(run.kind)(run) or "")


# --- the sinks ---------------------------------------------------------------------------------------------


def _tables() -> dict[str, str]:
    """Every table of the database as text; bytes appear in hex."""
    names = db.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    return {
        name: db.session.scalar(text(f"SELECT COALESCE(string_agg(t::text, E'\\n'), '') FROM \"{name}\" t")) or ""
        for name in names
    }


def _redis(url: str) -> str:
    """Every key and value of Redis; RQ packs the call of a job with zlib."""
    connection: Redis = Redis.from_url(url)
    parts: list[bytes] = []
    for key in connection.scan_iter():
        parts.append(key)
        kind = connection.type(key)
        if kind == b"hash":
            for field, value in connection.hgetall(key).items():
                parts += [field, value, _unpacked(value)]
        elif kind == b"string":
            parts.append(connection.get(key) or b"")
        elif kind == b"list":
            parts += connection.lrange(key, 0, -1)
        elif kind == b"set":
            parts += connection.smembers(key)
        elif kind == b"zset":
            parts += [member for member, _score in connection.zrange(key, 0, -1, withscores=True)]
    connection.close()
    return b"\n".join(parts).decode(errors="replace")


def _unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""


def _server_log(settings: config.Settings) -> str:
    """What the embedded database and Redis themselves wrote down."""
    log = settings.instance_dir.parent / "instance" / "servers.log"
    assert log.is_file()
    return Path(log).read_text(errors="replace")


def _addresses(answers: list[TestResponse]) -> str:
    return "\n".join(f"{answer.request.url} {answer.headers.get('Location', '')}" for answer in answers)


def test_no_sink_holds_a_canary(
    app: Flask, cage: Cage, settings: config.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    _everything_by_hand(cage)
    _everything_by_workbook(cage)
    db.session.rollback()
    tables = _tables()
    assert len(tables["appeal"]) > 1000
    assert {name: found for name, content in tables.items() if (found := birds_in(content))} == {}
    assert birds_in(_redis(settings.redis_url)) == set()
    assert "INSERT INTO appeal" in caplog.text  # it did listen
    assert birds_in(caplog.text) == set()
    assert birds_in(_server_log(settings)) == set()
    assert birds_in(_addresses(cage.answers)) == set()
    assert all(birds_in(str(answer.headers)) == set() for answer in cage.answers)


def test_what_is_sealed_can_still_be_read_by_whom_it_concerns(cage: Cage) -> None:
    appeal = _take_in(cage, "A", 0)
    registrar = cage.make.signed_in(cage.make.holder("registrar"))
    form = {"limit": "ordinary", "version": _version(appeal)}
    assert cage.post(registrar, f"/appeals/{appeal}/register", **form).status_code == 302
    masked = cage.open(registrar, f"/appeals/{appeal}")
    assert PHONES[0] not in masked.text
    full = cage.post(registrar, f"/appeals/{appeal}/unmask", reason="示例：回访")
    assert PHONES[0] in full.text.replace(" ", "")
    assert NAMES[0] in full.text


def test_a_failure_repeats_nobody_s_data(
    app: Flask, cage: Cage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The text of an unexpected error may quote a row: neither the page nor the log does."""

    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError(f"Key (name)=({NAMES[0]}) and {PHONES[0]} already exist")

    monkeypatch.setattr("app.intake_views.intake.take_in", fail)
    collector = cage.make.signed_in(cage.make.holder("collector_a"))
    form = {**cage.make.sheet("A"), "received_at": "2026-01-05 09:00", "appellant_name": NAMES[0]}
    answer = cage.post(collector, "/intake/A", **form, then="submit")
    assert answer.status_code == 500
    assert birds_in(answer.text) == set()
    assert "RuntimeError" in caplog.text
    assert birds_in(caplog.text) == set()


def test_a_refusal_by_the_database_repeats_nobody_s_data(
    app: Flask, cage: Cage, settings: config.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL quotes the row that it refuses, in its answer and in its log."""
    officer = cage.make.signed_in(officer="system")
    with present.at(present.now()):
        for _twice in range(2):
            answer = cage.post(officer, "/dictionary/people/add", name=NAMES[0], mobile=STAFF_PHONE, active="y")
    too_long = cage.post(officer, "/dictionary/people/add", name="示例", mobile=STAFF_PHONE * 9, active="y")
    assert too_long.status_code == 422
    assert answer.status_code in (302, 422)
    assert STAFF_PHONE not in caplog.text
    assert STAFF_PHONE not in _server_log(settings)


def test_the_page_of_somebody_unknown_names_nobody(app: Flask, cage: Cage) -> None:
    appeal = _take_in(cage, "A", 0)
    stranger = cage.make.signed_in(cage.make.person())
    for path in (f"/appeals/{appeal}", f"/appeals/{appeal}/registration-form", "/ledger/appeals/list/", "/desk/"):
        assert birds_in(cage.open(stranger, path).text) == set()
