"""The contact book of the C and D collectors (R2): when somebody last spoke with an outlet, and about what."""

from __future__ import annotations

from datetime import date

from app.models import Contact
from app.rules.errors import FieldErrors, FieldProblem
from app.rules.fields import clean_text
from app.services import audit, journal, personal, present, sheet_access
from app.services.actors import Actor
from app.services.sheet_rows import Sheet, access_row
from app.services.transaction import transaction

REMARK = 200
EARLIEST = date(1949, 10, 1)


def note(actor: Actor, sheet: Sheet, contact_id: int, on: date | None, remark: str) -> Contact:
    """Note that somebody spoke with this outlet on a day; an older day than the last is journalled, the last stays.

    Raises Refused or NotFound("row.unknown") outside his own class, FieldErrors with "field.required",
    "field.in-future", "field.date-unreadable", "field.too-long".
    """
    sheet_access.require_keeper(actor, sheet)
    said = clean_text(remark).strip()
    _check(on, said)
    assert on is not None  # just checked
    with transaction():
        row: Contact = access_row(sheet, contact_id, for_update=True, where=sheet_access.rows_of(actor, sheet))
        before = row.last_contact_on
        if before is None or on > before:
            row.last_contact_on = on
        old = {"last_contact_on": before.isoformat() if before else None}
        journal.write(
            actor,
            "contact",
            row.__tablename__,
            row.id,
            old=old,
            new={"last_contact_on": on.isoformat()},
            reason=said,
            **sheet_access.acting_for(actor, sheet),
        )
    return row


def _check(on: date | None, said: str) -> None:
    problems = []
    if on is None:
        problems.append(FieldProblem("on", "field.required"))
    elif on > present.today():
        problems.append(FieldProblem("on", "field.in-future"))
    elif on < EARLIEST:
        problems.append(FieldProblem("on", "field.date-unreadable", {"value": on.isoformat()}))
    if len(said) > REMARK:
        problems.append(FieldProblem("remark", "field.too-long", {"length": len(said), "limit": REMARK}))
    if problems:
        raise FieldErrors(problems)


def reveal(actor: Actor, sheet: Sheet, contact_id: int) -> str:
    """The mobile number of a contact in full, for the person who is to ring; audited. Raises what `note` raises."""
    sheet_access.require_keeper(actor, sheet)
    row: Contact = access_row(sheet, contact_id, where=sheet_access.rows_of(actor, sheet))
    with transaction():
        audit.record(actor, "contact.reveal", object_type="contact", object_id=row.id)
    return personal.reveal_staff(row.mobile_sealed)
