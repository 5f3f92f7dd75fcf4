"""Each thing a standing is read from, changed by raw SQL on another connection: the next request knows.

Rows are committed here, as another process commits them, and put back as they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import text

from app.models import db
from app.services import grants, present, standing_memory
from app.services.grants import Standing

LONG = "tstzrange(now() - interval '400 days', now() + interval '400 days')"
EARLIER = "tstzrange(lower(valid) - interval '40 years', upper(valid) - interval '40 years')"
GONE = "tstzrange(now() - interval '400 days', now() - interval '300 days')"


class Elsewhere:
    """Another process: each call is a transaction of its own, and knows how to put back what it did."""

    def __init__(self, address: str) -> None:
        self.line = psycopg.connect(address, autocommit=True)
        self.back: list[Callable[[], Any]] = []

    def row(self, query: str, *values: Any) -> Any:
        """The first value of a query that must find something."""
        found = self.line.execute(query, values).fetchone()
        assert found is not None, query
        return found[0]

    def insert(self, table: str, **columns: str) -> int:
        """Columns are SQL."""
        names = ", ".join(columns)
        made = int(self.row(f"INSERT INTO {table} ({names}) VALUES ({', '.join(columns.values())}) RETURNING id"))
        self.back.append(lambda: self.line.execute(f"DELETE FROM {table} WHERE id = {made}"))
        return made

    def change(self, table: str, row_id: int, **columns: str) -> None:
        old = {
            name: self.row(f"SELECT jsonb_build_object('v', {name}) FROM {table} WHERE id = {row_id}")
            for name in columns
        }
        self._set(table, row_id, {name: sql.SQL(value) for name, value in columns.items()})  # type: ignore[arg-type]
        kept = {
            name: sql.SQL("(jsonb_populate_record(NULL::{}, {})).{}").format(
                sql.Identifier(table), sql.Literal(Jsonb({name: value["v"]})), sql.Identifier(name)
            )
            for name, value in old.items()
        }
        self.back.append(lambda: self._set(table, row_id, kept))

    def _set(self, table: str, row_id: int, columns: dict[str, Any]) -> None:
        parts = [sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in columns.items()]
        query = sql.SQL("UPDATE {} SET {} WHERE id = {}")
        done = self.line.execute(query.format(sql.Identifier(table), sql.SQL(", ").join(parts), sql.Literal(row_id)))
        assert done.rowcount == 1

    def remove(self, table: str, row_id: int) -> None:
        old = self.row(f"SELECT to_jsonb(t) FROM {table} t WHERE id = {row_id}")
        assert self.line.execute(f"DELETE FROM {table} WHERE id = {row_id}").rowcount == 1
        again = f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)"
        self.back.append(lambda: self.line.execute(again, [Jsonb(old)]))

    def undo(self, until: int = 0) -> None:
        while len(self.back) > until:
            self.back.pop()()


class World:
    """Somebody who stands everywhere at once: holds, stands by, leads, handles; one who sits a shift; an officer."""

    def __init__(self, app: Flask, other: Elsewhere) -> None:
        self.app, self.other = app, other
        self.person, self.user, self.account = self._person("one")
        self.second, self.second_user, _account = self._person("two")
        self.third, _user, _account = self._person("three")
        self.officer, self.officer_account = self._user("officer", officer="'system'")
        self.keeper = self.id("SELECT id FROM post WHERE code = 'ledger_admin'")
        self.stood_by = self.id("SELECT id FROM post WHERE code = 'supervisor'")
        self.led = self.id("SELECT id FROM post WHERE code = 'editor'")
        other.change("post", self.keeper, capabilities="capabilities || ARRAY['triage']::varchar[]")
        for led in (self.led, self.id("SELECT id FROM post WHERE code = 'registrar'")):
            other.change("post", led, leader_id=str(self.person))
        vacant = "SELECT id FROM holding WHERE post_id = %s OR (post_id = %s AND role = 'B')"
        for held in other.line.execute(vacant, [self.led, self.keeper]).fetchall():
            other.change("holding", held[0], valid="'[1990-01-01,1991-01-01)'")
        self.holding = self._held(self.keeper, "A", self.person)
        self.by_first = self._held(self.stood_by, "A", self.third)
        self.by_second = self._held(self.stood_by, "B", self.person)
        self._sits()
        self.unit = self.id("SELECT id FROM unit WHERE active AND kind <> 'section' ORDER BY id LIMIT 1")
        self.membership = other.insert(
            "membership", person_id=str(self.person), unit_id=str(self.unit), function="'handler'"
        )
        self.portfolio = self.id("SELECT id FROM portfolio WHERE active ORDER BY id LIMIT 1")
        self.place = other.insert(
            "portfolio_place", portfolio_id=str(self.portfolio), place="'deputy'", person_id=str(self.person),
            valid=LONG,
        )  # fmt: skip
        if other.line.execute("SELECT id FROM coverage_state").fetchone() is None:
            made = {"computed_at": "now()", "horizon_days": "14", "gaps": "0", "by_post": "'{}'"}
            other.insert("coverage_state", id="1", **made)
        self.coverage = self.id("SELECT id FROM coverage_state")
        self.role = self.id("SELECT id FROM ab_role WHERE name = 'post:ledger_admin'")
        self.pair, self.view, self.permission, self.menu = self._permission()

    def id(self, query: str, *values: Any) -> int:
        return int(self.other.row(query, *values))

    def _user(self, name: str, **account: str) -> tuple[int, int]:
        user = self.other.insert(
            "ab_user", id="nextval('ab_user_id_seq')", first_name="'示例'", last_name=f"'{name}'", active="true",
            username=f"'changes_{name}'", email=f"'changes_{name}@example.invalid'",
        )  # fmt: skip
        return user, self.other.insert("account", user_id=str(user), **account)

    def _person(self, name: str) -> tuple[int, int, int]:
        person = self.other.insert(
            "person", code=f"'changes_{name}'", name=f"'示例{name}'", name_en=f"'Example {name}'", fictional="true"
        )
        user, account = self._user(name, person_id=str(person))
        return person, user, account

    def _held(self, post: int, role: str, person: int) -> int:
        query = "SELECT id FROM holding WHERE post_id = %s AND role = %s AND valid @> now()"
        found = self.id(query, post, role)
        self.other.change("holding", found, person_id=str(person))
        return found

    def _sits(self) -> None:
        self.duty_post = self.id("SELECT id FROM post WHERE filled_by_duty AND active ORDER BY id LIMIT 1")
        self.office = self.id("SELECT office_id FROM post WHERE id = %s", self.duty_post)
        for shift in self.other.line.execute(f"SELECT id FROM duty_shift WHERE valid && {LONG}").fetchall():
            self.other.change("duty_shift", shift[0], valid=EARLIER)
        self.shift = self.other.insert("duty_shift", office_id=str(self.office), valid=LONG)
        period = f"(SELECT valid FROM duty_shift WHERE id = {self.shift})"
        self.seat = self.other.insert(
            "duty_seat", shift_id=str(self.shift), valid=period, person_id=str(self.second), seat="'main'"
        )

    def _permission(self) -> tuple[int, int, int, int]:
        query = """
            SELECT pr.id, pv.id, pv.permission_id, pv.view_menu_id FROM ab_permission_view_role pr
            JOIN ab_permission_view pv ON pv.id = pr.permission_view_id JOIN ab_view_menu v ON v.id = pv.view_menu_id
            WHERE pr.role_id = %s AND v.name = 'Ledger' LIMIT 1
        """
        found = self.other.line.execute(query, [self.role]).fetchone()
        assert found is not None
        return found[0], found[1], found[2], found[3]

    def standing(self, user_id: int) -> Standing | None:
        """What a request is told: from memory, or computed anew."""
        with self.app.test_request_context():
            return standing_memory.standing(user_id)

    def computed(self, user_id: int) -> Standing | None:
        with self.app.test_request_context():
            return grants.standing_of(user_id)


@pytest.fixture(scope="module")
def world(built_app: Flask, settings: Any) -> Iterator[World]:
    other = Elsewhere(settings.database_app_url)
    try:
        yield World(built_app, other)
    finally:
        other.undo()
        other.line.close()


def _change(table: str, which: str, **columns: str) -> Callable[[World], Any]:
    return lambda w: w.other.change(table, getattr(w, which), **columns)


def _remove(table: str, which: str) -> Callable[[World], Any]:
    return lambda w: w.other.remove(table, getattr(w, which))


def _insert(table: str, **columns: str) -> Callable[[World], Any]:
    """Columns name things of the world in braces."""
    return lambda w: w.other.insert(table, **{name: value.format(w=w) for name, value in columns.items()})


def _elsewhere(table: str, which: str, column: str, other: str) -> Callable[[World], Any]:
    """A row that now names another row of the world."""
    return lambda w: w.other.change(table, getattr(w, which), **{column: str(getattr(w, other))})


AWAY = {"person_id": "{w.third}", "valid": LONG}
TAKES = {"kind": "'take_over'", "post_id": "{w.stood_by}", "person_id": "{w.person}", "valid": LONG}
ASKED = {"post_id": "{w.led}", "before": "'{{}}'", "after": "'{{}}'", "requested_at": "now()"}
FILED = {"number": "'示例异动'", "kind": "'holding'", "effective_at": "now()", "filed_at": "now()"}
HELD = {"post_id": "{w.led}", "role": "'B'", "person_id": "{w.second}"}
SEAT = {"shift_id": "{w.shift}", "person_id": "{w.person}", "seat": "'second'",
        "valid": "(SELECT valid FROM duty_shift WHERE id = {w.shift})"}  # fmt: skip
LINE = {"portfolio_id": "(SELECT max(id) FROM portfolio WHERE active)", "place": "'vice_mayor'"}
# Table and what is changed → (whose standing, the change).
CHANGES: dict[str, tuple[str, Callable[[World], Any]]] = {
    "account.person_id": ("user", _change("account", "account", person_id="NULL")),
    "account.officer": ("officer", _change("account", "officer_account", officer="'security'")),
    "account.user_id": ("user", lambda w: w.other.change("account", w.account, user_id=str(_spare(w)))),
    "account gone": ("user", _remove("account", "account")),
    "ab_user.active": ("user", _change("ab_user", "user", active="false")),
    "ab_user.first_name": ("officer", _change("ab_user", "officer", first_name="'示例新'")),
    "ab_user.last_name": ("officer", _change("ab_user", "officer", last_name="'new'")),
    "person.active": ("user", _change("person", "person", active="false")),
    "person.name": ("user", _change("person", "person", name="'示例改名'")),
    "person.name_en": ("user", _change("person", "person", name_en="'Renamed'")),
    "person.name of who acts instead": ("user", _change("person", "third", name="'示例改名'")),
    "person.active of who acts instead": ("user", _change("person", "third", active="false")),
    "holding.person_id": ("user", _elsewhere("holding", "holding", "person_id", "third")),
    "holding.post_id": ("user", lambda w: w.other.change("holding", w.holding, post_id=str(w.led))),
    "holding.role": ("user", _change("holding", "holding", role="'B'")),
    "holding.valid": ("user", _change("holding", "holding", valid=GONE)),
    "holding gone": ("user", _remove("holding", "by_second")),
    "holding added": ("second_user", _insert("holding", **HELD, valid=LONG)),
    "duty_shift.valid": ("second_user", _change("duty_shift", "shift", valid=GONE)),
    "duty_shift.office_id": ("second_user", _elsewhere("duty_shift", "shift", "office_id", "unit")),
    "duty_shift gone": ("second_user", lambda w: _without_shift(w)),
    "duty_seat.person_id": ("second_user", _elsewhere("duty_seat", "seat", "person_id", "third")),
    "duty_seat.seat": ("second_user", _change("duty_seat", "seat", seat="'second'")),
    "duty_seat gone": ("second_user", _remove("duty_seat", "seat")),
    "duty_seat added": ("user", _insert("duty_seat", **SEAT)),
    "stand_in added": ("user", _insert("stand_in", **TAKES)),
    "absence added": ("user", _insert("absence", **AWAY)),
    "membership.function": ("user", _change("membership", "membership", function="'section_clerk'")),
    "membership.active": ("user", _change("membership", "membership", active="false")),
    "membership.person_id": ("user", _elsewhere("membership", "membership", "person_id", "third")),
    "membership.unit_id": ("user", _elsewhere("membership", "membership", "unit_id", "office")),
    "membership gone": ("user", _remove("membership", "membership")),
    "unit.active": ("user", _change("unit", "unit", active="false")),
    "portfolio.active": ("user", _change("portfolio", "portfolio", active="false")),
    "portfolio_place.person_id": ("user", _elsewhere("portfolio_place", "place", "person_id", "third")),
    "portfolio_place.valid": ("user", _change("portfolio_place", "place", valid=GONE)),
    "portfolio_place gone": ("user", _remove("portfolio_place", "place")),
    "capability_change added": ("officer", _insert("capability_change", **ASKED)),
    "staffing_change added": ("user", _insert("staffing_change", **FILED)),
    "ab_role.name": ("user", _change("ab_role", "role", name="'post:nobody'")),
    "ab_permission_view_role gone": ("user", _remove("ab_permission_view_role", "pair")),
    "ab_permission_view.view_menu_id": ("user", lambda w: _other_menu(w)),
    "ab_permission.name": ("user", _change("ab_permission", "permission", name="'can_renamed'")),
    "ab_view_menu.name": ("user", _change("ab_view_menu", "menu", name="'Renamed'")),
    "coverage_state.gaps": ("user", _change("coverage_state", "coverage", gaps="gaps + 7")),
    **{
        f"post.{column}": ("user", _change("post", "keeper", **{column: value}))
        for column, value in {
            "active": "false", "number": "99", "name": "'示例改名'", "name_en": "'Renamed'", "code": "'renamed'",
            "channel_class": "'F'", "capabilities": "'{}'", "filled_by_duty": "true",
        }.items()
    },
    "post.scope": ("user", _change("post", "keeper", scope="'own_office'")),
    "post.office_id": ("second_user", _elsewhere("post", "duty_post", "office_id", "unit")),
    "post.leader_id": ("user", _change("post", "led", leader_id="NULL")),
    "post.sort": ("user", _change("post", "led", sort="-900")),
}  # fmt: skip


def _spare(world: World) -> int:
    """A user without account."""
    user, account = world._user("spare")
    world.other.remove("account", account)
    return user


def _other_menu(world: World) -> None:
    menu = world.other.insert("ab_view_menu", id="nextval('ab_view_menu_id_seq')", name="'Elsewhere'")
    world.other.change("ab_permission_view", world.view, view_menu_id=str(menu))


def _without_shift(world: World) -> None:
    world.other.remove("duty_seat", world.seat)
    world.other.remove("duty_shift", world.shift)


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_elsewhere_ends_what_is_remembered(world: World, what: str) -> None:
    whose, change = CHANGES[what]
    user_id, done = getattr(world, whose), len(world.other.back)
    before = world.standing(user_id)
    assert before == world.computed(user_id)
    assert world.standing(user_id) is before  # it is remembered
    try:
        change(world)
        after = world.standing(user_id)
        assert after == world.computed(user_id)
        assert after != before, "the change changes nothing: this proves nothing"
    finally:
        world.other.undo(done)
    assert world.standing(user_id) == before


# A row is there; then each of its columns that decides is changed.
LATER: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "absence.valid": ("user", "absence", AWAY, {"valid": GONE}),
    "absence.state": ("user", "absence", AWAY, {"state": "'requested'"}),
    "absence.person_id": ("user", "absence", AWAY, {"person_id": "{w.second}"}),
    "stand_in.valid": ("user", "stand_in", TAKES, {"valid": GONE}),
    "stand_in.person_id": ("user", "stand_in", TAKES, {"person_id": "{w.second}"}),
    "stand_in.post_id": ("user", "stand_in", TAKES, {"post_id": "{w.led}"}),
    "stand_in.kind": ("user", "stand_in", TAKES, {"kind": "'both_away'"}),
    "capability_change.state": ("officer", "capability_change", ASKED, {"state": "'refused'"}),
    "staffing_change.state": ("user", "staffing_change", FILED, {"state": "'acknowledged'"}),
}  # fmt: skip


@pytest.mark.parametrize("what", LATER)
def test_a_row_added_changed_and_removed_elsewhere_is_seen_each_time(world: World, what: str) -> None:
    whose, table, columns, changed = LATER[what]
    user_id, done = getattr(world, whose), len(world.other.back)
    seen = [world.standing(user_id)]
    try:
        row = world.other.insert(table, **{name: value.format(w=world) for name, value in columns.items()})
        seen.append(world.standing(user_id))
        world.other.change(table, row, **{name: value.format(w=world) for name, value in changed.items()})
        seen.append(world.standing(user_id))
        assert seen[-1] == world.computed(user_id)
        world.other.undo(len(world.other.back) - 1)
        assert world.standing(user_id) == seen[1]
        world.other.remove(table, row)
        assert world.standing(user_id) == seen[0]
    finally:
        world.other.undo(done)
    assert seen[0] != seen[1] != seen[2]


def test_gaps_of_a_post_he_leads_are_seen(world: World) -> None:
    """Of somebody whose badge does not count all of them."""
    done = len(world.other.back)
    try:
        world.other.change("post", world.led, leader_id=str(world.second))
        assert (before := world.standing(world.second_user)) is not None
        world.other.change("coverage_state", world.coverage, by_post=f"jsonb_build_object('{world.led}', 3)")
        assert (after := world.standing(world.second_user)) is not None
        assert after.coverage_gaps == before.coverage_gaps + 3
    finally:
        world.other.undo(done)


PERIODS: dict[str, tuple[str, str, dict[str, str]]] = {
    "absence": ("user", "absence", {"person_id": "{w.third}"}),
    "stand_in": ("user", "stand_in", {"kind": "'take_over'", "post_id": "{w.stood_by}", "person_id": "{w.person}"}),
    "holding": ("second_user", "holding", HELD),
    "portfolio_place": ("second_user", "portfolio_place", LINE | {"person_id": "{w.second}"}),
}  # fmt: skip


@pytest.mark.parametrize("bounds", ["[)", "(]", "[]", "()"])
@pytest.mark.parametrize("table", PERIODS)
def test_a_period_begins_and_ends_without_a_write(world: World, table: str, bounds: str) -> None:
    whose, name, columns = PERIODS[table]
    user_id, done, now = getattr(world, whose), len(world.other.back), present.now()
    start, end = now + timedelta(hours=1), now + timedelta(hours=2)
    tick = timedelta(microseconds=1)
    row = {key: value.format(w=world) for key, value in columns.items()}
    try:
        valid = f"tstzrange('{start.isoformat()}', '{end.isoformat()}', '{bounds}')"
        world.other.insert(name, **row, valid=valid)
        seen = []
        for moment in (now, start - tick, start, start + tick, end - tick, end, end + tick):
            with present.at(moment):
                seen.append(world.standing(user_id))
                assert seen[-1] == world.computed(user_id), moment
        assert seen[0] != seen[3]
        assert seen[0] == seen[-1]
    finally:
        world.other.undo(done)


def test_a_shift_begins_and_ends_without_a_write(world: World) -> None:
    now, done = present.now(), len(world.other.back)
    start, end = now + timedelta(hours=1), now + timedelta(hours=2)
    try:
        world.other.change("duty_shift", world.shift, valid=f"tstzrange('{start.isoformat()}', '{end.isoformat()}')")
        seen = []
        for moment in (now, start, end - timedelta(microseconds=1), end):
            with present.at(moment):
                found = world.standing(world.second_user)
                assert found == world.computed(world.second_user)
                seen.append(found is not None and any(one.filled_by_duty for one in found.posts))
        assert seen == [False, True, True, False]
    finally:
        world.other.undo(done)


def test_a_period_without_an_end_that_is_called_infinite_is_read(world: World) -> None:
    done = len(world.other.back)
    endless = "tstzrange('-infinity', 'infinity')"
    try:
        world.other.insert("absence", person_id=str(world.third), valid=endless)
        assert world.standing(world.user) == world.computed(world.user)
    finally:
        world.other.undo(done)


def test_emptying_a_table_elsewhere_is_seen(world: World, settings: Any) -> None:
    """Only the owner may; taken back, it changed nothing."""
    before = world.standing(world.user)
    moves = "SELECT sum(n) FROM staffing_move"
    with psycopg.connect(settings.database_url) as owner:
        first = owner.execute(moves).fetchone()
        owner.execute("TRUNCATE membership")
        assert owner.execute(moves).fetchone() != first
        owner.rollback()
    assert world.standing(world.user) is before


def test_every_table_of_the_statement_is_changed_here(world: World) -> None:
    with world.app.app_context():
        query = text("EXPLAIN (FORMAT JSON) " + grants._FACTS.text)
        explained = db.session.execute(query, {"user_id": 1, "now": present.now()}).scalar_one()
    tables = set(re.findall(r'"Relation Name": "(\w+)"', json.dumps(explained)))
    assert tables == {re.split(r"[. ]", name)[0] for name in (*CHANGES, *LATER)}
