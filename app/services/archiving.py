"""The seal of an archived file (R11): what stood in it, part by part, and whether somebody touched it since.

The seal covers every row of the appeal as it is stored, sealed particulars and the bytes of its files included, and
its digest stands in the journal row of the step that made it, hence in the journal's hash chain. Keys are left out:
they may be wrapped anew, and destroying one is the lawful end of a file. A lawful step on an archived appeal, an
addendum for one, makes a new seal; the old ones are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select

from app.models import (
    Appeal,
    ArchiveSeal,
    Assignment,
    Attachment,
    CallBack,
    Clock,
    ClockChange,
    ClockPause,
    Explanation,
    HandlingRequest,
    Instruction,
    Journal,
    RetentionClass,
    Review,
    Slip,
    SlipHandover,
    Urge,
    db,
)
from app.services import present

AT_ONCE = 100
# What the software itself may move on a file at rest, and the keys.
# The limit on the appeal's own row is copied from its clocks, which are sealed themselves.
_LEFT_OUT = frozenset({"version", "updated_at", "data_key", "limit_due_at", "limit_open_at", "limit_state"})
# Looking at an appellant is recorded without touching the file.
_NO_TOUCH = ("unmask",)

_TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "appeal": Appeal.__table__,
        "clocks": Clock.__table__,
        "clock_changes": ClockChange.__table__,
        "pauses": ClockPause.__table__,
        "assignments": Assignment.__table__,
        "requests": HandlingRequest.__table__,
        "reviews": Review.__table__,
        "explanations": Explanation.__table__,
        "call_backs": CallBack.__table__,
        "slips": Slip.__table__,
        "hand_overs": SlipHandover.__table__,
        "instructions": Instruction.__table__,
        "urges": Urge.__table__,
        "attachments": Attachment.__table__,
        "journal": Journal.__table__,
    }
)
# Tables whose rows hang on another row of the file.
_ON_CLOCK, _ON_SLIP = ("clock_changes", "pauses"), ("hand_overs", "instructions")

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Touched:
    """A file that differs from its seal: which parts (`seal`: the seal itself), of which appeal."""

    appeal_id: int
    number: str | None
    parts: tuple[str, ...]


def seal(appeal: Appeal, *, person_id: int, at: datetime) -> ArchiveSeal:
    """Seal the file as it stands in the open transaction."""
    db.session.flush()
    columns = _columns_now()
    manifest = {"columns": columns, "parts": _parts([appeal.id], columns, None)[appeal.id]}
    made = ArchiveSeal(appeal_id=appeal.id, at=at, by_id=person_id, sha256=_digest(manifest), manifest=manifest)
    db.session.add(made)
    return made


def standing(appeal_id: int) -> ArchiveSeal | None:
    """The seal in force, or None where the file is not sealed."""
    query = select(ArchiveSeal).where(ArchiveSeal.appeal_id == appeal_id, ArchiveSeal.broken_at.is_(None))
    return db.session.scalars(query.order_by(ArchiveSeal.id.desc()).limit(1)).first()


def verify(number: str | None = None) -> Iterator[Touched]:
    """Every archived file that differs from its seal, in order of the appeals; one file when a number is named."""
    after = 0
    while True:
        query = select(Appeal.id, Appeal.number).where(Appeal.state == "archived", Appeal.id > after)
        if number is not None:
            query = query.where(Appeal.number == number)
        appeals = [(row.id, row.number) for row in db.session.execute(query.order_by(Appeal.id).limit(AT_ONCE))]
        if not appeals:
            return
        yield from _verified(dict(appeals))
        after = appeals[-1][0]


def count(number: str | None = None) -> int:
    """How many files `verify` looks at."""
    query = select(func.count()).select_from(Appeal).where(Appeal.state == "archived")
    return db.session.scalar(query.where(Appeal.number == number) if number is not None else query) or 0


def retained_until(appeal: Appeal) -> date | None:
    """The last day the file is kept: so many years after it was struck off; None without an end or a class."""
    kept = appeal.retention_class
    if kept is None or kept.years is None or appeal.closed_at is None:
        return None
    closed = appeal.closed_at.astimezone(present.zone()).date()
    return date(closed.year + kept.years, 12, 31)


def usual_class() -> RetentionClass | None:
    """The retention class an appeal gets unless another is chosen."""
    usual = select(RetentionClass).where(RetentionClass.active, RetentionClass.is_default)
    return db.session.scalars(usual.order_by(RetentionClass.sort, RetentionClass.id)).first()


# --- comparing ---------------------------------------------------------------------------------------------


def _verified(numbers: Mapping[int, str | None]) -> Iterator[Touched]:
    seals = _seals(list(numbers))
    found: dict[int, tuple[str, ...]] = {key: ("seal",) for key in numbers if key not in seals}
    by_columns: dict[str, list[ArchiveSeal]] = {}
    for one in seals.values():
        by_columns.setdefault(json.dumps(one.manifest["columns"], sort_keys=True), []).append(one)
    witnessed = _witnessed(list(numbers))
    for alike in by_columns.values():
        columns, last = alike[0].manifest["columns"], {one.appeal_id: _last_journal(one) for one in alike}
        stand = _parts([one.appeal_id for one in alike], columns, last)
        for one in alike:
            is_whole = one.sha256 == _digest(one.manifest) and one.sha256 in witnessed.get(one.appeal_id, ())
            wrong = () if is_whole else ("seal",)
            found[one.appeal_id] = (*wrong, *_different(one.manifest["parts"], stand[one.appeal_id]))
    for appeal_id, parts in sorted(found.items()):
        if parts:
            yield Touched(appeal_id, numbers[appeal_id], parts)


def _seals(appeal_ids: list[int]) -> dict[int, ArchiveSeal]:
    query = (
        select(ArchiveSeal)
        .where(ArchiveSeal.appeal_id.in_(appeal_ids), ArchiveSeal.broken_at.is_(None))
        .order_by(ArchiveSeal.id)
    )
    return {one.appeal_id: one for one in db.session.scalars(query)}


def _witnessed(appeal_ids: list[int]) -> dict[int, set[str]]:
    """The digests that the journal remembers, by appeal."""
    digest = Journal.new["seal"].astext
    query = select(Journal.appeal_id, digest).where(Journal.appeal_id.in_(appeal_ids), digest.is_not(None))
    found: dict[int, set[str]] = {}
    for appeal_id, known in db.session.execute(query):
        found.setdefault(appeal_id, set()).add(known)
    return found


def _last_journal(one: ArchiveSeal) -> int:
    return max((int(key) for key in one.manifest["parts"].get("journal", {})), default=0)


def _different(sealed: Mapping[str, Any], stands: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in sealed if sealed[name] != stands.get(name))


# --- what a file is made of --------------------------------------------------------------------------------


def _columns_now() -> dict[str, list[str]]:
    """Written into each seal: a column that a later release adds is no part of what was sealed before."""
    return {name: sorted(c.name for c in table.columns if c.name not in _LEFT_OUT) for name, table in _TABLES.items()}


def _parts(
    appeal_ids: list[int], columns: Columns, last_journal: Mapping[int, int] | None
) -> dict[int, dict[str, dict[str, str]]]:
    """For each appeal, part by part, the digest of each row by its id; the journal no further than `last_journal`."""
    found: dict[int, dict[str, dict[str, str]]] = {key: {name: {} for name in columns} for key in appeal_ids}
    for name, wanted in columns.items():
        for appeal_id, row in _rows(name, wanted, appeal_ids):
            is_later = name == "journal" and last_journal is not None and row["id"] > last_journal[appeal_id]
            if not is_later:
                found[appeal_id][name][str(row["id"])] = _digest(row)
    return found


def _rows(name: str, wanted: Sequence[str], appeal_ids: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    table = _TABLES[name]
    # A column that is gone counts as changed: the row's digest cannot be the sealed one.
    known: list[ColumnElement[Any]] = [_stored(table, column) for column in wanted if column in table.c]
    query: Select[Any] = select(*known)
    if name in _ON_CLOCK:
        clock = _TABLES["clocks"]
        query, owner = query.join(clock, clock.c.id == table.c.clock_id), clock.c.appeal_id
    elif name in _ON_SLIP:
        slip = _TABLES["slips"]
        query, owner = query.join(slip, slip.c.id == table.c.slip_id), slip.c.appeal_id
    else:
        owner = table.c.id if name == "appeal" else table.c.appeal_id
    if name == "journal":
        query = query.where(table.c.action.notin_(_NO_TOUCH))
    query = query.add_columns(owner.label("of_appeal")).where(owner.in_(appeal_ids)).order_by(table.c.id)
    for row in db.session.execute(query).mappings():
        values = dict(row)
        yield values.pop("of_appeal"), values


def _stored(table: Table, column: str) -> ColumnElement[Any]:
    if table.name == "attachment" and column == "content_sealed":
        # The bytes stay where they are: PostgreSQL tells their digest.
        return func.encode(func.sha256(table.c[column]), "hex").label(column)
    return table.c[column]


def _digest(value: Mapping[str, Any]) -> str:
    written = json.dumps(value, default=_plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in an archived file")
