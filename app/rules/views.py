"""A view of a sheet: filter, order, columns, groups, figures, colours. Untrusted JSON → checked for one reader.

What a reader may not see is not in his view: columns, orders, groups, figures and colours of it are left out and
counted. A filter is never loosened: one that asks for a column he may not see makes the view unreadable to him.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import query as queries
from .errors import Invalid
from .query import Group, Grouping, Query
from .values import COLOURS, ValueKind

MOST_COLOURS, MOST_FROZEN, LONGEST_NAME = 20, 10, 80
NARROWEST, WIDEST = 40, 900
HEIGHTS = ("short", "tall")
SHARES = ("own", "posts", "all")
ROW = "row"  # a colour rule that colours the whole row
_PARTS = ("query", "columns", "frozen", "group", "figures", "colours", "height")


@dataclass(frozen=True, slots=True)
class Shown:
    """A column in its place; `width` in pixels, None for its usual one."""

    key: str
    width: int | None = None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Colour:
    """Rows of which the conditions hold are coloured: the row, or the cell of one column."""

    when: Group
    colour: str
    scope: str = ROW


@dataclass(frozen=True, slots=True)
class View:
    """What a saved view keeps. `left_out`: how many of its parts are about columns the reader may not see."""

    query: Query = field(default_factory=Query)
    columns: tuple[Shown, ...] = ()
    frozen: int = 1
    group: Grouping | None = None
    figures: tuple[tuple[str, str], ...] = ()
    colours: tuple[Colour, ...] = ()
    height: str = "short"
    left_out: int = 0


class _Left:
    """Counts what is left out."""

    def __init__(self, kinds: Mapping[str, ValueKind]) -> None:
        self.kinds, self.count = kinds, 0

    def keep(self, *keys: object) -> bool:
        """Whether the reader sees all of these columns; what he does not is counted."""
        known = all(isinstance(key, str) and key in self.kinds for key in keys)
        self.count += not known
        return known


def read(raw: object, kinds: Mapping[str, ValueKind]) -> View:
    """The view of untrusted JSON; `kinds` are the columns the reader may see.

    Raises Invalid: "query.unknown-field" when its filter asks for a column he may not see, else what app/rules/query
    raises, "view.unreadable" for what is no view.
    """
    spec = _object({} if raw is None else raw, _PARTS)
    left = _Left(kinds)
    asked = _object({} if spec.get("query") is None else spec["query"], ("filter", "search", "sort", "columns"))
    sort = [one for one in _list(asked.get("sort")) if left.keep(_first(one))]
    found = queries.read({**asked, "sort": sort, "columns": None}, kinds)
    height = spec.get("height") or "short"
    if height not in HEIGHTS:
        raise Invalid("view.unreadable", {"at": "height"})
    return View(
        query=found,
        columns=_columns(spec.get("columns"), left),
        frozen=_whole(spec.get("frozen", 1), 0, MOST_FROZEN, "frozen"),
        group=_group(spec.get("group"), left),
        figures=_figures(spec.get("figures"), left),
        colours=_colours(spec.get("colours"), left),
        height=height,
        left_out=left.count,
    )


def write(view: View) -> dict[str, Any]:
    """The view as JSON again: what is kept and what a browser is told."""
    return {
        "query": queries.write(view.query),
        "columns": [_written_column(one) for one in view.columns],
        "frozen": view.frozen,
        "group": None if view.group is None else queries.write_grouping(view.group),
        "figures": [list(one) for one in view.figures],
        "colours": [
            {"when": queries.write(Query(one.when)).get("filter", {}), "colour": one.colour, "scope": one.scope}
            for one in view.colours
        ],
        "height": view.height,
    }


def name(raw: object) -> str:
    """The name of a view. Raises Invalid("view.no-name"), Invalid("view.name-too-long")."""
    found = " ".join(raw.split()) if isinstance(raw, str) else ""
    if not found:
        raise Invalid("view.no-name", field="name")
    if len(found) > LONGEST_NAME:
        raise Invalid("view.name-too-long", {"most": LONGEST_NAME}, field="name")
    return found


def share(raw: object, post_ids: object) -> tuple[str, list[int]]:
    """With whom a view is shared, and with which posts. Raises Invalid "view.unreadable", "view.no-posts"."""
    if raw not in SHARES:
        raise Invalid("view.unreadable", {"at": "share"})
    if raw != "posts":
        return str(raw), []
    posts = sorted({_whole(one, 1, 2**31 - 1, "post_ids") for one in _list(post_ids)})
    if not posts:
        raise Invalid("view.no-posts", field="post_ids")
    return "posts", posts


def _columns(raw: object, left: _Left) -> tuple[Shown, ...]:
    found: dict[str, Shown] = {}
    for one in _list(raw):
        spec = _object(one, ("key", "width", "hidden"))
        if left.keep(spec.get("key")):
            width = spec.get("width")
            wide = None if width is None else _whole(width, NARROWEST, WIDEST, "width")
            found.setdefault(spec["key"], Shown(spec["key"], wide, bool(spec.get("hidden"))))
    return tuple(found.values())


def _group(raw: object, left: _Left) -> Grouping | None:
    if not raw:
        return None
    spec = _object(raw, ("by", "figures"))
    by = [one for one in _list(spec.get("by")) if left.keep(one.get("field") if isinstance(one, dict) else one)]
    if not by:
        return None
    figures = [one for one in _list(spec.get("figures")) if left.keep(_first(one))]
    return queries.read_grouping({"by": by, "figures": figures}, left.kinds)


def _figures(raw: object, left: _Left) -> tuple[tuple[str, str], ...]:
    figures = [one for one in _list(raw) if left.keep(_first(one))]
    return queries.read_grouping({"figures": figures}, left.kinds).figures


def _colours(raw: object, left: _Left) -> tuple[Colour, ...]:
    found = []
    for one in _list(raw, MOST_COLOURS):
        spec = _object(one, ("when", "colour", "scope"))
        colour, scope = spec.get("colour"), spec.get("scope", ROW)
        if colour not in COLOURS:
            raise Invalid("view.unreadable", {"at": "colour"})
        if scope != ROW and not left.keep(scope):
            continue
        try:
            when = queries.read({"filter": spec.get("when") or {}}, left.kinds).where
        except Invalid as error:
            if error.code != "query.unknown-field":
                raise
            left.count += 1
            continue
        if when:
            found.append(Colour(when, str(colour), str(scope)))
    return tuple(found)


def _written_column(one: Shown) -> dict[str, Any]:
    found: dict[str, Any] = {"key": one.key}
    if one.width is not None:
        found["width"] = one.width
    if one.is_hidden:
        found["hidden"] = True
    return found


def _first(raw: object) -> object:
    return raw[0] if isinstance(raw, list | tuple) and raw else raw


def _whole(raw: object, least: int, most: int, at: str) -> int:
    """A whole number; one beyond the ends is the end itself, except where it names a row."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or raw != raw or abs(raw) > 2**31:
        raise Invalid("view.unreadable", {"at": at})
    return min(max(round(raw), least), most)


def _object(raw: object, allowed: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(raw, dict) or any(key not in allowed for key in raw):
        raise Invalid("view.unreadable", {"at": ", ".join(allowed)})
    return raw


def _list(raw: object, most: int = queries.MOST_COLUMNS * 2) -> Sequence[Any]:
    if raw is None:
        return ()
    if not isinstance(raw, list | tuple):
        raise Invalid("view.unreadable", {"at": "[]"})
    if len(raw) > most:
        raise Invalid("query.too-large", {"most": most})
    return raw
