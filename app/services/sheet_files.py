"""Files that went out of sheets or into them, as their owner has them: how far each is, its content, its end.

Nobody else reads them. A content is kept for the days of the assumption `sheet_file_days`; what the row says stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import defer

from app.models import SheetFile, Task, db
from app.rules.errors import Conflict, NotFound
from app.services import assumptions, audit, file_contents, import_refusals, tasks
from app.services.actors import Actor
from app.services.transaction import transaction

SHOWN, USUAL_DAYS = 50, 7
OVER = ("ready", "failed", "cancelled", "expired", "dropped")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file with its state as it is now: pending, running, ready, failed, cancelled, expired; why it failed."""

    file: SheetFile
    state: str
    done: int
    total: int
    why: str

    @property
    def is_going_on(self) -> bool:
        """Whether somebody still works on it."""
        return self.state in ("pending", "running")


def kept_days() -> int:
    """How many days a content is kept."""
    return assumptions.whole(assumptions.value("sheet_file_days"), USUAL_DAYS)


def listed(actor: Actor, *, way: str = "export", before_id: int | None = None) -> Sequence[Listed]:
    """One's own files of that way, the latest first, one more than SHOWN when there are more; in one statement."""
    query = _own(actor).where(SheetFile.way == way, SheetFile.state != "dropped")
    if before_id is not None:
        query = query.where(SheetFile.id < before_id)
    found = db.session.execute(query.order_by(SheetFile.id.desc()).limit(SHOWN + 1))
    return [_listed(file, task) for file, task in found]


def access_file(actor: Actor, file_id: int, *, way: str = "export") -> Listed:
    """One of one's own files. Raises NotFound("sheet-file.unknown")."""
    query = _own(actor).where(SheetFile.id == file_id, SheetFile.way == way, SheetFile.state != "dropped")
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound("sheet-file.unknown", {"id": file_id})
    return _listed(*row)


def read(actor: Actor, file_id: int) -> tuple[SheetFile, bytes]:
    """A finished export with its content; each reading leaves an audit row.

    Raises NotFound("sheet-file.unknown") and Conflict("sheet-file.not-ready" or "sheet-file.expired").
    """
    with transaction():
        found = access_file(actor, file_id)
        if found.is_going_on or found.state in ("failed", "cancelled"):
            raise Conflict("sheet-file.not-ready")
        if found.state != "ready" or found.file.content_sealed is None:
            raise Conflict("sheet-file.expired", {"days": kept_days()})
        content = file_contents.read(found.file)
        detail = {"file": file_id, "rows": found.file.rows, "sha256": found.file.digest}
        audit.record(actor, "sheet.download", object_type="sheet", object_id=found.file.sheet, detail=detail)
    return found.file, content


def drop(actor: Actor, file_id: int) -> None:
    """Take a file away before its time; one that is still being made is cancelled. Raises NotFound."""
    found = access_file(actor, file_id)
    if found.is_going_on and found.file.task_id is not None:
        tasks.cancel(actor, found.file.task_id)
    with transaction():
        row = db.session.get_one(SheetFile, file_id, with_for_update=True, populate_existing=True)
        file_contents.drop(row)
        row.state = "dropped"
        audit.record(actor, "sheet.drop", object_type="sheet", object_id=row.sheet, detail={"file": file_id})


def expire(now: datetime) -> int:
    """Forget contents whose days are over; how many. For the timetable."""
    with transaction():
        old = SheetFile.at < now - timedelta(days=kept_days())
        gone = (
            update(SheetFile)
            .where(old, SheetFile.content_sealed.is_not(None))
            .values(state="expired", content_sealed=None, data_key=None)
            .returning(SheetFile.id)
        )
        ids = db.session.scalars(gone).all()
        import_refusals.forget(ids)
        return len(ids)


def _own(actor: Actor) -> Select[SheetFile, Task]:
    content = (defer(SheetFile.content_sealed), defer(SheetFile.data_key))
    query = select(SheetFile, Task).outerjoin(Task, Task.id == SheetFile.task_id).options(*content)
    return query.where(SheetFile.user_id == actor.user_id)


def _listed(file: SheetFile, task: Task | None) -> Listed:
    state, why = file.state, ""
    if task is not None and state not in OVER:
        state = {"done": "failed"}.get(task.state, task.state)
        why = task.message if state == "failed" else ""
    return Listed(file, state, task.done if task else 0, task.total if task else 0, why)

