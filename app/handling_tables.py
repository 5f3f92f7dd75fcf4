"""What happens to an appeal on its way: requests, pauses, moves of clocks, reviews, call-backs, instructions, files.

Everybody else imports them from app/models.py; the appeal itself, its clocks, slips and assignments stand in
app/appeal_tables.py.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.staffing_tables import Person, Post, Unit
from app.tables import Moment, Stamped, one_of

REQUEST_KINDS = ("objection", "extension", "pause")
CLOCK_CHANGES = ("extension", "pause", "resume", "calendar", "limit", "correction", "handed_on")


class HandlingRequest(Stamped, Model):
    """What a unit asks of the duty office: an objection to the assignment, an extension, a pause (R9).

    `amount` counts in the unit of the limit (hours or days); `until_on` is the day a pause ends.
    """

    __tablename__ = "handling_request"
    __table_args__ = (
        one_of("kind", REQUEST_KINDS, "request_kind"),
        one_of("state", ("pending", "granted", "refused", "withdrawn"), "request_state"),
        Index("uq_request_pending", "assignment_id", "kind", unique=True, postgresql_where=text("state = 'pending'")),
        Index("ix_request_open", "kind", "id", postgresql_where=text("state = 'pending'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    reason: Mapped[str] = mapped_column(Text)
    legal_basis: Mapped[str] = mapped_column(String(500), default="", server_default="")
    proposed_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    amount: Mapped[int | None] = mapped_column(Integer)
    until_on: Mapped[date | None] = mapped_column(Date)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str] = mapped_column(Text, default="", server_default="")
    granted_amount: Mapped[int | None] = mapped_column(Integer)
    granted_until_on: Mapped[date | None] = mapped_column(Date)
    proposed_unit: Mapped[Unit | None] = relationship()
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])


class ClockPause(Model):
    """A stretch in which a clock does not count, with its reason and who approved it; it always has an end."""

    __tablename__ = "clock_pause"
    __table_args__ = (CheckConstraint("ends_at >= starts_at", name="clock_pause_order"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("handling_request.id"))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(500))
    approved_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime] = mapped_column(Moment)
    resumed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_by: Mapped[Person] = relationship(foreign_keys=[approved_by_id])


class Recount(Stamped, Model):
    """A change of the calendar or of a limit on its way to the open clocks: previewed, then applied by one job."""

    __tablename__ = "recount"
    __table_args__ = (
        one_of("kind", ("calendar", "limit"), "recount_kind"),
        one_of("state", ("applying", "applied", "cancelled", "failed"), "recount_state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="applying", server_default="applying")
    change: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))


class ClockChange(Model):
    """One move of a clock's due moment after its start: what moved it, from when to when, the inputs before."""

    __tablename__ = "clock_change"
    __table_args__ = (one_of("why", CLOCK_CHANGES, "clock_change_why"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    why: Mapped[str] = mapped_column(String(12))
    old_due_at: Mapped[datetime | None] = mapped_column(Moment)
    new_due_at: Mapped[datetime | None] = mapped_column(Moment)
    old_inputs: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recount_id: Mapped[int | None] = mapped_column(ForeignKey("recount.id"), index=True)
    person: Mapped[Person | None] = relationship()


class Review(Model):
    """The duty office's review of a unit's feedback: accepted, or back for redo with the reason."""

    __tablename__ = "review"
    __table_args__ = (one_of("outcome", ("accepted", "redo"), "review_outcome"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    outcome: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    by: Mapped[Person] = relationship()


class CallBack(Model):
    """One attempt to ask the appellant (回访): was he reached, is it solved, is he satisfied."""

    __tablename__ = "call_back"
    __table_args__ = (
        one_of("solved", ("", "yes", "partly", "no"), "call_back_solved"),
        one_of("satisfied", ("", "yes", "mostly", "no"), "call_back_satisfied"),
        CheckConstraint("reached OR (solved = '' AND satisfied = '')", name="call_back_reached"),
        Index("ix_call_back_at", "at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    reached: Mapped[bool] = mapped_column(Boolean)
    solved: Mapped[str] = mapped_column(String(8), default="", server_default="")
    satisfied: Mapped[str] = mapped_column(String(8), default="", server_default="")
    remark: Mapped[str] = mapped_column(String(500), default="", server_default="")
    by: Mapped[Person] = relationship()


class Attachment(Model):
    """A file of an appeal: scan, photo, recording, mail; sealed with a key of its own, its type read from its content.

    Or a file that a field made at run time holds, on a row of any sheet; of an appeal it is then too.
    Until the form it was chosen in is sent it belongs to no appeal and to `form_key`; what is never claimed goes.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        one_of("scan", ("unscanned", "clean", "infected"), "attachment_scan"),
        Index(
            "ix_attachment_unclaimed", "created_at", postgresql_where=text("appeal_id IS NULL AND field_id IS NULL")
        ),
        Index("ix_attachment_field", "field_id", "row_id", postgresql_where=text("field_id IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeal.id"), index=True)
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    # The field made at run time that holds it, and the row of that field's sheet.
    field_id: Mapped[int | None] = mapped_column(ForeignKey("field_definition.id"))
    row_id: Mapped[int | None] = mapped_column(Integer)
    purpose: Mapped[str] = mapped_column(String(40), default="", server_default="")
    form_key: Mapped[str] = mapped_column(String(64), default="", server_default="")
    filename_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    scan: Mapped[str] = mapped_column(String(10), default="unscanned", server_default="unscanned")
    created_at: Mapped[datetime] = mapped_column(Moment)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    removed_at: Mapped[datetime | None] = mapped_column(Moment)
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    remove_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id])
    post: Mapped[Post | None] = relationship()


class Instruction(Model):
    """What a leader wrote on a slip (批示): a comment on the way, or the instruction itself.

    Signed by himself in the product, or transcribed by the liaison from paper. `acting_for_id`: the leader away
    for whom his B wrote.
    """

    __tablename__ = "instruction"
    __table_args__ = (
        one_of("kind", ("comment", "instruction"), "instruction_kind"),
        one_of("how", ("signed", "transcribed"), "instruction_how"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    slip_id: Mapped[int] = mapped_column(ForeignKey("slip.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    how: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    person_name: Mapped[str] = mapped_column(String(64))
    acting_for_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    instructed_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    acting_for: Mapped[Person | None] = relationship(foreign_keys=[acting_for_id])
    by: Mapped[Person] = relationship(foreign_keys=[by_id])


class SlipSheet(Model):
    """A numbered hand-over sheet (送呈交接单): the slips of one matching section that are signed for together (R6).

    A slip stands on one sheet for good, so that a sheet printed again is the same sheet.
    """

    __tablename__ = "slip_sheet"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)
    section_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(Moment, index=True)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    section: Mapped[Unit] = relationship()
    made_by: Mapped[Person] = relationship()


class ArchiveSeal(Model):
    """The digest of an appeal's file as it was archived; a file that differs from it was touched afterwards."""

    __tablename__ = "archive_seal"
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    manifest: Mapped[dict[str, Any]] = mapped_column(JSONB)
    broken_at: Mapped[datetime | None] = mapped_column(Moment)
