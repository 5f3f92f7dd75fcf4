"""Reading duty rosters (R17): which offices keep one, who may see it, a month of it, who has duty at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import joinedload, selectinload

from app.models import Absence, DutySeat, DutyShift, Person, Post, Unit, db
from app.rules import rosters as rules
from app.rules.calendar import Day
from app.rules.errors import NotFound, Refused
from app.rules.rosters import Duty, Period
from app.services import calendar, present
from app.services.actors import Actor

# Whoever works by the rosters reads all of them; anybody else those he oversees or sits in.
READERS = ("system", "triage", "supervise", "collect")
REMEMBERED = timedelta(days=90)
FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True, slots=True)
class Office:
    """An office whose posts the duty roster fills. `writable`: this reader may plan it."""

    id: int
    code: str
    name: str
    name_en: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Seated:
    """A person in a seat of a shift; `away` is the absence that keeps him from it, as far as it is confirmed."""

    id: int
    name: str
    name_en: str
    away: Period | None = None
    is_mine: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift as a page shows it. `state` is past, running or future."""

    id: int
    version: int
    starts_at: datetime
    ends_at: datetime
    main: tuple[Seated, ...]
    second: tuple[Seated, ...]
    label: str
    state: str
    fictional: bool

    @property
    def is_open(self) -> bool:
        """Whether it can still be changed by everybody who plans the roster."""
        return self.state != "past"


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day of the grid: its place in the calendar, the shifts that begin in it, the holes within it."""

    day: date
    in_month: bool
    is_today: bool
    is_past: bool
    entry: Day | None
    works: bool
    shifts: tuple[Shift, ...]
    holes: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Somebody the palette offers, and how much duty he has in the month."""

    id: int
    name: str
    name_en: str
    pinyin: str
    duties: int = 0
    hours: int = 0
    rest_days: int = 0


