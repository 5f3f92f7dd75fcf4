"""The staffing family of tables: units, people, posts, who stands where and when, and what is filed about it.

Everybody else imports them from app/models.py, which goes on with accounts, appeals and what runs behind.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables import Extended, Moment, Named, Sounded, Stamped, one_of

CHANNEL_CLASSES = ("A", "B", "C", "D", "E", "F")


class UnitGroup(Named, Extended, Stamped, Model):
    """One of the groups that a circular compares (R13)."""

    __tablename__ = "unit_group"


class Portfolio(Named, Extended, Stamped, Model):
    """One line of the portfolio (分工): vice mayor → deputy secretary-general → matching section → units (R8).

    Who and what stands in it, and when, are rows of PortfolioPlace.
    """

    __tablename__ = "portfolio"


class Unit(Named, Extended, Stamped, Model):
    """A responsible unit; the General Office's own sections, hence all responsible offices, are units too."""

    __tablename__ = "unit"
    __table_args__ = (
        one_of(
            "kind", ("local_government", "administration", "department", "stationed", "section"), "unit_kind"
        ),
    )
    short_name: Mapped[str] = mapped_column(String(64), default="", server_default="")
    kind: Mapped[str] = mapped_column(String(20))
    group_id: Mapped[int] = mapped_column(ForeignKey("unit_group.id"))
    source: Mapped[str] = mapped_column(String(200), default="", server_default="")
    fictional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    group: Mapped[UnitGroup] = relationship()


