"""The leader's own page over HTTP: read, confirm the exact text, sign; what he may not see; how few statements."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from werkzeug.test import TestResponse

from app.models import Absence, Appeal, Assumption, Person, db
from app.services import portfolio, present, workflow
from tests.factories import Factory
from tests.test_desk import URL, counted

TEXT = "示例：请抓紧办理。"


@pytest.fixture
def vice_mayor(make: Factory) -> Person:
    """Who leads the line of the first unit; nobody is his deputy."""
    person = make.person()
    make.stand(make.line(make.a_unit()), "vice_mayor", person)
    make.stand(make.line(make.a_unit()), "deputy", None)
    return person


def _post(client: FlaskClient, appeal: Appeal, **form: str) -> TestResponse:
    form.setdefault("version", str(appeal.version))
    return client.post(f"/leader/{appeal.slips[-1].id}/write", base_url=URL, data=form)


def test_a_leader_without_a_post_begins_at_his_slips(make: Factory, vice_mayor: Person) -> None:
    assert make.signed_in(vice_mayor).get("/", base_url=URL).location.endswith("/leader/")
    assert make.signed_in(make.holder("liaison")).get("/", base_url=URL).location.endswith("/desk/")


def test_a_leader_reads_and_signs_exactly_what_he_was_shown(make: Factory, vice_mayor: Person) -> None:
    appeal = make.appeal("with_leader", appellant_phone="13800004321")
    client = make.signed_in(vice_mayor)
    assert appeal.subject in client.get("/leader/", base_url=URL).text
    page = client.get(f"/leader/{appeal.slips[-1].id}", base_url=URL)
    assert (page.status_code, appeal.body in page.text, "13800004321" in page.text) == (200, True, False)
    asked = _post(client, appeal, do="instruct", instruction=TEXT, request_key="k1")
    db.session.refresh(appeal)
    assert (asked.status_code, appeal.state) == (200, "with_leader")
    shown = re.search(r'name="instruction" value="([^"]*)"', asked.text)
    assert shown
    assert shown[1] == TEXT
    signed = _post(client, appeal, do="sign", confirmed="1", instruction=TEXT, request_key="k1")
    again = _post(client, appeal, do="sign", confirmed="1", instruction=TEXT, request_key="k1")
    db.session.refresh(appeal)
    assert (signed.status_code, again.status_code, appeal.state) == (302, 302, "instructed")
    assert [one.text for one in appeal.slips[-1].instructions] == [TEXT]
    after = client.get(f"/leader/{appeal.slips[-1].id}", base_url=URL).text
    assert TEXT in after
    assert 'id="write"' not in after


def test_before_signing_one_can_go_back_and_loses_nothing(make: Factory, vice_mayor: Person) -> None:
    appeal, client = make.appeal("with_leader"), make.signed_in(vice_mayor)
    back = _post(client, appeal, do="change", confirmed="1", instruction=TEXT, due_on="2030-01-05")
    assert back.status_code == 200
    assert TEXT in back.text
    assert 'value="2030-01-05"' in back.text


def test_what_cannot_be_signed_is_said_before_the_confirmation(make: Factory, vice_mayor: Person) -> None:
    appeal, client = make.appeal("with_leader"), make.signed_in(vice_mayor)
    yesterday = (present.today() - timedelta(days=1)).isoformat()
    for form, field in (
        ({"do": "instruct", "instruction": " "}, "instruction"),
        ({"do": "instruct", "instruction": TEXT, "due_on": yesterday}, "due_on"),
        ({"do": "comment", "instruction": ""}, "instruction"),
    ):
        answer = _post(client, appeal, **form)
        assert answer.status_code == 422
        assert f'id="f-{field}-error"' in answer.text
        assert 'id="confirm"' not in answer.text
    db.session.refresh(appeal)
    assert (appeal.state, appeal.slips[-1].instructions) == ("with_leader", [])


def test_a_slip_fetched_meanwhile_keeps_what_was_typed(make: Factory, vice_mayor: Person) -> None:
    appeal, client = make.appeal("with_leader"), make.signed_in(vice_mayor)
    seen = str(appeal.version)
    workflow.act(make.actor(make.holder("liaison")), appeal.id, "fetch", {}, version=None)
    page = _post(client, appeal, do="sign", confirmed="1", instruction=TEXT, version=seen)
    assert page.status_code == 409
    assert TEXT in page.text


def test_a_comment_is_signed_at_once_and_the_slip_stays(make: Factory, vice_mayor: Person) -> None:
    appeal, client = make.appeal("with_leader"), make.signed_in(vice_mayor)
    assert _post(client, appeal, do="comment", instruction=TEXT).status_code == 302
    db.session.refresh(appeal)
    assert (appeal.state, [one.kind for one in appeal.slips[-1].instructions]) == ("with_leader", ["comment"])


def test_the_deputy_sees_for_whom_he_writes(make: Factory, vice_mayor: Person) -> None:
    deputy, now = make.person(), present.now()
    make.stand(make.line(make.a_unit()), "deputy", deputy)
    db.session.add(Absence(person_id=vice_mayor.id, valid=Range(now, now + timedelta(days=2))))
    db.session.commit()
    appeal, client = make.appeal("with_leader"), make.signed_in(deputy)
    asked = _post(client, appeal, do="instruct", instruction=TEXT)
    assert f"代{vice_mayor.name}" in asked.text
    assert _post(client, appeal, do="sign", confirmed="1", instruction=TEXT).status_code == 302
    for address in (f"/leader/{appeal.slips[-1].id}", f"/appeals/{appeal.id}", "/leader/"):
        assert f"代{vice_mayor.name}" in client.get(address, base_url=URL).text


def test_a_leader_of_another_line_gets_404_everywhere(make: Factory, vice_mayor: Person) -> None:
    appeal, stranger = make.appeal("with_leader"), make.person()
    own = make.line(make.a_unit()).id
    make.stand(next(line for line in portfolio.lines_at() if line.id != own), "vice_mayor", stranger)
    client, slip_id = make.signed_in(stranger), appeal.slips[-1].id
    assert client.get(f"/leader/{slip_id}", base_url=URL).status_code == 404
    assert _post(client, appeal, do="sign", confirmed="1", instruction=TEXT).status_code == 404
    assert client.post(f"/leader/{slip_id}/note", base_url=URL, data={"version": "1"}).status_code == 404
    assert appeal.subject not in client.get("/leader/", base_url=URL).text


def test_what_was_fulfilled_is_noted(make: Factory, vice_mayor: Person) -> None:
    appeal, client = make.appeal("with_leader"), make.signed_in(vice_mayor)
    _post(client, appeal, do="sign", confirmed="1", instruction=TEXT)
    unit, informed = make.a_unit(), {"informed_at": present.now(), "informed_how": "phone"}
    director, handler = make.actor(make.holder("duty_director")), make.actor(make.member(unit))
    workflow.act(director, appeal.id, "forward", {"unit": unit.code, "limit": "ordinary"}, version=None)
    workflow.act(handler, appeal.id, "sign_in", {}, version=None)
    workflow.act(handler, appeal.id, "answer", {"feedback": "示例：已修复。", **informed}, version=None)
    workflow.act(director, appeal.id, "accept", {}, version=None)
    db.session.refresh(appeal)
    assert "示例：已修复。" in client.get("/leader/", base_url=URL).text
    slip = appeal.slips[-1]
    done = client.post(f"/leader/{slip.id}/note", base_url=URL, data={"version": str(appeal.version)})
    db.session.refresh(slip)
    assert (done.status_code, slip.noted_by_id) == (302, vice_mayor.id)


def test_the_phrases_are_data(make: Factory, vice_mayor: Person) -> None:
    appeal, client = make.appeal("with_leader"), make.signed_in(vice_mayor)
    row = db.session.scalars(select(Assumption).where(Assumption.code == "leader_phrases")).one()
    row.value = [{"zh": "示例常用语。"}, "no phrase", {"en": "no Chinese"}]
    db.session.commit()
    page = client.get(f"/leader/{appeal.slips[-1].id}", base_url=URL).text
    assert re.findall(r'data-fill-add="([^"]*)"', page) == ["示例常用语。"]


def test_the_pages_cost_few_statements(make: Factory, vice_mayor: Person) -> None:
    appeals = [make.appeal("with_leader") for _each in range(3)]
    client = make.signed_in(vice_mayor)
    client.get("/leader/", base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        assert client.get("/leader/", base_url=URL).status_code == 200
    assert len(statements) <= 11, "\n\n".join(statements)
    db.session.expire_all()
    with counted() as statements:
        assert client.get(f"/leader/{appeals[0].slips[-1].id}", base_url=URL).status_code == 200
    assert len(statements) <= 24, "\n\n".join(statements)


# --- the hand-over and the transcription --------------------------------------------------------------------


def test_a_clerk_delivers_several_slips_in_two_taps(make: Factory, vice_mayor: Person) -> None:
    appeals = [make.appeal("with_section") for _each in range(2)]
    section = make.line(make.a_unit()).section
    assert section is not None
    client = make.signed_in(make.member(section, "section_clerk"))
    form = {"action": "deliver", "appeal": [str(appeal.id) for appeal in appeals]}
    asked = client.post("/desk/bulk", base_url=URL, data=form)
    assert asked.text.count(f"→ {vice_mayor.name}") == 2
    assert client.post("/desk/bulk", base_url=URL, data=form | {"confirmed": "1"}).status_code == 302
    for appeal in appeals:
        db.session.refresh(appeal)
        assert (appeal.state, appeal.slips[-1].handovers[-1].counterpart) == ("with_leader", vice_mayor.name)


def test_the_form_of_the_delivery_chooses_whoever_is_there(make: Factory, vice_mayor: Person) -> None:
    appeal = make.appeal("with_section")
    section = make.line(make.a_unit()).section
    assert section is not None
    client = make.signed_in(make.member(section, "section_clerk"))
    form = client.get(f"/appeals/{appeal.id}/deliver", base_url=URL).text
    assert re.search(rf'value="{vice_mayor.code}"[^>]* selected', form)


def test_a_transcription_without_a_scan_is_warned_of_and_marked(make: Factory, vice_mayor: Person) -> None:
    appeal, client = make.appeal("fetched"), make.signed_in(make.holder("liaison"))
    form = {
        "instruction": TEXT,
        "leader": vice_mayor.code,
        "instructed_on": present.today().isoformat(),
        "version": str(appeal.version),
    }
    page = client.post(f"/appeals/{appeal.id}/transcribe", base_url=URL, data=form, follow_redirects=True).text
    assert "还没有批示原件的扫描件" in page
    assert "缺原件扫描件" in page


def test_triage_starts_from_the_instruction(make: Factory, vice_mayor: Person) -> None:
    appeal = make.appeal("with_leader")
    due_on = (present.today() + timedelta(days=7)).isoformat()
    _post(make.signed_in(vice_mayor), appeal, do="sign", confirmed="1", instruction=TEXT, due_on=due_on)
    form = make.signed_in(make.holder("duty_director")).get(f"/appeals/{appeal.id}/forward", base_url=URL).text
    assert f'name="due_on" id="f-due_on" value="{due_on}"' in form
    assert TEXT in form[form.index('name="task"') :]
