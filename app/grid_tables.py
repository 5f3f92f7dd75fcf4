"""What people make at run time: fields, sheets of their own, views, changes of many cells, tokens, files that go in and
out; and what the grid reads besides rows: the feed of changes, who is on which row, how many rows stand before one.

Everybody else imports them from app/models.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.staffing_tables import Person, Post
from app.tables import Extended, Moment, Sounded, Stamped, one_of

# What app/rules/values.py reads; a test holds the two together.
VALUE_KINDS = (
    "text", "long", "number", "money", "date", "moment", "bool", "choice", "choices", "person", "unit", "post", "files",
    "link", "lookup", "rollup", "formula",
)  # fmt: skip


class OwnSheet(Sounded, Stamped, Model):
    """A sheet made at run time. `readers` and `writers` are posts; who keeps the system reads and writes all."""

    __tablename__ = "own_sheet"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(120), default="", server_default="")
    intro: Mapped[str] = mapped_column(String(500), default="", server_default="")
    # The field by which a row is called where another sheet links to it.
    title_field: Mapped[str] = mapped_column(String(40), default="", server_default="")
    reader_post_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    writer_post_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    is_open: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))  # everybody reads
    sort: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))


class OwnRow(Extended, Stamped, Model):
    """A row of such a sheet: all its values stand in `extra`. In the trash when deleted."""

    __tablename__ = "own_row"
    __table_args__ = (
        Index("ix_own_row_sheet", "sheet_id", "id", postgresql_where=text("deleted_at IS NULL")),
        Index("ix_own_row_trash", "sheet_id", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("own_sheet.id"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    deleted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    sheet: Mapped[OwnSheet] = relationship()


class FieldDefinition(Stamped, Model):
    """A field made at run time on a table of the product, or of an own sheet (`own_sheet_id`).

    `parameters`: options, mask, least, most, longest, decimals, default, link (sheet), lookup, rollup, formula, as
    app/rules/definitions.py reads them. The lists say for which states, classes and posts it is shown and asked;
    an empty list means all. What is retired is hidden, its values stay. Rows hold its values under its code or, once
    a change of its kind wrote them anew, under code and the number of that change (`slot`, decision 0015).
    """

    __tablename__ = "field_definition"
    __table_args__ = (
        UniqueConstraint(
            "table_name", "own_sheet_id", "code", name="uq_field_definition_code", postgresql_nulls_not_distinct=True
        ),
        one_of("kind", VALUE_KINDS, "field_definition_kind"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    table_name: Mapped[str] = mapped_column(String(40))
    own_sheet_id: Mapped[int | None] = mapped_column(ForeignKey("own_sheet.id"), index=True)
    code: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(80))
    label_en: Mapped[str] = mapped_column(String(120), default="", server_default="")
    help: Mapped[str] = mapped_column(String(300), default="", server_default="")
    kind: Mapped[str] = mapped_column(String(12))
    sort: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    required: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    is_unique: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    is_indexed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    on_form: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    in_reports: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    states: Mapped[list[str]] = mapped_column(ARRAY(String(16)), default=list, server_default="{}")
    required_states: Mapped[list[str]] = mapped_column(ARRAY(String(16)), default=list, server_default="{}")
    classes: Mapped[list[str]] = mapped_column(ARRAY(String(1)), default=list, server_default="{}")
    reader_post_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    writer_post_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    slot: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    sheet: Mapped[OwnSheet | None] = relationship()


class FieldConversion(Model):
    """A change of a field's kind: what it is to become, how far it is, what it costs.

    `made`: the definition as it will be. Lines of what is lost (row, its name, old and new value) are sealed with a
    key of their own before anything changes. While it is `pending` or `running` the field takes no values. `begun_at`:
    when its job came to it first; `leftover`: under which name rows still hold values that nobody reads any more.
    """

    __tablename__ = "field_conversion"
    __table_args__ = (
        one_of("state", ("pending", "running", "done", "cancelled", "failed"), "field_conversion_state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    field_id: Mapped[int] = mapped_column(ForeignKey("field_definition.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    old_kind: Mapped[str] = mapped_column(String(12))
    made: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    values: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lost: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    coarser: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    begun_at: Mapped[datetime | None] = mapped_column(Moment)
    leftover: Mapped[str | None] = mapped_column(String(60))
    lines_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    field: Mapped[FieldDefinition] = relationship()


class DefinitionVersion(Model):
    """One row: how often definitions changed. Every process asks it once per request and reads anew when it moved."""

    __tablename__ = "definition_version"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")


class SavedView(Stamped, Model):
    """A view of a sheet that somebody saved: filter, order, columns, colours (app/rules/views.py, as JSON).

    His own, shared with posts, or with everybody who reads the sheet; locked: only its owner changes it. One that came
    with the seed has a code and no owner: who keeps the system changes it.
    """

    __tablename__ = "saved_view"
    __table_args__ = (Index("ix_saved_view_sheet", "sheet", "owner_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    sheet: Mapped[str] = mapped_column(String(48))
    code: Mapped[str | None] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(120), default="", server_default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    share: Mapped[str] = mapped_column(String(8), default="own", server_default="own")  # own, posts, all
    post_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    locked: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    sort: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class FirstView(Model):
    """With which view a sheet opens for somebody."""

    __tablename__ = "first_view"
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    sheet: Mapped[str] = mapped_column(String(48), primary_key=True)
    view_id: Mapped[int] = mapped_column(ForeignKey("saved_view.id", ondelete="CASCADE"), index=True)


class ChangeSet(Model):
    """Cells changed together: a paste, a fill, a bulk edit, an import, an undo. One step for its author to undo."""

    __tablename__ = "change_set"
    __table_args__ = (
        UniqueConstraint("user_id", "request_key", name="uq_change_set_request"),
        Index("ix_change_set_user", "user_id", "sheet", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    sheet: Mapped[str] = mapped_column(String(48))
    kind: Mapped[str] = mapped_column(String(12))  # cell, paste, fill, bulk, import, delete, restore, undo
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), index=True)
    request_key: Mapped[str | None] = mapped_column(String(64))
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    total: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    done: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    refused: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(10), default="done", server_default="done")
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("change_set.id"))


class ChangeSetRow(Model):
    """One row of a change set: what its cells held and hold now, or why it was refused.

    `what` was done with it; `waits` while the job has not come to it.
    """

    __tablename__ = "change_set_row"
    __table_args__ = (
        one_of("what", ("edit", "create", "remove", "restore"), "change_set_row_what"),
        Index("ix_change_set_row_set", "change_set_id", "id"),
        Index("ix_change_set_row_row", "row_id"),
        Index("ix_change_set_row_waits", "change_set_id", "id", unique=True, postgresql_where=text("waits")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    change_set_id: Mapped[int] = mapped_column(ForeignKey("change_set.id", ondelete="CASCADE"))
    row_id: Mapped[int | None] = mapped_column(Integer)
    what: Mapped[str] = mapped_column(String(8), default="edit", server_default="edit")
    waits: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    old: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    new: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    row_version: Mapped[int | None] = mapped_column(Integer)  # as the change left it
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ApiToken(Stamped, Model):
    """A token for other programs: acts for one person under one post, as far as its scope says. Kept as a digest."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(12), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    can_write: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    sheets: Mapped[list[str]] = mapped_column(ARRAY(String(48)), default=list, server_default="{}")  # empty: all
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    post: Mapped[Post | None] = relationship()


