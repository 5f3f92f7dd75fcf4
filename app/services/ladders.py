"""Whom a reminder tells: the rung of a clock's ladder as people stand now (R7, R8, R15; DESIGN section 2).

A post's clocks climb acting → other → leader → director (app/rules/roster.py), a unit's clocks climb
handler → direct → first → coordinating → final (app/rules/chain.py). A vacant rung is skipped: the next one
above it is told instead, and what was skipped is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from app.models import Membership, Person, Post, db
from app.rules import chain, roster
from app.rules.grants import Scope
from app.services import chains, staffing

POST_RUNGS = ("acting", "other", "leader", "director")
UNIT_RUNGS = ("handler", "direct", "first", "coordinating", "final")
# A rung named for the other kind of clock. Each leg of R6 has a clock of its own: a post carries, a section delivers.
_FOR_UNITS = {"acting": "handler", "other": "direct", "leader": "first"}
_FOR_POSTS = {
    "handler": "acting",
    "direct": "other",
    "first": "leader",
    "coordinating": "director",
    "final": "director",
}
DIRECTOR_CAPABILITY = "triage"


@dataclass(frozen=True, slots=True)
class Place:
    """What of a clock decides whom it reminds. A clock with a unit is the unit's, whatever its post."""

    kind: str
    post_id: int | None
    unit_id: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told on a rung, and which rungs below were skipped: (name, cause).

    `again` names persons who stand on the rung but were told on a lower one already.
    """

    person_ids: tuple[int, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    again: tuple[int, ...] = ()


@dataclass(frozen=True)
class Directory:
    """Everybody who may be told about a set of clocks, read once."""

    at: datetime
    posts: Mapping[int, roster.PostFacts]
    director: roster.PostFacts | None
    staffing: roster.Staffing
    members: Mapping[tuple[int, str], tuple[int, ...]]
    chains: Mapping[int, tuple[chain.Place, ...]]
    standing_in: Mapping[int, Mapping[str, tuple[int, ...]]]
    away: frozenset[int]
    active: frozenset[int]

    def told(self, place: Place, rung: str) -> Told:
        """Whom the rung tells for this clock; climbs over vacancies."""
        if place.unit_id is None:
            return self._post(place.post_id, _FOR_POSTS.get(rung, rung))
        if rung == "director":
            return self._climb((rung,), roster.Ladder(self._directors()), {})
        return self._unit(place.unit_id, place.kind, _FOR_UNITS.get(rung, rung))

    def acting(self, post_id: int) -> tuple[int, ...]:
        """Who acts for the post."""
        facts = self.posts.get(post_id)
        return self._here(roster.acting(facts, self.at, self.staffing).person_ids) if facts else ()

    def _post(self, post_id: int | None, rung: str) -> Told:
        facts = self.posts.get(post_id) if post_id is not None else None
        if facts is None:
            return Told(skipped=((rung, "vacant"),))
        ladder = roster.ladder(facts, self.at, self.staffing, self.director)
        standing = {
            "other": self.acting(facts.post_id),
            "leader": (facts.leader_id,) if facts.leader_id is not None else (),
            "director": self.acting(self.director.post_id) if self.director else (),
        }
        return self._climb(POST_RUNGS[POST_RUNGS.index(rung) :], ladder, standing)

    def _unit(self, unit_id: int, clock_kind: str, rung: str) -> Told:
        function = "section_clerk" if clock_kind == "delivery" else "handler"
        handlers = self._here(self.members.get((unit_id, function), ()))
        places = self.chains.get(unit_id, ())
        instead = self.standing_in.get(unit_id, {})
        standing = {
            name: (*(p.person_id for p in places if p.link == name and p.person_id is not None), *instead.get(name, ()))
            for name in UNIT_RUNGS[1:]
        }
        away = self.away | {person for persons in standing.values() for person in persons if person not in self.active}
        ladder = chain.climb(places, handlers, away, instead)
        return self._climb(UNIT_RUNGS[UNIT_RUNGS.index(rung) :], ladder, standing)

    def _directors(self) -> tuple[roster.Rung, ...]:
        persons = self.acting(self.director.post_id) if self.director else ()
        return (roster.Rung("director", persons),) if persons else ()

    def _climb(self, rungs: tuple[str, ...], ladder: roster.Ladder, standing: Mapping[str, tuple[int, ...]]) -> Told:
        """The first rung with somebody on it. Who was told further down is named, not told again."""
        causes = dict(ladder.missing)
        skipped: list[tuple[str, str]] = []
        for name in rungs:
            step = ladder.rung(name)
            if step is not None and (here := self._here(step.person_ids)):
                return Told(here, tuple(skipped))
            if causes.get(name) == "same_person" and (same := self._here(standing.get(name, ()))[:1]):
                return Told((), tuple(skipped), same)
            skipped.append((name, causes.get(name, "vacant")))
        return Told((), tuple(skipped))

    def _here(self, persons: Iterable[int]) -> tuple[int, ...]:
        return tuple(person for person in persons if person in self.active and person not in self.away)


def directory(places: Iterable[Place], at: datetime) -> Directory:
    """Read everybody these clocks may remind at `at`, in a bounded number of statements."""
    wanted = list(places)
    unit_ids = {place.unit_id for place in wanted if place.unit_id is not None}
    director, posts = _posts({place.post_id for place in wanted if place.post_id is not None})
    facts = {post.id: staffing.facts_of(post) for post in posts}
    known = staffing.load(posts, at)
    return Directory(
        at=at,
        posts=facts,
        director=facts.get(director) if director is not None else None,
        staffing=known,
        members=_members(unit_ids) if unit_ids else {},
        chains=chains.chains_at(unit_ids, at) if unit_ids else {},
        standing_in=chains.standing_in(unit_ids, at) if unit_ids else {},
        away=frozenset(absence.person_id for absence in known.absences),
        active=frozenset(db.session.scalars(select(Person.id).where(Person.active))),
    )


def _posts(post_ids: set[int]) -> tuple[int | None, list[Post]]:
    directs = Post.capabilities.contains([DIRECTOR_CAPABILITY])
    query = select(Post).where(Post.active, or_(Post.id.in_(post_ids), directs)).order_by(Post.number)
    # The director of the duty office sees everything; a post that triages a class or an office comes after him.
    posts = sorted(db.session.scalars(query), key=lambda post: post.scope != Scope.ALL)
    director = next((post.id for post in posts if DIRECTOR_CAPABILITY in post.capabilities), None)
    return director, posts


def _members(unit_ids: set[int]) -> dict[tuple[int, str], tuple[int, ...]]:
    query = select(Membership.unit_id, Membership.function, Membership.person_id).where(
        Membership.unit_id.in_(unit_ids), Membership.active
    )
    found: dict[tuple[int, str], tuple[int, ...]] = {}
    for unit_id, function, person_id in db.session.execute(query.order_by(Membership.id)):
        found[unit_id, function] = (*found.get((unit_id, function), ()), person_id)
    return found
