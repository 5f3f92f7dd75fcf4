"""What speaks against planned shifts: the troubles of app/rules/rosters.py with the names a planner wants to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app.models import DutySeat, DutyShift, Person, Unit, db
from app.rules import rosters as rules
from app.rules.rosters import Duty, Period, Problem, Trouble
from app.services import present
from app.services.roster_months import absences, duty_of, span_of


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person's or an office's name in both languages."""

    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a planned shift, as a code with its data, at a field of the shift's form."""

    duty: Duty
    field: str
    code: str
    data: Mapping[str, object]
    person_id: int | None = None


def judge(planned: Sequence[Duty], *, ignoring: Iterable[int] = ()) -> tuple[Finding, ...]:
    """What speaks against these shifts, in words' codes; the shifts `ignoring` are about to go."""
    if not planned:
        return ()
    usable = [duty for duty in planned if duty.starts_at < duty.ends_at]
    span = reach(usable) if usable else None
    people = {person for duty in planned for person in duty.persons}
    standing = _standing(planned[0].office_id, people, span, set(ignoring)) if span else []
    away = absences(people, span) if span else []
    found = rules.problems(planned, standing, away)
    return _findings(found)


def _standing(office_id: int, people: Iterable[int], span: Period, ignoring: set[int]) -> list[Duty]:
    """The shifts in that span that these people or this office have, but for those ignored; two statements."""
    seated = select(DutySeat.shift_id).where(
        DutySeat.person_id.in_(sorted(people)), DutySeat.valid.overlaps(span_of(span))
    )
    query = (
        select(DutyShift)
        .where(
            DutyShift.valid.overlaps(span_of(span)),
            or_(DutyShift.office_id == office_id, DutyShift.id.in_(seated)),
            DutyShift.id.notin_(ignoring),
        )
        .options(selectinload(DutyShift.seats))
    )
    return [duty_of(row) for row in db.session.scalars(query)]


_AT: Mapping[Trouble, tuple[str, str]] = {
    Trouble.EMPTY: ("ends_at", "period.ends-before-start"),
    Trouble.TOO_LONG: ("ends_at", "shift.too-long"),
    Trouble.NOBODY: ("main", "shift.nobody"),
    Trouble.BOTH_SEATS: ("second", "shift.two-seats"),
    Trouble.OVERLAP: ("starts_at", "shift.overlap"),
    Trouble.TWO_PLACES: ("main", "shift.elsewhere"),
    Trouble.AWAY: ("main", "shift.away"),
}


def _findings(problems: Sequence[Problem]) -> tuple[Finding, ...]:
    people = _names(Person, {p.person_id for p in problems if p.person_id is not None})
    offices = _names(Unit, {p.other.office_id for p in problems if isinstance(p.other, Duty)})
    found = []
    for one in problems:
        place, code = _AT[one.trouble]
        if one.person_id is not None and one.person_id not in one.duty.main:
            place = "second"
        data: dict[str, object] = {}
        if one.trouble is Trouble.TOO_LONG:
            data["days"] = rules.LONGEST.days
        if one.person_id is not None and one.trouble in (Trouble.TWO_PLACES, Trouble.AWAY):
            data["person"] = people[one.person_id]
        if isinstance(one.other, Duty) and one.trouble is Trouble.TWO_PLACES:
            data["office"] = offices[one.other.office_id]
        if one.other is not None:
            data |= {"from": _text(one.other.starts_at), "until": _text(one.other.ends_at)}
        found.append(Finding(one.duty, place, code, data, one.person_id))
    return tuple(found)


def _names(model: Any, ids: set[int]) -> dict[int, PersonName]:
    if not ids:
        return {}
    query = select(model.id, model.name, model.name_en).where(model.id.in_(ids))
    return {row.id: PersonName(row.name, row.name_en) for row in db.session.execute(query)}


def _text(moment: datetime | None) -> str:
    if moment is None or moment.year > 9000 or moment.year < 10:
        return "…"
    return f"{moment.astimezone(present.zone()):%Y-%m-%d %H:%M}"


def reach(duties: Sequence[Duty]) -> Period:
    """From the first beginning to the last end."""
    return Period(min(duty.starts_at for duty in duties), max(duty.ends_at for duty in duties))
