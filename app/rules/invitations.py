"""A list of people who are to get accounts, as a workbook says it: name, unit, user name.

A person is found by his name; where two have the same, the unit decides. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .columns import Cell, Column, cell_text, columns_of, name_key
from .errors import Invalid
from .fields import clean_text

_TITLES: Mapping[str, frozenset[str]] = {
    "name": frozenset(("姓名", "名称", "人员", "名字", "name", "person")),
    "unit": frozenset(("单位", "处室", "部门", "所在单位", "unit", "office")),
    "username": frozenset(("用户名", "登录名", "账号", "username", "login")),
}
_HEADER_SEARCH = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list; `unit` and `username` may be empty."""

    row: int
    name: str
    unit: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong in one cell: the row and column as on the sheet, a code and its data."""

    row: int
    column: str
    code: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the directory: `units` are all names of his unit, `has_account` whether he may sign in already."""

    person_id: int
    name: str
    code: str
    units: tuple[str, ...] = ()
    has_account: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A person who is to get an account under that user name."""

    person_id: int
    username: str


def read(rows: Iterable[tuple[int, Sequence[Cell]]]) -> tuple[Line, ...]:
    """The lines below the header, empty rows left out. Raises Invalid("invitations.no-header")."""
    header: dict[str, Column] | None = None
    found: list[Line] = []
    for position, (number, cells) in enumerate(rows):
        if header is None:
            header = _header(cells)
            if header is None and position >= _HEADER_SEARCH:
                break
            continue
        texts = {name: _text(cells, column) for name, column in header.items()}
        if any(texts.values()):
            found.append(Line(number, **texts))
    if header is None:
        raise Invalid("invitations.no-header", field="workbook")
    return tuple(found)


def match(
    lines: Iterable[Line], people: Iterable[Candidate]
) -> tuple[tuple[tuple[Line, Wanted], ...], tuple[RowProblem, ...]]:
    """Who is meant by each line, and the problems; a line with a problem is in no pair.

    Codes: "person.name-missing", "person.unknown-name", "person.ambiguous-name", "account.has-one",
    "invitations.twice".
    """
    by_name: dict[str, list[Candidate]] = {}
    for person in people:
        by_name.setdefault(name_key(person.name), []).append(person)
    pairs: list[tuple[Line, Wanted]] = []
    problems: list[RowProblem] = []
    seen: dict[int, int] = {}
    for line in lines:
        try:
            person = meant(line, by_name)
            if person.has_account:
                raise Invalid("account.has-one", {"name": line.name[:64]}, field="name")
            if person.person_id in seen:
                data = {"name": line.name[:64], "row": seen[person.person_id]}
                raise Invalid("invitations.twice", data, field="name")
        except Invalid as error:
            problems.append(RowProblem(line.row, error.field or "name", error.code, error.data))
            continue
        seen[person.person_id] = line.row
        pairs.append((line, Wanted(person.person_id, line.username or person.code)))
    return tuple(pairs), tuple(problems)


def meant(line: Line, by_name: Mapping[str, Sequence[Candidate]]) -> Candidate:
    """Who is meant by a name and a unit; `by_name` is keyed by `name_key`. Raises Invalid as `match` tells of names."""
    if not line.name:
        raise Invalid("person.name-missing", field="name")
    name = line.name[:64]
    named = list(by_name.get(name_key(line.name), ()))
    if line.unit:
        wanted = name_key(line.unit)
        within = [one for one in named if wanted in {name_key(unit) for unit in one.units}]
        if named and not within:
            raise Invalid("person.not-in-unit", {"name": name, "unit": line.unit[:64]}, field="unit")
        named = within
    if not named:
        raise Invalid("person.unknown-name", {"name": name}, field="name")
    if len(named) > 1:
        raise Invalid("person.ambiguous-name", {"name": name, "count": len(named)}, field="unit")
    return named[0]


def _header(cells: Sequence[Cell]) -> dict[str, Column] | None:
    found: dict[str, Column] = {}
    for column in columns_of(cells):
        for name, titles in _TITLES.items():
            if column.key in titles:
                found.setdefault(name, column)
    return found if "name" in found else None


def _text(cells: Sequence[Cell], column: Column) -> str:
    return clean_text(cell_text(cells[column.index]))[:200] if column.index < len(cells) else ""
