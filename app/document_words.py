"""Words of documents: their kinds, what codes read in print, how a document speaks to its reader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import handling_words, words
from app.reports.document_kinds import KINDS
from app.services import present
from app.services.document_records import Reader

Label = Any

INSTRUCTION_KINDS: Mapping[str, Label] = {"comment": _l("Comment"), "instruction": _l("Instruction")}
INSTRUCTION_HOW: Mapping[str, Label] = {
    "signed": _l("Signed by himself"),
    "transcribed": _l("Transcribed by the liaison"),
}
REQUEST_STATES: Mapping[str, Label] = {
    "pending": _l("Not decided yet"),
    "granted": _l("Granted"),
    "refused": _l("Not granted"),
    "withdrawn": _l("Withdrawn"),
}
# Every table a record is read with (app/services/document_records.py).
TABLES: Mapping[str, Mapping[str, Label]] = {
    "states": words.STATES,
    "classes": words.CLASSES,
    "natures": words.CHOICES["natures"],
    "urgencies": words.CHOICES["urgencies"],
    "parts": words.PARTS,
    "handling": words.HANDLING,
    "finished": words.FINISHED,
    "informed_how": words.CHOICES["informed_how"],
    "reactions": words.CHOICES["reactions"],
    "explanation_kinds": words.CHOICES["explanation_kinds"],
    "lawful_routes": words.CHOICES["lawful_routes"],
    "instruction_kinds": INSTRUCTION_KINDS,
    "instruction_how": INSTRUCTION_HOW,
    "request_kinds": words.REQUESTS,
    "request_states": REQUEST_STATES,
    "links": words.LINKS,
    "roles": words.ROLES,
    "legs": words.LEGS,
    "reached": words.CHOICES["reached"],
    "solved": words.CHOICES["solved"],
    "satisfied": words.CHOICES["satisfied"],
}


def kind(code: str) -> str:
    """The name of a document in the reader's language."""
    return str(_(KINDS[code].title))


def word(table: str, code: str) -> str:
    """The word of a code; what was typed freely stays as it was typed."""
    return str(TABLES[table].get(code, code))


def moment(at: datetime | None) -> str:
    """A moment to the minute, local."""
    return at.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M") if at else ""


def details(intake: Mapping[str, Any]) -> str:
    """What the form of the channel class asks besides, one a line."""
    said = ((words.FIELDS.get(name, name), value) for name, value in intake.items() if value)
    return "\n".join(f"{label}{_(': ')}{_('Yes') if value is True else value}" for label, value in said)


def reader() -> Reader:
    """Whoever reads the document, in the language in force."""
    return Reader(
        t=_,
        named=words.named,
        word=word,
        moment=moment,
        due=lambda at: words.due_text(at, present.zone()) if at else "",
        joined=words.listed,
        details=details,
        span=handling_words.span,
        language=str(get_locale()),
    )
