"""`flask numbers verify`: every series and year, with what is missing or exists twice."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from app.services import number_checks


def register_number_commands(app: Flask) -> None:
    """Register the commands under `flask`."""
    app.cli.add_command(number_commands)


@click.group("numbers")
def number_commands() -> None:
    """Numbers of appeals, slips, sheets and reports."""


@number_commands.command("verify")
@with_appcontext
def verify() -> None:
    """Read all numbers that were given; exit code 1 when one is missing or exists twice."""
    years = number_checks.verify()
    for one in years:
        click.echo(
            f"{one.series} {one.year}: 1 to {one.last}, {one.count} given, {one.voided} voided, "
            f"{_listed('missing', one.missing)}, {_listed('twice', one.twice)}"
            + (f", {_listed('past the counter', one.beyond)}" if one.beyond else "")
        )
    if not years:
        click.echo("no number was given yet")
    if not all(one.is_whole for one in years):
        raise SystemExit(1)


def _listed(what: str, values: tuple[int, ...]) -> str:
    if not values:
        return f"none {what}"
    shown = ", ".join(map(str, values[: number_checks.SHOWN]))
    return f"{len(values)} {what} ({shown}{', …' if len(values) > number_checks.SHOWN else ''})"
