"""Personnel changes: the one way somebody comes to stand, or ceases to stand, in the staffing table (R15, R16).

Each is a numbered record filed to the duty office with who stood there before and who stands there after, written in
the transaction of the change itself, so the record and the table cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from app.models import ChainLink, Holding, Journal, Membership, Person, Post, StaffingChange, Unit, db
from app.rules import chain
from app.rules.entries import code_from, problem_of
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound, Refused
from app.rules.grants import Grant
from app.services import audit, chains, journal, numbers, outbox, periods, present, staffing
from app.services.actors import Actor
from app.services.pinyin import sort_key, syllables
from app.services.transaction import transaction

# Before the founding rule's city had such posts, and further ahead than anybody plans, a moment is a slip of the pen.
EARLIEST = datetime(1949, 10, 1, tzinfo=UTC)
FURTHEST = timedelta(days=2 * 366)
SERIES = "staffing_change"


@dataclass(frozen=True, slots=True)
class Change:
    """Who is to stand where from when. `person_id` None leaves the place vacant.

    kind "holding": post_id, role; "chain": unit_id, link, role; "leader": post_id, the post's responsible leader.
    `beside` are changes of the same chain that the same transaction makes at the same moment: A and B may swap.
    """

    kind: str
    at: datetime
    reason: str = ""
    post_id: int | None = None
    unit_id: int | None = None
    link: str | None = None
    role: str | None = None
    portfolio_id: int | None = None
    place: str | None = None
    person_id: int | None = None
    beside: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change will do: who stands in the place at that moment, who comes, and until when he stands there."""

    change: Change
    post: Post | None
    unit: Unit | None
    outgoing: Person | None
    since: datetime | None
    incoming: Person | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is not among the people yet and is entered with the change."""

    name: str
    position: str = ""


UNSEEN = -1


def file(
    actor: Actor,
    change: Change,
    *,
    newcomer: Newcomer | None = None,
    seen_id: int | None = UNSEEN,
    request_key: str | None = None,
) -> StaffingChange:
    """Make a personnel change and file its record; the same `request_key` again returns the record it made.

    The system officer changes everything, a unit's handler the links of his own unit that are named by hand, with
    the people of his unit. `newcomer` is entered and takes the place; `seen_id` is who stood there when the form
    was looked at (None: nobody).

    Raises NotFound("unit.unknown") for a foreign unit, Refused("access.not-granted"), Conflict("change.meanwhile")
    when somebody else stands there by now, and what `apply_in` raises.
    """
    require_filing(actor, change)
    with transaction():
        queue()
        if (known := filed_before(request_key)) is not None:
            return known
        if newcomer is not None:
            change = replace(change, person_id=_enter(actor, change, newcomer).id)
        elif change.person_id is not None and not is_candidate(actor, change.person_id):
            raise FieldErrors([FieldProblem("person", "person.unknown")])
        plan = plan_of(change)
        if seen_id not in (UNSEEN, plan.outgoing.id if plan.outgoing else None):
            raise Conflict("change.meanwhile", {"person": plan.outgoing.name if plan.outgoing else ""})
        return apply_in(actor, change, request_key=request_key)


def own_units(actor: Actor) -> tuple[int, ...]:
    """The units whose chains this person reports as their handler."""
    units = [grant.value for grant in actor.grants.grants if grant.capability == "answer"]
    return tuple(dict.fromkeys(unit for unit in units if isinstance(unit, int)))


def require_filing(actor: Actor, change: Change) -> None:
    """Refuse unless this person may report such a change, see `file`."""
    if actor.grants.can("system"):
        return
    own = own_units(actor)
    if not own or change.kind != "chain":
        raise Refused("access.not-granted", {"capability": "system"})
    if change.unit_id not in own:
        raise NotFound("unit.unknown")


def candidates(actor: Actor) -> Select[Person]:
    """A query over the people this person may name: a unit's handler those of his own unit."""
    query = select(Person).where(Person.active)
    if actor.grants.can("system"):
        return query
    own = own_units(actor)
    member = select(Membership.person_id).where(Membership.unit_id.in_(own), Membership.active)
    linked = select(ChainLink.person_id).where(ChainLink.unit_id.in_(own))
    return query.where(Person.unit_id.in_(own) | Person.id.in_(member) | Person.id.in_(linked))


