"""The appeal from intake to archive, and what hangs on it: clocks, slips, assignments, explanations, nil returns.

Everybody else imports them from app/models.py; what is asked, decided and written on the way stands in
app/handling_tables.py.
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
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.handling_tables import ClockChange, ClockPause, HandlingRequest, Instruction, SlipSheet
from app.rule_tables import Category, LimitRule, RetentionClass
from app.staffing_tables import CHANNEL_CLASSES, Channel, Person, Portfolio, Post, Unit
from app.tables import Extended, Moment, Stamped, one_of

STATES = (
    "draft",
    "submitted",
    "registered",
    "opinion",
    "slip_ready",
    "with_section",
    "with_leader",
    "fetched",
    "instructed",
    "self_handling",
    "assigned",
    "in_progress",
    "under_review",
    "answered",
    "closed",
    "archived",
    "merged",
    "voided",
    "history",
)
NATURES = ("", "request", "complaint", "report", "consultation", "suggestion")
URGENCIES = ("ordinary", "urgent", "emergency")
CLOCK_KINDS = (
    "collection",
    "carry",
    "delivery",
    "fetch_back",
    "sign_in",
    "unit_limit",
    "co_limit",
    "decision",
    "review",
)


class Appeal(Extended, Stamped, Model):
    """One appeal from intake to archive (R3–R11). Its state changes only in app/services/workflow.py."""

    __tablename__ = "appeal"
    __table_args__ = (
        one_of("state", STATES, "appeal_state"),
        one_of("channel_class", CHANNEL_CLASSES, "appeal_class"),
        one_of("nature", NATURES, "appeal_nature"),
        one_of("urgency", URGENCIES, "appeal_urgency"),
        CheckConstraint("state IN ('draft','submitted','voided') OR number IS NOT NULL", name="appeal_numbered"),
        CheckConstraint("state <> 'merged' OR merged_into_id IS NOT NULL", name="appeal_merged"),
        Index("ix_appeal_merged", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        Index("ix_appeal_split", "split_from_id", postgresql_where=text("split_from_id IS NOT NULL")),
        Index(
            "ix_appeal_co_units",
            "co_unit_ids",
            postgresql_using="gin",
            postgresql_where=text("co_unit_ids <> '{}'"),
        ),
        Index("ix_appeal_state_id", "state", "id"),
        Index("ix_appeal_unit_state_id", "unit_id", "state", "id"),
        Index("ix_appeal_class_state_id", "channel_class", "state", "id"),
        Index("ix_appeal_section", "section_id", "state", postgresql_where=text("section_id IS NOT NULL")),
        Index("ix_appeal_received", "received_at", "id"),
        # The ledger as it came in (by number: made by hand in a migration), and by the limit.
        Index("ix_appeal_ledger_received", "received_at", "id", postgresql_where=text("number IS NOT NULL")),
        Index("ix_appeal_unit_state_due", "unit_id", "state", "limit_due_at", "id"),
        Index("ix_appeal_due", "limit_due_at", "id"),
        Index("ix_appeal_open_due", "limit_open_at", "unit_id", postgresql_where=text("limit_open_at IS NOT NULL")),
        Index("ix_appeal_submitted", "channel_class", "submitted_at"),
        Index("ix_appeal_registered", "registered_at"),
        Index(
            "uq_appeal_source_no",
            "source",
            "source_no",
            unique=True,
            postgresql_where=text("source_no IS NOT NULL"),
        ),
        Index(
            "ix_appeal_phone",
            "appellant_phone_bidx",
            postgresql_where=text("appellant_phone_bidx IS NOT NULL"),
        ),
        Index(
            "ix_appeal_identity",
            "appellant_identity_bidx",
            postgresql_where=text("appellant_identity_bidx IS NOT NULL"),
        ),
        Index("ix_appeal_place", "place", "id", postgresql_where=text("place <> ''")),
        Index(
            "ix_appeal_petition",
            text("(intake ->> 'petition_number')"),
            postgresql_where=text("(intake ->> 'petition_number') <> ''"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="draft", server_default="draft")
    channel_class: Mapped[str] = mapped_column(String(1))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"))
    received_at: Mapped[datetime] = mapped_column(Moment)
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    registered_at: Mapped[datetime | None] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    archived_at: Mapped[datetime | None] = mapped_column(Moment)
    voided_at: Mapped[datetime | None] = mapped_column(Moment)
    reopened_at: Mapped[datetime | None] = mapped_column(Moment)
    # How often it was taken up: 1, and one more for each reopening.
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    # What kind of appeal it is and how pressing: together with the category they propose the limit.
    nature: Mapped[str] = mapped_column(String(16), default="", server_default="")
    urgency: Mapped[str] = mapped_column(String(10), default="ordinary", server_default="ordinary")
    # Merged (并单): handled with the main appeal, counted once in scores and each in heat. Split: cut from another.
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("appeal.id"))
    split_from_id: Mapped[int | None] = mapped_column(ForeignKey("appeal.id"))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text, default="", server_default="")
    place: Mapped[str] = mapped_column(String(200), default="", server_default="")
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    limit_rule_id: Mapped[int | None] = mapped_column(ForeignKey("limit_rule.id"))
    intake: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    # The appellant: each appeal has its own data key, wrapped by the master key; destroying it anonymises.
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_identity_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_address_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_representatives_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_others_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_phone_bidx: Mapped[bytes | None] = mapped_column(LargeBinary)
    appellant_identity_bidx: Mapped[bytes | None] = mapped_column(LargeBinary)
    anonymous: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    # Triage and handling.
    handling: Mapped[str | None] = mapped_column(String(10))
    opinion: Mapped[str] = mapped_column(Text, default="", server_default="")
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    section_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    portfolio_id: Mapped[int | None] = mapped_column(ForeignKey("portfolio.id"))
    # The units that handle it with the lead unit now: those of its open assignments.
    co_unit_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    # The lawful way the appellant was told of when the appeal was not accepted.
    lawful_route: Mapped[str] = mapped_column(String(20), default="", server_default="")
    result: Mapped[str] = mapped_column(Text, default="", server_default="")
    impossible: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    informed_at: Mapped[datetime | None] = mapped_column(Moment)
    informed_how: Mapped[str] = mapped_column(String(20), default="", server_default="")
    informed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reaction: Mapped[str] = mapped_column(String(500), default="", server_default="")
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    retention_class_id: Mapped[int | None] = mapped_column(ForeignKey("retention_class.id"))
    # A legal hold keeps the file whole whatever its retention says.
    held_at: Mapped[datetime | None] = mapped_column(Moment)
    hold_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    corrections: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # Where an imported item came from; history is never scored.
    source: Mapped[str | None] = mapped_column(String(100))
    source_no: Mapped[str | None] = mapped_column(String(100))
    import_batch_id: Mapped[int | None] = mapped_column(ForeignKey("import_batch.id"), index=True)
    flags: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list, server_default="{}")
    fictional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    # Copied from the clocks of the lead unit's or the duty office's limit by a trigger, so that lists are filtered and
    # sorted by it: when the last is due, when the one that runs is, whether they were kept ("", open, kept, late).
    limit_due_at: Mapped[datetime | None] = mapped_column(Moment)
    limit_open_at: Mapped[datetime | None] = mapped_column(Moment)
    limit_state: Mapped[str] = mapped_column(String(4), default="", server_default="")
    channel: Mapped[Channel | None] = relationship()
    category: Mapped[Category | None] = relationship()
    limit_rule: Mapped[LimitRule | None] = relationship()
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id])
    section: Mapped[Unit | None] = relationship(foreign_keys=[section_id])
    portfolio: Mapped[Portfolio | None] = relationship()
    created_by: Mapped[Person | None] = relationship(foreign_keys=[created_by_id])
    informed_by: Mapped[Person | None] = relationship(foreign_keys=[informed_by_id])
    retention_class: Mapped[RetentionClass | None] = relationship()
    merged_into: Mapped[Appeal | None] = relationship(foreign_keys=[merged_into_id], remote_side=[id])
    split_from: Mapped[Appeal | None] = relationship(foreign_keys=[split_from_id], remote_side=[id])
    clocks: Mapped[list[Clock]] = relationship(back_populates="appeal", order_by="Clock.id")
    slips: Mapped[list[Slip]] = relationship(back_populates="appeal", order_by="Slip.id")
    assignments: Mapped[list[Assignment]] = relationship(back_populates="appeal", order_by="Assignment.id")

    def __str__(self) -> str:
        return self.number or self.subject


class Clock(Model):
    """One running or stopped deadline of an appeal. Whether it is overdue is computed on reading, never stored."""

    __tablename__ = "clock"
    __table_args__ = (
        one_of("kind", CLOCK_KINDS, "clock_kind"),
        one_of("late_when", ("at_or_after", "after"), "clock_late_when"),
        Index("ix_clock_appeal", "appeal_id"),
        Index("ix_clock_open_appeal", "appeal_id", "due_at", postgresql_where=text("stopped_at IS NULL")),
        Index("ix_clock_open_due", "due_at", "id", postgresql_where=text("stopped_at IS NULL")),
        Index("ix_clock_open_unit", "unit_id", "due_at", postgresql_where=text("stopped_at IS NULL")),
        Index("ix_clock_open_post", "post_id", "due_at", postgresql_where=text("stopped_at IS NULL")),
        Index("ix_clock_late", "stopped_at", "id", postgresql_where=text("stopped_at >= due_at")),
        Index("ix_clock_started", "kind", "started_at"),
        Index("ix_clock_unlimited", "started_at", postgresql_where=text("due_at IS NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"))
    kind: Mapped[str] = mapped_column(String(12))
    # Who answers for it now: a post of the staffing table, or a unit (a matching section for its delivery).
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    limit_rule_id: Mapped[int | None] = mapped_column(ForeignKey("limit_rule.id"))
    started_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    late_when: Mapped[str] = mapped_column(String(12), default="after", server_default="after")
    stopped_at: Mapped[datetime | None] = mapped_column(Moment)
    # Ended without a judgement: the assignment went elsewhere, the appeal was voided or merged.
    cancelled: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("handling_request.id"))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    appeal: Mapped[Appeal] = relationship(back_populates="clocks")
    post: Mapped[Post | None] = relationship()
    unit: Mapped[Unit | None] = relationship()
    limit_rule: Mapped[LimitRule | None] = relationship()
    pauses: Mapped[list[ClockPause]] = relationship(order_by="ClockPause.id")
    changes: Mapped[list[ClockChange]] = relationship(order_by="ClockChange.id")


class Slip(Stamped, Model):
    """A processing slip (诉求处理单) from the signed opinion to the transcribed instruction (R4–R6)."""

    __tablename__ = "slip"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(String(64), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    section_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolio.id"))
    opinion: Mapped[str] = mapped_column(Text)
    opinion_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    opinion_at: Mapped[datetime] = mapped_column(Moment)
    filled_at: Mapped[datetime | None] = mapped_column(Moment)
    filled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    remark: Mapped[str] = mapped_column(String(500), default="", server_default="")
    instruction: Mapped[str] = mapped_column(Text, default="", server_default="")
    instructed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    instructed_by_name: Mapped[str] = mapped_column(String(64), default="", server_default="")
    instructed_on: Mapped[date | None] = mapped_column(Date)
    # The way back to the leader: when all that was instructed is done, and when he took note of it.
    fulfilled_at: Mapped[datetime | None] = mapped_column(Moment)
    sheet_id: Mapped[int | None] = mapped_column(ForeignKey("slip_sheet.id"), index=True)
    noted_at: Mapped[datetime | None] = mapped_column(Moment)
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    appeal: Mapped[Appeal] = relationship(back_populates="slips")
    section: Mapped[Unit] = relationship()
    portfolio: Mapped[Portfolio] = relationship()
    opinion_by: Mapped[Person] = relationship(foreign_keys=[opinion_by_id])
    filled_by: Mapped[Person | None] = relationship(foreign_keys=[filled_by_id])
    noted_by: Mapped[Person | None] = relationship(foreign_keys=[noted_by_id])
    sheet: Mapped[SlipSheet | None] = relationship()
    handovers: Mapped[list[SlipHandover]] = relationship(back_populates="slip", order_by="SlipHandover.id")
    instructions: Mapped[list[Instruction]] = relationship(order_by="Instruction.id")


class SlipHandover(Model):
    """One hand-over of a slip: who, when, as A or B, to or from whom (R6)."""

    __tablename__ = "slip_handover"
    __table_args__ = (one_of("leg", ("carry", "deliver", "fetch"), "slip_handover_leg"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slip_id: Mapped[int] = mapped_column(ForeignKey("slip.id"), index=True)
    leg: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    role: Mapped[str | None] = mapped_column(String(1))
    counterpart: Mapped[str] = mapped_column(String(64), default="", server_default="")
    slip: Mapped[Slip] = relationship(back_populates="handovers")
    actor: Mapped[Person] = relationship()
    post: Mapped[Post | None] = relationship()


class Assignment(Stamped, Model):
    """An appeal given to a unit with a limit (R7–R9); the responsibility chain is frozen as it was then.

    One lead unit at a time, any number of co-handling units, each with its own limit and its own course
    (app/rules/workflow.py). `task` is what this unit has to do, `slip_id` the instruction that wants it.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        one_of("part", ("lead", "co"), "assignment_part"),
        one_of("state", ("assigned", "in_progress", "answered", "ended"), "assignment_state"),
        Index(
            "uq_assignment_lead",
            "appeal_id",
            unique=True,
            postgresql_where=text("part = 'lead' AND state <> 'ended'"),
        ),
        Index(
            "uq_assignment_unit",
            "appeal_id",
            "unit_id",
            unique=True,
            postgresql_where=text("state <> 'ended'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    limit_rule_id: Mapped[int | None] = mapped_column(ForeignKey("limit_rule.id"))
    assigned_at: Mapped[datetime] = mapped_column(Moment, index=True)
    assigned_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    remark: Mapped[str] = mapped_column(String(500), default="", server_default="")
    chain: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    signed_in_at: Mapped[datetime | None] = mapped_column(Moment)
    signed_in_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    feedback: Mapped[str] = mapped_column(Text, default="", server_default="")
    part: Mapped[str] = mapped_column(String(4), default="lead", server_default="lead")
    state: Mapped[str] = mapped_column(String(12), default="assigned", server_default="assigned")
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_why: Mapped[str] = mapped_column(String(12), default="", server_default="")
    task: Mapped[str] = mapped_column(Text, default="", server_default="")
    slip_id: Mapped[int | None] = mapped_column(ForeignKey("slip.id"))
    due_on: Mapped[date | None] = mapped_column(Date)
    redone: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    extended: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    appeal: Mapped[Appeal] = relationship(back_populates="assignments")
    unit: Mapped[Unit] = relationship()
    requests: Mapped[list[HandlingRequest]] = relationship(order_by="HandlingRequest.id")

    @property
    def is_done(self) -> bool:
        """Whether the unit did its part; that the appeal was taken up again later does not undo it."""
        return self.answered_at is not None and self.ended_why in ("", "reopened")


class Explanation(Model):
    """A situation explanation (情况说明): the unit cannot finish in time, or policy does not permit (R9)."""

    __tablename__ = "explanation"
    __table_args__ = (one_of("kind", ("cannot_finish", "not_permitted"), "explanation_kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    kind: Mapped[str] = mapped_column(String(14))
    text: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    informed_at: Mapped[datetime | None] = mapped_column(Moment)
    informed_how: Mapped[str] = mapped_column(String(20), default="", server_default="")
    reaction: Mapped[str] = mapped_column(String(500), default="", server_default="")


class NilReturn(Model):
    """A collector's signature that a day brought nothing (R3, our reading); of newspapers, paper by paper."""

    __tablename__ = "nil_return"
    __table_args__ = (
        UniqueConstraint("post_id", "day", "channel_id", name="nil_return_once", postgresql_nulls_not_distinct=True),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    day: Mapped[date] = mapped_column(Date)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"))
    signed_at: Mapped[datetime] = mapped_column(Moment)
    signed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str] = mapped_column(String(1))
    post: Mapped[Post] = relationship()
    channel: Mapped[Channel | None] = relationship()
    signed_by: Mapped[Person] = relationship()


class Urge(Model):
    """A telephone urge (电话催办) about one clock, logged by the supervisor (R18)."""

    __tablename__ = "urge"
    id: Mapped[int] = mapped_column(primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id"), index=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeal.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    how: Mapped[str] = mapped_column(String(10), default="phone", server_default="phone")
    spoke_with: Mapped[str] = mapped_column(String(64), default="", server_default="")
    remark: Mapped[str] = mapped_column(String(500), default="", server_default="")
    by: Mapped[Person] = relationship()
