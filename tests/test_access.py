"""Every address × method × role, with the expected answer declared in access.yaml (SECURITY.md section 5, T1).

A role is a person made for this test who is one thing only. The world has one appeal that went through a leader
to a unit; `handler_foreign`, `clerk_foreign` and the other class's collector stand outside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import yaml
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import Range
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.models import (
    Account,
    Appeal,
    Contact,
    DocumentTemplate,
    HandlingRequest,
    Holding,
    Person,
    Post,
    Recount,
    Report,
    SavedView,
    SlipSheet,
    StandIn,
    Task,
    Unit,
    db,
)
from app.reports import document_layout
from app.rules.values import ValueKind
from app.services import (
    absences,
    attachments,
    capability_changes,
    changes,
    definitions,
    field_definitions,
    handovers,
    imports,
    own_rows,
    own_sheets,
    present,
    sheets,
    staffing_lists,
    staffing_uploads,
    tasks,
    workflow,
)
from app.services.transaction import transaction
from app.sheets import BY_CODE
from tests.bad_files import png
from tests.factories import Factory

URL = "https://localhost"
DECLARED = yaml.safe_load((Path(__file__).with_name("access.yaml")).read_text("utf-8"))
OWN_SHEET = own_sheets.Plan("示例表", lines=(own_sheets.Line("示例名称", ValueKind.TEXT),))
ROLES: list[str] = DECLARED["roles"]
# Pages are wanted as pages, refusals as JSON: a refusal rendered as a page costs ten times as much.
HEADERS = {"Accept": "application/json, text/html;q=0.9"}
# A page for a person: whoever is not let in is sent somewhere instead.
PERSON = {"Accept": "text/html"}
SENT_AWAY = {"anonymous": "/login/", "expired": "/account/password/"}
# Read by every request, or written by every refusal: a session's last sign of life, the record of refusals.
NOT_BUSINESS = {"login_session", "audit", "heartbeat", "alembic_version"}


@dataclass
class World:
    """What the addresses point at, and for each role the cookie of a browser in which somebody is signed in."""

    app: Flask
    values: dict[str, Any] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def let_in(self, role: str, client: FlaskClient) -> None:
        cookie = client.get_cookie("__Host-sid", "localhost")
        assert cookie is not None
        self.cookies[role] = cookie.value

    def browser(self, role: str) -> FlaskClient:
        """A new browser each time: a request that is undone must not live on in its cookie."""
        client = self.app.test_client()
        if role in self.cookies:
            client.set_cookie("__Host-sid", self.cookies[role], domain="localhost")
        return client


@pytest.fixture
def world(app: Flask, make: Factory) -> World:
    """One office in which every role is held by somebody of his own."""
    found = World(app)
    _officers(found, make)
    own, foreign = _units(make)
    line = make.line(own)
    assert line.section is not None
    vice_mayor, leader, handler = make.person(), make.person(), make.member(own)
    make.stand(line, "vice_mayor", vice_mayor)
    clerk = make.member(line.section, "section_clerk")
    other_section = db.session.scalars(
        select(Unit).where(Unit.code.like("matching%"), Unit.id != line.section.id).order_by(Unit.id)
    ).first()
    assert other_section is not None
    outsiders = {
        "handler_foreign": make.member(foreign),
        "clerk_foreign": make.member(other_section, "section_clerk"),
    }
    appeal = _appeal(make, own)
    # From here on nobody is two things at once.
    _one_post_each(found, make)
    make.post("registrar").leader_id = leader.id
    db.session.commit()
    _thirteenth(found, make, line.section)
    people = {"handler_own": handler, "section_clerk": clerk, "vice_mayor": vice_mayor, "leader": leader, **outsiders}
    for role, person in people.items():
        found.let_in(role, make.signed_in(person))
    nobody = make.person()
    found.let_in("nobody", make.signed_in(nobody))
    expired = make.person()
    found.let_in("expired", make.signed_in(expired))
    account = db.session.scalars(select(Account).where(Account.person_id == expired.id)).one()
    account.must_change_password = True
    found.values.update(_things(appeal))
    found.values |= _own_sheet(make)
    found.values["sheet_id"] = _sheet(make)
    found.values["absence_id"], found.values["stand_in_id"] = _leave(make)
    found.values["account_id"] = db.session.scalars(select(Account.id).where(Account.person_id == nobody.id)).one()
    found.values["file_id"] = _file(make, own, found.values["appeal_id"])
    found.values["person_id"] = make.person().id
    found.values["office_id"] = make.unit("duty_office").id
    found.values["shift_id"] = make.running_shift(make.unit("duty_office")).id
    found.values["batch_id"] = _workbook(make)
    found.values["report_id"], found.values["task_id"] = _report(make)
    found.values["list_id"] = _published(make)
    found.values["change_id"] = _change(make, own)
    found.values["upload_id"] = _staffing_table(make)
    db.session.commit()
    db.session.remove()
    assert set(found.cookies) == set(ROLES) - {"anonymous"}
    return found


def _officers(world: World, make: Factory) -> None:
    for officer in ("system", "security", "audit"):
        world.let_in(officer, make.signed_in(officer=officer))


def _own_sheet(make: Factory) -> dict[str, Any]:
    """An own sheet that the supervisor fills in and the editor reads, with a row, and one in the trash."""
    officer, posts = make.actor(officer="system"), (make.post("editor").id, make.post("supervisor").id)
    sheet = own_sheets.make(officer, replace(OWN_SHEET, readers=posts[:1], writers=posts[1:]))
    own = definitions.current().sheets[sheet.code]
    kept, gone = (own_rows.write(officer, own, None, {"x_shi_li_ming_cheng": f"示例{n}行"}).id for n in (1, 2))
    own_rows.remove(officer, own, gone)
    scan = {"label": "示例扫描件", "code": "scan", "kind": "files"}
    field_definitions.add(officer, field_definitions.Place(definitions.OWN, sheet.id), scan)
    file = attachments.keep(officer, form_key="form", filename="示例.png", stream_or_bytes=png())
    own_rows.write(officer, own, None, {"x_scan": [file.id]})
    return {
        "own_file_id": file.id,
        "own_sheet_id": sheet.id, "own_code": sheet.code, "own_grid": f"own_{sheet.code}", "own_row_id": kept,
        "own_gone_id": gone,
    }  # fmt: skip


def _units(make: Factory) -> tuple[Unit, Unit]:
    own, foreign = make.a_unit(), make.a_unit(offset=1)
    assert own.id != foreign.id
    return own, foreign


def _appeal(make: Factory, unit: Unit) -> Appeal:
    """An appeal of class A that a leader saw and that the unit is working on."""
    appeal = make.appeal("instructed", unit=unit, appellant_phone="13800004321")
    director = make.actor(make.holder("duty_director"))
    workflow.act(director, appeal.id, "forward", {"unit": unit.code, "limit": "ordinary"}, version=None)
    workflow.act(make.actor(make.member(unit)), appeal.id, "sign_in", {}, version=None)
    db.session.refresh(appeal)
    return appeal


def _one_post_each(world: World, make: Factory) -> None:
    """Somebody of his own for each post; class A and F share the seat of one duty office (R17)."""
    for post in db.session.scalars(select(Post).order_by(Post.number)).all():
        post.leader_id = None
        if post.filled_by_duty:
            world.let_in(post.code, make.signed_in(make.on_duty(post.office)))
            continue
        for holding in db.session.scalars(select(Holding).where(Holding.post_id == post.id)):
            holding.person_id = make.person().id
            db.session.commit()
            if holding.valid.lower is None or holding.valid.lower <= present.now():
                role = post.code if holding.role == "A" else f"{post.code}_b"
                if role in ROLES:
                    world.let_in(role, make.signed_in(db.session.get_one(Person, holding.person_id)))


def _thirteenth(world: World, make: Factory, section: Unit) -> None:
    """A post made while everything runs: asked for in the form, confirmed by the other officer, then held."""
    form = {
        "number": "13",
        "name": "示例督查岗",
        "office": str(section.id),
        "capabilities": ["report", "supervise"],
        "scope": "own_office",
        "active": "y",
        "previewed": "1",
    }
    answer = world.browser("system").post("/dictionary/posts/add", base_url=URL, data=form)
    assert answer.status_code == 302, answer.text
    post = db.session.scalars(select(Post).where(Post.name == form["name"])).one()
    change = capability_changes.pending_of(post.id)
    assert change is not None
    agreed = {"seen": str(post.version)}
    world.browser("security").post(f"/capabilities/changes/{change.id}/confirm", base_url=URL, data=agreed)
    db.session.refresh(post)
    assert post.capabilities == ["report", "supervise"]
    person = make.person()
    db.session.add(Holding(post_id=post.id, person_id=person.id, role="A", valid=Range(present.now(), None)))
    db.session.commit()
    world.let_in("thirteenth", make.signed_in(person))
    # Another change waits: what the officers' pages are asked about.
    system = make.actor(officer="system")
    sheets.save(system, BY_CODE["posts"], post.id, {"capabilities": ["report"]})
    waits = capability_changes.pending_of(post.id)
    assert waits is not None
    world.values["asked_id"] = waits.id


def _things(appeal: Appeal) -> dict[str, Any]:
    """What a variable part of an address means, unless access.yaml says otherwise."""
    running = next(clock for clock in appeal.clocks if clock.stopped_at is None)
    # No cut-off, hence no nil return (R3): the answer is the same on working days and days of rest.
    collector_a = db.session.scalars(select(Post.id).where(Post.code == "collector_a")).one()
    return {
        "appeal_id": appeal.id,
        "clock_id": running.id,
        "slip_id": appeal.slips[0].id,
        **_documents(appeal),
        "unit_id": appeal.unit_id,
        "line_id": appeal.portfolio_id,
        "post_id": collector_a,
        "channel_class": "A",
        "contact_id": _contact(),
        "recount_id": _recount(),
        "view_id": db.session.scalars(select(SavedView.id).where(SavedView.code == "ledger_overdue")).one(),
        "section_id": db.session.scalars(select(Unit.id).where(Unit.kind == "section").order_by(Unit.id)).first(),
        "action": "answer",
        "locale": "zh",
        "filename": "mark.svg",
    }


def _file(make: Factory, unit: Unit, appeal_id: int) -> int:
    """A picture that the unit's handler added to the appeal."""
    handler = make.actor(make.member(unit))
    kept = attachments.receive(handler, form_key="form", filename="示例.png", stream_or_bytes=png())
    attachments.add(handler, appeal_id, [kept.id])
    return kept.id


