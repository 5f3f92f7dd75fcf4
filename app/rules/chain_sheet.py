"""The responsibility chains as a workbook says them: a row per unit, a column per place (R7, R8, R15).

A person is found by name; where two have the same, the words in brackets decide: unit, position or code. Nothing is
guessed. What the kind of a unit does not have is left empty or holds the mark of no place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from . import chain
from .columns import Cell, Column, cell_text, columns_of, name_key
from .errors import Invalid
from .fields import clean_text

NO_PLACE = "—"
Spot = tuple[str, str]
SPOTS: tuple[Spot, ...] = tuple((link, role) for link in chain.LINKS for role in chain.ROLES)

_UNIT_TITLES: Mapping[str, frozenset[str]] = {
    "code": frozenset(("代码", "单位代码", "code", "unit code")),
    "unit": frozenset(("单位", "责任单位", "单位名称", "unit")),
}
_LINK_TITLES: Mapping[str, tuple[str, ...]] = {
    "first": ("第一责任人", "第一责任", "第一", "first responsible", "first"),
    "direct": ("直接责任人", "直接责任", "直接", "directly responsible", "direct"),
    "coordinating": ("协调责任人", "协调责任", "协调", "coordinating"),
    "final": ("最终责任人", "最终责任", "最终", "finally responsible", "final"),
}
_HEADER_SEARCH = 20
_BRACKETED = re.compile(r"(?P<name>.+)[（(](?P<where>[^（()）]*)[）)]")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the workbook: the unit as it is called there, and what stands in each place's cell."""

    row: int
    code: str
    unit: str
    cells: Mapping[Spot, str]


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A unit of the directory: its kind, all its names, and who stands in each place now (None: vacant)."""

    unit_id: int
    code: str
    kind: str
    names: tuple[str, ...]
    stands: Mapping[Spot, int | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the directory; `where` are the words that may stand in brackets behind his name."""

    person_id: int
    name: str
    code: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A place that the workbook gives to somebody else than who stands there now; None is a vacancy."""

    row: int
    unit_id: int
    link: str
    role: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one cell: the row on the sheet, "unit" or the place, a code and its data."""

    row: int
    spot: Spot | str
    code: str
    data: Mapping[str, object] = field(default_factory=dict)


def read(rows: Iterable[tuple[int, Sequence[Cell]]]) -> tuple[Line, ...]:
    """The lines below the header, empty rows left out. Raises Invalid("chain-sheet.no-header")."""
    header: dict[str | Spot, Column] | None = None
    found: list[Line] = []
    for position, (number, cells) in enumerate(rows):
        if header is None:
            header = _header(cells)
            if header is None and position >= _HEADER_SEARCH:
                break
            continue
        code, unit = (_text(cells, header.get(name)) for name in ("code", "unit"))
        if code or unit:
            spots = {spot: _text(cells, header[spot]) for spot in SPOTS if spot in header}
            found.append(Line(number, code, unit, spots))
    if header is None:
        raise Invalid("chain-sheet.no-header", field="workbook")
    return tuple(found)


def compare(
    lines: Iterable[Line], units: Iterable[UnitFacts], people: Iterable[Candidate]
) -> tuple[tuple[Difference, ...], tuple[Problem, ...]]:
    """What the workbook would change, and what is wrong with it; a place with a problem is in no difference.

    A unit that has no row, and a place that has no column, stay as they are. Codes: "chain-sheet.unknown-unit",
    "chain-sheet.unit-twice", "chain.no-such-place", "chain.derived", "chain.same-person", "person.unknown-name",
    "person.ambiguous-name", "person.not-in-unit".
    """
    known = list(units)
    by_code = {unit.code: unit for unit in known}
    by_name: dict[str, list[UnitFacts]] = {}
    for unit in known:
        for name in {name_key(name) for name in unit.names if name}:
            by_name.setdefault(name, []).append(unit)
    directory = _Directory(people)
    differences: list[Difference] = []
    problems: list[Problem] = []
    seen: dict[int, int] = {}
    for line in lines:
        found = [by_code[line.code]] if line.code in by_code else by_name.get(name_key(line.unit), [])
        if len(found) != 1 or (line.code and line.code not in by_code):
            data = {"name": (line.code or line.unit)[:64]}
            problems.append(Problem(line.row, "unit", "chain-sheet.unknown-unit", data))
        elif found[0].unit_id in seen:
            data = {"name": line.unit[:64], "row": str(seen[found[0].unit_id])}
            problems.append(Problem(line.row, "unit", "chain-sheet.unit-twice", data))
        else:
            seen[found[0].unit_id] = line.row
            changed, wrong = _line(line, found[0], directory)
            differences += changed
            problems += wrong
    return tuple(differences), tuple(problems)


