"""Rows of own sheets in words: the fields of a page, the inputs of a form, what changed, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import format_datetime, format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app import extra_files, extra_forms, grids, words
from app.models import Journal
from app.rules.values import REFERENCES, ValueKind
from app.services import definitions, field_files, field_values, grid_options, own_rows, present, sheet_rows
from app.services.definitions import PREFIX, Defined, Own
from app.services.grid_columns import Column
from app.services.grid_rows import Row
from app.services.grids import Grid
from app.sheet_words import chip
from app.sheets import BY_CODE, view_name
from app.standing import current_actor

_LISTED = {ValueKind.PERSON: "person", ValueKind.UNIT: "unit", ValueKind.POST: "post"}
_SHEETS = {ValueKind.PERSON: "people", ValueKind.UNIT: "units", ValueKind.POST: "posts"}
_TYPES = {ValueKind.LONG: "textarea", ValueKind.DATE: "date", ValueKind.MOMENT: "datetime",
          ValueKind.BOOL: "select", ValueKind.CHOICE: "select", ValueKind.CHOICES: "checkboxes",
          ValueKind.FILES: "files"}  # fmt: skip
_DONE = {"remove": _l("Deleted"), "restore": _l("Taken back")}
_TONES = {"grey": "", "red": "danger", "orange": "warn", "yellow": "warn", "green": "ok", "teal": "teal",
          "blue": "info", "purple": "violet"}  # fmt: skip


def title(grid: Grid, row: Row) -> str:
    """What a row is called."""
    column = grid.columns.get(grid.title)
    text = str(said(column, row.cells.get(grid.title))) if column is not None else ""
    return text or f"{grid.label} #{row.id}"


def fields(grid: Grid, row: Row) -> list[tuple[str, Any]]:
    """Label and value of every field the reader sees; choices as chips, rows of other sheets as links."""
    return [(str(column.label), shown(column, row.cells.get(key))) for key, column in grid.columns.items()]


def shown(column: Column, value: Any) -> Any:
    """A cell on a page."""
    if value in (None, "", []):
        return ""
    if column.kind in (ValueKind.CHOICE, ValueKind.CHOICES):
        codes = value if isinstance(value, list) else [value]
        return Markup(" ").join(
            chip(column.choices.get(code, code), _TONES.get(column.colours.get(code, ""), "")) for code in codes
        )
    if column.kind in REFERENCES and isinstance(value, list):
        return _link(column, value[0], value[1])
    if column.kind is ValueKind.FILES:
        if column.defined is None or column.write != "extra":
            return said(column, value)
        return extra_files.links(column.defined, [one[0] for one in value], dict(value))
    if column.kind is ValueKind.LONG:
        return Markup("<br>").join(str(value).split("\n"))
    return said(column, value)


def _link(column: Column, row_id: int, name: Any) -> Any:
    """A row of another sheet; a link where the reader has its page, a number where he may not see its name."""
    text = str(name) if name not in (None, "") else f"#{row_id}"
    address = _address(_SHEETS.get(column.kind, column.refers), row_id) if name else ""
    return Markup('<a href="{}">{}</a>').format(address, text) if address else text


def _address(code: str, row_id: int) -> str:
    who = grids.reader()
    if code == "appeals":
        return url_for("AppealView.show", appeal_id=row_id)
    if code.startswith(grids.OWN_PREFIX):
        return url_for("OwnRowView.show", code=code.removeprefix(grids.OWN_PREFIX), row_id=row_id)
    sheet = BY_CODE.get(code)
    readable = sheet is not None and who.may("read", sheet.name)
    return url_for(f"{view_name(sheet)}.show", pk=row_id) if sheet is not None and readable else ""


def said(column: Column | None, value: Any) -> str:
    """A cell as text, in the reader's language."""
    if column is None or value in (None, "", []):
        return ""
    if column.kind in REFERENCES:
        return str(value[1] or f"#{value[0]}") if isinstance(value, list | tuple) else f"#{value}"
    if column.kind is ValueKind.FILES:
        return "、".join(str((one[1] or f"#{one[0]}") if isinstance(one, list) else f"#{one}") for one in value)
    if isinstance(value, list):
        return "、".join(str(column.choices.get(one, one)) for one in value)
    if column.kind is ValueKind.CHOICE:
        return str(column.choices.get(value, value))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return _told(column.kind, value)


