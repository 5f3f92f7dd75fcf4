"""A field changes its kind while people work: what it costs is kept first, large fields change by a job.

Until the job's one transaction ends, every reader sees the old kind with its values; the field itself takes no new
values meanwhile. Cancelled or killed, nothing has changed. Who changes one of its rows meanwhile does not wait for the
end: the job takes back what it did, lets him pass, and begins anew in the quiet hours.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import undefer

from app.models import FieldConversion, FieldDefinition, Task, db
from app.rules.errors import Conflict, NotFound, Refused
from app.rules.values import COMPUTED, NUMBERS, ValueKind
from app.services import assumptions, audit, definitions, field_conversions, personal, present, reminders, tasks
from app.services.actors import Actor
from app.services.field_conversions import Losses
from app.services.transaction import transaction

AT_ONCE = 5_000  # values that change while somebody waits, unless the sheet of assumptions says otherwise
_OPEN = ("pending", "running")
WAITS = "task.waits"
_SOMEBODY_WAITS = text(
    "SELECT EXISTS (SELECT 1 FROM pg_locks w WHERE NOT w.granted AND pg_backend_pid() = ANY (pg_blocking_pids(w.pid)))"
)
_NEVER_INDEXED = COMPUTED | {ValueKind.FILES}
_log = logging.getLogger(__name__)
Line = tuple[int, str, str, str]
# What the change of the field ends with, in the job's transaction (field_definitions.finish_in).
Finish = Callable[[Actor, FieldDefinition, Mapping[str, Any]], bool]


def is_long(found: Losses, made: Mapping[str, Any]) -> bool:
    """Whether the change is a job's: for many values, and where an index reads numbers out of them.

    Such an index is built when no transaction can see the old values any more: building it reads those too.
    """
    if found.values and (made["is_indexed"] or made["is_unique"]) and ValueKind(made["kind"]) in NUMBERS:
        return True
    return found.values > assumptions.whole(assumptions.value("field_change_in_job"), AT_ONCE)


def keep_in(actor: Actor, row: FieldDefinition, made: Mapping[str, Any], found: Losses, state: str) -> FieldConversion:
    """The change as it is kept, with every value that it costs, in the open transaction."""
    kept = FieldConversion(
        field_id=row.id, user_id=actor.user_id, person_id=actor.person_id, old_kind=row.kind, made=dict(made),
        values=found.values, lost=found.lost, coarser=found.coarser, state=state,
    )  # fmt: skip
    db.session.add(kept)
    if state == "done":
        _seal_lines(kept, row)
    db.session.flush()
    return kept


def start_in(actor: Actor, row: FieldDefinition, made: Mapping[str, Any], found: Losses) -> FieldConversion:
    """Ask for the change by a job, in the open transaction. Raises Conflict("definition.moving")."""
    require_still(row.id)
    kept = keep_in(actor, row, made, found, "pending")
    task = tasks.create(
        "field_change", queue="imports", subject_id=kept.id, total=found.values, requested_by=actor.user_id
    )
    kept.task_id = task.id
    definitions.moved()
    return kept


def require_still(field_id: int) -> None:
    """Raises Conflict("definition.moving") while the field changes its kind."""
    if field_id in open_ids([field_id]):
        raise Conflict("definition.moving")


def open_ids(field_ids: Sequence[int]) -> set[int]:
    """Those of the fields whose kind is being changed now: asked for, and its task not ended."""
    query = (
        select(FieldConversion.field_id)
        .join(Task, Task.id == FieldConversion.task_id)
        .where(FieldConversion.field_id.in_(field_ids), FieldConversion.state.in_(_OPEN), Task.state.in_(_OPEN))
    )
    return set(db.session.scalars(query))


def is_open(kept: FieldConversion) -> bool:
    """Whether the change has neither happened nor ended; its task says how far it is."""
    return kept.state in _OPEN and kept.task_id is not None


def _seal_lines(kept: FieldConversion, row: FieldDefinition) -> None:
    lines = field_conversions.lost(row, ValueKind(kept.made["kind"]), kept.made["parameters"])
    if lines:
        kept.data_key = personal.new_key()
        packed = gzip.compress(json.dumps(lines, ensure_ascii=False).encode(), 6)
        kept.lines_sealed = personal.seal_bytes(kept.data_key, "lines", packed)
        kept.lost = sum(1 for line in lines if line[3] == "")
        kept.coarser = len(lines) - kept.lost


def unindex_in(row: FieldDefinition) -> None:
    """Drop the field's index: one of the old kind must not read values of the new one."""
    kept = row.retired_at
    row.retired_at = present.now()
    settle_in(row)
    row.retired_at = kept
    db.session.flush()


