"""The suggestions at a terminal: learning from the installation's own appeals."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from app.services import suggestions


def register_suggestion_commands(app: Flask) -> None:
    """Register `flask suggestions …`."""
    app.cli.add_command(suggestion_commands)


@click.group("suggestions")
def suggestion_commands() -> None:
    """What is suggested at triage."""


@suggestion_commands.command("train")
@with_appcontext
def train() -> None:
    """Learn the first-level categories from the newest appeals that have one; the same appeals change nothing."""
    model = suggestions.train()
    if model is None:
        click.echo("no category has enough appeals yet; nothing was learnt")
        return
    click.echo(f"learnt from {model.n} appeals in {model.labels} categories: {model.digest[:12]}")
