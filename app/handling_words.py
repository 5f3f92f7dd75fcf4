"""The words of the units' handling: what must happen next, what a unit asked for, help in its forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import clock_card, words
from app.models import Assignment, CallBack, Clock, HandlingRequest
from app.services import clocks

Label = Any  # a lazily translated string

# What must happen next (app/services/next_step.py).
NEXT: Mapping[str, Label] = {
    "draft": _l("Submit it"),
    "submitted": _l("Number and register it"),
    "registered": _l("Decide how it is handled"),
    "self_handling": _l("Handle it and record the result"),
    "opinion": _l("Fill in the processing slip"),
    "slip_ready": _l("Carry the slip to the matching section"),
    "with_section": _l("Deliver the slip to the leader"),
    "with_leader": _l("The leader writes his instruction, or the slip is fetched back"),
    "fetched": _l("Transcribe the instruction"),
    "instructed": _l("Assign it as instructed"),
    "assigned": _l("Sign for it, or object"),
    "in_progress": _l("Handle it and give feedback"),
    "under_review": _l("Review the feedback"),
    "answered": _l("Strike it off"),
    "closed": _l("Archive it"),
    "archived": _l("Nothing more has to happen."),
    "voided": _l("Nothing more has to happen."),
    "history": _l("Nothing more has to happen."),
    "merged": _l("Follows its main appeal"),
    "decide_objection": _l("Decide the objection"),
    "decide_extension": _l("Decide the extension"),
    "decide_pause": _l("Decide the pause"),
    "co_assigned": _l("Sign for the co-handling"),
    "co_in_progress": _l("Give the co-handling feedback"),
}
BEFORE_A_UNIT = ("registered", "opinion", "slip_ready", "with_section", "with_leader", "fetched", "instructed")
REQUEST_STATES: Mapping[str, Label] = {
    "pending": _l("Waits for a decision"),
    "granted": _l("Granted"),
    "refused": _l("Not granted"),
    "withdrawn": _l("Withdrawn"),
}
REVIEWS: Mapping[str, Label] = {"accepted": _l("Feedback accepted"), "redo": _l("Sent back for redo")}
# Why a unit has it no longer.
ENDED: Mapping[str, Label] = {
    "withdrawn": _l("released"),
    "transferred": _l("transferred to another unit"),
    "objected": _l("objection upheld"),
    "reopened": _l("reopened"),
    "merged": _l("merged"),
}

_AMOUNT = _l("Counted in the unit of the limit: %(unit)s.")
# Help below a field, by step and field.
_HELP: Mapping[tuple[str, str], Label] = {
    ("forward", "limit"): _l("Counted from now. Leave it empty when you set a date below."),
    ("forward", "due_on"): _l("Instead of the limit above: due at the end of that day."),
    ("forward", "co_units"): _l(
        "Each works beside the lead unit under a limit of its own and tells the appellant nothing."
    ),
    ("forward", "co_limit"): _l("For every co-handling unit chosen above."),
    ("forward", "task"): _l("The unit reads it on the page of the appeal."),
    ("transfer", "limit"): _l("A new limit from now; the one of the unit before ends without judgement."),
    ("transfer", "due_on"): _l("Instead of the limit above: due at the end of that day."),
    ("add_co_unit", "co_limit"): _l("Counted from now. Leave it empty when you set a date below."),
    ("add_co_unit", "due_on"): _l("Instead of the limit above: due at the end of that day."),
    ("send_back", "limit"): _l("The time for the redo, counted from now. Leave it empty when you set a date below."),
    ("send_back", "due_on"): _l("Instead of the limit above: due at the end of that day."),
    ("send_back", "reason"): _l("The unit reads it: say what is missing."),
    ("object", "reason"): _l(
        "Once, and only before signing in. The sign-in limit stops until the duty office decides."
    ),
    ("object", "legal_basis"): _l("The provision by which another unit is responsible."),
    ("object", "proposed_unit"): _l("If you know it; the duty office decides."),
    ("decide_objection", "right_unit"): _l(
        "Proposed to triage when the objection is upheld; nothing is assigned by itself."
    ),
    ("decide_objection", "learn"): _l(
        "Only when upheld: the entry is in force once somebody confirms it in the catalogue."
    ),
    ("ask_extension", "reason"): _l("Asked before the limit passes; until it is granted the limit stands."),
    ("decide_extension", "amount"): _l("Empty: as much as was asked for."),
    ("ask_pause", "until_on"): _l(
        "From this day on the limit counts again; only when something outside the unit holds it up."
    ),
    ("decide_pause", "until_on"): _l("Empty: until the day that was asked for."),
    ("answer", "informed_at"): _l("The lead unit tells the appellant before it gives feedback."),
    ("explain", "kind"): _l(
        "Cannot be finished in time: the unit goes on working and the limit stands. "
        "Policy does not permit it: it is the unit's answer and goes for review."
    ),
    ("explain", "informed_at"): _l("The lead unit explains it to the appellant and records when and how."),
    ("call_back", "solved"): _l("Only when the appellant was reached."),
    ("call_back", "satisfied"): _l("Only when the appellant was reached."),
}
_BOTH = _l("Only when you answer for the lead unit.")
_LABELS: Mapping[tuple[str, str], Label] = {
    ("withdraw_co_unit", "assignment"): _l("Co-handling unit"),
    ("resume", "assignment"): _l("Paused at"),
    ("add_co_unit", "unit"): _l("Co-handling unit"),
    ("transfer", "unit"): _l("New lead unit"),
    ("decide_extension", "amount"): _l("How much is granted"),
}
_OWN = ("sign_in", "object", "ask_extension", "ask_pause", "answer", "explain")


def help_line(step: str, name: str, own: Assignment | None = None, *, for_both: bool = False) -> str:
    """The line below a field of a step, or ""; `own` is the assignment whose limit is meant."""
    if name == "amount" and step == "ask_extension":
        return str(_AMOUNT) % {"unit": amount_unit(own)} if own else ""
    if name in ("informed_at", "informed_how", "reaction") and for_both:
        return str(_BOTH)
    return str(_HELP.get((step, name), ""))


def label(step: str, name: str) -> Label | None:
    """How a field is called in this step, where that differs from its usual name."""
    if name == "assignment" and step in _OWN:
        return _("For which unit")
    return _LABELS.get((step, name))


def limit_of(own: Assignment) -> Clock | None:
    """The newest limit of a unit."""
    return clocks.limit_at(own)


def amount_unit(own: Assignment | None) -> str:
    """The unit of an extension in words."""
    match clocks.counted_in(own) if own is not None else "calendar_days":
        case "wall_hours":
            return _("hours by the clock")
        case "working_hours":
            return _("working hours")
        case "working_days":
            return _("working days")
        case _:
            return _("calendar days")


def asked_for(request: HandlingRequest, own: Assignment) -> str:
    """What was asked for: how much more time, until when."""
    if request.kind == "extension" and request.amount:
        amount = span(clocks.counted_in(own, request.asked_at), request.amount)
        return _("More time asked for: %(amount)s", amount=amount)
    if request.kind == "pause" and request.until_on:
        return _("Pause asked for until %(day)s", day=request.until_on.isoformat())
    return ""


def granted(request: HandlingRequest, own: Assignment) -> str:
    """What was granted of it."""
    if request.granted_amount:
        return span(clocks.counted_in(own, request.asked_at), request.granted_amount)
    return _("until %(day)s", day=request.granted_until_on.isoformat()) if request.granted_until_on else ""


def span(kind: str, amount: int) -> str:
    """So much time, as a limit counts it."""
    return clock_card.limit_text({"kind": kind, "amount": amount})


def outcome(call: CallBack) -> str:
    """What a call-back found."""
    if not call.reached:
        return str(words.CHOICES["reached"]["no"])
    found = [words.CHOICES["solved"].get(call.solved), words.CHOICES["satisfied"].get(call.satisfied)]
    return words.listed(str(one) for one in found if one)
