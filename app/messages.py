"""Every code of a rule error as a sentence in the reader's language: what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app import words

# Alphabetical. A test finds every code raised in the product here.
SENTENCES: Mapping[str, Any] = {
    "access.not-granted": _l("None of the posts you act for now allows this."),
    "access.signed-out": _l("You are not signed in. Sign in and try again."),
    "appeal.stale": _l(
        "Somebody else changed this appeal while you had it open. What you typed is kept below: compare and send again."
    ),
    "appeal.unknown": _l("There is no such appeal, or it is not one of yours."),
    "archive.note-missing": _l("It was overdue or could not be done: add the note first, then archive it (R11)."),
    "bulk.nothing-chosen": _l("Choose at least one appeal first."),
    "calendar.no-working-day": _l("The working calendar has no working day to count: check the calendar."),
    "calendar.span-empty": _l("The working hours must end after they start."),
    "chain.derived": _l("This place follows from the portfolio: change the portfolio line instead."),
    "chain.no-such-place": _l("A unit of this kind has no such link in its chain."),
    "chain.same-person": _l("A-role and B-role of one link must be two persons."),
    "field.before-opinion": _l("This is before the opinion was proposed (%(on)s)."),
    "field.boolean-unreadable": _l("Choose yes or no."),
    "field.choice": _l("Choose one of the entries of the list."),
    "field.date-unreadable": _l("“%(value)s” is not a date. Write it like 2026-11-23."),
    "field.in-future": _l("This lies in the future."),
    "field.moment-unreadable": _l("“%(value)s” is not a moment. Write it like 2026-11-23 14:05."),
    "field.required": _l("This is needed."),
    "field.too-long": _l("%(length)s characters are too many; %(limit)s fit."),
    "field.type": _l("This is not of the right kind (%(type)s)."),
    "form.invalid": _l("Some fields need your attention."),
    "http.400": _l("The request could not be understood. Go back and try again."),
    "http.401": _l("You are not signed in. Sign in and try again."),
    "http.403": _l("You may not do this."),
    "http.404": _l("There is no such page."),
    "http.405": _l("This address does not answer that kind of request."),
    "http.413": _l("The file is too large."),
    "http.429": _l("Too many requests. Wait a minute and try again."),
    "http.500": _l("Something failed on our side. Nothing was half done; try again, or tell the administrator the number below."),
    "identity.birth-date": _l("The date of birth inside the identity number does not exist."),
    "identity.check-digit": _l("The last character of the identity number does not fit: check for a slip of the pen."),
    "identity.invalid": _l("This is not an identity number of 18 characters."),
    "intake.unknown-class": _l("There is no channel class %(class)s."),
    "limit.amount-missing": _l("Say how many hours or days."),
    "limit.before-start": _l("This date has already passed."),
    "limit.date-missing": _l("Name the date."),
    "limit.missing": _l("The table of limits has no limit for this: ask the system officer to add one."),
    "limit.percent-range": _l("The share must lie between 0 and 100."),
    "limit.time-missing": _l("Name the time of day."),
    "limit.unreadable": _l("This limit cannot be understood: check kind, amount and time."),
    "moment.invalid": _l("“%(value)s” is not a moment that can be read for certain."),
    "nil-return.day-of-rest": _l("%(on)s is not a working day: no nil return is due."),
    "nil-return.no-cutoff": _l("Only collectors of classes C, D and E sign nil returns."),
    "number.brace-open": _l("Braces in a number format may only enclose a field."),
    "number.field-missing": _l("The number format asks for %(field)s, which is not known here."),
    "number.field-twice": _l("A number format names each field once only."),
    "number.field-unknown": _l("The number format does not know the field %(field)s."),
    "number.format-unknown": _l("A field of a number format may only be padded with zeros, as in {seq:06d}."),
    "number.not-printable": _l("The number format contains a character that cannot be printed."),
    "number.seq-missing": _l("The number format needs {seq}."),
    "number.too-long": _l("Numbers of this format would be longer than %(limit)s characters."),
    "number.unknown-series": _l("The number series %(series)s is missing: ask the system officer to add it."),
    "number.year-missing": _l("The number format needs {year}, because numbers start again each year."),
    "officer.combined": _l("An officer of the system holds no post and no function beside it."),
    "officer.unknown": _l("There is no such officer."),
    "phone.invalid": _l("This is not a phone number. Write one number, such as 0792-8123456."),
    "post.capability-foreign": _l("A post cannot have the capability %(capability)s."),
    "post.capability-unknown": _l("There is no capability %(capability)s."),
    "post.class-missing": _l("A post that collects, or sees its own class only, needs a channel class."),
    "post.scope-unknown": _l("A post cannot have this scope."),
    "propose.line-missing": _l("Choose the portfolio line, or the unit from which it follows."),
    "propose.no-section": _l("This portfolio line has no matching section: choose another, or ask the system officer."),
    "request.csrf": _l("This form is too old to be accepted. Reload the page and send it again."),
    "row.constraint": _l("The database refused this row (%(constraint)s): it overlaps or repeats another."),
    "row.stale": _l("Somebody else changed this row first. Reload it and try again."),
    "setup.schema-newer": _l("The database (%(found)s) is newer than this version of the product: use the newer version."),
    "setup.server-too-old": _l("PostgreSQL %(found)s is too old; %(needed)s or newer is needed."),
    "slip.unknown": _l("There is no such slip, or it is not one of yours."),
    "strike-off.not-informed": _l("The appellant has not been told yet: record when and how first."),
    "strike-off.result-missing": _l("Write the result first."),
    "task.cancelled": _l("Cancelled."),
    "task.crashed": _l("It could not be finished because of an error in the system. Try again; if it fails again, tell the system administrator."),
    "task.done": _l("Finished."),
    "task.ended": _l("This task has ended already and cannot be cancelled."),
    "task.gave-up": _l("It was interrupted several times and is not tried again. Start it anew."),
    "task.too-long": _l("It took too long and was stopped."),
    "task.unknown": _l("There is no such task, or it is not one of yours."),
    "transcribe.leader-missing": _l("Name the leader who gave the instruction."),
    "unit.kind-unknown": _l("There is no such kind of unit."),
    "unmask.reason-missing": _l("Say why you need the appellant's particulars."),
    "workflow.not-from-here": _l("This step is not possible any more: the appeal is at “%(state)s” now."),
    "workflow.not-in-bulk": _l("This step wants each appeal looked at by itself."),
    "workflow.unknown-action": _l("There is no step “%(action)s”."),
}


def sentence(code: str, data: Mapping[str, object]) -> str:
    """The sentence of a code, filled with its data; the code itself where words are missing."""
    found = SENTENCES.get(code)
    if found is None:
        return gettext("Refused: %(code)s", code=code)
    values = {key: _worded(key, value) for key, value in data.items()}
    try:
        return str(found) % values if values else str(found)
    except KeyError:
        return str(found)


def _worded(key: str, value: object) -> object:
    from app import words

    table = {"state": words.STATES, "action": words.ACTIONS, "capability": words.CAPABILITIES}.get(key, {})
    return str(table.get(str(value), value))
