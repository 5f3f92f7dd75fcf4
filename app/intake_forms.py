"""The form of a channel class as pages show it: its parts in order, with labels, help lines and messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from app import forms, intake_words, words
from app.models import Appeal
from app.rules import intake as rules
from app.rules.mails import Mail
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


def from_mail(mail: Mail, now: datetime) -> dict[str, Any]:
    """What a mail fills in, by field as a form shows it; what is said about it; what hangs on it."""
    arrived = mail.arrived_at if mail.arrived_at and mail.arrived_at <= now else None
    fields = {
        "received_at": forms.as_text(arrived),
        "letter_reference": mail.message_id,
        "appellant_name": mail.sender_name,
        "appellant_address": mail.sender_address,
        "subject": mail.subject,
        "body": mail.text,
    }
    labels = {name: str(intake_words.label(name, "B") or words.FIELDS[name]) for name in fields}
    notes = []
    if not mail.text:
        notes.append(_("The mail has no text that can be read."))
    if mail.is_cut:
        notes.append(_("The text was too long and is cut off at its end."))
    return {
        "fields": {name: value for name, value in fields.items() if value},
        "labels": labels,
        "notes": notes,
        "enclosures": [{"name": one.name, "size": one.size} for one in mail.enclosures],
    }


def only_channel(channel_class: str) -> str | None:
    """The code of the class's channel where it has but one: nothing to choose."""
    found = forms.options("channels", channel_class=channel_class)
    return str(found[0]["value"]) if len(found) == 1 else None


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
