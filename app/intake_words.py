"""The words of the intake forms: headings, labels and help lines that differ between the channel classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.rules.similarity import Likeness

Label = Any  # a lazily translated string
SAID_FROM = 20  # percent; less is chance

# What single classes ask for; app/words.py has them among all fields.
FIELDS: Mapping[str, Label] = {
    "call_back_wanted": _l("Asks to be called back"),
    "letter_reference": _l("Letter or call reference"),
    "page_address": _l("Address of the page"),
    "programme": _l("Programme"),
    "published_on": _l("Published on"),
    "page_number": _l("Page"),
    "written_on": _l("Letter dated"),
    "petition_number": _l("Number of the petition office"),
    "visitors": _l("Number of persons"),
    "received_by": _l("Who received it"),
    "minute": _l("Minute"),
    "paper_name": _l("Name of the paper"),
    "scan_reference": _l("Scan"),
    "scan_pages": _l("Pages of the scan"),
    "appellant_representatives": _l("Further representatives"),
    "appellant_others": _l("Further persons"),
}

SECTIONS: Mapping[str, Label] = {
    "origin": _l("Where it came from"),
    "appellant": _l("Who brings it"),
    "matter": _l("What it is about"),
}

_LABELS: Mapping[tuple[str, str], Label] = {
    ("D", "channel"): _l("Paper"),
    ("E", "appellant_name"): _l("Writer"),
    ("F", "appellant_name"): _l("Visitor"),
    ("A", "appellant_name"): _l("Caller"),
    ("F", "visitors"): _l("Number of visitors"),
    ("C", "attachments"): _l("Screenshot or recording"),
    ("D", "attachments"): _l("Clipping"),
    ("E", "attachments"): _l("Scan of the letter"),
}

_NAMED = _l("Needed unless the appellant stays anonymous.")
_FIRST = _l("The first representative of a joint appeal. Needed unless the appellant stays anonymous.")
_HELP: Mapping[tuple[str, str], Label] = {
    ("A", "appellant_name"): _FIRST,
    ("F", "appellant_name"): _FIRST,
    ("B", "appellant_name"): _NAMED,
    ("E", "appellant_name"): _NAMED,
    ("A", "appellant_phone"): _l("Earlier appeals of this number appear beside the form."),
    ("B", "appellant_address"): _l("Postal address or e-mail address."),
    ("B", "letter_reference"): _l("The number under which the call or letter is kept."),
    ("C", "page_address"): _l("For a page of the web: copied from the browser."),
    ("C", "programme"): _l("For radio and television: the station and the programme."),
    ("C", "minute"): _l("Where in the programme, such as 12:30."),
    ("D", "paper_name"): _l("Only for a paper that the list does not have."),
    ("E", "petition_number"): _l("The petition office's own number; needed for what it passed on."),
    ("E", "scan_reference"): _l("The file or batch this letter was scanned in; kept for the next letter."),
    ("E", "scan_pages"): _l("Which pages of the scan are this letter, such as 3-4."),
}
_HELP_ANYWHERE: Mapping[str, Label] = {
    "appellant_others": _l("One on each line: name, telephone. They are sealed like the appellant."),
    "place": _l("Where it happens: road and number, village, or district."),
}

# Why an appeal appears beside the form; the percents stand for themselves.
ALIKE: Mapping[str, Label] = {
    "petition": _l("same number of the petition office"),
    "phone": _l("same telephone"),
    "identity": _l("same identity number"),
    "place": _l("same place"),
}

# What the browser is told about a field besides its name; nothing typed here is offered again by a browser.
ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "channel": {"data-plain": ""},
    "body": {"rows": "7"},
    "visitors": {"min": "1", "max": "100000", "inputmode": "numeric"},
    "minute": {"inputmode": "numeric"},
    "appellant_name": {"autocomplete": "off"},
    "appellant_phone": {"autocomplete": "off", "inputmode": "tel"},
    "appellant_identity": {"autocomplete": "off"},
    "appellant_address": {"autocomplete": "off"},
    "appellant_representatives": {"autocomplete": "off", "rows": "3"},
    "appellant_others": {"autocomplete": "off", "rows": "3"},
}


def reasons(likeness: Likeness) -> list[str]:
    """Why an appeal is like the one being typed, in words."""
    found = [str(word) for name, word in ALIKE.items() if getattr(likeness, name)]
    if likeness.text_percent >= SAID_FROM:
        found.append(_("text %(percent)s%% alike", percent=likeness.text_percent))
    if likeness.subject_percent >= SAID_FROM:
        found.append(_("subject %(percent)s%% alike", percent=likeness.subject_percent))
    return found


def label(name: str, channel_class: str) -> Label | None:
    """How a field is called in the form of this class, where that differs from its usual name."""
    return _LABELS.get((channel_class, name))


def help_line(name: str, channel_class: str) -> str:
    """The line below a field, or ""."""
    return str(_HELP.get((channel_class, name)) or (_HELP_ANYWHERE.get(name, "") if channel_class else ""))
