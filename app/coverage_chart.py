"""The timeline of coverage as the page draws it: bars in per cent of the window, days on the axis, words on each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from app import words
from app.rules.coverage import Covered, Stretch
from app.services import present
from app.services.coverage import Survey
from app.services.coverage_rows import Named

# Wide enough for a name in the bar.
_WIDE = 9.0
_TICKS = ((16, 1), (45, 7), (130, 14), (800, 61))


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: where it begins and how long it is in per cent, its tone, what it says, the moment it begins."""

    x: float
    width: float
    tone: str  # a, b, s, gap
    text: str  # in the bar, "" when it is too short
    label: str  # in full, for tooltips and screen readers
    at: datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """A day on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What all rows share: the window in per cent, the axis and where now is."""

    start: datetime
    end: datetime
    now: float
    ticks: tuple[Tick, ...]

    def x(self, moment: datetime) -> float:
        """A moment in per cent of the window."""
        return round((moment - self.start) / (self.end - self.start) * 100, 3)

    def bars(self, covered: Covered, people: Mapping[int, Named], *, by_roster: bool = False) -> list[Bar]:
        """The bars of one row. `by_roster`: the shifts between two gaps are one bar; who sits when is the roster's."""
        runs = _runs(covered.stretches) if by_roster else ([one] for one in covered.stretches)
        return [self._bar(run, people) for run in runs]

    def _bar(self, run: list[Stretch], people: Mapping[int, Named]) -> Bar:
        first, begin, end = run[0], run[0].starts_at, run[-1].ends_at
        x, width = self.x(begin), round((end - begin) / (self.end - self.start) * 100, 3)
        name = who(first, people) if len(run) == 1 else ngettext("%(num)d duty shift", "%(num)d duty shifts", len(run))
        text = str(words.CAUSES[first.cause.value]) if first.cause else name
        period = _("%(start)s to %(end)s", start=moment_text(begin), end=words.due_text(end, present.zone()))
        label = " · ".join(part for part in (_spoken(first, name), period) if part)
        return Bar(x, width, tone_of(first), text if width >= _WIDE else "", label, begin)


def _spoken(stretch: Stretch, name: str) -> str:
    if stretch.cause is None:
        return f"{words.ACTS[stretch.acting.persons[0].rule.value]} · {name}"
    cause = str(words.CAUSES[stretch.cause.value])
    return _("Gap: %(cause)s", cause=f"{cause} · {name}" if name else cause)


def _runs(stretches: Iterable[Stretch]) -> Iterator[list[Stretch]]:
    run: list[Stretch] = []
    for stretch in stretches:
        if run and (run[-1].cause is not stretch.cause or tone_of(run[-1]) != tone_of(stretch)):
            yield run
            run = []
        run.append(stretch)
    if run:
        yield run


def tone_of(stretch: Stretch) -> str:
    """gap, or the role in which somebody acts."""
    return "gap" if stretch.cause else stretch.acting.persons[0].role.lower()


def who(stretch: Stretch, people: Mapping[int, Named]) -> str:
    """The names of those who act, or would."""
    return _(", ").join(words.named(people[person]) for person in stretch.acting.person_ids)


def moment_text(moment: datetime) -> str:
    """A moment at which something begins: midnight is 00:00 of the new day."""
    return f"{moment.astimezone(present.zone()):%Y-%m-%d %H:%M}"


def chart_of(survey: Survey) -> Chart:
    """The frame of the chart of a survey."""
    zone = present.zone()
    whole = survey.end - survey.start
    step = next((every for most, every in _TICKS if survey.days <= most), 122)
    days = (survey.start.astimezone(zone).date() + timedelta(days=n) for n in range(0, survey.days, step))
    ticks = []
    for day in days:
        begin = datetime(day.year, day.month, day.day, tzinfo=zone)
        ticks.append(Tick(round((begin - survey.start) / whole * 100, 3), f"{day:%m-%d}"))
    return Chart(survey.start, survey.end, round((survey.now - survey.start) / whole * 100, 3), tuple(ticks))
