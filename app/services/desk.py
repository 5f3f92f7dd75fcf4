"""A person's desk: the queues of everything he acts for now, their counts and what is due, in two statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import LateralFromClause

from app.models import (
    Appeal,
    Assignment,
    CallBack,
    Channel,
    Clock,
    HandlingRequest,
    Post,
    Report,
    Slip,
    Unit,
    db,
)
from app.rules import grants as rules
from app.rules.grants import Grant, GrantSet
from app.services import access, clocks, merging, nil_returns, present
from app.services.actors import Actor

COUNT_CAP = 1000
ROWS = 8

# The queues of a capability, in the order of a day's work: (name, states). R3–R11.
QUEUES: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = MappingProxyType(
    {
        "collect": (("to_submit", ("draft",)),),
        "number": (("to_number", ("submitted",)), ("to_fill", ("opinion",))),
        "triage": (
            ("to_triage", ("registered",)),
            ("to_assign", ("instructed",)),
            ("to_decide", ("assigned", "in_progress", "under_review")),
            ("to_review", ("under_review",)),
            ("to_finish", ("self_handling",)),
        ),
        "carry": (
            ("to_carry", ("slip_ready",)),
            ("to_fetch", ("with_leader",)),
            ("to_transcribe", ("fetched",)),
        ),
        "record": (("to_strike_off", ("answered",)), ("to_archive", ("closed",))),
        "supervise": (("to_call_back", ("answered",)),),
        "answer": (
            ("to_sign_in", ("assigned",)),
            ("to_answer", ("in_progress",)),
            ("asked", ("assigned", "in_progress", "under_review")),
            ("to_inform", ("merged",)),
        ),
        "deliver": (("to_deliver", ("with_section",)),),
        "lead": (("with_me", ("with_leader",)), ("fulfilled", ("answered", "closed", "archived"))),
    }
)


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of a desk: whose it is, how long (capped at COUNT_CAP + 1) and its first rows, most urgent first."""

    key: str
    capability: str
    name: str
    post_id: int | None
    count: int
    late: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One appeal in a queue, with the running clock that the queue is about: a unit's own, a decision's, else the most
    urgent. `part`: whether the unit whose queue it is leads or helps.
    """

    id: int
    number: str | None
    subject: str
    state: str
    channel_class: str
    received_at: datetime
    unit: str | None
    unit_en: str | None
    clock_kind: str | None
    started_at: datetime | None
    due_at: datetime | None
    late_when: str | None
    status: str | None
    fictional: bool
    part: str | None = None
    stopped_at: None = None
    inputs: None = None


def queues(actor: Actor, capability: str | None = None) -> list[Queue]:
    """Every queue of this person's grants (of one capability), with counts and first rows; two statements in all."""
    plan = [
        (f"{grant.capability}.{name}.{grant.post_id or grant.value or 0}", grant, name, condition)
        for grant in _distinct(actor.grants)
        if capability in (None, grant.capability)
        for name, condition in conditions(grant)
    ]
    if not plan:
        return []
    now = present.now()
    counts = _counts(plan, now)
    rows = _rows(plan, now)
    return [
        Queue(key, grant.capability, name, grant.post_id, *counts[key], tuple(rows.get(key, ())))
        for key, grant, name, _condition in plan
    ]


def _distinct(granted: GrantSet) -> list[Grant]:
    return list(dict.fromkeys(grant for grant in granted.grants if grant.capability in QUEUES))


def conditions(grant: Grant) -> list[tuple[str, ColumnElement[bool]]]:
    single = access.visible_under(grant)
    found = [(name, and_(_in_queue(name, states, grant), single)) for name, states in QUEUES[grant.capability]]
    if grant.capability == "record":
        found.insert(0, ("without_note", and_(without_note(), single)))
    return found


