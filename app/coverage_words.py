"""The words of coverage: whose a gap is, what to do about it and where, and what answers for a moment rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import words
from app.coverage_chart import moment_text
from app.rules import chain, roster
from app.rules.coverage import Cause, Layer, Thin
from app.services.coverage import Gap, PostLine, Survey, UnitLine
from app.services.coverage_rows import Named, PostRow, UnitRow
from app.services.responsible import Answer, Evidence

# As what somebody stands in a row of evidence.
LAYERS: Mapping[str, Any] = {
    Layer.A: words.ROLES["A"],
    Layer.B: words.ROLES["B"],
    Layer.TOOK_OVER: _l("B-role, took over"),
    Layer.STANDING_IN: words.ROLES["S"],
    "": _l("Away"),
}
_SHEETS: Mapping[str, str] = {
    "absence": "AbsencesView",
    "chain_link": "ChainsView",
    "duty_shift": "ShiftsView",
    "holding": "HoldingsView",
}
_REACH = (Cause.NO_ACCOUNT, Cause.DISABLED, Cause.NEVER_LOGGED_IN)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do, and the form where it is done; without an address it is somebody else's to do."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Office:
    """The posts of one office in the chart."""

    office: Named
    lines: tuple[PostLine, ...]

    @property
    def gaps(self) -> int:
        """How many posts have one."""
        return sum(bool(line.covered.gaps) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Kind:
    """The units of one kind, with the gaps of each link; `links` are those a unit of the kind has."""

    kind: str
    links: tuple[str, ...]
    lines: tuple[UnitLine, ...]
    gaps: Mapping[tuple[int, str], Sequence[Gap]]

    @property
    def with_gaps(self) -> int:
        """How many units have a link with one."""
        return len({unit_id for unit_id, _link in self.gaps} & {line.unit.id for line in self.lines})

    @property
    def lacking(self) -> tuple[UnitLine, ...]:
        """The units with a gap, or with a link in which one role is vacant."""
        return tuple(line for line in self.lines if line.is_lacking)


def by_office(lines: Iterable[PostLine]) -> list[Office]:
    """The posts under their offices, in the order of the posts."""
    found: dict[int, list[PostLine]] = {}
    for line in lines:
        found.setdefault(line.post.office.id, []).append(line)
    return [Office(lines[0].post.office, tuple(lines)) for lines in found.values()]


def thin(offices: Iterable[Office]) -> list[tuple[PostRow, Thin]]:
    """The posts that somebody fills alone, and which role is vacant."""
    return [(line.post, one) for office in offices for line in office.lines for one in line.covered.thin]


def by_kind(lines: Iterable[UnitLine], survey: Survey, takes: Callable[[Gap], bool]) -> list[Kind]:
    """The units under their kinds, in the order of the kinds."""
    gaps: dict[tuple[int, str], list[Gap]] = {}
    for gap in survey.link_gaps:
        if gap.unit is not None and takes(gap):
            gaps.setdefault((gap.unit.id, gap.link), []).append(gap)
    listed = list(lines)
    kinds = [(kind, tuple(line for line in listed if line.unit.kind == kind)) for kind in chain.UNIT_KINDS]
    return [Kind(kind, chain.links_of(kind), own, gaps) for kind, own in kinds if own]


def choices(survey: Survey) -> dict[str, list[tuple[Any, str]]]:
    """What the filter offers."""
    offices = {line.post.office.id: words.named(line.post.office) for line in survey.posts}
    return {
        "office": list(offices.items()),
        "unit": [(line.unit.id, words.named(line.unit)) for line in survey.units],
        "cause": [(code, str(label)) for code, label in words.CAUSES.items()],
    }


# --- whose it is, and what to do -----------------------------------------------------------------------------


def remedy(gap: Gap) -> Remedy:
    """What ends the gap."""
    if gap.cause in _REACH:
        return _reached(gap)
    if gap.cause is Cause.BOTH_AWAY:
        address = _address("Leave", "LeaveView.index", method="read")
        return Remedy(_("Record who stands in, or shorten an absence"), address)
    role = "B" if gap.cause is Cause.NO_B else "A"
    return filled(gap.post, role) if gap.post is not None else named_for(gap.unit, gap.link, role)


def _reached(gap: Gap) -> Remedy:
    texts = {
        Cause.NO_ACCOUNT: _("Invite the holder"),
        Cause.DISABLED: _("Put the account in use again, or enter a successor"),
        Cause.NEVER_LOGGED_IN: _("Hand over the one-time code again"),
    }
    return Remedy(texts[gap.cause], _address("Accounts", "AccountsView.list"))


def named_for(unit: UnitRow | None, link: str, role: str) -> Remedy:
    """Where somebody is named for a place of a chain: in the chain, or in the portfolio it follows from."""
    if (link, role) in chain.DERIVED:
        return Remedy(_("Name a leader in the portfolio"), _address("Portfolio", "PortfolioBoardView.index"))
    assert unit is not None
    return Remedy(_("Name somebody in the chain"), _change(f"chain:{unit.id}:{link}:{role}"))


def filled(post: PostRow, role: str) -> Remedy:
    """Where a role nobody holds is filled."""
    if post.filled_by_duty:
        return Remedy(_("Fill the duty roster"), _address("Rosters", "RosterView.show", office_id=post.office.id))
    return Remedy(_("Enter a personnel change"), _change(f"holding:{post.id}:{role}"))


def _change(place: str) -> str:
    """The form of a personnel change, begun at this place."""
    return _address("Changes", "ChangesView.new", method="report", place=place)


def _address(permission: str, endpoint: str, *, method: str = "write", **values: Any) -> str:
    """The form, for those who may use it."""
    if not may(method, permission) or endpoint not in current_app.view_functions:
        return ""
    return url_for(endpoint, **values)


def may(method: str, permission: str) -> bool:
    """Whether the reader has this permission."""
    return bool(current_app.extensions["appbuilder"].sm.has_access(f"can_{method}", permission))


# --- who was responsible -------------------------------------------------------------------------------------


def sentence_of(answer: Answer, place: str) -> str:
    """The answer in one sentence, whether the moment is past or to come."""
    told = {"place": place, "moment": moment_text(answer.at)}
    if answer.acting.gap is not None:
        cause = words.GAPS[answer.acting.gap.value]
        return _("%(place)s, %(moment)s: nobody (%(cause)s).", **told, cause=cause)
    first = answer.acting.persons[0]
    people = _(", ").join(words.named(answer.people[one.person_id]) for one in answer.acting.persons)
    return _(
        "%(place)s, %(moment)s: %(people)s as %(role)s (%(rule)s).",
        **told,
        people=people,
        role=words.ROLES[first.role],
        rule=words.ACTS[first.rule.value],
    )


def place_name(place: Any, link: str = "") -> str:
    """A post, or a link of a unit's chain."""
    name = words.named(place)
    return f"{name} · {words.LINKS[link]}" if link in words.LINKS else name


def record(row: Evidence) -> str:
    """The page of a row of evidence with its change history, "" where there is none for this reader."""
    view = _SHEETS.get(row.kind, "")
    if not may("read", view.removesuffix("View")):
        return ""
    endpoints = (f"{view}.history", f"{view}.show")
    return next((url_for(one, pk=row.id) for one in endpoints if one in current_app.view_functions), "")


def decides(answer: Answer, row: Evidence) -> bool:
    """Whether the row names one of those who acted, where he acted."""
    return any(
        one.person_id == row.person_id and row.layer == _LAYER_OF.get(one.rule, one.role)
        for one in answer.acting.persons
    )


_LAYER_OF = {roster.Rule.B_TOOK_OVER: Layer.TOOK_OVER, roster.Rule.STANDS_IN: Layer.STANDING_IN}
