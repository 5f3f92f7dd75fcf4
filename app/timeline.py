"""The journal of an appeal in words: title, actor, post, and what changed from what to what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import format_datetime, ngettext
from flask_babel import gettext as _

from app import extra_forms, words
from app.models import Journal
from app.services import present
from app.services.definitions import PREFIX
from app.services.together import Change
from app.standing import current_standing

# Told by the title, or held as ids whose names stand elsewhere on the page.
_SILENT = frozenset(
    {
        "clock_id",
        "state",
        "unit_id",
        "section_id",
        "portfolio_id",
        "category_id",
        "limit_rule_id",
        "channel_id",
        "submitted_at",
        "registered_at",
        "answered_at",
        "closed_at",
        "archived_at",
        "corrections",
        "intake",
        "subject",
        "body",
        "received_at",
        "seal",
    }
)
_ICONS = {
    "take_in": "inbox",
    "submit": "paper-plane",
    "register": "hashtag",
    "forward": "share",
    "handle_self": "hand",
    "propose": "pen",
    "fill_slip": "file-lines",
    "carry": "person-walking",
    "deliver": "envelope-open",
    "fetch": "person-walking",
    "transcribe": "stamp",
    "sign_in": "signature",
    "answer": "reply",
    "explain": "circle-info",
    "object": "hand",
    "decide_objection": "gavel",
    "ask_extension": "hourglass-half",
    "decide_extension": "gavel",
    "ask_pause": "pause",
    "decide_pause": "gavel",
    "resume": "play",
    "withdraw_request": "rotate-left",
    "transfer": "right-left",
    "add_co_unit": "user-plus",
    "withdraw_co_unit": "user-minus",
    "accept": "check-double",
    "send_back": "rotate-left",
    "call_back": "phone",
    "reopen": "folder-open",
    "strike_off": "check",
    "archive": "box-archive",
    "urge": "phone",
    "clock_moved": "clock-rotate-left",
    "unmask": "eye",
    "add_note": "note-sticky",
    "attach": "paperclip",
    "detach": "paperclip",
}


def timeline_items(rows: Iterable[Journal]) -> list[dict[str, Any]]:
    """Journal rows as the page macro `ui.timeline` takes them, oldest first."""
    rows = list(rows)
    extra = extra_forms.told("appeal", rows)
    return [
        {
            "at": row.at,
            "title": str(words.ACTIONS.get(row.action, row.action)),
            "actor": words.named(row.person) if row.person else words.process(row.acted_as) or None,
            "post": words.named(row.post) if row.post else None,
            "role": row.role,
            "href": _asked(row),
            "body": row.reason,
            "icon": _ICONS.get(row.action, "circle"),
            "changes": _changes(row) + extra.changes(row.old, row.new),
        }
        for row in rows
    ]


def differences(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """What others did to an appeal, as `ui.timeline` takes it: every field they changed, from what to what."""
    found = []
    for change in changes:
        (item,) = timeline_items([change.row])
        item["changes"] = [
            (str(words.FIELDS.get(name, name)), _worded(name, old), _worded(name, new))
            for name, old, new in change.fields
            if new != change.row.reason and not name.startswith(PREFIX)
        ] + extra_forms.told("appeal", [change.row]).changes(change.row.old, change.row.new)
        found.append(item)
    return found


def _asked(row: Journal) -> str:
    """Who was responsible for the post at that moment, for those who may ask."""
    standing = current_standing()
    if row.post_id is None or standing is None or ("can_read", "Coverage") not in standing.pairs:
        return ""
    return url_for("CoverageView.responsible", post=row.post_id, at=row.at.isoformat())


def _changes(row: Journal) -> list[tuple[str, str, str]]:
    if row.action in ("take_in", "import"):
        return []
    return [
        (str(words.FIELDS.get(name, name)), _worded(name, row.old.get(name)), _worded(name, value))
        for name, value in row.new.items()
        if name not in _SILENT and not name.startswith(PREFIX) and value not in (None, "", row.reason)
    ]


def _worded(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, dict):
        return words.either(value.get("name"), value.get("name_en"))
    if name == "reached":
        return str(words.CHOICES["reached"]["yes" if value in (True, "yes") else "no"])
    if name == "attachments":
        return str(ngettext("%(num)d file", "%(num)d files", len(value)))
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return words.listed(_worded(name, one) for one in value)
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    tables = {
        "state": words.STATES,
        "nature": words.CHOICES["natures"],
        "urgency": words.CHOICES["urgencies"],
        "lawful_route": words.CHOICES["lawful_routes"],
        "reaction": words.CHOICES["reactions"],
        "handling": words.HANDLING,
        "clock": words.CLOCKS,
        "informed_how": words.CHOICES["informed_how"],
        "explanation": words.CHOICES["explanation_kinds"],
        "request": words.REQUESTS,
        "decision": {**words.CHOICES["request_decisions"], **words.CHOICES["objection_decisions"]},
        "solved": words.CHOICES["solved"],
        "satisfied": words.CHOICES["satisfied"],
    }
    if name in tables:
        return str(tables[name].get(value, value))
    if name == "due_at":
        return words.due_text(datetime.fromisoformat(str(value)), present.zone())
    if name.endswith("_at"):
        return str(format_datetime(datetime.fromisoformat(str(value)), "yyyy-MM-dd HH:mm"))
    return str(value)
