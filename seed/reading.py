"""Reading the seed files strictly: every refusal names file, row and field. No database here."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import String

from app.rules import numbering
from app.rules.clocks import Limit
from app.rules.errors import Invalid
from app.rules.grants import PostDuty, Scope, checked
from seed.sheets import (
    CATEGORIES,
    HOLDINGS,
    LIMITS,
    NUMBER_FORMATS,
    PORTFOLIO,
    POST_RUNGS,
    POSTS,
    REMINDER_RULES,
    SHEETS,
    UNIT_RUNGS,
    UNITS,
    Column,
    Sheet,
)

FOLDER = Path(__file__).parent
# Part of the fingerprint: raise it when the same files would be written to the database differently.
LOADER_VERSION = 2
UNIT_CLOCKS = ("sign_in", "unit_limit", "co_limit")


class SeedError(Exception):
    """A seed file that cannot be loaded; the text names file, row and field."""

    def __init__(self, file: str, row: int, field: str, problem: str) -> None:
        super().__init__(f"seed/{file}, row {row}, field {field}: {problem}")
        self.file, self.row, self.field, self.problem = file, row, field, problem


@dataclass(frozen=True)
class Entry:
    """A row that was read: its number in the file (the header is row 1), its natural key, its values."""

    row: int
    key: str
    values: Mapping[str, Any]


Seed = Mapping[str, tuple[Entry, ...]]


def read_seed(folder: Path = FOLDER) -> Seed:
    """All files of the seed, checked alone and against each other: file name → its rows. Raises SeedError."""
    seed = {sheet.file: tuple(_entries(folder, sheet)) for sheet in SHEETS}
    for sheet in SHEETS:
        _check_keys(sheet, seed[sheet.file])
    for sheet in SHEETS:
        _check_references(sheet, seed)
    _check_posts(seed)
    _check_sections(seed)
    _check_limits(seed)
    _check_rungs(seed)
    _check_templates(seed)
    return seed


def seed_fingerprint(folder: Path = FOLDER) -> str:
    """A digest of the seed files and of the loader; while it stays the same there is nothing to load."""
    digest = hashlib.sha256(f"loader {LOADER_VERSION}".encode())
    for sheet in sorted(SHEETS, key=lambda sheet: sheet.file):
        content = hashlib.sha256(_content(folder, sheet))
        digest.update(f"\n{sheet.file} {content.hexdigest()}".encode())
    return digest.hexdigest()


def _content(folder: Path, sheet: Sheet) -> bytes:
    try:
        return (folder / sheet.file).read_bytes()
    except OSError as error:
        raise SeedError(sheet.file, 0, "-", f"cannot be read ({error.strerror})") from None


def _text(folder: Path, sheet: Sheet) -> str:
    content = _content(folder, sheet)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise SeedError(sheet.file, row, "-", "is not UTF-8 text") from None


def _entries(folder: Path, sheet: Sheet) -> Iterator[Entry]:
    cells = _yaml_cells if sheet.file.endswith(".yaml") else _csv_cells
    for position, (row, found) in enumerate(cells(sheet, _text(folder, sheet)), start=1):
        values = {column.name: _value(sheet, row, column, found[column.name]) for column in sheet.columns}
        shaped = sheet.shape(values, position)
        yield Entry(row, sheet.key_of(shaped), shaped)


def _csv_cells(sheet: Sheet, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    row = 0
    try:
        header = next(reader, [])
        row = 1
        _check_header(sheet, row, header)
        for cells in reader:
            row += 1
            if len(cells) != len(header):
                last = header[max(min(len(cells), len(header)) - 1, 0)]
                problem = f"{len(cells)} cells where the header has {len(header)}"
                raise SeedError(sheet.file, row, last, problem)
            yield row, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise SeedError(sheet.file, row + 1, "-", f"is not CSV ({error})") from None


def _yaml_cells(sheet: Sheet, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        entries = yaml.safe_load(content)
    except yaml.MarkedYAMLError as error:
        row = error.problem_mark.line + 1 if error.problem_mark else 0
        raise SeedError(sheet.file, row, "-", f"is not YAML ({error.problem})") from None
    if not isinstance(entries, list):
        raise SeedError(sheet.file, 1, "-", "is not a list of entries")
    for row, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise SeedError(sheet.file, row, "-", "is not a set of fields")
        _check_header(sheet, row, [str(name) for name in entry])
        yield row, entry


def _check_header(sheet: Sheet, row: int, header: list[str]) -> None:
    known = [column.name for column in sheet.columns]
    for name in header:
        if name not in known:
            raise SeedError(sheet.file, row, name or "-", f"is not one of {', '.join(known)}")
        if header.count(name) > 1:
            raise SeedError(sheet.file, row, name, "stands twice")
    for name in known:
        if name not in header:
            raise SeedError(sheet.file, row, name, "is missing")


def _value(sheet: Sheet, row: int, column: Column, cell: Any) -> Any:
    if not isinstance(cell, str):
        if column.name not in ("value", "spec"):
            raise SeedError(sheet.file, row, column.name, "is not text")
        return cell
    if not cell:
        if column.required:
            raise SeedError(sheet.file, row, column.name, "is empty")
        return column.empty
    if cell != cell.strip():
        raise SeedError(sheet.file, row, column.name, "has a blank at its beginning or end")
    longest = _longest(sheet, column)
    if longest and len(cell) > longest:
        raise SeedError(sheet.file, row, column.name, f"is longer than {longest} characters")
    try:
        return column.parse(cell)
    except ValueError as problem:
        raise SeedError(sheet.file, row, column.name, str(problem)) from None


def _longest(sheet: Sheet, column: Column) -> int | None:
    stored = sheet.model.__table__.columns.get(column.name)
    return stored.type.length if stored is not None and isinstance(stored.type, String) else None


def _check_keys(sheet: Sheet, entries: tuple[Entry, ...]) -> None:
    unique = [sheet.key] + ([("number",)] if sheet is POSTS else [])
    for names in unique:
        seen: dict[tuple[Any, ...], int] = {}
        for entry in entries:
            # A key that the shape derives is called by the column it stands in.
            key = tuple(entry.values[name] for name in names)
            if key in seen:
                field = names[-1] if any(column.name == names[-1] for column in sheet.columns) else "name"
                raise SeedError(sheet.file, entry.row, field, f"repeats row {seen[key]}")
            seen[key] = entry.row


def _check_references(sheet: Sheet, seed: Seed) -> None:
    for column, file in sheet.references.items():
        known = {entry.key for entry in seed[file]}
        for entry in seed[sheet.file]:
            named = entry.values[column]
            if named is not None and named not in known:
                raise SeedError(sheet.file, entry.row, column, f"{named!r} is not in {file}")


def _check_posts(seed: Seed) -> None:
    on_duty = set()
    for entry in seed[POSTS.file]:
        values = entry.values
        duty = PostDuty(0, tuple(values["capabilities"]), Scope(values["scope"]), 0, values["channel_class"])
        try:
            checked(duty)
        except Invalid as error:
            raise SeedError(POSTS.file, entry.row, error.field or "capabilities", error.code) from None
        if values["filled_by_duty"]:
            on_duty.add(entry.key)
    for entry in seed[HOLDINGS.file]:
        if entry.values["post"] in on_duty:
            raise SeedError(HOLDINGS.file, entry.row, "post", "is filled by the duty roster alone")


def _check_sections(seed: Seed) -> None:
    sections = {entry.key for entry in seed[UNITS.file] if entry.values["kind"] == "section"}
    for sheet, field in ((POSTS, "office"), (PORTFOLIO, "section")):
        for entry in seed[sheet.file]:
            named = entry.values[field]
            if named is not None and named not in sections:
                raise SeedError(sheet.file, entry.row, field, f"{named!r} is not a section")


def _check_limits(seed: Seed) -> None:
    defaults: dict[str, int] = {}
    categories = {entry.key for entry in seed[CATEGORIES.file]}
    for entry in seed[LIMITS.file]:
        values = entry.values
        for name in values["parameters"].get("categories", ()):
            if name not in categories:
                raise SeedError(LIMITS.file, entry.row, "categories", f"{name!r} is not in {CATEGORIES.file}")
        try:
            Limit.from_json({"kind": values["kind"], "amount": values["amount"], **values["parameters"]})
        except Invalid as error:
            raise SeedError(LIMITS.file, entry.row, error.field or "kind", error.code) from None
        if values["is_default"]:
            if values["clock_kind"] in defaults:
                first = defaults[values["clock_kind"]]
                raise SeedError(LIMITS.file, entry.row, "is_default", f"row {first} is the default already")
            defaults[values["clock_kind"]] = entry.row


# A section delivers, its duty office is told in the end (R6).
_RUNGS = {"delivery": (*UNIT_RUNGS, "director")}


def _check_rungs(seed: Seed) -> None:
    for entry in seed[REMINDER_RULES.file]:
        kind, rung = entry.values["clock_kind"], entry.values["rung"]
        if rung not in _RUNGS.get(kind, UNIT_RUNGS if kind in UNIT_CLOCKS else POST_RUNGS):
            raise SeedError(REMINDER_RULES.file, entry.row, "rung", f"a {kind} clock has no rung {rung!r}")


def _check_templates(seed: Seed) -> None:
    for entry in seed[NUMBER_FORMATS.file]:
        try:
            numbering.parse(entry.values["template"])
        except Invalid as error:
            raise SeedError(NUMBER_FORMATS.file, entry.row, "template", error.code) from None
