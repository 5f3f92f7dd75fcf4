"""Rights on pages: the form that asks, the page that decides, and that nothing else anywhere grants (rows 18 to 20)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, User, ViewMenu
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.models import Account, CapabilityChange, Holding, LoginSession, Membership, Post, db
from app.rules.errors import Conflict, FieldErrors
from app.services import accounts, capability_changes, present, sheets
from app.sheets import BY_CODE
from tests.factories import Factory
from tests.test_access import HEADERS, ROLES, World, _address, _declared, _expected, _rules, world
from tests.test_desk import counted
from tests.test_run_time_posts import _form

__all__ = ["world"]  # the fixture

URL = "https://localhost"
STANDING = "WITH me AS"


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    """Who asks."""
    return make.signed_in(officer="system")


@pytest.fixture
def security(make: Factory) -> FlaskClient:
    """Who decides."""
    return make.signed_in(officer="security")


@pytest.fixture
def demo(app: Flask) -> Iterator[None]:
    """The demonstration."""
    app.config["DEMO"] = True
    yield
    app.config["DEMO"] = False


def _ask(system: FlaskClient, post: Post, **more: Any) -> CapabilityChange:
    form = _form(post, **more) | {"previewed": "1", "reason": "示例：按岗位调整"}
    assert system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form).status_code == 302
    change = capability_changes.pending_of(post.id)
    assert change is not None
    return change


# --- asking ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_form_shows_the_consequence_before_it_asks(make: Factory, system: FlaskClient, language: str) -> None:
    with system.session_transaction(base_url=URL) as cookie:
        cookie["locale"] = language
    post = make.post("supervisor")
    form = _form(post, capabilities=["report"], duty="示例职责")
    page = system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form)
    assert page.status_code == 200
    assert 'name="previewed"' in page.text
    holder = make.holder("supervisor")
    assert (holder.name if language == "zh" else holder.name_en) in page.text
    assert make.count(CapabilityChange) == 0
    assert make.post("supervisor").duty != "示例职责"
    # Everything typed goes on with the request; nothing of it has to be typed again.
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    assert (sent["duty"], sent["capabilities"], sent["version"]) == ("示例职责", "report", str(post.version))


def test_coming_back_from_the_preview_keeps_what_was_typed(make: Factory, system: FlaskClient) -> None:
    post = make.post("supervisor")
    form = _form(post, capabilities=["report"], duty="示例职责", back="1")
    page = system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form)
    assert page.status_code == 200
    assert "示例职责" in page.text
    assert make.count(CapabilityChange) == 0
    assert make.post("supervisor").duty != "示例职责"


def test_a_form_with_the_same_rights_is_saved_at_once(make: Factory, system: FlaskClient) -> None:
    post = make.post("supervisor")
    form = _form(post, duty="示例职责")
    assert system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form).status_code == 302
    assert make.post("supervisor").duty == "示例职责"
    assert make.count(CapabilityChange) == 0


def test_a_form_that_cannot_be_saved_says_so_before_any_preview(make: Factory, system: FlaskClient) -> None:
    post = make.post("supervisor")
    form = _form(post, capabilities=["report"], number="1")
    page = system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form | {"previewed": "1"})
    assert page.status_code == 422
    form = _form(post, capabilities=["collect"])
    page = system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form)
    assert page.status_code == 422
    assert "channel_class-error" in page.text


def test_saving_tells_what_waits_and_the_posts_page_shows_it(make: Factory, system: FlaskClient) -> None:
    post = make.post("supervisor")
    change = _ask(system, post, capabilities=["report"])
    assert change.reason == "示例：按岗位调整"
    for page in ("/dictionary/posts/list/", f"/dictionary/posts/show/{post.id}"):
        assert f"/capabilities/changes/{change.id}" in system.get(page, base_url=URL).text


# --- deciding -------------------------------------------------------------------------------------------------


def test_the_badge_counts_what_waits_for_its_reader(make: Factory, system: FlaskClient, security: FlaskClient) -> None:
    _ask(system, make.post("supervisor"), capabilities=["report"])
    badge = re.compile(r'data-badge="Capabilities"[^>]*>1<')
    assert badge.search(security.get("/capabilities/", base_url=URL).text)
    assert not badge.search(system.get("/capabilities/", base_url=URL).text)
    assert security.get("/api/v1/feed", base_url=URL).json["badges"]["Capabilities"] == 1  # type: ignore[index]


def test_a_decision_needs_a_fresh_password(make: Factory, system: FlaskClient, security: FlaskClient) -> None:
    change = _ask(system, make.post("supervisor"), capabilities=["report"])
    long_ago = present.now() - timedelta(hours=1)
    for row in db.session.scalars(select(LoginSession)):
        row.fresh_at = long_ago
    db.session.commit()
    for step in ("confirm", "refuse"):
        answer = security.post(f"/capabilities/changes/{change.id}/{step}", base_url=URL, data={"seen": "1"})
        assert answer.status_code == 403
        assert 'type="password"' in answer.text
    db.session.refresh(change)
    assert change.state == "pending"


def test_a_stale_preview_confirms_nothing(make: Factory, system: FlaskClient, security: FlaskClient) -> None:
    post = make.post("supervisor")
    change = _ask(system, post, capabilities=["report"])
    page = security.get(f"/capabilities/changes/{change.id}", base_url=URL).text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=_form(make.post("supervisor"), duty="示例职责"))
    address = f"/capabilities/changes/{change.id}/confirm"
    told = security.post(address, base_url=URL, data={"seen": seen[1]}, follow_redirects=True).text
    assert "alert-danger" in told
    assert make.post("supervisor").capabilities == ["supervise", "see_phone"]
    again = re.search(r'name="seen" value="(\d+)"', told)
    assert again is not None
    assert "alert-success" in security.post(address, base_url=URL, data={"seen": again[1]}, follow_redirects=True).text
    assert make.post("supervisor").capabilities == ["report"]
    # A second click finds it done.
    assert "alert-info" in security.post(address, base_url=URL, data={"seen": again[1]}, follow_redirects=True).text


def test_nobody_grants_himself_anything(make: Factory, system: FlaskClient) -> None:
    """SECURITY row 19: whoever asks is refused when he tries to agree, and a holder cannot even ask."""
    post = make.post("supervisor")
    change = _ask(system, post, capabilities=["report"])
    for step in ("confirm", "demonstrate", "refuse"):
        address = f"/capabilities/changes/{change.id}/{step}"
        assert system.post(address, base_url=URL, data={"seen": str(post.version)}).status_code == 403
    holder = make.signed_in(make.holder("supervisor"))
    form = _form(post, capabilities=["supervise", "triage"], previewed="1")
    assert holder.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form).status_code == 403
    assert holder.post(f"/capabilities/changes/{change.id}/confirm", base_url=URL).status_code == 403
    assert make.post("supervisor").capabilities == ["supervise", "see_phone"]


def test_one_click_confirms_in_the_demonstration(make: Factory, system: FlaskClient, demo: None) -> None:
    post = make.post("supervisor")
    change = _ask(system, post, capabilities=["report"])
    page = system.get(f"/capabilities/changes/{change.id}", base_url=URL).text
    assert f"/capabilities/changes/{change.id}/demonstrate" in page
    seen = {"seen": str(make.post("supervisor").version)}
    told = system.post(f"/capabilities/changes/{change.id}/demonstrate", base_url=URL, data=seen, follow_redirects=True)
    assert "alert-success" in told.text
    assert make.post("supervisor").capabilities == ["report"]


def test_outside_the_demonstration_there_is_no_such_button(make: Factory, system: FlaskClient) -> None:
    change = _ask(system, make.post("supervisor"), capabilities=["report"])
    page = system.get(f"/capabilities/changes/{change.id}", base_url=URL).text
    assert "/demonstrate" not in page
    assert "/withdraw" in page
    assert "/confirm" not in page.replace("data-confirm", "")


# --- the desk of another post ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["collector_a", "collector_d", "registrar", "duty_director", "liaison", "editor"])
def test_the_desk_of_a_post_is_seen_on_fictional_rows(make: Factory, system: FlaskClient, code: str) -> None:
    real = [make.appeal(state).subject for state in ("submitted", "registered")]
    make.appeal("submitted", subject="真实诉求不得出现")
    post = make.post(code)
    page = system.get(f"/capabilities/posts/{post.id}", base_url=URL)
    assert page.status_code == 200
    assert "inert" in page.text
    assert "真实诉求不得出现" not in page.text
    assert post.name in page.text
    assert real
    # What the real desk of its holder is made of stands here too.
    mine = make.signed_in(make.holder(code)).get("/desk/", base_url=URL).text
    for queue in re.findall(rf'id="h-(\w+\.\w+\.){post.id}"', mine):
        assert f"h-{queue}{post.id}" in page.text


def test_a_post_is_seen_as_it_would_be(make: Factory, system: FlaskClient, security: FlaskClient) -> None:
    post = make.post("editor")
    change = _ask(system, post, capabilities=["report", "number"])
    for officer in (system, security):
        now = officer.get(f"/capabilities/posts/{post.id}", base_url=URL).text
        then = officer.get(f"/capabilities/posts/{post.id}?as=asked", base_url=URL).text
        assert f"number.to_number.{post.id}" not in now
        assert f"number.to_number.{post.id}" in then
        assert f"/capabilities/changes/{change.id}" in now


def test_looking_at_a_desk_reads_no_appeal(make: Factory, system: FlaskClient) -> None:
    post = make.post("duty_director")
    system.get(f"/capabilities/posts/{post.id}", base_url=URL)
    with counted() as statements:
        system.get(f"/capabilities/posts/{post.id}", base_url=URL)
    assert not [statement for statement in statements if re.search(r"\bappeal\b", statement)]
    assert len(statements) <= 6, "\n\n".join(statements)


def test_the_roles_page_costs_few_statements(make: Factory, security: FlaskClient) -> None:
    security.get("/capabilities/", base_url=URL)
    with counted() as statements:
        security.get("/capabilities/", base_url=URL)
    assert len(statements) <= 22, "\n\n".join(statements)


# --- nothing else grants ---------------------------------------------------------------------------------------


def test_no_page_lists_or_writes_the_frameworks_rights(app: Flask) -> None:
    forbidden = {Role, User, Permission, PermissionView, ViewMenu}
    for view in app.extensions["appbuilder"].baseviews:
        datamodel = getattr(view, "datamodel", None)
        assert datamodel is None or datamodel.obj not in forbidden, view
    endpoints = {rule.endpoint.split(".")[0] for rule in app.url_map.iter_rules()}
    named = re.compile(r"Role|User(DB|OID|LDAP|Remote)|Permission|ViewMenu|RegisterUser|SecurityApi")
    assert [name for name in endpoints if named.search(name)] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_roles_page_answers_reading_only(security: FlaskClient, system: FlaskClient, method: str) -> None:
    for officer in (security, system):
        assert officer.open("/capabilities/", method=method, base_url=URL).status_code == 405


def test_no_officer_is_ever_combined_with_a_post(make: Factory) -> None:
    """SECURITY row 18: an officer's login has no person, so no form, import or command can give him a post."""
    person = make.person()
    for officer in ("system", "security", "audit"):
        account = db.session.scalars(
            select(Account).where(Account.user_id == make.user_of(None, officer).id)
        ).one()
        # The database refuses both, whoever writes.
        _refused_by_the_database(account, person_id=person.id)
        # No invitation takes an officer's login over.
        login = account.user.username
        with pytest.raises(Conflict, match=r"account.username-taken"):
            accounts.invite(make.actor(officer="system"), person.id, login)
    holder = make.holder("supervisor")
    account = db.session.scalars(select(Account).where(Account.user_id == make.user_of(holder).id)).one()
    _refused_by_the_database(account, officer="audit")


