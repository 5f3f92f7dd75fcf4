"""The officers' pages: the audit trail, the journal's chain and the generated roles."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app import words
from app.models import Audit, Journal, JournalSeal, db
from app.rules import grants as rules
from app.rules.errors import Refused
from app.services import audit, roles, sealing, trail
from app.services.actors import Actor
from tests.factories import Factory

URL = "https://localhost"
PAGES = {
    "audit": ["/audit/", "/journal/", "/capabilities/"],
    "security": ["/capabilities/", "/accounts/"],
    "system": ["/capabilities/", "/accounts/"],
}


@pytest.fixture
def officer(make: Factory) -> Actor:
    """The audit officer."""
    return make.actor(officer="audit")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("who", "page"), [(who, page) for who, pages in PAGES.items() for page in pages])
def test_each_officer_opens_his_own_pages(make: Factory, who: str, page: str, language: str) -> None:
    make.appeal("registered")
    browser = make.signed_in(officer=who)
    with browser.session_transaction(base_url=URL) as cookie:
        cookie["locale"] = language
    assert browser.get(page, base_url=URL).status_code == 200


@pytest.mark.parametrize("page", ["/audit/", "/journal/", "/capabilities/"])
def test_nobody_else_does(make: Factory, page: str) -> None:
    others = () if page == "/capabilities/" else ("system", "security")
    for browser in [*(make.signed_in(officer=who) for who in others), make.signed_in(make.holder("supervisor"))]:
        assert browser.get(page, base_url=URL).status_code == 403


@pytest.mark.parametrize("read", [trail.events, trail.journal, trail.chain])
def test_the_service_refuses_too(make: Factory, read: object) -> None:
    with pytest.raises(Refused):
        read(make.actor(officer="system"))  # type: ignore[operator]


def test_reading_the_trail_is_recorded_with_what_was_looked_for(make: Factory, officer: Actor) -> None:
    trail.events(officer, event="login.failed", username="示例")
    row = db.session.scalars(select(Audit).where(Audit.event == "audit.read")).one()
    assert row.user_id == officer.user_id
    assert row.detail == {"event": "login.failed", "user": "示例"}


def test_the_trail_is_filtered_and_paged_by_key(
    make: Factory, officer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "SIZE", 2)
    person = make.person("示例查阅人")
    reader = make.actor(person)
    for number in range(3):
        audit.record(reader, "example.event", object_type="appeal", object_id=number)
    audit.record(officer, "example.event", result="refused")
    db.session.commit()
    first = trail.events(officer, event="example.event", username="示例查阅人")
    assert [line.row.object_id for line in first.rows] == ["2", "1"]
    assert first.rows[0].person.id == person.id
    second = trail.events(officer, event="example.event", username="示例查阅人", before=first.older)
    assert ([line.row.object_id for line in second.rows], second.older) == (["0"], None)
    assert len(trail.events(officer, event="example.event", result="refused").rows) == 1


@pytest.mark.parametrize("query", ["from=gestern", "until=9999-12-31", "from=0001-01-01"])
def test_a_day_that_is_none_is_named(make: Factory, query: str) -> None:
    assert make.signed_in(officer="audit").get(f"/audit/?{query}", base_url=URL).status_code == 422


def test_the_journal_page_tells_no_text_of_an_appeal(make: Factory) -> None:
    make.appeal("registered", subject="示例机密主题", body="示例机密内容")
    page = make.signed_in(officer="audit").get("/journal/", base_url=URL)
    assert "示例机密" not in page.text
    assert str(words.OBJECTS["appeal"]) in page.text


def _sealed(make: Factory) -> None:
    make.appeal("registered")
    while sealing.seal(everything=True):
        pass


def test_a_chain_that_holds_and_one_that_was_altered(make: Factory) -> None:
    _sealed(make)
    browser = make.signed_in(officer="audit")
    assert "is-ok" in browser.get("/journal/", base_url=URL).text
    assert browser.post("/journal/verify", base_url=URL).status_code == 302
    assert make.count(Audit, event="journal.verified") == 1
    # The application's role can change no row; it can only link one that does not say what the link says.
    make.appeal("submitted")
    end = sealing.head()
    assert end is not None
    fresh = db.session.scalars(select(Journal.id).order_by(Journal.id.desc()).limit(1)).one()
    db.session.add(JournalSeal(seq=end.seq + 1, journal_id=fresh, previous_hash=end.hash, hash=bytes(32)))
    db.session.commit()
    assert str(words.BROKEN["altered"]) in browser.get("/journal/", base_url=URL).text


def test_a_chain_too_long_for_a_page_is_not_checked_there(
    make: Factory, officer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sealed(make)
    monkeypatch.setattr(trail, "CHECKED_ON_PAGE", 1)
    with pytest.raises(Refused, match=r"journal.too-long"):
        trail.chain(officer, whole=True)
    assert make.count(JournalSeal) > 1


def test_roles_are_listed_as_generated_until_somebody_meddles(make: Factory) -> None:
    from flask_appbuilder.security.sqla.models import Role
    from flask_appbuilder.security.sqla.models import assoc_permissionview_role as granted

    actor = make.actor(officer="security")
    lines = roles.listed(actor)
    assert all(line.as_generated for line in lines)
    assert len([line for line in lines if line.post]) == 12
    role = select(Role.id).where(Role.name == "post:registrar").scalar_subquery()
    db.session.execute(delete(granted).where(granted.c.role_id == role))
    assert [line.name for line in roles.listed(actor) if not line.as_generated] == ["post:registrar"]
    assert "triangle-exclamation" in make.signed_in(officer="security").get("/capabilities/", base_url=URL).text


def test_every_permission_has_words(app: object) -> None:
    pairs = rules.all_permissions()
    assert {view for _method, view in pairs} <= set(words.VIEWS)
    assert {method.removeprefix("can_") for method, _view in pairs if method != "menu_access"} <= set(words.METHODS)


def test_the_pages_of_an_officer_have_no_button_that_grants(make: Factory) -> None:
    def posts(browser: FlaskClient) -> int:
        return browser.get("/capabilities/", base_url=URL).text.count('method="post"')

    # One form: signing out.
    assert posts(make.signed_in(officer="security")) == 1
