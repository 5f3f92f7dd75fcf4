"""Absences: asked for, confirmed, cut short; checked against who acts meanwhile, in one transaction each (R15).

Both away together is refused unless somebody who may is recorded as standing in. The places of the person are locked
in order first, so that of two requests of A and B at one moment the second sees the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import joinedload

from app.models import Absence, DutySeat, DutyShift, Holding, Person, Post, StandIn, Unit, db
from app.rules import absences as rules
from app.rules import roster
from app.rules.coverage import Stretch
from app.rules.errors import Conflict, FieldErrors, FieldProblem, NotFound, Refused
from app.rules.fields import clean_text
from app.services import absence_places as places
from app.services import access, audit, journal, outbox, present, reach
from app.services.actors import Actor
from app.services.transaction import transaction

LONGEST_REASON = 200
OPEN = ("requested", "confirmed")
# A roster is planned month by month: who sat in it so long ago still belongs to it.
SAT_WITHIN = timedelta(days=31)


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: kind, period, reason, and who stands in where, by the key of the place."""

    kind: str
    starts_at: datetime | None
    ends_at: datetime | None
    reason: str = ""
    stand_ins: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Meanwhile:
    """One place while somebody is away: who acts when, what nobody covers, whom nobody can reach."""

    spot: places.Spot
    stretches: tuple[Stretch, ...]
    needs: tuple[rules.Need, ...]


@dataclass(frozen=True)
class Preview:
    """What an absence would mean, before anybody asks for it."""

    starts_at: datetime
    ends_at: datetime
    is_late: bool
    meanwhile: tuple[Meanwhile, ...]
    emptied: tuple[rules.Seat, ...]
    people: Mapping[int, Person]
    offices: Mapping[int, Unit]
    unreachable: Mapping[int, str]

    @property
    def needs(self) -> tuple[Meanwhile, ...]:
        """The places for which somebody must be recorded as standing in."""
        return tuple(one for one in self.meanwhile if one.needs)


# --- looking ----------------------------------------------------------------------------------------------------


def preview(person_id: int, starts_at: datetime, ends_at: datetime, *, without: int | None = None) -> Preview:
    """Who acts in each place of the person over the period, what would be missing; the period is checked already."""
    facts = places.load(person_id, starts_at, ends_at, without=without)
    absence = roster.Absence(person_id, starts_at, ends_at)
    meanwhile = tuple(
        Meanwhile(
            spot,
            rules.acting_meanwhile(spot.place, absence, facts.staffing),
            rules.needs(spot.place, absence, facts.staffing),
        )
        for spot in facts.spots
    )
    acting = {p for one in meanwhile for stretch in one.stretches for p in stretch.acting.person_ids}
    offered = {p for one in meanwhile for need in one.needs for p in need.offered}
    return Preview(
        starts_at,
        ends_at,
        rules.is_late_notice(starts_at, present.now()),
        meanwhile,
        rules.emptied_seats(absence, facts.shifts, facts.staffing),
        facts.people,
        facts.offices,
        reach.unreachable(acting | offered),
    )


def in_sight(actor: Actor) -> ColumnElement[bool]:
    """SQL: the absences that are this person's business as system officer or responsible leader."""
    if actor.grants.can("system"):
        return true()
    posts = [grant.post_id for grant in actor.grants.grants if grant.capability == "oversee"]
    wanted = Post.id.in_([post_id for post_id in posts if post_id is not None])
    found: ColumnElement[bool] = exists().where(wanted, _belongs()).correlate(Absence)
    return found


def _belongs() -> ColumnElement[bool]:
    """SQL: the absence is of somebody who belongs to the post when it begins: holds it then or later, or sits for it.

    Who had given the post up by then is its leader's business no more.
    """
    begins = func.lower(Absence.valid)
    held = exists().where(
        Holding.person_id == Absence.person_id, Holding.post_id == Post.id, _ends_after(Holding, begins)
    )
    seated = exists().where(
        DutySeat.person_id == Absence.person_id,
        DutySeat.shift_id == DutyShift.id,
        DutyShift.office_id == Post.office_id,
        _ends_after(DutySeat, begins - SAT_WITHIN),
    )
    own, rostered = (one.correlate(Absence, Post) for one in (held, seated))
    return or_(and_(~Post.filled_by_duty, own), and_(Post.filled_by_duty, rostered))


def _ends_after(model: type[Holding | DutySeat], moment: Any) -> ColumnElement[bool]:
    ends: ColumnElement[bool] = or_(func.upper_inf(model.valid), func.upper(model.valid) > moment)
    return ends


