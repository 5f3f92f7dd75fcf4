"""What hangs on a dictionary row: holders of a post, the chain of a unit with its vacancies, units of a line."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup

from app import dispatch_words, extra_forms, people_choices, sheet_words, words
from app.models import Person
from app.rules import chain
from app.services import (
    capability_changes,
    dispatch,
    number_checks,
    portfolio,
    present,
    sheet_access,
    sheet_children,
    vacancies,
)
from app.services.sheet_rows import Sheet, rows_by_id
from app.sheets import BY_CODE, SHEETS, view_name
from app.standing import current_actor, current_standing


@dataclass(frozen=True)
class InlineForm:
    """A form of a few fields below a table: its address, its button, what it sends along, its fields as `ui.field`."""

    url: str
    submit: str
    hidden: Mapping[str, Any]
    fields: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Panel:
    """A small table below a row, or above a list: heads, rows of cells, and where a row is entered.

    `past` rows are folded away.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]  # texts, markup or moments; a lazily translated text is none of these
    empty: str = ""
    add_url: str = ""
    add_label: str = ""
    past: tuple[tuple[Any, ...], ...] = ()
    form: InlineForm | None = None


def of_row(sheet: Sheet, row: Any) -> list[Panel]:
    """The panels of a row's page."""
    found = _OF_ROW.get(sheet.code)
    return found(row) if found else []


def of_list(sheet: Sheet) -> list[Panel]:
    """The panels above a list."""
    found = _OF_LIST.get(sheet.code)
    return found() if found else []


def changes(sheet: Sheet, row: Any) -> list[dict[str, Any]]:
    """The last changes of a row, for those who keep the sheet."""
    if not sheet_access.keeps(current_actor(), sheet):
        return []
    return sheet_words.history_items(sheet, [], vacancies.changes_of(row))


def _link(endpoint: str, row: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url_for(endpoint, pk=row.id), words.named(row))


def _post(post: Any) -> list[Panel]:
    return [_rights(post), *_held(post), *_coverage(post)]


def _rights(post: Any) -> Panel:
    """Where the desk of the post can be looked at, and the change of its rights that waits."""
    look = Markup('<a href="{}">{}</a>').format
    rows = [(look(url_for("CapabilitiesView.desk", post_id=post.id), _("See the desk")), _("As it is"))]
    waits = capability_changes.pending_of(post.id)
    if waits is not None:
        asked = url_for("CapabilitiesView.desk", post_id=post.id, **{"as": "asked"})
        change = url_for("CapabilitiesView.change", asked_id=waits.id)
        rows.append((look(asked, _("See the desk")), _("As it would be")))
        rows.append((look(change, _("Change of rights")), str(words.CHANGE_STATES["pending"])))
    return Panel(_("Rights"), (_("Look"), _("State")), tuple(rows))


def _held(post: Any) -> list[Panel]:
    if post.filled_by_duty:
        seated = vacancies.holders_of([post])[post.id]
        rows = tuple((str(words.ROLES[role]), sheet_words.named_or_vacant(seated[role])) for role in "AB")
        roster = url_for("RosterView.show", office_id=post.office_id)
        on_duty = Panel(_("On duty now"), (_("Role"), _("Person")), rows, add_url=roster)
        return [on_duty, _leader(post)]
    held, past = _split(vacancies.holdings_of(post_id=post.id), "person")
    now = vacancies.holders_of([post])[post.id]
    open_roles = tuple(
        (str(words.ROLES[role]), _vacant_place(f"holding:{post.id}:{role}"), "", "", "")
        for role in "AB"
        if not now[role]
    )
    heads = (_("Role"), _("Person"), _("From"), _("Until"), _("State"))
    rows = tuple(sorted(open_roles + held, key=lambda row: str(row[0])))
    return [
        Panel(_("Holdings"), heads, rows, past=past, form=_replacement(post)),
        _leader(post),
    ]


def _replacement(post: Any) -> InlineForm | None:
    """Who takes over from when: sent to the form of personnel changes, which says what is wrong and files it (R16)."""
    if not current_actor().grants.can("system"):
        return None
    places = [(f"holding:{post.id}:{role}", str(words.ROLES[role])) for role in chain.ROLES]
    return InlineForm(
        url_for("ChangesView.new"),
        _("Replace"),
        {"request_key": secrets.token_hex(12)},
        (
            {"name": "place", "label": _("Role"), "type": "select", "options": places, "required": True,
             "value": places[0][0]},
            people(_("Who comes")),
            {"name": "at", "label": _("From when"), "type": "datetime", "placeholder": _("At once")},
            {"name": "reason", "label": _("Reason"), "required": True, "attrs": {"maxlength": 200}},
        ),
    )  # fmt: skip


