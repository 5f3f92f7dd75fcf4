"""Looking at the numbers that were given: whether a series has gaps or doubles, whether another format would collide.

A number says its year and sequence through the format it was given in; formats of before stand in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import extract, func, select

from app.models import (
    Appeal,
    HandoverSheet,
    ImportBatch,
    Journal,
    NumberCounter,
    NumberSeries,
    Slip,
    SlipSheet,
    StaffingChange,
    StaffingList,
    db,
)
from app.rules import numbering
from app.services import present

# Where the numbers of a series stand. Registrations and history share a column, so their formats must never meet.
COLUMNS: Mapping[str, Any] = {
    "registration": Appeal.number,
    "history": Appeal.number,
    "slip": Slip.number,
    "hand_over_sheet": SlipSheet.number,
    "import_batch": ImportBatch.number,
    "staffing_change": StaffingChange.number,
    "handover_sheet": HandoverSheet.number,
    "staffing_list": StaffingList.number,
}
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Year:
    """The numbers of a series in a year: the last one drawn, how many exist, which are missing or exist twice.

    `voided` numbers exist: an appeal that was voided keeps its own (R4).
    """

    series: str
    year: int
    last: int
    count: int
    voided: int
    missing: tuple[int, ...]
    twice: tuple[int, ...]
    beyond: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """No gap, no double, nothing past the counter."""
        return not self.missing and not self.twice and not self.beyond


@dataclass(frozen=True, slots=True)
class Drawn:
    """How far a series is in a year, and how its next number reads."""

    year: int
    last: int
    next_number: str
    voided: int


def verify() -> list[Year]:
    """Every series and year that has given a number; reads all numbers, so it is for a command."""
    last = {(one.series, one.year): one.last_value for one in db.session.scalars(select(NumberCounter))}
    series = [row.code for row in db.session.scalars(select(NumberSeries).order_by(NumberSeries.sort))]
    found = []
    for code in (code for code in series if code in COLUMNS):
        seen, voided = _seen(code)
        years = sorted({year for name, year in last if name == code} | set(seen))
        found += [
            _year(code, year, last.get((code, year), 0), seen.get(year, {}), voided.get(year, 0)) for year in years
        ]
    return found


def _seen(code: str) -> tuple[dict[int, dict[int, int]], dict[int, int]]:
    """How often each sequence of each year exists, and how many of each year are voided."""
    templates = _templates(code)
    seen: dict[int, dict[int, int]] = {}
    voided: dict[int, int] = {}
    for number, state in _numbers(code):
        read = next((at for template in templates if (at := numbering.read(template, number)) is not None), None)
        if read is None:
            continue
        year, seq = read
        of_year = seen.setdefault(year, {})
        of_year[seq] = of_year.get(seq, 0) + 1
        if state == "voided":
            voided[year] = voided.get(year, 0) + 1
    return seen, voided


def _numbers(code: str) -> Iterator[tuple[str, str]]:
    column = COLUMNS[code]
    state = Appeal.state if column is Appeal.number else func.coalesce("")
    query = select(column, state).where(column.is_not(None)).execution_options(yield_per=5000)
    yield from (tuple(row) for row in db.session.execute(query))


def _templates(code: str) -> list[str]:
    """The format in force and those of before, newest first."""
    row = db.session.scalars(select(NumberSeries).where(NumberSeries.code == code)).one()
    changes = select(Journal.old).where(Journal.object_type == "number_series", Journal.object_id == row.id)
    past = [old.get("template") for old in db.session.scalars(changes.order_by(Journal.id.desc()))]
    return list(dict.fromkeys([row.template, *(template for template in past if template)]))


def _year(code: str, year: int, last: int, seen: Mapping[int, int], voided: int) -> Year:
    missing = tuple(seq for seq in range(1, last + 1) if seq not in seen)
    twice = tuple(sorted(seq for seq, times in seen.items() if times > 1))
    beyond = tuple(sorted(seq for seq in seen if seq > last))
    return Year(code, year, last, sum(seen.values()), voided, missing, twice, beyond)


def drawn(row: NumberSeries) -> list[Drawn]:
    """How far each year of a series is, the newest first, with the number that comes next; in two statements."""
    years = {
        one.year: one.last_value
        for one in db.session.scalars(select(NumberCounter).where(NumberCounter.series == row.code))
    }
    years.setdefault(present.today().year, 0)
    counted = dict.fromkeys(years, 0)
    if row.code == "registration":
        local = func.timezone(str(present.zone()), Appeal.registered_at)
        gone = select(extract("year", local).label("year"), func.count())
        gone = gone.where(Appeal.state == "voided", Appeal.number.is_not(None)).group_by("year")
        counted |= {int(year): count for year, count in db.session.execute(gone) if year is not None}
    return [
        Drawn(year, years[year], _rendered(row.template, year, years[year] + 1), counted.get(year, 0))
        for year in sorted(years, reverse=True)
    ]


def collision(code: str, template: str) -> str | None:
    """A number that this format could give although it exists or another series could give it; None when there is none.

    Numbers already given by this series stay what they are; only what would still be drawn can collide.
    """
    column = COLUMNS.get(code)
    if column is None:
        return None
    year = present.today().year
    for other in (name for name, shared in COLUMNS.items() if shared is column and name != code):
        for theirs in _templates(other):
            if numbering.meets(template, theirs, year=year):
                return _rendered(template, year, 1)
    last = {
        one.year: one.last_value
        for one in db.session.scalars(select(NumberCounter).where(NumberCounter.series == code))
    }
    given = select(column).where(column.op("~")(f"^{numbering.pattern(template)}$"))
    for number in db.session.scalars(given.execution_options(yield_per=5000)):
        read = numbering.read(template, number)
        if read is not None and read[0] >= year and read[1] > last.get(read[0], 0):
            return str(number)
    return None


def _rendered(template: str, year: int, seq: int) -> str:
    return numbering.render(template, year=year, seq=seq, **{"class": "A"})
