"""Absences as a workbook says them: person, unit, from, until, kind, reason, who stands in. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from .absences import KINDS
from .columns import Cell, Column, cell_text, columns_of, name_key
from .errors import Invalid
from .fields import clean_text, read_moment
from .invitations import Candidate, Line, RowProblem, meant

COLUMNS: tuple[str, ...] = ("name", "unit", "starts_at", "ends_at", "kind", "reason", "stand_in")
_TITLES: Mapping[str, frozenset[str]] = {
    "name": frozenset(("姓名", "名称", "名字", "人员", "外出人员", "name", "person")),
    "unit": frozenset(("单位", "处室", "部门", "所在单位", "unit", "office")),
    "starts_at": frozenset(("起", "开始", "开始时间", "起始时间", "外出时间", "from")),
    "ends_at": frozenset(("止", "结束", "结束时间", "截止时间", "返回时间", "返岗时间", "until")),
    "kind": frozenset(("类别", "类型", "外出类别", "kind")),
    "reason": frozenset(("事由", "理由", "原因", "reason")),
    "stand_in": frozenset(("顶岗", "顶岗人", "顶岗人员", "stand-in", "standin", "stand in")),
}
# What an office writes for each kind; the codes are understood too.
_KINDS: Mapping[str, str] = {
    "休假": "leave", "请假": "leave", "年休假": "leave", "事假": "leave",
    "出差": "trip", "公出": "trip", "外出": "trip",
    "病假": "sick", "培训": "training", "学习": "training", "其他": "other",
    "leave": "leave", "trip": "trip", "business trip": "trip", "sick": "sick", "sick leave": "sick",
    "training": "training", "other": "other",
    **{kind: kind for kind in KINDS},
}  # fmt: skip
_HEADER_SEARCH = 20
_NEEDED = ("name", "starts_at", "ends_at")


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    """A row that says everything: whom, when, why; `stand_in_id` where somebody is named for both-away times."""

    row: int
    person_id: int
    starts_at: datetime
    ends_at: datetime
    kind: str
    reason: str = ""
    stand_in_id: int | None = None


def read(
    rows: Iterable[tuple[int, Sequence[Cell]]], people: Iterable[Candidate], zone: tzinfo, *, is_1904: bool = False
) -> tuple[tuple[AbsenceRow, ...], tuple[RowProblem, ...]]:
    """The rows below the header and the problems by row and column; a row with a problem is in no list.

    An end that is a day without time means that whole day. Raises Invalid("absences.no-header").
    """
    by_name: dict[str, list[Candidate]] = {}
    for person in people:
        by_name.setdefault(name_key(person.name), []).append(person)
    header: dict[str, Column] | None = None
    found: list[AbsenceRow] = []
    problems: list[RowProblem] = []
    for position, (number, cells) in enumerate(rows):
        if header is None:
            header = header_of(cells)
            if header is None and position >= _HEADER_SEARCH:
                break
            continue
        values = {name: _cell(cells, column) for name, column in header.items()}
        if any(cell_text(value).strip() for value in values.values()):
            reader = _Row(number, values, by_name, zone, is_1904)
            row = reader.read()
            problems += reader.problems
            found += [row] if row is not None else []
    if header is None:
        raise Invalid("absences.no-header", field="workbook")
    return tuple(found), tuple(problems)


class _Row:
    """One row on its way; each cell is judged, so that all its problems are told at once."""

    def __init__(
        self,
        number: int,
        values: Mapping[str, Cell],
        by_name: Mapping[str, Sequence[Candidate]],
        zone: tzinfo,
        is_1904: bool,
    ) -> None:
        self._number, self._values, self._by_name = number, values, by_name
        self._zone, self._is_1904 = zone, is_1904
        self.problems: list[RowProblem] = []

    def read(self) -> AbsenceRow | None:
        person = self._person(self._text("name"), self._text("unit"), "name")
        starts_at, ends_at = self._moment("starts_at"), self._moment("ends_at", is_end=True)
        kind = _KINDS.get(self._text("kind").lower(), "" if self._text("kind") else "leave")
        if not kind:
            self._wrong("kind", "absences.kind-unknown", {"value": self._text("kind")[:40]})
        if starts_at is not None and ends_at is not None and ends_at <= starts_at:
            self._wrong("ends_at", "period.ends-before-start")
        stand_in = self._person(self._text("stand_in"), "", "stand_in") if self._text("stand_in") else None
        if self.problems or person is None or starts_at is None or ends_at is None:
            return None
        return AbsenceRow(self._number, person, starts_at, ends_at, kind, self._text("reason"), stand_in)

    def _text(self, name: str) -> str:
        return clean_text(cell_text(self._values.get(name, "")))[:200]

    def _person(self, name: str, unit: str, column: str) -> int | None:
        try:
            return meant(Line(self._number, name, unit), self._by_name).person_id
        except Invalid as error:
            self._wrong(column if column == "stand_in" else error.field or column, error.code, error.data)
            return None

    def _moment(self, name: str, *, is_end: bool = False) -> datetime | None:
        raw = self._values.get(name, "")
        if not cell_text(raw).strip():
            self._wrong(name, "field.required")
            return None
        try:
            return (
                end_of(raw, self._zone, is_1904=self._is_1904)
                if is_end
                else read_moment(raw, self._zone, is_1904=self._is_1904).at
            )
        except Invalid as error:
            self._wrong(name, error.code, error.data)
            return None

    def _wrong(self, column: str, code: str, data: Mapping[str, object] | None = None) -> None:
        self.problems.append(RowProblem(self._number, column, code, dict(data or {})))


def end_of(value: object, zone: tzinfo, *, is_1904: bool = False) -> datetime:
    """An end as people write it: a day without time means that whole day. Raises Invalid("moment.invalid")."""
    found = read_moment(value, zone, is_1904=is_1904)
    if found.has_time:
        return found.at
    return (found.at.astimezone(zone) + timedelta(days=1)).astimezone(found.at.tzinfo)


def header_of(cells: Sequence[Cell]) -> dict[str, Column] | None:
    """Which column says what, if these cells are a header with at least name, from and until."""
    found: dict[str, Column] = {}
    for column in columns_of(cells):
        for name, titles in _TITLES.items():
            if column.key in titles:
                found.setdefault(name, column)
    return found if all(name in found for name in _NEEDED) else None


def _cell(cells: Sequence[Cell], column: Column) -> Cell:
    return cells[column.index] if column.index < len(cells) else ""
