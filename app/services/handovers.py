"""Handover sheets (交接单): what is open for a post, written down and confirmed by giver and taker.

A sheet keeps ids, numbers and due moments as they stood. Subjects are never kept: they are read when the sheet is
shown, for readers who may see the appeal. Without both confirmations a hand-over did not happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from app.models import Absence, Appeal, Clock, DutySeat, DutyShift, HandoverSheet, Holding, Post, Slip, db
from app.rules import grants as rules
from app.rules.errors import Conflict, NotFound, Refused
from app.services import access, clocks, desk, journal, numbers, outbox, present
from app.services.actors import Actor
from app.services.transaction import transaction

SERIES = "handover_sheet"
# A sheet is read by people: the most urgent so many are listed, of the rest it says how many.
MOST = 500
# A slip that was carried is the section's to deliver and the liaison's to fetch back: he must know where it is (R6).
SLIPS_UNDER_WAY = ("with_section",)
# What only a sheet lists: a queue of no desk.
UNDER_WAY, OVERDUE, CLOCK = "slip_under_way", "overdue", "clock"

Item = dict[str, Any]


# --- what is open -----------------------------------------------------------------------------------------------


def open_items(post_ids: Sequence[int], at: datetime) -> list[Item]:
    """The open work of these posts, most urgent first, in two statements; `at` decides what is late.

    Built from the posts' running clocks, the queues of what they may do within their scope, and slips under way.
    Each item: appeal_id, number, subject, state, channel_class, what (a queue of the desk, "slip_under_way",
    "overdue" or "clock"), clock (its kind), due_at (ISO, UTC), late, slip (its number), post_id, fictional. Past
    MOST a last item {"rest": how many} says what is left out.
    """
    posts = db.session.scalars(select(Post).where(Post.id.in_(list(post_ids)), Post.active).order_by(Post.number)).all()
    if not posts:
        return []
    plan = [part for post in posts for part in _parts(post, at)]
    rows = db.session.execute(_statement(plan, [post.id for post in posts])).all()
    items = [_item(row, at) for row in rows]
    if rows and rows[0].total > len(rows):
        items.append({"rest": rows[0].total - len(rows)})
    return items


def _parts(post: Post, at: datetime) -> Iterator[Any]:
    """One query per queue and for the post's own clocks: appeal, post, why it is on the sheet."""
    for grant in _grants_of(post):
        for name, condition in desk.conditions(grant) if grant.capability in desk.QUEUES else ():
            yield _part(post, name, condition)
        reached = access.visible_under(grant)
        if grant.capability == "carry":
            yield _part(post, UNDER_WAY, and_(Appeal.state.in_(SLIPS_UNDER_WAY), reached))
        if grant.capability == "supervise":
            late = Appeal.id.in_(select(Clock.appeal_id).where(clocks.is_overdue(at)))
            yield _part(post, OVERDUE, and_(late, reached))
    own = select(Clock.appeal_id).where(Clock.post_id == post.id, Clock.stopped_at.is_(None))
    yield _part(post, CLOCK, Appeal.id.in_(own))


def _part(post: Post, name: str, condition: ColumnElement[bool]) -> Any:
    rank = {OVERDUE: 2, CLOCK: 1}.get(name, 0)  # what is to be done says more than that a clock runs
    return select(
        Appeal.id.label("appeal_id"),
        literal(post.id).label("post_id"),
        literal(name).label("what"),
        literal(rank).label("rank"),
    ).where(condition)


