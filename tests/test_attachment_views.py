"""Files over HTTP: chosen, looked at, saved, added, taken out; what a browser is told of them (SECURITY.md, row 42)."""

from __future__ import annotations

import logging
from io import BytesIO
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, text
from werkzeug.test import TestResponse

from app.models import Appeal, Attachment, Journal, db
from app.rules import file_types
from app.services import attachments, present
from tests.bad_files import GOOD, HARMLESS, REFUSED, jpeg, pdf, png, wav
from tests.factories import Factory

URL = "https://localhost"
JSON = {"Accept": "application/json"}
CANARY = "金丝雀甲的控告信"


def _send(browser: FlaskClient, content: bytes, name: str = "示例.png", *, form: str = "form") -> TestResponse:
    headers = {**JSON, "X-File-Name": quote(name, errors="surrogatepass"), "Content-Type": "application/octet-stream"}
    return browser.post(f"/attachments/?form={form}", base_url=URL, data=content, headers=headers)


@pytest.fixture
def collector(make: Factory) -> FlaskClient:
    return make.signed_in(make.holder("collector_a"))


def _added(make: Factory, appeal: Appeal, content: bytes, name: str) -> int:
    actor = make.actor(make.holder("registrar"))
    kept = attachments.receive(actor, form_key=name, filename=name, stream_or_bytes=content)
    attachments.add(actor, appeal.id, [kept.id])
    return kept.id


# --- taking in -------------------------------------------------------------------------------------------------


def test_a_file_is_answered_by_its_line(collector: FlaskClient) -> None:
    answer = _send(collector, png(), "现场 照片.png")
    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["name"], answer.json["preview"]) == ("现场 照片.png", "image")
    shown = collector.get(answer.json["preview_url"], base_url=URL)
    assert (shown.status_code, shown.data) == (200, png())
    assert collector.post(answer.json["discard_url"], base_url=URL, headers=JSON).status_code == 200
    assert collector.get(answer.json["preview_url"], base_url=URL).status_code == 404


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_bad_file_is_refused_in_words_and_nothing_is_kept(collector: FlaskClient, name: str) -> None:
    answer = _send(collector, REFUSED[name][0], name)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"]["code"] == f"attachment.{REFUSED[name][1]}"
    assert answer.json["error"]["message"]
    assert db.session.scalars(select(Attachment)).all() == []


def test_a_refusal_names_what_the_file_is(collector: FlaskClient) -> None:
    answer = _send(collector, b"\x1aE\xdf\xa3\x93B\x82\x88matroska" + bytes(100), "视频.mp4")
    assert answer.json is not None
    assert "（webm）" in answer.json["error"]["message"]


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_what_is_taken_is_served_as_its_type_and_runs_nothing(collector: FlaskClient, name: str) -> None:
    answer = _send(collector, HARMLESS[name][0], name)
    assert answer.status_code == 200
    assert answer.json is not None
    saved = collector.get(f"/attachments/{answer.json['id']}/file", base_url=URL)
    assert saved.status_code == 200
    assert saved.headers["Content-Disposition"].startswith("attachment;")
    assert "\n" not in saved.headers["Content-Disposition"]
    assert saved.mimetype in {one.mime for one in file_types.TYPES.values()}
    _unable_to_run(saved, framed=False)


def test_a_file_that_is_too_large_is_told_so(app: Flask, collector: FlaskClient) -> None:
    most = app.config["ATTACHMENT_MAX_BYTES"]
    assert most == 20 * 1024 * 1024
    assert _send(collector, b"%PDF-" + bytes(most - 10) + b"%%EOF").status_code == 200
    answer = _send(collector, b"%PDF-" + bytes(most) + b"%%EOF")
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"]["code"] == "attachment.too-large"
    assert "20MB" in answer.json["error"]["message"].replace(" ", "")
    whole = _send(collector, bytes(app.config["MAX_CONTENT_LENGTH"] + 1))
    assert whole.status_code == 413
    assert whole.json is not None
    assert whole.json["error"]["code"] == "http.413"


