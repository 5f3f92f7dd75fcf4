"""Documents from the record, own templates, hand-over sheets, scanned slips: rights, rows and statements."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from app import document_words
from app.models import Audit, DocumentTemplate, HandlingRequest, Journal, Slip, SlipSheet, db
from app.reports import document_layout
from app.reports.document_kinds import KINDS
from app.rules import scanning
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound, Refused
from app.services import document_templates, documents, present, slip_sheets, workflow
from app.services.actors import Actor
from app.services.document_records import Reader
from tests.factories import Factory
from tests.reports.test_documents import own, texts
from tests.test_desk import URL, counted


@pytest.fixture
def reader(app: Flask) -> Iterator[Reader]:
    with app.test_request_context(base_url=URL, headers={"Accept-Language": "en"}):
        yield document_words.reader()


@pytest.fixture
def registrar(make: Factory) -> Actor:
    return make.actor(make.holder("registrar"))


@pytest.fixture
def liaison(make: Factory) -> Actor:
    return make.actor(make.holder("liaison"))


@pytest.fixture
def system(make: Factory) -> Actor:
    return make.actor(officer="system")


def _events(event: str) -> list[Audit]:
    return list(db.session.scalars(select(Audit).where(Audit.event == event).order_by(Audit.id)))


# --- the record ---------------------------------------------------------------------------------------------


def test_a_registration_form_says_what_is_on_record_and_is_audited(
    make: Factory, registrar: Actor, reader: Reader
) -> None:
    appeal = make.appeal("answered", appellant_name="示例张三丰", appellant_phone="13800004321")
    filled, content = documents.download(registrar, "registration_form", appeal.id, reader)
    said = texts(content)
    chain = appeal.assignments[0].chain
    for expected in (
        appeal.number,
        appeal.subject,
        appeal.body,
        appeal.result,
        *[link["name"] for link in chain if link["name"]],
    ):
        assert str(expected) in said
    assert filled.number == appeal.number
    [row] = _events("document")
    assert (row.object_type, row.object_id, row.detail["kind"]) == ("appeal", str(appeal.id), "registration_form")
    assert row.detail["full"] is False


def test_the_appellant_is_masked_until_a_reason_is_given(make: Factory, registrar: Actor, reader: Reader) -> None:
    appeal = make.appeal("registered", appellant_name="示例张三丰", appellant_phone="13800004321")
    _filled, content = documents.download(registrar, "registration_form", appeal.id, reader)
    assert "13800004321" not in texts(content)
    assert "示例张三丰" not in texts(content)
    with pytest.raises(Invalid):
        documents.download(registrar, "registration_form", appeal.id, reader, reason="")
    _filled, content = documents.download(registrar, "registration_form", appeal.id, reader, reason="示例：回复来电人")
    assert "13800004321" in texts(content)
    assert len(_events("appeal.unmask")) == 1
    journal = select(Journal).where(Journal.appeal_id == appeal.id, Journal.action == "unmask")
    assert db.session.scalars(journal).one().reason == "示例：回复来电人"


def test_who_may_not_see_the_appellant_never_gets_him_in_full(make: Factory, reader: Reader) -> None:
    unit = make.a_unit()
    appeal = make.appeal("in_progress", unit=unit, appellant_phone="13800004321")
    handler = make.actor(make.member(unit))
    with pytest.raises(Refused):
        documents.download(handler, "registration_form", appeal.id, reader, reason="示例")
    assert not _events("appeal.unmask")


def test_it_rejects_a_stranger(make: Factory, reader: Reader) -> None:
    appeal = make.appeal("slip_ready")
    stranger = make.actor(make.member(make.a_unit(offset=3)))
    for kind, subject_id in (("registration_form", appeal.id), ("slip", appeal.slips[0].id)):
        with pytest.raises(NotFound):
            documents.download(stranger, kind, subject_id, reader)
    assert not _events("document")


@pytest.mark.parametrize("kind", ["result", "cover", "non_acceptance"])
def test_a_document_waits_for_what_it_is_about(make: Factory, registrar: Actor, reader: Reader, kind: str) -> None:
    appeal = make.appeal("registered")
    with pytest.raises(Conflict, match=r"document\.not-yet"):
        documents.download(registrar, kind, appeal.id, reader)


def test_a_slip_says_its_leaders_instruction_and_hand_overs(make: Factory, liaison: Actor, reader: Reader) -> None:
    appeal = make.appeal("instructed")
    slip = appeal.slips[0]
    said = texts(documents.download(liaison, "slip", slip.id, reader)[1])
    for expected in (slip.number, slip.opinion, "示例：请尽快办理。", "示例副市长", "示例收件人"):
        assert str(expected) in said


def test_a_decision_is_printed_once_it_is_made(make: Factory, registrar: Actor, reader: Reader) -> None:
    appeal = make.appeal("in_progress")
    now = present.now()
    asked = HandlingRequest(
        appeal_id=appeal.id, assignment_id=appeal.assignments[0].id, kind="extension", reason="示例：配件未到。",
        asked_at=now, asked_by_id=registrar.person_id,
    )  # fmt: skip
    db.session.add(asked)
    db.session.commit()
    with pytest.raises(Conflict, match=r"document\.not-yet"):
        documents.download(registrar, "decision", asked.id, reader)
    asked.state, asked.decided_at, asked.decided_by_id = "refused", now, registrar.person_id
    asked.decision = "示例：不宜延期。"
    db.session.commit()
    said = texts(documents.download(registrar, "decision", asked.id, reader)[1])
    assert "示例：配件未到。" in said
    assert "示例：不宜延期。" in said


def test_every_page_is_the_record_too(make: Factory) -> None:
    appeal = make.appeal("archived")
    browser = make.signed_in(make.holder("registrar"))
    for kind in ("registration_form", "result", "cover"):
        page = browser.get(f"/documents/appeal/{appeal.id}/{kind}", base_url=URL)
        assert page.status_code == 200
        assert str(appeal.number) in page.text
        assert "<svg" in page.text
        assert not re.search(r"<svg[^>]*style=", page.text)
        file = browser.get(f"/documents/appeal/{appeal.id}/{kind}.docx", base_url=URL)
        assert (file.status_code, file.data[:2]) == (200, b"PK")


def test_a_document_costs_a_fixed_number_of_statements(make: Factory, registrar: Actor, reader: Reader) -> None:
    ids = [make.appeal("instructed").id, make.appeal("archived").id]
    costs = []
    for appeal_id in ids:
        db.session.expire_all()
        with counted() as statements:
            documents.page(registrar, "registration_form", appeal_id, reader)
        costs.append(len(statements))
    assert max(costs) <= 18, costs


# --- own templates ------------------------------------------------------------------------------------------


def test_an_own_template_is_kept_then_used_and_taken_back(
    make: Factory, system: Actor, registrar: Actor, reader: Reader
) -> None:
    appeal = make.appeal("registered")
    row = document_templates.hand_in(system, "registration_form", "示例.docx", own("示例自有：{{ number }}"), str)
    assert "示例自有" not in texts(documents.download(registrar, "registration_form", appeal.id, reader)[1])
    document_templates.use(system, "registration_form", row.id, str)
    said = texts(documents.download(registrar, "registration_form", appeal.id, reader)[1])
    assert said == f"示例自有：{appeal.number}"
    document_templates.use_built_in(system, "registration_form")
    assert "示例自有" not in texts(documents.download(registrar, "registration_form", appeal.id, reader)[1])
    assert [one.is_used for one in document_templates.versions(system, "registration_form")] == [False]
    actions = select(Journal.action).where(Journal.object_type == "document_template").order_by(Journal.id)
    assert list(db.session.scalars(actions)) == ["create", "edit", "remove"]
    assert len([one for one in _events("setting.change") if one.object_type == "document_template"]) == 3


def test_one_template_of_a_kind_is_in_use_and_the_same_file_is_one_version(system: Actor) -> None:
    body = own("{{ slip_number }}")
    first = document_templates.hand_in(system, "slip", "一.docx", body, str)
    again = document_templates.hand_in(system, "slip", "二.docx", body, str)
    second = document_templates.hand_in(system, "slip", "三.docx", own("{{ number }}"), str)
    assert again.id == first.id
    for row in (first, second, second):
        document_templates.use(system, "slip", row.id, str)
    in_use = select(DocumentTemplate.id).where(DocumentTemplate.retired_at.is_(None))
    assert list(db.session.scalars(in_use)) == [second.id]


def test_a_template_with_an_unknown_name_changes_nothing(make: Factory, system: Actor) -> None:
    with pytest.raises(FieldErrors) as caught:
        document_templates.hand_in(system, "slip", "x.docx", own("{{ nonsense }}"), str)
    assert caught.value.problems[0].data["name"] == "nonsense"
    assert make.count(DocumentTemplate) == 0


def test_a_template_that_fails_all_the_same_never_stops_printing(
    make: Factory, system: Actor, registrar: Actor, reader: Reader
) -> None:
    appeal = make.appeal("registered")
    row = document_templates.hand_in(system, "registration_form", "x.docx", own("{{ number }}"), str)
    document_templates.use(system, "registration_form", row.id, str)
    row.content = own("{{ name_of_an_older_release }}")
    db.session.commit()
    said = texts(documents.download(registrar, "registration_form", appeal.id, reader)[1])
    assert reader.t(document_layout.LAYOUTS["registration_form"].title) in said
    assert _events("document")[0].detail["built_in_instead"] is True
    assert document_templates.problems_in_use(system, "registration_form", str)


def test_only_the_system_officer_keeps_templates(make: Factory, registrar: Actor) -> None:
    for call in (
        lambda: document_templates.hand_in(registrar, "slip", "x.docx", own("{{ number }}"), str),
        lambda: document_templates.use_built_in(registrar, "slip"),
        lambda: document_templates.content(registrar, "slip", None, str),
        lambda: document_templates.versions(make.actor(officer="security"), "slip"),
    ):
        with pytest.raises(Refused):
            call()


def test_the_pages_of_templates(make: Factory) -> None:
    browser = make.signed_in(officer="system")
    listed = browser.get("/document-templates/", base_url=URL)
    assert [kind for kind in KINDS if f'href="/document-templates/{kind}"' not in listed.text] == []
    sent = {"file": (io.BytesIO(own("示例：{{ nonsense }}")), "示例.docx")}
    refused = browser.post("/document-templates/slip/hand-in", base_url=URL, data=sent)
    assert refused.status_code == 422
    assert "nonsense" in refused.text
    assert "示例：{{ nonsense }}" in refused.text
    assert browser.post("/document-templates/slip/hand-in", base_url=URL).status_code == 422
    assert make.count(DocumentTemplate) == 0
    sent = {"file": (io.BytesIO(own("示例：{{ number }}")), "示例.docx")}
    assert browser.post("/document-templates/slip/hand-in", base_url=URL, data=sent).status_code == 302
    row = db.session.scalars(select(DocumentTemplate)).one()
    preview = browser.get(f"/document-templates/slip/preview?version={row.id}", base_url=URL)
    assert texts(preview.data).startswith("示例：民〔")
    assert preview.headers["Content-Disposition"].endswith(f"{quote('处理单示例')}%20{present.today()}.docx")
    officer = make.user_of(None, "system")
    officer.first_name, officer.last_name = "示例管理员", "Sample officer"
    db.session.commit()
    page = browser.get("/document-templates/slip", base_url=URL).text
    assert ("示例管理员" in page, "Sample officer" in page) == (True, False)


# --- hand-over sheets ---------------------------------------------------------------------------------------


def test_a_sheet_is_numbered_once_and_keeps_its_slips(make: Factory, liaison: Actor, reader: Reader) -> None:
    first = make.appeal("slip_ready")
    [sheet] = slip_sheets.make(liaison)
    assert slip_sheets.make(liaison) == []
    second = make.appeal("slip_ready")
    [other] = slip_sheets.make(liaison)
    assert other.number != sheet.number
    sheets = {row.id: [slip.appeal_id for slip in slips] for row, slips in slip_sheets.today(liaison).sheets}
    assert sheets == {sheet.id: [first.id], other.id: [second.id]}
    said = texts(documents.download(liaison, "hand_over_sheet", sheet.id, reader)[1])
    assert sheet.number in said
    assert str(first.slips[0].number) in said
    assert str(second.slips[0].number) not in said
    assert make.count(Journal, object_type="slip_sheet") == 2


def test_slips_of_two_sections_stand_on_two_sheets(make: Factory, liaison: Actor) -> None:
    units = [make.a_unit(offset=number) for number in range(12)]
    sections = {line.section.id: unit for unit in units if (line := make.line(unit)).section}
    chosen = list(sections.values())[:2]
    for unit in chosen:
        make.appeal("slip_ready", unit=unit)
    assert len(slip_sheets.make(liaison)) == len(chosen) == 2


def test_only_who_carries_makes_sheets(make: Factory, registrar: Actor) -> None:
    make.appeal("slip_ready")
    with pytest.raises(Refused):
        slip_sheets.make(registrar)
    assert make.count(SlipSheet) == 0


def test_the_sheets_of_today_cost_few_statements(make: Factory, liaison: Actor) -> None:
    for _turn in range(3):
        make.appeal("with_section")
        slip_sheets.make(liaison)
    db.session.expire_all()
    with counted() as statements:
        assert len(slip_sheets.today(liaison).sheets) == 3
    assert len(statements) <= 2, "\n\n".join(statements)


@pytest.mark.parametrize(
    ("state", "actor", "action"),
    [
        ("slip_ready", "liaison", "carry"),
        ("with_section", "clerk", "deliver"),
        ("with_leader", "liaison", "fetch"),
        ("slip_ready", "clerk", None),
    ],
)
def test_a_scanned_slip_opens_its_next_step(make: Factory, state: str, actor: str, action: str | None) -> None:
    appeal = make.appeal(state)
    slip = appeal.slips[0]
    person = make.holder("liaison") if actor == "liaison" else make.member(slip.section, "section_clerk")
    code = scanning.content(slip.id, slip.number or "", appeal.number or "")
    for said in (code, scanning.token(slip.id), str(slip.number), str(appeal.number)):
        found = slip_sheets.find(make.actor(person), said)
        assert (found.slip.id, found.action) == (slip.id, action)


def test_a_foreign_and_an_unknown_code_look_alike(make: Factory) -> None:
    appeal = make.appeal("with_section")
    slip = appeal.slips[0]
    other = next(
        unit for unit in (make.a_unit(offset=number) for number in range(12))
        if (section := make.line(unit).section) is not None and section.id != slip.section_id
    )  # fmt: skip
    section = make.line(other).section
    assert section is not None
    stranger = make.actor(make.member(section, "section_clerk"))
    codes = [scanning.token(slip.id), scanning.token(slip.id + 999)]
    refusals = []
    for code in codes:
        with pytest.raises(NotFound) as caught:
            slip_sheets.find(stranger, code)
        refusals.append(caught.value.code)
    assert refusals == ["slip.not-found"] * 2


def test_scanning_over_http(make: Factory) -> None:
    appeal = make.appeal("slip_ready")
    slip = db.session.get(Slip, appeal.slips[0].id)
    assert slip is not None
    browser = make.signed_in(make.holder("liaison"))
    answer = browser.get(f"/documents/slip/scan?code={scanning.token(slip.id)}", base_url=URL)
    assert answer.headers["Location"].endswith(f"/appeals/{appeal.id}/carry")
    assert browser.get(answer.headers["Location"], base_url=URL).status_code == 200
    unknown = browser.get("/documents/slip/scan?code=404", base_url=URL, follow_redirects=True)
    assert "“404”" in unknown.text
    assert "没有此二维码或者编号的处理单" in unknown.text
    workflow.act(make.actor(make.holder("liaison")), appeal.id, "carry", {}, version=None)
    answer = browser.get(f"/documents/slip/scan?code={scanning.token(slip.id)}", base_url=URL)
    assert answer.headers["Location"].endswith(f"/appeals/{appeal.id}")
