"""Who acts over a period, for many posts and links of chains at once, and every gap with its cause (R15, R17).

Interval arithmetic: for each place only the rows that matter to it, swept over their sorted ends. Who acts at one
moment is decided by `roster.decide` alone, so that this page and the permissions cannot disagree. Periods are half
open, moments aware; an end of None has no end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import itemgetter

from . import chain
from .roster import Absence, Acting, Gap, PostFacts, Seats, Staffing, decide


class Cause(StrEnum):
    """Why nobody acts, or nobody who can be reached."""

    NO_HOLDER = "no_holder"
    NO_B = "no_b"
    BOTH_AWAY = "both_away"
    ROSTER_HOLE = "roster_hole"
    HOLDING_ENDS = "holding_ends"  # whoever held it leaves within the window and nobody follows
    NO_ACCOUNT = "no_account"
    DISABLED = "disabled"
    NEVER_LOGGED_IN = "never_logged_in"


class Layer(StrEnum):
    """In which of its seats a person stands: A, B, took over, stands in for both."""

    A = "A"
    B = "B"
    TOOK_OVER = "took_over"
    STANDING_IN = "standing_in"



@dataclass(frozen=True, slots=True)
class Row:
    """A person stands somewhere for a period."""

    layer: Layer
    person_id: int
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a unit's chain."""

    unit_id: int
    link: str


@dataclass(frozen=True, slots=True)
class Place:
    """A post or a link with everybody who stands there at some time; `key` is the post's id or the link.

    `out_of_turn`: who took over or stands in. Places may share `rows`, as the posts that one roster fills do.
    """

    key: int | Link
    rows: tuple[Row, ...]
    out_of_turn: tuple[Row, ...] = ()
    on_duty_filled: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom nobody can reach, with the cause, and who of them is not in use at all.

    Who is not in use stands nowhere, as for the permissions; who has no working login stands in the way.
    """

    causes: Mapping[int, str] = field(default_factory=dict)
    unused: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period over which the same persons act, or the same gap lasts.

    With `cause` it is a gap; `acting` may then still name persons: those who would act, could they be reached.
    """

    starts_at: datetime
    ends_at: datetime
    acting: Acting
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Thin:
    """Somebody acts, but alone: from this moment nobody stands in the other role ("A" or "B") (R15)."""

    role: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Covered:
    """One place over the window: stretches without hole or overlap, and what is thin about it."""

    key: int | Link
    stretches: tuple[Stretch, ...]
    thin: tuple[Thin, ...] = ()

    @property
    def gaps(self) -> tuple[Stretch, ...]:
        """The stretches in which nobody acts who can be reached."""
        return tuple(stretch for stretch in self.stretches if stretch.cause is not None)

    def at(self, moment: datetime) -> Stretch | None:
        """The stretch of a moment inside the window."""
        return next((s for s in self.stretches if s.starts_at <= moment < s.ends_at), None)


