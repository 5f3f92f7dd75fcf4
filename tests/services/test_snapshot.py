"""A report reads one moment of the database, on a connection of its own, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError

from app.models import TimetableSlot, db
from app.services import present
from app.services.snapshot import snapshot

NAME = "snapshot test"
COUNT = select(func.count()).select_from(TimetableSlot).where(TimetableSlot.name == NAME)


@pytest.fixture
def committed(built_app: Flask) -> Iterator[None]:
    """Rows that are really committed; they are removed afterwards."""
    with built_app.app_context():
        yield
        db.session.rollback()
        db.session.execute(delete(TimetableSlot).where(TimetableSlot.name == NAME))
        db.session.commit()


def _late_edit() -> None:
    db.session.add(TimetableSlot(name=NAME, slot=present.now()))
    db.session.commit()


def test_a_late_edit_is_not_mixed_in(committed: None) -> None:
    with snapshot() as reading:
        assert reading.scalar(COUNT) == 0
        _late_edit()
        assert db.session.scalar(COUNT) == 1
        assert reading.scalar(COUNT) == 0
    with snapshot() as reading:
        assert reading.scalar(COUNT) == 1


def test_it_writes_nothing(committed: None) -> None:
    with snapshot() as reading, pytest.raises(DBAPIError, match="read-only"):
        reading.execute(delete(TimetableSlot).where(TimetableSlot.name == NAME))


def test_the_connection_goes_back_as_it_was(committed: None) -> None:
    for _each in range(4):
        with snapshot() as reading:
            reading.scalar(COUNT)
    _late_edit()
    assert db.session.scalar(COUNT) == 1
