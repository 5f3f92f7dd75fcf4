"""Numbers: what a check finds, which format would collide, and many writers at once (R4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import create_engine, select, update

import config
from app.models import Appeal, NumberCounter, NumberSeries, db
from app.rules.errors import FieldErrors
from app.services import number_checks, numbers, present, sheets, workflow
from app.services.transaction import transaction
from app.sheets import BY_CODE
from tests.factories import Factory
from tests.test_desk import counted

WRITERS, EACH = 16, 50


def _series(code: str) -> NumberSeries:
    return db.session.scalars(select(NumberSeries).where(NumberSeries.code == code)).one()


def _registrations() -> number_checks.Year:
    return next(one for one in number_checks.verify() if one.series == "registration")


def test_what_was_given_is_whole_and_a_voided_number_stays(make: Factory) -> None:
    appeals = [make.appeal("registered", channel_class=letter) for letter in "ABF"]
    workflow.act(make.actor(make.holder("registrar")), appeals[1].id, "void", {"reason": "示例：误登记"}, version=None)
    found = _registrations()
    assert (found.last, found.count, found.voided, found.is_whole) == (3, 3, 1, True)
    db.session.refresh(appeals[1])
    assert (appeals[1].state, appeals[1].number is not None) == ("voided", True)


def test_a_number_is_of_the_local_year_and_each_year_begins_at_one(make: Factory) -> None:
    """At midnight in the office it is still the old year in UTC."""
    midnight = datetime(2026, 12, 31, 16, tzinfo=UTC)
    given = []
    for at in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=8)):
        with present.at(at), transaction():
            given += numbers.take("registration", fields={"class": "A"})
    assert [(number[2:6], number[-6:]) for number in given] == [
        ("2026", "000001"), ("2027", "000001"), ("2027", "000002"),
    ]  # fmt: skip


def test_a_gap_and_a_number_past_the_counter_are_found(make: Factory) -> None:
    appeals = [make.appeal("registered") for _turn in range(3)]
    moved = str(appeals[1].number).replace("000002", "000009")
    db.session.execute(update(Appeal).where(Appeal.id == appeals[1].id).values(number=moved))
    found = _registrations()
    assert (found.missing, found.beyond, found.is_whole) == ((2,), (9,), False)


def test_numbers_in_a_format_of_before_are_still_read(make: Factory) -> None:
    make.appeal("registered")
    series = _series("registration")
    system = make.actor(officer="system")
    sheets.save(system, BY_CODE["number_formats"], series.id, {"template": "民声{year}第{seq:05d}号"}, version=None)
    second = make.appeal("registered")
    assert second.number == f"民声{present.today().year}第00002号"
    assert _registrations().is_whole


@pytest.mark.parametrize(
    ("template", "collides"),
    [
        ("史〔{year}〕{seq:06d}", True),  # another series' numbers
        ("史〔{year}〕{seq}", True),
        ("民〔{year}〕{class}-{seq:08d}", False),
        ("民声{year}第{seq}号", False),
    ],
)
def test_a_format_that_could_give_a_number_twice_is_refused(make: Factory, template: str, collides: bool) -> None:
    series = _series("registration")
    system = make.actor(officer="system")
    change = partial(sheets.save, system, BY_CODE["number_formats"], series.id, {"template": template}, version=None)
    if not collides:
        change()
        return
    with pytest.raises(FieldErrors) as caught:
        change()
    assert [(one.field, one.code) for one in caught.value.problems] == [("template", "number.collides")]


def test_a_format_that_meets_a_number_already_there_is_refused(make: Factory) -> None:
    appeal = make.appeal("registered")
    year = present.today().year
    db.session.execute(update(Appeal).where(Appeal.id == appeal.id).values(number=f"旧{year}-0005"))
    assert number_checks.collision("registration", "旧{year}-{seq:04d}") == f"旧{year}-0005"
    assert number_checks.collision("registration", "旧{year}-{seq:05d}") is None


def test_how_far_a_series_is_costs_two_statements(make: Factory) -> None:
    make.appeal("registered")
    series = _series("registration")
    with counted() as statements:
        [year] = number_checks.drawn(series)
    assert (year.last, year.next_number, year.voided) == (1, f"民〔{present.today().year}〕A-000002", 0)
    assert len(statements) == 2


def test_the_command_tells_and_its_exit_code_says_it(make: Factory) -> None:
    runner = make.app.test_cli_runner()
    make.appeal("registered")
    told = runner.invoke(args=["numbers", "verify"])
    assert (told.exit_code, "registration" in told.output, "none missing" in told.output) == (0, True, True)
    db.session.execute(update(NumberCounter).where(NumberCounter.series == "registration").values(last_value=4))
    told = runner.invoke(args=["numbers", "verify"])
    assert told.exit_code == 1
    assert "3 missing (2, 3, 4)" in told.output


@pytest.fixture
def race(built_app: Flask, settings: config.Settings) -> Iterator[str]:
    """A series of its own that other connections see too, taken away afterwards with its numbers."""
    mark = f"shili_{uuid4().hex[:8]}"
    with built_app.app_context():
        db.session.add(NumberSeries(code=mark, name="示例编号", template=f"{mark}{{year}}-{{seq:04d}}"))
        db.session.commit()
        db.session.remove()
        engines, pooled = db.engines, db.engines[None]
        # The product's own pool has five connections; here each writer has one.
        engines[None] = create_engine(pooled.url, pool_size=WRITERS)
    yield mark
    engines[None].dispose()
    engines[None] = pooled
    with psycopg.connect(settings.database_url) as owner:
        for statement in (
            "DELETE FROM appeal WHERE source = %s",
            "DELETE FROM number_counter WHERE series = %s",
            "DELETE FROM number_series WHERE code = %s",
        ):
            owner.execute(statement, [mark])


def test_sixteen_writers_leave_no_gap_and_no_double_whatever_fails_between(built_app: Flask, race: str) -> None:
    failures: list[BaseException] = []
    barrier = threading.Barrier(WRITERS)

    def write(writer: int) -> None:
        with built_app.app_context():
            barrier.wait(60)
            try:
                for turn in range(EACH):
                    _number(race, fails=turn % 7 == writer % 7)
                    db.session.remove()
            except BaseException as error:  # told by the test, not lost in a thread
                failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    with built_app.app_context():
        given = sorted(db.session.scalars(select(Appeal.number).where(Appeal.source == race)))
        db.session.remove()
    year = present_year(built_app)
    assert given == [f"{race}{year}-{seq:04d}" for seq in range(1, WRITERS * EACH + 1)]


def present_year(app: Flask) -> int:
    with app.app_context():
        return present.today().year


class Fault(Exception):
    """Something that goes wrong after the number was drawn."""


def _draw_and_fail(series: str) -> None:
    with transaction():
        numbers.take(series)
        raise Fault


def _number(series: str, *, fails: bool) -> None:
    """One appeal with the next number; a first attempt may fail after the number was drawn."""
    if fails:
        with pytest.raises(Fault):
            _draw_and_fail(series)
    with transaction():
        now = present.now()
        appeal = Appeal(
            state="registered", channel_class="A", received_at=now, subject="示例", source=series, fictional=True
        )
        db.session.add(appeal)
        appeal.number = f"{uuid4()}"  # until the number is drawn, last of all
        db.session.flush()
        appeal.number = numbers.take(series)[0]