def _documents(appeal: Appeal) -> dict[str, int]:
    """The slip on a hand-over sheet, a decided request of the unit, an own template of the slip, not in use."""
    slip, now = appeal.slips[0], present.now()
    sheet = SlipSheet(number="示例送单", section_id=slip.section_id, made_at=now, made_by_id=slip.opinion_by_id)
    slip.sheet = sheet
    decided = HandlingRequest(
        appeal_id=appeal.id, assignment_id=appeal.assignments[-1].id, kind="extension", state="refused",
        reason="示例", asked_at=now, asked_by_id=slip.opinion_by_id, decided_at=now, decided_by_id=slip.opinion_by_id,
    )  # fmt: skip
    content = document_layout.built_in("slip", str)
    user_id = db.session.scalars(select(Account.user_id)).first()
    own = DocumentTemplate(
        kind="slip", filename="示例.docx", content=content, size=len(content), sha256="0", by_id=user_id, retired_at=now
    )
    db.session.add_all([sheet, decided, own])
    db.session.flush()
    return {"slip_sheet_id": sheet.id, "decided_id": decided.id, "template_id": own.id}


def _sheet(make: Factory) -> int:
    """A hand-over sheet of the registrar's post, from A to B."""
    a, b, post = make.holder("registrar"), make.holder("registrar", "B"), make.post("registrar")
    with transaction():
        sheet = handovers.make_in(make.actor(a), "change", items=[], post_id=post.id, from_id=a.id, to_id=b.id)
    return sheet.id


