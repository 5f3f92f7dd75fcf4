"""The first-run checklist: counts what is left of each first step, remembers what a person settled by hand."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import ColumnElement, Select, String, column, exists, func, or_, select, true, values
from sqlalchemy.dialects.postgresql import insert

from app.models import (
    ChainLink,
    DutyShift,
    Holding,
    Membership,
    Person,
    Portfolio,
    PortfolioPlace,
    Post,
    SeedRow,
    SetupMark,
    Unit,
    db,
)
from app.rules import checklist as rules
from app.rules.errors import NotFound
from app.rules.fields import clean_text
from app.services import access, audit, calendar, present, reach
from app.services.actors import Actor
from app.services.transaction import transaction


def steps(actor: Actor) -> tuple[rules.Step, ...]:
    """Every step with what is left of it, in six statements. Raises Refused("access.not-granted")."""
    access.require_anywhere(actor, "system")
    marks = {row.code: rules.Mark(row.done_at, row.remark) for row in db.session.scalars(select(SetupMark))}
    return rules.steps(_left(), marks)


def settle(actor: Actor, code: str, remark: str) -> None:
    """Mark a step as settled, with a remark. Raises Refused, NotFound("checklist.unknown")."""
    access.require_anywhere(actor, "system")
    _require_known(code)
    with transaction():
        row = {"done_at": present.now(), "by_id": actor.user_id, "remark": clean_text(remark)[:200]}
        statement = insert(SetupMark).values(code=code, **row)
        db.session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=row))
        audit.record(actor, "setting.change", object_type="setup_mark", object_id=code, detail={"settled": True})


def reopen(actor: Actor, code: str) -> None:
    """Take a mark back; repeating it changes nothing. Raises Refused, NotFound("checklist.unknown")."""
    access.require_anywhere(actor, "system")
    _require_known(code)
    with transaction():
        row = db.session.get(SetupMark, code, with_for_update=True)
        if row is None:
            return
        db.session.delete(row)
        audit.record(actor, "setting.change", object_type="setup_mark", object_id=code, detail={"settled": False})


def _require_known(code: str) -> None:
    if code not in rules.STEPS:
        raise NotFound("checklist.unknown", {"code": code[:40]})


def _left() -> dict[str, int]:
    today = present.today()
    counts = {
        "people": _document_people(),
        "posts": _vacant_roles(),
        "rosters": _offices_with_holes(),
        "portfolio": _open_lines(),
        "chains": _headless_units(),
        "handlers": _units_without_handler(),
    }
    row = db.session.execute(
        select(*(query.scalar_subquery().label(name) for name, query in counts.items()))
    ).one()
    found = dict(zip(counts, row, strict=True))
    found["accounts"] = len(reach.unreachable(_holders()))
    ends_early = rules.calendar_ends_early(calendar.known_until(), today)
    found["calendar"] = int(ends_early or bool(calendar.provisional_limits()))
    found["mail"] = 0 if current_app.config.get("MAIL_URL") else 1
    return found


def _document_people() -> Select[int]:
    """People of the founding document who are still in use."""
    of_document = select(SeedRow.key).where(SeedRow.file == "people.csv")
    return select(func.count()).select_from(Person).where(Person.active, Person.code.in_(of_document))


def _vacant_roles() -> Select[int]:
    """Roles A and B that nobody holds now, of posts that the roster does not fill."""
    role = values(column("role", String(1)), name="roles").data([("A",), ("B",)])
    held = exists().where(
        Holding.post_id == Post.id, Holding.role == role.c.role, Holding.valid.contains(present.now())
    )
    query = select(func.count()).select_from(Post).join(role, true())
    return query.where(Post.active, ~Post.filled_by_duty, ~held)


def _offices_with_holes() -> Select[int]:
    """Offices whose roster does not fill the next ROSTER_DAYS days."""
    window = func.tstzmultirange(
        func.tstzrange(present.now(), present.now() + timedelta(days=rules.ROSTER_DAYS))
    )
    filled = (
        select(func.coalesce(func.range_agg(DutyShift.valid), func.tstzmultirange()).op("@>")(window))
        .where(DutyShift.office_id == Post.office_id)
        .correlate(Post)
        .scalar_subquery()
    )
    return select(func.count(func.distinct(Post.office_id))).where(Post.active, Post.filled_by_duty, ~filled)


def _open_lines() -> Select[int]:
    """Portfolio lines without vice mayor, deputy secretary-general or matching section."""
    places = [_has_place(place) for place in ("vice_mayor", "deputy", "section")]
    return select(func.count()).select_from(Portfolio).where(Portfolio.active, or_(*(~place for place in places)))


def _has_place(place: str) -> ColumnElement[bool]:
    return exists().where(
        PortfolioPlace.portfolio_id == Portfolio.id,
        PortfolioPlace.place == place,
        PortfolioPlace.valid.contains(present.now()),
    )


def _headless_units() -> Select[int]:
    """Units whose first or direct responsible person is not named (R7, R8)."""
    named = [
        exists().where(
            ChainLink.unit_id == Unit.id,
            ChainLink.link == link,
            ChainLink.role == "A",
            ChainLink.valid.contains(present.now()),
        )
        for link in ("first", "direct")
    ]
    return select(func.count()).select_from(Unit).where(_answers(), or_(*(~one for one in named)))


def _units_without_handler() -> Select[int]:
    handles = exists().where(
        Membership.unit_id == Unit.id, Membership.function == "handler", Membership.active
    )
    return select(func.count()).select_from(Unit).where(_answers(), ~handles)


def _answers() -> ColumnElement[bool]:
    """Units to which appeals are assigned."""
    found: ColumnElement[bool] = Unit.active & (Unit.kind != "section")
    return found


def _holders() -> list[int]:
    """Everybody who holds a role of a post now."""
    query = select(Holding.person_id).join(Post, Post.id == Holding.post_id)
    return list(db.session.scalars(query.where(Post.active, Holding.valid.contains(present.now())).distinct()))