class Person(Sounded, Extended, Stamped, Model):
    """Somebody who may hold a post, sit a shift, lead a unit or handle its appeals."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    name_en: Mapped[str] = mapped_column(String(128), default="", server_default="")
    mobile_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    position: Mapped[str] = mapped_column(String(64), default="", server_default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    fictional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id])

    def __str__(self) -> str:
        return self.name


class Membership(Extended, Stamped, Model):
    """What a person does for a unit outside the twelve posts: handles its appeals, clerks a matching section."""

    __tablename__ = "membership"
    __table_args__ = (
        one_of("function", ("handler", "section_clerk"), "membership_function"),
        UniqueConstraint("person_id", "unit_id", "function"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    function: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    person: Mapped[Person] = relationship()
    unit: Mapped[Unit] = relationship()


class Post(Named, Extended, Stamped, Model):
    """A post of the staffing table (R1). Capabilities and scope are what its role is generated from."""

    __tablename__ = "post"
    __table_args__ = (
        one_of("scope", ("all", "own_class", "own_unit", "own_office"), "post_scope"),
        CheckConstraint(
            "channel_class IS NULL OR channel_class IN ('A','B','C','D','E','F')", name="post_class"
        ),
        CheckConstraint("export_cap > 0", name="post_export_cap"),
    )
    number: Mapped[int] = mapped_column(SmallInteger, unique=True)
    duty: Mapped[str] = mapped_column(Text, default="", server_default="")
    duty_en: Mapped[str] = mapped_column(Text, default="", server_default="")
    office_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    leader_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    filled_by_duty: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    channel_class: Mapped[str | None] = mapped_column(String(1))
    capabilities: Mapped[list[str]] = mapped_column(ARRAY(String(32)), default=list)
    scope: Mapped[str] = mapped_column(String(12), default="all", server_default="all")
    export_cap: Mapped[int | None] = mapped_column(Integer)  # rows at once; None: the assumption `grid_export_cap`
    office: Mapped[Unit] = relationship(foreign_keys=[office_id])
    leader: Mapped[Person | None] = relationship(foreign_keys=[leader_id])
    holdings: Mapped[list[Holding]] = relationship(back_populates="post", viewonly=True)


class Holding(Extended, Stamped, Model):
    """A person holds a post as A or B over a half-open period; two holders of one role cannot overlap."""

    __tablename__ = "holding"
    __table_args__ = (
        one_of("role", ("A", "B"), "holding_role"),
        CheckConstraint("NOT isempty(valid)", name="holding_valid"),
        ExcludeConstraint(
            (text("int4range(post_id, post_id, '[]')"), "&&"),
            (text("int4range(ascii(role), ascii(role), '[]')"), "&&"),
            ("valid", "&&"),
            name="holding_no_overlap",
            using="gist",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(1))
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    post: Mapped[Post] = relationship(back_populates="holdings")
    person: Mapped[Person] = relationship()


class DutyShift(Extended, Stamped, Model):
    """One shift of an office's roster (R17); two shifts of one office cannot overlap."""

    __tablename__ = "duty_shift"
    __table_args__ = (
        CheckConstraint("NOT isempty(valid)", name="duty_shift_valid"),
        ExcludeConstraint(
            (text("int4range(office_id, office_id, '[]')"), "&&"),
            ("valid", "&&"),
            name="duty_shift_no_overlap",
            using="gist",
        ),
        UniqueConstraint("id", "valid", name="duty_shift_period"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    label: Mapped[str] = mapped_column(String(40), default="", server_default="")
    fictional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    office: Mapped[Unit] = relationship()
    seats: Mapped[list[DutySeat]] = relationship(back_populates="shift", cascade="all, delete-orphan")


class DutySeat(Model):
    """A person in the main (A) or second (B) seat of a shift; `valid` is the shift's, kept by the database.

    Nobody sits in two shifts at one time, of whichever offices.
    """

    __tablename__ = "duty_seat"
    __table_args__ = (
        one_of("seat", ("main", "second"), "duty_seat_seat"),
        UniqueConstraint("shift_id", "person_id"),
        ForeignKeyConstraint(
            ["shift_id", "valid"],
            ["duty_shift.id", "duty_shift.valid"],
            name="duty_seat_shift",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        ExcludeConstraint(
            (text("int4range(person_id, person_id, '[]')"), "&&"),
            ("valid", "&&"),
            name="duty_seat_one_place",
            using="gist",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    shift_id: Mapped[int] = mapped_column(Integer)
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    seat: Mapped[str] = mapped_column(String(8))
    shift: Mapped[DutyShift] = relationship(back_populates="seats")
    person: Mapped[Person] = relationship()


class Absence(Extended, Stamped, Model):
    """A person is away over a half-open period; while A is away B acts (R15). Only a confirmed one counts."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("NOT isempty(valid)", name="absence_valid"),
        one_of("kind", ("leave", "trip", "sick", "training", "other"), "absence_kind"),
        one_of("state", ("requested", "confirmed", "refused", "cancelled"), "absence_state"),
        ExcludeConstraint(
            (text("int4range(person_id, person_id, '[]')"), "&&"),
            ("valid", "&&"),
            name="absence_no_overlap",
            using="gist",
            where=text("state IN ('requested', 'confirmed')"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    kind: Mapped[str] = mapped_column(String(10), default="leave", server_default="leave")
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    state: Mapped[str] = mapped_column(String(10), default="confirmed", server_default="confirmed")
    late_notice: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    remark: Mapped[str] = mapped_column(String(200), default="", server_default="")
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])


class StandIn(Stamped, Model):
    """Somebody acts for a post, or stands in a chain link, out of turn (R15).

    take_over: B acts although A is there; both_away: the unit head, the responsible leader or a named third
    person while A and B are both away.
    """

    __tablename__ = "stand_in"
    __table_args__ = (
        one_of("kind", ("take_over", "both_away"), "stand_in_kind"),
        CheckConstraint("NOT isempty(valid)", name="stand_in_valid"),
        CheckConstraint(
            "(post_id IS NOT NULL) <> (unit_id IS NOT NULL AND link IS NOT NULL)", name="stand_in_place"
        ),
        ExcludeConstraint(
            (text("int4range(post_id, post_id, '[]')"), "&&"),
            ("valid", "&&"),
            name="stand_in_one_for_post",
            using="gist",
            where=text("post_id IS NOT NULL"),
        ),
        ExcludeConstraint(
            (text("int4range(unit_id, unit_id, '[]')"), "&&"),
            (text("int4range(ascii(link), ascii(link), '[]')"), "&&"),
            ("valid", "&&"),
            name="stand_in_one_for_link",
            using="gist",
            where=text("unit_id IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    link: Mapped[str | None] = mapped_column(String(16))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    absence_id: Mapped[int | None] = mapped_column(ForeignKey("absence.id"))
    post: Mapped[Post | None] = relationship()
    unit: Mapped[Unit | None] = relationship()
    person: Mapped[Person] = relationship()
    absence: Mapped[Absence | None] = relationship()


class HandoverSheet(Stamped, Model):
    """A hand-over (交接) with what was open at that moment: before an absence, on return, between shifts, for good.

    `items` are ids, numbers and due moments as they stood; `given_at` and `taken_at` are the two confirmations.
    """

    __tablename__ = "handover_sheet"
    __table_args__ = (
        one_of("kind", ("absence", "return", "shift", "change"), "handover_sheet_kind"),
        CheckConstraint("post_id IS NOT NULL OR office_id IS NOT NULL", name="handover_sheet_place"),
        # One sheet of a kind for a post and a giver in one absence, however often it is asked for.
        Index(
            "uq_handover_sheet_absence",
            "absence_id",
            "kind",
            "post_id",
            "from_id",
            unique=True,
            postgresql_where=text("absence_id IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(8))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"), index=True)
    office_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    absence_id: Mapped[int | None] = mapped_column(ForeignKey("absence.id"), index=True)
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("duty_shift.id", ondelete="SET NULL"), index=True)
    from_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    to_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime] = mapped_column(Moment)
    given_at: Mapped[datetime | None] = mapped_column(Moment)
    taken_at: Mapped[datetime | None] = mapped_column(Moment)
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    remark: Mapped[str] = mapped_column(Text, default="", server_default="")
    post: Mapped[Post | None] = relationship()
    office: Mapped[Unit | None] = relationship()
    absence: Mapped[Absence | None] = relationship()
    shift: Mapped[DutyShift | None] = relationship()
    giver: Mapped[Person | None] = relationship(foreign_keys=[from_id])
    taker: Mapped[Person | None] = relationship(foreign_keys=[to_id])


class ChainLink(Extended, Stamped, Model):
    """Who stands in one link of a unit's responsibility chain over a period (R7, R8, R15); no row is a vacancy."""

    __tablename__ = "chain_link"
    __table_args__ = (
        one_of("link", ("first", "direct", "coordinating", "final"), "chain_link_link"),
        one_of("role", ("A", "B"), "chain_link_role"),
        CheckConstraint("NOT isempty(valid)", name="chain_link_valid"),
        # The four links differ in their first letter, so its code stands for the link in the range.
        ExcludeConstraint(
            (text("int4range(unit_id, unit_id, '[]')"), "&&"),
            (text("int4range(ascii(link), ascii(link), '[]')"), "&&"),
            (text("int4range(ascii(role), ascii(role), '[]')"), "&&"),
            ("valid", "&&"),
            name="chain_link_no_overlap",
            using="gist",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    link: Mapped[str] = mapped_column(String(16))
    role: Mapped[str] = mapped_column(String(1))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    valid: Mapped[Range[datetime]] = mapped_column(
        TSTZRANGE, default=lambda: Range(None, None), server_default=text("'(,)'::tstzrange")
    )
    unit: Mapped[Unit] = relationship()
    person: Mapped[Person] = relationship()


class PortfolioPlace(Stamped, Model):
    """Who stands in a line of the portfolio (分工) over a period, its matching section, its units (R8)."""

    __tablename__ = "portfolio_place"
    __table_args__ = (
        one_of("place", ("vice_mayor", "deputy", "section", "unit"), "portfolio_place_place"),
        CheckConstraint("NOT isempty(valid)", name="portfolio_place_valid"),
        CheckConstraint(
            "CASE WHEN place IN ('vice_mayor', 'deputy') THEN person_id IS NOT NULL AND unit_id IS NULL"
            " ELSE unit_id IS NOT NULL AND person_id IS NULL END",
            name="portfolio_place_filled",
        ),
        ExcludeConstraint(
            (text("int4range(portfolio_id, portfolio_id, '[]')"), "&&"),
            (text("int4range(ascii(place), ascii(place), '[]')"), "&&"),
            ("valid", "&&"),
            name="portfolio_place_no_overlap",
            using="gist",
            where=text("place <> 'unit'"),
        ),
        # A unit is under one line at a time.
        ExcludeConstraint(
            (text("int4range(unit_id, unit_id, '[]')"), "&&"),
            ("valid", "&&"),
            name="portfolio_place_one_line",
            using="gist",
            where=text("place = 'unit'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolio.id"), index=True)
    place: Mapped[str] = mapped_column(String(10))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    portfolio: Mapped[Portfolio] = relationship()
    person: Mapped[Person | None] = relationship()
    unit: Mapped[Unit | None] = relationship()


class StaffingChange(Stamped, Model):
    """A personnel change, filed under a number to the duty office, which acknowledges it (R16)."""

    __tablename__ = "staffing_change"
    __table_args__ = (
        one_of("kind", ("holding", "chain", "portfolio", "leader", "leaver"), "staffing_change_kind"),
        one_of("state", ("filed", "acknowledged", "undone"), "staffing_change_state"),
        Index("ix_staffing_change_filed", "id", postgresql_where=text("state = 'filed'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    portfolio_id: Mapped[int | None] = mapped_column(ForeignKey("portfolio.id"))
    link: Mapped[str | None] = mapped_column(String(16))
    role: Mapped[str | None] = mapped_column(String(1))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    effective_at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    before: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    after: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    filed_at: Mapped[datetime] = mapped_column(Moment)
    filed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    filed_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    state: Mapped[str] = mapped_column(String(12), default="filed", server_default="filed")
    acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    acknowledged_post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    acknowledged_role: Mapped[str | None] = mapped_column(String(1))
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("staffing_upload.id"), index=True)
    post: Mapped[Post | None] = relationship(foreign_keys=[post_id])
    unit: Mapped[Unit | None] = relationship()
    portfolio: Mapped[Portfolio | None] = relationship()
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    filed_by: Mapped[Person | None] = relationship(foreign_keys=[filed_by_id])
    acknowledged_by: Mapped[Person | None] = relationship(foreign_keys=[acknowledged_by_id])
    acknowledged_post: Mapped[Post | None] = relationship(foreign_keys=[acknowledged_post_id])


class StaffingUpload(Stamped, Model):
    """A staffing table on its way in: what was read (sealed, it has telephone numbers), answers, and how to undo it."""

    __tablename__ = "staffing_upload"
    __table_args__ = (
        one_of("state", ("read", "applied", "undone", "cancelled"), "staffing_upload_state"),
        one_of("source", ("xlsx", "docx", "text"), "staffing_upload_source"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(4))
    filename: Mapped[str] = mapped_column(String(200), default="", server_default="")
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default="read", server_default="read")
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    read_sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    undo_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    summary: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    effective_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    applied_at: Mapped[datetime | None] = mapped_column(Moment)
    undone_at: Mapped[datetime | None] = mapped_column(Moment)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))


class StaffingList(Model):
    """A published staffing list in the layout of annex 3; the files are sealed, they have telephone numbers."""

    __tablename__ = "staffing_list"
    __table_args__ = (
        one_of("occasion", ("on_demand", "half_yearly"), "staffing_list_occasion"),
        Index("uq_staffing_list_half", "as_of", unique=True, postgresql_where=text("occasion = 'half_yearly'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)
    occasion: Mapped[str] = mapped_column(String(12))
    as_of: Mapped[datetime] = mapped_column(Moment)
    published_at: Mapped[datetime] = mapped_column(Moment)
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    xlsx_sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    docx_sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class CapabilityChange(Stamped, Model):
    """What a post is to be allowed, waiting for the security officer; one at a time for a post."""

    __tablename__ = "capability_change"
    __table_args__ = (
        one_of("state", ("pending", "confirmed", "refused", "withdrawn"), "capability_change_state"),
        Index("uq_capability_change_pending", "post_id", unique=True, postgresql_where=text("state = 'pending'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), index=True)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    state: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    requested_at: Mapped[datetime] = mapped_column(Moment)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    remark: Mapped[str] = mapped_column(String(200), default="", server_default="")
    post: Mapped[Post] = relationship()


class Contact(Named, Extended, Stamped, Model):
    """A broadcaster or paper with which a C or D collector keeps contact (R2); `name` is the outlet."""

    __tablename__ = "contact"
    __table_args__ = (one_of("channel_class", ("C", "D"), "contact_class"),)
    channel_class: Mapped[str] = mapped_column(String(1))
    person_name: Mapped[str] = mapped_column(String(64), default="", server_default="")
    position: Mapped[str] = mapped_column(String(64), default="", server_default="")
    mobile_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    telephone: Mapped[str] = mapped_column(String(40), default="", server_default="")
    last_contact_on: Mapped[date | None] = mapped_column(Date)
    remark: Mapped[str] = mapped_column(String(500), default="", server_default="")


class CoverageState(Model):
    """The gaps of posts found when coverage was last computed: what the badge counts, in all and by post. One row.

    `journal_id` is the last change that was known then.
    """

    __tablename__ = "coverage_state"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    computed_at: Mapped[datetime] = mapped_column(Moment)
    horizon_days: Mapped[int] = mapped_column(Integer)
    gaps: Mapped[int] = mapped_column(Integer)
    by_post: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict, server_default="{}")
    journal_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class SetupMark(Model):
    """A point of the first-run checklist that a person ticked off, because the software cannot see it done."""

    __tablename__ = "setup_mark"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    done_at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    remark: Mapped[str] = mapped_column(String(200), default="", server_default="")


class SheetView(Model):
    """The filters and order in which somebody left a dictionary list; it opens with them."""

    __tablename__ = "sheet_view"
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    sheet: Mapped[str] = mapped_column(String(40), primary_key=True)
    query: Mapped[str] = mapped_column(String(1000), default="", server_default="")


class Channel(Named, Extended, Stamped, Model):
    """One place where appeals arrive (R2)."""

    __tablename__ = "channel"
    __table_args__ = (one_of("channel_class", CHANNEL_CLASSES, "channel_class"),)
    channel_class: Mapped[str] = mapped_column(String(1), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(200), default="", server_default="")
    office_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    office: Mapped[Unit | None] = relationship()


