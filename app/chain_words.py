"""Chains and the portfolio in words: names in a row, positions of the rule, where a place comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from flask_babel import format_datetime, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import words
from app.messages import sentence
from app.reports import xlsx
from app.reports.table import Book, Column, ReportTable, wording
from app.rules.chain_sheet import NO_PLACE, SPOTS, Problem, Spot, UnitFacts
from app.services import present

POSITIONS: Mapping[str, Any] = {
    "head": _l("Main person in charge"),
    "other_head": _l("Another leader of the unit"),
    "office_director": _l("Office director"),
    "other_office_head": _l("Another head of the office"),
    "deputy_office_director": _l("A deputy office director"),
    "county_mayor": _l("County, city or district mayor"),
    "executive_deputy": _l("Executive deputy mayor"),
    "main_leader": _l("Main leader"),
    "other_leader": _l("Another leader"),
    "section_head": _l("Head of the section"),
    "other_section_head": _l("Another head of the section"),
    "section_post_a": _l("A-role of the handling post"),
    "section_post_b": _l("B-role of the handling post"),
    "deputy_secretary_general": _l("Matching deputy secretary-general"),
    "vice_mayor": _l("Vice mayor in charge"),
    "to_be_named": _l("To be named"),
}


def short(unit: Any) -> str:
    """A unit's short name where many stand in a row; English readers get the English one."""
    return words.named(unit) if str(get_locale()) == "en" else str(unit.short_name or unit.name)


def listing() -> str:
    """What stands between two names."""
    return ", " if str(get_locale()) == "en" else "、"


def names(rows: Iterable[Any]) -> str:
    """Several names in a row."""
    return listing().join(words.named(row) for row in rows)


def spot(place: Spot | str) -> str:
    """A column of the workbook: 第一责任人A角, First responsible, A-role."""
    if isinstance(place, str):
        return _("Unit")
    link, role = place
    mark = ", " if str(get_locale()) == "en" else ""
    return f"{words.LINKS[link]}{mark}{words.ROLES[role]}"


def told(problem: Problem) -> str:
    """What is wrong in a cell."""
    return sentence(problem.code, problem.data)


def workbook(rows: Sequence[tuple[UnitFacts, Mapping[Spot, str]]], at: datetime) -> BytesIO:
    """All chains as a workbook: a row per unit, a column per place. Nothing stands below the rows: it is read again."""
    title = _("Responsibility chains")
    columns = [Column("code", _("Unit code"), width=20), Column("unit", _("Unit"), width=30)]
    columns += [Column("-".join(one), spot(one), width=18) for one in SPOTS]
    body = [
        (unit.code, _name_of(unit), *(cells.get(one, "") if one in unit.stands else NO_PLACE for one in SPOTS))
        for unit, cells in rows
    ]
    facts = (
        _("As it stands at %(moment)s.", moment=format_datetime(at, "yyyy-MM-dd HH:mm")),
        _("An empty cell is a vacancy; coordinating A, final A and final B follow from the portfolio."),
        _("Of two people with the same name, write unit, position or code in brackets behind it."),
        _("Units without a row and places without a column stay as they are."),
    )
    table = ReportTable(title=title, columns=tuple(columns), rows=body, facts=facts, frozen=2)
    file = BytesIO()
    book = Book(title, (table,), wording(_))
    xlsx.render(book, created_at=present.now(), zone=present.zone(), out=file)
    file.seek(0)
    return file


def _name_of(unit: UnitFacts) -> str:
    name, _short, english = unit.names
    return words.either(name, english)