def people(label: str) -> dict[str, Any]:
    """The field of a form on a row's page in which somebody is chosen."""
    found = sheet_children.candidates(extra_forms.MOST_OPTIONS)
    options = [{"value": one.id, "label": words.named(one), "pinyin": one.name_pinyin} for one in found]
    attrs = people_choices.searched(found)
    return {"name": "person", "label": label, "type": "select", "options": options, "required": True, "attrs": attrs}


def _coverage(post: Any) -> list[Panel]:
    """Where one asks who acts for the post, over the days ahead and at any moment."""
    standing = current_standing()
    if standing is None or ("can_read", "Coverage") not in standing.pairs:
        return []
    addresses = (
        (_("Who was responsible"), url_for("CoverageView.responsible", post=post.id)),
        (_("Over the days ahead"), url_for("CoverageView.index", office=post.office_id)),
    )
    links = tuple((Markup('<a href="{}">{}</a>').format(address, label),) for label, address in addresses)
    return [Panel(_("Coverage"), (_("Who acts for this post"),), links)]


def _leader(post: Any) -> Panel:
    """Who is responsible for the post: changed like everybody else in the staffing table, by a filed change."""
    place = f"leader:{post.id}"
    leader = _link("PeopleView.show", post.leader) if post.leader else _vacant_place(place)
    address = url_for("ChangesView.new", place=place)
    return Panel(_("Responsible leader"), (_("Person"),), ((leader,),), "", address, _("Personnel change"))


def _vacant_place(place: str) -> Markup:
    """The vacancy, which leads to the form that fills it."""
    address = url_for("ChangesView.new", place=place)
    return Markup('<a href="{}">{}</a>').format(address, sheet_words.vacant())


def _split(rows: Sequence[Any], other: str) -> tuple[tuple[tuple[Any, ...], ...], tuple[tuple[Any, ...], ...]]:
    """Holdings in force or to come, and those that are over."""
    now = present.now()
    over = [row for row in rows if row.valid.upper is not None and row.valid.upper <= now]
    return _holdings([row for row in rows if row not in over], other), _holdings(over, other)


def _holdings(rows: Sequence[Any], other: str) -> tuple[tuple[Any, ...], ...]:
    states = sheet_words.COMPUTED["holdings", "period"][1](rows)
    endpoint = {"person": "PeopleView.show", "post": "PostsView.show"}[other]
    return tuple(
        (
            str(words.ROLES[row.role]),
            _link(endpoint, getattr(row, other)),
            row.valid.lower,
            row.valid.upper,
            states[row.id],
        )
        for row in rows
    )


def _person(person: Any) -> list[Panel]:
    held, past = _split(vacancies.holdings_of(person_id=person.id), "post")
    functions = tuple(
        (str(words.FUNCTIONS[row.function]), _link("UnitsView.show", row.unit))
        for row in vacancies.memberships_of(person_id=person.id)
    )
    heads = (_("Role"), _("Post"), _("From"), _("Until"), _("State"))
    return [
        Panel(
            _("Holdings"),
            heads,
            held,
            _("Holds no post."),
            url_for("ChangesView.new", person=person.id),
            _("Personnel change"),
            past=past,
        ),
        Panel(
            _("Functions in units"),
            (_("Function"), _("Unit")),
            functions,
            _("Has no function in a unit."),
            url_for("MembershipsView.add", person=person.id),
        ),
        *([_leaving(person)] if person.active and current_actor().grants.can("system") else []),
    ]


def _leaving(person: Any) -> Panel:
    text = _("One form ends every place of this person and shuts the account the same day.")
    return Panel(_("Leaving"), (), (), text, url_for("ChangesView.leave", person_id=person.id), _("Leaves"))


