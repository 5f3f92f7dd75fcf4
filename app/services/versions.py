"""The numbers by which a process knows that what it keeps in memory still holds; they come with a request's session.

`definitions` counts changes of fields and sheets made at run time. `staffing` grows with every committed change of a
table from which a standing is computed: triggers write it (migration 0004), so no service can forget to, and as rows
that are summed up, so nobody waits for anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, has_request_context
from sqlalchemy import BigInteger, Select, cast, delete, func, insert, select

from app.models import DefinitionVersion, StaffingMove, db
from app.services.transaction import transaction

_ENOUGH_MOVES = 200


@dataclass(frozen=True, slots=True)
class Versions:
    """Equal numbers mean that nothing was committed in between."""

    definitions: int
    staffing: int


def statement() -> Select[tuple[int, int]]:
    """Both numbers as a statement of one row, to be joined with what a request asks first."""
    definitions = select(func.max(DefinitionVersion.version)).scalar_subquery()
    staffing = select(cast(func.sum(StaffingMove.n), BigInteger)).scalar_subquery()
    return select(
        func.coalesce(definitions, 0).label("definitions"), func.coalesce(staffing, 0).label("staffing")
    )


def current() -> Versions:
    """The numbers as this request saw them first."""
    if has_request_context() and "versions" in g:
        return g.versions  # type: ignore[no-any-return]
    found = db.session.execute(statement()).one()
    return seen(found.definitions, found.staffing)


def seen(definitions: int, staffing: int) -> Versions:
    """Keep the numbers that came with another statement for this request."""
    found = Versions(definitions, staffing)
    if has_request_context():
        g.versions = found
    return found


def forget() -> None:
    """Ask anew: this request changed something itself."""
    if has_request_context():
        g.pop("versions", None)


def sum_up() -> int:
    """Put the moves of the staffing table into one row with the same sum; how many there were. For the timetable."""
    with transaction():
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("staffing_move", 0))))
        count = db.session.scalar(select(func.count()).select_from(StaffingMove)) or 0
        if count < _ENOUGH_MOVES:
            return 0
        gone = delete(StaffingMove).returning(StaffingMove.n).cte("gone")
        summed = select(cast(func.sum(gone.c.n), BigInteger))
        db.session.execute(insert(StaffingMove).from_select(["n"], summed))
        return count
