"""What a field made at run time may be: its parameters by kind, formulas over other fields, kinds it may turn into."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from . import formulas
from .errors import FieldErrors, FieldProblem, Invalid
from .fields import clean_text
from .values import (
    COLOURS,
    COMPUTED,
    NUMBERS,
    TEXTS,
    TIMES,
    Option,
    Rule,
    Value,
    ValueKind,
    mask_pattern,
    number_of,
    read,
)

CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
STORED = re.compile(CODE.pattern + r"([.][1-9][0-9]{0,9})?")  # under which name a row holds a field
MOST_OPTIONS, MOST_FIELDS = 200, 200
LONGEST_CHAIN, LARGEST_TREE = 8, 2_000
FIGURES = ("count", "sum", "avg", "min", "max")
OPTIONED = frozenset({ValueKind.CHOICE, ValueKind.CHOICES})
# No value of these can be told apart from another by an index, or is not kept at all.
NEVER_UNIQUE = COMPUTED | {ValueKind.LONG, ValueKind.BOOL, ValueKind.CHOICES, ValueKind.FILES}
NEVER_INDEXED = COMPUTED | {ValueKind.LONG, ValueKind.FILES}
# What a report shows as a column and counts or sums up by.
REPORTED = frozenset(
    {
        ValueKind.CHOICE, ValueKind.CHOICES, ValueKind.BOOL, ValueKind.NUMBER, ValueKind.MONEY, ValueKind.PERSON,
        ValueKind.UNIT, ValueKind.POST,
    }
)  # fmt: skip
_LENGTHS = {ValueKind.TEXT: 500, ValueKind.LONG: 20_000}


@dataclass(frozen=True, slots=True)
class Around:
    """What a definition stands among: the columns of its sheet and where links may lead.

    `columns`: kinds by key of what formulas may name. `chains`: for each computed field the keys that it names.
    `trees`: how large each formula is. `links`: sheets by code. `targets`: for each link field of this sheet the
    columns of the sheet it leads to. `pointing`: for each sheet, its fields that lead here and its columns.
    """

    columns: Mapping[str, ValueKind] = field(default_factory=dict)
    chains: Mapping[str, frozenset[str]] = field(default_factory=dict)
    trees: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, ValueKind]] = field(default_factory=dict)
    pointing: Mapping[str, tuple[Sequence[str], Mapping[str, ValueKind]]] = field(default_factory=dict)


def parameters(kind: ValueKind, raw: Mapping[str, Any], around: Around, *, key: str = "") -> dict[str, Any]:
    """What is kept of the parameters somebody wrote for a field of this kind.

    `key` is the field's own, so that a formula does not name itself. Raises FieldErrors at options, mask, least, most,
    longest, decimals, default, to, field, column, figure or formula.
    """
    reading = _Reading(kind, raw, around, key)
    made = reading.made()
    if reading.problems:
        raise FieldErrors(reading.problems)
    return made


class _Reading:
    def __init__(self, kind: ValueKind, raw: Mapping[str, Any], around: Around, key: str) -> None:
        self.kind, self.raw, self.around, self.key = kind, raw, around, key
        self.problems: list[FieldProblem] = []

    def made(self) -> dict[str, Any]:
        if self.kind in OPTIONED:
            return self._kept({"options": self._options()})
        if self.kind in TEXTS:
            return self._kept({"longest": self._whole("longest", 1, _LENGTHS[self.kind]), "mask": self._mask()})
        if self.kind in NUMBERS:
            return self._kept(self._bounds() | {"decimals": self._whole("decimals", 0, 6)})
        if self.kind in TIMES:
            return self._kept(self._times())
        if self.kind is ValueKind.LINK:
            return {"to": self._one_of("to", self.around.links)}
        return {
            ValueKind.LOOKUP: self._lookup, ValueKind.ROLLUP: self._rollup, ValueKind.FORMULA: self._formula,
        }.get(self.kind, dict)()  # fmt: skip

    def wrong(self, name: str, code: str, data: Mapping[str, object] | None = None) -> None:
        self.problems.append(FieldProblem(name, code, dict(data or {})))

    def _kept(self, found: dict[str, Any]) -> dict[str, Any]:
        default = self.raw.get("default")
        made = {name: value for name, value in found.items() if value not in (None, "", [])}
        if default not in (None, "", []) and not self.problems and self.kind not in TIMES:
            self._default(made, default)
        return made

    def _default(self, made: dict[str, Any], default: Any) -> None:
        options = [Option(one["code"], one["label"], one["label_en"]) for one in made.get("options", ())]
        least, most = (Decimal(str(made[name])) if name in made else None for name in ("least", "most"))
        rule = Rule(least, most, made.get("longest"), str(made.get("mask") or ""), made.get("decimals"))
        try:
            made["default"] = read(Value("default", self.kind, options=options, rule=rule), default, UTC)
        except Invalid as error:
            self.wrong("default", error.code, error.data)

    def _text(self, name: str) -> str:
        return clean_text(str(self.raw.get(name) or ""))

    def _whole(self, name: str, least: int, most: int) -> int | None:
        text = self._text(name)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
            self.wrong(name, "field.whole", {"least": least, "most": most})
            return None
        return int(text)

    def _mask(self) -> str:
        mask = self._text("mask")
        try:
            mask_pattern(mask)
        except Invalid as error:
            self.wrong("mask", error.code, error.data)
        return mask

    def _bounds(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ("least", "most"):
            if self._text(name):
                try:
                    found[name] = str(number_of(self._text(name), name))
                except Invalid as error:
                    self.wrong(name, error.code, error.data)
        if len(found) == 2 and Decimal(found["least"]) > Decimal(found["most"]):
            self.wrong("most", "field.too-small", {"least": found["least"]})
        return found

    def _times(self) -> dict[str, Any]:
        found = {name: self._text(name) for name in ("least", "most")}
        for name, day in found.items():
            if day and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
                self.wrong(name, "field.date-unreadable", {"value": day[:40]})
        if all(found.values()) and found["least"] > found["most"]:
            self.wrong("most", "field.too-small", {"least": found["least"]})
        return found

    def _options(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        codes: set[str] = set()
        for one in list(self.raw.get("options") or [])[: MOST_OPTIONS + 1]:
            label = clean_text(str(one.get("label") or ""))[:80]
            if not label:
                continue
            code = str(one.get("code") or "") or f"o{len(found) + 1}"
            while code in codes and not one.get("code"):
                code += "a"
            if not CODE.fullmatch(code) or code in codes or label in {other["label"] for other in found}:
                self.wrong("options", "definition.option", {"label": label})
                continue
            codes.add(code)
            colour = str(one.get("colour") or "grey")
            found.append({
                "code": code, "label": label, "label_en": clean_text(str(one.get("label_en") or ""))[:80] or label,
                "colour": colour if colour in COLOURS else "grey", "active": bool(one.get("active", True)),
            })  # fmt: skip
        if not found and not self.problems:
            self.wrong("options", "definition.no-options")
        if len(found) > MOST_OPTIONS:
            self.wrong("options", "definition.many-options", {"limit": MOST_OPTIONS})
        return found

    def _one_of(self, name: str, known: Any) -> str:
        found = self._text(name)
        if found not in known:
            self.wrong(name, "field.choice" if found else "field.required", {"value": found[:40]})
        return found

    def _lookup(self) -> dict[str, Any]:
        link = self._one_of("field", self.around.targets)
        column = self._one_of("column", self.around.targets.get(link, {}))
        return {"field": link, "column": column}

    def _rollup(self) -> dict[str, Any]:
        sheet = self._one_of("to", self.around.pointing)
        links, columns = self.around.pointing.get(sheet, ((), {}))
        link, figure = self._one_of("field", links), self._one_of("figure", FIGURES)
        made = {"to": sheet, "field": link, "figure": figure}
        if figure == "count" or self.problems:
            return made
        column = self._one_of("column", columns)
        if column in columns and columns[column] not in figured_kinds(figure):
            self.wrong("column", "definition.figure")
        return made | {"column": column}

    def _formula(self) -> dict[str, Any]:
        text = str(self.raw.get("formula") or "").strip()
        columns = {code: kind for code, kind in self.around.columns.items() if code != self.key}
        try:
            made = formulas.parse(text, formula_kinds(columns))
            check_chain(self.key or "\x00", made.references, size(made.ast), self.around)
        except Invalid as error:
            self.wrong("formula", error.code, error.data)
            return {}
        return {"formula": text, "result": str(made.kind)}


def figured_kinds(figure: str) -> frozenset[ValueKind]:
    """Of which kinds a column may be that a rollup adds up, or takes the least or the most of."""
    return NUMBERS | (TIMES if figure in ("min", "max") else frozenset())


def formula_kinds(columns: Mapping[str, ValueKind]) -> dict[str, ValueKind]:
    """Columns by key as a formula reads them; a field made at run time also by its code alone."""
    found = {key: formulas.counts_as(kind) or kind for key, kind in columns.items()}
    return {key.removeprefix("x_"): kind for key, kind in found.items()} | found


def size(node: formulas.Node) -> int:
    """How many parts a formula has."""
    return 1 + sum(size(one) for one in node.arguments) if isinstance(node, formulas.Apply) else 1


def check_chain(key: str, names: frozenset[str], parts: int, around: Around) -> None:
    """A computed field that names others goes in no circle, and is not too long or too large with all of them.

    Raises Invalid("formula.cycle"), Invalid("definition.chain") or Invalid("definition.large").
    """
    chains = {**around.chains, key: frozenset(_keyed(name, around) for name in names)}
    depth: dict[str, int] = {}
    total: dict[str, int] = {}
    for one in formulas.order(chains):
        below = [name for name in chains[one] if name in chains]
        depth[one] = 1 + max((depth[name] for name in below), default=0)
        total[one] = (parts if one == key else around.trees.get(one, 1)) + sum(total[name] for name in below)
    if max(depth.values(), default=0) > LONGEST_CHAIN:
        raise Invalid("definition.chain", {"limit": LONGEST_CHAIN}, field="formula")
    if max(total.values(), default=0) > LARGEST_TREE:
        raise Invalid("definition.large", {"limit": LARGEST_TREE}, field="formula")


def _keyed(name: str, around: Around) -> str:
    return name if name in around.columns else f"x_{name}"


# --- a kind turns into another ----------------------------------------------------------------------------------

_FROM_TEXT = (ValueKind.TEXT, ValueKind.LONG, ValueKind.NUMBER, ValueKind.MONEY, ValueKind.DATE, ValueKind.MOMENT,
              ValueKind.BOOL, ValueKind.CHOICE)  # fmt: skip
# What a kind may become. Whatever cannot be read as the new kind is lost, after a preview that counts it.
TURNS: Mapping[ValueKind, frozenset[ValueKind]] = MappingProxyType(
    {
        ValueKind.TEXT: frozenset(_FROM_TEXT) - {ValueKind.TEXT},
        ValueKind.LONG: frozenset(_FROM_TEXT) - {ValueKind.LONG},
        ValueKind.NUMBER: frozenset({ValueKind.TEXT, ValueKind.LONG, ValueKind.MONEY}),
        ValueKind.MONEY: frozenset({ValueKind.TEXT, ValueKind.LONG, ValueKind.NUMBER}),
        ValueKind.DATE: frozenset({ValueKind.TEXT, ValueKind.LONG, ValueKind.MOMENT}),
        ValueKind.MOMENT: frozenset({ValueKind.TEXT, ValueKind.LONG, ValueKind.DATE}),
        ValueKind.BOOL: frozenset({ValueKind.TEXT, ValueKind.LONG}),
        ValueKind.CHOICE: frozenset({ValueKind.TEXT, ValueKind.LONG, ValueKind.CHOICES}),
        ValueKind.CHOICES: frozenset({ValueKind.TEXT, ValueKind.LONG, ValueKind.CHOICE}),
        **dict.fromkeys(COMPUTED, COMPUTED),
    }
)


def may_turn(old: ValueKind, new: ValueKind) -> bool:
    """Whether a field of one kind may become one of the other."""
    return old is new or new in TURNS.get(old, frozenset())
