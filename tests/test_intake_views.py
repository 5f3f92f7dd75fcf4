"""The intake forms over HTTP: each class, what repeats, warnings, drafts that came back."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import Appeal, Attachment, Channel, Journal, db
from app.services import attachments, present, sheet, workflow
from tests import bad_files
from tests.factories import Factory

URL = "https://localhost"


def collector(make: Factory, letter: str) -> FlaskClient:
    return make.signed_in(make.holder(f"collector_{letter.lower()}"))


def form(make: Factory, letter: str, **fields: Any) -> dict[str, str]:
    """What a browser sends for a filled-in form of the class."""
    found = make.sheet(letter, **fields)
    for name, value in found.items():
        if isinstance(value, datetime):
            found[name] = value.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    return {name: str(value) for name, value in found.items() if value not in (None, False)}


def send(browser: FlaskClient, letter: str, data: dict[str, str], **more: str) -> TestResponse:
    return browser.post(f"/intake/{letter}", base_url=URL, data={**data, **more})


def send_with(browser: FlaskClient, letter: str, data: dict[str, str], files: Any, **more: str) -> TestResponse:
    return browser.post(f"/intake/{letter}", base_url=URL, data={**data, **more, **files})


def newest() -> Appeal:
    return db.session.scalars(select(Appeal).order_by(Appeal.id.desc()).limit(1)).one()


OWN: dict[str, dict[str, Any]] = {
    "A": {
        "received_by": "示例接听人",
        "call_back_wanted": "1",
        "visitors": "2",
        "appellant_others": "示例乙，13800000002",
    },
    "B": {"letter_reference": "示例函7号", "appellant_address": "someone@example.invalid"},
    "C": {"programme": "示例台晚间新闻", "minute": "2：5", "page_address": "https://example.invalid/forum/1"},
    "D": {"published_on": "2026-01-05", "page_number": "3", "paper_name": "示例晚报"},
    "E": {"written_on": "2026-01-05", "petition_number": "示例-7", "scan_reference": "scan-1", "scan_pages": "3-4"},
    "F": {
        "received_by": "示例接待人",
        "visitors": "3",
        "appellant_representatives": "示例甲",
        "appellant_others": "示例乙",
    },
}


@pytest.mark.parametrize("letter", "ABCDEF")
def test_each_class_takes_its_own_fields_in(make: Factory, letter: str) -> None:
    browser = collector(make, letter)
    page = browser.get(f"/intake/{letter}", base_url=URL)
    assert page.status_code == 200
    assert all(f'name="{name}"' in page.text for name in OWN[letter])
    answer = send(browser, letter, form(make, letter, **OWN[letter]), then="submit", request_key=f"own-{letter}")
    assert answer.status_code == 302
    appeal = newest()
    assert (appeal.state, appeal.channel_class) == ("submitted", letter)
    kept = {**appeal.intake, **sheet.appellant(appeal)}
    wanted = {**OWN[letter], "minute": "02:05"} if letter == "C" else OWN[letter]
    types = {"visitors": int, "call_back_wanted": lambda _text: True}
    assert {name: kept[name] for name in wanted} == {n: types.get(n, str)(v) for n, v in wanted.items()}


def test_the_others_of_a_joint_visit_are_sealed(make: Factory) -> None:
    browser = collector(make, "F")
    answer = send(browser, "F", form(make, "F", **OWN["F"]), then="submit", request_key="joint")
    appeal = newest()
    assert appeal.intake == {"received_by": "示例接待人", "visitors": 3}
    assert "示例乙".encode() not in bytes(appeal.appellant_others_sealed or b"")
    row = db.session.scalars(select(Journal).where(Journal.appeal_id == appeal.id)).first()
    assert row is not None
    assert "示例乙" not in str(row.new)
    page = browser.get(answer.location, base_url=URL).text
    assert "示例乙" not in page
    assert "示**" in page


def test_more_than_five_visitors_name_representatives(make: Factory) -> None:
    browser = collector(make, "F")
    answer = send(browser, "F", form(make, "F", visitors="6"), then="submit", request_key="six")
    assert answer.status_code == 422
    assert 'id="f-appellant_representatives-error"' in answer.text
    draft = send(browser, "F", form(make, "F", visitors="6"), then="draft", request_key="six-draft")
    assert draft.status_code == 302


@pytest.mark.parametrize(
    ("letter", "fields", "wrong"),
    [
        ("A", {"visitors": "two"}, "visitors"),
        ("A", {"visitors": "2", "appellant_others": "示例乙\n示例丙"}, "visitors"),
        ("C", {"page_address": "javascript:alert(1)"}, "page_address"),
        ("C", {"programme": "示例台", "minute": "12"}, "minute"),
        ("C", {"page_address": "", "programme": ""}, "page_address"),
        ("D", {"published_on": ""}, "published_on"),
        ("D", {"published_on": "2999-01-01"}, "published_on"),
        ("F", {"appellant_identity": "123"}, "appellant_identity"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    make: Factory, letter: str, fields: dict[str, str], wrong: str
) -> None:
    answer = send(collector(make, letter), letter, form(make, letter, **fields), then="submit", request_key="wrong")
    assert answer.status_code == 422
    assert f'id="f-{wrong}-error"' in answer.text
    assert "示例：小区门口的路灯已经三天不亮。" in answer.text


def _channel(kind: str) -> str:
    return str(db.session.scalars(select(Channel.code).where(Channel.kind == kind).order_by(Channel.id)).first())


def test_what_the_petition_office_passed_on_has_its_number(make: Factory) -> None:
    browser = collector(make, "E")
    passed_on = form(make, "E", channel=_channel("referral"))
    assert send(browser, "E", passed_on, then="submit", request_key="e-1").status_code == 422
    numbered = send(browser, "E", passed_on, then="submit", request_key="e-1", petition_number="示例8")
    assert numbered.status_code == 302


def test_a_number_taken_in_twice_warns_and_is_taken_in_all_the_same_when_told(make: Factory) -> None:
    browser = collector(make, "E")
    data = form(make, "E", petition_number="示例9")
    assert send(browser, "E", data, then="submit", request_key="e-2").status_code == 302
    again = send(browser, "E", data, then="submit", request_key="e-3")
    assert again.status_code == 422
    assert 'name="despite"' in again.text
    assert send(browser, "E", data, then="submit", request_key="e-3", despite="1").status_code == 302
    assert make.count(Appeal, channel_class="E") == 2


def test_the_next_form_keeps_what_repeats_and_nothing_of_the_appellant(make: Factory) -> None:
    browser = collector(make, "D")
    data = form(make, "D", **OWN["D"], place="示例路", appellant_name="示例读者")
    answer = send(browser, "D", data, then="next", request_key="next-1")
    saved = newest()
    assert answer.location.endswith(f"/intake/D?after={saved.id}")
    page = browser.get(answer.location, base_url=URL).text
    assert f'href="/appeals/{saved.id}"' in page
    for value in ("2026-01-05", "示例晚报", 'value="3"', 'value="示例路"'):
        assert value in page
    assert "示例读者" not in page
    assert "三天不亮" not in page


def test_several_letters_are_taken_in_from_one_scan(make: Factory) -> None:
    browser = collector(make, "E")
    files = {"files": (BytesIO(bad_files.png()), "scan.png")}
    first = send_with(browser, "E", form(make, "E", scan_pages="1-2"), files, then="next", request_key="scan-1")
    page = browser.get(first.location, base_url=URL)
    before = newest()
    assert f'name="scan_of" id="f-scan_of" value="{before.id}" checked' in page.text
    more = {"then": "next", "request_key": "scan-2", "scan_of": str(before.id)}
    second = send(browser, "E", form(make, "E", scan_pages="3", appellant_phone="13800000003"), **more)
    assert 'name="scan_of"' in browser.get(second.location, base_url=URL).text
    rows = list(db.session.scalars(select(Attachment).order_by(Attachment.id)))
    assert [row.appeal_id for row in rows] == [before.id, newest().id]
    assert rows[0].sha256 == rows[1].sha256
    actor = make.actor(make.holder("collector_e"))
    assert attachments.content(actor, rows[1].id).bytes == attachments.content(actor, rows[0].id).bytes


def test_nobody_takes_the_scan_of_an_appeal_out_of_sight(make: Factory) -> None:
    foreign = make.appeal("submitted", channel_class="A")
    send(collector(make, "E"), "E", form(make, "E"), then="submit", request_key="scan-3", scan_of=str(foreign.id))
    assert make.count(Attachment) == 0


def test_the_next_form_says_nothing_of_another_s_appeal(make: Factory) -> None:
    foreign = make.appeal("submitted", channel_class="E", place="示例暗巷")
    page = collector(make, "D").get(f"/intake/D?after={foreign.id}", base_url=URL)
    assert page.status_code == 200
    assert "示例暗巷" not in page.text


def test_a_form_sent_twice_acts_once(make: Factory) -> None:
    browser, data = collector(make, "A"), form(make, "A")
    for _twice in range(2):
        assert send(browser, "A", data, then="submit", request_key="twice").status_code == 302
    assert make.count(Appeal, channel_class="A") == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_refused(make: Factory, method: str) -> None:
    browser = collector(make, "C")
    answer = getattr(browser, method)("/intake/D", base_url=URL, data=form(make, "D"))
    assert answer.status_code == 403
    assert make.count(Appeal, channel_class="D") == 0


def _mail(**headers: str) -> bytes:
    message = EmailMessage()
    for name, value in {"From": "示例来信人 <a@example.invalid>", "Subject": "示例：停水", **headers}.items():
        message[name.replace("_", "-")] = value
    message.set_content("示例：小区停水两天。")
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="示例.exe")
    return message.as_bytes()


def drop(browser: FlaskClient, content: bytes | None, letter: str = "B") -> TestResponse:
    data = {} if content is None else {"mail": (BytesIO(content), "示例.eml")}
    headers = {"Accept": "application/json"}
    return browser.post(f"/intake/{letter}/mail", base_url=URL, data=data, headers=headers)


def test_a_dropped_mail_fills_the_form_and_is_not_kept(make: Factory) -> None:
    answer = drop(collector(make, "B"), _mail(Date="Mon, 05 Jan 2026 09:30:00 +0800", Message_ID="<7@example.invalid>"))
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["fields"] == {
        "received_at": "2026-01-05 09:30",
        "letter_reference": "7@example.invalid",
        "appellant_name": "示例来信人",
        "appellant_address": "a@example.invalid",
        "subject": "示例：停水",
        "body": "示例：小区停水两天。",
    }
    assert answer.json["enclosures"] == [{"name": "示例.exe", "size": 2}]
    assert make.count(Appeal) == make.count(Attachment) == 0


def test_a_mail_from_the_future_fills_in_no_moment(make: Factory) -> None:
    answer = drop(collector(make, "B"), _mail(Date="Mon, 05 Jan 2099 09:30:00 +0800"))
    assert answer.json is not None
    assert "received_at" not in answer.json["fields"]


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\x00" * 100])
def test_what_is_no_mail_gets_a_clear_message(make: Factory, content: bytes | None) -> None:
    answer = drop(collector(make, "B"), content)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"]["code"].startswith("mail.")


def test_a_stranger_reads_no_mail_here(make: Factory) -> None:
    assert drop(collector(make, "C"), _mail()).status_code == 403


def ask(browser: FlaskClient, **typed: str) -> TestResponse:
    return browser.post("/similar/", base_url=URL, data=typed)


def test_what_is_like_it_is_shown_with_its_reason_and_opens_beside(make: Factory) -> None:
    known = make.appeal("registered", subject="示例：浔阳路西段路灯不亮", appellant_phone="13800000007")
    page = ask(collector(make, "A"), phone="13800000007", subject="示例：浔阳路西段路灯坏了")
    assert page.status_code == 200
    for part in (f'href="/appeals/{known.id}" target="_blank"', str(known.number), "同一电话", "%"):
        assert part in page.text
    assert "13800000007" not in page.text


def test_who_takes_nothing_in_is_not_told_what_is_like_it(make: Factory) -> None:
    assert ask(make.signed_in(make.holder("editor", "B")), phone="13800000007").status_code == 403


def test_a_draft_that_came_back_says_why_on_top(make: Factory) -> None:
    appeal = make.appeal("submitted")
    registrar = make.actor(make.holder("registrar"))
    workflow.act(registrar, appeal.id, "return_for_correction", {"reason": "示例：地址不清"}, version=None)
    browser = collector(make, "A")
    for action in ("edit", "submit"):
        page = browser.get(f"/appeals/{appeal.id}/{action}", base_url=URL)
        assert page.status_code == 200
        assert "示例：地址不清" in page.text
        assert page.text.index("示例：地址不清") < page.text.index('name="subject"')
