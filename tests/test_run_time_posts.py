"""Posts made at run time: any capabilities and scope, held at once and in every process, taken away likewise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app import create_app
from app.models import Appeal, Holding, Membership, Notice, Person, Post, StandIn, Unit, db
from app.rules.grants import EVERYBODY, POST_CAPABILITIES, permissions_of
from app.services import access, capability_changes, desk, grants, present, sheets, staffing
from app.services.desk import QUEUES
from app.sheets import BY_CODE
from tests.conftest import Browser
from tests.factories import Factory

URL = "https://localhost"
# Which page proves which pair: everything the menu can lead a holder of posts to.
PAGES = {
    ("can_read", "Appeals"): "/ledger/appeals/list/",
    ("can_read", "Ledger"): "/ledger/book/list/",
    ("can_read", "Overdue"): "/overdue/",
    ("can_read", "Reports"): "/reports/",
    ("can_read", "Imports"): "/imports/",
    ("can_read", "Posts"): "/dictionary/posts/list/",
    ("can_read", "Capabilities"): "/capabilities/",
    ("can_read", "Audit"): "/audit/",
}
# (capabilities, scope, class): each capability by itself, each scope, and mixtures no founding post has.
MADE = [
    (("carry",), "all", None),
    (("carry", "number"), "own_office", None),
    (("collect",), "all", "B"),
    (("collect", "see_phone", "number"), "own_class", "C"),
    (("number",), "own_class", "C"),
    (("number", "triage", "carry", "record"), "all", None),
    (("record",), "own_unit", None),
    (("record", "report"), "own_class", "A"),
    (("report",), "own_office", None),
    (("see_phone",), "all", None),
    (("supervise",), "own_unit", None),
    (("supervise", "report"), "own_office", None),
    (("triage",), "own_class", "A"),
    ((), "all", None),
]


def _section(make: Factory) -> Unit:
    """The matching section of the unit that the appeals of these tests go to."""
    line = make.line(make.a_unit())
    assert line.section is not None
    return line.section


def _post(make: Factory, capabilities: tuple[str, ...], scope: str, letter: str | None, office: Unit) -> Post:
    """Through the form's write path, then confirmed by the other officer."""
    number = 13 + make.count(Post) - 12
    values = {
        "number": str(number),
        "name": f"示例岗位{number}",
        "office": office.id,
        "capabilities": list(capabilities),
        "scope": scope,
        "channel_class": letter or "",
    }
    post = sheets.save(make.actor(officer="system"), BY_CODE["posts"], None, values)
    change = capability_changes.pending_of(post.id)
    if change is not None:
        capability_changes.confirm(make.actor(officer="security"), change.id, seen=post.version)
    db.session.refresh(post)
    return post


def _given_to(post: Post, person: Person) -> None:
    started = present.now() - timedelta(hours=1)
    db.session.add(Holding(post_id=post.id, person_id=person.id, role="A", valid=Range(started, None)))
    db.session.commit()


def _appeals(make: Factory, office: Unit) -> list[Appeal]:
    unit = make.a_unit()
    found = [
        make.appeal("registered", channel_class="A"),
        make.appeal("submitted", channel_class="C"),
        make.appeal("draft", channel_class="B"),
        make.appeal("slip_ready", unit=unit),
        make.appeal("in_progress", unit=unit),
        make.appeal("closed", unit=unit, channel_class="C"),
    ]
    # The office itself answers for one: nothing forwards there, an import may have brought it.
    found[4].unit_id = office.id
    db.session.commit()
    return found


def _in_scope(appeal: Appeal, post: Post) -> bool:
    """Said once more in plain words, not by the clause that is tested."""
    if not post.capabilities:
        return False
    match post.scope:
        case "all":
            return True
        case "own_class":
            return appeal.channel_class == post.channel_class
        case "own_unit":
            return appeal.unit_id == post.office_id and appeal.state in ("in_progress", "closed")
        case _:
            return appeal.section_id == post.office_id and appeal.state == "slip_ready"


@pytest.mark.parametrize(("capabilities", "scope", "letter"), MADE)
def test_its_holder_has_a_desk_a_menu_and_exactly_those_rights(
    make: Factory, capabilities: tuple[str, ...], scope: str, letter: str | None
) -> None:
    office = _section(make)
    appeals = _appeals(make, office)
    post, person = _post(make, capabilities, scope, letter, office), make.person()
    _given_to(post, person)
    standing = grants.standing_of(make.user_of(person).id)
    assert standing is not None
    assert standing.pairs == EVERYBODY | permissions_of(capabilities)
    browser = make.signed_in(person)
    _sees(browser, post, appeals)
    for pair, page in PAGES.items():
        assert (browser.get(page, base_url=URL).status_code == 200) == (pair in standing.pairs), page
    page = browser.get("/desk/", base_url=URL)
    assert page.status_code == 200
    assert post.name in page.text
    for view in ("Ledger", "Overdue", "Reports", "Imports"):
        assert (f'data-badge="{view}"' in page.text) == (("menu_access", view) in standing.pairs)
    queues = {(queue.capability, queue.name) for queue in desk.queues(make.actor(person))}
    wanted = {(code, name) for code in capabilities for name, _states in QUEUES.get(code, ())}
    assert queues - {("record", "without_note")} == wanted