def _refused_by_the_database(account: Account, **columns: Any) -> None:
    changed = update(Account).where(Account.id == account.id).values(**columns)
    savepoint = db.session.begin_nested()
    with pytest.raises(IntegrityError):
        db.session.execute(changed)
    savepoint.rollback()


def test_no_form_of_the_dictionaries_reaches_an_officer(make: Factory) -> None:
    """Whatever refers to a person refers to a row of people, in which no officer stands; ids of logins are none."""
    system = make.actor(officer="system")
    officer = make.user_of(None, "audit").id
    unknown = officer + 1_000_000
    values: dict[str, dict[str, Any]] = {
        "memberships": {"unit": make.a_unit().id, "function": "handler"},
    }
    for code, given in values.items():
        with pytest.raises(FieldErrors) as refused:
            sheets.save(system, BY_CODE[code], None, given | {"person": unknown})
        assert {problem.code for problem in refused.value.problems} == {"person.unknown"}
    for model in (Holding, Membership):
        assert not {"user_id", "officer"} & set(model.__table__.columns.keys())


def test_an_officers_page_of_accounts_offers_no_post(make: Factory, system: FlaskClient) -> None:
    """Mass assignment: an invitation that names an office of state gives a plain account."""
    person = make.person()
    form = {"person": str(person.id), "username": "shili-plain", "officer": "security"}
    assert system.post("/accounts/invite", base_url=URL, data=form).status_code == 200
    account = db.session.scalars(select(Account).where(Account.person_id == person.id)).one()
    assert account.officer is None


# --- one query -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["duty_director", "thirteenth", "handler_own", "system"])
def test_permission_checks_are_one_statement_at_most_on_every_page(app: Flask, world: World, role: str) -> None:
    """The standing is computed once, then remembered; no page asks the framework's permission tables besides."""
    assert role in ROLES
    visited = asked = 0
    for rule, method in _rules(app):
        entry = _declared(rule.endpoint, method)
        if method != "GET" or entry is None or "static" in rule.endpoint or _expected(entry, role) != 200:
            continue
        address = _address(app, rule, world, entry)
        with counted() as statements:
            answer = world.browser(role).get(address, base_url=URL, headers=HEADERS)
        assert answer.status_code == 200, address
        asking = [one for one in statements if STANDING in one]
        asked += len(asking)
        if rule.endpoint != "CapabilitiesView.index":  # the page that is about them
            others = [one for one in statements if "ab_permission" in one and STANDING not in one]
            assert not others, f"{address}: {others}"
        visited += 1
    assert visited >= 8
    assert asked <= 1
