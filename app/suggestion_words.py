"""Suggestions in words: what is suggested, and why."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app import dispatch_words, words
from app.services.suggestions import FromCatalogue, FromPast, Reason, Suggestion, Suggestions


def told(found: Suggestions) -> dict[str, list[dict[str, Any]]]:
    """Everything as the page shows it (frontend/src/suggestions.ts)."""
    return {
        "categories": [_told(one) for one in found.categories],
        "units": [_told(one) for one in found.units],
    }


def _told(one: Suggestion) -> dict[str, Any]:
    reasons = [_reason(reason) for reason in one.reasons]
    return {"code": one.row.code, "label": words.named(one.row), "reasons": reasons}


def _reason(reason: Reason) -> str:
    if isinstance(reason, FromCatalogue):
        return _catalogue(reason)
    if isinstance(reason, FromPast):
        said = ngettext(
            "%(count)d of %(num)d similar past appeal",
            "%(count)d of %(num)d similar past appeals",
            reason.of,
            count=reason.count,
        )
        return _("%(what)s: %(numbers)s", what=said, numbers=", ".join(reason.numbers)) if reason.numbers else said
    said = " ".join(reason.words)
    return _("Words that speak for it, by %(count)d appeals: %(words)s", count=reason.texts, words=said)


def _catalogue(reason: FromCatalogue) -> str:
    said = _("Catalogue: %(about)s", about=dispatch_words.about(reason.entry))
    if reason.is_likely:
        said = _("%(what)s (if the category is right)", what=said)
    if reason.is_place_named:
        said = _("%(what)s (the text names the place)", what=said)
    basis = reason.entry.basis
    return _("%(what)s; basis: %(basis)s", what=said, basis=basis) if basis else said