def _sees(browser: FlaskClient, post: Post, appeals: list[Appeal]) -> None:
    for appeal in appeals:
        status = browser.get(f"/appeals/{appeal.id}", base_url=URL).status_code
        wanted = 200 if _in_scope(appeal, post) else 404 if post.capabilities else 403
        assert status == wanted, (appeal.state, appeal.channel_class, post.scope)


@given(
    codes=st.lists(st.sampled_from(POST_CAPABILITIES), min_size=1, max_size=5, unique=True),
    scope=st.sampled_from(("all", "own_class", "own_unit", "own_office")),
    letter=st.sampled_from("ABCDEF"),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_combination_that_is_accepted_gives_its_pairs_and_rows(
    make: Factory, codes: list[str], scope: str, letter: str
) -> None:
    if "collect" in codes and scope not in ("all", "own_class"):
        return  # refused at the field: tests/services/test_sheets.py
    post, person = _post(make, tuple(codes), scope, letter, make.unit("duty_office")), make.person()
    _given_to(post, person)
    standing = grants.standing_of(make.user_of(person).id)
    assert standing is not None
    assert standing.pairs == EVERYBODY | permissions_of(codes)
    assert standing.grants.capabilities == set(codes)
    assert {grant.scope.value for grant in standing.grants.grants} == {scope}


def test_two_posts_with_one_capability_share_the_work_by_their_scopes(make: Factory) -> None:
    """A registrar for class C beside the registrar for all: who is asked next, who is told, whose queue it is."""
    office = make.unit("duty_office")
    post, person = _post(make, ("number",), "own_class", "C", office), make.person()
    _given_to(post, person)
    mine, other = make.appeal("submitted", channel_class="C"), make.appeal("submitted", channel_class="A")
    assert staffing.post_with("number", access.row_facts(mine)) == post
    assert staffing.post_with("number", access.row_facts(other)) == make.post("registrar")
    assert person.id in staffing.acting_with("number", access.row_facts(mine))
    assert person.id not in staffing.acting_with("number", access.row_facts(other))
    (queue,) = [queue for queue in desk.queues(make.actor(person)) if queue.name == "to_number"]
    assert [row.id for row in queue.rows] == [mine.id]
    page = make.signed_in(make.holder("collector_c")).get(f"/appeals/{mine.id}", base_url=URL)
    assert post.name in page.text


def test_nobody_is_told_of_what_is_out_of_his_sight(make: Factory) -> None:
    office = make.unit("info_center")
    post, person = _post(make, ("triage", "number", "carry"), "own_class", "E", office), make.person()
    _given_to(post, person)
    make.appeal("instructed", channel_class="A")
    assert make.count(Notice, person_id=person.id) == 0


def test_a_post_that_collects_all_classes_has_a_desk_of_its_own(make: Factory) -> None:
    post, person = _post(make, ("collect",), "all", "D", make.unit("duty_office")), make.person()
    _given_to(post, person)
    (day,) = desk.collector_days(make.actor(person))
    assert (day.post_id, day.channel_class) == (post.id, "D")
    browser = make.signed_in(person)
    for letter in "AD":
        assert browser.get(f"/intake/{letter}", base_url=URL).status_code == 200


def test_a_post_taken_out_of_use_loses_its_rights_at_the_next_request(make: Factory) -> None:
    office = _section(make)
    appeals = _appeals(make, office)
    post, person = _post(make, ("supervise",), "all", None, office), make.person()
    _given_to(post, person)
    browser = make.signed_in(person)
    assert browser.get("/overdue/", base_url=URL).status_code == 200
    make.signed_in(officer="system").post(f"/dictionary/posts/delete/{post.id}", base_url=URL)
    assert browser.get("/overdue/", base_url=URL).status_code == 403
    assert browser.get(f"/appeals/{appeals[0].id}", base_url=URL).status_code == 403
    assert browser.get("/desk/", base_url=URL).status_code == 200


def test_a_right_taken_away_is_refused_at_the_next_request(make: Factory) -> None:
    """SECURITY row 20: revoke, then the next call is 403."""
    browser = make.signed_in(make.holder("supervisor"))
    post = make.post("supervisor")
    assert browser.get("/ledger/book/list/", base_url=URL).status_code == 200
    system, security = make.signed_in(officer="system"), make.signed_in(officer="security")
    form = _form(post, capabilities=["report"], previewed="1")
    assert system.post(f"/dictionary/posts/edit/{post.id}", base_url=URL, data=form).status_code == 302
    # Asked for is not taken away yet.
    assert browser.get("/ledger/book/list/", base_url=URL).status_code == 200
    change = capability_changes.pending_of(post.id)
    assert change is not None
    agreed = {"seen": str(make.post("supervisor").version)}
    security.post(f"/capabilities/changes/{change.id}/confirm", base_url=URL, data=agreed)
    assert browser.get("/ledger/book/list/", base_url=URL).status_code == 403
    assert browser.get("/reports/", base_url=URL).status_code == 200


def _form(post: Post, **more: Any) -> dict[str, Any]:
    """The posts form as the browser sends it, with something typed over."""
    return {
        "number": str(post.number),
        "name": post.name,
        "name_en": post.name_en,
        "duty": post.duty,
        "duty_en": post.duty_en,
        "office": str(post.office_id),
        "channel_class": post.channel_class or "",
        "capabilities": list(post.capabilities),
        "scope": post.scope,
        "active": "y",
        "version": str(post.version),
        **({"filled_by_duty": "y"} if post.filled_by_duty else {}),
        **more,
    }


# --- in every process -----------------------------------------------------------------------------------------


@contextmanager
def _second_process(app: Flask) -> Iterator[Flask]:
    """Another application as a second worker would have it: started before, of views and menus of its own."""
    kept = {key: app.config[key] for key in app.config if not key.startswith("SQLALCHEMY_RECORD")}
    second = create_app(kept)
    second.test_client_class = Browser
    connection = db.engines[None]
    with second.app_context():
        db.engines[None] = connection
    try:
        yield second
    finally:
        with second.app_context():
            db.session.remove()


def test_a_thirteenth_post_is_there_in_every_process_without_restart(app: Flask, make: Factory) -> None:
    person = make.person()
    with _second_process(app) as second:
        there = _signed_in_at(second, make, person)
        assert there.get("/overdue/", base_url=URL).status_code == 403
        post = _post(make, ("supervise",), "all", None, make.unit("duty_office"))
        _given_to(post, person)
        page = there.get("/desk/", base_url=URL)
        assert post.name in page.text
        assert 'data-badge="Overdue"' in page.text
        assert there.get("/overdue/", base_url=URL).status_code == 200
        # Taken away here, gone there.
        sheets.remove(make.actor(officer="system"), BY_CODE["posts"], post.id)
        assert there.get("/overdue/", base_url=URL).status_code == 403


def _signed_in_at(second: Flask, make: Factory, person: Person) -> FlaskClient:
    here = make.signed_in(person)
    cookie = here.get_cookie("__Host-sid", "localhost")
    assert cookie is not None
    there = second.test_client()
    there.set_cookie("__Host-sid", cookie.value, domain="localhost")
    return there


# --- for a time only --------------------------------------------------------------------------------------------


def test_a_stand_in_ends_by_itself(make: Factory) -> None:
    """SECURITY row 21: past its end the next request is refused, whoever forgot about it."""
    person, now = make.person(), present.now()
    post = make.post("supervisor")
    ends = now + timedelta(minutes=10)
    db.session.add(StandIn(kind="take_over", post_id=post.id, person_id=person.id, valid=Range(now, ends)))
    db.session.commit()
    browser = make.signed_in(person)
    with present.at(now + timedelta(minutes=5)):
        assert browser.get("/overdue/", base_url=URL).status_code == 200
    with present.at(ends):
        assert browser.get("/overdue/", base_url=URL).status_code == 403


def test_a_holding_ends_by_itself(make: Factory) -> None:
    person, now = make.person(), present.now()
    post = _post(make, ("supervise",), "all", None, make.unit("duty_office"))
    ends = now + timedelta(minutes=10)
    db.session.add(Holding(post_id=post.id, person_id=person.id, role="A", valid=Range(now, ends)))
    db.session.commit()
    browser = make.signed_in(person)
    with present.at(now + timedelta(minutes=5)):
        assert browser.get("/overdue/", base_url=URL).status_code == 200
    with present.at(ends):
        assert browser.get("/overdue/", base_url=URL).status_code == 403


def test_somebody_out_of_use_is_nothing_any_more(make: Factory) -> None:
    """A leaver whose login is still open holds, leads and handles nothing."""
    unit = make.a_unit()
    person = make.member(unit)
    post = _post(make, ("supervise",), "all", None, make.unit("duty_office"))
    post.leader_id = person.id
    _given_to(post, person)
    assert make.actor(person).grants.can("answer")
    person.active = False
    db.session.commit()
    assert make.count(Membership, person_id=person.id, active=True) == 1
    assert make.actor(person).grants.grants == ()


def test_no_post_is_known_by_its_code(app: Flask) -> None:
    """Posts are found by what they may do; a code of the founding table stands in no line of the product."""
    from pathlib import Path

    codes = list(db.session.scalars(select(Post.code)))
    found = [
        f"{path.name}: {code}"
        for path in sorted(Path(app.root_path).rglob("*.py"))
        if "migrations" not in path.parts
        for code in codes
        if f'"{code}"' in path.read_text("utf-8")
    ]
    assert found == []