def is_candidate(actor: Actor, person_id: int) -> bool:
    """Whether this person may name that one."""
    return db.session.scalar(candidates(actor).with_only_columns(Person.id).where(Person.id == person_id)) is not None


def _enter(actor: Actor, change: Change, newcomer: Newcomer) -> Person:
    """A new person of the unit the place belongs to; the same name there again is more likely the same person."""
    post = db.session.get(Post, change.post_id) if change.post_id is not None else None
    unit_id = change.unit_id or (post.office_id if post is not None else None)
    known = select(Person.id).where(Person.name == newcomer.name, Person.unit_id == unit_id, Person.active)
    if db.session.scalar(known.limit(1)) is not None:
        raise FieldErrors([FieldProblem("newcomer", "change.newcomer-known", {"person": newcomer.name})])
    person = Person(
        code=code_from(syllables(newcomer.name), _is_code_taken),
        name=newcomer.name,
        name_pinyin=sort_key(newcomer.name),
        position=newcomer.position,
        unit_id=unit_id,
    )
    db.session.add(person)
    db.session.flush()
    journal.write(actor, "create", "person", person.id, new={"name": person.name, "position": person.position})
    detail = {"action": "create", "fields": ["name", "position"]}
    audit.record(actor, "right.change", object_type="person", object_id=person.id, detail=detail)
    return person


def _is_code_taken(code: str) -> bool:
    return db.session.scalar(select(Person.id).where(Person.code == code)) is not None


def apply_in(
    actor: Actor,
    change: Change,
    *,
    upload_id: int | None = None,
    told_as: str = "",
    request_key: str | None = None,
) -> StaffingChange:
    """Make a change inside the open transaction: the period rows, the numbered record, journal, audit, notices.

    Access is the caller's business. Raises FieldErrors with each problem at its field: "person.unknown",
    "post.unknown", "post.on-duty-roster", "unit.unknown", "holding.both-roles", "chain.no-such-place",
    "chain.derived", "chain.same-person", "change.moment", "change.leader-future", "change.stands-there",
    "change.vacant-already".
    """
    queue()
    plan = plan_of(change)
    _WRITERS[change.kind](actor, plan)
    return record_in(
        actor,
        kind=change.kind,
        at=change.at,
        reason=change.reason,
        before=standing(plan.outgoing, since=plan.since),
        after=standing(plan.incoming, since=change.at, until=plan.until),
        post_id=change.post_id,
        unit_id=change.unit_id,
        link=change.link,
        role=change.role,
        person_id=change.person_id,
        left=[plan.outgoing.id] if plan.outgoing is not None else [],
        upload_id=upload_id,
        told_as=told_as,
        request_key=request_key,
    )


