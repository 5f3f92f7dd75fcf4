"""Fields made at run time in forms and on pages: what is asked, what was sent, what a row holds, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import format_datetime
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app import extra_files, grids, words
from app.grids import is_english
from app.models import Appeal, Journal, OwnRow, db
from app.rules.errors import NotFound
from app.rules.values import REFERENCES, ValueKind
from app.rules.workflow import Action
from app.services import appeal_fields, definitions, field_values, present, sheet_rows
from app.services.actors import Actor
from app.services.definitions import Defined
from app.services.grids import Grid
from app.sheets import BY_CODE
from app.standing import current_actor

# A list longer than this is no list to choose from: the form asks for the other rows while one types.
MOST_OPTIONS = 300
_TYPES: Mapping[ValueKind, str] = {
    ValueKind.LONG: "textarea", ValueKind.DATE: "date", ValueKind.MOMENT: "datetime", ValueKind.BOOL: "select",
    ValueKind.CHOICE: "select", ValueKind.CHOICES: "checkboxes", ValueKind.PERSON: "select", ValueKind.UNIT: "select",
    ValueKind.POST: "select", ValueKind.LINK: "select", ValueKind.FILES: "files",
}  # fmt: skip
_ROWS = {ValueKind.PERSON: "person", ValueKind.UNIT: "unit", ValueKind.POST: "post"}


def asked(
    actor: Actor, table: str, *, state: str | None = None, channel_class: str | None = None
) -> list[Defined]:
    """The fields a form of a row of this table asks this person for."""
    return [
        one
        for one in definitions.current().of(table)
        if one.on_form and not one.is_computed and one.asks(state, channel_class)
        and field_values.may_read(actor, one) and field_values.may_write(actor, one)
    ]  # fmt: skip


def of_step(actor: Actor, action: Action, appeal: Appeal) -> list[Defined]:
    """The fields the form of a step asks for: all with the appeal's own sheet, else what its new state needs."""
    if action.sheet:
        return asked(actor, "appeal", state=appeal.state, channel_class=appeal.channel_class)
    targets = {str(one) for one in action.targets} - {appeal.state}
    return [
        one
        for one in definitions.current().of("appeal")
        if one.required_states & targets
        and not one.is_computed
        and any(one.asks(state, appeal.channel_class) for state in targets)
        and field_values.may_read(actor, one)
        and field_values.may_write(actor, one)
    ]


def of_row(actor: Actor, appeal: Appeal) -> list[tuple[str, str]]:
    """What an appeal holds in fields made at run time, in words."""
    return pairs(actor, "appeal", appeal.extra)


def may_fill(actor: Actor, appeal: Appeal) -> bool:
    """Whether this person finds a form for these fields on the appeal's page."""
    if appeal.state in appeal_fields.ENDED or appeal.held_at is not None:
        return False
    fields = asked(actor, "appeal", state=appeal.state, channel_class=appeal.channel_class)
    return any(appeal_fields.may_write(actor, appeal, one) for one in fields)


