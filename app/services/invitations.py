"""Inviting many at once: from the list on the page or a workbook, all in one transaction, each with his own code.

A code opens one page, on which its owner chooses his password; it is shown and printed once and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.models import Account, Person, Unit, db
from app.rules import invitations as rules
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, RuleError
from app.rules.invitations import Line, RowProblem, Wanted
from app.services import accounts, people
from app.services.actors import Actor
from app.services.transaction import transaction
from app.services.workbooks import Workbook

# Each code is hashed as slowly as a password; a hundred take some seconds.
MOST = 100


@dataclass(frozen=True)
class Slip:
    """What is printed for one person."""

    name: str
    name_en: str
    unit: str
    invitation: accounts.Invitation


@dataclass(frozen=True)
class Reading:
    """What a workbook asks for: who was found, by line, and what is wrong."""

    pairs: tuple[tuple[Line, Wanted], ...]
    problems: tuple[RowProblem, ...]


def read(actor: Actor, content: bytes) -> Reading:
    """Who is to be invited by the first sheet of a workbook; nothing is written.

    Raises Refused("account.not-yours") and Invalid: what services/workbooks.py refuses, "invitations.no-header",
    "invitations.empty", "invitations.too-many".
    """
    accounts.require_system(actor)
    book = Workbook(content)
    sheets = book.sheets()
    if not sheets:
        raise Invalid("invitations.empty", field="workbook")
    lines = rules.read(book.rows(sheets[0].name))
    if not lines:
        raise Invalid("invitations.empty", field="workbook")
    if len(lines) > MOST:
        raise Invalid("invitations.too-many", {"count": len(lines), "most": MOST}, field="workbook")
    return Reading(*rules.match(lines, people.directory()))


def invite(actor: Actor, wanted: Sequence[Wanted]) -> list[Slip]:
    """Give all of them an account, or none. A user name of "" is the person's code.

    Raises Refused("account.not-yours"), Invalid("invitations.nobody"), Invalid("invitations.too-many") and
    FieldErrors with one problem per person, at the field "person-<id>".
    """
    accounts.require_system(actor)
    chosen = list(dict.fromkeys(wanted))
    if not chosen:
        raise Invalid("invitations.nobody")
    if len(chosen) > MOST:
        raise Invalid("invitations.too-many", {"count": len(chosen), "most": MOST})
    with transaction():
        found = _people([one.person_id for one in chosen])
        problems: list[FieldProblem] = []
        slips: list[Slip] = []
        for one in chosen:
            try:
                slips.append(_slip(actor, one, found))
            except RuleError as error:
                problems.append(FieldProblem(f"person-{one.person_id}", error.code, error.data))
        if problems:
            raise FieldErrors(problems)
        return slips


def without_account(actor: Actor) -> list[tuple[Person, Unit | None]]:
    """Everybody in use who cannot sign in yet, by pinyin. Raises Refused("account.not-yours")."""
    accounts.require_system(actor)
    query = (
        select(Person, Unit)
        .outerjoin(Unit, Unit.id == Person.unit_id)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(Person.active, Account.id.is_(None))
        .order_by(Person.by_sound, Person.id)
    )
    return [(person, unit) for person, unit in db.session.execute(query)]


def _slip(actor: Actor, wanted: Wanted, found: dict[int, tuple[Person, Unit | None]]) -> Slip:
    person, unit = found.get(wanted.person_id, (None, None))
    if person is None:
        raise Invalid("person.unknown")
    if db.session.scalar(select(Account.id).where(Account.person_id == person.id)) is not None:
        raise Conflict("account.exists")
    invitation = accounts.invite_in(actor, person, wanted.username)
    return Slip(person.name, person.name_en, unit.name if unit else "", invitation)


def _people(ids: Sequence[int]) -> dict[int, tuple[Person, Unit | None]]:
    query = select(Person, Unit).outerjoin(Unit, Unit.id == Person.unit_id).where(Person.id.in_(ids), Person.active)
    return {person.id: (person, unit) for person, unit in db.session.execute(query)}