def record_in(
    actor: Actor,
    *,
    kind: str,
    at: datetime,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str = "",
    post_id: int | None = None,
    unit_id: int | None = None,
    portfolio_id: int | None = None,
    link: str | None = None,
    role: str | None = None,
    person_id: int | None = None,
    left: Iterable[int] = (),
    upload_id: int | None = None,
    told_as: str = "",
    request_key: str | None = None,
) -> StaffingChange:
    """File the record of a change that the caller writes in the same open transaction: number, journal, audit, notices.

    `before` and `after` are JSON-able: codes and names, no telephone number. `person_id` comes, `left` go: both are
    told, and so is whoever acts for the duty office (R16). Changes of one upload, or with the same `told_as`, are
    told to the duty office in one notice.
    """
    queue()
    row = StaffingChange(
        kind=kind,
        post_id=post_id,
        unit_id=unit_id,
        portfolio_id=portfolio_id,
        link=link,
        role=role,
        person_id=person_id,
        effective_at=at,
        reason=reason,
        before=dict(before),
        after=dict(after),
        filed_at=present.now(),
        filed_by_id=actor.person_id,
        filed_by_user_id=actor.user_id,
        upload_id=upload_id,
        number=numbers.take(SERIES)[0],
    )
    db.session.add(row)
    db.session.flush()
    trace = {"number": row.number, "kind": kind, "at": at.isoformat(), **dict(after)}
    journal.write(
        actor,
        "file",
        "staffing_change",
        row.id,
        old=dict(before),
        new=trace,
        post_id=post_id,
        reason=reason,
        request_key=request_key,
    )
    detail = {"action": "file", "kind": kind, "number": row.number}
    audit.record(actor, "right.change", object_type="staffing_change", object_id=row.id, detail=detail)
    _tell(row, left, told_as)
    return row


def record_leader_in(actor: Actor, post: Post) -> StaffingChange:
    """File that a post which is entered with a responsible leader has one from now on, inside the open transaction."""
    leader = db.session.get_one(Person, post.leader_id)
    now = present.now()
    return record_in(
        actor,
        kind="leader",
        at=now,
        before={},
        after=standing(leader, since=now),
        post_id=post.id,
        person_id=leader.id,
    )


def acknowledge(actor: Actor, change_ids: Iterable[int], *, post_id: int | None = None) -> int:
    """The duty office takes note of changes (R16), as the post that stands for it: how many were open.

    What is acknowledged or undone already stays as it is. Raises Refused("access.not-granted") and
    NotFound("change.unknown") when one of them is unknown; then none is acknowledged.
    """
    grants = [g for g in actor.grants.grants if g.capability == "triage" and post_id in (None, g.post_id)]
    if not grants or actor.person_id is None:
        raise Refused("access.not-granted", {"capability": "triage"})
    wanted = sorted(set(change_ids))
    with transaction():
        query = select(StaffingChange).where(StaffingChange.id.in_(wanted)).order_by(StaffingChange.id)
        rows = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()
        if len(rows) != len(wanted):
            raise NotFound("change.unknown")
        filed = [row for row in rows if row.state == "filed"]
        for row in filed:
            _acknowledge(actor, row, grants[0])
    return len(filed)


def _acknowledge(actor: Actor, row: StaffingChange, grant: Grant) -> None:
    row.state = "acknowledged"
    row.acknowledged_at = present.now()
    row.acknowledged_by_id = actor.person_id
    row.acknowledged_post_id, row.acknowledged_role = grant.post_id, grant.role
    old, new = {"state": "filed"}, {"state": "acknowledged"}
    post, role = grant.post_id, grant.role
    journal.write(actor, "acknowledge", "staffing_change", row.id, old=old, new=new, post_id=post, role=role)


