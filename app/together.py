"""A form that somebody else overtook: what changed meanwhile, what both changed, and nothing typed is lost.

A form carries what it started with as short digests (`base`) and the last journal row it saw (`seen_journal`). Sent
over a newer version it comes back with what the others did; a field nobody touched here follows them, a field both
touched keeps what was typed and shows the other's value beside it, to be taken over by a button.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from app import forms, timeline
from app.rules.workflow import FieldSpec, FieldType
from app.services import together
from app.services.actors import Actor

# What a form proposes for this moment is no value of the appeal.
_OF_THE_MOMENT = frozenset({"informed_at", "instructed_on"})


@dataclass(frozen=True)
class Overtaken:
    """What others did since the form was opened, the form's values with theirs, and theirs where both wrote."""

    changes: list[dict[str, Any]]
    values: Mapping[str, Any]
    theirs: Mapping[str, str] = field(default_factory=dict)


def base(specs: Iterable[FieldSpec], values: Mapping[str, Any]) -> str:
    """What the fields of a form start with, as digests."""
    return json.dumps({spec.name: _digest(_text(spec, values.get(spec.name))) for spec in _comparable(specs)})


def overtaken(
    actor: Actor, appeal_id: int, specs: Iterable[FieldSpec], sent: MultiDict[str, str], stands: Mapping[str, Any]
) -> Overtaken:
    """What to show of a form that was sent over a newer version; `stands` is what it would start with now."""
    was, values, theirs = _base_of(sent), MultiDict(sent), {}
    for spec in _comparable(specs):
        now, typed = _text(spec, stands.get(spec.name)), _text(spec, sent.get(spec.name, ""))
        known = was.get(spec.name)
        if known is None or typed == now or _digest(now) == known:
            continue
        if _digest(typed) == known:
            values[spec.name] = now
        else:
            theirs[spec.name] = now
    seen = sent.get("seen_journal", 0, type=int)
    changes = timeline.differences(together.since(actor, appeal_id, seen)) if seen else []
    return Overtaken(changes, values, theirs)


def typed_texts(specs: Iterable[FieldSpec], sent: Mapping[str, str]) -> list[tuple[str, str]]:
    """(name of the field, what was typed) of the texts of a form that cannot be sent any more."""
    wanted = (FieldType.TEXT, FieldType.LONG_TEXT)
    typed = ((spec.name, _plain(sent.get(spec.name, ""))) for spec in specs if spec.type in wanted)
    return [(name, text) for name, text in typed if text]


def _comparable(specs: Iterable[FieldSpec]) -> list[FieldSpec]:
    lists = (FieldType.FILES, FieldType.CHOICES)
    return [spec for spec in specs if spec.type not in lists and spec.name not in _OF_THE_MOMENT]


def _base_of(sent: Mapping[str, str]) -> dict[str, str]:
    try:
        found = json.loads(sent.get("base", ""))
    except ValueError:
        return {}
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _text(spec: FieldSpec, value: Any) -> str:
    """A value as the form sends it, so that both sides are compared alike."""
    text = _plain(str(forms.as_text(value)))
    if spec.type is FieldType.BOOLEAN:
        return "True" if text in ("True", "1", "on", "y", "true") else ""
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
