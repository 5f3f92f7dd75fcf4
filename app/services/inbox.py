"""A person's in-app inbox: what he was told, in ids; words are made where it is shown (app/notices.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from app.models import Appeal, Clock, DutyShift, Notice, StaffingChange, Task, db
from app.services import present
from app.services.actors import Actor
from app.services.transaction import transaction

MOST_UNREAD = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. Its appeal or record is named by its number alone: what it says is shown where access is checked."""

    id: int
    kind: str
    appeal_id: int | None
    number: str | None
    clock_id: int | None
    clock_kind: str | None
    due_at: datetime | None
    stopped_at: datetime | None
    task_id: int | None
    task_kind: str | None
    task_subject_id: int | None
    subject_type: str
    subject_id: int | None
    shift_at: datetime | None
    created_at: datetime
    read_at: datetime | None

    @property
    def data(self) -> dict[str, Any]:
        """What the words need."""
        return {
            "number": self.number,
            "clock": self.clock_kind,
            "due_at": self.due_at,
            "task": self.task_kind,
            "subject": (self.subject_type, self.subject_id),
            "shift_at": self.shift_at,
        }


def list_for(actor: Actor, *, before_id: int | None = None, limit: int = 30) -> list[Entry]:
    """The newest notices of this person, in one statement; older ones by `before_id`."""
    if actor.person_id is None:
        return []
    query = (
        select(
            Notice.id,
            Notice.kind,
            Notice.appeal_id,
            func.coalesce(Appeal.number, StaffingChange.number),
            Notice.clock_id,
            Clock.kind.label("clock_kind"),
            Clock.due_at,
            Clock.stopped_at,
            Notice.task_id,
            Task.kind.label("task_kind"),
            Task.subject_id.label("task_subject_id"),
            Notice.subject_type,
            Notice.subject_id,
            func.lower(DutyShift.valid),
            Notice.created_at,
            Notice.read_at,
        )
        .outerjoin(Appeal, Appeal.id == Notice.appeal_id)
        .outerjoin(Clock, Clock.id == Notice.clock_id)
        .outerjoin(Task, Task.id == Notice.task_id)
        .outerjoin(
            StaffingChange,
            (Notice.subject_type == StaffingChange.__tablename__) & (Notice.subject_id == StaffingChange.id),
        )
        .outerjoin(
            DutyShift, (Notice.subject_type == DutyShift.__tablename__) & (Notice.subject_id == DutyShift.id)
        )
        .where(Notice.person_id == actor.person_id)
        .order_by(Notice.id.desc())
        .limit(max(1, min(limit, 100)))
    )
    if before_id is not None:
        query = query.where(Notice.id < before_id)
    rows: list[tuple[Any, ...]] = [tuple(row) for row in db.session.execute(query)]
    return [Entry(*row) for row in rows]


def unread_count(actor: Actor) -> int:
    """How many notices this person has not read; counting stops at 100."""
    if actor.person_id is None:
        return 0
    unread = select(Notice.id).where(Notice.person_id == actor.person_id, Notice.read_at.is_(None))
    counted = unread.limit(MOST_UNREAD).subquery()
    return db.session.scalar(select(func.count()).select_from(counted)) or 0


def mark_read(actor: Actor, notice_ids: Sequence[int] | None) -> int:
    """Mark these notices read, or all with None; how many changed. Notices of others are not touched."""
    if actor.person_id is None:
        return 0
    statement = (
        update(Notice)
        .where(Notice.person_id == actor.person_id, Notice.read_at.is_(None))
        .values(read_at=present.now())
        .execution_options(synchronize_session=False)
    )
    if notice_ids is not None:
        statement = statement.where(Notice.id.in_(list(notice_ids)))
    with transaction():
        result: Any = db.session.execute(statement)
    return int(result.rowcount)
