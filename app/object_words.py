"""What the journal and the audit trail speak of, by table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

OBJECTS: Mapping[str, Any] = {
    "absence": _l("Absence"),
    "account": _l("Account"),
    "appeal": _l("Appeal"),
    "assumption": _l("Assumption"),
    "attachment": _l("Attachment"),
    "calendar_day": _l("Calendar day"),
    "calendar_year": _l("Holiday notice of a year"),
    "category": _l("Category"),
    "chain_link": _l("Chain link"),
    "channel": _l("Channel"),
    "capability_change": _l("Change of capabilities"),
    "contact": _l("Contact"),
    "document_template": _l("Document template"),
    "duty_shift": _l("Duty shift"),
    "field_definition": _l("Field made at run time"),
    "handling_request": _l("Request of a unit"),
    "handover_sheet": _l("Handover sheet"),
    "holding": _l("Holding"),
    "import_batch": _l("Import"),
    "dispatch_entry": _l("Catalogue entry"),
    "limit_rule": _l("Limit"),
    "membership": _l("Membership"),
    "nil_return": _l("Nil return"),
    "number_series": _l("Number format"),
    "own_row": _l("Row of an own sheet"),
    "own_sheet": _l("Own sheet"),
    "person": _l("Person"),
    "portfolio": _l("Portfolio line"),
    "portfolio_place": _l("Place in a portfolio line"),
    "post": _l("Post"),
    "recount": _l("Recount of limits"),
    "reminder_rule": _l("Reminder rule"),
    "report": _l("Report"),
    "session": _l("Session"),
    "setup_mark": _l("First step"),
    "slip": _l("Processing slip"),
    "slip_sheet": _l("Hand-over sheet"),
    "staffing_change": _l("Personnel change"),
    "saved_view": _l("View of a sheet"),
    "staffing_list": _l("Staffing list"),
    "staffing_upload": _l("Uploaded staffing table"),
    "stand_in": _l("Stand-in"),
    "unit": _l("Unit"),
    "unit_group": _l("Unit group"),
    "urge": _l("Telephone urge"),
    "user": _l("Login"),
}
