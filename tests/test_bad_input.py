"""What somebody may get wrong in a form of a dictionary: each message stands at the field where it is mended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import sheets as declared
from app.messages import SENTENCES
from app.models import CalendarDay, Category, Post, db
from tests.factories import Factory

URL = "https://localhost"
Given = Callable[[Factory], Mapping[str, Any]]


@pytest.fixture
def system(make: Factory) -> Iterator[FlaskClient]:
    """A browser of the system officer."""
    return make.signed_in(officer="system")


def _post(make: Factory, **more: Any) -> dict[str, Any]:
    office = make.post("registrar").office_id
    return {"number": "77", "name": "示例岗", "office": str(office), "scope": "all", "active": "y", **more}


def _a_day(make: Factory) -> dict[str, Any]:
    db.session.add(CalendarDay(day="2026-03-02", kind="holiday", name="示例"))
    db.session.commit()
    return {"day": "2026-03-02", "kind": "holiday", "name": "示例放假"}


def _a_category(make: Factory) -> dict[str, Any]:
    parent = db.session.scalars(select(Category).where(Category.level == 1).limit(1)).one()
    child = db.session.scalars(select(Category).where(Category.parent_id == parent.id).limit(1)).first()
    if child is None:
        return {"name": parent.name}
    return {"parent": str(parent.id), "name": child.name}


# What is sent, to which sheet, and at which field which message stands.
CASES: list[tuple[str, str, Given, str, str]] = [
    ("a post without an office", "posts", lambda make: _post(make, office=""), "office", "field.required"),
    ("a post number of 0", "posts", lambda make: _post(make, number="0"), "number", "post.number-range"),
    ("a post number of 1000", "posts", lambda make: _post(make, number="1000"), "number", "post.number-range"),
    ("a post number in words", "posts", lambda make: _post(make, number="十三"), "number", "field.int-unreadable"),
    ("a post number twice", "posts", lambda make: _post(make, number="1"), "number", "row.taken"),
    ("an office that is none", "posts", lambda make: _post(make, office="999999"), "office", "field.choice"),
    ("no name", "posts", lambda make: _post(make, name=" "), "name", "field.required"),
    ("an unknown scope", "posts", lambda make: _post(make, scope="everything"), "scope", "field.choice"),
    (
        "a phone of 10 digits",
        "people",
        lambda _: {"name": "示例", "mobile": "1380000432"},
        "mobile",
        "phone.not-mobile",
    ),
    (
        "a telephone for a mobile",
        "people",
        lambda _: {"name": "示例", "mobile": "8223172"},
        "mobile",
        "phone.not-mobile",
    ),
    ("an address that is none", "people", lambda _: {"name": "示例", "email": "示例"}, "email", "field.email"),
    ("a name too long", "people", lambda _: {"name": "示" * 129}, "name", "field.too-long"),
    (
        "an unknown person",
        "memberships",
        lambda make: {"person": "999999", "unit": str(make.a_unit().id), "function": "handler"},
        "person",
        "person.unknown",
    ),
    (
        "no person",
        "memberships",
        lambda make: {"person": "", "unit": str(make.a_unit().id), "function": "handler"},
        "person",
        "field.required",
    ),
    (
        "a slip clerk outside the sections",
        "memberships",
        lambda make: {"person": str(make.person().id), "unit": str(make.a_unit().id), "function": "section_clerk"},
        "unit",
        "membership.no-section",
    ),
    ("a calendar day twice", "calendar", _a_day, "day", "row.taken"),
    (
        "a day that is none",
        "calendar",
        lambda _: {"day": "2026-02-30", "kind": "holiday"},
        "day",
        "field.date-unreadable",
    ),
    ("a category twice", "categories", _a_category, "name", "row.taken"),
    (
        "a time of day that is none",
        "limits",
        lambda _: {"name": "示例", "clock_kind": "collection", "kind": "cutoff", "amount": "0", "at": "25:00"},
        "at",
        "field.time-unreadable",
    ),
    (
        "a channel without a class",
        "channels",
        lambda _: {"name": "示例", "kind": "phone"},
        "channel_class",
        "field.required",
    ),
    (
        "an office without a group",
        "offices",
        lambda _: {"name": "示例处", "group": ""},
        "group",
        "field.required",
    ),
]


@pytest.mark.parametrize(
    ("code", "given", "field", "error"), [case[1:] for case in CASES], ids=[one[0] for one in CASES]
)
def test_the_message_stands_at_the_field(
    system: FlaskClient, make: Factory, code: str, given: Given, field: str, error: str
) -> None:
    sheet, sent = declared.BY_CODE[code], dict(given(make))
    before = make.count(sheet.model)
    page = system.post(f"/dictionary/{code}/add", base_url=URL, data=sent)
    assert page.status_code == 422
    told = re.search(rf'<div class="error" id="{field}-error">.*?</i>(.*?)</div>', page.text, re.S)
    assert told is not None, re.findall(r'id="(\w+)-error"', page.text)
    start = str(SENTENCES[error]).partition("%(")[0].strip(" “")
    assert start in told[1] or not start
    assert make.count(sheet.model) == before
    # What was typed stays.
    for name, value in sent.items():
        if value and isinstance(value, str) and name in ("name", "number", "day"):
            assert value.strip() in page.text


def test_who_stands_where_and_when_is_written_by_no_form_of_a_dictionary() -> None:
    """Periods have services of their own: a change, an absence, a roster are checked there, and nowhere else."""
    held = [sheet for sheet in declared.SHEETS if sheet.has_period]
    assert {sheet.code for sheet in held} == {"holdings", "shifts", "absences", "chains"}
    assert not any(sheet.can_add or sheet.can_edit or sheet.can_remove for sheet in held)


def test_a_post_of_the_seed_keeps_its_number_when_another_wants_it(system: FlaskClient, make: Factory) -> None:
    post, other = make.post("registrar"), make.post("liaison")
    rights = {"capabilities": post.capabilities, "scope": post.scope}
    sent = _post(make, number=str(other.number), name=post.name, version=str(post.version), **rights)
    page = system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=sent)
    assert page.status_code == 422
    assert 'id="number-error"' in page.text
    assert make.count(Post, id=post.id, number=post.number) == 1