def settle_in(row: FieldDefinition) -> None:
    """Build or drop the index of the field, as its definition says."""
    db.session.flush()
    db.session.execute(select(func.settle_field_index(row.id)))


# --- the job ----------------------------------------------------------------------------------------------------


def apply(run: tasks.Run, actor_of: Callable[[int], Actor], finish_in: Finish) -> str:
    """Keep what is lost, then change every value and the definition in one transaction. Run again, it begins anew.

    Raises NotFound and Refused for who may not do it any more.
    """
    if _stepped_aside(run) and not reminders.quiet_hours().covers(present.now().astimezone(present.zone()).time()):
        raise tasks.Later
    try:
        if _prepared(run):
            _changed(run, actor_of, finish_in)
    except (tasks.Later, OperationalError) as error:
        _step_aside(run)
        raise tasks.Later from error
    try:
        _settled(run)
    except (DataError, OperationalError) as error:
        raise tasks.Later from error  # somebody still reads the old values, or holds the table
    return ""


def _changed(run: tasks.Run, actor_of: Callable[[int], Actor], finish_in: Finish) -> None:
    with transaction():
        kept = db.session.get_one(FieldConversion, run.subject_id, with_for_update=True, populate_existing=True)
        row = db.session.get_one(FieldDefinition, kept.field_id, with_for_update=True, populate_existing=True)
        actor = actor_of(kept.user_id)
        if not actor.grants.can("system"):
            raise Refused("access.not-granted")
        kind, parameters = ValueKind(kept.made["kind"]), kept.made["parameters"]
        _waits_briefly()
        field_conversions.convert(row, kind, parameters, told=lambda done: _told(run, done, kept.values))
        kept.state = "done"
        finish_in(actor, row, kept.made)
        run.fence()


def _waits_briefly() -> None:
    """In the open transaction: whoever comes behind one that waits for a table waits, too.

    Shorter than PostgreSQL takes to look for a deadlock: of two, this one gives way.
    """
    db.session.execute(text("SET LOCAL lock_timeout = '500ms'"))


def _told(run: tasks.Run, done: int, total: int) -> None:
    """After each part. Raises tasks.Later when somebody waits for a row that changed already."""
    if db.session.scalar(_SOMEBODY_WAITS):
        raise tasks.Later
    run.progress(done, total)


def _stepped_aside(run: tasks.Run) -> bool:
    return db.session.scalar(select(Task.message).where(Task.id == run.task_id)) == WAITS


def _settled(run: tasks.Run) -> None:
    """The index as the definition says, in a transaction of its own. Raises OperationalError instead of waiting."""
    with transaction():
        run.fence()
        _waits_briefly()
        kept = db.session.get_one(FieldConversion, run.subject_id)
        settle_in(db.session.get_one(FieldDefinition, kept.field_id, with_for_update=True))


def _step_aside(run: tasks.Run) -> None:
    """Nothing was changed: the field has its index until the next attempt, and its page says why it takes so long."""
    run.progress(0, message=WAITS)
    try:
        _settled(run)
    except OperationalError as error:
        _log.warning("the index of a field waits for the next attempt: %s", type(error).__name__)


