"""Two people on one appeal: the second who saves gets the difference and loses nothing typed."""

from __future__ import annotations

import html
import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import Appeal, Journal, Membership, db
from app.services import present, workflow
from tests.factories import Factory

URL = "https://localhost"


def opened(client: FlaskClient, appeal: Appeal, step: str) -> dict[str, str]:
    """The hidden fields of a form as it was opened."""
    text = client.get(f"/appeals/{appeal.id}/{step}", base_url=URL).text
    found = re.findall(r'<input type="hidden" name="(version|base|seen_journal|request_key)" value="([^"]*)"', text)
    return {name: html.unescape(value) for name, value in found}


def sent(client: FlaskClient, appeal: Appeal, step: str, form: dict[str, str]) -> TestResponse:
    return client.post(f"/appeals/{appeal.id}/{step}", base_url=URL, data=form)


def sheet(make: Factory, **fields: str) -> dict[str, str]:
    return {name: value for name, value in make.sheet("A").items() if isinstance(value, str)} | fields


def overtake(make: Factory, draft: Appeal, **fields: str) -> None:
    """Somebody else saves the draft with these fields, all others as they were."""
    collector = make.actor(make.holder("collector_a"))
    data = {**make.sheet("A"), "received_at": draft.received_at, **fields}
    workflow.act(collector, draft.id, "edit", data, version=None)


def test_the_second_of_two_editors_sees_what_the_first_did(make: Factory) -> None:
    draft, client = make.appeal("draft"), make.signed_in(make.holder("collector_a"))
    form = opened(client, draft, "edit")
    overtake(make, draft, subject="示例：先改的标题")
    received = draft.received_at.isoformat()
    answer = sent(client, draft, "edit", form | sheet(make, subject="示例：我的标题", received_at=received))
    assert answer.status_code == 409
    page = html.unescape(answer.text)
    assert "打开后已有变动" in page
    # Mine stays in the field, the other's stands beside it.
    assert 'value="示例：我的标题"' in page
    assert 'data-value="示例：先改的标题"' in page
    assert make.holder("collector_a").name in page


def test_sending_again_acts_with_what_was_seen(make: Factory) -> None:
    draft, client = make.appeal("draft"), make.signed_in(make.holder("collector_a"))
    form = opened(client, draft, "edit")
    overtake(make, draft, subject="示例：先改的标题")
    mine = sheet(make, subject="示例：我的标题", received_at=draft.received_at.isoformat())
    page = sent(client, draft, "edit", form | mine).text
    again = re.search(r'name="version" value="(\d+)"', page)
    assert again is not None
    assert int(again[1]) > int(form["version"])
    assert sent(client, draft, "edit", form | mine | {"version": again[1]}).status_code == 302
    db.session.refresh(draft)
    assert draft.subject == "示例：我的标题"


def test_a_field_only_the_other_changed_follows_him(make: Factory) -> None:
    draft, client = make.appeal("draft"), make.signed_in(make.holder("collector_a"))
    overtake(make, draft, place="示例路1号")
    form = opened(client, draft, "edit")
    overtake(make, draft, place="示例路2号")
    received = draft.received_at.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    mine = sheet(make, subject="示例：我的标题", place="示例路1号", received_at=received)
    page = html.unescape(sent(client, draft, "edit", form | mine).text)
    assert re.search(r'name="place"[^>]*value="示例路2号"', page)
    assert 'data-take-over="f-place"' not in page


def test_an_unreadable_field_does_not_hide_that_somebody_was_first(make: Factory) -> None:
    draft, client = make.appeal("draft"), make.signed_in(make.holder("collector_a"))
    form = opened(client, draft, "edit")
    overtake(make, draft, subject="示例：先改的标题")
    answer = sent(client, draft, "edit", form | sheet(make, received_at="示例"))
    assert answer.status_code == 422
    assert "打开后已有变动" in answer.text


def test_a_form_nobody_overtook_tells_of_nothing(make: Factory) -> None:
    draft, client = make.appeal("draft"), make.signed_in(make.holder("collector_a"))
    form = opened(client, draft, "edit")
    answer = sent(client, draft, "edit", form | sheet(make, received_at="示例"))
    assert answer.status_code == 422
    assert "打开后已有变动" not in answer.text


def test_a_step_that_is_over_keeps_the_text_to_copy(make: Factory) -> None:
    appeal = make.appeal("answered")
    client = make.signed_in(make.holder("ledger_admin"))
    form = opened(client, appeal, "strike_off")
    workflow.act(make.actor(make.holder("ledger_admin")), appeal.id, "strike_off", {}, version=None)
    workflow.act(make.actor(make.holder("ledger_admin")), appeal.id, "archive", {}, version=None)
    answer = sent(client, appeal, "strike_off", form | {"result": "示例：我写的结果"})
    assert answer.status_code == 409
    assert "示例：我写的结果" in answer.text
    assert "该步骤已不能办理" in answer.text
    assert "<b>归档</b>" in answer.text


def test_what_a_unit_typed_is_kept_when_the_appeal_went_elsewhere(make: Factory) -> None:
    unit, other = make.a_unit(), make.a_unit(offset=1)
    appeal = make.appeal("in_progress", unit=unit)
    client = make.signed_in(make.member(unit))
    form = opened(client, appeal, "answer")
    director = make.actor(make.holder("duty_director"))
    data = {"unit": other.code, "limit": "ordinary", "reason": "示例：另有分工。"}
    workflow.act(director, appeal.id, "transfer", data, version=None)
    assert make.count(Membership, unit_id=other.id) == 0
    answer = sent(client, appeal, "answer", form | {"feedback": "示例：写了很久的反馈。"})
    assert answer.status_code == 404
    assert "示例：写了很久的反馈。" in answer.text
    assert appeal.body not in answer.text


def test_a_form_sent_twice_acts_once(make: Factory) -> None:
    appeal = make.appeal("registered")
    client = make.signed_in(make.holder("ledger_admin"))
    form = opened(client, appeal, "add_note") | {"note": "示例：附注。"}
    assert sent(client, appeal, "add_note", form).status_code == 302
    again = client.post(f"/appeals/{appeal.id}/add_note", base_url=URL, data=form, follow_redirects=True)
    assert "该步骤已办理过" in again.text
    db.session.refresh(appeal)
    assert appeal.note == "示例：附注。"
    assert make.count(Journal, appeal_id=appeal.id, action="add_note") == 1


def test_a_forged_base_is_no_base(make: Factory) -> None:
    draft, client = make.appeal("draft"), make.signed_in(make.holder("collector_a"))
    form = opened(client, draft, "edit")
    overtake(make, draft, subject="示例：先改的标题")
    for base in ("[]", "{", "null", '{"subject": 1}'):
        answer = sent(client, draft, "edit", form | sheet(make) | {"base": base, "seen_journal": "x"})
        assert answer.status_code == 409
