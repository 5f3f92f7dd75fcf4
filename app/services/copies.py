"""Many rows into a table by COPY, in the transaction of the session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import func, select

from app.models import db
from app.rules.errors import Conflict

_ENCODER = json.JSONEncoder(ensure_ascii=False)  # made once, not for each row


def into(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY rows into a table; its defaults fill the other columns.

    Raises Conflict("row.constraint") with the name of what the database holds against a row.
    """
    db.session.flush()
    connection: Any = db.session.connection().connection
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.IntegrityError as error:
        raise Conflict("row.constraint", {"constraint": error.diag.constraint_name or "unknown"}) from error


def ids(table: str, count: int) -> list[int]:
    """So many ids that no other row of the table has or will have."""
    one = func.nextval(func.pg_get_serial_sequence(table, "id"))
    return list(db.session.scalars(select(one).select_from(func.generate_series(1, count))))


def document(value: Mapping[str, Any]) -> str:
    """A JSON document as COPY in text form takes it."""
    return _ENCODER.encode(value)
