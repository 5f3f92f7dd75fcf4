"""One thing done to several rows of a dictionary: each by itself through the one write path, each with its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.models import db
from app.rules.errors import Invalid, Refused, RuleError
from app.services import calendar, sheet_access, sheets
from app.services.actors import Actor
from app.services.clock_recounts import SHEETS as MOVING
from app.services.clock_recounts import Consent
from app.services.sheet_rows import Draft, Sheet
from app.services.transaction import transaction

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


def retire(actor: Actor, sheet: Sheet, chosen: Sequence[Chosen], consent: Consent | None = None) -> list[Outcome]:
    """Take rows out of use. Raises Refused, and Invalid("sheet.too-many").

    Rows from which due moments follow are changed together; raises MovesClocks without `consent` to what moves.
    """
    if sheet.code in MOVING:
        return _together(actor, sheet, chosen, partial(_remove_in, actor, sheet), consent)
    return _each(actor, sheet, chosen, partial(_remove, actor, sheet))


def restore(actor: Actor, sheet: Sheet, chosen: Sequence[Chosen], consent: Consent | None = None) -> list[Outcome]:
    """Bring rows back into use. Raises what `retire` raises."""
    if not sheet.has_switch:
        raise Refused("sheet.fixed")
    return change(actor, sheet, chosen, {"active": True}, consent)


def change(
    actor: Actor,
    sheet: Sheet,
    chosen: Sequence[Chosen],
    values: Mapping[str, Any],
    consent: Consent | None = None,
) -> list[Outcome]:
    """Give a field of the rows one value; only fields that are declared for it. Raises what `retire` raises."""
    for name in values:
        if not (sheet.field(name).bulk or name == "active"):
            raise Refused("sheet.fixed")
    if sheet.code in MOVING:
        return _together(actor, sheet, chosen, partial(_save_in, actor, sheet, values), consent)
    return _each(actor, sheet, chosen, partial(_save, actor, sheet, values))


def _remove_in(actor: Actor, sheet: Sheet, one: Chosen) -> Draft:
    return sheets.remove_in(actor, sheet, one.row_id, version=one.version)


def _save_in(actor: Actor, sheet: Sheet, values: Mapping[str, Any], one: Chosen) -> Draft:
    return sheets.change_in(actor, sheet, one.row_id, values, version=one.version)


def _together(
    actor: Actor, sheet: Sheet, chosen: Sequence[Chosen], act: Callable[[Chosen], Draft], consent: Consent | None
) -> list[Outcome]:
    """All rows in one transaction, so that one look tells what they move; a refused row stays as it was."""
    sheet_access.require_keeper(actor, sheet)
    if len(chosen) > MOST:
        raise Invalid("sheet.too-many", {"most": MOST})
    found, drafts = [], []
    try:
        with transaction():
            for one in chosen:
                try:
                    with db.session.begin_nested():
                        drafts.append(act(one))
                except RuleError as error:
                    found.append(Outcome(one.row_id, error))
                else:
                    found.append(Outcome(one.row_id))
            sheets.settle(actor, sheet, drafts, consent)
    finally:
        calendar.forget()
    return found


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
