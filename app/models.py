"""Tables, constraints and indexes: the door to all of them, and here accounts, what happened, what went out and ran.

The other families stand in files of their own: staffing (app/staffing_tables.py), rules as data (rule_tables.py), the
appeal (appeal_tables.py), what is asked, decided and written on its way (handling_tables.py).

No queries and no rules live here. Every moment is ``timestamptz`` in UTC; every date is a calendar date of the
configured zone. Columns that end in ``_sealed`` hold AES-GCM ciphertext (app/services/personal.py), columns that end in
``_bidx`` a keyed blind index for exact search.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.appeal_tables import (
    CLOCK_KINDS,
    NATURES,
    STATES,
    URGENCIES,
    Appeal,
    Assignment,
    Clock,
    Explanation,
    NilReturn,
    Slip,
    SlipHandover,
    Urge,
)
from app.grid_tables import (
    ApiToken,
    ChangeSet,
    ChangeSetRow,
    DefinitionVersion,
    FeedRow,
    FieldConversion,
    FieldDefinition,
    FirstView,
    LedgerCount,
    OwnRow,
    OwnSheet,
    Presence,
    RefusedRow,
    SavedView,
    SheetFile,
    StaffingMove,
)
from app.handling_tables import (
    ArchiveSeal,
    Attachment,
    CallBack,
    ClockChange,
    ClockPause,
    HandlingRequest,
    Instruction,
    Recount,
    Review,
    SlipSheet,
)
from app.rule_tables import (
    Assumption,
    CalendarDay,
    CalendarYear,
    Category,
    DispatchEntry,
    DocumentTemplate,
    LimitRule,
    NumberCounter,
    NumberSeries,
    ReminderRule,
    RetentionClass,
    SeedRow,
    SuggestionModel,
)
from app.staffing_tables import (
    CHANNEL_CLASSES,
    Absence,
    CapabilityChange,
    ChainLink,
    Channel,
    Contact,
    CoverageState,
    DutySeat,
    DutyShift,
    HandoverSheet,
    Holding,
    Membership,
    Person,
    Portfolio,
    PortfolioPlace,
    Post,
    SetupMark,
    SheetView,
    StaffingChange,
    StaffingList,
    StaffingUpload,
    StandIn,
    Unit,
    UnitGroup,
)
from app.tables import Moment, Stamped, db, one_of, spelled

# Every table is imported from here, whichever family it belongs to.
__all__ = [
    "CHANNEL_CLASSES",
    "CLOCK_KINDS",
    "NATURES",
    "STATES",
    "URGENCIES",
    "Absence",
    "ApiToken",
    "Appeal",
    "ArchiveSeal",
    "Assignment",
    "Assumption",
    "Attachment",
    "CalendarDay",
    "CalendarYear",
    "CallBack",
    "CapabilityChange",
    "Category",
    "ChainLink",
    "ChangeSet",
    "ChangeSetRow",
    "Channel",
    "Clock",
    "ClockChange",
    "ClockPause",
    "Contact",
    "CoverageState",
    "DefinitionVersion",
    "DispatchEntry",
    "DocumentTemplate",
    "DutySeat",
    "DutyShift",
    "Explanation",
    "FeedRow",
    "FieldConversion",
    "FieldDefinition",
    "FirstView",
    "HandlingRequest",
    "HandoverSheet",
    "Holding",
    "Instruction",
    "LedgerCount",
    "LimitRule",
    "Membership",
    "NilReturn",
    "NumberCounter",
    "NumberSeries",
    "OwnRow",
    "OwnSheet",
    "Person",
    "Portfolio",
    "PortfolioPlace",
    "Post",
    "Presence",
    "Recount",
    "RefusedRow",
    "ReminderRule",
    "RetentionClass",
    "Review",
    "SavedView",
    "SeedRow",
    "SetupMark",
    "SheetFile",
    "SheetView",
    "Slip",
    "SlipHandover",
    "SlipSheet",
    "StaffingChange",
    "StaffingList",
    "StaffingMove",
    "StaffingUpload",
    "StandIn",
    "SuggestionModel",
    "Unit",
    "UnitGroup",
    "Urge",
    "db",
    "spelled",
]


# --- accounts ----------------------------------------------------------------------------------------------


class Account(Stamped, Model):
    """What the product knows of a login beyond Flask-AppBuilder's user row: whose it is and whether it may enter."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(
            "officer IS NULL OR officer IN ('system','security','audit')", name="account_officer"
        ),
        CheckConstraint("officer IS NULL OR person_id IS NULL", name="account_officer_no_post"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), unique=True)
    officer: Mapped[str | None] = mapped_column(String(10))
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    password_changed_at: Mapped[datetime | None] = mapped_column(Moment)
    code_expires_at: Mapped[datetime | None] = mapped_column(Moment)
    failed_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    last_failed_at: Mapped[datetime | None] = mapped_column(Moment)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    demo: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    locale: Mapped[str | None] = mapped_column(String(5))
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    person: Mapped[Person | None] = relationship()


