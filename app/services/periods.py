"""Who stands in a place from when until when: the one way a row of a period begins, ends and gives way (R15, R16)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import Range

from app.models import db


def replace_from(
    model: Any, place: Mapping[str, Any], at: datetime, values: Mapping[str, Any] | None
) -> tuple[Any | None, Any | None]:
    """Let `values` stand in `place` from `at` on, inside the open transaction: (row before, row after).

    `place` are columns and what they equal, `model` has the period column `valid`. Whoever stands there at `at`
    ends then; a row that would begin exactly then is deleted, because it never came about. The new row lasts until
    the next one already entered for the place begins, else it has no end. With None the place is vacant for as long.
    Callers for the same place queue, whether or not somebody stands there.
    """
    _queue_for(model, place)
    before, following = _from(model, place, at)
    if before is not None:
        if before.valid.lower == at:
            db.session.delete(before)
        else:
            before.valid = Range(before.valid.lower, at, bounds="[)")
    # The database refuses an overlap row by row: what ends is written before what begins.
    db.session.flush()
    if values is None:
        return before, None
    after = model(**place, **values, valid=Range(at, following, bounds="[)"))
    db.session.add(after)
    db.session.flush()
    return before, after


def next_start(model: Any, place: Mapping[str, Any], at: datetime) -> datetime | None:
    """When the next row already entered for the place begins after `at`, None when there is none."""
    query = select(func.min(func.lower(model.valid))).filter_by(**place).where(func.lower(model.valid) > at)
    found: datetime | None = db.session.scalar(query)
    return found


def standing_at(model: Any, place: Mapping[str, Any], at: datetime) -> Any | None:
    """The row that stands in the place at that moment, None for a vacancy."""
    query = select(model).filter_by(**place).where(model.valid.contains(at))
    return db.session.scalars(query).one_or_none()


def _from(model: Any, place: Mapping[str, Any], at: datetime) -> tuple[Any | None, datetime | None]:
    """The row that stands in the place at `at`, and when the next one begins; both locked."""
    ends = func.upper(model.valid)
    query = select(model).filter_by(**place).where(or_(func.upper_inf(model.valid), ends > at))
    query = query.order_by(func.lower(model.valid).asc().nulls_first()).limit(2)
    before: Any | None = None
    for row in db.session.scalars(query.with_for_update(of=model).execution_options(populate_existing=True)):
        if row.valid.lower is None or row.valid.lower <= at:
            before = row
        else:
            return before, row.valid.lower
    return before, None


def _queue_for(model: Any, place: Mapping[str, Any]) -> None:
    """An advisory lock until the transaction ends: a vacancy has no row that could be locked."""
    named = "|".join(f"{column}={value}" for column, value in sorted(place.items()))
    digest = hashlib.sha256(f"{model.__tablename__}|{named}".encode()).digest()
    db.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))
