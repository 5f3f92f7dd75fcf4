"""The clocks at a terminal: every open limit computed once more and compared with what is stored."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from app.services import clock_checks


def register_clock_commands(app: Flask) -> None:
    """Register `flask clocks …`."""
    app.cli.add_command(clock_commands)


@click.group("clocks")
def clock_commands() -> None:
    """The limits of open appeals."""


@clock_commands.command("verify")
@with_appcontext
def verify() -> None:
    """Compute every open limit from its inputs; exit code 1 and a line for each that is stored otherwise."""
    checked = differing = 0
    for checked, difference in clock_checks.differences():  # noqa: B007 - the last count is told below
        if difference is None:
            continue
        differing += 1
        click.echo(
            f"appeal {difference.number} ({difference.appeal_id}), clock {difference.clock_id} {difference.kind}: "
            f"{difference.reason}, stored {_moment(difference.stored)}, computed {_moment(difference.computed)}",
            err=True,
        )
    click.echo(f"{checked} open limits checked, {differing} differ")
    if differing:
        raise SystemExit(1)


def _moment(moment: object) -> str:
    return moment.isoformat() if hasattr(moment, "isoformat") else "-"
