"""Where fields made at run time may stand, and what each may name there: columns, links, rows that point back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app import grids
from app.rules import formulas
from app.rules.definitions import Around, formula_kinds, size
from app.rules.errors import Invalid, NotFound
from app.rules.values import COMPUTED, REFERENCES, ValueKind
from app.services import definitions
from app.services.definitions import OWN, Defined
from app.services.field_definitions import Place
from app.services.field_values import LINKS
from app.services.grid_columns import Column
from app.services.grid_computed import sheet_of
from app.sheets import BY_CODE


@dataclass(frozen=True, slots=True)
class Named:
    """A column as a definition may name it."""

    key: str
    label: str
    kind: ValueKind
    refers: str = ""


def codes() -> Iterator[tuple[str, str]]:
    """Every sheet that takes fields, with its name; of two over one table (units, offices) the first: they share."""
    english, seen = grids.is_english(), set()
    yield "appeals", str(_l("Appeals"))
    for own in definitions.current().sheets.values():
        yield grids.OWN_PREFIX + own.code, own.name_en if english else own.name
    for code, sheet in BY_CODE.items():
        table = sheet.model.__tablename__
        if hasattr(sheet.model, "extra") and table not in seen:
            seen.add(table)
            yield code, str(sheet.label_plural)


def label(code: str) -> str:
    """The name of a sheet. Raises NotFound("sheet.unknown")."""
    found = dict(codes()).get(code)
    if found is None:
        raise NotFound("sheet.unknown", {"sheet": code[:48]})
    return found


def place(code: str) -> Place:
    """Where fields of a sheet are kept and what they may name. Raises NotFound("sheet.unknown")."""
    label(code)
    table, own_id = _table(code)
    return Place(table, own_id, _around(code))


def bare(code: str) -> Place:
    """The same without what they may name: enough to list them."""
    return Place(*_table(code))


def place_for_file(code: str) -> Place:
    """`place`, after definitions may have changed in the open transaction."""
    definitions.forget()
    return place(code)


def columns(code: str) -> Mapping[str, Named]:
    """What computed fields may name on a sheet, by key."""
    english = grids.is_english()
    found = {
        key: Named(key, str(one.label), one.kind, _refers(one))
        for key, one in grids.declared_columns(code, english=english).items()
    }
    for one in definitions.current().of(*_table(code)):
        kind = _kind(code, one, found)
        if kind is not None:
            refers = one.to or {ValueKind.PERSON: "people", ValueKind.UNIT: "units", ValueKind.POST: "posts"}.get(
                kind, ""
            )
            found[one.key] = Named(one.key, one.label_en if english else one.label, kind, refers)
    return found


def links() -> dict[str, str]:
    """Sheets that a link may lead to."""
    return {code: name for code, name in codes() if code in LINKS or code.startswith(grids.OWN_PREFIX)}


def _table(code: str) -> tuple[str, int | None]:
    if code == "appeals":
        return "appeal", None
    if code.startswith(grids.OWN_PREFIX):
        own = definitions.current().sheets.get(code.removeprefix(grids.OWN_PREFIX))
        return OWN, own.id if own else -1
    return (BY_CODE[code].model.__tablename__, None) if code in BY_CODE else ("", None)


def _refers(column: Column) -> str:
    return sheet_of(column) if column.kind in REFERENCES else ""


def _kind(code: str, one: Defined, known: Mapping[str, Named]) -> ValueKind | None:
    """What a cell of the field holds, computed ones by what they come to."""
    if one.kind not in COMPUTED:
        return one.kind
    asked: Mapping[str, Any] = one.parameters
    if one.kind is ValueKind.FORMULA:
        return ValueKind(str(asked.get("result") or "text"))
    if one.kind is ValueKind.ROLLUP:
        if asked.get("figure") not in ("min", "max"):
            return ValueKind.NUMBER
        return _plain(str(asked.get("to"))).get(str(asked.get("column")), ValueKind.NUMBER)
    link = known.get(str(asked.get("field")))
    return _plain(link.refers).get(str(asked.get("column"))) if link is not None and link.refers else None


def _plain(code: str) -> dict[str, ValueKind]:
    """Kinds of the columns of a sheet, computed ones not among them."""
    found = {key: one.kind for key, one in grids.declared_columns(code, english=False).items()}
    return found | {one.key: one.kind for one in definitions.current().of(*_table(code)) if not one.is_computed}


def _around(code: str) -> Around:
    known = columns(code)
    kinds = {key: one.kind for key, one in known.items()}
    chains: dict[str, frozenset[str]] = {}
    trees: dict[str, int] = {}
    for one in definitions.current().of(*_table(code)):
        if one.kind is ValueKind.FORMULA:
            try:
                made = formulas.parse(str(one.parameters.get("formula") or ""), formula_kinds(kinds))
            except Invalid:
                continue
            chains[one.key] = frozenset(name if name in known else f"x_{name}" for name in made.references)
            trees[one.key] = size(made.ast)
        elif one.kind is ValueKind.LOOKUP:
            chains[one.key] = frozenset({str(one.parameters.get("field"))})
    names = links()
    targets = {key: _plain(one.refers) for key, one in known.items() if one.refers and one.kind not in COMPUTED}
    return Around(kinds, chains, trees, names, targets, dict(_pointing(code)))


def _pointing(code: str) -> Iterator[tuple[str, tuple[list[str], dict[str, ValueKind]]]]:
    for other, _name in codes():
        leading = [key for key, one in columns(other).items() if one.refers == code and one.kind in REFERENCES]
        kept = _plain(other)
        leading = [key for key in leading if key in kept]
        if leading:
            yield other, (leading, kept)
