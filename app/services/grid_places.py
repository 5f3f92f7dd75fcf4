"""Where a row stands in the ledger's own orders: exactly, at a million rows, without walking there.

Triggers keep how many numbered appeals of each class stand in each part of an order (`ledger_count`). The part of a
place is found by summing them up, the row inside it by a short walk; both in one statement, so that they agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Integer, Select, cast, func, literal, select, text

from app.models import Appeal, LedgerCount, db
from app.rules.query import Order, Query
from app.services.grids import Grid
from app.services.transaction import transaction

# The highest character: behind everything that begins with the same prefix.
_LAST = "\U0010ffff"
_ENOUGH_DIFFERENCES = 5_000


def counts(grid: Grid, query: Query) -> str:
    """The name of the counts by which places are known for this query, "" when they are not: it filters, or sorts
    otherwise."""
    orders = query.orders or grid.order
    if query.where or query.term or len(orders) != 1 or grid.classes is None:
        return ""
    return grid.counted.get(orders[0].field, "")


def total(grid: Grid, by: str) -> int:
    """How many rows there are."""
    query = select(func.coalesce(func.sum(LedgerCount.n), 0)).where(*_mine(grid, by))
    return int(db.session.scalar(query) or 0)


def placed(grid: Grid, by: str, order: Order, offset: int, rows: Select[Any]) -> Select[Any]:
    """`rows` (conditions and order, no limit) from the place `offset` on: one statement with the place inside."""
    parts = (
        select(LedgerCount.bucket.label("bucket"), func.sum(LedgerCount.n).label("n"))
        .where(*_mine(grid, by))
        .group_by(LedgerCount.bucket)
        .cte("parts")
    )
    way = parts.c.bucket.desc() if order.is_descending else parts.c.bucket.asc()
    walked = select(parts.c.bucket, parts.c.n, func.sum(parts.c.n).over(order_by=way).label("upto")).cte("walked")
    here = (
        select(walked.c.bucket, (walked.c.upto - walked.c.n).label("before"))
        .where(walked.c.upto > offset)
        .order_by(walked.c.upto)
        .limit(1)
        .cte("here")
    )
    bucket = select(here.c.bucket).scalar_subquery()
    before = select(literal(offset) - cast(here.c.before, Integer)).scalar_subquery()
    return rows.where(_from[by](bucket, order.is_descending)).offset(func.coalesce(before, 0))


def _mine(grid: Grid, by: str) -> tuple[ColumnElement[bool], ...]:
    classes = grid.classes or frozenset()
    every = len(classes) == 6
    mine = (LedgerCount.by == by,)
    return mine if every else (*mine, LedgerCount.channel_class.in_(sorted(classes)))


def _from_received(bucket: Any, is_descending: bool) -> ColumnElement[bool]:
    # Days of UTC, as the trigger writes them. Without a part there is no row either: the comparison is NULL.
    day = func.timezone("UTC", cast(cast(bucket, Date) + (1 if is_descending else 0), DateTime))
    found: ColumnElement[bool] = Appeal.received_at < day if is_descending else Appeal.received_at >= day
    return found


def _from_number(bucket: Any, is_descending: bool) -> ColumnElement[bool]:
    number = Appeal.number.collate("C")
    found: ColumnElement[bool] = number < bucket.concat(_LAST) if is_descending else number >= bucket
    return found


_from: Mapping[str, Any] = MappingProxyType({"received": _from_received, "number": _from_number})


def sum_up() -> int:
    """Put the differences of each part together when there are many; how many rows went. For the timetable."""
    parts = select(LedgerCount.by, LedgerCount.bucket, LedgerCount.channel_class).distinct().subquery()
    rows = select(func.count()).select_from(LedgerCount).scalar_subquery()
    with transaction():
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("ledger_count", 0))))
        differences = int(db.session.scalar(select(rows - func.count()).select_from(parts)) or 0)
        if differences < _ENOUGH_DIFFERENCES:
            return 0
        db.session.execute(
            text(
                "WITH gone AS (DELETE FROM ledger_count RETURNING by, bucket, channel_class, n)"
                " INSERT INTO ledger_count (by, bucket, channel_class, n)"
                " SELECT by, bucket, channel_class, sum(n) FROM gone GROUP BY 1, 2, 3 HAVING sum(n) <> 0"
            )
        )
    return differences