def part(
    actor: Actor, fields: Sequence[Defined], values: Mapping[str, Any], errors: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """The fields as a part of the form of a channel class; no part when there are none."""
    found = shown(actor, fields, values, errors)
    return [{"name": "extra", "label": _("More fields"), "fields": found}] if found else []


def needed(
    actor: Actor, fields: Sequence[Defined], values: Mapping[str, Any], errors: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """The fields of a step's form, each of which must be filled in."""
    return [one | {"required": True} for one in shown(actor, fields, values, errors)]


def given(
    form: Mapping[str, Any], fields: Sequence[Defined], extra: Mapping[str, Any] | None = None, *, is_new: bool = False
) -> dict[str, Any]:
    """What a form shows: what was sent, else what is kept or, in a new row, usual."""
    stands = blank(fields) if is_new else kept(fields, extra)
    return stands | sent(form, fields) if isinstance(form, MultiDict) else stands


def sent(form: MultiDict[str, str], fields: Iterable[Defined]) -> dict[str, object]:
    """Of a sent form, the values of these fields by key; what the form did not show is not among them."""
    found: dict[str, object] = {}
    for one in fields:
        if one.kind is ValueKind.CHOICES and (one.key in form or f"{one.key}-shown" in form):
            found[one.key] = [value for value in form.getlist(one.key) if value]
        elif one.kind is ValueKind.FILES and (one.key in form or f"{one.key}-shown" in form):
            found[one.key] = extra_files.chosen(one, form)
        elif one.key in form:
            found[one.key] = form[one.key].replace("\r\n", "\n")
    return found


def changed(form: MultiDict[str, str], fields: Sequence[Defined], extra: Mapping[str, Any] | None) -> dict[str, object]:
    """`sent`, without what the form showed as it stands: a moment has seconds that no form shows."""
    stored = kept(fields, extra)
    by_key = {one.key: one for one in fields}
    return {
        key: value
        for key, value in sent(form, fields).items()
        if value != _as_sent(_value(by_key[key], stored.get(key)))
    }


def _as_sent(value: Any) -> Any:
    return value if isinstance(value, list) else str(value)


def shown(
    actor: Actor, fields: Sequence[Defined], values: Mapping[str, Any], errors: Mapping[str, Sequence[str]],
    *, state: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The fields as the page macro `ui.field` takes them; `values` by key, kept or as they were sent."""
    english = is_english()
    lists = {one.key: _options(actor, one, values.get(one.key), english=english) for one in fields}
    return [
        {
            "name": one.key,
            "label": one.label_en if english else one.label,
            "type": _TYPES.get(one.kind, "text"),
            "value": _value(one, values.get(one.key)),
            "required": one.required or (state is not None and state in one.required_states),
            "help": one.help,
            "error": " ".join(errors.get(one.key, ())),
            "options": lists[one.key],
            "attrs": _attrs(one, lists[one.key]),
            "wide": one.kind in (ValueKind.LONG, ValueKind.CHOICES, ValueKind.FILES),
        }
        | (
            extra_files.field(actor, one, _value(one, values.get(one.key)))
            if one.kind is ValueKind.FILES
            else {}
        )
        for one in fields
    ]


def _attrs(one: Defined, options: Sequence[Any]) -> dict[str, str]:
    """What the script of the page needs to know; of a long list, where to ask for the rest of it."""
    if one.kind in (ValueKind.NUMBER, ValueKind.MONEY):
        return {"inputmode": "decimal"}
    if one.kind not in REFERENCES or len(options) < MOST_OPTIONS:
        return {}
    code = next((grid.code for grid in _grids(one.table) if one.key in grid.columns), None)
    return {"data-combobox": "", "data-options": url_for("sheet_edits.options", code=code, key=one.key)} if code else {}


def _grids(table: str) -> Iterator[Grid]:
    """The sheets of the table that this person opens."""
    codes = ["appeals"] if table == "appeal" else [c for c, s in BY_CODE.items() if s.model.__tablename__ == table]
    for code in codes:
        with suppress(NotFound):
            yield grids.grid(code, grids.reader())


def kept(fields: Iterable[Defined], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a row holds in these fields, by key."""
    held = extra or {}
    return {one.key: held[one.code] for one in fields if one.code in held}


def blank(fields: Iterable[Defined]) -> dict[str, Any]:
    """What a form of a new row begins with."""
    return {one.key: one.parameters["default"] for one in fields if one.parameters.get("default") is not None}


def _value(one: Defined, value: Any) -> Any:
    if one.kind is ValueKind.CHOICES:
        return list(value) if isinstance(value, list | tuple) else []
    if one.kind is ValueKind.FILES:
        return list(value) if isinstance(value, list | tuple) else []
    if isinstance(value, bool):
        return "true" if value else "false"
    if one.kind is ValueKind.MOMENT and isinstance(value, str) and value.endswith("Z"):
        return f"{_local(value):%Y-%m-%d %H:%M}"
    return "" if value is None else value


def _local(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(present.zone())


def _options(actor: Actor, one: Defined, value: Any, *, english: bool) -> list[Any]:
    if one.kind is ValueKind.BOOL:
        return [("true", _("Yes")), ("false", _("No"))]
    if one.kind in (ValueKind.CHOICE, ValueKind.CHOICES):
        held = value if isinstance(value, list | tuple) else [value]
        return [
            (option.code, option.label_en if english else option.label)
            for option in one.options
            if option.active or option.code in held
        ]
    held_id = [int(value)] if str(value).isascii() and str(value).isdigit() and len(str(value)) < 10 else []
    if one.kind in _ROWS:
        return [
            {"value": row.id, "label": words.either(row.name, row.name_en), "pinyin": row.pinyin}
            for row in sheet_rows.options(_ROWS[one.kind], keep=held_id, most=MOST_OPTIONS)
        ]
    return _linked(actor, one, held_id, english=english) if one.kind is ValueKind.LINK else []


def _linked(actor: Actor, one: Defined, held: Sequence[int], *, english: bool) -> list[tuple[int, str]]:
    """Rows a link may lead to, the newest of a long sheet, and the one that stands there."""
    model, condition = field_values.target(one, actor)
    if model is None:
        return [(row_id, f"#{row_id}") for row_id in held]  # what stands there stays
    newest = model in (Appeal, OwnRow) or not hasattr(model, "name_pinyin")
    order = model.id.desc() if newest else model.by_sound
    ids = list(db.session.scalars(select(model.id).where(condition).order_by(order).limit(MOST_OPTIONS)))
    ids += [row_id for row_id in held if row_id not in ids]
    names = field_values.names([one], [{one.code: row_id} for row_id in ids], english=english, actor=actor)
    return [(row_id, names.get((one.code, row_id), f"#{row_id}")) for row_id in ids]


# --- in words ---------------------------------------------------------------------------------------------------


class Told:
    """What rows of a table hold in these fields, in the reader's language; a statement for each field that refers."""

    def __init__(self, actor: Actor, table: str, extras: Iterable[Mapping[str, Any]]) -> None:
        self._english = is_english()
        self._fields = {one.key: one for one in definitions.current().of(table) if field_values.may_read(actor, one)}
        fields = list(self._fields.values())
        held = [{one.code: extra[one.key] for one in fields if one.key in extra} for extra in extras]
        self._names = field_values.names(fields, held, english=self._english, actor=actor) if any(held) else {}

    def knows(self, key: str) -> bool:
        """Whether the key is that of a field in use which the reader sees."""
        return key in self._fields

    def label(self, key: str) -> str:
        """What the field is called."""
        one = self._fields[key]
        return one.label_en if self._english else one.label

    def said(self, key: str, value: Any) -> str:
        """A value in words."""
        one = self._fields[key]
        if value in (None, "", []):
            return ""
        if isinstance(value, bool):
            return str(_("Yes") if value else _("No"))
        if one.kind is ValueKind.MOMENT:
            return str(format_datetime(_local(str(value)), "yyyy-MM-dd HH:mm"))
        found = field_values.worded(one, value, self._names, english=self._english)
        return words.listed(map(str, found)) if isinstance(found, list) else str(found)

    def pairs(self, extra: Mapping[str, Any] | None) -> list[tuple[str, str]]:
        """Label and words of what a row holds, in the order of the fields."""
        held = kept(self._fields.values(), extra)
        return [
            (self.label(key), self._shown(key, held[key]))
            for key in self._fields
            if held.get(key) not in (None, "", [])
        ]

    def _shown(self, key: str, value: Any) -> str:
        one = self._fields[key]
        if one.kind is not ValueKind.FILES:
            return self.said(key, value)
        return extra_files.links(one, value, {row_id: self._names.get((one.code, row_id), "") for row_id in value})

    def changes(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """Label, old and new of the fields that a journal row tells of."""
        keys = [key for key in new if self.knows(key)]
        return [(self.label(key), self.said(key, old.get(key)), self.said(key, new[key])) for key in keys]


def pairs(actor: Actor, table: str, extra: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Label and words of what a row of the table holds, as this person sees it."""
    if not extra:
        return []
    return Told(actor, table, [kept(definitions.current().of(table), extra)]).pairs(extra)


def told(table: str, rows: Iterable[Journal]) -> Told:
    """The fields that journal rows of a table tell of."""
    extras = [field_values.given(side) for row in rows if row.object_type == table for side in (row.old, row.new)]
    return Told(current_actor(), table, extras)