def _in_queue(name: str, states: tuple[str, ...], grant: Grant) -> ColumnElement[bool]:
    """SQL: the appeal waits in this queue. Most queues are states; some are what stands beside the appeal."""
    stands = Appeal.state.in_(states)
    if name == "to_decide":
        return and_(stands, Appeal.id.in_(_asked()))
    if name == "asked":
        return and_(stands, Appeal.id.in_(_asked_by(grant)))
    if name == "to_call_back":
        return and_(stands, ~Appeal.anonymous, ~exists().where(CallBack.appeal_id == Appeal.id))
    if name == "to_inform":
        main = aliased(Appeal)
        answered = exists().where(main.id == Appeal.merged_into_id, main.state.in_(merging.ANSWERED))
        return and_(stands, Appeal.informed_at.is_(None), answered)
    if name == "fulfilled":
        done = and_(Slip.appeal_id == Appeal.id, Slip.fulfilled_at.is_not(None), Slip.noted_at.is_(None))
        return and_(stands, Appeal.portfolio_id == grant.value, exists().where(done))
    if name == "to_sign_in":
        # What it objects to waits for the duty office.
        objected = _asked_by(grant).where(HandlingRequest.kind == "objection")
        return and_(_with_unit(name, stands, grant), Appeal.id.not_in(objected))
    if name in _PARTS:
        return _with_unit(name, stands, grant)
    return stands


# A unit's queues by the state of its assignment, which is the appeal's own where the unit leads.
_PARTS = {"to_sign_in": "assigned", "to_answer": "in_progress"}


# The clocks a queue is about, where another one may run beside it.
_CLOCKS = {"to_decide": ("decision",), "to_review": ("review",)}


def _with_unit(name: str, stands: ColumnElement[bool], grant: Grant) -> ColumnElement[bool]:
    """SQL: the unit leads it and the appeal stands there, or it helps and stands there itself."""
    return or_(and_(stands, Appeal.unit_id == grant.value), _co_handled(_PARTS[name], grant))


def _asked_by(grant: Grant) -> Select[int]:
    """SQL: the appeals for which this unit waits for a decision of the duty office."""
    own = select(Assignment.id).where(Assignment.unit_id == grant.value)
    return _asked().where(HandlingRequest.assignment_id.in_(own))


def _about(name: str, grant: Grant) -> ColumnElement[bool]:
    """SQL: the clock is one the queue is about."""
    if name in _CLOCKS:
        return Clock.kind.in_(_CLOCKS[name])
    if grant.capability == "answer" and grant.value is not None:
        return Clock.unit_id == grant.value if name != "asked" else _of_own_request(grant)
    return true()


def _of_own_request(grant: Grant) -> ColumnElement[bool]:
    """SQL: the decision a unit waits for."""
    own = exists().where(Assignment.id == Clock.assignment_id, Assignment.unit_id == grant.value)
    return and_(Clock.kind == "decision", own)


def _co_handled(state: str, grant: Grant) -> ColumnElement[bool]:
    """SQL: the unit handles it with another one and stands there itself."""
    own = and_(Assignment.appeal_id == Appeal.id, Assignment.unit_id == grant.value, Assignment.state == state)
    return and_(
        Appeal.co_unit_ids.contains([grant.value]),
        Appeal.co_unit_ids != [],
        Appeal.state.in_(("assigned", "in_progress", "under_review")),
        exists().where(own),
    )


def _asked() -> Select[int]:
    """SQL: the appeals with a request that waits for the duty office."""
    return select(HandlingRequest.appeal_id).where(HandlingRequest.state == "pending")


def without_note() -> ColumnElement[bool]:
    """SQL: a limit has passed unfinished, or policy does not permit, and no note says why (R11).

    The lead unit's limit decides: a co-handling unit that is late is the lead unit's delay, or nobody's.
    """
    limit = Clock.kind == "unit_limit"
    running_late = _any_clock(limit, clocks.is_overdue(present.now()))
    finished_late = and_(
        Appeal.state.in_(("under_review", "answered", "closed")), _any_clock(limit, clocks.is_broken())
    )
    return and_(
        Appeal.note == "",
        Appeal.state.in_(("assigned", "in_progress", "self_handling", "under_review", "answered", "closed")),
        or_(Appeal.impossible, running_late, finished_late),
    )


