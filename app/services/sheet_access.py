"""Who keeps a sheet, and which of its rows are his own: asked by list, page, write, bulk action and export alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, true

from app.models import Contact
from app.rules.errors import Refused
from app.rules.grants import RowFacts
from app.services import access
from app.services.actors import Actor
from app.services.sheet_rows import Draft, Sheet

# The founding rule wants contact kept with broadcasters (C) and papers (D) only (R2).
CONTACT_CLASSES = ("C", "D")


@dataclass(frozen=True)
class OwnRows:
    """A sheet of which everybody keeps a part: whether he has one, which rows it is, what a draft lies outside of."""

    reads: Callable[[Actor], bool]
    clause: Callable[[Actor], ColumnElement[bool]]
    check: Callable[[Actor, Draft], None]
    defaults: Callable[[Actor], Mapping[str, Any]]


def contact_classes(actor: Actor) -> tuple[str, ...]:
    """The classes whose outlets this person keeps contact with: those he collects for (R2)."""
    return tuple(one for one in CONTACT_CLASSES if actor.grants.covering("collect", RowFacts(one)))


def contacts_of(actor: Actor) -> ColumnElement[bool]:
    """SQL: the outlets this person keeps contact with, whichever way he comes to them."""
    return Contact.channel_class.in_(contact_classes(actor))


def _check_contact(actor: Actor, draft: Draft) -> None:
    if draft.values.get("channel_class") not in contact_classes(actor):
        draft.wrong("channel_class", "contact.foreign-class")


def _contact_defaults(actor: Actor) -> Mapping[str, Any]:
    found = contact_classes(actor)
    return {"channel_class": found[0]} if len(found) == 1 else {}


_OWN: Mapping[str, OwnRows] = {
    "contacts": OwnRows(
        reads=lambda actor: bool(contact_classes(actor)),
        clause=contacts_of,
        check=_check_contact,
        defaults=_contact_defaults,
    )
}


def keeps(actor: Actor, sheet: Sheet) -> bool:
    """Whether this person writes rows of the sheet."""
    return any(actor.grants.can(capability) for capability in sheet.keepers) and reads(actor, sheet)


def reads(actor: Actor, sheet: Sheet) -> bool:
    """Whether a part of the sheet is his; of a sheet without parts, that is for its permission word to say."""
    own = _OWN.get(sheet.code)
    return own is None or own.reads(actor)


def require_keeper(actor: Actor, sheet: Sheet) -> None:
    """Refuse unless this person keeps the sheet. Raises Refused("access.not-granted")."""
    access.require_anywhere(actor, *sheet.keepers)
    require_reader(actor, sheet)


def require_reader(actor: Actor, sheet: Sheet) -> None:
    """Refuse who has no part of the sheet. Raises Refused("access.not-granted")."""
    if not reads(actor, sheet):
        raise Refused("access.not-granted", {"capability": sheet.keepers[0]})


def rows_of(actor: Actor, sheet: Sheet) -> ColumnElement[bool]:
    """SQL: the rows of the table that are this sheet's, and his."""
    parts: list[ColumnElement[bool]] = [getattr(sheet.model, name) == value for name, value in sheet.only.items()]
    own = _OWN.get(sheet.code)
    if own is not None:
        parts.append(own.clause(actor))
    return and_(true(), *parts)


def check_own(actor: Actor, draft: Draft) -> None:
    """Add a problem to a draft that would leave his part of the sheet."""
    own = _OWN.get(draft.sheet.code)
    if own is not None:
        own.check(actor, draft)


def defaults_for(actor: Actor, sheet: Sheet) -> Mapping[str, Any]:
    """What a new row of his holds before anybody types."""
    own = _OWN.get(sheet.code)
    return own.defaults(actor) if own is not None else {}


def acting_for(actor: Actor, sheet: Sheet) -> dict[str, Any]:
    """The post and role under which this person keeps the sheet, as the journal wants them; officers have none."""
    found = next((one for one in actor.grants.grants if one.capability in sheet.keepers), None)
    return {"post_id": found.post_id, "role": found.role} if found is not None else {}
