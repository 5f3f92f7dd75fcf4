"""The staffing family of tables: units, people, posts, who stands where and when, and what is filed about it.

Everybody else imports them from app/models.py, which goes on with accounts, appeals and what runs behind.
"""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables import Named, Stamped, one_of

CHANNEL_CLASSES = ("A", "B", "C", "D", "E", "F")


class UnitGroup(Named, Stamped, Model):
    """One of the groups that a circular compares (R13)."""

    __tablename__ = "unit_group"


class Portfolio(Named, Stamped, Model):
    """One line of the portfolio (分工): vice mayor → deputy secretary-general → matching section → units (R8)."""

    __tablename__ = "portfolio"
    # Portfolio, unit and person refer to each other in a ring: these three keys are added after the tables.
    vice_mayor_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id", use_alter=True, name="portfolio_vice_mayor_fkey")
    )
    deputy_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id", use_alter=True, name="portfolio_deputy_fkey")
    )
    section_id: Mapped[int | None] = mapped_column(
        ForeignKey("unit.id", use_alter=True, name="portfolio_section_fkey")
    )
    vice_mayor: Mapped[Person | None] = relationship(foreign_keys=[vice_mayor_id])
    deputy: Mapped[Person | None] = relationship(foreign_keys=[deputy_id])
    section: Mapped[Unit | None] = relationship(foreign_keys=[section_id])


class Unit(Named, Stamped, Model):
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
    portfolio_id: Mapped[int | None] = mapped_column(ForeignKey("portfolio.id"))
    source: Mapped[str] = mapped_column(String(200), default="", server_default="")
    fictional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    group: Mapped[UnitGroup] = relationship()
    portfolio: Mapped[Portfolio | None] = relationship(foreign_keys=[portfolio_id])


class Person(Stamped, Model):
    """Somebody who may hold a post, sit a shift, lead a unit or handle its appeals."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    name_en: Mapped[str] = mapped_column(String(128), default="", server_default="")
    name_pinyin: Mapped[str] = mapped_column(String(400), default="", server_default="")
    mobile_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    position: Mapped[str] = mapped_column(String(64), default="", server_default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    fictional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id])

    def __str__(self) -> str:
        return self.name


class Membership(Stamped, Model):
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


class Post(Named, Stamped, Model):
    """A post of the staffing table (R1). Capabilities and scope are what its role is generated from."""

    __tablename__ = "post"
    __table_args__ = (
        one_of("scope", ("all", "own_class", "own_unit", "own_office"), "post_scope"),
        CheckConstraint(
            "channel_class IS NULL OR channel_class IN ('A','B','C','D','E','F')", name="post_class"
        ),
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
    office: Mapped[Unit] = relationship(foreign_keys=[office_id])
    leader: Mapped[Person | None] = relationship(foreign_keys=[leader_id])
    holdings: Mapped[list[Holding]] = relationship(back_populates="post", viewonly=True)


class Holding(Stamped, Model):
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


class DutyShift(Stamped, Model):
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
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    fictional: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    office: Mapped[Unit] = relationship()
    seats: Mapped[list[DutySeat]] = relationship(back_populates="shift", cascade="all, delete-orphan")


class DutySeat(Model):
    """A person in the main (A) or second (B) seat of a shift."""

    __tablename__ = "duty_seat"
    __table_args__ = (
        one_of("seat", ("main", "second"), "duty_seat_seat"),
        UniqueConstraint("shift_id", "person_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    shift_id: Mapped[int] = mapped_column(ForeignKey("duty_shift.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    seat: Mapped[str] = mapped_column(String(8))
    shift: Mapped[DutyShift] = relationship(back_populates="seats")
    person: Mapped[Person] = relationship()


class Absence(Stamped, Model):
    """A person is away over a half-open period; while A is away B acts (R15)."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("NOT isempty(valid)", name="absence_valid"),
        ExcludeConstraint(
            (text("int4range(person_id, person_id, '[]')"), "&&"),
            ("valid", "&&"),
            name="absence_no_overlap",
            using="gist",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    person: Mapped[Person] = relationship()


class ChainLink(Stamped, Model):
    """Who stands in one link of a unit's responsibility chain (R7, R8, R15); a missing row is a vacancy."""

    __tablename__ = "chain_link"
    __table_args__ = (
        one_of("link", ("first", "direct", "coordinating", "final"), "chain_link_link"),
        one_of("role", ("A", "B"), "chain_link_role"),
        UniqueConstraint("unit_id", "link", "role"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    link: Mapped[str] = mapped_column(String(16))
    role: Mapped[str] = mapped_column(String(1))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    unit: Mapped[Unit] = relationship()
    person: Mapped[Person] = relationship()


class Channel(Named, Stamped, Model):
    """One place where appeals arrive (R2)."""

    __tablename__ = "channel"
    __table_args__ = (one_of("channel_class", CHANNEL_CLASSES, "channel_class"),)
    channel_class: Mapped[str] = mapped_column(String(1), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(200), default="", server_default="")
    office_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    office: Mapped[Unit | None] = relationship()