def _told(kind: ValueKind, value: Any) -> str:
    if kind is ValueKind.MOMENT:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return str(format_datetime(at, "yyyy-MM-dd HH:mm"))
    if kind is ValueKind.MONEY:
        return str(format_decimal(value, "#,##0.00"))
    if kind is ValueKind.NUMBER:
        return str(format_decimal(value, "#,##0.######"))
    return str(value)


# --- forms ------------------------------------------------------------------------------------------------------


def sent(grid: Grid, form: MultiDict[str, str]) -> dict[str, Any]:
    """What a form of ours says of the fields it showed; a box that was not ticked says nothing is chosen."""
    found: dict[str, Any] = {}
    for one in _asked(grid):
        if one.kind is ValueKind.CHOICES:
            found[one.key] = form.getlist(one.key)
        elif one.kind is ValueKind.FILES:
            if one.key in form or f"{one.key}-shown" in form:
                found[one.key] = extra_files.chosen(one, form)
        elif one.key in form:
            found[one.key] = form[one.key]
    return found


def inputs(grid: Grid, values: Mapping[str, Any], *, is_sent: bool, is_new: bool) -> list[dict[str, Any]]:
    """The inputs of the form, as the page macro `ui.field` takes them; `values` by code as kept, by key as sent."""
    return [_input(grid, one, _value(one, values, is_sent=is_sent, is_new=is_new)) for one in _asked(grid)]


def _asked(grid: Grid) -> list[Defined]:
    """The fields this person fills in here."""
    actor = current_actor()
    defined = [column.defined for column in grid.columns.values() if column.defined is not None]
    return [
        one for one in defined
        if one.on_form and not one.is_computed
        and field_values.may_write(actor, one)
    ]  # fmt: skip


def _value(one: Defined, values: Mapping[str, Any], *, is_sent: bool, is_new: bool) -> Any:
    if is_sent:
        return values.get(one.key, "")
    value = values.get(one.code)
    value = one.parameters.get("default") if value is None and is_new else value
    if one.kind is ValueKind.MOMENT and value:
        return datetime.fromisoformat(str(value)).astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else value


def _input(grid: Grid, one: Defined, value: Any) -> dict[str, Any]:
    english = grids.is_english()
    column = grid.columns[one.key]
    options: list[Any] = []
    attrs: dict[str, Any] = {}
    kind = _TYPES.get(one.kind, "text")
    if one.kind in (ValueKind.CHOICE, ValueKind.CHOICES):
        held = set(value) if isinstance(value, list) else {value}
        options = [(option.code, option.label_en if english else option.label) for option in one.options
                   if option.active or option.code in held]  # fmt: skip
    elif one.kind is ValueKind.BOOL:
        options = [("1", _("Yes")), ("0", _("No"))]
    elif one.kind in REFERENCES:
        kind, options = "select", _offered(grid, one, value)
        attrs = {"data-combobox": ""}
        if one.kind is ValueKind.LINK or len(options) >= extra_forms.MOST_OPTIONS:
            attrs["data-options"] = url_for("sheet_edits.options", code=grid.code, key=one.key)
    elif one.kind in (ValueKind.NUMBER, ValueKind.MONEY):
        attrs = {"inputmode": "decimal"}
    return {
        "name": one.key, "label": column.label, "value": value, "type": kind, "required": one.required,
        "help": one.help, "options": options, "attrs": attrs,
        "wide": one.kind in (ValueKind.LONG, ValueKind.CHOICES, ValueKind.FILES),
        **(extra_files.field(current_actor(), one, value or ()) if one.kind is ValueKind.FILES else {}),
    }  # fmt: skip