def _recount() -> int:
    """A change of the calendar whose recount has not begun."""
    recount = Recount(kind="calendar", change={"days": ["2036-11-24"]}, counts={"after": 0, "late": False, "moved": {}})
    db.session.add(recount)
    db.session.flush()
    recount.task_id = tasks.create("recount", queue="imports", subject_id=recount.id, requested_by=None).id
    return recount.id


def _contact() -> int:
    """A broadcaster with which the C collector keeps contact."""
    contact = Contact(code="shili_diantai", name="示例电台", channel_class="C")
    db.session.add(contact)
    db.session.flush()
    return contact.id


def _leave(make: Factory) -> tuple[int, int]:
    """A request of the registrar's that waits, and a take-over by B that ended long ago."""
    now = present.now()
    a, b = make.holder("registrar"), make.holder("registrar", "B")
    wish = absences.Wish("leave", now + timedelta(days=30), now + timedelta(days=31))
    absence = absences.request(make.actor(a), wish)
    period = Range(now - timedelta(days=2), now - timedelta(days=1), bounds="[)")
    taken = StandIn(kind="take_over", post_id=make.post("registrar").id, person_id=b.id, valid=period)
    db.session.add(taken)
    db.session.commit()
    return absence.id, taken.id


def _workbook(make: Factory) -> int:
    """A workbook that the registrar handed in a moment ago."""
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet().write_row(0, 0, ("留言编号", "留言主题", "留言时间", "留言详情"))
    return imports.upload(make.actor(make.holder("registrar")), "示例.xlsx", file.getvalue()).id


