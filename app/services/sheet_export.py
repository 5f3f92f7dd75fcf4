"""A dictionary list as a workbook: exactly the rows that are filtered, in their order, with what was asked and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy import Select, func, select

from app.models import db
from app.reports import xlsx
from app.reports.table import Book, Cell, Column, ReportTable, Translate, wording
from app.rules.errors import Invalid
from app.rules.fields import clean_text
from app.services import audit, present, sheet_access
from app.services.actors import Actor
from app.services.sheet_rows import Sheet
from app.services.transaction import transaction

REASON = 200
PART = 500  # rows worded at a time


@dataclass(frozen=True)
class Dress:
    """What the edge knows and a workbook shows: columns and cells in the reader's language, what was filtered."""

    t: Translate
    title: str
    columns: tuple[Column, ...]
    cells: Callable[[Sequence[Any]], Iterable[Sequence[Cell]]]
    facts: tuple[str, ...]
    footer: str
    filtered: tuple[str, ...]  # names of the fields, for the audit trail


def export(actor: Actor, sheet: Sheet, query: Select[Any], dress: Dress, *, reason: str, out: BinaryIO) -> int:
    """Write every row of the query into `out` and return how many; audited, with its reason.

    The caller has asked for a fresh login and narrowed the query to what the actor may see. Raises Refused,
    Invalid("export.reason-missing"), and Invalid("export.too-many-rows") above EXPORT_MAX_ROWS.
    """
    sheet_access.require_keeper(actor, sheet)
    reason = clean_text(reason).strip()[:REASON]
    if not reason:
        raise Invalid("export.reason-missing", field="reason")
    ids = query.with_only_columns(sheet.model.id).order_by(None).subquery()
    rows = db.session.scalar(select(func.count()).select_from(ids)) or 0
    most = current_app.config["EXPORT_MAX_ROWS"]
    if rows > most:
        raise Invalid("export.too-many-rows", {"rows": rows, "most": most})
    table = ReportTable(dress.title, dress.columns, _rows(query.limit(most), dress), facts=dress.facts, frozen=1)
    book = Book(dress.title, (table,), wording(dress.t), footer=dress.footer)
    written = xlsx.render(book, created_at=present.now(), zone=present.zone(), out=out)
    with transaction():
        detail = {"rows": written.rows, "reason": reason, "fields": list(dress.filtered)}
        audit.record(actor, "sheet.export", object_type="sheet", object_id=sheet.code, detail=detail)
    return written.rows


def _rows(query: Select[Any], dress: Dress) -> Iterator[Sequence[Cell]]:
    for part in db.session.scalars(query.execution_options(yield_per=PART)).partitions():
        yield from dress.cells(part)
