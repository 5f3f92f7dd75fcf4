"""Commands for the machine room; each is one service call."""

from __future__ import annotations

import click
from flask import Flask

from app.account_cli import register_account_commands
from app.archive_cli import register_archive_commands
from app.clock_cli import register_clock_commands
from app.import_cli import register_import_commands
from app.number_cli import register_number_commands
from app.services import grants, sealing
from app.services.transaction import transaction
from app.suggestion_cli import register_suggestion_commands


def init_cli(app: Flask) -> None:
    """Register the commands under `flask`."""
    app.cli.add_command(sync_roles)
    app.cli.add_command(verify_journal)
    register_account_commands(app)
    register_clock_commands(app)
    register_archive_commands(app)
    register_import_commands(app)
    register_suggestion_commands(app)
    register_number_commands(app)


@click.command("sync-roles")
def sync_roles() -> None:
    """Generate the roles anew from the staffing table."""
    with transaction():
        grants.regenerate_roles()
    click.echo("roles generated")


@click.command("verify-journal")
def verify_journal() -> None:
    """Check the journal's hash chain; exit code 1 names the first broken link."""
    broken = sealing.verify()
    if broken is not None:
        click.echo(
            f"broken at link {broken.seq} (journal row {broken.journal_id}): {broken.reason}", err=True
        )
        raise SystemExit(1)
    head = sealing.head()
    end = f", its end is link {head.seq} {head.hash.hex()}" if head else ""
    click.echo(f"the journal's chain is whole{end}")
