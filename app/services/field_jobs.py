"""A field changes its kind while people work: what it costs is kept first, large fields change by a job.

The job writes the new values beside the old ones, under a name of their own, a part of the rows at a time; whoever
changes one of these rows waits for no more than such a part. Then one short transaction lets the definition name the
new values: until then every reader sees the old kind with its values, and the field itself takes no new ones.
Cancelled, nothing has changed; killed, it goes on where it was. What nobody reads any more is taken away later.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import undefer

from app.models import FieldConversion, FieldDefinition, Task, db
from app.rules.errors import Conflict, FieldErrors, FieldProblem, NotFound, Refused
from app.rules.values import COMPUTED, NUMBERS, ValueKind
from app.services import assumptions, audit, definitions, field_conversions, personal, present, tasks
from app.services.actors import Actor
from app.services.field_conversions import Losses
from app.services.transaction import transaction

AT_ONCE = 5_000  # values that change while somebody waits, unless the sheet of assumptions says otherwise
_OPEN = ("pending", "running")
WAITS = "task.waits"
LEFT_FOR = timedelta(minutes=15)
# Whoever was writing when the work began may not know that the field takes no values. Sessions that only left a
# transaction open write nothing any more.
_OLDER = text(
    """
    SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                   AND xact_start < (SELECT begun_at FROM field_conversion WHERE id = :id)
                   AND (backend_xid IS NOT NULL OR state <> 'idle in transaction'
                        OR state_change > clock_timestamp() - interval '1 minute'))
    """
)
_NEVER_INDEXED = COMPUTED | {ValueKind.FILES}
_log = logging.getLogger(__name__)
Line = tuple[int, str, str, str]
# What the change of the field ends with, in the job's transaction (field_definitions.finish_in).
Finish = Callable[[Actor, FieldDefinition, Mapping[str, Any]], bool]


def is_long(found: Losses, made: Mapping[str, Any]) -> bool:
    """Whether the change is a job's: for many values, and where an index reads numbers out of them.

    Building such an index reads the old values too, unless the new ones have a name of their own.
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
    """Keep what is lost, write every value anew beside the old one, part by part, then let the definition name the
    new ones. Run again, it goes on where it was.

    Raises NotFound and Refused for who may not do it any more, FieldErrors for what came in between: appeals that
    were archived, values that are the same now where they have to differ. Raises tasks.Later instead of waiting.
    """
    done = 0
    try:
        if _begun(run):
            if db.session.scalar(_OLDER, {"id": run.subject_id}):
                raise tasks.Later
            _kept_lines(run)
            done = _counted(run)
            while True:
                done = _copied(run, done)
                if _swapped(run, actor_of, finish_in):
                    break
        done = run.total
        _settled(run)
    except (tasks.Later, OperationalError) as error:
        run.progress(done, message=WAITS)
        raise tasks.Later from error
    return ""


def _begun(run: tasks.Run) -> bool:
    """Mark when the work began; False when only the index is still to come."""
    with transaction():
        run.fence()
        db.session.execute(update(Task).where(Task.id == run.task_id).values(message=""))
        kept, row = _both(run)
        if kept.state == "pending":
            kept.state, kept.begun_at = "running", db.session.scalar(select(func.clock_timestamp()))
        return row.slot != kept.id


def _both(run: tasks.Run) -> tuple[FieldConversion, FieldDefinition]:
    """The change and its field, locked."""
    kept = db.session.get(FieldConversion, run.subject_id, with_for_update=True, populate_existing=True)
    if kept is None:
        raise NotFound("definition.conversion-unknown", {"id": run.subject_id})
    return kept, db.session.get_one(FieldDefinition, kept.field_id, with_for_update=True, populate_existing=True)


def _kept_lines(run: tasks.Run) -> None:
    """What is lost, before anything changes: from here on nobody writes the old values any more."""
    with transaction():
        run.fence()
        kept, row = _both(run)
        if kept.data_key is None:
            _seal_lines(kept, row)


def _counted(run: tasks.Run) -> int:
    kept = db.session.get_one(FieldConversion, run.subject_id)
    row = db.session.get_one(FieldDefinition, kept.field_id)
    done = field_conversions.copied(row, _name(kept, row))
    db.session.rollback()
    return done


