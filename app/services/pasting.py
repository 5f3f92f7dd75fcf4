"""Several pasted items: what each lacks before it is taken in, and which of them are known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.models import Appeal
from app.rules import similarity
from app.rules.errors import FieldErrors, FieldProblem
from app.services import access, similar
from app.services.actors import Actor
from app.services.sheet import missing_fields, write_sheet
from app.services.similar import Found, Typed


@dataclass(frozen=True, slots=True)
class Double:
    """What one pasted item is like: appeals that are known, or (counted from 0) an item above it."""

    known: tuple[Found, ...] = ()
    above: int | None = None


def problems(channel_class: str, data: Mapping[str, object]) -> tuple[FieldProblem, ...]:
    """What is wrong with an item and what it lacks for being submitted; nothing is written."""
    appeal = Appeal(channel_class=channel_class)
    try:
        write_sheet(appeal, data)
    except FieldErrors as error:
        return tuple(error.problems)
    return tuple(FieldProblem(name, "field.required") for name in missing_fields(appeal, data))


def doubles(actor: Actor, items: Sequence[Mapping[str, str]]) -> list[Double]:
    """For each item what it is like, among what this person may see and among the items above it.

    Raises Refused for somebody who collects nothing.
    """
    access.require_anywhere(actor, "collect")
    weights = similar.weights()
    found: list[Double] = []
    for number, item in enumerate(items):
        known = similar.look(actor, _typed(item)).likely
        texts = [f"{one.get('subject', '')} {one.get('body', '')}" for one in items[: number + 1]]
        above = next(
            (at for at in range(number) if similarity.percent(texts[at], texts[number]) >= weights.percent), None
        )
        found.append(Double(known[:2], above))
    return found


def _typed(item: Mapping[str, str]) -> Typed:
    return Typed(
        phone=item.get("appellant_phone", ""),
        identity=item.get("appellant_identity", ""),
        subject=item.get("subject", ""),
        body=item.get("body", ""),
        place=item.get("place", ""),
        petition_number=item.get("petition_number", ""),
    )
