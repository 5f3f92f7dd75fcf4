"""The sheet of the dispatch catalogue (派单目录); declared here because app/sheets.py has enough of its own."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app import dispatch_words
from app.models import DispatchEntry
from app.rules.entries import Field, Kind
from app.services.sheet_rows import Sheet

DISPATCH = Sheet(
    "Dispatch",
    "dispatch",
    DispatchEntry,
    _l("Catalogue entry"),
    _l("Dispatch catalogue"),
    (
        Field(
            "category",
            _l("Category"),
            Kind.ROW,
            to="any_category",
            searchable=True,
            help=_l("With everything below it. Empty: any category."),
        ),
        Field(
            "place",
            _l("Place"),
            searchable=True,
            orderable=True,
            help=_l("A county, district or scenic area as appeals write it (R7). Empty: anywhere."),
        ),
        Field(
            "keywords",
            _l("Words"),
            searchable=True,
            help=_l("One of them must stand in the appeal; separate them by commas. Empty: any words."),
        ),
        Field("unit", _l("Unit"), Kind.ROW, required=True, to="responsible_unit", searchable=True, bulk=True),
        Field("basis", _l("Basis"), Kind.LONG, help=_l("Shown with each suggestion: the rule this follows from.")),
        Field("valid_from", _l("Valid from"), Kind.DATE, orderable=True),
        Field("valid_until", _l("Valid until"), Kind.DATE, orderable=True, help=_l("The last day. Empty: open end.")),
        Field(
            "source",
            _l("Source"),
            Kind.CHOICE,
            choices=dispatch_words.SOURCES,
            default="manual",
            on_form=False,
            searchable=True,
        ),
        Field(
            "active",
            _l("Active"),
            Kind.BOOL,
            default=True,
            searchable=True,
            orderable=True,
            help=_l("Only entries in use are suggested."),
        ),
    ),
    ("category", "place", "keywords", "unit", "basis", "state"),
    ("place", "asc"),
    "Rules",
    "fa-route",
    _l("Which unit an appeal belongs to, by category and place. Suggested with its basis, never applied by itself."),
    keepers=("system", "triage"),
)
