"""Hand-over sheets of slips (送呈交接单), numbered, by matching section; the next step of a scanned slip (R6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.models import Appeal, NumberSeries, Slip, SlipHandover, SlipSheet, db
from app.rules import numbering, scanning
from app.rules.errors import NotFound, Refused
from app.services import access, journal, numbers, present, workflow
from app.services.actors import Actor
from app.services.transaction import transaction

MOST = 200
# What happens next to a slip, by where its appeal stands.
NEXT = {"slip_ready": "carry", "with_section": "deliver", "with_leader": "fetch", "fetched": "transcribe"}
_UNDER_WAY = ("slip_ready", "with_section", "with_leader")


@dataclass(frozen=True)
class Today:
    """The sheets that matter today with their slips, and the slips under way that stand on none yet."""

    sheets: tuple[tuple[SlipSheet, tuple[Slip, ...]], ...]
    loose: tuple[Slip, ...]
    may_make: bool


@dataclass(frozen=True)
class Found:
    """A scanned slip, its appeal, and the step this person can do with it now, if any."""

    slip: Slip
    appeal: Appeal
    action: str | None


def today(actor: Actor) -> Today:
    """What the liaison and the sections have under way, and what moved today; in two statements."""
    access.require_anywhere(actor, "carry", "deliver", "number", "triage")
    start = datetime.combine(present.today(), datetime.min.time(), present.zone())
    moved_today = exists().where(SlipHandover.slip_id == Slip.id, SlipHandover.at >= start)
    query = _slips(actor).where(Slip.number.is_not(None), or_(Appeal.state.in_(_UNDER_WAY), moved_today))
    shown = list(db.session.scalars(query.order_by(Slip.id).limit(MOST)).unique())
    by_sheet: dict[int, list[Slip]] = {}
    for slip in shown:
        if slip.sheet is not None:
            by_sheet.setdefault(slip.sheet.id, []).append(slip)
    sheets = [(slips[0].sheet, tuple(slips)) for slips in by_sheet.values() if slips[0].sheet is not None]
    loose = tuple(slip for slip in shown if slip.sheet is None and slip.appeal.state in _UNDER_WAY)
    return Today(
        tuple(sorted(sheets, key=lambda one: (one[0].section_id, one[0].id))), loose, actor.grants.can("carry")
    )


def make(actor: Actor) -> list[SlipSheet]:
    """Put every slip under way that stands on no sheet on one, a sheet for each section; the numbers are drawn last.

    Nothing to put on a sheet makes none. Raises Refused without the liaison's capability.
    """
    access.require_anywhere(actor, "carry")
    if actor.person_id is None:
        raise Refused("access.not-granted", {"capability": "carry"})
    with transaction():
        waiting = (
            select(Slip)
            .join(Appeal, Appeal.id == Slip.appeal_id)
            .where(
                access.visible_to(actor, "carry"),
                Slip.number.is_not(None),
                Slip.sheet_id.is_(None),
                Appeal.state.in_(_UNDER_WAY),
            )
            .order_by(Slip.id)
            .limit(MOST)
            .with_for_update(of=Slip)
        )
        by_section: dict[int, list[Slip]] = {}
        for slip in db.session.scalars(waiting):
            by_section.setdefault(slip.section_id, []).append(slip)
        given = numbers.take("hand_over_sheet", len(by_section)) if by_section else []
        return [
            _sheet(actor, number, section_id, slips)
            for number, (section_id, slips) in zip(given, sorted(by_section.items()), strict=True)
        ]


def _sheet(actor: Actor, number: str, section_id: int, slips: Sequence[Slip]) -> SlipSheet:
    made = SlipSheet(number=number, section_id=section_id, made_at=present.now(), made_by_id=actor.person_id or 0)
    db.session.add(made)
    db.session.flush()
    for slip in slips:
        slip.sheet = made
    new = {"number": number, "section": section_id, "slips": [slip.number for slip in slips]}
    journal.write(actor, "create", "slip_sheet", made.id, new=new)
    return made


def access_sheet(actor: Actor, sheet_id: int) -> tuple[SlipSheet, list[Slip]]:
    """A sheet and its slips, for who sees them. Raises NotFound."""
    slips = list(db.session.scalars(_slips(actor).where(Slip.sheet_id == sheet_id).order_by(Slip.id)).unique())
    if not slips or slips[0].sheet is None:
        raise NotFound("slip-sheet.unknown", {"id": sheet_id})
    return slips[0].sheet, slips


def _slips(actor: Actor) -> Select[Slip]:
    return (
        select(Slip)
        .join(Appeal, Appeal.id == Slip.appeal_id)
        .where(access.visible_to(actor))
        .options(
            joinedload(Slip.appeal),
            joinedload(Slip.section),
            joinedload(Slip.sheet).joinedload(SlipSheet.section),
            joinedload(Slip.sheet).joinedload(SlipSheet.made_by),
            selectinload(Slip.handovers).joinedload(SlipHandover.actor),
        )
    )


def find(actor: Actor, text: str) -> Found:
    """The slip whose code or number was scanned or typed, and what comes next.

    Raises NotFound("slip.not-found"): what one may not see and what does not exist look alike.
    """
    access.require_anywhere(actor, "carry", "deliver", "number", "triage")
    wanted = scanning.read(text)
    found = _meant(actor, wanted) if wanted.slip_id or wanted.number else None
    if found is None:
        raise NotFound("slip.not-found", {"text": text[:60].strip()})
    appeal = found.appeal
    action = NEXT.get(appeal.state) if found.id == max(slip.id for slip in appeal.slips) else None
    may = {one.name for one in workflow.actions_on(actor, appeal)}
    return Found(found, appeal, action if action in may else None)


def _meant(actor: Actor, wanted: scanning.Wanted) -> Slip | None:
    """By id; by the slip's or its appeal's number; by the sequence in this year's series."""
    query = _slips(actor).where(Slip.number.is_not(None))
    if wanted.slip_id is not None:
        return db.session.scalars(query.where(Slip.id == wanted.slip_id)).unique().one_or_none()
    names = {wanted.number}
    if wanted.seq is not None:
        template = db.session.scalar(select(NumberSeries.template).where(NumberSeries.code == "slip"))
        if template is not None:
            names.add(numbering.render(template, year=present.today().year, seq=wanted.seq))
    either = or_(Slip.number.in_(names), Appeal.number.in_(names))
    return db.session.scalars(query.where(either).order_by(Slip.id.desc()).limit(1)).unique().one_or_none()
