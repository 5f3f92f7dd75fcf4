"""What each file of the seed holds: its columns, their types, and which row of which file they refer to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from flask_appbuilder import Model

from app.models import (
    CHANNEL_CLASSES,
    CLOCK_KINDS,
    NATURES,
    URGENCIES,
    Assumption,
    CalendarDay,
    Category,
    ChainLink,
    Channel,
    DispatchEntry,
    Holding,
    LimitRule,
    NumberSeries,
    Person,
    Portfolio,
    Post,
    ReminderRule,
    RetentionClass,
    SavedView,
    Unit,
    UnitGroup,
)
from app.rules.calendar import DayKind
from app.rules.clocks import DayEnd, LimitKind
from app.rules.grants import POST_CAPABILITIES, POST_SCOPES

UNIT_KINDS = ("local_government", "administration", "department", "stationed", "section")
CHANNEL_KINDS = (
    "phone",
    "fax",
    "hotline",
    "mobile",
    "mailbox",
    "web",
    "tv",
    "radio",
    "newspaper",
    "letter",
    "referral",
    "visit",
)
POST_RUNGS = ("acting", "other", "leader", "director")
UNIT_RUNGS = ("handler", "direct", "first", "coordinating", "final")
LINKS = ("first", "direct", "coordinating", "final")
ROLES = ("A", "B")

Row = dict[str, Any]
Parse = Callable[[str], Any]


def text(cell: str) -> str:
    return cell


def code(cell: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", cell):
        raise ValueError(f"{cell!r} is not a code (lower-case letters, digits and underscores)")
    return cell


def whole(cell: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", cell):
        raise ValueError(f"{cell!r} is not a whole number")
    return int(cell)


def flag(cell: str) -> bool:
    if cell not in ("yes", "no"):
        raise ValueError(f"{cell!r} is neither yes nor no")
    return cell == "yes"


def mobile(cell: str) -> str:
    # The number itself stays out of the message: it may end in a log.
    if not re.fullmatch(r"1\d{10}", cell):
        raise ValueError("not a mobile number of eleven digits")
    return cell


def person_name(cell: str) -> str:
    if re.search(r"\s", cell):
        raise ValueError("a Chinese name is written without spaces")
    return cell


def day(cell: str) -> str:
    try:
        return date.fromisoformat(cell).isoformat()
    except ValueError:
        raise ValueError(f"{cell!r} is not a date like 2026-10-01") from None


def time_of_day(cell: str) -> str:
    try:
        return time.fromisoformat(cell).isoformat("minutes")
    except ValueError:
        raise ValueError(f"{cell!r} is not a time like 11:00") from None


def one_of(*allowed: str) -> Parse:
    def parse(cell: str) -> str:
        if cell not in allowed:
            raise ValueError(f"{cell!r} is not one of {', '.join(allowed)}")
        return cell

    return parse


def some_of(*allowed: str) -> Parse:
    """Several values, separated by "|"."""

    def parse(cell: str) -> list[str]:
        found = cell.split("|")
        for one in found:
            if one not in allowed:
                raise ValueError(f"{one!r} is not one of {', '.join(allowed)}")
        if len(set(found)) < len(found):
            raise ValueError(f"{cell!r} names one value twice")
        return found

    return parse


def listed(cell: str) -> list[str]:
    """Several values of another file, separated by "|"."""
    return cell.split("|")


@dataclass(frozen=True)
class Column:
    """One column: `parse` reads a filled cell, `empty` stands for an empty one, `to` is a file it names.

    `place` is the place of the portfolio that the cell fills: it is kept in time, not in the row's own table.
    """

    name: str
    parse: Parse = text
    required: bool = True
    empty: Any = None
    to: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Sheet:
    """One file: `key` is the natural key; `shape` makes the stored values from the parsed cells of row n."""

    file: str
    model: type[Model]
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("code",)
    shape: Callable[[Row, int], Row] = lambda row, number: row

    def key_of(self, values: Mapping[str, Any]) -> str:
        """The natural key of a row as one text."""
        return "|".join(str(values[name]) for name in self.key)

    @property
    def references(self) -> dict[str, str]:
        """Column → the file whose key it holds."""
        return {column.name: column.to for column in self.columns if column.to}

    @property
    def places(self) -> dict[str, str]:
        """Column → the place of the portfolio that it fills."""
        return {column.name: column.place for column in self.columns if column.place}


LIMIT_PARAMETERS = ("at", "until", "classes", "urgencies", "natures", "categories")


def _sorted(row: Row, number: int) -> Row:
    return {**row, "sort": number}


def _post(row: Row, number: int) -> Row:
    return {**row, "sort": row["number"]}


def _limit(row: Row, number: int) -> Row:
    parameters = {name: row.pop(name) for name in LIMIT_PARAMETERS}
    return {**row, "sort": number, "parameters": {name: value for name, value in parameters.items() if value}}


def _retention(row: Row, number: int) -> Row:
    """Written as 0 years: for ever."""
    return {**_sorted(row, number), "years": row["years"] or None}


def _view(row: Row, number: int) -> Row:
    """A view that comes with the product is everybody's and locked."""
    return {**row, "share": "all", "locked": True, "sort": number}


def _category(row: Row, number: int) -> Row:
    return {**row, "code": row["name"], "sort": number}


CODE = Column("code", code)
NAMES = (Column("name"), Column("name_en"))