def posts(facts: Iterable[PostFacts], staffing: Staffing) -> Iterator[Place]:
    """The posts with the rows that matter to each, in the order of the staffing rows."""
    held: dict[int, tuple[Row, ...]] = _by_post(
        (h.post_id, Row(Layer(h.role), h.person_id, h.starts_at, h.ends_at)) for h in staffing.holdings
    )
    standing = _by_post(
        (s.post_id, Row(_OUT_OF_TURN[s.takes_over], s.person_id, s.starts_at, s.ends_at)) for s in staffing.stand_ins
    )
    seated = _by_post(
        (shift.office_id, Row(layer, person, shift.starts_at, shift.ends_at))
        for shift in staffing.shifts
        for layer, persons in ((Layer.A, shift.main), (Layer.B, shift.second))
        for person in persons
    )
    for post in facts:
        own = seated.get(post.office_id, ()) if post.on_duty_filled else held.get(post.post_id, ())
        yield Place(post.post_id, own, standing.get(post.post_id, ()), post.on_duty_filled)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody is named for a place of a unit's chain over a period; or `place` is a leader of its portfolio line,
    ("vice_mayor", "") or ("deputy", ""), over the period in which both he and the unit stand in that line.
    """

    place: tuple[str, str]
    person_id: int
    starts_at: datetime
    ends_at: datetime | None = None


def links(
    unit_id: int, kind: str, named: Iterable[Named], stand_ins: Mapping[str, tuple[Row, ...]] | None = None
) -> Iterator[Place]:
    """The links of a unit's chain over time (R7, R8, R15); coordinating and final follow from its portfolio line."""
    by_place: dict[tuple[str, str], list[Named]] = {}
    for one in named:
        by_place.setdefault(one.place, []).append(one)
    for link in chain.links_of(kind):
        rows = []
        for layer in (Layer.A, Layer.B):
            own = (link, layer.value)
            stands = by_place.get((chain.DERIVED[own], "") if own in chain.DERIVED else own, ())
            rows += [Row(layer, one.person_id, one.starts_at, one.ends_at) for one in stands]
        yield Place(Link(unit_id, link), tuple(rows), (stand_ins or {}).get(link, ()))


_OUT_OF_TURN = {True: Layer.TOOK_OVER, False: Layer.STANDING_IN}


def _by_post(pairs: Iterable[tuple[int, Row]]) -> dict[int, tuple[Row, ...]]:
    found: dict[int, list[Row]] = {}
    for key, row in pairs:
        found.setdefault(key, []).append(row)
    return {key: tuple(rows) for key, rows in found.items()}


def cover(
    places: Iterable[Place],
    start: datetime,
    end: datetime,
    absences: Iterable[Absence] = (),
    reach: Reach | None = None,
) -> tuple[Covered, ...]:
    """Each place over [start, end); its stretches follow each other without hole, and neighbours differ."""
    window = _Window(start, end, reach or Reach())
    for absence in absences:
        window.absences.setdefault(absence.person_id, []).append(absence)
    return tuple(_Sweep(place, window).covered() for place in places)


def cover_posts(
    facts: Iterable[PostFacts], start: datetime, end: datetime, staffing: Staffing, reach: Reach | None = None
) -> tuple[Covered, ...]:
    """The same for posts as the roster knows them."""
    return cover(posts(facts, staffing), start, end, staffing.absences, reach)


# A row begins (+1) or ends (-1) at a moment; the number keeps the order in which the rows were given.
_Event = tuple[datetime, int, int, Row | Absence]
_moment = itemgetter(0)


class _Window:
    """What all places have in common: the window, who is away when, whom nobody can reach."""

    def __init__(self, start: datetime, end: datetime, reach: Reach) -> None:
        self.start, self.end, self.reach = start, end, reach
        self.absences: dict[int, list[Absence]] = {}
        self._shared: dict[int, tuple[tuple[Row, ...], list[_Event]]] = {}

    def events(self, place: Place) -> list[_Event]:
        """All begins and ends of a place, in order of time. Rows that several places share are sorted once."""
        known = self._shared.get(id(place.rows))
        if known is None or known[0] is not place.rows:
            known = place.rows, self._sorted(place.rows, frozenset(), 0)
            self._shared[id(place.rows)] = known
        if not place.out_of_turn:
            return known[1]
        usual = frozenset(row.person_id for row in place.rows)
        extra = self._sorted(place.out_of_turn, usual, len(place.rows))
        return sorted([*known[1], *extra], key=_moment)

    def _sorted(self, rows: tuple[Row, ...], counted: frozenset[int], first: int) -> list[_Event]:
        found: list[_Event] = []
        for number, row in enumerate(rows, first):
            self._add(found, number, row)
        for person in {row.person_id for row in rows} - counted:
            for absence in self.absences.get(person, ()):
                self._add(found, 0, absence)
        found.sort(key=_moment)
        return found

    def _add(self, events: list[_Event], number: int, row: Row | Absence) -> None:
        """What began before the window begins with it."""
        begin, end = max(row.starts_at, self.start), self.end if row.ends_at is None else row.ends_at
        if begin < min(end, self.end):
            events.append((begin, 1, number, row))
            if end < self.end:
                events.append((end, -1, number, row))


