"""What a change of the calendar or of a limit does to running clocks: told before it is saved, applied by one job.

The write path of the sheets asks `follow` in its own transaction. A change that moves an open appeal's due moment is
refused until somebody has seen what it moves; then a `Recount` and its task are written with it. Clocks that stopped
and appeals that ended never move (R10). Due moments are computed here as everywhere (app/rules/clocks.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, func, insert, select, text, true, update

from app.models import Appeal, Assignment, Clock, ClockChange, Journal, LimitRule, Membership, Recount, db
from app.rules import clocks as rules
from app.rules.calendar import WorkingCalendar
from app.rules.errors import Conflict, Invalid
from app.rules.workflow import OPEN_STATES, State
from app.services import calendar, clocks, journal, outbox, present, tasks
from app.services.actors import Actor
from app.services.sheet_rows import Draft, Sheet, journalled
from app.services.transaction import transaction

# The sheets from which due moments follow.
SHEETS = frozenset({"calendar", "limits"})
_ENDED = tuple(state.value for state in State if state not in OPEN_STATES)
# Appeals of one transaction of the job; a person who acts on one of them waits that long at most.
BATCH = 200
# How many clocks a preview looks at before it says "at least".
MOST = 300_000
SHOWN = 20
REMEMBERED = 50_000
LOCK = 0xC10C
# Kinds whose due moment follows from the day of the start alone, whatever its hour.
_BY_DAY = frozenset({"working_days", "calendar_days"})
# Kinds that run for a unit.
_OF_UNITS = ("sign_in", "unit_limit", "co_limit")
_MEASURES = ("kind", "amount", "at", "until", "roll")


@dataclass(frozen=True)
class Change:
    """What was changed: days of the calendar, or limits by id with what they are now.

    `rows` and `years` say what was written, for who reads of it or takes it back.
    """

    days: tuple[date, ...] = ()
    limits: Mapping[int, rules.Limit] = field(default_factory=dict)
    rows: tuple[Mapping[str, Any], ...] = ()
    years: tuple[int, ...] = ()
    is_everything: bool = False

    @property
    def kind(self) -> str:
        """The word under which its moves are kept."""
        return "limit" if self.limits else "calendar"

    def to_json(self) -> dict[str, Any]:
        """The change as JSON values; `Change.from_json` reads it back."""
        return {
            "days": [day.isoformat() for day in self.days],
            "limits": {str(row_id): limit.to_json() for row_id, limit in self.limits.items()},
            "rows": [dict(row) for row in self.rows],
            "years": list(self.years),
            "everything": self.is_everything,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Change:
        """Reads what `to_json` wrote."""
        return cls(
            tuple(date.fromisoformat(day) for day in data.get("days", ())),
            {int(row_id): rules.Limit.from_json(limit) for row_id, limit in data.get("limits", {}).items()},
            tuple(data.get("rows", ())),
            tuple(data.get("years", ())),
            bool(data.get("everything")),
        )


@dataclass
class Consent:
    """Whether the person has seen what his change moves; afterwards which recount applies it, if any."""

    is_given: bool = False
    recount_id: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A clock and its new deadline; `is_moved` unless only its explanation changes."""

    clock_id: int
    appeal_id: int
    kind: str
    old: datetime
    new: datetime
    late_when: str
    is_moved: bool

    def is_late(self, due_at: datetime, now: datetime) -> bool:
        """Whether the clock, due then, reads as overdue."""
        return rules.is_late(due_at, rules.LateWhen(self.late_when), now)


