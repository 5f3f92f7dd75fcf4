"""`flask archive verify`: the archived files compared with their seals."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from app.services import archiving


def register_archive_commands(app: Flask) -> None:
    """Register `flask archive …`."""
    app.cli.add_command(archive_commands)


@click.group("archive")
def archive_commands() -> None:
    """Archived appeals and their seals."""


@archive_commands.command("verify")
@click.option("--number", help="Only the appeal with this number.")
@with_appcontext
def verify(number: str | None) -> None:
    """Recompute the seals; exit code 1 names every file touched since it was archived."""
    looked_at, touched = archiving.count(number), 0
    for found in archiving.verify(number):
        touched += 1
        click.echo(f"{found.number or found.appeal_id}: {', '.join(found.parts)}", err=True)
    if touched:
        click.echo(f"{touched} of {looked_at} archived files differ from their seals", err=True)
        raise SystemExit(1)
    click.echo(f"{looked_at} archived files are as they were sealed")
