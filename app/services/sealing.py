"""The hash chain over the journal (SECURITY §4 rows 25–27): committed rows are linked in the order they are
sealed.

The chain's order is the seal's own `seq`, not the journal's id. Ids are drawn before a transaction commits,
so a row with a smaller id may appear after its neighbours, and neither ids nor transaction numbers tell when
the last of them has come; a chain by id would have to wait for every open transaction or leave gaps. Here a
late row is sealed when it is seen. Every look goes back over the last ids, and once an hour over all of them.

The chain proves that no sealed row was changed, removed or moved. That its end was not cut off together with
the rows is proved by comparing `head()` with a copy kept elsewhere (`verify(anchor=…)`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import exists, func, insert, select

from app.models import Journal, JournalSeal, db
from app.services.transaction import transaction

LOCK = 0x6A6F75726E616C  # "journal"
LOOK_BACK = 20_000
GENESIS = bytes(32)
# What is hashed, pinned: a column added later is not part of what was sealed before.
FIELDS = (
    "id",
    "at",
    "action",
    "object_type",
    "object_id",
    "appeal_id",
    "user_id",
    "person_id",
    "post_id",
    "role",
    "acted_as",
    "old",
    "new",
    "reason",
    "request_id",
    "request_key",
)
MOST = 1000


@dataclass(frozen=True, slots=True)
class Broken:
    """The first link that does not hold. `reason`: altered, removed, gap, relinked or cut."""

    seq: int
    journal_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: whoever keeps a copy can prove later that it was not cut."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Tail:
    """What is not sealed yet."""

    unsealed: int
    oldest_at: datetime | None


def seal(limit: int = MOST, *, everything: bool = False) -> int:
    """Link up to `limit` committed rows; how many. 0 also when another sealer is at work.

    `everything` looks over the whole journal for rows that came late, not only over the last ids.
    """
    with transaction():
        if not db.session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
            return 0
        last = _last()
        rows = _unsealed(limit, everything=everything)
        links = list(_links(rows, last))
        if links:
            db.session.execute(insert(JournalSeal), links)
    return len(links)


def verify(*, start: int = 1, anchor: Head | None = None) -> Broken | None:
    """The first broken link from `start` on, or None; reads the chain in pages.

    With `anchor`, a head noted earlier, a chain that no longer reaches it or reads differently there is
    "cut".
    """
    previous = _hash_before(start)
    expected = start
    if previous is None:
        return Broken(start - 1, None, "gap")
    for seal_row, row in _pairs(start):
        if seal_row.seq != expected:
            return Broken(expected, None, "gap")
        if seal_row.previous_hash != previous:
            return Broken(seal_row.seq, seal_row.journal_id, "relinked")
        if row is None:
            return Broken(seal_row.seq, seal_row.journal_id, "removed")
        if digest(previous, row) != seal_row.hash:
            return Broken(seal_row.seq, seal_row.journal_id, "altered")
        if anchor is not None and seal_row.seq == anchor.seq and seal_row.hash != anchor.hash:
            return Broken(seal_row.seq, seal_row.journal_id, "cut")
        previous = seal_row.hash
        expected += 1
    if anchor is not None and expected <= anchor.seq:
        return Broken(expected, None, "cut")
    return None


def head() -> Head | None:
    """The last link, or None before the first."""
    last = _last()
    return Head(last.seq, last.hash) if last.seq else None


def tail() -> Tail:
    """How many rows wait for their seal and since when."""
    sealed = exists().where(JournalSeal.journal_id == Journal.id)
    count, oldest = db.session.execute(select(func.count(), func.min(Journal.at)).where(~sealed)).one()
    return Tail(count, oldest)


def digest(previous_hash: bytes, row: Any) -> bytes:
    """The hash of a journal row (an object with the pinned fields) behind `previous_hash`."""
    return hashlib.sha256(previous_hash + canonical(row)).digest()


def canonical(row: Any) -> bytes:
    """A journal row as canonical JSON: pinned fields, sorted keys, moments in UTC with microseconds."""
    values = {name: _plain(getattr(row, name)) for name in FIELDS}
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def _columns() -> list[Any]:
    return [getattr(Journal, name) for name in FIELDS]


def _last() -> Head:
    row = db.session.execute(
        select(JournalSeal.seq, JournalSeal.hash).order_by(JournalSeal.seq.desc()).limit(1)
    ).one_or_none()
    return Head(row.seq, row.hash) if row else Head(0, GENESIS)


def _unsealed(limit: int, *, everything: bool) -> Sequence[Any]:
    sealed = exists().where(JournalSeal.journal_id == Journal.id)
    query = select(*_columns()).where(~sealed)
    if not everything:
        newest = select(func.coalesce(func.max(JournalSeal.journal_id), 0)).scalar_subquery()
        query = query.where(Journal.id > newest - LOOK_BACK)
    found: Sequence[Any] = db.session.execute(query.order_by(Journal.id).limit(limit)).all()
    return found


def _links(rows: Sequence[Any], last: Head) -> Iterator[dict[str, Any]]:
    seq, previous = last.seq, last.hash
    for row in rows:
        seq, linked = seq + 1, digest(previous, row)
        yield {"seq": seq, "journal_id": row.id, "previous_hash": previous, "hash": linked}
        previous = linked


def _hash_before(start: int) -> bytes | None:
    if start <= 1:
        return GENESIS
    found: bytes | None = db.session.scalar(select(JournalSeal.hash).where(JournalSeal.seq == start - 1))
    return found


def _pairs(start: int) -> Iterator[tuple[Any, Any]]:
    """(seal, journal row or None) from `start` on, page by page."""
    after = start - 1
    while True:
        seals = db.session.execute(
            select(JournalSeal.seq, JournalSeal.journal_id, JournalSeal.previous_hash, JournalSeal.hash)
            .where(JournalSeal.seq > after)
            .order_by(JournalSeal.seq)
            .limit(MOST)
        ).all()
        if not seals:
            return
        ids = [row.journal_id for row in seals]
        rows = {row.id: row for row in db.session.execute(select(*_columns()).where(Journal.id.in_(ids)))}
        for row in seals:
            yield row, rows.get(row.journal_id)
        after = seals[-1].seq
