"""Who gains and who loses what when a post's rights change, computed afresh whenever somebody looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, literal, not_, select, union_all
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import selectinload

from app.models import Appeal, CapabilityChange, DutyShift, Holding, Person, Post, StandIn, db
from app.rules import grants as rules
from app.rules.grants import GrantSet, Pair, Reading
from app.services import access, present, sheets, standings
from app.services.actors import Actor
from app.services.capability_changes import Rights
from app.services.sheet_rows import Sheet
from app.services.standings import Everybody

HORIZON = timedelta(days=90)
COUNT_CAP = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """What somebody may do afterwards and not before, and the other way round.

    `into_sight` and `out_of_sight` count appeals, capped at COUNT_CAP + 1.
    """

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    pairs_gained: tuple[Pair, ...]
    pairs_lost: tuple[Pair, ...]
    into_sight: int = 0
    out_of_sight: int = 0

    @property
    def menus_gained(self) -> tuple[str, ...]:
        """The menu entries that appear."""
        return tuple(view for method, view in self.pairs_gained if method == "menu_access")

    def __bool__(self) -> bool:
        return bool(self.pairs_gained or self.pairs_lost or self.gained or self.lost or self.sight)

    @property
    def sight(self) -> int:
        """How many appeals come into sight or go out of it."""
        return self.into_sight + self.out_of_sight


@dataclass(frozen=True, slots=True)
class Place:
    """How a person stands to the post: as A, B, stand-in (S) or its responsible leader (L), from when."""

    role: str
    starts_at: datetime | None
    acts_now: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One person with his places and what the change makes of all his rights together, whenever he acts."""

    person: Person
    places: tuple[Place, ...]
    difference: Difference


@dataclass(frozen=True, slots=True)
class Preview:
    """A change of rights: the post by itself, then everybody who stands by it now or within the horizon."""

    post: Post | None
    before: Rights
    after: Rights
    difference: Difference
    lines: tuple[Line, ...]
    post_version: int = 0


def of_change(change: CapabilityChange) -> Preview:
    """What confirming the change would do now: from the rights the post has at this moment."""
    post = change.post
    return _preview(post, post.leader_id, Rights.of(post), Rights.stored(change.after))


def of_form(
    actor: Actor, sheet: Sheet, row_id: int | None, values: Mapping[str, object], *, version: int | None
) -> Preview | None:
    """What the posts form would ask for; None when it asks for no other rights, or cannot be saved as it is."""
    draft = sheets.trial(actor, sheet, row_id, values, version=version)
    if draft.problems or draft.held_back is None:
        return None
    has, asked = draft.held_back
    return _preview(None if draft.is_new else draft.row, draft.values["leader"], has, asked)


def _preview(post: Post | None, leader_id: int | None, before: Rights, after: Rights) -> Preview:
    now = present.now()
    known = standings.everybody(now)
    post_id = post.id if post is not None else 0
    places = _places(post, leader_id, known, now)
    duties = before.duty(post_id), after.duty(post_id)
    alone = [rules.grants_for(rules.Facts(acting=(rules.ActingPost(duty, "A"),))) for duty in duties]
    both = {None: (alone[0], alone[1])} | {
        person: _with_and_without(known.facts_of(person), places[person], duties) for person in places
    }
    counts = _counts(both.values())
    lines = [
        Line(known.people[person], tuple(places[person]), _difference(*both[person], counts)) for person in places
    ]
    return Preview(
        post, before, after, _difference(*both[None], counts), tuple(lines), post.version if post is not None else 0
    )


def _with_and_without(
    facts: rules.Facts, places: Iterable[Place], duties: tuple[rules.PostDuty, rules.PostDuty]
) -> tuple[GrantSet, GrantSet]:
    """All of a person's grants when he acts for the post as it is, and as it would be."""
    post_id = duties[0].post_id
    acting = tuple(one for one in facts.acting if one.duty.post_id != post_id)
    overseen = tuple(one for one in facts.overseen if one.post_id != post_id)
    roles = {place.role for place in places}
    role = next((role for role in "ABS" if role in roles), None)

    def standing(duty: rules.PostDuty) -> GrantSet:
        mine = (*acting, rules.ActingPost(duty, role)) if role is not None else acting
        leads = (*overseen, duty) if "L" in roles else overseen
        return rules.grants_for(replace(facts, acting=mine, overseen=leads))

    return standing(duties[0]), standing(duties[1])


