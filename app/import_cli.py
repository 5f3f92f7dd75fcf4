"""`flask import-appeals FILE` and `flask import-categories FILE`: the same steps as the pages, asked at a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask_babel import gettext as _

from app import import_words
from app.messages import sentence
from app.models import ImportBatch, db
from app.rules.errors import FieldErrors, RuleError
from app.services import imports, tasks
from app.services.actors import software
from app.services.imports import Choice, Preview
from app.services.workbooks import MAX_BYTES

SHOWN_FINDINGS = 20
# So long a running worker is given to take the import up; then it is carried out here.
PATIENCE = 5.0
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def register_import_commands(app: Flask) -> None:
    """Register the commands under `flask`."""
    app.cli.add_command(import_appeals)
    app.cli.add_command(import_categories)


@click.command("import-appeals")
@click.argument("file", type=_FILE)
@click.option("--sheet", help="Name of the sheet; the first that holds rows unless given.")
@click.option("--source", help="Where the appeals come from; with their own number it is their identity.")
@click.option("--class", "channel_class", help="Channel class (A-F) of rows that name none.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
def import_appeals(file: Path, sheet: str | None, source: str | None, channel_class: str | None, yes: bool) -> None:
    """Import a workbook of appeals after a dry run."""
    _run(file, "appeals", sheet, source, channel_class, yes=yes)


@click.command("import-categories")
@click.argument("file", type=_FILE)
@click.option("--sheet", help="Name of the sheet; the first that holds rows unless given.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
def import_categories(file: Path, sheet: str | None, yes: bool) -> None:
    """Load a workbook as the category tree after a dry run."""
    _run(file, "categories", sheet, None, None, yes=yes)


def _run(file: Path, kind: str, sheet: str | None, source: str | None, channel_class: str | None, *, yes: bool) -> None:
    actor = software("cli")
    try:
        with file.open("rb") as stream:
            batch_id = imports.upload(actor, file.name, stream.read(MAX_BYTES + 1)).id
        try:
            _settle(batch_id, kind, sheet, source, channel_class)
        except RuleError:
            imports.discard(actor, batch_id)
            raise
        if not yes and not click.confirm(_("Apply it now?")):
            imports.discard(actor, batch_id)
            click.echo(_("The workbook was discarded; nothing was added."))
            return
        _apply(batch_id)
    except RuleError as error:
        raise SystemExit(_complain(error)) from error


def _settle(batch_id: int, kind: str, sheet: str | None, source: str | None, channel_class: str | None) -> None:
    """Choose what is given or suggested, and let the dry run tell what it finds."""
    actor = software("cli")
    found = imports.preview(actor, batch_id, sheet, kind)
    letter = (channel_class or found.channel_class).upper()
    choice = Choice(found.sheet, found.mapping, source or found.source, letter, kind)
    imports.choose(actor, batch_id, choice)
    _say_choice(found, choice)
    _say_findings(imports.check(actor, batch_id))


def _complain(error: RuleError) -> int:
    problems = error.problems if isinstance(error, FieldErrors) else ()
    for problem in problems:
        label = import_words.TARGETS.get(problem.field, problem.field)
        click.echo(f"{label}: {sentence(problem.code, problem.data)}", err=True)
    if not problems:
        click.echo(sentence(error.code, error.data), err=True)
    return 1


def _say_choice(found: Preview, choice: Choice) -> None:
    titles = {column.key: f"{column.letter} {column.title}" for column in found.columns}
    click.echo(f"{_('Sheet')}: {found.sheet} · {_('Header in row %(row)s', row=found.header_row)}")
    if choice.kind == "appeals":
        click.echo(f"{_('Source')}: {choice.source} · {_('Channel class')}: {choice.channel_class}")
    for target, key in choice.mapping.items():
        click.echo(f"  {import_words.TARGETS[target]} ← {titles.get(key, key)}")


def _say_findings(batch: ImportBatch) -> None:
    _say_figures(batch)
    for name, rows in batch.summary.get("elsewhere", {}).items():
        click.echo(_("%(rows)s of these rows are already here under the source “%(source)s”.", rows=rows, source=name))
    for code, count in batch.summary["codes"].items():
        click.echo(f"  {import_words.heading(code)}: {count}")
    problems = imports.problems(software("cli"), batch.id, limit=SHOWN_FINDINGS + 1)
    for problem in problems[:SHOWN_FINDINGS]:
        where = f"{_('Row')} {problem.row} {problem.column}".rstrip()
        click.echo(f"    {where}: {import_words.found(problem.code, problem.data)}")
    if len(problems) > SHOWN_FINDINGS:
        click.echo("    …")


def _say_figures(batch: ImportBatch) -> None:
    labels: Mapping[str, str] = {
        "rows": _("Rows"),
        "nodes": _("New categories"),
        "history": _("History (with reply)"),
        "live": _("To be numbered (without reply)"),
        "here": _("Already here"),
        "again": _("The same row again"),
        "flagged": _("Flagged"),
        "refused": _("Refused"),
    }
    left_out = {"history", "live", "here", "again", "flagged"} if batch.kind == "categories" else set()
    figures = [
        (label, batch.summary[name]) for name, label in labels.items() if name in batch.summary and name not in left_out
    ]
    click.echo(" · ".join(f"{label} {value}" for label, value in figures))


def _apply(batch_id: int) -> None:
    """Wait for a worker to carry it out, or do so here when none comes."""
    task = imports.apply(software("cli"), batch_id)
    status = _follow(task.id, until=time.monotonic() + PATIENCE)
    if status["state"] == "queued" and (run := tasks.claim(task.id)) is not None:
        try:
            tasks.finish(run, imports.carry_out(run))
        except RuleError as error:
            tasks.fail(run, error.code)
            raise
        except BaseException:
            db.session.rollback()
            tasks.release(run)
            raise
    status = _follow(task.id)
    db.session.expire_all()
    batch = imports.access_batch(software("cli"), batch_id)
    click.echo(f"{import_words.STAGES[imports.stage(batch)]}: {batch.number or ''}")
    if status["state"] != "done":
        raise SystemExit(1)
    _say_figures(batch)


def _follow(task_id: int, *, until: float | None = None) -> dict[str, Any]:
    """The task's status once it has ended or, with `until`, once that moment has come without a worker."""
    told = -1
    while True:
        db.session.rollback()
        db.session.expire_all()
        status = tasks.describe(task_id)
        if status["state"] in ("done", "failed", "cancelled"):
            return status
        if until is not None and (status["state"] != "queued" or time.monotonic() >= until):
            return status
        if status["percent"] // 10 != told:
            told = status["percent"] // 10
            click.echo(f"  {status['done']} / {status['total']}")
        time.sleep(0.3)