def _copied(run: tasks.Run, done: int) -> int:
    """Once through all rows, each part in a transaction of its own; how many values are written anew now."""
    after = 0
    while True:
        with transaction():
            run.fence()
            kept = db.session.get_one(FieldConversion, run.subject_id)
            row = db.session.get_one(FieldDefinition, kept.field_id)
            ids = field_conversions.copy_part(row, *_wanted(kept), _name(kept, row), after=after)
        if not ids:
            return done
        after, done = ids[-1], done + len(ids)
        run.progress(min(done, run.total))


def _swapped(run: tasks.Run, actor_of: Callable[[int], Actor], finish_in: Finish) -> bool:
    """Write what is left and let the definition name the new values; False when more than a part was left."""
    with transaction():
        run.fence()
        _waits_briefly()
        kept, row = _both(run)
        actor = actor_of(kept.user_id)
        if not actor.grants.can("system"):
            raise Refused("access.not-granted")
        name = _name(kept, row)
        left = field_conversions.copy_part(row, *_wanted(kept), name, waits=True)
        if len(left) == field_conversions.PART:
            return False
        archived = field_conversions.uncopied(row, name) if row.table_name == "appeal" else 0
        if archived:
            raise FieldErrors([FieldProblem("kind", "definition.archived", {"count": archived})])
        kept.leftover, row.slot = field_conversions.code_of(row), kept.id
        finish_in(actor, row, kept.made)
    return True


def _name(kept: FieldConversion, row: FieldDefinition) -> str:
    """Under which name rows hold the values that this change writes."""
    return definitions.code_in(row.code, kept.id)


def _wanted(kept: FieldConversion) -> tuple[ValueKind, Mapping[str, Any]]:
    return ValueKind(kept.made["kind"]), kept.made["parameters"]


def _waits_briefly() -> None:
    """In the open transaction: whoever comes behind one that waits for a table waits, too.

    Shorter than PostgreSQL takes to look for a deadlock: of two, this one gives way.
    """
    db.session.execute(text("SET LOCAL lock_timeout = '500ms'"))


def _settled(run: tasks.Run) -> None:
    """The index as the definition says; until it is there the field takes no values.

    In two transactions: dropping the old one keeps readers out, building the new one takes its time.
    """
    with transaction():
        run.fence()
        _waits_briefly()
        unindex_in(_both(run)[1])
    with transaction():
        run.fence()
        _waits_briefly()
        kept, row = _both(run)
        settle_in(row)
        kept.state = "done"
        definitions.moved()


def give_up(conversion_id: int, state: str) -> None:
    """The task was cancelled or failed: the field is as it was and takes values again.

    When the definition names the new values already, the change is done, and only its index may be missing; the
    field's page tells of that (`unindexed`). Raises OperationalError while somebody holds the table: `settle_ended`
    comes back to it.
    """
    kept = db.session.get(FieldConversion, conversion_id, populate_existing=True)
    if kept is None or kept.state not in _OPEN:
        return
    is_done = kept.field.slot == kept.id
    if is_done:
        try:
            with transaction():
                _waits_briefly()
                settle_in(db.session.get_one(FieldDefinition, kept.field_id, with_for_update=True))
        except (DataError, Conflict) as error:
            _log.error("the index of a field was not built: %s", type(error).__name__)
    with transaction():
        kept = db.session.get_one(FieldConversion, conversion_id, with_for_update=True, populate_existing=True)
        if kept.state in _OPEN:
            kept.state = "done" if is_done else state
            kept.leftover = kept.leftover if is_done else _name(kept, kept.field)
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


def clear(*, most: int = 5) -> int:
    """Take out of rows, in parts, what changes of kind left in them; how many rows. For the timetable.

    Not at once: who read the definitions before the change still finds the old values.
    """
    cleared, parts = 0, 0
    ended = Task.finished_at < present.now() - LEFT_FOR
    query = select(FieldConversion.id).join(Task, Task.id == FieldConversion.task_id)
    for conversion_id in db.session.scalars(query.where(FieldConversion.leftover.is_not(None), ended)).all():
        after = 0
        while parts < most:
            parts += 1
            with transaction():
                kept = db.session.get_one(FieldConversion, conversion_id)
                row = db.session.get_one(FieldDefinition, kept.field_id)
                name = kept.leftover or ""
                ids = field_conversions.clear_part(row, name, after=after)
                if not ids and not field_conversions.holds(row, name):
                    kept.leftover = None
            if not ids:
                break
            after, cleared = ids[-1], cleared + len(ids)
    return cleared


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
