"""Who can see an appeal now, and why: the rules of grants asked about everybody at once.

The duty office's posts and those who oversee them read the whole list. A unit, a matching section and the leaders of a
line see their own side only: who else looks at a complaint is not theirs to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.models import Appeal, Person, Portfolio, Post, Unit
from app.rules import grants as rules
from app.rules.grants import Grant, Scope
from app.services import access, standings, workflow
from app.services.actors import Actor
from app.services.standings import Everybody

# In reading order: who acts for a post, who leads one, the unit, the section, the leaders of the line.
GROUPS = ("post", "oversee", "unit", "section", "line")
_GROUP_OF = {"oversee": "oversee", "answer": "unit", "deliver": "section", "lead": "line"}


@dataclass(frozen=True, slots=True)
class Reason:
    """One grant by which a person sees the appeal: for a post in a role by a rule, or by what he is in `where`."""

    group: str
    grant: Grant
    post: Post | None = None
    rule: str = ""
    where: Unit | Portfolio | None = None


@dataclass(frozen=True, slots=True)
class Seer:
    """A person with his reasons and the steps he could do; `has_login` is whether he can sign in at all."""

    person: Person
    reasons: tuple[Reason, ...]
    steps: tuple[str, ...]
    has_login: bool

    @property
    def group(self) -> str:
        """The first of his reasons' groups."""
        return min((reason.group for reason in self.reasons), key=GROUPS.index)


@dataclass(frozen=True, slots=True)
class Sight:
    """Everybody who sees an appeal, by group; `is_whole` is False where only one's own side is told."""

    appeal: Appeal
    groups: Mapping[str, tuple[Seer, ...]]
    is_whole: bool


def of_appeal(actor: Actor, appeal_id: int) -> Sight:
    """Who sees the appeal now, told to somebody who sees it himself. Raises NotFound("appeal.unknown")."""
    appeal = access.access_appeal(actor, appeal_id)
    is_whole = _reads_all(actor, appeal)
    known = standings.everybody()
    own = frozenset((grant.capability, grant.value) for grant in actor.grants.grants)
    seers = []
    for person_id, facts in known.facts.items():
        granted = rules.grants_for(facts)
        shown = [grant for grant in granted.grants if access.shows(grant, appeal)]
        told = shown if is_whole else [grant for grant in shown if (grant.capability, grant.value) in own]
        if told:
            seers.append(_seer(known, person_id, granted, told, appeal))
    return Sight(appeal, _grouped(seers), is_whole)


def _reads_all(actor: Actor, appeal: Appeal) -> bool:
    """Whether he sees the appeal for a post: acting for it, or as its responsible leader."""
    return any(grant.post_id is not None and access.shows(grant, appeal) for grant in actor.grants.grants)


def _seer(
    known: Everybody, person_id: int, granted: rules.GrantSet, told: list[Grant], appeal: Appeal
) -> Seer:
    steps = workflow.actions_on(Actor(None, person_id, granted), appeal)
    reasons = dict.fromkeys(_reason(known, person_id, grant, appeal) for grant in told)
    names = tuple(step.name for step in steps)
    return Seer(known.people[person_id], tuple(reasons), names, person_id in known.logins)


def _reason(known: Everybody, person_id: int, grant: Grant, appeal: Appeal) -> Reason:
    group = _GROUP_OF.get(grant.capability, "post")
    post = known.posts[grant.post_id] if grant.post_id is not None else None
    if group == "post" and post is not None:
        # One reason per post, whichever of its capabilities shows the appeal.
        acting = next(p for p in known.acting[post.id].persons if p.person_id == person_id)
        return Reason(group, Grant("", grant.scope, grant.value, post.id, acting.role), post, acting.rule.value)
    where = {Scope.OWN_UNIT: appeal.unit, Scope.OWN_OFFICE: appeal.section, Scope.OWN_PORTFOLIO: appeal.portfolio}
    return Reason(group, grant, post, where=where.get(grant.scope) if post is None else None)


def _grouped(seers: Iterable[Seer]) -> dict[str, tuple[Seer, ...]]:
    def place(seer: Seer) -> tuple[int, str, int]:
        post = seer.reasons[0].post
        return post.number if post is not None else 0, seer.person.by_sound, seer.person.id

    ordered = sorted(seers, key=place)
    return {group: found for group in GROUPS if (found := tuple(s for s in ordered if s.group == group))}
