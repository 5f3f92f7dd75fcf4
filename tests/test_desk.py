"""The desk and the appeal page over HTTP: what each post sees, how many statements a page costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, Audit, db
from app.services import access, present
from tests.factories import Factory

URL = "https://localhost"


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent to the database inside the block, savepoints apart."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "SAVEPOINT" not in statement:
            seen.append(statement)

    engine = db.engines[None].engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    "code",
    [
        "collector_a",
        "collector_c",
        "registrar",
        "duty_director",
        "liaison",
        "ledger_admin",
        "supervisor",
        "editor",
    ],
)
def test_every_post_has_a_desk(make: Factory, code: str) -> None:
    appeal = make.appeal("answered")
    make.appeal("slip_ready")
    page = make.signed_in(make.holder(code)).get("/desk/", base_url=URL)
    assert page.status_code == 200
    # One person holds the registrar's post and the ledger administrator's as A: one desk merges them.
    assert (str(appeal.number) in page.text) == (code in ("ledger_admin", "registrar", "supervisor"))


def test_a_desk_costs_few_statements(make: Factory) -> None:
    for _each in range(3):
        make.appeal("registered")
    browser = make.signed_in(make.holder("duty_director"))
    browser.get("/desk/", base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        assert browser.get("/desk/", base_url=URL).status_code == 200
    assert len(statements) <= 10, "\n\n".join(statements)


def test_an_appeal_page_shows_its_next_step_and_timeline(make: Factory) -> None:
    appeal = make.appeal("in_progress", appellant_phone="13800004321")
    page = make.signed_in(make.holder("duty_director")).get(f"/appeals/{appeal.id}", base_url=URL)
    assert page.status_code == 200
    assert "138****4321" in page.text
    assert "13800004321" not in page.text


def test_a_stranger_gets_404(make: Factory) -> None:
    appeal = make.appeal("submitted")
    assert make.signed_in(make.person()).get(f"/appeals/{appeal.id}", base_url=URL).status_code in (403, 404)


def test_unmasking_wants_a_reason_and_leaves_a_trace(make: Factory) -> None:
    appeal = make.appeal("registered", appellant_phone="13800004321")
    browser = make.signed_in(make.holder("registrar"))
    assert browser.post(f"/appeals/{appeal.id}/unmask", base_url=URL, data={"reason": " "}).status_code == 422
    shown = browser.post(f"/appeals/{appeal.id}/unmask", base_url=URL, data={"reason": "示例：回访"})
    assert "13800004321" in shown.text
    assert make.count(Audit, event="appeal.unmask", object_id=str(appeal.id)) == 1


def test_a_refused_form_keeps_what_was_typed(make: Factory) -> None:
    browser = make.signed_in(make.holder("collector_a"))
    data = {"subject": "示例主题", "body": "示例内容", "received_at": "not a moment", "then": "submit"}
    page = browser.post("/intake/A", base_url=URL, data=data)
    assert page.status_code == 422
    assert "示例主题" in page.text


def test_intake_goes_to_the_new_appeal(make: Factory) -> None:
    browser = make.signed_in(make.holder("collector_a"))
    data = {
        "channel": make.sheet()["channel"],
        "received_at": "2026-01-05 09:00",
        "subject": "示例主题",
        "body": "示例内容",
        "appellant_name": "示例人",
        "then": "submit",
        "request_key": "form-1",
    }
    first = browser.post("/intake/A", base_url=URL, data=data)
    again = browser.post("/intake/A", base_url=URL, data=data)
    assert first.status_code == 302
    assert first.location == again.location


def test_a_form_sent_after_the_shift_ended_is_kept_as_a_draft(make: Factory) -> None:
    person = make.holder("collector_c")
    browser = make.signed_in(person)
    opened = re.search(r'name="opened" value="([^"]+)"', browser.get("/intake/C", base_url=URL).text)
    assert opened
    now = present.now()
    db.session.add(Absence(person_id=person.id, valid=Range(now, now + timedelta(days=1))))
    db.session.commit()
    data = {"subject": "示例主题", "body": "示例内容", "received_at": "2026-01-05 09:00", "opened": opened[1]}
    later = now + timedelta(seconds=1)
    with present.at(later):
        assert browser.post("/intake/C", base_url=URL, data=data).status_code == 302
        assert browser.post("/intake/C", base_url=URL, data={**data, "opened": "forged"}).status_code == 403
        kept = access.appeals_for(make.actor(make.holder("collector_c", "B")))
        assert [appeal.state for appeal in db.session.scalars(kept)] == ["draft"]


def test_printing_leaves_an_audit_row(make: Factory) -> None:
    appeal = make.appeal("with_section")
    browser = make.signed_in(make.holder("registrar"))
    assert browser.get(f"/appeals/{appeal.id}/registration-form", base_url=URL).status_code == 200
    assert browser.get(f"/slips/{appeal.slips[0].id}", base_url=URL).status_code == 200
    assert make.count(Audit, event="print") == 2


def test_a_number_no_key_can_hold_is_no_page(make: Factory) -> None:
    browser = make.signed_in(make.holder("registrar"))
    assert browser.get(f"/appeals/{2**31}", base_url=URL).status_code == 404
    assert browser.get(f"/appeals/{10**20}", base_url=URL).status_code == 404


def test_the_rows_behind_overdue_without_note_can_be_opened(make: Factory) -> None:
    without, with_note = make.appeal("in_progress"), make.appeal("in_progress")
    without.impossible = with_note.impossible = True
    with_note.note = "示例附注"
    db.session.flush()
    browser = make.signed_in(make.holder("ledger_admin"))
    page = browser.get("/ledger/book/list/?_flt_0_clocks=without_note", base_url=URL)
    assert str(without.number) in page.text
    assert str(with_note.number) not in page.text


def test_a_step_without_its_version_is_taken_for_a_stale_one(make: Factory) -> None:
    appeal = make.appeal("registered")
    page = make.signed_in(make.holder("duty_director")).post(f"/appeals/{appeal.id}/handle_self", base_url=URL)
    assert page.status_code == 409
    db.session.refresh(appeal)
    assert appeal.state == "registered"


def test_a_form_carries_the_version_its_reader_saw(make: Factory) -> None:
    appeal = make.appeal("submitted")
    browser = make.signed_in(make.holder("registrar"))
    form = browser.get(f"/appeals/{appeal.id}/register", base_url=URL).text
    seen = re.search(r'name="version" value="([^"]*)"', form)
    assert seen
    assert seen[1] == str(appeal.version)
    data = {"limit": "ordinary", "version": seen[1]}
    assert browser.post(f"/appeals/{appeal.id}/register", base_url=URL, data=data).status_code == 302
