"""Who was responsible for a post, or stood in a link of a chain, at a moment: as whom, by which rule, on what evidence.

For any moment of the past as the staffing table says it today; people who have left since are found like the others.
A later correction of a period changes the answer and stands in the change history of its record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, literal, select
from sqlalchemy.orm import aliased, joinedload

from app.models import Absence, ChainLink, DutySeat, DutyShift, Holding, PortfolioPlace, Post, StandIn, Unit, db
from app.rules import chain, roster
from app.rules.coverage import Layer
from app.rules.errors import NotFound
from app.rules.grants import COVERAGE_READERS
from app.services import present, reach
from app.services.access import require_anywhere
from app.services.actors import Actor


@dataclass(frozen=True, slots=True)
class Evidence:
    """A row that decides: who, where he stands ("" in an absence), from when until when.

    `kind` is its table; `detail` the kind of an absence; `is_active` whether the person is in use today.
    """

    kind: str
    id: int
    layer: str
    person_id: int
    name: str
    name_en: str
    is_active: bool
    starts_at: datetime | None
    ends_at: datetime | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Who was responsible at a moment: persons with role and rule, or the cause of the gap, and every row behind it.

    `unreached`: those of the persons whom nobody can reach, said of the present and the future only.
    """

    at: datetime
    acting: roster.Acting
    evidence: tuple[Evidence, ...]
    unreached: dict[int, str] = field(default_factory=dict)

    @property
    def people(self) -> dict[int, Evidence]:
        """Somebody's name, by his id."""
        return {row.person_id: row for row in self.evidence}


def for_post(actor: Actor, post_id: int, at: datetime | None = None) -> tuple[Post, Answer]:
    """Who was responsible for the post at `at` (now by default).

    Raises NotFound("post.unknown") for a post that does not exist or is not one of those he leads.
    """
    require_anywhere(actor, *COVERAGE_READERS, "oversee")
    post = db.session.get(Post, post_id, options=[joinedload(Post.office)])
    if post is None or not (sees_everything(actor) or post.id in actor.grants.posts_for("oversee")):
        raise NotFound("post.unknown", {"id": post_id})
    moment = at or present.now()
    if post.filled_by_duty:
        rows = _seats(post.office_id, moment)
    else:
        held = select(Holding, Holding.role).where(Holding.post_id == post.id, Holding.valid.contains(moment))
        rows = _evidence(held, Holding)
    rows += _standing_in(StandIn.post_id == post.id, moment)
    return post, _answer(rows, moment, on_duty_filled=post.filled_by_duty)


def for_link(actor: Actor, unit_id: int, link: str, at: datetime | None = None) -> tuple[Unit, Answer]:
    """The same for a link of a unit's chain; the upper links follow from the portfolio of that moment (R8).

    Raises NotFound("unit.unknown") and NotFound("chain.no-such-place"). Leaders of posts alone see no chains.
    """
    require_anywhere(actor, *COVERAGE_READERS, "oversee")
    unit = db.session.get(Unit, unit_id)
    if unit is None or not sees_everything(actor):
        raise NotFound("unit.unknown", {"id": unit_id})
    if link not in chain.links_of(unit.kind):
        raise NotFound("chain.no-such-place", {"link": link, "kind": unit.kind})
    moment = at or present.now()
    by_hand = [role for role in chain.ROLES if (link, role) not in chain.DERIVED]
    named = select(ChainLink, ChainLink.role).where(
        ChainLink.unit_id == unit.id,
        ChainLink.link == link,
        ChainLink.role.in_(by_hand),
        ChainLink.valid.contains(moment),
    )
    rows = [*_evidence(named, ChainLink), *_leaders(unit.id, link, moment)]
    rows += _standing_in((StandIn.unit_id == unit.id) & (StandIn.link == link), moment)
    return unit, _answer(rows, moment)


@dataclass(frozen=True, slots=True)
class Choices:
    """The posts and units he may ask about; posts and units out of use come last, for their past."""

    posts: Sequence[Post]
    units: Sequence[Unit]


