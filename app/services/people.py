"""Everybody in use, as lists and workbooks name them."""

from __future__ import annotations

from sqlalchemy import select

from app.models import Account, Person, Unit, db
from app.rules.invitations import Candidate


def directory() -> list[Candidate]:
    """Everybody in use with the names of his unit and whether he has an account, in one statement."""
    query = (
        select(Person.id, Person.name, Person.code, Unit.name, Unit.short_name, Account.id)
        .outerjoin(Unit, Unit.id == Person.unit_id)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(Person.active)
    )
    return [
        Candidate(person_id, name, code, tuple(unit for unit in (full, short) if unit), account is not None)
        for person_id, name, code, full, short, account in db.session.execute(query)
    ]