def _change(make: Factory, unit: Unit) -> int:
    """A change in the unit's chain that its handler reported."""
    wanted = changes.Change("chain", present.now(), unit_id=unit.id, link="direct", role="B")
    wanted = replace(wanted, person_id=make.person(unit_id=unit.id).id)
    return changes.file(make.actor(make.member(unit)), wanted).id


def _report(make: Factory) -> tuple[int, int]:
    """A report that is ready, and the task by which the editor had it compiled."""
    editor = make.actor(make.holder("editor"))
    values = {"year": 2026, "quarter": 1, "locale": "zh", "filename": "示例.xlsx", "content": b"PK", "size": 2}
    report = Report(kind="quarterly", state="ready", sha256="0" * 64, data_moment=present.now(), **values)
    task = Task(kind="report", queue="reports", subject_id=0, state="running", requested_by_id=editor.user_id)
    db.session.add_all([report, task])
    db.session.commit()
    return report.id, task.id


def _published(make: Factory) -> int:
    """A published staffing list."""
    reader = staffing_lists.Reader(t=str, named=lambda row: row.name, duty=lambda post: post.duty)
    return staffing_lists.publish(make.actor(officer="system"), reader).id


def _staffing_table(make: Factory) -> int:
    """A staffing table that is to be looked at, with a new person and an office that nobody knows."""
    rows = ["岗位|职责|责任处室|责任领导|A角|B角", "信息编号登记员|示例。|示例处|示例新人|示例新手|空缺"]
    return staffing_uploads.hand_in_text(make.actor(officer="system"), "\n".join(rows)).id


# --- what is declared --------------------------------------------------------------------------------------


