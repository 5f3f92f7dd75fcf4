"""Reading many figures from one moment of the database, so that a late edit cannot mix two states in one report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import db


@contextmanager
def snapshot() -> Iterator[Session]:
    """A session of its own connection that sees the database as it was at its first statement, and writes nothing.

    Where the application runs on one open connection instead of an engine, that connection's transaction is read.
    """
    source = db.engine
    if isinstance(source, Engine):
        bind = source.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        reading = Session(bind)
    else:
        reading = Session(source, join_transaction_mode="create_savepoint")
    with reading:
        yield reading
