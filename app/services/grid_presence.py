"""The poll of an open grid: what changed since, where the reader is, who else is on which row; one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from app.models import FeedRow, Presence, db
from app.rules.errors import Gone, Invalid
from app.services.grids import Grid
from app.services.transaction import transaction

MOST = 500
SEEN = timedelta(seconds=10)  # a page that did not poll for that long is closed
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who else looks at the sheet, and on which row he is."""

    name: str
    row_id: int | None


def poll(grid: Grid, since: int, row_id: int | None) -> tuple[int, list[int], list[Somebody]]:
    """(the horizon to ask from next time, ids of rows that may have changed, who else is here).

    The horizon is the oldest transaction that may still commit: what commits late is not missed, what was told
    already may be told again. Of more than MOST changes the newest are told.
    """
    actor = grid.actor
    here = insert(Presence).values(user_id=actor.user_id, sheet=grid.code, row_id=row_id, name=actor.name[:128])
    here = here.on_conflict_do_update(
        index_elements=["user_id", "sheet"],
        set_={"row_id": here.excluded.row_id, "name": here.excluded.name, "at": func.clock_timestamp()},
    )
    mine = here.returning(Presence.user_id).cte("mine")
    changed = (
        select(FeedRow.row_id)
        .where(FeedRow.table_name == grid.table, FeedRow.xid >= since)
        .group_by(FeedRow.row_id)
        .order_by(func.max(FeedRow.id).desc())
        .limit(MOST)
        .subquery()
    )
    others = (
        select(Presence.name, Presence.row_id)
        .where(
            Presence.sheet == grid.code,
            Presence.user_id != actor.user_id,
            Presence.at > func.clock_timestamp() - SEEN,
        )
        .order_by(Presence.name)
        .limit(50)
        .subquery()
    )
    statement = select(
        literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint"),
        select(func.array_agg(changed.c.row_id)).scalar_subquery(),
        select(func.json_agg(func.json_build_array(others.c.name, others.c.row_id))).scalar_subquery(),
        select(func.count()).select_from(mine).scalar_subquery(),
    )
    with transaction():
        at, ids, people, _mine = db.session.execute(statement).one()
    return int(at), list(ids or ()), _people(people)


@dataclass(frozen=True, slots=True)
class Fed:
    """Changed rows in the order of their transactions, and the mark to go on from."""

    ids: list[int]
    mark: str
    is_more: bool


def fed(grid: Grid, mark: str, limit: int) -> Fed:
    """Every changed row after the mark, at least once and none left out; a transaction still open comes later.

    Without a mark nothing is told but the one to begin with. Raises Invalid("feed.mark") and, for a mark from before
    KEPT, Gone("feed.read-again"): what happened since is forgotten, and the whole sheet is to be read again.
    """
    xmin: Any = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    horizon, now = db.session.execute(select(xmin, func.now())).one()
    end = f"{horizon - 1}.{2**31 - 1}.{int(now.timestamp())}"
    if not mark:
        return Fed([], end, is_more=False)
    xid, row_id, at = _read_mark(mark)
    if at < now.timestamp() - KEPT.total_seconds():
        raise Gone("feed.read-again")
    query = (
        select(FeedRow.xid, FeedRow.row_id)
        .where(
            FeedRow.table_name == grid.table,
            tuple_(FeedRow.xid, FeedRow.row_id) > (xid, row_id),
            FeedRow.xid < horizon,
        )
        .group_by(FeedRow.xid, FeedRow.row_id)
        .order_by(FeedRow.xid, FeedRow.row_id)
        .limit(limit + 1)
    )
    found = db.session.execute(query).all()
    if len(found) <= limit:
        return Fed(list(dict.fromkeys(one.row_id for one in found)), end, is_more=False)
    last = found[limit - 1]
    ids = list(dict.fromkeys(one.row_id for one in found[:limit]))
    # The moment of the mark stays: what it leads to is not newer than that.
    return Fed(ids, f"{last.xid}.{last.row_id}.{at}", is_more=True)


def _read_mark(mark: str) -> tuple[int, int, int]:
    parts = mark.split(".")
    if len(parts) != 3 or not all(one.isascii() and one.isdigit() and len(one) < 19 for one in parts):
        raise Invalid("feed.mark")
    xid, row_id, at = (int(one) for one in parts)
    return xid, row_id, at


def _people(found: Sequence[tuple[str, int | None]] | None) -> list[Somebody]:
    return [Somebody(name, row_id) for name, row_id in found or ()]


def forget() -> int:
    """Drop what no open page asks for any more; how many changes went. For the timetable."""
    with transaction():
        db.session.execute(delete(Presence).where(Presence.at < func.now() - KEPT))
        gone = db.session.execute(delete(FeedRow).where(FeedRow.at < func.now() - KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]
