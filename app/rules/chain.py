"""The responsibility chain of a unit: which links it has, who stands in them, what is vacant (R7, R8, R15).

A territorial unit and a section have two links, a departmental one four. The two upper links derive from the
portfolio line, so a change of portfolio changes every chain under it; only the coordinating link's own B is named
by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .errors import Invalid
from .roster import Ladder, Rung

LINKS: tuple[str, ...] = ("first", "direct", "coordinating", "final")
ROLES: tuple[str, ...] = ("A", "B")
TERRITORIAL: frozenset[str] = frozenset({"local_government", "administration"})
UNIT_KINDS: tuple[str, ...] = ("local_government", "administration", "department", "stationed", "section")

_HEAD = {("first", "A"): "head", ("first", "B"): "other_head", ("direct", "A"): "office_director",
         ("direct", "B"): "other_office_head"}  # fmt: skip
_PORTFOLIO = {("coordinating", "A"): "deputy_secretary_general", ("coordinating", "B"): "to_be_named",
              ("final", "A"): "vice_mayor", ("final", "B"): "deputy_secretary_general"}  # fmt: skip
# Paragraph 3 gives a coordinating and a final responsible person to departments at city level only, those stationed
# in the city among them (paragraph 6 names 市直及驻市 together).
FOUR_LINKS: tuple[str, ...] = ("department", "stationed")

# Which position the rule puts into each place (R15), as codes; what a kind does not list it does not have.
# Paragraph 6 on the General Office's sections says no more than that each of their posts has an A and a B. We read
# it, as data of a chain: first is the section's head and another head of it, direct the A and the B of the post that
# handles its business. Its posts of the staffing table have their A and B there.
POSITIONS: Mapping[str, Mapping[tuple[str, str], str]] = MappingProxyType({
    "local_government": {
        ("first", "A"): "county_mayor", ("first", "B"): "executive_deputy",
        ("direct", "A"): "office_director", ("direct", "B"): "deputy_office_director",
    },
    "administration": {
        ("first", "A"): "main_leader", ("first", "B"): "other_leader",
        ("direct", "A"): "office_director", ("direct", "B"): "deputy_office_director",
    },
    "department": _HEAD | _PORTFOLIO,
    "stationed": _HEAD | _PORTFOLIO,
    "section": {
        ("first", "A"): "section_head", ("first", "B"): "other_section_head",
        ("direct", "A"): "section_post_a", ("direct", "B"): "section_post_b",
    },
})  # fmt: skip

# The places that follow from the portfolio line of the unit, and whose they are there (R8, R15).
DERIVED: Mapping[tuple[str, str], str] = MappingProxyType(
    {("coordinating", "A"): "deputy", ("final", "A"): "vice_mayor", ("final", "B"): "deputy"}
)


@dataclass(frozen=True, slots=True)
class Named:
    """A person named for one place of a unit's chain: a row of the chain sheet."""

    link: str
    role: str
    person_id: int


@dataclass(frozen=True, slots=True)
class Line:
    """What of a portfolio line (分工) goes into a chain."""

    vice_mayor_id: int | None = None
    deputy_id: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a chain: link, role, the position the rule puts there, and who it is (None: vacant)."""

    link: str
    role: str
    position: str
    person_id: int | None
    is_derived: bool = False

    def to_json(self) -> dict[str, object]:
        """The place as JSON values: an assignment keeps its chain as it was."""
        return {"link": self.link, "role": self.role, "position": self.position, "person_id": self.person_id}


def links_of(kind: str) -> tuple[str, ...]:
    """The links a unit of that kind has, in the rule's order. Raises Invalid("unit.kind-unknown")."""
    positions = _positions(kind)
    return tuple(link for link in LINKS if (link, "A") in positions)


def expected(kind: str) -> tuple[tuple[str, str], ...]:
    """Every (link, role) a unit of that kind must have filled. Raises Invalid("unit.kind-unknown")."""
    return tuple((link, role) for link in links_of(kind) for role in ROLES)


def hand_filled(kind: str) -> tuple[tuple[str, str], ...]:
    """Every (link, role) of a unit of that kind that is named by hand. Raises Invalid("unit.kind-unknown")."""
    return tuple(place for place in expected(kind) if place not in DERIVED)


def chain(kind: str, named: Iterable[Named], line: Line | None = None) -> tuple[Place, ...]:
    """The chain of a unit, vacancies included.

    The portfolio decides the places it derives; a person named by hand for one of those is not looked at.
    Raises Invalid("unit.kind-unknown").
    """
    by_hand = {(row.link, row.role): row.person_id for row in named}
    line = line or Line()
    leaders = {"vice_mayor": line.vice_mayor_id, "deputy": line.deputy_id}
    derived = {place: leaders[whose] for place, whose in DERIVED.items()}
    positions = _positions(kind)
    return tuple(
        Place(
            *place,
            positions[place],
            derived[place] if place in derived else by_hand.get(place),
            place in derived,
        )
        for place in expected(kind)
    )


def vacancies(places: Iterable[Place]) -> tuple[Place, ...]:
    """The places nobody stands in; a vacancy is shown, never filled by guessing."""
    return tuple(place for place in places if place.person_id is None)


def check_named(kind: str, row: Named, others: Iterable[Named] = ()) -> None:
    """Whether a person may be named for that place by hand, beside the `others` of the unit.

    Raises Invalid: "unit.kind-unknown", "chain.no-such-place" for a link the kind does not have,
    "chain.derived" for a place the portfolio decides, "chain.same-person" for A and B of one link alike.
    """
    if (row.link, row.role) not in expected(kind):
        raise Invalid("chain.no-such-place", {"link": row.link, "role": row.role, "kind": kind}, field="link")
    if (row.link, row.role) in DERIVED:
        raise Invalid("chain.derived", {"link": row.link, "role": row.role}, field="link")
    if any(o.link == row.link and o.role != row.role and o.person_id == row.person_id for o in others):
        raise Invalid("chain.same-person", {"link": row.link}, field="person")


def climb(
    places: Sequence[Place],
    handlers: Sequence[int] = (),
    away: Collection[int] = (),
    standing_in: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> Ladder:
    """The reminder ladder of a unit's clocks: handler → direct → first → coordinating → final.

    In each link A, or B while A is away or vacant, or who stands in by link while both are. A person stands on the
    lowest of his rungs only; missing rungs are skipped and named with "vacant", "away" or "same_person".
    """
    rungs: list[Rung] = []
    missing: list[tuple[str, str]] = []
    seen: set[int] = set()
    links = [
        link for link in ("direct", "first", "coordinating", "final") if any(p.link == link for p in places)
    ]
    for name in ("handler", *links):
        if name == "handler":
            everybody = list(handlers)
            here = [p for p in everybody if p not in away]
        else:
            both = sorted((p for p in places if p.link == name), key=lambda p: p.role)
            everybody = [p.person_id for p in both if p.person_id is not None]
            everybody += standing_in.get(name, ())
            here = [p for p in everybody if p not in away][:1]
        if fresh := tuple(p for p in here if p not in seen):
            rungs.append(Rung(name, fresh))
            seen.update(fresh)
        else:
            missing.append((name, "same_person" if here else "away" if everybody else "vacant"))
    return Ladder(tuple(rungs), tuple(missing))


def _positions(kind: str) -> Mapping[tuple[str, str], str]:
    try:
        return POSITIONS[kind]
    except KeyError:
        raise Invalid("unit.kind-unknown", {"kind": kind}, field="kind") from None
