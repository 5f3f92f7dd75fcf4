"""The overdue-case report (R3, R6, R9, R18): clocks as they stood at a moment, counted and listed in SQL; the urge.

A row is a clock. `as_of` may lie in the past: what started or stopped later has not happened yet. Who answers for
a clock, and the appeal it belongs to, are read as they are now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    RowMapping,
    Select,
    Subquery,
    True_,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from app.models import Appeal, Clock, Journal, Post, Unit, UnitGroup, Urge, db
from app.reports.overdue import STATES, OverdueCount, State
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound, Refused
from app.rules.fields import clean_text
from app.rules.grants import Grant
from app.rules.measures import AGE_BUCKETS
from app.rules.quarters import Quarter, midnight
from app.rules.workflow import CLOCK_KINDS
from app.services import access, journal, ladders, outbox, present
from app.services.actors import Actor
from app.services.grid_columns import Column
from app.services.transaction import transaction

READERS = ("supervise", "report", "triage")
EXPORTERS = ("supervise", "report")
URGERS = ("supervise", "triage")
NONE = "-"  # the key of what has no post, or no unit
ROWS = 50
DOUBLE_CLICK = timedelta(seconds=60)
SPOKE_WITH, REMARK = 64, 500

Moment = DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which clocks count; `state`, `unit`, `post` and `age` narrow a count down to the rows behind one figure.

    `as_of` is aware. `late_from` and `late_to` are local days, both included, in which the due moment of a clock
    that finished late must lie; a limit that ends at 24:00 belongs to the day it ends. `unit`, `post` and `group`
    are codes, NONE where there is none. `due_by` leaves out clocks due after it.
    """

    as_of: datetime
    late_from: date
    late_to: date
    clock: str | None = None
    group: str | None = None
    channel_class: str | None = None
    state: State | None = None
    unit: str | None = None
    post: str | None = None
    age: str | None = None
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a summary: `axis` is clock, unit, post or age, `key` what a drill-down names it by."""

    axis: str
    key: str
    name: str
    name_en: str
    count: OverdueCount


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of the report's page."""

    total: OverdueCount
    by_clock: tuple[Line, ...]
    by_unit: tuple[Line, ...]
    by_post: tuple[Line, ...]
    by_age: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A dictionary row's two names."""

    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One clock of a drill-down. `stopped_at` is None while it ran at the moment of the report; `runs` is now."""

    clock_id: int
    appeal_id: int
    number: str | None
    subject: str
    fictional: bool
    kind: str
    unit: Named | None
    post: Named | None
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    state: State
    age: timedelta
    urges: int
    runs: bool
    more: tuple[tuple[Any, str | None], ...] = ()  # of the columns asked for: value, name of what it refers to


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a drill-down: its rows, how many clocks of how many appeals there are in all, the next key."""

    entries: tuple[Entry, ...]
    clocks: int
    appeals: int
    next: str | None


def usual(as_of: datetime | None = None) -> Filter:
    """Everything at `as_of` (now by default, to the second); late finishes of the quarter that moment lies in."""
    moment = (as_of or present.now()).replace(microsecond=0)
    quarter = Quarter.of(moment.astimezone(present.zone()).date())
    return Filter(moment, quarter.first_day, quarter.last_day)


def groups() -> list[UnitGroup]:
    """The groups of units one can filter by."""
    return list(db.session.scalars(select(UnitGroup).where(UnitGroup.active).order_by(UnitGroup.sort, UnitGroup.id)))


# --- which clocks -------------------------------------------------------------------------------------------


