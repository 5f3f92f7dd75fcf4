"""Personnel changes in words: what a place is called, what a change does in one sentence, a record before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import format_datetime, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import words
from app.models import Person, StaffingChange
from app.services import present
from app.services.change_records import Place
from app.services.changes import Plan

KINDS: Mapping[str, Any] = {
    "holding": _l("Holder of a post"),
    "leader": _l("Responsible leader of a post"),
    "chain": _l("Responsibility chain"),
    "portfolio": _l("Portfolio"),
    "leaver": _l("Leaving"),
}
STATES: Mapping[str, Any] = {
    "filed": _l("To be acknowledged"),
    "acknowledged": _l("Acknowledged"),
    "undone": _l("Undone"),
}
TONES: Mapping[str, str] = {"filed": "warn", "acknowledged": "ok", "undone": ""}


def place_label(place: Place | StaffingChange) -> str:
    """What a place is called: a post and a role, a unit with link and role, a line of the portfolio, a person."""
    if place.kind == "holding":
        return f"{words.named(place.post)} · {words.ROLES[place.role or 'A']}"
    if place.kind == "leader":
        return f"{words.named(place.post)} · {_('Responsible leader')}"
    if place.kind == "chain":
        link = words.LINKS[place.link or "first"]
        return f"{words.named(place.unit)} · {link} · {words.ROLES[place.role or 'A']}"
    if isinstance(place, StaffingChange) and place.portfolio is not None:
        return words.named(place.portfolio)
    return str(KINDS[place.kind])


def options(places: Sequence[Place]) -> list[dict[str, Any]]:
    """Places as a choice field offers them: posts first, then each unit's chain."""
    posts, chains = _("Posts"), _("Responsibility chains")
    return [
        {
            "value": place.key,
            "label": place_label(place),
            "pinyin": getattr(place.post or place.unit, "name_pinyin", ""),
            "group": posts if place.post is not None else chains,
        }
        for place in places
    ]


def _with_unit(person: Person) -> str:
    name = words.named(person)
    return _("%(name)s (%(unit)s)", name=name, unit=words.named(person.unit)) if person.unit else name


def people(rows: Sequence[Person]) -> list[dict[str, Any]]:
    """People as a choice field offers them, with the unit that tells two of one name apart."""
    return [
        {
            "value": row.id,
            "label": _with_unit(row),
            "pinyin": row.name_pinyin,
        }
        for row in rows
    ]


def moment(value: datetime) -> str:
    """A moment in the configured zone, to the minute."""
    return str(format_datetime(value, "yyyy-MM-dd HH:mm"))


def now_sentence(plan: Plan, place: Place) -> str:
    """Who stands there at the moment of the change, since when."""
    named = {"place": place_label(place), "person": words.named(plan.outgoing)}
    if plan.outgoing is None:
        return _("%(place)s: nobody stands there at that moment.", **named)
    if plan.since is None:
        return _("%(place)s: %(person)s stands there.", **named)
    return _("%(place)s: %(person)s stands there since %(since)s.", **named, since=moment(plan.since))


def sentence(plan: Plan, place: Place, newcomer: str = "") -> str:
    """What the change does, in one sentence."""
    person = newcomer or words.named(plan.incoming)
    named = {
        "place": place_label(place),
        "at": moment(plan.change.at),
        "person": person,
        "before": words.named(plan.outgoing),
    }
    if not person:
        return _("From %(at)s on nobody stands in %(place)s; %(before)s hands it over then.", **named)
    if plan.outgoing is None:
        return _("From %(at)s on %(person)s stands in %(place)s, where nobody stood.", **named)
    return _("From %(at)s on %(person)s stands in %(place)s and follows %(before)s.", **named)


def consequences(plan: Plan, waiting: int, unreached: str = "") -> list[str]:
    """What else follows from it: how long it holds, what passes on, who is told; why nobody reaches who comes."""
    found, at, now = [], plan.change.at, present.now()
    if unreached:
        found.append(_("%(cause)s. Until that is mended it counts as a gap.", cause=words.CAUSES[unreached]))
    if plan.until is not None:
        until = moment(plan.until)
        found.append(_("It holds until %(until)s: then the next one already entered follows.", until=until))
    if at > now + timedelta(minutes=1):
        found.append(_("Until then nothing changes."))
    elif is_late(at, now):
        found.append(_("The moment lies in the past: the record is marked as filed afterwards."))
    if waiting:
        found.append(
            ngettext(
                "%(num)s open appeal of this post passes on with it.",
                "%(num)s open appeals of this post pass on with it.",
                waiting,
            )
        )
    found.append(_("The duty office gets a numbered record to acknowledge; who comes and who goes is told."))
    return found


def written(value: str) -> str:
    """A moment as a record keeps it, as a page shows it."""
    return moment(datetime.fromisoformat(value))


def is_late(effective_at: datetime, filed_at: datetime) -> bool:
    """Whether a change was filed on a later day than the one from which it holds (R16: at once)."""
    zone = present.zone()
    return effective_at.astimezone(zone).date() < filed_at.astimezone(zone).date()


def side(values: Mapping[str, Any]) -> str:
    """One side of a record, before or after, in a line: the person, or every place it speaks of."""
    if not values:
        return _("Vacant")
    if "person" in values or "name" in values:
        return words.either(str(values.get("name", "")), str(values.get("name_en", "")))
    return "；".join(_entry(value) for value in values.values() if value)


def _entry(value: Any) -> str:
    if isinstance(value, Mapping):
        return words.either(str(value.get("name", "")), str(value.get("name_en", "")))
    if isinstance(value, list):
        return words.listed(_entry(one) for one in value)
    return str(value)


PLACES: Mapping[str, Any] = {
    "holding": _l("Holds a post"),
    "chain": _l("Stands in a chain"),
    "leader": _l("Responsible leader"),
    "membership": _l("Function in a unit"),
    "duty": _l("Duty shift to come"),
    "shift": _l("Duty shift under way"),
    "stand_in": _l("Stands in for somebody"),
    "portfolio": _l("Portfolio line"),
}
_SEATS: Mapping[str, Any] = {"main": _l("Main seat (A)"), "second": _l("Second seat (B)")}
_LEADS: Mapping[str, Any] = {"vice_mayor": _l("Vice mayor"), "deputy": _l("Deputy secretary-general")}


def left_place(place: Mapping[str, Any]) -> str:
    """A place that somebody leaves, as a record keeps it, in a line."""
    role, link = place.get("role"), place.get("link")
    roles = {**words.ROLES, **words.FUNCTIONS, **_SEATS, **_LEADS}
    parts = [words.either(place.get("name"), place.get("name_en"))]
    parts += [str(words.LINKS[link])] if link in words.LINKS else []
    parts += [str(roles[role])] if role in roles else []
    return f"{PLACES[place['kind']]}: {' · '.join(parts)}"


def outcome(row: StaffingChange) -> str:
    """The side "after" of a record in a line."""
    if row.kind == "leaver":
        return str(_("Has left") if "left_at" in row.after else _("Leaves at that moment"))
    return side(row.after)


def who_filed(row: StaffingChange) -> str:
    """Who filed a record: a person, an officer, or the software."""
    if row.filed_by is not None:
        return words.named(row.filed_by)
    return str(words.CAPABILITIES["system"] if row.filed_by_user_id else _("The software"))