def _statement(plan: Sequence[Any], post_ids: Sequence[int]) -> Any:
    found = union_all(*plan).subquery("found")
    once = (
        select(found)
        .ext(distinct_on(found.c.appeal_id))
        .order_by(found.c.appeal_id, found.c.rank, found.c.post_id)
        .subquery("once")
    )
    # The post's own clock first: another's may run beside it.
    is_own = case((Clock.post_id.in_(post_ids), 0), else_=1)
    urgent = (
        select(Clock.kind, Clock.started_at, Clock.due_at, Clock.late_when)
        .where(Clock.appeal_id == once.c.appeal_id, Clock.stopped_at.is_(None))
        .order_by(is_own, Clock.due_at)
        .limit(1)
        .lateral("urgent")
    )
    slip = (
        select(Slip.number)
        .where(Slip.appeal_id == once.c.appeal_id, Slip.number.is_not(None))
        .order_by(Slip.id.desc())
        .limit(1)
        .lateral("slip")
    )
    return (
        select(
            Appeal.id,
            Appeal.number,
            Appeal.subject,
            Appeal.state,
            Appeal.channel_class,
            Appeal.fictional,
            once.c.what,
            once.c.post_id,
            urgent.c.kind,
            urgent.c.started_at,
            urgent.c.due_at,
            urgent.c.late_when,
            slip.c.number.label("slip"),
            func.count().over().label("total"),
        )
        .select_from(once)
        .join(Appeal, Appeal.id == once.c.appeal_id)
        .join(urgent, literal(True), isouter=True)
        .join(slip, literal(True), isouter=True)
        .order_by(func.coalesce(urgent.c.due_at, Appeal.received_at), Appeal.id)
        .limit(MOST)
    )


def _item(row: Any, at: datetime) -> Item:
    late = False
    if row.due_at is not None:
        running = Clock(started_at=row.started_at, due_at=row.due_at, late_when=row.late_when)
        late = clocks.state_of(running, at).value == "overdue"
    return {
        "appeal_id": row.id,
        "number": row.number,
        "subject": row.subject,
        "state": row.state,
        "channel_class": row.channel_class,
        "what": row.what,
        "clock": row.kind,
        "due_at": row.due_at.astimezone(UTC).isoformat() if row.due_at else None,
        "late": late,
        "slip": row.slip,
        "post_id": row.post_id,
        "fictional": row.fictional,
    }


def _grants_of(post: Post) -> tuple[rules.Grant, ...]:
    """What the post may do, whoever acts for it."""
    duty = rules.PostDuty(
        post.id, tuple(post.capabilities), rules.Scope(post.scope), post.office_id, post.channel_class
    )
    return rules.grants_for(rules.Facts(acting=(rules.ActingPost(duty, "A"),))).grants


# --- making, giving, taking -------------------------------------------------------------------------------------


def make_in(
    actor: Actor,
    kind: str,
    *,
    items: Iterable[Item],
    post_id: int | None = None,
    office_id: int | None = None,
    absence_id: int | None = None,
    shift_id: int | None = None,
    from_id: int | None = None,
    to_id: int | None = None,
    remark: str = "",
) -> HandoverSheet:
    """A numbered sheet inside the open transaction, with one journal row; call it last, the counter stays locked.

    For a shift `to_id` may stay open: whoever sits the office's shift then takes it.
    """
    sheet = HandoverSheet(
        number=numbers.take(SERIES)[0],
        kind=kind,
        post_id=post_id,
        office_id=office_id,
        absence_id=absence_id,
        shift_id=shift_id,
        from_id=from_id,
        to_id=to_id,
        made_at=present.now(),
        items=kept(items),
        remark=remark,
    )
    db.session.add(sheet)
    db.session.flush()
    new = {"number": sheet.number, "kind": kind, "items": count(sheet.items), "from": from_id, "to": to_id}
    journal.write(actor, "create", "handover_sheet", sheet.id, post_id=post_id, role=_role(actor, post_id), new=new)
    return sheet


def kept(items: Iterable[Item]) -> list[Item]:
    """Items as a sheet keeps them: without the subject, which is read anew for whoever may see it."""
    return [{name: value for name, value in item.items() if name != "subject"} for item in items]


def count(items: Iterable[Item]) -> int:
    """How many pieces of open work there were, the ones left out included; what was done meanwhile is none."""
    return sum(item.get("rest", 1) for item in items if "done" not in item)


