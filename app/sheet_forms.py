"""Forms of the dictionaries, generated from the declarations of app/sheets.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import g
from flask_appbuilder.forms import DynamicForm
from flask_babel import gettext as _
from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from app import people_choices, words
from app.rules.entries import Field, Kind
from app.services.sheet_rows import Option, Sheet, options


class Required:
    """Marks a field as required for eye and browser; whether it is filled in judges the service."""

    field_flags = {"required": True}  # noqa: RUF012 - read only

    def __call__(self, _form: Any, _field: Any) -> None:
        """Nothing to do here."""


def referred(to: str, keep: Sequence[int] = (), *, is_search: bool = False) -> list[Option]:
    """Options of a dictionary, read once per request; of people no more than a form holds, the others are typed."""
    known: dict[Any, list[Option]] = g.setdefault("sheet_options", {})
    key = (to, tuple(keep), is_search)
    if key not in known:
        is_short = to == "person" and not is_search
        known[key] = people_choices.offered(keep) if is_short else options(to, keep=keep)
    return known[key]


def choices(
    field: Field, keep: Sequence[int] = (), *, is_multiple: bool = False, is_search: bool = False
) -> list[SelectChoice]:
    if field.kind in (Kind.ROW, Kind.ROWS):
        found = [
            SelectChoice(str(row.id), words.either(row.name, row.name_en), {"data-pinyin": row.pinyin})
            for row in referred(field.to, keep, is_search=is_search)
        ]
    else:
        found = [SelectChoice(code, str(label)) for code, label in field.choices.items()]
    return found if is_multiple else [SelectChoice("", ""), *found]


def _yes_no() -> list[SelectChoice]:
    return [SelectChoice("y", _("Yes")), SelectChoice("n", _("No"))]


# How a field that takes text looks to the browser.
_LOOKS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.LONG: {"rows": 4},
    Kind.JSON: {"rows": 4},
    Kind.DATE: {"data-date": True},
    Kind.MOMENT: {"data-datetime": True},
    Kind.INT: {"inputmode": "numeric"},
    Kind.MOBILE: {"inputmode": "tel", "autocomplete": "off"},
}


def form_field(field: Field, *, is_search: bool = False) -> Any:
    """A declared field as a form field."""
    common: dict[str, Any] = {"label": field.label, "description": "" if is_search else field.help}
    if field.required and not is_search:
        common["validators"] = [Required()]
    if field.kind is Kind.BOOL:
        return SelectField(choices=_yes_no, validate_choice=False, **common) if is_search else BooleanField(**common)
    if is_search and field.kind in (Kind.CHOICE, Kind.CHOICES, Kind.ROW):
        several = partial(choices, field, is_multiple=True, is_search=True)
        return SelectMultipleField(choices=several, validate_choice=False, **common)
    if field.kind in (Kind.CHOICE, Kind.ROW):
        return SelectField(choices=partial(choices, field), validate_choice=False, **common)
    if field.kind in (Kind.CHOICES, Kind.ROWS):
        return SelectMultipleField(
            choices=partial(choices, field, is_multiple=True), validate_choice=False, **common
        )
    looks = dict(_LOOKS.get(field.kind, {}))
    if field.limit:
        looks["maxlength"] = field.limit
    return (TextAreaField if field.kind in (Kind.LONG, Kind.JSON) else StringField)(render_kw=looks, **common)


def form_of(sheet: Sheet, *, is_new: bool) -> type[DynamicForm]:
    fields = {f.name: form_field(f) for f in on_form(sheet, is_new=is_new)}
    return type(f"{sheet.name}Form", (DynamicForm,), {**fields, "version": HiddenField()})


def on_form(sheet: Sheet, *, is_new: bool) -> list[Field]:
    return [f for f in sheet.fields if f.on_form and (is_new or not f.fixed)]
