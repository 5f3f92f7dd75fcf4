"""Commands about logins; a code is printed once and kept nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click
from flask import Flask

from app.messages import sentence
from app.rules.errors import RuleError
from app.services import accounts
from app.services.actors import Actor, software

T = TypeVar("T")


def register_account_commands(app: Flask) -> None:
    """Register `flask accounts …`."""
    app.cli.add_command(account_commands)


@click.group("accounts")
def account_commands() -> None:
    """Invite people, reset, shut, open and unlock logins."""


@account_commands.command("invite")
@click.argument("person")
@click.option("--username", default="", help="Login name; the person's code unless given.")
def invite(person: str, username: str) -> None:
    """Give PERSON (its code) a login and print the one-time code."""
    _print(_run(lambda actor: accounts.invite(actor, accounts.person_id_of(person), username)))


@account_commands.command("reset")
@click.argument("username")
def reset(username: str) -> None:
    """Print a new one-time code for USERNAME, officers included, and end all its sessions."""
    _print(_run(lambda actor: accounts.reset(actor, accounts.account_id_of(username))))


@account_commands.command("disable")
@click.argument("username")
def disable(username: str) -> None:
    """Shut the login USERNAME at once."""
    _run(lambda actor: accounts.disable(actor, accounts.account_id_of(username)))


@account_commands.command("enable")
@click.argument("username")
def enable(username: str) -> None:
    """Open the login USERNAME again."""
    _run(lambda actor: accounts.enable(actor, accounts.account_id_of(username)))


@account_commands.command("unlock")
@click.argument("username")
def unlock(username: str) -> None:
    """End the lock-out of USERNAME."""
    _run(lambda actor: accounts.unlock(actor, accounts.account_id_of(username)))


def _run(call: Callable[[Actor], T]) -> T:
    try:
        return call(software("command line"))
    except RuleError as error:
        raise click.ClickException(sentence(error.code, error.data)) from error


def _print(invitation: accounts.Invitation) -> None:
    click.echo(
        f"{invitation.username}  {invitation.code}  (until {invitation.expires_at:%Y-%m-%d %H:%M} UTC)"
    )