def _offered(grid: Grid, one: Defined, value: Any) -> list[Any]:
    """Rows to choose from: people, units, posts, of other sheets the first ones; what is not among them by typing."""
    row_id = int(value) if str(value).isdigit() else None
    if one.kind in _LISTED:
        found = sheet_rows.options(
            _LISTED[one.kind], keep=[row_id] if row_id else [], most=extra_forms.MOST_OPTIONS
        )
        return [{"value": row.id, "label": words.named(row), "pinyin": row.pinyin} for row in found]
    offered = grid_options.offered(grid, one.key, "", english=grids.is_english())
    listed: list[Any] = [{"value": row.value, "label": row.label, "pinyin": row.pinyin} for row in offered]
    if row_id and row_id not in {row.value for row in offered}:
        called = grid_options.called(grid, one.key, [row_id], english=grids.is_english())
        listed.insert(0, {"value": row_id, "label": called.get(row_id, f"#{row_id}"), "pinyin": ""})
    return listed


# --- what changed -----------------------------------------------------------------------------------------------


def changes(grid: Grid, rows: Sequence[Journal]) -> list[dict[str, Any]]:
    """Journal rows of a row as the page macro `ui.timeline` takes them; fields the reader does not see are left out."""
    named = _names(grid, rows)
    return [_item(grid, row, named) for row in rows]


def _names(grid: Grid, rows: Sequence[Journal]) -> dict[str, dict[Any, Any]]:
    """What the rows are called that the journal names, by field."""
    found = {}
    for key, column in grid.columns.items():
        if column.kind is ValueKind.FILES and column.defined is not None:
            code = column.defined.name
            ids = {one for row in rows for side in (row.old, row.new) for one in side.get(code) or ()}
            found[key] = {row_id: [row_id, name] for row_id, name in field_files.names(ids).items()}
        if column.kind in REFERENCES and column.defined is not None:
            code = column.defined.name
            ids = {side[code] for row in rows for side in (row.old, row.new) if side.get(code) is not None}
            found[key] = grid_options.rows_of(grid, column, ids, english=grids.is_english()) if ids else {}
    return found


def _item(grid: Grid, row: Journal, named: Mapping[str, Mapping[Any, Any]]) -> dict[str, Any]:
    codes = row.new or row.old

    def word(key: str, side: Mapping[str, Any]) -> str:
        value = side.get(key.removeprefix(PREFIX))
        if grid.columns[key].kind is ValueKind.FILES:
            value = [named.get(key, {}).get(one, one) for one in value or ()]
        return said(grid.columns[key], named.get(key, {}).get(value, value) if isinstance(value, int) else value)

    is_whole = row.action != "edit"
    return {
        "at": row.at,
        "title": str(_DONE.get(row.action) or words.CHANGES.get(row.action, row.action)),
        "actor": _who(row),
        "post": words.named(row.post) if row.post else "",
        "role": row.role or "",
        "icon": {"create": "plus", "remove": "trash", "restore": "trash-arrow-up"}.get(row.action, "pen"),
        "body": row.reason,
        "changes": [
            (str(column.label), "" if is_whole else word(key, row.old), word(key, codes if is_whole else row.new))
            for key, column in grid.columns.items()
            if key.removeprefix(PREFIX) in codes and row.action in ("create", "edit")
        ],
    }


def _who(row: Journal) -> str:
    if row.person is not None:
        return words.named(row.person)
    return str(words.CAPABILITIES["system"]) if row.user_id else words.process(row.acted_as)


def menu() -> list[Own]:
    """The own sheets of the menu: those the reader may read, in their order."""
    actor = current_actor()
    return [one for one in definitions.current().sheets.values() if own_rows.may_read(one, actor)]
