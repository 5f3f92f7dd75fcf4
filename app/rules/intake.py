"""The forms by which appeals are taken in: what is asked for in each channel class (R2, R3)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .workflow import FieldSpec, FieldType

T = FieldType

# Asked in every class. `subject` and `body` are plain text; the appellant's particulars are sealed when stored.
COMMON: tuple[FieldSpec, ...] = (
    FieldSpec("channel", T.CHOICE, True, "channels"),
    FieldSpec("received_at", T.MOMENT, True),
    FieldSpec("subject", T.TEXT, True),
    FieldSpec("body", T.LONG_TEXT, True),
    FieldSpec("place", T.TEXT),
)
APPELLANT: tuple[FieldSpec, ...] = (
    FieldSpec("appellant_name", T.TEXT),
    FieldSpec("appellant_phone", T.TEXT),
    FieldSpec("appellant_address", T.TEXT),
    FieldSpec("anonymous", T.BOOLEAN),
)
# The letter, the photograph, the recording: the last thing on every form.
FILES: tuple[FieldSpec, ...] = (FieldSpec("attachments", T.FILES),)
# What only one class asks; stored in the appeal's intake document.
SPECIFIC: Mapping[str, tuple[FieldSpec, ...]] = MappingProxyType(
    {
        "A": (FieldSpec("call_back_wanted", T.BOOLEAN),),
        "B": (FieldSpec("letter_reference", T.TEXT),),
        "C": (FieldSpec("page_address", T.TEXT), FieldSpec("programme", T.TEXT)),
        "D": (FieldSpec("published_on", T.DATE, True), FieldSpec("page_number", T.TEXT)),
        "E": (FieldSpec("written_on", T.DATE), FieldSpec("petition_number", T.TEXT)),
        "F": (FieldSpec("appellant_identity", T.TEXT), FieldSpec("visitors", T.TEXT)),
    }
)
SEALED = ("appellant_name", "appellant_phone", "appellant_identity", "appellant_address")
# The media report about people without naming them; callers, writers and visitors have a name.
NAMED_CLASSES = frozenset("ABEF")


def fields_of(channel_class: str) -> tuple[FieldSpec, ...]:
    """The fields of the form of a channel class, in order."""
    return COMMON[:2] + SPECIFIC[channel_class] + COMMON[2:] + APPELLANT + FILES


def missing(channel_class: str, values: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the required fields that are still empty; a named class wants a name or "anonymous"."""
    empty = [spec.name for spec in fields_of(channel_class) if spec.required and not values.get(spec.name)]
    if channel_class in NAMED_CLASSES and not values.get("appellant_name") and not values.get("anonymous"):
        empty.append("appellant_name")
    if channel_class == "C" and not values.get("page_address") and not values.get("programme"):
        empty.append("page_address")
    return tuple(empty)