def choices(actor: Actor) -> Choices:
    """What he may ask about, in two statements."""
    posts = select(Post).order_by(Post.active.desc(), Post.number)
    if not sees_everything(actor):
        led = posts.where(Post.id.in_(actor.grants.posts_for("oversee")))
        return Choices(db.session.scalars(led).all(), ())
    units = select(Unit).order_by(Unit.active.desc(), Unit.sort, Unit.id)
    return Choices(db.session.scalars(posts).all(), db.session.scalars(units).all())


def sees_everything(actor: Actor) -> bool:
    """Whether he sees every post and link, not only the posts he leads."""
    return any(actor.grants.can(capability) for capability in COVERAGE_READERS)


def _answer(rows: list[Evidence], at: datetime, *, on_duty_filled: bool = False) -> Answer:
    """Put the rows to the rule. Who is out of use today stands nowhere from today on, as for the permissions."""
    is_past = at < present.now()

    def stand(layer: Layer) -> tuple[int, ...]:
        return tuple(dict.fromkeys(row.person_id for row in rows if row.layer == layer and (is_past or row.is_active)))

    absences = _absences({row.person_id for row in rows}, at)
    away = {row.person_id for row in absences}
    a, b, took_over, standing_in = (stand(layer) for layer in Layer)
    acting = roster.decide(roster.Seats(a, b, took_over, standing_in, on_duty_filled), away.__contains__)
    unreached = {} if is_past else reach.unreachable(acting.person_ids)
    return Answer(at, acting, (*rows, *absences), unreached)


def _seats(office_id: int, at: datetime) -> list[Evidence]:
    layer = case((DutySeat.seat == "main", Layer.A.value), else_=Layer.B.value)
    query = select(DutySeat, layer).join(DutyShift, DutyShift.id == DutySeat.shift_id)
    query = query.where(DutyShift.office_id == office_id, DutyShift.valid.contains(at))
    return [replace(row, kind="duty_shift", id=seat.shift_id) for seat, row in _with_rows(query, DutySeat)]


def _standing_in(place: ColumnElement[bool], at: datetime) -> list[Evidence]:
    layer = case((StandIn.kind == "take_over", Layer.TOOK_OVER.value), else_=Layer.STANDING_IN.value)
    return _evidence(select(StandIn, layer).where(place, StandIn.valid.contains(at)), StandIn)


def _absences(person_ids: set[int], at: datetime) -> list[Evidence]:
    query = select(Absence, literal("")).where(
        Absence.person_id.in_(person_ids), Absence.state == "confirmed", Absence.valid.contains(at)
    )
    return [replace(row, detail=absence.kind) for absence, row in _with_rows(query, Absence)]


def _leaders(unit_id: int, link: str, at: datetime) -> list[Evidence]:
    """Who led the line under which the unit was, where a place of the link follows from it."""
    found: list[Evidence] = []
    own = aliased(PortfolioPlace)
    for role in chain.ROLES:
        if whose := chain.DERIVED.get((link, role)):
            query = (
                select(PortfolioPlace, literal(role))
                .join(own, own.portfolio_id == PortfolioPlace.portfolio_id)
                .where(own.place == "unit", own.unit_id == unit_id, own.valid.contains(at))
                .where(PortfolioPlace.place == whose, PortfolioPlace.valid.contains(at))
            )
            found += _evidence(query, PortfolioPlace)
    return found


def _evidence(query: Any, model: Any) -> list[Evidence]:
    return [row for _found, row in _with_rows(query, model)]


def _with_rows(query: Any, model: Any) -> list[tuple[Any, Evidence]]:
    """`query` selects rows of `model`, which name a person, and where he stands by each."""
    query = query.options(joinedload(model.person)).order_by(model.id)
    return [
        (
            row,
            Evidence(
                model.__tablename__,
                row.id,
                layer,
                row.person.id,
                row.person.name,
                row.person.name_en,
                row.person.active,
                row.valid.lower,
                row.valid.upper,
            ),
        )
        for row, layer in db.session.execute(query)
    ]
