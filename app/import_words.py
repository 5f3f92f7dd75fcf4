"""The words of imports: what a column can be, what a dry run found, where a batch stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

Label = Any  # a lazily translated string

TARGETS: Mapping[str, Label] = {
    "number": _l("Own number of the source"),
    "received_at": _l("Received at"),
    "subject": _l("Subject"),
    "body": _l("Text of the appeal"),
    "reply": _l("Reply"),
    "answered_at": _l("Answered at"),
    "appellant_name": _l("Appellant"),
    "appellant_phone": _l("Telephone"),
    "appellant_identity": _l("Identity number"),
    "appellant_address": _l("Address"),
    "place": _l("Place"),
    "channel_class": _l("Channel class (A–F)"),
    "channel": _l("Channel"),
    "category": _l("Category, first level"),
    "category2": _l("Category, second level"),
    "category3": _l("Category, third level"),
    "unit": _l("Responsible unit"),
    "limit": _l("Kind and limit"),
    "due_at": _l("Due at"),
    "category_en": _l("English name, first level"),
    "category2_en": _l("English name, second level"),
    "category3_en": _l("English name, third level"),
}
KINDS: Mapping[str, Label] = {"appeals": _l("Appeals"), "categories": _l("Category tree")}
STAGES: Mapping[str, Label] = {
    "uploaded": _l("Columns to be chosen"),
    "checking": _l("Dry run under way"),
    "checked": _l("Checked, not yet applied"),
    "applying": _l("Being applied"),
    "applied": _l("Applied"),
    "failed": _l("Failed, nothing was added"),
    "cancelled": _l("Cancelled, nothing was added"),
}
TONES: Mapping[str, str] = {
    "checked": "info", "checking": "accent", "applying": "accent", "applied": "ok", "failed": "danger",
}  # fmt: skip
SEVERITIES: Mapping[str, Label] = {
    "error": _l("Refused"),
    "doubt": _l("Doubtful"),
    "info": _l("For information"),
}
SEVERITY_TONES: Mapping[str, str] = {"error": "danger", "doubt": "warn", "info": ""}

# What makes a row doubtful; the appeal keeps the code as its flag.
FLAGS: Mapping[str, Label] = {
    "received-unknown": _l("Moment of receipt unknown: the moment of the reply stands for it"),
    "received-unreadable": _l("Moment of receipt unreadable"),
    "received-time-missing": _l("Time of day of receipt missing"),
    "received-is-a-number": _l("Moment of receipt given as a bare number"),
    "received-in-future": _l("Received in the future"),
    "answered-unknown": _l("Moment of the reply missing"),
    "answered-unreadable": _l("Moment of the reply unreadable"),
    "answered-time-missing": _l("Time of day of the reply missing"),
    "answered-is-a-number": _l("Moment of the reply given as a bare number"),
    "answered-in-future": _l("Answered in the future"),
    "answered-before-received": _l("Answered before it was received"),
    "due-unreadable": _l("Due moment unreadable"),
    "due-is-a-number": _l("Due moment given as a bare number"),
    "reply-missing": _l("Moment of a reply without a reply"),
    "number-missing": _l("Without a number of its own"),
    "number-repeated": _l("Same number as a different appeal"),
    "number-imprecise": _l("Number too long for a number cell: its last digits are lost"),
    "number-long": _l("Number too long"),
    "subject-missing": _l("Without subject: the beginning of the text stands for it"),
    "subject-long": _l("Subject shortened, kept whole beside"),
    "text-missing": _l("Without text"),
    "place-long": _l("Place shortened, kept whole beside"),
    "phone-unreadable": _l("Not a telephone number"),
    "identity-unreadable": _l("Not an identity number"),
    "unit-unknown": _l("No such unit"),
    "category-unknown": _l("No such category"),
    "channel-unknown": _l("No such channel"),
    "channel-of-other-class": _l("Channel of another class"),
    "class-unknown": _l("No such channel class"),
    "limit-unknown": _l("No such limit"),
    "merged-cells": _l("Merged with the row above"),
    "repeats": _l("Repeats another appeal"),
    "repeats-stored": _l("Repeats an appeal imported before"),
    "second-category": _l("Named under a second category"),
}
# What a dry run says of a row, in full; %(row)s and the like come with the finding.
PROBLEMS: Mapping[str, Label] = {
    "received-missing": _l("No moment of receipt can be read: write it like 2019-04-25 09:32, import again."),
    "nothing-said": _l("Neither a subject nor a text."),
    "category-gap": _l("A level of the category is missing."),
    "category-name-long": _l("The name of the category is too long."),
    "number-repeated": _l("Row %(row)s has the same number with other words; kept with an ordinal."),
    "repeats": _l("Same text as row %(row)s (number %(number)s)."),
    "repeats-stored": _l("Same text as number %(number)s of %(source)s, imported before."),
    "second-category": _l("Row %(row)s is the same appeal; the category “%(value)s” is kept beside it."),
    "unit-unknown": _l("There is no unit “%(value)s”; the name is kept beside."),
    "category-unknown": _l("There is no category “%(value)s”; the name is kept beside."),
    "channel-unknown": _l("There is no channel “%(value)s”; the name is kept beside."),
    "class-unknown": _l("There is no channel class “%(value)s”; the one chosen for the file holds."),
    "limit-unknown": _l("There is no limit “%(value)s”; the words are kept beside."),
    "channel-of-other-class": _l("This channel belongs to class %(class)s; only the class is taken."),
    "subject-long": _l("%(length)s characters; %(limit)s fit, the whole is kept beside."),
    "place-long": _l("%(length)s characters; %(limit)s fit, the whole is kept beside."),
    "row-again": _l("The same row as row %(row)s."),
    "row-unmapped": _l("Nothing in the chosen columns."),
    "header-again": _l("The header once more."),
    "already-here": _l("Already here as %(number)s."),
    "differs-from-here": _l("Already here as %(number)s with other words; what is here stays."),
    "reply-not-taken": _l("Already here as %(number)s without a reply; the file's reply is not taken over."),
}  # fmt: skip


def found(code: str, data: Mapping[str, object]) -> str:
    """A finding in the reader's language; what its data lacks stays empty."""
    label = PROBLEMS.get(code) or FLAGS.get(code, code)
    text = str(label)
    try:
        said = text % data if "%(" in text else text
    except (KeyError, ValueError):
        said = str(FLAGS.get(code, code))
    value = data.get("value")
    return f"{said} ({value})" if value and "%(value)" not in text else said


def heading(code: str) -> str:
    """A finding without its particulars, for lists that count them."""
    return str(FLAGS.get(code) or HEADINGS.get(code, code))


HEADINGS: Mapping[str, Label] = {
    "received-missing": _l("No moment of receipt"),
    "nothing-said": _l("Neither a subject nor a text"),
    "category-gap": _l("Level of the category missing"),
    "category-name-long": _l("Name of the category too long"),
    "row-again": _l("The same row again"),
    "row-unmapped": _l("Nothing in the chosen columns"),
    "header-again": _l("The header once more"),
    "already-here": _l("Already here"),
    "differs-from-here": _l("Already here with other words"),
    "reply-not-taken": _l("Reply not taken over"),
}