def test_a_browser_without_script_sends_files_with_the_form(collector: FlaskClient, make: Factory) -> None:
    form = {**make.sheet("A"), "received_at": "2026-01-05 09:00", "then": "submit", "request_key": "plain"}
    bad = {**form, "files": [(BytesIO(png()), "示例.png"), (BytesIO(b"<html>"), "坏.html")]}
    answer = collector.post("/intake/A", base_url=URL, data=bad)
    assert answer.status_code == 422
    (kept,) = db.session.scalars(select(Attachment)).all()
    assert f'value="{kept.id}" checked' in answer.text
    assert "不收程序、脚本和网页文件" in answer.text
    good = {**form, "attachments": [str(kept.id)], "files": [(BytesIO(jpeg()), "第二张.jpg")]}
    answer = collector.post("/intake/A", base_url=URL, data=good)
    assert answer.status_code == 302, answer.text
    appeal = int(answer.location.rsplit("/", 1)[1])
    assert [row.appeal_id for row in db.session.scalars(select(Attachment))] == [appeal, appeal]
    page = collector.get(f"/appeals/{appeal}", base_url=URL)
    assert "第二张.jpg" in page.text


def test_a_form_that_comes_back_shows_only_its_own_files(collector: FlaskClient, make: Factory) -> None:
    foreign = make.actor(make.holder("registrar"))
    kept = attachments.receive(foreign, form_key="x", filename="别人的.png", stream_or_bytes=png())
    form = {**make.sheet("A"), "received_at": "2026-01-05 09:00", "attachments": [str(kept.id), "seven", "9" * 30]}
    answer = collector.post("/intake/A", base_url=URL, data={**form, "then": "submit"})
    assert answer.status_code == 422
    assert "别人的" not in answer.text
    assert "请重新选择" in answer.text


# --- reading ---------------------------------------------------------------------------------------------------