@dataclass(frozen=True)
class Month:
    """A month of an office's roster with the edges of its weeks. `holes` are those still to come within it."""

    office: Office
    first: date
    weeks: tuple[tuple[DayCell, ...], ...]
    people: tuple[Tally, ...] = ()
    holes: tuple[Period, ...] = ()
    others: tuple[Office, ...] = field(default=())

    @property
    def before(self) -> date:
        """The first day of the month before."""
        return (self.first - timedelta(days=1)).replace(day=1)

    @property
    def after(self) -> date:
        """The first day of the month after."""
        return _next_month(self.first)

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """The shifts of the grid, in order."""
        return tuple(shift for week in self.weeks for cell in week for shift in cell.shifts)


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who has duty for an office at a moment; without `shift_id` there is a hole."""

    office: Office
    at: datetime
    shift_id: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    main: tuple[Seated, ...] = ()
    second: tuple[Seated, ...] = ()


# --- who may -------------------------------------------------------------------------------------------------


def offices(actor: Actor) -> list[Office]:
    """The offices whose roster this person may see, in their order; one statement."""
    led = _led_by(actor)
    writable = true() if actor.grants.can("system") else led
    query = (
        select(Unit.id, Unit.code, Unit.name, Unit.name_en, writable.label("writable"))
        .where(Unit.active, _keeps_roster(), _seen_by(actor, led))
        .order_by(Unit.sort, Unit.id)
    )
    return [Office(*row) for row in db.session.execute(query)]


def access_office(actor: Actor, office_id: int, *, to_write: bool = False) -> Office:
    """The office, if this person may see its roster; with `to_write`, plan it.

    Raises NotFound("roster.unknown") and Refused("roster.not-yours").
    """
    found = next((office for office in offices(actor) if office.id == office_id), None)
    if found is None:
        raise NotFound("roster.unknown", {"id": office_id})
    if to_write and not found.writable:
        raise Refused("roster.not-yours")
    return found


def _keeps_roster() -> ColumnElement[bool]:
    return exists().where(Post.office_id == Unit.id, Post.active, Post.filled_by_duty)


def _led_by(actor: Actor) -> ColumnElement[bool]:
    posts = actor.grants.posts_for("oversee")
    return Unit.id.in_(select(Post.office_id).where(Post.id.in_(posts), Post.active)) if posts else false()


def _seen_by(actor: Actor, led: ColumnElement[bool]) -> ColumnElement[bool]:
    if any(actor.grants.can(capability) for capability in READERS):
        return true()
    if actor.person_id is None:
        return false()
    own = (
        select(DutyShift.office_id)
        .join(DutySeat, DutySeat.shift_id == DutyShift.id)
        .where(DutySeat.person_id == actor.person_id, func.upper(DutySeat.valid) > present.now() - REMEMBERED)
    )
    return or_(led, Unit.id.in_(own))


# --- a month -------------------------------------------------------------------------------------------------


def month_of(text: str | None) -> date:
    """The first day of a month written like 2026-12; of the present month for anything else."""
    try:
        found = date.fromisoformat(f"{text}-01")
        if FIRST_YEAR <= found.year <= LAST_YEAR:
            return found
    except ValueError:
        pass
    return present.today().replace(day=1)


def month(actor: Actor, office_id: int, first: date) -> Month:
    """The month that begins on `first`, in a bounded number of statements. Raises what `access_office` raises."""
    seen = offices(actor)
    office = next((one for one in seen if one.id == office_id), None)
    if office is None:
        raise NotFound("roster.unknown", {"id": office_id})
    start = first - timedelta(days=first.weekday())
    after = _next_month(first)
    end = after + timedelta(days=-after.weekday() % 7)
    zone = present.zone()
    window = Period(rules.moment(start, time(), zone), rules.moment(end, time(), zone))
    rows = load(office.id, window)
    shifts = _shown(rows, window, actor.person_id)
    duties = [duty_of(row) for row in rows]
    weeks = tuple(
        tuple(
            _cell(start + timedelta(days=week * 7 + day), first, shifts, duties, is_first=not week and not day)
            for day in range(7)
        )
        for week in range((end - start).days // 7)
    )
    whole = Period(rules.moment(first, time(), zone), rules.moment(after, time(), zone))
    begin = max(whole.starts_at, present.now().replace(second=0, microsecond=0))
    open_holes = rules.holes(duties, begin, whole.ends_at) if begin < whole.ends_at else ()
    people = _palette(office.id, duties, whole) if office.writable else ()
    return Month(office, first, weeks, people, open_holes, tuple(seen))


def load(office_id: int, window: Period) -> list[DutyShift]:
    """The shifts of an office that reach into the window, with their people; two statements."""
    query = (
        select(DutyShift)
        .where(DutyShift.office_id == office_id, DutyShift.valid.overlaps(span_of(window)))
        .options(selectinload(DutyShift.seats).joinedload(DutySeat.person))
        .order_by(func.lower(DutyShift.valid))
    )
    return list(db.session.scalars(query).unique())


def duty_of(row: DutyShift) -> Duty:
    """A shift as the rules see it; seats in the order in which they were filled."""
    seats = sorted(row.seats, key=lambda seat: seat.id or 0)
    start, end = bounds(row)
    return Duty(
        row.office_id,
        start,
        end,
        tuple(seat.person_id for seat in seats if seat.seat == "main"),
        tuple(seat.person_id for seat in seats if seat.seat == "second"),
        row.id,
        row.label,
    )


def bounds(row: DutyShift) -> tuple[datetime, datetime]:
    """When a shift begins and ends, UTC; one entered without an end lasts for ever."""
    start = row.valid.lower or datetime.min.replace(tzinfo=UTC)
    end = row.valid.upper or datetime.max.replace(tzinfo=UTC)
    return start.astimezone(UTC), end.astimezone(UTC) if row.valid.upper else end


def shown(row: DutyShift, person_id: int | None = None) -> Shift:
    """One shift as a page shows it."""
    start, end = bounds(row)
    return _shown([row], Period(start, end), person_id)[0]


def several(rows: Sequence[DutyShift], person_id: int | None = None) -> list[Shift]:
    """Shifts as a page shows them; one statement."""
    if not rows:
        return []
    spans = [bounds(row) for row in rows]
    return _shown(rows, Period(min(start for start, _ in spans), max(end for _, end in spans)), person_id)


def absences(person_ids: Iterable[int], window: Period) -> list[rules.Away]:
    """The confirmed absences of these people that reach into the window; one statement."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return []
    query = select(Absence.person_id, func.lower(Absence.valid), func.upper(Absence.valid)).where(
        Absence.person_id.in_(wanted), Absence.state == "confirmed", Absence.valid.overlaps(span_of(window))
    )
    return [
        rules.Away(person, start or datetime.min.replace(tzinfo=UTC), end)
        for person, start, end in db.session.execute(query)
    ]


