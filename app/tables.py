"""What every table stands on: the database, moments, versions, names of dictionary rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder.models.sqla.base import SQLA
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Integer,
    String,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

db: SQLAlchemy = SQLA()

Moment = DateTime(timezone=True)


def one_of(column: str, values: tuple[str, ...], name: str) -> CheckConstraint:
    """A column that takes one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class Stamped:
    """Creation and change moments, and the version that makes a lost update impossible."""

    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), onupdate=func.now())
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy passes the class
        return {"version_id_col": cls.version}


class Extended:
    """A row that holds the values of fields made at run time, by their codes (app/rules/values.py)."""

    extra: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")


def spelled(key: Any) -> ColumnElement[str]:
    """SQL: the pinyin in a stored key (app/services/pinyin.py), by which rows are sorted: its syllables in order."""
    return func.substr(key, func.strpos(key, " ") + 1, type_=String).collate("C")


class Sounded:
    """A row with a Chinese name, found by its initials and sorted by its sound."""

    name_pinyin: Mapped[str] = mapped_column(String(400), default="", server_default="")

    @hybrid_property
    def by_sound(self) -> str:
        """What rows are sorted by."""
        return self.name_pinyin.split(" ", 1)[-1]

    @by_sound.inplace.expression
    @classmethod
    def _by_sound(cls) -> ColumnElement[str]:
        return spelled(cls.name_pinyin)


class Named(Sounded):
    """A dictionary row: a stable code, a Chinese and an English name, a soft delete."""

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    name_en: Mapped[str] = mapped_column(String(160), default="", server_default="")
    sort: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))

    def __str__(self) -> str:
        return self.name


