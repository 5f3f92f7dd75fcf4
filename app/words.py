"""The words of codes: states, actions, clocks, classes and choices as lazily translated labels, one table each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from app import intake_words, leader_words
from app.object_words import OBJECTS as OBJECTS

Label = Any  # a lazily translated string

STATES: Mapping[str, Label] = {
    "draft": _l("To be submitted"),
    "submitted": _l("To be numbered"),
    "registered": _l("To be triaged"),
    "self_handling": _l("Being handled by the duty office"),
    "opinion": _l("Slip to be filled in"),
    "slip_ready": _l("Slip to be carried"),
    "with_section": _l("With the matching section"),
    "with_leader": _l("With the leader"),
    "fetched": _l("Instruction to be transcribed"),
    "instructed": _l("To be assigned as instructed"),
    "assigned": _l("To be signed in"),
    "in_progress": _l("In progress"),
    "under_review": _l("Feedback to be reviewed"),
    "answered": _l("To be struck off"),
    "closed": _l("Struck off"),
    "archived": _l("Archived"),
    "merged": _l("Merged"),
    "voided": _l("Voided"),
    "history": _l("History (imported)"),
}

ACTIONS: Mapping[str, Label] = {
    "take_in": _l("Take in"),
    "edit": _l("Edit"),
    "submit": _l("Submit"),
    "discard": _l("Discard the draft"),
    "return_for_correction": _l("Return for correction"),
    "register": _l("Number and register"),
    "void": _l("Void the number"),
    "handle_self": _l("Handle in the duty office"),
    "forward": _l("Forward to a unit"),
    "decline": _l("Do not accept"),
    "merge": _l("Merge into another appeal"),
    "unmerge": _l("Take out of the merger"),
    "split": _l("Split off a second appeal"),
    "comment": _l("Write a comment"),
    "instruct": _l("Write the instruction and sign"),
    "take_note": _l("Take note of what was done"),
    "object": _l("Object to the assignment"),
    "decide_objection": _l("Decide the objection"),
    "ask_extension": _l("Ask for an extension"),
    "decide_extension": _l("Decide the extension"),
    "ask_pause": _l("Ask for a pause"),
    "decide_pause": _l("Decide the pause"),
    "resume": _l("End the pause"),
    "withdraw_request": _l("Withdraw the request"),
    "transfer": _l("Transfer to another unit"),
    "add_co_unit": _l("Add a co-handling unit"),
    "withdraw_co_unit": _l("Release a co-handling unit"),
    "inform": _l("Record that the appellant was told"),
    "accept": _l("Accept the feedback"),
    "send_back": _l("Send back for redo"),
    "call_back": _l("Record a call-back"),
    "strike_off_merged": _l("Strike off with the main appeal"),
    "hold": _l("Put under legal hold"),
    "release_hold": _l("End the legal hold"),
    "reopen": _l("Reopen"),
    "propose": _l("Propose an opinion to a leader"),
    "fill_slip": _l("Fill in the processing slip"),
    "carry": _l("Hand to the matching section"),
    "deliver": _l("Deliver to the leader"),
    "fetch": _l("Fetch back"),
    "transcribe": _l("Transcribe the instruction"),
    "sign_in": _l("Sign for it"),
    "answer": _l("Give feedback"),
    "explain": _l("File a situation explanation"),
    "finish_self": _l("Record the result"),
    "add_note": _l("Add a note"),
    "strike_off": _l("Strike off"),
    "archive": _l("Archive"),
    "attach": _l("Attachments added"),
    "detach": _l("Attachment taken out"),
    "import": _l("Imported"),
    "compile": _l("Report compiled"),
    "import_upload": _l("Workbook handed in"),
    "import_apply": _l("Import asked for"),
    "import_done": _l("Import applied"),
    "import_discard": _l("Workbook discarded"),
    "publish": _l("Published"),
    "upload": _l("Staffing table handed in"),
    "apply": _l("Carried out"),
    "undo": _l("Undone"),
    "cancel": _l("Dropped"),
    "urge": _l("Urged by telephone"),
    "clock_moved": _l("A limit was counted anew"),
    "unmask": _l("Personal data shown"),
    "fill_in": _l("Fields filled in"),
    "nil_return": _l("Nil return signed"),
}

CLOCKS: Mapping[str, Label] = {
    "collection": _l("Collection"),
    "carry": _l("Carrying to the matching section"),
    "delivery": _l("Delivery to the leader"),
    "fetch_back": _l("Fetching the instruction back"),
    "sign_in": _l("Sign-in by the unit"),
    "unit_limit": _l("Handling limit"),
    "co_limit": _l("Co-handling limit"),
    "decision": _l("Decision on a request"),
    "review": _l("Review of the feedback"),
}

CLASSES: Mapping[str, Label] = {
    "A": _l("A · duty telephone and fax"),
    "B": _l("B · hotline and mayor's mailboxes"),
    "C": _l("C · web, radio and television"),
    "D": _l("D · newspapers"),
    "E": _l("E · letters and petition office"),
    "F": _l("F · visits"),
}

FIELDS: Mapping[str, Label] = {
    **intake_words.FIELDS,
    **leader_words.FIELDS,
    "channel": _l("Channel"),
    "channel_id": _l("Channel"),
    "channel_class": _l("Class"),
    "received_at": _l("Received at"),
    "submitted_at": _l("Submitted at"),
    "registered_at": _l("Registered at"),
    "answered_at": _l("Answered at"),
    "closed_at": _l("Struck off at"),
    "archived_at": _l("Archived at"),
    "subject": _l("Subject"),
    "body": _l("Text of the appeal"),
    "place": _l("Place"),
    "appellant_name": _l("Appellant"),
    "appellant_phone": _l("Telephone"),
    "appellant_identity": _l("Identity number"),
    "appellant_address": _l("Address"),
    "anonymous": _l("Anonymous"),
    "attachments": _l("Attachments"),
    "reason": _l("Reason"),
    "limit": _l("Kind and limit"),
    "limit_rule_id": _l("Kind and limit"),
    "category": _l("Category"),
    "category_id": _l("Category"),
    "remark": _l("Remark"),
    "unit": _l("Responsible unit"),
    "unit_id": _l("Responsible unit"),
    "section_id": _l("Matching section"),
    "portfolio_id": _l("Portfolio line"),
    "line": _l("Portfolio line"),
    "opinion": _l("Proposed opinion"),
    "receiver": _l("Handed to somebody else (name)"),
    "co_task": _l("What the co-handling units have to do"),
    "counterpart": _l("Handed to"),
    "instruction": _l("Instruction"),
    "feedback": _l("Feedback"),
    "informed_at": _l("Appellant informed at"),
    "informed_how": _l("Informed by"),
    "reaction": _l("Appellant's reaction"),
    "kind": _l("Kind of explanation"),
    "explanation": _l("Situation explanation"),
    "result": _l("Result"),
    "note": _l("Note"),
    "state": _l("State"),
    "number": _l("Number"),
    "handling": _l("Way of handling"),
    "impossible": _l("Policy does not permit it"),
    "corrections": _l("Returned for correction"),
    "intake": _l("Details of the channel"),
    "slip": _l("Processing slip"),
    "spoke_with": _l("Spoke with"),
    "clock": _l("Clock"),
    "nature": _l("Kind of appeal"),
    "urgency": _l("Urgency"),
    "due_on": _l("Date set for the limit"),
    "due_at": _l("Due at"),
    "task": _l("What the unit has to do"),
    "co_units": _l("Co-handling units"),
    "co_limit": _l("Limit of the co-handling units"),
    "ground": _l("Ground for not accepting"),
    "route": _l("Lawful way told to the appellant"),
    "lawful_route": _l("Lawful way told to the appellant"),
    "main": _l("Number of the main appeal"),
    "merged_into_id": _l("Main appeal"),
    "split": _l("Split off"),
    "assignment": _l("Assignment"),
    "comment": _l("Comment"),
    "legal_basis": _l("Legal basis"),
    "proposed_unit": _l("Unit that should have it"),
    "request": _l("Request"),
    "decision": _l("Decision"),
    "right_unit": _l("Unit it belongs to"),
    "learn": _l("Propose it for the dispatch catalogue"),
    "amount": _l("How much more time"),
    "until_on": _l("Paused until"),
    "reached": _l("Appellant reached"),
    "solved": _l("Solved"),
    "satisfied": _l("Satisfied"),
    "retention": _l("Retention class"),
    "round": _l("Round"),
    "voided_at": _l("Voided at"),
    "held_at": _l("Under legal hold since"),
    "informed_by_id": _l("Informed by whom"),
}

CHOICES: Mapping[str, Mapping[str, Label]] = {
    "informed_how": {
        "phone": _l("By telephone"),
        "visit": _l("In person"),
        "letter": _l("By letter"),
        "message": _l("By message"),
        "publication": _l("By publication"),
        "unreachable": _l("Could not be reached"),
    },
    "reactions": {
        "satisfied": _l("Satisfied"),
        "accepting": _l("Understands and accepts"),
        "dissatisfied": _l("Dissatisfied"),
        "none": _l("No reaction"),
    },
    "lawful_routes": {
        "litigation": _l("Court"),
        "arbitration": _l("Arbitration"),
        "reconsideration": _l("Administrative reconsideration"),
        "petition": _l("Petition office"),
        "discipline": _l("Discipline inspection"),
        "police": _l("Police"),
        "other": _l("Another authority"),
    },
    "natures": {
        "request": _l("Request for help"),
        "complaint": _l("Complaint"),
        "report": _l("Report of a wrong"),
        "consultation": _l("Enquiry"),
        "suggestion": _l("Suggestion"),
    },
    "urgencies": {
        "ordinary": _l("Ordinary urgency"),
        "urgent": _l("Urgent"),
        "emergency": _l("Emergency"),
    },
    "objection_decisions": {
        "upheld": _l("Upheld: back for triage"),
        "rejected": _l("Rejected: the unit signs for it"),
    },
    "request_decisions": {"granted": _l("Granted"), "refused": _l("Refused")},
    "reached": {"yes": _l("Reached"), "no": _l("Not reached")},
    "solved": {"yes": _l("Solved"), "partly": _l("Partly solved"), "no": _l("Not solved")},
    "satisfied": {"yes": _l("Satisfied"), "mostly": _l("Mostly satisfied"), "no": _l("Dissatisfied")},
    "explanation_kinds": {
        "cannot_finish": _l("Cannot be finished in time"),
        "not_permitted": _l("Policy does not permit it"),
    },
}

REQUESTS: Mapping[str, Label] = {
    "objection": _l("Objection"),
    "extension": _l("Extension"),
    "pause": _l("Pause"),
}
PARTS: Mapping[str, Label] = {"lead": _l("Lead unit"), "co": _l("Co-handling unit")}
PART_STATES: Mapping[str, Label] = {
    "assigned": _l("To be signed in"),
    "in_progress": _l("In progress"),
    "answered": _l("Feedback given"),
    "ended": _l("No longer with the unit"),
}

FINISHED: Mapping[str, Label] = {
    "in_time": _l("Finished in time"),
    "late": _l("Finished late"),
    "overdue": _l("Overdue"),
    "running": _l("Limit still running"),
    "without_note": _l("Overdue without note"),
}

HANDLING: Mapping[str, Label] = {
    "self": _l("Handled by the duty office"),
    "forward": _l("Forwarded"),
    "leader": _l("Shown to a leader"),
    "declined": _l("Not accepted"),
}

QUEUES: Mapping[str, Label] = {
    "to_submit": _l("Drafts to submit"),
    "to_number": _l("To number and register"),
    "to_fill": _l("Slips to fill in"),
    "to_triage": _l("To triage"),
    "to_assign": _l("Instructed: to assign"),
    "to_finish": _l("In our own hands"),
    "to_carry": _l("Slips to carry"),
    "to_fetch": _l("Slips to fetch back"),
    "to_transcribe": _l("Instructions to transcribe"),
    "to_review": _l("Feedback to review"),
    "to_decide": _l("Requests to decide"),
    "to_call_back": _l("To call back"),
    "to_inform": _l("Merged: appellants to tell"),
    "asked": _l("Asked, waiting for a decision"),
    "fulfilled": _l("Done as I instructed"),
    "without_note": _l("Overdue without note"),
    "to_strike_off": _l("To strike off"),
    "to_archive": _l("To archive"),
    "to_sign_in": _l("To sign in"),
    "to_answer": _l("To answer"),
    "to_deliver": _l("To deliver today"),
    "with_me": _l("With me for an instruction"),
}

CAPABILITIES: Mapping[str, Label] = {
    "answer": _l("Handle the unit's appeals"),
    "audit": _l("Audit officer"),
    "carry": _l("Carry and fetch slips"),
    "collect": _l("Collect appeals"),
    "deliver": _l("Deliver slips to leaders"),
    "lead": _l("Read slips as a leader"),
    "number": _l("Number and register"),
    "oversee": _l("Oversee posts"),
    "record": _l("Keep the ledger"),
    "report": _l("Edit reports"),
    "security": _l("Security officer"),
    "see_phone": _l("See telephone numbers"),
    "supervise": _l("Supervise"),
    "system": _l("System officer"),
    "triage": _l("Triage"),
}

UNIT_KINDS: Mapping[str, Label] = {
    "local_government": _l("County, city or district"),
    "administration": _l("Administration"),
    "department": _l("Department"),
    "stationed": _l("Stationed in the city"),
    "section": _l("Section of the General Office"),
}

# A and B are held; S stands in while both are away (R15).
ROLES: Mapping[str, Label] = {"A": _l("A-role"), "B": _l("B-role"), "S": _l("Stand-in")}
HELD_ROLES: Mapping[str, Label] = {role: ROLES[role] for role in ("A", "B")}

# Why somebody acts, why nobody does (app/rules/roster.py).
ACTS: Mapping[str, Label] = {
    "a_acts": _l("A is there"),
    "b_for_absent_a": _l("A is away, B acts"),
    "b_for_vacant_a": _l("A is vacant, B acts"),
    "main_seat": _l("Main seat of the duty shift"),
    "second_for_main": _l("Main seat empty or away, second seat acts"),
    "b_took_over": _l("B took over by hand"),
    "stands_in": _l("A and B away, stands in"),
}
GAPS: Mapping[str, Label] = {
    "no_holder": _l("Neither A nor B is held"),
    "no_b": _l("A is away and there is no B"),
    "both_away": _l("A and B are both away"),
    "roster_hole": _l("Hole in the duty roster"),
}
# The same and more, over a period (app/rules/coverage.py).
CAUSES: Mapping[str, Label] = {
    **GAPS,
    "holding_ends": _l("The holding ends and nobody follows"),
    "no_account": _l("Nobody can reach the holder: no account"),
    "disabled": _l("Nobody can reach the holder: account or person out of use"),
    "never_logged_in": _l("Nobody can reach the holder: never logged in"),
}

LINKS: Mapping[str, Label] = {
    "first": _l("First responsible"),
    "direct": _l("Directly responsible"),
    "coordinating": _l("Coordinating"),
    "final": _l("Finally responsible"),
}

NO_LINE = _l("Under no line")
PLACES: Mapping[str, Label] = {
    "vice_mayor": _l("Vice mayor"),
    "deputy": _l("Deputy secretary-general"),
    "section": _l("Matching section"),
    "unit": _l("Unit"),
}

CHANNEL_KINDS: Mapping[str, Label] = {
    "phone": _l("Telephone"),
    "fax": _l("Fax"),
    "hotline": _l("Hotline"),
    "mobile": _l("Mobile"),
    "mailbox": _l("Mailbox"),
    "web": _l("Web"),
    "tv": _l("Television"),
    "radio": _l("Radio"),
    "newspaper": _l("Newspaper"),
    "letter": _l("Letter"),
    "referral": _l("Passed on by another office"),
    "visit": _l("Visit"),
}

FUNCTIONS: Mapping[str, Label] = {
    "handler": _l("Handles the unit's appeals"),
    "section_clerk": _l("Clerk of the matching section"),
}

SCOPES: Mapping[str, Label] = {
    "all": _l("All appeals"),
    "own_class": _l("Its own channel class"),
    "own_unit": _l("Its own unit"),
    "own_office": _l("Its own office"),
}

LIMIT_KINDS: Mapping[str, Label] = {
    "wall_hours": _l("Hours by the clock, day and night"),
    "working_hours": _l("Working hours"),
    "cutoff": _l("By a time of every working day"),
    "same_day_end": _l("Until the end of the same day"),
    "working_days": _l("Working days"),
    "calendar_days": _l("Calendar days"),
}

DAY_ENDS: Mapping[str, Label] = {"midnight": _l("At 24:00"), "work": _l("At the end of working hours")}

RUNGS: Mapping[str, Label] = {
    "acting": _l("Acting holder"),
    "other": _l("The other role"),
    "leader": _l("Responsible leader"),
    "director": _l("Duty director"),
    "handler": _l("Unit's handler"),
    "direct": _l("Directly responsible"),
    "first": _l("First responsible"),
    "coordinating": _l("Coordinating"),
    "final": _l("Finally responsible"),
}

DAY_KINDS: Mapping[str, Label] = {
    "holiday": _l("Holiday"),
    "makeup": _l("Make-up working day"),
    "half": _l("Half working day (morning)"),
    "closure": _l("Local closure"),
}

LEGS: Mapping[str, Label] = {
    "carry": _l("Carried to the matching section"), "deliver": _l("Delivered to the leader"),
    "fetch": _l("Fetched back"),
}  # fmt: skip

CHANGES: Mapping[str, Label] = {
    "create": _l("Entered"),
    "contact": _l("Contact made"),
    "edit": _l("Changed"),
    "remove": _l("Taken out of use"),
    "file": _l("Filed"),
    "acknowledge": _l("Acknowledged"),
    "request": _l("Asked for"),
    "confirm": _l("Confirmed"),
    "refuse": _l("Turned down"),
    "cancel": _l("Taken back"),
    "return": _l("Back early"),
    "take_over": _l("Taken over by hand"),
    "end": _l("Ended"),
    "give": _l("Handed over"),
    "take": _l("Taken over"),
    "withdraw": _l("Withdrawn"),
}

# By what people see an appeal (app/services/sight.py).
SIGHT: Mapping[str, Label] = {
    "post": _l("Act for a post"),
    "oversee": _l("Lead a post"),
    "unit": _l("Handle for the responsible unit"),
    "section": _l("Deliver for the matching section"),
    "line": _l("Lead the portfolio line"),
}
SIGHT_WHY: Mapping[str, Label] = {
    "unit": _l("Handles for the responsible unit"),
    "section": _l("Clerk of the matching section"),
    "line": _l("Vice mayor or deputy secretary-general of the line"),
}

# Where a change of a post's rights stands.
CHANGE_STATES: Mapping[str, Label] = {
    "pending": _l("Waits for the security officer"),
    "confirmed": _l("Confirmed"),
    "refused": _l("Turned down"),
    "withdrawn": _l("Withdrawn"),
}

EVENTS: Mapping[str, Label] = {
    "login": _l("Signed in"),
    "login.failed": _l("Sign-in failed"),
    "login.locked": _l("Account locked after failures"),
    "login.confirmed": _l("Password typed once more"),
    "logout": _l("Signed out"),
    "session.ended": _l("Session ended"),
    "password.changed": _l("Password changed"),
    "account.invited": _l("Account given"),
    "account.reset": _l("Password reset"),
    "account.disabled": _l("Account disabled"),
    "account.enabled": _l("Account enabled"),
    "account.unlocked": _l("Account unlocked"),
    "access.denied": _l("Access refused"),
    "appeal.unmask": _l("Personal data shown in full"),
    "appellant.lookup": _l("Earlier appeals of a person looked up"),
    "attachment.infected": _l("Infected file refused"),
    "attachment.read": _l("Attachment read"),
    "overdue.export": _l("Overdue-case report exported"),
    "document": _l("Document downloaded"),
    "print": _l("Printed"),
    "report.download": _l("Report downloaded"),
    "right.change": _l("Rights changed"),
    "right.refused": _l("Change of rights refused"),
    "right.requested": _l("Change of rights asked for"),
    "right.withdrawn": _l("Change of rights withdrawn"),
    "setting.change": _l("Setting changed"),
    "sheet.export": _l("List exported"),
    "contact.reveal": _l("Mobile number of a contact shown"),
    "seed.loaded": _l("Founding data loaded"),
    "staffing_list.download": _l("Published staffing list downloaded"),
    "staffing_list.export": _l("Staffing list exported"),
    "staffing_list.publish": _l("Staffing list published"),
    "audit.read": _l("Audit trail read"),
    "journal.read": _l("Journal read"),
    "journal.verified": _l("Journal chain checked"),
}

OUTCOMES: Mapping[str, Label] = {"ok": _l("Done"), "refused": _l("Denied")}

# Why a link of the journal's chain does not hold (app/services/sealing.py).
PROCESSES: Mapping[str, Label] = {
    "cli": _l("Command line"),
    "command line": _l("Command line"),
    "demo": _l("Demonstration"),
    "leavers": _l("Leaving at its moment"),
    "quarterly_report": _l("Report worker"),
    "recount": _l("Recount of limits"),
    "seed": _l("Founding data"),
    "setup": _l("Set-up"),
}

BROKEN: Mapping[str, Label] = {
    "altered": _l("the row was altered"),
    "removed": _l("the row is gone"),
    "gap": _l("a link is missing"),
    "relinked": _l("the link does not follow the one before"),
    "cut": _l("the end was cut off"),
}

VIEWS: Mapping[str, Label] = {
    "Absences": _l("Absences"),
    "Account": _l("My account"),
    "Accounts": _l("Accounts"),
    "Appeals": _l("Appeals"),
    "Assumptions": _l("Assumptions"),
    "Audit": _l("Audit trail"),
    "Calendar": _l("Working calendar"),
    "CalendarYear": _l("Working calendar by year"),
    "Capabilities": _l("Capabilities"),
    "Categories": _l("Categories"),
    "Chains": _l("Responsibility chains"),
    "Changes": _l("Personnel changes"),
    "Channels": _l("Channels"),
    "Checklist": _l("First steps"),
    "Contacts": _l("Contact book"),
    "Coverage": _l("Coverage"),
    "Desk": _l("My desk"),
    "Dispatch": _l("Dispatch catalogue"),
    "DocumentTemplates": _l("Document templates"),
    "Fields": _l("Fields"),
    "Grid": _l("Spreadsheets"),
    "Holdings": _l("Holdings"),
    "Imports": _l("Imports"),
    "Inbox": _l("Inbox"),
    "Intake": _l("Intake forms"),
    "Journal": _l("Journal"),
    "Leave": _l("Leave and handover"),
    "Ledger": _l("Ledger"),
    "Leaders": _l("Slips for me"),
    "Limits": _l("Limits"),
    "NilReturns": _l("Nil returns"),
    "NumberFormats": _l("Number formats"),
    "Overdue": _l("Overdue-case report"),
    "OwnSheets": _l("Own sheets"),
    "People": _l("People"),
    "Portfolio": _l("Portfolio"),
    "Posts": _l("Posts"),
    "Recounts": _l("Recounts of limits"),
    "Reminders": _l("Reminder rules"),
    "Reports": _l("Quarterly reports"),
    "Retention": _l("Retention classes"),
    "Rosters": _l("Duty rosters"),
    "Sessions": _l("Sessions"),
    "Shifts": _l("Duty shifts"),
    "Slips": _l("Processing slips"),
    "StaffingTable": _l("Staffing list"),
    "Units": _l("Units"),
}

METHODS: Mapping[str, Label] = {
    "acknowledge": _l("acknowledge"),
    "act": _l("act"),
    "compile": _l("compile"),
    "confirm": _l("confirm"),
    "export": _l("export"),
    "print": _l("print"),
    "read": _l("read"),
    "report": _l("report"),
    "request": _l("ask for"),
    "revoke": _l("end"),
    "sign": _l("sign"),
    "unlock": _l("unlock"),
    "unmask": _l("show in full"),
    "urge": _l("urge"),
    "write": _l("write"),
}


def named(row: Any) -> str:
    """A dictionary row's name in the reader's language; Chinese where no English name was given."""
    if row is None:
        return ""
    english = getattr(row, "name_en", "") if str(get_locale()) == "en" else ""
    return english or str(row.name)


def listed(texts: Iterable[str]) -> str:
    """Several things in a row, as the reader's language parts them."""
    return str(gettext(", ")).join(texts)


def due_text(moment: datetime, zone: tzinfo) -> str:
    """A due moment as an office writes it: midnight is 24:00 of the day that ends."""
    local = moment.astimezone(zone)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return f"{local.date() - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{local:%Y-%m-%d %H:%M}"


def process(code: str) -> str:
    """The software that acted by itself; "" where a person did."""
    return str(PROCESSES.get(code, code))


def either(chinese: str | None, english: str | None) -> str:
    """A name given in both languages, in the reader's."""
    return (english if str(get_locale()) == "en" and english else chinese) or ""


def titled(row: Any, field: str) -> str:
    """Any field of a row that has an English twin, in the reader's language."""
    english = getattr(row, f"{field}_en", "") if str(get_locale()) == "en" else ""
    return str(english or getattr(row, field))
