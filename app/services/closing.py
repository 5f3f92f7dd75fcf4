"""How an appeal ends: its relatives by merging and splitting, its notes (R11), its seal and how long it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import or_, select

from app.models import Appeal, ArchiveSeal, Journal, Person, Post, Unit, db
from app.services import access, archiving
from app.services.actors import Actor

MOST_RELATIVES = 300


@dataclass(frozen=True, slots=True)
class Note:
    """One note as it was written: by whom, for which post, when."""

    text: str
    at: datetime
    person: Person | None
    post: Post | None
    role: str | None


@dataclass(frozen=True, slots=True)
class Relative:
    """An appeal merged with this one or split from it; without a number where the reader may not see it."""

    id: int
    number: str | None
    subject: str
    state: str
    received_at: datetime
    informed_at: datetime | None
    informed_how: str
    unit: str | None
    unit_en: str | None
    is_visible: bool

    @property
    def is_waiting(self) -> bool:
        """Whether its appellant is still to be told."""
        return self.state == "merged" and self.informed_at is None


@dataclass(frozen=True, slots=True)
class Ending:
    """What the page of an appeal shows besides its course; `merged` are all that follow it, whoever sees them."""

    notes: tuple[Note, ...]
    main: Relative | None
    merged: tuple[Relative, ...]
    split_from: Relative | None
    splits: tuple[Relative, ...]
    seals: tuple[ArchiveSeal, ...]
    kept_until: date | None

    @property
    def heat(self) -> int:
        """How many appeals stand behind it, itself included: counted once in scores, each in heat."""
        return 1 + len(self.merged)

    @property
    def waiting(self) -> tuple[Relative, ...]:
        """The merged appeals whose appellants this reader can still tell."""
        return tuple(one for one in self.merged if one.is_waiting and one.is_visible)

    @property
    def seal(self) -> ArchiveSeal | None:
        """The seal in force."""
        return next((one for one in reversed(self.seals) if one.broken_at is None), None)


def ending(actor: Actor, appeal: Appeal, journal: Iterable[Journal]) -> Ending:
    """All of it for an appeal that is at hand with its journal, in one statement, two once it was archived."""
    found = _relatives(actor, appeal)
    merged = tuple(one for one, into, _cut in found if into == appeal.id)
    by_id = {one.id: one for one, _into, _cut in found}
    return Ending(
        notes=tuple(notes(appeal, journal)),
        main=by_id.get(appeal.merged_into_id or 0),
        merged=merged,
        split_from=by_id.get(appeal.split_from_id or 0),
        splits=tuple(one for one, _into, cut in found if cut == appeal.id and one.is_visible),
        seals=_seals(appeal),
        kept_until=archiving.retained_until(appeal),
    )


def notes(appeal: Appeal, journal: Iterable[Journal]) -> Iterable[Note]:
    """Each note with who wrote it when, oldest first: the journal tells what each added to the one text."""
    known = False
    for row in journal:
        if row.action == "add_note" and row.new.get("note"):
            known = True
            before, after = row.old.get("note") or "", row.new["note"]
            yield Note(after.removeprefix(before).strip(), row.at, row.person, row.post, row.role)
    if appeal.note and not known:
        # Imported with its note: nobody wrote it here.
        yield Note(appeal.note, appeal.created_at, None, None, None)


def _relatives(actor: Actor, appeal: Appeal) -> list[tuple[Relative, int | None, int | None]]:
    above = [one for one in (appeal.merged_into_id, appeal.split_from_id) if one is not None]
    query = (
        select(
            Appeal.id,
            Appeal.number,
            Appeal.subject,
            Appeal.state,
            Appeal.received_at,
            Appeal.informed_at,
            Appeal.informed_how,
            Unit.name.label("unit"),
            Unit.name_en.label("unit_en"),
            access.visible_to(actor).label("is_visible"),
            Appeal.merged_into_id,
            Appeal.split_from_id,
        )
        .join(Unit, Unit.id == Appeal.unit_id, isouter=True)
        .where(or_(Appeal.merged_into_id == appeal.id, Appeal.split_from_id == appeal.id, Appeal.id.in_(above)))
        .order_by(Appeal.id)
        .limit(MOST_RELATIVES)
    )
    found = []
    for row in db.session.execute(query):
        one = Relative(*row[:10])
        if not one.is_visible:
            one = replace(one, number=None, subject="", informed_how="", unit=None, unit_en=None)
        found.append((one, row.merged_into_id, row.split_from_id))
    return found


def _seals(appeal: Appeal) -> tuple[ArchiveSeal, ...]:
    if appeal.archived_at is None and appeal.round == 1:
        return ()
    query = select(ArchiveSeal).where(ArchiveSeal.appeal_id == appeal.id).order_by(ArchiveSeal.id)
    return tuple(db.session.scalars(query))
