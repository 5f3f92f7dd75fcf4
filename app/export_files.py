"""A view of a sheet as a workbook or as CSV, in its reader's language: what every cell, head and line says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from app import ledger_paper, query_words
from app.reports import csv_file, xlsx
from app.reports.table import Book, Cell, ReportTable, wording
from app.reports.table import Column as Printed
from app.reports.table import Kind as Look
from app.reports.watermark import MARK
from app.rules.values import NUMBERS, REFERENCES, TEXTS, ValueKind
from app.services import present, sheet_exports, tasks
from app.services.grid_columns import Column
from app.services.grids import Grid
from app.services.sheet_exports import Made, Wanted

_LOOKS: Mapping[ValueKind, Look] = {
    ValueKind.MONEY: "decimal", ValueKind.DATE: "date", ValueKind.MOMENT: "moment",
}  # fmt: skip
_PIXELS = 7  # of the grid in a half-width character of a workbook
_WIDEST, _NARROWEST = 60, 8


def make(grid_of: Callable[[], Grid], file_id: int, run: tasks.Run | None = None) -> None:
    """Make the file that was asked for, in the language it was asked for in; nothing when it is there already.

    `grid_of` gives the sheet as its owner sees it now. Raises what `sheet_exports.make` and `queries.read` raise.
    """
    row = sheet_exports.order(file_id)
    if row is None:
        return
    with force_locale(row.spec["locale"]):
        grid = grid_of()
        wanted = sheet_exports.wanted_of(row, grid)

        def write(rows: Iterator[Sequence[Any]], at: datetime, path: Path) -> Made:
            return _write(grid, wanted, rows, at, path)

        sheet_exports.make(grid, file_id, wanted.query, write, run, layout=wanted.layout)


def _write(grid: Grid, wanted: Wanted, rows: Iterator[Sequence[Any]], at: datetime, path: Path) -> Made:
    columns = [grid.columns[key] for key in wanted.query.columns]
    local = at.astimezone(present.zone())
    name = f"{wanted.view or grid.label} {local:%Y-%m-%d %H%M}.{wanted.format}"
    if wanted.format == "csv":
        texts = [_text_of(one) for one in columns]
        lines = ([say(cell) for say, cell in zip(texts, row, strict=True)] for row in rows)
        head = [str(one.label) for one in columns]
        with path.open("w", encoding=csv_file.ENCODINGS[wanted.encoding], newline="") as out:
            return Made(csv_file.write(out, head, lines), name)
    if wanted.layout:
        says = [_paper_of(one) for one in columns]
        return Made(ledger_paper.write(grid, wanted.query, says, rows, at, path), name)
    cells = [_cell_of(one) for one in columns]
    facts = [_("Sheet: %(sheet)s", sheet=grid.label)]
    facts += [_("View: %(view)s", view=wanted.view)] if wanted.view else []
    facts += query_words.facts(grid, wanted.query)
    facts += [_("As of %(at)s", at=f"{local:%Y-%m-%d %H:%M}"), MARK]
    table = ReportTable(
        wanted.view or grid.label,
        tuple(Printed(one.key, str(one.label), _LOOKS.get(one.kind, "text"), _width(one)) for one in columns),
        ([say(cell) for say, cell in zip(cells, row, strict=True)] for row in rows),
        tuple(facts), sheet=grid.label, frozen=1,
    )  # fmt: skip
    book = Book(wanted.view or grid.label, (table,), wording(_), footer=MARK)
    return Made(xlsx.render(book, created_at=at, zone=present.zone(), out=path).rows, name)


def _width(column: Column) -> int:
    return min(max(column.width // _PIXELS, _NARROWEST), _WIDEST)


# --- cells ------------------------------------------------------------------------------------------------------------


def _cell_of(column: Column) -> Callable[[Any], Cell]:
    """How a cell of the column is put into a workbook: numbers, dates and moments as such, the rest as text."""
    if column.kind in NUMBERS:
        return lambda value: Decimal(str(value)) if value is not None else ""
    if column.kind is ValueKind.DATE:
        return lambda value: date.fromisoformat(value) if isinstance(value, str) and value else value or ""
    if column.kind is ValueKind.MOMENT:
        return lambda value: datetime.fromisoformat(value) if isinstance(value, str) and value else value or ""
    return _words_of(column)


def _text_of(column: Column) -> Callable[[Any], str]:
    """How a cell of the column is written in CSV; a text that begins like a formula is neutralised."""
    if column.kind in NUMBERS:
        return lambda value: "" if value is None else f"{Decimal(str(value)):f}"
    if column.kind is ValueKind.DATE:
        return lambda value: str(value or "")
    if column.kind is ValueKind.MOMENT:
        return _moment
    say = _words_of(column)
    return lambda value: csv_file.neutral(say(value))


def _paper_of(column: Column) -> Callable[[Any], str]:
    """How a cell of the column is read on paper; a workbook's text is never a formula."""
    if column.kind is ValueKind.MOMENT:
        return lambda value: _moment(value)[:16]
    return _words_of(column)


def _moment(value: Any) -> str:
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at.astimezone(present.zone()):%Y-%m-%d %H:%M:%S}"


def _words_of(column: Column) -> Callable[[Any], str]:
    """The words of a cell, as the grid shows them."""
    if column.kind in REFERENCES:
        return lambda pair: "" if pair[0] is None else str(pair[1] or f"#{pair[0]}")
    if column.kind is ValueKind.BOOL:
        words = {True: _("Yes"), False: _("No"), "true": _("Yes"), "false": _("No")}
        return lambda value: words.get(value, "")
    if column.kind is ValueKind.CHOICE:
        labels = {code: str(label) for code, label in column.choices.items()}
        return lambda value: labels.get(value, value) or ""
    if column.kind in TEXTS:
        return lambda value: value or ""
    labels = {code: str(label) for code, label in column.choices.items()}
    return lambda value: _several(labels, value)


def _several(labels: Mapping[Any, str], value: Any) -> str:
    """Choices, and files by their names."""
    if not isinstance(value, list):
        return "" if value is None else str(value)
    files = [str(one[1] or f"#{one[0]}") for one in value if isinstance(one, list)]
    return "、".join(files or [labels.get(one, str(one)) for one in value])