def access_absence(actor: Actor, absence_id: int, *, for_update: bool = False) -> Absence:
    """An absence of one's own, or in one's sight. Raises NotFound("absence.unknown")."""
    mine = Absence.person_id == (actor.person_id or 0)
    query = select(Absence).where(Absence.id == absence_id, or_(mine, in_sight(actor)))
    if for_update:
        query = query.with_for_update(of=Absence).execution_options(populate_existing=True)
    else:
        query = query.options(joinedload(Absence.person), joinedload(Absence.decided_by))
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("absence.unknown", {"id": absence_id})
    return found


def may_decide(actor: Actor, absence: Absence) -> bool:
    """Whether this person confirms it: in his sight, and not his own, whatever else he is."""
    if absence.person_id == actor.person_id:
        return False
    if actor.grants.can("system"):
        return True
    if not actor.grants.can("oversee"):
        return False
    return db.session.scalar(select(Absence.id).where(Absence.id == absence.id, in_sight(actor))) is not None


def leaders_of(absence: Absence) -> tuple[int, ...]:
    """Who confirms it: the responsible leaders of the posts its person belongs to then, himself left out."""
    query = (
        select(Post.leader_id)
        .join(Absence, _belongs())
        .where(
            Absence.id == absence.id,
            Post.active,
            Post.leader_id.is_not(None),
            Post.leader_id != Absence.person_id,
        )
    )
    return tuple(p for p in db.session.scalars(query.distinct().order_by(Post.leader_id)) if p is not None)


# --- asking, entering, deciding ---------------------------------------------------------------------------------


def request(actor: Actor, wish: Wish) -> Absence:
    """Ask for one's own absence; the responsible leaders are told. Sending the same period again returns it.

    Raises Refused("access.not-granted") for an account without person, FieldErrors for the period ("absence.in-past",
    "absence.overlap"), a seat of a shift that would be empty ("absence.on-duty") and each place without anybody
    ("absence.both-away" or "absence.third-person" at "stand_in-<key>", or why the named person may not).
    """
    if actor.person_id is None:
        raise Refused("access.not-granted", {"capability": "system"})
    starts_at, ends_at = rules.checked_period(wish.starts_at, wish.ends_at, present.now(), present.zone())
    with _at_fields():
        places.lock(actor.person_id, starts_at, ends_at)
        if (known := _same(actor.person_id, wish)) is not None:
            return known
        absence = add_in(actor, actor.person_id, replace(wish, starts_at=starts_at, ends_at=ends_at), "requested")
        _tell("absence.requested", leaders_of(absence), absence)
    return absence


def enter(actor: Actor, person_id: int, wish: Wish) -> Absence:
    """The system officer enters an absence; it counts as confirmed. Raises what `request` raises."""
    access.require_anywhere(actor, "system")
    with _at_fields():
        return enter_in(actor, person_id, wish)


def enter_in(actor: Actor, person_id: int, wish: Wish) -> Absence:
    """The same inside the open transaction, for many at once."""
    starts_at, ends_at = rules.checked_period(
        wish.starts_at, wish.ends_at, present.now(), present.zone(), may_be_past=True
    )
    if db.session.scalar(select(Person.id).where(Person.id == person_id, Person.active)) is None:
        raise FieldErrors([FieldProblem("person", "person.unknown")])
    places.lock(person_id, starts_at, ends_at)
    absence = add_in(actor, person_id, replace(wish, starts_at=starts_at, ends_at=ends_at), "confirmed")
    absence.decided_at = present.now()
    _tell("absence.entered", [person_id], absence)
    _tell_stand_ins(absence)
    return absence


def add_in(actor: Actor, person_id: int, wish: Wish, state: str) -> Absence:
    """The row with its stand-ins, journal and audit, inside the open transaction; its places are locked already."""
    starts_at, ends_at = wish.starts_at, wish.ends_at
    assert starts_at is not None
    assert ends_at is not None
    _require_free(person_id, starts_at, ends_at)
    reason = clean_text(wish.reason)[:LONGEST_REASON]
    if wish.kind not in rules.KINDS:
        raise FieldErrors([FieldProblem("kind", "field.choice")])
    cover = _checked_cover(person_id, starts_at, ends_at, wish.stand_ins or {})
    absence = Absence(
        person_id=person_id,
        valid=Range(starts_at, ends_at, bounds="[)"),
        kind=wish.kind,
        reason=reason,
        state=state,
        late_notice=rules.is_late_notice(starts_at, present.now()),
    )
    db.session.add(absence)
    db.session.flush()
    _stand(actor, absence, cover)
    _trace(actor, "request" if state == "requested" else "create", absence, new=_shown(absence))
    return absence


