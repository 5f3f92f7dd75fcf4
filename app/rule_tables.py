"""Rules as data: limits, numbers, reminders, days, assumptions, categories, templates, and what the seed wrote of them.

Everybody else imports them from app/models.py.
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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.staffing_tables import Unit
from app.tables import Extended, Moment, Named, Stamped, one_of


class LimitRule(Named, Extended, Stamped, Model):
    """A limit: how long, in which unit of time, for which clock (app/rules/clocks.py)."""

    __tablename__ = "limit_rule"
    clock_kind: Mapped[str] = mapped_column(String(20), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int] = mapped_column(Integer)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))


class NumberSeries(Named, Extended, Stamped, Model):
    """A number format (app/rules/numbering.py); numbers of a series are gapless within a local year (R4)."""

    __tablename__ = "number_series"
    template: Mapped[str] = mapped_column(String(80))


class NumberCounter(Model):
    """The last number given in a series and year; the row lock is what makes numbers gapless."""

    __tablename__ = "number_counter"
    series: Mapped[str] = mapped_column(String(64), primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    last_value: Mapped[int] = mapped_column(Integer, default=0)


class ReminderRule(Named, Extended, Stamped, Model):
    """One rung of a reminder ladder: this long before or after a clock's due moment, tell this rung."""

    __tablename__ = "reminder_rule"
    clock_kind: Mapped[str] = mapped_column(String(20), index=True)
    offset_minutes: Mapped[int] = mapped_column(Integer)
    rung: Mapped[str] = mapped_column(String(20))


class CalendarDay(Extended, Stamped, Model):
    """A local exception to the working calendar; it overrides the published one."""

    __tablename__ = "calendar_day"
    __table_args__ = (one_of("kind", ("holiday", "makeup", "half", "closure"), "calendar_day_kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(64), default="", server_default="")
    name_en: Mapped[str] = mapped_column(String(64), default="", server_default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))


class Assumption(Extended, Stamped, Model):
    """A provisional reading of the founding rule, shown as such and changeable."""

    __tablename__ = "assumption"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    rule: Mapped[str] = mapped_column(String(16), default="", server_default="")
    title: Mapped[str] = mapped_column(String(128))
    title_en: Mapped[str] = mapped_column(String(160), default="", server_default="")
    explanation: Mapped[str] = mapped_column(Text, default="", server_default="")
    explanation_en: Mapped[str] = mapped_column(Text, default="", server_default="")
    value: Mapped[Any] = mapped_column(JSONB)


class Category(Named, Extended, Stamped, Model):
    """A node of the category tree, up to three levels; its code is its path."""

    __tablename__ = "category"
    code: Mapped[str] = mapped_column(String(300), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), index=True)
    level: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")


class SeedRow(Model):
    """What the seed wrote last, so that a reload tells an administrator's edit from its own."""

    __tablename__ = "seed_row"
    file: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column("values_", JSONB)


class CalendarYear(Stamped, Model):
    """A year whose official notice on holidays was entered by hand: limits that reach into it are not provisional."""

    __tablename__ = "calendar_year"
    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    notice: Mapped[str] = mapped_column(String(200), default="", server_default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))


class RetentionClass(Named, Extended, Stamped, Model):
    """How long an archived appeal is kept (保管期限); `years` None is for ever."""

    __tablename__ = "retention_class"
    years: Mapped[int | None] = mapped_column(SmallInteger)
    is_default: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))


class DispatchEntry(Extended, Stamped, Model):
    """A row of the dispatch catalogue (派单目录): what is about this, there, goes to that unit (R7, R8)."""

    __tablename__ = "dispatch_entry"
    __table_args__ = (
        one_of("source", ("manual", "objection"), "dispatch_source"),
        CheckConstraint("category_id IS NOT NULL OR place <> '' OR keywords <> ''", name="dispatch_something"),
        CheckConstraint(
            "valid_until IS NULL OR valid_from IS NULL OR valid_until >= valid_from", name="dispatch_order"
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), index=True)
    place: Mapped[str] = mapped_column(String(100), default="", server_default="")
    keywords: Mapped[str] = mapped_column(String(200), default="", server_default="")
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    basis: Mapped[str] = mapped_column(String(500), default="", server_default="")
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(10), default="manual", server_default="manual")
    request_id: Mapped[int | None] = mapped_column(ForeignKey("handling_request.id"))
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    unit: Mapped[Unit] = relationship()
    category: Mapped[Any] = relationship("Category")


class DocumentTemplate(Stamped, Model):
    """A docx template an administrator put in the place of the one that comes with the product."""

    __tablename__ = "document_template"
    __table_args__ = (Index("uq_document_template", "kind", unique=True, postgresql_where=text("retired_at IS NULL")),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    filename: Mapped[str] = mapped_column(String(200))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    retired_at: Mapped[datetime | None] = mapped_column(Moment)


class SuggestionModel(Model):
    """What the installation's own appeals teach about categories (app/rules/categorising.py): counts, never code.

    `through_id` is the newest appeal it has read; the newest row is the one in use.
    """

    __tablename__ = "suggestion_model"
    id: Mapped[int] = mapped_column(primary_key=True)
    built_at: Mapped[datetime] = mapped_column(Moment)
    n: Mapped[int] = mapped_column(Integer)
    labels: Mapped[int] = mapped_column(Integer)
    through_id: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
