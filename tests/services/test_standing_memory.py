"""What a process remembers of somebody's rights ends with whatever it followed from, in this process and in others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask, g
from sqlalchemy import delete, event, text, update
from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, Holding, Membership, Person, Post, StaffingMove, db
from app.services import grants, present, standing_memory, versions
from app.services.transaction import transaction
from tests.factories import Factory


@pytest.fixture
def asked(app: Flask) -> Callable[[int], Any]:
    """What a request of this account would be told."""

    def ask(user_id: int) -> Any:
        with app.app_context(), app.test_request_context():
            return standing_memory.standing(user_id)

    return ask


@pytest.fixture
def statements(app: Flask) -> list[str]:
    """Every statement sent from now on."""
    found: list[str] = []
    event.listen(db.session.connection(), "before_cursor_execute", lambda _c, _u, sql, *_more: found.append(sql))
    return found


def test_a_second_request_asks_for_the_number_alone(
    make: Factory, asked: Callable[[int], Any], statements: list[str]
) -> None:
    user = make.user_of(make.holder("ledger_admin"))
    first = asked(user.id)
    statements.clear()
    assert asked(user.id) is first
    [only] = [one for one in statements if "SAVEPOINT" not in one]
    assert "staffing_move" in only


CHANGES: dict[str, Callable[[Person, Post], Any]] = {
    "his holding ends": lambda person, post: delete(Holding).where(
        Holding.post_id == post.id, Holding.person_id == person.id
    ),
    "he is not active": lambda person, _post: update(Person).where(Person.id == person.id).values(active=False),
    "the post loses what it may do": lambda _person, post: update(Post)
    .where(Post.id == post.id)
    .values(capabilities=[]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_committed_change_is_seen_at_once(make: Factory, asked: Callable[[int], Any], change: str) -> None:
    person, post = make.holder("ledger_admin"), make.post("ledger_admin")
    user = make.user_of(person)
    assert asked(user.id).grants.can("record")
    # As another process writes it: nothing of this one knows.
    db.session.execute(CHANGES[change](person, post))
    db.session.commit()
    found = asked(user.id)
    assert not found.grants.can("record")
    assert found == grants.standing_of(user.id)


def test_a_membership_given_is_seen_at_once(make: Factory, asked: Callable[[int], Any]) -> None:
    person, unit = make.person(), make.a_unit()
    user = make.user_of(person)
    assert asked(user.id).units == ()
    db.session.add(Membership(person_id=person.id, unit_id=unit.id, function="handler"))
    db.session.commit()
    assert asked(user.id).units == (unit.id,)


def test_a_period_that_begins_or_ends_is_no_change_and_is_seen(make: Factory, asked: Callable[[int], Any]) -> None:
    person = make.holder("ledger_admin")
    user, now = make.user_of(person), present.now()
    away = Range(now + timedelta(hours=1), now + timedelta(hours=2), bounds="[)")
    db.session.add(Absence(person_id=person.id, valid=away, state="confirmed", kind="leave"))
    db.session.commit()
    seen = []
    for minutes in (0, 59, 60, 119, 120):
        with present.at(now + timedelta(minutes=minutes)):
            seen.append(asked(user.id).grants.can("record"))
    assert seen == [True, True, False, False, True]


def test_what_is_taken_back_was_never_remembered(make: Factory, asked: Callable[[int], Any], app: Flask) -> None:
    user = make.user_of(make.holder("ledger_admin"))
    seen: list[bool] = []

    def write_and_fail() -> None:
        with transaction():
            db.session.execute(delete(Holding))
            g.pop("versions", None)
            seen.append(standing_memory.standing(user.id).grants.can("record"))
            raise RuntimeError

    with app.test_request_context(), pytest.raises(RuntimeError):
        write_and_fail()
    assert seen == [False]
    assert asked(user.id).grants.can("record")


def test_summing_up_moves_changes_nothing(make: Factory) -> None:
    moves = "INSERT INTO staffing_move (n) SELECT nextval('staffing_move_id_seq') FROM generate_series(1, 300)"
    db.session.execute(text(moves))
    db.session.commit()
    before = versions.current()
    assert versions.sum_up() >= 300
    assert versions.current() == before
    assert make.count(StaffingMove) == 1
    assert versions.sum_up() == 0


def test_every_table_a_standing_is_read_from_tells_its_changes(app: Flask) -> None:
    """The plan of the statement names them; each has the trigger."""
    explained = db.session.execute(
        text("EXPLAIN (FORMAT JSON) " + grants._FACTS.text), {"user_id": 1, "now": present.now()}
    ).scalar_one()
    tables = set(re.findall(r'"Relation Name": "(\w+)"', json.dumps(explained)))
    assert {"account", "ab_user", "holding", "post", "ab_role", "coverage_state"} <= tables
    told = set(
        db.session.scalars(text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'staffing_moved'"))
    )
    assert tables <= told


def test_columns_that_are_watched_alone_are_all_that_is_read(app: Flask) -> None:
    """Of tables that change at every login, the trigger names columns: the statement reads no others."""
    facts = re.sub(r"\s+", " ", grants._FACTS.text)
    me = re.search(r"WITH me AS \((.*?)\), my_offices", facts)
    assert me is not None
    assert set(re.findall(r"\ba\.(\w+)", me[1])) == {"user_id", "person_id", "officer"}
    assert set(re.findall(r"\bu\.(\w+)", me[1])) == {"id", "first_name", "last_name", "active"}
    assert len(re.findall(r"\b(?:account|ab_user)\b", facts)) == 2
    assert "SELECT gaps, by_post FROM coverage_state" in facts


def test_every_period_is_among_the_turns(app: Flask) -> None:
    """Wherever the moment decides, the period's table is looked through for the next moment."""
    facts, turns = grants._FACTS.text, standing_memory._TURNS.text
    periods = re.findall(r"(\w)\.valid @> CAST\(:now AS timestamptz\)", facts)
    assert len(periods) == facts.count(":now")
    named = {name: table for table, name in re.findall(r"(?:FROM|JOIN) (\w+) (\w)\b", facts)}
    read = {named[one] for one in periods}
    looked = {side: set(re.findall(rf"{side}\(valid\)(?: AS at)? FROM (\w+)", turns)) for side in ("lower", "upper")}
    assert read <= looked["lower"] == looked["upper"]


def test_a_change_in_another_process_acts_on_the_next_request(built_app: Flask, settings: Any) -> None:
    """Two connections and committed rows, as two workers have them."""
    user_id = None
    with built_app.app_context():
        factory = Factory(built_app)
        person = factory.holder("ledger_admin")
        user_id = factory.user_of(person).id
        db.session.commit()
        person_id = person.id
    try:
        with built_app.test_request_context():
            assert standing_memory.standing(user_id).grants.can("record")
        with psycopg.connect(settings.database_app_url) as other:
            other.execute("UPDATE person SET active = false WHERE id = %s", [person_id])
            with built_app.test_request_context():
                assert standing_memory.standing(user_id).grants.can("record")  # not committed yet
            other.commit()
            with built_app.test_request_context():
                assert not standing_memory.standing(user_id).grants.can("record")
    finally:
        with psycopg.connect(settings.database_app_url, autocommit=True) as other:
            other.execute("UPDATE person SET active = true WHERE id = %s", [person_id])
            other.execute("DELETE FROM ab_user WHERE id = %s", [user_id])
