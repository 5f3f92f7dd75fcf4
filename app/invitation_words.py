"""What inviting many says in the reader's language: columns, problems by person, the workbook to fill in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import words
from app.messages import sentence
from app.models import Person, Unit
from app.reports import xlsx
from app.reports.table import Book, Column, ReportTable, wording
from app.rules.errors import FieldErrors, RuleError
from app.services import present
from app.services.sheet_rows import rows_by_id

COLUMNS: Mapping[str, Any] = {"name": _l("Name"), "unit": _l("Unit"), "username": _l("User name")}


def errors(error: RuleError) -> list[str]:
    """The sentences of a refused invitation, each with the name of the person it is about."""
    if not isinstance(error, FieldErrors):
        return [sentence(error.code, error.data)]
    ids = [int(problem.field.partition("-")[2]) for problem in error.problems]
    people = rows_by_id(Person, ids)
    return [
        f"{words.named(people.get(person_id)) or person_id}: {sentence(problem.code, problem.data)}"
        for person_id, problem in zip(ids, error.problems, strict=True)
    ]


def workbook(people: Sequence[tuple[Person, Unit | None]]) -> BytesIO:
    """The list to fill in and hand in again."""
    title = _("Without account")
    table = ReportTable(
        title=title,
        columns=tuple(Column(code, str(label), width=28) for code, label in COLUMNS.items()),
        rows=[(person.name, unit.name if unit else "", person.code) for person, unit in people],
        frozen=1,
    )
    file = BytesIO()
    book = Book(title, (table,), wording(_))
    xlsx.render(book, created_at=present.now(), zone=present.zone(), out=file)
    file.seek(0)
    return file
