"""Reading the audit trail and the journal by key, as audit officer; each page read is itself a row of the trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from app.models import Account, Audit, Journal, JournalSeal, Person, Post, db
from app.rules.errors import Refused
from app.rules.quarters import midnight
from app.services import access, audit, present, sealing
from app.services.actors import Actor
from app.services.transaction import transaction

SIZE = 50
# Links checked whenever the page is opened; the whole chain on demand, up to a length a page may wait for.
LATEST = 1000
CHECKED_ON_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the audit trail with who did it: a login's name, and the person's where it has one."""

    row: Audit
    username: str
    person: Person | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal: that something was changed, never what it said. `seq` is its seal, None while open."""

    id: int
    at: datetime
    action: str
    object_type: str
    object_id: int
    person: Person | None
    username: str | None
    acted_as: str
    post: Post | None
    role: str | None
    seq: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page by key: its rows, newest first, and the key behind which the older ones stand."""

    rows: tuple[Any, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class Chain:
    """How the journal's hash chain stands: its end, what waits for a seal, the first link that does not hold."""

    head: sealing.Head | None
    tail: sealing.Tail
    checked_from: int
    broken: sealing.Broken | None


def events(
    actor: Actor,
    *,
    event: str = "",
    result: str = "",
    username: str = "",
    first_day: date | None = None,
    last_day: date | None = None,
    before: int | None = None,
) -> Page:
    """A page of the audit trail; reading it is recorded with what was looked for.

    Days are local and both included. Raises Refused("access.not-granted"), OverflowError for a day at the
    ends of the calendar.
    """
    access.require_anywhere(actor, "audit")
    query: Select[Any] = (
        select(Audit, User.username, Person)
        .join(User, User.id == Audit.user_id, isouter=True)
        .join(Account, Account.user_id == Audit.user_id, isouter=True)
        .join(Person, Person.id == Account.person_id, isouter=True)
    )
    if event:
        query = query.where(Audit.event == event)
    if result:
        query = query.where(Audit.result == result)
    if username:
        query = query.where(Audit.user_id.in_(_users(username)))
    if first_day:
        query = query.where(Audit.at >= midnight(first_day, present.zone()))
    if last_day:
        query = query.where(Audit.at < midnight(last_day + timedelta(days=1), present.zone()))
    if before is not None:
        query = query.where(Audit.id < before)
    found = db.session.execute(query.order_by(Audit.id.desc()).limit(SIZE + 1)).all()
    rows = tuple(Event(row, name or "", person) for row, name, person in found[:SIZE])
    page = Page(rows, rows[-1].row.id if len(found) > SIZE else None)
    asked = {"event": event, "result": result, "user": username, "from": first_day, "until": last_day, "before": before}
    _record(actor, "audit.read", {name: str(value) for name, value in asked.items() if value})
    return page


def journal(actor: Actor, *, object_type: str = "", before: int | None = None) -> Page:
    """A page of the journal without what the rows say; the reading is recorded. Raises like `events`."""
    access.require_anywhere(actor, "audit")
    query = (
        select(Journal, JournalSeal.seq, User.username)
        .join(JournalSeal, JournalSeal.journal_id == Journal.id, isouter=True)
        .join(User, User.id == Journal.user_id, isouter=True)
        .options(joinedload(Journal.person), joinedload(Journal.post))
    )
    if object_type:
        query = query.where(Journal.object_type == object_type)
    if before is not None:
        query = query.where(Journal.id < before)
    found = db.session.execute(query.order_by(Journal.id.desc()).limit(SIZE + 1)).all()
    rows = tuple(_entry(*one) for one in found[:SIZE])
    _record(actor, "journal.read", {"object_type": object_type} if object_type else {})
    return Page(rows, rows[-1].id if len(found) > SIZE else None)


def chain(actor: Actor, *, whole: bool = False) -> Chain:
    """How the hash chain stands; its latest links are checked, or all of them, which is recorded.

    Raises Refused("access.not-granted"), and Refused("journal.too-long") for a whole chain too long for a page.
    """
    access.require_anywhere(actor, "audit")
    head = sealing.head()
    length = head.seq if head else 0
    if whole and length > CHECKED_ON_PAGE:
        raise Refused("journal.too-long", {"links": length})
    start = 1 if whole else max(1, length - LATEST + 1)
    broken = sealing.verify(start=start)
    if whole:
        _record(actor, "journal.verified", {"links": length, "broken": broken is not None})
    return Chain(head, sealing.tail(), start, broken)


def _users(text: str) -> Select[tuple[int]]:
    """Logins of that name, or of a person of that name."""
    of_person = select(Account.user_id).join(Person, Person.id == Account.person_id).where(Person.name == text)
    return select(User.id).where((func.lower(User.username) == text.lower()) | User.id.in_(of_person))


def _entry(row: Journal, seq: int | None, username: str | None) -> Entry:
    what = (row.id, row.at, row.action, row.object_type, row.object_id)
    return Entry(*what, row.person, username, row.acted_as, row.post, row.role, seq)


def _record(actor: Actor, event: str, detail: dict[str, Any]) -> None:
    with transaction():
        audit.record(actor, event, detail=detail)
