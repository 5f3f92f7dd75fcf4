"""Fields and sheets made at run time, as every process reads them: one number a request, the rest from memory.

Writing them is the business of app/services/field_definitions.py and app/services/own_sheets.py, which call `moved`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from flask import g, has_request_context
from sqlalchemy import func, select, update

from app.models import DefinitionVersion, FieldConversion, FieldDefinition, OwnSheet, db
from app.rules.errors import Conflict
from app.rules.values import COMPUTED, Option, Rule, Value, ValueKind
from app.services import present, versions

OWN = "own_row"  # the table of all own sheets
PREFIX = "x_"  # before the code of a field made at run time, so that none is taken for a column of ours
SLOT = "."  # in the name under which rows hold a field whose values a change of kind wrote anew; no code has one


def name_of(code: str) -> str:
    """What a field is called outside its rows, by the name under which they hold it."""
    return code.partition(SLOT)[0]


def by_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as rows hold them, as the journal calls them."""
    return {name_of(code): value for code, value in values.items()}


def code_in(name: str, slot: int) -> str:
    """The name under which rows hold a field."""
    return f"{name}{SLOT}{slot}" if slot else name


@dataclass(frozen=True, slots=True)
class Defined:
    """One field made at run time. `to`: the sheet a link leads to; lookup, rollup, formula: `parameters`.

    `code`: under which name the `extra` of a row holds it; everywhere else it is called by `key` or `name`.
    """

    id: int
    table: str
    own_sheet_id: int | None
    code: str
    label: str
    label_en: str
    help: str
    kind: ValueKind
    required: bool
    is_unique: bool
    is_indexed: bool
    on_form: bool
    in_reports: bool
    states: frozenset[str]
    required_states: frozenset[str]
    classes: frozenset[str]
    readers: frozenset[int]
    writers: frozenset[int]
    options: tuple[Option, ...]
    rule: Rule
    to: str
    parameters: Mapping[str, Any]
    is_moving: bool = False  # its kind was asked to change by a job; whether it still does, field_jobs says

    @property
    def key(self) -> str:
        """How grid, filter, import, export and API call it."""
        return PREFIX + name_of(self.code)

    @property
    def name(self) -> str:
        """How journal, documents and definitions call it, whatever its kind was."""
        return name_of(self.code)

    @property
    def is_computed(self) -> bool:
        """Whether it is read only, because it follows from other fields."""
        return self.kind in COMPUTED

    def value(self, *, required: bool | None = None) -> Value:
        """What reading a value of it needs to know (app/rules/values.py)."""
        is_required, labels = self.required if required is None else required, (self.label, self.label_en)
        return Value(self.key, self.kind, is_required, self.options, self.rule, labels, present.today())

    def asks(self, state: str | None, channel_class: str | None) -> bool:
        """Whether it is shown for a row in this state of this class; rows without either are asked for all fields."""
        right_state = not self.states or state is None or state in self.states
        return right_state and (not self.classes or channel_class is None or channel_class in self.classes)


@dataclass(frozen=True, slots=True)
class Own:
    """A sheet made at run time."""

    id: int
    code: str
    name: str
    name_en: str
    intro: str
    title_field: str
    readers: frozenset[int]
    writers: frozenset[int]
    is_open: bool
    title_code: str  # under which name rows hold the field that names them


