"""The transactional outbox: a notice is a row of the transaction that causes it (SECURITY §2).

A row is claimed under a lease by one worker; every later write carries the lease's token, so a worker that
lost its lease writes nothing. Leases run by the database's clock, due moments by the caller's `now`. The
in-app inbox is exactly once: the notice and the mark are one transaction. Mail is at most once: an attempt
whose end nobody saw becomes `uncertain` and waits for a person.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import case, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.models import Delivery, Notice, db
from app.services import ladders, present, queues
from app.services.transaction import transaction

INBOX, MAIL = "inbox", "mail"
# Longer than twice the slowest honest attempt: an SMTP dialogue of eight exchanges with 15 s each.
LEASE = {INBOX: timedelta(seconds=60), MAIL: timedelta(seconds=300)}
BACK_OFF = tuple(timedelta(seconds=s) for s in (30, 60, 120, 300, 900, 1800, 3600))
SAME_PERSON = "same-person"
# What happened to a closed appeal is told; what is to be done with one is not worth telling any more.
TOLD_AFTER_CLOSING = frozenset({"appeal.dissatisfied", "slip.fulfilled"})


@dataclass(frozen=True, slots=True)
class Message:
    """One notice to one person, before it has channels. `key` names the event once and for ever."""

    kind: str
    recipient_id: int
    key: str
    due_at: datetime
    appeal_id: int | None = None
    clock_id: int | None = None
    rule_id: int | None = None
    post_id: int | None = None
    task_id: int | None = None
    subject_type: str = ""
    subject_id: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed delivery: who may write it until when is `token`'s business."""

    id: int
    token: str
    idem_key: str
    channel: str
    kind: str
    recipient_id: int
    appeal_id: int | None
    clock_id: int | None
    rule_id: int | None
    post_id: int | None
    task_id: int | None
    subject_type: str
    subject_id: int | None
    attempts: int


