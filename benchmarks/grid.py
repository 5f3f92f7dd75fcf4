"""The spreadsheet at a million appeals against the same rows by psycopg and against the floor (benchmarks/floor.py).

Ours is the product as it runs: its gunicorn, a signed-in browser, the addresses the page calls. Who reads is the
ledger's administrator, and for one case somebody who handles for a unit and sees its appeals alone. Each reference
answers the same rows: checked before anything is timed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, select

from app.models import Account, Appeal, Membership, Person, Post, db
from app.rules.grants import Grant, GrantSet, Scope
from app.services import accounts, field_definitions
from app.services.actors import Actor
from app.services.field_definitions import Place
from app.services.transaction import transaction
from benchmarks import floor
from benchmarks.loopback import Answer, Caller, at_once, served
from benchmarks.office import PASSWORD, Office
from benchmarks.timing import ROUNDS, Times, measure

KEEPER, HANDLER = "ledger_admin", "bench-handler"
LEDGER, APPEALS = "/api/v1/sheets/ledger", "/api/v1/sheets/appeals"
LIMIT, FARTHEST = 50, 500_000
RARE, COMMON = "西山小区路灯", "路灯"
CLIENTS, REQUESTS = 16, 1600
NEWEST, GROUPS, EDIT = "newest 50", "by unit with overdue counts", "one cell edit"


@dataclass(frozen=True)
class Case:
    """One thing asked three ways: a statement of grid.sql, and what the page sends to which address."""

    title: str
    statement: str
    body: Mapping[str, Any]
    path: str = f"{LEDGER}/rows"
    goal: float = 3.0
    against: str = "floor"


@dataclass
class Measured:
    """Times of a case by reference, and how they stand to its goal."""

    case: Case
    times: Mapping[str, Times]
    at_most: bool = True

    @property
    def ratio(self) -> float:
        """Ours in the time of the reference."""
        return self.times["ours"].median / self.times[self.case.against].median

    def __str__(self) -> str:
        goal = f"at most {self.case.goal:g} ×" if self.case.goal >= 1 else f"at most 1/{1 / self.case.goal:.0f}"
        kept = "kept" if self.ratio <= self.case.goal else "MISSED"
        lines = [f"\n{self.case.title}"]
        lines += [f"  {name:22} {times}" for name, times in self.times.items()]
        return "\n".join([*lines, f"  {self.ratio:6.3f} × {self.case.against}, {goal}: {kept}"])


def _rows(**query: Any) -> dict[str, Any]:
    return {"query": query, "limit": LIMIT}


@dataclass
class World:
    """Everything that is asked: the office, both servers, both people, parameters of the references."""

    office: Office
    ours: Caller
    handler: Caller
    floor: Caller
    raw: psycopg.Connection[Any]
    given: dict[str, Any]
    columns: list[str]
    cells: Iterator[int]
    statements: dict[str, list[str]] = field(default_factory=floor.statements)

    def cases(self) -> list[Case]:
        """Every case that reads."""
        unit, state, offset = (self.given[name] for name in ("unit", "state", "offset"))
        by_unit = [
            {"field": "state", "op": "is", "value": state}, {"field": "unit", "op": "is", "value": unit},
        ]  # fmt: skip
        heavy = {"field": "x_weight", "op": "at_least", "value": 99000}
        room = {"field": "x_room", "op": "is", "value": "示例77"}
        return [
            Case(NEWEST, "newest", _rows()),
            Case("newest 50 of one's own unit", "own_unit", _rows(), f"{APPEALS}/rows"),
            Case("state and unit, by limit", "filtered",
                 _rows(filter={"all": by_unit}, sort=[["limit_due_at", "asc"]])),
            Case(f"search, rare: {RARE}", "rare", _rows(search=RARE)),
            Case(f"search, common: {COMMON}", "common", _rows(search=COMMON)),
            Case("own field with an index, filter and order", "indexed_field",
                 _rows(filter={"all": [heavy]}, sort=[["x_weight", "asc"]])),
            Case("own field without, filter and order", "plain_field",
                 _rows(filter={"all": [room]}, sort=[["x_room", "asc"]])),
            Case(f"window at row {offset:,}", "window", {**_rows(), "offset": offset}, goal=0.1,
                 against="raw OFFSET"),
            Case(GROUPS, "groups", {"query": {}, "group": {"by": ["unit"]}}, f"{LEDGER}/groups", 1.3, "raw SQL"),
        ]  # fmt: skip


def show(office: Office, *, plans: bool = False) -> None:
    """Measure and print everything; `plans` keeps the plans of the references in a file."""
    with office.app.app_context():
        given, names = _prepared(office)
    environment = {"FLOOR_PARAMETERS": json.dumps(given), "FLOOR_DATABASE": office.settings.database_app_url}
    product = {"INSTANCE_DIR": str(office.settings.instance_dir), "DEMO": "True"}
    with (
        served(office.settings, "wsgi:create_app()", product) as port,
        served(office.settings, "benchmarks.floor:application", environment) as floor_port,
        psycopg.connect(office.settings.database_app_url, autocommit=True, options="-c timezone=UTC") as raw,
    ):
        keeper, handler = Caller(port), Caller(port)
        keeper.sign_in(names[KEEPER], PASSWORD)
        handler.sign_in(names[HANDLER], PASSWORD)
        columns = [one["key"] for one in keeper.call("GET", LEDGER).json["columns"] if one["listed"]]
        world = World(office, keeper, handler, Caller(floor_port), raw, given, columns, iter(_open(raw)))
        for case in world.cases():
            print(_case(world, case), flush=True)
        print(_edits(world), flush=True)
        _totals(world)
        _clients(world)
        if plans:
            _keep_plans(world)


def _prepared(office: Office) -> tuple[dict[str, Any], dict[str, str]]:
    """Two fields made at run time, one with an index, the two people; the parameters of the references."""
    keeper = Actor(None, None, GrantSet((Grant("system", Scope.ALL),)), process="bench")
    place = Place("appeal")
    if not field_definitions.listed(place):
        named = {"label": "示例重量", "label_en": "Weight", "kind": "number", "code": "weight", "is_indexed": True}
        field_definitions.add(keeper, place, named)
        field_definitions.add(keeper, place, {"label": "示例房间", "label_en": "Room", "kind": "text", "code": "room"})
        with psycopg.connect(office.owner_url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE appeal")
    busiest = select(Appeal.unit_id).where(Appeal.state == "in_progress", Appeal.unit_id.is_not(None))
    unit = db.session.scalar(busiest.group_by(Appeal.unit_id).order_by(func.count().desc()).limit(1))
    numbered = db.session.scalar(select(func.count()).select_from(Appeal).where(Appeal.number.is_not(None))) or 0
    keeper_id = office.account(KEEPER)
    names = {KEEPER: db.session.get_one(Account, keeper_id).user.username, HANDLER: HANDLER}
    accounts.ensure_demo(_handler(unit), HANDLER, PASSWORD)
    person = db.session.get_one(Account, keeper_id).person_id
    post = db.session.scalars(select(Post.id).where(Post.code == KEEPER)).one()
    given = {
        "now": datetime.now(UTC).isoformat(), "unit": unit, "state": "in_progress", "rare": RARE, "common": COMMON,
        "offset": min(FARTHEST, numbered // 2), "limit": LIMIT, "user": keeper_id, "person": person, "post": post,
    }  # fmt: skip
    return given, names


def _handler(unit: int | None) -> Person:
    """Somebody who handles for that unit."""
    found = db.session.scalars(select(Person).where(Person.code == HANDLER)).one_or_none()
    if found is None:
        with transaction():
            found = Person(code=HANDLER, name="示例承办人员", name_en="Handler", unit_id=unit, fictional=True)
            db.session.add(found)
            db.session.flush()
            db.session.add(Membership(person_id=found.id, unit_id=unit, function="handler"))
    return found


def _open(raw: psycopg.Connection[Any]) -> list[int]:
    """Appeals on which a cell may be written, enough for every edit."""
    open_ones = "SELECT id FROM appeal WHERE state IN ('assigned', 'in_progress', 'answered', 'closed')"
    found = raw.execute(open_ones + " ORDER BY id DESC LIMIT 300").fetchall()
    return [one for (one,) in found]


# --- reading ----------------------------------------------------------------------------------------------------


def _case(world: World, case: Case) -> Measured:
    caller = world.handler if case.path.startswith(APPEALS) else world.ours
    body = dict(case.body)
    if "group" not in body:
        body["query"] = {**body["query"], "columns": world.columns}
    asked, bare = caller.written("POST", case.path, body), world.floor.written("GET", f"/{case.statement}")
    for left in (2, 1, 0):  # a limit may pass between the two: then what is overdue is counted once more
        try:
            _same(case, _ok(caller.send(asked)).json, _ok(world.floor.send(bare)).json)
            break
        except AssertionError:
            if not left or "group" not in body:
                raise
    calls: dict[str, Callable[[], object]] = {
        "raw SQL": lambda: _raw(world, case.statement),
        "floor": lambda: _ok(world.floor.send(bare)),
        "ours": lambda: _ok(caller.send(asked)),
    }
    if case.statement == "window":
        calls = {
            "raw OFFSET": calls["raw SQL"], "raw OFFSET of ids": lambda: _raw(world, "window_ids"),
            "floor": calls["floor"], "ours": calls["ours"],
        }  # fmt: skip
    return Measured(case, measure(calls))


def _raw(world: World, name: str) -> list[Any]:
    return world.raw.execute(world.statements[name][0], world.given).fetchall()


def _ok(answer: Answer) -> Answer:
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.body[:300].decode('utf-8', 'replace')}")
    return answer


def _same(case: Case, ours: Any, bare: Any) -> None:
    """Ratios between different answers say nothing: stop."""
    if "groups" in ours:
        mine: Any = {(one["values"][0] or [None])[0]: [one["count"], one["overdue"]] for one in ours["groups"]}
        theirs: Any = {row[0]: row[2:] for row in bare["rows"]}
    else:
        mine = [(one["id"], one["version"], one["cells"]) for one in ours["rows"]]
        theirs = [(one["id"], one["version"], one["cells"]) for one in bare["rows"]]
    if mine != theirs or not mine:
        raise AssertionError(f"{case.title}: the reference differs\n{str(mine)[:1500]}\n{str(theirs)[:1500]}")


# --- writing, counting, many at once ----------------------------------------------------------------------------


def _edits(world: World) -> Measured:
    raw = world.raw
    floor.statements_of_edit[:] = world.statements[floor.EDIT]

    def cell(request: Callable[[int, int], object]) -> Callable[[], object]:
        prepared: list[tuple[int, int]] = []

        def ready() -> None:
            appeal_id = next(world.cells)
            found = raw.execute("SELECT version FROM appeal WHERE id = %s", [appeal_id]).fetchone()
            prepared.append((appeal_id, found[0] if found else 0))

        for _round in range(ROUNDS + 2):
            ready()
        return lambda: request(*prepared.pop())

    def given(appeal_id: int, version: int) -> dict[str, Any]:
        return {"id": appeal_id, "version": version, "value": secrets.randbelow(100_000), "key": secrets.token_hex(16)}

    def by_hand(appeal_id: int, version: int) -> object:
        cursor, found = floor.edited(raw, given(appeal_id, version), world.given)
        return floor.shown([one.name for one in cursor.description], found)

    def ours(appeal_id: int, version: int) -> object:
        one = given(appeal_id, version)
        body = {"version": version, "values": {"x_weight": one["value"]}, "request_key": one["key"]}
        return _ok(world.ours.call("PATCH", f"{LEDGER}/rows/{appeal_id}", body))

    times = measure(
        {
            "raw SQL": cell(by_hand),
            "floor": cell(lambda *one: _ok(world.floor.call("POST", "/edit", given(*one)))),
            "ours": cell(ours),
        }
    )
    return Measured(Case(EDIT, "edit", {}), times)


def _totals(world: World) -> None:
    """Rows never wait for a count: the outline is a request of its own."""
    query = {"filter": {"all": [{"field": "subject", "op": "contains", "value": COMMON}]}}
    rows = world.ours.written("POST", f"{LEDGER}/rows", {"query": {**query, "columns": world.columns}, "limit": LIMIT})
    count = world.ours.written("POST", f"{LEDGER}/outline", {"query": query})
    times = measure({"rows": lambda: _ok(world.ours.send(rows)), "outline": lambda: _ok(world.ours.send(count))})
    total = world.ours.send(count).json["total"]
    print(f"\nrows of a filter, and its outline ({total:,} rows counted), apart")
    for name, found in times.items():
        print(f"  {name:22} {found}")


def _clients(world: World) -> None:
    body = {**_rows(), "query": {"columns": world.columns}}
    ours, bare = world.ours.written("POST", f"{LEDGER}/rows", body), world.floor.written("GET", "/newest")
    figures = {}
    for name, call in (("floor", lambda: world.floor.send(bare)), ("ours", lambda: world.ours.send(ours))):
        at_once(call, CLIENTS, CLIENTS * 4)
        figures[name] = at_once(call, CLIENTS, REQUESTS)
    part = figures["ours"] / figures["floor"]
    print(f"\n{NEWEST}, {CLIENTS} clients at once, {REQUESTS:,} requests each way")
    for name, found in figures.items():
        print(f"  {name:22} {found:8,.0f} requests a second")
    print(f"  1/{1 / part:.1f} of the floor, at least 1/5: {'kept' if part >= 0.2 else 'MISSED'}")


def _keep_plans(world: World) -> None:
    explain, texts = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) ", []
    for name, (statement, *more) in world.statements.items():
        if not more:
            lines = world.raw.execute(explain + statement, world.given).fetchall()
            texts.append(f"-- {name}\n" + "\n".join(line for (line,) in lines))
    Path(__file__).with_name("grid.plan").write_text("\n\n".join(texts) + "\n", "utf-8")