@dataclass
class Preview:
    """What would move: open appeals, clocks, how many of the appeals become overdue and are no longer."""

    appeals: int = 0
    clocks: int = 0
    overdue: int = 0
    eased: int = 0
    touched: int = 0  # clocks that keep their due moment but are explained otherwise
    seen: int = 0
    is_capped: bool = False
    first: list[Move] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The figures as JSON values."""
        names = ("appeals", "clocks", "overdue", "eased", "touched", "seen")
        return {name: getattr(self, name) for name in names}


class MovesClocks(Conflict):
    """A change that moves open appeals and that nobody has consented to yet; it carries what it moves."""

    def __init__(self, preview: Preview) -> None:
        super().__init__("recount.consent-first", {"count": preview.appeals})
        self.preview = preview

    def __reduce__(self) -> tuple[Any, ...]:
        return MovesClocks, (self.preview,)


# --- from a written row to what it changes ------------------------------------------------------------------------


def change_of(sheet: Sheet, drafts: Sequence[Draft]) -> Change | None:
    """What rows that were just written change for clocks; None when nothing."""
    rows = tuple(_row(sheet, draft) for draft in drafts)
    if sheet.code == "calendar":
        days = sorted({day for draft in drafts for day in _days(draft)})
        return Change(days=tuple(days), rows=rows) if days else None
    limits = {draft.row.id: limit for draft in drafts if (limit := _new_limit(draft)) is not None}
    return Change(limits=limits, rows=rows) if limits else None


def _row(sheet: Sheet, draft: Draft) -> dict[str, Any]:
    names = [name for name in draft.values if draft.is_new or draft.values[name] != draft.old.get(name)]
    kept = {one.name for one in sheet.fields} & set(names)
    return {
        "sheet": sheet.code,
        "id": draft.row.id,
        "version": draft.row.version,
        "is_new": draft.is_new,
        "old": journalled(sheet, {name: draft.old[name] for name in kept if name in draft.old}),
        "new": journalled(sheet, {name: draft.values[name] for name in kept}),
    }


def _days(draft: Draft) -> set[date]:
    before, after = (
        (values["day"], values["kind"], values["name"]) if values and values["active"] else None
        for values in (draft.old, draft.values)
    )
    return {entry[0] for entry in (before, after) if entry} if before != after else set()


def _new_limit(draft: Draft) -> rules.Limit | None:
    if draft.is_new or not draft.values["active"] or not draft.changed(*_MEASURES):
        return None
    return clocks.as_rule(draft.row)


# --- looking ------------------------------------------------------------------------------------------------------


def follow(actor: Actor, change: Change | None, consent: Consent) -> None:
    """What follows from a change, in the open transaction that made it: nothing, or its recount and task.

    Raises MovesClocks while somebody's open appeals move and he has not been told.
    """
    if change is None:
        return
    calendar.forget()
    preview = look(change, present.now())
    if preview.appeals and not consent.is_given:
        raise MovesClocks(preview)
    if preview.clocks or preview.touched:
        consent.recount_id = begin(actor, change, preview).id


def begin(actor: Actor, change: Change, preview: Preview) -> Recount:
    """The recount and its task, in the open transaction."""
    recount = Recount(
        kind=change.kind,
        change=change.to_json(),
        counts={"told": preview.counts(), "after": 0, "newest": _newest_clock(), "late": False, "moved": {}},
        asked_by_id=actor.user_id,
    )
    db.session.add(recount)
    db.session.flush()
    task = tasks.create(
        "recount", queue="imports", subject_id=recount.id, total=preview.seen, requested_by=actor.user_id
    )
    recount.task_id = task.id
    journal.write(actor, "recount", "recount", recount.id, new={"kind": change.kind, **preview.counts()})
    return recount


def look(change: Change, now: datetime, *, most: int = MOST) -> Preview:
    """What a change moves, without writing anything; looks no further than at `most` clocks."""
    found = Preview()
    late: list[Move] = []
    last: dict[str, int] = {}
    for move, is_capped in _moves(change, most):
        found.seen += 1
        if is_capped:
            found.is_capped = True
            break
        if move is None:
            continue
        if not move.is_moved:
            found.touched += 1
            continue
        found.clocks += 1
        was, will = move.is_late(move.old, now), move.is_late(move.new, now)
        for name, is_so in (("appeals", True), ("overdue", will and not was), ("eased", was and not will)):
            if is_so and last.get(name) != move.appeal_id:  # clocks come by appeal
                last[name] = move.appeal_id
                setattr(found, name, getattr(found, name) + 1)
        kept = late if will and not was else found.first
        if len(kept) < SHOWN:
            kept.append(move)
    found.first = [*late, *found.first][:SHOWN]
    return found


def _moves(change: Change, most: int) -> Iterator[tuple[Move | None, bool]]:
    """Every clock in question by appeal: its move, or None when it stays."""
    query = _candidates(change).order_by(Clock.appeal_id, Clock.id).limit(most + 1)
    counting = Counting(change)
    rows = db.session.execute(query.execution_options(yield_per=2000))
    for number, row in enumerate(rows):
        if number >= most:
            yield None, True
            return
        yield counting.move(row), False


def every_open_clock(batch: int) -> Iterator[Row[Any]]:
    """Every running clock with a limit of an open appeal, read in batches."""
    query = _candidates(Change(is_everything=True)).order_by(Clock.id)
    yield from db.session.execute(query.execution_options(yield_per=batch))


def _candidates(change: Change) -> Select[Any]:
    """Running clocks of open appeals that the change may concern."""
    # The inputs as texts: those of most clocks are alike, and a text is compared faster than it is read.
    parts = [cast(Clock.inputs[name], String).label(name) for name in ("limit", "pauses", "extensions", "days")]
    columns: tuple[Any, ...] = (
        Clock.id,
        Clock.appeal_id,
        Clock.kind,
        Clock.started_at,
        Clock.due_at,
        Clock.late_when,
        Clock.limit_rule_id,
    )
    marks = (
        Clock.inputs[("limit", "kind")].astext.label("counted_in"),
        Clock.inputs["provisional"].astext.label("provisional"),
    )
    query = select(*columns, *parts, *marks).join(Appeal, Appeal.id == Clock.appeal_id)
    open_ = and_(Clock.stopped_at.is_(None), Clock.due_at.is_not(None), Appeal.state.not_in(_ENDED))
    return query.where(open_, _concerned(change))


def _concerned(change: Change) -> ColumnElement[bool]:
    if change.is_everything:
        return true()
    if change.limits:
        return Clock.limit_rule_id.in_(sorted(change.limits))
    # A day counts for a clock only from its start to its due moment; hours by the clock ask no calendar.
    zone = present.zone()
    first = datetime.combine(change.days[0], datetime.min.time(), tzinfo=zone)
    last = datetime.combine(change.days[-1] + timedelta(days=1), datetime.min.time(), tzinfo=zone)
    kind = Clock.inputs[("limit", "kind")].astext
    found: ColumnElement[bool] = and_(Clock.due_at >= first, Clock.started_at < last, kind != "wall_hours")
    return found


class Counting:
    """Computes due moments of many clocks; those that start alike are computed once."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.zone = present.zone()
        self.calendar: WorkingCalendar = calendar.current()
        self.known: dict[tuple[Any, ...], rules.Deadline | None] = {}
        self.explained: dict[tuple[Any, ...], bool] = {}

    def move(self, row: Row[Any]) -> Move | None:
        """What becomes of a clock; None when it stays as it is or names no limit that can be read."""
        due = self.deadline(row)
        if due is None:
            return None
        is_moved = due.due_at != row.due_at
        if not is_moved and due.late_when == row.late_when and self.explains(row, due):
            return None
        return Move(row.id, row.appeal_id, row.kind, row.due_at, due.due_at, due.late_when.value, is_moved)

    def deadline(self, row: Row[Any]) -> rules.Deadline | None:
        """The deadline of a clock, or of one that started like it; None for inputs that cannot be read."""
        key = self._key(row)
        if key not in self.known:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
                self.explained.clear()
            self.known[key] = self.computed(row)
        return self.known[key]

    def computed(self, row: Row[Any]) -> rules.Deadline | None:
        """One deadline, with the limit's own measure where it changed."""
        limit = self.change.limits.get(row.limit_rule_id or 0)
        kept = {
            "limit": limit.to_json() if limit else _read(row.limit, {}),
            "pauses": _read(row.pauses, ()),
            "extensions": _read(row.extensions, ()),
        }
        try:
            return clocks.Inputs.of(row.started_at, kept).deadline(self.calendar, self.zone)
        except (Invalid, KeyError, ValueError):
            return None

    def explains(self, row: Row[Any], due: rules.Deadline) -> bool:
        """Whether what is kept with the clock still says why it is due then."""
        key = (*self._key(row), row.limit, row.days, row.provisional)
        if key not in self.explained:
            self.explained[key] = (
                due.inputs["days"] == _read(row.days, None)
                and due.inputs["limit"] == _read(row.limit, None)
                and due.provisional == (row.provisional == "true")
            )
        return self.explained[key]

    def _key(self, row: Row[Any]) -> tuple[Any, ...]:
        limit = self.change.limits.get(row.limit_rule_id or 0)
        kind = limit.kind.value if limit else row.counted_in
        began = row.started_at.astimezone(self.zone).date() if kind in _BY_DAY else row.started_at
        return (began, row.limit_rule_id if limit else row.limit, row.pauses, row.extensions)


