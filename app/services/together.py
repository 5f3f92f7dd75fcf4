"""Two people on one appeal: what happened to it since somebody opened a form (the second who saves sees it first)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select

from app.models import Category, Channel, Journal, LimitRule, Portfolio, Unit, db
from app.services import workflow
from app.services.actors import Actor

# What the journal holds as ids, and whose names are said instead.
_NAMED: Mapping[str, Any] = MappingProxyType(
    {
        "category_id": Category,
        "channel_id": Channel,
        "limit_rule_id": LimitRule,
        "portfolio_id": Portfolio,
        "section_id": Unit,
        "unit_id": Unit,
    }
)
# Told by the state and the title of the step.
_SILENT = frozenset({"submitted_at", "registered_at", "answered_at", "closed_at", "archived_at", "voided_at", "seal"})


@dataclass(frozen=True, slots=True)
class Change:
    """One journal row since then, and each field it changed: name, before, after; ids are said as names."""

    row: Journal
    fields: tuple[tuple[str, Any, Any], ...]


def last_row(appeal_id: int) -> int:
    """The newest journal row of the appeal: what a form opened now has seen."""
    return db.session.scalar(select(func.max(Journal.id)).where(Journal.appeal_id == appeal_id)) or 0


def since(actor: Actor, appeal_id: int, seen: int) -> list[Change]:
    """What this person may read of what happened after the journal row he saw. Raises NotFound."""
    rows = workflow.timeline(actor, appeal_id, after=seen)
    names = _names(rows)
    return [Change(row, tuple(_fields(row, names))) for row in rows]


def _fields(row: Journal, names: Mapping[tuple[str, int], dict[str, str]]) -> Iterable[tuple[str, Any, Any]]:
    for name in row.new:
        old, new = row.old.get(name), row.new[name]
        if name == "intake":
            yield from _inside(old or {}, new or {})
        elif name in _NAMED:
            yield name, names.get((name, old or 0)), names.get((name, new or 0))
        elif name not in _SILENT and not (name in row.old and old == new):
            yield name, old, new


def _inside(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    """The details of a channel, one by one."""
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _names(rows: Sequence[Journal]) -> dict[tuple[str, int], dict[str, str]]:
    found: dict[tuple[str, int], dict[str, str]] = {}
    for name, model in _NAMED.items():
        ids = {value for row in rows for value in (row.old.get(name), row.new.get(name)) if value}
        if not ids:
            continue
        query = select(model.id, model.name, model.name_en).where(model.id.in_(ids))
        for row_id, text, text_en in db.session.execute(query):
            found[name, row_id] = {"name": text, "name_en": text_en}
    return found
