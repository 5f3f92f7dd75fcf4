"""What waits about absences and hand-overs: for the page, for the desk, for the timetable's reminder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, column, func, or_, select, text
from sqlalchemy.orm import joinedload

from app.models import Absence, HandoverSheet, Holding, Post, StandIn, db
from app.rules import roster
from app.rules.errors import NotFound, Refused
from app.services import absence_places as places
from app.services import absences, handovers, outbox, present, returns
from app.services.actors import Actor
from app.services.transaction import transaction

SHOWN = 50
# How far ahead "away now and soon" looks, and how long before it begins A is reminded of the sheet.
SOON = timedelta(days=7)
REMIND = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Handed:
    """Whether an absence is handed over: the posts held as A, and those of them whose sheet both confirmed."""

    needed: int = 0
    done: int = 0

    @property
    def state(self) -> str:
        """none (nothing to hand over), open or done. Without every sheet confirmed by both it is not handed over."""
        return "none" if not self.needed else "done" if self.done >= self.needed else "open"


def handed_over(rows: Sequence[Absence]) -> Mapping[int, Handed]:
    """The hand-over of these absences, in two statements."""
    ids = [row.id for row in rows]
    if not ids:
        return {}
    needed = (
        select(Absence.id, func.array_agg(Holding.post_id.distinct()))
        .join(Holding, (Holding.person_id == Absence.person_id) & (Holding.role == "A"))
        .join(Post, Post.id == Holding.post_id)
        .where(Absence.id.in_(ids), Holding.valid.op("&&")(Absence.valid), Post.active, ~Post.filled_by_duty)
        .group_by(Absence.id)
    )
    wanted = {absence_id: list(posts) for absence_id, posts in db.session.execute(needed)}
    done = select(HandoverSheet.absence_id, HandoverSheet.post_id).where(
        HandoverSheet.absence_id.in_(ids),
        HandoverSheet.kind == "absence",
        HandoverSheet.given_at.is_not(None),
        HandoverSheet.taken_at.is_not(None),
    )
    confirmed = set(db.session.execute(done).all())
    return {
        row.id: Handed(len(wanted.get(row.id, ())), sum((row.id, post) in confirmed for post in wanted.get(row.id, ())))
        for row in rows
    }


# --- the page ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overview:
    """Everything on the page "Leave and handover" of one person."""

    mine: Sequence[Absence]
    to_decide: Sequence[Absence]
    sheets: Sequence[HandoverSheet]
    away: Sequence[Absence]
    handed: Mapping[int, Handed]
    owed: Sequence[returns.Due]
    missing: Sequence[returns.Due]
    may_see_reasons: bool
    in_sight: frozenset[int]  # of those away: whose kind and reason this person may see


def overview(actor: Actor) -> Overview:
    """The page of this person, whatever the number of rows in a fixed number of statements."""
    mine = _absences(Absence.person_id == (actor.person_id or 0), newest=True) if actor.person_id else []
    leads = actor.grants.can("oversee") or actor.grants.can("system")
    watches = leads or actor.grants.can("supervise") or actor.grants.can("triage")
    to_decide, away, missing = [], [], []
    if leads:
        own = Absence.person_id != (actor.person_id or 0)
        to_decide = _absences(Absence.state == "requested", absences.in_sight(actor), own)
    if watches:
        sight = [] if _sees_all(actor) else [absences.in_sight(actor)]
        away = _absences(Absence.state == "confirmed", _now_or_soon(), *sight)
        missing = returns.due_everywhere() if _sees_all(actor) else returns.due_for_posts(_overseen(actor))
    shown = {row.id: row for row in (*mine, *to_decide, *away)}
    return Overview(
        mine,
        to_decide,
        _waiting_sheets(actor),
        away,
        handed_over(list(shown.values())),
        returns.due_from(actor) if actor.person_id else [],
        missing,
        leads,
        _in_sight(actor, away) if leads else frozenset(),
    )


def _in_sight(actor: Actor, rows: Sequence[Absence]) -> frozenset[int]:
    query = select(Absence.id).where(Absence.id.in_([row.id for row in rows]), absences.in_sight(actor))
    return frozenset(db.session.scalars(query)) if rows else frozenset()


def _sees_all(actor: Actor) -> bool:
    return any(actor.grants.can(capability) for capability in ("system", "supervise", "triage"))


def _overseen(actor: Actor) -> list[int]:
    return [g.post_id for g in actor.grants.grants if g.capability == "oversee" and g.post_id is not None]


def _now_or_soon() -> ColumnElement[bool]:
    now = present.now()
    near: ColumnElement[bool] = Absence.valid.op("&&")(func.tstzrange(now, now + SOON))
    return near


def _absences(*which: ColumnElement[bool], newest: bool = False) -> list[Absence]:
    query = select(Absence).where(*which).options(joinedload(Absence.person), joinedload(Absence.decided_by))
    starts = func.lower(Absence.valid)
    return list(db.session.scalars(query.order_by(starts.desc() if newest else starts, Absence.id).limit(SHOWN)))


def _waiting_sheets(actor: Actor) -> list[HandoverSheet]:
    if actor.person_id is None:
        return []
    query = (
        select(HandoverSheet)
        .where(_waits_for(actor.person_id))
        .options(
            joinedload(HandoverSheet.post),
            joinedload(HandoverSheet.office),
            joinedload(HandoverSheet.giver),
            joinedload(HandoverSheet.taker),
        )
        .order_by(HandoverSheet.id.desc())
        .limit(SHOWN)
    )
    return list(db.session.scalars(query))


def _waits_for(person_id: int) -> ColumnElement[bool]:
    gives = (HandoverSheet.from_id == person_id) & HandoverSheet.given_at.is_(None)
    takes = (HandoverSheet.to_id == person_id) & HandoverSheet.given_at.is_not(None) & HandoverSheet.taken_at.is_(None)
    return or_(gives, takes)


def waiting(actor: Actor) -> int:
    """How many things about leave and hand-over wait for this person: sheets, requests, reports; one statement."""
    now, me = present.now(), actor.person_id or 0
    owed = (
        text(returns.DUE_OF_PERSON)
        .columns(column("absence_id", Integer))
        .bindparams(now=now, oldest=now - timedelta(days=returns.DAYS), person_id=me)
        .subquery("owed")
    )
    sheets = select(func.count()).select_from(HandoverSheet).where(_waits_for(me)).scalar_subquery()
    total = sheets + select(func.count()).select_from(owed).scalar_subquery()
    if actor.grants.can("oversee"):
        asked = (Absence.state == "requested", absences.in_sight(actor), Absence.person_id != me)
        total += select(func.count()).select_from(Absence).where(*asked).scalar_subquery()
    return db.session.scalar(select(total)) or 0


# --- hand-over before an absence --------------------------------------------------------------------------------


def sheets_of(absence_id: int) -> list[HandoverSheet]:
    """The sheets of an absence, those made before it first."""
    query = (
        select(HandoverSheet)
        .where(HandoverSheet.absence_id == absence_id)
        .options(joinedload(HandoverSheet.post), joinedload(HandoverSheet.giver), joinedload(HandoverSheet.taker))
        .order_by(HandoverSheet.kind, HandoverSheet.id)
    )
    return list(db.session.scalars(query))


def stand_ins_of(absence_id: int) -> list[StandIn]:
    """Who is recorded as standing in for an absence."""
    query = select(StandIn).where(StandIn.absence_id == absence_id)
    query = query.options(joinedload(StandIn.person), joinedload(StandIn.post), joinedload(StandIn.unit))
    return list(db.session.scalars(query.order_by(StandIn.valid, StandIn.id).limit(SHOWN)))


def make_sheets(actor: Actor, absence_id: int) -> list[HandoverSheet]:
    """One sheet for each post this person acts for when his absence begins, to whoever acts then; made once.

    Raises NotFound("absence.unknown"), Refused("absence.not-own"), Refused("absence.nothing-to-hand-over").
    """
    with transaction():
        absence = absences.access_absence(actor, absence_id, for_update=True)
        if absence.person_id != actor.person_id:
            raise Refused("absence.not-own")
        ends_at = absence.valid.upper or places.EVER
        if absence.state not in absences.OPEN or ends_at <= present.now():
            raise NotFound("absence.unknown", {"id": absence_id})
        receivers = _receivers(absence, max(absence.valid.lower or present.now(), present.now()), ends_at)
        if not receivers:
            raise Refused("absence.nothing-to-hand-over")
        known = {
            sheet.post_id: sheet
            for sheet in sheets_of(absence_id)
            if (sheet.kind, sheet.from_id) == ("absence", actor.person_id)
        }
        return [
            known.get(post_id)
            or handovers.make_in(
                actor,
                "absence",
                items=handovers.open_items([post_id], present.now()),
                post_id=post_id,
                absence_id=absence_id,
                from_id=actor.person_id,
                to_id=receiver,
            )
            for post_id, receiver in receivers.items()
        ]


def _receivers(absence: Absence, starts_at: datetime, ends_at: datetime) -> dict[int, int | None]:
    """The posts the person would act for at that moment, and who acts there instead."""
    facts = places.load(absence.person_id, starts_at, ends_at, without=absence.id, with_shifts=False)
    away = roster.Absence(absence.person_id, starts_at, ends_at)
    without = roster.Staffing(facts.staffing.holdings, (), (*facts.staffing.absences, away), facts.staffing.stand_ins)
    found: dict[int, int | None] = {}
    for spot in facts.spots:
        if spot.post_id is None:
            continue
        if roster.acting(spot.place.facts, starts_at, facts.staffing).role_of(absence.person_id) is not None:
            instead = roster.acting(spot.place.facts, starts_at, without).person_ids
            found[spot.post_id] = instead[0] if instead else None
    return found


# --- the timetable ----------------------------------------------------------------------------------------------


def remind() -> int:
    """Tell once: who goes away within a day without handing over, whom nobody covers any more, who owes a report.

    Keys name the event, so running it again tells nobody twice. How many notices are new.
    """
    now = present.now()
    coming = select(Absence).where(
        Absence.state == "confirmed",
        func.lower(Absence.valid) > now,
        func.lower(Absence.valid) <= now + REMIND,
    )
    with transaction():
        rows = list(db.session.scalars(coming.order_by(Absence.id)))
        handed = handed_over(rows)
        told = sum(
            _once("absence.hand-over", [row.person_id], row.id) for row in rows if handed[row.id].state == "open"
        )
        for due in returns.due_everywhere():
            key = f"absence:{due.absence_id}|report|post:{due.post_id}"
            told += outbox.enqueue("absence.report", [due.acting_id], key=key, subject=("absence", due.absence_id))
        told += _uncovered(now)
    return told


def _uncovered(now: datetime) -> int:
    """Since it was confirmed somebody else went away, a holding or a shift changed: the leader and the person learn."""
    near = select(Absence).where(Absence.state == "confirmed", _now_or_soon())
    told = 0
    for row in db.session.scalars(near.order_by(Absence.id)).all():
        starts_at = max(row.valid.lower or now, now)
        found = absences.preview(row.person_id, starts_at, row.valid.upper or now + SOON, without=row.id)
        for one in found.needs:
            people = [row.person_id, *absences.leaders_of(row)]
            key = f"absence:{row.id}|uncovered|{one.spot.key}"
            told += outbox.enqueue("absence.uncovered", people, key=key, subject=("absence", row.id))
        if found.emptied:
            people = [row.person_id, *absences.leaders_of(row)]
            key = f"absence:{row.id}|seat"
            told += outbox.enqueue("absence.uncovered", people, key=key, subject=("absence", row.id))
    return told


def _once(kind: str, person_ids: Iterable[int], absence_id: int) -> int:
    return outbox.enqueue(kind, person_ids, key=f"absence:{absence_id}|{kind}", subject=("absence", absence_id))