def person_text(person: Candidate, others: Sequence[Candidate]) -> str:
    """How a person is written so that nobody else of the same name is meant: by unit, unit and position, or code."""
    rivals = [one for one in others if name_key(one.name) == name_key(person.name) and one != person]
    if not rivals:
        return person.name
    for where in person.where:
        if where and all(name_key(where) not in {name_key(word) for word in one.where} for one in rivals):
            return f"{person.name}（{where}）"
    return f"{person.name}（{person.code}）"


class _Directory:
    def __init__(self, people: Iterable[Candidate]) -> None:
        self._by_name: dict[str, list[Candidate]] = {}
        for person in people:
            self._by_name.setdefault(name_key(person.name), []).append(person)

    def meant(self, text: str) -> int:
        """Whose name stands in the cell. Raises Invalid."""
        name, where = text, ""
        if name_key(text) not in self._by_name and (bracketed := _BRACKETED.fullmatch(text)):
            # A name may itself hold brackets.
            name, where = bracketed["name"], bracketed["where"]
        named = self._by_name.get(name_key(name), [])
        if not named:
            raise Invalid("person.unknown-name", {"name": name[:64]})
        if where:
            wanted = name_key(where)
            within = [one for one in named if wanted in {name_key(word) for word in (*one.where, one.code)}]
            if not within:
                raise Invalid("person.not-in-unit", {"name": name[:64], "unit": where[:64]})
            named = within
        if len(named) > 1:
            raise Invalid("person.ambiguous-name", {"name": name[:64], "count": len(named)})
        return named[0].person_id


def _line(line: Line, unit: UnitFacts, directory: _Directory) -> tuple[list[Difference], list[Problem]]:
    """One unit: what its cells change; A and B of a link are two persons afterwards too."""
    after = dict(unit.stands)
    problems: list[Problem] = []
    for spot, text in line.cells.items():
        try:
            if spot not in unit.stands:
                if text not in ("", NO_PLACE, "-", "–", "/"):
                    raise Invalid("chain.no-such-place", {"link": spot[0], "role": spot[1], "kind": unit.kind})
                continue
            after[spot] = directory.meant(text) if text else None
            if spot in chain.DERIVED and after[spot] != unit.stands[spot]:
                raise Invalid("chain.derived", {"link": spot[0], "role": spot[1]})
        except Invalid as error:
            problems.append(Problem(line.row, spot, error.code, error.data))
            after[spot] = unit.stands.get(spot)
    for link in chain.LINKS:
        a, b = after.get((link, "A")), after.get((link, "B"))
        changed = any(after.get((link, role)) != unit.stands.get((link, role)) for role in chain.ROLES)
        if a is not None and a == b and changed:
            problems.append(Problem(line.row, (link, "B"), "chain.same-person", {"link": link}))
            after |= {(link, role): unit.stands.get((link, role)) for role in chain.ROLES}
    differences = [
        Difference(line.row, unit.unit_id, *spot, unit.stands[spot], after[spot])
        for spot in unit.stands
        if after[spot] != unit.stands[spot]
    ]
    return differences, problems


def _header(cells: Sequence[Cell]) -> dict[str | Spot, Column] | None:
    found: dict[str | Spot, Column] = {}
    for column in columns_of(cells):
        for name, titles in _UNIT_TITLES.items():
            if column.key in {name_key(title) for title in titles}:
                found.setdefault(name, column)
        if (spot := _spot(column.key)) is not None:
            found.setdefault(spot, column)
    return found if ("code" in found or "unit" in found) and any(spot in found for spot in SPOTS) else None


def _spot(key: str) -> Spot | None:
    """第一责任人 A角, First responsible, A-role → ("first", "A")."""
    plain = re.sub(r"[\W_]+", "", key)
    for link, titles in _LINK_TITLES.items():
        for role in chain.ROLES:
            heads = {re.sub(r"[\W_]+", "", title) for title in titles}
            if any(plain in (f"{head}{role.lower()}角", f"{head}{role.lower()}role") for head in heads):
                return link, role
    return None


def _text(cells: Sequence[Cell], column: Column | None) -> str:
    if column is None or column.index >= len(cells):
        return ""
    return clean_text(cell_text(cells[column.index])).strip()[:200]
