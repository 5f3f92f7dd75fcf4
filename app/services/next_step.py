"""What must happen next to an appeal, by whom, until when: the line on top of its page (R7–R11, R15, R17)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from app.models import Appeal, Assignment, Clock, HandlingRequest, Membership, Person, Post, Unit, db
from app.rules import roster
from app.rules import workflow as flow
from app.services import access, present, staffing
from app.services.actors import Actor


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing that must happen. `what`: the state it waits in, "decide_" and the kind of a request, or "co_" and
    the state of a co-handling unit. `persons` act now for the post or the unit; empty where nobody does.
    """

    what: str
    kind: str  # post | unit | section | main | nobody
    capability: str | None = None
    post: Post | None = None
    unit: Unit | None = None
    persons: tuple[Person, ...] = ()
    clock: Clock | None = None
    main: Appeal | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    what: str
    actor: flow.Actor
    unit: Unit | None = None
    clock: Clock | None = None


def duties(actor: Actor, appeal: Appeal) -> list[Duty]:
    """Everything that must happen, the step the appeal itself waits for first; in eight statements at most."""
    wanted = _wanted(appeal)
    row = access.row_facts(appeal)
    posts = {
        capability: staffing.post_with(capability, row)
        for capability in dict.fromkeys(one.actor.capability for one in wanted if one.actor.kind == "post")
        if capability is not None
    }
    acting = _acting([post for post in posts.values() if post is not None])
    members = _members(wanted)
    people = persons({*(i for ids in acting.values() for i in ids), *(i for ids in members.values() for i in ids)})
    found = []
    for one in wanted:
        post = posts.get(one.actor.capability or "") if one.actor.kind == "post" else None
        ids = acting.get(post.id, ()) if post else members.get(one.unit.id, ()) if one.unit else ()
        found.append(
            Duty(
                one.what,
                one.actor.kind,
                one.actor.capability,
                post,
                one.unit,
                tuple(people[i] for i in ids if i in people),
                one.clock,
                _main(actor, appeal) if one.actor.kind == "main" else None,
            )
        )
    return found


def persons(ids: Iterable[int | None]) -> dict[int, Person]:
    """These persons by id, in one statement."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    return {one.id: one for one in db.session.scalars(select(Person).where(Person.id.in_(wanted)))}


def _wanted(appeal: Appeal) -> list[_Wanted]:
    state = flow.State(appeal.state)
    open_parts = [one for one in appeal.assignments if one.state != "ended"]
    lead = next((one for one in open_parts if one.part == "lead"), None)
    requests = [(one, request) for one in open_parts for request in one.requests if request.state == "pending"]
    objected = any(one is lead and request.kind == "objection" for one, request in requests)
    found = []
    if not (objected and state is flow.State.ASSIGNED):
        found.append(_of_state(appeal, state, lead))
    found += [_of_request(appeal, request) for _one, request in requests]
    if state in flow.CO_STATES:
        found += [
            _Wanted(f"co_{one.state}", flow.Actor("unit", "answer"), one.unit, _own_clock(appeal, one))
            for one in open_parts
            if one.part == "co" and one.state in ("assigned", "in_progress") and not _objects(one)
        ]
    return found


def _objects(own: Assignment) -> bool:
    return any(request.kind == "objection" and request.state == "pending" for request in own.requests)


def _of_state(appeal: Appeal, state: flow.State, lead: Assignment | None) -> _Wanted:
    waits_for = flow.next_step(state)
    if waits_for.kind == "section":
        return _Wanted(state.value, waits_for, appeal.section, _most_urgent(appeal, None))
    if waits_for.kind == "unit":
        clock = _own_clock(appeal, lead) if lead is not None else None
        return _Wanted(state.value, waits_for, lead.unit if lead else appeal.unit, clock)
    return _Wanted(state.value, waits_for, None, _most_urgent(appeal, None))


def _of_request(appeal: Appeal, request: HandlingRequest) -> _Wanted:
    clock = next((c for c in appeal.clocks if c.request_id == request.id and c.stopped_at is None), None)
    return _Wanted(f"decide_{request.kind}", flow.Actor("post", "triage"), None, clock)


def _own_clock(appeal: Appeal, own: Assignment) -> Clock | None:
    """The unit's next due moment: to sign for it, then to answer."""
    return _most_urgent(appeal, own.id)


def _most_urgent(appeal: Appeal, assignment_id: int | None) -> Clock | None:
    """The running clock that ends first: of one unit, or of the posts."""
    running = [
        clock
        for clock in appeal.clocks
        if clock.stopped_at is None
        and clock.due_at is not None
        and clock.kind != "decision"
        and clock.assignment_id == assignment_id
    ]
    return min(running, key=lambda clock: clock.due_at or present.now(), default=None)


def _acting(posts: list[Post]) -> dict[int, tuple[int, ...]]:
    if not posts:
        return {}
    known, now = staffing.load(posts), present.now()
    return {post.id: roster.acting(staffing.facts_of(post), now, known).person_ids for post in posts}


def _members(wanted: list[_Wanted]) -> dict[int, tuple[int, ...]]:
    """Who handles for the units that must act, and who clerks the section."""
    functions = {
        one.unit.id: "section_clerk" if one.actor.kind == "section" else "handler" for one in wanted if one.unit
    }
    if not functions:
        return {}
    query = select(Membership.unit_id, Membership.person_id, Membership.function)
    rows = db.session.execute(query.where(Membership.unit_id.in_(functions), Membership.active).order_by(Membership.id))
    found: dict[int, tuple[int, ...]] = {}
    for unit_id, person_id, function in rows:
        if functions[unit_id] == function:
            found[unit_id] = (*found.get(unit_id, ()), person_id)
    return found


def _main(actor: Actor, appeal: Appeal) -> Appeal | None:
    """The main appeal, for who may see it."""
    main = appeal.merged_into
    return main if main is not None and any(access.shows(grant, main) for grant in actor.grants.grants) else None
