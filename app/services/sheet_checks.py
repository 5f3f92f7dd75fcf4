"""What a row of a dictionary must satisfy before it is written: each problem at the field where it is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from app.models import (
    Category,
    ChainLink,
    DutySeat,
    DutyShift,
    Holding,
    LimitRule,
    Portfolio,
    PortfolioPlace,
    Post,
    RetentionClass,
    Unit,
    db,
)
from app.rules import grants as grant_rules
from app.rules import numbering
from app.rules.clocks import Limit
from app.rules.columns import CATEGORY_SEPARATOR, LEVELS
from app.rules.entries import is_mobile, problem_of, same_shape
from app.rules.errors import Invalid
from app.services import capability_changes, dispatch, number_checks, present
from app.services.sheet_rows import Draft

CLASSES = "ABCDEF"
MOST_YEARS = 200
MOST_EXPORTED = 1_000_000  # what a worksheet holds, less its head
# A number format knows these fields besides year and sequence.
_NUMBERED_WITH = {"registration": {"class": "A"}}


def check(draft: Draft) -> None:
    """Add the problems of this row to the draft; fields that could not be read are not judged twice."""
    found = _CHECKS.get(draft.sheet.code)
    if found is not None and not draft.problems:
        found(draft)


def _post(draft: Draft) -> None:
    values = draft.values
    if values["number"] is not None and not 1 <= values["number"] <= 999:
        draft.wrong("number", "post.number-range")
    if values["export_cap"] is not None and not 1 <= values["export_cap"] <= MOST_EXPORTED:
        draft.wrong("export_cap", "post.export-cap", {"most": MOST_EXPORTED})
    try:
        grant_rules.checked(
            grant_rules.PostDuty(
                draft.row.id or 0,
                tuple(values["capabilities"]),
                grant_rules.Scope(values["scope"]),
                values["office"],
                values["channel_class"],
            )
        )
    except Invalid as error:
        draft.problems.append(problem_of(error, "capabilities"))
    if not draft.problems:
        capability_changes.hold_back(draft)


def _person(draft: Draft) -> None:
    if draft.is_new or draft.values["active"] or not draft.changed("active"):
        return
    offices = offices_of(draft.row.id)
    if offices:
        draft.wrong("active", "person.in-office", {"places": offices})


def offices_of(person_id: int) -> list[str]:
    """Where a person still stands: he is taken out there first, so that no vacancy comes about unseen (R16)."""
    open_holding = select(Post.name).join(Holding, Holding.post_id == Post.id).where(
        Holding.person_id == person_id, _not_over(Holding)
    )
    open_shift = (
        select(Unit.name)
        .join(DutyShift, DutyShift.office_id == Unit.id)
        .join(DutySeat, DutySeat.shift_id == DutyShift.id)
        .where(DutySeat.person_id == person_id, _not_over(DutyShift))
    )
    leads = select(Post.name).where(Post.active, Post.leader_id == person_id)
    line = (
        select(Portfolio.name)
        .join(PortfolioPlace, PortfolioPlace.portfolio_id == Portfolio.id)
        .where(PortfolioPlace.person_id == person_id, _not_over(PortfolioPlace))
    )
    links = (
        select(Unit.name)
        .join(ChainLink, ChainLink.unit_id == Unit.id)
        .where(ChainLink.person_id == person_id, _not_over(ChainLink))
    )
    found = [name for query in (open_holding, open_shift, leads, line, links) for name in db.session.scalars(query)]
    return list(dict.fromkeys(found))[:10]


def _not_over(model: Any) -> ColumnElement[bool]:
    ends: ColumnElement[bool] = or_(func.upper_inf(model.valid), func.upper(model.valid) > present.now())
    return ends


def _membership(draft: Draft) -> None:
    if draft.values["function"] == "section_clerk":
        unit = db.session.get(Unit, draft.values["unit"])
        if unit is not None and unit.kind != "section":
            draft.wrong("unit", "membership.no-section")


def _line(draft: Draft) -> None:
    """A line goes out of use when nobody and no unit stands in it any more: nobody loses his leaders unseen (R8)."""
    if draft.is_new or draft.values["active"] or not draft.changed("active"):
        return
    stands = select(PortfolioPlace.id).where(PortfolioPlace.portfolio_id == draft.row.id, _not_over(PortfolioPlace))
    if db.session.scalars(stands.limit(1)).first() is not None:
        draft.wrong("active", "portfolio.in-use")


def _limit(draft: Draft) -> None:
    values = draft.values
    try:
        Limit.from_json({name: values.get(name) for name in ("kind", "amount", "at", "until", "roll")})
    except Invalid as error:
        draft.problems.append(problem_of(error, "kind"))
        return
    if values["clock_kind"] != "unit_limit":
        for name in ("urgencies", "natures", "categories"):
            if values[name]:
                draft.wrong(name, "limit.proposed-elsewhere")
    if values["amount"] is not None and values["amount"] > 9999:
        draft.wrong("amount", "limit.unreadable")
    others = list(
        db.session.scalars(
            select(LimitRule).where(
                LimitRule.clock_kind == values["clock_kind"], LimitRule.active, LimitRule.id != (draft.row.id or 0)
            )
        )
    )
    if values["is_default"] and values["active"] and any(row.is_default for row in others):
        draft.wrong("is_default", "limit.default-twice")
    if not draft.is_new and draft.changed("active", "classes", "clock_kind"):
        _limits_remain(draft, others)


def _limits_remain(draft: Draft, others: list[LimitRule]) -> None:
    """Every clock finds its limit afterwards too, for every channel class."""
    values = draft.values
    if draft.changed("clock_kind"):
        draft.wrong("clock_kind", "limit.clock-fixed")
        return
    covered = {letter for row in others for letter in row.parameters.get("classes") or CLASSES}
    if values["active"]:
        covered |= set(values["classes"] or CLASSES)
    missing = [letter for letter in draft.old["classes"] or CLASSES if letter not in covered]
    if missing:
        place = "classes" if values["active"] else "active"
        draft.wrong(place, "limit.last-one", {"classes": ", ".join(missing)})


def _number_format(draft: Draft) -> None:
    template = draft.values["template"]
    known = _NUMBERED_WITH.get(draft.row.code, {})
    try:
        numbering.render(template, year=2026, seq=1, **known)
    except Invalid as error:
        draft.problems.append(problem_of(error, "template"))
        return
    if draft.changed("template") and (taken := number_checks.collision(draft.row.code, template)):
        draft.wrong("template", "number.collides", {"number": taken})


def _category(draft: Draft) -> None:
    if not draft.is_new:
        return
    values = draft.values
    parent = db.session.get(Category, values["parent"]) if values["parent"] else None
    level = parent.level + 1 if parent else 1
    if level > len(LEVELS):
        draft.wrong("parent", "category.too-deep")
        return
    name = values["name"].replace(CATEGORY_SEPARATOR, "／")
    values["code"] = f"{parent.code}{CATEGORY_SEPARATOR}{name}" if parent else name
    draft.row.code, draft.row.level = values["code"], level


def _assumption(draft: Draft) -> None:
    if draft.changed("value") and not same_shape(draft.old["value"], draft.values["value"]):
        draft.wrong("value", "assumption.shape")
    elif draft.changed("value") and isinstance(draft.old["value"], dict) and "see" in draft.old["value"]:
        draft.wrong("value", "assumption.elsewhere")


def _contact(draft: Draft) -> None:
    values = draft.values
    on = values["last_contact_on"]
    if on is not None and on > present.today():
        draft.wrong("last_contact_on", "field.in-future")
    if is_mobile(values["telephone"]):
        draft.wrong("telephone", "contact.mobile-elsewhere")


def _retention(draft: Draft) -> None:
    """One usual class, and always one: an appeal is never archived without (R11)."""
    values = draft.values
    if values["years"] is not None and not 1 <= values["years"] <= MOST_YEARS:
        draft.wrong("years", "retention.years", {"most": MOST_YEARS})
    usual = select(RetentionClass.id).where(
        RetentionClass.active, RetentionClass.is_default, RetentionClass.id != (draft.row.id or 0)
    )
    has_other, is_usual = db.session.scalar(usual.limit(1)) is not None, values["is_default"] and values["active"]
    if is_usual and has_other:
        draft.wrong("is_default", "retention.usual-twice")
    if not is_usual and not has_other and not draft.is_new and draft.changed("is_default", "active"):
        draft.wrong("is_default", "retention.usual-missing")


_CHECKS: Mapping[str, Callable[[Draft], None]] = {
    "posts": _post,
    "people": _person,
    "memberships": _membership,
    "portfolio": _line,
    "contacts": _contact,
    "limits": _limit,
    "number_formats": _number_format,
    "categories": _category,
    "retention": _retention,
    "assumptions": _assumption,
    "dispatch": dispatch.check,
}
