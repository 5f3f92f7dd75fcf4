"""Rows of the grid for reading: a window by key or by place, the outline of the whole, figures, changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from app.models import db
from app.rules.errors import Conflict, NotFound
from app.rules.query import Query
from app.rules.values import NUMBERS, REFERENCES, ValueKind
from app.services import definitions, field_files, grid_places, grid_sql, ledger
from app.services.grid_columns import Column
from app.services.grids import Grid

MOST_ROWS, MOST_SKIPPED, MARKS = 500, 20_000, 500
MOST_STATEMENTS = 50  # kept of one sheet for one reader
PART = 1_000  # rows fetched at a time for a file
_PLAIN = frozenset({str, int, float, bool, list, type(None)})  # JSON as they are
PATIENCE = "15s"  # how long the outline of a filter may take


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its id, the version an edit must name, what its cells hold by column, its key in the order asked."""

    id: int
    version: int
    cells: dict[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole of a query: how many rows (None: it took too long to count), keys of every `step`-th row.

    `is_exact`: every place can be asked for by its number alone, and `marks` is empty.
    """

    total: int | None
    step: int
    marks: tuple[str, ...]
    is_exact: bool


def window(
    grid: Grid,
    query: Query,
    *,
    after: str = "",
    skip: int = 0,
    limit: int = 100,
    is_backwards: bool = False,
    offset: int | None = None,
) -> list[Row]:
    """Rows behind the key `after` (in front of it when `is_backwards`), `skip` of them left out; else from the start.

    `offset` asks for a place instead: exact in the ledger's own orders, elsewhere by walking there. The rows come
    in the order asked, also backwards. Raises Invalid for what `grid_sql` refuses.
    """
    limit, skip = max(1, min(limit, MOST_ROWS)), max(0, min(skip, MOST_SKIPPED))
    order = grid_sql.sorting(grid, query.orders)
    chosen = _chosen(grid, query)
    key = grid_sql.read_key(after, len(order.parts) + 1) if after else None
    rows = _rows(grid, query, chosen, order)
    if offset is not None and offset > 0:
        by = grid_places.counts(grid, query)
        first = (query.orders or grid.order)[0]
        base = rows.order_by(*order.clauses())
        placed = grid_places.placed(grid, by, first, offset, base) if by else base.offset(offset)
        return _made(grid, chosen, order, db.session.execute(placed.limit(limit)))
    may_be_empty = len(order.parts) == 1 and order.parts[0][2]
    if may_be_empty and not skip and (key is not None or order.is_sparse):
        found = _by_segments(rows, order, key, limit, is_backwards=is_backwards)
    else:
        if key is not None:
            rows = rows.where(order.behind(key, is_backwards=is_backwards))
        ordered = rows.order_by(*order.clauses(is_backwards=is_backwards))
        found = list(db.session.execute(ordered.offset(skip or None).limit(limit)))
    made = _made(grid, chosen, order, found)
    return made[::-1] if is_backwards else made


def _by_segments(
    rows: Select[Any], order: grid_sql.Sorting, key: Sequence[Any] | None, limit: int, *, is_backwards: bool
) -> list[Any]:
    """Sorted by one column that may be empty: what holds a value and what is empty are two ranges of the index."""
    expression, descending, _nullable = order.parts[0]
    filled = replace(order, parts=((expression, descending, False),))
    blank = replace(order, parts=())
    down = descending != is_backwards
    id_down = order.is_descending != is_backwards
    found: list[Any] = []
    for is_blank in (True, False) if down else (False, True):
        here = rows.where(expression.is_(None) if is_blank else expression.is_not(None))
        if key is not None:
            if (key[0] is None) != is_blank:
                if is_blank == down:
                    continue  # that range lies in front of the key
            elif is_blank:
                here = here.where(blank.id < key[-1] if id_down else blank.id > key[-1])
            else:
                here = here.where(filled.behind(key, is_backwards=is_backwards))
        ids = order.id.desc() if id_down else order.id.asc()
        by = (ids,) if is_blank else (expression.desc() if down else expression.asc(), ids)
        found += db.session.execute(here.order_by(*by).limit(limit - len(found)))
        if len(found) >= limit:
            break
    return found


def stream(grid: Grid, query: Query, session: Session) -> Iterator[Sequence[Any]]:
    """Every row of the query in its order, cells by `query.columns` as the database holds them; PART at a time.

    A reference is `(id, name)`, everything else its value: moments and dates as such, run-time ones as text.
    """
    order, chosen = grid_sql.sorting(grid, query.orders), _chosen(grid, query)
    rows = _rows(grid, query, chosen, order).order_by(*order.clauses())
    first = 2 + len(order.parts) + 1
    found = session.connection().execute(rows, execution_options={"yield_per": PART})
    cells = (tuple(_cells(chosen, row, first)) for row in found)
    places = [place for place, column in enumerate(chosen) if column.kind is ValueKind.FILES]
    yield from _with_names(cells, places) if places else cells


def _with_names(rows: Iterator[Sequence[Any]], places: Sequence[int]) -> Iterator[Sequence[Any]]:
    """Ids of files become `[id, name]`, in one statement for each part of the rows."""
    while part := list(islice(rows, PART)):
        names = field_files.names(one for row in part for place in places for one in row[place] or ())
        for row in part:
            made = list(row)
            for place in places:
                made[place] = [[one, names.get(one, "")] for one in row[place] or ()]
            yield made


def _cells(columns: Sequence[Column], row: Sequence[Any], at: int) -> Iterator[Any]:
    for column in columns:
        if column.name is None:
            yield row[at]
            at += 1
        else:
            yield (row[at], row[at + 1])
            at += 2


def one(grid: Grid, row_id: int) -> Row | None:
    """The row of that id with all its columns, None when the reader may not see it."""
    query = Query()
    order, chosen = grid_sql.sorting(grid, query.orders), _chosen(grid, query)
    kept = grid.statements.get("one")
    if kept is None:
        kept = _rows(grid, query, chosen, order).where(grid.model.id == bindparam("row_id"))
        grid.statements["one"] = kept
    return next(iter(_made(grid, chosen, order, db.session.execute(kept, {"row_id": row_id}))), None)


def locked(grid: Grid, row_id: int, keys: tuple[str, ...]) -> tuple[Row, Any]:
    """The row with those cells, and the record it is of: read and locked in one statement.

    Raises NotFound("row.unknown"), and Conflict("definition.moved") for a cell that became of another kind meanwhile.
    """
    for found in _locked(grid, keys, grid.model.id == row_id):
        return found
    raise NotFound("row.unknown", {"id": row_id})


def locked_all(grid: Grid, ids: Sequence[int], keys: tuple[str, ...]) -> dict[int, tuple[Row, Any]]:
    """`locked` for several rows, in the order of their ids; those that the reader may not see are left out."""
    return {found[0].id: found for found in _locked(grid, keys, grid.model.id.in_(list(ids)))}


def _locked(grid: Grid, keys: tuple[str, ...], which: ColumnElement[bool]) -> list[tuple[Row, Any]]:
    query = Query(columns=keys)
    order, chosen = grid_sql.sorting(grid, query.orders), _chosen(grid, query)
    rows = _rows(grid, query, chosen, order).where(which).add_columns(grid.model).order_by(None).order_by(grid.model.id)
    rows = rows.with_for_update(of=grid.model).execution_options(populate_existing=True)
    try:
        found = db.session.execute(rows).all()
    except DataError as error:
        definitions.forget()
        raise Conflict("definition.moved") from error
    made = _made(grid, chosen, order, found)
    return [(row, one[-1]) for row, one in zip(made, found, strict=True)]


def access_row(grid: Grid, row_id: int) -> Row:
    """The row of that id with all its columns. Raises NotFound("row.unknown"), also for one out of his sight."""
    found = one(grid, row_id)
    if found is None:
        raise NotFound("row.unknown", {"id": row_id})
    return found


def by_ids(grid: Grid, ids: Sequence[int], query: Query) -> list[Row]:
    """Those of the rows that the reader may see and the filter finds, whatever their order."""
    order, chosen = grid_sql.sorting(grid, query.orders), _chosen(grid, query)
    rows = _rows(grid, query, chosen, order).where(grid.model.id.in_(list(ids)))
    return _made(grid, chosen, order, db.session.execute(rows))


def sampled(grid: Grid, column: Column, limit: int) -> list[tuple[Row, Any]]:
    """The newest rows the reader may see, by what they are called, each with the cell of a column that is none yet."""
    query = select(grid.model.id, column.sql).where(grid.where).order_by(grid.model.id.desc()).limit(limit)
    found = {row_id: as_json(value) for row_id, value in db.session.execute(query)}
    titles = Query(columns=(grid.title,)) if grid.title in grid.columns else Query()
    rows = sorted(by_ids(grid, list(found), titles), key=lambda row: -row.id)
    return [(row, found[row.id]) for row in rows]


def outline(grid: Grid, query: Query) -> Outline:
    """How many rows the query has and where to jump in: counted apart, so that no row waits for it."""
    by = grid_places.counts(grid, query)
    if by:
        return Outline(grid_places.total(grid, by), 0, (), is_exact=True)
    order = grid_sql.sorting(grid, query.orders)
    found = conditions(grid, query)
    try:
        with db.session.begin_nested():
            db.session.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
            total = db.session.scalar(select(func.count()).select_from(grid.model).where(found)) or 0
            step = max(100, -(-total // MARKS))
            marks = _marks(grid, order, found, step) if total > step else ()
            db.session.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
    except OperationalError:
        return Outline(None, 0, (), is_exact=False)
    return Outline(total, step, marks, is_exact=False)


def _marks(grid: Grid, order: grid_sql.Sorting, conditions: ColumnElement[bool], step: int) -> tuple[str, ...]:
    """The key of every `step`-th row, the first one not among them: rows behind it are the next part."""
    labelled = [one.label(f"k{n}") for n, one in enumerate(order.expressions())]
    place = func.row_number().over(order_by=order.clauses()).label("place")
    numbered = select(*labelled, place).select_from(grid.model).where(conditions).subquery()
    keys = [numbered.c[one.name] for one in labelled]
    found = select(*keys).where(numbered.c.place % step == 0).order_by(numbered.c.place)
    return tuple(grid_sql.written_key(row) for row in db.session.execute(found))


def figures(grid: Grid, query: Query, wanted: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Figures over the whole filter: `{"amount:sum": 12}`."""
    if not wanted:
        return {}
    asked = [figure(grid.column(key), what) for key, what in wanted]
    row = db.session.execute(select(*asked).select_from(grid.model).where(conditions(grid, query))).one()
    return {f"{key}:{what}": as_json(value) for (key, what), value in zip(wanted, row, strict=True)}


def horizon() -> int:
    """The oldest transaction that may still commit: changes from here on are asked for next time."""
    return int(db.session.scalar(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) or 0)


# --- statements -------------------------------------------------------------------------------------------------


def conditions(grid: Grid, query: Query) -> ColumnElement[bool]:
    """SQL: the rows of the query that the reader may see, the words searched for among it."""
    found = grid_sql.where(grid, query)
    if not query.term:
        return found
    return found & searched(grid, query.term)


def searched(grid: Grid, term: str) -> ColumnElement[bool]:
    """SQL: the words stand in the row. Of appeals as in the ledger (its bigrams); elsewhere in any text column."""
    if grid.family == "appeals":
        return ledger.narrowed(grid.where, term)
    columns = [one for one in grid.columns.values() if one.kind in (ValueKind.TEXT, ValueKind.LONG)]
    named = [one.name for one in grid.columns.values() if one.kind in REFERENCES and one.name is not None]
    texts = [*(one.sql for one in columns), *named]
    lowered = [func.lower(func.coalesce(one, "")).contains(term.lower(), autoescape=True) for one in texts]
    found = lowered[0] if lowered else grid.model.id.is_(None)
    for clause in lowered[1:]:
        found = found | clause
    return found


def _chosen(grid: Grid, query: Query) -> list[Column]:
    keys = query.columns or tuple(grid.columns)
    return [grid.columns[key] for key in keys]


def _rows(grid: Grid, query: Query, chosen: Sequence[Column], order: grid_sql.Sorting) -> Select[Any]:
    key = (query.columns, query.orders)
    kept = grid.statements.get(key)
    if kept is None:
        # Named one by one: what it is sorted by may also be a cell.
        parts = (part for column in chosen for part in cell(column))
        cells = [part.label(f"c{n}") for n, part in enumerate(parts)]
        keys = [one.label(f"k{n}") for n, one in enumerate(order.expressions())]
        kept = select(grid.model.id, grid.model.version, *keys, *cells)
        if len(grid.statements) >= MOST_STATEMENTS:
            grid.statements.clear()
        grid.statements[key] = kept
    return kept.where(conditions(grid, query))


def cell(column: Column) -> tuple[ColumnElement[Any], ...]:
    """A reference is its id and its name, everything else its value."""
    return (column.sql,) if column.name is None else (column.sql, column.name)


def _made(grid: Grid, chosen: Sequence[Column], order: grid_sql.Sorting, found: Iterable[Any]) -> list[Row]:
    keys = len(order.parts) + 1
    rows = []
    for row in found:
        values, _rest = cells_of(chosen, row[2 + keys :])
        cells = {column.key: value for column, value in zip(chosen, values, strict=True)}
        rows.append(Row(row[0], row[1], cells, grid_sql.written_key(row[2 : 2 + keys])))
    _name_files(chosen, rows)
    return rows


def _name_files(chosen: Sequence[Column], rows: Sequence[Row]) -> None:
    """Ids of files become `[id, name]`: one statement for all cells that hold any."""
    keys = [column.key for column in chosen if column.kind is ValueKind.FILES]
    held = [(row, key) for key in keys for row in rows if row.cells[key]]
    names = field_files.names(file_id for row, key in held for file_id in row.cells[key]) if held else {}
    for row, key in held:
        row.cells[key] = [[file_id, names.get(file_id, "")] for file_id in row.cells[key]]


def cells_of(columns: Sequence[Column], row: Sequence[Any]) -> tuple[tuple[Any, ...], Sequence[Any]]:
    """The cells at the beginning of a row as JSON, and the rest of it."""
    values, at = [], 0
    for column in columns:
        value = row[at]
        if column.name is not None:
            values.append(None if value is None else [int(value), row[at + 1] or ""])
            at += 2
            continue
        at += 1
        is_plain = type(value) in _PLAIN and column.kind is not ValueKind.BOOL
        values.append(value if is_plain else _shown(column, value))
    return tuple(values), row[at:]


def _shown(column: Column, value: Any) -> Any:
    if column.kind is ValueKind.BOOL and column.write == "extra":
        return None if value is None else value == "true"
    return as_json(value)


def as_json(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def figure(column: Column, what: str) -> ColumnElement[Any]:
    empty = grid_sql.is_empty(column)
    match what:
        case "filled":
            return func.count().filter(~empty)
        case "empty":
            return func.count().filter(empty)
        case "distinct":
            return func.count(func.distinct(column.sql))
        case "true":
            return func.count().filter(column.sql == ("true" if column.write == "extra" else literal_column("true")))
        case "sum" if column.kind in NUMBERS:
            return func.sum(column.sql)
        case "average":
            return func.round(func.avg(column.sql), 2)
        case "least":
            return func.min(column.sql)
        case _:
            return func.max(column.sql)
