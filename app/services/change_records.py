"""Personnel changes for reading (R16): records somebody may see, what waits for the duty office, places to choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, false, or_, select, true
from sqlalchemy.orm import joinedload

from app.models import Person, Post, StaffingChange, Unit, db
from app.rules import chain
from app.rules.errors import FieldProblem, NotFound
from app.services import changes, present
from app.services.actors import Actor

PAGE = 30
STATES = ("filed", "acknowledged", "undone")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the records is asked for; empty asks for everything one may see."""

    state: str = ""
    kind: str = ""
    post_id: int | None = None
    unit_id: int | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records, newest first; `older` is the key to the next."""

    rows: tuple[StaffingChange, ...]
    older: int | None


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """SQL: the records this person may see.

    The duty office, supervision and the system officer see all, a responsible leader those of his posts, a unit's
    handler those of his own unit's chain.
    """
    if _sees_all(actor):
        return true()
    parts: list[ColumnElement[bool]] = []
    if overseen := actor.grants.posts_for("oversee"):
        parts.append(StaffingChange.post_id.in_(overseen))
    if own := changes.own_units(actor):
        parts.append(StaffingChange.unit_id.in_(own))
    return or_(*parts) if parts else false()


def page(actor: Actor, wanted: Wanted, *, before: int | None = None) -> Page:
    """The records this person may see, newest first, in one statement."""
    query = _records(actor).where(*_conditions(wanted)).order_by(StaffingChange.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(StaffingChange.id < before)
    found = db.session.scalars(query).all()
    return Page(tuple(found[:PAGE]), found[PAGE - 1].id if len(found) > PAGE else None)


def access_change(actor: Actor, change_id: int) -> StaffingChange:
    """One record, if this person may see it. Raises NotFound("change.unknown")."""
    found = db.session.scalars(_records(actor).where(StaffingChange.id == change_id)).one_or_none()
    if found is None:
        raise NotFound("change.unknown")
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """A place that somebody can be changed in; exactly one of post and unit is there. `key` is its form value."""

    key: str
    kind: str
    post: Post | None = None
    unit: Unit | None = None
    link: str | None = None
    role: str | None = None


def places(actor: Actor) -> list[Place]:
    """Every place this person may report a change of: posts in their order, then the chains of the units."""
    found: list[Place] = []
    if actor.grants.can("system"):
        posts = db.session.scalars(select(Post).where(Post.active).order_by(Post.number)).all()
        for post in posts:
            roles = () if post.filled_by_duty else chain.ROLES
            found += [Place(f"holding:{post.id}:{role}", "holding", post, role=role) for role in roles]
            found.append(Place(f"leader:{post.id}", "leader", post))
    units = select(Unit).where(Unit.active).order_by(Unit.sort, Unit.id)
    if not actor.grants.can("system"):
        units = units.where(Unit.id.in_(changes.own_units(actor)))
    for unit in db.session.scalars(units):
        found += [
            Place(f"chain:{unit.id}:{link}:{role}", "chain", None, unit, link, role)
            for link, role in chain.hand_filled(unit.kind)
        ]
    return found


def preview(actor: Actor, change: changes.Change) -> tuple[changes.Plan, list[FieldProblem]]:
    """What the change would do and what speaks against it; of people he may not name the reader learns nothing."""
    changes.require_filing(actor, change)
    if change.person_id is None or changes.is_candidate(actor, change.person_id):
        return changes.outlook(change)
    plan, problems = changes.outlook(replace(change, person_id=None))
    return plan, [*problems, FieldProblem("person", "person.unknown")]


def people(actor: Actor, *, keep: str = "", most: int | None = None) -> Sequence[Person]:
    """Whom this person may name, by pinyin: at most `most`, and the one whose id is `keep`."""
    query = changes.candidates(actor).options(joinedload(Person.unit))
    found = db.session.scalars(query.order_by(Person.by_sound, Person.id).limit(most)).all()
    if keep.isascii() and keep.isdigit() and len(keep) < 10 and int(keep) not in {one.id for one in found}:
        return [*found, *db.session.scalars(query.where(Person.id == int(keep)))]
    return found


def _records(actor: Actor) -> Select[StaffingChange]:
    named = (
        StaffingChange.post,
        StaffingChange.unit,
        StaffingChange.portfolio,
        StaffingChange.person,
        StaffingChange.filed_by,
        StaffingChange.acknowledged_by,
        StaffingChange.acknowledged_post,
    )
    return select(StaffingChange).where(visible_to(actor)).options(*(joinedload(one) for one in named))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(StaffingChange.state == wanted.state)
    if wanted.kind:
        found.append(StaffingChange.kind == wanted.kind)
    if wanted.post_id is not None:
        found.append(StaffingChange.post_id == wanted.post_id)
    if wanted.unit_id is not None:
        found.append(StaffingChange.unit_id == wanted.unit_id)
    if wanted.first_day is not None:
        found.append(StaffingChange.effective_at >= _midnight(wanted.first_day))
    if wanted.last_day is not None:
        found.append(StaffingChange.effective_at < _midnight(wanted.last_day + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, present.zone())


def posts_to_filter(actor: Actor) -> Sequence[Post]:
    """The posts by which this person can narrow the list."""
    query = select(Post).order_by(Post.number)
    if not _sees_all(actor):
        query = query.where(Post.id.in_(actor.grants.posts_for("oversee")))
    return db.session.scalars(query).all()


def units_to_filter(actor: Actor) -> Sequence[Unit]:
    """The units by which this person can narrow the list."""
    query = select(Unit).where(Unit.active).order_by(Unit.sort, Unit.id)
    if not _sees_all(actor):
        query = query.where(Unit.id.in_(changes.own_units(actor)))
    return db.session.scalars(query).all()


def _sees_all(actor: Actor) -> bool:
    return any(actor.grants.can(capability) for capability in ("system", "triage", "supervise"))