@dataclass(frozen=True, slots=True)
class SkippedReminder:
    """A reminder that told nobody: the rung is vacant, or who stands there was told on a lower rung."""

    key: str
    kind: str
    reason: str
    due_at: datetime
    appeal_id: int
    clock_id: int
    rule_id: int
    recipient_id: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a delivery is still wanted. `reason` is a code, empty when it is; `instead` who should get it
    now.
    """

    reason: str = ""
    instead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """What an operator must see: how much waits, since when, and what needs a person."""

    waiting: int
    oldest_due_at: datetime | None
    sending: int
    uncertain: int
    dead: int


# --- inside the transaction of the cause --------------------------------------------------------------------


def enqueue(
    kind: str,
    recipient_ids: Iterable[int],
    *,
    key: str,
    appeal_id: int | None = None,
    clock_id: int | None = None,
    post_id: int | None = None,
    task_id: int | None = None,
    subject: tuple[str, int] | None = None,
    due_at: datetime | None = None,
) -> int:
    """Add one notice per person to the open transaction and wake a worker after the commit; the number of new
    rows.

    The same `key` for the same person goes out once, however often it is enqueued. `subject` is the table and id
    of what the notice is about when that is no appeal, clock or task. `due_at` is now by default.
    """
    moment = due_at or present.now()
    about = subject or ("", None)
    return enqueue_all(
        Message(kind, person, key, moment, appeal_id, clock_id, None, post_id, task_id, *about)
        for person in dict.fromkeys(recipient_ids)
    )


# A row that was cancelled before it went out lives again; any other row with the same key stays as it is.
_INSERT = text(
    """
    INSERT INTO delivery
        (idem_key, channel, recipient_id, kind, due_at, appeal_id, clock_id, rule_id, post_id, task_id,
         subject_type, subject_id)
    SELECT m.key || '|' || c.channel || '|person:' || p.id, c.channel, p.id, m.kind, m.due_at,
           m.appeal_id, m.clock_id, m.rule_id, m.post_id, m.task_id, m.subject_type, m.subject_id
    FROM jsonb_to_recordset(CAST(:messages AS jsonb)) AS m (key text, kind text, recipient_id int,
         due_at timestamptz, appeal_id int, clock_id int, rule_id int, post_id int, task_id int,
         subject_type text, subject_id int)
    JOIN person p ON p.id = m.recipient_id AND p.active
    JOIN (VALUES ('inbox'), ('mail')) AS c (channel) ON c.channel = 'inbox' OR (:mail AND p.email <> '')
    ORDER BY p.id, m.key, c.channel
    ON CONFLICT (idem_key) DO UPDATE
        SET state = 'pending', due_at = excluded.due_at, attempts = 0, last_error = ''
        WHERE delivery.state = 'cancelled' AND delivery.last_error <> :same_person
    RETURNING id, due_at
    """
)


def enqueue_all(messages: Iterable[Message]) -> int:
    """The same for many messages in one statement."""
    listed = [asdict(message) | {"due_at": message.due_at.isoformat()} for message in messages]
    if not listed:
        return 0
    db.session.flush()
    parameters = {"messages": json.dumps(listed), "mail": mail_is_on(), "same_person": SAME_PERSON}
    rows = db.session.execute(_INSERT, parameters).all()
    now = present.now()
    queues.nudge_after_commit("deliveries", "send_delivery", *(row.id for row in rows if row.due_at <= now))
    return len(rows)


def mail_is_on() -> bool:
    """Whether a mail gateway is configured; a fresh installation has none and sends nothing outside."""
    return bool(current_app.config.get("MAIL_URL"))


def record_skipped(rows: Iterable[SkippedReminder]) -> None:
    """Note in the outbox, inside the open transaction, why a reminder told nobody; repeating it changes
    nothing.
    """
    listed = [
        {
            "idem_key": f"{row.key}|{row.reason.partition(':')[0]}|person:{row.recipient_id or '-'}",
            "channel": INBOX,
            "recipient_id": row.recipient_id,
            "kind": row.kind,
            "appeal_id": row.appeal_id,
            "clock_id": row.clock_id,
            "rule_id": row.rule_id,
            "state": "cancelled",
            "due_at": row.due_at,
            "last_error": row.reason[:200],
        }
        for row in rows
    ]
    if listed:
        db.session.execute(insert(Delivery).on_conflict_do_nothing(index_elements=["idem_key"]), listed)


# --- the worker's side --------------------------------------------------------------------------------------


def claim(delivery_id: int, now: datetime) -> Lease | None:
    """Take a due delivery under a lease; None when it is not due, done, or somebody else's.

    An inbox delivery whose lease ran out is taken over. A mail whose lease ran out is not: see `expire`.
    """
    free = or_(
        (Delivery.state == "pending") & (Delivery.due_at <= now),
        (Delivery.state == "sending") & (Delivery.channel == INBOX) & (Delivery.lease_until < func.clock_timestamp()),
    )
    picked = select(Delivery.id).where(Delivery.id == delivery_id, free).with_for_update(skip_locked=True)
    token = uuid.uuid4().hex
    statement = (
        update(Delivery)
        .where(Delivery.id == picked.scalar_subquery())
        .values(
            state="sending",
            attempts=Delivery.attempts + 1,
            lease_token=token,
            lease_until=func.clock_timestamp() + _lease_time(),
        )
        .returning(
            Delivery.id,
            Delivery.lease_token,
            Delivery.idem_key,
            Delivery.channel,
            Delivery.kind,
            Delivery.recipient_id,
            Delivery.appeal_id,
            Delivery.clock_id,
            Delivery.rule_id,
            Delivery.post_id,
            Delivery.task_id,
            Delivery.subject_type,
            Delivery.subject_id,
            Delivery.attempts,
        )
        .execution_options(synchronize_session=False)
    )
    with transaction():
        row: Any = db.session.execute(statement).one_or_none()
    return Lease(*row) if row else None


def _lease_time() -> Any:
    return case((Delivery.channel == MAIL, LEASE[MAIL]), else_=LEASE[INBOX])


_FACTS = text(
    """
    SELECT p.active, c.id AS clock_id, c.kind AS clock_kind, c.post_id, c.unit_id,
           c.stopped_at IS NOT NULL AS stopped,
           to_char(c.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS slot,
           a.state AS appeal_state, r.active AS rule_active, r.rung
    FROM delivery d
    JOIN person p ON p.id = d.recipient_id
    LEFT JOIN clock c ON c.id = d.clock_id
    LEFT JOIN appeal a ON a.id = COALESCE(d.appeal_id, c.appeal_id)
    LEFT JOIN reminder_rule r ON r.id = d.rule_id
    WHERE d.id = :id
    """
)


def recheck(lease: Lease, now: datetime) -> Verdict:
    """Whether the notice is still wanted at the moment of sending, and by whom (SECURITY §2 step 4)."""
    facts = db.session.execute(_FACTS, {"id": lease.id}).one()
    if not facts.active:
        return Verdict("person-inactive")
    if facts.stopped:
        return Verdict("clock-stopped")
    if facts.appeal_state in ("closed", "archived", "history") and lease.kind not in TOLD_AFTER_CLOSING:
        return Verdict("appeal-closed")
    if lease.rule_id is not None:
        return _recheck_reminder(lease, facts, now)
    if lease.post_id is not None:
        known = ladders.directory([ladders.Place("", lease.post_id, None)], now)
        acting = known.acting(lease.post_id)
        # Nobody acting is no reason to lose it: the person it was meant for reads it when he is back.
        if acting and lease.recipient_id not in acting:
            return Verdict("not-acting", acting)
    return Verdict()


def _recheck_reminder(lease: Lease, facts: Any, now: datetime) -> Verdict:
    if not facts.rule_active:
        return Verdict("rule-off")
    if f"|slot:{facts.slot}|" not in lease.idem_key:
        return Verdict("superseded")
    place = ladders.Place(facts.clock_kind, facts.post_id, facts.unit_id)
    if lease.recipient_id not in ladders.directory([place], now).told(place, facts.rung).person_ids:
        return Verdict("not-acting")
    return Verdict()


def deliver_to_inbox(lease: Lease, now: datetime) -> bool:
    """Write the notice and mark the delivery sent, together or not at all; False when the lease was lost."""
    with transaction():
        if not _write(lease, state="sent", sent_at=now, last_error=""):
            return False
        notice = {
            "delivery_id": lease.id,
            "person_id": lease.recipient_id,
            "kind": lease.kind,
            "appeal_id": lease.appeal_id,
            "clock_id": lease.clock_id,
            "task_id": lease.task_id,
            "subject_type": lease.subject_type,
            "subject_id": lease.subject_id,
            "created_at": now,
        }
        db.session.execute(insert(Notice).values(notice).on_conflict_do_nothing(index_elements=["delivery_id"]))
    return True


def mark_sent(lease: Lease, now: datetime) -> bool:
    """The gateway accepted it."""
    return _mark(lease, state="sent", sent_at=now, last_error="")


def retry(lease: Lease, error: str, now: datetime) -> bool:
    """The gateway certainly did not take it: try again later, or give up after the last back-off."""
    if lease.attempts > len(BACK_OFF):
        return mark_dead(lease, error)
    due_at = now + BACK_OFF[lease.attempts - 1]
    return _mark(lease, state="pending", due_at=due_at, last_error=error[:200])


def mark_uncertain(lease: Lease, error: str) -> bool:
    """Nobody knows whether it went out: a person decides, nothing is sent again by itself."""
    return _mark(lease, state="uncertain", last_error=error[:200])


def mark_dead(lease: Lease, error: str) -> bool:
    """It will never go out."""
    return _mark(lease, state="dead", last_error=error[:200])


def cancel(lease: Lease, reason: str) -> bool:
    """It is no longer wanted; `reason` is a code."""
    return _mark(lease, state="cancelled", last_error=reason[:200])


def readdress(lease: Lease, recipient_ids: Iterable[int], reason: str, now: datetime) -> bool:
    """Cancel it and enqueue the same event for those who act now; False when the lease was lost."""
    key = lease.idem_key.rsplit(f"|{lease.channel}|person:", 1)[0]
    with transaction():
        if not _write(lease, state="cancelled", last_error=reason[:200]):
            return False
        enqueue_all(
            Message(
                lease.kind,
                person,
                key,
                now,
                lease.appeal_id,
                lease.clock_id,
                None,
                lease.post_id,
                lease.task_id,
                lease.subject_type,
                lease.subject_id,
            )
            for person in recipient_ids
        )
    return True


def _mark(lease: Lease, **values: Any) -> bool:
    with transaction():
        return _write(lease, **values)


def _write(lease: Lease, **values: Any) -> bool:
    """Fencing: a stale worker's write finds no row."""
    statement = (
        update(Delivery)
        .where(Delivery.id == lease.id, Delivery.state == "sending", Delivery.lease_token == lease.token)
        .values(lease_token=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
    result: Any = db.session.execute(statement)
    return bool(result.rowcount == 1)


# --- the sweeper's side -------------------------------------------------------------------------------------


def expire() -> int:
    """Mails whose attempt ended unseen (the lease ran out) become uncertain; how many."""
    statement = (
        update(Delivery)
        .where(
            Delivery.state == "sending",
            Delivery.channel == MAIL,
            Delivery.lease_until < func.clock_timestamp(),
        )
        .values(state="uncertain", last_error="lease-expired", lease_token=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
    with transaction():
        result: Any = db.session.execute(statement)
    return int(result.rowcount)


def overdue_ids(now: datetime, *, grace: timedelta = timedelta(seconds=10), limit: int = 500) -> Sequence[int]:
    """Deliveries that should have gone out: due since `grace`, or left behind by a dead worker."""
    waiting = (Delivery.state == "pending") & (Delivery.due_at <= now - grace)
    left = (Delivery.state == "sending") & (Delivery.channel == INBOX) & (Delivery.lease_until < func.clock_timestamp())
    query = select(Delivery.id).where(Delivery.state.in_(("pending", "sending")), or_(waiting, left))
    query = query.order_by(Delivery.due_at, Delivery.id).limit(limit)
    found: Sequence[int] = db.session.scalars(query).all()
    return found


def sweep(now: datetime, *, limit: int = 500) -> int:
    """Wake workers for what should have gone out; how many. Repeating it is harmless: the claim decides.

    A queue that is already long is left alone, so that a dead worker does not fill Redis.
    """
    expire()
    waiting = queues.length("deliveries")
    if waiting is None or waiting >= limit:
        return 0
    ids = overdue_ids(now, limit=limit)
    queues.nudge("deliveries", "send_delivery", *ids)
    return len(ids)


def overview(now: datetime) -> Overview:
    """The state of the outbox in one statement."""
    due = (Delivery.state == "pending") & (Delivery.due_at <= now)
    query = select(
        func.count().filter(due),
        func.min(Delivery.due_at).filter(due),
        func.count().filter(Delivery.state == "sending"),
        func.count().filter(Delivery.state == "uncertain"),
        func.count().filter(Delivery.state == "dead"),
    ).where(or_(Delivery.state.in_(("pending", "sending")), Delivery.state.in_(("uncertain", "dead"))))
    return Overview(*db.session.execute(query).one())
