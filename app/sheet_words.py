"""Rows of the dictionaries in words: cells of a list, fields of a page, changes, in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import format_datetime
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app import dispatch_words, extra_forms, words
from app.models import Category, DispatchEntry, Journal
from app.rules import chain, numbering
from app.rules.entries import Field, Kind, Place
from app.rules.errors import RuleError
from app.services import dispatch, portfolio, present, vacancies
from app.services.sheet_rows import Sheet, masked_mobile, rows_by_code, rows_by_id, values_of
from app.sheets import SHEETS

Compute = Callable[[Sequence[Any]], dict[int, Any]]

# Places that the founding rule wants filled: empty, they are shown as vacant, never left blank.
LEADERS = frozenset({"leader"})


def chip(text: object, tone: str = "", icon: str = "") -> Markup:
    """A chip of the page macros."""
    macros = current_app.jinja_env.get_template("_macros/ui.html").module
    return Markup(macros.chip(text, tone, icon))  # type: ignore[attr-defined]  # noqa: S704 - made by the macro


def vacant() -> Markup:
    """How a place looks in which nobody stands."""
    return chip(_("Vacant"), "warn", "user-slash")


def named_or_vacant(rows: Sequence[Any]) -> str:
    """Names, or the vacancy."""
    return words.listed(words.named(row) for row in rows) if rows else vacant()


def shown(row: Any, field: Field, *, is_list: bool = False) -> Any:
    """A field of a row as a page shows it; a list shows the name in the reader's language."""
    if is_list and field.name in ("name", "title"):
        return words.titled(row, field.name)
    if field.kind is Kind.MOBILE:
        return masked_mobile(row)
    if field.kind is Kind.ROW:
        other = _other(row, field)
        return vacant() if other is None and field.name in LEADERS else words.named(other)
    if field.place in (Place.MAIN, Place.SECOND):
        people = [seat.person for seat in row.seats if seat.seat == field.place.value]
        return named_or_vacant(people)
    if field.kind is Kind.ROWS:
        return [words.named(other) for other in rows_by_code(field.to, _stored(row, field) or [])]
    return _worded(field, _stored(row, field))


def _other(row: Any, field: Field) -> Any:
    if field.name == "parent":
        return _parents([row]).get(row.parent_id)
    return getattr(row, field.name)


def _stored(row: Any, field: Field) -> Any:
    if field.place is Place.LOWER:
        return row.valid.lower
    if field.place is Place.UPPER:
        return row.valid.upper
    if field.place is Place.PARAMETER:
        return (row.parameters or {}).get(field.name, field.default)
    return getattr(row, field.column)


def _worded(field: Field, value: Any) -> Any:
    if field.kind is Kind.CHOICE:
        return str(field.choices.get(value, value or ""))
    if field.kind is Kind.CHOICES:
        return [str(field.choices.get(one, one)) for one in value or []]
    if field.kind is Kind.JSON:
        return json.dumps(value, ensure_ascii=False)
    if field.kind is Kind.TIME and value:
        return value[:5]
    return value


# --- columns that are computed for a whole page of rows --------------------------------------------------------


def _holders(posts: Sequence[Any]) -> dict[int, Any]:
    found = vacancies.holders_of(posts)
    return {
        post.id: Markup(" ").join(
            Markup("<span class='nowrap'><b>{}</b> {}</span>").format(role, named_or_vacant(found[post.id][role]))
            for role in "AB"
        )
        for post in posts
    }


def _periods(rows: Sequence[Any]) -> dict[int, Any]:
    now = present.now()
    return {row.id: period_chip(row.valid, now) for row in rows}


def period_chip(valid: Any, now: datetime) -> Markup:
    """Whether a period is over, to come or in force."""
    if valid.upper is not None and valid.upper <= now:
        return chip(_("Over"))
    if valid.lower is not None and valid.lower > now:
        return chip(_("To come"), "info")
    return chip(_("In force"), "ok")


def _vacancies(units: Sequence[Any]) -> dict[int, Any]:
    found = {unit_id: chain.vacancies(places) for unit_id, places in vacancies.chains_of(units).items()}
    return {
        unit_id: chip(_("%(count)s vacant", count=len(places)), "warn", "user-slash") if places else ""
        for unit_id, places in found.items()
    }


def _lines_of(units: Sequence[Any]) -> dict[int, Any]:
    return {unit_id: words.named(line.row) for unit_id, line in portfolio.lines_of([u.id for u in units]).items()}