def _difference(before: GrantSet, after: GrantSet, counts: Mapping[tuple[Reading, Reading], int]) -> Difference:
    had, gets = before.permission_pairs(), after.permission_pairs()
    saw, sees = before.scopes_for_reading(), after.scopes_for_reading()
    return Difference(
        tuple(sorted(after.capabilities - before.capabilities)),
        tuple(sorted(before.capabilities - after.capabilities)),
        tuple(sorted(gets - had, key=_by_view)),
        tuple(sorted(had - gets, key=_by_view)),
        counts.get((saw, sees), 0),
        counts.get((sees, saw), 0),
    )


def _by_view(pair: Pair) -> tuple[str, str]:
    return pair[1], pair[0]


def _counts(both: Iterable[tuple[GrantSet, GrantSet]]) -> dict[tuple[Reading, Reading], int]:
    """How many appeals the second reading takes in beyond the first, for each pair that differs; one statement."""
    readings = [(before.scopes_for_reading(), after.scopes_for_reading()) for before, after in both]
    wanted = list(dict.fromkeys(pair for saw, sees in readings if saw != sees for pair in ((saw, sees), (sees, saw))))
    parts = []
    for number, (less, more) in enumerate(wanted):
        beyond = select(Appeal.id).where(access.reached(more), not_(access.reached(less))).limit(COUNT_CAP + 1)
        parts.append(select(literal(number), func.count()).select_from(beyond.subquery()))
    if not parts:
        return {}
    return {wanted[number]: count for number, count in db.session.execute(union_all(*parts))}


# --- who stands by the post ---------------------------------------------------------------------------------


def _places(post: Post | None, leader_id: int | None, known: Everybody, now: datetime) -> dict[int, list[Place]]:
    """Everybody who holds the post, sits its shift or stands in now or within the horizon, and its leader."""
    found: dict[int, dict[str, Place]] = {}

    def add(person_id: int, role: str, starts_at: datetime | None) -> None:
        if person_id not in known.people:
            return
        mine = found.setdefault(person_id, {})
        begins = starts_at if starts_at is not None and starts_at > now else None
        acts = post is not None and _acts(known, post.id, person_id, role)
        if role not in mine or (begins is None and mine[role].starts_at is not None):
            mine[role] = Place(role, begins, acts)

    if post is not None:
        for person_id, role, starts_at in _seats(post, now):
            add(person_id, role, starts_at)
    if leader_id is not None:
        add(leader_id, "L", None)
    return {person: list(places.values()) for person, places in found.items()}


def _acts(known: Everybody, post_id: int, person_id: int, role: str) -> bool:
    acting = known.acting.get(post_id)
    return acting is not None and acting.role_of(person_id) == role


def _seats(post: Post, now: datetime) -> list[tuple[int, str, datetime | None]]:
    """(person, role, from when), earliest first."""
    ahead = Range(now, now + HORIZON, bounds="[)")
    found: list[tuple[int, str, datetime | None]] = []
    if post.filled_by_duty:
        shifts = select(DutyShift).where(DutyShift.office_id == post.office_id, DutyShift.valid.overlaps(ahead))
        for shift in db.session.scalars(shifts.options(selectinload(DutyShift.seats)).order_by(DutyShift.valid)):
            found += [(s.person_id, {"main": "A", "second": "B"}[s.seat], shift.valid.lower) for s in shift.seats]
    else:
        held = select(Holding).where(Holding.post_id == post.id, Holding.valid.overlaps(ahead))
        for row in db.session.scalars(held.order_by(Holding.role, Holding.valid)):
            found.append((row.person_id, row.role, row.valid.lower))
    standing = select(StandIn).where(StandIn.post_id == post.id, StandIn.valid.overlaps(ahead))
    for row in db.session.scalars(standing.order_by(StandIn.valid)):
        found.append((row.person_id, "B" if row.kind == "take_over" else "S", row.valid.lower))
    return found