def _unit(unit: Any) -> list[Panel]:
    places = vacancies.chains_of([unit])[unit.id]
    people = rows_by_id(Person, [place.person_id for place in places])
    rows = tuple(
        (str(words.LINKS[place.link]), str(words.ROLES[place.role]), _stands(place, unit, people), _origin(place))
        for place in places
    )
    heads = (_("Link"), _("Role"), _("Person"), _("Follows from"))
    return [
        Panel(
            _("Responsibility chain"),
            heads,
            rows,
            "",
            url_for("ChangesView.new", place=f"chain:{unit.id}:first:A"),
            _("Personnel change"),
        ),
    ]


def _origin(place: chain.Place) -> str:
    return str(_("Portfolio")) if place.is_derived else str(_("Chain"))


def _stands(place: chain.Place, unit: Any, people: Mapping[int, Any]) -> Any:
    """Who stands in a place of a chain; the vacancy leads to the form that fills it."""
    person = people.get(place.person_id or 0)
    if person is not None:
        return words.named(person)
    if not current_actor().grants.can("system"):
        return sheet_words.vacant()
    if not place.is_derived:
        address = url_for("ChangesView.new", place=f"chain:{unit.id}:{place.link}:{place.role}")
    else:
        address = url_for("PortfolioBoardView.index")
    return Markup('<a href="{}">{}</a>').format(address, sheet_words.vacant())


def _portfolio(row: Any) -> list[Panel]:
    line = portfolio.line(row.id) or portfolio.Line(row)
    places = tuple(
        (str(sheet_words.label_of(BY_CODE["portfolio"], place)), words.named(found) if found else sheet_words.vacant())
        for place in portfolio.SINGLE
        for found in (getattr(line, place),)
    )
    rows = tuple((_link("UnitsView.show", unit), str(words.UNIT_KINDS[unit.kind])) for unit in line.units)
    return [
        Panel(_("Who leads this line"), (_("Place in the line"), _("Person")), places),
        Panel(_("Units under this line"), (_("Unit"), _("Kind")), rows, _("No unit is under this line.")),
    ]


def _assumption(row: Any) -> list[Panel]:
    """Where the value is kept, when it is not kept here."""
    kept = row.value.get("see") if isinstance(row.value, dict) else None
    sheet = next((one for one in SHEETS if one.model.__tablename__ == kept), None)
    if sheet is None:
        return []
    address = url_for(f"{view_name(sheet)}.list", q=row.value.get("code"))
    link = Markup('<a href="{}">{}</a>').format(address, sheet.label_plural)
    return [Panel(_("The value is kept in another sheet"), (_("Sheet"),), ((link,),))]


def _numbers(row: Any) -> list[Panel]:
    """How far the series is in each year and how its next number reads; gaps are looked for by a command."""
    rows = tuple(
        (str(one.year), str(one.last) if one.last else "–", one.next_number, str(one.voided))
        for one in number_checks.drawn(row)
    )
    heads = (_("Year"), _("Last number drawn"), _("Next number"), _("Voided"))
    return [Panel(_("Numbers given"), heads, rows)]


def _dispatch() -> list[Panel]:
    """What upheld objections propose for the catalogue, and entries that contradict each other."""
    found = []
    proposed = dispatch.proposals()
    if proposed:
        address = Markup('<a href="{}">{}</a>').format
        rows = tuple(
            (
                address(url_for("DispatchView.edit", pk=one.id), dispatch_words.about(one)),
                words.named(one.unit),
                one.basis or "—",
            )
            for one in proposed
        )
        title = _("Proposed by upheld objections: set active to confirm, any other change sets it aside")
        found.append(Panel(title, (_("About"), _("Unit"), _("Basis")), rows))
    pairs = dispatch.contradictions()
    if pairs:
        rows = tuple(
            (dispatch_words.about(one), _entry(one), _entry(other)) for one, other in pairs
        )
        found.append(Panel(_("Two units for the same"), (_("About"), _("One entry"), _("Other entry")), rows))
    return found


def _entry(entry: Any) -> Markup:
    address = url_for("DispatchView.show", pk=entry.id)
    return Markup('<a href="{}">{}</a>').format(address, words.named(entry.unit))


_OF_LIST: Mapping[str, Callable[[], list[Panel]]] = {"dispatch": _dispatch}
_OF_ROW: Mapping[str, Callable[[Any], list[Panel]]] = {
    "posts": _post,
    "people": _person,
    "units": _unit,
    "portfolio": _portfolio,
    "assumptions": _assumption,
    "number_formats": _numbers,
}