UNIT_GROUPS = Sheet("unit_groups.csv", UnitGroup, (CODE, *NAMES), shape=_sorted)
PORTFOLIO = Sheet(
    "portfolio.csv",
    Portfolio,
    (
        CODE,
        *NAMES,
        Column("section", required=False, to="units.csv", place="section"),
        Column("vice_mayor", required=False, to="people.csv", place="vice_mayor"),
        Column("deputy", required=False, to="people.csv", place="deputy"),
    ),
    shape=_sorted,
)
UNITS = Sheet(
    "units.csv",
    Unit,
    (
        CODE,
        Column("name"),
        Column("short_name"),
        Column("name_en"),
        Column("kind", one_of(*UNIT_KINDS)),
        Column("group", to="unit_groups.csv"),
        Column("portfolio", required=False, to="portfolio.csv", place="unit"),
        Column("source", one_of("document", "usual practice")),
    ),
    shape=_sorted,
)
PEOPLE = Sheet(
    "people.csv",
    Person,
    (
        CODE,
        Column("name", person_name),
        Column("name_en"),
        Column("mobile", mobile, required=False, empty=""),
        Column("unit", to="units.csv"),
    ),
)
POSTS = Sheet(
    "posts.csv",
    Post,
    (
        CODE,
        Column("number", whole),
        *NAMES,
        Column("duty"),
        Column("duty_en"),
        Column("office", to="units.csv"),
        Column("leader", required=False, to="people.csv"),
        Column("filled_by_duty", flag),
        Column("channel_class", one_of(*CHANNEL_CLASSES), required=False),
        Column("capabilities", some_of(*POST_CAPABILITIES)),
        Column("scope", one_of(*(scope.value for scope in POST_SCOPES))),
    ),
    shape=_post,
)
HOLDINGS = Sheet(
    "holdings.csv",
    Holding,
    (Column("post", to="posts.csv"), Column("person", to="people.csv"), Column("role", one_of(*ROLES))),
    key=("post", "role"),
)
CHAIN = Sheet(
    "chain.csv",
    ChainLink,
    (
        Column("unit", to="units.csv"),
        Column("link", one_of(*LINKS)),
        Column("role", one_of(*ROLES)),
        Column("person", to="people.csv"),
    ),
    key=("unit", "link", "role"),
)
CHANNELS = Sheet(
    "channels.csv",
    Channel,
    (
        CODE,
        *NAMES,
        Column("channel_class", one_of(*CHANNEL_CLASSES)),
        Column("kind", one_of(*CHANNEL_KINDS)),
        Column("address", required=False, empty=""),
        Column("office", to="units.csv"),
    ),
    shape=_sorted,
)
LIMITS = Sheet(
    "limits.csv",
    LimitRule,
    (
        CODE,
        Column("clock_kind", one_of(*CLOCK_KINDS)),
        *NAMES,
        Column("kind", one_of(*(kind.value for kind in LimitKind if kind is not LimitKind.FIXED))),
        Column("amount", whole),
        Column("at", time_of_day, required=False),
        Column("until", one_of(*(end.value for end in DayEnd)), required=False),
        Column("classes", some_of(*CHANNEL_CLASSES), required=False),
        Column("urgencies", some_of(*URGENCIES), required=False),
        Column("natures", some_of(*(nature for nature in NATURES if nature)), required=False),
        Column("categories", listed, required=False),
        Column("is_default", flag),
    ),
    shape=_limit,
)
NUMBER_FORMATS = Sheet("number_formats.csv", NumberSeries, (CODE, *NAMES, Column("template")), shape=_sorted)
REMINDER_RULES = Sheet(
    "reminder_rules.csv",
    ReminderRule,
    (
        CODE,
        Column("clock_kind", one_of(*CLOCK_KINDS)),
        Column("offset_minutes", whole),
        Column("rung", one_of(*POST_RUNGS, *UNIT_RUNGS)),
        *NAMES,
        Column("active", flag),
    ),
    shape=_sorted,
)
RETENTION_CLASSES = Sheet(
    "retention_classes.csv",
    RetentionClass,
    (CODE, *NAMES, Column("years", whole), Column("is_default", flag)),
    shape=_retention,
)
CALENDAR = Sheet(
    "calendar.csv",
    CalendarDay,
    (Column("day", day), Column("kind", one_of(*(kind.value for kind in DayKind))), *NAMES),
    key=("day",),
)
CATEGORIES = Sheet("categories.csv", Category, NAMES, shape=_category)
DISPATCH = Sheet(
    "dispatch.csv",
    DispatchEntry,
    (
        Column("category", required=False, to="categories.csv"),
        Column("place", required=False, empty=""),
        Column("keywords", required=False, empty=""),
        Column("unit", to="units.csv"),
        Column("basis"),
    ),
    key=("category", "place", "keywords", "unit"),
)
ASSUMPTIONS = Sheet(
    "assumptions.yaml",
    Assumption,
    (
        CODE,
        Column("rule"),
        Column("title"),
        Column("title_en"),
        Column("explanation"),
        Column("explanation_en"),
        Column("value"),
    ),
)
VIEWS = Sheet(
    "views.yaml",
    SavedView,
    (CODE, *NAMES, Column("sheet"), Column("spec")),
    shape=_view,
)

# In the order in which rows can be written; portfolio and units refer to each other.
SHEETS = (
    UNIT_GROUPS,
    PORTFOLIO,
    UNITS,
    PEOPLE,
    POSTS,
    HOLDINGS,
    CHAIN,
    CHANNELS,
    LIMITS,
    NUMBER_FORMATS,
    REMINDER_RULES,
    RETENTION_CLASSES,
    CALENDAR,
    CATEGORIES,
    DISPATCH,
    ASSUMPTIONS,
    VIEWS,
)