def queue() -> None:
    """Personnel changes happen one behind another: until the transaction ends no other one is decided or numbered.

    Whoever writes several places in one transaction asks for this first, so that two of them never wait crosswise.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(SERIES, 0))))


def standing(person: Person | None, *, since: datetime | None = None, until: datetime | None = None) -> dict[str, Any]:
    """Who stands in a place, as a record keeps it for ever; nobody is an empty object."""
    if person is None:
        return {}
    found = {"person": person.code, "name": person.name, "name_en": person.name_en or person.name}
    moments = {"since": since, "until": until}
    return found | {name: moment.isoformat() for name, moment in moments.items() if moment is not None}


# --- what a change will do -------------------------------------------------------------------------------------


def plan_of(change: Change) -> Plan:
    """What the change will do, written nowhere. Raises what `apply_in` raises."""
    plan, problems = outlook(change)
    if problems:
        raise FieldErrors(problems)
    return plan


def outlook(change: Change) -> tuple[Plan, list[FieldProblem]]:
    """What the change would do and what speaks against it, for a form that is being filled in."""
    problems = _moment_problems(change)
    person = db.session.get(Person, change.person_id) if change.person_id is not None else None
    if change.person_id is not None and (person is None or not person.active):
        problems.append(FieldProblem("person", "person.unknown"))
    plan = _PLANNERS[change.kind](change, person, problems)
    if not problems and (plan.outgoing.id if plan.outgoing else None) == change.person_id:
        named = {"person": plan.outgoing.name} if plan.outgoing else {}
        problems.append(FieldProblem("person", "change.stands-there" if named else "change.vacant-already", named))
    return plan, problems


def _moment_problems(change: Change) -> list[FieldProblem]:
    now = present.now()
    if not EARLIEST <= change.at <= now + FURTHEST:
        return [FieldProblem("at", "change.moment")]
    if change.kind == "leader" and change.at > now:
        return [FieldProblem("at", "change.leader-future")]
    return []


def _plan_holding(change: Change, person: Person | None, problems: list[FieldProblem]) -> Plan:
    post = _post(change, problems)
    if person is not None and post is not None and post.filled_by_duty:
        problems.append(FieldProblem("post", "post.on-duty-roster"))
    if change.role not in chain.ROLES:
        problems.append(FieldProblem("role", "field.choice"))
    place = {"post_id": change.post_id, "role": change.role}
    before, until = periods.standing_at(Holding, place, change.at), periods.next_start(Holding, place, change.at)
    if person is not None and not problems:
        other = select(Holding.id).where(
            Holding.post_id == change.post_id,
            Holding.role != change.role,
            Holding.person_id == person.id,
            Holding.valid.op("&&")(func.tstzrange(change.at, until)),
        )
        if db.session.scalar(other.limit(1)) is not None:
            problems.append(FieldProblem("person", "holding.both-roles"))
    return _plan(change, post, None, before, person, until)


def _plan_link(change: Change, person: Person | None, problems: list[FieldProblem]) -> Plan:
    unit = db.session.get(Unit, change.unit_id) if change.unit_id is not None else None
    if unit is None or not (unit.active or person is None):
        problems.append(FieldProblem("unit", "unit.unknown"))
        return _plan(change, None, None, None, person, None)
    place = {"unit_id": change.unit_id, "link": change.link, "role": change.role}
    before, until = periods.standing_at(ChainLink, place, change.at), periods.next_start(ChainLink, place, change.at)
    if person is None and before is not None:
        return _plan(change, None, unit, before, None, until)
    others = select(ChainLink).where(
        ChainLink.unit_id == unit.id, ChainLink.valid.op("&&")(func.tstzrange(change.at, until))
    )
    named = [chain.Named(row.link, row.role, row.person_id) for row in db.session.scalars(others)]
    named += [
        chain.Named(place.link, place.role, place.person_id)
        for place in chains.places_of(unit, change.at)
        if place.is_derived and place.person_id is not None
    ]
    if change.beside:
        moved = {(other.link, other.role) for other in change.beside}
        named = [row for row in named if (row.link, row.role) not in moved]
        named += [chain.Named(o.link or "", o.role or "", o.person_id) for o in change.beside if o.person_id]
    try:
        # A vacancy is nobody's, hence never the same person twice.
        wanted = chain.Named(change.link or "", change.role or "", person.id if person else 0)
        chain.check_named(unit.kind, wanted, named)
    except Invalid as error:
        problems.append(problem_of(error, "link"))
    return _plan(change, None, unit, before, person, until)


def _plan_leader(change: Change, person: Person | None, problems: list[FieldProblem]) -> Plan:
    post = _post(change, problems)
    return Plan(change, post, None, post.leader if post else None, None, person, None)


def _post(change: Change, problems: list[FieldProblem]) -> Post | None:
    post = db.session.get(Post, change.post_id) if change.post_id is not None else None
    # What is out of use is still vacated, but not filled again.
    if post is None or not (post.active or change.person_id is None):
        problems.append(FieldProblem("post", "post.unknown"))
        return None
    return post


def _plan(
    change: Change, post: Post | None, unit: Unit | None, before: Any, person: Person | None, until: datetime | None
) -> Plan:
    outgoing, since = (before.person, before.valid.lower) if before is not None else (None, None)
    return Plan(change, post, unit, outgoing, since, person, until)


_PLANNERS = {"holding": _plan_holding, "chain": _plan_link, "leader": _plan_leader}


# --- writing ---------------------------------------------------------------------------------------------------


def _write_holding(actor: Actor, plan: Plan) -> None:
    change = plan.change
    values = {"person_id": change.person_id, "reason": change.reason}
    place = {"post_id": change.post_id, "role": change.role}
    _replace(actor, Holding, place, change.at, values if plan.incoming else None)


def _write_link(actor: Actor, plan: Plan) -> None:
    change = plan.change
    place = {"unit_id": change.unit_id, "link": change.link, "role": change.role}
    _replace(actor, ChainLink, place, change.at, {"person_id": change.person_id} if plan.incoming else None)


def _write_leader(actor: Actor, plan: Plan) -> None:
    post = db.session.get_one(Post, plan.change.post_id, with_for_update=True, populate_existing=True)
    post.leader_id = plan.change.person_id
    old, new = ({"leader": person.code if person else None} for person in (plan.outgoing, plan.incoming))
    journal.write(actor, "edit", "post", post.id, old=old, new=new, reason=plan.change.reason)
    db.session.flush()


_WRITERS = {"holding": _write_holding, "chain": _write_link, "leader": _write_leader}


def _replace(
    actor: Actor, model: Any, place: Mapping[str, Any], at: datetime, values: Mapping[str, Any] | None
) -> None:
    """The period rows and the history of each: the record says why, the rows say what."""
    ended = periods.standing_at(model, place, at)
    upper = ended.valid.upper if ended is not None else None
    before, after = periods.replace_from(model, place, at, values)
    table = model.__tablename__
    if before is not None and before.valid.lower == at:
        journal.write(actor, "remove", table, before.id, old=_row(before))
    elif before is not None:
        was = {"ends_at": upper.isoformat() if upper else None}
        journal.write(actor, "edit", table, before.id, old=was, new={"ends_at": at.isoformat()})
    if after is not None:
        journal.write(actor, "create", table, after.id, new=_row(after))


def _row(row: Any) -> dict[str, Any]:
    code = db.session.scalar(select(Person.code).where(Person.id == row.person_id))
    starts, ends = row.valid.lower, row.valid.upper
    return {
        "person": code,
        "role": row.role,
        "starts_at": starts.isoformat() if starts else None,
        "ends_at": ends.isoformat() if ends else None,
    }


def _tell(row: StaffingChange, left: Iterable[int], told_as: str) -> None:
    subject = ("staffing_change", row.id)
    filed = told_as or (f"staffing_upload:{row.upload_id}" if row.upload_id else f"staffing_change:{row.id}")
    outbox.enqueue("change.filed", staffing.acting_with("triage"), key=f"{filed}|change.filed", subject=subject)
    comes = [row.person_id] if row.person_id and row.kind != "leaver" else []
    told = {"change.appointed": comes, "change.relieved": [*left]}
    for kind, people in told.items():
        outbox.enqueue(kind, people, key=f"staffing_change:{row.id}|{kind}", subject=subject)


def filed_before(request_key: str | None) -> StaffingChange | None:
    """The record that the form with this key made already."""
    if request_key is None:
        return None
    query = select(Journal.object_id).where(
        Journal.request_key == request_key, Journal.object_type == "staffing_change"
    )
    found = db.session.scalar(query)
    return db.session.get(StaffingChange, found) if found is not None else None
