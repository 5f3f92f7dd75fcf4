"""Whom nobody can reach: a holder without a working login acts for nothing, and counts as a gap (R15)."""

from __future__ import annotations

from collections.abc import Iterable

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.models import Account, Person, db


def unreachable(person_ids: Iterable[int]) -> dict[int, str]:
    """Those of these persons whom nobody can reach, and why, in one statement.

    "disabled": the person or his login is not in use; "no_account"; "never_logged_in": he has never chosen a password.
    """
    wanted = set(person_ids)
    if not wanted:
        return {}
    rows = db.session.execute(
        select(Person.id, Person.active, Account.id, User.active, Account.password_changed_at)
        .outerjoin(Account, Account.person_id == Person.id)
        .outerjoin(User, User.id == Account.user_id)
        .where(Person.id.in_(wanted))
    )
    found: dict[int, str] = {}
    for person_id, in_use, account_id, may_enter, chosen_at in rows:
        if not in_use:
            found[person_id] = "disabled"
        elif account_id is None:
            found[person_id] = "no_account"
        elif not may_enter:
            found[person_id] = "disabled"
        elif chosen_at is None:
            found[person_id] = "never_logged_in"
    return found
