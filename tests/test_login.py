"""The login over HTTP: who gets in, what a cookie is worth afterwards, what an expired password opens."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from app.models import Account, Audit, Person, db
from app.security import ALWAYS, POLLS, PUBLIC
from app.services import accounts, passwords, present
from app.services.actors import software
from tests.logins import (
    JSON,
    PASSWORD,
    URL,
    Browser,
    every_route,
    forget,
    known_account,
    known_officers,
    scrubbed,
)
from tests.vectors import LOGIN, NAME

MACHINE = software("test")


@pytest.fixture
def account(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setitem(app.config, "DEMO", True)
    return known_account()


@pytest.fixture
def officers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DEMO", True)
    known_officers()


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


def count(event: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Audit).where(Audit.event == event)) or 0


def words(response: TestResponse) -> str:
    """What a person sees of a page: without nonces, tokens and what he typed himself."""
    text = re.sub(r'(nonce|value|content)="[^"]*"', "", response.text)
    return re.sub(r"\s+", " ", text)


# --- getting in --------------------------------------------------------------------------------------------


def test_the_right_password_leads_to_the_first_page(account, browser):
    response = browser.sign_in()
    assert (response.status_code, response.location) == (302, "/")
    assert browser.status() == 200


def test_a_stranger_is_sent_to_the_login_and_back(account, browser):
    response = browser.open("/account/sessions/?a=1")
    assert (response.status_code, response.location) == (302, "/login/?next=/account/sessions/?a%3D1")
    assert browser.sign_in(path=response.location).location == "/account/sessions/?a=1"


def test_a_script_without_login_gets_401(browser):
    response = browser.open("/account/", headers=JSON)
    assert response.status_code == 401
    assert response.json["error"]["code"] == "http.401"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example\t",
        " https://evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "https://localhost.evil.example/",
        "https://localhost@evil.example/",
        "/\n/evil.example",
        "evil.example",
        "/login/",
        "/logout/",
    ],
)
def test_the_login_leads_nowhere_else(account, browser, target):
    response = browser.open("/login/", "POST", query_string={"next": target}, data=credentials())
    assert response.location == "/"


def credentials(password: str = PASSWORD) -> dict[str, str]:
    return {"username": LOGIN, "password": password}


def test_an_address_of_this_site_becomes_its_path(account, browser):
    response = browser.open("/login/", "POST", query_string={"next": f"{URL}/account/"}, data=credentials())
    assert response.location == "/account/"


def test_every_refusal_reads_the_same(account, app):
    pages = []
    for login, password in ((LOGIN, "wrong"), ("nobody.here", "wrong"), (LOGIN, "x" * 500)):
        pages.append(Browser(app).sign_in(password, login))
    for _time in range(5):
        Browser(app).sign_in("wrong")
    pages.append(Browser(app).sign_in())
    accounts.unlock(MACHINE, account.id)
    accounts.disable(MACHINE, account.id)
    pages.append(Browser(app).sign_in())
    assert {page.status_code for page in pages} == {401}
    assert len({words(page) for page in pages}) == 1


def test_the_sixth_try_is_refused_with_the_right_password(account, browser):
    for _time in range(5):
        assert browser.sign_in("wrong").status_code == 401
    assert browser.sign_in().status_code == 401
    assert browser.status() == 401


def test_the_frameworks_way_counts_too(app, account, browser):
    """Whatever path a login takes, it ends in auth_user_db."""
    sm = app.appbuilder.sm
    with app.test_request_context("/", base_url=URL):
        for _time in range(5):
            assert sm.auth_user_db(LOGIN, "wrong") is None
        assert sm.auth_user_db(LOGIN, PASSWORD) is None
    assert browser.sign_in().status_code == 401


def test_too_many_failures_from_one_address_must_wait(app, account, browser, monkeypatch):
    monkeypatch.setitem(app.config, "AUTH_RATE_LIMIT", "3 per minute")
    for number in range(3):
        assert browser.sign_in("wrong", f"nobody{number}").status_code == 401
    assert browser.sign_in().status_code == 429
    assert Browser(app).sign_in().status_code == 302


def test_failures_are_counted_in_redis_for_all_processes(app, account, browser):
    browser.sign_in("wrong")
    keys = Redis.from_url(app.config["REDIS_URL"]).keys(f"LIMITS*{browser.address}*")
    assert len(keys) == 1


def test_successes_from_one_address_need_not_wait(app, account, browser, monkeypatch):
    monkeypatch.setitem(app.config, "AUTH_RATE_LIMIT", "3 per minute")
    for _time in range(5):
        assert browser.sign_in().status_code == 302
        assert browser.post("/logout/").status_code == 302


def test_the_cookie_is_for_this_host_and_no_script(account, browser):
    header = browser.sign_in().headers["Set-Cookie"]
    assert header.startswith("__Host-sid=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(header.split("; "))
    assert "Domain" not in header
    assert "Expires" not in header


def test_a_signed_in_visitor_needs_no_login_page(account, browser):
    browser.sign_in()
    assert browser.open("/login/?next=/account/").location == "/account/"


def test_the_kept_language_comes_with_the_login(account, browser):
    browser.sign_in()
    assert browser.post("/account/language/", locale="en").status_code == 302
    browser.post("/logout/")
    elsewhere = Browser(browser.app)
    elsewhere.sign_in()
    assert '<html lang="en"' in elsewhere.open("/account/").text
    assert browser.post("/account/language/", locale="xx").status_code in (302, 422)


# --- what a cookie is worth --------------------------------------------------------------------------------


def test_a_cookie_from_before_the_login_opens_nothing(app, account, browser):
    browser.open("/lang/en")
    planted = browser.cookie
    browser.sign_in()
    assert browser.cookie != planted
    other = Browser(app)
    other.replay(planted)
    assert other.status() == 401


def test_a_second_login_gives_a_session_of_its_own(app, account):
    first, second = Browser(app), Browser(app)
    first.sign_in()
    second.sign_in()
    assert first.cookie != second.cookie
    assert (first.status(), second.status()) == (200, 200)


@pytest.mark.parametrize("ending", ["logout", "reset", "disable", "password", "end", "third login"])
def test_a_replayed_cookie_is_worth_nothing(app, account, ending):
    browser, other = Browser(app), Browser(app)
    now = present.now()
    browser.sign_in()
    stolen = browser.cookie
    with present.at(now + timedelta(minutes=1)):
        other.sign_in()
    with present.at(now + timedelta(minutes=2)):
        if ending == "logout":
            browser.post("/logout/")
        elif ending == "reset":
            accounts.reset(MACHINE, account.id)
        elif ending == "disable":
            accounts.disable(MACHINE, account.id)
        elif ending == "password":
            new = "mango{Tram}Nine"
            assert other.post("/account/password/", old=PASSWORD, password=new, again=new).status_code == 302
        elif ending == "end":
            assert other.post("/account/sessions/end-others").status_code == 302
        else:
            Browser(app).sign_in()
        thief = Browser(app)
        thief.replay(stolen)
        assert thief.status() == 401
        assert thief.open("/account/").location.startswith("/login/")


def test_a_link_cannot_sign_anybody_out(account, browser):
    browser.sign_in()
    assert browser.open("/logout/").status_code == 405
    assert browser.status() == 200


def test_it_is_over_after_thirty_idle_minutes(account, browser):
    now = present.now()
    browser.sign_in()
    with present.at(now + timedelta(minutes=29)):
        assert browser.status() == 200
    with present.at(now + timedelta(minutes=58)):
        assert browser.status() == 200
    with present.at(now + timedelta(minutes=89)):
        assert browser.status() == 401


def test_it_is_over_after_twelve_hours_whatever_happens(account, browser):
    now = present.now()
    browser.sign_in()
    for minutes in range(25, 720, 25):
        with present.at(now + timedelta(minutes=minutes)):
            assert browser.status() == 200
    with present.at(now + timedelta(minutes=721)):
        assert browser.status() == 401


def test_the_polls_of_an_open_page_keep_nobody_signed_in(account, browser):
    now = present.now()
    browser.sign_in()
    for minutes in (10, 20, 29):
        with present.at(now + timedelta(minutes=minutes)):
            assert browser.open("/api/v1/feed").status_code == 200
    with present.at(now + timedelta(minutes=31)):
        assert browser.open("/api/v1/feed", headers=JSON).status_code == 401


def test_the_polls_are_routes_of_the_product(app):
    assert set(app.view_functions) >= POLLS


def test_a_cookie_of_another_key_or_user_opens_nothing(app, account, browser):
    browser.sign_in()
    browser.replay(browser.cookie[:-3] + "AAA")
    assert browser.status() == 401
    browser.client.delete_cookie("__Host-sid", domain="localhost")
    with browser.client.session_transaction(base_url=URL) as cookie:
        cookie.update({"_user_id": str(account.user_id), "_fresh": True})
    assert browser.status() == 401


def test_one_ends_ones_other_session_from_the_list(app, account):
    first, second = Browser(app), Browser(app)
    first.sign_in()
    second.sign_in()
    page = second.open("/account/sessions/").text
    (other,) = re.findall(r'name="session" value="([0-9a-f]{64})"', page)
    assert second.post("/account/sessions/end", session=other).status_code == 302
    assert (first.status(), second.status()) == (401, 200)


def test_another_persons_session_does_not_exist(app, account, officers):
    mine, his = Browser(app), Browser(app)
    his.sign_in(login="auditadmin")
    mine.sign_in()
    lines = accounts.sessions.listed(
        db.session.scalar(select(Account.user_id).where(Account.officer == "audit"))
    )
    assert mine.post("/account/sessions/end", session=lines[0].id).status_code == 404
    assert his.status() == 200


# --- forms from elsewhere ----------------------------------------------------------------------------------


@pytest.fixture
def csrf(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)


def test_a_form_without_its_token_is_refused(csrf, account, browser):
    assert browser.sign_in().status_code == 400
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.open("/login/").text).group(1)
    form = {**credentials(), "csrf_token": token}
    headers = {"Referer": f"{URL}/login/"}
    assert browser.open("/login/", "POST", data=form, headers=headers).status_code == 302
    assert browser.post("/logout/").status_code == 400
    assert browser.open("/account/language/", "POST", json={"locale": "en"}, headers=JSON).status_code == 400
    assert browser.status() == 200


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({"Origin": URL}, True),
        ({"Origin": URL, "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://localhost"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_a_form_sent_by_another_site_is_refused(account, browser, headers, accepted):
    response = browser.open("/login/", "POST", data=credentials(), headers=headers)
    assert response.status_code == (302 if accepted else 403)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:8080@evil.example"])
def test_a_foreign_host_name_reaches_no_page(browser, host):
    for method in ("GET", "POST"):
        response = browser.open("/login/", method, headers={"Host": host})
        assert response.status_code == 400
        assert "evil" not in response.text


# --- deny by default ---------------------------------------------------------------------------------------


def test_a_stranger_reaches_the_login_the_languages_and_the_health_probe_only(app, browser):
    reached = set()
    for rule, method, path in every_route(app):
        response = browser.open(path, method)
        denied = 401 if path.startswith("/api/") else 302
        if response.status_code == denied and (response.location or "/login/").startswith("/login/"):
            continue
        if response.status_code in (404, 405) and rule.endpoint in ("static", "appbuilder.static"):
            continue
        reached.add(rule.endpoint)
    assert reached <= PUBLIC


def test_an_expired_password_opens_the_change_page_only(app, account, browser):
    browser.sign_in()
    with present.at(present.now() + timedelta(days=91)):
        browser.sign_in()
        for rule, method, path in every_route(app):
            if rule.endpoint in ALWAYS or rule.endpoint in ("static", "appbuilder.static"):
                continue
            denied = (403, None) if path.startswith("/api/") else (302, "/account/password/")
            response = browser.open(path, method)
            assert (response.status_code, response.location) == denied, path
            assert browser.open(path, method, headers=JSON).status_code == 403, path
        assert browser.open("/account/password/").status_code == 200
        assert browser.open("/lang/en").status_code == 302


def test_a_one_time_code_leads_through_the_change_page(app, account, browser):
    code = accounts.reset(MACHINE, account.id).code
    browser.sign_in(code)
    assert browser.open("/account/").location == "/account/password/"
    assert browser.open("/account/", headers=JSON).json["error"]["code"] == "account.password-change-first"
    assert count("access.denied") == 0
    new = "mango{Tram}Nine"
    assert browser.post("/account/password/", old=code, password=new, again=new).location == "/"
    assert browser.status() == 200


WRITTEN = text(
    "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del AS rows FROM pg_stat_xact_user_tables"
    " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
)


@pytest.mark.parametrize("login", [LOGIN, "sysadmin", "secadmin", "auditadmin"])
def test_no_reading_of_a_page_changes_a_row(app, account, officers, browser, login):
    """What a refusal writes into the audit trail apart."""
    browser.sign_in(login=login)
    before = dict(db.session.execute(WRITTEN).all())
    for _rule, method, path in every_route(app):
        if method == "GET":
            browser.open(path)
    after = dict(db.session.execute(WRITTEN).all())
    assert {table for table in after if after[table] != before.get(table)} <= {"audit"}


def test_nothing_of_the_frameworks_own_user_pages_is_there(app):
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    gone = (
        "/users",
        "/roles",
        "/groups",
        "/registeruser",
        "/resetpassword",
        "/resetmypassword",
        "/userinfoedit",
    )
    gone += ("/api/v1/security", "/permission", "/viewmenus", "/swagger", "/userstats", "/apikeys")
    assert [rule for rule in rules for start in gone if rule.startswith(start)] == []


def test_tokens_of_the_framework_are_not_accepted(app, account, browser):
    from flask_jwt_extended import create_access_token

    with app.test_request_context():
        token = create_access_token(str(account.user_id))
    headers = {"Authorization": f"Bearer {token}", **JSON}
    assert browser.open("/account/", headers=headers).status_code == 401


# --- pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "again", "field"),
    [
        ("wrong", "mango{Tram}Nine", "mango{Tram}Nine", "old"),
        (PASSWORD, "mango{Tram}Nine", "mango{Tram}Ten", "again"),
        (PASSWORD, "Zx-9", "Zx-9", "password"),
        (PASSWORD, PASSWORD, PASSWORD, "password"),
    ],
)
def test_the_change_page_says_at_the_field_what_is_wrong(account, browser, old, new, again, field):
    browser.sign_in()
    response = browser.post("/account/password/", old=old, password=new, again=again)
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in response.text
    assert new not in response.text
    assert browser.status() == 200
    assert passwords.matches(account.user, PASSWORD)


def test_the_system_officer_invites_and_the_code_appears_once(app, officers, browser):
    person = Person(code="shili-li", name="示例李四", fictional=True)
    db.session.add(person)
    db.session.commit()
    browser.sign_in(login="sysadmin")
    assert "示例李四" in browser.open("/accounts/?q=示例李四").text
    response = browser.post("/accounts/invite", person=str(person.id))
    assert response.status_code == 200
    code = re.search(r"[2-9A-Z]{5}(-[2-9A-Z]{5}){3}", response.text).group()
    assert response.headers["Cache-Control"] == "no-store"
    assert code not in browser.open("/accounts/").text
    assert Browser(app).sign_in(code, "shili-li").status_code == 302


def test_the_accounts_are_the_officers_business(app, account, officers):
    allowed = {"sysadmin": 200, "secadmin": 200, "auditadmin": 403, LOGIN: 403}
    for login, status in allowed.items():
        browser = Browser(app)
        browser.sign_in(login=login)
        assert browser.open("/accounts/").status_code == status
        for step in ("invite", "reset", "disable", "enable"):
            response = browser.post(f"/accounts/{step}", account="10000000", person="10000000")
            assert response.status_code == (404 if login == "sysadmin" else 403), (login, step)
        for step in ("unlock", "end-sessions"):
            response = browser.post(f"/accounts/{step}", account="10000000")
            assert response.status_code == (404 if login == "secadmin" else 403), (login, step)


def test_a_refusal_is_written_down_once(account, browser):
    browser.sign_in()
    assert browser.open("/accounts/").status_code == 403
    row = db.session.scalars(select(Audit).where(Audit.event == "access.denied")).one()
    assert (row.user_id, row.object_type, row.result) == (account.user_id, "AccountsView.list", "refused")
    assert row.request_id


def test_a_reset_needs_a_fresh_password(app, account, officers, browser):
    now = present.now()
    browser.sign_in(login="sysadmin")
    with present.at(now + timedelta(minutes=16)):
        response = browser.post("/accounts/reset", account=str(account.id))
        assert response.status_code == 403
        assert 'action="/account/confirm/"' in response.text
        refused = browser.open("/accounts/reset", "POST", data={"account": str(account.id)}, headers=JSON)
        assert refused.json["error"]["code"] == "account.confirm-first"
        assert count("account.reset") == 0
        assert browser.post("/account/confirm/", password="wrong", next="/accounts/").status_code == 422
        assert (
            browser.post("/account/confirm/", password=PASSWORD, next="/accounts/").location == "/accounts/"
        )
        assert browser.post("/accounts/reset", account=str(account.id)).status_code == 200
    assert (count("account.reset"), count("login.confirmed"), count("access.denied")) == (1, 1, 0)


def test_unlocking_over_the_page(app, account, officers, browser):
    for _time in range(5):
        Browser(app).sign_in("wrong")
    browser.sign_in(login="secadmin")
    assert browser.post("/accounts/unlock", account=str(account.id)).location == "/accounts/"
    assert Browser(app).sign_in().status_code == 302


def test_a_page_costs_two_statements_for_knowing_who_asks(app, account, browser):
    """One for the session, one for the grants; a poll writes nothing."""
    from tests.test_desk import counted

    browser.sign_in()
    browser.open("/account/password/")
    with counted() as seen:
        browser.open("/account/password/")
    asking = [statement for statement in seen if "login_session" in statement]
    assert len(asking) == 1
    assert not [statement for statement in seen if statement.startswith(("UPDATE", "INSERT", "DELETE"))]


def test_the_login_works_while_redis_is_down(built_app, settings):
    """A second application whose Redis does not answer, on the same database."""
    import config
    from app import create_app

    settings_without = {
        **config.flask_settings(settings),
        "TESTING": True,
        "WTF_CSRF_ENABLED": False,
        "DEMO": True,
        "RATELIMIT_STORAGE_URI": "redis://127.0.0.1:1",
        "AUTH_RATE_LIMIT": "2 per minute",
    }
    app = create_app(settings_without)
    login = f"shili.{uuid4().hex[:8]}"
    with app.app_context(), scrubbed(settings):
        person = Person(code=login, name=NAME, fictional=True)
        db.session.add(person)
        db.session.commit()
        accounts.ensure_demo(person, login, PASSWORD)
        browser = Browser(app)
        assert browser.sign_in(login=login).status_code == 302
        browser.post("/logout/")
        assert [browser.sign_in("wrong", f"nobody{n}").status_code for n in range(3)] == [401, 401, 429]
        forget(person.id)
        db.session.remove()
        db.engine.dispose()
