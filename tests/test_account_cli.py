"""`flask accounts …`: one service call each, the code on the terminal only."""

from __future__ import annotations

import re

import pytest
from click.testing import Result
from flask import Flask
from flask_appbuilder.cli import fab
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.account_cli import account_commands
from app.models import Account, Audit, Person, db
from app.rules.errors import FieldErrors
from app.services import accounts, passwords
from app.services.sessions import Origin
from tests.logins import PASSWORD, known_account
from tests.vectors import BAD, LOGIN

CODE = re.compile(r"[2-9A-Z]{5}(-[2-9A-Z]{5}){3}")


@pytest.fixture
def account(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setitem(app.config, "DEMO", True)
    return known_account()


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(account_commands, words)


def enters(login: str, password: str) -> bool:
    return accounts.sign_in(login, password, Origin()) is not None


def test_an_invitation_prints_a_code_that_opens(app):
    db.session.add(Person(code="shili-li", name="示例李四", fictional=True))
    db.session.commit()
    result = run(app, "invite", "shili-li", "--username", "Li.Si")
    assert result.exit_code == 0
    assert result.output.startswith("li.si ")
    assert enters("li.si", CODE.search(result.output).group())


def test_a_reset_ends_the_old_password(app, account):
    result = run(app, "reset", LOGIN)
    assert not enters(LOGIN, PASSWORD)
    assert enters(LOGIN, CODE.search(result.output).group())


def test_it_resets_officers(app):
    accounts.ensure_officers()
    assert enters("secadmin", CODE.search(run(app, "reset", "secadmin").output).group())


def test_it_shuts_opens_and_unlocks(app, account):
    assert run(app, "disable", LOGIN).exit_code == 0
    assert not enters(LOGIN, PASSWORD)
    assert run(app, "enable", LOGIN).exit_code == 0
    for _time in range(5):
        assert not enters(LOGIN, "wrong")
    assert run(app, "unlock", LOGIN).exit_code == 0
    assert enters(LOGIN, PASSWORD)
    events = db.session.scalars(select(Audit.event).where(Audit.event.like("account.%")).order_by(Audit.id)).all()
    assert events[-3:] == ["account.disabled", "account.enabled", "account.unlocked"]


@pytest.mark.parametrize(
    "words",
    [("invite", "nobody"), ("reset", "nobody"), ("disable", "nobody"), ("enable", "nobody"), ("unlock", "nobody")],
)
def test_an_unknown_name_is_one_line_and_exit_code_1(app, words):
    result = run(app, *words)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1


def test_the_frameworks_password_command_obeys_the_policy_and_forces_a_change(app, account):
    command = ["reset-password", "--username", LOGIN, "--password"]
    refused = app.test_cli_runner().invoke(fab, [*command, BAD[22][0]])
    assert isinstance(refused.exception, FieldErrors)
    assert enters(LOGIN, PASSWORD)
    assert app.test_cli_runner().invoke(fab, [*command, "mango{Tram}Nine"]).exit_code == 0
    assert enters(LOGIN, "mango{Tram}Nine")
    db.session.expire_all()
    assert passwords.is_expired(account)


def test_the_frameworks_user_command_makes_nobody(app):
    words = ["create-admin", "--username", "root2", "--firstname", "a", "--lastname", "b"]
    result = app.test_cli_runner().invoke(fab, [*words, "--email", "a@b.cn", "--password", PASSWORD])
    assert "No user created" in result.output
    assert db.session.scalar(select(User.id).where(User.username == "root2")) is None
