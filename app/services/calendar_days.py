"""Days of the working calendar, several at once: what an office enters by span, and the notice of a whole year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select

from app.models import CalendarDay, CalendarYear, db
from app.rules.errors import FieldErrors, FieldProblem, RuleError
from app.services import calendar, clock_recounts, journal, sheet_access, sheets
from app.services.actors import Actor
from app.services.clock_recounts import Change, Consent
from app.services.sheet_rows import Draft, Sheet
from app.services.transaction import transaction

# What a span may make of its days besides the kinds of the calendar: drop the own entry, so that the rest decides.
CLEAR = "clear"
LONGEST_SPAN = 62
MOST_SPANS = 40


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last` that are of one kind; `place` is its row of the form."""

    place: int
    first: date
    last: date
    kind: str
    name: str = ""
    name_en: str = ""

    def days(self) -> list[date]:
        """Its days in order."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


def enter(
    actor: Actor,
    sheet: Sheet,
    spans: Sequence[Span],
    *,
    year: int | None = None,
    notice: str = "",
    consent: Consent | None = None,
) -> int:
    """Write the days of these spans over what stands there, and with `year` that its notice is entered in full.

    Returns how many days changed. Raises FieldErrors at the spans' rows, and MovesClocks without consent.
    """
    sheet_access.require_keeper(actor, sheet)
    _check(spans, year)
    try:
        with transaction():
            drafts = _write(actor, sheet, spans)
            change = clock_recounts.change_of(sheet, drafts) or Change()
            if year is not None and _note_year(actor, year, notice):
                days = (*change.days, date(year, 1, 1), date(year, 12, 31))
                change = replace(change, days=tuple(sorted(set(days))), years=(year,))
            if change.days:
                clock_recounts.follow(actor, change, consent or Consent())
            return len(drafts)
    finally:
        calendar.forget()


def _check(spans: Sequence[Span], year: int | None) -> None:
    problems: list[FieldProblem] = []
    seen: dict[date, int] = {}
    for span in spans:
        if span.last < span.first:
            problems.append(FieldProblem(f"last_{span.place}", "calendar.span-order"))
        elif (span.last - span.first).days >= LONGEST_SPAN:
            problems.append(FieldProblem(f"last_{span.place}", "calendar.span-too-long", {"days": LONGEST_SPAN}))
        elif year is not None and not date(year - 1, 12, 1) <= span.first <= span.last <= date(year + 1, 1, 31):
            problems.append(FieldProblem(f"first_{span.place}", "calendar.other-year", {"year": year}))
        elif any(seen.setdefault(day, span.place) != span.place for day in span.days()):
            problems.append(FieldProblem(f"first_{span.place}", "calendar.span-twice"))
    if not spans:
        problems.append(FieldProblem("first_0", "field.required"))
    if problems:
        raise FieldErrors(problems)


def _write(actor: Actor, sheet: Sheet, spans: Sequence[Span]) -> list[Draft]:
    days = [day for span in spans for day in span.days()]
    known = {row.day: row for row in db.session.scalars(select(CalendarDay).where(CalendarDay.day.in_(days)))}
    drafts = []
    for span in spans:
        for day in span.days():
            try:
                draft = _day(actor, sheet, span, day, known.get(day))
            except RuleError as error:
                raise FieldErrors([FieldProblem(f"first_{span.place}", error.code, error.data)]) from error
            if draft is not None and draft.changed("day", "kind", "name", "name_en", "active"):
                drafts.append(draft)
    return drafts


def _day(actor: Actor, sheet: Sheet, span: Span, day: date, row: CalendarDay | None) -> Draft | None:
    if span.kind == CLEAR:
        return sheets.remove_in(actor, sheet, row.id) if row is not None and row.active else None
    values = {"day": day, "kind": span.kind, "name": span.name, "name_en": span.name_en, "active": True}
    return sheets.change_in(actor, sheet, row.id if row is not None else None, values)


def _note_year(actor: Actor, year: int, notice: str) -> bool:
    """Keep that the notice of a year is entered; False when it was known already."""
    row = db.session.get(CalendarYear, year)
    if row is not None:
        row.notice = notice[:200] or row.notice
        return False
    db.session.add(CalendarYear(year=year, notice=notice[:200], by_id=actor.user_id))
    db.session.flush()
    journal.write(actor, "create", "calendar_year", year, new={"year": year, "notice": notice[:200]})
    return True
