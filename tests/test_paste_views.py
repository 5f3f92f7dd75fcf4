"""Pasting several items over HTTP: the table, what is wrong in its cell, taken in once, nothing lost."""

from __future__ import annotations

import re
from html import unescape

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import Appeal, Channel, Journal, db
from tests.factories import Factory

URL = "https://localhost"
SHEET = (
    "标题\t内容\t姓名\t电话\n示例：路灯\t示例：路灯三天不亮。\t示例甲\t13800000001\n"
    "示例：停水\t示例：小区停水两天。\t示例乙\t1380000\n"
)


def collector(make: Factory, letter: str = "A") -> FlaskClient:
    return make.signed_in(make.holder(f"collector_{letter.lower()}"))


def paste(browser: FlaskClient, text: str, letter: str = "A", **more: str) -> TestResponse:
    return browser.post(f"/paste/{letter}", base_url=URL, data={"text": text, **more})


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send back."""
    form = page[page.index('name="rows"') - 40 :]
    found = dict(re.findall(r'name="([^"]+)" value="([^"]*)"(?! *(?:>|aria-label)[^>]*data-keys)', form))
    for name, value in re.findall(r'<textarea name="([^"]+)"[^>]*>([^<]*)</textarea>', form):
        found[name] = unescape(value).lstrip("\n")
    for name, options in re.findall(r'<select name="([^"]+)"(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return {name: unescape(value) for name, value in found.items() if name != "then" and "despite" not in name}


def channel(letter: str = "A") -> str:
    return str(db.session.scalars(select(Channel.code).where(Channel.channel_class == letter)).first())


def test_rows_become_a_table_with_problems_in_their_cells(make: Factory) -> None:
    page = paste(collector(make), SHEET, channel=channel())
    assert page.status_code == 200
    assert "示例：小区停水两天。" in page.text
    assert page.text.count('aria-invalid="true"') == 1
    assert make.count(Appeal) == 0


def test_what_is_right_is_taken_in_and_what_is_wrong_stays_as_it_was_typed(make: Factory) -> None:
    browser = collector(make)
    sent = fields_of(paste(browser, SHEET, channel=channel()).text)
    answer = browser.post("/paste/A", base_url=URL, data={**sent, "then": "submit", "1-anonymous": ""})
    assert answer.status_code == 422
    assert make.count(Appeal, state="submitted") == 1
    assert "示例：小区停水两天。" in answer.text
    assert "示例：路灯三天不亮。" not in answer.text
    left = {**fields_of(answer.text), "0-appellant_phone": "13800000002", "then": "submit"}
    assert browser.post("/paste/A", base_url=URL, data=left).status_code == 302
    assert make.count(Appeal, state="submitted") == 2
    assert make.count(Journal, action="take_in") == 2


def test_a_table_sent_twice_acts_once(make: Factory) -> None:
    browser = collector(make)
    sent = fields_of(paste(browser, "1、示例：路灯不亮。\n2、示例：小区停水。", channel=channel()).text)
    for _twice in range(2):
        assert browser.post("/paste/A", base_url=URL, data={**sent, "then": "draft"}).status_code == 302
    assert make.count(Appeal, state="draft") == 2


def test_what_is_not_chosen_is_not_taken_in(make: Factory) -> None:
    browser = collector(make)
    sent = fields_of(paste(browser, "1、示例：路灯不亮。\n2、示例：小区停水。", channel=channel()).text)
    del sent["1-take"]
    assert browser.post("/paste/A", base_url=URL, data={**sent, "then": "draft"}).status_code == 302
    assert [row.subject for row in db.session.scalars(select(Appeal))] == ["示例：路灯不亮"]


def test_doubles_are_marked(make: Factory) -> None:
    known = make.appeal("submitted", subject="示例：浔阳路西段路灯不亮", body="示例：浔阳路西段路灯三天不亮。")
    text = "示例：浔阳路西段路灯三天不亮了。\n\n示例：另一小区停水两天。\n\n示例：另一小区停水两天了。"
    page = paste(collector(make), text, channel=channel())
    assert f'href="/appeals/{known.id}"' in page.text
    assert "与第2项相似" in page.text


def test_names_of_papers_and_days_are_understood(make: Factory) -> None:
    text = "报刊\t见报日期\t版面\t标题\t内容\n江西日报\t2026年1月5日\t3\t示例甲\t示例一\n\t\t\t示例乙\t示例二\n"
    browser = collector(make, "D")
    page = paste(browser, text, "D")
    assert 'aria-invalid="true"' not in page.text
    browser.post("/paste/D", base_url=URL, data={**fields_of(page.text), "then": "submit"})
    rows = list(db.session.scalars(select(Appeal).where(Appeal.channel_class == "D")))
    assert [row.intake["published_on"] for row in rows] == ["2026-01-05"] * 2
    assert {row.channel.name for row in rows if row.channel} == {"江西日报"}


def test_an_unknown_paper_is_kept_and_marked(make: Factory) -> None:
    text = "报刊\t见报日期\t标题\t内容\n示例无名报\t2026-01-05\t示例甲\t示例一\n"
    page = paste(collector(make, "D"), text, "D").text
    assert '<option value="示例无名报" selected>' in page
    assert page.count('aria-invalid="true"') == 1


def test_what_cannot_be_read_says_why(make: Factory) -> None:
    answer = paste(collector(make), "示例\n\n" * 61)
    assert answer.status_code == 422
    assert "共61项，每次最多60项" in answer.text
    assert "示例\n\n示例" in answer.text.replace("\r", "")


def test_a_stranger_is_refused(make: Factory) -> None:
    assert paste(collector(make, "C"), SHEET).status_code == 403
