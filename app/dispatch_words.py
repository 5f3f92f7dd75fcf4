"""The dispatch catalogue in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import words
from app.models import DispatchEntry

SOURCES: Mapping[str, Any] = {"manual": _l("Entered here"), "objection": _l("Upheld objection")}


def about(entry: DispatchEntry) -> str:
    """What an entry is about: 水电气热 · 浔阳区 · 停电."""
    parts = (words.named(entry.category) if entry.category else "", entry.place, entry.keywords)
    return " · ".join(part for part in parts if part) or _("Everything")
