"""The ledger (R10) in the layout of the office: which columns it has on paper, and what its totals say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from app import query_words, words
from app.grids import is_english
from app.reports import ledger_pages
from app.reports.ledger_pages import Entry
from app.reports.watermark import MARK
from app.rules.query import Query
from app.services import present
from app.services.grids import Grid

# The registration, then what R10 adds to it. No data of an appellant goes to paper.
WIDTHS: Mapping[str, int] = {
    "number": 16, "received_at": 11, "channel": 10, "subject": 24, "unit": 13, "limit_due_at": 11, "finished": 9,
    "result": 20, "note": 11,
}  # fmt: skip
# English names of channels and units are longer, and break between words alone.
_IN_ENGLISH: Mapping[str, int] = {"channel": 15, "subject": 22, "unit": 20, "result": 13, "note": 8}
_ORDINAL = 5


def of_paper(grid: Grid, query: Query) -> Query:
    """The rows of a view with the columns of the ledger, as far as the reader sees them."""
    return replace(query, columns=tuple(key for key in WIDTHS if key in grid.columns))


def write(
    grid: Grid, query: Query, says: Sequence[Callable[[Any], str]], rows: Iterator[Sequence[Any]], at: datetime,
    path: Path,
) -> int:  # fmt: skip
    """The ledger as a workbook that is printed as it is; how many items it has."""
    standing = query.columns.index("finished") if "finished" in query.columns else None
    local = at.astimezone(present.zone())
    facts = [
        *query_words.facts(grid, query), _("As of %(at)s", at=f"{local:%Y-%m-%d %H:%M}"),
        _("A text that ends with …… is longer than its cell; the export has it whole."), MARK,
    ]  # fmt: skip
    own = {"finished": _("In time or not")}
    heads = [(_("No."), _ORDINAL)]
    widths = {**WIDTHS, **_IN_ENGLISH} if is_english() else WIDTHS
    heads += [(own.get(key) or str(grid.columns[key].label), widths[key]) for key in query.columns]
    entries = (
        Entry(
            [str(number), *(say(cell) for say, cell in zip(says, row, strict=True))],
            (row[standing] or "") if standing is not None else "",
        )
        for number, row in enumerate(rows, 1)
    )
    said = ledger_pages.Words(
        page_total=_("Total of this page"), running_total=_("Total so far"), counts=_counts,
        signed=(_("Filled in by:"), _("Checked by:"), _("Date:")), page=_("Page {page} of {pages}"),
    )  # fmt: skip
    return ledger_pages.render(
        _("Ledger of the Voice of the People Express"), facts, heads, entries, said,
        footer=MARK, created_at=at, out=path,
    )  # fmt: skip


def _counts(counted: Mapping[str, int]) -> str:
    each = [f"{label} {counted.get(code, 0)}" for code, label in words.FINISHED.items() if code != "without_note"]
    each.append(_("No limit %(count)s", count=counted.get("", 0)))
    return "　".join([_("Items: %(count)s", count=sum(counted.values())), *each])