def _shown(rows: Sequence[DutyShift], window: Period, person_id: int | None) -> list[Shift]:
    away = absences((seat.person_id for row in rows for seat in row.seats), window)
    now = present.now()
    found = []
    for row in rows:
        start, end = bounds(row)
        duty = duty_of(row)
        names = {seat.person_id: seat.person for seat in row.seats}

        def seated(person: int, names: Mapping[int, Person] = names, duty: Duty = duty) -> Seated:
            missed = next((a for a in away if a.person_id == person and _meets(a, duty)), None)
            until = missed.ends_at or duty.ends_at if missed else duty.ends_at
            return Seated(
                person,
                names[person].name,
                names[person].name_en,
                Period(max(missed.starts_at, duty.starts_at), min(until, duty.ends_at)) if missed else None,
                person == person_id,
            )

        state = "past" if end <= now else "future" if start > now else "running"
        main, second = tuple(map(seated, duty.main)), tuple(map(seated, duty.second))
        found.append(Shift(row.id, row.version, start, end, main, second, row.label, state, row.fictional))
    return found


def _meets(away: rules.Away, duty: Duty) -> bool:
    return away.starts_at < duty.ends_at and (away.ends_at is None or duty.starts_at < away.ends_at)


def _cell(
    day: date, first: date, shifts: Sequence[Shift], duties: Sequence[Duty], *, is_first: bool
) -> DayCell:
    """One day; what began before the grid stands on its first."""
    zone, today, working = present.zone(), present.today(), calendar.current()
    begin, end = rules.moment(day, time(), zone), rules.moment(day + timedelta(days=1), time(), zone)
    return DayCell(
        day,
        (day.year, day.month) == (first.year, first.month),
        day == today,
        day < today,
        working.day(day),
        working.is_working_day(day),
        tuple(shift for shift in shifts if begin <= shift.starts_at < end or (is_first and shift.starts_at < begin)),
        rules.holes(duties, begin, end),
    )


def _palette(office_id: int, duties: Sequence[Duty], whole: Period) -> tuple[Tally, ...]:
    """Whom one puts on duty here: the office's own people and whoever sat or will sit in its shifts."""
    seated = (
        select(DutySeat.person_id)
        .join(DutyShift, DutyShift.id == DutySeat.shift_id)
        .where(DutyShift.office_id == office_id, func.upper(DutySeat.valid) > whole.starts_at - REMEMBERED)
    )
    query = (
        select(Person.id, Person.name, Person.name_en, Person.name_pinyin)
        .where(Person.active, or_(Person.unit_id == office_id, Person.id.in_(seated)))
        .order_by(Person.by_sound, Person.id)
    )
    working, zone = calendar.current(), present.zone()
    inside = [duty for duty in duties if whole.starts_at <= duty.starts_at < whole.ends_at]
    found = []
    for row in db.session.execute(query):
        own = [duty for duty in inside if row.id in duty.persons]
        rest = sum(not working.is_working_day(duty.starts_at.astimezone(zone).date()) for duty in own)
        hours = sum((duty.ends_at - duty.starts_at for duty in own), timedelta()) // timedelta(hours=1)
        found.append(Tally(row.id, row.name, row.name_en, row.name_pinyin, len(own), hours, rest))
    return tuple(found)


# --- at a moment -----------------------------------------------------------------------------------------------