def give(actor: Actor, sheet_id: int, *, version: int | None = None, remark: str | None = None) -> HandoverSheet:
    """The giver confirms what stands on the sheet; the taker is told. Repeating it changes nothing.

    Raises NotFound("handover.unknown"), Refused("handover.not-giver"), Conflict("row.stale") when `version` is not
    the sheet's any more.
    """
    with transaction():
        sheet = access_sheet(actor, sheet_id, for_update=True)
        if sheet.from_id is None or sheet.from_id != actor.person_id:
            raise Refused("handover.not-giver")
        if sheet.given_at is None:
            _same(sheet, version)
            if remark is not None:
                sheet.remark = remark.strip()
            sheet.given_at = present.now()
            _confirmed(actor, sheet, "give", sheet.to_id)
    return sheet


def take(actor: Actor, sheet_id: int, *, version: int | None = None) -> HandoverSheet:
    """The taker confirms that he has it; the giver is told. Repeating it changes nothing.

    Raises what `give` raises with "handover.not-taker", and Conflict("handover.not-given") before the giver confirmed.
    """
    with transaction():
        sheet = access_sheet(actor, sheet_id, for_update=True)
        if not is_taker(actor, sheet):
            raise Refused("handover.not-taker")
        if sheet.taken_at is None:
            _same(sheet, version)
            if sheet.given_at is None:
                raise Conflict("handover.not-given")
            sheet.to_id = actor.person_id
            sheet.taken_at = present.now()
            _confirmed(actor, sheet, "take", sheet.from_id)
    return sheet


def refresh(actor: Actor, sheet_id: int, *, version: int | None = None) -> HandoverSheet:
    """Write the open work of this moment on a sheet that nobody has confirmed yet.

    Raises what `give` raises, and Conflict("handover.given") once it is confirmed.
    """
    with transaction():
        sheet = access_sheet(actor, sheet_id, for_update=True)
        if sheet.from_id is None or sheet.from_id != actor.person_id or sheet.post_id is None:
            raise Refused("handover.not-giver")
        if sheet.given_at is not None:
            raise Conflict("handover.given")
        _same(sheet, version)
        before, now = count(sheet.items), present.now()
        sheet.items = kept(open_items([sheet.post_id], now))
        sheet.made_at = now
        journal.write(
            actor,
            "edit",
            "handover_sheet",
            sheet.id,
            post_id=sheet.post_id,
            role=_role(actor, sheet.post_id),
            old={"items": before},
            new={"items": count(sheet.items)},
        )
    return sheet


def is_taker(actor: Actor, sheet: HandoverSheet) -> bool:
    """Whether this person may take it: the named one; of an open sheet of a shift, who sits the shift now."""
    if actor.person_id is None:
        return False
    if sheet.to_id is not None or sheet.kind != "shift":
        return sheet.to_id == actor.person_id
    return sheet.from_id != actor.person_id and _sits_now(actor.person_id, sheet.office_id)


def _same(sheet: HandoverSheet, version: int | None) -> None:
    if version is not None and version != sheet.version:
        raise Conflict("row.stale")


def _confirmed(actor: Actor, sheet: HandoverSheet, action: str, other_id: int | None) -> None:
    journal.write(
        actor,
        action,
        "handover_sheet",
        sheet.id,
        post_id=sheet.post_id,
        role=_role(actor, sheet.post_id),
        new={"number": sheet.number, "items": count(sheet.items)},
    )
    kind = {"give": "handover.given", "take": "handover.taken"}[action]
    if other_id is not None:
        outbox.enqueue(kind, [other_id], key=f"handover:{sheet.id}|{action}", subject=("handover_sheet", sheet.id))


def _role(actor: Actor, post_id: int | None) -> str | None:
    """The role in which this person stands to the post now: acting, or else held."""
    if post_id is None or actor.person_id is None:
        return None
    acting = next((g.role for g in actor.grants.grants if g.post_id == post_id and g.role), None)
    if acting is not None:
        return acting
    held = select(Holding.role).where(
        Holding.post_id == post_id, Holding.person_id == actor.person_id, Holding.valid.contains(present.now())
    )
    return db.session.scalars(held.limit(1)).first()


