"""Texts of Flask-AppBuilder and Flask-Login that its pages can show here and that its own Chinese catalogue lacks
or words poorly. Our catalogue is read after theirs, so what is extracted from this list wins.
"""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802  the customary mark for extraction
    """The text itself: only a mark for `make translations`."""
    return text


TEXTS: tuple[str, ...] = (
    # names of filters
    N_("Ends with"),
    N_("Equal to"),
    N_("Greater than"),
    N_("In"),
    N_("No Relation"),
    N_("Not Ends with"),
    N_("Not In"),
    N_("Not Starts with"),
    N_("Relation"),
    N_("Relation as Many"),
    N_("Smaller than"),
    N_("Starts with"),
    # messages
    N_("Database Error"),
    N_("Integrity error, probably unique constraint"),
    N_("Not a valid choice"),
    N_("Please log in to access this page."),
)