def on_duty(office_id: int, at: datetime) -> rules.Duty | None:
    """The shift of the office at that moment with the persons on duty, None in a hole; two statements."""
    query = select(DutyShift).where(DutyShift.office_id == office_id, DutyShift.valid.contains(at))
    row = db.session.scalars(query.options(selectinload(DutyShift.seats))).one_or_none()
    return duty_of(row) if row is not None else None


def all_on_duty(actor: Actor, at: datetime) -> list[OnDuty]:
    """Who has duty at that moment, for every office whose roster this person may see; four statements."""
    seen = offices(actor)
    query = (
        select(DutyShift)
        .where(DutyShift.office_id.in_([office.id for office in seen]), DutyShift.valid.contains(at))
        .options(selectinload(DutyShift.seats).joinedload(DutySeat.person))
    )
    rows = list(db.session.scalars(query).unique()) if seen else []
    shifts = {row.office_id: shift for row, shift in zip(rows, _at(rows, at, actor.person_id), strict=True)}
    found = []
    for office in seen:
        one = shifts.get(office.id)
        found.append(
            OnDuty(office, at, one.id, one.starts_at, one.ends_at, one.main, one.second) if one else OnDuty(office, at)
        )
    return found


def _at(rows: Sequence[DutyShift], at: datetime, person_id: int | None) -> list[Shift]:
    return _shown(rows, Period(at, at + timedelta(minutes=1)), person_id) if rows else []


def duty_at(office: Office, at: datetime, person_id: int | None) -> OnDuty:
    """The same for one office that was fetched already; three statements."""
    query = select(DutyShift).where(DutyShift.office_id == office.id, DutyShift.valid.contains(at))
    rows = list(db.session.scalars(query.options(selectinload(DutyShift.seats).joinedload(DutySeat.person))).unique())
    found = _at(rows, at, person_id)
    if not found:
        return OnDuty(office, at)
    one = found[0]
    return OnDuty(office, at, one.id, one.starts_at, one.ends_at, one.main, one.second)


def coming(office_id: int, ahead: timedelta) -> list[Shift]:
    """The running and the coming shifts of an office, for forms that offer them; three statements."""
    now = present.now()
    window = Period(now, now + ahead)
    return _shown(load(office_id, window), window, None)


def names(duties: Iterable[Duty]) -> dict[int, Tally]:
    """Who sits in these shifts, by id; one statement."""
    wanted = {person for duty in duties for person in duty.persons}
    query = select(Person.id, Person.name, Person.name_en, Person.name_pinyin).where(Person.id.in_(wanted))
    return {row.id: Tally(*row) for row in db.session.execute(query)} if wanted else {}


def next_duties(person_id: int, *, limit: int = 3) -> list[Any]:
    """The running and the coming shifts of a person: (shift id, office, from, until, seat); one statement."""
    query = (
        select(
            DutyShift.id,
            DutyShift.office_id,
            Unit.name,
            Unit.name_en,
            func.lower(DutyShift.valid).label("starts_at"),
            func.upper(DutyShift.valid).label("ends_at"),
            DutySeat.seat,
        )
        .join(DutySeat, and_(DutySeat.shift_id == DutyShift.id, DutySeat.person_id == person_id))
        .join(Unit, Unit.id == DutyShift.office_id)
        .where(func.upper(DutySeat.valid) > present.now())
        .order_by(func.lower(DutyShift.valid))
        .limit(limit)
    )
    return list(db.session.execute(query))


def access_shift(actor: Actor, shift_id: int) -> DutyShift:
    """The shift, if this person may see its office's roster. Raises NotFound("roster.no-shift")."""
    query = select(DutyShift).where(DutyShift.id == shift_id).options(joinedload(DutyShift.office))
    row = db.session.scalars(query).one_or_none()
    if row is None or row.office_id not in {office.id for office in offices(actor)}:
        raise NotFound("roster.no-shift", {"id": shift_id})
    return row


def span_of(window: Period) -> Range[datetime]:
    """A period as the database has it; the end of time is no end."""
    end = None if window.ends_at >= datetime.max.replace(tzinfo=UTC) else window.ends_at
    start = None if window.starts_at <= datetime.min.replace(tzinfo=UTC) else window.starts_at
    return Range(start, end, bounds="[)")


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
