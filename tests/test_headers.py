"""Headers of every response: what the browser is told to refuse."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.logins import JSON, Browser, every_route, known_officers

DEMANDED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
DIRECTIVES = (
    "default-src 'self'",
    "style-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)


@pytest.fixture
def officers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DEMO", True)
    known_officers()


def policy(response) -> list[str]:
    return response.headers["Content-Security-Policy"].split("; ")


def check(response, path: str) -> None:
    for name, value in DEMANDED.items():
        assert response.headers.get(name) == value, (path, name)
    assert "camera=()" in response.headers["Permissions-Policy"]
    for directive in DIRECTIVES:
        assert directive in policy(response), (path, directive)
    assert "unsafe" not in response.headers["Content-Security-Policy"], path


@pytest.mark.parametrize("login", [None, "sysadmin"])
def test_every_route_carries_them(app, officers, login):
    browser = Browser(app)
    if login:
        browser.sign_in(login=login)
    for rule, method, path in every_route(app):
        if rule.endpoint == "SignInView.logout":
            continue
        response = browser.open(path, method)
        check(response, path)
        if rule.endpoint not in ("static", "appbuilder.static"):
            assert response.headers["Cache-Control"] == "no-store", path


@pytest.mark.parametrize("path", ["/no-such-page", "/account/", "/logout/"])
def test_refusals_and_errors_carry_them_too(app, path):
    check(Browser(app).open(path, headers=JSON), path)


def test_a_foreign_host_gets_them_with_its_refusal(app):
    check(Browser(app).open("/login/", headers={"Host": "evil.example"}), "/login/")


def test_the_nonce_is_new_for_each_page_and_every_script_has_it(app):
    seen = set()
    for _time in range(2):
        response = Browser(app).open("/login/")
        (nonce,) = re.findall(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
        seen.add(nonce)
        scripts = re.findall(r"<script[^>]*>", response.text)
        assert all(
            "src=" in one or f'nonce="{nonce}"' in one or 'type="application/json"' in one for one in scripts
        )
    assert len(seen) == 2


def test_no_page_of_ours_needs_inline_styles_or_handlers(app, officers):
    browser = Browser(app)
    pages = [browser.open("/login/").text]
    browser.sign_in(login="sysadmin")
    pages += [browser.open(f"/account/{page}").text for page in ("", "password/", "sessions/", "confirm/")]
    pages.append(browser.open("/accounts/").text)
    for page in pages:
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page)


def test_files_may_be_kept_by_the_browser(app):
    with Browser(app).open("/static/mark.svg") as response:
        assert response.status_code == 200
        assert "no-store" not in response.headers.get("Cache-Control", "")


@pytest.mark.parametrize(("https", "sent"), [(True, True), (False, False)])
def test_https_is_demanded_where_there_is_https(app, monkeypatch, https, sent):
    monkeypatch.setitem(app.config, "HTTPS", https)
    assert ("Strict-Transport-Security" in Browser(app).open("/login/").headers) is sent


def test_a_forged_forwarding_header_changes_nothing(app):
    response = Browser(app).open(
        "/login/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    )
    assert response.status_code == 200
    assert "evil" not in response.text