def late_at(moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL: `moment` is late for the clock's due moment (the twin of app/rules/clocks.py `is_late`)."""
    return or_(Clock.due_at < moment, and_(Clock.late_when == "at_or_after", Clock.due_at == moment))


def _arms(wanted: Filter) -> dict[State, tuple[Select[Any], ...]]:
    """SQL: the clocks of each state at that moment; each arm is one range of a partial index."""
    at, zone = literal(wanted.as_of, Moment), present.zone()
    starts, ends = midnight(wanted.late_from, zone), midnight(wanted.late_to + timedelta(days=1), zone)
    begun, running = Clock.started_at <= at, or_(Clock.stopped_at.is_(None), Clock.stopped_at > at)
    passed = and_(Clock.due_at <= at, late_at(at), begun)
    # It stopped late since: it still ran at that moment.
    later = and_(Clock.stopped_at > at, Clock.stopped_at >= Clock.due_at)
    late = and_(
        Clock.due_at > starts,
        Clock.due_at <= ends,
        Clock.stopped_at >= starts,
        Clock.stopped_at <= at,
        Clock.stopped_at >= Clock.due_at,
        late_at(Clock.stopped_at.expression),
    )
    never = literal(None, Moment)
    return {
        "open_overdue": (
            _arm("open_overdue", never, at - Clock.due_at, Clock.stopped_at.is_(None), passed),
            _arm("open_overdue", never, at - Clock.due_at, later, passed),
        ),
        "finished_late": (_arm("finished_late", Clock.stopped_at, Clock.stopped_at - Clock.due_at, late),),
        "no_limit": (_arm("no_limit", never, at - Clock.started_at, Clock.due_at.is_(None), begun, running),),
    }


def _arm(state: State, stopped_at: Any, age: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(
            Clock.id,
            Clock.appeal_id,
            Clock.kind,
            Clock.post_id,
            # A post's clock is its office's (R13).
            func.coalesce(Clock.unit_id, Post.office_id).label("unit_id"),
            Clock.started_at,
            Clock.due_at,
            stopped_at.label("stopped_at"),
            Clock.stopped_at.is_(None).label("runs"),
            age.label("age"),
            literal(state).label("state"),
        )
        .outerjoin(Post, Post.id == Clock.post_id)
        .where(*conditions)
    )


def _clocks(actor: Actor, wanted: Filter) -> Subquery:
    """SQL: the clocks this person may see that the filter lets through."""
    arms = _arms(wanted)
    states = STATES if wanted.state is None else (wanted.state,)
    found = union_all(*(arm for state in states for arm in arms[state])).subquery("found")
    bucket = case(
        *((found.c.age < bucket.below, bucket.code) for bucket in AGE_BUCKETS if bucket.below is not None),
        else_=AGE_BUCKETS[-1].code,
    )
    query = select(found, bucket.label("bucket"))
    scope = _scope(actor)
    if not isinstance(scope, True_) or wanted.channel_class:
        query = query.join(Appeal, Appeal.id == found.c.appeal_id).where(scope)
    if wanted.channel_class:
        query = query.where(Appeal.channel_class == wanted.channel_class)
    if wanted.clock:
        query = query.where(found.c.kind == wanted.clock)
    if wanted.due_by is not None:
        query = query.where(found.c.due_at <= wanted.due_by)
    if wanted.age:
        query = query.where(bucket == wanted.age)
    if wanted.group:
        units = select(Unit.id).join(UnitGroup, UnitGroup.id == Unit.group_id).where(UnitGroup.code == wanted.group)
        query = query.where(found.c.unit_id.in_(units))
    for column, code, model in ((found.c.unit_id, wanted.unit, Unit), (found.c.post_id, wanted.post, Post)):
        if code == NONE:
            query = query.where(column.is_(None))
        elif code:
            query = query.where(column == select(model.id).where(model.code == code).scalar_subquery())
    return query.subquery("clocks")


def _scope(actor: Actor) -> ColumnElement[bool]:
    """SQL: the appeals this person supervises, triages or reports on. Raises Refused("access.not-granted")."""
    access.require_anywhere(actor, *READERS)
    parts = [access.visible_to(actor, capability) for capability in READERS if actor.grants.can(capability)]
    return next((part for part in parts if isinstance(part, True_)), or_(*parts))


# --- counting -----------------------------------------------------------------------------------------------

_SETS = {0b0111: "clock", 0b1011: "unit", 0b1101: "post", 0b1110: "age", 0b1111: "total"}


def summary(actor: Actor, wanted: Filter, *, session: Session | None = None) -> Summary:
    """Every figure of the page in one statement. Raises Refused for who may not read the report."""
    rows = (session or db.session).execute(_grouped(_clocks(actor, wanted))).mappings()
    lines: dict[str, list[Line]] = {axis: [] for axis in _SETS.values()}
    for row in rows:
        axis = _SETS[row["grouped_by"]]
        key, name, name_en = _identity(axis, row)
        lines[axis].append(Line(axis, key, name, name_en, _count(row)))
    buckets = [bucket.code for bucket in AGE_BUCKETS]
    return Summary(
        total=lines["total"][0].count,  # counted even where there is no row at all
        by_clock=tuple(sorted(lines["clock"], key=lambda line: CLOCK_KINDS.index(line.key))),
        by_unit=tuple(lines["unit"]),
        by_post=tuple(lines["post"]),
        by_age=tuple(sorted(lines["age"], key=lambda line: buckets.index(line.key))),
    )


def _grouped(clocks: Subquery) -> Select[Any]:
    """SQL: clocks and distinct appeals, by kind, unit, post and age and in all, from one reading of the clocks."""
    c = clocks.c
    keys = (c.kind, c.unit_id, c.post_id, c.bucket)
    figures = []
    for state in STATES:
        mine = c.state == state
        figures += [
            func.count().filter(mine).label(f"{state}_clocks"),
            func.count(c.appeal_id.distinct()).filter(mine).label(f"{state}_appeals"),
        ]
    longest = func.max(c.age).filter(c.state == "open_overdue").label("longest")
    sets = func.grouping_sets(*(tuple_(key) for key in keys), tuple_())
    counted = (
        select(func.grouping(*keys).label("grouped_by"), *keys, *figures, longest).group_by(sets).subquery("counted")
    )
    n = counted.c
    return (
        select(
            counted,
            Unit.code.label("unit_code"),
            Unit.name.label("unit"),
            Unit.name_en.label("unit_en"),
            Post.code.label("post_code"),
            Post.name.label("post"),
            Post.name_en.label("post_en"),
        )
        .outerjoin(Unit, Unit.id == n.unit_id)
        .outerjoin(Post, Post.id == n.post_id)
        .order_by(
            n.grouped_by,
            Post.number.nulls_last(),
            n.open_overdue_clocks.desc(),
            n.finished_late_clocks.desc(),
            n.no_limit_clocks.desc(),
            Unit.sort,
            Unit.id,
        )
    )


def _identity(axis: str, row: RowMapping) -> tuple[str, str, str]:
    if axis in ("unit", "post"):
        return row[f"{axis}_code"] or NONE, row[axis] or "", row[f"{axis}_en"] or ""
    return {"clock": row["kind"], "age": row["bucket"]}.get(axis, ""), "", ""


def _count(row: RowMapping) -> OverdueCount:
    return OverdueCount(
        row["open_overdue_clocks"],
        row["open_overdue_appeals"],
        row["finished_late_clocks"],
        row["finished_late_appeals"],
        row["no_limit_clocks"],
        row["no_limit_appeals"],
        row["longest"],
    )


# --- the rows behind a figure -------------------------------------------------------------------------------


def page(
    actor: Actor, wanted: Filter, *, after: str | None = None, limit: int = ROWS, columns: Sequence[Column] = ()
) -> Page:
    """The rows behind a figure, longest due first, in two statements; `after` is the key of the page before.

    Raises Invalid("page.key-unreadable") and Refused like `summary`.
    """
    clocks = _clocks(actor, wanted)
    query = _entries(clocks, columns=columns)
    if after is not None:
        moment, clock_id = _key(after)
        query = query.where(tuple_(_order(clocks), clocks.c.id) > tuple_(literal(moment, Moment), literal(clock_id)))
    found = [_entry(row, len(columns)) for row in db.session.execute(query.limit(limit + 1)).mappings()]
    total = db.session.execute(select(func.count(), func.count(clocks.c.appeal_id.distinct()))).one()
    shown, last = tuple(found[:limit]), found[limit - 1 : limit]
    following = f"{(last[0].due_at or last[0].started_at).isoformat()}~{last[0].clock_id}" if found[limit:] else None
    return Page(shown, total[0], total[1], following)


def _order(clocks: Subquery) -> ColumnElement[datetime]:
    return func.coalesce(clocks.c.due_at, clocks.c.started_at)


def _key(text: str) -> tuple[datetime, int]:
    moment, _, number = text.partition("~")
    try:
        found = datetime.fromisoformat(moment), int(number)
    except ValueError:
        raise Invalid("page.key-unreadable") from None
    if found[0].tzinfo is None:
        raise Invalid("page.key-unreadable")
    return found


def _entries(clocks: Subquery, urged_by: datetime | None = None, columns: Sequence[Column] = ()) -> Select[Any]:
    c = clocks.c
    more = [
        part
        for place, one in enumerate(columns)
        for part in (one.sql.label(f"more_{place}"), _or_null(one.name).label(f"name_{place}"))
    ]
    urges = select(func.count()).where(Urge.clock_id == c.id)
    if urged_by is not None:
        urges = urges.where(Urge.at <= urged_by)
    return (
        select(
            clocks,
            Appeal.number,
            Appeal.subject,
            Appeal.fictional,
            Unit.name.label("unit"),
            Unit.name_en.label("unit_en"),
            Post.name.label("post"),
            Post.name_en.label("post_en"),
            urges.scalar_subquery().label("urges"),
            *more,
        )
        .join(Appeal, Appeal.id == c.appeal_id)
        .outerjoin(Unit, Unit.id == c.unit_id)
        .outerjoin(Post, Post.id == c.post_id)
        .order_by(_order(clocks), c.id)
    )


def _or_null(sql: ColumnElement[Any] | None) -> ColumnElement[Any]:
    return sql if sql is not None else null()


def _entry(row: RowMapping, more: int = 0) -> Entry:
    return Entry(
        clock_id=row["id"],
        appeal_id=row["appeal_id"],
        number=row["number"],
        subject=row["subject"],
        fictional=row["fictional"],
        kind=row["kind"],
        unit=Named(row["unit"], row["unit_en"]) if row["unit"] else None,
        post=Named(row["post"], row["post_en"]) if row["post"] else None,
        started_at=row["started_at"],
        due_at=row["due_at"],
        stopped_at=row["stopped_at"],
        state=row["state"],
        age=row["age"],
        urges=row["urges"],
        runs=row["runs"],
        more=tuple((row[f"more_{place}"], row[f"name_{place}"]) for place in range(more)),
    )


def stream(
    actor: Actor,
    wanted: Filter,
    session: Session,
    *,
    urged_by: datetime | None = None,
    columns: Sequence[Column] = (),
) -> Iterator[Entry]:
    """All rows of a filter in the same order, read as they are wanted from a cursor of their own.

    Urges are counted up to `urged_by`; without it up to now, as a page shows them.
    """
    query = _entries(_clocks(actor, wanted), urged_by, columns).execution_options(yield_per=1000)
    for row in session.execute(query).mappings():
        yield _entry(row, len(columns))


# --- the telephone urge -------------------------------------------------------------------------------------


def urge(
    actor: Actor, clock_id: int, *, spoke_with: str = "", remark: str = "", request_key: str | None = None
) -> Urge:
    """Log a telephone urge (电话催办) about a running clock and tell those who act, in one transaction (R18).

    A double click acts once: by `request_key`, or, without one, when the same person says the same about the same
    clock within a minute. Raises NotFound("clock.unknown") for a clock out of sight, Refused without the
    capability, Conflict("urge.clock-stopped"), FieldErrors for texts that are too long.
    """
    words = _urge_words(spoke_with, remark)
    with transaction():
        # The lock lets a second click wait until the first is written.
        query = select(Clock).join(Appeal, Appeal.id == Clock.appeal_id)
        query = query.where(Clock.id == clock_id, access.visible_to(actor)).with_for_update(of=Clock)
        clock = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
        if clock is None:
            raise NotFound("clock.unknown", {"id": clock_id})
        grant = _urging_grant(actor, clock.appeal)
        known = _urged_before(actor, clock, words, request_key)
        if known is not None:
            return known
        if clock.stopped_at is not None:
            raise Conflict("urge.clock-stopped")
        return _log(actor, grant, clock, words, request_key)


def _urge_words(spoke_with: str, remark: str) -> dict[str, str]:
    words = {"spoke_with": clean_text(spoke_with).strip(), "remark": clean_text(remark, multiline=True).strip()}
    limits = {"spoke_with": SPOKE_WITH, "remark": REMARK}
    problems = [
        FieldProblem(name, "field.too-long", {"length": len(text), "limit": limits[name]})
        for name, text in words.items()
        if len(text) > limits[name]
    ]
    if problems:
        raise FieldErrors(problems)
    return words


def _urging_grant(actor: Actor, appeal: Appeal) -> Grant:
    facts = access.row_facts(appeal)
    grants = [grant for capability in URGERS for grant in actor.grants.covering(capability, facts)]
    if not grants or actor.person_id is None:
        raise Refused("access.not-granted", {"capability": "supervise"})
    return grants[0]


def _urged_before(actor: Actor, clock: Clock, words: dict[str, str], request_key: str | None) -> Urge | None:
    query = select(Urge).where(Urge.clock_id == clock.id, Urge.by_id == actor.person_id)
    if request_key is not None:
        query = query.join(Journal, and_(Journal.object_id == Urge.id, Journal.object_type == "urge"))
        query = query.where(Journal.request_key == request_key)
    else:
        query = query.filter_by(**words).where(Urge.at > present.now() - DOUBLE_CLICK)
    return db.session.scalars(query.order_by(Urge.id).limit(1)).first()


def _log(actor: Actor, grant: Grant, clock: Clock, words: dict[str, str], request_key: str | None) -> Urge:
    logged = Urge(clock_id=clock.id, appeal_id=clock.appeal_id, at=present.now(), by_id=actor.person_id, **words)
    db.session.add(logged)
    db.session.flush()
    journal.write(
        actor,
        "urge",
        "urge",
        logged.id,
        appeal_id=clock.appeal_id,
        post_id=grant.post_id,
        role=grant.role,
        new={"clock": clock.kind, "clock_id": clock.id, "spoke_with": words["spoke_with"]},
        reason=words["remark"],
        request_key=request_key,
    )
    place = ladders.Place(clock.kind, clock.post_id, clock.unit_id)
    told = ladders.directory([place], present.now()).told(place, "acting").person_ids
    recipients = [person for person in told if person != actor.person_id]
    key = f"urge:{logged.id}"
    outbox.enqueue("urge.phone", recipients, key=key, appeal_id=clock.appeal_id, clock_id=clock.id)
    return logged
