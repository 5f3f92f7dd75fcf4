"""Fields made at run time in documents: every field of the appeals by its code, as the reader of the print sees it.

Names never go: a template in use that names a field prints nothing for it once it is retired, computed or out of
the reader's sight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.models import Appeal
from app.reports.document_kinds import KINDS, Kind, Placeholder, with_fields
from app.rules.values import ValueKind
from app.services import definitions, field_values
from app.services.actors import Actor
from app.services.definitions import Defined
from app.services.document_records import Reader


def kind(code: str, *, english: bool) -> Kind | None:
    """The document with the names of the fields there are and ever were, None for no document."""
    found = KINDS.get(code)
    if found is None or found.subject == "sheet":
        return found
    known = definitions.current()
    fields = (*known.of("appeal"), *known.retired.get(("appeal", None), ()))
    return with_fields(found, [_placeholder(one, english=english) for one in fields])


def _placeholder(one: Defined, *, english: bool) -> Placeholder:
    label = one.label_en if english else one.label
    example = next((option.label_en if english else option.label for option in one.options), label)
    return Placeholder(one.name, label, example)


def values(actor: Actor, appeal: Appeal, reader: Reader) -> Mapping[str, str]:
    """What the appeal holds in the fields this person sees, as texts by code."""
    extra = appeal.extra or {}
    fields = [
        one
        for one in definitions.current().of("appeal")
        if not one.is_computed and extra.get(one.code) not in (None, "", []) and field_values.may_read(actor, one)
    ]
    english = reader.language == "en"
    names = field_values.names(fields, [extra], english=english, actor=actor) if fields else {}
    said = {
        one.name: field_values.worded(one, extra[one.code], names, english=english) for one in fields
    }
    return {one.name: _text(one.kind, said[one.name], reader) for one in fields}


def _text(kind: ValueKind, value: Any, reader: Reader) -> str:
    plain: Callable[[Any], str] = str
    if isinstance(value, bool):
        return reader.t("Yes") if value else reader.t("No")
    if isinstance(value, list):
        return reader.joined([str(one) for one in value])
    if isinstance(value, datetime):
        return reader.moment(value)
    if kind is ValueKind.MONEY:
        return f"{value:,.2f}"
    return plain(value)