def _read(kept: str | None, otherwise: Any) -> Any:
    return json.loads(kept) if kept else otherwise


# --- the job ------------------------------------------------------------------------------------------------------


def apply(run: tasks.Run) -> str:
    """Apply a recount in batches, each a transaction of its own, one recount at a time.

    A killed run goes on where the last batch ended; a batch done twice moves nothing the second time.
    """
    with _alone(run):
        while _batch(run):
            pass
    return "recount.done"


@contextmanager
def _alone(run: tasks.Run) -> Iterator[None]:
    """Hold the lock that only one recount holds; it goes with the connection of a killed worker.

    Raises tasks.Later while another one is being applied.
    """
    with db.engine.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
            # No worker stands idle for it.
            run.progress(0, message="recount.waits")
            raise tasks.Later
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})


def _batch(run: tasks.Run) -> bool:
    """Move the clocks of the next appeals; False when there are no more."""
    with transaction():
        run.fence()
        recount = db.session.get(Recount, run.subject_id, with_for_update=True, populate_existing=True)
        if recount is None or recount.state != "applying":
            return False
        calendar.forget()
        change, counts = _in_force(Change.from_json(recount.change)), dict(recount.counts)
        query = _candidates(change)
        if counts["late"]:
            query = query.where(Clock.id > counts["newest"])
        appeals = _next_appeals(query, counts["after"])
        if not appeals:
            # Once more over the clocks that requests under way started by the rule as it was.
            recount.counts = {**counts, "after": 0, "late": True}
            if counts["late"]:
                recount.state = "applied"
                _tell_units(recount)
            return not counts["late"]
        rows = db.session.execute(query.where(Clock.appeal_id.in_(appeals)).order_by(Clock.appeal_id, Clock.id)).all()
        moved = _move_all(recount, change, rows)
        counts |= {"after": appeals[-1], "moved": _added(counts["moved"], moved, len(rows))}
        recount.counts = counts
        seen = counts["moved"]["seen"]
    run.progress(seen, max(run.total, seen))
    return True


