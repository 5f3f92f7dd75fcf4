"""Why rows of a file for a sheet were refused: every one of them, kept as long as the file, read page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Integer, delete, func, insert, literal, select

from app.models import ChangeSetRow, RefusedRow, SheetFile, db
from app.services import copies, import_parts

PAGE = 1_000
# Number of the row in the file; column, code and data of each problem.
Refused = tuple[int, list[list[Any]]]


def keep(file_id: int, refused: Sequence[Refused]) -> None:
    """Add rows, in the open transaction."""
    copies.into(
        "refused_row", ("file_id", "number", "problems"),
        ((file_id, number, copies.value_text(problems)) for number, problems in refused),
    )  # fmt: skip


def keep_of(file_id: int, set_id: int) -> None:
    """Those that the change set of the file tells instead of those that were told before, in the open transaction."""
    forget([file_id])
    cells = func.jsonb_array_elements(ChangeSetRow.problem["cells"]).table_valued("value").lateral()
    one = func.jsonb_build_array(*(cells.c.value.op("->")(name) for name in ("field", "code", "data")))
    number = ChangeSetRow.problem["cells"][0]["new"].astext.cast(Integer)
    told = select(func.jsonb_agg(one)).select_from(cells).scalar_subquery()
    of_set = (ChangeSetRow.change_set_id == set_id, func.jsonb_typeof(ChangeSetRow.problem) == "object")
    query = select(literal(file_id), number, told).where(*of_set)
    db.session.execute(insert(RefusedRow).from_select(["file_id", "number", "problems"], query))


def forget(file_ids: Sequence[int]) -> None:
    """Keep no reasons of these files any longer, in the open transaction."""
    if file_ids:
        db.session.execute(delete(RefusedRow).where(RefusedRow.file_id.in_(file_ids)))


def listed(file_id: int, *, after: int = 0, limit: int | None = None) -> list[Refused]:
    """The refused rows behind that number, in the order of the file."""
    query = select(RefusedRow.number, RefusedRow.problems)
    query = query.where(RefusedRow.file_id == file_id, RefusedRow.number > after)
    found = db.session.execute(query.order_by(RefusedRow.number).limit(limit or PAGE))
    return [(number, problems) for number, problems in found]


def rows(row: SheetFile) -> tuple[list[Any], Iterator[tuple[int, list[Any], list[list[Any]]]]]:
    """The headings, and each refused row as one asks for it: its number, its cells as they were, its problems.

    Raises Conflict("sheet-file.used") when the content is gone.
    """
    header = int(row.spec["header"]) + 1
    lines = enumerate(import_parts.lines(row), 1)
    headings = next((cells for number, cells in lines if number == header), [])
    return headings, _matched(lines, _all(row.id))


def _all(file_id: int) -> Iterator[Refused]:
    page = listed(file_id)
    while page:
        yield from page
        page = listed(file_id, after=page[-1][0])


def _matched(
    lines: Iterator[tuple[int, list[Any]]], refused: Iterator[Refused]
) -> Iterator[tuple[int, list[Any], list[list[Any]]]]:
    for number, problems in refused:
        cells = next((cells for at, cells in lines if at == number), [])
        yield number, cells, problems