def _in_line(place: str) -> Compute:
    def compute(rows: Sequence[Any]) -> dict[int, Any]:
        lines = portfolio.lines_at(only=[row.id for row in rows])
        return {line.id: words.named(found) if (found := getattr(line, place)) else vacant() for line in lines}

    return compute


def _posts_of(offices: Sequence[Any]) -> dict[int, Any]:
    """The posts an office answers for."""
    found = vacancies.posts_under([office.id for office in offices])
    return {office_id: words.listed(words.named(post) for post in posts) for office_id, posts in found.items()}


def _parents(categories: Sequence[Any]) -> dict[int, Any]:
    return rows_by_id(Category, [row.parent_id for row in categories])


def _under(categories: Sequence[Any]) -> dict[int, Any]:
    parents = _parents(categories)
    return {row.id: words.named(parents.get(row.parent_id)) for row in categories}


def _kept_values(assumptions: Sequence[Any]) -> dict[int, Any]:
    """The value, or the sheet in which it is kept."""
    return {row.id: _kept_value(row.value) for row in assumptions}


def _kept_value(value: Any) -> str:
    kept = value.get("see") if isinstance(value, dict) else None
    sheet = next((one for one in SHEETS if one.model.__tablename__ == kept), None)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return _("kept in: %(sheet)s", sheet=sheet.label_plural) if sheet else json.dumps(value, ensure_ascii=False)


def _examples(series: Sequence[Any]) -> dict[int, Any]:
    return {row.id: _example(row.template) for row in series}


def _example(template: str) -> str:
    fields = {"class": "A"}
    try:
        return numbering.render(template, year=present.today().year, seq=12, **fields)
    except RuleError:
        return ""


def _dispatch_states(rows: Sequence[Any]) -> dict[int, Any]:
    against = dispatch.contradicted(rows)
    return {row.id: _dispatch_state(row, bool(against.get(row.id))) for row in rows}


def _dispatch_state(row: Any, is_contradicted: bool) -> Markup:
    today = present.today()
    if not row.active:
        return chip(_("Proposed"), "info") if row.source == "objection" and row.version == 1 else chip(_("Out of use"))
    if is_contradicted:
        return chip(_("Two units"), "warn")
    if row.valid_until is not None and row.valid_until < today:
        return chip(_("Over"))
    if row.valid_from is not None and row.valid_from > today:
        return chip(_("To come"), "info")
    return chip(_("In force"), "ok")


# (sheet, column): its label and what it shows for each row of a page.
COMPUTED: Mapping[tuple[str, str], tuple[Any, Compute]] = {
    ("posts", "holders"): (_l("Holders"), _holders),
    ("holdings", "period"): (_l("State"), _periods),
    ("shifts", "period"): (_l("State"), _periods),
    ("absences", "period"): (_l("State"), _periods),
    ("chains", "period"): (_l("State"), _periods),
    ("units", "portfolio"): (_l("Portfolio line"), _lines_of),
    ("units", "vacancies"): (_l("Chain"), _vacancies),
    ("portfolio", "vice_mayor"): (_l("Vice mayor"), _in_line("vice_mayor")),
    ("portfolio", "deputy"): (_l("Deputy secretary-general"), _in_line("deputy")),
    ("portfolio", "section"): (_l("Matching section"), _in_line("section")),
    ("offices", "posts"): (_l("Posts"), _posts_of),
    ("categories", "parent"): (_l("Under"), _under),
    ("dispatch", "state"): (_l("State"), _dispatch_states),
    ("assumptions", "value"): (_l("Value"), _kept_values),
    ("number_formats", "example"): (_l("Example"), _examples),
}


def label_of(sheet: Sheet, column: str) -> Any:
    """The label of a list's column."""
    known = COMPUTED.get((sheet.code, column))
    return known[0] if known else sheet.field(column).label


def cells(sheet: Sheet, rows: Sequence[Any], columns: Sequence[str]) -> list[dict[str, Any]]:
    """The cells of a page of rows, by column."""
    computed = {
        column: COMPUTED[sheet.code, column][1](rows) for column in columns if (sheet.code, column) in COMPUTED
    }
    return [
        {
            column: computed[column].get(row.id, "")
            if column in computed
            else shown(row, sheet.field(column), is_list=True)
            for column in columns
        }
        for row in rows
    ]


# --- forms and changes -----------------------------------------------------------------------------------------


