"""Many rows into a table by COPY, in the transaction of the session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import func, select

from app.models import db
from app.rules.errors import Conflict

_ENCODER = json.JSONEncoder(ensure_ascii=False)  # made once, not for each row
NOTHING = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_WRITERS: Mapping[type, Callable[[Any], str]] = MappingProxyType(
    {str: encode_basestring, int: repr, float: repr, bool: {True: "true", False: "false"}.__getitem__}
)


def into(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY rows into a table; its defaults fill the other columns.

    Raises Conflict("row.constraint") with the name of what the database holds against a row.
    """
    with _opened(table, columns) as copy:
        for row in rows:
            copy.write_row(row)


def lines_into(table: str, columns: Sequence[str], lines: Sequence[str]) -> None:
    """`into` for rows that are written already, as `line` or `cell` write them: without a line break at their end."""
    if lines:
        with _opened(table, columns) as copy:
            copy.write("\n".join(lines) + "\n")


def line(*cells: object) -> str:
    """A row as COPY in text form takes it; of a document, what `document` wrote of it."""
    return "\t".join(map(cell, cells))


def cell(value: object) -> str:
    """One cell of such a row."""
    return NOTHING if value is None else str(value).translate(_ESCAPES)


def cells(texts: Sequence[str]) -> Sequence[str]:
    """Many documents as such cells: without line breaks and tabs, as JSON is written, only backslashes are doubled."""
    joined = "\n".join(texts)
    return joined.replace("\\", "\\\\").split("\n") if "\\" in joined else texts


@contextmanager
def _opened(table: str, columns: Sequence[str]) -> Iterator[psycopg.Copy]:
    db.session.flush()
    connection: Any = db.session.connection().connection
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy
    except psycopg.IntegrityError as error:
        raise Conflict("row.constraint", {"constraint": error.diag.constraint_name or "unknown"}) from error


def ids(table: str, count: int) -> list[int]:
    """So many ids that no other row of the table has or will have."""
    one = func.nextval(func.pg_get_serial_sequence(table, "id"))
    return list(db.session.scalars(select(one).select_from(func.generate_series(1, count))))


def document(value: Mapping[str, Any]) -> str:
    """A JSON document on one line."""
    return _ENCODER.encode(value)


def value_text(value: Any) -> str:
    """A value of a JSON document, as `document` writes it."""
    writer = _WRITERS.get(type(value))
    return writer(value) if writer is not None else _ENCODER.encode(value)
