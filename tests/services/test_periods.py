"""A place in time: whatever is entered in whatever order, one row at most stands in it at any moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Holding, db
from app.services import periods
from tests.factories import Factory

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return T0 + timedelta(days=n)


class Place:
    """A role of a post that nobody holds yet, and three people who may."""

    def __init__(self, make: Factory) -> None:
        self.columns = {"post_id": make.post("registrar").id, "role": "B"}
        for row in db.session.scalars(select(Holding).filter_by(**self.columns)):
            db.session.delete(row)
        db.session.flush()
        self.people = [make.person().id for _ in range(3)]

    def put(self, at: int, who: int | None) -> tuple[Holding | None, Holding | None]:
        values = None if who is None else {"person_id": self.people[who]}
        return periods.replace_from(Holding, self.columns, day(at), values)

    def rows(self) -> list[tuple[int, int | None, int]]:
        query = select(Holding).filter_by(**self.columns)
        found = sorted(db.session.scalars(query), key=lambda row: row.valid.lower or T0)
        return [
            ((row.valid.lower - T0).days, row.valid.upper and (row.valid.upper - T0).days, who)
            for row in found
            for who in [self.people.index(row.person_id)]
        ]


@pytest.fixture
def place(make: Factory) -> Place:
    return Place(make)


def test_a_vacant_place_is_taken_with_an_open_end(place: Place) -> None:
    before, after = place.put(5, 0)
    assert before is None
    assert after is not None
    assert place.rows() == [(5, None, 0)]


def test_whoever_stands_there_ends_then(place: Place) -> None:
    place.put(5, 0)
    before, _after = place.put(9, 1)
    assert before is not None
    assert place.rows() == [(5, 9, 0), (9, None, 1)]


def test_a_row_that_would_begin_exactly_then_gives_way(place: Place) -> None:
    place.put(5, 0)
    place.put(9, 1)
    before, _after = place.put(9, 2)
    assert before is not None
    assert before.person_id == place.people[1]
    assert place.rows() == [(5, 9, 0), (9, None, 2)]


def test_it_lasts_until_the_next_one_already_entered(place: Place) -> None:
    place.put(5, 0)
    place.put(20, 1)
    place.put(9, 2)
    assert place.rows() == [(5, 9, 0), (9, 20, 2), (20, None, 1)]


def test_a_vacancy_lasts_until_the_next_one_already_entered(place: Place) -> None:
    place.put(5, 0)
    place.put(20, 1)
    assert place.put(9, None)[1] is None
    assert place.rows() == [(5, 9, 0), (20, None, 1)]


def test_a_row_without_beginning_keeps_it(place: Place) -> None:
    db.session.add(Holding(**place.columns, person_id=place.people[0], valid=Range(None, None)))
    place.put(9, 1)
    rows = list(db.session.scalars(select(Holding).filter_by(**place.columns).order_by(Holding.id)))
    assert [(row.valid.lower, row.valid.upper) for row in rows] == [(None, day(9)), (day(9), None)]


def test_other_places_are_left_alone(place: Place) -> None:
    before = db.session.scalars(select(Holding.id).where(Holding.role == "A")).all()
    place.put(5, 0)
    assert db.session.scalars(select(Holding.id).where(Holding.role == "A")).all() == before


@given(steps=st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 2)), max_size=9))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_what_a_calendar_with_days_to_cross_out_would_say(
    app: Flask, place: Place, steps: list[tuple[int, int | None]]
) -> None:
    """Against a model: what stands on each day, and where rows begin; a new one paints up to the next beginning."""
    with db.session.begin_nested() as savepoint:
        days: list[int | None] = [None] * 15
        begins: set[int] = set()
        for at, who in steps:
            place.put(at, who)
            following = min((one for one in begins if one > at), default=len(days))
            stood = days[at]
            for n in range(at, following):
                if who is not None or stood is not None:
                    days[n] = who
            begins.discard(at)
            if who is not None:
                begins.add(at)
        rows = place.rows()
        for n, who in enumerate(days):
            here = [w for lower, upper, w in rows if lower <= n and (upper is None or n < upper)]
            assert here == ([] if who is None else [who])
        savepoint.rollback()
