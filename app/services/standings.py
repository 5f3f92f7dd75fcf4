"""Where everybody stands at one moment, by the rules of app/services/grants.py, in a bounded number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.models import Account, Membership, Person, Portfolio, PortfolioPlace, Post, Unit, db
from app.rules import grants as rules
from app.rules import roster
from app.services import present, staffing
from app.services.portfolio import LEADERS


@dataclass(frozen=True)
class Everybody:
    """Who acts for which post, and what each person is; `logins` are the persons who can sign in at all."""

    posts: Mapping[int, Post]
    acting: Mapping[int, roster.Acting]
    people: Mapping[int, Person]
    facts: Mapping[int, rules.Facts]
    logins: frozenset[int]

    def facts_of(self, person_id: int) -> rules.Facts:
        """What a person is; somebody who stands nowhere is nothing."""
        return self.facts.get(person_id, rules.Facts())


def duty_of(post: Post) -> rules.PostDuty:
    """What a post may do and where, as its row says."""
    return rules.PostDuty(
        post.id, tuple(post.capabilities), rules.Scope(post.scope), post.office_id, post.channel_class
    )


def everybody(at: datetime | None = None) -> Everybody:
    """Everybody who stands somewhere at `at` (now by default), in nine statements however many people there are."""
    moment = at or present.now()
    in_use = select(Post).where(Post.active).order_by(Post.sort, Post.number)
    posts = {post.id: post for post in db.session.scalars(in_use)}
    people = {person.id: person for person in db.session.scalars(select(Person).where(Person.active))}
    known = staffing.load(posts.values(), moment)
    acting = {post.id: roster.acting(staffing.facts_of(post), moment, known) for post in posts.values()}
    return Everybody(posts, acting, people, _facts(posts.values(), acting, people, moment), _logins())


def _facts(
    posts: Iterable[Post], acting: Mapping[int, roster.Acting], people: Mapping[int, Person], at: datetime
) -> dict[int, rules.Facts]:
    acts: dict[int, list[rules.ActingPost]] = defaultdict(list)
    leads: dict[int, list[rules.PostDuty]] = defaultdict(list)
    for post in posts:
        for person in acting[post.id].persons:
            acts[person.person_id].append(rules.ActingPost(duty_of(post), person.role))
        if post.leader_id is not None:
            leads[post.leader_id].append(duty_of(post))
    functions, lines = _functions(), _lines(at)
    found = {*acts, *leads, *functions["handler"], *functions["section_clerk"], *lines} & people.keys()
    return {
        person_id: rules.Facts(
            acting=tuple(acts[person_id]),
            units=tuple(functions["handler"][person_id]),
            sections=tuple(functions["section_clerk"][person_id]),
            portfolios=tuple(lines[person_id]),
            overseen=tuple(leads[person_id]),
        )
        for person_id in sorted(found)
    }


def _functions() -> dict[str, dict[int, list[int]]]:
    query = (
        select(Membership.function, Membership.person_id, Membership.unit_id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(Membership.active, Unit.active)
    )
    found: dict[str, dict[int, list[int]]] = {"handler": defaultdict(list), "section_clerk": defaultdict(list)}
    for function, person_id, unit_id in db.session.execute(query.order_by(Membership.id)):
        found[function][person_id].append(unit_id)
    return found


def _lines(at: datetime) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    query = (
        select(PortfolioPlace.person_id, PortfolioPlace.portfolio_id)
        .join(Portfolio, Portfolio.id == PortfolioPlace.portfolio_id)
        .where(Portfolio.active, PortfolioPlace.place.in_(LEADERS), PortfolioPlace.valid.contains(at))
        .distinct()
    )
    for person_id, line in db.session.execute(query.order_by(PortfolioPlace.portfolio_id)):
        if person_id is not None:
            found[person_id].append(line)
    return found


def _logins() -> frozenset[int]:
    query = select(Account.person_id).join(User, User.id == Account.user_id).where(User.active)
    return frozenset(db.session.scalars(query.where(Account.person_id.is_not(None))))