# --- reading ----------------------------------------------------------------------------------------------------


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """SQL: the sheets this person may see: giver and taker, who acts for the post or sits in the office now, the
    responsible leader, the duty director and the supervisor.
    """
    if actor.grants.can("triage") or actor.grants.can("supervise"):
        return literal(True)
    parts: list[ColumnElement[bool]] = []
    if actor.person_id is not None:
        parts.append(or_(HandoverSheet.from_id == actor.person_id, HandoverSheet.to_id == actor.person_id))
    posts = [grant.post_id for grant in actor.grants.grants if grant.post_id is not None]
    if posts:
        offices = select(Post.office_id).where(Post.id.in_(posts))
        of_office = and_(HandoverSheet.post_id.is_(None), HandoverSheet.office_id.in_(offices))
        parts.append(or_(HandoverSheet.post_id.in_(posts), of_office))
    return or_(*parts) if parts else false()


def access_sheet(actor: Actor, sheet_id: int, *, for_update: bool = False) -> HandoverSheet:
    """The sheet, if this person may see it. Raises NotFound("handover.unknown")."""
    query = select(HandoverSheet).where(HandoverSheet.id == sheet_id, visible_to(actor))
    if for_update:
        query = query.with_for_update(of=HandoverSheet).execution_options(populate_existing=True)
    else:
        query = query.options(*_PARTIES)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("handover.unknown", {"id": sheet_id})
    return found


_PARTIES = (
    joinedload(HandoverSheet.post),
    joinedload(HandoverSheet.office),
    joinedload(HandoverSheet.giver),
    joinedload(HandoverSheet.taker),
    joinedload(HandoverSheet.absence).joinedload(Absence.person),
    joinedload(HandoverSheet.shift),
)


@dataclass(frozen=True)
class Page:
    """A sheet as its reader may see it, with the subjects of appeals in his sight.

    `items` were open, `rest` more of them are not listed; `done` are appeals with the steps taken meanwhile.
    """

    sheet: HandoverSheet
    items: tuple[Item, ...]
    rest: int
    done: tuple[Item, ...]
    may_give: bool
    may_take: bool


def page(actor: Actor, sheet_id: int) -> Page:
    """The sheet to be read or printed, in two statements more than the sheet. Raises NotFound("handover.unknown")."""
    sheet = access_sheet(actor, sheet_id)
    listed = [item for item in sheet.items if "appeal_id" in item]
    subjects = _subjects(actor, [item["appeal_id"] for item in listed])
    items = tuple({**item, "due_at": _moment(item), "subject": subjects.get(item["appeal_id"])} for item in listed)
    mine = sheet.given_at is None and sheet.from_id is not None and sheet.from_id == actor.person_id
    takes = sheet.given_at is not None and sheet.taken_at is None and is_taker(actor, sheet)
    rest = sum(item.get("rest", 0) for item in sheet.items)
    still_open = tuple(item for item in items if "done" not in item)
    return Page(sheet, still_open, rest, tuple(item for item in items if "done" in item), mine, takes)


def _subjects(actor: Actor, appeal_ids: Sequence[int]) -> Mapping[int, str]:
    if not appeal_ids:
        return {}
    query = select(Appeal.id, Appeal.subject).where(Appeal.id.in_(appeal_ids), access.visible_to(actor))
    return dict(db.session.execute(query).all())


def _moment(item: Item) -> datetime | None:
    return datetime.fromisoformat(item["due_at"]) if item.get("due_at") else None


def _sits_now(person_id: int, office_id: int | None) -> bool:
    query = (
        select(DutySeat.id)
        .join(DutyShift, DutyShift.id == DutySeat.shift_id)
        .where(
            DutyShift.office_id == office_id, DutySeat.person_id == person_id, DutyShift.valid.contains(present.now())
        )
    )
    return db.session.scalars(query.limit(1)).first() is not None
