"""The contact book (R2): whose it is, what is sealed, when somebody last spoke with an outlet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import sheets as declared
from app.models import Audit, Contact, Journal, db
from app.rules.errors import FieldErrors, NotFound, Refused
from app.services import contacts, present, sheets
from tests.factories import Factory

URL = "https://localhost"
SHEET = declared.BY_CODE["contacts"]


def _contact(make: Factory, letter: str = "C", **values: Any) -> Contact:
    actor = make.actor(make.holder(f"collector_{letter.lower()}"))
    found: Contact = sheets.save(actor, SHEET, None, {"name": "示例电视台", "channel_class": letter, **values})
    return found


def _in(make: Factory, code: str) -> FlaskClient:
    return make.signed_in(make.holder(code))


def test_a_collector_keeps_the_outlets_of_his_own_class(make: Factory) -> None:
    browser = _in(make, "collector_c")
    form = {"name": "示例广播电台", "channel_class": "C", "mobile": "13800004321", "telephone": "0791-8123456"}
    assert browser.post("/dictionary/contacts/add", base_url=URL, data=form).status_code == 302
    contact = db.session.scalars(select(Contact).where(Contact.name == "示例广播电台")).one()
    page = browser.get("/dictionary/contacts/list/", base_url=URL).text
    assert "138****4321" in page
    assert "13800004321" not in page
    row = db.session.scalars(select(Journal).order_by(Journal.id.desc()).limit(1)).one()
    assert (row.object_type, row.post_id, row.role) == ("contact", make.post("collector_c").id, "A")
    assert "13800004321" not in str(row.new)
    other = _in(make, "collector_d")
    assert "示例广播电台" not in other.get("/dictionary/contacts/list/", base_url=URL).text
    assert other.get(f"/dictionary/contacts/show/{contact.id}", base_url=URL).status_code == 404


def test_nobody_writes_into_the_book_of_another_class(make: Factory) -> None:
    contact = _contact(make)
    papers = make.actor(make.holder("collector_d"))
    with pytest.raises(FieldErrors) as refused:
        sheets.save(papers, SHEET, None, {"name": "示例台", "channel_class": "C"})
    assert refused.value.problems[0].code == "contact.foreign-class"
    with pytest.raises(NotFound):
        sheets.save(papers, SHEET, contact.id, {"name": "示例改名"})
    with pytest.raises(NotFound):
        sheets.remove(papers, SHEET, contact.id)
    with pytest.raises(NotFound):
        contacts.note(papers, SHEET, contact.id, present.today(), "")
    with pytest.raises(FieldErrors):  # given away
        sheets.save(make.actor(make.holder("collector_c")), SHEET, contact.id, {"channel_class": "D"})


@pytest.mark.parametrize("code", ["collector_a", "collector_b", "collector_e", "registrar"])
def test_posts_without_broadcasters_and_papers_have_no_book(make: Factory, code: str) -> None:
    browser = _in(make, code)
    assert "/dictionary/contacts/" not in browser.get("/desk/", base_url=URL).text
    for page in ("list/", "add"):
        assert browser.get(f"/dictionary/contacts/{page}", base_url=URL).status_code == 403


def test_the_officers_have_no_book(make: Factory) -> None:
    with pytest.raises(Refused):
        sheets.save(make.actor(officer="system"), SHEET, None, {"name": "示例台", "channel_class": "C"})
    assert make.signed_in(officer="system").get("/dictionary/contacts/list/", base_url=URL).status_code == 403


def test_his_class_is_filled_in_and_his_menu_has_the_book(make: Factory) -> None:
    browser = _in(make, "collector_d")
    assert "/dictionary/contacts/list/" in browser.get("/desk/", base_url=URL).text
    form = browser.get("/dictionary/contacts/add", base_url=URL).text
    assert '<option selected value="D">' in form


def test_a_contact_is_noted_with_what_was_spoken_about(make: Factory) -> None:
    contact, today = _contact(make), present.today()
    browser = _in(make, "collector_c")
    address = f"/dictionary/contacts/contacted/{contact.id}"
    sent = {"on": today.isoformat(), "remark": "示例：问路灯报道"}
    assert browser.post(address, base_url=URL, data=sent).status_code == 302
    db.session.refresh(contact)
    assert contact.last_contact_on == today
    # An older one is journalled, the last stays the last.
    earlier = {"on": (today - timedelta(days=3)).isoformat(), "remark": ""}
    browser.post(address, base_url=URL, data=earlier)
    db.session.refresh(contact)
    assert contact.last_contact_on == today
    history = browser.get(f"/dictionary/contacts/history/{contact.id}", base_url=URL).text
    assert "示例：问路灯报道" in history
    assert earlier["on"] in history


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"on": "2999-01-01"}, "on"),
        ({"on": "gestern"}, "on"),
        ({"remark": "字" * 201}, "remark"),
        ({"on": "0001-01-01"}, "on"),
    ],
)
def test_what_is_wrong_with_a_contact_stands_at_its_field(make: Factory, sent: dict[str, str], field: str) -> None:
    contact = _contact(make)
    page = _in(make, "collector_c").post(f"/dictionary/contacts/contacted/{contact.id}", base_url=URL, data=sent)
    assert page.status_code == 422
    assert {"on": 'id="f-on-error"', "remark": 'id="f-spoken-error"'}[field] in page.text
    assert make.count(Journal, object_type="contact", action="contact") == 0


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"last_contact_on": "2999-01-01"}, ("last_contact_on", "field.in-future")),
        ({"telephone": "13800004321"}, ("telephone", "contact.mobile-elsewhere")),
        ({"mobile": "1380000432"}, ("mobile", "phone.not-mobile")),
        ({"name": ""}, ("name", "field.required")),
        ({"channel_class": "A"}, ("channel_class", "field.choice")),
    ],
)
def test_a_row_of_the_book_is_checked(make: Factory, values: dict[str, str], problem: tuple[str, str]) -> None:
    with pytest.raises(FieldErrors) as refused:
        _contact(make, **values)
    assert problem in {(one.field, one.code) for one in refused.value.problems}


def test_who_was_not_spoken_with_for_long_is_one_click_away(make: Factory) -> None:
    today = present.today()
    for name, on in (
        ("示例久未", today - timedelta(days=91)),
        ("示例从未", None),
        ("示例昨日", today - timedelta(days=1)),
    ):
        _contact(make, name=name, last_contact_on=on)
    browser = _in(make, "collector_c")
    address = browser.post("/dictionary/contacts/keep", base_url=URL, data={"preset": "0"}).location
    page = browser.get(address, base_url=URL).text
    assert page.count("data-select-row") == 2
    assert "示例昨日" not in page


def test_a_number_is_shown_in_full_to_ring_it_and_that_is_recorded(make: Factory) -> None:
    contact = _contact(make, mobile="13800004321")
    page = _in(make, "collector_c").post(f"/dictionary/contacts/reveal/{contact.id}", base_url=URL)
    assert "13800004321" in page.text
    row = db.session.scalars(select(Audit).order_by(Audit.id.desc()).limit(1)).one()
    assert (row.event, row.object_id) == ("contact.reveal", str(contact.id))
    assert _in(make, "collector_d").post(f"/dictionary/contacts/reveal/{contact.id}", base_url=URL).status_code == 404
