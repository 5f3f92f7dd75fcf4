"""The language of computed fields: which functions there are, what kinds they take and give. Never evaluated here.

A formula is read once into a tree in which every kind is known and every operation has a name; whoever computes it
knows the names. An empty operand gives an empty result, as in SQL, wherever a function does not say otherwise;
so do a division by zero, a date that does not exist and a number beyond 15 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

from .errors import Invalid
from .formula_formats import number_template, time_template
from .formula_parsing import Call, Constant, Field, Written, rename, used, written
from .values import NUMBERS, REFERENCES, TEXTS, ValueKind

__all__ = [
    "FUNCTIONS", "KINDS", "Apply", "Column", "Formula", "Function", "Literal", "Node",
    "order", "parse", "rename", "used",
]  # fmt: skip

NUMBER, TEXT, DATE, MOMENT, BOOL, CHOICES = (
    ValueKind.NUMBER,
    ValueKind.TEXT,
    ValueKind.DATE,
    ValueKind.MOMENT,
    ValueKind.BOOL,
    ValueKind.CHOICES,
)


def N_(text: str) -> str:  # noqa: N802 - the usual name of a mark for translation
    """Marks an English text for translation; whoever shows it translates it."""
    return text


# What a formula or a part of it may be, in words.
KINDS: Mapping[ValueKind, str] = MappingProxyType({
    NUMBER: N_("a number"), TEXT: N_("a text"), DATE: N_("a date"), MOMENT: N_("a moment"),
    BOOL: N_("yes or no"), CHOICES: N_("several choices"), ValueKind.FILES: N_("files"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out; None is an empty value of that kind."""

    value: Decimal | str | bool | None
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the sheet, and what it counts as in a formula."""

    code: str
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation by name on values of known kinds."""

    name: str
    arguments: tuple[Node, ...]
    kind: ValueKind