def _rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def _declared(endpoint: str, method: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = DECLARED["endpoints"].get(endpoint, {}).get(method)
    return found


def _expected(entry: dict[Any, Any], role: str) -> int:
    for name in (role, *DECLARED["like"].get(role, ())):
        for status, names in entry.items():
            if isinstance(status, int) and name in _members(names):
                return status
    if role in SENT_AWAY:
        return 302
    return int(entry.get("else", 403))


def _members(names: list[str]) -> set[str]:
    groups: dict[str, list[str]] = DECLARED["groups"]
    found: set[str] = set()
    for name in names:
        found |= _members(groups[name]) if name in groups else {name}
    unknown = found - set(ROLES)
    assert not unknown, f"no such role: {unknown}"
    return found


def test_every_address_is_declared_and_nothing_else(app: Flask) -> None:
    there = {(rule.endpoint, method) for rule, method in _rules(app)}
    declared = {
        (endpoint, method) for endpoint, entry in DECLARED["endpoints"].items() for method in entry if method.isupper()
    }
    assert not there - declared, f"not declared: {sorted(there - declared)}"
    assert not declared - there, f"declared, but gone: {sorted(declared - there)}"


def test_every_entry_names_known_roles() -> None:
    for entry in DECLARED["endpoints"].values():
        for method, answers in entry.items():
            if method.isupper():
                for status, names in answers.items():
                    assert not isinstance(status, int) or _members(names)


def test_strangers_see_the_door_only() -> None:
    open_to_all = {
        endpoint
        for endpoint, entry in DECLARED["endpoints"].items()
        for method, answers in entry.items()
        if method.isupper() and _expected(answers, "anonymous") < 300
    }
    assert open_to_all == {"SignInView.login", "health", "static", "appbuilder.static"}


# --- what happens ------------------------------------------------------------------------------------------


def _address(app: Flask, rule: Rule, world: World, entry: dict[str, Any]) -> str:
    values = {**world.values, **DECLARED["endpoints"][rule.endpoint].get("args", {}), **entry.get("args", {})}
    if "pk" in rule.arguments and "pk" not in entry.get("args", {}):
        values["pk"] = _first_row(app, rule.endpoint)
    chosen = {name: _filled(values[name], world) for name in rule.arguments}
    with app.test_request_context(base_url=URL):
        address: str = app.url_map.bind("localhost").build(rule.endpoint, chosen)
    return address + entry.get("query", "")


def _first_row(app: Flask, endpoint: str) -> Any:
    """The primary key of some row of the view's table."""
    name = endpoint.split(".")[0]
    view = next(v for v in app.extensions["appbuilder"].baseviews if type(v).__name__ == name)
    return db.session.scalar(select(view.datamodel.obj.id).order_by(view.datamodel.obj.id).limit(1))


def _answer(world: World, role: str, method: str, address: str, entry: dict[str, Any]) -> TestResponse:
    headers = PERSON if role in SENT_AWAY and not address.startswith("/api/") else HEADERS
    data = {name: _filled(value, world) for name, value in entry.get("form", {}).items()}
    sent = {"json": entry["json"]} if "json" in entry else {"data": data or None}
    return world.browser(role).open(address, method=method, base_url=URL, headers=headers, **sent)


def _filled(value: Any, world: World) -> Any:
    return world.values[value[1:]] if isinstance(value, str) and value.startswith("$") else value


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is taken back."""
    connection = db.engines[None]
    savepoint = connection.begin_nested()  # type: ignore[union-attr]
    try:
        yield
    finally:
        savepoint.rollback()


def _problems(app: Flask, world: World, methods: set[str]) -> Iterator[str]:
    for rule, method in _rules(app):
        entry = _declared(rule.endpoint, method)
        if method not in methods or entry is None:
            continue
        address = _address(app, rule, world, entry)
        for role in ROLES:
            with undone():
                answer = _answer(world, role, method, address, entry)
            wanted = _expected(entry, role)
            if answer.status_code != wanted:
                yield f"{method} {address} ({rule.endpoint}) as {role}: {answer.status_code}, declared {wanted}"
            elif wanted == 302 and role in SENT_AWAY and not _sent(answer, role, entry):
                yield f"{method} {address} ({rule.endpoint}) as {role} leads to {answer.location}"
            if method == "GET" and answer.status_code == 200 and answer.mimetype == "text/html":
                yield from _unfit(answer, address, role)


def _sent(answer: TestResponse, role: str, entry: dict[Any, Any]) -> bool:
    listed = any(isinstance(status, int) and role in _members(names) for status, names in entry.items())
    return listed or answer.location.startswith(SENT_AWAY[role])


def _unfit(answer: TestResponse, address: str, role: str) -> Iterator[str]:
    """What no page may show or lack, whoever reads it."""
    if "no-store" not in answer.headers["Cache-Control"]:
        yield f"{address} as {role} may be kept by a cache"
    if "13800004321" in answer.text:
        yield f"{address} shows the appellant's number to {role}"


def test_every_role_gets_what_is_declared_by_reading(app: Flask, world: World) -> None:
    problems = list(_problems(app, world, {"GET"}))
    assert not problems, "\n".join(problems)


def test_every_role_gets_what_is_declared_by_writing(app: Flask, world: World) -> None:
    problems = list(_problems(app, world, {"POST", "PUT", "PATCH", "DELETE"}))
    assert not problems, "\n".join(problems)


def test_reading_changes_nothing(app: Flask, world: World) -> None:
    """No GET of anybody who may read it writes a row of the business (SECURITY.md section 4, row 43)."""
    before = _fingerprints()
    for rule, method in _rules(app):
        entry = _declared(rule.endpoint, method)
        if method != "GET" or entry is None:
            continue
        address = _address(app, rule, world, entry)
        for role in ROLES:
            if _expected(entry, role) == 200:
                _answer(world, role, method, address, entry)
                break
    changed = {table for table, seen in _fingerprints().items() if seen != before[table]}
    assert not changed


def _fingerprints() -> dict[str, str]:
    tables = db.session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    ).all()
    seen = {
        table: db.session.scalar(text(f"SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM \"{table}\" t"))
        for table in tables
        if table not in NOT_BUSINESS
    }
    db.session.rollback()
    return seen
