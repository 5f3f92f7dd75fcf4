"""The words of the pages on fields made at run time, and what a form of such a page sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.models import FieldConversion, FieldDefinition
from app.reports import xlsx
from app.reports.table import Book, Column, ReportTable, wording
from app.rules.definitions import NEVER_INDEXED, NEVER_UNIQUE, OPTIONED, REPORTED
from app.rules.values import COMPUTED, NUMBERS, TEXTS, TIMES, ValueKind
from app.services import present

K = ValueKind
KINDS: Mapping[ValueKind, tuple[Any, Any]] = {
    K.TEXT: (_l("Text"), _l("One line: a name, a number with leading zeros, a file reference.")),
    K.LONG: (_l("Long text"), _l("Several lines.")),
    K.NUMBER: (
        _l("Numeric value"),
        _l(
            "A quantity that can be summed. A unit in brackets at the end of its name says what is typed: in "
            "“Share (%)” 12 per cent is 12, without a unit 0.12."
        ),
    ),
    K.MONEY: (
        _l("Money"),
        _l("An amount with two decimals; a unit in brackets at the end of its name, as with a number."),
    ),
    K.DATE: (_l("Date"), _l("A day; typed without a year it is of this year.")),
    K.MOMENT: (_l("Moment"), _l("A day and a time of day.")),
    K.BOOL: (_l("Yes or no"), _l("A tick.")),
    K.CHOICE: (_l("One choice"), _l("One entry of a list, in its colour.")),
    K.CHOICES: (_l("Several choices"), _l("Any entries of a list.")),
    K.PERSON: (_l("Person"), _l("Somebody of the roster.")),
    K.UNIT: (_l("Unit"), _l("A unit of the three groups or an office.")),
    K.POST: (_l("Post"), _l("A post of the staffing table.")),
    K.FILES: (_l("Attachment"), _l("One or several files: scans, pictures, recordings, documents.")),
    K.LINK: (_l("Link to a row"), _l("A row of another sheet.")),
    K.LOOKUP: (_l("Lookup"), _l("What a linked row says in one of its columns.")),
    K.ROLLUP: (_l("Rollup"), _l("Count or sum of the rows that link to this one.")),
    K.FORMULA: (_l("Formula"), _l("Computed from other columns of the row, as in Excel.")),
}
COLOUR_WORDS: Mapping[str, Any] = {
    "grey": _l("Grey"), "red": _l("Red"), "orange": _l("Orange"), "yellow": _l("Yellow"), "green": _l("Green"),
    "teal": _l("Teal"), "blue": _l("Blue"), "purple": _l("Purple"),
}  # fmt: skip
FIGURE_WORDS: Mapping[str, Any] = {
    "count": _l("How many rows"), "sum": _l("Sum"), "avg": _l("Average"), "min": _l("Least"), "max": _l("Greatest"),
}  # fmt: skip
TONES: Mapping[str, str] = {
    "grey": "neutral", "red": "danger", "orange": "warn", "yellow": "warn", "green": "ok", "teal": "teal",
    "blue": "info", "purple": "violet",
}  # fmt: skip
EMPTY_OPTIONS = 5
_FLAGS = ("required", "is_unique", "is_indexed", "on_form", "in_reports")
_LISTS = ("states", "required_states", "classes", "reader_post_ids", "writer_post_ids")
_PLAIN = ("longest", "mask", "least", "most", "decimals", "default", "to", "field", "column", "figure", "formula")


def kind_of(text: str) -> ValueKind | None:
    """The kind a page was asked for, None for one that is not offered."""
    return next((kind for kind in KINDS if kind == text), None)


def needs(kind: ValueKind) -> Mapping[str, bool]:
    """What the form of a field of this kind asks for."""
    return {
        "options": kind in OPTIONED, "text": kind in TEXTS, "number": kind in NUMBERS, "time": kind in TIMES,
        "default": kind in OPTIONED | TEXTS | NUMBERS, "computed": kind in COMPUTED, "unique": kind not in NEVER_UNIQUE,
        "indexed": kind not in NEVER_INDEXED, "reports": kind in REPORTED,
    }  # fmt: skip


def sent(form: MultiDict[str, str], kind: ValueKind) -> dict[str, Any]:
    """A definition as the form wrote it, for the service to read."""
    found: dict[str, Any] = {name: form.get(name, "") for name in ("label", "label_en", "help", "code")}
    found |= {name: name in form for name in _FLAGS} | {name: form.getlist(name) for name in _LISTS}
    asked: dict[str, Any] = {name: form.get(name, "") for name in _PLAIN if form.get(name)}
    return found | {"kind": str(kind), "parameters": asked | {"options": _options(form)}}


def _options(form: MultiDict[str, str]) -> list[dict[str, Any]]:
    lines = []
    for n in range(_lines(form)):
        if form.get(f"option_{n}", "").strip():
            place = form.get(f"place_{n}", "")
            lines.append((
                int(place) if place.isascii() and place.isdigit() and len(place) < 5 else n + 1, n,
                {
                    "code": form.get(f"code_{n}", ""), "label": form.get(f"option_{n}", ""),
                    "label_en": form.get(f"option_en_{n}", ""), "colour": form.get(f"colour_{n}", "grey"),
                    "active": f"active_{n}" in form,
                },
            ))  # fmt: skip
    return [one for _place, _n, one in sorted(lines, key=lambda line: line[:2])]


def _lines(form: MultiDict[str, str]) -> int:
    numbers = [int(name[7:]) for name in form if name.startswith("option_") and name[7:].isdigit() and len(name) < 11]
    return max(numbers, default=-1) + 1


def shown(row: FieldDefinition | None) -> dict[str, Any]:
    """What the form holds before anything was sent."""
    if row is None:
        return {"on_form": True, "parameters": {}, **{name: [] for name in _LISTS}}
    found = {name: getattr(row, name) for name in ("label", "label_en", "help", *_FLAGS, *_LISTS)}
    return found | {"parameters": row.parameters or {}, "code": row.code}


def lost_workbook(
    row: FieldDefinition, kept: FieldConversion, lines: Sequence[tuple[int, str, str, str]], sheet: str
) -> BytesIO:
    """What a change of kind cost, as a workbook in the reader's language."""
    old, new = (str(KINDS[ValueKind(kind)][0]) for kind in (kept.old_kind, kept.made["kind"]))
    columns = (
        Column("id", _("No."), "int"), Column("row", _("Row"), width=30),
        Column("old", _("As “%(kind)s”", kind=old), width=40), Column("new", _("As “%(kind)s”", kind=new), width=30),
    )  # fmt: skip
    facts = (_("%(sheet)s: %(lost)s values lost, %(coarser)s less exact", sheet=sheet, lost=kept.lost,
               coarser=kept.coarser),)  # fmt: skip
    title = _("Values of “%(field)s” before its change of kind", field=row.label)
    table = ReportTable(title, columns, lines, facts=facts, frozen=2)
    file = BytesIO()
    book = Book(title, (table,), wording(_))
    xlsx.render(book, created_at=kept.at, zone=present.zone(), out=file)
    file.seek(0)
    return file


def about(row: FieldDefinition) -> str:
    """A definition in a few words, for the list of a sheet."""
    said = []
    if row.required or row.required_states:
        said.append(_("required"))
    if row.is_unique:
        said.append(_("unique"))
    if row.is_indexed:
        said.append(_("indexed"))
    if row.in_reports:
        said.append(_("in reports"))
    if row.states or row.classes:
        said.append(_("only in some states or classes"))
    if row.reader_post_ids:
        said.append(_("only for some posts"))
    return " · ".join(said)
