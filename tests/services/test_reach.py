"""Whom nobody can reach, and why."""

from __future__ import annotations

from sqlalchemy import select

from app.models import Account, Person, db
from app.services import reach
from tests.factories import Factory
from tests.test_desk import counted


def test_each_cause_is_found_in_one_statement(make: Factory) -> None:
    people = [make.person() for _each in range(5)]
    reachable, without, disabled, gone, never = people
    make.account(reachable)
    make.account(disabled).active = False
    make.account(gone)
    gone.active = False
    make.account(never)
    account = db.session.scalars(select(Account).where(Account.person_id == never.id)).one()
    account.password_changed_at = None
    db.session.commit()
    ids = [person.id for person in people]
    with counted() as statements:
        found = reach.unreachable(ids)
    assert found == {
        without.id: "no_account",
        disabled.id: "disabled",
        gone.id: "disabled",
        never.id: "never_logged_in",
    }
    assert len(statements) == 1


def test_nobody_asked_nothing_read(make: Factory) -> None:
    with counted() as statements:
        assert reach.unreachable([]) == {}
    assert not statements


def test_somebody_unknown_is_not_spoken_of(make: Factory) -> None:
    assert db.session.get(Person, 2**30) is None
    assert reach.unreachable([2**30]) == {}