def _tell_units(recount: Recount) -> None:
    """One notice to each who handles for a unit of which a limit moved, however many of its appeals."""
    unit_id = func.coalesce(Assignment.unit_id, Appeal.unit_id)
    query = (
        select(Membership.person_id)
        .join(ClockChange, ClockChange.recount_id == recount.id)
        .join(Clock, Clock.id == ClockChange.clock_id)
        .join(Appeal, Appeal.id == Clock.appeal_id)
        .outerjoin(Assignment, Assignment.id == Clock.assignment_id)
        .where(Membership.unit_id == unit_id, Membership.function == "handler", Membership.active)
        .where(Clock.kind.in_(_OF_UNITS))
        .distinct()
    )
    key = f"recount:{recount.id}|limits.moved"
    outbox.enqueue("limits.moved", db.session.scalars(query), key=key, subject=("recount", recount.id))


def _in_force(change: Change) -> Change:
    """The change with the limits as they are now: one that is repeated late brings no older measure back."""
    rows = db.session.scalars(select(LimitRule).where(LimitRule.id.in_(change.limits)))
    return replace(change, limits={row.id: clocks.as_rule(row) for row in rows})


def has_begun(recount: Recount) -> bool:
    """Whether clocks may have moved already."""
    return bool(recount.counts["after"] or recount.counts["late"])


