"""Small tables and forms below a dictionary row where a person expects them: what hangs on it, and adding to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from app import sheet_words, words
from app.rules.columns import LEVELS
from app.services import reach, sheet_access, sheet_children
from app.services.sheet_rows import Sheet
from app.sheet_panels import InlineForm, Panel, people
from app.sheets import BY_CODE
from app.standing import current_actor

# Why nobody can reach a person (services/reach.py).
_CAUSES: Mapping[str, Callable[[], str]] = {
    "no_account": lambda: str(_("No account yet.")),
    "disabled": lambda: str(_("Out of use, or the account is shut.")),
    "never_logged_in": lambda: str(_("Has never signed in.")),
}


def of_row(sheet: Sheet, row: Any) -> list[Panel]:
    """The tables of a row's page, for those who keep the sheet."""
    found = _OF_ROW.get(sheet.code)
    return found(row) if found and sheet_access.keeps(current_actor(), sheet) else []


def _link(endpoint: str, row: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url_for(endpoint, pk=row.id), words.named(row))


def _state(code: str, rows: Sequence[Any]) -> dict[int, Any]:
    return sheet_words.COMPUTED[code, "period"][1](rows)


def _person(person: Any) -> list[Panel]:
    return [
        _account(person),
        *_if_any(Panel(_("Leads these posts"), (_("Post"),), tuple(
            (_link("PostsView.show", post),) for post in sheet_children.led_by(person.id)
        ))),
        *_if_any(_links(person)),
        *_if_any(_seats(person)),
        *_if_any(_absences(person)),
    ]  # fmt: skip


def _if_any(panel: Panel) -> list[Panel]:
    return [panel] if panel.rows else []


def _account(person: Any) -> Panel:
    cause = reach.unreachable([person.id]).get(person.id)
    state = (
        sheet_words.chip(_CAUSES[cause](), "warn", "user-slash")
        if cause
        else sheet_words.chip(_("Can be reached: has an account and has signed in."), "ok", "check")
    )
    link = Markup('<a href="{}">{}</a>').format(url_for("AccountsView.list", q=person.name), _("Accounts"))
    return Panel(_("Account"), (_("State"), ""), ((state, link),))


def _links(person: Any) -> Panel:
    links = sheet_children.links_of(person.id)
    states = _state("chains", links)
    rows = tuple(
        (_link("UnitsView.show", one.unit), str(words.LINKS[one.link]), str(words.ROLES[one.role]), states[one.id])
        for one in links
    )
    return Panel(_("In responsibility chains"), (_("Unit"), _("Link"), _("Role"), _("State")), rows)


def _seats(person: Any) -> Panel:
    seats = {"main": _("Main seat (A)"), "second": _("Second seat (B)")}
    rows = tuple(
        (_link("OfficesView.show", one.shift.office), seats[one.seat], one.shift.valid.lower, one.shift.valid.upper)
        for one in sheet_children.seats_of(person.id)
    )
    return Panel(_("On duty, now and next"), (_("Office"), _("Seat"), _("From"), _("Until")), rows)


def _absences(person: Any) -> Panel:
    absences = sheet_children.absences_of(person.id)
    states = _state("absences", absences)
    rows = tuple((one.valid.lower, one.valid.upper, one.reason, states[one.id]) for one in absences)
    return Panel(_("Absences"), (_("From"), _("Until"), _("Reason"), _("State")), rows)


def _office(office: Any) -> list[Panel]:
    posts = tuple((_link("PostsView.show", post), post.number) for post in sheet_children.posts_of(office.id))
    shifts = tuple(
        (one.valid.lower, one.valid.upper, *(_seated(one, seat) for seat in ("main", "second")))
        for one in sheet_children.shifts_of(office.id)
    )
    channels = tuple(
        (_link("ChannelsView.show", one), one.channel_class) for one in sheet_children.channels_of(office.id)
    )
    heads = (_("From"), _("Until"), _("Main seat (A)"), _("Second seat (B)"))
    return [
        Panel(_("Posts"), (_("Post"), _("Number")), posts, _("This office answers for no post.")),
        *_if_any(
            Panel(
                _("On duty, now and next"),
                heads,
                shifts,
                add_url=url_for("RosterView.show", office_id=office.id),
                add_label=str(_("Duty roster")),
            )
        ),
        *_if_any(Panel(_("Channels"), (_("Channel"), _("Class")), channels)),
        _members(office),
    ]


def _seated(shift: Any, seat: str) -> str:
    return sheet_words.named_or_vacant([one.person for one in shift.seats if one.seat == seat])


def _members(unit: Any) -> Panel:
    """Who handles for a unit, with the form that names one more."""
    rows = tuple(
        (str(words.FUNCTIONS[one.function]), _link("PeopleView.show", one.person))
        for one in sheet_children.members_of(unit.id)
    )
    functions = [(code, str(label)) for code, label in words.FUNCTIONS.items()]
    if unit.kind != "section":
        functions = [one for one in functions if one[0] != "section_clerk"]
    form = InlineForm(
        url_for("MembershipsView.add"),
        _("Add"),
        {"unit": unit.id, "active": "y", "next": request.path},
        (
            people(_("Person")),
            {
                "name": "function",
                "label": _("Function"),
                "type": "select",
                "options": functions,
                "required": True,
                "value": functions[0][0],
            },
        ),
    )
    empty = _("Nobody handles this unit's appeals yet.")
    return Panel(_("Handlers and clerks"), (_("Function"), _("Person")), rows, empty, form=form)


def _channel(channel: Any) -> list[Panel]:
    if channel.office is None:
        return []
    posts = words.listed(words.named(post) for post in sheet_children.posts_of(channel.office_id))
    row = (_link("OfficesView.show", channel.office), posts)
    return [Panel(_("Office"), (_("Office"), _("Posts")), (row,))]


def _limit(limit: Any) -> list[Panel]:
    rows = tuple(
        (_link("RemindersView.show", one), one.offset_minutes, str(words.RUNGS[one.rung]))
        for one in sheet_children.reminders_of(limit.clock_kind)
    )
    heads = (_("Reminder rule"), _("Minutes after the limit"), _("Who is told"))
    address = url_for("RemindersView.add", clock_kind=limit.clock_kind)
    return [Panel(_("Reminder rules of this clock"), heads, rows, _("Nobody is reminded."), address)]


def _category(category: Any) -> list[Panel]:
    if category.level >= len(LEVELS):
        return []
    below = sheet_children.categories_under(category.id)
    form = InlineForm(
        url_for("CategoriesView.add"),
        _("Add"),
        {"parent": category.id, "active": "y", "next": request.path},
        tuple(
            {"name": one.name, "label": str(one.label), "required": one.required}
            for one in BY_CODE["categories"].fields
            if one.name in ("name", "name_en")
        ),
    )
    rows = tuple((_link("CategoriesView.show", one), one.active) for one in below)
    return [Panel(_("Categories below"), (_("Category"), _("Active")), rows, _("None yet."), form=form)]


_OF_ROW: Mapping[str, Callable[[Any], list[Panel]]] = {
    "people": _person,
    "units": lambda unit: [_members(unit)],
    "offices": _office,
    "channels": _channel,
    "limits": _limit,
    "categories": _category,
}