Node: TypeAlias = Literal | Column | Apply


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula whose kinds fit; `kind` is NUMBER, TEXT, DATE, MOMENT or BOOL."""

    ast: Node
    kind: ValueKind
    references: frozenset[str]


def parse(text: str, fields: Mapping[str, ValueKind]) -> Formula:
    """The formula in `text` over columns by code; computed columns come with the kind of their result.

    Raises Invalid at "formula", each with `at`, the position counted from 1: what `formula_parsing.written` raises,
    "formula.unknown-field", "formula.unknown-function", "formula.arguments", "formula.kinds" and "formula.format".
    """
    reading = _Reading(fields)
    root = reading.node(written(text))
    if root.kind is CHOICES:
        raise _kinds(1, TEXT, CHOICES)
    return Formula(root, root.kind, frozenset(reading.references))


def order(definitions: Mapping[str, frozenset[str]]) -> list[str]:
    """Computed fields so that each comes after those it names; what is not computed itself is passed over.

    Raises Invalid("formula.cycle") with the `fields` that go round.
    """
    found: list[str] = []
    left = {code: {name for name in names if name in definitions} for code, names in definitions.items()}
    while left:
        ready = [code for code, names in left.items() if not names]
        if not ready:
            raise Invalid("formula.cycle", {"fields": _round(left)}, field="formula")
        found += ready
        left = {code: names - set(ready) for code, names in left.items() if names}
    return found


def _round(left: Mapping[str, set[str]]) -> list[str]:
    """One circle among fields each of which waits for another."""
    path: list[str] = []
    here = min(left)
    while here not in path:
        path.append(here)
        here = min(left[here])
    return path[path.index(here) :]


# --- kinds -------------------------------------------------------------------------------------------------


def counts_as(kind: ValueKind) -> ValueKind | None:
    """What a column of this kind is in a formula; None where a formula cannot name it."""
    if kind in TEXTS or kind in REFERENCES or kind is ValueKind.CHOICE:
        return TEXT
    if kind in NUMBERS:
        return NUMBER
    return kind if kind in (DATE, MOMENT, BOOL, CHOICES) else None


def _kinds(at: int, wanted: ValueKind, found: ValueKind) -> Invalid:
    return Invalid("formula.kinds", {"at": at, "wanted": wanted, "found": found}, field="formula")


_EMPTY: Final = Literal("", TEXT)  # `""`: in a place for something else, nothing of that kind, as in Excel


def _fits(node: Node, kind: ValueKind, at: int) -> Node:
    """`node` as a `kind`: a moment may stand for its day, `""` for anything."""
    if node.kind is kind:
        return node
    if node == _EMPTY:
        return Literal(None, kind)
    if kind is DATE and node.kind is MOMENT:
        return Apply("day", (node,), DATE)
    raise _kinds(at, kind, node.kind)


def _one_kind(nodes: Sequence[Node], places: Sequence[Written]) -> list[Node]:
    """Several values that stand for one another, all of one kind."""
    said = {node.kind: None for node in nodes if node != _EMPTY}
    kind = DATE if set(said) == {DATE, MOMENT} else next(iter(said), TEXT)
    if kind is CHOICES:
        raise _kinds(places[0].at, TEXT, CHOICES)
    return [_fits(node, kind, place.at) for node, place in zip(nodes, places, strict=True)]


_AS_TEXT: Mapping[ValueKind, str] = MappingProxyType({
    NUMBER: "number-text", DATE: "date-text", MOMENT: "moment-text",
})  # fmt: skip


def _as_text(node: Node, at: int) -> Node:
    if node.kind in _AS_TEXT:
        return Apply(_AS_TEXT[node.kind], (node,), TEXT)
    return _fits(node, TEXT, at)


# --- reading a tree ----------------------------------------------------------------------------------------

Typed: TypeAlias = "Callable[[Call, list[Node]], Node]"


class _Reading:
    def __init__(self, fields: Mapping[str, ValueKind]) -> None:
        self._fields = fields
        self.references: set[str] = set()

    def node(self, tree: Written) -> Node:
        if isinstance(tree, Constant):
            return self._constant(tree)
        if isinstance(tree, Field):
            return self._column(tree)
        operator = OPERATORS.get(tree.name)
        if operator is not None:
            return operator(tree, [self.node(one) for one in tree.arguments])
        function = FUNCTIONS.get(tree.name)
        if function is None:
            raise Invalid("formula.unknown-function", {"at": tree.at, "name": tree.name[:40]}, field="formula")
        if not function.takes(len(tree.arguments)):
            data = {"at": tree.at, "name": tree.name, "count": len(tree.arguments), "least": function.least}
            raise Invalid("formula.arguments", data, field="formula")
        return function.typed(tree, [self.node(one) for one in tree.arguments])

    @staticmethod
    def _constant(tree: Constant) -> Literal:
        if isinstance(tree.value, bool):
            return Literal(tree.value, BOOL)
        return Literal(tree.value, TEXT if isinstance(tree.value, str) else NUMBER)

    def _column(self, tree: Field) -> Column:
        found = self._fields.get(tree.code)
        if found is None:
            raise Invalid("formula.unknown-field", {"at": tree.at, "name": tree.code[:40]}, field="formula")
        kind = counts_as(found)
        if kind is None:
            raise _kinds(tree.at, TEXT, found)
        self.references.add(tree.code)
        return Column(tree.code, kind)


def _signature(name: str, result: ValueKind, *kinds: ValueKind) -> Typed:
    """An operation that takes exactly these kinds, the last one as often as there are arguments."""

    def typed(call: Call, given: list[Node]) -> Node:
        wanted = [*kinds, *[kinds[-1]] * (len(given) - len(kinds))][: len(given)] if kinds else []
        fitting = [_fits(node, kind, at.at) for node, kind, at in zip(given, wanted, call.arguments, strict=True)]
        return Apply(name, tuple(fitting), result)

    return typed


# --- operators ---------------------------------------------------------------------------------------------


def _added(call: Call, given: list[Node]) -> Node:
    left, right = given
    if right.kind in (DATE, MOMENT) and left.kind not in (DATE, MOMENT):
        left, right = right, left
        call = Call(call.name, call.arguments[::-1], call.at)
    if left.kind in (DATE, MOMENT):
        days = _fits(right, NUMBER, call.arguments[1].at)
        return Apply("date-add" if left.kind is DATE else "moment-add", (left, days), left.kind)
    return _signature("+", NUMBER, NUMBER, NUMBER)(call, [left, right])


def _taken(call: Call, given: list[Node]) -> Node:
    left, right = given
    if left.kind not in (DATE, MOMENT):
        return _signature("-", NUMBER, NUMBER, NUMBER)(call, given)
    if right.kind is MOMENT and left.kind is MOMENT:
        return Apply("moment-difference", (left, right), NUMBER)
    if right.kind in (DATE, MOMENT):
        return _signature("date-difference", NUMBER, DATE, DATE)(call, given)
    days = Apply("negative", (_fits(right, NUMBER, call.arguments[1].at),), NUMBER)
    return Apply("date-add" if left.kind is DATE else "moment-add", (left, days), left.kind)


def _compared(call: Call, given: list[Node]) -> Node:
    left, right = given
    if call.name in ("=", "<>") and _EMPTY in given:
        blank = Apply("blank", (left if right == _EMPTY else right,), BOOL)
        return blank if call.name == "=" else Apply("not", (blank,), BOOL)
    fitting = _one_kind(given, call.arguments)
    if call.name not in ("=", "<>") and fitting[0].kind is BOOL:
        raise _kinds(call.arguments[0].at, NUMBER, BOOL)
    return Apply(call.name, tuple(fitting), BOOL)


def _joined(call: Call, given: list[Node]) -> Node:
    parts = [_as_text(node, place.at) for node, place in zip(given, call.arguments, strict=True)]
    return Apply("join", tuple(parts), TEXT)


OPERATORS: Mapping[str, Typed] = MappingProxyType({
    "+": _added, "-": _taken, "&": _joined,
    "*": _signature("*", NUMBER, NUMBER), "/": _signature("/", NUMBER, NUMBER),
    "-1": _signature("negative", NUMBER, NUMBER),
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), _compared),
})  # fmt: skip


# --- functions ---------------------------------------------------------------------------------------------


def _if(call: Call, given: list[Node]) -> Node:
    condition = _fits(given[0], BOOL, call.arguments[0].at)
    branches = [*given[1:], _EMPTY][:2]
    yes, no = _one_kind(branches, [*call.arguments[1:], call][:2])
    return Apply("if", (condition, yes, no), yes.kind)


def _switch(call: Call, given: list[Node]) -> Node:
    """SWITCH(value, match, result, …, otherwise): pairs, and one more when their number is even."""
    places = list(call.arguments)
    if len(given) % 2:
        given, places = [*given, _EMPTY], [*places, call]
    matched = _one_kind([given[0], *given[1:-1:2]], [places[0], *places[1:-1:2]])
    results = _one_kind([*given[2:-1:2], given[-1]], [*places[2:-1:2], places[-1]])
    pairs = [one for pair in zip(matched[1:], results[:-1], strict=True) for one in pair]
    return Apply("switch", (matched[0], *pairs, results[-1]), results[-1].kind)


def _first(call: Call, given: list[Node]) -> Node:
    fitting = _one_kind(given, call.arguments)
    return Apply("first", tuple(fitting), fitting[0].kind)


def _extreme(name: str) -> Typed:
    def typed(call: Call, given: list[Node]) -> Node:
        fitting = _one_kind(given, call.arguments)
        kind = fitting[0].kind
        if kind not in (NUMBER, DATE, MOMENT):
            raise _kinds(call.arguments[0].at, NUMBER, kind)
        return Apply(name, tuple(fitting), kind)

    return typed


def _blank(_call: Call, given: list[Node]) -> Node:
    return Apply("blank", tuple(given), BOOL)


def _rounded(call: Call, given: list[Node]) -> Node:
    call = Call(call.name, (*call.arguments, call)[:2], call.at)
    return _signature("round", NUMBER, NUMBER)(call, [*given, Literal(Decimal(0), NUMBER)][:2])


def _contains(call: Call, given: list[Node]) -> Node:
    part = _fits(given[1], TEXT, call.arguments[1].at)
    if given[0].kind is CHOICES:
        return Apply("has-choice", (given[0], part), BOOL)
    return Apply("contains", (_fits(given[0], TEXT, call.arguments[0].at), part), BOOL)


def _weekday(call: Call, given: list[Node]) -> Node:
    day = _fits(given[0], DATE, call.arguments[0].at)
    counted = _fits(given[1], NUMBER, call.arguments[1].at) if len(given) > 1 else Literal(Decimal(1), NUMBER)
    if not isinstance(counted, Literal) or counted.value not in (Decimal(1), Decimal(2)):
        raise Invalid("formula.format", {"at": call.arguments[1].at, "text": "1, 2"}, field="formula")
    return Apply("weekday" if counted.value == 1 else "weekday-monday", (day,), NUMBER)


def _text(call: Call, given: list[Node]) -> Node:
    value = given[0]
    if len(given) == 1:
        return _as_text(value, call.arguments[0].at)
    pattern = given[1].value if isinstance(given[1], Literal) else None
    if value.kind in (DATE, MOMENT):
        template = time_template(pattern) if isinstance(pattern, str) else None
        name = "date-format" if value.kind is DATE else "moment-format"
    else:
        value = _fits(value, NUMBER, call.arguments[0].at)
        template, percent = (isinstance(pattern, str) and number_template(pattern)) or (None, False)
        name = "number-format"
        if percent:
            value = Apply("*", (value, Literal(Decimal(100), NUMBER)), NUMBER)
    if template is None:
        raise Invalid("formula.format", {"at": call.arguments[1].at, "text": str(pattern or "…")[:40]}, field="formula")
    return Apply(name, (value, Literal(template, TEXT)), TEXT)


@dataclass(frozen=True, slots=True)
class Function:
    """A function as people read about it: what it takes, in words to translate, and what it does."""

    name: str
    arguments: tuple[str, ...]
    help: str
    typed: Typed
    optional: int = 0  # how many of the last arguments may be left out
    repeats: int = 0  # how many of the last arguments may come again and again

    @property
    def least(self) -> int:
        return len(self.arguments) - self.optional

    def takes(self, count: int) -> bool:
        return self.least <= count and (bool(self.repeats) or count <= len(self.arguments))

    def signature(self, translated: Callable[[str], str] = str) -> str:
        """`IF(condition, then, [otherwise])`; what repeats is followed by an ellipsis."""
        words = [translated(word) for word in self.arguments]
        shown = [f"[{word}]" if n >= self.least else word for n, word in enumerate(words)]
        return f"{self.name}({', '.join([*shown, '…'] if self.repeats else shown)})"


def _table(functions: Iterable[Function]) -> Mapping[str, Function]:
    return MappingProxyType({function.name: function for function in functions})


_condition, _value, _number, _text_word, _date_word = N_("condition"), N_("value"), N_("number"), N_("text"), N_("date")
_count, _match, _result = N_("count"), N_("match"), N_("result")

FUNCTIONS: Mapping[str, Function] = _table((
    Function("IF", (_condition, N_("then"), N_("otherwise")),
             N_("The second value if the condition holds, else the third; without a third, nothing."), _if, optional=1),
    Function("SWITCH", (_value, _match, _result, N_("otherwise")),
             N_("The result that stands behind the first match equal to the value, else the last value."),
             _switch, optional=1, repeats=2),
    Function("AND", (_condition,), N_("Whether all conditions hold."), _signature("and", BOOL, BOOL), repeats=1),
    Function("OR", (_condition,), N_("Whether at least one condition holds."), _signature("or", BOOL, BOOL), repeats=1),
    Function("NOT", (_condition,), N_("Whether the condition does not hold."), _signature("not", BOOL, BOOL)),
    Function("ISBLANK", (_value,), N_("Whether nothing stands there; an empty text counts as nothing."), _blank),
    Function("COALESCE", (_value,), N_("The first value that is not empty."), _first, repeats=1),
    Function("ROUND", (_number, N_("decimals")),
             N_("Rounded half away from zero; a negative number of decimals rounds to tens, hundreds and so on."),
             _rounded, optional=1),
    Function("ABS", (_number,), N_("Without its sign."), _signature("abs", NUMBER, NUMBER)),
    Function("INT", (_number,), N_("The next whole number below."), _signature("int", NUMBER, NUMBER)),
    Function("MOD", (_number, N_("divisor")),
             N_("The remainder, with the sign of the divisor; nothing if the divisor is zero."),
             _signature("mod", NUMBER, NUMBER)),
    Function("MIN", (_value,), N_("The smallest number or the earliest time; empty values are passed over."),
             _extreme("min"), repeats=1),
    Function("MAX", (_value,), N_("The largest number or the latest time; empty values are passed over."),
             _extreme("max"), repeats=1),
    Function("SUM", (_number,), N_("All numbers together; empty ones count as zero."),
             _signature("sum", NUMBER, NUMBER), repeats=1),
    Function("LEN", (_text_word,), N_("How many characters; zero for an empty text."), _signature("len", NUMBER, TEXT)),
    Function("LEFT", (_text_word, _count), N_("The first characters."), _signature("left", TEXT, TEXT, NUMBER)),
    Function("RIGHT", (_text_word, _count), N_("The last characters."), _signature("right", TEXT, TEXT, NUMBER)),
    Function("MID", (_text_word, N_("start"), _count), N_("Characters from a place on, counted from 1."),
             _signature("mid", TEXT, TEXT, NUMBER)),
    Function("UPPER", (_text_word,), N_("In capital letters."), _signature("upper", TEXT, TEXT)),
    Function("LOWER", (_text_word,), N_("In small letters."), _signature("lower", TEXT, TEXT)),
    Function("TRIM", (_text_word,), N_("Without spaces at its ends; one space where there are several."),
             _signature("trim", TEXT, TEXT)),
    Function("CONCAT", (_value,), N_("Texts, numbers and dates joined; empty ones are passed over."),
             _joined, repeats=1),
    Function("CONTAINS", (_text_word, N_("part")),
             N_("Whether the part occurs in the text, in the same case; or whether a choice is among several."),
             _contains),
    Function("FIND", (N_("part"), _text_word),
             N_("The place of the part in the text, counted from 1, in the same case; nothing if it does not occur."),
             _signature("find", NUMBER, TEXT)),
    Function("TEXT", (_value, N_("pattern")),
             N_("A number or a time as text, written as the pattern says, such as 0.00 or #,##0 for a number."),
             _text, optional=1),
    Function("DATE", (N_("year"), N_("month"), N_("day")),
             N_("The date of these three; nothing if there is no such day."), _signature("date", DATE, NUMBER)),
    Function("YEAR", (_date_word,), N_("Its year."), _signature("year", NUMBER, DATE)),
    Function("MONTH", (_date_word,), N_("Its month, 1 to 12."), _signature("month", NUMBER, DATE)),
    Function("DAY", (_date_word,), N_("Its day of the month, 1 to 31."), _signature("day-of-month", NUMBER, DATE)),
    Function("WEEKDAY", (_date_word, N_("kind of counting")),
             N_("The day of the week: from Sunday, which is 1, on; with 2 as second value from Monday on."),
             _weekday, optional=1),
    Function("TODAY", (), N_("The date of today."), _signature("today", DATE)),
    Function("NOW", (), N_("The present moment."), _signature("now", MOMENT)),
    Function("DAYS", (N_("end date"), N_("start date")), N_("Whole days from start to end."),
             _signature("date-difference", NUMBER, DATE)),
    Function("ADDDAYS", (_date_word, N_("days")), N_("The date so many calendar days later."),
             _signature("date-add", DATE, DATE, NUMBER)),
))  # fmt: skip