def _next_appeals(query: Select[Any], after: int) -> list[int]:
    """The next appeals in question, locked as every step of the workflow locks them."""
    ids = query.with_only_columns(Clock.appeal_id).where(Clock.appeal_id > after).distinct()
    found = db.session.scalars(ids.order_by(Clock.appeal_id).limit(BATCH)).all()
    db.session.execute(select(Appeal.id).where(Appeal.id.in_(found)).order_by(Appeal.id).with_for_update()).all()
    return list(found)


def _move_all(recount: Recount, change: Change, rows: Sequence[Row[Any]]) -> list[Move]:
    """Write the new due moments with their explanation, a row for each move, and a row of the journal."""
    counting, now = Counting(change), present.now()
    moves = [(row, move) for row in rows if (move := counting.move(row)) is not None]
    if not moves:
        return []
    old_inputs = _inputs_of([move.clock_id for _row_, move in moves])
    stored, changes, journal_rows = [], [], []
    for row, move in moves:
        due = counting.computed(row)
        stored.append({"id": move.clock_id, **clocks.stored(due)})
        if not move.is_moved:
            continue
        changes.append(
            {
                "clock_id": move.clock_id,
                "at": now,
                "why": change.kind,
                "old_due_at": move.old,
                "new_due_at": move.new,
                "old_inputs": old_inputs[move.clock_id],
                "recount_id": recount.id,
            }
        )
        journal_rows.append(_journalled(recount, move, now))
    db.session.execute(update(Clock), stored)
    if changes:
        db.session.execute(insert(ClockChange), changes)
        db.session.execute(insert(Journal), journal_rows)
    db.session.expire_all()
    return [move for _row_, move in moves if move.is_moved]


def _inputs_of(ids: Sequence[int]) -> dict[int, Any]:
    return dict(db.session.execute(select(Clock.id, Clock.inputs).where(Clock.id.in_(ids))).all())


def _journalled(recount: Recount, move: Move, now: datetime) -> dict[str, Any]:
    """The row of the journal of a moved clock: by the software, on the word of who changed the rule."""
    return {
        "at": now,
        "action": "clock_moved",
        "object_type": "appeal",
        "object_id": move.appeal_id,
        "appeal_id": move.appeal_id,
        "user_id": recount.asked_by_id,
        "acted_as": "recount",
        "old": {"due_at": move.old.astimezone(UTC).isoformat()},
        "new": {"clock": move.kind, "due_at": move.new.astimezone(UTC).isoformat()},
    }


def _added(counts: Mapping[str, int], moves: Sequence[Move], seen: int) -> dict[str, int]:
    now = present.now()
    found = {
        "seen": seen,
        "clocks": len(moves),
        "appeals": len({move.appeal_id for move in moves}),
        "overdue": len({m.appeal_id for m in moves if m.is_late(m.new, now) and not m.is_late(m.old, now)}),
        "eased": len({m.appeal_id for m in moves if m.is_late(m.old, now) and not m.is_late(m.new, now)}),
    }
    return {name: counts.get(name, 0) + number for name, number in found.items()}


def _newest_clock() -> int:
    return db.session.scalar(select(func.max(Clock.id))) or 0