def decide(
    actor: Actor,
    absence_id: int,
    *,
    confirm: bool,
    remark: str = "",
    stand_ins: Mapping[str, int] | None = None,
    version: int | None = None,
) -> Absence:
    """Confirm or refuse a request, not one's own; everything is checked again, for it may have changed since.

    What began meanwhile counts from now on. Repeating the decision changes nothing. Raises NotFound("absence.unknown"),
    Refused("absence.own"), Conflict("absence.decided", "row.stale"), FieldErrors as `request` does.
    """
    seen = access_absence(actor, absence_id)
    with _at_fields():
        places.lock(seen.person_id, _starts(seen), _ends(seen))
        absence = access_absence(actor, absence_id, for_update=True)
        if not may_decide(actor, absence):
            raise Refused(
                "absence.own" if absence.person_id == actor.person_id else "access.not-granted",
                {"capability": "oversee"},
            )
        wanted = "confirmed" if confirm else "refused"
        if absence.state == wanted:
            return absence
        rules.check_decide(absence.state)
        if version is not None and version != absence.version:
            raise Conflict("row.stale")
        if confirm:
            _confirm(actor, absence, stand_ins or {})
        else:
            _free_stand_ins(actor, absence, present.now())
        absence.state = wanted
        absence.decided_by_id, absence.decided_at = actor.person_id, present.now()
        absence.remark = clean_text(remark)[:LONGEST_REASON]
        _trace(actor, "confirm" if confirm else "refuse", absence, old={"state": "requested"}, new={"state": wanted})
        _tell(f"absence.{wanted}", [absence.person_id], absence)
        if confirm:
            _tell_stand_ins(absence)
    return absence


def _confirm(actor: Actor, absence: Absence, stand_ins: Mapping[str, int]) -> None:
    starts_at, ends_at = _starts(absence), _ends(absence)
    if ends_at <= present.now():
        raise Conflict("absence.over")
    starts_at = max(starts_at, present.now())
    cover = _checked_cover(absence.person_id, starts_at, ends_at, stand_ins, without=absence.id)
    absence.valid = Range(starts_at, ends_at, bounds="[)")
    _stand(actor, absence, cover)


def cancel(actor: Actor, absence_id: int, *, version: int | None = None) -> Absence:
    """Take back a request, or a confirmed absence before it begins; repeating it changes nothing.

    Oneself or the system officer. Raises NotFound("absence.unknown"), Refused("access.not-granted"),
    Conflict("absence.over", "row.stale").
    """
    with transaction():
        absence = _own(actor, absence_id)
        if absence.state == "cancelled":
            return absence
        rules.check_cancel(absence.state, _starts(absence), present.now())
        _same_version(absence, version)
        before, absence.state = absence.state, "cancelled"
        _free_stand_ins(actor, absence, present.now())
        _trace(actor, "cancel", absence, old={"state": before}, new={"state": "cancelled"})
        _tell("absence.cancelled", leaders_of(absence), absence)
    return absence


def come_back(actor: Actor, absence_id: int, *, version: int | None = None) -> Absence:
    """Somebody who is away is back early: the absence ends now, and with it who stood in for it.

    Repeating it changes nothing. Raises what `cancel` raises, and Conflict("absence.not-away").
    """
    with transaction():
        absence = _own(actor, absence_id)
        now = present.now()
        if absence.state == "confirmed" and absence.remark == "" and _ends(absence) == now:
            return absence
        rules.check_return(absence.state, _starts(absence), absence.valid.upper, now)
        _same_version(absence, version)
        old = {"ends_at": _ends(absence).isoformat()}
        absence.valid = Range(absence.valid.lower, now, bounds="[)")
        _free_stand_ins(actor, absence, now)
        _trace(actor, "return", absence, old=old, new={"ends_at": now.isoformat()})
        _tell("absence.returned", leaders_of(absence), absence)
    return absence


def _own(actor: Actor, absence_id: int) -> Absence:
    absence = access_absence(actor, absence_id, for_update=True)
    if absence.person_id != actor.person_id and not actor.grants.can("system"):
        raise Refused("access.not-granted", {"capability": "system"})
    return absence


# --- checks and stand-ins ---------------------------------------------------------------------------------------

Cover = list[tuple[places.Spot, rules.Need, int]]