@dataclass(frozen=True)
class Definitions:
    """All that is in use at one version: fields by table (and own sheet), own sheets by code."""

    version: int
    fields: Mapping[tuple[str, int | None], tuple[Defined, ...]]
    sheets: Mapping[str, Own]
    retired: Mapping[tuple[str, int | None], tuple[Defined, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def of(self, table: str, own_sheet_id: int | None = None) -> tuple[Defined, ...]:
        """The fields of a table in their order, retired ones not among them."""
        return self.fields.get((table, own_sheet_id), ())

    def sheet_by_id(self, own_sheet_id: int) -> Own | None:
        """The own sheet of that id, None when it is not in use."""
        return next((one for one in self.sheets.values() if one.id == own_sheet_id), None)

    def named(self, table: str, own_sheet_id: int | None, extra: Mapping[str, Any]) -> dict[str, Any]:
        """What a row holds by the names of its fields, without what changes of kind left or are making in it."""
        places = (*self.of(table, own_sheet_id), *self.retired.get((table, own_sheet_id), ()))
        codes = {one.name: one.code for one in places}
        named = ((name_of(code), code, value) for code, value in extra.items())
        return {name: value for name, code, value in named if codes.get(name, name) == code}


_known = Definitions(0, MappingProxyType({}), MappingProxyType({}))


def current() -> Definitions:
    """The definitions in force: asked with the session, and a few statements when they changed."""
    global _known
    if has_request_context() and "definitions" in g:
        return g.definitions  # type: ignore[no-any-return]
    version = versions.current().definitions
    if _known.version != version:
        _known = _read(version)
    if has_request_context():
        g.definitions = _known
    return _known


def require_current() -> None:
    """Raises Conflict("definition.moved") when fields changed since this request read them.

    Asked after a row is locked and before values of it are read: a field may have become of another kind while the
    writer waited for the row.
    """
    if has_request_context() and "definitions" in g:
        now = db.session.scalar(select(DefinitionVersion.version)) or 0
        if now != g.definitions.version:
            g.pop("definitions")
            raise Conflict("definition.moved")


def moved() -> None:
    """Definitions changed in the open transaction: every process reads them anew.

    The version comes from a sequence: a change that is rolled back leaves no number that another one gets again.
    """
    following = func.nextval("definition_version_id_seq")
    db.session.execute(update(DefinitionVersion).values(version=following + 1))
    if has_request_context():
        g.pop("definitions", None)
    versions.forget()


def forget() -> None:
    """A transaction that changed definitions was taken back: this request reads them anew."""
    if has_request_context():
        g.pop("definitions", None)


def _read(version: int) -> Definitions:
    fields: dict[tuple[str, int | None], list[Defined]] = {}
    moving = set(
        db.session.scalars(select(FieldConversion.field_id).where(FieldConversion.state.in_(("pending", "running"))))
    )
    retired: dict[tuple[str, int | None], list[Defined]] = {}
    codes: dict[tuple[int | None, str], str] = {}
    for row in db.session.scalars(select(FieldDefinition).order_by(FieldDefinition.sort, FieldDefinition.id)):
        of_sheets = fields if row.retired_at is None else retired
        of_sheets.setdefault((row.table_name, row.own_sheet_id), []).append(defined(row, is_moving=row.id in moving))
        codes[row.own_sheet_id, row.code] = code_in(row.code, row.slot)
    sheets = db.session.scalars(select(OwnSheet).where(OwnSheet.active).order_by(OwnSheet.sort, OwnSheet.by_sound))
    own = {
        row.code: Own(
            row.id,
            row.code,
            row.name,
            row.name_en or row.name,
            row.intro,
            row.title_field,
            frozenset(row.reader_post_ids),
            frozenset(row.writer_post_ids),
            row.is_open,
            codes.get((row.id, row.title_field), row.title_field),
        )
        for row in sheets
    }
    return Definitions(
        version,
        MappingProxyType({key: tuple(found) for key, found in fields.items()}),
        MappingProxyType(own),
        MappingProxyType({key: tuple(found) for key, found in retired.items()}),
    )


def defined(row: FieldDefinition, *, is_moving: bool = False) -> Defined:
    """A row of the definitions as the rest of the product sees it."""
    parameters = row.parameters or {}
    return Defined(
        id=row.id,
        table=row.table_name,
        own_sheet_id=row.own_sheet_id,
        code=code_in(row.code, row.slot),
        label=row.label,
        label_en=row.label_en or row.label,
        help=row.help,
        kind=ValueKind(row.kind),
        required=row.required,
        is_unique=row.is_unique,
        is_indexed=row.is_indexed,
        on_form=row.on_form,
        in_reports=row.in_reports,
        states=frozenset(row.states),
        required_states=frozenset(row.required_states),
        classes=frozenset(row.classes),
        readers=frozenset(row.reader_post_ids),
        writers=frozenset(row.writer_post_ids),
        options=tuple(_options(parameters.get("options") or ())),
        rule=_rule(parameters, ValueKind(row.kind)),
        to=str(parameters.get("to") or ""),
        parameters=MappingProxyType(dict(parameters)),
        is_moving=is_moving,
    )


def _options(listed: Sequence[Mapping[str, Any]]) -> list[Option]:
    return [
        Option(
            str(one["code"]),
            str(one["label"]),
            str(one.get("label_en") or one["label"]),
            str(one.get("colour") or "grey"),
            bool(one.get("active", True)),
        )
        for one in listed
    ]


def _rule(parameters: Mapping[str, Any], kind: ValueKind) -> Rule:
    numbers = kind in (ValueKind.NUMBER, ValueKind.MONEY)

    def bound(name: str) -> Decimal | str | None:
        found = parameters.get(name)
        if found in (None, ""):
            return None
        return Decimal(str(found)) if numbers else str(found)

    return Rule(bound("least"), bound("most"), parameters.get("longest"), str(parameters.get("mask") or ""),
                parameters.get("decimals"))  # fmt: skip
