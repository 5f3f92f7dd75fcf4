"""Logins for tests: a browser, accounts with a known password, the traces of tests that really commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, func, select
from werkzeug.routing import IntegerConverter, Rule
from werkzeug.test import TestResponse

import config
from app.models import Account, Audit, Journal, LoginSession, Person, db
from app.services import accounts
from tests.vectors import LOGIN, NAME

URL = "https://localhost"
PASSWORD = "Lantern.River.42"
JSON = {"Accept": "application/json"}


class Browser:
    """A test client that talks https, as one person's browser does, from an address of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.address = f"10.{uuid4().bytes[0]}.{uuid4().bytes[0]}.{uuid4().bytes[0]}"

    def open(self, path: str, method: str = "GET", **kwargs: Any) -> TestResponse:
        kwargs.setdefault("environ_overrides", {})["REMOTE_ADDR"] = self.address
        # A context of its own, as a server gives every request; a shared `g` would remember who asked before.
        with self.app.app_context():
            response = self.client.open(path, method=method, base_url=URL, **kwargs)
        db.session.expire_all()
        return response

    def post(self, path: str, **form: str) -> TestResponse:
        return self.open(path, "POST", data=form)

    def sign_in(self, password: str = PASSWORD, login: str = LOGIN, path: str = "/login/") -> TestResponse:
        return self.post(path, username=login, password=password)

    def status(self) -> int:
        """200 for somebody signed in, 401 for anybody else."""
        return self.open("/account/", headers=JSON).status_code

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("__Host-sid", "localhost")
        return found.value if found else ""

    def replay(self, cookie: str) -> None:
        self.client.set_cookie("__Host-sid", cookie, domain="localhost")


def every_route(app: Flask) -> list[tuple[Rule, str, str]]:
    """(rule, method, path) of all routes, with 1 and x for their arguments."""
    adapter = app.url_map.bind("localhost", url_scheme="https")
    found = []
    for rule in app.url_map.iter_rules():
        numbers = {name for name in rule.arguments if isinstance(rule._converters[name], IntegerConverter)}
        values: dict[str, object] = {name: 1 if name in numbers else "x" for name in rule.arguments}
        path = adapter.build(rule.endpoint, {**values, **(rule.defaults or {})})
        found += [(rule, method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def known_account() -> Account:
    """A demo account, the only kind whose password is known beforehand; needs the setting DEMO."""
    person = Person(code="shili-zhang", name=NAME, name_en="Shili Zhang", fictional=True)
    db.session.add(person)
    db.session.commit()
    accounts.ensure_demo(person, LOGIN, PASSWORD)
    return db.session.scalars(select(Account).where(Account.person_id == person.id)).one()


def known_officers() -> None:
    """The three officers of the demonstration."""
    for officer, (login, _name, _name_en) in accounts.OFFICER_LOGINS.items():
        accounts.ensure_demo(None, login, PASSWORD, officer=officer)


@contextmanager
def scrubbed(settings: config.Settings) -> Iterator[None]:
    """Take away what the block left in the append-only tables, as their owner: other tests count there."""
    last = {model: db.session.scalar(select(func.max(model.id))) or 0 for model in (Audit, Journal)}
    db.session.rollback()
    try:
        yield
    finally:
        db.session.rollback()
        with psycopg.connect(settings.database_url) as owner:
            owner.execute("DELETE FROM audit WHERE id > %s", [last[Audit]])
            owner.execute("DELETE FROM journal WHERE id > %s", [last[Journal]])


def forget(person_id: int) -> None:
    """Take away a committed person with his login."""
    user_id = db.session.scalar(select(Account.user_id).where(Account.person_id == person_id))
    for model, condition in (
        (LoginSession, LoginSession.user_id == user_id),
        (Account, Account.user_id == user_id),
        (User, User.id == user_id),
        (Person, Person.id == person_id),
    ):
        db.session.execute(delete(model).where(condition))
    db.session.commit()