def _checked_cover(
    person_id: int,
    starts_at: datetime,
    ends_at: datetime,
    stand_ins: Mapping[str, int],
    *,
    without: int | None = None,
) -> Cover:
    """Who stands in where and when. Raises FieldErrors with every place and seat that would be left."""
    chosen = set(stand_ins.values())
    facts = places.load(person_id, starts_at, ends_at, without=without)
    absence = roster.Absence(person_id, starts_at, ends_at)
    away = places.away_in(chosen, starts_at, ends_at, without=without)
    staffing = replace(facts.staffing, absences=(*facts.staffing.absences, *away))
    fit = set(db.session.scalars(select(Person.id).where(Person.id.in_(chosen), Person.active)))
    problems = [
        FieldProblem("starts_at", "absence.on-duty", _duty_data(seat, facts))
        for seat in rules.emptied_seats(absence, facts.shifts, staffing)
    ]
    cover: Cover = []
    for spot in facts.spots:
        for need in rules.needs(spot.place, absence, staffing):
            field = f"stand_in-{spot.key}"
            person = stand_ins.get(spot.key)
            if person is None:
                code = "absence.both-away" if need.offered else "absence.third-person"
                problems.append(FieldProblem(field, code, _need_data(spot, need)))
                continue
            try:
                rules.check_stand_in(need, person, staffing, absence, unfit=chosen - fit)
            except Refused as error:
                problems.append(FieldProblem(field, error.code))
            else:
                cover.append((spot, need, person))
    if problems:
        raise FieldErrors(problems)
    return cover


def _stand(actor: Actor, absence: Absence, cover: Cover) -> None:
    for spot, need, person in cover:
        clear(actor, spot.stands(), need.starts_at, need.ends_at)
        targets = (
            [{"post_id": spot.post_id}]
            if spot.post_id
            else [{"unit_id": unit, "link": spot.link} for unit in spot.unit_ids]
        )
        for target in targets:
            row = StandIn(
                kind="both_away",
                person_id=person,
                valid=Range(need.starts_at, need.ends_at, bounds="[)"),
                absence_id=absence.id,
                **target,
            )
            db.session.add(row)
            db.session.flush()
            new = {"kind": "both_away", "person_id": person, "absence_id": absence.id, "place": spot.key}
            journal.write(actor, "create", "stand_in", row.id, post_id=spot.post_id, new=new)
            audit.record(actor, "right.change", object_type="stand_in", object_id=row.id, detail={"action": "create"})


def clear(actor: Actor, which: ColumnElement[bool], starts_at: datetime, ends_at: datetime) -> None:
    """Nobody stands in a place over [starts_at, ends_at) any more: rows are cut, so that another can (R15)."""
    meets = StandIn.valid.op("&&")(func.tstzrange(starts_at, ends_at))
    for row in db.session.scalars(select(StandIn).where(which, meets).with_for_update()).all():
        lower, upper = row.valid.lower, row.valid.upper
        _note_cut(actor, row, starts_at, ends_at)
        if upper is None or upper > ends_at:
            tail = Range(ends_at, upper, bounds="[)")
            if lower is not None and lower < starts_at:
                columns = ("kind", "post_id", "unit_id", "link", "person_id", "reason", "absence_id")
                row.valid = Range(lower, starts_at, bounds="[)")
                db.session.flush()
                db.session.add(StandIn(valid=tail, **{name: getattr(row, name) for name in columns}))
            else:
                row.valid = tail
        elif lower is not None and lower < starts_at:
            row.valid = Range(lower, starts_at, bounds="[)")
        else:
            db.session.delete(row)
        db.session.flush()


def _note_cut(actor: Actor, row: StandIn, starts_at: datetime, ends_at: datetime) -> None:
    old = {
        "person_id": row.person_id,
        "starts_at": row.valid.lower.isoformat() if row.valid.lower else None,
        "ends_at": row.valid.upper.isoformat() if row.valid.upper else None,
    }
    without = {"without_from": starts_at.isoformat(), "without_until": ends_at.isoformat()}
    journal.write(actor, "end", "stand_in", row.id, post_id=row.post_id, old=old, new=without)


def _free_stand_ins(actor: Actor, absence: Absence, now: datetime) -> None:
    """Who stood in for this absence does so no more: what never began goes, what runs ends now."""
    for row in db.session.scalars(select(StandIn).where(StandIn.absence_id == absence.id).with_for_update()).all():
        if row.valid.lower is not None and row.valid.lower >= now:
            journal.write(actor, "remove", "stand_in", row.id, post_id=row.post_id, old={"person_id": row.person_id})
            db.session.delete(row)
        elif row.valid.upper is None or row.valid.upper > now:
            journal.write(actor, "end", "stand_in", row.id, post_id=row.post_id, new={"ends_at": now.isoformat()})
            row.valid = Range(row.valid.lower, now, bounds="[)")
    db.session.flush()