def entered(field: Field, value: Any) -> Any:
    """A typed value as a form field holds it: text, or a list of texts."""
    if field.kind is Kind.MOBILE:
        return ""
    if field.kind is Kind.BOOL:
        return bool(value)
    if field.kind in (Kind.CHOICES, Kind.ROWS):
        return [str(one) for one in value or []]
    if field.kind is Kind.JSON:
        return json.dumps(value, ensure_ascii=False, indent=1)
    if isinstance(value, datetime):
        return value.astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)


def as_entered(sheet: Sheet, row: Any) -> dict[str, Any]:
    """What a form for this row holds before anybody types."""
    values = values_of(sheet, row)
    return {field.name: entered(field, values.get(field.name)) for field in sheet.fields}


def title_of(row: Any) -> str:
    """What a row is called on its own page."""
    for name in ("name", "title"):
        if hasattr(row, name):
            return words.titled(row, name)
    if isinstance(row, DispatchEntry):
        return f"{dispatch_words.about(row)} → {words.named(row.unit)}"
    named = [words.named(getattr(row, part)) for part in ("post", "unit", "office", "person") if hasattr(row, part)]
    return " · ".join(named) or str(getattr(row, "day", row.id))


def history_items(
    sheet: Sheet, children: Sequence[tuple[Sheet, str]], rows: Sequence[Journal]
) -> list[dict[str, Any]]:
    """Journal rows of a dictionary row and of what hangs on it, as the page macro `ui.timeline` takes them."""
    by_table = {child.model.__tablename__: child for child, _name in children} | {sheet.model.__tablename__: sheet}
    known = _names([(by_table[row.object_type], row) for row in rows if row.object_type in by_table])
    extras = {table: extra_forms.told(table, rows) for table in by_table}
    return [
        _item(row, by_table[row.object_type], sheet, known, extras[row.object_type])
        for row in rows
        if row.object_type in by_table
    ]


def _item(
    row: Journal, sheet: Sheet, owner: Sheet, known: Mapping[tuple[str, str], str], extra: extra_forms.Told
) -> dict[str, Any]:
    fields = {field.name: field for field in sheet.fields}
    title = str(words.CHANGES.get(row.action, row.action))
    is_whole = row.action == "create" or (row.action == "remove" and not row.new)
    values = row.new or row.old
    return {
        "at": row.at,
        "title": title if sheet is owner else f"{sheet.label}: {title}",
        "actor": _who(row),
        "post": words.named(row.post) if row.post else "",
        "role": row.role or "",
        "icon": {"create": "plus", "remove": "minus", "contact": "phone"}.get(row.action, "pen"),
        "body": row.reason,
        "changes": [
            (
                str(fields[name].label),
                "" if is_whole else _said(fields[name], row.old.get(name), known),
                _said(fields[name], value, known),
            )
            for name, value in values.items()
            if name in fields and not (is_whole and value in (None, "", [], False))
        ]
        + extra.changes(row.old, row.new),
    }


def _names(rows: Sequence[tuple[Sheet, Journal]]) -> dict[tuple[str, str], str]:
    """What the rows of other dictionaries are called that a journal names by their codes; a statement each."""
    wanted: dict[str, set[str]] = {}
    for sheet, row in rows:
        for field in sheet.fields:
            if field.kind in (Kind.ROW, Kind.ROWS):
                for value in (row.old.get(field.name), row.new.get(field.name)):
                    codes = value if isinstance(value, list) else [value]
                    wanted.setdefault(field.to, set()).update(code for code in codes if isinstance(code, str))
    return {
        (to, other.code): words.named(other) for to, codes in wanted.items() for other in rows_by_code(to, codes)
    }


def _who(row: Journal) -> str:
    if row.person is not None:
        return words.named(row.person)
    return str(words.CAPABILITIES["system"]) if row.user_id else words.process(row.acted_as)


def _said(field: Field, value: Any, known: Mapping[tuple[str, str], str]) -> str:
    if value is None or value in ("", []):
        return ""
    if field.kind is Kind.MOBILE:
        return str(_("on file")) if value else ""
    if field.kind in (Kind.ROW, Kind.ROWS):
        codes = value if isinstance(value, list) else [value]
        return words.listed(known.get((field.to, code), str(code)) for code in codes)
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if field.kind is Kind.MOMENT:
        return str(format_datetime(datetime.fromisoformat(value), "yyyy-MM-dd HH:mm"))
    found = _worded(field, value)
    return words.listed(found) if isinstance(found, list) else str(found)