class PasswordHistory(Model):
    """The last hashes of an account, so that none of them is used again."""

    __tablename__ = "password_history"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    password: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class LoginSession(Model):
    """A signed-in browser; a cookie without a live row here is worth nothing."""

    __tablename__ = "login_session"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    fresh_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    ip: Mapped[str] = mapped_column(String(45), default="", server_default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="", server_default="")


# --- what happened -----------------------------------------------------------------------------------------


class Journal(Model):
    """One change: who, for which post, when, what, old and new. The application's role can only insert and read."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_appeal", "appeal_id", "id"),
        Index("ix_journal_object", "object_type", "object_id", "id"),
        Index(
            "uq_journal_request", "request_key", unique=True, postgresql_where=text("request_key IS NOT NULL")
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    action: Mapped[str] = mapped_column(String(40))
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[int] = mapped_column(BigInteger)
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeal.id"))
    user_id: Mapped[int | None] = mapped_column(Integer)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    role: Mapped[str | None] = mapped_column(String(1))
    acted_as: Mapped[str] = mapped_column(String(40), default="", server_default="")
    old: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    new: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    request_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    request_key: Mapped[str | None] = mapped_column(String(80))
    person: Mapped[Person | None] = relationship()
    post: Mapped[Post | None] = relationship()


class JournalSeal(Model):
    """A link of the hash chain over committed journal rows."""

    __tablename__ = "journal_seal"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    journal_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class Audit(Model):
    """Security events: login, refusal, unmasking, export, print, account and setting changes. Insert and read only."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at"), Index("ix_audit_event", "event", "id"))
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    event: Mapped[str] = mapped_column(String(40))
    result: Mapped[str] = mapped_column(String(10))
    user_id: Mapped[int | None] = mapped_column(Integer)
    ip: Mapped[str] = mapped_column(String(45), default="", server_default="")
    object_type: Mapped[str] = mapped_column(String(40), default="", server_default="")
    object_id: Mapped[str] = mapped_column(String(80), default="", server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    request_id: Mapped[str] = mapped_column(String(64), default="", server_default="")


# --- what goes out and what runs behind --------------------------------------------------------------------


class Delivery(Model):
    """The transactional outbox: one notice to one recipient by one channel, ids only (SECURITY §2)."""

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("channel", ("inbox", "mail"), "delivery_channel"),
        one_of("state", ("pending", "sending", "sent", "uncertain", "dead", "cancelled"), "delivery_state"),
        CheckConstraint("recipient_id IS NOT NULL OR state = 'cancelled'", name="delivery_recipient"),
        Index("ix_delivery_alarm", "state", postgresql_where=text("state IN ('uncertain','dead')")),
        Index("ix_delivery_clock", "clock_id", "rule_id", postgresql_where=text("clock_id IS NOT NULL")),
        Index("ix_delivery_due", "due_at", "id", postgresql_where=text("state IN ('pending','sending')")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    idem_key: Mapped[str] = mapped_column(String(200), unique=True)
    channel: Mapped[str] = mapped_column(String(10))
    # A rung of a ladder on which nobody stands is kept too: a cancelled row without recipient.
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(40))
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeal.id"))
    clock_id: Mapped[int | None] = mapped_column(ForeignKey("clock.id"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("reminder_rule.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    # What the notice is about when it is no appeal, clock or task: a table and the row's id.
    subject_type: Mapped[str] = mapped_column(String(20), default="", server_default="")
    subject_id: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    due_at: Mapped[datetime] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str] = mapped_column(String(200), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    sent_at: Mapped[datetime | None] = mapped_column(Moment)


class Notice(Model):
    """One line in a person's in-app inbox; the words are made when it is read, in the reader's language."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_unread", "person_id", "id", postgresql_where=text("read_at IS NULL")),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeal.id"))
    clock_id: Mapped[int | None] = mapped_column(ForeignKey("clock.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    subject_type: Mapped[str] = mapped_column(String(20), default="", server_default="")
    subject_id: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Moment)
    read_at: Mapped[datetime | None] = mapped_column(Moment)
    appeal: Mapped[Appeal | None] = relationship()
    clock: Mapped[Clock | None] = relationship()


class Task(Model):
    """Long work run by RQ: its request, progress and end; a page polls it, closing the page changes nothing."""

    __tablename__ = "task"
    __table_args__ = (
        one_of("state", ("pending", "running", "done", "failed", "cancelled"), "task_state"),
        Index("ix_task_waiting", "id", postgresql_where=text("state IN ('pending','running')")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    queue: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    done: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    total: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    message: Mapped[str] = mapped_column(String(200), default="", server_default="")
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(Moment)


class TimetableSlot(Model):
    """A slot of the timetable that was turned into work; unique by name and slot (SECURITY §1)."""

    __tablename__ = "timetable_slot"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    slot: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class Heartbeat(Model):
    """The last sign of life of a process that must run."""

    __tablename__ = "heartbeat"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


class ImportBatch(Stamped, Model):
    """One workbook on its way in. The file is kept sealed until it is applied, then dropped."""

    __tablename__ = "import_batch"
    __table_args__ = (
        one_of(
            "state", ("uploaded", "checked", "applying", "applied", "failed", "cancelled"), "import_state"
        ),
        one_of("kind", ("appeals", "categories"), "import_kind"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), default="appeals", server_default="appeals")
    number: Mapped[str | None] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="uploaded", server_default="uploaded")
    filename: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    source: Mapped[str] = mapped_column(String(100), default="", server_default="")
    sheet: Mapped[str] = mapped_column(String(100), default="", server_default="")
    sheets: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    summary: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    task: Mapped[Task | None] = relationship()


class ImportProblem(Model):
    """One finding of a dry run, by row and column; a row is refused, flagged or already here."""

    __tablename__ = "import_problem"
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), index=True)
    row: Mapped[int] = mapped_column(Integer)
    column: Mapped[str] = mapped_column(String(100), default="", server_default="")
    severity: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(60))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")


class ImportMapping(Model):
    """The column mapping last used for a header row, remembered."""

    __tablename__ = "import_mapping"
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    header_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(String(100), default="", server_default="")
    updated_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), onupdate=func.now())


class Report(Stamped, Model):
    """A compiled report: what it covers, its file and the file's digest."""

    __tablename__ = "report"
    __table_args__ = (
        one_of("state", ("pending", "compiling", "ready", "failed", "cancelled"), "report_state"),
        Index("ix_report_kind", "kind", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    year: Mapped[int] = mapped_column(Integer)
    quarter: Mapped[int] = mapped_column(SmallInteger)
    locale: Mapped[str] = mapped_column(String(5))
    data_moment: Mapped[datetime | None] = mapped_column(Moment)
    filename: Mapped[str] = mapped_column(String(200), default="", server_default="")
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64), default="", server_default="")
    size: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    task: Mapped[Task | None] = relationship()
    requested_by: Mapped[Person | None] = relationship()