def _require_free(person_id: int, starts_at: datetime, ends_at: datetime) -> None:
    overlap = select(Absence).where(
        Absence.person_id == person_id,
        Absence.state.in_(OPEN),
        Absence.valid.op("&&")(func.tstzrange(starts_at, ends_at)),
    )
    found = db.session.scalars(overlap.order_by(Absence.valid).limit(1)).first()
    if found is not None:
        data = {"starts": shown_moment(found.valid.lower), "ends": shown_moment(found.valid.upper)}
        raise FieldErrors([FieldProblem("starts_at", "absence.overlap", data)])


def _same(person_id: int, wish: Wish) -> Absence | None:
    """The request that this form made a moment ago: the same end, the same kind, not decided against."""
    query = select(Absence).where(
        Absence.person_id == person_id,
        Absence.state == "requested",
        Absence.kind == wish.kind,
        func.upper(Absence.valid) == wish.ends_at,
        Absence.reason == clean_text(wish.reason)[:LONGEST_REASON],
    )
    found = db.session.scalars(query).first()
    starts_at = wish.starts_at
    if found is None or starts_at is None or _starts(found) < starts_at:
        return None
    return found if _starts(found) == starts_at or starts_at <= found.created_at else None


def _need_data(spot: places.Spot, need: rules.Need) -> dict[str, object]:
    return {
        "place": spot.name,
        "place_en": spot.name_en,
        "starts": shown_moment(need.starts_at),
        "ends": shown_moment(need.ends_at),
    }


def _duty_data(seat: rules.Seat, facts: places.Facts) -> dict[str, object]:
    office = facts.offices[seat.shift.office_id]
    return {
        "office": office.name,
        "office_en": office.name_en,
        "starts": shown_moment(seat.shift.starts_at),
        "ends": shown_moment(seat.shift.ends_at),
    }


def shown_moment(moment: datetime | None) -> str:
    """A moment as it stands in a message."""
    return moment.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M") if moment else "–"


def _starts(absence: Absence) -> datetime:
    return absence.valid.lower or places.LONG_AGO


def _ends(absence: Absence) -> datetime:
    return absence.valid.upper or places.EVER


def _same_version(absence: Absence, version: int | None) -> None:
    if version is not None and version != absence.version:
        raise Conflict("row.stale")


# --- traces -----------------------------------------------------------------------------------------------------


def _shown(absence: Absence) -> dict[str, object]:
    return {
        "person_id": absence.person_id,
        "kind": absence.kind,
        "state": absence.state,
        "starts_at": _starts(absence).isoformat(),
        "ends_at": absence.valid.upper.isoformat() if absence.valid.upper else None,
        "late_notice": absence.late_notice,
    }


def _trace(
    actor: Actor,
    action: str,
    absence: Absence,
    *,
    old: Mapping[str, object] | None = None,
    new: Mapping[str, object] | None = None,
) -> None:
    db.session.flush()
    journal.write(actor, action, "absence", absence.id, old=old, new=new)
    audit.record(actor, "right.change", object_type="absence", object_id=absence.id, detail={"action": action})


def _tell(kind: str, person_ids: Iterable[int], absence: Absence) -> None:
    others = [person for person in person_ids if person is not None]
    outbox.enqueue(kind, others, key=f"absence:{absence.id}|{kind}", subject=("absence", absence.id))


def _tell_stand_ins(absence: Absence) -> None:
    """Who will act learns of it: B of each post, and whoever stands in."""
    found = preview(absence.person_id, _starts(absence), _ends(absence), without=absence.id)
    acting = {p for one in found.meanwhile if one.spot.post_id for s in one.stretches for p in s.acting.person_ids}
    named = db.session.scalars(select(StandIn.person_id).where(StandIn.absence_id == absence.id)).all()
    _tell("absence.acting", sorted((acting | set(named)) - {absence.person_id}), absence)


@contextmanager
def _at_fields() -> Iterator[None]:
    """A transaction in which a period that the database finds taken stands at its field."""
    try:
        with transaction():
            yield
    except Conflict as error:
        if error.code == "row.constraint" and error.data.get("constraint") == "absence_no_overlap":
            raise FieldErrors([FieldProblem("starts_at", "period.overlap")]) from error
        raise
