"""Number formats: the generated pages, which say how the next number reads when a format was changed (R4)."""

from __future__ import annotations

from typing import Any

from flask import flash
from flask_babel import gettext as _

from app.dictionary import SheetView
from app.services import number_checks


class NumberFormatView(SheetView):
    """A format that was saved is shown with the number it gives next."""

    def _tell(self, row: Any) -> None:
        upcoming = number_checks.drawn(row)[0].next_number
        flash(_("Saved. The next number will be %(number)s.", number=upcoming), "success")
