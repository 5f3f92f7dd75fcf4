"""A query in words: what a file says of the view it was made of. In the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import grids
from app.rules.errors import NotFound
from app.rules.query import Condition, Group, Query, span
from app.rules.values import REFERENCES, TIMES, ValueKind
from app.services import grid_options, present
from app.services.grid_columns import Column
from app.services.grids import Grid

MOST_NAMED = 20
_OPERATORS: Mapping[str, Any] = {
    "is": _l("is"), "is_not": _l("is not"), "in": _l("is one of"), "not_in": _l("is none of"),
    "contains": _l("contains"), "not_contains": _l("does not contain"), "starts": _l("begins with"),
    "less": "<", "at_most": "≤", "more": ">", "at_least": "≥", "between": _l("is between"),
    "empty": _l("is empty"), "not_empty": _l("is filled in"), "me": _l("is me"), "my_unit": _l("is my unit"),
    "on": _l("is on or in"),
}  # fmt: skip


def facts(grid: Grid, query: Query) -> Iterator[str]:
    """Filter, words searched for and order, a line each; nothing for what was not asked."""
    if query.where:
        yield _("Filter: %(conditions)s", conditions=_group(grid, query.where))
    if query.term:
        yield _("Search: %(words)s", words=query.term)
    orders = query.orders or grid.order
    if orders:
        ways = {False: _("ascending"), True: _("descending")}
        named = [f"{grid.column(one.field).label} {ways[one.is_descending]}" for one in orders]
        yield _("Order: %(columns)s", columns="、".join(named))


def _group(grid: Grid, group: Group) -> str:
    joint = _(" or ") if group.is_any else _("; ")
    parts = (f"({_group(grid, one)})" if isinstance(one, Group) else _condition(grid, one) for one in group.parts)
    return joint.join(parts)


def _condition(grid: Grid, one: Condition) -> str:
    column = grid.column(one.field)
    values = _values(grid, column, one.values)
    shown = "、".join(values[:MOST_NAMED]) + (" …" if len(values) > MOST_NAMED else "")
    return f"{column.label} {_OPERATORS.get(one.op, one.op)} {shown}".rstrip()


def _values(grid: Grid, column: Column, values: tuple[Any, ...]) -> list[str]:
    if column.kind in REFERENCES:
        ids = [one for one in values if isinstance(one, int)]
        try:
            names = grid_options.called(grid, column.key, ids, english=grids.is_english())
        except NotFound:
            names = {}
        return [names.get(one, f"#{one}") for one in values]
    if column.kind in TIMES:
        return [_days(str(one)) for one in values]
    if column.kind is ValueKind.BOOL:
        return [_("Yes") if one in (True, "true") else _("No") for one in values]
    return [str(column.choices.get(one, one)) for one in values]


def _days(word: str) -> str:
    """The days that a relative word meant when the file was made."""
    found = span(word, present.today())
    if found is None:
        return word
    first, last = found
    return first.isoformat() if first == last else f"{first.isoformat()} – {last.isoformat()}"