def _unable_to_run(answer: TestResponse, *, framed: bool) -> None:
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox", f"frame-ancestors '{'self' if framed else 'none'}'"} <= set(policy)
    assert not any("script" in one or "unsafe" in one for one in policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == ("SAMEORIGIN" if framed else "DENY")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("name", sorted(GOOD))
def test_only_pictures_pdf_sound_and_film_are_shown(collector: FlaskClient, name: str) -> None:
    answer = _send(collector, GOOD[name], name)
    assert answer.json is not None
    kind = file_types.TYPES[name.split(".")[0]]
    shown = collector.get(f"/attachments/{answer.json['id']}/preview", base_url=URL)
    if not kind.preview:
        assert shown.status_code == 404
        return
    assert (shown.status_code, shown.mimetype) == (200, kind.mime)
    assert shown.headers["Content-Disposition"].startswith("inline")
    _unable_to_run(shown, framed=True)


def test_a_player_gets_the_part_it_asks_for(collector: FlaskClient) -> None:
    answer = _send(collector, wav(), "录音.wav")
    assert answer.json is not None
    part = collector.get(answer.json["preview_url"], base_url=URL, headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.data) == (206, wav()[4:12])
    assert part.headers["Content-Range"] == f"bytes 4-11/{len(wav())}"
    beyond = collector.get(answer.json["preview_url"], base_url=URL, headers={"Range": "bytes=999999-"})
    assert beyond.status_code == 416


def test_who_does_not_see_the_appeal_sees_no_file_of_it(make: Factory) -> None:
    unit, other = make.a_unit(), make.a_unit(offset=1)
    appeal = make.appeal("in_progress", unit=unit)
    kept = _added(make, appeal, pdf(), "来信.pdf")
    strangers = (make.member(other), make.holder("collector_b"))
    for person in strangers:
        browser = make.signed_in(person)
        for path in (f"/attachments/{kept}/file", f"/attachments/{kept}/preview"):
            assert browser.get(path, base_url=URL).status_code == 404
        for path in (f"/attachments/{kept}/remove", f"/attachments/{kept}/discard"):
            assert browser.post(path, base_url=URL, data={"reason": "示例"}, headers=JSON).status_code == 404
        assert browser.post(f"/attachments/appeal/{appeal.id}/add", base_url=URL).status_code == 404
    own = make.signed_in(make.member(unit))
    assert own.get(f"/attachments/{kept}/file", base_url=URL).data == pdf()


def test_the_page_of_an_appeal_lists_its_files_and_what_was_taken_out(make: Factory) -> None:
    appeal = make.appeal("registered")
    kept = _added(make, appeal, pdf(), "来信.pdf")
    _added(make, appeal, png(), "照片.png")
    browser = make.signed_in(make.holder("registrar"))
    answer = browser.post(f"/attachments/{kept}/remove", base_url=URL, data={"reason": "示例：附错"})
    assert answer.status_code == 302
    page = browser.get(f"/appeals/{appeal.id}", base_url=URL).text
    assert "<del>来信.pdf</del>" in page
    assert "示例：附错" in page
    assert 'data-show-file="image"' in page
    assert "撤下附件" in page
    assert "未经病毒扫描" in page


def test_listing_files_is_one_statement(app: Flask, make: Factory) -> None:
    appeal = make.appeal("registered")
    for number in range(5):
        _added(make, appeal, png(number), f"{number}.png")
    actor = make.actor(make.holder("registrar"))
    appeal_id = appeal.id
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        files = attachments.listed(actor, appeal_id)
        assert [file.by is not None and file.by.name != "" for file in files] == [True] * 5
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(statements) == 1, statements
    assert "content_sealed" not in statements[0]


def test_no_name_and_no_content_reach_journal_outbox_or_log(
    app: Flask, collector: FlaskClient, make: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    inner = f"示例正文：{CANARY}".encode()
    answer = _send(collector, inner, f"{CANARY}.txt")
    assert answer.json is not None
    form = {**make.sheet("A"), "received_at": "2026-01-05 09:00", "then": "submit", "attachments": answer.json["id"]}
    sent = collector.post("/intake/A", base_url=URL, data=form)
    assert sent.status_code == 302
    refused = _send(collector, b"<html>" + inner, f"{CANARY}.html")
    assert CANARY not in refused.text
    for path in (f"/attachments/{answer.json['id']}/file", sent.location):
        got = collector.get(path, base_url=URL)
        assert got.status_code == 200
        assert CANARY not in (got.request.url or "")
    tables = db.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    for name in tables:
        held = db.session.scalar(text(f"SELECT string_agg(t::text, E'\\n') FROM \"{name}\" t")) or ""
        assert CANARY not in held, name
        assert CANARY.encode().hex() not in held, name
    assert CANARY not in caplog.text
    assert quote(CANARY) not in caplog.text


# --- adding, taking out ----------------------------------------------------------------------------------------


def test_adding_without_a_file_says_so_at_the_field(make: Factory) -> None:
    appeal = make.appeal("registered")
    browser = make.signed_in(make.holder("registrar"))
    answer = browser.post(f"/attachments/appeal/{appeal.id}/add", base_url=URL, data={"remark": "示例"})
    assert answer.status_code == 422
    assert 'id="f-attachments-error"' in answer.text


def test_added_files_stand_in_the_timeline_as_a_number(make: Factory) -> None:
    appeal = make.appeal("registered")
    browser = make.signed_in(make.holder("registrar"))
    sent = [_send(browser, png(number), f"{number}.png").json for number in range(2)]
    data = {"attachments": [str(one["id"]) for one in sent if one], "remark": "示例：后补"}
    answer = browser.post(f"/attachments/appeal/{appeal.id}/add", base_url=URL, data=data)
    assert answer.status_code == 302
    page = browser.get(f"/appeals/{appeal.id}", base_url=URL).text
    assert "2个文件" in page
    assert "示例：后补" in page
    row = db.session.scalars(select(Journal).where(Journal.action == "attach")).one()
    assert {"id", "type", "sha256"} == set(row.new["attachments"][0])


def test_an_upload_of_yesterday_is_gone_from_the_form(collector: FlaskClient, make: Factory) -> None:
    answer = _send(collector, png())
    assert answer.json is not None
    actor = make.actor(make.holder("collector_a"))
    assert len(attachments.staged(actor, [answer.json["id"]])) == 1
    with present.at(present.now() + attachments.UNCLAIMED_FOR):
        assert attachments.staged(actor, [answer.json["id"]]) == []