def _prepared(run: tasks.Run) -> bool:
    """What is lost, kept in a transaction of its own; False when the change is made already."""
    with transaction():
        run.fence()
        kept = db.session.get(FieldConversion, run.subject_id, with_for_update=True, populate_existing=True)
        if kept is None:
            raise NotFound("definition.conversion-unknown", {"id": run.subject_id})
        if kept.state == "done":
            return False
        kept.state = "running"
        row = db.session.get_one(FieldDefinition, kept.field_id, with_for_update=True)
        _seal_lines(kept, row)
        _waits_briefly()
        unindex_in(row)
    return True


def give_up(conversion_id: int, state: str) -> None:
    """The task was cancelled or failed: the field is as it was, takes values again and has its index back.

    The index comes first, in a transaction of its own. Values that came in between may hinder it; the field's page
    tells then that it is missing (`unindexed`). Raises OperationalError while somebody holds the table: `settle_ended`
    comes back to it.
    """
    kept = db.session.get(FieldConversion, conversion_id, populate_existing=True)
    if kept is None or kept.state not in _OPEN:
        return
    try:
        with transaction():
            _waits_briefly()
            settle_in(db.session.get_one(FieldDefinition, kept.field_id, with_for_update=True))
    except (DataError, Conflict) as error:  # rows that have the same value by now
        _log.error("the index of a field was not built: %s", type(error).__name__)
    with transaction():
        kept = db.session.get_one(FieldConversion, conversion_id, with_for_update=True, populate_existing=True)
        if kept.state in _OPEN:
            kept.state = state
            definitions.moved()


def settle_ended() -> int:
    """Give up changes whose task ended without its handler; how many. For the timetable.

    A worker that was killed too often, or a task cancelled between two runs, tells no handler.
    """
    query = select(FieldConversion.id, Task.state).join(Task, Task.id == FieldConversion.task_id)
    found = db.session.execute(query.where(FieldConversion.state.in_(_OPEN), Task.state.not_in(_OPEN))).all()
    for conversion_id, state in found:
        give_up(conversion_id, "cancelled" if state == "cancelled" else "failed")
    return len(found)


def unindexed(rows: Sequence[FieldDefinition]) -> set[int]:
    """Those of the fields whose index is not there though their definition asks for it."""
    wanted = {
        f"{name}_{row.id}": row.id
        for row in rows
        for name, is_asked in (("fu", row.is_unique), ("fx", row.is_indexed and row.kind != ValueKind.LONG))
        if is_asked and row.retired_at is None and ValueKind(row.kind) not in _NEVER_INDEXED
    }
    if not wanted:
        return set()
    query = text("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname = ANY(:names)")
    there = set(db.session.scalars(query, {"names": list(wanted)}))
    return {row_id for name, row_id in wanted.items() if name not in there}


# --- reading ----------------------------------------------------------------------------------------------------


def latest(field_ids: Sequence[int]) -> dict[int, FieldConversion]:
    """The last change of kind of each field."""
    query = (
        select(FieldConversion)
        .where(FieldConversion.field_id.in_(field_ids))
        .where(FieldConversion.id.in_(select(func.max(FieldConversion.id)).group_by(FieldConversion.field_id)))
    )
    return {one.field_id: one for one in db.session.scalars(query)}


def lines(actor: Actor, field_id: int, conversion_id: int) -> tuple[FieldConversion, list[Line]]:
    """What a change of kind cost, for who keeps the system; audited. Raises NotFound for one that cost nothing."""
    if not actor.grants.can("system"):
        raise Refused("access.not-granted")
    with transaction():
        query = select(FieldConversion).where(
            FieldConversion.id == conversion_id, FieldConversion.field_id == field_id
        )
        kept = db.session.scalars(query.options(undefer(FieldConversion.lines_sealed))).one_or_none()
        if kept is None or kept.lines_sealed is None or kept.data_key is None:
            raise NotFound("definition.conversion-unknown", {"id": conversion_id})
        plain = gzip.decompress(personal.reveal_bytes(kept.data_key, "lines", kept.lines_sealed))
        found = [(one[0], one[1], one[2], one[3]) for one in json.loads(plain)]
        detail = {"rows": len(found), "field": field_id}
        audit.record(actor, "sheet.export", object_type="field_definition", object_id=field_id, detail=detail)
    return kept, found
