"""One thing done to several rows of a dictionary: each by itself through the one write path, each with its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.rules.errors import Invalid, Refused, RuleError
from app.services import sheet_access, sheets
from app.services.actors import Actor
from app.services.sheet_rows import Sheet

MOST = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row that was chosen, and the version its chooser saw."""

    row_id: int
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: done, or why not."""

    row_id: int
    error: RuleError | None = None


def retire(actor: Actor, sheet: Sheet, chosen: Sequence[Chosen]) -> list[Outcome]:
    """Take rows out of use. Raises Refused, and Invalid("sheet.too-many")."""
    return _each(actor, sheet, chosen, partial(_remove, actor, sheet))


def restore(actor: Actor, sheet: Sheet, chosen: Sequence[Chosen]) -> list[Outcome]:
    """Bring rows back into use. Raises what `retire` raises."""
    if not sheet.has_switch:
        raise Refused("sheet.fixed")
    return change(actor, sheet, chosen, {"active": True})


def change(actor: Actor, sheet: Sheet, chosen: Sequence[Chosen], values: Mapping[str, Any]) -> list[Outcome]:
    """Give a field of the rows one value; only fields that are declared for it. Raises what `retire` raises."""
    for name in values:
        if not (sheet.field(name).bulk or name == "active"):
            raise Refused("sheet.fixed")
    return _each(actor, sheet, chosen, partial(_save, actor, sheet, values))


def _remove(actor: Actor, sheet: Sheet, one: Chosen) -> None:
    sheets.remove(actor, sheet, one.row_id, version=one.version)


def _save(actor: Actor, sheet: Sheet, values: Mapping[str, Any], one: Chosen) -> None:
    sheets.save(actor, sheet, one.row_id, values, version=one.version)


def _each(actor: Actor, sheet: Sheet, chosen: Sequence[Chosen], act: Callable[[Chosen], None]) -> list[Outcome]:
    sheet_access.require_keeper(actor, sheet)
    if len(chosen) > MOST:
        raise Invalid("sheet.too-many", {"most": MOST})
    found = []
    for one in chosen:
        try:
            act(one)
        except RuleError as error:
            found.append(Outcome(one.row_id, error))
        else:
            found.append(Outcome(one.row_id))
    return found
