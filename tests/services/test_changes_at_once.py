"""Two people change the same place at once, on connections of their own: one is made, the other is told (R16)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

import config
from app.models import Person, Portfolio, Unit, UnitGroup, db
from app.rules.errors import Conflict
from app.rules.grants import Facts, grants_for
from app.services import chain_changes, portfolio_changes, present
from app.services.actors import Actor
from app.services.chain_changes import Wanted
from app.services.portfolio_changes import PortfolioChange
from tests.logins import scrubbed

SYSTEM = Actor(None, None, grants_for(Facts(officer="system")))


@pytest.fixture
def committed(built_app: Flask, settings: config.Settings) -> Iterator[tuple[int, int, list[int]]]:
    """A line, a unit and two people that other connections see too, taken away afterwards with what was filed."""
    mark = f"shili_{uuid4().hex[:8]}"
    with built_app.app_context(), scrubbed(settings):
        group = db.session.query(UnitGroup).first()
        assert group is not None
        line = Portfolio(code=mark, name="示例分工")
        unit = Unit(code=mark, name="示例单位", kind="department", group_id=group.id)
        people = [Person(code=f"{mark}_{n}", name=f"示例人员{n}", fictional=True) for n in range(2)]
        db.session.add_all([line, unit, *people])
        db.session.commit()
        made = line.id, unit.id, [person.id for person in people]
        db.session.remove()
        yield made
        _forget(settings, *made)


def _forget(settings: config.Settings, line_id: int, unit_id: int, people: list[int]) -> None:
    with psycopg.connect(settings.database_url) as owner:
        for statement, values in (
            ("DELETE FROM delivery WHERE recipient_id = ANY(%s) OR kind = 'change.filed'", [people]),
            ("DELETE FROM staffing_change WHERE portfolio_id = %s OR unit_id = %s", [line_id, unit_id]),
            ("DELETE FROM number_counter WHERE series = %s", ["staffing_change"]),
            ("DELETE FROM portfolio_place WHERE portfolio_id = %s", [line_id]),
            ("DELETE FROM chain_link WHERE unit_id = %s", [unit_id]),
            ("DELETE FROM portfolio WHERE id = %s", [line_id]),
            ("DELETE FROM unit WHERE id = %s", [unit_id]),
            ("DELETE FROM person WHERE id = ANY(%s)", [people]),
        ):
            owner.execute(statement, values)


def at_once(app: Flask, calls: list[Callable[[], object]]) -> list[str]:
    """All calls in threads of their own, let go by a barrier; what each was told, "" where it was made."""
    told = ["unanswered"] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait(30)
            try:
                call()
                told[place] = ""
            except Conflict as error:
                told[place] = error.code

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(told)


def test_of_two_changes_of_portfolio_one_is_looked_at_again(
    built_app: Flask, committed: tuple[int, int, list[int]]
) -> None:
    line_id, _unit_id, people = committed
    at = present.now()
    changes = [PortfolioChange(line_id, at, {"vice_mayor": person}) for person in people]
    with built_app.app_context():
        seen = [portfolio_changes.preview(SYSTEM, change).seen for change in changes]

    def make(number: int) -> Callable[[], object]:
        return lambda: portfolio_changes.make(SYSTEM, changes[number], seen=seen[number])

    assert at_once(built_app, [make(0), make(1)]) == ["", "portfolio.changed-meanwhile"]


def test_of_two_changes_of_a_chain_one_is_told(built_app: Flask, committed: tuple[int, int, list[int]]) -> None:
    _line_id, unit_id, people = committed
    at = present.now()

    def name(person: int) -> Callable[[], object]:
        return lambda: chain_changes.set_places(SYSTEM, [Wanted(unit_id, "first", "A", person, None)], at=at)

    assert at_once(built_app, [name(person) for person in people]) == ["", "chain.changed-meanwhile"]