class SheetFile(Stamped, Model):
    """A file that goes out of a sheet or into it: what was asked, how far it is, where it lies."""

    __tablename__ = "sheet_file"
    __table_args__ = (one_of("way", ("export", "import"), "sheet_file_way"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    way: Mapped[str] = mapped_column(String(6))
    sheet: Mapped[str] = mapped_column(String(48))
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), index=True)
    state: Mapped[str] = mapped_column(String(12), default="pending", server_default="pending")
    format: Mapped[str] = mapped_column(String(4), default="xlsx", server_default="xlsx")
    filename: Mapped[str] = mapped_column(String(200), default="", server_default="")
    stored: Mapped[str] = mapped_column(String(80), default="", server_default="")
    # What came in, sealed with a key of its own until it is used.
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    data_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    rows: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    # Export: the view and who asked for which post. Import: mapping, mode, key, counts of the dry run.
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    outcome: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    change_set_id: Mapped[int | None] = mapped_column(ForeignKey("change_set.id"))
    person: Mapped[Person | None] = relationship()


class RefusedRow(Model):
    """A row of a file that a sheet does not take, by its number in the file: column, code and data of each problem."""

    __tablename__ = "refused_row"
    file_id: Mapped[int] = mapped_column(ForeignKey("sheet_file.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    problems: Mapped[list[Any]] = mapped_column(JSONB)


class FeedRow(Model):
    """One changed row, written by triggers on every table that a sheet shows. Read from a transaction horizon on."""

    __tablename__ = "change_feed"
    __table_args__ = (Index("ix_change_feed", "table_name", "xid", "row_id"), Index("ix_change_feed_at", "at"))
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"))
    table_name: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int] = mapped_column(Integer)
    gone: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class Presence(Model):
    """Who looks at which row of a sheet, by the last poll of his page."""

    __tablename__ = "presence"
    __table_args__ = (Index("ix_presence_sheet", "sheet", "at"), {"prefixes": ["UNLOGGED"]})
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    sheet: Mapped[str] = mapped_column(String(48), primary_key=True)
    row_id: Mapped[int | None] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(128), default="", server_default="")
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class LedgerCount(Model):
    """How many numbered appeals of a class stand in a part of one of the ledger's own orders (its bucket).

    Written as differences by a trigger, so that nobody waits for anybody; the timetable sums them up.
    """

    __tablename__ = "ledger_count"
    __table_args__ = (Index("ix_ledger_count", "by", "bucket", "channel_class", postgresql_include=["n"]),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    by: Mapped[str] = mapped_column(String(8))  # received, number
    bucket: Mapped[str] = mapped_column(String(40, collation="C"))
    channel_class: Mapped[str] = mapped_column(String(1))
    n: Mapped[int] = mapped_column(Integer)


class StaffingMove(Model):
    """One change of a table from which standings are computed, written by triggers (app/services/versions.py).

    `n` is a number that no other row had: the sum of all says whether anything changed. The timetable sums them up.
    """

    __tablename__ = "staffing_move"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)

