"""The dispatch catalogue: the generated pages, and a warning when two entries name two units for the same thing."""

from __future__ import annotations

from typing import Any

from flask import flash
from flask_babel import gettext as _

from app import words
from app.dictionary import SheetView
from app.services import dispatch


class DispatchSheetView(SheetView):
    """Entries are saved although they contradict each other, because a change takes two steps; it is said, though."""

    def _tell(self, row: Any) -> None:
        super()._tell(row)
        others = dispatch.contradicted([row]).get(row.id, [])
        if others:
            units = words.listed(dict.fromkeys(words.named(other.unit) for other in others))
            flash(_("Another entry in use names a different unit for the same: %(units)s.", units=units), "warning")