class _Sweep:
    """One pass over the sorted ends of one place's rows: what holds between two neighbouring moments."""

    def __init__(self, place: Place, window: _Window) -> None:
        self.place, self.window = place, window
        self.stands: dict[Layer, dict[int, int]] = {layer: {} for layer in Layer}  # row number → person
        self.persons: dict[Layer, tuple[int, ...]] = dict.fromkeys(Layer, ())
        self.unused: set[int] = set()  # numbers of rows of persons who are not in use
        self.away: Counter[int] = Counter()
        self.left: set[Layer] = set()  # roles whose holder left within the window, nobody since
        self.decided: dict[tuple[object, ...], Acting] = {}
        self.stretches: list[Stretch] = []
        self.thin: dict[str, Thin] = {}

    def covered(self) -> Covered:
        """The stretches and what is thin."""
        start, end = self.window.start, self.window.end
        if start < end:
            events = self.window.events(self.place)
            if not events or events[0][0] > start:
                self._note(start)
            last = len(events) - 1
            for index, (moment, step, number, row) in enumerate(events):
                self._apply(step, number, row)
                if index == last or events[index + 1][0] > moment:
                    self._note(moment)
            self.stretches[-1] = _until(self.stretches[-1], end)
        return Covered(self.place.key, tuple(self.stretches), tuple(self.thin[role] for role in sorted(self.thin)))

    def _apply(self, step: int, number: int, row: Row | Absence) -> None:
        if isinstance(row, Absence):
            self.away[row.person_id] += step
            return
        if row.person_id in self.window.reach.unused:
            (self.unused.add if step > 0 else self.unused.discard)(number)
            return
        layer = row.layer
        stands = self.stands[layer]
        if step > 0:
            stands[number] = row.person_id
            self.left.discard(layer)
        else:
            del stands[number]
            if not stands:
                self.left.add(layer)
        if len(stands) < 2:
            self.persons[layer] = tuple(stands.values())
        else:
            self.persons[layer] = tuple(dict.fromkeys(stands[one] for one in sorted(stands)))

    def _note(self, moment: datetime) -> None:
        """From this moment on it stands like this."""
        a, b, took_over, standing_in = self.persons.values()
        away = self.away
        absent = tuple([person for person in (*a, *b, *took_over, *standing_in) if away[person]])
        # The same people come round again: a roster has few different sittings.
        key = a, b, took_over, standing_in, absent
        acting = self.decided.get(key)
        if acting is None:
            seats = Seats(a, b, took_over, standing_in, self.place.on_duty_filled)
            acting = self.decided[key] = decide(seats, absent.__contains__)
        cause = self._cause(acting, a, b)
        if cause is None and not (a and b):
            for role, held in (("A", a), ("B", b)):
                if not held:
                    self.thin.setdefault(role, Thin(role, moment))
        if self.stretches:
            last = self.stretches[-1]
            if last.cause is cause and last.acting == acting:
                return
            self.stretches[-1] = _until(last, moment)
        self.stretches.append(Stretch(moment, self.window.end, acting, cause))

    def _cause(self, acting: Acting, a: tuple[int, ...], b: tuple[int, ...]) -> Cause | None:
        if acting.gap is None:
            unreached = self.window.reach.causes
            causes = [unreached.get(person.person_id) for person in acting.persons]
            return Cause(causes[0]) if causes[0] and all(causes) else None
        if self.unused:
            return Cause.DISABLED
        if acting.gap is not Gap.ROSTER_HOLE and (
            (not a and Layer.A in self.left) or (not b and Layer.B in self.left)
        ):
            return Cause.HOLDING_ENDS
        return Cause(acting.gap.value)


def _until(stretch: Stretch, end: datetime) -> Stretch:
    return Stretch(stretch.starts_at, end, stretch.acting, stretch.cause)