def _any_clock(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """SQL: the appeal has such a clock. A scalar probe per appeal: EXISTS would be hashed over every clock ever."""
    probe = select(literal(1)).select_from(Clock).where(Clock.appeal_id == Appeal.id, *conditions).limit(1)
    return probe.correlate(Appeal).scalar_subquery().is_not(None)


Plan = list[tuple[str, Grant, str, ColumnElement[bool]]]


def _counts(plan: Plan, now: datetime) -> dict[str, tuple[int, int]]:
    parts = []
    for key, grant, name, condition in plan:
        late = _any_clock(clocks.is_overdue(now), _about(name, grant)).label("late")
        capped = select(late).where(condition).limit(COUNT_CAP + 1).subquery()
        counted = func.count().filter(capped.c.late)
        parts.append(select(literal(key).label("key"), func.count().label("count"), counted).select_from(capped))
    return {key: (count, late) for key, count, late in db.session.execute(union_all(*parts))}


def _rows(plan: Plan, now: datetime) -> dict[str, list[Row]]:
    parts = []
    for key, grant, name, condition in plan:
        urgent = _urgent(name, grant)
        one = (
            select(
                literal(key).label("key"),
                Appeal.id,
                Appeal.number,
                Appeal.subject,
                Appeal.state,
                Appeal.channel_class,
                Appeal.received_at,
                Appeal.fictional,
                Unit.name.label("unit"),
                Unit.name_en.label("unit_en"),
                urgent.c.kind,
                urgent.c.started_at,
                urgent.c.due_at,
                urgent.c.late_when,
                _part(grant).label("part"),
            )
            .select_from(Appeal)
            .join(urgent, literal(True), isouter=True)
            .join(Unit, Unit.id == Appeal.unit_id, isouter=True)
            .where(condition)
            .order_by(func.coalesce(urgent.c.due_at, Appeal.received_at), Appeal.id)
            .limit(ROWS)
        )
        parts.append(select(one.subquery()))
    found: dict[str, list[Row]] = {}
    for row in db.session.execute(union_all(*parts)).mappings():
        found.setdefault(row["key"], []).append(_row(row, now))
    return found


def _urgent(name: str, grant: Grant) -> LateralFromClause:
    """SQL: of the running clocks the queue is about the one that ends first."""
    return (
        select(Clock.kind, Clock.started_at, Clock.due_at, Clock.late_when)
        .where(Clock.appeal_id == Appeal.id, Clock.stopped_at.is_(None), Clock.due_at.is_not(None), _about(name, grant))
        .order_by(Clock.due_at)
        .limit(1)
        .lateral("urgent")
    )


def _part(grant: Grant) -> ColumnElement[Any]:
    """SQL: what the unit whose queue it is has to do with it; NULL in other queues."""
    if grant.capability != "answer" or grant.value is None:
        return null()
    return case((Appeal.unit_id == grant.value, "lead"), else_="co")


def _row(row: Any, now: datetime) -> Row:
    status = None
    if row["due_at"] is not None:
        running = Clock(started_at=row["started_at"], due_at=row["due_at"], late_when=row["late_when"])
        status = clocks.state_of(running, now).value
    return Row(
        id=row["id"],
        number=row["number"],
        subject=row["subject"],
        state=row["state"],
        channel_class=row["channel_class"],
        received_at=row["received_at"],
        unit=row["unit"],
        unit_en=row["unit_en"],
        clock_kind=row["kind"],
        started_at=row["started_at"],
        due_at=row["due_at"],
        late_when=row["late_when"],
        status=status,
        fictional=row["fictional"],
        part=row["part"],
    )


@dataclass(frozen=True, slots=True)
class CollectorDay:
    """A collector's day: his channels, the next cut-off and whether today's nil return is signed or still due (R3).

    `papers` are today's slots where he signs paper by paper; `missing` counts the working days before today that he
    left unsettled.
    """

    post_id: int
    channel_class: str
    channels: tuple[Channel, ...]
    taken_today: int
    cutoff_at: datetime | None
    nil_return_on: date | None
    nil_return_wanted: bool
    papers: tuple[nil_returns.Slot, ...] = ()
    missing: int = 0


def collector_days(actor: Actor) -> list[CollectorDay]:
    """The day of each collecting post this person acts for, in a fixed number of statements."""
    collecting = actor.grants.posts_for("collect")
    if not collecting:
        return []
    # A post that collects all classes has a class of its own all the same.
    own = select(Post.id, Post.channel_class).where(Post.id.in_(collecting)).order_by(Post.number)
    posts = {post_id: letter or "" for post_id, letter in db.session.execute(own)}
    today, zone, now = present.today(), present.zone(), present.now()
    start = datetime.combine(today, datetime.min.time(), zone)
    classes = sorted(set(posts.values()))
    channels = db.session.scalars(
        select(Channel).where(Channel.channel_class.in_(classes), Channel.active).order_by(Channel.sort, Channel.id)
    ).all()
    taken = dict(
        db.session.execute(
            select(Appeal.channel_class, func.count())
            .where(Appeal.channel_class.in_(classes), Appeal.received_at >= start, Appeal.state != "history")
            .group_by(Appeal.channel_class)
        ).all()
    )
    recent = nil_returns.of_own_posts(actor)
    days = []
    for post_id, letter in posts.items():
        slots = recent.get(post_id, [])
        mine = [slot for slot in slots if slot.day == today]
        unsigned = [slot for slot in mine if not slot.items and slot.signed_at is None]
        papers = tuple(slot for slot in mine if slot.channel is not None)
        days.append(
            CollectorDay(
                post_id=post_id,
                channel_class=letter,
                channels=tuple(channel for channel in channels if channel.channel_class == letter),
                taken_today=taken.get(letter, 0),
                cutoff_at=mine[0].closes_at if mine else None,
                nil_return_on=today if not unsigned and any(slot.signed_at for slot in mine) else None,
                nil_return_wanted=bool(unsigned) and (bool(papers) or not taken.get(letter)),
                papers=papers,
                missing=len({slot.day for slot in slots if slot.state(now) == "missing" and slot.day < today}),
            )
        )
    return days


def overdue_summary(actor: Actor) -> dict[str, int]:
    """For the supervisor's desk: running clocks past their moment, by kind."""
    query = select(Clock.kind, func.count()).where(clocks.is_overdue(present.now())).group_by(Clock.kind)
    if not actor.grants.scopes_for_reading("supervise").everything:
        query = query.join(Appeal, Appeal.id == Clock.appeal_id).where(access.visible_to(actor, "supervise"))
    return dict(db.session.execute(query).all())


def latest_reports(limit: int = 4) -> list[Report]:
    """The newest compiled reports, for the editor's desk."""
    return list(db.session.scalars(select(Report).order_by(Report.id.desc()).limit(limit)))


def posts_overseen(actor: Actor) -> list[tuple[Post, int]]:
    """The posts whose responsible leader this person is, with the length of their queues (capped)."""
    grants = [grant for grant in actor.grants.grants if grant.capability == "oversee" and grant.post_id]
    posts = db.session.scalars(
        select(Post).where(Post.id.in_([grant.post_id for grant in grants])).order_by(Post.number)
    ).all()
    parts = []
    for grant, post in ((grant, post) for post in posts for grant in grants if grant.post_id == post.id):
        capped = _waiting(post, grant).limit(COUNT_CAP + 1).subquery()
        parts.append(select(literal(post.id), func.count()).select_from(capped))
    counts: dict[int, int] = dict(db.session.execute(union_all(*parts)).all()) if parts else {}
    return [(post, counts.get(post.id, 0)) for post in posts]


def waiting_for(post: Post) -> int:
    """How many appeals wait at a post, whoever acts for it (capped): what passes on when its holder changes."""
    duty = rules.PostDuty(
        post.id, tuple(post.capabilities), rules.Scope(post.scope), post.office_id, post.channel_class
    )
    granted = rules.grants_for(rules.Facts(acting=(rules.ActingPost(duty, "A"),)))
    if not granted.grants:
        return 0
    capped = _waiting(post, granted.grants[0]).limit(COUNT_CAP + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(capped)) or 0


def _waiting(post: Post, grant: Grant) -> Select[int]:
    """SQL: what stands in any queue of the post."""
    queues = [_in_queue(name, states, grant) for code in post.capabilities for name, states in QUEUES.get(code, ())]
    return select(Appeal.id).where(or_(false(), *queues), access.visible_under(grant))
