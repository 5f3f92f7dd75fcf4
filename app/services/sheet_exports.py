"""Exactly one view of a sheet as a file: asked for with a reason, made at once or by a job, kept for its owner.

The rows are those the reader may see when the file is made, of one moment of the database, in the order and with the
columns of the view. The caller has asked for a fresh login.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import func, literal, select

from app.models import Post, SheetFile, db
from app.rules import query as queries
from app.rules.errors import Conflict, Invalid
from app.rules.fields import clean_text
from app.rules.query import Query
from app.services import assumptions, audit, file_contents, grid_rows, journal, present, tasks
from app.services.actors import Actor
from app.services.grids import Grid
from app.services.snapshot import snapshot
from app.services.transaction import transaction

FORMATS = ("xlsx", "csv")
ENCODINGS = ("utf-8", "gb18030")
LAYOUTS = ("", "ledger")
REASON, VIEW_NAME = 200, 80
USUAL_CAP, USUALLY_AT_ONCE, USUALLY_PRINTED = 100_000, 2_000, 5_000
OBJECT = "sheet_file"
SIGN_OF_LIFE = 1_000  # rows


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported: the query names its columns in their order. `view` is what the reader calls it."""

    query: Query
    format: str = "xlsx"
    encoding: str = "utf-8"
    view: str = ""
    locale: str = "zh"
    layout: str = ""  # "ledger": the pages of the ledger on paper


@dataclass(frozen=True, slots=True)
class Made:
    """What the writer of a file put into it."""

    rows: int
    filename: str


# Rows as cells by column, the moment they are of, where the file is to be written.
Writer = Callable[[Iterator[Sequence[Any]], datetime, Path], Made]


def cap(actor: Actor, layout: str = "") -> int:
    """How many rows this person may export at once: the most that one of his posts allows, else the assumption.

    On paper the ledger has no more than `ledger_print_cap` says.
    """
    own = select(func.max(Post.export_cap)).where(Post.id.in_(list(actor.grants.post_ids)), Post.active)
    found = db.session.scalar(own)
    most = int(found) if found else assumptions.whole(assumptions.value("grid_export_cap"), USUAL_CAP)
    if not layout:
        return most
    return min(most, assumptions.whole(assumptions.value("ledger_print_cap"), USUALLY_PRINTED), USUALLY_PRINTED)


def ask(grid: Grid, wanted: Wanted, *, reason: str, request_key: str) -> SheetFile:
    """Ask for a file. One above the assumption `grid_export_in_job` gets a task; else the caller makes it now.

    The same `request_key` again gives the file it asked for. Raises Invalid("export.reason-missing",
    "export.format", "export.over-cap").
    """
    actor = grid.actor
    if (known := _asked_before(actor, request_key)) is not None:
        return known
    reason = clean_text(reason).strip()[:REASON]
    if not reason:
        raise Invalid("export.reason-missing", field="reason")
    if wanted.format not in FORMATS or wanted.encoding not in ENCODINGS:
        raise Invalid("export.format", field="format")
    on_paper = grid.code == "ledger" and wanted.format == "xlsx"
    if wanted.layout not in LAYOUTS or (wanted.layout and not on_paper):
        raise Invalid("export.format", field="format")
    most = cap(actor, wanted.layout)
    rows = _count(grid, wanted.query, most + 1)
    if rows > most:
        raise Invalid("export.too-much-for-paper" if wanted.layout else "export.over-cap", {"most": most})
    at_once = assumptions.whole(assumptions.value("grid_export_in_job"), USUALLY_AT_ONCE)
    try:
        with transaction():
            row = _filed(actor, grid, wanted, reason, rows, request_key)
            if rows > at_once:
                row.task_id = tasks.create(
                    "sheet_export", queue="reports", subject_id=row.id, total=rows, requested_by=actor.user_id
                ).id
    except Conflict:
        if (known := _asked_before(actor, request_key)) is None:
            raise
        return known
    return row


def _filed(
    actor: Actor, grid: Grid, wanted: Wanted, reason: str, rows: int, request_key: str
) -> SheetFile:
    spec = {
        "query": queries.write(wanted.query), "encoding": wanted.encoding, "view": wanted.view[:VIEW_NAME],
        "locale": wanted.locale, "layout": wanted.layout,
    }  # fmt: skip
    row = SheetFile(
        way="export", sheet=grid.code, user_id=actor.user_id, person_id=actor.person_id, format=wanted.format,
        reason=reason, rows=rows, spec=spec, at=present.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    new = {"sheet": grid.code, "rows": rows, "format": wanted.format}
    journal.write(actor, "export", OBJECT, row.id, new=new, reason=reason, request_key=request_key)
    return row


def _asked_before(actor: Actor, request_key: str) -> SheetFile | None:
    done = journal.made(actor, OBJECT, request_key)
    return db.session.get(SheetFile, done) if done is not None else None


def _count(grid: Grid, query: Query, most: int) -> int:
    """How many rows the query finds, counted no further than `most`."""
    some = select(literal(1)).select_from(grid.model).where(grid_rows.conditions(grid, query)).limit(most).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


# --- making it ------------------------------------------------------------------------------------------------------


def order(file_id: int) -> SheetFile | None:
    """What is to be made; None when it is made or dropped already."""
    row: SheetFile | None = db.session.get(SheetFile, file_id, populate_existing=True)
    return row if row is not None and row.state == "pending" and row.way == "export" else None


def wanted_of(row: SheetFile, grid: Grid) -> Wanted:
    """What was asked for, checked anew against what the reader may see now. Raises what `queries.read` raises."""
    spec = row.spec
    query = queries.read(spec["query"], grid.kinds)
    return Wanted(query, row.format, spec["encoding"], spec["view"], spec["locale"], spec.get("layout", ""))


def make(
    grid: Grid, file_id: int, query: Query, write: Writer, run: tasks.Run | None = None, *, layout: str = ""
) -> None:
    """Write the file and keep it, unless it was dropped or another worker took it over (raises tasks.Stopped).

    Raises Invalid("export.grown") when the rows are more by now than he may have.
    """
    most = cap(grid.actor, layout)
    with TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / "file"
        with snapshot() as session:
            at = present.now().replace(microsecond=0)
            rows = _watched(grid_rows.stream(grid, query, session), most, run)
            made = write(rows, at, path)
        content = path.read_bytes()
    with transaction():
        if run is not None:
            run.fence()
        row = db.session.get(SheetFile, file_id, with_for_update=True, populate_existing=True)
        if row is None or row.state != "pending":
            return
        file_contents.keep(row, content)
        row.state, row.rows, row.filename, row.size = "ready", made.rows, made.filename, len(content)
        row.digest = hashlib.sha256(content).hexdigest()
        fields = sorted({one.field for one in query.where.conditions()})
        detail = {
            "file": file_id, "rows": made.rows, "columns": list(query.columns), "filtered": fields,
            "reason": row.reason, "format": row.format, "sha256": row.digest,
        }  # fmt: skip
        audit.record(grid.actor, "sheet.export", object_type="sheet", object_id=grid.code, detail=detail)


def _watched(rows: Iterator[Sequence[Any]], most: int, run: tasks.Run | None) -> Iterator[Sequence[Any]]:
    """The rows with a sign of life now and then; never more than the cap."""
    for number, row in enumerate(rows, 1):
        if number > most:
            raise Invalid("export.grown")
        if run is not None and number % SIGN_OF_LIFE == 0:
            run.progress(number)
        yield row

