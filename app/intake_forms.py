"""The form of a channel class as pages show it: its parts in order, with labels, help lines and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from app import forms, intake_words
from app.models import Appeal
from app.rules import intake as rules
from app.services import sheet

Part = dict[str, Any]


def parts(
    channel_class: str,
    values: Mapping[str, Any],
    errors: Mapping[str, list[str]],
    *,
    appeal: Appeal | None = None,
) -> list[Part]:
    """The form's parts: `name`, `label` and `fields` as the page macro `ui.field` takes them."""
    found = [
        {
            "name": part.name,
            "label": intake_words.SECTIONS[part.name],
            "fields": forms.shown(part.fields, values, errors, channel_class=channel_class, appeal=appeal),
        }
        for part in rules.FORMS[channel_class]
    ]
    for part in found:
        for field in part["fields"]:
            if field["name"] == "appellant_representatives":
                field["help"] = _joint_help()
    return found


def _joint_help() -> str:
    joint = sheet.joint_visit()
    return str(
        _(
            "One on each line: name, telephone. More than %(persons)s persons name one; with the first there are "
            "at most %(most)s.",
            persons=joint.persons,
            most=joint.representatives,
        )
    )
